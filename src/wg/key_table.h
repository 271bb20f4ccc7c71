/* SPDX-License-Identifier: MIT */
/* The keys of a device and its handshakes in progress, apart from the device. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"
#include "base/must_check.h"
#include "base/random.h"
#include "wg/key_message.h"
#include "wg/noise.h"

/*
 * Theory of operation. This is the other end of struct wg_key_service: requests and changes come
 * in, answers go out. It does the part of a handshake that needs our private key, a preshared key
 * or an ephemeral key of ours. It never returns one of these, nor anything computed from them but
 * messages and the keys of sessions. It allocates nothing: the peers' memory is the caller's.
 *
 * What is not its part: macs and cookies, limits, which initiation is a replay, indices, timers.
 * Those need no secret. An engine under an attacker's control can have handshakes with the peers
 * as long as it is; the identity stays unknown to the attacker.
 */

/** A peer's keys. */
struct wg_key_peer {
	struct wg_remote remote;
	bool is_computed;	       /* `remote.static_static` and `remote.usable` are known */
	struct wg_handshake handshake; /* that we have started */
};

/** The keys. */
struct wg_key_table {
	struct rng rng;
	struct wg_crypto crypto;
	struct wg_identity identity;
	struct wg_key_peer *peers; /* `n` of at most `capacity`, sorted by public key */
	size_t n;
	size_t capacity;
	struct wg_opened_initiation opened; /* the last one, unless it was answered */
	uint64_t opened_seq;		    /* its request; 0: none */
	uint8_t latest[WG_TIMESTAMP_LEN];   /* of the initiations made, by processes before, too */
};

/** Initialise without keys. `peers`: memory for `capacity`. Return: 0; -ENOMEM or -ENOTSUP from the
 * crypto library. */
MUST_CHECK int wg_key_table_init(
	struct wg_key_table *t, struct wg_key_peer *peers, size_t capacity, struct rng rng);

/** Make a change. Handshakes in progress that depend on it are wiped. Return: 0; -ENOSPC if there
 * is no room for the peer; -ENOMEM from the crypto library. */
MUST_CHECK int wg_key_table_change(struct wg_key_table *t, const struct wg_key_change *change);

/** Do what a request asks for at `now`. A timestamp in the future, or not later than that of the
 * initiation before, is replaced: a peer would treat all later initiations as replays, also when
 * the attacker is gone. Return: whether there is an answer. */
MUST_CHECK bool wg_key_table_request(struct wg_key_table *t, const struct wg_key_request *request,
	struct wall now, struct wg_key_answer *ret);

/** Wipe copies of secrets used since the last call from the crypto library's memory; the caller has
 * to wipe its own stack. */
void wg_key_table_tidy(struct wg_key_table *t);

/** Wipe all. */
void wg_key_table_fini(struct wg_key_table *t);
