#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The agent's socket under clients that are rude, slow, many, mute or not allowed, while connections run through the wall
and policies are applied: nobody else notices."""
import array
import fcntl
import os
import random
import select
import signal
import socket
import struct
import threading
import time
import traceback

import check
from agentlab import Agent, wall
from lab import Lab, LabError, wait_until

BOX, ARCHIVE = "10.20.1.10", "10.20.1.5"
POLICY = f"""role host
device ct {{ ae-title CT; port 11112 11113 }}
peer main-pacs {{ address {ARCHIVE}; ae-title PACS; port 104; initiates storage; accepts echo }}
manage {{ from {ARCHIVE} }}
"""
GROUP = "daemon"  # there is one of that name on every Debian
GROUP_ID, NOBODY = 1, 65534
READING = ["status", "drops", "history", "show", "verify", "metrics"]

PLACES = 16  # AGENT_CLIENTS_MAX

# src/control/control.h
MAGIC = 0x4c474335
(STATUS, ALARMS, PEERS, COUNTERS, DROPS, FOLLOW, HISTORY, SHOW, WINDOWS, METRICS, VERIFY, PORTS,
 APPLY, CONFIRM, ROLLBACK, ALLOW, CLOSE, JUDGE) = range(1, 19)
REQUEST = struct.Struct("=IHHIIQ64s18s18sBBHI4xQ96s64s")
ANSWER = struct.Struct("=IHHiIQIIII256s")
SEALS = 2 | 4 | 8  # shrink, grow, write
F_ADD_SEALS = 1033


def request(kind, magic=MAGIC, payload=0, seconds=0, number=0, who=b"tester", reason=b""):
	prefix = bytes(16) + bytes([0, 32])
	return REQUEST.pack(magic, kind, 0, payload, seconds, number, who, prefix, prefix, 1, 0, 22, 60, 0, reason, b"")


def memfd(data, seals=SEALS):
	fd = os.memfd_create("test", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
	os.write(fd, data)
	if seals:
		fcntl.fcntl(fd, F_ADD_SEALS, seals)
	return fd


class Client:
	"""Somebody connected to the agent's socket."""

	def __init__(self, agent, timeout=10):
		self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
		# While others connect too, connecting waits for a place in the queue.
		self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", timeout, 0))
		self.socket.connect(str(agent.run / "control"))
		self.socket.settimeout(timeout)

	def __enter__(self):
		return self

	def __exit__(self, *exception):
		self.socket.close()

	def send(self, data, descriptors=()):
		"""False when the agent has hung up or does not take it."""
		ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
		try:
			self.socket.sendmsg([data], ancillary)
			return True
		except OSError:
			return False

	def answer(self):
		"""(kind, error, number, text, payload) of the next answer; None: the agent hung up."""
		try:
			data, descriptors, _, _ = socket.recv_fds(self.socket, 4096, 4)
		except ConnectionError:
			return None
		if not data:
			return None
		fields = ANSWER.unpack(data)
		payload = b""
		for fd in descriptors:
			payload += os.pread(fd, fields[4], 0)
			os.close(fd)
		return fields[1], fields[3], fields[5], fields[10].split(b"\0")[0].decode(), payload

	def ask(self, kind, **more):
		return self.answer() if self.send(request(kind, **more)) else None


class Traffic:
	"""Connection after connection to the box and from it, as DICOM opens them, and one that stays."""

	def __init__(self, box, archive, traffic):
		self.processes = [box.start(traffic, "connect", ARCHIVE, 104), archive.start(traffic, "connect", BOX, 11112)]
		listener = box.call(lambda: socket.create_server((BOX, 11113)))
		self.lasting = archive.call(lambda: socket.create_connection((BOX, 11113), 5))
		self.other, _ = listener.accept()
		listener.close()

	def end(self, checks, what):
		for process in self.processes:
			os.kill(process.pid, signal.SIGINT)
		for process in self.processes:
			process.wait()
			words = process.output().split()
			numbers = dict(zip(words[::2], map(int, words[1::2])))
			checks.check(numbers["connections"] > 10 and numbers["failed"] == 0,
			             f"{what}: {numbers['connections']} connections, none failed", process.output())
		for one, other in ((self.lasting, self.other), (self.other, self.lasting)):
			other.settimeout(5)
			one.sendall(b"x")
			checks.equal(other.recv(1), b"x", f"{what}: a connection that stood still stands")
		self.lasting.close()
		self.other.close()


