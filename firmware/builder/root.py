# SPDX-License-Identifier: GPL-2.0-or-later
"""The read-only root of a board, and the slot that holds it: one squashfs with kernel and userland."""
import os
import shutil

from .tools import EPOCH, FIRMWARE, fail, say

FOLDERS = ("bin", "boot", "data", "dev", "etc/leadglass/trust", "etc/leadglass/update-trust", "proc", "root", "run",
           "sbin", "sys", "tmp", "usr/bin", "usr/sbin", "usr/share/leadglass", "var/lib/leadglass")
# What init's scripts and somebody on the console call. An applet that is missing in busybox fails the build.
APPLETS = {
	"bin": "base64 cat chmod chown cp date dd df dmesg echo false grep head kill ln ls mkdir mount mv pidof ps rm sed sh sleep "
	       "stat stty sync tail timeout touch true umount uname vi",
	"sbin": "init ip hwclock poweroff reboot sysctl syslogd halt",
	"usr/bin": "basename cut dirname find free hexdump less logger md5sum nc readlink sha256sum sort top tr uniq unxz "
	           "uptime wc which xargs",
}
# Files that take no comments
TEXTS = {
	"etc/passwd": "root:x:0:0:root:/root:/bin/sh\nleadglass:x:100:100:leadglass agent:/nonexistent:/bin/false\n"
	              "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
	"etc/group": "root:x:0:\nleadglass:x:100:\nnogroup:x:65534:\n",
}
DATA = "usr/share/leadglass/data.ext4.xz"
# An empty ext4 of $1 MiB; the same octets each time
EMPTY_DATA = """
cd /out
mke2fs -q -t ext4 -L leadglass-data -U 1ead91a5-0000-4000-8000-00000000da7a -m 0 \
	-E hash_seed=1ead91a5-0000-4000-8000-00000000da7b,lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0 data.ext4 "$1"M
xz -T1 --check=crc32 --lzma2=preset=6,dict=1MiB -c data.ext4 > data.ext4.xz
"""
SQUASH = """
rm -f /out/slot.squashfs
mksquashfs /out/root /out/slot.squashfs -quiet -no-progress -comp xz -b 1M -all-root -no-xattrs -processors 1 -nopad
"""


def add_busybox(root, busybox, known):
	shutil.copy2(busybox, root / "bin/busybox")
	for folder, applets in APPLETS.items():
		for applet in applets.split():
			if applet not in known:
				fail(f"Debian's busybox has no {applet}")
			(root / folder / applet).symlink_to(os.path.relpath("/bin/busybox", f"/{folder}"))


def add_anchors(folder, anchors):
	"""Certificates and keys under their own names, which say what each may change: leadglass-trust(5)."""
	for anchor in anchors:
		if (folder / anchor.name).exists():
			fail(f"{anchor}: there are two anchors of this name")
		shutil.copy2(anchor, folder / anchor.name)


def make_root(work, debian, board, kernel, programs, release, anchors, policy_anchors):
	"""Fills work/root. `release` is what /etc/leadglass-release says, `anchors` may sign updates, `policy_anchors`
	policies."""
	root = work / "root"
	for folder in FOLDERS:
		(root / folder).mkdir(parents=True)
	shutil.copytree(FIRMWARE / "rootfs", root, dirs_exist_ok=True)
	architecture = "arm64" if board.arm64() else "amd64"
	# The applets are those of the same version for this machine's processor, which can be asked.
	known = debian.inside("$1 --list", f"/usr/src/unpacked/busybox-static:amd64{find_busybox(debian, 'amd64')[1]}").split()
	add_busybox(root, find_busybox(debian, architecture)[0], known)
	shutil.copy2(programs / "leadglass", root / "usr/bin/leadglass")
	shutil.copy2(programs / "leadglassd", root / "usr/sbin/leadglassd")
	shutil.copy2(board.folder / "ports", root / "usr/share/leadglass/ports")
	shutil.copy2(kernel / "vmlinuz", root / "boot/vmlinuz")
	(root / "etc/leadglass-release").write_text("".join(f"{key}={value}\n" for key, value in release.items()))
	for name, text in TEXTS.items():
		(root / name).write_text(text)
	add_anchors(root / "etc/leadglass/update-trust", anchors)
	add_anchors(root / "etc/leadglass/trust", policy_anchors)

	size = board.partitions["leadglass-data"][1] >> 20
	debian.inside(EMPTY_DATA, size, mounts=[(work, "/out", "rw")])
	shutil.copy2(work / "data.ext4.xz", root / DATA)
	for path in [root, *root.rglob("*")]:
		if not path.is_symlink():
			path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
		os.utime(path, (EPOCH, EPOCH), follow_symlinks=False)
	return root


def find_busybox(debian, architecture):
	"""Its path outside, and inside the package."""
	folder = debian.unpacked(f"busybox-static:{architecture}")
	for inside in ("/usr/bin/busybox", "/bin/busybox"):
		if (folder / inside[1:]).exists():
			return folder / inside[1:], inside
	return fail(f"{folder}: no busybox in it")


def make_slot(work, debian, board):
	"""work/slot.squashfs, of a size that fits."""
	debian.inside(SQUASH, mounts=[(work, "/out", "rw")])
	slot = work / "slot.squashfs"
	size, limit = slot.stat().st_size, board.slot_limit()
	say(f"slot: {size:,} octets, {100 * size // limit} % of {board.settings['slot-limit']}")
	if size > limit:
		fail(f"the slot is {size - limit:,} octets larger than a slot of {board.name} may be")
	return slot
