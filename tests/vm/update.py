#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: update.py BOARD FOLDER [--cuts N] [--slow] [--seed S]

Updates a running box of a QEMU board, through its service socket as its documents say: one it takes; those it does not
(another key, not whole, older, for another board); those that are taken and turn out to be worth nothing, which it comes
back from by itself (--slow: no init in it, a hang, no wall; and a good slot whose flash rots); and the power is cut N
times at random moments of an update. All the while a hospital's traffic is between its sockets, and a stranger's: he
never gets through.
"""
import argparse
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

import image
from bridge import Probes, flood_of
from cable import numbered
from firmware import LISTEN, Site
from hospital import policy
from image import SERIAL, SOURCE, Image, started

sys.path[:0] = [str(SOURCE / "tests/net"), str(SOURCE / "firmware")]
import check  # noqa: E402
from builder import root as userland  # noqa: E402
from builder import update  # noqa: E402
from builder.board import Board  # noqa: E402
from builder.debian import debian  # noqa: E402
from lab import Lab, wait_until  # noqa: E402

WINDOW = 180  # s, firmware/rootfs/etc/init.d/report
UNSQUASH = "rm -rf /out/root && unsquashfs -quiet -no-progress -dest /out/root /out/whole > /dev/null"


class Maker:
	"""Makes updates of the image that was built, with something changed in it."""

	def __init__(self, board, folder, work, cache):
		self.board, self.folder, self.work = Board(SOURCE / "board" / board), folder, work
		self.building = debian(cache)
		shutil.copy2(folder / f"leadglass-{board}.slot", work / "whole")

	def make(self, name, serial, change=None, key=None, certificate=None, board=None):
		"""An update file, whose slot says that it has this serial; change(root) may do more to it."""
		self.building.inside(UNSQUASH, mounts=[(self.work, "/out", "rw")])
		root = self.work / "root"
		(root / "etc/leadglass-release").write_text(f"board={self.board.name}\nserial={serial}\nversion={name}\n")
		if change:
			change(root)
		slot = userland.make_slot(self.work, self.building, self.board)
		release = {"board": self.board.name, "serial": serial, "version": name}
		made = update.make_update(self.work, board or self.board, release, slot, key or self.folder / "developer-key.pem",
		                          certificate or self.folder / "developer.pem")
		return made.rename(self.work / f"{name}.update")


def replace(path, text):
	"""A change that writes one file anew."""
	def change(root):
		(root / path).write_text(text)
	return change


def hang(root):
	"""After the watchdog was started, before the wall."""
	script = root / "etc/init.d/rcS"
	before, mark, after = script.read_text().partition("sysctl -q")
	script.write_text(f"{before}while :; do sleep 1; done\n{mark}{after}")


class Box:
	def __init__(self, checks, site, disk):
		self.checks, self.site, self.disk = checks, site, disk

	def slot(self):
		return self.site.box.run("cat /proc/cmdline").stdout.partition("PARTLABEL=leadglass-")[2][:1]

	def refused(self, what, path, *words):
		code, said = self.site.send_update(path)
		self.checks.check(code == 3 and all(word in said for word in words), f"{what}: refused", f"{code}: {said}")
		self.checks.equal(self.disk.environment().get("trial"), "", "... and no slot is on trial")

	def reboot(self):
		self.site.box.forget()
		self.site.box.type("reboot\n")

	def tried(self, what, path, slot, patience):
		"""An update that is written, tried three times and left again."""
		before = self.slot()
		code, said = self.site.send_update(path)
		self.checks.equal(code, 0, f"{what}: is written: {said}")
		self.reboot()
		for number in (1, 2, 3):
			self.site.box.wait_for(f"slot {slot} is on trial, {3 - number} more tries", patience)
			self.site.box.forget()
		self.site.box.wait_for(f"leadglass: slot {before}\n", patience)
		self.site.box.forget()
		report = started(self.checks, self.site.box, self.disk.board, f"{what}: three tries later", patience)
		self.checks.check("wall up, verified; bridge of device and hospital" in report[3], "the wall is up again", report[3])
		self.checks.equal(self.slot(), before, "in the slot that was left")
		self.checks.check(wait_until(lambda: self.site.echo().returncode == 0, 60), "C-ECHO crosses")


def good(checks, box, maker, serial):
	code, said = box.site.send_update(maker.make(f"good-{serial}", serial))
	checks.equal(code, 0, f"an update is written: {said}")
	other = "b" if box.slot() == "a" else "a"
	box.reboot()
	said = started(checks, box.site.box, box.disk.board, "the new slot")
	checks.check(said[2] == f"good-{serial}" and "wall up, verified; bridge of device and hospital" in said[3],
	             "it runs, and has the policy it had before", said[0])
	checks.equal(box.slot(), other, "which slot that is")
	checks.check(wait_until(lambda: box.disk.environment() | {"trial": ""} == box.disk.environment() and
	                        box.disk.environment()["good"] == other, 20), "it is the good one now", box.disk.environment())
	checks.check(wait_until(lambda: box.site.echo().returncode == 0, 60), "C-ECHO crosses")


def rotten(checks, box):
	"""The good slot's flash rots: three starts, and the other slot stands in for it, unaccepted."""
	vm, good = box.site.box, box.disk.environment()["good"]
	other = "b" if good == "a" else "a"
	vm.power_cut()
	part = box.disk.partitions[f"leadglass-{good}"]
	whole = part.read(8192, 1 << 16)
	part.write(bytes(octet ^ 0x55 for octet in whole), 8192)
	vm.start()
	vm.wait_for(f"slot {good} had no verified wall in three starts: slot {other}, this once", 4 * image.PATIENCE)
	said = started(checks, vm, box.disk.board, "the good slot rots")
	checks.check("(the other slot showed no verified wall in three starts): wall up, verified; bridge of device and hospital" in
	             said[0], "the other slot has the wall", said[0])
	checks.equal(box.slot(), other, "which slot that is")
	checks.equal(box.disk.environment()["good"], good, "it is not the good one by that")
	checks.check(wait_until(lambda: box.site.echo().returncode == 0, 60), "C-ECHO crosses")
	vm.power_cut()
	part.write(whole, 8192)
	vm.start()
	started(checks, vm, box.disk.board, "the good slot is whole again")
	checks.equal(box.slot(), good, "it is begun again")


