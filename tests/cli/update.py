# SPDX-License-Identifier: GPL-2.0-or-later
"""`leadglass update`: which files it takes, what it says of the others, what it writes, and what a power cut at any
write leaves behind."""

import fcntl
import hashlib
import json
import pathlib
import random
import subprocess
import sys

from command import KERNEL, POLICY, PROGRAM, TREE, USAGE, YES, main
from pki import Signed

JOURNAL = pathlib.Path(sys.argv[3]).resolve() if len(sys.argv) > 3 else None
SECTOR = 512
SLOT = 100 << 10
BLOCK = "# GRUB Environment Block\n"


def image(seed, size=70000):
    """One that begins as a squashfs does."""
    return b"hsqs" + random.Random(seed).randbytes(size - 4)


def file(signed, content):
    return b"leadglass update, manifest of %d octets\n" % len(signed) + signed + content


class Boot:
    """What firmware/boot/grub.cfg makes of a box's disk; tests/vm/grub.py holds both against the real GRUB."""

    def __init__(self, partitions, wholes):
        self.disk, self.wholes = partitions, wholes

    def variables(self):
        text = self.disk["env"][SECTOR:SECTOR + 1024].decode("latin-1")
        if self.disk["env"][:7] != b"grubenv" or not text.startswith(BLOCK):
            return {}
        return dict(line.split("=", 1) for line in text[:text.index("\n#")].splitlines()[1:] if "=" in line)

    def starts(self, slot):
        """None: GRUB finds no file system. Else whether what it finds is a whole image."""
        if self.disk[slot][:4] != b"hsqs":
            return None
        return any(self.disk[slot].startswith(whole) for whole in self.wholes)

    def choose(self):
        """The slots in the order in which they are tried by one start after another, the good one last; which is what three
        starts without a verified wall go on from, to the other one."""
        found = self.variables()
        good = found.get("good") if found.get("good") in ("a", "b") else "a"
        other = "ab".replace(good, "")
        tries = int(found.get("tries") or 0) if found.get("tries") in ("1", "2", "3") else 0
        return [other] * (tries if found.get("trial") == other else 0) + [good]

    def boots_whole_slots(self):
        good = self.choose()[-1]
        for slot in (*self.choose(), "ab".replace(good, "")):
            whole = self.starts(slot)
            if whole is None:  # GRUB turns to the other one
                whole = self.starts("ab".replace(slot, ""))
            if not whole:
                return False
        return True


