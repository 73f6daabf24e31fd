#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a wall costs the traffic that it lets pass, with N peers, on the device itself (host) and on a router before it:
leadglass, what people use today (tests/bench/rivals.py) and no firewall at all. All walls stand at the same time, each
in namespaces of its own; their measurements take turns. The peer that is measured is the last of each list: where
there is a rule for each, it is the last one.

`packet` is the processor time of one packet of 40 octets of an established connection, from the sender's system call to
the receiver's TCP; `+ns` is what it takes more than without a firewall. `connections` is how many connections, an octet
there and back on each, one after the other, one second of processor time is enough for, of both ends and what lies
between. Processor time and not elapsed time, for other work on the machine to matter less; the kernel's thread for what
its interrupts leave over (ksoftirqd) is counted in. `bulk` is one TCP connection to the device's port as fast as it
goes, on two processors if there are two. `C-STORE` is an object that DCMTK's storescu brings from the device to the
peer's storescp, which receives and drops it, as a person waits for it; with each rival's largest number of peers.
Ratios are medians of those to the run without a firewall of the same turn.

Role bridge needs a kernel that can do it, with connection tracking for bridges and no br_netfilter; see
docs/verification.md for what is measured in virtual machines."""
import argparse
import json
import math
import os
import statistics
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "net"), str(Path(__file__).resolve().parent)]
import bench  # noqa: E402
import check  # noqa: E402
import dicom  # noqa: E402
import rivals  # noqa: E402
from crossing import PEER, Site  # noqa: E402
from lab import Lab, LabError  # noqa: E402

ROLES = ("host", "router")
NONE, OURS = rivals.NoFirewall, rivals.Load
CHOSEN = (OURS, rivals.NftRules, rivals.Iptables, rivals.Ipset, rivals.Ufw, rivals.Firewalld)
# What the issue promises, of OURS.
NOISE = 0.05   # "within noise": the slowest run without a firewall, but at least this share of its median
FLAT = 0.10    # "flat in N": that much dearer with the most peers than with the fewest
BRIDGE = "role bridge\ndevice ct-3 { address 10.200.0.10; ae-title CT3; port 11112 }\n" \
         "peer pacs { address 10.200.0.2; ae-title PACS; port 104; initiates storage; accepts echo }\n"


def ran(pid):
	"""ns of processor time that a program has had."""
	return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


def ksoftirqd(cpu):
	"""The kernel's thread that does what interrupts of this processor leave over."""
	for entry in Path("/proc").iterdir():
		try:
			if entry.name.isdigit() and (entry / "comm").read_text().strip() == f"ksoftirqd/{cpu}":
				return int(entry.name)
		except OSError:
			pass  # it has ended
	raise LabError(f"no ksoftirqd/{cpu}")


def segments(host):
	"""How many TCP segments its stack has received."""
	names, values = (line.split() for line in host.run("grep", "^Tcp:", "/proc/net/snmp", check=True).stdout.splitlines())
	return int(values[names.index("InSegs")])


