/* SPDX-License-Identifier: MIT */
/* Tests of the parser: every key's value, the syntax that wg-quick allows, bytes that are not text,
 * and the printer's output of a model. */
#include "conf/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "conf/complete.h"
#include "conf/print.h"
#include "conf/test_conf.h"

#define KEY_A "+KR6xCvxk3MZ1Y/4a8R5sXS5I2mNzVZoa3Yox5n6qG0="
#define KEY_B "plQhgah/od+4eyAutHMahlotYnHdMg3A2m7MGNzSqSo="
#define KEY_C "4AIb6i+kAestJ85t7KYTtElDFGN5CGP3xeDaoYFsNkE="

/* Every key of every section. */
static const char everything[] = "[Site]\n"
				 "Backend = kernel\n"
				 "User = daemon\n"
				 "[Interface]\n"
				 "Name = wg7\n"
				 "PrivateKey = " KEY_A "\n"
				 "ListenPort = 8172\n"
				 "Address = 10.0.1.11/24, fd00::11/64\n"
				 "Address = 10.9.9.9\n"
				 "MTU = 1400\n"
				 "FwMark = 0xCA6C\n"
				 "Bandwidth = 19M\n"
				 "Table = 1234\n"
				 "DNS = 10.0.0.1, example.org\n"
				 "PreUp = echo up; echo %i\n"
				 "PostUp = a = b\n"
				 "PreDown = one\n"
				 "PreDown = two\n"
				 "PostDown = three\n"
				 "[Peer]\n"
				 "PublicKey = " KEY_B "\n"
				 "PresharedKey = " KEY_C "\n"
				 "Endpoint = [2001:db8::1]:51820\n"
				 "AllowedIPs = 10.0.1.21/32,fd00::/64\n"
				 "PersistentKeepalive = 25\n"
				 "Bandwidth = 9.5mbit\n"
				 "[Peer]\n"
				 "PublicKey = " KEY_C "\n"
				 "Endpoint = vpn.example.org:1\n"
				 "[L2TP]\n"
				 "TunnelId = 4294967295\n"
				 "PeerTunnelId = 0x10\n"
				 "Local = 10.0.1.11\n"
				 "Remote = 10.0.1.21\n"
				 "EncapsulationType = UDP\n"
				 "UDPSourcePort = 5000\n"
				 "UDPDestinationPort = 5001\n"
				 "UDPChecksum = on\n"
				 "[L2TPSession]\n"
				 "Name = wire0\n"
				 "SessionId = 1\n"
				 "PeerSessionId = 2\n"
				 "Layer2SpecificHeader = none\n"
				 "Cookie = 01020304\n"
				 "PeerCookie = aABbCCdd00112233\n"
				 "Sequence = both\n"
				 "MTU = 1500\n"
				 "ClampMSS = 1200\n"
				 "Oversize = reject\n"
				 "Bridge = br1\n"
				 "[L2TPSession]\n"
				 "SessionId = 3\n"
				 "PeerSessionId = 4\n"
				 "ClampMSS = no\n"
				 "Bridge = none\n"
				 "[L2TP]\n"
				 "Remote = fd00::21\n"
				 "EncapsulationType = ip\n"
				 "[Bridge]\n"
				 "Name = br1\n"
				 "Address = 10.0.2.11/24\n"
				 "Member = eth1 eth2\n"
				 "Member = eth3\n"
				 "STP = yes\n"
				 "[Bridge]\n";

static int parse(const void *bytes, size_t len, struct conf_site *site, struct conf_report *report)
{
	struct conf_source source = {
		.name = "site.conf", .folder = "/etc/wirespan", .bytes = bytes, .len = len
	};
	int result;

	conf_site_init(site);
	result = conf_parse(site, &source, report);
	conf_complete(site, report);
	return result;
}

