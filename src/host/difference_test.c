/* SPDX-License-Identifier: MIT */
/* Tests of the comparison of the host with the configuration: one change to a host that is as
 * configured, and the differences that it makes. */
#include "host/difference.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "host/routes.h"

#define ALIAS "wirespan vpn01"

enum {
	WG = 0,
	BRIDGE,
	SESSION,
	MEMBER,
	OTHER,
	N_LINKS
};

static const struct ip_prefix tunnel = { .addr = { AF_INET, { 10, 0, 1, 11 } }, .len = 24 };
static const struct ip_prefix lan = { .addr = { AF_INET, { 10, 0, 2, 11 } }, .len = 24 };
static const struct ip_prefix far = { .addr = { AF_INET, { 10, 9, 0, 0 } }, .len = 16 };
static const struct ip_prefix any = { .addr = { AF_INET, { 0 } }, .len = 0 };

/** A host that is as configured, and what is wanted of it. */
struct bench {
	struct link_info links[N_LINKS + 1];
	struct ifaddr_info addresses[3];
	struct route_info routes[6];
	struct route_info routes6[2];
	struct rule_info rules[2];
	struct conf_prefix wg_prefix;
	struct conf_prefix lan_prefix;
	struct conf_prefix more_prefixes[2];
	struct conf_prefixes wg_addresses;
	struct conf_prefixes lan_addresses;
	struct planned_route planned[2];
	struct route_plan plan;
	struct wanted_link wanted[4];
	struct wanted_setting settings[5];
	struct host_view view;
};

static struct link_info link_of(uint32_t ifindex, const char *name, const char *kind)
{
	struct link_info link = {
		.ifindex = ifindex, .flags = IFF_UP | IFF_RUNNING, .type = ARPHRD_ETHER, .mtu = 1500
	};

	snprintf(link.name, sizeof(link.name), "%s", name);
	snprintf(link.kind, sizeof(link.kind), "%s", kind);
	return link;
}

static struct ifaddr_info address_of(uint32_t ifindex, const struct ip_prefix *prefix)
{
	return (struct ifaddr_info){
		.ifindex = ifindex, .prefix = *prefix, .flags = IFA_F_PERMANENT
	};
}

/** The routes that the kernel adds with an address. */
static struct route_info connected_of(uint32_t ifindex, const struct ip_prefix *prefix)
{
	return (struct route_info){ .dst = ip_prefix_masked(prefix),
		.table = RT_TABLE_MAIN,
		.ifindex = ifindex,
		.type = RTN_UNICAST };
}

static struct route_info local_of(uint32_t ifindex, const struct ip_prefix *prefix)
{
	return (struct route_info){ .dst = { prefix->addr, (uint8_t)ip_addr_bits(&prefix->addr) },
		.table = RT_TABLE_LOCAL,
		.ifindex = ifindex,
		.type = RTN_LOCAL };
}

static void fill_host(struct bench *b)
{
	b->links[WG] = link_of(5, "wg0", "tun");
	b->links[WG].type = ARPHRD_NONE;
	b->links[WG].mtu = 1440;
	b->links[BRIDGE] = link_of(6, "br-l2tp0", "bridge");
	snprintf(b->links[BRIDGE].alias, sizeof(b->links[BRIDGE].alias), ALIAS);
	b->links[BRIDGE].has_stp = b->links[BRIDGE].has_mac = true;
	b->links[BRIDGE].mac[0] = 2;
	b->links[SESSION] = link_of(7, "l2tpeth0", "tun");
	b->links[MEMBER] = link_of(8, "eth1", "");
	b->links[SESSION].master = b->links[MEMBER].master = 6;
	b->links[OTHER] = link_of(9, "br9", "bridge");
	b->addresses[0] = address_of(5, &tunnel);
	b->addresses[1] = address_of(6, &lan);
	b->routes[0] = (struct route_info){ .dst = far, .table = RT_TABLE_MAIN, .ifindex = 5 };
	b->routes[1] = (struct route_info){ .dst = any, .table = 51820, .ifindex = 5 };
	b->routes[2] = connected_of(5, &tunnel);
	b->routes[3] = connected_of(6, &lan);
	b->routes[4] = local_of(5, &tunnel);
	b->routes[5] = local_of(6, &lan);
	b->rules[0] = routes_rule_marked(AF_INET, 51820);
	b->rules[1] = routes_rule_main(AF_INET);
	b->rules[0].protocol = b->rules[1].protocol = RULE_PROTOCOL;
	b->view = (struct host_view){ .links = { b->links, N_LINKS },
		.addresses = { b->addresses, 2 },
		.routes = { { b->routes, 6 }, { b->routes6, 0 } },
		.rules = { { b->rules, 2 } } };
}

