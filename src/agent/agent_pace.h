// SPDX-License-Identifier: GPL-2.0-or-later
//
// A token bucket: so many at once, then one every so often. Times are the caller's.
#ifndef LEADGLASS_AGENT_AGENT_PACE_H
#define LEADGLASS_AGENT_AGENT_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct agent_pace {
	int64_t every;    // ms for one
	int64_t burst;    // at once
	int64_t empty_at; // when what was taken would be used up at the steady rate
};

// When one can be taken, ms; not after `now`: at once.
static inline int64_t agent_pace_next(const struct agent_pace *pace)
{
	return pace->empty_at - pace->every * (pace->burst - 1);
}

static inline bool agent_pace_take(struct agent_pace *pace, int64_t now)
{
	if (pace->empty_at < now)
		pace->empty_at = now;
	if (agent_pace_next(pace) > now)
		return false;
	pace->empty_at += pace->every;
	return true;
}

#endif
