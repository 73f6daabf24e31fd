#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Apply, confirm, expire, roll back, as the one who does it sees it and as the kernel and the disk do: with and without a
window, with a disk that is full, a kernel that refuses, a client that goes away, ten thousand peers, and somebody who may
not."""
import os
import re
import signal
import time
from pathlib import Path

import check
from agentlab import Agent, wall
from lab import Lab, wait_until

HEAD = "role host\ndevice ct { ae-title CT; port 11112 }\nmanage { from 10.20.9.0/24; port 22 }\n"
MANY = 10000
RSS_MAX = 32768  # KiB, both processes, with MANY peers standing


def peer(number, port=104):
	return (f"peer p{number} {{ address 10.{40 + number // 65536}.{number // 256 % 256}.{number % 256}; ae-title P{number}; "
	        f"port {port}; initiates storage; accepts echo }}\n")


def policy(*numbers, port=104):
	return HEAD + "".join(peer(number, port) for number in numbers)


def outcomes(agent):
	return [(entry["number"], entry["outcome"]) for entry in agent.json("history")]


def refused(checks, done, what, *words, status=None):
	good = done.returncode != 0 if status is None else done.returncode == status
	checks.check(good and all(word in done.stderr for word in words), what, f"exit {done.returncode}\n{done.stdout}{done.stderr}")


def without_window(checks, lab):
	box = lab.host("plain")
	agent = Agent(box).start()
	agent.must_apply(policy(1))
	status = agent.status()
	checks.equal((status["wall"], status["policy"]["number"], status["policy"]["confirmed"], status["policy"]["confirm_seconds"]),
	             ("up", 1, 1, None), "applied without a window: it is the confirmed policy")
	checks.equal(box.run(check.command(), "verify", agent.policy(policy(1))).returncode, 0, "the kernel holds exactly that")
	first = wall(box)
	agent.must_apply(policy(1, 2))
	second = wall(box)
	agent.must_apply(policy(3))
	checks.equal(outcomes(agent), [(1, "applied"), (2, "applied"), (3, "applied")], "the history")
	refused(checks, agent.ask("confirm"), "confirm: nothing waits", "nothing waits")
	agent.must("rollback")
	checks.equal(wall(box), second, "rollback: the policy before")
	agent.must("rollback", "1")
	checks.equal(wall(box), first, "rollback 1: the first policy, under a new number")
	checks.equal([(entry["number"], entry["copy_of"]) for entry in agent.json("history")][-2:], [(4, 2), (5, 1)], "the history says of what")
	refused(checks, agent.ask("rollback", "77"), "rollback to what is not kept", "77")
	refused(checks, agent.ask("rollback", "5"), "rollback to what stands", "stands already")
	for number in range(20):
		agent.must_apply(policy(number + 10))
	history = agent.json("history")
	kept = sorted(int(path.name[7:]) for path in agent.state.glob("policy.*"))
	checks.equal(kept, [entry["number"] for entry in history], "after 25 policies: a bounded history, and the files that belong to it")
	checks.check(len(kept) <= 16, "which is bounded", len(kept))
	before = wall(box)
	agent.kill()
	agent.start()
	checks.equal(wall(box), before, "after a kill: the last one")


# Before the agent: a kernel that shows no br_netfilter, whatever it has.
NO_BRIDGE_NETFILTER = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /proc/sys/net && mkdir /proc/sys/net/core && exec "$@"', "sh")


def bridge_netfilter(checks, lab):
	"""Role bridge is refused while br_netfilter is there, by an agent in its sandbox; a policy of another role is not."""
	box = lab.host("netfilter")
	agent = Agent(box, enter=NO_BRIDGE_NETFILTER).start()
	agent.must_apply(policy(1))
	before = wall(box)
	inside = ("nsenter", "--mount", "-t", str(agent.pid))
	bridge = "role bridge\ndevice ct { address 10.20.1.10; ae-title CT; port 104 }\n"
	box.run(*inside, "mkdir", "/proc/sys/net/bridge", check=True)
	refused(checks, agent.apply(bridge), "role bridge beside br_netfilter: refused", "br_netfilter is loaded", "modprobe -r br_netfilter", status=4)
	checks.equal(wall(box), before, "the wall is as it was")
	checks.equal(outcomes(agent), [(1, "applied")], "and the history too")
	agent.must_apply(policy(2))
	box.run(*inside, "rmdir", "/proc/sys/net/bridge", check=True)
	done = agent.apply(bridge)
	checks.check("br_netfilter" not in done.stderr, "and without it: not for that reason", done.stderr)


def bad_policies(checks, lab):
	box = lab.host("bad")
	agent = Agent(box, enter=NO_BRIDGE_NETFILTER).start()
	agent.must_apply(policy(1))
	before = wall(box)
	for what, text, words in (("a syntax error", HEAD + "peer {", ("policy2.conf:4:",)), ("an empty file", "", ("role",)),
	                          ("an error in an include", HEAD + "include part.conf\n", ("part.conf:1:1", "included from"))):
		(agent.folder / "part.conf").write_text("nonsense\n")
		path = agent.policy(text, "policy2.conf")
		done = agent.ask("apply", path)
		refused(checks, done, f"{what}: refused", *words, status=3)
		loaded = box.run(check.command(), "load", path)
		problems = loaded.stderr.split("leadglass: nothing was changed")[0]
		checks.check(problems and problems in done.stderr, f"{what}: the message is the one of load", f"{problems}\n-- apply:\n{done.stderr}")
	done = agent.apply("role bridge\ndevice ct { address 10.20.1.10; ae-title CT; port 104 }\n")
	if done.returncode == 0:
		print("     this kernel tracks connections in bridges: its refusal was not tried")
		agent.must("rollback")
	else:
		refused(checks, done, "the kernel refuses: exit status 4, and its words", "kernel", status=4)
		checks.equal(outcomes(agent)[-1], (2, "failed"), "the history says so")
	checks.equal(wall(box), before, "the wall is as it was")
	checks.equal(agent.status()["wall"], "up", "and verified")


def with_window(checks, lab):
	box = lab.host("window")
	agent = Agent(box).start()
	agent.must_apply(policy(1))
	first = wall(box)
	agent.must_apply(policy(2), "--confirm-within", "60s")
	second = wall(box)
	status = agent.status()["policy"]
	checks.check(first != second and status["number"] == 2 and status["confirmed"] == 1 and 50 < status["confirm_seconds"] <= 60,
	             "with a window: it stands and waits", status)
	refused(checks, agent.apply(policy(3)), "another apply meanwhile", "confirm", "rollback")
	refused(checks, agent.ask("rollback", "7"), "a rollback to another meanwhile")
	agent.must("confirm")
	status = agent.status()["policy"]
	checks.equal((status["number"], status["confirmed"], status["confirm_seconds"]), (2, 2, None), "confirmed")
	agent.must_apply(policy(3), "--confirm-within", "60s")
	agent.must("rollback")
	checks.equal(wall(box), second, "rolled back by hand within the window")
	begin = time.monotonic()
	agent.must_apply(policy(4), "--confirm-within", "2s")
	checks.check(wait_until(lambda: agent.json("history")[-1]["outcome"] == "expired", 10), "the window ends", agent.json("history")[-1])
	checks.check(time.monotonic() - begin >= 1.9, "not before its time")
	checks.equal(wall(box), second, "by itself the confirmed policy stands again")
	refused(checks, agent.ask("confirm"), "too late to confirm", "policy 4 was not confirmed in time", "policy 2 stands again")
	for line in (r"policy 2 \(.*\) applied by \S.*: verified; .*, elements \+\d+ -\d+; to be confirmed within 60 s",
	             r"policy 2 \(.*\) confirmed by \S", r"policy 3 was rolled back by \S.*: policy 2 stands again",
	             r"policy 4 was not confirmed in time: policy 2 stands again"):
		checks.check(re.search(line, agent.output()), f"the log has: {line}", agent.output()[-1500:])
	checks.equal([outcome for _, outcome in outcomes(agent)], ["applied", "confirmed", "rolled-back", "expired"], "the history says how each ended")
	# The first policy of all, in a window: back to the closed wall.
	fresh = Agent(lab.host("fresh")).start()
	closed = wall(fresh.host)
	fresh.must_apply(policy(1), "--confirm-within", "60s")
	fresh.must("rollback")
	checks.equal((wall(fresh.host), fresh.status()["wall"]), (closed, "closed"), "the first policy of all, rolled back: closed again")
	fresh.must_apply(policy(1), "--confirm-within", "60s")
	fresh.kill()
	fresh.start()
	checks.equal((wall(fresh.host), fresh.status()["wall"]), (closed, "closed"), "the same after a kill")


def client_goes_away(checks, lab):
	"""Its request is carried out all the same."""
	agent = Agent(lab.host("gone")).start()
	path = agent.policy(policy(*range(1, MANY)))
	for number in range(1, 11):  # it may be done before we are
		client = agent.host.start(check.command(), "apply", "--run", agent.run, path)
		wait_until(lambda: (agent.state / f"policy.{number}").exists(), 20, step=0.001)  # the request has been taken
		os.kill(client.pid, signal.SIGKILL)
		if client.wait() == -signal.SIGKILL:
			break
	checks.equal(client.wait(), -signal.SIGKILL, "a client was killed while its policy was applied")
	checks.check(wait_until(lambda: agent.status()["policy"]["number"] == number, 20), "the policy is applied all the same",
	             agent.status()["policy"])
	checks.equal(agent.status()["policy"]["peers"], MANY - 1, "wholly")


SMALL_DISK = ("mount --make-rprivate / && mount -t tmpfs -o size=64k,nr_inodes=1000 none \"$1\" && chmod 700 \"$1\" && shift && exec \"$@\"")


class SmallDisk:
	"""An agent whose state folder is a disk of 64 KiB of its own."""

	def __init__(self, lab, name):
		self.agent = Agent(lab.host(name))
		self.agent.enter = ["unshare", "--mount", "sh", "-c", SMALL_DISK, "sh", self.agent.state]
		self.agent.start()
		self.state = Path(f"/proc/{self.agent.pid}/root{self.agent.state}")  # as the agent sees it

	def fill(self, leave=0):
		"""Takes all room but `leave` pages."""
		with open(self.state / "ballast", "wb", buffering=0) as ballast:
			try:
				while True:
					ballast.write(b"x" * 4096)
			except OSError:
				pass
			if leave:
				ballast.truncate(ballast.tell() - 4096 * leave)

	def free(self):
		(self.state / "ballast").unlink()

	def files(self):
		return {path.name: path.read_bytes() for path in self.state.iterdir() if path.name != "ballast"}


def full_disk(checks, lab):
	disk = SmallDisk(lab, "full")
	agent = disk.agent
	agent.must_apply(policy(1))
	before, files = wall(agent.host), disk.files()
	# Room for nothing; for the policy and not for the record. A record is about as long as a page.
	for leave, window in ((0, ()), (0, ("--confirm-within", "60s")), (1, ()), (1, ("--confirm-within", "60s"))):
		what = f"{'no room' if leave == 0 else 'room for the policy alone'}, {'with' if window else 'without'} a window"
		disk.fill(leave)
		done = agent.apply(policy(2), *window)
		refused(checks, done, f"{what}: refused, and it says why", "No space left", status=4)
		checks.equal(wall(agent.host), before, f"{what}: the old wall stands")
		checks.equal(agent.status()["policy"]["number"], 1, f"{what}: the status says so")
		alarmed = [alarm for alarm in agent.status()["alarms"] if alarm["name"] == "record"]
		checks.equal(bool(alarmed), leave == 1, f"{what}: an alarm where a record is missing on the disk")
		now = disk.files()
		checks.check(now.get("policy.1") == files["policy.1"] and not [name for name in now if name.endswith(".new")],
		             f"{what}: what was kept is kept", sorted(now))
		disk.free()
		checks.check(wait_until(lambda: not agent.status()["alarms"], 30), f"{what}: once there is room, the alarm is lifted",
		             agent.status()["alarms"])
	agent.must_apply(policy(2), "--confirm-within", "60s")
	disk.fill()
	refused(checks, agent.ask("confirm"), "a confirmation that cannot be written is refused", "No space left")
	checks.check(agent.status()["policy"]["confirm_seconds"], "and the policy still waits for it")
	disk.free()
	agent.must("confirm")
	agent.must_apply(policy(3), "--confirm-within", "3s")
	disk.fill()
	before = agent.status()["policy"]["number"]
	checks.check(wait_until(lambda: agent.status()["policy"]["number"] == 5 or agent.status()["policy"]["number"] < before, 15),
	             "a window ends on a full disk: back all the same", agent.status()["policy"])
	disk.free()
	checks.equal(agent.host.run(check.command(), "verify", agent.policy(policy(2))).returncode, 0, "and it is the confirmed policy that stands")


def many(checks, lab):
	box = lab.host("many")
	agent = Agent(box).start()
	idle = agent.rss(agent.pid)
	texts = [policy(*range(1, MANY + 1)), policy(*range(2, MANY + 2))]
	for number in range(4):
		path = agent.policy(texts[number % 2], f"many{number % 2}.conf")
		begin = time.monotonic()
		agent.must("apply", path)
		print(f"     {MANY} peers, apply {number + 1}: {(time.monotonic() - begin) * 1000:.0f} ms, resident {agent.rss()} KiB")
	checks.equal(agent.status()["policy"]["peers"], MANY, f"{MANY} peers stand")
	checks.equal(box.run(check.command(), "verify", agent.folder / "many1.conf").returncode, 0, "exactly")
	checks.check(agent.rss() < RSS_MAX, "within bounded memory", f"{agent.rss()} KiB")
	agent.kill()
	begin = time.monotonic()
	agent.start()
	print(f"     {MANY} peers, start to READY=1: {(time.monotonic() - begin) * 1000:.0f} ms")
	checks.equal(agent.status()["policy"]["peers"], MANY, "all of them after a kill")
	agent.must_apply(policy(1))
	checks.check(wait_until(lambda: agent.rss(agent.pid) < idle + 1024, 5), "which the keeper gives back",
	             f"{agent.rss(agent.pid)} KiB, at first {idle} KiB")


def who_may(checks, lab):
	box = lab.host("who")
	agent = Agent(box, "--group", "nogroup").start()
	group = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
	nobody = ("setpriv", "--reuid", "65534", "--regid", "65533", "--clear-groups")
	agent.must_apply(policy(1))
	before = wall(box)
	for words in (("status",), ("history",), ("drops",), ("show",)):
		done = box.run(*group, check.command(), words[0], "--run", agent.run, *words[1:])
		checks.equal(done.returncode, 0, f"the group may ask: {words[0]}")
		done = box.run(*nobody, check.command(), words[0], "--run", agent.run, *words[1:])
		checks.equal(done.returncode, 4, f"others may not: {words[0]}")
	path = agent.policy(policy(2))
	os.chmod(path, 0o644)
	for words in (("apply", path), ("rollback",), ("confirm",)):
		done = box.run(*group, check.command(), words[0], "--run", agent.run, *words[1:])
		checks.check(done.returncode == 4 and "root" in done.stderr, f"the group may not change anything: {words[0]}",
		             f"exit {done.returncode}: {done.stderr}")
	checks.equal(wall(box), before, "the wall is as it was")


def test(checks):
	with Lab() as lab:
		without_window(checks, lab)
		bad_policies(checks, lab)
		bridge_netfilter(checks, lab)
		with_window(checks, lab)
		client_goes_away(checks, lab)
		full_disk(checks, lab)
		many(checks, lab)
		who_may(checks, lab)


if __name__ == "__main__":
	check.run(test)
