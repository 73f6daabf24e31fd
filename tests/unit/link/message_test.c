// SPDX-License-Identifier: GPL-2.0-or-later
//
// The octets that go to the kernel, and what is made of those that come back, whole and damaged.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "link/link_message.h"
#include "link/link_read.h"

static const struct prefix box4 = {.family = ADDRESS_IPV4, .length = 32, .octets = {10, 20, 1, 250}};

// What is asked for is what an answer would say, but for a few fields: the reader is the other half of the
// test.
static void a_bridge(void **state)
{
	struct link_message message;
	struct link_interface read;
	(void)state;
	link_message_bridge(&message, "bridge", 0x4008);
	assert_int_equal(message.header.nlmsg_type, RTM_NEWLINK);
	assert_int_equal(message.header.nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
	assert_true(message.header.nlmsg_len < sizeof message);
	assert_false(link_read_interface(&message.header, &read)); // it has no number yet
	struct ifinfomsg *info = mnl_nlmsg_get_payload(&message.header);
	info->ifi_index = 7;
	assert_true(link_read_interface(&message.header, &read));
	assert_string_equal(read.name, "bridge");
	assert_string_equal(read.kind, "bridge");
	assert_int_equal(read.forwards, 0x4008);
	assert_false(read.stp || read.snooping || read.up || read.master || read.link_local);
	assert_int_equal(read.index, 7);
}

static const struct nlattr *attribute(const struct link_message *message, uint16_t type)
{
	const struct nlattr *attr;
	mnl_attr_for_each(attr, &message->header,
	                  sizeof(struct ifinfomsg)) if (mnl_attr_get_type(attr) == type) return attr;
	return NULL;
}

static void a_port(void **state)
{
	struct link_message message = {0};
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(&message.header);
	(void)state;
	link_message_master(&message, 3, 7);
	assert_int_equal(info->ifi_index, 3);
	assert_int_equal(info->ifi_change, 0);
	assert_int_equal(mnl_attr_get_u32(attribute(&message, IFLA_MASTER)), 7);
	link_message_master(&message, 3, 0);
	assert_int_equal(mnl_attr_get_u32(attribute(&message, IFLA_MASTER)), 0);
	link_message_flags(&message, 3, true);
	assert_int_equal(info->ifi_flags, IFF_UP);
	assert_int_equal(info->ifi_change, IFF_UP); // and no other flag is touched
	link_message_flags(&message, 3, false);
	assert_int_equal(info->ifi_flags, 0);
	assert_int_equal(info->ifi_change, IFF_UP);
	link_message_delete(&message, 3);
	assert_int_equal(message.header.nlmsg_type, RTM_DELLINK);
	assert_int_equal(info->ifi_index, 3);
}

static void an_address(void **state)
{
	static const struct prefix box6 = {
	        .family = ADDRESS_IPV6, .length = 128, .octets = {0x20, 1, 0xd, 0xb8, [15] = 1}};
	const struct prefix *const boxes[] = {&box4, &box6};
	struct link_message message;
	struct link_address read;
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		link_message_address(&message, true, 5, boxes[i], (uint8_t)(24 + 40 * i));
		assert_int_equal(message.header.nlmsg_type, RTM_NEWADDR);
		assert_true(link_read_address(&message.header, &read));
		assert_memory_equal(&read.prefix, boxes[i], sizeof read.prefix);
		assert_int_equal(read.length, 24 + 40 * i);
		assert_int_equal(read.index, 5);
		assert_true(read.ours);
		link_message_address(&message, false, 5, boxes[i], 24);
		assert_int_equal(message.header.nlmsg_type, RTM_DELADDR);
		message.header.nlmsg_type = RTM_NEWADDR;
		assert_true(link_read_address(&message.header, &read));
		assert_false(read.ours); // nothing is marked that is to go
	}
}

static void what_is_no_interface(void **state)
{
	struct link_message message;
	struct link_interface interface;
	struct link_address address;
	(void)state;
	link_message_address(&message, true, 5, &box4, 24);
	assert_false(link_read_interface(&message.header, &interface));
	link_message_flags(&message, 3, true);
	assert_false(link_read_interface(&message.header, &interface)); // no name
	assert_false(link_read_address(&message.header, &address));
}

// Cut anywhere, and with every length in it changed: read within its bounds, or refused (the sanitised build
// tells).
static void damaged(void **state)
{
	struct link_message whole;
	(void)state;
	for (unsigned kind = 0; kind < 2; kind++) {
		if (kind)
			link_message_address(&whole, true, 5, &box4, 24);
		else
			link_message_bridge(&whole, "a-name-as-long.", 0x4008);
		((struct ifinfomsg *)mnl_nlmsg_get_payload(&whole.header))->ifi_index = 7;
		const size_t size = whole.header.nlmsg_len;
		for (size_t cut = 0; cut <= size; cut++) {
			for (size_t at = sizeof(struct nlmsghdr); at < cut; at++) {
				struct nlmsghdr *copy = malloc(cut); // exactly: one octet too far is found
				struct link_interface interface;
				struct link_address address;
				char text[32];
				assert_non_null(copy);
				memcpy(copy, whole.octets, cut);
				copy->nlmsg_len = (uint32_t)cut;
				((uint8_t *)copy)[at] = 0xff;
				assert_true(link_message_ok(copy, (int)cut));
				link_read_interface(copy, &interface);
				link_read_address(copy, &address);
				link_read_refusal(copy, text, sizeof text);
				assert_non_null(memchr(interface.name, '\0', sizeof interface.name));
				free(copy);
			}
		}
	}
	assert_false(link_message_ok(&whole.header, sizeof whole.header - 1));
	assert_false(link_message_ok(&whole.header, (int)whole.header.nlmsg_len - 1));
	const int size = (int)whole.header.nlmsg_len;
	whole.header.nlmsg_len = UINT32_MAX;
	assert_false(link_message_ok(&whole.header, size));
	whole.header.nlmsg_len = UINT32_C(1) << 31;
	assert_false(link_message_ok(&whole.header, size));
}

static void a_refusal(void **state)
{
	struct link_message message = {0};
	char text[16];
	(void)state;
	struct nlmsghdr *header = mnl_nlmsg_put_header(message.octets);
	header->nlmsg_type = NLMSG_ERROR;
	assert_int_equal(link_read_refusal(header, text, sizeof text), 74); // EBADMSG: nothing in it
	struct nlmsgerr *error = mnl_nlmsg_put_extra_header(header, sizeof *error);
	assert_int_equal(link_read_refusal(header, text, sizeof text), 0);
	error->error = -16;
	error->msg.nlmsg_len = 4000; // with NLM_F_CAPPED not all of it is there
	header->nlmsg_flags = NLM_F_CAPPED | NLM_F_ACK_TLVS;
	mnl_attr_put_strz(header, NLMSGERR_ATTR_MSG, "Device is a bridge, and more than that");
	assert_int_equal(link_read_refusal(header, text, sizeof text), 16);
	assert_string_equal(text, "Device is a bri");
	header->nlmsg_flags = NLM_F_ACK_TLVS;
	assert_int_equal(link_read_refusal(header, text, sizeof text), 16);
	assert_string_equal(text, "");
	error->error = INT32_MIN;
	assert_int_equal(link_read_refusal(header, text, sizeof text), 74);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_bridge),   cmocka_unit_test(a_port),
	        cmocka_unit_test(an_address), cmocka_unit_test(what_is_no_interface),
	        cmocka_unit_test(damaged),    cmocka_unit_test(a_refusal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
