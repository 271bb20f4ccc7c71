/* SPDX-License-Identifier: MIT */
/* Tests of event summaries: the monitored interface, and sticky sources that may be invalid. */
#include "netlink/changes.h"

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

static struct ip_prefix prefix(const char *text)
{
	struct ip_prefix p;

	assert_int_equal(ip_prefix_parse(text, &p), 0);
	return p;
}

static struct notify_event address_event(enum notify_kind kind, const char *text)
{
	return (struct notify_event){ .kind = kind, .address.prefix = prefix(text) };
}

static struct notify_event route_event(enum notify_kind kind, const char *text)
{
	return (struct notify_event){ .kind = kind, .route.dst = prefix(text) };
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
	assert_int_equal(d.fate, DIGEST_CHANGED); /* the last state counts */
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

/* A peer at `to`, whose datagrams last arrived on our address `local` ("": not recorded) and
 * interface `ifindex`. */
static struct endpoint endpoint(const char *to, const char *local, uint32_t ifindex)
{
	struct endpoint e = { .addr = prefix(to).addr, .port = 1, .local_ifindex = ifindex };

	if (*local)
		e.local = prefix(local).addr;
	return e;
}

#define FOUR(ifindex)  "192.0.2.1", "10.0.1.11", ifindex
#define SIX(ifindex)   "2001:db8::1", "fd00::11", ifindex
#define LOOSE(ifindex) "192.0.2.1", "", ifindex

static void test_moves_source(void **state)
{
	const struct {
		struct notify_event event;
		const char *to;
		const char *local;
		uint32_t ifindex;
		bool moves;
	} table[] = {
		{ link_event(NOTIFY_LINK, 3, RUNS, false), FOUR(3), false },
		{ link_event(NOTIFY_LINK, 3, IFF_UP, false), FOUR(3), true }, /* carrier lost */
		{ link_event(NOTIFY_LINK, 3, IFF_UP, false), LOOSE(3), true },
		{ link_event(NOTIFY_LINK, 3, IFF_UP, false), FOUR(4), false },
		{ link_event(NOTIFY_LINK_GONE, 3, RUNS, false), FOUR(3), true },
		{ address_event(NOTIFY_ADDRESS_GONE, "198.51.100.1/24"), FOUR(3), true },
		{ address_event(NOTIFY_ADDRESS_GONE, "2001:db8:7::1/64"), FOUR(3), false },
		{ address_event(NOTIFY_ADDRESS, "198.51.100.1/24"), FOUR(3), false },
		{ address_event(NOTIFY_ADDRESS, "10.0.1.12/24"), FOUR(3), true },
		{ address_event(NOTIFY_ADDRESS, "fd00::12/64"), SIX(0), true },
		{ route_event(NOTIFY_ROUTE, "0.0.0.0/0"), FOUR(3), true },
		{ route_event(NOTIFY_ROUTE, "192.0.2.0/25"), FOUR(3), true },
		{ route_event(NOTIFY_ROUTE, "192.0.2.128/25"), FOUR(3), false },
		{ route_event(NOTIFY_ROUTE_GONE, "10.0.1.11/32"), FOUR(3), true },
		{ route_event(NOTIFY_ROUTE_GONE, "0.0.0.0/0"), SIX(3), false },
		{ route_event(NOTIFY_ROUTE_GONE, "192.0.2.0/24"), LOOSE(3), true },
		{ route_event(NOTIFY_ROUTE_GONE, "192.0.2.0/24"), LOOSE(0), false },
		{ rule_event(AF_INET), FOUR(3), true },
		{ rule_event(AF_INET6), FOUR(3), false },
		{ rule_event(AF_INET6), SIX(3), true },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct endpoint e = endpoint(table[i].to, table[i].local, table[i].ifindex);
		struct digest d;

		digest_init(&d, 0);
		digest_add(&d, &table[i].event);
		assert_int_equal(digest_moves_source(&d, &e), table[i].moves);
		assert_int_equal(digest_is_empty(&d), i == 0);
	}
}

/* Routers add and remove routes by the thousand: those that fit affect matching addresses only. */
static void test_many_routes(void **state)
{
	struct endpoint four = endpoint(FOUR(3));
	struct endpoint six = endpoint(SIX(3));
	struct digest d;

	digest_init(&d, 0);
	for (unsigned i = 0; i <= DIGEST_CHANGED_MAX; i++) {
		struct notify_event e = route_event(NOTIFY_ROUTE, "198.51.100.0/24");

		assert_false(digest_moves_source(&d, &four));
		e.route.dst.addr.bytes[2] = (uint8_t)i;
		digest_add(&d, &e);
		digest_add(&d, &e);
	}
	assert_true(digest_moves_source(&d, &four));
	assert_false(digest_moves_source(&d, &six));
}

/* If changes do not fit, everything counts as changed. */
static void test_lost(void **state)
{
	struct endpoint three = endpoint(FOUR(3));
	struct endpoint last = endpoint(FOUR(100 + DIGEST_STOPPED_MAX - 1));
	struct digest d;

	digest_init(&d, 0);
	for (uint32_t i = 0; i < DIGEST_STOPPED_MAX; i++) {
		struct notify_event e = link_event(NOTIFY_LINK_GONE, 100 + i, 0, false);

		digest_add(&d, &e);
	}
	assert_false(d.lost);
	assert_true(digest_moves_source(&d, &last));
	assert_false(digest_moves_source(&d, &three));
	digest_add(&d, &(struct notify_event){ .kind = NOTIFY_LINK_GONE, .link.ifindex = 200 });
	assert_true(d.lost);
	assert_true(digest_moves_source(&d, &three));
	digest_init(&d, 0);
	digest_lose(&d);
	assert_false(digest_is_empty(&d));
	assert_true(digest_moves_source(&d, &three));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fate),
		cmocka_unit_test(test_moves_source),
		cmocka_unit_test(test_many_routes),
		cmocka_unit_test(test_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
