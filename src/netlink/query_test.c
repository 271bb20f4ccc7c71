/* SPDX-License-Identifier: MIT */
/* Tests of kernel queries in a network namespace: created objects are found again. */
#include "netlink/query.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "netlink/event.h"
#include "netlink/test_link.h"

static struct nl_socket nl;

static struct ip_prefix prefix(const char *text)
{
	struct ip_prefix p;

	assert_int_equal(ip_prefix_parse(text, &p), 0);
	return p;
}

static uint32_t ifindex_of(const char *name)
{
	struct link_info link;

	assert_int_equal(query_link(&nl, name, &link), 0);
	return link.ifindex;
}

static void set_up_veth(const char *address)
{
	struct ip_prefix p = prefix(address);
	struct nl_msg m;

	assert_int_equal(nl_request(&nl, test_link_veth(&m, "a0", "b0")), 0);
	assert_int_equal(nl_request(&nl, link_encode_up(&m, ifindex_of("b0"), true)), 0);
	assert_int_equal(nl_request(&nl, link_encode_up(&m, ifindex_of("a0"), true)), 0);
	assert_int_equal(nl_request(&nl, ifaddr_encode_add(&m, ifindex_of("a0"), &p)), 0);
}

static void test_links(void **state)
{
	struct link_bridge bridge = { .name = "br0", .mac = { 2, 0, 0, 0, 0, 9 } };
	struct link_info link;
	struct link_list list;
	struct nl_msg m;

	assert_int_equal(query_link(&nl, "br0", &link), -ENODEV);
	assert_int_equal(nl_request(&nl, link_encode_bridge(&m, &bridge)), 0);
	assert_int_equal(nl_request(&nl, link_encode_bridge(&m, &bridge)), -EEXIST);
	assert_int_equal(query_link(&nl, "br0", &link), 0);
	assert_string_equal(link.kind, "bridge");
	assert_memory_equal(link.mac, bridge.mac, LINK_MAC_LEN);
	assert_false(link.flags & IFF_UP);

	set_up_veth("10.0.1.11/24");
	assert_int_equal(
		nl_request(&nl, link_encode_master(&m, ifindex_of("a0"), link.ifindex)), 0);
	assert_int_equal(nl_request(&nl, link_encode_alias(&m, link.ifindex, "hello you")), 0);
	assert_int_equal(nl_request(&nl, link_encode_mtu(&m, ifindex_of("a0"), 1386)), 0);
	assert_int_equal(query_link_index(&nl, link.ifindex, &link), 0);
	assert_string_equal(link.alias, "hello you");
	assert_int_equal(query_links(&nl, &list), 0);
	assert_int_equal(list.n, 4); /* including lo */
	free(list.v);
	assert_int_equal(query_link(&nl, "a0", &link), 0);
	assert_int_equal(link.master, ifindex_of("br0"));
	assert_int_equal(link.mtu, 1386);
	assert_string_equal(link.kind, "veth");
	assert_int_equal(system("ip link property add dev a0 altname other0"), 0);
	assert_int_equal(query_link(&nl, "other0", &link), -ENODEV);
	assert_int_equal(query_link_any_name(&nl, "other0", &link), 0);
	assert_string_equal(link.name, "a0");
	assert_int_equal(query_link_any_name(&nl, "a0", &link), 0);
	assert_int_equal(query_link_any_name(&nl, "c0", &link), -ENODEV);
	assert_int_equal(nl_request(&nl, link_encode_delete(&m, ifindex_of("br0"))), 0);
	assert_int_equal(query_link(&nl, "a0", &link), 0);
	assert_int_equal(link.master, 0);
	assert_int_equal(query_link_index(&nl, 4711, &link), -ENODEV);
}

