#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Signed policies, as the agent takes and refuses them: at `apply`, at `rollback`, at a start, and while they stand; with a
trust folder that changes, is broken or in another place, with a state that was lost, a clock that is wrong, and a
verifying process that dies or hangs. Whatever is refused, the wall that stands goes on standing."""
import glob
import os
import re
import shutil
import signal
import time
from pathlib import Path

import check
from agent_control import APPLY, Client, memfd, request
from agentlab import Agent, wall
from lab import Lab, LabError, wait_until
from signing import DAY, SIGNER, Pki, Trust, block

DEVICE, PEER = "10.20.1.10", "10.20.1.5"
DICOM, MANAGE = 11112, 22
PLAIN = f"""role host
device ct {{ ae-title CT; port {DICOM} }}
peer main-pacs {{ address {PEER}; ae-title PACS; port 104; initiates storage; accepts echo }}
manage {{ from {PEER}; port {MANAGE} }}
"""
MORE = PLAIN + "service ntp { to 10.20.1.7 }\n"
REFUSED = 3 # what `leadglass apply` exits with
PADDING = "# padding\n" * 900_000  # 9 MB: to verify them takes a while
RETRY = 10   # s between attempts to put up what could not be


def date(seconds):
	return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Site:
	"""A box with an agent that trusts one root, whoever signs for it, and a peer."""
	pki = root = desk = None

	def __init__(self, checks, lab, name, *options, trusted=True, enter=()):
		if Site.pki is None or not Site.pki.folder.exists():
			Site.pki = Pki(lab.dir / "pki")
			Site.root = Site.pki.root("St. Anna root")
			Site.desk = Site.pki.signer("policy desk", Site.pki.ca("imaging", Site.root))
		self.checks, self.name = checks, name
		self.box, self.peer = lab.host(f"{name}-box"), lab.host(f"{name}-peer")
		lab.wire(self.box, [f"{DEVICE}/24"], self.peer, [f"{PEER}/24"])
		for port in (DICOM, MANAGE):
			self.box.start(check.traffic(), "serve", port).wait_port(port)
		self.agent = Agent(self.box, *options, enter=enter)
		self.trust = Trust(self.agent.trust)
		self.trust.identify()
		if trusted:
			self.trust.add("st-anna", self.root)

	def passes(self):
		"""What the peer reaches: a set of ports."""
		return {port for port in (DICOM, MANAGE) if check.reach(self.peer, DEVICE, port, timeout=0.3) == "connected"}

	def apply(self, signed, *options):
		path = self.agent.folder / "policy.signed"
		path.write_bytes(signed if isinstance(signed, bytes) else signed.encode())
		return self.agent.ask("apply", *options, path)

	def send(self, text):
		"""Straight to the agent: the command, which says what it is about to do, has read the policy before. Its text."""
		bundle = f"leadglass-bundle 1\nfile {len(text)} policy.conf\n{text}\nend\n".encode()
		payload = memfd(bundle)
		with Client(self.agent) as client:
			client.send(request(APPLY, payload=len(bundle)), [payload])
			os.close(payload)
			return client.answer()[4].decode()

	def takes(self, what, signed, *options):
		done = self.apply(signed, *options)
		wait_until(self.agent.idle, 10)
		return self.checks.equal(done.returncode, 0, f"{what}: taken") or print(done.stdout, done.stderr)

	def refuses(self, what, signed, *words, caret=False):
		"""With an error that says each of `words`, and where it is of the policy with the line and a caret; and the
		wall is what it was."""
		before, log = wall(self.box), self.agent.output()
		done = self.apply(signed)
		said = " ".join(done.stderr.split())
		self.checks.check(done.returncode == REFUSED and all(word in said for word in words) and ("^" in done.stderr) == caret,
		                  f"{what}: refused", f"exit {done.returncode}\n{done.stdout}{done.stderr}")
		new = self.agent.output()[len(log):]
		self.checks.check("was refused: " in new and words[0] in new, f"{what}: the log says so", new)
		self.checks.equal(wall(self.box), before, f"{what}: the wall is as it was")

	def alarms(self):
		return {alarm["name"]: alarm["text"] for alarm in self.agent.status()["alarms"] if not alarm["note"]}

	def notes(self):
		return {alarm["name"]: alarm["text"] for alarm in self.agent.status()["alarms"] if alarm["note"]}

	def metric(self, name):
		found = re.search(rf"^leadglass_{name} (\S+)$", self.agent.must("metrics").stdout, re.M)
		return found and int(found[1])

	def number(self):
		"""Of the policy that stands, verified; 0: the closed wall; None: none, or not verified."""
		status = self.agent.status()
		return 0 if status["wall"] == "closed" else status["policy"]["number"] if status["wall"] == "up" else None


# ---- who has signed ----

def not_signed(checks, lab):
	"""Nobody asks where nobody is trusted; once somebody is, what stands goes on standing until the next start."""
	site = Site(checks, lab, "unsigned", trusted=False)
	agent = site.agent.start()
	agent.must_apply(PLAIN)
	site.takes("no anchor: signed", site.desk.sign(block(3) + PLAIN))
	site.takes("no anchor: a lower serial", site.desk.sign(block(2) + PLAIN))
	agent.must_apply(PLAIN)
	checks.equal((site.metric("trust_anchors"), site.metric("policy_signed"), site.alarms()), (0, 0, {}), "no anchor: no alarm")
	checks.check(not (agent.state / "accepted").exists(), "no anchor: nothing is remembered")
	before = wall(site.box)
	site.trust.add("st-anna", site.root)
	text = site.alarms().get("policy-untrusted", "")
	checks.check("the next start would not take it" in text and "is not signed" in text, "an anchor: an alarm about what stands", text)
	checks.equal((wall(site.box), site.passes(), site.metric("trust_anchors")), (before, {DICOM, MANAGE}, 1), "an anchor: the wall stands on")
	site.refuses("an anchor, an unsigned policy", PLAIN, "is not signed", str(agent.trust))
	said = site.send(PLAIN + "nonsense\n")
	checks.check("is not signed" in said and "nonsense" not in said, "the same with an error in it: nobody has parsed it", said)
	site.trust.remove("st-anna")
	checks.equal((site.alarms(), list(site.notes())), ({}, ["trust-none"]), "no anchor again: no alarm, but a note")
	checks.check("any more: unsigned policies are taken" in agent.output(), "and the log says so", agent.output())
	site.trust.add("st-anna", site.root)
	agent.restart()
	status = agent.status()
	checks.equal((status["wall"], site.passes()), ("closed", {MANAGE}), "the next start: closed, but for who may manage")
	checks.check("is not signed" in (status["reason"] or ""), "and the status says why", status["reason"])
	checks.check("policy 4 was refused: " in agent.output(), "and the log", agent.output())
	agent.stop()
	shutil.rmtree(agent.state)
	agent.state.mkdir(mode=0o700)
	agent.start()
	checks.equal(site.number(), 0, "nor is it taken from the run folder's copy")
	checks.check("is not signed" in agent.status()["reason"], "which the status says, too", agent.status()["reason"])
	site.takes("a signed one", site.desk.sign(block(1) + PLAIN))
	checks.equal((site.passes(), site.alarms(), site.metric("policy_signed")), ({DICOM, MANAGE}, {}, 1), "and all is well")


def signed(checks, lab):
	"""By a chain and by a pinned key, with each of the agent's ways to start, under its sandbox."""
	as_systemd = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "--inh-caps", "-all,+net_admin",
	              "--ambient-caps", "-all,+net_admin", "--bounding-set", "-all,+net_admin"]
	for name, options, enter in (("root", (), ()), ("user", ("--user", "nobody"), ()), ("ambient", (), as_systemd)):
		site = Site(checks, lab, name, *options, enter=enter)
		agent = site.agent
		if enter:
			for folder in (agent.state, agent.run):
				os.chown(folder, 65534, -1)
		agent.start()
		key = site.pki.key("P-384")
		site.trust.add("pinned", key)
		site.takes(f"as {name}: by a chain", site.desk.sign(block(1) + PLAIN))
		site.takes(f"as {name}: by a pinned key", key.sign(block(2) + PLAIN))
		site.takes(f"as {name}: by RSA", site.pki.signer("rsa", site.root, kind="RSA-3072").sign(block(3, unit="'*'") + PLAIN))
		site.refuses(f"as {name}: by a stranger", site.pki.key().sign(block(9) + PLAIN), "none of the pinned keys")
		status = agent.status()["agent"]
		checks.check(status["seccomp"] and status["landlock"], f"as {name}: within the sandbox", status)
		agent.kill()
		agent.start()
		checks.equal((site.number(), site.passes(), site.metric("policy_signed")), (3, {DICOM, MANAGE}, 1), f"as {name}: and again after a start")
		checks.equal(site.alarms(), {}, f"as {name}: no alarm")
		policy = agent.status()["policy"]
		checks.equal((policy["trust"], policy["signer"], policy["anchor"], policy["serial"]), ("signed", "O=St. Anna, CN=rsa", "st-anna", 3),
		             f"as {name}: the status says who")
		checks.equal(len(agent.pids()), 2, f"as {name}: no process is left behind")
		agent.stop()