class Unharmed:
	"""with Unharmed(...): afterwards the agent is the same process, holds no more descriptors and hardly more memory, the
	wall is untouched, and it answers."""

	def __init__(self, checks, agent, what):
		self.checks, self.agent, self.what = checks, agent, what

	def __enter__(self):
		self.pids, self.descriptors, self.memory = self.agent.pids(), self.agent.descriptors(), self.agent.rss()
		self.wall = wall(self.agent.host)

	def __exit__(self, kind, *rest):
		if kind:
			return
		checks, agent, what = self.checks, self.agent, self.what
		checks.equal(agent.status()["wall"], "up", f"{what}: the wall is up")
		checks.equal(agent.pids(), self.pids, f"{what}: the same processes")
		after = wait_until(lambda: agent.descriptors() <= self.descriptors, 5)
		checks.check(after, f"{what}: no descriptor is left open", f"{self.descriptors} before, {agent.descriptors()} after")
		grown = agent.rss() - self.memory
		checks.check(grown < 1024, f"{what}: {grown} KiB more memory")
		checks.equal(wall(agent.host), self.wall, f"{what}: the wall is what it was")


def as_user(agent, group, *words):
	"""A command of somebody who is not root."""
	return agent.host.run("setpriv", "--reuid", str(NOBODY), "--regid", str(group), "--clear-groups", "--",
	                      check.command(), words[0], "--run", agent.run, *words[1:])


def forked(function):
	"""Runs it in a child that is nobody, in the socket's group. Its pid; function gets a pipe it is to write to once."""
	reader, writer = os.pipe()
	pid = os.fork()
	if pid == 0:
		try:
			os.setgroups([])
			os.setgid(GROUP_ID)
			os.setuid(NOBODY)
			function(writer)
		except BaseException:
			traceback.print_exc()
		finally:
			os._exit(0)
	os.close(writer)
	with os.fdopen(reader) as pipe:
		return pid, pipe.readline()


def permissions(checks, agent):
	for command in READING:
		done = as_user(agent, GROUP_ID, command)
		checks.equal((done.returncode, done.stderr), (0, ""), f"a member of the group may read: {command}")
	done = as_user(agent, GROUP_ID, "print", "@running")
	checks.equal(done.returncode, 0, "a member of the group may read: print @running")
	policy = agent.policy(POLICY)
	for words in (["apply", policy], ["confirm"], ["rollback"],
	              ["allow", "--for", "1h", "--from", ARCHIVE, "--to-port", "22", "--reason", "test"]):
		done = as_user(agent, GROUP_ID, *words)
		checks.check(done.returncode == 4 and "leadglass: only root may change the wall (sudo)" in done.stderr,
		             f"a member of the group may not change: {words[0]}", f"exit {done.returncode}\n{done.stderr}{done.stdout}")
	for command in READING:
		done = as_user(agent, NOBODY, command)
		checks.check(done.returncode == 4 and "does not talk to this user" in done.stderr,
		             f"others may not even ask: {command}", f"exit {done.returncode}\n{done.stderr}")
	checks.equal(len(agent.json("history")), 1, "nothing of that was applied")

	# Not through the command, which is polite, but straight at the socket
	def ask(pipe):
		refused = []
		with Client(agent) as client:
			for kind in (CONFIRM, ROLLBACK, ALLOW, CLOSE):
				refused.append(client.ask(kind)[1])
		os.write(pipe, f"{refused}\n".encode())
	pid, refused = forked(ask)
	os.waitpid(pid, 0)
	checks.equal(refused, "[-1, -1, -1, -1]\n", "straight at the socket: EPERM")

	def send(pipe):
		with Client(agent) as client:
			sent = client.send(request(APPLY, payload=4), [memfd(b"text")])
			answer = client.answer() if sent else None
		os.write(pipe, f"{'refused' if not sent or not answer or answer[1] == -1 else answer}\n".encode())
	pid, refused = forked(send)
	os.waitpid(pid, 0)
	checks.equal(refused, "refused\n", "straight at the socket, with a policy: refused")


