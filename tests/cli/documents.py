# SPDX-License-Identifier: GPL-2.0-or-later
"""What README, man pages, --help and the example policies show is executed.

A marker (an HTML comment in Markdown, a comment in mdoc) stands before the block it is about:

    file: NAME      the block is written to NAME, for the commands that follow
    run             a line "$ COMMAND" is run; the lines below it are what it prints, `...' being any lines
    run: root       the same, with the kernel: needs root, runs in a network namespace of the document's own
    run: agent      the same, with an agent (the third program this test is given) in a namespace of their own
    run: gateway    the same, by tests/vm/ports.py, on a kernel for role bridge
    fragment: ROLE  part of a policy, checked together with a role and a device
"""

import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

from command import KERNEL, POLICY, PROGRAM, ROOT, SUBCOMMANDS, TREE, YES, Case, main, namespaced
from examples import markdown, matches, mdoc

LEADGLASSD = pathlib.Path(sys.argv[3]).resolve() if len(sys.argv) > 3 else None
WITH_AGENT = ROOT and LEADGLASSD is not None
# In an order that leaves each of them something to do
ASKING = ["apply", "status", "confirm", "history", "show", "allow", "drops", "verify", "metrics", "report", "rollback"]
WRAPS = {"host": "role host\ndevice ct-3 { ae-title CT3; port 11112 }\n",
         "router": "role router\nbox { address 10.20.1.250/24 }\n"
                   "device ct-3 { ae-title CT3; port 11112; address 10.20.1.10 }\n"
                   "device mr-1 { ae-title MR1; port 104; address 10.20.1.11 }\n"}


