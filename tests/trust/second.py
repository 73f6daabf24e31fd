#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: second.py sign KEY CERTIFICATES POLICY > SIGNED     (CERTIFICATES: a file, or - for none)
       second.py verify FOLDER SIGNED

A second implementation of docs/signed-policy.md, written from that text and not from leadglass: what a signed policy
is, and whether an anchor in the trust folder FOLDER vouches for it. Only Python's standard library, and openssl for
the mathematics. Says `good: ALGORITHM, ANCHOR, SCOPE` or, with exit status 1, `refused: WHY`.
"""
import base64
import hashlib
import re
import subprocess
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path

from der import BIT_STRING, BOOLEAN, INTEGER, OCTETS, OID, SEQUENCE, SET, Bad, Der

MARKER = b"-----BEGIN LEADGLASS SIGNATURE-----"
TRAILER_MAX, CHAIN_MAX, ANCHORS_MAX, ANCHOR_MAX = 64 << 10, 8, 16, 16 << 10

ALGORITHMS = {"P-256": "ECDSA P-256 with SHA-256", "P-384": "ECDSA P-384 with SHA-384", "RSA": "RSASSA-PSS with SHA-256"}
HASHES = {"P-256": "sha256", "P-384": "sha384", "RSA": "sha256"}
PSS = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32", "-sigopt", "rsa_mgf1_md:sha256"]
CURVES = {"1.2.840.10045.3.1.7": "P-256", "1.3.132.0.34": "P-384"}
EC_KEY, RSA_KEY = "1.2.840.10045.2.1", "1.2.840.113549.1.1.1"
# Of certificates: the signature's algorithm and the hash it is made with
SIGNATURES = {"1.2.840.10045.4.3.2": "sha256", "1.2.840.10045.4.3.3": "sha384", "1.2.840.10045.4.3.4": "sha512",
              "1.2.840.113549.1.1.11": "sha256", "1.2.840.113549.1.1.12": "sha384", "1.2.840.113549.1.1.13": "sha512"}
PSS_SIGNATURE = "1.2.840.113549.1.1.10"
MGF1 = "1.2.840.113549.1.1.8"
PSS_HASHES = {"2.16.840.1.101.3.4.2.1": "sha256", "2.16.840.1.101.3.4.2.2": "sha384", "2.16.840.1.101.3.4.2.3": "sha512"}
KEY_USAGE, ALTERNATIVE, BASIC, POLICIES, EXTENDED = (f"2.5.29.{number}" for number in (15, 17, 19, 32, 37))
NETSCAPE = "2.16.840.1.113730.1.1"
CODE_SIGNING, ANY_USAGE, ANY_POLICY = "1.3.6.1.5.5.7.3.3", "2.5.29.37.0", "2.5.29.32.0"
ENCODINGS = {12: "utf-8", 19: "ascii", 22: "ascii", 18: "ascii", 26: "ascii", 20: "latin-1", 28: "utf-32-be", 30: "utf-16-be"}
UNSHOWN = re.compile("[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


class Refused(Exception):
	pass


def must(condition, why):
	if not condition:
		raise Refused(why)


# ---- The file ----

class Lines:
	def __init__(self, octets):
		self.left = octets

	def next(self):
		"""The next line without its end, None when there is none."""
		if not self.left:
			return None
		line, feed, self.left = self.left.partition(b"\n")
		return line[:-1] if feed and line.endswith(b"\r") else line

	def rest_is_blank(self):
		while (line := self.next()) is not None:
			if line:
				return False
		return True


def block(lines, label):
	"""The octets of a block whose BEGIN line was read."""
	digits = b""
	while (line := lines.next()) != b"-----END " + label + b"-----":
		must(line is not None, f"{label.decode()}: no END line")
		must(re.fullmatch(b"[A-Za-z0-9+/]+=*|=+", line), f"{label.decode()}: a line that is no base64")
		digits += line
	must(digits, f"{label.decode()}: empty")
	must(re.fullmatch(b"[A-Za-z0-9+/]*={0,2}", digits) and len(digits) % 4 == 0, f"{label.decode()}: no base64")
	octets = base64.b64decode(digits, validate=True)
	must(base64.b64encode(octets) == digits, f"{label.decode()}: not the only spelling")
	return octets


def take_apart(octets):
	"""(policy, signature, certificates)"""
	found = re.search(b"(?:\\A|(?<=\n))" + re.escape(MARKER), octets)
	must(found, "not signed")
	policy, trailer = octets[:found.start()], octets[found.start():]
	must(len(trailer) <= TRAILER_MAX, "too much after the policy")
	lines = Lines(trailer)
	must(lines.next() == MARKER, "something after the marker on its line")
	must(not re.search(b"\n" + re.escape(MARKER), trailer), "two signatures")
	signature, certificates = block(lines, b"LEADGLASS SIGNATURE"), []
	while (line := lines.next()) is not None:
		if line:
			must(line == b"-----BEGIN CERTIFICATE-----", "something between the certificates")
			must(len(certificates) < CHAIN_MAX, "too many certificates")
			certificates.append(block(lines, b"CERTIFICATE"))
	return policy, signature, certificates


# ---- Keys ----

class Key:
	"""A SubjectPublicKeyInfo"""

	def __init__(self, der):
		self.der = der
		try:
			info = Der(der).only(SEQUENCE)
			algorithm = info.take(SEQUENCE)
			kind = algorithm.take(OID).oid()
			if kind == EC_KEY:
				self.kind = CURVES.get(algorithm.take(OID).oid())
			else:
				self.kind = "RSA" if kind == RSA_KEY else None
			bits = info.take(BIT_STRING).octets[1:]
			info.end()
			if self.kind == "RSA":
				numbers = Der(bits).only(SEQUENCE)
				self.modulus, exponent = (numbers.take(INTEGER).number() for _ in range(2))
				if not 3072 <= self.modulus.bit_length() <= 8192 or exponent.bit_length() > 64:
					self.kind = None
		except Bad as bad:
			raise Refused(f"a key: {bad}") from bad
		must(self.kind, "a kind of key that is not taken")

	def pem(self):
		return b"-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(self.der) + b"-----END PUBLIC KEY-----\n"

	def openssl_says_yes(self, hash, options, signature, octets):
		with tempfile.TemporaryDirectory() as folder:
			for name, content in (("key", self.pem()), ("signature", signature)):
				(Path(folder) / name).write_bytes(content)
			done = subprocess.run(["openssl", "dgst", f"-{hash}", *options, "-verify", f"{folder}/key", "-signature",
			                       f"{folder}/signature"], input=octets, capture_output=True)
		return done.returncode == 0 and done.stdout == b"Verified OK\n"

	def form(self, signature):
		"""Whether the octets can be this key's signature."""
		if self.kind == "RSA":
			return len(signature) == (self.modulus.bit_length() + 7) // 8
		most = 32 if self.kind == "P-256" else 48
		try:
			numbers = Der(signature).only(SEQUENCE)
			both = [numbers.take(INTEGER).number() for _ in range(2)]
			numbers.end()
		except Bad:
			return False
		return all(0 < number < 1 << 8 * most for number in both)

	def signed(self, policy, signature):
		return self.form(signature) and self.openssl_says_yes(HASHES[self.kind], PSS if self.kind == "RSA" else [],
		                                                     signature, policy)


