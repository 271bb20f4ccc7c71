/* SPDX-License-Identifier: MIT */
/* Tests of the rules that depend on the host, on a fictitious host with every kind of interface. */
#include "host/host_rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/rtnetlink.h>
#include <net/if_arp.h>

#include "base/bytes.h"
#include "conf/test_conf.h"

#define ETHER .type = ARPHRD_ETHER

/* The ifindex of each is its position, from 1. */
static struct link_info links[] = {
	{ .name = "lo", .type = ARPHRD_LOOPBACK, .flags = IFF_LOOPBACK },
	{ .name = "eth0", ETHER },
	{ .name = "eth1", ETHER },
	{ .name = "bond0", ETHER, .kind = "bond" },
	{ .name = "eth2", ETHER, .master = 4 },
	{ .name = "team0", ETHER, .kind = "team" },
	{ .name = "eth3", ETHER, .master = 6 },
	{ .name = "vrf0", ETHER, .kind = "vrf" },
	{ .name = "eth4", ETHER, .master = 8 },
	{ .name = "ovs-system", ETHER, .kind = "openvswitch" },
	{ .name = "eth5", ETHER, .master = 10 },
	{ .name = "br0", ETHER, .kind = "bridge" },
	{ .name = "eth6", ETHER, .master = 12 },
	{ .name = "eth7", ETHER },
	{ .name = "mv0", ETHER, .kind = "macvlan", .lower = 14 },
	{ .name = "mt0", ETHER, .kind = "macvtap", .lower = 14 },
	{ .name = "eth9", ETHER },
	{ .name = "ms0", ETHER, .kind = "macsec", .lower = 17 },
	{ .name = "eth10", ETHER },
	{ .name = "eth10.5", ETHER, .kind = "vlan", .lower = 19, .vlan = 5 },
	{ .name = "ip0", ETHER, .kind = "ipvlan", .lower = 3000 },
	{ .name = "wlan0", ETHER },
	{ .name = "ours0", ETHER, .kind = "bridge", .alias = "wirespan site" },
	{ .name = "eth11", ETHER, .master = 23 },
	{ .name = "tun0", .type = ARPHRD_NONE, .kind = "tun" },
	{ .name = "eth12", ETHER, .master = 4000 },
	{ .name = "jumbo", ETHER, .mtu = 9000 },
	{ .name = "tiny", ETHER, .mtu = 1450 },
	{ .name = "xdp0", ETHER, .xdp = 1 },
	{ .name = "vmbr0", ETHER, .kind = "bridge", .filters_vlans = true },
	{ .name = "vmbr1", ETHER, .kind = "bridge" },
	{ .name = "vmbr2", ETHER, .kind = "bridge" },
	{ .name = "wlan1", ETHER },
	{ .name = "wlan2", ETHER },
};

static struct ifaddr_info addresses[6];

/* Properties that cases change. */
static struct host_facts facts;
static enum host_ipv6 ipv6_state;
static bool several_defaults;

static enum host_ipv6 fake_ipv6(void *ctx, const char *name)
{
	assert_true(strlen(name) > 0);
	return ipv6_state;
}

/* Some interfaces have a second name. */
static uint32_t fake_altname(void *ctx, const char *name)
{
	return !strcmp(name, "lan0") ? 3 : !strcmp(name, "lanbr") ? 12 : 0;
}

/* All but some networks are reached by eth0. */
static uint32_t fake_route(void *ctx, const struct ip_addr *dst)
{
	if (dst->family == AF_INET && dst->bytes[0] == 203)
		return dst->bytes[3] == 1 ? 31 : 32;
	return dst->family == AF_INET && dst->bytes[0] == 198 ? 20 : 2;
}

