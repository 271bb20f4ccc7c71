/* SPDX-License-Identifier: MIT */
/* rtnetlink messages about network interfaces: query, change and create. */
#include "netlink/link.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

#include "base/bytes.h"

#define CREATE (NLM_F_CREATE | NLM_F_EXCL)

/* Of the counters that we use, which come first. */
#define STATS_LEN offsetof(struct rtnl_link_stats64, multicast)

#ifndef RTEXT_FILTER_SKIP_STATS
#define RTEXT_FILTER_SKIP_STATS (1 << 3)
#endif

/* Since Linux 6.7: the number of addresses that a bridge learns. Source:
 * include/uapi/linux/if_link.h. */
enum {
	BR_FDB_MAX_LEARNED = 49
};

/* Since Linux 5.16. Source: likewise. */
enum {
	BRPORT_LOCKED = 39
};

static struct nl_msg *start(struct nl_msg *m, uint16_t type, uint16_t flags, uint32_t ifindex)
{
	struct ifinfomsg i = { .ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex };

	return nl_msg_start(m, type, flags, &i, sizeof(i));
}

struct nl_msg *link_encode_get(struct nl_msg *m, const char *name)
{
	start(m, RTM_GETLINK, 0, 0);
	nl_msg_put_text(m, IFLA_IFNAME, name);
	nl_msg_put_u32(m, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return m;
}

struct nl_msg *link_encode_get_index(struct nl_msg *m, uint32_t ifindex)
{
	start(m, RTM_GETLINK, 0, ifindex);
	nl_msg_put_u32(m, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return m;
}

struct nl_msg *link_encode_dump(struct nl_msg *m)
{
	start(m, RTM_GETLINK, NLM_F_DUMP, 0);
	nl_msg_put_u32(m, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return m;
}

struct nl_msg *link_encode_get_stats(struct nl_msg *m, uint32_t ifindex)
{
	struct if_stats_msg i = { .ifindex = ifindex,
		.filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64) };

	return nl_msg_start(m, RTM_GETSTATS, 0, &i, sizeof(i));
}

struct nl_msg *link_encode_up(struct nl_msg *m, uint32_t ifindex, bool up)
{
	struct ifinfomsg i = { .ifi_family = AF_UNSPEC,
		.ifi_index = (int)ifindex,
		.ifi_flags = up ? IFF_UP : 0,
		.ifi_change = IFF_UP };

	return nl_msg_start(m, RTM_SETLINK, 0, &i, sizeof(i));
}

struct nl_msg *link_encode_mtu(struct nl_msg *m, uint32_t ifindex, uint32_t mtu)
{
	start(m, RTM_SETLINK, 0, ifindex);
	nl_msg_put_u32(m, IFLA_MTU, mtu);
	return m;
}

struct nl_msg *link_encode_master(struct nl_msg *m, uint32_t ifindex, uint32_t master)
{
	start(m, RTM_SETLINK, 0, ifindex);
	nl_msg_put_u32(m, IFLA_MASTER, master);
	return m;
}

struct nl_msg *link_encode_name(struct nl_msg *m, uint32_t ifindex, const char *name)
{
	start(m, RTM_SETLINK, 0, ifindex);
	nl_msg_put_text(m, IFLA_IFNAME, name);
	return m;
}

struct nl_msg *link_encode_mac(
	struct nl_msg *m, uint32_t ifindex, const uint8_t mac[static LINK_MAC_LEN])
{
	start(m, RTM_SETLINK, 0, ifindex);
	nl_msg_put(m, IFLA_ADDRESS, mac, LINK_MAC_LEN);
	return m;
}

struct nl_msg *link_encode_alias(struct nl_msg *m, uint32_t ifindex, const char *alias)
{
	start(m, RTM_SETLINK, 0, ifindex);
	nl_msg_put(m, IFLA_IFALIAS, alias, strlen(alias));
	return m;
}

struct nl_msg *link_encode_no_autoconf(struct nl_msg *m, uint32_t ifindex)
{
	size_t spec;
	size_t inet6;

	start(m, RTM_SETLINK, 0, ifindex);
	spec = nl_msg_nest(m, IFLA_AF_SPEC | NLA_F_NESTED);
	inet6 = nl_msg_nest(m, AF_INET6 | NLA_F_NESTED);
	nl_msg_put_u8(m, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	nl_msg_nest_end(m, inet6);
	nl_msg_nest_end(m, spec);
	return m;
}

/** The open nests around the attributes of a bridge. */
struct bridge_nest {
	size_t linkinfo;
	size_t data;
};

static struct bridge_nest start_bridge(struct nl_msg *m)
{
	struct bridge_nest nest;

