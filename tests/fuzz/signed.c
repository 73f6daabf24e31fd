// SPDX-License-Identifier: GPL-2.0-or-later
//
// A trust folder and a signed policy, both from an attacker: anchors, each ended by a line %%, and then the
// file. Through the reading of what follows the policy, of certificates and names, the chain, its explanation,
// the words for it, and what `trust list` says of anchors. mbedTLS itself is Debian's and not instrumented:
// what it reads out of bounds is only noticed where it crosses from our memory's end, and which of its ways
// were taken is not seen.
#include "fuzz.h"

#include <string.h>

#include "base/buffer.h"
#include "base/signed_text.h"
#include "trust/trust.h"
#include "trust/trust_about.h"

static const char end_of_anchor[] = "%%\n";

// Takes one anchor off; as trust_read has them, with a NUL after each.
static void take_anchor(struct trust *trust, const char **data, size_t *size)
{
	struct trust_anchor *anchor = &trust->anchors[trust->count];
	const char *end = memmem(*data, *size, end_of_anchor, sizeof end_of_anchor - 1);
	size_t length = (size_t)(end - *data);
	char *text = malloc(length + 1);
	if (text) {
		memcpy(text, *data, length);
		text[length] = '\0';
		snprintf(anchor->name, sizeof anchor->name, "anchor-%zu", trust->count);
		anchor->scope = (enum trust_scope)(trust->count % 3);
		anchor->text = text;
		anchor->size = length;
		trust->count++;
	}
	*data = end + sizeof end_of_anchor - 1;
	*size -= length + sizeof end_of_anchor - 1;
}

static void hold_about(const struct trust_anchor *anchor)
{
	struct trust_about about;
	FUZZ_HOLDS(trust_about(anchor->text, anchor->size, &about) == 0);
	FUZZ_HOLDS(about.good == (about.why[0] == '\0'));
	FUZZ_HOLDS(memchr(about.subject, '\0', sizeof about.subject) &&
	           memchr(about.kind, '\0', sizeof about.kind));
}

static void hold_words(const struct trust_verdict *verdict, const struct trust *trust)
{
	struct problems problems;
	problem_init(&problems);
	trust_verdict_tell(verdict, "policy", trust, &problems);
	FUZZ_HOLDS(problem_any_error(&problems) == (verdict->code != TRUST_GOOD));
	problem_fini(&problems);
}

// One who vouches was asked, and vouches for these octets and no others.
static void hold_good(const struct trust_verdict *verdict, const char *text, size_t size,
                      const struct trust *trust)
{
	struct trust_verdict other;
	uint8_t content[TRUST_HASH_SIZE];
	FUZZ_HOLDS(verdict->size == signed_text_end(text, size));
	trust_hash(text, (size_t)verdict->size, content);
	FUZZ_HOLDS(memcmp(content, verdict->content, sizeof content) == 0);
	if (verdict->size == 0)
		return;
	char *changed = malloc(size);
	if (!changed)
		return;
	memcpy(changed, text, size);
	changed[verdict->size / 2] ^= 0x40;
	trust_verify(changed, size, trust, &other);
	FUZZ_HOLDS(other.code != TRUST_GOOD);
	free(changed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trust trust = {.path = "/etc/leadglass/trust"};
	struct trust_verdict verdict;
	const char *text = (const char *)data;
	while (trust.count < TRUST_ANCHORS_MAX && size > 0 &&
	       memmem(text, size, end_of_anchor, sizeof end_of_anchor - 1))
		take_anchor(&trust, &text, &size);
	trust_verify(text, size, &trust, &verdict);
	FUZZ_HOLDS(trust_verdict_sane(&verdict));
	hold_words(&verdict, &trust);
	if (verdict.code == TRUST_GOOD)
		hold_good(&verdict, text, size, &trust);
	for (size_t i = 0; i < trust.count; i++)
		hold_about(&trust.anchors[i]);
	for (size_t i = 0; i < trust.count; i++)
		free(trust.anchors[i].text);
	return 0;
}
