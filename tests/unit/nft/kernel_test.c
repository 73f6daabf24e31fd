// SPDX-License-Identifier: GPL-2.0-or-later
//
// The same against the kernel this runs on, each test in a network namespace of its own. Needs root (without:
// exit 77, skipped); with root and without nf_tables it fails. `nft` is called to tamper, and as a second
// reader.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/problem.h"
#include "fixture.h"
#include "nft/nft.h"
#include "nft/nft_talk.h"

struct world {
	struct nft *nft;
	struct problems problems;
	struct nft_load_result result;
};

static const struct fixture three = {.peers = 3, .size = 16, .detailed = true};
static const struct fixture four = {.peers = 4, .size = 16, .detailed = true};
static const struct fixture other = {.peers = 3, .size = 16, .detailed = true, .extra = "time, policy.conf:40"};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	assert_non_null(w);
	problem_init(&w->problems);
	if (unshare(CLONE_NEWNET) < 0)
		fail_msg("no network namespace: %s", strerror(errno));
	if (nft_open(&w->nft, &w->problems) < 0)
		fail_msg("%s", w->problems.items[0].what);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	nft_close(w->nft);
	problem_fini(&w->problems);
	free(w);
	return 0;
}

static void print_problems(const struct world *w)
{
	struct buffer text = BUFFER_EMPTY;
	problem_print(&w->problems, NULL, &text);
	if (text.data)
		print_message("%s", text.data);
	buffer_fini(&text);
}

static int try_load(struct world *w, struct fixture fixture, bool skip_read_back)
{
	struct ruleset meant;
	const struct nft_load_options options = {.skip_read_back = skip_read_back};
	assert_int_equal(fixture_build(&fixture, &meant), 0);
	w->result = (struct nft_load_result){0};
	int r = nft_load(w->nft, &meant, NULL, &options, &w->problems, &w->result);
	ruleset_fini(&meant);
	return r;
}

static void load(struct world *w, struct fixture fixture, enum nft_change change)
{
	int r = try_load(w, fixture, false);
	if (r < 0)
		print_problems(w);
	assert_int_equal(r, 0);
	assert_int_equal(w->result.change, change);
	assert_true(w->result.verified);
}

static bool tell(void *context, const struct ruleset_difference *difference)
{
	struct buffer text = BUFFER_EMPTY;
	(void)context;
	ruleset_difference_print(difference, NULL, &text);
	print_message("%s\n", text.data ? text.data : "?");
	buffer_fini(&text);
	return true;
}

static size_t differences(struct world *w, struct fixture fixture)
{
	struct ruleset meant;
	size_t count = 0;
	assert_int_equal(fixture_build(&fixture, &meant), 0);
	int r = nft_verify(w->nft, &meant, NULL, NULL, &w->problems, &count);
	if (r < 0)
		print_problems(w);
	assert_int_equal(r, 0);
	ruleset_fini(&meant);
	return count;
}

