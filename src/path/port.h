/* SPDX-License-Identifier: MIT */
/* Where frames come from and go to: the TUN, and each pseudowire with its TAP. */
#pragma once

#include <stdint.h>

#include "base/bytes.h"
#include "base/list.h"
#include "l2tp/header.h"
#include "l2tp/session.h"
#include "path/replies.h"
#include "path/stats.h"
#include "pkt/headers.h"

/** Where frames come from and go to: the TUN (session NULL), or the TAP of a session. */
struct path_port {
	struct l2tp_session *session;
	void *user;	  /* the driver's */
	uint32_t ifindex; /* of the interface, for the driver and what is above */
	struct path_port_stats stats;
};

/** One pseudowire and its TAP. */
struct path_session {
	struct l2tp_session l2tp;
	struct path_port port;
	struct l2tp_options options; /* as applied */
	struct replies replies;	     /* limits the answers of L2TP_OVERSIZE_REJECT */
	struct list link;	     /* in engine.sessions */
};

/** The path_session around a port, or NULL for the TUN. */
static inline struct path_session *path_session_of(struct path_port *port)
{
	return port->session ? CONTAINER_OF(port, struct path_session, port) : NULL;
}

/** The largest IP packet that an untagged frame of the session can carry unfragmented to a peer
 * with this MTU (path_peer.mtu). */
static inline unsigned path_max_packet(const struct path_session *s, unsigned mtu)
{
	unsigned overhead = (unsigned)l2tp_overhead(&s->l2tp) + ETH_HEADER_LEN;

	return mtu > overhead ? mtu - overhead : 0;
}
