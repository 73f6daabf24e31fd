#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How long a box takes from power to its wall, how large its slot is, and how much memory it uses: the firmware of the
QEMU boards, with a policy of one device and --peers peers. Emulated without the help of a processor, everything takes
many times what it takes on a board; what may be compared are the parts, and one version with the next.

`GRUB` is from power to the boot loader's first line, `closed wall` and `verified` from there to what the start scripts
say: the wall that lets nobody pass is up and read back; that of the policy is. `kernel to wall` is the same in the
kernel's own seconds, without UEFI, GRUB and the kernel's unpacking. Memory is that of a box at rest, of 256 MiB."""
import argparse
import json
import re
import statistics
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "vm"), str(HERE.parent / "net"), str(HERE)]
import image  # noqa: E402
from lab import Lab  # noqa: E402

COLUMNS = ("GRUB s", "closed wall s", "verified s", "kernel to wall s", "memory MiB")


def policy(peers):
	from rivals import policy as many
	return many(peers, 1).replace("role host", "role bridge").replace(
		"device ct-3 {", "device ct-3 { address 10.200.0.10;")


def since(begin, box, pattern):
	"""Seconds from `begin` until the console has said this, and what it said."""
	found = box.wait_for(pattern, image.PATIENCE)
	return time.monotonic() - begin, found


def boot(box, board):
	begin = time.monotonic()
	box.start()
	grub, _ = since(begin, box, r"leadglass: slot a")
	closed, said = since(begin, box, image.CLOSED)
	verified, _ = since(begin, box, image.report(board))
	box.type("\n")
	time.sleep(5)  # a start script ends, and what it needed is given back
	used = re.search(r"Mem:\s+(\d+)\s+(\d+)", box.run("free").stdout)
	return {"GRUB s": grub, "closed wall s": closed - grub, "verified s": verified - grub,
	        "kernel to wall s": float(said[1]), "memory MiB": int(used[2]) / 1024}


def measure(board, options):
	"""The runs of one board, and the octets of its slot."""
	folder = options.folder / board
	image.build(board, folder)
	with Lab() as lab:
		disk = image.Image(lab, board, folder)
		box = disk.machine()
		box.start()
		box.wait_for(image.report(board), image.PATIENCE)
		box.type("\n")
		box.put("/tmp/policy.conf", policy(options.peers))
		box.run("leadglass apply /tmp/policy.conf", check=True)
		box.run("sync", check=True)
		runs = []
		for _ in range(options.rounds):
			box.power_cut()
			runs.append(boot(box, board))
		box.power_cut()
	return runs, (folder / f"leadglass-{board}.slot").stat().st_size


def main():
	parser = argparse.ArgumentParser(prog="tools/bench firmware", description=__doc__,
	                                 formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("board", nargs="*", help=", ".join(image.BOARDS) + "; both")
	parser.add_argument("--rounds", type=int, default=5, help="starts of each")
	parser.add_argument("--peers", type=int, default=100)
	parser.add_argument("--folder", type=Path, default=HERE.parents[1] / "build/firmware", help="where the images are made")
	parser.add_argument("--json", type=Path, help="also write every run to this file")
	options = parser.parse_args()
	if set(options.board) - set(image.BOARDS):
		parser.error(f"boards are {' and '.join(image.BOARDS)}")
	said, sys.stdout = sys.stdout, sys.stderr  # what the build says is no part of the table
	found = {board: measure(board, options) for board in options.board or image.BOARDS}
	sys.stdout = said
	print(f"## From power to the wall\n\n{options.peers} peers, medians of {options.rounds} starts, in brackets the smallest and "
	      "the largest.\n")
	print("| board | slot, octets | " + " | ".join(COLUMNS) + " |\n|---|" + "---:|" * (len(COLUMNS) + 1))
	for board, (runs, size) in found.items():
		cells = []
		for column in COLUMNS:
			values = [run[column] for run in runs]
			cells.append(f"{statistics.median(values):.3g} ({min(values):.3g}–{max(values):.3g})")
		print(f"| {board} | {size:,} | " + " | ".join(cells) + " |")
	if options.json:
		options.json.write_text(json.dumps({board: {"slot": size, "runs": runs} for board, (runs, size) in found.items()},
		                                   indent="\t") + "\n")


if __name__ == "__main__":
	main()
