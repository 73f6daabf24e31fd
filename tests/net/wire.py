# SPDX-License-Identifier: GPL-2.0-or-later
"""The octets of a naive.Packet, and sockets that put them on a wire exactly as they are. Every packet carries a
number (IPv4 identification, IPv6 flow label) by which it is known again further on."""
import socket
import struct

from naive import ECHO_REPLY, ECHO_REQUEST, ICMP, ICMPV6, TCP, UDP

SOL_IPV6, IPV6_HDRINCL = 41, 36
SO_BINDTODEVICE, SO_MARK = 25, 36
FRAGMENT_HEADER = 44
EXTENSIONS = {"hop": 0, "dest": 60, "routing": 43}
# All eight octets: a pad option; for routing: type 253 (experiments), nothing left to visit.
EXTENSION_BODIES = {"hop": b"\x01\x04\0\0\0\0", "dest": b"\x01\x04\0\0\0\0", "routing": b"\xfd\0\0\0\0\0"}
FLAG_BITS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32}


def checksum(data):
	if len(data) % 2:
		data += b"\0"
	total = sum(struct.unpack(f">{len(data) // 2}H", data))
	while total >> 16:
		total = (total & 0xffff) + (total >> 16)
	return ~total & 0xffff


def _pseudo_header(packet, size):
	if packet.version() == 4:
		return packet.source.packed + packet.destination.packed + struct.pack(">BBH", 0, packet.protocol, size)
	return packet.source.packed + packet.destination.packed + struct.pack(">IxxxB", size, packet.protocol)


def _transport(packet):
	"""Header and data of the transport, with its checksum (a wrong one for a broken packet in one piece)."""
	wire, data = packet.wire, bytes(packet.wire.get("data", 0))
	if packet.protocol == TCP:
		bits = sum(FLAG_BITS[letter] for letter in packet.flags)
		body = struct.pack(">HHIIBBHHH", packet.source_port, packet.destination_port, wire.get("seq", 1000),
		                   wire.get("ack", 0), 5 << 4, bits, 64240, 0, 0) + data
		at = 16
	elif packet.protocol == UDP:
		body = struct.pack(">HHHH", packet.source_port, packet.destination_port, 8 + len(data), 0) + data
		at = 6
	elif packet.protocol in (ICMP, ICMPV6):
		body, at = _icmp(packet), 2
	else:
		return b"\0" * 40
	pseudo = b"" if packet.protocol == ICMP else _pseudo_header(packet, len(body))
	value = checksum(pseudo + body) or 0xffff
	if packet.broken and not wire.get("fragments"):
		value ^= 0x5555
	return body[:at] + struct.pack(">H", value) + body[at + 2:]


def _icmp(packet):
	kind = packet.icmp_type
	if packet.quotes:
		mtu = struct.pack(">I", 1400)
		code = 4 if packet.protocol == ICMP and kind == 3 else 0
		return struct.pack(">BBH", kind, code, 0) + mtu + build(packet.quotes, 1)[0][:576]
	if kind in (ECHO_REQUEST[packet.protocol], ECHO_REPLY[packet.protocol]):
		return struct.pack(">BBHHH", kind, 0, 0, packet.source_port, 1) + bytes(32)
	target = packet.destination.packed if packet.version() == 6 else bytes(16)
	return struct.pack(">BBHI", kind, 0, 0, 0) + target + bytes(16)


def _ipv4(packet, number, body, offset=0, more=False):
	head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), number, (0x2000 if more else 0) | offset // 8,
	                   packet.hop_limit, packet.protocol, 0) + packet.source.packed + packet.destination.packed
	return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + body


def _ipv6(packet, number, first_header, body):
	return struct.pack(">IHBB", 6 << 28 | number, len(body), first_header, packet.hop_limit) + \
		packet.source.packed + packet.destination.packed + body


def _chain(names, last, body):
	"""Extension headers in front of body; returns the first header's number and all octets."""
	following = last
	for name in reversed(names):
		body = struct.pack(">BB", following, 0) + EXTENSION_BODIES[name] + body
		following = EXTENSIONS[name]
	return following, body


def _split(body, kind):
	"""[(offset, octets, more)] in the order of sending."""
	size = 8 if kind == "tiny" else 256
	parts = [(at, body[at:at + size], at + size < len(body)) for at in range(0, len(body), size)]
	return {"first": parts[:1], "last": parts[-1:], "reversed": parts[::-1]}.get(kind, parts)


def build(packet, number):
	"""The packet's octets from the IP header on: a list, more than one when it travels in fragments."""
	body, kind = _transport(packet), packet.wire.get("fragments")
	if packet.version() == 4:
		if not kind:
			return [_ipv4(packet, number, body)]
		return [_ipv4(packet, number, part, at, more) for at, part, more in _split(body, kind)]
	extensions = packet.wire.get("extensions", ())
	if not kind:
		return [_ipv6(packet, number, *_chain(extensions, packet.protocol, body))]
	# Hop-by-hop and routing headers are in every fragment, destination options travel inside.
	outside = [name for name in extensions if name != "dest"]
	inner, body = _chain([name for name in extensions if name == "dest"], packet.protocol, body)
	packets = []
	for at, part, more in _split(body, kind):
		header = struct.pack(">BBHI", inner, 0, at | more, number)
		packets.append(_ipv6(packet, number, *_chain(outside, FRAGMENT_HEADER, header + part)))
	return packets


def number_of(octets):
	"""The number a packet carries; 0 when it is none of ours."""
	if len(octets) >= 20 and octets[0] >> 4 == 4:
		return struct.unpack_from(">H", octets, 4)[0]
	if len(octets) >= 40 and octets[0] >> 4 == 6:
		return struct.unpack_from(">I", octets)[0] & 0xfffff
	return 0


class Injector:
	"""Sends frames to one neighbour, from outside its stack. Make it in the sending namespace."""

	def __init__(self, interface, neighbour_mac):
		self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
		self.socket.bind((interface, 0))
		self.head = bytes.fromhex(neighbour_mac.replace(":", "")) + b"\x02\0\0\0\0\x01"

	def send(self, packet, number):
		kind = b"\x08\0" if packet.version() == 4 else b"\x86\xdd"
		for octets in build(packet, number):
			self.socket.send(self.head + kind + octets)


class Emitter:
	"""Sends packets as a program of the box would, through its own output hook. Make it in its namespace."""

	def __init__(self, mark):
		self.mark = mark
		self.sockets = {}

	def prepare(self, interfaces):
		for interface in interfaces:
			for version in (4, 6):
				family = socket.AF_INET if version == 4 else socket.AF_INET6
				raw = socket.socket(family, socket.SOCK_RAW, 255)  # IPPROTO_RAW: with our own IP header
				raw.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
				raw.setsockopt(socket.SOL_SOCKET, SO_MARK, self.mark)
				raw.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, interface.encode())
				if version == 6:
					raw.setsockopt(SOL_IPV6, IPV6_HDRINCL, 1)
				self.sockets[version, interface] = raw

	def send(self, packet, number):
		raw = self.sockets[packet.version(), packet.leaves]
		for octets in build(packet, number):
			try:
				raw.sendto(octets, (str(packet.destination), 0))
			except PermissionError:  # the wall dropped it: EPERM. What it does is seen elsewhere
				pass
