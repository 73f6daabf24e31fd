// SPDX-License-Identifier: GPL-2.0-or-later
//
// Questions and batches at the seam, with answers made by hand.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>

#include "nft/nft_talk.h"

#define PORT 4711u

// Datagrams to be received, in order; a size below 0 is an errno.
struct script {
	struct {
		_Alignas(struct nlmsghdr) char data[256];
		ssize_t size;
	} steps[16];
	size_t count, at;
	bool short_send;
	struct nft *nft;
};

static ssize_t script_send(void *context, const void *data, size_t size)
{
	const struct script *s = context;
	(void)data;
	return s->short_send ? (ssize_t)size - 1 : (ssize_t)size;
}

static ssize_t script_receive(void *context, void *data, size_t size, bool wait)
{
	struct script *s = context;
	(void)size;
	if (s->at == s->count) {
		errno = wait ? ETIMEDOUT : EAGAIN;
		return -1;
	}
	ssize_t step = s->steps[s->at].size;
	if (step < 0)
		errno = (int)-step;
	else
		memcpy(data, s->steps[s->at].data,
		       (size_t)step < sizeof s->steps[0].data ? (size_t)step : sizeof s->steps[0].data);
	s->at++;
	return step < 0 ? -1 : step;
}

static int script_room(void *context, size_t size)
{
	(void)context;
	(void)size;
	return 0;
}

static uint32_t script_port(void *context)
{
	(void)context;
	return PORT;
}

static void script_close(void *context)
{
	(void)context;
}

static int setup(void **state)
{
	struct script *s = calloc(1, sizeof *s);
	assert_non_null(s);
	const struct nft_io io = {script_send, script_receive, script_room, script_port, script_close, s};
	assert_int_equal(nft_open_io(&io, &s->nft), 0);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct script *s = *state;
	nft_close(s->nft);
	free(s);
	return 0;
}

static void *next_datagram(struct script *s)
{
	return s->steps[s->count++].data;
}

// Adds a message to the last datagram.
static struct nlmsghdr *say(struct script *s, uint16_t type, uint16_t flags, uint32_t sequence, uint32_t port)
{
	struct nlmsghdr *m = (void *)(s->steps[s->count - 1].data + s->steps[s->count - 1].size);
	mnl_nlmsg_put_header(m);
	m->nlmsg_type = type;
	m->nlmsg_flags = flags;
	m->nlmsg_seq = sequence;
	m->nlmsg_pid = port;
	return m;
}

static void said(struct script *s, const struct nlmsghdr *m)
{
	s->steps[s->count - 1].size += (ssize_t)MNL_ALIGN(m->nlmsg_len);
}

static void say_plain(struct script *s, uint16_t flags, uint32_t sequence, uint32_t port)
{
	said(s, say(s, 0xa00, flags, sequence, port));
}

static void say_end(struct script *s, uint16_t type, int error, uint32_t sequence)
{
	struct nlmsghdr *m = say(s, type, 0, sequence, PORT);
	*(int32_t *)mnl_nlmsg_put_extra_header(m, type == NLMSG_ERROR ? sizeof(struct nlmsgerr)
	                                                              : sizeof(int32_t)) = -error;
	said(s, m);
}

static void say_errno(struct script *s, int error)
{
	s->steps[s->count++].size = -error;
}

static int count_them(void *context, const struct nlmsghdr *message)
{
	(void)message;
	return ++*(int *)context == 3 ? -ENOMEM : 0;
}

static int ask(struct script *s, int *counted)
{
	struct nft_request request;
	*counted = 0;
	return nft_ask(s->nft, nft_request(s->nft, &request, NFT_MSG_GETRULE, NLM_F_DUMP, AF_UNSPEC),
	               count_them, counted);
}

static void an_answer_in_several_datagrams(void **state)
{
	struct script *s = *state;
	int counted;
	next_datagram(s);
	say_plain(s, 0, 1, PORT);
	say_plain(s, 0, 1, PORT);
	next_datagram(s);
	say_end(s, NLMSG_DONE, 0, 1);
	assert_int_equal(ask(s, &counted), 0);
	assert_int_equal(counted, 2);
}