// Runs a shell command in the test's namespace. Returns its exit code.
static int run(const char *command)
{
	int status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// A table that is owned cannot be tampered with: the socket is closed, and the table is an orphan.
static void let_go(struct world *w)
{
	nft_close(w->nft);
	w->nft = NULL;
	assert_int_equal(nft_open(&w->nft, &w->problems), 0);
}

static void tamper(struct world *w, const char *command)
{
	let_go(w);
	if (run(command) != 0)
		fail_msg("cannot tamper: %s", command);
}

static struct nft_state state_of(struct world *w)
{
	struct ruleset found;
	struct nft_state state = {0};
	assert_int_equal(nft_read(w->nft, &found, &state, &w->problems), 0);
	ruleset_fini(&found);
	return state;
}

static void creates_and_keeps(void **state)
{
	struct world *w = *state;
	const struct fixture bridge = {.peers = 3, .size = 16, .detailed = true, .bridge = true};
	load(w, bridge, NFT_CREATED);
	assert_int_equal(differences(w, bridge), 0);
	uint32_t generation = state_of(w).generation;
	load(w, bridge, NFT_UNCHANGED);
	assert_int_equal(w->result.octets, 0);
	assert_int_equal(state_of(w).generation, generation);
	load(w, three, NFT_EXCHANGED); // the bridge table goes
	assert_false(state_of(w).bridge.present);
}

static void exchanges_elements(void **state)
{
	struct world *w = *state;
	const struct fixture moved = {.peers = 3, .skip = 1, .size = 16, .detailed = true};
	const struct fixture none = {.peers = 0, .size = 16, .detailed = true};
	load(w, three, NFT_CREATED);
	load(w, four, NFT_ELEMENTS);
	assert_int_equal(w->result.added, 1);
	load(w, three, NFT_ELEMENTS);
	assert_int_equal(w->result.removed, 1);
	load(w, moved, NFT_ELEMENTS);
	load(w, none, NFT_ELEMENTS);
	load(w, three, NFT_ELEMENTS);
}

// Every kind of set: one element goes, another comes, in the same transaction.
static void exchanges_elements_of_every_set(void **state)
{
	struct world *w = *state;
	static const char *const sets[] = {"accepts4",      "accepts6", "accepts4_nets",
	                                   "accepts6_nets", "ping_to4", "manage_interfaces"};
	load(w, three, NFT_CREATED);
	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
		struct ruleset meant;
		size_t count;
		const struct nft_load_options options = {0};
		assert_int_equal(fixture_build(&three, &meant), 0);
		struct ruleset_set *set = fixture_set(&meant, sets[i]);
		set->keys[3] ^= 1;
		if (set->interval)
			set->keys[set->key_size + 3] ^= 1;
		assert_int_equal(ruleset_finish_set(set), 0);
		if (nft_load(w->nft, &meant, NULL, &options, &w->problems, &w->result) < 0)
			print_problems(w);
		assert_int_equal(w->problems.count, 0);
		assert_int_equal(w->result.change, NFT_ELEMENTS);
		assert_int_equal(nft_verify(w->nft, &meant, NULL, NULL, &w->problems, &count), 0);
		assert_int_equal(count, 0);
		ruleset_fini(&meant);
		load(w, three, NFT_ELEMENTS);
	}
}

static uint64_t chain_handle(const char *chain)
{
	char command[128], line[256];
	uint64_t handle = 0;
	snprintf(command, sizeof command, "nft -a list chain inet leadglass %s", chain);
	FILE *out = popen(command, "r");
	assert_non_null(out);
	while (fgets(line, sizeof line, out)) {
		const char *at = strstr(line, "chain ");
		if (at && (at = strstr(at, "# handle ")))
			handle = strtoull(at + strlen("# handle "), NULL, 10);
	}
	pclose(out);
	assert_int_not_equal(handle, 0);
	return handle;
}

static void base_chains_stand(void **state)
{
	struct world *w = *state;
	const struct fixture more = {.peers = 40, .size = 64, .extra = "time, policy.conf:40"};
	load(w, three, NFT_CREATED);
	uint64_t input = chain_handle("input"), output = chain_handle("output"),
	         forward = chain_handle("forward");
	load(w, other, NFT_EXCHANGED);
	load(w, more, NFT_EXCHANGED); // larger set, no details: made again
	load(w, three, NFT_EXCHANGED);
	assert_int_equal(chain_handle("input"), input);
	assert_int_equal(chain_handle("output"), output);
	assert_int_equal(chain_handle("forward"), forward);
}

static void finds_and_repairs_tampering(void **state)
{
	struct world *w = *state;
	static const struct {
		const char *command;
		size_t differences;
	} deeds[] = {
	        {"nft insert rule inet leadglass input accept", 1},
	        {"nft add rule inet leadglass input ip saddr 192.0.2.1 accept", 1},
	        {"nft add rule inet leadglass input tcp dport vmap { 22 : accept }", 1},
	        {"nft add rule inet leadglass input tcp dport { 22, 23 } reject", 1},
	        {"nft flush chain inet leadglass forward", 1},
	        {"nft delete element inet leadglass accepts4 { 10.0.0.1 . 104 }", 1},
	        {"nft add element inet leadglass accepts4 { 192.0.2.66 . 104 }", 1},
	        {"nft add element inet leadglass accepts4_nets { 192.0.2.0/24 . 10.0.0.1 . 1-65535 }", 1},
	        {"nft add chain inet leadglass input '{ policy accept; }'", 1},
	        {"nft add chain inet leadglass bypass '{ type filter hook input priority -300; policy accept; "
	         "}'",
	         1},
	        {"nft add chain inet leadglass bypass '{ type route hook output priority -100; }'", 1},
	        {"nft add chain inet leadglass a_chain_with_a_name_longer_than_any_of_ours_and_then_some", 1},
	        {"nft add set inet leadglass more '{ type ipv4_addr; flags timeout; }'", 1},
	        {"nft add set inet leadglass a_set_with_a_name_longer_than_any_of_ours_and_then_some "
	         "'{ type ipv4_addr; flags interval; elements = { 10.0.0.0/8 }; }'",
	         1},
	        {"nft add map inet leadglass more '{ type ipv4_addr : verdict; elements = { 10.0.0.1 : goto "
	         "input_errors }; }'",
	         1},
	        {"nft add chain inet leadglass bypass && nft insert rule inet leadglass input jump bypass", 2},
	};
	for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++) {
		assert_int_equal(try_load(w, three, false), 0);
		tamper(w, deeds[i].command);
		size_t found = differences(w, three);
		if (found != deeds[i].differences)
			fail_msg("%zu differences found, not %zu: %s", found, deeds[i].differences,
			         deeds[i].command);
		if (try_load(w, three, false) < 0) {
			print_problems(w);
			fail_msg("not repaired: %s", deeds[i].command);
		}
		assert_int_not_equal(w->result.change, NFT_UNCHANGED);
		assert_int_equal(differences(w, three), 0);
	}
}