def chains(checks, lab):
	"""That the agent asks for what trust_verify knows; all its cases are tests/trust's."""
	site = Site(checks, lab, "chains")
	site.agent.start()
	now, text = time.time(), block(1) + PLAIN
	good = site.desk.sign(text)
	site.refuses("changed by an octet", good.replace(PEER.encode(), b"10.20.1.6"), "the signature in the policy is wrong")
	site.refuses("with other line ends", good.replace(b"\n", b"\r\n", 1), "the signature in the policy is wrong")
	site.refuses("signed twice", good + good[len(text):], "two signatures")
	site.refuses("cut off", good[:len(text) + 60], "cannot be read")
	site.refuses("for another usage", site.pki.signer("tls", site.root, extendedKeyUsage="serverAuth").sign(text), "is not for code signing")
	site.refuses("of another root", site.pki.signer("stranger", site.pki.root("somebody else")).sign(text), "no trust anchor vouches for the policy",
	             "trusted are st-anna")
	site.refuses("whose certificate has ended", site.pki.signer("past", site.root, start=now - 2 * DAY, end=now - DAY).sign(text), "valid until")
	site.refuses("whose certificate begins later", site.pki.signer("future", site.root, start=now + DAY).sign(text), "valid")
	site.refuses("by a certificate of its own", site.pki.certificate("itself", None, SIGNER).sign(text), "its own issuer")
	site.takes("as it should be", good)


