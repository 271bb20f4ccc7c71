/* SPDX-License-Identifier: MIT */
/* Tests of the drawn ladder: the reference network's exact text, the notes, and the same values in
 * JSON. */
#include "render/mtu_table.h"

#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct mtu_options reference = {
	.underlay = 1500, .outer_family = AF_INET, .inner_family = AF_INET
};

static char *draw(const struct mtu_options *o, const char *title)
{
	struct mtu_ladder l;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(mtu_ladder_compute(o, &l), 0);
	mtu_table_print(&l, title, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void test_reference(void **state)
{
	static const char want[] =
		"Title\n"
		"\n"
		"   byte  size\n"
		"      0    20  outer IPv4 header          ┐ 1500 bytes on the underlay\n"
		"     20     8  outer UDP header           │\n"
		"     28    16  WireGuard header           │\n"
		"     44    20  inner IPv4 header          │ ┐ 1440 wg MTU\n"
		"     64     8  inner UDP header           │ │\n"
		"     72     4  L2TPv3 flags and version   │ │\n"
		"     76     4  L2TPv3 session id          │ │\n"
		"     80     4  L2TPv3 sublayer            │ │\n"
		"     84    14  Ethernet header            │ │ ┐ 1400 Ethernet frame\n"
		"     98  1386  member's IP packet         │ ┘ ┘ ← session MTU\n"
		"   1484    16  WireGuard tag              ┘\n"
		"\n"
		"  wg MTU                         1440\n"
		"  session MTU                    1386   largest member packet in one piece\n"
		"  TCP MSS                        1346   over IPv6 1326\n"
		"  ping -M do -s                  1358   over IPv6 1338\n"
		"  overhead                       114 bytes of 1500, 7.6 %\n"
		"  a member's 1500-byte packet    2 fragments inside the tunnel: 1436 + 138 "
		"bytes\n";
	char *text = draw(&reference, "Title");

	assert_string_equal(text, want);
	free(text);
}

struct note_case {
	const char *name;
	struct mtu_options options;
	const char *has;
	const char *has_not;
};

static const struct note_case note_cases[] = {
	{ "plain", { 1500, 0, AF_INET, AF_INET }, "2 fragments", "IPv6 members" },
	{ "jumbo", { 9000, 0, AF_INET, AF_INET }, "leaves in one piece", "fragments" },
	{ "wg MTU too large", { 1500, 1460, AF_INET, AF_INET }, "Give MTU = 1440", "IPv6 members" },
	{ "wg MTU smaller", { 1500, 1400, AF_INET, AF_INET }, "1460 bytes on the", "Too large" },
	{ "small", { 1300, 0, AF_INET, AF_INET }, "A wg MTU below 1280", "Too large" },
	{ "IPv6 members", { 1380, 0, AF_INET, AF_INET }, "IPv6 members need 1280", "below 1280" },
	{ "IPv6", { 1500, 0, AF_INET6, AF_INET6 }, "40  inner IPv6 header", "IPv4" },
	{ "tags",
		{ .underlay = 1500,
			.outer_family = AF_INET,
			.inner_family = AF_INET,
			.vlan_tags = 2 },
		"98     8  VLAN tags", "cookie" },
	{ "encapsulation ip", { 1500, 0, AF_INET, AF_INET, L2TP_ENCAP_IP },
		"session MTU                    1398", "flags and version" },
};

static void test_notes(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(note_cases); i++) {
		const struct note_case *c = &note_cases[i];
		char *text = draw(&c->options, c->name);

		print_message("%s\n", c->name);
		assert_non_null(strstr(text, c->has));
		assert_null(strstr(text, c->has_not));
		free(text);
	}
}

static int64_t number(struct json_object *o, const char *key)
{
	struct json_object *v;

	assert_true(json_object_object_get_ex(o, key, &v));
	return json_object_get_int64(v);
}

static void test_json(void **state)
{
	struct json_object *o, *layers, *fragments;
	struct mtu_ladder l;
	int64_t sum = 0;

	assert_int_equal(mtu_ladder_compute(&reference, &l), 0);
	o = mtu_table_json(&l);
	assert_non_null(o);
	assert_int_equal(number(o, "wg_mtu"), 1440);
	assert_int_equal(number(o, "session_mtu"), 1386);
	assert_int_equal(number(o, "frame"), 1400);
	assert_int_equal(number(o, "mss_ipv4"), 1346);
	assert_int_equal(number(o, "ping_ipv6"), 1338);
	assert_true(json_object_object_get_ex(o, "layers", &layers));
	for (size_t i = 0; i < json_object_array_length(layers); i++) {
		assert_int_equal(number(json_object_array_get_idx(layers, i), "offset"), sum);
		sum += number(json_object_array_get_idx(layers, i), "bytes");
	}
	assert_int_equal(sum, 1500);
	assert_true(json_object_object_get_ex(o, "fragments_of_1500", &fragments));
	assert_int_equal(json_object_array_length(fragments), 2);
	json_object_put(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reference),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
