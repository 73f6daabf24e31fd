#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: unit.py RELEASE UNIT

The agent with --ports under its systemd unit, in a Debian with its own kernel and systemd: what the unit takes from it
is nothing that it needs. RELEASE: bookworm (systemd 252) or trixie (257). UNIT: leadglassd.service, as it was built."""
import json
import os
import re
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(SOURCE / "tests/net"), str(SOURCE / "tests/package")]
import check
import kernels
import package
from cpio import Cpio
from lab import Lab, wait_until
from vmlab import Boot, Machine

PACKAGES = ("systemd-sysv", "iproute2")
LEFT_OUT = ("usr/share/", "usr/lib/x86_64-linux-gnu/perl", "var/cache/", "var/lib/apt/", "var/lib/dpkg/", "proc/", "sys/", "dev/")
LIBRARIES = ("libmnl", "libnftnl", "libmbed")  # of this machine: the programs are
POLICY = """role bridge
box { address 10.20.9.1/24; interface service }
device ct { address 10.20.1.10 2001:db8:1::10; ae-title CT; port 11112 }
peer main-pacs { address 10.20.1.5; ae-title PACS; port 104; initiates storage; accepts echo }
manage { from 10.20.9.77; interface service }
"""
# What installing the package does, and enabling the unit
SECOND = """#!/bin/sh
umount /tmp
ldconfig
systemd-sysusers
systemd-tmpfiles --create leadglass.conf
leadglass apply --offline /etc/leadglass/policy.conf
systemctl enable --quiet leadglassd shell
systemctl set-default --quiet multi-user.target
exec /lib/systemd/systemd
"""
SHELL = """[Service]
ExecStart=/bin/sh -c 'stty -echo; echo "unit: ready"; exec sh'
StandardInput=tty
StandardOutput=tty
TTYPath=/dev/ttyS0
[Install]
WantedBy=multi-user.target
"""


def unpacked(octets):
	"""Names and contents in an archive of cpio.py's making."""
	at = 0
	while True:
		size, name_size = (int(octets[at + 6 + 8 * field:at + 14 + 8 * field], 16) for field in (6, 11))
		name = octets[at + 110:at + 110 + name_size - 1].decode()
		if name == "TRAILER!!!":
			return
		at += 110 + name_size + -(110 + name_size) % 4
		yield name, octets[at:at + size]
		at += size + -size % 4


def add_tree(archive, root):
	for path in sorted(root.rglob("*")):
		name = str(path.relative_to(root))
		if path.is_symlink():
			archive.link(name, os.readlink(path))
		elif path.is_dir():
			archive.folder(name)
		elif path.is_file() and not name.startswith(LEFT_OUT):
			archive.add(name, path.read_bytes(), path.stat().st_mode & 0o7777)


def add_ours(archive, unit):
	text = Path(unit).read_text()
	agent = re.search(r"(?m)^ExecStart=(\S+)", text)[1]
	for program, name in ((os.environ["LEADGLASSD"], agent), (check.command(), "usr/bin/leadglass")):
		archive.add(name, Path(program).read_bytes(), 0o755)
		for library in re.findall(r"(/\S+) \(0x", subprocess.run(["ldd", program], capture_output=True, text=True).stdout):
			if Path(library).name.startswith(LIBRARIES):
				archive.add(f"usr/local/lib/{Path(library).name}", Path(library).read_bytes())
	ours, system = SOURCE / "firmware/package", "usr/lib/systemd/system"
	archive.add(f"{system}/leadglassd.service", text)
	archive.add(f"{system}/leadglassd-wait.service", (ours / "leadglassd-wait.service").read_bytes())
	archive.add("usr/lib/sysusers.d/leadglass.conf", (ours / "leadglass.sysusers").read_bytes())
	archive.add("usr/lib/tmpfiles.d/leadglass.conf", (ours / "leadglass.tmpfiles").read_bytes())
	archive.add("etc/default/leadglass", 'LEADGLASSD_OPTIONS="--ports device,hospital"\n')
	archive.add("etc/leadglass/policy.conf", POLICY)
	archive.add(f"{system}/shell.service", SHELL)
	archive.link("etc/systemd/system/serial-getty@.service", "/dev/null")
	archive.add("usr/sbin/second", SECOND, 0o755)


def boot(lab, release, unit):
	kernel, root, archive = kernels.kernel(release), lab.dir / "debian", Cpio()
	package.make_debian(root, "--variant=apt", packages=PACKAGES, release=release)
	add_tree(archive, root)
	for name, octets in unpacked((kernel / "base.cpio").read_bytes()):
		if name.startswith("modules/"):
			archive.add(name, octets)
		elif name == "bin/busybox":
			archive.add("usr/bin/busybox", octets, 0o755)  # /bin is a link
	archive.add("init", Path(__file__).with_name("init").read_bytes(), 0o755)
	add_ours(archive, unit)
	initrd = lab.dir / "initrd"
	initrd.write_bytes(archive.octets())
	return Boot(kernel=kernel / "vmlinux", initrd=initrd, memory=1024, append="panic=1 nowatchdog systemd.show_status=0")


def works(checks, machine, when):
	"""Everything as it should be, by the agent and by the kernel."""
	def status():
		done = machine.run("leadglass status --json")
		return json.loads(done.stdout) if done.returncode <= 1 else {}
	good = wait_until(lambda: status().get("wall") == "up" and all(port["joined"] for port in status()["bridge"]["ports"]), 60, step=0.5)
	checks.check(good, f"{when}: the wall is up, the ports have joined", machine.run("journalctl --no-pager -u leadglassd").stdout)
	checks.equal(status().get("alarms"), [], "there is no alarm")
	found = machine.run("cd /proc/sys/net/ipv6/conf; cat device/disable_ipv6 hospital/disable_ipv6 bridge/disable_ipv6 bridge/accept_ra").stdout
	checks.equal(found.split(), ["1", "1", "1", "0"], "IPv6 is off where the box is not to be heard of")


def confined(checks, machine):
	"""What else is below /proc/sys stays as it is, whoever writes."""
	enter = "nsenter --mount --target $(systemctl show --property MainPID --value leadglassd) sh -c"
	for name, writable in (("net/ipv6/conf/lo/accept_ra", True), ("net/ipv4/ip_forward", False), ("kernel/core_pattern", False)):
		done = machine.run(f"{enter} 'value=$(cat /proc/sys/{name}) && echo \"$value\" > /proc/sys/{name}'")
		checks.check((done.returncode == 0) == writable and (writable or "Read-only" in done.stdout),
		             f"under the unit {name} can{'' if writable else 'not'} be written", done.stdout)


def test(checks):
	with Lab() as lab:
		machine = Machine(lab, "box", boot(lab, *sys.argv[1:]))
		for role in ("device", "hospital"):
			machine.port(role, lab.lan(role))
		machine.port("service", lab.host("engineer"), "10.20.9.77/24")
		machine.start()
		machine.wait_for("unit: ready", 300)
		checks.check(True, machine.run("echo $(systemctl --version | head -1), Linux $(uname -r)").stdout.strip())
		works(checks, machine, "at the start")
		confined(checks, machine)
		machine.run("systemctl restart leadglassd", check=True)
		works(checks, machine, "restarted")
		checks.check("left the bridge" not in machine.run("journalctl --no-pager -u leadglassd").stdout, "and no port left meanwhile")


if __name__ == "__main__":
	if len(sys.argv) != 3 or sys.argv[1] not in kernels.RELEASES:
		sys.exit(__doc__.strip())
	check.run(test)
