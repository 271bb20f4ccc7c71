/* SPDX-License-Identifier: MIT */
/* The driver's UDP sockets: open, watch, read and replace them. */
#ifndef DRIVER_SOCKETS_H
#define DRIVER_SOCKETS_H

#include "driver/driver_state.h"

/** Open both sockets with the driver's options. Return: 0, or -errno with neither open. */
int sockets_open(const struct driver *d, uint16_t port, uint32_t fwmark, struct udp *ret);

/** Watch both sockets. Return: 0, or -errno with neither watched. */
int sockets_watch(struct driver *d, const struct udp *udp, struct socket_watches *w);

/** Stop watching the driver's sockets and close them. */
void sockets_close(struct driver *d);

/** Replace the sockets by new ones. Return: 0, or -errno with the old ones unchanged. */
int sockets_exchange(struct driver *d, uint16_t port, uint32_t fwmark);

#endif