static void others_messages_are_passed_over(void **state)
{
	struct script *s = *state;
	int counted;
	next_datagram(s);
	say_plain(s, 0, 0, PORT); // of an earlier question
	say_end(s, NLMSG_DONE, EIO, 0);
	next_datagram(s);
	say_plain(s, 0, 1, 0); // an event
	say_plain(s, 0, 1, PORT + 1);
	say_plain(s, 0, 1, PORT);
	next_datagram(s);
	say_end(s, NLMSG_ERROR, 0, 1);
	assert_int_equal(ask(s, &counted), 0);
	assert_int_equal(counted, 1);
}

// After an error of ours the rest of the answer is taken off the socket all the same.
static void an_error_waits_for_the_end(void **state)
{
	struct script *s = *state;
	int counted;
	for (int i = 0; i < 5; i++) {
		next_datagram(s);
		say_plain(s, 0, 1, PORT);
	}
	next_datagram(s);
	say_end(s, NLMSG_DONE, 0, 1);
	assert_int_equal(ask(s, &counted), -ENOMEM);
	assert_int_equal(counted, 3);
	assert_int_equal(s->at, s->count);
}

static void errors_come_through(void **state)
{
	struct script *s = *state;
	int counted;
	next_datagram(s);
	say_end(s, NLMSG_ERROR, EPERM, 1);
	assert_int_equal(ask(s, &counted), -EPERM);
	next_datagram(s);
	say_end(s, NLMSG_DONE, ENOENT, 2); // a dump may end so
	assert_int_equal(ask(s, &counted), -ENOENT);
	next_datagram(s);
	say_plain(s, NLM_F_DUMP_INTR, 3, PORT);
	say_end(s, NLMSG_DONE, 0, 3);
	assert_int_equal(ask(s, &counted), -EINTR);
	assert_int_equal(ask(s, &counted), -ETIMEDOUT);
	say_errno(s, ENOBUFS);
	next_datagram(s);
	say_end(s, NLMSG_DONE, 0, 5);
	assert_int_equal(ask(s, &counted), -EINTR);
	next_datagram(s);
	said(s, say(s, NLMSG_ERROR, 0, 6, PORT)); // no room for an errno
	assert_int_equal(ask(s, &counted), -EBADMSG);
	next_datagram(s);
	s->steps[s->count - 1].size = NFT_DATAGRAM_MAX + 1; // cut off
	assert_int_equal(ask(s, &counted), -EMSGSIZE);
	s->short_send = true;
	assert_int_equal(ask(s, &counted), -EMSGSIZE);
}

static void an_error_that_is_none(void **state)
{
	struct script *s = *state;
	int counted;
	struct nlmsghdr *m = next_datagram(s);
	say_end(s, NLMSG_ERROR, 0, 1);
	*(int32_t *)mnl_nlmsg_get_payload(m) = INT32_MIN;
	assert_int_equal(ask(s, &counted), -EBADMSG);
}

static void an_end_of_lost_datagrams(void **state)
{
	struct script *s = *state;
	int counted;
	for (size_t i = 0; i < sizeof s->steps / sizeof *s->steps; i++)
		say_errno(s, ENOBUFS);
	assert_int_equal(ask(s, &counted), -ETIMEDOUT);
}

static int send_batch(struct script *s, struct nft_refusal *refusal)
{
	*refusal = (struct nft_refusal){0};
	return nft_send(s->nft, "batch", 5, 10, 14, refusal);
}

static void a_batch_is_done_when_its_last_message_says_so(void **state)
{
	struct script *s = *state;
	struct nft_refusal refusal;
	next_datagram(s);
	say_end(s, NLMSG_ERROR, 0, 9); // of something else
	assert_int_equal(send_batch(s, &refusal), -ENOBUFS);
	next_datagram(s);
	say_end(s, NLMSG_ERROR, 0, 14);
	assert_int_equal(send_batch(s, &refusal), 0);
	assert_int_equal(send_batch(s, &refusal), -ENOBUFS);
}

