// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whether a verdict that came from another process can be one.
#include "trust/trust.h"

#include <string.h>

#include "base/date.h"
#include "trust/trust_subject.h"

const char *trust_scope_name(enum trust_scope scope)
{
	switch (scope) {
	case TRUST_ALL:
		return "all";
	case TRUST_SITE:
		return "site";
	case TRUST_OEM:
		return "oem";
	}
	return "none";
}

const char *trust_scope_may(enum trust_scope scope)
{
	switch (scope) {
	case TRUST_ALL:
		return "everything";
	case TRUST_SITE:
		return "everything but role and box";
	case TRUST_OEM:
		return "role and box, and nothing else";
	}
	return "";
}

static bool text_sane(const char *text, size_t size)
{
	return memchr(text, '\0', size) && trust_text_good(text);
}

static bool any_set(const uint8_t *octets, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (octets[i])
			return true;
	}
	return false;
}

// A good one says who, by what, and over what. One that was never filled in is all zero, and zero is
// TRUST_GOOD.
static bool good_sane(const struct trust_verdict *v)
{
	return v->fits == 1 && v->which == 0 && v->algorithm != TRUST_NO_ALGORITHM && v->anchor[0] &&
	       v->signer[0] && !v->detail[0] && any_set(v->content, sizeof v->content) &&
	       any_set(v->key, sizeof v->key);
}

// Whoever waits for a moment computes with it.
static bool dates_sane(const struct trust_verdict *v)
{
	return v->valid_from >= 0 && v->valid_from <= DATE_LATEST && v->valid_to >= 0 &&
	       (v->valid_to <= DATE_LATEST || v->valid_to == INT64_MAX);
}

bool trust_verdict_sane(const struct trust_verdict *v)
{
	return v->code < TRUST_CODE_COUNT && v->which <= TRUST_CHAIN_MAX + 1 &&
	       v->algorithm < TRUST_ALGORITHM_COUNT && v->scope <= TRUST_OEM && dates_sane(v) &&
	       v->valid_from_which <= TRUST_CHAIN_MAX && v->valid_to_which <= TRUST_CHAIN_MAX && v->fits <= 1 &&
	       text_sane(v->anchor, sizeof v->anchor) && text_sane(v->signer, sizeof v->signer) &&
	       text_sane(v->detail, sizeof v->detail) && text_sane(v->bad_anchor, sizeof v->bad_anchor) &&
	       text_sane(v->bad_anchor_why, sizeof v->bad_anchor_why) &&
	       (v->code != TRUST_GOOD || good_sane(v));
}
