/* SPDX-License-Identifier: MIT */
/* Pull: which decrypted packets are frames of a pseudowire, and where in them the frame lies. */
#pragma once

#include "l2tp/session.h"
#include "pkt/drop.h"
#include "pkt/ip.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What to do with a decrypted packet. */
enum l2tp_verdict {
	L2TP_NOT_L2TP, /* not ours: to the TUN */
	L2TP_FRAGMENT, /* a piece of a packet between a Remote and its Local: to reassembly_add() */
	L2TP_FRAME,    /* a frame for a session */
	L2TP_DROP,     /* L2TP, and refused */
};

/** The particulars of a verdict. What a verdict does not name is NULL, 0 or DROP_NONE. */
struct l2tp_received {
	struct l2tp_session *session; /* FRAME; DROP once the session is known */
	struct l2tp_tunnel *tunnel;   /* FRAME, DROP */
	size_t offset;		      /* FRAME: of the Ethernet frame in the packet */
	size_t len;		      /* FRAME: of the Ethernet frame */
	enum drop drop;		      /* DROP: why */
	bool foreign;		      /* FRAGMENT: a first piece, and its ports are of no tunnel */
};

/**
 * Judge a decrypted inner packet packet[len], already trimmed to its IP length and passed by
 * cryptokey routing. Updates the session's (or tunnel's) receive counters and sequence state.
 *
 * A packet belongs to a tunnel if it comes from the tunnel's Remote to its Local with exactly its
 * ports (UDP) or as IP protocol 115. It is then never handed to the TUN. A reassembled packet may
 * be judged again; one that is L2TP_NOT_L2TP then goes to the TUN as a whole.
 *
 * Sequence numbers, if expected: a frame without one, or with one that is not newer than the latest
 * (modulo 2^24), is dropped; gaps are counted and passed over. Linux with reorder timeout 0 drops
 * out-of-order frames likewise, and further frames behind a gap until five have come in order,
 * which we do not copy: no receiver needs to lose them. Five old numbers in a row without a gap
 * mean that the peer has started again: the fifth is taken.
 *
 * Wire: IP | UDP 8 | flags+ver[2] reserved[2] session_id[4] | cookie[0/4/8] | sublayer[0/4] |
 * frame. Source: RFC 3931 §4.1.2.1, §4.6, §8.2; Linux l2tp_core.c.
 */
enum l2tp_verdict l2tp_classify(
	struct l2tp_table *t, const uint8_t *packet, size_t len, struct l2tp_received *ret);

/** As l2tp_classify(), of a packet whose header was parsed. */
enum l2tp_verdict l2tp_judge(struct l2tp_table *t, const uint8_t *packet,
	const struct ip_header *ip, struct l2tp_received *ret);

/** Whether what follows the cookie of a session without sublayer, at[left], looks like a sublayer
 * and then a frame. */
bool l2tp_looks_like_sublayer(const uint8_t *at, size_t left);

/** Whether the word where the sublayer should be is more likely the start of a frame. */
bool l2tp_looks_like_frame(uint32_t sublayer);
