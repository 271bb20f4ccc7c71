/* SPDX-License-Identifier: MIT */
/* Tests of formatted numbers, at the limits of their units. */
#include "base/format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/bytes.h"

/** A number and its expected text. */
struct row {
	uint64_t value;
	const char *text;
};

static void check(const struct row *rows, size_t n, const char *(*show)(uint64_t, char *))
{
	char buf[FORMAT_LEN];

	for (size_t i = 0; i < n; i++)
		assert_string_equal(show(rows[i].value, buf), rows[i].text);
}

static void test_bytes(void **state)
{
	static const struct row rows[] = { { 0, "0 B" }, { 1023, "1023 B" }, { 1024, "1.00 KiB" },
		{ 1536, "1.50 KiB" }, { 1048570, "1023.99 KiB" }, { 1048575, "1.00 MiB" },
		{ 1ULL << 40, "1.00 TiB" }, { UINT64_MAX, "16.00 EiB" } };

	check(rows, ARRAY_LEN(rows), format_bytes);
}

static void test_count(void **state)
{
	static const struct row rows[] = { { 0, "0" }, { 999, "999" }, { 1000, "1,000" },
		{ 1234567, "1,234,567" }, { UINT64_MAX, "18,446,744,073,709,551,615" } };

	check(rows, ARRAY_LEN(rows), format_count);
}

static const char *fragments(uint64_t count, char *buf)
{
	return format_counted(count, "fragment", buf);
}

static void test_counted(void **state)
{
	static const struct row rows[] = { { 0, "0 fragments" }, { 1, "1 fragment" },
		{ 2, "2 fragments" }, { UINT64_MAX, "18,446,744,073,709,551,615 fragments" } };

	check(rows, ARRAY_LEN(rows), fragments);
}

static void test_span(void **state)
{
	static const struct row rows[] = { { 0, "0 ms" }, { 999, "999 ms" }, { 1000, "1 s" },
		{ 59999, "59 s" }, { 60000, "1 min" }, { 125000, "2 min 5 s" }, { 3600000, "1 h" },
		{ 3659000, "1 h" }, { 12000000, "3 h 20 min" }, { 86400000, "1 d" },
		{ UINT64_MAX, "213503982334 d 14 h" } };

	check(rows, ARRAY_LEN(rows), format_span);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_counted),
		cmocka_unit_test(test_span),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