# ---- Certificates ----

def when(value):
	text = value.octets.decode("ascii", "replace")
	if value.tag == 23:
		text = ("19" if text >= "50" else "20") + text
	try:
		return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=timezone.utc)
	except ValueError as error:
		raise Bad("a date") from error


def name_of(name):
	"""A name to compare: sets of (type, value)."""
	parts = []
	for part in name.inner(SET, least=0):
		part_of = []
		for pair in part.inner(SEQUENCE):
			kind, value = pair.take(OID).oid(), pair.take()
			pair.end()
			must(value.tag in ENCODINGS, "a name in no encoding")
			try:
				text = value.octets.decode(ENCODINGS[value.tag])
			except UnicodeDecodeError as error:
				raise Refused("a name that is no text") from error
			must(not UNSHOWN.search(text), "a name that cannot be shown")
			folds = value.tag in (12, 19)
			part_of.append((kind, "text" if folds else value.tag, value.octets.lower() if folds else value.octets))
		parts.append(tuple(part_of))
	return tuple(parts)


class Certificate:
	def __init__(self, der):
		self.ca, self.path_length, self.usage, self.extended = False, None, None, None
		try:
			self.read(Der(der).only(SEQUENCE))
		except Bad as bad:
			raise Refused(f"a certificate: {bad}") from bad

	def read(self, whole):
		body = whole.take(SEQUENCE)
		self.body = body.whole
		algorithm = whole.take(SEQUENCE)
		self.algorithm, self.signature = algorithm.whole, whole.take(BIT_STRING).octets[1:]
		whole.end()
		body.optional(0xa0)
		body.take(INTEGER)
		if body.take(SEQUENCE).whole != self.algorithm:
			raise Bad("two algorithms")
		self.issuer = name_of(body.take(SEQUENCE))
		dates = body.take(SEQUENCE)
		self.begins, self.ends = when(dates.take()), when(dates.take())
		self.subject = name_of(body.take(SEQUENCE))
		self.key = Key(body.take(SEQUENCE).whole)
		body.optional(0x81)
		body.optional(0x82)
		extensions = body.optional(0xa3)
		if extensions:
			seen = set()
			for extension in extensions.take(SEQUENCE).inner(SEQUENCE):
				self.extension(extension, seen)
		body.end()

	def extension(self, extension, seen):
		kind = extension.take(OID).oid()
		critical = extension.optional(BOOLEAN)
		critical = bool(critical) and critical.octets != b"\0"
		value = extension.take(OCTETS).octets
		extension.end()
		if kind in seen:
			raise Bad("an extension twice")
		seen.add(kind)
		if kind == BASIC:
			content = Der(value).only(SEQUENCE)
			ca = content.optional(BOOLEAN)
			self.ca = bool(ca) and ca.octets != b"\0"
			length = content.optional(INTEGER)
			self.path_length = length.number() if length else None
		elif kind == KEY_USAGE:
			bits = Der(value).only(BIT_STRING).octets
			self.usage = int.from_bytes(bits[1:2], "big")
		elif kind == EXTENDED:
			self.extended = {one.oid() for one in Der(value).only(SEQUENCE).inner(OID)}
		elif kind == POLICIES:
			policies = {one.take(OID).oid() for one in Der(value).only(SEQUENCE).inner(SEQUENCE)}
			if critical and policies != {ANY_POLICY}:
				raise Bad("a critical policy that is not any")
		elif critical and kind not in (ALTERNATIVE, NETSCAPE):
			raise Bad(f"the critical extension {kind}")

	def signed_by(self, issuer):
		algorithm = Der(self.algorithm).only(SEQUENCE)
		kind, options = algorithm.take(OID).oid(), []
		hash = SIGNATURES.get(kind)
		if kind == PSS_SIGNATURE:
			hash, mask, salt = "", "sha1", 20
			for each in algorithm.take(SEQUENCE).all():
				if each.tag == 0xa0:
					hash = PSS_HASHES.get(each.take(SEQUENCE).take(OID).oid())
				elif each.tag == 0xa1:
					mgf1 = each.take(SEQUENCE)
					must(mgf1.take(OID).oid() == MGF1, "a certificate whose mask is not MGF1")
					mask = PSS_HASHES.get(mgf1.take(SEQUENCE).take(OID).oid())
				elif each.tag == 0xa2:
					salt = each.take(INTEGER).number()
			must(mask == hash, "a certificate whose MGF1 has another hash")
			options = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", f"rsa_pss_saltlen:{salt}"]
		must(hash, "a certificate that is signed with another hash")
		return issuer.key.openssl_says_yes(hash, options, self.signature, self.body)

	def is_ca(self):
		return (self.ca and (self.usage is None or self.usage & 0x04) and
		        (self.extended is None or self.extended & {CODE_SIGNING, ANY_USAGE}))

	def may_issue(self, below):
		"""With so many CAs between this one and the signer's."""
		return self.is_ca() and (self.path_length is None or self.path_length >= below)


