// SPDX-License-Identifier: GPL-2.0-or-later
//
// Why there is no chain: a person needs to know which certificate, and what about it. So one way is walked
// again, the first that leads anywhere, with a note of where it stopped.
#include "trust/trust_chain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "trust/trust_certificate.h"
#include "trust/trust_subject.h"

// The walk stands at `child`; an issuer of it has `below` CAs below it that count.
struct walk {
	struct trust_chain *chain;
	struct trust_roots *roots;
	size_t child, below;
};

// Among the anchors: TRUST_GOOD when one has issued it; TRUST_UNKNOWN_SIGNER when none has that name. `detail`
// is the anchor's subject, where it is the anchor that is too strict or has another key.
static enum trust_code ask_roots(const struct walk *walk, struct trust_verdict *verdict)
{
	enum trust_code code = TRUST_UNKNOWN_SIGNER;
	for (size_t i = 0; i < walk->roots->count; i++) {
		struct trust_step step;
		if (!trust_chain_root_step(walk->chain, walk->roots, walk->child, i, walk->below, &step))
			continue;
		code = trust_issuer_judge(&step);
		if (code == TRUST_GOOD || code == TRUST_UNCHECKED)
			break;
		if (code == TRUST_PATH_LENGTH || code == TRUST_CHAIN_SIGNATURE)
			trust_subject_print(&step.issuer->subject, verdict->detail, sizeof verdict->detail);
		else
			snprintf(verdict->detail, sizeof verdict->detail, "%s", step.detail);
		verdict->which = code == TRUST_CHAIN_SIGNATURE ? (uint32_t)walk->child + 1 : 0;
	}
	return code;
}

// Among the certificates that follow in the file. *ret_next is the issuer when TRUST_GOOD.
static enum trust_code ask_chain(const struct walk *walk, size_t *ret_next, struct trust_verdict *verdict)
{
	enum trust_code code = TRUST_UNKNOWN_SIGNER;
	for (size_t i = walk->child + 1; i < walk->chain->count; i++) {
		struct trust_step step;
		if (!trust_chain_step(walk->chain, walk->child, i, walk->below, &step))
			continue;
		code = trust_issuer_judge(&step);
		*ret_next = i;
		if (code == TRUST_GOOD || code == TRUST_UNCHECKED)
			break;
		verdict->which = (uint32_t)(code == TRUST_CHAIN_SIGNATURE ? walk->child : i) + 1;
		snprintf(verdict->detail, sizeof verdict->detail, "%s", step.detail);
	}
	return code;
}

// Nobody known has issued it: who should have?
static enum trust_code unknown(const struct walk *walk, struct trust_verdict *verdict)
{
	const struct trust_chain *chain = walk->chain;
	const mbedtls_x509_crt *child = &chain->items[walk->child];
	verdict->which = (uint32_t)walk->child + 1;
	trust_subject_print(&child->issuer, verdict->detail, sizeof verdict->detail);
	if (walk->child == 0 && trust_issuer_name(&child->issuer, &child->subject))
		return TRUST_SELF_SIGNED;
	for (size_t i = 0; i < walk->child; i++) {
		size_t used = strlen(verdict->detail);
		if (i > 0 && trust_issuer_name(&child->issuer, &chain->items[i].subject)) {
			snprintf(verdict->detail + used, sizeof verdict->detail - used,
			         " (certificate %zu, which has to follow it)", i + 1);
			break;
		}
	}
	return TRUST_UNKNOWN_SIGNER;
}

enum trust_code trust_chain_explain(struct trust_chain *chain, struct trust_roots *roots,
                                    struct trust_verdict *verdict)
{
	struct walk walk = {.chain = chain, .roots = roots};
	for (;;) {
		const char *weak = trust_certificate_weak_hash(&chain->items[walk.child]);
		if (weak) {
			verdict->which = (uint32_t)walk.child + 1;
			snprintf(verdict->detail, sizeof verdict->detail, "it is signed with %s", weak);
			return TRUST_WEAK;
		}
		size_t next = 0;
		enum trust_code by_root = ask_roots(&walk, verdict);
		enum trust_code by_chain = ask_chain(&walk, &next, verdict);
		if (by_root == TRUST_GOOD || by_root == TRUST_UNCHECKED || by_chain == TRUST_UNCHECKED) {
			chain->error = -ENOMEM; // the search asked the same, and had an answer
			return TRUST_UNCHECKED;
		}
		if (by_chain == TRUST_UNKNOWN_SIGNER)
			return by_root == TRUST_UNKNOWN_SIGNER ? unknown(&walk, verdict) : by_root;
		if (by_chain != TRUST_GOOD)
			return by_chain;
		walk.below = trust_chain_below(chain, next, walk.below);
		walk.child = next;
	}
}
