# SPDX-License-Identifier: GPL-2.0-or-later
"""Real DICOM programs for the lab: Orthanc, DCMTK's storescp, and objects of patients who never lived."""
import json
import subprocess
import uuid
from pathlib import Path

from lab import LabError, wait_until

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"


def make_uid(*what):
	"""A UID of our own that is always the same for the same words (PS3.5 B.2, derived from a UUID)."""
	return f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, f'leadglass {what}').int}"


def make_object(path, patient=1, instance=1, name=None, size=64):
	"""Writes a CT image of size x size pixels to `path` and returns (SOP class UID, SOP instance UID)."""
	path = Path(path)
	uid = make_uid("instance", patient, instance)
	pixels = path.with_suffix(".raw")
	pixels.write_bytes(bytes(2 * size * size))
	dump = path.with_suffix(".dump")
	dump.write_text(
		"(0002,0010) UI =LittleEndianExplicit\n"
		f"(0008,0016) UI [{CT_IMAGE}]\n"
		f"(0008,0018) UI [{uid}]\n"
		"(0008,0020) DA [20260105]\n"
		"(0008,0030) TM [101500]\n"
		f"(0008,0050) SH [A{patient}]\n"
		"(0008,0060) CS [CT]\n"
		f"(0010,0010) PN [{name or f'TEST^PATIENT {patient}'}]\n"
		f"(0010,0020) LO [T-{patient:04}]\n"
		"(0010,0030) DA [19700101]\n"
		"(0010,0040) CS [O]\n"
		f"(0020,000d) UI [{make_uid('study', patient)}]\n"
		f"(0020,000e) UI [{make_uid('series', patient)}]\n"
		"(0020,0010) SH [1]\n"
		"(0020,0011) IS [1]\n"
		f"(0020,0013) IS [{instance}]\n"
		"(0028,0002) US 1\n"
		"(0028,0004) CS [MONOCHROME2]\n"
		f"(0028,0010) US {size}\n"
		f"(0028,0011) US {size}\n"
		"(0028,0100) US 16\n"
		"(0028,0101) US 16\n"
		"(0028,0102) US 15\n"
		"(0028,0103) US 0\n"
		f"(7fe0,0010) OW ={pixels}\n")
	done = subprocess.run(["dump2dcm", "--write-xfer-little", str(dump), str(path)], capture_output=True, text=True)
	if done.returncode != 0 or not path.exists():
		raise LabError(f"dump2dcm: {done.stderr}")
	pixels.unlink()
	dump.unlink()
	return CT_IMAGE, uid


class Orthanc:
	"""Orthanc on a host. peers: {AE title: (address, port)}, the modalities it knows (and, knowing nothing
	better than AE titles, believes). rest() talks to it from the host itself."""

	def __init__(self, host, title, port=4242, http=8042, peers=None, remote_http=True):
		self.host, self.http = host, http
		folder = host.lab.dir / f"orthanc-{host.name}"
		folder.mkdir()
		config = folder / "orthanc.json"
		config.write_text(json.dumps({
			"Name": title, "DicomAet": title, "DicomPort": port, "HttpPort": http,
			"StorageDirectory": str(folder / "db"), "IndexDirectory": str(folder / "db"), "Plugins": [],
			"DicomCheckCalledAet": True, "DicomAlwaysAllowEcho": False, "DicomAlwaysAllowStore": False,
			"DicomModalities": {name: {"AET": name, "Host": address, "Port": peer_port, "Manufacturer": "Generic"}
			                    for name, (address, peer_port) in (peers or {}).items()},
			"RemoteAccessAllowed": remote_http, "AuthenticationEnabled": False, "HttpsVerifyPeers": False,
			"DicomScuTimeout": 10, "DicomScpTimeout": 30, "StableAge": 1,
		}))
		self.process = host.start("Orthanc", config).wait_port(port, http, timeout=60)

	def rest(self, path, post=None):
		"""GET, or POST of a JSON value; the decoded answer. LabError when Orthanc says no."""
		words = ["curl", "--silent", "--show-error", "--fail", "--max-time", "60",
		         f"http://127.0.0.1:{self.http}{path}"]
		if post is not None:
			words += ["--data-binary", json.dumps(post)]
		return json.loads(self.host.run(*words, check=True).stdout)

	def count(self, what="instances"):
		"""How many patients, studies, series or instances it holds."""
		return self.rest("/statistics")[f"Count{what.capitalize()}"]

	def commit(self, peer, instances, timeout=30):
		"""Asks the modality `peer` for storage commitment of [(class, instance)]; returns "Success",
		"Failure", or "Pending" when no answer came back in time."""
		transaction = self.rest(f"/modalities/{peer}/storage-commitment",
		                        {"DicomInstances": [list(pair) for pair in instances], "Timeout": 10})["ID"]

		def answered():
			status = self.rest(f"/storage-commitment/{transaction}")["Status"]
			return status if status != "Pending" else None
		return wait_until(answered, timeout, step=0.2) or "Pending"


def storescp(host, port, title="STORESCP", *options):
	"""DCMTK's receiver, with options of its own; what it receives is in the folder `.folder` of the returned process."""
	folder = host.lab.dir / f"storescp-{host.name}-{port}"
	folder.mkdir()
	process = host.start("storescp", "--accept-all", "--disable-host-lookup", "--aetitle", title, "--output-directory", folder,
	                     *options, port)
	process.folder = folder
	return process.wait_port(port)
