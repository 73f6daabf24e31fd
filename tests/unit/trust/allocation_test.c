// SPDX-License-Identifier: GPL-2.0-or-later
//
// Memory runs out at the n-th allocation, in mbedTLS's calls too: the verdict is then that nothing was checked,
// and never a good one; nothing leaks. The same for signing. (Of an RSA key that mbedTLS 2.28 has no memory for
// it says that it is damaged.)
//
// Replaces malloc, which a sanitiser does as well: plain only.
#include "made.h"

#include <errno.h>
#include <stdio.h>

#include "trust/trust_about.h"

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void __libc_free(void *memory);

// How many allocations still succeed; below 0: all of them.
static long left = -1;
static bool once; // the next ones succeed again
static bool failed;
static long live; // allocated and not freed

static bool refused(void)
{
	if (left < 0)
		return false;
	if (left > 0) {
		left--;
		return false;
	}
	failed = true;
	left = once ? -1 : 0;
	errno = ENOMEM;
	return true;
}

static void *counted(void *memory)
{
	live += memory != NULL;
	return memory;
}

void *malloc(size_t size)
{
	return refused() ? NULL : counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
	return refused() ? NULL : counted(__libc_calloc(count, size));
}

void *realloc(void *memory, size_t size)
{
	if (refused())
		return NULL;
	void *now = __libc_realloc(memory, size);
	return memory ? now : counted(now);
}

void free(void *memory)
{
	live -= memory != NULL;
	__libc_free(memory);
}

// Each while certificates and keys are read; the arithmetic of a signature then allocates by thousands.
static long next(long n)
{
	return n < 200 ? n + 1 : n + n / 25;
}

static void verify_with(const char *text, size_t size, const struct trust *trust, long allocations,
                        struct trust_verdict *verdict)
{
	long before = live;
	failed = false;
	left = allocations;
	trust_verify(text, size, trust, verdict);
	left = -1;
	assert_int_equal(live, before);
	assert_true(trust_verdict_sane(verdict));
}

static void every_allocation(const char *name, const char *anchors, uint32_t code)
{
	char path[128];
	struct trust trust;
	const bool rsa = strncmp(name, "rsa", 3) == 0;
	size_t size;
	snprintf(path, sizeof path, "signed/%s", name);
	char *text = made_read(path, &size);
	made_trust(&trust, anchors);
	for (long n = 0;; n = next(n)) {
		struct trust_verdict verdict;
		verify_with(text, size, &trust, n, &verdict);
		if (failed && verdict.code != TRUST_UNCHECKED &&
		    (!rsa || verdict.code != TRUST_CERTIFICATE_FORM))
			fail_msg("%s: %u at allocation %ld", name, verdict.code, n);
		if (!failed) {
			assert_int_equal(verdict.code, code);
			assert_true(n > 20);
			break;
		}
	}
	made_trust_fini(&trust);
	free(text);
}

// One failure alone makes nothing good either. (It may pass unseen: mbedTLS 2.28 takes an RSA anchor for
// damaged.)
static void a_single_failure(const char *name, const char *anchors)
{
	char path[128];
	struct trust trust;
	size_t size;
	snprintf(path, sizeof path, "signed/%s", name);
	char *text = made_read(path, &size);
	made_trust(&trust, anchors);
	once = true;
	for (long n = 0;; n = next(n)) {
		struct trust_verdict verdict;
		verify_with(text, size, &trust, n, &verdict);
		assert_int_not_equal(verdict.code, TRUST_GOOD);
		if (!failed)
			break;
	}
	once = false;
	made_trust_fini(&trust);
	free(text);
}

static void of_a_broken_one(void **state)
{
	(void)state;
	a_single_failure("chain-forged-ca", "root");
	a_single_failure("chain-self-signed-as-root", "root");
	a_single_failure("form-text-appended", "p256");
	a_single_failure("rsa-pkcs1", "rsa");
	a_single_failure("usage-any", "root");
	a_single_failure("chain-ca-usage-server", "root");
	a_single_failure("name-nul", "root");
	a_single_failure("p256-pinned", "p384-key.site,rsa-key.site");
}

static void verifying(void **state)
{
	(void)state;
	every_allocation("p256-root-signer", "p256,p384-key.site", TRUST_GOOD);
	every_allocation("p256-pinned", "p384-key.site,p256-key.site", TRUST_GOOD);
	every_allocation("rsa-root-signer", "rsa", TRUST_GOOD);
	every_allocation("intermediate", "root", TRUST_GOOD);
	every_allocation("chain-forged-ca", "root", TRUST_CHAIN_SIGNATURE);
	every_allocation("form-text-appended", "p256", TRUST_WRONG_SIGNATURE);
}

static void signing(void **state)
{
	static const char policy[] = "policy { site a; unit *; serial 1 }\n";
	static const char *const kinds[] = {"p256", "rsa"};
	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		char path[64];
		size_t key_size, chain_size;
		snprintf(path, sizeof path, "sign/%s.key", kinds[i]);
		char *key = made_read(path, &key_size);
		snprintf(path, sizeof path, "sign/%s.crt", kinds[i]);
		char *chain = made_read(path, &chain_size);
		for (long n = 0;; n = next(n)) {
			struct buffer out = BUFFER_EMPTY;
			struct problems problems;
			problem_init(&problems);
			buffer_text(&out, policy);
			long before = live;
			failed = false;
			left = n;
			int r = trust_sign(&out, key, key_size, chain, chain_size, &problems);
			left = -1;
			assert_true(failed ? r < 0 : r == 0);
			assert_int_equal(problem_any_error(&problems), r < 0);
			if (r < 0 && !buffer_failed(&out))
				assert_string_equal(out.data, policy);
			problem_fini(&problems);
			assert_true(live <= before + 1); // `out` may have grown
			buffer_fini(&out);
			if (!failed)
				break;
		}
		free(key);
		free(chain);
	}
}

static void about(void **state)
{
	static const char *const names[] = {"p256", "rsa-key.site", "bad-leaf"};
	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char path[64];
		const bool rsa = strncmp(names[i], "rsa", 3) == 0;
		size_t size;
		snprintf(path, sizeof path, "anchors/%s.pem", names[i]);
		char *text = made_read(path, &size);
		for (long n = 0;; n = next(n)) {
			struct trust_about is;
			long before = live;
			failed = false;
			left = n;
			int r = trust_about(text, size, &is);
			left = -1;
			assert_int_equal(live, before);
			assert_true(failed ? r == -ENOMEM || (rsa && r == 0 && !is.good) : r == 0);
			if (!failed)
				break;
		}
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(verifying), cmocka_unit_test(of_a_broken_one),
	                                   cmocka_unit_test(signing), cmocka_unit_test(about)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
