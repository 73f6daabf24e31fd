# SPDX-License-Identifier: GPL-2.0-or-later
"""Signed policies that are broken in their form: what follows the policy, and the signature in it. See fixture.py."""
import base64

from signing import END, MARKER, joined, openssl


def pem(label, octets):
	lines = openssl("base64", data=octets)
	return f"-----BEGIN {label}-----\n".encode() + lines + f"-----END {label}-----\n".encode()


def crlf(octets):
	return octets.replace(b"\n", b"\r\n")


def integer(octets):
	return b"\x02" + bytes([len(octets)]) + octets


def sequence(octets):
	return b"\x30" + bytes([len(octets)]) + octets


def unpack(signature):
	"""r and s of an ECDSA signature, as their octets stand in DER."""
	size = signature[3]
	return signature[4:4 + size], signature[6 + size:]


def lines_and_order(made, signer, text):
	good, signature, chain = signer.sign(text), signer.signature(text), signer.chain()
	trailer = good[len(text):]
	made.signed("form-not-signed", text)
	made.signed("form-empty", b"")
	made.signed("form-marker-after-text", text[:-1] + trailer)
	made.signed("form-marker-indented", text + b" " + trailer)
	made.signed("form-marker-in-comment", text + b"# " + MARKER)
	made.signed("form-marker-cut", text + MARKER[:-2] + b"\n")
	made.signed("form-marker-alone", text + MARKER)
	made.signed("form-marker-without-end", text + MARKER[:-1])
	made.signed("form-marker-and-space", good.replace(MARKER, MARKER[:-1] + b" \n"))
	made.signed("form-marker-and-text", good.replace(MARKER, MARKER[:-1] + b"peer x\n"))
	made.signed("form-marker-lower-case", good.replace(MARKER, MARKER.lower()))
	made.signed("form-marker-twice", text + MARKER + trailer)
	made.signed("form-signed-twice", good + trailer)
	made.signed("form-signed-again", signer.sign(good))
	made.signed("form-two-signatures", text + trailer[:trailer.index(END) + len(END)] + trailer)
	made.signed("form-text-hidden", text + MARKER + b"role router\n" + trailer)
	made.signed("form-text-before", b"# changed\n" + good)
	made.signed("form-text-appended", text + b"# changed\n" + trailer)
	made.signed("form-text-after", good + b"role router\n")
	made.signed("form-text-between", joined(text, signature, openssl("x509", "-in", signer.crt, "-text")))
	made.signed("form-control-characters", good + b"\x1b[2J\x00\xff\xe2\x80\xae\n")
	made.signed("form-private-key", good + signer.path.read_bytes())
	made.signed("form-crlf-policy", crlf(text) + trailer)
	made.signed("form-crlf-signature", text + crlf(trailer))
	made.signed("form-crlf-all", crlf(text) + crlf(joined(b"", signer.signature(crlf(text)), chain)))
	made.signed("form-cr-alone", text + trailer.replace(b"\n", b"\r"))
	made.signed("form-no-last-feed", good[:-1])
	made.signed("form-blank-lines", joined(text, signature, b"\n\r\n" + chain + b"\n\n"))
	made.signed("form-long", good + b"\n" * (64 << 10))
	made.signed("form-nine-certificates", joined(text, signature, chain * 9))


def base64_of_it(made, signer, text):
	signature, chain = signer.signature(text), signer.chain()
	code = base64.b64encode(signature)

	def case(name, body, end=END):
		made.signed(f"base64-{name}", text + MARKER + body + end + chain)

	case("one-line", code + b"\n")
	case("short-lines", b"".join(code[i:i + 8] + b"\n" for i in range(0, len(code), 8)))
	case("none", b"")
	case("blank-line", code[:64] + b"\n\n" + code[64:] + b"\n")
	case("white-space", code[:64] + b" \n" + code[64:] + b"\n")
	case("no-end", code + b"\n", end=b"")
	case("other-end", code + b"\n", end=b"-----END SIGNATURE-----\n")
	case("other-characters", code.replace(code[8:9], b"_") + b"\n")
	case("cut", code[:-1] + b"\n")
	case("padding-inside", code[:4] + b"AA==" + code[4:] + b"\n")
	case("padding-alone", b"====\n")
	case("nul", code[:8] + b"\x00" + code[9:] + b"\n")
	# Bits that belong to no octet: the same signature in another spelling.
	odd = next(s for s in iter(lambda: signer.signature(text), None) if len(s) % 3 == 1)
	spelt = base64.b64encode(odd)
	last = bytes([spelt[-3] + 1])
	case("unused-bits", spelt[:-3] + last + b"==\n")


