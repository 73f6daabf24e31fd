#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`leadglass prove --live` against a real kernel: it is proven what was loaded, faults that are planted with nft are
found, and a sample of the classes is sent as real packets, which the kernel judges as both sides say.

	prove.py [--sample N] [--policies N]"""
import argparse
import collections
import json
import random
import re
import subprocess
from ipaddress import ip_address, ip_network

import check
import policies
from lab import Lab
from matrix import Stage
from naive import ICMP, ICMPV6, TCP, UDP, Packet

POLICY = """role host
device ct { ae-title CT; port 11112 }
peer pacs { address 10.20.0.5 2001:db8:20::5; ae-title P; port 104; initiates storage; accepts echo }
peer ws { address 10.30.0.0/28; ae-title W; port 4006; initiates print; accepts storage }
service dns { to 10.20.0.53 }
service ping { from 10.20.9.0/24 2001:db8:20::/64 }
service vnc { tcp 5900-5903 from 10.20.9.8 }
manage { from 10.20.9.0/24; interface eth0; port 22 }
"""
GATEWAY = """role router
box { address 10.20.1.1 2001:db8:1::1 }
device ct { address 10.20.1.10 2001:db8:1::10; ae-title CT; port 11112 }
device mr { address 10.20.1.11; ae-title MR; port 104 }
peer pacs { address 10.20.0.5 2001:db8:20::5; ae-title P; port 104; initiates storage; accepts echo }
peer ws { devices ct; address 10.40.0.0/28; ae-title W; port 4006; initiates print; accepts storage }
service dns { to 10.20.0.53 }
service ping { from 10.20.9.0/24 2001:db8:20::/64 }
service ntp for box { to 10.20.0.123 }
manage { from 10.20.9.0/24; interface service; port 22 }
"""
NOBODY = {4: ip_network("192.0.2.0/29"), 6: ip_network("2001:db8::/125")}  # prove's, for addresses that decide nothing
PROTOCOLS = {"tcp": TCP, "udp": UDP, "icmp": ICMP, "icmpv6": ICMPV6}

# What is done to the kernel's table, and what the packet that shows it begins with.
FAULTS = [
	("a widened prefix", "add element inet leadglass accepts_nets4 { 10.30.0.16/28 . 11112 }", "in tcp 10.30.0.16:"),
	("an extra element", "add element inet leadglass accepts4 { 10.20.0.6 . 11112 }", "in tcp 10.20.0.6:"),
	("a missing element", "delete element inet leadglass accepts4 { 10.20.0.5 . 11112 }", "in tcp 10.20.0.5:"),
	("a swapped port", "delete element inet leadglass initiates4 { 10.20.0.5 . 104 }; "
	                   "add element inet leadglass initiates4 { 10.20.0.5 . 105 }", "out tcp "),
	("an accept in the wrong chain", "insert rule inet leadglass forward ct direction original meta nfproto ipv4 "
	                                 "meta l4proto tcp ip saddr . th dport @accepts4 accept", "forward tcp 10.20.0.5:"),
	("a rule out of order", "insert rule inet leadglass output ct state 0x1 counter drop", "out tcp "),
	("an expression left out", "insert rule inet leadglass input iifname \"eth0\" meta l4proto tcp accept", "in tcp "),
	("a flushed chain", "flush chain inet leadglass input", "in tcp "),
]


def side(text, protocol):
	"""Address and port of one end, as `explain` writes them."""
	if protocol not in (TCP, UDP):
		return ip_address(text), 0
	address, _, port = text.rpartition(":")
	return ip_address(address.strip("[]")), int(port)


def stands_for(interface, real, named):
	"""Whether a class of this interface is about the real one: all that the policy does not name are alike."""
	return interface == real or not {interface, real} & named


def nobody_has(address, world):
	"""Whether it is a link's own address, which the box takes for itself there (RFC 4291 2.6.1), or its broadcast address."""
	links = [ip_network(f"{own}/{24 if own.version == 4 else 64}", strict=False) for own in world.own]
	return any(address == link[0] or address == link[-1] for link in links)


def packet_of(words, world, named):
	"""The first packet of a connection that a class stands for, on a wire of this world; None: it cannot be had here.
	An address of the box that nobody asks for is one that it has. `named`: the interfaces that the policy names."""
	hook, name, source, destination, *options = words
	name, _, kind = name.partition("/")
	asked = dict(zip(options[::2], options[1::2]))
	if name not in PROTOCOLS or set(asked) - {"iif", "oif"} or len(options) % 2:
		return None  # no first packet, or one that a test of its own sends
	protocol = PROTOCOLS[name]
	(source, source_port), (destination, destination_port) = side(source, protocol), side(destination, protocol)
	if source.version == 6 and protocol == ICMP:
		return None
	own = next(address for address in world.own if address.version == source.version)
	if hook == "in" and destination in NOBODY[source.version]:
		destination = own
	if hook == "out" and source in NOBODY[source.version]:
		source = own
	if (source in world.own, destination in world.own) != (hook == "out", hook == "in") or \
			any(address.is_unspecified or address.is_multicast or nobody_has(address, world) for address in (source, destination)):
		return None
	real = {"iif": world.interface_of(source), "oif": world.interface_of(destination)}
	if not all(stands_for(interface, real[key], named) for key, interface in asked.items()):
		return None
	return Packet(hook, source, destination, protocol, source_port or 7, destination_port or 7, icmp_type=int(kind or 0),
	              shape=" ".join(words), arrives=real["iif"] if "iif" in asked else None,
	              leaves=real["oif"] if "oif" in asked else None)


