/* SPDX-License-Identifier: MIT */
/* Tests of kernel events: which messages are decoded into events. */
#include "netlink/event.h"

#include <errno.h>
#include <linux/rtnetlink.h>

#include "base/bytes.h"
#include "netlink/test_hex.h"

#define LINK_5(type, flags)                                                                        \
	"00000000" type "0000 00000000 00000000 00000100 05000000" flags "00000000"                \
	"08000400 78050000"
#define UP_RUNNING "41000000"
#define ADDRESS(type, addr)                                                                        \
	"00000000" type "0000 00000000 00000000 02180000 05000000 08000200" addr "08000100" addr
#define ROUTE(type, family, flags)                                                                 \
	"00000000" type "0000 00000000 00000000" family "000000 fe03fd01" flags
#define RULE(type, family)                                                                         \
	"00000000" type "0000 00000000 00000000" family "000000 fe000001 00000000"

static void test_decode(void **state)
{
	static const struct {
		const char *hex;
		int result;
		enum nl_event_kind kind;
	} table[] = {
		{ LINK_5("1000", UP_RUNNING), 0, NL_EVENT_LINK },
		{ LINK_5("1100", UP_RUNNING), 0, NL_EVENT_LINK_GONE },
		{ ADDRESS("1400", "0a00010b"), 0, NL_EVENT_ADDRESS },
		{ ADDRESS("1500", "0a00010b"), 0, NL_EVENT_ADDRESS_GONE },
		{ ROUTE("1800", "02", "00000000"), 0, NL_EVENT_ROUTE },
		{ ROUTE("1900", "0a", "00000000"), 0, NL_EVENT_ROUTE_GONE },
		{ RULE("2000", "02"), 0, NL_EVENT_RULE },
		{ RULE("2100", "0a"), 0, NL_EVENT_RULE },
		{ "00000000 10000000 00000000 00000000 07000100 05000000 43000000 00000000", 0,
			NL_EVENT_PORT },
		{ RULE("2000", "80"), -ENOMSG, NL_EVENT_LINK },
		{ "00000000 20000000 00000000 00000000 02000000", -EBADMSG, NL_EVENT_LINK },
		/* a cache entry; a multicast route; leaving bridge port; neighbour; truncated */
		{ ROUTE("1800", "02", "00020000"), -ENOMSG, NL_EVENT_LINK },
		{ ROUTE("1800", "80", "00000000"), -ENOMSG, NL_EVENT_LINK },
		{ "00000000 11000000 00000000 00000000 07000100 05000000 00000000 00000000",
			-ENOMSG, NL_EVENT_LINK },
		{ "00000000 1c000000 00000000 00000000 02000000 05000000 00000000", -ENOMSG,
			NL_EVENT_LINK },
		{ "00000000 10000000 00000000 00000000 00000100", -EBADMSG, NL_EVENT_LINK },
		{ "00000000 18000000 00000000 00000000 02000000", -EBADMSG, NL_EVENT_LINK },
		{ "00000000 14000000 00000000 00000000 02000000", -EBADMSG, NL_EVENT_LINK },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct nl_event event = { .kind = 77 };
		struct nl_msg m;

		assert_int_equal(
			nl_event_decode(message_of(&m, table[i].hex), &event), table[i].result);
		assert_int_equal(event.kind, table[i].result ? 77 : table[i].kind);
	}
}

/* The groups are a mask of legacy numbers: links, addresses, routes and rules of both families. */
static void test_groups(void **state)
{
	static const unsigned groups[] = { RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
		RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE };
	uint32_t mask = 0;

	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		mask |= 1U << (groups[i] - 1);
	assert_int_equal(nl_event_groups(), mask);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