static void fill_wanted(struct bench *b)
{
	b->wg_prefix.prefix = tunnel;
	b->lan_prefix.prefix = lan;
	b->wg_addresses = (struct conf_prefixes){ &b->wg_prefix, 1 };
	b->lan_addresses = (struct conf_prefixes){ &b->lan_prefix, 1 };
	b->planned[0] = (struct planned_route){ .dst = far, .table = RT_TABLE_MAIN };
	b->planned[1] = (struct planned_route){ .dst = any, .table = 51820, .by_rule = true };
	b->plan = (struct route_plan){ b->planned, 2 };
	b->wanted[WG] = (struct wanted_link){ .role = WANTED_WG,
		.name = "wg0",
		.ifindex = 5,
		.bridge = "",
		.mtu = 1440,
		.addresses = &b->wg_addresses };
	b->wanted[BRIDGE] = (struct wanted_link){ .role = WANTED_BRIDGE,
		.name = "br-l2tp0",
		.ifindex = 6,
		.bridge = "",
		.addresses = &b->lan_addresses,
		.alias = ALIAS,
		.has_mac = true,
		.mac = { 2 } };
	b->wanted[SESSION] = (struct wanted_link){ .role = WANTED_SESSION,
		.name = "l2tpeth0",
		.ifindex = 7,
		.bridge = "br-l2tp0",
		.mtu = 1500 };
	b->wanted[MEMBER] = (struct wanted_link){
		.role = WANTED_MEMBER, .name = "eth1", .ifindex = 8, .bridge = "br-l2tp0"
	};
	b->settings[0] =
		(struct wanted_setting){ .kind = DIFFERENCE_VALID_MARK, .family = AF_INET };
	b->settings[1] = (struct wanted_setting){ .kind = DIFFERENCE_FILTER, .family = AF_INET };
	b->settings[2] = (struct wanted_setting){ .kind = DIFFERENCE_DNS };
	b->settings[3] = (struct wanted_setting){
		.kind = DIFFERENCE_ACCEPT_RA, .role = WANTED_BRIDGE, .family = AF_INET6
	};
	b->settings[4] = (struct wanted_setting){ .kind = DIFFERENCE_AUTOCONF, .family = AF_INET6 };
	for (size_t i = 0; i < ARRAY_LEN(b->settings); i++) {
		snprintf(b->settings[i].link, IF_NAMESIZE, i == 3 ? "br-l2tp0" : "wg0");
		b->settings[i].state = SETTING_AS_WANTED;
		b->settings[i].seen = true;
	}
	b->wanted[SESSION].has_port = b->wanted[MEMBER].has_port = true;
}

/** Remove an interface from the host, and its ports from it. */
static void delete_link(struct bench *b, int i)
{
	uint32_t ifindex = b->links[i].ifindex;

	memmove(&b->links[i], &b->links[i + 1],
		(b->view.links.n - (size_t)i) * sizeof(b->links[0]));
	b->view.links.n--;
	for (size_t k = 0; k < b->view.links.n; k++)
		if (b->links[k].master == ifindex)
			b->links[k].master = 0;
}

static void rename_link(struct bench *b, int i, const char *name)
{
	snprintf(b->links[i].name, sizeof(b->links[i].name), "%s", name);
}

static void change_nothing(struct bench *b)
{
}

static void set_bridge_down(struct bench *b)
{
	b->links[BRIDGE].flags = 0;
	b->view.addresses.n = 1; /* the comparison does not look for addresses */
}

static void set_wg_down(struct bench *b)
{
	b->links[WG].flags = 0;
	b->routes[0] = b->routes[3];
	b->routes[1] = b->routes[5];
	b->view.routes[0].n = 2; /* those of the bridge */
}

static void set_member_down(struct bench *b)
{
	b->links[MEMBER].flags = 0;
}

