# SPDX-License-Identifier: GPL-2.0-or-later
"""A peer, a device, and a wall between them: on the device itself, or on a router in front of it. For the benches of
what a wall does to traffic. The peer is the last of its list, where a rule each is the slowest; a second address of the
same host, the stranger's, is in no list."""
from rivals import Place

PEER, STRANGER, OUTSIDE = "10.200.0.2", "10.200.0.3", "10.200.0.1"
INSIDE, BEHIND = "10.201.0.1", "10.201.0.10"


class Site:
	"""`rival` is a class of rivals.py; `name` is unique in the lab."""

	def __init__(self, lab, rival, role, name):
		self.role, self.name = role, name
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
		self.rival = rival(place)

	def files(self, count, first=1, peer=True):
		"""A list of `count` peers from number `first` on, the last of which is ours unless peer is false."""
		return self.rival.write(count, first, PEER if peer else None)

	def close(self):
		"""Ends everything of it and removes its namespaces."""
		self.rival.close()
		for host in {self.box, self.peer, self.device}:
			host.lab.remove(host)
