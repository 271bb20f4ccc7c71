/* SPDX-License-Identifier: MIT */
/* Tests of address messages: requests byte by byte, valid and malformed answers. */
#include "netlink/ifaddr.h"

#include <errno.h>

#include "base/bytes.h"
#include "netlink/test_hex.h"

static struct ip_prefix prefix(const char *text)
{
	struct ip_prefix p;

	assert_int_equal(ip_prefix_parse(text, &p), 0);
	return p;
}

static void test_requests(void **state)
{
	struct ip_prefix v4 = prefix("10.0.1.11/24");
	struct ip_prefix v6 = prefix("fd00::11/64");
	struct nl_msg m;

	assert_message(ifaddr_encode_add(&m, 5, &v4),
		"28000000 14000106 00000000 00000000 02180000 05000000"
		"08000200 0a00010b 08000100 0a00010b");
	assert_message(ifaddr_encode_add(&m, 5, &v6),
		"40000000 14000106 00000000 00000000 0a400000 05000000"
		"14000200 fd000000 00000000 00000000 00000011"
		"14000100 fd000000 00000000 00000000 00000011");
	assert_message(ifaddr_encode_renew(&m, 5, &v4),
		"28000000 14000101 00000000 00000000 02180000 05000000"
		"08000200 0a00010b 08000100 0a00010b");
	assert_message(ifaddr_encode_delete(&m, 5, &v4),
		"28000000 15000100 00000000 00000000 02180000 05000000"
		"08000200 0a00010b 08000100 0a00010b");
	assert_message(ifaddr_encode_dump(&m, AF_INET6),
		"18000000 16000103 00000000 00000000 0a000000 00000000");
}

static void test_decode(void **state)
{
	static const struct {
		const char *hex;
		int result;
		const char *text;
		unsigned flags;
	} table[] = {
		/* point to point: ADDRESS is the peer's, LOCAL ours; FLAGS wider than the old
		 * byte */
		{ "00000000 14000000 00000000 00000000 02208000 05000000"
		  "08000100 0a000115 08000200 0a00010b 08000800 80020000",
			0, "10.0.1.11", 0x280 },
		{ "00000000 15000000 00000000 00000000 0a408000 05000000"
		  "14000100 fd000000 00000000 00000000 00000011",
			0, "fd00::11", 0x80 },
		/* no address; address too short; prefix length out of range */
		{ "00000000 14000000 00000000 00000000 02200000 05000000", -EBADMSG, NULL, 0 },
		{ "00000000 14000000 00000000 00000000 0a400000 05000000 08000100 0a000115",
			-EBADMSG, NULL, 0 },
		{ "00000000 14000000 00000000 00000000 02210000 05000000 08000100 0a000115",
			-EBADMSG, NULL, 0 },
		/* another type; truncated header; unknown family */
		{ "00000000 10000000 00000000 00000000 02200000 05000000 08000100 0a000115",
			-EBADMSG, NULL, 0 },
		{ "00000000 14000000 00000000 00000000 02200000", -EBADMSG, NULL, 0 },
		{ "00000000 14000000 00000000 00000000 03200000 05000000 08000100 0a000115",
			-EBADMSG, NULL, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct ifaddr_info info = { .ifindex = 77 };
		char text[IP_ADDR_TEXT_LEN];
		struct nl_msg m;

		assert_int_equal(
			ifaddr_decode(message_of(&m, table[i].hex), &info), table[i].result);
		assert_int_equal(info.ifindex, table[i].result ? 77 : 5);
		if (table[i].result < 0)
			continue;
		assert_string_equal(ip_addr_text(&info.prefix.addr, text), table[i].text);
		assert_int_equal(info.flags, table[i].flags);
	}
}

/* Who added an address: absent, the kernel's own link-local one, an attribute of a wrong size. */
static void test_decode_proto(void **state)
{
	static const struct {
		const char *attribute;
		uint8_t proto;
	} table[] = { { "", 0 }, { "05000b00 03000000", 3 }, { "06000b00 03030000", 0 } };

	for (size_t i = 0; i < 3; i++) {
		struct ifaddr_info info;
		char hex[256];
		struct nl_msg m;

		snprintf(hex, sizeof(hex),
			"00000000 14000000 00000000 00000000 0a4080fd 05000000 "
			"14000100 fe800000 00000000 00000000 00000099 %s",
			table[i].attribute);
		assert_int_equal(ifaddr_decode(message_of(&m, hex), &info), 0);
		assert_int_equal(info.proto, table[i].proto);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_decode_proto),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
