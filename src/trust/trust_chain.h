// SPDX-License-Identifier: GPL-2.0-or-later
//
// From the signer's certificate to a trust anchor (RFC 5280 6, by mbedTLS, without dates and revocation).
#ifndef LEADGLASS_TRUST_TRUST_CHAIN_H
#define LEADGLASS_TRUST_TRUST_CHAIN_H

#include "trust/trust_root.h"
#include "trust/trust_signature.h"

struct trust_chain {
	mbedtls_x509_crt items[TRUST_CHAIN_MAX]; // as in the file; linked in this order
	size_t count;
};

// Reads the certificates of a signed policy. TRUST_GOOD, or what is wrong with which; TRUST_UNCHECKED when
// memory runs out. trust_chain_fini in any case.
enum trust_code trust_chain_read(struct trust_chain *ret, const struct trust_signature *signature,
                                 struct trust_verdict *verdict);
void trust_chain_fini(struct trust_chain *chain);

// Whether an anchor vouches for the first certificate as a signer of policies. When it does, *ret_root is that
// anchor's place among them, and the dates are in the verdict; else the verdict has `which` and `detail`.
enum trust_code trust_chain_verify(struct trust_chain *chain, struct trust_roots *roots, size_t *ret_root,
                                   struct trust_verdict *verdict);

// Why mbedTLS found no way from the first certificate to an anchor. Only for people: nothing is decided here.
// TRUST_UNCHECKED: for want of memory.
enum trust_code trust_chain_explain(struct trust_chain *chain, struct trust_roots *roots,
                                    struct trust_verdict *verdict);

#endif
