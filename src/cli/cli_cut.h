// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whether a wall would cut the very connection a command is typed over.
#ifndef LEADGLASS_CLI_CLI_CUT_H
#define LEADGLASS_CLI_CLI_CUT_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/buffer.h"

struct control_window;
struct policy;
struct ruleset;

enum cli_cut_verdict {
	CLI_CUT_NO_CONNECTION, // a console, or nothing is known
	CLI_CUT_UNKNOWN,       // from `from`, but not to which address of ours
	CLI_CUT_KEPT,          // it goes on, and another could be made
	CLI_CUT_BY_WINDOW,     // it goes on as long as a service window is open: `seconds`
	CLI_CUT_CUT,
};

struct cli_cut {
	enum cli_cut_verdict verdict;
	struct prefix from, to;
	uint16_t from_port, port; // `port` is ours
	char interface[IF_NAMESIZE];
	uint32_t seconds;
	bool managed; // CLI_CUT_CUT: the policy's manage block has this address and port, and that is not
	              // enough
	struct buffer reason; // why it is cut, in the policy's words
};

// Asks the wall about the connection of cli_login, for packets of it that are under way and for a new one.
// `windows` are those that are open. cli_cut_fini in every case.
void cli_cut_find(const struct policy *policy, const struct ruleset *ruleset,
                  const struct control_window *windows, size_t window_count, struct cli_cut *ret);
void cli_cut_fini(struct cli_cut *cut);

// "10.20.9.77 to 10.20.1.10 port 22 (eth0)"
void cli_cut_print(const struct cli_cut *cut, struct buffer *out);

#endif
