# SPDX-License-Identifier: GPL-2.0-or-later
"""leadglass diff: what it says of each kind of change, and what it does not take for one."""

import json

from command import HOST, NO, YES, Case, main

ROUTER = """\
role router
box { address 10.20.1.250/24 }
device ct-3 { ae-title CT3; port 11112; address 10.20.1.10 }
device mr-1 { ae-title MR1; port 104; address 10.20.1.11 }
peer main-pacs { address 10.20.0.5; ae-title MAIN_PACS; port 104; initiates storage; accepts echo }
manage { from 10.20.9.0/24 }
"""


class Diff(Case):
    def diff(self, old, new, *options):
        self.write("old.conf", old)
        self.write("new.conf", new)
        result = self.leadglass("diff", *options, "old.conf", "new.conf")
        self.assertEqual(result.err, "", result)
        self.assertEqual(result.code, YES if result.out == "no differences\n" else NO, result)
        return result.out.splitlines()

    def changed(self, old, new, said, flows):
        """`said`: lines about the policies; `flows`: lines about flows. All of them, in order."""
        self.assertNotEqual(old, new, "the test changes nothing")
        lines = self.diff(old, new)
        opened = sum(line.startswith("+") for line in flows)
        counts = f"flows: {opened} opened, {len(flows) - opened} closed" if flows else "flows: no differences"
        self.assertEqual(lines, [*said, "", counts, *flows])

    def test_nothing(self):
        self.assertEqual(self.diff(HOST, HOST), ["no differences"])

    def test_spelling_is_no_change(self):
        other = HOST.replace("echo storage storage-commitment", "storage-commitment echo storage  # comment")
        other = "\n".join(sorted(other.replace("manage { from 10.20.9.0/24 }", "manage { from 10.20.9.0/24; port 22 }")
                                 .split("\n"), key=lambda line: line.startswith("role")))
        self.assertNotEqual(HOST, other)
        # sorted() moved the role line to the end, everything else kept its place
        self.assertEqual(self.diff(HOST, other), ["no differences"])

    def test_address_added(self):
        self.changed(HOST, HOST.replace("10.20.0.5", "10.20.0.5 10.20.0.6"),
                     ["~ peer main-pacs: address +10.20.0.6"],
                     ["+ ct-3 may open echo, storage, storage-commitment to 10.20.0.6:104 (main-pacs)",
                      "+ 10.20.0.6 (main-pacs) may open echo, storage-commitment to ct-3 on port 11112"])

    def test_address_replaced(self):
        self.changed(HOST, HOST.replace("10.20.0.9", "fd20::9"),
                     ["~ peer ris: address 10.20.0.9 -> fd20::9"],
                     ["+ ct-3 may open worklist, mpps to [fd20::9]:11112 (ris)",
                      "- ct-3 may open worklist, mpps to 10.20.0.9:11112 (ris)"])

    def test_peer_removed(self):
        old = HOST + "peer old { address 10.20.0.8; ae-title OLD; port 104; initiates print }\n"
        self.changed(old, HOST,
                     ["- peer old: address 10.20.0.8; ae-title OLD; port 104; initiates print"],
                     ["- ct-3 may open print to 10.20.0.8:104 (old)"])

    def test_peer_added(self):
        new = HOST + "peer new { address 10.20.0.8; ae-title NEW; port 104; initiates print }\n"
        self.changed(HOST, new,
                     ["+ peer new: address 10.20.0.8; ae-title NEW; port 104; initiates print"],
                     ["+ ct-3 may open print to 10.20.0.8:104 (new)"])

    def test_peer_renamed_opens_nothing(self):
        self.changed(HOST, HOST.replace("peer ris", "peer ris-2"),
                     ["- peer ris: address 10.20.0.9; ae-title RIS; port 11112; initiates mpps worklist",
                      "+ peer ris-2: address 10.20.0.9; ae-title RIS; port 11112; initiates mpps worklist"], [])

    def test_service_of_open_port(self):
        self.changed(HOST, HOST.replace("worklist mpps", "worklist"), ["~ peer ris: initiates -mpps"], [])

    def test_direction(self):
        self.changed(HOST, HOST.replace("worklist mpps }", "worklist mpps; accepts echo }"),
                     ["~ peer ris: accepts +echo"],
                     ["+ 10.20.0.9 (ris) may open echo to ct-3 on port 11112"])

    def test_title(self):
        self.changed(HOST, HOST.replace("ae-title RIS", "ae-title RIS2"), ["~ peer ris: ae-title RIS -> RIS2"], [])

    def test_port(self):
        self.changed(HOST, HOST.replace("port 104\n", "port 105\n"),
                     ["~ peer main-pacs: port 104 -> 105"],
                     ["+ ct-3 may open echo, storage, storage-commitment to 10.20.0.5:105 (main-pacs)",
                      "- ct-3 may open echo, storage, storage-commitment to 10.20.0.5:104 (main-pacs)"])

    def test_manage_and_log(self):
        self.changed(HOST, HOST.replace("manage { from 10.20.9.0/24 }", "manage { from 10.20.9.7 }\nlog { drops off }"),
                     ["~ manage: from 10.20.9.0/24 -> 10.20.9.7", "~ log: drops 10/second -> off"],
                     ["- 10.20.9.0/24 may administer this box on port 22, in part"])

    def test_wider_network_opens_only(self):
        self.changed(HOST, HOST.replace("10.20.0.9", "10.20.0.8/29"),
                     ["~ peer ris: address 10.20.0.9 -> 10.20.0.8/29"],
                     ["+ ct-3 may open worklist, mpps to 10.20.0.8/29:11112 (ris), in part"])
        self.changed(HOST.replace("10.20.0.9", "10.20.0.8/29"), HOST,
                     ["~ peer ris: address 10.20.0.8/29 -> 10.20.0.9"],
                     ["- ct-3 may open worklist, mpps to 10.20.0.8/29:11112 (ris), in part"])

    def test_service(self):
        self.changed(HOST, HOST + "service dns { to 10.20.0.53 }\nservice ping { from 10.20.9.0/24 }\n",
                     ["+ service dns: to 10.20.0.53", "+ service ping: from 10.20.9.0/24"],
                     ["+ ct-3 may open tcp to 10.20.0.53:53 (dns)", "+ ct-3 may open udp to 10.20.0.53:53 (dns)",
                      "+ 10.20.9.0/24 (ping) may ping ct-3"])

    def test_joined_port_ranges(self):
        """The compiler joins overlapping ranges of the same addresses: what was there before stays."""
        one = HOST + "service web { tcp 8000-8010 from 10.20.9.0/24 }\n"
        two = HOST + "service web { tcp 8000-8010 from 10.20.9.0/24; tcp 8005-8020 from 10.20.9.0/24 }\n"
        flow = "10.20.9.0/24 (web) may open tcp to ct-3 on port 8000-8020, in part"
        said = "service web: tcp {}8005-8020 from 10.20.9.0/24"
        self.changed(one, two, ["~ " + said.format("+")], ["+ " + flow])
        self.changed(two, one, ["~ " + said.format("-")], ["- " + flow])

    def test_split_port_range_is_no_change(self):
        """The compiler cuts ranges of a network and a part of it: other elements, same flows."""
        one = HOST + "service web { tcp 8000-8010 from 10.20.9.8 }\n"
        two = HOST + "service web { tcp 8000-8010 from 10.20.9.8; tcp 8005-8020 from 10.20.9.0/24 }\n"
        lines = self.diff(one, two)
        self.assertEqual(lines[0], "~ service web: tcp +8005-8020 from 10.20.9.0/24")
        self.assertIn("flows: ", lines[2])
        self.assertEqual([line for line in lines if line.startswith("- ")], [])
        # back again: nothing is opened
        self.assertEqual([line for line in self.diff(two, one) if line.startswith("+ ")], [])

    def test_role(self):
        lines = self.diff(HOST, ROUTER)
        self.assertEqual(lines[0], "~ role: host -> router")
        self.assertIn("+ box: address 10.20.1.250/24", lines)
        said = "the role changes, so every flow is listed as closed there and opened here"
        self.assertEqual(lines.count(said), 1)
        self.assertEqual(lines[lines.index(said) - 1], "flows: 5 opened, 5 closed")
        self.assertNotIn(said, self.diff(HOST, HOST.replace("10.20.0.5", "10.20.0.6")))
        self.assertIn("+ device mr-1: address 10.20.1.11; ae-title MR1; port 104", lines)

    def test_devices_of_a_gateway(self):
        self.changed(ROUTER, ROUTER.replace("peer main-pacs {", "peer main-pacs { devices ct-3;"),
                     ["~ peer main-pacs: devices +ct-3"],
                     ["- mr-1 (10.20.1.11) may open storage to 10.20.0.5:104 (main-pacs)",
                      "- 10.20.0.5 (main-pacs) may open echo to mr-1 (10.20.1.11) on port 104"])

    def test_dhcp(self):
        self.changed(HOST + "service dhcp\n", HOST, ["- service dhcp"],
                     ["- ct-3 may ask for an address: 255.255.255.255:67 (dhcp)",
                      "- 0.0.0.0/0 (dhcp) may hand an address to ct-3",
                      "- ct-3 may ask for an address: [ff02::1:2]:547 (dhcp)",
                      "- fe80::/10 (dhcp) may hand an address to ct-3"])

    def test_tls(self):
        self.changed(HOST, HOST.replace("ae-title RIS;", "ae-title RIS; tls;"), ["~ peer ris: +tls"], [])
        self.changed(HOST.replace("ae-title RIS;", "ae-title RIS; tls;"), HOST, ["~ peer ris: -tls"], [])

    def test_header(self):
        self.changed("policy { serial 7 }\n" + HOST, "policy { serial 8 }\n" + HOST, ["~ policy: serial 7 -> 8"], [])

    def test_long_lists_are_cut(self):
        many = HOST + "".join(f"peer p{i} {{ address 10.1.{i // 200}.{i % 200 + 1}; ae-title P{i}; port 104; "
                              f"initiates storage }}\n" for i in range(1000))
        lines = self.diff(HOST, many)
        self.assertLessEqual(len(lines), 50)
        self.assertEqual(lines[20], "  and 980 more (--all shows them)")
        self.assertIn("flows: 1000 opened, 0 closed", lines)
        self.assertEqual(lines[-1], "+ and 980 more (--all shows them)")
        self.assertEqual(len(self.diff(HOST, many, "--all")), 2002)
        wide = HOST.replace("address 10.20.0.9", "address " + " ".join(f"10.2.0.{i}" for i in range(1, 100)))
        self.assertRegex(self.diff(HOST, wide)[0], r"^~ peer ris: address( [+-]\S+){8} and 92 more$")

    def test_json(self):
        self.write("old.conf", HOST)
        self.write("new.conf", HOST.replace("10.20.0.9", "fd20::9"))
        result = self.leadglass("diff", "--json", "old.conf", "new.conf")
        self.assertEqual(result.code, NO)
        answer = json.loads(result.out)
        self.assertEqual(answer["policy"], [{"change": "changed", "part": "peer", "name": "ris", "for_box": False,
                                             "removed": [{"key": "address", "value": "10.20.0.9"}],
                                             "added": [{"key": "address", "value": "fd20::9"}]}])
        self.assertEqual((answer["opened"], answer["closed"], answer["differ"]), (1, 1, True))
        self.assertEqual(answer["flows"][0],
                         {"change": "opened", "kind": "initiates", "from": {"name": "ct-3", "address": None},
                          "to": {"name": "ris", "address": "fd20::9"}, "protocol": "tcp", "port": "11112",
                          "services": ["worklist", "mpps"], "in_part": False})
        answer = json.loads(self.leadglass("diff", "--json", "old.conf", "old.conf").out)
        self.assertEqual(answer, {"policy": [], "flows": [], "opened": 0, "closed": 0, "differ": False})


if __name__ == "__main__":
    main()
