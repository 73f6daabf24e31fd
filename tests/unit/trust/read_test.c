// SPDX-License-Identifier: GPL-2.0-or-later
//
// The trust folder, read: what is believed, and that nothing in it is passed over.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buffer.h"
#include "trust/trust.h"

static char top[] = "/tmp/leadglass-trust-XXXXXX";
static char path[64];

static int begin(void **state)
{
	(void)state;
	snprintf(path, sizeof path, "%s/trust", top);
	return mkdir(path, 0755);
}

static int end(void **state)
{
	char command[128];
	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", path);
	return system(command);
}

static const char *in_folder(const char *name)
{
	static char text[400];
	snprintf(text, sizeof text, "%s/%s", path, name);
	return text;
}

static void put(const char *name, const char *text)
{
	int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
}

// The problem must say so, in one error.
static void assert_said(struct problems *problems, const char *what)
{
	struct buffer out = BUFFER_EMPTY;
	problem_print(problems, NULL, &out);
	buffer_text(&out, "");
	if (problems->errors != (*what ? 1u : 0u) || !strstr(out.data, what))
		fail_msg("not '%s' but: %s", what, out.data);
	buffer_fini(&out);
	problem_fini(problems);
}

static void assert_empty(const struct trust *trust)
{
	assert_int_equal(trust->count, 0);
	assert_string_equal(trust->site, "");
	assert_string_equal(trust->unit, "");
	for (size_t i = 0; i < TRUST_ANCHORS_MAX; i++)
		assert_null(trust->anchors[i].text);
}

// By path and by descriptor: the same answer. After a failure nothing is left in it.
static int reads(struct trust *ret, const char *said)
{
	struct problems problems;
	struct trust other;
	problem_init(&problems);
	memset(ret, 0x55, sizeof *ret);
	int r = trust_read(path, ret, &problems);
	assert_said(&problems, said);
	int folder = open(path, O_RDONLY | O_DIRECTORY);
	if (folder >= 0) {
		assert_int_equal(trust_read_at(folder, path, &other, &problems), r);
		assert_said(&problems, said);
		assert_int_equal(other.count, ret->count);
		trust_fini(&other);
		close(folder);
	}
	if (r < 0)
		assert_empty(ret);
	return r;
}

static void refused(int r, const char *said)
{
	struct trust trust;
	assert_int_equal(reads(&trust, said), r);
}

static void nothing(void **state)
{
	struct trust trust;
	(void)state;
	assert_int_equal(reads(&trust, ""), 0);
	assert_empty(&trust);
	assert_string_equal(trust.path, path);
	trust_fini(&trust);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(reads(&trust, ""), 0);
	assert_empty(&trust);
	assert_string_equal(trust.path, path);
	trust_fini(&trust);
	trust_fini(NULL);
}

static void whole(void **state)
{
	struct trust trust;
	(void)state;
	put("zeta.pem", "Z");
	put("st-anna.site.pem", "S");
	put("Acme_2.oem.pem", "O\n");
	put("a.b.pem", "");
	put("identity", "site st-anna\nunit ct room ä\n");
	put(".zeta.pem.new", "half");
	put(".gitignore", "");
	assert_int_equal(mkdir(in_folder(".old"), 0755), 0);
	assert_int_equal(reads(&trust, ""), 0);
	assert_int_equal(trust.count, 4);
	static const struct {
		const char *name, *text;
		enum trust_scope scope;
	} wanted[] = {{"Acme_2.oem", "O\n", TRUST_OEM},
	              {"a.b", "", TRUST_ALL},
	              {"st-anna.site", "S", TRUST_SITE},
	              {"zeta", "Z", TRUST_ALL}};
	for (size_t i = 0; i < 4; i++) {
		assert_string_equal(trust.anchors[i].name, wanted[i].name);
		assert_string_equal(trust.anchors[i].text, wanted[i].text);
		assert_int_equal(trust.anchors[i].size, strlen(wanted[i].text));
		assert_int_equal(trust.anchors[i].scope, wanted[i].scope);
	}
	assert_string_equal(trust.site, "st-anna");
	assert_string_equal(trust.unit, "ct room ä");
	trust_fini(&trust);
	assert_empty(&trust);
}

