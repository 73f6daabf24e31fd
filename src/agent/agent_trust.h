// SPDX-License-Identifier: GPL-2.0-or-later
//
// Signed policies (trust.h) in the agent: whom this box trusts is read anew for each decision, what was
// accepted is remembered, and what stands is held against both. Nothing here ever takes a wall away while it
// stands.
#ifndef LEADGLASS_AGENT_AGENT_TRUST_H
#define LEADGLASS_AGENT_AGENT_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "control/control.h"
#include "trust/trust.h"

struct agent;
struct agent_wall;
struct policy;

#define AGENT_TRUST_SOON (INT64_C(14) * 24 * 3600) // s: how long before it ends that is worth knowing

// What is known of a wall's signature. All zero: nobody has asked.
struct agent_signature {
	enum control_trust trust;
	char signer[TRUST_SUBJECT_MAX], anchor[TRUST_NAME_MAX];
	int64_t signer_to;             // seconds since 1970; 0: no such end
	struct trust_floor makes;      // once it is accepted; `any` false: nothing
	uint8_t seen[TRUST_HASH_SIZE]; // the trust folder as it was then (agent_trust_see)
};

struct agent_trust {
	dev_t device; // what `folder` is
	ino_t inode;
	int folder;      // open; -1: there was none at the start
	bool unreadable; // no policy is taken
	bool unsaved;    // the disk could not be told of `floor`
	bool lost;       // it could not be read: there was one
	bool unfinished; // nothing could be found out about the wall that stands
	bool believed;   // the clock was
	size_t anchors;  // when the folder was last read
	uint64_t refusals;
	struct trust_floor floor;

	// The confirmed policy that was refused last: the same is not checked again every ten seconds.
	struct {
		struct buffer text; // empty: none was
		uint8_t hash[TRUST_HASH_SIZE], seen[TRUST_HASH_SIZE];
	} refused;

	uint64_t dated;              // number of the wall whose dates were looked at
	int64_t dated_at, dated_for; // seconds since 1970: when they were, and until when nothing changes
};

// ---- agent_trust.c ----

// Before the sandbox, which leaves the agent only the folders that are open, and before the first wall, for
// which what was accepted has to be known.
void agent_trust_open(struct agent *agent);
void agent_trust_close(struct agent *agent);

// A policy that is to become a wall.
struct agent_candidate {
	uint64_t number; // 0: it has none yet
	char *bundle;    // taken over in every case
	size_t size;
	enum trust_when when;
	const char *by;  // who wants it; "": nobody, it was confirmed before
	bool only_asked; // nothing comes of it: a refusal is no event, and not logged
};
// Where somebody is trusted, nothing of it is parsed before its signature was found good, and then it is judged
// (trust_judge). As agent_wall_new; -EKEYREJECTED it is refused, and the log says so.
int agent_trust_wall(struct agent *agent, const struct agent_candidate *candidate, struct agent_wall **ret,
                     struct buffer *text);

// The two halves of it.
struct agent_trial {
	struct trust trust;
	struct trust_verdict verdict; // of no meaning where nobody is trusted
	struct agent_signature signature;
	struct problems problems;
};
// Who is trusted, and whether one of them has signed. 0, also where nobody is asked for; -EKEYREJECTED; or what
// kept us from finding out, with a problem. agent_trial_end in every case.
int agent_trial_begin(struct agent *agent, const char *bundle, size_t size, struct agent_trial *trial);
// Whether the policy may stand. 0, -EKEYREJECTED, -ENOMEM.
int agent_trial_judge(struct agent *agent, const struct policy *policy, enum trust_when when,
                      struct agent_trial *trial);
void agent_trial_end(struct agent_trial *trial);

// ---- agent_trust_folder.c ----

// Reads the trust folder as it is now. 0, or -errno with a problem: no policy may be taken then, and an alarm
// stands.
int agent_trust_read(struct agent *agent, struct trust *ret, struct problems *problems);
// What the folder looks like from outside: another value when anything in it may have changed. Reads no file.
void agent_trust_see(struct agent *agent, uint8_t ret[static TRUST_HASH_SIZE]);

// ---- agent_trust_floor.c ----

void agent_trust_recall(struct agent *agent); // what was accepted before this start
// What a policy is held against: `floor`; of one that comes, where the confirmed policy says more, that. 0 or
// -errno with a problem.
int agent_trust_floor(struct agent *agent, enum trust_when when, struct trust_floor *ret,
                      struct problems *problems);
// The confirmed policy is accepted: no later one may fall short of it. Needs no disk to be in force.
void agent_trust_accept(struct agent *agent);

// ---- agent_trust_standing.c ----

// Holds the standing policy against a trust folder that has changed.
void agent_trust_look(struct agent *agent);
// Whether the policy that waits may be confirmed: who was trusted when it came may be no more, or nobody was
// asked for then. 0; -EKEYREJECTED or -ENOMEM, with the reason in `text`.
int agent_trust_confirm(struct agent *agent, struct buffer *text);
int64_t agent_trust_next(const struct agent *agent);
void agent_trust_tick(struct agent *agent, bool minute);
void agent_trust_fill(const struct agent *agent, struct control_status *ret);

#endif
