/* SPDX-License-Identifier: MIT */
/* Tests of probes: the packets are correct to the byte, answers are distinguished from everything
 * else. */
#include "path/probe.h"

#include "base/bytes.h"
#include "pkt/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdlib.h>

#include <cmocka.h>

static struct probe probe_of(bool v6)
{
	struct probe p = { .id = 0x1234, .nonce = { 1, 2, 3, 4, 5, 6, 7, 8 } };

	assert_int_equal(ip_addr_parse(v6 ? "fd00::1" : "10.0.1.11", &p.local), 0);
	assert_int_equal(ip_addr_parse(v6 ? "fd00::2" : "10.0.1.21", &p.remote), 0);
	return p;
}

static bool is_answer(const struct probe *p, const uint8_t *packet, size_t len, uint16_t *ret_token)
{
	struct ip_header ip;

	return ip_header_parse(packet, len, &ip) == 0 && probe_is_answer(p, packet, &ip, ret_token);
}

/* Answer as a kernel does: addresses swapped, type changed. Checksums are not looked at. */
static void answer(uint8_t *packet, bool v6)
{
	uint8_t swap[16];
	size_t n = v6 ? 16 : 4, src = v6 ? 8 : 12;

	memcpy(swap, packet + src, n);
	memcpy(packet + src, packet + src + n, n);
	memcpy(packet + src + n, swap, n);
	packet[v6 ? 40 : 20] = v6 ? 129 : 0;
}

static void test_golden(void **state)
{
	static const uint8_t want[40] = { 0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 1, 0x24, 0xb6, 10, 0,
		1, 11, 10, 0, 1, 21, 8, 0, 0xd5, 0xb0, 0x12, 0x34, 0x00, 0x07, 1, 2, 3, 4, 5, 6, 7,
		8 };
	struct probe p = probe_of(false);
	uint8_t packet[40];

	assert_int_equal(probe_write(&p, PROBE_REQUEST, sizeof(packet), 7, packet), 0);
	assert_memory_equal(packet, want, sizeof(want));
}

static void test_every_length(void **state)
{
	static uint8_t packet[1600];

	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct probe p = probe_of(v6);
		uint16_t family = p.local.family, token;

		assert_int_equal(
			probe_write(&p, PROBE_REQUEST, probe_len_min(family) - 1, 7, packet),
			-EINVAL);
		assert_int_equal(probe_write(&p, PROBE_REQUEST, 65536, 7, packet), -EINVAL);
		for (size_t len = probe_len_min(family); len < 1500; len++) {
			size_t head = v6 ? 40 : 20;
			uint32_t sum = v6 ? checksum_pseudo6(p.local.bytes, p.remote.bytes, 58,
						    (uint32_t)(len - head))
					  : 0;

			memset(packet, 0xee, sizeof(packet));
			assert_int_equal(
				probe_write(&p, PROBE_REQUEST, len, (uint16_t)len, packet), 0);
			assert_true(checksum_ok(checksum_add(sum, packet + head, len - head)));
			assert_int_equal(packet[len], 0xee);
			assert_false(is_answer(&p, packet, len, &token)); /* the request */
			answer(packet, v6);
			assert_true(is_answer(&p, packet, len, &token));
			assert_int_equal(token, len);
		}
	}
}

/* What fills a train of probes is a well-formed echo reply, which no host answers. */
static void test_filler(void **state)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct probe p = probe_of(v6);
		size_t head = v6 ? 40 : 20, len = probe_len_min(p.local.family);
		uint32_t sum = v6 ? checksum_pseudo6(p.local.bytes, p.remote.bytes, 58,
					    (uint32_t)(len - head))
				  : 0;
		uint8_t packet[100];
		uint16_t token;

		assert_int_equal(probe_write(&p, PROBE_FILLER, len, 7, packet), 0);
		assert_int_equal(packet[head], v6 ? 129 : 0);
		assert_true(checksum_ok(checksum_add(sum, packet + head, len - head)));
		assert_true(probe_is_echo_reply(packet, len));
		assert_false(is_answer(&p, packet, len, &token));
	}
}

/* An answer that the peer's kernel cut: its first piece counts, its second does not. */
static void test_fragments(void **state)
{
	struct probe p = probe_of(false);
	uint8_t packet[600];
	uint16_t token;

	assert_int_equal(probe_write(&p, PROBE_REQUEST, sizeof(packet), 9, packet), 0);
	answer(packet, false);
	store_be16(packet + 6, 0x2000);
	assert_true(is_answer(&p, packet, sizeof(packet), &token));
	assert_int_equal(token, 9);
	store_be16(packet + 6, 0x0040);
	assert_false(is_answer(&p, packet, sizeof(packet), &token));
}

/* Whatever differs from an answer in the fields that count is none; nor is what is cut off. */
static void test_not_answers(void **state)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct probe p = probe_of(v6);
		size_t head = v6 ? 40 : 20, addrs = v6 ? 8 : 12, proto = v6 ? 6 : 9;
		uint8_t packet[100];
		uint16_t token = 77;

		assert_int_equal(probe_write(&p, PROBE_REQUEST, sizeof(packet), 9, packet), 0);
		answer(packet, v6);
		for (size_t len = 0; len < sizeof(packet); len++) {
			uint8_t *cut = malloc(len ? len : 1);

			memcpy(cut, packet, len);
			assert_false(is_answer(&p, cut, len, &token));
			free(cut);
		}
		for (size_t i = 0; i < head + 16; i++) {
			bool matters = i == proto || (i >= addrs && i < head) || i == head ||
				       i == head + 4 || i == head + 5 || i >= head + 8;

			packet[i] ^= 1;
			if (matters)
				assert_false(is_answer(&p, packet, 100, &token));
			packet[i] ^= 1;
		}
		assert_int_equal(token, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_filler),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_not_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
