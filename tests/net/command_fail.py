#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A system call of the command fails, where it speaks to the kernel or writes the state folder itself: each in turn, from
the program's first to its last. Its exit status and the wall agree: done means done, anything else that the old wall
stands or the new one, whole; `verify` never says of a wall what is not so; what `apply --offline` leaves is what an agent
starts with. Allocations: tests/cli/allocation.py.

	command_fail.py [--every N] [--among N] [--offset N] [--only FAULT,...] [load | remove | verify | differs | offline]..."""
import re
import signal
import time

import check
import sweep
from sweep import NO_WALL, POLICIES, rules

KINDS = ("load", "remove", "verify", "differs", "offline")
DONE, DIFFERS = 0, 1
# The dynamic loader's 127, and as it may end without memory; the command's own.
FAILED = (127, -signal.SIGSEGV, 3, 4, 5)


class Fail:
	def __init__(self, checks, box):
		self.checks, self.box, self.wrong = checks, box, []
		self.state = box.lab.dir / "state"
		self.files, self.walls = [], []
		for index, text in enumerate(POLICIES):
			self.files.append(box.lab.dir / f"policy{index}.conf")
			self.files[index].write_text(text)
		for file in reversed(self.files):
			box.run(check.command(), "load", file, check=True)
			self.walls.insert(0, rules(box))

	def expect(self, good, what, detail=""):
		if not good:
			self.wrong.append(f"{what}: {detail}")

	def prepare(self, kind):
		"""The first of the two stands, or is what the state folder has. The words, and what may be after them."""
		if kind == "offline":
			self.box.run("rm", "-rf", self.state)
			self.apply_offline(0)
			return ("apply", "--offline", "--state", self.state, self.files[1])
		self.box.run(check.command(), "load", self.files[0], check=True)
		return {"load": ("load", self.files[1]), "remove": ("remove", "--yes"), "verify": ("verify", self.files[0]),
		        "differs": ("verify", self.files[1])}[kind]

	def apply_offline(self, index, **more):
		return self.box.run(check.command(), "apply", "--offline", "--state", self.state, self.files[index], **more)

	def confirmed(self):
		"""Which policy an agent would start with, from the record and the policy's file."""
		record = (self.state / "record").read_text()
		number = re.search(r"(?m)^confirmed (\d+)$", record)[1]
		kept = (self.state / f"policy.{number}").read_text()
		found = [index for index, text in enumerate(POLICIES) if text in kept]
		return found[0] if found and re.search(rf"(?m)^policy {number}$", record) else None

	def attempt(self, kind, name, call):
		words = self.prepare(kind)
		program = self.box.start(*sweep.STOPPED, check.command(), *words)
		watcher = sweep.attach_to_start(self.box, program.pid, call, *sweep.failing(name, call))
		status, said = program.wait(60), program.output()
		program.log.unlink()
		number = sweep.let_go(watcher)
		where = f"{kind}, {name} {call} (call {number}), exit {status}"
		wanted = DIFFERS if kind == "differs" else DONE
		if status != wanted:
			self.expect(status in FAILED, f"{where}: it failed, and said so", said)
			self.expect(said.strip() or status < 0, f"{where}: it says why", status)
			self.expect(number is not None, f"{where}: nothing has failed", said)
		if kind == "offline":
			found = self.confirmed()
			self.expect(found == 1 if status == DONE else found in (0, 1), f"{where}: what is confirmed", found)
			again = self.apply_offline(1)
			self.expect(again.returncode == 0 and self.confirmed() == 1, f"{where}: the next one", again.stderr)
			return number
		new = {"load": self.walls[1], "remove": NO_WALL}.get(kind, self.walls[0])
		held = rules(self.box)
		self.expect(held == new if status == wanted else held in (self.walls[0], new), f"{where}: the wall", f"{said}\n{held}")
		return number

	def run(self, kind, name, first, every):
		self.wrong, begin = [], time.monotonic()
		found = sweep.until_none(lambda call: self.attempt(kind, name, call), self.wrong, first, every)
		self.checks.check(not self.wrong, f"{kind}, {name}: {len(found)} points tried", "\n".join(self.wrong))
		print(f"     {time.monotonic() - begin:.0f} s")
		return len(found)


def test(checks):
	sweep.Sample(sweep.faults(check.command()), KINDS).run(checks, Fail)


if __name__ == "__main__":
	check.run(test)
