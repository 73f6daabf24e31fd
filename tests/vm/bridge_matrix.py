#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: bridge_matrix.py RELEASE [--policies N] [--packets N] [--seed S] [--only N] [--keep-going]

The packet matrix (tests/net/matrix.py) for role bridge, in a virtual machine: for generated policies and packets, what
the kernel does with the real frame, what `leadglass explain` says and the naive reading must agree. Frames go in at
one port; what comes out of the other has passed. Policies are loaded, and exchanged while connections live, by
`leadglass load` in the machine. What conntrack calls a packet is not seen from outside, and not compared. Then a sample
of the classes that `leadglass prove` decides goes the same way."""
import collections
import json
import random
import struct
import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "net"))
import box
import cable
import check
import kernels
import matrix
import policies
import samples
from lab import Lab, LabError
from naive import NEIGHBOUR_DISCOVERY, Wall
from packets import PacketMaker
from vmlab import Machine

MACS = {"device": "02:00:00:00:00:d1", "hospital": "02:00:00:00:00:b1"}
OTHER = {"device": "hospital", "hospital": "device"}
WORLD = policies.World(
	"bridge", own=policies.ROUTER.own, devices=policies.ROUTER.devices, far=policies.ROUTER.far,
	routes=[(ip_network("0.0.0.0/0"), "hospital"), (ip_network("10.20.1.10/31"), "device"), (ip_network("10.20.1.12/32"), "device"),
	        (ip_network("::/0"), "hospital"), (ip_network("2001:db8:1::/64"), "device")])


class CrossingMaker(PacketMaker):
	"""Packets that would cross the bridge. Neighbour discovery is not routed and a source is not looked up there: what
	the naive reading says of these is about other roles.

	A bridge that tracks connections puts fragments together and takes the packet apart again when it leaves. IPv6 in
	pieces smaller than 1,280 octets, which ours are, it loses then (Linux: br_ip6_fragment): they are as good as
	incomplete."""

	def grants(self):
		return [grant for grant in super().grants() if grant[0] == "forward"]

	def crossing(self, scenarios):
		kept = [[p for p in packets if p.hook == "forward" and p.arrives and p.leaves and p.arrives != p.leaves and
		         p.arrives == self.world.interface_of(p.source) and p.icmp_type not in NEIGHBOUR_DISCOVERY]
		        for packets in scenarios]
		for packet in (packet for packets in kept for packet in packets):
			if packet.version() == 6 and packet.wire.get("fragments") and not packet.broken:
				packet.incomplete = True
				packet.wire.pop("flow", None)
		return [packets for packets in kept if packets]


class Stage:
	"""A box whose ports are in a bridge of ours, and the ends of its two cables."""

	def __init__(self, lab, release):
		self.machine, self.sides, self.number, self.canaries = Machine(lab, "box", box.boot(lab, release)), {}, 0, 0
		for role in ("device", "hospital"):
			host = lab.host(role)
			host.sysctl("net/ipv6/conf/default/disable_ipv6", 1)
			self.sides[role] = cable.Side(host, self.machine.port(role, host))
		self.machine.start()
		self.machine.wait_for("init: ready", 300)

	def join(self):
		self.machine.run("ip link add bridge type bridge && cd /sys/class/net/bridge/bridge && echo 0 > multicast_snooping && "
		                 "echo 0 > forward_delay && ip link set bridge up && "
		                 "for port in device hospital; do ip link set $port up && ip link set $port master bridge; done", check=True)
		self.settle()

	def settle(self):
		"""A BPDU, which every policy here passes, into either side: once it has come out, so has what was sent before."""
		self.canaries += 1
		for role, side in self.sides.items():
			frame = cable.bpdu(MACS[role])[:-8] + struct.pack(">Q", self.canaries)
			for _ in range(30):  # the first may come before the port, which the kernel takes in when it has seen its carrier
				side.send(frame)
				if self.sides[OTHER[role]].waits_for(lambda heard, frame=frame: heard == frame, 1):
					break
			else:
				raise LabError(f"nothing comes through from {role} any more:\n{self.machine.output()[-2000:]}")

	def play(self, packets):
		"""Sends packets; for each, whether it came out."""
		for side in self.sides.values():
			side.forget()
		numbers = []
		for packet in packets:
			self.number = self.number % 65000 + 1
			numbers.append(self.number)
			self.sides[packet.arrives].send(cable.ip(packet, self.number, MACS[packet.arrives], MACS[OTHER[packet.arrives]]))
		self.settle()
		passed = {role: {cable.number_of(frame) for frame in list(side.frames)} for role, side in self.sides.items()}
		return [number in passed[OTHER[packet.arrives]] for packet, number in zip(packets, numbers)]


class Matrix(matrix.Matrix):
	def __init__(self, lab, options):
		self.prepare(lab, check.command(), options)
		self.stage, self.joined = Stage(lab, options.release), False
		self.samples = collections.Counter()  # by whether they came out

	def run_policy(self, number):
		rng = random.Random(f"{self.options.seed}.{number}")
		policy = policies.PolicyMaker(rng, WORLD).make()
		maker, wall = CrossingMaker(rng, WORLD, policy), Wall(policy, WORLD.routes)
		self.stage.machine.run("conntrack -F")
		if not self.load(self.stage, policy, number):
			return
		scenarios = maker.crossing(maker.scenarios(self.options.packets))
		self.play(self.stage, wall, scenarios, number)
		wall.replace(policies.PolicyMaker(rng, WORLD).revise(policy))
		if self.load(self.stage, wall.policy, number):
			self.play(self.stage, wall, maker.crossing(maker.later(scenarios)), number)
			self.send_sample(number)

	def load(self, stage, policy, number):
		self.file.write_text(policies.policy_text(policy) + "pass stp\n")
		stage.machine.put("/tmp/policy.conf", self.file.read_text())
		done = stage.machine.run("leadglass load /tmp/policy.conf", timeout=120)
		self.count["policies"] += 1
		if done.returncode != 0:
			self.failures += 1
			print(f"policy {number} (--seed {self.options.seed} --only {number}): load: exit {done.returncode}\n{done.stdout}")
			return False
		if not self.joined:
			stage.join()
			self.joined = True
		return True

	def send_sample(self, number):
		"""Of the classes that `leadglass prove` decides, those that a first packet can show."""
		done = subprocess.run([self.command, "prove", "--json", "--sample", str(self.options.sample), self.file],
		                      capture_output=True, text=True)
		if done.returncode != 0:
			self.failures += 1
			print(f"policy {number} is not proven:\n{done.stdout}{done.stderr}")
			return
		self.stage.machine.run("conntrack -F")
		asked = samples.packets(json.loads(done.stdout), WORLD, self.file.read_text())
		for (packet, accepts), passed in zip(asked, self.stage.play([packet for packet, _ in asked])):
			self.samples[passed] += 1
			if passed != accepts:
				self.failures += 1
				print(f"DISAGREEMENT, policy {number} (--seed {self.options.seed} --only {number}): {packet}: "
				      f"{'came out' if passed else 'did not come out'}\n{self.file.read_text()}")

	def answers(self, stage, asked):
		for question, passed in zip(asked, stage.play([question.packet for question in asked])):
			question.kernel_state, question.kernel = question.state, passed  # its state is not seen: taken as read


def main():
	words = matrix.parser(__doc__.split("\n")[2], policies=20)
	words.add_argument("--sample", type=int, default=1000, help="of how many classes of a policy that prove decides packets are tried")
	words.add_argument("release", choices=kernels.RELEASES)
	options = words.parse_args()
	with Lab() as lab:
		made = Matrix(lab, options)
		made.run()
	print(f"prove's classes: {made.samples.total()} were sent as frames, of which {made.samples[True]} came out")
	if not options.policies <= made.samples[True] < made.samples.total() - options.policies:
		print("nearly all or nearly none of them came out: this says little")
		return 1
	return made.verdict(0.1)


if __name__ == "__main__":
	try:
		sys.exit(main())
	except LabError as error:
		sys.exit(f"lab: {error}")
