# SPDX-License-Identifier: GPL-2.0-or-later
"""verify-signature: yes, no and why, and what is no answer at all."""

import datetime
import hashlib
import json
import re
import shutil
import subprocess
import time

from command import HOST, NO, POLICY, PROGRAM, USAGE, YES
from pki import TEXT, Signed, signed_main
from signing import DAY, block, joined, openssl


class VerifySignature(Signed):
    def verify(self, code, name="signed", *words, **more):
        return self.expect(code, "verify-signature", "--trust", "trust", *words, name, **more)

    def trusting(self):
        self.box.add("st-anna", self.root)
        self.box.add("maker.oem", self.bare)

    def test_good(self):
        self.trusting()
        result = self.verify(YES)
        self.assertEqual(result.err, "")
        self.assertLessEqual(max(map(len, result.out.splitlines())), 80, result)
        self.assertRegex(result.out, r"^signed: good: signed by .*CN=policy desk.*, and\s+st-anna\s+vouches for\s+that\n"
                         r"site         st-anna\nunit         ct-room-3\nserial       7\n"
                         r"valid        from 2026-01-01T00:00:00Z until 2099-12-31T23:59:59Z\n"
                         r"signer       .*CN=policy desk.*\nanchor       st-anna, whose signers may change everything\n"
                         r"certificates from 20.*Z until 20.*Z\nalgorithm    ECDSA P-256 with SHA-256\n"
                         rf"key          {self.key_hash(self.desk)}\n"
                         rf"content      {hashlib.sha256(TEXT.encode()).hexdigest()}\n             {len(TEXT)} octets are signed\n"
                         r"not asked    which serial a box accepted last, and what the signer may change\s+there\n$")

    def test_json(self):
        self.trusting()
        answer = json.loads(self.verify(YES, "signed", "--json").out)
        self.assertEqual((answer["policy"], answer["good"], answer["signature"], answer["anchor"], answer["scope"]),
                         ("signed", True, True, "st-anna", "all"))
        self.assertIn("CN=policy desk", answer["signer"])
        self.assertEqual((answer["algorithm"], answer["key"]), ("ECDSA P-256 with SHA-256", self.key_hash(self.desk)))
        self.assertEqual((answer["content"], answer["octets"]), (hashlib.sha256(TEXT.encode()).hexdigest(), len(TEXT)))
        self.assertEqual((answer["site"], answer["unit"], answer["serial"]), ("st-anna", "ct-room-3", 7))
        self.assertEqual((answer["errors"], answer["warnings"], answer["problems"]), (0, 0, []))
        self.assertEqual(datetime.datetime.fromtimestamp(answer["not_after"], datetime.timezone.utc).isoformat(),
                         "2099-12-31T23:59:59+00:00")
        self.assertLess(answer["signer_from"], time.time())
        self.assertGreater(answer["signer_to"], time.time())

    def test_where_it_comes_from(self):
        self.trusting()
        text = (self.folder / "signed").read_text()
        self.assertRegex(self.verify(YES, "-", stdin=text).out, "^-: good: ")
        done = self.run_words(["bash", "-c", f"{PROGRAM} verify-signature --trust trust <(cat signed)"])
        self.assertEqual(done.code, YES, done)
        self.assertIn("cannot read 'nowhere'", self.verify(POLICY, "nowhere").err)
        self.assertTrue(self.verify(POLICY, ".").err)

    def test_anchor(self):
        for words in (["--anchor", "root.crt"], ["--anchor", str(self.root.crt)]):
            self.assertIn("good: ", self.expect(YES, "verify-signature", *words, "signed").out)
        self.write("pinned", self.bare.sign(TEXT))
        out = self.expect(YES, "verify-signature", "--anchor", "bare.pub", "pinned").out
        self.assertIn("\nanchor       bare.pub\n", out)
        self.assertNotIn("certificates", out)
        self.write("a name\tß.crt", self.root.pem())
        self.assertIn("and a?name???.crt", self.expect(YES, "verify-signature", "--anchor", "a name\tß.crt", "signed").out)
        self.assertIn("cannot be used", self.expect(POLICY, "verify-signature", "--anchor", "signed", "signed").err)
        self.assertIn("cannot read x", self.expect(POLICY, "verify-signature", "--anchor", "x", "signed").err)
        self.assertIn("one of them", self.expect(USAGE, "verify-signature", "--anchor", "root.crt", "--trust", "trust", "signed").err)

    def test_nobody_vouches(self):
        result = self.verify(NO)
        self.assertRegex(result.out, r"(?m)^error: ")
        self.assertRegex(result.out, r"signed: NOT TRUSTED: signed by .*CN=policy desk.*, by\s+its\s+own\s+account,\s+and\s+nobody\s+vouches")
        self.assertIn("\nserial       7\n", result.out)
        self.assertIn(self.key_hash(self.desk), result.out)
        self.assertNotIn("anchor  ", result.out)
        answer = json.loads(self.verify(NO, "signed", "--json").out)
        self.assertEqual((answer["good"], answer["signature"], answer["anchor"], answer["scope"], answer["signer_to"],
                          answer["serial"], answer["errors"]), (False, True, None, None, None, 7, 1))
        self.box.add("other", self.pki.root("another"))
        self.verify(NO)

    def test_tampered(self):
        self.trusting()
        text = (self.folder / "signed").read_bytes()
        self.write("bad", text.replace(b"10.20.0.5", b"10.20.0.6"))
        out = self.verify(NO, "bad").out
        self.assertRegex(out, "(?m)^error: .*bad")
        self.assertRegex(out, "(?m)^bad: NO GOOD SIGNATURE$")
        self.assertNotIn("serial", out)
        answer = json.loads(self.verify(NO, "bad", "--json").out)
        self.assertEqual((answer["good"], answer["signature"], answer["signer"], answer["key"], answer["serial"]),
                         (False, False, None, None, None))
        self.write("twice", text + self.desk.sign(TEXT)[len(TEXT):])
        self.write("long", text + b"x\n")
        self.write("short", text[:-30])
        for name in ("twice", "long", "short"):
            self.assertRegex(self.verify(NO, name).out, f"(?m)^{name}: NO GOOD SIGNATURE$")

    def test_unsigned(self):
        self.trusting()
        self.assertRegex(self.verify(NO, "policy.conf").out, "^error: .*\npolicy.conf: NOT SIGNED\n$")
        self.write("empty", "")
        self.assertRegex(self.verify(NO, "empty").out, "\nempty: NOT SIGNED\n$")

    def test_each_reason(self):
        self.trusting()
        self.box.identify("st-maria", "mr-1")
        self.write("late", self.desk.sign(block(7, "not-after 2020-01-01") + HOST))
        result = self.verify(NO, "late")
        self.assertEqual(len(re.findall(r"(?m)^late:1:\d+: error: ", result.out)), 3, result)
        self.assertRegex(result.out, r"late: NOT TAKEN: signed by .*CN=policy desk")
        answer = json.loads(self.verify(NO, "late", "--json").out)
        self.assertEqual((answer["good"], answer["signature"], answer["anchor"], answer["errors"]), (False, True, "st-anna", 3))
        self.write("early", self.desk.sign(block(7, "not-before 2099-01-01") + HOST))
        self.box.identify()
        self.assertRegex(self.verify(NO, "early").out, r"early:1:\d+: error: ")
        self.write("any", self.desk.sign(block(7, unit="*") + HOST))
        self.verify(YES, "any")
        for name, text in (("bare", HOST), ("half", "policy { site st-anna }\n" + HOST)):
            self.write(name, self.desk.sign(text))
            self.assertIn("NOT TAKEN", self.verify(NO, name).out)
        (self.folder / "trust/identity").unlink()
        self.verify(YES, "any")
        self.assertIn("error", self.verify(NO, "half").out)

    def test_certificates_dates(self):
        self.trusting()
        now = time.time()
        for start, end in ((now - 9 * DAY, now - DAY), (now + DAY, now + 9 * DAY)):
            self.write("x", self.pki.signer("x", self.root, start=start, end=end).sign(TEXT))
            self.assertIn("NOT TAKEN", self.verify(NO, "x").out)

    def test_a_clock_that_cannot_be_believed(self):
        if not shutil.which("faketime"):
            self.skipTest("needs faketime")
        self.trusting()
        long_ago = ["env", "ASAN_OPTIONS=verify_asan_link_order=0", "faketime", "2001-01-01 00:00:00"]
        out = " ".join(self.verify(YES, before=long_ago).out.split())
        self.assertRegex(out, "^warning: the clock shows 2001-01-01T00:00:[0-9]{2}Z and is not believed: what ends was held against "
                         "20[^ ]*, and what begins against nothing; set the clock signed: good: ")
        self.assertNotIn("not believed", self.verify(YES).out)

    def test_certificates_in_the_wrong_order(self):
        self.trusting()
        ca = self.pki.ca("imaging", self.root)
        signer = self.pki.signer("below", ca)
        text = signer.sign(TEXT)
        start = text.index(b"-----BEGIN CERTIFICATE-----")
        self.write("x", text[:start] + ca.pem() + signer.pem())
        self.assertIn("the first certificate in x is that of a CA, O=St. Anna, CN=imaging, which has not signed it; the signer's own "
                      "comes first, then its issuers'", self.verify(NO, "x").out)

    def test_p384(self):
        self.trusting()
        signer = self.pki.signer("p384", self.root, kind="P-384")
        self.write("text", TEXT)
        wrong = openssl("dgst", "-sha256", "-sign", signer.path, self.folder / "text")
        self.write("x", joined(TEXT.encode(), wrong, signer.pem()))
        self.assertIn("openssl was called without -sha384", self.verify(NO, "x").out)

    def test_anchors_that_cannot_be_used(self):
        """Nobody is told to have it signed by one of these."""
        self.box.add("zz", "x")
        self.assertIn("none of the trust anchors can be used: leadglass trust list says why", self.verify(NO).out)
        self.box.add("other", self.pki.root("another"))
        self.assertIn("trusted are other: have one of these sign it", self.verify(NO).out)

    def test_what_is_signed_is_no_policy(self):
        self.trusting()
        self.write("x", self.desk.sign(block(7) + "role hots\n"))
        self.assertRegex(self.verify(POLICY, "x").err, r"x:2:6: error: (.*\n)*leadglass: x is signed by .*CN=policy desk, but is no "
                         "valid policy: no box takes it\n$")
        done = self.leadglass("verify-signature", "--trust", "trust", "--json", "x")
        answer = json.loads(done.out)
        self.assertEqual((done.code, done.err, answer["good"], answer["signature"], answer["anchor"], answer["errors"]),
                         (POLICY, "", False, True, "st-anna", 1))
        self.assertIn("hots", answer["problems"][0]["text"] if "text" in answer["problems"][0] else str(answer["problems"]))
        self.write("x", self.desk.sign(block(7) + HOST + "include other.conf\n"))
        self.assertRegex(self.verify(POLICY, "x").err, r"x:\d+:\d+: error: ")

    def test_a_bad_anchor_is_said(self):
        self.trusting()
        self.box.add("zz", self.desk)
        self.assertRegex(self.verify(YES).out, "^warning: .*zz")
        self.assertEqual(json.loads(self.verify(YES, "signed", "--json").out)["warnings"], 1)

    def test_a_folder_that_cannot_be_read(self):
        self.box.write("notes.txt", "x")
        self.assertIn("notes.txt", self.verify(POLICY).err)
        (self.folder / "trust/notes.txt").unlink()
        (self.folder / "trust").chmod(0o777)
        self.assertIn("can be written by others", self.verify(POLICY).err)

    def test_others_read_it_as_a_policy(self):
        for name in ("print", "render"):
            self.assertTrue(self.expect(YES, name, "signed").out)
        self.write("plain", TEXT)
        self.assertEqual(self.expect(YES, "diff", "plain", "signed").out, "no differences\n")
        self.assertRegex(self.expect(YES, "check", "signed").out,
                         r"^signed: role host, .*; signed, not verified here \(leadglass verify-signature\)\n$")
        self.assertNotIn("signed", self.expect(YES, "check", "plain").out)
        self.assertEqual([json.loads(self.expect(YES, "check", "--json", name).out)["signed"] for name in ("signed", "plain")],
                         [True, False])
        self.expect(YES, "explain", "signed", "out", "tcp", "10.20.1.10", "10.20.0.5:104")

    def test_memory(self):
        """A file of any length, as long as it is not good: then it is not even read."""
        peaks = []
        for size in (1000, 20_000_000):
            self.write("large", b"#" * size + b"\n" + self.desk.sign(TEXT))
            done = subprocess.run(["/usr/bin/env", "python3", "-c", "import resource, subprocess, sys\n"
                                   "subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)\n"
                                   "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)", PROGRAM,
                                   "verify-signature", "--trust", "trust", "large"], cwd=self.folder, capture_output=True,
                                  text=True)
            peaks.append(int(done.stdout))
        self.assertLess(peaks[1] - peaks[0], 1000, peaks)


if __name__ == "__main__":
    signed_main()
