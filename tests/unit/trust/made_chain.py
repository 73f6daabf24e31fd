# SPDX-License-Identifier: GPL-2.0-or-later
"""Signed policies whose signature is right, and whose certificates are broken or unusual. See fixture.py."""
import copy
import time

import signing
from made_form import pem
from signing import CA, DAY, SIGNER, joined, openssl

# Kinds of keys that nobody else's tests need.
signing.KINDS.update({
	"secp256k1": (("EC", "ec_paramgen_curve:secp256k1"), "sha256", ()),
	"brainpool": (("EC", "ec_paramgen_curve:brainpoolP256r1"), "sha256", ()),
	"RSA-PSS": (("RSA-PSS", "rsa_keygen_bits:3072"), "sha256", signing.PSS),
})


# ---- DER ----

def der(certificate):
	return openssl("x509", "-in", certificate.crt, "-outform", "DER")


def split(octets):
	"""(tag, contents, the whole, what follows) of the first value."""
	size, start = octets[1], 2
	if size & 0x80:
		start += size & 0x7f
		size = int.from_bytes(octets[2:start], "big")
	end = start + size
	return octets[0], octets[start:end], octets[:end], octets[end:]


def value(tag, contents):
	size = len(contents)
	length = bytes([size]) if size < 128 else bytes([0x82]) + size.to_bytes(2, "big")
	return bytes([tag]) + length + contents


def resigned(certificate, change, by):
	"""The certificate with the octets that are signed changed, and signed again (ECDSA with SHA-256)."""
	_, contents, _, _ = split(der(certificate))
	_, inner, _, rest = split(contents)
	_, _, algorithm, _ = split(rest)
	tbs = value(0x30, change(inner))
	signature = openssl("dgst", "-sha256", "-sign", by.path, data=tbs)
	return value(0x30, tbs + algorithm + value(0x03, b"\0" + signature))


def replaced(old, new):
	def change(octets):
		if old not in octets:
			raise RuntimeError(f"no {old} in the certificate")
		return octets.replace(old, new)
	return change


def certified(made, ca, issuer, start=None, end=None):
	"""The key and name of a CA in another certificate, from another issuer."""
	other, now = copy.copy(ca), time.time()
	other.crt, other.issuer = made.pki._path().with_suffix(".crt"), issuer
	name = openssl("x509", "-in", ca.crt, "-noout", "-subject", "-nameopt", "compat").decode().strip().removeprefix("subject=")
	signing._issue(other, name, CA, start or now - DAY, end or now + 365 * DAY, "sha256", None)
	return other


# ---- cases ----

def keys(made, root, text):
	"""Signers whose key is not taken."""
	for kind in ("P-521", "secp256k1", "brainpool", "RSA-2048", "RSA-PSS"):
		signer = made.pki.signer("desk", root, kind=kind)
		made.signed(f"key-{kind.lower()}", signer.sign(text))
		made.anchor(f"key-{kind.lower()}", signer.public())
	for kind in ("ed25519", "ed448"):
		key, folder = made.folder / "keys" / kind, made.folder / "keys"
		openssl("genpkey", "-algorithm", kind, "-out", key)
		openssl("req", "-new", "-key", key, "-subj", "/CN=desk", "-out", f"{key}.csr")
		openssl("x509", "-req", "-in", f"{key}.csr", "-CA", root.crt, "-CAkey", root.path, "-CAcreateserial",
		        "-CAserial", folder / "serial", "-out", f"{key}.crt")
		made.signed(f"key-{kind}", joined(text, b"\1" * 64, (folder / f"{kind}.crt").read_bytes()))
		made.anchor(f"key-{kind}", openssl("pkey", "-in", key, "-pubout"))
		openssl("req", "-new", "-x509", "-key", key, "-subj", "/CN=desk", "-out", f"{key}.crt")
		made.signed(f"key-{kind}-self-signed", joined(text, b"\1" * 64, (folder / f"{kind}.crt").read_bytes()))
	long = made.folder / "keys" / "exponent.key"
	openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072", "-pkeyopt",
	        f"rsa_keygen_pubexp:{(1 << 64) + 13}", "-out", long)
	made.anchor("key-exponent", openssl("pkey", "-in", long, "-pubout"))
	request = openssl("req", "-new", "-x509", "-key", long, "-subj", "/CN=desk")
	made.signed("key-exponent", joined(text, bytes(384), request))


