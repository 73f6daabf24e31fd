#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What breaks and what leaks while a wall is replaced: by the running agent, and by what people use today
(tests/bench/rivals.py). A device has --peers peers; again and again all but two of them are exchanged for others. The
two that stay never stop: one has objects stored by DCMTK's storescu, the other two transfers (one each way), an octet
going there and back each way, and new connections all the time, each way. Meanwhile that peer floods a UDP port that is
not open, and its second address, which no list has, tries the device's port and a closed one, with SYNs.

A transfer is broken when its connection is, or when the C-STORE fails. A connection is refused when it fails, delayed
when its SYN had to be sent again; `slowest` is the longest that one took. A stall is the time in which nothing moved.
Leaked is what a program behind the wall received (datagrams), what the device answered (SYNs to the closed port, by the
resets it sent), and what became a connection. Without a firewall everything leaks, which shows that leaks are seen;
what connections and transfers take there is what this machine makes of them."""
import argparse
import json
import math
import statistics
import sys
import threading
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "net"), str(Path(__file__).resolve().parent)]
import bench  # noqa: E402
import check  # noqa: E402
import dicom  # noqa: E402
import rivals  # noqa: E402
from crossing import ARCHIVE, PEER, STRANGER, Site  # noqa: E402
from lab import Lab, LabError  # noqa: E402

FLOOD_PORT, CLOSED_PORT = 9999, 9998
KNOCKS = 1000   # SYNs a second to each of two ports
STREAM = 20     # MB/s, each way
OURS = rivals.Apply
CHOSEN = (OURS, rivals.NftSet, rivals.NftRules, rivals.Iptables, rivals.Ipset, rivals.Ufw, rivals.Firewalld)


def resets(host):
	"""How many resets its TCP has sent."""
	names, values = (line.split() for line in host.run("grep", "^Tcp:", "/proc/net/snmp", check=True).stdout.splitlines())
	return int(values[names.index("OutRsts")])


class Stores(threading.Thread):
	"""Objects go to the archive, one after the other, until stop()."""

	def __init__(self, device, path):
		super().__init__()
		self.device, self.path, self.done, self.failed, self.over = device, path, 0, 0, threading.Event()
		self.start()

	def run(self):
		while not self.over.is_set():
			done = self.device.run("storescu", "--timeout", "10", "--dimse-timeout", "20", "--aetitle", "CT3",
			                       "--call", "PACS", ARCHIVE, rivals.PEER_PORT, self.path, timeout=120)
			self.done += 1
			self.failed += done.returncode != 0
			self.over.wait(0.1)

	def stop(self):
		self.over.set()
		self.join()


class Traffic:
	"""All of it at once; stop() returns the numbers."""

	def __init__(self, site, options, path):
		self.site = site
		device, peer = site.device, site.peer
		to_device, to_peer = (site.address, rivals.DEVICE_PORT), (PEER, rivals.PEER_PORT)
		self.servers = [self._start(device, "serve", rivals.DEVICE_PORT).wait_port(rivals.DEVICE_PORT),
		                self._start(peer, "serve", rivals.PEER_PORT).wait_port(rivals.PEER_PORT),
		                dicom.storescp(site.archive, rivals.PEER_PORT, "PACS", "--ignore")]
		self.sink = self._start(device, "sink", FLOOD_PORT).wait_port(FLOOD_PORT, protocol="udp")
		self.resets = resets(device)
		self.stores = Stores(device, path)
		self.connects = [self._start(peer, "connect", *to_device), self._start(device, "connect", *to_peer)]
		self.transfers = [self._start(peer, "pour", *to_device, STREAM, 0), self._start(device, "pour", *to_peer, STREAM, 0),
		                  self._start(peer, "pingpong", *to_device), self._start(device, "pingpong", *to_peer)]
		self.flood = self._start(peer, "flood", site.address, FLOOD_PORT, options.rate)
		self.knocks = [self._start(peer, "knock", site.address, port, STRANGER, KNOCKS)
		               for port in (rivals.DEVICE_PORT, CLOSED_PORT)]

	@staticmethod
	def _start(host, *words):
		return host.start(check.traffic(), *words)

	def stop(self):
		"""The numbers, while the wall still stands."""
		self.stores.stop()
		running = [*self.connects, *self.transfers, self.flood, *self.knocks]
		for process in running:
			process.popen.terminate()
		connects, transfers, flood, knocks = (
			[self._numbers(process) for process in some] for some in (self.connects, self.transfers, [self.flood], self.knocks))
		closed = resets(self.site.device) - self.resets
		sink = self._numbers(self.sink)
		for server in self.servers:
			server.stop()
		return {
			"stores": self.stores.done, "stores_failed": self.stores.failed,
			"octets": sum(one.get("octets", 0) for one in transfers), "rounds": sum(one.get("rounds", 0) for one in transfers),
			"broken": sum(one["broken"] for one in transfers), "stall_ms": max(one["slowest_us"] for one in transfers) / 1000,
			"connections": sum(one["connections"] for one in connects), "refused": sum(one["failed"] for one in connects),
			"delayed": sum(one["delayed"] for one in connects), "slowest_ms": max(one["slowest_us"] for one in connects) / 1000,
			"datagrams": flood[0]["sent"], "datagrams_leaked": sink["received"],
			"syns": sum(one["sent"] for one in knocks), "syns_leaked": closed, "sessions_leaked": knocks[0]["answered"]}

	def _numbers(self, process):
		process.stop(patience=15)  # what waits for an answer waits for ten
		found = bench.numbers(process.output())
		if not found:
			raise LabError(f"{self.site.rival.name}: {' '.join(map(str, process.words))} says nothing:\n{process.output()}")
		return found


def run(lab, rival, times, options, path, number):
	"""Replaces the wall so many times under traffic, or has it stand for a while."""
	site = Site(lab, rival, "host", f"{number}", archive=True)
	peers = min(options.peers, rival.up_to)
	lists = [site.files(peers, 1), site.files(peers, 1 + peers)]
	site.rival.put_up(lists[0])
	traffic = Traffic(site, options, path)
	time.sleep(0.5)
	took, failed = [], []
	if not times:
		time.sleep(options.control)
	for replacement in range(times):
		begin = time.monotonic()
		try:
			site.rival.replace(lists[(replacement + 1) % 2])
		except LabError as error:
			failed.append(str(error))
		took.append((time.monotonic() - begin) * 1000)
	time.sleep(0.5)
	found = traffic.stop()
	site.close()
	return {"method": rival.name, "peers": peers if times else None, "times": times, "failed": failed,
	        "took_ms": statistics.median(took) if took else None, **found}


def table(rows):
	lines = ["| method | peers | replaced | each, ms | transfers broken | connections refused | delayed | of "
	         "| slowest, ms | longest stall, ms | datagrams leaked | of | SYNs leaked | sessions leaked |", "|---|" + "---:|" * 13]
	for row in rows:
		times = f"{row['times']:,}" + (f" ({len(row['failed'])} failed)" if row["failed"] else "")
		head = [f"{row['peers']:,}", times, f"{row['took_ms']:,.0f}"] if row["times"] else ["", "never", ""]
		broken = f"{row['broken'] + row['stores_failed']:,} ({row['stores']:,} C-STORE)"
		cells = [*head, broken, *(f"{row[name]:,.0f}" for name in (
			"refused", "delayed", "connections", "slowest_ms", "stall_ms", "datagrams_leaked", "datagrams", "syns_leaked",
			"sessions_leaked"))]
		lines.append(f"| `{row['method']}` | " + " | ".join(cells) + " |")
	return lines


def judge(rows):
	"""[(what, found, wanted, good)]"""
	judged = []
	for row in rows:
		if row["method"] == OURS.name and row["times"]:
			what = f"`{row['method']}`, {row['times']:,} times"
			for name, parts in (("failed", ()), ("broken transfers", ("broken", "stores_failed")),
			                    ("refused or delayed connections", ("refused", "delayed")),
			                    ("leaked packets", ("datagrams_leaked", "syns_leaked", "sessions_leaked"))):
				found = sum(row[part] for part in parts) if parts else len(row["failed"])
				judged.append((f"{what}: {name}", f"{found:,}", "0", found == 0))
	return judged


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	bench.add_programs(parser, "command", "agent", "traffic")
	bench.add_rivals(parser, CHOSEN)
	parser.add_argument("--peers", type=int, default=1000)
	parser.add_argument("--applies", type=int, default=1000, help="how often leadglass replaces its wall")
	parser.add_argument("--reloads", type=int, default=200, help="how often the others do, but")
	parser.add_argument("--ufw", type=int, default=15, metavar="RELOADS")
	parser.add_argument("--firewalld", type=int, default=30, metavar="RELOADS")
	parser.add_argument("--control", type=float, default=3, metavar="SECONDS",
	                    help="how long the traffic goes without a firewall")
	parser.add_argument("--rate", type=int, default=50000, help="datagrams a second of the flood")
	parser.add_argument("--object", type=float, default=100, metavar="MB", help="size of the DICOM objects")
	parser.add_argument("--json", type=Path, help="also write all numbers to this file")
	options = parser.parse_args()
	bench.use_programs(options)
	times = {OURS: options.applies, rivals.Ufw: options.ufw, rivals.Firewalld: options.firewalld}
	rows = []
	with Lab() as lab:
		path = lab.dir / "object.dcm"
		dicom.make_object(path, size=math.isqrt(round(options.object * 1e6 / 2)))
		for number, rival in enumerate([rivals.NoFirewall, *bench.choose(options, lab)]):
			count = 0 if rival is rivals.NoFirewall else times.get(rival, options.reloads)
			print(f"{rival.name}: {count} times ...", file=sys.stderr, flush=True)
			rows.append(run(lab, rival, count, options, path, number))
	facts, judged = bench.machine(), judge(rows)
	print(f"## Replacing the wall under traffic\n\n{bench.sentence(facts)} {options.rate:,} disallowed datagrams and "
	      f"{2 * KNOCKS:,} disallowed SYNs a second; two transfers of {STREAM} MB/s, C-STOREs of {options.object:.0f} MB, "
	      "new connections both ways.\n")
	print("\n".join(table(rows)))
	for row in rows:
		if row["failed"]:
			print(f"\n`{row['method']}` failed {len(row['failed'])} times, first: {row['failed'][0].strip()}")
	print("\n".join(bench.promised(judged)))
	if options.json:
		options.json.write_text(json.dumps({"machine": facts, "runs": rows, "promised": bench.promised_json(judged)},
		                                   indent="\t") + "\n")
	return 0


if __name__ == "__main__":
	sys.exit(main())
