// SPDX-License-Identifier: GPL-2.0-or-later
//
// What was found, for people and for programs.
#include "cli/cli_probe.h"

#include <sys/utsname.h>

#include "base/buffer.h"
#include "base/json.h"

bool probe_ready(const struct probe_result *result, enum policy_role role)
{
	for (size_t i = 0; probe_features[i].without; i++) {
		const struct probe_feature *feature = &probe_features[i];

		if (!feature->useful && (feature->roles & 1u << role) && result->found[i] != PROBE_THERE)
			return false;
	}
	return true;
}

static void write_feature(const struct probe_feature *feature, const char *first, struct buffer *out)
{
	buffer_printf(out, "%-6s  %s (%s)", first, probe_about(feature), probe_option(feature));
}

// What is there, then what lacks: that is to be seen at the end.
static void write_features(const struct probe_question *question, const struct probe_result *result,
                           struct buffer *out)
{
	for (size_t i = 0; question->all && probe_features[i].without; i++) {
		if ((probe_features[i].roles & question->roles) && result->found[i] == PROBE_THERE) {
			write_feature(&probe_features[i], "there", out);
			buffer_text(out, "\n");
		}
	}
	for (size_t i = 0; probe_features[i].without; i++) {
		const struct probe_feature *feature = &probe_features[i];

		if (!(feature->roles & question->roles) || result->found[i] != PROBE_LACKS)
			continue;
		write_feature(feature, feature->useful ? "useful" : "needed", out);
		buffer_printf(out, "; without that, %s\n", feature->without);
		if (question->all && result->why[i][0])
			buffer_printf(out, "        %s\n", result->why[i]);
	}
}

void probe_write_text(const struct probe_question *question, const struct probe_result *result,
                      struct buffer *out)
{
	write_features(question, result, out);
	for (enum policy_role role = POLICY_ROLE_HOST; role <= POLICY_ROLE_BRIDGE; role++) {
		if (question->roles & 1u << role)
			buffer_printf(out, "role %s: %s\n", policy_role_name(role),
			              probe_ready(result, role) ? "everything needed is there"
			                                        : "not on this kernel");
	}
	if (question->policy)
		buffer_printf(out, "%s: %s\n", question->policy,
		              result->policy_loads ? "this kernel takes its rules"
		                                   : "this kernel refuses its rules");
}

static void write_json_feature(const struct probe_feature *feature, enum probe_found found, const char *why,
                               struct json *json)
{
	json_object(json);
	json_key_text(json, "name", probe_name(feature));
	json_key_text(json, "about", probe_about(feature));
	json_key_text(json, "option", probe_option(feature));
	json_key(json, "there");
	if (found == PROBE_UNTRIED)
		json_text(json, NULL);
	else
		json_bool(json, found == PROBE_THERE);
	json_key_bool(json, "needed", !feature->useful);
	json_key(json, "roles");
	json_array(json);
	for (enum policy_role role = POLICY_ROLE_HOST; role <= POLICY_ROLE_BRIDGE; role++) {
		if (feature->roles & 1u << role)
			json_text(json, policy_role_name(role));
	}
	json_end_array(json);
	json_key_text(json, "without", feature->without);
	json_key_text(json, "why", why[0] ? why : NULL);
	json_end(json);
}

void probe_write_json(const struct probe_question *question, const struct probe_result *result,
                      struct buffer *out)
{
	struct json json = JSON_TO(out);
	struct utsname system = {0};
	bool known = uname(&system) == 0;

	json_object(&json);
	json_key_text(&json, "kernel", known ? system.release : NULL);
	json_key_text(&json, "machine", known ? system.machine : NULL);
	json_key(&json, "features");
	json_array(&json);
	for (size_t i = 0; probe_features[i].without; i++) {
		if (probe_features[i].roles & question->roles)
			write_json_feature(&probe_features[i], result->found[i], result->why[i], &json);
	}
	json_end_array(&json);
	json_key(&json, "roles");
	json_array(&json);
	for (enum policy_role role = POLICY_ROLE_HOST; role <= POLICY_ROLE_BRIDGE; role++) {
		if (!(question->roles & 1u << role))
			continue;
		json_object(&json);
		json_key_text(&json, "role", policy_role_name(role));
		json_key_bool(&json, "ready", probe_ready(result, role));
		json_end(&json);
	}
	json_end_array(&json);
	json_key_text(&json, "policy", question->policy);
	json_key(&json, "policy_loads");
	if (question->policy)
		json_bool(&json, result->policy_loads);
	else
		json_text(&json, NULL);
	json_end(&json);
	buffer_text(out, "\n");
}
