/* SPDX-License-Identifier: MIT */
/* Tests of L2TP's generic netlink messages: requests byte by byte, valid and malformed answers. */
#include "netlink/l2tp_nl.h"

#include <errno.h>
#include <linux/l2tp.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "netlink/test_hex.h"
#include "netlink/test_kernel.h"

#define FAMILY 32

static struct ip_addr addr(const char *text)
{
	struct ip_addr a;

	assert_int_equal(ip_addr_parse(text, &a), 0);
	return a;
}

static void test_tunnel_requests(void **state)
{
	struct l2tpnl_tunnel tunnel = { .id = 1,
		.peer_id = 2,
		.local = addr("10.0.1.11"),
		.remote = addr("10.0.1.12"),
		.local_port = 5000,
		.remote_port = 5001,
		.udp_checksum = true };
	struct nl_msg m;

	assert_message(l2tpnl_encode_tunnel_create(&m, FAMILY, &tunnel),
		"5c000000 20000100 00000000 00000000 01010000 08000900 01000000 08000a00 "
		"02000000 05000700 03000000 06000200 00000000 08001800 0a00010b 08001900 "
		"0a00010c 06001a00 88130000 06001b00 89130000 05000d00 01000000");
	tunnel.ip_encap = true;
	assert_message(l2tpnl_encode_tunnel_create(&m, FAMILY, &tunnel),
		"44000000 20000100 00000000 00000000 01010000 08000900 01000000 08000a00 "
		"02000000 05000700 03000000 06000200 01000000 08001800 0a00010b 08001900 "
		"0a00010c");
	tunnel = (struct l2tpnl_tunnel){ .id = 1,
		.peer_id = 2,
		.local = addr("fd00::1"),
		.remote = addr("fd00::2"),
		.local_port = 5000,
		.remote_port = 5001,
		.udp_zero_checksum6_tx = true,
		.udp_zero_checksum6_rx = true };
	assert_message(l2tpnl_encode_tunnel_create(&m, FAMILY, &tunnel),
		"74000000 20000100 00000000 00000000 01010000 08000900 01000000 08000a00 "
		"02000000 05000700 03000000 06000200 00000000 14001f00 fd000000 00000000 "
		"00000000 00000001 14002000 fd000000 00000000 00000000 00000002 06001a00 "
		"88130000 06001b00 89130000 04002100 04002200");
	assert_message(l2tpnl_encode_tunnel_delete(&m, FAMILY, 1),
		"1c000000 20000100 00000000 00000000 02010000 08000900 01000000");
	assert_message(l2tpnl_encode_tunnel_dump(&m, FAMILY),
		"14000000 20000103 00000000 00000000 04010000");
}

static void test_session_requests(void **state)
{
	const struct l2tpnl_session full = { .tunnel_id = 1,
		.id = 10,
		.peer_id = 20,
		.tx_cookie = { 8, { 1, 2, 3, 4, 5, 6, 7, 8 } },
		.rx_cookie = { 4, { 0xa1, 0xa2, 0xa3, 0xa4 } },
		.default_sublayer = true,
		.sends_sequence = true,
		.checks_sequence = true,
		.ifname = "l2tpeth0" };
	const struct l2tpnl_session bare = { .tunnel_id = 1, .id = 10, .peer_id = 20 };
	struct l2tpnl_session changed = full;
	struct nl_msg m;

	assert_message(l2tpnl_encode_session_create(&m, FAMILY, &full),
		"70000000 20000100 00000000 00000000 05010000 08000900 01000000 08000b00 "
		"0a000000 08000c00 14000000 06000100 05000000 05000500 01000000 0c000f00 "
		"01020304 05060708 08001000 a1a2a3a4 05001200 01000000 05001300 01000000 "
		"0d000800 6c327470 65746830 00000000");
	assert_message(l2tpnl_encode_session_create(&m, FAMILY, &bare),
		"4c000000 20000100 00000000 00000000 05010000 08000900 01000000 08000b00 "
		"0a000000 08000c00 14000000 06000100 05000000 05000500 00000000 05001200 "
		"00000000 05001300 00000000");
	changed.checks_sequence = false;
	assert_message(l2tpnl_encode_session_modify(&m, FAMILY, &changed),
		"34000000 20000100 00000000 00000000 07010000 08000900 01000000 08000b00 "
		"0a000000 05001200 00000000 05001300 01000000");
	assert_message(l2tpnl_encode_session_delete(&m, FAMILY, 1, 10),
		"24000000 20000100 00000000 00000000 06010000 08000900 01000000 08000b00 "
		"0a000000");
	assert_message(l2tpnl_encode_session_dump(&m, FAMILY),
		"14000000 20000103 00000000 00000000 08010000");
}

