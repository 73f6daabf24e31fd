#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the agent costs: from its start to a verified wall, its memory and wake-ups when nothing happens, and applying a
policy in which one peer is another.

`start` is the time from starting the program to its READY=1, by when the wall was read back and compared, with the
policy on disk and no wall in the kernel. Wake-ups are voluntary context switches over the idle time. Resident memory is
VmRSS, most of which are pages of libraries that all programs share; `own` is its anonymous part. It is read a moment
after each start and after an apply, and differs from run to run: where the libraries are put decides which of their
pages come along with one that is needed. An apply is the whole `leadglass apply` as a person waits for it, and the
agent's processor time for it."""
import argparse
import json
import os
import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "net"))
sys.path.insert(0, str(Path(__file__).parent))
import bench  # noqa: E402
from lab import Lab, wait_until  # noqa: E402

RSS_LIMIT = 3 * 1024     # KiB, of the keeper in any run, with this many peers
RSS_PEERS = 100
WAKE_UPS_LIMIT = 1       # a minute, of the keeper
SETTLE = 0.5             # s after which what was needed only once is given back


def status(pid, name):
	return int(re.search(rf"^{name}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.M)[1])


def processor(pid):
	"""ms the process has run"""
	return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6


class Site:
	def __init__(self, lab, count):
		import agentlab
		from rivals import policy
		self.count, self.policy = count, policy
		self.host, other = lab.host(f"box{count}"), lab.host(f"net{count}")
		lab.wire(self.host, ["10.200.0.1/24"], other, ["10.200.0.2/24"])
		self.agent = agentlab.Agent(self.host)
		self.agent.start()
		self.agent.must_apply(policy(count, 1))

	def start(self):
		"""ms from the start to READY=1, as after a start of the machine."""
		import check
		self.agent.stop()
		self.host.run(check.command(), "remove", "--yes", check=True)
		begin = time.monotonic()
		self.agent.launch()
		ready = wait_until(lambda: "READY=1" in self.agent.heard(), timeout=60, step=0.0005)
		after = (time.monotonic() - begin) * 1000
		if not ready:
			sys.exit(f"the agent is not ready:\n{self.agent.output()}")
		return after

	def apply(self, number):
		"""(ms that `leadglass apply` takes, ms of the agent's processor time) for one peer that is another."""
		text = self.policy(self.count, 1).replace(f"PACS_{self.count // 2 + 1}\n\tport 104",
		                                          f"PACS_{self.count // 2 + 1}\n\tport {4000 + number}")
		file = self.agent.policy(text, "changed.conf")
		before, begin = processor(self.agent.pid), time.monotonic()
		self.agent.must("apply", "--yes", file)
		return (time.monotonic() - begin) * 1000, processor(self.agent.pid) - before

	def memory(self):
		time.sleep(SETTLE)
		keeper, *others = self.agent.pids()
		return {"keeper": status(keeper, "VmRSS"), "keeper_own": status(keeper, "RssAnon"),
		        "outside": sum(status(pid, "VmRSS") for pid in others),
		        "outside_own": sum(status(pid, "RssAnon") for pid in others)}

	def switches(self):
		keeper, *others = self.agent.pids()
		return (status(keeper, "voluntary_ctxt_switches"), sum(status(pid, "voluntary_ctxt_switches") for pid in others))


def idle(sites, seconds):
	"""Wake-ups a minute of keeper and outside, all sites at the same time."""
	time.sleep(5)  # what a start brings with it is over
	before = [site.switches() for site in sites]
	time.sleep(seconds)
	return [tuple((b - a) * 60 / seconds for a, b in zip(one, site.switches())) for one, site in zip(before, sites)]


def measure(options):
	results = {}
	with Lab() as lab:
		sites = []
		for count in options.peers:
			print(f"{count} peers ...", file=sys.stderr, flush=True)
			site = Site(lab, count)
			applies = [site.apply(number) for number in range(options.rounds)]
			found = {"apply": [a for a, _ in applies], "apply_agent": [a for _, a in applies], "start": [], "idle": [],
			         "after_apply": []}
			for number in range(options.rounds):
				found["start"].append(site.start())
				found["idle"].append(site.memory())
				site.apply(number)
				found["after_apply"].append(site.memory())
			results[count] = found
			sites.append(site)
		print(f"idle, {options.idle} s ...", file=sys.stderr, flush=True)
		for site, (keeper, outside) in zip(sites, idle(sites, options.idle)):
			results[site.count].update(wake_ups={"keeper": keeper, "outside": outside})
	return results


def memories(found, when, what):
	return [one[what] for one in found[when]]


def tables(results):
	lines = ["| peers | start to wall-up, ms | one peer changed: `apply`, ms | the agent's CPU for it, ms |", "|---:|---:|---:|---:|"]
	for count, found in results.items():
		lines.append(f"| {count:,} | {bench.spread(found['start'])} | {bench.spread(found['apply'])} | {bench.spread(found['apply_agent'])} |")
	lines += ["", "| peers | process | resident, KiB | own, KiB | resident after an apply, KiB | wake-ups a minute |",
	          "|---:|---|---:|---:|---:|---:|"]
	for count, found in results.items():
		for process in ("keeper", "outside"):
			resident, own, after = (bench.spread(memories(found, *which), ",.0f") for which in (
				("idle", process), ("idle", process + "_own"), ("after_apply", process)))
			lines.append(f"| {count:,} | {process} | {resident} | {own} | {after} | {found['wake_ups'][process]:.2g} |")
	return lines


def judge(results):
	"""[(what, found, wanted, good)]"""
	rows = []
	for count, found in results.items():
		wake_ups = found["wake_ups"]["keeper"]
		# One more at the edge of the time that was watched is no second one a minute.
		rows.append((f"{count:,} peers: wake-ups a minute", f"{wake_ups:.2g}", f"{WAKE_UPS_LIMIT}, and one more of them all", wake_ups <= WAKE_UPS_LIMIT * 1.35))
		if count <= RSS_PEERS:
			resident = max(memories(found, "idle", "keeper") + memories(found, "after_apply", "keeper"))
			rows.append((f"{count:,} peers: resident, KiB", f"{resident:,}", f"{RSS_LIMIT:,}", resident < RSS_LIMIT))
	return rows


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--command", required=True, help="the leadglass to measure (a release build)")
	parser.add_argument("--agent", required=True, help="the leadglassd to measure")
	parser.add_argument("--peers", type=int, nargs="+", default=[10, 100, 1000, 10000])
	parser.add_argument("--rounds", type=int, default=11)
	parser.add_argument("--idle", type=int, default=180, help="seconds to watch it doing nothing")
	parser.add_argument("--json", type=Path, help="also write every number to this file")
	options = parser.parse_args()
	os.environ["LEADGLASS"], os.environ["LEADGLASSD"] = os.path.abspath(options.command), os.path.abspath(options.agent)
	results = measure(options)
	facts, rows = bench.machine(), judge(results)
	print(f"## The agent\n\n{facts['cpu']}, {facts['processors']} processors, kernel {facts['kernel']}. Medians of "
	      f"{options.rounds} runs, in brackets the smallest and the largest; {options.idle} s of idling.\n")
	print("\n".join(tables(results)))
	print("\n### What was promised\n\n| what | found | at most | |\n|---|---:|---:|---|")
	for what, found, wanted, good in rows:
		print(f"| {what} | {found} | {wanted} | {'yes' if good else '**no**'} |")
	if options.json:
		options.json.write_text(json.dumps({
			"machine": facts, "runs": results,
			"promised": [{"what": what, "found": found, "at_most": wanted, "kept": good} for what, found, wanted, good in rows],
		}, indent="\t") + "\n")
	return 0


if __name__ == "__main__":
	sys.exit(main())
