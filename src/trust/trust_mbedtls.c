// SPDX-License-Identifier: GPL-2.0-or-later
//
// What differs between versions and builds of mbedTLS.
#include "trust/trust_mbedtls.h"

#include <mbedtls/asn1.h>
#include <mbedtls/bignum.h>

#if defined(MBEDTLS_USE_PSA_CRYPTO)
#include <psa/crypto.h>
#include <mbedtls/psa_util.h>
#endif

int trust_mbedtls_ready(void)
{
#if defined(MBEDTLS_USE_PSA_CRYPTO)
	return psa_crypto_init() == PSA_SUCCESS ? 0 : MBEDTLS_ERR_PK_HW_ACCEL_FAILED;
#else
	return 0;
#endif
}

bool trust_mbedtls_no_memory(int error)
{
	// The sum of an error of the module above and one of a module below, of which neither has bits of the
	// other.
	const int high = -(-error & 0x7f80), low = -(-error & 0x7f);
	return high == MBEDTLS_ERR_X509_ALLOC_FAILED || high == MBEDTLS_ERR_PK_ALLOC_FAILED ||
	       high == MBEDTLS_ERR_ECP_ALLOC_FAILED || high == MBEDTLS_ERR_MD_ALLOC_FAILED ||
	       low == MBEDTLS_ERR_MPI_ALLOC_FAILED || low == MBEDTLS_ERR_ASN1_ALLOC_FAILED;
}

mbedtls_ecp_group_id trust_mbedtls_curve(const mbedtls_pk_context *key)
{
	mbedtls_pk_type_t type = mbedtls_pk_get_type(key);
	if (type != MBEDTLS_PK_ECKEY && type != MBEDTLS_PK_ECKEY_DH && type != MBEDTLS_PK_ECDSA)
		return MBEDTLS_ECP_DP_NONE;
#if defined(MBEDTLS_PK_USE_PSA_EC_DATA)
	return mbedtls_ecc_group_from_psa(key->ec_family, key->ec_bits);
#else
	return mbedtls_pk_ec(*key)->grp.id;
#endif
}

size_t trust_mbedtls_exponent_bits(const mbedtls_pk_context *key)
{
#if defined(MBEDTLS_RSA_C)
	return mbedtls_pk_get_type(key) == MBEDTLS_PK_RSA ? mbedtls_mpi_bitlen(&mbedtls_pk_rsa(*key)->E) : 0;
#else
	(void)key;
	return 0;
#endif
}

// Not mbedtls_pk_verify_ext: built over PSA it would take a salt of any length.
int trust_mbedtls_check_pss(const mbedtls_pk_context *key, const uint8_t hash[static 32],
                            const uint8_t *signature)
{
#if !defined(MBEDTLS_RSA_C)
	(void)key;
	(void)hash;
	(void)signature;
	return MBEDTLS_ERR_PK_FEATURE_UNAVAILABLE;
#elif MBEDTLS_VERSION_NUMBER >= 0x03000000
	return mbedtls_rsa_rsassa_pss_verify_ext(mbedtls_pk_rsa(*key), MBEDTLS_MD_SHA256, 32, hash,
	                                         MBEDTLS_MD_SHA256, 32, signature);
#else
	return mbedtls_rsa_rsassa_pss_verify_ext(mbedtls_pk_rsa(*key), NULL, NULL, MBEDTLS_RSA_PUBLIC,
	                                         MBEDTLS_MD_SHA256, 32, hash, MBEDTLS_MD_SHA256, 32, signature);
#endif
}
