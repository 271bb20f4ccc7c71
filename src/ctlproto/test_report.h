/* SPDX-License-Identifier: MIT */
/* For tests: the parts of a report of the reference site that several tests share. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctlproto/status.h"

/** Append a prefix given as text. */
static inline void test_report_add_prefix(struct status_prefixes *list, const char *text)
{
	struct ip_prefix p;

	assert_int_equal(ip_prefix_parse(text, &p), 0);
	assert_int_equal(status_add_prefix(list, &p), 0);
}

/** Append the tunnel from vpn01 to vpn02. Return: it, for changes. */
static inline struct status_tunnel *test_report_add_tunnel(struct status_report *r)
{
	struct status_tunnel *t = status_add_tunnel(r);

	assert_non_null(t);
	*t = (struct status_tunnel){ .tunnel_id = 3939,
		.peer_tunnel_id = 3940,
		.source_port = 1701,
		.destination_port = 1701 };
	assert_int_equal(ip_addr_parse("10.0.1.11", &t->local), 0);
	assert_int_equal(ip_addr_parse("10.0.1.21", &t->remote), 0);
	return t;
}

/** Append its session l2tpeth0, with cookies in both directions. Return: it, for changes. */
static inline struct status_session *test_report_add_session(struct status_report *r)
{
	struct status_session *s = status_add_session(r);

	assert_non_null(s);
	*s = (struct status_session){ .name = "l2tpeth0",
		.tunnel_id = 3939,
		.session_id = 3941,
		.peer_session_id = 3942,
		.cookie_len = 4,
		.peer_cookie_len = 8,
		.options.clamp_mss = L2TP_CLAMP_OFF,
		.mtu = 1500,
		.budget = 1386 };
	return s;
}
