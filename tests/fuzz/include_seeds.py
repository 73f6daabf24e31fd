#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: include_seeds.py FOLDER

Fills FOLDER with what the fuzz target `include` begins with: the golden tests' policies that include files, with these
files, each begun by a line `%% NAME`; and the same as bundles.
"""
import re
from pathlib import Path

import seeds

FILES_MAX = 12  # some include each other by ever longer names
GOLDEN = Path(__file__).resolve().parent.parent / "golden"
INCLUDE = re.compile(rb"^\s*include\s+\"?([^\s\";]+)", re.M)


def collect(folder, name, files):
	"""What the policy and all it includes hold, by the names the parser makes, the policy first."""
	path = folder / name
	if name in files or len(files) == FILES_MAX or not path.is_file():
		return
	files[name] = path.read_bytes()
	for included in INCLUDE.findall(files[name]):
		collect(folder, name[:name.rfind("/") + 1] + included.decode(errors="replace"), files)


def main():
	out = seeds.folder(__doc__)
	for path in sorted(GOLDEN.glob("*/*.conf")):
		files = {}
		collect(path.parent, path.name, files)
		if not INCLUDE.search(files[path.name]) and path.parent.name != "ok":
			continue
		name = f"{path.parent.name}-{path.stem}"
		(out / name).write_bytes(b"".join(b"%%%% %s\n%s" % (each.encode(), text) for each, text in files.items()))
		(out / f"{name}-bundle").write_bytes(
			b"leadglass-bundle 1\n" +
			b"".join(b"file %d %s\n%s\n" % (len(text), each.encode(), text) for each, text in files.items()) + b"end\n")


if __name__ == "__main__":
	main()
