// SPDX-License-Identifier: GPL-2.0-or-later
//
// The status of the standing policy's signature: by whom, who vouches for that, and for how long.
#include "cli/cli_status.h"

#include "base/buffer.h"
#include "base/date.h"
#include "cli/cli_text.h"

// "12 days", "1 d 4 h", "50 min": nobody asks for the hours of next month.
static void add_span(struct buffer *text, int64_t seconds)
{
	if (seconds >= 2 * 86400)
		buffer_printf(text, "%lld days", (long long)(seconds / 86400));
	else
		cli_span(text, (uint64_t)seconds);
}

static void add_policy_end(struct buffer *text, const struct control_status *status)
{
	char date[DATE_TEXT_MAX];

	if (!status->not_after)
		return;
	if (status->not_after >= status->now) { // in how many days a clock that came up in 1970 does not know
		buffer_printf(text, "; expires on %.10s", date_print(status->not_after, date));
	} else {
		buffer_text(text, "; EXPIRED ");
		add_span(text, status->now - status->not_after);
		buffer_text(text, " ago, the wall stays");
	}
}

static void add_signer_end(struct buffer *text, const struct control_status *status)
{
	char date[DATE_TEXT_MAX];

	if (!status->signer_to)
		return;
	if (status->signer_to >= status->now) {
		buffer_printf(text, "; certificate valid until %.10s", date_print(status->signer_to, date));
	} else {
		buffer_text(text, "; certificate EXPIRED ");
		add_span(text, status->now - status->signer_to);
		buffer_text(text, " ago: the next policy needs another");
	}
}

void status_trust(const struct control_status *status, struct buffer *out)
{
	struct buffer text = BUFFER_EMPTY;

	switch ((enum control_trust)status->trust) {
	case CONTROL_TRUST_UNSIGNED:
		if (status->number)
			buffer_text(&text, "there is no trust anchor, and nobody asks for signatures");
		cli_line(out, "unsigned", &text);
		break;
	case CONTROL_TRUST_SIGNED:
		buffer_printf(&text, "by %s; %s vouches for it", status->signer, status->anchor);
		add_policy_end(&text, status);
		add_signer_end(&text, status);
		cli_line(out, "signed", &text);
		break;
	case CONTROL_TRUST_NOT:
		if (status->number)
			buffer_printf(&text,
			              "policy %llu stands, but the next start of leadglassd does not take it "
			              "and closes the wall: see the alarm",
			              (unsigned long long)status->number);
		cli_line(out, "NOT TRUSTED", &text);
		break;
	case CONTROL_TRUST_UNKNOWN:
		// What the next start makes of it depends on what is wrong, which the alarm knows.
		buffer_text(&text, "whom to trust cannot be told, and no policy is taken: see the alarm");
		cli_line(out, "NOT TRUSTED", &text);
		break;
	}
}
