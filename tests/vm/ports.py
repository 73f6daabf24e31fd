#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The bridge that leadglassd makes, on kernels that take a wall of role bridge: ports join behind it, leave it when it
is not good, and stay where they are while the agent is gone. Argument: one of Debian's releases."""
import json
import re
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "cli"))
import box
import check
from examples import matches, mdoc
from lab import Lab, LabError, wait_until
from vmlab import Machine

CT, ARCHIVE, STRANGER, BOX, ENGINEER = "10.20.1.10", "10.20.1.5", "10.20.1.66", "10.20.9.1", "10.20.9.77"
DICOM, OTHER = 11112, 9999
POLICY = f"""role bridge
box {{ address {BOX}/24; interface service }}
device ct {{ address {CT}; ae-title CT; port {DICOM} }}
peer main-pacs {{ address {ARCHIVE}; ae-title PACS; port 104; initiates storage; accepts echo }}
manage {{ from {ENGINEER}; port 22; interface service }}
"""
CLOSED = "the wall is closed"
AGENT = "setsid leadglassd --ports device,hospital < /dev/null > /tmp/log 2>&1 & echo $! > /tmp/pid"
TABLE = "nft list table bridge leadglass > /dev/null 2>&1"


class Site:
	def __init__(self, lab, release):
		device, hospital = lab.lan("device"), lab.lan("hospital")
		self.ct, self.archive, self.stranger, self.engineer = (lab.host(name) for name in ("ct", "archive", "stranger", "engineer"))
		self.ct.join(device, f"{CT}/24")
		self.archive.join(hospital, f"{ARCHIVE}/24")
		self.stranger.join(hospital, f"{STRANGER}/24")
		for port in (DICOM, OTHER):
			self.ct.start(check.traffic(), "serve", port).wait_port(port)
		self.box = Machine(lab, "box", box.boot(lab, release))
		self.box.port("device", device)
		self.box.port("hospital", hospital)
		self.box.port("service", self.engineer, f"{ENGINEER}/24")
		self.box.start()
		self.box.wait_for("init: ready", 180)
		self.box.run("mkdir -p /var/lib", check=True)
		self.box.put("/etc/leadglass/policy.conf", POLICY)

	def agent(self):
		self.box.run(AGENT, check=True)
		if not wait_until(lambda: self.box.run("leadglass status > /dev/null 2>&1; [ $? -le 1 ]").returncode == 0, 60):
			raise LabError(self.box.run("cat /tmp/log").stdout)

	def kill(self):
		self.box.run("kill -9 $(cat /tmp/pid); while [ -d /proc/$(cat /tmp/pid) ]; do :; done", check=True)

	def status(self):
		"""What the agent says; {} while nobody answers."""
		done = self.box.run("leadglass status --json")
		return json.loads(done.stdout) if done.returncode <= 1 else {}

	def masters(self):
		"""The ports that are in a bridge, by the kernel; also without an agent."""
		done = self.box.run("for port in device hospital; do readlink /sys/class/net/$port/master; done; true")
		return [line.rsplit("/", 1)[-1] for line in done.stdout.split()]

	def joined(self):
		return self.masters() == ["bridge", "bridge"]

	def reaches(self, host, port=DICOM):
		return check.reach(host, CT, port, timeout=3) == "connected"

	def log(self):
		return self.box.run("cat /tmp/log").stdout


def from_the_manual(checks, site):
	"""What leadglassd(8) shows of a gateway's first start; then all of it goes away again."""
	for block in mdoc("leadglassd.8"):
		if block.kind == "file":
			site.box.put(f"/tmp/{block.argument}", block.text)
		for command, expected in block.commands() if (block.kind, block.argument) == ("run", "gateway") else ():
			# What goes on in the background logs meanwhile.
			words = f"cd /tmp; {{ {command} }} 2> /tmp/log" if command.endswith("&") else f"cd /tmp; {command}"
			printed = []

			def as_shown(words=words, expected=expected, printed=printed):
				printed[:] = [site.box.run(words).stdout]
				return matches(expected, printed[0])
			# A person asks for the status once more, too.
			good = wait_until(as_shown, 60, step=0.5) if command == "leadglass status" else as_shown()
			checks.check(good, f"leadglassd(8): $ {command}", f"expected:\n{expected}printed:\n{printed[0]}{site.log()}")
	checks.check(site.joined(), "and the ports are in the bridge", site.log())
	site.box.run("kill $(pidof leadglassd); while pidof leadglassd; do :; done; leadglass remove --yes; ip link delete bridge; "
	             "ip address flush dev service; rm -r /var/lib/leadglass /run/leadglass", check=True)


