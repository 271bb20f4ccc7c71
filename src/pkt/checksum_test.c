/* SPDX-License-Identifier: MIT */
/* Tests of the checksum against a naive one, at every length and alignment. */
#include "pkt/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pkt/testpkt.h"

/* A running sum in the form of the naive one: host order; zero is 0xffff, except for an empty
 * range. */
static unsigned plain(uint32_t sum)
{
	return __builtin_bswap16(checksum_fold(sum));
}

static void fill(uint8_t *p, size_t len, uint64_t *r, unsigned how)
{
	for (size_t i = 0; i < len; i++)
		p[i] = how == 0 ? 0xff : how == 1 ? 0 : (uint8_t)test_random(r);
}

static void test_rfc1071(void **state)
{
	static const uint8_t bytes[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };

	assert_int_equal(plain(checksum_add(0, bytes, 8)), 0xddf2);
}

/* Copies of exact size, so that a sanitizer detects reads past the end. */
static void test_lengths(void **state)
{
	uint64_t r = 1;

	for (size_t len = 0; len < 300; len++) {
		for (unsigned how = 0; how < 3; how++) {
			uint8_t *src = malloc(len + 1), *dst = malloc(len + 1);
			unsigned want;

			assert_true(src && dst);
			fill(src, len, &r, how);
			src[len] = dst[len] = 0xee;
			want = test_sum(0, src, len);
			assert_int_equal(plain(checksum_add(0, src, len)), want);
			assert_int_equal(plain(checksum_copy(0, dst, src, len)), want);
			assert_memory_equal(src, dst, len + 1);
			free(src);
			free(dst);
		}
	}
}

static void test_alignments(void **state)
{
	static uint8_t src[70000], dst[70000];
	uint64_t r = 2;

	fill(src, sizeof(src), &r, 2);
	for (unsigned i = 0; i < 2000; i++) {
		size_t at = test_random(&r) % 64, to = test_random(&r) % 64;
		size_t len = i % 8 ? test_random(&r) % 2000 : test_random(&r) % 65536;
		uint32_t start = test_random(&r) * 2;
		unsigned want = test_sum(plain(start), src + at, len);

		assert_int_equal(plain(checksum_add(start, src + at, len)), want);
		assert_int_equal(plain(checksum_copy(start, dst + to, src + at, len)), want);
		assert_memory_equal(dst + to, src + at, len);
	}
}

/* Sums of parts of even length add up to the sum of the whole, and can be subtracted again. */
static void test_parts(void **state)
{
	uint8_t bytes[600];
	uint64_t r = 3;

	for (unsigned i = 0; i < 1000; i++) {
		size_t len = test_random(&r) % sizeof(bytes);
		size_t cut = len ? test_random(&r) % len & ~(size_t)1 : 0;
		uint32_t head, tail, all;

		fill(bytes, len, &r, i % 5 ? 2 : 0);
		head = checksum_add(0, bytes, cut);
		tail = checksum_add(0, bytes + cut, len - cut);
		all = checksum_add(0, bytes, len);
		assert_int_equal(checksum_fold(checksum_combine(head, tail)), checksum_fold(all));
		assert_int_equal(checksum_fold(checksum_remove(all, head)) % 0xffff,
			checksum_fold(tail) % 0xffff);
	}
}

static void test_words(void **state)
{
	const uint8_t bytes[] = { 0x12, 0x34, 0x56, 0x78 };

	assert_int_equal(checksum_add_be16(0, 0x1234), checksum_add(0, bytes, 2));
	assert_int_equal(checksum_add_be32(0, 0x12345678), checksum_add(0, bytes, 4));
}

static void test_pseudo_sums(void **state)
{
	uint64_t r = 4;

	for (unsigned i = 0; i < 200; i++) {
		struct testpkt t = { .v6 = i & 1, .udp = i & 2, .hosts = test_random(&r) % 200 };
		uint8_t ip[100];
		uint8_t proto = t.udp ? 17 : 6;
		uint32_t len = test_random(&r) % (i & 4 ? 65536 : 100000), sum;

		testpkt_build(&t, ip);
		sum = t.v6 ? checksum_pseudo6(ip + 8, ip + 24, proto, len)
			   : checksum_pseudo4(ip + 12, ip + 16, proto, len);
		assert_int_equal(plain(sum), test_pseudo(ip, proto, len));
	}
}

static void test_store(void **state)
{
	uint8_t bytes[40] = { 0 };
	uint64_t r = 5;

	for (unsigned i = 0; i < 500; i++) {
		fill(bytes, sizeof(bytes), &r, 2);
		store_be16(bytes + 10, 0);
		if (i == 0) { /* the sum becomes zero */
			store_be16(bytes + 20, 0);
			store_be16(bytes + 20, (uint16_t)~test_sum(0, bytes, sizeof(bytes)));
		}
		checksum_store(bytes + 10, checksum_add(0, bytes, sizeof(bytes)));
		assert_true(checksum_ok(checksum_add(0, bytes, sizeof(bytes))));
		if (i == 0)
			assert_int_equal(load_be16(bytes + 10), 0);
		store_be16(bytes + 10, 0);
		checksum_store_udp(bytes + 10, checksum_add(0, bytes, sizeof(bytes)));
		assert_int_not_equal(load_be16(bytes + 10), 0);
		assert_true(checksum_ok(checksum_add(0, bytes, sizeof(bytes))));
		bytes[i % sizeof(bytes)] ^= (uint8_t)(1 << i % 8);
		assert_false(checksum_ok(checksum_add(0, bytes, sizeof(bytes))));
	}
}

/* A correct checksum stays correct, a wrong one stays wrong by the same difference. */
static void test_replace(void **state)
{
	uint8_t bytes[40];
	uint64_t r = 6;

	for (unsigned i = 0; i < 5000; i++) {
		unsigned error = i % 3 ? 0 : test_random(&r) % 0xffff, sum;
		size_t at = 2 + test_random(&r) % (sizeof(bytes) - 4);
		uint16_t v = i % 7 ? (uint16_t)test_random(&r) : i % 2 ? 0 : 0xffff;

		fill(bytes, sizeof(bytes), &r, 2);
		store_be16(bytes, 0);
		sum = (test_sum(0, bytes, sizeof(bytes)) + error) % 0xffff;
		store_be16(bytes, (uint16_t)~sum);
		checksum_replace16(bytes, bytes + at, v, at % 2);
		assert_int_equal(load_be16(bytes + at), v);
		assert_int_equal((test_sum(0, bytes, sizeof(bytes)) + error) % 0xffff, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc1071),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_alignments),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_pseudo_sums),
		cmocka_unit_test(test_store),
		cmocka_unit_test(test_replace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
