/* SPDX-License-Identifier: MIT */
/* What needs the secrets of handshakes: done with those in the device, or by a service outside. */
#pragma once

#include <stdint.h>

#include "base/must_check.h"
#include "pkt/drop.h"
#include "wg/state.h"

/**
 * A service that holds our private key, the preshared keys and the secrets of handshakes in
 * progress, in place of the device: see wg_device_use_service(). Peers are named by their public
 * keys. The functions return 0; -EBADMSG if something does not authenticate; -ENOKEY or -ENOENT if
 * the service lacks a key; or another negative errno if it does not answer.
 */
struct wg_key_service {
	/** As wg_noise_make_initiation(): the service stores the handshake until the peer's next
	 * one, or until it is to forget it. */
	int (*make_initiation)(void *ctx, const uint8_t peer[static WG_KEY_LEN],
		uint32_t local_index, const uint8_t timestamp[static WG_TIMESTAMP_LEN],
		struct wg_initiation *ret);

	/** Authenticate an initiation. `ret_peer`: its sender. */
	int (*open_initiation)(void *ctx, const struct wg_initiation *msg,
		uint8_t ret_peer[static WG_KEY_LEN],
		uint8_t ret_timestamp[static WG_TIMESTAMP_LEN]);

	/** Answer the initiation that was opened just before. */
	int (*make_response)(void *ctx, uint32_t local_index, struct wg_response *ret,
		struct wg_session_keys *ret_keys);

	/** As wg_noise_take_response(). */
	int (*take_response)(void *ctx, const uint8_t peer[static WG_KEY_LEN],
		const struct wg_response *msg, struct wg_session_keys *ret_keys);

	/** Wipe the secrets of the handshake that was started with the peer. */
	void (*forget)(void *ctx, const uint8_t peer[static WG_KEY_LEN]);

	void *ctx;
};

/** The public key that belongs to `key`, as wg_device_set_private_key() would set it. Return: 0 or
 * -ENOMEM. */
MUST_CHECK int wg_secrets_public_key(const struct wg_device *dev,
	const uint8_t key[static WG_KEY_LEN], uint8_t ret[static WG_KEY_LEN]);

/** Decide whether handshakes with a peer are possible; after a change of our identity. */
void wg_secrets_precompute(const struct wg_device *dev, struct wg_remote *remote);

/** Write an initiation to the peer, except its macs. Return: 0; or a negative errno, and there is
 * no handshake. */
MUST_CHECK int wg_secrets_make_initiation(struct wg_device *dev, struct wg_peer *peer,
	uint32_t local_index, const uint8_t timestamp[static WG_TIMESTAMP_LEN],
	struct wg_initiation *ret);

/** First half of processing an initiation: decrypt the sender's static key, for the caller to find
 * the peer. Return: DROP_NONE, with `ret` to be wiped; or the reason to drop it. */
enum drop wg_secrets_open_initiation(struct wg_device *dev, const struct wg_initiation *msg,
	struct wg_opened_initiation *ret, uint8_t ret_timestamp[static WG_TIMESTAMP_LEN]);

/** Second half: authenticate it as the peer's. `ret_timestamp` is filled by either half. Return:
 * DROP_NONE, and `opened` is ready for wg_secrets_make_response(); or the reason to drop it. */
enum drop wg_secrets_finish_initiation(struct wg_device *dev, const struct wg_peer *peer,
	const struct wg_initiation *msg, struct wg_opened_initiation *opened,
	uint8_t ret_timestamp[static WG_TIMESTAMP_LEN]);

/** Answer it, except the macs. Return: DROP_NONE, with the keys of the session; or the reason not
 * to. */
enum drop wg_secrets_make_response(struct wg_device *dev, const struct wg_peer *peer,
	struct wg_opened_initiation *opened, uint32_t local_index, struct wg_response *ret,
	struct wg_session_keys *ret_keys);

/** Process the response to the initiation sent to the peer. Return: DROP_NONE, with the keys of the
 * session, and the handshake is wiped; or the reason to drop it, and the handshake continues. */
enum drop wg_secrets_take_response(struct wg_device *dev, struct wg_peer *peer,
	const struct wg_response *msg, struct wg_session_keys *ret_keys);

/** Wipe the handshake with the peer. */
void wg_secrets_forget(const struct wg_device *dev, struct wg_peer *peer);
