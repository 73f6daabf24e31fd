# SPDX-License-Identifier: GPL-2.0-or-later
"""What README, man pages, --help and the example policies show is executed.

A marker (an HTML comment in Markdown, a comment in mdoc) stands before the block it is about:

    file: NAME      the block is written to NAME, for the commands that follow
    run             a line "$ COMMAND" is run; the lines below it are what it prints, `...' being any lines
    run: root       the same, with the kernel: needs root, runs in a network namespace of the document's own
    fragment: ROLE  part of a policy, checked together with a role and a device
"""

import os
import re
import shutil
import subprocess

from command import POLICY, PROGRAM, ROOT, SUBCOMMANDS, TREE, YES, Case, main, namespaced

MARKER = r"(file|run|fragment)(?:: (\S+))?"
WRAPS = {"host": "role host\ndevice ct-3 { ae-title CT3; port 11112 }\n",
         "router": "role router\nbox { address 10.20.1.250/24 }\n"
                   "device ct-3 { ae-title CT3; port 11112; address 10.20.1.10 }\n"
                   "device mr-1 { ae-title MR1; port 104; address 10.20.1.11 }\n"}


class Block:
    def __init__(self, document, kind, argument, text):
        self.document, self.kind, self.argument, self.text = document, kind, argument, text

    def commands(self):
        """(command, expected output) pairs"""
        parts = re.split(r"(?m)^\$ (.*)\n", self.text)
        assert parts[0] == "", f"{self.document}: text before the first command: {parts[0]!r}"
        return list(zip(parts[1::2], parts[2::2]))


def markdown(name):
    text = (TREE / name).read_text()
    pattern = rf"<!-- {MARKER} -->\n```\w*\n(.*?)^```$"
    blocks = [Block(name, *found) for found in re.findall(pattern, text, re.M | re.S)]
    assert len(blocks) == len(re.findall(rf"<!-- {MARKER} -->", text)), f"{name}: a marker without its block"
    return blocks


def mdoc(name):
    text = (TREE / "docs/man" / name).read_text()
    pattern = rf'^\.\\" {MARKER}\n\.Bd -literal[^\n]*\n(.*?)^\.Ed$'
    blocks = [Block(name, *found) for found in re.findall(pattern, text, re.M | re.S)]
    assert len(blocks) == len(re.findall(rf'(?m)^\.\\" {MARKER}$', text)), f"{name}: a marker without its block"
    for block in blocks:
        block.text = block.text.replace("\\&", "").replace("\\e", "\\").replace("\\-", "-")
    return blocks


def matches(expected, printed):
    pattern = "".join(r"(?:.*\n)*" if line == "...\n" else re.escape(line).replace(r"\.\.\.", ".*")
                      for line in expected.splitlines(keepends=True))
    return re.fullmatch(pattern, printed) is not None


class Documents(Case):
    def play(self, blocks):
        """Runs a document from its beginning to its end. Returns how many commands were run."""
        shims = self.folder / "bin"
        shims.mkdir()
        (shims / "leadglass").symlink_to(PROGRAM)
        (shims / "sudo").write_text('#!/bin/sh\nexec "$@"\n')
        (shims / "sudo").chmod(0o755)
        environment = ["env", f"PATH={shims}:{os.environ['PATH']}", "LC_ALL=C"]
        (self.folder / "policy.conf").unlink()
        count = 0
        for block in blocks:
            if block.kind == "file":
                self.write(block.argument, block.text)
            if block.kind != "run" or (block.argument == "root" and not ROOT):
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

    def test_unit(self):
        """The README's systemd unit, with the program where it is here."""
        text = [block.text for block in markdown("README.md") if block.argument == "leadglass.service"]
        self.assertEqual(len(text), 1)
        self.assertIn("ExecStart=/usr/local/bin/leadglass load /etc/leadglass/policy.conf\n", text[0])
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd is not installed")
        self.write("leadglass.service", text[0].replace("/usr/local/bin/leadglass", str(PROGRAM)))
        result = self.run_words(["systemd-analyze", "verify", str(self.folder / "leadglass.service")])
        said = [line for line in result.err.splitlines() if "leadglass" in line]
        self.assertEqual((result.code, said), (0, []))

    def test_man(self):
        self.assertGreaterEqual(self.play(mdoc("leadglass.8")), 3)

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

    def test_help_examples(self):
        self.write("old.conf", (self.folder / "policy.conf").read_text().replace("10.20.0.9", "10.20.0.8"))
        for name in SUBCOMMANDS:
            example = re.search(r"(?m)^Example:\n  leadglass (.*)$", self.expect(YES, name, "--help").out)[1]
            if name in ("load", "verify", "list", "remove") and not ROOT:
                continue
            result = self.leadglass(*example.split())
            self.assertEqual(result.err, "", (example, result))
            self.assertLess(result.code, 2, (example, result))

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
        try:
            # in that folder, where mandoc finds the pages they refer to
            done = subprocess.run(["mandoc", "-T", "lint", "-W", "style", "leadglass.8", "leadglass-policy.5"],
                                  cwd=TREE / "docs/man", capture_output=True, text=True)
        except FileNotFoundError:
            self.skipTest("mandoc is not installed")
        complaints = [line for line in done.stdout.splitlines() if "lacks" not in line]
        self.assertEqual(complaints, [])

    def test_every_option_is_in_the_manual(self):
        text = self.read("leadglass.8")
        for name in SUBCOMMANDS:
            self.assertIn(f".It Cm {name}", text.replace(".Cm explain\n", ".It Cm explain\n"))
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
