#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""100,000 peers: loaded in one transaction, verified, and then one of them changed, one added, one removed: each time
the kernel tells of those elements only. No rule, set or other element moves.

	big.py [PEERS]"""
import json
import sys

import check
import nfevents
from lab import Lab


def peer(number, port=104):
	address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
	return (f"peer p{number} {{ address {address}; ae-title P{number}; port {port}; initiates echo storage "
	        "storage-commitment; accepts echo storage-commitment }\n")


def test(checks):
	count = int(sys.argv[1]) if len(sys.argv) > 1 else 100000
	head = "role host\ndevice ct { ae-title CT; port 11112 }\n"
	# After the peers: a peer more moves its line, and that is no reason to touch a rule.
	tail = "log { drops 5/second }\n"
	peers = [peer(number) for number in range(1, count + 1)]
	with Lab() as lab:
		box = lab.host("box")
		events = box.call(nfevents.Watcher)

		def load(what, texts, change, added, removed):
			done = check.must_load(box, head + "".join(texts) + tail, "--json")
			said, seen = json.loads(done.stdout), events.read()
			checks.equal((said["change"], said["added"], said["removed"], said["verified"]), (change, added, removed, True),
			             f"{what}: what load says")
			checks.equal((seen["new element"], seen["delete element"]), (added, removed), f"{what}: what the kernel saw")
			checks.check(seen["generation"] == 1 or change == "unchanged" and seen["generation"] == 0,
			             f"{what}: one transaction")
			# The table is named in every transaction: that is how it is taken over from the last owner.
			checks.check(set(seen) <= {"new table", "new element", "delete element", "generation"},
			             f"{what}: no rule, chain or set moved", seen)
		done = check.must_load(box, head + "".join(peers) + tail, "--json")
		said, seen = json.loads(done.stdout), events.read()
		checks.equal((said["change"], said["peers"], said["elements"], said["verified"]), ("created", count, 2 * count, True),
		             f"{count} peers: what load says")
		checks.equal(seen["generation"], 1, f"{count} peers: one transaction")
		done = box.run(check.command(), "verify", lab.dir / "policy.conf")
		checks.equal(done.returncode, 0, "verify finds no difference")

		load("the same again", peers, "unchanged", 0, 0)
		changed = peers.copy()
		changed[count // 2] = peer(count // 2 + 1, port=4006)
		load("one peer's port changed", changed, "elements", 1, 1)
		load("one peer added", [peer(count + 7)] + changed, "elements", 2, 0)
		load("four peers removed", changed[:10] + changed[13:], "elements", 0, 8)

		box.run("nft", "delete", "element", "inet", "leadglass", "accepts4", "{ 10.0.0.1 . 11112 }", check=True)
		done = box.run(check.command(), "verify", lab.dir / "policy.conf")
		checks.check(done.returncode == 1 and "10.0.0.1" in done.stdout + done.stderr,
		             "verify finds the one element somebody else took out", done.stdout + done.stderr)
		events.close()


if __name__ == "__main__":
	check.run(test)
