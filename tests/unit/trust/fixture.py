#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: fixture.py FOLDER

Makes the keys, trust anchors and signed policies that the tests of src/trust read: FOLDER/anchors/NAME.pem,
FOLDER/signed/CASE and FOLDER/keys. verdicts.txt says of each case what is to come of it. Only openssl signs; what it
would not make is put together here octet by octet.
"""
import calendar
import hashlib
import shutil
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "net"))
import made_chain  # noqa: E402
import made_form  # noqa: E402
from signing import Pki, block, joined, openssl  # noqa: E402

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
	pki, signers = made.pki, []
	root = pki.root("root")
	for name, kind in (("p256", "P-256"), ("p384", "P-384"), ("rsa", "RSA-3072")):
		top = pki.root(f"{name} root", kind=kind)
		signer = pki.signer(f"{name} desk", top, kind=kind)
		made.anchor(name, top)
		made.anchor(f"{name}-key.site", signer.public())
		made.signed(f"{name}-root-signer", signer.sign(TEXT))
		made.signed(f"{name}-with-root", signer.sign(TEXT, root=True))
		made.signed(f"{name}-pinned", joined(TEXT, signer.signature(TEXT)))
		signers.append(signer)
	made.anchor("root", root)
	below = pki.ca("imaging CA", root)
	made.signed("intermediate", pki.signer("desk", below).sign(TEXT))
	made.signed("intermediate-with-root", pki.signer("desk", below).sign(TEXT, root=True))
	return root, signers


def to_sign_with(made):
	"""Keys in every form, and certificates beside them: FOLDER/sign."""
	folder = made.folder / "sign"
	folder.mkdir()
	for name, kind in (("p256", "P-256"), ("p384", "P-384"), ("rsa", "RSA-3072")):
		top = made.pki.root(f"{name} sign root", kind=kind)
		signer = made.pki.signer(f"{name} sign desk", made.pki.ca(f"{name} sign CA", top, kind=kind), kind=kind)
		made.anchor(f"{name}-sign", top)
		made.anchor(f"{name}-sign-key", signer.public())
		shutil.copy(signer.path, folder / f"{name}.key")
		(folder / f"{name}.crt").write_bytes(signer.chain())
		traditional = openssl("pkey", "-in", signer.path, "-traditional")
		(folder / f"{name}-traditional.key").write_bytes(traditional)
		(folder / f"{name}-encrypted.key").write_bytes(openssl("pkey", "-in", signer.path, "-aes256", "-passout", "pass:x"))
		(folder / f"{name}-encrypted-traditional.key").write_bytes(
			openssl("pkey", "-in", signer.path, "-aes256", "-traditional", "-passout", "pass:x"))
		(folder / f"{name}-text.crt").write_bytes(
			openssl("x509", "-in", signer.crt, "-text") + openssl("x509", "-in", signer.issuer.crt, "-text"))
		(folder / f"{name}-reversed.crt").write_bytes(signer.issuer.pem() + signer.pem())
	curve = openssl("ecparam", "-name", "prime256v1")
	(folder / "parameters.key").write_bytes(curve + (folder / "p256-traditional.key").read_bytes())
	for name, words in (("p521", ("EC", "-pkeyopt", "ec_paramgen_curve:P-521")), ("ed25519", ("ed25519",)),
	                    ("rsa2048", ("RSA", "-pkeyopt", "rsa_keygen_bits:2048"))):
		openssl("genpkey", "-algorithm", *words, "-out", folder / f"{name}.key")


def about(made):
	"""What openssl says of some anchors: FOLDER/about, a line each: name, SHA-256 of the whole and of its key in
	hexadecimal, notBefore and notAfter in seconds."""
	lines = []
	for name in ("p256", "p384", "rsa", "rsa4096", "root", "renewed"):
		path = made.folder / "anchors" / f"{name}.pem"
		whole = openssl("x509", "-in", path, "-outform", "DER")
		key = openssl("pkey", "-pubin", "-outform", "DER", data=openssl("x509", "-in", path, "-noout", "-pubkey"))
		said = openssl("x509", "-in", path, "-noout", "-dates", "-dateopt", "iso_8601").decode().split()
		times = [calendar.timegm(time.strptime(f"{day[-10:]} {clock}", "%Y-%m-%d %H:%M:%SZ"))
		         for day, clock in (said[:2], said[2:])]
		lines.append(" ".join((name, hashlib.sha256(whole).hexdigest(), hashlib.sha256(key).hexdigest(), *map(str, times))))
	(made.folder / "about").write_text("".join(line + "\n" for line in lines))


def main():
	if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
		print(__doc__.strip())
		return 2
	folder = Path(sys.argv[1])
	shutil.rmtree(folder, ignore_errors=True)
	made = Made(folder)
	root, signers = good(made)
	made_form.make(made, signers, TEXT)
	made_chain.make(made, root, TEXT)
	to_sign_with(made)
	about(made)
	return 0


if __name__ == "__main__":
	sys.exit(main())