/* Parse a text without errors. */
static void parse_right(const char *text, struct conf_site *site)
{
	struct conf_report report = { 0 };

	assert_int_equal(parse(text, strlen(text), site, &report), 0);
	for (size_t i = 0; i < report.n; i++)
		print_error("%u: %s\n", report.v[i].at.line, report.v[i].text);
	assert_int_equal(report.n, 0);
}

static void expect_prefixes(const struct conf_prefixes *list, const char *expected)
{
	char all[256] = "";
	char one[IP_PREFIX_TEXT_LEN];

	for (size_t i = 0; i < list->n; i++) {
		strcat(all, i ? " " : "");
		strcat(all, ip_prefix_text(&list->v[i].prefix, one));
	}
	assert_string_equal(all, expected);
}

static void expect_texts(const struct conf_texts *list, const char *expected)
{
	char all[256] = "";

	for (size_t i = 0; i < list->n; i++) {
		strcat(all, i ? "|" : "");
		strcat(all, list->v[i].text);
	}
	assert_string_equal(all, expected);
}

static void expect_key(const uint8_t key[static KEY_LEN], const char *expected)
{
	char text[KEY_BASE64_LEN + 1];

	key_to_base64(key, text);
	assert_string_equal(text, expected);
}

static void test_interface(void **state)
{
	struct conf_site site;
	const struct conf_interface *wg = &site.interface;

	parse_right(everything, &site);
	assert_int_equal(site.backend, CONF_BACKEND_KERNEL);
	assert_string_equal(site.user, "daemon");
	assert_string_equal(wg->name, "wg7");
	assert_true(wg->has_private_key);
	expect_key(wg->private_key, KEY_A);
	assert_int_equal(wg->listen_port, 8172);
	expect_prefixes(&wg->addresses, "10.0.1.11/24 fd00::11/64 10.9.9.9/32");
	assert_int_equal(wg->mtu, 1400);
	assert_int_equal(wg->fwmark, 0xca6c);
	assert_int_equal(wg->table, CONF_TABLE_NUMBER);
	assert_int_equal(wg->table_number, 1234);
	expect_texts(&wg->dns, "10.0.0.1|example.org");
	expect_texts(&wg->pre_up, "echo up; echo %i");
	expect_texts(&wg->post_up, "a = b");
	expect_texts(&wg->pre_down, "one|two");
	expect_texts(&wg->post_down, "three");
	assert_int_equal(wg->section.line, 4);
	assert_int_equal(wg->at[CONF_INTERFACE_MTU].line, 10);
	assert_int_equal(wg->addresses.v[2].at.line, 9);
	conf_site_fini(&site);
}

static void test_peers(void **state)
{
	struct conf_site site;

	parse_right(everything, &site);
	assert_int_equal(site.n_peers, 2);
	expect_key(site.peers[0].public_key, KEY_B);
	assert_true(site.peers[0].has_preshared_key);
	expect_key(site.peers[0].preshared_key, KEY_C);
	assert_string_equal(site.peers[0].endpoint_host, "2001:db8::1");
	assert_int_equal(site.peers[0].endpoint_port, 51820);
	expect_prefixes(&site.peers[0].allowed_ips, "10.0.1.21/32 fd00::/64");
	assert_int_equal(site.peers[0].keepalive_s, 25);
	assert_int_equal(site.peers[0].bandwidth, 9500000);
	assert_int_equal(site.peers[1].bandwidth, 0);
	assert_int_equal(site.interface.bandwidth, 19000000);
	assert_false(site.peers[1].has_preshared_key);
	assert_string_equal(site.peers[1].endpoint_host, "vpn.example.org");
	assert_int_equal(site.peers[1].keepalive_s, 0);
	conf_site_fini(&site);
}

