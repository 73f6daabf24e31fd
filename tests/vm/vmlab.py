# SPDX-License-Identifier: GPL-2.0-or-later
"""Virtual machines in a Lab (tests/net/lab.py): a kernel with an initramfs, or a disk, in QEMU, its ports plugged into
the lab's lans and hosts, its console read and typed on. Needs root; no KVM.

	with Lab() as lab:
		left, right = lab.lan("device"), lab.lan("hospital")
		machine = Machine(lab, "box", Boot(kernel=vmlinux, initrd=cpio))
		machine.port("device", left)
		machine.port("hospital", right)
		machine.start()
		machine.wait_for("init: ready")
		print(machine.run("uname -r").stdout)
		machine.power_cut()
		machine.start()

Leaving the `with` block ends it, in whatever way it is left. The sockets' PCI slots and MAC addresses are always the
same: the first port at 00:10.0 with 02:1e:ad:00:00:01, and so on. A tap stays in its namespace when the power is
cut: to the neighbours it is a cable whose other end went dead.
"""
import base64
import fcntl
import os
import re
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "net"))
from lab import Lan, LabError  # noqa: E402

TUNSETIFF, TUNSETPERSIST = 0x400454ca, 0x400454cb
TAP = 0x0002 | 0x1000 | 0x4000  # IFF_TAP, IFF_NO_PI, IFF_VNET_HDR
FIRST_SLOT = 0x10
LINE_LIMIT = 3800  # a terminal takes lines of 4095 octets
# Processors that the emulator is quick with; `max` is slower, and did not always start.
EMULATORS = {
	"x86_64": ["qemu-system-x86_64", "-machine", "q35", "-cpu", "qemu64"],
	"arm64": ["qemu-system-aarch64", "-machine", "virt", "-cpu", "cortex-a53"],
}
FIRMWARE = {  # UEFI: its code, and what its variables begin as
	"x86_64": ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
	"arm64": ("/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd"),
}
CONSOLES = {"x86_64": "ttyS0", "arm64": "ttyAMA0"}


@dataclass
class Boot:
	"""What a machine starts from: kernel, initrd and command line, or a disk image by UEFI (or both). The image is
	used as it is and written to: give it a copy."""
	kernel: Path = None
	initrd: Path = None
	append: str = ""
	disk: Path = None
	read_only: bool = False  # the disk takes no writes
	architecture: str = "x86_64"
	memory: int = 256  # MiB
	qemu: list = field(default_factory=list)  # further words