static const struct route_info *fake_route_to(
	void *ctx, const struct ip_prefix *dst, uint32_t table, bool any)
{
	static const struct route_info by_eth0 = { .ifindex = 2, .type = RTN_UNICAST };
	static const struct route_info by_other = { .ifindex = 14, .type = RTN_UNICAST };
	static const struct route_info nowhere = { .type = RTN_BLACKHOLE };
	static const struct route_info several = { .hops = { 14, 2 }, .n_hops = 2 };

	if (table == RT_TABLE_MAIN && !any && dst->addr.bytes[0] == 173)
		return dst->addr.bytes[1] ? &several : &nowhere;
	if (!dst->len)
		return several_defaults && table == RT_TABLE_MAIN ? &several
		       : table == RT_TABLE_MAIN || table == 77	  ? &by_eth0
								  : NULL;
	return dst->addr.bytes[0] == 172 && table == RT_TABLE_MAIN && !any ? &by_other : NULL;
}

static enum wireless_role fake_wireless(void *ctx, const struct link_info *link)
{
	return !strcmp(link->name, "wlan0")   ? WIRELESS_UNKNOWN
	       : !strcmp(link->name, "wlan1") ? WIRELESS_CLIENT
	       : !strcmp(link->name, "wlan2") ? WIRELESS_PORT
					      : WIRELESS_NONE;
}

static void put_address(size_t i, uint32_t ifindex, const char *text)
{
	addresses[i] = (struct ifaddr_info){ .ifindex = ifindex };
	assert_int_equal(ip_prefix_parse(text, &addresses[i].prefix), 0);
}

static int set_up(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		links[i].ifindex = (uint32_t)i + 1;
	put_address(0, 1, "127.0.0.1/8");
	put_address(1, 2, "192.168.122.24/24");
	put_address(2, 14, "10.7.0.1/24");
	put_address(3, 23, "10.0.2.11/24");
	put_address(4, 31, "203.0.113.9/24");
	put_address(5, 32, "10.6.0.9/24");
	ipv6_state = HOST_IPV6_ON;
	facts = (struct host_facts){ .links = { links, ARRAY_LEN(links) },
		.addresses = { addresses, ARRAY_LEN(addresses) },
		.alias = "wirespan site",
		.ipv6 = fake_ipv6,
		.route = fake_route,
		.route_to = fake_route_to,
		.altname = fake_altname,
		.wireless = fake_wireless };
	return 0;
}

/* One case: lines of the sections of a correct file, and the report. */
struct rule_case {
	const char *interface;
	const char *peer;
	const char *bridge;
	const char *report;
};

static void expect_case(const struct rule_case *c)
{
	struct conf_report report = { 0 };
	struct conf_site site;
	char text[2048];
	char *reported = strdup("");

	snprintf(text, sizeof(text),
		"[Interface]\nAddress = 10.0.1.11/24\nListenPort = 8172\n%s\n[Peer]\n%s\n%s\n"
		"[Bridge]\n%s\n",
		c->interface ? c->interface : "",
		c->peer ? c->peer : "Endpoint = 192.168.122.32:8172", "AllowedIPs = 10.0.1.21/32",
		c->bridge ? c->bridge : "");
	test_conf(&site, "site", text);
	host_rules_check(&site, &facts, &report);
	for (size_t i = 0; i < report.n; i++) {
		const struct conf_problem *p = &report.v[i];
		char *longer;

		assert_true(p->at.line > 0);
		assert_non_null(p->hint);
		assert_true(strlen(p->hint) > 10);
		assert_int_not_equal(
			asprintf(&longer, "%s%u %s: %s\n", reported, p->at.line,
				p->severity == CONF_ERROR ? "error" : "warning", p->text),
			-1);
		free(reported);
		reported = longer;
	}
	if (strcmp(reported, c->report) != 0)
		print_error("case: %s\n", text);
	assert_string_equal(reported, c->report);
	free(reported);
	conf_report_fini(&report);
	conf_site_fini(&site);
}

#define EXPECT_CASES(table)                                                                        \
	for (size_t i_ = 0; i_ < ARRAY_LEN(table); i_++)                                           \
	expect_case(&(table)[i_])

