#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Each rival of tests/bench is what it claims to be: with N peers the last one may connect both ways and a stranger may
not; after another list has taken its place, it may not either.

	rivals_test.py [--peers N] [RIVAL...]"""
import argparse
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "net"), str(Path(__file__).resolve().parent)]
import check  # noqa: E402
from lab import Lab  # noqa: E402
from rivals import DEVICE_PORT, PEER_PORT, RIVALS, NoFirewall, available  # noqa: E402
from crossing import PEER, STRANGER, Site  # noqa: E402

ROLES = ("host", "router")
PATIENCE = 0.3  # s without an answer


def ways(site):
	"""Who reaches whom: (peer to device, device to peer, stranger to device, device to stranger)"""
	to_device = [check.reach(site.peer, site.address, DEVICE_PORT, PATIENCE, source) for source in (PEER, STRANGER)]
	to_peer = [check.reach(site.device, address, PEER_PORT, PATIENCE) for address in (PEER, STRANGER)]
	return tuple(found == "connected" for found in (to_device[0], to_peer[0], to_device[1], to_peer[1]))


def test(checks):
	parser = argparse.ArgumentParser()
	parser.add_argument("--peers", type=int, default=10)
	parser.add_argument("rivals", nargs="*", metavar="RIVAL")
	options = parser.parse_args()
	with Lab() as lab:
		probe = lab.host("probe")
		chosen = [rival for rival in RIVALS if not options.rivals or rival.name in options.rivals]
		for number, rival in enumerate(chosen):
			if not available(rival, probe):
				print(f"     this kernel has no {rival.name}")
				continue
			for role in ROLES:
				site = Site(lab, rival, role, f"{role[0]}{number}")
				for host, port in ((site.device, DEVICE_PORT), (site.peer, PEER_PORT)):
					host.start(check.traffic(), "serve", port).wait_port(port)
				what = f"{rival.name}, {role}, {options.peers} peers"
				begin = time.monotonic()
				site.rival.put_up(site.files(options.peers))
				first = time.monotonic()
				open_to_all = rival is NoFirewall
				checks.equal(ways(site), (True, True, open_to_all, open_to_all), f"{what}: who passes")
				again = time.monotonic()
				site.rival.replace(site.files(options.peers, 1 + options.peers, peer=False))
				done = time.monotonic()
				checks.equal(ways(site), (open_to_all,) * 4, f"{what}: replaced by others")
				site.rival.replace(site.files(options.peers))
				checks.equal(ways(site), (True, True, open_to_all, open_to_all), f"{what}: and back")
				print(f"     put up {first - begin:.3f} s, replaced {done - again:.3f} s, daemons {site.rival.cpu():.0f} ms")
				site.close()


if __name__ == "__main__":
	check.run(test)
