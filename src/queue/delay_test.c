/* SPDX-License-Identifier: MIT */
/* Tests of the quantiles: exact enough, and only of the last seconds. */
#include "queue/delay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct mono start = { 1000 * NS_PER_S };

static struct mono at_ms(uint64_t ms)
{
	return mono_add(start, ms * NS_PER_MS);
}

/* Each single delay is reported rounded up, by a quarter at most. */
static void test_exact(void **state)
{
	for (uint64_t us = 0; us < 1000000; us += us / 7 + 1) {
		struct delay d = { 0 };
		uint64_t got;

		delay_add(&d, start, us * NS_PER_US, 100);
		got = delay_quantile(&d, start, 50);
		assert_true(got > us && got <= us + us / 4 + 1);
	}
}

static void test_quantiles(void **state)
{
	struct delay d = { 0 };

	assert_int_equal(delay_quantile(&d, start, 99), 0);
	for (unsigned i = 0; i < 980; i++)
		delay_add(&d, start, 1 * NS_PER_MS, 100);
	for (unsigned i = 0; i < 20; i++)
		delay_add(&d, start, 80 * NS_PER_MS, 100);
	assert_true(delay_quantile(&d, start, 50) < 1300);
	assert_true(delay_quantile(&d, start, 98) < 1300);
	assert_true(delay_quantile(&d, start, 99) > 79000);
	delay_add(&d, start, 5 * NS_PER_S, 100); /* beyond the last bucket */
	assert_true(delay_quantile(&d, start, 100) > 900000);
}

/* A delay is reported for four to eight seconds. */
static void test_window(void **state)
{
	struct delay d = { 0 };

	delay_add(&d, at_ms(0), 3 * NS_PER_MS, 1000);
	assert_true(delay_quantile(&d, at_ms(3999), 50) > 2999);
	assert_true(delay_quantile(&d, at_ms(7999), 50) > 2999);
	assert_int_equal(delay_quantile(&d, at_ms(8000), 50), 0);
	delay_add(&d, at_ms(5000), NS_PER_MS, 1000);
	assert_true(delay_quantile(&d, at_ms(5000), 99) > 2999);
	delay_add(&d, at_ms(9000), NS_PER_MS, 1000);
	assert_true(delay_quantile(&d, at_ms(9000), 99) < 1300);
	assert_int_equal(delay_quantile(&d, at_ms(60000), 99), 0);
}

static void test_rate(void **state)
{
	struct delay d = { 0 };

	assert_int_equal(delay_rate(&d, start), 0);
	for (uint64_t ms = 0; ms < 20000; ms += 10) {
		delay_add(&d, at_ms(ms), 0, 2500);
		if (ms >= 1000)
			assert_in_range(delay_rate(&d, at_ms(ms)), 249000, 253000);
	}
	assert_int_equal(delay_rate(&d, at_ms(40000)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_quantiles),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
