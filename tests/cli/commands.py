# SPDX-License-Identifier: GPL-2.0-or-later
"""Every subcommand that needs no kernel: its help, its answers, its exit codes, good input and bad."""

import json
import os
import re
import subprocess
import unittest

from command import (HOST, INTERNAL, KERNEL, NO, POLICY, PROGRAM, ROOT, SUBCOMMANDS, USAGE, YES, Case, main)

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
READERS = [("check", ["policy.conf"]), ("render", ["policy.conf"]), ("print", ["policy.conf"]),
           ("diff", ["policy.conf", "policy.conf"]),
           ("explain", ["policy.conf", "out", "tcp", "10.20.1.10", "10.20.0.5:104"])]


class Help(Case):
    def test_usage_names_every_subcommand(self):
        out = self.expect(YES, "--help").out
        listed = re.findall(r"^  ([a-z-]+) {2,}\S", out, re.M)
        self.assertEqual(listed, SUBCOMMANDS)
        for words in (["-h"], ["help"], ["help", "help"], ["help", "--help"], ["help", "-h"]):
            self.assertEqual(self.expect(YES, *words).out, out)

    def test_each_help_is_complete(self):
        for name in SUBCOMMANDS:
            out = self.expect(YES, name, "--help").out
            self.assertRegex(out, rf"^leadglass {name}: ")
            self.assertRegex(out, rf"(?m)^Usage: leadglass {name}\b")
            self.assertIn("\nExit status: 0 ", out)
            self.assertRegex(out, rf"(?m)^Example:\n  leadglass {name}\b")
            self.assertLessEqual(max(map(len, out.splitlines())), 80, name)
            self.assertEqual(self.expect(YES, "help", name).out, out)
            self.assertEqual(self.expect(YES, "--help", name).out, out)
            self.assertEqual(self.expect(YES, name, "-h").out, out)
            usage = re.search(r"(?ms)^Usage: (.*?)\n\n", out)[1]
            described = set(re.findall(r"(?m)^  (--[a-z-]+) ", out))
            self.assertEqual(described, set(re.findall(r"--[a-z-]+", usage)), name)

    def test_version(self):
        self.assertRegex(self.expect(YES, "--version").out, r"^leadglass [0-9]+\.[0-9]+\.[0-9]+\n$")
        self.assertEqual(self.leadglass("-V").out, self.leadglass("--version").out)


class Usage(Case):
    def test_no_command(self):
        self.assertIn("leadglass --help", self.expect_plain([]).err)

    def expect_plain(self, words):
        result = self.leadglass(*words)
        self.assertEqual((result.code, result.out), (USAGE, ""), result)
        self.assertTrue(result.err.startswith("leadglass: "), result)
        return result

    def test_near_misses(self):
        for wrong, right in (("chekc", "check"), ("lst", "list"), ("verfy", "verify"), ("explian", "explain"),
                             ("removee", "remove"), ("reload", "load")):
            self.assertIn(f"did you mean {right}?", self.expect_plain([wrong]).err)
        for wrong in ("xyzzy", "x" * 5000, "", "no", "apply-everything-at-once"):
            self.assertNotIn("did you mean", self.expect_plain([wrong]).err)
        self.assertIn("did you mean check?", self.expect_plain(["help", "chekc"]).err)

    def test_unknown_options(self):
        self.assertIn("--frobnicate", self.expect_plain(["--frobnicate"]).err)
        for name, operands in READERS + [("load", ["policy.conf"]), ("list", []), ("remove", ["--yes"])]:
            for option in ("--frobnicate", "-x", "--help=yes", "--yes-really"):
                err = self.expect_plain([name, option, *operands]).err
                self.assertIn(f"{name}: ", err)
                self.assertIn(f"Usage: leadglass {name} ", err)
        self.expect_plain(["render", "--json", "policy.conf"])
        self.expect_plain(["check", "--yes", "policy.conf"])
        self.assertIn("-x", self.expect_plain(["check", "-x", "policy.conf"]).err)

    def test_operands(self):
        for name in ("check", "render", "print", "load", "verify", "apply"):
            if name != "verify":  # the agent's own policy then
                self.expect_plain([name])
            self.assertIn("too-many", self.expect_plain([name, "policy.conf", "too-many"]).err)
        self.expect_plain(["diff", "policy.conf"])
        self.expect_plain(["diff", "policy.conf", "policy.conf", "policy.conf"])
        self.expect_plain(["diff", "-", "-"])
        for name in ("list", "status", "drops", "confirm", "history", "metrics"):
            self.expect_plain([name, "policy.conf"])
        self.expect_plain(["remove", "--yes", "policy.conf"])
        self.expect_plain(["explain", "policy.conf", "in", "tcp", "10.20.0.5"])

    def test_words_after_help_and_version(self):
        for words in (["help", "load", "extra"], ["help", "help", "extra"], ["--help", "load", "extra"],
                      ["--version", "extra"], ["-V", "extra"]):
            self.assertIn("one word too many: extra", self.expect_plain(words).err)

    def test_remove_asks_first(self):
        self.assertIn("remove --yes", self.expect_plain(["remove"]).err)

    def test_options_after_operands_and_double_dash(self):
        self.write("--odd.conf", HOST)
        json.loads(self.expect(YES, "print", "policy.conf", "--json").out)
        self.expect(YES, "check", "--", "--odd.conf")


