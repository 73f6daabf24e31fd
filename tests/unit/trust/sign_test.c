// SPDX-License-Identifier: GPL-2.0-or-later
//
// Signing: what comes out is verified, keys are taken in all forms in which openssl writes them, and what
// cannot be right is refused with a reason.
#include "made.h"
#include "trust/trust_key.h"

#include <errno.h>
#include <stdio.h>

static const char text[] = "policy { site st-anna; unit ct-room-3; serial 7 }\nrole host\n";

// Signs; the complaint, if any, is in `said`.
static int sign(struct buffer *out, const char *policy, const char *key, const char *certificates,
                struct buffer *said)
{
	char name[128];
	size_t key_size = 0, certificates_size = 0;
	struct problems problems;
	problem_init(&problems);
	snprintf(name, sizeof name, "sign/%s.key", key);
	char *key_text = made_read(name, &key_size), *certificates_text = NULL;
	if (certificates) {
		snprintf(name, sizeof name, "sign/%s.crt", certificates);
		certificates_text = made_read(name, &certificates_size);
	}
	*out = *said = BUFFER_EMPTY;
	buffer_text(out, policy);
	int r = trust_sign(out, key_text, key_size, certificates_text, certificates_size, &problems);
	problem_print(&problems, NULL, said);
	assert_int_equal(r < 0, problem_any_error(&problems));
	problem_fini(&problems);
	free(key_text);
	free(certificates_text);
	return r;
}

static void assert_good(const struct buffer *out, const char *anchors)
{
	struct trust trust;
	struct trust_verdict verdict;
	made_trust(&trust, anchors);
	made_verify(out->data, out->size, &trust, &verdict);
	struct buffer words = made_words(&verdict, &trust);
	if (verdict.code != TRUST_GOOD)
		fail_msg("%s", words.data);
	assert_int_equal(verdict.size, strlen(text));
	buffer_fini(&words);
	made_trust_fini(&trust);
}

static void signs(const char *key, const char *certificates, const char *anchors)
{
	struct buffer out, again, said;
	if (sign(&out, text, key, certificates, &said) != 0)
		fail_msg("%s", said.data);
	assert_good(&out, anchors);
	buffer_fini(&said);
	// RFC 6979: the same again. RSASSA-PSS has a random salt.
	assert_int_equal(sign(&again, text, key, certificates, &said), 0);
	assert_int_equal(again.size, out.size);
	if (strncmp(key, "rsa", 3) != 0)
		assert_memory_equal(again.data, out.data, out.size);
	else
		assert_memory_not_equal(again.data, out.data, out.size);
	buffer_fini(&said);
	buffer_fini(&out);
	buffer_fini(&again);
}

static void each_kind_of_key(void **state)
{
	static const char *const kinds[] = {"p256", "p384", "rsa"};
	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		char other[64], anchor[64], pinned[64];
		snprintf(anchor, sizeof anchor, "%s-sign", kinds[i]);
		snprintf(pinned, sizeof pinned, "%s-sign-key", kinds[i]);
		signs(kinds[i], kinds[i], anchor);
		signs(kinds[i], kinds[i], pinned);
		signs(kinds[i], NULL, pinned);
		snprintf(other, sizeof other, "%s-traditional", kinds[i]);
		signs(other, NULL, pinned);
		snprintf(other, sizeof other, "%s-text", kinds[i]);
		signs(kinds[i], other, anchor);
	}
	signs("parameters", NULL, "p256-sign-key");
}

// What is appended is what the openssl lines of docs/signed-policy.md append, but for the signature.
static void form(void **state)
{
	struct buffer out, said;
	size_t size;
	(void)state;
	assert_int_equal(sign(&out, text, "p256", "p256-text", &said), 0);
	assert_memory_equal(out.data, text, strlen(text));
	char *rest = out.data + strlen(text), *chain = made_read("sign/p256.crt", &size);
	static const char begin[] = "-----BEGIN LEADGLASS SIGNATURE-----\n",
	                  end[] = "\n-----END LEADGLASS SIGNATURE-----\n";
	assert_memory_equal(rest, begin, strlen(begin));
	assert_int_equal(rest[strlen(begin) + 64], '\n');
	rest = strstr(rest, end);
	assert_non_null(rest);
	assert_string_equal(rest + strlen(end), chain);
	free(chain);
	buffer_fini(&said);
	buffer_fini(&out);
}

