#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What it costs to load a wall: `leadglass load` against `nft -f` of the text that `leadglass render` prints for the
same policy, so that both put the same sets and rules into the kernel. leadglass parses and compiles the policy and,
unless told not to, reads everything back; nft gets its text ready made. Into an empty namespace the others load as well:
`floor` sends the very messages of leadglass, ready made, and waits for the answer, which is the least anybody can pay;
one rule for each peer and direction, as most people write them, by nft and by iptables-restore, up to --rules-up-to
peers.

Each run has a network namespace of its own. `first` loads into an empty one, `replace` replaces a wall of the same
size in which every peer is another, `one changed` a wall in which one peer is another. Methods take turns, so that
what else the machine does falls on all of them. Cost is what the kernel charges the process: CPU is user and system
time, peak memory its largest resident size."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "net"))
sys.path.insert(0, str(Path(__file__).parent))
from bench import machine  # noqa: E402
from lab import Lab  # noqa: E402
from rivals import addresses, iptables_rules, nft_rules, policy  # noqa: E402

METRICS = (("wall", "wall ms"), ("cpu", "CPU ms"), ("peak", "peak MiB"))
NFT, FULL, FAST = "nft -f", "leadglass load", "leadglass load --no-read-back"
FLOOR, RULES, IPTABLES = "floor", "nft -f, a rule each", "iptables-restore, a rule each"
SITUATIONS = ("first", "replace", "one changed")
# What issue and README promise: (peers, method, metric, at most this share of nft's).
CRITERIA = ((10000, FULL, "cpu", 1 / 2), (10000, FULL, "peak", 1 / 2), (10000, FAST, "cpu", 1 / 4),
            (10000, FAST, "peak", 1 / 4), (100000, FAST, "cpu", 1 / 5), (100000, FAST, "peak", 1 / 5))
FLOOR_LIMIT = 2          # times the floor's CPU, without read-back
SIZE_LIMIT = 250 * 1000  # octets of the stripped command


class Bench:
	def __init__(self, lab, options):
		self.lab, self.options = lab, options
		self.runs = {}  # (count, situation, method): [{wall, cpu, peak}]

	def prepare(self, count):
		"""The policies old, other (every peer another) and edited (one peer another), and their nft texts."""
		old = policy(count, 1)
		texts = {"old": old, "replace": policy(count, 1 + count), "one changed": old.replace(
			f"PACS_{count // 2 + 1}\n\tport 104", f"PACS_{count // 2 + 1}\n\tport 4006"), "first": old}
		files = {}
		for name, text in texts.items():
			file = self.lab.dir / f"{count}-{name.replace(' ', '-')}.conf"
			file.write_text(text)
			rendered = file.with_suffix(".nft")
			with open(rendered, "w", encoding="ascii") as out:
				subprocess.run([self.options.command, "render", file], stdout=out, check=True)
			files[name] = (file, rendered)
		each = [self.lab.dir / f"{count}-each.{name}" for name in ("nft", "tables")]
		if count <= self.options.rules_up_to:
			peers = addresses(count)
			each[0].write_text(nft_rules(peers))
			each[1].write_text(iptables_rules([f"-d {peer}" for peer in peers], [f"-s {peer}" for peer in peers]))
		batch = self.lab.dir / f"{count}.batch"
		host = self.lab.host("capture")
		host.run("env", f"LD_PRELOAD={self.options.capture}", f"CAPTURE={batch}", *self.words(FAST, files["first"]), timeout=300,
		         check=True)
		self.lab.remove(host)
		files["others"] = {FLOOR: [self.options.floor, batch], RULES: ["nft", "-f", each[0]],
		                   IPTABLES: ["iptables-restore", each[1]]}
		return files

	def methods(self, count, situation):
		others = (FLOOR, RULES, IPTABLES) if count <= self.options.rules_up_to else (FLOOR,)
		return (NFT, FULL, FAST, *(others if situation == "first" else ()))

	def words(self, method, files):
		if method == NFT:
			return ["nft", "-f", files[1]]
		return [self.options.command, "load", *(["--no-read-back"] if method == FAST else []), files[0]]

	def run(self, files, situation, method):
		host = self.lab.host("run")
		try:
			if situation != "first":
				host.run(*self.words(method, files["old"]), timeout=300, check=True)
				time.sleep(0.02)  # what the kernel does after a load is over
			return self.measure(host, files["others"].get(method) or self.words(method, files[situation]))
		finally:
			self.lab.remove(host)

	def measure(self, host, words):
		read, write = os.pipe()
		try:
			# The measuring program wants the pipe as descriptor 3.
			done = subprocess.run([*host.enter, "sh", "-c", f"exec 3>&{write}; exec \"$@\"", "sh",
			                       self.options.measure, *map(str, words)], stdin=subprocess.DEVNULL,
			                      capture_output=True, text=True, pass_fds=[write], timeout=600)
		finally:
			os.close(write)
		with os.fdopen(read) as result:
			line = result.read().split()
		if done.returncode or not line or line[4] != "0":
			sys.exit(f"{' '.join(map(str, words))}: exit {line[4:]}\n{done.stderr}")
		wall, user, system, peak = map(int, line[:4])
		return {"wall": wall / 1000, "cpu": (user + system) / 1000, "peak": peak / 1024}

	def size(self, count, rounds):
		files = self.prepare(count)
		for _ in range(rounds):
			for situation in SITUATIONS:
				for method in self.methods(count, situation):
					self.runs.setdefault((count, situation, method), []).append(self.run(files, situation, method))


