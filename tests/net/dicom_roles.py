#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Real DICOM through the wall: an archive and a modality (Orthanc both) and DCMTK's tools, with the wall on the
modality itself (host) or on a gateway in front of it (router). All that the policy names goes on as before, over
IPv4 and IPv6; the stranger, other ports and other ways out are closed.

	dicom_roles.py host|router"""
import subprocess
import sys
from pathlib import Path

import check
from dicom import Orthanc, make_object, storescp
from lab import Lab, wait_until

HERE = Path(__file__).parent
CT_PORT, ARCHIVE_PORT = 11112, 104
CT4, CT6 = "10.20.1.10", "2001:db8:1::10"
# Ports of relays on a host's own loopback: what is sent there crosses the wall over IPv6.
TO_ARCHIVE6, TO_CT6 = 10104, 21112
RECEIVER6 = 21113  # where the modality takes what came over IPv6

POLICY = """{head}
device ct-3 {{ ae-title CT; port 11112{device} }}
peer main-pacs {{
	address {archive4} {archive6}
	ae-title ARCHIVE
	port 104
	initiates echo storage storage-commitment query-retrieve
	accepts echo storage storage-commitment
}}
peer workstation {{ address 10.20.77.7; ae-title WS; port 104; initiates echo }}
"""


class Hospital:
	"""modality, archive, stranger, and where the wall stands."""

	def __init__(self, lab, role):
		self.lab, self.role = lab, role
		lan = lab.lan("hospital")
		self.modality, self.archive = lab.host("modality"), lab.host("archive")
		self.stranger = lab.host("stranger")
		net = "10.20.1" if role == "host" else "10.20.0"
		net6 = "2001:db8:1" if role == "host" else "2001:db8:20"
		self.archive4, self.archive6 = f"{net}.5", f"{net6}::5"
		self.stranger4 = f"{net}.66"
		self.archive.join(lan, f"{net}.5/24", f"{net6}::5/64")
		self.stranger.join(lan, f"{net}.66/24", f"{net6}::66/64")
		if role == "host":
			self.modality.join(lan, f"{CT4}/24", f"{CT6}/64")
			self.wall, self.neighbour = self.modality, None
		else:
			self.build_gateway(lan)

	def build_gateway(self, lan):
		devices = self.lab.lan("devices")
		gateway = self.wall = self.lab.host("gateway", forwarding=True)
		gateway.join(devices, "10.20.1.1/24", "2001:db8:1::1/64", interface="device")
		gateway.join(lan, "10.20.0.1/24", "2001:db8:20::1/64", interface="hospital")
		self.modality.join(devices, f"{CT4}/24", f"{CT6}/64")
		self.neighbour = self.lab.host("neighbour")  # on the device network, unknown to the policy
		self.neighbour.join(devices, "10.20.1.99/24", "2001:db8:1::99/64")
		for host in (self.modality, self.neighbour):
			host.route("default", "10.20.1.1")
			host.route("default", "2001:db8:1::1")
		for host in (self.archive, self.stranger):
			host.route("default", "10.20.0.1")
			host.route("default", "2001:db8:20::1")

	def policy(self):
		router = self.role == "router"
		return POLICY.format(head=f"role {self.role}", archive4=self.archive4, archive6=self.archive6,
		                     device=f"; address {CT4} {CT6}" if router else "")

	def start_programs(self):
		self.archive_orthanc = Orthanc(self.archive, "ARCHIVE", ARCHIVE_PORT,
		                               peers={"CT": (CT4, CT_PORT), "CT6": ("127.0.0.1", TO_CT6)})
		self.ct = Orthanc(self.modality, "CT", CT_PORT, peers={"ARCHIVE": (self.archive4, ARCHIVE_PORT)})
		self.receiver6 = storescp(self.modality, RECEIVER6)
		for host, words, port in (
				(self.modality, ("127.0.0.1", TO_ARCHIVE6, self.archive6, ARCHIVE_PORT), TO_ARCHIVE6),
				(self.archive, (self.archive6, ARCHIVE_PORT, "127.0.0.1", ARCHIVE_PORT), ARCHIVE_PORT),
				(self.archive, ("127.0.0.1", TO_CT6, CT6, CT_PORT), TO_CT6),
				(self.modality, (CT6, CT_PORT, "127.0.0.1", RECEIVER6), CT_PORT)):
			process = host.start("/usr/bin/python3", HERE / "relay.py", *words)
			wait_until(lambda host=host, words=words: check.reach(host, words[0], words[1]) == "connected", 10)
			process.wait_port(port)

	def received(self):
		"""How many objects have come back to the modality."""
		return self.ct.count() + len(list(self.receiver6.folder.iterdir()))

	def tool(self, host, name, *words):
		return host.run(name, "--timeout", "3", "--acse-timeout", "3", "--dimse-timeout", "20", *words, timeout=30)


def works(checks, hospital, wall):
	"""Everything a modality does in a day."""
	lab, modality, archive = hospital.lab, hospital.modality, hospital.archive
	for way, address, port, back in (("IPv4", hospital.archive4, ARCHIVE_PORT, (CT4, CT_PORT)),
	                                 ("IPv6", "127.0.0.1", TO_ARCHIVE6, ("127.0.0.1", TO_CT6))):
		titles = ("--aetitle", "CT", "--call", "ARCHIVE")
		what = f"{wall}, {way}:"
		number = hospital.archive_orthanc.count()
		objects = []
		for instance in range(3):
			path = lab.dir / f"ct-{wall.replace(' ', '-')}-{way}-{instance}.dcm"
			objects.append((path, make_object(path, patient=number + instance + 1, instance=1)))

		done = hospital.tool(modality, "echoscu", *titles, address, port)
		checks.check(done.returncode == 0, f"{what} the modality's C-ECHO", done.stderr)
		done = hospital.tool(modality, "storescu", *titles, address, port, *[path for path, _ in objects])
		checks.check(done.returncode == 0, f"{what} it stores three images", done.stderr)
		checks.equal(hospital.archive_orthanc.count() - number, 3, f"{what} the archive has them")
		done = hospital.tool(modality, "findscu", "--verbose", "--study", *titles, "--key", "QueryRetrieveLevel=STUDY", "--key",
		                     "StudyInstanceUID", "--key", f"PatientID=T-{number + 1:04}", address, port)
		checks.check(done.returncode == 0 and f"T-{number + 1:04}" in done.stdout + done.stderr,
		             f"{what} it queries one", done.stdout + done.stderr)
		before = hospital.received()
		study = subprocess.run(["dcmdump", "--search", "StudyInstanceUID", str(objects[0][0])], capture_output=True,
		                       text=True).stdout.split("[")[1].split("]")[0]
		target = "CT" if way == "IPv4" else "CT6"
		done = hospital.tool(modality, "movescu", "--study", *titles, "--move", target, "--key", "QueryRetrieveLevel=STUDY",
		                     "--key", f"StudyInstanceUID={study}", address, port)
		checks.check(done.returncode == 0, f"{what} it has one moved back to itself", done.stderr)
		checks.check(wait_until(lambda before=before: hospital.received() > before, 5),
		             f"{what} the archive's store came in")
		done = hospital.tool(archive, "echoscu", "--aetitle", "ARCHIVE", "--call", "CT", *back)
		checks.check(done.returncode == 0, f"{what} the archive's C-ECHO", done.stderr)
		if way == "IPv4":
			checks.equal(hospital.ct.commit("ARCHIVE", [pair for _, pair in objects]), "Success",
			             f"{what} storage commitment, answered on the archive's own association")


def attempts(hospital):
	"""What must not work: (who, what, a function that says whether it does)."""
	reach, tool = check.reach, hospital.tool
	modality, archive, stranger = hospital.modality, hospital.archive, hospital.stranger

	def lists_patients():
		return tool(stranger, "findscu", "--patient", "--aetitle", "ARCHIVE", "--call", "CT", "--key",
		            "QueryRetrieveLevel=PATIENT", "--key", "PatientName", CT4, CT_PORT).returncode == 0

	def connects(host, address, port):
		return lambda: reach(host, address, port) == "connected"
	result = [
		("the stranger lists the modality's patients with a known AE title", lists_patients),
		("the stranger reaches the modality's DICOM port", connects(stranger, CT4, CT_PORT)),
		("the stranger reaches it over IPv6", connects(stranger, CT6, CT_PORT)),
		("the stranger reaches the modality's web server", connects(stranger, CT4, 8042)),
		("the archive reaches the modality's web server", connects(archive, CT4, 8042)),
		("the modality reaches the archive's web server", connects(modality, hospital.archive4, 8042)),
		("the modality reaches the stranger", connects(modality, hospital.stranger4, 104)),
	]
	if hospital.neighbour:
		result += [("an unknown device reaches the archive", connects(hospital.neighbour, hospital.archive4, ARCHIVE_PORT)),
		           ("the archive reaches the gateway", connects(archive, "10.20.0.1", 22)),
		           ("the modality reaches the gateway", connects(modality, "10.20.1.1", 22))]
	return result


def test(checks):
	role = sys.argv[1]
	with Lab() as lab:
		hospital = Hospital(lab, role)
		hospital.start_programs()
		for host, port in ((hospital.stranger, 104), (hospital.wall, 22)):
			host.start(check.traffic(), "serve", port).wait_port(port)

		works(checks, hospital, "no wall")
		for what, does_it in attempts(hospital):
			checks.check(does_it(), f"no wall: {what}")

		check.must_load(hospital.wall, hospital.policy())
		works(checks, hospital, f"wall as {role}")
		for what, does_it in attempts(hospital):
			checks.check(not does_it(), f"wall as {role}: no longer: {what}")
		done = hospital.wall.run(check.command(), "verify", lab.dir / "policy.conf")
		checks.check(done.returncode == 0, "the wall still verifies", done.stdout + done.stderr)


if __name__ == "__main__":
	check.run(test)
