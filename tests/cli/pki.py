# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of signed policies share: a folder with St. Anna's keys, certificates and signed policies of openssl's."""

import hashlib
import pathlib
import subprocess
import sys
import tempfile

from command import HOST, TREE, Case, main

sys.path.insert(0, str(TREE / "tests/net"))
from signing import Pki, Trust, block, openssl  # noqa: E402

TEXT = block(7, "not-before 2026-01-01", "not-after 2099-12-31") + HOST


class Signed(Case):
    """A folder with the keys of St. Anna in it, made once."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory(prefix="leadglass-pki-")
        cls.addClassCleanup(folder.cleanup)
        cls.pki = Pki(pathlib.Path(folder.name))
        cls.root = cls.pki.root("St. Anna root")
        cls.desk = cls.pki.signer("policy desk", cls.root)
        cls.bare = cls.pki.key()

    def setUp(self):
        super().setUp()
        self.box = Trust(self.folder / "trust")
        self.write("signed", self.desk.sign(TEXT))
        self.write("root.crt", self.root.pem())
        self.write("bare.pub", self.bare.public())

    def write(self, name, content):
        if isinstance(content, bytes):
            content = content.decode("latin-1")
            path = self.folder / name
            path.write_text(content, encoding="latin-1", newline="")
            return name
        return super().write(name, content)

    def fingerprint(self, certificate):
        return openssl("x509", "-in", certificate.crt, "-noout", "-fingerprint", "-sha256").decode().strip().split("=")[1]

    def key_hash(self, key):
        return hashlib.sha256(openssl("pkey", "-in", key.path, "-pubout", "-outform", "DER")).hexdigest()

    def content(self, name):
        return {path.name: path.read_bytes() for path in (self.folder / name).iterdir()}


def signed_main():
    """main, where there is an openssl."""
    try:
        subprocess.run(["openssl", "version"], check=True, capture_output=True)
    except FileNotFoundError:
        print("needs openssl")
        sys.exit(77)
    main()