// `*` in a set matches everything; nothing in the list of keys shows it.
static void finds_a_catch_all_element(void **state)
{
	struct world *w = *state;
	load(w, three, NFT_CREATED);
	tamper(w, "nft add element inet leadglass manage_interfaces '{ * }'");
	assert_true(differences(w, three) > 0);
	load(w, three, NFT_EXCHANGED);
}

static void replaces_a_base_chain_of_another_hook(void **state)
{
	struct world *w = *state;
	load(w, three, NFT_CREATED);
	tamper(w, "nft flush chain inet leadglass forward && nft delete chain inet leadglass forward && nft "
	          "add chain "
	          "inet leadglass forward '{ type filter hook forward priority 300; policy accept; }'");
	assert_true(differences(w, three) >= 2);
	load(w, three, NFT_EXCHANGED);
	assert_int_equal(differences(w, three), 0);
}

static void wakes_a_dormant_table(void **state)
{
	struct world *w = *state;
	// A table without an owner: nft makes it, and puts it to sleep.
	assert_int_equal(run("nft add table inet leadglass"), 0);
	load(w, three, NFT_EXCHANGED);
	uint64_t input = chain_handle("input");
	assert_int_equal(run("nft add table inet leadglass '{ flags dormant; }'"), 0);
	assert_true(state_of(w).inet.dormant);
	assert_int_equal(differences(w, three), 3);
	load(w, three, NFT_EXCHANGED);
	assert_false(state_of(w).inet.dormant);
	assert_int_equal(chain_handle("input"), input);
}

static void sets_grow_beyond_their_room(void **state)
{
	struct world *w = *state;
	for (size_t peers = 1; peers < 5000; peers = peers * 3 + 1) {
		const struct fixture f = {.peers = peers, .detailed = peers < 100};
		assert_int_equal(try_load(w, f, false), 0);
		assert_int_equal(differences(w, f), 0);
	}
}

static bool has_persistence(struct world *w)
{
	return state_of(w).inet.persistent;
}

static void a_table_of_another_socket_is_not_touched(void **state)
{
	struct world *w = *state;
	struct nft *second = NULL;
	load(w, three, NFT_CREATED);
	if (!has_persistence(w))
		skip(); // before 6.9
	assert_true(state_of(w).inet.mine);
	assert_int_equal(nft_open(&second, &w->problems), 0);
	struct nft *first = w->nft;
	w->nft = second;
	assert_int_equal(try_load(w, four, false), -EPERM);
	char pid[32];
	snprintf(pid, sizeof pid, "process %d", (int)getpid());
	assert_non_null(strstr(w->problems.items[0].what, pid));
	assert_int_equal(nft_remove(w->nft, &w->problems), -EPERM);
	assert_int_equal(differences(w, three), 0);
	assert_true(state_of(w).inet.owned);
	assert_false(state_of(w).inet.mine);
	nft_close(second);
	w->nft = first;
}

static void an_orphan_is_adopted(void **state)
{
	struct world *w = *state;
	load(w, three, NFT_CREATED);
	if (!has_persistence(w))
		skip();
	let_go(w);
	struct nft_state after = state_of(w);
	assert_true(after.inet.present);
	assert_true(after.inet.persistent);
	assert_false(after.inet.owned);
	assert_int_equal(differences(w, three), 0);
	load(w, three, NFT_UNCHANGED);
	assert_true(state_of(w).inet.mine);
	let_go(w);
	load(w, four, NFT_ELEMENTS);
	assert_true(state_of(w).inet.mine);
	assert_true(w->result.persistent);
	// Nobody else may flush it now, not even all at once.
	assert_int_not_equal(run("nft add rule inet leadglass input accept 2>/dev/null"), 0);
	assert_int_equal(run("nft flush ruleset"), 0);
	assert_int_equal(differences(w, four), 0);
}

