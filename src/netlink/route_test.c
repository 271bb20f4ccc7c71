/* SPDX-License-Identifier: MIT */
/* Tests of route messages: requests byte by byte, valid and malformed answers. */
#include "netlink/route.h"

#include <errno.h>

#include "base/bytes.h"
#include "netlink/test_hex.h"

static struct ip_prefix prefix(const char *text)
{
	struct ip_prefix p;

	assert_int_equal(ip_prefix_parse(text, &p), 0);
	return p;
}

/* Host bits are cleared: the kernel rejects a route that has some. */
static void test_tables(void **state)
{
	struct ip_prefix v4 = prefix("10.0.1.11/24");
	struct ip_prefix v6 = prefix("fd00::11/64");
	struct nl_msg m;

	assert_message(route_encode_add(&m, &v4, 5, 254),
		"34000000 18000106 00000000 00000000 02180000 fe03fd01 00000000"
		"08000100 0a000100 08000400 05000000 08000f00 fe000000");
	assert_message(route_encode_add(&m, &v6, 5, 51820),
		"40000000 18000106 00000000 00000000 0a400000 00030001 00000000"
		"14000100 fd000000 00000000 00000000 00000000 08000400 05000000 08000f00 6cca0000");
	assert_message(route_encode_delete(&m, &v4, 5, 254),
		"34000000 19000100 00000000 00000000 02180000 fe00ff00 00000000"
		"08000100 0a000100 08000400 05000000 08000f00 fe000000");
	assert_message(route_encode_connected(&m, &v4, 5, false),
		"34000000 18000106 00000000 00000000 02180000 fe02fd01 00000000"
		"08000100 0a000100 08000400 05000000 08000700 0a00010b");
	assert_message(route_encode_connected(&m, &v4, 5, true),
		"34000000 1800010c 00000000 00000000 02180000 fe02fd01 00000000"
		"08000100 0a000100 08000400 05000000 08000700 0a00010b");
	assert_message(route_encode_connected(&m, &v6, 5, false),
		"40000000 18000104 00000000 00000000 0a400000 fe020001 00000000"
		"14000100 fd000000 00000000 00000000 00000000 08000400 05000000 08000600 00010000");
	assert_message(route_encode_local(&m, &v4.addr, 5),
		"34000000 1800010c 00000000 00000000 02200000 ff02fe02 00000000"
		"08000100 0a00010b 08000400 05000000 08000700 0a00010b");
	assert_message(route_encode_local(&m, &v6.addr, 5),
		"38000000 18000104 00000000 00000000 0a800000 ff020002 00000000"
		"14000100 fd000000 00000000 00000000 00000011 08000400 05000000");
	assert_message(route_encode_dump(&m, AF_INET, 0),
		"1c000000 1a000103 00000000 00000000 02000000 00000000 00000000");
	assert_message(route_encode_dump(&m, AF_INET6, 5),
		"24000000 1a000103 00000000 00000000 0a000000 00000000 00000000 08000400 05000000");
}

static void test_get(void **state)
{
	struct route_query query = { .mark = 51820, .ifindex = 3 };
	struct nl_msg m;

	query.dst = prefix("10.0.1.11").addr;
	assert_message(route_encode_get(&m, &query),
		"34000000 1a000100 00000000 00000000 02200000 00000000 00000000"
		"08000100 0a00010b 08000400 03000000 08001000 6cca0000");
	query.src = prefix("10.0.1.12").addr;
	query.mark = 0;
	query.ifindex = 0;
	assert_message(route_encode_get(&m, &query),
		"2c000000 1a000100 00000000 00000000 02202000 00000000 00000000"
		"08000100 0a00010b 08000200 0a00010c");
	query.table = true;
	assert_message(route_encode_get(&m, &query),
		"2c000000 1a000100 00000000 00000000 02202000 00000000 00200000"
		"08000100 0a00010b 08000200 0a00010c");
}

