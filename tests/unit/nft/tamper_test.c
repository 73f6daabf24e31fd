// SPDX-License-Identifier: GPL-2.0-or-later
//
// Tampering with the wall in the kernel this runs on: all of it is found, and put right by the next load.
#include "kernel_world.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct fixture three = {.peers = 3, .size = 16, .detailed = true};

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
		assert_int_equal(kernel_try_load(w, three, false), 0);
		kernel_tamper(w, deeds[i].command);
		size_t found = kernel_differences(w, three);
		if (found != deeds[i].differences)
			fail_msg("%zu differences found, not %zu: %s", found, deeds[i].differences,
			         deeds[i].command);
		if (kernel_try_load(w, three, false) < 0) {
			kernel_print_problems(w);
			fail_msg("not repaired: %s", deeds[i].command);
		}
		assert_int_not_equal(w->result.change, NFT_UNCHANGED);
		assert_int_equal(kernel_differences(w, three), 0);
	}
}

// `*` in a set matches everything; nothing in the list of keys shows it.
static void finds_a_catch_all_element(void **state)
{
	struct world *w = *state;
	kernel_load(w, three, NFT_CREATED);
	kernel_tamper(w, "nft add element inet leadglass manage_interfaces '{ * }'");
	assert_true(kernel_differences(w, three) > 0);
	kernel_load(w, three, NFT_EXCHANGED);
}

static void replaces_a_base_chain_of_another_hook(void **state)
{
	struct world *w = *state;
	kernel_load(w, three, NFT_CREATED);
	kernel_tamper(
	        w, "nft flush chain inet leadglass forward && nft delete chain inet leadglass forward && nft "
	           "add chain "
	           "inet leadglass forward '{ type filter hook forward priority 300; policy accept; }'");
	assert_true(kernel_differences(w, three) >= 2);
	kernel_load(w, three, NFT_EXCHANGED);
	assert_int_equal(kernel_differences(w, three), 0);
}

static void wakes_a_dormant_table(void **state)
{
	struct world *w = *state;
	// A table without an owner: nft makes it, and puts it to sleep.
	assert_int_equal(kernel_run("nft add table inet leadglass"), 0);
	kernel_load(w, three, NFT_EXCHANGED);
	uint64_t input = kernel_chain_handle("input");
	assert_int_equal(kernel_run("nft add table inet leadglass '{ flags dormant; }'"), 0);
	assert_true(kernel_state(w).inet.dormant);
	assert_int_equal(kernel_differences(w, three), 3);
	kernel_load(w, three, NFT_EXCHANGED);
	assert_false(kernel_state(w).inet.dormant);
	assert_int_equal(kernel_chain_handle("input"), input);
}

int main(void)
{
	kernel_needs_root();
	const struct CMUnitTest tests[] = {
	        kernel_test(finds_and_repairs_tampering),
	        kernel_test(finds_a_catch_all_element),
	        kernel_test(replaces_a_base_chain_of_another_hook),
	        kernel_test(wakes_a_dormant_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
