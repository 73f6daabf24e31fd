// SPDX-License-Identifier: GPL-2.0-or-later
//
// Verdicts in words: what failed, and what to do about it.
#include "trust/trust.h"

#include <string.h>

#include "base/buffer.h"
#include "base/signed_text.h"
#include "trust/trust_signature.h"

// {file}, {detail}, {signer}, {which}, {before} (certificates before that one), {anchors} and {folder} stand
// for what they say, {thing} and {things} for policies or updates.
struct words {
	const char *what, *instead;
};

static const struct words all_words[TRUST_CODE_COUNT] = {
        [TRUST_UNCHECKED] = {"the signature of {file} was not checked: {detail}", "try again"},
        [TRUST_NOT_SIGNED] =
                {"{file} is not signed",
                 "this box takes only {things} that a trust anchor in {folder} vouches for: sign it "
                 "with leadglass sign, or with openssl; if it was signed, it was cut off: fetch it anew"},
        [TRUST_MARKER_PLACE] = {"in {file} the line " SIGNED_TEXT_MARKER " has something before it",
                                "it has to begin a line: end the {thing} with a line feed, and sign it again"},
        [TRUST_MARKER_LINE] =
                {"in {file} something follows " SIGNED_TEXT_MARKER " on its line",
                 "it has to stand alone on its line: fetch the file anew, or sign the {thing} again"},
        [TRUST_SIGNED_TWICE] = {"{file} holds two signatures",
                                "{things} have one: sign it anew, without the one that it had"},
        [TRUST_SIGNATURE_FORM] = {"the signature in {file} cannot be read: {detail}",
                                  "the file was cut off or changed: fetch it anew, or sign the {thing} again"},
        [TRUST_SIGNATURE_LONG] = {"in {file} more than 64 KiB follow the {thing}",
                                  "only its signature and the certificates of the signer and its issuers may"},
        [TRUST_CERTIFICATE_FORM] = {"certificate {which} in {file} cannot be read: {detail}",
                                    "append it anew, as openssl x509 -in CERTIFICATE writes it"},
        [TRUST_TEXT_BETWEEN] =
                {"in {file}, after certificate {before}, stands what is no certificate: '{detail}'",
                 "append certificates only, each as openssl x509 -in CERTIFICATE writes it"},
        [TRUST_CHAIN_LONG] = {"{file} holds more than 8 certificates",
                              "append the signer's and its issuers' only; the root can be left out"},
        [TRUST_NO_CERTIFICATE] =
                {"{file} holds no certificate, and none of the pinned keys in {folder} has signed it",
                 "append the signer's certificate and its issuers'; with a pinned key, sign the "
                 "{thing} again with that key: it was changed since, or another key was used"},
        [TRUST_KEY_KIND] = {"{file} is signed with a key that is not taken: {detail}",
                            "sign it with a P-256 or P-384 key, or with RSA of 3072 to 8192 bits"},
        [TRUST_WRONG_SIGNATURE] =
                {"the signature in {file} is wrong: this is not what {signer} has signed",
                 "the {thing} was changed after it was signed (its line ends count), or another "
                 "key was used: fetch the file anew, or sign the {thing} again"},
        [TRUST_UNKNOWN_SIGNER] =
                {"no trust anchor vouches for {file}: nobody known has issued certificate {which}, "
                 "its issuer is {detail}",
                 "trusted are {anchors}: have one of these sign it, append the missing issuer's "
                 "certificate, or add its root with leadglass trust add"},
        [TRUST_SELF_SIGNED] =
                {"no trust anchor vouches for {file}: the signer's certificate is its own issuer, "
                 "{detail}",
                 "trusted are {anchors}: use a certificate that one of these has issued, or pin the "
                 "signer's public key with leadglass trust add"},
        [TRUST_USAGE] =
                {"{file} is signed by {signer}, whose certificate is not for code signing",
                 "have one issued with extendedKeyUsage = codeSigning (anyExtendedKeyUsage does not do)"},
        [TRUST_KEY_USAGE] = {"{file} is signed by {signer}, whose certificate is not for digital signatures",
                             "have one issued with keyUsage = digitalSignature"},
        [TRUST_SIGNER_IS_CA] =
                {"{file} is signed by {signer}, which is a CA",
                 "a CA issues certificates and signs no {things}: have it issue one for a signer"},
        [TRUST_NOT_CA] = {"certificate {which} in {file} has issued another and may not: {detail}",
                          "have the signer's certificate issued by a CA"},
        [TRUST_PATH_LENGTH] = {"certificate {which} in {file} allows fewer CAs below it than there are (its "
                               "pathLenConstraint)",
                               "have the signer's certificate issued by a CA that stands higher"},
        [TRUST_CHAIN_USAGE] =
                {"certificate {which} in {file} is that of a CA for other usages than code signing",
                 "use a signer's certificate from another CA, or have this one's issued again with "
                 "codeSigning in its extendedKeyUsage"},
        [TRUST_CHAIN_SIGNATURE] =
                {"the signature on certificate {which} in {file} is wrong",
                 "append the certificates anew: this one was changed, or its issuer's is that of "
                 "another CA with the same name"},
        [TRUST_WEAK] =
                {"certificate {which} in {file} is not taken: {detail}",
                 "taken are SHA-256, SHA-384 and SHA-512, and keys of the kinds P-256, P-384, and RSA of "
                 "3072 to 8192 bits"},
        [TRUST_NAME] =
                {"a name in certificate {which} in {file} holds characters that cannot be shown: {detail}",
                 "have it issued again with a plain name"},
};

