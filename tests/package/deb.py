#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: deb.py FOLDER

Builds the package in two versions, and installs, upgrades, removes and purges it in a small Debian: what is where,
for whom, and that nothing is started by installing it. With the agent running in a network namespace, an upgrade
restarts it and the wall is never absent. As root.
"""
import os
import re
import shutil
import stat
import struct
import subprocess
import sys
import threading
import time

import package
from package import SOURCE, must, say

from check import run
from lab import Lab, LabError, wait_until
from signing import Pki, Trust, block

POLICY = """\
role host
device ct-3 { ae-title CT3; port 11112 }
peer main-pacs { address 10.20.0.5; ae-title MAIN_PACS; port 104; initiates echo storage }
manage { from 10.20.9.0/24 }
"""


class Debian:
	"""The small Debian with a network namespace of its own, so that nothing there reaches this machine's rules."""

	def __init__(self, lab, root):
		self.root, self.host = root, lab.host("box")
		# A machine that is up, as init writes it into utmp: runlevel 2, none before. Else maintainer scripts start and
		# restart nothing.
		(root / "run" / "utmp").write_bytes(struct.pack("=hxxi376x", 1, ord("N") << 8 | ord("2")))

	def words(self, *words):
		# /proc is mounted for one command only: there is nothing to take down afterwards.
		return ["unshare", "--mount", "sh", "-c", 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"',
		        str(self.root), *[str(word) for word in words]]

	def run(self, *words, **popen):
		return self.host.run(*self.words(*words), env=package.CLEAN, **popen)

	def must(self, *words):
		done = self.run(*words)
		if done.returncode != 0:
			raise LabError(f"{' '.join(map(str, words))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
		return done.stdout

	def install(self, deb):
		shutil.copy(deb, self.root / "tmp" / deb.name)
		return self.must("dpkg", "--install", f"/tmp/{deb.name}")

	def path(self, name):
		return self.root / name.lstrip("/")

	def owner(self, name):
		"""user group mode, by the Debian's own names; "" when it is not there"""
		done = self.run("stat", "--format=%U %G %a", name)
		return done.stdout.strip() if done.returncode == 0 else ""

	def processes(self):
		"""Commands that run in the namespace."""
		found = []
		for pid in must("ip", "netns", "pids", self.host.namespace).split():
			try:
				with open(f"/proc/{pid}/cmdline", "rb") as file:
					found.append((int(pid), file.read().split(b"\0")[0].decode()))
			except OSError:
				pass
		return found

	def agents(self):
		return [pid for pid, name in self.processes() if name.endswith("leadglassd")]


class Watch:
	"""Looks at the wall all the time, and listens for tables and chains that are deleted."""

	def __init__(self, host):
		self.host, self.looks, self.absent, self.stopped = host, 0, [], threading.Event()
		self.monitors = [host.start("nft", "monitor", "destroy", kind) for kind in ("tables", "chains")]
		self.thread = threading.Thread(target=self._look)
		self.thread.start()

	def _look(self):
		while not self.stopped.is_set():
			done = self.host.run("nft", "list", "chain", "inet", "leadglass", "input")
			self.looks += 1
			if done.returncode != 0 or "policy drop" not in done.stdout or "default deny" not in done.stdout:
				self.absent.append(f"look {self.looks}: {done.stdout}{done.stderr}")

	def stop(self):
		self.stopped.set()
		self.thread.join()
		for monitor in self.monitors:
			monitor.stop()
		self.deleted = "".join(monitor.output() for monitor in self.monitors)


def check_files(checks, debian, first):
	installed = {
		"/usr/bin/leadglass": "root root 755",
		"/usr/sbin/leadglassd": "root root 755",
		"/usr/lib/systemd/system/leadglassd.service": "root root 644",
		"/usr/lib/systemd/system/leadglassd-wait.service": "root root 644",
		"/usr/lib/sysusers.d/leadglass.conf": "root root 644",
		"/usr/lib/tmpfiles.d/leadglass.conf": "root root 644",
		"/usr/share/bash-completion/completions/leadglass": "root root 644",
		"/usr/share/doc/leadglass/copyright": "root root 644",
		"/usr/share/doc/leadglass/changelog.gz": "root root 644",
		"/usr/share/man/man8/leadglass.8.gz": "root root 644",
		"/usr/share/man/man8/leadglass-probe.8.gz": "root root 644",
		"/usr/share/man/man8/leadglass-prove.8.gz": "root root 644",
		"/usr/share/man/man8/leadglass-report.8.gz": "root root 644",
		"/usr/share/man/man8/leadglass-sign.8.gz": "root root 644",
		"/usr/share/man/man8/leadglass-update.8.gz": "root root 644",
		"/usr/share/man/man8/leadglassd.8.gz": "root root 644",
		"/usr/share/man/man5/leadglass-json.5.gz": "root root 644",
		"/usr/share/man/man5/leadglass-policy.5.gz": "root root 644",
		"/usr/share/man/man5/leadglass-trust.5.gz": "root root 644",
		"/etc/default/leadglass": "root root 644",
		"/etc/init.d/leadglassd": "root root 755",
		"/etc/leadglass": "root root 755",
		"/etc/leadglass/trust": "root root 755",
		"/var/lib/leadglass": "leadglass leadglass 700",
	}
	for name, wanted in installed.items():
		checks.equal(debian.owner(name), wanted, f"{name} is there, {wanted}")
	listed = debian.must("dpkg", "--listfiles", "leadglass").split()
	odd = [name for name in listed if debian.path(name).exists() and not debian.path(name).is_symlink() and
	       stat.S_IMODE(os.stat(debian.path(name)).st_mode) & 0o7022]
	checks.equal(odd, [], "nobody but root may write to a file of the package, and none is set-uid")
	checks.equal(debian.must("dpkg", "--verify", "leadglass"), "", "dpkg --verify finds nothing")
	user = debian.must("getent", "passwd", "leadglass").split(":")
	checks.check(0 < int(user[2]) < 1000 and user[5] == "/nonexistent" and user[6].strip() == "/usr/sbin/nologin",
	             "the user leadglass is a system user who cannot log in", user)
	checks.check("leadglass apply --offline" in first and "nothing is filtered yet" in first,
	             "installing says what to do next", first)
	checks.equal(debian.agents(), [], "nothing was started")
	started = [str(path.relative_to(debian.root)) for folder in ("etc/rc*.d", "etc/systemd")
	           for top in debian.root.glob(folder) for path in top.rglob("*leadglass*") if not path.name.startswith("K")]
	checks.equal(started, [], "nothing will be started at the next boot")


def check_programs(checks, debian, version):
	checks.equal(debian.run("leadglass", "--version").stdout.split(), ["leadglass", version], "leadglass --version")
	checks.equal(debian.run("leadglassd", "--version").stdout.split(), ["leadglassd", version], "leadglassd --version")
	examples = sorted(path.name for path in debian.path("/usr/share/doc/leadglass/examples").glob("*.conf"))
	checks.check(len(examples) >= 4, "there are examples", examples)
	for name in examples:
		if name != "collector.conf":  # for systemd
			done = debian.run("leadglass", "check", f"/usr/share/doc/leadglass/examples/{name}")
			checks.equal(done.returncode, 0, f"leadglass check of the example {name}")


def check_boot_order(checks, debian):
	debian.must("update-rc.d", "leadglassd", "enable")
	order = sorted(path.name for path in debian.path("/etc/rcS.d").glob("S*"))
	places = {name[3:]: index for index, name in enumerate(order)}
	checks.check("leadglassd" in places and places["leadglassd"] < places.get("networking", -1),
	             "enabled, it starts before the network", order)


def pid_of(debian):
	try:
		return int(debian.path("/run/leadglassd.pid").read_text())
	except (OSError, ValueError):
		return 0


def check_upgrade(checks, debian, second):
	debian.path("/etc/leadglass/policy.conf").write_text(POLICY)
	done = debian.run("leadglass", "apply", "--offline", "/etc/leadglass/policy.conf")
	if not checks.equal(done.returncode, 0, "leadglass apply --offline"):
		say(done.stdout + done.stderr)
	done = debian.run("/etc/init.d/leadglassd", "start")
	if not checks.equal(done.returncode, 0, "the init script starts the agent"):
		say(done.stdout + done.stderr)
	before = pid_of(debian)
	checks.check(before in debian.agents(), "its pid file names it", debian.agents())
	wall = debian.host.run("nft", "list", "chain", "inet", "leadglass", "input")
	checks.check("default deny" in wall.stdout, "the script returned when the wall stood", wall.stderr)
	checks.equal(debian.run("/etc/init.d/leadglassd", "status").returncode, 0, "status: it runs")

	watch = Watch(debian.host)
	try:
		wait_until(lambda: watch.looks > 3)
		said = debian.install(second)
		after = pid_of(debian)
		looks = watch.looks
		wait_until(lambda: watch.looks > looks + 3)
	finally:
		watch.stop()
	checks.check(after and after != before and after in debian.agents() and before not in debian.agents(),
	             "the upgrade restarted the agent", f"{before} {after} {debian.processes()}\n{said}")
	checks.equal(len(debian.agents()), 2, "one agent runs: its two processes")
	checks.check(watch.looks > 10 and not watch.absent, f"the wall stood at each of {watch.looks} looks",
	             "\n".join(watch.absent[:3]))
	checks.equal(watch.deleted, "", "no table and no chain was deleted meanwhile")
	done = debian.run("leadglass", "status")
	checks.check(done.returncode == 0 and "main-pacs" in done.stdout, "the new agent answers", done.stdout + done.stderr)
	checks.check(after and os.readlink(f"/proc/{after}/exe").endswith("/usr/sbin/leadglassd"),
	             "it runs the new program")
	checks.check("nothing is filtered yet" not in said, "an upgrade does not speak of a first installation", said)


def check_signed(checks, debian, folder):
	"""The agent as the init script starts it takes signed policies by the package's own trust folder."""
	pki, trust = Pki(folder / "pki"), Trust(debian.path("/etc/leadglass/trust"))
	key = pki.key()
	trust.identify()
	trust.add("desk", key)
	done = debian.run("leadglass", "apply", "/etc/leadglass/policy.conf")
	checks.check(done.returncode == 3 and "is not signed" in done.stderr, "an anchor: an unsigned policy is refused", done.stderr)
	debian.path("/etc/leadglass/policy.signed").write_bytes(key.sign(block(1) + POLICY))
	done = debian.run("leadglass", "apply", "--yes", "/etc/leadglass/policy.signed")
	checks.equal(done.returncode, 0, "a signed one is taken") or say(done.stdout + done.stderr)
	debian.must("/etc/init.d/leadglassd", "restart")
	done = debian.run("leadglass", "status", "--json")
	checks.check('"trust":"signed"' in done.stdout.replace(" ", "") and '"wall":"up"' in done.stdout.replace(" ", ""),
	             "and stands after a restart", done.stdout[:600])


def check_removal(checks, debian):
	def wall():
		return debian.host.run("nft", "list", "table", "inet", "leadglass").returncode == 0

	said = debian.must("dpkg", "--remove", "leadglass")
	checks.check(wait_until(lambda: not debian.agents(), timeout=10), "removing stops the agent", debian.processes())
	checks.check(wall() and "A wall that stood stays" in said, "the wall stays, and that is said", said)
	checks.check(not debian.path("/usr/sbin/leadglassd").exists(), "the program is gone")
	checks.check(list(debian.path("/var/lib/leadglass").iterdir()) and debian.path("/etc/default/leadglass").exists(),
	             "policies and options are kept")
	checks.check(debian.path("/etc/leadglass/trust/desk.pem").exists(), "and who is trusted")
	debian.must("dpkg", "--purge", "leadglass")
	left = [str(path.relative_to(debian.root)) for top in ("etc", "var/lib", "usr", "run")
	        for path in (debian.root / top).rglob("*leadglass*") if "dpkg" not in path.parts]
	checks.equal(left, ["etc/leadglass"], "purging leaves nothing but the policy somebody wrote")
	checks.check(debian.path("/etc/leadglass/trust/desk.pem").exists(), "and the anchor somebody put there")
	checks.check(wall(), "the wall stays even then")


def main():
	if len(sys.argv) != 2:
		sys.exit(__doc__.strip())
	folder = package.fresh_folder(sys.argv[1])

	def test(checks):
		version = re.search(r"project\(leadglass VERSION (\S+)", (SOURCE / "CMakeLists.txt").read_text())[1]
		began = time.monotonic()
		first, second = package.build("package", folder / "build", ["", f"{version}+2"])
		checks.equal(first.name, f"leadglass_{version}_amd64.deb", "name of the package")
		depends = set(package.control(first)["Depends"].split(", "))
		fixed = re.search(r'", (libc6 [^"]*)"', (SOURCE / "cmake" / "Package.cmake").read_text())[1]
		checks.equal(sorted(word for word in depends if word.startswith("lib")), sorted(fixed.split(", ")),
		             "dpkg-shlibdeps says what cross builds are given")
		say(f"built after {time.monotonic() - began:.0f} s")
		package.make_debian(folder / "debian", "--variant=essential",
		                    packages=["adduser", "libc6", "libnftnl11", "libmnl0", "libmbedcrypto7", "libmbedx509-1", "sysvinit-core",
		                              "initscripts", "ifupdown"])
		say(f"a Debian after {time.monotonic() - began:.0f} s")
		with Lab() as lab:
			debian = Debian(lab, folder / "debian")
			check_files(checks, debian, debian.install(first))
			check_programs(checks, debian, version)
			check_boot_order(checks, debian)
			check_upgrade(checks, debian, second)
			check_signed(checks, debian, folder)
			check_removal(checks, debian)
		say(f"done after {time.monotonic() - began:.0f} s")

	try:
		run(test)
	finally:
		subprocess.run(["rm", "-rf", folder / "debian"])


if __name__ == "__main__":
	main()
