/* SPDX-License-Identifier: MIT */
/* rtnetlink messages about network interfaces: query, change and create. */
#pragma once

#include <linux/netlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/must_check.h"
#include "netlink/msg.h"

#define LINK_ALIAS_LEN 256 /* longest alias with its NUL */
#define LINK_MAC_LEN   6

/** Settings of a bridge's port. */
struct link_port {
	bool isolated;		  /* exchanges no frames with other isolated ports */
	uint8_t multicast_router; /* MDB_RTR_TYPE_…: 1 learned, 2 permanent */
	uint16_t forward_control; /* forwards 01:80:c2:00:00:XX that come in: 1 << XX */
};

/** The kernel's description of an interface. */
struct link_info {
	uint32_t ifindex;
	uint32_t flags;	 /* IFF_UP, IFF_LOWER_UP, IFF_LOOPBACK … */
	uint16_t type;	 /* ARPHRD_… */
	uint32_t mtu;	 /* bytes */
	uint32_t group;	 /* of interfaces; 0 = the default one */
	uint32_t master; /* ifindex of the bridge or bond it is a port of; 0 = none */
	uint32_t
		lower; /* of VLAN, MACVLAN etc: the interface below it, in this namespace; else 0 */
	uint16_t vlan; /* of a VLAN: its id */
	bool has_port_state; /* of a bridge's port */
	uint8_t port_state;  /* then: BR_STATE_FORWARDING … */
	struct link_port port;
	bool port_locked;
	bool port_no_flood;	/* of frames to unknown addresses */
	bool port_no_broadcast; /* nor of broadcasts */
	bool port_no_multicast;
	bool port_proxy_arp;	    /* sends none of these; the bridge answers ARP for its hosts */
	bool port_hairpin;	    /* sends frames back to where they came from */
	uint8_t xdp;		    /* XDP_ATTACHED_…: whether a program sees what it receives */
	bool has_fdb_max;	    /* of a bridge: Linux 6.7 and later */
	uint32_t fdb_max;	    /* then: addresses it learns at most; 0: no limit */
	bool has_stp;		    /* of a bridge */
	uint32_t stp_state;	    /* then: 0 no spanning tree, 1 the kernel's, 2 a program's */
	uint32_t forward_delay;	    /* of a bridge, in 1/100 s; with spanning tree the root's */
	bool filters_vlans;	    /* of a bridge */
	bool has_multicast;	    /* of a bridge or port: this kernel has multicast snooping */
	uint8_t multicast_snooping; /* of a bridge: 1 it snoops; 0 not, or this kernel cannot */
	uint16_t forward_control;   /* of a bridge: as that of a port, for all ports */
	bool moved;   /* with RTM_DELLINK: not gone, but in another network namespace now */
	bool has_mac; /* an Ethernet address follows */
	uint8_t mac[LINK_MAC_LEN];
	char name[IF_NAMESIZE];
	char kind[16]; /* "bridge", "veth", "tun" …; "" for hardware */
	char alias[LINK_ALIAS_LEN];
};

/** An interface's counters, as `ip -s link` shows them. */
struct link_stats {
	uint64_t rx_packets;
	uint64_t rx_bytes;
	uint64_t rx_errors;
	uint64_t rx_dropped;
	uint64_t tx_packets;
	uint64_t tx_bytes;
	uint64_t tx_errors;
	uint64_t tx_dropped;
};

/** Parameters of a new bridge. */
struct link_bridge {
	const char *name;
	uint8_t mac[LINK_MAC_LEN];
	bool stp; /* false: no spanning tree, and ports forward at once */
	bool multicast_snooping;
	uint32_t fdb_max; /* addresses it learns at most, of all ports; 0: no limit */
};

/** Request one interface by name; answered by one RTM_NEWLINK. Return: `m`, as all encoders do. */
struct nl_msg *link_encode_get(struct nl_msg *m, const char *name);

/** Request one interface by index. */
struct nl_msg *link_encode_get_index(struct nl_msg *m, uint32_t ifindex);

/** Request all interfaces. */
struct nl_msg *link_encode_dump(struct nl_msg *m);

/** Request the counters of one interface; answered by one RTM_NEWSTATS. */
struct nl_msg *link_encode_get_stats(struct nl_msg *m, uint32_t ifindex);

