/* SPDX-License-Identifier: MIT */
/* Tests of the messages' sizes. */
#include "wg/messages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/bytes.h"

static void test_padding(void **state)
{
	static const struct {
		size_t plain, mtu, padded;
	} cases[] = {
		{ 0, 1440, 0 },
		{ 1, 1440, 16 },
		{ 16, 1440, 16 },
		{ 17, 1440, 32 },
		{ 1439, 1440, 1440 },
		{ 1440, 1440, 1440 },
		{ 1409, 1420, 1420 },
		{ 1408, 1420, 1408 },
		{ 1420, 1420, 1420 },
		{ 1500, 1420, 1500 },
		{ 1500, 0, 1504 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(wg_padded_len(cases[i].plain, cases[i].mtu), cases[i].padded);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_padding) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
