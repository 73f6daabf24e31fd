#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: corpus.py VERDICTS MADE

The second implementation of docs/signed-policy.md (second.py) on every signed policy, good or broken, that the tests of
src/trust make (MADE, by tests/unit/trust/fixture.py): it must come to the answer that VERDICTS has for leadglass. Where
the two differ the text is wrong, or one of them.
"""
import sys
from pathlib import Path

sys.dont_write_bytecode = True
import second  # noqa: E402

AT_LEAST = 10  # good ones: a program that refuses everything is no implementation


def cases(path):
	"""(case, anchors, what is said)"""
	found = []
	for line in Path(path).read_text().splitlines():
		if line.startswith("\t"):
			found[-1][2].append(line[1:])
		elif line and not line.startswith("#"):
			case, anchors = line.split()
			found.append((case, anchors.split(","), []))
	return found


def read_anchors(made, names):
	anchors = []
	for name in sorted(set(names) - {"none"}):
		try:
			anchors.append(second.Anchor(name, (made / "anchors" / f"{name}.pem").read_bytes()))
		except second.Refused:
			pass
	return anchors


def answer(octets, anchors):
	try:
		return str(second.verify(octets, anchors))
	except second.Refused as refused:
		return f"refused: {refused}"


def agree(ours, said):
	"""`good: ALGORITHM; ANCHOR (SCOPE); SIGNER`, or an error."""
	good = next((line for line in said if line.startswith("good: ")), None)
	if not good:
		return ours.startswith("refused: ") and any(line.startswith("error: ") for line in said)
	algorithm, anchor, *_ = good.removeprefix("good: ").split("; ")
	name, scope = anchor.rstrip(")").split(" (")
	return ours == f"good: {algorithm}, {name}, {scope}"


def main():
	if len(sys.argv) != 3:
		sys.exit(__doc__.strip())
	made, failed, counts = Path(sys.argv[2]), 0, {"good": 0, "refused": 0}
	for case, names, said in cases(sys.argv[1]):
		ours = answer((made / "signed" / case).read_bytes(), read_anchors(made, names))
		counts[ours.split(":")[0]] += 1
		if not agree(ours, said):
			failed += 1
			print(f"FAIL {case} {','.join(names)}\n     second.py: {ours}\n     leadglass: {' / '.join(said)}")
	print(f"{counts['good']} good, {counts['refused']} refused, {failed} on which the two do not agree")
	sys.exit(1 if failed or counts["good"] < AT_LEAST else 0)


if __name__ == "__main__":
	main()
