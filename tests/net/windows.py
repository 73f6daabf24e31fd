#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Service windows with real packets, on a host and through a router: one opens, lets a connection in, ends by itself
and cuts it; loads neither end nor prolong it; what somebody puts in its place without an end does not stay. All of
it by the kernel, with whoever opened it gone."""
import os
import socket
import subprocess
import time

import check
from check import reach
from lab import Lab, LabError, wait_until

DEVICE = {4: "10.20.1.10", 6: "2001:db8:1::10"}
ADMIN = {4: "10.20.9.77", 6: "2001:db8:9::77"}
PACS = "10.20.9.5"
HOUR = 3600 * 1000
SHORT = 2000  # ms
DEADLINE = 15  # s, for what the kernel does by itself in two
PORT, DICOM = 22, 11112


def driver():
	path = os.environ.get("LEADGLASS_WINDOWS") or os.path.join(os.path.dirname(check.command()), "windows")
	if not os.path.exists(path):
		raise LabError(f"{path} not found; set LEADGLASS_WINDOWS to tests/net/windows.c, built")
	return os.path.abspath(path)


def policy(role, name="pacs"):
	address = f"; address {DEVICE[4]} {DEVICE[6]}" if role == "router" else ""
	return (f"role {role}\ndevice ct {{ ae-title CT; port {DICOM}{address} }}\n"
	        f"peer {name} {{ address {PACS}; ae-title P; port 104; initiates storage; accepts echo }}\n")


class Session:
	"""A TCP connection on which the server says back what it hears, as a shell would."""

	def __init__(self, client, server, source, address, port):
		family = socket.AF_INET6 if ":" in address else socket.AF_INET

		def connect():
			return socket.create_connection((address, port), 5, source_address=(source, 0))
		listener = server.call(lambda: socket.create_server((address, port), family=family))
		self.client = client.call(connect)
		self.server, _ = listener.accept()
		listener.close()
		self.client.settimeout(1)
		self.server.settimeout(1)

	def answered(self):
		try:
			self.client.sendall(b"x")
			if not self.server.recv(100):
				return False
			self.server.sendall(b"y")
			return bool(self.client.recv(100))
		except OSError:
			return False

	def close(self):
		self.client.close()
		self.server.close()


class Wall:
	"""The host with the wall on it, and windows in it."""

	def __init__(self, lab, host, role):
		self.host, self.role = host, role
		self.file = lab.dir / f"{host.name}.conf"
		self.load()

	def load(self, name="pacs"):
		self.file.write_text(policy(self.role, name))
		return self.host.run(check.command(), "load", "--json", self.file, check=True)

	def verify(self):
		return self.host.run(check.command(), "verify", self.file)

	def windows(self, *words):
		return self.host.run(driver(), *words)

	def to(self, version):
		return "box" if self.role == "host" else DEVICE[version]

	def open(self, ms, port=PORT, version=4, comment="alice: tube"):
		done = self.windows("open", self.file, ADMIN[version], self.to(version), port, ms, comment)
		if done.returncode != 0:
			raise LabError(f"open: {done.stderr}")

	def close(self, port=PORT, version=4):
		return self.windows("close", self.file, ADMIN[version], self.to(version), port)

	def list(self):
		"""{(from, to, port): (ms, packets, comment)}"""
		found = {}
		for line in self.host.run(driver(), "list", check=True).stdout.splitlines():
			source, to, port, ms, packets, comment = line.split(" ", 5)
			found[source, to, int(port)] = int(ms), int(packets), comment
		return found


def build(lab, role):
	device, admin = lab.host(f"{role}-device"), lab.host(f"{role}-admin")
	if role == "host":
		lab.wire(device, [f"{DEVICE[4]}/16", f"{DEVICE[6]}/32"], admin, [f"{ADMIN[4]}/16", f"{ADMIN[6]}/32"])
		return device, device, admin
	wall = lab.host("gateway", forwarding=True)
	lab.wire(wall, ["10.20.1.1/24", "2001:db8:1::1/64"], device, [f"{DEVICE[4]}/24", f"{DEVICE[6]}/64"])
	lab.wire(wall, ["10.20.9.1/24", "2001:db8:9::1/64"], admin, [f"{ADMIN[4]}/24", f"{ADMIN[6]}/64"])
	for host, v4, v6 in (device, "10.20.1.1", "2001:db8:1::1"), (admin, "10.20.9.1", "2001:db8:9::1"):
		host.route("default", v4)
		host.route("default", v6)
	return wall, device, admin


def lives_and_ends(checks, wall, device, admin, version):
	what = f"{wall.role}, IPv{version}"
	source, address = ADMIN[version], DEVICE[version]

	def knock():
		return reach(admin, address, PORT, source=source)
	checks.equal(knock(), "silence", f"{what}: nobody is let in")
	wall.open(HOUR, port=PORT + 1, version=version)
	lasting = Session(admin, device, source, address, PORT + 1)
	wall.open(SHORT, version=version)
	begun = time.monotonic()
	session = Session(admin, device, source, address, PORT)
	checks.check(session.answered(), f"{what}: a window lets in")
	listed = wall.list()
	key = source, wall.to(version), PORT
	checks.check(key in listed and 0 < listed[key][0] <= SHORT and listed[key][1] >= 5 and listed[key][2] == "alice: tube",
	             f"{what}: it is listed with its end, its packets and its comment", listed)
	checks.equal(reach(admin, address, PORT + 2, source=source), "silence", f"{what}: for its port only")
	checks.check(wall.verify().returncode == 0, f"{what}: the wall is as it is meant to be", wall.verify().stdout)
	ended = wait_until(lambda: not session.answered(), DEADLINE)
	took = time.monotonic() - begun
	checks.check(ended, f"{what}: it ends by itself and cuts the connection")
	checks.check(took >= SHORT / 1000 - 0.1, f"{what}: and not before its time", f"{took:.2f} s")
	checks.equal(knock(), "silence", f"{what}: nobody is let in afterwards")
	checks.equal(list(wall.list()), [(source, wall.to(version), PORT + 1)], f"{what}: the other one is still open")
	checks.check(lasting.answered(), f"{what}: and its connection lives")
	session.close()

	done = wall.close(PORT + 1, version)
	checks.equal(done.returncode, 0, f"{what}: it is closed early")
	checks.check(not lasting.answered(), f"{what}: which cuts its connection at once")
	checks.equal(wall.list(), {}, f"{what}: no window is left")
	done = wall.close(PORT + 1, version)
	checks.check(done.returncode == 1 and "it is not open" in done.stderr, f"{what}: closing it again says so", done.stderr)
	lasting.close()


def changed(checks, wall, device, admin):
	what = wall.role
	key = ADMIN[4], wall.to(4), PORT
	wall.open(SHORT)
	session = Session(admin, device, ADMIN[4], DEVICE[4], PORT)
	wall.open(HOUR, comment="bob: longer")
	ms, _, comment = wall.list()[key]
	checks.check(ms > HOUR / 2 and comment == "bob: longer", f"{what}: an open window is prolonged", (ms, comment))
	time.sleep(SHORT / 1000 + 0.5)  # its first end goes by
	checks.check(session.answered(), f"{what}: its connection goes on past the first end")
	wall.open(1000)
	checks.check(wait_until(lambda: not session.answered(), DEADLINE), f"{what}: and it can be shortened")
	session.close()


def loads(checks, wall, device, admin):
	what = wall.role
	key = ADMIN[4], wall.to(4), PORT
	wall.open(HOUR)
	wall.open(SHORT, port=PORT + 1)
	session = Session(admin, device, ADMIN[4], DEVICE[4], PORT)
	short = Session(admin, device, ADMIN[4], DEVICE[4], PORT + 1)
	before = wall.list()
	done = wall.load("other")
	checks.check('"verified":true' in done.stdout.replace(" ", ""), f"{what}: another policy is loaded and verified", done.stdout)
	wall.file.write_text(policy(wall.role) + "service time { udp 123 to 10.20.0.1 }\n")
	done = wall.host.run(check.command(), "load", "--json", wall.file, check=True)
	checks.check('"exchanged"' in done.stdout, f"{what}: and one that has its rules exchanged", done.stdout)
	after = wall.list()
	checks.check(session.answered(), f"{what}: a connection through a window lives on")
	checks.check(all(k in after and after[k][0] <= before[k][0] for k in before) or list(after) == [key],
	             f"{what}: windows were not prolonged", (before, after))
	checks.check(wait_until(lambda: not short.answered(), DEADLINE), f"{what}: and end when they would have")

	# Somebody opens one for good.
	name = "access4" if wall.role == "host" else "access_devices4"
	keys = [ADMIN[4]] + ([] if wall.role == "host" else [DEVICE[4]]) + [str(PORT + 2)]
	wall.host.run("nft", "add", "element", "inet", "leadglass", name, "{", " . ".join(keys), "}", check=True)
	checks.check(reach(admin, DEVICE[4], PORT + 2, source=ADMIN[4]) == "refused", f"{what}: a permanent element lets in")
	checks.equal(list(wall.list()), [key], f"{what}: it is listed as no window")
	done = wall.verify()
	checks.check(done.returncode == 1 and "open without an end" in done.stdout, f"{what}: verify reports it", done.stdout)
	done = wall.host.run(check.command(), "load", "--json", wall.file, check=True)
	checks.check('"elements"' in done.stdout, f"{what}: a load takes it out", done.stdout)
	checks.equal(reach(admin, DEVICE[4], PORT + 2, source=ADMIN[4]), "silence", f"{what}: nobody is let in by it")
	checks.equal(wall.verify().returncode, 0, f"{what}: the wall is as it is meant to be again")
	checks.check(session.answered(), f"{what}: the window is open still")
	wall.close()
	session.close()
	short.close()
	wall.load()


def owned(checks, wall, device, admin):
	"""With the table in somebody's hands: he opens windows, others do not, and they end though he is killed."""
	what = f"{wall.role}, owned"
	owner = subprocess.Popen([*wall.host.enter, driver(), "own", wall.file], stdin=subprocess.PIPE,
	                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

	def tell(line):
		owner.stdin.write(line + "\n")
		owner.stdin.flush()
		return owner.stdout.readline().strip()
	try:
		checks.equal(owner.stdout.readline().strip(), "ready", f"{what}: loaded")
		done = wall.windows("open", wall.file, ADMIN[4], wall.to(4), PORT, HOUR, "mallory")
		checks.check(done.returncode == 1 and f"process {owner.pid}" in done.stderr, f"{what}: others may not", done.stderr)
		for _ in range(3):
			answer = tell(f"open {ADMIN[4]} {wall.to(4)} {PORT} {SHORT} alice")
		checks.equal(answer, "done", f"{what}: the owner may, and change it")
		checks.equal(tell(f"open {ADMIN[4]} {wall.to(4)} {PORT + 1} {HOUR} alice"), "done", f"{what}: and a second one")
		session = Session(admin, device, ADMIN[4], DEVICE[4], PORT)
		checks.equal(tell(f"close {ADMIN[4]} {wall.to(4)} {PORT + 1}"), "done", f"{what}: and close it")
		owner.kill()
		owner.wait()
		checks.check(wait_until(lambda: not session.answered(), DEADLINE), f"{what}: killed, his window ends all the same")
		checks.equal(wall.list(), {}, f"{what}: nothing is left open")
		session.close()
	finally:
		owner.kill()
		owner.wait()


def by_nft(checks, lab):
	"""In a table that nft made from `render`, which nobody owns and nothing keeps."""
	wall, device, admin = build(lab, "host")
	file = lab.dir / "nft.conf"
	file.write_text(policy("host"))
	text = wall.run(check.command(), "render", file, check=True).stdout
	wall.run("nft", "-f", "-", input=text, check=True)
	wall.run(driver(), "open", file, ADMIN[4], "box", PORT, HOUR, "alice", check=True)
	session = Session(admin, device, ADMIN[4], DEVICE[4], PORT)
	checks.check(session.answered(), "a wall made by nft: a window lets in")
	listing = wall.run("nft", "list", "set", "inet", "leadglass", "access4", check=True).stdout
	checks.check("timeout 1h" in listing and '"alice"' in listing and "counter packets" in listing,
	             "a wall made by nft: nft shows it", listing)
	wall.run("nft", "-f", "-", input=text, check=True)
	checks.check(not session.answered(), "a wall made by nft: loading the text again ends it")
	session.close()


def test(checks):
	for role in ("host", "router"):
		with Lab() as lab:
			host, device, admin = build(lab, role)
			wall = Wall(lab, host, role)
			for version in (4, 6):
				lives_and_ends(checks, wall, device, admin, version)
			changed(checks, wall, device, admin)
			loads(checks, wall, device, admin)
			owned(checks, wall, device, admin)
	with Lab() as lab:
		by_nft(checks, lab)


if __name__ == "__main__":
	check.run(test)
