/* SPDX-License-Identifier: MIT */
/* Tests of messages of wireless interfaces: the request byte by byte, and answers. */
#include "netlink/wireless_nl.h"

#include <errno.h>

#include "base/bytes.h"
#include "netlink/test_hex.h"
#include "netlink/test_kernel.h"

#define FAMILY 0x1c
#define HEAD   "00000000 1c000000 00000000 00000000 07010000 08000300 05000000 "

static void test_request(void **state)
{
	struct nl_msg m;

	(void)state;
	assert_message(wireless_nl_encode_get(&m, FAMILY, 5),
		"1c000000 1c000100 00000000 00000000 05000000 08000300 05000000");
}

/* By the type of an interface, and whether it uses four addresses. */
static void test_decode(void **state)
{
	static const struct {
		const char *message;
		enum wireless_role role;
	} table[] = {
		{ HEAD "08000500 02000000", WIRELESS_CLIENT },			 /* a station */
		{ HEAD "08000500 02000000 05005300 00000000", WIRELESS_CLIENT }, /* likewise */
		{ HEAD "08000500 02000000 05005300 01000000", WIRELESS_PORT },	 /* 4-address */
		{ HEAD "05005300 01000000 08000500 02000000", WIRELESS_PORT },	 /* likewise */
		{ HEAD "08000500 03000000", WIRELESS_PORT },   /* an access point */
		{ HEAD "08000500 04000000", WIRELESS_PORT },   /* a VLAN of one */
		{ HEAD "08000500 07000000", WIRELESS_PORT },   /* a mesh point */
		{ HEAD "08000500 01000000", WIRELESS_CLIENT }, /* ad hoc */
		{ HEAD "08000500 08000000", WIRELESS_CLIENT }, /* of a group */
		{ HEAD "08000500 09000000", WIRELESS_PORT },   /* its owner */
		{ HEAD "08000500 0b000000", WIRELESS_CLIENT }, /* outside of a network */
	};

	(void)state;
	need_little_endian();
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		enum wireless_role role = WIRELESS_NONE;
		struct nl_msg m;

		assert_int_equal(
			wireless_nl_decode(message_of(&m, table[i].message), FAMILY, &role), 0);
		assert_int_equal(role, table[i].role);
	}
}

static void test_decode_wrong(void **state)
{
	static const char *const table[] = {
		/* of another family, truncated, no type, a type of one byte */
		"00000000 1d000000 00000000 00000000 07010000 08000500 02000000",
		"00000000 1c000000 00000000 00000000 0701",
		HEAD,
		HEAD "05000500 02000000",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		enum wireless_role role = WIRELESS_NONE;
		struct nl_msg m;

		assert_int_equal(
			wireless_nl_decode(message_of(&m, table[i]), FAMILY, &role), -EBADMSG);
		assert_int_equal(role, WIRELESS_NONE);
	}
}

/* The kernel's answer to the request with the number `seq`, and its acknowledgement. */
static void answer(uint32_t seq, const char *text)
{
	struct nl_msg m;
	struct datagram *d = datagram();

	(void)message_of(&m, text);
	m.head.nlmsg_seq = seq;
	memcpy(d->bytes, m.bytes, m.head.nlmsg_len);
	d->len = NLMSG_ALIGN(m.head.nlmsg_len);
	message(d, NLMSG_ERROR, 0, seq, 0);
}

/* The family's number, then the interface: two exchanges. */
static void test_query(void **state)
{
	static const char family[] =
		"00000000 10000000 00000000 00000000 01010000 06000100 1c000000";
	static const struct {
		const char *family;
		const char *interface;
		enum wireless_role role;
	} table[] = {
		{ family, HEAD "08000500 02000000", WIRELESS_CLIENT },
		{ family, HEAD "08000500 03000000", WIRELESS_PORT },
		{ family, HEAD, WIRELESS_UNKNOWN },
		{ "00000000 10000000 00000000 00000000 01010000", NULL, WIRELESS_UNKNOWN },
	};

	(void)state;
	need_little_endian();
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		memset(&kernel, 0, sizeof(kernel));
		answer(1, table[i].family);
		if (table[i].interface)
			answer(2, table[i].interface);
		assert_int_equal(wireless_nl_query(5), table[i].role);
	}
}

/* A kernel without wireless interfaces. */
static void test_no_family(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	message(datagram(), NLMSG_ERROR, 0, 1, -ENOENT);
	assert_int_equal(wireless_nl_query(5), WIRELESS_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_decode_wrong),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_no_family),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
