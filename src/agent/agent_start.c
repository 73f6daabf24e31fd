// SPDX-License-Identifier: GPL-2.0-or-later
//
// What comes before the wall (the folders, the user, the lock) and after it (the sandbox). None of it may keep
// the wall from standing: what does not succeed is told, and the agent goes on with more privilege than it
// needs rather than leave the machine without it.
#include "agent/agent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "agent/agent_outside.h"
#include "agent/agent_sandbox.h"
#include "agent/agent_text.h"

#define LOCK_PATIENCE 3000 // ms: `leadglass apply --offline` holds the lock for a moment

// ---- folders ----

static int open_folder(const char *path, mode_t mode)
{
	int fd;

	if (mkdir(path, mode) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

// Only what is root's is given away, and of files only what has no second name elsewhere.
static void give_file(int folder, const char *name, const struct passwd *user)
{
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat about;

	if (fd < 0)
		return;
	if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_uid == 0 && about.st_nlink == 1)
		(void)!fchown(fd, user->pw_uid, user->pw_gid);
	close(fd);
}

static void give_files(int folder, const struct passwd *user)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);

	if (!list) {
		if (fd >= 0)
			close(fd);
		return;
	}
	for (const struct dirent *entry = readdir(list); entry; entry = readdir(list))
		give_file(folder, entry->d_name, user);
	closedir(list);
}

// What `leadglass apply --offline` wrote as root is there too.
static void give_folder(int folder, const struct passwd *user, bool files)
{
	struct stat about;

	if (fstat(folder, &about) < 0 || (about.st_uid != 0 && about.st_uid != user->pw_uid))
		return;
	if (about.st_uid != user->pw_uid)
		(void)!fchown(folder, user->pw_uid, user->pw_gid);
	if (files)
		give_files(folder, user);
}

void agent_start_folders(struct agent *agent)
{
	const char *name = agent->options.user;
	const struct passwd *user = name && geteuid() == 0 ? getpwnam(name) : NULL;
	int state = open_folder(agent->options.state, 0700);

	agent->run = open_folder(agent->options.run, 0755);
	if (agent->run < 0) {
		agent_alarm(agent, "run-folder", "the run folder %s cannot be used: %s", agent->options.run,
		            agent_text_error(agent->run));
		agent->run = -1;
	}
	if (user && user->pw_uid != 0) {
		if (state >= 0)
			give_folder(state, user, true);
		if (agent->run >= 0)
			give_folder(agent->run, user, false);
	}
	if (state >= 0) // what is wrong with it, state_open says
		close(state);
}

// ---- the user ----

void agent_start_user(struct agent *agent)
{
	const struct agent_options *options = &agent->options;
	const struct group *group = options->group ? getgrnam(options->group) : NULL;
	int error = sandbox_become(options->user, group ? options->group : NULL);

	agent->group = group ? group->gr_gid : (gid_t)-1;
	if (options->group && !group)
		agent_alarm(agent, "group", "there is no group %s: only root may ask the agent",
		            options->group);
	if (!error) {
		agent->capabilities = true;
		return;
	}
	if (options->user)
		agent_alarm(agent, "user", "cannot become user %s: %s; the agent runs as uid %u", options->user,
		            error == -ENOENT ? "there is none" : agent_text_error(error), (unsigned)geteuid());
	if (options->user)
		error = sandbox_become(NULL, NULL);
	if (error)
		agent_alarm(agent, "capabilities", "privileges cannot be given up: %s",
		            agent_text_error(error));
	else
		agent->capabilities = true;
}

// ---- the state ----

// Who listens on the control socket; 0: nobody that is alive, or it is not known.
static pid_t other_agent(const char *run)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct ucred listener = {0};
	socklen_t size = sizeof listener;
	int fd;

	if (snprintf(address.sun_path, sizeof address.sun_path, "%s/" CONTROL_SOCKET, run) >=
	    (int)sizeof address.sun_path)
		return 0;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return 0;
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &listener, &size) < 0 || listener.pid <= 0 ||
	    (kill(listener.pid, 0) < 0 && errno == ESRCH)) // one that was killed just now
		listener.pid = 0;
	close(fd);
	return listener.pid;
}

int agent_start_state(struct agent *agent, pid_t *ret_pid)
{
	static const struct timespec pause = {.tv_nsec = 100000000};
	const int64_t patience = agent_now() + LOCK_PATIENCE;
	struct buffer text = BUFFER_EMPTY;
	struct problems problems;
	int error;

	for (;;) {
		problem_init(&problems);
		error = state_open(agent->options.state, &agent->store, &problems);
		if (error != -EBUSY)
			break;
		problem_fini(&problems);
		*ret_pid = other_agent(agent->options.run);
		if (*ret_pid || agent_now() >= patience)
			return error;
		nanosleep(&pause, NULL);
	}
	// With a state folder of its own, but our run folder: it would lose its socket, and both the table.
	*ret_pid = other_agent(agent->options.run);
	if (*ret_pid) {
		problem_fini(&problems);
		return -EBUSY;
	}
	if (error) {
		agent_text_problems(&problems, NULL, error, &text);
		agent_text_line(&text, agent->store_problem, sizeof agent->store_problem);
		agent_alarm(agent, "state", "%s", agent->store_problem);
		buffer_fini(&text);
	}
	problem_fini(&problems);
	return 0;
}

// ---- the sandbox ----

static bool logs_to(const struct agent_options *options, const char *kind)
{
	for (size_t i = 0; i < 2; i++) {
		if (options->syslog[i] && strncmp(options->syslog[i], kind, strlen(kind)) == 0)
			return true;
	}
	return false;
}

// The folder a file is in.
static int open_folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[4096];

	if (!slash)
		return open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (snprintf(folder, sizeof folder, "%.*s", (int)(slash - path + 1), path) >= (int)sizeof folder)
		return -1;
	return open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int limit_files(const struct agent *agent, bool connect)
{
	const char *metrics = agent->options.metrics_file;
	int metrics_folder = metrics ? open_folder_of(metrics) : -1;
	const int fds[] = {
	        agent->run,
	        agent->store ? state_folder(agent->store) : -1,
	        metrics_folder,
	};
	struct sandbox_folder folders[3];
	size_t count = 0;
	int error;

	for (size_t i = 0; i < 3; i++) {
		if (fds[i] >= 0)
			folders[count++] = (struct sandbox_folder){.fd = fds[i], .write = true};
	}
	error = sandbox_files(folders, count, connect);
	if (metrics_folder >= 0)
		close(metrics_folder);
	return error;
}

void agent_start_sandbox(struct agent *agent)
{
	const bool tcp = logs_to(&agent->options, "tcp:");
	int error = limit_files(agent, tcp);

	agent->landlock = !error;
	if (error)
		agent_alarm(agent, "landlock", "the agent may open any file: Landlock: %s",
		            agent_text_error(error));
	error = sandbox_calls_keeper(tcp || logs_to(&agent->options, "udp:"));
	agent->seccomp = !error;
	if (error)
		agent_alarm(agent, "seccomp", "the agent may make any system call: seccomp: %s",
		            agent_text_error(error));
}
