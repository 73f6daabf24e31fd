// SPDX-License-Identifier: GPL-2.0-or-later
//
// Memory: every allocation may fail, nothing is lost when it does, and a long peer list costs what it is said
// to cost. The program brings its own malloc, which counts and fails on request.
#include "policy_test.h"

#include <stdbool.h>

#include "base/json.h"

// glibc's own, under the names that stay when malloc is replaced
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void __libc_free(void *old);

static struct {
	bool counting;
	size_t calls, fail_at; // the call that fails, from 1; 0: none
	size_t live;           // allocated and not freed
} heap;

static bool fails(void)
{
	return heap.counting && ++heap.calls == heap.fail_at;
}

static void *counted(void *now)
{
	if (heap.counting && now)
		heap.live++;
	return now;
}

void *malloc(size_t size)
{
	return fails() ? NULL : counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : counted(__libc_calloc(count, size));
}

void *realloc(void *old, size_t size)
{
	if (fails())
		return NULL;
	void *now = __libc_realloc(old, size);
	return old ? now : counted(now);
}

void free(void *old)
{
	if (heap.counting && old)
		heap.live--;
	__libc_free(old);
}

static const char everything[] =
        "policy { site \"st \\\"anna\\\"\"; unit u; serial 7 }\n"
        "role router\n"
        "box { address 10.20.1.250/24; interface service }\n"
        "device ct-3 { address 10.20.1.10; ae-title CT3; port 104; mac 00:1b:21:aa:00:03 }\n"
        "device mr-1 { address 10.20.1.11; port 104 }\n"
        "peer a { devices ct-3; address 10.0.0.0/8; ae-title A\\ B; port 104; initiates storage; accepts echo "
        "}\n"
        "peer b { address 10.0.0.1 10.0.0.1 10.20.1.10; port 104; initiates storage-commitment }\n"
        "service dns { to 10.20.0.53 }\n"
        "service hl7 for box { tcp 2575 to 10.20.0.9 }\n"
        "manage { from 0.0.0.0/0; interface eth0 }\n"
        "log { drops 30/minute }\n"
        "include more\n";
static const char more[] = "peer c { address 10.0.0.1; accepts echo }\n";

// Everything the module does with a policy. The first error, or 0.
static int whole_life(const char *text)
{
	static const struct memory_file files[] = {{.path = "more", .text = more}, {0}};
	struct reading r = {.files = files};
	struct policy_loader loader = {.load = reading_load, .context = &r};
	struct buffer out = BUFFER_EMPTY;
	struct json json = JSON_TO(&out);
	size_t size = strlen(text);
	problem_init(&r.problems);
	char *copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	int result = policy_parse(&r.policy, "policy.conf", copy, size, &loader, &r.problems);
	if (result == 0)
		result = policy_lint(&r.policy, &r.problems);
	if (result == 0) {
		policy_print(&r.policy, &out);
		policy_json(&r.policy, &json);
		if (buffer_failed(&out))
			result = -ENOMEM;
	}
	buffer_fini(&out);
	problem_fini(&r.problems);
	policy_fini(&r.policy);
	return result;
}

static int counted_life(const char *text)
{
	heap.live = heap.calls = 0;
	heap.counting = true;
	int result = whole_life(text);
	heap.counting = false;
	return result;
}

static void every_failure(const char *text, int wanted)
{
	size_t failures = 0;
	for (heap.fail_at = 1;; heap.fail_at++) {
		int result = counted_life(text);
		size_t live = heap.live;
		if (heap.calls < heap.fail_at) {
			assert_int_equal(result, wanted);
			break;
		}
		failures++;
		// Giving memory back may fail without harm; then all the rest was right.
		if (result != -ENOMEM && result != wanted)
			fail_msg("call %zu: %d", heap.fail_at, result);
		if (live != 0)
			fail_msg("call %zu: %zu allocations are left", heap.fail_at, live);
	}
	heap.fail_at = 0;
	assert_true(failures > 20);
}

