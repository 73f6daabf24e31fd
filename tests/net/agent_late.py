#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a machine has not got yet when leadglassd starts: the disk its state is on, and the directory service that
knows its users."""
import os
import pwd
import shutil

import check
from agentlab import Agent, wall
from lab import Lab, wait_until

POLICY = """role host
device ct { ae-title CT; port 11112 }
peer main-pacs { address 10.20.1.5; ae-title PACS; port 104; initiates storage; accepts echo }
manage { from 10.20.9.0/24; port 22 }
"""


class LateState:
	"""A state folder that is mounted over what was there, or where nothing was, after the start. The agent looks once a
	minute; so all are started first and looked at last."""

	def __init__(self, lab, name, *options, covered):
		self.agent, self.name = Agent(lab.host(name), *options), name
		agent = self.agent
		self.disk, self.elsewhere = agent.folder / "var", agent.folder / "not-mounted"
		agent.state = self.disk / "lib"
		self.disk.mkdir(mode=0o755)
		done = agent.host.run(check.command(), "apply", "--offline", "--state", agent.state, agent.policy(POLICY))
		assert done.returncode == 0, done.stderr
		self.disk.rename(self.elsewhere)
		if covered:
			agent.state.mkdir(mode=0o700, parents=True)
			os.chmod(self.disk, 0o755)

	def start(self, checks):
		self.agent.start()
		checks.equal(self.agent.status()["wall"], "closed", f"{self.name}: closed as long as nothing is known")
		before = wall(self.agent.host)
		shutil.rmtree(self.disk, ignore_errors=True)  # what is on the root file system, covered
		self.elsewhere.rename(self.disk)
		return before

	def check(self, checks, before):
		agent = self.agent
		ended = wait_until(lambda: not agent.running(), 90, step=0.2)
		if not checks.check(ended, f"{self.name}: the agent leaves when the folder is there", agent.output()[-1500:]):
			return
		checks.equal(agent.process.wait(0), 3, "to be started again")
		checks.check("has to be started again" in agent.output(), "and says so", agent.output()[-1500:])
		checks.equal(wall(agent.host), before, "the wall stays")
		agent.start()
		checks.equal(agent.status()["wall"], "up", "and then the policy stands")
		agent.stop()


def files_only(checks, lab):
	"""Names are looked up in /etc/passwd and /etc/group, whatever else may know them."""
	switch = lab.dir / "nsswitch.conf"
	switch.write_text("passwd: nosuchservice\ngroup: nosuchservice\n")
	agent = Agent(lab.host("files"), "--user", "nobody", "--group", "adm", enter=[
		"unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/nsswitch.conf && exec "$@"', switch])
	agent.start()
	with open(f"/proc/{agent.pid}/status", encoding="ascii") as file:
		uid = next(line for line in file if line.startswith("Uid:")).split()[1]
	checks.equal(int(uid), pwd.getpwnam("nobody").pw_uid, "a user is found without the directory service")
	checks.check("no group" not in agent.output(), "and a group", agent.output())
	agent.stop()


def test(checks):
	with Lab() as lab:
		missing, covered = LateState(lab, "missing", covered=False), LateState(lab, "covered", "--user", "nobody", covered=True)
		late = [(one, one.start(checks)) for one in (missing, covered)]
		files_only(checks, lab)
		known = Agent(lab.host("known")).start()
		known.must_apply(POLICY)
		known.state.rename(known.folder / "gone")
		known.state.mkdir(mode=0o700)
		for one, before in late:
			one.check(checks, before)
		checks.check(known.running(), "an agent that knows its policy does not leave for another folder")
		known.stop()


if __name__ == "__main__":
	check.run(test)
