# SPDX-License-Identifier: GPL-2.0-or-later
"""Random policies, as model and as text, and random packets near them: most packets are one step away from
something the policy allows, since far away everything is dropped. All comes from one random.Random: the same
seed gives the same matrix."""
import copy
import dataclasses
from ipaddress import ip_address, ip_network

from naive import (ECHO_REPLY, ECHO_REQUEST, ICMP, ICMPV6, TCP, UDP, Device, Dhcp, Manage, Opening, Packet, Peer,
                   Policy, Service)

DICOM = ("echo", "storage", "storage-commitment", "worklist", "mpps", "query-retrieve", "print")
ERROR_TYPES = {4: (ICMP, (3, 3, 3, 11, 12, 5, 4)), 6: (ICMPV6, (1, 2, 2, 3, 4, 137))}


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


# ---- policies ----

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


# ---- packets ----

class PacketMaker:
	"""Scenarios: lists of packets that belong together and are sent in order."""

	def __init__(self, rng, world, policy):
		self.rng, self.world, self.policy = rng, world, policy
		self.next_port = 20000  # every flow has a source port or echo identifier of its own

	def scenarios(self, count):
		kinds = ((self.tcp_opening, 28), (self.tcp_session, 14), (self.odd_flags, 8), (self.udp_exchange, 12),
		         (self.ping, 8), (self.other_protocol, 4), (self.fragments, 6), (self.extension_headers, 5),
		         (self.neighbour_discovery, 4), (self.spoofed, 6), (self.dhcp, 4), (self.stray_error, 3),
		         (self.broken, 2), (self.loopback, 1))
		weights = [weight for _, weight in kinds]
		return [kind() for kind, _ in self.rng.choices(kinds, weights, k=count)]

	def later(self, scenarios):
		"""What the same connections send after the policy was exchanged: one more segment either way, and an
		ICMP error about each."""
		result = []
		for packets in scenarios:
			flow = [p for p in packets if "flow" in p.wire]
			if not flow:
				continue
			first, more = flow[0], []
			if first.protocol == TCP:
				if not any("R" in p.flags or "F" in p.flags for p in flow) and len(flow) >= 3:
					more = [self.data(first, 50), self.answer_data(first, 50)]
			else:
				more = [dataclasses.replace(p, shape=p.shape) for p in flow[:2]]
			if len(flow) >= 2:
				more.append(self.error_about(first))
			result.append([dataclasses.replace(p, shape="after the exchange: " + p.shape) for p in more])
		return [packets for packets in result if packets]

	# One flow of each kind the policy grants: (hook, protocol, near, far, port, inbound)
	def grants(self):
		policy, grants = self.policy, []

		def near_of(version, addresses):
			return [a for a in addresses if a.version == version]

		def add(opening_protocols, inbound, networks, ports, near, for_box):
			for network in networks:
				for own in near_of(network.version, near):
					for port in ports:
						for protocol in opening_protocols:
							hook = "forward" if policy.role != "host" and not for_box else ("in" if inbound else "out")
							grants.append((hook, protocol, own, self.inside(network), port, inbound))
		for device in policy.devices:
			near = device.addresses or self.world.own
			for peer in policy.peers:
				if not peer.devices or device.name in peer.devices:
					if peer.initiates:
						add((TCP,), False, peer.addresses, peer.ports, near, False)
					if peer.accepts:
						add((TCP,), True, peer.addresses, device.ports, near, False)
			for service in policy.services:
				for opening in service.openings:
					ports = [self.rng.choice(span) for span in opening.ports] or [0]
					add((opening.protocol,), opening.inbound, opening.remotes, ports,
					    (policy.box or self.world.own) if service.for_box else near, service.for_box)
		if policy.manage:
			add((TCP,), True, policy.manage.sources, policy.manage.ports, policy.box or self.world.own, True)
		return grants

	def inside(self, network):
		"""An address of the network, an edge more often than not; not one of the box or a device."""
		first, last = int(network[0]), int(network[-1])
		if last - first > 2:  # the network's own and the broadcast address are nobody's
			first, last = first + 1, last - 1
		taken = self.world.own + self.world.devices
		for number in (self.rng.choice((first, last, self.rng.randint(first, last))), first, last):
			address = type(network[0])(number)
			if address not in taken:
				return address
		return network[0]

	def base(self, protocols=(TCP,), near_right=0.5):
		"""The first packet of a flow: something granted, often with one or two things changed."""
		rng, world = self.rng, self.world
		grants = [g for g in self.grants() if g[1] in protocols]
		version = rng.choice((4, 6))
		if grants:
			hook, protocol, near, far, port, inbound = rng.choice(grants)
		else:
			inbound, protocol = rng.random() < 0.5, protocols[0]
			near = rng.choice([a for a in world.devices if a.version == version])
			far = rng.choice([a for a in world.far if a.version == version])
			port = rng.choice((22, 53, 104, 11112, 8080))
			hook = "forward" if world.role != "host" else ("in" if inbound else "out")
		changes = []
		if rng.random() > near_right:
			changes = rng.sample(("far", "near", "port", "direction", "protocol", "hook"), rng.choice((1, 1, 1, 2)))
		if "far" in changes:
			far = self.neighbour_of(far)
		if "near" in changes:
			near = rng.choice([a for a in (world.own if hook != "forward" else world.devices) if a.version == far.version])
		if "port" in changes:
			port = rng.choice((port + 1, port - 1, 22, 53, 104, 11112, 4006, 2762, 80, 443, 8004, 65535))
		if "direction" in changes:
			inbound = not inbound
			hook = {"in": "out", "out": "in", "forward": "forward"}[hook]
		if "protocol" in changes and protocol in (TCP, UDP):
			protocol = TCP + UDP - protocol
		if "hook" in changes and world.role != "host":
			hook = "forward" if hook != "forward" else ("in" if inbound else "out")
			near = rng.choice([a for a in (world.own if hook != "forward" else world.devices) if a.version == far.version])
		port = max(1, port)
		shape = ("like a granted one" if grants else "nothing of the kind is granted") + \
			(f", other {' and '.join(changes)}" if changes else "")
		if hook == "in" and near not in world.own:
			near = rng.choice([a for a in world.own if a.version == far.version])
		self.next_port += 1
		source, destination = (far, near) if inbound else (near, far)
		packet = Packet(hook, source, destination, protocol, self.next_port, port, shape=shape)
		self.place(packet)
		packet.wire["flow"] = True
		return packet

	def place(self, packet):
		"""The interfaces a packet uses when nobody lies about its source."""
		if packet.hook in ("in", "forward"):
			packet.arrives = self.world.interface_of(packet.source)
		if packet.hook in ("out", "forward"):
			packet.leaves = self.world.interface_of(packet.destination)

	def neighbour_of(self, address):
		rng = self.rng
		pool = [a for a in self.world.far if a.version == address.version]
		nearby = address + rng.choice((1, -1))
		if nearby in self.world.own or rng.random() < 0.5:
			return rng.choice(pool)
		return nearby

	def reply_to(self, packet, **changes):
		hook = {"in": "out", "out": "in", "forward": "forward"}[packet.hook]
		reply = dataclasses.replace(packet, hook=hook, source=packet.destination, destination=packet.source,
		                            source_port=packet.destination_port, destination_port=packet.source_port,
		                            arrives="", leaves="", wire=dict(packet.wire), **changes)
		self.place(reply)
		return reply

	def numbered(self, packet, seq, ack=0, data=0):
		packet.wire.update(seq=seq, ack=ack, data=data)
		return packet

	# TCP: the opener's numbers begin at 1000, the answerer's at 5000. `sent`: octets of data so far.
	def syn(self, packet):
		return self.numbered(dataclasses.replace(packet, flags="S", wire=dict(packet.wire)), 1000)

	def syn_ack(self, packet):
		return self.numbered(self.reply_to(packet, flags="SA", shape="SYN-ACK to that"), 5000, 1001)

	def ack(self, packet):
		return self.numbered(dataclasses.replace(packet, flags="A", shape="ACK of the handshake",
		                                         wire=dict(packet.wire)), 1001, 5001)

	def data(self, packet, size, sent=0, answered=0):
		return self.numbered(dataclasses.replace(packet, flags="PA", shape="data", wire=dict(packet.wire)),
		                     1001 + sent, 5001 + answered, size)

	def answer_data(self, packet, size, sent=0, answered=0):
		return self.numbered(self.reply_to(packet, flags="PA", shape="data of the answerer"),
		                     5001 + answered, 1001 + sent, size)

	def error_about(self, quoted, kind=None, source=None, destination=None):
		"""An ICMP error from some router (or the other end) to who sent `quoted`."""
		rng = self.rng
		protocol, types = ERROR_TYPES[quoted.version()]
		kind = kind if kind is not None else rng.choice(types)
		destination = destination or quoted.source
		if quoted.hook == "in":  # the box complains to the sender
			hook, source = "out", source or quoted.destination
		elif quoted.hook == "forward" and rng.random() < 0.3:  # the gateway itself: too big, no route
			hook, source = "out", rng.choice([a for a in self.world.own if a.version == quoted.version()])
		else:
			hook = "in" if quoted.hook == "out" else "forward"
			source = source or rng.choice((quoted.destination, self.neighbour_of(quoted.destination)))
		error = Packet(hook, source, destination, protocol, 0, 0, icmp_type=kind, quotes=quoted,
		               shape=f"error about: {quoted.shape}")
		self.place(error)
		return error

	def tcp_opening(self):
		return [self.syn(self.base((TCP,)))]

	def tcp_session(self):
		rng = self.rng
		first = self.base((TCP,), near_right=0.75)
		packets = [self.syn(first), self.syn_ack(first), self.ack(first), self.data(first, 100),
		           self.answer_data(first, 200, sent=100)]
		extra = rng.choice(("none", "error", "error back", "far window", "odd", "fin", "rst", "redirect"))
		if extra == "error":
			packets.append(self.error_about(packets[3]))
		elif extra == "redirect":
			packets.append(self.error_about(packets[3], kind=5 if first.version() == 4 else 137))
		elif extra == "error back":
			packets.append(self.error_about(packets[4]))
		elif extra == "far window":
			wild = self.data(first, 100, sent=200_000_000)
			packets.append(dataclasses.replace(wild, in_window=False, shape="data far out of the window"))
		elif extra == "odd":
			odd = self.data(first, 0, 100, 200)
			packets.append(dataclasses.replace(odd, flags=rng.choice(("", "FPU", "SF", "SR")), shape="odd flags in a session"))
		elif extra == "fin":
			packets.append(dataclasses.replace(self.data(first, 0, 100, 200), flags="FA", shape="FIN"))
			packets.append(dataclasses.replace(self.answer_data(first, 0, 101, 200), flags="FA", shape="FIN of the answerer"))
		elif extra == "rst":
			packets.append(dataclasses.replace(self.data(first, 0, 100, 200), flags="RA", shape="RST"))
		return packets

	def odd_flags(self):
		flags = self.rng.choice(("", "FPU", "SF", "SR", "FR", "SFRA", "A", "A", "PA", "R", "RA", "SA", "FA", "F", "U"))
		packet = self.base((TCP,), near_right=0.8)
		packet = dataclasses.replace(packet, flags=flags, shape=f"{packet.shape}; no connection, flags {flags or 'none'}",
		                             wire={})
		return [self.numbered(packet, 7000, 9000 if "A" in flags else 0)]

	def udp_exchange(self):
		first = self.base((UDP,), near_right=0.6)
		packets = [first, self.reply_to(first, shape="reply to that")]
		if self.rng.random() < 0.5:
			packets.append(self.error_about(self.rng.choice(packets[:2])))
		return packets

	def ping(self):
		rng = self.rng
		first = self.base((ICMP,), near_right=0.7)
		protocol = ICMP if first.version() == 4 else ICMPV6
		first = dataclasses.replace(first, protocol=protocol, icmp_type=ECHO_REQUEST[protocol],
		                            destination_port=first.source_port)
		extra = rng.random()
		if extra < 0.2:
			return [dataclasses.replace(first, icmp_type=ECHO_REPLY[protocol], shape="echo reply nobody asked for", wire={})]
		if extra < 0.35:
			kind = rng.choice((13, 17, 9, 10, 15)) if protocol == ICMP else rng.choice((139, 130, 141, 200))
			return [dataclasses.replace(first, icmp_type=kind, shape=f"ICMP type {kind}", wire={})]
		return [first, self.reply_to(first, icmp_type=ECHO_REPLY[protocol], shape="echo reply to that")]

	def other_protocol(self):
		packet = self.base((TCP,), near_right=0.9)
		protocol = self.rng.choice((2, 4, 41, 47, 50, 89, 103, 132, 136, 253))
		return [dataclasses.replace(packet, protocol=protocol, source_port=0, destination_port=0,
		                            shape="another protocol", wire={})]

	def fragments(self):
		rng = self.rng
		packet = self.base(rng.choice(((TCP,), (UDP,))), near_right=0.7)
		kind = rng.choice(("whole", "whole", "tiny", "first", "last", "reversed"))
		if packet.protocol == TCP:
			packet = self.numbered(packet, 1000, data=0 if kind == "tiny" else 600)
		else:
			packet.wire["data"] = 600
		packet.wire["fragments"] = kind
		if kind in ("first", "last"):
			packet.incomplete = True
			packet.wire.pop("flow", None)
		if kind == "tiny" and packet.version() == 6 and packet.protocol == TCP:
			packet.broken = True
			packet.wire.pop("flow", None)
		packet.shape += f"; in fragments, {kind}"
		return [packet]

	def extension_headers(self):
		rng = self.rng
		for _ in range(20):
			packet = self.base(rng.choice(((TCP,), (UDP,))), near_right=0.7)
			if packet.version() == 6:
				break
		else:
			return [packet]
		headers = rng.choice((("hop",), ("dest",), ("hop", "dest"), ("dest", "dest"), ("routing",), ("hop", "routing")))
		packet.wire["extensions"] = headers
		if packet.protocol == TCP:
			self.numbered(packet, 1000)
		if rng.random() < 0.3:
			packet.wire.update(fragments="whole", data=600)
		packet.shape += f"; extension headers {'+'.join(headers)}"
		return [packet]

	def neighbour_discovery(self):
		rng, world = self.rng, self.world
		kind = rng.choice((133, 134, 135, 136, 137))
		hook = rng.choice(("in", "in", "out", "forward") if world.role != "host" else ("in", "in", "out"))
		pool6 = [a for a in world.far if a.version == 6]
		own6 = [a for a in world.own if a.version == 6]
		link_local = ip_address(f"fe80::{rng.randint(1, 0xffff):x}")
		far, near = rng.choice((link_local, rng.choice(pool6))), rng.choice(own6)
		if hook == "forward":
			far, near = rng.choice(pool6), rng.choice([a for a in world.devices if a.version == 6])
		elif rng.random() < 0.3:
			near = ip_address("ff02::1")
		if hook == "out":
			far, near = rng.choice(own6), rng.choice((ip_address("ff02::1"), ip_address("ff02::2"), rng.choice(pool6)))
		hop_limit = rng.choice((255, 255, 254, 64, 1))
		if hook == "forward" and hop_limit == 1:
			hop_limit = 254
		packet = Packet(hook, far, near, ICMPV6, icmp_type=kind, hop_limit=hop_limit, shape="neighbour discovery")
		interfaces = world.interfaces()
		if hook == "in":
			packet.arrives = rng.choice(interfaces) if far.is_link_local else world.interface_of(far)
		elif hook == "out":
			packet.leaves = interfaces[0] if near.is_multicast else world.interface_of(near)
		else:
			self.place(packet)
		return [packet]

	def spoofed(self):
		rng, world = self.rng, self.world
		for _ in range(20):
			packet = self.base(rng.choice(((TCP,), (UDP,))), near_right=0.95)
			if packet.hook != "out":
				break
		else:
			return [packet]
		wrong = [i for i in world.interfaces() if i != world.interface_of(packet.source)]
		packet.arrives = rng.choice(wrong)
		packet.wire.pop("flow", None)
		packet.shape += "; source spoofed"
		if packet.protocol == TCP:
			self.numbered(packet, 1000)
		return [packet]

	def dhcp(self):
		rng, world = self.rng, self.world
		servers = [n.network_address for n in (self.policy.dhcp.servers if self.policy.dhcp else [])]
		far4 = rng.choice(servers + [a for a in world.far if a.version == 4][:4])
		own4 = rng.choice([a for a in world.own if a.version == 4])
		own6 = rng.choice([a for a in world.own if a.version == 6])
		interface = world.interfaces()[0]
		kind = rng.choice(("discover", "offer", "renew", "other ports", "solicit", "reply6", "reply6 from afar"))
		if kind == "discover":
			return [Packet("out", own4, ip_address("255.255.255.255"), UDP, 68, 67, leaves=interface, shape=kind)]
		if kind == "solicit":
			return [Packet("out", own6, ip_address("ff02::1:2"), UDP, 546, 547, leaves=interface, shape=kind)]
		if kind == "reply6":
			return [Packet("in", ip_address("fe80::77"), own6, UDP, 547, 546, arrives=interface, shape=kind)]
		if kind == "reply6 from afar":
			packet = Packet("in", rng.choice([a for a in world.far if a.version == 6]), own6, UDP, 547, 546, shape=kind)
		elif kind == "offer":
			packet = Packet("in", far4, own4, UDP, 67, 68, shape=kind)
		elif kind == "renew":
			packet = Packet("out", own4, far4, UDP, 68, 67, shape=kind)
		else:
			packet = Packet("out", own4, ip_address("255.255.255.255"), UDP, 68, 69, leaves=interface, shape=kind)
			return [packet]
		self.place(packet)
		return [packet]

	def stray_error(self):
		"""An ICMP error about something nobody sent."""
		quoted = self.base(self.rng.choice(((TCP,), (UDP,))), near_right=0.9)
		if quoted.protocol == TCP:
			self.numbered(quoted, 1000)
		error = self.error_about(quoted)
		error.shape = "error about a packet never sent"
		return [error]

	def broken(self):
		for _ in range(20):
			packet = self.base(self.rng.choice(((TCP,), (UDP,))), near_right=0.95)
			if packet.hook != "out":
				break
		else:
			return [packet]
		packet.wire.pop("flow", None)
		if packet.protocol == TCP:
			self.numbered(packet, 1000)
		packet.broken = True
		packet.shape += "; wrong checksum"
		return [packet]

	def loopback(self):
		packet = self.base((TCP,))
		own = ip_address("127.0.0.1") if packet.version() == 4 else ip_address("::1")
		return [self.numbered(dataclasses.replace(packet, hook="out", source=own, destination=own, arrives="", leaves="lo",
		                                          shape="over loopback", wire={}), 1000)]
