#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A thousand applies in a row, of policies that have hardly an element in common, some with a window that is confirmed,
rolled back or ended: afterwards the agent has no more memory, descriptors, sockets and files, and the kernel no more
objects and memory, than after the first few.

	agent_thousand.py [--applies N]"""
import argparse
import re
import time
from pathlib import Path

import check
from agentlab import Agent
from lab import Lab, wait_until

PEERS = 300
WARM = 40  # applies until everything has found its size
RSS_GROWTH = 256     # KiB, both processes together
KERNEL_GROWTH = 24576  # KiB of the whole machine; a leak of one element's memory an apply and peer would be three times that
HEAD = "role host\ndevice ct { ae-title CT; port 11112 }\nmanage { from 10.20.9.0/24; port 22 }\n"


def policy(first):
	return HEAD + "".join(
		f"peer p{n} {{ address 10.40.{n // 250}.{n % 250 + 1}; ae-title P{n}; port 104; initiates storage; accepts echo }}\n"
		for n in range(first, first + PEERS))


def kernel_objects(host):
	"""How many of each kind nft lists, elements of sets among them."""
	counts = {}
	for entry in check.nft_json(host, "list", "ruleset"):
		kind, = entry
		counts[kind] = counts.get(kind, 0) + 1
		if kind == "set":
			counts["element"] = counts.get("element", 0) + len(entry["set"].get("elem", []))
	return counts


def kernel_memory():
	"""KiB that the kernel cannot give back, and of per-CPU counters."""
	text = Path("/proc/meminfo").read_text()
	return {name: int(re.search(rf"^{name}:\s+(\d+)", text, re.M)[1]) for name in ("SUnreclaim", "Percpu")}


def netlink_sockets(agent):
	"""Netlink sockets in the agent's namespace."""
	return len(Path(f"/proc/{agent.pid}/net/netlink").read_text().splitlines()) - 1


def measure(agent):
	wait_until(agent.idle, 10)
	return {"resident": agent.rss(), "descriptors": [agent.descriptors(pid) for pid in agent.pids()],
	        "netlink sockets": netlink_sockets(agent), "state files": len(list(agent.state.iterdir())),
	        "processes": len(agent.pids()), "objects": kernel_objects(agent.host), "kernel": kernel_memory()}


def test(checks):
	parser = argparse.ArgumentParser()
	parser.add_argument("--applies", type=int, default=1000)
	options = parser.parse_args()
	with Lab() as lab:
		agent = Agent(lab.host("box")).start()
		files = [agent.policy(policy(number * PEERS)) for number in range(4)]
		begin, early = time.monotonic(), None
		for number in range(options.applies):
			path = files[number % len(files)]
			if number % 10 == 3:
				agent.must("apply", "--confirm-within", "300s", path)
				agent.must("confirm" if number % 20 == 3 else "rollback")
			else:
				agent.must("apply", path)
			if number + 1 == WARM:
				early = measure(agent)
		if (options.applies - 1) % len(files) != (WARM - 1) % len(files):
			agent.must("apply", files[(WARM - 1) % len(files)])
		print(f"     {options.applies} applies in {time.monotonic() - begin:.0f} s")
		late = measure(agent)
		print(f"     after {WARM}: {early}\n     after {options.applies}: {late}")
		checks.check(late["resident"] <= early["resident"] + RSS_GROWTH, "resident memory", f"{early['resident']} -> {late['resident']} KiB")
		for what in ("descriptors", "netlink sockets", "state files", "processes", "objects"):
			checks.equal(late[what], early[what], what)
		for what, value in late["kernel"].items():
			checks.check(value <= early["kernel"][what] + KERNEL_GROWTH, f"the kernel's {what}",
			             f"{early['kernel'][what]} -> {value} KiB")
		status = agent.status()
		checks.equal((status["wall"], status["alarms"]), ("up", []), "the wall is up and nothing is amiss")
		checks.check(len(agent.json("history")) <= 16, "a bounded history")


if __name__ == "__main__":
	check.run(test)