static void lose_carrier(struct bench *b)
{
	b->links[MEMBER].flags = IFF_UP;
}

static void flush_addresses(struct bench *b)
{
	b->view.addresses.n = 0;
}

static void delete_bridge(struct bench *b)
{
	delete_link(b, BRIDGE);
}

static void replace_bridge(struct bench *b)
{
	rename_link(b, OTHER, "br-l2tp0");
	delete_link(b, BRIDGE);
	b->settings[3].state = SETTING_OTHER; /* of the other bridge */
}

static void make_bridge_again(struct bench *b)
{
	b->wanted[BRIDGE].ifindex = 4711; /* of a bridge that is gone */
}

static void rename_bridge(struct bench *b)
{
	rename_link(b, BRIDGE, "foo");
}

static void take_name(struct bench *b)
{
	rename_link(b, BRIDGE, "foo");
	rename_link(b, OTHER, "br-l2tp0");
}

static void rename_wg(struct bench *b)
{
	rename_link(b, WG, "wg9");
}

static void rename_member(struct bench *b)
{
	rename_link(b, MEMBER, "lan0");
}

static void replace_member(struct bench *b)
{
	rename_link(b, MEMBER, "lan0");
	b->links[N_LINKS] = link_of(10, "eth1", "");
	b->view.links.n++;
}

static void delete_member(struct bench *b)
{
	delete_link(b, MEMBER);
}

static void take_member_out(struct bench *b)
{
	b->links[MEMBER].master = 0;
	b->links[MEMBER].flags = 0;
}

static void move_member(struct bench *b)
{
	b->links[MEMBER].master = 9;
	b->links[MEMBER].flags = 0;
}

static void make_member_unfit(struct bench *b)
{
	b->links[MEMBER].master = 0;
	b->links[MEMBER].type = ARPHRD_LOOPBACK;
}

static void move_session(struct bench *b)
{
	b->links[SESSION].master = 9;
}

static void take_session_out(struct bench *b)
{
	b->links[SESSION].master = 0;
	b->links[SESSION].flags = 0;
}

static void delete_session(struct bench *b)
{
	delete_link(b, SESSION);
}

static void delete_wg(struct bench *b)
{
	delete_link(b, WG);
	b->wanted[WG].deleted = true;
}

static void move_wg(struct bench *b)
{
	delete_link(b, WG);
	b->wanted[WG].moved = true;
}

/** Another program makes an interface of that name in its place. */
static void replace_session(struct bench *b)
{
	b->links[SESSION].ifindex = 4711;
	b->wanted[SESSION].by_ifindex = b->wanted[SESSION].deleted = true;
}

/** A back end of kernel objects replaces one when its options change. */
static void make_session_again(struct bench *b)
{
	b->links[SESSION].ifindex = 4711;
}

static void change_mtus(struct bench *b)
{
	b->links[WG].mtu = 1300;
	b->links[SESSION].mtu = 1400;
	b->links[BRIDGE].mtu = 1450; /* follows its ports */
}

static void change_bridge_mtu(struct bench *b)
{
	b->links[BRIDGE].mtu = 1400;
}

static void shrink_member(struct bench *b)
{
	b->links[MEMBER].mtu = 1400;
	b->links[BRIDGE].mtu = 1400;
}

static void turn_stp_on(struct bench *b)
{
	b->links[BRIDGE].stp_state = 1;
}

static void turn_stp_off(struct bench *b)
{
	b->wanted[BRIDGE].stp = true;
}

static const struct ip_prefix link_local = {
	.addr = { .family = AF_INET6, .bytes = { 0xfe, 0x80, [15] = 1 } }, .len = 64
};

static void remove_link_local(struct bench *b)
{
	b->wanted[BRIDGE].link_local = link_local;
}

static void change_link_local(struct bench *b)
{
	struct ifaddr_info *a = &b->addresses[2];

	*a = address_of(6, &link_local);
	a->scope = RT_SCOPE_LINK;
	a->prefix.addr.bytes[15] = 2;
	b->view.addresses.n = 3;
	b->wanted[BRIDGE].link_local = link_local;
}