static void test_members(void **state)
{
	static const struct rule_case table[] = {
		{ .bridge = "Member = eth1", .report = "" },
		{ .bridge = "Member = jumbo", .report = "" },
		{ .bridge = "Member = lan0",
			.report = "9 error: Member: \"lan0\" is an alternative name of "
				  "\"eth1\"\n" },
		{ .bridge = "Member = bond0, team0, eth10.5, eth11", .report = "" },
		{ .bridge = "Member = eth99",
			.report = "9 warning: Member: there is no interface \"eth99\" on this host "
				  "yet\n" },
		{ .bridge = "Member = lo",
			.report = "9 error: Member: \"lo\" cannot be bridged: it is not an "
				  "Ethernet interface\n" },
		{ .bridge = "Member = tun0",
			.report = "9 error: Member: \"tun0\" cannot be bridged: it is not an "
				  "Ethernet interface\n" },
		{ .bridge = "Member = br0",
			.report = "9 error: Member: \"br0\" cannot be bridged: it is a bridge "
				  "itself\n" },
		{ .bridge = "Member = vrf0, ovs-system",
			.report = "9 error: Member: \"vrf0\" cannot be bridged: it is a VRF\n"
				  "9 error: Member: \"ovs-system\" cannot be bridged: it is an "
				  "interface of Open vSwitch\n" },
		{ .bridge = "Member = eth2",
			.report = "9 error: Member: \"eth2\" is part of the bond \"bond0\"\n" },
		{ .bridge = "Member = eth3",
			.report = "9 error: Member: \"eth3\" is part of the team \"team0\"\n" },
		{ .bridge = "Member = eth4",
			.report = "9 error: Member: \"eth4\" is in the VRF \"vrf0\"\n" },
		{ .bridge = "Member = eth5",
			.report = "9 error: Member: \"eth5\" is a port of Open vSwitch\n" },
		{ .bridge = "Member = eth6",
			.report = "9 error: Member: \"eth6\" is already a port of \"br0\"\n" },
		{ .bridge = "Member = eth12",
			.report = "9 error: Member: \"eth12\" already belongs to interface number "
				  "4000\n" },
		{ .bridge = "Member = eth7",
			.report = "9 error: Member: \"eth7\" is busy: the macvlan interface "
				  "\"mv0\" receives its frames\n" },
		{ .bridge = "Member = eth9",
			.report = "9 error: Member: \"eth9\" is busy: the macsec interface "
				  "\"ms0\" receives its frames\n" },
		{ .bridge = "Member = mt0",
			.report = "9 error: Member: \"mt0\", of type macvtap, belongs to"
				  " a virtual machine and cannot be bridged\n" },
		{ .bridge = "Member = mv0",
			.report = "9 warning: Member: \"mv0\", of type macvlan, receives"
				  " only frames to its own address\n" },
		{ .bridge = "Member = ip0",
			.report = "9 warning: Member: \"ip0\", of type ipvlan, receives"
				  " only frames to its own address\n" },
		{ .bridge = "Member = eth10",
			.report = "9 warning: Member: frames of VLAN 5 on \"eth10\" go to the "
				  "interface \"eth10.5\", not to the bridge\n" },
		{ .bridge = "Member = eth10\n[Bridge]\nName = br9\nMember = eth10.5",
			.report = "" },
		{ .interface = "PreUp = ip link add eth99 type dummy",
			.bridge = "Member = eth99",
			.report = "9 warning: Member: there is no interface \"eth99\" on this "
				  "host yet\n" },
	};

	EXPECT_CASES(table);
}

