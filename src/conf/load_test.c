/* SPDX-License-Identifier: MIT */
/* Tests of loading: included files, key files, and the effect of missing files and permissions. */
#include "conf/load.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define KEY_A "+KR6xCvxk3MZ1Y/4a8R5sXS5I2mNzVZoa3Yox5n6qG0="
#define KEY_C "fh3Q4mYnoeNSvBmD4PD87nrH3wpNQVGlshE71u2OcRA="
#define KEY_B "plQhgah/od+4eyAutHMahlotYnHdMg3A2m7MGNzSqSo="

/* A folder of files, emptied after each test. */
static char folder[] = "/tmp/wirespan-load-XXXXXX";
static const char *const names[] = { "site.conf", "wg5.conf", "a-name-that-is-too-long.conf", "key",
	"psk", "sub" };

static void put(const char *name, mode_t mode, const char *text)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(name, mode), 0);
}

/* Append a message, with the test's folder replaced by FOLDER. */
static void append_without_folder(char *reported, const char *text)
{
	const char *at;

	while ((at = strstr(text, folder))) {
		strncat(reported, text, (size_t)(at - text));
		strcat(reported, "FOLDER");
		text = at + strlen(folder);
	}
	strcat(reported, text);
}

/* Load site.conf and compare all problems, without hints, with `expected`. Return: the site. */
static struct conf_site load(const char *expected)
{
	struct conf_report report = { 0 };
	struct conf_site site;
	char reported[2048] = "";

	assert_int_equal(conf_load("site.conf", &site, &report), 0);
	conf_report_sort(&report);
	for (size_t i = 0; i < report.n; i++) {
		char *text = conf_problem_text(&report.v[i], &site);

		assert_non_null(report.v[i].hint);
		*strchr(text, '\n') = '\0';
		append_without_folder(reported, text);
		strcat(reported, "\n");
		free(text);
	}
	assert_string_equal(reported, expected);
	conf_report_fini(&report);
	return site;
}

static void expect(const char *expected)
{
	struct conf_site site = load(expected);

	conf_site_fini(&site);
}

static void test_include(void **state)
{
	struct conf_site site;

	put("site.conf", 0600, "[Site]\nWireGuard = wg5.conf\n[Bridge]\n");
	put("wg5.conf", 0600,
		"[Interface]\nPrivateKey = " KEY_A "\nAddress = 10.0.0.1/24\n[Peer]\n"
		"PublicKey = " KEY_B "\n");
	site = load("");
	assert_string_equal(site.name, "site");
	assert_string_equal(site.interface.name, "wg5");
	assert_true(site.interface.has_private_key);
	assert_int_equal(site.n_peers, 1);
	assert_int_equal(site.n_files, 2);
	assert_int_equal(site.peers[0].section.file, 1);
	assert_int_equal(site.peers[0].section.line, 4);
	assert_int_equal(site.bridges[0].section.file, 0);
	conf_site_fini(&site);
}

static void test_include_with_name(void **state)
{
	struct conf_site site;

	put("site.conf", 0600, "[Site]\nWireGuard = wg5.conf\n[Interface]\nName = tun9\n");
	put("wg5.conf", 0600, "[Interface]\nPrivateKey = " KEY_A "\n");
	site = load("");
	assert_string_equal(site.interface.name, "tun9");
	conf_site_fini(&site);
}

