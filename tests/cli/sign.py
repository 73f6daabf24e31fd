# SPDX-License-Identifier: GPL-2.0-or-later
"""sign: what it writes, which openssl verifies; what it refuses; what it warns of."""

import base64
import time

from command import HOST, INTERNAL, NO, POLICY, USAGE, YES
from pki import TEXT, Signed, signed_main
from signing import DAY, END, MARKER, block, joined, openssl


class Sign(Signed):
    def setUp(self):
        super().setUp()
        self.write("plain.conf", TEXT)
        self.write("desk.key", self.desk.path.read_bytes())
        self.write("bare.key", self.bare.path.read_bytes())
        for name in ("desk.key", "bare.key"):
            (self.folder / name).chmod(0o600)
        self.write("desk.crt", self.desk.pem())
        self.write("chain.crt", self.desk.pem() + self.root.pem())
        self.box.add("st-anna", self.root)
        self.box.add("bare", self.bare)

    def sign(self, code, *words, **more):
        return self.expect(code, "sign", *words, **more)

    def desk_signs(self, text, *words):
        self.write("x.conf", text)
        return self.sign(YES, "--key", "desk.key", "--certificate", "chain.crt", *words, "x.conf")

    def take_apart(self, text):
        """As docs/signed-policy.md has it: policy, signature, certificates."""
        octets = text.encode()
        at = octets.index(b"\n" + MARKER) + 1
        body, rest = octets[:at], octets[at + len(MARKER):]
        signature, certificates = rest.split(END, 1)
        return body, base64.b64decode(signature, validate=False), certificates

    def openssl_agrees(self, key, text):
        body, signature, _ = self.take_apart(text)
        for name, octets in (("body", body), ("sig", signature), ("pub", key.public())):
            (self.folder / name).write_bytes(octets)
        said = openssl("dgst", f"-{key.hash}", "-verify", self.folder / "pub", *key.options, "-signature", self.folder / "sig",
                       self.folder / "body")
        self.assertEqual(said, b"Verified OK\n")

    def test_signs(self):
        result = self.sign(YES, "--key", "desk.key", "--certificate", "chain.crt", "plain.conf")
        self.assertRegex(result.err, r"^leadglass: signed: site st-anna, unit ct-room-3, serial 7, from 2026-01-01T00:00:00Z, "
                         r"until 2099-12-31T23:59:59Z\nleadglass: by .*CN=policy desk.*, whose certificate is valid until 20")
        body, _, certificates = self.take_apart(result.out)
        self.assertEqual(body.decode(), TEXT)
        self.assertEqual(certificates, self.desk.pem() + self.root.pem())
        self.openssl_agrees(self.desk, result.out)
        self.write("made", result.out)
        self.assertIn("made: good: ", self.expect(YES, "verify-signature", "--trust", "trust", "made").out)
        # from standard input, and the same again: RFC 6979
        self.assertEqual(self.sign(YES, "--key", "desk.key", "--certificate", "chain.crt", "-", stdin=TEXT).out, result.out)

    def test_every_kind_of_key(self):
        for kind in ("P-256", "P-384", "RSA-3072", "RSA-4096"):
            signer = self.pki.signer(f"desk {kind}", self.root, kind=kind)
            for key in (signer, self.pki.key(kind)):
                self.write("k", key.path.read_bytes())
                (self.folder / "k").chmod(0o600)
                certificate = []
                if key is signer:
                    self.write("c", signer.pem())
                    certificate = ["--certificate", "c"]
                else:
                    self.box.add("pinned", key)
                out = self.sign(YES, "--key", "k", *certificate, "plain.conf").out
                self.openssl_agrees(key, out)
                self.write("made", out)
                self.expect(YES, "verify-signature", "--trust", "trust", "made")

    def test_pinned(self):
        result = self.sign(YES, "--key", "bare.key", "plain.conf")
        self.assertIn("by a key without a certificate: only a box that has pinned it takes this", result.err)
        self.write("made", result.out)
        self.assertIn("bare vouches", self.expect(YES, "verify-signature", "--trust", "trust", "made").out)

    def test_output(self):
        words = ["--key", "desk.key", "--certificate", "chain.crt"]
        result = self.sign(YES, *words, "--output", "made", "plain.conf")
        self.assertEqual(result.out, "")
        self.assertEqual((self.folder / "made").read_text(), self.sign(YES, *words, "plain.conf").out)
        self.assertEqual((self.folder / "made").stat().st_mode & 0o777, 0o644)
        (self.folder / "sub").mkdir()
        self.sign(YES, *words, "--output", "sub/made", "plain.conf")
        self.sign(YES, *words, "--output", str(self.folder / "sub/made"), "plain.conf")  # anew
        self.assertEqual([path.name for path in (self.folder / "sub").iterdir()], ["made"])
        (self.folder / "link").symlink_to("/dev/null")
        for name, said in (("sub", "there is something that is no file"), ("link", "there is something that is no file"),
                           ("sub/", "no file"), ("nowhere/made", "No such file"), ("made/x", "Not a directory")):
            result = self.expect(INTERNAL, "sign", *words, "--output", name, "plain.conf")
            self.assertIn(said, result.err)
            self.assertNotIn("signed: ", result.err)
        (self.folder / "hard").hardlink_to(self.folder / "desk.key")
        for name in ("plain.conf", "desk.key", "chain.crt", "hard"):
            before = (self.folder / name).read_bytes()
            self.assertIn("is what is read", self.sign(USAGE, *words, "--output", name, "plain.conf").err)
            self.assertEqual((self.folder / name).read_bytes(), before)
        with open("/dev/full", "w") as full:
            self.assertEqual(self.leadglass("sign", *words, "plain.conf", stdout=full).code, INTERNAL)

    def test_a_bad_policy_writes_nothing(self):
        before = (self.folder / "signed").read_bytes()
        for text, said in ((HOST, r"has no block 'policy'"), ("policy { site a; unit b }\n" + HOST, r"x\.conf:1:1: error: .*no serial"),
                           ("policy { site a; serial 1 }\n" + HOST, r"x\.conf:1:1: error: .*no unit"),
                           ("policy { unit b; serial 1 }\n" + HOST, r"x\.conf:1:1: error: .*no site"),
                           (TEXT.replace("role host", "role hots"), r"x\.conf:2:6: error: "),
                           (TEXT + "include more.conf\n", r"x\.conf:\d+:\d+: error: .*\n.*include more.conf"),
                           (TEXT[:-1], "does not end with a line feed"), ("", "does not end with a line feed")):
            self.write("x.conf", text)
            result = self.sign(POLICY, "--key", "desk.key", "--certificate", "desk.crt", "--output", "signed", "x.conf")
            self.assertRegex(result.err, said)
        self.assertIn("is signed already", self.sign(POLICY, "--key", "desk.key", "signed").err)
        self.assertIn("No such file", self.sign(POLICY, "--key", "desk.key", "nowhere").err)
        self.assertEqual((self.folder / "signed").read_bytes(), before)

    def test_bad_keys(self):
        self.write("weak.key", self.pki.key("RSA-2048").path.read_bytes())
        self.write("odd.key", self.pki.key("P-521").path.read_bytes())
        self.write("junk.key", "no key\n")
        self.write("empty.key", "")
        self.write("encrypted.key", openssl("pkey", "-in", self.bare.path, "-aes256", "-passout", "pass:x"))
        self.write("large.key", "x" * 70000)
        for name in ("weak.key", "odd.key", "junk.key", "empty.key", "encrypted.key", "large.key", "nowhere.key", "desk.crt"):
            if (self.folder / name).exists():
                (self.folder / name).chmod(0o600)
            self.assertRegex(self.sign(POLICY, "--key", name, "plain.conf").err, r"^leadglass: .", name)
        self.assertIn("--key FILE is missing", self.sign(USAGE, "plain.conf").err)

    def test_bad_certificates(self):
        self.write("junk.crt", "no certificate\n")
        self.write("long.crt", self.desk.pem() * 9)
        self.write("empty.crt", "")
        for name in ("junk.crt", "empty.crt", "long.crt", "root.crt", "bare.pub", "nowhere.crt"):
            result = self.leadglass("sign", "--key", "desk.key", "--certificate", name, "plain.conf")
            self.assertIn(result.code, (POLICY, INTERNAL), (name, result))
            self.assertEqual(result.out, "", name)
            self.assertTrue(result.err.startswith("leadglass: "), (name, result))

    def test_warnings(self):
        now = time.time()
        self.assertEqual(self.desk_signs(block(8) + HOST).err.count("warning"), 0)
        self.assertIn("warning: no box takes this: it was valid until 2020-01-01T23:59:59Z",
                      self.desk_signs(block(8, "not-after 2020-01-01") + HOST).err)
        self.assertIn("expires before the policy: boxes take it until 20",
                      self.desk_signs(TEXT).err)
        (self.folder / "desk.key").chmod(0o644)
        self.assertIn("warning: desk.key can be read or written by others", self.desk_signs(block(8) + HOST).err)
        (self.folder / "desk.key").chmod(0o600)
        # what check warns of
        self.assertIn("x.conf:2:1: warning: ", self.desk_signs(block(8) + HOST.replace("manage { from 10.20.9.0/24 }\n", "")).err)

        def with_certificate(certificate, *more):
            self.write("x.key", certificate.path.read_bytes())
            (self.folder / "x.key").chmod(0o600)
            self.write("x.crt", b"".join([certificate.pem(), *more]))
            self.write("x.conf", block(8) + HOST)
            return self.sign(YES, "--key", "x.key", "--certificate", "x.crt", "x.conf").err

        ca = self.pki.ca("imaging", self.root)
        for more in ((), (self.root.pem(),)):
            for made in (self.pki.signer("no usage", self.root, extendedKeyUsage=None),
                         self.pki.signer("web", self.root, extendedKeyUsage="serverAuth"),
                         self.pki.signer("no signature", self.root, keyUsage="critical,keyAgreement"), ca):
                self.assertIn("warning: only a box that has pinned the key takes this: ", with_certificate(made, *more),
                              (made.crt, more))
        self.assertNotIn("warning", with_certificate(self.pki.signer("below", ca), ca.pem()))
        self.assertNotIn("warning", with_certificate(self.pki.signer("below", ca), ca.pem(), self.root.pem()))
        # one that does not lead on
        self.assertIn("warning: only a box that has pinned the key takes this: ",
                      with_certificate(self.pki.signer("below", ca), self.root.pem()))
        short = self.pki.ca("imaging", self.root, end=now + 9 * DAY)
        day = time.strftime("%Y-%m-%dT", time.gmtime(now + 9 * DAY))
        below = self.pki.signer("below", short)
        self.assertNotIn(f"whose certificate is valid until {day}", with_certificate(below, short.pem(), self.root.pem()))
        self.write("x.conf", block(8, "not-after 2099-12-31") + HOST)
        self.assertIn(f"warning: certificate 2 expires before the policy: boxes take it until {day}",
                      self.sign(YES, "--key", "x.key", "--certificate", "x.crt", "x.conf").err)
        short = self.pki.ca("imaging", self.root, start=now - 9 * DAY, end=now - DAY)
        self.assertIn("warning: only a box that has pinned the key takes this: certificate 2 was valid until ",
                      with_certificate(self.pki.signer("below", short), short.pem(), self.root.pem()))
        self.assertIn("warning: there is no higher serial: ", self.desk_signs(block(2**64 - 1) + HOST).err)
        self.assertIn("warning: only a box that has pinned the key takes this: certificate 1 was valid until",
                      with_certificate(self.pki.signer("old", self.root, start=now - 9 * DAY, end=now - DAY)))
        self.assertIn("warning: the certificate is not valid before",
                      with_certificate(self.pki.signer("young", self.root, start=now + DAY)))

    def test_by_openssl_and_by_us(self):
        """Both ways round, over a text with every kind of octet that a policy may have."""
        text = (block(9) + HOST + "# Grüße aus der Röntgenabteilung\r\n\t# the end\n").encode()
        self.write("x.conf", text)
        self.sign(YES, "--key", "desk.key", "--certificate", "chain.crt", "--output", "made", "x.conf")
        self.assertTrue((self.folder / "made").read_bytes().startswith(text))
        self.write("theirs", joined(text, self.desk.signature(text), self.desk.pem()))
        for name in ("made", "theirs"):
            self.expect(YES, "verify-signature", "--trust", "trust", name)
            self.write("changed", (self.folder / name).read_bytes().replace(b"\r\n", b"\n"))
            self.expect(NO, "verify-signature", "--trust", "trust", "changed")


if __name__ == "__main__":
    signed_main()
