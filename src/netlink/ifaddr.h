/* SPDX-License-Identifier: MIT */
/* rtnetlink messages about the addresses of interfaces. */
#pragma once

#include <linux/netlink.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/must_check.h"
#include "netlink/msg.h"

/** An address of an interface; `prefix.addr` is the local address itself. */
struct ifaddr_info {
	uint32_t ifindex;
	struct ip_prefix prefix;
	uint8_t scope;	/* RT_SCOPE_… */
	uint32_t flags; /* IFA_F_… */
	uint8_t proto;	/* who has added it: IFAPROT_…; 0: unknown (before Linux 5.18) */
};

/** Add an address to the interface. -EEXIST if it is present. Return: `m`, as all encoders do. */
struct nl_msg *ifaddr_encode_add(
	struct nl_msg *m, uint32_t ifindex, const struct ip_prefix *prefix);

/** Let an address that is present never expire, as one that was just added. */
struct nl_msg *ifaddr_encode_renew(
	struct nl_msg *m, uint32_t ifindex, const struct ip_prefix *prefix);

/** Remove an address from the interface. -EADDRNOTAVAIL if it is absent. */
struct nl_msg *ifaddr_encode_delete(
	struct nl_msg *m, uint32_t ifindex, const struct ip_prefix *prefix);

/** Request all addresses of the family (AF_INET, AF_INET6, AF_UNSPEC) on all interfaces. */
struct nl_msg *ifaddr_encode_dump(struct nl_msg *m, uint8_t family);

/** Decode an RTM_NEWADDR or RTM_DELADDR. Return: 0, or -EBADMSG, with `ret` untouched. */
MUST_CHECK int ifaddr_decode(const struct nlmsghdr *nlh, struct ifaddr_info *ret);