/** The link-local address is there, with the kernel's routes. */
static void have_link_local(struct bench *b)
{
	b->addresses[2] = address_of(6, &link_local);
	b->addresses[2].scope = RT_SCOPE_LINK;
	b->view.addresses.n = 3;
	b->wanted[BRIDGE].link_local = link_local;
	b->wanted[BRIDGE].local6 = true;
	b->routes6[0] = connected_of(6, &link_local);
	b->routes6[1] = local_of(6, &link_local);
	b->view.routes[1].n = 2;
}

static void delete_routes6(struct bench *b)
{
	have_link_local(b);
	b->view.routes[1].n = 0;
}

/** Before Linux 4.18, local IPv6 routes were by lo. */
static void delete_routes6_old(struct bench *b)
{
	delete_routes6(b);
	b->wanted[BRIDGE].local6 = false;
}

/** The kernel adds the local route when it has found no duplicate. */
static void detect_duplicates(struct bench *b)
{
	delete_routes6(b);
	b->addresses[2].flags |= IFA_F_TENTATIVE;
}

static void delete_connected(struct bench *b)
{
	b->routes[3] = b->routes[0];
}

static void delete_local(struct bench *b)
{
	b->routes[5] = b->routes[0];
}

/** NetworkManager adds the route itself, with a metric and protocol of its own. */
static void replace_connected(struct bench *b)
{
	b->addresses[1].flags |= IFA_F_NOPREFIXROUTE;
	b->routes[3].metric = 425;
	b->routes[3].protocol = RTPROT_STATIC;
}

/** An interface in a VRF has its routes in the table of the VRF. */
static void enslave_to_vrf(struct bench *b)
{
	b->links[BRIDGE].master = 9;
	b->routes[3].table = b->routes[5].table = 10;
}

/** Two addresses in one network have one route to it. */
static void add_second_address(struct bench *b)
{
	b->more_prefixes[0].prefix = b->more_prefixes[1].prefix = lan;
	b->more_prefixes[1].prefix.addr.bytes[3] = 99;
	b->lan_addresses = (struct conf_prefixes){ b->more_prefixes, 2 };
	b->addresses[2] = address_of(6, &b->more_prefixes[1].prefix);
	b->view.addresses.n = 3;
	b->routes[3] = local_of(6, &b->more_prefixes[1].prefix);
}

static void let_expire(struct bench *b)
{
	b->addresses[0].flags = 0;
	b->addresses[1].flags |= IFA_F_DEPRECATED;
}

static void delay_forwarding(struct bench *b)
{
	b->links[BRIDGE].forward_delay = 1500;
}

/** With STP, the delay is the root bridge's. */
static void delay_with_stp(struct bench *b)
{
	delay_forwarding(b);
	b->wanted[BRIDGE].stp = true;
	b->links[BRIDGE].stp_state = 1;
}

static void learn_without_limit(struct bench *b)
{
	b->wanted[BRIDGE].fdb_max = 16384;
	b->links[BRIDGE].has_fdb_max = true;
}

/** Before Linux 6.7, a bridge has no limit. */
static void lack_limit(struct bench *b)
{
	b->wanted[BRIDGE].fdb_max = 16384;
}

static void turn_snooping_on(struct bench *b)
{
	b->links[BRIDGE].has_multicast = true;
	b->links[BRIDGE].multicast_snooping = 1;
}

static void turn_snooping_off(struct bench *b)
{
	b->links[BRIDGE].has_multicast = true;
	b->wanted[BRIDGE].multicast_snooping = true;
}

/** A kernel without multicast snooping reports neither this nor router ports. */
static void lack_snooping(struct bench *b)
{
	b->wanted[BRIDGE].multicast_snooping = true;
	b->wanted[SESSION].port.multicast_router = 2;
}

static void change_port_settings(struct bench *b)
{
	b->wanted[SESSION].port = (struct link_port){ true, 2, 0x4000 };
	b->links[SESSION].port = (struct link_port){ false, 1, 0x4000 };
	b->links[SESSION].has_multicast = true;
	b->wanted[MEMBER].port.forward_control = 0x4000;
	b->links[MEMBER].port = (struct link_port){ true, 2, 0x8 };
}

static void change_ports_of_adopted(struct bench *b)
{
	change_port_settings(b);
	b->wanted[MEMBER].has_port = false;
}