class Documents(Case):
    def start_agent(self):
        """An agent in the namespace of this test, with folders of its own. Returns words that ask it."""
        folder = self.folder / "agent"
        folder.mkdir()
        for name in ("run", "state"):
            (folder / name).mkdir(mode=0o700)
        with open(folder / "log", "w") as log:
            agent = subprocess.Popen(["ip", "netns", "exec", self.namespace, LEADGLASSD, "--run", folder / "run",
                                      "--state", folder / "state"], stdin=subprocess.DEVNULL, stderr=log, stdout=log)
        self.addCleanup(agent.wait, 20)
        self.addCleanup(agent.terminate)
        deadline = time.monotonic() + 20
        while self.leadglass("status", "--run", str(folder / "run")).code == KERNEL:
            self.assertTrue(agent.poll() is None and time.monotonic() < deadline, (folder / "log").read_text())
            time.sleep(0.02)
        return ["--run", str(folder / "run")]

    def play(self, blocks, agent=False):
        """Runs a document from its beginning to its end: all that need no agent, or all that do. Returns how many
        commands were run."""
        shims = self.folder / "bin"
        shims.mkdir()
        run = " ".join(self.start_agent()) if agent else ""
        (shims / "leadglass").write_text(f"""#!/bin/sh
case "$1 $*" in
*--trust*|*--anchor*) exec {PROGRAM} "$@" ;; # says itself where
trust*|verify-signature*) exec {PROGRAM} "$@" --trust {self.folder}/trust ;;
load*) exec {PROGRAM} "$@" --trust {self.folder}/trust --state {self.folder}/loaded ;;
esac
case $1 in
{'|'.join([*ASKING, "check", "explain", "print", "render"]) if agent else '-'}|diff) command=$1; shift; exec {PROGRAM} "$command" {run} "$@" ;;
*) exec {PROGRAM} "$@" ;;
esac
""")
        (shims / "leadglass").chmod(0o755)
        (shims / "sudo").write_text('#!/bin/sh\nexec "$@"\n')
        (shims / "sudo").chmod(0o755)
        (self.folder / "tokens").mkdir()
        self.write("softhsm.conf", f"directories.tokendir = {self.folder}/tokens\n")
        environment = ["env", f"SOFTHSM2_CONF={self.folder}/softhsm.conf", f"PATH={shims}:{os.environ['PATH']}", "LC_ALL=C",
                       "SSH_CONNECTION=10.20.9.77 52114 10.20.1.10 22"]
        (self.folder / "policy.conf").unlink()
        wanted = ["agent"] if agent else ["", "root"] if ROOT else [""]
        count = 0
        for block in blocks:
            if block.kind == "file":
                self.write(block.argument, block.text)
            if block.kind != "run" or block.argument not in wanted:
                continue
            for command, expected in block.commands():
                result = self.run_words([*environment, "bash", "-c", command + " 2>&1"])
                self.assertTrue(matches(expected, result.out),
                                f"{block.document}: $ {command}\nexpected:\n{expected}printed:\n{result.out}")
                count += 1
        return count

    def test_matcher(self):
        self.assertTrue(matches("a\n...\nb\n", "a\nx\ny\nb\n"))
        self.assertTrue(matches("a ... c\n", "a b c\n"))
        self.assertFalse(matches("a\n", "a\nb\n"))
        self.assertFalse(matches("a.c\n", "abc\n"))

    def test_readme(self):
        self.assertGreaterEqual(self.play(markdown("README.md")), 3)

    def test_man(self):
        self.assertGreaterEqual(self.play(mdoc("leadglass.8")), 3)

    def test_man_with_agent(self):
        if not WITH_AGENT:
            self.skipTest("needs root and leadglassd")
        self.assertGreaterEqual(self.play(mdoc("leadglass.8") + mdoc("leadglassd.8"), agent=True), 5)

    def test_report_man(self):
        self.assertGreaterEqual(self.play(mdoc("leadglass-report.8")), 2)

    def test_report_man_with_agent(self):
        if not WITH_AGENT:
            self.skipTest("needs root and leadglassd")
        self.assertGreaterEqual(self.play(mdoc("leadglass.8") + mdoc("leadglassd.8") + mdoc("leadglass-report.8"), agent=True), 6)

    def test_probe_man(self):
        self.assertGreaterEqual(self.play(mdoc("leadglass-probe.8")), int(ROOT))

    def test_prove_man(self):
        self.assertGreaterEqual(self.play(mdoc("leadglass-prove.8")), 1 + int(ROOT))

    def test_adopting(self):
        self.assertGreaterEqual(self.play(markdown("docs/adopting.md")), int(ROOT))

    def test_sign_man(self):
        self.assertGreaterEqual(self.play(mdoc("leadglass-sign.8")), 8)

    def test_update_man(self):
        self.assertGreaterEqual(self.play(mdoc("leadglass-update.8")), 8)

    def test_trust_man(self):
        self.assertGreaterEqual(self.play(mdoc("leadglass-trust.5")), 18)

    def test_readme_with_agent(self):
        if not WITH_AGENT:
            self.skipTest("needs root and leadglassd")
        self.play(markdown("README.md"), agent=True)

    def test_policy_man(self):
        blocks = mdoc("leadglass-policy.5")
        self.play(blocks)
        self.assertIn("file", [block.kind for block in blocks])
        for number, block in enumerate(blocks):
            name = block.argument
            if block.kind == "fragment":
                name = self.write(f"fragment-{number}.conf", WRAPS[block.argument] + block.text)
            elif block.kind != "file":
                continue
            if "role " not in (self.folder / name).read_text():
                continue  # one that another includes
            result = self.leadglass("check", name)
            self.assertEqual(result.code, YES, (block.text, result))

    def example(self, name):
        """The example of a command's help, as words."""
        return shlex.split(re.search(r"(?m)^Example:\n  leadglass (.*)$", self.expect(YES, name, "--help").out)[1])

    def test_help_examples(self):
        self.write("old.conf", (self.folder / "policy.conf").read_text().replace("10.20.0.9", "10.20.0.8"))
        for name in SUBCOMMANDS:
            words = self.example(name)
            if name in ("sign", "verify-signature", "update"):
                continue  # their own manuals show them with the keys and the box they need
            if (name in ("probe", "load", "list", "remove") and not ROOT) or name in ASKING:
                continue
            result = self.leadglass(*words)
            self.assertEqual(result.err, "", (words, result))
            self.assertLess(result.code, 2, (words, result))

    def test_help_examples_with_agent(self):
        if not WITH_AGENT:
            self.skipTest("needs root and leadglassd")
        self.write("old.conf", (self.folder / "policy.conf").read_text().replace("10.20.0.9", "10.20.0.8"))
        run = self.start_agent()
        self.expect(YES, "apply", *run, "--yes", "old.conf")
        for name in ASKING:
            words = self.example(name)
            result = self.leadglass(words[0], *run, *words[1:])
            self.assertEqual(result.code, YES, (words, result))
            self.assertTrue(result.out, words)
        self.assertEqual(set(ASKING) - set(SUBCOMMANDS), set())

    def test_example_policies(self):
        examples = sorted((TREE / "docs/examples").glob("*.conf"))
        self.assertGreaterEqual(len(examples), 3)
        for path in examples:
            result = self.leadglass("check", "--strict", str(path))
            self.assertEqual((result.code, result.err), (YES, ""), (path, result))
            self.assertNotIn("warning", result.out)