class Walled:
	"""A wall that stands, and the programs on both sides of it."""

	def __init__(self, lab, rival, role, count, name):
		self.site = Site(lab, rival, role, name)
		self.site.rival.put_up(self.site.files(count))
		self.cpus = sorted(os.sched_getaffinity(0))
		self.thread = ksoftirqd(self.cpus[-1])
		self.server = self.site.device.start("taskset", "-c", self.cpus[-1], check.traffic(), "serve", rivals.DEVICE_PORT)
		self.server.wait_port(rivals.DEVICE_PORT)
		self.receiver = None

	def traffic(self, kind, *words, cpu=-1):
		words = ("taskset", "-c", self.cpus[cpu], check.traffic(), kind, self.site.address, rivals.DEVICE_PORT, *words)
		return bench.numbers(self.site.peer.run(*words, check=True).stdout)

	def packet(self, seconds):
		"""ns of processor time for each"""
		before, thread = segments(self.site.device), ran(self.thread)
		found = self.traffic("packets", seconds)
		arrived, thread = segments(self.site.device) - before, ran(self.thread) - thread
		if arrived < found["packets"] / 2:
			raise LabError(f"{self.site.rival.name}: of {found['packets']} packets {arrived} arrived")
		return (found["cpu_us"] * 1000 + thread) / arrived

	def connections(self, seconds):
		"""for each second of processor time"""
		def served():
			return ran(self.server.pid) + ran(self.thread)
		before = served()
		found = self.traffic("rush", seconds)
		if found["failed"] or not found["connections"]:
			raise LabError(f"{self.site.rival.name}: {found}")
		return found["connections"] / ((served() - before) / 1e9 + found["cpu_us"] / 1e6)

	def bulk(self, seconds):
		"""MB/s"""
		found = self.traffic("pour", 0, seconds, cpu=0)
		if found["broken"]:
			raise LabError(f"{self.site.rival.name}: {found}")
		return found["octets"] / found["us"]

	def store(self, path):
		"""MB/s"""
		if not self.receiver:
			self.receiver = dicom.storescp(self.site.peer, rivals.PEER_PORT, "PACS", "--ignore")
		begin = time.monotonic()
		self.site.device.run("storescu", "--aetitle", "CT3", "--call", "PACS", PEER, rivals.PEER_PORT, path, check=True)
		return path.stat().st_size / 1e6 / (time.monotonic() - begin)


METRICS = {"packet": Walled.packet, "connections": Walled.connections, "bulk": Walled.bulk}


def put_up(lab, options):
	"""{(role, count or None for no firewall, rival): Walled}"""
	walls = {}
	for role in options.roles:
		walls[role, None, NONE] = Walled(lab, NONE, role, 1, f"{role[0]}none")
		for count in options.peers:
			for number, rival in enumerate(options.rivals):
				if count <= rival.up_to:
					print(f"{role}, {count} peers: {rival.name} ...", file=sys.stderr, flush=True)
					walls[role, count, rival] = Walled(lab, rival, role, count, f"{role[0]}{count}-{number}")
	return walls


def measure(walls, options, path):
	"""{(role, count, rival): [{metric: value}]}; NONE is measured with each count."""
	runs = {}
	largest = {rival: max(count for _, count, other in walls if other is rival) for rival in options.rivals
	           if any(other is rival for _, _, other in walls)}
	for number in range(options.rounds):
		print(f"round {number + 1} of {options.rounds} ...", file=sys.stderr, flush=True)
		for role in options.roles:
			for count in options.peers:
				turn = [NONE, *(rival for rival in options.rivals if (role, count, rival) in walls)]
				found = {rival: {} for rival in turn}
				stored = [rival for rival in turn[1:] if largest[rival] == count]
				for rival in turn:
					wall = walls[role, None if rival is NONE else count, rival]
					for metric, function in METRICS.items():
						found[rival][metric] = function(wall, options.seconds)
				for rival in [NONE, *stored] if stored else []:
					found[rival]["store"] = walls[role, None if rival is NONE else count, rival].store(path)
				for rival in turn:
					runs.setdefault((role, count, rival), []).append(found[rival])
	return runs


def values(own, metric):
	return [run[metric] for run in own]


def ratio(own, base, metric):
	return statistics.median(one / other for one, other in zip(values(own, metric), values(base, metric)))


def cell(own, base, metric, unit):
	if metric not in own[0]:
		return " | "
	found = values(own, metric)
	text = f"{statistics.median(found):{unit}} ({min(found):{unit}}–{max(found):{unit}}) | "
	if own is base:
		return text
	if metric == "packet":
		return text + f"{statistics.median(a - b for a, b in zip(values(own, metric), values(base, metric))):+.0f}"
	return text + f"{ratio(own, base, metric):.2f}"


