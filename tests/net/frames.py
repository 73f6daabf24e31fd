#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Frames across a real bridge, with the rules that `leadglass render` gives for role bridge: what is not IP, ARP, IPv6
neighbour discovery, VLAN tags. Each frame's fate is held against what is meant here and, where `explain` can be asked
about it, against that. Rules that look at connections are left out, so that a kernel without connection tracking in
bridges can hold the rest; nothing here is part of a connection."""
import socket
import struct
import time

import check
from lab import Lab
from wire import checksum

DEVICE, OTHER = bytes.fromhex("001b21aa0003"), bytes.fromhex("020000000099")
ALL, BRIDGES, PAE, LLDP = b"\xff" * 6, bytes.fromhex("0180c2000000"), bytes.fromhex("0180c2000003"), bytes.fromhex("0180c200000e")
ETHERNET_IPV4 = b"\0\1\x08\0\6\4"
POLICY = """role bridge
{}
device ct-3 {{ address 10.20.1.10 2001:db8:20:1::10; ae-title CT3; port 11112; mac 00:1b:21:aa:00:03 }}
peer pacs {{ address 10.20.0.5 2001:db8:20::5; ae-title PACS; port 104; initiates storage }}
"""


def frame(destination, source, kind, data):
	return (destination + source + struct.pack(">H", kind) + data).ljust(60, b"\0")


def tagged(inner, number=5, kind=0x8100):
	return inner[:12] + struct.pack(">HH", kind, number) + inner[12:]


def arp(source, sender, target, operation=1, form=ETHERNET_IPV4):
	return frame(ALL, source, 0x0806, form + struct.pack(">H", operation) + source + socket.inet_aton(sender) + bytes(6) + socket.inet_aton(target))


def discovery(mac, source, destination, kind, target="::", hops=255):
	ends = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, destination)
	body = struct.pack(">BBHI", kind, 0, 0, 0) + socket.inet_pton(socket.AF_INET6, target)
	body = body[:2] + struct.pack(">H", checksum(ends + struct.pack(">II", len(body), 58) + body)) + body[4:]
	return frame(b"\x33\x33\0\0\0\1", mac, 0x86dd, struct.pack(">IHBB", 6 << 28, len(body), 58, hops) + ends + body)


def bpdu(destination=BRIDGES, llc=b"\x42\x42\x03"):
	return destination + DEVICE + struct.pack(">H", 38) + llc + bytes(35)


def mac_text(octets):
	return ":".join(f"{octet:02x}" for octet in octets)


def cases(passed):
	"""(what, frame, whether it is to cross, how explain is asked: words or None)"""
	def asked_arp(source, sender, target, operation=1):
		return f"arp/{'request' if operation == 1 else 'reply'} {sender} {target} mac {mac_text(source)}"

	def asked_nd(mac, source, destination, kind):
		return f"icmpv6/{kind} {source} {destination} mac {mac_text(mac)}"

	group = "ff02::1:ff00:{}".format
	yield "802.1X", frame(PAE, DEVICE, 0x888e, b"\1\1\0\0"), passed, "eapol"
	yield "LLDP", frame(LLDP, DEVICE, 0x88cc, bytes(20)), passed, "lldp"
	yield "spanning tree", bpdu(), passed, "stp"
	yield "another LLC to the group of bridges", bpdu(llc=b"\xaa\xaa\x03"), False, None
	yield "spanning tree to all", bpdu(ALL), False, None
	yield "IPv4 in SNAP", ALL + DEVICE + struct.pack(">H", 40) + b"\xaa\xaa\x03\0\0\0\x08\0\x45" + bytes(31), False, None
	for kind in 0x88f7, 0x8863, 0x0842, 0x88e5:
		yield f"type {kind:04x}", frame(ALL, DEVICE, kind, b"x" * 40), False, f"frame/0x{kind:04x}"
		yield f"type {kind:04x} behind a tag", tagged(frame(ALL, DEVICE, kind, b"x" * 40)), False, None

	for what, words, good in (("ARP from the device", (DEVICE, "10.20.1.10", "10.20.1.1"), True), ("an ARP answer to it", (OTHER, "10.20.1.1", "10.20.1.10", 2), True),
	                          ("its probe", (DEVICE, "0.0.0.0", "10.20.1.10"), True), ("ARP with its address from another card", (OTHER, "10.20.1.10", "10.20.1.1"), False),
	                          ("ARP between strangers", (OTHER, "10.20.1.7", "10.20.1.8"), False), ("a stranger's announcement", (OTHER, "10.20.1.7", "10.20.1.7", 2), False)):
		yield what, arp(*words), good, asked_arp(*words)
		yield f"{what}, behind a tag", tagged(arp(*words)), good, None
	from_device = arp(DEVICE, "10.20.1.10", "10.20.1.1")
	yield "ARP behind two tags", tagged(tagged(from_device)), False, "frame/0x8100"
	yield "ARP behind 802.1ad", tagged(tagged(from_device), kind=0x88a8), False, None
	yield "ARP that asks and answers nothing", arp(DEVICE, "10.20.1.10", "10.20.1.1", 3), False, None
	yield "ARP of another hardware", arp(DEVICE, "10.20.1.10", "10.20.1.1", form=b"\0\6\x08\0\6\4"), False, None
	yield "ARP with longer addresses", arp(DEVICE, "10.20.1.10", "10.20.1.1", form=b"\0\1\x08\0\x08\4"), False, None

	own, link = "2001:db8:20:1::10", "fe80::21b:21ff:feaa:3"
	for what, words, target, good in (
	        ("the device looks for its peer", (DEVICE, own, group(5), 135), "2001:db8:20::5", True),
	        ("a router looks for the device", (OTHER, "fe80::1", group(10), 135), own, True),
	        ("the device asks whether its address is free", (DEVICE, "::", group(10), 135), own, True),
	        ("a router looks for a stranger", (OTHER, "fe80::1", group(77), 135), "2001:db8:20:1::77", False),
	        ("the device answers from its link-local address", (DEVICE, link, "fe80::1", 136), own, True),
	        ("a stranger answers", (OTHER, "fe80::99", "fe80::1", 136), own, False),
	        ("a stranger answers with the device's address", (OTHER, own, "fe80::1", 136), own, False),
	        ("a stranger announces the device's address", (OTHER, "fe80::99", "ff02::1", 136), own, False),
	        ("the device looks for a router", (DEVICE, link, "ff02::2", 133), "::", True),
	        ("a router is there", (OTHER, "fe80::1", "ff02::1", 134), "::", True),
	        ("the device is a router", (DEVICE, link, "ff02::1", 134), "::", False),
	        ("a redirect", (OTHER, "fe80::1", own, 137), "::", False),
	        ("an echo to all nodes", (OTHER, "fe80::99", "ff02::1", 128), "::", False)):
		yield what, discovery(*words, target), good, asked_nd(*words)
		yield f"{what}, behind a tag", tagged(discovery(*words, target)), good, None
	yield "discovery from another link", discovery(DEVICE, own, group(5), 135, "2001:db8:20::5", hops=64), False, None


class Wire:
	"""Two stations on the sides of the bridge; both ends are interfaces of the bridge's own namespace."""
	def __init__(self):
		self.device, self.hospital = (socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) for _ in range(2))
		self.device.bind(("ct", 0))
		self.hospital.bind(("pacs", 0))

	def empty(self):
		self.hospital.setblocking(False)
		try:
			while True:
				self.hospital.recv(2048)
		except BlockingIOError:
			pass

	def crosses(self, octets, patience):
		"""Whether it comes out."""
		self.empty()
		self.device.send(octets)
		until = time.monotonic() + patience
		while (left := until - time.monotonic()) > 0:
			self.hospital.settimeout(left)
			try:
				seen, about = self.hospital.recvfrom(2048)
			except TimeoutError:
				return False
			if about[2] == socket.PACKET_OUTGOING:
				continue
			if seen[:12] + seen[12:14] == octets[:14] or (octets[12:14] == b"\x81\0" and seen[:12] == octets[:12]):
				return True
		return False


