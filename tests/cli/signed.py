# SPDX-License-Identifier: GPL-2.0-or-later
"""What load and apply take where there are trust anchors, and what they remember; each test in a namespace of its own.

Signed by openssl. sign.py and verify_signature.py have the commands that make and look at signatures; tests/net what the agent does.
"""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

from command import HOST, KERNEL, NO, POLICY, PROGRAM, YES, namespaced
from pki import Signed, signed_main
from signing import DAY, Trust, block

LEADGLASSD = pathlib.Path(sys.argv[3]).resolve() if len(sys.argv) > 3 else None
NOTHING = "nothing was changed: what stood before still stands\n"


class SignedCase(Signed):
    def setUp(self):
        super().setUp()
        self.box.identify()
        self.box.add("st-anna", self.root)
        self.words = ["--trust", "trust", "--state", "state"]
        self.accepted = self.folder / "state/accepted"

    def make(self, name, text, key=None):
        (self.folder / name).write_bytes((key or self.desk).sign(text))
        return name

    def version(self, serial, text=HOST, *more, key=None, **identity):
        """policy.SERIAL, signed."""
        return self.make(f"policy.{serial}", block(serial, *more, **identity) + text, key)


@namespaced
class Load(SignedCase):
    def load(self, code, name, *words, **more):
        result = self.expect(code, "load", *self.words, *words, name, **more)
        if code == POLICY:
            self.assertTrue(result.err.endswith(NOTHING), result)
        return result

    def ruleset(self):
        return self.run_words(["nft", "list", "ruleset"]).out

    def test_takes_what_is_signed(self):
        self.assertRegex(self.load(YES, self.version(7)).out, r"^wall up: .*; created; verified\n$")
        self.assertIn("serial 7", self.accepted.read_text())
        self.assertEqual(self.accepted.stat().st_mode & 0o777, 0o600)
        self.assertIn("unchanged; verified", self.load(YES, "policy.7").out)
        self.assertIn("verified", self.load(YES, self.version(8, unit="*")).out)
        self.assertIn("serial 8", self.accepted.read_text())
        self.expect(YES, "verify", "policy.8")

    def test_from_elsewhere(self):
        text = (self.folder / self.version(7)).read_text()
        self.assertIn("verified", self.load(YES, "-", stdin=text).out)
        self.assertIn("is not signed", self.load(POLICY, "-", stdin=HOST).err)

    def test_refuses_what_is_not(self):
        self.load(YES, self.version(7))
        before = self.ruleset(), self.accepted.read_bytes()
        stranger = self.pki.signer("policy desk", self.pki.root("St. Anna root"))
        good = (self.folder / self.version(8)).read_bytes()
        for name, octets, said in (("unsigned", HOST.encode(), "unsigned is not signed"),
                                   ("unsigned.8", (block(8) + HOST).encode(), "is not signed"),
                                   ("stranger", stranger.sign(block(8) + HOST), "was not\\s+signed with its key"),
                                   ("tampered", good.replace(b"10.20.0.5", b"10.20.0.6"), "signature in tampered is wrong"),
                                   ("cut", good[:-40], "cut"), ("more", good + b"x\n", "more"), ("empty", b"", "is not signed"),
                                   # What a parser would choke on is never shown to it.
                                   ("junk", b"\xff\x00{{{\n" + good, "junk")):
            (self.folder / name).write_bytes(octets)
            result = self.load(POLICY, name)
            self.assertRegex(result.err, said)
            self.assertNotRegex(result.err, rf"(?m)^{name}:\d+:\d+: ", "nothing was parsed")
            self.assertNotIn("leadglass verify-signature", result.err, "it knows no more")
        self.assertIn("cannot read 'nowhere'", self.load(POLICY, "nowhere").err)
        self.assertEqual((self.ruleset(), self.accepted.read_bytes()), before)

    def test_serials(self):
        self.load(YES, self.version(7))
        self.load(YES, self.version(9))
        self.assertRegex(self.load(POLICY, "policy.7").err, r"policy\.7:1:\d+: error: serial 7 is lower than 9, which this box "
                         r"accepted last.*\n.*policy \{.*\n +\^")
        self.load(YES, "policy.9")
        self.version(9, HOST.replace("10.20.0.9", "10.20.0.10"))
        self.assertIn("serial 9 is that of the policy this box accepted last, which has other content",
                      self.load(POLICY, "policy.9").err)
        # another state folder is another box
        self.words[-1] = "elsewhere"
        self.load(YES, "policy.7")

    def test_identity_and_dates(self):
        for name, text, said in (("site", block(7, site="st-maria"), "for the site 'st-maria', and this box is at 'st-anna'"),
                                 ("unit", block(7, unit="mr-1"), "for the unit 'mr-1', and this box is 'ct-room-3'"),
                                 ("late", block(7, "not-after 2020-01-01"), ""), ("early", block(7, "not-before 2099-01-01"), ""),
                                 ("none", "", "has no block 'policy'")):
            result = self.load(POLICY, self.make(name, text + HOST))
            self.assertRegex(result.err, rf"{name}:\d+:\d+: error: ")
            self.assertIn(said, result.err)
        now = time.time()
        self.version(8, key=self.pki.signer("old desk", self.root, start=now - 9 * DAY, end=now - DAY))
        self.assertRegex(self.load(POLICY, "policy.8").err, "certificate")
        (self.folder / "trust/identity").unlink()
        self.assertIn("has not been told", self.load(POLICY, self.version(9)).err)
        self.assertNotIn("leadglass", self.ruleset())
        self.assertFalse(self.accepted.exists())

    def test_a_clock_that_cannot_be_believed(self):
        """It stands before the day leadglass was built: what begins later is taken, what had ended by then is not."""
        if not shutil.which("faketime"):
            self.skipTest("needs faketime")
        yesterday, before = (time.strftime("%Y-%m-%d", time.gmtime(time.time() - days * DAY)) for days in (1, 30))
        # a sanitised command wants to be the first library of all, and is told that it need not
        long_ago = ["env", "ASAN_OPTIONS=verify_asan_link_order=0", "faketime", "2001-01-01 00:00:00"]
        self.load(POLICY, self.version(7, HOST, "not-after 2020-01-01"), before=long_ago)
        self.load(YES, self.version(8, HOST, f"not-before {yesterday}"), before=long_ago)
        # what was accepted is from then on the earliest that it can be
        self.load(POLICY, self.version(9, HOST, f"not-after {before}"), before=long_ago)
        self.load(POLICY, self.version(9, HOST, "not-before 2099-01-01"))
        self.load(YES, self.version(9, HOST))

    def test_an_invalid_policy(self):
        self.assertRegex(self.load(POLICY, self.make("x", block(7) + "role hots\n")).err, r"x:2:6: error: ")
        self.write("more.conf", "manage { from 10.0.0.0/8 }\n")
        self.assertRegex(self.load(POLICY, self.make("x", block(7) + HOST + "include more.conf\n")).err, r"x:\d+:\d+: error: ")
        self.assertFalse(self.accepted.exists())

    def test_scopes(self):
        """The manufacturer's first, which sets the frame; then the hospital's within it."""
        (self.folder / "trust/st-anna.pem").unlink()
        self.box.add("st-anna.site", self.root)
        self.box.add("maker.oem", self.bare)
        self.assertIn("manufacturer", self.load(POLICY, self.version(7)).err)
        self.load(POLICY, self.version(7, key=self.bare))
        self.assertFalse(self.accepted.exists())
        self.load(YES, self.version(7, "role host\n", key=self.bare))
        self.load(YES, self.version(8))
        self.assertRegex(self.load(POLICY, self.version(9, HOST.replace("role host", "role router").replace(
            "port 11112 }", "port 11112; address 10.20.1.10 }", 1))).err, r"policy\.9:2:\d+: error: ")
        self.load(POLICY, self.version(9, HOST + "service ping { from 10.20.9.0/24 }\n", key=self.bare))
        self.load(YES, self.version(9, HOST + "service ping { from 10.20.9.0/24 }\n"))

    def test_folders_that_cannot_be_believed(self):
        self.version(7)
        self.box.write("notes.txt", "x")
        result = self.load(POLICY, "policy.7")
        self.assertIn("notes.txt", result.err)
        self.assertIn("without knowing whom to trust no policy is taken", result.err)
        self.load(POLICY, "policy.conf")
        (self.folder / "trust/notes.txt").unlink()
        (self.folder / "trust").chmod(0o777)
        self.assertIn("can be written by others", self.load(POLICY, "policy.7").err)
        (self.folder / "trust").chmod(0o755)
        (self.folder / "state").mkdir(mode=0o777)
        (self.folder / "state").chmod(0o777)
        self.assertIn("can be written by others", self.expect(KERNEL, "load", *self.words, "policy.7").err)
        (self.folder / "state").chmod(0o700)
        self.load(YES, "policy.7")
        damaged = self.accepted.read_bytes().replace(b"serial 7", b"serial 1")
        self.accepted.write_bytes(damaged)
        result = self.load(POLICY, "policy.7")
        self.assertIn("is damaged", result.err)
        self.assertIn("without state/accepted any serial is taken, once", result.err)
        self.accepted.unlink()
        self.load(YES, "policy.7")

    def test_somebody_elses_state(self):
        """The folder of an agent that has a user of its own: the file is that user's, the kernel root's."""
        (self.folder / "state").mkdir(mode=0o700)
        os.chown(self.folder / "state", 65534, 65534)
        self.load(YES, self.version(7))
        status = self.accepted.stat()
        self.assertEqual((status.st_uid, status.st_gid), (65534, 65534))
        self.assertRegex(self.load(YES, self.version(8), "--verbose").out, "unchanged|elements")
        self.load(POLICY, "policy.7")

    def test_two_at_once(self):
        self.version(7)
        (self.folder / "state").mkdir(mode=0o700)
        with open(self.folder / "lock", "w") as lock:
            holder = subprocess.Popen(["flock", self.folder / "state", "sh", "-c", "echo held; cat"], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=lock, text=True)
            self.assertEqual(holder.stdout.readline(), "held\n")
            result = self.expect(KERNEL, "load", *self.words, "policy.7")
            holder.stdin.close()
            holder.wait(10)
            holder.stdout.close()
        self.assertIn("another process uses state", result.err)
        self.assertTrue(result.err.endswith(NOTHING), result)
        self.load(YES, "policy.7")

    def test_what_was_not_written_down(self):
        """The wall is up; that its serial could not be kept is said, and is no success."""
        self.version(7)
        (self.folder / "state").mkdir(mode=0o700)
        done = self.run_words(["bash", "-c", f"ulimit -f 0; trap '' XFSZ; {PROGRAM} load {' '.join(self.words)} policy.7 | cat; "
                               "exit ${PIPESTATUS[0]}"])
        self.assertEqual((done.code, done.out), (KERNEL, ""), done)
        self.assertIn("the wall is up, but this policy's serial was not written down", done.err)
        self.expect(YES, "verify", "policy.7")
        self.assertEqual(list((self.folder / "state").iterdir()), [])

    def test_a_refused_load_accepts_nothing(self):
        nobody = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"]
        self.expect(KERNEL, "load", *self.words, self.version(9), before=nobody)
        self.assertFalse(self.accepted.exists())
        self.load(YES, self.version(7))

    def test_without_anchors_as_before(self):
        (self.folder / "trust/st-anna.pem").unlink()
        self.load(YES, "policy.conf")
        self.load(YES, self.version(7))
        self.load(YES, self.version(5))
        self.load(YES, "policy.conf")
        self.assertFalse((self.folder / "state").exists())

    def test_json(self):
        self.assertTrue(json.loads(self.load(YES, self.version(7), "--json").out)["verified"])