static void refuses(const char *policy, const char *key, const char *certificates, int wanted,
                    const char *words)
{
	struct buffer out, said;
	int r = sign(&out, policy, key, certificates, &said);
	if (r != wanted || strcmp(said.data, words) != 0)
		fail_msg("%s %s: %d: %s", key, certificates ? certificates : "", r, said.data);
	assert_string_equal(out.data ? out.data : "", policy); // nothing was appended
	buffer_fini(&out);
	buffer_fini(&said);
}

#define ENCRYPTED                                                                                              \
	"error: the key is encrypted, and leadglass asks for no passphrase; let openssl sign, which does "     \
	"(leadglass-trust(5) has the commands), or decrypt it into a file that only you can read: openssl "    \
	"pkey -in KEY -out PLAIN\n"
#define TAKEN "; " TRUST_KEY_TAKEN "\n"

static void refusals(void **state)
{
	(void)state;
	refuses(text, "p256-encrypted", NULL, -ENOKEY, ENCRYPTED);
	refuses(text, "p256-encrypted-traditional", NULL, -ENOKEY, ENCRYPTED);
	refuses(text, "rsa-encrypted", "rsa", -ENOKEY, ENCRYPTED);
	refuses(text, "rsa-encrypted-traditional", "rsa", -ENOKEY, ENCRYPTED);
	refuses(text, "p521", NULL, -EKEYREJECTED, "error: the key is ECDSA P-521" TAKEN);
	refuses(text, "rsa2048", NULL, -EKEYREJECTED, "error: the key is RSA 2048 bits" TAKEN);
	refuses(text, "ed25519", NULL, -EINVAL,
	        "error: the key is damaged, or of a kind that is not known here" TAKEN);
	refuses(text, "p256", "p384", -EKEYREJECTED,
	        "error: the key does not belong to the first certificate; give the signer's certificate first, "
	        "then its "
	        "issuers'\n");
	refuses(text, "p256", "p256-reversed", -EKEYREJECTED,
	        "error: the key does not belong to the first certificate; give the signer's certificate first, "
	        "then its "
	        "issuers'\n");
	refuses("", "p256", NULL, -EINVAL, "error: the policy is empty\n");
	refuses("role host", "p256", NULL, -EINVAL,
	        "error: the policy does not end with a line feed; add one: the signature begins on a line of "
	        "its own\n");
	refuses("role host\n-----BEGIN LEADGLASS SIGNATURE-----\n", "p256", NULL, -EINVAL,
	        "error: the policy is signed already; sign it without what follows the line before -----BEGIN "
	        "LEADGLASS "
	        "SIGNATURE-----\n");
}

// Keys and certificates as text.
static void refuses_text(const char *key, const char *certificates, int wanted, const char *words)
{
	struct buffer out = BUFFER_EMPTY, said = BUFFER_EMPTY;
	struct problems problems;
	size_t size;
	char *good = made_read("sign/p256.key", &size);
	problem_init(&problems);
	buffer_text(&out, text);
	key = key ? key : good;
	assert_int_equal(trust_sign(&out, key, strlen(key), certificates,
	                            certificates ? strlen(certificates) : 0, &problems),
	                 wanted);
	problem_print(&problems, NULL, &said);
	assert_string_equal(said.data, words);
	assert_string_equal(out.data, text);
	problem_fini(&problems);
	buffer_fini(&said);
	buffer_fini(&out);
	free(good);
}

static void no_keys_at_all(void **state)
{
	static const char none[] = "error: what is given as the key holds no private key in PEM; it has a line "
	                           "-----BEGIN PRIVATE KEY-----: openssl genpkey writes such\n";
	(void)state;
	refuses_text("", NULL, -EINVAL, none);
	refuses_text("-----BEGIN PUBLIC KEY-----\n", NULL, -EINVAL, none);
	refuses_text("-----BEGIN PRIVATE KEY-----\nAAAA\n", NULL, -EINVAL,
	             "error: the key cannot be read: it has no END line\n");
	refuses_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", NULL, -EINVAL,
	             "error: the key is damaged, or of a kind that is not known here" TAKEN);
	refuses_text(
	        NULL, "", -EINVAL,
	        "error: what is given as certificates holds none in PEM; each begins with a line -----BEGIN "
	        "CERTIFICATE-----\n");
	refuses_text(NULL, "-----BEGIN CERTIFICATE-----\nAAAA\n", -EINVAL,
	             "error: certificate 1 cannot be used: it has no END line\n");
	refuses_text(NULL, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", -EINVAL,
	             "error: certificate 1 cannot be used: it is no X.509 certificate, or a damaged one\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_kind_of_key), cmocka_unit_test(form),
	                                   cmocka_unit_test(refusals), cmocka_unit_test(no_keys_at_all)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
