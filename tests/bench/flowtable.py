#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a flow table gains in role router: a virtual machine between two networks, with one of Debian's kernels, the agent
and a policy of two peers, once with `flowtable` and once without, in turns.

`small`: connections on which one octet goes there and back all the time, so each packet is one of its own. `bulk`: one
connection that is given all it takes; the kernel's offloads make packets of up to 64 KiB of it, as on real interfaces.
CPU time is that of the emulator, all of it, divided by the packets that the device has sent and received. Emulated instructions take some twenty times as long as real ones, and the drivers' part of a packet is not that
of a board: what may be compared is with and without. Every connection of a run is opened for it; before one with a flow
table is counted it has to be in there, by the kernel's own list."""
import argparse
import json
import os
import selectors
import socket
import statistics
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "vm"), str(HERE.parent / "net")]

PORT = 104
SETTLE = 1.5  # seconds until a run is counted
SHOWN = {"small": ("packets a second", "CPU us a packet"), "bulk": ("Mbit a second", "CPU us a packet", "CPU us a KiB")}


# ---- the two ends, each a process in its own namespace ----

def serve(address, port):
	"""Gives an octet back; takes what comes in larger pieces without a word. Until it is ended."""
	selector = selectors.DefaultSelector()
	listener = socket.create_server((address, port), backlog=64)
	selector.register(listener, selectors.EVENT_READ)
	while True:
		for key, _ in selector.select():
			if key.fileobj is listener:
				connection, _ = listener.accept()
				connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
				selector.register(connection, selectors.EVENT_READ)
				continue
			try:
				data = key.fileobj.recv(1 << 20)
				if len(data) == 1:
					key.fileobj.send(data)
			except OSError:
				data = b""
			if not data:
				selector.unregister(key.fileobj)
				key.fileobj.close()


def small(address, port, count):
	"""An octet there and back on so many connections."""
	selector = selectors.DefaultSelector()
	for _ in range(count):
		connection = socket.create_connection((address, port), 20)
		connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
		selector.register(connection, selectors.EVENT_READ)
		connection.send(b"x")
	while True:
		for key, _ in selector.select(0.2):
			key.fileobj.recv(16)
			key.fileobj.send(b"x")
		yield


def bulk(address, port, count):
	connection, chunk = socket.create_connection((address, port), 20), bytes(1 << 18)
	connection.settimeout(60)
	while True:
		connection.send(chunk)
		yield


def client(kind, address, port, count):
	"""Says when everything has got going; until it is ended."""
	begin, begun = time.monotonic(), False
	for _ in (small if kind == "small" else bulk)(address, port, count):
		if not begun and time.monotonic() >= begin + SETTLE:
			begun = True
			print("begun", flush=True)


# ---- a run ----

def emulator_seconds(box):
	fields = Path(f"/proc/{box.process.pid}/stat").read_text().rpartition(")")[2].split()
	return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def moved(host):
	"""Packets and octets that the host has sent and received."""
	numbers = json.loads(host.ip("-json", "-statistics", "link", "show", "dev", "eth0"))[0]["stats64"].values()
	return sum(way["packets"] for way in numbers), sum(way["bytes"] for way in numbers)


def measure(site, kind, with_flowtable, options):
	from lab import LabError, wait_until
	from routed import FLOWTABLE, PEERS, policy
	site.must_apply(policy(*([FLOWTABLE] if with_flowtable else [])))
	if with_flowtable and not site.becomes("active", 60):
		raise LabError(f"no flow table: {site.flowtable()}")
	site.box.run("conntrack -F 2> /dev/null", check=True)
	process = site.ct.start("/usr/bin/python3", "-B", __file__, "--client", kind, PEERS["archive"], PORT, options.connections)
	if not wait_until(lambda: "begun" in process.output() or not process.running(), 60):
		raise LabError("no connection")
	taken = offloaded(site)
	if not taken or any(one != with_flowtable for one in taken):
		raise LabError(f"of {len(taken)} connections {sum(taken)} are in a flow table")
	begin = time.monotonic(), emulator_seconds(site.box), *moved(site.ct)
	time.sleep(options.seconds)
	end = time.monotonic(), emulator_seconds(site.box), *moved(site.ct)
	if not process.running():
		raise LabError(process.output())
	process.stop()
	wall, cpu, number, octets = (b - a for a, b in zip(begin, end))
	return {"packets a second": number / wall, "Mbit a second": octets * 8e-6 / wall, "CPU us a packet": cpu / number * 1e6,
	        "CPU us a KiB": cpu / octets * 1024e6}


def offloaded(site):
	"""Whether each connection is in a flow table, by the kernel."""
	from routed import CT
	return ["[OFFLOAD]" in line for line in site.box.run("conntrack -L -p tcp 2> /dev/null").stdout.splitlines() if CT in line]


def table(rounds, out):
	print("| | without | with a flow table | ratio |\n|---|---|---|---|", file=out)
	for kind, columns in SHOWN.items():
		for column in columns:
			values = [[run[column] for run in rounds if run["kind"] == kind and run["flowtable"] == flag] for flag in (False, True)]
			cells = [f"{statistics.median(v):,.1f} ({min(v):,.1f} to {max(v):,.1f})" for v in values]
			ratio = statistics.median(values[1]) / statistics.median(values[0])
			print(f"| {kind}: {column.replace('us', 'µs')} | {cells[0]} | {cells[1]} | {ratio:.2f} |", file=out)


def main():
	if sys.argv[1:2] == ["--serve"]:
		return serve(sys.argv[2], int(sys.argv[3]))
	if sys.argv[1:2] == ["--client"]:
		return client(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
	parser = argparse.ArgumentParser(prog="tools/bench flowtable", description=__doc__,
	                                 formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("--release", choices=("bookworm", "trixie"), default="trixie", help="Debian 12's Linux 6.1 or 13's 6.12")
	parser.add_argument("--rounds", type=int, default=5)
	parser.add_argument("--seconds", type=float, default=6, help="a run")
	parser.add_argument("--connections", type=int, default=16, help="of `small`")
	parser.add_argument("--json", type=Path, help="also write every run to this file")
	options = parser.parse_args()
	from lab import Lab
	from routed import PEERS, Site
	rounds = []
	with Lab() as lab:
		site = Site(lab, options.release)
		site.agent()
		site.peers["archive"].start("/usr/bin/python3", "-B", __file__, "--serve", PEERS["archive"], PORT).wait_port(PORT)
		for number in range(options.rounds):
			for kind in SHOWN:
				for flag in ((False, True) if number % 2 else (True, False)):
					run = {"round": number, "kind": kind, "flowtable": flag, **measure(site, kind, flag, options)}
					rounds.append(run)
					print(json.dumps(run), file=sys.stderr, flush=True)
		kernel = site.box.run("uname -r").stdout.strip()
	print(f"Linux {kernel} in an emulator, {options.rounds} rounds of {options.seconds:g} s in turns: medians (least to most)\n")
	table(rounds, sys.stdout)
	if options.json:
		options.json.write_text(json.dumps(rounds, indent=1) + "\n")
	return 0


if __name__ == "__main__":
	sys.exit(main())