def nonsense(descriptors):
	"""Datagrams that are no request, with the descriptors that come with them."""
	good = request(STATUS)
	yield b"x", ()
	yield good[:-1], ()
	yield good + b"x", ()
	yield good + bytes(60000), ()
	yield bytes(len(good)), ()
	yield b"\xff" * len(good), ()
	yield random.randbytes(len(good)), ()
	yield b"GET / HTTP/1.1\r\n\r\n", ()
	yield request(STATUS, magic=MAGIC + 1), ()
	yield request(0), ()
	yield request(JUDGE + 1), ()
	yield request(STATUS, who=b"a\nAPPLIED"), ()
	yield request(STATUS, who=b"a" * 64), ()
	yield request(STATUS, payload=4), ()
	yield good, descriptors[:1]
	yield good, descriptors * 5
	yield request(APPLY, payload=4), ()
	yield request(APPLY, payload=4), descriptors
	for fd in descriptors[1:]:
		yield request(APPLY, payload=4), [fd]
	yield request(APPLY, payload=5), descriptors[:1]
	yield request(APPLY, payload=0xffffffff), descriptors[:1]
	yield request(JUDGE, payload=4), descriptors[2:3]


def rude(checks, agent):
	ends = os.pipe()
	descriptors = [memfd(b"text"), memfd(b"text", seals=0), ends[0], ends[1], os.open("/dev/zero", os.O_RDONLY)]
	hung_up = sent = 0
	with Unharmed(checks, agent, "1,000 rude clients"):
		while sent < 1000:
			for data, with_it in nonsense(descriptors):
				with Client(agent) as client:
					sent += 1
					client.send(data, with_it)
					if sent % 3 == 0:
						continue  # gone without waiting
					hung_up += client.answer() is None
		checks.equal(hung_up, sent - sent // 3, "each one that waits is hung up on")
		# It makes sense, but is no policy.
		with Client(agent) as client:
			client.send(request(APPLY, payload=4), descriptors[:1])
			answer = client.answer()
			checks.check(answer and answer[1] < 0 and client.ask(STATUS)[1] == 0, "a payload that is no policy is an error only",
			             answer)
	for fd in [*descriptors]:
		os.close(fd)
	lines = agent.output().count("was sent away")
	checks.check(0 < lines < 200, f"{lines} lines in the log for them")


def mute(checks, agent):
	"""Clients of the group that take every place and say nothing."""

	def hold(pipe):
		clients = [Client(agent) for _ in range(40)]
		os.write(pipe, b"\n")
		signal.pause()
		del clients
	with Unharmed(checks, agent, "40 that connect and say nothing"):
		pid, _ = forked(hold)
		try:
			for _ in range(5):
				done = agent.ask("status", timeout=10)
				checks.equal((done.returncode, done.stderr), (0, ""), "root gets an answer all the same")
		finally:
			os.kill(pid, signal.SIGKILL)
			os.waitpid(pid, 0)


def full(checks, agent):
	"""Every place is root's: who comes then is told why it gets no answer."""
	with Unharmed(checks, agent, "every place taken by root"):
		clients = [Client(agent) for _ in range(PLACES)]
		for _ in range(10):
			done = agent.ask("status", timeout=10)
			if done.returncode != 4 or "the agent is busy" not in done.stderr:
				break
		checks.check(done.returncode == 4 and "the agent is busy" in done.stderr, "no place: exit 4, and the command says so",
		             f"exit {done.returncode}: {done.stdout}{done.stderr}")
		for client in clients:
			client.socket.close()


def deaf(checks, agent):
	"""Clients that ask and ask and never read."""

	def pester(client, kind):
		client.socket.setblocking(False)
		sent = 0
		while sent < 5000 and client.send(request(kind)):
			sent += 1
		return sent
	with Unharmed(checks, agent, "clients that never read"):
		clients = [Client(agent) for _ in range(6)]
		deadline = time.monotonic() + 20
		waiting = dict(zip(clients, (STATUS, SHOW, METRICS, PEERS, HISTORY, DROPS)))
		while waiting and time.monotonic() < deadline:
			for client, kind in list(waiting.items()):
				pester(client, kind)
				# Hung up on: what was answered can still be read, and then comes the end.
				poll = select.poll()
				poll.register(client.socket, 0)
				if any(event & select.POLLHUP for _, event in poll.poll(0)):
					del waiting[client]
			begin = time.monotonic()
			if agent.status()["wall"] != "up" or time.monotonic() - begin > 5:
				raise LabError("the agent does not answer others")
		checks.check(not waiting, "who never reads is hung up on", f"{len(waiting)} of 6 are not")
		for client in clients:
			client.socket.close()


def lingering(checks, agent):
	"""Clients of the group that send along a TCP socket which takes a hundred seconds to close: whoever frees it last
	waits as long, and is not to be the keeper."""

	def linger(pipe):
		def stuck(listener):
			one = socket.socket()
			one.connect(listener.getsockname())
			kept.append(listener.accept()[0])
			one.setblocking(False)
			try:
				while True:
					one.send(bytes(65536))
			except BlockingIOError:
				pass
			one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 100))
			return one
		listener, kept = socket.socket(), []
		listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
		listener.bind(("127.0.0.1", 0))
		listener.listen(200)
		reached = 0
		for turn in range(60):
			one = stuck(listener)
			client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
			client.connect(str(agent.run / "control"))
			try:
				# Before the agent has accepted it no kernel refuses; more than there are places are turned away with it.
				for _ in range(turn % 3):
					client.send(b"")
				socket.send_fds(client, [request(STATUS)], [one.fileno()])
				reached += 1
			except OSError:
				pass
			one.close()
			if turn % 2:
				client.close()
			else:
				kept.append(client)
		os.write(pipe, f"{reached}\n".encode())
		signal.pause()
	agent.host.run("ip", "link", "set", "lo", "up", check=True)
	with Unharmed(checks, agent, "descriptors that take long to close"):
		before = agent.descriptors()
		os.kill(agent.pid, signal.SIGSTOP)  # so that they come before they are accepted
		pid = None
		try:
			pid, reached = agent.host.call(lambda: forked(linger))
			os.kill(agent.pid, signal.SIGCONT)
			checks.check(int(reached) > 10, f"{reached.strip()} of 60 sockets reached the agent")
			begin = time.monotonic()
			done = agent.ask("status", timeout=30)
			checks.check(done.returncode == 0 and time.monotonic() - begin < 5, "root gets an answer meanwhile",
			             f"{time.monotonic() - begin:.1f} s: exit {done.returncode} {done.stderr}")
			gone = wait_until(lambda: agent.descriptors() <= before and len(agent.pids()) == 2, 10)
			checks.check(gone, "the agent has neither a descriptor nor a child of it left", agent.pids())
		finally:
			os.kill(agent.pid, signal.SIGCONT)
			if pid:
				os.kill(pid, signal.SIGKILL)
				os.waitpid(pid, 0)


