# SPDX-License-Identifier: GPL-2.0-or-later
"""A gateway in role bridge between two lans, and what is plugged into them:

	ct, unknown --- device [box] hospital --- archive, stranger
	                       service
	                          |
	                       engineer
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "net"))
import check  # noqa: E402
import dicom  # noqa: E402
from cable import Side  # noqa: E402
from lab import LabError, wait_until  # noqa: E402
from vmlab import Machine  # noqa: E402

CT4, CT6, CT_PORT, CT_MAC = "10.20.1.10", "2001:db8:1::10", 11112, "02:00:00:00:00:10"
ARCHIVE4, ARCHIVE6, ARCHIVE_PORT, ARCHIVE_MAC = "10.20.1.5", "2001:db8:1::5", 4242, "02:00:00:00:00:05"
STRANGER4, STRANGER6, STRANGER_MAC = "10.20.1.99", "2001:db8:1::99", "02:00:00:00:00:99"
UNKNOWN4, UNKNOWN6, UNKNOWN_MAC = "10.20.1.66", "2001:db8:1::66", "02:00:00:00:00:66"
WEB_PORT = 8080
TOOL_TIMES = ("--timeout", "20", "--acse-timeout", "20", "--dimse-timeout", "60")


def policy(*more, peer=True):
	archive = f"""peer archive {{
	address {ARCHIVE4} {ARCHIVE6}
	ae-title ARCHIVE
	port {ARCHIVE_PORT}
	initiates echo storage query-retrieve
	accepts echo storage
}}
""" if peer else f"peer nobody {{ address 10.20.1.6; ae-title NOBODY; port {ARCHIVE_PORT}; initiates echo }}\n"
	return "\n".join(["role bridge", "box { address 10.20.9.250/24; interface service }",
	                  f"device ct {{ address {CT4} {CT6}; ae-title CT; port {CT_PORT}; mac {CT_MAC} }}", archive,
	                  "manage { from 10.20.9.0/24; interface service }", *more]) + "\n"


class Hospital:
	def __init__(self, lab, boot):
		self.lab = lab
		self.box = Machine(lab, "box", boot)
		left, right = lab.lan("device"), lab.lan("hospital")
		self.ct, self.unknown, self.archive, self.stranger = (lab.host(n) for n in ("ct", "unknown", "archive", "stranger"))
		for host, lan, mac, addresses in ((self.ct, left, CT_MAC, (CT4, CT6)), (self.unknown, left, UNKNOWN_MAC, (UNKNOWN4, UNKNOWN6)),
		                                  (self.archive, right, ARCHIVE_MAC, (ARCHIVE4, ARCHIVE6)),
		                                  (self.stranger, right, STRANGER_MAC, (STRANGER4, STRANGER6))):
			host.join(lan, f"{addresses[0]}/24", f"{addresses[1]}/64", mac=mac)
		self.engineer = lab.host("engineer")
		cables = {"device": self.box.port("device", left), "hospital": self.box.port("hospital", right)}
		self.box.port("service", self.engineer, "10.20.9.1/24")
		self.device, self.hospital = (Side(lan.switch, cables[lan.name]) for lan in (left, right))
		self.orthanc = dicom.Orthanc(self.archive, "ARCHIVE", ARCHIVE_PORT, peers={"CT": (CT4, CT_PORT)})
		self.receiver = dicom.storescp(self.ct, CT_PORT, "CT")
		for host, port in ((self.ct, WEB_PORT), (self.stranger, WEB_PORT)):
			host.start(check.traffic(), "serve", port).wait_port(port)
		# What a device asks of whom it may not know is lost already as ARP; here it is the packets that are to be.
		for address, mac in ((ARCHIVE4, ARCHIVE_MAC), (STRANGER4, STRANGER_MAC)):
			self.unknown.ip("neighbour", "replace", address, "lladdr", mac, "dev", "eth0")
		self.attempts = [(self.stranger, CT4, CT_PORT), (self.stranger, CT6, WEB_PORT), (self.unknown, ARCHIVE4, ARCHIVE_PORT),
		                 (self.unknown, STRANGER4, WEB_PORT), (self.ct, ARCHIVE4, 8042)]
		self.image = lab.dir / "ct.dcm"
		dicom.make_object(self.image, size=512)

	def power_on(self):
		self.box.start()
		return self.box.wait_for("init: ready.*", 300)[0]

	# ---- the agent, and who does without it ----

	def start_agent(self):
		"""Starts leadglassd, which is to join the ports, and waits until it can be asked."""
		self.box.run("mkdir -p /var/lib/leadglass /run/leadglass /etc/leadglass/trust; "
		             "leadglassd --ports device,hospital >> /tmp/agent.log 2>&1 &")
		if not wait_until(lambda: "wall" in self.box.run("leadglass status").stdout.lower(), 60, step=0.5):
			raise LabError(f"no agent:\n{self.agent_log()}")

	def agent_log(self):
		return self.box.run("cat /tmp/agent.log").stdout

	def apply(self, text):
		self.box.put("/tmp/policy.conf", text)
		return self.box.run("leadglass apply /tmp/policy.conf", timeout=120)

	def must_apply(self, text):
		done = self.apply(text)
		if done.returncode != 0:
			raise LabError(f"apply: exit {done.returncode}\n{done.stdout}\n{self.agent_log()}")

	def joined(self):
		"""The ports that are in the agent's bridge."""
		return self.box.run("ls /sys/class/net/bridge/brif 2> /dev/null").stdout.split()

	def all_join(self, timeout=30):
		return wait_until(lambda: self.joined() == ["device", "hospital"], timeout, step=0.5)

	def join_by_hand(self):
		"""The ports into a bridge, as somebody does who knows of no wall."""
		self.box.run("ip link add open type bridge && cd /sys/class/net/open/bridge && echo 0 > multicast_snooping && "
		             "echo 0 > forward_delay && ip link set open up && "
		             "for port in device hospital; do ip link set $port up && ip link set $port master open; done", check=True)

	def leave_by_hand(self):
		self.box.run("for port in device hospital; do ip link set $port nomaster; ip link set $port down; done; "
		             "ip link delete open", check=True)

	# ---- what a modality does in a day ----

	def tool(self, host, name, *words, timeout=120):
		return host.run(name, *TOOL_TIMES, *words, timeout=timeout)

	def echo(self):
		return self.tool(self.ct, "echoscu", "--aetitle", "CT", "--call", "ARCHIVE", ARCHIVE4, ARCHIVE_PORT)

	def works(self, checks, when):
		done = self.echo()
		checks.check(done.returncode == 0, f"{when}: the modality's C-ECHO", done.stderr)
		before = self.orthanc.count()
		dicom.make_object(self.image, patient=before + 1, size=512)
		done = self.tool(self.ct, "storescu", "--aetitle", "CT", "--call", "ARCHIVE", ARCHIVE4, ARCHIVE_PORT, self.image)
		checks.check(done.returncode == 0 and self.orthanc.count() == before + 1, f"{when}: its C-STORE", done.stderr)
		done = self.tool(self.ct, "findscu", "--verbose", "--study", "--aetitle", "CT", "--call", "ARCHIVE", "--key",
		                 "QueryRetrieveLevel=STUDY", "--key", f"PatientID=T-{before + 1:04}", ARCHIVE4, ARCHIVE_PORT)
		checks.check(done.returncode == 0 and f"T-{before + 1:04}" in done.stdout + done.stderr, f"{when}: its C-FIND",
		             done.stdout + done.stderr)
		done = self.tool(self.archive, "echoscu", "--aetitle", "ARCHIVE", "--call", "CT", CT4, CT_PORT)
		checks.check(done.returncode == 0, f"{when}: the archive's C-ECHO", done.stderr)

	def connects(self, host, address, port, timeout=5):
		return check.reach(host, address, port, timeout) == "connected"

	def stranger_gets_in(self):
		"""Who reaches what he must not, of one attempt of each kind."""
		return [f"{host.name} reaches {address} port {port}" for host, address, port in self.attempts
		        if self.connects(host, address, port, 2)]