# ---- which policy ----

def which(checks, lab):
	"""Site, unit, serial and dates, with the place in the policy."""
	site = Site(checks, lab, "which")
	agent, desk, now = site.agent.start(), site.desk, time.time()
	site.refuses("another site", desk.sign(block(1, site="st-elsewhere") + PLAIN), "this policy is for the site 'st-elsewhere'", "policy.signed:1:", caret=True)
	site.refuses("another unit", desk.sign(block(1, unit="mr-1") + PLAIN), "this policy is for the unit 'mr-1'", caret=True)
	site.refuses("no serial", desk.sign("policy { site st-anna; unit ct-room-3 }\n" + PLAIN), "no serial", caret=True)
	site.refuses("no policy block", desk.sign(PLAIN), "no block 'policy'", caret=True)
	site.refuses("ended", desk.sign(block(1, "not-after 2001-01-01") + PLAIN), "2001-01-01", caret=True)
	site.refuses("not yet", desk.sign(block(1, f"not-before {date(now + DAY)}") + PLAIN), date(now + DAY)[:10], caret=True)
	checks.equal(site.number(), 0, "nothing of all that stands")
	site.takes("every unit", desk.sign(block(7, "not-before 2001-01-01", "not-after 2099-01-01", unit="'*'") + PLAIN))
	seven = (agent.folder / "policy.signed").read_bytes()
	site.takes("the same again", seven)
	site.takes("the same text, signed again", desk.sign(seven.partition(b"-----BEGIN")[0]))
	site.refuses("the same serial with other content", desk.sign(block(7) + PLAIN), "serial 7", "other content", "serial 8", caret=True)
	site.refuses("a lower serial", desk.sign(block(6) + PLAIN), "serial 6 is lower than 7", caret=True)
	site.takes("the next serial", desk.sign(block(8) + MORE))
	site.refuses("yesterday's", seven, "serial 7 is lower than 8", caret=True)
	agent.restart()
	site.refuses("yesterday's after a restart", seven, "serial 7 is lower than 8", caret=True)
	agent.stop()
	site.box.run(check.command(), "remove", "--yes", check=True)
	shutil.rmtree(agent.run)
	agent.start()
	site.refuses("yesterday's after a restart of the machine", seven, "serial 7 is lower than 8", caret=True)
	before = wall(site.box)
	done = agent.ask("rollback")
	checks.check(done.returncode == REFUSED and "serial 7 is lower than 8" in done.stderr and "sign it again with serial 9" in done.stderr,
	             "rollback: refused, and what to do", f"{done.returncode} {done.stdout}{done.stderr}")
	checks.equal(wall(site.box), before, "rollback: the wall is as it was")
	site.trust.write("identity", "site st-anna\n")
	site.refuses("a box that is told no unit", desk.sign(block(9) + PLAIN), "has not been told which unit it is")
	checks.check("policy-untrusted" in site.alarms(), "and what stands would not be taken either", site.alarms())
	site.trust.identify()
	checks.equal(site.alarms(), {}, "told again: no alarm")


