# SPDX-License-Identifier: GPL-2.0-or-later
"""leadglass report: what is in it, for each state of an agent; that the page loads and runs nothing, whatever names and
notes hold; and that it says what is missing.

Called with --update as the last word it writes agent/report*.txt anew.
"""

import html.parser
import json
import re

from agent import AgentCase
from command import KERNEL, NO, POLICY, USAGE, YES, main

CSP = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
TAGS = {"html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "nav", "ol", "li", "a", "span", "p", "dl",
        "dt", "dd", "table", "colgroup", "col", "thead", "tbody", "tr", "th", "td", "b", "br", "pre"}
ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "class", "id", "style", "href"}
EMPTY = {"meta", "col", "br"}
# Each part where names and notes come from outside tries to leave it.
HOSTILE = """\
# </pre><script>alert(1)</script> & "quoted" 'too'
policy { site "</style><img src=x onerror=alert(1)>"; unit "a&amp;b"; serial 3 }
role router
box { address 10.20.1.250/24 }
device ct-3 { ae-title "<b>CT</b>" "'&\\""; port 11112; address 10.20.1.10 }
peer main-pacs {
	address 10.20.0.5 93.184.216.34 2001:db8:20::5
	ae-title "</td><script>"
	tls
	initiates echo storage storage-commitment unified-procedure-step
	accepts   echo storage-commitment query-retrieve unified-procedure-step
}
peer edge { devices ct-3; address 10.20.3.0/28; ae-title E; port 104; initiates storage; accepts storage-commitment }
service ntp { to 10.20.0.123 }
service dhcp
service hl7 for box { tcp 2575 8000-8010 to 10.20.0.9 }
manage { from 10.20.9.0/24; interface "eth0&<" }
"""


class Page(html.parser.HTMLParser):
    """A page taken apart by somebody else's rules, and everything in it that would load or run something."""

    def __init__(self, text):
        super().__init__()
        self.open, self.wrong, self.ids, self.links, self.meta, self.shown = [], [], set(), set(), {}, []
        self.styles = ""
        self.feed(text)
        self.close()
        if self.open:
            self.wrong.append(f"never closed: {self.open}")

    def handle_starttag(self, tag, attributes):
        if tag not in TAGS:
            self.wrong.append(f"<{tag}>")
        for name, value in attributes:
            if name not in ATTRIBUTES:
                self.wrong.append(f"{tag}: {name}={value}")
        attributes = dict(attributes)
        self.ids.add(attributes.get("id"))
        if "href" in attributes:
            self.links.add(attributes["href"])
        if tag == "meta":
            self.meta[attributes.get("http-equiv") or attributes.get("name") or "charset"] = attributes.get("content")
        self.styles += attributes.get("style") or ""
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}>")

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            self.styles += data
        else:
            self.shown.append(data)

    def handle_comment(self, data):
        self.wrong.append(f"comment: {data}")

    def handle_pi(self, data):
        self.wrong.append(f"<?{data}>")


