// SPDX-License-Identifier: GPL-2.0-or-later
//
// Tables of others in the kernel this runs on, made by nft and iptables-nft.
#include "kernel_world.h"

#include <stdio.h>
#include <string.h>

#include "nft/nft_foreign.h"

struct list {
	char text[32][256]; // "accept ip filter INPUT"
	size_t count;
};

static void take(void *context, const struct nft_foreign *found)
{
	struct list *list = context;
	assert_in_range(list->count, 0, 31);
	snprintf(list->text[list->count++], sizeof list->text[0], "%s %s %s %s",
	         nft_foreign_kind_name(found->kind), found->family, found->table, found->chain);
}

static struct list find(struct world *w)
{
	struct list list = {.count = 0};
	int r = nft_foreign_find(w->nft, take, &list, &w->problems);
	if (r < 0)
		kernel_print_problems(w);
	assert_int_equal(r, 0);
	return list;
}

static void expect(struct world *w, size_t count, const char *const *texts)
{
	struct list list = find(w);
	for (size_t i = 0; i < count; i++) {
		size_t k = 0;
		while (k < list.count && strcmp(list.text[k], texts[i]) != 0)
			k++;
		if (k == list.count)
			fail_msg("not found: %s", texts[i]);
	}
	for (size_t k = 0; list.count != count && k < list.count; k++)
		print_message("%s\n", list.text[k]);
	assert_int_equal(list.count, count);
}

#define EXPECT(w, ...)                                                                                         \
	expect(w, sizeof(const char *[]){__VA_ARGS__} / sizeof(char *), (const char *const[]){__VA_ARGS__})

static void run(const char *command)
{
	if (kernel_run(command) != 0)
		fail_msg("cannot: %s", command);
}

static void load(struct world *w)
{
	kernel_load(w, (struct fixture){.peers = 3, .size = 16, .bridge = true}, NFT_CREATED);
	expect(w, 0, NULL);
}

static void tables_of_nft(void **state)
{
	struct world *w = *state;
	load(w);
	run("nft 'add table inet a; add chain inet a in { type filter hook input priority -5; };"
	    " add chain inet a late { type filter hook input priority 5; };"
	    " add rule inet a in tcp dport 22 accept; add rule inet a late accept'");
	EXPECT(w, "accept inet a in");
	run("nft 'add chain inet a raw { type filter hook prerouting priority -300; }; add rule inet a raw "
	    "notrack'");
	EXPECT(w, "accept inet a in", "notrack inet a raw");
	run("nft 'add table ip n; add chain ip n pre { type nat hook prerouting priority -100; };"
	    " add chain ip n post { type nat hook postrouting priority 100; };"
	    " add rule ip n pre tcp dport 104 dnat to 192.0.2.1; add rule ip n post masquerade'");
	EXPECT(w, "accept inet a in", "notrack inet a raw", "nat ip n pre", "nat ip n post");
	run("nft 'delete table inet a; delete table ip n; add table netdev d;"
	    " add chain netdev d in { type filter hook ingress device lo priority 0; };"
	    " add rule netdev d in fwd to lo'");
	EXPECT(w, "ingress netdev d in");
	run("nft 'flush chain netdev d in; add rule netdev d in dup to lo'");
	EXPECT(w, "ingress netdev d in");
	run("nft 'delete table netdev d; add table bridge b;"
	    " add chain bridge b f { type filter hook forward priority -300; }; add rule bridge b f accept'");
	EXPECT(w, "accept bridge b f");
	run("nft 'add table bridge b { flags dormant; }'");
	expect(w, 0, NULL);
}

static void tables_of_iptables(void **state)
{
	struct world *w = *state;
	load(w);
	run("iptables-nft -A INPUT -p tcp --dport 22 -j ACCEPT");
	EXPECT(w, "accept ip filter INPUT");
	run("iptables-nft -N sub; iptables-nft -A FORWARD -j sub; iptables-nft -A sub -j ACCEPT");
	EXPECT(w, "accept ip filter INPUT", "accept ip filter FORWARD");
	run("iptables-nft -F; ip6tables-nft -I OUTPUT -j ACCEPT");
	EXPECT(w, "accept ip6 filter OUTPUT");
	run("ip6tables-nft -F; iptables-nft -t nat -A POSTROUTING -j MASQUERADE");
	EXPECT(w, "nat ip nat POSTROUTING");
	run("iptables-nft -t nat -F");
	expect(w, 0, NULL);
}

// This kernel may lack what these need: then nothing is tested.
static void what_not_every_kernel_has(void **state)
{
	struct world *w = *state;
	load(w);
	if (kernel_run("nft 'add table inet f; add flowtable inet f t { hook ingress priority 0; devices = { "
	               "lo }; }'"
	               " 2>/dev/null") == 0) {
		EXPECT(w, "flowtable inet f t");
		run("nft delete table inet f");
	}
	if (kernel_run("nft 'add table inet q; add chain inet q c { type filter hook input priority 0; };"
	               " add rule inet q c queue num 1' 2>/dev/null") == 0) {
		EXPECT(w, "queue inet q c");
		run("nft delete table inet q");
	}
	if (kernel_run("iptables-nft -t raw -A PREROUTING -j CT --notrack 2>/dev/null") == 0)
		EXPECT(w, "notrack ip raw PREROUTING");
}

static void many_chains(void **state)
{
	struct world *w = *state;
	load(w);
	run("{ echo add table ip x; echo 'add chain ip x in { type filter hook input priority 0; }';"
	    " for i in $(seq 3000); do echo add chain ip x c$i; echo add rule ip x c$i accept;"
	    " echo add rule ip x c$i drop; done; } | nft -f -");
	EXPECT(w, "accept ip x in");
}

int main(void)
{
	kernel_needs_root();
	const struct CMUnitTest tests[] = {
	        kernel_test(tables_of_nft),
	        kernel_test(tables_of_iptables),
	        kernel_test(what_not_every_kernel_has),
	        kernel_test(many_chains),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
