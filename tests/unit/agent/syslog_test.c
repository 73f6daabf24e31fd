// SPDX-License-Identifier: GPL-2.0-or-later
//
// RFC 5424 messages: every field, what is escaped and replaced, and that 2048 octets are never exceeded.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include <cmocka.h>

#include "agent/agent.h"
#include "agent/agent_syslog.h"
#include "base/text.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct agent_field fields[] = {{"policy", "3"}, {"who", "alice from 10.20.9.77"}};

static struct agent_syslog plain(void)
{
	return (struct agent_syslog){
	        .facility = LOG_DAEMON,
	        .severity = LOG_NOTICE,
	        .seconds = 1700000000,
	        .microseconds = 1234,
	        .host = "ct-gateway",
	        .app = "leadglassd",
	        .pid = 711,
	        .id = "APPLIED",
	        .fields = fields,
	        .count = COUNT(fields),
	        .text = "policy 3 is up",
	};
}

static void assert_message(struct agent_syslog message, const char *wanted)
{
	char text[AGENT_SYSLOG_MAX];
	size_t size = agent_syslog_format(&message, text);
	assert_string_equal(text, wanted);
	assert_int_equal(size, strlen(wanted));
}

static void whole(void **state)
{
	(void)state;
	assert_message(plain(), "<29>1 2023-11-14T22:13:20.001234Z ct-gateway leadglassd 711 APPLIED "
	                        "[leadglass@32473 policy=\"3\" who=\"alice from 10.20.9.77\"] policy 3 is up");
}

static void nothing_known(void **state)
{
	(void)state;
	assert_message((struct agent_syslog){.facility = LOG_DAEMON, .severity = LOG_ALERT},
	               "<25>1 1970-01-01T00:00:00Z - - - - -");
	struct agent_syslog message = plain();
	message.count = 0;
	message.text = "";
	message.microseconds = 0;
	message.host = "";
	assert_message(message, "<29>1 2023-11-14T22:13:20Z - leadglassd 711 APPLIED -");
	message.seconds = INT64_MAX;
	assert_message(message, "<29>1 - - leadglassd 711 APPLIED -");
}

