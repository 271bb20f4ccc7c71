/* SPDX-License-Identifier: MIT */
/* Tests of messages about VLANs: the request byte by byte, answers whole and wrong. */
#include "netlink/bridge_vlan.h"

#include <errno.h>

#include "netlink/test_hex.h"

static bool is_member(const struct bridge_vlans *v, unsigned id)
{
	return v->members[id / 8] & 1U << id % 8;
}

static void test_request(void **state)
{
	struct nl_msg m;

	(void)state;
	assert_message(bridge_vlan_encode_dump(&m),
		"28000000 12000103 00000000 00000000 07000000 00000000 00000000 00000000"
		"08001d00 04000000");
}

/* As the kernel answers: port 5, PVID 10 untagged, VLANs 20 to 22 as a range, and 30. */
#define PORT                                                                                       \
	"44000000 10000000 00000000 00000000 07000100 05000000 43000000 00000000"                  \
	"24001a00 08000200 06000a00 08000200 08001400 08000200 10001600 08000200 00001e00"

static void test_answers(void **state)
{
	struct bridge_vlans v = { .ifindex = 99 };
	struct nl_msg m;

	(void)state;
	assert_int_equal(bridge_vlan_decode(message_of(&m, PORT), &v), 0);
	assert_int_equal(v.ifindex, 5);
	assert_int_equal(v.pvid, 10);
	for (unsigned id = 0; id < 4096; id++) {
		bool tagged = (id >= 20 && id <= 22) || id == 30;

		assert_int_equal(is_member(&v, id), id == 10 || tagged);
		assert_int_equal((v.tagged[id / 8] >> id % 8) & 1, tagged);
	}
	/* no VLANs */
	assert_int_equal(bridge_vlan_decode(message_of(&m, "20000000 10000000 00000000 00000000"
							   "07000100 06000000 43000000 00000000"),
				 &v),
		0);
	assert_int_equal(v.ifindex, 6);
	assert_int_equal(v.pvid, 0);
	/* a VLAN that does not exist, and an attribute of another length */
	assert_int_equal(bridge_vlan_decode(message_of(&m, "38000000 10000000 00000000 00000000"
							   "07000100 06000000 43000000 00000000"
							   "18001a00 08000200 02000010 0a000200"
							   "02000a00 00000000"),
				 &v),
		0);
	assert_int_equal(v.pvid, 0);
	/* another message, and one that is too short */
	v.ifindex = 99;
	assert_int_equal(bridge_vlan_decode(message_of(&m, "20000000 11000000 00000000 00000000"
							   "07000100 06000000 43000000 00000000"),
				 &v),
		-EBADMSG);
	assert_int_equal(
		bridge_vlan_decode(
			message_of(&m, "14000000 10000000 00000000 00000000 07000100"), &v),
		-EBADMSG);
	assert_int_equal(v.ifindex, 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
