#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab of virtual machines: one boots, runs what is typed, reaches its neighbours by its ports and by no other way,
loses its power and comes back, panics and comes back; and nothing of a lab stays behind, also when it is ended by a
signal. With a word, it is the lab that is ended."""
import difflib
import os
import signal
import subprocess
import sys
import time

import box
import check
import disk
from lab import Lab, LabError, wait_until
from vmlab import Machine


def machine(lab):
	made = Machine(lab, "box", box.boot(lab, "trixie"))
	lan, engineer = lab.lan("device"), lab.host("engineer")
	near = lab.host("near")
	near.join(lan, "10.1.0.1/24")
	made.port("device", lan)
	made.port("hospital", lab.lan("hospital"))
	made.port("service", engineer, "10.2.0.1/24")
	return made, near, engineer


def pings(host, address):
	return host.run("ping", "-c", "1", "-W", "5", address).returncode == 0


def boots(checks, lab):
	box_, near, engineer = machine(lab)
	began = time.monotonic()
	box_.start()
	ready = box_.wait_for("init: ready, Linux (6.12.*)", 180)
	checks.check(True, f"Linux {ready[1]} after {time.monotonic() - began:.1f} s")

	done = box_.run("echo one; echo two >&2; exit 3")
	checks.equal((done.returncode, done.stdout), (3, "one\ntwo\n"), "a command's exit status and output")
	text = "".join(f"line {number}, it's \"quoted\" $HOME\n" for number in range(300))
	box_.put("/tmp/file", text)
	found = box_.run("cat /tmp/file").stdout
	checks.check(found == text, "a file put there", "\n".join(difflib.unified_diff(text.splitlines(), found.splitlines(), n=0)))
	try:
		box_.wait_for("this is never said", 1)
		checks.check(False, "a line that does not come is an error")
	except LabError as error:
		checks.check("this is never said" in str(error) and "line 299" in str(error),
		             "a line that does not come is an error, which shows the console", error)

	for role, host, inside, outside in (("device", near, "10.1.0.9/24", "10.1.0.1"),
	                                    ("service", engineer, "10.2.0.9/24", "10.2.0.1")):
		checks.check(not pings(host, inside.split("/")[0]), f"nobody answers at the {role} port yet")
		box_.run(f"ip address add {inside} dev {role} && ip link set {role} up", check=True)
		checks.check(wait_until(lambda host=host, inside=inside: pings(host, inside.split("/")[0]), 20),
		             f"its neighbour reaches it by the {role} port")
		checks.equal(box_.run(f"cat /sys/class/net/{role}/address").stdout.strip(), box_.mac(role), f"{role}: its MAC address")
		checks.equal(box_.run(f"ping -c 1 -W 5 {outside}").returncode, 0, f"{role}: and the other way")

	box_.power_cut()
	link = engineer.ip("link", "show", box_.ports[2][2])
	checks.check("NO-CARRIER" in link, "power cut: to the neighbour, the cable is dead", link)
	box_.start()
	box_.wait_for("init: ready", 180)
	checks.equal(box_.run("ls /tmp").stdout, "", "power again: all that was in memory is gone")
	checks.check(not pings(engineer, "10.2.0.9"), "and it is silent again")

	box_.forget()
	box_.type("echo c > /proc/sysrq-trigger\n")
	box_.wait_for("init: ready", 180)
	checks.check("Kernel panic" in box_.all_output(), "a panic, on the console; and it has started again")
	box_.type("poweroff -f\n")
	box_.wait_off()
	checks.check(True, "it switches itself off")


def reads_disks(checks, lab):
	image = lab.dir / "disk"
	image.write_bytes(bytes(4 << 20))
	table = "label: gpt\nsize=2048, name=one\nsize=1024, name=leadglass-env\n"
	subprocess.run(["sfdisk", "--quiet", image], input=table, text=True, check=True)
	found = disk.partitions(image)
	checks.equal([(p.name, p.size) for p in found.values()], [("one", 1 << 20), ("leadglass-env", 1 << 19)],
	             "partitions of a disk image")
	found["leadglass-env"].write(b"good=a", 10)
	checks.equal((found["leadglass-env"].read(8, 10), found["one"].read()), (b"\0\0good=a\0\0", bytes(1 << 20)),
	             "what is written into one is there, and in no other")


def running_emulators():
	"""Emulators whose parent a process is, by the parent's pid."""
	found = {}
	for pid in filter(str.isdigit, os.listdir("/proc")):
		try:
			with open(f"/proc/{pid}/stat") as stat:
				name, _, rest = stat.read().partition("(")[2].rpartition(")")
		except OSError:
			continue
		if name.startswith("qemu-system"):
			found.setdefault(int(rest.split()[1]), []).append(int(pid))
	return found


def cleans_up(checks):
	for signum in (signal.SIGTERM, signal.SIGINT):
		child = subprocess.Popen([sys.executable, __file__, "to-be-ended"], stdout=subprocess.PIPE, text=True)
		line = child.stdout.readline()
		emulators = running_emulators().get(child.pid, [])
		checks.check(line == "ready\n" and len(emulators) == 1, "a lab in another process, with its machine", line)
		child.send_signal(signum)
		child.communicate()
		checks.check(not any(os.path.exists(f"/proc/{pid}") for pid in emulators), f"{signum.name}: its emulator is gone")
		names = os.listdir("/run/netns") if os.path.exists("/run/netns") else []
		checks.check(not [name for name in names if name.startswith(f"lg-{child.pid}")], "and so are its namespaces")


def test(checks):
	with Lab() as lab:
		reads_disks(checks, lab)
		boots(checks, lab)
	cleans_up(checks)


if __name__ == "__main__":
	if sys.argv[1:] == ["to-be-ended"]:
		with Lab() as lab:
			ours, _, _ = machine(lab)
			ours.start()
			ours.wait_for(r"\S", 180)
			print("ready", flush=True)
			time.sleep(600)
	else:
		check.run(test)
