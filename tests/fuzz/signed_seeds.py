#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: signed_seeds.py FOLDER

Fills FOLDER with what the fuzz target `signed` begins with: each case of tests/unit/trust/verdicts.txt as the anchors
that are trusted, each ended by a line %%, and the signed policy.
"""
import subprocess
import sys
import tempfile
from pathlib import Path

import seeds

HERE = Path(__file__).resolve().parent.parent / "unit" / "trust"
LONGEST = 16384  # what libFuzzer is told too: what is longer is only slower


def main():
	folder = seeds.folder(__doc__)
	cases = [line.split() for line in (HERE / "verdicts.txt").read_text().splitlines() if line and line[0] not in "#\t"]
	with tempfile.TemporaryDirectory() as made:
		subprocess.run([sys.executable, HERE / "fixture.py", made], check=True)
		for number, (name, anchors) in enumerate(cases):
			seed = b"".join((Path(made) / "anchors" / f"{anchor}.pem").read_bytes() + b"%%\n"
			                for anchor in anchors.split(",") if anchors != "none")
			seed += (Path(made) / "signed" / name).read_bytes()
			if len(seed) <= LONGEST:
				(folder / f"{number:03}-{name}").write_bytes(seed)


if __name__ == "__main__":
	main()
