// SPDX-License-Identifier: GPL-2.0-or-later
//
// The system calls that the two processes may make, as seccomp filters. What is not listed ends the process:
// the wall is the kernel's and stays, the service manager starts the agent again. Both libcs are served, glibc
// and musl, which make the same call under different names.
#include "sandbox/sandbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#define CALL_END 0x40000000u // from here on: x32, the same calls with other structures, and not ours
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#define CALL_END UINT32_MAX
#elif defined(__arm__)
#define ARCHITECTURE AUDIT_ARCH_ARM
#define CALL_END UINT32_MAX
#else
#define ARCHITECTURE 0 // no list was ever tried there
#define CALL_END UINT32_MAX
#endif

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define NOBODY 65534u // sandbox.c

// x86-64 and 32-bit ARM have the calls of old (open) beside the new ones (openat), 64-bit ARM never had; 32-bit
// ARM has some with wider arguments.
#ifdef SYS_open
#define OLD(...) __VA_ARGS__,
#else
#define OLD(...)
#endif
#ifdef SYS_time
#define OLD_CLOCK(...) __VA_ARGS__,
#else
#define OLD_CLOCK(...)
#endif
#ifdef SYS_clock_gettime64
#define WIDE(...) __VA_ARGS__,
#define NARROW(...)
#define SETGROUPS SYS_setgroups32
#define SETRESGID SYS_setresgid32
#define SETRESUID SYS_setresuid32
#else
#define WIDE(...)
#define NARROW(...) __VA_ARGS__,
#define SETGROUPS SYS_setgroups
#define SETRESGID SYS_setresgid
#define SETRESUID SYS_setresuid
#endif

// What is looked at of one argument: reduced to `mask`, it has to be `value`.
struct test {
	unsigned argument;
	uint32_t mask, value;
};

// Allowed when both tests say so (one that is left out does); several lines of one call are alternatives.
// Arguments that are wider than 32 bits hold nothing in their upper half that the kernel looks at in these
// calls.
struct condition {
	uint32_t call;
	struct test first, second;
};
#define ANY                                                                                                    \
	{                                                                                                      \
		0, 0, 0                                                                                        \
	}
#define IS(argument, value)                                                                                    \
	{                                                                                                      \
		argument, UINT32_MAX, value                                                                    \
	}

// A group of calls is a comment and the lines below it.
// clang-format off

// What every process of ours does.
static const uint32_t common_calls[] = {
	// waiting
	SYS_ppoll, SYS_epoll_pwait, SYS_nanosleep, SYS_clock_nanosleep, SYS_restart_syscall,
	OLD(SYS_poll, SYS_epoll_wait)
	WIDE(SYS_ppoll_time64, SYS_clock_nanosleep_time64)
	// what was opened
	SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_close, SYS_fstat,
	NARROW(SYS_fcntl)
	WIDE(SYS_fcntl64, SYS_fstat64)
	// sockets, those that are there and those that a condition below lets be made
	SYS_getsockname, SYS_getpeername, SYS_setsockopt, SYS_getsockopt, SYS_sendto, SYS_recvfrom, SYS_recvmsg,
	SYS_shutdown,
	WIDE(SYS_send, SYS_recv)
	// clocks, where the vDSO does not answer
	SYS_clock_gettime, SYS_clock_getres, SYS_gettimeofday,
	OLD_CLOCK(SYS_time)
	WIDE(SYS_clock_gettime64, SYS_clock_getres_time64)
	// memory; mmap and mprotect are below
	SYS_brk, SYS_munmap, SYS_mremap, SYS_madvise,
	// the C library's own: locks, random tags, the memory that qsort may take
	SYS_futex, SYS_getrandom, SYS_sysinfo, SYS_rseq, SYS_set_robust_list, SYS_sched_yield,
	WIDE(SYS_futex_time64)
	// who we are
	SYS_getpid, SYS_getppid, SYS_gettid, SYS_uname, SYS_getrusage,
	SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid,
	WIDE(SYS_getuid32, SYS_geteuid32, SYS_getgid32, SYS_getegid32)
	// signals
	SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn,
	WIDE(SYS_sigreturn)
	// the end
	SYS_exit, SYS_exit_group,
};

static const struct condition common_conditions[] = {
	// never memory that can be executed: nothing is loaded any more
#ifdef SYS_mmap2
	{SYS_mmap2, {2, PROT_EXEC, 0}, ANY},
#else
	{SYS_mmap, {2, PROT_EXEC, 0}, ANY},
#endif
	{SYS_mprotect, {2, PROT_EXEC, 0}, ANY},
};

