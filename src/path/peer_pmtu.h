/* SPDX-License-Identifier: MIT */
/* Each peer's path MTU discovery: sends probes through the tunnel, reads answers, sets the peer's
 * MTU. */
#pragma once

#include "path/engine.h"

/**
 * Start or restart path MTU discovery for a peer. `route_mtu`: the MTU of the route to its
 * endpoint, in bytes with the outer IP header. Probes are ICMP echoes from `local` to `remote`:
 * addresses in the tunnel, of one family, `remote` within the peer's AllowedIPs. The outer DF bit
 * must be set on all datagrams: without it, routers fragment large probes, and an answer shows
 * nothing.
 */
void peer_pmtu_start(struct engine *e, struct path_peer *peer, unsigned route_mtu,
	const struct ip_addr *local, const struct ip_addr *remote);

/** The route to the peer's endpoint has the MTU `route_mtu` now. Ignored if that is not new, or if
 * discovery is off. */
void peer_pmtu_route(struct engine *e, struct path_peer *peer, unsigned route_mtu);

/** Stop discovery and use a fixed MTU. `mtu`: bytes of an inner packet. */
void peer_pmtu_stop(struct engine *e, struct path_peer *peer, unsigned mtu);

/** Report traffic to the peer: packets of up to `len` inner bytes, in trains of up to
 * `datagrams`. */
void peer_pmtu_sent(struct engine *e, struct path_peer *peer, size_t len, unsigned datagrams);

/** A data or handshake message was received from the peer, and is authentic. */
void peer_pmtu_received(struct engine *e, struct path_peer *peer);

/** The probe with this token was answered. */
void peer_pmtu_answered(struct engine *e, struct path_peer *peer, uint16_t token);

/** Bytes of the UDP payload quoted by an ICMP error that show whether it is authentic. */
#define PEER_PMTU_QUOTE_LEN WG_DATA_HEADER_LEN

/**
 * Process an ICMP too-big message for a datagram to `to`, with the MTU `mtu`. Probes confirm it.
 * `quote[len]`: the UDP payload that the message quotes. With fewer than PEER_PMTU_QUOTE_LEN bytes
 * it is not authentic. Source: RFC 8899 §4.6.1.
 */
void peer_pmtu_hint(struct engine *e, const struct endpoint *to, unsigned mtu, const uint8_t *quote,
	size_t len);

/** A session with the peer begins: send the probes that are due. Call it before any other packet is
 * sent in the session. Return: false if there is no room, as peer_pmtu_run(). */
bool peer_pmtu_session(struct engine *e, struct path_peer *peer);

/** Send the probes that are due to all peers. Return: false if there is no room: send and reset the
 * trains, then call again. */
bool peer_pmtu_run(struct engine *e);