def usages(made, root, text):
	def case(name, **changed):
		made.signed(f"usage-{name}", made.pki.signer("desk", root, **changed).sign(text))

	case("server", extendedKeyUsage="serverAuth")
	case("none", extendedKeyUsage=None)
	case("any", extendedKeyUsage="anyExtendedKeyUsage")
	case("any-critical", extendedKeyUsage="critical,anyExtendedKeyUsage,serverAuth")
	case("more", extendedKeyUsage="critical,serverAuth,codeSigning")
	case("key-none", keyUsage=None)
	case("key-other", keyUsage="critical,keyEncipherment,nonRepudiation")
	case("key-more", keyUsage="critical,digitalSignature,nonRepudiation")
	case("bare", extendedKeyUsage=None, keyUsage=None, basicConstraints=None)
	case("constraints-none", basicConstraints=None)
	case("is-ca", basicConstraints="critical,CA:TRUE", keyUsage="critical,keyCertSign,digitalSignature")
	made.signed("usage-root-signs", joined(text, root.signature(text), root.pem()))


def chains(made, root, text):
	pki = made.pki

	def case(name, signer, certificates=None):
		made.signed(f"chain-{name}", joined(text, signer.signature(text), signer.chain() if certificates is None else certificates))

	high = pki.ca("high", root)
	low = pki.ca("low", high)
	desk = pki.signer("desk", low)
	case("three", desk)
	case("three-with-root", desk, desk.chain(root=True))
	case("order", desk, desk.pem() + high.pem() + low.pem())
	case("ca-first", desk, low.pem() + desk.pem() + high.pem())
	case("missing-middle", desk, desk.pem() + high.pem())
	case("missing-top", desk, desk.pem() + low.pem())
	case("missing-all", desk, desk.pem())
	case("stranger-beside", desk, desk.chain() + pki.root("stranger").pem())
	case("twice", desk, desk.chain() + desk.chain())
	case("another-signer", desk, pki.signer("desk", low).chain())
	self_signed = pki.certificate("desk", None, SIGNER)
	case("self-signed-leaf", self_signed, self_signed.pem())
	in_its_name = pki.certificate("root", None, SIGNER)
	case("self-signed-as-root", in_its_name, in_its_name.pem())

	deep, signers = root, []
	for level in range(8):
		signers.append(pki.signer(f"desk {level}", deep))
		deep = pki.ca(f"level {level}", deep)
	case("eight", signers[7])

	short = pki.root("short root", basicConstraints="critical,CA:TRUE,pathlen:0")
	made.anchor("short", short)
	case("path-none", pki.signer("desk", short))
	case("path-root", pki.signer("desk", pki.ca("below", short)))
	tight = pki.ca("tight", root, basicConstraints="critical,CA:TRUE,pathlen:0")
	case("path-held", pki.signer("desk", tight))
	case("path-exceeded", pki.signer("desk", pki.ca("below tight", tight)))

	case("leaf-as-ca", pki.signer("desk 2", desk))
	case("no-cert-sign", pki.signer("desk", pki.ca("odd", root, keyUsage="critical,cRLSign")))
	case("no-constraints", pki.signer("desk", pki.ca("odd", root, basicConstraints=None)))
	case("ca-usage-server", pki.signer("desk", pki.ca("web", root, extendedKeyUsage="serverAuth")))
	case("ca-usage-signing", pki.signer("desk", pki.ca("code", root, extendedKeyUsage="codeSigning,serverAuth")))
	case("ca-usage-any", pki.signer("desk", pki.ca("any", root, extendedKeyUsage="anyExtendedKeyUsage")))

	# Somebody who has no CA's key, and gives himself its name.
	evil = pki.root("root")
	case("forged-root", pki.signer("desk", evil))
	liar = pki.signer("desk", evil)
	case("forged-root-with-root", liar, liar.chain(root=True))
	forged = pki.ca("imaging", evil)
	case("forged-ca", pki.signer("desk", forged))
	other_low = pki.signer("desk", pki.ca("low", high))
	case("other-ca-of-that-name", other_low, other_low.pem() + low.pem() + high.pem())
	made.anchor("evil", evil)


