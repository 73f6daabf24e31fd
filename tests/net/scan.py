#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A walled host with open services on many ports, scanned by nmap: all TCP ports, the common UDP ports, all IP
protocols, IPv4 and IPv6. To a stranger it does not exist: not one IP packet comes back. A peer finds the DICOM
port and nothing else."""
import socket
import threading
import xml.etree.ElementTree

import check
from lab import Lab

DEVICE4, DEVICE6, PEER4, PEER6 = "10.20.1.10", "2001:db8:1::10", "10.20.1.5", "2001:db8:1::5"
TCP_PORTS = (22, 80, 104, 8042, 11112, 65535)
UDP_PORTS = (53, 123, 161, 514, 11112)
POLICY = f"""role host
device ct {{ ae-title CT; port 11112 }}
peer main-pacs {{
	address {PEER4} {PEER6}; ae-title PACS; port 104
	initiates storage; accepts echo
}}
manage {{ from 10.20.9.0/24; port 22 }}
service dns {{ to 10.20.1.53 }}
service ping {{ from 10.20.9.0/24 }}
"""
FAST = ("--min-rate", "8000", "--max-retries", "3", "--min-rtt-timeout", "500ms")    # nothing is to answer
SURE = ("-T4", "--max-retries", "3")                           # what answers is to be found
QUICK = ("--min-rate", "10000", "-T5", "--max-retries", "2")   # one port answers


class Wiretap:
	"""Counts the IP packets that a MAC address sends towards a host; neighbour discovery and MLD do not count."""

	def __init__(self, host, interface, mac):
		self.mac, self.seen, self.ended = bytes.fromhex(mac.replace(":", "")), [], False

		def listen():
			tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))  # ETH_P_ALL
			tap.bind((interface, 3))
			tap.settimeout(0.1)
			return tap
		self.tap = host.call(listen)
		self.thread = threading.Thread(target=self._watch)
		self.thread.start()

	def _watch(self):
		while not self.ended:
			try:
				frame = self.tap.recv(2048)
			except TimeoutError:
				continue
			kind = frame[12:14]
			if frame[6:12] == self.mac and (kind == b"\x08\0" or kind == b"\x86\xdd" and not self._discovery(frame)):
				self.seen.append(frame)

	@staticmethod
	def _discovery(frame):
		hop_by_hop = frame[20] == 0  # MLD reports carry a router alert
		at = 54 + (8 if hop_by_hop else 0)
		return (frame[20] == 58 or hop_by_hop) and len(frame) > at and frame[at] in (130, 131, 132, 133, 135, 136, 143)

	def stop(self):
		self.ended = True
		self.thread.join()
		self.tap.close()
		return self.seen


def nmap(host, pace, *words):
	"""{(protocol, port): state} of what has a state of its own, and {state: number} of the rest."""
	done = host.run("nmap", "-oX", "-", "-n", "-Pn", *pace, *words, timeout=300, check=True)
	root = xml.etree.ElementTree.fromstring(done.stdout)
	ports = {(p.get("protocol"), int(p.get("portid"))): p.find("state").get("state") for p in root.iter("port")}
	rest = {e.get("state"): int(e.get("count")) for e in root.iter("extraports")}
	return ports, rest


def test(checks):
	with Lab() as lab:
		lan = lab.lan("hospital")
		device, peer, stranger = lab.host("device"), lab.host("peer"), lab.host("stranger")
		interface = device.join(lan, f"{DEVICE4}/24", f"{DEVICE6}/64")
		peer.join(lan, f"{PEER4}/24", f"{PEER6}/64")
		tapped = stranger.join(lan, "10.20.1.66/24", "2001:db8:1::66/64")
		for port in TCP_PORTS:
			device.start(check.traffic(), "serve", port).wait_port(port)
		for port in UDP_PORTS:
			device.start(check.traffic(), "sink", port).wait_port(port, protocol="udp")

		ports, rest = nmap(stranger, SURE, "-sS", "-p-", DEVICE4)
		checks.equal(sorted(port for (_, port), state in ports.items() if state == "open"), sorted(TCP_PORTS),
		             "no wall: the stranger's scan finds every open port")

		check.must_load(device, POLICY)
		tap = Wiretap(stranger, tapped, device.mac(interface))
		for name, words, target, silent in (
				("all TCP ports", ("-sS", "-p-"), DEVICE4, "filtered"),
				("all TCP ports by ACK", ("-sA", "-p-"), DEVICE4, "filtered"),
				("the 1,000 most common UDP ports", ("-sU", "--top-ports", "1000"), DEVICE4, "open|filtered"),
				("all IP protocols", ("-sO",), DEVICE4, "open|filtered"),
				("all TCP ports, IPv6", ("-6", "-sS", "-p-"), DEVICE6, "filtered"),
				("common UDP ports, IPv6", ("-6", "-sU", "--top-ports", "200"), DEVICE6, "open|filtered")):
			ports, rest = nmap(stranger, FAST, *words, target)
			loud = {port: state for port, state in ports.items() if state != silent}
			checks.check(not loud and set(rest) <= {silent} and len(ports) + sum(rest.values()) >= 200,
			             f"stranger, {name}: {sum(rest.values()) + len(ports)} silent", f"{loud} {rest}")
		stranger.run("ping", "-c", "2", "-W", "1", DEVICE4)
		stranger.run("ping", "-c", "2", "-W", "1", DEVICE6)
		seen = tap.stop()
		checks.check(not seen, "not one IP packet went to the stranger", [frame[:64].hex() for frame in seen[:5]])

		for family, words, target in (("IPv4", (), DEVICE4), ("IPv6", ("-6",), DEVICE6)):
			ports, rest = nmap(peer, QUICK, *words, "-sS", "-p-", target)
			checks.check(ports == {("tcp", 11112): "open"} and set(rest) == {"filtered"},
			             f"the peer's scan over {family} finds the DICOM port and nothing else", f"{ports} {rest}")
			ports, rest = nmap(peer, QUICK, *words, "-sU", "--top-ports", "200", target)
			checks.check(set(ports.values()) | set(rest) == {"open|filtered"}, f"the peer's UDP scan over {family} finds nothing",
			             f"{ports} {rest}")


if __name__ == "__main__":
	check.run(test)
