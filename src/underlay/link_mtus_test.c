/* SPDX-License-Identifier: MIT */
/* Tests of noticing that an interface's MTU has changed. */
#include "underlay/link_mtus.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static bool after(struct link_mtus *m, uint32_t ifindex, uint32_t mtu)
{
	const struct changes d = { .links = { { ifindex, mtu } }, .n_links = 1 };

	return link_mtus_update(m, &d);
}

static void test_changes(void **state)
{
	struct link_mtus m = { 0 };
	const struct changes none = { 0 };

	(void)state;
	assert_false(link_mtus_update(&m, &none));
	assert_true(after(&m, 2, 1500)); /* the first event */
	assert_false(after(&m, 2, 1500));
	assert_true(after(&m, 2, 1400));
	assert_true(after(&m, 2, 1500));
	assert_true(after(&m, 3, 1500));
	assert_false(after(&m, 2, 1500));
}

static void test_same_place(void **state)
{
	struct link_mtus m = { 0 };

	(void)state;
	assert_true(after(&m, 2, 1500));
	assert_true(after(&m, 2 + LINK_MTUS, 1500));
	assert_true(after(&m, 2, 1500));
}

static void test_batch(void **state)
{
	struct link_mtus m = { 0 };
	struct changes d = { .links = { { 2, 1500 }, { 3, 9000 } }, .n_links = 2 };

	(void)state;
	assert_true(link_mtus_update(&m, &d));
	assert_false(link_mtus_update(&m, &d));
	d.links[1].mtu = 1500;
	assert_true(link_mtus_update(&m, &d));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_same_place),
		cmocka_unit_test(test_batch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
