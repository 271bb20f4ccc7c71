/* SPDX-License-Identifier: MIT */
/* Tests of the ladder: the published table, what each option changes, and that the layers add
 * up. */
#include "mtu/mtu.h"

#include "base/bytes.h"
#include "wg/overhead.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>

#include <cmocka.h>

static struct mtu_options plain(unsigned underlay, uint16_t outer)
{
	return (struct mtu_options){
		.underlay = underlay, .outer_family = outer, .inner_family = AF_INET
	};
}

struct table_case {
	const char *name;
	unsigned underlay;
	uint16_t outer;
	unsigned wg_mtu;
	unsigned session;
};

static const struct table_case table_cases[] = {
	{ "Ethernet, IPv4", 1500, AF_INET, 1440, 1386 },
	{ "Ethernet, IPv6", 1500, AF_INET6, 1420, 1366 },
	{ "PPPoE, IPv4", 1492, AF_INET, 1432, 1378 },
	{ "PPPoE, IPv6", 1492, AF_INET6, 1412, 1358 },
	{ "Flets, IPv4", 1454, AF_INET, 1394, 1340 },
	{ "Flets, IPv6", 1454, AF_INET6, 1374, 1320 },
	{ "jumbo", 9000, AF_INET, 8940, 8886 },
};

static void test_table(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(table_cases); i++) {
		const struct table_case *c = &table_cases[i];
		struct mtu_options o = plain(c->underlay, c->outer);
		struct mtu_ladder l;

		print_message("%s\n", c->name);
		assert_int_equal(mtu_ladder_compute(&o, &l), 0);
		assert_int_equal(l.wg_mtu, c->wg_mtu);
		assert_int_equal(l.session, c->session);
		assert_int_equal(l.outer_len, c->underlay);
		assert_int_equal(l.frame, c->session + 14);
		assert_int_equal(l.mss4, c->session - 40);
		assert_int_equal(l.mss6, c->session - 60);
		assert_int_equal(l.ping4, c->session - 28);
		assert_int_equal(l.ping6, c->session - 48);
		assert_int_equal(wg_mtu_of(c->underlay, c->outer), c->wg_mtu);
		assert_int_equal(wg_underlay_of(c->wg_mtu, c->outer), c->underlay);
	}
}

struct delta_case {
	const char *name;
	struct mtu_options change; /* what is set replaces the plain options */
	int delta;		   /* to the session's 1386 */
};

static const struct delta_case delta_cases[] = {
	{ "one tag", { .vlan_tags = 1 }, -4 },
	{ "two tags", { .vlan_tags = 2 }, -8 },
	{ "cookie of 4", { .cookie_len = 4 }, -4 },
	{ "cookie of 8", { .cookie_len = 8 }, -8 },
	{ "IPv6 inside", { .inner_family = AF_INET6 }, -20 },
	{ "sublayer none", { .sublayer = L2TP_SUBLAYER_NONE }, 4 },
	{ "encapsulation ip", { .encap = L2TP_ENCAP_IP }, 12 },
	{ "IPv6 outside", { .outer_family = AF_INET6 }, -20 },
	{ "wg MTU given", { .wg_mtu = 1400 }, -40 },
	{ "all of it",
		{ .vlan_tags = 2,
			.cookie_len = 8,
			.inner_family = AF_INET6,
			.sublayer = L2TP_SUBLAYER_NONE,
			.encap = L2TP_ENCAP_IP },
		-20 },
};

static void test_deltas(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(delta_cases); i++) {
		const struct delta_case *c = &delta_cases[i];
		struct mtu_options o = c->change;
		struct mtu_ladder l;

		print_message("%s\n", c->name);
		o.underlay = 1500;
		o.outer_family = o.outer_family ? o.outer_family : AF_INET;
		o.inner_family = o.inner_family ? o.inner_family : AF_INET;
		assert_int_equal(mtu_ladder_compute(&o, &l), 0);
		assert_int_equal((int)l.session, 1386 + c->delta);
		assert_int_equal(l.frame, l.session + 14 + 4 * o.vlan_tags);
	}
}

/* The options of a session over an IPv4 underlay of 1500 bytes; no VLAN tags. */
static struct mtu_options options_of(const struct l2tp_session *s)
{
	return (struct mtu_options){
		.underlay = 1500,
		.outer_family = AF_INET,
		.inner_family = s->tunnel->local.family,
		.encap = s->tunnel->encap,
		.sublayer = s->sublayer,
		.cookie_len =
			s->cookie_len > s->peer_cookie_len ? s->cookie_len : s->peer_cookie_len,
	};
}

/* What the ladder calls overhead is what l2tp_push() writes, and the layers add up to the outer
 * packet, each where the one before it ends. */
static void test_agrees_with_sessions(void **state)
{
	for (unsigned i = 0; i < 2 * 2 * 2 * 3; i++) {
		struct l2tp_tunnel t = { .encap = i & 1 ? L2TP_ENCAP_IP : L2TP_ENCAP_UDP,
			.local_port = 1,
			.remote_port = 1 };
		struct l2tp_session s = { .tunnel = &t,
			.id = 1,
			.peer_id = 1,
			.sublayer = i & 2 ? L2TP_SUBLAYER_NONE : L2TP_SUBLAYER_DEFAULT,
			.cookie_len = (uint8_t)(i / 8 * 4) };
		struct mtu_options o;
		struct mtu_ladder l;
		unsigned at = 0;

		assert_int_equal(ip_addr_parse(i & 4 ? "fd00::1" : "10.0.0.1", &t.local), 0);
		t.remote = t.local;
		assert_int_equal(l2tp_session_init(&s), 0);
		o = options_of(&s);
		assert_int_equal(mtu_ladder_compute(&o, &l), 0);
		assert_int_equal(s.overhead + l.frame, l.wg_mtu);
		for (unsigned k = 0; k < MTU_LAYERS; k++) {
			assert_int_equal(l.offset[k], at);
			at += l.bytes[k];
			assert_non_null(mtu_layer_name((enum mtu_layer)k));
		}
		assert_int_equal(at, 1500);
	}
}

static void test_refusals(void **state)
{
	struct mtu_ladder l = { .session = 77 };
	struct mtu_options o;

	o = plain(1500, 0);
	assert_int_equal(mtu_ladder_compute(&o, &l), -EINVAL);
	o = plain(1500, AF_INET);
	o.cookie_len = 6;
	assert_int_equal(mtu_ladder_compute(&o, &l), -EINVAL);
	o = plain(1500, AF_INET);
	o.vlan_tags = 3;
	assert_int_equal(mtu_ladder_compute(&o, &l), -EINVAL);
	o = plain(60 + 54, AF_INET);
	assert_int_equal(mtu_ladder_compute(&o, &l), -EMSGSIZE);
	o = plain(0, AF_INET);
	assert_int_equal(mtu_ladder_compute(&o, &l), -EMSGSIZE);
	assert_int_equal(l.session, 77);
	o = plain(60 + 55, AF_INET);
	assert_int_equal(mtu_ladder_compute(&o, &l), 0);
	assert_int_equal(l.session, 1);
	assert_int_equal(l.mss4, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_deltas),
		cmocka_unit_test(test_agrees_with_sessions),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
