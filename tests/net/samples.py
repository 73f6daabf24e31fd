# SPDX-License-Identifier: GPL-2.0-or-later
"""What `leadglass prove --sample` shows, as packets that can be sent: of each class that the first packet of a connection
belongs to, one packet in a world (policies.py). An address, interface or MAC that decides nothing there is one that exists."""
import dataclasses
import re
from ipaddress import ip_address, ip_network

from naive import ICMP, ICMPV6, NEIGHBOUR_DISCOVERY, TCP, UDP, Packet

NOBODY = {4: ip_network("192.0.2.0/29"), 6: ip_network("2001:db8::/125")}  # prove's, for addresses that decide nothing
NO_MAC = "02:00:00:00:00:01"  # and its MAC
PROTOCOLS = {"tcp": TCP, "udp": UDP, "icmp": ICMP, "icmpv6": ICMPV6}


def packets(answer, world, policy):
	"""[(packet, whether it is accepted)] of prove's answer with a sample, for a policy in text."""
	named = {"lo"} | set(re.findall(r"\binterface (\w+)", policy))
	found = [(packet_of(one["packet"].split(), world, named), one["policy"] == "accept") for one in answer["sample"]
	         if not one["besides"]]
	return [(packet, accepts) for packet, accepts in found if packet]


def packet_of(words, world, named):
	"""None: it cannot be had here, or is no first packet. `named`: the interfaces that the policy names."""
	hook, name, source, destination, *options = words
	name, _, kind = name.partition("/")
	asked = dict(zip(options[::2], options[1::2]))
	if name not in PROTOCOLS or set(asked) - {"iif", "oif", "mac"} or len(options) % 2 or asked.pop("mac", NO_MAC) != NO_MAC:
		return None
	protocol = PROTOCOLS[name]
	(source, source_port), (destination, destination_port) = _side(source, protocol), _side(destination, protocol)
	if source.version == 6 and protocol == ICMP:
		return None
	packet = Packet(hook, source, destination, protocol, source_port or 7, destination_port or 7, icmp_type=int(kind or 0),
	                shape=" ".join(words))
	packet = _placed(packet, world) if world.role != "bridge" else _crossing(packet, world)
	if not packet or not all(_stands_for(interface, {"iif": packet.arrives, "oif": packet.leaves}[key], named)
	                         for key, interface in asked.items()):
		return None
	return packet


def _side(text, protocol):
	"""Address and port of one end, as `explain` writes them."""
	if protocol not in (TCP, UDP):
		return ip_address(text), 0
	address, _, port = text.rpartition(":")
	return ip_address(address.strip("[]")), int(port)


def _stands_for(interface, real, named):
	"""Whether a class of this interface is about the real one: all that the policy does not name are alike."""
	return interface == real or not {interface, real} & named


def _nobody_has(address, world):
	"""Whether it is a link's own address, which the box takes for itself there (RFC 4291 2.6.1), or its broadcast address."""
	links = [ip_network(f"{own}/{24 if own.version == 4 else 64}", strict=False) for own in world.own]
	return any(address in (link[0], link[-1]) for link in links)


def _placed(packet, world):
	"""As it comes to a box with a routing table."""
	own = next(address for address in world.own if address.version == packet.version())
	if packet.hook == "in" and packet.destination in NOBODY[own.version]:
		packet = dataclasses.replace(packet, destination=own)
	if packet.hook == "out" and packet.source in NOBODY[own.version]:
		packet = dataclasses.replace(packet, source=own)
	ends = (packet.source, packet.destination)
	if tuple(end in world.own for end in ends) != (packet.hook == "out", packet.hook == "in") or \
			any(end.is_unspecified or end.is_multicast or _nobody_has(end, world) for end in ends):
		return None
	return dataclasses.replace(packet, arrives=world.interface_of(packet.source) if packet.hook != "out" else "",
	                           leaves=world.interface_of(packet.destination) if packet.hook != "in" else "")


def _crossing(packet, world):
	"""As it comes to a bridge's port and would leave by the other: to a bridge an address is where it is heard from."""
	if packet.hook != "forward" or packet.source.is_multicast:
		return None
	arrives = world.interface_of(packet.source)
	leaves = world.interface_of(packet.destination)
	if arrives == leaves:
		leaves = next(name for name in world.interfaces() if name != arrives)
	discovers = packet.protocol == ICMPV6 and packet.icmp_type in NEIGHBOUR_DISCOVERY
	return dataclasses.replace(packet, arrives=arrives, leaves=leaves, hop_limit=255 if discovers else packet.hop_limit)
