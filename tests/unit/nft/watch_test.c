// SPDX-License-Identifier: GPL-2.0-or-later
//
// Hearing of changes from the kernel this runs on.
#include "kernel_world.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>

#include "nft/nft_watch.h"

struct listening {
	struct world *w;
	struct nft_watch *watch;
};

static int setup(void **state)
{
	struct listening *l = calloc(1, sizeof *l);
	assert_non_null(l);
	void *w;
	assert_int_equal(kernel_setup(&w), 0);
	l->w = w;
	assert_int_equal(nft_watch_open(&l->watch, &l->w->problems), 0);
	*state = l;
	return 0;
}

static int teardown(void **state)
{
	struct listening *l = *state;
	void *w = l->w;
	nft_watch_close(l->watch);
	free(l);
	return kernel_teardown(&w);
}

// The kernel tells before the command that made the change returns: nothing has to be waited for.
static bool readable(const struct listening *l)
{
	struct pollfd p = {.fd = nft_watch_fd(l->watch), .events = POLLIN};
	return poll(&p, 1, 0) == 1;
}

static void silence(const struct listening *l)
{
	struct nft_seen seen;
	assert_int_equal(nft_watch_read(l->watch, &seen), -EAGAIN);
	assert_false(readable(l));
}

static struct nft_seen hear(const struct listening *l)
{
	struct nft_seen seen;
	assert_int_equal(nft_watch_read(l->watch, &seen), 0);
	return seen;
}

static void others(const char *command)
{
	if (kernel_run(command) != 0)
		fail_msg("cannot: %s", command);
}

static void who_changed_what(void **state)
{
	struct listening *l = *state;
	silence(l);
	others("nft add table inet leadglass");
	assert_true(readable(l));
	struct nft_seen seen = hear(l);
	assert_true(seen.ours);
	assert_false(seen.foreign || seen.lost);
	assert_string_equal(seen.process, "nft");
	assert_int_not_equal(seen.pid, 0);
	assert_int_equal(seen.generation, kernel_state(l->w).generation);
	silence(l);
	others("nft 'add table ip x; add set ip x s { type ipv4_addr; }'");
	others("nft add element ip x s { 192.0.2.1 }");
	others("nft add chain bridge leadglass c 2>/dev/null || nft 'add table bridge leadglass'");
	others("nft flush ruleset");
	seen = hear(l);
	assert_true(seen.foreign && !seen.ours);
	seen = hear(l);
	assert_false(seen.foreign || seen.ours); // an element
	seen = hear(l);
	assert_true(seen.ours && !seen.foreign);
	seen = hear(l);
	assert_true(seen.ours && seen.foreign);
	assert_int_equal(seen.generation, kernel_state(l->w).generation);
	silence(l);
}

static void what_was_refused_is_not_heard(void **state)
{
	struct listening *l = *state;
	assert_int_not_equal(kernel_run("nft 'add table ip x; add rule ip x none accept' 2>/dev/null"), 0);
	silence(l);
}

static void one_transaction_of_many_datagrams(void **state)
{
	struct listening *l = *state;
	others("{ echo add table ip x; echo add chain ip x c;"
	       " for i in $(seq 100); do echo add rule ip x c counter comment c$i; done;"
	       " echo add table inet leadglass; } | nft -f -");
	struct nft_seen seen = hear(l);
	assert_true(seen.ours && seen.foreign);
	assert_false(seen.lost);
	assert_string_equal(seen.process, "nft");
	silence(l);
}

static void nobody_listens_while_it_is_paused(void **state)
{
	struct listening *l = *state;
	others("nft add table inet leadglass");
	nft_watch_pause(l->watch); // what was not read yet is forgotten
	silence(l);
	others("nft add table ip x");
	silence(l);
	assert_int_equal(nft_watch_resume(l->watch), 0);
	silence(l);
	others("nft delete table inet leadglass");
	assert_true(hear(l).ours);
	silence(l);
	assert_int_equal(nft_watch_resume(l->watch), 0); // without harm
	nft_watch_pause(l->watch);
	nft_watch_pause(l->watch);
	assert_int_equal(nft_watch_resume(l->watch), 0);
	others("nft add table ip y");
	assert_true(hear(l).foreign);
	silence(l);
}

static void more_than_the_socket_holds(void **state)
{
	struct listening *l = *state;
	others("nft add table inet leadglass");
	others("{ echo add table ip x; echo add chain ip x c;"
	       " for i in $(seq 20000); do echo add rule ip x c counter; done; } | nft -f -");
	struct nft_seen seen = hear(l);
	assert_true(seen.lost);
	assert_true(seen.ours && seen.foreign); // what still waited is part of the same news
	assert_string_equal(seen.process, "nft");
	assert_int_equal(seen.generation, 0);
	silence(l);
	others("nft delete table inet leadglass");
	seen = hear(l);
	assert_true(seen.ours);
	assert_false(seen.lost || seen.foreign);
	silence(l);
}