/* What loopback sends, it receives. */
static void test_stats(void **state)
{
	struct link_stats stats = { .tx_packets = UINT64_MAX };

	assert_int_equal(query_link_stats(&nl, "none", &stats), -ENODEV);
	assert_int_equal(query_link_stats(&nl, "lo", &stats), 0);
	assert_int_not_equal(stats.tx_packets, UINT64_MAX);
	assert_int_equal(stats.rx_packets, stats.tx_packets);
	assert_int_equal(stats.rx_bytes, stats.tx_bytes);
}

/* The kernel's error text is returned. */
static void test_error_text(void **state)
{
	struct link_info lo;
	struct nl_msg m;

	assert_int_equal(query_link(&nl, "lo", &lo), 0);
	set_up_veth("10.0.1.11/24");
	assert_int_equal(nl_request(&nl, link_encode_mtu(&m, ifindex_of("a0"), 10)), -EINVAL);
	assert_non_null(strstr(nl.verdict.why, "mtu less than device minimum"));
	assert_int_equal(nl_request(&nl, link_encode_up(&m, ifindex_of("a0"), true)), 0);
	assert_string_equal(nl.verdict.why, "");
}

static void test_bridge_delay(void **state)
{
	struct link_bridge bridge = { .name = "br0", .mac = { 2, 0, 0, 0, 0, 9 } };
	struct link_info link;
	struct nl_msg m;
	uint32_t br;

	assert_int_equal(nl_request(&nl, link_encode_bridge(&m, &bridge)), 0);
	br = ifindex_of("br0");
	assert_int_equal(nl_request(&nl, link_encode_forward_delay(&m, br, 1500)), 0);
	assert_int_equal(query_link_index(&nl, br, &link), 0);
	assert_int_equal(link.forward_delay, 1500);
	if (link.has_fdb_max) {
		assert_int_equal(link.fdb_max, 0);
		assert_int_equal(nl_request(&nl, link_encode_fdb_max(&m, br, 100)), 0);
		assert_int_equal(query_link_index(&nl, br, &link), 0);
		assert_int_equal(link.fdb_max, 100);
	}
	assert_int_equal(nl_request(&nl, link_encode_stp(&m, br, true)), 0);
	assert_int_equal(nl_request(&nl, link_encode_forward_delay(&m, br, 0)), -ERANGE);
	assert_int_equal(nl_request(&nl, link_encode_stp(&m, br, false)), 0);
	assert_int_equal(nl_request(&nl, link_encode_forward_delay(&m, br, 0)), 0);
}

/* Each setting of a port is taken and reported; the kernel forwards no pause frames. */
static void test_port_settings(void **state)
{
	static const struct link_port none = { .multicast_router = 1 };
	static const struct link_port all = { true, 2, 1 << 0xe | 1 << 3 | 1 << 2 | 1 };
	static const struct link_port pause = { .multicast_router = 1, .forward_control = 1 << 1 };
	struct link_bridge bridge = { .name = "br0", .mac = { 2, 0, 0, 0, 0, 9 } };
	struct link_info link;
	struct nl_msg m;
	uint32_t port;
	uint32_t br;

	set_up_veth("10.0.1.11/24");
	port = ifindex_of("a0");
	assert_int_equal(nl_request(&nl, link_encode_bridge(&m, &bridge)), 0);
	br = ifindex_of("br0");
	assert_int_equal(query_link(&nl, "br0", &link), 0);
	assert_int_equal(link.multicast_snooping, 0);
	assert_int_equal(nl_request(&nl, link_encode_multicast_snooping(&m, br, true)), 0);
	assert_int_equal(query_link(&nl, "br0", &link), 0);
	assert_int_equal(link.multicast_snooping, 1);
	assert_int_equal(nl_request(&nl, link_encode_port(&m, port, &none, &all)), -EOPNOTSUPP);
	assert_int_equal(nl_request(&nl, link_encode_master(&m, port, br)), 0);
	assert_int_equal(query_link(&nl, "a0", &link), 0);
	assert_memory_equal(&link.port, &none, sizeof(none));
	assert_int_equal(nl_request(&nl, link_encode_port(&m, port, &none, &all)), 0);
	assert_int_equal(nl_request(&nl, link_encode_port(&m, port, &none, &pause)), -EINVAL);
	assert_int_equal(query_link(&nl, "a0", &link), 0);
	assert_memory_equal(&link.port, &all, sizeof(all));
	assert_int_equal(nl_request(&nl, link_encode_port(&m, port, &all, &none)), 0);
	assert_int_equal(query_link(&nl, "a0", &link), 0);
	assert_memory_equal(&link.port, &none, sizeof(none));
}

