#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Traffic through a gateway that is a virtual machine, and what it costs the emulator. `small`: connections on which one
octet goes there and back all the time, so each packet is one of its own. `bulk`: one connection that is given all it takes;
the kernel's offloads make packets of up to 64 KiB of it, as on real interfaces. `new`: connections that are closed as soon
as they are open.

CPU time is that of the emulator, all of it, divided by the packets that the device has sent and received. Emulated
instructions take some twenty times as long as real ones, and the drivers' part of a packet is not that of a board: what may
be compared is what differs between two runs in one emulator.

	emulated.py --serve ADDRESS PORT | --client KIND ADDRESS PORT CONNECTIONS     the two ends"""
import argparse
import json
import os
import selectors
import socket
import struct
import sys
import time
from pathlib import Path

SETTLE = 1.5  # seconds until a run is counted
LEAST = 20    # packets a second; less is no traffic, but what is tried again
SHOWN = {"small": ("packets a second", "CPU us a packet"), "bulk": ("Mbit a second", "CPU us a packet"),
         "new": ("packets a second", "CPU us a packet")}
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: no connection is left over


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


def new(address, port, _):
	while True:
		connection = socket.create_connection((address, port), 20)
		connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
		connection.close()
		yield


KINDS = {"small": small, "bulk": bulk, "new": new}


def client(kind, address, port, count):
	"""Says when everything has got going; until it is ended."""
	begin, begun = time.monotonic(), False
	for _ in KINDS[kind](address, port, count):
		if not begun and time.monotonic() >= begin + SETTLE:
			begun = True
			print("begun", flush=True)


def start_server(host, address, port):
	host.start("/usr/bin/python3", "-B", __file__, "--serve", address, port).wait_port(port)


def start_client(host, kind, address, port, count):
	"""Once everything has got going."""
	from lab import LabError, wait_until
	process = host.start("/usr/bin/python3", "-B", __file__, "--client", kind, address, port, count)
	if not wait_until(lambda: "begun" in process.output() or not process.running(), 60) or not process.running():
		raise LabError(f"no traffic of kind {kind}: {process.output()}")
	return process


# ---- what it costs ----

def emulator_seconds(box):
	fields = Path(f"/proc/{box.process.pid}/stat").read_text().rpartition(")")[2].split()
	return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def moved(host):
	"""Packets and octets that the host has sent and received."""
	numbers = json.loads(host.ip("-json", "-statistics", "link", "show", "dev", "eth0"))[0]["stats64"].values()
	return sum(way["packets"] for way in numbers), sum(way["bytes"] for way in numbers)


def measure(box, host, process, seconds):
	"""Of traffic that is under way; it ends with it."""
	from lab import LabError
	begin = time.monotonic(), emulator_seconds(box), *moved(host)
	time.sleep(seconds)
	end = time.monotonic(), emulator_seconds(box), *moved(host)
	if not process.running():
		raise LabError(process.output())
	process.stop()
	wall, cpu, number, octets = (b - a for a, b in zip(begin, end))
	if number < wall * LEAST:
		raise LabError(f"{number} packets in {wall:.1f} s: the traffic stands still")
	return {"packets a second": number / wall, "Mbit a second": octets * 8e-6 / wall, "CPU us a packet": cpu / number * 1e6}


# ---- what both benches ask and say ----

def parser(name, about, rounds, seconds):
	"""The options of such a bench; it adds its own."""
	made = argparse.ArgumentParser(prog=f"tools/bench {name}", description=about,
	                               formatter_class=argparse.RawDescriptionHelpFormatter)
	made.add_argument("--release", choices=("bookworm", "trixie"), default="trixie", help="Debian 12's Linux 6.1 or 13's 6.12")
	made.add_argument("--rounds", type=int, default=rounds)
	made.add_argument("--seconds", type=float, default=seconds, help="a run")
	made.add_argument("--connections", type=int, default=16, help="of `small`")
	made.add_argument("--json", type=Path, help="also write every run to this file")
	return made


def heading(box, options):
	kernel = box.run("uname -r").stdout.strip()
	return f"Linux {kernel} in an emulator, {options.rounds} rounds of {options.seconds:g} s in turns: medians (least–most)\n"


def tell(runs, run):
	"""Keeps a run, and shows that it was made."""
	runs.append(run)
	print(json.dumps(run), file=sys.stderr, flush=True)


def main():
	if sys.argv[1:2] == ["--serve"]:
		serve(sys.argv[2], int(sys.argv[3]))
	elif sys.argv[1:2] == ["--client"]:
		client(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))


if __name__ == "__main__":
	main()
