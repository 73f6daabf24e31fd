#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a flow table gains in role router: a virtual machine between two networks, with one of Debian's kernels, the agent
and a policy of two peers, once with `flowtable` and once without, in turns; traffic and costs are those of
tests/bench/emulated.py. Every connection of a run is opened for it; before one with a flow table is counted it has to be in
there, by the kernel's own list."""
import json
import statistics
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "vm"), str(HERE.parent / "net")]
import bench  # noqa: E402
import emulated  # noqa: E402
from lab import Lab, LabError  # noqa: E402

PORT = 104
KINDS = ("small", "bulk")  # a connection has to be established before it may be taken over


def measure(site, kind, with_flowtable, options):
	from routed import FLOWTABLE, PEERS, policy
	site.must_apply(policy(*([FLOWTABLE] if with_flowtable else [])))
	if with_flowtable and not site.becomes("active", 60):
		raise LabError(f"no flow table: {site.flowtable()}")
	site.box.run("conntrack -F 2> /dev/null", check=True)
	process = emulated.start_client(site.ct, kind, PEERS["archive"], PORT, options.connections)
	taken = offloaded(site)
	if not taken or any(one != with_flowtable for one in taken):
		raise LabError(f"of {len(taken)} connections {sum(taken)} are in a flow table")
	return emulated.measure(site.box, site.ct, process, options.seconds)


def offloaded(site):
	"""Whether each connection is in a flow table, by the kernel."""
	from routed import CT
	return ["[OFFLOAD]" in line for line in site.box.run("conntrack -L -p tcp 2> /dev/null").stdout.splitlines() if CT in line]


def table(rounds, out):
	print("| | without | with a flow table | ratio |\n|---|---|---|---|", file=out)
	for kind in KINDS:
		for column in emulated.SHOWN[kind]:
			values = [[run[column] for run in rounds if run["kind"] == kind and run["flowtable"] == flag] for flag in (False, True)]
			cells = [bench.spread(one, ",.1f") for one in values]
			ratio = statistics.median(values[1]) / statistics.median(values[0])
			print(f"| {kind}: {column.replace('us', 'µs')} | {cells[0]} | {cells[1]} | {ratio:.2f} |", file=out)


def main():
	options = emulated.parser("flowtable", __doc__, rounds=5, seconds=6).parse_args()
	from routed import PEERS, Site
	rounds = []
	with Lab() as lab:
		site = Site(lab, options.release)
		site.agent()
		emulated.start_server(site.peers["archive"], PEERS["archive"], PORT)
		for number in range(options.rounds):
			for kind in KINDS:
				for flag in ((False, True) if number % 2 else (True, False)):
					emulated.tell(rounds, {"round": number, "kind": kind, "flowtable": flag, **measure(site, kind, flag, options)})
		heading = emulated.heading(site.box, options)
	print(heading)
	table(rounds, sys.stdout)
	if options.json:
		options.json.write_text(json.dumps({"about": heading, "runs": rounds}, indent=1) + "\n")
	return 0


if __name__ == "__main__":
	sys.exit(main())