static void test_addresses(void **state)
{
	static const char *const texts[] = { "10.0.1.11/24", "fd01::11/64" };
	struct ifaddr_list list;
	struct nl_msg m;
	size_t found = 0;

	set_up_veth("10.0.1.12/24");
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct ip_prefix p = prefix(texts[i]);

		assert_int_equal(nl_request(&nl, ifaddr_encode_add(&m, ifindex_of("a0"), &p)), 0);
		assert_int_equal(
			nl_request(&nl, ifaddr_encode_add(&m, ifindex_of("a0"), &p)), -EEXIST);
	}
	assert_int_equal(query_addresses(&nl, AF_UNSPEC, &list), 0);
	for (size_t i = 0; i < list.n; i++)
		for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
			char text[IP_PREFIX_TEXT_LEN];

			if (list.v[i].ifindex == ifindex_of("a0") &&
				!strcmp(ip_prefix_text(&list.v[i].prefix, text), texts[k]))
				found++;
		}
	free(list.v);
	assert_int_equal(found, 2);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct ip_prefix p = prefix(texts[i]);

		assert_int_equal(
			nl_request(&nl, ifaddr_encode_delete(&m, ifindex_of("a0"), &p)), 0);
		assert_int_equal(nl_request(&nl, ifaddr_encode_delete(&m, ifindex_of("a0"), &p)),
			-EADDRNOTAVAIL);
	}
}

static bool has_route(const struct ip_prefix *dst, uint32_t table)
{
	struct route_list list;
	bool found = false;

	assert_int_equal(query_routes(&nl, (uint8_t)dst->addr.family, &list), 0);
	for (size_t i = 0; i < list.n; i++)
		found = found || (list.v[i].table == table && list.v[i].dst.len == dst->len &&
					 ip_addr_equal(&list.v[i].dst.addr, &dst->addr) &&
					 list.v[i].ifindex == ifindex_of("a0"));
	free(list.v);
	return found;
}

static void test_routes(void **state)
{
	static const struct {
		const char *dst;
		uint32_t table;
	} table[] = {
		{ "10.9.0.0/16", RT_TABLE_MAIN },
		{ "0.0.0.0/0", 51820 },
		{ "::/0", 51820 },
		{ "fd09::/64", 7 },
		{ "10.9.0.1/32", 255 + 1 },
	};

	set_up_veth("10.0.1.11/24");
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct ip_prefix dst = prefix(table[i].dst);
		struct nl_msg m;

		assert_false(has_route(&dst, table[i].table));
		assert_int_equal(nl_request(&nl, route_encode_add(&m, &dst, ifindex_of("a0"),
							 table[i].table)),
			0);
		assert_true(has_route(&dst, table[i].table));
		assert_int_equal(nl_request(&nl, route_encode_add(&m, &dst, ifindex_of("a0"),
							 table[i].table)),
			-EEXIST);
		assert_int_equal(nl_request(&nl, route_encode_delete(&m, &dst, ifindex_of("a0"),
							 table[i].table)),
			0);
		assert_false(has_route(&dst, table[i].table));
		assert_int_equal(nl_request(&nl, route_encode_delete(&m, &dst, ifindex_of("a0"),
							 table[i].table)),
			-ESRCH);
	}
}

