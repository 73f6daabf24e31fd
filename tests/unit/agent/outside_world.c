// SPDX-License-Identifier: GPL-2.0-or-later
#include "outside_world.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE 20000 // ms

struct outside_world outside_world;

static int64_t real_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t agent_now(void)
{
	return outside_world.real_time ? real_now() : outside_world.now;
}

int64_t agent_unix(void)
{
	return 1700000000;
}

static char *alarm_named(const char *name)
{
	return strcmp(name, "outside") == 0 ? outside_world.alarm : outside_world.collector_alarm;
}

void agent_alarm(struct agent *agent, const char *name, const char *format, ...)
{
	va_list arguments;
	(void)agent;
	va_start(arguments, format);
	vsnprintf(alarm_named(name), sizeof outside_world.alarm, format, arguments);
	va_end(arguments);
	outside_world.alarms++;
}

void agent_alarm_lift(struct agent *agent, const char *name)
{
	(void)agent;
	alarm_named(name)[0] = '\0';
	outside_world.lifted++;
}

void agent_discard_unseen(struct agent *agent, int fd)
{
	(void)agent;
	close(fd);
	outside_world.discarded++;
}

// What the child forgets of the keeper is not there.
void agent_access_close(struct agent *agent)
{
	(void)agent;
}

void agent_drops_close(struct agent *agent)
{
	(void)agent;
}

void agent_peers_close(struct agent *agent)
{
	(void)agent;
}

void agent_wall_free(struct agent_wall *wall)
{
	(void)wall;
}

void agent_drops_row(struct agent *agent, size_t index, const struct drops_row *row)
{
	(void)agent;
	outside_world.rows++;
	outside_world.last_index = index;
	outside_world.last_row = *row;
}

void agent_peers_connection(struct agent *agent, const struct prefix *source, const struct prefix *destination,
                            uint8_t protocol, uint16_t port, uint32_t count)
{
	(void)agent;
	(void)source;
	(void)destination;
	(void)protocol;
	outside_world.connections++;
	outside_world.connection_count += count;
	outside_world.connection_port = port;
}

bool outside_world_until(bool (*done)(void))
{
	const int64_t end = real_now() + PATIENCE;
	while (!done() && real_now() < end) {
		struct pollfd fd = {.fd = agent_outside_fd(&outside_world.agent), .events = POLLIN};
		poll(&fd, 1, 50);
		if (fd.revents)
			agent_outside_heard(&outside_world.agent);
		if (outside_world.real_time)
			agent_outside_tick(&outside_world.agent, agent_now());
	}
	return done();
}
