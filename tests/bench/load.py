#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What it costs to load a wall: `leadglass load` against what people use today (tests/bench/rivals.py), all of them
opening the same: `nft -f` of the text that `leadglass render` prints, which puts the same sets and rules into the kernel;
`nft -f` of one set, as its manual shows it, and of a rule for each peer and direction; iptables-restore; ipset; ufw;
firewalld. leadglass parses and compiles the policy and, unless told not to, reads everything back; the others get their
text ready made. `floor` sends the very messages of leadglass, ready made, and waits for the answer: the least anybody can
pay who puts this wall up.

Each run has a network namespace of its own. `first` loads into an empty one, `replace` replaces a wall of the same size in
which every peer is another, `one changed` a wall in which one peer is another. Methods take turns, so that what else the
machine does falls on all of them. Cost is what the kernel charges the process and its children: CPU is user and system
time and that of programs behind the command, as firewalld's; peak memory is the largest resident size of one of them.
The sum of user and system time is exact, how it is divided is the kernel's estimate by its ticks: for runs of a few
milliseconds look at the parts.

What of it is parse, compile, transaction and reading back is measured by processor time in a program of its own that is
linked with the libraries of the release (tests/bench/parts.c); `kernel` is what is spent within the netlink calls."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "net"), str(Path(__file__).resolve().parent)]
import bench  # noqa: E402
import cost  # noqa: E402
import rivals  # noqa: E402
from lab import Lab  # noqa: E402

METRICS = (("wall", "wall ms"), ("cpu", "CPU ms"), ("user", "user"), ("system", "system"), ("behind", "behind it"),
           ("peak", "peak MiB"))
FULL, FAST, FLOOR = rivals.Load, rivals.LoadOnly, "floor"
OWN = (FULL, FAST)
SAME, SET, RULES = rivals.Rendered, rivals.NftSet, rivals.NftRules
RIVALS = (SAME, SET, RULES, rivals.Iptables, rivals.Ipset, rivals.Ufw, rivals.Firewalld)
SITUATIONS = ("first", "replace", "one changed")
ONE_CHANGED = (*OWN, SAME)  # the others load all of it again, as in `replace`
SLOW = (rivals.Ufw, rivals.Firewalld)  # seconds each
ROUNDS_LEAST = 3
# What the issue wants of leadglass against `nft -f`, with a set and with a rule each: (peers, metric, at most this share).
CRITERIA = ((10000, "cpu", 1 / 4), (10000, "peak", 1 / 3), (100000, "cpu", 1 / 5), (100000, "peak", 1 / 5))
FLOOR_LIMIT = 2          # times the floor's CPU, without read-back
PARTS = (("parse", ("parse",)), ("warnings", ("lint",)), ("compile", ("compile",)), ("read before: kernel", ("read_kernel",)),
         ("ours", ("read_ours",)), ("plan, write", ("plan",)), ("transaction: kernel", ("transaction", "conntrack")),
         ("read back: kernel", ("back_kernel",)), ("ours", ("back_ours",)), ("all", cost.PARTS))