/* The route that the kernel adds with an address can be added again, and goes with the address. */
static void test_connected(void **state)
{
	static const char *const texts[] = { "10.0.1.11/24", "fd00:1::11/64" };

	set_up_veth(texts[0]);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct ip_prefix address = prefix(texts[i]);
		struct ip_prefix network = ip_prefix_masked(&address);
		uint32_t a0 = ifindex_of("a0");
		struct nl_msg m;
		int err = nl_request(&nl, ifaddr_encode_add(&m, a0, &address));

		assert_true(err == 0 || err == -EEXIST);
		assert_true(has_route(&network, RT_TABLE_MAIN));
		assert_int_equal(
			nl_request(&nl, route_encode_connected(&m, &address, a0, false)), -EEXIST);
		assert_int_equal(
			nl_request(&nl, route_encode_delete(&m, &network, a0, RT_TABLE_MAIN)), 0);
		assert_false(has_route(&network, RT_TABLE_MAIN));
		assert_int_equal(
			nl_request(&nl, route_encode_connected(&m, &address, a0, false)), 0);
		assert_true(has_route(&network, RT_TABLE_MAIN));
		assert_int_equal(nl_request(&nl, ifaddr_encode_delete(&m, a0, &address)), 0);
		assert_false(has_route(&network, RT_TABLE_MAIN));
	}
}

/* The routes by one interface, without those by others. */
static void test_routes_by(void **state)
{
	struct route_list list = { 0 };
	size_t local = 0;

	set_up_veth("10.0.1.11/24");
	assert_int_equal(query_routes_by(&nl, AF_INET, 4711, &list), 0);
	assert_int_equal(list.n, 0);
	assert_int_equal(query_routes_by(&nl, AF_INET, ifindex_of("a0"), &list), 0);
	for (size_t i = 0; i < list.n; i++) {
		assert_int_equal(list.v[i].ifindex, ifindex_of("a0"));
		local += list.v[i].type == RTN_LOCAL;
	}
	assert_int_equal(local, 1);
	assert_true(list.n > local);
	local = list.n;
	assert_int_equal(query_routes_by(&nl, AF_INET6, ifindex_of("a0"), &list), 0);
	assert_true(list.n > local);
	free(list.v);
}

/* An address that expires is made one that does not. */
static void test_renew(void **state)
{
	static const char *const texts[] = { "10.0.1.11/24", "fd00:1::11/64" };

	set_up_veth(texts[0]);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct ifa_cacheinfo brief = { .ifa_prefered = 0, .ifa_valid = 1000 };
		struct ip_prefix address = prefix(texts[i]);
		uint32_t a0 = ifindex_of("a0");
		struct ifaddr_list list;
		struct nl_msg m;
		int err = nl_request(&nl, ifaddr_encode_add(&m, a0, &address));
		size_t found = 0;

		assert_true(err == 0 || err == -EEXIST);
		ifaddr_encode_renew(&m, a0, &address);
		nl_msg_put(&m, IFA_CACHEINFO, &brief, sizeof(brief));
		assert_int_equal(nl_request(&nl, &m), 0);
		for (int renewed = 0; renewed < 2; renewed++) {
			assert_int_equal(query_addresses(&nl, AF_UNSPEC, &list), 0);
			for (size_t k = 0; k < list.n; k++) {
				if (list.v[k].ifindex != a0 ||
					!ip_prefix_equal(&list.v[k].prefix, &address))
					continue;
				found++;
				assert_int_equal(!(list.v[k].flags & IFA_F_PERMANENT), !renewed);
				assert_int_equal(!!(list.v[k].flags & IFA_F_DEPRECATED), !renewed);
			}
			free(list.v);
			assert_int_equal(nl_request(&nl, ifaddr_encode_renew(&m, a0, &address)), 0);
		}
		assert_int_equal(found, 2);
	}
}

/* Look up a packet's route: its interface, source and MTU; the route's MTU precedes the
 * interface's. */
