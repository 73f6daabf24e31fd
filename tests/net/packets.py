# SPDX-License-Identifier: GPL-2.0-or-later
"""Random packets near a policy: most are one step away from something it allows, since far away everything is
dropped. All comes from one random.Random: the same seed gives the same packets."""
import dataclasses
from ipaddress import ip_address

from naive import ECHO_REPLY, ECHO_REQUEST, ICMP, ICMPV6, TCP, UDP, Packet

# ICMP errors (and one that is none: 137 is a redirect) and how often each is tried.
ERROR_TYPES = {4: (ICMP, (3, 3, 3, 11, 12, 5, 4)), 6: (ICMPV6, (1, 2, 2, 3, 4, 137))}


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
