// SPDX-License-Identifier: GPL-2.0-or-later
//
// Does something to a process at a system call of its, for sweep.py.
//
//	atcall PID N kill [exec]              kills it (-9) as it enters its Nth call from now on
//	atcall PID N fail CALLS ERROR [exec]  the Nth of these calls is not made and returns ERROR, a
//	                                      number; the process goes on by itself then
//
// CALLS is a name of the table below. With `exec` nothing counts before PID has become another program. Says
// "attached" on a line of its own first, and in the end "killed at call N number NR" or "failed call N number
// NR", exit status 0. Ended by SIGTERM before that it lets go of the process: "made N calls", exit status 1.
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

// What this processor does not have is never called.
#ifndef SYS_open
#define SYS_open -1
#define SYS_mkdir -1
#define SYS_rename -1
#define SYS_unlink -1
#define SYS_poll -1
#define SYS_fork -1
#define SYS_vfork -1
#endif

static const struct calls {
	const char *name;
	long numbers[8]; // 0 ends them: `read` stands first where it is one
} table[] = {
        {"open", {SYS_openat, SYS_openat2, SYS_open, SYS_memfd_create}},
        {"read", {SYS_read, SYS_pread64, SYS_readv, SYS_getdents64, SYS_readlinkat}},
        {"write", {SYS_write, SYS_pwrite64, SYS_writev}},
        {"sync", {SYS_fsync, SYS_fdatasync}},
        {"rename", {SYS_renameat, SYS_renameat2, SYS_rename}},
        {"change",
         {SYS_unlinkat, SYS_unlink, SYS_mkdirat, SYS_mkdir, SYS_fchmod, SYS_fchown, SYS_ftruncate, SYS_flock}},
        {"look", {SYS_newfstatat, SYS_fstat, SYS_statx, SYS_fcntl, SYS_getsockopt, SYS_ioctl, SYS_getsockname}},
        {"send", {SYS_sendto, SYS_sendmsg}},
        {"receive", {SYS_recvfrom, SYS_recvmsg}},
        {"memory", {SYS_mmap, SYS_brk, SYS_mremap}},
        {"wait", {SYS_poll, SYS_ppoll}},
        {"begin",
         {SYS_socket, SYS_socketpair, SYS_pipe2, SYS_clone, SYS_clone3, SYS_accept4, SYS_bind, SYS_connect}},
};

static volatile sig_atomic_t ended;

static void end(int signal_number)
{
	(void)signal_number;
	ended = 1;
}

static void fail(const char *what)
{
	fprintf(stderr, "atcall: %s: %s\n", what, strerror(errno));
	exit(2);
}

static const struct calls *find(const char *name)
{
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	}
	errno = EINVAL;
	fail(name);
	return NULL;
}

static bool is_one(const struct calls *calls, long number)
{
	const size_t most = sizeof calls->numbers / sizeof calls->numbers[0];

	for (size_t i = 0; i < most && (i == 0 || calls->numbers[i] != 0); i++) {
		if (calls->numbers[i] == number)
			return true;
	}
	return false;
}

// The number of the system call that is being entered; -1: the process has stopped for something else.
static long entered(pid_t pid)
{
	struct ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) < 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return -1;
	return (long)info.entry.nr;
}

static void let_go(pid_t pid, long calls)
{
	int status;

	// A process that is tracked can be let go of only while it stands still.
	if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) == 0) {
		while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
			continue;
		ptrace(PTRACE_DETACH, pid, 0, 0);
	}
	printf("made %ld calls\n", calls);
	exit(1);
}

static void kill_there(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	waitpid(pid, &status, __WALL);
}