static void test_route_lookup(void **state)
{
	struct route_query query = { .dst = prefix("10.0.1.21").addr };
	struct ip_addr source = prefix("10.0.1.11").addr;
	struct route_info route;
	struct nl_msg m;

	assert_int_equal(query_route(&nl, &query, &route), -ENETUNREACH);
	set_up_veth("10.0.1.11/24");
	assert_int_equal(query_route(&nl, &query, &route), 0);
	assert_int_equal(route.ifindex, ifindex_of("a0"));
	assert_int_equal(route.mtu, 1500);
	assert_true(ip_addr_equal(&route.source, &source));
	assert_int_equal(route.gateway.family, 0);
	assert_int_equal(nl_request(&nl, link_encode_mtu(&m, ifindex_of("a0"), 1492)), 0);
	assert_int_equal(query_route(&nl, &query, &route), 0);
	assert_int_equal(route.mtu, 1492);
	assert_int_equal(system("ip route add 10.7.0.0/16 via 10.0.1.1 mtu 1400 && "
				"ip route add unreachable 10.8.0.0/16"),
		0);
	query.dst = prefix("10.7.0.1").addr;
	assert_int_equal(query_route(&nl, &query, &route), 0);
	assert_int_equal(route.mtu, 1400);
	assert_int_equal(route.gateway.family, AF_INET);
	query.dst = prefix("10.8.0.1").addr;
	assert_int_equal(query_route(&nl, &query, &route), -EHOSTUNREACH);
	query = (struct route_query){ .dst = prefix("10.0.1.21").addr,
		.ifindex = ifindex_of("b0") };
	assert_true(query_route(&nl, &query, &route) < 0 || route.ifindex == ifindex_of("b0"));
	/* no route to 192.0.2.1 by a0, but without `table` the kernel assumes it on link */
	query = (struct route_query){ .dst = prefix("192.0.2.1").addr,
		.ifindex = ifindex_of("a0") };
	assert_int_equal(query_route(&nl, &query, &route), 0);
	query.table = true;
	assert_int_equal(query_route(&nl, &query, &route), -EHOSTUNREACH);
	query.dst = prefix("10.7.0.1").addr;
	assert_int_equal(query_route(&nl, &query, &route), 0);
	assert_int_equal(route.ifindex, ifindex_of("a0"));
	query = (struct route_query){ .dst = prefix("10.0.1.11").addr, .table = true };
	assert_int_equal(query_route(&nl, &query, &route), 0);
	assert_int_equal(route.ifindex, ifindex_of("a0")); /* the interface that has the address */
}

static void test_route_lookup_v6(void **state)
{
	struct route_query query = { .dst = prefix("fd01::21").addr };
	struct route_info route;
	struct nl_msg m;

	set_up_veth("fd01::11/64");
	assert_int_equal(query_route(&nl, &query, &route), 0);
	assert_int_equal(route.ifindex, ifindex_of("a0"));
	assert_int_equal(route.mtu, 1500);
	assert_int_equal(nl_request(&nl, link_encode_mtu(&m, ifindex_of("a0"), 1400)), 0);
	assert_int_equal(query_route(&nl, &query, &route), 0);
	assert_int_equal(route.mtu, 1400);
}

/* A marked packet takes another route than an unmarked one. */
static void test_rules(void **state)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	struct nl_msg m;

	for (size_t f = 0; f < ARRAY_LEN(families); f++) {
		struct rule_info rule = { .family = families[f],
			.table = 51820,
			.mark = 51820,
			.has_mark = true,
			.invert = true,
			.suppress_length = RULE_NO_SUPPRESS };
		struct rule_list list;
		size_t before;

		assert_int_equal(query_rules(&nl, families[f], &list), 0);
		before = list.n;
		free(list.v);
		assert_int_equal(nl_request(&nl, rule_encode_add(&m, &rule)), 0);
		assert_int_equal(query_rules(&nl, families[f], &list), 0);
		assert_int_equal(list.n, before + 1);
		assert_int_equal(list.v[1].mark, 51820); /* after that of the local table */
		assert_true(list.v[1].invert);
		assert_int_equal(nl_request(&nl, rule_encode_delete(&m, &list.v[1])), 0);
		assert_int_equal(nl_request(&nl, rule_encode_delete(&m, &list.v[1])), -ENOENT);
		free(list.v);
	}
}

