# SPDX-License-Identifier: GPL-2.0-or-later
"""A policy and what it means, read naively: loops over peers and services, no sets, no chains, no rules. The
packet matrix holds the kernel and `leadglass explain` against this. It is written from the meaning of the
policy language alone, so that a mistake in the compiler is not made here a second time."""
from dataclasses import dataclass, field

ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
PROTOCOL_NAMES = {ICMP: "icmp", TCP: "tcp", UDP: "udp", ICMPV6: "icmpv6"}
ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT = 133, 134
NEIGHBOUR_DISCOVERY = (133, 134, 135, 136)  # never 137, redirect
ECHO_REQUEST = {ICMP: 8, ICMPV6: 128}
ECHO_REPLY = {ICMP: 0, ICMPV6: 129}
# Unreachable, time exceeded, parameter problem; and packet too big in IPv6. Not redirect, not source quench.
ERRORS = {ICMP: (3, 11, 12), ICMPV6: (1, 2, 3, 4)}
# Questions, to which conntrack expects an answer: echo, timestamp, information, address mask; echo, node information.
MAY_BEGIN = {ICMP: (8, 13, 15, 17), ICMPV6: (128, 139)}


@dataclass
class Device:
	name: str
	ports: list
	addresses: list = field(default_factory=list)  # none: any address of the box (role host)


@dataclass
class Peer:
	name: str
	addresses: list  # networks
	ports: list
	initiates: tuple = ()
	accepts: tuple = ()
	devices: tuple = ()  # names; none: every device
	tls: bool = False


@dataclass
class Opening:
	protocol: int  # TCP, UDP; ICMP: echo, of both families
	inbound: bool  # from
	ports: list    # (first, last)
	remotes: list  # networks


@dataclass
class Service:
	name: str
	openings: list
	for_box: bool = False


@dataclass
class Dhcp:
	servers: list = field(default_factory=list)  # none: by broadcast only
	for_box: bool = False


@dataclass
class Manage:
	sources: list
	ports: list
	interfaces: list = field(default_factory=list)


@dataclass
class Policy:
	role: str
	devices: list
	peers: list
	services: list = field(default_factory=list)
	dhcp: Dhcp = None
	manage: Manage = None
	box: list = None  # its addresses; None: no box block


@dataclass
class Packet:
	"""One packet and what the world around it is; what the wall is to do with it is `Wall.judge`'s answer."""
	hook: str  # in, out, forward
	source: object
	destination: object
	protocol: int
	source_port: int = 0  # for ICMP echo the identifier, on both sides
	destination_port: int = 0
	flags: str = "S"  # of tcp, scapy's letters
	icmp_type: int = 0
	hop_limit: int = 64
	arrives: str = ""  # interface
	leaves: str = ""
	broken: bool = False      # nobody would take it: wrong checksum, or IPv6 headers cut by a fragment (RFC 8200 4.5)
	incomplete: bool = False  # a fragment whose others never come
	in_window: bool = True    # a tcp segment whose numbers fit its connection
	quotes: object = None     # an ICMP error: the packet it complains of
	shape: str = ""           # for people: "peer, right port"
	wire: dict = field(default_factory=dict)  # how to build it: extension headers, fragments, numbers

	def version(self):
		return self.source.version

	def __str__(self):
		name = PROTOCOL_NAMES.get(self.protocol, str(self.protocol))
		if self.protocol in (ICMP, ICMPV6):
			name += f"/{self.icmp_type}"

		def side(address, port):
			address = f"[{address}]" if address.version == 6 and port else str(address)
			return f"{address}:{port}" if port and self.protocol in (TCP, UDP) else address
		words = [self.hook, name, side(self.source, self.source_port), side(self.destination, self.destination_port)]
		if self.protocol == TCP:
			words.append(f"flags {self.flags or 'none'}")
		for what, value in (("iif", self.arrives), ("oif", self.leaves), ("hop limit", self.hop_limit)):
			words.append(f"{what} {value}" if value else "")
		words += [word for word in ("broken", "incomplete") if getattr(self, word)]
		if not self.in_window:
			words.append("out of window")
		if self.quotes:
			words.append(f"quoting ({self.quotes})")
		return " ".join(word for word in words if word) + f"  [{self.shape}]"


