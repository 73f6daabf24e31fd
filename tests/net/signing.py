# SPDX-License-Identifier: GPL-2.0-or-later
"""Signed policies made with nothing but openssl, for every test that needs some (docs/signed-policy.md).

	pki = Pki(folder)                           # its keys and certificates are files in there
	root = pki.root("St. Anna root")
	desk = pki.signer("policy desk", root)      # may stand below pki.ca("imaging", root), too
	key = pki.key("bare key")                   # no certificate: for pinned keys
	box = Trust(folder / "trust")               # what /etc/leadglass/trust is
	box.identify(site="st-anna", unit="ct-room-3")
	box.add("st-anna", root); box.add("desk.site", key)
	desk.sign(block(7) + text)                  # octets: the whole signed file
"""
import os
import shutil
import subprocess
import time
from pathlib import Path

MARKER = b"-----BEGIN LEADGLASS SIGNATURE-----\n"
END = b"-----END LEADGLASS SIGNATURE-----\n"
PSS = ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest")
DAY = 24 * 3600
# How openssl makes each kind of key, the hash that signs policies with it, and what else that takes.
KINDS = {
	"P-256": (("EC", "ec_paramgen_curve:P-256"), "sha256", ()),
	"P-384": (("EC", "ec_paramgen_curve:P-384"), "sha384", ()),
	"P-521": (("EC", "ec_paramgen_curve:P-521"), "sha512", ()),
	**{f"RSA-{bits}": (("RSA", f"rsa_keygen_bits:{bits}"), "sha256", PSS) for bits in (2048, 3072, 4096)},
}
# Certificate extensions, as in openssl's configuration; None for one of them leaves it out.
CA = {"basicConstraints": "critical,CA:TRUE", "keyUsage": "critical,keyCertSign,cRLSign"}
SIGNER = {"basicConstraints": "critical,CA:FALSE", "keyUsage": "critical,digitalSignature", "extendedKeyUsage": "codeSigning"}


def openssl(*words, data=None):
	"""What it prints, as octets; what it says when it fails is the exception."""
	done = subprocess.run(["openssl", *map(str, words)], input=data, capture_output=True)
	if done.returncode != 0:
		raise RuntimeError(f"openssl {' '.join(map(str, words))}: {done.stderr.decode(errors='replace')}")
	return done.stdout


def joined(text, signature, certificates=b""):
	"""The signed file of its parts: the policy, the signature's octets, PEM."""
	octets = text if isinstance(text, bytes) else text.encode()
	return octets + MARKER + openssl("base64", data=signature) + END + certificates


class Key:
	"""A private key in a file, without a certificate."""

	def __init__(self, path, kind):
		self.path, self.kind = Path(path), kind
		words, self.hash, self.options = KINDS[kind]
		openssl("genpkey", "-algorithm", words[0], "-pkeyopt", words[1], "-out", self.path)

	def public(self):
		"""The PEM block that pins it."""
		return openssl("pkey", "-in", self.path, "-pubout")

	anchor = public

	def signature(self, text, hash=None, options=None):
		octets = text if isinstance(text, bytes) else text.encode()
		return openssl("dgst", f"-{hash or self.hash}", "-sign", self.path,
		               *(self.options if options is None else options), data=octets)

	def sign(self, text):
		"""The signed policy, with no certificate in it."""
		return joined(text, self.signature(text))


class Certificate(Key):
	"""A key and its certificate, and who issued it (None: itself)."""

	def __init__(self, path, kind, subject, issuer, extensions, start, end, hash="sha256", serial=None, options=()):
		super().__init__(path, kind)
		self.issuer, self.crt = issuer, self.path.with_suffix(".crt")
		_issue(self, subject, extensions, start, end, hash, serial, options)

	def pem(self):
		return self.crt.read_bytes()

	anchor = pem

	def chain(self, root=False):
		"""PEM from this certificate up, without the root unless it is asked for."""
		up = b"" if not self.issuer else self.issuer.chain(root)
		return (self.pem() if self.issuer or root else b"") + up

	def sign(self, text, root=False):
		"""The signed policy, with this certificate and those above it; the root only if asked for. A certificate
		that nobody else issued is always in it."""
		return joined(text, self.signature(text), self.chain(root or not self.issuer))


