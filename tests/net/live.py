#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The wall is put up on a machine whose TCP connections are already running. Conntrack picks them up in the middle
and takes whoever it sees first for the client: where that is the server, `load` has to turn the entry round, or a
connection the policy allows is cut. Nothing else in conntrack may be touched."""
import re
import socket
import threading
import time

import check
from lab import Lab, LabError, wait_until

BOX = {4: "10.20.1.10", 6: "2001:db8:1::10"}
PEER = {4: "10.20.1.5", 6: "2001:db8:1::5"}
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
MANAGE, DEVICE, PEER_PORT, PORTAL, FORBIDDEN = 22, 11112, 104, 8443, 3389
STREAMS = 12
POLICY = f"""role host
device ct {{ ae-title CT; port {DEVICE} }}
peer pacs {{ address {PEER[4]} {PEER[6]}; ae-title PACS; port {PEER_PORT}; initiates storage; accepts storage }}
service portal {{ tcp {PORTAL} to {PEER[4]} }}
manage {{ from {PEER[4]} {PEER[6]}; interface eth0; port {MANAGE} }}
"""


class Session:
	"""A TCP connection that stands before there is a wall or conntrack."""

	def __init__(self, name, client, client_address, server, server_address, port, source_port=0):
		version = 6 if ":" in server_address else 4
		self.name, self.server_address, self.server_port = f"{name}, IPv{version}", server_address, port

		def listen():
			return socket.create_server((server_address, port), family=FAMILY[version])

		def connect():
			return socket.create_connection((server_address, port), 5, source_address=(client_address, source_port))
		listener = server.call(listen)
		self.client = client.call(connect)
		self.client_port = self.client.getsockname()[1]
		self.server, _ = listener.accept()
		listener.close()
		self.client.settimeout(1)
		self.server.settimeout(1)

	def server_speaks(self):
		self.server.sendall(b"from the server")
		self.client.recv(100)

	def answered(self):
		"""Whether the client gets an answer within a second."""
		try:
			self.client.sendall(b"question")
			if self.server.recv(100) != b"question":
				return False
			self.server.sendall(b"answer")
			return self.client.recv(100) == b"answer"
		except OSError:
			return False

	def close(self):
		self.client.close()
		self.server.close()


def entries(host):
	"""Conntrack's entries by their number: the original direction's (source, destination, ports)."""
	found = {}
	for family in ("ipv4", "ipv6"):
		for line in host.run("conntrack", "-L", "-f", family, "-o", "id", check=True).stdout.splitlines():
			source, destination, sport, dport = re.search(r"src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)", line).groups()
			found[re.search(r"\bid=(\d+)", line)[1]] = line.split()[0], source, int(sport), destination, int(dport)
	return found


def entry_of(host, session):
	"""The number of its entry and whether the server is taken for the client; None when there is no entry."""
	for number, (_, source, sport, _, dport) in entries(host).items():
		if {sport, dport} == {session.client_port, session.server_port}:
			return number, sport == session.server_port and source == session.server_address
	return None


def build(lab, name):
	box, peer = lab.host(f"{name}-box"), lab.host(f"{name}-peer")
	lab.wire(box, [f"{BOX[4]}/24", f"{BOX[6]}/64"], peer, [f"{PEER[4]}/24", f"{PEER[6]}/64"])
	return box, peer


def start_conntrack(box):
	"""As any other table with a stateful rule does."""
	box.run("nft", "add table inet other; add chain inet other in { type filter hook input priority 100; }; "
	        "add rule inet other in ct state new accept", check=True)


def reversed_entries(checks, lab):
	box, peer = build(lab, "turn")
	allowed, forbidden = [], []
	for v in (4, 6):
		allowed += [Session("manage", peer, PEER[v], box, BOX[v], MANAGE),
		            Session("accepts", peer, PEER[v], box, BOX[v], DEVICE),
		            Session("initiates", box, BOX[v], peer, PEER[v], PEER_PORT)]
		forbidden.append(Session("forbidden", peer, PEER[v], box, BOX[v], FORBIDDEN))
	start_conntrack(box)
	for session in allowed + forbidden:
		session.server_speaks()
		entry = entry_of(box, session)
		checks.check(entry and entry[1], f"{session.name}: conntrack takes the server for the client", entry)
	# One that conntrack sees begin: it is as it is, though the wall would let it pass the other way round.
	forbidden.append(Session("forbidden, begun before our eyes", peer, PEER[4], box, BOX[4], FORBIDDEN, PORTAL))
	checks.check(forbidden[-1].answered(), f"{forbidden[-1].name}: it runs")
	datagrams = box.call(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
	datagrams.bind((BOX[4], MANAGE))
	datagrams.sendto(b"x", (PEER[4], 5000))
	udp = [number for number, entry in entries(box).items() if entry[0] == "udp"]
	checks.equal(len(udp), 1, "there is a UDP entry")
	others = [entry_of(box, session)[0] for session in forbidden] + udp

	done = check.must_load(box, POLICY)
	checks.equal(done.stderr, "", "load warns of nothing")
	now = entries(box)
	checks.check(all(number in now for number in others), "entries of others are untouched", f"{others}\n{now}")
	for session in allowed:
		entry = entry_of(box, session)
		checks.check(entry and not entry[1], f"{session.name}: the entry is turned round", entry)
		checks.check(session.answered(), f"{session.name}: the session goes on")
	for session in forbidden:
		checks.check(not session.answered(), f"{session.name}: it is cut")
	for session in allowed + forbidden:
		session.close()
	datagrams.close()


class Stream(threading.Thread):
	"""One end sends all the time; the other only acknowledges."""

	def __init__(self, session, source, sink):
		super().__init__()
		self.session, self.source, self.sink = session, source, sink
		self.received, self.ended = 0, False
		self.sender = threading.Thread(target=self._send)
		self.start()
		self.sender.start()

	def _send(self):
		while not self.ended:
			try:
				self.source.send(b"x" * 8192)
			except OSError:
				pass
			time.sleep(0.002)

	def run(self):
		while not self.ended:
			try:
				self.received += len(self.sink.recv(1 << 20))
			except OSError:
				pass

	def stop(self):
		self.join()
		self.sender.join()
		self.session.close()


def streams_under_way(checks, lab, in_use, sender):
	"""Which end conntrack sees first is chance. Where it is not in use before, the load itself brings it to life,
	and may have no entry at all for who has nothing under way: then the client has to speak first."""
	what = f"conntrack {'in use' if in_use else 'not in use'}, the {sender} sends"
	box, peer = build(lab, "stream" + str(len(lab.hosts)))
	streams = []
	for _ in range(STREAMS):
		session = Session("manage", peer, PEER[4], box, BOX[4], MANAGE)
		ends = session.server, session.client
		streams.append(Stream(session, *(ends if sender == "server" else reversed(ends))))
	if in_use:
		start_conntrack(box)
	time.sleep(0.3)
	check.must_load(box, POLICY)
	time.sleep(1)  # time for what was lost to be sent again
	before = [stream.received for stream in streams]
	wait_until(lambda: all(s.received > b for s, b in zip(streams, before)), timeout=3)
	stalled = sum(s.received == b for s, b in zip(streams, before))
	checks.check(min(before) > 100000, f"{what}: the streams ran")
	checks.equal(stalled, 0, f"{what}: streams of {STREAMS} that stall")
	for stream in streams:
		stream.ended = True
	for stream in streams:
		stream.stop()


def not_loose(checks, lab):
	box, _ = build(lab, "strict")
	start_conntrack(box)
	try:
		box.sysctl("net/netfilter/nf_conntrack_tcp_loose", 0)
	except LabError as error:
		checks.check(False, "tcp_loose can be set", error)
		return
	done = check.must_load(box, POLICY)
	checks.check("nf_conntrack_tcp_loose is 0" in done.stderr, "without picking up: load warns", done.stderr)
	checks.equal(check.must_load(box, POLICY).stderr, "", "without picking up: a second load does not")


def test(checks):
	with Lab() as lab:
		reversed_entries(checks, lab)
		for in_use, sender in ((True, "server"), (True, "client"), (False, "client")):
			streams_under_way(checks, lab, in_use, sender)
		not_loose(checks, lab)


if __name__ == "__main__":
	check.run(test)
