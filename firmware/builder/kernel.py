# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel of a board: Debian 13's source, our configuration, nothing loaded later."""
import os

from .tools import FIRMWARE, KERNEL_EPOCH, SOURCE, digest, made_once, run, say

SOURCE_PACKAGE = "linux-source-6.12"
# Of the source's 90,000 files these are not even unpacked.
LEFT_OUT = ("*/Documentation/[a-z]*", "*/tools/testing", "*/tools/perf")

# $1 architecture, $2 prefix of the compiler, $3 what to make, $4 jobs, $5 where it ends up
CONFIGURE = """
make="make -s -C /kernel O=/kernel.out/build ARCH=$1 CROSS_COMPILE=$2"
export KCONFIG_ALLCONFIG=/kernel.out/asked.config
$make allnoconfig
cp /kernel.out/build/.config /kernel.out/config
"""
# Who built it, when and where would be in its version; all three are made up.
BUILD = f"""
make="make -s -C /kernel O=/kernel.out/build ARCH=$1 CROSS_COMPILE=$2"
export KBUILD_BUILD_TIMESTAMP=@{KERNEL_EPOCH} KBUILD_BUILD_USER=leadglass KBUILD_BUILD_HOST=leadglass KBUILD_BUILD_VERSION=1
cd /kernel.out/build
$make -j "$4" $3
cp "$5" /kernel.out/vmlinuz
cp System.map /kernel.out/System.map
if [ -n "$6" ]; then
	$make "$6"
	cp "arch/arm64/boot/dts/$6" /kernel.out/board.dtb
fi
"""


def fragments(board):
	"""The files a board's kernel is configured by, later ones the more special."""
	architecture = "arm64" if board.arm64() else "x86-64"
	kernel = FIRMWARE / "kernel"
	return [kernel / "common.config", kernel / f"{architecture}.config", board.folder / "kernel.config"]


def words(board):
	if board.arm64():
		return ["arm64", "aarch64-linux-gnu-", "vmlinuz.efi", os.cpu_count() or 1, "arch/arm64/boot/vmlinuz.efi",
		        board.settings.get("device-tree", "")]
	return ["x86_64", "", "bzImage", os.cpu_count() or 1, "arch/x86/boot/bzImage", ""]


def kernel(cache, debian, board, only_check=False):
	"""A folder with vmlinuz, config, System.map and, where the board needs one, board.dtb."""
	asked = "".join(path.read_text() for path in fragments(board))
	versions = debian.versions()
	tools = [f"{name} {version}" for name, version in sorted(versions.items())
	         if name.startswith((SOURCE_PACKAGE, "gcc-14", "gcc-aarch64", "binutils"))]
	archive = debian.folder / "usr/src" / f"{SOURCE_PACKAGE}.tar.xz"
	source = made_once(cache, f"source-{digest(versions[f'{SOURCE_PACKAGE}:all'], *LEFT_OUT)}", "the kernel's source",
	                   lambda folder: run("tar", "-xJf", archive, "-C", folder, "--strip-components=1",
	                                      *[f"--exclude={part}" for part in LEFT_OUT]))
	if only_check:
		out = cache / f"check-{board.name}"
		out.mkdir(exist_ok=True)
		build(debian, source, out, asked, board, only_check)
		return out
	recipe = digest(asked, *tools, CONFIGURE, BUILD, *words(board)[:3], words(board)[5])
	return made_once(cache, f"kernel-{recipe}", f"the kernel of {board.name}",
	                 lambda folder: build(debian, source, folder, asked, board))


def build(debian, source, out, asked, board, only_check=False):
	"""Fills `out`. The source is shared by all builds and only read."""
	(out / "asked.config").write_text(asked)
	(out / "build").mkdir(exist_ok=True)
	mounts = [(source, "/kernel", "ro"), (out, "/kernel.out", "rw")]
	debian.inside(CONFIGURE, *words(board), mounts=mounts, log=out / "configure.log")
	say(run(FIRMWARE / "kernel/check", out / "config", *fragments(board)).strip().replace(f"{SOURCE}/", ""))
	if not only_check:
		debian.inside(BUILD, *words(board), mounts=mounts, log=out / "build.log")
		say(f"the kernel of {board.name}: {(out / 'vmlinuz').stat().st_size:,} octets")
	run("rm", "-rf", out / "build")
