# SPDX-License-Identifier: GPL-2.0-or-later
"""The disk image: GPT, GRUB in its EFI system partition, GRUB's environment block, the slots, the data."""
import shutil
import uuid

from .tools import FIRMWARE, fail, run, say

# The same on every unit: nothing goes by them but the partitions' names, and builds do not differ.
NAMESPACE = uuid.UUID("1ead91a5-0000-4000-8000-000000000000")
TYPES = {"esp": "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"}
LINUX = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
# How the kernel behaves on every board: it says nothing but its last words, and restarts five seconds after a panic,
# which not to find its root is, too
ARGUMENTS = "rootwait=30 loglevel=2 panic=5 lockdown=confidentiality"

# $1 GRUB's platform, $2 name of the EFI program, $3 MiB of the partition, $4 the device tree if there is one, $5 the
# package of GRUB, $6 modules. The configuration is in an archive inside the program, and nothing can be loaded later.
ESP = """
cd /out
tar --format=ustar --owner=0 --group=0 --numeric-owner --mode=0644 --mtime="@$SOURCE_DATE_EPOCH" -cf grub.tar \
	boot/grub/grub.cfg boot/grub/board.cfg
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


def make_esp(work, debian, board, kernel, serial):
	"""work/esp.fat, and work/environment, the beginning of the second partition."""
	boot = work / "boot/grub"
	boot.mkdir(parents=True)
	shutil.copy2(FIRMWARE / "boot/grub.cfg", boot / "grub.cfg")
	arguments = " ".join(filter(None, [ARGUMENTS, f"console={board.settings['console']}",
	                                   board.settings.get("arguments")]))
	(boot / "board.cfg").write_text(f'set arguments="{arguments}"\n')
	modules = " ".join(line for line in (FIRMWARE / "boot/modules").read_text().splitlines() if not line.startswith("#"))
	tree = board.settings.get("device-tree", "")
	if tree:
		shutil.copy2(kernel / "board.dtb", work / "board.dtb")
	platform, program, package = (("arm64-efi", "BOOTAA64.EFI", "grub-efi-arm64-bin:arm64") if board.arm64() else
	                              ("x86_64-efi", "BOOTX64.EFI", "grub-efi-amd64-bin:amd64"))
	size = board.partitions["esp"][1] >> 20
	debian.inside(ESP, platform, program, size, tree, package, f"{modules} memdisk",
	              mounts=[(work, "/out", "rw")])
	(work / "environment").write_text(run(FIRMWARE / "boot/environment", serial))
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
