# SPDX-License-Identifier: GPL-2.0-or-later
"""What the programs that make seeds share."""
import sys
from pathlib import Path


def folder(usage):
	"""The folder the command line names, made if it is not there; else says how the program is used, and ends it."""
	if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
		print(usage.strip())
		sys.exit(2)
	path = Path(sys.argv[1])
	path.mkdir(parents=True, exist_ok=True)
	return path
