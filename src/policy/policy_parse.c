// SPDX-License-Identifier: GPL-2.0-or-later
//
// The top level of a policy: which directive comes next, over all its files, and what the whole must be.
#include "policy/policy_block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/signed_text.h"

const struct policy_form policy_top_forms[] = {
        {POLICY_NAME("peer"), 1, 1, false, "peer main-pacs { address 10.20.0.5; port 104; initiates storage }",
         policy_peer_read},
        {POLICY_NAME("device"), 1, 1, false, "device ct-3 { ae-title CT3; port 11112 }", policy_device_read},
        {POLICY_NAME("service"), 1, 3, false, "service ntp { to 10.20.0.123 }", policy_service_read},
        {POLICY_NAME("include"), 1, 1, false, "include peers.d/research.conf", policy_include_read},
        {POLICY_NAME("role"), 1, 1, true, "role host", policy_role_read},
        {POLICY_NAME("manage"), 0, 0, true, "manage { from 10.20.9.0/24 }", policy_manage_read},
        {POLICY_NAME("box"), 0, 0, true, "box { address 10.20.1.250/24 }", policy_box_read},
        {POLICY_NAME("log"), 0, 0, true, "log { drops 10/second; group 5 }", policy_log_read},
        {POLICY_NAME("pass"), 1, POLICY_ANY, false, "pass eapol", policy_pass_read},
        {POLICY_NAME("flowtable"), 1, POLICY_ANY, true, "flowtable eth0 eth1", policy_flowtable_read},
        {POLICY_NAME("policy"), 0, 0, true, "policy { site st-anna; unit ct-room-3; serial 7 }",
         policy_header_read},
};
const size_t policy_top_form_count = sizeof policy_top_forms / sizeof policy_top_forms[0];

static const struct policy_block top = {"a policy", policy_top_forms,
                                        sizeof policy_top_forms / sizeof policy_top_forms[0]};

// Where the directives of blocks belong.
static const struct {
	const char *name, *belongs;
} inner_names[] = {
        {"address", "a device, peer or box block"},
        {"ae-title", "a device or peer block"},
        {"port", "a device, peer or manage block"},
        {"mac", "a device block"},
        {"devices", "a peer block"},
        {"tls", "a peer block"},
        {"initiates", "a peer block"},
        {"accepts", "a peer block"},
        {"to", "a service block"},
        {"from", "a service or manage block"},
        {"tcp", "a service block"},
        {"udp", "a service block"},
        {"interface", "a box or manage block"},
        {"drops", "a log block"},
        {"group", "a log block"},
        {"site", "a policy block"},
        {"unit", "a policy block"},
        {"serial", "a policy block"},
        {"not-before", "a policy block"},
        {"not-after", "a policy block"},
};

bool policy_role_read(struct policy_parser *p, void *unused)
{
	(void)unused;
	const struct word *word = &p->line.words[1];
	int role = policy_role_from_word(word);
	if (role < 0) {
		const char *nearest = policy_role_nearest(word);
		return policy_error_word(
		        p, word,
		        nearest ? ADVICE("did you mean '%s'? the roles are host, router and bridge", nearest)
		                : "the roles are host, router and bridge",
		        "'%s' is not a role", SHOW(word));
	}
	p->policy->role = (enum policy_role)role;
	p->policy->role_at = p->line.words[0].at;
	return true;
}

// How other packet filters begin a rule.
static bool begins_rule(const struct word *name)
{
	static const char *const verbs[] = {"allow", "deny", "permit", "block", "accept", "drop"};
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (policy_edits(name, verbs[i], strlen(verbs[i])) == 0)
			return true;
	return false;
}

// A line of a PEM file. What follows it is no policy, and not worth a complaint a line.
static bool begins_pem(struct policy_parser *p)
{
	const struct word *name = &p->line.words[0];
	if (!policy_word_equal(name, "-----BEGIN"))
		return false;
	if (p->line.count > 1 && policy_word_equal(&p->line.words[1], "LEADGLASS"))
		policy_error_word(
		        p, name,
		        "it begins its line: the policy before it ends with a line end, which is signed too",

		        "the line that begins a signature has something before it");
	else
		policy_error_word(p, name, "a signature comes first: " SIGNED_TEXT_MARKER,
		                  "a certificate or key within the policy");
	p->stop = true;
	return true;
}

