// SPDX-License-Identifier: GPL-2.0-or-later
//
// Under the filters: what the processes do works, anything else ends them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>

#include "sandbox/sandbox.h"
#include "child.h"

#define NOBODY 65534

struct call {
	const char *name;
	long number;
	long arguments[3];
};

enum filter {
	KEEPER,
	KEEPER_CONNECT,
	OUTSIDE,
	OUTSIDE_CONNECT,
};

struct attempt {
	enum filter filter;
	const struct call *call;
};

static int enter(enum filter filter)
{
	if (filter == OUTSIDE || filter == OUTSIDE_CONNECT)
		return sandbox_calls_outside(filter == OUTSIDE_CONNECT);
	return sandbox_calls_keeper(filter == KEEPER_CONNECT);
}

#define FORK_INTO(flags)                                                                                       \
	{                                                                                                      \
		(long)((flags) | SIGCHLD), 0, 0                                                                \
	}

// For neither process: each is stopped before the kernel looks at its arguments.
static const struct call forbidden[] = {
        {"execve", SYS_execve, {0}},
        {"execveat", SYS_execveat, {-1}},
        {"ptrace", SYS_ptrace, {0}},
        {"process_vm_readv", SYS_process_vm_readv, {0}},
        {"process_vm_writev", SYS_process_vm_writev, {0}},
        {"pidfd_getfd", SYS_pidfd_getfd, {-1, -1}},
        {"mmap for execution", SYS_mmap, {0, 4096, PROT_READ | PROT_EXEC}},
        {"mmap for writing and execution", SYS_mmap, {0, 4096, PROT_WRITE | PROT_EXEC}},
        {"mprotect for execution", SYS_mprotect, {0, 4096, PROT_EXEC}},
        {"pkey_mprotect", SYS_pkey_mprotect, {0, 4096, PROT_READ}},
        {"personality", SYS_personality, {0x0400000}}, // READ_IMPLIES_EXEC
        {"raw socket of a link", SYS_socket, {AF_PACKET, SOCK_RAW}},
        {"vsock socket", SYS_socket, {AF_VSOCK, SOCK_STREAM}},
        {"algorithm socket", SYS_socket, {AF_ALG, SOCK_SEQPACKET}},
        {"ioctl that types into a terminal", SYS_ioctl, {0, TIOCSTI}},
        {"ioctl that changes an interface", SYS_ioctl, {0, 0x8914}}, // SIOCSIFFLAGS
        {"clone with a network namespace", SYS_clone, FORK_INTO(CLONE_NEWNET)},
        {"clone with a user namespace", SYS_clone, FORK_INTO(CLONE_NEWUSER)},
        {"clone that shares memory", SYS_clone, FORK_INTO(CLONE_VM)},
        {"unshare", SYS_unshare, {CLONE_NEWNET}},
        {"setns", SYS_setns, {-1}},
        {"mount", SYS_mount, {0}},
        {"chroot", SYS_chroot, {0}},
        {"pivot_root", SYS_pivot_root, {0}},
        {"setresuid", SYS_setresuid, {-1, -1, -1}},
        {"setresuid to another than nobody", SYS_setresuid, {-1, 1, NOBODY}},
        {"setresuid that leaves a way back", SYS_setresuid, {-1, NOBODY, 0}},
        {"setresgid to another than nobody", SYS_setresgid, {NOBODY, 42, NOBODY}},
        {"setuid", SYS_setuid, {NOBODY}},
        {"setgroups to some", SYS_setgroups, {1}},
        {"netlink socket for routes", SYS_socket, {AF_NETLINK, SOCK_RAW, 0}},
        {"netlink socket for audit", SYS_socket, {AF_NETLINK, SOCK_RAW, 9}},
        {"chmod by name", SYS_fchmodat, {AT_FDCWD}},
        {"mkdir", SYS_mkdirat, {AT_FDCWD}},
        {"mknod", SYS_mknodat, {AT_FDCWD}},
        {"symlink", SYS_symlinkat, {0}},
        {"link", SYS_linkat, {0}},
        {"prctl that brings keys", SYS_prctl, {PR_SET_MM}},
        {"prctl that lets be traced", SYS_prctl, {0x59616d61}}, // PR_SET_PTRACER
        {"limits of another", SYS_prlimit64, {1, RLIMIT_NOFILE}},
        {"bpf", SYS_bpf, {0}},
        {"perf_event_open", SYS_perf_event_open, {0}},
        {"io_uring_setup", SYS_io_uring_setup, {0}},
        {"userfaultfd", SYS_userfaultfd, {0}},
        {"keyctl", SYS_keyctl, {0}},
        {"init_module", SYS_init_module, {0}},
        {"kexec_load", SYS_kexec_load, {0}},
        {"reboot", SYS_reboot, {0}},
        {"clock_settime", SYS_clock_settime, {CLOCK_REALTIME}},
        {"sethostname", SYS_sethostname, {0}},
        {"open_by_handle_at", SYS_open_by_handle_at, {-1}},
        {"name_to_handle_at", SYS_name_to_handle_at, {-1}},
        {"syslog", SYS_syslog, {0}},
        {"a number that no call has", 4095, {0}},
#ifdef __x86_64__
        {"read of x32", 0x40000000 + SYS_read, {-1}},
        {"arch_prctl", SYS_arch_prctl, {0}},
        {"iopl", SYS_iopl, {0}},
#endif
};

