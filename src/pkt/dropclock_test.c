/* SPDX-License-Identifier: MIT */
/* Tests of the drop clock: each reason has its own time, and only an increase sets it. */
#include "pkt/dropclock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct mono at_ms(uint64_t ms)
{
	return (struct mono){ ms * NS_PER_MS };
}

static void test_ages(void **state)
{
	struct drop_counters ages, drops = { 0 };
	struct drop_clock clock = { 0 };

	drop_clock_tick(&clock, &drops, at_ms(1000));
	drops.n[DROP_WG_REPLAY] = 3;
	drop_clock_tick(&clock, &drops, at_ms(2000));
	drop_clock_tick(&clock, &drops, at_ms(3000)); /* no increase */
	drops.n[DROP_L2TP_COOKIE] = 1;
	drop_clock_tick(&clock, &drops, at_ms(4000));
	drop_clock_ages(&clock, at_ms(4000), &ages);
	assert_int_equal(ages.n[DROP_WG_REPLAY], 2000);
	assert_int_equal(ages.n[DROP_L2TP_COOKIE], 1); /* the same instant is not "never" */
	assert_int_equal(ages.n[DROP_WG_AUTH], 0);
	drops.n[DROP_WG_REPLAY] = 4;
	drop_clock_tick(&clock, &drops, at_ms(5000));
	drop_clock_ages(&clock, at_ms(5500), &ages);
	assert_int_equal(ages.n[DROP_WG_REPLAY], 500);
	assert_int_equal(ages.n[DROP_L2TP_COOKIE], 1500);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_ages) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
