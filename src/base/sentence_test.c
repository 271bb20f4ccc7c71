/* SPDX-License-Identifier: MIT */
/* Tests of the correction of sentences: a table. */
#include "base/sentence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/bytes.h"

static void test_table(void **state)
{
	static const struct {
		const char *text;
		const char *tidy;
	} table[] = {
		{ "", "" },
		{ "1", "1" },
		{ "1 ", "1 " },
		{ "1 frames", "1 frame" },
		{ "1 frames were seen.", "1 frame was seen." },
		{ "2 frames were seen.", "2 frames were seen." },
		{ "11 frames were seen.", "11 frames were seen." },
		{ "0.1 frames", "0.1 frames" },
		{ "1,001 frames are", "1,001 frames are" },
		{ "21 frames, 1 packets (1 probes)", "21 frames, 1 packet (1 probe)" },
		{ "1 packets of the segment were seen", "1 packet of the segment was seen" },
		{ "1 ports, all up; they are fine", "1 port, all up; they are fine" },
		{ "1 IP fragments were seen", "1 IP fragment was seen" },
		{ "eth1 has 1 addresses", "eth1 has 1 address" },
		{ "of 1 is the number of frames", "of 1 is the number of frames" },
		{ "1 this does pass", "1 this does pass" },
		{ "IPv4 with 1 replies", "IPv4 with 1 reply" },
		{ "in ../wg0.conf and .. or ..", "in ../wg0.conf and .. or .." },
		{ "Is it right?.", "Is it right?" },
		{ "It is right..", "It is right." },
		{ "Is it?. It is.. Wait...", "Is it? It is. Wait..." },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		char text[200];

		snprintf(text, sizeof(text), "%s", table[i].text);
		sentence_tidy(text);
		assert_string_equal(text, table[i].tidy);
		sentence_tidy(text);
		assert_string_equal(text, table[i].tidy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_table) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