/* What is repeated in a file of wg-quick(8) counts as there: the last one, and one section. */
static void test_include_repeated(void **state)
{
	struct conf_site site;

	put("site.conf", 0600, "[Site]\nWireGuard = wg5.conf\n");
	put("wg5.conf", 0600,
		"[Interface]\nListenPort = 8172\nPrivateKey = " KEY_B "\nListenPort = 8173\n"
		"[Peer]\nPublicKey = " KEY_B "\nEndpoint = a.example:1\nEndpoint = b.example:2\n"
		"AllowedIPs = 10.0.0.1/32\nAllowedIPs = 10.0.0.2/32\n"
		"[Interface]\nPrivateKey = " KEY_A "\nMTU = 1400\n");
	site = load(
		"FOLDER/wg5.conf:4: warning: ListenPort is set twice in this [Interface], "
		"before in line 2: the last one counts, as with wg(8) and wg-quick(8)\n"
		"FOLDER/wg5.conf:8: warning: Endpoint is set twice in this [Peer], before in "
		"line 7: the last one counts, as with wg(8) and wg-quick(8)\n"
		"FOLDER/wg5.conf:11: warning: [Interface] appears twice, first in line 1: wg(8) "
		"merges the two, and so does wirespan\n"
		"FOLDER/wg5.conf:12: warning: PrivateKey is set twice in this [Interface], "
		"before in line 3: the last one counts, as with wg(8) and wg-quick(8)\n");
	assert_int_equal(site.interface.listen_port, 8173);
	assert_int_equal(site.interface.private_key[0], 0xf8);
	assert_int_equal(site.interface.mtu, 1400);
	assert_string_equal(site.peers[0].endpoint_host, "b.example");
	assert_int_equal(site.peers[0].endpoint_port, 2);
	assert_int_equal(site.peers[0].allowed_ips.n, 2);
	conf_site_fini(&site);
}

static void test_include_mistakes(void **state)
{
	put("site.conf", 0600,
		"[Site]\nWireGuard = wg5.conf\n[Interface]\nMTU = 1400\n[Peer]\nPublicKey = " KEY_B
		"\n");
	put("wg5.conf", 0600, "[Interface]\nMTU = 1300\nSaveConfig = true\n[Bridge]\n[Site]\n");
	expect("site.conf:4: error: MTU is set here, but [Site] WireGuard = includes a file for "
	       "it\n"
	       "site.conf:5: error: [Peer] is here, but [Site] WireGuard = includes a file for "
	       "it\n"
	       "FOLDER/wg5.conf:3: warning: SaveConfig: wirespan never writes to your file, "
	       "so changes made with wg(8) are not saved\n"
	       "FOLDER/wg5.conf:4: error: [Bridge] does not belong in a WireGuard file\n"
	       "FOLDER/wg5.conf:5: error: [Site] does not belong in a WireGuard file\n");

	put("site.conf", 0600, "[Site]\nWireGuard = /nonexistent/wg0.conf\n");
	expect("site.conf:2: error: cannot read /nonexistent/wg0.conf: No such file or "
	       "directory\n");

	put("site.conf", 0600, "[Site]\nWireGuard = a-name-that-is-too-long.conf\n");
	put("a-name-that-is-too-long.conf", 0600, "[Interface]\n");
	expect("site.conf:2: error: WireGuard: the file name is not a valid interface name\n");
}

static void test_key_files(void **state)
{
	struct conf_site site;
	char text[KEY_BASE64_LEN + 1];

	put("site.conf", 0600,
		"[Interface]\nPrivateKeyFile = key\n[Peer]\nPresharedKeyFile = psk\n");
	put("key", 0600, KEY_A "\n");
	put("psk", 0600, KEY_B);
	site = load("");
	assert_true(site.interface.has_private_key);
	key_to_base64(site.interface.private_key, text);
	assert_string_equal(text, KEY_A);
	key_to_base64(site.peers[0].preshared_key, text);
	assert_string_equal(text, KEY_B);
	conf_site_fini(&site);
}

static void test_key_file_mistakes(void **state)
{
	static const struct {
		const char *text;
		mode_t mode;
		const char *reported;
	} table[] = {
		{ KEY_A "\n", 0640, "" },
		{ KEY_A "\n", 0644,
			"site.conf:2: error: PrivateKeyFile: all users of this host can read "
			"the "
			"key in FOLDER/key\n" },
		{ "", 0600, "site.conf:2: error: PrivateKeyFile: FOLDER/key contains no key\n" },
		{ "PrivateKey = " KEY_A "\n", 0600,
			"site.conf:2: error: PrivateKeyFile: FOLDER/key contains no key\n" },
		{ KEY_A KEY_A "\n", 0600,
			"site.conf:2: error: PrivateKeyFile: FOLDER/key contains no key\n" },
	};

	put("site.conf", 0600, "[Interface]\nPrivateKeyFile = key\n");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		put("key", table[i].mode, table[i].text);
		expect(table[i].reported);
	}
	unlink("key");
	expect("site.conf:2: error: PrivateKeyFile: cannot read FOLDER/key: No such file or "
	       "directory\n");
	assert_int_equal(mkdir("sub", 0755), 0);
	put("site.conf", 0600, "[Interface]\nPrivateKeyFile = sub\n");
	expect("site.conf:2: error: PrivateKeyFile: cannot read FOLDER/sub: Is a directory\n");
	put("site.conf", 0600, "[Interface]\nPrivateKeyFile = /dev/zero\n");
	expect("site.conf:2: error: PrivateKeyFile: cannot read /dev/zero: Invalid argument\n");
}

