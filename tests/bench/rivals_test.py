#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Each rival of tests/bench is what it claims to be: with N peers the last one may connect both ways and a stranger may
not; after another list has taken its place, it may not either.

	rivals_test.py [--peers N] [RIVAL...]"""
import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "net"), str(Path(__file__).resolve().parent)]
import check  # noqa: E402
from lab import Lab  # noqa: E402
from rivals import DEVICE_PORT, PEER_PORT, RIVALS, NoFirewall, available  # noqa: E402
from crossing import PEER, STRANGER, Site  # noqa: E402

ROLES = ("host", "router")
SILENCE, PATIENCE = 0.3, 5  # s to wait for an answer that is not, and for one that is to come


def ways(site, expected):
	"""Who reaches whom: (peer to device, device to peer, stranger to device, device to stranger), asked all at once."""
	asked = ((site.peer, site.address, DEVICE_PORT, PEER), (site.device, PEER, PEER_PORT, ""),
	         (site.peer, site.address, DEVICE_PORT, STRANGER), (site.device, STRANGER, PEER_PORT, ""))

	def connects(one, passes):
		host, address, port, source = one
		return check.reach(host, address, port, PATIENCE if passes else SILENCE, source) == "connected"
	with ThreadPoolExecutor() as pool:
		return tuple(pool.map(connects, asked, expected))


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
				stranger = rival is NoFirewall
				wanted = (True, True, stranger, stranger)
				checks.equal(ways(site, wanted), wanted, f"{what}: who passes")
				again = time.monotonic()
				site.rival.replace(site.files(options.peers, 1 + options.peers, peer=False))
				done = time.monotonic()
				wanted = (stranger,) * 4
				checks.equal(ways(site, wanted), wanted, f"{what}: replaced by others")
				print(f"     put up {first - begin:.3f} s, replaced {done - again:.3f} s, daemons {site.rival.cpu():.0f} ms")
				site.close()


if __name__ == "__main__":
	check.run(test)
