/* SPDX-License-Identifier: MIT */
/* Tests of imports: for each format, files and the site that they make; words of shell scripts. */
#include "import/import.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/test_alloc.h"
#include "conf/print.h"
#include "conf/test_conf.h"
#include "import/build.h"
#include "import/prefix_set.h"
#include "import/shell_words.h"
#include "import/test_examples.h"

/* The library's own allocations are not seen. */
ALLOC_WRAP(tsearch, (const void *key, void **root, int (*compare)(const void *a, const void *b)),
	(key, root, compare))

static void check_example(const struct example *e)
{
	static const char *const names[FILES] = { "1", "2", "3", "4" };
	struct import im = { 0 };
	struct conf_site expected;
	struct conf_site site;
	const char *format;
	char *notes;
	char *text;
	size_t len;

	for (size_t i = 0; i < FILES && e->files[i]; i++) {
		assert_int_equal(
			import_read(&im, names[i], e->files[i], strlen(e->files[i]), &format), 0);
		assert_string_equal(format, e->formats[i]);
	}
	assert_int_equal(import_build(&im, NULL, &site), 0);
	notes = import_notes_text(&im);
	assert_int_equal(conf_print(&site, NULL, &text, &len), 0);
	test_conf(&expected, "expected", e->site);
	if (!test_conf_equal(&site, &expected))
		fail_msg("%s: found\n%s\nexpected\n%s\n%s", e->name, text, e->site, notes);
	for (size_t i = 0; i < ARRAY_LEN(e->notes) && e->notes[i]; i++)
		if (!strstr(notes, e->notes[i]))
			fail_msg("%s: %s is not in\n%s", e->name, e->notes[i], notes);
	assert_false(strstr(notes, KEY_A));
	assert_true(e->public_c || !strstr(notes, KEY_C));
	free(notes);
	free(text);
	conf_site_fini(&site);
	conf_site_fini(&expected);
	import_fini(&im);
}

static void test_examples(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(examples); i++)
		check_example(&examples[i]);
}