static void foreign_tables_are_not_touched(void **state)
{
	struct world *w = *state;
	static const char list[] = "nft list table inet mine > %s; nft list table ip leadglass >> %s";
	char before[] = "/tmp/leadglass-before-XXXXXX", after[] = "/tmp/leadglass-after-XXXXXX", command[512];
	int a = mkstemp(before), b = mkstemp(after);
	assert_true(a >= 0 && b >= 0);
	close(a);
	close(b);
	assert_int_equal(run("nft 'table inet mine { set input { type ipv4_addr; elements = { 192.0.2.1 } } ; "
	                     "chain input { type filter hook input priority 5; counter accept; }; }'"),
	                 0);
	assert_int_equal(
	        run("nft 'table ip leadglass { chain input { type filter hook input priority 5; }; }'"), 0);
	snprintf(command, sizeof command, list, before, before);
	assert_int_equal(run(command), 0);
	load(w, three, NFT_CREATED);
	load(w, other, NFT_EXCHANGED);
	assert_int_equal(nft_remove(w->nft, &w->problems), 0);
	snprintf(command, sizeof command, list, after, after);
	assert_int_equal(run(command), 0);
	snprintf(command, sizeof command, "cmp %s %s", before, after);
	assert_int_equal(run(command), 0);
	unlink(before);
	unlink(after);
}

static void removes(void **state)
{
	struct world *w = *state;
	assert_int_equal(nft_remove(w->nft, &w->problems), -ENOENT);
	load(w, three, NFT_CREATED);
	assert_int_equal(nft_remove(w->nft, &w->problems), 0);
	assert_false(state_of(w).inet.present);
	assert_int_equal(nft_remove(w->nft, &w->problems), -ENOENT);
	load(w, three, NFT_CREATED);
	let_go(w); // an orphan as well
	assert_int_equal(nft_remove(w->nft, &w->problems), 0);
}

static void a_hundred_thousand_peers(void **state)
{
	struct world *w = *state;
	const struct fixture big = {.peers = 100000}, one_more = {.peers = 100001, .size = 131072};
	const struct fixture room = {.peers = 100000, .size = 131072},
	                     moved = {.peers = 100000, .skip = 200000};
	load(w, big, NFT_CREATED);
	assert_true(w->result.octets < 2100000);
	load(w, big, NFT_UNCHANGED);
	load(w, one_more, NFT_EXCHANGED); // beyond its room
	load(w, room, NFT_ELEMENTS);
	assert_int_equal(w->result.removed, 1);
	assert_true(w->result.octets < 300);
	load(w, moved, NFT_EXCHANGED);
	assert_int_equal(w->result.added, 100000);
	assert_int_equal(try_load(w, big, true), 0);
	assert_false(w->result.verified);
	assert_int_equal(differences(w, big), 0);
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
		if (run("nft add table ip meddler && nft delete table ip meddler") != 0)
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
	load(w, three, NFT_CREATED);
	assert_int_equal(meddler.times, 0);
	meddler.times = 1;
	load(w, other, NFT_EXCHANGED);
	meddler.times = 100;
	assert_int_equal(try_load(w, three, false), -EBUSY);
	assert_int_equal(meddler.times, 92);
	meddler.times = 0;
	assert_int_equal(differences(w, other), 0);
	w->nft->io = meddler.io;
}

// What the kernel itself refuses, and that the old rules stand after it.
static void a_refusal_names_the_element(void **state)
{
	struct world *w = *state;
	const struct fixture tight = {.peers = 10, .size = 16}, full = {.peers = 12, .skip = 100, .size = 4};
	const struct nft_load_options options = {0};
	struct ruleset meant;
	load(w, tight, NFT_CREATED);
	assert_int_equal(fixture_build(&full, &meant), 0);
	int r = nft_load(w->nft, &meant, NULL, &options, &w->problems, &w->result);
	assert_int_equal(r, 0); // still fits into the standing set: it is not made again
	load(w, tight, NFT_ELEMENTS);
	fixture_set(&meant, "accepts4")->detailed = true; // another kind of set: now it is
	r = nft_load(w->nft, &meant, NULL, &options, &w->problems, &w->result);
	assert_int_equal(r, -ENFILE);
	assert_int_equal(w->problems.count, 1);
	assert_string_equal(w->problems.items[0].what,
	                    "the kernel refused element 10.0.0.104 . 104 of set accepts4: "
	                    "Too many open files in system");
	assert_int_equal(w->problems.items[0].at, FIXTURE_ELEMENT_AT + 4);
	ruleset_fini(&meant);
	assert_int_equal(differences(w, tight), 0);
}

