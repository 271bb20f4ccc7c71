/* SPDX-License-Identifier: MIT */
/* A peer: its identity, endpoint, sessions, timers and counters. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/mono.h"
#include "wg/state.h"

/* Handshake messages reserved for each peer while we are under load: initiations from its
 * endpoint, which a well-behaved peer does not exceed, and responses to an initiation of ours. */
#define WG_OWN_INITIATIONS_NS	 WG_REKEY_TIMEOUT
#define WG_OWN_INITIATIONS_BURST 4
#define WG_OWN_RESPONSES_NS	 NS_PER_S
#define WG_OWN_RESPONSES_BURST	 4

/* How often a peer's endpoint may move. Peers roam rarely, but a peer that sends each datagram
 * from another address would cause a route lookup for each, and all peers share that cost. */
#define WG_MOVES_NS    (NS_PER_S / 4)
#define WG_MOVES_BURST 8

/* Limit on the addresses, other than the last one, that a peer's handshakes may mark as
 * authenticated (see ratelimit.h). All handshakes from the addresses of 600 s must use less than
 * half of the budget for authenticated addresses. */
#define WG_VOUCHES_NS	 (150 * NS_PER_S)
#define WG_VOUCHES_BURST 2

/** Prefetch the memory that a packet of the peer will touch, except its keys. */
static inline void wg_peer_prefetch(const struct wg_peer *peer)
{
	__builtin_prefetch(&peer->keys.current, 1);
	__builtin_prefetch(&peer->endpoint, 1);
	__builtin_prefetch(&peer->due, 1);
}

/** The session to send with at `now`, or NULL: queue the packet and call wg_peer_want_session(). */
struct wg_keypair *wg_peer_sending_key(struct wg_peer *peer, struct mono now);

/**
 * Request a session for a packet. Return: WG_SEND_INITIATION, or 0 if an initiation is impossible
 * now or not needed: ours is in progress, or we have just answered the peer's and wait for it to
 * confirm. The timers retry then: see wg_peer_reconsider().
 */
unsigned wg_peer_want_session(struct wg_device *dev, struct wg_peer *peer, struct mono now);

/**
 * Account data messages of `bytes` UDP payload in total, just sent to the peer; `has_data` unless
 * all were keepalives. Call once per batch. Return: WG_SEND_INITIATION if the session is to be
 * renewed, else 0.
 */
unsigned wg_peer_sent(struct wg_device *dev, struct wg_peer *peer, uint64_t bytes, bool has_data,
	struct mono now);

/**
 * Account data messages of `bytes` UDP payload in total, just received, opened and committed, the
 * last one from `src` (NULL: the peer's endpoint); `has_data` unless all were keepalives. `kp` is
 * the session, of several the newest; NULL if it has ended since. Call once per batch for each
 * peer. Moves the endpoint; confirms a session that we answered. Return: a set of enum wg_action:
 * WG_SEND_PENDING, WG_SEND_INITIATION, WG_ENDPOINT_MOVED.
 */
unsigned wg_peer_received(struct wg_device *dev, struct wg_peer *peer, const struct wg_keypair *kp,
	const struct endpoint *src, uint64_t bytes, bool has_data, struct mono now);

/**
 * Write an initiation and account it as sent.
 * Return: 0; -EAGAIN if the last one was sent less than REKEY_TIMEOUT ago; -ENOKEY without our
 * private key or for a peer whose key is of low order; -EHOSTUNREACH without an endpoint;
 * -ENETDOWN while the device is down; -ENOSPC if the index table is full; another errno if the
 * service that holds the keys fails, and the timers retry.
 */
int wg_peer_make_initiation(struct wg_device *dev, struct wg_peer *peer, struct mono now,
	struct wall wall, uint8_t ret_msg[static WG_INITIATION_LEN]);

/** Run the timers that are due. Return: a set of enum wg_action. */
unsigned wg_peer_timers(struct wg_device *dev, struct wg_peer *peer, struct mono now);

/**
 * Decide whether a handshake or keepalive is due, after a change of anything that a handshake
 * needs: our private key, the state of the device, the peer's endpoint, preshared key or
 * PersistentKeepalive. The functions that make such a change call it; nothing else decides this.
 *
 * If a handshake cannot be started, nothing is sent until it can. If it can and a session is wanted
 * (packets are pending, or PersistentKeepalive is on), the handshake starts at once: the peer is
 * due at the next wg_device_due(). Source: Linux drivers/net/wireguard/netlink.c, set_peer() and
 * wg_set_device().
 */
void wg_peer_reconsider(struct wg_device *dev, struct wg_peer *peer);

/** Set (all zero: remove) the preshared key. It takes effect at the next handshake. */
void wg_peer_set_psk(
	struct wg_device *dev, struct wg_peer *peer, const uint8_t psk[static WG_KEY_LEN]);

/** Set the endpoint; clears the sticky source. */
void wg_peer_set_endpoint(
	struct wg_device *dev, struct wg_peer *peer, const struct endpoint *remote);

/**
 * An authentic message was received from `src` at `now`: move the endpoint there, unless it has
 * moved too often recently. Return: WG_ENDPOINT_MOVED, or 0.
 */
unsigned wg_peer_update_endpoint(
	struct wg_device *dev, struct wg_peer *peer, const struct endpoint *src, struct mono now);

/** Clear the sticky source address and interface. */
void wg_peer_clear_source(struct wg_peer *peer);

/** Set PersistentKeepalive in seconds, 0: off. With a new interval a keepalive is due at once. */
void wg_peer_set_keepalive(struct wg_device *dev, struct wg_peer *peer, uint16_t seconds);

/** Update the peer's position among the device's deadlines; call after any change of its timers. */
void wg_peer_arm(struct wg_device *dev, struct wg_peer *peer);

/** Wipe all sessions and the handshake in progress, and stop the timers. */
void wg_peer_reset(struct wg_device *dev, struct wg_peer *peer);