// What the keeper may and the outside process may not.
static const struct call keepers[] = {
        {"openat", SYS_openat, {AT_FDCWD, 0, O_RDONLY}},
        {"unlinkat", SYS_unlinkat, {-1, 0}},
        {"renameat2", SYS_renameat2, {-1, 0, -1}},
        {"netlink socket", SYS_socket, {AF_NETLINK, SOCK_RAW, 12}},
        {"local socket", SYS_socket, {AF_UNIX, SOCK_DGRAM}},
        {"ioctl that names an interface", SYS_ioctl, {-1, SIOCGIFNAME}},
        {"fork", SYS_clone, FORK_INTO(0)},
        {"kill", SYS_kill, {1, 0}},
        {"tgkill of another", SYS_tgkill, {1, 1, 0}},
        {"accept4", SYS_accept4, {-1}},
        {"bind", SYS_bind, {-1}},
        {"sendmsg", SYS_sendmsg, {-1}},
        {"setresuid to nobody", SYS_setresuid, {-1, NOBODY, NOBODY}},
        {"setresgid to nobody", SYS_setresgid, {NOBODY, NOBODY, NOBODY}},
        {"setgroups to none", SYS_setgroups, {0}},
        {"listen", SYS_listen, {-1}},
        {"memfd_create", SYS_memfd_create, {0}},
        {"capset", SYS_capset, {0}},
        {"prctl", SYS_prctl, {PR_SET_NAME, 0}},
        {"seccomp", SYS_seccomp, {-1}},
        {"getdents64", SYS_getdents64, {-1}},
#ifdef SYS_open
        {"open", SYS_open, {0, O_RDONLY}},
        {"fork of old", SYS_fork, {0}},
#endif
};

// The keeper connects to the machine's own log; the outside process to collectors, where there are any.
static const struct call connect_calls[] = {
        {"connect", SYS_connect, {-1}},
};

static const struct call internet[] = {
        {"IPv4 socket", SYS_socket, {AF_INET, SOCK_STREAM}},
        {"IPv6 socket", SYS_socket, {AF_INET6, SOCK_DGRAM}},
};

static int make_call(const void *argument)
{
	const struct attempt *attempt = argument;
	const struct call *call = attempt->call;
	const pid_t parent = getpid();

	if (enter(attempt->filter) != 0)
		return 2;
	syscall(call->number, call->arguments[0], call->arguments[1], call->arguments[2], 0, 0, 0);
	if (getpid() != parent)
		_exit(0); // the child that the call made
	return 0;
}

static void expect_death(enum filter filter, const struct call *calls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct attempt attempt = {filter, &calls[i]};
		const int status = child_run(make_call, &attempt);

		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("%s: wait status %#x instead of SIGSYS", calls[i].name, (unsigned)status);
	}
}

static void expect_life(enum filter filter, const struct call *calls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct attempt attempt = {filter, &calls[i]};
		const int status = child_run(make_call, &attempt);

		if (status != 0)
			fail_msg("%s: wait status %#x instead of an exit with 0", calls[i].name,
			         (unsigned)status);
	}
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void forbidden_calls_end_the_keeper(void **state)
{
	(void)state;
	expect_death(KEEPER, forbidden, COUNT(forbidden));
	expect_death(KEEPER_CONNECT, forbidden, COUNT(forbidden));
	expect_death(KEEPER, internet, COUNT(internet));
}

