# SPDX-License-Identifier: GPL-2.0-or-later
"""Ethernet frames made by hand, put into one side of a gateway and listened for on the other. Each of ours carries
a number, by which it is known again whatever became of its headers."""
import socket
import struct
import sys
import threading
import time
from ipaddress import ip_address
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "net"))
import wire  # noqa: E402

ARP, IPV4, IPV6, VLAN, QINQ, EAPOL, LLDP = 0x0806, 0x0800, 0x86dd, 0x8100, 0x88a8, 0x888e, 0x88cc
BROADCAST = "ff:ff:ff:ff:ff:ff"
STP_GROUP, EAPOL_GROUP, LLDP_GROUP = (f"01:80:c2:00:00:{last}" for last in ("00", "03", "0e"))
PACKET_OUTGOING = 4


def mac_octets(text):
	return bytes.fromhex(text.replace(":", ""))


def ethernet(destination, source, kind, body):
	return mac_octets(destination) + mac_octets(source) + struct.pack(">H", kind) + body


def tagged(frame, *tags):
	"""The frame with VLAN tags, outermost first: (TPID, VLAN)."""
	return frame[:12] + b"".join(struct.pack(">HH", *tag) for tag in tags) + frame[12:]


def arp(source_mac, source, target, asks=True, target_mac=BROADCAST):
	body = struct.pack(">HHBBH", 1, IPV4, 6, 4, 1 if asks else 2) + mac_octets(source_mac) + ip_address(source).packed + \
		(bytes(6) if asks else mac_octets(target_mac)) + ip_address(target).packed
	return ethernet(target_mac, source_mac, ARP, body.ljust(46, b"\0"))


def bpdu(source_mac):
	"""A spanning tree configuration message (IEEE 802.1D 9.3.1)."""
	body = b"\x42\x42\x03" + bytes(5) + bytes(range(30))
	return mac_octets(STP_GROUP) + mac_octets(source_mac) + struct.pack(">H", len(body)) + body.ljust(46, b"\0")


def ip(packet, number, source_mac, target_mac):
	"""The frames of a naive.Packet: more than one where it travels in fragments."""
	kind = IPV4 if packet.version() == 4 else IPV6
	return [ethernet(target_mac, source_mac, kind, octets) for octets in wire.build(packet, number)]


def inner(frame):
	"""Ethertype and what follows, behind VLAN tags."""
	at = 12
	while struct.unpack_from(">H", frame, at)[0] in (VLAN, QINQ):
		at += 4
	return struct.unpack_from(">H", frame, at)[0], frame[at + 2:]


class Side:
	"""One cable of the gateway, seen from the emulator's end of it: what is sent here arrives at the gateway's port, and
	what is heard here has left the gateway by it."""

	def __init__(self, host, interface):
		self.frames, self.ended = [], False

		def plug():
			plugged = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))  # ETH_P_ALL
			plugged.bind((interface, 3))
			# The tag of a received frame is not in its octets unless asked for: PACKET_AUXDATA
			plugged.setsockopt(263, 8, 1)
			plugged.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
			plugged.settimeout(0.1)
			return plugged
		self.socket = host.call(plug)
		self.thread = threading.Thread(target=self._listen, daemon=True)
		self.thread.start()

	def _listen(self):
		while not self.ended:
			try:
				frame, _, _, address = self.socket.recvmsg(70000, 256)
			except TimeoutError:
				continue
			if address[2] != PACKET_OUTGOING:
				self.frames.append(frame)

	def send(self, frames):
		for frame in frames if isinstance(frames, list) else [frames]:
			self.socket.send(frame)

	def forget(self):
		self.frames = []

	def heard(self, wanted):
		"""The frames since forget() for which wanted(frame) is true."""
		return [frame for frame in list(self.frames) if wanted(frame)]

	def waits_for(self, wanted, timeout=20):
		deadline = time.monotonic() + timeout
		while time.monotonic() < deadline:
			if self.heard(wanted):
				return True
			time.sleep(0.02)
		return False

	def stop(self):
		self.ended = True
		self.thread.join()
		self.socket.close()


class Flood:
	"""Sends frames into a side again and again, until the `with` block ends."""

	def __init__(self, side, sent, pause=0.005):
		self.side, self.sent, self.pause, self.ended = side, sent, pause, threading.Event()
		self.thread = threading.Thread(target=self._send, daemon=True)

	def _send(self):
		while not self.ended.wait(self.pause):
			try:
				self.side.send(self.sent)
			except OSError:  # the cable's other end is not ready: ENETDOWN, ENOBUFS
				pass

	def __enter__(self):
		self.thread.start()
		return self

	def __exit__(self, *exception):
		self.ended.set()
		self.thread.join()


def number_of(frame):
	"""The number of the IP packet that it carries; 0 when it is none of ours."""
	kind, body = inner(frame)
	return wire.number_of(body) if kind in (IPV4, IPV6) else 0


def numbered(number):
	"""Whether a frame carries an IP packet of that number."""
	return lambda frame: number_of(frame) == number


def is_same(sent):
	"""Whether it is that frame, its VLAN tag or not."""
	kind, body = inner(sent)
	return lambda frame: frame[:12] == sent[:12] and inner(frame) == (kind, body)
