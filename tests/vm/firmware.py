#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: firmware.py BOARD FOLDER

Builds the firmware of a QEMU board into FOLDER and boots it between two lans: as it comes from the factory, with a
policy and a hospital that uses it and a stranger who tries, with its agent killed, through a kernel's panic and power
cuts, and broken in the ways that docs/firmware.md lists. Whatever the disk holds there is a wall before any port is up.
"""
import base64
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import image
from bridge import Probes, arp_sweep, flood_of, removed_in_the_middle, scans, strange_packets
from cable import numbered
from hospital import ARCHIVE4, ARCHIVE_PORT, Hospital, policy
from image import SOURCE, Image, started

sys.path.insert(0, str(SOURCE / "tests/net"))
import check  # noqa: E402
from lab import Lab, LabError, wait_until  # noqa: E402

MIB = 1 << 20
BOX = "10.20.9.250"
LISTEN = "nc -l -p 22 | leadglass update -"
COMPONENTS = {"leadglass", "linux", "grub", "busybox", "glibc", "libmnl", "libnftnl", "mbedtls", "gcc-libgcc"}


class Site(Hospital):
	"""The hospital with an image between its two lans; there, init starts the agent."""

	def __init__(self, lab, disk):
		super().__init__(lab, disk.boot())
		self.board = disk.board

	def start(self, checks, what):
		self.box.start()
		return started(checks, self.box, self.board, what)[3]

	def agent_log(self):
		return self.box.run("tail -n 30 /run/log/messages").stdout

	def send_update(self, path):
		"""An update goes to the box over its service socket; what `leadglass update` came to, and said."""
		vm = self.box
		vm.number += 1
		mark = f"update {vm.number} ended:"
		vm.type(f"{LISTEN}; echo '{mark[:7]}''{mark[7:]}' $?\n")
		self.feed(path)
		found = vm.wait_for(rf"(?s)(.*){mark} (\d+)", 300)
		said = found[1][-1500:]
		vm.forget()
		return int(found[2]), said

	def feed(self, path):
		octets = path.read_bytes()

		def carry():
			try:
				with socket.create_connection((BOX, 22), 30) as connection:
					connection.settimeout(120)
					connection.sendall(octets)
					connection.shutdown(socket.SHUT_WR)
					return connection.recv(1) == b""  # the other end has it all
			except ConnectionRefusedError:
				return False  # not listening yet
			except ConnectionResetError:
				return True  # it has read enough to refuse it
		if not wait_until(lambda: self.engineer.call(carry), 60, step=0.5):
			raise LabError(f"{path} does not get to the box")


def must(*words):
	done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
	return done.stdout if done.returncode == 0 else f"exit {done.returncode}: {done.stdout}"


def results(checks, board, folder, said):
	"""What firmware/build left in the folder."""
	kernel = must(SOURCE / "firmware/kernel/check", folder / f"leadglass-{board}.kernel-config")
	checks.check("hardened as hardening says" in kernel, "the kernel is configured as it should be", kernel)
	checks.check("A DEVELOPER'S IMAGE" in said, "a build without a key says so", said)
	slot = (folder / f"leadglass-{board}.slot").read_bytes()
	limit = 8 if board == "qemu-arm64" else 16
	checks.check(len(slot) <= limit * MIB, f"a slot fits {limit} MiB", len(slot))
	bill = json.loads((folder / f"leadglass-{board}.cdx.json").read_text())
	checks.equal({one["name"] for one in bill["components"]}, COMPONENTS, "what the bill of materials names")
	checks.check(all(one["version"] and one["licenses"] for one in bill["components"]), "versions and licences", bill)
	update = (folder / f"leadglass-{board}.update").read_bytes()
	first = re.match(rb"leadglass update, manifest of (\d+) octets\n", update)
	checks.check(bool(first), "the update's first line", update[:80])
	manifest, rest = update[first.end():first.end() + int(first[1])], update[first.end() + int(first[1]):]
	checks.check(rest == slot, "the update brings the slot")
	checks.check(manifest.startswith(f"update {{\n\tboard {board}\n\tserial 12\n\tversion 12\n".encode()), "its manifest", manifest)
	signed, _, rest = manifest.partition(b"-----BEGIN LEADGLASS SIGNATURE-----\n")
	(folder / "signed").write_bytes(signed)
	(folder / "signature").write_bytes(base64.b64decode(rest.partition(b"-----END")[0]))
	must("openssl", "x509", "-in", folder / "developer.pem", "-noout", "-pubkey", "-out", folder / "public.pem")
	checks.equal(must("openssl", "dgst", "-sha256", "-verify", folder / "public.pem", "-signature", folder / "signature",
	                  folder / "signed").strip(), "Verified OK", "its signature")


def ports(box):
	"""Role -> whether it is up."""
	return {name: "UP" in flags.split(",") for name, flags in
	        re.findall(r"^\d+: (\w+): <([A-Z_,-]*)>", box.run("ip -o link show").stdout, re.M) if name != "lo"}


def factory(checks, site):
	box = site.box
	said = site.start(checks, "as it comes from the factory")
	checks.check(said.startswith("closed wall, verified; nothing passes"), "what it says", said)
	checks.equal(ports(box), {"device": False, "hospital": False, "service": False}, "its sockets, all down")
	checks.equal(box.run("touch /etc/x").returncode, 1, "its root cannot be written")
	checks.check("one capability, seccomp, Landlock, drops read apart" in
	             box.run("leadglass status").stdout.replace("\n", " ").replace("  ", " "), "what the agent gave up")
	checks.equal(box.run("cat /etc/leadglass-release").stdout, f"board={site.board}\nserial=12\nversion=12\n",
	             "which image it is")
	checks.check(not site.connects(site.ct, ARCHIVE4, ARCHIVE_PORT, 2), "nobody gets anywhere")


def in_use(checks, site, probes):
	"""A policy, a day of the hospital's, and those who should not be there."""
	flood, number = flood_of(probes, site)
	site.device.forget()
	with flood:
		site.must_apply("policy { serial 7 }\n" + policy())
		checks.check(site.all_join(60), "a policy: the ports join", site.agent_log())
		checks.check(wait_until(lambda: site.echo().returncode == 0, 60), "C-ECHO crosses")
	checks.check(not site.device.heard(numbered(number)), "of a flood all the while, nothing crossed")
	site.works(checks, "wall")
	checks.equal(site.stranger_gets_in(), [], "the stranger gets nowhere")
	strange_packets(probes)
	arp_sweep(checks, probes, site)
	scans(checks, site, all_ports=False)
	removed_in_the_middle(checks, site)
	site.must_apply("policy { serial 8 }\n" + policy())