static void test_tunnels(void **state)
{
	static const uint8_t cookie[] = { 1, 2, 3, 4, 0, 0, 0, 0 };
	static const uint8_t peer_cookie[] = { 0xaa, 0xbb, 0xcc, 0xdd, 0, 0x11, 0x22, 0x33 };
	struct conf_site site;
	const struct conf_tunnel *t;
	const struct conf_session *s;

	parse_right(everything, &site);
	assert_int_equal(site.n_tunnels, 2);
	t = &site.tunnels[0];
	assert_int_equal(t->tunnel_id, 4294967295);
	assert_int_equal(t->peer_tunnel_id, 16);
	assert_int_equal(t->encap, L2TP_ENCAP_UDP);
	assert_int_equal(t->udp_source_port, 5000);
	assert_int_equal(t->udp_destination_port, 5001);
	assert_true(t->udp_checksum && conf_tunnel_has_checksum(t));
	assert_int_equal(t->n_sessions, 2);
	s = &t->sessions[0];
	assert_string_equal(s->name, "wire0");
	assert_int_equal(s->options.sublayer, L2TP_SUBLAYER_NONE);
	assert_int_equal(s->cookie_len, 4);
	assert_memory_equal(s->cookie, cookie, 8);
	assert_int_equal(s->peer_cookie_len, 8);
	assert_memory_equal(s->peer_cookie, peer_cookie, 8);
	assert_int_equal(s->options.sequence, L2TP_SEQUENCE_BOTH);
	assert_int_equal(s->mtu, 1500);
	assert_int_equal(s->options.clamp_mss, 1200);
	assert_int_equal(s->options.oversize, L2TP_OVERSIZE_REJECT);
	assert_string_equal(s->bridge, "br1");
	assert_int_equal(s[1].options.clamp_mss, L2TP_CLAMP_OFF);
	assert_string_equal(s[1].bridge, "");
	assert_int_equal(site.tunnels[1].encap, L2TP_ENCAP_IP);
	assert_int_equal(site.tunnels[1].section.line, 56);
	conf_site_fini(&site);
}

static void test_bridges(void **state)
{
	struct conf_site site;

	parse_right(everything, &site);
	assert_int_equal(site.n_bridges, 2);
	assert_string_equal(site.bridges[0].name, "br1");
	expect_prefixes(&site.bridges[0].addresses, "10.0.2.11/24");
	expect_texts(&site.bridges[0].members, "eth1|eth2|eth3");
	assert_true(site.bridges[0].stp);
	assert_string_equal(site.bridges[1].name, "br-l2tp0");
	assert_false(site.bridges[1].stp);
	conf_site_fini(&site);
}

/* Values that the file does not set. */
static void test_defaults(void **state)
{
	struct conf_site site;
	const struct conf_session *s;

	parse_right("[Interface]\nAddress = 10.7.0.1/24, 10.0.1.11/24\nAddress = fd00::9/128\n"
		    "[L2TP]\nRemote = 10.0.1.21\n[L2TPSession]\n[L2TPSession]\n"
		    "[L2TP]\nRemote = fd00::1\n[L2TPSession]\n[Bridge]\nName = b",
		&site);
	assert_string_equal(site.interface.name, "wg0");
	assert_int_equal(site.interface.mtu, 0);
	assert_int_equal(site.interface.table, CONF_TABLE_AUTO);
	assert_int_equal(site.tunnels[0].udp_source_port, 1701);
	assert_int_equal(site.tunnels[0].udp_destination_port, 1701);
	assert_false(conf_tunnel_has_checksum(&site.tunnels[0]));
	assert_true(conf_tunnel_has_checksum(&site.tunnels[1]));
	/* the address in Remote's subnet, or the only one of its family */
	assert_true(
		ip_addr_equal(&site.tunnels[0].local, &site.interface.addresses.v[1].prefix.addr));
	assert_true(
		ip_addr_equal(&site.tunnels[1].local, &site.interface.addresses.v[2].prefix.addr));
	s = site.tunnels[0].sessions;
	assert_string_equal(s[0].name, "l2tpeth0");
	assert_string_equal(s[1].name, "l2tpeth1");
	assert_string_equal(site.tunnels[1].sessions[0].name, "l2tpeth2");
	assert_string_equal(s[0].bridge, "b");
	assert_int_equal(s[0].options.sublayer, L2TP_SUBLAYER_DEFAULT);
	assert_int_equal(s[0].options.clamp_mss, L2TP_CLAMP_PATH);
	assert_int_equal(s[0].options.oversize, L2TP_OVERSIZE_FRAGMENT);
	assert_int_equal(s[0].mtu, 0);
	conf_site_fini(&site);
}

