/* SPDX-License-Identifier: MIT */
/* Tests of interface messages: requests byte by byte, valid, truncated and malformed answers. */
#include "netlink/link.h"

#include <errno.h>

#include "base/bytes.h"
#include "netlink/test_hex.h"
#include "netlink/test_link.h"

static const uint8_t mac[LINK_MAC_LEN] = { 2, 0, 0, 0, 0, 1 };

static void test_questions(void **state)
{
	struct nl_msg m;

	assert_message(link_encode_get(&m, "wg0"),
		"30000000 12000100 00000000 00000000 00000000 00000000 00000000 00000000"
		"08000300 77673000 08001d00 08000000");
	assert_message(link_encode_get_index(&m, 5),
		"28000000 12000100 00000000 00000000 00000000 05000000 00000000 00000000"
		"08001d00 08000000");
	assert_message(link_encode_dump(&m),
		"28000000 12000103 00000000 00000000 00000000 00000000 00000000 00000000"
		"08001d00 08000000");
	assert_message(link_encode_get_stats(&m, 5),
		"1c000000 5e000100 00000000 00000000 00000000 05000000 01000000");
}

static void test_changes(void **state)
{
	struct nl_msg m;

	assert_message(link_encode_up(&m, 5, true),
		"20000000 13000100 00000000 00000000 00000000 05000000 01000000 01000000");
	assert_message(link_encode_up(&m, 5, false),
		"20000000 13000100 00000000 00000000 00000000 05000000 00000000 01000000");
	assert_message(link_encode_mtu(&m, 5, 1386),
		"28000000 13000100 00000000 00000000 00000000 05000000 00000000 00000000"
		"08000400 6a050000");
	assert_message(link_encode_master(&m, 5, 7),
		"28000000 13000100 00000000 00000000 00000000 05000000 00000000 00000000"
		"08000a00 07000000");
	assert_message(link_encode_name(&m, 5, "wg0"),
		"28000000 13000100 00000000 00000000 00000000 05000000 00000000 00000000"
		"08000300 77673000");
	assert_message(link_encode_mac(&m, 5, mac),
		"2c000000 13000100 00000000 00000000 00000000 05000000 00000000 00000000"
		"0a000100 02000000 00010000");
	assert_message(link_encode_alias(&m, 5, "wirespan vpn01"),
		"34000000 13000100 00000000 00000000 00000000 05000000 00000000 00000000"
		"12001400 77697265 7370616e 2076706e 30310000");
	assert_message(link_encode_no_autoconf(&m, 5),
		"30000000 13000100 00000000 00000000 00000000 05000000 00000000 00000000"
		"10001a80 0c000a80 05000800 01000000");
	assert_message(link_encode_port(&m, 5, &(struct link_port){ .multicast_router = 1 },
			       &(struct link_port){ true, 2, 0x4008 }),
		"4c000000 10000100 00000000 00000000 00000000 05000000 00000000 00000000"
		"2c001280 0b000400 62726964 67650000"
		"1c000580 05002100 01000000 05001900 02000000 06001f00 08400000");
	assert_message(link_encode_port(&m, 5, &(struct link_port){ true, 2, 0x4008 },
			       &(struct link_port){ false, 2, 0x4008 }),
		"3c000000 10000100 00000000 00000000 00000000 05000000 00000000 00000000"
		"1c001280 0b000400 62726964 67650000 0c000580 05002100 00000000");
	assert_message(link_encode_group(&m, 5, 0x57000001),
		"28000000 13000100 00000000 00000000 00000000 05000000 00000000 00000000"
		"08001b00 01000057");
	assert_message(link_encode_delete_group(&m, 0x57000001),
		"28000000 11000100 00000000 00000000 00000000 00000000 00000000 00000000"
		"08001b00 01000057");
	assert_message(link_encode_claim(&m, 5, "ours"),
		"30000000 13000100 00000000 00000000 00000000 05000000 00000000 00000000"
		"08001400 6f757273 08001b00 00000000");
	assert_message(link_encode_delete(&m, 5),
		"20000000 11000100 00000000 00000000 00000000 05000000 00000000 00000000");
}

