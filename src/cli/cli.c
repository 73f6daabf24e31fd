// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the subcommands share; see cli.h.
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/problem.h"
#include "policy/policy.h"
#include "ruleset/ruleset.h"

void cli_message(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("leadglass: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
}

void cli_problems(const struct problems *problems, const struct sources *sources)
{
	struct buffer text = BUFFER_EMPTY;
	bool placed = false;

	for (size_t i = 0; i < problems->count; i++)
		placed = placed || problems->items[i].at != 0;
	if (placed) {
		problem_print(problems, sources, &text);
	} else {
		for (size_t i = 0; i < problems->count; i++) {
			const struct problem *problem = &problems->items[i];

			buffer_printf(&text, "leadglass: %s%s%s%s\n",
			              problem->level == PROBLEM_WARNING ? "warning: " : "", problem->what,
			              problem->instead ? "; " : "", problem->instead ? problem->instead : "");
		}
		if (problems->dropped)
			buffer_printf(&text, "leadglass: and %zu more\n", problems->dropped);
	}
	if (text.size)
		fwrite(text.data, 1, text.size, stderr);
	if (buffer_failed(&text) || problems->lost)
		cli_message("out of memory");
	buffer_fini(&text);
}

int cli_answer(struct buffer *out, int status)
{
	int error = 0;

	if (buffer_failed(out)) {
		cli_message("out of memory");
		buffer_fini(out);
		return CLI_INTERNAL;
	}
	errno = 0;
	if (out->size && fwrite(out->data, 1, out->size, stdout) != out->size)
		error = errno ? errno : EIO;
	if (fclose(stdout) != 0 && !error)
		error = errno ? errno : EIO;
	buffer_fini(out);
	if (error) {
		cli_message("cannot write the answer: %s", strerror(error));
		return CLI_INTERNAL;
	}
	return status;
}

int cli_exit_of(int error)
{
	return error == -ENOMEM ? CLI_INTERNAL : CLI_KERNEL;
}

int cli_exit_of_read(int error)
{
	if (error == -ENOMEM)
		return CLI_INTERNAL;
	if (error == -EACCES || error == -EPERM || error == -ECONNREFUSED)
		return CLI_KERNEL;
	return CLI_POLICY;
}

void cli_failure(int error, const struct problems *problems, const struct sources *sources)
{
	cli_problems(problems, sources);
	if (!problems->count && !problems->lost)
		cli_message("%s", error == -ENOMEM ? "out of memory" : strerror(-error));
}

int cli_read(const char *name, const char *run, struct policy *ret)
{
	struct problems problems;
	int error;

	problem_init(&problems);
	error = cli_read_policy(name, run, ret, &problems);
	if (error)
		cli_failure(error, &problems, &ret->sources);
	problem_fini(&problems);
	return error ? cli_exit_of_read(error) : CLI_GO_ON;
}

int cli_compile(const struct policy *policy, struct ruleset *ret)
{
	struct problems problems;
	int error;

	problem_init(&problems);
	error = ruleset_compile(policy, &problems, ret);
	if (error)
		cli_failure(error, &problems, &policy->sources);
	problem_fini(&problems);
	if (!error)
		return CLI_GO_ON;
	return error == -ENOMEM ? CLI_INTERNAL : CLI_POLICY;
}

int cli_wall(const char *name, const char *run, struct policy *ret_policy, struct ruleset *ret_ruleset)
{
	int status = cli_read(name, run, ret_policy);

	return status == CLI_GO_ON ? cli_compile(ret_policy, ret_ruleset) : status;
}

void cli_count(struct buffer *out, size_t count, const char *noun)
{
	size_t size = strlen(noun);

	buffer_printf(out, "%zu %s%s", count, noun,
	              count == 1                      ? ""
	              : size && noun[size - 1] == 's' ? "es"
	                                              : "s");
}

size_t cli_elements(const struct ruleset *ruleset)
{
	size_t count = 0;

	for (size_t t = 0; t < ruleset->table_count; t++) {
		const struct ruleset_table *table = &ruleset->tables[t];

		for (size_t s = 0; s < table->set_count; s++)
			count += table->sets[s].constant ? 0 : table->sets[s].count;
	}
	return count;
}
