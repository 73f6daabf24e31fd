// SPDX-License-Identifier: GPL-2.0-or-later
//
// What `leadglass sign` made, looked at as a box will look at it, and said in words.
#include "cli/cli_sign.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/date.h"
#include "base/problem.h"
#include "cli/cli.h"

static const char begin[] = "-----BEGIN CERTIFICATE-----";

// The first certificate's own words.
static int read_signer(struct signing *signing, struct problems *problems)
{
	const char *first = strstr(signing->out.data + signing->text_size, begin);
	const char *next = first ? strstr(first + 1, begin) : NULL;
	size_t size = next ? (size_t)(next - first) : first ? strlen(first) : 0;

	return trust_about_apart(first ? first : "", size, &signing->signer, problems);
}

// The last certificate, where there is one above the signer's, takes an anchor's place: whether it is the root,
// or one below a root that was left out, the chain has to lead there.
static int verify(struct signing *signing, struct problems *problems)
{
	struct trust trust = {0};
	struct trust_anchor *last = &trust.anchors[0];

	for (char *at = signing->out.data + signing->text_size; (at = strstr(at, begin)); at++) {
		last->text = at;
		signing->certificates++;
	}
	if (last->text && signing->certificates > 1) {
		last->size = strlen(last->text);
		memcpy(last->name, "anchor", sizeof("anchor"));
		trust.count = 1;
	}
	return trust_verify_apart(signing->out.data, signing->out.size, &trust, &signing->verdict, problems);
}

// Whether it is only that nobody is trusted here: the issuer of a certificate that stands alone is the box's to
// know.
static bool is_no_matter(const struct signing *signing)
{
	enum trust_code code = (enum trust_code)signing->verdict.code;

	return code == TRUST_GOOD || code == TRUST_NO_CERTIFICATE ||
	       (code == TRUST_UNKNOWN_SIGNER && signing->certificates == 1);
}

// A pinned key vouches whatever its certificates say.
#define PINNED "only a box that has pinned the key"

static const char *takers(const struct trust_verdict *verdict)
{
	return verdict->code >= TRUST_UNKNOWN_SIGNER ? PINNED : "no box";
}

static void warn_of_refusal(const struct trust_verdict *verdict, const char *name)
{
	static const struct trust nobody = {0};
	struct problems problems;

	problem_init(&problems);
	trust_verdict_tell(verdict, name, &nobody, &problems);
	for (size_t i = 0; i < problems.count; i++)
		cli_message("warning: %s takes this: %s", takers(verdict), problems.items[i].what);
	problem_fini(&problems);
}

// With no certificate there is nothing to verify with; trust_sign has the key, and did.
static bool is_right(const struct signing *signing)
{
	return signing->verdict.fits ||
	       (signing->verdict.code == TRUST_NO_CERTIFICATE && signing->certificates == 0);
}

// CLI_GO_ON and what was found out, or CLI_INTERNAL after a message.
static int look(struct signing *signing)
{
	struct problems problems;
	int error;

	problem_init(&problems);
	error = verify(signing, &problems);
	if (!error && signing->certificates)
		error = read_signer(signing, &problems);
	if (!error && !is_right(signing)) {
		problem_add(&problems, PROBLEM_ERROR, 0, 0, "the signature that was made does not verify",
		            "nothing is written");
		error = -EIO;
	}
	if (error)
		cli_failure(error, &problems, NULL);
	problem_fini(&problems);
	return error ? CLI_INTERNAL : CLI_GO_ON;
}

int signing_verify(struct signing *signing)
{
	int status = look(signing);

	if (status != CLI_GO_ON)
		return status;
	if (is_no_matter(signing) && signing->certificates && signing->signer.as_signer != TRUST_GOOD) {
		signing->verdict.code = signing->signer.as_signer;
		signing->verdict.which = 1;
	}
	if (!is_no_matter(signing))
		warn_of_refusal(&signing->verdict, signing->name);
	return CLI_GO_ON;
}

// The earliest end of all that is known here, and whose that is, as a certificate's number.
static int64_t valid_to(const struct signing *signing, size_t *ret_which)
{
	const struct trust_verdict *verdict = &signing->verdict;

	*ret_which = 1;
	if (verdict->code != TRUST_GOOD || verdict->valid_to >= signing->signer.valid_to)
		return signing->signer.valid_to;
	// The last one stands in the place of the anchor.
	*ret_which = verdict->valid_to_which ? verdict->valid_to_which : signing->certificates;
	return verdict->valid_to;
}

static void warn_of_dates(const struct signing *signing)
{
	const struct policy_header *header = &signing->policy.header;
	size_t which;
	int64_t from = signing->signer.valid_from, to = valid_to(signing, &which);
	char date[DATE_TEXT_MAX];

	if (header->serial_number == UINT64_MAX)
		cli_message("warning: there is no higher serial: a box that has accepted this takes no other "
		            "policy, until it is set up anew");

	if (header->not_after.text && header->not_after_time < signing->now)
		cli_message("warning: no box takes this: it was valid until %s",
		            date_print(header->not_after_time, date));
	if (!signing->certificates)
		return;
	if (to < signing->now)
		cli_message("warning: " PINNED " takes this: certificate %zu was valid until %s", which,
		            date_print(to, date));
	else if (header->not_after.text && to < header->not_after_time)
		cli_message("warning: certificate %zu expires before the policy: boxes take it until %s only",
		            which, date_print(to, date));
	if (from > signing->now)
		cli_message("warning: the certificate is not valid before %s", date_print(from, date));
}

void signing_tell(const struct signing *signing)
{
	const struct policy_header *header = &signing->policy.header;
	char from[DATE_TEXT_MAX], to[DATE_TEXT_MAX];

	if (signing->is_update)
		cli_message("signed: board %s, serial %" PRIu64 ", version %s", signing->manifest.board,
		            signing->manifest.serial, signing->manifest.version);
	else
		cli_message("signed: site %.*s, unit %.*s, serial %" PRIu64 "%s%s%s%s", (int)header->site.size,
		            header->site.text, (int)header->unit.size, header->unit.text, header->serial_number,
		            header->not_before.text ? ", from " : "",
		            header->not_before.text ? date_print(header->not_before_time, from) : "",
		            header->not_after.text ? ", until " : "",
		            header->not_after.text ? date_print(header->not_after_time, to) : "");
	if (signing->certificates)
		cli_message("by %s, whose certificate is valid until %s", signing->verdict.signer,
		            date_print(signing->signer.valid_to, to));
	else
		cli_message("by a key without a certificate: only a box that has pinned it takes this");
	warn_of_dates(signing);
}