@namespaced
class Kept(SignedCase):
    """A policy that an agent keeps: what is loaded must not make its next start close the wall."""

    def test_what_the_agent_keeps(self):
        self.expect(YES, "apply", "--offline", *self.words, self.version(7))
        before = self.accepted.read_bytes()
        self.expect(YES, "load", *self.words, "policy.7")
        done = self.expect(NO, "load", *self.words, self.version(8, HOST + "# 8\n"))
        self.assertIn("keeps policy 1 and refuses it once another one was taken here: its next start closes the wall", done.err)
        self.assertIn("leadglass apply --offline has it start with this one", done.err)
        self.assertTrue(done.err.endswith(NOTHING), done)
        self.assertEqual(self.accepted.read_bytes(), before)
        self.expect(YES, "verify", "policy.7")
        self.assertIn("its next start closes the wall", self.expect(YES, "load", *self.words, "--yes", "policy.8").err)
        self.assertIn("serial 8", self.accepted.read_text())
        self.expect(YES, "load", *self.words, "policy.8")
        self.expect(YES, "apply", "--offline", *self.words, self.version(9))


class Offline(SignedCase):
    def apply(self, code, name, *words, **more):
        return self.expect(code, "apply", "--offline", *self.words, *words, name, **more)

    def text(self, name):
        whole = (self.folder / "state" / name).read_bytes()
        body, last = whole[:-72], whole[-72:]
        self.assertEqual(last, b"sha256 " + hashlib.sha256(body).hexdigest().encode() + b"\n")
        return body.partition(b"\n")[2].decode()

    def test_life(self):
        self.assertIn("policy 1 is kept in state", self.apply(YES, self.version(7)).out)
        self.assertEqual(self.text("policy.1"), f"leadglass-bundle 1\nfile {(self.folder / 'policy.7').stat().st_size} policy.7\n"
                         f"{(self.folder / 'policy.7').read_text()}\nend\n")
        self.assertIn("serial 7\n", self.text("record"))
        accepted = self.text("accepted")
        self.assertIn("serial 7\n", accepted)
        self.assertIn(hashlib.sha256((block(7) + HOST).encode()).hexdigest(), accepted)
        self.apply(YES, self.version(8))
        before = {path.name: path.read_bytes() for path in (self.folder / "state").iterdir()}
        for name, said in (("policy.7", "serial 7 is lower than 8"), ("policy.conf", "is not signed")):
            self.assertIn(said, self.apply(POLICY, name).err)
        self.version(8, HOST.replace("10.20.0.9", "10.20.0.10"))
        self.assertIn("other content", self.apply(POLICY, "policy.8").err)
        self.assertEqual({path.name: path.read_bytes() for path in (self.folder / "state").iterdir()}, before)

    def test_other_owner(self):
        if os.geteuid() != 0:
            self.skipTest("needs root")
        (self.folder / "state").mkdir(mode=0o700)
        os.chown(self.folder / "state", 65534, 65534)
        self.version(7)
        (self.folder / "policy.7").chmod(0o600)  # which that user could not read
        self.apply(YES, "policy.7")
        for path in (self.folder / "state").iterdir():
            self.assertEqual((path.stat().st_uid, path.stat().st_gid), (65534, 65534), path)

    def test_an_agent_that_runs(self):
        self.version(7)
        (self.folder / "state").mkdir(mode=0o700)
        holder = subprocess.Popen(["flock", self.folder / "state", "sh", "-c", "echo held; cat"], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        self.assertEqual(holder.stdout.readline(), "held\n")
        result = self.apply(KERNEL, "policy.7")
        holder.stdin.close()
        holder.wait(10)
        holder.stdout.close()
        self.assertIn("leadglassd runs already", result.err)
        self.assertIn("leadglass apply", result.err)


@namespaced
class Apply(SignedCase):
    """Beside a real agent, which has the same folder."""

    def setUp(self):
        super().setUp()
        for name in ("run", "state"):
            (self.folder / name).mkdir(mode=0o700)
        self.words = ["--trust", "trust", "--run", "run"]

    def start(self):
        with open(self.folder / "log", "a") as log:
            agent = subprocess.Popen(["ip", "netns", "exec", self.namespace, LEADGLASSD, "--run", self.folder / "run",
                                      "--state", self.folder / "state", "--trust", self.folder / "trust"],
                                     stdin=subprocess.DEVNULL, stderr=log, stdout=log)
        self.addCleanup(agent.wait, 20)
        self.addCleanup(agent.terminate)
        deadline = time.monotonic() + 20
        while self.leadglass("status", "--run", "run").code == KERNEL:
            self.assertTrue(agent.poll() is None and time.monotonic() < deadline, (self.folder / "log").read_text())
            time.sleep(0.02)

    def apply(self, code, name, *words, **more):
        return self.expect(code, "apply", *self.words, *words, name, **more)

    def status(self):
        return json.loads(self.leadglass("status", "--run", "run", "--json").out)["policy"]

    def test_life(self):
        self.start()
        result = self.apply(POLICY, "policy.conf")
        self.assertIn("policy.conf is not signed", result.err)
        self.assertTrue(result.err.endswith(NOTHING), result)
        self.assertNotIn("flows:", result.err)
        self.assertRegex(self.apply(YES, self.version(7)).out, "^policy 1 stands: ")
        status = self.status()
        self.assertEqual((status["trust"], status["anchor"], status["serial"]), ("signed", "st-anna", 7))
        self.assertIn("CN=policy desk", status["signer"])
        self.assertRegex(self.leadglass("status", "--run", "run").out, r"\nsigned       by .*CN=policy desk; st-anna vouches\s+for\s+it")
        self.apply(YES, self.version(9))
        # the agent knows the serial, and says so itself
        result = self.apply(POLICY, "policy.7")
        self.assertRegex(result.err, r"policy\.7:1:\d+: error: serial 7 is lower than 9")
        self.assertTrue(result.err.endswith(NOTHING), result)
        self.assertEqual(self.status()["serial"], 9)
        # a dry run asks it
        result = self.apply(POLICY, "policy.7", "--dry-run")
        self.assertRegex(result.err, r"policy\.7:1:\d+: error: serial 7 is lower than 9")
        self.assertEqual(self.apply(POLICY, "policy.7", "--dry-run", "--json").out, "")
        self.assertIn("flows:", self.apply(YES, self.version(10), "--dry-run").out)
        self.assertIsNone(json.loads(self.apply(YES, "policy.10", "--dry-run", "--json").out)["confirm_seconds"])
        self.assertEqual(self.status()["serial"], 9)
        self.assertEqual((self.folder / "log").read_text().count("serial 7 is lower than 9"), 1, "a dry run is no event")
        # a kept policy is a bundle
        self.assertIn("serial 7 is lower than 9", self.apply(POLICY, "@1").err)
        self.assertRegex(self.apply(YES, "@2").out, "rules unchanged")
        self.assertRegex(self.expect(YES, "check", "--run", "run", "@running").out, "; signed, not verified here ")

    def test_the_command_judges_first(self):
        self.start()
        for name, text in (("site", block(7, site="st-maria")), ("late", block(7, "not-after 2020-01-01"))):
            result = self.apply(POLICY, self.make(name, text + HOST))
            self.assertRegex(result.err, rf"(?m)^{name}:1:\d+: error: ")
            self.assertTrue(result.err.endswith(NOTHING), result)
        self.apply(POLICY, "late", "--dry-run")
        self.assertIn("flows:", self.apply(YES, self.version(7), "--dry-run").out)

    def test_the_agent_judges_too(self):
        """What the command was told with --trust counts for the command."""
        self.start()
        other = Trust(self.folder / "other")
        words = ["--trust", "other", "--run", "run"]
        for name, said in (("policy.conf", "is not signed"),
                           (self.make("tampered", block(7) + HOST), "signature|wrong")):
            if name == "tampered":
                path = self.folder / name
                path.write_bytes(path.read_bytes().replace(b"10.20.0.5", b"10.20.0.6"))
            result = self.expect(POLICY, "apply", *words, name)
            self.assertRegex(result.err, said)
        self.assertEqual(list(other.path.iterdir()), [])

    def test_the_first_anchor(self):
        """With a policy that stands unsigned: said when the anchor is added, and by status."""
        (self.folder / "trust/st-anna.pem").unlink()
        self.start()
        self.apply(YES, "policy.conf")
        self.assertIn("\nunsigned     ", self.leadglass("status", "--run", "run").out)
        result = self.expect(YES, "trust", "add", *self.words, "root.crt")
        self.assertIn("warning: policy 1, which stands, was not signed by anybody this box trusts", result.err)
        self.assertIn("not signed", self.apply(POLICY, "policy.conf").err)
        deadline = time.monotonic() + 20
        while "\nNOT TRUSTED  policy 1 " not in (said := self.leadglass("status", "--run", "run").out):
            self.assertLess(time.monotonic(), deadline, said)
            time.sleep(0.2)
        self.assertRegex(said, r"(?m)^ALARM .*")
        self.assertLessEqual(max(map(len, said.splitlines())), 80, said)
        self.apply(YES, self.version(7))
        self.assertIn("\nsigned       by ", self.leadglass("status", "--run", "run").out)
        result = self.expect(YES, "trust", "remove", "--yes", *self.words, "root")
        self.assertIn("nobody asks for signatures, and unsigned policies are taken", result.err)
        said = " ".join(self.leadglass("status", "--run", "run").out.split())
        self.assertRegex(said, "no trust anchor in [^ ]*trust any more: unsigned policies are taken")
        self.assertRegex((self.folder / "log").read_text(), "1 trust anchor in .*trust: only signed policies are taken\n"
                         "(.*\n)*.*no trust anchor in .*trust any more: unsigned policies are taken")

    def test_rollback(self):
        self.start()
        self.apply(YES, self.version(7))
        self.apply(YES, self.version(8))
        for words in ([], ["--dry-run"]):
            result = self.expect(POLICY, "rollback", "--run", "run", *words, "1")
            self.assertIn("serial 7 is lower than 8", result.err)
            self.assertTrue(result.err.endswith(NOTHING), result)

    def test_a_dry_run_of_another_frame(self):
        (self.folder / "trust/st-anna.pem").unlink()
        self.box.add("st-anna.site", self.root)
        self.start()
        self.apply(YES, self.version(7))
        self.version(8, HOST.replace("role host", "role router").replace("port 11112 }", "port 11112; address 10.20.1.10 }", 1))
        result = self.apply(POLICY, "policy.8", "--dry-run")
        self.assertRegex(result.err, r"policy\.8:2:\d+: error: ")

    def test_what_is_wrong_with_what_stands(self):
        """Status says what the next start does; what is wrong the alarm says, in its own words."""
        self.start()
        self.apply(YES, self.version(7))
        self.box.identify(site="st-maria")
        said = " ".join(self.leadglass("status", "--run", "run").out.split())
        self.assertIn("NOT TRUSTED policy 1 stands, but the next start of leadglassd does not take it and closes the wall: see the "
                      "alarm", said)
        self.assertIn("this policy is for the site 'st-anna'", said)
        self.box.write("notes.txt", "x")
        said = " ".join(self.leadglass("status", "--run", "run").out.split())
        self.assertIn("NOT TRUSTED whom to trust cannot be told, and no policy is taken: see the alarm", said)
        self.assertIn("no policy is taken, and the next start closes the wall: ", said)
        (self.folder / "trust").rename(self.folder / "elsewhere")
        said = " ".join(self.leadglass("status", "--run", "run").out.split())
        self.assertIn("restart leadglassd, which then asks for no signatures", said)
        self.assertNotIn("closes the wall", said)


if __name__ == "__main__":
    if LEADGLASSD is None:
        sys.exit(77)
    signed_main()