/* Several spellings of the same configuration. */
static void test_spellings(void **state)
{
	static const char plain[] = "[Interface]\nListenPort = 8172\nFwMark = 0\n"
				    "Address = 10.0.0.1/24\nAddress = 10.0.0.2/24\n"
				    "[Bridge]\nSTP = yes\n";
	static const struct {
		const char *text;
		size_t len;
	} table[] = {
#define TEXT(s) { s, sizeof(s) - 1 }
		TEXT("\xef\xbb\xbf[Interface]\nListenPort = 8172\nAddress=10.0.0.1/24,10.0.0.2/24\n"
		     "[Bridge]\nSTP=1"),
		TEXT("[interface]\r\nLISTENPORT = 8172\r\nAddress = 10.0.0.1/24\r\n"
		     "Address = 10.0.0.2/24\r\n[BRIDGE]\r\nstp = TRUE\r\n"),
		TEXT("[Site]\nUser = Dynamic\nBackend = AUTO\nIsolation = YES\n[Interface]\n"
		     "ListenPort = 8172\nAddress = 10.0.0.1/24, 10.0.0.2/24\n[Bridge]\n"
		     "STP = Yes\n"),
		TEXT("# a comment\n; another\n  [ Interface ] # "
		     "third\n\tListenPort\t=\t8172\t#fourth\n"
		     "Address = 10.0.0.1/24 10.0.0.2/24\nFwMark = off\n\n\n[Bridge]\nSTP = on # "
		     "\n"),
		TEXT("[Interface]\nListenPort=0x1fec\nAddress=,10.0.0.1/24,,10.0.0.2/24,\nDNS =\n"
		     "[Bridge]\nSTP = Yes\nMember =\n"),
#undef TEXT
	};
	struct conf_site expected;

	parse_right(plain, &expected);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct conf_site site;

		parse_right(table[i].text, &site);
		assert_true(test_conf_equal(&site, &expected));
		conf_site_fini(&site);
	}
	conf_site_fini(&expected);
}

/* Zero, a documented default, is a number and may be written as any other. */
static void test_zero(void **state)
{
	static const char *const zeros[] = { "0", "00", "0x0", "0X0", "0x0000" };
	static const char *const rest = "\nFwMark = off\nBandwidth = "
					"off\n[Peer]\nPersistentKeepalive = off\nBandwidth = 0\n";
	struct conf_site expected;

	parse_right("[Interface]\nListenPort = 0\n[Peer]\n", &expected);
	for (size_t i = 0; i < ARRAY_LEN(zeros); i++) {
		struct conf_site site;
		char text[160];

		snprintf(text, sizeof(text), "[Interface]\nListenPort = %s%s", zeros[i], rest);
		parse_right(text, &site);
		assert_true(test_conf_equal(&site, &expected));
		conf_site_fini(&site);
		snprintf(text, sizeof(text),
			"[Interface]\nFwMark = %s\n[Peer]\nPersistentKeepalive = %s\n", zeros[i],
			zeros[i]);
		parse_right(text, &site);
		assert_true(test_conf_equal(&site, &expected));
		conf_site_fini(&site);
	}
	conf_site_fini(&expected);
}