def killed(checks, site, probes):
	"""The agent's death changes nothing, and init starts another."""
	before = site.box.run("pidof leadglassd").stdout.split()
	flood, number = flood_of(probes, site)
	site.device.forget()
	with flood:
		site.box.run("kill -9 $(pidof leadglassd)", check=True)
		checks.equal(site.stranger_gets_in(), [], "agent killed: the stranger gets nowhere")
		checks.equal(site.echo().returncode, 0, "C-ECHO crosses")
		checks.check(wait_until(lambda: "up and verified" in site.box.run("leadglass status").stdout, 60, step=0.5),
		             "another one has the wall", site.agent_log())
		after = site.box.run("pidof leadglassd").stdout.split()
		checks.check(after and not set(before) & set(after), "which is another one", f"{before} {after}")
		checks.equal(site.joined(), ["device", "hospital"], "the ports are in the bridge")
	checks.check(not site.device.heard(numbered(number)), "of a flood all the while, nothing crossed")


def comes_back(checks, site, probes, what, fall):
	"""fall() makes the box start again in some way: closed, then filtering, without a frame of a flood."""
	flood, number = flood_of(probes, site)
	site.device.forget()
	with flood:
		fall()
		said = started(checks, site.box, site.board, what)[3]
		checks.check(re.match(r"wall up, verified; bridge of device and hospital; 1 device, 1 peer, 0 services; policy serial 8$",
		                      said), f"{what}: what it says", said)
		checks.check(wait_until(lambda: site.echo().returncode == 0, 60), f"{what}: C-ECHO crosses")
	checks.check(not site.device.heard(numbered(number)), f"{what}: of a flood all the while, nothing crossed")
	checks.equal(site.stranger_gets_in(), [], f"{what}: the stranger gets nowhere")


