/* SPDX-License-Identifier: MIT */
/* Tests of addresses, prefixes and endpoints: parsing and formatting, containment, socket
 * addresses. */
#include "base/addr.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

static void test_prefix_parse(void **state)
{
	static const struct {
		const char *text;
		int result;
		unsigned len;
	} table[] = {
		{ "10.0.1.11/24", 0, 24 },
		{ "10.0.1.11", 0, 32 },
		{ "fd00::1/64", 0, 64 },
		{ "fd00::1", 0, 128 },
		{ "0.0.0.0/0", 0, 0 },
		{ "10.0.1.11/33", -EINVAL, 0 },
		{ "10.0.1.11/", -EINVAL, 0 },
		{ "10.0.1/24", -EINVAL, 0 },
		{ "::/129", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "10.0.1.1/+4", -EINVAL, 0 },
		{ "10.0.1.1/4x", -EINVAL, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct ip_prefix p = { .len = 77 };

		assert_int_equal(ip_prefix_parse(table[i].text, &p), table[i].result);
		assert_int_equal(p.len, table[i].result ? 77 : table[i].len);
	}
}

static void test_contains(void **state)
{
	static const struct {
		const char *prefix;
		const char *addr;
		bool inside;
	} table[] = {
		{ "10.0.1.11/24", "10.0.1.200", true },
		{ "10.0.1.0/24", "10.0.2.1", false },
		{ "10.0.1.0/25", "10.0.1.128", false },
		{ "0.0.0.0/0", "255.1.2.3", true },
		{ "0.0.0.0/0", "::1", false },
		{ "fd00::/9", "fd7f::1", true },
		{ "fd00::/9", "fd80::1", false },
		{ "10.0.1.1/32", "10.0.1.1", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct ip_prefix p;
		struct ip_prefix masked;
		struct ip_addr a;

		assert_int_equal(ip_prefix_parse(table[i].prefix, &p), 0);
		assert_int_equal(ip_addr_parse(table[i].addr, &a), 0);
		masked = ip_prefix_masked(&p);
		assert_int_equal(ip_prefix_contains(&p, &a), table[i].inside);
		assert_int_equal(ip_prefix_contains(&masked, &a), table[i].inside);
	}
}

static void test_endpoint(void **state)
{
	static const struct {
		const char *addr;
		unsigned scope;
		const char *text;
	} table[] = {
		{ "192.168.122.32", 0, "192.168.122.32:8172" },
		{ "2001:db8::1", 0, "[2001:db8::1]:8172" },
		{ "fe80::1", 3, "[fe80::1%3]:8172" },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct endpoint e = { .port = 8172, .scope = table[i].scope };
		struct endpoint back;
		struct sockaddr_in6 sa;
		char text[ENDPOINT_TEXT_LEN];

		assert_int_equal(ip_addr_parse(table[i].addr, &e.addr), 0);
		assert_string_equal(endpoint_text(&e, text), table[i].text);
		assert_int_equal(endpoint_parse(text, &back), 0);
		assert_true(endpoint_equal(&e, &back));
		assert_true(endpoint_to_sockaddr(&e, &sa) > 0);
		assert_int_equal(endpoint_from_sockaddr(&sa, &back), 0);
		assert_true(endpoint_equal(&e, &back));
	}
}

/* A v4-mapped IPv6 address becomes IPv4: the IPv6 socket is v6-only and cannot send to it. */
static void test_endpoint_mapped(void **state)
{
	static const char *const table[][2] = {
		{ "[::ffff:192.0.2.1]:5", "192.0.2.1:5" },
		{ "[::ffff:c000:201%3]:5", "192.0.2.1:5" },
		{ "[::fffe:192.0.2.1]:5", "[::fffe:c000:201]:5" },
		{ "[::192.0.2.1]:5", "[::192.0.2.1]:5" },
	};
	char text[ENDPOINT_TEXT_LEN];

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct endpoint e;

		assert_int_equal(endpoint_parse(table[i][0], &e), 0);
		assert_string_equal(endpoint_text(&e, text), table[i][1]);
	}
}

static void test_endpoint_refused(void **state)
{
	static const char *const table[] = { "", ":1", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536",
		"1.2.3.4:-1", "1.2.3.4: 1", "1.2.3.4%2:1", "[1.2.3.4]:1", "fe80::1:1", "[fe80::1]",
		"[fe80::1]1", "[fe80::1%]:1", "[fe80::1%eth0]:1", "[fe80::1%4294967296]:1", "[]:1",
		"host:1", "1.2.3.4:1x",
		"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:1" };

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct endpoint e = { .port = 77 };

		assert_int_equal(endpoint_parse(table[i], &e), -EINVAL);
		assert_int_equal(e.port, 77);
	}
}

static void test_prefix_text(void **state)
{
	static const char *const table[] = { "10.0.1.11/24", "0.0.0.0/0", "fd00::1/64", "::/0",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128" };

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		char text[IP_PREFIX_TEXT_LEN];
		struct ip_prefix p;

		assert_int_equal(ip_prefix_parse(table[i], &p), 0);
		assert_string_equal(ip_prefix_text(&p, text), table[i]);
	}
}

static void test_mapped(void **state)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6, .sin6_port = htons(1) };
	struct endpoint e;
	char text[ENDPOINT_TEXT_LEN];

	sa.sin6_addr.s6_addr[10] = 0xff;
	sa.sin6_addr.s6_addr[11] = 0xff;
	sa.sin6_addr.s6_addr[12] = 10;
	sa.sin6_addr.s6_addr[15] = 9;
	assert_int_equal(endpoint_from_sockaddr(&sa, &e), 0);
	assert_string_equal(endpoint_text(&e, text), "10.0.0.9:1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefix_parse),
		cmocka_unit_test(test_contains),
		cmocka_unit_test(test_endpoint),
		cmocka_unit_test(test_endpoint_mapped),
		cmocka_unit_test(test_endpoint_refused),
		cmocka_unit_test(test_prefix_text),
		cmocka_unit_test(test_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