/* Members whose frames pass in part, or not at all. */
static void test_lossy_members(void **state)
{
	static const struct rule_case table[] = {
		{ .bridge = "Member = jumbo\n[L2TP]\nRemote = 10.0.1.21\n[L2TPSession]",
			.report = "9 warning: Member: \"jumbo\" has MTU 9000, and the sessions of "
				  "\"br-l2tp0\" carry 1500: the bridge drops larger packets "
				  "without counting them\n" },
		{ .bridge = "Member = jumbo\n[L2TP]\nRemote = 10.0.1.21\n[L2TPSession]\n"
			    "MTU = 9000",
			.report = "" },
		{ .bridge = "Member = tiny\n[L2TP]\nRemote = 10.0.1.21\n[L2TPSession]",
			.report = "9 warning: Member: \"tiny\" has MTU 1450, and the sessions of "
				  "\"br-l2tp0\" carry 1500: the bridge drops larger packets to it "
				  "without counting them\n" },
		{ .bridge = "Member = tiny\n[L2TP]\nRemote = 10.0.1.21\n[L2TPSession]\n"
			    "MTU = 1450",
			.report = "" },
		{ .bridge = "Member = xdp0",
			.report = "9 warning: Member: an XDP program on \"xdp0\" sees its frames "
				  "before the bridge, and may drop or redirect them\n" },
		{ .bridge = "Member = wlan0",
			.report = "9 warning: Member: \"wlan0\" is a wireless interface: as a "
				  "client of an access point it cannot be bridged\n" },
		{ .bridge = "Member = wlan1, wlan2",
			.report = "9 error: Member: \"wlan1\" cannot be bridged: it is a client of "
				  "a wireless network\n" },
	};

	EXPECT_CASES(table);
}

/* A member that leads to the peer. */
static void test_uplink(void **state)
{
#define ADDRESS_OF_PORT                                                                            \
	"warning: Member: \"eth0\" has the address 192.168.122.24/24, which does not work on a "   \
	"port of a bridge\n"
#define IN_CLEAR                                                                                   \
	": the underlay becomes part of the LAN, and frames of the other sites leave in clear on " \
	"this card\n"
#define CUT                                                                                        \
	": as a port of a bridge its addresses stop working, and frames of the other sites would " \
	"leave in clear on it\n"
	static const struct rule_case table[] = {
		{ .bridge = "Member = eth0",
			.report = "9 error: Member: \"eth0\" leads to 192.168.122.32" CUT
				  "9 " ADDRESS_OF_PORT },
		{ .bridge = "Address = 10.0.3.1/24\nMember = eth0",
			.report = "10 error: Member: \"eth0\" leads to 192.168.122.32" CUT
				  "10 " ADDRESS_OF_PORT },
		{ .bridge = "Address = 192.168.122.24/24\nMember = eth0",
			.report = "10 warning: Member: \"eth0\" leads to 192.168.122.32" IN_CLEAR
				  "10 " ADDRESS_OF_PORT },
		{ .peer = "Endpoint = [fe80::32%eth0]:8172",
			.bridge = "Member = eth0",
			.report = "9 error: Member: \"eth0\" leads to fe80::32%eth0" CUT
				  "9 " ADDRESS_OF_PORT },
		{ .peer = "Endpoint = [fe80::32%eth1]:8172",
			.bridge = "Member = eth0",
			.report = "9 " ADDRESS_OF_PORT },
		{ .interface = "PostUp = dhclient br-l2tp0",
			.bridge = "Member = eth0",
			.report = "9 warning: Member: \"eth0\" leads to 192.168.122.32" IN_CLEAR
				  "9 " ADDRESS_OF_PORT },
		{ .peer = "Endpoint = office.example:8172",
			.bridge = "Member = eth0",
			.report = "9 error: Member: \"eth0\" leads to office.example" CUT
				  "9 " ADDRESS_OF_PORT },
		{ .peer = " ",
			.bridge = "Member = eth0",
			.report = "9 warning: Member: \"eth0\" leads to the rest of the world, by "
				  "the default route" IN_CLEAR "9 " ADDRESS_OF_PORT },
		{ .peer = "Endpoint = 198.51.100.9:8172",
			.bridge = "Member = eth0",
			.report = "9 " ADDRESS_OF_PORT },
		{ .peer = "Endpoint = 198.51.100.9:8172",
			.bridge = "Member = eth10",
			.report = "9 warning: Member: frames of VLAN 5 on \"eth10\" go to the "
				  "interface \"eth10.5\", not to the bridge\n"
				  "9 warning: Member: \"eth10\" also carries the interface that "
				  "leads to 198.51.100.9: frames of the other sites leave in clear "
				  "on the same cable\n" },
	};

	EXPECT_CASES(table);
}