// Against the C library, over the leap days of four centuries.
static void times(void **state)
{
	(void)state;
	for (int64_t seconds = 0; seconds < INT64_C(253402300800); seconds += INT64_C(86399) * 37) {
		const time_t when = (time_t)seconds;
		struct tm tm;
		char wanted[128], date[64];
		assert_non_null(gmtime_r(&when, &tm));
		assert_true(strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
		snprintf(wanted, sizeof wanted, "<29>1 %s - - - - -", date);
		assert_message((struct agent_syslog){.facility = LOG_DAEMON,
		                                     .severity = LOG_NOTICE,
		                                     .seconds = seconds},
		               wanted);
	}
	assert_message((struct agent_syslog){.facility = LOG_DAEMON, .severity = LOG_NOTICE, .seconds = -1},
	               "<29>1 - - - - - -");
}

static void words(void **state)
{
	(void)state;
	struct agent_syslog message = plain();
	const struct agent_field odd = {"a=b]c\"d e\xc3\xa4", "x"};
	message.count = 0;
	message.host = "two words\n";
	message.app = "0123456789012345678901234567890123456789012345678901234567890";
	message.id = "012345678901234567890123456789012345";
	message.text = NULL;
	assert_message(message, "<29>1 2023-11-14T22:13:20.001234Z two?words? "
	                        "012345678901234567890123456789012345678901234567 711 "
	                        "01234567890123456789012345678901 -");
	message = plain();
	message.fields = &odd;
	message.count = 1;
	message.text = NULL;
	assert_message(message, "<29>1 2023-11-14T22:13:20.001234Z ct-gateway leadglassd 711 APPLIED "
	                        "[leadglass@32473 a?b?c?d?e?"
	                        "?=\"x\"]");
}

static void values(void **state)
{
	(void)state;
	static const struct {
		const char *value, *wanted;
	} cases[] = {
	        {"", ""},
	        {NULL, ""},
	        {"a\"b\\c]d[e", "a\\\"b\\\\c\\]d[e"},
	        {"Z\xc3\xbcrich", "Z\xc3\xbcrich"},
	        {"two\nlines\t\x7f", "two?lines??"},
	        {"\xc3", "?"},
	        {"\xff\xfe", "??"},
	        {"a\xe2\x80\xae"
	         "b",
	         "a?b"}, // turns the direction of writing
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct agent_field field = {"v", cases[i].value};
		struct agent_syslog message = plain();
		char wanted[256];
		message.fields = &field;
		message.count = 1;
		message.text = NULL;
		snprintf(wanted, sizeof wanted,
		         "<29>1 2023-11-14T22:13:20.001234Z ct-gateway leadglassd 711 APPLIED "
		         "[leadglass@32473 v=\"%s\"]",
		         cases[i].wanted);
		assert_message(message, wanted);
	}
}

static void texts(void **state)
{
	(void)state;
	struct agent_syslog message = plain();
	message.count = 0;
	message.text = "caf\xc3\xa9\nand \xffmore";
	assert_message(message, "<29>1 2023-11-14T22:13:20.001234Z ct-gateway leadglassd 711 APPLIED - "
	                        "\xef\xbb\xbf"
	                        "caf\xc3\xa9?and ?more");
}

static bool is_whole_utf8(const char *text)
{
	size_t left = strlen(text);
	while (left > 0) {
		uint32_t character;
		size_t size = text_utf8(text, left, &character);
		if (size == 0)
			return false;
		text += size;
		left -= size;
	}
	return true;
}

// Texts and parameters of every length around the end: cut between characters, parameters whole or not there.
static void bounded(void **state)
{
	(void)state;
	for (size_t length = 1900; length < 2100; length++) {
		static char long_text[8192];
		char out[AGENT_SYSLOG_MAX + 8];
		struct agent_syslog message = plain();
		for (size_t i = 0; i + 1 < length; i += 2)
			memcpy(long_text + i, "\xc3\xa4", 2);
		long_text[length - length % 2] = '\0';
		memset(out, 'x', sizeof out);
		message.text = long_text;
		size_t size = agent_syslog_format(&message, out);
		assert_true(size < AGENT_SYSLOG_MAX && strlen(out) == size);
		assert_int_equal(out[AGENT_SYSLOG_MAX], 'x');
		assert_true(is_whole_utf8(out));

		memset(long_text, ']', length / 2); // two octets each
		long_text[length / 2] = '\0';
		const struct agent_field many[] = {{"long", long_text}, {"short", "1"}};
		message = plain();
		message.fields = many;
		message.count = COUNT(many);
		size = agent_syslog_format(&message, out);
		assert_true(size < AGENT_SYSLOG_MAX && strlen(out) == size);
		const char *end = strstr(out, "\"] ");
		assert_true(end != NULL || out[size - 1] == ']');
		assert_true((strstr(out, " long=\"") != NULL) ==
		            (strstr(out, "\\]\" ") != NULL || strstr(out, "\\]\"]") != NULL));
	}
}

static void local(void **state)
{
	(void)state;
	char text[AGENT_SYSLOG_MAX], out[AGENT_SYSLOG_MAX];
	struct agent_syslog message = plain();
	size_t size = agent_syslog_format(&message, text);
	size = agent_syslog_local(text, size, out);
	assert_int_equal(size, strlen(out));
	assert_string_equal(out, "<29>leadglassd[711]: APPLIED [leadglass@32473 policy=\"3\" "
	                         "who=\"alice from 10.20.9.77\"] policy 3 is up");
	message.count = 0;
	message.text = "caf\xc3\xa9";
	size = agent_syslog_format(&message, text);
	agent_syslog_local(text, size, out);
	assert_string_equal(out, "<29>leadglassd[711]: APPLIED caf\xc3\xa9");
	message.text = NULL;
	size = agent_syslog_format(&message, text);
	agent_syslog_local(text, size, out);
	assert_string_equal(out, "<29>leadglassd[711]: APPLIED");

	static const char *const none[] = {"", "hello", "<29>1 a b c d", "<29>2 a b c d e - f",
	                                   "29>1 a b c d e - f"};
	for (size_t i = 0; i < COUNT(none); i++)
		assert_int_equal(agent_syslog_local(none[i], strlen(none[i]), out), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(whole),   cmocka_unit_test(nothing_known), cmocka_unit_test(times),
	        cmocka_unit_test(words),   cmocka_unit_test(values),        cmocka_unit_test(texts),
	        cmocka_unit_test(bounded), cmocka_unit_test(local),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
