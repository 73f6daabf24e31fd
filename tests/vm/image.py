# SPDX-License-Identifier: GPL-2.0-or-later
"""The firmware of a QEMU board as firmware/build makes it, in a machine of the lab, and what it says on its console."""
import os
import re
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "net"))
import disk  # noqa: E402
from vmlab import Boot, Machine  # noqa: E402

BOARDS = ("qemu-arm64", "qemu-x86_64")
SERIAL = 12
CLOSED = r"leadglass: ([\d.]+) s: the closed wall is up, read back and compared; no port is"
PORTS = ("device", "hospital", "service")
PATIENCE = 400  # s, from power to the report: emulated, and the test machine busy with others
# What firmware/run adds for a board beside what vmlab does
EXTRA = {"qemu-arm64": ["-machine", "acpi=off", "-device", "i6300esb"], "qemu-x86_64": ["-device", "i6300esb"]}


def cache():
	"""Where firmware/build keeps what it may find again."""
	return Path(os.environ.get("LEADGLASS_CACHE", "/var/cache/leadglass"))


def build(board, folder, serial=SERIAL):
	"""Has firmware/build make it, the kernel too where no earlier run has left one in the cache; what it said."""
	folder.mkdir(parents=True, exist_ok=True)
	began = time.monotonic()
	done = subprocess.run([SOURCE / "firmware/build", "--output", folder, "--serial", str(serial), "--version", str(serial),
	                       board], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
	print(done.stdout, flush=True)
	if done.returncode != 0:
		sys.exit(f"firmware/build: exit {done.returncode}")
	print(f"built in {time.monotonic() - began:.0f} s", flush=True)
	return done.stdout


class Image:
	"""A copy of the image, which a machine may write to."""

	def __init__(self, lab, board, folder):
		self.lab, self.board, self.path = lab, board, lab.dir / "disk.img"
		subprocess.run(["cp", "--sparse=always", folder / f"leadglass-{board}.img", self.path], check=True)
		self.partitions = disk.partitions(self.path)

	def boot(self):
		return Boot(disk=self.path, architecture="arm64" if self.board == "qemu-arm64" else "x86_64",
		            qemu=EXTRA[self.board])

	def machine(self):
		"""With its three sockets, each in a lan of its own."""
		made = Machine(self.lab, "box", self.boot())
		for role in PORTS:
			made.port(role, self.lab.lan(role))
		return made

	def environment(self):
		"""The variables of GRUB's block, as the disk has them now."""
		text = self.partitions["leadglass-env"].read(512, 1024).decode("latin-1")
		return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def report(board):
	"""What the last line of a boot looks like: seconds, version, the rest."""
	return rf"leadglass: ([\d.]+) s: leadglass (\S+) on {board}.*?: (.*)\n"


def started(checks, box, board, what, patience=PATIENCE):
	"""Waits for the report of a machine that was started; the match. The wall has to be there before, and the shell is
	there afterwards."""
	said = box.wait_for(report(board), patience)
	console = box.output()
	closed = list(re.finditer(CLOSED, console[:said.start()]))
	checks.check(closed and float(closed[-1][1]) <= float(said[1]), f"{what}: the closed wall comes first", console[-3000:])
	print(f"{what}: closed wall {closed[-1][1] if closed else '-'} s after the kernel's start, verified after {said[1]} s",
	      flush=True)
	box.type("\n")
	return said
