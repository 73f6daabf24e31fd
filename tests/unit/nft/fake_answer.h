// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the parts of the fake kernel share: messages, and how they are answered.
#ifndef LEADGLASS_TESTS_NFT_FAKE_ANSWER_H
#define LEADGLASS_TESTS_NFT_FAKE_ANSWER_H

#include "fake_kernel.h"

#include <libmnl/libmnl.h>

struct nlattr;

struct fake_object {
	struct nlmsghdr *message;
};

struct fake_reply {
	void *data;
	size_t size;
};

void *fake_must(void *memory); // ends the test when there is no memory
uint16_t fake_type(const struct nlmsghdr *message);
uint8_t fake_family(const struct nlmsghdr *message);
const struct nlattr *fake_attribute(const struct nlmsghdr *message, unsigned type);
bool fake_same_attribute(const struct nlmsghdr *a, unsigned a_type, const struct nlmsghdr *b, unsigned b_type);

void fake_drop_replies(struct fake_kernel *kernel);
// `extended`: with the words and offset the test asked for.
void fake_answer_error(struct fake_kernel *kernel, const struct nlmsghdr *message, int error, bool extended);
void fake_answer_generation(struct fake_kernel *kernel, const struct nlmsghdr *request);
void fake_answer_objects(struct fake_kernel *kernel, const struct nlmsghdr *request);
void fake_answer_conntrack(struct fake_kernel *kernel, const struct nlmsghdr *request);

#endif
