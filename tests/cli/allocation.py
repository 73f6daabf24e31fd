# SPDX-License-Identifier: GPL-2.0-or-later
"""Out of memory, at each single allocation: exit status 5 and no answer, or the right answer, and nothing else."""

import os
import pathlib
import re
import subprocess
import sys
import time
import unittest

from command import HOST, INTERNAL, KERNEL, NO, POLICY, PROGRAM, ROOT, TREE, YES, Case, main, namespaced

sys.path.insert(0, str(TREE / "tests/net"))
from signing import Pki, Trust, block  # noqa: E402

SHIM = pathlib.Path(sys.argv[3]).resolve() if len(sys.argv) > 3 else None
FAKE_AGENT = pathlib.Path(sys.argv[4]).resolve() if len(sys.argv) > 4 else None

# Every fifth, others each day; tools/test --all tries them all (LEADGLASS_EVERY=1).
EVERY = int(os.environ.get("LEADGLASS_EVERY", "5"))
FIRST = 1 + int(time.time() // 86400) % EVERY
QUIET = max(12, 40 // EVERY)  # runs without a failure, and there are no more allocations


def least(failures):
    """More than this are found, of so many where each allocation is tried: it depends on the day which they are."""
    return failures if EVERY == 1 else failures // EVERY // 2 - 1


class Allocation(Case):
    NUMBERS = range(FIRST, 3000, EVERY)

    def each(self, words, right, also=(), clean=lambda text: text):
        """Fails the 1st, 2nd, ... allocation until the command makes no more of them. `also`: exit statuses of
        refusals, which may come of it too: mbedTLS does not always say that it was the memory. `clean` takes out of an
        answer what is another each time."""
        failed = since = 0
        for number in self.NUMBERS:
            before = ["env", f"LD_PRELOAD={SHIM}", f"FAIL_AT={number}"]
            result = self.run_words([*before, str(PROGRAM), *words])
            since += 1
            if result.code in also and (result.code, clean(result.out)) != right:
                failed += 1
                since = 0
                self.assertTrue(result.code == NO or (not result.out and result.err), (number, words, result))
            elif result.code == INTERNAL:
                failed += 1
                since = 0
                self.assertEqual(result.out, "", (number, words, result))
                self.assertIn("memory", result.err, (number, words))
            else:
                # it could do without (giving memory back, the stream's own buffer), or made fewer than `number`
                self.assertEqual((result.code, clean(result.out)), right, (number, words, result))
            if since == QUIET:
                return failed
        self.fail(f"{words}: more allocations than expected")

    def sudo(self):
        """Who makes a report is known then, for root: glibc's getpwuid, which would be asked else, crashes without memory."""
        os.environ["SUDO_USER"] = "alice"
        self.addCleanup(os.environ.pop, "SUDO_USER")

    def test_readers(self):
        self.write("old.conf", HOST.replace("10.20.0.9", "10.20.0.8/29"))
        for words in (["check", "policy.conf"], ["check", "--json", "policy.conf"], ["render", "policy.conf"],
                      ["print", "policy.conf"], ["print", "--json", "policy.conf"], ["diff", "old.conf", "policy.conf"],
                      ["diff", "--json", "old.conf", "policy.conf"],
                      ["explain", "policy.conf", "out", "tcp", "10.20.1.10", "10.20.0.5:104"],
                      ["explain", "--json", "policy.conf", "in", "tcp", "10.20.0.6", "10.20.1.10:11112"]):
            right = self.leadglass(*words)
            self.assertIn(right.code, (YES, NO))
            self.assertGreater(self.each(words, (right.code, right.out)), least(5), words)

    def test_prove(self):
        """Never "proven" for want of memory, and never a difference that is none."""
        for words in (["prove", "policy.conf"], ["prove", "--json", "--sample", "20", "policy.conf"]):
            right = self.expect(YES, *words)
            self.assertGreater(self.each(words, (right.code, right.out)), least(100), words)

    @unittest.skipUnless(ROOT, "the words of sudo are believed for root")
    def test_report_without_agent(self):
        self.sudo()
        for words in (["report", "policy.conf"], ["report", "--html", "policy.conf"], ["report", "--json", "policy.conf"]):
            right = self.expect(YES, *words)
            self.assertGreater(self.each(words, (right.code, moment(right.out)), clean=moment), least(20), words)

    def test_errors(self):
        self.write("bad.conf", HOST.replace("port 104", "port 104000").replace("worklist", "wrklist"))
        right = self.leadglass("check", "bad.conf")
        self.each(["check", "bad.conf"], (right.code, right.out))


class Agent(Case):
    each, sudo, NUMBERS = Allocation.each, Allocation.sudo, Allocation.NUMBERS

    def test_reading(self):
        (self.folder / "run").mkdir()
        agent = subprocess.Popen([FAKE_AGENT, self.folder / "run", "files"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 text=True)
        self.addCleanup(agent.wait, 10)
        self.addCleanup(agent.stdin.close)
        self.addCleanup(agent.stdout.close)
        self.assertEqual(agent.stdout.readline(), "ready\n")
        for words in (["status"], ["status", "--json"], ["drops"], ["history"], ["history", "--json"],
                      ["show"], ["metrics"], ["verify"], ["verify", "--json"], ["print", "@running"]):
            words = [words[0], "--run", "run", *words[1:]]
            right = self.expect(YES, *words)
            self.assertGreater(self.each(words, (right.code, right.out)), least(1), words)
        if not ROOT:
            return
        self.sudo()
        for words in (["report"], ["report", "--html"], ["report", "--json"]):
            words = [words[0], "--run", "run", "--trust", "none", *words[1:]]
            right = self.expect(YES, *words)
            self.assertGreater(self.each(words, (right.code, moment(right.out)), clean=moment), least(20), words)


def moment(text):
    """When a report was made and by whom, taken out of it: without memory a user has only a number."""
    return re.sub(r"(made_at|made_by|Made  |<dt>Made<|content: \"leadglass).*", r"\1", text)


class Signed(Case):
    """Never "good" or "done" without being so: also where the allocation fails in the process that verifies."""

    each = Allocation.each
    # All of the first, and then some: where there are more they are those of long numbers.
    NUMBERS = (*range(FIRST, 400, EVERY), *range(400, 100000, 331))

    def setUp(self):
        super().setUp()
        self.make()

    def make(self):
        pki = Pki(self.folder / "pki")
        self.root, self.box = pki.root("root"), Trust(self.folder / "trust")
        desk, self.pinned = pki.signer("desk", self.root), pki.key()
        self.box.identify()
        self.box.add("root", self.root)
        self.box.add("pinned.site", self.pinned)
        (self.folder / "signed").write_bytes(desk.sign(block(7) + HOST))
        (self.folder / "unknown").write_bytes(pki.signer("x", pki.root("y")).sign(block(7) + HOST))
        self.write("plain.conf", block(7) + HOST)
        for name, octets in (("key", desk.path.read_bytes()), ("crt", desk.pem() + self.root.pem())):
            (self.folder / name).write_bytes(octets)
            (self.folder / name).chmod(0o600)

    def test_readers(self):
        for words in (["trust", "list"], ["trust", "list", "--json"], ["verify-signature", "signed"],
                      ["verify-signature", "--json", "unknown"]):
            words = [*words, "--trust", "trust"]
            right = self.leadglass(*words)
            self.assertIn(right.code, (YES, NO))
            self.assertGreater(self.each(words, (right.code, right.out), also=[NO]), least(5), words)

    def test_sign(self):
        words = ["sign", "--key", "key", "--certificate", "crt", "plain.conf"]
        right = self.expect(YES, *words)
        self.assertGreater(self.each(words, (right.code, right.out), also=[POLICY, INTERNAL]), least(50))

    def folder_after(self, words, path):
        """Until nothing fails any more: what is in `path` after each run, and whether it said that it was done."""
        since = failed = 0
        for number in self.NUMBERS:
            for file in path.iterdir() if path.exists() else ():
                file.unlink()
            result = self.run_words(["env", f"LD_PRELOAD={SHIM}", f"FAIL_AT={number}", str(PROGRAM), *words])
            since += 1
            if result.code != YES:
                failed += 1
                since = 0
                self.assertIn(result.code, (INTERNAL, KERNEL, POLICY), (number, result))
                self.assertEqual((result.out, result.err[:11]), ("", "leadglass: "), (number, result))
            yield result.code == YES, sorted(file.name for file in path.iterdir()) if path.exists() else []
            if since == QUIET:
                self.assertGreater(failed, least(5))
                return
        self.fail(f"{words}: more allocations than expected")

    def test_add(self):
        (self.folder / "root.crt").write_bytes(self.root.pem())
        for done, files in self.folder_after(["trust", "add", "--trust", "new", "--site", "a", "root.crt"], self.folder / "new"):
            self.assertIn(files, [["identity", "root.pem"]] if done else [[], ["identity"], ["identity", "root.pem"]])

    def test_offline(self):
        for done, files in self.folder_after(["apply", "--offline", "--trust", "trust", "--state", "state", "signed"],
                                             self.folder / "state"):
            if done:
                self.assertEqual(files, ["accepted", "closed", "policy.1", "record"])


@namespaced
class Kernel(Case):
    each, NUMBERS = Allocation.each, Allocation.NUMBERS

    def test_verify_list_and_prove(self):
        self.expect(YES, "load", "policy.conf")
        self.write("other.conf", HOST.replace("10.20.0.9", "10.20.0.10"))
        for words, answer in ((["verify", "policy.conf"], YES), (["list"], YES), (["list", "--json"], YES),
                              (["prove", "--live", "policy.conf"], YES), (["prove", "--live", "other.conf"], NO)):
            right = self.expect(answer, *words)
            self.assertGreater(self.each(words, (right.code, right.out)), least(5), words)

    def test_load_leaves_the_old_wall_or_the_new(self):
        """Whatever fails: the kernel holds the old policy, or the new one, and the exit status tells which."""
        self.write("new.conf", HOST.replace("10.20.0.9", "10.20.0.10"))
        loaded = failed = 0
        for number in range(1, 3000):
            self.expect(YES, "load", "policy.conf")
            result = self.run_words(["env", f"LD_PRELOAD={SHIM}", f"FAIL_AT={number}", str(PROGRAM), "load", "new.conf"])
            holds_new = self.leadglass("verify", "new.conf").code == YES
            if result.code == YES:
                self.assertTrue(holds_new, (number, result))
                loaded += 1
            else:
                failed += 1
                self.assertIn(result.code, (INTERNAL, KERNEL), (number, result))
                self.assertEqual(result.out, "")
                self.assertTrue(holds_new or self.leadglass("verify", "policy.conf").code == YES, (number, result))
            if loaded > 20:
                self.assertGreater(failed, least(50))
                return
        self.fail("more allocations than expected")


@namespaced
class SignedKernel(Case):
    make = Signed.make

    def test_load(self):
        """Done means that the wall is up and the serial remembered; a refusal, that neither is so."""
        self.make()
        words = ["load", "--trust", "trust", "--state", "state", "signed"]
        accepted, since, failed = self.folder / "state/accepted", 0, 0
        for number in (*range(1, 200), *range(200, 100000, 331)):
            result = self.run_words(["env", f"LD_PRELOAD={SHIM}", f"FAIL_AT={number}", str(PROGRAM), *words])
            since += 1
            if result.code == YES:
                self.assertIn("serial 7\n", accepted.read_text())
            else:
                since = 0
                failed += 1
                self.assertIn(result.code, (INTERNAL, KERNEL, POLICY), (number, result))
                self.assertEqual(result.out, "")
            if "nothing was changed" in result.err or result.code == POLICY:
                self.assertFalse(accepted.exists(), (number, result))
                self.assertEqual(self.leadglass("list").code, NO, (number, result))
            self.expect(YES, "remove", "--yes")
            accepted.unlink(missing_ok=True)
            if since == QUIET:
                self.assertGreater(failed, least(50))
                return
        self.fail("more allocations than expected")


if __name__ == "__main__":
    if "libasan" in subprocess.run(["ldd", PROGRAM], capture_output=True, text=True).stdout:
        print("AddressSanitizer has its own allocator: nothing to fail here")
        sys.exit(77)
    main()
