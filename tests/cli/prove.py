# SPDX-License-Identifier: GPL-2.0-or-later
"""prove: every policy of the tree is what it is compiled to, and what is loaded; faults in the kernel's rules are
found."""

import json

from command import HOST, KERNEL, NO, POLICY, TREE, USAGE, YES, Case, main, namespaced

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


class Prove(Case):
    def test_every_valid_policy(self):
        count = 0
        for folder in ("docs/examples", *(f"tests/golden/{name}" for name in ("ok", "warn", "print", "explain", "diff"))):
            for path in sorted((TREE / folder).glob("*.conf")):
                result = self.leadglass("prove", str(path))
                if result.code == POLICY:  # a part that another policy includes
                    continue
                count += 1
                self.assertEqual(result.code, YES, (path, result))
                self.assertRegex(result.out, r"^proven: the ruleset does what \S+ says\n"
                                 r"\d+ classes of packets decided, which are all there are\n$")
        self.assertGreater(count, 60)

    def test_json(self):
        answer = json.loads(self.expect(YES, "prove", "--json", "--sample", "100", "policy.conf").out)
        self.assertEqual((answer["policy"], answer["live"], answer["proven"], answer["differences"]),
                         ("policy.conf", False, True, 0))
        self.assertEqual((answer["shown"], answer["not-understood"], answer["windows"]), ([], [], 0))
        self.assertGreater(answer["classes"], answer["shapes"])
        self.assertEqual(answer["grants"], 5)
        self.assertEqual(len(answer["sample"]), 50 + min(50, answer["accepted"]))
        for one in answer["sample"]:
            self.assertEqual(one["policy"], one["ruleset"], one)
            if not one["besides"]:
                self.expect(YES if one["policy"] == "accept" else NO, "explain", "policy.conf", *one["packet"].split())

    def test_usage(self):
        self.assertIn("only written with --json", self.expect(USAGE, "prove", "--sample", "10", "policy.conf").err)
        for number in ("1", "x", "-5", "100001", "10x"):
            self.expect(USAGE, "prove", "--json", "--sample", number, "policy.conf")
        self.expect(USAGE, "prove")
        self.write("policy.conf", "role nonsense\n")
        self.expect(POLICY, "prove", "policy.conf")


@namespaced
class Live(Case):
    def nft(self, *words):
        result = self.run_words(["nft", *words])
        self.assertEqual(result.code, 0, result)

    def load(self):
        self.expect(YES, "load", "policy.conf")

    def test_loaded(self):
        self.load()
        self.assertIn("proven: what the kernel holds does what policy.conf says\n",
                      self.expect(YES, "prove", "--live", "policy.conf").out)
        self.write("other.conf", HOST.replace("10.20.0.9", "10.20.0.10"))
        out = self.expect(NO, "prove", "--live", "other.conf").out
        self.assertIn("  packet: leadglass explain other.conf out tcp ", out)
        self.assertIn("not proven: what the kernel holds does not do what other.conf says\n", out)

    def test_no_wall(self):
        out = self.expect(NO, "prove", "--live", "policy.conf").out
        self.assertIn("  rule: none; no chain sees it\n", out)

    def test_not_understood(self):
        self.load()
        self.nft("insert rule inet leadglass input ip ttl 7 drop")
        answer = json.loads(self.expect(NO, "prove", "--live", "--json", "policy.conf").out)
        self.assertFalse(answer["proven"])
        self.assertRegex(answer["not-understood"][0], r"^table inet: chain input: rule 1 ")

    def test_same_rules_written_otherwise(self):
        """Something that verify calls a difference and that lets no other packet pass."""
        self.load()
        self.nft("add rule inet leadglass input meta l4proto tcp drop")
        self.expect(NO, "verify", "policy.conf")
        self.expect(YES, "prove", "--live", "policy.conf")

    def test_permission(self):
        result = self.leadglass("prove", "--live", "policy.conf", before=NOBODY)
        self.assertEqual((result.code, result.out), (KERNEL, ""), result)


if __name__ == "__main__":
    main()