class Update(Signed):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.maker = cls.pki.signer("firmware desk", cls.root)
        cls.old, cls.new = image(1), image(2)

    def setUp(self):
        super().setUp()
        self.box.add("root", self.root)
        self.make_box()

    def make_box(self, running="a", serial=7):
        root = self.folder / "box"
        for number, name in enumerate(("env", "a", "b"), 2):
            folder = root / f"sys/class/block/vda{number}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "uevent").write_text(f"MAJOR=254\nDEVNAME=vda{number}\nDEVTYPE=partition\nPARTNAME=leadglass-{name}\n")
        for name in ("proc", "dev", "etc"):
            (root / name).mkdir(exist_ok=True)
        (root / "proc/cmdline").write_text(f"BOOT_IMAGE=x root=PARTLABEL=leadglass-{running} ro quiet\n")
        (root / "etc/leadglass-release").write_text(f"board=qemu-arm64\nserial={serial}\nversion=1.2\n")
        environment = subprocess.run([TREE / "firmware/boot/environment", str(serial)], capture_output=True, check=True).stdout
        self.put("env", environment)
        self.put("a", self.old)
        self.put("b", image(3))

    def start(self, slot, serial):
        root = self.folder / "box"
        (root / "proc/cmdline").write_text(f"root=PARTLABEL=leadglass-{slot}\n")
        (root / "etc/leadglass-release").write_text(f"board=qemu-arm64\nserial={serial}\nversion=1.3\n")

    def partition(self, name):
        return self.folder / f"box/dev/vda{ {'env': 2, 'a': 3, 'b': 4}[name]}"

    def put(self, name, octets):
        size = 16 << 10 if name == "env" else SLOT
        self.partition(name).write_bytes(octets.ljust(size, b"\xee"))

    def disk(self):
        return {name: self.partition(name).read_bytes() for name in ("env", "a", "b")}

    def manifest(self, content=None, **changes):
        content = self.new if content is None else content
        says = {"board": "qemu-arm64", "serial": "8", "version": "1.3", "image-size": str(len(content)),
                "image-sha256": hashlib.sha256(content).hexdigest()}
        says.update({name.replace("_", "-"): value for name, value in changes.items()})
        return "update {\n" + "".join(f"\t{name} {value}\n" for name, value in says.items() if value is not None) + "}\n"

    def update_file(self, content=None, signer=None, name="new.update", **changes):
        content = self.new if content is None else content
        octets = file((signer or self.maker).sign(self.manifest(content, **changes)), content)
        (self.folder / name).write_bytes(octets)
        return octets

    def update(self, code, *words, stdin=None):
        return self.expect(code, "update", "--box", "box", *words)

    def status(self):
        return json.loads(self.update(YES, "--status", "--json").out)

    def refused(self, code, *texts, name="new.update", dry=True):
        """The file is refused with these words, by --dry-run too, and nothing on the disk changes."""
        before = self.disk()
        result = self.update(code, "--trust", "trust", name)
        for text in texts:
            self.assertIn(text, result.err)
        if dry:
            self.assertEqual(self.update(code, "--trust", "trust", "--dry-run", name).err, result.err)
        self.assertEqual(self.disk(), before)
        return result


