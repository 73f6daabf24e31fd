// SPDX-License-Identifier: GPL-2.0-or-later
//
// JSON text: commas, nesting, and every kind of octet.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/json.h"

static void shape(void **state)
{
	struct buffer b = BUFFER_EMPTY;
	struct json json = JSON_TO(&b);
	(void)state;
	json_object(&json);
	json_key_text(&json, "name", "main-pacs");
	json_key_number(&json, "line", UINT64_MAX);
	json_key(&json, "ports");
	json_array(&json);
	json_number(&json, 104);
	json_number(&json, 11112);
	json_end_array(&json);
	json_key(&json, "none");
	json_array(&json);
	json_end_array(&json);
	json_key_bool(&json, "ok", true);
	json_key_text(&json, "instead", NULL);
	json_end(&json);
	assert_string_equal(b.data, "{\n  \"name\": \"main-pacs\",\n  \"line\": 18446744073709551615,\n"
	                            "  \"ports\": [\n    104,\n    11112\n  ],\n  \"none\": [],\n"
	                            "  \"ok\": true,\n  \"instead\": null\n}");
	buffer_fini(&b);
}

static void octets(void **state)
{
	struct buffer b = BUFFER_EMPTY;
	struct json json = JSON_TO(&b);
	static const char text[] = "a\"b\\\n\t\x7f\0\xc3\xa9 \xff \xc0\x80 \xed\xa0\x80 \xf0\x9f\xa9\xbb";
	(void)state;
	json_text_n(&json, text, sizeof text - 1);
	assert_string_equal(b.data, "\"a\\\"b\\\\\\u000a\\u0009\\u007f\\u0000\xc3\xa9 \\u00ff \\u00c0\\u0080 "
	                            "\\u00ed\\u00a0\\u0080 \xf0\x9f\xa9\xbb\"");
	buffer_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(shape), cmocka_unit_test(octets)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
