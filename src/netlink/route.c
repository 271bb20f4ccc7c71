/* SPDX-License-Identifier: MIT */
/* rtnetlink messages about routes: of tables, and lookups. */
#include "netlink/route.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include <libmnl/libmnl.h>

/* Metric of an IPv6 route that the kernel adds with an address: IP6_RT_PRIO_ADDRCONF. */
#define METRIC_CONNECTED6 256

static struct nl_msg *start(struct nl_msg *m, uint16_t type, uint16_t flags,
	const struct ip_prefix *dst, uint32_t ifindex, uint32_t table)
{
	struct ip_prefix masked = ip_prefix_masked(dst);
	bool adding = type == RTM_NEWROUTE;
	struct rtmsg r = { .rtm_family = (uint8_t)dst->addr.family,
		.rtm_dst_len = dst->len,
		.rtm_table = table < 256 ? (uint8_t)table : RT_TABLE_UNSPEC,
		.rtm_protocol = adding ? RTPROT_BOOT : RTPROT_UNSPEC,
		.rtm_type = adding ? RTN_UNICAST : RTN_UNSPEC };

	if (!adding)
		r.rtm_scope = RT_SCOPE_NOWHERE; /* any */
	else if (dst->addr.family == AF_INET)
		r.rtm_scope = RT_SCOPE_LINK;
	nl_msg_start(m, type, flags, &r, sizeof(r));
	nl_msg_put_addr(m, RTA_DST, &masked.addr);
	nl_msg_put_u32(m, RTA_OIF, ifindex);
	nl_msg_put_u32(m, RTA_TABLE, table);
	return m;
}

struct nl_msg *route_encode_add(
	struct nl_msg *m, const struct ip_prefix *dst, uint32_t ifindex, uint32_t table)
{
	return start(m, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, dst, ifindex, table);
}

struct nl_msg *route_encode_delete(
	struct nl_msg *m, const struct ip_prefix *dst, uint32_t ifindex, uint32_t table)
{
	return start(m, RTM_DELROUTE, 0, dst, ifindex, table);
}

struct nl_msg *route_encode_connected(
	struct nl_msg *m, const struct ip_prefix *address, uint32_t ifindex, bool beside)
{
	struct ip_prefix network = ip_prefix_masked(address);
	uint16_t place = beside ? NLM_F_APPEND : NLM_F_EXCL;
	bool six = address->addr.family == AF_INET6;
	struct rtmsg r = { .rtm_family = (uint8_t)address->addr.family,
		.rtm_dst_len = address->len,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_KERNEL,
		.rtm_scope = six ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
		.rtm_type = RTN_UNICAST };

	/* with NLM_F_EXCL, fe80::/64 would be refused, which other interfaces have, too */
	nl_msg_start(m, RTM_NEWROUTE, NLM_F_CREATE | (six ? 0 : place), &r, sizeof(r));
	nl_msg_put_addr(m, RTA_DST, &network.addr);
	nl_msg_put_u32(m, RTA_OIF, ifindex);
	if (six)
		nl_msg_put_u32(m, RTA_PRIORITY, METRIC_CONNECTED6);
	else
		nl_msg_put_addr(m, RTA_PREFSRC, &address->addr);
	return m;
}

struct nl_msg *route_encode_local(struct nl_msg *m, const struct ip_addr *addr, uint32_t ifindex)
{
	bool six = addr->family == AF_INET6;
	struct rtmsg r = { .rtm_family = (uint8_t)addr->family,
		.rtm_dst_len = (uint8_t)ip_addr_bits(addr),
		.rtm_table = RT_TABLE_LOCAL,
		.rtm_protocol = RTPROT_KERNEL,
		.rtm_scope = six ? RT_SCOPE_UNIVERSE : RT_SCOPE_HOST,
		.rtm_type = RTN_LOCAL };

	/* with NLM_F_EXCL, an address that another interface has, too, would be refused */
	nl_msg_start(m, RTM_NEWROUTE, NLM_F_CREATE | (six ? 0 : NLM_F_APPEND), &r, sizeof(r));
	nl_msg_put_addr(m, RTA_DST, addr);
	nl_msg_put_u32(m, RTA_OIF, ifindex);
	if (!six)
		nl_msg_put_addr(m, RTA_PREFSRC, addr);
	return m;
}

struct nl_msg *route_encode_dump(struct nl_msg *m, uint8_t family, uint32_t ifindex)
{
	struct rtmsg r = { .rtm_family = family };

	nl_msg_start(m, RTM_GETROUTE, NLM_F_DUMP, &r, sizeof(r));
	if (ifindex)
		nl_msg_put_u32(m, RTA_OIF, ifindex);
	return m;
}

