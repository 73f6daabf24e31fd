# SPDX-License-Identifier: GPL-2.0-or-later
"""The trust folder as a user meets it: trust list, add and remove."""

import json
import pathlib
import re
import subprocess
import sys
import time

from command import HOST, KERNEL, NO, POLICY, ROOT, USAGE, YES
from pki import TEXT, Signed, signed_main
from signing import DAY, openssl

FAKE = pathlib.Path(sys.argv[3]).resolve() if len(sys.argv) > 3 else None


class List(Signed):
    def list(self, code=YES, *words):
        return self.expect(code, "trust", "list", "--trust", "trust", *words)

    def test_nothing(self):
        nobody = "no trust anchor in {}: nobody asks for signatures\n"
        self.assertEqual(self.list().out, nobody.format("trust"))
        self.assertEqual(self.expect(YES, "trust", "list", "--trust", "nowhere").out,
                         "there is no folder nowhere: nobody asks for signatures\n")
        self.assertEqual(json.loads(self.list(YES, "--json").out),
                         {"folder": "trust", "site": None, "unit": None, "anchors": []})
        self.box.identify()
        self.assertEqual(self.list().out, nobody.format("trust") + "this box     site st-anna, unit ct-room-3\n")

    def test_text(self):
        self.box.add("st-anna", self.root)
        self.box.add("maker.oem", self.bare)
        self.assertRegex(self.list().out, r"^this box     it has not been told its site and unit: leadglass trust add\s+--site\s+"
                         r"NAME\s+--unit\s+NAME\n")
        self.box.identify()
        out = self.list().out
        self.assertLessEqual(max(map(len, out.splitlines())), 80, out)
        paragraphs = out.split("\n\n")
        self.assertEqual(paragraphs[0], "this box     site st-anna, unit ct-room-3")
        self.assertRegex(paragraphs[1], "^anchor       maker.oem may change role and box, and nothing else\n"
                         rf"key          ECDSA P-256\nSHA-256      {self.key_hash(self.bare)}$")
        self.assertRegex(paragraphs[2], r"^anchor       st-anna may change everything\nsubject      .*CN=St. Anna root.*\n"
                         r"key          ECDSA P-256\nvalid        20.*Z to 20.*Z\nfingerprint  ")
        self.assertIn(self.fingerprint(self.root), re.sub(r"\s+", "", paragraphs[2]))

    def test_json(self):
        self.box.add("st-anna.site", self.root)
        self.box.add("maker", self.bare)
        self.box.identify()
        answer = json.loads(self.list(YES, "--json").out)
        self.assertEqual((answer["folder"], answer["site"], answer["unit"]), ("trust", "st-anna", "ct-room-3"))
        maker, anna = answer["anchors"]
        self.assertEqual((maker["name"], maker["scope"], maker["pinned"], maker["good"], maker["why"], maker["subject"],
                          maker["valid_to"], maker["fingerprint"], maker["key"]),
                         ("maker", "all", True, True, None, None, None, None, self.key_hash(self.bare)))
        self.assertEqual((anna["name"], anna["scope"], anna["pinned"], anna["kind"], anna["fingerprint"], anna["key"]),
                         ("st-anna.site", "site", False, "ECDSA P-256", self.fingerprint(self.root), self.key_hash(self.root)))
        self.assertLess(anna["valid_from"], time.time())
        self.assertGreater(anna["valid_to"], time.time())

    def test_dates(self):
        now = time.time()
        self.box.add("old", self.pki.root("old", start=now - 9 * DAY, end=now - DAY))
        self.box.add("young", self.pki.root("young", start=now + DAY))
        out = re.sub(r"\s+", " ", self.list().out)
        self.assertIn("IT HAS EXPIRED: no new policy can be signed under it", out)
        self.assertIn("NOT VALID YET, by this machine's clock", out)

    def test_what_cannot_be_used(self):
        self.box.add("leaf", self.desk)
        self.box.add("good", self.root)
        result = self.list(NO)
        self.assertRegex(result.out, r"(?m)^anchor       leaf .*\nBAD          it cannot be used: ")
        bad = json.loads(self.list(NO, "--json").out)["anchors"][1]
        self.assertEqual((bad["name"], bad["good"]), ("leaf", False))
        self.assertTrue(bad["why"])

    def test_odd_folders(self):
        self.box.write("notes.txt", "x")
        self.assertIn("trust/notes.txt", self.list(POLICY).err)
        (self.folder / "trust/notes.txt").unlink()
        self.box.write("identity", "site a\nplace b\n")
        self.assertIn("identity", self.list(POLICY).err)
        (self.folder / "trust/identity").unlink()
        (self.folder / "trust").chmod(0o777)
        self.assertIn("can be written by others", self.list(POLICY).err)