static void test_creations(void **state)
{
	struct link_bridge bridge = { .name = "br-l2tp0", .mac = { 2, 0, 0, 0, 0, 1 } };
	struct nl_msg m;

	assert_message(link_encode_wireguard(&m, "wg0", 0x56000000),
		"44000000 10000106 00000000 00000000 00000000 00000000 00000000 00000000"
		"08000300 77673000 08001b00 00000056 14001280 0e000100 77697265 67756172 64000000");

	assert_message(link_encode_bridge(&m, &bridge),
		"68000000 10000106 00000000 00000000 00000000 00000000 00000000 00000000"
		"0d000300 62722d6c 32747030 00000000 0a000100 02000000 00010000"
		"2c001280 0b000100 62726964 67650000"
		"1c000280 08000500 00000000 08000100 00000000 05001700 00000000");
	bridge.stp = true;
	assert_message(link_encode_bridge(&m, &bridge),
		"60000000 10000106 00000000 00000000 00000000 00000000 00000000 00000000"
		"0d000300 62722d6c 32747030 00000000 0a000100 02000000 00010000"
		"24001280 0b000100 62726964 67650000"
		"14000280 08000500 01000000 05001700 00000000");
	bridge.multicast_snooping = true;
	bridge.fdb_max = 16384;
	assert_message(link_encode_bridge(&m, &bridge),
		"68000000 10000106 00000000 00000000 00000000 00000000 00000000 00000000"
		"0d000300 62722d6c 32747030 00000000 0a000100 02000000 00010000"
		"2c001280 0b000100 62726964 67650000"
		"1c000280 08000500 01000000 05001700 01000000 08003100 00400000");
	assert_message(link_encode_multicast_snooping(&m, 5, true),
		"3c000000 10000100 00000000 00000000 00000000 05000000 00000000 00000000"
		"1c001280 0b000100 62726964 67650000 0c000280 05001700 01000000");
	assert_message(link_encode_stp(&m, 5, true),
		"3c000000 10000100 00000000 00000000 00000000 05000000 00000000 00000000"
		"1c001280 0b000100 62726964 67650000 0c000280 08000500 01000000");
	assert_message(link_encode_forward_delay(&m, 5, 1500),
		"3c000000 10000100 00000000 00000000 00000000 05000000 00000000 00000000"
		"1c001280 0b000100 62726964 67650000 0c000280 08000100 dc050000");
	assert_message(link_encode_fdb_max(&m, 5, 16384),
		"3c000000 10000100 00000000 00000000 00000000 05000000 00000000 00000000"
		"1c001280 0b000100 62726964 67650000 0c000280 08003100 00400000");
	assert_message(test_link_veth(&m, "a0", "b0"),
		"58000000 10000106 00000000 00000000 00000000 00000000 00000000 00000000"
		"07000300 61300000 30001280 09000100 76657468 00000000 20000280 1c000180"
		"00000000 00000000 00000000 00000000 07000300 62300000");
	assert_message(test_link_vlan(&m, "a0.5", 5, 5),
		"50000000 10000106 00000000 00000000 00000000 00000000 00000000 00000000"
		"09000300 61302e35 00000000 08000500 05000000"
		"1c001280 09000100 766c616e 00000000 0c000280 06000100 05000000");
}

/* A bridge as the kernel describes it: name, MTU, master, address, alias, kind. */
#define ANSWER                                                                                     \
	"00000000 10000000 01000000 00000000 00000100 07000000 43100100 00000000"                  \
	"08000300 62723000 08000400 dc050000 08000a00 03000000 0a000100 02000000 00010000"         \
	"12001400 77697265 7370616e 2076706e 30310000 10001280 0b000100 62726964 67650000"

static void test_decode(void **state)
{
	struct link_info link;
	struct nl_msg m;

	assert_int_equal(link_decode(message_of(&m, ANSWER), &link), 0);
	assert_int_equal(link.ifindex, 7);
	assert_int_equal(link.type, 1);
	assert_int_equal(link.flags, 0x11043);
	assert_int_equal(link.mtu, 1500);
	assert_int_equal(link.master, 3);
	assert_true(link.has_mac);
	assert_memory_equal(link.mac, mac, sizeof(mac));
	assert_string_equal(link.name, "br0");
	assert_string_equal(link.alias, "wirespan vpn01");
	assert_string_equal(link.kind, "bridge");
}

#define COUNTERS                                                                                   \
	"01000000 00000000 02000000 00000000 03000000 00000000 04000000 00000000"                  \
	"05000000 00000000 06000000 00000000 07000000 00000000 08000000 00000001"

/* Counters of 64 bits; one that is cut short is not used. */
static void test_decode_stats(void **state)
{
	struct link_stats stats = { 0 };
	struct nl_msg m;

	assert_int_equal(link_decode_stats(message_of(&m, "00000000 5c000000 00000000 00000000"
							  "00000000 07000000 01000000"
							  "44000100" COUNTERS),
				 &stats),
		0);
	assert_int_equal(stats.rx_packets, 1);
	assert_int_equal(stats.tx_packets, 2);
	assert_int_equal(stats.rx_bytes, 3);
	assert_int_equal(stats.tx_bytes, 4);
	assert_int_equal(stats.rx_errors, 5);
	assert_int_equal(stats.tx_errors, 6);
	assert_int_equal(stats.rx_dropped, 7);
	assert_int_equal(stats.tx_dropped, 0x100000000000008);
	assert_int_equal(link_decode_stats(message_of(&m, "00000000 5c000000 00000000 00000000"
							  "00000000 07000000 01000000"
							  "0c000100 01000000 00000000"),
				 &stats),
		-EBADMSG);
	assert_int_equal(link_decode_stats(message_of(&m, ANSWER), &stats), -EBADMSG);
	assert_int_equal(stats.rx_packets, 1);
}