def refusals(box, maker):
	other = maker.work / "other"
	other.mkdir()
	key, chain = update.developer_key(maker.work, other)
	box.refused("another key", maker.make("stranger", 14, key=key, certificate=chain), "was not signed with its key")
	whole = maker.make("whole", 14)
	cut, long, bent = (maker.work / name for name in ("cut", "long", "bent"))
	octets = whole.read_bytes()
	cut.write_bytes(octets[:-5000])
	long.write_bytes(octets + b"\0")
	bent.write_bytes(octets[:-100000] + bytes([octets[-100000] ^ 1]) + octets[-99999:])
	for path in (cut, long, bent):
		box.refused(f"an update that is {path.name}", path)
	box.refused("an older one", maker.make("older", SERIAL - 1), "serial")
	box.refused("one for another board", maker.make("nanopi", 14, board=Board(SOURCE / "board/nanopi-r5s")), "board")
	(maker.work / "text").write_text("role bridge\n" * 1000)
	box.refused("no update at all", maker.work / "text")


def power_cuts(checks, box, maker, count, moments):
	"""Each time an update is begun and the box started anew; somewhere in that its power goes."""
	site = box.site
	serial = 20
	for number in range(count):
		serial += 1
		path = maker.make(f"cut-{serial}", serial)
		# Writing and the next start take about as long as this, on a machine that is not busy.
		moment = moments.uniform(0, 35)
		vm = site.box
		vm.forget()
		vm.type(f"{LISTEN} && reboot\n")
		site.feed(path)
		time.sleep(moment)
		vm.power_cut()
		what = f"power cut {number + 1} of {count}, {moment:.1f} s into an update"
		environment = box.disk.environment()
		vm.start()
		said = started(checks, vm, box.disk.board, what)
		print(f"     before: {environment}; now: {box.disk.environment()}; runs: {said[2]}", flush=True)
		checks.check("wall up, verified; bridge of device and hospital" in said[3], "the wall is up", said[3])
		checks.check(wait_until(lambda: site.echo().returncode == 0, 60), "C-ECHO crosses")
		checks.equal(site.stranger_gets_in(), [], "the stranger gets nowhere")
		wait_until(lambda: box.disk.environment().get("trial") == "", 20)


def arguments():
	parser = argparse.ArgumentParser(prog="update.py", description=__doc__,
	                                 formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("board", choices=image.BOARDS)
	parser.add_argument("folder", type=Path)
	parser.add_argument("--cuts", type=int, default=0)
	parser.add_argument("--slow", action="store_true")
	parser.add_argument("--seed", type=int, default=int(time.time()))
	return parser.parse_args()


def main():
	options = arguments()
	folder = options.folder.resolve()

	def test(checks):
		print(f"seed {options.seed}")
		image.build(options.board, folder)
		with Lab() as lab, tempfile.TemporaryDirectory(dir=folder, prefix="updates-") as work:
			maker = Maker(options.board, folder, Path(work), image.cache())
			disk = Image(lab, options.board, folder)
			site = Site(lab, disk)
			box = Box(checks, site, disk)
			probes = Probes(checks, site)
			site.start(checks, "as it comes from the factory")
			site.must_apply(policy())
			flood, number = flood_of(probes, site)
			site.device.forget()
			with flood:
				refusals(box, maker)
				good(checks, box, maker, SERIAL + 1)
				if options.slow:
					rotten(checks, box)
					box.tried("no init in it", maker.make("no-init", 15, replace("bin/busybox", "no program")), "a", 120)
					box.tried("it hangs", maker.make("hang", 16, hang), "a", 400)
					box.tried("no wall", maker.make("no-wall", 17, replace("usr/sbin/leadglassd", "#!/bin/false\n")), "a", WINDOW + 200)
				power_cuts(checks, box, maker, options.cuts, random.Random(options.seed))
			checks.check(not site.device.heard(numbered(number)), "of a flood all the while, nothing crossed")

	check.run(test)


main()