/* Bytes that are not text: each is one problem, and the rest of the file is parsed. */
static void test_bytes(void **state)
{
	static char big[CONF_FILE_MAX + 2];
	static const char old_mac[] = "[Interface]\rListenPort = 5\r";
	static const char nul[] = "[Interface]\nMTU = 1\0\nListenPort = 5\n";
	struct conf_report report = { 0 };
	struct conf_site site;

	assert_int_equal(parse(nul, sizeof(nul) - 1, &site, &report), 0);
	assert_int_equal(report.n, 1);
	assert_int_equal(report.v[0].at.line, 2);
	assert_string_equal(report.v[0].text, "the line has a NUL byte");
	assert_int_equal(site.interface.listen_port, 5);
	conf_report_fini(&report);
	conf_site_fini(&site);

	assert_int_equal(parse(old_mac, sizeof(old_mac) - 1, &site, &report), 0);
	assert_int_equal(report.n, 1);
	assert_string_equal(report.v[0].text, "the lines end with CR alone");
	conf_report_fini(&report);
	conf_site_fini(&site);

	memset(big, 'x', sizeof(big));
	memcpy(big, "[Interface]\n", 12);
	memcpy(big + 12 + CONF_LINE_MAX + 1, "\nListenPort = 5\n", 16);
	assert_int_equal(parse(big, 12 + CONF_LINE_MAX + 1 + 16, &site, &report), 0);
	assert_int_equal(report.n, 1);
	assert_int_equal(report.v[0].at.line, 2);
	assert_string_equal(report.v[0].text, "the line is longer than 65536 bytes");
	assert_int_equal(site.interface.listen_port, 5);
	conf_report_fini(&report);
	conf_site_fini(&site);

	assert_int_equal(parse(big, CONF_FILE_MAX + 1, &site, &report), 0);
	assert_int_equal(report.n, 1);
	assert_string_equal(report.v[0].text, "the file is larger than 16 MiB");
	conf_report_fini(&report);
	conf_site_fini(&site);

	assert_int_equal(parse("", 0, &site, &report), 0);
	assert_int_equal(report.n, 0);
	conf_site_fini(&site);
}

/* A truncated file is parsed without crashing, at any length. */
static void test_every_prefix(void **state)
{
	for (size_t len = 0; len < sizeof(everything); len++) {
		char *bytes = malloc(len + 1); /* exact size, for the sanitizer */
		struct conf_report report = { 0 };
		struct conf_site site;

		memcpy(bytes, everything, len);
		assert_int_equal(parse(bytes, len, &site, &report), 0);
		conf_report_fini(&report);
		conf_site_fini(&site);
		free(bytes);
	}
}

static void test_round_trip(void **state)
{
	static const struct conf_notes notes = {
		.head = "two\nlines", .interface = "one", .session = "s", .bridge = "b\n"
	};
	struct conf_site first;
	struct conf_site second;
	size_t len;
	char *text;

	parse_right(everything, &first);
	assert_int_equal(conf_print(&first, NULL, &text, &len), 0);
	assert_int_equal(len, strlen(text));
	parse_right(text, &second);
	assert_true(test_conf_equal(&first, &second));
	conf_site_fini(&second);
	free(text);

	assert_int_equal(conf_print(&first, &notes, &text, &len), 0);
	assert_non_null(strstr(text, "# two\n# lines\n\n[Site]\n"));
	assert_non_null(strstr(text, "[Interface]\n# one\n"));
	parse_right(text, &second);
	assert_true(test_conf_equal(&first, &second));
	conf_site_fini(&second);
	free(text);
	conf_site_fini(&first);
}

/* Parse `KEY = value` for a session and print it. Return: the value read; `ret_line` is whether the
 * text has that line. */
static uint32_t read_option(size_t option, const char *value, bool *ret_line)
{
	char text[200];
	char line[80];
	char *printed;
	size_t len;
	struct conf_site site;
	uint32_t result;

	snprintf(line, sizeof(line), "%s = %s\n", l2tp_option_rows[option].key, value);
	snprintf(text, sizeof(text), "[Interface]\n[L2TP]\n[L2TPSession]\n%s", line);
	parse_right(text, &site);
	result = l2tp_options_get(&site.tunnels[0].sessions[0].options, option);
	assert_int_equal(site.tunnels[0].sessions[0].at[CONF_SESSION_OPTION + option].line, 4);
	assert_int_equal(conf_print(&site, NULL, &printed, &len), 0);
	*ret_line = strstr(printed, line) != NULL;
	free(printed);
	conf_site_fini(&site);
	return result;
}