/* A bridge port has a state; the same attribute number means something else for ports of other
 * masters. */
static void test_decode_port(void **state)
{
	struct link_info link;
	struct nl_msg m;

	assert_int_equal(
		link_decode(message_of(&m, "00000000 10000000 00000000 00000000"
					   "00000100 07000000 00000000 00000000"
					   "1c001200 0b000400 62726964 67650000 0c000500 05000100 "
					   "03000000"),
			&link),
		0);
	assert_true(link.has_port_state);
	assert_int_equal(link.port_state, 3);
	assert_int_equal(
		link_decode(message_of(&m, "00000000 10000000 00000000 00000000"
					   "00000100 07000000 00000000 00000000"
					   "18001200 09000400 626f6e64 00000000 0c000500 05000100 "
					   "03000000"),
			&link),
		0);
	assert_false(link.has_port_state);
}

/* The settings of a port; what is cut short does not count. */
static void test_decode_port_settings(void **state)
{
	struct link_info link;
	struct nl_msg m;

	assert_int_equal(link_decode(message_of(&m, "00000000 10000000 00000000 00000000"
						    "00000100 07000000 00000000 00000000"
						    "2c001200 0b000400 62726964 67650000 1c000500 "
						    "05002100 01000000 05001900 02000000 06001f00 "
						    "08400000"),
				 &link),
		0);
	assert_true(link.port.isolated);
	assert_int_equal(link.port.multicast_router, 2);
	assert_int_equal(link.port.forward_control, 0x4008);
	assert_int_equal(link_decode(message_of(&m, "00000000 10000000 00000000 00000000"
						    "00000100 07000000 00000000 00000000"
						    "20001200 0b000400 62726964 67650000 10000500 "
						    "04002100 05001f00 08000000"),
				 &link),
		0);
	assert_false(link.port.isolated);
	assert_int_equal(link.port.forward_control, 0);
}

/* A port that does not learn or flood is a trap for frames, and is reported. */
static void test_decode_port_limits(void **state)
{
	struct link_info link;
	struct nl_msg m;

	/* hairpin 1, unicast flood 0, broadcast flood 0, locked 1 */
	assert_int_equal(
		link_decode(
			message_of(&m,
				"00000000 10000000 00000000 00000000"
				"00000100 07000000 00000000 00000000"
				"34001200 0b000400 62726964 67650000 24000500 "
				"05000400 01000000 05000900 00000000 05001e00 00000000 05002700 "
				"01000000"),
			&link),
		0);
	assert_true(link.port_no_flood);
	assert_true(link.port_no_broadcast);
	assert_true(link.port_locked);
	assert_true(link.port_hairpin);
}

/* An XDP program; a group; an interface that goes to another namespace. */
static void test_decode_rest(void **state)
{
	struct link_info link;
	struct nl_msg m;

	assert_int_equal(link_decode(message_of(&m, "00000000 10000000 00000000 00000000"
						    "00000100 07000000 00000000 00000000"
						    "0c002b00 05000200 02000000 08001b00 05000000 "
						    "08002d00 03000000"),
				 &link),
		0);
	assert_int_equal(link.xdp, 2);
	assert_int_equal(link.group, 5);
	assert_true(link.moved);
}

