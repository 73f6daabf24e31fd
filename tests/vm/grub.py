#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: grub.py FOLDER [ARCHITECTURE]...

Boots firmware/boot/grub.cfg for real: Debian 13's GRUB under UEFI in QEMU, from a disk with the partitions of a box,
and looks at which slot it takes, how it counts a trial down, and what it leaves in the environment block. The kernels
in the slots are other GRUBs that say which slot they came from and start the machine again. ARCHITECTURE: x86_64,
arm64; else both. As root (mmdebstrap).
"""
import re
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TREE / "tests/net"), str(TREE / "tests/package")]
import package  # noqa: E402
from package import must  # noqa: E402
from check import run  # noqa: E402

BOOT = TREE / "firmware/boot"
PATIENCE = 120  # s, for each kernel that is to be begun
SECTOR = 512
# Of a box's disk, in KiB: where partitions begin, and their sizes.
LAYOUT = {"esp": (1024, 8192), "leadglass-env": (9216, 64), "leadglass-a": (10240, 4096), "leadglass-b": (14336, 4096),
          "leadglass-data": (18432, 1024)}
DISK_KIB = 20480

QEMU = {
	"x86_64": ["qemu-system-x86_64", "-M", "q35", "-cpu", "qemu64", "-m", "256",
	           "-drive", "if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE.fd"],
	"arm64": ["qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a53", "-m", "256",
	          "-bios", "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd"],
}
PLATFORM = {"x86_64": ("x86_64-efi", "BOOTX64.EFI"), "arm64": ("arm64-efi", "BOOTAA64.EFI")}
KERNEL = 'echo "KERNEL OF SLOT {}"\nreboot\n'
TAR = must(BOOT / "environment").encode()[:SECTOR]
NONE = "no slot of this box can be started"
MARK = re.compile(rf"KERNEL OF SLOT ([ab])|({NONE})")


def block(*variables):
	"""An environment block, as grub-editenv writes it."""
	text = "# GRUB Environment Block\n" + "".join(f"{line}\n" for line in variables)
	return TAR + text.encode().ljust(1024, b"#")


class Grub:
	"""Debian 13's, and the images that are made with it."""

	def __init__(self, folder):
		self.root = folder / "debian"
		package.make_debian(self.root, "--variant=extract", "--architectures=amd64,arm64", release="trixie",
		                    packages=["grub-common", "grub-efi-amd64-bin", "grub-efi-arm64-bin:arm64"])
		# Without its scripts nobody has merged what is below / with what is below /usr.
		for name in ("bin", "lib", "lib64", "sbin"):
			if not (self.root / name).exists():
				(self.root / name).symlink_to(f"usr/{name}")

	def image(self, architecture, config, modules, name):
		"""Makes an EFI program that does what is written in `config`. Its path."""
		(self.root / "tmp" / "config").write_text(config)
		must("chroot", self.root, "grub-mkstandalone", f"--format={PLATFORM[architecture][0]}", f"--output=/tmp/{name}",
		     f"--install-modules={modules}", f"--modules={modules}", "--locales=", "--fonts=", "--themes=",
		     "boot/grub/grub.cfg=/tmp/config")
		return self.root / "tmp" / name


class Box:
	"""A disk as a box has it, and the machine it is in."""

	def __init__(self, folder, architecture, grub):
		self.folder, self.architecture = folder, architecture
		self.disk = folder / f"{architecture}.img"
		modules = re.sub(r"(?m)^#.*\n", "", (BOOT / "modules").read_text()).strip()
		loader = grub.image(architecture, (BOOT / "grub.cfg").read_text(), modules, "loader.efi")
		self.slots = {slot: self.squashfs(slot, grub.image(architecture, KERNEL.format(slot), "echo reboot normal",
		                                                   "kernel.efi"))
		              for slot in "ab"}
		self.slots["empty"] = self.squashfs("empty", None)
		self.partition(loader)

	def squashfs(self, name, kernel):
		tree = self.folder / f"{self.architecture}-{name}"
		(tree / "boot").mkdir(parents=True)
		if kernel:
			shutil.copy(kernel, tree / "boot/vmlinuz")
		image = self.folder / f"{self.architecture}-{name}.squashfs"
		must("mksquashfs", tree, image, "-comp", "xz", "-noappend", "-quiet", "-no-progress")
		return image.read_bytes()

	def partition(self, loader):
		with open(self.disk, "wb") as file:
			file.truncate(DISK_KIB << 10)
		table = "label: gpt\n" + "".join(
			f"start={start * 2}, size={size * 2}, name={name}, type={'uefi' if name == 'esp' else 'linux'}\n"
			for name, (start, size) in LAYOUT.items())
		subprocess.run(["sfdisk", "--quiet", self.disk], input=table, text=True, check=True)
		esp = self.folder / f"{self.architecture}.esp"
		with open(esp, "wb") as file:
			file.truncate(LAYOUT["esp"][1] << 10)
		must("mformat", "-i", esp, "-v", "ESP", "::")
		must("mmd", "-i", esp, "::/EFI", "::/EFI/BOOT")
		must("mcopy", "-i", esp, loader, f"::/EFI/BOOT/{PLATFORM[self.architecture][1]}")
		self.write("esp", esp.read_bytes())

	def write(self, name, content):
		with open(self.disk, "r+b") as file:
			file.seek(LAYOUT[name][0] << 10)
			file.write(content)

	def environment(self):
		"""The variables in its environment block."""
		with open(self.disk, "rb") as file:
			file.seek((LAYOUT["leadglass-env"][0] << 10) + SECTOR)
			text = file.read(1024).decode("latin-1")
		return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)

	def boot(self, count, environment=None, a="a", b="b", *options):
		"""Starts the machine and waits until `count` kernels have begun, or there was none to begin. Which, as one text:
		"bba", "none"; and the console."""
		if environment is not None:
			self.write("leadglass-env", environment)
		self.write("leadglass-a", self.slots[a])
		self.write("leadglass-b", self.slots[b])
		words = [*QEMU[self.architecture], "-nographic", "-nic", "none", "-monitor", "none", "-serial", "stdio",
		         "-device", "virtio-blk-pci,drive=disk", "-drive",
		         ",".join((f"if=none,id=disk,format=raw,file={self.disk}", *options))]
		console = self.folder / "console"
		with open(console, "wb") as out:
			machine = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
		try:
			return self.wait(machine, console, count)
		finally:
			machine.kill()
			machine.wait()

	def wait(self, machine, console, count):
		until = time.monotonic() + PATIENCE * count
		while True:
			# Without what moves the cursor and sets colours
			text = re.sub(r"\x1b\[[0-9;=?]*[A-Za-z]", "", console.read_text("latin-1"))
			found = ["none" if none else slot for slot, none in MARK.findall(text)]
			if len(found) >= count or "none" in found:
				return "".join(found[:count]), text
			if machine.poll() is not None or time.monotonic() > until:
				return "".join(found) + " and no more", text
			time.sleep(0.1)


