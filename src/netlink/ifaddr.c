/* SPDX-License-Identifier: MIT */
/* rtnetlink messages about the addresses of interfaces. */
#include "netlink/ifaddr.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <libmnl/libmnl.h>

static struct nl_msg *start(struct nl_msg *m, uint16_t type, uint16_t flags, uint32_t ifindex,
	const struct ip_prefix *prefix)
{
	struct ifaddrmsg i = { .ifa_family = (uint8_t)prefix->addr.family,
		.ifa_prefixlen = prefix->len,
		.ifa_index = ifindex };

	nl_msg_start(m, type, flags, &i, sizeof(i));
	nl_msg_put_addr(m, IFA_LOCAL, &prefix->addr);
	nl_msg_put_addr(m, IFA_ADDRESS, &prefix->addr);
	return m;
}

struct nl_msg *ifaddr_encode_add(struct nl_msg *m, uint32_t ifindex, const struct ip_prefix *prefix)
{
	return start(m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, ifindex, prefix);
}

struct nl_msg *ifaddr_encode_renew(
	struct nl_msg *m, uint32_t ifindex, const struct ip_prefix *prefix)
{
	return start(m, RTM_NEWADDR, NLM_F_REPLACE, ifindex, prefix);
}

struct nl_msg *ifaddr_encode_delete(
	struct nl_msg *m, uint32_t ifindex, const struct ip_prefix *prefix)
{
	return start(m, RTM_DELADDR, 0, ifindex, prefix);
}

struct nl_msg *ifaddr_encode_dump(struct nl_msg *m, uint8_t family)
{
	struct ifaddrmsg i = { .ifa_family = family };

	return nl_msg_start(m, RTM_GETADDR, NLM_F_DUMP, &i, sizeof(i));
}

int ifaddr_decode(const struct nlmsghdr *nlh, struct ifaddr_info *ret)
{
	struct ip_addr address = { 0 };
	struct ip_addr local = { 0 };
	struct ifaddr_info info = { 0 };
	struct ifaddrmsg i;
	struct nl_attrs walk;
	const struct nlattr *a;

	if (nlh->nlmsg_type != RTM_NEWADDR && nlh->nlmsg_type != RTM_DELADDR)
		return -EBADMSG;
	if (nl_msg_fixed(nlh, &i, sizeof(i)) < 0)
		return -EBADMSG;
	info.ifindex = i.ifa_index;
	info.scope = i.ifa_scope;
	info.flags = i.ifa_flags;
	walk = nl_attrs_of(nlh, sizeof(i));
	while ((a = nl_attrs_next(&walk))) {
		if (mnl_attr_get_type(a) == IFA_LOCAL)
			nl_attr_addr(a, i.ifa_family, &local);
		else if (mnl_attr_get_type(a) == IFA_ADDRESS)
			nl_attr_addr(a, i.ifa_family, &address);
		else if (mnl_attr_get_type(a) == IFA_FLAGS)
			nl_attr_u32(a, &info.flags);
		else if (mnl_attr_get_type(a) == IFA_PROTO && mnl_attr_get_payload_len(a) == 1)
			info.proto = mnl_attr_get_u8(a);
	}
	/* On a point-to-point interface IFA_ADDRESS is the peer's; IPv6 may have only that. */
	info.prefix.addr = local.family ? local : address;
	info.prefix.len = i.ifa_prefixlen;
	if (!info.prefix.addr.family || info.prefix.len > ip_addr_bits(&info.prefix.addr))
		return -EBADMSG;
	*ret = info;
	return 0;
}
