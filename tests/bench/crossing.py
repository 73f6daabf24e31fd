# SPDX-License-Identifier: GPL-2.0-or-later
"""A peer, a device, and a wall between them: on the device itself, or on a router in front of it. For the benches of
what a wall does to traffic. The peer is the last of its list, where a rule each is the slowest; a second address of the
same host, the stranger's, is in no list."""
from rivals import Place

PEER, STRANGER, OUTSIDE = "10.200.0.2", "10.200.0.3", "10.200.0.1"
INSIDE, BEHIND = "10.201.0.1", "10.201.0.10"
BESIDE, ARCHIVE = "10.202.0.1", "10.202.0.2"


class Site:
	"""`rival` is a class of rivals.py; `name` is unique in the lab. In role host there may be an archive, too, a second
	peer on a network of its own."""

	def __init__(self, lab, rival, role, name, archive=False):
		self.role, self.archive = role, None
		self.box, self.peer = lab.host(f"{name}-box", forwarding=role == "router"), lab.host(f"{name}-peer")
		outside, _ = lab.wire(self.box, [f"{OUTSIDE}/24"], self.peer, [f"{PEER}/24", f"{STRANGER}/24"])
		if role == "router":
			self.device, self.address = lab.host(f"{name}-device"), BEHIND
			inside, _ = lab.wire(self.box, [f"{INSIDE}/24"], self.device, [f"{BEHIND}/24"])
			self.device.route("default", INSIDE)
			self.peer.route("default", OUTSIDE)
			place = Place(self.box, BEHIND, inside, outside)
		else:
			self.device, self.address = self.box, OUTSIDE
			place = Place(self.box)
		if archive:
			self.archive = lab.host(f"{name}-archive")
			lab.wire(self.box, [f"{BESIDE}/24"], self.archive, [f"{ARCHIVE}/24"])
		self.rival = rival(place)

	def files(self, count, first=1, peer=True):
		"""A list of `count` peers from number `first` on, the last of which is ours unless peer is false."""
		own = (ARCHIVE, PEER) if self.archive else (PEER,)
		return self.rival.write(count, first, own if peer else ())

	def close(self):
		"""Ends everything of it and removes its namespaces."""
		self.rival.close()
		for host in {self.box, self.peer, self.device, self.archive} - {None}:
			host.lab.remove(host)