static bool any_key(const struct trust *trust)
{
	for (size_t i = 0; i < trust->count; i++) {
		if (strstr(trust->anchors[i].text, "PUBLIC KEY"))
			return true;
	}
	return false;
}

// Some codes have more than one story.
static struct words choose(const struct trust_verdict *verdict, const struct trust *trust)
{
	struct words words = all_words[verdict->code];
	const bool detailed = verdict->detail[0];
	// Who looks at a file where there is no anchor wants to know what could be done here.
	if (trust->count == 0 && verdict->code == TRUST_NOT_SIGNED)
		words.instead = "leadglass sign signs it, or openssl does; if it was signed, it was cut off: "
		                "fetch it anew";
	const bool nobody = verdict->code == TRUST_UNKNOWN_SIGNER || verdict->code == TRUST_SELF_SIGNED;
	if (nobody && trust->count == 0)
		words.instead = "there is no trust anchor here: say which, with --anchor FILE or --trust DIR";
	else if (nobody && trust->count == 1 && verdict->bad_anchor[0])
		words.instead = "none of the trust anchors can be used: leadglass trust list says why";
	if (verdict->code == TRUST_TEXT_BETWEEN && strstr(verdict->detail, "PRIVATE KEY")) {
		words.what = "{file} holds a private key";
		words.instead =
		        "whoever has the file can sign with it: take it out, and have that key replaced";
	} else if (verdict->code == TRUST_TEXT_BETWEEN && verdict->which == 1) {
		words.what = "in {file}, after the signature, stands what is no certificate: '{detail}'";
	} else if (verdict->code == TRUST_CERTIFICATE_FORM && strstr(verdict->detail, "critical extension")) {
		words.instead = "have it issued again without that extension";
	} else if (verdict->code == TRUST_CERTIFICATE_FORM && strstr(verdict->detail, "END line")) {
		words.instead = "the file was cut off or changed: fetch it anew";
	} else if (verdict->code == TRUST_NO_CERTIFICATE && !any_key(trust)) {
		words.what = "{file} holds no certificate of its signer";
		words.instead = "append it, and its issuers' up to the root, after the signature";
	} else if (verdict->code == TRUST_WRONG_SIGNATURE && strncmp(verdict->detail, "with ", 5) == 0) {
		words.what = "{signer} has signed {file}, but {detail}";
		words.instead = "sign the {thing} again with -sigopt rsa_padding_mode:pss "
		                "-sigopt rsa_pss_saltlen:digest -sigopt rsa_mgf1_md:sha256";
	} else if (verdict->code == TRUST_WEAK && strstr(verdict->detail, "MGF1")) {
		words.instead = "have it issued again, with one hash for both (openssl: -sigopt rsa_mgf1_md)";
	} else if (verdict->code == TRUST_WRONG_SIGNATURE && detailed) {
		words.what = "the signature in {file} is not of the kind that {signer} makes: {detail}";
		words.instead = "sign the {thing} with the key that belongs to the first certificate";
	} else if (verdict->code == TRUST_SIGNER_IS_CA && !verdict->fits) {
		words.what =
		        "the first certificate in {file} is that of a CA, {signer}, which has not signed it";
		words.instead =
		        "the signer's own comes first, then its issuers', each below the one it has issued";
	} else if (verdict->code == TRUST_WRONG_SIGNATURE && verdict->algorithm == TRUST_P384) {
		words.instead =
		        "the {thing} was changed after it was signed (its line ends count), or openssl was "
		        "called without -sha384, or with another key: fetch the file anew, or sign the "
		        "{thing} again";
	} else if (verdict->code == TRUST_WRONG_SIGNATURE && verdict->algorithm == TRUST_RSA) {
		words.instead =
		        "the {thing} was changed after it was signed (its line ends count), or openssl was "
		        "called without -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest, "
		        "or with another key: fetch the file anew, or sign the {thing} again";
	} else if (verdict->code == TRUST_PATH_LENGTH && verdict->which == 0) {
		words.what = "the trust anchor {detail} allows fewer CAs below it than {file} has (its "
		             "pathLenConstraint)";
	} else if (verdict->code == TRUST_CHAIN_SIGNATURE && detailed) {
		words.what = "certificate {which} in {file} names the trust anchor {detail} as its issuer, "
		             "but was not signed with its key";
		words.instead = "the anchor's certificate may be that of an older or newer key: compare it "
		                "with the CA's own, by the fingerprint in leadglass trust list";
	}
	return words;
}

