// SPDX-License-Identifier: GPL-2.0-or-later
//
// Landlock: what is left of the file system and the network. Skipped where the kernel has none.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "sandbox/sandbox.h"
#include "child.h"

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif

struct world {
	char top[64], own[80], read[80], other[80];
	int abi;
};

static int make_file(const char *folder, const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int read_file(const char *folder, const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof *world);

	if (!world)
		return -1;
	*state = world;
	world->abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
	strcpy(world->top, "/tmp/leadglass-files-XXXXXX");
	if (!mkdtemp(world->top))
		return -1;
	snprintf(world->own, sizeof world->own, "%s/own", world->top);
	snprintf(world->read, sizeof world->read, "%s/read", world->top);
	snprintf(world->other, sizeof world->other, "%s/other", world->top);
	if (mkdir(world->own, 0700) || mkdir(world->read, 0700) || mkdir(world->other, 0700))
		return -1;
	return make_file(world->own, "old") || make_file(world->read, "old") || make_file(world->other, "old");
}

static int tear_down(void **state)
{
	struct world *world = *state;
	char command[128];
	int status;

	snprintf(command, sizeof command, "rm -r '%s'", world->top);
	status = system(command);
	free(world);
	return status;
}

static int within_folders(const void *argument)
{
	const struct world *world = argument;
	const struct sandbox_folder folders[] = {
	        {open(world->own, O_PATH | O_DIRECTORY | O_CLOEXEC), true},
	        {open(world->read, O_PATH | O_DIRECTORY | O_CLOEXEC), false},
	};
	const int own = folders[0].fd, other = open(world->other, O_PATH | O_DIRECTORY | O_CLOEXEC);

	CHILD_CHECK(own >= 0 && folders[1].fd >= 0 && other >= 0);
	CHILD_CHECK(sandbox_files(folders, 2, false) == 0);
	// its own: make, replace, shorten, remove
	CHILD_CHECK(read_file(world->own, "old") == 0);
	CHILD_CHECK(make_file(world->own, "new") == 0);
	CHILD_CHECK(renameat(own, "new", own, "old") == 0);
	CHILD_CHECK(make_file(world->own, "old") == 0);
	CHILD_CHECK(unlinkat(own, "old", 0) == 0);
	CHILD_CHECK(mkdirat(own, "folder", 0700) == -1 && errno == EACCES);
	CHILD_CHECK(symlinkat("/etc/shadow", own, "link") == -1 && errno == EACCES);
	// to read
	CHILD_CHECK(read_file(world->read, "old") == 0);
	CHILD_CHECK(make_file(world->read, "old") == -EACCES);
	CHILD_CHECK(make_file(world->read, "new") == -EACCES);
	// everything else, also by a descriptor from before
	CHILD_CHECK(read_file(world->other, "old") == -EACCES);
	CHILD_CHECK(make_file(world->other, "new") == -EACCES);
	CHILD_CHECK(openat(other, "old", O_RDONLY) == -1 && errno == EACCES);
	CHILD_CHECK(unlinkat(other, "old", 0) == -1 && errno == EACCES);
	CHILD_CHECK(read_file("/etc", "passwd") == -EACCES);
	CHILD_CHECK(read_file("/proc/self", "status") == -EACCES);
	return 0;
}

static void only_the_folders_are_left(void **state)
{
	const struct world *world = *state;

	if (world->abi < 0) {
		assert_in_set(sandbox_files(NULL, 0, false), ((LargestIntegralType[]){-ENOSYS, -EOPNOTSUPP}),
		              2);
		skip();
	}
	assert_int_equal(child_run(within_folders, world), 0);
	assert_int_equal(read_file(world->other, "old"), 0); // nobody removed it
}

// A listening socket in the process that is not limited; its port.
static uint16_t listen_somewhere(int *ret_fd)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;

	*ret_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(*ret_fd >= 0);
	assert_int_equal(bind(*ret_fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(*ret_fd, 4), 0);
	assert_int_equal(getsockname(*ret_fd, (struct sockaddr *)&address, &size), 0);
	return ntohs(address.sin_port);
}

struct network {
	bool connect;
	uint16_t port;
	struct sockaddr_un name; // an abstract socket of the parent
	socklen_t name_size;
	int abi;
};

static int without_files(const void *argument)
{
	const struct network *network = argument;
	const struct sockaddr_in address = {.sin_family = AF_INET,
	                                    .sin_port = htons(network->port),
	                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int before = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int fd, result;

	CHILD_CHECK(connect(before, (const struct sockaddr *)&network->name, network->name_size) == 0);
	CHILD_CHECK(sandbox_files(NULL, 0, network->connect) == 0);
	CHILD_CHECK(read_file("/etc", "passwd") == -EACCES);
	CHILD_CHECK(make_file("/tmp", "leadglass-never") == -EACCES);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	result = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
	CHILD_CHECK(result == (network->connect || network->abi < 4 ? 0 : EACCES));
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	result = bind(fd, (const struct sockaddr *)&any, sizeof any) == 0 ? 0 : errno;
	CHILD_CHECK(result == (network->abi < 4 ? 0 : EACCES));
	close(fd);
	// The service manager's socket, connected before, goes on; another abstract one is out of reach.
	CHILD_CHECK(send(before, "a", 1, 0) == 1);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	result = connect(fd, (const struct sockaddr *)&network->name, network->name_size) == 0 ? 0 : errno;
	CHILD_CHECK(result == (network->abi < 6 ? 0 : EPERM));
	result = kill(getppid(), 0) == 0 ? 0 : errno;
	CHILD_CHECK(result == (network->abi < 6 ? 0 : EPERM));
	return 0;
}

static void the_network_as_far_as_needed(void **state)
{
	const struct world *world = *state;
	struct network network = {.abi = world->abi, .name_size = sizeof network.name};
	int listener, named;

	if (world->abi < 0)
		skip();
	network.port = listen_somewhere(&listener);
	named = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	network.name.sun_family = AF_UNIX;
	// only the family: the kernel gives it an abstract name
	assert_int_equal(bind(named, (struct sockaddr *)&network.name, sizeof(sa_family_t)), 0);
	assert_int_equal(getsockname(named, (struct sockaddr *)&network.name, &network.name_size), 0);
	assert_int_equal(child_run(without_files, &network), 0);
	network.connect = true;
	assert_int_equal(child_run(without_files, &network), 0);
	close(named);
	close(listener);
}

// The keeper ends outside processes, also one that is older than its own limits.
static int end_an_older_child(const void *argument)
{
	const struct world *world = argument;
	const struct sandbox_folder folder = {open(world->own, O_PATH | O_DIRECTORY | O_CLOEXEC), true};
	const pid_t child = fork();
	int status;

	if (child == 0)
		for (;;)
			pause();
	CHILD_CHECK(sandbox_files(&folder, 1, false) == 0);
	CHILD_CHECK(kill(child, SIGKILL) == 0);
	CHILD_CHECK(waitpid(child, &status, 0) == child);
	return 0;
}

static void the_keeper_ends_its_child(void **state)
{
	const struct world *world = *state;

	if (world->abi < 0)
		skip();
	assert_int_equal(child_run(end_an_older_child, world), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(only_the_folders_are_left, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(the_network_as_far_as_needed, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(the_keeper_ends_its_child, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
