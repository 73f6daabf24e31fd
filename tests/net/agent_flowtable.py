#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A policy with a flow table on the kernel that runs the tests: where that has none the wall stands without it and the
status says so; where it has one it is up. Kernels that certainly have one: tests/vm/flowtable.py."""
import json
import re

import check
from agentlab import Agent, wall
from lab import Lab, wait_until

CT, PACS = "10.20.1.10", "10.20.0.5"
POLICY = f"""role router
FLOWTABLE
device ct {{ address {CT}; ae-title CT; port 11112 }}
peer pacs {{ address {PACS}; ae-title PACS; port 104; initiates storage; accepts echo }}
"""
WITH = POLICY.replace("FLOWTABLE", "flowtable eth0 eth1")
PROBE = "add table inet t; add flowtable inet t f { hook ingress priority 0; devices = { lo }; }"


def settles(agent):
	"""The flow table's state once it is no longer looked for."""
	return wait_until(lambda: agent.status()["flowtable"]["state"] not in ("none", "waiting"), 10) and agent.status()["flowtable"]["state"]


def rules(box):
	"""The kernel's, whatever the policy's file is called."""
	return re.sub(r"policy\d+\.conf", "policy.conf", wall(box))


def test(checks):
	with Lab() as lab:
		box, ct, pacs = lab.host("box", forwarding=True), lab.host("ct"), lab.host("pacs")
		lab.wire(box, ["10.20.1.1/24"], ct, [f"{CT}/24"])
		lab.wire(box, ["10.20.0.1/24"], pacs, [f"{PACS}/24"])
		ct.route("default", "10.20.1.1")
		pacs.route("default", "10.20.0.1")
		pacs.start(check.traffic(), "serve", 104).wait_port(104)
		has = box.run("nft", "--check", PROBE).returncode == 0
		print(f"     this kernel has {'' if has else 'no '}flow tables, by nft")
		probed = {one["name"]: one["there"] for one in json.loads(box.run(check.command(), "probe", "--json").stdout)["features"]}
		checks.equal(probed["flowtable"], has, "probe says the same")

		agent = Agent(box).start()
		agent.must_apply(POLICY.replace("FLOWTABLE", ""))
		checks.equal(agent.status()["flowtable"], {"state": "none", "reason": None}, "a policy without: none")
		before = rules(box)
		agent.must_apply(WITH)
		checks.equal(settles(agent), "active" if has else "lacking", "a policy with one: the status says what became of it")
		status = agent.status()
		checks.equal((status["wall"], bool(status["flowtable"]["reason"])), ("up", not has), "the wall is up, and there is a reason where there is none")
		text = agent.must("status").stdout
		checks.check("flowtable    " in text and ("active" if has else "the kernel has none: this kernel may lack flow tables") in text, "in text, too", text)
		checks.equal([alarm["name"] for alarm in status["alarms"]], [] if has else ["flowtable"], "a note tells of it where there is none")
		checks.check(all(alarm["note"] for alarm in status["alarms"]), "which is no alarm", status["alarms"])
		if not has:
			checks.equal(rules(box), before, "the wall is exactly the one without")
		checks.equal(agent.ask("verify").returncode, 0, "and it is verified")
		checks.equal(check.reach(ct, PACS, 104), "connected", "what is allowed passes")
		checks.equal(check.reach(pacs, CT, 11113), "silence", "what is not does not")

		agent.must_apply(POLICY.replace("FLOWTABLE", "flowtable eth0 later"))
		reason = wait_until(lambda: agent.status()["flowtable"]["state"] == "waiting" and agent.status()["flowtable"]["reason"], 10)
		checks.equal(reason, "there is no interface later", "an interface that is not there is waited for")
		box.ip("link", "add", "later", "type", "veth", "peer", "name", "far")
		checks.equal(settles(agent), "active" if has else "lacking", "it appears: looked at again, without being asked")
		agent.must_apply(POLICY.replace("FLOWTABLE", ""))
		checks.equal(agent.status()["flowtable"]["state"], "none", "and without it again")
		checks.equal(agent.status()["alarms"], [], "the note is gone")
		done = agent.apply("role host\nflowtable eth0 eth1\ndevice ct { ae-title CT; port 11112 }\n")
		checks.check(done.returncode == 3 and "'flowtable' in role host" in done.stderr, "role host has none", done.stderr)
		agent.must_apply(WITH)
		settles(agent)
		agent.kill()
		checks.equal([line.split()[2] for line in box.run("nft", "list", "tables").stdout.splitlines()], ["leadglass"],
		             "the agent killed: the wall's table is the only one")
		checks.equal(check.reach(ct, PACS, 104), "connected", "and lets through what it did")



if __name__ == "__main__":
	check.run(test)