def flood(checks, agent):
	"""Clients of the group that have a large wall compared again and again, and others that connect and connect."""

	def compare(pipe):
		clients, answers = [], 0
		while True:
			while len(clients) < PLACES:
				clients.append(Client(agent))
			for client in clients:
				client.send(request(VERIFY))
			for client in list(clients):
				if client.answer() is None:
					client.socket.close()
					clients.remove(client)
				answers += 1
			if answers == PLACES:
				os.write(pipe, b"\n")

	def connect(pipe):
		os.write(pipe, b"\n")
		clients = []
		while True:
			client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
			client.setblocking(False)
			try:
				client.connect(str(agent.run / "control"))
				clients.append(client)
			except BlockingIOError:
				time.sleep(0.0005)
			if len(clients) > 500:
				clients = clients[100:]
	peers = "".join(f"peer p{n} {{ address 10.40.{n // 250}.{n % 250}; ae-title P{n}; port 104; accepts echo }}\n"
	                for n in range(8000))
	agent.must_apply(POLICY + peers)
	with Unharmed(checks, agent, "a flood of comparisons and connections"):
		pids = [forked(one)[0] for one in (compare, connect, connect)]
		try:
			longest = 0
			for _ in range(10):
				time.sleep(0.3)  # in the thick of it
				begin = time.monotonic()
				done = agent.ask("status", timeout=30)
				longest = max(longest, time.monotonic() - begin)
				if done.returncode:
					break
			checks.check(done.returncode == 0, f"root is answered, within {longest:.2f} s", done.stderr)
		finally:
			for pid in pids:
				os.kill(pid, signal.SIGKILL)
				os.waitpid(pid, 0)
	agent.must_apply(POLICY)


