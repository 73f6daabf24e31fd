// SPDX-License-Identifier: GPL-2.0-or-later
//
// What there is to ask, and who may.
#include "control/control.h"

#include "control/control_wire.h"

bool control_changes(enum control_kind kind)
{
	switch (kind) {
	case CONTROL_APPLY:
	case CONTROL_CONFIRM:
	case CONTROL_ROLLBACK:
	case CONTROL_ALLOW:
	case CONTROL_CLOSE:
	case CONTROL_JUDGE:
		return true;
	case CONTROL_STATUS:
	case CONTROL_ALARMS:
	case CONTROL_PEERS:
	case CONTROL_COUNTERS:
	case CONTROL_DROPS:
	case CONTROL_FOLLOW:
	case CONTROL_HISTORY:
	case CONTROL_SHOW:
	case CONTROL_WINDOWS:
	case CONTROL_METRICS:
	case CONTROL_PORTS:
	case CONTROL_VERIFY:
		return false;
	}
	return true;
}

bool control_known(uint16_t kind)
{
	return kind >= CONTROL_STATUS && kind <= CONTROL_JUDGE;
}

bool control_takes_payload(enum control_kind kind)
{
	return kind == CONTROL_APPLY || kind == CONTROL_JUDGE;
}

const char *control_trust_name(enum control_trust trust)
{
	switch (trust) {
	case CONTROL_TRUST_UNSIGNED:
		return "unsigned";
	case CONTROL_TRUST_SIGNED:
		return "signed";
	case CONTROL_TRUST_NOT:
		return "not-trusted";
	case CONTROL_TRUST_UNKNOWN:
		return "unknown";
	}
	return "";
}

const char *control_flowtable_name(enum control_flowtable flowtable)
{
	switch (flowtable) {
	case CONTROL_FLOWTABLE_NONE:
		return "none";
	case CONTROL_FLOWTABLE_ACTIVE:
		return "active";
	case CONTROL_FLOWTABLE_WAITING:
		return "waiting";
	case CONTROL_FLOWTABLE_LACKING:
		return "lacking";
	}
	return "";
}

const char *control_wall_name(enum control_wall wall)
{
	switch (wall) {
	case CONTROL_WALL_NONE:
		return "none";
	case CONTROL_WALL_CLOSED:
		return "closed";
	case CONTROL_WALL_UP:
		return "up";
	case CONTROL_WALL_UNVERIFIED:
		return "unverified";
	}
	return "unknown";
}
