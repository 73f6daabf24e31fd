#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's kernels for virtual machines, with the modules a wall needs and a busybox.

	kernel("trixie")    a folder with vmlinux, base.cpio and version

Fetched from where this machine takes its packages, unpacked below a folder of ours, and kept in
${LEADGLASS_CACHE:-/var/cache/leadglass}. It is only a cache: without it everything is fetched again. As a program it
fetches what the tests need: kernels.py [bookworm|trixie]..."""
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "package"))
import package  # noqa: E402
from cpio import Cpio  # noqa: E402

RELEASES = {"bookworm": "6.1", "trixie": "6.12"}
# Nothing of nftables loads without crc32c, and no module says so; hence it comes first. All are loaded at the start,
# in this order, but those behind: they are there for who wants them.
MODULES = ("crc32c_generic", "virtio_pci", "virtio_net", "virtio_blk", "bridge", "nf_tables", "nft_ct", "nft_limit",
           "nft_log", "nft_fib_inet", "nf_conntrack_bridge", "nft_meta_bridge", "nf_conntrack_netlink", "nfnetlink_log",
           "nf_log_syslog", "nf_flow_table_inet", "nft_flow_offload")
EXTRA_MODULES = ("br_netfilter",)


def unpack_kernel(image):
	"""vmlinux out of a bzImage; the emulator starts it sooner than the machine would unpack it."""
	octets = image.read_bytes()
	sectors = octets[0x1f1] or 4
	start = (sectors + 1) * 512 + int.from_bytes(octets[0x248:0x24c], "little")
	body = octets[start:start + int.from_bytes(octets[0x24c:0x250], "little")]
	for magic, words in ((b"\x28\xb5\x2f\xfd", ["zstd", "-dc"]), (b"\xfd7zXZ\0", ["xz", "-dc", "--single-stream"]),
	                     (b"\x1f\x8b", ["gzip", "-dc"])):
		if body.startswith(magic):
			done = subprocess.run(words, input=body, capture_output=True)  # behind the end stands its size: a complaint
			if done.stdout.startswith(b"\x7fELF"):
				return done.stdout
	sys.exit(f"{image}: no kernel in it that zstd, xz or gzip unpacks")


def modules_in_order(folder, names):
	"""The files of the modules, and of those they need, in the order of loading. What is built in has no file."""
	files = {path.name.split(".")[0].replace("-", "_"): path for path in (folder / "kernel").rglob("*.ko*")}
	built_in = {Path(line).stem.replace("-", "_") for line in (folder / "modules.builtin").read_text().splitlines()}
	order = []

	def visit(name):
		name = name.replace("-", "_")
		if name in built_in or files.get(name) in order:
			return
		if name not in files:
			sys.exit(f"{folder.name} has no module {name}")
		for needed in package.must("/sbin/modinfo", "--field=depends", files[name]).strip().split(","):
			if needed:
				visit(needed)
		order.append(files[name])
	for name in names:
		visit(name)
	return order


def module_octets(path):
	if path.suffix == ".xz":
		return subprocess.run(["xz", "-dc", path], capture_output=True, check=True).stdout
	return path.read_bytes()


def make(release, target):
	with tempfile.TemporaryDirectory(prefix="leadglass-kernel-") as name:
		tree = Path(name) / "debian"
		package.make_debian(tree, "--variant=extract", packages=["linux-image-amd64", "busybox-static"], release=release)
		modules = next(path for path in (tree / "lib/modules", tree / "usr/lib/modules") if path.exists())
		folder = next(modules.iterdir())
		version = folder.name
		if not version.startswith(RELEASES[release] + "."):
			sys.exit(f"{release}'s kernel is {version}, not {RELEASES[release]}: these tests need another list of releases")
		target.mkdir()
		(target / "vmlinux").write_bytes(unpack_kernel(tree / "boot" / f"vmlinuz-{version}"))
		base = Cpio()
		busybox = next(path for path in (tree / "bin/busybox", tree / "usr/bin/busybox") if path.exists())
		base.add("bin/busybox", busybox.read_bytes(), 0o755)
		for name, wanted in (("order", MODULES), ("extra", MODULES + EXTRA_MODULES)):
			order = modules_in_order(folder, wanted)
			base.add(f"modules/{name}", "".join(f"/modules/{path.name.removesuffix('.xz')}\n" for path in order))
		for path in order:
			base.add(f"modules/{path.name.removesuffix('.xz')}", module_octets(path))
		for folder in ("proc", "sys", "dev", "run", "tmp", "etc", "root", "var"):
			base.folder(folder)
		(target / "base.cpio").write_bytes(base.octets())
		(target / "version").write_text(version + "\n")


def cache_folder():
	return Path(os.environ.get("LEADGLASS_CACHE", "/var/cache/leadglass"))


def kernel(release):
	"""The folder of a release's kernel; fetched if it is not kept from before."""
	recipe = Path(__file__).read_bytes() + Path(__file__).with_name("cpio.py").read_bytes()
	key = hashlib.sha256(recipe).hexdigest()[:16]
	cache = cache_folder()
	cache.mkdir(parents=True, exist_ok=True)
	target = cache / f"vm-{release}-{key}"
	with open(cache / f"vm-{release}.lock", "w") as lock:
		fcntl.flock(lock, fcntl.LOCK_EX)  # tests run beside each other
		if not target.exists():
			began = time.monotonic()
			new = target.with_name(f"{target.name}.new")
			shutil.rmtree(new, ignore_errors=True)
			make(release, new)
			new.rename(target)
			print(f"{release}'s kernel fetched in {time.monotonic() - began:.0f} s", flush=True)
	return target


if __name__ == "__main__":
	for wanted in sys.argv[1:] or RELEASES:
		print(kernel(wanted))
