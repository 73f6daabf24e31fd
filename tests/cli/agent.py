# SPDX-License-Identifier: GPL-2.0-or-later
"""What the commands make of an agent's answers: fake_agent.c plays the agent, agent/NAME.txt is what must be printed.

Called with --update as the last word it writes agent/*.txt anew.
"""

import json
import os
import pathlib
import pwd
import re
import socket
import subprocess
import sys

UPDATE = sys.argv[-1] == "--update"
if UPDATE:
    sys.argv.pop()

from command import INTERNAL, KERNEL, NO, POLICY, PROGRAM, ROOT, TREE, USAGE, YES, Case, main

FAKE = pathlib.Path(sys.argv[3]).resolve() if len(sys.argv) > 3 else None
GOLDEN = TREE / "tests/cli/agent" if TREE else None


class AgentCase(Case):
    def setUp(self):
        super().setUp()
        for name, value in (("TZ", "UTC"), ("SUDO_USER", "alice"), ("SSH_CONNECTION", "10.20.9.77 52114 10.20.1.10 22")):
            before = os.environ.get(name)
            os.environ[name] = value
            self.addCleanup(os.environ.__setitem__ if before is not None else os.environ.pop, name, before)

    def scene(self, name):
        """Starts a fake agent; every command of this test is told where it is."""
        folder = self.folder / "run"
        folder.mkdir(exist_ok=True)
        agent = subprocess.Popen([FAKE, folder, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

        def end():
            agent.stdin.close()
            agent.wait(10)
            agent.stdout.close()
        self.addCleanup(end)
        self.assertEqual(agent.stdout.readline(), "ready\n")
        self.end_scene = end
        return agent

    def agent(self, code, *words, **more):
        return self.expect(code, words[0], "--run", "run", *words[1:], **more)

    def golden(self, name, printed):
        path = GOLDEN / f"{name}.txt"
        if UPDATE:
            path.write_text(printed)
        self.assertEqual(printed, path.read_text(), f"{name}: if it is meant to be so: agent.py ... --update")
        if not name.endswith("json"):
            self.assertLessEqual(max(map(len, printed.splitlines())), 80)


class Status(AgentCase):
    def test_scenes(self):
        for scene, code in (("up", YES), ("window", YES), ("trouble", NO), ("closed", NO), ("closed-manage", NO),
                            ("none", NO), ("many", YES), ("signed", YES), ("expired", YES), ("untrusted", YES),
                            ("trust-unknown", YES)):
            with self.subTest(scene):
                self.scene(scene)
                self.golden(f"status-{scene}", self.agent(code, "status").out)
                self.end_scene()

    def test_all(self):
        self.scene("many")
        out = self.agent(YES, "status", "--all").out
        self.assertIn("\npeer-25 ", out)
        self.assertNotIn("more (--all", out)
        self.assertIn("\nforward: nothing is routed ", out)

    def test_json(self):
        self.scene("trouble")
        out = self.agent(NO, "status", "--json").out
        self.golden("status-json", out)
        answer = json.loads(out)
        self.assertEqual((answer["wall"], answer["policy"]["number"], answer["agent"]["seccomp"]), ("unverified", 12, False))
        self.assertEqual([(peer["packets"], peer["counted"]) for peer in answer["peers"]],
                         [(120345, True), (0, True), (40, True), (None, False), (None, False)])
        self.assertEqual([alarm["note"] for alarm in answer["alarms"]], [False, True])
        self.assertEqual((answer["heard"], answer["forgotten"]), (1014, 3))
        self.assertEqual(answer["windows"][0]["to"], None)

    def test_trust_json(self):
        for scene, trust, signer in (("up", "unsigned", None), ("signed", "signed", "CN=policy desk, O=St. Anna"),
                                     ("untrusted", "not-trusted", None), ("trust-unknown", "unknown", None),
                                     ("trust-odd", "unknown", None)):
            self.scene(scene)
            policy = json.loads(self.agent(YES, "status", "--json").out)["policy"]
            self.assertEqual((policy["trust"], policy["signer"]), (trust, signer))
            self.assertEqual(policy["anchor"], "st-anna.site" if signer else None)
            self.assertEqual(policy["not_after"], 1795305036 + 12 * 86400 + 60 if signer else None)
            self.assertEqual(policy["signer_to"], 1795305036 + 100 * 86400 if signer else None)
            self.end_scene()

    def test_json_has_everything(self):
        self.scene("many")
        self.assertEqual(len(json.loads(self.agent(YES, "status", "--json").out)["peers"]), 25)


class Drops(AgentCase):
    def test_table(self):
        self.scene("up")
        self.golden("drops", self.agent(YES, "drops").out)
        answer = json.loads(self.agent(YES, "drops", "--json").out)
        self.assertEqual([row["count"] for row in answer], [7, 2, 1000, 1, 3, 1])
        self.assertEqual(answer[2]["ports"], [22, 23, 80, 443])
        self.assertEqual(answer[2]["port_count"], 1000)
        self.assertEqual((answer[1]["icmp_type"], answer[2]["icmp_type"]), (8, None))

    def test_nobody(self):
        self.scene("closed")
        self.assertEqual(self.agent(YES, "drops").out, "nobody was turned away since the agent started\n")
        self.assertEqual(json.loads(self.agent(YES, "drops", "--json").out), [])

    def test_follow(self):
        self.scene("up")
        result = self.leadglass("drops", "--follow", "--run", "run")
        self.assertEqual((result.code, result.err), (KERNEL, "leadglass: the agent has ended\n"), result)
        # The second is of today, and always another time
        self.golden("drops-follow", re.sub(r"(?m)^\d\d:\d\d:\d\d ", "HH:MM:SS ", result.out))
        result = self.leadglass("drops", "--follow", "--json", "--run", "run")
        rows = [json.loads(line) for line in result.out.splitlines()]
        self.assertEqual([row["count"] for row in rows], [1000, 3])
        self.assertIn("service snmp { to 2001:db8::1 }", rows[1]["reason"])

    def test_follow_into_a_full_device(self):
        self.scene("up")
        with open("/dev/full", "w") as full:
            result = self.leadglass("drops", "--follow", "--run", "run", stdout=full)
        self.assertEqual(result.code, INTERNAL, result)
        self.assertIn("cannot write the answer", result.err)


class Others(AgentCase):
    def test_history(self):
        self.scene("up")
        self.golden("history", self.agent(YES, "history").out)
        answer = json.loads(self.agent(YES, "history", "--json").out)
        self.assertEqual([entry["number"] for entry in answer], [10, 11, 12])
        self.assertEqual((answer[1]["serial"], answer[2]["copy_of"], answer[2]["standing"]), (None, 10, True))
        self.assertTrue(answer[2]["hash"].startswith("3f2a9c01d4e5"))
        self.assertEqual(len(answer[2]["hash"]), 64)

    def test_no_history(self):
        self.scene("closed")
        self.assertEqual(self.agent(YES, "history").out, "no policy was ever applied here\n")
        self.assertEqual(json.loads(self.agent(YES, "history", "--json").out), [])

    def test_metrics(self):
        self.scene("up")
        self.assertRegex(self.agent(YES, "metrics").out, r"leadglass_wall_up 1\n# EOF\n$")

    def test_verify(self):
        self.scene("up")
        self.assertEqual(self.agent(YES, "verify").out, "verified: the kernel holds exactly the policy that stands\n")
        self.assertTrue(json.loads(self.agent(YES, "verify", "--json").out)["verified"])

    def test_verify_finds(self):
        self.scene("trouble")
        self.assertEqual(self.agent(NO, "verify").out, "chain input: rule 3 is missing\n"
                         "set accepts4: 10.9.9.9 . 104 is not ours\n2 differences found\n")
        answer = json.loads(self.agent(NO, "verify", "--json").out)
        self.assertEqual((answer["differences"], len(answer["shown"]), answer["verified"]), (2, 2, False))

    def test_show(self):
        self.scene("up")
        text = "role host\ndevice d { ae-title D; port 104 }\nmanage { from 10.0.0.0/24 }\n"
        self.assertEqual(self.agent(YES, "show").out, text)
        self.assertEqual(self.agent(YES, "show", "12").out, text)
        self.assertIn("policy 3 cannot be shown: it is not kept", self.agent(NO, "show", "3").err)
        for bad in ("x", "-1", "0", "012", "1.5", "@12", "9" * 30):
            self.assertIn("is not the number of a policy" if bad != "-1" else "no option",
                          self.agent(USAGE, "show", bad).err)

    def test_show_files(self):
        self.scene("files")
        self.golden("show-files", self.agent(YES, "show").out)

    def test_kept_policies_as_operands(self):
        self.scene("files")
        self.assertRegex(self.agent(YES, "check", "@running").out, r"(?m)^@running: role host, 1 device, 1 peer, ")
        self.assertIn("peer p", self.agent(YES, "print", "@12").out)
        self.assertIn("10.0.0.1", self.agent(YES, "render", "@running").out)
        self.assertEqual(self.agent(YES, "diff", "@running", "@12").out, "no differences\n")
        self.agent(NO, "diff", "@running", "policy.conf")
        self.agent(YES, "explain", "@running", "out", "tcp", "10.0.0.9", "10.0.0.1:104")
        self.assertIn("@3: policy 3 cannot be shown", self.agent(POLICY, "print", "@3").err)
        self.write("@running", "role hots\n")
        self.assertIn("hots", self.agent(POLICY, "print", "./@running").err)
        for name in ("@", "@x", "@01", "@1x"):  # names of files
            self.assertIn("No such file", self.agent(POLICY, "print", name).err)


class Talk(AgentCase):
    ASKING = (["status"], ["drops"], ["drops", "--follow"], ["history"], ["show"], ["verify"], ["metrics"],
              ["confirm"], ["rollback", "--dry-run"], ["apply", "--dry-run", "policy.conf"], ["print", "@running"],
              *([["apply", "policy.conf"]] if ROOT else []))  # who is not root does not get as far as to ask

    def everywhere(self, text, *more):
        for words in self.ASKING:
            result = self.agent(KERNEL, *words)
            for part in (text, *more):
                self.assertIn(part, result.err, words)

    def test_no_agent(self):
        self.everywhere("no agent runs here (run/control)", "leadglass: or is --run run wrong? ")
        (self.folder / "run").mkdir()
        self.everywhere("no agent runs here (run/control); start leadglassd")
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as old:
            old.bind(str(self.folder / "run/control"))
        self.everywhere("no agent runs here")

    def test_agent_that_closes(self):
        self.scene("mute")
        self.everywhere("the agent closed the connection without an answer")

    def test_answers_of_the_wrong_size(self):
        self.scene("odd")
        for words in (["status"], ["drops"], ["history"]):
            self.assertIn("makes no sense", self.agent(KERNEL, *words).err)

    def test_patience(self):
        """Somebody at a terminal is told what is waited for; a log is not."""
        slow = self.scene("slow")
        ours, theirs = os.openpty()
        self.addCleanup(os.close, ours)
        asking = subprocess.Popen([PROGRAM, "metrics", "--run", "run"], cwd=self.folder, stdout=subprocess.PIPE, stderr=theirs,
                                  text=True)
        os.close(theirs)
        said = b""  # a terminal hands over what it has: a line may come in pieces
        while not said.endswith(b"\n"):
            said += os.read(ours, 100)
        self.assertEqual(said, b"leadglass: waiting for the agent...\r\n")
        slow.stdin.write("\n")
        slow.stdin.flush()
        self.assertIn("leadglass_wall_up 1", asking.communicate(timeout=30)[0])
        self.assertEqual(asking.returncode, YES)

    def test_refused(self):
        self.scene("window")
        for words in (["confirm"], ["allow", "--for", "2h", "--from", "10.20.9.77", "--to-port", "22", "--reason", "test"]):
            # who asks is said; sudo knows it, and its word counts when it made us root
            who = "alice" if ROOT else pwd.getpwuid(os.getuid()).pw_name
            self.assertIn(f"not here, {who} from 10.20.9.77", self.agent(KERNEL, *words).err, words)
        self.end_scene()
        self.scene("up")
        for words in (["rollback"], ["apply", "--yes", "policy.conf"]):  # they show what they are about to change
            result = self.leadglass(*words, "--run", "run")
            self.assertEqual(result.code, KERNEL, result)
            self.assertIn("not here, " if ROOT else "only root may change the wall (sudo); nothing was changed",
                          result.err, words)
            self.assertEqual("flows: " in result.err, ROOT and words[0] == "apply", words)

    def test_something_waits(self):
        if not ROOT:
            self.skipTest("needs root")
        self.scene("window")
        result = self.leadglass("apply", "--run", "run", "policy.conf")
        self.assertEqual((result.code, result.err.splitlines()[-1]), (NO, "leadglass: policy 13 waits for its confirmation, "
                         "1 min 50 s more: leadglass confirm or leadglass rollback first; nothing was changed"), result)

    def test_refused_beside_an_agent(self):
        """Also where the kernel would let them: it might be an agent that does not own the table."""
        self.scene("up")
        for words in (["load", "policy.conf"], ["remove", "--yes"]):
            result = self.agent(KERNEL, *words)
            self.assertRegex(result.err, r"leadglass: table inet leadglass belongs to process \d+ \(leadglassd\); the agent "
                             "keeps this wall: use leadglass apply; or end the agent first, and the wall stays as it is\n")
        self.assertIn("leave this box open", self.agent(USAGE, "remove").err)


class Options(AgentCase):
    """Options with a value."""

    ALLOW = ["allow", "--from", "10.20.9.77", "--to-port", "22", "--reason", "test"]

    def test_values(self):
        self.scene("up")
        for words in (["history", "--run=run"], ["history", "--run", "run"]):
            self.expect(YES, *words)
        for words, said in ((["history", "--run"], "--run needs a value"),
                            (["history", "--run="], "--run: the value is empty"),
                            (["history", "--run", ""], "--run: the value is empty"),
                            (["history", "--run", "run", "--run", "run"], "--run is given twice"),
                            (["history", "--json=yes"], "there is no such option, or it takes no value")):
            result = self.expect(USAGE, *words)
            self.assertIn(said, result.err)
            self.assertIn("Usage: leadglass history", result.err)

    def test_times(self):
        self.scene("up")
        for time in ("90s", "30m", "2h", "1d", "1h30m", "1d12h", "1d2h3m4s", "120s", "7d"):
            self.assertIn("not here", self.agent(KERNEL, *self.ALLOW, "--for", time).err, time)
        for time in ("2", "h", "0s", "0h0m", "-5m", "1.5h", "2 h", "2x", "5m2h", "1h1h", "m", "2hours", "99999999999999999999s",
                     " 2h", "2h ", "1e3s"):
            self.assertIn("not a time; write 90s, 30m, 2h or 1d", self.agent(USAGE, *self.ALLOW, "--for", time).err, time)
        self.assertIn("at most 7d", self.agent(USAGE, *self.ALLOW, "--for", "8d").err)


if __name__ == "__main__":
    main()
