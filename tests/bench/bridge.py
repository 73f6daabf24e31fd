#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a wall costs the traffic that it lets pass in role bridge: a virtual machine, with one of Debian's kernels, between
two networks whose ports are in one bridge. In turns: no wall; `leadglass load` with so many peers; and `nft -f` of the
usual bridge table, established connections first and then a rule for each peer and direction. The peer that is talked to is
the last of the list. Traffic and costs are those of tests/bench/emulated.py; `new` is what every connection pays."""
import json
import statistics
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "vm"), str(HERE.parent / "net")]
import bench  # noqa: E402
import box  # noqa: E402
import emulated  # noqa: E402
import rivals  # noqa: E402
from lab import Lab, LabError  # noqa: E402
from vmlab import Machine  # noqa: E402

CT, ARCHIVE = "10.220.1.10", "10.220.0.5"
NONE, OURS, RULES = "no wall", "leadglass load", rivals.NftRules.name
WITH = ",.1f"  # digits
FLAT = 1.1  # a packet's cost with most peers, of that with fewest
BRIDGE = ("ip link add bridge type bridge && cd /sys/class/net/bridge/bridge && echo 0 > multicast_snooping && "
          "echo 0 > forward_delay && ip link set bridge up && "
          "for port in device hospital; do ip link set $port up && ip link set $port master bridge; done")
# Connections that were reset are forgotten soon: kind `new` makes more of them than a small machine keeps.
CONNTRACK = ("conntrack -F 2> /dev/null; cd /proc/sys/net/netfilter && echo 262144 > nf_conntrack_max && "
             "echo 1 > nf_conntrack_tcp_timeout_close")


def policy(count):
	return rivals.policy(count, 1, (ARCHIVE,), CT).replace("role router", "role bridge", 1)


def rules(count):
	"""For a bridge: ARP passes, and what is established."""
	peers = rivals.addresses(count, 1, (ARCHIVE,))
	lines = ["flush ruleset", "table bridge rules {", "\tchain forward {", "\t\ttype filter hook forward priority 0; policy drop;",
	         "\t\tether type arp accept", "\t\tct state established,related accept",
	         *(f"\t\tip saddr {CT} ip daddr {peer} tcp dport {rivals.PEER_PORT} accept" for peer in peers),
	         *(f"\t\tip saddr {peer} ip daddr {CT} tcp dport {rivals.DEVICE_PORT} accept" for peer in peers)]
	return "\n".join([*lines, "\t}", "}", ""])


class Site:
	def __init__(self, lab, options):
		self.ct, self.archive = lab.host("ct"), lab.host("archive")
		self.box = Machine(lab, "box", box.boot(lab, options.release))
		for host, name, address in ((self.ct, "device", CT), (self.archive, "hospital", ARCHIVE)):
			lan = lab.lan(name)
			host.join(lan, f"{address}/16")
			self.box.port(name, lan)
		self.box.start()
		self.box.wait_for("init: ready", 300)
		for count in options.peers:
			self.box.put(f"/tmp/{count}.conf", policy(count))
			self.box.put(f"/tmp/{count}.nft", rules(count))
		self.box.run(BRIDGE, check=True)
		self.box.run(CONNTRACK, check=True)
		emulated.start_server(self.archive, ARCHIVE, rivals.PEER_PORT)

	def wall(self, method, count):
		self.box.run("leadglass remove --yes > /dev/null; nft flush ruleset; conntrack -F 2> /dev/null", check=True)
		if method != NONE:
			self.box.run(f"leadglass load /tmp/{count}.conf" if method == OURS else f"nft -f /tmp/{count}.nft", timeout=600, check=True)

	def passes_nothing_else(self):
		"""That there is a wall at all: port 105 is nobody's."""
		done = self.ct.run("/usr/bin/python3", "-c", "import socket, sys\ntry: socket.create_connection(sys.argv[1:], 1)\n"
		                   "except TimeoutError: sys.exit(9)\nexcept OSError: pass", ARCHIVE, "105")
		return done.returncode == 9


def measure(site, method, count, kind, options):
	site.wall(method, count)
	if site.passes_nothing_else() == (method == NONE):
		raise LabError(f"{method}, {count} peers: port 105 {'is closed off' if method == NONE else 'can be reached'}")
	process = emulated.start_client(site.ct, kind, ARCHIVE, rivals.PEER_PORT, options.connections)
	return emulated.measure(site.box, site.ct, process, options.seconds)


def table(runs, peers, out):
	"""Markdown; the ratio is to no wall. Returns {(method, count, kind): median CPU us a packet}."""
	def values(method, count, kind, column):
		return [run[column] for run in runs if (run["method"], run["peers"], run["kind"]) == (method, count, kind)]
	print("| | method | peers | a second | CPU µs a packet | of no wall |\n|---|---|---:|---:|---:|---:|", file=out)
	medians = {}
	for kind, (rate, cpu) in emulated.SHOWN.items():
		for method, count in methods(peers):
			costs = values(method, count, kind, cpu)
			medians[method, count, kind] = statistics.median(costs)
			ratio = statistics.median(a / b for a, b in zip(costs, values(NONE, 0, kind, cpu)))
			print(f"| {kind}, {rate.split(' ')[0]} | `{method}` | {f'{count:,}' if count else ''} | "
			      f"{bench.spread(values(method, count, kind, rate), WITH)} | {bench.spread(costs, WITH)} | {'' if method == NONE else f'{ratio:.2f}'} |", file=out)
	return medians


def methods(peers):
	return [(NONE, 0), *((method, count) for method in (OURS, RULES) for count in peers)]


def main():
	parser = emulated.parser("bridge", __doc__, rounds=3, seconds=4)
	parser.add_argument("--peers", type=int, nargs="+", default=[10, 1000])
	options = parser.parse_args()
	runs = []
	with Lab() as lab:
		site = Site(lab, options)
		for number in range(options.rounds):
			turn = methods(options.peers)
			for method, count in turn if number % 2 else turn[::-1]:
				for kind in emulated.SHOWN:
					emulated.tell(runs, {"round": number, "method": method, "peers": count, "kind": kind,
					                     **measure(site, method, count, kind, options)})
		heading = emulated.heading(site.box, options)
	print(heading)
	medians = table(runs, options.peers, sys.stdout)
	rows = []
	for kind in emulated.SHOWN:
		ratio = medians[OURS, max(options.peers), kind] / medians[OURS, min(options.peers), kind]
		rows.append((f"`{OURS}`, {kind}: a packet with {max(options.peers):,} peers", f"{ratio:.2f} of that with {min(options.peers):,}",
		             f"{FLAT}", ratio <= FLAT))
	print("\n".join(bench.promised(rows)))
	if options.json:
		options.json.write_text(json.dumps({"about": heading, "runs": runs, "promised": bench.promised_json(rows)}, indent=1) + "\n")
	return 0


if __name__ == "__main__":
	sys.exit(main())