/* A bridge reports how many addresses it learns; other kinds use that number for something else. */
static void test_decode_bridge(void **state)
{
	static const struct {
		const char *linkinfo;
		uint32_t fdb_max;
	} table[] = {
		{ "24001200 0b000100 62726964 67650000 14000200 08003000 05000000 08003100 "
		  "00400000",
			16384 },
		{ "1c001200 0b000100 62726964 67650000 0c000200 08003000 05000000", 0 },
		{ "18001200 09000100 626f6e64 00000000 0c000200 08003100 00400000", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		char hex[256];
		struct link_info link;
		struct nl_msg m;

		snprintf(hex, sizeof(hex),
			"00000000 10000000 00000000 00000000 00000100 07000000 00000000 00000000 "
			"%s",
			table[i].linkinfo);
		assert_int_equal(link_decode(message_of(&m, hex), &link), 0);
		assert_int_equal(link.fdb_max, table[i].fdb_max);
		assert_int_equal(link.has_fdb_max, table[i].fdb_max != 0);
	}
}

/* A bridge reports whether it runs the spanning tree protocol; data of another kind of interface is
 * something else under the same number. */
static void test_decode_stp(void **state)
{
	struct link_info link;
	struct nl_msg m;

	assert_int_equal(
		link_decode(message_of(&m, "00000000 10000000 00000000 00000000"
					   "00000100 07000000 00000000 00000000"
					   "1c001200 0b000100 62726964 67650000 0c000200 08000500 "
					   "02000000"),
			&link),
		0);
	assert_true(link.has_stp);
	assert_int_equal(link.stp_state, 2);
	assert_int_equal(
		link_decode(message_of(&m, "00000000 10000000 00000000 00000000"
					   "00000100 07000000 00000000 00000000"
					   "1c001200 09000100 626f6e64 00000000 0c000200 08000500 "
					   "02000000"),
			&link),
		0);
	assert_false(link.has_stp);
}

#define HEADER "00000000 10000000 00000000 00000000 00000100 07000000 00000000 00000000"
#define VLAN   "1c001200 09000100 766c616e 00000000 0c000200 06000100 64000000"

/* What carries a VLAN or MACVLAN, in this namespace; the other end of a veth pair carries
 * nothing. */
static void test_decode_lower(void **state)
{
	static const struct {
		const char *hex;
		uint32_t lower;
		uint16_t vlan;
	} table[] = {
		{ HEADER "08000500 03000000" VLAN, 3, 100 },
		{ HEADER "08000500 03000000 08002500 00000000" VLAN, 0, 100 },
		{ HEADER "08000500 03000000 10001200 0c000100 6d616376 6c616e00", 3, 0 },
		{ HEADER "08000500 03000000 10001200 0c000100 6d616376 74617000", 3, 0 },
		{ HEADER "08000500 03000000 10001200 09000100 76657468 00000000", 0, 0 },
		{ HEADER "08000500 03000000", 0, 0 },
		{ HEADER "06000500 03000000" VLAN, 0, 100 }, /* of 2 bytes */
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct link_info link;
		struct nl_msg m;

		assert_int_equal(link_decode(message_of(&m, table[i].hex), &link), 0);
		assert_int_equal(link.lower, table[i].lower);
		assert_int_equal(link.vlan, table[i].vlan);
	}
}

/* Wherever an answer is cut, what is whole is read and nothing behind the end is. */
static void test_decode_cut(void **state)
{
	struct link_info link;
	struct nl_msg m;
	size_t whole = message_of(&m, ANSWER)->nlmsg_len;

	for (size_t len = 16; len < whole; len++) {
		message_of(&m, ANSWER);
		memset(m.bytes + len, 0xff, sizeof(m.bytes) - len);
		m.head.nlmsg_len = (uint32_t)len;
		assert_int_equal(link_decode(&m.head, &link), len < 32 ? -EBADMSG : 0);
		if (len >= 32)
			assert_string_equal(link.name, len < 40 ? "" : "br0");
		if (len >= 32)
			assert_int_equal(link.mtu, len < 48 ? 0 : 1500);
	}
}

static void test_decode_odd(void **state)
{
	static const struct {
		const char *hex;
		int result;
	} table[] = {
		/* another type of message */
		{ "00000000 18000000 00000000 00000000 00000100 07000000 00000000 00000000",
			-EBADMSG },
		/* index 0 */
		{ "00000000 10000000 00000000 00000000 00000100 00000000 00000000 00000000",
			-EBADMSG },
		/* MTU of 2 bytes, hardware address of 4, overlong name without NUL */
		{ "00000000 10000000 00000000 00000000 00000100 07000000 00000000 00000000"
		  "06000400 dc050000 08000100 01020304"
		  "18000300 61616161 61616161 61616161 61616161 61616161",
			0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct link_info link = { .mtu = 77 };
		struct nl_msg m;

		assert_int_equal(link_decode(message_of(&m, table[i].hex), &link), table[i].result);
		if (table[i].result < 0) {
			assert_int_equal(link.mtu, 77);
			continue;
		}
		assert_int_equal(link.mtu, 0);
		assert_false(link.has_mac);
		assert_string_equal(link.name, "aaaaaaaaaaaaaaa");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_creations),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_decode_stats),
		cmocka_unit_test(test_decode_port),
		cmocka_unit_test(test_decode_port_settings),
		cmocka_unit_test(test_decode_port_limits),
		cmocka_unit_test(test_decode_rest),
		cmocka_unit_test(test_decode_bridge),
		cmocka_unit_test(test_decode_stp),
		cmocka_unit_test(test_decode_lower),
		cmocka_unit_test(test_decode_cut),
		cmocka_unit_test(test_decode_odd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