static void unknown(struct policy_parser *p)
{
	const struct word *name = &p->line.words[0];
	p->incomplete = true;
	if (begins_pem(p))
		return;
	for (size_t i = 0; i < sizeof inner_names / sizeof inner_names[0]; i++) {
		if (!policy_word_equal(name, inner_names[i].name))
			continue;
		if (!p->outside)
			policy_error_word(p, name,
			                  ADVICE("it belongs in %s; was a block above closed too early?",
			                         inner_names[i].belongs),
			                  "'%s' outside of a block", inner_names[i].name);
		p->outside = true;
		return;
	}
	if (begins_rule(name))
		policy_error_word(
		        p, name,
		        "name the partner: peer NAME { address 10.20.0.5; port 104; initiates storage }",
		        "there are no rules to allow or deny: what is not named is dropped");
	else
		policy_form_unknown(p, &top);
}

static bool takes_block(const struct policy_form *form)
{
	return form->read != policy_role_read && form->read != policy_include_read &&
	       form->read != policy_pass_read && form->read != policy_flowtable_read;
}

static void directive(struct policy_parser *p, source_pos *seen)
{
	struct policy_directive *line = &p->line;
	const struct policy_form *form =
	        line->count ? policy_form_find(policy_top_forms, policy_top_form_count, &line->words[0]) : NULL;
	if (!form) {
		p->incomplete = true;
		if (!line->broken)
			unknown(p);
		if (line->opens)
			policy_block_skip(p);
		return;
	}
	p->outside = false;
	p->role_seen |= form->read == policy_role_read;
	if (line->opens && !takes_block(form)) {
		policy_error(p, line->brace_at, 1, ADVICE("write, for example: %s", form->example),
		             "'%s' takes no block", form->name);
		policy_block_skip(p);
		return;
	}
	if (!policy_form_check(p, form, &seen[form - policy_top_forms]))
		line->broken = true;
	p->incomplete |= line->broken;
	if (line->broken && !line->opens && takes_block(form)) {
		line->brace_at = policy_lex_late_brace(&p->lex);
		line->opens = line->brace_at != 0;
	}
	// What stands in the block is looked at even so.
	if (!line->broken || line->opens)
		form->read(p, NULL);
}

static void closing(struct policy_parser *p)
{
	if (p->owed > 0)
		p->owed--;
	else if (!p->outside)
		policy_error(p, p->line.brace_at, 1, "remove it, or look for the '{' that is missing above",
		             "a '}' that closes nothing");
}

static void read_all(struct policy_parser *p)
{
	source_pos seen[POLICY_FORMS_MAX] = {0};
	while (!p->stop && p->error == 0) {
		enum policy_lex_kind kind = POLICY_LEX_DIRECTIVE;
		if (!p->line_waits)
			kind = policy_lex_next(&p->lex, &p->line);
		p->line_waits = false;
		if (p->lex.error)
			p->error = p->lex.error;
		switch (kind) {
		case POLICY_LEX_DIRECTIVE:
			directive(p, seen);
			break;
		case POLICY_LEX_CLOSE:
			closing(p);
			break;
		case POLICY_LEX_END:
			p->incomplete |= p->lex.cut;
			p->owed = 0;
			p->outside = false;
			if (p->depth == 0)
				return;
			p->lex = p->outer[--p->depth];
			break;
		}
	}
}

static void trim(struct policy *policy)
{
	array_trim(&policy->devices, policy->device_count, &policy->device_capacity, sizeof *policy->devices);
	array_trim(&policy->peers, policy->peer_count, &policy->peer_capacity, sizeof *policy->peers);
	array_trim(&policy->services, policy->service_count, &policy->service_capacity,
	           sizeof *policy->services);
	array_trim(&policy->prefixes, policy->prefix_count, &policy->prefix_capacity, sizeof *policy->prefixes);
	array_trim(&policy->ports, policy->port_count, &policy->port_capacity, sizeof *policy->ports);
	array_trim(&policy->titles, policy->title_count, &policy->title_capacity, sizeof *policy->titles);
	array_trim(&policy->device_refs, policy->device_ref_count, &policy->device_ref_capacity,
	           sizeof *policy->device_refs);
}

int policy_parse(struct policy *policy, const char *name, char *text, size_t size,
                 const struct policy_loader *loader, struct problems *problems)
{
	size_t errors_before = problems->errors;
	struct policy_parser p = {.policy = policy, .problems = problems, .loader = loader};
	policy_init(policy);
	if (policy_file_begin(&p, name, text, size, 0)) {
		read_all(&p);
		if (!p.stop && p.error == 0)
			policy_validate(&p);
	}
	free(p.references);
	if (p.error < 0 || problems->lost)
		return -ENOMEM;
	if (problems->errors > errors_before)
		return -EINVAL;
	trim(policy);
	return 0;
}