/* Each option is parsed and printed in each word and at both ends of its range. */
static void test_options(void **state)
{
	for (size_t i = 0; i < L2TP_OPTIONS; i++) {
		const struct l2tp_option *row = &l2tp_option_rows[i];
		char number[16];
		bool has_line;

		for (uint32_t w = 0; w < row->n_words; w++) {
			assert_int_equal(read_option(i, row->words[w], &has_line), w);
			assert_int_equal(has_line, w != row->initial);
		}
		for (int end = 0; row->max && end < 2; end++) {
			uint32_t value = end ? row->max : row->min;

			snprintf(number, sizeof(number), "%u", value);
			assert_int_equal(read_option(i, number, &has_line), value);
			assert_int_equal(has_line, value != row->initial);
		}
	}
}

/* Changing any line of `everything` makes sites unequal: the comparison omits nothing. */
static void test_equal_sees_all(void **state)
{
	static const struct {
		const char *from;
		const char *to;
	} changes[] = {
		{ "kernel", "auto" },
		{ "wg7", "wg8" },
		{ "PrivateKey = +K", "PrivateKey = +L" },
		{ "8172", "8173" },
		{ "fd00::11/64", "fd00::11/65" },
		{ "1400", "1401" },
		{ "0xCA6C", "0xCA6D" },
		{ "Table = 1234", "Table = 1235" },
		{ "Table = 1234", "Table = off" },
		{ "example.org\n", "example.com\n" },
		{ "echo up", "echo on" },
		{ "a = b", "a = c" },
		{ "= one", "= uno" },
		{ "= three", "= tres" },
		{ "PublicKey = plQ", "PublicKey = plR" },
		{ "PresharedKey = 4A", "PresharedKey = 4B" },
		{ "db8::1", "db8::2" },
		{ "]:51820", "]:51821" },
		{ "1.21/32,", "1.22/32," },
		{ "= 25", "= 26" },
		{ "4294967295", "4294967294" },
		{ "0x10", "0x11" },
		{ "Local = 10.0.1.11", "Local = 10.9.9.9" },
		{ "Remote = 10.0.1.21", "Remote = 10.0.1.22" },
		{ "= UDP", "= IP" },
		{ "5000", "5002" },
		{ "5001", "5003" },
		{ "= on", "= off" },
		{ "wire0", "wire1" },
		{ "SessionId = 1\n", "SessionId = 9\n" },
		{ "PeerSessionId = 2", "PeerSessionId = 9" },
		{ "Header = none", "Header = default" },
		{ "01020304", "01020305" },
		{ "112233\n", "112234\n" },
		{ "both", "send" },
		{ "MTU = 1500", "MTU = 1501" },
		{ "1200", "1201" },
		{ "reject", "drop" },
		{ "Bridge = br1", "Bridge = br-l2tp0" },
		{ "10.0.2.11/24", "10.0.2.12/24" },
		{ "eth2", "eth4" },
		{ "STP = yes", "STP = no" },
	};
	struct conf_site first;

	parse_right(everything, &first);
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		const char *at = strstr(everything, changes[i].from);
		struct conf_site second;
		char text[sizeof(everything) + 64];

		assert_non_null(at);
		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - everything), everything,
			changes[i].to, at + strlen(changes[i].from));
		parse_right(text, &second);
		if (test_conf_equal(&first, &second))
			print_error("not detected: %s\n", changes[i].to);
		assert_false(test_conf_equal(&first, &second));
		conf_site_fini(&second);
	}
	conf_site_fini(&first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interface),
		cmocka_unit_test(test_peers),
		cmocka_unit_test(test_tunnels),
		cmocka_unit_test(test_bridges),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_spellings),
		cmocka_unit_test(test_zero),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_every_prefix),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_equal_sees_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
