// SPDX-License-Identifier: GPL-2.0-or-later
//
// What comes before the wall (the folders, the user, the lock) and after it (the sandbox). None of it may keep
// the wall from standing: what does not succeed is told, and the agent goes on with more privilege than it
// needs rather than leave the machine without it.
#include "agent/agent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/accounts.h"
#include "agent/agent_outside.h"
#include "agent/agent_ports.h"
#include "sandbox/sandbox.h"
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

// Root's folders become a user's, or what is left of a user becomes root's.
struct transfer {
	uid_t uid; // whose they will be
	gid_t gid;
	// NULL: what is root's goes to `uid`. Else what nobody owns any more goes to root
	const char *orphan_of;
};

// Whose files nobody can use any more: those of a user that was deleted, or of the one that we should be and
// cannot be.
static bool is_orphan(uid_t uid, const char *user)
{
	uid_t wanted;
	gid_t gid;

	if (uid == 0 || (accounts_user(user, &wanted, &gid) == 0 && wanted == uid))
		return uid != 0;
	return accounts_uid(uid, NULL) == -ENOENT; // a list that cannot be read proves nothing
}

static bool changes_hands(const struct transfer *transfer, uid_t uid)
{
	return transfer->orphan_of ? is_orphan(uid, transfer->orphan_of) : uid == 0;
}

// Of files only what has no second name elsewhere.
static bool hand_over_file(int folder, const char *name, const struct transfer *transfer)
{
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat about;
	bool done;

	if (fd < 0)
		return false;
	done = fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_nlink == 1 &&
	       changes_hands(transfer, about.st_uid) && fchown(fd, transfer->uid, transfer->gid) == 0;
	close(fd);
	return done;
}

static bool hand_over_files(int folder, const struct transfer *transfer)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	bool any = false;

	if (!list) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	for (const struct dirent *entry = readdir(list); entry; entry = readdir(list))
		any |= hand_over_file(folder, entry->d_name, transfer);
	closedir(list);
	return any;
}

// True: something changed hands. In a folder where others can write, root takes nothing for its own.
static bool hand_over(int folder, const struct transfer *transfer, bool files)
{
	struct stat about;
	bool any = false;

	if (folder < 0 || fstat(folder, &about) < 0 ||
	    (about.st_uid != transfer->uid && !changes_hands(transfer, about.st_uid)) ||
	    (transfer->orphan_of && about.st_mode & (S_IWGRP | S_IWOTH)))
		return false;
	if (about.st_uid != transfer->uid)
		any = fchown(folder, transfer->uid, transfer->gid) == 0;
	return (files && hand_over_files(folder, transfer)) || any;
}

// Root without CAP_DAC_OVERRIDE cannot use what belongs to somebody else: where an agent ran with --user
// before, one without goes on as that user. A folder that others may write belongs to nobody.
static void find_owner(struct agent *agent, int state)
{
	struct stat about;

	if (agent->options.user || geteuid() != 0 || state < 0 || fstat(state, &about) < 0 ||
	    about.st_uid == 0 || about.st_mode & (S_IWGRP | S_IWOTH))
		return;
	agent->owner = about.st_uid;
	agent->owner_group = about.st_gid;
	(void)accounts_uid(about.st_uid, &agent->owner_group); // a user who is no more: the folder's group
}