/* The default route has several next hops: the member is one of them. */
static void test_uplinks(void **state)
{
	static const struct rule_case table[] = {
		{ .peer = "Endpoint = office.example:8172",
			.bridge = "Member = eth0",
			.report = "9 error: Member: \"eth0\" leads to office.example" CUT
				  "9 " ADDRESS_OF_PORT },
	};

	several_defaults = true;
	EXPECT_CASES(table);
	several_defaults = false;
}

static void test_names(void **state)
{
	static const struct rule_case table[] = {
		{ .interface = "Name = eth1",
			.report = "4 error: Name: an interface \"eth1\" exists already\n" },
		{ .interface = "Name = tun0",
			.report = "4 error: Name: an interface \"tun0\" exists already, of type "
				  "tun\n" },
		{ .bridge = "Name = br0",
			.report = "9 error: Name: a bridge \"br0\" exists already, which another "
				  "program made\n" },
		{ .interface = "Name = lan0",
			.report = "4 error: Name: \"lan0\" is an alternative name of the "
				  "interface \"eth1\"\n" },
		{ .bridge = "Name = lanbr",
			.report = "9 error: Name: \"lanbr\" is an alternative name of the "
				  "interface \"br0\"\n" },
		{ .bridge = "Name = lanbr\nAdopt = yes",
			.report = "9 error: Adopt: \"lanbr\" is an alternative name of "
				  "\"br0\"\n" },
		{ .bridge = "[L2TP]\nRemote = 10.0.1.21\n[L2TPSession]\nName = lan0",
			.report = "12 error: Name: \"lan0\" is an alternative name of the "
				  "interface \"eth1\"\n" },
		{ .bridge = "Name = vmbr0\nAdopt = yes",
			.report = "9 warning: Adopt: the bridge \"vmbr0\" filters VLANs, so a "
				  "session carries its default VLAN alone\n" },
		{ .interface = "PostUp = bridge vlan add vid 10-20 dev l2tpeth0",
			.bridge = "Name = vmbr0\nAdopt = yes",
			.report = "" },
		{ .peer = "Endpoint = 203.0.113.1:8172",
			.bridge = "Name = vmbr1\nAdopt = yes",
			.report = "9 warning: Adopt: the bridge \"vmbr1\" has the public address "
				  "203.0.113.9 and leads to 203.0.113.1: frames of the other sites "
				  "leave in clear by its ports\n" },
		{ .peer = "Endpoint = 192.168.122.32:8172",
			.bridge = "Name = vmbr1\nAdopt = yes",
			.report = "" },
		{ .peer = "Endpoint = 203.0.113.2:8172",
			.bridge = "Name = vmbr2\nAdopt = yes",
			.report = "" },
		{ .bridge = "Name = br0\nAdopt = yes\nMember = eth6", .report = "" },
		{ .bridge = "Name = br9\nAdopt = yes",
			.report = "9 error: Adopt: there is no bridge \"br9\" on this host\n" },
		{ .interface = "PreUp = ip link add br9 type bridge",
			.bridge = "Name = br9\nAdopt = yes",
			.report = "9 warning: Adopt: there is no bridge \"br9\" on this host\n" },
		{ .bridge = "Name = eth1\nAdopt = yes",
			.report = "9 error: Adopt: \"eth1\" is no bridge of another program\n" },
		{ .bridge = "Name = ours0\nAdopt = yes",
			.report = "9 error: Adopt: \"ours0\" is no bridge of another program\n" },
		{ .bridge = "Name = ours0", .report = "" },
		{ .interface = "PreUp = true\nName = eth1",
			.report = "5 error: Name: an interface \"eth1\" exists already\n" },
		{ .bridge = "[L2TP]\nRemote = 10.0.1.21\n[L2TPSession]\nName = mv0",
			.report = "12 error: Name: an interface \"mv0\" exists already, of type "
				  "macvlan\n" },
	};
	static const struct rule_case running[] = {
		{ .interface = "Name = tun0", .report = "" },
		{ .bridge = "Name = br0",
			.report = "9 error: Name: a bridge \"br0\" exists already, which another "
				  "program made\n" },
		{ .bridge = "Name = eth1",
			.report = "9 error: Name: an interface \"eth1\" exists already\n" },
		{ .bridge = "Member = eth6",
			.report = "9 warning: Member: \"eth6\" is already a port of \"br0\"\n" },
	};

	EXPECT_CASES(table);
	facts.runs = true;
	EXPECT_CASES(running);
}