static void test_readable_site(void **state)
{
	put("site.conf", 0644, "[Interface]\nPrivateKey = " KEY_A "\n");
	expect("site.conf:2: warning: all users of this host can read the keys in site.conf\n");
	put("site.conf", 0644, "[Peer]\n[Peer]\nPresharedKey = " KEY_A "\n");
	expect("site.conf:3: warning: all users of this host can read the keys in site.conf\n");
	put("site.conf", 0644, "[Peer]\nPublicKey = " KEY_A "\n");
	expect("");
	/* a closed folder protects the file */
	put("site.conf", 0644, "[Interface]\nPrivateKey = " KEY_A "\n");
	assert_int_equal(chmod(".", 0700), 0);
	expect("");
	assert_int_equal(chmod(".", 0755), 0);
}

static void test_unreadable_site(void **state)
{
	struct conf_report report = { 0 };
	struct conf_site site;

	assert_int_equal(conf_load("site.conf", &site, &report), -ENOENT);
	assert_int_equal(report.n_errors, 1);
	assert_int_equal(report.n_of_host, 0);
	assert_string_equal(report.v[0].text, "cannot read site.conf: No such file or directory");
	conf_report_fini(&report);
	conf_site_fini(&site);
}

/* A limit is no mistake in the file. */
static void test_limit(void **state)
{
	struct conf_report report = { 0 };
	struct rlimit before;
	struct conf_site site;

	put("site.conf", 0600, "[Interface]\n");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 0, before.rlim_max }), 0);
	assert_int_equal(conf_load("site.conf", &site, &report), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(report.n_errors, 1);
	assert_int_equal(report.n_of_host, 1);
	assert_string_equal(report.v[0].hint, "raise the limit of open files");
	conf_report_fini(&report);
	conf_site_fini(&site);
}

static void test_path(void **state)
{
	static const struct {
		const char *given;
		const char *path;
	} table[] = {
		{ "vpn01", "/etc/wirespan/vpn01.conf" },
		{ "vpn.01", "/etc/wirespan/vpn.01.conf" },
		{ "vpn01.conf", "vpn01.conf" },
		{ "./vpn01", "./vpn01" },
		{ "/x/y", "/x/y" },
		{ ".conf", "/etc/wirespan/.conf.conf" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char *path = conf_path(table[i].given);

		assert_string_equal(path, table[i].path);
		free(path);
	}
}

static int empty_folder(void **state)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		remove(names[i]);
	return 0;
}

