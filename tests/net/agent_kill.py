#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The agent is killed (-9) as it enters a system call: at the first one of a change, the second, the third, to the last,
under a flood of what is not allowed and a stream of what is. Changes are: an apply without a window, one with a window, a
confirmation, a rollback, a window that ends by itself; and the start: of the machine (no rules yet), and with a policy on
the disk that still waits for its confirmation. After each kill the kernel holds the old wall or the new one, and an agent started again finds
the state it promised; at the end nothing has leaked and no allowed connection was lost.

	agent_kill.py [--every N] [--signed] [apply | window | confirm | rollback | expire | boot | boot-pending]...

With --signed the box takes signed policies only; then a serial below that of the standing policy is never taken again.

Inside a call that changes something (rename, the transaction) nothing can be killed: it is one step of the kernel's."""
import argparse
import os
import re
import shutil
import signal
import time
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
NO_WALL = ""


def killat():
	return check._program("LEADGLASS_KILLAT", "killat")


def rules(host):
	"""The wall, its sets in the order of their names: the kernel lists them as they were made, now or in an earlier load."""
	one = r"(?ms)^\tset .*?^\t}\n"
	text = wall(host)
	return re.sub(r"\n+", "\n", "".join(sorted(re.findall(one, text))) + re.sub(one, "", text))


class Sweep:
	def __init__(self, checks, box, signed):
		self.checks, self.box = checks, box
		self.agent, self.key, self.serial = Agent(box).start(), None, 0
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
		text = block(self.serial) + POLICIES[index]
		path.write_bytes(self.key.sign(text) if self.key else text.encode())
		return path

	def remembers(self, status):
		"""Whether what stands after a start was signed, and is what no later policy may fall short of."""
		accepted = (self.agent.state / "accepted").read_text()
		return status["policy"]["trust"] == "signed" and f"\nserial {status['policy']['serial']}\n" in accepted

	def expect(self, good, what, detail=""):
		if not good and len(self.wrong) < 10:
			self.wrong.append(f"{what}: {detail}")
		return good

	def change(self, kind):
		"""The words of the command, which walls may stand after the kill, which policy after a restart when it was
		answered with success, and when it was not."""
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

	def attach(self, call, *more):
		killer = self.box.start(killat(), self.agent.pid, call, *more, log=self.agent.folder / "killat.log")
		wait_until(lambda: "attached" in killer.output() or not killer.running(), 10, step=0.002)
		return killer

	def start_under(self, call):
		"""A start of the agent, killed at the Nth call after the program has begun; ready, when it makes fewer."""
		self.agent.enter = ["sh", "-c", 'kill -STOP $$; exec "$@"', "sh"]
		self.agent.launch()
		self.agent.enter = []
		wait_until(lambda: Path(f"/proc/{self.agent.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T", 10, step=0.001)
		killer = self.attach(call, "exec")
		os.kill(self.agent.pid, signal.SIGCONT)
		wait_until(lambda: not killer.running() or "READY=1" in self.agent.heard(), 30, step=0.002)
		return killer

	def attempt(self, kind, call):
		"""One change, killed at its Nth call. The call's number, or None when the change makes fewer."""
		words, walls, after_yes, after_no = self.change(kind)
		answered = False
		if kind.startswith("boot"):
			killer = self.start_under(call)
		else:
			killer = self.attach(call)
		if words:
			client = self.box.start(check.command(), words[0], "--run", self.agent.run, *words[1:],
			                        log=self.agent.folder / "client.log")
			answered = client.wait(30) == 0
			(self.agent.folder / "client.log").unlink()
		if kind == "expire":  # the agent is not asked: that would be calls, too
			wait_until(lambda: not killer.running() or rules(self.box) == self.walls[self.standing], 30, step=0.005)
		wait_until(lambda: not killer.running() or self.agent.idle(), 30, step=0.002)
		if killer.running():
			killer.popen.terminate()
		killer.wait(10)
		said, number = killer.output(), None
		(self.agent.folder / "killat.log").unlink()
		if "made" not in said:
			number = int(re.search(r"killed at call \d+ number (\d+)", said)[1])
			self.agent.process.wait(10)
		held = rules(self.box)
		where = f"{kind}, call {call} (number {number}), {'answered' if answered else 'not answered'}"
		self.expect(held in [NO_WALL if index is None else self.walls[index] for index in walls], f"{where}: the wall after the kill", held)
		if number is None:
			self.agent.kill()
		self.agent.start()
		status, held = self.agent.status(), rules(self.box)
		allowed = after_yes if answered else after_no
		found = [index for index in (0, 1) if held == self.walls[index]]
		self.expect(found and found[0] in allowed, f"{where}: the wall after a restart", f"{found} of {allowed}\n{held}")
		self.expect(status["wall"] == "up" and not status["alarms"], f"{where}: the status", status)
		if self.key:
			self.expect(self.remembers(status), f"{where}: what was accepted", status["policy"])
		if found:
			self.standing = found[0]
		return number

	def run(self, kind, every):
		calls, call, number = set(), 1, 0
		points, begin = 0, time.monotonic()
		while number is not None and not self.wrong:
			number = self.attempt(kind, call)
			if number is not None:
				calls.add(number)
				points += 1
			call += every
		self.checks.check(not self.wrong, f"{kind}: killed at {points} system calls ({len(calls)} different ones)", "\n".join(self.wrong))
		self.checks.check(points >= 20 // every, f"{kind}: it makes that many", points)
		leftovers = [path.name for path in self.agent.state.iterdir() if path.name.endswith(".new")]
		self.checks.equal(leftovers, [], f"{kind}: no temporary file stays behind")
		print(f"     {time.monotonic() - begin:.0f} s")


def test(checks):
	parser = argparse.ArgumentParser()
	parser.add_argument("--every", type=int, default=1, help="try only each Nth call")
	parser.add_argument("--signed", action="store_true", help="signed policies only")
	parser.add_argument("kinds", nargs="*", default=["apply", "window", "confirm", "rollback"])
	options = parser.parse_args()
	with Lab() as lab:
		box, peer = lab.host("box"), lab.host("peer")
		lab.wire(box, [f"{DEVICE}/24"], peer, [f"{PEER}/24"])
		box.route("default", PEER)
		sweep = Sweep(checks, box, options.signed)
		server = box.start(check.traffic(), "serve", 11112).wait_port(11112)
		sink = box.start(check.traffic(), "sink", 9999).wait_port(9999, protocol="udp")
		stream = peer.start(check.traffic(), "connect", DEVICE, 11112)
		flood = peer.start(check.traffic(), "flood", DEVICE, 9999, 2000)
		without_rules = [kind for kind in options.kinds if kind == "boot"]  # everything passes meanwhile
		for kind in options.kinds:
			if kind not in without_rules:
				sweep.run(kind, options.every)
		for process in (flood, stream, sink, server):
			process.stop()
		print(f"     {flood.output().strip()}; {sink.output().strip()}; {stream.output().strip()}")
		checks.equal(sink.output().strip(), "received 0", "nothing leaked meanwhile")
		checks.check(re.search(r"connections [1-9]\d* failed 0 delayed 0", stream.output()), "no allowed connection was lost",
		             stream.output())
		for kind in without_rules:
			sweep.run(kind, options.every)


if __name__ == "__main__":
	check.run(test)
