/* SPDX-License-Identifier: MIT */
/* The userspace engine on a machine: its descriptors, and the loop's callbacks that drive it. */
#ifndef DRIVER_DRIVER_H
#define DRIVER_DRIVER_H

#include "driver/driver_state.h"

/**
 * Read options from the value of WIRESPAN_OPTIONS: words separated by commas, "no-vnet", "no-tso",
 * "no-uso", "no-gso" (UDP_SEGMENT), "no-gro" (UDP_GRO), "aead=NAME". NULL or "" means everything
 * on. `text` is borrowed for the name. Return: 0, or -EINVAL for a word that is none of these.
 */
int driver_options_from(char *text, struct driver_options *ret);

/**
 * Allocate everything and make an engine without descriptors. `underlay` NULL: host names are
 * refused (-EOPNOTSUPP), and trains are sent as they are. Return: 0 or -errno.
 */
int driver_open(struct loop *loop, const struct driver_options *options,
	const struct driver_sizes *sizes, const struct driver_underlay *underlay,
	struct driver **ret);

/**
 * Wipe what secrets that were used or given up since the last call have left behind on the stack
 * and in the crypto library. To be called where the stack is short: in the loop.
 */
void driver_tidy(struct driver *d);

/** Close all descriptors (the interfaces go with them), wipe and free everything. NULL is
 * allowed. */
void driver_close(struct driver *d);

/** Make room for more peers or allowed IPs, with a guaranteed part for each peer of what they
 * share. Return: 0 or -ENOMEM; all goes on as before then. */
int driver_grow(struct driver *d, size_t peers, size_t allowed_ips);

/**
 * Open the UDP sockets and let packets flow. `port` 0: the kernel chooses.
 * Return: 0 or -errno (-EADDRINUSE). Then packets to peers are read, and pending for as long as
 * they are for a handshake; driver_rebind() tries again.
 */
int driver_start(struct driver *d, uint16_t port, uint32_t fwmark);

/** Close the sockets and forget all sessions, as when the interface is set down; peers and
 * configuration stay. */
void driver_stop(struct driver *d);

/** Move to another port or firewall mark: sticky sources are forgotten, as the way to a peer may be
 * another now, and peers with PersistentKeepalive hear from us at once. On failure everything stays
 * as it was. Before driver_start() and after driver_stop() they are only noted, in `udp.port`
 * and `fwmark`. Return: 0 or -errno. */
int driver_rebind(struct driver *d, uint16_t port, uint32_t fwmark);

/** Say how the don't-fragment bit of what we send is set, now and on sockets to come. Return: 0 or
 * -errno. */
int driver_set_df(struct driver *d, enum udp_df df);

/** Do what is due and send what waits: after timers, and after any change made from outside the
 * loop. */
void driver_work(struct driver *d);

/** When driver_work() has to be called next, or MONO_NEVER. */
struct mono driver_deadline(const struct driver *d);

/** Bytes of memory that the engine and its buffers take. */
uint64_t driver_memory(const struct driver *d);

#endif
