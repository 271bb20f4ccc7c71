/* SPDX-License-Identifier: MIT */
/* For tests: requests for interfaces that only tests create. */
#include "netlink/test_link.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

static const struct ifinfomsg any = { .ifi_family = AF_UNSPEC };

static void start(struct nl_msg *m, const char *name)
{
	nl_msg_start(m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &any, sizeof(any));
	nl_msg_put_text(m, IFLA_IFNAME, name);
}

struct nl_msg *test_link_veth(struct nl_msg *m, const char *name, const char *peer)
{
	size_t linkinfo;
	size_t data;
	size_t other;

	start(m, name);
	linkinfo = nl_msg_nest(m, IFLA_LINKINFO | NLA_F_NESTED);
	nl_msg_put_text(m, IFLA_INFO_KIND, "veth");
	data = nl_msg_nest(m, IFLA_INFO_DATA | NLA_F_NESTED);
	other = nl_msg_nest(m, VETH_INFO_PEER | NLA_F_NESTED);
	memcpy(mnl_nlmsg_put_extra_header(&m->head, sizeof(any)), &any, sizeof(any));
	nl_msg_put_text(m, IFLA_IFNAME, peer);
	nl_msg_nest_end(m, other);
	nl_msg_nest_end(m, data);
	nl_msg_nest_end(m, linkinfo);
	return m;
}

struct nl_msg *test_link_vlan(struct nl_msg *m, const char *name, uint32_t parent, uint16_t id)
{
	size_t linkinfo;
	size_t data;

	start(m, name);
	nl_msg_put_u32(m, IFLA_LINK, parent);
	linkinfo = nl_msg_nest(m, IFLA_LINKINFO | NLA_F_NESTED);
	nl_msg_put_text(m, IFLA_INFO_KIND, "vlan");
	data = nl_msg_nest(m, IFLA_INFO_DATA | NLA_F_NESTED);
	nl_msg_put_u16(m, IFLA_VLAN_ID, id);
	nl_msg_nest_end(m, data);
	nl_msg_nest_end(m, linkinfo);
	return m;
}
