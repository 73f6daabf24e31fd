#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Changing the policy over the connection that the policy may cut: apply, confirm, rollback and allow as an engineer types
them, with a real agent. SSH_CONNECTION says what sshd would say; the connection itself is a real one."""
import json
import os
import pty
import re
import struct
import subprocess
import time

import check
from agentlab import Agent, wall
from lab import Lab, wait_until

BOX, BOX6, DESK, DESK6, OTHER = "10.20.9.10", "fd20:9::10", "10.20.9.77", "fd20:9::77", "10.20.9.78"
SSH = 22
WINDOW = 3  # seconds

HEAD = "role host\ndevice ct { ae-title CT; port 11112 }\n"
PEER = "peer main-pacs { address 10.20.0.5; ae-title PACS; port 104; initiates storage; accepts echo }\n"
GOOD = HEAD + PEER + f"manage {{ from {DESK} {DESK6} }}\n"
CUTS = HEAD + PEER + f"manage {{ from {OTHER} }}\n"
NARROW = HEAD + f"manage {{ from {DESK} {DESK6} }}\n"


class Site:
	def __init__(self, lab):
		self.box, self.desk = lab.host("box"), lab.host("desk")
		self.interface, _ = lab.wire(self.box, [f"{BOX}/24", f"{BOX6}/64"], self.desk,
		                             [f"{DESK}/24", f"{OTHER}/24", f"{DESK6}/64"])
		self.box.start(check.traffic(), "serve", SSH).wait_port(SSH)
		self.agent = Agent(self.box).start()

	def typed(self, connection=f"{DESK} 51000 {BOX} {SSH}"):
		"""The environment of a shell that sshd started; None: a console."""
		environment = {name: value for name, value in os.environ.items() if not name.startswith("SSH_")}
		if connection:
			environment["SSH_CONNECTION"] = connection
		return environment

	def apply(self, text, *options, connection=f"{DESK} 51000 {BOX} {SSH}"):
		return self.agent.ask("apply", *options, self.agent.policy(text, "policy.conf"), env=self.typed(connection))

	def ask(self, *words, connection=f"{DESK} 51000 {BOX} {SSH}"):
		return self.agent.ask(*words, env=self.typed(connection))

	def standing(self):
		return self.agent.status()["policy"]["number"]

	def reaches(self, address=BOX, source=DESK):
		return check.reach(self.desk, address, SSH, timeout=0.5, source=source) == "connected"

	def entry(self, number):
		return next(entry for entry in self.agent.json("history") if entry["number"] == number)


def first(checks, site):
	done = site.apply(GOOD)
	checks.equal((done.returncode, site.standing()), (0, 1), "a policy that keeps the connection needs no window")
	checks.check(re.search(r"^policy 1 stands: 1 peer, .*; verified\n$", done.stdout), "one line says what stands", done.stdout)
	checks.check("+ peer main-pacs: " in done.stderr and "flows: " in done.stderr, "what changes is shown", done.stderr)
	checks.check("WARNING" not in done.stderr, "no warning", done.stderr)
	checks.check(site.reaches() and site.reaches(BOX6, ""), "the desk reaches the box")
	checks.equal(site.entry(1)["who"].split(" ", 1)[1], f"from {DESK}", "the history says from where")


def refused(checks, site):
	before = wall(site.box)
	for options, what in (((), "apply"), (("--json",), "apply --json"), (("--dry-run",), "apply --dry-run")):
		done = site.apply(CUTS, *options)
		checks.equal((done.returncode, site.standing()), (1, 1), f"{what} of a policy that cuts the connection: refused")
		checks.check(f"WARNING: this cuts the connection you type in, {DESK} to {BOX} port {SSH} ({site.interface})"
		             in done.stderr, f"{what}: says which connection", done.stderr)
		checks.check(f"the box is managed from {OTHER}, not from {DESK} (" in done.stderr, f"{what}: says why", done.stderr)
	done = site.apply(CUTS.replace("10.20.0.5", DESK), "--dry-run")
	checks.check(f"manage {{ from {DESK}; port {SSH} }} in the policy would keep it" in done.stderr,
	             "where another part of the policy is the reason: says what would keep it", done.stderr)
	answer = json.loads(site.apply(CUTS, "--json").stdout)
	checks.equal((answer["done"], answer["connection"]["verdict"], answer["before"]), (False, "cut", 1), "the same as JSON")
	checks.check("--confirm-within 2m" in site.apply(CUTS).stderr, "refused: says how to do it")
	checks.equal(site.apply(CUTS, connection=f"{DESK6} 51000 {BOX6} {SSH}").returncode, 1, "refused over IPv6 too")
	checks.equal(wall(site.box), before, "nothing was changed")
	checks.equal(len(site.agent.json("history")), 1, "and nothing is in the history")


def with_window(checks, site):
	begin = time.monotonic()
	done = site.apply(CUTS, "--confirm-within", f"{WINDOW}s")
	checks.equal(done.returncode, 0, "with a window it is done")
	checks.check("WARNING" in done.stderr and "policy 1 comes back by itself at " in done.stderr, "with a warning", done.stderr)
	checks.check(re.search(rf"policy 1 comes back at \d\d:\d\d:\d\d \(in {WINDOW} s\) unless you type:\n  leadglass confirm "
	                       rf"--run {site.agent.run}\n$", done.stdout), "when it ends and what to type", done.stdout)
	checks.check(not site.reaches(), "the desk is cut off")
	checks.check(site.reaches(source=OTHER), "the other place reaches the box")
	busy = site.apply(GOOD)
	checks.equal(busy.returncode, 1, "nothing else is applied meanwhile")
	checks.check("waits for its confirmation" in busy.stderr, "and why", busy.stderr)
	back = wait_until(lambda: site.reaches(), 4 * WINDOW)
	took = time.monotonic() - begin
	checks.check(back and took >= WINDOW, "it comes back by itself, not before its time", f"after {took:.2f} s")
	checks.equal((site.standing(), site.entry(2)["outcome"]), (1, "expired"), "the history says so")
	late = site.ask("confirm")
	checks.equal((late.returncode, late.stdout), (1, ""), "too late to confirm")


def confirmed(checks, site):
	site.apply(NARROW, "--confirm-within", f"{WINDOW}s")
	done = site.ask("confirm")
	number = site.standing()
	checks.equal((done.returncode, done.stdout), (0, f"policy {number} is confirmed and stays\n"), "confirm")
	time.sleep(WINDOW + 0.5)  # nothing may happen at the end of the window: there is no event to wait for
	checks.equal((site.standing(), site.entry(number)["outcome"]), (number, "confirmed"), "it stays")
	checks.equal(json.loads(site.agent.json("status") and site.ask("status", "--json").stdout)["policy"]["number"], number,
	             "status agrees")


def taken_back(checks, site):
	before = site.standing()
	site.apply(CUTS, "--confirm-within", "60s")
	checks.check(not site.reaches(), "a cutting policy stands")
	done = site.ask("rollback")
	checks.equal((done.returncode, site.standing()), (0, before), "rollback ends the window at once")
	checks.check(site.reaches(), "the desk reaches the box again")
	done = site.ask("rollback")
	checks.equal(done.returncode, 0, "rollback without a window: the policy that held before")
	entry = site.entry(site.standing())
	checks.equal(entry["copy_of"], 1, "is applied again, under a new number")
	number = entry["number"]
	done = site.ask("rollback", str(before), "--confirm-within", "60s")
	checks.equal((done.returncode, site.entry(site.standing())["pending"]), (0, True), "rollback to a number, with a window", )
	site.ask("rollback")
	checks.equal(site.standing(), number, "which rollback ends")
	done = site.ask("rollback", "2")
	checks.equal((done.returncode, site.standing()), (1, number), "rollback to a policy that cuts the connection: refused")
	checks.check("WARNING" in done.stderr and "rollback --confirm-within 2m" in done.stderr, "and says so", done.stderr)
	for words, code in ((["99"], 1), (["x"], 2), (["0"], 2), (["-1"], 2), (["1", "2"], 2)):
		checks.equal(site.ask("rollback", *words).returncode, code, f"rollback {' '.join(words)}: exit status {code}")
	checks.equal(site.standing(), number, "nothing was changed")


def other_ways_in(checks, site):
	before = site.standing()
	checks.equal(site.apply(CUTS, "--yes").returncode, 0, "--yes does it")
	checks.check(not site.reaches(), "and the desk is cut off")
	checks.equal(site.apply(GOOD, connection=None).returncode, 0, "from a console nothing is asked")
	done = site.apply(CUTS, connection=None)
	checks.equal(done.returncode, 0, "a console is never cut off")
	checks.check("WARNING" not in done.stderr, "so there is no warning", done.stderr)
	done = site.apply(GOOD, connection=f"{DESK} 51000 10.99.99.99 {SSH}")
	checks.equal(done.returncode, 0, "an address that is not ours: done")
	checks.check("cannot be told" in done.stderr, "with a note", done.stderr)
	done = site.apply(CUTS, connection=f"127.0.0.1 51000 127.0.0.1 {SSH}")
	checks.equal((done.returncode, "WARNING" in done.stderr), (0, False), "over loopback: nothing is cut")
	checks.equal(site.apply(CUTS.replace(OTHER, f"{DESK}; port 2222")).returncode, 1, "another port: cut")
	checks.equal(site.apply(CUTS.replace(OTHER, f"{DESK}; interface nosuch0")).returncode, 1, "another interface: cut")
	done = site.apply(CUTS.replace(OTHER, f"{DESK}; interface {site.interface}"))
	checks.equal(done.returncode, 0, "the right interface: kept")
	checks.check(site.standing() > before, "policies were applied")


def terminal(checks, site):
	"""sudo takes SSH_CONNECTION away; then the terminal's line in utmp says from where, and no ports."""
	master, slave = pty.openpty()
	line = os.ttyname(slave).removeprefix("/dev/")
	address = bytes(map(int, DESK.split("."))) + bytes(12)
	record = struct.pack("hi32s4s32s256shhiii16s20s", 7, os.getpid(), line.encode(), b"", b"alice", b"desk", 0, 0, 0, 0, 0,
	                     address, b"")
	utmp = site.agent.folder / "utmp"
	utmp.write_bytes(record)
	# The shells above us may have an SSH_CONNECTION of their own: a process tree apart, with its own /run.
	script = f"mount -t tmpfs none /run && cp {utmp} /run/utmp && exec \"$@\""
	apart = [*site.box.enter, "unshare", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", script, "sh"]

	def apply(text, *options):
		path = site.agent.policy(text, "policy.conf")
		return subprocess.run([*apart, check.command(), "apply", "--run", site.agent.run, *options, path], stdin=slave,
		                      capture_output=True, text=True, timeout=60, env=site.typed(None))
	before = site.standing()
	try:
		done = apply(CUTS)
		checks.equal((done.returncode, site.standing()), (1, before), "known from utmp: a policy that cuts is refused")
		checks.check(f"{DESK} to {BOX} port {SSH} ({site.interface})" in done.stderr, "with the address of ours", done.stderr)
		done = apply(GOOD.replace(DESK6, f"{DESK6}; port 22 2222"))
		checks.equal(done.returncode, 0, "known from utmp: one that keeps it is applied")
		done = apply(GOOD.replace(DESK6, f"{DESK6}; port 2222"))
		checks.equal(done.returncode, 0, "no port is known: one through which to manage is enough")
		checks.equal(site.entry(site.standing())["who"].split(" ", 1)[1], f"from {DESK}", "the history says from where")
	finally:
		os.close(master)
		os.close(slave)


def windows(checks, site):
	site.apply(CUTS, connection=None)
	checks.check(not site.reaches(), "the desk is cut off")
	allow = ["allow", "--for", "1h", "--from", DESK, "--to-port", str(SSH), "--reason", "new tube, ticket 4711"]
	done = site.ask(*allow)
	checks.check(done.returncode == 0 and re.match(rf"{DESK} to this box port {SSH} is open until \d.* \(1 h\)\n$", done.stdout),
	             "allow", f"{done.stdout}{done.stderr}")
	checks.check(site.reaches(), "the desk comes in")
	listed = json.loads(site.ask("allow", "--list", "--json").stdout)
	checks.equal([(row["from"], row["port"], row["reason"]) for row in listed], [(DESK, SSH, "new tube, ticket 4711")], "it is listed")
	text = site.ask("allow", "--list").stdout
	checks.check(f"{DESK} to this box port {SSH}: " in text and "new tube, ticket 4711" in text, "also for people", text)
	done = site.apply(CUTS.replace(OTHER, "10.20.9.79"))
	checks.equal(done.returncode, 0, "over a service window a policy without us is no cut")
	checks.check("through a service window only" in done.stderr, "but worth a warning", done.stderr)
	checks.check(site.reaches(), "the window stays open across an apply")
	close = ["allow", "--close", "--from", DESK, "--to-port", str(SSH)]
	checks.equal(site.ask(*close).returncode, 0, "closed early")
	checks.check(not site.reaches(), "the desk is out")
	checks.equal(site.ask(*close).returncode, 1, "closed twice: there is no such window")
	checks.equal(site.ask("allow", "--list").stdout, "no service window is open\n", "none is open")
	site.ask(*allow, "--to", "ct")
	checks.check(site.reaches(), "role host: the device's name is this machine")
	checks.equal(site.ask("allow", "--close", "--all").stdout, "1 service window closed\n", "all are closed")
	for words, said in ((["--from", "10.20.9.0/24"], "one address"), (["--from", "desk"], "not an address"),
	                    (["--to-port", "0"], "1 to 65535"), (["--to-port", "ssh"], "1 to 65535"), (["--to", "nobody"], "no such device"),
	                    (["--reason", "x" * 96], "at most"), (["--reason", "two\nlines"], "one line"), (["--for", "8d"], "at most 7d")):
		full = list(allow)
		if words[0] in full:
			full[full.index(words[0]) + 1] = words[1]
		else:
			full += words
		done = site.ask(*full)
		checks.check(done.returncode == 2 and said in done.stderr, f"allow {' '.join(words)[:40]!r}: usage", f"{done.returncode} {done.stderr}")
	for missing in ("--for", "--from", "--to-port", "--reason"):
		at = allow.index(missing)
		done = site.ask(*allow[:at], *allow[at + 2:])
		checks.check(done.returncode == 2 and f"{missing} is missing" in done.stderr, f"allow without {missing}", done.stderr)
	done = site.ask(*allow, "--to", "10.20.0.5")
	checks.equal(done.returncode, 3, "role host: an address behind it makes no sense")
	checks.equal(json.loads(site.ask("allow", "--list", "--json").stdout), [], "none of these opened anything")


def offline(checks, lab):
	"""What `apply --offline` wrote is what an agent starts with."""
	box = lab.host("fresh")
	agent = Agent(box)
	path = agent.policy(GOOD)
	done = box.run(check.command(), "apply", "--offline", "--state", agent.state, path)
	checks.equal(done.returncode, 0, "apply --offline")
	agent.start()
	status = agent.status()
	checks.equal((status["wall"], status["policy"]["number"]), ("up", 1), "an agent starts with it")
	done = box.run(check.command(), "apply", "--offline", "--state", agent.state, path)
	checks.equal(done.returncode, 4, "apply --offline while an agent runs: refused")
	checks.check("leave --offline out" in done.stderr, "and says what to do", done.stderr)


def gateway(checks, lab):
	"""Windows to devices behind a gateway, by the name the policy gives them."""
	box = lab.host("gate", forwarding=True)
	desk, device = lab.host("service"), lab.host("device")
	lab.wire(box, ["10.20.9.1/24"], desk, ["10.20.9.80/24"])
	lab.wire(box, ["10.20.1.1/24"], device, ["10.20.1.10/24"])
	desk.route("default", "10.20.9.1")
	device.route("default", "10.20.1.1")
	device.start(check.traffic(), "serve", "3389").wait_port(3389)
	agent = Agent(box).start()
	agent.must_apply("role router\nbox { address 10.20.9.1/24 10.20.1.1/24 }\n"
	                 "device ct-3 { ae-title CT; port 11112; address 10.20.1.10 }\n"
	                 "manage { from 10.20.9.0/24 }\n")

	def reaches():
		return check.reach(desk, "10.20.1.10", 3389, timeout=0.5) == "connected"
	checks.check(not reaches(), "the device is behind the wall")
	allow = ["allow", "--for", "1h", "--from", "10.20.9.80", "--to-port", "3389", "--reason", "test"]
	done = agent.ask(*allow, "--to", "ct-3")
	checks.check(done.returncode == 0 and done.stdout.startswith("10.20.9.80 to 10.20.1.10 port 3389 is open until "),
	             "allow --to a device by its name", f"{done.stdout}{done.stderr}")
	checks.check(reaches(), "it is reached")
	checks.equal(agent.ask("allow", "--close", "--from", "10.20.9.80", "--to", "ct-3", "--to-port", "3389").returncode, 0, "closed")
	checks.check(not reaches(), "and is not reached any more")
	done = agent.ask(*[word.replace("10.20.9.80", "fd20::80") for word in allow], "--to", "ct-3")
	checks.check(done.returncode == 2 and "has no IPv6 address" in done.stderr, "a device without such an address", done.stderr)
	checks.equal(agent.ask(*allow, "--to", "10.20.1.99").returncode, 3, "an address that is no device's is refused")


def test(checks):
	with Lab() as lab:
		site = Site(lab)
		first(checks, site)
		refused(checks, site)
		with_window(checks, site)
		confirmed(checks, site)
		taken_back(checks, site)
		other_ways_in(checks, site)
		terminal(checks, site)
		windows(checks, site)
		offline(checks, lab)
		gateway(checks, lab)


check.run(test)
