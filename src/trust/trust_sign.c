// SPDX-License-Identifier: GPL-2.0-or-later
//
// Signing, on the desk of whoever has the key. The agent holds none of this.
#include "trust/trust.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/buffer.h"
#include "base/signed_text.h"
#include "trust/trust_certificate.h"
#include "trust/trust_content.h"
#include "trust/trust_pem.h"
#include "trust/trust_signature.h"

#if !defined(MBEDTLS_ECDSA_DETERMINISTIC)
#error "this mbedTLS has no deterministic ECDSA, which signing needs (verifying does not)"
#endif

struct signing {
	mbedtls_pk_context key;
	enum trust_algorithm algorithm;
	struct buffer certificates; // PEM, as they will be appended
	size_t count;
	struct problems *problems;
};

static int fail(const struct signing *signing, int error, const char *what, const char *instead)
{
	problem_add(signing->problems, PROBLEM_ERROR, 0, 0, what, instead);
	return error;
}

static int kernel_random(void *context, unsigned char *octets, size_t size)
{
	(void)context;
	while (size > 0) {
		ssize_t got = getrandom(octets, size, 0);
		if (got < 0 && errno != EINTR)
			return -1;
		if (got > 0) {
			octets += got;
			size -= (size_t)got;
		}
	}
	return 0;
}

// ---- the key ----

static const char *const key_labels[] = {"PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"};
#define KEY_LABELS (sizeof key_labels / sizeof *key_labels)

static bool starts(struct trust_text text, const char *with)
{
	return text.size >= strlen(with) && memcmp(text.text, with, strlen(with)) == 0;
}

static int encrypted(const struct signing *signing)
{
	return fail(signing, -ENOKEY, "the key is encrypted, and leadglass asks for no passphrase",
	            "let openssl sign, which does (leadglass-trust(5) has the commands), or decrypt it into a "
	            "file that only you can read: openssl pkey -in KEY -out PLAIN");
}

// To the line after the BEGIN of a private key; what stands before it is of no matter (`openssl ecparam` writes
// the curve there). The label, NULL when there is none.
static const char *find_key(struct trust_text *rest)
{
	struct trust_text line;
	while (trust_pem_line(rest, &line)) {
		if (trust_pem_begins(line, "ENCRYPTED PRIVATE KEY"))
			return "ENCRYPTED PRIVATE KEY";
		for (size_t i = 0; i < KEY_LABELS; i++) {
			if (trust_pem_begins(line, key_labels[i]))
				return key_labels[i];
		}
	}
	return NULL;
}

static int parse_key(struct signing *signing, const uint8_t *der, size_t size)
{
	char kind[TRUST_KEY_TEXT];
	int r = trust_mbedtls_parse_key(&signing->key, der, size, kernel_random, NULL);
	if (trust_mbedtls_no_memory(r))
		return fail(signing, -ENOMEM, "out of memory", NULL);
	if (r != 0)
		return fail(signing, -EINVAL, "the key is damaged, or of a kind that is not known here",
		            TRUST_KEY_TAKEN);
	signing->algorithm = trust_key_algorithm(&signing->key);
	if (signing->algorithm != TRUST_NO_ALGORITHM)
		return 0;
	problem_addf(signing->problems, PROBLEM_ERROR, 0, 0, TRUST_KEY_TAKEN, "the key is %s",
	             trust_key_kind(&signing->key, kind));
	return -EKEYREJECTED;
}

static int read_key(struct signing *signing, struct trust_text rest)
{
	size_t room = rest.size, size = 0;
	const char *label = find_key(&rest);
	if (!label)
		return fail(signing, -EINVAL, "what is given as the key holds no private key in PEM",
		            "it has a line -----BEGIN PRIVATE KEY-----: openssl genpkey writes such");
	if (label[0] == 'E' && label[1] == 'N')
		return encrypted(signing);
	if (starts(rest, "Proc-Type: 4,ENCRYPTED"))
		return encrypted(signing);
	uint8_t *der = malloc(room);
	if (!der)
		return fail(signing, -ENOMEM, "out of memory", NULL);
	const char *wrong = trust_pem_read(&rest, label, der, &size);
	int r = 0;
	if (wrong) {
		problem_addf(signing->problems, PROBLEM_ERROR, 0, 0, NULL, "the key cannot be read: %s", wrong);
		r = -EINVAL;
	} else {
		r = parse_key(signing, der, size);
	}
	explicit_bzero(der, room);
	free(der);
	return r;
}

// ---- the certificates ----

static int refuse_certificate(const struct signing *signing, enum trust_code code, const char *why)
{
	if (code == TRUST_UNCHECKED)
		return fail(signing, -ENOMEM, "out of memory", NULL);
	problem_addf(signing->problems, PROBLEM_ERROR, 0, 0, code == TRUST_KEY_KIND ? TRUST_KEY_TAKEN : NULL,
	             "certificate %zu cannot be used: %s%s", signing->count + 1,
	             code == TRUST_KEY_KIND ? "its key is "
	             : code == TRUST_NAME   ? "a name in it holds characters that cannot be shown: "
	                                    : "",
	             why);
	return code == TRUST_CERTIFICATE_FORM ? -EINVAL : -EKEYREJECTED;
}

// The first one must be the key's.
static int take_certificate(struct signing *signing, const uint8_t *der, size_t size)
{
	mbedtls_x509_crt certificate;
	char why[TRUST_SUBJECT_MAX];
	mbedtls_x509_crt_init(&certificate);
	enum trust_code code = trust_certificate_read(&certificate, der, size, why);
	int r = 0;
	if (code != TRUST_GOOD)
		r = refuse_certificate(signing, code, why);
	else if (signing->count == 0 &&
	         trust_mbedtls_check_pair(&certificate.pk, &signing->key, kernel_random, NULL) != 0)
		r = fail(signing, -EKEYREJECTED, "the key does not belong to the first certificate",
		         "give the signer's certificate first, then its issuers'");
	mbedtls_x509_crt_free(&certificate);
	if (r == 0)
		trust_pem_write(&signing->certificates, "CERTIFICATE", der, size);
	signing->count++;
	return r;
}

