#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: identity_seeds.py FOLDER

Fills FOLDER with what the fuzz target `identity` begins with: files `identity`, good and bad, and names of anchors.
"""
import seeds

SEEDS = (
	"site st-anna\nunit ct-room-3\n", "unit ct-room-3\nsite st-anna\n", "site st-anna\n", "unit Röntgen 3\n", "",
	"site st-anna", "site st-anna\r\n", "site *\n", "site \"st-anna\"\n", "site  st-anna\n", "site a\nsite b\n",
	"unit a\u202eb\n", "unit \x1b[1m\n", "# a comment\n", "site " + 63 * "x" + "\n", "site " + 64 * "x" + "\n",
	"hospital", "st-anna.site", "maker.oem", "site", "a.Site", "-a", ".a", "a/b", 64 * "a",
)


def main():
	folder = seeds.folder(__doc__)
	for number, text in enumerate(SEEDS):
		(folder / f"{number:02}").write_bytes(text.encode())


if __name__ == "__main__":
	main()