def windows(checks, lab):
	"""What waits for its confirmation is not accepted yet."""
	site = Site(checks, lab, "windows")
	agent, desk = site.agent.start(), site.desk
	site.takes("7", desk.sign(block(7) + PLAIN))
	before = wall(site.box)
	site.takes("8 for two seconds", desk.sign(block(8) + MORE), "--confirm-within", "2s")
	checks.equal(site.metric("policy_signed"), 1, "what waits is signed")
	checks.check(wait_until(lambda: wall(site.box) == before, 10), "not confirmed: it goes")
	checks.equal((site.number(), site.alarms()), (1, {}), "and the one before it is back, signed and without an alarm")
	site.takes("another 8, for an hour", desk.sign(block(8) + PLAIN), "--confirm-within", "1h")
	agent.must("rollback")
	site.takes("7 is still good", desk.sign(block(7) + PLAIN))
	site.takes("a third 8, for an hour", desk.sign(block(8) + MORE + "# third\n"), "--confirm-within", "1h")
	agent.kill()
	agent.start()
	checks.equal(site.number(), 4, "killed within the window: 7 again")
	site.takes("a fourth 8", desk.sign(block(8) + MORE + "# fourth\n"), "--confirm-within", "1h")
	agent.must("confirm")
	site.refuses("8 is confirmed, and 7", desk.sign(block(7) + PLAIN), "serial 7 is lower than 8", caret=True)
	# From a start at which the confirmed policy is refused, and the closed wall stands for it.
	site.trust.add("st-anna", site.pki.root("another"))
	agent.restart()
	checks.equal(site.number(), 0, "another root: closed")
	site.trust.add("new", site.root)
	os.rename(site.trust.path / "new.pem", agent.folder / "kept.pem")
	key = site.pki.key()
	site.trust.add("key", key)
	site.takes("a window that begins at the closed wall", key.sign(block(9) + PLAIN), "--confirm-within", "2s")
	checks.equal(site.passes(), {DICOM, MANAGE}, "stands for as long")
	checks.check(wait_until(lambda: site.passes() == {MANAGE}, 10), "and ends there: what nobody trusts is not loaded, nor stays what nobody confirmed")
	checks.equal(site.number(), 0, "the closed wall")
	os.rename(agent.folder / "kept.pem", site.trust.path / "new.pem")
	checks.check(wait_until(lambda: site.number() == 6, RETRY + 10, step=0.5), "trusted again: the confirmed policy is back by itself")


def lost_state(checks, lab):
	"""The file `accepted` is gone, damaged, old, or belongs to somebody: the confirmed policy says how far we were."""
	site = Site(checks, lab, "state")
	agent, desk = site.agent.start(), site.desk
	file = agent.state / "accepted"
	site.takes("7", desk.sign(block(7) + PLAIN))
	old = file.read_bytes()
	site.takes("8", desk.sign(block(8) + MORE))
	eight = file.read_bytes()
	for what, change, alarm in (
			("gone, as when the agent is killed before it is written", file.unlink, False),
			("the one before, from the same moment", lambda: file.write_bytes(old), False),
			("damaged", lambda: file.write_bytes(eight.replace(b"serial 8", b"serial 2")), True),
			("half written", lambda: file.write_bytes(eight[:100]), True),
			("empty", lambda: file.write_bytes(b""), True),
			("another user's", lambda: os.chown(file, 65534, 65534), True),
			("one that others may write", lambda: os.chmod(file, 0o666), True)):
		agent.kill()
		change()
		agent.start()
		checks.equal((site.number(), "accepted-lost" in site.alarms()), (2, alarm), f"{what}: the policy stands{', and an alarm' if alarm else ''}")
		site.refuses(f"{what}, and the serial before", desk.sign(block(7) + PLAIN), "serial 7 is lower than 8", caret=True)
		checks.equal(file.read_bytes(), eight, f"{what}: it is written again")
	site.takes("the same policy again, which is the newest", desk.sign(block(8) + MORE))
	checks.equal(site.alarms(), {}, "lifts the alarm")
	agent.restart()
	checks.equal(site.alarms(), {}, "started once more: no alarm")
	# The record is behind: an older state was put back.
	agent.stop()
	kept = {entry.name: entry.read_bytes() for entry in agent.state.iterdir()}
	agent.start()
	site.takes("9", desk.sign(block(9) + PLAIN))
	nine = file.read_bytes()
	agent.stop()
	(agent.run / "standing").unlink()
	for name, content in kept.items():
		(agent.state / name).write_bytes(content)
	file.write_bytes(nine)
	agent.start()
	status = agent.status()
	checks.check(status["wall"] == "closed" and "serial 8 is lower than 9" in status["reason"], "a record that was put back: refused", status)
	site.refuses("and 8, put back too", desk.sign(block(8) + MORE), "serial 8 is lower than 9", caret=True)
	site.takes("9 again", desk.sign(block(9) + PLAIN))


