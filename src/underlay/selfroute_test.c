/* SPDX-License-Identifier: MIT */
/* Tests of routes through a bridge that filters VLANs: its table is asked in a frame's VLAN. */
#include "underlay/selfroute.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

#include <libmnl/libmnl.h>

#define BRIDGE 3
#define CARD   4
#define TAP    5

static const uint8_t mac[LINK_MAC_LEN] = { 2, 0, 0, 0, 0, 9 };

/* The kernel's part: where the address is in each VLAN, and the PVIDs. */
static struct {
	uint16_t vlan;
	uint32_t port; /* 0: end */
} table[4];
static uint16_t pvids[TAP + 1];
static unsigned n_requests;

int __wrap_query_link_index(struct nl_socket *nl, uint32_t ifindex, struct link_info *ret);

int __wrap_query_link_index(struct nl_socket *nl, uint32_t ifindex, struct link_info *ret)
{
	(void)nl;
	*ret = (struct link_info){ .ifindex = ifindex };
	if (ifindex == BRIDGE)
		snprintf(ret->kind, sizeof(ret->kind), "bridge");
	else
		ret->master = BRIDGE;
	return 0;
}

/* Answer with a neighbour, or an entry of the forwarding table. */
static int answer_neigh(nl_visit_fn *visit, void *ctx, uint32_t ifindex)
{
	struct ndmsg n = { .ndm_ifindex = (int)ifindex, .ndm_state = NUD_REACHABLE };
	struct nl_msg m;

	nl_msg_start(&m, RTM_NEWNEIGH, 0, &n, sizeof(n));
	nl_msg_put(&m, NDA_LLADDR, mac, sizeof(mac));
	return visit(ctx, &m.head);
}

static int answer_vlans(nl_visit_fn *visit, void *ctx)
{
	for (int i = BRIDGE; i <= TAP; i++) {
		struct ifinfomsg head = { .ifi_family = AF_BRIDGE, .ifi_index = i };
		struct bridge_vlan_info v = { .flags = BRIDGE_VLAN_INFO_PVID, .vid = pvids[i] };
		struct nl_msg m;
		size_t nest;

		nl_msg_start(&m, RTM_NEWLINK, 0, &head, sizeof(head));
		nest = nl_msg_nest(&m, IFLA_AF_SPEC);
		nl_msg_put(&m, IFLA_BRIDGE_VLAN_INFO, &v, sizeof(v));
		nl_msg_nest_end(&m, nest);
		assert_int_equal(visit(ctx, &m.head), 0);
	}
	return 0;
}

int __wrap_nl_exchange(struct nl_socket *nl, struct nl_msg *m, nl_visit_fn *visit, void *ctx);

int __wrap_nl_exchange(struct nl_socket *nl, struct nl_msg *m, nl_visit_fn *visit, void *ctx)
{
	struct nl_attrs walk = nl_attrs_of(&m->head, sizeof(struct ndmsg));
	const struct nlattr *a;
	uint16_t vlan = 0;
	struct ndmsg n;

	(void)nl;
	n_requests++;
	if (m->head.nlmsg_type == RTM_GETLINK)
		return answer_vlans(visit, ctx);
	assert_int_equal(m->head.nlmsg_type, RTM_GETNEIGH);
	assert_int_equal(nl_msg_fixed(&m->head, &n, sizeof(n)), 0);
	if (n.ndm_family != AF_BRIDGE)
		return answer_neigh(visit, ctx, BRIDGE);
	while ((a = nl_attrs_next(&walk)))
		if (mnl_attr_get_type(a) == NDA_VLAN)
			vlan = mnl_attr_get_u16(a);
	for (size_t i = 0; i < ARRAY_LEN(table) && table[i].port; i++)
		if (table[i].vlan == vlan)
			return answer_neigh(visit, ctx, table[i].port);
	return -ENOENT;
}

static int set_up(void **state)
{
	(void)state;
	memset(table, 0, sizeof(table));
	pvids[BRIDGE] = 10;
	pvids[CARD] = 1;
	pvids[TAP] = 20;
	n_requests = 0;
	return 0;
}

/* Frames without a tag are in the VLAN that the port has for them, those with one in its own. */
static void test_arrivals(void **state)
{
	static const struct {
		uint16_t learned; /* where the address is */
		uint32_t port;
		uint16_t tag;
		enum arrival arrival;
	} cases[] = {
		{ 0, TAP, 0, ARRIVAL_LEARNED }, /* VLANs are not filtered */
		{ 0, CARD, 0, ARRIVAL_STRAY },
		{ 20, TAP, 0, ARRIVAL_LEARNED },
		{ 20, CARD, 0, ARRIVAL_STRAY },
		{ 1, CARD, 0, ARRIVAL_FLOODED }, /* in another VLAN */
		{ 10, CARD, 0, ARRIVAL_FLOODED },
		{ 7, TAP, 7, ARRIVAL_LEARNED },
		{ 7, CARD, 7, ARRIVAL_STRAY },
		{ 20, CARD, 7, ARRIVAL_FLOODED },
	};
	struct selfroute s = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		set_up(state);
		table[0].vlan = cases[i].learned;
		table[0].port = cases[i].port;
		assert_int_equal(selfroute_arrival(&s, TAP, mac, cases[i].tag), cases[i].arrival);
		assert_in_range(n_requests, 1, 3);
	}
}

/* A route by the bridge itself: its own VLAN decides, although the router is in others as well. */
static void test_routes(void **state)
{
	static const uint32_t taps[] = { TAP };
	struct selfroute s = { .taps = taps, .n_taps = 1 };
	struct route_info route = { .ifindex = BRIDGE };
	struct ip_addr dst;

	(void)state;
	assert_int_equal(ip_addr_parse("10.0.2.22", &dst), 0);
	table[0].vlan = 1;
	table[0].port = CARD;
	table[1].vlan = 10;
	table[1].port = TAP;
	assert_int_equal(selfroute_of(&s, &route, &dst), LEADS_SEGMENT);
	table[0].port = TAP;
	table[1].port = CARD;
	assert_int_equal(selfroute_of(&s, &route, &dst), LEADS_OUT);
	table[1].vlan = 20;
	assert_int_equal(selfroute_of(&s, &route, &dst), LEADS_FLOODED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_arrivals, set_up),
		cmocka_unit_test_setup(test_routes, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