	nest.linkinfo = nl_msg_nest(m, IFLA_LINKINFO | NLA_F_NESTED);
	nl_msg_put_text(m, IFLA_INFO_KIND, "bridge");
	nest.data = nl_msg_nest(m, IFLA_INFO_DATA | NLA_F_NESTED);
	return nest;
}

static void end_bridge(struct nl_msg *m, const struct bridge_nest *nest)
{
	nl_msg_nest_end(m, nest->data);
	nl_msg_nest_end(m, nest->linkinfo);
}

struct nl_msg *link_encode_bridge(struct nl_msg *m, const struct link_bridge *bridge)
{
	struct bridge_nest nest;

	start(m, RTM_NEWLINK, CREATE, 0);
	nl_msg_put_text(m, IFLA_IFNAME, bridge->name);
	nl_msg_put(m, IFLA_ADDRESS, bridge->mac, LINK_MAC_LEN);
	nest = start_bridge(m);
	nl_msg_put_u32(m, IFLA_BR_STP_STATE, bridge->stp);
	if (!bridge->stp)
		nl_msg_put_u32(m, IFLA_BR_FORWARD_DELAY, 0);
	nl_msg_put_u8(m, IFLA_BR_MCAST_SNOOPING, bridge->multicast_snooping);
	if (bridge->fdb_max)
		nl_msg_put_u32(m, BR_FDB_MAX_LEARNED, bridge->fdb_max);
	end_bridge(m, &nest);
	return m;
}

struct nl_msg *link_encode_wireguard(struct nl_msg *m, const char *name, uint32_t group)
{
	size_t linkinfo;

	start(m, RTM_NEWLINK, CREATE, 0);
	nl_msg_put_text(m, IFLA_IFNAME, name);
	nl_msg_put_u32(m, IFLA_GROUP, group);
	linkinfo = nl_msg_nest(m, IFLA_LINKINFO | NLA_F_NESTED);
	nl_msg_put_text(m, IFLA_INFO_KIND, "wireguard");
	nl_msg_nest_end(m, linkinfo);
	return m;
}

/* Change one attribute of a bridge. */
static struct nl_msg *encode_bridge_option(
	struct nl_msg *m, uint32_t ifindex, uint16_t type, const void *value, size_t len)
{
	struct bridge_nest nest;