static const char *cannot(const char *path)
{
	struct stat about;

	return fstatat(AT_FDCWD, path, &about, AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT
	               ? "does not exist and cannot be made"
	               : "cannot be used";
}

void agent_start_folders(struct agent *agent)
{
	const char *name = agent->options.user;
	int state = open_folder(agent->options.state, 0700);
	uid_t uid = 0;
	gid_t gid = 0;

	agent->run = open_folder(agent->options.run, 0755);
	if (agent->run < 0) {
		agent_alarm(agent, "run-folder",
		            "the run folder %s %s: %s; make one and restart leadglassd: until then nobody can "
		            "ask it "
		            "anything",
		            agent->options.run, cannot(agent->options.run), agent_text_error(agent->run));
		agent->run = -1;
	}
	if (state < 0)
		snprintf(agent->store_problem, sizeof agent->store_problem, "the state folder %.128s %s: %s",
		         agent->options.state, cannot(agent->options.state), agent_text_error(state));
	find_owner(agent, state);
	uid = agent->owner;
	gid = agent->owner_group;
	if (name && geteuid() == 0 && accounts_user(name, &uid, &gid) != 0)
		uid = 0;
	if (uid != 0) {
		const struct transfer give = {.uid = uid, .gid = gid};

		hand_over(state, &give, true); // what `leadglass apply --offline` wrote as root is there too
		hand_over(agent->run, &give, false);
	}
	if (state >= 0) // what is wrong with it, state_open says
		close(state);
}

// ---- another agent ----

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

// ---- the user ----

// Root without CAP_DAC_OVERRIDE cannot use what belongs to somebody else. So what was given to a user that we
// cannot become, because it was deleted, say, is taken back while root can; but not from an agent that runs.
static bool take_back(const struct agent *agent)
{
	const struct transfer take = {.orphan_of = agent->options.user};
	int state;
	bool any;

	if (geteuid() != 0 || other_agent(agent->options.run))
		return false;
	state = open(agent->options.state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	any = hand_over(state, &take, true);
	any |= hand_over(agent->run, &take, true);
	if (state >= 0)
		close(state);
	return any;
}

void agent_start_user(struct agent *agent)
{
	const struct agent_options *options = &agent->options;
	gid_t gid = (gid_t)-1;
	int no_group = options->group ? accounts_group(options->group, &gid) : -ENOENT;
	const char *more = no_group ? NULL : options->group;
	int error = agent->owner ? sandbox_become_ids(agent->owner, agent->owner_group, more)
	                         : sandbox_become(options->user, more);

	agent->group = gid;
	if (options->group && no_group)
		agent_alarm(agent, "group", "there is no group %s in /etc/group: only root may ask the agent",
		            options->group);
	if (!error && agent->owner)
		agent_log(
		        agent, LOG_NOTICE, "USER", NULL, 0,
		        "the state folder %s belongs to uid %u: the agent runs as that user, as if --user had "
		        "named it",
		        options->state, (unsigned)agent->owner);
	if (!error) {
		agent->capabilities = true;
		return;
	}
	if (agent->owner)
		agent_alarm(agent, "user",
		            "the state folder belongs to uid %u, and the agent cannot become that user: %s",
		            (unsigned)agent->owner, agent_text_error(error));
	if (options->user)
		agent_alarm(agent, "user", "cannot become user %s: %s; the agent runs as uid %u%s",
		            options->user,
		            error == -ENOENT ? "there is none in /etc/passwd" : agent_text_error(error),
		            (unsigned)geteuid(), take_back(agent) ? ", and the folders are root's again" : "");
	if (options->user || agent->owner)
		error = sandbox_become(NULL, NULL);
	if (error)
		agent_alarm(agent, "capabilities", "privileges cannot be given up: %s",
		            agent_text_error(error));
	else
		agent->capabilities = true;
}

// ---- the state ----

// Asking starts no automounter, which could keep us waiting.
static bool state_in_place(const struct agent *agent, struct stat *ret)
{
	return fstatat(AT_FDCWD, agent->options.state, ret, AT_NO_AUTOMOUNT) == 0 && S_ISDIR(ret->st_mode);
}

static void remember_state(struct agent *agent)
{
	struct stat status;

	if (agent->store ? fstat(state_folder(agent->store), &status) == 0 : state_in_place(agent, &status)) {
		agent->state_device = status.st_dev;
		agent->state_inode = status.st_ino;
	}
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
	if (error != -ENOENT && error != -EACCES) // else what was said about its making says more
		agent->store_problem[0] = '\0';
	if (error) {
		agent_text_problems(&problems, NULL, error, &text);
		if (!agent->store_problem[0])
			agent_text_line(&text, agent->store_problem, sizeof agent->store_problem);
		agent_alarm(agent, "state", "%s", agent->store_problem);
		buffer_fini(&text);
	}
	problem_fini(&problems);
	remember_state(agent);
	return 0;
}

bool agent_start_state_moved(const struct agent *agent)
{
	const struct state_record *record = &agent->commit.record;
	struct stat status;

	if (agent->store && (record->confirmed || record->pending))
		return false;
	return state_in_place(agent, &status) &&
	       (status.st_dev != agent->state_device || status.st_ino != agent->state_inode);
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
	const struct sandbox_folder used[] = {
	        {.fd = agent->run, .write = true},
	        {.fd = agent->store ? state_folder(agent->store) : -1, .write = true},
	        {.fd = metrics_folder, .write = true},
	        {.fd = agent->trust.folder},
	        {.fd = agent_ports_folder(agent), .write = true},
	};
	struct sandbox_folder folders[sizeof used / sizeof used[0]];
	size_t count = 0;
	int error;

	for (size_t i = 0; i < sizeof used / sizeof used[0]; i++) {
		if (used[i].fd >= 0)
			folders[count++] = used[i];
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