/** A port that is elsewhere has settings of another bridge. */
static void change_port_elsewhere(struct bench *b)
{
	change_port_settings(b);
	b->links[SESSION].master = b->links[MEMBER].master = 9;
}

static void forward_everywhere(struct bench *b)
{
	b->links[BRIDGE].forward_control = 0x4000;
}

static void change_mac(struct bench *b)
{
	b->links[BRIDGE].mac[5] = 9;
}

static void remove_alias(struct bench *b)
{
	b->links[BRIDGE].alias[0] = '\0';
}

static void delete_routes(struct bench *b)
{
	b->view.routes[0].n = 0;
}

static void take_route_over(struct bench *b)
{
	b->routes[0].ifindex = 9;
}

static void delete_rule(struct bench *b)
{
	b->view.rules[0].n = 1;
}

static void change_settings(struct bench *b)
{
	for (size_t i = 0; i < ARRAY_LEN(b->settings); i++)
		b->settings[i].state = SETTING_OTHER;
}

/** A host that never had a setting. */
static void lack_settings(struct bench *b)
{
	change_settings(b);
	for (size_t i = 0; i < ARRAY_LEN(b->settings); i++)
		b->settings[i].seen = false;
}

static void hide_settings(struct bench *b)
{
	for (size_t i = 0; i < ARRAY_LEN(b->settings); i++)
		b->settings[i].state = SETTING_UNKNOWN;
}

static void take_rule_over(struct bench *b)
{
	b->rules[1].protocol = RTPROT_BOOT;
}

static const struct {
	const char *name;
	void (*change)(struct bench *b);
	const char *found; /* kind, interface, and what is done: r(estore), w(ait), l(eave) */
} table[] = {
	{ "nothing", change_nothing, "" },
	{ "bridge down", set_bridge_down, "down br-l2tp0 r;" },
	{ "wg0 down", set_wg_down, "down wg0 r;" },
	{ "member down", set_member_down, "down eth1 r;" },
	{ "no carrier", lose_carrier, "" },
	{ "addresses flushed", flush_addresses, "address wg0 r;address br-l2tp0 r;" },
	{ "bridge deleted", delete_bridge, "absent br-l2tp0 r;" },
	{ "bridge replaced", replace_bridge, "absent br-l2tp0 l;" },
	{ "bridge made again", make_bridge_again, "" },
	{ "bridge renamed", rename_bridge, "name br-l2tp0 r;" },
	{ "bridge's name taken", take_name, "name br-l2tp0 l;" },
	{ "wg0 renamed", rename_wg, "name wg0 r;" },
	{ "member renamed", rename_member, "name eth1 l;" },
	{ "member replaced", replace_member, "port eth1 r;" },
	{ "member unplugged", delete_member, "absent eth1 w;" },
	{ "member taken out", take_member_out, "port eth1 r;" },
	{ "member moved", move_member, "port eth1 l;" },
	{ "member unfit", make_member_unfit, "port eth1 l;" },
	{ "session moved", move_session, "port l2tpeth0 r;" },
	{ "session taken out", take_session_out, "port l2tpeth0 r;down l2tpeth0 r;" },
	{ "wg0 deleted", delete_wg, "absent wg0 r;" },
	{ "wg0 in another network namespace", move_wg, "absent wg0 l;" },
	{ "session replaced", replace_session, "absent l2tpeth0 l;" },
	{ "session made anew", make_session_again, "" },
	{ "session not there", delete_session, "absent l2tpeth0 l;" },
	{ "MTUs changed", change_mtus, "mtu wg0 r;mtu l2tpeth0 r;" },
	{ "bridge's MTU changed", change_bridge_mtu, "mtu br-l2tp0 r;" },
	{ "member with a small MTU", shrink_member, "" },
	{ "STP turned on", turn_stp_on, "stp br-l2tp0 r;" },
	{ "STP turned off", turn_stp_off, "stp br-l2tp0 r;" },
	{ "link-local address removed", remove_link_local, "address br-l2tp0 r;" },
	{ "another link-local address", change_link_local, "" },
	{ "link-local address as it should be", have_link_local, "" },
	{ "IPv6 routes deleted", delete_routes6, "route br-l2tp0 r;route br-l2tp0 r;" },
	{ "IPv6 routes of an old kernel", delete_routes6_old, "route br-l2tp0 r;" },
	{ "IPv6 address not yet in use", detect_duplicates, "" },
	{ "connected route deleted", delete_connected, "route br-l2tp0 r;" },
	{ "local route deleted", delete_local, "route br-l2tp0 r;" },
	{ "connected route of another program", replace_connected, "" },
	{ "bridge in a VRF", enslave_to_vrf, "" },
	{ "two addresses without their route", add_second_address, "route br-l2tp0 r;" },
	{ "addresses that end", let_expire, "address_lifetime wg0 r;address_lifetime br-l2tp0 r;" },
	{ "forward delay", delay_forwarding, "forward_delay br-l2tp0 r;" },
	{ "forward delay with STP", delay_with_stp, "" },
	{ "addresses learnt without limit", learn_without_limit, "fdb_max_learned br-l2tp0 r;" },
	{ "a kernel without that limit", lack_limit, "" },
	{ "snooping turned on", turn_snooping_on, "multicast_snooping br-l2tp0 r;" },
	{ "snooping turned off", turn_snooping_off, "multicast_snooping br-l2tp0 r;" },
	{ "a kernel without snooping", lack_snooping, "" },
	{ "port settings", change_port_settings,
		"isolated l2tpeth0 r;multicast_router l2tpeth0 r;forward_control eth1 r;" },
	{ "ports of an adopted bridge", change_ports_of_adopted,
		"isolated l2tpeth0 r;multicast_router l2tpeth0 r;" },
	{ "ports elsewhere", change_port_elsewhere, "port l2tpeth0 r;port eth1 l;" },
	{ "all ports forward", forward_everywhere, "forward_control br-l2tp0 r;" },
	{ "MAC changed", change_mac, "mac br-l2tp0 r;" },
	{ "alias removed", remove_alias, "alias br-l2tp0 r;" },
	{ "routes deleted", delete_routes,
		"route wg0 r;route wg0 r;route wg0 r;route wg0 r;route br-l2tp0 r;route br-l2tp0 "
		"r;" },
	{ "route taken over", take_route_over, "route wg0 r;" },
	{ "rule deleted", delete_rule, "rule wg0 r;" },
	{ "settings changed", change_settings,
		"src_valid_mark wg0 r;filter wg0 r;dns wg0 r;accept_ra br-l2tp0 r;"
		"addr_gen_mode wg0 r;" },
	{ "settings that never were", lack_settings, "" },
	{ "settings that cannot be read", hide_settings, "" },
	{ "rule of another program", take_rule_over, "rule wg0 r;" },
};