/* What a site cannot contain is named with the reason. Each file is imported alone. */
static const struct {
	const char *file;
	const char *note;
} drops[] = {
	/* wg-quick */
	{ "[Interface]\nAddress\n", "1:2: dropped: neither [Section] nor KEY = VALUE" },
	{ "[Interface]\nAddress = x\n", "1:2: dropped: " },
	{ "[Interface]\nAddress =\n", "1:2: dropped: Address: it has no value" },
	{ "\xef\xbb\xbf[interface]\nlistenport=8172\n[PEER]\nallowedips=10.0.1.21/32\n",
		"1:4: imported: [Peer] AllowedIPs = 10.0.1.21/32" },
	{ "[Interface]\nH1 = 5\n", "1:2: dropped: H1: it is of AmneziaWG, whose messages" },
	{ "[Interface]\nListenPort = 1\nListenPort = 2\n", "1:2: dropped: ListenPort: line 3" },
	{ "[Interface]\nPrivateKey = " KEY_A "\nPrivateKey = " KEY_A "\n",
		"1:2: dropped: PrivateKey: line 3 replaces it" },
	{ "[Interface]\n[Peer]\nPublicKey = " KEY_B "\nPublicKey = " KEY_C "\n",
		"1:3: dropped: PublicKey: line 4 replaces it" },
	{ "[Interface]\n[Peer]\nPublicKey = " KEY_B
	  "\nPresharedKey = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
		"1:4: dropped: PresharedKey: all zero, which means none" },
	/* systemd-networkd */
	{ "[Match]\nName=eth1 eth2\n[Network]\nBridge=br0\n",
		"1:4: dropped: master of \"eth2\": the interface is not a part of the site" },
	{ "[Match]\nName=eth*\n[Network]\nAddress=10.0.1.1/24\n",
		"1:4: dropped: Address: the file names no single interface" },
	{ "[NetDev]\nName=t\nKind=l2tp\n[L2TP]\nTunnelId=1\n[L2TPSession]\nSessionId=3\n"
	  "PeerSessionId=4\n[Other]\nName=x\n",
		"1:6: imported: [L2TPSession] Name = session-0" },
	/* NetworkManager */
	{ "[connection]\nid=a b\ntype=ethernet\n[ipv4]\naddress1=10.0.1.1/24\n",
		"1:5: dropped: Address: the file names no single interface" },
	{ "[connection]\nid=wg0\ntype=wireguard\n[ipv4]\naddresses=10.0.1.1/24;10.0.2.1/24;\n",
		"1:5: imported: [Interface] Address = 10.0.1.1/24, Address = 10.0.2.1/24" },
	{ "[connection]\nid=wg0\ntype=wireguard\n[ipv4]\naddresses1=10.0.1.1;24;10.0.1.2;\n",
		"1:5: dropped: Address: its length is no part of it" },
	{ "[connection]\nid=wg0\ntype=wireguard\n[ipv4]\naddress1=10.0.1.1/24,10.0.1.2\n",
		"1:5: dropped: the gateway \"10.0.1.2\" has no counterpart in a site" },
	{ "[connection]\nid=wg0\ntype=wireguard\n[wireguard]\nprivate-key=\n",
		"1:5: dropped: private-key: its value is not in the file" },
	/* OpenWrt */
	{ "config interface 'lan'\n\toption type 'bridge'\n\toption ipaddr '10.0.1.1'\n",
		"1:3: dropped: \"ipaddr\" belongs to a bridge that OpenWrt owns" },
	{ "config interface 'lan'\n\toption\n", "1:2: dropped: neither config, option nor list" },
	{ "config interface 'lan'\n\toption proto 'static'\n",
		"1:1: dropped: not a part of the site" },
	/* RouterOS */
	{ "/interface wireguard\nadd disabled=yes name=wg5\n", "1:2: dropped: disabled" },
	{ "/interface wireguard\nadd word name=wg5 what=1\n",
		"1:2: dropped: \"what\" has no counterpart in a site" },
	{ "/interface l2tp-ether\nadd name=x connect-to=10.0.1.21\n",
		"1:2: dropped: the tunnel is not unmanaged" },
	{ "/interface wireguard\nadd name=wg0\n/ip firewall filter\nadd chain=input\n",
		"1:4: dropped: not a part of the site" },
	{ "/interface wireguard\nadd name=wg0\n/ip address add address= interface=wg0\n",
		"1:3: dropped: Address: it has no value" },
	{ "/interface wireguard\nadd name=\"w\\g0\"\n", "1:2: imported: [Interface] Name = wg0" },
	{ "/interface/wireguard/add name=wg0 listen-port=51820\n",
		"1:1: imported: [Interface] ListenPort = 51820" },
	{ "/interface/wireguard/peers/enable numbers=0\n", "1:1: dropped: not a part of the site" },
	{ "/interface wireguard\nadd name=wg0\n/interface wireguard peers\n"
	  "add interface=wg0 persistent-keepalive=1m10s public-key=\"" KEY_B "\"\n",
		"PersistentKeepalive = 70" },
	{ "/interface wireguard\nadd name=wg0\n/interface wireguard peers\n"
	  "add interface=wg0 persistent-keepalive=00:01:10 public-key=\"" KEY_B "\"\n",
		"PersistentKeepalive = 70" },
	{ "/interface wireguard\nadd name=wg0\n/interface wireguard peers\n"
	  "add interface=wg0 persistent-keepalive=10x public-key=\"" KEY_B "\"\n",
		"1:4: dropped: PersistentKeepalive: " },
	{ "/interface wireguard\nadd name=wg0\n/ip route\n"
	  "add dst-address=10.9.0.0/16 gateway=wg0 distance=7\n",
		"1:4: dropped: \"distance\" has no counterpart in a site" },
	{ "/interface wireguard\nadd name=wg0\n/ip route\n"
	  "add dst-address=10.9.0.0/16 gateway=wg0 routing-table=other\n",
		"1:4: dropped: a route of another routing table" },
	{ "/interface wireguard\nadd name=wg0\n/ip route\nadd distance=1 gateway=wg0\n",
		"1:4: dropped: route of \"wg0\": no peer has the prefix" },
	/* VyOS */
	{ "set interfaces wireguard wg0 peer x public-key '" KEY_B "'\n"
	  "set interfaces wireguard wg0 peer x disable\n",
		"1:1-2: dropped: the peer is disabled" },
	{ "interfaces {\n    bridge br0 {\n        member {\n            interface eth1 {\n"
	  "                native-vlan 10\n            }\n        }\n    }\n}\n",
		"1:5: dropped: \"native-vlan\" of a port has no counterpart in a site" },
	{ "set interfaces wireguard wg0 address '10.0.0.1/24#'\n",
		"1:1: dropped: Address: the value has a # or a line break" },
	{ "set interfaces wireguard wg0 port '99999'\n", "1:1: dropped: " },
	/* shell scripts */
	{ "ip link add wg0 type wireguard\nip link add wg1 type wireguard\n"
	  "wg set wg0 peer " KEY_B "\nwg set wg1 peer " KEY_B " allowed-ips 10.0.1.21/32\n",
		"1:4: dropped: AllowedIPs of the value: a peer of another interface" },
	{ "ip link add wg0 type wireguard\nwg set wg0 private-key /etc/k peer " KEY_B
	  " preshared-key /etc/p\necho " KEY_C " | wg set wg0 peer " KEY_B
	  " preshared-key /dev/stdin\n",
		"1:2: dropped: PresharedKeyFile: line 3 replaces it" },
	{ "ip link add wg0 type wireguard\necho " KEY_A " | wg set wg0 private-key /dev/stdin\n"
	  "wg set wg0 private-key /etc/k\n",
		"1:2: dropped: PrivateKey: line 3 replaces it" },
	{ "#!/bin/sh\ncat >/etc/wireguard/wg0.conf <<E\n[Interface]\n\nListenPort = 1\nE\n"
	  "ip link add wg0 type wireguard\n",
		"1:3: dropped: the here-document is not read, up to line 5" },
	{ "ip link add wg0 type wireguard\nwg set wg0 private-key /dev/stdin <<E\n" KEY_A
	  "\nmore\nE\n",
		"1:4: dropped: the here-document is not read, up to line 4" },
	{ "ip link add wg0 type wireguard\nwg set wg0 peer " KEY_B "\nwg set wg0 peer " KEY_B "\n",
		"1:3: dropped: it states nothing that a site has" },
	{ "ip link add wg0 type wireguard\nwg set wg0 peer " KEY_B " endpoint\n",
		"1:2: dropped: an argument of wg set has no value" },
	{ "ip link add wg0 type wireguard\nwg set wg0 peer " KEY_B " remove\nwg set wg0 peer " KEY_B
	  " allowed-ips 10.9.0.0/16\n",
		"1:3: imported: [Peer] AllowedIPs = 10.9.0.0/16, PublicKey" },
	{ "ip link add wg0 type wireguard\nwg set wg0 peer " KEY_B " allowed-ips 10.9.0.0/16\n"
	  "case $1 in stop)\nwg set wg0 peer " KEY_B " remove;;\nesac\n",
		"1:2: imported: [Peer] AllowedIPs = 10.9.0.0/16, PublicKey" },
	{ "ip link add wg0 type wireguard\nresolvconf -a wg0 <<E\nnameserver $A\nE\n",
		"1:2: dropped: a name server that is known only while the script runs" },
	{ "ip link set eth0 name lan\n", "1:1: dropped: a site renames no interface" },
	{ "ip address add dev wg0\n", "1:1: dropped: names no interface, or no address" },
	{ "ip l2tp add tunnel tunnel_id 1 peer_tunnel_id 2 local 10.0.1.1 remote 10.0.1.2\n"
	  "ip l2tp add session name x tunnel_id 1 session_id 1 peer_session_id 2\n"
	  "bridge link set dev x isolated on learning off\n",
		"1:3: dropped: \"learning\" has no counterpart in a site" },
	{ "ip l2tp add session name x tunnel_id 9 session_id 1 peer_session_id 2\n",
		"1:1: dropped: kind of \"x\": no file has the session's tunnel" },
	{ "ip l2tp add tunnel tunnel_id 1 peer_tunnel_id 2 local 10.0.1.1 remote 10.0.1.2\n"
	  "ip l2tp add session name x tunnel_id 1 session_id 1 peer_session_id 2\n"
	  "ip a a 10.0.2.1/24 dev x\n",
		"1:3: dropped: Address of \"x\": a session has no address" },
	{ "ip l2tp add tunnel tunnel_id 1 peer_tunnel_id 2 local 10.0.1.1 remote 10.0.1.2\n"
	  "ip l2tp add session name x tunnel_id 1 session_id 1 peer_session_id 2\n"
	  "ip link set x mtu 1300\n",
		"1:3: imported: [L2TPSession] MTU = 1300" },
	{ "ip l2tp add tunnel tunnel_id 1 peer_tunnel_id 2 local 10.0.1.1 remote 10.0.1.2\n"
	  "ip l2tp add session name x tunnel_id 1 session_id 1 peer_session_id 2\n"
	  "ip link add br0 type bridge\nip link set br0 mtu 1400\nip link set x master br0\n"
	  "brctl addif br0 eth1\nbrctl addif br0 eth1\nip link set eth1 master br0\n",
		"1:4: dropped: mtu of \"br0\": the MTU of a bridge follows from its ports" },
	{ "ip link set eth1 type bridge_slave group_fwd_mask 4\n",
		"1:1: dropped: forward of \"eth1\": no port of a bridge of the site, or no bit "
		"mask" },
	{ "ip link add wg0 type wireguard\nwg set wg0 fwmark 51820 peer " KEY_B
	  " allowed-ips 0.0.0.0/0\nip route add 0.0.0.0/0 dev wg0 table 51820\n"
	  "ip rule add not fwmark 51820 table 51820\n",
		"1:4: changed: Table = auto" },
	{ "ip link add wg0 type wireguard\nwg set wg0 peer " KEY_B " allowed-ips 10.9.0.0/16\n"
	  "ip route add 10.9.0.0/16 dev wg0 table 77\n",
		"imported: [Interface] Table = 77" },
	{ "ip link add wg0 type wireguard\nip link set wg0 type bridge stp_state 1\n",
		"1:2: dropped: STP has no counterpart in [Interface]" },
};

