# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads a folder of board/: what it has to hold, and what is wrong with it, in words that say what would be right."""
import re
from pathlib import Path

FILES = {
	"README.md": "what the board is, how it is installed, whether this was run on hardware",
	"board.conf": "architecture, console, watchdog and so on",
	"kernel.config": "its drivers",
	"partitions": "what is where on the disk",
	"ports": "which socket is device, hospital, service",
}
KEYS = {
	"title": r".+",
	"arch": r"arm64|x86-64",
	"console": r"tty\w+(,\d+)?",
	"watchdog": r"\w+|none",
	"leds": r".+",
	"reset-button": r".+",
	"hardware": r"run|not run",
	"slot-limit": r"[1-9]\d*M",
	# What the kernel is told beyond that, the device tree it needs, and the boot loader below GRUB
	"arguments": r".+",
	"device-tree": r"[\w/.-]+\.dtb",
	"boot-loader-at": r"\d+",
}
OPTIONAL = {"arguments", "device-tree", "boot-loader-at"}
ROLES = ("device", "hospital", "service")
PARTITIONS = ("esp", "leadglass-env", "leadglass-a", "leadglass-b", "leadglass-data")
MIB = 1 << 20


class Board:
	"""A board as its folder says. `wrong` lists what is not right, and is empty for a board that can be built."""

	def __init__(self, folder):
		self.folder = Path(folder)
		self.name = self.folder.name
		self.wrong = []
		self.settings = {}
		self.ports = {}
		self.partitions = {}
		for name, what in FILES.items():
			if not (self.folder / name).is_file():
				self.wrong.append(f"{self.folder}/{name}: missing: {what}")
		if not self.wrong:
			self.read_settings()
			self.read_ports()
			self.read_partitions()
			self.read_readme()

	def lines(self, name):
		"""Number and text of each line that is neither empty nor a comment."""
		for number, line in enumerate((self.folder / name).read_text().splitlines(), 1):
			if line.strip() and not line.startswith("#"):
				yield number, line

	def bad(self, name, number, text):
		self.wrong.append(f"{self.folder}/{name}:{number}: {text}")

	def read_settings(self):
		for number, line in self.lines("board.conf"):
			key, equals, value = line.partition("=")
			if not equals or key not in KEYS:
				self.bad("board.conf", number, f"not a setting: {line}; there are: {', '.join(KEYS)}")
			elif key in self.settings:
				self.bad("board.conf", number, f"{key} is there twice")
			elif not re.fullmatch(KEYS[key], value):
				self.bad("board.conf", number, f"{key} cannot be {value!r}; what fits is {KEYS[key]}")
			self.settings[key] = value
		for key in sorted(set(KEYS) - set(self.settings) - OPTIONAL):
			self.bad("board.conf", 1, f"{key} is missing")

	def read_ports(self):
		for number, line in self.lines("ports"):
			found = re.fullmatch(r'(\w+)\s+([\w:.@-]+)\s+"([^"]+)"', line)
			if not found or found[1] not in ROLES:
				self.bad("ports", number, f"not a port: {line}; a line is: device|hospital|service ADDRESS \"words on the case\"")
				continue
			for role, (address, _) in self.ports.items():
				if found[1] == role or found[2] == address:
					self.bad("ports", number, f"{found[1]} {found[2]}: {role} is {address} already")
			self.ports[found[1]] = (found[2], found[3])
		for role in ("device", "hospital"):
			if role not in self.ports:
				self.bad("ports", 1, f"no port is {role}")

	def read_partitions(self):
		"""Name -> (start, size), in octets."""
		at = MIB
		for number, line in self.lines("partitions"):
			found = re.fullmatch(r"([\w-]+)\s+(\d+)M(?:\s+at\s+(\d+)M)?", line)
			if not found or found[1] not in PARTITIONS:
				self.bad("partitions", number, f"not a partition: {line}; a line is: NAME SIZEM [at STARTM], NAME one of "
				         f"{', '.join(PARTITIONS)}")
				continue
			at = int(found[3]) * MIB if found[3] else at
			self.partitions[found[1]] = (at, int(found[2]) * MIB)
			at += int(found[2]) * MIB
		if tuple(self.partitions) != PARTITIONS:
			self.bad("partitions", 1, f"there have to be, in this order: {', '.join(PARTITIONS)}")
		elif self.partitions["leadglass-a"][1] != self.partitions["leadglass-b"][1]:
			self.bad("partitions", 1, "leadglass-a and leadglass-b have to be of one size")
		elif "slot-limit" in self.settings and self.slot_limit() > self.partitions["leadglass-a"][1]:
			self.bad("partitions", 1, f"a slot of {self.settings['slot-limit']} does not fit into leadglass-a")

	def read_readme(self):
		text = (self.folder / "README.md").read_text()
		if self.settings.get("hardware") == "not run" and "not run on hardware" not in text.lower():
			self.bad("README.md", 1, "has to say that this was not run on hardware, as board.conf does")
		for role, (_, words) in self.ports.items():
			if words not in text:
				self.bad("README.md", 1, f"does not say which socket is {words!r} ({role})")

	def slot_limit(self):
		return int(self.settings["slot-limit"][:-1]) * MIB

	def arm64(self):
		return self.settings["arch"] == "arm64"