// Of those that cannot be used one is known, and that one is nobody to have it signed by.
static void put_anchors(struct buffer *out, const struct trust *trust, const char *bad)
{
	const char *comma = "";
	for (size_t i = 0; i < trust->count; i++) {
		if (strcmp(trust->anchors[i].name, bad) == 0)
			continue;
		buffer_printf(out, "%s%s", comma, trust->anchors[i].name);
		comma = ", ";
	}
}

static bool takes(const char **from, const char *name)
{
	size_t size = strlen(name);
	if (strncmp(*from, name, size) != 0)
		return false;
	*from += size;
	return true;
}

static void fill_in(struct buffer *out, const char *words, const struct trust_verdict *verdict,
                    const char *file, const struct trust *trust)
{
	while (*words) {
		if (takes(&words, "{file}"))
			buffer_text(out, file);
		else if (takes(&words, "{detail}"))
			buffer_text(out, verdict->detail);
		else if (takes(&words, "{signer}"))
			buffer_text(out, verdict->signer);
		else if (takes(&words, "{which}"))
			buffer_printf(out, "%u", verdict->which);
		else if (takes(&words, "{before}"))
			buffer_printf(out, "%u", verdict->which > 0 ? verdict->which - 1 : 0);
		else if (takes(&words, "{anchors}"))
			put_anchors(out, trust, verdict->bad_anchor);
		else if (takes(&words, "{thing}"))
			buffer_text(out, trust->of_updates ? "update" : "policy");
		else if (takes(&words, "{things}"))
			buffer_text(out, trust->of_updates ? "updates" : "policies");
		else if (takes(&words, "{folder}"))
			buffer_text(out, trust->path);
		else
			buffer_add(out, words++, 1);
	}
}

void trust_verdict_tell(const struct trust_verdict *verdict, const char *file, const struct trust *trust,
                        struct problems *problems)
{
	struct buffer what = BUFFER_EMPTY, instead = BUFFER_EMPTY;

	if (verdict->bad_anchor[0])
		problem_addf(problems, PROBLEM_WARNING, 0, 0, "it vouches for nobody: replace it, or remove it",
		             "trust anchor %s cannot be used: %s", verdict->bad_anchor,
		             verdict->bad_anchor_why);
	if (verdict->code == TRUST_GOOD)
		return;
	struct words words = choose(verdict, trust);
	fill_in(&what, words.what, verdict, file, trust);
	fill_in(&instead, words.instead, verdict, file, trust);
	bool failed = buffer_failed(&what) || buffer_failed(&instead);
	problem_add(problems, PROBLEM_ERROR, 0, 0, failed ? "out of memory" : what.data,
	            failed ? NULL : instead.data);
	buffer_fini(&what);
	buffer_fini(&instead);
}
