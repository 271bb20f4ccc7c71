/* SPDX-License-Identifier: MIT */
/* Tests of values: numbers, booleans, hex, names, endpoints, and how messages show them. */
#include "conf/value.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

static void test_u32(void **state)
{
	static const struct {
		const char *text;
		uint32_t min;
		uint32_t max;
		int result;
		uint32_t value;
	} table[] = {
		{ "0", 0, UINT32_MAX, 0, 0 },
		{ "1", 1, 1, 0, 1 },
		{ "4294967295", 0, UINT32_MAX, 0, UINT32_MAX },
		{ "4294967296", 0, UINT32_MAX, -ERANGE, 0 },
		{ "99999999999999999999999999", 0, UINT32_MAX, -ERANGE, 0 },
		{ "0xffffffff", 0, UINT32_MAX, 0, UINT32_MAX },
		{ "0x100000000", 0, UINT32_MAX, -ERANGE, 0 },
		{ "0XaB", 0, UINT32_MAX, 0, 0xab },
		{ "007", 0, UINT32_MAX, 0, 7 }, /* not octal */
		{ "0x", 0, UINT32_MAX, -EINVAL, 0 },
		{ "", 0, UINT32_MAX, -EINVAL, 0 },
		{ "-1", 0, UINT32_MAX, -EINVAL, 0 },
		{ "+1", 0, UINT32_MAX, -EINVAL, 0 },
		{ " 1", 0, UINT32_MAX, -EINVAL, 0 },
		{ "1 ", 0, UINT32_MAX, -EINVAL, 0 },
		{ "1e3", 0, UINT32_MAX, -EINVAL, 0 },
		{ "5", 6, 9, -ERANGE, 0 },
		{ "10", 6, 9, -ERANGE, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		uint32_t v = 0;

		assert_int_equal(conf_value_u32(table[i].text, table[i].min, table[i].max, &v),
			table[i].result);
		assert_int_equal(v, table[i].value);
	}
}

static void test_bool(void **state)
{
	static const struct {
		const char *text;
		int result;
		bool value;
	} table[] = {
		{ "yes", 0, true },
		{ "TRUE", 0, true },
		{ "On", 0, true },
		{ "1", 0, true },
		{ "no", 0, false },
		{ "false", 0, false },
		{ "oFF", 0, false },
		{ "0", 0, false },
		{ "", -EINVAL, false },
		{ "y", -EINVAL, false },
		{ "2", -EINVAL, false },
		{ "yes!", -EINVAL, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		bool v = !table[i].value;

		assert_int_equal(conf_value_bool(table[i].text, &v), table[i].result);
		if (!table[i].result)
			assert_int_equal(v, table[i].value);
	}
}

static void test_hex(void **state)
{
	static const struct {
		const char *text;
		int result;
	} table[] = {
		{ "", 0 },
		{ "00", 1 },
		{ "0123456789abcdef", 8 },
		{ "ABCDEF01", 4 },
		{ "0", -EINVAL },
		{ "0g", -EINVAL },
		{ "0123456789abcdef00", -EINVAL },
		{ "0x01", -EINVAL },
		{ "00 1", -EINVAL },
	};
	uint8_t bytes[8] = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		assert_int_equal(conf_value_hex(table[i].text, 8, bytes), table[i].result);
	assert_int_equal(conf_value_hex("0123456789abcdef", 8, bytes), 8);
	assert_int_equal(load_be64(bytes), 0x0123456789abcdef);
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		bool good;
	} table[] = {
		{ "wg0", true },
		{ "br-l2tp0", true },
		{ "eth1.100", true },
		{ "a_=+.-Z", true },
		{ "123456789012345", true },
		{ "", false },
		{ "1234567890123456", false },
		{ ".", false },
		{ "..", false },
		{ "a/b", false },
		{ "a b", false },
		{ "eth%d", false },
		{ "a:1", false },
		{ "$(reboot)", false },
		{ "all", false },
		{ "default", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		assert_int_equal(!conf_value_name_problem(table[i].name), table[i].good);
}

#define LABEL_61 "a234567890123456789012345678901234567890123456789012345678901"
#define LABEL_63 LABEL_61 "23"

static void test_endpoints(void **state)
{
	static const struct {
		const char *text;
		const char *host; /* NULL: rejected */
		uint16_t port;
	} table[] = {
		{ "192.168.122.32:8172", "192.168.122.32", 8172 },
		{ "[2001:db8::1]:1", "2001:db8::1", 1 },
		{ "[fe80::1%eth0]:65535", "fe80::1%eth0", 65535 },
		{ "vpn.example.org:51820", "vpn.example.org", 51820 },
		{ "host_1:5", "host_1", 5 },
		{ "123.host:5", "123.host", 5 },
		{ LABEL_63 ".b:5", LABEL_63 ".b", 5 },
		{ "b." LABEL_63 ".:5", "b." LABEL_63 ".", 5 },
		{ LABEL_63 "x.b:5", NULL, 0 },
		{ "b." LABEL_63 "x:5", NULL, 0 },
		{ LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_61 ":5",
			LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_61, 5 },
		{ LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_61 "x:5", NULL, 0 },
		{ "1.2.3:5", NULL, 0 },
		{ "1.2.3.4", NULL, 0 },
		{ "1.2.3.4:", NULL, 0 },
		{ "1.2.3.4:0", NULL, 0 },
		{ "1.2.3.4:65536", NULL, 0 },
		{ "1.2.3.4:http", NULL, 0 },
		{ ":5", NULL, 0 },
		{ "[]:5", NULL, 0 },
		{ "[::1]", NULL, 0 },
		{ "[::1]5", NULL, 0 },
		{ "[::1:5", NULL, 0 },
		{ "::1]:5", NULL, 0 },
		{ "[1.2.3.4]:5", NULL, 0 },
		{ "[fe80::1%]:5", NULL, 0 },
		{ "[fe80::1%a-scope-that-is-too-long]:5", NULL, 0 },
		{ "::1:5", NULL, 0 },
		{ "a..b:5", NULL, 0 },
		{ "-a:5", NULL, 0 },
		{ "a b:5", NULL, 0 },
		{ "a;b:5", NULL, 0 },
		{ "", NULL, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const char *host = NULL;
		uint16_t port = 0;
		char text[300];
		const char *problem;

		strcpy(text, table[i].text);
		problem = conf_value_endpoint(text, &host, &port);
		assert_int_equal(!problem, table[i].host != NULL);
		assert_int_equal(port, table[i].port);
		if (table[i].host)
			assert_string_equal(host, table[i].host);
		else
			assert_non_null(strchr(problem, '\n')); /* the hint */
	}
}

static void test_shown(void **state)
{
	static const struct {
		const char *text;
		const char *shown;
	} table[] = {
		{ "", "nothing" },
		{ "8172", "\"8172\"" },
		{ "a\tb", "the value" },
		{ "\xc3\xa9", "the value" },
		{ "123456789012345678901234567890123456789",
			"\"123456789012345678901234567890123456789\"" },
		{ "1234567890123456789012345678901234567890", "the value" },
		{ "+KR6xCvxk3MZ1Y/4a8R5sXS5I2mNzVZoa3Yox5n6qG0=", "the value" },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		char buf[CONF_SHOWN_LEN];

		assert_string_equal(conf_shown(table[i].text, buf), table[i].shown);
	}
}

/* Rates in the units of tc(8). */
static void test_rate(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint64_t rate;
	} table[] = {
		{ "19M", 0, 19000000 },
		{ "19m", 0, 19000000 },
		{ "19mbit", 0, 19000000 },
		{ "19Mbit", 0, 19000000 },
		{ "9.5mbit", 0, 9500000 },
		{ "64000", 0, 64000 },
		{ "64kbit", 0, 64000 },
		{ "1gbit", 0, 1000000000 },
		{ "1.25gbit", 0, 1250000000 },
		{ "1tbit", 0, 1000000000000 },
		{ "1mibit", 0, 1048576 },
		{ "1Gi", 0, 1073741824 },
		{ "2.5mbps", 0, 20000000 },
		{ "8000bps", 0, 64000 },
		{ "1kibps", -ERANGE, 0 },
		{ "100kibps", 0, 819200 },
		{ ".5mbit", 0, 500000 },
		{ "63999", -ERANGE, 0 },
		{ "1.1tbit", -ERANGE, 0 },
		{ "99999999999999", -ERANGE, 0 },
		{ "9999999999999tbps", -ERANGE, 0 },
		{ "0", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ ".", -EINVAL, 0 },
		{ "M", -EINVAL, 0 },
		{ "1.2.3mbit", -EINVAL, 0 },
		{ "-5mbit", -EINVAL, 0 },
		{ "10 mbit", -EINVAL, 0 },
		{ "10mbits", -EINVAL, 0 },
		{ "10xbit", -EINVAL, 0 },
		{ "10ibit", -EINVAL, 0 },
		{ "0x10mbit", -EINVAL, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		uint64_t rate = 7;

		print_message("%s\n", table[i].text);
		assert_int_equal(conf_value_rate(table[i].text, &rate), table[i].result);
		assert_int_equal(rate, table[i].result ? 7 : table[i].rate);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_u32),
		cmocka_unit_test(test_bool),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_endpoints),
		cmocka_unit_test(test_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
