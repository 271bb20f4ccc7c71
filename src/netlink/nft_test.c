/* SPDX-License-Identifier: MIT */
/* Golden bytes of the messages about tables of nftables. */
#include "netlink/nft.h"

#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include "netlink/test_hex.h"

static void test_get_table(void **state)
{
	struct nl_msg m;

	assert_message(nft_encode_get_table(&m, AF_INET6, "wirespan-wg0"),
		"28000000 010a0100 00000000 00000000 0a000000"
		"11000100 77697265 7370616e 2d776730 00000000");
}

static void test_dumps(void **state)
{
	struct nl_msg m;

	assert_message(nft_encode_dump_tables(&m, AF_INET),
		"14000000 010a0103 00000000 00000000 02000000");
	assert_message(nft_encode_dump_chains(&m, AF_BRIDGE),
		"14000000 040a0103 00000000 00000000 07000000");
	assert_message(nft_encode_dump_rules(&m, AF_INET, "wirespan-a"),
		"24000000 070a0103 00000000 00000000 02000000"
		"0f000100 77697265 7370616e 2d610000");
	assert_message(
		nft_encode_get_generation(&m), "14000000 100a0100 00000000 00000000 00000000");
}

static void test_delete_table(void **state)
{
	struct nl_msg m;

	assert_message(nft_encode_delete_table(&m, AF_BRIDGE, "wirespan-a"),
		"24000000 020a0100 00000000 00000000 07000000"
		"0f000100 77697265 7370616e 2d610000");
}

static void test_batch(void **state)
{
	struct nl_msg m;

	assert_message(nft_encode_batch(&m, NFNL_MSG_BATCH_BEGIN),
		"14000000 10000100 00000000 00000000 0000000a");
	assert_message(nft_encode_batch(&m, NFNL_MSG_BATCH_END),
		"14000000 11000100 00000000 00000000 0000000a");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_get_table),
		cmocka_unit_test(test_dumps), cmocka_unit_test(test_delete_table),
		cmocka_unit_test(test_batch) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
