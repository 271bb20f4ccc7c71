/* SPDX-License-Identifier: MIT */
/* Helpers for message tests: bytes written as hex text, compared and decoded. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "netlink/msg.h"

/** Netlink has the byte order of the host; the bytes in tests are those of little-endian hosts. */
static inline void need_little_endian(void)
{
	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
		skip();
}

/** Compare a built request with the expected bytes: hex, blanks ignored. */
static inline void assert_message(const struct nl_msg *m, const char *expected)
{
	char is[2 * NL_MSG_MAX + 1] = "";
	char want[2 * NL_MSG_MAX + 1] = "";
	size_t n = 0;

	need_little_endian();
	for (size_t i = 0; i < m->head.nlmsg_len; i++)
		snprintf(is + 2 * i, 3, "%02x", m->bytes[i]);
	for (; *expected; expected++)
		if (*expected != ' ')
			want[n++] = *expected;
	assert_string_equal(is, want);
}

/** Make a message from hex, blanks ignored; sets its length field. */
static inline const struct nlmsghdr *message_of(struct nl_msg *m, const char *hex)
{
	unsigned byte;
	size_t n = 0;

	need_little_endian();
	memset(m, 0xee, sizeof(*m));
	while (sscanf(hex, " %2x", &byte) == 1 && n < sizeof(m->bytes)) {
		hex += strspn(hex, " ") + 2;
		m->bytes[n++] = (uint8_t)byte;
	}
	m->head.nlmsg_len = (uint32_t)n;
	return &m->head;
}