static void forbidden_calls_end_the_outside_process(void **state)
{
	(void)state;
	for (enum filter filter = OUTSIDE; filter <= OUTSIDE_CONNECT; filter++) {
		expect_death(filter, forbidden, COUNT(forbidden));
		expect_death(filter, keepers, COUNT(keepers));
	}
	expect_death(OUTSIDE, internet, COUNT(internet));
	expect_death(OUTSIDE, connect_calls, COUNT(connect_calls));
}

static void what_differs_is_allowed_where_it_should_be(void **state)
{
	(void)state;
	expect_life(KEEPER, keepers, COUNT(keepers));
	expect_life(KEEPER_CONNECT, internet, COUNT(internet));
	expect_life(KEEPER, connect_calls, COUNT(connect_calls));
	expect_life(OUTSIDE_CONNECT, internet, COUNT(internet));
	expect_life(OUTSIDE_CONNECT, connect_calls, COUNT(connect_calls));
}

#ifdef __x86_64__
static int call_of_i386(const void *argument)
{
	long result = 20; // getpid

	if (argument && sandbox_calls_outside(true) != 0)
		return 2;
	__asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
	return 0;
}

static void calls_of_another_architecture_are_no_way_round(void **state)
{
	int status = child_run(call_of_i386, NULL);

	(void)state;
	if (status != 0)
		skip(); // this kernel has no such calls
	status = child_run(call_of_i386, "filtered");
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}
#endif

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

// Memory as a C library gets it: brk, mmap, mremap, and what qsort takes for a long array.
static int use_memory(void)
{
	const size_t count = 1 << 20;
	int *numbers = malloc(16 * sizeof *numbers);
	int *more = realloc(numbers, count * sizeof *numbers);

	CHILD_CHECK(more);
	for (size_t i = 0; i < count; i++)
		more[i] = (int)(count - i);
	qsort(more, count, sizeof *more, compare);
	CHILD_CHECK(more[0] == 1);
	free(more);
	return 0;
}

static int wait_for_things(int fd)
{
	struct pollfd waited = {.fd = fd, .events = POLLIN};
	const struct timespec moment = {.tv_nsec = 1000};
	struct timespec now;

	CHILD_CHECK(poll(&waited, 1, 0) >= 0);
	CHILD_CHECK(ppoll(&waited, 1, &moment, NULL) >= 0);
	CHILD_CHECK(nanosleep(&moment, NULL) == 0);
	CHILD_CHECK(syscall(SYS_clock_gettime, CLOCK_BOOTTIME, &now) == 0); // without the vDSO
	CHILD_CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0);
	return 0;
}

static int talk(int type)
{
	char word[4] = "";
	int pair[2], size;
	socklen_t size_size = sizeof size;
	struct iovec part = {.iov_base = word, .iov_len = 2};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	pair[0] = socket(AF_UNIX, type, 0);
	CHILD_CHECK(pair[0] >= 0);
	CHILD_CHECK(getsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, &size_size) == 0);
	CHILD_CHECK(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size) == 0);
	CHILD_CHECK(close(pair[0]) == 0);
	CHILD_CHECK(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair) == 0);
	CHILD_CHECK(send(pair[0], "a", 1, MSG_NOSIGNAL) == 1);
	CHILD_CHECK(sendmsg(pair[0], &message, 0) == 2);
	CHILD_CHECK(write(pair[1], "b", 1) == 1);
	CHILD_CHECK(recv(pair[1], word, 1, 0) == 1);
	CHILD_CHECK(recvmsg(pair[1], &message, 0) == 2);
	CHILD_CHECK(read(pair[0], word, 1) == 1);
	CHILD_CHECK(fcntl(pair[0], F_SETFL, O_NONBLOCK) == 0);
	CHILD_CHECK(close(pair[0]) == 0 && close(pair[1]) == 0);
	return 0;
}

static void on_signal(int number)
{
	(void)number;
}

