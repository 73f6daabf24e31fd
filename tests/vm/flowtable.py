#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: flowtable.py bookworm|trixie

The flow table of role router, on a kernel that has one: transfers are in it and pass, a peer removed in the middle of one
is cut off by the apply, a stranger gets nothing through, a service window ends when it is to end; without the agent there
is no flow table, and the wall stands."""
import json
import re
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "net")]
import check
import dicom
import kernels
from lab import Lab, wait_until
from revoke import Transfer
from routed import CT, CT_PORT, FLOWTABLE, PEER_PORT, PEERS, STRANGER, Site, policy

WEB_PORT, SERVICE_PORT = 8080, 8443


def begin(site):
	"""A transfer in both directions with each peer."""
	transfers = {}
	for name, host in site.peers.items():
		transfers[name, "from the device"] = Transfer(site.ct, host, PEERS[name], PEER_PORT, CT)
		transfers[name, "to the device"] = Transfer(host, site.ct, CT, CT_PORT, PEERS[name])
	return transfers


def moved(transfers, seconds):
	"""Octets of each transfer in so many seconds."""
	before = {key: transfer.received for key, transfer in transfers.items()}
	time.sleep(seconds)
	return {key: transfer.received - before[key] for key, transfer in transfers.items()}


def all_move(checks, transfers, what):
	octets = moved(transfers, 2)
	checks.check(all(octets.values()), f"{what}: every transfer goes on", octets)


def packets_at(host):
	"""What arrives at a host by TCP, counted before anything else sees it."""
	done = host.run("nft", "-j", "list", "counters", check=True)
	return next(part["counter"]["packets"] for part in json.loads(done.stdout)["nftables"] if "counter" in part)


def count_packets(host, source):
	host.run("nft", "-f", "-", check=True, input="table ip count { counter seen {}\n chain c { type filter hook prerouting priority -400;"
	         f" ip saddr {source} meta l4proto tcp counter name seen; }}\n}}\n")


def offloads(checks, site, transfers, what):
	good = wait_until(lambda: all(count and count == taken for count, taken in site.connections().values()), 20, step=0.3)
	checks.check(good, f"{what}: all connections are in the flow table", site.connections())
	before = site.counted()
	octets = moved(transfers, 3)
	after = site.counted()
	for name in site.peers:
		passed, seen = sum(number for key, number in octets.items() if key[0] == name), after[name] - before[name]
		# With all offloads a packet has at most 64 KiB.
		checks.check(passed > 100000 and seen < passed / 65536 / 4,
		             f"{what}: {passed} octets with {name}, of which the wall's chain saw {seen} packets")


def probe_says(checks, site, there):
	features = {one["name"]: one["there"] for one in json.loads(site.box.run("leadglass probe --json").stdout)["features"]}
	checks.equal(features["flowtable"], there, f"probe: the kernel has {'' if there else 'no '}flow tables")


def starts(checks, site):
	probe_says(checks, site, True)
	checks.equal(site.flowtable(), ("none", None), "without a policy there is no flow table")
	site.must_apply(policy())
	checks.equal((site.flowtable()[0], site.tables()), ("none", ["leadglass"]), "nor with a policy that does not ask for one")
	site.must_apply(policy(FLOWTABLE))
	checks.check(site.becomes("active"), "with one that does it is up", site.flowtable())
	checks.equal(site.tables(), ["leadglass", "leadglass-flow"], "and the kernel has it, in a table of its own")
	said = site.box.run("leadglass status").stdout
	checks.check(re.search("^flowtable +active: ", said, re.M), "status says so", said)
	checks.equal(site.box.run("leadglass verify > /dev/null; echo $?").stdout.strip(), "0", "the wall is what it was")
	checks.equal([alarm["name"] for alarm in site.status()["alarms"]], [], "no alarm is about it")
	done = site.box.run("nft delete table inet leadglass-flow")
	checks.check(done.returncode != 0 and "leadglass-flow" in site.tables(), "nobody else can change it", done.stdout)


def modality(checks, site):
	image = site.ct.lab.dir / "ct.dcm"
	dicom.make_object(image, size=1024)
	receiver = dicom.storescp(site.peers["archive"], PEER_PORT, "ARCHIVE")
	done = site.ct.run("storescu", "--timeout", "20", "--aetitle", "CT", "--call", "ARCHIVE", PEERS["archive"], PEER_PORT, image,
	                   timeout=120)
	checks.check(done.returncode == 0, "a C-STORE passes", done.stderr)
	receiver.stop()


def stranger_fails(checks, site, what):
	site_attempts = [(site.stranger, CT, CT_PORT), (site.ct, STRANGER, WEB_PORT), (site.peers["archive"], CT, WEB_PORT)]
	got = [f"{host.name} to {address} {port}" for host, address, port in site_attempts
	       if check.reach(host, address, port, timeout=2) == "connected"]
	checks.equal(got, [], f"{what}: who is not allowed gets nothing through")


def removed(checks, site, transfers):
	"""The policy loses a peer while its connections are in the flow table."""
	count_packets(site.peers["removed"], CT)
	count_packets(site.ct, PEERS["removed"])
	wait_until(lambda: packets_at(site.ct) > 50 and packets_at(site.peers["removed"]) > 50, 20)
	checks.check(site.connections()["removed"] == (2, 2), "the peer's connections are in the flow table", site.connections())
	site.must_apply(policy(FLOWTABLE, peers=["archive"]))
	seen = packets_at(site.ct), packets_at(site.peers["removed"])
	checks.check(min(seen) > 50, "packets of a peer that is removed in the middle of transfers crossed before", seen)
	time.sleep(3)  # TCP tries again meanwhile
	after = packets_at(site.ct), packets_at(site.peers["removed"])
	checks.equal(tuple(b - a for a, b in zip(seen, after)), (0, 0), "and none after the apply has returned, in either direction")
	checks.check(site.becomes("active"), "the flow table is up again", site.flowtable())
	time.sleep(3)
	later = packets_at(site.ct), packets_at(site.peers["removed"])
	checks.equal(later, seen, "and what was removed does not come back with it")
	octets = moved(transfers, 2)
	checks.check(all(octets[key] for key in octets if key[0] == "archive"), "the other peer's transfers go on", octets)


def window(checks, site):
	"""A service window through the gateway: while it is open nothing is in a flow table, for what is would outlast it."""
	site.box.run(f"leadglass allow --for 45s --from {STRANGER} --to ct --to-port {SERVICE_PORT} --reason test", check=True)
	checks.equal(site.flowtable()[0], "waiting", "a service window through the gateway: the flow table is down")
	checks.equal(site.tables(), ["leadglass"], "in the kernel too")
	through = Transfer(site.stranger, site.ct, CT, SERVICE_PORT, STRANGER)
	time.sleep(1)
	checks.check(through.received > 0, "it lets a transfer through", through.received)
	checks.check(site.becomes("active", 90), "once it has ended the flow table is up again", site.flowtable())
	checks.equal(moved({"window": through}, 3), {"window": 0}, "and the transfer does not go on")
	through.stop()


def interfaces(checks, site):
	"""An interface that is not there yet, and one that goes away."""
	site.must_apply(policy("flowtable device hospital later", peers=["archive"]))
	checks.check(site.becomes("waiting"), "an interface that is not there: it is waited for", site.flowtable())
	checks.equal((site.flowtable()[1], site.status()["wall"]), ("there is no interface later", "up"), "status says so, the wall is up")
	checks.equal(site.tables(), ["leadglass"], "there is no flow table")
	site.box.run("ip link add later type bridge", check=True)
	checks.check(site.becomes("active"), "it appears: the flow table is up", site.flowtable())
	site.box.run("ip link delete later", check=True)
	checks.check(site.becomes("waiting"), "it goes away", site.flowtable())
	site.box.run("ip link add later type bridge", check=True)
	checks.check(site.becomes("active"), "it returns: up again", site.flowtable())
	site.must_apply(policy(FLOWTABLE, peers=["archive"]))
	checks.check(site.becomes("active"), "without it in the policy: up", site.flowtable())
	checks.check("later" not in site.box.run("nft list flowtables").stdout, "and over the others only", site.box.run("nft list flowtables").stdout)


def killed(checks, site, transfers):
	site.box.run("kill -9 $(cat /tmp/pid); while [ -d /proc/$(cat /tmp/pid) ]; do :; done", check=True)
	gone = wait_until(lambda: site.tables() == ["leadglass"], 10, step=0.1)
	checks.check(gone, "the agent killed: there is no flow table any more, and the wall stands", site.tables())
	octets = moved(transfers, 3)
	checks.check(all(octets[key] for key in octets if key[0] == "archive"), "transfers go on through the wall", octets)
	checks.equal(site.connections()["archive"][1], 0, "not one connection is in a flow table")
	stranger_fails(checks, site, "without the agent")
	site.agent()
	checks.check(site.becomes("active"), "the agent back: the flow table too", site.flowtable())


def lacking(checks, site):
	"""A kernel that has none."""
	site.must_apply(policy(peers=["archive"]))
	checks.equal((site.flowtable()[0], site.tables()), ("none", ["leadglass"]), "a policy without one takes it down")
	done = site.box.run("i=0; until rmmod nft_flow_offload; do i=$((i + 1)); [ $i -lt 50 ] || exit 1; sleep 0.1; done")
	checks.check(done.returncode == 0, "nothing holds the kernel's module any more", done.stdout)
	probe_says(checks, site, False)
	site.must_apply(policy(FLOWTABLE, peers=["archive"]))
	checks.check(site.becomes("lacking"), "a kernel without: status says so", site.flowtable())
	checks.equal((site.status()["wall"], site.tables()), ("up", ["leadglass"]), "and the wall is up")


def test(checks):
	with Lab() as lab:
		site = Site(lab, sys.argv[1])
		checks.check(True, site.box.run("uname -r").stdout.strip())
		for host in (site.ct, site.stranger):
			host.start(check.traffic(), "serve", WEB_PORT).wait_port(WEB_PORT)
		site.agent()
		starts(checks, site)
		modality(checks, site)
		transfers = begin(site)
		try:
			offloads(checks, site, transfers, "transfers")
			stranger_fails(checks, site, "with the flow table")
			removed(checks, site, transfers)
			window(checks, site)
			interfaces(checks, site)
			killed(checks, site, transfers)
			lacking(checks, site)
		finally:
			for transfer in transfers.values():
				transfer.stop()


if __name__ == "__main__":
	if len(sys.argv) != 2 or sys.argv[1] not in kernels.RELEASES:
		sys.exit(__doc__.strip())
	check.run(test)
