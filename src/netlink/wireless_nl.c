/* SPDX-License-Identifier: MIT */
/* Generic netlink messages of wireless interfaces: whether one can be a port of a bridge. */
#include "netlink/wireless_nl.h"

#include <errno.h>
#include <linux/nl80211.h>
#include <stdbool.h>

#include <libmnl/libmnl.h>

#include "netlink/genl.h"

struct nl_msg *wireless_nl_encode_get(struct nl_msg *m, uint16_t family, uint32_t ifindex)
{
	genl_start(m, family, 0, NL80211_CMD_GET_INTERFACE, 0);
	nl_msg_put_u32(m, NL80211_ATTR_IFINDEX, ifindex);
	return m;
}

static bool is_client(uint32_t type)
{
	return type == NL80211_IFTYPE_STATION || type == NL80211_IFTYPE_P2P_CLIENT ||
	       type == NL80211_IFTYPE_ADHOC || type == NL80211_IFTYPE_OCB;
}

int wireless_nl_decode(const struct nlmsghdr *nlh, uint16_t family, enum wireless_role *ret)
{
	struct genlmsghdr g;
	struct nl_attrs walk;
	const struct nlattr *a;
	uint32_t type = NL80211_IFTYPE_UNSPECIFIED;
	uint8_t four_addresses = 0;

	if (nlh->nlmsg_type != family || nl_msg_fixed(nlh, &g, sizeof(g)) < 0)
		return -EBADMSG;
	walk = nl_attrs_of(nlh, sizeof(g));
	while ((a = nl_attrs_next(&walk)))
		if (mnl_attr_get_type(a) == NL80211_ATTR_IFTYPE)
			nl_attr_u32(a, &type);
		else if (mnl_attr_get_type(a) == NL80211_ATTR_4ADDR)
			nl_attr_u8(a, &four_addresses);
	if (type == NL80211_IFTYPE_UNSPECIFIED)
		return -EBADMSG;
	*ret = is_client(type) && !four_addresses ? WIRELESS_CLIENT : WIRELESS_PORT;
	return 0;
}

/* A question about one interface. */
struct question {
	uint16_t family;
	enum wireless_role role;
};

static int decode_answer(void *ctx, const struct nlmsghdr *nlh)
{
	struct question *q = ctx;

	return wireless_nl_decode(nlh, q->family, &q->role);
}

enum wireless_role wireless_nl_query(uint32_t ifindex)
{
	struct question q = { .role = WIRELESS_UNKNOWN };
	struct nl_socket nl;
	struct nl_msg m;

	if (nl_socket_open_generic(&nl) < 0)
		return WIRELESS_UNKNOWN;
	if (genl_resolve(&nl, NL80211_GENL_NAME, &q.family) < 0 ||
		nl_exchange(&nl, wireless_nl_encode_get(&m, q.family, ifindex), decode_answer, &q) <
			0)
		q.role = WIRELESS_UNKNOWN;
	nl_socket_close(&nl);
	return q.role;
}
