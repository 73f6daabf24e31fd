// SPDX-License-Identifier: GPL-2.0-or-later
//
// Service windows from the command line, for windows.py: straight into the kernel, without an agent.
//
//   open  POLICY FROM TO PORT MS COMMENT   TO: a device's address, or `box`
//   close POLICY FROM TO PORT
//   list                                   one line each: FROM TO PORT MS PACKETS COMMENT
//   own   POLICY                           loads it, then takes open and close from standard input, as above
//   but
//                                          without POLICY, and answers each with a line; the table is ours
//                                          until the input ends
//
// Exit status 0, or 1 with the problems on standard error.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/problem.h"
#include "nft/nft.h"
#include "nft/nft_access.h"
#include "policy/policy.h"
#include "ruleset/ruleset.h"

struct world {
	struct nft *nft;
	struct policy policy;
	struct ruleset ruleset;
	struct problems problems;
};

static void say_problems(struct world *w)
{
	struct buffer text = BUFFER_EMPTY;
	problem_print(&w->problems, &w->policy.sources, &text);
	if (text.data)
		fputs(text.data, stderr);
	buffer_fini(&text);
	problem_fini(&w->problems);
	problem_init(&w->problems);
}

static int read_policy(struct world *w, const char *path)
{
	int r = policy_read(&w->policy, path, &w->problems);
	return r < 0 ? r : ruleset_compile(&w->policy, &w->problems, &w->ruleset);
}

static bool read_access(char **words, int count, struct nft_access *ret)
{
	*ret = (struct nft_access){0};
	ret->box = strcmp(words[1], "box") == 0;
	ret->port = (uint16_t)atoi(words[2]);
	if (count > 3)
		ret->ms = strtoull(words[3], NULL, 10);
	if (count > 4)
		snprintf(ret->comment, sizeof ret->comment, "%s", words[4]);
	return prefix_parse(words[0], strlen(words[0]), &ret->from) == PREFIX_OK &&
	       (ret->box || prefix_parse(words[1], strlen(words[1]), &ret->to) == PREFIX_OK);
}

// `words`: FROM TO PORT, and to open MS COMMENT.
static int change(struct world *w, bool open, char **words, int count)
{
	struct nft_access access;
	if (count != (open ? 5 : 3) || !read_access(words, count, &access))
		return -EINVAL;
	return open ? nft_access_open(w->nft, &w->ruleset, &access, &w->problems)
	            : nft_access_close(w->nft, &w->ruleset, &access, &w->problems);
}

static int list(struct world *w)
{
	struct nft_access *found;
	size_t count;
	int r = nft_access_list(w->nft, &found, &count, &w->problems);
	for (size_t i = 0; r == 0 && i < count; i++) {
		char from[PREFIX_TEXT_MAX], to[PREFIX_TEXT_MAX];
		printf("%s %s %u %" PRIu64 " %" PRIu64 " %s\n", prefix_print(&found[i].from, from),
		       found[i].box ? "box" : prefix_print(&found[i].to, to), found[i].port, found[i].ms,
		       found[i].packets, found[i].comment);
	}
	if (r == 0)
		free(found);
	return r;
}

static int own(struct world *w, const char *path)
{
	const struct nft_load_options options = {0};
	struct nft_load_result result = {0};
	char line[512];
	int r = read_policy(w, path);
	if (r == 0)
		r = nft_load(w->nft, &w->ruleset, &w->policy.sources, &options, &w->problems, &result);
	if (r < 0)
		return r;
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		char *words[6];
		int count = 0;
		for (char *word = strtok(line, " \n"); word && count < 6; word = strtok(NULL, " \n"))
			words[count++] = word;
		r = count > 0 ? change(w, strcmp(words[0], "open") == 0, words + 1, count - 1) : -EINVAL;
		say_problems(w);
		puts(r < 0 ? strerror(-r) : "done");
		fflush(stdout);
	}
	return 0;
}

static int run(struct world *w, int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "list") == 0)
		return list(w);
	if (argc == 3 && strcmp(argv[1], "own") == 0)
		return own(w, argv[2]);
	if (argc < 3)
		return -EINVAL;
	int r = read_policy(w, argv[2]);
	return r < 0 ? r : change(w, strcmp(argv[1], "open") == 0, argv + 3, argc - 3);
}

int main(int argc, char **argv)
{
	struct world w = {0};
	policy_init(&w.policy);
	ruleset_init(&w.ruleset);
	problem_init(&w.problems);
	int r = nft_open(&w.nft, &w.problems);
	if (r == 0)
		r = run(&w, argc, argv);
	say_problems(&w);
	if (r < 0)
		fprintf(stderr, "windows: %s\n", strerror(-r));
	nft_close(w.nft);
	problem_fini(&w.problems);
	ruleset_fini(&w.ruleset);
	policy_fini(&w.policy);
	return r < 0;
}
