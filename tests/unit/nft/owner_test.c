// SPDX-License-Identifier: GPL-2.0-or-later
//
// Who may change the wall: owners, orphans, races, permissions and limits of the socket, in the kernel this
// runs on.
#include "kernel_world.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nft/nft_owner.h"

static const struct fixture three = {.peers = 3, .size = 16, .detailed = true};
static const struct fixture four = {.peers = 4, .size = 16, .detailed = true};
static const struct fixture other = {.peers = 3, .size = 16, .detailed = true, .extra = "time, policy.conf:40"};

static void a_table_of_another_socket_is_not_touched(void **state)
{
	struct world *w = *state;
	struct nft *second = NULL;
	kernel_load(w, three, NFT_CREATED);
	if (!kernel_has_persistence(w))
		skip(); // before 6.9
	assert_true(kernel_state(w).inet.mine);
	assert_int_equal(nft_open(&second, &w->problems), 0);
	struct nft *first = w->nft;
	w->nft = second;
	assert_int_equal(kernel_try_load(w, four, false), -EPERM);
	char pid[32];
	snprintf(pid, sizeof pid, "process %d", (int)getpid());
	assert_non_null(strstr(w->problems.items[0].what, pid));
	assert_int_equal(nft_remove(w->nft, &w->problems), -EPERM);
	assert_int_equal(kernel_differences(w, three), 0);
	assert_true(kernel_state(w).inet.owned);
	assert_false(kernel_state(w).inet.mine);
	nft_close(second);
	w->nft = first;
}

static void an_orphan_is_adopted(void **state)
{
	struct world *w = *state;
	kernel_load(w, three, NFT_CREATED);
	if (!kernel_has_persistence(w))
		skip();
	kernel_let_go(w);
	struct nft_state after = kernel_state(w);
	assert_true(after.inet.present);
	assert_true(after.inet.persistent);
	assert_false(after.inet.owned);
	assert_int_equal(kernel_differences(w, three), 0);
	kernel_load(w, three, NFT_UNCHANGED);
	assert_true(kernel_state(w).inet.mine);
	kernel_let_go(w);
	kernel_load(w, four, NFT_ELEMENTS);
	assert_true(kernel_state(w).inet.mine);
	assert_true(w->result.persistent);
	// Nobody else may flush it now, not even all at once.
	assert_int_not_equal(kernel_run("nft add rule inet leadglass input accept 2>/dev/null"), 0);
	assert_int_equal(kernel_run("nft flush ruleset"), 0);
	assert_int_equal(kernel_differences(w, four), 0);
}

// The unowned table is as anybody's: what the guard is there for.
static void a_table_without_an_owner(void **state)
{
	struct world *w = *state;
	nft_do_not_own(w->nft);
	kernel_load(w, three, NFT_CREATED);
	struct nft_table_state table = kernel_state(w).inet;
	assert_true(table.present);
	assert_false(table.owned || table.mine || table.persistent);
	assert_false(w->result.persistent);
	kernel_load(w, four, NFT_ELEMENTS);
	kernel_load(w, four, NFT_UNCHANGED);
	kernel_load(w, other, NFT_EXCHANGED);
	assert_int_equal(kernel_run("nft insert rule inet leadglass input accept"), 0);
	assert_int_not_equal(kernel_differences(w, other), 0);
	kernel_load(w, other, NFT_EXCHANGED);
	assert_int_equal(kernel_run("nft 'add table inet leadglass { flags dormant; }'"), 0);
	assert_true(kernel_state(w).inet.dormant);
	kernel_load(w, other, NFT_EXCHANGED);
	assert_false(kernel_state(w).inet.dormant);
	assert_int_equal(kernel_run("nft flush ruleset"), 0);
	assert_false(kernel_state(w).inet.present);
	kernel_load(w, other, NFT_CREATED);
	assert_false(kernel_state(w).inet.owned);
	// It stays when its maker goes, and stays unowned when one comes that would own it: the kernel gives no
	// owner to a table that never had one (EOPNOTSUPP), and to make it anew would open the wall.
	kernel_let_go(w);
	assert_int_equal(kernel_differences(w, other), 0);
	kernel_load(w, other, NFT_UNCHANGED);
	kernel_load(w, three, NFT_EXCHANGED);
	table = kernel_state(w).inet;
	assert_false(table.owned || table.persistent);
	assert_int_equal(nft_remove(w->nft, &w->problems), 0);
	kernel_load(w, three, NFT_CREATED);
	assert_int_equal(kernel_state(w).inet.owned, kernel_has_persistence(w));
}