@dataclass(frozen=True)
class Flow:
	"""Who opened what to whom: its first packet."""
	hook: str
	protocol: int
	source: object
	source_port: int
	destination: object
	destination_port: int
	icmp_type: int
	arrives: str

	def key(self):
		return (self.protocol, self.source, self.source_port, self.destination, self.destination_port, self.icmp_type)

	def reply_key(self):
		icmp_type = ECHO_REPLY[self.protocol] if self.protocol in ECHO_REPLY else 0
		return (self.protocol, self.destination, self.destination_port, self.source, self.source_port, icmp_type)


class Wall:
	"""`routes`: [(network, interface)], where the box sends what goes to the network. After judge(), `state` says
	what conntrack knows of the packet (new, established, reply, related, invalid, untracked; "" where nobody
	asks), `spoofed` whether its source lies elsewhere, `known` the flow it belongs to."""

	def __init__(self, policy, routes):
		self.policy, self.routes = policy, routes
		self.flows = {}  # live connections, by the key of either direction
		self.answered = set()  # those of them that went both ways; before that every packet counts as new
		self.state, self.spoofed, self.known = "", False, None

	def replace(self, policy):
		"""Another policy; live connections stay known."""
		self.policy = policy

	def judge(self, packet):
		"""True: it passes. Remembers the connection that a packet opens."""
		self.state, self.spoofed, self.known = "", False, None
		if packet.incomplete:
			return False
		if packet.broken:
			self.state = "invalid"
			return False
		if packet.protocol == ICMPV6 and packet.icmp_type in NEIGHBOUR_DISCOVERY:
			self.state = "untracked"
			self.spoofed = packet.hook != "out" and self._is_spoofed(packet)
			return packet.hop_limit == 255 and self._is_discovery(packet)
		self.state = self._connection(packet)
		if "lo" in (packet.arrives, packet.leaves):
			return True
		if self.policy.dhcp and self._is_dhcp(packet):
			return True
		self.spoofed = packet.hook != "out" and self._is_spoofed(packet)
		# Whoever manages the box is let in also where the way back is another one: nobody is to be locked out.
		managed = packet.hook == "in" and self.state in ("new", "established") and self._managed(self.known)
		if (self.spoofed and not managed) or self.state == "invalid":
			return False
		if self.state == "related":
			# Connections need errors, path MTU above all; ping does not.
			return packet.icmp_type in ERRORS[packet.protocol] and self.known.protocol in (TCP, UDP) and \
				self._allowed(self.known)
		allowed = self._allowed(self.known)
		if allowed and self.state == "new":
			self.flows[self.known.key()] = self.known
			self.flows[self.known.reply_key()] = self.known
		return allowed

	def _connection(self, packet):
		"""What is known of the packet's connection; sets self.known."""
		if packet.quotes:
			flow = self.flows.get(_key(packet.quotes))
			# An error goes back to who sent the packet it complains of.
			if not flow or packet.destination != packet.quotes.source:
				return "invalid"
			self.known = flow
			return "related"
		if packet.protocol == TCP and not _sane(packet.flags):
			return "invalid"
		flow = self.flows.get(_key(packet))
		if flow and packet.protocol == TCP and not packet.in_window:
			return "invalid"
		if flow:
			self.known = flow
			if _key(packet) == flow.key():
				return "established" if flow.key() in self.answered else "new"
			if self._allowed(flow):
				self.answered.add(flow.key())
			return "reply"
		if packet.protocol == TCP and not _may_begin(packet.flags):
			return "invalid"
		if packet.protocol in ECHO_REPLY and packet.icmp_type not in MAY_BEGIN[packet.protocol]:
			return "invalid"
		self.known = Flow(packet.hook, packet.protocol, packet.source, packet.source_port, packet.destination,
		                  packet.destination_port, packet.icmp_type, packet.arrives)
		return "new"

	def _is_spoofed(self, packet):
		"""The way back to its source does not lead through the interface it came by."""
		best = None
		for network, interface in self.routes:
			if packet.source in network and (best is None or network.prefixlen > best[0].prefixlen):
				best = (network, interface)
		return best is None or best[1] != packet.arrives

	def _is_discovery(self, packet):
		if packet.hook == "forward":
			return False
		# A host asks for routers and is told of them; it is none, and nobody has to ask it.
		wrong_way = ROUTER_SOLICITATION if packet.hook == "in" else ROUTER_ADVERTISEMENT
		return self.policy.role != "host" or packet.icmp_type != wrong_way

	def _is_dhcp(self, packet):
		if packet.protocol != UDP or (self.policy.role != "host" and not self.policy.dhcp.for_box):
			return False
		ports = (packet.source_port, packet.destination_port)
		servers = self.policy.dhcp.servers
		if packet.version() == 4:
			if packet.hook == "out":
				return ports == (68, 67) and (str(packet.destination) == "255.255.255.255" or
				                              _within(packet.destination, servers))
			return packet.hook == "in" and ports == (67, 68) and (not servers or _within(packet.source, servers))
		if packet.hook == "out":
			return ports == (546, 547) and str(packet.destination) == "ff02::1:2"
		return packet.hook == "in" and ports == (547, 546) and packet.source.is_link_local

	def _allowed(self, flow):
		"""Whether the policy lets anybody open this connection, now."""
		inbound = flow.hook == "in"
		if self.policy.role == "host":
			# The box is the device; only its DICOM ports are tied to its addresses.
			return flow.hook != "forward" and (
				any(self._device_allows(flow, inbound, device) for device in self.policy.devices) or
				any(self._service_allows(flow, inbound, service) for service in self.policy.services) or
				(inbound and self._managed(flow)))
		if flow.hook == "forward":
			return self._crosses(flow, True) or self._crosses(flow, False)
		return (inbound and self._managed(flow)) or \
			any(self._service_allows(flow, inbound, service) for service in self.policy.services if service.for_box)

	def _crosses(self, flow, inbound):
		near = flow.destination if inbound else flow.source
		return any(self._device_allows(flow, inbound, device) for device in self.policy.devices) or \
			(any(near in device.addresses for device in self.policy.devices) and
			 any(self._service_allows(flow, inbound, service) for service in self.policy.services
			     if not service.for_box))

	def _device_allows(self, flow, inbound, device):
		"""DICOM, between this device and one of its peers."""
		near, far = (flow.destination, flow.source) if inbound else (flow.source, flow.destination)
		if flow.protocol != TCP or (device.addresses and near not in device.addresses):
			return False
		for peer in self.policy.peers:
			if not _within(far, peer.addresses) or (peer.devices and device.name not in peer.devices):
				continue
			if inbound and peer.accepts and flow.destination_port in device.ports:
				return True
			if not inbound and peer.initiates and flow.destination_port in peer.ports:
				return True
		return False

	def _service_allows(self, flow, inbound, service):
		far = flow.source if inbound else flow.destination
		for opening in service.openings:
			if opening.inbound != inbound or not _within(far, opening.remotes):
				continue
			if opening.protocol == ICMP:  # ping, of both families
				if flow.protocol in ECHO_REQUEST and flow.icmp_type == ECHO_REQUEST[flow.protocol]:
					return True
			elif opening.protocol == flow.protocol and \
					any(first <= flow.destination_port <= last for first, last in opening.ports):
				return True
		return False

	def _managed(self, flow):
		manage = self.policy.manage
		return manage is not None and flow.protocol == TCP and flow.destination_port in manage.ports and \
			_within(flow.source, manage.sources) and (not manage.interfaces or flow.arrives in manage.interfaces)


def _within(address, networks):
	return any(address in network for network in networks)  # False for the other family


def _key(packet):
	return (packet.protocol, packet.source, packet.source_port, packet.destination, packet.destination_port,
	        packet.icmp_type)


def _sane(flags):
	"""Whether a real TCP sends these flags together (RFC 9293): none at all, SYN with FIN, FIN without ACK are no
	segment of any connection."""
	control = set(flags) & set("SFR")
	if len(control) > 1 or (not control and "A" not in flags):
		return False
	return not ("F" in flags and "A" not in flags)


def _may_begin(flags):
	"""A connection begins with SYN; one that ran before the wall stood is seen first by an ACK."""
	return not set(flags) & set("RF") and not ("S" in flags and "A" in flags)
