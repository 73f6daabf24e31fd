// SPDX-License-Identifier: GPL-2.0-or-later
//
// A signed policy is read up to its signature: what follows has no influence, and is kept.
#include "policy_test.h"

#include <dirent.h>
#include <stdbool.h>

#include "base/file.h"
#include "base/signed_text.h"
#include "policy/policy_bundle.h"

#define HOST "role host\ndevice ct-3 { port 11112 }\n"
#define PEER "peer p { address 10.0.0.1; accepts echo }\n"
#define MARKER SIGNED_TEXT_MARKER "\n"
#define SIGNATURE MARKER "MEUC\n-----END LEADGLASS SIGNATURE-----\n"

static int read_octets(struct reading *r, const char *text, size_t size)
{
	char *copy = malloc(size + 1);
	assert_non_null(copy);
	memcpy(copy, text, size);
	copy[size] = '\0';
	return read_malloced(r, NULL, "policy.conf", copy, size);
}

static void bad(const char *text, const char *wanted)
{
	struct reading r;
	assert_int_equal(read_text(&r, text), -EINVAL);
	if (!strstr(said(&r), wanted) || r.problems.count != 1)
		fail_msg("'%s' is not all of: %s", wanted, said(&r));
	reading_fini(&r);
}

// What could not stand in a policy may stand after it: it is not looked at.
static void unread(void **state)
{
	static const char *const after[] = {"",
	                                    "\n",
	                                    "}",
	                                    "{",
	                                    "peer {",
	                                    "\"",
	                                    "'",
	                                    "\\",
	                                    "\xff\xfe",
	                                    "\xef\xbb\xbf",
	                                    "\r",
	                                    "\x1b[2J",
	                                    "role router",
	                                    "include x",
	                                    SIGNATURE,
	                                    "\xe2\x80\xae",
	                                    "x\n" HOST};
	struct reading r;
	(void)state;
	for (size_t i = 0; i < sizeof after / sizeof after[0]; i++) {
		for (int crlf = 0; crlf < 2; crlf++) {
			struct buffer text = BUFFER_EMPTY;
			buffer_printf(&text, "%s%s%s%s", HOST PEER, SIGNED_TEXT_MARKER, crlf ? "\r\n" : "\n",
			              after[i]);
			read_good(&r, text.data);
			assert_int_equal(r.policy.peer_count, 1);
			assert_int_equal(r.policy.role, POLICY_ROLE_HOST);
			// The source is all of it.
			assert_int_equal(r.policy.sources.items[0].size, text.size);
			assert_string_equal(r.policy.sources.items[0].text, text.data);
			reading_fini(&r);
			buffer_fini(&text);
		}
	}
	static const char nul[] = HOST PEER MARKER "a\0b";
	assert_int_equal(read_octets(&r, nul, sizeof nul - 1), 0);
	assert_int_equal(r.policy.sources.items[0].size, sizeof nul - 1);
	reading_fini(&r);
}

// Wherever the text before it stops, what follows does not complete it.
static void stops(void **state)
{
	struct reading r;
	(void)state;
	bad(SIGNED_TEXT_MARKER, "1:1: error: no role is given");
	bad(MARKER HOST, "no role is given");
	bad(HOST "peer p {\n" MARKER "}\n", "3:8: error: a peer block begins here and is not closed");
	bad(HOST "peer p\n" MARKER "{\n", "3:6: error: a peer block must follow");
	bad(HOST "peer p # {\n" MARKER "{\n", "3:6: error: a peer block must follow");
	bad(HOST "peer \"p\n" MARKER "\" {\n", "3:6: error: this \" is not closed");
	bad(HOST "manage\\\n" MARKER, "3:7: error: a backslash with nothing after it");
	bad("\xff\xfe\n" MARKER, "1:1: error: this file is UTF-16");
	bad("\xef\xbb\xbf" HOST MARKER "role host\n", "1:1: error: the file begins with a byte order mark");
	// A NUL ends the reading, not the search for the marker.
	static const char *const nuls[] = {HOST "# a\1b\n" MARKER "}", HOST "a\1b\n" MARKER "}",
	                                   HOST "\1\n" MARKER "}", HOST "\"a\1b\"\n" MARKER "}",
	                                   HOST "'a\1\n" MARKER "'}"};
	for (size_t i = 0; i < sizeof nuls / sizeof nuls[0]; i++) {
		char text[200];
		size_t size = strlen(nuls[i]);
		memcpy(text, nuls[i], size);
		*(char *)memchr(text, 1, size) = '\0';
		assert_int_equal(read_octets(&r, text, size), -EINVAL);
		assert_non_null(strstr(said(&r), "a NUL octet"));
		if (r.problems.count > 1)
			fail_msg("%s", said(&r));
		reading_fini(&r);
	}
}