static void test_drops(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(drops); i++) {
		struct import im = { 0 };
		struct conf_site site;
		const char *format;
		char *notes;

		assert_int_equal(
			import_read(&im, "1", drops[i].file, strlen(drops[i].file), &format), 0);
		assert_int_equal(import_build(&im, NULL, &site), 0);
		notes = import_notes_text(&im);
		if (!strstr(notes, drops[i].note))
			fail_msg("%s\n%s: not in\n%s\n", drops[i].file, drops[i].note, notes);
		free(notes);
		conf_site_fini(&site);
		import_fini(&im);
	}
}

/* Files of no use are refused with the reason, and nothing of them is read. */
static void test_refused(void **state)
{
	static char large[IMPORT_FILE_MAX + 1];
	static const struct {
		const char *text;
		size_t len;
		const char *reason;
	} table[] = {
		{ "\xff\xfe[\0I\0", 6, "it is in UTF-16: save it as UTF-8" },
		{ "\xfe\xff\0[\0I", 6, "it is in UTF-16: save it as UTF-8" },
		{ "[Interface]\rListenPort = 1\r", 27, "its lines end with CR alone" },
		{ "hello\nworld\n", 12, "its format is not recognised" },
		{ "[Site]\n", 7, "it is a file of wirespan already" },
		{ "[Interface]\n[L2TP]\n", 19, "it is a file of wirespan already" },
		{ "[Interface]\n\n[L2TPSession]\n", 27, "it is a file of wirespan already" },
		{ "[Interface]\n\0", 13, "it is larger than 16 MiB, or binary" },
		{ large, sizeof(large), "it is larger than 16 MiB, or binary" },
	};

	(void)state;
	memset(large, ' ', sizeof(large));
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct import im = { 0 };
		const char *reason;

		assert_int_equal(
			import_read(&im, "1", table[i].text, table[i].len, &reason), -EINVAL);
		assert_ptr_equal(strstr(reason, table[i].reason), reason);
		assert_int_equal(im.n_facts, 0);
		import_fini(&im);
	}
}

