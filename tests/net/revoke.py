#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A peer that is taken out of the policy in the middle of a transfer is cut at once: after `load` has returned not
one more octet arrives, either way round, on a host and behind a gateway. Transfers with other peers go on."""
import socket
import threading
import time

import check
from lab import Lab

DEVICE = "10.20.1.10"
PEERS = {"kept": "10.20.0.5", "removed": "10.20.0.6"}
DEVICE_PORT, PEER_PORT = 11112, 104
CHUNK = b"x" * 8192


def policy(role, names):
	address = f"; address {DEVICE}" if role == "router" else ""
	return f"role {role}\ndevice ct {{ ae-title CT; port {DEVICE_PORT}{address} }}\n" + "".join(
		f"peer {name} {{ address {PEERS[name]}; ae-title {name.upper()}; port {PEER_PORT}; initiates storage; "
		"accepts storage }\n" for name in names)


class Transfer:
	"""Octets from one host to another, about 8 MB/s, until told to stop."""

	def __init__(self, client, server, address, port, source):
		def listen():
			listener = socket.create_server((address, port))
			listener.settimeout(5)
			return listener

		def connect():
			connection = socket.socket()
			connection.bind((source, 0))
			connection.settimeout(5)
			connection.connect((address, port))
			return connection
		listener = server.call(listen)
		self.sender = client.call(connect)
		self.receiver, _ = listener.accept()
		listener.close()
		self.sender.settimeout(0.2)
		self.receiver.settimeout(0.2)
		self.received, self.ended = 0, False
		self.threads = [threading.Thread(target=run) for run in (self._send, self._receive)]
		for thread in self.threads:
			thread.start()

	def _send(self):
		while not self.ended:
			try:
				self.sender.send(CHUNK)
			except (TimeoutError, OSError):
				pass
			time.sleep(0.001)

	def _receive(self):
		while not self.ended:
			try:
				self.received += len(self.receiver.recv(1 << 20))
			except (TimeoutError, OSError):
				pass

	def stop(self):
		self.ended = True
		for thread in self.threads:
			thread.join()
		self.sender.close()
		self.receiver.close()


def build(lab, role):
	device, side = lab.host(f"{role}-device"), lab.lan(f"{role}-hospital")
	peers = {name: lab.host(f"{role}-{name}") for name in PEERS}
	if role == "host":
		device.join(side, f"{DEVICE}/16")
		wall = device
	else:
		wall = lab.host("gateway", forwarding=True)
		lab.wire(wall, ["10.20.1.1/24"], device, [f"{DEVICE}/24"])
		wall.join(side, "10.20.0.1/24")
		device.route("default", "10.20.1.1")
	for name, peer in peers.items():
		peer.join(side, f"{PEERS[name]}/{16 if role == 'host' else 24}")
		if role == "router":
			peer.route("default", "10.20.0.1")
	return wall, device, peers


def try_role(checks, lab, role):
	wall, device, peers = build(lab, role)
	check.must_load(wall, policy(role, PEERS))
	transfers = {}
	for name, peer in peers.items():
		transfers[name, "device to peer"] = Transfer(device, peer, PEERS[name], PEER_PORT, DEVICE)
		transfers[name, "peer to device"] = Transfer(peer, device, DEVICE, DEVICE_PORT, PEERS[name])
	time.sleep(0.5)
	for (name, way), transfer in transfers.items():
		checks.check(transfer.received > 100000, f"{role}: {name}, {way}: the transfer runs")

	done = check.must_load(wall, policy(role, ["kept"]), "--json")
	time.sleep(0.05)  # what had already arrived is read
	after = {key: transfer.received for key, transfer in transfers.items()}
	time.sleep(1.5)   # long enough for TCP to try again
	for (name, way), transfer in transfers.items():
		more = transfer.received - after[name, way]
		if name == "kept":
			checks.check(more > 100000, f"{role}: {name}, {way}: it goes on")
		else:
			checks.equal(more, 0, f"{role}: {name}, {way}: octets after the removal")
	checks.check('"change": "elements"' in done.stdout, f"{role}: only elements were exchanged", done.stdout)
	checks.equal(check.reach(peers["removed"], DEVICE, DEVICE_PORT, source=PEERS["removed"]), "silence",
	             f"{role}: the removed peer cannot connect again")
	for transfer in transfers.values():
		transfer.stop()


def test(checks):
	with Lab() as lab:
		for role in ("host", "router"):
			try_role(checks, lab, role)


if __name__ == "__main__":
	check.run(test)
