// SPDX-License-Identifier: GPL-2.0-or-later
//
// Public keys and their signatures.
#include "trust/trust_key.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <mbedtls/asn1.h>

#define EXPONENT_BITS_MAX 64

const char *trust_algorithm_name(enum trust_algorithm algorithm)
{
	switch (algorithm) {
	case TRUST_P256:
		return "ECDSA P-256 with SHA-256";
	case TRUST_P384:
		return "ECDSA P-384 with SHA-384";
	case TRUST_RSA:
		return "RSASSA-PSS with SHA-256";
	case TRUST_NO_ALGORITHM:
	case TRUST_ALGORITHM_COUNT:
		break;
	}
	return "none";
}

enum trust_algorithm trust_key_algorithm(const mbedtls_pk_context *key)
{
	mbedtls_ecp_group_id curve = trust_mbedtls_curve(key);
	size_t bits = mbedtls_pk_get_bitlen(key), exponent = trust_mbedtls_exponent_bits(key);
	if (curve == MBEDTLS_ECP_DP_SECP256R1)
		return TRUST_P256;
	if (curve == MBEDTLS_ECP_DP_SECP384R1)
		return TRUST_P384;
	if (exponent > 0 && exponent <= EXPONENT_BITS_MAX && bits >= TRUST_RSA_BITS_MIN &&
	    bits <= TRUST_RSA_BITS_MAX)
		return TRUST_RSA;
	return TRUST_NO_ALGORITHM;
}

static const struct {
	mbedtls_ecp_group_id curve;
	const char *name;
} curves[] = {
        {MBEDTLS_ECP_DP_SECP192R1, "P-192"},         {MBEDTLS_ECP_DP_SECP224R1, "P-224"},
        {MBEDTLS_ECP_DP_SECP256R1, "P-256"},         {MBEDTLS_ECP_DP_SECP384R1, "P-384"},
        {MBEDTLS_ECP_DP_SECP521R1, "P-521"},         {MBEDTLS_ECP_DP_BP256R1, "brainpoolP256r1"},
        {MBEDTLS_ECP_DP_BP384R1, "brainpoolP384r1"}, {MBEDTLS_ECP_DP_BP512R1, "brainpoolP512r1"},
        {MBEDTLS_ECP_DP_SECP192K1, "secp192k1"},     {MBEDTLS_ECP_DP_SECP224K1, "secp224k1"},
        {MBEDTLS_ECP_DP_SECP256K1, "secp256k1"},
};

char *trust_key_kind(const mbedtls_pk_context *key, char text[static TRUST_KEY_TEXT])
{
	const mbedtls_ecp_group_id curve = trust_mbedtls_curve(key);
	const size_t exponent = trust_mbedtls_exponent_bits(key);
	const char *name = "on another curve";
	for (size_t i = 0; i < sizeof curves / sizeof *curves; i++) {
		if (curves[i].curve == curve)
			name = curves[i].name;
	}
	if (exponent > EXPONENT_BITS_MAX)
		snprintf(text, TRUST_KEY_TEXT, "RSA %zu bits, exponent %zu bits", mbedtls_pk_get_bitlen(key),
		         exponent);
	else if (exponent > 0)
		snprintf(text, TRUST_KEY_TEXT, "RSA %zu bits", mbedtls_pk_get_bitlen(key));
	else
		snprintf(text, TRUST_KEY_TEXT, "ECDSA %s", name);
	return text;
}

// Goes into `depth` SEQUENCEs, each the first thing in the one before; `*end` becomes where the last ends.
static bool enter(unsigned char **p, const unsigned char **end, unsigned depth)
{
	size_t size;
	for (; depth > 0; depth--) {
		if (mbedtls_asn1_get_tag(p, *end, &size, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE) != 0)
			return false;
		*end = *p + size;
	}
	return true;
}

static bool skip(unsigned char **p, const unsigned char *end, int tag)
{
	size_t size;
	if (mbedtls_asn1_get_tag(p, end, &size, tag) != 0)
		return false;
	*p += size;
	return true;
}

