// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel_world.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/buffer.h"

int kernel_setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	assert_non_null(w);
	problem_init(&w->problems);
	if (unshare(CLONE_NEWNET) < 0)
		fail_msg("no network namespace: %s", strerror(errno));
	if (nft_open(&w->nft, &w->problems) < 0)
		fail_msg("%s", w->problems.items[0].what);
	*state = w;
	return 0;
}

int kernel_teardown(void **state)
{
	struct world *w = *state;
	nft_close(w->nft);
	problem_fini(&w->problems);
	free(w);
	return 0;
}

void kernel_print_problems(const struct world *w)
{
	struct buffer text = BUFFER_EMPTY;
	problem_print(&w->problems, NULL, &text);
	if (text.data)
		print_message("%s", text.data);
	buffer_fini(&text);
}

int kernel_try_load(struct world *w, struct fixture fixture, bool skip_read_back)
{
	struct ruleset meant;
	const struct nft_load_options options = {.skip_read_back = skip_read_back};
	assert_int_equal(fixture_build(&fixture, &meant), 0);
	w->result = (struct nft_load_result){0};
	int r = nft_load(w->nft, &meant, NULL, &options, &w->problems, &w->result);
	ruleset_fini(&meant);
	return r;
}

void kernel_load(struct world *w, struct fixture fixture, enum nft_change change)
{
	int r = kernel_try_load(w, fixture, false);
	if (r < 0)
		kernel_print_problems(w);
	assert_int_equal(r, 0);
	assert_int_equal(w->result.change, change);
	assert_true(w->result.verified);
}

bool kernel_tell(void *context, const struct ruleset_difference *difference)
{
	struct buffer text = BUFFER_EMPTY;
	(void)context;
	ruleset_difference_print(difference, NULL, &text);
	print_message("%s\n", text.data ? text.data : "?");
	buffer_fini(&text);
	return true;
}

size_t kernel_differences(struct world *w, struct fixture fixture)
{
	struct ruleset meant;
	size_t count = 0;
	assert_int_equal(fixture_build(&fixture, &meant), 0);
	int r = nft_verify(w->nft, &meant, NULL, NULL, &w->problems, &count);
	if (r < 0)
		kernel_print_problems(w);
	assert_int_equal(r, 0);
	ruleset_fini(&meant);
	return count;
}

int kernel_run(const char *command)
{
	int status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void kernel_let_go(struct world *w)
{
	nft_close(w->nft);
	w->nft = NULL;
	assert_int_equal(nft_open(&w->nft, &w->problems), 0);
}

void kernel_tamper(struct world *w, const char *command)
{
	kernel_let_go(w);
	if (kernel_run(command) != 0)
		fail_msg("cannot tamper: %s", command);
}

struct nft_state kernel_state(struct world *w)
{
	struct ruleset found;
	struct nft_state state = {0};
	assert_int_equal(nft_read(w->nft, &found, &state, &w->problems), 0);
	ruleset_fini(&found);
	return state;
}

uint64_t kernel_chain_handle(const char *chain)
{
	char command[128], line[256];
	uint64_t handle = 0;
	snprintf(command, sizeof command, "nft -a list chain inet leadglass %s", chain);
	FILE *out = popen(command, "r");
	assert_non_null(out);
	while (fgets(line, sizeof line, out)) {
		const char *at = strstr(line, "chain ");
		if (at && (at = strstr(at, "# handle ")))
			handle = strtoull(at + strlen("# handle "), NULL, 10);
	}
	pclose(out);
	assert_int_not_equal(handle, 0);
	return handle;
}

bool kernel_has_persistence(struct world *w)
{
	return kernel_state(w).inet.persistent;
}