class Report(AgentCase):
    def page(self, code, *words):
        """The page as HTML, after everything that has to hold for each."""
        text = self.expect(code, "report", "--html", *words).out
        page = Page(text)
        self.assertTrue(text.startswith("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"))
        self.assertEqual(page.wrong, [])
        self.assertEqual(page.meta["Content-Security-Policy"], CSP)
        self.assertLess(text.index(CSP), text.index("<style>"))
        self.assertEqual(page.links, {f"#section-{number}" for number in range(1, 11)})
        self.assertLessEqual({link[1:] for link in page.links}, page.ids)
        # nothing is fetched, from a style neither
        self.assertIsNone(re.search(r"url\s*\(|@import|image-set|expression|</?script|src\s*=|\bon\w+=", page.styles))
        self.assertIsNone(re.search(r"<script|<link|<img|<iframe|javascript:", text, re.I))
        self.assertIn("@page { size: A4;", page.styles)
        self.assertIsNone(re.search(r"[\x00-\x08\x0b-\x1f\x7f\u0080-\u009f\u202a-\u202e\u2066-\u2069]", text))
        return "".join(page.shown)

    def agent_page(self, code):
        return self.page(code, "--run", "run", "--trust", "none")

    def text(self, code, *words):
        """As text, the moment and the machine taken out."""
        out = self.agent(code, "report", "--trust", "none", *words).out
        before_rules = out[:out.index("\n9 The policy as it was written")]
        self.assertLessEqual(max(map(len, before_rules.splitlines())), 80)
        out = re.sub(r"(?m)^(Host|Kernel) {8,}(?!keeps|lets).*$", r"\1: MACHINE", out)
        return re.sub(r"(?m)^(Made +)\S+ by .*$", r"\1MOMENT", out)

    def test_scenes(self):
        """Sections 1 to 5 as text, for the states an agent can be in."""
        for scene, code in (("up", YES), ("trouble", NO), ("closed", NO), ("signed", YES)):
            with self.subTest(scene):
                self.scene(scene)
                out = self.text(code)
                self.golden(f"report-{scene}", out[:out.index("\n6 Answers for the MDS2 form")])
                self.agent_page(code)
                self.end_scene()

    def test_states(self):
        """Each state is said in the first lines, and the exit status with it."""
        for scene, code, said in (("none", NO, "There is NO wall: the kernel has no nf_tables"),
                                  ("closed-manage", NO, "The wall is CLOSED: no DICOM passes: no policy was ever confirmed"),
                                  ("trouble", NO, "The wall is NOT verified: 3 differences could not be put right"),
                                  ("window", YES, "NOT CONFIRMED: it goes back by itself in 110 s"),
                                  ("expired", YES, "the policy EXPIRED on 2026-11-18"),
                                  ("untrusted", YES, "NOT TRUSTED: the next start of the agent does not take this policy"),
                                  ("trust-unknown", YES, "UNKNOWN: whom to trust cannot be read"),
                                  ("files", YES, "The wall is up and verified")):
            with self.subTest(scene):
                self.scene(scene)
                self.assertIn(said, " ".join(self.text(code).split()))
                self.assertIn(said, " ".join(self.agent_page(code).split()))
                self.end_scene()

    def test_all_of_it_is_in_it(self):
        self.scene("trouble")
        shown = self.agent_page(NO)
        for text in ("foreign-flowtable", "2 differences found", "set accepts4: 10.9.9.9 . 104 is not ours", "nft (pid 4711)",
                     "lets others with CAP_NET_ADMIN change the wall", "NOT IN FORCE", "NOT GIVEN UP", "DOES NOT RUN",
                     "replace the tube, ticket 4711", "bob from 10.20.9.79", "hospital", "there is no such interface",
                     "10.20.9.5 -> 10.20.1.10 tcp 22, 23, 80, 443 and 996 more", "10.20.9.5 is not a peer",
                     "a-workstation-with-quite-a-long-name-in-radiology-building-7", "alice from 10.20.9.77",
                     "3f2a9c01d4e56677", "st-anna, ct-room-3", "nothing is routed"):
            self.assertIn(text, shown)

    def test_the_rules_are_those_of_render(self):
        self.scene("files")
        out = self.text(YES)
        self.assertIn(self.agent(YES, "render", "@running").out, out)
        self.assertIn("role host\ndevice d { ae-title D; port 104 }\nmanage { from 10.0.0.0/24 }\n", out)
        self.assertIn("peer p { address 10.0.0.1;", out)  # the file that is included

    def test_hostile_texts_of_an_agent(self):
        self.scene("hostile")
        (self.folder / "run/kept").write_text(HOSTILE)
        shown = self.agent_page(NO)
        self.assertIn("<script>\"'&\\x1b[31m\\u{202e}\\xff</p>", shown)
        out = self.agent(NO, "report", "--trust", "none").out
        self.assertNotIn("\x1b", out)
        self.assertNotIn("\u202e", out)
        answer = json.loads(self.agent(NO, "report", "--trust", "none", "--json").out)
        self.assertTrue(answer["status"]["alarms"][0]["text"].startswith("<script>\"'&\x1b[31m"))

    def test_hostile_policy(self):
        name = "a<b>&\"'.conf"
        self.write(name, HOSTILE)
        shown = self.page(YES, name)
        for text in ("</pre><script>alert(1)</script> & \"quoted\" 'too'", "</style><img src=x onerror=alert(1)>", "a&amp;b",
                     "<b>CT</b>", "</td><script>", "eth0&<", name):
            self.assertIn(text, shown)

    def test_in_dicoms_words(self):
        self.write("policy.conf", HOSTILE)
        out = " ".join(self.expect(YES, "report", "policy.conf").out.split())
        for text in ("Verification (SCU)", "Storage (SCU)", "Verification (SCP)", "Query/Retrieve (SCP)",
                     "ct-3", "2762", "any server", "tcp 2575,", "8000-8010"):
            self.assertIn(text, out)
        roles = json.loads(self.expect(YES, "report", "--json", "policy.conf").out)
        self.assertEqual(roles["policy"]["peers"][0]["accepts"],
                         ["echo", "storage-commitment", "query-retrieve", "unified-procedure-step"])
        shown = self.page(YES, "policy.conf")
        # Who opens the association of a result is not the SCU.
        self.assertIn("Storage Commitment (SCU, for results)", shown)
        self.assertIn("Storage Commitment (SCU for results, or SCP)", shown)
        self.assertIn("Unified Procedure Step (SCU, for results)", shown)

    def test_flow_table(self):
        """That not every packet is asked about is said where it is so, and only there."""
        for line, there in (("", False), ("flowtable eth1 eth2\n", True)):
            self.write("policy.conf", f"role router\n{line}device ct {{ ae-title CT; port 104; address 10.20.1.10 }}\n")
            out = " ".join(self.expect(YES, "report", "policy.conf").out.split())
            self.assertEqual("The policy asks for a flow table" in out, there)

    def test_without_an_agent(self):
        """A policy file alone: what it would allow, and that nothing else is known."""
        out = self.expect(YES, "report", "policy.conf").out
        self.assertIn("About the policy policy.conf alone. No agent was asked:", out)
        self.assertIn("No agent was asked. leadglass verify-signature says", " ".join(out.split()))
        self.assertIn(self.expect(YES, "render", "policy.conf").out, out)
        self.assertNotIn("The wall is up", out)
        self.page(YES, "policy.conf")
        answer = json.loads(self.expect(YES, "report", "--json", "policy.conf").out)
        for key in ("comparison", "status", "history", "drops", "trust"):
            self.assertIsNone(answer[key])
        self.assertEqual(answer["policy"]["role"], "host")
        self.assertEqual(answer["files"][0]["name"], "policy.conf")

    def test_refused(self):
        result = self.expect(KERNEL, "report", "--run", "run")
        self.assertIn("no agent runs here (run/control)", result.err)
        self.assertIn("leadglass report POLICY needs no agent", result.err)
        self.assertIn("not both", self.expect(USAGE, "report", "--html", "--json").err)
        self.write("bad.conf", "role hots\n")
        self.assertIn("hots", self.expect(POLICY, "report", "bad.conf").err)
        for scene, said in (("mute", "closed the connection without an answer"), ("odd", "makes no sense")):
            self.scene(scene)
            self.assertIn(said, self.agent(KERNEL, "report").err)
            self.end_scene()

    def test_missing_is_said(self):
        self.scene("kept")
        (self.folder / "run/kept").write_text("role hots\n")
        (self.folder / "anchors").mkdir()
        self.write("anchors/hospital.crt", "no certificate\n")
        out = " ".join(self.agent(YES, "report", "--trust", "anchors").out.split())
        self.assertIn("Missing: the policy that stands: ", out)
        self.assertIn("Missing: who may sign: ", out)
        self.assertIn("The policy could not be had: what passes is not said here.", out)
        answer = json.loads(self.agent(YES, "report", "--json", "--trust", "anchors").out)
        self.assertEqual((len(answer["missing"]), answer["policy"], answer["rules"], answer["trust"]), (2, None, None, None))

    def test_json(self):
        self.scene("trouble")
        answer = json.loads(self.agent(NO, "report", "--json", "--trust", "none").out)
        self.assertEqual(answer["status"]["wall"], "unverified")
        self.assertEqual(answer["comparison"], {"compared": True, "differences": 2,
                                                "shown": ["chain input: rule 3 is missing", "set accepts4: 10.9.9.9 . 104 is not ours"]})
        self.assertEqual([entry["number"] for entry in answer["history"]], [10, 11, 12])
        self.assertEqual([row["count"] for row in answer["drops"]], [7, 2, 1000, 1, 3, 1])
        self.assertEqual(answer["missing"], [])
        self.assertEqual(answer["trust"]["anchors"], [])
        self.assertTrue(answer["command"].startswith("leadglass report --run run --json"))
        for part in ("status", "history", "drops"):
            self.assertEqual(answer[part], json.loads(self.leadglass(part, "--run", "run", "--json").out), part)

    def test_answers(self):
        """Every item that was promised, each with evidence that exists."""
        answers = json.loads(self.expect(YES, "report", "--json", "policy.conf").out)["answers"]
        items = [answer["item"] for answer in answers["mds2"]]
        self.assertEqual(len(items), len(set(items)))
        for section, numbers in (("AUDT", "1 1.1 1.2 2 2.1 2.2 2.3 2.4 2.5 2.6 2.7 2.8 2.8.1 2.8.2 2.9 2.10 2.11 3 4 4.1 "
                                          "4.1.1 5 5.1 5.2 5.3 5.4 6 7 7.1 8"),
                                 ("CONN", "1 2 3 4 5 6 7 7.1 8"), ("NAUT", "1 2 2.1 3"), ("SBOM", "1 2 2.1 2.2 2.3 2.4 3 4")):
            self.assertEqual([item for item in items if item.startswith(section)],
                             [f"{section}-{number}" for number in numbers.split()])
        self.assertEqual([answer["item"] for answer in answers["fda"]], list("ABCDEFGH"))
        self.assertEqual([answer["item"].replace("\n", " ") for answer in answers["iec-62443-4-2"]],
                         ["CR 5.1", "NDR 5.2", "NDR 5.2 RE 1", "NDR 5.2 RE 2", "NDR 5.2 RE 3", "CR 7.6", "CR 7.6 RE 1"])
        for answer in sum(answers.values(), []):
            self.assertIn(answer["answer"], ("yes", "in part", "no", "not ours"))
            self.assertGreater(len(answer["text"]), 5)
            if answer["answer"] in ("yes", "in part"):
                self.assertNotEqual(answer["evidence"], "-", answer)

    def test_answers_depend_on_the_policy(self):
        def answer(item):
            everything = json.loads(self.expect(YES, "report", "--json", "policy.conf").out)["answers"]
            return next(answer for answer in sum(everything.values(), []) if answer["item"] == item)

        self.assertEqual((answer("CONN-4")["answer"], answer("NDR 5.2")["answer"]), ("no", "in part"))
        self.assertIn("This policy does.", answer("AUDT-4.1.1")["text"])
        self.assertIn("0 of 2 peers", answer("CONN-7")["text"])
        self.write("policy.conf", HOSTILE)
        self.assertEqual((answer("CONN-4")["answer"], answer("NDR 5.2")["answer"]), ("yes", "yes"))
        self.assertIn("1 such address, the first 93.184.216.34", answer("CONN-4")["text"])
        self.assertIn("1 of 2 peers", answer("CONN-7")["text"])


if __name__ == "__main__":
    main()