def signature_of_it(made, signer, text):
	signature, chain = signer.signature(text), signer.chain()
	r, s = unpack(signature)

	def case(name, octets):
		made.signed(f"ecdsa-{name}", joined(text, octets, chain))

	case("r-zero", sequence(integer(b"\0") + integer(s)))
	case("s-zero", sequence(integer(r) + integer(b"\0")))
	case("r-empty", sequence(integer(b"") + integer(s)))
	case("both-one", sequence(integer(b"\1") + integer(b"\1")))
	case("r-negative", sequence(integer(b"\x80" + r[-31:]) + integer(s)))
	case("r-padded", sequence(integer(b"\0\0" + r[-32:]) + integer(s)))
	case("r-long", sequence(integer(b"\1" * 40) + integer(s)))
	case("swapped", sequence(integer(s) + integer(r)))
	case("no-s", sequence(integer(r)))
	case("three", sequence(integer(r) + integer(s) + integer(s)))
	case("trailing", signature + b"\0")
	case("trailing-inside", sequence(signature[2:] + b"\0"))
	case("long-length", b"\x30\x81" + signature[1:])
	case("huge-length", b"\x30\x84\xff\xff\xff\xff" + signature[2:])
	case("endless-length", b"\x30\x80" + signature[2:] + b"\0\0")
	case("cut", signature[:-1])
	case("raw", r[-32:].rjust(32, b"\0") + s[-32:].rjust(32, b"\0"))
	case("one-octet", b"\x30")
	case("junk", bytes(range(72)))


def other_algorithms(made, signers, text):
	"""Good signatures of another kind than the one that the key is for."""
	p256, p384, rsa = signers

	def case(name, signer, **how):
		made.signed(name, joined(text, signer.signature(text, **how), signer.chain()))

	def pss(salt, mgf1="sha256"):
		return ("-sigopt", "rsa_padding_mode:pss", "-sigopt", f"rsa_pss_saltlen:{salt}", "-sigopt", f"rsa_mgf1_md:{mgf1}")

	case("p256-with-sha384", p256, hash="sha384")
	case("p384-with-sha256", p384, hash="sha256")
	case("rsa-pkcs1", rsa, options=())
	case("rsa-salt-20", rsa, options=pss(20))
	case("rsa-salt-max", rsa, options=pss("max"))
	case("rsa-salt-none", rsa, options=pss(0))
	case("rsa-sha384", rsa, hash="sha384", options=pss(32))
	case("rsa-mgf1-sha1", rsa, options=pss(32, "sha1"))
	good = rsa.signature(text)
	made.signed("rsa-cut", joined(text, good[:-1], rsa.chain()))
	made.signed("rsa-trailing", joined(text, good + b"\0", rsa.chain()))
	made.signed("rsa-zero", joined(text, bytes(len(good)), rsa.chain()))
	made.signed("rsa-ones", joined(text, b"\xff" * len(good), rsa.chain()))
	made.signed("p256-by-another", joined(text, p384.signature(text), p256.chain()))
	made.signed("p384-by-another", joined(text, p256.signature(text), p384.chain()))


def make(made, signers, text):
	lines_and_order(made, signers[0], text)
	base64_of_it(made, signers[0], text)
	signature_of_it(made, signers[0], text)
	other_algorithms(made, signers, text)
