/* SPDX-License-Identifier: MIT */
/* Tests of rule messages: requests byte by byte, and answers decoded. */
#include "netlink/rule.h"

#include <errno.h>
#include <linux/rtnetlink.h>

#include "base/bytes.h"
#include "netlink/test_hex.h"

static const struct rule_info not_marked = { .family = AF_INET,
	.table = 51820,
	.mark = 51820,
	.has_mark = true,
	.invert = true,
	.suppress_length = RULE_NO_SUPPRESS };
static const struct rule_info main_but_default = {
	.family = AF_INET6, .priority = 32764, .table = RT_TABLE_MAIN, .protocol = 87
};

static void test_requests(void **state)
{
	struct nl_msg m;

	assert_message(rule_encode_add(&m, &not_marked),
		"2c000000 20000104 00000000 00000000 02000000 00000001 02000000"
		"08000f00 6cca0000 08000a00 6cca0000");
	assert_message(rule_encode_add(&m, &main_but_default),
		"3c000000 20000106 00000000 00000000 0a000000 fe000001 00000000"
		"08000f00 fe000000 08000600 fc7f0000 08000e00 00000000 05001500 57000000");
	assert_message(rule_encode_delete(&m, &main_but_default),
		"34000000 21000100 00000000 00000000 0a000000 fe000001 00000000"
		"08000f00 fe000000 08000600 fc7f0000 08000e00 00000000");
	assert_message(rule_encode_dump(&m, AF_INET),
		"1c000000 22000103 00000000 00000000 02000000 00000000 00000000");
}

/* The kernel reports a rule with the attributes that created it. */
static void test_round_trip(void **state)
{
	const struct rule_info *table[] = { &not_marked, &main_but_default };

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct rule_info back;
		struct nl_msg m;

		assert_int_equal(rule_decode(&rule_encode_add(&m, table[i])->head, &back), 0);
		assert_int_equal(back.family, table[i]->family);
		assert_int_equal(back.priority, table[i]->priority);
		assert_int_equal(back.table, table[i]->table);
		assert_int_equal(back.mark, table[i]->mark);
		assert_int_equal(back.has_mark, table[i]->has_mark);
		assert_int_equal(back.protocol, table[i]->protocol);
		assert_int_equal(back.invert, table[i]->invert);
		assert_int_equal(back.suppress_length, table[i]->suppress_length);
	}
}

static void test_wrong(void **state)
{
	struct rule_info rule = { .table = 77 };
	struct nl_msg m;

	assert_int_equal(
		rule_decode(message_of(&m, "00000000 20000000 00000000 00000000 02000000"), &rule),
		-EBADMSG);
	assert_int_equal(
		rule_decode(
			message_of(&m,
				"00000000 18000000 00000000 00000000 02000000 00000001 02000000"),
			&rule),
		-EBADMSG);
	assert_int_equal(rule.table, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
