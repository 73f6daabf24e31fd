// SPDX-License-Identifier: GPL-2.0-or-later
//
// Verifying where nothing can be lost: the octets may come from anybody, and mbedTLS reads them.
#include "sandbox/sandbox.h"
#include "trust/trust.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/signed_text.h"
#include "policy/policy_bundle.h"
#include "trust/trust_about.h"
#include "trust/trust_subject.h"
#include "trust/trust_verify.h"

#define ERROR_MAX 4095 // the kernel's

static const char unchecked[] = "the signature cannot be checked";

struct question {
	const char *text;
	size_t size;
	const struct trust *trust;
	bool bundled; // the text is a bundle
};

struct answer {
	int32_t error; // 0 or -errno
	struct trust_verdict verdict;
};

// mbedTLS asks for the date, and the C library's first date reads the time zone from a file, which cannot be
// opened over there.
static int apart(void (*work)(const void *, int, void *), const void *context, int fd, void *ret, size_t size)
{
	const time_t epoch = 0;
	struct tm date;
	gmtime_r(&epoch, &date);
	return sandbox_apart(work, context, fd, ret, size);
}

// What went wrong between here and there, or over there.
static int complain(int error, const char *consequence, struct problems *problems)
{
	const char *what = error == -EPROTO      ? "the process that does it ended without an answer"
	                   : error == -ETIMEDOUT ? "it took too long"
	                   : error == -EREMOTEIO ? "the answer makes no sense"
	                   : error == -EBADMSG   ? "this is no policy in one piece, or it is damaged"
	                   : error == -ESPIPE    ? "it is no regular file"
	                   : error == -ENOMEM    ? "out of memory"
	                                         : strerror(-error);
	problem_addf(problems, PROBLEM_ERROR, 0, 0, NULL, "%s: %s", consequence, what);
	return error;
}

// An anchor's name and scope are known here: nobody over there can make up others.
static bool vouches(const struct trust *trust, const struct trust_verdict *verdict)
{
	for (size_t i = 0; i < trust->count; i++) {
		if (strcmp(trust->anchors[i].name, verdict->anchor) == 0)
			return trust->anchors[i].scope == (enum trust_scope)verdict->scope;
	}
	return false;
}

// What is signed is known here, too, where it is at hand. It is remembered as what was accepted: of other
// octets a box would take what stands for a policy that it never accepted, at its next start.
static bool of_these_octets(const struct question *question, const struct trust_verdict *verdict)
{
	const char *text = question->text;
	size_t size = question->size;
	uint8_t content[TRUST_HASH_SIZE];
	if (!text)
		return true;
	if (question->bundled && policy_bundle_only(text, size, &text, &size) < 0)
		return false;
	return verdict->size < size && verdict->size == signed_text_end(text, size) &&
	       trust_hash(text, (size_t)verdict->size, content) == 0 &&
	       memcmp(content, verdict->content, sizeof content) == 0;
}

static bool sane(const struct question *question, const struct answer *answer)
{
	const struct trust_verdict *verdict = &answer->verdict;
	if (answer->error != 0)
		return answer->error < 0 && answer->error >= -ERROR_MAX;
	return trust_verdict_sane(verdict) &&
	       (verdict->code != TRUST_GOOD ||
	        (vouches(question->trust, verdict) && of_these_octets(question, verdict)));
}

static int ask(void (*work)(const void *, int, void *), const struct question *question, int fd,
               struct trust_verdict *ret, struct problems *problems)
{
	struct answer answer;
	*ret = (struct trust_verdict){.code = TRUST_UNCHECKED};
	int r = apart(work, question, fd, &answer, sizeof answer);
	if (r == 0)
		r = sane(question, &answer) ? answer.error : -EREMOTEIO;
	if (r < 0)
		return complain(r, unchecked, problems);
	*ret = answer.verdict;
	return 0;
}

static void verify_text(const void *context, int fd, void *ret)
{
	const struct question *question = context;
	struct answer *answer = ret;
	struct trust_content content = {.text = question->text, .size = question->size, .fd = -1};
	(void)fd;
	answer->error = trust_verify_content(&content, question->trust, &answer->verdict);
}

static void verify_bundle(const void *context, int fd, void *ret)
{
	const struct question *question = context;
	struct answer *answer = ret;
	struct question only = {.trust = question->trust};
	int r = policy_bundle_only(question->text, question->size, &only.text, &only.size);
	if (r == 0)
		verify_text(&only, fd, ret);
	else if (r == -E2BIG)
		answer->verdict.code = TRUST_NOT_SIGNED;
	else
		answer->error = r;
}

static void verify_file(const void *context, int fd, void *ret)
{
	const struct question *question = context;
	struct answer *answer = ret;
	struct trust_content content = {.fd = fd};
	answer->error = trust_verify_content(&content, question->trust, &answer->verdict);
}

int trust_verify_apart(const char *text, size_t size, const struct trust *trust, struct trust_verdict *ret,
                       struct problems *problems)
{
	const struct question question = {.text = text ? text : "", .size = size, .trust = trust};
	return ask(verify_text, &question, -1, ret, problems);
}

int trust_verify_bundle_apart(const char *bundle, size_t size, const struct trust *trust,
                              struct trust_verdict *ret, struct problems *problems)
{
	const struct question question = {.text = bundle, .size = size, .trust = trust, .bundled = true};
	return ask(verify_bundle, &question, -1, ret, problems);
}

int trust_verify_file_apart(int fd, const struct trust *trust, struct trust_verdict *ret,
                            struct problems *problems)
{
	const struct question question = {.trust = trust};
	struct stat status;
	*ret = (struct trust_verdict){.code = TRUST_UNCHECKED};
	if (fstat(fd, &status) < 0)
		return complain(-errno, unchecked, problems);
	if (!S_ISREG(status.st_mode))
		return complain(-ESPIPE, unchecked, problems);
	return ask(verify_file, &question, fd, ret, problems);
}

// ---- what an anchor is ----

struct about_answer {
	int32_t error;
	struct trust_about about;
};

static void describe(const void *context, int fd, void *ret)
{
	const struct question *question = context;
	struct about_answer *answer = ret;
	(void)fd;
	answer->error = trust_about(question->text, question->size, &answer->about);
}

static bool ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) && trust_text_good(text);
}

static bool about_sane(const struct about_answer *answer)
{
	const struct trust_about *about = &answer->about;
	if (answer->error != 0)
		return answer->error < 0 && answer->error >= -ERROR_MAX;
	return about->is_key <= 1 && about->good <= 1 && about->as_signer < TRUST_CODE_COUNT &&
	       ends(about->subject, sizeof about->subject) && ends(about->kind, sizeof about->kind) &&
	       ends(about->why, sizeof about->why) && (about->good == 0) == (about->why[0] != '\0');
}

int trust_about_apart(const char *text, size_t size, struct trust_about *ret, struct problems *problems)
{
	const struct question question = {.text = text, .size = size};
	struct about_answer answer;
	*ret = (struct trust_about){0};
	int r = apart(describe, &question, -1, &answer, sizeof answer);
	if (r == 0)
		r = about_sane(&answer) ? answer.error : -EREMOTEIO;
	if (r < 0)
		return complain(r, "the anchor cannot be read", problems);
	*ret = answer.about;
	return 0;
}