static void test_decode(void **state)
{
	struct route_info route;
	char text[IP_ADDR_TEXT_LEN];
	struct nl_msg m;

	/* the answer to a lookup: cloned, with a learnt MTU among the metrics */
	assert_int_equal(
		route_decode(
			message_of(&m,
				"00000000 18000000 00000000 00000000 02200000 fe000001 00020000"
				"08000100 c0a87a20 08000400 02000000 08000700 c0a87a18 08000500 "
				"c0a87a01"
				"10000880 08000100 01000000 08000200 78050000"),
			&route),
		0);
	assert_int_equal(route.mtu, 0); /* the iteration over a nest ends with it */

	assert_int_equal(
		route_decode(
			message_of(&m,
				"00000000 18000000 00000000 00000000 02200000 fe000001 00020000"
				"08000100 c0a87a20 08000400 02000000 08000700 c0a87a18 08000500 "
				"c0a87a01"
				"14000880 08000100 01000000 08000200 78050000 08000f00 fe000000"),
			&route),
		0);
	assert_string_equal(ip_addr_text(&route.dst.addr, text), "192.168.122.32");
	assert_int_equal(route.dst.len, 32);
	assert_int_equal(route.ifindex, 2);
	assert_string_equal(ip_addr_text(&route.source, text), "192.168.122.24");
	assert_string_equal(ip_addr_text(&route.gateway, text), "192.168.122.1");
	assert_int_equal(route.mtu, 1400);
	assert_int_equal(route.table, 254);
	assert_int_equal(route.type, 1);
	assert_true(route.cloned);
	assert_false(route.learnt);

	/* the same with an expiry time */
	assert_int_equal(
		route_decode(
			message_of(&m,
				"00000000 18000000 00000000 00000000 02200000 fe000001 00020000"
				"08000100 c0a87a20 08000400 02000000 0c000880 08000200 78050000"
				"24000c00 00000000 00000000 60ea0000 00000000 00000000 00000000 "
				"00000000 00000000"),
			&route),
		0);
	assert_int_equal(route.mtu, 1400);
	assert_true(route.learnt);
}

/* A route with several next hops, with and without attributes of their own, and a metric. */
static void test_decode_hops(void **state)
{
	static const char head[] = "00000000 18000000 00000000 00000000 02200000 fe000001 00020000";
	static const struct {
		const char *attributes;
		size_t n;
	} table[] = {
		{ "1c000900 10000000 02000000 08000500 c0a87a01 08000000 03000000", 2 },
		{ "0c000900 04000000 02000000", 0 }, /* shorter than it can be */
		{ "0c000900 10000000 02000000", 0 }, /* longer than the list */
		{ "0a000900 06000000 02000000", 0 }, /* cut */
		/* one more than are read */
		{ "4c000900 08000000 02000000 08000000 03000000 08000000 02000000 "
		  "08000000 03000000 08000000 02000000 08000000 03000000 "
		  "08000000 02000000 08000000 03000000 08000000 02000000",
			ROUTE_HOPS },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct route_info route;
		char text[1024];
		struct nl_msg m;

		snprintf(text, sizeof(text), "%s 08000600 64000000 %s", head, table[i].attributes);
		assert_int_equal(route_decode(message_of(&m, text), &route), 0);
		assert_int_equal(route.metric, 100);
		assert_int_equal(route.n_hops, table[i].n);
		for (size_t k = 0; k < route.n_hops; k++)
			assert_int_equal(route.hops[k], 2 + k % 2);
	}
}

static void test_decode_wrong(void **state)
{
	static const char *const table[] = {
		/* another type, truncated, multicast family, prefix length out of range */
		"00000000 14000000 00000000 00000000 02200000 fe000001 00020000",
		"00000000 18000000 00000000 00000000 02200000 fe000001",
		"00000000 18000000 00000000 00000000 80200000 fe000001 00020000",
		"00000000 18000000 00000000 00000000 02210000 fe000001 00020000",
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct route_info route = { .mtu = 77 };
		struct nl_msg m;

		assert_int_equal(route_decode(message_of(&m, table[i]), &route), -EBADMSG);
		assert_int_equal(route.mtu, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_decode_hops),
		cmocka_unit_test(test_decode_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