// A name that is not understood is not passed over.
static void names(void **state)
{
	static const struct {
		const char *file, *said;
		int error;
	} cases[] = {
	        {"hospital.crt", "hospital.crt is no trust anchor by its name; trust anchors are NAME.pem",
	         -EINVAL},
	        {"hospital.PEM", "hospital.PEM is no trust anchor by its name", -EINVAL},
	        {"README", "README is no trust anchor by its name", -EINVAL},
	        {"Identity", "Identity is no trust anchor by its name", -EINVAL},
	        {"identity.new", "identity.new is no trust anchor by its name", -EINVAL},
	        {"a.pem~", "a.pem~ is no trust anchor by its name", -EINVAL},
	        {"a.pem.new", "a.pem.new is no trust anchor by its name", -EINVAL},
	        {"a b.pem", "'a b' in", -EINVAL},
	        {"-a.pem", "'-a' in", -EINVAL},
	        {"\xc3\xa4.pem", "cannot be the name of an anchor", -EINVAL},
	        {"a\nb.pem", "cannot be the name of an anchor", -EINVAL},
	        {"a\x1b[2J.pem", "'a?[2J' in", -EINVAL},
	        {"site.pem", "the name of the anchor 'site' in", -EINVAL},
	        {"oem.pem", "the name of the anchor 'oem' in", -EINVAL},
	        {"OEM.pem", "the name of the anchor 'OEM' in", -EINVAL},
	        {"acme.Oem.pem", "the name of the anchor 'acme.Oem' in", -EINVAL},
	        {"acme.SITE.pem", "write NAME.site or NAME.oem", -EINVAL},
	        {"a123456789012345678901234567890123456789012345678901234567890123.pem",
	         "has 64 octets; the limit is 63", -ENAMETOOLONG},
	};
	(void)state;
	put("good.pem", "x");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		put(cases[i].file, "x");
		refused(cases[i].error, cases[i].said);
		assert_int_equal(unlink(in_folder(cases[i].file)), 0);
	}
	struct trust trust;
	put("a12345678901234567890123456789012345678901234567890123456789012.pem", "x"); // 63
	assert_int_equal(reads(&trust, ""), 0);
	assert_int_equal(trust.count, 2);
	trust_fini(&trust);
}

static void limits(void **state)
{
	char name[40], *large = malloc(TRUST_ANCHOR_MAX + 2);
	struct trust trust;
	(void)state;
	for (int i = 0; i < TRUST_ANCHORS_MAX; i++) {
		snprintf(name, sizeof name, "a%d.pem", i);
		put(name, "x");
	}
	assert_int_equal(reads(&trust, ""), 0);
	assert_int_equal(trust.count, TRUST_ANCHORS_MAX);
	trust_fini(&trust);
	put("one-more.site.pem", "x");
	refused(-E2BIG, "more than 16 trust anchors in");
	assert_int_equal(unlink(in_folder("one-more.site.pem")), 0);
	assert_non_null(large);
	memset(large, 'x', TRUST_ANCHOR_MAX + 1);
	large[TRUST_ANCHOR_MAX] = '\0';
	put("a7.pem", large);
	assert_int_equal(reads(&trust, ""), 0);
	trust_fini(&trust);
	large[TRUST_ANCHOR_MAX] = 'x';
	large[TRUST_ANCHOR_MAX + 1] = '\0';
	put("a7.pem", large);
	// One that is too long is nothing that could vouch for anybody, and stops nobody else.
	assert_int_equal(reads(&trust, ""), 0);
	assert_int_equal(trust.count, TRUST_ANCHORS_MAX);
	size_t long_one = 0;
	while (strcmp(trust.anchors[long_one].name, "a7") != 0)
		long_one++;
	assert_int_equal(trust.anchors[long_one].size, 0);
	assert_string_equal(trust.anchors[long_one].text, "");
	trust_fini(&trust);
	free(large);

	char far[300];
	struct problems problems;
	problem_init(&problems);
	memset(far, 'x', sizeof far);
	far[sizeof trust.path] = '\0';
	assert_int_equal(trust_read(far, &trust, &problems), -ENAMETOOLONG);
	assert_said(&problems, "the path of the trust folder is over 255 octets");
	assert_empty(&trust);
	int folder = open(path, O_RDONLY | O_DIRECTORY);
	assert_int_equal(trust_read_at(folder, far, &trust, &problems), -ENAMETOOLONG);
	assert_said(&problems, "the path of the trust folder is over 255 octets");
	close(folder);
	far[sizeof trust.path - 1] = '\0';
	assert_int_equal(trust_read(far, &trust, &problems), 0); // there is none
	assert_said(&problems, "");
	trust_fini(&trust);
}

