/* SPDX-License-Identifier: MIT */
/* Tests of TAI64N labels: their bytes, their rounding, their order. */
#include "crypto/tai64n.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "crypto/testhex.h"

static void test_encode(void **state)
{
	static const struct {
		struct wall at;
		const char *label;
	} t[] = {
		{ { 0, 0 }, "400000000000000a00000000" },
		{ { 0, 999999999 }, "400000000000000a3b000000" },
		{ { 1, 16777215 }, "400000000000000b00000000" },
		{ { 1, 16777216 }, "400000000000000b01000000" },
		/* 1992-06-02 08:06:43 UTC, the example of the TAI64 specification, whose label is
		 * 400000002a2b2c2d: it counts the 26 leap seconds up to then; Unix time has none,
		 * so we always add 10 */
		{ { 707472403, 0 }, "400000002a2b2c1d00000000" },
	};
	uint8_t want[TAI64N_LEN], got[TAI64N_LEN];

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		assert_int_equal(unhex(t[i].label, want), TAI64N_LEN);
		tai64n_encode(t[i].at, got);
		assert_memory_equal(got, want, TAI64N_LEN);
	}
}

static void test_order(void **state)
{
	uint8_t prev[TAI64N_LEN], next[TAI64N_LEN];

	tai64n_encode((struct wall){ 1700000000, 0 }, prev);
	assert_false(tai64n_later(prev, prev));
	/* initiations 1/50 s apart always differ, at any phase */
	for (uint64_t ns = 12345678; ns < 5 * NS_PER_S; ns += NS_PER_S / 50) {
		tai64n_encode(
			(struct wall){ 1700000000 + ns / NS_PER_S, (uint32_t)(ns % NS_PER_S) },
			next);
		if (ns > 2 * (NS_PER_S / 50)) {
			assert_true(tai64n_later(next, prev));
			assert_false(tai64n_later(prev, next));
		}
		memcpy(prev, next, sizeof(prev));
	}
}

/* The next label is the smallest later one. */
static void test_next(void **state)
{
	uint8_t label[TAI64N_LEN], next[TAI64N_LEN];

	tai64n_encode((struct wall){ 1700000000, 0 }, label);
	for (uint64_t ns = 0; ns < 3 * NS_PER_S; ns += 1 << 20) {
		tai64n_encode(
			(struct wall){ 1700000000 + ns / NS_PER_S, (uint32_t)(ns % NS_PER_S) },
			next);
		if (!tai64n_later(next, label))
			continue;
		tai64n_next(label);
		assert_memory_equal(label, next, TAI64N_LEN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
