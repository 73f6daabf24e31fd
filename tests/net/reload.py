#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""200 reloads of policies of up to 1,000 peers under a flood of disallowed UDP, while allowed connections come and
go both ways: not one datagram gets through and not one connection is refused, lost or held up.

The same harness then reloads a rival, an ordinary ruleset of chains with `policy drop` but without a last drop
rule, by `nft -f` with `flush ruleset`: that leaks, which shows that the harness sees leaks.

	reload.py [--reloads N] [--rate N]"""
import argparse
import re

import check
from lab import Lab

DEVICE, PEER, STRANGER_PORT = "10.20.1.10", "10.20.1.5", 9999
BOX_PORT, PEER_PORT = 11112, 104
RIVAL_ROUNDS = 5  # of `--reloads` each, until one leaks


def peer(name, address):
	return (f"peer {name} {{ address {address}; ae-title {name.upper()[:16]}; port {PEER_PORT}\n"
	        "\tinitiates echo storage storage-commitment; accepts echo storage-commitment }\n")


def policies():
	"""Four that differ in peers only, or in the skeleton of rules too; main-pacs is in all of them."""
	head = f"role host\ndevice ct {{ ae-title CT; port {BOX_PORT} }}\n" + peer("main-pacs", PEER)
	many = [peer(f"p{n}", f"10.{40 + n // 250}.0.{n % 250 + 1}") for n in range(1500)]
	return [head + "".join(many[:999]),
	        head + "".join(many[500:1499]),
	        head + "".join(many[:9]) + "service dns { to 10.20.0.53 }\nservice ping { from 10.20.9.0/24 }\n",
	        head + peer("range", "10.60.0.0/24") + peer("six", "2001:db8:60::/64") + peer("six-exact", "2001:db8::7")]


def rival():
	peers = ", ".join([PEER] + [f"10.40.{n // 250}.{n % 250 + 1}" for n in range(999)])
	return f"""flush ruleset
table inet filter {{
	set peers {{ type ipv4_addr; elements = {{ {peers} }} }}
	chain input {{
		type filter hook input priority 0; policy drop;
		iif lo accept
		ct state established,related accept
		ip saddr @peers tcp dport {BOX_PORT} accept
	}}
	chain output {{
		type filter hook output priority 0; policy drop;
		oif lo accept
		ct state established,related accept
		ip daddr @peers tcp dport {PEER_PORT} accept
	}}
}}
"""


def numbers(process):
	process.stop()
	return {name: int(value) for name, value in re.findall(r"(\w+) (\d+)", process.output())}


class Harness:
	def __init__(self, lab, rate):
		self.lab, self.rate = lab, rate
		self.box, self.peer = lab.host("box"), lab.host("peer")
		lab.wire(self.box, [f"{DEVICE}/24"], self.peer, [f"{PEER}/24"])
		self.box.route("default", PEER)

	def under_traffic(self, reload, count):
		"""Calls reload(i) count times under traffic. Returns the numbers of flood, sink and the two streams."""
		traffic, box, peer = check.traffic(), self.box, self.peer
		servers = [box.start(traffic, "serve", BOX_PORT).wait_port(BOX_PORT),
		           peer.start(traffic, "serve", PEER_PORT).wait_port(PEER_PORT)]
		sink = box.start(traffic, "sink", STRANGER_PORT).wait_port(STRANGER_PORT, protocol="udp")
		inward = peer.start(traffic, "connect", DEVICE, BOX_PORT)
		outward = box.start(traffic, "connect", PEER, PEER_PORT)
		flood = peer.start(traffic, "flood", DEVICE, STRANGER_PORT, self.rate)
		for number in range(count):
			reload(number)
		results = [numbers(process) for process in (flood, sink, inward, outward)]
		for server in servers:
			server.stop()
		return results

	def sink_works(self):
		"""Without a wall the flood does arrive."""
		def wait(_):
			self.box.run("sleep", "0.5")
		flood, sink, _, _ = self.under_traffic(wait, 1)
		return flood["sent"] > 0 and sink["received"] > 0


def judge(checks, flood, sink, inward, outward):
	print(f"     flood {flood}, sink {sink}, connections in {inward}, out {outward}")
	checks.check(flood["sent"] > 10000, "the flood flowed")
	checks.equal(sink["received"], 0, "disallowed datagrams that got through")
	for name, stream in (("peer to device", inward), ("device to peer", outward)):
		checks.check(stream["connections"] > 100, f"{name}: connections were made")
		checks.equal(stream["failed"], 0, f"{name}: connections refused or lost")
		checks.equal(stream["delayed"], 0, f"{name}: connections whose SYN was dropped")


def test(checks):
	parser = argparse.ArgumentParser()
	parser.add_argument("--reloads", type=int, default=200)
	parser.add_argument("--rate", type=int, default=50000, help="datagrams a second")
	options = parser.parse_args()
	with Lab() as lab:
		harness = Harness(lab, options.rate)
		checks.check(harness.sink_works(), "without a wall the flood arrives")

		files = []
		for number, text in enumerate(policies()):
			files.append(lab.dir / f"policy{number}.conf")
			files[-1].write_text(text)
		failures = []

		def reload(number):
			done = harness.box.run(check.command(), "load", files[number % len(files)])
			if done.returncode != 0:
				failures.append(done.stdout + done.stderr)
		reload(0)
		print(f"     leadglass load, {options.reloads} times:")
		results = harness.under_traffic(reload, options.reloads)
		checks.check(not failures, "every load succeeded", failures[:1])
		judge(checks, *results)
		harness.box.run(check.command(), "remove", "--yes", check=True)

		file = lab.dir / "rival.nft"
		file.write_text(rival())

		def reload_rival(_):
			harness.box.run("nft", "-f", file, check=True)
		leaked = 0
		reload_rival(0)
		for round_number in range(RIVAL_ROUNDS):
			flood, sink, inward, outward = harness.under_traffic(reload_rival, options.reloads)
			print(f"     nft -f with flush ruleset, {options.reloads} times: flood {flood}, sink {sink}")
			leaked += sink["received"]
			if leaked:
				break
		checks.check(leaked > 0, "the rival leaks, so leaks are seen")


if __name__ == "__main__":
	check.run(test)