def dates(checks, lab):
	"""A standing policy ends: the wall stays, with an alarm, at that moment and not a minute later."""
	site = Site(checks, lab, "dates")
	agent, end = site.agent.start(), int(time.time()) + 6
	site.takes("for six seconds", site.desk.sign(block(1, f"not-after {date(end)}") + PLAIN))
	before = wall(site.box)
	stream = site.peer.start(check.traffic(), "connect", DEVICE, DICOM)
	checks.check(list(site.notes()) == ["policy-expires"] and site.alarms() == {}, "it ends soon: a note", site.agent.status())
	checks.equal(site.metric("policy_not_after_seconds"), end, "which the metrics tell, too")
	checks.check(wait_until(lambda: "ALARM" in agent.output() or "was to end at" in agent.output(), 15, step=0.02), "then an alarm")
	late = time.time() - (end + 1)
	checks.check(-0.1 < late < 1.5, f"{late:.2f} s after the second that it was valid to")
	checks.equal((list(site.alarms()), site.notes()), (["policy-expired"], {}), "in place of the note")
	time.sleep(1)
	stream.stop()
	checks.check(re.search(r"connections [1-9]\d* failed 0 delayed 0", stream.output()), "no connection was lost", stream.output())
	checks.equal((wall(site.box), site.number()), (before, 1), "the wall is what it was")
	agent.restart()
	checks.equal((site.number(), list(site.alarms()), site.passes()), (1, ["policy-expired"], {DICOM, MANAGE}), "and is put up again by the next start")
	site.refuses("the next one, ended too", site.desk.sign(block(2, f"not-after {date(end)}") + PLAIN), date(end)[:10], caret=True)
	site.takes("the next one", site.desk.sign(block(2) + PLAIN))
	checks.equal((site.alarms(), site.notes()), ({}, {}), "lifts the alarm")
	# The signer's certificate.
	short = site.pki.signer("short-lived", site.root, end=int(time.time()) + 5)
	site.takes("a certificate for five seconds", short.sign(block(3) + PLAIN))
	checks.equal(list(site.notes()), ["signer-expires"], "it ends soon: a note")
	checks.check(wait_until(lambda: list(site.notes()) == ["signer-expired"], 10), "then another", site.notes())
	checks.equal((site.number(), site.alarms()), (3, {}), "and no alarm: the wall stands")
	site.refuses("signed with it now", short.sign(block(4) + PLAIN), "valid until")
	agent.restart()
	checks.equal((site.number(), site.alarms(), list(site.notes())), (3, {}, ["signer-expired"]), "nor does the next start mind")


def clocks(checks, lab):
	"""Boxes whose clock is wrong (libfaketime)."""
	preload = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
	if not preload:
		raise LabError("no libfaketime: tools/deps test")
	site = Site(checks, lab, "clocks")
	agent, now = site.agent, time.time()

	def at(seconds):
		return {"LD_PRELOAD": preload[0], "FAKETIME": f"{seconds - time.time():+.0f}", "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1",
		        "FAKETIME_NO_CACHE": "0"}
	agent.start(env=at(86400))
	status = agent.status()
	checks.check(status["agent"]["seccomp"] and status["agent"]["landlock"], "a box that comes up in 1970, within its sandbox", status)
	checks.equal((list(site.notes()), site.metric("clock_believed")), (["clock"], 0), "does not believe its clock")
	site.refuses("what ended long ago", site.desk.sign(block(1, "not-after 2001-01-01") + PLAIN), "2001-01-01", caret=True)
	site.takes("what is valid", site.desk.sign(block(1, f"not-before {date(now - 3600)}", "not-after 2099-01-01") + PLAIN))
	checks.equal((site.number(), site.metric("policy_signed"), site.alarms()), (1, 1, {}), "stands without an alarm")
	agent.stop()
	agent.start(env=at(now + 50 * 365 * DAY))
	checks.equal((site.number(), list(site.alarms()), site.metric("clock_believed")), (1, [], 1), "fifty years later: the policy stands")
	checks.equal(list(site.notes()), ["signer-expired"], "but its signer's certificate has ended")
	site.refuses("and nothing new by it is taken", site.desk.sign(block(2) + PLAIN), "valid until")
	agent.stop()
	agent.start(env=at(now - 7200))
	checks.equal(list(site.notes()), ["clock"] if site.metric("clock_believed") == 0 else [], "an hour before what was accepted: a note")
	checks.equal(site.metric("clock_believed"), 0, "the clock is not believed")
	site.refuses("what ended before that", site.desk.sign(block(2, f"not-after {date(now - 5400)}") + PLAIN), date(now - 5400)[:13], caret=True)
	agent.stop()
	agent.start()
	checks.equal((site.number(), site.alarms(), site.notes()), (1, {}, {}), "with the right clock again: nothing to tell")