/** Set an interface up or down. */
struct nl_msg *link_encode_up(struct nl_msg *m, uint32_t ifindex, bool up);

/** Set the MTU in bytes. */
struct nl_msg *link_encode_mtu(struct nl_msg *m, uint32_t ifindex, uint32_t mtu);

/** Make the interface a port of `master`, or of none if 0. */
struct nl_msg *link_encode_master(struct nl_msg *m, uint32_t ifindex, uint32_t master);

/** Rename the interface. Before Linux 6.2 it must be down: -EBUSY. -EEXIST if the name is taken. */
struct nl_msg *link_encode_name(struct nl_msg *m, uint32_t ifindex, const char *name);

/** Set the Ethernet address. */
struct nl_msg *link_encode_mac(
	struct nl_msg *m, uint32_t ifindex, const uint8_t mac[static LINK_MAC_LEN]);

/** Set the alias, a description that `ip link` shows. Shorter than LINK_ALIAS_LEN. */
struct nl_msg *link_encode_alias(struct nl_msg *m, uint32_t ifindex, const char *alias);

/** Set the alias, and put the interface into the default group, in one step. */
struct nl_msg *link_encode_claim(struct nl_msg *m, uint32_t ifindex, const char *alias);

/** Disable the IPv6 link-local address of the interface, and with it router solicitations and
 * multicast reports when it comes up. -EAFNOSUPPORT without IPv6. */
struct nl_msg *link_encode_no_autoconf(struct nl_msg *m, uint32_t ifindex);

/** Make a bridge, down. -EEXIST if the name is taken. Before Linux 6.7 `fdb_max` has no effect, and
 * link_decode() finds none. */
struct nl_msg *link_encode_bridge(struct nl_msg *m, const struct link_bridge *bridge);

/** Make a WireGuard interface in a group, down and without keys. -EEXIST if the name is taken;
 * -EOPNOTSUPP if the kernel's module is missing or blacklisted. Its kind is "wireguard". */
struct nl_msg *link_encode_wireguard(struct nl_msg *m, const char *name, uint32_t group);

/** Enable or disable a bridge's spanning tree. */
struct nl_msg *link_encode_stp(struct nl_msg *m, uint32_t ifindex, bool stp);

/** Set how long, in 1/100 s, a bridge's ports listen and learn before they forward. 0 is allowed
 * only without spanning tree: -ERANGE. */
struct nl_msg *link_encode_forward_delay(struct nl_msg *m, uint32_t ifindex, uint32_t delay);

/** Set how many addresses a bridge learns at most, of all ports; 0: no limit. Ignored before
 * Linux 6.7. */
struct nl_msg *link_encode_fdb_max(struct nl_msg *m, uint32_t ifindex, uint32_t max);

/** Enable or disable a bridge's multicast snooping. */
struct nl_msg *link_encode_multicast_snooping(struct nl_msg *m, uint32_t ifindex, bool on);

/** Set which group addresses all ports of a bridge forward: 1 << XX for 01:80:c2:00:00:XX. */
struct nl_msg *link_encode_forward_control(struct nl_msg *m, uint32_t ifindex, uint16_t mask);

/** Change the settings of a bridge's port from `old` to `new`; what is equal is not sent. -EINVAL
 * if the kernel forbids the forwarding of a group address. */
struct nl_msg *link_encode_port(struct nl_msg *m, uint32_t ifindex, const struct link_port *old,
	const struct link_port *new);

/** Delete an interface. */
struct nl_msg *link_encode_delete(struct nl_msg *m, uint32_t ifindex);

/** Put an interface into a group of interfaces; 0 is the default group. */
struct nl_msg *link_encode_group(struct nl_msg *m, uint32_t ifindex, uint32_t group);

/** Delete all interfaces of a group, not 0, in one step: that takes as long as one. -ENODEV if
 * there is none. */
struct nl_msg *link_encode_delete_group(struct nl_msg *m, uint32_t group);

/** Decode an RTM_NEWLINK or RTM_DELLINK. Return: 0, or -EBADMSG, with `ret` untouched. */
MUST_CHECK int link_decode(const struct nlmsghdr *nlh, struct link_info *ret);

/** Decode an RTM_NEWSTATS. Return: 0, or -EBADMSG, with `ret` untouched. */
MUST_CHECK int link_decode_stats(const struct nlmsghdr *nlh, struct link_stats *ret);
