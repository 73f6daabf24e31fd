# SPDX-License-Identifier: GPL-2.0-or-later
"""What the box's own command says of what is in its image, before anybody flashes it."""
from .tools import run, say


def command(programs, board):
	"""The words that begin it on this machine."""
	return ["qemu-aarch64", programs / "leadglass"] if board.arm64() else [programs / "leadglass"]


def takes_update(work, board, programs, signed):
	"""A box with this root would take the update. Ends the build where it would not."""
	said = run(*command(programs, board), "update", "--dry-run", "--trust", work / "root/etc/leadglass/update-trust", signed)
	say("the update: " + said.splitlines()[1])


def believes(work, board, programs):
	"""Whom it takes policies from. Ends the build when that makes no sense."""
	said = run(*command(programs, board), "trust", "list", "--trust", work / "root/etc/leadglass/trust")
	say("policies: " + "; ".join(line.strip() for line in said.strip().splitlines()))
