/* SPDX-License-Identifier: MIT */
/* Push: every header of an L2TPv3 data packet, in one go, in front of a frame. */
#pragma once

#include "l2tp/session.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Bytes that l2tp_push() puts in front of a frame of this session: constant while its
 * configuration is. */
static inline size_t l2tp_overhead(const struct l2tp_session *s)
{
	return s->overhead;
}

/**
 * Write inner IP, UDP (unless encapsulation is ip), L2TPv3 header, cookie and sublayer at `base`,
 * in front of the Ethernet frame (no FCS) that sits at base + l2tp_overhead(s) and is `frame_len`
 * bytes long. The packet is then l2tp_overhead(s) + frame_len bytes, at most 65,535.
 *
 * Takes the next sequence number and the next IPv4 id, and counts the frame. Inner IPv4 is like the
 * stock kernel's: DF clear, TTL 64, TOS 0. `force_checksum` asks for the UDP checksum even where
 * the tunnel has it off: for packets that will be fragmented, so that no receiver can take pieces
 * of different packets for one.
 *
 * Wire: IPv4 20 or IPv6 40 | UDP 8 | 00 03 00 00 | session id 4 | cookie 0/4/8 | sublayer 0/4.
 * Source: RFC 3931 §4.1.2.1, §4.1.1.1, §4.6; RFC 4719.
 */
void l2tp_push(struct l2tp_session *s, uint8_t *base, size_t frame_len, bool force_checksum);
