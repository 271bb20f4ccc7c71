/* SPDX-License-Identifier: MIT */
/* Tests of errors for the user: always two sentences, for any input. */
#include "base/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

static void test_sentences(void **state)
{
	static const struct {
		const char *text;
		const char *problem;
		const char *hint;
	} table[] = {
		{ "It broke\nFix it.", "It broke.", "Fix it." },
		{ "It broke.\nFix it.", "It broke.", "Fix it." },
		{ "It broke", "It broke.", "" },
		{ "Is it broken?\n1 errors.", "Is it broken?", "1 error." },
		{ "Cannot open it:\nLook.", "Cannot open it: Permission denied.", "Look." },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct error error;

		assert_int_equal(error_set(&error, -EACCES, "%s", table[i].text), -EACCES);
		assert_int_equal(error.code, -EACCES);
		assert_string_equal(error.problem, table[i].problem);
		assert_string_equal(error.hint, table[i].hint);
	}
}

/* The hint ends a line, without a blank if there is none. */
static void test_tail(void **state)
{
	assert_string_equal(error_limit_tail(-ENOENT), "");
	assert_null(error_limit_hint(-ENOENT));
	assert_int_equal(error_limit_tail(-EMFILE)[0], ' ');
	assert_string_equal(error_limit_tail(-EMFILE) + 1, error_limit_hint(-EMFILE));
}

/* The hint about a limit replaces none and a question, and nothing else. */
static void test_limits(void **state)
{
	static const struct {
		int code;
		const char *text;
		const char *hint;
	} table[] = {
		{ -EMFILE, "It broke:\nIs there memory?", "ulimit -n" },
		{ -EMFILE, "It broke:", "ulimit -n" },
		{ -ENOSPC, "It broke:", "max_user_watches" },
		{ -ENOSPC, "It broke:\nRemove it.", "Remove it." },
		{ -ENOSYS, "It broke:\nWhy?", "seccomp" },
		{ -ENOMEM, "It broke:", "memory" },
		{ -ENFILE, "It broke:", "fs.file-max" },
		{ -EFBIG, "It broke:\nRun it as root.", "ulimit -f" },
		{ -EMFILE, "It broke:\nRun it as root.", "ulimit -n" },
		{ -EACCES, "It broke:\nAre you root?", "Are you root?" },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct error error;

		error_set(&error, table[i].code, "%s", table[i].text);
		assert_non_null(strstr(error.hint, table[i].hint));
	}
}

static void test_long(void **state)
{
	struct error error;
	char text[2000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	error_set(&error, -EIO, "%s", text);
	assert_int_equal(error.problem[0], 'x');
	assert_true(strlen(error.problem) < sizeof(error.problem));
	text[300] = '\n';
	error_set(&error, -EIO, "%s", text);
	assert_int_equal(error.hint[0], 'x');
	assert_true(strlen(error.hint) < sizeof(error.hint));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_tail),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
