# SPDX-License-Identifier: GPL-2.0-or-later
"""probe: what it says of this kernel against what nft(8), /proc and `leadglass load` find, and that nothing changes."""

import ctypes
import json
import pathlib
import subprocess

from command import KERNEL, NO, POLICY, PROGRAM, TREE, USAGE, YES, Case, main, namespaced

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
EXAMPLES = TREE / "docs/examples" if TREE else None
ROLES = ["host", "router", "bridge"]

# Each as nft(8) has it: chain c of table t is there.
INET = "add table inet t; add chain inet t c { type filter hook input priority 0; }; "
BRIDGE = "add table bridge t; add chain bridge t c { type filter hook forward priority -200; }; "
BY_NFT = {
    "nf_tables": "add table ip t",
    "inet": INET,
    "sets": INET + "add set inet t s { type ipv4_addr . inet_service; elements = { 192.0.2.1 . 104 }; }",
    "intervals": INET + "add set inet t s { type ipv4_addr . inet_service; flags interval; "
                        "elements = { 192.0.2.0/24 . 104 }; }",
    "timeouts": INET + "add set inet t s { type ipv4_addr; flags timeout; }",
    "counter": INET + "add rule inet t c counter",
    "meta": INET + "add rule inet t c iifname eth0 meta nfproto ipv4",
    "ct": INET + "add rule inet t c ct state established ct original ip saddr 192.0.2.1",
    "fib": INET + "add rule inet t c fib saddr . iif oif missing",
    "limit": INET + "add rule inet t c limit rate 10/second",
    "log": INET + "add rule inet t c log group 5",
    "bridge": BRIDGE,
    "ct-bridge": BRIDGE + "add rule bridge t c ct state established",
}


def landlock():
    return ctypes.CDLL(None, use_errno=True).syscall(444, None, 0, 1)


