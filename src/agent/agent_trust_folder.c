// SPDX-License-Identifier: GPL-2.0-or-later
//
// The trust folder. It is opened once, because Landlock leaves the agent what was open before it; its files are
// read for each decision. Another folder in its place cannot be opened any more, and then it is not known what
// is asked for: no policy is taken.
#include "agent/agent_trust.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/agent_text.h"
#include "base/trusted.h"

// What stands where the folder belongs. -errno: nothing, or nobody may know.
static int in_place(const struct agent *agent, struct stat *ret)
{
	// Asking starts no automounter, which could keep us waiting.
	return fstatat(AT_FDCWD, agent->options.trust, ret, AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW) < 0 ? -errno
	                                                                                               : 0;
}

static int cannot(const struct agent *agent, int error, const char *what, const char *instead,
                  struct problems *problems)
{
	problem_addf(problems, PROBLEM_ERROR, 0, 0, instead, "the trust folder %s %s: %s", agent->options.trust,
	             what, agent_text_error(error));
	return error;
}

// Another folder than was opened, or the first one.
static int take(struct agent *agent, const struct stat *found, struct problems *problems)
{
	struct agent_trust *trust = &agent->trust;
	const bool first = trust->folder < 0;
	int fd = open(agent->options.trust, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == EACCES && agent->landlock)
		return cannot(agent, -EACCES,
		              first ? "was not there, or was not believed, when leadglassd started, and cannot "
		                      "be opened now"
		                    : "is another one than when leadglassd started, and cannot be opened",
		              "restart leadglassd: until then no policy is taken", problems);
	if (fd >= 0)
		close(fd);
	fd = trusted_open_folder(agent->options.trust, "--trust", problems); // it knows what to say
	if (fd < 0)
		return fd;
	if (!first)
		close(trust->folder);
	trust->folder = fd;
	trust->device = found->st_dev;
	trust->inode = found->st_ino;
	return 0;
}

// trust->folder becomes the folder that is in place; -1: there never was one.
static int find(struct agent *agent, struct problems *problems)
{
	struct agent_trust *trust = &agent->trust;
	struct stat found;
	const int error = in_place(agent, &found);

	if (error == -ENOENT && trust->folder < 0)
		return 0;
	if (error == -ENOENT) // whoever is trusted is trusted until somebody says otherwise, in that folder
		return cannot(agent, error, "is gone",
		              "put it back, or restart leadglassd, which then asks for no signatures: until "
		              "then no "
		              "policy is taken",
		              problems);
	if (error)
		return cannot(agent, error, "cannot be looked for",
		              "let the agent's user into the folders above it: until then no policy is taken",
		              problems);
	if (trust->folder >= 0 && found.st_dev == trust->device && found.st_ino == trust->inode)
		return 0;
	return take(agent, &found, problems);
}

// Whether anybody is asked for signatures is the one thing that nobody may change in silence.
static void count(struct agent *agent, size_t anchors)
{
	struct agent_trust *trust = &agent->trust;
	const size_t before = trust->anchors;

	trust->anchors = anchors;
	if (anchors && !before)
		agent_log(agent, LOG_NOTICE, "TRUST", NULL, 0,
		          "%zu trust anchor%s in %s: only signed policies are taken", anchors,
		          anchors == 1 ? "" : "s", agent->options.trust);
	if (anchors)
		agent_alarm_lift(agent, "trust-none");
	else if (before || trust->floor.any) // the note's line in the log, too; before this start there was one
		agent_note(agent, "trust-none", "no trust anchor in %s any more: unsigned policies are taken",
		           agent->options.trust);
}

int agent_trust_read(struct agent *agent, struct trust *ret, struct problems *problems)
{
	struct agent_trust *trust = &agent->trust;
	char line[sizeof agent->alarms[0].text];
	bool wrong = false; // what is in it; the next start sees the same
	int error = find(agent, problems);

	memset(ret, 0, sizeof *ret);
	if (!error && trust->folder >= 0) {
		error = trust_read_at(trust->folder, agent->options.trust, ret, problems);
		wrong = error != 0;
	}
	trust->unreadable = error != 0;
	if (error) {
		agent_text_why(problems, error, line, sizeof line);
		agent_alarm(agent, "trust-folder", "%s%s",
		            wrong ? "no policy is taken, and the next start closes the wall: " : "", line);
		return error;
	}
	count(agent, ret->count);
	agent_alarm_lift(agent, "trust-folder");
	return 0;
}

// ---- from outside ----

static void add_status(struct buffer *out, const char *name, const struct stat *status)
{
	buffer_printf(out, "%s %ju %ju %jd %o %u %jd.%09ld %jd.%09ld\n", name, (uintmax_t)status->st_dev,
	              (uintmax_t)status->st_ino, (intmax_t)status->st_size, (unsigned)status->st_mode,
	              (unsigned)status->st_uid, (intmax_t)status->st_mtim.tv_sec, status->st_mtim.tv_nsec,
	              (intmax_t)status->st_ctim.tv_sec, status->st_ctim.tv_nsec);
}

// In the order in which the folder lists them, which stays the same as long as nothing in it changes.
static void add_files(struct buffer *out, int folder)
{
	const int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct stat status;

	if (!list) {
		buffer_text(out, "unreadable\n");
		if (fd >= 0)
			close(fd);
		return;
	}
	for (const struct dirent *entry = readdir(list); entry; entry = readdir(list)) {
		if (fstatat(folder, entry->d_name, &status, AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW) == 0)
			add_status(out, entry->d_name, &status);
	}
	closedir(list);
}

void agent_trust_see(struct agent *agent, uint8_t ret[static TRUST_HASH_SIZE])
{
	struct buffer out = BUFFER_EMPTY;
	struct stat status;
	const int error = in_place(agent, &status);

	if (error)
		buffer_printf(&out, "error %d\n", error);
	else
		add_status(&out, agent->options.trust, &status);
	if (agent->trust.folder >= 0)
		add_files(&out, agent->trust.folder);
	if (buffer_failed(&out) || trust_hash(out.data, out.size, ret) != 0)
		memset(ret, 0, TRUST_HASH_SIZE); // as if nobody had ever looked
	buffer_fini(&out);
}
