# SPDX-License-Identifier: GPL-2.0-or-later
"""What agent_kill.py and agent_fail.py share: an agent with two policies, the changes from the one to the other, which
walls may stand after them, and something that befalls a process at its Nth system call (atcall.c), which command_fail.py
uses as well. A test is a subclass of Sweep with an `attempt`."""
import argparse
import errno
import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import check
from agentlab import Agent, wall
from lab import Lab, wait_until
from signing import Pki, Trust, block

DEVICE, PEER = "10.20.1.10", "10.20.1.5"
HEAD = f"""role host
device ct {{ ae-title CT; port 11112 }}
peer main-pacs {{ address {PEER}; ae-title PACS; port 104; initiates storage; accepts echo }}
"""
# They differ in elements and, because of the network, in rules.
POLICIES = (HEAD + "peer other { address 10.20.7.1; ae-title OTHER; port 104; initiates echo }\n",
            HEAD + "peer net { address 10.20.8.0/24; ae-title NET; port 104; initiates echo; accepts echo }\n")
WINDOW, BRIEF = ("--confirm-within", "300s"), ("--confirm-within", "1s")
ALLOCATION = "allocation"
NO_WALL = ""
MANY = 5  # complaints that end a sweep
WIDER = 331
# atcall.c has the calls of each name.
CALLS = {
	"open": "EMFILE",
	"read": "EIO",
	"write": "ENOSPC",
	"sync": "EIO",
	"rename": "EIO",
	"change": "EROFS",
	"look": "EIO",
	"send": "ENOBUFS",
	"receive": "ENOBUFS",
	"memory": "ENOMEM",
	"wait": "ENOMEM",
	"begin": "ENFILE",
	"send-interrupted": "EINTR",
	"receive-interrupted": "EINTR",
}
# What may befall the process that verifies a signature: at its Nth call or allocation, or to the Nth octet it writes.
VERIFIER = ("verifier-killed", "verifier-call", "verifier-octet", "verifier-allocation")
KINDS = ("apply", "window", "confirm", "rollback", "expire", "boot", "boot-pending")


def rules(host):
	"""The wall, its sets in the order of their names: the kernel lists them as they were made, now or in an earlier load."""
	one = r"(?ms)^\tset .*?^\t}\n"
	text = wall(host)
	return re.sub(r"\n+", "\n", "".join(sorted(re.findall(one, text))) + re.sub(one, "", text))


def site(lab):
	"""The agent's box and a peer of it."""
	box, peer = lab.host("box"), lab.host("peer")
	lab.wire(box, [f"{DEVICE}/24"], peer, [f"{PEER}/24"])
	box.route("default", PEER)
	return box, peer


def attach(host, pid, call, *what):
	"""An atcall that waits for the Nth call."""
	watcher = host.start(check._program("LEADGLASS_ATCALL", "atcall"), pid, call, *what)
	wait_until(lambda: "attached" in watcher.output() or not watcher.running(), 10, step=0.002)
	return watcher


def let_go(watcher):
	"""The number of the system call at which it happened; None: the process made fewer."""
	if watcher.running():
		watcher.popen.terminate()
	watcher.wait(10)
	happened = re.search(r"(?:killed at|failed|garbled) call \d+ number (\d+)", watcher.output())
	watcher.log.unlink()
	return int(happened[1]) if happened else None


# Before the words of a program: it stands still as soon as it exists.
STOPPED = ["sh", "-c", 'kill -STOP $$; exec "$@"', "sh"]


