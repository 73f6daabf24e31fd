// SPDX-License-Identifier: GPL-2.0-or-later
//
// Reading trust anchors.
#include "trust/trust_root.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trust/trust_certificate.h"
#include "trust/trust_pem.h"
#include "trust/trust_subject.h"

__attribute__((format(printf, 2, 3))) static int because(char why[static TRUST_ROOT_WHY], const char *format,
                                                         ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(why, TRUST_ROOT_WHY, format, arguments);
	va_end(arguments);
	return 0;
}

// A key that is pinned.
static int read_key(struct trust_root *root, char why[static TRUST_ROOT_WHY])
{
	unsigned char *p = root->der; // mbedTLS moves it, and writes nothing there
	char kind[TRUST_KEY_TEXT];
	int r = mbedtls_pk_parse_subpubkey(&p, root->der + root->size, &root->key);
	if (trust_mbedtls_no_memory(r))
		return -ENOMEM;
	if (r != 0) {
		trust_key_guess(root->der, root->size, false, kind);
		return kind[0] ? because(why, "its key is %s", kind)
		               : because(why, "it is no public key, or a damaged one");
	}
	if (p != root->der + root->size)
		return because(why, "something follows the key inside its block");
	root->algorithm = trust_key_algorithm(&root->key);
	if (root->algorithm == TRUST_NO_ALGORITHM)
		return because(why, "its key is %s", trust_key_kind(&root->key, kind));
	root->good = true;
	return 0;
}

// A CA's certificate. What of it others have signed is not looked at: it is trusted because it is here.
static int read_certificate(struct trust_root *root, char why[static TRUST_ROOT_WHY])
{
	const mbedtls_x509_crt *certificate = &root->certificate;
	char detail[TRUST_SUBJECT_MAX];
	enum trust_code code = trust_certificate_read(&root->certificate, root->der, root->size, detail);
	if (code == TRUST_UNCHECKED)
		return -ENOMEM;
	if (code == TRUST_KEY_KIND)
		return because(why, "its key is %s", detail);
	if (code == TRUST_NAME)
		return because(why, "its name holds characters that cannot be shown");
	if (code != TRUST_GOOD)
		return because(why, "%s", detail);
	root->algorithm = trust_key_algorithm(&certificate->pk);
	if (!certificate->ca_istrue)
		return because(why, "it is no CA's certificate");
	if (trust_certificate_has_key_usage(certificate) &&
	    !trust_certificate_key_usage(certificate, MBEDTLS_X509_KU_KEY_CERT_SIGN))
		return because(why, "its key usage leaves out keyCertSign");
	if (trust_certificate_usage(certificate) == TRUST_USAGE_OTHER)
		return because(why, "it is a CA for other usages than code signing");
	root->good = true;
	return 0;
}

// Why an anchor's file does not begin with its block, and what makes it so.
static const char *no_block(struct trust_text line, const char *text, size_t size)
{
	static const char certificate[] = "-----BEGIN CERTIFICATE-----";
	if (line.size > 0 && memmem(line.text, line.size, "PRIVATE KEY", 11))
		return "it is a private key: take it away, and replace that key";
	if (size > 0 && memmem(text, size, certificate, sizeof certificate - 1))
		return "text stands before it: openssl x509 -in FILE -out FILE.pem";
	if (size > 1 && text[0] == '0' && (unsigned char)text[1] >= 0x80) // a long SEQUENCE
		return "it is DER: openssl x509 -inform DER -in FILE -out FILE.pem";
	return "it holds neither a CERTIFICATE nor a PUBLIC KEY in PEM";
}

int trust_root_read(struct trust_root *ret, const char *text, size_t size, char why[static TRUST_ROOT_WHY])
{
	struct trust_text rest = {text, size}, line = {0};
	*ret = (struct trust_root){0};
	mbedtls_x509_crt_init(&ret->certificate);
	mbedtls_pk_init(&ret->key);
	why[0] = '\0';

	if (size == 0) // as trust_read leaves what is too long
		return because(why, "its file is empty, or over %u KiB", TRUST_ANCHOR_MAX >> 10);
	while (trust_pem_line(&rest, &line) && line.size == 0)
		continue;
	ret->is_key = trust_pem_begins(line, "PUBLIC KEY");
	if (!ret->is_key && !trust_pem_begins(line, "CERTIFICATE"))
		return because(why, "%s", no_block(line, text, size));
	ret->der = malloc(size);
	if (!ret->der)
		return -ENOMEM;
	const char *wrong =
	        trust_pem_read(&rest, ret->is_key ? "PUBLIC KEY" : "CERTIFICATE", ret->der, &ret->size);
	if (wrong)
		return because(why, "%s", wrong);
	if (!trust_pem_ends(rest))
		return because(why, "something follows its block: an anchor's file holds one");
	return ret->is_key ? read_key(ret, why) : read_certificate(ret, why);
}

void trust_root_fini(struct trust_root *root)
{
	mbedtls_x509_crt_free(&root->certificate);
	mbedtls_pk_free(&root->key);
	free(root->der);
	root->der = NULL;
}

int trust_roots_read(struct trust_roots *ret, const struct trust *trust, struct trust_verdict *verdict)
{
	*ret = (struct trust_roots){0};
	for (size_t i = 0; i < trust->count; i++) {
		const struct trust_anchor *anchor = &trust->anchors[i];
		char why[TRUST_ROOT_WHY];
		ret->count++;
		int r = trust_root_read(&ret->items[i], anchor->text, anchor->size, why);
		if (r < 0)
			return r;
		if (!ret->items[i].good && !verdict->bad_anchor[0]) {
			snprintf(verdict->bad_anchor, sizeof verdict->bad_anchor, "%s", anchor->name);
			trust_text_show(why, strlen(why), verdict->bad_anchor_why,
			                sizeof verdict->bad_anchor_why);
		}
	}
	return 0;
}

void trust_roots_fini(struct trust_roots *roots)
{
	for (size_t i = 0; i < roots->count; i++)
		trust_root_fini(&roots->items[i]);
	*roots = (struct trust_roots){0};
}
