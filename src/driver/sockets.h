/* SPDX-License-Identifier: MIT */
/* The driver's UDP sockets: open, watch, read and replace them. */
#pragma once

#include "driver/driver_state.h"

/**
 * Take ownership of sockets, as udp_adopt() does. When their port or any port is to be opened,
 * they are used instead of new ones. Return: 0; -EBUSY if some are waiting already; or the errors
 * of udp_adopt().
 */
int sockets_offer(struct driver *d, int fd4, int fd6);

/** Open both sockets with the driver's options, or take those that were offered. Return: 0, or
 * -errno with neither open. */
int sockets_open(struct driver *d, uint16_t port, uint32_t fwmark, struct udp *ret);

/** Set the firewall mark of open sockets. Return: 0 or -errno. */
int sockets_mark(struct driver *d, struct udp *udp, uint32_t fwmark);

/** Return: 0, or -errno if the port (0: any) cannot be opened with this mark at present. */
int sockets_try(const struct driver *d, uint16_t port, uint32_t fwmark);

/** Watch both sockets. Return: 0, or -errno with neither watched. */
int sockets_watch(struct driver *d, const struct udp *udp, struct socket_watches *w);

/** Stop watching the driver's sockets and close them, replaced ones too. */
void sockets_close(struct driver *d);

/**
 * Replace the sockets by new ones. The old ones go on to receive for SOCKETS_RETIRED_NS, as peers
 * send to their port until they have received from the new one; then sockets_end_retired() is due.
 * Return: 0, or -errno with the old ones unchanged.
 */
int sockets_exchange(struct driver *d, uint16_t port, uint32_t fwmark);

/** Longer than most round trips; and soon over, so that others can have the port. */
#define SOCKETS_RETIRED_NS (500 * NS_PER_MS)

/** Read what replaced sockets have queued, and close them; without any, do nothing. */
void sockets_end_retired(struct driver *d);
