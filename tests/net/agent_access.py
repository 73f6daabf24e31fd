#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Service windows: one address gets in at one port, for as long as was said and no longer, whatever the agent does
meanwhile; its live connection is cut at the end; a policy that is applied neither ends nor prolongs one."""
import os
import socket
import time

import check
from agentlab import Agent
from lab import Lab, wait_until

DEVICE, GUEST, OTHER = "10.20.1.10", "10.20.1.77", "10.20.1.78"
DEVICE6, GUEST6 = "2001:db8:1::10", "2001:db8:1::77"
SSH, DICOM = 22, 11112
HEAD = f"role host\ndevice ct {{ ae-title CT; port {DICOM} }}\n"
POLICY = HEAD + "peer pacs { address 10.20.1.5; ae-title PACS; port 104; initiates echo }\n"
WINDOWS_MAX = 64


def listen(host, port):
	"""A socket that is listened on; nobody has to accept for a connection to stand."""
	def create():
		listener = socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=1000)
		listener.settimeout(5)
		return listener
	return host.call(create)


class Session:
	"""A TCP connection through the wall with both ends in our hands."""

	def __init__(self, client, source, listener, address, port):
		self.client = client.call(lambda: socket.create_connection((address, port), 2, source_address=(source, 0)))
		while True:  # those who only tried the door come first
			self.server, caller = listener.accept()
			if caller[1] == self.client.getsockname()[1]:
				break
			self.server.close()
		self.client.settimeout(0.5)
		self.server.settimeout(0.5)

	def lives(self):
		try:
			self.client.sendall(b"question")
			if self.server.recv(100)[:8] != b"question":
				return False
			self.server.sendall(b"answer")
			return self.client.recv(100)[:6] == b"answer"
		except OSError:
			return False

	def close(self):
		self.client.close()
		self.server.close()


class Site:
	def __init__(self, lab, name):
		self.box, self.peer = lab.host(f"{name}-box"), lab.host(f"{name}-peer")
		lab.wire(self.box, [f"{DEVICE}/24", f"{DEVICE6}/64"], self.peer, [f"{GUEST}/24", f"{OTHER}/24", f"{GUEST6}/64"])
		self.listeners = {port: listen(self.box, port) for port in (SSH, 23)}
		self.agent = Agent(self.box).start()
		self.agent.must_apply(POLICY)

	def allow(self, seconds, source=GUEST, port=SSH, **popen):
		self.opened = time.monotonic()
		return self.agent.ask("allow", "--for", f"{seconds}s", "--from", source, "--to-port", port,
		                      "--reason", "new tube: ticket 4711", **popen)

	def reaches(self, source=GUEST, address=DEVICE, port=SSH):
		return check.reach(self.peer, address, port, source=source, timeout=0.3) == "connected"

	def session(self):
		return Session(self.peer, GUEST, self.listeners[SSH], DEVICE, SSH)

	def windows(self):
		return self.agent.json("allow", "--list")

	def ends(self, wanted, slack=1.5):
		"""Whether the window closes `wanted` seconds after it was opened; when it did."""
		wait_until(lambda: not self.reaches() or time.monotonic() - self.opened > wanted + slack + 2, timeout=wanted + 30, step=0.05)
		after = time.monotonic() - self.opened
		# A try that fails takes 0.3 s to be known.
		return wanted - 0.5 <= after <= wanted + slack, f"closed after {after:.2f} s, wanted {wanted}"

	def logged(self, *words):
		return [line for line in self.agent.output().splitlines() if all(word in line for word in words)]


def one_window(checks, site):
	checks.check(not site.reaches(), "before: closed")
	done = site.allow(6)
	checks.equal(done.returncode, 0, f"allow: {done.stdout.strip()}{done.stderr.strip()}")
	checks.check(site.reaches(), "the address gets in")
	checks.check(not site.reaches(OTHER), "another address does not")
	checks.check(not site.reaches(port=23), "nor the same one at another port")
	checks.check(not site.reaches(GUEST6, DEVICE6), "nor over IPv6")
	session = site.session()
	checks.check(session.lives(), "a connection runs")
	windows = site.windows()
	checks.check(len(windows) == 1 and windows[0]["from"] == GUEST and windows[0]["port"] == SSH and
	             0 < windows[0]["seconds"] <= 6 and windows[0]["packets"] > 0, "it is listed", windows)
	checks.check(windows[0]["reason"] == "new tube: ticket 4711" and windows[0]["who"], "with who and why", windows)
	checks.equal(len(site.logged("service window for 10.20.1.77", "is open", "ticket 4711")), 1, "its begin is logged")
	checks.check(*site.ends(6))
	checks.check(not session.lives(), "the live connection is cut")
	session.close()
	checks.check(wait_until(lambda: site.logged("service window for 10.20.1.77", "has ended", "ticket 4711"), timeout=5),
	             "its end is logged", site.agent.output())
	checks.equal(site.windows(), [], "it is not listed any more")
	checks.equal(site.agent.status()["repairs"], 0, "none of it was taken for tampering")


def over_ipv6(checks, site):
	checks.equal(site.allow(30, GUEST6).returncode, 0, "IPv6: allow")
	checks.check(site.reaches(GUEST6, DEVICE6), "IPv6: the address gets in")
	checks.check(not site.reaches(), "IPv6: the IPv4 address does not")
	site.agent.must("allow", "--close", "--from", GUEST6, "--to-port", SSH)
	checks.check(not site.reaches(GUEST6, DEVICE6), "IPv6: closed")


def agent_killed(checks, site):
	site.allow(8)
	session = site.session()
	site.agent.kill()
	checks.check(site.reaches() and session.lives(), "agent killed: the window stays open")
	checks.check(*site.ends(8))
	checks.check(not session.lives(), "agent killed: the live connection is cut at the end")
	session.close()
	site.agent.start()
	checks.equal(site.windows(), [], "agent back: nothing is listed")
	# One that is open when the agent comes back.
	site.allow(10)
	site.agent.kill()
	site.agent.start()
	windows = site.windows()
	checks.check(len(windows) == 1 and windows[0]["seconds"] <= 10 and windows[0]["reason"] == "new tube: ticket 4711",
	             "agent back: an open window is taken over", windows)
	checks.check(site.reaches(), "agent back: it is open")
	checks.equal(len(site.logged("is still open", "ticket 4711")), 1, "agent back: it is logged")
	checks.check(*site.ends(10))
	checks.check(wait_until(lambda: site.logged("has ended"), timeout=5), "agent back: its end is logged")


def apply_meanwhile(checks, site):
	site.allow(8)
	session = site.session()
	# Elements only; then other rules (a service brings sets of its own).
	for more in ("peer ris { address 10.20.1.6; ae-title RIS; port 104; initiates worklist }\n",
	             "service ping { from 10.20.1.5 }\nlog { drops 5/second; group 5 }\n"):
		site.agent.must_apply(POLICY + more)
		checks.check(site.reaches() and session.lives(), "an apply does not end it")
		checks.check(site.windows()[0]["seconds"] <= 8 - (time.monotonic() - site.opened) + 1, "nor prolongs it")
	checks.check(*site.ends(8))
	checks.check(not session.lives(), "applied meanwhile: the live connection is cut at the end")
	session.close()
	checks.equal(site.logged("was lost"), [], "none was lost")
	site.allow(600)
	site.agent.must_apply(POLICY)
	checks.equal(len(site.windows()), 1, "again an apply, and the window stands")


def close_early(checks, site):
	session = site.session()
	checks.check(session.lives(), "close: a connection runs")
	done = site.agent.ask("allow", "--close", "--from", GUEST, "--to-port", SSH, env={**os.environ, "SUDO_USER": "bob"})
	checks.equal(done.returncode, 0, f"close: {done.stdout.strip()}{done.stderr.strip()}")
	checks.check(not site.reaches() and not session.lives(), "close: nobody gets in, and the connection is cut")
	session.close()
	checks.equal(len(site.logged("was closed early by bob")), 1, "close: it is logged, and who did it")
	done = site.agent.ask("allow", "--close", "--from", GUEST, "--to-port", SSH)
	checks.equal(done.returncode, 1, "close: a second time: there is none")


def too_many(checks, site):
	done = [site.allow(600, port=1000 + i).returncode for i in range(WINDOWS_MAX)]
	checks.equal(done, [0] * WINDOWS_MAX, f"{WINDOWS_MAX} windows")
	done = site.allow(600)
	checks.check(done.returncode != 0 and str(WINDOWS_MAX) in done.stderr, "one more is refused", done.stderr)
	checks.check(not site.reaches(), "and is not open")
	checks.equal(site.allow(900, port=1000).returncode, 0, "one that is open may be given another end")
	checks.check(max(window["seconds"] for window in site.windows()) > 890, "which counts from then on")
	site.agent.must("allow", "--close", "--all")
	checks.equal(site.windows(), [], "all are closed at once")


def reader_may_not(checks, site):
	"""Who is not root may not even ask here (no --group); the command says so."""
	done = site.allow(60, user="nobody")
	checks.check(done.returncode != 0 and not site.reaches(), "who is not root opens nothing", done.stderr)


def through_gateway(checks, lab):
	device, gateway, guest = lab.host("device"), lab.host("gateway", forwarding=True), lab.host("guest")
	lab.wire(device, ["10.20.1.10/24"], gateway, ["10.20.1.250/24"])
	lab.wire(gateway, ["10.20.2.250/24"], guest, ["10.20.2.77/24", "10.20.2.78/24"])
	device.route("default", "10.20.1.250")
	guest.route("10.20.1.0/24", "10.20.2.250")
	listeners = [listen(host, SSH) for host in (device, gateway)]
	agent = Agent(gateway).start()
	agent.must_apply("role router\nbox { address 10.20.1.250/24 10.20.2.250/24 }\n"
	                 f"device ct-3 {{ address 10.20.1.10; ae-title CT3; port {DICOM} }}\n"
	                 "peer pacs { address 10.20.2.5; ae-title PACS; port 104; initiates echo }\n")

	def reaches(address, source="10.20.2.77"):
		return check.reach(guest, address, SSH, source=source, timeout=0.3) == "connected"
	agent.must("allow", "--for", "600s", "--from", "10.20.2.77", "--to", "ct-3", "--to-port", SSH, "--reason", "laser")
	checks.check(reaches("10.20.1.10"), "gateway: the device is reached")
	checks.check(not reaches("10.20.1.10", "10.20.2.78"), "gateway: not from another address")
	checks.check(not reaches("10.20.2.250"), "gateway: and the gateway itself is not")
	agent.must("allow", "--for", "600s", "--from", "10.20.2.77", "--to-port", SSH, "--reason", "update")
	checks.check(reaches("10.20.2.250"), "gateway: until there is a window for it")
	agent.must("allow", "--close", "--from", "10.20.2.77", "--to", "ct-3", "--to-port", SSH)
	checks.check(not reaches("10.20.1.10") and reaches("10.20.2.250"), "gateway: each is closed by itself")
	done = agent.ask("allow", "--for", "1h", "--from", "10.20.2.77", "--to", "10.20.1.99", "--to-port", SSH, "--reason", "x")
	checks.check(done.returncode != 0 and "device" in done.stderr, "gateway: an address that is no device is refused", done.stderr)
	for listener in listeners:
		listener.close()


def past_the_agent(checks, lab):
	"""In a table that the kernel does not keep from others (as before Linux 6.9) somebody opens windows by hand."""
	box, peer = lab.host("unowned-box"), lab.host("unowned-peer")
	lab.wire(box, [f"{DEVICE}/24"], peer, [f"{GUEST}/24"])
	listener = listen(box, SSH)
	agent = Agent(box, "--unowned").start()
	agent.must_apply(POLICY)

	def open_by_hand(timeout):
		box.run("nft", "add", "element", "inet", "leadglass", "access4", f"{{ {GUEST} . {SSH} timeout {timeout} }}", check=True)
		return wait_until(lambda: check.reach(peer, DEVICE, SSH, timeout=0.2) != "connected", timeout=5)
	checks.check(open_by_hand("1h"), "unowned: a window opened past the agent is closed", agent.output())
	checks.check("was not opened through the agent" in agent.output(), "unowned: and told", agent.output())
	checks.check(open_by_hand("30d"), "unowned: a very long one is closed", agent.output())
	agent.must("allow", "--for", "600s", "--from", GUEST, "--to-port", SSH, "--reason", "tube")
	time.sleep(0.5)
	checks.equal(check.reach(peer, DEVICE, SSH), "connected", "unowned: one opened through the agent is left open")
	checks.equal(len(agent.json("allow", "--list")), 1, "unowned: and listed")
	listener.close()


def test(checks):
	with Lab() as lab:
		site = Site(lab, "host")
		one_window(checks, site)
		over_ipv6(checks, site)
		agent_killed(checks, site)
		apply_meanwhile(checks, site)
		close_early(checks, site)
		too_many(checks, site)
		reader_may_not(checks, site)
		through_gateway(checks, lab)
		past_the_agent(checks, lab)


if __name__ == "__main__":
	check.run(test)
