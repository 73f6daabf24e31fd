#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Other hands at the rules while an agent keeps the wall. Where the kernel owns the table for it, nobody gets in; where it
does not (--unowned, as on kernels before 6.9), each change is found, repaired, and told with the process that made it, also
while a rival flushes in a loop under traffic. What others do in tables of their own is told and left alone."""
import re
import shutil
import socket
import subprocess
import threading
import time

import check
from agentlab import Agent
from lab import Lab, LabError, wait_until

BOX, PACS, STRANGER = "10.20.0.1", "10.20.0.5", "10.20.0.66"
PORT, CLOSED = 11112, 5000
SOON = 10  # seconds; it takes some hundredths, and is given more where the machine is busy
POLICY = f"""role host
device ct {{ ae-title CT; port {PORT} }}
peer pacs {{ address {PACS}; ae-title PACS; port 104; initiates storage; accepts echo }}
peer ws {{ address 10.20.3.7; ae-title WS; port 4006; initiates storage }}
"""
LISTEN = f"""import socket
s = socket.create_server(("", {PORT}))
while True:
	s.accept()[0].close()
"""


class Room:
	"""A box with an agent, its archive, and somebody who has no business there."""

	def __init__(self, lab, name, *options):
		self.lab = lab
		lan = lab.lan(name)
		self.box, self.pacs, self.stranger = (lab.host(f"{name}-{who}") for who in ("box", "pacs", "stranger"))
		for host, address in ((self.box, BOX), (self.pacs, PACS), (self.stranger, STRANGER)):
			host.join(lan, f"{address}/24")
		self.box.start("/usr/bin/python3", "-c", LISTEN).wait_port(PORT)
		self.agent = Agent(self.box, *options).start()
		self.policy = self.agent.policy(POLICY)
		self.agent.must("apply", self.policy)

	def nft(self, text):
		return self.box.run("nft", "-f", "-", input=text + "\n")

	def stands(self):
		"""Whether the kernel holds exactly the policy: asked of the kernel, not of the agent."""
		return self.box.run(check.command(), "verify", self.policy).returncode == 0

	def works(self):
		return (check.reach(self.pacs, BOX, PORT), check.reach(self.stranger, BOX, PORT, timeout=0.3)) == ("connected", "silence")

	def repairs(self):
		return self.agent.status()["repairs"]

	def alarms(self):
		return {alarm["name"]: alarm["text"] for alarm in self.agent.status()["alarms"]}


class Flood:
	"""The stranger sends to a closed port as fast as one thread can; what gets through is counted."""

	def __init__(self, room):
		self.received = self.sent = 0
		self.done = threading.Event()
		self.sink = room.box.call(self._bind)
		self.source = room.stranger.call(socket.socket, socket.AF_INET, socket.SOCK_DGRAM)
		self.threads = [threading.Thread(target=self._receive), threading.Thread(target=self._send)]

	@staticmethod
	def _bind():
		sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		sink.bind(("", CLOSED))
		sink.settimeout(0.1)
		return sink

	def _receive(self):
		while not self.done.is_set():
			try:
				self.sink.recv(64)
				self.received += 1
			except TimeoutError:
				pass

	def _send(self):
		while not self.done.is_set():
			self.source.sendto(b"let me in", (BOX, CLOSED))
			self.sent += 1

	def __enter__(self):
		for thread in self.threads:
			thread.start()
		return self

	def __exit__(self, *_):
		self.done.set()
		for thread in self.threads:
			thread.join()
		self.sink.close()
		self.source.close()


def an_element(room):
	"""(name, key) of a set and of the archive's element in it, as nft writes them."""
	for entry in check.nft_json(room.box, "list", "sets"):
		for element in entry.get("set", {}).get("elem", []):
			key = element.get("elem", {}).get("val", element) if isinstance(element, dict) else element
			parts = key.get("concat", []) if isinstance(key, dict) else [key]
			if PACS in parts:
				return entry["set"]["name"], " . ".join(map(str, parts))
	raise LabError("no set has the archive in it")


def hands(room):
	"""What somebody may do to our table: (what, nft text)."""
	name, key = an_element(room)
	other = key.replace(PACS, STRANGER)
	return (
		("the table deleted", "delete table inet leadglass"),
		("a rule that accepts all at the top", "insert rule inet leadglass input accept"),
		("a rule that accepts all at the end", "add rule inet leadglass input accept"),
		("the rules of a chain removed", "flush chain inet leadglass output"),
		("a chain's policy changed", "chain inet leadglass input { policy accept; }"),
		("an element added", f"add element inet leadglass {name} {{ {other} }}"),
		("an element removed", f"delete element inet leadglass {name} {{ {key} }}"),
		("an element exchanged", f"delete element inet leadglass {name} {{ {key} }}\n"
		                         f"add element inet leadglass {name} {{ {other} }}"),
		("all elements removed", f"flush set inet leadglass {name}"),
		("the table switched off", "add table inet leadglass { flags dormant; }"),
		("a chain of its own in our table", "add chain inet leadglass first { type filter hook input priority -50; }\n"
		                                    "add rule inet leadglass first accept"),
		("a set of its own in our table", "add set inet leadglass more { type ipv4_addr; }"),
		("everything flushed", "flush ruleset"),
		("everything flushed and something else loaded", "flush ruleset\ntable inet filter { chain input { "
		                                                 "type filter hook input priority 0; policy accept; }; }"),
	)