class Taken(Update):
    def test_dry_run(self):
        self.update_file()
        before = self.disk()
        result = self.update(YES, "--dry-run", "--trust", "trust", "new.update")
        self.assertIn("board qemu-arm64, serial 8, version 1.3", result.out)
        self.assertIn("CN=firmware desk", result.out)
        self.assertIn("this box takes it; nothing was written to slot b", result.out)
        self.assertEqual(self.disk(), before)

    def test_elsewhere(self):
        """On a laptop only the file is judged; whatever it is for."""
        self.update_file(board="another", serial="1")
        (self.folder / "box/proc/cmdline").write_text("root=/dev/sda1\n")
        self.assertIn("this machine is no box", self.update(YES, "--dry-run", "--trust", "trust", "new.update").out)
        self.assertIn("no slot of a leadglass box", self.update(KERNEL, "--trust", "trust", "new.update").err)
        for deed in ("--status", "--accept", "--reset"):
            self.update(KERNEL, deed)

    def test_to_the_other_slot_and_back(self):
        self.update_file()
        self.assertEqual(self.status(), {
            "board": "qemu-arm64", "version": "1.2", "serial": 7, "running": "a", "fallback": False, "good": "a", "accepted": True, "trial": None,
            "tries": 0, "serial_a": 7, "serial_b": None, "reset": False, "environment": True})
        result = self.update(YES, "--trust", "trust", "new.update")
        self.assertIn("written to slot b and read back; the next start tries it", result.out)
        self.assertEqual(result.err, "leadglass: writing slot b\n")
        disk = self.disk()
        self.assertEqual(disk["a"], self.old.ljust(SLOT, b"\xee"))
        self.assertEqual(disk["b"][:len(self.new)], self.new)
        self.assertEqual(disk["b"][len(self.new):], image(3).ljust(SLOT, b"\xee")[len(self.new):])
        found = self.status()
        self.assertEqual((found["good"], found["trial"], found["tries"], found["serial_b"]), ("a", "b", 3, 8))
        self.assertEqual(Boot(disk, [self.old, self.new]).choose(), ["b", "b", "b", "a"])

        # It starts, and is not overwritten, and does not overwrite, before it is accepted.
        self.start("b", 8)
        self.update_file(image(4), serial="9", name="newer.update")
        self.assertIn("slot b runs, and is not accepted yet", self.update(KERNEL, "--trust", "trust", "newer.update").err)
        self.assertEqual(self.disk(), disk)
        self.assertEqual(self.update(YES, "--accept").out, "slot b is accepted: good from now on\n")
        found = self.status()
        self.assertEqual((found["good"], found["trial"], found["accepted"]), ("b", None, True))
        written = self.partition("env").stat().st_mtime_ns
        self.assertEqual(self.update(YES, "--accept").out, "slot b is good already\n")
        self.assertEqual(self.partition("env").stat().st_mtime_ns, written)
        self.update(YES, "--trust", "trust", "newer.update")
        self.assertEqual(self.disk()["a"][:70000], image(4))

    def test_standard_input(self):
        octets = self.update_file()
        done = subprocess.run([str(PROGRAM), "update", "--box", "box", "--trust", "trust", "-"], cwd=self.folder,
                              input=octets, capture_output=True)
        self.assertEqual(done.returncode, YES, done.stderr)
        self.assertEqual(self.disk()["b"][:len(self.new)], self.new)

    def test_the_same_image_again(self):
        self.update_file(self.old, serial="7")
        self.assertIn("it is the image that runs here", self.update(YES, "--trust", "trust", "new.update").out)
        self.assertEqual(self.disk()["b"][:len(self.old)], self.old)

    def test_pinned_key(self):
        self.box.add("maker.oem", self.bare)
        self.update_file(signer=self.bare)
        self.assertIn("maker.oem vouches", self.update(YES, "--trust", "trust", "new.update").out)

    def test_signed_by_leadglass(self):
        (self.folder / "key").write_bytes(self.maker.path.read_bytes())
        (self.folder / "key").chmod(0o600)
        (self.folder / "crt").write_bytes(self.maker.pem())
        self.write("manifest", self.manifest())
        result = self.expect(YES, "sign", "--key", "key", "--certificate", "crt", "--output", "signed", "manifest")
        self.assertIn("signed: board qemu-arm64, serial 8, version 1.3\n", result.err)
        (self.folder / "new.update").write_bytes(file((self.folder / "signed").read_bytes(), self.new))
        self.update(YES, "--trust", "trust", "new.update")
        self.write("manifest", self.manifest(serial="none"))
        result = self.expect(POLICY, "sign", "--key", "key", "manifest")
        self.assertIn("manifest:3:9: error: 'none' is not a serial number", result.err)


