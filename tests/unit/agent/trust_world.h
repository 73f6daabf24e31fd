// SPDX-License-Identifier: GPL-2.0-or-later
//
// For tests of the agent's part in signed policies: what src/trust would say of folder, signature and policy. A
// trust folder is real (world.trust), but nobody reads its files.
#ifndef LEADGLASS_TESTS_TRUST_WORLD_H
#define LEADGLASS_TESTS_TRUST_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "change_world.h"
#include "trust/trust.h"

struct trust_world {
	size_t anchors;
	int read_error; // of the folder
	unsigned reads;

	int apart_error;      // nothing could be found out
	enum trust_code code; // else this was; TRUST_GOOD after trust_world_reset
	int64_t valid_to;
	bool bad_anchor;
	unsigned verified;
	unsigned good_after; // so many verifications the code is TRUST_GOOD; 0: never

	bool judge_refuses; // whatever the serial
	enum trust_when when;
	int64_t judged_at;

	int64_t built;
};
extern struct trust_world trusted;

void trust_world_reset(void);
// The folder, if it is missing, and an anchor more in it: it looks otherwise from outside.
void trust_world_add(void);

// A life of the agent (change_world.h), with somebody who is trusted from the start, or with nobody.
int trust_begin(void **state);
int trust_begin_alone(void **state);
struct control_status trust_status(void);
void trust_tick(bool minute);          // one pass of the loop
void trust_refused(const char *words); // the last request was, and said that

#define REST                                                                                                   \
	"role host\ndevice ct { ae-title CT; port 104 }\nmanage { from 10.20.9.0/24; port 22 }\n"              \
	"peer a { address 10.20.0.5; ae-title A; port 104; initiates echo }\n"
#define SERIAL(n) "policy { site st-anna; unit ct; serial " n " }\n" REST
#define NOW (1700000000 + world.now / 1000)

#endif
