/* SPDX-License-Identifier: MIT */
/* A WireGuard interface: our identity, its peers, and the tables that lead to them. */
#ifndef WG_DEVICE_H
#define WG_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bucket.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/mono.h"
#include "base/random.h"
#include "pkt/drop.h"
#include "pkt/inner.h"
#include "wg/allowedips.h"
#include "wg/cookie.h"
#include "wg/handshake_load.h"
#include "wg/indextable.h"
#include "wg/noise.h"
#include "wg/peer.h"
#include "wg/ratelimit.h"
#include "wg/sent.h"

/** For how many of each a device has room. */
struct wg_sizes {
	size_t peers;
	size_t allowed_ips;
	size_t sources; /* of the rate limiter */
};

/**
 * Theory of operation. The device is a pure machine: messages, instants and wishes go in; verdicts,
 * reply messages and sets of enum wg_action come out. It reads no clock, opens no socket, and
 * allocates nothing: its tables live in one block of the caller's, which can be exchanged for a
 * larger one when an addition answers -ENOSPC; peers live in memory of the caller's, one by one.
 *
 * Receiving: type 1, 2, 3 → wg_device_handshake(); type 4 → wg_data_begin(), wg_data_open(),
 * wg_data_commit() for each, then inner_parse() and wg_device_allows(), and once a batch
 * wg_peer_received().
 * Sending: wg_device_route(), wg_peer_sending_key(); if NULL stage and wg_peer_want_session(); else
 * wg_keypair_reserve(), wg_data_seal() for each, and once a batch wg_peer_sent().
 * Time: sleep until wg_device_deadline(); then, while wg_device_due(), wg_peer_timers().
 *
 * It does not: stage packets, resolve names, or decide which interface a packet leaves by.
 */
struct wg_device {
	struct rng rng;
	struct wg_crypto crypto;
	struct wg_identity identity;
	struct list peers;
	size_t peer_count;
	struct list *buckets;	 /* peers by public key */
	struct list *at_buckets; /* peers by endpoint */
	size_t bucket_count;	 /* of either */
	struct wg_sizes sizes;
	struct heap deadlines;
	struct wg_allowedips allowed;
	struct wg_indextable indices;
	struct wg_sent sent;
	struct wg_cookie_checker checker;
	struct wg_ratelimit limiter;
	struct wg_handshake_load load;
	struct bucket cookies[2];  /* replies that may still be sent: to strangers, to vouched */
	struct bucket verified[2]; /* handshakes that may still be taken under load, likewise */
	uint8_t sent_timestamp[WG_TIMESTAMP_LEN]; /* the latest of all initiations sent */
	bool down;				  /* see wg_device_set_up() */
	bool spent; /* secrets have been used or have ended: see wg_device_tidy() */
};

/** Bytes of memory that wg_device_init() wants for these sizes. */
size_t wg_device_memory(const struct wg_sizes *sizes);

/**
 * Start a device without private key and peers. `memory` holds wg_device_memory(sizes) bytes,
 * aligned as malloc(3) does, and belongs to the device until wg_device_fini() or
 * wg_device_resize().
 * Return: 0; -ENOMEM or -ENOTSUP from the crypto library.
 */
int wg_device_init(
	struct wg_device *dev, const struct wg_sizes *sizes, void *memory, struct rng rng);

/**
 * Exchange the device's memory for another; the old block is the caller's to free (wiped) after.
 * Return: 0; -EINVAL if the new sizes are smaller in any respect.
 */
int wg_device_resize(struct wg_device *dev, const struct wg_sizes *sizes, void *memory);

/**
 * Wipe what secrets that were used since the last call have left behind in the crypto library. Sets
 * `spent` back; the caller's stack is the caller's to wipe.
 */
void wg_device_tidy(struct wg_device *dev);

/** Remove all peers and wipe all secrets. NULL is allowed. */
void wg_device_fini(struct wg_device *dev);

/**
 * Say whether messages can be sent: the interface is up and its UDP port open, as it is at first.
 * Down, every session is dropped and no handshake is begun; up, wg_peer_reconsider() decides for
 * each peer.
 */
void wg_device_set_up(struct wg_device *dev, bool up);

/**
 * Set our private key (stored clamped); all zero removes it. Every session is dropped; a peer with
 * our own public key is removed; wg_peer_reconsider() decides for each of the others.
 * Return: the removed peer, for the caller to release, or NULL.
 */
struct wg_peer *wg_device_set_private_key(
	struct wg_device *dev, const uint8_t key[static WG_KEY_LEN]);

/**
 * Add a peer in memory of the caller's, overwriting it.
 * Return: 0; -EEXIST; -EINVAL for our own public key (to be ignored silently); -ENOSPC: resize.
 */
int wg_device_add_peer(
	struct wg_device *dev, struct wg_peer *peer, const uint8_t public_key[static WG_KEY_LEN]);

/** Take a peer out, wipe its secrets and give up its prefixes; its memory is the caller's again. */
void wg_device_remove_peer(struct wg_device *dev, struct wg_peer *peer);

/** Return: the peer with this public key, or NULL. */
struct wg_peer *wg_device_find_peer(
	const struct wg_device *dev, const uint8_t public_key[static WG_KEY_LEN]);

/** The peer's endpoint has changed, to none perhaps: handshakes from there are its own. */
void wg_device_place_endpoint(struct wg_device *dev, struct wg_peer *peer);

/** The bucket with all peers whose endpoint is `e`, and others. Linked by wg_peer.at_link. */
struct list *wg_device_bucket_at(const struct wg_device *dev, const struct endpoint *e);

/** The length of a handshake message of the type; 0 for any other. */
size_t wg_message_len(uint32_t type);

/** Return: the peer that packets to this inner destination go to, or NULL. */
struct wg_peer *wg_device_route(const struct wg_device *dev, const struct inner_packet *inner);

/** Return: DROP_NONE if the inner source address is the peer's to use, else DROP_INNER_SOURCE. */
enum drop wg_device_allows(
	const struct wg_device *dev, const struct wg_peer *peer, const struct inner_packet *inner);

/**
 * Find the session of a data message and judge its header: length, index, age, replay precheck.
 * Return: DROP_NONE; or why it is dropped.
 */
enum drop wg_data_begin(const struct wg_device *dev, const uint8_t *msg, size_t len,
	struct mono now, struct wg_keypair **ret_kp, uint64_t *ret_counter);

/**
 * A data message is to be judged soon, after others: have the processor fetch what that will
 * touch. Any bytes will do for `msg[len]`; nothing changes.
 */
void wg_data_prefetch(const struct wg_device *dev, const uint8_t *msg, size_t len);

/**
 * Find the peer that we have sent a message to, data or handshake: by the index that names the
 * session, and for data also by a counter that was used. Cookie replies carry no index of ours and
 * are not recognised. Nothing is authenticated, so the caller compares the message's destination
 * with the peer's endpoint. `msg[len]` may hold anything. Return: the peer, or NULL.
 */
struct wg_peer *wg_device_sent(const struct wg_device *dev, const uint8_t *msg, size_t len);

/** When to call wg_device_due(): not later than the earliest deadline of all peers; or
 * MONO_NEVER. */
struct mono wg_device_deadline(const struct wg_device *dev);

/**
 * Return: a peer with a deadline reached at `now`, for which wg_peer_timers() is to be called; or
 * NULL. Deadlines that were put off are noticed here.
 */
struct wg_peer *wg_device_due(struct wg_device *dev, struct mono now);

#endif