class Bench:
	def __init__(self, lab, options):
		self.lab, self.options, self.hosts = lab, options, 0
		self.runs = {}       # (count, situation, method's name): [{wall, cpu, user, system, behind, peak}]
		self.parts = {}      # (count, situation): [{part: ms}]
		self.disturbed = self.measured = 0

	def host(self):
		self.hosts += 1  # a rival keeps files under its host's name
		return self.lab.host(f"run{self.hosts}")

	def methods(self, count, situation):
		limits = {RULES: self.options.rules_up_to, rivals.Iptables: self.options.rules_up_to}
		return [rival for rival in (*OWN, *RIVALS) if rival in OWN or rival in self.options.rivals
		        if count <= limits.get(rival, rival.up_to) and (situation != "one changed" or rival in ONE_CHANGED) and
		        (rival not in SLOW or count in self.options.slow_at)]

	def write(self, count):
		"""{method: {situation: its files}}; "first" is also what stands before the others."""
		lists = {"first": (count,), "replace": (count, 1 + count), "one changed": (count, 1, ("10.250.0.1",))}
		found = {}
		for method in self.methods(count, "first"):
			host = self.host()
			writer = method(rivals.Place(host))
			found[method] = {situation: writer.write(*lists[situation]) for situation in SITUATIONS
			                 if situation != "one changed" or method in ONE_CHANGED}
			writer.close()
			self.lab.remove(host)
		return found

	def capture(self, count, files):
		"""The messages of leadglass that make the first wall."""
		host, batch = self.host(), self.lab.dir / f"{count}.batch"
		host.run("env", f"LD_PRELOAD={self.options.capture}", f"CAPTURE={batch}", *FAST(rivals.Place(host)).words(files), timeout=300,
		         check=True)
		self.lab.remove(host)
		return batch

	def run(self, method, files, situation):
		host = self.host()
		rival = method(rivals.Place(host))
		try:
			if situation != "first":
				rival.put_up(files["first"])
				time.sleep(0.02)  # what the kernel does after a load is over
			rival.stage(files[situation])
			behind = rival.cpu()
			found, _ = cost.measure(self.options.measure, rival.enter, rival.words(files[situation], situation != "first"))
			found["behind"] = rival.cpu() - behind
			found["cpu"] += found["behind"]
			return found
		finally:
			rival.close()
			self.lab.remove(host)

	def floor(self, batch):
		host = self.host()
		try:
			return {**cost.measure(self.options.measure, host.enter, [self.options.floor, batch])[0], "behind": 0}
		finally:
			self.lab.remove(host)

	def part(self, files, situation):
		host = self.host()
		try:
			if situation != "first":
				FAST(rivals.Place(host)).put_up(files["first"])
			return cost.parts(self.options.parts, host, files[situation]["policy.conf"])[0]
		finally:
			self.lab.remove(host)

	def size(self, count, rounds):
		files = self.write(count)
		batch = self.capture(count, files[FAST]["first"])
		for number in range(rounds):
			others = cost.listeners() > 0
			for situation in SITUATIONS:
				for method in self.methods(count, situation):
					if method not in SLOW or number < ROUNDS_LEAST:
						self.runs.setdefault((count, situation, method.name), []).append(self.run(method, files[method], situation))
				self.parts.setdefault((count, situation), []).append(self.part(files[FULL], situation))
			self.runs.setdefault((count, "first", FLOOR), []).append(self.floor(batch))
			self.measured += 1
			self.disturbed += others or cost.listeners() > 0


def median(runs, metric):
	return statistics.median(run[metric] for run in runs)


def spread(values):
	return bench.spread(values, ".4g")


def tables(runs, counts):
	"""Markdown: a table for each situation."""
	lines = []
	for situation in SITUATIONS:
		lines += ["", f"### {situation}", "", "| peers | method | " + " | ".join(title for _, title in METRICS) + " |",
		          "|---:|---|" + "---:|" * len(METRICS)]
		for count in counts:
			for name in (*(method.name for method in (*OWN, *RIVALS)), FLOOR):
				own = runs.get((count, situation, name))
				if own:
					cells = [spread([run[metric] for run in own]) if metric != "behind" or name in [one.name for one in SLOW] else ""
					         for metric, _ in METRICS]
					lines.append(f"| {count:,} | `{name}` | " + " | ".join(cells) + " |")
	return lines


def part_tables(parts, counts):
	lines = ["", "### What `leadglass load` spends it on", "", "CPU, ms.", "",
	         "| peers | situation | " + " | ".join(title for title, _ in PARTS) + " |", "|---:|---|" + "---:|" * len(PARTS)]
	for count in counts:
		for situation in SITUATIONS:
			cells = [spread([sum(run[one] for one in what) for run in parts[count, situation]]) for _, what in PARTS]
			lines.append(f"| {count:,} | {situation} | " + " | ".join(cells) + " |")
	return lines