# ---- Who is trusted ----

class Anchor:
	def __init__(self, name, text):
		self.name = name
		self.scope = next((scope for scope in ("site", "oem") if name.endswith(f".{scope}")), "all")
		lines = Lines(text)
		while (line := lines.next()) == b"":
			pass
		label = re.fullmatch(b"-----BEGIN (CERTIFICATE|PUBLIC KEY)-----", line or b"")
		must(label and len(text) <= ANCHOR_MAX, f"{name} is no anchor")
		der = block(lines, label[1])
		must(lines.rest_is_blank(), f"something follows in {name}")
		self.pinned = Key(der) if label[1] == b"PUBLIC KEY" else None
		self.certificate = None if self.pinned else Certificate(der)
		must(self.pinned or self.certificate.is_ca(), f"{name} is no CA's that may vouch for signers")


def read_anchors(folder):
	"""The anchors that can be used."""
	anchors = []
	for path in sorted(Path(folder).iterdir()):
		if path.name.startswith(".") or path.name == "identity":
			continue
		must(path.name.endswith(".pem"), f"{path.name} in the trust folder")
		anchors.append((path.name[:-4], path.read_bytes()))
	must(len(anchors) <= ANCHORS_MAX, "too many anchors")
	usable = []
	for name, text in anchors:
		try:
			usable.append(Anchor(name, text))
		except Refused:
			pass
	return usable


