// SPDX-License-Identifier: GPL-2.0-or-later
//
// Telling the service manager (sd_notify(3)'s protocol, NOTIFY_SOCKET): some lines instead of libsystemd.
// start-stop-daemon --notify-await speaks it too.
#ifndef LEADGLASS_AGENT_AGENT_NOTIFY_H
#define LEADGLASS_AGENT_AGENT_NOTIFY_H

int agent_notify_open(void); // connected socket; -1: no service manager wants to know. Call before the sandbox
// "READY=1\nSTATUS=..." and the like (up to 511 octets; READY=1 waits a second at most for a manager
// that does not read, nothing else waits); without effect for -1.
// "WATCHDOG=1" is due once a minute: the unit has WatchdogSec=3min.
void agent_notify(int notify, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
