/* SPDX-License-Identifier: MIT */
/* Policy for a peer whose endpoint is a host name: which of its addresses to try next, and when to
 * resolve the name again.
 *
 * Theory of operation. The name is resolved at once, and retried at growing intervals while no
 * address is known. One of the addresses in the answer is tried; after two unanswered initiations
 * in a row, the next one. The address of the last session is tried, too, even if the name does not
 * have it, because the peer may have roamed. The name is resolved again when the last handshake is
 * older than DNS_POLICY_STALE and initiations stay unanswered, hence only while there is something
 * to send. An answer never moves the endpoint of a peer whose session is alive.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/mono.h"
#include "path/endpoint_policy.h"
#include "underlay/dns_retry.h"
#include "wg/peer.h"

/** Most addresses of a name that are used. */
#define DNS_POLICY_MAX 8

/** Unanswered initiations to an address before the next one is tried. */
#define DNS_POLICY_PATIENCE 2

/** Age of a session's last handshake from which the name is resolved again. */
#define DNS_POLICY_STALE (135 * NS_PER_S)

/** Interval between successful queries while the peer does not answer. */
#define DNS_POLICY_AGAIN (30 * NS_PER_S)

/** State of one host name. Zero it, then call dns_policy_init(). */
struct dns_policy {
	struct endpoint_policy hooks;	   /* the callbacks for the engine */
	struct endpoint v[DNS_POLICY_MAX]; /* addresses of the last answer */
	size_t n;
	struct endpoint worked; /* of the last session; addr.family 0: none yet */
	struct endpoint called; /* destination of the last initiation */
	unsigned unanswered;	/* initiations to `called` */
	struct mono began;	/* first initiation since the last session was established */
	struct mono sent;	/* the last initiation */
	struct mono due;	/* when to query; MONO_NEVER: no query is due */
	struct mono answered;	/* the last successful answer */
	struct dns_retry retry;
	bool asking;
	bool failed; /* the last query failed */
	bool moves;  /* apply the next answer even to a live session: the name is new */
};

/**
 * Initialise, with a query due at once. `moves`: move the peer to the name's address even if it has
 * a session with another address.
 */
void dns_policy_init(struct dns_policy *n, bool moves, struct mono now);

/**
 * An initiation is about to be sent to `peer`. Return: whether to set its endpoint to `ret_to`
 * first; otherwise `ret_to` is untouched.
 */
bool dns_policy_turn(
	struct dns_policy *n, const struct wg_peer *peer, struct mono now, struct endpoint *ret_to);

/** The initiation was sent to the peer's endpoint. */
void dns_policy_sent(struct dns_policy *n, const struct wg_peer *peer, struct mono now);

/**
 * The time `due` was reached. Return: whether to query the name now; if so, dns_policy_answer() or
 * dns_policy_put_off() must follow.
 */
bool dns_policy_ask(struct dns_policy *n, const struct wg_peer *peer, struct mono now);

/** The query cannot be sent now, because there are too many others. */
void dns_policy_put_off(struct dns_policy *n, struct mono now);

/**
 * Process an answer: `count` addresses in order of preference, 0 for none; those beyond
 * DNS_POLICY_MAX are ignored. Return: whether to set the peer's endpoint to `ret_to`; otherwise
 * `ret_to` is untouched.
 */
bool dns_policy_answer(struct dns_policy *n, const struct endpoint *v, size_t count,
	const struct wg_peer *peer, struct mono now, struct endpoint *ret_to);

/** Links or routes have changed: failed queries may succeed now. Events that do not end cause
 * queries at growing intervals, see dns_retry.h. */
void dns_policy_routes_changed(struct dns_policy *n, const struct wg_peer *peer, struct mono now);