/* An interface has the name of its wg-quick file, unless no interface can have it. */
static void test_names(void **state)
{
	static const char *const table[][2] = { { "/etc/wireguard/home.conf", "home" },
		{ "home.conf", "home" }, { "two words.conf", "wg0" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct import im = { 0 };
		const char *format;

		assert_int_equal(import_read(&im, table[i][0], "[Interface]\n", 12, &format), 0);
		assert_int_equal(im.n_facts, 1);
		assert_string_equal(im.facts[0].name, table[i][1]);
		import_fini(&im);
	}
}

/* Import one example. Return: 0 or -ENOMEM; then memory is not missed anywhere. */
static int try_example(const struct example *e)
{
	struct import im = { 0 };
	struct conf_site site;
	const char *format;
	int err = 0;

	for (size_t i = 0; !err && i < FILES && e->files[i]; i++)
		err = import_read(&im, "1", e->files[i], strlen(e->files[i]), &format);
	if (!err) {
		err = import_build(&im, NULL, &site);
		conf_site_fini(&site);
	}
	import_fini(&im);
	return err;
}

/* Whatever allocation fails, an import fails with -ENOMEM, never with half a site. */
static void test_out_of_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
		unsigned tries = 0;
		bool failed;
		int err;

		do {
			alloc_fail_after(tries++);
			err = try_example(&examples[i]);
			failed = alloc_succeed();
			assert_int_equal(err, failed ? -ENOMEM : 0);
		} while (failed);
		assert_in_range(tries, 20, 100000);
	}
}