static void no_marker(void **state)
{
	struct reading r;
	(void)state;
	read_good(&r, HOST "# " MARKER PEER);
	assert_int_equal(r.policy.peer_count, 1);
	reading_fini(&r);
	// Anything before it on its line, and it is part of the policy.
	read_good(&r, HOST PEER "policy { site \"-" SIGNED_TEXT_MARKER "\" }\n");
	assert_word(&r.policy.header.site, "-" SIGNED_TEXT_MARKER);
	reading_fini(&r);
	bad(HOST " " MARKER "MEUC\n", "3:2: error: the line that begins a signature has something before it");
	bad(HOST "device d {}" MARKER "MEUC\n", "3:12: error: the line that begins a signature");
	bad(HOST "-----BEGIN CERTIFICATE-----\nMIIB\n",
	    "3:1: error: a certificate or key within the policy; a signature comes first");
	bad(HOST "-----BEGIN LEADGLASS SIGNATURE----\nMEUC\n", "3:1: error: the line that begins a signature");
}

static void includes(void **state)
{
	static const struct memory_file files[] = {{.path = "a", .text = PEER},
	                                           {.path = "signed", .text = PEER SIGNATURE},
	                                           {.path = "only", .text = MARKER},
	                                           {0}};
	struct reading r;
	(void)state;
	assert_int_equal(read_files(&r, files, "policy.conf", HOST "include a\ninclude none\n" SIGNATURE),
	                 -EINVAL);
	assert_int_equal(r.loads, 0); // not even looked for
	assert_int_equal(r.problems.count, 2);
	assert_non_null(strstr(said(&r), "policy.conf:3:1: error: a signed policy includes nothing"));
	assert_non_null(strstr(said(&r), "policy.conf:4:1: error: a signed policy includes nothing"));
	reading_fini(&r);
	// What would have been in it is not missed.
	bad("include a\n" PEER SIGNATURE, "a signed policy includes nothing");
	assert_int_equal(read_files(&r, files, "policy.conf", HOST "include signed\n"), -EINVAL);
	assert_int_equal(r.problems.count, 1);
	assert_non_null(strstr(said(&r), "signed:2:1: error: a signature in a file that is included"));
	assert_non_null(strstr(said(&r), "included from policy.conf:3"));
	reading_fini(&r);
	assert_int_equal(read_files(&r, files, "policy.conf", HOST "include only\ninclude signed\n"), -EINVAL);
	assert_int_equal(r.problems.count, 2);
	reading_fini(&r);
}

static void bundled(void **state)
{
	struct buffer bundle = BUFFER_EMPTY, again = BUFFER_EMPTY, printed = BUFFER_EMPTY;
	struct reading r, back = {0};
	(void)state;
	read_good(&r, HOST PEER SIGNATURE);
	policy_bundle_write(&r.policy.sources, &bundle);
	assert_non_null(strstr(bundle.data, PEER SIGNATURE "\nend\n"));
	problem_init(&back.problems);
	assert_int_equal(policy_bundle_parse(&back.policy, bundle.data, bundle.size, &back.problems), 0);
	policy_bundle_write(&back.policy.sources, &again);
	assert_string_equal(bundle.data, again.data);
	policy_print(&back.policy, &printed);
	assert_null(strstr(printed.data, "SIGNATURE"));
	reading_fini(&r);
	reading_fini(&back);
	buffer_fini(&bundle);
	buffer_fini(&again);
	buffer_fini(&printed);
}