// Whoever else could have written it is not believed, whichever file it is.
static void untrusted(void **state)
{
	static const char *const files[] = {"a.pem", "identity"};
	char said[100], link[400];
	(void)state;
	put("a.pem", "x");
	put("identity", "site a\nunit b\n");
	for (size_t i = 0; i < 2; i++) {
		const char *file = files[i];
		snprintf(said, sizeof said, "%s can be written by others", file);
		assert_int_equal(chmod(in_folder(file), 0664), 0);
		refused(-EPERM, said);
		assert_int_equal(chmod(in_folder(file), 0646), 0);
		refused(-EPERM, said);
		assert_int_equal(chmod(in_folder(file), 0644), 0);
		if (geteuid() == 0) {
			snprintf(said, sizeof said, "%s belongs to user 65534", file);
			assert_int_equal(chown(in_folder(file), 65534, 0), 0);
			refused(-EPERM, said);
			assert_int_equal(chown(in_folder(file), 0, 65534), 0); // a group that may not write
		}
		snprintf(link, sizeof link, "%s/.real", path);
		assert_int_equal(rename(in_folder(file), link), 0);
		assert_int_equal(symlink(".real", in_folder(file)), 0);
		snprintf(said, sizeof said, "%s is a symbolic link and is not followed", file);
		refused(-EPERM, said);
		assert_int_equal(unlink(in_folder(file)), 0);
		assert_int_equal(symlink("nowhere", in_folder(file)), 0);
		refused(-EPERM, said);
		assert_int_equal(unlink(in_folder(file)), 0);
		assert_int_equal(rename(link, in_folder(file)), 0);
	}
	if (geteuid() == 0) {
		assert_int_equal(chmod(in_folder("a.pem"), 0), 0);
		struct trust trust;
		assert_int_equal(reads(&trust, ""), 0); // root reads it all the same
		trust_fini(&trust);
	}
}

static void no_files(void **state)
{
	static const char *const files[] = {"a.pem", "identity"};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char said[100];
		snprintf(said, sizeof said, "%s is no regular file", files[i]);
		assert_int_equal(mkdir(in_folder(files[i]), 0755), 0);
		refused(-EBADMSG, said);
		assert_int_equal(rmdir(in_folder(files[i])), 0);
		assert_int_equal(mkfifo(in_folder(files[i]), 0644), 0); // nobody writes: must not wait
		refused(-EBADMSG, said);
		assert_int_equal(unlink(in_folder(files[i])), 0);
		struct sockaddr_un address = {.sun_family = AF_UNIX};
		assert_true(strlen(in_folder(files[i])) < sizeof address.sun_path);
		strcpy(address.sun_path, in_folder(files[i]));
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
		refused(-EBADMSG, said);
		close(fd);
		assert_int_equal(unlink(in_folder(files[i])), 0);
	}
}

static void folders(void **state)
{
	char real[80];
	struct trust trust;
	struct problems problems;
	(void)state;
	problem_init(&problems);
	put("a.pem", "x");
	assert_int_equal(chmod(path, 0775), 0);
	refused(-EPERM, "trust can be written by others");
	assert_int_equal(chmod(path, 01777), 0);
	refused(-EPERM, "trust can be written by others");
	assert_int_equal(chmod(path, 0755), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 65534, 0), 0);
		refused(-EPERM, "trust belongs to user 65534");
		assert_int_equal(chown(path, 0, 0), 0);
	}
	snprintf(real, sizeof real, "%s/real", top);
	assert_int_equal(rename(path, real), 0);
	assert_int_equal(symlink(real, path), 0);
	assert_int_equal(trust_read(path, &trust, &problems), -EPERM);
	assert_said(&problems, "is a symbolic link and is not followed; name the folder itself with --trust");
	assert_empty(&trust);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rename(real, path), 0);
	assert_int_equal(trust_read("/dev/null", &trust, &problems), -ENOTDIR);
	assert_said(&problems, "cannot open the folder /dev/null: Not a directory");
	assert_int_equal(trust_read_at(-1, path, &trust, &problems), -EBADF);
	assert_said(&problems, "cannot read the folder");
	// No folder at all, but a file of that name on the way: not the same as none.
	assert_int_equal(trust_read("/dev/null/trust", &trust, &problems), -ENOTDIR);
	assert_said(&problems, "cannot open the folder /dev/null/trust");
}