/* A script and its commands: words joined by ",", an unknown byte as "?", input after "<". */
static void test_shell_words(void **state)
{
	static const struct {
		const char *text;
		const char *commands;
	} cases[] = {
		{ "ip link\n", "ip,link\n" },
		{ "a b;c && d||e|f & g", "a,b\nc\nd\ne\nf\ng\n" },
		{ "a 'b c' \"d \\\"e\" f\\ g", "a,b c,d \"e,f g\n" },
		{ "A=1 B='x y'\necho $A ${B}z \"$B\" '$A' $C $(date; x) `y` $1\n",
			"echo,1,x yz,x y,$A,?,?,?,?\n" },
		{ "export A=5; ip $A # comment\n# whole\nx#y\n", "ip,5\n#,whole\nx#y\n" },
		{ "a \\\n  b\nc\\\nd\n", "a,b\ncd\n" },
		{ "wg set x <<-'E'\n\tKEY\n\tmore\n\tE\nnext\n", "wg,set,x<KEY\nnext\n" },
		{ "a </etc/f >/dev/null 2>&1 b\n", "a,b<@/etc/f\n" },
		{ "a <(echo k) b\n", "a,<(echo k),b\n" },
		{ "up() {\n\tip x\n}\n", "up\nip,x\n}\n" },
		{ "if [ x ]; then ip y; else ip z; fi\n", "if,[,x,]\nip,y\nip,z\nfi\n" },
		{ "a 'unterminated\nb", "a,unterminated\nb\n" },
		{ "a ${A:-b} $", "a,?,?\n" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		static struct shell_command c;
		struct shell shell = { .at = cases[i].text, .line = 1 };
		char found[256] = "";

		while (shell_next(&shell, &c)) {
			for (size_t k = 0; k < c.n; k++) {
				strcat(found, k ? "," : "");
				strcat(found, c.words[k]);
			}
			if (c.input || c.input_file)
				strcat(strcat(found, c.input ? "<" : "<@"),
					c.input ? c.input : c.input_file);
			strcat(found, "\n");
		}
		for (char *at = found; *at; at++)
			if (*at == SHELL_UNKNOWN)
				*at = '?';
		assert_string_equal(found, cases[i].commands);
	}
}

/* Words longer than the command's room, and more variables than there is room for. */
static void test_limits(void **state)
{
	static char text[32768 + 16 * IMPORT_FACTS_MAX];
	struct import im = { 0 };
	const char *format;
	size_t len = 0;

	(void)state;
	len += (size_t)sprintf(text, "#!/bin/sh\nip link add ");
	memset(text + len, 'x', 20000);
	len += 20000;
	len += (size_t)sprintf(text + len, " type wireguard\nip");
	for (int i = 0; i < 300; i++)
		len += (size_t)sprintf(text + len, " a");
	for (int i = 0; i < 100; i++)
		len += (size_t)sprintf(text + len, "\nV%d=x", i);
	for (int i = 0; i < IMPORT_FACTS_MAX; i++)
		len += (size_t)sprintf(text + len, "\nip a a 1 dev a");
	assert_int_equal(import_read(&im, "x", text, len, &format), 0);
	assert_int_equal(im.n_facts, IMPORT_FACTS_MAX);
	assert_int_equal(im.n_notes, 2);
	assert_string_equal(im.notes[0].text, "the command is too long");
	assert_string_equal(im.notes[1].text, "the command is too long");
	import_fini(&im);
}

#define MANY 6000

/* Thousands of peers, routes and replaced lines, in seconds: each line is found again. */
static void test_many(void **state)
{
	static char text[MANY * 256];
	struct import im = { 0 };
	struct conf_site site;
	const char *format;
	size_t len = (size_t)sprintf(text, "ip link add wg0 type wireguard\n");

	(void)state;
	for (unsigned i = 0; i < MANY; i++)
		len += (size_t)sprintf(text + len,
			"wg set wg0 peer %06uAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE= allowed-ips "
			"10.%u.%u.0/25\nwg set wg0 peer %06uAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE= "
			"allowed-ips 10.%u.%u.0/24\nip route replace 10.%u.%u.0/24 dev wg0\n",
			i, i / 256, i % 256, i, i / 256, i % 256, i / 256, i % 256);
	assert_int_equal(import_read(&im, "x", text, len, &format), 0);
	assert_int_equal(import_build(&im, NULL, &site), 0);
	assert_false(im.too_many);
	assert_int_equal(site.interface.table, CONF_TABLE_AUTO);
	assert_int_equal(site.n_peers, MANY);
	for (size_t i = 0; i < MANY; i++) {
		const struct conf_peer *peer = &site.peers[i];

		assert_int_equal(peer->allowed_ips.n, 1);
		assert_int_equal(peer->allowed_ips.v[0].prefix.len, 24);
		assert_int_equal(peer->allowed_ips.v[0].prefix.addr.bytes[1], i / 256);
		assert_int_equal(peer->allowed_ips.v[0].prefix.addr.bytes[2], i % 256);
	}
	conf_site_fini(&site);
	import_fini(&im);
}

static struct ip_prefix prefix_of(const char *text)
{
	struct ip_prefix p;

	assert_int_equal(ip_prefix_parse(text, &p), 0);
	return p;
}

/* What a set has, and what lies in one of it; a list without what it repeats, in its order. */
static void test_prefix_set(void **state)
{
	static const struct {
		const char *text;
		bool has;
		bool covers;
	} table[] = {
		{ "10.1.0.0/16", true, true },
		{ "10.1.7.7/16", true, true },
		{ "10.1.2.0/24", false, true },
		{ "10.0.0.0/8", false, false },
		{ "10.2.0.0/16", false, false },
		{ "192.0.2.1/32", true, true },
		{ "fd00::1/128", false, true },
		{ "a01::/16", false, false }, /* the bytes of 10.1 */
		{ "::/0", false, false },
	};
	static const char *const list[] = { "10.2.0.1/16", "10.2.0.2/16", "fd00::/8", "10.2.0.1/16",
		"10.2.0.1/24", "fd00::/8" };
	struct prefix_set set = { 0 };
	struct conf_prefixes prefixes = { 0 };
	struct ip_prefix p = prefix_of("10.1.9.9/16");

	(void)state;
	assert_false(prefix_set_has(&set, &p) || prefix_set_covers(&set, &p));
	assert_int_equal(prefix_set_add(&set, &p), 0);
	p = prefix_of("fd00::/8");
	assert_int_equal(prefix_set_add(&set, &p), 0);
	p = prefix_of("192.0.2.1/32");
	assert_int_equal(prefix_set_add(&set, &p), 0);
	prefix_set_sort(&set);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		p = prefix_of(table[i].text);
		assert_int_equal(prefix_set_has(&set, &p), table[i].has);
		assert_int_equal(prefix_set_covers(&set, &p), table[i].covers);
	}
	prefix_set_fini(&set);
	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		p = prefix_of(list[i]);
		assert_int_equal(
			conf_prefixes_add(&prefixes, &p, (struct conf_at){ .line = 1 }), 0);
	}
	assert_int_equal(prefixes_unite(&prefixes), 0);
	assert_int_equal(prefixes.n, 4);
	for (size_t i = 0; i < 4; i++) {
		p = prefix_of(list[i < 3 ? i : 4]);
		assert_true(ip_prefix_equal(&prefixes.v[i].prefix, &p));
	}
	free(prefixes.v);
}