class Refused(Update):
    def test_wrong_key(self):
        self.update_file(signer=self.pki.signer("x", self.pki.root("somebody")))
        self.refused(POLICY, "no trust anchor vouches for new.update", "somebody")
        self.update_file(signer=self.bare)
        self.refused(POLICY, "new.update holds no certificate of its signer")

    def test_not_signed(self):
        (self.folder / "new.update").write_bytes(file(self.manifest().encode(), self.new))
        self.refused(POLICY, "new.update is not signed", "this box takes only updates that a trust anchor in trust vouches for")

    def test_hospitals_anchor(self):
        self.box.add("clinic.site", self.bare)
        self.update_file(signer=self.bare)
        self.refused(POLICY, "the trust anchor clinic.site does not vouch for updates")

    def test_no_anchor(self):
        self.update_file()
        (self.folder / "empty").mkdir()
        result = self.update(POLICY, "--trust", "empty", "new.update")
        self.assertIn("nobody's updates are taken: there is no trust anchor in empty", result.err)

    def test_expired(self):
        self.update_file(signer=self.pki.signer("old desk", self.root, start=-20, end=-10))
        self.refused(POLICY, "the signer's certificate was valid until", "have the manufacturer sign the update anew", dry=False)

    def test_changed_manifest(self):
        octets = self.update_file()
        (self.folder / "new.update").write_bytes(octets.replace(b"serial 8", b"serial 9"))
        self.refused(POLICY, "the signature in new.update is wrong", "the update was changed after it was signed")

    def test_changed_image(self):
        octets = bytearray(self.update_file())
        octets[-1000] ^= 1
        (self.folder / "new.update").write_bytes(octets)
        self.refused(POLICY, "new.update holds another image than its manifest names (SHA-256)")

    def test_truncated(self):
        octets = self.update_file()
        for size in (len(octets) - 1, len(octets) - len(self.new), len(octets) - len(self.new) + 1):
            (self.folder / "new.update").write_bytes(octets[:size])
            self.refused(POLICY, f"new.update was cut off: there are {size - len(octets) + len(self.new)} octets of its image of 70000")
        (self.folder / "new.update").write_bytes(octets[:200])
        self.refused(POLICY, "new.update ends within its manifest")

    def test_longer(self):
        (self.folder / "new.update").write_bytes(self.update_file() + b"\0")
        self.refused(POLICY, "new.update is longer than its manifest says")

    def test_no_update(self):
        signed = self.maker.sign(self.manifest())
        for octets in (b"", b"\n", b"leadglass update", self.new, signed, b"leadglass update, manifest of  octets\n",
                       file(signed, self.new).replace(b"leadglass", b"leadglaSS", 1),
                       file(signed, self.new).replace(b" octets", b" octet", 1),
                       b"leadglass update, manifest of 1x octets\n", b"leadglass update, manifest of -1 octets\n"):
            (self.folder / "new.update").write_bytes(octets)
            if octets == b"leadglass update, manifest of  octets\n":
                self.refused(POLICY)
            else:
                self.refused(POLICY, "new.update is no update file")
        for number in (b"131073", b"99999999999999999999999"):
            (self.folder / "new.update").write_bytes(b"leadglass update, manifest of " + number + b" octets\n")
            self.refused(POLICY, "announces a manifest of more than 128 KiB" if number == b"131073" else "new.update")
        self.refused(POLICY, "cannot read missing.update", name="missing.update")

    def test_wrong_board(self):
        self.update_file(board="nanopi-r5s")
        self.refused(POLICY, "new.update:3:8: error: this update is for the board nanopi-r5s, and this box is qemu-arm64")

    def test_older(self):
        self.update_file(serial="6")
        self.refused(POLICY, "new.update:4:9: error: serial 6 is lower than 7, which runs here")

    def test_equal_serial(self):
        self.update_file(serial="7")
        self.refused(POLICY, "serial 7 runs here, and is another image")

    def test_all_that_is_wrong(self):
        self.update_file(serial="6", board="x")
        self.refused(POLICY, "serial 6 is lower", "board x")

    def test_too_large(self):
        self.update_file(image(5, SLOT + 1))
        self.refused(POLICY, "the image has 102401 octets, and slot b has room for 102400", dry=False)

    def test_manifest(self):
        for text, says in (
                ("serial", ":4:2: error: 'serial' needs something after it"),
                ("serial 0", ":4:9: error: '0' is not a serial number"),
                ("serial 8 9", "a word too many after 'serial'"),
                ("sreial 8", "did you mean 'serial'?"),
                ("serial 8\n\tserial 8", "'serial' is given twice"),
                ("image-size 5G\n\tserial 8", "'5G' is not the size of an image"),
                ("serial 18446744073709551616", "is not a serial number")):
            (self.folder / "new.update").write_bytes(
                file(self.maker.sign(self.manifest(serial="8").replace("serial 8", text)), self.new))
            self.refused(POLICY, "new.update", says)
        for name in ("board", "serial", "version", "image-size", "image-sha256"):
            self.update_file(**{name.replace("-", "_"): None})
            self.refused(POLICY, f"new.update:2:1: error: the update block has no {name}")
        for name, value, says in (("board", "a/b", "cannot be the name of a board"), ("version", "v" * 64, "a version of 64 octets"),
                                  ("image_sha256", "0" * 63, "is not a SHA-256"), ("image_sha256", "A" * 64, "is not a SHA-256"),
                                  ("image_size", "0", "is not the size of an image")):
            self.update_file(**{name: value})
            self.refused(POLICY, says)
        for text in ("", "role host\n", "update\n", "update { board x\n", "update { role host }\n", "}\n"):
            (self.folder / "new.update").write_bytes(file(self.maker.sign(text), self.new))
            self.refused(POLICY, "error: " if text else "the manifest has no update block")

    def test_usage(self):
        for words, says in (([], "which update file?"), (["--status", "--accept"], "one thing at a time"),
                            (["--status", "x"], "one thing at a time"), (["--json", "x"], "--json goes with --status"),
                            (["--accept", "--dry-run"], "go with an update file")):
            self.assertIn(says, self.update(USAGE, *words).err)


