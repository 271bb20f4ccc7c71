/* SPDX-License-Identifier: MIT */
/* Tests of journal lines: each kind is parsed and printed again, other lines stay as they are. */
#include "host/journal_entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

#define MAC "02:0a:00:00:00:ff"

/* Lines that files of earlier versions contain, so none may change. */
static const struct {
	const char *line;
	struct journal_entry e;
	const char *undo;
} table[] = {
	{ "post-down a  b ", { JOURNAL_POST_DOWN, .text = (char[]){ "a  b " } }, "run PostDown" },
	{ "pre-down x", { JOURNAL_PRE_DOWN, .text = (char[]){ "x" } }, "run PreDown" },
	{ "bridge br0 " MAC, { JOURNAL_BRIDGE, .name = "br0", .mac = MAC }, "ip link del br0" },
	{ "member eth1 3 br0 down",
		{ JOURNAL_MEMBER, .name = "eth1", .ifindex = 3, .bridge = "br0" },
		"ip link set eth1 nomaster down" },
	{ "member eth1 4294967295 br0 up",
		{ JOURNAL_MEMBER, .name = "eth1", .ifindex = UINT32_MAX, .bridge = "br0",
			.was_up = true },
		"ip link set eth1 nomaster up" },
	{ "rule 4 mark 51820 priority 32765",
		{ JOURNAL_RULE_MARK, .mark = 51820, .priority = 32765 },
		"ip -4 rule del priority 32765 not fwmark 51820 table 51820" },
	{ "rule 6 main priority 9", { JOURNAL_RULE_MAIN, .six = true, .priority = 9 },
		"ip -6 rule del priority 9 table main suppress_prefixlength 0" },
	{ "sysctl net/x 1 0", { JOURNAL_SYSCTL, .name = "net/x", .ours = "1", .was = "0" },
		"sysctl -w net/x=0" },
	{ "nft ip6 wirespan-wg0", { JOURNAL_NFT, .six = true, .name = "wirespan-wg0" },
		"nft delete table ip6 wirespan-wg0" },
	{ "dns tun.wg0", { JOURNAL_DNS, .name = "tun.wg0" }, "resolvconf -d tun.wg0 -f" },
	{ "adopt br0 " MAC, { JOURNAL_ADOPT, .name = "br0", .mac = MAC },
		"ip link set br0 address " MAC },
	{ "wireguard wg0", { JOURNAL_WIREGUARD, .name = "wg0" }, "ip link del wg0" },
	{ "l2tp-tunnel 3939 3940", { JOURNAL_TUNNEL, .tunnel = 3939, .peer = 3940 },
		"ip l2tp del tunnel tunnel_id 3939" },
	{ "l2tp-session 3939 3941 none l2tpeth0",
		{ JOURNAL_SESSION, .tunnel = 3939, .session = 3941, .no_sublayer = true,
			.name = "l2tpeth0" },
		"ip l2tp del session tunnel_id 3939 session_id 3941" },
	{ "clamp a", { JOURNAL_CLAMP, .name = "a" }, "nft delete table bridge wirespan-a" },
	{ "clamp a+b", { JOURNAL_CLAMP, .name = "a+b" }, "nft delete table bridge wirespan-a/2bb" },
};

static const char *printed(
	const struct journal_entry *e, void (*print)(const struct journal_entry *e, FILE *out))
{
	static char text[256];
	FILE *f = fmemopen(text, sizeof(text), "w");

	assert_non_null(f);
	text[0] = '\0';
	print(e, f);
	assert_int_equal(fclose(f), 0);
	return text;
}