def _stamp(seconds):
	return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(seconds))


def _issue(wanted, subject, extensions, start, end, hash, serial, options=()):
	"""`openssl ca`: the only one of its commands that takes both dates."""
	folder = wanted.path.with_suffix(".ca")
	folder.mkdir()
	(folder / "index").touch()
	(folder / "serial").write_text(f"{serial or '01' + os.urandom(15).hex()}\n")
	(folder / "conf").write_text("\n".join([
		"[ca]", "default_ca = this", "[this]", f"database = {folder / 'index'}", f"new_certs_dir = {folder}",
		f"default_md = {hash}", "policy = any", "x509_extensions = more", "unique_subject = no", "email_in_dn = no",
		f"serial = {folder / 'serial'}",
		"[any]", "commonName = optional", "organizationName = optional", "countryName = optional",
		"[more]", *[f"{name} = {value}" for name, value in extensions.items() if value],
		"[req]", "distinguished_name = none", "[none]", ""]))
	request = folder / "request"
	openssl("req", "-new", "-utf8", "-key", wanted.path, "-config", folder / "conf", "-subj", subject, "-out", request)
	by = ("-cert", wanted.issuer.crt, "-keyfile", wanted.issuer.path) if wanted.issuer \
		else ("-selfsign", "-keyfile", wanted.path)
	openssl("ca", "-batch", "-notext", "-utf8", "-preserveDN", "-config", folder / "conf", *by, *options, "-in", request,
	        "-startdate", _stamp(start), "-enddate", _stamp(end), "-out", wanted.crt)
	shutil.rmtree(folder)


def block(serial, *more, site="st-anna", unit="ct-room-3"):
	"""The policy block of a signed policy, a line; `more` as "not-after 2031-01-01"."""
	return "policy { " + "; ".join((f"site {site}", f"unit {unit}", f"serial {serial}", *more)) + " }\n"


class Pki:
	def __init__(self, folder):
		self.folder, self.count = Path(folder), 0
		self.folder.mkdir(parents=True, exist_ok=True)

	def _path(self):
		self.count += 1
		return self.folder / f"{self.count}.key"

	def key(self, kind="P-256"):
		return Key(self._path(), kind)

	def certificate(self, name, issuer, extensions, *, kind="P-256", start=None, end=None, hash="sha256", serial=None,
	                subject=None, signed=(), **changed):
		"""`start` and `end` in seconds since 1970; `signed`: more words for `openssl ca`; `changed`: extensions that are to
		be others, None: none."""
		now = time.time()
		return Certificate(self._path(), kind, subject or f"/O=St. Anna/CN={name}", issuer, {**extensions, **changed},
		                   now - DAY if start is None else start, now + 365 * DAY if end is None else end, hash, serial, signed)

	def root(self, name, **changed):
		return self.certificate(name, None, CA, **changed)

	def ca(self, name, issuer, **changed):
		return self.certificate(name, issuer, CA, **changed)

	def signer(self, name, issuer, **changed):
		return self.certificate(name, issuer, SIGNER, **changed)


class Trust:
	"""A trust folder, written file by file and not by leadglass."""

	def __init__(self, path):
		self.path = Path(path)
		self.path.mkdir(mode=0o755, parents=True, exist_ok=True)
		os.chmod(self.path, 0o755)

	def write(self, name, content):
		"""Any file in it, whole at once."""
		path, new = self.path / name, self.path / f".{name}.new"
		new.write_bytes(content if isinstance(content, bytes) else content.encode())
		os.chmod(new, 0o644)
		new.replace(path)
		return path

	def identify(self, site="st-anna", unit="ct-room-3"):
		return self.write("identity", f"site {site}\nunit {unit}\n")

	def add(self, name, anchor):
		"""`anchor`: a Key, a Certificate, or PEM."""
		return self.write(f"{name}.pem", anchor.anchor() if isinstance(anchor, Key) else anchor)

	def remove(self, name):
		(self.path / f"{name}.pem").unlink()
