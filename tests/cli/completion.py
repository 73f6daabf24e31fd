# SPDX-License-Identifier: GPL-2.0-or-later
"""The bash completion: loads, offers what the program takes, and nothing else."""

import os
import re
import subprocess

from command import SUBCOMMANDS, TREE, YES, Case, main

SCRIPT = TREE / "src/cli/leadglass.bash" if TREE else None
FRAME = r"""
set -u
source "$1" || exit 1
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_leadglass
printf '%s\n' ${COMPREPLY[@]+"${COMPREPLY[@]}"}
"""


class Completion(Case):
    def complete(self, *words):
        done = subprocess.run(["bash", "--norc", "-c", FRAME, "bash", SCRIPT, "leadglass", *words], cwd=self.folder,
                              capture_output=True, text=True, timeout=20)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.split()

    def test_sources_cleanly(self):
        done = subprocess.run(["bash", "--norc", "-uec", 'source "$1"; complete -p leadglass', "bash", SCRIPT],
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("-F _leadglass leadglass", done.stdout)

    def test_subcommands(self):
        self.assertEqual(self.complete("")[:len(SUBCOMMANDS)], SUBCOMMANDS)
        self.assertEqual(self.complete("ch"), ["check"])
        self.assertEqual(self.complete("re"), ["render", "report", "remove"])
        self.assertEqual(self.complete("a"), ["apply", "allow"])
        self.assertEqual(self.complete("help", "ver"), ["verify-signature", "verify"])
        self.assertEqual(self.complete("trust", ""), ["list", "add", "remove"])

    def test_options_are_those_of_the_help(self):
        for name in SUBCOMMANDS:
            help_text = self.expect(YES, name, "--help").out
            options = set(re.findall(r"(?m)^  (--[a-z-]+)", help_text)) | {"--help"}
            self.assertEqual(set(self.complete(name, "--")), options, name)
        self.assertEqual(self.complete("trust", "list", "--"), ["--json", "--trust", "--help"])
        self.assertEqual(self.complete("trust", "--trust", "add", "remove", "--"), ["--yes", "--trust", "--run", "--help"])
        self.assertNotIn("--yes", self.complete("trust", "add", "--"))

    def test_files(self):
        for words in (["check"], ["load"], ["check", "--json"], ["diff", "policy.conf"], ["explain", "--json"]):
            self.assertEqual(self.complete(*words, "pol"), ["policy.conf"], words)
        self.assertEqual(self.complete("apply", "--confirm-within", "2m", "pol"), ["policy.conf"])
        self.assertEqual(self.complete("apply", "--confirm-within", "=", "2m", "pol"), ["policy.conf"])
        self.assertEqual(self.complete("check", "--run", "run", "pol"), ["policy.conf"])
        self.assertEqual(self.complete("report", "--html", "pol"), ["policy.conf"])
        self.assertEqual(self.complete("check", "policy.conf", "pol"), [])
        self.assertEqual(self.complete("apply", "--confirm-within", "2m", "policy.conf", "pol"), [])
        for words in (["sign"], ["sign", "--key"], ["sign", "--key", "=", "k", "--output"], ["verify-signature"],
                      ["verify-signature", "--anchor"], ["trust", "add"], ["trust", "add", "--for", "site"]):
            self.assertEqual(self.complete(*words, "pol"), ["policy.conf"], words)
        self.assertEqual(self.complete("trust", "list", "pol"), [])
        self.assertEqual(self.complete("trust", "add", "policy.conf", "pol"), [])
        self.assertEqual(self.complete("list", "pol"), [])
        self.assertEqual(self.complete("remove", "pol"), [])

    def test_values(self):
        (self.folder / "folder").mkdir()
        self.assertEqual(self.complete("status", "--run", ""), ["folder"])
        self.assertEqual(self.complete("status", "--run", "=", "fo"), ["folder"])
        self.assertEqual(self.complete("status", "--run", "="), [])
        self.assertEqual(self.complete("apply", "--confirm-within", "2"), ["2m"])
        self.assertEqual(self.complete("allow", "--for", "8"), ["8h"])
        self.assertEqual(self.complete("allow", "--to-port", "=", "33"), ["3389"])
        self.assertEqual(self.complete("allow", "--from", "po"), [])
        self.assertEqual(self.complete("allow", "--reason", "po"), [])
        self.assertEqual(self.complete("load", "--trust", ""), ["folder"])
        self.assertEqual(self.complete("trust", "add", "--for", ""), ["site", "oem"])
        self.assertEqual(self.complete("trust", "add", "--site", "po"), [])
        self.assertEqual(self.complete("probe", "--role", "r"), ["router"])
        self.assertEqual(self.complete("probe", "--role", "router", "pol"), ["policy.conf"])

    def test_kept_policies(self):
        fake = self.folder / "bin"
        fake.mkdir()
        (fake / "leadglass").write_text("#!/bin/sh\n[ \"$1\" = history ] || exit 1\n"
                                        "[ \"$2$3\" != --runother ] || { echo '     7  2026-11-22'; exit; }\n"
                                        "echo 'NUMBER  APPLIED'\necho '    10  2026-11-22'\necho '        by alice'\n"
                                        "echo '     9  2026-11-22'\n")
        (fake / "leadglass").chmod(0o755)
        path = os.environ["PATH"]
        self.addCleanup(os.environ.__setitem__, "PATH", path)
        os.environ["PATH"] = f"{fake}:{path}"
        self.assertEqual(self.complete("check", "@"), ["@running", "@10", "@9"])
        self.assertEqual(self.complete("diff", "@10", "@r"), ["@running"])
        self.assertEqual(self.complete("show", ""), ["10", "9"])
        self.assertEqual(self.complete("rollback", "1"), ["10"])
        self.assertEqual(self.complete("rollback", "9", ""), [])
        self.assertEqual(self.complete("rollback", "--run", "other", ""), ["7"])
        self.assertEqual(self.complete("check", "--run", "=", "other", "@"), ["@running", "@7"])
        (fake / "leadglass").write_text("#!/bin/sh\necho 'leadglass: no agent runs here' >&2\nexit 4\n")
        self.assertEqual(self.complete("check", "@"), ["@running"])
        self.assertEqual(self.complete("show", ""), [])

    def test_anchors(self):
        fake = self.folder / "bin"
        fake.mkdir()
        (fake / "leadglass").write_text("#!/bin/sh\n[ \"$1$2\" = trustlist ] || exit 1\n"
                                        "[ \"$3$4\" != --trustother ] || { echo 'anchor       x may change'; exit; }\n"
                                        "echo 'this box     site s'\necho 'anchor       st-anna.site may change'\n"
                                        "echo 'subject      CN=a'\n")
        (fake / "leadglass").chmod(0o755)
        path = os.environ["PATH"]
        self.addCleanup(os.environ.__setitem__, "PATH", path)
        os.environ["PATH"] = f"{fake}:{path}"
        self.assertEqual(self.complete("trust", "remove", "--yes", ""), ["st-anna.site"])
        self.assertEqual(self.complete("trust", "remove", "--trust", "=", "other", ""), ["x"])
        self.assertEqual(self.complete("trust", "remove", "x", ""), [])

    def test_flows(self):
        self.assertEqual(self.complete("explain", "policy.conf", ""), ["in", "out", "forward"])
        self.assertEqual(self.complete("explain", "policy.conf", "in", "t"), ["tcp"])
        self.assertEqual(self.complete("explain", "policy.conf", "in", "a"), ["arp"])
        self.assertEqual(self.complete("explain", "policy.conf", "in", "tcp", "1"), [])
        tail = ["explain", "policy.conf", "in", "tcp", "10.0.0.1", "10.0.0.2:1"]
        self.assertEqual(self.complete(*tail, "in"), ["invalid"])
        # as bash hands it over
        self.assertEqual(self.complete(*tail[:4], "10.0.0.1", ":", "5", "10.0.0.2", ":", "1", "in"), ["invalid"])
        self.assertEqual(self.complete(*tail[:5], ":", "i"), [])
        self.assertIn("lo", self.complete(*tail, "iif", ""))

    def test_unknown(self):
        self.assertEqual(self.complete("xyzzy", ""), [])


if __name__ == "__main__":
    main()
