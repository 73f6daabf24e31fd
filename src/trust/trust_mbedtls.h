// SPDX-License-Identifier: GPL-2.0-or-later
//
// mbedTLS 2.28 and 3.6 under one roof: all that differs between them, and between the ways they can be built,
// is in here and in trust_mbedtls.c. What signs is inline, so that an agent, which does not, holds none of it.
#ifndef LEADGLASS_TRUST_TRUST_MBEDTLS_H
#define LEADGLASS_TRUST_TRUST_MBEDTLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// 3.x hides most fields, and has no functions for some that matter here (a path length).
#define MBEDTLS_ALLOW_PRIVATE_ACCESS
#include <mbedtls/version.h>

#include <mbedtls/ecp.h>
#include <mbedtls/md.h>
#include <mbedtls/pk.h>
#include <mbedtls/rsa.h>
#include <mbedtls/x509_crt.h>

#if MBEDTLS_VERSION_NUMBER < 0x021c0000 || MBEDTLS_VERSION_NUMBER >= 0x04000000
#error "leadglass knows mbedTLS 2.28 and 3.x"
#endif
#if !defined(MBEDTLS_ECP_DP_SECP256R1_ENABLED) || !defined(MBEDTLS_ECP_DP_SECP384R1_ENABLED) ||                \
        !defined(MBEDTLS_SHA256_C) || !defined(MBEDTLS_SHA512_C)
#error "this mbedTLS lacks something that signed policies need: P-256, P-384, SHA-2"
#endif
// Without RSA its keys are of a kind that is not taken.
#if defined(MBEDTLS_RSA_C) && !defined(MBEDTLS_PKCS1_V21)
#error "this mbedTLS has RSA and no RSASSA-PSS"
#endif

// Before anything else is called: 0, or an error of mbedTLS. More than once does no harm.
int trust_mbedtls_ready(void);

// Whether an error says that memory has run out.
bool trust_mbedtls_no_memory(int error);

// An elliptic key's curve; MBEDTLS_ECP_DP_NONE for another kind of key.
mbedtls_ecp_group_id trust_mbedtls_curve(const mbedtls_pk_context *key);

// Bits of an RSA key's public exponent; 0 for another kind of key.
size_t trust_mbedtls_exponent_bits(const mbedtls_pk_context *key);

// RSASSA-PSS over a SHA-256 hash, MGF1 with SHA-256, a salt of just 32 octets. `signature` is as long as the
// key. 0, or mbedTLS's error.
int trust_mbedtls_check_pss(const mbedtls_pk_context *key, const uint8_t hash[static 32],
                            const uint8_t *signature);

typedef int trust_mbedtls_random(void *context, unsigned char *octets, size_t size);

// A private key that is not encrypted, DER.
static inline int trust_mbedtls_parse_key(mbedtls_pk_context *key, const uint8_t *der, size_t size,
                                          trust_mbedtls_random *random, void *context)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	return mbedtls_pk_parse_key(key, der, size, NULL, 0, random, context);
#else
	(void)random;
	(void)context;
	return mbedtls_pk_parse_key(key, der, size, NULL, 0);
#endif
}

static inline int trust_mbedtls_check_pair(const mbedtls_pk_context *public, const mbedtls_pk_context *private,
                                           trust_mbedtls_random *random, void *context)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	return mbedtls_pk_check_pair(public, private, random, context);
#else
	(void)random;
	(void)context;
	return mbedtls_pk_check_pair(public, private);
#endif
}

// ECDSA, DER, deterministic (RFC 6979); `random` only blinds.
static inline int trust_mbedtls_sign_ecdsa(mbedtls_pk_context *key, mbedtls_md_type_t kind, const uint8_t *hash,
                                           size_t hash_size, uint8_t ret[static MBEDTLS_PK_SIGNATURE_MAX_SIZE],
                                           size_t *ret_size, trust_mbedtls_random *random, void *context)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	return mbedtls_pk_sign(key, kind, hash, hash_size, ret, MBEDTLS_PK_SIGNATURE_MAX_SIZE, ret_size, random,
	                       context);
#else
	return mbedtls_pk_sign(key, kind, hash, hash_size, ret, ret_size, random, context);
#endif
}

// RSASSA-PSS as in trust_mbedtls_check_pss; `ret` gets as many octets as the key has.
static inline int trust_mbedtls_sign_pss(const mbedtls_pk_context *key, const uint8_t hash[static 32],
                                         uint8_t ret[static MBEDTLS_PK_SIGNATURE_MAX_SIZE],
                                         trust_mbedtls_random *random, void *context)
{
#if defined(MBEDTLS_RSA_C)
	mbedtls_rsa_context *rsa = mbedtls_pk_rsa(*key);
	mbedtls_rsa_set_padding(rsa, MBEDTLS_RSA_PKCS_V21, MBEDTLS_MD_SHA256);
	return mbedtls_rsa_rsassa_pss_sign_ext(rsa, random, context, MBEDTLS_MD_SHA256, 32, hash, 32, ret);
#else
	(void)key;
	(void)hash;
	(void)ret;
	(void)random;
	(void)context;
	return MBEDTLS_ERR_PK_FEATURE_UNAVAILABLE;
#endif
}

#endif
