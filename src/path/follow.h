/* SPDX-License-Identifier: MIT */
/* Each peer's path MTU, found and followed: probes out through the tunnel, answers in, the peer's
 * MTU set. */
#ifndef PATH_FOLLOW_H
#define PATH_FOLLOW_H

#include "path/engine.h"

/**
 * Begin to follow the path to a peer, or begin anew: its first hop carries `route_mtu` bytes, outer
 * header in. Probes go as echoes from `local` to `remote`, addresses in the tunnel of one family,
 * `remote` within the peer's AllowedIPs. The engine must have the outer don't-fragment bit set, or
 * the probes prove nothing.
 */
void follow_start(struct engine *e, struct path_peer *peer, unsigned route_mtu,
	const struct ip_addr *local, const struct ip_addr *remote);

/** The first hop of the path to a followed peer carries `route_mtu` now: nothing happens if it did
 * before. */
void follow_route(struct engine *e, struct path_peer *peer, unsigned route_mtu);

/** Take the MTU as given: no probes. `mtu` is that of inner packets. */
void follow_stop(struct engine *e, struct path_peer *peer, unsigned mtu);

/** Packets of up to `len` inner bytes have been sent to the peer. */
void follow_sent(struct engine *e, struct path_peer *peer, size_t len);

/** Whether a packet from the peer is the answer to a probe of ours, which is then taken in. */
bool follow_answered(struct engine *e, struct path_peer *peer, const uint8_t *packet, size_t len);

/** A router on the path to `to` says that it takes no more than `mtu`: a hint, to be confirmed. */
void follow_hint(struct engine *e, const struct endpoint *to, unsigned mtu);

/** Send the probes that are due. Return: false if there is no room: send and reset the trains, and
 * call again. */
bool follow_run(struct engine *e);

#endif
