/* SPDX-License-Identifier: MIT */
/* The Noise_IKpsk2 handshake: operates on message fields only, without sockets, tables or
 * timers. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "crypto/aead.h"
#include "crypto/blake2s.h"
#include "wg/messages.h"

/** Working memory of the primitives, for handshakes and cookies. */
struct wg_crypto {
	struct blake2s blake2s;
	struct aead_ctx aead;
};

/** Our own identity. */
struct wg_identity {
	bool present; /* false: there is no private key */
	uint8_t private_key[WG_KEY_LEN];
	uint8_t public_key[WG_KEY_LEN];
};

/** The identity of a peer. */
struct wg_remote {
	uint8_t public_key[WG_KEY_LEN];
	uint8_t psk[WG_KEY_LEN];	   /* all zero: none */
	uint8_t static_static[WG_KEY_LEN]; /* DH of both static keys */
	bool usable; /* false: static_static is zero (low-order key) or we have no private key */
};

/** State of a handshake. */
enum wg_handshake_state {
	WG_HANDSHAKE_NONE,
	WG_HANDSHAKE_INITIATION_SENT,
	WG_HANDSHAKE_INITIATION_TAKEN,
};

/** A handshake in progress. All of it is secret. */
struct wg_handshake {
	enum wg_handshake_state state;
	uint32_t local_index;
	uint32_t remote_index;
	uint8_t ephemeral_private[WG_KEY_LEN];
	uint8_t remote_ephemeral[WG_KEY_LEN];
	uint8_t hash[WG_HASH_LEN];
	uint8_t chaining_key[WG_HASH_LEN];
};

/** The result of a handshake: one key per direction, from our point of view. */
struct wg_session_keys {
	uint8_t tx[WG_KEY_LEN];
	uint8_t rx[WG_KEY_LEN];
};

/** The fields of an initiation that are available before the peer is known; stored until the peer
 * has been looked up. */
struct wg_opened_initiation {
	struct wg_handshake handshake;
	uint8_t remote_static[WG_KEY_LEN];
};

/** Recompute `remote->static_static` and `usable` after a change of either static key. */
void wg_noise_precompute(const struct wg_identity *self, struct wg_remote *remote);

/**
 * Write an initiation, except its macs. `hs` is overwritten and then awaits the response.
 * `ephemeral_private` is a fresh random key, which is clamped here. Return: 0; -ENOKEY if `remote`
 * is not usable.
 */
int wg_noise_make_initiation(struct wg_crypto *c, struct wg_handshake *hs,
	const struct wg_identity *self, const struct wg_remote *remote, uint32_t local_index,
	const uint8_t ephemeral_private[static WG_KEY_LEN],
	const uint8_t timestamp[static WG_TIMESTAMP_LEN], struct wg_initiation *ret);

/**
 * First half of processing an initiation: decrypt the sender's static key. Return: 0; -EBADMSG if
 * it does not authenticate.
 */
int wg_noise_open_initiation(struct wg_crypto *c, const struct wg_identity *self,
	const struct wg_initiation *msg, struct wg_opened_initiation *ret);

/**
 * Second half: authenticate the sender's static key and read its timestamp. On success
 * `opened->handshake` is ready for wg_noise_make_response(). Return: 0; -EBADMSG if it does not
 * authenticate; -ENOKEY if `remote` is not usable.
 */
int wg_noise_finish_initiation(struct wg_crypto *c, struct wg_opened_initiation *opened,
	const struct wg_remote *remote, const struct wg_initiation *msg,
	uint8_t ret_timestamp[static WG_TIMESTAMP_LEN]);

/**
 * Write a response, except its macs, and derive the session's keys. `hs` is wiped on success.
 * Return: 0; -EBADMSG if a DH result is zero.
 */
int wg_noise_make_response(struct wg_crypto *c, struct wg_handshake *hs,
	const struct wg_remote *remote, uint32_t local_index,
	const uint8_t ephemeral_private[static WG_KEY_LEN], struct wg_response *ret,
	struct wg_session_keys *ret_keys);

/**
 * Process the response to the initiation that `hs` sent, and derive the session's keys. `hs` is
 * wiped on success and untouched on failure. Return: 0; -EBADMSG if it does not authenticate.
 */
int wg_noise_take_response(struct wg_crypto *c, struct wg_handshake *hs,
	const struct wg_identity *self, const struct wg_remote *remote,
	const struct wg_response *msg, struct wg_session_keys *ret_keys);
