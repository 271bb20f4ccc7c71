/* SPDX-License-Identifier: MIT */
/* Tests of the rule set that clamps TCP segment sizes, in the kernel: made, replaced, removed. */
#include "netlink/nft_mss.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "netlink/nft_table.h"
#include "netlink/test_netns.h"

#define LIST_MAX 8192

void *__wrap_dlopen(const char *name, int flags);
void *__real_dlopen(const char *name, int flags);

static bool no_library;

void *__wrap_dlopen(const char *name, int flags)
{
	return no_library ? NULL : __real_dlopen(name, flags);
}

/* All rules of the namespace, "" if there are none. */
static const char *list(char buf[static LIST_MAX])
{
	FILE *nft = popen("nft list ruleset", "r");
	size_t n;

	assert_non_null(nft);
	n = fread(buf, 1, LIST_MAX - 1, nft);
	buf[n] = '\0';
	assert_int_equal(pclose(nft), 0);
	return buf;
}

static void set(const char *site, const struct nft_mss_rule *rules, size_t n)
{
	struct error error = { 0 };

	if (nft_mss_set(site, rules, n, &error) < 0)
		fail_msg("%s %s", error.problem, error.hint);
}

/* How often a text occurs. */
static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

static void test_life(void **state)
{
	static const struct nft_mss_rule two[] = { { "l2tpeth0", 1300, 1280 },
		{ "l2tp+x", 1200, 0 } };
	static const struct nft_mss_rule one = { "l2tpeth0", 1250, 1230 };
	char buf[LIST_MAX];

	set("a+b", NULL, 0); /* there is none */
	assert_string_equal(list(buf), "");
	set("a+b", two, ARRAY_LEN(two));
	set("other", &one, 1);
	list(buf);
	assert_int_equal(count(buf, "table bridge wirespan-"), 2);
	assert_int_equal(count(buf, "\"l2tpeth0\" meta protocol ip tcp flags"), 4);
	assert_int_equal(
		count(buf, "ifname \"l2tp+x\" meta protocol ip tcp flags syn / syn,rst "
			   "tcp option maxseg size > 1200 tcp option maxseg size set 1200"),
		2);
	set("a+b", &one, 1);
	list(buf);
	assert_int_equal(count(buf, "table bridge wirespan-"), 2);
	assert_int_equal(count(buf, "l2tp+x"), 0);
	assert_int_equal(count(buf, "maxseg size set 1250"), 4);
	set("a+b", NULL, 0);
	assert_int_equal(count(list(buf), "table bridge wirespan-"), 1);
	set("other", NULL, 0);
	assert_string_equal(list(buf), "");
}

static void run(const char *command)
{
	assert_int_equal(system(command), 0);
}

/* What others change in the table is found, and what they do elsewhere is not. */
static void test_compare(void **state)
{
	static const struct nft_mss_rule one = { "l2tpeth0", 1250, 1230 };
	static const struct {
		const char *command;
		int is;
	} cases[] = {
		{ "nft add table bridge other", NFT_TABLE_AS_MADE },
		{ "nft flush table bridge wirespan-a", NFT_TABLE_CHANGED },
		{ "nft add rule bridge wirespan-a prerouting drop", NFT_TABLE_CHANGED },
		{ "nft add chain bridge wirespan-a c '{ type filter hook input priority 0; }'",
			NFT_TABLE_CHANGED },
		{ "nft add chain bridge wirespan-a prerouting '{ policy drop; }'",
			NFT_TABLE_CHANGED },
		{ "nft add chain bridge wirespan-a unused", NFT_TABLE_AS_MADE },
		{ "nft add table bridge wirespan-a '{ flags dormant; }'", NFT_TABLE_CHANGED },
		{ "nft delete table bridge wirespan-a", NFT_TABLE_ABSENT },
	};
	struct nft_table_mark none = { 0 };
	struct nft_table_mark mark;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		set("a", &one, 1);
		if (i == 0)
			assert_int_equal(nft_table_learn(AF_BRIDGE, "wirespan-a", &mark), 0);
		assert_int_equal(
			nft_table_compare(AF_BRIDGE, "wirespan-a", &mark), NFT_TABLE_AS_MADE);
		run(cases[i].command);
		assert_int_equal(nft_table_compare(AF_BRIDGE, "wirespan-a", &mark), cases[i].is);
		assert_int_equal(nft_table_compare(AF_BRIDGE, "wirespan-a", &none),
			cases[i].is ? NFT_TABLE_AS_MADE : NFT_TABLE_ABSENT);
	}
	assert_int_equal(nft_table_learn(AF_BRIDGE, "wirespan-a", &mark), -ENOENT);
	assert_int_equal(mark.content, 0);
	run("nft delete table bridge other");
}

/* What nf_tables refuses is reported with its text. */
static void test_refused(void **state)
{
	static const struct nft_mss_rule rule = { "much-too-long-for-an-interface", 1300, 1280 };
	struct error error = { 0 };
	char buf[LIST_MAX];

	assert_true(nft_mss_set("vpn01", &rule, 1, &error) < 0);
	assert_non_null(strstr(error.problem, "table bridge wirespan-vpn01: "));
	assert_non_null(strstr(error.problem, "Error: "));
	assert_string_equal(list(buf), "");
}

/* Without libnftables nothing is clamped, but a table that was made before can be removed. */
static void test_without_library(void **state)
{
	static const struct nft_mss_rule one = { "l2tpeth0", 1250, 1230 };
	struct error error = { 0 };
	char buf[LIST_MAX];

	set("a+b", &one, 1);
	no_library = true;
	assert_int_equal(nft_mss_set("vpn01", &one, 1, &error), -ENOENT);
	assert_non_null(strstr(error.problem, "libnftables.so.1 cannot be loaded"));
	assert_int_equal(count(list(buf), "table bridge wirespan-"), 1);
	set("a+b", NULL, 0);
	set("a+b", NULL, 0); /* there is none now */
	assert_string_equal(list(buf), "");
	no_library = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_without_library),
	};

	test_netns_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