class Add(Signed):
    def add(self, code, *words, **more):
        return self.expect(code, "trust", "add", "--trust", "trust", *words, **more)

    def files(self):
        return sorted(path.name for path in (self.folder / "trust").iterdir())

    def test_certificate(self):
        result = self.add(YES, "root.crt")
        self.assertRegex(result.out, r"^root is trusted now: its signers may change everything\nsubject      .*CN=St. Anna root")
        self.assertIn(self.fingerprint(self.root), re.sub(r"\s+", "", result.out))
        self.assertIn("from now on unsigned policies are refused, at the next start of leadglassd too", result.err)
        self.assertIn("leadglass trust add --site NAME --unit NAME", result.err)
        self.assertEqual(self.files(), ["root.pem"])
        self.assertEqual((self.folder / "trust/root.pem").read_bytes(), self.root.pem())
        self.assertEqual((self.folder / "trust/root.pem").stat().st_mode & 0o777, 0o644)
        # the second one is nothing new
        result = self.add(YES, "--site", "st-anna", "--unit", "ct-room-3", "--for", "oem", "bare.pub", "maker")
        self.assertEqual(result.err, "")
        self.assertRegex(result.out, "^maker.oem is trusted now: its signers may change role and box, and nothing else\n")
        self.assertRegex(result.out, "\nthis box is at site st-anna, unit ct-room-3\n$")
        self.assertEqual(self.files(), ["identity", "maker.oem.pem", "root.pem"])

    def test_makes_the_folder(self):
        self.expect(YES, "trust", "add", "--trust", "new", "root.crt")
        self.assertEqual((self.folder / "new").stat().st_mode & 0o777, 0o755)

    def test_names(self):
        for words, name in ((["root.crt", "st-anna.pem"], "st-anna"), (["root.crt", "anna.site"], "anna.site"),
                            (["--for", "site", "root.crt", "b.site"], "b.site"), (["--for", "site", "root.crt"], "root.site"),
                            (["./St Anna (new).oem.pem"], "St-Anna--new-.oem"), (["-"], None), (["_.crt"], None)):
            self.write("St Anna (new).oem.pem", self.root.pem())
            self.write("_.crt", self.root.pem())
            if name:
                self.assertIn(f"{name} is trusted now", self.add(YES, *words).out)
                self.assertIn(f"{name}.pem", self.files())
            else:
                self.assertIn("no name can be made of", self.add(USAGE, *words).err)
        self.assertIn("kept is trusted now", self.add(YES, "-", "kept", stdin=self.root.pem().decode()).out)

    def test_identity(self):
        self.assertEqual(self.add(YES, "--site", "st-anna").out, "this box is at site st-anna\n")
        self.assertEqual(self.add(YES, "--unit", "ct-room-3").out, "this box is unit ct-room-3\n")
        self.assertEqual((self.folder / "trust/identity").read_text(), "site st-anna\nunit ct-room-3\n")
        self.assertEqual(self.add(YES, "--unit", "mr-1").out, "this box is unit mr-1 (was ct-room-3)\n")
        self.assertEqual((self.folder / "trust/identity").read_text(), "site st-anna\nunit mr-1\n")
        before = self.content("trust")
        self.add(POLICY, "--site", "st\nanna")
        self.add(POLICY, "--unit", "*")
        self.assertEqual(self.content("trust"), before)

    def test_a_damaged_identity_is_written_anew(self):
        """By the very command that every refusal because of it names."""
        self.add(YES, "root.crt")
        for text in ("site st-anna\r\nunit ct-room-3\r\n", "site\n", "x" * 5000):
            (self.folder / "trust/identity").write_bytes(text.encode())
            for words in (["--site", "st-anna"], ["bare.pub"]):
                self.assertIn("trust/identity", self.add(POLICY, *words).err)
            self.assertEqual(self.add(YES, "--site", "st-anna", "--unit", "ct-room-3").out,
                             "this box is at site st-anna, unit ct-room-3\n")
            self.assertEqual((self.folder / "trust/identity").read_text(), "site st-anna\nunit ct-room-3\n")
        self.box.write("notes.txt", "x")
        self.assertIn("notes.txt", self.add(POLICY, "--site", "st-anna", "--unit", "ct-room-3").err)

    def test_dates_are_warned_of(self):
        now = time.time()
        self.write("old.crt", self.pki.root("old", start=now - 9 * DAY, end=now - DAY).pem())
        self.write("young.crt", self.pki.root("young", start=now + DAY).pem())
        self.assertIn("warning: it has expired", self.add(YES, "old.crt").err)
        self.assertIn("warning: it is not valid yet", self.add(YES, "young.crt").err)

    def test_refused(self):
        self.write("leaf.crt", self.desk.pem())
        self.write("private.key", self.bare.path.read_bytes())
        self.write("weak.pub", self.pki.key("RSA-2048").public())
        self.write("two.crt", self.root.pem() + self.desk.pem())
        self.write("odd.crt", "no certificate\n")
        self.write("large.crt", "x" * 20000)
        self.write("empty.crt", "")
        for name in ("leaf.crt", "private.key", "weak.pub", "two.crt", "odd.crt", "empty.crt"):
            self.assertRegex(self.add(POLICY, name, "x").err, f"^leadglass: {name} cannot be used: .+; nothing was changed\n$")
        self.write("told.crt", b"Certificate:\n    Data:\n" + self.root.pem())
        self.write("der.crt", openssl("x509", "-in", self.root.crt, "-outform", "DER"))
        for name, said in (("told.crt", "text stands before it: openssl x509 -in FILE -out FILE.pem"),
                           ("der.crt", "it is DER: openssl x509 -inform DER -in FILE -out FILE.pem"),
                           ("odd.crt", "it holds neither a CERTIFICATE nor a PUBLIC KEY"),
                           ("private.key", "it is a private key: take it away, and replace that key"),
                           ("weak.pub", "its key is RSA 2048 bits; P-256, P-384, and RSA of 3072 to 8192 bits are taken")):
            self.assertIn(said, self.add(POLICY, name, "x").err)
        self.assertIn("is over 16 KiB", self.add(POLICY, "large.crt").err)
        self.assertIn("cannot read nowhere.crt: No such file", self.add(POLICY, "nowhere.crt").err)
        self.assertIn("cannot read .", self.add(POLICY, ".", "x").err)
        self.assertEqual(self.files(), [])

    def test_twice(self):
        self.add(YES, "root.crt")
        before = self.content("trust")
        self.assertRegex(self.add(YES, "root.crt").out, "^root was trusted already: its signers may change everything\nsubject ")
        self.write("root.crt", self.pki.root("another").pem())
        result = self.add(NO, "root.crt")
        self.assertIn("there is another anchor 'root' in trust", result.err)
        self.assertIn("add this one under another name, apply a policy signed under it, then remove that one", result.err)
        self.assertIn("site and unit were written all the same",
                      self.add(NO, "--site", "a", "--unit", "b", "root.crt").err)
        self.assertEqual({name: text for name, text in self.content("trust").items() if name != "identity"}, before)

    def test_a_damaged_folder_is_left_alone(self):
        self.box.write("notes.txt", "x")
        self.assertRegex(self.add(POLICY, "root.crt").err, r"notes\.txt(.*\n)*leadglass: nothing was changed\n$")
        self.assertEqual(self.files(), ["notes.txt"])

    def test_words(self):
        for words, said in (([], "nothing given to add"), (["--for", "site"], "--for goes with a certificate or a key"),
                            (["--for", "all", "root.crt"], "--for all: it is site"),
                            (["--for", "oem", "root.crt", "a.site"], "--for oem, but the name says .site"),
                            (["--yes", "root.crt"], "does not take all of these options"),
                            (["root.crt", "a", "b"], "one word too many: b"),
                            (["root.crt", "a" * 64], "has at most 63 characters"),
                            (["--for", "site", "root.crt", "a" * 60], "has at most 63 characters")):
            self.assertIn(said, self.add(USAGE, *words).err, words)
        self.assertIn("list, add or remove", self.expect(USAGE, "trust", "show").err)
        self.assertIn("nothing given to work on", self.expect(USAGE, "trust").err)
        self.assertIn("one word too many", self.expect(USAGE, "trust", "list", "x").err)
        self.assertIn("does not take", self.expect(USAGE, "trust", "list", "--yes").err)
        self.add(POLICY, "root.crt", "a b")
        self.assertEqual(self.files(), [])

    def test_without_permission(self):
        if not ROOT:
            self.skipTest("needs root to become somebody else")
        before = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        for words in (["root.crt"], ["--site", "a"]):
            self.assertTrue(self.add(KERNEL, *words, before=before).err)
        self.assertEqual(self.files(), [])