def prove(stage, file, *options):
	done = stage.box.run(check.command(), "prove", "--live", "--json", *options, file)
	return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def planted(checks, stage, file):
	for name, commands, packet in FAULTS:
		stage.box.run("nft", commands, check=True)
		code, answer = prove(stage, file)
		checks.equal(code, 1, f"{name}: it is found")
		shown = [one["packet"] for one in answer["shown"]]
		checks.check(any(one.startswith(packet) for one in shown), f"{name}: by such a packet", "\n".join(shown))
		stage.box.run(check.command(), "load", file, check=True)
		checks.equal(prove(stage, file)[0], 0, f"{name}: and put right by load")


def sample(stage, file, number, counts):
	"""Sends what can be had of a sample, and counts it by (hook, passed). What was wrong."""
	code, answer = prove(stage, file, "--sample", str(number))
	if code != 0:
		return [f"not proven:\n{json.dumps(answer, indent=1)}\n{file.read_text()}"]
	asked, named = [], {"lo"} | set(re.findall(r"\binterface (\w+)", file.read_text()))
	for one in answer["sample"]:
		packet = packet_of(one["packet"].split(), stage.world, named) if not one["besides"] else None
		if packet:
			asked.append((packet, one["policy"] == "accept"))
	stage.box.run("conntrack", "-F")
	wrong = []
	for (packet, accepts), (state, passed) in zip(asked, stage.play([packet for packet, _ in asked])):
		if state != "new":
			continue
		counts[packet.hook, passed] += 1
		if passed != accepts:
			wrong.append(f"{packet}: {'passed' if passed else 'dropped'}\n{file.read_text()}")
	return wrong


def samples(checks, stage, file, options):
	"""Of the policy that was loaded, and of generated ones."""
	counts, wrong = collections.Counter(), []
	for number in range(-1, options.policies):
		if number >= 0:
			maker = policies.PolicyMaker(random.Random(f"prove.{number}"), stage.world)
			file.write_text(policies.policy_text(maker.make()))
			stage.box.run(check.command(), "load", file, check=True)
		wrong += sample(stage, file, options.sample, counts)
	role = stage.world.role
	for hook in ("in", "out") if role == "host" else ("in", "out", "forward"):
		sent, accepted = counts[hook, False] + counts[hook, True], counts[hook, True]
		checks.check(accepted >= options.policies // 2 and sent - accepted >= options.policies,
		             f"role {role}: {sent} classes of {hook} were sent, of which {accepted} passed")
	checks.check(not wrong, f"role {role}: the kernel does with each packet what was proven", "\n".join(wrong))


def generated(checks, lab, options):
	"""The compiler's work on policies that nobody wrote, without a kernel."""
	file, wrong = lab.dir / "generated.conf", []
	for number in range(4 * options.policies):
		world = (policies.HOST, policies.ROUTER)[number % 2]
		file.write_text(policies.policy_text(policies.PolicyMaker(random.Random(f"generated.{number}"), world).make()))
		done = subprocess.run([check.command(), "prove", file], capture_output=True, text=True)
		if done.returncode != 0:
			wrong.append(f"{done.stdout}{done.stderr}{file.read_text()}")
	checks.check(not wrong, f"{4 * options.policies} generated policies are proven", "\n".join(wrong))


def test(checks):
	words = argparse.ArgumentParser(description=__doc__.split("\n")[0])
	words.add_argument("--sample", type=int, default=2000, help="of how many classes of a policy packets are tried")
	words.add_argument("--policies", type=int, default=12, help="how many are generated")
	options = words.parse_args()
	with Lab() as lab:
		stage = Stage(lab, policies.HOST)
		file = lab.dir / "policy.conf"
		check.must_load(stage.box, POLICY)
		code, answer = prove(stage, file)
		checks.check(code == 0 and answer["proven"], "what was loaded is proven", answer)
		planted(checks, stage, file)
		samples(checks, stage, file, options)
		gateway = Stage(lab, policies.ROUTER)
		file.write_text(GATEWAY)
		check.must_load(gateway.box, GATEWAY)
		samples(checks, gateway, file, options)
		generated(checks, lab, options)


if __name__ == "__main__":
	check.run(test)
