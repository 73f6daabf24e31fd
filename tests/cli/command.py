# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of the command share: how it is run, and the policies it is given."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 2 else None
TREE = pathlib.Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else None
ROOT = os.geteuid() == 0

YES, NO, USAGE, POLICY, KERNEL, INTERNAL = range(6)

SUBCOMMANDS = ["check", "explain", "prove", "diff", "print", "render", "sign", "verify-signature", "status", "drops", "apply",
               "confirm", "rollback", "history", "show", "allow", "verify", "metrics", "report", "probe", "load", "list", "remove", "trust",
               "update"]

HOST = """\
role host
device ct-3 { ae-title CT3; port 11112 }
peer main-pacs {
	address 10.20.0.5
	ae-title MAIN_PACS
	port 104
	initiates echo storage storage-commitment
	accepts echo storage-commitment
}
peer ris { address 10.20.0.9; ae-title RIS; port 11112; initiates worklist mpps }
service ntp { to 10.20.0.123 }
manage { from 10.20.9.0/24 }
"""


class Result:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    def __repr__(self):
        return f"exit {self.code}\n--- stdout\n{self.out}--- stderr\n{self.err}"


class Case(unittest.TestCase):
    """A folder with policies in it, and the command run there."""

    namespace = None

    def setUp(self):
        self.maxDiff = None
        folder = tempfile.TemporaryDirectory(prefix="leadglass-cli-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.folder.chmod(0o755)
        self.write("policy.conf", HOST)

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return name

    def run_words(self, words, stdin="", stdout=subprocess.PIPE, before=()):
        prefix = ["ip", "netns", "exec", self.namespace] if self.namespace else []
        done = subprocess.run([*prefix, *before, *words], cwd=self.folder, input=stdin, stdout=stdout,
                              stderr=subprocess.PIPE, timeout=60, text=True)
        return Result(done)

    def leadglass(self, *words, **more):
        return self.run_words([str(PROGRAM), *words], **more)

    def expect(self, code, *words, **more):
        """Runs it and checks what holds for every run: the exit code, and that a failure has an explanation on
        standard error and no answer."""
        result = self.leadglass(*words, **more)
        self.assertEqual(result.code, code, (words, result))
        if code >= USAGE and words[0] != "check":
            self.assertFalse(result.out, (words, result))
        if code >= USAGE and words[0] != "check":
            self.assertTrue(result.err, (words, result))
        return result


def namespaced(case):
    """Gives each test of the class a network namespace of its own; without root it is skipped."""

    def make(self):
        name = f"lg-cli-{os.getpid()}"
        subprocess.run(["ip", "netns", "add", name], check=True)
        self.addCleanup(subprocess.run, ["ip", "netns", "delete", name], check=True)
        subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
        self.namespace = name

    inner = case.setUp

    def set_up(self):
        inner(self)
        make(self)

    case.setUp = set_up
    return unittest.skipUnless(ROOT, "needs root for a network namespace")(case)


def main():
    """Runs the tests of the calling file. 77 when every one was skipped."""
    result = unittest.main(argv=sys.argv[:1], exit=False, verbosity=2).result
    if not result.wasSuccessful() or result.testsRun == 0:
        sys.exit(1)
    sys.exit(77 if len(result.skipped) == result.testsRun else 0)