def updated(checks, site, disk, update):
	"""The image once more, into the slot that does not run: what starts next is that one, on trial."""
	code, said = site.send_update(update)
	checks.check(code == 0 and "it is the image that runs here" in said, "an update is taken, by the service socket", said)
	checks.equal(disk.environment()["trial"], "b", "its slot is on trial")


def accepted(checks, site, disk):
	checks.check("root=PARTLABEL=leadglass-b" in site.box.run("cat /proc/cmdline").stdout, "slot b runs")
	checks.check(wait_until(lambda: (disk.environment()["good"], disk.environment()["trial"]) == ("b", ""), 20),
	             "and is the good one now", disk.environment())


def panic(site):
	site.box.run("sysctl -w vm.panic_on_oom=2", check=True)
	site.box.forget()
	site.box.type("tail /dev/zero\n")
	site.box.wait_for("Kernel panic", 120)


def cut(site):
	site.box.power_cut()
	site.box.start()


def filled(checks, site):
	"""No room on the data partition: the policy before stays, and an apply says why."""
	site.box.run("dd if=/dev/zero of=/data/full bs=64K; sync")
	done = site.apply("policy { serial 9 }\n" + policy("service ping { from 10.20.9.0/24 }"))
	checks.check(done.returncode not in (0, 1, 2, 3) and "space" in done.stdout, "a full disk: another policy is refused", done.stdout)
	checks.equal(site.echo().returncode, 0, "C-ECHO crosses")


def worn(checks, site):
	"""A disk that takes no more writes, its journal not played back: what can be read is used."""
	site.box.power_cut()
	site.box.boot.read_only = True
	said = site.start(checks, "a disk that takes no writes")
	checks.check("the data partition can be read and not written" in site.box.output(), "it says so", site.box.output()[-3000:])
	checks.check("wall up, verified; bridge of device and hospital" in said, "the wall is up", said)
	checks.check(wait_until(lambda: site.echo().returncode == 0, 60), "C-ECHO crosses")
	checks.equal(site.stranger_gets_in(), [], "the stranger gets nowhere")
	site.box.boot.read_only = False


def noise(checks, site, parts):
	"""The environment block and the data are noise, and slot a begins with it."""
	site.box.power_cut()
	parts["leadglass-a"].write(os.urandom(4096))
	parts["leadglass-env"].write(os.urandom(4096))
	parts["leadglass-data"].write(os.urandom(4 * MIB))
	said = site.start(checks, "slot a, environment and data of noise")
	checks.check("leadglass: slot a cannot be started" in site.box.output(), "GRUB falls to slot b", site.box.output()[-3000:])
	checks.check("the data partition cannot be read: it is made anew" in site.box.output(), "the data are made anew")
	checks.check(said.startswith("closed wall, verified; nothing passes"), "nothing is left of its policy", said)
	checks.check("root=PARTLABEL=leadglass-b" in site.box.run("cat /proc/cmdline").stdout, "slot b runs")


def off(checks, site):
	site.box.forget()
	site.box.type("poweroff\n")
	site.box.wait_off(120)
	checks.check(True, "and it can be switched off")


def main():
	if len(sys.argv) != 3 or sys.argv[1] not in image.BOARDS:
		sys.exit(__doc__.strip())
	board, folder = sys.argv[1], Path(sys.argv[2]).resolve()

	def test(checks):
		results(checks, board, folder, image.build(board, folder))
		with Lab() as lab:
			disk = Image(lab, board, folder)
			site = Site(lab, disk)
			probes = Probes(checks, site)
			factory(checks, site)
			in_use(checks, site, probes)
			killed(checks, site, probes)
			updated(checks, site, disk, folder / f"leadglass-{board}.update")
			comes_back(checks, site, probes, "after a kernel's panic", lambda: panic(site))
			accepted(checks, site, disk)
			filled(checks, site)
			comes_back(checks, site, probes, "after a power cut, with a full disk", lambda: cut(site))
			worn(checks, site)
			noise(checks, site, disk.partitions)
			off(checks, site)

	check.run(test)


if __name__ == "__main__":
	main()
