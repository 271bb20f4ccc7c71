/* SPDX-License-Identifier: MIT */
/* A peer whose endpoint is a host name: which of its addresses to call next, and when to ask for
 * them anew.
 *
 * Theory of operation. The name is asked for at once, and while no address is known, again and
 * again, ever more rarely. Of the addresses in the answer one is called; when two initiations in a
 * row went unanswered, the next. The address of the last session is one of them, though the name
 * may not have it: the peer may have roamed. The name is asked for again when the last handshake is
 * older than DNS_POLICY_STALE and initiations go unanswered, so only while there is something to
 * send. An answer never moves the endpoint of a peer whose session is alive.
 */
#ifndef UNDERLAY_DNS_POLICY_H
#define UNDERLAY_DNS_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/mono.h"
#include "path/endpoint_policy.h"
#include "wg/peer.h"

/** Most addresses of a name that are tried. */
#define DNS_POLICY_MAX 8

/** Initiations that an address leaves unanswered before the next one is called. */
#define DNS_POLICY_PATIENCE 2

/** Age of a session's handshake from which on the name's addresses are in doubt. */
#define DNS_POLICY_STALE (135 * NS_PER_S)

/** Time between two questions that were answered, while the peer does not answer. */
#define DNS_POLICY_AGAIN (30 * NS_PER_S)

/** First and longest time between two questions that were not answered. */
#define DNS_POLICY_RETRY_MIN (1 * NS_PER_S)
#define DNS_POLICY_RETRY_MAX (60 * NS_PER_S)

/** What is known of one name. Zeroed and then dns_policy_init(). */
struct dns_policy {
	struct endpoint_policy hooks;	   /* how the engine calls this policy */
	struct endpoint v[DNS_POLICY_MAX]; /* the last answer */
	size_t n;
	struct endpoint worked; /* the last session's; addr.family 0: none yet */
	struct endpoint called; /* whom the last initiation went to */
	unsigned unanswered;	/* initiations to `called` */
	struct mono began;	/* the first initiation since the last session came to be */
	struct mono sent;	/* the last initiation */
	struct mono due;	/* when to ask; MONO_NEVER: not now */
	struct mono asked;	/* the last question */
	struct mono answered;	/* the last good answer */
	uint64_t retry_ns;	/* after the next failure */
	bool asking;
	bool failed; /* the last question was not answered */
	bool moves;  /* the next answer counts whatever the session: the name itself is new */
};

/**
 * Begin, with a question due at once. `moves`: the peer is to go where the name says, even if it
 * has a session elsewhere.
 */
void dns_policy_init(struct dns_policy *n, bool moves, struct mono now);

/**
 * An initiation is about to be sent to `peer`. Return: whether its endpoint is to be `ret_to`
 * first; else `ret_to` is untouched.
 */
bool dns_policy_turn(
	struct dns_policy *n, const struct wg_peer *peer, struct mono now, struct endpoint *ret_to);

/** The initiation was sent to the peer's endpoint. */
void dns_policy_sent(struct dns_policy *n, const struct wg_peer *peer, struct mono now);

/**
 * `due` was reached. Return: whether to ask for the name now; if so dns_policy_answer() or
 * dns_policy_put_off() must follow.
 */
bool dns_policy_ask(struct dns_policy *n, const struct wg_peer *peer, struct mono now);

/** The question could not be asked now: there are too many others. */
void dns_policy_put_off(struct dns_policy *n, struct mono now);

/**
 * The answer: `count` addresses in the order of preference, 0 for none, more than DNS_POLICY_MAX
 * are left out. Return: whether the peer's endpoint is to be `ret_to`; else `ret_to` is untouched.
 */
bool dns_policy_answer(struct dns_policy *n, const struct endpoint *v, size_t count,
	const struct wg_peer *peer, struct mono now, struct endpoint *ret_to);

/** Links or routes have changed: what has failed may work now. */
void dns_policy_routes_changed(struct dns_policy *n, const struct wg_peer *peer, struct mono now);

#endif
