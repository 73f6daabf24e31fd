// SPDX-License-Identifier: GPL-2.0-or-later
//
// A trust anchor for people.
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/date.h"
#include "cli/cli_text.h"
#include "cli/cli_trust.h"

#define FINGERPRINT_LINE (3 * 16 - 1) // characters: half of it, to stay within 80 columns

static void write_validity(const struct trust_about *about, int64_t now, struct buffer *out)
{
	struct buffer text = BUFFER_EMPTY;
	char from[DATE_TEXT_MAX], to[DATE_TEXT_MAX];

	buffer_printf(&text, "%s to %s", date_print(about->valid_from, from), date_print(about->valid_to, to));
	if (about->valid_to < now)
		buffer_text(&text, "; IT HAS EXPIRED: no new policy can be signed under it");
	else if (about->valid_from > now)
		buffer_text(&text, "; NOT VALID YET, by this machine's clock");
	cli_line(out, "valid", &text);
}

const char *cli_trust_taken(const struct trust_about *about)
{
	static const char key[] = "its key is ";

	return strncmp(about->why, key, sizeof(key) - 1) == 0
	               ? "; P-256, P-384, and RSA of 3072 to 8192 bits are taken"
	               : "";
}

void cli_trust_about(const struct trust_about *about, int64_t now, struct buffer *out)
{
	char hash[TRUST_HASH_TEXT_SIZE], fingerprint[TRUST_FINGERPRINT_SIZE];
	struct buffer text = BUFFER_EMPTY;

	if (!about->good) {
		buffer_printf(&text, "it cannot be used: %s%s", about->why, cli_trust_taken(about));
		cli_line(out, "BAD", &text);
	}
	buffer_text(&text, about->subject);
	cli_line(out, "subject", &text);
	buffer_text(&text, about->kind);
	cli_line(out, "key", &text);
	if (about->is_key) {
		buffer_text(&text, trust_hash_print(about->key, hash));
		cli_line(out, "SHA-256", &text);
	} else if (about->subject[0]) {
		write_validity(about, now, out);
		trust_fingerprint_print(about->whole, fingerprint);
		buffer_printf(&text, "%.*s %s", FINGERPRINT_LINE + 1, fingerprint,
		              fingerprint + FINGERPRINT_LINE + 1);
		cli_line(out, "fingerprint", &text);
	}
}