def attach_to_start(host, pid, call, *what):
	"""The same for a program started behind STOPPED, which goes on now. Nothing counts before it has begun."""
	wait_until(lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T", 10, step=0.001)
	watcher = attach(host, pid, call, *what, *(["exec"] if "child" not in what else []))
	os.kill(pid, signal.SIGCONT)
	return watcher


def failing(name, call):
	"""What atcall is to do: one of the CALLS fails, or one of VERIFIER happens."""
	if name in CALLS:
		return "fail", name.partition("-")[0], getattr(errno, CALLS[name])
	# Of two octets the one becomes its neighbour, which may make sense, the other what makes none.
	return {"verifier-killed": ("kill", "child"), "verifier-call": ("fail", "any", errno.EIO, "child"),
	        "verifier-octet": ("garble", 1 if call % 2 else 255, "child")}[name]


def faults(program, *more):
	"""The names of CALLS and `more`, without those of an allocator that is not the C library's."""
	asan = "libasan" in subprocess.run(["ldd", program], capture_output=True, text=True).stdout
	return [name for name in CALLS if name != "memory"] if asan else [*CALLS, *more]


class Sample:
	"""What is tried in a program in which something fails: its options."""

	def __init__(self, faults, kinds, signed=()):
		"""`signed`: faults that there are besides where signed policies alone are taken, with the option --signed."""
		parser = argparse.ArgumentParser()
		parser.add_argument("--every", type=int, default=1, help="try only each Nth call")
		parser.add_argument("--among", type=int, default=1, help="try only each Nth pair of a change and a fault")
		parser.add_argument("--offset", type=int, default=int(time.time() / 86400), help="where both begin; else every day elsewhere")
		parser.add_argument("--only", help="these faults")
		if signed:
			parser.add_argument("--signed", action="store_true", help="signed policies only")
		parser.add_argument("kinds", nargs="*", default=kinds)
		self.options = parser.parse_args()
		self.signed = {"signed": True} if signed and self.options.signed else {}
		self.faults = [*faults, *(signed if self.signed else ())]
		if self.options.only:
			self.faults = [name for each in self.options.only.split(",") for name in (signed if each == "verifier" else [each])]
		self.points = 0

	def pairs(self):
		"""A change, a fault, the first call at which to try it, and the distance to the next. There are ten times as many
		allocations as calls of any kind."""
		chosen = self.options
		for number, (kind, name) in enumerate(product(chosen.kinds, self.faults)):
			if (number + chosen.offset) % chosen.among == 0:
				every = chosen.every ** 2 if name in (ALLOCATION, "verifier-octet") else chosen.every
				yield kind, name, 1 + (number + chosen.offset // chosen.among) % every, every

	def run(self, checks, kind):
		"""All of them, in a lab: kind(checks, box).run(*pair) returns how many points it tried."""
		with Lab() as lab:
			fail = kind(checks, site(lab)[0], **self.signed)
			for pair in self.pairs():
				self.points += fail.run(*pair)
		chosen = self.options
		print(f"{self.points} points tried (--every {chosen.every} --among {chosen.among} --offset {chosen.offset})")
		checks.check(self.points > 0, "something was tried", self.points)


@contextmanager
def traffic(checks, box, peer, rate=2000):
	"""A flood of what is not allowed and a stream of what is, meanwhile. Nothing leaks and no connection is lost."""
	server = box.start(check.traffic(), "serve", 11112).wait_port(11112)
	sink = box.start(check.traffic(), "sink", 9999).wait_port(9999, protocol="udp")
	stream = peer.start(check.traffic(), "connect", DEVICE, 11112)
	flood = peer.start(check.traffic(), "flood", DEVICE, 9999, rate)
	yield
	for process in (flood, stream, sink, server):
		process.stop()
	print(f"     {flood.output().strip()}; {sink.output().strip()}; {stream.output().strip()}")
	checks.equal(sink.output().strip(), "received 0", "nothing leaked meanwhile")
	checks.check(re.search(r"connections [1-9]\d* failed 0 delayed 0", stream.output()), "no allowed connection was lost",
	             stream.output())


def until_none(attempt, wrong, first=1, every=1, wide=None):
	"""Attempts at the first call, the one `every` further, and so on, until one finds nothing left that could happen,
	or too much is wrong; beyond number `wide` they are WIDER apart. What they returned."""
	found, call = [], first
	while len(wrong) < MANY:
		number = attempt(call)
		if number is None:
			break
		found.append(number)
		call += every * WIDER if wide and call > wide else every
	return found


class Sweep:
	def __init__(self, checks, box, signed=False):
		self.checks, self.box = checks, box
		self.agent, self.key, self.serial = Agent(box).start(), None, 0
		self.serials = {}  # which policy has which
		if signed:
			self.key = Pki(box.lab.dir / "pki").key()
			trust = Trust(self.agent.trust)
			trust.identify()
			trust.add("desk", self.key)
		self.walls = []
		for index in (1, 0):
			self.agent.must("apply", self.file(index))
			self.walls.insert(0, rules(box))
		self.standing = 0  # index of the confirmed one
		self.wrong = []

	def file(self, index):
		"""One of the two policies; signed, with a serial that is its own."""
		path = self.agent.folder / f"policy{index}.conf"
		self.serial += 1
		self.serials[self.serial] = index
		text = block(self.serial) + POLICIES[index]
		path.write_bytes(self.key.sign(text) if self.key else text.encode())
		return path

	def remembers(self, status):
		"""Whether what stands after a start was signed, and is what no later policy may fall short of."""
		accepted = (self.agent.state / "accepted").read_text()
		return status["policy"]["trust"] == "signed" and f"\nserial {status['policy']['serial']}\n" in accepted

	def expect(self, good, what, detail=""):
		if not good:
			self.wrong.append(f"{what}: {detail}")
		return good

	def which(self, held):
		"""Of a wall, for complaints."""
		if held == NO_WALL:
			return "no wall"
		return "the old wall" if held == self.walls[self.standing] else "the new wall" if held in self.walls else held

	def change(self, kind):
		"""The words of the command, which walls may stand after an interruption, which policy after a restart when it
		was answered with success, and when it was not."""
		new = 1 - self.standing
		both = {self.standing, new}
		if kind == "apply":
			return ("apply", self.file(new)), both, {new}, both
		if kind == "window":
			return ("apply", *WINDOW, self.file(new)), both, {self.standing}, {self.standing}
		if kind == "expire":
			self.agent.must("apply", *BRIEF, self.file(new))
			return None, both, {self.standing}, {self.standing}
		if kind == "boot":  # the machine has just been switched on
			self.agent.kill()
			self.box.run(check.command(), "remove", "--yes", check=True)
			shutil.rmtree(self.agent.run)
			return None, {self.standing, None}, {self.standing}, {self.standing}
		if kind == "boot-pending":
			self.agent.must("apply", *WINDOW, self.file(new))
			self.agent.kill()
			return None, both, {self.standing}, {self.standing}
		self.agent.must("apply", *WINDOW, self.file(new))
		if kind == "confirm":
			return ("confirm",), {new}, {new}, both
		return ("rollback",), both, {self.standing}, {self.standing}

	def launch(self, *before):
		"""A start of the agent; `before`: words ahead of it."""
		enter = self.agent.enter
		self.agent.enter = [*before, *enter]
		self.agent.launch()
		self.agent.enter = enter

	def ask(self, words):
		"""The command's exit status and what it said."""
		client = self.box.start(check.command(), words[0], "--run", self.agent.run, *words[1:])
		status, said = client.wait(30), client.output()
		client.log.unlink()
		return status, said

	def restart(self, where, allowed):
		"""The next start finds a good state: the wall is one of the allowed and nothing is amiss."""
		if self.agent.running():
			self.agent.kill()
		self.agent.start()
		status, held = self.agent.status(), rules(self.box)
		found = [index for index in (0, 1) if held == self.walls[index]]
		self.expect(found and found[0] in allowed, f"{where}: the wall after a restart", f"{self.which(held)}, not of {allowed}")
		self.expect(status["wall"] == "up" and not status["alarms"], f"{where}: the status", status)
		if self.key:
			self.expect(self.remembers(status), f"{where}: what was accepted", status["policy"])
		if found:
			self.standing = found[0]

	def report(self, what, begin):
		self.checks.check(not self.wrong, what, "\n".join(self.wrong))
		leftovers = [path.name for path in self.agent.state.iterdir() if path.name.endswith(".new")]
		self.checks.equal(leftovers, [], f"{what.partition(':')[0]}: no temporary file stays behind")
		print(f"     {time.monotonic() - begin:.0f} s")
		self.wrong = []