def rival(room, seconds=3):
	"""Flushes everything in a loop; how often."""
	script = "trap 'exit 0' TERM; while :; do nft flush ruleset; nft delete table inet leadglass 2>/dev/null; echo; done"
	process = room.box.start("sh", "-c", script)
	time.sleep(seconds)  # the time it rages, not one that is waited for
	process.stop()
	return process.output().count("\n")


def owned(checks, lab):
	room = Room(lab, "owned")
	status = room.agent.status()
	if not status["owned"]:
		checks.check(not status["persistent"], "the kernel gives no owner that is outlived (before 6.9): only --unowned is tried")
		return
	checks.check(status["persistent"], "the table is owned, and outlives its owner")
	for what, text in hands(room):
		done = room.nft(text)
		quiet = text.startswith("flush ruleset")
		checks.check((done.returncode == 0 and not done.stderr) if quiet else "Operation not permitted" in done.stderr,
		             f"{what}: {'passes our table by' if quiet else 'is refused'}", f"exit {done.returncode}\n{done.stderr}")
		checks.check(room.stands(), f"{what}: the wall stands")
	room.box.run("iptables-nft", "-F", check=True)
	room.nft("flush ruleset")
	checks.check(room.stands(), "iptables-nft -F: the wall stands")
	with Flood(room) as flood:
		times = rival(room)
		checks.check(room.works(), "DICOM goes on while a rival flushes in a loop")
	checks.check(times > 10 and flood.sent > 10000, "the rival and the flood were real", f"{times} times, {flood.sent} packets")
	checks.equal(flood.received, 0, "a rival that flushes in a loop lets nothing through")
	checks.equal(room.repairs(), 0, "there was nothing to repair")
	done = room.box.run(check.command(), "load", room.agent.policy(POLICY.replace(PACS, STRANGER)))
	checks.check(done.returncode != 0 and "(leadglassd)" in done.stderr and "leadglass apply" in done.stderr,
	             "`leadglass load` beside the agent: refused, and told what to use", done.stderr)
	done = room.box.run(check.command(), "remove", "--yes")
	checks.check(done.returncode != 0 and "(leadglassd)" in done.stderr, "`leadglass remove` too", done.stderr)
	checks.check(room.stands() and room.works(), "the wall stands, and DICOM passes")


def repaired(checks, lab):
	room = Room(lab, "unowned", "--unowned")
	status = room.agent.status()
	checks.check(not status["owned"] and not status["persistent"], "--unowned: nobody owns the table", status)
	checks.check(room.stands() and room.works(), "the wall stands")
	tool = lab.dir / "gantry-setup"  # what the kernel shall name
	shutil.copy(shutil.which("nft"), tool)
	slowest = 0
	for what, text in hands(room):
		before = room.repairs()
		begin = time.monotonic()
		done = room.box.run(tool, "-f", "-", input=text + "\n")
		good = wait_until(lambda before=before: room.repairs() > before and room.stands(), SOON, step=0.01)
		slowest = max(slowest, time.monotonic() - begin)
		checks.check(done.returncode == 0 and good, f"{what}: found and repaired",
		             f"{done.stderr}\n{room.agent.status()}\n{room.agent.output()[-2000:]}")
		by = room.agent.status()["changed_by"] or ""
		checks.check(re.fullmatch(r"gantry-setup \(pid \d+\)", by), f"{what}: it is said who did it", by)
	print(f"     the slowest took {slowest:.2f} s, with the looking")
	checks.check(room.works(), "DICOM passes, nobody else does")
	checks.equal(room.agent.status()["wall"], "up", "the wall is up and verified")
	lines = [line for line in room.agent.output().splitlines() if "repaired" in line]
	checks.check(lines and "gantry-setup (pid " in lines[0], "the log names the process, too", "\n".join(lines))
	before = room.repairs()
	room.box.run("iptables-nft", "-F", check=True)
	room.box.run("nft", "add", "table", "ip", "mine", check=True)
	checks.check(room.stands() and room.repairs() == before, "tables of others need no repair")
	checks.check(room.box.run("nft", "list", "table", "ip", "mine").returncode == 0, "and stay")


