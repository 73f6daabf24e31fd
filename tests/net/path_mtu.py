#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Behind a gateway whose hospital link takes only short packets, large transfers depend on the gateway's ICMP errors
("too big"). They must pass: in role host those that come in, in role router those the gateway itself sends."""
import socket
import threading

import check
from lab import Lab

DEVICE, PEER = {4: "10.20.1.10", 6: "2001:db8:1::10"}, {4: "10.20.0.5", 6: "2001:db8:20::5"}
SIZE, SECONDS = 300_000, 8


def policy(role):
	address = f"; address {DEVICE[4]} {DEVICE[6]}" if role == "router" else ""
	return (f"role {role}\ndevice ct {{ ae-title CT; port 11112{address} }}\n"
	        f"peer pacs {{ address {PEER[4]} {PEER[6]}; ae-title PACS; port 104; initiates storage; accepts echo }}\n")


def transfers(device, peer, version):
	"""How many octets of SIZE arrive when the device sends them to the peer."""
	def listen():
		listener = socket.create_server((PEER[version], 104), family=socket.AF_INET if version == 4 else socket.AF_INET6)
		listener.settimeout(SECONDS)
		return listener

	def connect():
		connection = socket.create_connection((PEER[version], 104), SECONDS)
		return connection
	listener = peer.call(listen)
	sender = device.call(connect)
	receiver, _ = listener.accept()
	receiver.settimeout(SECONDS)
	received = 0

	def send():
		try:
			sender.sendall(bytes(SIZE))
		except OSError:
			pass
	thread = threading.Thread(target=send)
	thread.start()
	try:
		while received < SIZE and (data := receiver.recv(65536)):
			received += len(data)
	except OSError:
		pass
	for connection in (receiver, sender, listener):
		connection.close()
	thread.join()
	return received


def test(checks):
	for role in ("no wall", "host", "router"):
		with Lab() as lab:  # anew each time: paths are remembered
			device, gateway, peer = lab.host("device"), lab.host("gateway", forwarding=True), lab.host("peer")
			lab.wire(device, [f"{DEVICE[4]}/24", f"{DEVICE[6]}/64"], gateway, ["10.20.1.1/24", "2001:db8:1::1/64"])
			near, _ = lab.wire(gateway, ["10.20.0.1/24", "2001:db8:20::1/64"], peer, [f"{PEER[4]}/24", f"{PEER[6]}/64"])
			gateway.ip("link", "set", near, "mtu", "1300")
			for host, net, net6 in ((device, "10.20.1", "2001:db8:1"), (peer, "10.20.0", "2001:db8:20")):
				host.route("default", f"{net}.1")
				host.route("default", f"{net6}::1")
			# Whole packets are to meet the short link, not bundles that the gateway would cut up.
			for host in (device, gateway, peer):
				for interface in host.interfaces:
					host.ip("link", "set", interface, "gso_max_segs", "1")
			if role != "no wall":
				check.must_load(device if role == "host" else gateway, policy(role))
			for version in (4, 6):
				checks.equal(transfers(device, peer, version), SIZE, f"{role}, IPv{version}: octets across the short link")


if __name__ == "__main__":
	check.run(test)