// What an owner left behind is changed as it is: its flags cannot be taken away without making it anew.
static void an_orphan_is_not_adopted(void **state)
{
	struct world *w = *state;
	kernel_load(w, three, NFT_CREATED);
	if (!kernel_has_persistence(w))
		skip();
	kernel_let_go(w);
	nft_do_not_own(w->nft);
	kernel_load(w, three, NFT_UNCHANGED);
	kernel_load(w, four, NFT_ELEMENTS);
	kernel_load(w, other, NFT_EXCHANGED);
	assert_int_equal(kernel_run("nft insert rule inet leadglass input accept"), 0);
	kernel_load(w, other, NFT_EXCHANGED);
	struct nft_table_state table = kernel_state(w).inet;
	assert_true(table.persistent);
	assert_false(table.owned);
	kernel_let_go(w); // and one that owns takes it over from there
	kernel_load(w, other, NFT_UNCHANGED);
	assert_true(kernel_state(w).inet.mine);
	// What has an owner keeps it.
	nft_do_not_own(w->nft);
	kernel_load(w, three, NFT_EXCHANGED);
	assert_true(kernel_state(w).inet.mine);
}

// A table of the other family may stand differently: each is as it is.
static void two_tables_that_stand_differently(void **state)
{
	static const struct fixture both = {.peers = 3, .size = 16, .detailed = true, .bridge = true};
	struct world *w = *state;
	kernel_load(w, three, NFT_CREATED);
	if (!kernel_has_persistence(w))
		skip();
	kernel_let_go(w);
	nft_do_not_own(w->nft);
	kernel_load(w, both, NFT_CREATED);
	struct nft_state now = kernel_state(w);
	assert_true(now.inet.persistent);
	assert_false(now.bridge.persistent || now.bridge.owned || now.inet.owned);
	kernel_let_go(w);
	kernel_load(w, both, NFT_UNCHANGED);
	now = kernel_state(w);
	assert_true(now.inet.mine);
	assert_false(now.bridge.owned);
}

static void nobody_gets_past_an_owner_by_not_owning(void **state)
{
	struct world *w = *state;
	struct nft *second = NULL, *first = w->nft;
	kernel_load(w, three, NFT_CREATED);
	if (!kernel_has_persistence(w))
		skip();
	assert_int_equal(nft_open(&second, &w->problems), 0);
	nft_do_not_own(second);
	w->nft = second;
	assert_int_equal(kernel_try_load(w, four, false), -EPERM);
	assert_int_equal(nft_remove(second, &w->problems), -EPERM);
	w->nft = first;
	nft_close(second);
	assert_int_equal(kernel_differences(w, three), 0);
}

// Who it is decides what the user is told to do.
static void the_agent_is_named(void **state)
{
	struct world *w = *state;
	struct nft *second = NULL, *first = w->nft;
	char name[16];
	kernel_load(w, three, NFT_CREATED);
	if (!kernel_has_persistence(w))
		skip();
	assert_int_equal(prctl(PR_GET_NAME, name), 0);
	assert_int_equal(nft_open(&second, &w->problems), 0);
	w->nft = second;
	assert_int_equal(kernel_try_load(w, four, false), -EPERM);
	assert_non_null(strstr(w->problems.items[0].instead, "ask that process"));
	assert_int_equal(prctl(PR_SET_NAME, "leadglassd"), 0);
	assert_int_equal(kernel_try_load(w, four, false), -EPERM);
	assert_non_null(strstr(w->problems.items[1].what, "(leadglassd)"));
	assert_non_null(strstr(w->problems.items[1].instead, "leadglass apply"));
	assert_int_equal(prctl(PR_SET_NAME, "a\x1b[2Jb\nc"), 0);
	assert_int_equal(kernel_try_load(w, four, false), -EPERM);
	assert_non_null(strstr(w->problems.items[2].what, "(a?[2Jb)"));
	assert_int_equal(prctl(PR_SET_NAME, name), 0);
	w->nft = first;
	nft_close(second);
}

// Without a look into other processes the port, which is the number of the process, has to do.
static int guess_the_owner(void)
{
	static struct world w;
	struct nft_owner owner;
	if (nft_open(&w.nft, &w.problems) || kernel_try_load(&w, three, false))
		return 1;
	if (!w.result.persistent)
		return 77;
	uint32_t port = w.nft->io.port(w.nft->io.context);
	if (port != (uint32_t)getpid() || !nft_owner_find(port, &owner) || !owner.sure)
		return 2;
	pid_t child = fork();
	if (child == 0) {
		// Of the parent only its name can be read; the socket is closed in the child.
		nft_close(w.nft);
		if (setresuid(65534, 65534, 65534) < 0 || !nft_owner_find(port, &owner))
			_exit(3);
		_exit(owner.sure || owner.pid != getppid() || !owner.name[0] ? 4 : 0);
	}
	int status;
	return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 5;
}

// Another program changes rules between our reading and our sending.
struct meddler {
	struct nft_io io;
	unsigned times;
};

static ssize_t meddling_send(void *context, const void *data, size_t size)
{
	struct meddler *m = context;
	const struct nlmsghdr *header = data;
	if (header->nlmsg_type == NLMSG_MIN_TYPE && m->times) { // NFNL_MSG_BATCH_BEGIN
		m->times--;
		if (kernel_run("nft add table ip meddler && nft delete table ip meddler") != 0)
			abort();
	}
	return m->io.send(m->io.context, data, size);
}

