/* SPDX-License-Identifier: MIT */
/* Recognise our own WireGuard datagrams where they would enter a session or the TUN. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/must_check.h"
#include "wg/device.h"

/*
 * Theory of operation
 *
 * If the route to a peer's endpoint leads through a bridge into the segment, our datagrams come
 * back as frames of a TAP. Sealed and sent once more, they would come back again, each time with
 * another layer of headers: one packet would use a whole core. So tx_begin() drops them
 * (DROP_TAP_OWN).
 *
 * A datagram is ours if it goes to a peer's endpoint and names a session of ours with that peer:
 * data by the receiver index and by a counter that has been used, a handshake message by our index.
 * The source is ignored, since a NAT on the path to the bridge may have changed it. WireGuard
 * datagrams of members, even to the same endpoint, have other indices and pass.
 *
 * Only the first IP fragment of a datagram has these fields. The ids of the latest fragmented
 * datagrams are stored, so that the fragments behind it are recognised, too. A superframe of
 * datagrams (GSO_UDP_L4) is one flow: its first datagram decides.
 *
 * Datagrams of ours that something else has encapsulated (PPPoE, GRE, another WireGuard) are not
 * recognised.
 */

/* Number of fragmented datagrams whose ids are stored. */
#define OWN_FRAGMENTED 16

/** A datagram of ours that came in fragments. Family 0: none. */
struct own_fragmented {
	struct ip_addr src;
	struct ip_addr dst;
	uint32_t id; /* of IPv4: 16 bits */
};

/** The state of recognition. */
struct own {
	struct own_fragmented fragmented[OWN_FRAGMENTED];
	unsigned next; /* of these, to be replaced */
};

/** A datagram of ours that came back. `peer` NULL: none. */
struct own_datagram {
	const struct wg_peer *peer; /* its receiver; borrowed */
	uint8_t mac[6];		    /* the frame's destination; of a packet of the TUN: zeros */
	uint16_t vlan;		    /* the frame's outermost VLAN id; 0: none */
};

/**
 * Whether a frame read from a session's TAP (`ethernet`) or a packet read from the TUN is a
 * datagram that we sent to a peer of `wg`, or a fragment of one. `ret` is set only if true is
 * returned; a later fragment does not name the peer, which is NULL then.
 */
MUST_CHECK bool own_recognises(struct own *own, const struct wg_device *wg, const uint8_t *frame,
	size_t len, bool ethernet, struct own_datagram *ret);
