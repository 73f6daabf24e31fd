# SPDX-License-Identifier: GPL-2.0-or-later
"""An agent on a host of the lab (lab.py), for the net tests of leadglassd.

	with Lab() as lab:
		box = lab.host("box")
		agent = Agent(box).start()
		agent.must("apply", agent.policy(TEXT))
		agent.status()["wall"]
		agent.kill()            # -9
		agent.start()

Each agent has its own state, run and trust folder (signing.Trust) below the lab's folder; they stay when it ends, as on
a real machine.
LEADGLASS and LEADGLASSD name the programs."""
import json
import os
import re
import signal
import socket
import time
from pathlib import Path

import check
from lab import LabError, wait_until


def program():
	"""The leadglassd under test."""
	return check._program("LEADGLASSD", "leadglassd")


def alive(pid):
	"""Whether a process runs: one that has ended and that nobody has asked about yet does not."""
	try:
		return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
	except OSError:
		return False


class Agent:
	_count = 0

	def __init__(self, host, *options, name=None, enter=()):
		"""`options` are leadglassd's; `enter` are words before it, as of `unshare --mount`. The program they start
		has to become leadglassd, or `pid` is wrong."""
		Agent._count += 1
		self.host, self.options, self.enter = host, options, list(enter)
		folder = host.lab.dir / (name or f"agent-{host.name}-{Agent._count}")
		self.folder, self.state, self.run, self.trust = folder, folder / "state", folder / "run", folder / "trust"
		folder.mkdir(mode=0o755)
		self.state.mkdir(mode=0o700)
		self.run.mkdir(mode=0o755)
		self.trust.mkdir(mode=0o755)
		os.chmod(host.lab.dir, 0o755)
		os.chmod(folder, 0o755)
		self.process = self.notify = None
		self.notes = []  # what it told the service manager, in order
		self.policies = 0

	# ---- its life ----

	def launch(self, *more, **popen):
		"""Starts it and does not wait."""
		if self.notify is None:
			path = self.folder / "notify"
			self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
			self.notify.bind(str(path))
			os.chmod(path, 0o777)
		self.heard()
		self.notes = []
		environment = {**os.environ, "NOTIFY_SOCKET": str(self.folder / "notify"), **popen.pop("env", {})}
		self.process = self.host.start(*self.enter, program(), "--state", self.state, "--run", self.run,
		                               "--trust", self.trust, *self.options, *more, env=environment, **popen)
		return self

	def start(self, *more, timeout=30, **popen):
		"""Starts it and waits until it says READY=1."""
		return self.launch(*more, **popen).wait_ready(timeout)

	def heard(self):
		"""All it has told the service manager since it was started."""
		while True:
			try:
				self.notes += self.notify.recv(4096).decode().split("\n")
			except BlockingIOError:
				return self.notes

	def wait_ready(self, timeout=30):
		wait_until(lambda: "READY=1" in self.heard() or not self.running(), timeout, step=0.005)
		if "READY=1" not in self.heard():
			raise LabError(f"leadglassd is not ready:\n{self.output()[-3000:]}")
		return self

	def running(self):
		return self.process is not None and self.process.running()

	def output(self):
		return self.process.output() if self.process else ""

	@property
	def pid(self):
		return self.process.pid

	def pids(self):
		"""The keeper's and those of its children (the outside process)."""
		found = [self.pid]
		for child in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split():
			found.append(int(child))
		return found

	def stop(self, timeout=10):
		"""SIGTERM; the exit status."""
		if not self.running():
			return self.process.wait(0) if self.process else None
		os.kill(self.pid, signal.SIGTERM)
		return self.process.wait(timeout)

	def kill(self):
		"""kill -9 of the keeper alone; the outside process has to notice by itself."""
		others = self.pids()[1:]
		os.kill(self.pid, signal.SIGKILL)
		self.process.wait(10)
		if not wait_until(lambda: not any(map(alive, others)), 10, step=0.005):
			raise LabError(f"processes {others} outlive the agent")

	def restart(self, *more, **popen):
		self.stop()
		return self.start(*more, **popen)

	def idle(self):
		"""Whether the keeper sleeps, and still does a moment later: all that was asked of it is done, also what it does
		after an answer."""
		for _ in range(3):
			if Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] != "S":
				return False
			time.sleep(0.01)
		return True

	# ---- what it costs ----

	def rss(self, pid=None):
		"""Resident memory in KiB: of one process, or of all."""
		total = 0
		for one in [pid] if pid else self.pids():
			total += int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{one}/status").read_text())[1])
		return total

	def descriptors(self, pid=None):
		return len(os.listdir(f"/proc/{pid or self.pid}/fd"))

	# ---- talking to it ----

	def policy(self, text, name=None):
		"""Writes a policy file and returns its path."""
		self.policies += 1
		path = self.folder / (name or f"policy{self.policies}.conf")
		path.write_text(text)
		return path

	def ask(self, command, *words, timeout=60, **popen):
		"""`leadglass COMMAND WORDS` of this agent; a CompletedProcess."""
		return self.host.run(check.command(), command, "--run", self.run, *words, timeout=timeout, **popen)

	def must(self, command, *words, **popen):
		done = self.ask(command, *words, **popen)
		if done.returncode != 0:
			raise LabError(f"leadglass {command} {' '.join(map(str, words))}: exit {done.returncode}\n"
			               f"{done.stdout}{done.stderr}\n{self.output()[-3000:]}")
		return done

	def json(self, command, *words):
		done = self.ask(command, "--json", *words)
		try:
			return json.loads(done.stdout)
		except ValueError:
			raise LabError(f"leadglass {command} --json: exit {done.returncode}\n{done.stdout}{done.stderr}\n"
			               f"{self.output()[-3000:]}") from None

	def status(self):
		return self.json("status")

	def apply(self, text, *options, **popen):
		"""Applies a policy given as text; a CompletedProcess."""
		return self.ask("apply", *options, self.policy(text), **popen)

	def must_apply(self, text, *options, **popen):
		"""Comes back when the agent has also done what it does after its answer: files come and go until then."""
		answer = self.must("apply", *options, self.policy(text), **popen)
		wait_until(self.idle, 10)
		return answer


def wall(host):
	"""The kernel's rules as text, without what counters and timers say and who owns the table."""
	text = host.run("nft", "list", "ruleset", check=True).stdout
	text = re.sub(r"^(table [^{]*{).*\n(?:\tflags.*\n)?", r"\1\n", text, flags=re.M)
	return re.sub(r"packets \d+ bytes \d+|(expires|timeout) \w+", "", text)