/** A dump of many messages is read completely. */
static void test_long_dump(void **state)
{
	struct route_list list;
	struct nl_msg m;
	struct ip_prefix dst = prefix("10.128.0.0/32");
	size_t mine = 0;

	set_up_veth("10.0.1.11/24");
	for (unsigned i = 0; i < 3000; i++) {
		dst.addr.bytes[2] = (uint8_t)(i >> 8);
		dst.addr.bytes[3] = (uint8_t)i;
		assert_int_equal(nl_request(&nl, route_encode_add(&m, &dst, ifindex_of("a0"),
							 RT_TABLE_MAIN)),
			0);
	}
	assert_int_equal(query_routes(&nl, AF_INET, &list), 0);
	for (size_t i = 0; i < list.n; i++)
		mine += list.v[i].dst.addr.bytes[1] == 128;
	free(list.v);
	assert_int_equal(mine, 3000);
}

/* Neighbours that are known, wanted, and neither. */
static void test_neighbours(void **state)
{
	static const uint8_t mac[LINK_MAC_LEN] = { 2, 0, 0, 0, 0, 9 };
	struct ip_addr known = prefix("10.0.1.21").addr;
	struct ip_addr known6 = prefix("fd01::21").addr;
	struct ip_addr wanted = prefix("10.0.1.22").addr;
	struct neigh_info info;
	struct nl_msg m;
	uint32_t a0;

	set_up_veth("10.0.1.11/24");
	a0 = ifindex_of("a0");
	assert_int_equal(query_neighbour(&nl, a0, &known, &info), -ENOENT);
	assert_int_equal(system("ip neigh add 10.0.1.21 lladdr 02:00:00:00:00:09 dev a0 && "
				"ip neigh add fd01::21 lladdr 02:00:00:00:00:09 dev a0"),
		0);
	assert_int_equal(query_neighbour(&nl, a0, &known, &info), 0);
	assert_memory_equal(info.mac, mac, sizeof(mac));
	assert_int_equal(query_neighbour(&nl, a0, &known6, &info), 0);
	assert_memory_equal(info.mac, mac, sizeof(mac));
	assert_int_equal(query_neighbour(&nl, ifindex_of("b0"), &known, &info), -ENOENT);
	assert_int_equal(nl_request(&nl, neigh_encode_use(&m, a0, &wanted)), 0);
	assert_int_equal(system("ip neigh show 10.0.1.22 dev a0 | grep -q INCOMPLETE"), 0);
	assert_int_equal(query_neighbour(&nl, a0, &wanted, &info), -ENOENT); /* not resolved yet */
	assert_int_equal(nl_request(&nl, neigh_encode_use(&m, 4711, &wanted)), -ENODEV);
}

