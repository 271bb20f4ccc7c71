/* SPDX-License-Identifier: MIT */
/* Tests of the length of trains: what is checked when, what a loss cuts, and what lifts the
 * limit. */
#include "path/trains.h"

#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SEC NS_PER_S

/* A network that carries trains of up to `carried`: check until there is nothing to check. Return:
 * how many trains of probes that took, each lost one counted once. */
static unsigned check(struct trains *t, unsigned carried, uint64_t raise_ns, struct mono now)
{
	unsigned lengths[TRAINS_PROBES], more[TRAINS_PROBES];
	size_t n = trains_begin(t, now, lengths);
	size_t n_more = 0;
	unsigned probes = 0;

	while (n) {
		for (size_t i = 0; i < n; i++, probes++) {
			assert_in_range(lengths[i], 2, TRAINS_ANY);
			assert_true(i == 0 || lengths[i] > lengths[i - 1]);
			if (lengths[i] <= carried)
				trains_passed(t, lengths[i]);
		}
		for (size_t i = 0; i < n; i++)
			if (lengths[i] > carried)
				n_more = trains_lost(t, lengths[i], more);
		n = n_more;
		n_more = 0;
		for (size_t i = 0; i < n; i++)
			lengths[i] = more[i];
	}
	trains_done(t, raise_ns, now);
	return probes;
}

/* Every limit is found to a power of two, whatever the traffic fills. */
static void test_every_limit(void **state)
{
	for (unsigned wanted = 2; wanted <= 70; wanted++)
		for (unsigned carried = 1; carried <= 64; carried++) {
			struct mono now = { SEC };
			struct trains t;
			unsigned fits = 1;

			trains_init(&t);
			assert_false(trains_due(&t, now));
			trains_note(&t, wanted);
			assert_true(trains_due(&t, now));
			assert_in_range(check(&t, carried, 600 * SEC, now), 1, TRAINS_PROBES);
			while (2 * fits <= carried)
				fits *= 2;
			if (wanted <= carried || (wanted > 64 && carried == 64))
				assert_int_equal(t.max, TRAINS_ANY);
			else
				assert_int_equal(t.max, fits);
		}
}

/* Short trains are checked by themselves, none at all where there are none, each four seconds. */
static void test_when(void **state)
{
	struct mono now = { SEC };
	struct trains t;

	trains_init(&t);
	trains_note(&t, 1);
	assert_false(trains_due(&t, now));
	trains_note(&t, 5);
	trains_note(&t, 3);
	assert_int_equal(check(&t, 5, 600 * SEC, now), 1);
	assert_int_equal(t.max, TRAINS_ANY);
	trains_note(&t, 5);
	assert_false(trains_due(&t, mono_add(now, TRAINS_CHECK_NS - 1)));
	assert_true(trains_due(&t, mono_add(now, TRAINS_CHECK_NS)));
	trains_recheck(&t);
	assert_true(trains_due(&t, now));
}

/* A limit is tried anew, ever more rarely, and lifted when what was lost passes. */
static void test_raise(void **state)
{
	struct mono now = { SEC };
	struct trains t;
	uint64_t pause = 10 * SEC;

	trains_init(&t);
	trains_note(&t, 40);
	(void)check(&t, 4, pause, now);
	assert_int_equal(t.max, 4);
	for (unsigned i = 0; i < 10; i++) {
		trains_note(&t, 3); /* not longer than what passes: nothing to try */
		(void)check(&t, 4, 10 * SEC, mono_add(now, TRAINS_CHECK_NS));
		trains_note(&t, 40);
		assert_int_equal(t.next_raise.ns, mono_add(now, pause).ns);
		now = mono_add(now, pause);
		assert_true(trains_due(&t, now));
		(void)check(&t, 4, 10 * SEC, now);
		assert_int_equal(t.max, 4);
		pause = 2 * pause < TRAINS_RAISE_MAX_NS ? 2 * pause : TRAINS_RAISE_MAX_NS;
	}
	assert_int_equal(pause, TRAINS_RAISE_MAX_NS);
	now = mono_add(now, pause);
	trains_note(&t, 6); /* passes now, but is less than what was lost */
	(void)check(&t, 64, 10 * SEC, now);
	assert_int_equal(t.max, 6);
	now = mono_add(now, pause);
	trains_note(&t, 40);
	(void)check(&t, 64, 10 * SEC, now);
	assert_int_equal(t.max, TRAINS_ANY);
	assert_int_equal(t.next_raise.ns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_limit),
		cmocka_unit_test(test_when),
		cmocka_unit_test(test_raise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