#ifdef __x86_64__
// The process stands at the entry of a call. A call that every seccomp filter lets pass and that does nothing
// is made in its place: without any, the filter would be asked about a call of number -1. Of brk, a failure is
// the old end, which is what brk(0) returns.
static void fail_there(pid_t pid, int error)
{
	struct user_regs_struct before, instead;
	int status;

	if (ptrace(PTRACE_GETREGS, pid, 0, &before) < 0)
		fail("cannot read the registers");
	instead = before;
	if (before.orig_rax != SYS_brk)
		instead.orig_rax = SYS_getpid;
	instead.rdi = 0;
	if (ptrace(PTRACE_SETREGS, pid, 0, &instead) < 0 || ptrace(PTRACE_SYSCALL, pid, 0, 0) < 0)
		fail("cannot exchange the call");
	while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
		continue;
	if (!WIFSTOPPED(status) || ptrace(PTRACE_GETREGS, pid, 0, &instead) < 0)
		fail("it ended in its call");
	if (before.orig_rax == SYS_brk)
		before.rax = instead.rax;
	else
		before.rax = (unsigned long long)-(long long)error;
	before.rip = instead.rip;
	before.orig_rax = (unsigned long long)-1; // nothing to restart
	if (ptrace(PTRACE_SETREGS, pid, 0, &before) < 0 || ptrace(PTRACE_DETACH, pid, 0, 0) < 0)
		fail("cannot set what it returns");
}
#else
static void fail_there(pid_t pid, int error)
{
	(void)pid;
	(void)error;
	errno = ENOSYS;
	fail("calls are not exchanged on this processor");
}
#endif

struct job {
	pid_t pid;
	long wanted;
	const struct calls *calls; // NULL: any, and the process is killed
	int error;
	bool counting;
};

static _Noreturn void usage(void)
{
	fprintf(stderr, "usage: atcall PID N kill [exec]\n       atcall PID N fail CALLS ERROR [exec]\n");
	exit(2);
}

static void read_job(int argc, char **argv, struct job *ret)
{
	bool fails = argc > 3 && strcmp(argv[3], "fail") == 0;
	const int words = fails ? 6 : 4;
	bool exec = argc == words + 1 && strcmp(argv[words], "exec") == 0;

	if ((argc != words && !exec) || (!fails && strcmp(argv[3], "kill") != 0))
		usage();
	*ret = (struct job){
	        .pid = (pid_t)atoi(argv[1]),
	        .wanted = atol(argv[2]),
	        .calls = fails ? find(argv[4]) : NULL,
	        .error = fails ? atoi(argv[5]) : 0,
	        .counting = !exec,
	};
}

int main(int argc, char **argv)
{
	const struct sigaction action = {.sa_handler = end}; // without SA_RESTART: waitpid is to return
	struct job job;
	long calls = 0;

	read_job(argc, argv, &job);
	const pid_t pid = job.pid;
	sigaction(SIGTERM, &action, NULL);
	if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD) < 0 || ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0)
		fail("cannot attach");
	for (bool attached = false;;) {
		int status, deliver = 0;

		if (waitpid(pid, &status, __WALL) < 0) {
			if (errno == EINTR && ended)
				let_go(pid, calls);
			if (errno == EINTR)
				continue;
			fail("waitpid");
		}
		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			printf("ended by itself after %ld calls\n", calls);
			return 2;
		}
		if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			long number = entered(pid);

			if (number >= 0 && job.counting && (!job.calls || is_one(job.calls, number)) &&
			    ++calls == job.wanted) {
				if (job.calls)
					fail_there(pid, job.error);
				else
					kill_there(pid);
				printf("%s call %ld number %ld\n", job.calls ? "failed" : "killed at", calls,
				       number);
				return 0;
			}
			job.counting = job.counting || number == SYS_execve;
		} else if (status >> 16 == 0) {
			deliver = WSTOPSIG(status);
		}
		if (!attached) {
			attached = true;
			puts("attached");
			fflush(stdout);
		}
		if (ptrace(PTRACE_SYSCALL, pid, 0, deliver) < 0)
			fail("ptrace");
	}
}