static int in_both(void)
{
	CHILD_CHECK(signal(SIGTERM, on_signal) != SIG_ERR);
	CHILD_CHECK(raise(SIGTERM) == 0); // tgkill to itself
	CHILD_CHECK(isatty(2) == 0 && errno == ENOTTY);
	CHILD_CHECK(syscall(SYS_clone3, NULL, 0) == -1 && errno == ENOSYS);
	return use_memory();
}

static int write_a_file(const char *folder)
{
	char buffer[8];
	struct stat status;
	int fd, at = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);

	CHILD_CHECK(at >= 0);
	fd = openat(at, "record.new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	CHILD_CHECK(fd >= 0);
	CHILD_CHECK(write(fd, "text", 4) == 4);
	CHILD_CHECK(fchmod(fd, 0640) == 0 && fsync(fd) == 0 && close(fd) == 0);
	CHILD_CHECK(renameat(at, "record.new", at, "record") == 0);
	fd = openat(at, "record", O_RDONLY | O_CLOEXEC);
	CHILD_CHECK(fd >= 0);
	CHILD_CHECK(fstat(fd, &status) == 0 && status.st_size == 4);
	CHILD_CHECK(pread(fd, buffer, sizeof buffer, 0) == 4);
	CHILD_CHECK(fstatat(at, "record", &status, AT_SYMLINK_NOFOLLOW) == 0);
	CHILD_CHECK(unlinkat(at, "record", 0) == 0);
	CHILD_CHECK(close(fd) == 0 && close(at) == 0);
	return 0;
}

static int in_the_keeper(const void *folder)
{
	char name[IF_NAMESIZE];
	sigset_t signals;
	struct rlimit limit;
	int fd, status;
	pid_t pid;

	if (enter(KEEPER) != 0)
		return 2;
	CHILD_CHECK(use_memory() == 0);
	CHILD_CHECK(write_a_file(folder) == 0);
	CHILD_CHECK(talk(SOCK_SEQPACKET) == 0);
	CHILD_CHECK(strcmp(if_indextoname(1, name), "lo") == 0);
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	CHILD_CHECK(fd >= 0);
	CHILD_CHECK(wait_for_things(fd) == 0);
	fd = memfd_create("payload", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	CHILD_CHECK(fd >= 0 && ftruncate(fd, 100) == 0);
	CHILD_CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0);
	CHILD_CHECK(epoll_create1(EPOLL_CLOEXEC) >= 0);
	CHILD_CHECK(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC) >= 0);
	sigemptyset(&signals);
	CHILD_CHECK(signalfd(-1, &signals, SFD_CLOEXEC) >= 0);
	CHILD_CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	// An outside process that is started again
	pid = fork();
	if (pid == 0)
		_exit(sandbox_drop_all() || sandbox_calls_outside(false) || in_both());
	CHILD_CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	CHILD_CHECK(status == 0);
	return 0;
}

static int in_the_outside_process(const void *argument)
{
	int pair[2];

	(void)argument;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0 || enter(OUTSIDE_CONNECT) != 0)
		return 2;
	CHILD_CHECK(wait_for_things(pair[0]) == 0);
	CHILD_CHECK(send(pair[0], "a", 1, MSG_NOSIGNAL) == 1);
	CHILD_CHECK(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) >= 0);
	return in_both();
}

static void the_keeper_can_do_its_work(void **state)
{
	char folder[] = "/tmp/leadglass-sandbox-XXXXXX";
	int status;

	(void)state;
	assert_non_null(mkdtemp(folder));
	status = child_run(in_the_keeper, folder);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(status, 0);
}

static void the_outside_process_can_do_its_work(void **state)
{
	(void)state;
	assert_int_equal(child_run(in_the_outside_process, NULL), 0);
}

static int die_of_abort(const void *argument)
{
	(void)argument;
	if (enter(OUTSIDE) != 0)
		return 2;
	abort();
}

static void abort_says_what_it_is(void **state)
{
	const int status = child_run(die_of_abort, NULL);

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(forbidden_calls_end_the_keeper),
	        cmocka_unit_test(forbidden_calls_end_the_outside_process),
	        cmocka_unit_test(what_differs_is_allowed_where_it_should_be),
#ifdef __x86_64__
	        cmocka_unit_test(calls_of_another_architecture_are_no_way_round),
#endif
	        cmocka_unit_test(the_keeper_can_do_its_work),
	        cmocka_unit_test(the_outside_process_can_do_its_work),
	        cmocka_unit_test(abort_says_what_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
