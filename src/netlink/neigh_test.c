/* SPDX-License-Identifier: MIT */
/* Tests of neighbour messages: requests byte by byte, answers whole and wrong. */
#include "netlink/neigh.h"

#include <errno.h>
#include <linux/neighbour.h>

#include "netlink/test_hex.h"

static struct ip_addr address(const char *text)
{
	struct ip_addr a;

	assert_int_equal(ip_addr_parse(text, &a), 0);
	return a;
}

static void test_requests(void **state)
{
	static const uint8_t mac[LINK_MAC_LEN] = { 2, 0, 0, 0, 0, 9 };
	struct ip_addr v4 = address("10.0.2.22");
	struct ip_addr v6 = address("fe80::22");
	struct nl_msg m;

	assert_message(neigh_encode_get(&m, 5, &v4),
		"24000000 1e000100 00000000 00000000 02000000 05000000 00000000"
		"08000100 0a000216");
	assert_message(neigh_encode_get(&m, 5, &v6),
		"30000000 1e000100 00000000 00000000 0a000000 05000000 00000000"
		"14000100 fe800000 00000000 00000000 00000022");
	assert_message(neigh_encode_use(&m, 5, &v4),
		"24000000 1c000104 00000000 00000000 02000000 05000000 00000100"
		"08000100 0a000216");
	assert_message(neigh_encode_get_fdb(&m, 7, mac, 0),
		"30000000 1e000100 00000000 00000000 07000000 00000000 00000000"
		"0a000200 02000000 00090000 08000900 07000000");
	assert_message(neigh_encode_get_fdb(&m, 7, mac, 100),
		"38000000 1e000100 00000000 00000000 07000000 00000000 00000000"
		"0a000200 02000000 00090000 08000900 07000000 06000500 64000000");
}

/* As the kernel answers: 10.0.2.22 dev 5 lladdr 02:00:00:00:00:09 STALE, with NDA_CACHEINFO. */
#define STALE                                                                                      \
	"50000000 1c000000 00000000 00000000 02000000 05000000 04000001"                           \
	"08000100 0a000216 0a000200 02000000 00090000 08000400 00000000"                           \
	"14000300 00000000 00000000 00000000 00000000"

static void test_answers(void **state)
{
	static const uint8_t mac[LINK_MAC_LEN] = { 2, 0, 0, 0, 0, 9 };
	struct neigh_info info = { 0 };
	struct nl_msg m;

	assert_int_equal(neigh_decode(message_of(&m, STALE), &info), 0);
	assert_int_equal(info.ifindex, 5);
	assert_int_equal(info.state, NUD_STALE);
	assert_true(info.has_mac);
	assert_memory_equal(info.mac, mac, sizeof(mac));
	/* INCOMPLETE: without an address; and one of another length (InfiniBand) */
	assert_int_equal(neigh_decode(message_of(&m, "24000000 1c000000 00000000 00000000"
						     "02000000 05000000 01000001"
						     "08000100 0a000216"),
				 &info),
		0);
	assert_false(info.has_mac);
	assert_int_equal(info.state, NUD_INCOMPLETE);
	assert_int_equal(neigh_decode(message_of(&m, "28000000 1c000000 00000000 00000000"
						     "02000000 05000000 02000001"
						     "0c000200 02000000 00090000"),
				 &info),
		0);
	assert_false(info.has_mac);
}

static void test_wrong(void **state)
{
	struct neigh_info info = { .ifindex = 77 };
	struct nl_msg m;

	/* another type; a header cut off; no interface */
	assert_int_equal(neigh_decode(message_of(&m, "1c000000 1d000000 00000000 00000000"
						     "02000000 05000000 02000001"),
				 &info),
		-EBADMSG);
	assert_int_equal(neigh_decode(message_of(&m, "18000000 1c000000 00000000 00000000"
						     "02000000 05000000"),
				 &info),
		-EBADMSG);
	assert_int_equal(neigh_decode(message_of(&m, "1c000000 1c000000 00000000 00000000"
						     "02000000 00000000 02000001"),
				 &info),
		-EBADMSG);
	assert_int_equal(info.ifindex, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