static void counters_come_back(void **state)
{
	struct world *w = *state;
	struct ruleset found;
	struct nft_state now;
	load(w, three, NFT_CREATED);
	assert_int_equal(run("ip link set lo up && ping -q -c 1 -W 1 127.0.0.1 > /dev/null"), 0);
	assert_int_equal(nft_read(w->nft, &found, &now, &w->problems), 0);
	const struct ruleset_set *set = fixture_set(&found, "accepts4");
	assert_int_equal(set->count, 3);
	assert_non_null(set->details);
	assert_string_equal(set->details[1].comment, "main-pacs policy.conf:15");
	assert_null(set->origins);
	const struct ruleset_chain *chain = fixture_chain(&found, "input");
	assert_string_equal(chain->rules[0].comment, "loopback");
	assert_int_not_equal(chain->rules[0].handle, 0);
	ruleset_fini(&found);
}

static void nft_shows_it(void **state)
{
	struct world *w = *state;
	const struct fixture bridge = {.peers = 3, .size = 16, .detailed = true, .bridge = true};
	load(w, bridge, NFT_CREATED);
	assert_int_equal(run("nft list ruleset | grep -q 'comment \"main-pacs policy.conf:14\"'"), 0);
	assert_int_equal(run("nft list ruleset | grep -q 'comment \"manage, policy.conf:31\"'"), 0);
	assert_int_equal(run("nft list ruleset | grep -q 'comment \"exact peers that may call the device\"'"),
	                 0);
	let_go(w);
	assert_int_equal(run("nft list table inet leadglass > /dev/null"), 0);
	assert_int_equal(run("nft list table bridge leadglass > /dev/null"), 0);
}

// ---- the socket ----

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
		r = try_load(&w, fixture, false);
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
	return load_anew(too_large, &advice) == -EMSGSIZE && strstr(advice, "net.core.wmem_max") ? 0 : 2;
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
	load(w, three, NFT_CREATED);
	close(fd);
}

// The text that ruleset_print writes, loaded by nft, is the same wall: expression by expression, element by
// element.
static void the_text_gives_the_same(void **state)
{
	struct world *w = *state;
	struct ruleset meant;
	struct buffer text = BUFFER_EMPTY;
	const struct fixture plain = {.peers = 3, .size = 16, .detailed = true, .text = true};
	assert_int_equal(fixture_build(&plain, &meant), 0);
	ruleset_print(&meant, &text);
	assert_false(buffer_failed(&text));
	FILE *nft = popen("nft -f -", "w");
	assert_non_null(nft);
	fwrite(text.data, 1, text.size, nft);
	assert_int_equal(pclose(nft), 0);
	size_t count = 0;
	assert_int_equal(nft_verify(w->nft, &meant, tell, NULL, &w->problems, &count), 0);
	assert_int_equal(count, 0);
	load(w, plain, NFT_UNCHANGED);
	buffer_fini(&text);
	ruleset_fini(&meant);
}

#define kernel_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	if (geteuid() != 0) {
		fprintf(stderr, "needs root\n");
		return 77;
	}
	const struct CMUnitTest tests[] = {
	        kernel_test(creates_and_keeps),
	        kernel_test(exchanges_elements),
	        kernel_test(exchanges_elements_of_every_set),
	        kernel_test(base_chains_stand),
	        kernel_test(finds_and_repairs_tampering),
	        kernel_test(finds_a_catch_all_element),
	        kernel_test(replaces_a_base_chain_of_another_hook),
	        kernel_test(wakes_a_dormant_table),
	        kernel_test(sets_grow_beyond_their_room),
	        kernel_test(a_table_of_another_socket_is_not_touched),
	        kernel_test(an_orphan_is_adopted),
	        kernel_test(foreign_tables_are_not_touched),
	        kernel_test(removes),
	        kernel_test(a_hundred_thousand_peers),
	        kernel_test(a_race_is_run_again),
	        kernel_test(a_refusal_names_the_element),
	        kernel_test(counters_come_back),
	        kernel_test(nft_shows_it),
	        kernel_test(permission_is_missing),
	        kernel_test(the_send_buffer_is_limited),
	        kernel_test(only_the_kernel_is_heard),
	        kernel_test(the_text_gives_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
