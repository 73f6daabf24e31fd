// SPDX-License-Identifier: GPL-2.0-or-later
//
// What `load` and `apply` do where there are trust anchors: the octets are verified before the parser sees
// them, the policy is judged, and what was accepted is remembered. Any doubt is a refusal.
#ifndef LEADGLASS_CLI_CLI_SIGNED_H
#define LEADGLASS_CLI_CLI_SIGNED_H

#include <stdbool.h>

#include "trust/trust.h"

struct cli_arguments;
struct policy;
struct state_store;

struct cli_signed {
	struct trust trust; // without anchors nobody asks for signatures, and nothing else here is used
	struct trust_verdict verdict; // on the octets the policy was parsed from
	const char *folder;           // that remembers what was accepted; owned by the caller
	struct state_store *store;    // open while it is held
	struct trust_floor floor;     // what was accepted last
	struct trust_floor next;      // what this policy makes of it
};
void cli_signed_init(struct cli_signed *signed_by);
void cli_signed_fini(struct cli_signed *signed_by);

// Reads the trust folder, then the policy as cli_read does; where there are anchors only after one of them was
// found to vouch for its octets. CLI_GO_ON, or the exit code after the problems were written: CLI_POLICY when
// nobody vouches, or who is trusted cannot be told.
int cli_signed_read(const char *name, const struct cli_arguments *arguments, struct cli_signed *ret,
                    struct policy *ret_policy);
bool cli_signed_asked(const struct cli_signed *signed_by); // there are anchors

// Judges it against what the state folder says was accepted last; the folder stays locked until
// cli_signed_fini, so that nobody accepts another one meanwhile. CLI_GO_ON where nobody asks, or the exit code
// after the problems were written.
int cli_signed_judge(struct cli_signed *signed_by, const char *folder, const struct policy *policy);
// The same without that: for an agent that has the folder, and judges again.
int cli_signed_judge_without_floor(const struct cli_signed *signed_by, const struct policy *policy);
// Whether an agent that starts next would refuse the policy it keeps once this one was accepted: *ret is that
// one's number, 0: no, or it keeps none. After cli_signed_judge. CLI_GO_ON, or the exit code after the problems
// were written.
int cli_signed_replaces(struct cli_signed *signed_by, uint64_t *ret);

// It was accepted: writes that down. 0 or -errno with a problem.
int cli_signed_accept(struct cli_signed *signed_by, struct problems *problems);

// Judges as any box would, of which nothing is known but what `trust` says: site and unit that are not in it
// are taken to be the policy's. As trust_judge.
int cli_judge_anywhere(const struct policy *policy, const struct trust_verdict *verdict,
                       const struct trust *trust, int64_t now, enum trust_when when, struct problems *problems);

// ---- cli_owner.c ----
// A state folder is its agent's user's: root works in it as that user, as nobody else can be trusted there, and
// becomes itself again for what needs more. Not root, or a folder of root's: nothing is done.
void cli_become_owner(const char *folder);
void cli_become_self(void);

#endif