/* Facts and notes beyond what an import stores are left out, and reported once. */
static void test_too_many(void **state)
{
	static char text[16 + 6 * (4 * IMPORT_FACTS_MAX + 1)];
	struct import im = { 0 };
	const char *format;
	size_t len = (size_t)sprintf(text, "#!/bin/sh\n");

	(void)state;
	for (int i = 0; i <= IMPORT_FACTS_MAX; i++)
		len += (size_t)sprintf(text + len, "ip a a 1 dev a\n");
	assert_int_equal(import_read(&im, "x", text, len, &format), 0);
	assert_true(im.too_many);
	assert_int_equal(im.n_facts, IMPORT_FACTS_MAX);
	import_fini(&im);

	len = (size_t)sprintf(text, "/interface\n");
	for (int i = 0; i <= 4 * IMPORT_FACTS_MAX; i++)
		len += (size_t)sprintf(text + len, "add a\n");
	assert_int_equal(import_read(&im, "x", text, len, &format), 0);
	assert_true(im.too_many);
	assert_int_equal(im.n_notes, 4 * IMPORT_FACTS_MAX);
	import_fini(&im);
}

/* Notes go to a terminal, so they have no control characters. */
static void test_control_characters(void **state)
{
	static const char text[] = "[Match]\nName=x\n[a\x1b[2J\x7f]\nb=1\n";
	struct import im = { 0 };
	struct conf_site site;
	const char *format;
	char *notes;

	(void)state;
	assert_int_equal(import_read(&im, "x", text, sizeof(text) - 1, &format), 0);
	assert_int_equal(import_build(&im, NULL, &site), 0);
	notes = import_notes_text(&im);
	assert_non_null(strstr(notes, "of [a?[2J?] has no counterpart"));
	free(notes);
	conf_site_fini(&site);
	import_fini(&im);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_drops),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_shell_words),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_prefix_set),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_control_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
