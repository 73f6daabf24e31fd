#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: arm64.py FOLDER

Cross-builds the package for arm64 against the libraries of an arm64 Debian that is unpacked and never run, looks into
it, and runs the command in an emulator. As root.
"""
import os
import re
import subprocess
import sys
import time

import package
from package import SOURCE, must, say

from check import run

# The package that brings a library
LIBRARIES = {
	"libc.so.6": "libc6",
	"ld-linux-aarch64.so.1": "libc6",
	"libmnl.so.0": "libmnl0",
	"libnftnl.so.11": "libnftnl11",
	"libmbedcrypto.so.7": "libmbedcrypto7",
	"libmbedx509.so.1": "libmbedx509-1",
}


def relative_links(top):
	"""Links to absolute names lead out of an unpacked Debian into this machine; makes them relative."""
	for folder, folders, files in os.walk(top):
		for name in folders + files:
			path = os.path.join(folder, name)
			if os.path.islink(path) and os.readlink(path).startswith("/"):
				target = os.path.relpath(str(top) + os.readlink(path), folder)
				os.unlink(path)
				os.symlink(target, path)


def main():
	if len(sys.argv) != 2:
		sys.exit(__doc__.strip())
	folder = package.fresh_folder(sys.argv[1])
	debian = folder / "debian"

	def test(checks):
		version = re.search(r"project\(leadglass VERSION (\S+)", (SOURCE / "CMakeLists.txt").read_text())[1]
		began = time.monotonic()
		package.make_debian(debian, "--variant=extract", "--architectures=arm64",
		                    packages=["libc6-dev", "libmnl-dev", "libnftnl-dev", "libmbedtls-dev"])
		relative_links(debian)
		say(f"a Debian after {time.monotonic() - began:.0f} s")
		deb, = package.build("package-arm64", folder / "build", [""], {"LEADGLASS_SYSROOT": str(debian)})
		say(f"built after {time.monotonic() - began:.0f} s")
		checks.equal(deb.name, f"leadglass_{version}_arm64.deb", "name of the package")
		fields = package.control(deb)
		checks.equal(fields["Architecture"], "arm64", "its architecture")
		must("dpkg-deb", "--extract", deb, folder / "unpacked")
		needed = set()
		for name in ("usr/bin/leadglass", "usr/sbin/leadglassd"):
			program = folder / "unpacked" / name
			header = must("readelf", "--file-header", "--dynamic", "--sections", program)
			checks.check(re.search(r"Machine: +AArch64", header), f"{name} is for AArch64", header)
			checks.check(".symtab" not in header, f"{name} is stripped")
			needed.update(re.findall(r"\(NEEDED\).*\[(.*)\]", header))
		wanted = {LIBRARIES.get(name, name) for name in needed}
		depends = {word.split()[0] for word in fields["Depends"].split(", ")} - {"adduser", "sysvinit-utils"}
		checks.equal(depends, wanted, "it depends on the packages of the libraries it needs")

		command = ["qemu-aarch64", "-L", str(debian), str(folder / "unpacked/usr/bin/leadglass")]
		done = subprocess.run([*command, "--version"], capture_output=True, text=True)
		checks.equal(done.stdout.split(), ["leadglass", version], "leadglass --version, emulated")
		for example in sorted((SOURCE / "docs/examples").glob("*.conf")):
			done = subprocess.run([*command, "check", str(example)], capture_output=True, text=True)
			checks.equal(done.returncode, 0, f"leadglass check of {example.name}, emulated")
		say(f"done after {time.monotonic() - began:.0f} s")

	try:
		run(test)
	finally:
		subprocess.run(["rm", "-rf", debian])


if __name__ == "__main__":
	main()
