# SPDX-License-Identifier: GPL-2.0-or-later
"""A gateway in role bridge: a virtual machine with one of Debian's kernels, our two programs, and a hospital around it.

	device lan: ct, unknown --- box --- hospital lan: archive, stranger
	                             |
	                         engineer (the service port)
"""
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "net"))
import check  # noqa: E402
import kernels  # noqa: E402
from cpio import Cpio  # noqa: E402
from vmlab import Boot  # noqa: E402

PORTS = ("device", "hospital", "service")


def boot(lab, release, files=()):
	"""What a machine starts from: the release's kernel, and our programs; files: (name, octets or text, mode)."""
	kernel = kernels.kernel(release)
	ours = Cpio()
	ours.add("init", (HERE / "init").read_bytes(), 0o755)
	for path in (check.command(), os.environ["LEADGLASSD"], "/usr/sbin/nft", "/usr/sbin/conntrack"):
		ours.program(path)
	ours.add("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
	ours.add("etc/group", "root:x:0:\n")
	ours.folder("etc/leadglass")
	for name, data, mode in files:
		ours.add(name, data, mode)
	initrd = lab.dir / f"{release}.cpio"
	base = (kernel / "base.cpio").read_bytes()
	initrd.write_bytes(base + bytes(-len(base) % 512) + ours.octets())
	# Emulated on a busy machine, a processor may well stand still for seconds; that is no reason to write on the console.
	return Boot(kernel=kernel / "vmlinux", initrd=initrd, append="panic=1 nowatchdog")