# ---- From the signer to an anchor ----

def ways(chain, at, below, anchors):
	"""Each (anchor, certificates from here up)."""
	one, anchored = chain[at], False
	for anchor in anchors:
		root = anchor.certificate
		if root and root.subject == one.issuer and root.may_issue(below) and one.signed_by(root):
			anchored = True
			yield anchor, [one, root]
	for next_at in range(at + 1, len(chain)):
		issuer = chain[next_at]
		if not anchored and issuer.subject == one.issuer and issuer.may_issue(below) and one.signed_by(issuer):
			for anchor, path in ways(chain, next_at, below + (issuer.subject != issuer.issuer), anchors):
				yield anchor, [one, *path]


def best(found):
	"""What is valid now before what is not, and then what ends last."""
	now = datetime.now(timezone.utc)
	return max(found, key=lambda way: (all(one.begins <= now <= one.ends for one in way[1]), min(one.ends for one in way[1])),
	           default=None)


class Good:
	def __init__(self, anchor, key, policy, path=()):
		self.anchor, self.algorithm, self.content = anchor, ALGORITHMS[key.kind], hashlib.sha256(policy).hexdigest()
		self.begins = max((one.begins for one in path), default=None)
		self.ends = min((one.ends for one in path), default=None)

	def __str__(self):
		return f"good: {self.algorithm}, {self.anchor.name}, {self.anchor.scope}"


def verify(octets, anchors):
	"""Good, or raises Refused."""
	policy, signature, certificates = take_apart(octets)
	pinned = [anchor for anchor in anchors if anchor.pinned]
	if not certificates:
		for anchor in pinned:
			if anchor.pinned.signed(policy, signature):
				return Good(anchor, anchor.pinned, policy)
		raise Refused("no certificate, and no pinned key has signed it")
	chain = [Certificate(der) for der in certificates]
	signer = chain[0]
	anchor, path = next((anchor for anchor in pinned if anchor.pinned.der == signer.key.der), None), []
	if not anchor:
		found = best(ways(chain, 0, 0, anchors))
		must(found, "no anchor vouches for the signer")
		anchor, path = found
		must(not signer.ca, "the signer is a CA")
		must(signer.extended is not None and CODE_SIGNING in signer.extended, "not for code signing")
		must(signer.usage is not None and signer.usage & 0x80, "not for digital signatures")
	must(signer.key.signed(policy, signature), "the signature is wrong")
	return Good(anchor, signer.key, policy, path)


# ---- Signing ----

def sign(key, policy, certificates=b""):
	"""`key`: the path of a private key."""
	public = subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER"], capture_output=True, check=True)
	kind = Key(public.stdout).kind
	must(policy.endswith(b"\n") and MARKER not in policy, "it has to end with a line feed and to be unsigned")
	done = subprocess.run(["openssl", "dgst", f"-{HASHES[kind]}", *(PSS if kind == "RSA" else []), "-sign", key],
	                      input=policy, capture_output=True, check=True)
	return b"".join((policy, MARKER, b"\n", base64.encodebytes(done.stdout), b"-----END LEADGLASS SIGNATURE-----\n",
	                 certificates))


def main():
	try:
		match sys.argv[1:]:
			case ["sign", key, certificates, policy]:
				pem = b"" if certificates == "-" else Path(certificates).read_bytes()
				sys.stdout.buffer.write(sign(key, Path(policy).read_bytes(), pem))
			case ["verify", folder, signed]:
				print(verify(Path(signed).read_bytes(), read_anchors(folder)))
			case _:
				print(__doc__.strip())
				return 2
	except Refused as refused:
		print(f"refused: {refused}")
		return 1
	return 0


if __name__ == "__main__":
	sys.exit(main())
