/* SPDX-License-Identifier: MIT */
/* The userspace engine with its descriptors, and the event loop's callbacks that drive it. */
#pragma once

#include "driver/driver_state.h"

/**
 * Parse the value of WIRESPAN_OPTIONS: a comma-separated list of "no-vnet", "no-tso", "no-uso",
 * "no-gso" (UDP_SEGMENT), "no-gro" (UDP_GRO), "aead=NAME". NULL or "" enables everything. The name
 * is borrowed from `text`. Return: 0, or -EINVAL for an unknown item.
 */
int driver_options_from(char *text, struct driver_options *ret);

/**
 * Allocate all memory and create an engine without descriptors. Unless `options` names an AEAD
 * provider, all are measured and the fastest is taken. Return: 0 or -errno: see engine_init().
 */
int driver_open(struct loop *loop, const struct driver_options *options,
	const struct driver_sizes *sizes, const struct driver_underlay *underlay,
	struct driver **ret);

/**
 * Log the events of the engine since the last call, at level debug, and send what was captured.
 * Wipe the secrets that were used or discarded since from the stack and from the crypto library.
 * Call it where the stack is shallow: at the end of each turn of the event loop.
 */
void driver_tidy(struct driver *d);

/** Close all descriptors (which deletes the interfaces), wipe and free all memory. NULL is
 * allowed. */
void driver_close(struct driver *d);

/** Make room for more peers or allowed IPs, including each peer's guaranteed share of the common
 * pools. Return: 0, or -ENOMEM with everything unchanged. */
int driver_grow(struct driver *d, size_t peers, size_t allowed_ips);

/**
 * Open the UDP sockets and let packets flow. `port` 0: the kernel chooses.
 * Return: 0 or -errno (-EADDRINUSE). After an error, packets to peers are read, and stay pending
 * for as long as packets wait for a handshake; driver_rebind() tries again.
 */
int driver_start(struct driver *d, uint16_t port, uint32_t fwmark);

/** Close the sockets and delete all session keys, as when the interface is set down; peers and
 * configuration stay. */
void driver_stop(struct driver *d);

/** Change the UDP port or the firewall mark. Sticky sources are cleared, because the routes to
 * peers may differ now, and peers with PersistentKeepalive are sent a packet at once. On failure
 * everything is unchanged. Before driver_start() and after driver_stop() the values are only
 * stored, in `udp.port` and `fwmark`. Return: 0 or -errno. */
int driver_rebind(struct driver *d, uint16_t port, uint32_t fwmark);

/** Set the use of the don't-fragment bit, for the open sockets and for those opened later. Return:
 * 0 or -errno. */
int driver_set_df(struct driver *d, enum udp_df df);

/** Do all work that is due and send pending packets. Call it when a timer expires and after any
 * change made from outside the event loop. */
void driver_work(struct driver *d);

/** When driver_work() must be called next, or MONO_NEVER. */
struct mono driver_deadline(const struct driver *d);

/** Bytes of memory that the engine and its buffers use. */
uint64_t driver_memory(const struct driver *d);
