# SPDX-License-Identifier: GPL-2.0-or-later
"""A small hospital in network namespaces, for tests/net and tools/demo (needs root).

	with Lab() as lab:
		lan = lab.lan("hospital")
		archive = lab.host("archive")
		scanner = lab.host("scanner")
		archive.join(lan, "10.20.0.5/24", "2001:db8:20::5/64")
		scanner.join(lan, "10.20.0.10/24")
		archive.start("storescp", "--accept-all", "104").wait_port(104)
		scanner.run("echoscu", "10.20.0.5", "104")

Leaving the `with` block, also by an exception, Ctrl-C, SIGTERM or SIGHUP, ends every process started here and
removes every namespace and file. Names carry our pid, so labs may run side by side; what a killed (-9) lab left
behind is removed by the next one. Nothing is ever changed in the machine's own network namespace.
"""
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

PREFIX = "lg"  # namespaces are called lg-PID-NAME


class LabError(Exception):
	"""The lab itself does not work (not: the thing under test does not)."""


def _ip(*words, enter=()):
	done = subprocess.run([*enter, "ip", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True)
	if done.returncode != 0:
		raise LabError(f"ip {' '.join(words)}: {done.stderr.strip()}")
	return done.stdout


def _remove_namespace(namespace):
	"""Ends whatever still runs in it (only what a lab started can), then removes it."""
	for signum in (signal.SIGTERM, signal.SIGKILL):
		try:
			pids = [int(pid) for pid in _ip("netns", "pids", namespace).split()]
		except LabError:
			return
		for pid in pids:
			try:
				os.kill(pid, signum)
			except ProcessLookupError:
				pass
		deadline = time.monotonic() + 2
		while pids and time.monotonic() < deadline:
			pids = [pid for pid in pids if os.path.exists(f"/proc/{pid}")]
			time.sleep(0.02)
	subprocess.run(["ip", "netns", "del", namespace], capture_output=True)


def _remove_stale():
	for line in _ip("netns", "list").splitlines():
		found = re.match(rf"({PREFIX}-(\d+)-\S+)", line)
		if found and not os.path.exists(f"/proc/{found[2]}"):
			_remove_namespace(found[1])
	for folder in Path(tempfile.gettempdir()).glob("leadglass-lab-*-*"):
		if not os.path.exists(f"/proc/{folder.name.split('-')[2]}"):
			shutil.rmtree(folder, ignore_errors=True)


class Process:
	"""A program running in a host's namespace. Its output goes to the file `log`."""

	def __init__(self, host, words, log, **popen):
		self.host, self.words, self.log = host, words, log
		popen.setdefault("stdin", subprocess.DEVNULL)
		with open(log, "ab") as out:
			self.popen = subprocess.Popen(
				[*host.enter, *words], start_new_session=True, stdout=out, stderr=subprocess.STDOUT, **popen)
		self.pid = self.popen.pid  # nsenter becomes the program: it is the program's pid

	def output(self):
		return Path(self.log).read_text(errors="replace")

	def running(self):
		return self.popen.poll() is None

	def wait(self, timeout=30):
		"""The exit status; LabError after `timeout` seconds."""
		try:
			return self.popen.wait(timeout)
		except subprocess.TimeoutExpired:
			raise LabError(f"{self.words[0]} still runs after {timeout} s") from None

	def listens(self, port, protocol="tcp"):
		"""Whether somebody in this process's namespace has the port open."""
		wanted = "0A" if protocol == "tcp" else "07"
		for table in (protocol, protocol + "6"):
			try:
				lines = Path(f"/proc/{self.pid}/net/{table}").read_text().splitlines()[1:]
			except OSError:
				continue
			for fields in map(str.split, lines):
				if int(fields[1].rsplit(":", 1)[1], 16) == port and fields[3] == wanted:
					return True
		return False

	def wait_port(self, *ports, protocol="tcp", timeout=30):
		"""Returns self once every port is open; looks, and does not connect."""
		deadline = time.monotonic() + timeout
		while not all(self.listens(port, protocol) for port in ports):
			if not self.running():
				raise LabError(f"{self.words[0]} ended early:\n{self.output()[-2000:]}")
			if time.monotonic() > deadline:
				raise LabError(f"{self.words[0]} has not opened {ports} after {timeout} s:\n"
				               f"{self.output()[-2000:]}")
			time.sleep(0.05)
		return self

	def stop(self, patience=5):
		if self.running():
			self.popen.terminate()
			try:
				self.popen.wait(patience)
			except subprocess.TimeoutExpired:
				self.popen.kill()
				self.popen.wait()


class Host:
	"""One namespace. Interfaces are called eth0, eth1 ... in the order of joining, unless named."""

	def __init__(self, lab, name, forwarding=False):
		self.lab, self.name = lab, name
		self.namespace = f"{PREFIX}-{os.getpid()}{lab.suffix}-{name}"
		# Unlike `ip netns exec` and `ip -n` this mounts nothing, and so works in a chroot too.
		self.enter = ["nsenter", f"--net=/run/netns/{self.namespace}", "--"]
		self.interfaces = []
		_ip("netns", "add", self.namespace)
		lab.hosts.append(self)
		self.sysctl("net/ipv6/conf/default/accept_dad", 0)  # addresses are usable at once
		self.sysctl("net/ipv6/conf/default/accept_ra", 0)
		if forwarding:
			self.sysctl("net/ipv4/ip_forward", 1)
			self.sysctl("net/ipv6/conf/all/forwarding", 1)
		self.ip("link", "set", "lo", "up")

	def ip(self, *words):
		return _ip(*words, enter=self.enter)

	def mac(self, interface):
		return re.search(r"link/ether (\S+)", self.ip("link", "show", "dev", interface))[1]

	def sysctl(self, key, value):
		self.run("sh", "-c", f"echo {value} > /proc/sys/{key}", check=True)

	def new_interface(self, name=None):
		name = name or f"eth{len(self.interfaces)}"
		self.interfaces.append(name)
		return name

	def up(self, interface, addresses, mac=None):
		if mac:
			self.ip("link", "set", interface, "address", mac)
		for address in addresses:
			self.ip("address", "add", address, "dev", interface, *(["nodad"] if ":" in address else []))
		self.ip("link", "set", interface, "up")

	def join(self, lan, *addresses, interface=None, mac=None):
		"""Plugs a new interface into the lan; addresses with prefix length. Returns the interface's name."""
		interface = self.new_interface(interface)
		port = lan.switch.new_interface(f"port{len(lan.switch.interfaces)}")
		self.ip("link", "add", interface, "type", "veth", "peer", "name", port, "netns", lan.switch.namespace)
		lan.switch.ip("link", "set", port, "master", "lan", "up")
		self.up(interface, addresses, mac)
		return interface

	def route(self, destination, via):
		self.ip("-6" if ":" in via else "-4", "route", "add", destination, "via", via)

	def run(self, *words, timeout=60, check=False, input=None, **popen):
		"""Runs a command to its end; a subprocess.CompletedProcess with stdout and stderr as text. When it
		is not done in time it is killed, and the returncode is None. check: LabError unless it returns 0."""
		words = [str(word) for word in words]
		popen.setdefault("text", True)
		if input is None:
			popen["stdin"] = subprocess.DEVNULL
		full = [*self.enter, *words]
		try:
			done = subprocess.run(full, input=input, capture_output=True, timeout=timeout, **popen)
		except subprocess.TimeoutExpired as late:
			def text(part):
				return (part or b"").decode(errors="replace") if popen["text"] else part or b""
			done = subprocess.CompletedProcess(full, None, text(late.stdout), text(late.stderr))
		if check and done.returncode != 0:
			raise LabError(f"{self.name}: {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
		return done

	def start(self, *words, log=None, **popen):
		"""Starts a command in the background and returns its Process; the lab ends it."""
		words = [str(word) for word in words]
		if log is None:
			self.lab.log_count += 1
			log = self.lab.dir / f"{self.name}-{Path(words[0]).name}-{self.lab.log_count}.log"
		process = Process(self, words, log, **popen)
		self.lab.processes.append(process)
		return process

	def call(self, function, *arguments):
		"""Calls a Python function with a thread of ours moved into this namespace: sockets it opens belong
		here. Returns what it returns, raises what it raises."""
		import ctypes
		libc = ctypes.CDLL(None, use_errno=True)
		result = {}

		def enter():
			try:
				with open(f"/run/netns/{self.namespace}") as handle:
					if libc.setns(handle.fileno(), 0x40000000) != 0:  # CLONE_NEWNET
						raise LabError(f"setns: {os.strerror(ctypes.get_errno())}")
				result["value"] = function(*arguments)
			except BaseException as error:
				result["error"] = error
		thread = threading.Thread(target=enter)
		thread.start()
		thread.join()
		if "error" in result:
			raise result["error"]
		return result["value"]


class Lan:
	"""A switch (a bridge in a namespace of its own) that hosts join."""

	def __init__(self, lab, name):
		self.name = name
		self.switch = Host(lab, f"lan-{name}")
		self.switch.ip("link", "add", "lan", "type", "bridge", "forward_delay", "0", "mcast_snooping", "0")
		self.switch.sysctl("net/ipv6/conf/lan/disable_ipv6", 1)
		self.switch.ip("link", "set", "lan", "up")


class Lab:
	_count = 0

	def __init__(self):
		if os.geteuid() != 0:
			raise LabError("network namespaces need root: use sudo")
		self.suffix = f".{Lab._count}" if Lab._count else ""
		Lab._count += 1
		self.hosts, self.processes, self.log_count = [], [], 0
		self.dir = None  # a folder for the lab's files, removed with it
		self._handlers = {}

	def __enter__(self):
		_remove_stale()
		self.dir = Path(tempfile.mkdtemp(prefix=f"leadglass-lab-{os.getpid()}-"))
		if threading.current_thread() is threading.main_thread():
			for signum in (signal.SIGTERM, signal.SIGHUP):
				self._handlers[signum] = signal.signal(signum, self._interrupted)
		return self

	@staticmethod
	def _interrupted(signum, frame):
		raise SystemExit(128 + signum)

	def __exit__(self, *exception):
		main = threading.current_thread() is threading.main_thread()
		if main:  # a second Ctrl-C must not leave half of it behind
			for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
				old = signal.signal(signum, signal.SIG_IGN)
				self._handlers.setdefault(signum, old)
		for process in self.processes:  # all at once, then one after the other
			if process.running():
				process.popen.terminate()
		for process in self.processes:
			process.stop(patience=1)
		for host in self.hosts:
			_remove_namespace(host.namespace)
		shutil.rmtree(self.dir, ignore_errors=True)
		if main:
			for signum, handler in self._handlers.items():
				signal.signal(signum, handler)

	def host(self, name, forwarding=False):
		return Host(self, name, forwarding)

	def remove(self, host):
		"""Removes a host before the lab ends, and first what was started on it, which would wait to be asked about."""
		for process in [process for process in self.processes if process.host is host]:
			process.stop()
			self.processes.remove(process)
		_remove_namespace(host.namespace)
		self.hosts.remove(host)

	def lan(self, name):
		return Lan(self, name)

	def wire(self, one, one_addresses, other, other_addresses):
		"""A cable between two hosts; returns the two interface names."""
		a, b = one.new_interface(), other.new_interface()
		one.ip("link", "add", a, "type", "veth", "peer", "name", b, "netns", other.namespace)
		one.up(a, one_addresses)
		other.up(b, other_addresses)
		return a, b


def wait_until(condition, timeout=30, step=0.05):
	"""Calls condition() until it is true (and returns that value) or time is up (and returns the last)."""
	deadline = time.monotonic() + timeout
	while True:
		value = condition()
		if value or time.monotonic() > deadline:
			return value
		time.sleep(step)