// The keeper's alone.
static const uint32_t keeper_calls[] = {
	// timers and signals as descriptors
	SYS_epoll_create1, SYS_epoll_ctl, SYS_timerfd_create, SYS_timerfd_settime, SYS_timerfd_gettime,
	SYS_signalfd4, SYS_eventfd2, SYS_pipe2,
	WIDE(SYS_timerfd_settime64, SYS_timerfd_gettime64)
	// state and metrics files: Landlock says where
	SYS_openat, SYS_pread64, SYS_pwrite64, SYS_lseek, SYS_fsync, SYS_fdatasync, SYS_flock,
	SYS_renameat, SYS_renameat2, SYS_unlinkat, SYS_fchmod, SYS_getdents64, SYS_statx, SYS_faccessat,
	NARROW(SYS_newfstatat, SYS_ftruncate, SYS_fchown)
	WIDE(SYS_fstatat64, SYS_ftruncate64, SYS_fchown32, SYS__llseek, SYS_stat64, SYS_lstat64)
	OLD(SYS_open, SYS_stat, SYS_lstat, SYS_rename, SYS_unlink, SYS_access)
	// which process owns a table that is ours (/proc/PID/fd), where Landlock does not hide it
	SYS_readlinkat,
	// its own sockets: the kernel's, the control socket and its payloads. Descriptors are passed with sendmsg.
	// From the outside process none may come: the last reference to a connection that lingers is one whose
	// closing waits, and it would be the keeper's.
	SYS_bind, SYS_connect, SYS_sendmsg, SYS_listen, SYS_accept, SYS_accept4, SYS_memfd_create,
	// the outside process: made, watched, ended; and the limits that it puts on itself (Landlock's calls have
	// the same numbers everywhere)
	SYS_socketpair, SYS_dup, SYS_dup3, SYS_close_range, SYS_wait4, SYS_waitid, SYS_kill, SYS_tgkill, SYS_capget,
	SYS_capset,
	SYS_seccomp, SYS_set_tid_address, 444, 445, 446,
	OLD(SYS_fork, SYS_dup2)
};

static const struct condition keeper_conditions[] = {
	// of netlink the packet filter's alone: not the one for addresses and routes
	{SYS_socket, IS(0, AF_NETLINK), IS(2, NETLINK_NETFILTER)},
	// the machine's own log, and the name of an interface for a line about a drop
	{SYS_socket, IS(0, AF_UNIX), ANY},
	{SYS_ioctl, IS(1, SIOCGIFNAME), ANY},
	// fork: a signal at its end, the C library's book-keeping, and no namespace, thread or shared memory
	{SYS_clone, {0, ~(uint32_t)(CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID), SIGCHLD}, ANY},
	// for the outside process, and against getting more: nothing here gives anything
	{SYS_prctl, IS(0, PR_SET_PDEATHSIG), ANY},
	{SYS_prctl, IS(0, PR_SET_NAME), ANY},
	{SYS_prctl, IS(0, PR_SET_NO_NEW_PRIVS), ANY},
	{SYS_prctl, IS(0, PR_SET_DUMPABLE), ANY},
	{SYS_prctl, IS(0, PR_CAP_AMBIENT), ANY},
	{SYS_prctl, IS(0, PR_CAPBSET_READ), ANY},
	{SYS_prctl, IS(0, PR_CAPBSET_DROP), ANY},
	// where the keeper stays root: the outside process becomes nobody, and there is no other to become
	{SETGROUPS, IS(0, 0), ANY},
	{SETRESGID, IS(1, NOBODY), IS(2, NOBODY)},
	{SETRESUID, IS(1, NOBODY), IS(2, NOBODY)},
	// its own limits, to close what it inherited
	{SYS_prlimit64, IS(0, 0), ANY},
};

// A collector on the network.
static const uint32_t connect_calls[] = {SYS_connect};

static const struct condition connect_conditions[] = {
	{SYS_socket, IS(0, AF_INET), ANY},
	{SYS_socket, IS(0, AF_INET6), ANY},
};

// What only works something out, from memory and what is open.
static const uint32_t apart_calls[] = {
	SYS_read, SYS_pread64, SYS_write, SYS_close,
	// clocks, where the vDSO does not answer
	SYS_clock_gettime, SYS_gettimeofday,
	OLD_CLOCK(SYS_time)
	WIDE(SYS_clock_gettime64)
	// memory; mmap and mprotect are among the conditions
	SYS_brk, SYS_munmap, SYS_mremap, SYS_madvise,
	// the C library's own, and abort()
	SYS_futex, SYS_getrandom, SYS_getpid, SYS_gettid, SYS_rt_sigaction, SYS_rt_sigprocmask,
	// the end
	SYS_exit, SYS_exit_group,
};

// Newer calls that a C library tries first and does without: clone3's flags lie in memory, where no filter sees
// them, and the others do nothing that the older ones do not. By number, the same on every architecture, where
// Debian 12's headers lack the name.
static const uint32_t missing_calls[] = {
	SYS_clone3, SYS_openat2, SYS_faccessat2, SYS_epoll_pwait2, 452, // fchmodat2
};

// Terminals are not spoken to; a C library asks whether a stream is one.
static const struct condition no_terminal[] = {
	{SYS_ioctl, IS(1, TCGETS), ANY},
	{SYS_ioctl, IS(1, TIOCGWINSZ), ANY},
};

