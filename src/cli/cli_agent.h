// SPDX-License-Identifier: GPL-2.0-or-later
//
// Talking to the agent from a subcommand: ask, say what it complained about, and who is asking.
#ifndef LEADGLASS_CLI_CLI_AGENT_H
#define LEADGLASS_CLI_CLI_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/address.h"
#include "control/control.h"

#define CLI_AGENT_TIMEOUT 30000 // ms: the agent answers at once, but for a transaction under way

struct cli_reply {
	struct control_answer answer;
	char *payload; // NUL after it; NULL: none
	size_t size;
};
void cli_reply_fini(struct cli_reply *reply);

// Connects to the agent of the run folder. CLI_GO_ON, or CLI_KERNEL after a message that says what to do.
int cli_agent_connect(const char *run, struct control **ret);

// Asks and waits. `request` may be NULL; `who` is filled in where it counts. CLI_GO_ON and `ret` when the agent
// did what it was asked; else `ret` is as the agent answered (answer.error) or empty, a message has been
// written, and the result is an exit code: CLI_POLICY for -EINVAL, -EBADMSG, -E2BIG and -EKEYREJECTED, CLI_NO
// for -ENOENT (there is no such thing), CLI_INTERNAL for -ENOMEM, else CLI_KERNEL. cli_reply_fini in every
// case.
int cli_agent_ask(struct control *control, enum control_kind kind, struct control_request *request,
                  const void *payload, size_t size, struct cli_reply *ret);

// Connects, asks, disconnects.
int cli_agent_ask_once(const char *run, enum control_kind kind, struct control_request *request,
                       struct cli_reply *ret);

// The answer to CONTROL_STATUS, ALARMS, PEERS, COUNTERS, DROPS, FOLLOW, HISTORY, WINDOWS or PORTS as an array
// of its structures, with every text terminated and every enum known: how many there are, *ret_items the first.
// False after a message when it is no such array.
bool cli_reply_items(struct cli_reply *reply, enum control_kind kind, const void **ret_items,
                     size_t *ret_count);

// Asks for it, and both of these.
int cli_agent_ask_list(struct control *control, enum control_kind kind, struct cli_reply *reply,
                       const void **ret_items, size_t *ret_count);

// Whether an operand means a policy that the agent keeps: "@running" is 0, "@12" is 12. False: the name of a
// file.
bool cli_agent_keeps(const char *name, uint64_t *ret);
// Gets its bundle, as the payload. 0 or -errno with a problem: -ECONNREFUSED no agent gave an answer, else what
// it said.
int cli_agent_fetch(const char *name, uint64_t number, const char *run, struct cli_reply *ret,
                    struct problems *problems);

// The process (-1: which one cannot be told) that keeps the wall of this network namespace: the agent of the
// run folder, or of the usual one. 0: none.
pid_t cli_agent_beside(const char *run);
// CLI_GO_ON when there is none; else a message, and CLI_KERNEL.
int cli_refuse_beside(const char *run);

// The connection this command is typed in: from SSH_CONNECTION (also of the shell that ran sudo), else from the
// terminal's line in utmp, which knows no ports (0).
struct cli_login {
	struct prefix from, to; // `to` of length 0: not known
	uint16_t from_port, to_port;
};
bool cli_login(struct cli_login *ret); // false: a console, or nothing is known

// "alice from 10.20.9.77", "root": who sits there, whoever sudo made of them. For logs.
void cli_who(char text[static CONTROL_WHO_MAX]);

#endif
