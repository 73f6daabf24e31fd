// SPDX-License-Identifier: GPL-2.0-or-later
//
// A verdict on a signature, for people and for programs.
#include "cli/cli_verify_signature.h"

#include <inttypes.h>

#include "base/buffer.h"
#include "base/date.h"
#include "base/json.h"
#include "cli/cli_text.h"
#include "cli/cli_trust.h"

static void write_first(const struct signature_facts *facts, bool good, struct buffer *out)
{
	const struct trust_verdict *verdict = &facts->verdict;
	struct buffer text = BUFFER_EMPTY;

	buffer_printf(&text, "%s: ", facts->name);
	if (good)
		buffer_printf(&text, "good: signed by %s, and %s vouches for that", verdict->signer,
		              verdict->anchor);
	else if (verdict->code == TRUST_GOOD)
		buffer_printf(&text, "NOT TAKEN: signed by %s, and %s vouches for that, but see above",
		              verdict->signer, verdict->anchor);
	else if (verdict->fits)
		buffer_printf(&text,
		              "NOT TRUSTED: signed by %s, by its own account, and nobody vouches for that",
		              verdict->signer);
	else if (verdict->code == TRUST_NOT_SIGNED)
		buffer_text(&text, "NOT SIGNED");
	else
		buffer_text(&text, "NO GOOD SIGNATURE");
	if (buffer_failed(&text))
		out->failed = true;
	else
		cli_wrap(out, 0, 0, text.data);
	buffer_fini(&text);
}

static void add_word(struct buffer *text, const struct word *word, const char *label, struct buffer *out)
{
	buffer_add(text, word->text, word->size);
	cli_line(out, label, text);
}

// "2026-11-21T00:00:00Z to 2027-..."; nothing where there is neither.
static void write_dates(int64_t from, bool has_from, int64_t to, bool has_to, const char *label,
                        struct buffer *out)
{
	struct buffer text = BUFFER_EMPTY;
	char date[DATE_TEXT_MAX];

	if (has_from)
		buffer_printf(&text, "from %s", date_print(from, date));
	if (has_to)
		buffer_printf(&text, "%suntil %s", text.size ? " " : "", date_print(to, date));
	cli_line(out, label, &text);
}

static void write_policy(const struct policy_header *header, struct buffer *out)
{
	struct buffer text = BUFFER_EMPTY;

	add_word(&text, &header->site, "site", out);
	add_word(&text, &header->unit, "unit", out);
	add_word(&text, &header->serial, "serial", out);
	write_dates(header->not_before_time, header->not_before.text, header->not_after_time,
	            header->not_after.text, "valid", out);
}

static void write_signer(const struct signature_facts *facts, struct buffer *out)
{
	const struct trust_verdict *verdict = &facts->verdict;
	struct buffer text = BUFFER_EMPTY;
	char hash[TRUST_HASH_TEXT_SIZE];

	buffer_text(&text, verdict->signer);
	cli_line(out, "signer", &text);
	if (verdict->code == TRUST_GOOD) {
		buffer_text(&text, verdict->anchor);
		if (facts->scoped)
			buffer_printf(&text, ", whose signers may change %s",
			              trust_scope_may((enum trust_scope)verdict->scope));
		cli_line(out, "anchor", &text);
		if (verdict->valid_to != INT64_MAX)
			write_dates(verdict->valid_from, true, verdict->valid_to, true, "certificates", out);
	}
	buffer_text(&text, trust_algorithm_name((enum trust_algorithm)verdict->algorithm));
	cli_line(out, "algorithm", &text);
	buffer_text(&text, trust_hash_print(verdict->key, hash));
	cli_line(out, "key", &text);
}

void signature_text(const struct signature_facts *facts, bool good, struct buffer *out)
{
	const struct trust_verdict *verdict = &facts->verdict;
	struct buffer text = BUFFER_EMPTY;
	char hash[TRUST_HASH_TEXT_SIZE];

	problem_print(&facts->problems, &facts->policy.sources, out);
	write_first(facts, good, out);
	if (!verdict->fits)
		return;
	if (facts->parsed)
		write_policy(&facts->policy.header, out);
	write_signer(facts, out);
	buffer_text(&text, trust_hash_print(verdict->content, hash));
	cli_line(out, "content", &text);
	buffer_printf(&text, "%" PRIu64 " octets are signed", verdict->size);
	cli_line(out, "", &text);
	if (good && facts->scoped) {
		buffer_text(&text, "which serial a box accepted last, and what the signer may change there");
		cli_line(out, "not asked", &text);
	}
}

// ---- JSON ----

static void json_word(struct json *json, const char *key, const struct word *word)
{
	json_key(json, key);
	if (word->text)
		json_text_n(json, word->text, word->size);
	else
		json_text(json, NULL);
}

void signature_json(const struct signature_facts *facts, bool good, struct buffer *out)
{
	static const struct policy_header nothing = {0};
	static const uint8_t none[TRUST_HASH_SIZE] = {0};
	const struct policy_header *header = facts->parsed ? &facts->policy.header : &nothing;
	const struct trust_verdict *verdict = &facts->verdict;
	bool fits = verdict->fits, vouched = verdict->code == TRUST_GOOD;
	bool dated = vouched && verdict->valid_to != INT64_MAX;
	struct json json = JSON_TO(out);

	json_object(&json);
	json_key_text(&json, "policy", facts->name);
	json_key_bool(&json, "good", good);
	json_key_bool(&json, "signature", fits);
	json_key_text(&json, "anchor", vouched ? verdict->anchor : NULL);
	json_key_text(&json, "scope",
	              vouched && facts->scoped ? trust_scope_name((enum trust_scope)verdict->scope) : NULL);
	json_key_text(&json, "signer", fits && verdict->signer[0] ? verdict->signer : NULL);
	cli_json_time(&json, "signer_from", dated ? verdict->valid_from : 0);
	cli_json_time(&json, "signer_to", dated ? verdict->valid_to : 0);
	json_key_text(&json, "algorithm",
	              fits ? trust_algorithm_name((enum trust_algorithm)verdict->algorithm) : NULL);
	cli_json_hash(&json, "key", fits ? verdict->key : none);
	cli_json_hash(&json, "content", fits ? verdict->content : none);
	cli_json_number(&json, "octets", fits ? verdict->size : 0);
	json_word(&json, "site", &header->site);
	json_word(&json, "unit", &header->unit);
	cli_json_number(&json, "serial", header->serial_number);
	cli_json_time(&json, "not_before", header->not_before_time);
	cli_json_time(&json, "not_after", header->not_after_time);
	json_key_number(&json, "errors", facts->problems.errors);
	json_key_number(&json, "warnings",
	                facts->problems.count + facts->problems.dropped - facts->problems.errors);
	json_key(&json, "problems");
	problem_json(&facts->problems, &facts->policy.sources, &json);
	json_end(&json);
	buffer_text(out, "\n");
}