static void a_loss_while_nobody_reads_is_forgotten_by_a_pause(void **state)
{
	struct listening *l = *state;
	others("{ echo add table ip x; echo add chain ip x c;"
	       " for i in $(seq 20000); do echo add rule ip x c counter; done; } | nft -f -");
	nft_watch_pause(l->watch);
	assert_int_equal(nft_watch_resume(l->watch), 0);
	silence(l);
	others("nft add table inet leadglass");
	struct nft_seen seen = hear(l);
	assert_true(seen.ours);
	assert_false(seen.foreign || seen.lost);
	silence(l);
}

static void only_the_kernel_is_heard(void **state)
{
	struct listening *l = *state;
	struct sockaddr_nl us = {.nl_family = AF_NETLINK};
	socklen_t size = sizeof us;
	struct {
		struct nlmsghdr header;
		struct nfgenmsg head;
	} lie = {.header = {.nlmsg_len = sizeof lie, .nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN}};
	assert_int_equal(getsockname(nft_watch_fd(l->watch), (struct sockaddr *)&us, &size), 0);
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	assert_true(fd >= 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(sendto(fd, &lie, sizeof lie, 0, (const struct sockaddr *)&us, sizeof us),
		                 sizeof lie);
	assert_true(readable(l));
	silence(l);
	close(fd);
}

// ---- with few system calls and without permission ----

#if defined __has_feature && !defined __SANITIZE_ADDRESS__
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define SANITISED true // it makes calls of its own
#else
#define SANITISED false
#endif

#define ALLOW(name)                                                                                            \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static int allow_few_calls(void)
{
	struct sock_filter code[] = {
	        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	        ALLOW(bind),
	        ALLOW(sendto),
	        ALLOW(recvfrom),
	        ALLOW(sendmsg),
	        ALLOW(recvmsg),
	        ALLOW(setsockopt),
	        ALLOW(getsockopt),
	        ALLOW(getsockname),
	        ALLOW(close),
	        ALLOW(brk),
	        ALLOW(mmap),
	        ALLOW(munmap),
	        ALLOW(exit_group),
	        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_openat, 0, 1), // of /proc, which may be out of reach
	        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
	        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 0, 3),
	        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
	        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 1),
	        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	const struct sock_fprog program = {sizeof code / sizeof *code, code};
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

// Opens, loads as the agent does, and hears itself. 0: all went well.
static int under_a_filter(void)
{
	static struct world w;
	struct nft_watch *watch;
	struct nft_seen seen;
	static const struct fixture three = {.peers = 3, .size = 16};
	struct ruleset meant;
	struct nft_load_options options = {.skip_read_back = false};
	if (fixture_build(&three, &meant) || allow_few_calls())
		return 1;
	if (nft_watch_open(&watch, &w.problems) || nft_open(&w.nft, &w.problems))
		return 2;
	if (nft_load(w.nft, &meant, NULL, &options, &w.problems, &w.result))
		return 3;
	if (nft_watch_read(watch, &seen) || !seen.ours)
		return 4;
	nft_watch_pause(watch);
	return nft_watch_resume(watch) || nft_watch_read(watch, &seen) != -EAGAIN ? 5 : 0;
}

static int without_permission(void)
{
	static struct problems problems;
	struct nft_watch *watch;
	if (setresuid(65534, 65534, 65534) < 0)
		return 1;
	int r = nft_watch_open(&watch, &problems);
	return r == -EPERM && problems.count == 1 && strstr(problems.items[0].instead, "CAP_NET_ADMIN") ? 0 : 2;
}

// Its exit code; 256 and the signal when one ended it.
static int in_a_child(int (*deed)(void))
{
	int status = 0;
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(deed());
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static void few_system_calls_are_enough(void **state)
{
	(void)state;
	if (SANITISED)
		skip();
	assert_int_equal(in_a_child(under_a_filter), 0);
}

static void permission_is_missing(void **state)
{
	(void)state;
	assert_int_equal(in_a_child(without_permission), 0);
}

static void nothing_is_closed(void **state)
{
	(void)state;
	nft_watch_close(NULL);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	kernel_needs_root();
	const struct CMUnitTest tests[] = {
	        test(who_changed_what),
	        test(what_was_refused_is_not_heard),
	        test(one_transaction_of_many_datagrams),
	        test(nobody_listens_while_it_is_paused),
	        test(more_than_the_socket_holds),
	        test(a_loss_while_nobody_reads_is_forgotten_by_a_pause),
	        test(only_the_kernel_is_heard),
	        test(few_system_calls_are_enough),
	        test(permission_is_missing),
	        cmocka_unit_test(nothing_is_closed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
