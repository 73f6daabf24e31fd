# SPDX-License-Identifier: GPL-2.0-or-later
"""The Debian 13 in which everything is built, and which brings the kernel's source, busybox and GRUB. It lives in a
folder; nothing of the building machine changes."""
import re
from pathlib import Path

from .tools import digest, fail, made_once, run, say

RELEASE = "trixie"
BUILD = (
	"gcc", "libc6-dev", "make", "cmake", "ninja-build", "pkg-config",
	# the kernel: its source, and what its makefiles call
	"linux-source-6.12", "bc", "bison", "bsdextrautils", "flex", "libelf-dev", "perl", "xz-utils",
	# arm64
	"gcc-aarch64-linux-gnu", "libc6-dev:arm64",
	# disks
	"squashfs-tools", "e2fsprogs", "dosfstools", "mtools", "fdisk", "grub-common", "openssl",
)
LIBRARIES = ("libmnl-dev", "libnftnl-dev", "libmbedtls-dev")  # for either architecture
UNPACKED = ("busybox-static:amd64", "busybox-static:arm64", "grub-efi-amd64-bin:amd64", "grub-efi-arm64-bin:arm64")
# Manuals and translations, of no use here, are half of all files; licences are kept.
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")
UNPACKED_AT = "/usr/src/unpacked"
DOWNLOAD = (f"mkdir -p {UNPACKED_AT} && cd {UNPACKED_AT} && apt-get download -o APT::Sandbox::User=root " +
            " ".join(UNPACKED) + " && for deb in *.deb; do "
            "name=$(dpkg-deb -f $deb Package):$(dpkg-deb -f $deb Architecture); dpkg-deb -x $deb $name; "
            "echo $name $(dpkg-deb -f $deb Version) $(dpkg-deb -f $deb Built-Using)"
            " $(dpkg-deb -f $deb Static-Built-Using) >> versions; rm $deb; done")


def sources(release=RELEASE, kind="deb"):
	"""Lines of sources.list for a release of Debian, from where this machine takes its own packages; with `kind` deb-src
	for its source packages."""
	words = ["apt-get", "indextargets", "--format", "deb $(REPO_URI) $(RELEASE) $(COMPONENT)",
	         "Created-By: Packages", "Origin: Debian"]
	lines = run(*words)
	if "deb " not in lines:  # its lists were never fetched, or thrown away
		run("apt-get", "update", "--quiet")
		lines = run(*words)
	ours = re.search(r"^VERSION_CODENAME=(\w+)", Path("/etc/os-release").read_text(), re.M)[1]
	lines = sorted({kind + line[3:].replace(f" {ours}", f" {release}") + "\n" for line in lines.splitlines()
	                if line.startswith("deb ") and " main" in line})
	if not lines:
		fail("apt-get knows no source of Debian's packages on this machine; /etc/apt/sources.list.d should name one")
	return "".join(lines)


class Debian:
	"""The one in a folder. `inside` runs a program in it, without a network."""

	def __init__(self, folder):
		self.folder = folder

	def inside(self, script, *arguments, mounts=(), **options):
		"""A shell script with arguments. `mounts` are (outside, inside, ro or rw); they end with the script."""
		parts = ["set -e", 'mount -t proc proc "$1/proc"', 'mount -t tmpfs tmpfs "$1/tmp"']
		for outside, inside, mode in mounts:
			parts.append(f"mkdir -p '{self.folder}{inside}'")
			parts.append(f"mount --bind '{outside}' '{self.folder}{inside}'")
			if mode == "ro":
				parts.append(f"mount -o remount,bind,ro '{self.folder}{inside}'")
		parts.append('exec chroot "$@"')
		# Whoever ends the build, in whatever way, ends what runs in here.
		return run("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "sh", "-c", "\n".join(parts), "sh",
		           self.folder, "sh", "-ec", script, "sh", *arguments, **options)

	def versions(self):
		"""Package -> version, of everything in it and of what was unpacked beside."""
		found = {}
		for line in self.inside("dpkg-query -W -f '${Package}:${Architecture} ${Version}\\n'").splitlines():
			name, version = line.split()
			found[name] = version
		for line in (self.folder / UNPACKED_AT[1:] / "versions").read_text().splitlines():
			name, version = line.split()[:2]
			found[name] = version
		return found

	def built_using(self, package, what):
		"""The version of a library whose octets are in a package of UNPACKED, as the package says."""
		for line in (self.folder / UNPACKED_AT[1:] / "versions").read_text().splitlines():
			found = re.search(rf"\b{what} \(= (\S+)\)", line)
			if line.startswith(f"{package} ") and found:
				return found[1]
		return fail(f"Debian's {package} does not say with which {what} it was built")

	def unpacked(self, package):
		"""Where a package of UNPACKED is."""
		return self.folder / UNPACKED_AT[1:] / package


def debian(cache, fresh=False):
	"""A Debian, from the cache if it is there; `fresh`: as it is in the archive now."""
	packages = [*BUILD, *[f"{name}:{architecture}" for name in LIBRARIES for architecture in ("amd64", "arm64")]]
	where = sources()
	name = f"debian-{digest(where, *packages, DOWNLOAD, *LEFT_OUT)}"

	def fill(folder):
		settings = cache / f"{name}.apt.conf"
		# How this machine reaches the network, if in a special way
		settings.write_text("".join(line + "\n" for line in run("apt-config", "dump").splitlines()
		                            if line.startswith("Acquire::")))
		run("mmdebstrap", "--variant=apt", "--architectures=amd64,arm64", "--format=directory",
		    f"--aptopt={settings}", *[f"--dpkgopt=path-exclude={path}" for path in LEFT_OUT],
		    "--dpkgopt=path-include=/usr/share/doc/*/copyright", f"--include={','.join(packages)}",
		    "--customize-hook=chroot \"$1\" sh -ec '" + DOWNLOAD + "'",
		    RELEASE, folder / "root", "-", input=where, log=cache / f"{name}.log")
		say(f"a Debian 13 of {run('du', '-sm', folder).split()[0]} MB")

	return Debian(made_once(cache, name, "a Debian 13 to build in", fill, fresh) / "root")