static void test_ipv6(void **state)
{
	static const struct rule_case on = { .interface = "Address = fd00::1/64", .report = "" };
	static const struct rule_case disabled[] = {
		{ .interface = "Address = fd00::1/64",
			.report = "4 error: Address: fd00::1/64 is IPv6, which this host has "
				  "disabled\n" },
		{ .bridge = "Address = fd00::1/64",
			.report = "9 error: Address: fd00::1/64 is IPv6, which this host has "
				  "disabled\n" },
		{ .peer = "AllowedIPs = ::/0",
			.report = "6 error: AllowedIPs: ::/0 is IPv6, which this host has "
				  "disabled\n" },
		{ .interface = "Table = off", .peer = "AllowedIPs = ::/0", .report = "" },
		{ .interface = "PreUp = sysctl -w net.ipv6.conf.default.disable_ipv6=0",
			.peer = "AllowedIPs = ::/0",
			.report = "6 warning: AllowedIPs: ::/0 is IPv6, which this host has "
				  "disabled\n" },
		{ .peer = "Endpoint = [2001:db8::1]:8172", .report = "" },
	};
	static const struct rule_case absent[] = {
		{ .interface = "Address = fd00::1/64",
			.report = "4 error: Address: fd00::1/64 is IPv6, which this kernel does "
				  "not have\n" },
		{ .peer = "Endpoint = [2001:db8::1]:8172",
			.report = "6 warning: Endpoint: 2001:db8::1 is IPv6, which this kernel "
				  "does not have\n" },
	};

	expect_case(&on);
	ipv6_state = HOST_IPV6_DISABLED;
	EXPECT_CASES(disabled);
	ipv6_state = HOST_IPV6_ABSENT;
	EXPECT_CASES(absent);
}

static void test_endpoints(void **state)
{
	static const struct rule_case table[] = {
		{ .peer = "Endpoint = 192.168.122.24:8172",
			.report = "6 error: Endpoint: 192.168.122.24, port 8172, is this host "
				  "itself, on eth0\n" },
		{ .peer = "Endpoint = 192.168.122.24:8173",
			.report = "6 warning: Endpoint: 192.168.122.24 is an address of this "
				  "host, on eth0\n" },
		{ .peer = "Endpoint = 127.0.0.1:8172",
			.report = "6 error: Endpoint: 127.0.0.1, port 8172, is this host itself, "
				  "on lo\n" },
		{ .peer = "Endpoint = 127.0.0.1:9000", .report = "" },
		{ .peer = "Endpoint = [::1]:8172",
			.report = "6 error: Endpoint: ::1, port 8172, is this host itself\n" },
		{ .peer = "Endpoint = [fe80::32%eth0]:8172", .report = "" },
		{ .peer = "Endpoint = [fe80::32%2]:8172", .report = "" },
		{ .peer = "Endpoint = [fe80::32%nope0]:8172",
			.report = "6 warning: Endpoint: there is no interface \"nope0\" on this "
				  "host, by which fe80::32%nope0 is reached\n" },
		{ .peer = "Endpoint = 192.168.122.255:8172",
			.report = "6 warning: Endpoint: 192.168.122.255 is the broadcast address "
				  "of the network of \"eth0\"\n" },
	};
	static const struct rule_case taken = {
		.report = "3 error: ListenPort: UDP port 8172 is in use by another program\n"
	};

	EXPECT_CASES(table);
	facts.port_taken = true;
	expect_case(&taken);
}

