#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What it costs to change one peer of many: `leadglass apply` in the running agent. One peer gets another port, one
comes at the end of the list and goes again, one comes before all others and goes again. Costs apart: the command's CPU
(it parses both policies, warns, and shows what changes), the agent's (the keeper, which parses, compiles, loads and reads back, and writes it down; the unprivileged process), and, of the
same load in a program of its own that is linked with the libraries of the release (tests/bench/parts.c), what of it is
parse, compile, planning, the transaction and reading back, by the processor time of that program; `kernel` is what is
spent within the netlink calls.

The transaction is an element for each direction and is to cost the same at any length of the list. (In a list of up to
4,096 elements each says in which line of the policy its peer stands: a peer before all others moves them all by its
lines, and all elements are exchanged.) The rest cannot: a policy of N peers
is text that has to be read, and a wall that was not read back is not reported as verified."""
import argparse
import json
import os
import statistics
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "net"), str(Path(__file__).resolve().parent)]
import agentlab  # noqa: E402
import bench  # noqa: E402
import cost  # noqa: E402
from lab import Lab, wait_until  # noqa: E402
from rivals import policy  # noqa: E402

KINDS = ("changed", "added", "removed", "first added", "first removed")
STILL = KINDS[:3]  # no other peer's line moves
FLAT_LIMIT = 2     # times: what the transaction may cost more with the most peers than with the fewest
LINEAR_LIMIT = 1.5 # times: what a peer may cost more with ten times the peers, where reading is the work
LINEAR_FROM = 1000 # peers from which on they are what costs


def processor(pid):
	"""ms the process has run"""
	return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6


class Site:
	def __init__(self, lab, count, options):
		self.lab, self.count, self.options, self.number = lab, count, options, 0
		self.host = lab.host(f"box{count}")
		self.agent = agentlab.Agent(self.host)
		self.agent.start()
		self.agent.must("apply", "--yes", self.agent.policy(self.text("first removed"), "next.conf"))
		self.agent.stop()

	def round(self):
		"""[{peers, kind, cost...}]. The agent runs for it alone: another one that listens for changes would make the kernel tell
		each of them, here too."""
		self.agent.start(timeout=60)
		wait_until(self.agent.idle, 30)
		found = [{"peers": self.count, "kind": kind, **self.apply(kind)} for kind in KINDS]
		self.agent.stop()
		return found

	def text(self, kind):
		"""The policy after the next change: one after the other in the order of KINDS."""
		if kind == "changed":
			self.number += 1
		middle = self.count // 2 + 1
		more = kind in ("added", "first added")
		text = policy(self.count + more, 1).replace(f"PACS_{middle}\n\tport 104", f"PACS_{middle}\n\tport {4000 + self.number}")
		if kind == "first added":
			at, last = text.index("peer "), text.rindex("peer ")
			text = text[:at] + text[last:] + text[at:last]
		return text

	def apply(self, kind):
		"""{command's cost, keeper: ms, outside: ms}"""
		file = self.agent.policy(self.text(kind), "next.conf")
		before = [processor(pid) for pid in self.agent.pids()]
		found, done = cost.measure(self.options.measure, self.host.enter, [
			self.options.command, "apply", "--json", "--run", self.agent.run, "--yes", file])
		# What the agent does after its answer belongs to it.
		if not wait_until(self.agent.idle, 30):
			sys.exit("the agent does not come to rest")
		keeper, *outside = [now - then for then, now in zip(before, (processor(pid) for pid in self.agent.pids()))]
		answer = json.loads(done.stdout)
		return {"command": found["cpu"], "wall": found["wall"], "peak": found["peak"], "keeper": keeper, "outside": sum(outside),
		        "added": answer["added"], "removed": answer["removed"]}

	def parts(self):
		"""{kind: {part: ms}} of the same changes in a process of its own."""
		files = []
		for kind in ("first removed", *KINDS):
			folder = self.agent.folder / f"part-{len(files)}"  # elements say a file's name: it is to be the same
			folder.mkdir(exist_ok=True)
			files.append(folder / "next.conf")
			files[-1].write_text(self.text(kind))
		host = self.lab.host("parts")
		try:
			return dict(zip(KINDS, cost.parts(self.options.parts, host, *files)[1:]))
		finally:
			self.lab.remove(host)


def run(options):
	"""[{peers, kind, cost...}], [{peers, kind, part: ms}]"""
	applies, parts, disturbed = [], [], 0
	with Lab() as lab:
		sites = []
		for count in options.peers:
			print(f"{count} peers ...", file=sys.stderr, flush=True)
			sites.append(Site(lab, count, options))
		print(f"{options.rounds} rounds ...", file=sys.stderr, flush=True)
		for _ in range(options.rounds):
			for site in sites:
				others = cost.listeners() > 0
				applies += site.round()
				parts += [{"peers": site.count, "kind": kind, **found} for kind, found in site.parts().items()]
				disturbed += others or cost.listeners() > 0
	return applies, parts, disturbed


def values(runs, count, kinds, what):
	return [sum(run[one] for one in what) for run in runs if run["peers"] == count and run["kind"] in kinds]


COSTS = (("command's CPU", ("command",)), ("keeper's CPU", ("keeper",)), ("unprivileged process", ("outside",)),
         ("wall", ("wall",)))
PARTS = (("parse", ("parse",)), ("compile", ("compile",)), ("read before: kernel", ("read_kernel",)), ("ours", ("read_ours",)),
         ("plan", ("plan",)), ("transaction: kernel", ("transaction",)), ("read back: kernel", ("back_kernel",)),
         ("decode and compare", ("back_ours",)))


def tables(applies, parts, counts):
	lines = ["| peers | one peer | elements | " + " | ".join(f"{title}, ms" for title, _ in COSTS) + " | command's peak, MiB |",
	         "|---:|---|---:|" + "---:|" * (len(COSTS) + 1)]
	for count in counts:
		for kind in KINDS:
			own = next(run for run in applies if run["peers"] == count and run["kind"] == kind)
			cells = [bench.spread(values(applies, count, (kind,), what)) for _, what in COSTS]
			lines.append(f"| {count:,} | {kind} | +{own['added']} -{own['removed']} | " + " | ".join(cells) +
			             f" | {statistics.median(values(applies, count, (kind,), ('peak',))):.3g} |")
	lines += ["", "Of the agent's share, by parts (without those that move all lines), ms of CPU:", "",
	          "| peers | " + " | ".join(title for title, _ in PARTS) + " |", "|---:|" + "---:|" * len(PARTS)]
	for count in counts:
		lines.append(f"| {count:,} | " + " | ".join(bench.spread(values(parts, count, STILL, what)) for _, what in PARTS) + " |")
	return lines


def judge(applies, parts, counts):
	"""[(what, found, wanted, good)]. The issue asks for a CPU that is flat in N: said of each part."""
	rows = []
	small, large = min(counts), max(counts)

	def ratio(title, runs, what, one, other, limit, each=False):
		before, after = (statistics.median(values(runs, count, STILL, what)) / (count if each else 1) for count in (one, other))
		rows.append((f"{title}{' a peer' if each else ''}, {other:,} peers against {one:,}", f"{after / before:.2f} times", f"{limit}",
		             after <= limit * before))
	if small == large:
		return rows
	ratio("transaction", parts, ("transaction",), small, large, FLAT_LIMIT)
	ratio("command and agent together (not to be had: they read the policy)", applies, ("command", "keeper", "outside"), small, large,
	      FLAT_LIMIT)
	for one, other in zip(sorted(counts), sorted(counts)[1:]):
		if one < LINEAR_FROM:
			continue
		ratio("command", applies, ("command",), one, other, LINEAR_LIMIT, True)
		ratio("parse, compile", parts, ("parse", "compile"), one, other, LINEAR_LIMIT, True)
		ratio("read back", parts, ("back_kernel", "back_ours"), one, other, LINEAR_LIMIT, True)
	return rows


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	bench.add_programs(parser, "command", "agent")
	parser.add_argument("--measure", required=True, help="tests/bench/measure.c, built")
	parser.add_argument("--parts", required=True, help="tests/bench/parts.c, built")
	parser.add_argument("--peers", type=int, nargs="+", default=[10, 100, 1000, 10000, 100000])
	parser.add_argument("--rounds", type=int, default=5)
	parser.add_argument("--json", type=Path, help="also write every number to this file")
	options = parser.parse_args()
	for name in ("command", "measure", "parts"):
		setattr(options, name, os.path.abspath(getattr(options, name)))
	bench.use_programs(options)
	applies, parts, disturbed = run(options)
	facts, rows = bench.machine(), judge(applies, parts, options.peers)
	print(f"## Changing one peer\n\n{bench.sentence(facts)} `leadglass apply` in "
	      f"the running agent. Medians of {options.rounds} interleaved rounds, in brackets the smallest and the largest.\n")
	print("\n".join(tables(applies, parts, options.peers)))
	print(cost.caution(disturbed, options.rounds * len(options.peers)))
	if rows:
		print("\n".join(bench.promised(rows)))
	if options.json:
		options.json.write_text(json.dumps({
			"machine": facts, "runs": applies, "parts": parts, "disturbed_rounds": disturbed,
			"promised": bench.promised_json(rows),
		}, indent="\t") + "\n")
	return 0


if __name__ == "__main__":
	sys.exit(main())