	start(m, RTM_NEWLINK, 0, ifindex);
	nest = start_bridge(m);
	nl_msg_put(m, type, value, len);
	end_bridge(m, &nest);
	return m;
}

struct nl_msg *link_encode_stp(struct nl_msg *m, uint32_t ifindex, bool stp)
{
	return encode_bridge_option(
		m, ifindex, IFLA_BR_STP_STATE, &(uint32_t){ stp }, sizeof(uint32_t));
}

struct nl_msg *link_encode_forward_delay(struct nl_msg *m, uint32_t ifindex, uint32_t delay)
{
	return encode_bridge_option(m, ifindex, IFLA_BR_FORWARD_DELAY, &delay, sizeof(delay));
}

struct nl_msg *link_encode_fdb_max(struct nl_msg *m, uint32_t ifindex, uint32_t max)
{
	return encode_bridge_option(m, ifindex, BR_FDB_MAX_LEARNED, &max, sizeof(max));
}

struct nl_msg *link_encode_multicast_snooping(struct nl_msg *m, uint32_t ifindex, bool on)
{
	return encode_bridge_option(
		m, ifindex, IFLA_BR_MCAST_SNOOPING, &(uint8_t){ on }, sizeof(uint8_t));
}

struct nl_msg *link_encode_forward_control(struct nl_msg *m, uint32_t ifindex, uint16_t mask)
{
	return encode_bridge_option(m, ifindex, IFLA_BR_GROUP_FWD_MASK, &mask, sizeof(mask));
}

struct nl_msg *link_encode_port(struct nl_msg *m, uint32_t ifindex, const struct link_port *old,
	const struct link_port *new)
{
	struct bridge_nest nest;

	start(m, RTM_NEWLINK, 0, ifindex);
	nest.linkinfo = nl_msg_nest(m, IFLA_LINKINFO | NLA_F_NESTED);
	nl_msg_put_text(m, IFLA_INFO_SLAVE_KIND, "bridge");
	nest.data = nl_msg_nest(m, IFLA_INFO_SLAVE_DATA | NLA_F_NESTED);
	if (old->isolated != new->isolated)
		nl_msg_put_u8(m, IFLA_BRPORT_ISOLATED, new->isolated);
	if (old->multicast_router != new->multicast_router)
		nl_msg_put_u8(m, IFLA_BRPORT_MULTICAST_ROUTER, new->multicast_router);
	if (old->forward_control != new->forward_control)
		nl_msg_put_u16(m, IFLA_BRPORT_GROUP_FWD_MASK, new->forward_control);
	end_bridge(m, &nest);
	return m;
}

struct nl_msg *link_encode_delete(struct nl_msg *m, uint32_t ifindex)
{
	return start(m, RTM_DELLINK, 0, ifindex);
}

struct nl_msg *link_encode_claim(struct nl_msg *m, uint32_t ifindex, const char *alias)
{
	link_encode_alias(m, ifindex, alias);
	nl_msg_put_u32(m, IFLA_GROUP, 0);
	return m;
}

struct nl_msg *link_encode_group(struct nl_msg *m, uint32_t ifindex, uint32_t group)
{
	start(m, RTM_SETLINK, 0, ifindex);
	nl_msg_put_u32(m, IFLA_GROUP, group);
	return m;
}

struct nl_msg *link_encode_delete_group(struct nl_msg *m, uint32_t group)
{
	start(m, RTM_DELLINK, 0, 0);
	nl_msg_put_u32(m, IFLA_GROUP, group);
	return m;
}

/* Whether an 8-bit flag is `value`. */
static bool flag_is(const struct nlattr *a, uint8_t value)
{
	uint8_t v;

	return nl_attr_u8(a, &v) && v == value;
}

static void decode_port(const struct nlattr *nest, struct link_info *link)
{
	struct nl_attrs walk = nl_attrs_in(nest);
	const struct nlattr *a;

	while ((a = nl_attrs_next(&walk)))
		switch (mnl_attr_get_type(a)) {
		case IFLA_BRPORT_STATE:
			link->has_port_state = nl_attr_u8(a, &link->port_state);
			break;
		case IFLA_BRPORT_ISOLATED:
			link->port.isolated = flag_is(a, 1);
			break;
		case IFLA_BRPORT_MODE:
			link->port_hairpin = flag_is(a, 1);
			break;
		case BRPORT_LOCKED:
			link->port_locked = flag_is(a, 1);
			break;
		case IFLA_BRPORT_UNICAST_FLOOD:
			link->port_no_flood = flag_is(a, 0);
			break;
		case IFLA_BRPORT_BCAST_FLOOD:
			link->port_no_broadcast = flag_is(a, 0);
			break;
		case IFLA_BRPORT_MCAST_FLOOD:
			link->port_no_multicast = flag_is(a, 0);
			break;
		case IFLA_BRPORT_PROXYARP:
			link->port_proxy_arp = flag_is(a, 1);
			break;
		case IFLA_BRPORT_MULTICAST_ROUTER:
			link->has_multicast = nl_attr_u8(a, &link->port.multicast_router);
			break;
		case IFLA_BRPORT_GROUP_FWD_MASK:
			nl_attr_u16(a, &link->port.forward_control);
			break;
		default: /* attribute types of the kernel that we ignore */
			break;
		}
}

static uint8_t decode_xdp(const struct nlattr *nest)
{
	struct nl_attrs walk = nl_attrs_in(nest);
	const struct nlattr *a;
	uint8_t mode = XDP_ATTACHED_NONE;

	while ((a = nl_attrs_next(&walk)))
		if (mnl_attr_get_type(a) == IFLA_XDP_ATTACHED)
			nl_attr_u8(a, &mode);
	return mode;
}

static void decode_bridge(const struct nlattr *nest, struct link_info *link)
{
	struct nl_attrs walk = nl_attrs_in(nest);
	const struct nlattr *a;

	while ((a = nl_attrs_next(&walk)))
		if (mnl_attr_get_type(a) == BR_FDB_MAX_LEARNED)
			link->has_fdb_max = nl_attr_u32(a, &link->fdb_max);
		else if (mnl_attr_get_type(a) == IFLA_BR_STP_STATE)
			link->has_stp = nl_attr_u32(a, &link->stp_state);
		else if (mnl_attr_get_type(a) == IFLA_BR_FORWARD_DELAY)
			nl_attr_u32(a, &link->forward_delay);
		else if (mnl_attr_get_type(a) == IFLA_BR_VLAN_FILTERING)
			link->filters_vlans = flag_is(a, 1);
		else if (mnl_attr_get_type(a) == IFLA_BR_MCAST_SNOOPING)
			link->has_multicast = nl_attr_u8(a, &link->multicast_snooping);
		else if (mnl_attr_get_type(a) == IFLA_BR_GROUP_FWD_MASK)
			nl_attr_u16(a, &link->forward_control);
}

static void decode_vlan(const struct nlattr *nest, struct link_info *link)
{
	struct nl_attrs walk = nl_attrs_in(nest);
	const struct nlattr *a;

	while ((a = nl_attrs_next(&walk)))
		if (mnl_attr_get_type(a) == IFLA_VLAN_ID)
			nl_attr_u16(a, &link->vlan);
}

static void decode_linkinfo(const struct nlattr *nest, struct link_info *link)
{
	struct nl_attrs walk = nl_attrs_in(nest);
	char slave_kind[16] = "";
	const struct nlattr *a;

	while ((a = nl_attrs_next(&walk))) {
		if (mnl_attr_get_type(a) == IFLA_INFO_KIND)
			nl_attr_text(a, link->kind, sizeof(link->kind));
		else if (mnl_attr_get_type(a) == IFLA_INFO_DATA && !strcmp(link->kind, "vlan"))
			decode_vlan(a, link);
		else if (mnl_attr_get_type(a) == IFLA_INFO_SLAVE_KIND)
			nl_attr_text(a, slave_kind, sizeof(slave_kind));
		else if (mnl_attr_get_type(a) == IFLA_INFO_DATA && !strcmp(link->kind, "bridge"))
			decode_bridge(a, link); /* the kind comes first */
		else if (mnl_attr_get_type(a) == IFLA_INFO_SLAVE_DATA &&
			 !strcmp(slave_kind, "bridge")) /* likewise */
			decode_port(a, link);
	}
}

static void decode_attr(const struct nlattr *a, struct link_info *link)
{
	switch (mnl_attr_get_type(a)) {
	case IFLA_IFNAME:
		nl_attr_text(a, link->name, sizeof(link->name));
		break;
	case IFLA_MTU:
		nl_attr_u32(a, &link->mtu);
		break;
	case IFLA_GROUP:
		nl_attr_u32(a, &link->group);
		break;
	case IFLA_MASTER:
		nl_attr_u32(a, &link->master);
		break;
	case IFLA_LINK:
		nl_attr_u32(a, &link->lower);
		break;
	case IFLA_LINK_NETNSID:
		link->lower = 0; /* comes after it: the link is in another namespace */
		break;
	case IFLA_ADDRESS:
		if (mnl_attr_get_payload_len(a) != LINK_MAC_LEN)
			break;
		memcpy(link->mac, mnl_attr_get_payload(a), LINK_MAC_LEN);
		link->has_mac = true;
		break;
	case IFLA_IFALIAS:
		nl_attr_text(a, link->alias, sizeof(link->alias));
		break;
	case IFLA_NEW_NETNSID:
		link->moved = true;
		break;
	case IFLA_XDP:
		link->xdp = decode_xdp(a);
		break;
	case IFLA_LINKINFO:
		decode_linkinfo(a, link);
		break;
	default: /* attribute types of the kernel that we ignore */
		break;
	}
}

/* Whether IFLA_LINK of this kind is an interface below it, which carries its frames. */
static bool is_stacked(const char *kind)
{
	static const char *const kinds[] = { "vlan", "macvlan", "macvtap", "ipvlan", "ipvtap",
		"macsec" };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (!strcmp(kind, kinds[i]))
			return true;
	return false;
}

int link_decode(const struct nlmsghdr *nlh, struct link_info *ret)
{
	struct link_info link = { 0 };
	struct ifinfomsg i;
	struct nl_attrs walk;
	const struct nlattr *a;

	if (nlh->nlmsg_type != RTM_NEWLINK && nlh->nlmsg_type != RTM_DELLINK)
		return -EBADMSG;
	if (nl_msg_fixed(nlh, &i, sizeof(i)) < 0 || i.ifi_index <= 0)
		return -EBADMSG;
	link.ifindex = (uint32_t)i.ifi_index;
	link.flags = i.ifi_flags;
	link.type = i.ifi_type;
	walk = nl_attrs_of(nlh, sizeof(i));
	while ((a = nl_attrs_next(&walk)))
		decode_attr(a, &link);
	if (!is_stacked(link.kind))
		link.lower = 0; /* the other end of a veth pair, or nothing that carries it */
	*ret = link;
	return 0;
}

int link_decode_stats(const struct nlmsghdr *nlh, struct link_stats *ret)
{
	struct rtnl_link_stats64 stats;
	struct if_stats_msg i;
	struct nl_attrs walk;
	const struct nlattr *a;

	if (nlh->nlmsg_type != RTM_NEWSTATS || nl_msg_fixed(nlh, &i, sizeof(i)) < 0)
		return -EBADMSG;
	walk = nl_attrs_of(nlh, sizeof(i));
	while ((a = nl_attrs_next(&walk))) {
		/* newer kernels append counters */
		if (mnl_attr_get_type(a) != IFLA_STATS_LINK_64 ||
			mnl_attr_get_payload_len(a) < STATS_LEN)
			continue;
		memcpy(&stats, mnl_attr_get_payload(a), STATS_LEN);
		*ret = (struct link_stats){ stats.rx_packets, stats.rx_bytes, stats.rx_errors,
			stats.rx_dropped, stats.tx_packets, stats.tx_bytes, stats.tx_errors,
			stats.tx_dropped };
		return 0;
	}
	return -EBADMSG;
}