class Input(Case):
    """What can be wrong with the file."""

    def everywhere(self, code, name, text=None, before=()):
        for command, operands in READERS:
            operands = [name if word == "policy.conf" else word for word in operands]
            result = self.leadglass(command, *operands, before=before)
            self.assertEqual(result.code, code, (command, result))
            said = result.out + result.err
            self.assertTrue(said, (command, result))
            if text:
                self.assertRegex(said, text, command)
            if command != "check":
                self.assertEqual(result.out, "", (command, result))
            self.assertNotIn("Sanitizer", said)

    def test_missing(self):
        self.everywhere(POLICY, "nowhere.conf", r"nowhere\.conf.*No such file")

    def test_folder(self):
        self.everywhere(POLICY, ".", r"(?i)director|folder")

    def test_empty(self):
        self.write("empty.conf", "")
        self.everywhere(POLICY, "empty.conf", "role")

    def test_garbage(self):
        (self.folder / "garbage.conf").write_bytes(os.urandom(300) * 100)
        for command, operands in READERS:
            operands = ["garbage.conf" if word == "policy.conf" else word for word in operands]
            done = subprocess.run([PROGRAM, command, *operands], cwd=self.folder, capture_output=True, timeout=60)
            self.assertEqual(done.returncode, POLICY, done)
            # nothing that a terminal would act on
            self.assertFalse(set(done.stdout + done.stderr) & (set(range(32)) - set(b"\t\n")), command)

    def test_huge(self):
        with open(self.folder / "huge.conf", "wb") as file:
            file.truncate(65 << 20)
        self.everywhere(POLICY, "huge.conf", r"64|large|big|limit")

    def test_endless(self):
        self.everywhere(POLICY, "/dev/zero")

    @unittest.skipUnless(ROOT, "needs root to become nobody")
    def test_unreadable(self):
        self.write("secret.conf", HOST)
        (self.folder / "secret.conf").chmod(0o600)
        self.everywhere(KERNEL, "secret.conf", r"secret\.conf.*Permission denied", before=NOBODY)
        self.assertEqual(self.leadglass("check", "policy.conf", before=NOBODY).code, YES)

    def test_invalid(self):
        self.write("bad.conf", HOST.replace("port 104", "port 104000").replace("initiates worklist", "initiates wrklist"))
        self.everywhere(POLICY, "bad.conf", r"bad\.conf:6:7: error: (?s:.)*bad\.conf:10:\d+: error: .*worklist")

    def test_standard_input(self):
        for command, operands in READERS:
            there = self.leadglass(command, *operands).out
            result = self.leadglass(command, "-", *operands[1:], stdin=HOST)
            self.assertIn(result.code, (YES, NO))
            if command in ("print", "diff"):
                self.assertEqual(result.out, there)
        bad = self.leadglass("print", "-", stdin="role hots\n")
        self.assertEqual(bad.code, POLICY)
        self.assertIn("-:1:6: error: ", bad.err)

    def test_policy_through_a_pipe(self):
        os.mkfifo(self.folder / "pipe")
        writer = subprocess.Popen(["cp", "policy.conf", "pipe"], cwd=self.folder)
        self.addCleanup(writer.wait)
        self.addCleanup(writer.kill)
        self.expect(YES, "check", "pipe")


class Output(Case):
    """An answer that cannot be written is no answer."""

    def test_full_device(self):
        words = [["--help"], ["--version"], ["check", "--help"]] + [[c, *o] for c, o in READERS]
        for line in words:
            with open("/dev/full", "w") as full:
                result = self.leadglass(*line, stdout=full)
            self.assertEqual(result.code, INTERNAL, (line, result))
            self.assertIn("cannot write the answer: No space left on device", result.err)

    def test_closed_descriptors(self):
        result = self.run_words(["sh", "-c", f"{PROGRAM} print policy.conf >&-"])
        self.assertEqual(result.code, INTERNAL, result)
        self.assertIn("cannot write the answer", result.err)
        result = self.run_words(["sh", "-c", f"{PROGRAM} check - <&-"])
        self.assertEqual(result.code, POLICY, result)
        result = self.run_words(["sh", "-c", f"{PROGRAM} print nowhere.conf 2>&-"])
        self.assertEqual(result.code, POLICY, result)
        # nothing was closed but standard error: the policy is not written into whatever took its place
        result = self.run_words(["sh", "-c", f"{PROGRAM} print policy.conf 2>&-"])
        self.assertEqual(result.code, YES, result)