def median(runs, metric):
	return statistics.median(run[metric] for run in runs)


def spread(runs, metric):
	values = [run[metric] for run in runs]
	return f"{min(values):.4g}–{max(values):.4g}"


def tables(runs, counts):
	"""Markdown: a table for each situation."""
	lines = []
	for situation in SITUATIONS:
		lines += ["", f"### {situation}", "",
		          "| peers | method | " + " | ".join(f"{title} | of nft's" for _, title in METRICS) + " |",
		          "|---:|---|" + "---:|---:|" * len(METRICS)]
		for count in counts:
			base = runs[count, situation, NFT]
			for method in (NFT, FULL, FAST, FLOOR, RULES, IPTABLES):
				own = runs.get((count, situation, method))
				if not own:
					continue
				cells = []
				for metric, _ in METRICS:
					share = median(own, metric) / median(base, metric)
					cells.append(f"{median(own, metric):.4g} ({spread(own, metric)}) | "
					             f"{'' if method == NFT else f'{share:.2f}'}")
				lines.append(f"| {count:,} | `{method}` | " + " | ".join(cells) + " |")
	return lines


def judge(runs, counts, size):
	"""[(what, found, wanted, good)]"""
	rows = []
	for count, method, metric, share in CRITERIA:
		for situation in ("first", "replace"):
			if count in counts:
				found = median(runs[count, situation, method], metric) / median(runs[count, situation, NFT], metric)
				rows.append((f"{count:,} peers, {situation}, `{method}`: {metric}", f"{found:.3f} of nft's", f"{share:.2f}",
				             found <= share))
	for count in counts:
		found = median(runs[count, "first", FAST], "cpu") / median(runs[count, "first", FLOOR], "cpu")
		rows.append((f"{count:,} peers, first, `{FAST}`: cpu", f"{found:.2f} of the floor's", f"{FLOOR_LIMIT}", found <= FLOOR_LIMIT))
	rows.append(("stripped command", f"{size:,} octets", f"{SIZE_LIMIT:,}", size <= SIZE_LIMIT))
	return rows


def stripped_size(command, folder):
	copy = folder / "stripped"
	subprocess.run(["strip", "-o", copy, command], check=True)
	return copy.stat().st_size


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--command", required=True, help="the leadglass to measure (a release build)")
	parser.add_argument("--measure", required=True, help="tests/bench/measure.c, built")
	parser.add_argument("--floor", required=True, help="tests/bench/floor.c, built")
	parser.add_argument("--capture", required=True, help="tests/bench/capture.c, built")
	parser.add_argument("--rules-up-to", type=int, default=10000, metavar="PEERS",
	                    help="larger walls are not loaded as one rule each, which takes minutes")
	parser.add_argument("--peers", type=int, nargs="+", default=[10, 1000, 10000, 100000])
	parser.add_argument("--rounds", type=int, default=11, help="runs of each; a third as many from 100,000 peers on")
	parser.add_argument("--json", type=Path, help="also write every run to this file")
	options = parser.parse_args()
	for name in ("command", "measure", "floor", "capture"):
		setattr(options, name, os.path.abspath(getattr(options, name)))
	with Lab() as lab:
		bench = Bench(lab, options)
		for count in options.peers:
			print(f"{count} peers ...", file=sys.stderr, flush=True)
			bench.size(count, max(3, options.rounds // 3) if count >= 100000 else options.rounds)
		size = stripped_size(options.command, lab.dir)
	facts = machine()
	print(f"## Loading a wall\n\n{facts['cpu']}, {facts['processors']} processors, kernel {facts['kernel']}, nft {facts['nft']}. "
	      f"Medians of {options.rounds} interleaved runs (at 100,000 peers {max(3, options.rounds // 3)}), in brackets the "
	      "smallest and the largest. Wall time below some 20 ms is the kernel's grace period when a netlink socket is "
	      "closed, not work: compare CPU.")
	print("\n".join(tables(bench.runs, options.peers)))
	rows = judge(bench.runs, options.peers, size)
	print("\n### What was promised\n\n| what | found | at most | |\n|---|---:|---:|---|")
	for what, found, wanted, good in rows:
		print(f"| {what} | {found} | {wanted} | {'yes' if good else '**no**'} |")
	if options.json:
		options.json.write_text(json.dumps({
			"machine": facts, "stripped_octets": size,
			"runs": [{"peers": count, "situation": situation, "method": method, "runs": runs}
			         for (count, situation, method), runs in bench.runs.items()],
			"promised": [{"what": what, "found": found, "at_most": wanted, "kept": good} for what, found, wanted, good in rows],
		}, indent="\t") + "\n")
	return 0


if __name__ == "__main__":
	sys.exit(main())