def judge(runs, counts):
	"""[(what, found, wanted, good)]"""
	rows = []
	for count, metric, share in CRITERIA:
		for situation in ("first", "replace"):
			for method in OWN:
				for base in (SAME, SET, RULES):
					own, other = (runs.get((count, situation, one.name)) for one in (method, base))
					if own and other:
						found = median(own, metric) / median(other, metric)
						rows.append((f"{count:,} peers, {situation}, `{method.name}`: {metric} of `{base.name}`", f"{found:.3f}",
						             f"{share:.2f}", found <= share))
	for count in counts:
		found = median(runs[count, "first", FAST.name], "cpu") / median(runs[count, "first", FLOOR], "cpu")
		rows.append((f"{count:,} peers, first, `{FAST.name}`: cpu of the floor", f"{found:.2f}", f"{FLOOR_LIMIT}",
		             found <= FLOOR_LIMIT))
	return rows


def stripped_size(command, folder):
	copy = folder / "stripped"
	subprocess.run(["strip", "-o", copy, command], check=True)
	return copy.stat().st_size


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	bench.add_programs(parser, "command")
	parser.add_argument("--measure", required=True, help="tests/bench/measure.c, built")
	parser.add_argument("--parts", required=True, help="tests/bench/parts.c, built")
	parser.add_argument("--floor", required=True, help="tests/bench/floor.c, built")
	parser.add_argument("--capture", required=True, help="tests/bench/capture.c, built")
	bench.add_rivals(parser, RIVALS)
	parser.add_argument("--rules-up-to", type=int, default=100000, metavar="PEERS",
	                    help="larger walls are not loaded as one rule each")
	parser.add_argument("--slow-at", type=int, nargs="+", default=[100, 10000], metavar="PEERS",
	                    help="where ufw and firewalld, seconds each, are measured")
	parser.add_argument("--peers", type=int, nargs="+", default=[10, 100, 1000, 10000, 100000])
	parser.add_argument("--rounds", type=int, default=7,
	                    help=f"runs of each; {ROUNDS_LEAST} from 100,000 peers on, and of ufw and firewalld")
	parser.add_argument("--json", type=Path, help="also write every run to this file")
	options = parser.parse_args()
	for name in ("measure", "parts", "floor", "capture"):
		setattr(options, name, os.path.abspath(getattr(options, name)))
	bench.use_programs(options)
	with Lab() as lab:
		options.rivals = bench.choose(options, lab)
		found = Bench(lab, options)
		for count in options.peers:
			print(f"{count} peers ...", file=sys.stderr, flush=True)
			found.size(count, min(options.rounds, ROUNDS_LEAST) if count >= 100000 else options.rounds)
		size = stripped_size(options.command, lab.dir)
	facts, rows = bench.machine(), judge(found.runs, options.peers)
	print(f"## Loading a wall\n\n{bench.sentence(facts)} Medians of {options.rounds} interleaved runs (at 100,000 peers, and of "
	      f"ufw and firewalld, {ROUNDS_LEAST}), in brackets the smallest and the largest. Wall time below some 20 ms is the kernel's "
	      f"grace period when a netlink socket is closed, not work: compare CPU. The command has {size:,} octets, stripped.")
	print(cost.caution(found.disturbed, found.measured))
	print("\n".join(tables(found.runs, options.peers) + part_tables(found.parts, options.peers) + bench.promised(rows)))
	if options.json:
		options.json.write_text(json.dumps({
			"machine": facts, "stripped_octets": size, "disturbed_rounds": found.disturbed,
			"runs": [{"peers": count, "situation": situation, "method": name, "runs": runs}
			         for (count, situation, name), runs in found.runs.items()],
			"parts": [{"peers": count, "situation": situation, "runs": runs} for (count, situation), runs in found.parts.items()],
			"promised": bench.promised_json(rows),
		}, indent="\t") + "\n")
	return 0


if __name__ == "__main__":
	sys.exit(main())