class Remove(Signed):
    def remove(self, code, *words):
        return self.expect(code, "trust", "remove", "--trust", "trust", *words)

    def test_removes(self):
        self.box.add("a.site", self.root)
        self.box.add("b", self.bare)
        result = self.remove(USAGE, "a.site")
        self.assertIn("would take no policy any more that was signed under a.site; nothing was done\n"
                      "leadglass: say leadglass trust remove --yes --trust trust a.site if that is meant", result.err)
        self.assertIn("there is no anchor 'a' in trust; there is a.site\n", self.remove(NO, "a").err)
        self.assertIn("there is no anchor 'c' in trust; leadglass trust list shows", self.remove(NO, "c").err)
        self.assertEqual(self.remove(YES, "--yes", "a.site.pem").out, "a.site is no trust anchor any more\n")
        self.assertEqual(list(self.content("trust")), ["b.pem"])
        self.assertIn("b is the last trust anchor: without it nobody asks for signatures, and unsigned policies are taken; "
                      "nothing was done", self.remove(USAGE, "b").err)
        self.assertEqual(list(self.content("trust")), ["b.pem"])
        result = self.remove(YES, "--yes", "b")
        self.assertIn("there is no trust anchor any more: nobody asks for signatures, and unsigned policies are taken", result.err)
        self.assertEqual(self.content("trust"), {})

    def test_refused(self):
        self.assertIn("there is no anchor", self.remove(NO, "--yes", "a").err)
        self.assertIn("a name is missing", self.remove(USAGE, "--yes").err)
        self.assertIn("there is no anchor '../a'", self.remove(NO, "--yes", "../a").err)
        self.assertIn("has at most 63 characters", self.remove(USAGE, "--yes", "a" * 64).err)

    def test_from_a_damaged_folder(self):
        """What made it so may be what is to be removed."""
        self.box.add("a", self.root)
        (self.folder / "trust/a.pem").chmod(0o666)
        self.box.add("b", self.root)
        self.box.identify()
        self.expect(POLICY, "trust", "list", "--trust", "trust")
        self.assertEqual(self.remove(YES, "--yes", "a").err, "")
        self.box.write("notes.txt", "x")
        self.assertIn("until that is put right no policy is taken", self.remove(YES, "--yes", "b").err)


