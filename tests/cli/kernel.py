# SPDX-License-Identifier: GPL-2.0-or-later
"""load, verify, list and remove, each test in a network namespace of its own."""

import json

from command import HOST, INTERNAL, KERNEL, NO, POLICY, PROGRAM, USAGE, YES, Case, main, namespaced

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def beside(br_netfilter):
    """Words before a command that make the kernel show it br_netfilter, or hide it: a folder in the kernel's place."""
    folders = " ".join(f"/proc/sys/net/{name}" for name in ("core", "bridge")[:1 + br_netfilter])
    return ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs none /proc/sys/net && mkdir {folders} && exec "$@"', "sh"]


@namespaced
class Kernel(Case):
    def nft(self, *words):
        result = self.run_words(["nft", *words])
        self.assertEqual(result.code, 0, result)
        return result.out

    def load(self, text=None, *options):
        if text:
            self.write("policy.conf", text)
        return self.expect(YES, "load", *options, "policy.conf").out

    def test_life(self):
        self.assertEqual(self.expect(NO, "list").out, "no wall: there is no inet or bridge table named leadglass\n")
        self.assertRegex(self.load(), r"^wall up: 2 peers, [0-9]+ elements; created; verified\n$")
        self.assertIn("table inet leadglass", self.nft("list", "tables"))
        self.assertEqual(self.expect(YES, "verify", "policy.conf").out,
                         "verified: the kernel holds exactly policy.conf\n")
        self.assertRegex(self.load(), r"; unchanged; verified\n$")
        self.assertRegex(self.load(HOST.replace("10.20.0.9", "10.20.0.10")), r"; elements \+1 -1; verified\n$")
        self.expect(YES, "verify", "policy.conf")
        self.assertEqual(self.expect(USAGE, "remove").out, "")
        self.assertIn("leadglass", self.nft("list", "tables"))
        self.expect(YES, "remove", "--yes")
        self.assertNotIn("leadglass", self.nft("list", "tables"))
        self.assertEqual(self.expect(YES, "remove", "--yes").out, "there was no wall\n")

    def test_new_role_exchanges_rules(self):
        self.load()
        self.assertRegex(self.load(HOST + "service ping { from 10.20.9.0/24 }\n"), r"; rules exchanged, elements \+\d")
        self.expect(YES, "verify", "policy.conf")

    def test_no_read_back(self):
        self.assertRegex(self.load(None, "--no-read-back"), r"; created; not verified\n$")
        self.expect(YES, "verify", "policy.conf")
        out = self.load(HOST.replace("10.20.0.9", "10.20.0.10"), "--no-read-back")
        self.assertRegex(out, r"; (exchanged|elements \+1 -1); not verified\n$")
        self.expect(YES, "verify", "policy.conf")

    def test_load_json(self):
        answer = json.loads(self.load(None, "--json"))
        self.assertEqual((answer["change"], answer["verified"], answer["peers"]), ("created", True, 2))
        self.assertGreater(answer["octets"], 1000)
        self.assertEqual(json.loads(self.load(None, "--json"))["change"], "unchanged")

    def test_verbose(self):
        result = self.expect(YES, "load", "--verbose", "policy.conf")
        self.assertRegex(result.err, r"octets sent in one transaction\n.*persistent.*\n.*CAP_NET_ADMIN")

    def test_invalid_policy_leaves_the_wall(self):
        self.load()
        before = self.nft("list", "ruleset")
        self.write("bad.conf", HOST + "peer broken { }\n")
        self.expect(POLICY, "load", "bad.conf")
        self.expect(POLICY, "load", "nowhere.conf")
        self.expect(POLICY, "verify", "nowhere.conf")
        self.assertEqual(self.nft("list", "ruleset"), before)

    def drift(self):
        result = self.leadglass("verify", "policy.conf")
        self.assertEqual(result.code, NO, result)
        answer = json.loads(self.leadglass("verify", "--json", "policy.conf").out)
        self.assertFalse(answer["verified"])
        self.assertEqual(answer["differences"], len(answer["shown"]))
        *lines, sum_line = result.out.splitlines()
        self.assertEqual(answer["shown"], lines)
        self.assertRegex(sum_line, rf"^{len(lines)} differences?; leadglass load policy.conf puts this right$")
        return lines

    def test_drift_is_seen(self):
        self.assertRegex(self.drift()[0], "leadglass")
        self.load()
        json_answer = json.loads(self.expect(YES, "verify", "--json", "policy.conf").out)
        self.assertEqual((json_answer["verified"], json_answer["differences"]), (True, 0))
        for change, undone in ((["add", "element", "inet", "leadglass", "initiates4", "{ 10.9.9.9 . 104 }"], r"10\.9\.9\.9"),
                               (["delete", "element", "inet", "leadglass", "initiates4", "{ 10.20.0.5 . 104 }"],
                                r"10\.20\.0\.5"),
                               (["insert", "rule", "inet", "leadglass", "input", "accept"], "input"),
                               (["add", "chain", "inet", "leadglass", "spare"], "spare"),
                               (["add", "set", "inet", "leadglass", "wide",
                                 "{ type ipv6_addr . ipv6_addr . ipv6_addr . ipv6_addr; }"], "wide"),
                               (["add", "chain", "inet", "leadglass", "input", "{ policy accept; }"], "input")):
            self.nft(*change)
            lines = self.drift()
            self.assertEqual(len(lines), 1, (change, lines))
            self.assertRegex(lines[0], undone)
            self.load()
            self.expect(YES, "verify", "policy.conf")

    def test_moved_lines_are_no_drift(self):
        self.load()
        text = (self.folder / "policy.conf").read_text(encoding="utf-8")
        self.write("policy.conf", "# a line more\n" + text)
        out = self.expect(YES, "verify", "policy.conf").out
        self.assertRegex(out, r"(?m)^[1-9]\d* comments in it point to where a line of the policy stood before")
        answer = json.loads(self.expect(YES, "verify", "--json", "policy.conf").out)
        self.assertEqual((answer["verified"], answer["differences"]), (True, 0))
        self.assertGreater(answer["comments"], 0)
        # no rule names a line: elements are exchanged and nothing else
        self.assertRegex(self.expect(YES, "load", "policy.conf").out, r"; elements \+(\d+) -\1; verified$")
        self.assertNotIn("comments", self.expect(YES, "verify", "policy.conf").out)

    def test_load_warns(self):
        self.write("policy.conf", HOST.replace("manage { from", "manage { interface nosuch0; from"))
        result = self.expect(YES, "load", "policy.conf")
        self.assertRegex(result.err, r"policy\.conf:\d+:\d+: warning: there is no interface 'nosuch0' here now")
        self.write("bad.conf", HOST + "peer broken { }\n")
        self.assertRegex(self.expect(POLICY, "load", "bad.conf").err, "nothing was changed: what stood before still stands")

    def test_many_differences_are_counted(self):
        self.load(HOST + "".join(f"peer p{i} {{ address 10.1.{i // 200}.{i % 200 + 1}; ae-title P{i}; port 104; "
                                 f"initiates storage }}\n" for i in range(300)))
        self.write("policy.conf", HOST)
        lines = self.expect(NO, "verify", "policy.conf").out.splitlines()
        self.assertEqual(len(lines), 102)
        self.assertEqual(lines[-2], "and 200 more (--all shows them)")
        self.assertEqual(len(self.expect(NO, "verify", "--all", "policy.conf").out.splitlines()), 301)
        self.assertEqual(json.loads(self.leadglass("verify", "--json", "policy.conf").out)["differences"], 300)

    def test_list(self):
        self.load()
        # one packet out to a peer, and one the wall drops
        self.run_words(["ip", "link", "add", "lg0", "type", "veth", "peer", "name", "lg1"])
        for words in (["address", "add", "10.20.1.10/8", "dev", "lg0"], ["link", "set", "lg0", "up"],
                      ["link", "set", "lg1", "up"]):
            self.assertEqual(self.run_words(["ip", *words]).code, 0)
        for address in ("10.20.0.5/104", "10.20.0.6/104"):
            self.run_words(["bash", "-c", f"timeout 0.3 bash -c '>/dev/tcp/{address}'"])
        out = self.expect(YES, "list").out
        self.assertLessEqual(max(map(len, out.splitlines())), 80, out)
        self.assertRegex(out, r"^table inet leadglass: ")
        self.assertRegex(out, r"(?m)^main-pacs policy\.conf:4 +[1-9]\d* +[1-9]\d*$")
        self.assertRegex(out, r"(?m)^ris policy\.conf:10 +0 +0$")
        self.assertRegex(out, r"(?m)^output: default deny +[1-9]\d* +[1-9]\d*$")
        answer = json.loads(self.expect(YES, "list", "--json").out)
        self.assertTrue(answer["loaded"])
        passed = {line["comment"]: line for line in answer["passed"]}
        self.assertGreaterEqual(passed["main-pacs policy.conf:4"]["packets"], 1)
        self.assertEqual(passed["ris policy.conf:10"]["packets"], 0)
        drops = [rule for rule in answer["tables"][0]["drops"] if rule["chain"] == "output"]
        self.assertGreaterEqual(sum(rule["packets"] for rule in drops), 1)

    def test_list_is_in_the_order_of_the_policy(self):
        """Not of the sets, in which services and peers of one direction stand together; nor 10 before 9."""
        services = "".join(f"service s{i} {{ udp {i} to 10.9.0.{i} }}\n" for i in range(1, 3))
        self.load(HOST.replace("peer main-pacs", services + "peer main-pacs"))
        out = self.expect(YES, "list").out
        rows = [line.split()[0] + " " + line.split()[1].split(":")[1] for line in out.splitlines()
                if " policy.conf:" in line]
        self.assertEqual(rows, ["s1 3", "s2 4", "main-pacs 6", "ris 12", "ntp 13", "manage 14"])

    def test_list_json_without_a_wall(self):
        answer = json.loads(self.expect(NO, "list", "--json").out)
        self.assertEqual((answer["loaded"], answer["tables"], answer["passed"]), (False, [], []))

    def test_long_lists_are_not_counted_one_by_one(self):
        self.load(HOST + "".join(f"peer p{i} {{ address 10.1.{i // 200}.{i % 200 + 1}; ae-title P{i}; port 104; "
                                 f"initiates storage }}\n" for i in range(5000)))
        self.assertRegex(self.expect(YES, "list").out, r"(?m)^  initiates4: 5002 elements, not counted one by one$")

    def test_without_permission(self):
        for words in (["load", "policy.conf"], ["verify", "policy.conf"], ["list"], ["remove", "--yes"]):
            err = self.expect(KERNEL, *words, before=NOBODY).err
            self.assertRegex(err, r"(?i)permi|CAP_NET_ADMIN|root", words)
            self.assertTrue(err.startswith("leadglass: "), err)
        self.assertNotIn("leadglass", self.nft("list", "tables"))

    def test_full_device(self):
        self.load()
        for words in (["load", "policy.conf"], ["verify", "policy.conf"], ["list"], ["list", "--json"]):
            with open("/dev/full", "w") as full:
                self.assertEqual(self.leadglass(*words, stdout=full).code, INTERNAL, words)

    def test_closed_descriptors(self):
        """The netlink socket does not become standard output."""
        for stream in ("<&-", ">&-", "2>&-", "<&- 2>&-"):
            result = self.run_words(["sh", "-c", f"{PROGRAM} load policy.conf {stream}"])
            self.assertEqual(result.code, INTERNAL if ">&-" in stream.replace("2>&-", "") else YES, (stream, result))
            self.expect(YES, "verify", "policy.conf")

    def test_stdin(self):
        self.assertIn("created", self.leadglass("load", "-", stdin=HOST).out)
        self.assertEqual(self.leadglass("verify", "-", stdin=HOST).code, YES)

    def test_foreign_table_is_left_alone(self):
        self.nft("add table inet other; add chain inet other c { type filter hook input priority 5; }; "
                 "add rule inet other c counter accept")
        before = self.nft("list", "table", "inet", "other")
        self.load()
        self.load(HOST.replace("10.20.0.9", "10.20.0.10"))
        self.expect(YES, "remove", "--yes")
        self.assertEqual(self.nft("list", "table", "inet", "other"), before)

    def test_bridge_netfilter(self):
        """Role bridge is refused while the kernel shows br_netfilter, here a folder in its place; the closed wall is not."""
        self.load()
        before = self.nft("list", "ruleset")
        bridge = "role bridge\ndevice ct { address 10.20.1.10; ae-title CT; port 104 }\n"
        self.write("bridge.conf", bridge)
        self.write("closed.conf", "role bridge\n")
        loaded = beside(True)
        result = self.run_words([*loaded, str(PROGRAM), "load", "bridge.conf"])
        self.assertEqual(result.code, KERNEL, result)
        self.assertIn("br_netfilter is loaded", result.err)
        self.assertIn("modprobe -r br_netfilter", result.err)
        self.assertIn("nothing was changed", result.err)
        self.assertEqual(self.nft("list", "ruleset"), before)
        for name in "closed.conf", "policy.conf":
            self.assertNotIn("br_netfilter is loaded", self.run_words([*loaded, str(PROGRAM), "load", name]).err)

    def test_bridge(self):
        text = HOST.replace("role host", "role bridge").replace("port 11112 }", "port 11112; address 10.20.1.10 }")
        self.write("policy.conf", text + "box { address 10.20.1.250/24 }\n")
        result = self.run_words([*beside(False), str(PROGRAM), "load", "policy.conf"])
        if result.code == KERNEL:
            # a kernel without connection tracking in bridges says so, and nothing is left behind
            self.assertIn("CONFIG_NF_CONNTRACK_BRIDGE", result.err)
            self.assertNotIn("leadglass", self.nft("list", "tables"))
            return
        self.assertEqual(result.code, YES, result)
        self.expect(YES, "verify", "policy.conf")
        self.assertIn("table bridge leadglass", self.expect(YES, "list").out)
        self.expect(YES, "remove", "--yes")
        self.assertNotIn("leadglass", self.nft("list", "tables"))


if __name__ == "__main__":
    main()
