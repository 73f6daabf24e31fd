// SPDX-License-Identifier: GPL-2.0-or-later
//
// What this box is, and where its slots are. The kernel was told which slot it runs from (root=PARTLABEL=...);
// partitions are found by their names in /sys, as nobody makes links in /dev/disk on a box.
#include "update/update.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define TEXT_MAX (64u << 10)
static const char label[] = "leadglass-";

struct finding {
	const char *root;
	struct update_box *box;
	struct problems *problems;
};

static int complain(const struct finding *finding, int error, const char *instead, const char *what,
                    const char *path)
{
	problem_addf(finding->problems, PROBLEM_ERROR, 0, 0, instead, "%s%s%s: %s", what, finding->root, path,
	             strerror(-error));
	return error;
}

// A file below root, as text. -errno without a problem.
static int read_text(const struct finding *finding, const char *path, char **ret)
{
	char name[PATH_MAX];
	size_t size;
	int length = snprintf(name, sizeof name, "%s%s", finding->root, path);
	if (length < 0 || (size_t)length >= sizeof name)
		return -ENAMETOOLONG;
	return file_read(name, TEXT_MAX, ret, &size);
}

// ---- what runs ----

static const char no_slot[] = "this machine was started from no slot of a leadglass box";

static int find_running(const struct finding *finding)
{
	char *text, *rest, *word;
	int r = read_text(finding, "/proc/cmdline", &text);
	if (r < 0)
		return complain(finding, r, NULL, "cannot read ", "/proc/cmdline");
	finding->box->running = UPDATE_NO_SLOT;
	for (word = strtok_r(text, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest)) {
		if (strcmp(word, "root=PARTLABEL=leadglass-a") == 0)
			finding->box->running = UPDATE_A;
		else if (strcmp(word, "root=PARTLABEL=leadglass-b") == 0)
			finding->box->running = UPDATE_B;
		else if (strcmp(word, "leadglass.fallback=1") == 0)
			finding->box->fallback = true;
	}
	free(text);
	if (finding->box->running != UPDATE_NO_SLOT)
		return 0;
	problem_add(finding->problems, PROBLEM_ERROR, 0, 0, no_slot,
	            "updates are for boxes with the firmware; elsewhere --dry-run looks at an update file");
	return -ENODEV;
}

static bool take_line(char *line, const char *name, char *ret, size_t size)
{
	size_t begins = strlen(name), length = strlen(line);
	if (strncmp(line, name, begins) != 0 || line[begins] != '=' || length - begins - 1 >= size)
		return false;
	memcpy(ret, line + begins + 1, length - begins);
	return true;
}

// /etc/leadglass-release: board=, serial=, version=.
static int read_release(const struct finding *finding)
{
	static const char path[] = "/etc/leadglass-release";
	char *text, *rest, *line, serial[UPDATE_NAME_MAX] = "", *end = serial;
	struct update_box *box = finding->box;
	int r = read_text(finding, path, &text);
	if (r < 0)
		return complain(finding, r, NULL, "cannot read what image this is, from ", path);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		take_line(line, "board", box->board, sizeof box->board);
		take_line(line, "version", box->version, sizeof box->version);
		take_line(line, "serial", serial, sizeof serial);
	}
	free(text);
	if (serial[0] >= '1' && serial[0] <= '9')
		box->serial = strtoull(serial, &end, 10);
	if (box->board[0] && *end == '\0' && box->serial > 0)
		return 0;
	problem_addf(finding->problems, PROBLEM_ERROR, 0, 0, "it has the lines board=NAME and serial=N",
	             "%s%s does not say what image this is", finding->root, path);
	return -EBADMSG;
}

// ---- partitions ----

// Where the device of a partition of this name is to be noted; NULL: no concern of ours.
static char *place(struct update_box *box, const char *name)
{
	if (strncmp(name, label, sizeof label - 1) != 0)
		return NULL;
	name += sizeof label - 1;
	return strcmp(name, "env") == 0 ? box->block_path
	       : strcmp(name, "a") == 0 ? box->slot_path[update_slot_index(UPDATE_A)]
	       : strcmp(name, "b") == 0 ? box->slot_path[update_slot_index(UPDATE_B)]
	                                : NULL;
}

// One block device, by what its uevent says. A second partition of the same name is somebody's installation
// medium, perhaps, and it is not for us to guess which is meant.
static int look_at(const struct finding *finding, const char *device)
{
	char path[PATH_MAX], name[UPDATE_NAME_MAX] = "", node[UPDATE_NAME_MAX] = "", *text, *rest, *line;
	if (snprintf(path, sizeof path, "/sys/class/block/%s/uevent", device) >= (int)sizeof path ||
	    read_text(finding, path, &text) < 0)
		return 0; // it has gone again
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		take_line(line, "PARTNAME", name, sizeof name);
		take_line(line, "DEVNAME", node, sizeof node);
	}
	free(text);
	char *into = place(finding->box, name);
	if (!into || !node[0])
		return 0;
	if (into[0]) {
		problem_addf(finding->problems, PROBLEM_ERROR, 0, 0, "take the other disk out",
		             "there are two partitions %s: %s and %s/dev/%s", name, into, finding->root, node);
		return -ENOTUNIQ;
	}
	int length = snprintf(into, sizeof finding->box->block_path, "%s/dev/%s", finding->root, node);
	return length < 0 || (size_t)length >= sizeof finding->box->block_path ? -ENAMETOOLONG : 0;
}

static int find_partitions(const struct finding *finding)
{
	static const char *const names[] = {"env", "a", "b"};
	struct update_box *box = finding->box;
	const char *const paths[] = {box->block_path, box->slot_path[0], box->slot_path[1]};
	struct dirent *entry;
	char path[PATH_MAX];
	int r = 0;

	snprintf(path, sizeof path, "%s/sys/class/block", finding->root);
	DIR *dir = opendir(path);
	if (!dir)
		return complain(finding, -errno, NULL, "cannot look for the slots in ", "/sys/class/block");
	while (r == 0 && (entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			r = look_at(finding, entry->d_name);
	}
	closedir(dir);
	for (size_t i = 0; r == 0 && i < sizeof names / sizeof names[0]; i++) {
		if (!paths[i][0]) {
			problem_addf(finding->problems, PROBLEM_ERROR, 0, 0,
			             "write a firmware image to its disk",
			             "this box has no partition leadglass-%s", names[i]);
			r = -ENODEV;
		}
	}
	return r;
}

int update_box_read(const char *root, struct update_box *ret, struct problems *problems)
{
	const struct finding finding = {.root = root, .box = ret, .problems = problems};
	*ret = (struct update_box){0};
	int r = find_running(&finding);
	if (r == 0)
		r = read_release(&finding);
	if (r == 0)
		r = find_partitions(&finding);
	return r;
}
