# SPDX-License-Identifier: GPL-2.0-or-later
"""A gateway in role router: a virtual machine with one of Debian's kernels between two networks.

	ct 10.20.1.10 --- device [box] hospital --- archive 10.20.0.5, removed 10.20.0.6, stranger 10.20.0.99
"""
import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "net"))
import box  # noqa: E402
from lab import LabError, wait_until  # noqa: E402
from vmlab import Machine  # noqa: E402

CT, CT_PORT, PEER_PORT = "10.20.1.10", 11112, 104
PEERS = {"archive": "10.20.0.5", "removed": "10.20.0.6"}
STRANGER = "10.20.0.99"
FLOWTABLE = "flowtable device hospital"
AGENT = "mkdir -p /var/lib; setsid leadglassd < /dev/null > /tmp/log 2>&1 & echo $! > /tmp/pid"
NETWORK = ("echo 1 > /proc/sys/net/ipv4/ip_forward; for port in device hospital; do ip link set $port up; done; "
           "ip address add 10.20.1.1/24 dev device; ip address add 10.20.0.1/24 dev hospital")


def policy(*lines, peers=PEERS):
	return "\n".join(["role router", *lines, f"device ct {{ address {CT}; ae-title CT; port {CT_PORT} }}"] + [
		f"peer {name} {{ address {PEERS[name]}; ae-title {name.upper()}; port {PEER_PORT}; initiates echo storage; accepts echo storage }}"
		for name in peers]) + "\n"


class Site:
	def __init__(self, lab, release):
		self.ct, self.stranger = lab.host("ct"), lab.host("stranger")
		self.peers = {name: lab.host(name) for name in PEERS}
		device, hospital = lab.lan("device"), lab.lan("hospital")
		self.ct.join(device, f"{CT}/24")
		self.ct.route("default", "10.20.1.1")
		for name, host in (*self.peers.items(), ("stranger", self.stranger)):
			host.join(hospital, f"{PEERS.get(name, STRANGER)}/24")
			host.route("default", "10.20.0.1")
		self.box = Machine(lab, "box", box.boot(lab, release))
		self.box.port("device", device)
		self.box.port("hospital", hospital)
		self.box.start()
		self.box.wait_for("init: ready", 300)
		self.box.run(NETWORK, check=True)

	def agent(self):
		self.box.run(AGENT, check=True)
		if not wait_until(lambda: self.box.run("leadglass status > /dev/null 2>&1; [ $? -le 1 ]").returncode == 0, 60):
			raise LabError(self.log())

	def log(self):
		return self.box.run("cat /tmp/log").stdout

	def status(self):
		done = self.box.run("leadglass status --json")
		try:
			return json.loads(done.stdout) if done.returncode <= 1 else {}
		except ValueError:
			raise LabError(f"status: exit {done.returncode}\n{done.stdout}\n{self.log()}") from None

	def flowtable(self):
		"""The state of the flow table, and why it is so, by the agent."""
		said = self.status().get("flowtable", {})
		return said.get("state"), said.get("reason")

	def becomes(self, state, timeout=20):
		return wait_until(lambda: self.flowtable()[0] == state, timeout, step=0.2)

	def must_apply(self, text):
		self.box.put("/tmp/policy.conf", text)
		return self.box.run("leadglass apply /tmp/policy.conf", timeout=120, check=True).stdout

	def tables(self):
		"""By the kernel."""
		return sorted(line.split()[2] for line in self.box.run("nft list tables").stdout.splitlines())

	def connections(self):
		"""TCP connections the kernel tracks between ct and each peer, and how many of them are in a flow table."""
		lines = [line for line in self.box.run("conntrack -L -p tcp 2> /dev/null").stdout.splitlines() if CT in line and not re.search("TIME_WAIT|CLOSE|LAST_ACK|FIN_WAIT", line)]
		return {name: (sum(address in line for line in lines), sum(address in line and "[OFFLOAD]" in line for line in lines))
		        for name, address in PEERS.items()}

	def counted(self):
		"""Packets that the wall has counted for each peer: those it has let through."""
		return {peer["name"]: peer["packets"] for peer in self.status()["peers"]}
