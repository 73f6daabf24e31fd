# SPDX-License-Identifier: GPL-2.0-or-later
"""Partitions of a disk image, for looking into it while the machine is off."""
import struct
from dataclasses import dataclass
from pathlib import Path

SECTOR = 512


@dataclass
class Partition:
	image: Path
	name: str
	offset: int  # octets
	size: int

	def read(self, offset=0, size=None):
		with open(self.image, "rb") as image:
			image.seek(self.offset + offset)
			return image.read(self.size - offset if size is None else size)

	def write(self, octets, offset=0):
		if offset + len(octets) > self.size:
			raise ValueError(f"{self.name} has {self.size} octets")
		with open(self.image, "r+b") as image:
			image.seek(self.offset + offset)
			image.write(octets)


def partitions(image):
	"""{name: Partition} of a GPT (UEFI 5.3)."""
	with open(image, "rb") as file:
		file.seek(SECTOR)
		header = file.read(92)
		if header[:8] != b"EFI PART":
			raise ValueError(f"{image}: no GPT")
		first, = struct.unpack_from("<Q", header, 72)
		count, size = struct.unpack_from("<II", header, 80)
		file.seek(first * SECTOR)
		entries = file.read(count * size)
	found = {}
	for at in range(0, len(entries), size):
		begin, last = struct.unpack_from("<QQ", entries, at + 32)
		if entries[at:at + 16] != bytes(16):
			name = entries[at + 56:at + 128].decode("utf-16-le").rstrip("\0")
			found[name] = Partition(Path(image), name, begin * SECTOR, (last - begin + 1) * SECTOR)
	return found