class Box(Update):
    def test_damaged_environment(self):
        """The boot loader takes slot a then; accepting writes it anew."""
        for octets in (b"", bytes(4096), b"\xff" * 4096, b"grubenv" + bytes(2000)):
            self.put("env", octets)
            found = self.status()
            self.assertEqual((found["environment"], found["good"], found["accepted"]), (False, "a", False))
            self.assertIn("environment", self.update(YES, "--status").out)
            self.update(YES, "--accept")
            found = self.status()
            self.assertEqual((found["environment"], found["good"], found["accepted"]), (True, "a", True))
            expected = subprocess.run([TREE / "firmware/boot/environment", "7"], capture_output=True, check=True).stdout
            self.assertEqual(self.partition("env").read_bytes()[:1536], expected)

    def test_update_with_a_damaged_environment(self):
        self.put("env", b"")
        self.update_file()
        self.update(YES, "--trust", "trust", "new.update")
        found = self.status()
        self.assertEqual((found["environment"], found["good"], found["trial"], found["tries"]), (True, "a", "b", 3))

    def test_given_up(self):
        self.update_file()
        self.update(YES, "--trust", "trust", "new.update")
        path = self.partition("env")
        path.write_bytes(path.read_bytes().replace(b"tries=3", b"tries=0"))
        self.assertIn("given up: its wall was not verified in 3 starts", self.update(YES, "--status").out)
        self.assertEqual(self.update(YES, "--accept").out, "slot a is good already\n")
        self.assertEqual(self.status()["trial"], "b")
        disk = self.disk()
        self.assertEqual((disk["b"][:SECTOR], disk["b"][SECTOR:len(self.new)]), (bytes(SECTOR), self.new[SECTOR:]))
        self.assertEqual(Boot({**disk, "env": b""}, [self.old, self.new]).starts("b"), None)
        self.update(YES, "--trust", "trust", "new.update")  # which does not keep a further one from it
        self.assertEqual(self.disk()["b"][:len(self.new)], self.new)

    def test_counted_starts(self):
        """GRUB counts the good slot's starts down; a verified wall sets them back."""
        path = self.partition("env")
        for left in (b"2", b"0"):
            path.write_bytes(path.read_bytes().replace(b"starts=3", b"starts=" + left))
            self.assertEqual(self.update(YES, "--accept").out, "slot a is good already\n")
            self.assertIn(b"\nstarts=3\n", path.read_bytes())

    def test_fallback(self):
        """The slot that runs for want of the good one is not accepted, and nothing is written over the good one."""
        self.update_file(serial="9")
        self.start("b", 8)
        line = self.folder / "box/proc/cmdline"
        line.write_text("root=PARTLABEL=leadglass-b ro quiet leadglass.fallback=1\n")
        before = self.disk()
        self.assertEqual(self.update(YES, "--accept").out, "slot b is for this time only\n")
        self.assertEqual(self.disk(), before)
        found = self.status()
        self.assertEqual((found["running"], found["fallback"], found["good"], found["accepted"]), ("b", True, "a", False))
        self.assertIn("slot a showed no verified wall in 3 starts, and is tried again by the next",
                      " ".join(self.update(YES, "--status").out.split()))

        # What is mended is the good slot, and never with what is older than it was.
        environment = subprocess.run([TREE / "firmware/boot/environment", "10"], capture_output=True, check=True).stdout
        self.put("env", environment)
        before = self.disk()
        self.assertIn("serial 9 is lower than 10, which slot a has", self.update(POLICY, "--trust", "trust", "new.update").err)
        self.assertEqual(self.disk(), before)
        self.update_file(serial="10")
        self.assertIn("written to slot a and read back", self.update(YES, "--trust", "trust", "new.update").out)
        found = self.status()
        self.assertEqual((found["good"], found["trial"], found["tries"]), ("b", "a", 3))

    def test_reset(self):
        self.assertIn("the next start empties the data partition", self.update(YES, "--reset").out)
        self.assertIn(b"\nreset=1\n", self.partition("env").read_bytes())
        self.assertTrue(self.status()["reset"])
        self.update(YES, "--reset-done")
        self.assertFalse(self.status()["reset"])

    def test_missing_parts(self):
        self.update_file()
        root = self.folder / "box"
        uevent = root / "sys/class/block/vda4/uevent"
        text = uevent.read_text()
        uevent.write_text("DEVNAME=vda4\n")
        self.assertIn("this box has no partition leadglass-b", self.update(KERNEL, "--trust", "trust", "new.update").err)
        uevent.write_text(text)
        (root / "sys/class/block/sda4").mkdir()
        (root / "sys/class/block/sda4/uevent").write_text("DEVNAME=sda4\nPARTNAME=leadglass-b\n")
        self.assertIn("there are two partitions leadglass-b", self.update(KERNEL, "--trust", "trust", "new.update").err)
        (root / "sys/class/block/sda4/uevent").write_text("DEVNAME=sda4\n")
        (root / "etc/leadglass-release").write_text("board=qemu-arm64\nserial=x\n")
        self.assertIn("does not say what image this is", self.update(KERNEL, "--accept").err)

    def test_at_work(self):
        """Somebody else's lock on the environment."""
        self.update_file()
        with open(self.partition("env"), "rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            self.assertIn("another leadglass update is at work", self.update(KERNEL, "--trust", "trust", "new.update").err)
            self.update(YES, "--status")


def sectors(write):
    """A write to a device, as the sectors that come onto the disk one by one, in any order."""
    at, octets = write
    cut = -at % SECTOR
    parts = [(at, octets[:cut])] if cut else []
    return parts + [(at + i, octets[i:i + SECTOR]) for i in range(cut, len(octets), SECTOR)]


def apply(octets, writes):
    octets = bytearray(octets)
    for at, part in writes:
        octets[at:at + len(part)] = part
    return bytes(octets)


class PowerCut(Update):
    """Every state of the disk that a power cut can leave boots a whole image, whatever the boot loader turns to."""

    def journal(self, *words, **environment):
        """Runs an update under the journal: its result and what it did, [(partition, (offset, octets))], None for a
        write where it had the partition synced."""
        path = self.folder / "journal"
        path.unlink(missing_ok=True)
        before = ["env", f"LD_PRELOAD={JOURNAL}", f"JOURNAL={path}", *(f"{name}={value}" for name, value in environment.items())]
        result = self.run_words([*before, str(PROGRAM), "update", "--box", "box", *words])
        names = {str(self.partition(name).resolve()): name for name in ("env", "a", "b")}
        octets, deeds = path.read_bytes() if path.exists() else b"", []
        while octets:
            line, octets = octets.split(b"\n", 1)
            kind, file, *numbers = line.decode().split(" ")
            size = int(numbers[1]) if kind == "W" else 0
            deeds.append((names[file], (int(numbers[0]), octets[:size]) if kind == "W" else None))
            octets = octets[size:]
        return result, deeds

    def states(self, disk, deeds, synced=True):
        """The disks that may be found after a cut at any moment: what was synced, and any of what was not."""
        rng = random.Random(5)
        waiting = {name: [] for name in disk}
        yield dict(disk)
        for name, write in deeds:
            if write is None:
                if synced:
                    disk = {**disk, name: apply(disk[name], waiting[name])}
                    waiting[name] = []
                continue
            waiting[name] += sectors(write)
            parts = [(name, part) for name in waiting for part in waiting[name]]
            for share in (0, 1, 0.02, 0.1, 0.5, 0.9, 0.98, 0.5, 0.5):
                chosen = [part for part in parts if rng.random() < share or share == 1]
                yield {name: apply(disk[name], [part for owner, part in chosen if owner == name]) for name in disk}
            yield {name: apply(disk[name], [part for part in waiting[name] if part[0] == 0]) for name in disk}
        yield {name: apply(disk[name], waiting[name]) for name in disk}

    def bad(self, disk, deeds, **more):
        """How many of these states do not boot, and how many there are."""
        wholes = [self.old, self.new, image(3)]
        good = [Boot(state, wholes).boots_whole_slots() for state in self.states(disk, deeds, **more)]
        return good.count(False), len(good)

    def test_every_write(self):
        for environment in (None, b""):
            self.make_box()
            if environment is not None:
                self.put("env", environment)
            disk = self.disk()
            self.update_file()
            result, deeds = self.journal("--trust", "trust", "new.update")
            self.assertEqual(result.code, YES, result)
            self.assertEqual([name for name, write in deeds if write is None], ["env", "b", "b", "b", "env"])
            wrong, count = self.bad(disk, deeds)
            self.assertEqual(wrong, 0)
            self.assertGreater(count, 50)
            # The same without a single fsync, to see that this test can fail
            self.assertGreater(self.bad(disk, deeds, synced=False)[0], 0)

    def test_over_a_trial(self):
        """Another update while the first is on trial, and none of its tries was taken."""
        self.update_file()
        self.update(YES, "--trust", "trust", "new.update")
        self.assertEqual(Boot(self.disk(), [self.new]).choose(), ["b", "b", "b", "a"])
        disk, self.new = self.disk(), image(6)
        type(self).addClassCleanup(setattr, type(self), "new", image(2))
        first = image(2)
        self.update_file(serial="9")
        result, deeds = self.journal("--trust", "trust", "new.update")
        self.assertEqual(result.code, YES, result)
        good = [Boot(state, [self.old, first, self.new]).boots_whole_slots() for state in self.states(disk, deeds)]
        self.assertEqual(good.count(False), 0)

    def test_accept(self):
        self.update_file()
        self.update(YES, "--trust", "trust", "new.update")
        (self.folder / "box/proc/cmdline").write_text("root=PARTLABEL=leadglass-b\n")
        (self.folder / "box/etc/leadglass-release").write_text("board=qemu-arm64\nserial=8\n")
        disk = self.disk()
        result, deeds = self.journal("--accept")
        self.assertEqual(result.code, YES, result)
        self.assertEqual(self.bad(disk, deeds)[0], 0)
        self.assertEqual(Boot(self.disk(), [self.new]).choose(), ["b"])

    def test_every_failure(self):
        """A write or sync that fails, and a program that is killed: the box boots, and nobody said that it was done."""
        self.update_file()
        disk = self.disk()
        _, deeds = self.journal("--trust", "trust", "new.update")
        self.assertGreater(len(deeds), 9)
        for how in ("FAIL_OP", "KILL_OP"):
            for number in range(1, len(deeds) + 1):
                self.make_box()
                result, made = self.journal("--trust", "trust", "new.update", **{how: number})
                self.assertEqual(len(made), number - 1)
                self.assertEqual(result.code, KERNEL if how == "FAIL_OP" else -9, (how, number, result))
                self.assertEqual(result.out, "")
                self.assertIn("cannot write" if how == "FAIL_OP" else "", result.err)
                self.assertTrue(Boot(self.disk(), [self.old, self.new, image(3)]).boots_whole_slots(), (how, number))
                self.assertEqual(self.bad(disk, made)[0], 0)


if __name__ == "__main__":
    main()