def scopes(checks, lab):
	"""The manufacturer's signers and the hospital's."""
	site = Site(checks, lab, "scopes", trusted=False)
	oem = site.pki.signer("factory", site.pki.root("OEM root"))
	site.trust.add("maker.oem", oem.issuer)
	site.trust.add("st-anna.site", site.root)
	site.agent.start()
	frame = "role router\nbox { address 10.20.1.10/24; interface eth0 }\n"
	other = frame.replace("10.20.1.10", "10.20.1.11")
	rest = f"device ct {{ address 10.30.0.10; ae-title CT; port {DICOM} }}\npeer pacs {{ address {PEER}; ae-title PACS; port 104; accepts echo }}\n"
	site.refuses("the hospital first", site.desk.sign(block(1) + frame + rest), "manufacturer", caret=True)
	site.refuses("the manufacturer with peers", oem.sign(block(1) + frame + rest), "role and box", caret=True)
	site.takes("the manufacturer's frame", oem.sign(block(1) + frame))
	site.refuses("the hospital with another frame", site.desk.sign(block(2) + other + rest), "role and box", caret=True)
	site.takes("the hospital's peers in it", site.desk.sign(block(2) + rest + "# comment\n" + frame))
	site.agent.restart()
	checks.equal((site.number(), site.alarms()), (2, {}), "started again: it stands")
	site.refuses("the manufacturer without the peers", oem.sign(block(3) + other), "role and box", caret=True)
	site.takes("the manufacturer's new frame around the peers", oem.sign(block(3) + other + rest))
	site.refuses("the hospital's in the old frame", site.desk.sign(block(4) + frame + rest), "role and box", caret=True)
	site.takes("the hospital's in the new one", site.desk.sign(block(4) + other + rest + "service ntp { to 10.20.1.7 }\n"))


# ---- the trust folder ----