static void test_decode_tunnel(void **state)
{
	struct l2tpnl_tunnel_info info;
	char text[IP_ADDR_TEXT_LEN];
	struct nl_msg m;

	assert_int_equal(l2tpnl_decode_tunnel(message_of(&m, "80000000 20000200 00000000 00000000 "
							     "04010000 05000700 03000000 08000900 "
							     "01000000 08000a00 02000000 08001100 "
							     "00000000 06000200 00000000 1c001e00 "
							     "0c000100 65000000 00000000 0c000800 "
							     "6c000000 00000000 05000d00 01000000 "
							     "06001a00 88130000 06001b00 89130000 "
							     "08001800 0a00010b 08001900 0a00010c"),
				 &info),
		0);
	assert_int_equal(info.version, 3);
	assert_int_equal(info.tunnel.id, 1);
	assert_int_equal(info.tunnel.peer_id, 2);
	assert_false(info.tunnel.ip_encap);
	assert_true(info.tunnel.udp_checksum);
	assert_string_equal(ip_addr_text(&info.tunnel.local, text), "10.0.1.11");
	assert_string_equal(ip_addr_text(&info.tunnel.remote, text), "10.0.1.12");
	assert_int_equal(info.tunnel.local_port, 5000);
	assert_int_equal(info.tunnel.remote_port, 5001);
	assert_int_equal(info.stats.tx_packets, 101);
	assert_int_equal(info.stats.rx_errors, 108);
	assert_false(info.stats.has_cookie_discards);
	assert_false(info.stats.has_invalid);

	assert_int_equal(l2tpnl_decode_tunnel(message_of(&m, "64000000 20000200 00000000 00000000 "
							     "04010000 05000700 03000000 08000900 "
							     "01000000 08000a00 02000000 06000200 "
							     "01000000 14001f00 fd000000 00000000 "
							     "00000000 00000001 14002000 fd000000 "
							     "00000000 00000000 00000002 04002100 "
							     "04002200"),
				 &info),
		0);
	assert_true(info.tunnel.ip_encap);
	assert_false(info.tunnel.udp_checksum);
	assert_true(info.tunnel.udp_zero_checksum6_tx);
	assert_true(info.tunnel.udp_zero_checksum6_rx);
	assert_string_equal(ip_addr_text(&info.tunnel.local, text), "fd00::1");
	assert_string_equal(ip_addr_text(&info.tunnel.remote, text), "fd00::2");
	assert_int_equal(info.tunnel.local_port, 0);
}

