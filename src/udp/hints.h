/* SPDX-License-Identifier: MIT */
/* Read ICMP too-big errors from the socket's error queue. */
#pragma once

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Most messages that one call reads from the error queue. */
#define UDP_HINTS_MAX 16

/** Bytes of the quoted datagram that are read: the header of a WireGuard data message. */
#define UDP_HINT_QUOTE 16

/** An ICMP "fragmentation needed" or "packet too big" message. None of it is authenticated. */
struct udp_hint {
	struct endpoint to;	       /* destination of the quoted datagram */
	unsigned mtu;		       /* MTU of the next hop, in bytes, IP header included */
	uint8_t quote[UDP_HINT_QUOTE]; /* the first bytes of the quoted datagram's payload */
	size_t quote_len;	       /* bytes in `quote`: some routers quote none */
};

/**
 * Let the kernel queue ICMP errors for a socket of `family`. Each error then makes one send or
 * receive on the socket fail, whatever its destination: udp_send() retries. Return: 0 or -errno.
 */
int udp_hints_enable(int fd, int family);

/**
 * Read up to UDP_HINTS_MAX messages from the error queue of a socket (EPOLLERR reports that it is
 * not empty); discards messages that are not too-big errors. Return: number of hints.
 */
int udp_hints_read(int fd, struct udp_hint ret[static UDP_HINTS_MAX]);
