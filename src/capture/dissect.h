/* SPDX-License-Identifier: MIT */
/* What a capture needs to know of packets: the header of a datagram, and the frame of a session. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/must_check.h"
#include "l2tp/session.h"
#include "pkt/ip.h"

/** The longest header that capture_outer_header() writes: IPv6 and UDP. */
#define CAPTURE_OUTER_MAX 48

/** A datagram of the underlay, as its socket knows it. */
struct capture_datagram {
	const uint8_t *bytes;	    /* the UDP payload */
	size_t len;		    /* of it */
	const struct endpoint *far; /* its other end, with our address if that is known */
	uint16_t port;		    /* our port */
	uint8_t tos;
	uint8_t ttl; /* or hop limit; 0: not known */
	bool outgoing;
};

/**
 * Write the IP and UDP headers of a datagram, which a socket does not show: an address of ours that
 * is not known is zero, a TTL that is not known is 64, and there is no UDP checksum. Return: the
 * length of the headers, 28 or 48.
 */
size_t capture_outer_header(
	const struct capture_datagram *d, uint8_t ret[static CAPTURE_OUTER_MAX]);

/**
 * Find the frame of session `s` in an inner packet, `packet` with the header `ip`, which is no
 * fragment. Unlike l2tp_judge() it counts nothing, and reads packets of both directions. Return:
 * whether the packet is of the session; then `ret_offset` is the offset of its Ethernet frame,
 * which ends with the packet.
 */
MUST_CHECK bool capture_frame_at(const struct l2tp_session *s, const uint8_t *packet,
	const struct ip_header *ip, bool outgoing, size_t *ret_offset);
