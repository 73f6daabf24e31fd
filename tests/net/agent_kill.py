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
import time

import check
import sweep
from lab import Lab, wait_until
from sweep import NO_WALL, rules


class Kill(sweep.Sweep):
	def start_under(self, call):
		"""A start of the agent, killed at the Nth call after the program has begun; ready, when it makes fewer."""
		self.launch(*sweep.STOPPED)
		killer = sweep.attach_to_start(self.box, self.agent.pid, call, "kill")
		wait_until(lambda: not killer.running() or "READY=1" in self.agent.heard(), 30, step=0.002)
		return killer

	def attempt(self, kind, call):
		"""One change, killed at its Nth call. The call's number, or None when the change makes fewer."""
		words, walls, after_yes, after_no = self.change(kind)
		answered = False
		if kind.startswith("boot"):
			killer = self.start_under(call)
		else:
			killer = sweep.attach(self.box, self.agent.pid, call, "kill")
		if words:
			answered = self.ask(words)[0] == 0
		if kind == "expire":  # the agent is not asked: that would be calls, too
			wait_until(lambda: not killer.running() or rules(self.box) == self.walls[self.standing], 30, step=0.005)
		wait_until(lambda: not killer.running() or self.agent.idle(), 30, step=0.002)
		number = sweep.let_go(killer)
		if number is not None:
			self.agent.process.wait(10)
		held = rules(self.box)
		where = f"{kind}, call {call} (number {number}), {'answered' if answered else 'not answered'}"
		self.expect(held in [NO_WALL if index is None else self.walls[index] for index in walls], f"{where}: the wall after the kill", held)
		self.restart(where, after_yes if answered else after_no)
		return number

	def run(self, kind, every):
		begin = time.monotonic()
		found = sweep.until_none(lambda call: self.attempt(kind, call), self.wrong, every=every)
		self.report(f"{kind}: killed at {len(found)} system calls ({len(set(found))} different ones)", begin)
		self.checks.check(len(found) >= 20 // every, f"{kind}: it makes that many", len(found))


def test(checks):
	parser = argparse.ArgumentParser()
	parser.add_argument("--every", type=int, default=1, help="try only each Nth call")
	parser.add_argument("--signed", action="store_true", help="signed policies only")
	parser.add_argument("kinds", nargs="*", default=["apply", "window", "confirm", "rollback"])
	options = parser.parse_args()
	with Lab() as lab:
		box, peer = sweep.site(lab)
		kill = Kill(checks, box, options.signed)
		without_rules = [kind for kind in options.kinds if kind == "boot"]  # everything passes meanwhile
		with sweep.traffic(checks, box, peer):
			for kind in options.kinds:
				if kind not in without_rules:
					kill.run(kind, options.every)
		for kind in without_rules:
			kill.run(kind, options.every)


if __name__ == "__main__":
	check.run(test)
