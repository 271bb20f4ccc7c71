/* SPDX-License-Identifier: MIT */
/* Kernel queries for interfaces, addresses, routes and rules, returned as structs. */
#include "netlink/query.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "netlink/bridge_vlan.h"

#define ATTEMPTS 10 /* to get a consistent dump while interfaces change */

/** A growing array of answers of equal size, decoded by `decode`. */
struct collector {
	uint8_t *v;
	size_t n;
	size_t room;
	size_t size;
	int (*decode)(const struct nlmsghdr *nlh, void *ret);
};

static int collect(void *ctx, const struct nlmsghdr *nlh)
{
	struct collector *c = ctx;

	if (c->n == c->room) {
		size_t room = c->room ? 2 * c->room : 16;
		uint8_t *v = reallocarray(c->v, room, c->size);

		if (!v)
			return -ENOMEM;
		c->v = v;
		c->room = room;
	}
	if (c->decode(nlh, c->v + c->n * c->size) == 0)
		c->n++; /* other families are skipped */
	return 0;
}

/* Store all answers in the array whose address is at `ret_v`. */
static int query_all(struct nl_socket *nl, const struct nl_msg *request, struct collector *c,
	void *ret_v, size_t *ret_n)
{
	int err = -EAGAIN;

	for (int attempt = 0; err == -EAGAIN && attempt < ATTEMPTS; attempt++) {
		struct nl_msg m = *request;

		c->n = 0;
		err = nl_exchange(nl, &m, collect, c);
	}
	if (err < 0) {
		free(c->v);
		return err;
	}
	memcpy(ret_v, &c->v, sizeof(c->v));
	*ret_n = c->n;
	return 0;
}

static int decode_link(const struct nlmsghdr *nlh, void *ret)
{
	return link_decode(nlh, ret);
}

static int decode_ifaddr(const struct nlmsghdr *nlh, void *ret)
{
	return ifaddr_decode(nlh, ret);
}

static int decode_route(const struct nlmsghdr *nlh, void *ret)
{
	struct route_info route;
	int err = route_decode(nlh, &route);

	if (err < 0)
		return err;
	if (route.cloned)
		return -ENOENT;
	*(struct route_info *)ret = route;
	return 0;
}

static int decode_rule(const struct nlmsghdr *nlh, void *ret)
{
	return rule_decode(nlh, ret);
}

int query_links(struct nl_socket *nl, struct link_list *ret)
{
	struct collector c = { .size = sizeof(*ret->v), .decode = decode_link };
	struct nl_msg m;

	return query_all(nl, link_encode_dump(&m), &c, &ret->v, &ret->n);
}

int query_addresses(struct nl_socket *nl, uint8_t family, struct ifaddr_list *ret)
{
	struct collector c = { .size = sizeof(*ret->v), .decode = decode_ifaddr };
	struct nl_msg m;

	return query_all(nl, ifaddr_encode_dump(&m, family), &c, &ret->v, &ret->n);
}

int query_routes(struct nl_socket *nl, uint8_t family, struct route_list *ret)
{
	struct collector c = { .size = sizeof(*ret->v), .decode = decode_route };
	struct nl_msg m;

	return query_all(nl, route_encode_dump(&m, family, 0), &c, &ret->v, &ret->n);
}

int query_routes_by(struct nl_socket *nl, uint8_t family, uint32_t ifindex, struct route_list *ret)
{
	struct collector c = { .size = sizeof(*ret->v), .decode = decode_route };
	struct route_list found;
	struct nl_msg m;
	int err = query_all(nl, route_encode_dump(&m, family, ifindex), &c, &found.v, &found.n);

	if (err < 0)
		return err == -ENODEV ? 0 : err;
	for (size_t i = 0; i < found.n && !err; i++) {
		struct route_info *slot;

		if (found.v[i].ifindex != ifindex)
			continue; /* the kernel did not filter */
		slot = array_grow(&ret->v, &ret->n, sizeof(*slot));
		if (slot)
			*slot = found.v[i];
		else
			err = -ENOMEM;
	}
	free(found.v);
	return err;
}

int query_rules(struct nl_socket *nl, uint8_t family, struct rule_list *ret)
{
	struct collector c = { .size = sizeof(*ret->v), .decode = decode_rule };
	struct nl_msg m;

	return query_all(nl, rule_encode_dump(&m, family), &c, &ret->v, &ret->n);
}

/** A query that expects one answer. */
struct single {
	void *ret;
	int (*decode)(const struct nlmsghdr *nlh, void *ret);
	size_t n;
};

static int decode_single(void *ctx, const struct nlmsghdr *nlh)
{
	struct single *s = ctx;
	int err = s->decode(nlh, s->ret);

	if (err == 0)
		s->n++;
	return err;
}

static int query_one(struct nl_socket *nl, struct nl_msg *m, struct single *s)
{
	int err = nl_exchange(nl, m, decode_single, s);

	if (err == 0 && s->n != 1)
		return -EBADMSG;
	return err;
}

static int query_one_link(struct nl_socket *nl, struct nl_msg *m, struct link_info *ret)
{
	struct link_info link;
	struct single s = { .ret = &link, .decode = decode_link };
	int err = query_one(nl, m, &s);

	if (err == 0)
		*ret = link;
	return err;
}

int query_link_any_name(struct nl_socket *nl, const char *name, struct link_info *ret)
{
	struct nl_msg m;

	return query_one_link(nl, link_encode_get(&m, name), ret);
}