def build(box):
	for words in ("link add name br0 type bridge stp_state 0 mcast_snooping 0", "link add ct type veth peer name device",
	              "link add pacs type veth peer name hospital", "link set device master br0", "link set hospital master br0",
	              f"link set br0 type bridge group_fwd_mask {1 << 3 | 1 << 14}"):
		box.ip(*words.split())
	for interface in "br0", "ct", "device", "pacs", "hospital":
		box.sysctl(f"net/ipv6/conf/{interface}/disable_ipv6", 1)
		box.ip("link", "set", interface, "up")


def load_rules(box, policy, text):
	"""The bridge's table, but what is about connections."""
	policy.write_text(text)
	rendered = box.run(check.command(), "render", policy, check=True).stdout
	table = rendered[rendered.index("\ntable bridge leadglass"):]
	kept = [line for line in table.splitlines() if not line.lstrip().startswith("ct ") and " ct " not in line]
	rules = policy.with_suffix(".nft")
	rules.write_text("add table bridge leadglass\ndelete table bridge leadglass\n" + "\n".join(kept) + "\n")
	box.run("nft", "-f", rules, check=True)


def test(checks):
	with Lab() as lab:
		box = lab.host("bridge")
		build(box)
		time.sleep(0.5)
		wire = box.call(Wire)
		policy = lab.dir / "policy.conf"
		checks.check(box.call(wire.crosses, frame(ALL, DEVICE, 0x88f7, b"x" * 40), 2), "without a wall everything crosses")
		for passed in False, True:
			load_rules(box, policy, POLICY.format("pass eapol lldp stp" if passed else ""))
			for what, octets, good, asked in cases(passed):
				crossed = box.call(wire.crosses, octets, 2 if good else 0.3)
				checks.equal(crossed, good, f"{what}: {'crosses' if good else 'is dropped'}")
				if asked:
					done = box.run(check.command(), "explain", policy, "forward", *asked.split())
					checks.check(done.returncode == (0 if good else 1), f"  explain {asked}", done.stdout + done.stderr)
		listed = box.run("nft", "list", "table", "bridge", "leadglass", check=True).stdout
		for comment in ("neither IP nor ARP", "ARP that concerns no device", "ARP that neither asks nor answers",
		                "neighbour discovery that concerns no device", "a device that says it is a router"):
			counted = [line for line in listed.splitlines() if f'drop comment "{comment}"' in line]
			checks.check(len(counted) == 1 and "packets 0 " not in counted[0], f"counted: {comment}", counted)


if __name__ == "__main__":
	check.run(test)
