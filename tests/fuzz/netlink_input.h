// SPDX-License-Identifier: GPL-2.0-or-later
//
// The form of an input of the fuzz target `netlink`, which its seeds are made in: four octets, of which the
// first says what is asked of the kernel, and then its answers, message by message. Numbers of requests and
// ports are counted from those asked with, so that 0 is an answer to the first message of the last request.
#ifndef LEADGLASS_TESTS_FUZZ_NETLINK_INPUT_H
#define LEADGLASS_TESTS_FUZZ_NETLINK_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "../unit/nft/fixture.h"

#define NETLINK_INPUT_HEAD 4

enum netlink_question {
	NETLINK_READ,     // what stands
	NETLINK_LOAD,     // a wall of family inet
	NETLINK_LOAD_TWO, // one of both families
	NETLINK_ACCESS_LIST,
	NETLINK_ACCESS_OPEN,
	NETLINK_ACCESS_CLOSE,
	NETLINK_FOREIGN,
	NETLINK_CONNTRACK,
	NETLINK_REMOVE,
	NETLINK_HEARD, // nothing was asked: the octets are what the kernel says of its own
	NETLINK_QUESTIONS,
};

// An answer of this type (NLMSG_NOOP) ends what there is to be received without waiting.
#define NETLINK_INPUT_PAUSE 1

// The wall such a question is about.
static inline struct fixture netlink_input_wall(unsigned question)
{
	return (struct fixture){
	        .peers = 3, .detailed = true, .timed = true, .bridge = question == NETLINK_LOAD_TWO};
}

#endif