/* Behind which port of a bridge an address is; on one with VLANs, in which. */
static void test_bridge_ports(void **state)
{
	static const uint8_t mac[LINK_MAC_LEN] = { 2, 0, 0, 0, 0, 9 };
	static const uint8_t other[LINK_MAC_LEN] = { 2, 0, 0, 0, 0, 8 };
	struct link_info br;
	uint32_t port = 0;

	set_up_veth("10.0.1.11/24");
	assert_int_equal(system("ip link add br0 type bridge && ip link set a0 master br0 up && "
				"ip link set br0 up && "
				"bridge fdb add 02:00:00:00:00:09 dev a0 master dynamic"),
		0);
	assert_int_equal(query_link(&nl, "br0", &br), 0);
	assert_int_equal(query_bridge_port(&nl, br.ifindex, mac, 0, &port), 0);
	assert_int_equal(port, ifindex_of("a0"));
	assert_int_equal(query_bridge_port(&nl, br.ifindex, other, 0, &port), -ENOENT);
	assert_int_equal(query_bridge_port(&nl, br.ifindex, br.mac, 0, &port), 0);
	assert_true(port == br.ifindex || port == ifindex_of("a0")); /* whose it is by default */
	assert_int_equal(query_bridge_port(&nl, ifindex_of("b0"), mac, 0, &port), -EOPNOTSUPP);
	assert_int_equal(query_bridge_port(&nl, br.ifindex, mac, 100, &port), -ENOENT);
	if (system("ip link set br0 type bridge vlan_filtering 1") != 0)
		skip(); /* a kernel without */
	assert_int_equal(system("bridge vlan add vid 100 dev a0 && "
				"bridge fdb add 02:00:00:00:00:08 dev a0 master dynamic vlan 100"),
		0);
	assert_int_equal(query_bridge_port(&nl, br.ifindex, other, 100, &port), 0);
	assert_int_equal(port, ifindex_of("a0"));
	assert_int_equal(query_bridge_port(&nl, br.ifindex, other, 0, &port), -ENOENT);
	/* frames without a tag are in a VLAN of the port's, or of the bridge's */
	assert_int_equal(query_bridge_port_by(&nl, br.ifindex, port, other, 0, &port), -ENOENT);
	assert_int_equal(query_bridge_port_by(&nl, br.ifindex, port, other, 100, &port), 0);
	assert_int_equal(system("bridge vlan add vid 100 dev a0 pvid untagged"), 0);
	assert_int_equal(query_bridge_port_by(&nl, br.ifindex, port, other, 0, &port), 0);
	assert_int_equal(
		query_bridge_port_by(&nl, br.ifindex, br.ifindex, other, 0, &port), -ENOENT);
	assert_int_equal(system("bridge vlan add vid 100 dev br0 self pvid untagged"), 0);
	assert_int_equal(query_bridge_port_by(&nl, br.ifindex, br.ifindex, other, 0, &port), 0);
	assert_int_equal(port, ifindex_of("a0"));
	assert_int_equal(
		query_bridge_port_by(&nl, br.ifindex, br.ifindex, other, 7, &port), -ENOENT);
}

/* What carries an interface, if it is one that another carries. */
static void test_lower(void **state)
{
	struct link_info link;
	struct nl_msg m;

	set_up_veth("10.0.1.11/24");
	assert_int_equal(query_link(&nl, "a0", &link), 0);
	assert_int_equal(link.lower, 0); /* not the other end */
	assert_int_equal(link.vlan, 0);
	if (nl_request(&nl, test_link_vlan(&m, "v0", ifindex_of("a0"), 100)) == -EOPNOTSUPP)
		skip(); /* a kernel without */
	assert_int_equal(query_link(&nl, "v0", &link), 0);
	assert_int_equal(link.lower, ifindex_of("a0"));
	assert_int_equal(link.vlan, 100);
}

static int set_up(void **state)
{
	return unshare(CLONE_NEWNET) < 0 ? -1 : nl_socket_open(&nl);
}

static int clean_up(void **state)
{
	nl_socket_close(&nl);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_links, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_stats, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_error_text, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_bridge_delay, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_port_settings, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_addresses, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_routes, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_connected, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_routes_by, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_renew, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_route_lookup, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_route_lookup_v6, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_rules, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_long_dump, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_neighbours, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_bridge_ports, set_up, clean_up),
		cmocka_unit_test_setup_teardown(test_lower, set_up, clean_up),
	};

	if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0) {
		printf("skipped: a network namespace needs root (%s)\n", strerror(errno));
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
