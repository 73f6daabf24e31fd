#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Who was turned away: in `leadglass drops`, with a reason; a scan is one row; a flood from strangers without number costs
bounded memory while images go through; and the process that reads all this is killed and comes back."""
import os
import random
import signal
import socket
import struct
import threading
import time
from pathlib import Path

import check
import dicom
from agentlab import Agent, alive
from lab import Lab, wait_until

DEVICE, PACS, STRANGER = "10.20.1.10", "10.20.1.5", "10.20.1.66"
PORT, GROUP = 11112, 7
FLOOD = 1000000  # packets
STRANGERS = 65536  # frames of random sources and ports that it sends again and again
ROWS = 256      # the agent keeps
IMAGES, SIZE = 40, 512
RSS_MAX = 8192  # KiB, of both processes together
POLICY = f"""role host
device ct {{ ae-title CT; port {PORT} }}
peer main-pacs {{ address {PACS}; ae-title PACS; port 104; initiates storage; accepts echo storage }}
manage {{ from 10.20.9.0/24; port 22 }}
log {{ drops %s; group %d }}
"""


def rows(agent, **wanted):
	return [row for row in agent.json("drops") if all(row[key] == value for key, value in wanted.items())]


def until_row(agent, accept=lambda row: True, timeout=15, **wanted):
	"""The first row that has these values and that `accept` takes; None when it does not come."""
	return wait_until(lambda: next((row for row in rows(agent, **wanted) if accept(row)), None), timeout, step=0.1)


def turned_away(checks, site):
	agent = site.agent
	checks.equal(agent.json("drops"), [], "nobody was turned away yet")
	for port in (22, 80, 443):
		check.reach(site.stranger, DEVICE, port, timeout=0.2)
	row = until_row(agent, lambda row: row["port_count"] == 3, source=STRANGER, protocol=6)
	checks.check(row is not None, "a stranger's attempts are one row", agent.json("drops"))
	if row:
		checks.equal((row["destination"], row["ports"], row["chain"]), (DEVICE, [22, 80, 443], "input"), "with the ports it tried")
		checks.check(row["count"] >= 3 and abs(row_time(row) - time.time()) < 60, "counted, and when", row)
		checks.equal((row["in"], row["mac"]), (site.interface, site.stranger.mac("eth0")), "through which interface, from which MAC")
		checks.check(STRANGER in (row["reason"] or ""), "the reason names it", row["reason"])
	check.reach(site.pacs, DEVICE, 80, timeout=0.2)
	row = until_row(agent, source=PACS)
	checks.check(row and "main-pacs" in (row["reason"] or ""), "a peer at the wrong port: the reason names the peer", row)
	check.reach(site.box, STRANGER, 443, timeout=0.2)
	row = until_row(agent, source=DEVICE)
	checks.check(row and row["chain"] == "output" and row["ports"] == [443] and row["out"] == site.interface,
	             "what the device itself was not allowed", row)
	text = agent.must("drops").stdout
	checks.check(STRANGER in text and "22, 80, 443" in text, "as text", text)


def row_time(row):
	"""Seconds since 1970 of a row's last packet, however it is written."""
	from datetime import datetime
	seen = row["last_seen"]
	return seen if isinstance(seen, (int, float)) else datetime.fromisoformat(seen.replace("Z", "+00:00")).timestamp()


def scan(checks, site):
	"""With a high log rate, of which bursts still get a part only. The group changes too: the process gets another socket."""
	agent = site.agent
	agent.must_apply(POLICY % ("10000/second", GROUP))
	site.stranger.run("nmap", "-n", "-Pn", "-sS", "-p-", "--min-rate", "6000", "--max-retries", "0", DEVICE, timeout=120, check=True)
	seen = []

	def settled():
		row = next(iter(rows(agent, source=STRANGER, protocol=6)), None)
		seen.append((row or {}).get("count"))
		time.sleep(1.2)  # a report a second
		return row if len(seen) > 1 and seen[-1] == seen[-2] else None
	row = wait_until(settled, 30)
	checks.check(row and row["count"] > 3000, "nmap's scan of 65,535 ports is seen", row)
	checks.equal(len(rows(agent, source=STRANGER, protocol=6)), 1, "and is one row")
	if row:
		checks.check(0.75 < row["port_count"] / row["count"] <= 1,
		             f"with how many ports: {row['port_count']} of {row['count']} packets that were logged", row)


