#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a flood of what is not allowed costs the agent: datagrams from a stranger, as fast as they can be sent, against a
wall whose drops the agent reads (NFLOG), with three rates of `log { drops ... }`. The rate is kept by the kernel: what is
dropped beyond it is counted by the rule and not told to anybody.

dropped: the kernel's counter of the rule that ends chain input. heard: what came to the agent's unprivileged process.
lines: what the agent logged of it. CPU: of both processes, from before the flood to when they have come to rest.
Memory: resident, before and after. status: how long `leadglass status` took while it went on."""
import argparse
import json
import os
import signal
import statistics
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "net"), str(Path(__file__).resolve().parent)]
import bench  # noqa: E402
import check  # noqa: E402
from agentlab import Agent  # noqa: E402
from lab import Lab, LabError, wait_until  # noqa: E402

DEVICE, STRANGER, PORT = "10.200.0.1", "10.200.0.2", 9999
RATES = ("10/second", "1000/second", "10000/second")
POLL = 0.5               # s between two questions for its status: each is counted to its CPU
AS_FAST_AS_IT_CAN = 10000000
LINE = "turned away"
LINES_EVERY, LINES_BURST = 6, 10  # s; the agent logs no more (agent_drops.c)
RSS_LIMIT = 1024         # KiB that both processes together may be larger afterwards
CPU_LIMIT = 100          # ms of both for 100,000 drops at the rate that is usual
STATUS_LIMIT = 1000      # ms
POLICY = """role host
device ct {{ ae-title CT; port 11112 }}
peer main-pacs {{ address 10.200.0.5; ae-title PACS; port 104; initiates storage; accepts echo storage }}
manage {{ from 10.200.9.0/24; port 22 }}
log {{ drops {} }}
"""


def ran(pid):
	"""ms of processor time"""
	return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6


class Site:
	def __init__(self, lab):
		self.box, self.stranger = lab.host("box"), lab.host("stranger")
		lab.wire(self.box, [f"{DEVICE}/24"], self.stranger, [f"{STRANGER}/24"])
		self.agent = Agent(self.box)

	def status(self):
		"""(the kernel's counter, what was heard, ms that it took)"""
		begin = time.monotonic()
		found = self.agent.status()
		took = (time.monotonic() - begin) * 1000
		counted = [one["packets"] for one in found["dropped"] if one["chain"] == "input" and one["rule"] == "default deny"]
		return sum(counted), found["heard"], took

	def rest(self):
		"""Waits until what was heard has been worked off."""
		seen = []

		def settled():
			seen.append([ran(pid) for pid in self.agent.pids()])
			time.sleep(0.5)
			return len(seen) > 1 and all(now - then < 1 for then, now in zip(seen[-2], seen[-1]))
		if not wait_until(settled, 30):
			raise LabError("the agent does not come to rest after the flood")

	def flood(self, rate, packets):
		agent = self.agent.start()
		agent.must_apply(POLICY.format(rate))
		self.rest()
		dropped, heard, _ = self.status()
		lines, rss = self.lines(), [agent.rss(pid) for pid in agent.pids()]
		cpu, begin = [ran(pid) for pid in agent.pids()], time.monotonic()
		sender = self.stranger.start(check.traffic(), "flood", DEVICE, PORT, AS_FAST_AS_IT_CAN)
		took, now = [], dropped
		while now - dropped < packets:
			if not sender.running() or time.monotonic() - begin > 120:
				raise LabError(f"{now - dropped} of {packets} packets were dropped: {sender.output()}")
			now, _, one = self.status()
			took.append(one)
			time.sleep(POLL)
		os.kill(sender.pid, signal.SIGTERM)
		sender.wait()
		seconds = time.monotonic() - begin
		self.rest()
		cpu_after = [ran(pid) for pid in agent.pids()]
		now, heard_now, _ = self.status()
		sent = bench.numbers(sender.output())["sent"]
		found = {"method": rate, "sent": sent, "dropped": now - dropped, "heard": heard_now - heard, "seconds": seconds,
		         "lines": self.lines() - lines, "keeper_ms": cpu_after[0] - cpu[0], "outside_ms": sum(cpu_after[1:]) - sum(cpu[1:]),
		         "rss_before": rss, "rss_after": [agent.rss(pid) for pid in agent.pids()], "status_ms": took}
		agent.stop()
		return found

	def lines(self):
		return sum(LINE in line for line in self.agent.output().splitlines())


def table(runs):
	lines = ["| log { drops } | sent | dropped | packets a second | heard | lines | keeper, ms for 100,000 | unprivileged process, ms "
	         "for 100,000 | resident before, KiB | after | status answered in, ms |", "|---|" + "---:|" * 10]
	for run in runs:
		share, took = 100000 / run["dropped"], run["status_ms"]
		before, after = (" + ".join(map(str, run[when])) for when in ("rss_before", "rss_after"))
		lines.append(f"| `{run['method']}` | {run['sent']:,} | {run['dropped']:,} | {run['dropped'] / run['seconds']:,.0f} | "
		             f"{run['heard']:,} | {run['lines']} | {run['keeper_ms'] * share:.3g} | {run['outside_ms'] * share:.3g} | {before} | "
		             f"{after} | {statistics.median(took):.0f} ({min(took):.0f}–{max(took):.0f}), {len(took)} times |")
	return lines


def judge(runs):
	"""[(what, found, wanted, good)]"""
	rows = []
	for run in runs:
		name, lines = run["method"], LINES_BURST + (run["seconds"] + 3) / LINES_EVERY
		missing, more = run["sent"] - run["dropped"], sum(run["rss_after"]) - sum(run["rss_before"])
		rows += [(f"{name}: sent and not counted as dropped", f"{missing:,}", "0", missing == 0),
		         (f"{name}: lines", f"{run['lines']}", f"{lines:.0f}", run["lines"] <= lines),
		         (f"{name}: larger afterwards, KiB", f"{more:,}", f"{RSS_LIMIT:,}", more <= RSS_LIMIT),
		         (f"{name}: slowest status, ms", f"{max(run['status_ms']):.0f}", f"{STATUS_LIMIT:,}",
		          max(run["status_ms"]) <= STATUS_LIMIT)]
		if name == RATES[0]:
			cpu = (run["keeper_ms"] + run["outside_ms"]) * 100000 / run["dropped"]
			rows.append((f"{name}: the agent's CPU for 100,000 drops, ms", f"{cpu:.3g}", f"{CPU_LIMIT}", cpu <= CPU_LIMIT))
	return rows


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	bench.add_programs(parser, "command", "agent", "traffic")
	parser.add_argument("--packets", type=int, default=1000000, help="that are to be dropped")
	parser.add_argument("--json", type=Path, help="also write every number to this file")
	options = parser.parse_args()
	bench.use_programs(options)
	runs = []
	with Lab() as lab:
		site = Site(lab)
		for rate in RATES:
			print(f"{rate} ...", file=sys.stderr, flush=True)
			runs.append(site.flood(rate, options.packets))
	facts, rows = bench.machine(), judge(runs)
	print(f"## A flood of {options.packets:,} drops\n\n{bench.sentence(facts)} Keeper and unprivileged process apart.\n")
	print("\n".join(table(runs) + bench.promised(rows)))
	if options.json:
		found = {"machine": facts, "runs": runs, "promised": bench.promised_json(rows)}
		options.json.write_text(json.dumps(found, indent="\t") + "\n")
	return 0


if __name__ == "__main__":
	sys.exit(main())