/* Several [Peer] of one key, as `wg setconf` takes them (checked with wg(8) and wireguard-go). */
static void test_include_repeated_peers(void **state)
{
	struct conf_site site;
	const struct conf_peer *peer;
	char text[IP_PREFIX_TEXT_LEN];

	(void)state;
	put("site.conf", 0600, "[Site]\nWireGuard = wg5.conf\n");
	put("key", 0600, KEY_B "\n");
	put("wg5.conf", 0600,
		"[Interface]\nPrivateKey = " KEY_A "\nListenPort = 1\n"
		"[Peer]\nPublicKey = " KEY_B "\nPresharedKey = " KEY_C "\nEndpoint = 192.0.2.1:1\n"
		"AllowedIPs = 10.1.0.0/24, 10.2.0.0/24\n"
		"[Peer]\nPublicKey = " KEY_C
		"\nAllowedIPs = 10.1.0.0/24, 10.9.0.0/24, 10.3.0.0/24\n"
		"[Peer]\nAllowedIPs = 10.3.0.0/24\nPersistentKeepalive = 9\nPublicKey = " KEY_B
		"\nPresharedKeyFile = key\nAllowedIPs = 10.4.0.0/24\n");
	site = load("FOLDER/wg5.conf:11: warning: AllowedIPs: 10.3.0.0/24 belongs to another "
		    "[Peer], in line 13: wg(8) gives it to the last one that lists it\n"
		    "FOLDER/wg5.conf:12: warning: [Peer] has the PublicKey of another one, in line "
		    "4: its values and its AllowedIPs replace those, as with wg(8)\n");
	assert_int_equal(site.n_peers, 2);
	peer = &site.peers[0];
	assert_int_equal(peer->section.line, 4);
	assert_string_equal(peer->endpoint_host, "192.0.2.1");
	assert_int_equal(peer->keepalive_s, 9);
	assert_int_equal(peer->at[CONF_PEER_PRESHARED_KEY].line, 0);
	assert_true(peer->has_preshared_key);
	assert_memory_equal(peer->preshared_key, peer->public_key, KEY_LEN);
	assert_int_equal(peer->allowed_ips.n, 2);
	assert_string_equal(ip_prefix_text(&peer->allowed_ips.v[0].prefix, text), "10.3.0.0/24");
	assert_string_equal(ip_prefix_text(&peer->allowed_ips.v[1].prefix, text), "10.4.0.0/24");
	peer = &site.peers[1];
	assert_int_equal(peer->section.line, 9);
	assert_int_equal(peer->allowed_ips.n, 2);
	assert_string_equal(ip_prefix_text(&peer->allowed_ips.v[0].prefix, text), "10.1.0.0/24");
	assert_string_equal(ip_prefix_text(&peer->allowed_ips.v[1].prefix, text), "10.9.0.0/24");
	conf_site_fini(&site);

	/* the last [Peer] of a key has no AllowedIPs: it has none, and others get none back */
	put("wg5.conf", 0600,
		"[Interface]\nPrivateKey = " KEY_A "\n[Peer]\nPublicKey = " KEY_B
		"\nEndpoint = 192.0.2.1:1\nAllowedIPs = 10.1.0.0/24\n[Peer]\nPublicKey = " KEY_C
		"\nAllowedIPs = 10.1.0.0/24\n[Peer]\nPublicKey = " KEY_C
		"\n[Peer]\nPublicKey = x\n[Peer]\nPublicKey = y\n");
	site = load("FOLDER/wg5.conf:6: warning: AllowedIPs: 10.1.0.0/24 belongs to another "
		    "[Peer], in line 9: wg(8) gives it to the last one that lists it\n"
		    "FOLDER/wg5.conf:10: warning: [Peer] has the PublicKey of another one, in line "
		    "7: its values and its AllowedIPs replace those, as with wg(8)\n"
		    "FOLDER/wg5.conf:13: error: PublicKey: not a key: it has 1 character instead "
		    "of 44\n"
		    "FOLDER/wg5.conf:15: error: PublicKey: not a key: it has 1 character instead "
		    "of 44\n");
	assert_int_equal(site.n_peers, 4);
	assert_int_equal(site.peers[0].allowed_ips.n, 0);
	assert_int_equal(site.peers[1].allowed_ips.n, 0);
	conf_site_fini(&site);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_include, empty_folder),
		cmocka_unit_test_teardown(test_include_with_name, empty_folder),
		cmocka_unit_test_teardown(test_include_repeated, empty_folder),
		cmocka_unit_test_teardown(test_include_repeated_peers, empty_folder),
		cmocka_unit_test_teardown(test_include_mistakes, empty_folder),
		cmocka_unit_test_teardown(test_key_files, empty_folder),
		cmocka_unit_test_teardown(test_key_file_mistakes, empty_folder),
		cmocka_unit_test_teardown(test_readable_site, empty_folder),
		cmocka_unit_test_teardown(test_unreadable_site, empty_folder),
		cmocka_unit_test_teardown(test_limit, empty_folder),
		cmocka_unit_test(test_path),
	};
	int failed;

	if (!mkdtemp(folder) || chmod(folder, 0755) || chdir(folder))
		return 2;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	if (rmdir(folder))
		return 2;
	return failed;
}
