/* SPDX-License-Identifier: MIT */
/* A WireGuard interface: its identity, its peers, and the tables to find them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"
#include "base/random.h"
#include "pkt/drop.h"
#include "pkt/ip.h"
#include "wg/peer.h"
#include "wg/state.h"

/*
 * Theory of operation. The device is a pure state machine: its inputs are messages, times and
 * requests; its outputs are results, reply messages and sets of enum wg_action. It reads no clock,
 * opens no socket, and allocates nothing: its tables live in one block provided by the caller, who
 * can replace it by a larger one when an addition returns -ENOSPC; each peer lives in its own
 * memory, also provided by the caller.
 *
 * Receiving: type 1, 2, 3 → wg_device_handshake(); type 4 → wg_data_begin(), wg_data_open(),
 * wg_data_commit() for each, then ip_header_parse() and wg_device_allows(), and once per batch
 * wg_peer_received().
 *
 * Sending: wg_device_route(), wg_peer_sending_key(); if NULL, queue the packet and call
 * wg_peer_want_session(); else wg_keypair_reserve(), wg_data_seal() for each, and once per batch
 * wg_peer_sent().
 *
 * Time: sleep until wg_device_deadline(); then, while wg_device_due(), wg_peer_timers().
 *
 * The device does not queue pending packets, resolve names, or decide which interface a packet
 * leaves by.
 */

/** Bytes of memory that wg_device_init() needs for these sizes. */
size_t wg_device_memory(const struct wg_sizes *sizes);

/**
 * Initialise a device without private key and peers. `memory` holds wg_device_memory(sizes) bytes,
 * aligned as by malloc(3), and belongs to the device until wg_device_fini() or wg_device_resize().
 * Return: 0; -ENOMEM or -ENOTSUP from the crypto library.
 */
int wg_device_init(
	struct wg_device *dev, const struct wg_sizes *sizes, void *memory, struct rng rng);

/**
 * Replace the device's memory; the caller frees the old block afterwards (it is wiped). Return: 0;
 * -EINVAL if any of the new sizes is smaller.
 */
int wg_device_resize(struct wg_device *dev, const struct wg_sizes *sizes, void *memory);

/**
 * Wipe copies of secrets used since the last call from the crypto library's memory. Clears `spent`;
 * the caller has to wipe its own stack.
 */
void wg_device_tidy(struct wg_device *dev);

/** Remove all peers and wipe all secrets. NULL is allowed. */
void wg_device_fini(struct wg_device *dev);

/**
 * Let a service hold the secret keys: see secrets.h. From then on wg_device_set_private_key() takes
 * our public key instead, and wg_peer_set_psk() any number that changes with the preshared key. To
 * be called before either. `service` must stay valid.
 */
void wg_device_use_service(struct wg_device *dev, const struct wg_key_service *service);

/**
 * Set whether messages can be sent: the interface is up and its UDP port open (the initial state).
 * When set to down, every session is dropped and no handshake is started; when set to up,
 * wg_peer_reconsider() is called for each peer.
 */
void wg_device_set_up(struct wg_device *dev, bool up);

/**
 * Set our private key (stored clamped); all zero removes it. Drops every session, removes a peer
 * with our own public key, and calls wg_peer_reconsider() for each of the others. Return: the
 * removed peer, for the caller to release, or NULL.
 */
struct wg_peer *wg_device_set_private_key(
	struct wg_device *dev, const uint8_t key[static WG_KEY_LEN]);

/** The key last set, or zeros: our private key, or our public key if a service holds the secret
 * keys. */
const uint8_t *wg_device_key(const struct wg_device *dev);

/**
 * Add a peer in memory provided by the caller, which is overwritten. Return: 0; -EEXIST; -EINVAL
 * for our own public key (to be ignored silently); -ENOSPC: resize.
 */
int wg_device_add_peer(
	struct wg_device *dev, struct wg_peer *peer, const uint8_t public_key[static WG_KEY_LEN]);

/** Remove a peer, wipe its secrets and remove its prefixes; the caller owns its memory again. */
void wg_device_remove_peer(struct wg_device *dev, struct wg_peer *peer);

/** Return: the peer with this public key, or NULL. */
struct wg_peer *wg_device_find_peer(
	const struct wg_device *dev, const uint8_t public_key[static WG_KEY_LEN]);

/** The length of a handshake message of the type; 0 for any other. */
size_t wg_message_len(uint32_t type);

/** Return: the peer to send packets with this inner destination to, or NULL. */
struct wg_peer *wg_device_route(const struct wg_device *dev, const struct ip_header *inner);

/** Return: DROP_NONE if the inner source address is in the peer's AllowedIPs, else
 * DROP_INNER_SOURCE. */
enum drop wg_device_allows(
	const struct wg_device *dev, const struct wg_peer *peer, const struct ip_header *inner);

/** The wall clock was set, and shows `wall` at `now`. Convert the times of handshakes, so that
 * their ages stay the same. */
void wg_device_clock_set(struct wg_device *dev, struct mono now, struct wall wall);

/**
 * Find the session of a data message and check its header: length, index, age, replay precheck.
 * Return: DROP_NONE, or the drop reason.
 */
enum drop wg_data_begin(const struct wg_device *dev, const uint8_t *msg, size_t len,
	struct mono now, struct wg_keypair **ret_kp, uint64_t *ret_counter);

/**
 * Prefetch the memory that judging this data message will touch. `msg[len]` may hold any bytes;
 * nothing changes. Return: the peer, or NULL if there is no such session.
 */
struct wg_peer *wg_data_prefetch(const struct wg_device *dev, const uint8_t *msg, size_t len);

/**
 * Find the peer to which we sent a message, data or handshake: by the index that identifies the
 * session, and for data also by a counter that was used. Cookie replies carry no index of ours and
 * are not recognised. Nothing is authenticated, so the caller compares the message's destination
 * with the peer's endpoint. `msg[len]` may hold anything. Return: the peer, or NULL.
 */
struct wg_peer *wg_device_sent(const struct wg_device *dev, const uint8_t *msg, size_t len);

/** When to call wg_device_due(): not later than the earliest deadline of all peers; or
 * MONO_NEVER. */
struct mono wg_device_deadline(const struct wg_device *dev);

/**
 * Return: a peer whose deadline has expired at `now`, for which the caller calls wg_peer_timers();
 * or NULL. Also re-sorts peers whose deadlines were postponed.
 */
struct wg_peer *wg_device_due(struct wg_device *dev, struct mono now);