static void good_policy(void **state)
{
	(void)state;
	every_failure(everything, 0);
}

static void bad_policy(void **state)
{
	(void)state;
	every_failure("role host\ndevice a { port 1 1; ae-title \"x\\\"\" }\ndevice a { prot 1 }\npeer b { "
	              "address x }\n"
	              "peer b { address 10.0.0.1; devices c }\ninclude more\ninclude none\nbox { }\nservice x "
	              "for box { }\n",
	              -EINVAL);
}

// A failure never makes a policy that is smaller than its text.
static void nothing_left_out(void **state)
{
	struct buffer whole = BUFFER_EMPTY;
	struct reading r;
	static const struct memory_file files[] = {{.path = "more", .text = more}, {0}};
	(void)state;
	assert_int_equal(read_files(&r, files, "policy.conf", everything), 0);
	policy_print(&r.policy, &whole);
	reading_fini(&r);
	for (heap.fail_at = 1;; heap.fail_at++) {
		struct policy_loader loader = {.load = reading_load, .context = &r};
		char *copy = strdup(everything);
		r = (struct reading){.files = files};
		problem_init(&r.problems);
		heap.calls = 0;
		heap.counting = true;
		int result =
		        policy_parse(&r.policy, "policy.conf", copy, strlen(everything), &loader, &r.problems);
		heap.counting = false;
		bool done = heap.calls < heap.fail_at;
		if (result == 0) {
			struct buffer now = BUFFER_EMPTY;
			policy_print(&r.policy, &now);
			assert_string_equal(now.data, whole.data);
			buffer_fini(&now);
		}
		reading_fini(&r);
		if (done)
			break;
	}
	heap.fail_at = 0;
	buffer_fini(&whole);
}

// Peers cost no allocation each, and in memory what policy.h says: the arrays hold what was read and no more.
static size_t cost(unsigned count, size_t *ret_octets)
{
	struct buffer text = BUFFER_EMPTY;
	struct reading r;
	buffer_text(&text, "role host\ndevice ct-3 { port 11112 }\n");
	for (unsigned i = 0; i < count; i++)
		buffer_printf(&text,
		              "peer pacs-%u { address 10.%u.%u.%u; ae-title PACS%u; port 104; initiates echo "
		              "storage }\n",
		              i, i >> 16, i >> 8 & 255, i & 255, i);
	size_t size = text.size;
	char *copy = buffer_steal(&text);
	problem_init(&r.problems);
	heap.calls = 0;
	heap.counting = true;
	assert_int_equal(policy_parse(&r.policy, "policy.conf", copy, size, NULL, &r.problems), 0);
	heap.counting = false;
	const struct policy *p = &r.policy;
	assert_int_equal(p->peer_count, count);
	*ret_octets = p->peer_capacity * sizeof *p->peers + p->prefix_capacity * sizeof *p->prefixes +
	              p->port_capacity * sizeof *p->ports + p->title_capacity * sizeof *p->titles +
	              p->device_ref_capacity * sizeof *p->device_refs +
	              p->unescaped_capacity * sizeof *p->unescaped;
	policy_fini(&r.policy);
	problem_fini(&r.problems);
	return heap.calls;
}

static void long_list(void **state)
{
	size_t octets_small, octets_large, calls_small = cost(1000, &octets_small),
	                                   calls_large = cost(100000, &octets_large);
	(void)state;
	// Arrays grow by half: a hundred times as many is 12 more steps for each of the four.
	assert_true(calls_large <= calls_small + 4 * 12);
	assert_true(calls_small < 80);
	assert_true(octets_large <= 100000 * 120 + 1000);
	assert_true(octets_large <= 100 * octets_small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(good_policy), cmocka_unit_test(bad_policy),
	                                   cmocka_unit_test(nothing_left_out), cmocka_unit_test(long_list)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