def ways(made, root, text):
	"""More than one certificate of the right name: each is gone up from."""
	pki = made.pki

	def case(name, signer, *certificates):
		made.signed(f"way-{name}", joined(text, signer.signature(text), b"".join(one.pem() for one in (signer, *certificates))))

	old, new = pki.ca("issuing", root), pki.ca("issuing", root)
	desk = pki.signer("desk", new)
	case("new-key", desk, old, new)
	case("new-key-alone", desk, old)
	other = pki.root("other root")
	made.anchor("other", other)
	crossed = certified(made, new, other)
	case("crossed", desk, crossed, new)
	case("crossed-first", desk, new, crossed)
	server = pki.ca("issuing", root, extendedKeyUsage="serverAuth")
	case("one-for-servers", desk, server, new)
	up = pki.ca("up", crossed)
	below = pki.signer("desk", up)
	case("crossed-above", below, up, crossed, old, new)
	ended = certified(made, new, root, 1577836800, 1609459200)
	case("ended-and-renewed", desk, ended, new)
	case("renewed-and-ended", desk, new, ended)
	case("ended", desk, ended)
	# A CA that has certified its own new key: it is its own issuer, and no pathLenConstraint counts it.
	top = pki.root("rolling", basicConstraints="critical,CA:TRUE,pathlen:0")
	made.anchor("rolling", top)
	rolled = pki.ca("rolling", top, basicConstraints="critical,CA:TRUE,pathlen:0")
	case("own-new-key", pki.signer("desk", rolled), rolled)
	# All names are one, and none leads to the anchor: as many steps as there can be.
	many = [pki.ca("issuing", other) for _ in range(3)]
	while len(many) < 7:
		many.append(certified(made, many[len(many) % 3], many[-1]))
	case("none-of-many", pki.signer("desk", many[-1]), *reversed(many))


def strength(made, root, text):
	pki = made.pki

	def case(name, signer):
		made.signed(f"weak-{name}", signer.sign(text))

	case("sha1", pki.signer("desk", root, hash="sha1"))
	case("sha224", pki.signer("desk", root, hash="sha224"))
	case("sha512", pki.signer("desk", root, hash="sha512"))
	case("sha1-ca", pki.signer("desk", pki.ca("old", root, hash="sha1")))
	case("rsa2048-ca", pki.signer("desk", pki.ca("small", root, kind="RSA-2048")))
	case("p521-ca", pki.signer("desk", pki.ca("large", root, kind="P-521")))
	old = pki.root("old root", hash="sha1")
	made.anchor("sha1-root", old)
	case("sha1-root", pki.signer("desk", old))
	for kind in ("RSA-2048", "P-521"):
		weak = pki.root("weak root", kind=kind)
		made.anchor(f"{kind.lower()}-root", weak)
		case(f"{kind.lower()}-root", pki.signer("desk", weak))
	mixed = pki.signer("desk", pki.ca("p384", pki.root("rsa4096 root", kind="RSA-4096"), kind="P-384", hash="sha384"))
	made.anchor("rsa4096", mixed.issuer.issuer)
	case("mixed", mixed)
	for mask in ("sha256", "sha1"):
		case(f"pss-mgf1-{mask}", pki.signer("desk", mixed.issuer.issuer, signed=(*signing.PSS, "-sigopt", f"rsa_mgf1_md:{mask}")))


