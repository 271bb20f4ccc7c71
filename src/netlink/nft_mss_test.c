/* SPDX-License-Identifier: MIT */
/* Tests of the rule set that clamps TCP segment sizes: its script, and names. */
#include "netlink/nft_mss.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

static void assert_script(
	const char *site, const struct nft_mss_rule *rules, size_t n, const char *expected)
{
	struct text text = { 0 };
	char *script;
	size_t len;

	nft_mss_script(&text, site, rules, n);
	assert_int_equal(text_take(&text, &script, &len), 0);
	assert_string_equal(script, expected);
	free(script);
}

static void test_script(void **state)
{
	static const struct nft_mss_rule rules[] = { { "l2tpeth0", 1300, 1280 },
		{ "l2tpeth1", 1200, 0 } };

	assert_script("vpn01", rules, ARRAY_LEN(rules),
		"add table bridge wirespan-vpn01\n"
		"delete table bridge wirespan-vpn01\n"
		"table bridge wirespan-vpn01 {\n"
		"chain prerouting {\n"
		"type filter hook prerouting priority -150; policy accept;\n"
		"meta iifname \"l2tpeth0\" meta protocol ip tcp flags & (syn | rst) == syn "
		"tcp option maxseg size > 1300 tcp option maxseg size set 1300\n"
		"meta iifname \"l2tpeth0\" meta protocol ip6 tcp flags & (syn | rst) == syn "
		"tcp option maxseg size > 1280 tcp option maxseg size set 1280\n"
		"meta iifname \"l2tpeth1\" meta protocol ip tcp flags & (syn | rst) == syn "
		"tcp option maxseg size > 1200 tcp option maxseg size set 1200\n"
		"}\n"
		"chain postrouting {\n"
		"type filter hook postrouting priority -150; policy accept;\n"
		"meta oifname \"l2tpeth0\" meta protocol ip tcp flags & (syn | rst) == syn "
		"tcp option maxseg size > 1300 tcp option maxseg size set 1300\n"
		"meta oifname \"l2tpeth0\" meta protocol ip6 tcp flags & (syn | rst) == syn "
		"tcp option maxseg size > 1280 tcp option maxseg size set 1280\n"
		"meta oifname \"l2tpeth1\" meta protocol ip tcp flags & (syn | rst) == syn "
		"tcp option maxseg size > 1200 tcp option maxseg size set 1200\n"
		"}\n"
		"}\n");
}

#define LONGEST                                                                                    \
	"a-name-of-eighty-seven-letters-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/* Two sites never share a table, and no name ends the script's word. */
static void test_names(void **state)
{
	char buf[NFT_MSS_TABLE_LEN];
	char other[NFT_MSS_TABLE_LEN];

	assert_string_equal(nft_mss_table("a+b=c", buf), "wirespan-a/2bb/3dc");
	assert_string_equal(nft_mss_table("a;b c", buf), "wirespan-a/3bb/20c");
	assert_string_equal(nft_mss_table("_.-9", buf), "wirespan-_.-9");
	assert_string_equal(nft_mss_table("===============", buf),
		"wirespan-/3d/3d/3d/3d/3d/3d/3d/3d/3d/3d/3d/3d/3d/3d/3d");
	/* the longest names that a control socket can have, which differ at their ends */
	nft_mss_table(LONGEST "a", buf);
	nft_mss_table(LONGEST "b", other);
	assert_string_not_equal(buf, other);
	assert_true(strlen(nft_mss_table(LONGEST LONGEST LONGEST LONGEST, buf)) < sizeof(buf));
}

static void test_odd_interface(void **state)
{
	static const char *const names[] = { "l2tp*", "a\"b", "a\\b" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct nft_mss_rule rule = { names[i], 1300, 1280 };
		struct error error = { 0 };

		assert_int_equal(nft_mss_set("vpn01", &rule, 1, &error), -EINVAL);
		assert_non_null(strstr(error.problem, names[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_script),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_odd_interface),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
