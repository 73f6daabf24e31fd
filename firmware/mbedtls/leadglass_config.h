// SPDX-License-Identifier: GPL-2.0-or-later
//
// mbedTLS as leadglass needs it in a static binary: signatures and chains are verified (docs/signed-policy.md),
// and nothing else. For mbedTLS 2.28 and 3.6, as
//	-DMBEDTLS_CONFIG_FILE='"leadglass_config.h"' -Ifirmware/mbedtls
// in the compilation of both; -ffunction-sections and -Wl,--gc-sections take away what is left over. What it
// adds to a binary is measured by `tools/bench trust`.
//
//	LEADGLASS_MBEDTLS_NO_RSA   without RSA: smaller, and whose CA has an RSA key cannot be trusted
//	LEADGLASS_MBEDTLS_SIGN     for `leadglass sign`, too: ECDSA signatures are deterministic
#ifndef LEADGLASS_MBEDTLS_CONFIG_H
#define LEADGLASS_MBEDTLS_CONFIG_H

#include <limits.h> // 2.28 takes it from what is not there

#define MBEDTLS_HAVE_ASM // multiplication of long numbers: three times as fast

#define MBEDTLS_MD_C
#define MBEDTLS_SHA256_C
#define MBEDTLS_SHA384_C // 2.28 has it with SHA-512
#define MBEDTLS_SHA512_C

#define MBEDTLS_BIGNUM_C
#define MBEDTLS_ECP_C
#define MBEDTLS_ECP_DP_SECP256R1_ENABLED
#define MBEDTLS_ECP_DP_SECP384R1_ENABLED
#define MBEDTLS_ECP_NIST_OPTIM
#define MBEDTLS_ECDSA_C
#define MBEDTLS_ASN1_PARSE_C
#define MBEDTLS_ASN1_WRITE_C // ECDSA does not go without

#ifndef LEADGLASS_MBEDTLS_NO_RSA
#define MBEDTLS_RSA_C
#define MBEDTLS_PKCS1_V15 // certificates
#define MBEDTLS_PKCS1_V21
#define MBEDTLS_X509_RSASSA_PSS_SUPPORT
#endif

#ifdef LEADGLASS_MBEDTLS_SIGN
#define MBEDTLS_ECDSA_DETERMINISTIC
#define MBEDTLS_HMAC_DRBG_C
#else
#define MBEDTLS_ECP_NO_INTERNAL_RNG // 2.28: blinding is for private keys
#endif

#define MBEDTLS_OID_C
#define MBEDTLS_PK_C
#define MBEDTLS_PK_PARSE_C
#define MBEDTLS_X509_USE_C
#define MBEDTLS_X509_CRT_PARSE_C
#define MBEDTLS_X509_CHECK_KEY_USAGE // 3.x always does
#define MBEDTLS_X509_CHECK_EXTENDED_KEY_USAGE

// 3.x checks a configuration by itself.
#ifndef MBEDTLS_BUILD_INFO_H
#include "mbedtls/check_config.h"
#endif

#endif
