#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How the agent comes up: with nothing, with what it kept, with what is damaged, forged, read-only or not its own, with a
kernel that refuses; twice at once; and again after it was killed, while a connection runs through the wall."""
import os
import pwd
import random
import re
import shutil
import signal
import time
from pathlib import Path

import check
from agentlab import Agent, program, wall
from faults import TABLE_FLAG_OWNER, own_table
from lab import Lab, wait_until

DEVICE, PEER = "10.20.1.10", "10.20.1.5"
DICOM, MANAGE = 11112, 22
POLICY = f"""role host
device ct {{ ae-title CT; port {DICOM} }}
peer main-pacs {{ address {PEER}; ae-title PACS; port 104; initiates storage; accepts echo }}
manage {{ from {PEER}; port {MANAGE} }}
"""
FLIPS = 24  # bits, for each file
# CAP_NET_ADMIN, and with it CAP_SETUID and CAP_SETGID, for the outside process to become nobody
ROOT_KEEPER = 1 << 12 | 1 << 7 | 1 << 6


class Site:
	"""A box with an agent and a peer."""

	def __init__(self, lab, name, *options, enter=()):
		self.box, self.peer = lab.host(f"{name}-box"), lab.host(f"{name}-peer")
		lab.wire(self.box, [f"{DEVICE}/24"], self.peer, [f"{PEER}/24"])
		for port in (DICOM, MANAGE):
			self.box.start(check.traffic(), "serve", port).wait_port(port)
		self.agent = Agent(self.box, *options, enter=enter)

	def passes(self):
		"""What the peer reaches: a set of ports."""
		return {port for port in (DICOM, MANAGE) if check.reach(self.peer, DEVICE, port, timeout=0.3) == "connected"}

	def keep(self):
		"""Starts the agent, applies POLICY, stops it."""
		self.agent.start()
		self.agent.must_apply(POLICY)
		self.agent.stop()

	def forget_copy(self):
		(self.agent.run / "standing").unlink(missing_ok=True)


def first_start(checks, lab):
	site = Site(lab, "first")
	agent = site.agent
	checks.equal(site.passes(), {DICOM, MANAGE}, "no agent, no wall: everything is reached")
	begin = time.monotonic()
	agent.start()
	print(f"     start to READY=1: {(time.monotonic() - begin) * 1000:.0f} ms (with the test's own part)")
	checks.check("table inet leadglass" in wall(site.box), "READY=1 is said when there is a wall")
	status = agent.status()
	checks.equal(status["wall"], "closed", "no policy: the wall is closed")
	checks.check("no policy was ever confirmed" in (status["reason"] or ""), "no policy: the status says so", status["reason"])
	checks.equal(status["alarms"], [], "no policy: no alarm")
	checks.equal(site.passes(), set(), "the closed wall lets nothing through")
	agent.must_apply(POLICY)
	checks.equal(site.passes(), {DICOM, MANAGE}, "an applied policy stands")
	before = wall(site.box)
	checks.equal(agent.stop(), 0, "SIGTERM: exit status 0")
	checks.equal(wall(site.box), before, "the wall stays when the agent leaves")
	agent.start()
	status = agent.status()
	checks.equal((status["wall"], status["policy"]["number"]), ("up", 1), "started again: the policy stands")
	# As after a restart of the machine: no rules, no run folder.
	agent.stop()
	site.box.run(check.command(), "remove", "--yes", check=True)
	shutil.rmtree(agent.run)
	agent.start()
	checks.equal(agent.status()["policy"]["number"], 1, "after a restart of the machine: the policy stands")
	checks.equal(site.passes(), {DICOM, MANAGE}, "and lets through what it allows")


def second(checks, lab):
	site = Site(lab, "twice")
	agent = site.agent.start()
	agent.must_apply(POLICY)
	before = wall(site.box)
	other = site.box.start(program(), "--state", agent.state, "--run", agent.run)
	checks.equal(other.wait(10), 1, "a second agent: exit status 1")
	checks.check(f"another leadglassd runs (pid {agent.pid})" in other.output(), "it says who runs", other.output())
	checks.check(agent.running() and agent.status()["wall"] == "up", "the first one is not disturbed")
	checks.equal(wall(site.box), before, "nor is the wall")
	third = site.box.start(program(), "--state", agent.folder / "other-state", "--run", agent.run)
	checks.check(third.wait(10) == 1 and f"(pid {agent.pid})" in third.output(), "another state folder, the same run folder: the same",
	             third.output())
	fourth = site.box.start(program(), "--state", agent.folder / "fourth-state", "--run", agent.folder / "fourth-run")
	checks.check(fourth.wait(10) == 1 and f"another leadglassd (pid {agent.pid}) keeps the wall" in fourth.output(),
	             "with other folders, beside the same wall: the same", fourth.output())
	checks.check(agent.running() and agent.status()["wall"] == "up", "and the first one is not disturbed")
	# At the same moment: one of them stays.
	agent.stop()
	pair = [site.box.start(program(), "--state", agent.state, "--run", agent.run) for _ in range(2)]
	wait_until(lambda: sum(one.running() for one in pair) == 1, 10)
	checks.equal(sum(one.running() for one in pair), 1, "two started at once: one stays")
	wait_until(lambda: agent.ask("status").returncode == 0, 10)
	checks.equal(agent.status()["wall"], "up", "and keeps the wall")
	for one in pair:
		one.stop()


def usage(checks, lab):
	box = lab.host("usage")
	for words, status, wanted in ((("--help",), 0, "Usage"), (("--version",), 0, "leadglassd "), (("--nonsense",), 2, "nonsense"),
	                              (("--syslog", "carrier-pigeon"), 2, "carrier-pigeon"), (("word",), 2, "word"), (("--state",), 2, "state"),
	                              (("--state", ""), 2, "folder"), (("--trust", ""), 2, "folder"), (("--trust",), 2, "trust"),
	                              (("--syslog", "local", "--syslog", "local", "--syslog", "local"), 2, "twice")):
		done = box.run(program(), *words, timeout=10)
		checks.check(done.returncode == status and wanted in done.stdout + done.stderr, f"leadglassd {' '.join(words)}: exit {status}",
		             f"exit {done.returncode}: {done.stdout}{done.stderr}")
	nobody = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
	done = box.run(*nobody, program(), timeout=10)
	checks.check(done.returncode == 4 and "CAP_NET_ADMIN" in done.stderr, "without permission: exit 4", f"{done.returncode} {done.stderr}")


def damage(path, rng):
	"""Ways to break a file: (what it is called, octets)."""
	good = path.read_bytes()
	for size in sorted({0, 1, len(good) // 2, len(good) - 65, len(good) - 1}):
		yield f"cut to {size} octets", good[:size]
	for _ in range(FLIPS):
		at, bit = rng.randrange(len(good)), rng.randrange(8)
		yield f"bit {bit} of octet {at} flipped", good[:at] + bytes([good[at] ^ 1 << bit]) + good[at + 1:]


def boot_with(site, path, octets):
	"""Starts the agent with a file broken; its status. Stops it and puts the file back."""
	good = {entry: entry.read_bytes() for entry in site.agent.state.iterdir()}
	path.write_bytes(octets)
	site.agent.start()
	status = site.agent.status()
	status["passes"] = site.passes()
	site.agent.kill()
	for entry, content in good.items():
		entry.write_bytes(content)
	return status


def damaged(checks, lab):
	"""Truncated and flipped state files: never acted upon."""
	site, rng = Site(lab, "damaged"), random.Random(3)
	site.keep()
	copy = (site.agent.run / "standing").read_bytes()
	for name in ("record", "policy.1"):
		path = site.agent.state / name
		closed, reasons, total = 0, 0, 0
		for what, octets in damage(path, rng):
			site.forget_copy()
			status = boot_with(site, path, octets)
			good = status["wall"] == "closed" and status["passes"] == {MANAGE}
			if not good:
				print(f"     {name} {what}: {status}")
			closed += good
			reasons += name in (status["reason"] or "") or "policy 1" in (status["reason"] or "")
			total += 1
		checks.equal(closed, total, f"{name} damaged in {total} ways: the closed wall, open to who manages")
		checks.equal(reasons, total, f"{name}: the status says what is wrong with it")
	for name in ("record", "policy.1"):
		(site.agent.run / "standing").write_bytes(copy)
		good = (site.agent.state / name).read_bytes()
		status = boot_with(site, site.agent.state / name, good[:-3])
		checks.check(status["wall"] == "up" and status["policy"]["number"] == 1 and status["passes"] == {DICOM, MANAGE},
		             f"{name} damaged, machine not restarted: the run folder's copy goes on", status)
	# What it took from the copy is on the disk again.
	site.agent.start()
	site.agent.stop()
	(site.agent.state / "record").write_bytes(b"")
	(site.agent.state / "policy.1").write_bytes(b"")
	site.agent.start()
	site.agent.stop()
	site.forget_copy()
	site.agent.start()
	checks.equal(site.agent.status()["wall"], "up", "what the copy saved is written again, for the next restart")
	site.agent.must_apply(POLICY.replace("104", "105"))
	number = site.agent.status()["policy"]["number"]
	checks.check(number > 1, "numbers are not given twice", number)
	site.agent.stop()
	# The copy itself is checked too.
	good = (site.agent.run / "standing").read_bytes()
	taken = 0
	for _ in range(FLIPS // 2):
		at = rng.randrange(len(good))
		(site.agent.run / "standing").write_bytes(good[:at] + bytes([good[at] ^ 4]) + good[at + 1:])
		status = boot_with(site, site.agent.state / "record", b"x")
		taken += status["wall"] != "closed"
	checks.equal(taken, 0, "a damaged copy is not used")
	# And the closed wall's.
	site.forget_copy()
	for name in ("record", "closed"):
		(site.agent.state / name).write_bytes(b"nonsense")
	site.agent.start()
	checks.equal((site.agent.status()["wall"], site.passes()), ("closed", set()), "nothing is readable: closed to everybody")
	site.agent.must_apply(POLICY)
	checks.equal(site.passes(), {DICOM, MANAGE}, "from the console a policy can be applied again")


def permissions(checks, lab):
	site = Site(lab, "modes")
	agent = site.agent
	site.keep()

	def refused(what):
		site.forget_copy()
		agent.start()
		status = agent.status()
		checks.check(status["wall"] == "closed" and DICOM not in site.passes(), f"{what}: closed", status)
		wanted = ("not used", "symbolic link", "ermission denied")
		checks.check(any(words in status["reason"] for words in wanted), f"{what}: the status says why", status["reason"])
		applied = agent.apply(POLICY)
		agent.kill()
		return applied
	os.chmod(agent.state, 0o777)
	done = refused("a state folder that anybody may write")
	checks.check(done.returncode == 4 and "state folder" in done.stderr, "and nothing can be applied", f"{done.returncode} {done.stderr}")
	os.chmod(agent.state, 0o700)
	for name in ("record", "policy.1"):
		path, kept = agent.state / name, (agent.state / name).read_bytes()
		for what, change, back in (
				("that anybody may write", lambda: os.chmod(path, 0o666), lambda: os.chmod(path, 0o600)),
				("of somebody else", lambda: os.chown(path, 65534, 65534), lambda: os.chown(path, 0, 0)),
				("that is a symbolic link", lambda: path.rename(agent.folder / "real") and path.symlink_to(agent.folder / "real"),
				 lambda: (path.unlink(), path.write_bytes(kept)))):
			backup = {entry: entry.read_bytes() for entry in agent.state.iterdir()}
			change()
			refused(f"{name} {what}")
			back()
			for entry, content in backup.items():
				entry.unlink(missing_ok=True)
				entry.write_bytes(content)
	agent.start()
	checks.equal(agent.status()["wall"], "up", "put right, the policy stands again")
	agent.stop()
	os.chmod(agent.run, 0o755)
	shutil.rmtree(agent.state)
	(agent.folder / "state").write_text("a file in the folder's place")
	site.forget_copy()
	agent.start()
	checks.equal(agent.status()["wall"], "closed", "a file in the folder's place: closed")


def read_only(checks, lab):
	"""An image whose state folder cannot be written: what is there stands, and nothing is applied."""
	mount = ("mount --make-rprivate / && mount -t tmpfs none \"$1/run\" && cp -a \"$1/state\" \"$1/run/ro\" && "
	         "mount --bind \"$1/run/ro\" \"$1/state\" && mount -o remount,bind,ro \"$1/state\" && umount -l \"$1/run\" && shift && exec \"$@\"")
	site = Site(lab, "ro")
	site.keep()
	before = {entry.name: entry.read_bytes() for entry in site.agent.state.iterdir()}
	site.agent.enter = ["unshare", "--mount", "sh", "-c", mount, "sh", site.agent.folder]
	site.agent.start()
	status = site.agent.status()
	checks.check(status["wall"] == "up" and status["policy"]["number"] == 1, "a read-only state folder: its policy stands", status)
	standing = wall(site.box)
	done = site.agent.apply(POLICY.replace("104", "105"))
	checks.check(done.returncode == 4 and "ead-only" in done.stderr, "apply is refused and says why", f"{done.returncode} {done.stderr}")
	checks.equal(wall(site.box), standing, "the wall is as it was")
	site.agent.stop()
	checks.equal({entry.name: entry.read_bytes() for entry in site.agent.state.iterdir()}, before, "nothing was written")


def refused_by_kernel(checks, lab):
	"""The table belongs to somebody else: no wall, no READY=1, but an agent that answers and tries again."""
	site = Site(lab, "refused")
	owner = site.box.call(own_table, "leadglass", TABLE_FLAG_OWNER)
	agent = site.agent.launch()
	checks.check(wait_until(lambda: agent.ask("status").returncode == 1, 10), "it answers though there is no wall")
	status = agent.status()
	checks.equal(status["wall"], "none", "the status says: no wall")
	checks.check(status["reason"] and status["alarms"], "and why", status)
	checks.check("READY=1" not in agent.heard(), "it is not ready")
	owner.close()
	agent.wait_ready(30)
	checks.equal(agent.status()["wall"], "closed", "once the table is free: the wall, and READY=1")
	checks.check(not [alarm for alarm in agent.status()["alarms"] if alarm["name"] == "wall"], "the alarm is lifted", agent.status())


def killed(checks, lab):
	"""A connection through the wall goes on while the agent is killed, gone and back; the wall is never down."""
	site = Site(lab, "killed")
	agent = site.agent.start()
	agent.must_apply(POLICY)
	sink = site.box.start(check.traffic(), "sink", 9999).wait_port(9999, protocol="udp")
	stream = site.peer.start(check.traffic(), "connect", DEVICE, DICOM)
	flood = site.peer.start(check.traffic(), "flood", DEVICE, 9999, 5000)
	for _ in range(5):
		agent.kill()
		checks.check("table inet leadglass" in wall(site.box), "killed: the wall stays")
		agent.start()
	checks.equal(agent.status()["wall"], "up", "back again: up")
	for process in (flood, stream, sink):
		process.stop()
	print(f"     {flood.output().strip()}; {sink.output().strip()}; {stream.output().strip()}")
	checks.equal(sink.output().strip(), "received 0", "nothing forbidden passed")
	checks.check(re.search(r"connections [1-9]\d* failed 0 delayed 0", stream.output()), "no allowed connection was lost", stream.output())
	# In the window: back to the confirmed policy at once.
	before = wall(site.box)
	agent.must_apply(POLICY.replace(str(MANAGE), "23"), "--confirm-within", "300s")
	checks.check(wall(site.box) != before, "a policy waits for its confirmation")
	agent.kill()
	agent.start()
	checks.equal(wall(site.box), before, "killed in the window: the confirmed policy stands again")
	checks.equal(agent.json("history")[-1]["outcome"], "restarted", "the history says why")
	agent.must_apply(POLICY.replace(str(MANAGE), "23"), "--confirm-within", "300s")
	agent.stop()
	checks.equal(wall(site.box), before, "stopped in the window: it takes the unconfirmed policy back before it leaves")
	agent.start()
	os.kill(agent.pid, signal.SIGHUP)
	checks.check(agent.running() and agent.status()["wall"] == "up", "SIGHUP is no reason to leave")


def capabilities(pid):
	return {name: int(value, 16) for name, value in
	        re.findall(r"Cap(\w+):\s+([0-9a-f]+)", Path(f"/proc/{pid}/status").read_text())}


def no_folders(checks, lab):
	"""Folders that are not there are made, the last of their names only; else it says what is missing."""
	site = Site(lab, "folders")
	agent = site.agent
	agent.state.rmdir()
	agent.run.rmdir()
	agent.start()
	checks.equal([entry.stat().st_mode & 0o777 for entry in (agent.state, agent.run)], [0o700, 0o755], "missing folders are made")
	checks.equal(agent.status()["alarms"], [], "and all is well")
	agent.stop()
	lost = Agent(site.box)
	lost.state, lost.run = lost.folder / "no" / "state", lost.folder / "nor" / "run"
	lost.start()
	for name, path in (("run", lost.run), ("state", lost.state)):
		checks.check(f"the {name} folder {path} does not exist and cannot be made: No such file or directory" in lost.output(),
		             f"a {name} folder that cannot be made: it says so", lost.output())
	checks.check("nobody can ask it" in lost.output(), "and what that means", lost.output())
	lost.stop()


def as_user(checks, lab):
	"""--user: the folders are given to it, and what root wrote there; it keeps CAP_NET_ADMIN alone."""
	site = Site(lab, "user", "--user", "nobody", "--group", "nogroup")
	nobody, agent = pwd.getpwnam("nobody").pw_uid, site.agent
	agent.start()
	keeper, outside = agent.pids()
	for name, pid, wanted in (("keeper", keeper, 1 << 12), ("outside process", outside, 0)):
		uids = re.search(r"Uid:\t(\d+)\t(\d+)\t(\d+)\t(\d+)", Path(f"/proc/{pid}/status").read_text()).groups()
		checks.equal(uids, (str(nobody),) * 4, f"the {name} is nobody")
		wait_until(lambda: capabilities(pid)["Prm"] == wanted, 5)  # it gives them up itself, and we may be faster
		found = capabilities(pid)
		checks.equal((found["Eff"], found["Prm"], found["Inh"], found["Amb"]), (wanted, wanted, 0, 0), f"the {name}'s capabilities")
	status = agent.status()["agent"]
	checks.check(status["capabilities"] and status["seccomp"] and status["landlock"] and status["outside"], "all of the sandbox is in force", status)
	agent.must_apply(POLICY)
	checks.check(all(entry.stat().st_uid == nobody for entry in agent.state.iterdir()), "what it writes is nobody's")
	agent.stop()
	os.chown(agent.state / "record", 0, 0)  # as `leadglass apply --offline` would
	os.chmod(agent.state / "record", 0o600)
	agent.start()
	checks.equal((agent.status()["wall"], site.passes()), ("up", {DICOM, MANAGE}), "started again by root: the policy stands")
	agent.must_apply(POLICY.replace("104", "105"))
	agent.stop()
	stranger = Agent(site.box, "--user", "no-such-user").start()
	status = stranger.status()
	checks.check(status["wall"] == "closed" and [alarm for alarm in status["alarms"] if alarm["name"] == "user"],
	             "a user that does not exist: the wall stands, and an alarm", status)
	checks.equal(capabilities(stranger.pid)["Eff"], ROOT_KEEPER, "it then runs as root with what that needs alone")


def without_user(checks, lab):
	"""Root without --user, where an agent ran with it: it goes on as that user, with the wall that stood."""
	site = Site(lab, "byhand", "--user", "nobody", "--group", "nogroup")
	nobody, agent = pwd.getpwnam("nobody").pw_uid, site.agent
	site.keep()
	agent.options = ()
	for what, copy in (("by hand, without --user", True), ("the same without the run folder's copy", False)):
		if not copy:
			site.forget_copy()
		agent.start()
		status = agent.status()
		checks.equal((status["wall"], site.passes(), status["alarms"]), ("up", {DICOM, MANAGE}, []), f"{what}: the policy stands")
		checks.equal({entry.stat().st_uid for entry in (agent.state, agent.run, *agent.state.iterdir())}, {nobody}, f"{what}: the folders stay the user's")
		uids = re.search(r"Uid:\t(\d+)\t(\d+)\t(\d+)\t(\d+)", Path(f"/proc/{agent.pid}/status").read_text()).groups()
		checks.equal((set(uids), capabilities(agent.pid)["Eff"]), ({str(nobody)}, 1 << 12), f"{what}: as the user, with CAP_NET_ADMIN alone")
		checks.check(f"belongs to uid {nobody}" in agent.output(), f"{what}: the log says so", agent.output())
		checks.equal(agent.apply(POLICY).returncode, 0, f"{what}: a policy can be applied")
		agent.stop()
	# A user that nobody knows any more, by the folder's group.
	for entry in (agent.state, agent.run, *agent.state.iterdir(), *agent.run.iterdir()):
		os.lchown(entry, 64322, 64323)
	agent.start()
	checks.equal((agent.status()["wall"], site.passes()), ("up", {DICOM, MANAGE}), "a user without a name: the policy stands")
	agent.stop()


def deleted_user(checks, lab):
	"""The user whom the folders were given to is no more: root takes them back, and what stood stands. The names of users
	are in a file of the test's, which the agent sees as /etc/passwd."""
	names, uid = lab.dir / "passwd", 64321
	known = Path("/etc/passwd").read_text()
	there = known + f"leadglass-test:x:{uid}:{uid}::/nonexistent:/bin/false\n"
	names.write_text(there)
	mount = 'mount --make-rprivate / && mount --bind "$1" /etc/passwd && shift && exec "$@"'
	site = Site(lab, "deleted", "--user", "leadglass-test", enter=["unshare", "--mount", "sh", "-c", mount, "sh", names])
	site.keep()
	agent = site.agent
	folders = (agent.state, agent.run)

	def owners():
		entries = [*folders, *agent.state.iterdir(), agent.run / "standing"]
		return {entry.lstat().st_uid for entry in entries if entry.name not in ("pointer", "second-name")}
	checks.equal(owners(), {uid}, "the folders are the user's")
	# What is not to change hands with them: other people's files, by whatever name.
	theirs = [agent.folder / "theirs", agent.folder / "linked"]
	for path in theirs:
		path.write_text("theirs")
		os.chown(path, uid, uid)
	(agent.state / "pointer").symlink_to(theirs[0])
	os.link(theirs[1], agent.state / "second-name")
	other = agent.state / "policy.77"
	other.write_text("of a user that there is")
	os.chown(other, 65534, 65534)
	names.write_text(known)
	site.forget_copy()
	agent.start()
	status = agent.status()
	checks.equal((status["wall"], (status["policy"] or {}).get("number"), site.passes()), ("up", 1, {DICOM, MANAGE}),
	             "a user that was deleted: the confirmed policy stands")
	checks.equal([alarm["name"] for alarm in status["alarms"]], ["user"], "and an alarm")
	checks.check("root's again" in agent.output(), "which says what was done", agent.output())
	checks.equal([path.stat().st_uid for path in theirs], [uid] * 2, "files with other names are left alone")
	checks.equal(other.stat().st_uid, 65534, "and those of a user that there is")
	for path in (agent.state / "pointer", agent.state / "second-name", other):
		path.unlink(missing_ok=True)
	checks.equal(owners(), {0}, "the rest is root's")
	checks.equal(capabilities(agent.pid)["Eff"], ROOT_KEEPER, "it keeps what root needs alone")
	checks.equal(agent.apply(POLICY.replace("104", "105")).returncode, 0, "policies can be applied")
	agent.stop()
	names.write_text(there)
	agent.start()
	checks.equal((agent.status()["wall"], owners()), ("up", {uid}), "when there is such a user again it gets them")
	# Where somebody else may write, root takes nothing for its own.
	agent.stop()
	names.write_text(known)
	os.chmod(agent.state, 0o777)
	site.forget_copy()
	agent.start()
	checks.equal((agent.status()["wall"], agent.state.stat().st_uid), ("closed", uid), "a folder that anybody may write is not taken")
	agent.stop()


def test(checks):
	with Lab() as lab:
		usage(checks, lab)
		first_start(checks, lab)
		second(checks, lab)
		damaged(checks, lab)
		permissions(checks, lab)
		read_only(checks, lab)
		refused_by_kernel(checks, lab)
		killed(checks, lab)
		no_folders(checks, lab)
		as_user(checks, lab)
		without_user(checks, lab)
		deleted_user(checks, lab)


if __name__ == "__main__":
	check.run(test)