static void test_decode_session(void **state)
{
	struct l2tpnl_session_info info;
	struct nl_msg m;

	assert_int_equal(
		l2tpnl_decode_session(
			message_of(&m,
				"fc000000 20000200 00000000 00000000 08010000 08000900 01000000 "
				"08000b00 "
				"0a000000 08000a00 02000000 08000c00 14000000 08001100 00000000 "
				"06000100 "
				"05000000 0d000800 6c327470 65746830 00000000 0c000f00 01020304 "
				"05060708 "
				"08001000 a1a2a3a4 05001200 01000000 05001300 00000000 05001400 "
				"00000000 "
				"7c001e00 0c000100 65000000 00000000 0c000200 66000000 00000000 "
				"0c000300 "
				"67000000 00000000 0c000400 68000000 00000000 0c000500 69000000 "
				"00000000 "
				"0c000600 6a000000 00000000 0c000700 6b000000 00000000 0c000800 "
				"6c000000 "
				"00000000 0c000a00 6e000000 00000000 0c000b00 6f000000 00000000"),
			&info),
		0);
	assert_int_equal(info.session.tunnel_id, 1);
	assert_int_equal(info.tunnel_peer_id, 2);
	assert_int_equal(info.session.id, 10);
	assert_int_equal(info.session.peer_id, 20);
	assert_int_equal(info.pseudowire, L2TP_PWTYPE_ETH);
	assert_string_equal(info.session.ifname, "l2tpeth0");
	assert_int_equal(info.session.tx_cookie.len, 8);
	assert_memory_equal(info.session.tx_cookie.bytes, "\1\2\3\4\5\6\7\10", 8);
	assert_int_equal(info.session.rx_cookie.len, 4);
	assert_memory_equal(info.session.rx_cookie.bytes, "\xa1\xa2\xa3\xa4", 4);
	assert_true(info.session.checks_sequence);
	assert_false(info.session.sends_sequence);
	assert_int_equal(info.stats.tx_packets, 101);
	assert_int_equal(info.stats.tx_bytes, 102);
	assert_int_equal(info.stats.tx_errors, 103);
	assert_int_equal(info.stats.rx_packets, 104);
	assert_int_equal(info.stats.rx_bytes, 105);
	assert_int_equal(info.stats.rx_seq_discards, 106);
	assert_int_equal(info.stats.rx_oos_packets, 107);
	assert_int_equal(info.stats.rx_errors, 108);
	assert_true(info.stats.has_cookie_discards);
	assert_int_equal(info.stats.rx_cookie_discards, 110);
	assert_true(info.stats.has_invalid);
	assert_int_equal(info.stats.rx_invalid, 111);
}

/* A cookie that is too long, and a counter of another size, are not read. */
static void test_decode_odd(void **state)
{
	struct l2tpnl_session_info info;
	struct nl_msg m;

	assert_int_equal(
		l2tpnl_decode_session(
			message_of(&m,
				"00000000 20000000 00000000 00000000 08010000"
				"08000900 01000000 08000b00 0a000000"
				"10000f00 01020304 05060708 090a0b0c 0c001e00 08000100 65000000"),
			&info),
		0);
	assert_int_equal(info.session.tx_cookie.len, 0);
	assert_int_equal(info.stats.tx_packets, 0);
}

static void test_decode_wrong(void **state)
{
	static const char *const table[] = {
		/* truncated, another command, no id */
		"00000000 20000000 00000000 00000000 0401",
		"00000000 20000000 00000000 00000000 01010000 08000900 01000000",
		"00000000 20000000 00000000 00000000 04010000 05000700 03000000",
		"00000000 20000000 00000000 00000000 08010000 08000900 01000000",
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct l2tpnl_session_info session = { .pseudowire = 77 };
		struct l2tpnl_tunnel_info tunnel = { .version = 77 };
		struct nl_msg m;

		assert_int_equal(l2tpnl_decode_tunnel(message_of(&m, table[i]), &tunnel), -EBADMSG);
		assert_int_equal(tunnel.version, 77);
		assert_int_equal(
			l2tpnl_decode_session(message_of(&m, table[i]), &session), -EBADMSG);
		assert_int_equal(session.pseudowire, 77);
	}
}

static _Alignas(struct nlmsghdr) uint8_t answer[NL_ANSWER_MAX];
static struct nl_socket nl;

static int begin(void **state)
{
	memset(&kernel, 0, sizeof(kernel));
	nl = (struct nl_socket){ .seq = 6, .answer = answer };
	return 0;
}

