# SPDX-License-Identifier: GPL-2.0-or-later
"""What the commands say beside a real agent: the third program this test is given, in a namespace with its test."""

import pathlib
import re
import subprocess
import sys
import time

from command import HOST, INTERNAL, KERNEL, NO, PROGRAM, YES, Case, main, namespaced

LEADGLASSD = pathlib.Path(sys.argv[3]).resolve() if len(sys.argv) > 3 else None
HERE = "SSH_CONNECTION=10.20.9.77 52114 10.20.1.10 22"
NO_MANAGE = re.sub(r"(?m)^manage .*\n", "", HOST)


@namespaced
class Beside(Case):
    def connect(self):
        """The address that the connection of HERE comes to."""
        for words in ("link add eth0 type veth peer name eth1", "address add 10.20.1.10/16 dev eth0", "link set eth0 up",
                      "link set eth1 up"):
            subprocess.run(["ip", "-n", self.namespace, *words.split()], check=True)

    def start(self, *options):
        for name in ("run", "state"):
            (self.folder / name).mkdir(mode=0o700, exist_ok=True)
        with open(self.folder / "log", "a") as log:
            agent = subprocess.Popen(["ip", "netns", "exec", self.namespace, LEADGLASSD, "--run", self.folder / "run",
                                      "--state", self.folder / "state", *options], stdin=subprocess.DEVNULL, stderr=log,
                                     stdout=log)
        self.addCleanup(agent.wait, 20)
        self.addCleanup(agent.terminate)
        deadline = time.monotonic() + 20
        while self.leadglass("status", "--run", "run").code == KERNEL:
            self.assertTrue(agent.poll() is None and time.monotonic() < deadline, (self.folder / "log").read_text())
            time.sleep(0.02)

    def ask(self, code, *words, **more):
        return self.expect(code, words[0], "--run", "run", *words[1:], **more)

    def test_first_start(self):
        self.start()
        first = self.ask(NO, "status").out.splitlines()[:2]
        self.assertIn("THE WALL IS CLOSED, nothing passes: ", first[0])
        self.assertIn("leadglass apply POLICY", " ".join(first))
        result = self.ask(YES, "apply", "policy.conf")
        self.assertNotIn("the role changes", result.err)
        self.assertIn(" opened, 0 closed\n", result.err)

    def test_lines_that_move(self):
        self.start()
        self.ask(YES, "apply", "policy.conf")
        self.write("policy.conf", "# a comment\n" + HOST)
        result = self.ask(YES, "apply", "policy.conf")
        self.assertIn("no differences\n", result.err)
        found = re.search(r"elements \+(\d+) -\1 \((\d+) only for their line in the policy\); verified", result.out)
        self.assertTrue(found and found[1] == found[2], result)
        self.write("policy.conf", HOST.replace("10.20.0.9", "10.20.0.10"))
        found = re.search(r"elements \+(\d+) -\1 \((\d+) only for", self.ask(YES, "apply", "policy.conf").out)
        self.assertEqual(int(found[1]), int(found[2]) + 1)

    def test_what_waits(self):
        self.start()
        self.ask(YES, "apply", "policy.conf")
        self.write("policy.conf", HOST.replace("10.20.0.9", "10.20.0.10"))
        self.ask(YES, "apply", "--confirm-within", "5m", "policy.conf")
        for words in (["apply", "policy.conf"], ["rollback", "2"]):
            result = self.ask(NO, *words)
            self.assertRegex(result.err, r"policy 2 waits for its confirmation.*; nothing was changed\n$")
        self.assertRegex(self.ask(YES, "rollback").out, r"^policy 1 stands again and policy 2 is given up: ")
        self.ask(NO, "confirm")

    def test_full_device(self):
        self.start()
        with open("/dev/full", "w") as full:
            result = self.leadglass("apply", "--run", "run", "policy.conf", stdout=full)
        self.assertEqual(result.code, INTERNAL, result)
        self.assertRegex(result.err, "cannot write the answer: .*\nleadglass: policy 1 stands\n$")

    def test_service_windows(self):
        self.start()
        self.ask(YES, "apply", "policy.conf")
        window = ["--from", "10.20.9.77", "--to-port", "22"]
        self.assertIn("no service window is open", self.ask(NO, "allow", "--close", "--all").err)
        self.ask(NO, "allow", "--close", *window)
        self.ask(YES, "allow", "--for", "1h", "--reason", "test", *window)
        self.assertEqual(self.ask(YES, "allow", "--close", "--all").out, "1 service window closed\n")

    def test_verify_says_what_to_do(self):
        self.start()
        self.ask(YES, "apply", "policy.conf")
        self.write("other.conf", HOST.replace("10.20.0.9", "10.20.0.10"))
        self.assertIn("; leadglass apply other.conf puts this right\n", self.ask(NO, "verify", "other.conf").out)
        self.write("moved.conf", "# a comment\n" + HOST)
        self.assertIn("; apply brings them up to date\n", self.ask(YES, "verify", "moved.conf").out)

    def test_load_and_remove(self):
        """Also where the kernel would let them."""
        self.start("--unowned")
        self.ask(YES, "apply", "policy.conf")
        for words in (["load", "policy.conf"], ["remove", "--yes"]):
            self.assertRegex(self.ask(KERNEL, *words).err, r"belongs to process \d+ \(leadglassd\).*leadglass apply")
        self.assertEqual(self.ask(YES, "verify").code, YES)
        # An agent keeps the wall of its own network namespace only.
        before, self.namespace = self.namespace, None
        result = self.run_words(["unshare", "--net", str(PROGRAM), "load", "--run", "run", "policy.conf"])
        self.namespace = before
        self.assertEqual(result.code, YES, result)

    def test_nobody_saws_off_his_branch(self):
        self.connect()
        self.write("bare.conf", NO_MANAGE)
        offline = ["apply", "--offline", "--state", "kept"]
        result = self.leadglass(*offline, "bare.conf", before=["env", HERE])
        self.assertEqual((result.code, result.out), (NO, ""), result)
        self.assertRegex(result.err, r"WARNING: this cuts the connection you type in, 10.20.9.77 (.*\n)*.*manage \{ from "
                         r"10.20.9.77; port 22 \}(.*\n)*leadglass: nothing was written: ")
        self.assertFalse((self.folder / "kept").exists())
        self.assertEqual(self.leadglass(*offline, "--yes", "bare.conf", before=["env", HERE]).code, YES)
        self.assertNotIn("WARNING", self.leadglass(*offline, "policy.conf", before=["env", HERE]).err)

    def test_a_peer_called_manage(self):
        """The hint depends on what the policy allows, not on what the reason happens to say."""
        self.connect()
        self.start()
        self.write("bare.conf", NO_MANAGE + "peer manage { address 10.20.9.77; ae-title M; port 104; initiates echo }\n")
        result = self.leadglass("apply", "--run", "run", "bare.conf", before=["env", HERE])
        self.assertEqual(result.code, NO, result)
        self.assertIn("manage { from 10.20.9.77; port 22 } in the policy would keep it", result.err)
        self.write("other.conf", HOST.replace("manage { from 10.20.9.0/24 }", "manage { from 10.20.9.0/24; interface eth7 }"))
        result = self.leadglass("apply", "--run", "run", "other.conf", before=["env", HERE])
        self.assertEqual(result.code, NO, result)
        self.assertNotIn("would keep it", result.err)


if __name__ == "__main__":
    if LEADGLASSD is None:
        sys.exit(77)
    main()
