/* SPDX-License-Identifier: MIT */
/* Tests of the common part of netlink messages: results with text, attribute iteration. */
#include "netlink/msg.h"

#include <errno.h>

#include "base/bytes.h"
#include "netlink/test_hex.h"

static void test_verdict(void **state)
{
	static const struct {
		const char *hex;
		int result;
		int code;
		const char *why;
	} table[] = {
		/* acknowledged; end of a dump; rejected with text, without our request (capped) */
		{ "00000000 02000001 00000000 00000000 00000000 20000000 13000500 01000000 "
		  "00000000",
			0, 0, "" },
		{ "00000000 03000200 00000000 00000000 00000000", 0, 0, "" },
		{ "00000000 02000003 00000000 00000000 efffffff 20000000 13000500 01000000 00000000"
		  "08000100 4e6f2100",
			0, -EEXIST, "No!" },
		/* rejected with text after our whole request of 20 bytes */
		{ "00000000 02000002 00000000 00000000 efffffff 14000000 13000500 01000000 00000000"
		  "aabbccdd 08000100 4e6f2100",
			0, -EEXIST, "No!" },
		/* a failed dump, with text */
		{ "00000000 03000202 00000000 00000000 eaffffff 08000100 4e6f2100", 0, -EINVAL,
			"No!" },
		/* text announced but missing, or at an offset past the end */
		{ "00000000 02000003 00000000 00000000 efffffff", 0, -EEXIST, "" },
		{ "00000000 02000002 00000000 00000000 efffffff ffffffff 13000500 01000000 "
		  "00000000",
			0, -EEXIST, "" },
		/* not a result; too short; no error number */
		{ "00000000 10000000 00000000 00000000 00000000", -EBADMSG, 0, NULL },
		{ "00000000 02000000 00000000 00000000 0000", -EBADMSG, 0, NULL },
		{ "00000000 02000000 00000000 00000000 01000000", -EBADMSG, 0, NULL },
		{ "00000000 02000000 00000000 00000000 00000080", -EBADMSG, 0, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct nl_verdict v = { .code = 77 };
		struct nl_msg m;

		assert_int_equal(
			nl_verdict_decode(message_of(&m, table[i].hex), &v), table[i].result);
		assert_int_equal(v.code, table[i].result ? 77 : table[i].code);
		if (table[i].why)
			assert_string_equal(v.why, table[i].why);
	}
}

/* An attribute with a wrong length ends the iteration; those before it are returned. */
static void test_walk(void **state)
{
	static const struct {
		const char *hex; /* after the header */
		unsigned seen;
	} table[] = {
		{ "", 0 },
		{ "05000100 aa000000 08000200 01020304", 2 },
		{ "05000100 aa000000 08000200 010203", 1 },
		{ "05000100 aa", 1 }, /* the last one's padding may be missing */
		{ "05000100 aa000000 03000200", 1 },
		{ "05000100 aa000000 ffff0200 00000000", 1 },
		{ "00000100 aa000000", 0 },
		{ "0400", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct nl_attrs walk;
		struct nl_msg m;
		char hex[200];
		unsigned seen = 0;

		snprintf(hex, sizeof(hex), "00000000 00000000 00000000 00000000 %s", table[i].hex);
		walk = nl_attrs_of(message_of(&m, hex), 0);
		while (nl_attrs_next(&walk))
			seen++;
		assert_int_equal(seen, table[i].seen);
	}
}

static void test_values(void **state)
{
	struct nl_msg m;
	struct nl_attrs walk;
	const struct nlattr *a;
	uint32_t word = 77;
	uint8_t byte = 77;
	struct ip_addr addr = { .family = 77 };
	char text[3];

	nl_msg_start(&m, 1, 0, "", 0);
	nl_msg_put_u16(&m, 1, 0x0202);
	walk = nl_attrs_of(&m.head, 0);
	a = nl_attrs_next(&walk);
	assert_non_null(a);
	assert_false(nl_attr_u32(a, &word));
	assert_false(nl_attr_u8(a, &byte));
	assert_false(nl_attr_addr(a, AF_INET, &addr));
	assert_int_equal(word, 77);
	assert_int_equal(byte, 77);
	assert_int_equal(addr.family, 77);
	nl_attr_text(a, text, sizeof(text));
	assert_memory_equal(text, "\2\2", 3);
	nl_attr_text(a, text, 2);
	assert_memory_equal(text, "\2", 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdict),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