static void test_table(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct bench b = { 0 };
		struct wanted wanted = { .v = b.wanted,
			.n = 4,
			.plan = &b.plan,
			.settings = b.settings,
			.n_settings = ARRAY_LEN(b.settings) };
		struct differences list;
		char found[256] = "";
		size_t len = 0;

		fill_host(&b);
		fill_wanted(&b);
		table[i].change(&b);
		assert_int_equal(difference_compare(&wanted, &b.view, &list), 0);
		for (size_t k = 0; k < list.n; k++) {
			const struct difference *d = &list.v[k];

			len += (size_t)snprintf(found + len, sizeof(found) - len, "%s %s %c;",
				difference_kind_name(d->kind), d->name, "rwl"[d->remedy]);
			assert_non_null(strstr(
				d->text, d->kind == DIFFERENCE_RULE ? "table 51820" : d->name));
		}
		if (strcmp(found, table[i].found) != 0)
			fail_msg("%s: %s", table[i].name, found);
		free(list.v);
	}
}

/** Only the same difference of the same interface is the same. */
static void test_equal(void **state)
{
	struct difference a = { .kind = DIFFERENCE_ADDRESS, .name = "wg0", .prefix = tunnel };
	struct difference b = a;

	snprintf(b.text, sizeof(b.text), "another text");
	assert_true(difference_equal(&a, &b));
	b.prefix = lan;
	assert_false(difference_equal(&a, &b));
	b = a;
	b.ifindex = 9; /* a card that was plugged in again */
	assert_false(difference_equal(&a, &b));
	b = a;
	b.kind = DIFFERENCE_DOWN;
	assert_false(difference_equal(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
