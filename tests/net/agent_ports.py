#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The bridge that leadglassd makes (--ports), by what frames do: two hosts on either side of a box. Without a wall of
role bridge that the kernel has taken and that was read back nothing crosses, whatever was there before. A kernel that
takes such a wall has them joined; one that cannot (no connection tracking in bridges, or br_netfilter built in) is
where these tests prove that a refused wall lets nothing through."""
import re
import time

import check
from agentlab import Agent, program
from lab import Lab, wait_until

DEVICE, HOSPITAL = "10.20.1.10", "10.20.1.5"
PORT = 11112
BRIDGE = f"""role bridge
box {{ address 10.20.1.250/24; interface service }}
device ct {{ address {DEVICE}; ae-title CT; port {PORT} }}
peer main-pacs {{ address {HOSPITAL}; ae-title PACS; port 104; initiates storage; accepts echo }}
"""
HOST = f"role host\ndevice ct {{ ae-title CT; port {PORT} }}\nmanage {{ from 10.20.9.0/24 }}\n"
# What is left of a wall of role bridge whose agent was killed, as far as it can be told from outside: a chain that
# drops what crosses bridges. (The whole of it is more than every kernel takes.)
WALL = """table bridge leadglass {
	chain forward { type filter hook forward priority -200; policy drop; drop; }
}
"""


class Site:
	"""A box with three sockets, an agent, and a host at each of the two that are bridged."""

	def __init__(self, lab, name, *options):
		self.lab = lab
		self.box, self.device, self.hospital = (lab.host(f"{name}-{part}") for part in ("box", "device", "hospital"))
		for host, role, address in ((self.device, "device", DEVICE), (self.hospital, "hospital", HOSPITAL)):
			self.plug(host, role, address)
		self.box.ip("link", "add", "service", "type", "veth", "peer", "name", "far-service")
		self.device.start(check.traffic(), "serve", PORT).wait_port(PORT)
		self.agent = Agent(self.box, "--ports", "device,hospital", *options)

	def plug(self, host, role, address):
		host.ip("link", "add", "eth0", "type", "veth", "peer", "name", role, "netns", self.box.namespace)
		host.up("eth0", [f"{address}/24"])

	def bridge(self, name="bridge"):
		"""A bridge that somebody made."""
		self.box.ip("link", "add", name, "type", "bridge", "forward_delay", "0")
		self.box.ip("link", "set", name, "up")
		for port in ("device", "hospital"):
			self.box.ip("link", "set", port, "master", name, "up")

	def master(self, port):
		found = re.search(r" master (\S+)", self.box.ip("link", "show", "dev", port))
		return found and found[1]

	def joined(self):
		return {port for port in ("device", "hospital") if self.master(port)}

	def crosses(self):
		return check.reach(self.hospital, DEVICE, PORT, timeout=0.5) == "connected"

	def ports(self):
		return {port["name"]: port for port in self.agent.status()["bridge"]["ports"]}

	def watch(self):
		"""Every change of an interface from now on, a line each."""
		process = self.box.start("ip", "-o", "monitor", "link")
		time.sleep(0.3)
		return process


def takes_bridge(site):
	"""Whether this kernel takes a wall of role bridge."""
	return site.agent.apply(BRIDGE).returncode == 0


def never_joined(checks, site, watch, what):
	watch.stop()
	lines = [line for line in watch.output().splitlines() if " master " in line]
	checks.equal(lines, [], f"{what}: no port was in a bridge at any time")
	checks.equal((site.joined(), site.crosses()), (set(), False), f"{what}: nothing crosses")


def first_start(checks, lab):
	site = Site(lab, "first")
	agent = site.agent
	watch = site.watch()
	agent.start()
	status = agent.status()
	checks.equal((status["wall"], status["bridge"]["reason"], status["bridge"]["missing"]), ("closed", "the wall is closed", True),
	             "no policy: no bridge, and the status says why")
	checks.equal({name: port["joined"] for name, port in site.ports().items()}, {"device": False, "hospital": False}, "and the ports are out")
	checks.check(all(status["agent"][part] for part in ("capabilities", "seccomp", "landlock")), "all of the sandbox is in force", status["agent"])
	text = agent.ask("status").stdout
	checks.check("device (no cable), hospital (no cable) out of the bridge: the wall is closed" in " ".join(text.split()), "the status for people says so", text)
	samples = agent.must("metrics").stdout
	checks.check('leadglass_port_joined{port="device"} 0' in samples and 'leadglass_port_joined{port="hospital"} 0' in samples, "so do the metrics",
	             samples[-800:])
	never_joined(checks, site, watch, "no policy")


def refused_or_joined(checks, lab):
	"""The wall of role bridge: taken and read back, or nobody joins."""
	site = Site(lab, "bridge")
	agent = site.agent.start()
	watch = site.watch()
	if takes_bridge(site):
		checks.check(wait_until(lambda: site.joined() == {"device", "hospital"}, 5), "the wall was read back: the ports join")
		checks.equal({name: port["joined"] for name, port in site.ports().items()}, {"device": True, "hospital": True}, "the status says so")
		checks.check(check.reach(site.hospital, DEVICE, PORT, timeout=2) == "connected", "what the policy allows crosses")
		watch.stop()
	else:
		checks.equal(agent.status()["wall"], "closed", "this kernel takes no wall of role bridge: the closed wall stays")
		never_joined(checks, site, watch, "refused")
	# The same at a start, with a policy that was stored before the agent ran.
	stored = Site(lab, "stored")
	watch = stored.watch()
	stored.box.run(check.command(), "apply", "--offline", "--state", stored.agent.state, "--trust", stored.agent.trust,
	               stored.agent.policy(BRIDGE), check=True)
	stored.agent.start()
	if stored.agent.status()["wall"] == "up":
		checks.check(wait_until(lambda: stored.joined() == {"device", "hospital"}, 5), "started with it: the ports join")
	else:
		never_joined(checks, stored, watch, "started with it, and refused")


def left_behind(checks, lab):
	"""Interfaces that are in a bridge while no wall stands: out, before anything else, and whoever's bridge it is."""
	for name, bridge in (("left", "bridge"), ("foreign", "br0")):
		site = Site(lab, name)
		site.bridge(bridge)
		checks.check(wait_until(site.crosses, 10), f"{bridge} without an agent: everything crosses")
		site.agent.launch()
		site.agent.wait_ready()
		checks.equal((site.joined(), site.crosses()), (set(), False), f"{bridge}: READY=1 is said when the ports are out")
		output = site.agent.output()
		left, closed = output.find("left the bridge: the kernel holds no wall of role bridge"), output.find("the closed wall stands")
		checks.check(0 <= left < closed, f"{bridge}: they were taken out before the wall was made", output)
		checks.check(" UP" not in site.box.ip("link", "show", "dev", "device").split("mtu")[0], f"{bridge}: and down")
		# And again and again, while it runs.
		site.box.ip("link", "add", "br1", "type", "bridge")
		for _ in range(3):
			site.box.ip("link", "set", "device", "master", "br1", "up")
			checks.check(wait_until(lambda: not site.joined(), 5), f"{bridge}: put in by somebody: taken out")