class Check(Case):
    def test_summary(self):
        self.assertEqual(self.expect(YES, "check", "policy.conf").out,
                         "policy.conf: role host, 1 device, 2 peers, 1 service\n")

    def test_warnings(self):
        self.write("loose.conf", HOST.replace("manage { from 10.20.9.0/24 }\n", ""))
        result = self.expect(YES, "check", "loose.conf")
        self.assertRegex(result.out, r"warning: .*manage")
        self.assertRegex(result.out, r"; 1 warning\n$")
        self.expect(NO, "check", "--strict", "loose.conf")
        self.expect(YES, "check", "--strict", "policy.conf")

    def test_problems_are_the_answer(self):
        self.write("bad.conf", "role hots\n")
        result = self.expect(POLICY, "check", "bad.conf")
        self.assertRegex(result.out, r"^bad\.conf:1:6: error: .*host.*\n    role hots\n         \^~~~\n")
        self.assertEqual(result.err, "")

    def test_json(self):
        answer = json.loads(self.expect(YES, "check", "--json", "policy.conf").out)
        self.assertEqual(answer, {"policy": "policy.conf", "valid": True, "role": "host", "devices": 1, "peers": 2,
                                  "services": 1, "signed": False, "errors": 0, "warnings": 0, "problems": []})
        self.write("bad.conf", "role hots\n")
        answer = json.loads(self.expect(POLICY, "check", "--json", "bad.conf").out)
        self.assertFalse(answer["valid"])
        self.assertEqual(answer["errors"], len(answer["problems"]))
        problem = answer["problems"][0]
        self.assertEqual((problem["level"], problem["file"], problem["line"], problem["column"]),
                         ("error", "bad.conf", 1, 6))
        answer = json.loads(self.expect(POLICY, "check", "--json", "nowhere.conf").out)
        self.assertFalse(answer["valid"])
        self.assertIn("nowhere.conf", answer["problems"][0]["what"])


class Print(Case):
    def test_fixpoint(self):
        once = self.expect(YES, "print", "policy.conf").out
        self.assertIn("main-pacs", once)
        self.assertEqual(self.expect(YES, "print", "-", stdin=once).out, once)

    def test_json(self):
        answer = json.loads(self.expect(YES, "print", "--json", "policy.conf").out)
        self.assertEqual(answer["role"], "host")
        self.assertEqual([peer["name"] for peer in answer["peers"]], ["main-pacs", "ris"])


class Render(Case):
    def test_is_nft_text(self):
        out = self.expect(YES, "render", "policy.conf").out
        for part in ("table inet leadglass", "10.20.0.5 . 104", "main-pacs policy.conf:4", "drop"):
            self.assertIn(part, out)


class Explain(Case):
    def explain(self, code, *words):
        return self.expect(code, "explain", "policy.conf", *words).out.splitlines()

    def test_accept(self):
        lines = self.explain(YES, "out", "tcp", "10.20.1.10", "10.20.0.5:104")
        self.assertRegex(lines[0], "^accept: .*main-pacs")
        self.assertRegex(lines[1], "^  rule: output: .*accept")
        self.assertEqual(lines[-1], "  policy: policy.conf:4")

    def test_drop(self):
        lines = self.explain(NO, "in", "tcp", "10.20.0.6", "10.20.1.10:11112")
        self.assertRegex(lines[0], r"^drop: .*10\.20\.0\.6")
        self.assertRegex(lines[1], "^  rule: input: .*drop")

    def test_both_ways(self):
        self.explain(YES, "in", "tcp", "10.20.0.5", "10.20.1.10:11112")
        self.explain(NO, "in", "tcp", "10.20.0.9", "10.20.1.10:11112")
        self.explain(YES, "in", "tcp", "10.20.0.5:104", "10.20.1.10:49152", "established", "reply")
        self.explain(NO, "in", "tcp", "10.20.0.5", "10.20.1.10:11112", "invalid")
        self.explain(NO, "in", "tcp", "10.20.0.5", "10.20.1.10:11112", "spoofed")
        self.explain(NO, "forward", "tcp", "10.20.0.5", "10.20.1.10:11112")

    def test_json(self):
        answer = json.loads(self.expect(YES, "explain", "--json", "policy.conf", "out", "tcp", "10.20.1.10",
                                        "10.20.0.5:104").out)
        self.assertEqual((answer["verdict"], answer["chain"], answer["set"], answer["file"], answer["line"]),
                         ("accept", "output", "initiates4", "policy.conf", 4))
        answer = json.loads(self.expect(NO, "explain", "--json", "policy.conf", "in", "udp", "10.20.0.6:5",
                                        "10.20.1.10:6").out)
        self.assertEqual((answer["verdict"], answer["set"], answer["element"]), ("drop", None, None))

    def test_flows_that_make_no_sense(self):
        for words in (["sideways", "tcp", "10.0.0.1", "10.0.0.2:1"], ["in", "tpc", "10.0.0.1", "10.0.0.2:1"],
                      ["in", "tcp", "10.0.0.1", "10.0.0.2"], ["in", "tcp", "main-pacs", "10.0.0.2:1"],
                      ["in", "tcp", "10.0.0.1", "10.0.0.2:99999"], ["in", "tcp", "10.0.0.1", "[::1]:1"],
                      ["in", "tcp", "10.0.0.1", "10.0.0.2:1", "perhaps"]):
            err = self.expect(USAGE, "explain", "policy.conf", *words).err
            self.assertTrue(err.startswith("leadglass: explain: "), err)


if __name__ == "__main__":
    main()
