#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: fixture.py FOLDER

Makes the keys, trust anchors and signed policies that the tests of src/trust read: FOLDER/anchors/NAME.pem,
FOLDER/signed/CASE and FOLDER/keys. verdicts.txt says of each case what is to come of it. Only openssl signs; what it
would not make is put together here octet by octet.
"""
import shutil
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "net"))
from signing import Pki, block, joined  # noqa: E402

TEXT = (block(7) + "role host\ndevice ct-3 { port 104 }\n"
        "peer pacs { address 10.20.0.5; port 104; initiates echo storage }\n").encode()


class Made:
	def __init__(self, folder):
		self.folder, self.pki = folder, Pki(folder / "keys")
		for name in ("anchors", "signed"):
			(folder / name).mkdir()

	def anchor(self, name, anchor):
		octets = anchor if isinstance(anchor, bytes) else anchor.anchor()
		(self.folder / "anchors" / f"{name}.pem").write_bytes(octets)

	def signed(self, case, octets):
		path = self.folder / "signed" / case
		if path.exists():
			raise RuntimeError(f"{case} is there already")
		path.write_bytes(octets)


def good(made):
	pki = made.pki
	root = pki.root("root")
	for name, kind in (("p256", "P-256"), ("p384", "P-384"), ("rsa", "RSA-3072")):
		top = pki.root(f"{name} root", kind=kind)
		signer = pki.signer(f"{name} desk", top, kind=kind)
		made.anchor(name, top)
		made.anchor(f"{name}-key.site", signer.public())
		made.signed(f"{name}-root-signer", signer.sign(TEXT))
		made.signed(f"{name}-with-root", signer.sign(TEXT, root=True))
		made.signed(f"{name}-pinned", joined(TEXT, signer.signature(TEXT)))
	made.anchor("root", root)
	below = pki.ca("imaging CA", root)
	made.signed("intermediate", pki.signer("desk", below).sign(TEXT))
	made.signed("intermediate-with-root", pki.signer("desk", below).sign(TEXT, root=True))


def main():
	if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
		print(__doc__.strip())
		return 2
	folder = Path(sys.argv[1])
	shutil.rmtree(folder, ignore_errors=True)
	made = Made(folder)
	good(made)
	return 0


if __name__ == "__main__":
	sys.exit(main())
