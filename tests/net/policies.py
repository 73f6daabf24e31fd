# SPDX-License-Identifier: GPL-2.0-or-later
"""Random policies, as model and as text, and the two worlds they are for. All comes from one random.Random: the same
seed gives the same policies."""
import copy
import dataclasses
from ipaddress import ip_address, ip_network

from naive import ICMP, TCP, UDP, Device, Dhcp, Manage, Opening, Peer, Policy, Service

DICOM = ("echo", "storage", "storage-commitment", "worklist", "mpps", "query-retrieve", "print")


@dataclasses.dataclass
class World:
	"""Where the wall stands. `routes` must be what the box's routing table says."""
	role: str
	own: list       # addresses of the box
	devices: list   # addresses devices may have
	far: list       # addresses peers, servers and strangers may have
	routes: list    # (network, interface)

	def interface_of(self, address):
		best = None
		for network, interface in self.routes:
			if address in network and (best is None or network.prefixlen > best[0].prefixlen):
				best = (network, interface)
		return best[1]

	def interfaces(self):
		return sorted({interface for _, interface in self.routes})


def _addresses(*texts):
	return [ip_address(text) for text in texts]


HOST = World(
	"host",
	own=_addresses("10.20.1.10", "10.20.1.11", "2001:db8:1::10", "2001:db8:1::11"),
	devices=_addresses("10.20.1.10", "10.20.1.11", "2001:db8:1::10", "2001:db8:1::11"),
	far=_addresses(*[f"10.20.1.{n}" for n in (20, 21, 22, 23)], *[f"10.20.0.{n}" for n in (5, 6, 7, 9, 53, 123)],
	               *[f"10.30.0.{n}" for n in (5, 6, 20)], *[f"2001:db8:1::{n}" for n in (20, 21)],
	               *[f"2001:db8:20::{n}" for n in (5, 6, 7, 9)], *[f"2001:db8:30::{n}" for n in (5, 6)]),
	routes=[(ip_network("0.0.0.0/0"), "eth0"), (ip_network("10.30.0.0/16"), "eth1"),
	        (ip_network("::/0"), "eth0"), (ip_network("2001:db8:30::/48"), "eth1")])

ROUTER = World(
	"router",
	own=_addresses("10.20.1.1", "10.20.0.1", "10.20.9.1", "2001:db8:1::1", "2001:db8:20::1", "2001:db8:9::1"),
	devices=_addresses("10.20.1.10", "10.20.1.11", "10.20.1.12", "2001:db8:1::10", "2001:db8:1::11"),
	far=_addresses(*[f"10.20.0.{n}" for n in (5, 6, 7, 9, 53, 123)], *[f"10.40.0.{n}" for n in (5, 6)],
	               *[f"10.20.9.{n}" for n in (20, 21)], "10.20.1.100", *[f"2001:db8:20::{n}" for n in (5, 6, 7)],
	               *[f"2001:db8:40::{n}" for n in (5, 6)], "2001:db8:9::20"),
	routes=[(ip_network("0.0.0.0/0"), "hospital"), (ip_network("10.20.1.0/24"), "device"),
	        (ip_network("10.20.9.0/24"), "service"), (ip_network("::/0"), "hospital"),
	        (ip_network("2001:db8:1::/64"), "device"), (ip_network("2001:db8:9::/64"), "service")])


