/* SPDX-License-Identifier: MIT */
/* mac1, mac2 and cookies: proof of knowing our public key, and of owning a source address. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/mono.h"
#include "base/random.h"
#include "wg/messages.h"
#include "wg/noise.h"

/** The receiving side: checks macs and creates cookie replies. One per device. */
struct wg_cookie_checker {
	uint8_t mac1_key[WG_KEY_LEN];	/* of our public key */
	uint8_t cookie_key[WG_KEY_LEN]; /* of our public key */
	uint8_t secret[WG_HASH_LEN];	/* random, renewed every WG_COOKIE_LIFE */
	struct mono secret_born;
};

/** The sending side: computes macs and processes cookie replies. One per peer. */
struct wg_cookie_maker {
	uint8_t mac1_key[WG_KEY_LEN];	/* of the peer's public key */
	uint8_t cookie_key[WG_KEY_LEN]; /* of the peer's public key */
	uint8_t cookie[WG_COOKIE_LEN];
	struct mono cookie_born; /* MONO_NEVER: no cookie */
	uint8_t last_mac1[WG_MAC_LEN];
	bool waits; /* last_mac1 was sent and no cookie reply to it has been received */
};

/** Initialise a checker for our public key. */
void wg_cookie_checker_init(struct wg_crypto *crypto, struct wg_cookie_checker *c,
	const uint8_t public_key[static WG_KEY_LEN]);

/**
 * Whether a handshake message's mac1 is right: its sender knows our public key. `msg[len]` is the
 * whole message; its last 32 bytes are struct wg_macs.
 */
bool wg_cookie_check_mac1(struct wg_crypto *crypto, const struct wg_cookie_checker *c,
	const uint8_t *msg, size_t len);

/** Whether mac2 is correct too: the sender received the cookie that we sent to `src`. */
bool wg_cookie_check_mac2(struct wg_crypto *crypto, const struct wg_cookie_checker *c,
	const uint8_t *msg, size_t len, const struct endpoint *src, struct mono now);

/**
 * Make a cookie reply to the handshake message `msg[len]` from `src`.
 * Wire: struct wg_cookie_reply.
 */
void wg_cookie_make_reply(struct wg_crypto *crypto, struct wg_cookie_checker *c, const uint8_t *msg,
	size_t len, const struct endpoint *src, struct mono now, const struct rng *rng,
	struct wg_cookie_reply *ret);

/** Initialise a maker for a peer's public key. */
void wg_cookie_maker_init(struct wg_crypto *crypto, struct wg_cookie_maker *m,
	const uint8_t public_key[static WG_KEY_LEN]);

/** Write mac1, and mac2 if there is a fresh cookie (else zero), at the end of `msg[len]`. */
void wg_cookie_add_macs(struct wg_crypto *crypto, struct wg_cookie_maker *m, uint8_t *msg,
	size_t len, struct mono now);

/**
 * Process a cookie reply. Return: 0; -ENOENT if none is awaited; -EBADMSG if it does not
 * authenticate (nothing changes then).
 */
int wg_cookie_take_reply(struct wg_crypto *crypto, struct wg_cookie_maker *m,
	const struct wg_cookie_reply *reply, struct mono now);
