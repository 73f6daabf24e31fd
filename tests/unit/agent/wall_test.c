// SPDX-License-Identifier: GPL-2.0-or-later
//
// agent_wall: what is made of a bundle, and the closed wall; agent_text with it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "policy/policy_closed.h"
#include "agent/agent_text.h"
#include "policy/policy_bundle.h"

static char *bundle_of(const char *text, size_t *ret_size)
{
	struct buffer out = BUFFER_EMPTY;

	buffer_printf(&out, "leadglass-bundle 1\nfile %zu policy.conf\n%s\nend\n", strlen(text), text);
	*ret_size = out.size;
	return buffer_steal(&out);
}

static int wall_of(const char *text, struct agent_wall **ret, struct buffer *said)
{
	size_t size;
	char *bundle = bundle_of(text, &size);

	return agent_wall_new(7, bundle, size, ret, said);
}

#define GATEWAY                                                                                                \
	"policy { site st-anna; serial 9 }\nrole router\nbox { address 10.20.1.250/24; interface service }\n"  \
	"device ct { address 10.20.2.10; ae-title CT; port 104 }\n"                                            \
	"peer pacs { address 10.20.0.5; ae-title PACS; port 104; initiates storage }\nservice ntp { to "       \
	"10.20.0.1 }\n"                                                                                        \
	"manage { from 10.20.9.0/24; interface eth0; port 2222 }\nlog { drops 3/minute; group 9 }\n"

static void test_new(void **state)
{
	struct buffer said = BUFFER_EMPTY;
	struct agent_wall *wall;
	uint8_t hash[TRUST_HASH_SIZE];

	(void)state;
	assert_int_equal(wall_of(GATEWAY, &wall, &said), 0);
	assert_int_equal(said.size, 0);
	assert_int_equal(wall->number, 7);
	assert_int_equal(wall->policy.peer_count, 1);
	assert_int_equal(wall->policy.header.serial_number, 9);
	assert_true(wall->ruleset.table_count > 0);
	trust_hash(wall->bundle, wall->bundle_size, hash);
	assert_memory_equal(wall->hash, hash, sizeof hash);
	agent_wall_free(wall);
	agent_wall_free(NULL);
	buffer_fini(&said);
}

static void test_problems(void **state)
{
	struct buffer said = BUFFER_EMPTY;
	struct agent_wall *wall = (void *)&said;
	char line[64];

	(void)state;
	assert_int_equal(wall_of("role host\npeer {", &wall, &said), -EINVAL);
	assert_null(wall);
	assert_non_null(strstr(said.data, "policy.conf:2:"));
	agent_text_line(&said, line, sizeof line);
	assert_null(strchr(line, '\n'));
	assert_int_equal(strncmp(line, "policy.conf:2:", 14), 0);
	buffer_clear(&said);
	assert_int_equal(agent_wall_new(1, strdup("nonsense"), 8, &wall, &said), -EBADMSG);
	assert_non_null(strstr(said.data, "leadglass: "));
	assert_int_equal(wall_of("role", &wall, NULL), -EINVAL); // nobody wants to know
	buffer_fini(&said);
}

static void test_closed_text(void **state)
{
	struct buffer text = BUFFER_EMPTY, again = BUFFER_EMPTY;
	struct agent_wall *wall, *closed;

	(void)state;
	assert_int_equal(wall_of(GATEWAY, &wall, NULL), 0);
	policy_closed_print(&wall->policy, &text);
	assert_int_equal(wall->policy.peer_count, 1); // what it was made from is as it was
	agent_wall_free(wall);
	assert_int_equal(agent_wall_closed(strdup(text.data), text.size, true, &closed), 0);
	assert_int_equal(closed->number, 0);
	assert_int_equal(closed->policy.role, POLICY_ROLE_ROUTER);
	assert_int_equal(closed->policy.peer_count + closed->policy.device_count + closed->policy.service_count,
	                 0);
	assert_int_equal(closed->policy.header.at, 0);
	assert_int_equal(closed->policy.box.addresses.count, 1);
	assert_int_equal(closed->policy.manage.from.count, 1);
	assert_int_equal(closed->policy.ports[closed->policy.manage.ports.first].first, 2222);
	assert_int_equal(closed->policy.log.group, 9);
	// The bundle of the closed wall can be read like any other: `leadglass show`.
	assert_int_equal(agent_wall_new(1, strdup(closed->bundle), closed->bundle_size, &wall, NULL), 0);
	policy_closed_print(&wall->policy, &again);
	assert_string_equal(again.data, text.data);
	agent_wall_free(wall);
	agent_wall_free(closed);
	buffer_fini(&text);
	buffer_fini(&again);
}

static void test_nothing_known(void **state)
{
	struct agent_wall *wall;

	(void)state;
	assert_int_equal(agent_wall_closed(NULL, 0, true, &wall), 0);
	assert_int_equal(wall->ruleset.table_count, 2); // bridges are closed too
	assert_int_equal(wall->policy.manage.at, 0);
	agent_wall_free(wall);
	assert_int_equal(agent_wall_closed(NULL, 0, false, &wall), 0);
	assert_int_equal(wall->ruleset.table_count, 1);
	agent_wall_free(wall);
	assert_int_equal(agent_wall_closed(strdup("role nonsense"), 13, true, &wall), -EINVAL);
	assert_null(wall);
}

static void test_text(void **state)
{
	struct buffer out = BUFFER_EMPTY;
	struct problems problems;
	char line[12];

	(void)state;
	problem_init(&problems);
	agent_text_problems(&problems, NULL, 0, &out);
	assert_int_equal(out.size, 0);
	agent_text_line(&out, line, sizeof line);
	assert_string_equal(line, "");
	agent_text_problems(&problems, NULL, -ENOMEM, &out);
	assert_string_equal(out.data, "leadglass: out of memory\n");
	buffer_clear(&out);
	problem_add(&problems, PROBLEM_WARNING, 0, 0, "odd", "do otherwise");
	problem_add(&problems, PROBLEM_ERROR, 0, 0, "wrong", NULL);
	agent_text_problems(&problems, NULL, -EIO, &out);
	assert_string_equal(out.data, "leadglass: warning: odd; do otherwise\nleadglass: wrong\n");
	agent_text_line(&out, line, sizeof line); // cut
	assert_string_equal(line, "warning ...");
	agent_text_problems(&problems, NULL, -EIO, NULL);
	problem_fini(&problems);
	buffer_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_new),         cmocka_unit_test(test_problems),
	        cmocka_unit_test(test_closed_text), cmocka_unit_test(test_nothing_known),
	        cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
