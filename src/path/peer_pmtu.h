/* SPDX-License-Identifier: MIT */
/* Each peer's path MTU discovery: sends probes through the tunnel, reads answers, sets the peer's
 * MTU. */
#ifndef PATH_PEER_PMTU_H
#define PATH_PEER_PMTU_H

#include "path/engine.h"

/**
 * Begin to follow the path to a peer, or begin anew: its first hop carries `route_mtu` bytes, outer
 * header in. Probes go as echoes from `local` to `remote`, addresses in the tunnel of one family,
 * `remote` within the peer's AllowedIPs. The engine must have the outer don't-fragment bit set, or
 * the probes prove nothing.
 */
void peer_pmtu_start(struct engine *e, struct path_peer *peer, unsigned route_mtu,
	const struct ip_addr *local, const struct ip_addr *remote);

/** The first hop of the path to a followed peer carries `route_mtu` now: nothing happens if it did
 * before. */
void peer_pmtu_route(struct engine *e, struct path_peer *peer, unsigned route_mtu);

/** Take the MTU as given: no probes. `mtu` is that of inner packets. */
void peer_pmtu_stop(struct engine *e, struct path_peer *peer, unsigned mtu);

/** Packets of up to `len` inner bytes, in trains of up to `datagrams`, were sent to the peer. */
void peer_pmtu_sent(struct engine *e, struct path_peer *peer, size_t len, unsigned datagrams);

/** The probe with this token was answered. */
void peer_pmtu_answered(struct engine *e, struct path_peer *peer, uint16_t token);

/** How much of the UDP payload that an ICMP error quotes is compared with what we have sent. */
#define PEER_PMTU_QUOTE_LEN WG_DATA_HEADER_LEN

/**
 * A router on the path to `to` reports that it takes no more than `mtu`: a hint, to be confirmed.
 * `quote[len]`: what it quotes of our datagram, behind the UDP header; from PEER_PMTU_QUOTE_LEN
 * bytes on it is known whether the report is authentic. Source: RFC 8899 §4.6.1.
 */
void peer_pmtu_hint(struct engine *e, const struct endpoint *to, unsigned mtu, const uint8_t *quote,
	size_t len);

/** There is a session with the peer: send the probes that wait for one. To be called before any
 * other packet is sent in it. Return: false if there is no room, as peer_pmtu_run(). */
bool peer_pmtu_session(struct engine *e, struct path_peer *peer);

/** Send the probes that are due. Return: false if there is no room: send and reset the trains, and
 * call again. */
bool peer_pmtu_run(struct engine *e);

#endif
