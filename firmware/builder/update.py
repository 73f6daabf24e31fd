# SPDX-License-Identifier: GPL-2.0-or-later
"""The update file: a signed manifest, then the slot it describes. Signed by openssl, with a key in a file or wherever
an engine of openssl reaches it; docs/signed-policy.md says how."""
import base64
import shutil

from .tools import fail, run, say, sha256

MARKER = "-----BEGIN LEADGLASS SIGNATURE-----\n"
END = "-----END LEADGLASS SIGNATURE-----\n"
DEVELOPER = "/O=leadglass/CN=developer, not for devices"
CA = ("keyUsage=critical,keyCertSign", "basicConstraints=critical,CA:TRUE")
SIGNER = ("keyUsage=critical,digitalSignature", "extendedKeyUsage=codeSigning", "basicConstraints=critical,CA:FALSE")


def developer_key(work, folder):
	"""A key and its certificates for whoever has none; made once in the output folder, and kept. The CA that vouches
	for it signs this one certificate, and its key is thrown away."""
	key, chain = folder / "developer-key.pem", folder / "developer.pem"
	if not key.exists() or not chain.exists():
		def make(name, subject, extensions, *options):
			run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-sha256",
			    "-days", "36500", "-subj", subject, "-keyout", work / f"{name}.key", "-out", work / f"{name}.pem", *options,
			    *[word for extension in extensions for word in ("-addext", extension)])
		make("ca", f"{DEVELOPER}: CA", CA)
		make("signer", DEVELOPER, SIGNER, "-CA", work / "ca.pem", "-CAkey", work / "ca.key")
		chain.write_text((work / "signer.pem").read_text() + (work / "ca.pem").read_text())
		shutil.copy2(work / "signer.key", key)
		key.chmod(0o600)
	return key, chain


def certificates(path):
	"""The certificates in a PEM file, without whatever text stands between them."""
	parts = path.read_text().split("-----BEGIN CERTIFICATE-----")[1:]
	if not parts:
		fail(f"{path}: no certificate in it; it begins with -----BEGIN CERTIFICATE-----")
	return ["-----BEGIN CERTIFICATE-----" + part.split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n"
	        for part in parts]


def last_certificate(work, path):
	"""The end of a chain, as an anchor in a file of its own: who makes the box, and has a say in nothing else."""
	anchor = work / "maker.oem.pem"
	anchor.write_text(certificates(path)[-1])
	return anchor


def manifest(board, release, slot):
	return (f"update {{\n\tboard {board.name}\n\tserial {release['serial']}\n\tversion {release['version']}\n"
	        f"\timage-size {slot.stat().st_size}\n\timage-sha256 {sha256(slot)}\n}}\n")


def sign(work, text, key, certificate):
	"""The signed manifest, as octets."""
	public = run("openssl", "pkey", "-in", key, "-pubout", "-text_pub")
	options = []
	if "P-384" in public or "secp384r1" in public:
		options = ["-sha384"]
	elif "prime256v1" in public:
		options = ["-sha256"]
	elif "RSA" in public or "Modulus" in public:
		options = ["-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"]
	else:
		fail(f"{key}: neither P-256, nor P-384, nor RSA; leadglass-trust(5) says how a key is made")
	plain, signature = work / "manifest", work / "manifest.sig"
	plain.write_text(text)
	run("openssl", "dgst", *options, "-sign", key, "-out", signature, plain)
	lines = base64.encodebytes(signature.read_bytes()).decode()
	chain = "".join(certificates(certificate))
	return (text + MARKER + lines + END + chain).encode()


def make_update(work, board, release, slot, key, certificate):
	"""work/update."""
	signed = sign(work, manifest(board, release, slot), key, certificate)
	path = work / "update"
	with open(path, "wb") as file:
		file.write(f"leadglass update, manifest of {len(signed)} octets\n".encode())
		file.write(signed)
		file.write(slot.read_bytes())
	say(f"update: {path.stat().st_size:,} octets")
	return path
