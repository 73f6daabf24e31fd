# SPDX-License-Identifier: GPL-2.0-or-later
"""An initramfs: a cpio archive in the form the kernel unpacks (newc), and programs with the libraries they need."""
import os
import re
import stat
import subprocess
from pathlib import Path


class Cpio:
	"""Add files, then take octets(). Folders above a file are made of themselves."""

	def __init__(self):
		self.parts, self.folders, self.number = [], set(), 0

	def _entry(self, name, mode, data=b""):
		name = name.strip("/")
		self.number += 1
		fields = (self.number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
		head = b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
		self.parts += [head, bytes(-len(head) % 4), data, bytes(-len(data) % 4)]

	def folder(self, name):
		name = name.strip("/")
		if name and name not in self.folders:
			self.folder(os.path.dirname(name))
			self.folders.add(name)
			self._entry(name, stat.S_IFDIR | 0o755)

	def add(self, name, data, mode=0o644):
		self.folder(os.path.dirname(name))
		self._entry(name, stat.S_IFREG | mode, data if isinstance(data, bytes) else data.encode())

	def link(self, name, target):
		self.folder(os.path.dirname(name))
		self._entry(name, stat.S_IFLNK | 0o777, target.encode())

	def program(self, path, name=None):
		"""A program of this machine, and its libraries where its loader looks for them."""
		path = Path(path).resolve()
		self.add(name or f"bin/{path.name}", path.read_bytes(), 0o755)
		listed = subprocess.run(["ldd", str(path)], capture_output=True, text=True).stdout
		for library in re.findall(r"(/\S+) \(0x", listed):
			if library not in self.folders:  # libraries are noted there too: each comes once
				self.folders.add(library)
				self.add(library, Path(library).read_bytes(), 0o755)

	def octets(self):
		self._entry("TRAILER!!!", 0)
		return b"".join(self.parts)