if ROOT:
    Documents = namespaced(Documents)


class Agreement(Case):
    """Man pages against the program."""

    def read(self, name):
        text = (TREE / "docs/man" / name).read_text()
        return re.sub(r'(?m)^\.\\".*\n', "", text)

    def test_lint(self):
        # in that folder, where mandoc finds the pages they refer to
        done = subprocess.run(["mandoc", "-T", "lint", "-W", "style", *sorted(page.name for page in (TREE / "docs/man").iterdir())], cwd=TREE / "docs/man", capture_output=True, text=True)
        complaints = [line for line in done.stdout.splitlines() if "lacks" not in line]
        self.assertEqual(complaints, [])

    def test_every_option_is_in_the_manual(self):
        text = "".join(self.read(f"leadglass{part}.8") for part in ("", "-sign", "-probe", "-prove", "-report", "-update"))
        for name in SUBCOMMANDS:
            self.assertRegex(text, rf"(?m)^(\.It Cm|\.It Xo\n\.Cm) {name}$|^\.It Cm {name} ")
            for option in re.findall(r"(?m)^  --([a-z-]+)", self.expect(YES, name, "--help").out):
                self.assertIn(f"Fl Fl {option}", text, name)

    def test_every_directive_is_in_the_manual(self):
        """What the parser says a block takes, the manual has."""
        text = self.read("leadglass-policy.5")
        names = set()
        for outer in ("", "device d {", "peer p {", "service hl7 {", "manage {", "box {", "log {", "policy {"):
            result = self.expect(POLICY, "check", "-", stdin=f"{outer}\nxyzzyxyzzy\n{'}' if outer else ''}\n")
            takes = re.findall(r"takes: ([a-z, -]+)", result.out)
            self.assertTrue(takes, result)
            names.update(takes[0].split(", "))
        self.assertGreater(len(names), 20)
        for name in names:
            self.assertRegex(text, rf"\b(Ic|Cm) {name}\b")

    def test_every_dicom_service_is_in_the_manual(self):
        text = self.read("leadglass-policy.5")
        source = (TREE / "src/policy/policy_names.c").read_text()
        names = re.findall(r'\[POLICY_[A-Z_]+\] = "([a-z-]+)"', source.split("dicom_names")[1].split("};")[0])
        self.assertGreaterEqual(len(names), 19)
        for name in names:
            self.assertRegex(text, rf"(?m)^\.It Cm {name}$")

    def test_failure_modes(self):
        """What docs/failure-modes.md says is seen, is said in the source; the tests it names are there."""
        said = "".join(path.read_text() for path in (TREE / "firmware/rootfs/etc/init.d").iterdir())
        for path in (TREE / "src").rglob("*.c"):
            text = re.sub(r'"\s*PRI\w+\s*"', "...", path.read_text())
            said += "\n".join(re.sub(r'"\s*"', "", words) for words in re.findall(r'"(?:[^"\\]|\\.)*"(?:\s*"(?:[^"\\]|\\.)*")*', text))
        rows = [line.strip("|").split("|") for line in (TREE / "docs/failure-modes.md").read_text().splitlines()
                if line.startswith("| ") and not line.startswith("| event")]
        self.assertGreater(len(rows), 40)
        for row in rows:
            self.assertEqual(len(row), 4, row)
            for words in re.findall(r"`([^`]+)`", row[2]):
                self.assertIn(words, said, row)
            tests = re.findall(r"`([^`]+)`", row[3])
            self.assertTrue(tests or "no test yet" in row[3], row)
            for name in tests:
                self.assertTrue((TREE / "tests" / name).is_file(), name)

    def test_limits(self):
        """Each limit in the header is in the manual with its number."""
        text = self.read("leadglass-policy.5")
        header = (TREE / "src/policy/policy.h").read_text()
        limits = re.findall(r"#define POLICY_(\w+_MAX) ([0-9]+)\b(?!u? <<)", header)
        self.assertGreaterEqual(len(limits), 8)
        for name, value in limits:
            if name != "BLOCK_DEPTH_MAX":
                self.assertRegex(text, rf"\b{int(value):,}\b|\b{value}\b", name)


if __name__ == "__main__":
    main()
