// SPDX-License-Identifier: GPL-2.0-or-later
//
// Elements as octets: how many to a message, where one begins, and what a comment may be.
#include "world.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>

#include "nft/nft_batch.h"
#include "nft/nft_element.h"

struct sent {
	struct ruleset ruleset;
	struct ruleset_set *set;
	struct nft_batch batch;
};

static void begin(struct sent *s, struct fixture fixture)
{
	assert_int_equal(fixture_build(&fixture, &s->ruleset), 0);
	s->set = fixture_set(&s->ruleset, "accepts4");
	nft_batch_begin(&s->batch, 1000, 1);
}

static void end(struct sent *s)
{
	nft_batch_fini(&s->batch);
	ruleset_fini(&s->ruleset);
}

static const struct nlmsghdr *message(const struct sent *s, size_t i)
{
	return (const void *)(s->batch.data.data + s->batch.messages[i].offset);
}

static void twenty_octets_each(void **state)
{
	(void)state;
	struct sent s;
	begin(&s, (struct fixture){.peers = 1000});
	nft_put_all_elements(&s.batch, &s.ruleset.tables[0], s.set);
	assert_int_equal(nft_batch_end(&s.batch), 0);
	assert_int_equal(s.batch.count, 3);
	assert_true(message(&s, 1)->nlmsg_len < 1000 * 20 + 100);
	assert_true(message(&s, 1)->nlmsg_flags & NLM_F_ACK);
	end(&s);
}

static void as_many_messages_as_it_takes(void **state)
{
	(void)state;
	struct sent s;
	struct ruleset_set found = {
	        .type_count = 2, .types = {TYPE_IPV4_ADDR, TYPE_INET_SERVICE}, .key_size = 8};
	begin(&s, (struct fixture){.peers = 10000});
	nft_put_all_elements(&s.batch, &s.ruleset.tables[0], s.set);
	assert_int_equal(nft_batch_end(&s.batch), 0);
	assert_int_equal(s.batch.count, 2 + 4); // 3276 to a message
	snprintf(found.name, sizeof found.name, "%s", s.set->name);
	for (size_t i = 1; i < s.batch.count - 1; i++) {
		assert_int_equal(message(&s, i)->nlmsg_seq, 1000 + i);
		assert_int_equal(message(&s, i)->nlmsg_flags & NLM_F_ACK,
		                 i + 2 == s.batch.count ? NLM_F_ACK : 0);
		assert_int_equal(nft_read_elements(&found, message(&s, i)), 0);
	}
	assert_null(found.foreign);
	assert_int_equal(found.count, 10000);
	assert_memory_equal(found.keys, s.set->keys, 10000 * 8);
	free(found.keys);
	end(&s);
}

static void any_octet_of_an_element_leads_to_it(void **state)
{
	(void)state;
	static const char *const names[] = {"accepts4", "accepts4_nets", "neighbour_discovery",
	                                    "manage_interfaces"};
	for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
		struct sent s;
		begin(&s, (struct fixture){.peers = 3, .detailed = true});
		struct ruleset_set *set = fixture_set(&s.ruleset, names[n]);
		nft_put_all_elements(&s.batch, &s.ruleset.tables[0], set);
		assert_int_equal(nft_batch_end(&s.batch), 0);
		const struct nlmsghdr *m = message(&s, 1);
		ptrdiff_t last = -1;
		for (uint32_t offset = 0; offset < m->nlmsg_len; offset++) {
			ptrdiff_t at = nft_element_at(set, m, offset);
			assert_true(at == last || at == last + 1);
			if (at > last)
				last = at;
		}
		assert_int_equal(last + 1, set->count);
		assert_int_equal(nft_element_at(set, m, m->nlmsg_len), -1);
		assert_int_equal(nft_element_at(set, m, UINT32_MAX), -1);
		end(&s);
	}
}

static void comments_have_a_limit(void **state)
{
	(void)state;
	for (size_t length = 126; length <= 128; length++) {
		struct sent s;
		begin(&s, (struct fixture){.peers = 2, .detailed = true});
		free(s.set->details[1].comment);
		s.set->details[1].comment = calloc(1, length + 1);
		assert_non_null(s.set->details[1].comment);
		memset(s.set->details[1].comment, 'c', length);
		nft_put_all_elements(&s.batch, &s.ruleset.tables[0], s.set);
		assert_int_equal(nft_batch_end(&s.batch), length > RULESET_COMMENT_MAX ? -EINVAL : 0);
		if (length <= RULESET_COMMENT_MAX) {
			struct ruleset_set found = *s.set;
			found.keys = NULL, found.details = NULL, found.count = found.capacity = 0,
			found.foreign = NULL;
			assert_int_equal(nft_read_elements(&found, message(&s, 1)), 0);
			assert_int_equal(found.count, 2);
			assert_string_equal(found.details[1].comment, s.set->details[1].comment);
			for (size_t i = 0; i < found.count; i++)
				free(found.details[i].comment);
			free(found.details);
			free(found.keys);
		}
		end(&s);
	}
}

// Many long comments: the room reserved for a message is that of what is written into it.
static void long_comments_in_many_messages(void **state)
{
	(void)state;
	struct sent s;
	begin(&s, (struct fixture){.peers = 3000, .detailed = true});
	for (size_t i = 0; i < s.set->count; i++) {
		char *text = calloc(1, RULESET_COMMENT_MAX + 1);
		assert_non_null(text);
		memset(text, 'x', RULESET_COMMENT_MAX);
		free(s.set->details[i].comment);
		s.set->details[i].comment = text;
	}
	nft_put_all_elements(&s.batch, &s.ruleset.tables[0], s.set);
	assert_int_equal(nft_batch_end(&s.batch), 0);
	size_t sum = 0;
	for (size_t i = 0; i < s.batch.count; i++)
		sum += message(&s, i)->nlmsg_len;
	assert_int_equal(sum, s.batch.data.size);
	assert_int_equal(s.batch.count, 2 + 8);
	end(&s);
}

static void more_than_expected_is_no_overflow(void **state)
{
	(void)state;
	struct sent s;
	struct nft_elements e;
	begin(&s, (struct fixture){.peers = 500});
	nft_elements_begin(&e, &s.batch, &s.ruleset.tables[0], s.set, 2, true);
	for (size_t i = 0; i < 500; i++)
		nft_elements_put(&e, i);
	nft_elements_end(&e);
	assert_int_equal(nft_batch_end(&s.batch), 0);
	size_t counted = 0;
	for (size_t i = 1; i < s.batch.count - 1; i++) {
		struct ruleset_set found = {
		        .type_count = 2, .types = {TYPE_IPV4_ADDR, TYPE_INET_SERVICE}, .key_size = 8};
		snprintf(found.name, sizeof found.name, "%s", s.set->name);
		assert_int_equal(nft_read_elements(&found, message(&s, i)), 0);
		counted += found.count;
		free(found.keys);
	}
	assert_int_equal(counted, 500);
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(twenty_octets_each),
	        cmocka_unit_test(as_many_messages_as_it_takes),
	        cmocka_unit_test(any_octet_of_an_element_leads_to_it),
	        cmocka_unit_test(comments_have_a_limit),
	        cmocka_unit_test(long_comments_in_many_messages),
	        cmocka_unit_test(more_than_expected_is_no_overflow),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
