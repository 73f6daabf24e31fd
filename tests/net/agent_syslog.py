#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The agent's log at a real collector, rsyslog, over UDP, TCP and /dev/log: structured data that rsyslog parses, no line
lost over TCP when it goes and comes back, and what was lost over UDP told."""
import json
import re

import check
from agentlab import Agent
from lab import Lab, wait_until

DEVICE, PACS, COLLECTOR, STRANGER = "10.20.1.10", "10.20.1.5", "10.20.1.7", "10.20.1.66"
UDP, TCP = 514, 1514
POLICY = f"""role host
device ct {{ ae-title CT; port 11112 }}
peer main-pacs {{ address {PACS}; ae-title PACS; port 104; initiates storage; accepts echo }}
service collector {{ udp {UDP} to {COLLECTOR}; tcp {TCP} to {COLLECTOR} }}
"""
TEMPLATE = """template(name="line" type="list" option.jsonf="on") {
	property(outname="input" name="inputname" format="jsonf")
	property(outname="priority" name="pri-text" format="jsonf")
	property(outname="time" name="timereported" dateFormat="rfc3339" format="jsonf")
	property(outname="host" name="hostname" format="jsonf")
	property(outname="app" name="app-name" format="jsonf")
	property(outname="pid" name="procid" format="jsonf")
	property(outname="id" name="msgid" format="jsonf")
	property(outname="data" name="structured-data" format="jsonf")
	property(outname="text" name="msg" format="jsonf")
}
"""


class Rsyslog:
	def __init__(self, host, inputs, name):
		self.host, self.out = host, host.lab.dir / f"{name}.json"
		folder = host.lab.dir / name
		folder.mkdir()
		self.config = folder / "rsyslog.conf"
		self.pid_file = folder / "pid"
		self.config.write_text(f'global(workDirectory="{folder}")\n{inputs}{TEMPLATE}'
		                       f'action(type="omfile" file="{self.out}" template="line")\n')
		self.process = None

	def start(self, *enter):
		self.process = self.host.start(*enter, "rsyslogd", "-n", "-f", self.config, "-i", self.pid_file)
		return self

	def lines(self):
		if not self.out.exists():
			return []
		return [json.loads(line) for line in self.out.read_text().splitlines() if line.endswith("}")]

	def until(self, accept, timeout=20):
		"""The first line that `accept` takes; None when none comes."""
		return wait_until(lambda: next((line for line in self.lines() if accept(line)), None), timeout, step=0.1)


def fields(line):
	"""The parameters of our structured data element."""
	data = line["data"]
	if not re.fullmatch(r'\[leadglass@32473( [a-z_]+="(?:[^"\\\]]|\\["\\\]])*")*\]', data):
		return None
	return {name: re.sub(r"\\(.)", r"\1", value) for name, value in re.findall(r' ([a-z_]+)="((?:[^"\\]|\\.)*)"', data)}


def network(checks, lab):
	lan = lab.lan("hospital")
	box, collector, stranger = lab.host("box"), lab.host("collector"), lab.host("stranger")
	box.join(lan, f"{DEVICE}/24")
	collector.join(lan, f"{COLLECTOR}/24")
	stranger.join(lan, f"{STRANGER}/24")
	udp = Rsyslog(collector, f'module(load="imudp")\ninput(type="imudp" port="{UDP}")\n', "udp")
	tcp = Rsyslog(collector, f'module(load="imtcp")\ninput(type="imtcp" port="{TCP}")\n', "tcp")
	udp.start().process.wait_port(UDP, protocol="udp")
	tcp.start().process.wait_port(TCP)
	agent = Agent(box, "--syslog", f"udp:{COLLECTOR}", "--syslog", f"tcp:{COLLECTOR}:{TCP}").start()
	agent.must_apply(POLICY)
	for name, target in (("UDP", udp), ("TCP", tcp)):
		line = target.until(lambda line: line["id"] == "APPLIED")
		checks.check(line is not None, f"{name}: a policy was applied", target.lines())
		if line:
			checks.equal((line["app"], line["pid"], line["priority"].split(".")[0]), ("leadglassd", str(agent.pid), "daemon"),
			             f"{name}: rsyslog finds the header's fields")
			checks.check(fields(line), f"{name}: and structured data", line)
	check.reach(stranger, DEVICE, 104, timeout=0.2)
	for name, target in (("UDP", udp), ("TCP", tcp)):
		line = target.until(lambda line: line["id"] == "DROP" and (fields(line) or {}).get("src") == STRANGER)
		checks.check(line is not None, f"{name}: who was turned away", target.lines()[-3:])
		if line:
			found = fields(line)
			checks.equal((found["dst"], found["proto"], found["ports"]), (DEVICE, "tcp", "104"), f"{name}: as parameters")
			checks.check(STRANGER in line["text"], f"{name}: and as text", line["text"])
	return agent, udp, tcp


def gone(checks, agent, udp, tcp):
	"""Both collectors stop; what is logged meanwhile arrives later, or its loss is told."""
	udp.process.stop()
	tcp.process.stop()
	noticed = wait_until(lambda: "Connection refused" in (agent.status()["agent"]["collector"] or ""), 15, step=0.2)
	numbers = []
	for i in range(8):
		agent.must_apply(POLICY + f"service extra{i} {{ tcp {9000 + i} to {COLLECTOR} }}\n")
		numbers.append(str(agent.status()["policy"]["number"]))
	checks.check(noticed or "Connection refused" in (agent.status()["agent"]["collector"] or ""), "collectors that are gone: the status says so",
	             agent.status()["agent"]["collector"])
	checks.check(any(alarm["name"].startswith("collector") for alarm in agent.status()["alarms"]), "and an alarm", agent.status()["alarms"])
	udp.start().process.wait_port(UDP, protocol="udp")
	tcp.start().process.wait_port(TCP)

	def arrived(target):
		ids = [fields(line) for line in target.lines() if line["id"] == "APPLIED"]
		return [number for number in numbers if any((data or {}).get("policy") == number for data in ids)]
	found = wait_until(lambda: (lambda all: all if len(all) == len(numbers) else None)(arrived(tcp)), 90, step=0.5)
	checks.equal(found or arrived(tcp), numbers, "TCP: every line arrives when the collector is back")
	checks.check(not any(line["id"] == "LOST" for line in tcp.lines()), "TCP: and none was lost")
	lost = udp.until(lambda line: line["id"] == "LOST", 90)
	checks.check(lost and int(fields(lost)["lost"]) > 0, "UDP: what was lost is told", udp.lines()[-3:])
	checks.check("lines lost" in agent.status()["agent"]["collector"] or "line lost" in agent.status()["agent"]["collector"], "and the status has it",
	             agent.status()["agent"]["collector"])
	lifted = wait_until(lambda: not agent.status()["alarms"], 30, step=0.2)
	checks.check(lifted, "the alarms are lifted", agent.status()["alarms"])
	# Said before there is anybody who could send it: how a start went.
	agent.must_apply(POLICY, "--confirm-within", "300s")
	agent.kill()
	agent.start()
	for name, target in (("UDP", udp), ("TCP", tcp)):
		line = target.until(lambda line: line["id"] == "WALL" and "was not confirmed before the restart" in line["text"])
		checks.check(line and line["pid"] == str(agent.pid), f"{name}: after a restart, what was taken back", target.lines()[-3:])
		checks.check(target.until(lambda line: line["id"] == "STARTED" and line["pid"] == str(agent.pid)), f"{name}: and that it runs",
		             target.lines()[-3:])
	agent.stop()
	for name, target in (("UDP", udp), ("TCP", tcp)):
		checks.check(target.until(lambda line: line["id"] == "LEAVING"), f"{name}: the last line says that the agent leaves",
		             target.lines()[-2:])


def local(checks, lab):
	"""Through /dev/log, in a mount namespace with a /dev of its own; the daemon comes after the agent."""
	box, stranger = lab.host("local-box"), lab.host("local-stranger")
	lab.wire(box, [f"{DEVICE}/24"], stranger, [f"{STRANGER}/24"])
	dev = lab.dir / "dev"
	dev.mkdir(mode=0o755)
	(dev / "null").touch()
	script = (f'mount --make-rprivate / && mount --bind /dev/null {dev}/null && mount --rbind {dev} /dev && exec "$@"')
	enter = ["unshare", "--mount", "sh", "-c", script, "sh"]
	daemon = Rsyslog(box, f'module(load="imuxsock" SysSock.Name="{dev}/log" SysSock.Use="on" SysSock.RateLimit.Interval="0")\n', "local")
	agent = Agent(box, "--syslog", "local", enter=enter).start()
	agent.must_apply(POLICY)
	daemon.start()
	wait_until(lambda: (dev / "log").exists(), 10)
	check.reach(stranger, DEVICE, 104, timeout=0.2)
	line = daemon.until(lambda line: "DROP" in line["text"] and STRANGER in line["text"], 60)
	checks.check(line is not None, "/dev/log: a daemon that starts after the agent gets the lines", daemon.lines())
	if line:
		checks.equal((line["app"], line["pid"]), ("leadglassd", str(agent.pid)), "/dev/log: from whom")
		checks.check('[leadglass@32473 ' in line["text"] and f'src="{STRANGER}"' in line["text"], "/dev/log: with the parameters", line["text"])
	checks.check(daemon.until(lambda line: "APPLIED" in line["text"], 5), "/dev/log: and those of before", daemon.lines())
	agent.stop()


def not_let_out(checks, lab):
	"""A collector that the policy knows nothing of: the alarm says what is missing, and no line is about another."""
	box, collector = lab.host("mute-box"), lab.host("mute-collector")
	lab.wire(box, [f"{DEVICE}/24"], collector, [f"{COLLECTOR}/24"])
	collector.start(check.traffic(), "sink", UDP).wait_port(UDP, protocol="udp")
	agent = Agent(box, "--syslog", f"udp:{COLLECTOR}").start()
	agent.must_apply(POLICY.replace("service collector", "# "))

	def alarm():
		return next((found["text"] for found in agent.status()["alarms"] if found["name"] == "collector-1"), "")
	checks.check(wait_until(lambda: f"the policy does not let it out: service syslog {{ to {COLLECTOR} }}" in alarm(), 10, step=0.1),
	             "a collector that the policy does not let out: an alarm says what is missing", alarm())
	shown = wait_until(lambda: [row for row in agent.json("drops") if row["destination"] == COLLECTOR], 10, step=0.2)
	checks.check(shown, "leadglass drops shows the lines that did not get out", f"{agent.json('drops')}")
	checks.check(not re.search(f"turned away: .* to {COLLECTOR} ", agent.output()), "and the log has none about them", agent.output())
	agent.must_apply(POLICY.replace("service collector", "# ") + f"service syslog {{ to {COLLECTOR} }}\n")
	checks.check(wait_until(lambda: not alarm(), 60, step=0.2), "with that line in the policy the alarm is lifted", alarm())
	agent.stop()


def test(checks):
	with Lab() as lab:
		gone(checks, *network(checks, lab))
		local(checks, lab)
		not_let_out(checks, lab)


if __name__ == "__main__":
	check.run(test)
