# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads NFLOG records: a netlink socket bound to one group. It belongs to the network namespace it is made in
(host.call(nflog.Reader, group))."""
import errno
import select
import socket
import struct
import time

NETLINK_NETFILTER = 12
SO_RCVBUFFORCE = 33
SUBSYS_ULOG = 4
MESSAGE_PACKET, MESSAGE_CONFIG = 0, 1
CONFIG_COMMAND, CONFIG_MODE, CONFIG_THRESHOLD = 1, 2, 5
COMMAND_BIND = 1
COPY_PACKET = 2
ATTRIBUTE_IN, ATTRIBUTE_OUT, ATTRIBUTE_PAYLOAD, ATTRIBUTE_PREFIX = 4, 5, 9, 10
REQUEST, ACK = 1, 4
MESSAGE_ERROR = 2


class Record:
	"""One logged packet: the rule's prefix, interface indices (0: none) and the packet from its IP header on."""
	__slots__ = ("prefix", "index_in", "index_out", "packet")

	def __init__(self, attributes):
		self.prefix = attributes.get(ATTRIBUTE_PREFIX, b"").rstrip(b"\0").decode()
		self.index_in = int.from_bytes(attributes.get(ATTRIBUTE_IN, b""), "big")
		self.index_out = int.from_bytes(attributes.get(ATTRIBUTE_OUT, b""), "big")
		self.packet = attributes.get(ATTRIBUTE_PAYLOAD, b"")


def _attributes(data):
	attributes, at = {}, 0
	while at + 4 <= len(data):
		size, kind = struct.unpack_from("=HH", data, at)
		if size < 4:
			break
		attributes[kind & 0x3fff] = data[at + 4:at + size]
		at += (size + 3) & ~3
	return attributes


class Reader:
	def __init__(self, group, copy=128, threshold=1):
		self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_NETFILTER)
		self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
		self.socket.bind((0, 0))
		self.sequence = 0
		self._configure(group, CONFIG_COMMAND, struct.pack("=B", COMMAND_BIND))
		self._configure(group, CONFIG_MODE, struct.pack(">IBB", copy, COPY_PACKET, 0))
		self._configure(group, CONFIG_THRESHOLD, struct.pack(">I", threshold))
		self.socket.setblocking(False)

	def close(self):
		self.socket.close()

	def _configure(self, group, kind, value):
		attribute = struct.pack("=HH", 4 + len(value), kind) + value
		attribute += b"\0" * (-len(attribute) % 4)
		self.sequence += 1
		body = struct.pack(">BBH", socket.AF_UNSPEC, 0, group) + attribute
		self.socket.send(struct.pack("=IHHII", 16 + len(body), SUBSYS_ULOG << 8 | MESSAGE_CONFIG,
		                             REQUEST | ACK, self.sequence, 0) + body)
		while True:  # records of the group may come before the answer
			reply = self.socket.recv(1 << 20)
			if struct.unpack_from("=H", reply, 4)[0] == MESSAGE_ERROR:
				break
		error = -struct.unpack_from("=i", reply, 16)[0]
		if error:
			raise OSError(error, f"NFLOG group {group}: {errno.errorcode.get(error, error)}")

	def read(self, timeout=0.0):
		"""All records that are there; waits at most `timeout` seconds for the first. Lost records: OSError."""
		records = []
		select.select([self.socket], [], [], timeout)
		while True:
			try:
				data = self.socket.recv(1 << 20)
			except BlockingIOError:
				return records
			at = 0
			while at + 20 <= len(data):
				size, kind = struct.unpack_from("=IH", data, at)
				if kind == SUBSYS_ULOG << 8 | MESSAGE_PACKET:
					records.append(Record(_attributes(data[at + 20:at + size])))
				at += (size + 3) & ~3

	def read_until(self, wanted, timeout=5.0):
		"""Records up to and with the first that `wanted` accepts; TimeoutError when it does not come."""
		records, end = [], time.monotonic() + timeout
		while time.monotonic() < end:
			new = self.read(0.1)
			records += new
			if any(wanted(record) for record in new):
				return records
		raise TimeoutError("an expected NFLOG record did not come")