class Flood(threading.Thread):
	"""Sends UDP from random sources of 10.0.0.0/8, as frames."""

	def __init__(self, site, packets):
		super().__init__()
		self.packets, self.sent = packets, 0
		self.socket = site.stranger.call(self._open)
		destination = bytes.fromhex(site.box.mac(site.interface).replace(":", ""))
		source = bytes.fromhex(site.stranger.mac("eth0").replace(":", ""))
		self.ethernet = destination + source + b"\x08\0"

	@staticmethod
	def _open():
		tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
		tap.bind(("eth0", 0))
		return tap

	def frame(self, rng):
		header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 32, rng.getrandbits(16), 0, 64, 17, 0,
		                     bytes([10]) + rng.getrandbits(24).to_bytes(3, "big"), socket.inet_aton(DEVICE))
		total = sum(struct.unpack(">10H", header))
		total = (total & 0xffff) + (total >> 16)
		header = header[:10] + struct.pack(">H", ~(total + (total >> 16)) & 0xffff) + header[12:]
		return self.ethernet + header + struct.pack(">HHHH", rng.randrange(1024, 65536), rng.randrange(1, 65536), 12, 0) + b"flod"

	def run(self):
		rng = random.Random(1)
		frames = [self.frame(rng) for _ in range(STRANGERS)]
		while self.sent < self.packets:
			self.socket.send(frames[self.sent % STRANGERS])
			self.sent += 1
		self.socket.close()


def dropped(agent):
	return agent.status()["drops"]


def flood(checks, site):
	agent = site.agent
	folder = site.lab.dir / "images"
	folder.mkdir()
	for i in range(IMAGES):
		dicom.make_object(folder / f"{i}.dcm", instance=i + 1, size=SIZE)
		for extra in folder.glob("*.raw"):
			extra.unlink()
	before, before_drops = agent.rss(), dropped(agent)
	sender = Flood(site, FLOOD)
	sender.start()
	worst, rounds, failed = before, 0, []
	while sender.is_alive():
		done = site.pacs.run("storescu", "-aec", "CT", DEVICE, PORT, *sorted(folder.glob("*.dcm")), timeout=120)
		rounds += 1
		if done.returncode != 0:
			failed.append(done.stdout + done.stderr)
		worst = max(worst, agent.rss())
	sender.join()
	checks.check(rounds > 0 and not failed, f"{rounds} transfers of {IMAGES} images while {sender.sent} packets are dropped: whole", failed[:1])
	received = [path for path in site.archive.folder.iterdir() if path.stat().st_size > 2 * SIZE * SIZE]
	checks.equal(len(received), IMAGES, "every image is there")
	wait_until(lambda: dropped(agent) - before_drops >= sender.sent * 0.9, 10)
	checks.check(dropped(agent) - before_drops >= sender.sent * 0.9, "they were dropped and counted", dropped(agent) - before_drops)
	found = agent.json("drops")
	checks.check(ROWS // 2 < len(found) <= ROWS, f"{len(found)} rows: bounded", len(found))
	worst = max(worst, agent.rss())
	checks.check(worst <= RSS_MAX, f"resident memory of both processes: {before} KiB before, {worst} KiB at most", worst)
	checks.check(rows(agent, source=STRANGER, protocol=6), "the scan of before was not driven out by the flood")
	checks.check(agent.running() and not agent.status()["alarms"], "no alarm", agent.status()["alarms"])


def killed(checks, site):
	agent = site.agent
	outside = agent.pids()[1]
	os.kill(outside, signal.SIGKILL)
	found = wait_until(lambda: [alarm for alarm in agent.status()["alarms"] if alarm["name"] == "outside"], 10)
	checks.check(found and "signal 9" in found[0]["text"], "kill -9 of the outside process: an alarm", found)
	back = wait_until(lambda: [pid for pid in agent.pids()[1:] if pid != outside and alive(pid)], 75, step=0.2)
	checks.check(back, "it is started again")
	# The table begins anew: a row of its own for what comes now.
	check.reach(site.stranger, DEVICE, 4711, timeout=0.2)
	row = until_row(agent, lambda row: 4711 in row["ports"], source=STRANGER, protocol=6)
	checks.check(row is not None, "and reads what is dropped", rows(agent, source=STRANGER))
	lifted = wait_until(lambda: not agent.status()["alarms"], 75, step=0.5)
	checks.check(lifted, "the alarm is lifted when it has lived for a minute", agent.status()["alarms"])


def ends(checks, site):
	outside = site.agent.pids()[1]
	site.agent.kill()
	checks.check(not Path(f"/proc/{outside}").exists() or not alive(outside), "the outside process ends with the keeper")


class Site:
	def __init__(self, lab):
		self.lab = lab
		lan = lab.lan("hospital")
		self.box, self.pacs, self.stranger = lab.host("box"), lab.host("pacs"), lab.host("stranger")
		self.interface = self.box.join(lan, f"{DEVICE}/8")  # every source of the flood is on this network
		self.pacs.join(lan, f"{PACS}/8")
		self.stranger.join(lan, f"{STRANGER}/8")
		self.archive = dicom.storescp(self.box, PORT, "CT")
		self.agent = Agent(self.box)


def test(checks):
	with Lab() as lab:
		site = Site(lab)
		site.agent.start()
		site.agent.must_apply(POLICY % ("1000/second", 5))
		turned_away(checks, site)
		scan(checks, site)
		flood(checks, site)
		killed(checks, site)
		ends(checks, site)


if __name__ == "__main__":
	check.run(test)
