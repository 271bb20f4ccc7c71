/* SPDX-License-Identifier: MIT */
/* The secret keys of a site as the monitor stores them, and marks in their place for the engine. */
#pragma once

#include "base/keytext.h"
#include "base/must_check.h"
#include "conf/model.h"
#include "ctlproto/uapi_parse.h"

/*
 * Theory of operation. An engine whose keys are in another process (keys_process.h) gets the
 * configuration and the requests of wg(8) as always, except for the keys: our public key in place
 * of the private one, and a mark in place of a preshared key. A mark is a number that changes with
 * the key, as 32 bytes; zero if there is no key. So the engine notices each change, reports whether
 * there is a preshared key, and restores marks where it would restore keys. In its replies to wg(8)
 * the monitor puts the keys back.
 */

/** A peer, and its preshared key. */
struct key_ring_peer {
	uint8_t public_key[KEY_LEN];
	uint8_t psk[KEY_LEN];
	uint64_t mark; /* 0: no preshared key */
};

/** The keys. All zero: none. */
struct key_ring {
	uint8_t private_key[KEY_LEN]; /* clamped; all zero: none */
	uint8_t public_key[KEY_LEN];
	struct key_ring_peer *peers; /* `n`, sorted by public key */
	size_t n;
	size_t capacity;
	uint64_t last_mark;
	bool has_taken; /* keys from anywhere: there is something to give back */
};

/** Wipe and release all. */
void key_ring_clear(struct key_ring *r);

/** Copy `r`. Return: 0; or -ENOMEM, and there is no copy. */
MUST_CHECK int key_ring_copy(const struct key_ring *r, struct key_ring *ret);

/** Whether there is a peer with that public key. */
bool key_ring_has(const struct key_ring *r, const uint8_t public_key[static KEY_LEN]);

/** Take the keys of a configuration, and put marks in their place. Other peers stay. Return: 0; or
 * -ENOMEM, with some of the keys taken. */
MUST_CHECK int key_ring_take_conf(struct key_ring *r, struct conf_site *conf);

/** Put the keys back into a configuration from which they were taken. If none were taken yet from
 * any, it stays as it is. */
void key_ring_give_back(const struct key_ring *r, struct conf_site *conf);

/** Forget the peers that are not in the configuration. */
void key_ring_sweep(struct key_ring *r, const struct conf_site *conf);

/** Apply a request of wg(8). `ret`: the same request with marks; key_ring_free_set() frees it.
 * Return: 0; or -ENOMEM, with some of the keys taken and nothing to free. */
MUST_CHECK int key_ring_set(struct key_ring *r, const struct uapi_set *set, struct uapi_set *ret);

/** Free the copy that key_ring_set() has made. */
void key_ring_free_set(struct uapi_set *set);

/** Put the keys into an engine's reply to a get request, in place: one into each section. Lines
 * that cannot be of this site stay as they are. */
void key_ring_fill_reply(const struct key_ring *r, char *text, size_t len);