// clang-format on

struct program {
	struct sock_filter code[1024];
	uint16_t count;
};

#define PROGRAM_MAX COUNT(((struct program *)NULL)->code)

static void add(struct program *program, uint16_t code, uint8_t if_true, uint8_t if_false, uint32_t k)
{
	if (program->count < PROGRAM_MAX)
		program->code[program->count] = (struct sock_filter){code, if_true, if_false, k};
	program->count++; // one too many makes `install` refuse
}

static void load(struct program *program, size_t offset)
{
	add(program, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

static void answer(struct program *program, uint32_t action)
{
	add(program, BPF_RET | BPF_K, 0, 0, action);
}

static void begin(struct program *program)
{
	program->count = 0;
	load(program, offsetof(struct seccomp_data, arch));
	add(program, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, ARCHITECTURE);
	answer(program, SECCOMP_RET_KILL_PROCESS);
	load(program, offsetof(struct seccomp_data, nr));
	add(program, BPF_JMP | BPF_JGE | BPF_K, 0, 1, CALL_END);
	answer(program, SECCOMP_RET_KILL_PROCESS);
}

static void on_calls(struct program *program, const uint32_t *calls, size_t count, uint32_t action)
{
	load(program, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < count; i++) {
		add(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, calls[i]);
		answer(program, action);
	}
}

// Leaves out the next `skip` instructions where the argument is another.
static void on_test(struct program *program, const struct test *test, uint8_t skip)
{
	size_t argument = offsetof(struct seccomp_data, args) + test->argument * sizeof(uint64_t);

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	argument += sizeof(uint32_t);
#endif
	load(program, argument);
	add(program, BPF_ALU | BPF_AND | BPF_K, 0, 0, test->mask);
	add(program, BPF_JMP | BPF_JEQ | BPF_K, 0, skip, test->value);
}

static void on_conditions(struct program *program, const struct condition *conditions, size_t count,
                          uint32_t action)
{
	for (size_t i = 0; i < count; i++) {
		load(program, offsetof(struct seccomp_data, nr));
		add(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 7, conditions[i].call);
		on_test(program, &conditions[i].first, 4);
		on_test(program, &conditions[i].second, 1);
		answer(program, action);
	}
}

static void common(struct program *program)
{
	begin(program);
	on_calls(program, common_calls, COUNT(common_calls), SECCOMP_RET_ALLOW);
	on_conditions(program, common_conditions, COUNT(common_conditions), SECCOMP_RET_ALLOW);
}

int sandbox_has_filters(void)
{
	const uint32_t action = SECCOMP_RET_KILL_PROCESS;

	if (!ARCHITECTURE)
		return -ENOSYS;
	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0)
		return errno == EINVAL ? -ENOSYS : -errno;
	return 0;
}

static int install(struct program *program)
{
	struct sock_fprog filter = {.filter = program->code};
	int error;

	on_calls(program, missing_calls, COUNT(missing_calls), SECCOMP_RET_ERRNO | ENOSYS);
	on_conditions(program, no_terminal, COUNT(no_terminal), SECCOMP_RET_ERRNO | ENOTTY);
	answer(program, SECCOMP_RET_KILL_PROCESS);
	if (program->count > PROGRAM_MAX)
		return -E2BIG;
	filter.len = program->count;
#ifdef __SANITIZE_ADDRESS__
	return -ENOSYS;
#endif
	error = sandbox_has_filters();
	if (error)
		return error;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) < 0 ? -errno : 0;
}

int sandbox_calls_keeper(bool connect)
{
	struct program program;

	common(&program);
	on_calls(&program, keeper_calls, COUNT(keeper_calls), SECCOMP_RET_ALLOW);
	on_conditions(&program, keeper_conditions, COUNT(keeper_conditions), SECCOMP_RET_ALLOW);
	if (connect)
		on_conditions(&program, connect_conditions, COUNT(connect_conditions), SECCOMP_RET_ALLOW);
	return install(&program);
}

int sandbox_calls_apart(void)
{
	struct program program;

	begin(&program);
	on_calls(&program, apart_calls, COUNT(apart_calls), SECCOMP_RET_ALLOW);
	on_conditions(&program, common_conditions, COUNT(common_conditions), SECCOMP_RET_ALLOW);
	return install(&program);
}

int sandbox_calls_outside(bool connect)
{
	// abort() says why on its way out; nobody else gets a signal from here.
	const struct condition to_itself = {SYS_tgkill, IS(0, (uint32_t)getpid()), ANY};
	struct program program;

	common(&program);
	on_conditions(&program, &to_itself, 1, SECCOMP_RET_ALLOW);
	if (connect) {
		on_calls(&program, connect_calls, COUNT(connect_calls), SECCOMP_RET_ALLOW);
		on_conditions(&program, connect_conditions, COUNT(connect_conditions), SECCOMP_RET_ALLOW);
	}
	return install(&program);
}
