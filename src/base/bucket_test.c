/* SPDX-License-Identifier: MIT */
/* Tests of the token bucket. */
#include "base/bucket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static unsigned take_all(struct bucket *b, struct mono now)
{
	unsigned n = 0;

	while (n < 1000 && bucket_take(b, now, NS_PER_MS, 5))
		n++;
	return n;
}

static void test_burst_and_rate(void **state)
{
	struct bucket b = { 0 };
	struct mono now = { 17 };

	assert_int_equal(take_all(&b, now), 5);
	now = mono_add(now, NS_PER_MS - 1);
	assert_int_equal(take_all(&b, now), 0);
	now = mono_add(now, 1);
	assert_int_equal(take_all(&b, now), 1);
	now = mono_add(now, 3 * NS_PER_MS);
	assert_int_equal(take_all(&b, now), 3);
	now = mono_add(now, NS_PER_S); /* never more than the burst */
	assert_int_equal(take_all(&b, now), 5);
}

static void test_long_run(void **state)
{
	struct bucket b = { 0 };
	unsigned n = 0;

	for (uint64_t t = 0; t < NS_PER_S; t += 10 * NS_PER_US)
		n += bucket_take(&b, (struct mono){ 1 + t }, NS_PER_MS, 5);
	assert_in_range(n, 1000, 1005);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_burst_and_rate),
		cmocka_unit_test(test_long_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
