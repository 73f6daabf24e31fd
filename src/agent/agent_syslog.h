// SPDX-License-Identifier: GPL-2.0-or-later
//
// Log messages as RFC 5424 wants them. Pure: no socket, no clock.
#ifndef LEADGLASS_AGENT_AGENT_SYSLOG_H
#define LEADGLASS_AGENT_AGENT_SYSLOG_H

#include <stddef.h>
#include <stdint.h>

struct agent_field; // agent.h

#define AGENT_SYSLOG_MAX 2048 // octets with a NUL: what every receiver should take (RFC 5424, 6.1)
#define AGENT_SYSLOG_ID "leadglass@32473"

struct agent_syslog {
	int facility, severity; // as in <syslog.h>: LOG_DAEMON, LOG_WARNING
	int64_t seconds;        // since 1970
	uint32_t microseconds;  // 0: not said
	const char *host, *app; // NULL or "": not known
	uint32_t pid;           // 0: not known
	const char *id;         // MSGID: "APPLIED"
	const struct agent_field *fields;
	size_t count;
	const char *text; // for people
};

// Writes the message without framing; what no header field or parameter may hold is replaced by '?'. Parameters
// that do not fit are left out whole, the text is cut between characters. The size, without the NUL.
size_t agent_syslog_format(const struct agent_syslog *message, char out[static AGENT_SYSLOG_MAX]);

// The same message as syslog daemons read it from /dev/log: <PRI>APP[PID]: MSGID [STRUCTURED-DATA] TEXT,
// without time and host, which they know themselves. Nothing (0) when `message` is none that
// agent_syslog_format wrote.
size_t agent_syslog_local(const char *message, size_t size, char out[static AGENT_SYSLOG_MAX]);

#endif