def many(checks, agent):
	"""A hundred at once."""
	answers = []

	def one():
		try:
			with Client(agent) as client:
				answer = client.ask(STATUS)
				answers.append("answered" if answer and answer[1] == 0 else "closed")
		except OSError as error:
			answers.append(repr(error))
	with Unharmed(checks, agent, "100 connections at once"):
		threads = [threading.Thread(target=one) for _ in range(100)]
		for thread in threads:
			thread.start()
		for thread in threads:
			thread.join()
		count = {word: answers.count(word) for word in set(answers)}
		checks.check(set(count) <= {"answered", "closed"} and count.get("answered", 0) >= 16,
		             f"each of 100 is answered or sent away: {count}")


def leaves_early(checks, agent):
	"""Who asks for something to be changed and does not wait: it is done all the same, once."""
	before = len(agent.json("history"))
	bundle = agent.must("show").stdout.encode()
	text = b"leadglass-bundle 1\nfile %d policy.conf\n%s\nend\n" % (len(bundle), bundle)
	with Client(agent) as client:
		fd = memfd(text)
		client.send(request(APPLY, payload=len(text)), [fd])
		os.close(fd)
	entries = wait_until(lambda: len(agent.json("history")) == before + 1 and agent.json("history"), 10)
	checks.check(entries and entries[-1]["standing"], "applied by a client that did not wait for the answer")
	checks.equal(entries and entries[-1]["who"], "tester", "and the history says who")


def applying(checks, agent, policy):
	"""All of it once more, while policies are applied as fast as they can be."""
	stop, failed, count = threading.Event(), [], [0]

	def apply():
		while not stop.is_set():
			done = agent.ask("apply", policy)
			count[0] += 1
			if done.returncode != 0:
				failed.append(f"exit {done.returncode}: {done.stdout}{done.stderr}")
	descriptors = [memfd(b"text"), memfd(b"text", seals=0)]
	thread = threading.Thread(target=apply)
	thread.start()
	try:
		while count[0] < 20 and not failed:
			for data, with_it in nonsense(descriptors):
				with Client(agent) as client:
					client.send(data, with_it)
	finally:
		stop.set()
		thread.join()
	checks.check(count[0] >= 20 and not failed, f"{count[0]} policies applied meanwhile", "\n".join(failed[:5]))
	for fd in descriptors:
		os.close(fd)


def test(checks):
	with Lab() as lab:
		box, archive = lab.host("box"), lab.host("archive")
		lab.wire(box, [f"{BOX}/24"], archive, [f"{ARCHIVE}/24"])
		box.start(check.traffic(), "serve", 11112).wait_port(11112)
		archive.start(check.traffic(), "serve", 104).wait_port(104)
		agent = Agent(box, "--group", GROUP).start()
		agent.must_apply(POLICY)
		permissions(checks, agent)
		traffic = Traffic(box, archive, check.traffic())
		rude(checks, agent)
		mute(checks, agent)
		full(checks, agent)
		deaf(checks, agent)
		lingering(checks, agent)
		flood(checks, agent)
		many(checks, agent)
		leaves_early(checks, agent)
		applying(checks, agent, agent.policy(POLICY))
		traffic.end(checks, "meanwhile")
		checks.equal(agent.status()["repairs"], 0, "nothing had to be repaired")
		checks.equal(agent.stop(), 0, "and the agent ends in order")


if __name__ == "__main__":
	random.seed(4)
	check.run(test)