class Standing(Signed):
    """What a change is to the policy that stands."""

    def setUp(self):
        super().setUp()
        (self.folder / "run").mkdir()
        self.box.identify()
        agent = subprocess.Popen([FAKE, self.folder / "run", "kept"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(agent.wait, 10)
        self.addCleanup(agent.stdin.close)
        self.addCleanup(agent.stdout.close)
        self.assertEqual(agent.stdout.readline(), "ready\n")
        self.words = ["--trust", "trust", "--run", "run"]

    def stands(self, text):
        self.write("run/kept", text)

    WARNING = "warning: policy 12, which stands, was not signed by anybody this box trusts"

    def test_unsigned(self):
        self.stands(HOST)
        result = self.expect(YES, "trust", "add", *self.words, "root.crt")
        self.assertIn(self.WARNING, result.err)
        self.assertIn("leadglass apply a signed one before", result.err)
        # an image's folder is no agent's
        self.assertNotIn("12", self.expect(YES, "trust", "add", "--trust", "trust", "root.crt", "other").err)

    def test_signed(self):
        self.stands(self.desk.sign(TEXT))
        self.assertNotIn("warning", self.expect(YES, "trust", "add", *self.words, "root.crt").err)
        self.assertNotIn("warning", self.expect(YES, "trust", "add", *self.words, "bare.pub").err)
        self.assertNotIn("warning", self.expect(YES, "trust", "remove", "--yes", *self.words, "bare").err)

    def test_another_box(self):
        """A slip in the site's name, or the unit's: the next start would close the wall."""
        self.box.add("root", self.root)
        self.stands(self.desk.sign(TEXT))
        result = self.expect(YES, "trust", "add", *self.words, "--site", "st-ana")
        self.assertEqual(result.out, "this box is at site st-ana (was st-anna)\n")
        self.assertIn("warning: policy 12, which stands, is not for this box: this policy is for the site 'st-anna', and this "
                      "box is at 'st-ana'\n", result.err)
        self.assertIn("the wall is closed then", result.err)
        self.assertEqual(self.expect(YES, "trust", "add", *self.words, "--site", "st-anna").err, "")
        self.assertIn("this box is 'ct-room-4'", self.expect(YES, "trust", "add", *self.words, "--unit", "ct-room-4").err)
        # where nobody asks for signatures it does not matter yet
        self.expect(YES, "trust", "remove", "--yes", *self.words, "root")
        self.assertEqual(self.expect(YES, "trust", "add", *self.words, "--unit", "ct-room-5").err, "")
        # which is seen when somebody does
        self.assertIn("is not for this box", self.expect(YES, "trust", "add", *self.words, "root.crt").err)

    def test_its_anchor_is_removed(self):
        self.stands(self.desk.sign(TEXT))
        self.box.add("root", self.root)
        self.box.add("again", self.root)
        self.box.add("bare", self.bare)
        vouching = json.loads(self.expect(YES, "verify-signature", "--trust", "trust", "--json", "signed").out)["anchor"]
        other = {"root": "again", "again": "root"}[vouching]
        self.assertEqual(self.expect(YES, "trust", "remove", "--yes", *self.words, vouching).err, "")
        self.assertIn(self.WARNING, self.expect(YES, "trust", "remove", "--yes", *self.words, other).err)
        self.assertNotIn("warning", self.expect(YES, "trust", "remove", "--yes", *self.words, "bare").err)


if __name__ == "__main__":
    signed_main()
