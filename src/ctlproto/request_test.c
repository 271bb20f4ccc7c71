/* SPDX-License-Identifier: MIT */
/* Tests of control requests: round trips of every verb, and the error for each invalid request. */
#include "ctlproto/request.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

static void test_capture(void **state)
{
	struct ctl_request request = { .verb = CTL_CAPTURE, .snap = 60 };
	struct ctl_request back;
	char line[128];
	int len = ctl_request_print(&request, line, sizeof(line));

	assert_string_equal(line, "{\"verb\":\"capture\",\"snap\":60}\n");
	assert_int_equal(ctl_request_parse(line, (size_t)len - 1, &back), 0);
	assert_int_equal(back.snap, 60);
	assert_int_equal(back.stream, -1);
	request.snap = 0;
	len = ctl_request_print(&request, line, sizeof(line));
	assert_int_equal(ctl_request_parse(line, (size_t)len - 1, &back), 0);
	assert_int_equal(back.snap, CTL_SNAP_MAX);
}

static void test_upgrade(void **state)
{
	static const char *const bad[] = { "{\"verb\":\"upgrade\"}",
		"{\"verb\":\"upgrade\",\"program\":\"bin/wirespan\"}",
		"{\"verb\":\"upgrade\",\"program\":\"\"}", "{\"verb\":\"upgrade\",\"program\":7}",
		"{\"verb\":\"upgrade\",\"program\":\"/a\\u0000b\"}",
		"{\"verb\":\"upgrade\",\"program\":\"/a\",\"snap\":60}",
		"{\"verb\":\"upgrade\",\"snap\":60}", "{\"verb\":\"status\",\"program\":\"/a\"}" };
	struct ctl_request request = { .verb = CTL_UPGRADE, .program = "/usr/bin/wirespan" };
	struct ctl_request back;
	char line[2 * CTL_PROGRAM_LEN];
	int len = ctl_request_print(&request, line, sizeof(line));

	assert_string_equal(line, "{\"verb\":\"upgrade\",\"program\":\"/usr/bin/wirespan\"}\n");
	assert_int_equal(ctl_request_parse(line, (size_t)len - 1, &back), 0);
	assert_string_equal(back.program, request.program);
	assert_int_equal(back.stream, -1);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(ctl_request_parse(bad[i], strlen(bad[i]), &back), -EINVAL);
	memset(request.program + 1, 'x', sizeof(request.program) - 2);
	request.program[sizeof(request.program) - 1] = '\0';
	len = ctl_request_print(&request, line, sizeof(line));
	assert_int_equal(ctl_request_parse(line, (size_t)len - 1, &back), 0);
	line[len - 3] = 'x'; /* longer by one */
	memcpy(line + len - 2, "\"}", 2);
	assert_int_equal(ctl_request_parse(line, (size_t)len, &back), -EINVAL);
	request = (struct ctl_request){ .verb = CTL_UPGRADE, .program = "/a\"b" };
	assert_int_equal(ctl_request_print(&request, line, sizeof(line)), -EINVAL);
}

static void test_round_trip(void **state)
{
	for (int v = 0; v < CTL_VERB_COUNT; v++) {
		struct ctl_request request = { .verb = (enum ctl_verb)v, .program = "/bin/x" };
		struct ctl_request back = { .verb = CTL_VERB_COUNT };
		char line[128];
		int len = ctl_request_print(&request, line, sizeof(line));

		assert_in_range(len, 1, sizeof(line) - 1);
		assert_int_equal(line[len - 1], '\n');
		assert_int_equal(ctl_request_parse(line, (size_t)len - 1, &back), 0);
		assert_int_equal(back.verb, v);
		assert_int_equal(ctl_request_print(&request, line, (size_t)len), -ENOSPC);
	}
}

static void test_verdicts(void **state)
{
	static const struct {
		const char *line;
		int result;
	} table[] = {
		{ "{\"verb\":\"status\"}", 0 },
		{ " { \"verb\" : \"down\" } ", 0 },
		{ "", -EBADMSG },
		{ "{", -EBADMSG },
		{ "status", -EBADMSG },
		{ "\"status\"", -EBADMSG },
		{ "1", -EBADMSG },
		{ "null", -EBADMSG },
		{ "[\"status\"]", -EBADMSG },
		{ "{}", -EBADMSG },
		{ "{\"verb\":1}", -EBADMSG },
		{ "{\"verb\":null}", -EBADMSG },
		{ "{\"verb\":\"status\"} x", -EBADMSG },
		{ "{\"verb\":\"status\"}{\"verb\":\"down\"}", -EBADMSG },
		{ "{'verb':'status'}", -EBADMSG },
		{ "{\"verb\":\"\xff\"}", -EBADMSG },
		{ "{\"verb\":[[[[[[]]]]]]}", -EBADMSG },
		{ "{\"verb\":\"explode\"}", -EOPNOTSUPP },
		{ "{\"verb\":\"Status\"}", -EOPNOTSUPP },
		{ "{\"verb\":\"status\\u0000\"}", -EOPNOTSUPP },
		{ "{\"verb\":\"\"}", -EOPNOTSUPP },
		{ "{\"verb\":\"down\",\"force\":true}", -EINVAL },
		{ "{\"verb\":\"status\",\"snap\":60}", -EINVAL },
		{ "{\"verb\":\"capture\",\"snap\":0}", -EINVAL },
		{ "{\"verb\":\"capture\",\"snap\":65536}", -EINVAL },
		{ "{\"verb\":\"capture\",\"snap\":-1}", -EINVAL },
		{ "{\"verb\":\"capture\",\"snap\":\"60\"}", -EINVAL },
		{ "{\"verb\":\"capture\",\"snap\":60,\"more\":1}", -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct ctl_request request = { .verb = CTL_VERB_COUNT };
		int result = ctl_request_parse(table[i].line, strlen(table[i].line), &request);

		if (result != table[i].result)
			fail_msg("%s: %d", table[i].line, result);
		if (result)
			assert_int_equal(request.verb, CTL_VERB_COUNT);
	}
}

static void test_too_long(void **state)
{
	char line[CTL_REQUEST_MAX + 1];
	struct ctl_request request = { .verb = CTL_VERB_COUNT };
	int len = ctl_request_print(&(struct ctl_request){ CTL_STATUS }, line, sizeof(line));

	memset(line + len, ' ', sizeof(line) - (size_t)len);
	assert_int_equal(ctl_request_parse(line, CTL_REQUEST_MAX, &request), 0);
	assert_int_equal(ctl_request_parse(line, CTL_REQUEST_MAX + 1, &request), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_capture),
		cmocka_unit_test(test_upgrade),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
