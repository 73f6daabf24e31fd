// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the agent tells: lines on standard error, messages for the collectors, and standing complaints.
#include "agent/agent.h"

#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "agent/agent_outside.h"
#include "agent/agent_syslog.h"
#include "base/text.h"

#define LINE_MAX_OCTETS 1024

// One write, so that lines of several processes do not mix; none where the reader of a pipe has stopped
// reading: the wall does not wait for a log.
static void write_line(int severity, const char *text)
{
	struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};
	char line[LINE_MAX_OCTETS + 8];
	int size = snprintf(line, sizeof line, "<%d>%s\n", severity, text);

	if (size <= 0 || poll(&ready, 1, 0) != 1 || !(ready.revents & POLLOUT))
		return;
	if (write(STDERR_FILENO, line, (size_t)size) < 0)
		return; // there is nobody to tell
}

// What is quoted in a line may hold anything: a line end would make a second line of it, half a character spoil
// the file or the collector it ends up in.
static void one_line(char *text)
{
	size_t size = strlen(text), octets;

	for (size_t at = 0; at < size; at += octets) {
		uint32_t character;

		octets = text_utf8(text + at, size - at, &character);
		if (!octets || text_deceives(character)) {
			octets = octets ? octets : 1;
			memset(text + at, '?', octets);
		} else if (character < ' ' || character == 0x7f) {
			text[at] = ' ';
		}
	}
}

// The first lines are those that say why; what has no place any more is on standard error all the same.
static void keep(struct agent *agent, const char *message, size_t size)
{
	char *copy = agent->early_count < AGENT_EARLY_MAX ? malloc(size) : NULL;

	if (!copy)
		return;
	memcpy(copy, message, size);
	agent->early[agent->early_count].message = copy;
	agent->early[agent->early_count++].size = size;
}

static void tell_collectors(struct agent *agent, int severity, const char *id, const struct agent_field *fields,
                            size_t count, const char *text)
{
	struct agent_syslog message = {
	        .facility = LOG_DAEMON,
	        .severity = severity,
	        .host = agent->host,
	        .app = "leadglassd",
	        .pid = (uint32_t)getpid(),
	        .id = id,
	        .fields = fields,
	        .count = count,
	        .text = text,
	};
	char out[AGENT_SYSLOG_MAX];
	struct timespec now;
	size_t size;

	clock_gettime(CLOCK_REALTIME, &now);
	message.seconds = now.tv_sec;
	message.microseconds = (uint32_t)(now.tv_nsec / 1000);
	size = agent_syslog_format(&message, out);
	if (!size)
		return;
	if (agent->outside)
		agent_outside_log(agent, out, size);
	else
		keep(agent, out, size);
}

void agent_log(struct agent *agent, int severity, const char *id, const struct agent_field *fields,
               size_t count, const char *format, ...)
{
	char text[LINE_MAX_OCTETS];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	one_line(text);
	write_line(severity, text);
	if (agent->options.syslog[0])
		tell_collectors(agent, severity, id, fields, count, text);
}

void agent_log_catch_up(struct agent *agent)
{
	const struct agent_wall *wall = agent->standing;
	char text[LINE_MAX_OCTETS];

	for (size_t i = 0; i < agent->early_count; i++) {
		if (agent->outside)
			agent_outside_log(agent, agent->early[i].message, agent->early[i].size);
		free(agent->early[i].message);
	}
	agent->early_count = 0;
	if (!agent->options.syslog[0] || !agent->outside)
		return;
	if (wall && wall->number)
		snprintf(text, sizeof text, "leadglassd " LEADGLASS_VERSION " runs: policy %" PRIu64 " stands",
		         wall->number);
	else
		snprintf(text, sizeof text, "leadglassd " LEADGLASS_VERSION " runs: %s: %s",
		         wall ? "the closed wall stands" : "no wall stands", agent->reason);
	tell_collectors(agent, LOG_NOTICE, "STARTED", NULL, 0, text);
}

// ---- alarms ----

static struct control_alarm *find_alarm(struct agent *agent, const char *name)
{
	for (size_t i = 0; i < agent->alarm_count; i++) {
		if (strncmp(agent->alarms[i].name, name, sizeof agent->alarms[i].name - 1) == 0)
			return &agent->alarms[i];
	}
	return NULL;
}

static void raise_alarm(struct agent *agent, const char *name, bool note, const char *format, va_list arguments)
        __attribute__((format(printf, 4, 0)));
static void raise_alarm(struct agent *agent, const char *name, bool note, const char *format, va_list arguments)
{
	struct control_alarm *alarm = find_alarm(agent, name);
	char text[sizeof alarm->text];
	const struct agent_field field = {note ? "note" : "alarm", name};

	text_cut(text, sizeof text, vsnprintf(text, sizeof text, format, arguments));
	one_line(text);
	if (alarm) {
		const bool worse = alarm->note && !note;

		memcpy(alarm->text, text, sizeof text);
		alarm->note = note;
		if (!worse)
			return;
	} else if (agent->alarm_count < AGENT_ALARMS_MAX) {
		alarm = &agent->alarms[agent->alarm_count++];
		*alarm = (struct control_alarm){.since = agent_unix(), .note = note};
		snprintf(alarm->name, sizeof alarm->name, "%s", name);
		memcpy(alarm->text, text, sizeof text);
	}
	// One that finds no place is logged all the same; each time, for nobody knows that it stands.
	agent_log(agent, note ? LOG_NOTICE : LOG_ERR, note ? "NOTE" : "ALARM", &field, 1, "%s", text);
}

void agent_alarm(struct agent *agent, const char *name, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	raise_alarm(agent, name, false, format, arguments);
	va_end(arguments);
}

void agent_note(struct agent *agent, const char *name, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	raise_alarm(agent, name, true, format, arguments);
	va_end(arguments);
}

size_t agent_alarm_count(const struct agent *agent)
{
	size_t count = 0;

	for (size_t i = 0; i < agent->alarm_count; i++)
		count += !agent->alarms[i].note;
	return count;
}

void agent_alarm_lift(struct agent *agent, const char *name)
{
	struct control_alarm *alarm = find_alarm(agent, name);
	const bool note = alarm && alarm->note;
	const struct agent_field field = {note ? "note" : "alarm", name};
	char text[sizeof alarm->text];

	if (!alarm)
		return;
	memcpy(text, alarm->text, sizeof text);
	agent->alarm_count--;
	memmove(alarm, alarm + 1, (size_t)(agent->alarms + agent->alarm_count - alarm) * sizeof *alarm);
	agent_log(agent, LOG_NOTICE, note ? "NOTE-LIFTED" : "ALARM-LIFTED", &field, 1, "no more: %s", text);
}
