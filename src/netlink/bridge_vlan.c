/* SPDX-License-Identifier: MIT */
/* rtnetlink messages about the VLANs of bridges and of their ports. */
#include "netlink/bridge_vlan.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

struct nl_msg *bridge_vlan_encode_dump(struct nl_msg *m)
{
	struct ifinfomsg head = { .ifi_family = AF_BRIDGE };

	nl_msg_start(m, RTM_GETLINK, NLM_F_DUMP, &head, sizeof(head));
	nl_msg_put_u32(m, IFLA_EXT_MASK, RTEXT_FILTER_BRVLAN_COMPRESSED);
	return m;
}

static void read_vlans(const struct nlattr *nest, struct bridge_vlans *ret)
{
	struct nl_attrs walk = nl_attrs_in(nest);
	const struct nlattr *a;
	uint16_t first = 0; /* of a range */

	while ((a = nl_attrs_next(&walk))) {
		struct bridge_vlan_info v;

		if (mnl_attr_get_type(a) != IFLA_BRIDGE_VLAN_INFO ||
			mnl_attr_get_payload_len(a) != sizeof(v))
			continue;
		memcpy(&v, mnl_attr_get_payload(a), sizeof(v));
		if (v.vid >= 8 * sizeof(ret->members))
			continue;
		if (!(v.flags & BRIDGE_VLAN_INFO_RANGE_END))
			first = v.vid;
		for (uint16_t id = first; id <= v.vid; id++) {
			ret->members[id / 8] |= (uint8_t)(1U << id % 8);
			if (!(v.flags & BRIDGE_VLAN_INFO_UNTAGGED))
				ret->tagged[id / 8] |= (uint8_t)(1U << id % 8);
		}
		if (v.flags & BRIDGE_VLAN_INFO_PVID)
			ret->pvid = v.vid;
	}
}

int bridge_vlan_decode(const struct nlmsghdr *nlh, struct bridge_vlans *ret)
{
	struct nl_attrs walk;
	const struct nlattr *a;
	struct ifinfomsg head;

	if (nlh->nlmsg_type != RTM_NEWLINK || nl_msg_fixed(nlh, &head, sizeof(head)) < 0 ||
		head.ifi_index <= 0)
		return -EBADMSG;
	*ret = (struct bridge_vlans){ .ifindex = (uint32_t)head.ifi_index };
	walk = nl_attrs_of(nlh, sizeof(head));
	while ((a = nl_attrs_next(&walk)))
		if (mnl_attr_get_type(a) == IFLA_AF_SPEC)
			read_vlans(a, ret);
	return 0;
}