def joins(checks, site):
	"""From nothing to a policy."""
	checks.equal((site.masters(), site.reaches(site.archive)), ([], False), "no agent: nothing is bridged")
	site.agent()
	status = site.status()
	checks.equal((status["wall"], status["bridge"]["reason"], site.masters()), ("closed", CLOSED, []), "no policy: no port joins")
	done = site.box.run("leadglass apply /etc/leadglass/policy.conf")
	checks.check(done.returncode == 0, "the policy of role bridge is taken", done.stdout)
	checks.check(wait_until(site.joined, 30), "the ports join", site.log())
	status = site.status()
	checks.check(status["bridge"]["reason"] is None and all(port["joined"] for port in status["bridge"]["ports"]) and not status["alarms"],
	             "the status says so, and there is no alarm", status)
	checks.check(wait_until(lambda: site.reaches(site.archive), 30), "the archive reaches the device")
	checks.check(not site.reaches(site.archive, OTHER), "but not what the policy does not name")
	checks.check(not site.reaches(site.stranger), "nor does a stranger")
	found = site.box.run("ip addr show").stdout
	sections = {part.split(": ")[1]: part for part in re.split(r"^(?=\d+: )", found, flags=re.M) if part}
	checks.check(all("inet" not in sections[name] for name in ("bridge", "device", "hospital")), "the box has no address there, IPv6 neither", found)
	checks.check(f"inet {BOX}/24" in sections["service"], "and its own at the service port", found)


def killed(checks, site):
	"""The wall stands without an agent, and the ports behind it; the next one takes both over."""
	stream = site.archive.start(check.traffic(), "connect", CT, DICOM)
	site.kill()
	checks.check(site.joined() and site.reaches(site.archive) and not site.reaches(site.stranger), "the agent is killed: the wall stands, the ports stay")
	site.agent()
	checks.check(wait_until(lambda: site.status().get("wall") == "up", 30), "the next one: the wall is up", site.log())
	stream.stop()
	checks.check("left the bridge" not in site.log() and site.joined(), "it takes the ports over as they are", site.log())
	checks.check(" failed 0 " in stream.output(), "no connection that the policy allows failed meanwhile", stream.output())


def left_behind(checks, site):
	"""Killed, and the wall vanishes: the next agent takes the ports out before it makes one."""
	site.kill()
	site.box.run("nft delete table bridge leadglass; nft delete table inet leadglass", check=True)
	checks.check(site.joined() and wait_until(lambda: site.reaches(site.stranger), 30), "killed, and the wall removed: everybody gets through")
	site.agent()
	checks.check(wait_until(lambda: site.status().get("wall") == "up" and site.joined(), 30), "the next one: wall and ports are back", site.log())
	log = site.log()
	left, stands, joined = (log.find(words) for words in ("left the bridge: the kernel holds no wall", "stands, verified", "joined the bridge"))
	checks.check(0 <= left < stands < joined, "out, then the wall, then in", log)
	checks.check(not site.reaches(site.stranger) and site.reaches(site.archive), "and the wall is the policy's again")


def refused(checks, site):
	"""Somebody else owns the table: the kernel takes no wall of ours, and nobody stands behind his."""
	site.kill()
	# What owns a table is the socket that made it: this one stays open, for as long as something writes into the pipe.
	site.box.run("mkfifo /tmp/pipe; setsid nft -i < /tmp/pipe > /tmp/nft 2>&1 & exec 3> /tmp/pipe; sleep 600 >&3 & echo $! > /tmp/holder; "
	             "echo 'delete table bridge leadglass' >&3; echo 'add table bridge leadglass { flags owner; }' >&3", check=True)
	checks.check(wait_until(lambda: site.box.run("nft list table bridge leadglass").stdout.count("chain") == 0, 30), "killed, and somebody else owns the table",
	             site.box.run("cat /tmp/nft; nft list tables").stdout)
	site.box.run(AGENT, check=True)
	checks.check(wait_until(lambda: not site.masters(), 60), "the next one: the ports are out", site.log())
	checks.check(wait_until(lambda: site.status().get("wall") == "none", 60), "there is no wall", site.log())
	checks.check(not site.reaches(site.archive), "and nothing crosses")
	site.box.run("kill $(cat /tmp/holder)", check=True)
	checks.check(wait_until(site.joined, 60) and site.status().get("wall") == "up", "he leaves: the wall is up, and they join", site.log())


