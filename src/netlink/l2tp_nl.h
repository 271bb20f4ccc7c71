/* SPDX-License-Identifier: MIT */
/* Generic netlink messages of the kernel's L2TPv3: static tunnels and Ethernet sessions. */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/must_check.h"
#include "netlink/exchange.h"
#include "netlink/msg.h"

#define L2TPNL_COOKIE_MAX 8 /* bytes */

/** A tunnel. The kernel makes its socket, and deletes it with the tunnel. */
struct l2tpnl_tunnel {
	uint32_t id; /* ours, not 0; unique in the network namespace */
	uint32_t peer_id;
	bool ip_encap; /* IP protocol 115 instead of UDP; then there are no ports */
	struct ip_addr local;
	struct ip_addr remote; /* of the same family */
	uint16_t local_port;
	uint16_t remote_port;
	bool udp_checksum; /* over IPv4: sends with checksum; over IPv6 it always does, unless: */
	bool udp_zero_checksum6_tx; /* over IPv6: sends without */
	bool udp_zero_checksum6_rx; /* over IPv6: accepts packets without */
};

/** A cookie: 0, 4 or 8 bytes in wire order. */
struct l2tpnl_cookie {
	uint8_t len;
	uint8_t bytes[L2TPNL_COOKIE_MAX];
};

/** An Ethernet session of a tunnel. */
struct l2tpnl_session {
	uint32_t tunnel_id; /* ours */
	uint32_t id;	    /* ours, not 0; with UDP unique in the tunnel, else in the namespace */
	uint32_t peer_id;
	struct l2tpnl_cookie tx_cookie; /* the kernel's COOKIE: it is sent */
	struct l2tpnl_cookie rx_cookie; /* the kernel's PEER_COOKIE: it must be received */
	bool default_sublayer;		/* the 4 bytes of RFC 4719; false: none */
	bool sends_sequence;		/* sequence numbers; needs the sublayer */
	bool checks_sequence;		/* drops what comes late */
	char ifname[IF_NAMESIZE];	/* of the Ethernet interface; "": the kernel chooses */
};

/** The kernel's counters of a tunnel or session: packets, and bytes of frames with L2TP header. */
struct l2tpnl_stats {
	uint64_t tx_packets;
	uint64_t tx_bytes;
	uint64_t tx_errors;
	uint64_t rx_packets;
	uint64_t rx_bytes;
	uint64_t rx_errors;
	uint64_t rx_seq_discards;    /* dropped because they came late */
	uint64_t rx_oos_packets;     /* not the next one in sequence */
	bool has_cookie_discards;    /* this kernel reports it: */
	uint64_t rx_cookie_discards; /* dropped because of their cookie */
	bool has_invalid;	     /* this kernel reports it: */
	uint64_t rx_invalid;	     /* dropped because of their header, or an unknown session */
};

/** A tunnel as the kernel describes it. A tunnel whose socket is closing has no addresses. */
struct l2tpnl_tunnel_info {
	uint8_t version; /* of L2TP: 3 is ours */
	struct l2tpnl_tunnel tunnel;
	struct l2tpnl_stats stats; /* of all its sessions */
};

/** A session as the kernel describes it. It does not report the sublayer: `default_sublayer` is
 * false. `ifname` is the name that the interface had when it was created. */
struct l2tpnl_session_info {
	struct l2tpnl_session session;
	uint32_t tunnel_peer_id;
	uint16_t pseudowire; /* L2TP_PWTYPE_…: L2TP_PWTYPE_ETH is ours */
	struct l2tpnl_stats stats;
};

/** A list of tunnels; free `v`. */
struct l2tpnl_tunnel_list {
	struct l2tpnl_tunnel_info *v;
	size_t n;
};

/** A list of sessions; wipe and free it with l2tpnl_sessions_fini(), as it has the cookies. */
struct l2tpnl_session_list {
	struct l2tpnl_session_info *v;
	size_t n;
};

/**
 * Create a tunnel; `family` is the id of L2TP_GENL_NAME in all encoders. Errors: -EEXIST if the id
 * is taken; -EADDRINUSE, -EADDRNOTAVAIL for its addresses and ports; -EPROTONOSUPPORT if a module
 * is missing. Return: `m`, as all encoders do.
 * Source: net/l2tp/l2tp_netlink.c.
 */
struct nl_msg *l2tpnl_encode_tunnel_create(
	struct nl_msg *m, uint16_t family, const struct l2tpnl_tunnel *tunnel);

/** Delete a tunnel with all its sessions. -ENODEV if there is none. The interfaces vanish a moment
 * later. */
struct nl_msg *l2tpnl_encode_tunnel_delete(struct nl_msg *m, uint16_t family, uint32_t id);

/** Request all tunnels. */
struct nl_msg *l2tpnl_encode_tunnel_dump(struct nl_msg *m, uint16_t family);

/**
 * Create a session and its interface: down, with an MTU that the kernel computes from the route of
 * this moment. Errors:
 * -EEXIST if the id or the interface's name is taken; -ENODEV if there is no such tunnel;
 * -EPROTONOSUPPORT if the module l2tp_eth is missing.
 * Source: net/l2tp/l2tp_netlink.c.
 */
struct nl_msg *l2tpnl_encode_session_create(
	struct nl_msg *m, uint16_t family, const struct l2tpnl_session *session);

/** Change the sequence numbers of a session: sends_sequence and checks_sequence. The kernel cannot
 * change anything else. -ENODEV if there is none. */
struct nl_msg *l2tpnl_encode_session_modify(
	struct nl_msg *m, uint16_t family, const struct l2tpnl_session *session);

/** Delete a session of a tunnel, and its interface. -ENODEV if there is none. */
struct nl_msg *l2tpnl_encode_session_delete(
	struct nl_msg *m, uint16_t family, uint32_t tunnel_id, uint32_t id);

/** Request all sessions of all tunnels. */
struct nl_msg *l2tpnl_encode_session_dump(struct nl_msg *m, uint16_t family);

/** Decode the description of a tunnel. Return: 0, or -EBADMSG with `ret` untouched. */
MUST_CHECK int l2tpnl_decode_tunnel(const struct nlmsghdr *nlh, struct l2tpnl_tunnel_info *ret);

/** Decode the description of a session. Return: 0, or -EBADMSG with `ret` untouched. */
MUST_CHECK int l2tpnl_decode_session(const struct nlmsghdr *nlh, struct l2tpnl_session_info *ret);

/** Query all tunnels of the namespace, also those of others. Return: 0 and a list to free, or
 * -errno. */
MUST_CHECK int l2tpnl_tunnels(
	struct nl_socket *nl, uint16_t family, struct l2tpnl_tunnel_list *ret);

/** Query all sessions of the namespace, also those of others. Return: 0 and a list for
 * l2tpnl_sessions_fini(), or -errno. */
MUST_CHECK int l2tpnl_sessions(
	struct nl_socket *nl, uint16_t family, struct l2tpnl_session_list *ret);

/** Wipe and free a list. */
void l2tpnl_sessions_fini(struct l2tpnl_session_list *list);
