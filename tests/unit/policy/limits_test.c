// SPDX-License-Identifier: GPL-2.0-or-later
//
// Every limit of policy.h: what is just within it is read, one more is refused with a message that names it.
// (Words are in lex_test.c, files in include_test.c.)
#include "policy_test.h"

static struct buffer begin(void)
{
	struct buffer text = BUFFER_EMPTY;
	buffer_text(&text, "role host\ndevice ct-3 { port 11112 }\n");
	return text;
}

// The text as it is; it stays the caller's.
static int parse(struct reading *r, const struct buffer *text)
{
	return read_text(r, text->data);
}

static void assert_limit(struct buffer *text, const char *one_more, const char *wanted)
{
	struct reading r;
	int result = parse(&r, text);
	if (result != 0)
		fail_msg("within the limit, but: %.500s", said(&r));
	reading_fini(&r);
	buffer_text(text, one_more);
	assert_int_equal(parse(&r, text), -EINVAL);
	assert_int_equal(r.problems.count, 1);
	assert_string_equal(r.problems.items[0].what, wanted);
	reading_fini(&r);
	buffer_fini(text);
}

static void devices(void **state)
{
	struct buffer text = begin();
	(void)state;
	for (unsigned i = 1; i < POLICY_DEVICES_MAX; i++)
		buffer_printf(&text, "device d%u { }\n", i);
	assert_limit(&text, "device more { }\ndevice even-more { }\n", "more than 1024 devices in one policy");
}

static void services(void **state)
{
	struct buffer text = begin();
	(void)state;
	for (unsigned i = 0; i < POLICY_SERVICES_MAX; i++)
		buffer_printf(&text, "service s%u { tcp 1 to 10.0.0.1 }\n", i);
	assert_limit(&text, "service more { tcp 1 to 10.0.0.1 }\nnonsense",
	             "more than 1024 services in one policy");
}

static void peers(void **state)
{
	struct buffer text = begin();
	(void)state;
	for (unsigned i = 0; i < POLICY_PEERS_MAX; i++)
		buffer_printf(&text, "peer p%x{address 1::%x:%x}\n", i, i >> 16, i & 0xffff);
	assert_limit(&text, "peer more { address 10.0.0.1 }\nnonsense",
	             "more than 1000000 peers in one policy");
}

static void names(void **state)
{
	char name[POLICY_NAME_MAX + 2], one_more[200];
	struct buffer text = begin();
	(void)state;
	memset(name, 'n', sizeof name);
	name[POLICY_NAME_MAX] = '\0';
	buffer_printf(&text, "peer %s { address 10.0.0.1 }\n", name);
	snprintf(one_more, sizeof one_more, "peer %sn { address 10.0.0.2 }\n", name);
	assert_limit(&text, one_more, "the name of a peer has 64 characters; the limit is 63");
}

// A list that is given in several lines is one list.
static void lists(void **state)
{
	struct buffer text = begin();
	(void)state;
	buffer_text(&text, "device a {\n");
	for (unsigned i = 0; i < POLICY_TITLES_MAX; i++)
		buffer_printf(&text, "ae-title A%u\nport %u\n", i, i + 1);
	struct buffer ports = BUFFER_EMPTY;
	buffer_text(&ports, text.data);
	buffer_text(&text, "}\n");
	struct reading r;
	assert_int_equal(parse(&r, &text), 0);
	assert_int_equal(r.policy.devices[1].ports.count, POLICY_PORTS_MAX);
	assert_int_equal(r.policy.devices[1].titles.count, POLICY_TITLES_MAX);
	reading_fini(&r);
	buffer_text(&ports, "ae-title MORE\nport 65535\n}\n");
	assert_int_equal(parse(&r, &ports), -EINVAL);
	assert_int_equal(r.problems.count, 2);
	assert_string_equal(r.problems.items[0].what, "more than 64 AE titles in one list");
	assert_string_equal(r.problems.items[1].what, "more than 64 ports in one list");
	reading_fini(&r);
	buffer_fini(&text);
	buffer_fini(&ports);
}

static void file_size(void **state)
{
	struct reading r;
	size_t size = POLICY_FILE_MAX;
	(void)state;
	for (int more = 0; more < 2; more++) {
		char *text = malloc(size + 2);
		memset(text, '\n', size + 1);
		memcpy(text, "role host", 9);
		text[size + more] = '\0';
		int result = read_malloced(&r, NULL, "policy.conf", text, size + (size_t)more);
		assert_int_equal(result, more ? -EINVAL : 0);
		if (more)
			assert_string_equal(said(&r), "error: policy.conf is over 64 MiB\n");
		reading_fini(&r);
	}
}

// The limit is for all files together.
static void size_together(void **state)
{
	struct reading r;
	char *half = malloc(POLICY_FILE_MAX / 2 + 1);
	struct memory_file files[] = {{.path = "a", .text = half}, {.path = "b", .text = half}, {0}};
	(void)state;
	memset(half, '\n', POLICY_FILE_MAX / 2);
	half[POLICY_FILE_MAX / 2] = '\0';
	assert_int_equal(read_files(&r, files, "policy.conf", "role host\ninclude a\ninclude b\nnonsense\n"),
	                 -EINVAL);
	assert_int_equal(r.problems.count, 1);
	assert_string_equal(r.problems.items[0].what, "with b the policy is over 64 MiB");
	reading_fini(&r);
	free(half);
}

static void problems(void **state)
{
	struct buffer text = BUFFER_EMPTY;
	struct reading r;
	(void)state;
	for (unsigned i = 0; i < PROBLEMS_MAX + 50; i++)
		buffer_text(&text, "nonsense\n");
	assert_int_equal(parse(&r, &text), -EINVAL);
	assert_int_equal(r.problems.count, PROBLEMS_MAX);
	assert_int_equal(r.problems.dropped, 50);
	reading_fini(&r);
	buffer_fini(&text);
}

// What costs a walk over the file when it is shown must not be paid for each of 100,000 that are not: this
// takes minutes if it is.
static void many_problems(void **state)
{
	struct buffer text = begin();
	struct reading r;
	(void)state;
	for (unsigned i = 0; i < 100000; i++)
		buffer_text(&text, "peer p { address 10.0.0.1; devices ct-33 }\n");
	assert_int_equal(parse(&r, &text), -EINVAL);
	assert_int_equal(r.problems.errors, 199999);
	reading_fini(&r);
	buffer_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(devices),  cmocka_unit_test(services),      cmocka_unit_test(peers),
	        cmocka_unit_test(names),    cmocka_unit_test(lists),         cmocka_unit_test(file_size),
	        cmocka_unit_test(problems), cmocka_unit_test(size_together), cmocka_unit_test(many_problems),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
