/* SPDX-License-Identifier: MIT */
/* Tests of the ages of handshakes by a wall clock that is set. */
#include "backend/kernel_clock.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define DAY   86400
#define START 1700000000

static struct mono at(uint64_t s)
{
	return (struct mono){ (1000 + s) * NS_PER_S };
}

/* Note what the clock shows every 10 s, from one second to another; `ahead`: of the right time. */
static void run(struct kernel_clock *c, uint64_t from, uint64_t to, int64_t ahead)
{
	for (uint64_t s = from; s < to; s += 10)
		kernel_clock_note(
			c, at(s), (struct wall){ (uint64_t)(START + (int64_t)s + ahead), 7 });
}

/* Return: the age at second `now` of a handshake at second `then`, by a clock that was `ahead`
 * then, and is `is_ahead` now. */
static int64_t age(
	const struct kernel_clock *c, int64_t then, int64_t ahead, uint64_t now, int64_t is_ahead)
{
	return kernel_clock_age(c, START + then + ahead, at(now),
		(struct wall){ (uint64_t)(START + (int64_t)now + is_ahead), 3 });
}

/* Within two seconds, as the kernel's seconds and ours are cut. */
static void assert_age(int64_t is, int64_t expected)
{
	assert_in_range(is, expected > 2 ? expected - 2 : 0, expected + 2);
}

static void test_nothing_known(void **state)
{
	assert_int_equal(age(NULL, 100, 0, 130, 0), 30);
	assert_int_equal(age(NULL, 100, 0, 130, DAY), 30 + DAY);
	assert_int_equal(age(NULL, 100, 0, 130, -DAY), 0);
}

static void test_not_set(void **state)
{
	struct kernel_clock c = { 0 };

	run(&c, 0, 500, 0);
	assert_int_equal(c.n, 1);
	assert_age(age(&c, 100, 0, 495, 0), 395);
	assert_age(age(&c, -5000, 0, 495, 0), 5495); /* of a process before */
	assert_age(age(&c, 495, 0, 495, 0), 0);
}

static void test_set(void **state)
{
	static const int64_t steps[] = { DAY, -366 * DAY, 300, -300, 60, -60, 10, -10, 3 - START };
	struct kernel_clock c;

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		int64_t ahead = steps[i];

		c = (struct kernel_clock){ 0 };
		run(&c, 0, 500, 0);
		run(&c, 500, 1000, ahead);
		assert_int_equal(c.n, 2);
		assert_age(age(&c, 700, ahead, 995, ahead), 295);
		assert_age(age(&c, 995, ahead, 995, ahead), 0);
		if (ahead < -900 || ahead > 0) /* otherwise two times are possible */
			assert_age(age(&c, 400, 0, 995, ahead), 595);
		if (ahead < -900 || ahead > 900)
			assert_age(
				age(&c, 494, ahead, 995, ahead), 501); /* before it was noticed */
	}
}

static void test_set_again(void **state)
{
	struct kernel_clock c = { 0 };

	run(&c, 0, 500, 0);
	run(&c, 500, 1000, DAY);
	run(&c, 1000, 1500, -DAY);
	run(&c, 1500, 2000, 0);
	assert_int_equal(c.n, 4);
	assert_age(age(&c, 400, 0, 1995, 0), 1595);
	assert_age(age(&c, 700, DAY, 1995, 0), 1295);
	assert_age(age(&c, 1200, -DAY, 1995, 0), 795);
	assert_age(age(&c, 1900, 0, 1995, 0), 95);
}

/* The first ones are forgotten: then the age is the smallest that it can be. */
static void test_many(void **state)
{
	struct kernel_clock c = { 0 };

	for (uint64_t i = 0; i < 20; i++)
		run(&c, 100 * i, 100 * i + 100, (int64_t)(i * i) * -DAY);
	assert_int_equal(c.n, KERNEL_CLOCK_ERAS);
	assert_age(age(&c, 1950, -19 * 19 * DAY, 1995, -19 * 19 * DAY), 45);
	assert_age(age(&c, 1250, -12 * 12 * DAY, 1995, -19 * 19 * DAY), 745);
	assert_in_range(age(&c, 250, -4 * DAY, 1995, -19 * 19 * DAY), 690, 1745);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_known),
		cmocka_unit_test(test_not_set),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_set_again),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
