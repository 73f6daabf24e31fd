#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`leadglass prove --live` against a real kernel: it is proven what was loaded, faults that are planted with nft are
found, and a sample of the classes is sent as real packets, which the kernel judges as both sides say.

	prove.py [--sample N] [--policies N]"""
import argparse
import collections
import json
import random
import subprocess

import check
import policies
import samples
from lab import Lab
from matrix import Stage

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
	asked = samples.packets(answer, stage.world, file.read_text())
	stage.box.run("conntrack", "-F")
	wrong = []
	for (packet, accepts), (state, passed) in zip(asked, stage.play([packet for packet, _ in asked])):
		if state != "new":
			continue
		counts[packet.hook, passed] += 1
		if passed != accepts:
			wrong.append(f"{packet}: {'passed' if passed else 'dropped'}\n{file.read_text()}")
	return wrong


def sent_for_real(checks, stage, file, options):
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
		sent_for_real(checks, stage, file, options)
		gateway = Stage(lab, policies.ROUTER)
		file.write_text(GATEWAY)
		check.must_load(gateway.box, GATEWAY)
		sent_for_real(checks, gateway, file, options)
		generated(checks, lab, options)


if __name__ == "__main__":
	check.run(test)
