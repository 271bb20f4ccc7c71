/* SPDX-License-Identifier: MIT */
/* Tests of fragmenting: the plan's arithmetic, the headers' bytes, and that pieces join to the
 * packet. */
#include "l2tp/fragment.h"

#include "base/bytes.h"
#include "l2tp/header.h"
#include "pkt/checksum.h"
#include "pkt/ip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>

#include <cmocka.h>

struct plan_case {
	const char *name;
	uint16_t family;
	size_t packet_len;
	size_t mtu;
	int result;
	size_t lens[4]; /* of the first fragments, then 0 */
};

static const struct plan_case plan_cases[] = {
	{ "fits", AF_INET, 1440, 1440, -EINVAL, { 0 } },
	{ "one byte too long", AF_INET, 1441, 1440, 0, { 1436, 25 } },
	{ "a member's 1500 bytes", AF_INET, 1554, 1440, 0, { 1436, 138 } },
	{ "the same, tagged", AF_INET, 1558, 1440, 0, { 1436, 142 } },
	{ "IPv6 underlay", AF_INET, 1554, 1420, 0, { 1420, 154 } },
	{ "IPv6 inside", AF_INET6, 1574, 1440, 0, { 1440, 190 } },
	{ "IPv6, odd MTU", AF_INET6, 1574, 1439, 0, { 1432, 198 } },
	{ "exactly three", AF_INET, 20 + 3 * 1416, 1436, 0, { 1436, 1436, 1436 } },
	{ "smallest MTU", AF_INET, 45, 28, 0, { 28, 28, 28, 21 } },
	{ "MTU without room", AF_INET, 100, 27, -EMSGSIZE, { 0 } },
	{ "IPv6 MTU without room", AF_INET6, 100, 55, -EMSGSIZE, { 0 } },
	{ "beyond the length field", AF_INET, 65536, 1440, -EMSGSIZE, { 0 } },
};

static void test_plan(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(plan_cases); i++) {
		const struct plan_case *c = &plan_cases[i];
		struct fragment_plan p;
		size_t n = 0;

		print_message("%s\n", c->name);
		assert_int_equal(fragment_plan(c->family, c->packet_len, c->mtu, 1, &p), c->result);
		if (c->result < 0)
			continue;
		while (n < 4 && c->lens[n]) {
			assert_int_equal(fragment_len(&p, n), c->lens[n]);
			n++;
		}
		assert_int_equal(p.count, n);
	}
}

static void prepare_session(struct l2tp_tunnel *t, struct l2tp_session *s, bool v6)
{
	*t = (struct l2tp_tunnel){ .local_port = 1701, .remote_port = 1701 };
	assert_int_equal(ip_addr_parse(v6 ? "fd00::1" : "10.0.1.11", &t->local), 0);
	assert_int_equal(ip_addr_parse(v6 ? "fd00::2" : "10.0.1.21", &t->remote), 0);
	*s = (struct l2tp_session){ .tunnel = t, .id = 1, .peer_id = 2 };
	assert_int_equal(l2tp_session_init(s), 0);
}

static void check_piece(
	const struct fragment_plan *p, const uint8_t *f, size_t len, size_t j, bool v6)
{
	struct ip_header ip;

	assert_int_equal(ip_header_parse(f, len, &ip), 0);
	assert_true(ip.fragment);
	assert_int_equal(ip.more, j + 1 < p->count);
	assert_int_equal(ip.fragment_at, j * p->piece);
	assert_int_equal(ip.proto, 17);
	assert_int_equal(ip.id, v6 ? 0xabcdef01 : 0xef01);
	assert_int_equal(ip.header_len + ip.payload_len, len);
	if (!v6)
		assert_true(checksum_ok(checksum_add(0, f, 20)));
}

/* For every length and many MTUs: no fragment exceeds the MTU, all but the last are equal, headers
 * are right, and the payloads put one after the other are the packet's. */
static void test_pieces_join(void **state)
{
	static uint8_t packet[9200], joined[9200], f[1600];
	static const size_t mtus[] = { 68, 576, 1280, 1386, 1420, 1439, 1440 };

	for (size_t i = 0; i < 2 * ARRAY_LEN(mtus); i++) {
		bool v6 = i & 1;
		struct l2tp_tunnel t;
		struct l2tp_session s;
		size_t mtu = mtus[i / 2];

		prepare_session(&t, &s, v6);
		for (size_t len = mtu + 1; len < 9200; len += 1 + len / 61) {
			struct fragment_plan p;
			size_t at = s.ip_len;

			for (size_t k = s.overhead; k < len; k++)
				packet[k] = (uint8_t)(k * 31 + (k >> 8));
			l2tp_push(&s, packet, len - s.overhead, true);
			assert_int_equal(
				fragment_plan(v6 ? AF_INET6 : AF_INET, len, mtu, 0xabcdef01, &p),
				0);
			for (size_t j = 0; j < p.count; j++) {
				size_t n = fragment_write(&p, packet, j, f);

				assert_in_range(n, 1, mtu);
				assert_int_equal(n, fragment_len(&p, j));
				if (j + 1 < p.count)
					assert_int_equal(n, fragment_len(&p, 0));
				check_piece(&p, f, n, j, v6);
				memcpy(joined + at, f + p.header_len, n - p.header_len);
				at += n - p.header_len;
			}
			assert_int_equal(at, len);
			assert_memory_equal(joined + s.ip_len, packet + s.ip_len, len - s.ip_len);
		}
	}
}

/* Bytes of both headers, written out. */
static void test_golden(void **state)
{
	static const uint8_t golden_v4[20] = { 0x45, 0, 0, 44, 0x12, 0x34, 0x20, 0x03, 64, 17, 0x32,
		0x6b, 10, 0, 1, 11, 10, 0, 1, 21 };
	static const uint8_t golden_v6[16] = { 0x60, 0, 0, 0, 0, 32, 44, 64 };
	static const uint8_t golden_frag[8] = { 17, 0, 0, 0x19, 0, 0, 0x12, 0x34 };
	uint8_t packet[200] = { 0 }, f[100];
	struct l2tp_session s;
	struct fragment_plan p;
	struct l2tp_tunnel t;

	prepare_session(&t, &s, false);
	l2tp_push(&s, packet, 60, true);
	assert_int_equal(fragment_plan(AF_INET, 100, 44, 0x1234, &p), 0);
	assert_int_equal(fragment_write(&p, packet, 1, f), 44);
	assert_memory_equal(f, golden_v4, sizeof(golden_v4));
	prepare_session(&t, &s, true);
	l2tp_push(&s, packet, 60, true);
	assert_int_equal(fragment_plan(AF_INET6, 120, 72, 0x1234, &p), 0);
	assert_int_equal(fragment_write(&p, packet, 1, f), 72);
	assert_memory_equal(f, golden_v6, 8);
	assert_memory_equal(f + 40, golden_frag, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_pieces_join),
		cmocka_unit_test(test_golden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
