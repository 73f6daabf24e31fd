#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Signed policies in the agent, when who is trusted changes between two steps: after agent_trust.py."""
import check
from agent_trust import MORE, PLAIN, REFUSED, RETRY, Site, run
from agentlab import wall
from lab import wait_until
from signing import block


def confirming(checks, lab):
	"""What is confirmed is what the next start puts up: it is held against whoever is trusted by then."""
	site = Site(checks, lab, "confirm", trusted=False)
	agent, desk = site.agent.start(), site.desk

	def refused(what, *words):
		before, done = wall(site.box), agent.ask("confirm")
		said = " ".join(done.stderr.split())
		checks.check(done.returncode == REFUSED and all(word in said for word in (*words, "was not confirmed and goes in")), f"{what}: refused", f"{done.returncode} {said}")
		checks.check("could not be confirmed: " in agent.output(), f"{what}: the log says so", agent.output())
		checks.equal((wall(site.box), bool(agent.status()["policy"]["confirm_seconds"])), (before, True), f"{what}: it stands, and its window goes on")

	site.takes("unsigned, while nobody is trusted", PLAIN, "--confirm-within", "1h")
	site.trust.add("st-anna", site.root)
	refused("an anchor that came in the window", "is not signed")
	site.trust.remove("st-anna")
	agent.must("confirm")
	checks.equal((site.number(), (agent.state / "accepted").exists()), (1, False), "the anchor taken away: confirmed, and nothing is remembered")
	site.trust.add("st-anna", site.root)
	site.takes("7", desk.sign(block(7) + PLAIN))
	other = site.pki.signer("other desk", site.pki.root("other root"))
	site.trust.add("other", other.issuer)
	site.takes("the last serial there is, for an hour", other.sign(block(2**64 - 1) + MORE), "--confirm-within", "1h")
	site.trust.remove("other")
	refused("a signer who was revoked in the window", "no trust anchor vouches")
	checks.check("serial 7\n" in (agent.state / "accepted").read_text(), "and his serial is not remembered", (agent.state / "accepted").read_text())
	site.trust.write("hospital.crt", "x")
	refused("a folder that cannot be read", "hospital.crt")
	(site.trust.path / "hospital.crt").unlink()
	agent.must("rollback")
	site.takes("8", desk.sign(block(8) + MORE), "--confirm-within", "1h")
	agent.must("confirm")
	agent.restart()
	checks.equal((site.number(), site.alarms(), site.metric("policy_signed")), (4, {}, 1), "and what may be confirmed stands after a start")


def nobody_any_more(checks, lab):
	"""Anchors that went while no agent ran: nobody asks for signatures, and that is said."""
	site = Site(checks, lab, "nobody")
	agent, kept = site.agent.start(), site.agent.folder / "kept"
	site.takes("7", site.desk.sign(block(7) + PLAIN))
	checks.equal(site.notes(), {}, "an anchor: no note")
	agent.stop()
	site.trust.path.rename(kept)
	agent.start()
	text = site.notes().get("trust-none", "")
	checks.check("unsigned policies are taken" in text and "no trust anchor" in text, "the folder gone: a note", site.agent.status()["alarms"])
	checks.equal(site.number(), 1, "the policy stands")
	agent.stop()
	kept.rename(site.trust.path)
	site.trust.path.parent.chmod(0o777)
	agent.start()
	said = site.alarms().get("trust-folder", "")
	checks.check(f"others can put another folder in the place of {site.trust.path}" in agent.output(), "a folder that others can exchange: the log says so", agent.output())
	checks.check("was not believed" in said and "restart leadglassd" in said, "and an alarm", said)
	checks.equal(site.number(), 0, "closed")
	agent.stop()
	site.trust.path.parent.chmod(0o755)
	agent.start()
	checks.equal((site.number(), site.alarms(), site.notes()), (1, {}, {}), "put right: it stands, and nothing is noted")


def lost_and_disowned(checks, lab):
	"""What was accepted is behind or lost, and nobody who is trusted now has signed the confirmed policy either: what the
	record knows of it still counts."""
	site = Site(checks, lab, "disowned")
	agent, desk, other = site.agent.start(), site.desk, site.pki.key()
	file = agent.state / "accepted"
	site.takes("7", desk.sign(block(7) + PLAIN))
	old = file.read_bytes()
	site.takes("8", desk.sign(block(8) + MORE))
	number = site.number()
	for what, content in (("behind, as when the agent is killed before it is written", old), ("lost", b"")):
		agent.kill()
		file.write_bytes(content)
		site.trust.remove("st-anna")
		site.trust.add("other", other)
		agent.start()
		checks.equal(site.number(), 0, f"{what}, and the signer is trusted no more: the closed wall")
		site.refuses(f"{what}, the serial before", other.sign(block(7) + PLAIN), "serial 7 is lower than 8", caret=True)
		site.refuses(f"{what}, the same serial for another policy", other.sign(block(8) + PLAIN), "has other content", caret=True)
		site.trust.remove("other")
		site.trust.add("st-anna", site.root)
		checks.check(wait_until(lambda: site.number() == number, RETRY + 10, step=0.5), f"{what}: trusted again, the policy is back")
	agent.stop()
	file.write_bytes(old)
	(agent.folder / "offline.signed").write_bytes(desk.sign(block(7) + PLAIN))
	offline = ("apply", "--offline", "--yes", "--state", agent.state, "--trust", agent.trust, agent.folder / "offline.signed")
	done = site.box.run(check.command(), *offline)
	checks.check(done.returncode == REFUSED and "serial 7 is lower than 8" in " ".join(done.stderr.split()),
	             "offline, the serial before: refused", f"{done.returncode} {done.stderr}")
	site.trust.remove("st-anna")
	site.trust.add("other", other)
	agent.start()
	site.takes("what the other one signs after it", other.sign(block(8) + MORE))
	checks.check(b"\nserial 8\n" in file.read_bytes(), "is accepted", file.read_bytes())


TESTS = (confirming, nobody_any_more, lost_and_disowned)


if __name__ == "__main__":
	check.run(lambda checks: run(checks, TESTS))