// To the SubjectPublicKeyInfo of a certificate (RFC 5280 4.1).
static bool find_key(unsigned char **p, const unsigned char **end)
{
	const int sequence = MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE;
	if (!enter(p, end, 2))
		return false;
	skip(p, *end, MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_ASN1_CONSTRUCTED | 0); // version, may be left out
	if (!skip(p, *end, MBEDTLS_ASN1_INTEGER))                                    // serial number
		return false;
	for (int i = 0; i < 4; i++) { // signature, issuer, validity, subject
		if (!skip(p, *end, sequence))
			return false;
	}
	return true;
}

char *trust_key_guess(const uint8_t *der, size_t size, bool certificate, char text[static TRUST_KEY_TEXT])
{
	static const struct {
		const char *oid, *name;
	} kinds[] = {
	        {"\x2b\x65\x70", "Ed25519"},
	        {"\x2b\x65\x71", "Ed448"},
	        {"\x2b\x65\x6e", "X25519"},
	        {"\x2b\x65\x6f", "X448"},
	        {"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a", "RSA for PSS only (id-RSASSA-PSS)"},
	        {"\x2a\x86\x48\xce\x38\x04\x01", "DSA"},
	};
	unsigned char *p = (unsigned char *)der; // mbedTLS moves it, and writes nothing there
	const unsigned char *end = der + size;
	size_t length;
	text[0] = '\0';
	if ((certificate && !find_key(&p, &end)) || !enter(&p, &end, 2) ||
	    mbedtls_asn1_get_tag(&p, end, &length, MBEDTLS_ASN1_OID) != 0)
		return text;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (strlen(kinds[i].oid) == length && memcmp(kinds[i].oid, p, length) == 0)
			snprintf(text, TRUST_KEY_TEXT, "%s", kinds[i].name);
	}
	return text;
}

// Takes one positive INTEGER of at most `max` octets off, in the only spelling that DER has for it.
static bool take_integer(const uint8_t **p, const uint8_t *end, size_t max)
{
	if (end - *p < 3 || (*p)[0] != MBEDTLS_ASN1_INTEGER)
		return false;
	const size_t size = (*p)[1];
	const uint8_t *value = *p + 2;
	if (size == 0 || size > max + 1 || size > (size_t)(end - value) || value[0] >= 0x80)
		return false;
	if (value[0] == 0 && (size == 1 || value[1] < 0x80)) // 0, or a zero too many
		return false;
	if (size == max + 1 && value[0] != 0)
		return false;
	*p = value + size;
	return true;
}

bool trust_key_form(const mbedtls_pk_context *key, enum trust_algorithm algorithm, const uint8_t *signature,
                    size_t size, const char **ret_why)
{
	if (algorithm == TRUST_RSA) {
		*ret_why = "its length is not that of the signer's RSA key";
		return size == mbedtls_pk_get_len(key);
	}
	*ret_why = "it is no ECDSA signature (a sequence of r and s in DER)";
	const size_t max = algorithm == TRUST_P384 ? 48 : 32;
	const uint8_t *p = signature + 2, *end = signature + size;
	return size > 2 && signature[0] == (MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE) &&
	       signature[1] < 0x80 && signature[1] == size - 2 && take_integer(&p, end, max) &&
	       take_integer(&p, end, max) && p == end;
}

int trust_key_check(mbedtls_pk_context *key, enum trust_algorithm algorithm, const struct trust_hashes *hashes,
                    const uint8_t *signature, size_t size)
{
	int r = MBEDTLS_ERR_PK_BAD_INPUT_DATA;
	switch (algorithm) {
	case TRUST_P256:
		r = mbedtls_pk_verify(key, MBEDTLS_MD_SHA256, hashes->sha256, sizeof hashes->sha256, signature,
		                      size);
		break;
	case TRUST_P384:
		r = mbedtls_pk_verify(key, MBEDTLS_MD_SHA384, hashes->sha384, sizeof hashes->sha384, signature,
		                      size);
		break;
	case TRUST_RSA:
		r = trust_mbedtls_check_pss(key, hashes->sha256, signature);
		break;
	case TRUST_NO_ALGORITHM:
	case TRUST_ALGORITHM_COUNT:
		break;
	}
	return r == 0 ? 0 : trust_mbedtls_no_memory(r) ? -ENOMEM : -EBADMSG;
}
