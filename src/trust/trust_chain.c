// SPDX-License-Identifier: GPL-2.0-or-later
//
// The chain: every way from the signer's certificate to an anchor is looked at. A CA that was renewed with a
// new key, or that two others have certified, is there more than once, and only one of its certificates leads
// on.
#include "trust/trust_chain.h"

#include <stdio.h>
#include <string.h>

#include "trust/trust_certificate.h"
#include "trust/trust_subject.h"

enum trust_code trust_chain_read(struct trust_chain *ret, const struct trust_signature *signature,
                                 struct trust_verdict *verdict)
{
	*ret = (struct trust_chain){0};
	for (size_t i = 0; i < signature->count; i++) {
		const struct trust_der *der = &signature->certificates[i];
		mbedtls_x509_crt_init(&ret->items[i]);
		ret->count++;
		verdict->which = (uint32_t)i + 1;
		enum trust_code code =
		        trust_certificate_read(&ret->items[i], der->data, der->size, verdict->detail);
		if (code == TRUST_KEY_KIND && i > 0) {
			char kind[TRUST_SUBJECT_MAX];
			memcpy(kind, verdict->detail, sizeof kind);
			snprintf(verdict->detail, sizeof verdict->detail, "its key is %.*s", TRUST_KEY_TEXT,
			         kind);
			return TRUST_WEAK;
		}
		if (code != TRUST_GOOD)
			return code;
	}
	verdict->which = 0;
	return TRUST_GOOD;
}

void trust_chain_fini(struct trust_chain *chain)
{
	for (size_t i = 0; i < chain->count; i++)
		mbedtls_x509_crt_free(&chain->items[i]);
	*chain = (struct trust_chain){0};
}

// ---- steps ----

bool trust_chain_step(struct trust_chain *chain, size_t child, size_t issuer, size_t below,
                      struct trust_step *ret)
{
	*ret = (struct trust_step){.child = &chain->items[child],
	                           .issuer = &chain->items[issuer],
	                           .below = below,
	                           .link = &chain->links[child][issuer]};
	return trust_issuer_name(&ret->child->issuer, &ret->issuer->subject);
}

bool trust_chain_root_step(struct trust_chain *chain, struct trust_roots *roots, size_t child, size_t root,
                           size_t below, struct trust_step *ret)
{
	*ret = (struct trust_step){.child = &chain->items[child],
	                           .issuer = &roots->items[root].certificate,
	                           .below = below,
	                           .link = &chain->root_links[child][root]};
	return roots->items[root].good && !roots->items[root].is_key &&
	       trust_issuer_name(&ret->child->issuer, &ret->issuer->subject);
}

size_t trust_chain_below(const struct trust_chain *chain, size_t child, size_t below)
{
	const mbedtls_x509_crt *certificate = &chain->items[child];
	return child == 0 || trust_issuer_name(&certificate->issuer, &certificate->subject) ? below : below + 1;
}

// ---- the search ----

// A way up, from the signer's certificate.
struct way {
	size_t root;
	bool valid; // all of it is, by the clock
	int64_t from, to;
	uint32_t from_which, to_which;
};

struct search {
	struct trust_chain *chain;
	struct trust_roots *roots;
	struct way best;
	bool found;
};

static void lead_over(struct way *way, const mbedtls_x509_crt *certificate, uint32_t which)
{
	int64_t from = trust_certificate_from(certificate), to = trust_certificate_to(certificate);
	if (from > way->from) {
		way->from = from;
		way->from_which = which;
	}
	if (to < way->to) {
		way->to = to;
		way->to_which = which;
	}
	way->valid = way->valid && !mbedtls_x509_time_is_past(&certificate->valid_to) &&
	             !mbedtls_x509_time_is_future(&certificate->valid_from);
}

// It ends at an anchor. Whoever judges the dates has a better clock; but where one way is as good as another
// the one that has ended is the wrong one.
static void arrive(struct search *search, struct way way, size_t root)
{
	way.root = root;
	lead_over(&way, &search->roots->items[root].certificate, 0);
	const struct way *best = &search->best;
	if (!search->found || (way.valid != best->valid ? way.valid : way.to > best->to))
		search->best = way;
	search->found = true;
}

// Goes up from a certificate, `below` as of its issuer. False: out of memory.
static bool climb(struct search *search, size_t child, size_t below, struct way way)
{
	struct trust_chain *chain = search->chain;
	struct trust_step step;
	bool anchored = false;

	lead_over(&way, &chain->items[child], (uint32_t)child + 1);
	if (trust_certificate_weak_hash(&chain->items[child]))
		return true;
	for (size_t i = 0; i < search->roots->count; i++) {
		enum trust_code code = trust_chain_root_step(chain, search->roots, child, i, below, &step)
		                               ? trust_issuer_judge(&step)
		                               : TRUST_UNKNOWN_SIGNER;
		chain->error = step.error;
		if (code == TRUST_UNCHECKED)
			return false;
		if (code == TRUST_GOOD)
			arrive(search, way, i);
		anchored = anchored || code == TRUST_GOOD;
	}
	// What an anchor may do, all below it may: nobody goes on to one that may do more.
	for (size_t i = child + 1; !anchored && i < chain->count; i++) {
		enum trust_code code = trust_chain_step(chain, child, i, below, &step)
		                               ? trust_issuer_judge(&step)
		                               : TRUST_UNKNOWN_SIGNER;
		chain->error = step.error;
		if (code == TRUST_UNCHECKED ||
		    (code == TRUST_GOOD && !climb(search, i, trust_chain_below(chain, i, below), way)))
			return false;
	}
	return true;
}

enum trust_code trust_chain_verify(struct trust_chain *chain, struct trust_roots *roots, size_t *ret_root,
                                   struct trust_verdict *verdict)
{
	struct search search = {.chain = chain, .roots = roots};
	const struct way begin = {.valid = true, .from = INT64_MIN, .to = INT64_MAX};

	verdict->valid_from = 0;
	verdict->valid_to = INT64_MAX;
	if (!climb(&search, 0, 0, begin))
		return TRUST_UNCHECKED;
	if (!search.found)
		return trust_chain_explain(chain, roots, verdict);
	verdict->valid_from = search.best.from;
	verdict->valid_from_which = search.best.from_which;
	verdict->valid_to = search.best.to;
	verdict->valid_to_which = search.best.to_which;
	*ret_root = search.best.root;
	enum trust_code code = trust_certificate_as_signer(&chain->items[0]);
	verdict->which = code == TRUST_GOOD ? 0 : 1;
	return code;
}