static void identities(void **state)
{
	static const struct {
		const char *text, *site, *unit;
	} good[] = {
	        {"site a\nunit b\n", "a", "b"},
	        {"unit b\nsite a\n", "a", "b"},
	        {"site a\n", "a", ""},
	        {"unit *b\n", "", "*b"},
	        {"", "", ""},
	        {"site St. Anna \xe2\x80\x93 Nord\nunit it's \"3\"\n", "St. Anna \xe2\x80\x93 Nord",
	         "it's \"3\""},
	        {"site a23456789012345678901234567890123456789012345678901234567890123\nunit b\n",
	         "a23456789012345678901234567890123456789012345678901234567890123", "b"},
	};
	static const struct {
		const char *text, *said;
	} bad[] = {
	        {"site a\nsite b\n",
	         "identity, line 2: a second site; write it anew: leadglass trust add --site"},
	        {"unit a\nunit a\n", "identity, line 2: a second unit"},
	        {"site a\nunit b\nunit c\n", "line 3: a second unit"},
	        {"site a\n\nunit b\n", "line 2: not of the form 'site NAME' or 'unit NAME'"},
	        {"site a\nunit b\n\n", "line 3: not of the form"},
	        {"# ours\nsite a\n", "line 1: not of the form"},
	        {" site a\n", "line 1: not of the form"},
	        {"site\ta\n", "line 1: not of the form"},
	        {"Site a\n", "line 1: not of the form"},
	        {"site\n", "line 1: not of the form"},
	        {"sitea\n", "line 1: not of the form"},
	        {"units a\n", "line 1: not of the form"},
	        {"site \n", "line 1: the name is missing"},
	        {"site  a\n", "line 1: spaces around the name"},
	        {"unit a \n", "line 1: spaces around the name"},
	        {"site a\nunit b\r\n", "line 2: the line ends in CR LF"},
	        {"site a\nunit ct-room-3", "line 2: the line has no end; it may be cut off"},
	        {"site a", "line 1: the line has no end"},
	        {"site a\tb\n", "line 1: a control character in the name"},
	        {"site a\x7f\n", "line 1: a control character in the name"},
	        {"site a\xc2\x9b\n", "line 1: a control character in the name"},
	        {"site a\xe2\x80\xae\n", "line 1: a control character in the name"},
	        {"site \xff\n", "line 1: the name is not UTF-8 text"},
	        {"unit *\n", "line 1: '*' is no name of one box"},
	        {"site \"a b\"\n", "line 1: the name is written without quotes"},
	        {"site 'a\n", "line 1: the name is written without quotes"},
	        {"site a234567890123456789012345678901234567890123456789012345678901234\n",
	         "line 1: the name is longer than 63 octets"},
	};
	struct trust trust;
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		put("identity", good[i].text);
		assert_int_equal(reads(&trust, ""), 0);
		assert_string_equal(trust.site, good[i].site);
		assert_string_equal(trust.unit, good[i].unit);
		trust_fini(&trust);
	}
	put("a.pem", "x");
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		put("identity", bad[i].text);
		refused(-EBADMSG, bad[i].said);
	}
	int fd = open(in_folder("identity"), O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, "site a\0b\n", 9), 9);
	close(fd);
	refused(-EBADMSG, "line 1: a control character in the name");
	assert_int_equal(truncate(in_folder("identity"), 5000), 0);
	refused(-EBADMSG, "identity is over 4096 octets; it has two lines");
}

static int group_begin(void **state)
{
	(void)state;
	return mkdtemp(top) ? 0 : -1;
}

static int group_end(void **state)
{
	(void)state;
	return rmdir(top);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	umask(022);
	const struct CMUnitTest tests[] = {TEST(nothing),   TEST(whole),    TEST(names),   TEST(limits),
	                                   TEST(untrusted), TEST(no_files), TEST(folders), TEST(identities)};
	return cmocka_run_group_tests(tests, group_begin, group_end);
}