def raging(checks, lab):
	room = Room(lab, "rival", "--unowned")
	before, begin = room.repairs(), time.monotonic()
	with Flood(room) as flood:
		times = rival(room, 8)  # long enough for the rate to show behind the first burst
		stands = wait_until(room.stands, SOON)
	seconds = time.monotonic() - begin
	repairs = room.repairs() - before
	checks.check(times > 10, "the rival was real", times)
	checks.check(repairs > 0 and stands, "after a rival that flushed in a loop the wall stands", room.agent.output()[-2000:])
	print(f"     {times} rounds of the rival, {repairs} repairs, {flood.received} of {flood.sent} packets got in")
	# As agent_guard.c says: the first 40 at once, then 20 a second.
	checks.check(repairs <= 40 + 20 * seconds + 1, "repairs come at a bounded rate", f"{repairs} in {seconds:.1f} s")
	lines = sum("repaired" in line for line in room.agent.output().splitlines())
	checks.check(0 < lines <= 5 + seconds, "and so do their lines in the log", f"{lines} lines for {repairs} repairs")
	checks.check(wait_until(lambda: room.agent.status()["wall"] == "up", SOON), "the wall is up and verified", room.agent.status())
	checks.check(room.works(), "DICOM passes, nobody else does")


def squatted(checks, lab):
	room = Room(lab, "squat", "--unowned")
	squatter = lab.dir / "other-agent"
	shutil.copy(shutil.which("nft"), squatter)
	with subprocess.Popen([*room.box.enter, squatter, "-i"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
	                      stderr=subprocess.DEVNULL, text=True) as process:
		process.stdin.write("delete table inet leadglass; add table inet leadglass { flags owner; }\n")
		process.stdin.flush()
		checks.check(wait_until(lambda: "table-owner" in room.alarms(), SOON), "another process made the table and owns it: an alarm",
		             room.alarms())
		checks.check("not-repaired" in room.alarms() and f"{process.pid}" in str(room.alarms()), "that names it", room.alarms())
		checks.check(room.agent.status()["wall"] != "up", "the wall is not called up", room.agent.status())
		checks.check(room.agent.running(), "the agent goes on")
		process.stdin.close()
	# The kernel says nothing when a table goes with its owner: the agent asks again every ten seconds.
	checks.check(wait_until(room.stands, 3 * SOON), "once it has gone the wall stands again", room.agent.output()[-2000:])
	checks.check(wait_until(lambda: not {"table-owner", "not-repaired"} & set(room.alarms()), SOON), "and the alarms are lifted",
	             room.alarms())
	checks.check(room.works(), "DICOM passes, nobody else does")


FOREIGN = (
	("accept", "inet", "table inet other { chain early { type filter hook input priority -10; tcp dport 22 accept; }; }"),
	("notrack", "inet", "table inet other { chain raw { type filter hook prerouting priority -300; udp dport 53 notrack; }; }"),
	("nat", "ip", "table ip other { chain pre { type nat hook prerouting priority -100; tcp dport 104 redirect to :11112; }; }"),
	("ingress", "netdev", "table netdev other { chain in { type filter hook ingress device eth0 priority 0; udp dport 9 fwd to lo; }; }"),
	("ingress", "netdev", "table netdev other { chain in { type filter hook ingress device eth0 priority 0; udp dport 9 dup to lo; }; }"),
	("queue", "inet", "table inet other { chain early { type filter hook input priority -10; udp dport 9 queue num 1; }; }"),
	("flowtable", "inet", "table inet other { flowtable fast { hook ingress priority 0; devices = { eth0 }; }; }"),
)


def foreign(checks, lab, name, *options):
	room = Room(lab, name, *options)
	for kind, family, text in FOREIGN:
		done = room.nft(text)
		if done.returncode != 0:
			print(f"     this kernel has no {kind}, it was not tried: {done.stderr.strip().splitlines()[0]}")
			continue
		made = room.box.run("nft", "-a", "list", "table", family, "other").stdout
		alarm = f"foreign-{kind} {family} other"
		checks.check(wait_until(lambda alarm=alarm: alarm in room.alarms(), SOON), f"{name}: {kind}: an alarm", room.alarms())
		checks.check(f"table {family} other" in room.alarms().get(alarm, ""), f"{name}: {kind}: it names the table", room.alarms())
		note = [found["note"] for found in room.agent.status()["alarms"] if found["name"] == alarm]
		checks.equal(note, [kind in ("accept", "nat")], f"{name}: {kind}: a note where it harms nobody, else an alarm")
		checks.check(f"table {family} other" in room.agent.output(), f"{name}: {kind}: it is in the log", room.agent.output()[-1000:])
		room.agent.must("verify")
		checks.equal(room.box.run("nft", "-a", "list", "table", family, "other").stdout, made, f"{name}: {kind}: the table is left alone")
		room.nft(f"delete table {family} other")
		checks.check(wait_until(lambda alarm=alarm: alarm not in room.alarms(), SOON), f"{name}: {kind}: lifted when it is gone",
		             room.alarms())
	checks.check(room.stands() and room.repairs() == 0, f"{name}: the wall was not touched by any of it")


def test(checks):
	with Lab() as lab:
		owned(checks, lab)
		repaired(checks, lab)
		raging(checks, lab)
		squatted(checks, lab)
		foreign(checks, lab, "others")
		foreign(checks, lab, "others2", "--unowned")


if __name__ == "__main__":
	check.run(test)
