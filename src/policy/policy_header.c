// SPDX-License-Identifier: GPL-2.0-or-later
//
// The policy block: what a signed policy is bound to. Only its form is judged here.
#include "policy/policy_parse.h"

#include "base/date.h"

static bool text_read(struct policy_parser *p, struct word *ret)
{
	const struct word *word = &p->line.words[1];
	if (word->size == 0)
		return policy_error_word(p, word, "write a name, or leave the line out", "an empty %s",
		                         SHOW(&p->line.words[0]));
	if (word->size > POLICY_NAME_MAX)
		return policy_error_word(p, word, NULL, "a %s of %u octets; the limit is %d",
		                         SHOW(&p->line.words[0]), word->size, POLICY_NAME_MAX);
	*ret = *word;
	return true;
}

static bool header_site(struct policy_parser *p, void *block)
{
	return text_read(p, &((struct policy_header *)block)->site);
}

static bool header_unit(struct policy_parser *p, void *block)
{
	return text_read(p, &((struct policy_header *)block)->unit);
}

static bool header_serial(struct policy_parser *p, void *block)
{
	struct policy_header *header = block;
	const struct word *word = &p->line.words[1];
	if (!policy_number(word->text, word->size, UINT64_MAX, &header->serial_number))
		return policy_error_word(p, word,
		                         "write a whole number, counted up with every version of the policy",
		                         "'%s' is not a serial number", SHOW(word));
	header->serial = *word;
	return true;
}

static bool date_read(struct policy_parser *p, enum date_day day, struct word *ret, int64_t *ret_time)
{
	const struct word *word = &p->line.words[1];
	if (!date_parse(word->text, word->size, day, ret_time))
		return policy_error_word(p, word, "write 2026-11-21 or 2026-11-21T10:00:00Z (RFC 3339)",
		                         "'%s' is not a date", SHOW(word));
	*ret = *word;
	return true;
}

static bool header_not_before(struct policy_parser *p, void *block)
{
	struct policy_header *header = block;
	return date_read(p, DATE_DAY_BEGINS, &header->not_before, &header->not_before_time);
}

static bool header_not_after(struct policy_parser *p, void *block)
{
	struct policy_header *header = block;
	return date_read(p, DATE_DAY_ENDS, &header->not_after, &header->not_after_time);
}

static const struct policy_form forms[] = {
        {POLICY_NAME("site"), 1, 1, true, "site st-anna", header_site},
        {POLICY_NAME("unit"), 1, 1, true, "unit ct-room-3", header_unit},
        {POLICY_NAME("serial"), 1, 1, true, "serial 7", header_serial},
        {POLICY_NAME("not-before"), 1, 1, true, "not-before 2026-11-21", header_not_before},
        {POLICY_NAME("not-after"), 1, 1, true, "not-after 2027-11-21", header_not_after},
};
static const struct policy_block block = {"a policy block", forms, sizeof forms / sizeof forms[0]};

bool policy_header_read(struct policy_parser *p, void *unused)
{
	(void)unused;
	struct policy_header *header = &p->policy->header;
	header->at = p->line.words[0].at;
	if (!policy_block_read(p, &block, header, "policy { site st-anna; unit ct-room-3; serial 7 }"))
		return false;
	if (header->not_before.text && header->not_after.text &&
	    header->not_after_time < header->not_before_time)
		return policy_error_word(
		        p, &header->not_after, "exchange them, perhaps",
		        "not-after is earlier than not-before in %s: no moment is between them",
		        WHERE(p, header->not_before.at, header->not_after.at));
	return true;
}
