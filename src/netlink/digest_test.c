/* SPDX-License-Identifier: MIT */
/* Tests of news summed up: the interface followed, and the sources that have to move. */
#include "netlink/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/bytes.h"

#define RUNS (IFF_UP | IFF_RUNNING)

static struct notify_event link_event(
	enum notify_kind kind, uint32_t ifindex, uint32_t flags, bool moved)
{
	return (struct notify_event){ .kind = kind,
		.link = { .ifindex = ifindex,
			.flags = flags,
			.mtu = 1400,
			.name = "wg0",
			.moved = moved } };
}

static struct notify_event address_event(enum notify_kind kind, uint16_t family)
{
	return (struct notify_event){ .kind = kind, .address.prefix.addr.family = family };
}

static struct notify_event route_event(enum notify_kind kind, uint16_t family)
{
	return (struct notify_event){ .kind = kind, .route.dst.addr.family = family };
}

static struct notify_event rule_event(uint16_t family)
{
	return (struct notify_event){ .kind = NOTIFY_RULE, .rule_family = family };
}

static void test_fate(void **state)
{
	struct notify_event up = link_event(NOTIFY_LINK, 5, RUNS, false);
	struct notify_event down = link_event(NOTIFY_LINK, 5, 0, false);
	struct notify_event moved = link_event(NOTIFY_LINK_GONE, 5, RUNS, true);
	struct notify_event gone = link_event(NOTIFY_LINK_GONE, 5, 0, false);
	struct notify_event other = link_event(NOTIFY_LINK_GONE, 6, 0, false);
	struct digest d;

	digest_init(&d, 5);
	assert_true(digest_is_empty(&d));
	digest_add(&d, &other);
	assert_int_equal(d.fate, DIGEST_UNCHANGED);
	assert_false(digest_is_empty(&d));
	digest_add(&d, &down);
	digest_add(&d, &up);
	assert_int_equal(d.fate, DIGEST_CHANGED); /* as it is at last */
	assert_true(d.up);
	assert_int_equal(d.mtu, 1400);
	assert_string_equal(d.name, "wg0");
	digest_add(&d, &down);
	assert_false(d.up);
	digest_add(&d, &moved);
	assert_int_equal(d.fate, DIGEST_MOVED);
	digest_add(&d, &gone);
	assert_int_equal(d.fate, DIGEST_GONE);

	digest_init(&d, 0);
	digest_add(&d, &up);
	assert_true(digest_is_empty(&d));
}

static void test_moves_source(void **state)
{
	struct ip_addr none = { 0 };
	struct ip_addr v4 = ip_addr_v4((const uint8_t[]){ 10, 0, 1, 11 });
	struct ip_addr v6 = ip_addr_v6((const uint8_t[16]){ 0xfd });
	const struct {
		struct notify_event event;
		struct ip_addr source;
		uint32_t ifindex;
		bool moves;
	} table[] = {
		{ link_event(NOTIFY_LINK, 3, RUNS, false), v4, 3, false },
		{ link_event(NOTIFY_LINK, 3, IFF_UP, false), v4, 3, true }, /* carrier lost */
		{ link_event(NOTIFY_LINK, 3, IFF_UP, false), none, 3, true },
		{ link_event(NOTIFY_LINK, 3, IFF_UP, false), v4, 4, false },
		{ link_event(NOTIFY_LINK_GONE, 3, RUNS, false), v4, 3, true },
		{ address_event(NOTIFY_ADDRESS_GONE, AF_INET), v4, 3, true },
		{ address_event(NOTIFY_ADDRESS_GONE, AF_INET6), v4, 3, false },
		{ address_event(NOTIFY_ADDRESS, AF_INET6), v6, 0, true },
		{ route_event(NOTIFY_ROUTE, AF_INET), v4, 3, true },
		{ route_event(NOTIFY_ROUTE_GONE, AF_INET), v6, 3, false },
		{ route_event(NOTIFY_ROUTE_GONE, AF_INET), none, 3, true },
		{ route_event(NOTIFY_ROUTE_GONE, AF_INET), none, 0, false },
		{ rule_event(AF_INET), v4, 3, true },
		{ rule_event(AF_INET6), v4, 3, false },
		{ rule_event(AF_INET6), v6, 3, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct digest d;

		digest_init(&d, 0);
		digest_add(&d, &table[i].event);
		assert_int_equal(digest_moves_source(&d, &table[i].source, table[i].ifindex),
			table[i].moves);
	}
}

/* What does not fit is not forgotten: then everything may have happened. */
static void test_lost(void **state)
{
	struct ip_addr v4 = ip_addr_v4((const uint8_t[]){ 10, 0, 1, 11 });
	struct digest d;

	digest_init(&d, 0);
	for (uint32_t i = 0; i < DIGEST_STOPPED_MAX; i++) {
		struct notify_event e = link_event(NOTIFY_LINK_GONE, 100 + i, 0, false);

		digest_add(&d, &e);
	}
	assert_false(d.lost);
	assert_true(digest_moves_source(&d, &v4, 100 + DIGEST_STOPPED_MAX - 1));
	assert_false(digest_moves_source(&d, &v4, 3));
	digest_add(&d, &(struct notify_event){ .kind = NOTIFY_LINK_GONE, .link.ifindex = 200 });
	assert_true(d.lost);
	assert_true(digest_moves_source(&d, &v4, 3));
	digest_init(&d, 0);
	digest_lose(&d);
	assert_false(digest_is_empty(&d));
	assert_true(digest_moves_source(&d, &v4, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fate),
		cmocka_unit_test(test_moves_source),
		cmocka_unit_test(test_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
