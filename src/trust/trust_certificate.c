// SPDX-License-Identifier: GPL-2.0-or-later
//
// Certificates, by mbedTLS, with what it lets pass asked for here.
#include "trust/trust_certificate.h"

#include <stdio.h>
#include <string.h>

#include <mbedtls/asn1.h>
#include <mbedtls/oid.h>

#include "base/date.h"
#include "trust/trust_subject.h"

// ---- reading ----

// A critical extension that nobody here understands: the certificate means more than is seen (4.2).
static int unknown_extension(void *context, const mbedtls_x509_crt *certificate, const mbedtls_x509_buf *oid,
                             int critical, const unsigned char *p, const unsigned char *end)
{
	char number[64], *why = context;
	(void)certificate;
	(void)p;
	(void)end;
	if (!critical)
		return 0;
	if (mbedtls_oid_get_numeric_string(number, sizeof number, oid) <= 0)
		snprintf(number, sizeof number, "with a long number");
	snprintf(why, TRUST_SUBJECT_MAX, "it has the critical extension %s, which is not known here", number);
	return MBEDTLS_ERR_X509_FEATURE_UNAVAILABLE;
}

// What mbedTLS could not read, in words.
static enum trust_code unread(int error, const uint8_t *der, size_t size, char why[static TRUST_SUBJECT_MAX])
{
	const int high = -(-error & 0x7f80);
	char kind[TRUST_KEY_TEXT];
	if (trust_mbedtls_no_memory(error)) {
		snprintf(why, TRUST_SUBJECT_MAX, "out of memory");
		return TRUST_UNCHECKED;
	}
	if (why[0]) // an extension
		return TRUST_CERTIFICATE_FORM;
	if (high == MBEDTLS_ERR_PK_UNKNOWN_PK_ALG || high == MBEDTLS_ERR_PK_UNKNOWN_NAMED_CURVE ||
	    high == MBEDTLS_ERR_PK_FEATURE_UNAVAILABLE || high == MBEDTLS_ERR_X509_UNKNOWN_SIG_ALG) {
		trust_key_guess(der, size, true, kind);
		if (kind[0] || high != MBEDTLS_ERR_X509_UNKNOWN_SIG_ALG) {
			snprintf(why, TRUST_SUBJECT_MAX, "%s",
			         kind[0] ? kind : "a kind that is not known here");
			return TRUST_KEY_KIND;
		}
		snprintf(why, TRUST_SUBJECT_MAX, "its issuer's signature is of a kind that is not known here");
		return TRUST_CERTIFICATE_FORM;
	}
	snprintf(why, TRUST_SUBJECT_MAX, "it is no X.509 certificate, or a damaged one");
	return TRUST_CERTIFICATE_FORM;
}

enum trust_code trust_certificate_read(mbedtls_x509_crt *ret, const uint8_t *der, size_t size,
                                       char why[static TRUST_SUBJECT_MAX])
{
	char kind[TRUST_KEY_TEXT];
	why[0] = '\0';
	int r = mbedtls_x509_crt_parse_der_with_ext_cb(ret, der, size, 1, unknown_extension, why);
	if (r != 0)
		return unread(r, der, size, why);
	if (ret->raw.len != size) { // mbedTLS reads one and leaves the rest alone
		snprintf(why, TRUST_SUBJECT_MAX, "something follows it inside its block");
		return TRUST_CERTIFICATE_FORM;
	}
	if (!trust_subject_good(&ret->subject) || !trust_subject_good(&ret->issuer)) {
		trust_subject_print(trust_subject_good(&ret->subject) ? &ret->issuer : &ret->subject, why,
		                    TRUST_SUBJECT_MAX);
		return TRUST_NAME;
	}
	if (trust_key_algorithm(&ret->pk) == TRUST_NO_ALGORITHM) {
		snprintf(why, TRUST_SUBJECT_MAX, "%s", trust_key_kind(&ret->pk, kind));
		return TRUST_KEY_KIND;
	}
	return TRUST_GOOD;
}

// ---- asking ----

enum trust_usage trust_certificate_usage(const mbedtls_x509_crt *certificate)
{
	enum trust_usage usage = TRUST_USAGE_OTHER;
	if (!(certificate->ext_types & MBEDTLS_X509_EXT_EXTENDED_KEY_USAGE))
		return TRUST_USAGE_OPEN;
	for (const mbedtls_x509_sequence *each = &certificate->ext_key_usage; each; each = each->next) {
		if (MBEDTLS_OID_CMP(MBEDTLS_OID_CODE_SIGNING, &each->buf) == 0)
			return TRUST_USAGE_SIGNING;
		if (MBEDTLS_OID_CMP(MBEDTLS_OID_ANY_EXTENDED_KEY_USAGE, &each->buf) == 0)
			usage = TRUST_USAGE_ANY;
	}
	return usage;
}

bool trust_certificate_has_key_usage(const mbedtls_x509_crt *certificate)
{
	return certificate->ext_types & MBEDTLS_X509_EXT_KEY_USAGE;
}

bool trust_certificate_key_usage(const mbedtls_x509_crt *certificate, unsigned int bit)
{
	return trust_certificate_has_key_usage(certificate) && (certificate->key_usage & bit) == bit;
}

const char *trust_certificate_weak_hash(const mbedtls_x509_crt *certificate)
{
	const mbedtls_pk_rsassa_pss_options *pss =
	        certificate->sig_pk == MBEDTLS_PK_RSASSA_PSS ? certificate->sig_opts : NULL;
	if (certificate->sig_md == MBEDTLS_MD_SHA256 || certificate->sig_md == MBEDTLS_MD_SHA384 ||
	    certificate->sig_md == MBEDTLS_MD_SHA512)
		// mbedTLS finds no such signature good, whoever made it.
		return pss && pss->mgf1_hash_id != certificate->sig_md
		               ? "RSASSA-PSS whose MGF1 has another hash than the certificate"
		               : NULL;
	if (certificate->sig_md == MBEDTLS_MD_SHA1)
		return "SHA-1";
	if (certificate->sig_md == MBEDTLS_MD_SHA224)
		return "SHA-224";
	return certificate->sig_md == MBEDTLS_MD_MD5 ? "MD5" : "a hash that is not known here";
}

static bool moment(const mbedtls_x509_time *time, int64_t *ret)
{
	const struct date date = {.year = (unsigned)time->year,
	                          .month = (unsigned)time->mon,
	                          .day = (unsigned)time->day,
	                          .hour = (unsigned)time->hour,
	                          .minute = (unsigned)time->min,
	                          .second = (unsigned)time->sec};
	return date_seconds(&date, ret);
}

int64_t trust_certificate_from(const mbedtls_x509_crt *certificate)
{
	int64_t seconds;
	if (moment(&certificate->valid_from, &seconds))
		return seconds;
	return certificate->valid_from.year < 1970 ? 0 : DATE_LATEST;
}

int64_t trust_certificate_to(const mbedtls_x509_crt *certificate)
{
	int64_t seconds;
	return moment(&certificate->valid_to, &seconds) ? seconds : 0;
}

enum trust_code trust_certificate_as_signer(const mbedtls_x509_crt *certificate)
{
	if (certificate->ca_istrue)
		return TRUST_SIGNER_IS_CA;
	if (trust_certificate_usage(certificate) != TRUST_USAGE_SIGNING)
		return TRUST_USAGE;
	return trust_certificate_key_usage(certificate, MBEDTLS_X509_KU_DIGITAL_SIGNATURE) ? TRUST_GOOD
	                                                                                   : TRUST_KEY_USAGE;
}
