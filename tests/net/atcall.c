// SPDX-License-Identifier: GPL-2.0-or-later
//
// Does something to a process at a system call of its, for sweep.py.
//
//	atcall PID N kill [WHEN]              kills it (-9) as it enters its Nth call from now on
//	atcall PID N fail CALLS ERROR [WHEN]  the Nth of these calls is not made and returns ERROR, a
//	                                      number; the process goes on by itself then
//	atcall PID N garble MASK [WHEN]       the Nth octet that it writes is another: xor MASK
//
// CALLS is a name of the table below. WHEN is `exec`: nothing counts before PID has become another program; or
// `child`: what is meant is not PID but the first process that it makes. Says "attached" on a line of its own
// first, and in the end "killed at call N number NR", "failed call N number NR" or "garbled call N number NR",
// exit status 0. Ended by SIGTERM before that it lets go of the process: "made N calls", exit status 1.
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
        {"any", {-1}},
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

	if (strcmp(calls->name, "any") == 0)
		return true;

	for (size_t i = 0; i < most && (i == 0 || calls->numbers[i] != 0); i++) {
		if (calls->numbers[i] == number)
			return true;
	}
	return false;
}

// False: the process has stopped for something else than to enter a call.
static bool entered(pid_t pid, struct ptrace_syscall_info *ret)
{
	return ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof *ret, ret) >= 0 &&
	       ret->op == PTRACE_SYSCALL_INFO_ENTRY;
}

// A process that is tracked can be let go of only while it stands still.
static void detach(pid_t pid)
{
	int status = 0;
	bool signalled;

	if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0)
		return;
	while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
		continue;
	// What it stands still for may be a signal, which is to arrive.
	signalled = WIFSTOPPED(status) && status >> 16 == 0 && WSTOPSIG(status) != (SIGTRAP | 0x80);
	ptrace(PTRACE_DETACH, pid, 0, signalled ? WSTOPSIG(status) : 0);
}

static void let_go(pid_t pid, long calls)
{
	detach(pid);
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

enum what { KILL, FAIL, GARBLE };
static const char *const names[] = {[KILL] = "kill", [FAIL] = "fail", [GARBLE] = "garble"};
static const char *const done[] = {[KILL] = "killed at", [FAIL] = "failed", [GARBLE] = "garbled"};

struct job {
	pid_t pid;
	long wanted;
	enum what what;
	const struct calls *calls; // which fail
	int number;                // the error, or the mask
	bool counting;
	bool of_child;
	pid_t child; // 0: none yet
	long calls_made, octets;
};

static _Noreturn void usage(void)
{
	fprintf(stderr,
	        "usage: atcall PID N kill [exec | child]\n       atcall PID N fail CALLS ERROR [exec | child]\n"
	        "       atcall PID N garble MASK [exec | child]\n");
	exit(2);
}

static void read_job(int argc, char **argv, struct job *ret)
{
	int words = 4;

	*ret = (struct job){.counting = true};
	while (argc > 3 && ret->what <= GARBLE && strcmp(argv[3], names[ret->what]) != 0)
		ret->what++;
	if (argc <= 3 || ret->what > GARBLE || argc < (words += ret->what == FAIL ? 2 : ret->what == GARBLE))
		usage();
	ret->pid = (pid_t)atoi(argv[1]);
	ret->wanted = atol(argv[2]);
	if (ret->what == FAIL)
		ret->calls = find(argv[4]);
	if (ret->what != KILL)
		ret->number = atoi(argv[words - 1]);
	if (argc == words)
		return;
	ret->of_child = strcmp(argv[words], "child") == 0;
	ret->counting = ret->of_child || strcmp(argv[words], "exec") != 0;
	if (argc != words + 1 || (ret->counting && !ret->of_child))
		usage();
}

// One octet of what is about to be written.
static void garble_there(pid_t pid, unsigned long address, int mask)
{
	const unsigned long word = address & ~(sizeof(long) - 1);
	long value;

	errno = 0;
	value = ptrace(PTRACE_PEEKDATA, pid, word, 0);
	((unsigned char *)&value)[address - word] ^= (unsigned char)mask;
	if (errno != 0 || ptrace(PTRACE_POKEDATA, pid, word, value) < 0 || ptrace(PTRACE_DETACH, pid, 0, 0) < 0)
		fail("cannot change what is written");
}

// Whether it is the moment; then it has happened, and the process is let go.
static bool happens(struct job *job, pid_t pid, const struct ptrace_syscall_info *info)
{
	const long number = (long)info->entry.nr, size = (long)info->entry.args[2];

	if (job->what == GARBLE) {
		job->octets += number == SYS_write ? size : 0;
		if (number != SYS_write || job->octets < job->wanted)
			return false;
		garble_there(pid,
		             (unsigned long)info->entry.args[1] +
		                     (unsigned long)(size - 1 - (job->octets - job->wanted)),
		             job->number);
		job->calls_made = job->wanted;
		return true;
	}
	if ((job->what == FAIL && !is_one(job->calls, number)) || ++job->calls_made != job->wanted)
		return false;
	if (job->what == FAIL)
		fail_there(pid, job->number);
	else
		kill_there(pid);
	return true;
}

int main(int argc, char **argv)
{
	const struct sigaction action = {.sa_handler = end}; // without SA_RESTART: waitpid is to return
	const long forks = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
	struct job job;

	read_job(argc, argv, &job);
	sigaction(SIGTERM, &action, NULL);
	if (ptrace(PTRACE_SEIZE, job.pid, 0, PTRACE_O_TRACESYSGOOD | (job.of_child ? forks : 0)) < 0 ||
	    ptrace(PTRACE_INTERRUPT, job.pid, 0, 0) < 0)
		fail("cannot attach");
	for (bool attached = false;;) {
		struct ptrace_syscall_info info;
		int status, deliver = 0;
		const pid_t pid = waitpid(-1, &status, __WALL);

		if (pid < 0) {
			if (errno == EINTR && ended)
				let_go(job.pid, job.calls_made);
			if (errno == EINTR)
				continue;
			fail("waitpid");
		}
		if (pid != job.pid && !job.child)
			job.child = pid;
		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			if (pid != job.pid)
				continue;
			printf("ended by itself after %ld calls\n", job.calls_made);
			return 2;
		}
		if (pid != job.pid && pid != job.child) { // made later
			ptrace(PTRACE_DETACH, pid, 0, 0);
			continue;
		}
		if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			const bool call = entered(pid, &info);

			if (call && job.counting && pid == (job.of_child ? job.child : job.pid) &&
			    happens(&job, pid, &info)) {
				printf("%s call %ld number %ld\n", done[job.what], job.calls_made,
				       (long)info.entry.nr);
				fflush(stdout);
				if (job.of_child) {
					signal(SIGTERM, SIG_DFL);
					detach(job.pid);
				}
				return 0;
			}
			job.counting = job.counting || (call && info.entry.nr == SYS_execve);
		} else if (status >> 16 == 0) {
			deliver = WSTOPSIG(status);
		}
		if (!attached) {
			attached = true;
			puts("attached");
			fflush(stdout);
		}
		if (ptrace(job.of_child && pid == job.pid ? PTRACE_CONT : PTRACE_SYSCALL, pid, 0, deliver) <
		            0 &&
		    errno != ESRCH)
			fail("ptrace");
	}
}
