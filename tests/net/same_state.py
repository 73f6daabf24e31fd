#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The two ways into the kernel are one: `leadglass render | nft -f` and `leadglass load` leave the same state, down
to the bytecode, for every golden policy and for some random ones. Only the table's flags differ (the owner's)."""
import os
import random
import re
from pathlib import Path

import check
import policies
from lab import Lab

GOLDEN = Path(__file__).parent.parent / "golden" / "ok"
RANDOM_POLICIES = 40


def listing(host):
	"""`nft list ruleset` without the table's flags (nft 1.0.6 has no words for them), elements in order."""
	output = host.run("nft", "list", "ruleset", check=True).stdout
	output = re.sub(r"^(table .*\n)\tflags.*\n\n?", r"\1", output, flags=re.MULTILINE)

	def in_order(found):
		return "elements = {\n" + "\n".join(sorted(e.strip() for e in found[1].split(",\n"))) + "\n}"
	return re.sub(r"elements = {(.*?)}\n", in_order, output, flags=re.DOTALL).splitlines()


def bytecode(host):
	"""What the kernel holds, instruction by instruction: {rule or set: lines}."""
	output = host.run("nft", "--debug=netlink", "list", "ruleset", check=True).stdout
	parts, lines, rules = {}, None, 0
	for line in output.splitlines():
		if re.match(r"(inet|bridge) leadglass ", line):
			rules += 1
			name = " ".join(line.split()[:3])
			parts[name if "@" in name else f"{name} rule {rules}"] = lines = []
		elif re.match(r"table ", line):
			break  # the listing as text follows
		elif lines is not None and line.strip():
			lines.append(line)
	return {name: sorted(lines) if "@" in name else lines for name, lines in parts.items()}


def first_difference(one, other):
	for key in list(one) + list(other):
		if one.get(key) != other.get(key):
			return f"{key}\nrender: {one.get(key)}\nload:   {other.get(key)}"
	return ""


def compare(checks, lab, file, name):
	rendered, loaded = lab.host("rendered"), lab.host("loaded")
	text = rendered.run(check.command(), "render", file, check=True).stdout
	done = rendered.run("nft", "-f", "-", input=text)
	if not checks.check(done.returncode == 0, f"{name}: nft loads what render prints", done.stderr):
		return
	done = loaded.run(check.command(), "load", file)
	if not checks.check(done.returncode == 0, f"{name}: load", done.stderr):
		return
	one, other = bytecode(rendered), bytecode(loaded)
	checks.check(one and one == other, f"{name}: the same bytecode ({len(one)} rules and sets)", first_difference(one, other))
	one, other = listing(rendered), listing(loaded)
	checks.check(one and one == other, f"{name}: the same listing",
	             [pair for pair in zip(one, other) if pair[0] != pair[1]][:1])
	done = rendered.run(check.command(), "verify", file)
	checks.check(done.returncode == 0, f"{name}: verify accepts what nft loaded", done.stdout + done.stderr)
	# The text is loaded over itself: it says what there is to be, not what is to be added.
	done = rendered.run("nft", "-f", "-", input=text)
	checks.check(done.returncode == 0 and bytecode(rendered) == bytecode(loaded), f"{name}: a second time", done.stderr)


def test(checks):
	files = [path for path in sorted(GOLDEN.glob("*.conf"))
	         if re.search(r"^role\s+(host|router)\b", path.read_text(), re.MULTILINE)]
	checks.check(len(files) >= 5, f"there are golden policies of roles host and router: {len(files)}")
	for path in files:
		with Lab() as lab:
			compare(checks, lab, path, path.name)
	seed = os.environ.get("SEED", "1")
	for number in range(RANDOM_POLICIES):
		rng = random.Random(f"{seed}.{number}")
		world = (policies.HOST, policies.ROUTER)[number % 2]
		with Lab() as lab:
			file = lab.dir / "policy.conf"
			file.write_text(policies.policy_text(policies.PolicyMaker(rng, world).make()))
			compare(checks, lab, file, f"random policy {seed}.{number}")


if __name__ == "__main__":
	check.run(test)