class Machine:
	def __init__(self, lab, name, boot):
		self.lab, self.name, self.boot = lab, name, boot
		self.host = lab.host(name)  # the emulator's own namespace: nothing else is in it
		self.console = lab.dir / f"{name}.console"
		self.ports, self.process, self.mark, self.number = [], None, 0, 0

	def port(self, role, place, *addresses):
		"""A port whose cable ends in a lan, or in a host, which gets the addresses. The interface's name there."""
		host = place.switch if isinstance(place, Lan) else place
		interface = host.new_interface(f"port{len(host.interfaces)}" if isinstance(place, Lan) else None)
		os.close(self._tap(host, interface))
		if isinstance(place, Lan):
			host.ip("link", "set", interface, "master", "lan", "up")
		else:
			host.up(interface, addresses)
		self.ports.append((role, host, interface))
		return interface

	@staticmethod
	def _tap(host, interface):
		"""The tap in the host's namespace, made if it is not there; a file descriptor that holds its other end."""
		def attach():
			tap = os.open("/dev/net/tun", os.O_RDWR)
			fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", interface.encode(), TAP))
			fcntl.ioctl(tap, TUNSETPERSIST, 1)
			return tap
		return host.call(attach)

	def mac(self, role):
		return f"02:1e:ad:00:00:{1 + [port[0] for port in self.ports].index(role):02x}"

	def _words(self, taps):
		boot = self.boot
		words = [*EMULATORS[boot.architecture], "-accel", "tcg", "-m", str(boot.memory), "-nodefaults", "-display", "none",
		         "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console", "-device", "virtio-rng-pci"]
		if boot.kernel:
			words += ["-kernel", str(boot.kernel), "-append", f"console={CONSOLES[boot.architecture]} quiet {boot.append}"]
		if boot.initrd:
			words += ["-initrd", str(boot.initrd)]
		if boot.disk:
			code, variables = FIRMWARE[boot.architecture]
			mine = self.lab.dir / f"{self.name}.efivars"
			if not mine.exists():
				shutil.copyfile(variables, mine)
			words += ["-drive", f"if=pflash,format=raw,readonly=on,file={code}",
			          "-drive", f"if=pflash,format=raw,file={mine}",
			          "-drive", f"if=none,id=disk,format=raw,file={boot.disk}{',readonly=on' if boot.read_only else ''}",
			          "-device", "virtio-blk-pci,drive=disk"]
		for number, ((role, _, _), tap) in enumerate(zip(self.ports, taps)):
			words += ["-netdev", f"tap,id=net{number},fd={tap}", "-device",
			          f"virtio-net-pci,netdev=net{number},mac={self.mac(role)},addr={FIRST_SLOT + number:#x},romfile="]
		return words + boot.qemu

	def start(self):
		"""Power on. What the console says from here on is what wait_for looks at."""
		if self.process and self.process.running():
			raise LabError(f"{self.name} runs already")
		self.mark = self.console.stat().st_size if self.console.exists() else 0
		taps = [self._tap(host, interface) for _, host, interface in self.ports]
		try:
			self.process = self.host.start(*self._words(taps), log=self.console, stdin=subprocess.PIPE, pass_fds=taps)
		finally:
			for tap in taps:
				os.close(tap)

	def output(self):
		"""All that the console has said since the last start, or since forget()."""
		with open(self.console, "rb") as console:
			console.seek(self.mark)
			return console.read().decode(errors="replace").replace("\r", "")

	def forget(self):
		"""wait_for is not to see what was said so far."""
		self.mark = self.console.stat().st_size

	def all_output(self):
		"""The console from the first start on."""
		return self.console.read_text(errors="replace").replace("\r", "")

	def wait_for(self, pattern, timeout=60):
		"""The match, once the console's output has it. LabError when it does not come, or the machine ends."""
		deadline = time.monotonic() + timeout
		while True:
			running = self.process.running()
			found = re.search(pattern, self.output(), re.M)
			if found:
				return found
			if not running:
				raise LabError(f"{self.name} ended while waiting for {pattern!r}:\n{self.output()[-3000:]}")
			if time.monotonic() > deadline:
				raise LabError(f"{self.name}: no {pattern!r} after {timeout} s:\n{self.output()[-3000:]}")
			time.sleep(0.02)

	def type(self, text):
		self.process.popen.stdin.write(text.encode())
		self.process.popen.stdin.flush()

	def run(self, command, timeout=60, check=False):
		"""Has the shell on the console run a command; a CompletedProcess, stdout and stderr together. What follows
		`&` in it stays behind. check: LabError unless it returns 0."""
		self.number += 1
		line = f"echo '<''{self.number}<'; sh -c {shlex.quote(command)} < /dev/null 2>&1; echo '>''{self.number}>'$?'>'\n"
		if max(map(len, line.splitlines())) > LINE_LIMIT:
			raise LabError(f"too long to be typed: {command[:100]}...")
		self.type(line)
		found = self.wait_for(rf"(?s)<{self.number}<\n(.*?)>{self.number}>(\d+)>", timeout)
		done = subprocess.CompletedProcess(command, int(found[2]), found[1], "")
		if check and done.returncode != 0:
			raise LabError(f"{self.name}: {command}: exit {done.returncode}\n{done.stdout}")
		return done

	def put(self, path, text, mode="644"):
		"""Writes a file there; by the console, so not for large ones."""
		octets = base64.b64encode(text.encode()).decode()
		self.run(f": > {path}.new", check=True)
		for at in range(0, len(octets), 2000):
			self.run(f"echo {octets[at:at + 2000]} | base64 -d >> {path}.new", check=True)
		self.run(f"chmod {mode} {path}.new && mv {path}.new {path}", check=True)

	def power_cut(self):
		"""The plug is pulled: nothing is said to the machine. What it had handed to its disk is there."""
		os.kill(self.process.pid, signal.SIGKILL)
		self.process.popen.wait()
		self.process.popen.stdin.close()

	def wait_off(self, timeout=60):
		"""Until it has switched itself off."""
		self.process.wait(timeout)
		self.process.popen.stdin.close()
