/* SPDX-License-Identifier: MIT */
/* Tests of event summaries: the monitored interface, and sticky sources that may be invalid. */
#include "netlink/changes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/bytes.h"

#define RUNS (IFF_UP | IFF_RUNNING)

static struct nl_event link_event(
	enum nl_event_kind kind, uint32_t ifindex, uint32_t flags, bool moved)
{
	return (struct nl_event){ .kind = kind,
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

static struct nl_event address_event(enum nl_event_kind kind, const char *text)
{
	return (struct nl_event){ .kind = kind, .address.prefix = prefix(text) };
}

static struct nl_event route_event(enum nl_event_kind kind, const char *text)
{
	return (struct nl_event){ .kind = kind, .route.dst = prefix(text) };
}

static struct nl_event rule_event(uint16_t family)
{
	return (struct nl_event){ .kind = NL_EVENT_RULE, .rule_family = family };
}

static void test_fate(void **state)
{
	struct nl_event up = link_event(NL_EVENT_LINK, 5, RUNS, false);
	struct nl_event down = link_event(NL_EVENT_LINK, 5, 0, false);
	struct nl_event moved = link_event(NL_EVENT_LINK_GONE, 5, RUNS, true);
	struct nl_event gone = link_event(NL_EVENT_LINK_GONE, 5, 0, false);
	struct nl_event other = link_event(NL_EVENT_LINK_GONE, 6, 0, false);
	struct changes d;

	changes_init(&d, 5);
	assert_true(changes_is_empty(&d));
	changes_add(&d, &other);
	assert_int_equal(d.fate, CHANGES_UNCHANGED);
	assert_false(changes_is_empty(&d));
	changes_add(&d, &down);
	changes_add(&d, &up);
	assert_int_equal(d.fate, CHANGES_CHANGED); /* the last state counts */
	assert_true(d.up);
	assert_int_equal(d.mtu, 1400);
	assert_string_equal(d.name, "wg0");
	changes_add(&d, &down);
	assert_false(d.up);
	changes_add(&d, &moved);
	assert_int_equal(d.fate, CHANGES_MOVED);
	changes_add(&d, &gone);
	assert_int_equal(d.fate, CHANGES_GONE);

	changes_init(&d, 0);
	changes_add(&d, &up);
	assert_true(changes_is_empty(&d));
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
		struct nl_event event;
		const char *to;
		const char *local;
		uint32_t ifindex;
		bool moves;
	} table[] = {
		{ link_event(NL_EVENT_LINK, 3, RUNS, false), FOUR(3), false },
		{ link_event(NL_EVENT_LINK, 3, IFF_UP, false), FOUR(3), true }, /* carrier lost */
		{ link_event(NL_EVENT_LINK, 3, IFF_UP, false), LOOSE(3), true },
		{ link_event(NL_EVENT_LINK, 3, IFF_UP, false), FOUR(4), false },
		{ link_event(NL_EVENT_LINK_GONE, 3, RUNS, false), FOUR(3), true },
		{ address_event(NL_EVENT_ADDRESS_GONE, "198.51.100.1/24"), FOUR(3), true },
		{ address_event(NL_EVENT_ADDRESS_GONE, "2001:db8:7::1/64"), FOUR(3), false },
		{ address_event(NL_EVENT_ADDRESS, "198.51.100.1/24"), FOUR(3), false },
		{ address_event(NL_EVENT_ADDRESS, "10.0.1.12/24"), FOUR(3), true },
		{ address_event(NL_EVENT_ADDRESS, "fd00::12/64"), SIX(0), true },
		{ route_event(NL_EVENT_ROUTE, "0.0.0.0/0"), FOUR(3), true },
		{ route_event(NL_EVENT_ROUTE, "192.0.2.0/25"), FOUR(3), true },
		{ route_event(NL_EVENT_ROUTE, "192.0.2.128/25"), FOUR(3), false },
		{ route_event(NL_EVENT_ROUTE_GONE, "10.0.1.11/32"), FOUR(3), true },
		{ route_event(NL_EVENT_ROUTE_GONE, "0.0.0.0/0"), SIX(3), false },
		{ route_event(NL_EVENT_ROUTE_GONE, "192.0.2.0/24"), LOOSE(3), true },
		{ route_event(NL_EVENT_ROUTE_GONE, "192.0.2.0/24"), LOOSE(0), false },
		{ rule_event(AF_INET), FOUR(3), true },
		{ rule_event(AF_INET6), FOUR(3), false },
		{ rule_event(AF_INET6), SIX(3), true },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct endpoint e = endpoint(table[i].to, table[i].local, table[i].ifindex);
		struct changes d;

		changes_init(&d, 0);
		changes_add(&d, &table[i].event);
		assert_int_equal(changes_moves_source(&d, &e), table[i].moves);
		assert_int_equal(changes_is_empty(&d), i == 0);
	}
}

/* Routers add and remove routes by the thousand: those that fit affect matching addresses only. */
static void test_many_routes(void **state)
{
	struct endpoint four = endpoint(FOUR(3));
	struct endpoint six = endpoint(SIX(3));
	struct changes d;

	changes_init(&d, 0);
	for (unsigned i = 0; i <= CHANGES_CHANGED_MAX; i++) {
		struct nl_event e = route_event(NL_EVENT_ROUTE, "198.51.100.0/24");

		assert_false(changes_moves_source(&d, &four));
		e.route.dst.addr.bytes[2] = (uint8_t)i;
		changes_add(&d, &e);
		changes_add(&d, &e);
	}
	assert_true(changes_moves_source(&d, &four));
	assert_false(changes_moves_source(&d, &six));
}

/* If changes do not fit, everything counts as changed. */
static void test_lost(void **state)
{
	struct endpoint three = endpoint(FOUR(3));
	struct endpoint last = endpoint(FOUR(100 + CHANGES_STOPPED_MAX - 1));
	struct changes d;

	changes_init(&d, 0);
	for (uint32_t i = 0; i < CHANGES_STOPPED_MAX; i++) {
		struct nl_event e = link_event(NL_EVENT_LINK_GONE, 100 + i, 0, false);

		changes_add(&d, &e);
	}
	assert_false(d.lost);
	assert_true(changes_moves_source(&d, &last));
	assert_false(changes_moves_source(&d, &three));
	changes_add(&d, &(struct nl_event){ .kind = NL_EVENT_LINK_GONE, .link.ifindex = 200 });
	assert_true(d.lost);
	assert_true(changes_moves_source(&d, &three));
	changes_init(&d, 0);
	changes_lost(&d);
	assert_false(changes_is_empty(&d));
	assert_true(changes_moves_source(&d, &three));
}

static void test_mtus(void **state)
{
	struct nl_event link = link_event(NL_EVENT_LINK, 7, RUNS, false);
	struct nl_event gone = link_event(NL_EVENT_LINK_GONE, 8, RUNS, false);
	struct changes d;

	(void)state;
	changes_init(&d, 0);
	changes_add(&d, &link);
	link.link.mtu = 1500;
	changes_add(&d, &link); /* the last one counts */
	changes_add(&d, &gone);
	assert_int_equal(d.n_links, 1);
	assert_int_equal(d.links[0].ifindex, 7);
	assert_int_equal(d.links[0].mtu, 1500);
	for (uint32_t i = 1; i < CHANGES_LINKS_MAX; i++) {
		link.link.ifindex = 100 + i;
		changes_add(&d, &link);
	}
	assert_int_equal(d.n_links, CHANGES_LINKS_MAX);
	assert_false(d.lost);
	changes_add(&d, &link);
	assert_false(d.lost); /* it is there already */
	link.link.ifindex = 99;
	changes_add(&d, &link);
	assert_true(d.lost);
	changes_init(&d, 0);
	link.link.mtu = 0;
	changes_add(&d, &link);
	assert_int_equal(d.n_links, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fate),
		cmocka_unit_test(test_moves_source),
		cmocka_unit_test(test_many_routes),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_mtus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