def broken_folder(checks, lab):
	"""While nobody can tell who may sign nothing is taken, and what stands stands."""
	site = Site(checks, lab, "folder")
	agent, desk = site.agent.start(), site.desk
	site.takes("1", desk.sign(block(1) + PLAIN))
	anchor, identity = site.trust.path / "st-anna.pem", site.trust.path / "identity"
	good = desk.sign(block(2) + PLAIN)
	serial = 2
	for what, word, change, back in (
			("a file that is none of its own", "hospital.crt", lambda: site.trust.write("hospital.crt", "x"), lambda: (site.trust.path / "hospital.crt").unlink()),
			("an anchor that is somebody's", "belongs to user", lambda: os.chown(anchor, 65534, 65534), lambda: os.chown(anchor, 0, 0)),
			("an anchor that others may write", "can be written by others", lambda: os.chmod(anchor, 0o666), lambda: os.chmod(anchor, 0o644)),
			("a folder that others may write", "can be written by others", lambda: os.chmod(site.trust.path, 0o777), lambda: os.chmod(site.trust.path, 0o755)),
			("an anchor that is a symbolic link", "symbolic link", lambda: (anchor.rename(agent.folder / "real"), anchor.symlink_to(agent.folder / "real")),
			 lambda: (agent.folder / "real").replace(anchor)),
			("an identity that is none", "identity", lambda: identity.write_text("site\n"), site.trust.identify),
			("an identity that was cut off", "may be cut off", lambda: identity.write_text("site st-anna\nunit ct-room-3"), site.trust.identify),
			("seventeen anchors", "more than 16", lambda: [site.trust.add(f"more{i}", site.root) for i in range(16)],
			 lambda: [site.trust.remove(f"more{i}") for i in range(16)])):
		change()
		site.refuses(what, good, word)
		text = site.alarms().get("trust-folder", "")
		checks.check(word in text and "the next start closes the wall" in text, f"{what}: an alarm", site.alarms())
		checks.equal((site.metric("trust_readable"), site.number(), site.passes()), (0, serial - 1, {DICOM, MANAGE}), f"{what}: the policy stands")
		if serial == 2:  # and at a start
			agent.restart()
			checks.equal((site.number(), site.passes()), (0, {MANAGE}), f"{what}, at a start: closed")
			checks.check(word in agent.status()["reason"], f"{what}, at a start: and why", agent.status()["reason"])
		back()
		if serial == 2:
			checks.check(wait_until(lambda: site.number() == 1, RETRY + 10, step=0.5), f"{what}, taken away after a start: up by itself")
		site.takes(f"{what}, no more", desk.sign(block(serial) + PLAIN))
		checks.equal((site.alarms(), site.metric("trust_readable")), ({}, 1), f"{what}, no more: no alarm")
		serial += 1
	site.trust.add("spoilt", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
	site.takes("an anchor that is nothing, beside the good one", desk.sign(block(serial) + PLAIN))
	checks.check("spoilt" in site.alarms().get("trust-anchor", ""), "it has an alarm", site.alarms())
	serial += 1
	site.trust.add("spoilt", b"x" * 20000)
	site.takes("one that is too long, beside the good one", desk.sign(block(serial) + PLAIN))
	checks.check("over 16 KiB" in site.alarms().get("trust-anchor", ""), "it has an alarm", site.alarms())
	site.trust.remove("st-anna")
	site.refuses("it alone", desk.sign(block(serial + 1) + PLAIN), "no trust anchor", "spoilt cannot be used")
	site.trust.remove("spoilt")
	site.trust.add("st-anna", site.root)
	checks.equal(site.alarms(), {}, "the good one alone: no alarm")


def removed_signer(checks, lab):
	site = Site(checks, lab, "removed")
	agent = site.agent.start()
	site.takes("1", site.desk.sign(block(1) + PLAIN))
	before = wall(site.box)
	site.trust.remove("st-anna")
	site.trust.add("new", site.pki.root("new root"))
	checks.check(wait_until(lambda: "no trust anchor vouches" in agent.output(), 70, step=0.5), "the signer's root is gone: an alarm, without being asked")
	text = site.alarms().get("policy-untrusted", "")
	checks.check("policy 1" in text and "the next start would not take it" in text, "which says what that means", text)
	checks.equal((wall(site.box), site.number(), site.metric("policy_signed")), (before, 1, 0), "the wall stands")
	agent.restart()
	checks.equal((site.number(), site.passes()), (0, {MANAGE}), "the next start: closed")
	count = agent.output().count("was refused")
	time.sleep(RETRY + 3)
	checks.equal((count, agent.output().count("was refused")), (1, 1), "tried again, and told once")
	site.trust.add("st-anna", site.root)
	checks.check(wait_until(lambda: site.number() == 1, RETRY + 10, step=0.5), "trusted again: up by itself")
	checks.equal(site.alarms(), {}, "and no alarm")


def other_folder(checks, lab):
	"""Landlock leaves the agent the folder that was there when it started."""
	site = Site(checks, lab, "other", trusted=False)
	agent, folder, kept = site.agent, site.trust.path, site.agent.folder / "kept"
	folder.rename(kept)
	agent.start()
	checks.equal(site.alarms(), {}, "no trust folder: no alarm")
	agent.must_apply(PLAIN)
	kept.rename(folder)
	site.trust.add("st-anna", site.root)
	signed = site.desk.sign(block(1) + PLAIN)
	site.refuses("a folder that came later", signed, "was not there, or was not believed, when leadglassd started", "restart leadglassd")
	site.refuses("and an unsigned policy", PLAIN, "restart leadglassd")
	checks.check("restart leadglassd" in site.alarms().get("trust-folder", ""), "an alarm says so", site.alarms())
	agent.restart()
	checks.equal(site.number(), 0, "restarted: it is known")
	site.takes("a signed policy", signed)
	folder.rename(kept)
	site.refuses("a folder that is gone", site.desk.sign(block(2) + PLAIN), "is gone", "restart leadglassd")
	site.refuses("and an unsigned policy", PLAIN, "is gone")
	new = Trust(folder)
	new.identify()
	new.add("other", site.pki.root("other"))
	site.refuses("another folder in its place", site.desk.sign(block(2) + PLAIN), "is another one than when leadglassd started", "restart leadglassd")
	checks.equal((site.number(), site.metric("trust_readable")), (2, 0), "what stands stands")
	shutil.rmtree(folder)
	folder.symlink_to(kept)
	site.refuses("a symbolic link in its place", site.desk.sign(block(2) + PLAIN), "is a symbolic link and is not followed")
	folder.unlink()
	kept.rename(folder)
	site.takes("the one from before", site.desk.sign(block(2) + PLAIN))
	checks.equal(site.alarms(), {}, "no alarm")


# ---- the verifying process ----

def _catch(agent, signum, done):
	"""Sends a signal to the next process that the keeper makes. Its pid, or None."""
	children = Path(f"/proc/{agent.pid}/task/{agent.pid}/children")
	known = set(children.read_text().split())
	end = time.monotonic() + 20
	while time.monotonic() < end and not done():
		for pid in set(children.read_text().split()) - known:
			os.kill(int(pid), signum)
			return int(pid)
	return None


def child(checks, lab):
	"""The process that verifies is killed, or stopped for ever."""
	site = Site(checks, lab, "child")
	agent = site.agent.start()
	site.takes("1", site.desk.sign(block(1) + PLAIN))
	path, serial = agent.folder / "long.signed", 1
	for what, signum, word in (("killed", signal.SIGKILL, "ended without an answer"), ("stopped", signal.SIGSTOP, "it took too long")):
		for _ in range(8):  # it may be done before we see it
			serial += 1
			path.write_bytes(site.desk.sign(block(serial) + PLAIN + PADDING))
			before, number = wall(site.box), site.number()
			apply = site.box.start(check.command(), "apply", "--run", agent.run, path)
			caught = _catch(agent, signum, lambda: not apply.running())
			status = apply.wait(40)
			if caught and status != 0:
				break
		checks.check(caught and status == REFUSED and word in apply.output(), f"{what}: refused, and why", f"{caught} {status} {apply.output()}")
		checks.equal((wall(site.box), site.number(), len(agent.pids())), (before, number, 2), f"{what}: the wall stands, and nothing is left of it")
	site.takes("left alone", path.read_bytes())
	# At a start: the closed wall until the next attempt.
	number = site.number()
	agent.stop()
	for _ in range(8):
		agent.launch()
		caught = _catch(agent, signal.SIGKILL, lambda: "READY=1" in agent.heard())
		agent.wait_ready()
		if caught and site.number() == 0:
			break
		agent.stop()
	checks.check(caught and "ended without an answer" in (agent.status()["reason"] or ""), "killed at a start: closed, and why", agent.status())
	checks.check(wait_until(lambda: site.number() == number, RETRY + 10, step=0.5), "killed at a start: up at the next attempt", site.number())


def ten_thousand(checks, lab):
	site = Site(checks, lab, "big")
	agent = site.agent.start()
	peers = "".join(f"peer p{i} {{ address 10.{40 + i // 65536}.{i // 256 % 256}.{i % 256}; ae-title P; port 104; accepts echo }}\n" for i in range(10_000))
	signed = site.desk.sign(block(1) + PLAIN + peers)
	begin = time.monotonic()
	site.takes("10,000 peers", signed)
	print(f"     applied in {time.monotonic() - begin:.2f} s")
	agent.stop()
	agent.start(timeout=60)
	checks.equal((site.number(), site.metric("policy_signed"), site.alarms()), (1, 1, {}), "10,000 peers: and again after a start")
	resident = agent.rss(agent.pid)
	for i in range(3):  # each makes the agent look, and verify
		site.trust.add("more", site.pki.key())
		site.alarms()
	checks.check(agent.rss(agent.pid) < resident + 512, f"looking again takes no more memory ({resident} KiB, {agent.rss(agent.pid)} KiB)")
	site.refuses("10,000 peers, one octet changed", signed.replace(b"p9999 ", b"p999x "), "the signature in the policy is wrong")


TESTS = (not_signed, signed, chains, which, windows, lost_state, dates, clocks, scopes, broken_folder, removed_signer, other_folder, child, ten_thousand)


def run(checks, tests):
	import sys
	for one in tests:
		if len(sys.argv) > 1 and one.__name__ not in sys.argv[1:]:
			continue
		print(f"---- {one.__name__}", flush=True)
		with Lab() as lab:
			one(checks, lab)


if __name__ == "__main__":
	check.run(lambda checks: run(checks, TESTS))
