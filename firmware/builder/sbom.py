# SPDX-License-Identifier: GPL-2.0-or-later
"""The bill of materials, CycloneDX 1.5 JSON: everything whose octets are in an image, with version, licence and where
it came from."""
import datetime
import json
import uuid
from urllib.parse import quote

from .tools import EPOCH, sha256

# Component, Debian package it is from, licence (SPDX), what of it is in the image
COMPONENTS = (
	("linux", "linux-source-6.12:all", "GPL-2.0-only WITH Linux-syscall-note", "the kernel of both slots", "operating-system"),
	("grub", "grub-efi-{arch}-bin:{arch}", "GPL-3.0-or-later", "the boot loader in the EFI system partition", "firmware"),
	("busybox", "busybox-static:{arch}", "GPL-2.0-only", "init, shell and tools, static", "application"),
	("glibc", "libc6-dev:{arch}", "LGPL-2.1-or-later", "the C library inside the static programs", "library"),
	("libmnl", "libmnl-dev:{arch}", "LGPL-2.1-or-later", "inside leadglass and leadglassd", "library"),
	("libnftnl", "libnftnl-dev:{arch}", "GPL-2.0-or-later", "inside leadglass and leadglassd", "library"),
	("mbedtls", "libmbedtls-dev:{arch}", "Apache-2.0 OR GPL-2.0-or-later", "inside leadglass and leadglassd", "library"),
	("gcc-libgcc", "{libgcc}", "GPL-3.0-or-later WITH GCC-exception-3.1", "libgcc inside the static programs",
	 "library"),
)


def component(name, package, version, licence, what, kind, prefix=""):
	"""`prefix` tells apart what is in the image twice."""
	purl = f"pkg:deb/debian/{package.split(':')[0]}@{quote(version, safe='')}?arch={package.split(':')[1]}&distro=debian-13"
	return {
		"type": kind, "bom-ref": prefix + purl, "supplier": {"name": "Debian"}, "name": name, "version": version, "purl": purl,
		"description": what,
		"licenses": [{"expression": licence}] if " " in licence else [{"license": {"id": licence}}],
	}


def write_sbom(path, board, release, debian, files, boot_loader=None):
	"""`files` are those whose hashes it carries: the image, the slot."""
	arch = "arm64" if board.arm64() else "amd64"
	versions = debian.versions()
	components = []
	for name, package, licence, what, kind in COMPONENTS:
		package = package.format(arch=arch, libgcc="libgcc-14-dev-arm64-cross:all" if board.arm64() else "libgcc-14-dev:amd64")
		components.append(component(name, package, versions[package], licence, what, kind))
	inside = debian.built_using(f"busybox-static:{arch}", "glibc")
	components.append(component("glibc", f"libc6-dev:{arch}", inside, "LGPL-2.1-or-later", "the C library inside busybox", "library",
	                            "busybox-"))
	if boot_loader:
		components.append({
			"type": "firmware", "bom-ref": "boot-loader", "name": boot_loader.name, "description": "given with --boot-loader; what "
			"it is made of is for its maker to say", "hashes": [{"alg": "SHA-256", "content": sha256(boot_loader)}],
		})
	ours = {
		"type": "application", "bom-ref": "leadglass", "name": "leadglass", "version": release["version"],
		"description": "agent, command, init's scripts", "licenses": [{"license": {"id": "GPL-2.0-or-later"}}],
	}
	refs = [one["bom-ref"] for one in components]
	libraries = [one["bom-ref"] for one in components if one["type"] == "library"]
	document = {
		"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
		"serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, board.name + json.dumps(components))}",
		"metadata": {
			"timestamp": datetime.datetime.fromtimestamp(EPOCH, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
			"component": {
				"type": "firmware", "bom-ref": "image", "name": f"leadglass-{board.name}", "version": release["version"],
				"properties": [{"name": f"leadglass:sha256:{file.name}", "value": sha256(file)} for file in files],
			},
		},
		"components": [ours, *components],
		"dependencies": [{"ref": "image", "dependsOn": ["leadglass", *refs]},
		                 {"ref": "leadglass", "dependsOn": [ref for ref in libraries if not ref.startswith("busybox-")]}],
	}
	path.write_text(json.dumps(document, indent=2) + "\n")
	return components
