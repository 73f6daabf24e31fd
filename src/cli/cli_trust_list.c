// SPDX-License-Identifier: GPL-2.0-or-later
//
// `leadglass trust list`: whom this box trusts, with what, and which box it is.
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/cli_text.h"
#include "cli/cli_trust.h"

struct facts {
	struct trust trust;
	struct trust_about about[TRUST_ANCHORS_MAX];
	int64_t now;
	bool all_good;
	bool there; // the folder
};

static void write_box(const struct trust *trust, struct buffer *out)
{
	struct buffer text = BUFFER_EMPTY;

	if (trust->site[0])
		buffer_printf(&text, "site %s", trust->site);
	if (trust->unit[0])
		buffer_printf(&text, "%sunit %s", text.size ? ", " : "", trust->unit);
	if (!trust->site[0] || !trust->unit[0])
		buffer_printf(&text, "%sit has not been told its %s: leadglass trust add%s%s",
		              text.size ? "; " : "", cli_trust_untold(trust),
		              trust->site[0] ? "" : " --site NAME", trust->unit[0] ? "" : " --unit NAME");
	cli_line(out, "this box", &text);
}

static void write_text(const struct facts *facts, struct buffer *out)
{
	const struct trust *trust = &facts->trust;
	struct buffer text = BUFFER_EMPTY;

	if (trust->count == 0) {
		buffer_printf(out,
		              facts->there ? "no trust anchor in %s: nobody asks for signatures\n"
		                           : "there is no folder %s: nobody asks for signatures\n",
		              trust->path);
		if (!trust->site[0] && !trust->unit[0])
			return;
	}
	write_box(trust, out);
	for (size_t i = 0; i < trust->count; i++) {
		const struct trust_anchor *anchor = &trust->anchors[i];

		buffer_text(out, "\n");
		buffer_printf(&text, "%s may change %s", anchor->name, trust_scope_may(anchor->scope));
		cli_line(out, "anchor", &text);
		cli_trust_about(&facts->about[i], facts->now, out);
	}
}

static void write_json_anchor(const struct trust_anchor *anchor, const struct trust_about *about,
                              struct json *json)
{
	char fingerprint[TRUST_FINGERPRINT_SIZE];
	bool certificate = !about->is_key && about->subject[0];

	json_object(json);
	json_key_text(json, "name", anchor->name);
	json_key_text(json, "scope", trust_scope_name(anchor->scope));
	json_key_bool(json, "good", about->good);
	json_key_text(json, "why", about->good ? NULL : about->why);
	json_key_bool(json, "pinned", about->is_key);
	json_key_text(json, "subject", about->subject[0] ? about->subject : NULL);
	json_key_text(json, "kind", about->kind[0] ? about->kind : NULL);
	cli_json_time(json, "valid_from", certificate ? about->valid_from : 0);
	cli_json_time(json, "valid_to", certificate ? about->valid_to : 0);
	cli_json_hash(json, "key", about->key);
	json_key_text(json, "fingerprint",
	              certificate ? trust_fingerprint_print(about->whole, fingerprint) : NULL);
	json_end(json);
}

void cli_trust_json(const struct trust *trust, const struct trust_about *about, struct json *json)
{
	json_object(json);
	json_key_text(json, "folder", trust->path);
	json_key_text(json, "site", trust->site[0] ? trust->site : NULL);
	json_key_text(json, "unit", trust->unit[0] ? trust->unit : NULL);
	json_key(json, "anchors");
	json_array(json);
	for (size_t i = 0; i < trust->count; i++)
		write_json_anchor(&trust->anchors[i], &about[i], json);
	json_end_array(json);
	json_end(json);
}

// CLI_GO_ON, or an exit code after a message.
static int gather(const char *folder, struct facts *facts)
{
	struct problems problems;
	int status = CLI_GO_ON, error;

	problem_init(&problems);
	error = trust_read(folder, &facts->trust, &problems);
	if (error)
		status = cli_trust_exit_of_read(error);
	facts->all_good = true;
	for (size_t i = 0; !error && i < facts->trust.count; i++) {
		const struct trust_anchor *anchor = &facts->trust.anchors[i];

		error = trust_about_apart(anchor->text, anchor->size, &facts->about[i], &problems);
		if (error)
			status = CLI_INTERNAL;
		facts->all_good = facts->all_good && facts->about[i].good;
	}
	if (error)
		cli_failure(error, &problems, NULL);
	problem_fini(&problems);
	return status;
}

int cli_trust_list(const struct cli_arguments *arguments)
{
	struct facts *facts = calloc(1, sizeof(*facts));
	struct buffer out = BUFFER_EMPTY;
	struct json json = JSON_TO(&out);
	int status;

	if (!facts) {
		cli_message("out of memory");
		return CLI_INTERNAL;
	}
	facts->now = (int64_t)time(NULL);
	facts->there = access(arguments->trust, F_OK) == 0;
	status = gather(arguments->trust, facts);
	if (status == CLI_GO_ON) {
		if (arguments->options & CLI_JSON) {
			cli_trust_json(&facts->trust, facts->about, &json);
			buffer_text(&out, "\n");
		} else {
			write_text(facts, &out);
		}
		status = cli_answer(&out, facts->all_good ? CLI_YES : CLI_NO);
	}
	trust_fini(&facts->trust);
	free(facts);
	return status;
}
