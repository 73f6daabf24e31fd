#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the wall counts and what it logs: the element of a peer counts that peer's packets, each drop rule counts
exactly what was dropped, and NFLOG records carry the prefix of their chain, the packet, and come at a bounded rate;
`drops off` logs nothing and still counts."""
import socket
import time

import check
import nflog
from lab import Lab

DEVICE, PEER, STRANGER = "10.20.1.10", "10.20.1.5", "10.20.1.66"
GROUP, RATE, BURST = 7, 10, 5
POLICY = f"""role host
device ct {{ ae-title CT; port 11112 }}
peer main-pacs {{
	address {PEER}
	ae-title PACS; port 104; initiates storage; accepts echo
}}
peer other {{ address 10.20.1.6; ae-title OTHER; port 104; initiates storage; accepts echo }}
log {{ drops {RATE}/second; group {GROUP} }}
"""


def element(host, name, address):
	"""Packets and comment of one element of a set."""
	for item in check.nft_json(host, "list", "set", "inet", "leadglass", name):
		for entry in item.get("set", {}).get("elem", []):
			entry = entry["elem"]
			if entry["val"]["concat"][0] == address:
				return entry["counter"]["packets"], entry["comment"]
	return None


def dropped(host, chain, words="default deny"):
	"""What the counter of the chain's drop rule with this comment says."""
	for item in check.nft_json(host, "list", "chain", "inet", "leadglass", chain):
		rule = item.get("rule", {})
		if rule.get("comment", "").startswith(words):
			counters = [part["counter"]["packets"] for part in rule["expr"] if "counter" in part]
			if counters:
				return counters[0]
	return None


def send(host, count, address, port=9999, source=""):
	"""UDP datagrams from a host's socket; what its own wall refuses is not an error here."""
	def do():
		with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
			sender.setsockopt(socket.SOL_IP, 19, 1)  # IP_TRANSPARENT: any source address
			sender.bind((source, 0))
			for _ in range(count):
				try:
					sender.sendto(b"x", (address, port))
				except PermissionError:
					pass
	host.call(do)


def bare_fin(host):
	"""A TCP segment of no connection."""
	import wire
	from ipaddress import ip_address
	from naive import TCP, Packet
	packet = Packet("in", ip_address(STRANGER), ip_address(DEVICE), TCP, 5000, 11112, flags="FA")

	def do():
		with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
			raw.sendto(wire.build(packet, 1)[0], (DEVICE, 0))
	host.call(do)


def test(checks):
	with Lab() as lab:
		lan = lab.lan("hospital")
		device, peer, stranger = lab.host("device", forwarding=True), lab.host("peer"), lab.host("stranger")
		device.sysctl("net/ipv6/conf/default/disable_ipv6", 1)  # so that all that is dropped is ours
		interface = device.join(lan, f"{DEVICE}/24")
		peer.join(lan, f"{PEER}/24")
		stranger.join(lan, f"{STRANGER}/24")
		other = lab.host("elsewhere")
		lab.wire(device, ["10.99.0.1/24"], other, ["10.99.0.2/24"])
		stranger.route("10.99.0.0/24", DEVICE)
		device.start(check.traffic(), "serve", 11112).wait_port(11112)
		device.sysctl(f"net/ipv4/conf/{interface}/rp_filter", 0)
		device.sysctl("net/ipv4/conf/all/rp_filter", 0)
		check.must_load(device, POLICY)
		log = device.call(nflog.Reader, GROUP)

		packets, comment = element(device, "accepts4", PEER)
		checks.equal(packets, 0, "the peer's element has counted nothing yet")
		checks.equal(comment, "main-pacs policy.conf:4", "its comment names the peer and the line of its address")
		for _ in range(3):
			checks.equal(check.reach(peer, DEVICE, 11112), "connected", "the peer connects")
		packets, _ = element(device, "accepts4", PEER)
		checks.check(packets >= 12, f"its element counted the packets of three connections: {packets}")
		checks.equal(element(device, "accepts4", "10.20.1.6")[0], 0, "the other peer's element counted none of them")
		checks.equal(dropped(device, "input"), 0, "nothing was dropped so far")
		checks.equal([r.prefix for r in log.read(0.2)], [], "and nothing logged")

		send(stranger, 20, DEVICE)
		checks.equal(dropped(device, "input"), 20, "20 datagrams of a stranger: 20 counted as dropped")
		send(device, 7, STRANGER)
		checks.equal(dropped(device, "output"), 7, "7 datagrams of the device to a stranger: 7 counted on the way out")
		send(stranger, 5, "10.99.0.2")
		checks.equal(dropped(device, "forward", "nothing is routed"), 5, "5 datagrams to be routed: 5 counted")
		send(stranger, 4, DEVICE, 11112, source="10.99.0.77")
		checks.equal(dropped(device, "input", "spoofed"), 4, "4 with a source that lies elsewhere: 4 counted as spoofed")
		bare_fin(stranger)
		checks.equal(dropped(device, "input", "belongs to no connection"), 1, "a FIN of no connection: counted as such")

		records = log.read(0.5)
		prefixes = {}
		for record in records:
			prefixes.setdefault(record.prefix, []).append(record.packet)
		checks.equal(sorted(prefixes), ["leadglass forward: ", "leadglass input invalid: ", "leadglass input spoofed: ",
		                                "leadglass input: ", "leadglass output: "], "each was logged with its chain's prefix")
		first = prefixes.get("leadglass input: ", [b"\0" * 40])[0]
		checks.equal((socket.inet_ntoa(first[12:16]), socket.inet_ntoa(first[16:20]), int.from_bytes(first[22:24], "big")),
		             (STRANGER, DEVICE, 9999), "the record holds the packet: from whom, to whom, which port")

		time.sleep(1.2)  # the bucket fills again
		log.read()
		begin = time.monotonic()
		for _ in range(20):
			send(stranger, 250, DEVICE)
			time.sleep(0.05)
		took = time.monotonic() - begin
		count = len([r for r in log.read(0.5) if r.prefix == "leadglass input: "])
		most = BURST + RATE * (took + 0.5) + 1
		checks.check(BURST <= count <= most, f"5,000 drops in {took:.1f} s: {count} records, at most {most:.0f} allowed")
		checks.equal(dropped(device, "input"), 5020, "and every drop counted")

		check.must_load(device, POLICY.replace(f"drops {RATE}/second", "drops off"))
		before = dropped(device, "input")
		send(stranger, 30, DEVICE)
		checks.equal(dropped(device, "input") - before, 30, "drops off: drops are counted")
		checks.equal(len(log.read(0.3)), 0, "drops off: nothing is logged")
		log.close()


if __name__ == "__main__":
	check.run(test)
