// SPDX-License-Identifier: GPL-2.0-or-later
//
// Reading the fixture.
#include "made.h"

#include <stdio.h>

#include "base/signed_text.h"

char *made_read(const char *name, size_t *ret_size)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", TRUST_MADE, name);
	FILE *file = fopen(path, "rb");
	if (!file)
		fail_msg("there is no %s", path);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	long size = ftell(file);
	assert_true(size >= 0);
	rewind(file);
	char *text = malloc((size_t)size + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, (size_t)size, file), size);
	text[size] = '\0';
	fclose(file);
	*ret_size = (size_t)size;
	return text;
}

static bool ends_in(const char *text, const char *end)
{
	size_t size = strlen(text), end_size = strlen(end);
	return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

void made_trust(struct trust *ret, const char *names)
{
	char list[512], path[600], *rest = list;
	*ret = (struct trust){.path = "/etc/leadglass/trust"};
	snprintf(list, sizeof list, "%s", strcmp(names, "none") == 0 ? "" : names);
	for (char *name; (name = strtok_r(rest, ",", &rest));) {
		assert_true(ret->count < TRUST_ANCHORS_MAX);
		struct trust_anchor *anchor = &ret->anchors[ret->count++];
		snprintf(anchor->name, sizeof anchor->name, "%s", name);
		anchor->scope = ends_in(name, ".site")  ? TRUST_SITE
		                : ends_in(name, ".oem") ? TRUST_OEM
		                                        : TRUST_ALL;
		snprintf(path, sizeof path, "anchors/%s.pem", name);
		anchor->text = made_read(path, &anchor->size);
	}
}

void made_trust_fini(struct trust *trust)
{
	for (size_t i = 0; i < trust->count; i++)
		free(trust->anchors[i].text);
	*trust = (struct trust){0};
}

void made_verify(const char *text, size_t size, const struct trust *trust, struct trust_verdict *ret)
{
	memset(ret, 0xff, sizeof *ret);
	trust_verify(text, size, trust, ret);
	assert_true(trust_verdict_sane(ret));
	if (ret->code == TRUST_GOOD) {
		uint8_t content[TRUST_HASH_SIZE];
		assert_int_equal(ret->size, signed_text_end(text, size));
		assert_int_equal(trust_hash(text, (size_t)ret->size, content), 0);
		assert_memory_equal(ret->content, content, sizeof content);
	}
}

struct buffer made_words(const struct trust_verdict *verdict, const struct trust *trust)
{
	struct buffer words = BUFFER_EMPTY;
	struct problems problems;
	problem_init(&problems);
	trust_verdict_tell(verdict, "policy", trust, &problems);
	assert_int_equal(problem_any_error(&problems), verdict->code != TRUST_GOOD);
	problem_print(&problems, NULL, &words);
	// The keys are new in each build.
	const char *signer = verdict->signer;
	if (strncmp(signer, "key ", 4) == 0) {
		char key[TRUST_HASH_TEXT_SIZE];
		assert_int_equal(strlen(signer), 20);
		assert_memory_equal(signer + 4, trust_hash_print(verdict->key, key), 16);
		signer = "key ...";
	}
	if (verdict->code == TRUST_GOOD)
		buffer_printf(&words, "good: %s; %s (%s); %s\n",
		              trust_algorithm_name((enum trust_algorithm)verdict->algorithm), verdict->anchor,
		              trust_scope_name((enum trust_scope)verdict->scope), signer);
	problem_fini(&problems);
	assert_false(buffer_failed(&words));
	return words;
}