static void test_kinds(void **state)
{
	bool seen[JOURNAL_KIND_COUNT] = { false };

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct journal_entry *expected = &table[i].e;
		struct journal_entry e;
		char line[128];

		snprintf(line, sizeof(line), "%s", table[i].line);
		assert_true(journal_entry_parse(line, &e));
		assert_int_equal(e.kind, expected->kind);
		assert_int_equal(e.six, expected->six);
		assert_int_equal(e.was_up, expected->was_up);
		assert_int_equal(e.ifindex, expected->ifindex);
		assert_int_equal(e.mark, expected->mark);
		assert_int_equal(e.priority, expected->priority);
		assert_int_equal(e.tunnel, expected->tunnel);
		assert_int_equal(e.peer, expected->peer);
		assert_int_equal(e.session, expected->session);
		assert_int_equal(e.no_sublayer, expected->no_sublayer);
		assert_string_equal(e.name, expected->name);
		assert_string_equal(e.mac, expected->mac);
		assert_string_equal(e.bridge, expected->bridge);
		assert_string_equal(e.ours, expected->ours);
		assert_string_equal(e.was, expected->was);
		assert_string_equal(e.text ? e.text : "", expected->text ? expected->text : "");
		assert_string_equal(printed(expected, journal_entry_print), table[i].line);
		assert_string_equal(printed(expected, journal_entry_print_undo), table[i].undo);
		seen[e.kind] = true;
	}
	for (size_t kind = 0; kind < JOURNAL_UNKNOWN; kind++)
		assert_true(seen[kind]);
}

/* Lines that only an earlier version wrote. */
static void test_old(void **state)
{
	char mark[] = "rule 4 mark 51820";
	char main_table[] = "rule 6 main";
	struct journal_entry e;

	assert_true(journal_entry_parse(mark, &e));
	assert_int_equal(e.kind, JOURNAL_RULE_MARK);
	assert_int_equal(e.mark, 51820);
	assert_int_equal(e.priority, 0);
	assert_true(journal_entry_parse(main_table, &e));
	assert_int_equal(e.kind, JOURNAL_RULE_MAIN);
	assert_true(e.six);
	assert_int_equal(e.priority, 0);
}

/* Lines that no kind has keep their text. */
static void test_unknown(void **state)
{
	static const char *const lines[] = { "", "bridge", "bridge br0", ("bridge br0 " MAC " x"),
		("bridge br0  " MAC), "member eth1 4294967296 br0 up", "member eth1 -1 br0 up",
		"member eth1 1x br0 up", "member eth1 1 br0 sideways",
		"member eth1 1 a-name-of-16-byt up", "rule 5 main", "rule 4 mark", "rule 4 mark ",
		"nft inet x", "l2tp-tunnel 1 x", "l2tp-session 1 2 some l2tpeth0", "sysctl a 1",
		"sysctl a 1 1234567890123456", "post-downx", "new 1" };

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct journal_entry e;
		char line[128];

		snprintf(line, sizeof(line), "%s", lines[i]);
		assert_false(journal_entry_parse(line, &e));
		assert_int_equal(e.kind, JOURNAL_UNKNOWN);
		assert_string_equal(printed(&e, journal_entry_print), lines[i]);
	}
}

static void test_matches(void **state)
{
	const struct journal_entry *bridge = &table[2].e;
	const struct journal_entry *mark = &table[5].e;
	const struct journal_entry *session = &table[13].e;

	assert_true(journal_entry_matches(bridge, &(struct journal_entry){ JOURNAL_BRIDGE }));
	assert_true(journal_entry_matches(
		bridge, &(struct journal_entry){ JOURNAL_BRIDGE, .name = "br0" }));
	assert_false(journal_entry_matches(
		bridge, &(struct journal_entry){ JOURNAL_BRIDGE, .name = "br" }));
	assert_false(journal_entry_matches(bridge, &(struct journal_entry){ JOURNAL_MEMBER }));
	assert_true(journal_entry_matches(
		mark, &(struct journal_entry){ JOURNAL_RULE_MARK, .mark = 51820 }));
	assert_false(journal_entry_matches(
		mark, &(struct journal_entry){ JOURNAL_RULE_MARK, .mark = 1 }));
	assert_false(journal_entry_matches(
		mark, &(struct journal_entry){ JOURNAL_RULE_MARK, .six = true }));
	assert_true(journal_entry_matches(
		session, &(struct journal_entry){ JOURNAL_SESSION, .tunnel = 3939 }));
	assert_false(journal_entry_matches(
		session, &(struct journal_entry){ JOURNAL_SESSION, .tunnel = 3939, .session = 1 }));
	assert_false(journal_entry_matches(
		session, &(struct journal_entry){ JOURNAL_SESSION, .tunnel = 1 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_old),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_matches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