// Text between the blocks, which openssl likes to write, is left out.
static int read_certificates(struct signing *signing, struct trust_text rest)
{
	struct trust_text line;
	uint8_t *der = malloc(rest.size + 1);
	int r = der ? 0 : fail(signing, -ENOMEM, "out of memory", NULL);
	while (r == 0 && trust_pem_line(&rest, &line)) {
		size_t size = 0;
		if (!trust_pem_begins(line, "CERTIFICATE"))
			continue;
		const char *wrong = trust_pem_read(&rest, "CERTIFICATE", der, &size);
		if (signing->count == TRUST_CHAIN_MAX)
			r = fail(signing, -EINVAL, "more than 8 certificates are given",
			         "the signer's and its issuers' are enough, and the root can be left out");
		else if (wrong)
			r = refuse_certificate(signing, TRUST_CERTIFICATE_FORM, wrong);
		else
			r = take_certificate(signing, der, size);
	}
	free(der);
	if (r == 0 && signing->count == 0)
		r = fail(signing, -EINVAL, "what is given as certificates holds none in PEM",
		         "each begins with a line -----BEGIN CERTIFICATE-----");
	return r;
}

// ---- the signature ----

static int sign(struct signing *signing, const struct buffer *text,
                uint8_t ret[static MBEDTLS_PK_SIGNATURE_MAX_SIZE], size_t *ret_size)
{
	const struct trust_content content = {.text = text->data, .size = text->size, .fd = -1};
	const bool p384 = signing->algorithm == TRUST_P384;
	struct trust_hashes hashes;
	int r = trust_content_hash(&content, p384, &hashes);
	if (r < 0)
		return fail(signing, r, r == -ENOMEM ? "out of memory" : "the library mbedTLS has failed",
		            NULL);
	if (signing->algorithm == TRUST_RSA) {
		*ret_size = mbedtls_pk_get_len(&signing->key);
		r = trust_mbedtls_sign_pss(&signing->key, hashes.sha256, ret, kernel_random, NULL);
	} else {
		r = trust_mbedtls_sign_ecdsa(&signing->key, p384 ? MBEDTLS_MD_SHA384 : MBEDTLS_MD_SHA256,
		                             p384 ? hashes.sha384 : hashes.sha256,
		                             p384 ? sizeof hashes.sha384 : sizeof hashes.sha256, ret, ret_size,
		                             kernel_random, NULL);
	}
	if (r == 0) // a signature that went wrong can give the key away
		r = trust_key_check(&signing->key, signing->algorithm, &hashes, ret, *ret_size);
	if (r == -ENOMEM || trust_mbedtls_no_memory(r))
		return fail(signing, -ENOMEM, "out of memory", NULL);
	return r == 0 ? 0 : fail(signing, -EIO, "the library mbedTLS could not sign with this key", NULL);
}

static int check_text(const struct signing *signing, const struct buffer *text)
{
	if (text->size == 0)
		return fail(signing, -EINVAL, "the policy is empty", NULL);
	if (signed_text_end(text->data, text->size) != text->size)
		return fail(signing, -EINVAL, "the policy is signed already",
		            "sign it without what follows the line before " SIGNED_TEXT_MARKER);
	if (text->data[text->size - 1] != '\n')
		return fail(signing, -EINVAL, "the policy does not end with a line feed",
		            "add one: the signature begins on a line of its own");
	return 0;
}

static int append(const struct signing *signing, struct buffer *out, const uint8_t *signature, size_t size)
{
	struct buffer trailer = BUFFER_EMPTY;
	int r = 0;
	trust_pem_write(&trailer, TRUST_SIGNATURE_LABEL, signature, size);
	buffer_add(&trailer, signing->certificates.data, signing->certificates.size);
	if (buffer_failed(&trailer) || buffer_failed(&signing->certificates))
		r = -ENOMEM;
	else if (trailer.size > TRUST_SIGNATURE_MAX)
		r = fail(signing, -EINVAL, "the certificates are too long: more than 64 KiB", NULL);
	else
		buffer_add(out, trailer.data, trailer.size);
	buffer_fini(&trailer);
	if (r == -ENOMEM || buffer_failed(out))
		r = fail(signing, -ENOMEM, "out of memory", NULL);
	return r;
}

int trust_sign(struct buffer *out, const char *key, size_t key_size, const char *certificates,
               size_t certificates_size, struct problems *problems)
{
	struct signing signing = {.problems = problems, .certificates = BUFFER_EMPTY};
	uint8_t signature[MBEDTLS_PK_SIGNATURE_MAX_SIZE];
	size_t size = 0;

	mbedtls_pk_init(&signing.key);
	int r = check_text(&signing, out);
	if (r == 0 && trust_mbedtls_ready() != 0)
		r = fail(&signing, -EIO, "the library mbedTLS has failed", NULL);
	if (r == 0)
		r = read_key(&signing, (struct trust_text){key, key_size});
	if (r == 0 && certificates)
		r = read_certificates(&signing, (struct trust_text){certificates, certificates_size});
	if (r == 0)
		r = sign(&signing, out, signature, &size);
	if (r == 0)
		r = append(&signing, out, signature, size);
	mbedtls_pk_free(&signing.key);
	buffer_fini(&signing.certificates);
	return r;
}