def not_repaired(checks, site):
	"""The same while the agent runs, where the kernel lets others change our table (before Linux 6.9)."""
	if site.status()["owned"]:
		done = site.box.run("nft delete table bridge leadglass")
		checks.check(done.returncode != 0 and site.joined(), "the kernel lets nobody delete the table", done.stdout)
		return
	site.box.run("mkfifo /tmp/pipe2; setsid nft -i < /tmp/pipe2 > /tmp/nft 2>&1 & exec 3> /tmp/pipe2; sleep 600 >&3 & echo $! > /tmp/holder; "
	             "echo 'delete table bridge leadglass; add table bridge leadglass { flags owner; }' >&3", check=True)
	checks.check(wait_until(lambda: not site.masters(), 60), "the wall was deleted and cannot be repaired: the ports leave", site.log())
	checks.check(not site.reaches(site.stranger) and not site.reaches(site.archive), "and nothing crosses")
	site.box.run("kill $(cat /tmp/holder)", check=True)
	checks.check(wait_until(site.joined, 60) and site.status().get("wall") == "up", "repaired: they join again", site.log())


def others(checks, site):
	"""What somebody else does to the ports."""
	site.box.run("ip link set device nomaster", check=True)
	checks.check(wait_until(site.joined, 30), "taken out by somebody: put back")
	site.box.run("ip link add br0 type bridge && ip link set hospital master br0", check=True)
	checks.check(wait_until(site.joined, 30), "put elsewhere: put back")
	checks.check("PORT-TAKEN" in site.log() or "by somebody else: it is put back" in site.log(), "and logged", site.log())
	checks.check(wait_until(lambda: site.reaches(site.archive), 30) and not site.reaches(site.stranger), "and all is as it was")


def passes(checks, site):
	"""The link-local frames that the policy lets pass: the bridge is told, and no port leaves for that."""
	masks = []
	for words in ("pass eapol", "pass eapol lldp stp", ""):
		site.box.put("/tmp/pass.conf", POLICY + words + "\n")
		site.box.run("leadglass apply /tmp/pass.conf", check=True)
		masks.append(site.box.run("sleep 1; cat /sys/class/net/bridge/bridge/group_fwd_mask").stdout.strip())
	checks.equal(masks, ["0x8", "0x4008", "0x0"], "pass: the bridge's mask")
	checks.check(site.joined() and "left the bridge" not in site.log(), "and the ports stay", site.log())


def other_role(checks, site):
	site.box.put("/tmp/host.conf", f"role host\ndevice ct {{ ae-title CT; port {DICOM} }}\nmanage {{ from {ENGINEER} }}\n")
	site.box.run("leadglass apply --yes /tmp/host.conf", check=True)
	checks.check(wait_until(lambda: not site.masters(), 30) and not site.reaches(site.archive), "another role: the ports are out", site.log())
	checks.check(site.box.run(f"{TABLE} || ip link show dev bridge").returncode != 0, "no bridge stays, and no table of family bridge")
	log = site.log()
	checks.check("a policy of role host comes" in log, "and they had left before it was loaded", log)
	site.box.run("leadglass apply /etc/leadglass/policy.conf", check=True)
	checks.check(wait_until(site.joined, 30) and wait_until(lambda: site.reaches(site.archive), 30), "role bridge again: they join again", site.log())


def netfilter(checks, site):
	"""br_netfilter."""
	site.box.run("while read -r module; do insmod $module 2> /dev/null; done < /modules/extra; ls /proc/sys/net/bridge", check=True)
	checks.check(site.joined(), "br_netfilter is loaded later: the ports stay", site.log())
	checks.check(not site.reaches(site.stranger) and not site.reaches(site.archive, OTHER), "and nothing more crosses")
	site.kill()
	site.box.run("ip link set device nomaster; ip link set hospital nomaster", check=True)
	site.agent()
	checks.check(site.masters() == [] and "br_netfilter" in (site.status()["bridge"]["reason"] or ""), "but none joins beside it", site.log())


def test(checks):
	with Lab() as lab:
		site = Site(lab, sys.argv[1])
		from_the_manual(checks, site)
		joins(checks, site)
		killed(checks, site)
		passes(checks, site)
		others(checks, site)
		left_behind(checks, site)
		refused(checks, site)
		not_repaired(checks, site)
		other_role(checks, site)
		netfilter(checks, site)


if __name__ == "__main__":
	check.run(test)
