#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The packet matrix: for generated policies and packets, three verdicts must agree: what the kernel does with the
real packet, what `leadglass explain` says, and a third, naive reading of the policy (naive.py).

Packets are put on the wire by raw sockets of neighbour namespaces (or of the box itself, for output). A table that
is not ours logs each packet just before the wall and just after it, in the same hook; what was seen before and not
after was dropped by the wall. The one before also says what conntrack thinks of the packet; that, too, must be what
the naive reading expects, or the test does not test what it says.

After the first packets of a policy the policy is exchanged for a revised one while its connections live, and those
go on sending: a removed peer must be cut at once.

	matrix.py [--policies N] [--packets N] [--seed S] [--keep-going]

A disagreement prints policy, packet and verdicts; --seed and --only repeat it."""
import argparse
import collections
import concurrent.futures
import os
import random
import subprocess
import sys
import time

import check
import nflog
import policies
import wire
from lab import Lab, LabError
from naive import ICMP, ICMPV6, NEIGHBOUR_DISCOVERY, PROTOCOL_NAMES, TCP, UDP, Packet, Wall
from packets import PacketMaker

MARK = 0x1ead
GROUP = 100
HOOKS = {"in": "input", "out": "output", "forward": "forward"}

OBSERVER = f"""
table inet observer {{
	# What the box itself would answer is not to disturb the connections we play.
	chain quiet {{ type filter hook output priority -450; policy accept; meta mark != {MARK} drop; }}
""" + "".join(f"""
	chain before_{hook} {{
		type filter hook {hook} priority -10; policy accept;
		ct state invalid log group {GROUP} snaplen 64 prefix "before invalid" return
		ct state untracked log group {GROUP} snaplen 64 prefix "before untracked" return
		ct state related log group {GROUP} snaplen 64 prefix "before related" return
		ct state new log group {GROUP} snaplen 64 prefix "before new" return
		ct direction reply log group {GROUP} snaplen 64 prefix "before reply" return
		log group {GROUP} snaplen 64 prefix "before established" return
	}}
	chain after_{hook} {{
		type filter hook {hook} priority 10; policy accept;
		log group {GROUP} snaplen 64 prefix "after"
	}}
""" for hook in HOOKS.values()) + "}\n"


class Stage:
	"""A box, its neighbours, and the observer in it, for one role."""

	def __init__(self, lab, world):
		self.world = world
		self.box = lab.host(f"box-{world.role}", forwarding=world.role == "router")
		self.injectors = {}
		for name in world.interfaces():
			neighbour = lab.host(f"{world.role}-{name}")
			neighbour.sysctl("net/ipv6/conf/default/disable_ipv6", 1)
			self.box.ip("link", "add", name, "type", "veth", "peer", "name", "far", "netns", neighbour.namespace)
			neighbour.ip("link", "set", "far", "up")
			self.box.ip("link", "set", name, "arp", "off")  # nobody there answers
			self.box.up(name, [])
			self.injectors[name] = neighbour.call(wire.Injector, "far", self.box.mac(name))
		for key in ("all", "default", *world.interfaces()):
			self.box.sysctl(f"net/ipv4/conf/{key}/rp_filter", 0)  # the wall's own check is what is tested
		for address in world.own:
			interface = world.interface_of(address)
			self.box.ip("address", "add", f"{address}/{24 if address.version == 4 else 64}", "dev", interface,
			            *(["nodad"] if address.version == 6 else []))
		for network, interface in world.routes:
			self.box.ip(f"-{network.version}", "route", "replace", str(network), "dev", interface)
		self.emitter = wire.Emitter(MARK)
		self.box.call(self.emitter.prepare, world.interfaces() + ["lo"])
		self.box.run("nft", "-f", "-", input=OBSERVER, check=True)
		self.log = self.box.call(nflog.Reader, GROUP, 64)
		self.number = 0
		self.settle()

	def next_number(self):
		self.number = self.number % 65000 + 1
		return self.number

	def send(self, packet):
		number = self.next_number()
		(self.emitter if packet.hook == "out" else self.injectors[packet.arrives]).send(packet, number)
		return number

	def settle(self):
		"""Waits until all that was sent has gone its way; returns the log's records."""
		world = self.world
		own = next(a for a in world.own if a.version == 4)
		far = next(a for a in world.far if a.version == 4)
		last = Packet("in", far, own, UDP, 9, 9, arrives=world.interface_of(far))
		number = self.send(last)
		return self.log.read_until(lambda record: wire.number_of(record.packet) == number)

	def play(self, packets):
		"""Sends packets; for each the pair (kernel's state or None if it never came to the wall, passed)."""
		numbers = [self.send(packet) for packet in packets]
		states, passed = {}, set()
		hooks = dict(zip(numbers, packets))
		for record in self.settle():
			number = wire.number_of(record.packet)
			packet = hooks.get(number)
			# What leaves through lo comes in again: of that, only the way out counts.
			if packet is None or (packet.hook == "out") != (record.index_in == 0):
				continue
			if record.prefix == "after":
				passed.add(number)
			else:
				states[number] = record.prefix.split()[1]
		return [(states.get(number), number in passed) for number in numbers]


def side(address, port, protocol):
	if protocol not in (TCP, UDP):
		return str(address)
	return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"


def flow_words(flow):
	"""Protocol and ends of a packet or flow, as `explain` reads them."""
	protocol = PROTOCOL_NAMES.get(flow.protocol, str(flow.protocol))
	if flow.protocol in (ICMP, ICMPV6):
		protocol += f"/{flow.icmp_type}"
	return [protocol, side(flow.source, flow.source_port, flow.protocol),
	        side(flow.destination, flow.destination_port, flow.protocol)]


def explain_words(packet, wall):
	"""The question for `leadglass explain`, with what the naive reading knows of the connection; None where the
	command has no words for it."""
	if packet.incomplete:
		return None
	if packet.protocol == ICMPV6 and packet.icmp_type in NEIGHBOUR_DISCOVERY and packet.hop_limit != 255:
		return None
	words = [packet.hook, *flow_words(packet)]
	if packet.arrives:
		words += ["iif", packet.arrives]
	if packet.leaves:
		words += ["oif", packet.leaves]
	if wall.state == "related":
		words += ["related", *flow_words(wall.known)]
	elif wall.state in ("established", "reply", "invalid"):
		words.append(wall.state)
	if wall.spoofed:
		words.append("spoofed")
	return words


def kernel_state_known(packet):
	"""Whether the naive reading's idea of the connection is exact enough to be compared with conntrack's. Ports 67
	and 68 are always the same: connections of earlier packets may be known."""
	if packet.protocol in (TCP, UDP):
		return not {packet.source_port, packet.destination_port} & {67, 68, 546, 547}
	return packet.protocol in (ICMP, ICMPV6) and bool(packet.quotes) and packet.icmp_type != 137


class Question:
	"""One packet and the verdicts on it."""

	def __init__(self, packet, wall):
		self.packet = packet
		self.naive = wall.judge(packet)
		self.state, self.words = wall.state, explain_words(packet, wall)
		self.kernel_state = self.kernel = self.explain = self.explanation = None

	def problem(self):
		"""What is wrong about it; None: all agree."""
		if self.kernel_state is None:
			if not self.packet.incomplete:
				return "the packet never came to the wall: the test is at fault"
		elif kernel_state_known(self.packet) and self.kernel_state != self.state:
			return f"conntrack calls it {self.kernel_state}, the naive reading {self.state or 'nothing'}"
		verdicts = [self.naive, self.kernel] + ([self.explain] if self.words else [])
		return None if len(set(verdicts)) == 1 else "the verdicts differ"


class Matrix:
	def __init__(self, lab, command, options):
		self.prepare(lab, command, options)
		self.stages = [Stage(lab, world) for world in (policies.HOST, policies.ROUTER)]

	def prepare(self, lab, command, options):
		self.lab, self.command, self.options = lab, command, options
		self.file = lab.dir / "policy.conf"
		processors = os.sched_getaffinity(0)
		self.workers = concurrent.futures.ThreadPoolExecutor(
			len(processors), initializer=lambda: os.sched_setaffinity(0, processors))
		os.sched_setaffinity(0, {min(processors)})  # we send from one: packets keep their order
		self.count = collections.Counter()
		self.failures = 0
		self.began = time.monotonic()

	def run(self):
		"""All policies, and what came of it."""
		for number in range(self.options.policies) if self.options.only is None else [self.options.only]:
			self.run_policy(number)
			if self.failures >= 10 and not self.options.keep_going:
				print("stopped after ten disagreements (--keep-going)")
				break
		count = self.count
		print(f"seed {self.options.seed}: {count['policies']} policies, {count['packets']} packets decided by the kernel and the "
		      f"naive reading, {count['explained']} of them by explain too; {count['accepted']} accepted; "
		      f"{self.failures} disagreements; {time.monotonic() - self.began:.0f} s")

	def verdict(self, least):
		"""The exit status. It takes a share of accepted packets, and of dropped ones, that is not below `least`."""
		count = self.count
		if not count["packets"] or not least < count["accepted"] / count["packets"] < 1 - least:
			print("nearly all or nearly no packets were accepted: this matrix says little")
			return 1
		return 1 if self.failures else 0

	def run_policy(self, number):
		rng = random.Random(f"{self.options.seed}.{number}")
		stage = self.stages[number % len(self.stages)]
		policy = policies.PolicyMaker(rng, stage.world).make()
		maker = PacketMaker(rng, stage.world, policy)
		wall = Wall(policy, stage.world.routes)
		stage.box.run("conntrack", "-F")
		if not self.load(stage, policy, number):
			return
		scenarios = maker.scenarios(self.options.packets // 2)
		self.play(stage, wall, scenarios, number)

		wall.replace(policies.PolicyMaker(rng, stage.world).revise(policy))
		if self.load(stage, wall.policy, number):
			self.play(stage, wall, maker.later(scenarios), number)

	def load(self, stage, policy, number):
		self.file.write_text(policies.policy_text(policy))
		done = stage.box.run(self.command, "load", self.file)
		self.count["policies"] += 1
		if done.returncode == 0:
			return True
		self.failures += 1
		print(f"policy {number} (--seed {self.options.seed} --only {number}): load: exit {done.returncode}\n"
		      f"{done.stdout}{done.stderr}\n{self.file.read_text()}")
		return False

	def play(self, stage, wall, scenarios, number):
		"""The first packets of all scenarios, then the second ones ...: each step is sent in one go."""
		questions = []
		for step in range(max(map(len, scenarios), default=0)):
			packets = [scenario[step] for scenario in scenarios if step < len(scenario)]
			asked = [Question(packet, wall) for packet in packets]
			self.answers(stage, asked)
			questions += asked
		for question in self.workers.map(self.ask, questions):
			self.judge(question, number)

	def answers(self, stage, asked):
		"""The kernel's."""
		for question, (state, passed) in zip(asked, stage.play([question.packet for question in asked])):
			question.kernel_state, question.kernel = state, passed

	def ask(self, question):
		if question.words:
			done = subprocess.run([self.command, "explain", self.file, *question.words], stdin=subprocess.DEVNULL,
			                      capture_output=True, text=True)
			question.explain = {0: True, 1: False}.get(done.returncode, f"exit {done.returncode}")
			question.explanation = done.stdout + done.stderr
		return question

	def judge(self, question, number):
		self.count["packets"] += 1
		self.count["accepted"] += question.kernel
		self.count["explained"] += question.words is not None
		self.count[f"conntrack {question.kernel_state}"] += 1
		problem = question.problem()
		if not problem:
			return
		self.failures += 1
		names = {True: "accept", False: "drop", None: "(not asked)"}
		print(f"DISAGREEMENT, policy {number} (--seed {self.options.seed} --only {number}): {problem}\n"
		      f"{self.file.read_text()}\npacket:  {question.packet}\n"
		      f"kernel:  {names[question.kernel]}, conntrack: {question.kernel_state}\n"
		      f"naive:   {names[question.naive]}, connection: {question.state}\n"
		      f"explain: {names.get(question.explain, question.explain)}: {' '.join(question.words or [])}\n"
		      f"{question.explanation or ''}")


def parser(about, policies):
	"""The options that every matrix takes."""
	made = argparse.ArgumentParser(description=about)
	made.add_argument("--policies", type=int, default=policies, help="how many (each is exchanged for another half way)")
	made.add_argument("--packets", type=int, default=120, help="about how many for each policy")
	made.add_argument("--seed", type=int, default=1)
	made.add_argument("--only", type=int, help="only the policy of this number")
	made.add_argument("--keep-going", action="store_true", help="do not stop at the tenth disagreement")
	return made


def main():
	words = parser(__doc__.split("\n")[0], policies=60)
	words.add_argument("--command", help="the leadglass to test")
	options = words.parse_args()
	with Lab() as lab:
		matrix = Matrix(lab, options.command or check.command(), options)
		matrix.run()
	print("what conntrack called them: " + ", ".join(
		f"{key.split()[1]} {value}" for key, value in sorted(matrix.count.items()) if key.startswith("conntrack")))
	return matrix.verdict(0.2)


if __name__ == "__main__":
	try:
		sys.exit(main())
	except LabError as error:
		sys.exit(f"lab: {error}")
