/* SPDX-License-Identifier: MIT */
/* Tests of generic netlink: requests byte by byte, answers, and families that exist or not. */
#include "netlink/genl.h"

#include <errno.h>

#include "base/bytes.h"
#include "netlink/test_hex.h"

static void test_request(void **state)
{
	struct nl_msg m;

	assert_message(genl_encode_get_family(&m, "wireguard"),
		"24000000 10000100 00000000 00000000 03010000"
		"0e000200 77697265 67756172 64000000");
}

static void test_decode(void **state)
{
	struct nl_msg m;
	uint16_t id = 0;

	assert_int_equal(
		genl_decode_family(
			message_of(&m, "00000000 10000000 00000000 00000000 01020000"
				       "0e000200 77697265 67756172 64000000 06000100 1f000000"),
			&id),
		0);
	assert_int_equal(id, 31);
}

static void test_decode_wrong(void **state)
{
	static const char *const table[] = {
		/* of another family, another command, truncated, no id, an id of 4 bytes */
		"00000000 11000000 00000000 00000000 01020000 06000100 1f000000",
		"00000000 10000000 00000000 00000000 02020000 06000100 1f000000",
		"00000000 10000000 00000000 00000000 0102",
		"00000000 10000000 00000000 00000000 01020000",
		"00000000 10000000 00000000 00000000 01020000 08000100 1f000000",
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct nl_msg m;
		uint16_t id = 7;

		assert_int_equal(genl_decode_family(message_of(&m, table[i]), &id), -EBADMSG);
		assert_int_equal(id, 7);
	}
}

/* The controller is a family of every kernel. */
static void test_resolve(void **state)
{
	static struct nl_socket nl;
	struct error error;
	uint16_t id = 0;

	if (nl_socket_open_generic(&nl) < 0)
		skip(); /* a sandbox without netlink */
	assert_int_equal(genl_resolve(&nl, "nlctrl", &id), 0);
	assert_int_equal(id, GENL_ID_CTRL);
	id = 7;
	assert_int_equal(genl_resolve(&nl, "wirespan-none", &id), -ENOENT);
	assert_int_equal(id, 7);
	assert_int_equal(nl_fail(&nl, &error, -ENOENT, "Cannot use it\nLoad the module."), -ENOENT);
	assert_string_equal(error.problem, "Cannot use it: No such file or directory.");
	nl_socket_close(&nl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_decode_wrong),
		cmocka_unit_test(test_resolve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