#define TUNNEL                                                                                     \
	"00000000 20000200 00000000 00000000 04010000 05000700 03000000 08000900 01000000 "        \
	"08000a00 02000000 06000200 01000000"
#define SESSION                                                                                    \
	"00000000 20000200 00000000 00000000 08010000 08000900 01000000 08000b00 0a000000 "        \
	"08000a00 02000000 08000c00 14000000 0c000f00 01020304 05060708"

/* A dump that changed meanwhile is repeated; what is no tunnel is left out. */
static void test_tunnels(void **state)
{
	struct l2tpnl_tunnel_list list = { .n = 77 };
	struct nl_msg tunnel;
	struct nl_msg wrong;
	const struct nlmsghdr *const v[] = { message_of(&tunnel, TUNNEL), &tunnel.head };
	const struct nlmsghdr *const bad[] = { message_of(
		&wrong, "00000000 20000000 00000000 00000000 01010000 08000900 01000000") };

	dump(7, NLM_F_DUMP_INTR, v, 1);
	dump(8, NLM_F_MULTI, v, 2);
	assert_int_equal(l2tpnl_tunnels(&nl, FAMILY, &list), 0);
	assert_int_equal(list.n, 2);
	assert_int_equal(list.v[1].tunnel.peer_id, 2);
	free(list.v);
	list.n = 77;
	message(datagram(), NLMSG_ERROR, 0, 9, -EPERM);
	assert_int_equal(l2tpnl_tunnels(&nl, FAMILY, &list), -EPERM);
	assert_int_equal(list.n, 77);
	dump(10, NLM_F_MULTI, bad, 1);
	assert_int_equal(l2tpnl_tunnels(&nl, FAMILY, &list), 0);
	assert_int_equal(list.n, 0);
	for (uint32_t seq = 11; seq < 21; seq++)
		dump(seq, NLM_F_DUMP_INTR, v, 1);
	assert_int_equal(l2tpnl_tunnels(&nl, FAMILY, &list), -EAGAIN);
	assert_int_equal(kernel.next, kernel.n);
}

/* Cookies do not stay in the socket's buffer. */
static void test_sessions(void **state)
{
	static const uint8_t cookie[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct l2tpnl_session_list list = { .n = 77 };
	struct nl_msg session;
	struct nl_msg wrong;
	const struct nlmsghdr *const v[] = { message_of(&session, SESSION), &session.head };
	const struct nlmsghdr *const bad[] = { message_of(
		&wrong, "00000000 20000000 00000000 00000000 08010000 08000900 01000000") };

	dump(7, NLM_F_DUMP_INTR, v, 2);
	dump(8, NLM_F_MULTI, v, 2);
	assert_int_equal(l2tpnl_sessions(&nl, FAMILY, &list), 0);
	assert_int_equal(list.n, 2);
	assert_int_equal(list.v[1].session.id, 10);
	assert_int_equal(list.v[1].session.tx_cookie.len, 8);
	assert_null(memmem(answer, sizeof(answer), cookie, sizeof(cookie)));
	l2tpnl_sessions_fini(&list);
	assert_null(list.v);
	l2tpnl_sessions_fini(&list);
	dump(9, NLM_F_MULTI, bad, 1);
	assert_int_equal(l2tpnl_sessions(&nl, FAMILY, &list), 0);
	assert_int_equal(list.n, 0);
	list.n = 77;
	message(datagram(), NLMSG_ERROR, 0, 10, -EPERM);
	assert_int_equal(l2tpnl_sessions(&nl, FAMILY, &list), -EPERM);
	assert_int_equal(list.n, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tunnel_requests),
		cmocka_unit_test(test_session_requests),
		cmocka_unit_test(test_decode_tunnel),
		cmocka_unit_test(test_decode_session),
		cmocka_unit_test(test_decode_odd),
		cmocka_unit_test(test_decode_wrong),
		cmocka_unit_test_setup(test_tunnels, begin),
		cmocka_unit_test_setup(test_sessions, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