class PolicyMaker:
	def __init__(self, rng, world):
		self.rng, self.world = rng, world

	def make(self):
		rng, world = self.rng, self.world
		policy = Policy(role=world.role, devices=self.make_devices(), peers=[])
		if world.role != "host" and rng.random() < 0.7:
			policy.box = [a for a in world.own if rng.random() < 0.5] or [world.own[0]]
		for number in range(rng.choice((1, 1, 2, 3, 5, 8))):
			policy.peers.append(self.make_peer(number, policy.devices))
		for kind in ("dns", "ntp", "syslog", "ping", "custom", "custom"):
			if rng.random() < 0.3:
				policy.services.append(self.make_service(kind, len(policy.services), policy.box))
		if rng.random() < 0.25 and (world.role == "host" or policy.box):
			policy.dhcp = Dhcp(servers=self.remotes(4, exact=True) if rng.random() < 0.5 else [],
			                   for_box=world.role != "host")
		if rng.random() < 0.6:
			policy.manage = Manage(sources=self.remotes(), ports=rng.choice(([22], [22, 8443])),
			                       interfaces=rng.sample(world.interfaces(), rng.choice((0, 1, 2))))
		return policy

	def revise(self, policy):
		"""The policy a while later: peers, services and openings removed or added."""
		rng, revised = self.rng, copy.deepcopy(policy)
		for items in (revised.peers, revised.services):
			items[:] = [item for item in items if rng.random() < 0.6]
		for peer in revised.peers:
			if rng.random() < 0.3:
				peer.initiates, peer.accepts = peer.accepts, peer.initiates
		if not revised.peers or rng.random() < 0.3:
			revised.peers.append(self.make_peer(90, revised.devices))
		return revised

	def make_devices(self):
		rng, world = self.rng, self.world
		count = rng.choice((1, 1, 2, 3))
		with_addresses = world.role != "host" or rng.random() < 0.4
		free = rng.sample(world.devices, len(world.devices))
		devices = []
		for number in range(count):
			ports = rng.sample((104, 11112, 4006, 2762), rng.choice((1, 1, 2)))
			mine = [free.pop() for _ in range(rng.choice((1, 1, 2))) if free] if with_addresses else []
			if with_addresses and not mine:
				break
			devices.append(Device(f"device-{number}", ports, mine))
		return devices

	def make_peer(self, number, devices):
		rng = self.rng
		initiates = rng.sample(DICOM, rng.randint(1, 3))
		accepts = rng.sample(DICOM, rng.randint(1, 3))
		which = rng.choice(("initiates", "accepts", "both", "both"))
		only = rng.sample([d.name for d in devices], rng.randint(1, len(devices))) if rng.random() < 0.3 else []
		tls = rng.random() < 0.2
		ports = [2762] if tls and rng.random() < 0.5 else rng.sample((104, 11112, 4006, 2762, 5104), rng.choice((1, 1, 2)))
		return Peer(f"peer-{number}", self.remotes(), ports,
		            tuple(initiates) if which != "accepts" else (), tuple(accepts) if which != "initiates" else (),
		            tuple(only), tls)

	def make_service(self, kind, number, box):
		rng = self.rng
		for_box = box is not None and rng.random() < 0.5
		if kind == "dns":
			remotes = self.remotes()
			return Service("dns", [Opening(p, False, [(53, 53)], remotes) for p in (UDP, TCP)], for_box)
		if kind in ("ntp", "syslog"):
			port = {"ntp": 123, "syslog": 514}[kind]
			return Service(kind, [Opening(UDP, False, [(port, port)], self.remotes())], for_box)
		if kind == "ping":
			return Service("ping", [Opening(ICMP, inbound, [], self.remotes())
			                        for inbound in rng.choice(((True,), (False,), (True, False)))], for_box)
		openings = []
		for _ in range(rng.choice((1, 2))):
			ports = rng.choice(([(8080, 8080)], [(8000, 8010)], [(80, 80), (443, 443)], [(104, 104)]))
			openings.append(Opening(rng.choice((TCP, UDP)), rng.random() < 0.5, ports, self.remotes()))
		return Service(f"custom-{number}", openings, for_box)

	def remotes(self, version=None, exact=False):
		"""One to three networks: exact addresses, and prefixes around others."""
		rng = self.rng
		pool = [a for a in self.world.far if version in (None, a.version)]
		networks = []
		for address in rng.sample(pool, rng.choice((1, 1, 2, 3))):
			length = address.max_prefixlen
			if not exact and rng.random() < 0.35:
				length -= rng.choice((1, 2, 3, 4, 8) if address.version == 4 else (1, 2, 4, 8, 64))
			network = ip_network((address, length), strict=False)
			if not any(network.version == other.version and network.overlaps(other) for other in networks):
				networks.append(network)
		return networks


def _networks(networks):
	return " ".join(str(n.network_address) if n.prefixlen == n.max_prefixlen else str(n) for n in networks)


def policy_text(policy):
	"""The policy in its own language."""
	lines = [f"role {policy.role}"]
	if policy.box is not None:
		lengths = {4: 24, 6: 64}
		lines.append("box { address " + " ".join(f"{a}/{lengths[a.version]}" for a in policy.box) + " }")
	for device in policy.devices:
		lines.append(f"device {device.name} {{")
		lines.append(f"\tae-title {device.name.upper()}; port {' '.join(map(str, device.ports))}")
		if device.addresses:
			lines.append(f"\taddress {' '.join(map(str, device.addresses))}")
		lines.append("}")
	for peer in policy.peers:
		lines.append(f"peer {peer.name} {{\n\taddress {_networks(peer.addresses)}\n\tae-title {peer.name.upper()}")
		if not peer.tls or peer.ports != [2762]:
			lines.append(f"\tport {' '.join(map(str, peer.ports))}")
		lines += ["\ttls"] if peer.tls else []
		lines += [f"\tdevices {' '.join(peer.devices)}"] if peer.devices else []
		lines += [f"\tinitiates {' '.join(peer.initiates)}"] if peer.initiates else []
		lines += [f"\taccepts {' '.join(peer.accepts)}"] if peer.accepts else []
		lines.append("}")
	for service in policy.services:
		lines.append(f"service {service.name}{' for box' if service.for_box else ''} {{")
		for opening in service.openings[:1] if service.name == "dns" else service.openings:
			side = "from" if opening.inbound else "to"
			if service.name.startswith("custom"):
				ports = " ".join(str(a) if a == b else f"{a}-{b}" for a, b in opening.ports)
				side = f"{'tcp' if opening.protocol == TCP else 'udp'} {ports} {side}"
			lines.append(f"\t{side} {_networks(opening.remotes)}")
		lines.append("}")
	if policy.dhcp:
		servers = f" {{ to {_networks(policy.dhcp.servers)} }}" if policy.dhcp.servers else ""
		lines.append(f"service dhcp{' for box' if policy.dhcp.for_box else ''}{servers}")
	if policy.manage:
		lines.append(f"manage {{\n\tfrom {_networks(policy.manage.sources)}\n"
		             f"\tport {' '.join(map(str, policy.manage.ports))}")
		if policy.manage.interfaces:
			lines.append(f"\tinterface {' '.join(policy.manage.interfaces)}")
		lines.append("}")
	lines.append("log { drops 10/second; group 5 }")
	return "\n".join(lines) + "\n"
