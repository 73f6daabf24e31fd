#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: policy_seeds.py FOLDER

Fills FOLDER with what the fuzz target `policy` begins with: the policies of the golden tests, those of `explain` with
the flows that are asked about, as lines `#? FLOW`, a few at a time.
"""
from pathlib import Path

import seeds

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
FLOWS = 12  # at a time: short inputs are changed to more purpose
LONGEST = 8192


def flows(answers):
	"""What tests/golden/explain asks."""
	lines = (line for line in answers.read_text().splitlines() if line and not line.startswith("#"))
	return [line.split(" => ")[0] for line in lines]


def main():
	folder = seeds.folder(__doc__)
	for path in sorted(GOLDEN.glob("*/*.conf")):
		octets = path.read_bytes()
		parts = [b""]
		if path.parent.name == "explain":
			asked = flows(path.with_suffix(".txt"))
			parts = ["".join(f"#? {flow}\n" for flow in asked[at:at + FLOWS]).encode()
			         for at in range(0, len(asked), FLOWS)]
		for number, part in enumerate(parts):
			if len(octets) + len(part) <= LONGEST:
				(folder / f"{path.parent.name}-{path.stem}-{number}").write_bytes(octets + part)


if __name__ == "__main__":
	main()