static ssize_t meddling_receive(void *context, void *data, size_t size, bool wait)
{
	struct meddler *m = context;
	return m->io.receive(m->io.context, data, size, wait);
}

static int meddling_room(void *context, size_t size)
{
	struct meddler *m = context;
	return m->io.room(m->io.context, size);
}

static uint32_t meddling_port(void *context)
{
	struct meddler *m = context;
	return m->io.port(m->io.context);
}

static void meddling_close(void *context)
{
	struct meddler *m = context;
	m->io.close(m->io.context);
}

static void a_race_is_run_again(void **state)
{
	struct world *w = *state;
	struct meddler meddler = {.io = w->nft->io, .times = 2};
	w->nft->io = (struct nft_io){meddling_send, meddling_receive, meddling_room,
	                             meddling_port, meddling_close,   &meddler};
	kernel_load(w, three, NFT_CREATED);
	assert_int_equal(meddler.times, 0);
	meddler.times = 1;
	kernel_load(w, other, NFT_EXCHANGED);
	meddler.times = 100;
	assert_int_equal(kernel_try_load(w, three, false), -EBUSY);
	assert_int_equal(meddler.times, 92);
	meddler.times = 0;
	assert_int_equal(kernel_differences(w, other), 0);
	w->nft->io = meddler.io;
}

// A process of its own, for what cannot be undone. `deed` returns 0; 77 skips.
static void in_a_child(int (*deed)(void))
{
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(deed());
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

// What loading gives in a new process: the error, and the first problem's advice.
static int load_anew(struct fixture fixture, const char **ret_advice)
{
	static struct world w;
	int r = nft_open(&w.nft, &w.problems);
	if (r == 0)
		r = kernel_try_load(&w, fixture, false);
	nft_close(w.nft);
	w.nft = NULL;
	*ret_advice = w.problems.count && w.problems.items[0].instead ? w.problems.items[0].instead : "";
	return r;
}

static int load_without_permission(void)
{
	const char *advice;
	if (setresuid(65534, 65534, 65534) < 0)
		return 1;
	return load_anew(three, &advice) == -EPERM && strstr(advice, "CAP_NET_ADMIN") ? 0 : 2;
}

static int load_in_a_user_namespace(void)
{
	const char *advice;
	const struct fixture fits = {.peers = 9000}, too_large = {.peers = 100000};
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return 77;
	if (load_anew(fits, &advice) != 0)
		return 1;
	// Newer kernels let the namespace's root exceed the limit, older ones do not.
	int r = load_anew(too_large, &advice);
	return r == 0 || (r == -EMSGSIZE && strstr(advice, "net.core.wmem_max")) ? 0 : 2;
}

static void the_owner_is_guessed(void **state)
{
	(void)state;
	in_a_child(guess_the_owner);
}

static void permission_is_missing(void **state)
{
	(void)state;
	in_a_child(load_without_permission);
}

static void the_send_buffer_is_limited(void **state)
{
	struct world *w = *state;
	assert_int_equal(w->nft->io.room(w->nft->io.context, 40 << 20), 0);
	assert_int_equal(w->nft->io.room(w->nft->io.context, 600u << 20), -EMSGSIZE);
	assert_int_equal(w->nft->io.room(w->nft->io.context, SIZE_MAX), -EMSGSIZE);
	in_a_child(load_in_a_user_namespace);
}

// Any process may send to our port; it is not listened to.
static void only_the_kernel_is_heard(void **state)
{
	struct world *w = *state;
	struct sockaddr_nl us = {.nl_family = AF_NETLINK, .nl_pid = w->nft->io.port(w->nft->io.context)};
	struct {
		struct nlmsghdr header;
		int32_t error;
		struct nlmsghdr about;
	} lie = {.header = {.nlmsg_type = NLMSG_ERROR, .nlmsg_pid = us.nl_pid}, .error = -EIO};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	assert_true(fd >= 0);
	lie.header.nlmsg_len = sizeof lie;
	for (uint32_t ahead = 1; ahead < 20; ahead++) {
		lie.header.nlmsg_seq = w->nft->sequence + ahead;
		assert_int_equal(sendto(fd, &lie, sizeof lie, 0, (const struct sockaddr *)&us, sizeof us),
		                 sizeof lie);
	}
	kernel_load(w, three, NFT_CREATED);
	close(fd);
}

int main(void)
{
	kernel_needs_root();
	const struct CMUnitTest tests[] = {
	        kernel_test(a_table_of_another_socket_is_not_touched),
	        kernel_test(an_orphan_is_adopted),
	        kernel_test(a_table_without_an_owner),
	        kernel_test(an_orphan_is_not_adopted),
	        kernel_test(two_tables_that_stand_differently),
	        kernel_test(nobody_gets_past_an_owner_by_not_owning),
	        kernel_test(the_agent_is_named),
	        kernel_test(the_owner_is_guessed),
	        kernel_test(a_race_is_run_again),
	        kernel_test(permission_is_missing),
	        kernel_test(the_send_buffer_is_limited),
	        kernel_test(only_the_kernel_is_heard),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