struct nl_msg *route_encode_get(struct nl_msg *m, const struct route_query *query)
{
	uint8_t bits = (uint8_t)ip_addr_bits(&query->dst);
	struct rtmsg r = { .rtm_family = (uint8_t)query->dst.family,
		.rtm_dst_len = bits,
		.rtm_src_len = query->src.family ? bits : 0,
		.rtm_flags = query->table ? RTM_F_FIB_MATCH : 0 };

	nl_msg_start(m, RTM_GETROUTE, 0, &r, sizeof(r));
	nl_msg_put_addr(m, RTA_DST, &query->dst);
	if (query->src.family)
		nl_msg_put_addr(m, RTA_SRC, &query->src);
	if (query->ifindex)
		nl_msg_put_u32(m, RTA_OIF, query->ifindex);
	if (query->mark)
		nl_msg_put_u32(m, RTA_MARK, query->mark);
	return m;
}

static void decode_metrics(const struct nlattr *nest, struct route_info *route)
{
	struct nl_attrs walk = nl_attrs_in(nest);
	const struct nlattr *a;

	while ((a = nl_attrs_next(&walk)))
		if (mnl_attr_get_type(a) == RTAX_MTU)
			nl_attr_u32(a, &route->mtu);
}

static void decode_cache(const struct nlattr *a, struct route_info *route)
{
	const struct rta_cacheinfo *info = mnl_attr_get_payload(a);

	if (mnl_attr_get_payload_len(a) >= sizeof(*info))
		route->learnt = info->rta_expires != 0;
}

/* Several next hops: a list of structures, each with attributes of its own. */
static void decode_hops(const struct nlattr *a, struct route_info *route)
{
	const uint8_t *at = mnl_attr_get_payload(a);
	size_t left = mnl_attr_get_payload_len(a);

	while (left >= sizeof(struct rtnexthop) && route->n_hops < ROUTE_HOPS) {
		struct rtnexthop hop;
		size_t len;

		memcpy(&hop, at, sizeof(hop));
		len = RTNH_ALIGN((size_t)hop.rtnh_len);
		if (hop.rtnh_len < sizeof(hop) || hop.rtnh_len > left)
			return;
		route->hops[route->n_hops++] = (uint32_t)hop.rtnh_ifindex;
		if (len >= left)
			return;
		at += len;
		left -= len;
	}
}

static void decode_attr(const struct nlattr *a, uint16_t family, struct route_info *route)
{
	switch (mnl_attr_get_type(a)) {
	case RTA_DST:
		nl_attr_addr(a, family, &route->dst.addr);
		break;
	case RTA_TABLE:
		nl_attr_u32(a, &route->table);
		break;
	case RTA_OIF:
		nl_attr_u32(a, &route->ifindex);
		break;
	case RTA_GATEWAY:
		nl_attr_addr(a, family, &route->gateway);
		break;
	case RTA_PREFSRC:
		nl_attr_addr(a, family, &route->source);
		break;
	case RTA_PRIORITY:
		nl_attr_u32(a, &route->metric);
		break;
	case RTA_METRICS:
		decode_metrics(a, route);
		break;
	case RTA_MULTIPATH:
		decode_hops(a, route);
		break;
	case RTA_CACHEINFO:
		decode_cache(a, route);
		break;
	default: /* attribute types of the kernel that we ignore */
		break;
	}
}

int route_decode(const struct nlmsghdr *nlh, struct route_info *ret)
{
	struct route_info route = { 0 };
	struct rtmsg r;
	struct nl_attrs walk;
	const struct nlattr *a;

	if (nlh->nlmsg_type != RTM_NEWROUTE && nlh->nlmsg_type != RTM_DELROUTE)
		return -EBADMSG;
	if (nl_msg_fixed(nlh, &r, sizeof(r)) < 0)
		return -EBADMSG;
	route.dst.addr.family = r.rtm_family;
	route.dst.len = r.rtm_dst_len;
	route.table = r.rtm_table;
	route.type = r.rtm_type;
	route.protocol = r.rtm_protocol;
	route.cloned = r.rtm_flags & RTM_F_CLONED;
	if (!ip_addr_len(&route.dst.addr) || r.rtm_dst_len > ip_addr_bits(&route.dst.addr))
		return -EBADMSG; /* a route of another family, or multicast */
	walk = nl_attrs_of(nlh, sizeof(r));
	while ((a = nl_attrs_next(&walk)))
		decode_attr(a, r.rtm_family, &route);
	*ret = route;
	return 0;
}
