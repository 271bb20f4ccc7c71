/* SPDX-License-Identifier: MIT */
/* Hooks: %i, and the programs that a command starts by their paths. */
#include "conf/hook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

static void test_expand(void **state)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ "/etc/%i-up.sh %i", "/etc/wg0-up.sh wg0" },
		{ "%d %%i %", "%d %wg0 %" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text = conf_hook_expand(cases[i][0], "wg0");

		assert_string_equal(text, cases[i][1]);
		free(text);
	}
}

/* Each program that is found, with a blank behind it. */
static void test_programs(void **state)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ "/a/b", "/a/b " },
		{ "  /a/b --x /c/d", "/a/b " },
		{ "echo /a/b", "" },
		{ "bash -e /a/b", "/a/b " },
		{ "/bin/sh /a/b /c", "/a/b " },
		{ "/srv/alice/sh /a/b", "/srv/alice/sh " },
		{ ". /a/b", "/a/b " },
		{ "sudo /a/b", "/a/b " },
		{ "sudo -u alice /a/b", "" },
		{ "/usr/bin/env -i X=1 Y='a b' /a/b", "/a/b " },
		{ "nice -n 5 timeout 10s /a/b", "/a/b " },
		{ "VAR=x /a/b", "/a/b " },
		{ "VAR=x env OTHER=\"a;b\" /a/b", "/a/b " },
		{ "\"/a/b c\" x", "/a/b c " },
		{ "'/a/b' x", "/a/b " },
		{ "/a/b\\ c", "/a/b c " },
		{ "/a/b; /c/d && /e/f|/g/h", "/a/b /c/d /e/f /g/h " },
		{ "[ -x /a/b ] && /a/b || true", "/a/b " },
		{ "if ! /a/b; then /c/d; fi", "/a/b /c/d " },
		{ "(cd /tmp; /a/b) >/c/d 2>&1 </e/f", "/a/b " },
		{ ">/dev/null /a/b", "/a/b " },
		{ "/a/b &>/dev/null & /c/d", "/a/b /c/d " },
		{ "x=$(/a/b) true", "/a/b " },
		{ "/a/$X/b; /c/*/d", "" },
		{ "'/a/b", "/a/b " },
		{ "# /a/b", "" },
		{ "/a/b >", "/a/b " },
		{ "/a/b \\", "/a/b " },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *at = cases[i][0];
		char program[32];
		char all[128] = "";

		while (conf_hook_program(&at, program, sizeof(program))) {
			strcat(all, program);
			strcat(all, " ");
		}
		assert_string_equal(all, cases[i][1]);
		assert_int_equal(*at, '\0');
	}
}

/* A path that does not fit is none; the next one is found. */
static void test_long(void **state)
{
	const char *at = "/a/very/long/path; /b";
	char program[8];

	assert_true(conf_hook_program(&at, program, sizeof(program)));
	assert_string_equal(program, "/b");
	assert_false(conf_hook_program(&at, program, sizeof(program)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expand),
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests_name("hook", tests, NULL, NULL);
}
