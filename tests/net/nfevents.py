# SPDX-License-Identifier: GPL-2.0-or-later
"""Counts what the kernel says about changes of nf_tables: one netlink socket on its event group. It belongs to the
network namespace it is made in (host.call(nfevents.Watcher))."""
import collections
import select
import socket
import struct

NETLINK_NETFILTER, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP = 12, 270, 1
SO_RCVBUFFORCE = 33
GROUP_NFTABLES = 7
SUBSYS_NFTABLES = 10
NAMES = {0: "new table", 2: "delete table", 3: "new chain", 5: "delete chain", 6: "new rule", 8: "delete rule",
         9: "new set", 11: "delete set", 12: "new element", 14: "delete element", 15: "generation"}
LIST_ELEMENTS = 3  # NFTA_SET_ELEM_LIST_ELEMENTS


class Watcher:
	def __init__(self):
		self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_NETFILTER)
		self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 256 << 20)
		self.socket.bind((0, 0))
		self.socket.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, GROUP_NFTABLES)
		self.socket.setblocking(False)

	def close(self):
		self.socket.close()

	def read(self, timeout=0.3):
		"""{kind of event: how many} since the last call; elements are counted one by one."""
		events = collections.Counter()
		while select.select([self.socket], [], [], timeout)[0]:
			data, at = self.socket.recv(1 << 20), 0
			while at + 20 <= len(data):
				size, kind = struct.unpack_from("=IH", data, at)
				if kind >> 8 == SUBSYS_NFTABLES:
					name = NAMES.get(kind & 0xff, f"message {kind & 0xff}")
					events[name] += self._elements(data[at + 20:at + size]) if "element" in name else 1
				at += (size + 3) & ~3
		return events

	@staticmethod
	def _elements(data):
		for kind, value in _attributes(data):
			if kind == LIST_ELEMENTS:
				return sum(1 for _ in _attributes(value))
		return 0


def _attributes(data):
	at = 0
	while at + 4 <= len(data):
		size, kind = struct.unpack_from("=HH", data, at)
		if size < 4:
			return
		yield kind & 0x3fff, data[at + 4:at + size]
		at += (size + 3) & ~3
