#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A system call of the agent fails, or an allocation: the first one of its kind in a change, the second, the third, to
the last; nothing else is wrong. Each time:

- the command is answered, in time; success means that what was asked for stands, a refusal that it does not and why;
- the kernel holds the old wall or the new one, whole; of a start also the closed one; `status` does not deny it;
- the agent lives; at a start it may have ended, and has said why;
- it is killed then, and the next start finds what was promised, and nothing amiss.

	agent_fail.py [--signed] [--every N] [--among N] [--offset N] [--only FAULT,...] [CHANGE...]

Changes are those of agent_kill.py. Faults are the CALLS of sweep.py and `allocation`. With --signed the box takes signed
policies only, and there are those of VERIFIER, too (`verifier` is all of them): the process that verifies is killed at its
Nth call, a call of it fails, it writes another octet than it meant to, or it lacks memory (from the hundredth of its many
allocations on they are tried farther apart). With --every only each Nth call is tried, with --among each Nth pair of
change and fault, beginning elsewhere every day (or at --offset): in the end all are."""
import re
import shutil
import signal
import struct
import time

import check
import sweep
from agentlab import program
from lab import wait_until
from sweep import ALLOCATION, KINDS, NO_WALL, rules

LOST = "without an answer"  # what the command says when none came: done or not
MUTE = "nobody can talk to the agent"  # what the agent says when it keeps the wall all the same


class Call:
	"""The Nth system call of a kind fails."""

	def __init__(self, agent, name):
		self.agent, self.box, self.name = agent, agent.host, name

	def arm(self, number):
		self.watcher = sweep.attach(self.box, self.agent.pid, number, *sweep.failing(self.name, number))

	def start(self, fail, number):
		fail.launch(*sweep.STOPPED)
		self.watcher = sweep.attach_to_start(self.box, self.agent.pid, number, *sweep.failing(self.name, number))

	def disarm(self):
		return sweep.let_go(self.watcher)


class Allocation:
	"""The Nth allocation fails, of the agent or of the process that verifies. The agent runs with allocate.c, which reads
	the number from a file."""

	def __init__(self, agent, of_verifier=False):
		self.of_verifier = of_verifier
		self.file = agent.folder / "allocations"
		self.arm(0)
		shim = check._program("LEADGLASS_ALLOCATE", "libcli-allocate.so")
		agent.enter = ["env", f"LD_PRELOAD={shim}", f"FAIL_FILE={self.file}"]

	def arm(self, number):
		with open(self.file, "r+b" if self.file.exists() else "wb") as file:
			file.write(struct.pack("@ll", *((0, number) if self.of_verifier else (number, 0))))

	def start(self, fail, number):
		self.arm(number)
		fail.launch()

	def disarm(self):
		left, of_child = struct.unpack("@ll", self.file.read_bytes())
		self.arm(0)
		return 0 if (of_child < 0 if self.of_verifier else left == 0) else None


class Fail(sweep.Sweep):
	def __init__(self, checks, box, signed=False):
		super().__init__(checks, box, signed)
		self.closed = [self.closed_wall("policy.*"), self.closed_wall("*")]
		self.agent.start()

	def closed_wall(self, lost):
		"""What the agent puts up without these of its files."""
		state, kept = self.agent.state, self.agent.folder / "kept"
		if self.agent.running():
			self.agent.kill()
		shutil.copytree(state, kept)
		for path in state.glob(lost):
			path.unlink()
		shutil.rmtree(self.agent.run)
		self.agent.start()
		held = rules(self.box)
		self.agent.kill()
		shutil.rmtree(state)
		kept.rename(state)
		return held

	def start_under(self, call):
		"""A start of the agent with the fault: ready in the end, or ended."""
		self.fault.start(self, call)
		wait_until(lambda: not self.agent.running() or "READY=1" in self.agent.heard(), 40, step=0.005)

	def settle(self, kind):
		"""Until all that comes of it is done, but for another attempt after some seconds. Whether it came to an end."""
		if kind == "expire":
			wait_until(lambda: rules(self.box) == self.walls[self.standing] or not self.agent.running() or
			           "going back did not succeed" in self.agent.output(), 30, step=0.02)
		return wait_until(lambda: not self.agent.running() or self.agent.idle(), 30, step=0.002)

	def look(self, where, kind, words, walls, answer):
		"""The wall, and what is said about it."""
		new, old = 1 - self.standing, self.standing
		status, said = answer
		if words and status == 0:
			walls = {old} if kind == "rollback" else {new}
		elif words and LOST not in said and kind in ("apply", "window"):
			walls = {old}
		held = rules(self.box)
		good = [NO_WALL if index is None else self.walls[index] for index in walls]
		if words and status != 0:
			self.expect(re.search(r"(?m)^leadglass: ", said), f"{where}: a refusal says why", said)
		if not self.agent.running():
			self.left += 1
			ended, said = self.agent.process.wait(0), self.agent.output().strip()
			# The dynamic loader has no words when it has no memory.
			wordless = self.name == "memory" and ended == -signal.SIGSEGV
			self.expect(wordless or (ended in (1, 4, 5, 127) and said), f"{where}: it ended and said why", f"{ended}, {said}")
			self.expect(kind.startswith("boot"), f"{where}: once it is ready it stays", f"{ended}, {said}")
			self.expect(held in good, f"{where}: the wall after it ended", self.which(held))
			return
		if kind.startswith("boot") and MUTE in self.agent.output():
			self.expect(held in good, f"{where}: the wall", self.which(held))
			return
		about = self.agent.status()
		closed = kind.startswith("boot") and about["policy"]["number"] is None and held in self.closed
		self.expect(held in good or closed, f"{where}: the wall", f"{self.which(held)}\n{about}\n{said}")
		if closed:
			self.expect(about["alarms"] or about["reason"], f"{where}: the closed wall has a reason", about)
		elif about["wall"] == "up" and "wall" not in [alarm["name"] for alarm in about["alarms"]]:
			index = self.serials.get(about["policy"]["serial"])
			self.expect(index is not None and held == self.walls[index], f"{where}: the status tells of another wall", f"{about}\n{self.which(held)}")

	def attempt(self, kind, call):
		"""One change, in which the Nth call fails. None when it makes fewer."""
		words, walls, after_yes, after_no = self.change(kind)
		answer = None, ""
		if kind.startswith("boot"):
			self.start_under(call)
		else:
			self.fault.arm(call)
		if words:
			answer = self.ask(words)
		settled = self.settle(kind)
		number = self.fault.disarm()
		where = f"{kind}, {self.name} {call} (call {number}), exit {answer[0]}"
		self.expect(number is not None or not words or answer[0] == 0, f"{where}: nothing has failed", answer[1])
		self.expect(settled, f"{where}: the agent comes to rest")
		self.look(where, kind, words, walls, answer)
		if answer[0] and LOST not in answer[1]:
			after_no = {self.standing}
		self.restart(where, after_yes if answer[0] == 0 else after_no)
		return number

	def run(self, kind, name, first, every):
		begin, self.name, self.left = time.monotonic(), name, 0
		self.agent.kill()
		self.agent.enter = []
		allocates = name.endswith(ALLOCATION)
		self.fault = Allocation(self.agent, name != ALLOCATION) if allocates else Call(self.agent, name)
		self.agent.start()
		found = sweep.until_none(lambda call: self.attempt(kind, call), self.wrong, first, every,
		                         wide=100 if name == "verifier-allocation" else None)
		self.report(f"{kind}, {name}: {len(found)} points tried, the agent ended at {self.left}", begin)
		return len(found)


def test(checks):
	sweep.Sample(sweep.faults(program(), ALLOCATION), KINDS, sweep.VERIFIER).run(checks, Fail)


if __name__ == "__main__":
	check.run(test)
