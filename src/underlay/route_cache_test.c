/* SPDX-License-Identifier: MIT */
/* Tests of the cache of route lookups: found again, overwritten in turn, invalidated by changes. */
#include "underlay/route_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct route_cache));
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static struct endpoint endpoint(const char *to, const char *local, uint32_t ifindex)
{
	struct endpoint e = { .local_ifindex = ifindex };

	assert_int_equal(ip_addr_parse(to, &e.addr), 0);
	assert_int_equal(ip_addr_parse(local, &e.local), 0);
	return e;
}

static void put(struct route_cache *c, const struct endpoint *e, enum source_use use)
{
	*route_cache_find(c, e) = (struct route_entry){
		.to = e->addr, .local = e->local, .local_ifindex = e->local_ifindex, .use = use
	};
}

static bool is_there(struct route_cache *c, const struct endpoint *e, enum source_use use)
{
	const struct route_entry *r = route_cache_find(c, e);

	return route_entry_is_of(r, e) && r->use == use;
}

static void test_find(void **state)
{
	struct route_cache *c = *state;
	struct endpoint a = endpoint("192.0.2.1", "10.0.0.1", 1);
	struct endpoint other_interface = endpoint("192.0.2.1", "10.0.0.1", 2);
	struct endpoint other_source = endpoint("192.0.2.1", "10.0.0.2", 1);

	assert_false(is_there(c, &a, SOURCE_ALL));
	put(c, &a, SOURCE_ALL);
	assert_true(is_there(c, &a, SOURCE_ALL));
	assert_false(is_there(c, &other_interface, SOURCE_ALL));
	assert_false(is_there(c, &other_source, SOURCE_ALL));
	put(c, &other_source, SOURCE_NOTHING);
	assert_true(is_there(c, &a, SOURCE_ALL));
	assert_true(is_there(c, &other_source, SOURCE_NOTHING));
	route_cache_clear(c);
	assert_false(is_there(c, &a, SOURCE_ALL));
	assert_false(is_there(c, &other_source, SOURCE_NOTHING));
}

/* With more endpoints than a set has room for, each finds an entry to overwrite in its set. */
static void test_full_set(void **state)
{
	struct route_cache *c = *state;
	struct endpoint e = endpoint("192.0.2.1", "10.0.0.1", 1);
	size_t there = 0;

	for (uint8_t i = 1; i <= 3 * ROUTE_CACHE_PER_SET; i++) {
		e.local.bytes[3] = i; /* the source is not part of the hash */
		put(c, &e, SOURCE_ALL);
		assert_true(is_there(c, &e, SOURCE_ALL));
	}
	for (uint8_t i = 1; i <= 3 * ROUTE_CACHE_PER_SET; i++) {
		e.local.bytes[3] = i;
		there += is_there(c, &e, SOURCE_ALL);
	}
	assert_int_equal(there, ROUTE_CACHE_PER_SET);
}

static void test_changes(void **state)
{
	struct route_cache *c = *state;
	struct endpoint a = endpoint("192.0.2.1", "10.0.0.1", 1);
	struct endpoint b = endpoint("198.51.100.1", "10.0.1.1", 2);
	struct changes d;

	put(c, &a, SOURCE_ALL);
	put(c, &b, SOURCE_LOOP);
	changes_init(&d, 0);
	route_cache_clear_some(c, &d);
	assert_true(is_there(c, &a, SOURCE_ALL));
	d.stopped[d.n_stopped++] = 2;
	route_cache_clear_some(c, &d);
	assert_true(is_there(c, &a, SOURCE_ALL));
	assert_false(is_there(c, &b, SOURCE_LOOP));
	changes_lost(&d);
	route_cache_clear_some(c, &d);
	assert_false(is_there(c, &a, SOURCE_ALL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_find, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_set, setup, teardown),
		cmocka_unit_test_setup_teardown(test_changes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