def tables(runs, options):
	lines = []
	for role in options.roles:
		lines += ["", f"### Role {role}", "", "| peers | method | packet, ns | +ns | connections a CPU second | of none's "
		          "| bulk, MB/s | of none's | C-STORE, MB/s | of none's |", "|---:|---|" + "---:|---:|" * 4]
		for count in options.peers:
			base = runs[role, count, NONE]
			for rival in (NONE, *options.rivals):
				own = runs.get((role, count, rival))
				if own:
					cells = [cell(own, base, metric, ",.0f") for metric in ("packet", "connections", "bulk", "store")]
					lines.append(f"| {count:,} | `{rival.name}` | " + " | ".join(cells) + " |")
	return lines


def judge(runs, options):
	"""[(what, found, wanted, good)]"""
	rows, few, many = [], min(options.peers), max(options.peers)
	if OURS not in options.rivals:
		return rows
	for role in options.roles:
		base, own = runs[role, many, NONE], runs[role, many, OURS]
		noise = min(1 - NOISE, min(values(base, "store")) / statistics.median(values(base, "store")))
		found = ratio(own, base, "store")
		rows.append((f"{role}, {many:,} peers: C-STORE", f"{found:.2f} of that without", f"at least {noise:.2f}",
		             found >= noise))
		for metric, of in (("packet", 1), ("connections", -1)) if few < many else ():
			found = ratio(own, runs[role, few, OURS], metric) ** of
			rows.append((f"{role}: cost of a {metric.rstrip('s')}, {many:,} peers", f"{found:.2f} of that with {few:,}",
			             f"at most {1 + FLAT:.2f}", found <= 1 + FLAT))
	return rows


def bridge(lab):
	"""What leadglass says to role bridge here."""
	done = check.load(lab.host("bridge"), BRIDGE, name="bridge.conf")
	if done.returncode == 0:
		return "this kernel has what it needs, but it is measured in virtual machines only"
	said = [line for line in done.stderr.splitlines() if line.startswith("leadglass: ")]  # the rest are warnings
	return f"leadglass refuses it on this kernel. {said[0] if said else done.stderr.strip()}"


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	bench.add_programs(parser, "command", "agent", "traffic")
	bench.add_rivals(parser, CHOSEN)
	parser.add_argument("--roles", nargs="+", choices=ROLES, default=list(ROLES))
	parser.add_argument("--peers", type=int, nargs="+", default=[10, 1000, 10000], help="100000 is possible, too")
	parser.add_argument("--rounds", type=int, default=5)
	parser.add_argument("--seconds", type=float, default=0.3, help="of each measurement")
	parser.add_argument("--object", type=float, default=300, metavar="MB", help="size of the DICOM object")
	parser.add_argument("--json", type=Path, help="also write every run to this file")
	options = parser.parse_args()
	bench.use_programs(options)
	options.peers.sort()
	with Lab() as lab:
		options.rivals = bench.choose(options, lab)
		path = lab.dir / "object.dcm"
		dicom.make_object(path, size=math.isqrt(round(options.object * 1e6 / 2)))
		no_bridge = bridge(lab)
		runs = measure(put_up(lab, options), options, path)
		size = path.stat().st_size
	facts, rows = bench.machine(), judge(runs, options)
	print(f"## The data path\n\n{bench.sentence(facts)} Medians of {options.rounds} interleaved runs of {options.seconds} "
	      "s, in brackets the smallest and the largest. The peer measured is the last of its list. C-STORE: an object of "
	      f"{size / 1e6:.0f} MB, with each method's largest list.\n\nRole bridge is not measured here, but by `tools/bench bridge`: {no_bridge}")
	print("\n".join(tables(runs, options)))
	print("\n".join(bench.promised(rows)))
	if options.json:
		options.json.write_text(json.dumps({
			"machine": facts, "role bridge": no_bridge, "object_octets": size,
			"runs": [{"role": role, "peers": count, "method": rival.name, "runs": own}
			         for (role, count, rival), own in runs.items()],
			"promised": bench.promised_json(rows),
		}, indent="\t") + "\n")
	return 0


if __name__ == "__main__":
	sys.exit(main())