def taken_over(checks, lab):
	"""A wall of role bridge stands in the kernel: ports stay where they are until it is known what is to stand."""
	site = Site(lab, "over")
	site.bridge()
	site.box.run("nft", "-f", "-", input=WALL, check=True)
	site.agent.start()
	output = site.agent.output()
	checks.check("left the bridge: the kernel holds no wall" not in output, "they are not taken out before it is known what is to stand", output)
	checks.check(wait_until(lambda: not site.joined(), 5), "no policy: then they are")
	checks.check(re.search("left the bridge: the (wall is closed|closed wall comes)", site.agent.output()), "and the log says why", site.agent.output())


def other_role(checks, lab):
	site = Site(lab, "role")
	agent = site.agent.start()
	agent.must_apply(HOST)
	status = agent.status()
	checks.check(status["wall"] == "up" and "role is host" in status["bridge"]["reason"], "role host: the ports are out", status["bridge"])
	checks.equal(status["alarms"], [], "and that is no alarm")
	site.bridge("br0")
	checks.check(wait_until(lambda: not site.joined(), 5), "somebody bridges them: taken out")
	agent.kill()
	site.bridge()
	agent.start()
	checks.equal((site.joined(), site.crosses()), (set(), False), "killed, bridged, started again: out")


def missing(checks, lab):
	site = Site(lab, "missing")
	site.box.ip("link", "del", "hospital")
	site.agent.start()
	checks.check(site.ports()["hospital"]["missing"] and not site.ports()["device"]["missing"], "an interface that is not there: the status says so")
	site.plug(site.hospital, "hospital", HOSPITAL)
	checks.check(wait_until(lambda: not site.ports()["hospital"]["missing"], 5), "it comes: seen")
	site.bridge("br0")
	checks.check(wait_until(lambda: not site.joined(), 5), "and not bridged")


def usage(checks, lab):
	box = lab.host("usage")
	for words, wanted in (("device", "at least two"), ("device,bridge", "bridge's own"), ("device,device", "twice"), ("", "names of interfaces"),
	                      ("a/b,c", "names of interfaces"), ("an-interface-name,b", "15 characters"), ("a,b,c,d,e,f,g,h,i", "at most 8")):
		done = box.run(program(), "--ports", words, timeout=10)
		checks.check(done.returncode == 2 and wanted in done.stderr, f"--ports '{words}': exit 2", f"exit {done.returncode}: {done.stdout}{done.stderr}")
	plain = Agent(lab.host("plain")).start()
	checks.equal(plain.status()["bridge"], None, "without --ports there is nothing to tell")
	checks.check("leadglass_port" not in plain.must("metrics").stdout, "nor to measure")


def test(checks):
	with Lab() as lab:
		usage(checks, lab)
		first_start(checks, lab)
		refused_or_joined(checks, lab)
		left_behind(checks, lab)
		taken_over(checks, lab)
		other_role(checks, lab)
		missing(checks, lab)


if __name__ == "__main__":
	check.run(test)