int query_link(struct nl_socket *nl, const char *name, struct link_info *ret)
{
	struct link_info link;
	int err = query_link_any_name(nl, name, &link);

	if (err == 0 && strcmp(link.name, name) != 0)
		return -ENODEV;
	if (err == 0)
		*ret = link;
	return err;
}

int query_link_index(struct nl_socket *nl, uint32_t ifindex, struct link_info *ret)
{
	struct nl_msg m;

	return query_one_link(nl, link_encode_get_index(&m, ifindex), ret);
}

static int decode_stats(const struct nlmsghdr *nlh, void *ret)
{
	return link_decode_stats(nlh, ret);
}

int query_link_stats(struct nl_socket *nl, const char *name, struct link_stats *ret)
{
	struct link_stats stats;
	struct single s = { .ret = &stats, .decode = decode_stats };
	struct link_info link;
	struct nl_msg m;
	int err = query_link(nl, name, &link);

	if (err == 0)
		err = query_one(nl, link_encode_get_stats(&m, link.ifindex), &s);
	if (err == 0)
		*ret = stats;
	return err;
}

static int decode_any_route(const struct nlmsghdr *nlh, void *ret)
{
	return route_decode(nlh, ret);
}

/** The error of a route type that rejects packets, as the kernel reports it to their sender. */
static int route_type_error(uint8_t type)
{
	return type == RTN_UNREACHABLE ? -EHOSTUNREACH
	       : type == RTN_PROHIBIT  ? -EACCES
	       : type == RTN_BLACKHOLE ? -EINVAL
				       : 0;
}

int query_route(struct nl_socket *nl, const struct route_query *query, struct route_info *ret)
{
	struct route_info route = { 0 };
	struct single s = { .ret = &route, .decode = decode_any_route };
	struct link_info link;
	struct nl_msg m;
	int err = query_one(nl, route_encode_get(&m, query), &s);

	if (err == 0)
		err = route_type_error(route.type);
	if (route.learnt)
		route.mtu = 0;
	if (err == 0 && !route.mtu && route.ifindex) {
		err = query_link_index(nl, route.ifindex, &link);
		if (err == 0)
			route.mtu = link.mtu;
	}
	if (err == 0)
		*ret = route;
	return err;
}

static int decode_neigh(const struct nlmsghdr *nlh, void *ret)
{
	return neigh_decode(nlh, ret);
}

int query_neighbour(
	struct nl_socket *nl, uint32_t ifindex, const struct ip_addr *addr, struct neigh_info *ret)
{
	struct neigh_info info;
	struct single s = { .ret = &info, .decode = decode_neigh };
	struct nl_msg m;
	int err = query_one(nl, neigh_encode_get(&m, ifindex, addr), &s);

	if (err < 0)
		return err;
	if (!info.has_mac || info.state & (NUD_FAILED | NUD_INCOMPLETE))
		return -ENOENT;
	*ret = info;
	return 0;
}

static int query_entry(struct nl_socket *nl, uint32_t bridge,
	const uint8_t mac[static LINK_MAC_LEN], uint16_t vlan, struct neigh_info *ret)
{
	struct single s = { .ret = ret, .decode = decode_neigh };
	struct nl_msg m;

	return query_one(nl, neigh_encode_get_fdb(&m, bridge, mac, vlan), &s);
}

int query_bridge_port(struct nl_socket *nl, uint32_t bridge, const uint8_t mac[static LINK_MAC_LEN],
	uint16_t vlan, uint32_t *ret_ifindex)
{
	struct neigh_info info;
	int err = query_entry(nl, bridge, mac, vlan, &info);

	if (err == 0)
		*ret_ifindex = info.ifindex;
	return err;
}

/** The VLAN that is looked for: that of untagged frames of a port, or of a bridge itself. */
struct pvid {
	uint32_t ifindex;
	uint16_t vlan; /* 0: none */
};

static int find_pvid(void *ctx, const struct nlmsghdr *nlh)
{
	struct pvid *p = ctx;
	struct bridge_vlans v;

	if (bridge_vlan_decode(nlh, &v) == 0 && v.ifindex == p->ifindex)
		p->vlan = v.pvid;
	return 0;
}

int query_bridge_entry_by(struct nl_socket *nl, uint32_t bridge, uint32_t by,
	const uint8_t mac[static LINK_MAC_LEN], uint16_t vlan, struct neigh_info *ret)
{
	struct pvid p = { .ifindex = by, .vlan = vlan };
	int err = query_entry(nl, bridge, mac, 0, ret);
	struct nl_msg m;

	if (err != -ENOENT)
		return err;
	if (!vlan && nl_exchange(nl, bridge_vlan_encode_dump(&m), find_pvid, &p) < 0)
		return -ENOENT; /* a kernel without bridges that filter VLANs */
	return p.vlan ? query_entry(nl, bridge, mac, p.vlan, ret) : -ENOENT;
}

int query_bridge_port_by(struct nl_socket *nl, uint32_t bridge, uint32_t by,
	const uint8_t mac[static LINK_MAC_LEN], uint16_t vlan, uint32_t *ret_ifindex)
{
	struct neigh_info info;
	int err = query_bridge_entry_by(nl, bridge, by, mac, vlan, &info);

	if (err == 0)
		*ret_ifindex = info.ifindex;
	return err;
}
