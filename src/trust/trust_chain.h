// SPDX-License-Identifier: GPL-2.0-or-later
//
// From the signer's certificate to a trust anchor (RFC 5280 6, without dates and revocation).
#ifndef LEADGLASS_TRUST_TRUST_CHAIN_H
#define LEADGLASS_TRUST_TRUST_CHAIN_H

#include "trust/trust_issuer.h"
#include "trust/trust_root.h"
#include "trust/trust_signature.h"

struct trust_chain {
	mbedtls_x509_crt items[TRUST_CHAIN_MAX]; // as in the file; none is linked to another
	size_t count;
	// What is known of each as the child of another, or of an anchor: enum trust_link.
	uint8_t links[TRUST_CHAIN_MAX][TRUST_CHAIN_MAX], root_links[TRUST_CHAIN_MAX][TRUST_ANCHORS_MAX];
	int error; // what TRUST_UNCHECKED comes from: -ENOMEM, -EIO
};

// Reads the certificates of a signed policy. TRUST_GOOD, or what is wrong with which; TRUST_UNCHECKED when
// memory runs out. trust_chain_fini in any case.
enum trust_code trust_chain_read(struct trust_chain *ret, const struct trust_signature *signature,
                                 struct trust_verdict *verdict);
void trust_chain_fini(struct trust_chain *chain);

// Certificate `child` as issued by another one of the file, or by an anchor. False: the name is another.
bool trust_chain_step(struct trust_chain *chain, size_t child, size_t issuer, size_t below,
                      struct trust_step *ret);
bool trust_chain_root_step(struct trust_chain *chain, struct trust_roots *roots, size_t child, size_t root,
                           size_t below, struct trust_step *ret);
// How many CAs are below the issuer of `child`, which has `below` below itself.
size_t trust_chain_below(const struct trust_chain *chain, size_t child, size_t below);

// Whether an anchor vouches for the first certificate as a signer of policies. When it does, *ret_root is that
// anchor's place among them, and the dates are in the verdict; else the verdict has `which` and `detail`. Of
// several ways to an anchor it is the one whose certificates are all valid by the clock, and then the one that
// ends last.
enum trust_code trust_chain_verify(struct trust_chain *chain, struct trust_roots *roots, size_t *ret_root,
                                   struct trust_verdict *verdict);

// Why there is no way from the first certificate to an anchor. Only for people: nothing is decided here.
// TRUST_UNCHECKED: for want of memory.
enum trust_code trust_chain_explain(struct trust_chain *chain, struct trust_roots *roots,
                                    struct trust_verdict *verdict);

#endif
