# SPDX-License-Identifier: GPL-2.0-or-later
"""Out of memory, at every single allocation: exit status 5 and no answer, or the right answer, and nothing else."""

import pathlib
import subprocess
import sys

from command import HOST, INTERNAL, KERNEL, NO, PROGRAM, YES, Case, main, namespaced

SHIM = pathlib.Path(sys.argv[3]).resolve() if len(sys.argv) > 3 else None
FAKE_AGENT = pathlib.Path(sys.argv[4]).resolve() if len(sys.argv) > 4 else None


class Allocation(Case):
    def each(self, words, right):
        """Fails the 1st, 2nd, ... allocation until the command makes no more of them."""
        failed = 0
        for number in range(1, 3000):
            before = ["env", f"LD_PRELOAD={SHIM}", f"FAIL_AT={number}"]
            result = self.run_words([*before, str(PROGRAM), *words])
            if result.code == INTERNAL:
                failed += 1
                self.assertEqual(result.out, "", (number, words, result))
                self.assertIn("memory", result.err, (number, words))
            else:
                # it could do without (giving memory back, the stream's own buffer), or made fewer than `number`
                self.assertEqual((result.code, result.out), right, (number, words, result))
            if number > failed + 40:
                break
        else:
            self.fail(f"{words}: more allocations than expected")
        return failed

    def test_readers(self):
        self.write("old.conf", HOST.replace("10.20.0.9", "10.20.0.8/29"))
        for words in (["check", "policy.conf"], ["check", "--json", "policy.conf"], ["render", "policy.conf"],
                      ["print", "policy.conf"], ["print", "--json", "policy.conf"], ["diff", "old.conf", "policy.conf"],
                      ["diff", "--json", "old.conf", "policy.conf"],
                      ["explain", "policy.conf", "out", "tcp", "10.20.1.10", "10.20.0.5:104"],
                      ["explain", "--json", "policy.conf", "in", "tcp", "10.20.0.6", "10.20.1.10:11112"]):
            right = self.leadglass(*words)
            self.assertIn(right.code, (YES, NO))
            self.assertGreater(self.each(words, (right.code, right.out)), 5, words)

    def test_errors(self):
        self.write("bad.conf", HOST.replace("port 104", "port 104000").replace("worklist", "wrklist"))
        right = self.leadglass("check", "bad.conf")
        self.each(["check", "bad.conf"], (right.code, right.out))


class Agent(Case):
    each = Allocation.each

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
            self.assertGreater(self.each(words, (right.code, right.out)), 1, words)


@namespaced
class Kernel(Case):
    each = Allocation.each

    def test_verify_and_list(self):
        self.expect(YES, "load", "policy.conf")
        for words in (["verify", "policy.conf"], ["list"], ["list", "--json"]):
            right = self.expect(YES, *words)
            self.assertGreater(self.each(words, (right.code, right.out)), 5, words)

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
                self.assertGreater(failed, 50)
                return
        self.fail("more allocations than expected")


if __name__ == "__main__":
    if "libasan" in subprocess.run(["ldd", PROGRAM], capture_output=True, text=True).stdout:
        print("AddressSanitizer has its own allocator: nothing to fail here")
        sys.exit(77)
    main()