def cases(checks, box):
	def boots(expected, what, environment, **more):
		began = time.monotonic()
		got, console = box.boot(1 if expected == "none" else len(expected), environment, **more)
		checks.equal(got, expected, f"{box.architecture}: {what} ({time.monotonic() - began:.1f} s)")
		if got != expected:
			package.say(console[-4000:])

	def leaves(**expected):
		found = box.environment()
		checks.equal({name: found.get(name) for name in expected}, expected, "... and leaves that in the block")

	boots("a", "good is a", block("good=a", "trial=", "tries=0"))
	leaves(starts="2")
	boots("b", "good is b", block("good=b", "trial=", "tries=0", "starts=3"))
	leaves(starts="2")
	boots("aaaba", "a good slot without a verified wall: three times, then the other one once", block("good=a", "trial=", "tries=0", "starts=3"))
	leaves(good="a", trial="", starts="2")
	boots("a", "the same, and there is no other one", block("good=a", "trial=", "tries=0", "starts=0"), b="empty")
	leaves(starts="3")
	boots("a", "starts that make no sense", block("good=a", "starts=7"))
	leaves(starts="2")
	boots("bbba", "a trial is begun three times, then the good slot", block("good=a", "trial=b", "tries=3", "reset=1"))
	leaves(good="a", trial="b", tries="0", reset="1", starts="2")
	boots("ab", "a trial of a, when b is good", block("good=b", "trial=a", "tries=1"))
	leaves(good="b", trial="a", tries="0")
	boots("a", "a trial whose kernel is missing", block("good=a", "trial=b", "tries=3"), b="empty")
	leaves(tries="2")
	boots("b", "the good slot's kernel is missing", block("good=a", "trial=", "tries=0"), a="empty")
	boots("b", "no block, and a's kernel is missing", bytes(1024), a="empty")
	boots("a", "a block of zeros", bytes(1024))
	boots("a", "a block of ones", b"\xff" * 1024)
	boots("a", "a block whose values make no sense", block("good=c", "trial=d", "tries=9"))
	boots("a", "more tries than there are", block("good=a", "trial=b", "tries=4"))
	boots("a", "the good slot on trial", block("good=a", "trial=a", "tries=3"))
	leaves(tries="3")
	boots("none", "no kernel at all", block("good=a", "trial=b", "tries=3"), a="empty", b="empty")


def damaged(checks, box):
	"""A slot whose file system is half there: GRUB has no checksums, and may begin what it can read."""
	whole = box.slots["a"]
	box.slots["cut"] = bytes(4096) + whole[4096:]
	got, console = box.boot(1, block("good=a", "trial=", "tries=0"), a="cut")
	checks.equal(got, "b", f"{box.architecture}: a slot without its first block is passed over")
	if got != "b":
		package.say(console[-4000:])
	magic, = struct.unpack_from("<I", whole)
	checks.equal(magic, 0x73717368, "... which is where a squashfs says that it is one")


def main():
	if len(sys.argv) < 2:
		sys.exit(__doc__.strip())
	folder = package.fresh_folder(sys.argv[1])
	architectures = sys.argv[2:] or list(QEMU)

	def test(checks):
		began = time.monotonic()
		grub = Grub(folder)
		package.say(f"GRUB after {time.monotonic() - began:.0f} s")
		for architecture in architectures:
			box = Box(folder, architecture, grub)
			cases(checks, box)
			damaged(checks, box)
		package.say(f"done after {time.monotonic() - began:.0f} s")

	try:
		run(test)
	finally:
		shutil.rmtree(folder / "debian", ignore_errors=True)


if __name__ == "__main__":
	main()
