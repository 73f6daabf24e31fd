# SPDX-License-Identifier: GPL-2.0-or-later
"""`apply --offline`: what is in the state folder afterwards. That an agent starts with it is for tests/net/agent_ssh.py."""

import hashlib
import os
import re
import stat

from command import HOST, KERNEL, POLICY, ROOT, USAGE, YES, Case, main


class Offline(Case):
    def setUp(self):
        super().setUp()
        self.state = self.folder / "state"

    def apply(self, code=YES, name="policy.conf", *more):
        return self.expect(code, "apply", "--offline", "--state", str(self.state), *more, name)

    def text(self, name):
        """A state file's content; its checksum must be right."""
        whole = (self.state / name).read_bytes()
        body, last = whole[:-72], whole[-72:]
        self.assertEqual(last, b"sha256 " + hashlib.sha256(body).hexdigest().encode() + b"\n")
        first, _, rest = body.partition(b"\n")
        self.assertEqual(first, f"leadglass-state 1 {name}".encode())
        return rest.decode()

    def files(self):
        return sorted(path.name for path in self.state.iterdir())

    def test_first(self):
        result = self.apply()
        self.assertEqual(result.out, f"policy 1 is kept in {self.state}: leadglassd starts with it\n")
        self.assertEqual(self.files(), ["closed", "policy.1", "record"])
        bundle = self.text("policy.1")
        self.assertEqual(bundle, f"leadglass-bundle 1\nfile {len(HOST)} policy.conf\n{HOST}\nend\n")
        record = self.text("record")
        self.assertTrue(record.startswith("confirmed 1\npending 0\nnext 2\n\npolicy 1\n"), record)
        self.assertIn(f"\nbundle {hashlib.sha256(bundle.encode()).hexdigest()}\noutcome applied\n", record)
        self.assertRegex(record, r"\napplied 2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n")
        self.assertIn("\npeers 2\n", record)
        closed = self.text("closed")
        self.assertIn("from 10.20.9.0/24", closed)
        self.assertNotIn("peer", closed)
        self.write("closed.conf", closed)
        self.expect(YES, "check", "closed.conf")
        self.assertEqual(stat.S_IMODE(self.state.stat().st_mode), 0o700)
        for name in self.files():
            self.assertEqual(stat.S_IMODE((self.state / name).stat().st_mode), 0o600)

    def test_again(self):
        self.apply()
        self.write("other.conf", HOST.replace("10.20.0.5", "10.20.0.6").replace("manage { from 10.20.9.0/24 }", ""))
        self.assertIn("warning: ", self.apply(name="other.conf").err)
        record = self.text("record")
        self.assertTrue(record.startswith("confirmed 2\npending 0\nnext 3\n"))
        self.assertEqual(re.findall(r"(?m)^policy (\d+)$", record), ["1", "2"])
        self.assertNotIn("manage", self.text("closed"))

    def test_includes_travel_along(self):
        self.write("sub/more.conf", "peer more { address 10.20.0.77; ae-title M; port 104; initiates echo }\n")
        self.write("policy.conf", HOST + "include sub/more.conf\n")
        self.apply()
        self.assertIn("\nfile 71 sub/more.conf\npeer more", self.text("policy.1"))

    def test_many(self):
        for _ in range(20):
            self.apply()
        self.assertEqual(len(self.files()), 16 + 2)
        self.assertTrue(self.text("record").startswith("confirmed 20\npending 0\nnext 21\n"))

    def test_invalid_changes_nothing(self):
        self.apply()
        before = {name: (self.state / name).read_bytes() for name in self.files()}
        self.write("bad.conf", "role hots\n")
        self.apply(POLICY, "bad.conf")
        self.apply(POLICY, "nowhere.conf")
        self.assertEqual({name: (self.state / name).read_bytes() for name in self.files()}, before)

    def test_damaged_record(self):
        self.apply()
        path = self.state / "record"
        path.write_bytes(path.read_bytes().replace(b"confirmed 1", b"confirmed 7"))
        self.assertIn("is damaged, and begins anew", self.apply().err)
        # The number of what is forgotten is not given again.
        self.assertTrue(self.text("record").startswith("confirmed 2\npending 0\nnext 3\n\npolicy 2\n"))

    def test_refused_folders(self):
        self.state.mkdir(mode=0o777)
        self.state.chmod(0o777)
        self.assertIn("can be written by others", self.apply(KERNEL).err)
        self.state.chmod(0o700)
        (self.folder / "link").symlink_to(self.state)
        self.state, folder = self.folder / "link", self.state
        self.assertIn("is a symbolic link", self.apply(KERNEL).err)
        self.state = folder / "no" / "where"
        self.assertIn("cannot open the folder", self.apply(KERNEL).err)
        self.state = folder
        self.assertEqual(self.files(), [])

    def test_other_owner(self):
        """The folder of an agent that has a user of its own: the files are that user's."""
        if not ROOT:
            self.skipTest("needs root")
        self.state.mkdir(mode=0o700)
        os.chown(self.state, 65534, 65534)
        self.folder.chmod(0o755)
        self.apply()
        for name in self.files():
            status = (self.state / name).stat()
            self.assertEqual((status.st_uid, status.st_gid), (65534, 65534))

    def test_words(self):
        for words in (["--confirm-within", "2m"], ["--dry-run"], ["--json"], ["--run", "run"]):
            self.assertIn("--offline goes with --state, --trust and --yes alone", self.apply(USAGE, "policy.conf", *words).err)
        self.assertIn("--state goes with --offline", self.expect(USAGE, "apply", "--state", "state", "policy.conf").err)


if __name__ == "__main__":
    main()
