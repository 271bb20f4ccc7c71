/* SPDX-License-Identifier: MIT */
/* Tunnels and sessions (pseudowires) of static L2TPv3, and the table that finds them by what
 * arrives. */
#pragma once

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "l2tp/session_options.h"

/** The most that l2tp_push() writes in front of a frame: IPv6 40, UDP 8, flags 4, session id 4,
 * cookie 8, sublayer 4. */
#define L2TP_OVERHEAD_MAX 68

#define L2TP_COOKIE_MAX 8

/**
 * One control connection's worth of addressing, configured by hand. The caller fills the first part
 * and zeroes the rest; it owns the memory, which stays in place while the tunnel is in a table or a
 * session points at it.
 */
struct l2tp_tunnel {
	struct ip_addr local;  /* the inner packet's source when we send */
	struct ip_addr remote; /* same family as local */
	enum l2tp_encap encap;
	uint16_t local_port;  /* host order; UDP only */
	uint16_t remote_port; /* host order; UDP only */
	bool udp_checksum;    /* send a UDP checksum over IPv4 too; over IPv6 it is always sent */
	uint32_t id;	      /* TunnelId and PeerTunnelId: never on the wire, for display only */
	uint32_t peer_id;

	/* updated by l2tp_classify() */
	uint64_t unknown_sessions;     /* packets for a session id that we do not have */
	uint32_t last_unknown_session; /* the id in the latest of them: names a mismatched id */
	uint64_t control_messages;     /* control messages received: the remote end runs a
					  signalled L2TP */
	uint64_t bad_checksums;	       /* UDP checksum present and wrong */
	struct l2tp_tunnel *next;      /* the table's */
};

/** Where a session's numbers stand; belongs to the thread that pushes. */
struct l2tp_session_tx {
	uint32_t ns;	/* next sequence number, 24 bits */
	uint16_t ip_id; /* next IPv4 id of a packet that stays whole */
};

/** What a session has received; belongs to the thread that classifies. Frames and their bytes are
 * counted by the caller, once for all kinds of ports. */
struct l2tp_session_rx {
	uint64_t wrong_cookie;	     /* L2TP_DROP because the cookie differs */
	uint64_t bad_sequence;	     /* L2TP_DROP because old, duplicate or missing */
	uint64_t bad_length;	     /* L2TP_DROP because too short or too long */
	uint64_t lost;		     /* numbers skipped in the received sequence */
	uint64_t with_sequence;	     /* frames that carried a sequence number */
	uint64_t without_sequence;   /* frames of a default sublayer that carried none */
	uint64_t sublayer_suspected; /* frames that look as if the peer had the other sublayer */
	uint32_t nr;		     /* next sequence number expected, 24 bits */
	uint32_t resync_next;	     /* the number that would continue a run of old ones */
	uint8_t resync_run;	     /* length of that run */
	bool synced;		     /* nr is known */
};

/**
 * One pseudowire. The caller zeroes the struct, fills the first part and calls l2tp_session_init();
 * to change the first part later, call it again. The caller owns the memory, which stays in place
 * while the session is in a table. To find what belongs to a session (its TAP), embed it and use
 * CONTAINER_OF.
 */
struct l2tp_session {
	struct l2tp_tunnel *tunnel;
	uint32_t id;			      /* SessionId: what arrives carries it; never 0 */
	uint32_t peer_id;		      /* PeerSessionId: what we send carries it; never 0 */
	uint8_t cookie[L2TP_COOKIE_MAX];      /* what we send */
	uint8_t peer_cookie[L2TP_COOKIE_MAX]; /* what we expect */
	uint8_t cookie_len;		      /* 0, 4 or 8 */
	uint8_t peer_cookie_len;	      /* 0, 4 or 8 */
	enum l2tp_sublayer sublayer;
	bool send_sequence;   /* needs the default sublayer */
	bool expect_sequence; /* needs the default sublayer */
	uint32_t frame_max;   /* longest frame taken from the peer, Ethernet header and tags in */

	/* made by l2tp_session_init() */
	uint8_t overhead; /* bytes that l2tp_push() writes */
	uint8_t ip_len;	  /* of these, the IP header: 20 or 40 */
	uint8_t sublayer_offset;
	uint32_t template_sum; /* running sum of the IPv4 header, length and id left out */
	uint32_t pseudo_sum;   /* running sum of the UDP pseudo header, length left out */
	uint8_t template[L2TP_OVERHEAD_MAX]; /* every header with its changing fields zero */
	struct l2tp_session *next;	     /* the table's */

	struct l2tp_session_tx tx __attribute__((aligned(64)));
	struct l2tp_session_rx rx __attribute__((aligned(64)));
};

/* Buckets of either kind: a power of two. More than most hosts have sessions, as those that share
 * one are looked at one after another. */
#define L2TP_TABLE_BITS	   11
#define L2TP_TABLE_BUCKETS (1 << L2TP_TABLE_BITS)

/** Finds tunnels by addresses and ports, and sessions by tunnel and session id. Entries are linked
 * through themselves: no memory but theirs and this. */
struct l2tp_table {
	struct l2tp_tunnel *tunnels[L2TP_TABLE_BUCKETS];
	struct l2tp_session *sessions[L2TP_TABLE_BUCKETS];
};

/**
 * Prepare a session whose configuration is filled in: overhead and header template. Counters and
 * sequence state stay as they are.
 * Return: 0, or -EINVAL if the configuration contradicts itself: an id of 0, a cookie length other
 * than 0, 4 or 8, families that differ, sequence numbers without the default sublayer.
 */
int l2tp_session_init(struct l2tp_session *s);

/** Make an empty table. */
void l2tp_table_init(struct l2tp_table *t);

/** Add a tunnel. Return: 0, or -EEXIST if one with the same addresses, encapsulation and ports is
 * in. */
int l2tp_table_add_tunnel(struct l2tp_table *t, struct l2tp_tunnel *tunnel);

/** Take a tunnel out; its sessions must be out already. It may be in no table. */
void l2tp_table_remove_tunnel(struct l2tp_table *t, struct l2tp_tunnel *tunnel);

/** Add a session; its tunnel must be in. Return: 0, or -EEXIST if its tunnel has a session with its
 * id. */
int l2tp_table_add_session(struct l2tp_table *t, struct l2tp_session *s);

/** Take a session out; it may be in no table. */
void l2tp_table_remove_session(struct l2tp_table *t, struct l2tp_session *s);

/**
 * The tunnel of a received packet, or NULL. `src` and `dst` are the packet's addresses in wire form
 * (4 or 16 bytes, by `family`), ports in host order (ignored for L2TP_ENCAP_IP).
 */
struct l2tp_tunnel *l2tp_table_find_tunnel(const struct l2tp_table *t, uint16_t family,
	const uint8_t *src, const uint8_t *dst, enum l2tp_encap encap, uint16_t src_port,
	uint16_t dst_port);

/** Whether any tunnel lies between `src` (its Remote) and `dst` (its Local), whatever its
 * encapsulation and ports. */
bool l2tp_table_has_pair(
	const struct l2tp_table *t, uint16_t family, const uint8_t *src, const uint8_t *dst);

/** The session of `tunnel` that packets with `id` belong to, or NULL. */
struct l2tp_session *l2tp_table_find_session(
	const struct l2tp_table *t, const struct l2tp_tunnel *tunnel, uint32_t id);
