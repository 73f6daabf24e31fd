// SPDX-License-Identifier: GPL-2.0-or-later
//
// Who types this command, and over which connection: for the log, and for the warning that a policy would cut
// that connection. sudo takes SSH_CONNECTION away, so the shells above it are asked too.
#include "cli/cli_agent.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utmpx.h>

#include "base/file.h"

#define ANCESTORS_MAX 32
#define ENVIRONMENT_MAX (1u << 20)

static bool read_address(const char *text, struct prefix *ret)
{
	size_t size = strcspn(text, "%"); // fe80::1%eth0

	return prefix_parse(text, size, ret) == PREFIX_OK && prefix_is_exact(ret);
}

// "10.20.9.77 52114 10.20.1.10 22", what sshd(8) says.
static bool read_ssh(const char *value, struct cli_login *ret)
{
	char from[64], to[64];
	unsigned from_port, to_port;

	*ret = (struct cli_login){0};
	if (sscanf(value, "%63s %5u %63s %5u", from, &from_port, to, &to_port) != 4 || from_port > 0xffff ||
	    to_port > 0xffff || !read_address(from, &ret->from) || !read_address(to, &ret->to))
		return false;
	ret->from_port = (uint16_t)from_port;
	ret->to_port = (uint16_t)to_port;
	return true;
}

// The parent of a process; 0 when it cannot be told. The name in the second field may hold anything.
static pid_t parent_of(pid_t pid)
{
	char path[32], *text = NULL;
	const char *after;
	size_t size = 0;
	int parent = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (file_read(path, 4096, &text, &size))
		return 0;
	after = strrchr(text, ')');
	if (!after || sscanf(after + 1, " %*c %d", &parent) != 1)
		parent = 0;
	free(text);
	return (pid_t)parent;
}

static bool environment_of(pid_t pid, struct cli_login *ret)
{
	static const char name[] = "SSH_CONNECTION=";
	char path[40], *text = NULL;
	size_t size = 0;
	bool found = false;

	(void)snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	if (file_read(path, ENVIRONMENT_MAX, &text, &size))
		return false;
	for (size_t at = 0; at < size && !found; at += strlen(text + at) + 1) {
		if (strncmp(text + at, name, sizeof(name) - 1) == 0)
			found = read_ssh(text + at + sizeof(name) - 1, ret);
	}
	free(text);
	return found;
}

static bool terminal_line(struct cli_login *ret)
{
	const char *tty = ttyname(STDIN_FILENO);
	struct utmpx wanted = {0}, *line;
	bool found = false;

	if (!tty)
		tty = ttyname(STDERR_FILENO);
	if (!tty || strncmp(tty, "/dev/", 5) != 0 || strlen(tty + 5) >= sizeof(wanted.ut_line))
		return false;
	memcpy(wanted.ut_line, tty + 5, strlen(tty + 5));
	*ret = (struct cli_login){0};
	setutxent();
	line = getutxline(&wanted);
	if (line &&
	    (line->ut_addr_v6[0] || line->ut_addr_v6[1] || line->ut_addr_v6[2] || line->ut_addr_v6[3])) {
		bool ipv4 = !line->ut_addr_v6[1] && !line->ut_addr_v6[2] && !line->ut_addr_v6[3];

		ret->from.family = ipv4 ? ADDRESS_IPV4 : ADDRESS_IPV6;
		ret->from.length = ipv4 ? 32 : 128;
		memcpy(ret->from.octets, line->ut_addr_v6, ipv4 ? 4 : 16);
		found = true;
	}
	endutxent();
	return found;
}

bool cli_login(struct cli_login *ret)
{
	const char *own = getenv("SSH_CONNECTION");
	pid_t pid = getpid();

	if (own && read_ssh(own, ret))
		return true;
	for (int i = 0; i < ANCESTORS_MAX; i++) {
		pid = parent_of(pid);
		if (pid <= 1)
			break;
		if (environment_of(pid, ret))
			return true;
	}
	if (terminal_line(ret))
		return true;
	*ret = (struct cli_login){0};
	return false;
}

static void login_name(char name[static 33])
{
	const char *sudo = geteuid() == 0 ? getenv("SUDO_USER") : NULL;
	const struct passwd *entry;

	if (!sudo && geteuid() == 0)
		sudo = getenv("DOAS_USER");
	if (sudo && *sudo) {
		(void)snprintf(name, 33, "%.32s", sudo);
		return;
	}
	if (getlogin_r(name, 33) == 0 && name[0])
		return;
	entry = getpwuid(getuid());
	if (entry)
		(void)snprintf(name, 33, "%.32s", entry->pw_name);
	else
		(void)snprintf(name, 33, "uid %u", (unsigned)getuid());
}

void cli_who(char text[static CONTROL_WHO_MAX])
{
	char name[33] = "", address[PREFIX_TEXT_MAX];
	struct cli_login login;
	size_t size;

	login_name(name);
	// From the environment: it is to be a name in a line of a log and nothing else.
	for (char *c = name; *c; c++) {
		if (*c <= ' ' || *c > '~' || strchr("\"'\\<>", *c))
			*c = '?';
	}
	(void)snprintf(text, CONTROL_WHO_MAX, "%s", name);
	size = strlen(text);
	if (cli_login(&login) &&
	    size + strlen(" from ") + strlen(prefix_print(&login.from, address)) < CONTROL_WHO_MAX)
		(void)snprintf(text + size, CONTROL_WHO_MAX - size, " from %s", address);
}