@namespaced
class Probe(Case):
    def report(self, code, *words):
        return json.loads(self.expect(code, "probe", "--json", *words).out)

    def generation(self):
        return json.loads(self.expect(YES, "list", "--json").out)["generation"]

    def features(self):
        answer = json.loads(self.leadglass("probe", "--json").out)
        return {feature["name"]: feature for feature in answer["features"]}

    def links(self):
        return self.run_words(["ip", "-br", "link"]).out

    def test_nothing_changes(self):
        self.expect(YES, "load", "policy.conf")
        before = self.generation(), self.links(), self.run_words(["nft", "list", "ruleset"]).out
        self.leadglass("probe", "--all")
        self.expect(YES, "probe", "policy.conf")
        # the generation counts every transaction of this namespace, also those that leave things as they were
        self.assertEqual((self.generation(), self.links(), self.run_words(["nft", "list", "ruleset"]).out), before)

    def test_nft_agrees(self):
        features = self.features()
        for name, commands in BY_NFT.items():
            done = subprocess.run(["unshare", "--net", "nft", commands], capture_output=True, text=True)
            self.assertEqual(features[name]["there"], done.returncode == 0, (name, done.stderr, features[name]))

    def test_the_rest_of_the_kernel_agrees(self):
        features = self.features()
        self.assertEqual(features["no-br_netfilter"]["there"], not pathlib.Path("/proc/sys/net/bridge").exists())
        self.assertEqual(features["ipv6"]["there"], pathlib.Path("/proc/net/if_inet6").exists())
        self.assertEqual(features["landlock"]["there"], landlock() >= 1)
        self.assertEqual(features["landlock-scopes"]["there"], landlock() >= 6)
        self.assertEqual(features["seccomp"]["there"], "Seccomp:" in pathlib.Path("/proc/self/status").read_text())
        made = self.run_words(["ip", "link", "add", "name", "bridge0", "type", "bridge"])
        self.assertEqual(features["bridge-device"]["there"], made.code == 0, made)
        self.expect(YES, "load", "policy.conf")
        tables = json.loads(self.expect(YES, "list", "--json").out)["tables"]
        self.assertEqual(features["persist"]["there"], tables[0]["persistent"])

    def test_load_agrees(self):
        """A wall loads exactly where probe says so, and a role is ready where its wall loads."""
        features = self.features()
        for role in ROLES:
            policy = str(EXAMPLES / f"{role}.conf")
            result = self.leadglass("probe", "--json", policy)
            answer = json.loads(result.out)
            needed = all(feature["there"] for feature in answer["features"] if feature["needed"])
            self.assertEqual(answer["roles"], [{"role": role, "ready": needed}])
            self.assertEqual(result.code, YES if needed and answer["policy_loads"] else NO, result)
            if role != "bridge" or features["no-br_netfilter"]["there"]:
                loaded = self.leadglass("load", policy)
                self.assertEqual(answer["policy_loads"], loaded.code == YES, (result, loaded))
                self.leadglass("remove", "--yes")
        self.assertTrue(features["ct"]["there"], "a kernel on which these tests make sense")

    def test_what_lacks_is_told(self):
        """In text: a line each, the option in it, and what it costs; the role that needs it is not ready."""
        features = self.features()
        lacking = [feature for feature in features.values() if feature["there"] is False]
        ready = not any(feature["needed"] for feature in lacking)
        result = self.expect(YES if ready else NO, "probe")
        lines = result.out.splitlines()
        self.assertEqual(len(lines), len(lacking) + len(ROLES), result)
        for feature in lacking:
            word = "needed" if feature["needed"] else "useful"
            self.assertIn(f"{word}  {feature['about']} ({feature['option']}); without that, {feature['without']}", lines)
            self.assertTrue(feature["why"], feature)
        self.assertEqual([line.split(":")[0] for line in lines[-3:]], [f"role {role}" for role in ROLES])
        everything = self.leadglass("probe", "--all").out
        there = [feature for feature in features.values() if feature["there"]]
        self.assertGreater(len(there), 10)
        for feature in there:
            self.assertIn(f"there   {feature['about']} ({feature['option']})\n", everything)
        for feature in lacking:
            self.assertIn(f"        {feature['why']}\n", everything)

    def test_ct_in_bridges(self):
        """This kernel may lack it: then a policy of role bridge is refused at its rule, and the other roles stand."""
        there = self.features()["ct-bridge"]["there"]
        result = self.leadglass("probe", str(EXAMPLES / "bridge.conf"))
        self.assertEqual("needed  connection tracking in bridges (CONFIG_NF_CONNTRACK_BRIDGE)" in result.out, not there)
        self.assertEqual("CONFIG_NF_CONNTRACK_BRIDGE" in result.err, not there)
        if not there:
            self.assertEqual(result.code, NO, result)
            self.assertTrue(result.out.endswith("role bridge: not on this kernel\n"
                                                f"{EXAMPLES}/bridge.conf: this kernel refuses its rules\n"), result)
        self.assertNotIn("CONFIG_NF_CONNTRACK_BRIDGE", self.expect(YES, "probe", "--role", "host", "--all").out)

    def test_roles(self):
        for role in ("host", "router"):
            self.assertEqual(self.expect(YES, "probe", "--role", role).out.splitlines()[-1],
                             f"role {role}: everything needed is there")
        answer = self.report(YES, "--role", "host")
        self.assertEqual(answer["roles"], [{"role": "host", "ready": True}])
        self.assertIsNone(answer["policy_loads"])
        self.assertTrue(all("host" in feature["roles"] for feature in answer["features"]))
        self.assertEqual(self.report(YES, "--role", "host", "policy.conf")["policy"], "policy.conf")
        self.assertIn("policy.conf is host", self.expect(USAGE, "probe", "--role", "router", "policy.conf").err)
        self.assertIn("write host, router or bridge", self.expect(USAGE, "probe", "--role", "gateway").err)
        self.write("bad.conf", "role hst\n")
        self.assertIn("did you mean", self.expect(POLICY, "probe", "bad.conf").err)

    def test_no_namespace_to_be_had(self):
        """The limit of a user namespace of its own stands in for the machine's."""
        result = self.run_words(["unshare", "--user", "--map-root-user", "sh", "-c",
                                 'echo 0 > /proc/sys/user/max_net_namespaces && exec "$@"', "sh", str(PROGRAM), "probe"])
        self.assertEqual((result.code, result.out), (KERNEL, ""), result)
        self.assertIn("cannot make a network namespace", result.err)

    def test_without_root(self):
        result = self.run_words([str(PROGRAM), "probe"], before=NOBODY)
        self.assertEqual((result.code, result.out), (KERNEL, ""), result)
        self.assertIn("run it as root", result.err)


if __name__ == "__main__":
    main()
