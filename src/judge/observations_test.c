/* SPDX-License-Identifier: MIT */
/* Tests of questions about observations. */
#include "judge/observations.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/bytes.h"

/* Frames enter a port in the name of a host only from an address that bridges accept. */
static void test_senders(void **state)
{
	static const struct {
		uint8_t mac[LINK_MAC_LEN];
		bool sends;
	} cases[] = {
		{ { 0x02, 0, 0, 0, 0, 0x16 }, true },
		{ { 0x52, 0x54, 0, 0x12, 0x34, 0x56 }, true },
		{ { 0, 0, 0x5e, 0, 1, 7 }, true },	   /* VRRP */
		{ { 0x02, 0xbf, 10, 0, 2, 30 }, true },	   /* a cluster with unicasts */
		{ { 0x03, 0xbf, 10, 0, 2, 30 }, false },   /* the same with multicasts */
		{ { 0x01, 0, 0x5e, 0x7f, 2, 30 }, false }, /* and with IGMP */
		{ { 255, 255, 255, 255, 255, 255 }, false },
		{ { 0 }, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct observed_station s = { 0 };

		memcpy(s.mac, cases[i].mac, LINK_MAC_LEN);
		assert_int_equal(observed_is_sender(&s), cases[i].sends);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_senders) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
