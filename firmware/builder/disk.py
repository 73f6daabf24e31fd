# SPDX-License-Identifier: GPL-2.0-or-later
"""The disk image: GPT, GRUB in its EFI system partition, GRUB's environment block, the slots, the data."""
import shutil
import uuid

from .tools import FIRMWARE, fail, run, say

# Everything grub.cfg calls. Nothing can be loaded later: GRUB has no other files.
MODULES = "boot chain echo fat loadenv memdisk normal part_gpt reboot regexp sleep squash4 tar test xzio"
# The same on every unit: nothing goes by them but the partitions' names, and builds do not differ.
NAMESPACE = uuid.UUID("1ead91a5-0000-4000-8000-000000000000")
TYPES = {"esp": "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"}
LINUX = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
# How the kernel behaves on every board: it says nothing but its last words, and restarts five seconds after a panic
ARGUMENTS = "ro rootwait loglevel=2 panic=5 lockdown=confidentiality"

# $1 GRUB's platform, $2 name of the EFI program, $3 MiB of the partition, $4 the device tree if there is one, $5 the
# package of GRUB, $6 modules. The configuration is in an archive inside the program.
ESP = """
cd /out
tar --format=ustar --owner=0 --group=0 --numeric-owner --mode=0644 --mtime="@$SOURCE_DATE_EPOCH" -cf grub.tar boot/grub/grub.cfg
grub-mkimage --directory "/usr/src/unpacked/$5/usr/lib/grub/$1" --format "$1" --prefix "(memdisk)/boot/grub" --memdisk grub.tar \
	--output "$2" $6
find "$2" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +
rm -f esp.fat
truncate -s "$3"M esp.fat
mkfs.vfat --invariant -n LEADGLASS -i 1ead91a5 esp.fat > /dev/null
mmd -i esp.fat ::/EFI ::/EFI/BOOT
mcopy -m -i esp.fat "$2" ::/EFI/BOOT/
if [ -n "$4" ]; then
	mmd -i esp.fat ::/dtb "::/dtb/${4%/*}"
	touch -d "@$SOURCE_DATE_EPOCH" board.dtb
	mcopy -m -i esp.fat board.dtb "::/dtb/$4"
fi
"""
ENVIRONMENT = """
rm -f /out/environment
grub-editenv /out/environment create
grub-editenv /out/environment set good=a trial= tries=0
"""


def grub_cfg(board):
	arguments = " ".join(filter(None, [ARGUMENTS, f"console={board.settings['console']}",
	                                   board.settings.get("arguments")]))
	text = (FIRMWARE / "boot/grub.cfg").read_text()
	if "@arguments@" not in text:
		fail("firmware/boot/grub.cfg: has no @arguments@, the kernel's command line")
	return text.replace("@arguments@", arguments)


def make_esp(work, debian, board, kernel):
	(work / "boot/grub").mkdir(parents=True)
	(work / "boot/grub/grub.cfg").write_text(grub_cfg(board))
	tree = board.settings.get("device-tree", "")
	if tree:
		shutil.copy2(kernel / "board.dtb", work / "board.dtb")
	platform, program, package = (("arm64-efi", "BOOTAA64.EFI", "grub-efi-arm64-bin:arm64") if board.arm64() else
	                              ("x86_64-efi", "BOOTX64.EFI", "grub-efi-amd64-bin:amd64"))
	size = board.partitions["esp"][1] >> 20
	debian.inside(ESP, platform, program, size, tree, package, MODULES, mounts=[(work, "/out", "rw")])
	debian.inside(ENVIRONMENT, mounts=[(work, "/out", "rw")])
	say(f"GRUB: {(work / program).stat().st_size:,} octets")


def make_disk(work, debian, board, boot_loader):
	"""work/disk.img. Slot b is empty: GRUB starts a, and falls to it."""
	disk = work / "disk.img"
	end = max(start + size for start, size in board.partitions.values())
	table = ["label: gpt", f"label-id: {uuid.uuid5(NAMESPACE, board.name)}", "first-lba: 34"]
	for name, (start, size) in board.partitions.items():
		table.append(f"start={start // 512}, size={size // 512}, type={TYPES.get(name, LINUX)}, name={name}, "
		             f"uuid={uuid.uuid5(NAMESPACE, f'{board.name} {name}')}")
	disk.unlink(missing_ok=True)
	run("truncate", "-s", end + (1 << 20), disk)
	debian.inside("sfdisk --quiet /out/disk.img", mounts=[(work, "/out", "rw")], input="\n".join(table) + "\n")
	contents = {"esp": work / "esp.fat", "leadglass-env": work / "environment", "leadglass-a": work / "slot.squashfs",
	            "leadglass-data": work / "data.ext4"}
	for name, path in contents.items():
		start, size = board.partitions[name]
		if path.stat().st_size > size:
			fail(f"{path.name} does not fit into {name}")
		run("dd", f"if={path}", f"of={disk}", "bs=64K", f"seek={start}", "oflag=seek_bytes", "conv=notrunc,sparse")
	if boot_loader:
		sector = int(board.settings["boot-loader-at"])
		if sector * 512 + boot_loader.stat().st_size > board.partitions["esp"][0]:
			fail(f"{boot_loader} does not fit before the first partition")
		run("dd", f"if={boot_loader}", f"of={disk}", f"seek={sector}", "conv=notrunc")
	return disk