// All octets count, those of the signature too.
static void limit(void **state)
{
	static const char text[] = HOST PEER SIGNATURE;
	struct reading r;
	(void)state;
	for (size_t size = POLICY_FILE_MAX; size <= POLICY_FILE_MAX + 1; size++) {
		char *large = malloc(size + 1);
		assert_non_null(large);
		memset(large, 'x', size);
		memcpy(large, text, sizeof text - 1);
		large[size] = '\0';
		assert_int_equal(read_malloced(&r, NULL, "policy.conf", large, size),
		                 size == POLICY_FILE_MAX ? 0 : -EINVAL);
		assert_true(size == POLICY_FILE_MAX || strstr(said(&r), "is over 64 MiB"));
		reading_fini(&r);
	}
}

// Any text says the same about itself with a signature after it.
static void same(const char *text, size_t size, const char *name)
{
	static const char after[] = SIGNATURE "}\n\"\nrole bridge\n\0";
	struct buffer bare = BUFFER_EMPTY, with = BUFFER_EMPTY;
	struct reading a, b;
	buffer_add(&bare, text, size);
	buffer_text(&bare, "\n");
	buffer_add(&with, bare.data, bare.size);
	buffer_add(&with, after, sizeof after);
	int x = read_octets(&a, bare.data, bare.size), y = read_octets(&b, with.data, with.size);
	// The place at the end of the text is one with a line now.
	if (x != y || a.problems.count != b.problems.count)
		fail_msg("%s: %d and %d\n%s\n%s", name, x, y, said(&a), said(&b));
	for (size_t i = 0; i < a.problems.count; i++) {
		assert_int_equal(a.problems.items[i].at, b.problems.items[i].at);
		assert_string_equal(a.problems.items[i].what, b.problems.items[i].what);
	}
	struct buffer first = BUFFER_EMPTY, second = BUFFER_EMPTY;
	if (x == 0) {
		policy_print(&a.policy, &first);
		policy_print(&b.policy, &second);
		assert_string_equal(first.data, second.data);
	}
	buffer_fini(&first);
	buffer_fini(&second);
	reading_fini(&a);
	reading_fini(&b);
	buffer_fini(&bare);
	buffer_fini(&with);
}

static void folder_same(const char *folder)
{
	unsigned looked = 0;
	DIR *dir = opendir(folder);
	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));) {
		char path[600], *text;
		size_t size;
		if (!strstr(entry->d_name, ".conf"))
			continue;
		snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		assert_int_equal(file_read(path, 1 << 20, &text, &size), 0);
		if (!strstr(text, "include ")) {
			// Cut at its lines too: a text that stops in the middle of things.
			for (size_t cut = 1; cut < size && size < 4096; cut++)
				if (text[cut - 1] == '\n' && signed_text_end(text, cut) == cut)
					same(text, cut - 1, entry->d_name);
			if (signed_text_end(text, size) == size)
				same(text, size, entry->d_name);
			looked++;
		}
		free(text);
	}
	closedir(dir);
	assert_true(looked > 5);
}

static void all_the_same(void **state)
{
	(void)state;
	folder_same("../../golden/ok");
	folder_same("../../golden/bad");
	folder_same("../../golden/warn");
	folder_same("../../golden/print");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(unread),       cmocka_unit_test(stops),   cmocka_unit_test(no_marker),
	        cmocka_unit_test(includes),     cmocka_unit_test(bundled), cmocka_unit_test(limit),
	        cmocka_unit_test(all_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