static void test_dns(void **state)
{
	static const struct rule_case without = { .interface = "DNS = 10.0.1.53",
		.report = "4 warning: DNS: this host has no resolvconf, without which it cannot be "
			  "set\n" };
	static const struct rule_case with = { .interface = "DNS = 10.0.1.53", .report = "" };

	expect_case(&with);
	facts.no_resolvconf = true;
	expect_case(&without);
}

static void test_addresses(void **state)
{
	static const struct rule_case table[] = {
		{ .interface = "Address = 192.168.122.50/24",
			.report = "4 warning: Address: the subnet of 192.168.122.50/24 overlaps "
				  "192.168.122.24/24 of \"eth0\": packets to it leave by one of "
				  "the two interfaces only\n" },
		{ .interface = "Address = 192.168.122.24/32",
			.report = "4 warning: Address: 192.168.122.24/32 is already an address of "
				  "\"eth0\"\n" },
		{ .interface = "Address = 192.168.122.50/32", .report = "" },
		{ .bridge = "Address = 10.7.0.2/16",
			.report = "9 warning: Address: the subnet of 10.7.0.2/16 overlaps "
				  "10.7.0.1/24 of \"eth7\": packets to it leave by one of the two "
				  "interfaces only\n" },
		{ .bridge = "Name = ours0\nAddress = 10.0.2.11/24", .report = "" },
	};

	EXPECT_CASES(table);
}

static void test_routes(void **state)
{
	static const struct rule_case table[] = {
		{ .peer = "AllowedIPs = 172.16.0.0/12",
			.report = "6 error: AllowedIPs: there is a route to 172.16.0.0/12 "
				  "already, by \"eth7\", so none can go to wg0\n" },
		{ .peer = "AllowedIPs = 173.0.0.0/16, 173.1.0.0/16",
			.report = "6 error: AllowedIPs: there is a route to 173.0.0.0/16 already, "
				  "which leads nowhere (blackhole), so none can go to wg0\n"
				  "6 error: AllowedIPs: there is a route to 173.1.0.0/16 already, "
				  "by several next hops, so none can go to wg0\n" },
		{ .interface = "Table = 5", .peer = "AllowedIPs = 172.16.0.0/12", .report = "" },
		{ .interface = "Table = off",
			.peer = "AllowedIPs = 172.16.0.0/12, 10.7.0.9",
			.report = "" },
		{ .peer = "AllowedIPs = 0.0.0.0/0", .report = "" },
		{ .interface = "FwMark = 77",
			.peer = "AllowedIPs = 0.0.0.0/0",
			.report = "6 error: AllowedIPs: there is a route to 0.0.0.0/0 already, by "
				  "\"eth0\", so none can go to wg0\n" },
		{ .interface = "FwMark = 78", .peer = "AllowedIPs = 0.0.0.0/0", .report = "" },
		{ .interface = "Table = main",
			.peer = "AllowedIPs = 10.7.0.9",
			.report = "6 warning: AllowedIPs: 10.7.0.9/32 is in the network "
				  "10.7.0.1/24 of \"eth7\": this host would send packets for it "
				  "into the tunnel\n" },
		{ .peer = "AllowedIPs = 10.0.0.0/8", .report = "" },
	};

	EXPECT_CASES(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_members, set_up),
		cmocka_unit_test_setup(test_lossy_members, set_up),
		cmocka_unit_test_setup(test_uplink, set_up),
		cmocka_unit_test_setup(test_uplinks, set_up),
		cmocka_unit_test_setup(test_names, set_up),
		cmocka_unit_test_setup(test_ipv6, set_up),
		cmocka_unit_test_setup(test_endpoints, set_up),
		cmocka_unit_test_setup(test_dns, set_up),
		cmocka_unit_test_setup(test_addresses, set_up),
		cmocka_unit_test_setup(test_routes, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
