/* SPDX-License-Identifier: MIT */
/* What routers say of datagrams of ours that are too large for them: read from a socket's error
 * queue. */
#ifndef UDP_HINTS_H
#define UDP_HINTS_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Most messages that one call takes from the error queue. */
#define UDP_HINTS_MAX 16

/** Bytes of the quoted datagram that are read: a WireGuard data message's header. */
#define UDP_HINT_QUOTE 16

/** An ICMP "fragmentation needed" or "packet too big". Nothing of it is authenticated. */
struct udp_hint {
	struct endpoint to;	       /* of the datagram it speaks of */
	unsigned mtu;		       /* of the next hop, in bytes with the IP header */
	uint8_t quote[UDP_HINT_QUOTE]; /* the first bytes of that datagram's payload */
	size_t quote_len;	       /* how many of them: some routers quote none */
};

/**
 * Let the kernel queue ICMP errors for a socket of `family`. Its sends and receives then fail once
 * for each, whoever it was for: udp_send() tries again. Return: 0 or -errno.
 */
int udp_hints_enable(int fd, int family);

/**
 * Take up to UDP_HINTS_MAX messages from the error queue of a socket (EPOLLERR says that there are
 * some); what is no hint is thrown away. Return: how many hints.
 */
int udp_hints_read(int fd, struct udp_hint ret[static UDP_HINTS_MAX]);

#endif
