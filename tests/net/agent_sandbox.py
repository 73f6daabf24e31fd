#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What leadglassd's two processes are left with, as the kernel says it, however they are started; and what becomes of
one that does what it must not: it ends, or gets EACCES, and the wall stays."""
import errno
import os
import pwd
import re
import struct
import subprocess
import sys
from pathlib import Path

import check
from agentlab import Agent, alive, program, wall
from lab import Lab, LabError, wait_until

NET_ADMIN, NOTHING = "0000000000001000", "0000000000000000"
NOBODY = str(pwd.getpwnam("nobody").pw_uid)
POLICY = """role host
device ct { ae-title CT; port 11112 }
peer main-pacs { address 10.20.1.5; ae-title PACS; port 104; initiates storage; accepts echo }
"""
# The orders of meddle.c
EXECVE, INTERNET_SOCKET, LINK_SOCKET, CODE, PTRACE, READ_FILE, WRITE_FILE, NEW_NAMESPACE, SIGNAL, LOCAL_SOCKET, \
	PASS_DESCRIPTOR, ROUTE_SOCKET = range(1, 13)
SIGSYS = 31


def meddler():
	path = os.environ.get("LEADGLASS_MEDDLER")
	if not path:
		sys.exit("set LEADGLASS_MEDDLER to meddle.c, built as a library, as ctest does")
	return path


def status_of(pid):
	text = Path(f"/proc/{pid}/status").read_text()
	return {key: " ".join(value.split()) for key, value in re.findall(r"(?m)^(\w+):\s*(.*)$", text)}


# Root keeps CAP_SETUID and CAP_SETGID, for the outside process to become nobody. That one's real user stays, so that
# a keeper without CAP_KILL can end it.
ROOT_KEEPER, ROOT_OUTSIDE = "00000000000010c0", f"0 {NOBODY} {NOBODY} {NOBODY}"


def check_processes(checks, agent, uid, title, bounding=NOTHING):
	pids = agent.pids()
	if not checks.equal(len(pids), 2, f"{title}: two processes"):
		return
	# READY=1 speaks of the wall: the outside process may still be at giving up what it has.
	wait_until(lambda: status_of(pids[1])["Seccomp"] == "2", 10)
	root = uid == "0"
	for name, pid, capabilities, users in (
			("keeper", pids[0], ROOT_KEEPER if root else NET_ADMIN, " ".join([uid] * 4)),
			("outside", pids[1], NOTHING, ROOT_OUTSIDE if root else " ".join([uid] * 4))):
		status = status_of(pid)
		wanted = {"Uid": users, "CapInh": NOTHING, "CapPrm": capabilities, "CapEff": capabilities,
		          "CapBnd": bounding, "CapAmb": NOTHING, "NoNewPrivs": "1", "Seccomp": "2", "Threads": "1"}
		checks.equal({key: status[key] for key in wanted}, wanted, f"{title}: what the {name} is left with")
	files = {int(fd): os.readlink(f"/proc/{pids[1]}/fd/{fd}") for fd in os.listdir(f"/proc/{pids[1]}/fd")}
	checks.check(all(files.pop(fd, None) == "/dev/null" for fd in range(3)) and
	             all(name.startswith("socket:") for name in files.values()),
	             f"{title}: the outside process has sockets and no file", files)
	said = agent.status()
	checks.equal([value for key, value in sorted(_flatten(said)) if key in ("capabilities", "landlock", "seccomp")],
	             [True] * 3, f"{title}: status says so")


def _flatten(value):
	if isinstance(value, dict):
		for key, inner in value.items():
			if isinstance(inner, bool):
				yield key, inner
			yield from _flatten(inner)


def each_way_to_start(checks, lab):
	box = lab.host("user")
	agent = Agent(box, "--user", "nobody")
	agent.start()
	check_processes(checks, agent, NOBODY, "--user")
	checks.equal(agent.apply(POLICY).returncode, 0, "--user: a policy is applied under the filter")
	agent.restart()
	checks.check("10.20.1.5" in wall(box), "--user: and found again by the next agent")
	agent.stop()

	agent = Agent(lab.host("root"))
	agent.start()
	check_processes(checks, agent, "0", "as root")
	agent.stop()

	# As systemd does it
	agent = Agent(lab.host("ambient"), enter=["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups",
	                                          "--inh-caps", "-all,+net_admin", "--ambient-caps", "-all,+net_admin",
	                                          "--bounding-set", "-all,+net_admin"])
	for folder in (agent.state, agent.run):
		os.chown(folder, int(NOBODY), -1)
	agent.start()
	check_processes(checks, agent, NOBODY, "with an ambient capability", bounding=NET_ADMIN)
	checks.equal(agent.apply(POLICY).returncode, 0, "with an ambient capability: a policy is applied")
	agent.stop()


class Victim:
	"""An agent that carries out orders."""

	def __init__(self, lab, name, *options):
		self.host = lab.host(name)
		self.orders = lab.dir / f"{name}.orders"
		self.agent = Agent(self.host, *options)

	def start(self):
		self.orders.write_bytes(bytes(4096))
		os.chmod(self.orders, 0o666)
		self.agent.start(env={"LD_PRELOAD": meddler(), "LEADGLASS_MEDDLE": str(self.orders)})

	def order(self, process, call):
		with open(self.orders, "r+b") as file:
			file.seek(8 * process)
			file.write(struct.pack("=ii", call, -errno.ENODATA))

	def result(self, process):
		"""None until it is done."""
		call, result = struct.unpack_from("=ii", self.orders.read_bytes(), 8 * process)
		return None if call else result

	def wake_keeper(self):
		self.agent.ask("status", timeout=10)


def keeper_meddles(checks, lab):
	victim = Victim(lab, "keeper")
	for name, call in (("runs a program", EXECVE), ("opens an Internet socket", INTERNET_SOCKET),
	                   ("reads the wire", LINK_SOCKET), ("speaks to the kernel of routes", ROUTE_SOCKET), ("makes code", CODE), ("traces", PTRACE),
	                   ("makes a namespace", NEW_NAMESPACE)):
		victim.start()
		if call == EXECVE:
			victim.agent.must_apply(POLICY)
			before = wall(victim.host)
		others = victim.agent.pids()[1:]
		victim.order(0, call)
		victim.wake_keeper()
		try:
			status = victim.agent.process.wait(10)
		except LabError:
			status = None
			victim.agent.kill()
		checks.equal(status, -SIGSYS, f"a keeper that {name} ends by SIGSYS")
		checks.check(wait_until(lambda: not any(map(alive, others)), 10), "and the outside process goes with it")
		checks.equal(wall(victim.host), before, "and the wall stays")

	victim.start()
	for name, call in (("/etc/passwd", READ_FILE), ("a file of its own in /tmp", WRITE_FILE)):
		victim.order(0, call)
		victim.wake_keeper()
		checks.equal(wait_until(lambda: victim.result(0) is not None, 10) and victim.result(0), -errno.EACCES,
		             f"the keeper may not open {name}")
	checks.check(victim.agent.running() and not Path("/tmp/leadglass-meddle").exists(), "it goes on")
	victim.agent.stop()


def outside_meddles(checks, lab):
	for name, call in (("runs a program", EXECVE), ("opens a file", READ_FILE), ("signals the keeper", SIGNAL),
	                   ("makes a socket for the control socket", LOCAL_SOCKET),
	                   ("makes an Internet socket without a collector", INTERNET_SOCKET),
	                   ("passes descriptors", PASS_DESCRIPTOR)):
		victim = Victim(lab, f"outside-{call}")
		other = lab.host(f"other-{call}")
		lab.wire(victim.host, ["10.20.1.10/24"], other, ["10.20.1.5/24"])
		victim.start()
		victim.agent.must_apply(POLICY)
		before, keeper, outside = wall(victim.host), *victim.agent.pids()
		victim.order(1, call)
		other.run("ping", "-c", "1", "-W", "1", "10.20.1.10")  # turned away, and so told to it
		gone = wait_until(lambda: not alive(outside), 10)
		checks.check(gone, f"an outside process that {name} ends")
		said = wait_until(lambda: [line for line in victim.agent.output().splitlines() if "signal 31" in line], 10)
		checks.check(said, "by SIGSYS, and the log says so", victim.agent.output()[-1500:])
		checks.check(alive(keeper) and victim.agent.status(), "the keeper goes on")
		checks.equal(wall(victim.host), before, "and the wall stays")
		victim.order(1, 0)
		victim.agent.stop()


class Again:
	"""An outside process that is started later lives under the keeper's limits too. That is once a minute at most: it
	is killed first and looked at last."""

	def __init__(self, lab):
		collector, box = lab.host("collector"), lab.host("again")
		lab.wire(box, ["10.20.1.10/24"], collector, ["10.20.1.7/24"])
		self.agent = Agent(box, "--user", "nobody", "--syslog", "udp:10.20.1.7:5514")
		self.root = Agent(lab.host("again-root"))
		self.old = []
		for agent in (self.agent, self.root):
			agent.start()
			self.old.append(agent.pids()[1])
			os.kill(self.old[-1], 9)

	def check(self, checks):
		def started(agent, old):
			pids = agent.pids()
			# Its last step is the filter, which it adds to the keeper's.
			return len(pids) == 2 and pids[1] != old and int(status_of(pids[1])["Seccomp_filters"]) == 2
		for agent, uid, old in ((self.agent, NOBODY, self.old[0]), (self.root, "0", self.old[1])):
			checks.check(wait_until(lambda: started(agent, old), 90, step=0.2),
			             f"an outside process that was killed is started again, uid {uid}", agent.output()[-1500:])
			check_processes(checks, agent, uid, f"started again, uid {uid}")
			os.kill(agent.pids()[1], 9)  # and buried
			checks.check(wait_until(lambda: len(agent.pids()) == 1, 10) and agent.status(), "the keeper goes on")
			checks.equal(agent.stop(), 0, "and leaves")


def test(checks):
	if "__asan_init" in subprocess.run(["nm", "-D", program()], capture_output=True, text=True).stdout:
		print("with AddressSanitizer there is no sandbox")
		sys.exit(77)
	with Lab() as lab:
		again = Again(lab)
		each_way_to_start(checks, lab)
		keeper_meddles(checks, lab)
		outside_meddles(checks, lab)
		again.check(checks)


if __name__ == "__main__":
	check.run(test)