def extensions(made, root, text):
	def case(name, **more):
		made.signed(f"extension-{name}", made.pki.signer("desk", root, **more).sign(text))

	case("unknown", **{"1.2.3.4": "DER:0500"})
	case("unknown-critical", **{"1.2.3.4": "critical,DER:0500"})
	case("policies", certificatePolicies="1.2.3.4")
	case("policies-critical", certificatePolicies="critical,1.2.3.4")
	case("alternative-name", subjectAltName="email:desk@st-anna.example,URI:https://st-anna.example/desk")
	ca = made.pki.ca("constrained", root, nameConstraints="critical,permitted;DNS:st-anna.example")
	made.signed("extension-name-constraints", made.pki.signer("desk", ca).sign(text))


def names(made, root, text):
	def case(name, change, cn="policy desk"):
		signer = made.pki.signer(cn, root)
		octets = resigned(signer, change, root)
		made.signed(f"name-{name}", joined(text, signer.signature(text), pem("CERTIFICATE", octets)))

	case("as-it-was", lambda octets: octets)
	case("issuer-spelt-otherwise", replaced(b"\x0c\x04root", b"\x13\x04ROOT"))
	case("nul", replaced(b"policy desk", b"policy\0desk"))
	case("escape", replaced(b"policy desk", b"policy\x1b[2Jk"))
	case("line-feed", replaced(b"policy desk", b"policy\ndesk"))
	case("delete", replaced(b"policy desk", b"policy\x7fdesk"))
	case("turned", replaced(b"policy desk", "poli\u202eksed".encode()))
	case("not-utf8", replaced(b"policy desk", b"policy\xff\xfedes"))
	case("no-ascii", replaced(b"\x0c\x0bpolicy desk", b"\x13\x0bpolicy\xe4desk"))
	case("commas", replaced(b"policy desk", b"a,CN=b+c;d\\"))
	case("bmp", replaced(b"\x0c\x0cpolicy desks", b"\x1e\x0c" + "R\u00f6nt,\u0416".encode("utf-16-be")), cn="policy desks")
	case("bmp-odd", replaced(b"\x0c\x0bpolicy desk", b"\x1e\x0b" + "R\u00f6nt,".encode("utf-16-be") + b"\x04"))
	case("universal", replaced(b"\x0c\x0cpolicy desks", b"\x1c\x0c" + "\u00c4B\u0416".encode("utf-32-be")), cn="policy desks")
	case("latin-1", replaced(b"\x0c\x0bpolicy desk", b"\x14\x0bpolic\xfd d\xebsk"))
	case("unknown-type", replaced(b"\x55\x04\x03\x0c\x0bpolicy", b"\x55\x04\x7f\x0c\x0bpolicy"))
	made.signed("name-long", made.pki.signer("x", root, subject=f"/O={'ä' * 60}/CN={'ö' * 60}").sign(text))
	made.signed("name-umlauts", made.pki.signer("x", root, subject="/O=Krankenhaus St. Änne/CN=Röntgen").sign(text))
	made.signed("name-empty", made.pki.signer("x", root, subject="/").sign(text))