static void the_first_refused_message_counts(void **state)
{
	struct script *s = *state;
	struct nft_refusal refusal;
	next_datagram(s);
	say_end(s, NLMSG_ERROR, ENOENT, 13);
	next_datagram(s);
	say_end(s, NLMSG_ERROR, EEXIST, 12);
	next_datagram(s);
	say_end(s, NLMSG_ERROR, 0, 14);
	assert_int_equal(send_batch(s, &refusal), -EBADMSG);
	assert_int_equal(refusal.sequence, 12);
	assert_int_equal(refusal.error, EEXIST);
	assert_string_equal(refusal.text, "");
}

static void an_answer_lost_is_never_success(void **state)
{
	struct script *s = *state;
	struct nft_refusal refusal;
	say_errno(s, ENOBUFS);
	next_datagram(s);
	say_end(s, NLMSG_ERROR, 0, 14);
	assert_int_equal(send_batch(s, &refusal), -ENOBUFS);
	say_errno(s, ENOBUFS);
	next_datagram(s);
	say_end(s, NLMSG_ERROR, EPERM, 10);
	assert_int_equal(send_batch(s, &refusal), -EBADMSG);
	assert_int_equal(refusal.error, EPERM);
	say_errno(s, EIO);
	assert_int_equal(send_batch(s, &refusal), -ENOBUFS);
	next_datagram(s);
	said(s, say(s, NLMSG_ERROR, 0, 12, PORT)); // too short
	assert_int_equal(send_batch(s, &refusal), -ENOBUFS);
	s->short_send = true;
	assert_int_equal(send_batch(s, &refusal), -EMSGSIZE);
}

// Words and offset, with the refused message in the answer (CAP_ACK not granted) and without.
static void extended_acknowledgements(void **state)
{
	struct script *s = *state;
	struct nft_refusal refusal;
	for (int capped = 0; capped < 2; capped++) {
		next_datagram(s);
		struct nlmsghdr *m =
		        say(s, NLMSG_ERROR, NLM_F_ACK_TLVS | (capped ? NLM_F_CAPPED : 0), 11, PORT);
		struct nlmsgerr *e = mnl_nlmsg_put_extra_header(m, sizeof *e);
		e->error = -EINVAL;
		e->msg.nlmsg_len = sizeof e->msg + 21;
		if (!capped)
			mnl_nlmsg_put_extra_header(m, 21);
		mnl_attr_put_strz(m, NLMSGERR_ATTR_MSG, "not so");
		mnl_attr_put_u32(m, NLMSGERR_ATTR_OFFS, 77);
		said(s, m);
		assert_int_equal(send_batch(s, &refusal), -EBADMSG);
		assert_int_equal(refusal.offset, 77);
		assert_string_equal(refusal.text, "not so");
	}
	// A length that is not there.
	next_datagram(s);
	struct nlmsghdr *m = say(s, NLMSG_ERROR, NLM_F_ACK_TLVS, 11, PORT);
	struct nlmsgerr *e = mnl_nlmsg_put_extra_header(m, sizeof *e);
	e->error = -EINVAL;
	e->msg.nlmsg_len = 0xffffffff;
	said(s, m);
	assert_int_equal(send_batch(s, &refusal), -EBADMSG);
	assert_string_equal(refusal.text, "");
}

#define talk_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        talk_test(an_answer_in_several_datagrams),
	        talk_test(others_messages_are_passed_over),
	        talk_test(an_error_waits_for_the_end),
	        talk_test(errors_come_through),
	        talk_test(an_error_that_is_none),
	        talk_test(an_end_of_lost_datagrams),
	        talk_test(a_batch_is_done_when_its_last_message_says_so),
	        talk_test(the_first_refused_message_counts),
	        talk_test(an_answer_lost_is_never_success),
	        talk_test(extended_acknowledgements),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
