/* SPDX-License-Identifier: MIT */
/* Tests of the comparison of two sites of one host. */
#include "conf/compare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "conf/test_conf.h"

#define KEYS                                                                                       \
	"PrivateKey = +KR6xCvxk3MZ1Y/4a8R5sXS5I2mNzVZoa3Yox5n6qG0=\n"                              \
	"[Peer]\nPublicKey = plQhgah/od+4eyAutHMahlotYnHdMg3A2m7MGNzSqSo=\n"
#define KERNEL "[Site]\nBackend = kernel\n"
#define IDS(name, tunnel, session)                                                                 \
	"[L2TP]\nTunnelId = " tunnel "\nPeerTunnelId = 1\nLocal = 10.0.1.1\nRemote = 10.0.1.2\n"   \
	"[L2TPSession]\nName = " name "\nSessionId = " session "\nPeerSessionId = 1\n"

static void load(struct conf_site *site, const char *name, const char *text)
{
	test_conf(site, name, text);
	free(site->files[0]);
	assert_int_not_equal(asprintf(&site->files[0], "%s.conf", name), -1);
}

/* Compare site b with site a. All problems, without hints, are `expected`. */
static void expect(const char *a, const char *b, const char *expected)
{
	struct conf_report report = { 0 };
	struct conf_site one;
	struct conf_site two;
	char found[2048] = "";

	load(&one, "a", a);
	load(&two, "b", b);
	conf_compare(&two, &one, &report);
	conf_report_sort(&report);
	for (size_t i = 0; i < report.n; i++) {
		char *text = conf_problem_text(&report.v[i], &two);

		assert_non_null(report.v[i].hint);
		*strchr(text, '\n') = '\0';
		strcat(strcat(found, text), "\n");
		free(text);
	}
	assert_string_equal(found, expected);
	conf_report_fini(&report);
	conf_site_fini(&one);
	conf_site_fini(&two);
}

static void test_defaults(void **state)
{
	const char *text = "[Interface]\nListenPort = 8172\n" KEYS "[Bridge]\nMember = eth1\n";

	expect(text, text,
		"b.conf:1: error: Name: \"wg0\" is also the name in a.conf, line 1\n"
		"b.conf:2: error: ListenPort: UDP port 8172 is also in a.conf, line 2\n"
		"b.conf:6: error: Name: \"br-l2tp0\" is also the name in a.conf, line 6\n"
		"b.conf:7: error: Member: \"eth1\" is also a member in a.conf, line 7\n");
}

/* What two sites may share. */
static void test_apart(void **state)
{
	expect("[Interface]\nName = wg1\nListenPort = 1\nAddress = 10.0.1.1/24\n" KEYS
	       "AllowedIPs = 0.0.0.0/0, 10.0.1.0/24\n" IDS(
		       "l2tpeth0", "1", "2") "[Bridge]\n"
					     "Name = br0\nAdopt = yes\nMember = eth1\n",
		"[Interface]\nName = wg2\nListenPort = 2\nAddress = 10.0.2.1/24\n" KEYS
		"AllowedIPs = 0.0.0.0/0, 10.0.2.0/24\n" IDS(
			"l2tpeth1", "1", "2") "[Bridge]\n"
					      "Name = br0\nAdopt = yes\nMember = eth1\n",
		"b.conf:8: warning: AllowedIPs: 0.0.0.0/0 overlaps 0.0.0.0/0 in a.conf, line 8: "
		"packets to what both contain leave by one of the two tunnels only\n");
	expect("[Interface]\nName = wg1\n" KEYS "AllowedIPs = 10.0.0.0/8\n",
		"[Interface]\nName = wg2\nTable = off\n" KEYS "AllowedIPs = 10.0.0.0/8\n", "");
}

static void test_networks(void **state)
{
	expect("[Interface]\nName = wg1\nAddress = 10.0.1.1/24, fd00::1/64\nFwMark = 7\n" KEYS
	       "AllowedIPs = 0.0.0.0/0, 10.1.0.0/16, 10.2.0.0/16\n",
		"[Interface]\nName = wg2\nFwMark = 7\n" KEYS
		"AllowedIPs = 0.0.0.0/0, 10.1.0.0/16, 10.2.3.0/24\n"
		"[Bridge]\nAddress = 10.0.1.9/16, fd00::1/64, 10.0.1.1/32\n",
		"b.conf:7: error: AllowedIPs: 0.0.0.0/0 is also in a.conf, line 8: there can be "
		"one route to it only\n"
		"b.conf:7: error: AllowedIPs: 10.1.0.0/16 is also in a.conf, line 8: there can be "
		"one route to it only\n"
		"b.conf:7: warning: AllowedIPs: 10.2.3.0/24 overlaps 10.2.0.0/16 in a.conf, line "
		"8: packets to what both contain leave by one of the two tunnels only\n"
		"b.conf:9: warning: Address: the subnet of 10.0.1.9/16 overlaps that of "
		"10.0.1.1/24 in a.conf, line 3: packets to it leave by one of the two interfaces "
		"only\n"
		"b.conf:9: warning: Address: fd00::1/64 is also in a.conf, line 3\n"
		"b.conf:9: warning: Address: 10.0.1.1/32 is also in a.conf, line 3\n");
}

static void test_ids(void **state)
{
	expect(KERNEL "[Interface]\nName = wg1\n" KEYS IDS("one", "5", "6"),
		KERNEL "[Interface]\nName = wg2\n" KEYS IDS("two", "5", "6"),
		"b.conf:9: error: TunnelId: 5 is also in a.conf, line 9, and the kernel has each "
		"id once\n"
		"b.conf:15: error: SessionId: 6 is also in a.conf, line 15, and the kernel has "
		"each id once\n");
	expect(KERNEL "[Interface]\nName = wg1\n" KEYS IDS("one", "5", "6"),
		"[Interface]\nName = wg2\n" KEYS IDS("one", "5", "6"),
		"b.conf:12: error: Name: \"one\" is also the name in a.conf, line 14\n");
}

static void test_same_site(void **state)
{
	struct conf_report report = { 0 };
	struct conf_site one;
	struct conf_site two;

	load(&one, "a", "[Interface]\nName = wg1\n" KEYS);
	load(&two, "a", "[Interface]\nName = wg2\n" KEYS);
	conf_compare(&two, &one, &report);
	assert_int_equal(report.n, 0); /* the same file */
	free(one.files[0]);
	one.files[0] = strdup("old/a.conf");
	conf_compare(&two, &one, &report);
	assert_int_equal(report.n_errors, 1);
	assert_string_equal(
		report.v[0].text, "this file and old/a.conf are of the same site, \"a\"");
	conf_report_fini(&report);
	conf_site_fini(&one);
	conf_site_fini(&two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_apart),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_same_site),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
