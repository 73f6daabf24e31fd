// SPDX-License-Identifier: GPL-2.0-or-later
//
// The policy block: what a signed policy is bound to. Only its form is judged here.
#include "policy/policy_parse.h"

#include <string.h>

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

// Reads `digits` digits at *text as a number from `least` to `most`, and moves on.
static bool digits(const char **text, const char *end, int count, unsigned least, unsigned most, unsigned *ret)
{
	unsigned value = 0;
	for (int i = 0; i < count; i++, (*text)++) {
		if (*text == end || **text < '0' || **text > '9')
			return false;
		value = value * 10 + (unsigned)(**text - '0');
	}
	*ret = value;
	return value >= least && value <= most;
}

static bool mark(const char **text, const char *end, const char *one_of)
{
	if (*text == end || !strchr(one_of, **text))
		return false;
	(*text)++;
	return true;
}

// RFC 3339 5.6: full-date, or date-time with its offset.
static bool is_date(const struct word *word)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	const char *t = word->text, *end = t + word->size;
	unsigned year, month, day, hour, minute, second;
	if (!digits(&t, end, 4, 0, 9999, &year) || !mark(&t, end, "-") || !digits(&t, end, 2, 1, 12, &month) ||
	    !mark(&t, end, "-") || !digits(&t, end, 2, 1, 31, &day))
		return false;
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	if (day > days[month - 1] + (unsigned)(leap && month == 2))
		return false;
	if (t == end)
		return true;
	if (!mark(&t, end, "Tt") || !digits(&t, end, 2, 0, 23, &hour) || !mark(&t, end, ":") ||
	    !digits(&t, end, 2, 0, 59, &minute) || !mark(&t, end, ":") || !digits(&t, end, 2, 0, 60, &second))
		return false;
	if (mark(&t, end, ".")) {
		if (!digits(&t, end, 1, 0, 9, &second))
			return false;
		while (t < end && *t >= '0' && *t <= '9')
			t++;
	}
	if (mark(&t, end, "Zz"))
		return t == end;
	return mark(&t, end, "+-") && digits(&t, end, 2, 0, 23, &hour) && mark(&t, end, ":") &&
	       digits(&t, end, 2, 0, 59, &minute) && t == end;
}

static bool date_read(struct policy_parser *p, struct word *ret)
{
	const struct word *word = &p->line.words[1];
	if (!is_date(word))
		return policy_error_word(p, word, "write 2026-11-21 or 2026-11-21T10:00:00Z (RFC 3339)",
		                         "'%s' is not a date", SHOW(word));
	*ret = *word;
	return true;
}

static bool header_not_before(struct policy_parser *p, void *block)
{
	return date_read(p, &((struct policy_header *)block)->not_before);
}

static bool header_not_after(struct policy_parser *p, void *block)
{
	return date_read(p, &((struct policy_header *)block)->not_after);
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
	p->policy->header.at = p->line.words[0].at;
	return policy_block_read(p, &block, &p->policy->header,
	                         "policy { site st-anna; unit ct-room-3; serial 7 }");
}
