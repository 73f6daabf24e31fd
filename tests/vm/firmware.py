#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: firmware.py FOLDER

Builds the firmware of qemu-arm64 into FOLDER and boots it, as it comes from the factory and broken in the ways that
docs/firmware.md lists: whatever the disk holds, there is a wall before any port is up.
"""
import base64
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests/net"))
import check  # noqa: E402
import disk  # noqa: E402
from lab import Lab  # noqa: E402
from vmlab import Boot, Machine  # noqa: E402

BOARD = "qemu-arm64"
CLOSED = r"leadglass: ([\d.]+) s: the closed wall is up, read back and compared; no port is"
REPORT = rf"leadglass: ([\d.]+) s: leadglass (\S+) on {BOARD}: (.*)"
MIB = 1 << 20


def must(*words):
	done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
	return done.stdout if done.returncode == 0 else f"exit {done.returncode}: {done.stdout}"


def build(checks, folder):
	began = time.monotonic()
	done = subprocess.run([SOURCE / "firmware/build", "--output", folder, "--serial", "12", "--version", "12", BOARD],
	                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
	print(done.stdout, flush=True)
	if done.returncode != 0:
		sys.exit(f"firmware/build: exit {done.returncode}")
	print(f"built in {time.monotonic() - began:.0f} s", flush=True)
	checks.check("hardened as hardening says" in done.stdout, "the kernel's configuration is checked", done.stdout)
	checks.check("A DEVELOPER'S IMAGE" in done.stdout, "a build without a key says so", done.stdout)
	slot = (folder / f"leadglass-{BOARD}.slot").read_bytes()
	checks.check(len(slot) <= 8 * MIB, "a slot fits 8 MiB", len(slot))
	bill = json.loads((folder / f"leadglass-{BOARD}.cdx.json").read_text())
	checks.equal({one["name"] for one in bill["components"]},
	             {"leadglass", "linux", "grub", "busybox", "glibc", "libmnl", "libnftnl", "mbedtls", "gcc-libgcc"},
	             "what the bill of materials names")
	checks.check(all(one["version"] and one["licenses"] for one in bill["components"]), "versions and licences", bill)
	update = (folder / f"leadglass-{BOARD}.update").read_bytes()
	first = re.match(rb"leadglass update, manifest of (\d+) octets\n", update)
	checks.check(bool(first), "the update's first line", update[:80])
	manifest, image = update[first.end():first.end() + int(first[1])], update[first.end() + int(first[1]):]
	checks.check(image == slot, "the update brings the slot")
	checks.check(manifest.startswith(b"update {\n\tboard qemu-arm64\n\tserial 12\n\tversion 12\n"), "its manifest", manifest)
	signed, _, rest = manifest.partition(b"-----BEGIN LEADGLASS SIGNATURE-----\n")
	(folder / "signed").write_bytes(signed)
	(folder / "signature").write_bytes(base64.b64decode(rest.partition(b"-----END")[0]))
	must("openssl", "x509", "-in", folder / "developer.pem", "-noout", "-pubkey", "-out", folder / "public.pem")
	checks.equal(must("openssl", "dgst", "-sha256", "-verify", folder / "public.pem", "-signature", folder / "signature",
	                  folder / "signed").strip(), "Verified OK", "its signature")


def machine(lab, image):
	made = Machine(lab, "box", Boot(disk=image, architecture="arm64",
	                                qemu=["-machine", "acpi=off", "-device", "i6300esb"]))
	for role in ("device", "hospital", "service"):
		made.port(role, lab.lan(role))
	return made


def started(checks, box, what):
	"""Starts it; what the report says. The wall has to be there before."""
	box.start()
	report = box.wait_for(REPORT, 400)
	said = box.output()
	closed = re.search(CLOSED, said)
	checks.check(closed and closed.start() < report.start() and float(closed[1]) <= float(report[1]),
	             f"{what}: the closed wall comes first", said[-3000:])
	print(f"{what}: closed wall {closed and closed[1]} s after the kernel's start, verified after {report[1]} s", flush=True)
	box.type("\n")
	return report[3]


def ports(box):
	"""Role -> whether it is up."""
	return {name: "UP" in flags.split(",") for name, flags in
	        re.findall(r"^\d+: (\w+): <([A-Z_,-]*)>", box.run("ip -o link show").stdout, re.M) if name != "lo"}


def factory(checks, box):
	said = started(checks, box, "as it comes from the factory")
	checks.check(said.startswith("closed wall, verified; nothing passes"), "what it says", said)
	checks.equal(ports(box), {"device": False, "hospital": False, "service": False}, "its sockets, all down")
	checks.equal(box.run("touch /etc/x").returncode, 1, "its root cannot be written")
	checks.check("one capability, seccomp, Landlock, drops read apart" in
	             box.run("leadglass status").stdout.replace("\n", " ").replace("  ", " "), "what the agent gave up")
	checks.equal(box.run("cat /etc/leadglass-release").stdout, "board=qemu-arm64\nserial=12\nversion=12\n",
	             "which image it is")


def policy(checks, box, text):
	box.put("/tmp/policy.conf", text)
	done = box.run("leadglass apply /tmp/policy.conf")
	checks.equal(done.returncode, 0, f"a policy is taken: {done.stdout}")


def main():
	if len(sys.argv) != 2:
		sys.exit(__doc__.strip())
	folder = Path(sys.argv[1]).resolve()
	folder.mkdir(parents=True, exist_ok=True)

	def test(checks):
		build(checks, folder)
		with Lab() as lab:
			image = lab.dir / "disk.img"
			subprocess.run(["cp", "--sparse=always", folder / f"leadglass-{BOARD}.img", image], check=True)
			box = machine(lab, image)
			parts = disk.partitions(image)
			factory(checks, box)
			text = (SOURCE / "docs/examples/bridge.conf").read_text().replace("include peers.d/research.conf", "")
			policy(checks, box, "policy { serial 7 }\n" + text)
			box.power_cut()

			said = started(checks, box, "with a policy, after a power cut")
			checks.check(re.match(r"wall up, verified; .*; 2 devices, 1 peer, 1 service; policy serial 7$", said),
			             "what it says", said)
			box.power_cut()

			# The environment block and the data are noise, and slot a begins with it; b is what a was.
			slot = parts["leadglass-a"].read()
			parts["leadglass-b"].write(slot)
			parts["leadglass-a"].write(os.urandom(4096))
			parts["leadglass-env"].write(os.urandom(1024))
			parts["leadglass-data"].write(os.urandom(4 * MIB))
			said = started(checks, box, "slot a, environment and data of noise")
			checks.check("leadglass: slot a cannot be started" in box.output(), "GRUB falls to slot b", box.output()[-3000:])
			checks.check("the data partition cannot be read: it is made anew" in box.output(), "the data are made anew")
			checks.check(said.startswith("closed wall, verified; nothing passes"), "nothing is left of its policy", said)
			checks.check("root=PARTLABEL=leadglass-b" in box.run("cat /proc/cmdline").stdout, "slot b runs")

			box.forget()
			box.type("poweroff\n")
			box.wait_off(120)

	check.run(test)


main()
