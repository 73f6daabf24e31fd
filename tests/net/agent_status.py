#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the agent counts, held against what was sent: packets, octets, connections and last heard of each peer, drops by
rule, counters that survive a new policy and a wall made anew, and the same as OpenMetrics, from the socket and as a
file."""
import re
import subprocess
import time

import check
import openmetrics
from agentlab import Agent
from lab import Lab, wait_until

DEVICE, PACS, RIS, STRANGER = "10.20.1.10", "10.20.1.5", "10.20.1.6", "10.20.1.66"
PORT, PACS_PORT = 11112, 104
HEAD = f"role host\ndevice ct {{ ae-title CT; port {PORT} }}\n"
PACS_TEXT = f"peer main-pacs {{ address {PACS}; ae-title PACS; port {PACS_PORT}; initiates storage; accepts echo }}\n"
RIS_TEXT = f"peer ris {{ address {RIS}; ae-title RIS; port {PACS_PORT}; initiates worklist; accepts echo }}\n"
REST = f"service ping {{ from {RIS} }}\nmanage {{ from {RIS}; port 22 }}\n"
POLICY = HEAD + PACS_TEXT + RIS_TEXT + REST
SECOND = 1.1  # counters are read once a second at most


class Site:
	def __init__(self, lab, *options):
		self.box, self.peer = lab.host("box"), lab.host("peer")
		lab.wire(self.box, [f"{DEVICE}/24"], self.peer, [f"{PACS}/24", f"{RIS}/24", f"{STRANGER}/24"])
		for port in (PORT, 22):
			self.box.start(check.traffic(), "serve", port).wait_port(port)
		self.peer.start(check.traffic(), "serve", PACS_PORT).wait_port(PACS_PORT)
		self.agent = Agent(self.box, *options)

	def settled(self):
		"""The status once nothing is under way any more."""
		time.sleep(SECOND)
		return self.agent.status()

	def row(self, name, status=None):
		found = [peer for peer in (status or self.settled())["peers"] if peer["name"] == name]
		return found[0] if found else None

	def kernel(self, words):
		"""Packets of all elements whose comment begins with the words, as nft shows them."""
		text = self.box.run("nft", "list", "ruleset", check=True).stdout
		return sum(int(packets) for packets in re.findall(rf'counter packets (\d+) bytes \d+ comment "{words}', text))


def counted(checks, site):
	agent = site.agent
	before = site.settled()
	for name in ("main-pacs", "ris", "ping", "manage"):
		checks.check(site.row(name, before) is not None, f"{name} has a row")
	checks.equal([row["last_heard"] for row in before["peers"]], [None] * 4, "nobody was heard yet")
	for _ in range(3):
		check.reach(site.peer, DEVICE, PORT, source=PACS)
	check.reach(site.box, PACS, PACS_PORT)
	status = site.settled()
	pacs = site.row("main-pacs", status)
	checks.equal(pacs["packets"], site.kernel("main-pacs"), "packets: as the kernel's elements have them")
	checks.check(pacs["packets"] >= 4 * 4 and pacs["octets"] > pacs["packets"] * 40, "packets and octets of four connections", pacs)
	checks.equal(pacs["connections"], 4, "connections of both directions")
	checks.check(pacs["last_heard"], "the peer was heard", pacs)
	checks.equal(site.row("ris", status)["packets"], 0, "another peer was not")
	heard = pacs["last_heard"]
	time.sleep(2 * SECOND)
	checks.equal(site.row("main-pacs")["last_heard"], heard, "last heard stays when nothing comes")
	check.reach(site.peer, DEVICE, 22, source=RIS)
	site.peer.run("ping", "-c", "2", "-i", "0.2", "-W", "1", "-I", RIS, DEVICE)
	status = site.settled()
	checks.equal(site.row("manage", status)["connections"], 1, "a connection of who administers")
	checks.equal(site.row("ping", status)["packets"], 4, "pings, there and back")
	checks.equal(site.row("ris", status)["packets"], 0, "which is not traffic of the peer at the same address")
	dropped = {(row["chain"], row["rule"]): row["packets"] for row in status["dropped"]}
	for _ in range(5):
		check.reach(site.peer, DEVICE, PORT, source=STRANGER, timeout=0.1)
	status = site.settled()
	after = {(row["chain"], row["rule"]): row["packets"] for row in status["dropped"]}
	rose = {key: after[key] - dropped.get(key, 0) for key in after if after[key] != dropped.get(key, 0)}
	checks.check(rose.pop(("input", "default deny"), 0) >= 5, "drops are counted at their rule", rose)
	checks.equal(status["drops"], sum(after.values()), "the sum of drops")
	checks.equal(agent.status()["alarms"], [], "no alarm")


def never_backwards(checks, site):
	agent = site.agent
	pacs = site.row("main-pacs")
	agent.must_apply(HEAD + RIS_TEXT + PACS_TEXT + REST)
	after = site.row("main-pacs")
	checks.equal((after["packets"], after["connections"], after["last_heard"]),
	             (pacs["packets"], pacs["connections"], pacs["last_heard"]), "a policy that moves a peer changes no number")
	# Another port: its elements are made anew and begin at zero.
	agent.must_apply(HEAD + RIS_TEXT + PACS_TEXT.replace(f"port {PACS_PORT}", "port 4006") + REST)
	after = site.row("main-pacs")
	checks.check(after["packets"] >= pacs["packets"], "elements made anew: no number falls", f"{pacs}\n{after}")
	check.reach(site.peer, DEVICE, PORT, source=PACS)
	checks.check(site.row("main-pacs")["packets"] > after["packets"], "and it goes on from there")
	drops = agent.status()["drops"]
	agent.must_apply(HEAD + RIS_TEXT + REST)
	checks.check(site.row("main-pacs") is None, "a peer that is gone has no row")
	checks.check(site.settled()["drops"] >= drops, "drops: the sum does not fall")


def strictness(checks):
	"""The reader of metrics refuses what is wrong; else it would prove nothing."""
	good = '# TYPE a_b counter\n# HELP a_b x\na_b_total{l="v"} 1\n# EOF\n'
	openmetrics.parse(good)
	wrong = {
		"no EOF": good.replace("# EOF\n", ""), "no TYPE": good.replace("# TYPE a_b counter\n", ""),
		"no HELP": good.replace("# HELP a_b x\n", ""),
		"no _total": good.replace("_total", ""), "an info": good.replace("counter", "info"), "a quote": good.replace('"v"', '"v"v"'),
		"an escape": good.replace('"v"', '"\\v"'), "twice": good.replace("# EOF", 'a_b_total{l="v"} 2\n# EOF'),
		"a timestamp": good.replace(" 1\n", " 1 1700000000\n"), "no number": good.replace(" 1\n", " one\n"),
		"below zero": good.replace(" 1\n", " -1\n"), "an empty line": good.replace("# EOF", "\n# EOF"),
		"apart": good.replace("# EOF", "# TYPE c gauge\n# HELP c x\nc 1\n# HELP a_b y\n# EOF"),
		"no samples": good.replace('a_b_total{l="v"} 1\n', ""), "a unit": good.replace("# HELP", "# UNIT a_b seconds\n# HELP"),
	}
	taken = []
	for what, text in wrong.items():
		try:
			openmetrics.parse(text)
			taken.append(what)
		except openmetrics.MetricsError:
			pass
	checks.equal(taken, [], "the reader of metrics is strict")


def metrics(checks, site, file):
	agent = site.agent
	agent.must_apply(POLICY.replace("role host", 'policy { site "St. \\"Anna\\""; unit ct-room-3; serial 7 }\nrole host'))
	for _ in range(2):
		check.reach(site.peer, DEVICE, PORT, source=RIS)
	status = site.settled()
	text = agent.must("metrics").stdout
	try:
		families = openmetrics.parse(text)
	except openmetrics.MetricsError as error:
		checks.check(False, "metrics: valid OpenMetrics", error)
		return
	checks.check(True, f"metrics: valid OpenMetrics, {len(families)} families")
	checks.equal(families["leadglass_wall_up"].samples, {(): 1}, "metrics: the wall is up")
	labels = dict(next(iter(families["leadglass_policy_info"].samples)))
	checks.equal((labels["number"], labels["serial"], labels["hash"], labels["site"], labels["unit"]),
	             (str(status["policy"]["number"]), "7", status["policy"]["hash"], 'St. "Anna"', "ct-room-3"),
	             "metrics: which policy")
	checks.check(0 <= families["leadglass_verified_age_seconds"].samples[()] < 100, "metrics: age of the verification")
	for name, key in (("packets", "packets"), ("bytes", "octets"), ("connections", "connections")):
		samples = families[f"leadglass_peer_{name}"].samples
		checks.equal({dict(labels)["name"]: value for labels, value in samples.items()},
		             {row["name"]: row[key] for row in status["peers"]}, f"metrics: {name} as in the status")
	heard = families["leadglass_peer_last_heard_seconds"].samples
	checks.check(any(dict(labels)["name"] == "ris" and abs(value - time.time()) < 60 for labels, value in heard.items()),
	             "metrics: last heard", heard)
	drops = families["leadglass_dropped_packets"].samples
	checks.equal(sum(drops.values()), status["drops"], "metrics: drops by rule")
	# The file is written at the start and then once a minute.
	checks.check(file.exists(), "the metrics file is there")
	checks.equal(file.stat().st_mode & 0o777, 0o644, "and everybody may read it")
	wanted = f'number="{status["policy"]["number"]}"'
	found = wait_until(lambda: wanted in file.read_text(), timeout=70, step=0.5)
	checks.check(found, "the metrics file is written again within a minute", file.read_text()[:300])
	# What a node exporter reads is Prometheus' own format: the same samples, otherwise introduced.
	written = file.read_text()
	done = subprocess.run(["promtool", "check", "metrics"], input=written, capture_output=True, text=True)
	checks.check(done.returncode == 0, "the metrics file: promtool has no complaint", done.stdout + done.stderr)
	checks.check("# TYPE leadglass_repairs_total counter\n" in written, "the metrics file: counters are counters", written[:2000])
	names = [{line.split("{")[0].split(" ")[0] for line in lines.splitlines() if not line.startswith("#")}
	         for lines in (agent.must("metrics").stdout, written)]
	checks.equal(names[0], names[1], "the metrics file: what `leadglass metrics` has, no more and no less")
	checks.equal([path.name for path in file.parent.iterdir()], [file.name], "no temporary file stays")


def too_long(checks, site):
	"""A list too long for counters says so, and what is short beside it is counted all the same."""
	peers = "".join(f"peer p{i} {{ address 10.{40 + (i >> 16)}.{i >> 8 & 255}.{i & 255}; ae-title P; port 104; initiates echo }}\n"
	                for i in range(5000))
	site.agent.must_apply(HEAD + peers + REST)
	status = site.settled()
	checks.equal((site.row("p17", status)["counted"], site.row("ping", status)["counted"]), (False, True),
	             "5,000 peers: not counted, services are")
	families = openmetrics.parse(site.agent.must("metrics").stdout)
	checks.equal(len(families["leadglass_peer_connections"].samples), 1000, "metrics: a thousand peers at most")
	checks.equal(families["leadglass_peers_left_out"].samples, {(): 5002 - 1000}, "metrics: the others are left out, and it says so")


def reported(checks, site):
	"""A report holds what the agent, the kernel and the other commands say at that moment."""
	check.reach(site.peer, DEVICE, 8042, source=STRANGER)
	site.settled()
	answer = site.agent.json("report", "--trust", "/nonexistent")
	checks.equal(answer["comparison"], {"compared": True, "differences": 0, "shown": []}, "report: compared with the kernel's rules")
	checks.equal(answer["missing"], [], "report: nothing is missing")
	checks.equal(answer["rules"], site.agent.must("render", "@running").stdout, "report: the rules are those of render")
	checks.equal(answer["files"][0]["text"], POLICY, "report: the policy as it was written")
	checks.equal([row["source"] for row in answer["drops"] if 8042 in row["ports"]], [STRANGER], "report: the stranger was turned away")
	checks.equal(answer["history"], site.agent.json("history"), "report: the history")
	page = site.agent.must("report", "--html", "--trust", "/nonexistent").stdout
	checks.check("The wall is up and verified" in page and f"{STRANGER} -&#62; {DEVICE} tcp 8042" in page, "report: the page", page[:2000])


def test(checks):
	strictness(checks)
	with Lab() as lab:
		folder = lab.dir / "metrics"
		folder.mkdir(mode=0o755)
		file = folder / "leadglass.prom"
		site = Site(lab, "--metrics-file", file)
		site.agent.start()
		site.agent.must_apply(POLICY)
		reported(checks, site)
		counted(checks, site)
		never_backwards(checks, site)
		metrics(checks, site, file)
		too_long(checks, site)


if __name__ == "__main__":
	check.run(test)
