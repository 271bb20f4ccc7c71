/* SPDX-License-Identifier: MIT */
/* The Noise_IKpsk2 handshake: takes and returns fields, knows no socket, table or timer. */
#ifndef WG_NOISE_H
#define WG_NOISE_H

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

/** Our side's identity. */
struct wg_identity {
	bool present; /* false: there is no private key */
	uint8_t private_key[WG_KEY_LEN];
	uint8_t public_key[WG_KEY_LEN];
};

/** What we hold of the other side's identity. */
struct wg_remote {
	uint8_t public_key[WG_KEY_LEN];
	uint8_t psk[WG_KEY_LEN];	   /* all zero: none */
	uint8_t static_static[WG_KEY_LEN]; /* DH of both static keys */
	bool usable; /* false: static_static is zero (low-order key) or we have no private key */
};

/** How far a handshake has come. */
enum wg_handshake_state {
	WG_HANDSHAKE_NONE,
	WG_HANDSHAKE_INITIATION_SENT,
	WG_HANDSHAKE_INITIATION_TAKEN,
};

/** A handshake under way. Secret throughout. */
struct wg_handshake {
	enum wg_handshake_state state;
	uint32_t local_index;
	uint32_t remote_index;
	uint8_t ephemeral_private[WG_KEY_LEN];
	uint8_t remote_ephemeral[WG_KEY_LEN];
	uint8_t hash[WG_HASH_LEN];
	uint8_t chaining_key[WG_HASH_LEN];
};

/** What a handshake yields: one key a direction, seen from our side. */
struct wg_session_keys {
	uint8_t tx[WG_KEY_LEN];
	uint8_t rx[WG_KEY_LEN];
};

/** What an initiation says before the peer is known; kept until the peer has been looked up. */
struct wg_opened_initiation {
	struct wg_handshake handshake;
	uint8_t remote_static[WG_KEY_LEN];
};

/** Compute `remote->static_static` and `usable` anew, after either static key has changed. */
void wg_noise_precompute(const struct wg_identity *self, struct wg_remote *remote);

/**
 * Write an initiation, all but its macs. `hs` is overwritten and then awaits the response.
 * `ephemeral_private` is a fresh random key; it is clamped here.
 * Return: 0; -ENOKEY if `remote` is not usable.
 */
int wg_noise_make_initiation(struct wg_crypto *c, struct wg_handshake *hs,
	const struct wg_identity *self, const struct wg_remote *remote, uint32_t local_index,
	const uint8_t ephemeral_private[static WG_KEY_LEN],
	const uint8_t timestamp[static WG_TIMESTAMP_LEN], struct wg_initiation *ret);

/**
 * First half of taking an initiation: learn who sends it.
 * Return: 0; -EBADMSG if it does not authenticate.
 */
int wg_noise_open_initiation(struct wg_crypto *c, const struct wg_identity *self,
	const struct wg_initiation *msg, struct wg_opened_initiation *ret);

/**
 * Second half: prove the sender's static key and read its timestamp. On success `opened->handshake`
 * is ready for wg_noise_make_response().
 * Return: 0; -EBADMSG if it does not authenticate; -ENOKEY if `remote` is not usable.
 */
int wg_noise_finish_initiation(struct wg_crypto *c, struct wg_opened_initiation *opened,
	const struct wg_remote *remote, const struct wg_initiation *msg,
	uint8_t ret_timestamp[static WG_TIMESTAMP_LEN]);

/**
 * Write a response, all but its macs, and yield the session's keys. `hs` is wiped on success.
 * Return: 0; -EBADMSG if a DH result is zero.
 */
int wg_noise_make_response(struct wg_crypto *c, struct wg_handshake *hs,
	const struct wg_remote *remote, uint32_t local_index,
	const uint8_t ephemeral_private[static WG_KEY_LEN], struct wg_response *ret,
	struct wg_session_keys *ret_keys);

/**
 * Take a response to the initiation that `hs` sent, and yield the session's keys. `hs` is wiped on
 * success and untouched on failure.
 * Return: 0; -EBADMSG if it does not authenticate.
 */
int wg_noise_take_response(struct wg_crypto *c, struct wg_handshake *hs,
	const struct wg_identity *self, const struct wg_remote *remote,
	const struct wg_response *msg, struct wg_session_keys *ret_keys);

#endif
