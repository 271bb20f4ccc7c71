/* SPDX-License-Identifier: MIT */
/* rtnetlink messages about network interfaces: what there is, what to change, what to make. */
#ifndef NETLINK_LINK_H
#define NETLINK_LINK_H

#include <linux/netlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "netlink/msg.h"

#define LINK_ALIAS_LEN 256 /* longest alias with its NUL */
#define LINK_MAC_LEN   6

/** What the kernel says about an interface. */
struct link_info {
	uint32_t ifindex;
	uint32_t flags;	     /* IFF_UP, IFF_LOWER_UP, IFF_LOOPBACK … */
	uint16_t type;	     /* ARPHRD_… */
	uint32_t mtu;	     /* bytes */
	uint32_t master;     /* ifindex of the bridge or bond it is a port of; 0 = none */
	bool has_port_state; /* of a bridge's port */
	uint8_t port_state;  /* then: BR_STATE_FORWARDING … */
	bool moved;	     /* with RTM_DELLINK: not gone, but in another network namespace now */
	bool has_mac;	     /* an Ethernet address follows */
	uint8_t mac[LINK_MAC_LEN];
	char name[IF_NAMESIZE];
	char kind[16]; /* "bridge", "veth", "tun" …; "" for hardware */
	char alias[LINK_ALIAS_LEN];
};

/** How a bridge is made. */
struct link_bridge {
	const char *name;
	uint8_t mac[LINK_MAC_LEN];
	bool stp; /* false: no spanning tree, and ports forward at once */
};

/** Ask for one interface by name; answered by one RTM_NEWLINK. Return: `m`, as all encoders do. */
struct nl_msg *link_encode_get(struct nl_msg *m, const char *name);

/** Ask for one interface by index. */
struct nl_msg *link_encode_get_index(struct nl_msg *m, uint32_t ifindex);

/** Ask for all interfaces. */
struct nl_msg *link_encode_dump(struct nl_msg *m);

/** Set an interface up or down. */
struct nl_msg *link_encode_up(struct nl_msg *m, uint32_t ifindex, bool up);

/** Set the MTU in bytes. */
struct nl_msg *link_encode_mtu(struct nl_msg *m, uint32_t ifindex, uint32_t mtu);

/** Make the interface a port of `master`, or of none for 0. */
struct nl_msg *link_encode_master(struct nl_msg *m, uint32_t ifindex, uint32_t master);

/** Set the Ethernet address. */
struct nl_msg *link_encode_mac(
	struct nl_msg *m, uint32_t ifindex, const uint8_t mac[static LINK_MAC_LEN]);

/** Set the alias, a text for people that `ip link` shows. Shorter than LINK_ALIAS_LEN. */
struct nl_msg *link_encode_alias(struct nl_msg *m, uint32_t ifindex, const char *alias);

/** Keep the interface from giving itself an IPv6 link-local address, and so from soliciting routers
 * and reporting groups when it comes up. -EAFNOSUPPORT where there is no IPv6. */
struct nl_msg *link_encode_no_autoconf(struct nl_msg *m, uint32_t ifindex);

/** Make a bridge, down. -EEXIST if the name is taken. */
struct nl_msg *link_encode_bridge(struct nl_msg *m, const struct link_bridge *bridge);

/** Turn a bridge's spanning tree on or off. */
struct nl_msg *link_encode_stp(struct nl_msg *m, uint32_t ifindex, bool stp);

/** Set how long, in 1/100 s, a bridge's ports listen and learn before they forward. 0 is allowed
 * without spanning tree only: -ERANGE. */
struct nl_msg *link_encode_forward_delay(struct nl_msg *m, uint32_t ifindex, uint32_t delay);

/** Make a pair of veth interfaces, down. -EEXIST if a name is taken. */
struct nl_msg *link_encode_veth(struct nl_msg *m, const char *name, const char *peer);

/** Make a VLAN interface on `parent`, down. `id` 1 to 4094. -EEXIST if it exists. */
struct nl_msg *link_encode_vlan(struct nl_msg *m, const char *name, uint32_t parent, uint16_t id);

/** Delete an interface. */
struct nl_msg *link_encode_delete(struct nl_msg *m, uint32_t ifindex);

/** Read an RTM_NEWLINK or RTM_DELLINK. Return: 0, or -EBADMSG; `ret` is untouched then. */
int link_decode(const struct nlmsghdr *nlh, struct link_info *ret);

#endif
