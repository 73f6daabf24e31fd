# SPDX-License-Identifier: GPL-2.0-or-later
"""leadglass and leadglassd for a board, static; and the command for the building machine, which signs."""
from .tools import SOURCE, say

BUILD = """
export HOME=/tmp
cmake --preset "$1" -S /leadglass -B /programs/build > /dev/null
cmake --build /programs/build --parallel --target leadglass leadglassd
cp /programs/build/bin/leadglass /programs/build/bin/leadglassd /programs
"$2strip" /programs/leadglass /programs/leadglassd
"""


def programs(work, debian, board):
	"""A folder with both."""
	folder = work / "programs"
	folder.mkdir()
	preset, prefix = ("firmware-arm64", "aarch64-linux-gnu-") if board.arm64() else ("firmware", "")
	mounts = [(SOURCE, "/leadglass", "ro"), (folder, "/programs", "rw")]
	debian.inside(BUILD, preset, prefix, mounts=mounts, log=work / "programs.log")
	for name in ("leadglass", "leadglassd"):
		say(f"{name}: {(folder / name).stat().st_size:,} octets")
	return folder