def octets_of_it(made, root, text):
	"""The certificate as DER, damaged."""
	signer = made.pki.signer("desk", root)
	good = der(signer)

	def case(name, octets, label="CERTIFICATE"):
		made.signed(f"der-{name}", joined(text, signer.signature(text), pem(label, octets)))

	case("good", good)
	case("cut", good[:-1])
	case("half", good[:len(good) // 2])
	case("trailing", good + b"\0")
	case("two", good + good)
	case("junk", bytes(range(256)))
	case("empty-sequence", b"\x30\0")
	case("negative-length", b"\x30\xff" + good[2:])
	case("huge-length", b"\x30\x84\xff\xff\xff\xff" + good[4:])
	case("endless-length", b"\x30\x80" + good[4:])
	case("deep", b"\x30\x82\x04\x00" * 200)
	case("label", good, label="TRUSTED CERTIFICATE")
	case("request", good, label="CERTIFICATE REQUEST")
	_, contents, _, _ = split(good)
	_, _, tbs, rest = split(contents)
	_, _, algorithm, rest = split(rest)
	case("other-algorithm", value(0x30, tbs + algorithm.replace(b"\x04\x03\x02", b"\x04\x03\x03") + rest))
	case("no-signature", value(0x30, tbs + algorithm + value(0x03, b"\0")))
	case("signature-of-zeros", value(0x30, tbs + algorithm + value(0x03, b"\0\x30\x06\x02\x01\0\x02\x01\0")))
	lines = openssl("x509", "-in", signer.crt)
	made.signed("der-not-base64", joined(text, signer.signature(text), lines.replace(b"MII", b"M*I")))
	made.signed("der-no-end", joined(text, signer.signature(text), lines[:lines.index(b"-----END")]))
	case("extension-twice", resigned(signer, twice_the_usage, root))


def twice_the_usage(inner):
	"""The same extension a second time (RFC 5280 4.2 has at most one of each)."""
	parts, rest = [], inner
	while rest:
		_, _, whole, rest = split(rest)
		parts.append(whole)
	_, wrapped, _, _ = split(parts[-1])
	_, each, _, _ = split(wrapped)
	_, _, first, _ = split(each)
	parts[-1] = value(0xa3, value(0x30, each + first))
	return b"".join(parts)


def anchors(made, root, signer, text):
	"""Anchors that cannot be used."""
	def case(name, octets):
		made.anchor(f"bad-{name}", octets)

	case("leaf", signer.pem())
	case("empty", b"")
	case("text", b"hello\n")
	case("two", root.pem() + root.pem())
	case("no-end", root.pem()[:-30])
	case("junk", pem("CERTIFICATE", bytes(range(200))))
	case("key-junk", pem("PUBLIC KEY", bytes(range(90))))
	case("key-trailing", pem("PUBLIC KEY", openssl("pkey", "-in", signer.path, "-pubout", "-outform", "DER") + b"\0"))
	case("private", signer.path.read_bytes())
	case("server-ca", made.pki.root("web root", extendedKeyUsage="serverAuth").pem())
	case("no-cert-sign", made.pki.root("odd root", keyUsage="critical,cRLSign").pem())
	case("controls", b"\x1b[2J\x00\xff\n")
	case("name", pem("CERTIFICATE", resigned(made.pki.root("escape"), replaced(b"escape", b"e\x1b[2Je"), root)))
	made.anchor("signing-ca", made.pki.root("signing root", extendedKeyUsage="codeSigning").pem())
	made.anchor("crlf", b"\r\n" + root.pem().replace(b"\n", b"\r\n") + b"\r\n")
	# An old and a new certificate of one CA, with the same key; and one of another that has its name.
	renewed = renew(made, root)
	made.anchor("renewed", renewed)


def renew(made, root):
	"""The root's key and name in a certificate that is valid for longer."""
	new = made.folder / "keys" / "renewed.crt"
	openssl("x509", "-in", root.crt, "-signkey", root.path, "-days", "3000", "-set_serial", "77", "-out", new)
	return new.read_bytes()


def make(made, root, text):
	keys(made, root, text)
	usages(made, root, text)
	chains(made, root, text)
	ways(made, root, text)
	strength(made, root, text)
	extensions(made, root, text)
	names(made, root, text)
	octets_of_it(made, root, text)
	signer = made.pki.signer("desk", root)
	made.signed("anchored", signer.sign(text))
	anchors(made, root, signer, text)
	for name, start, end in (("expired", 1577836800, 1609459200), ("future", 4070908800, 4102444800)):
		made.signed(f"date-{name}", made.pki.signer("desk", root, start=start, end=end).sign(text))
	brief = made.pki.ca("brief", root, start=1577836800, end=1609459200)
	made.signed("date-middle", made.pki.signer("desk", brief).sign(text))
	made.signed("date-end-of-time", made.pki.signer("desk", root, end=253402300799).sign(text))
