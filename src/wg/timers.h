/* SPDX-License-Identifier: MIT */
/* The protocol's timers as a pure state machine: events in, deadlines and due actions out. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"
#include "base/random.h"

/** Actions for the caller to take for a peer; several may be set at once. */
enum wg_action {
	WG_SEND_INITIATION = 1 << 0, /* wg_peer_make_initiation(), and send it */
	WG_SEND_KEEPALIVE = 1 << 1,  /* send pending packets, or else an empty data message;
					without a session wg_peer_want_session() */
	WG_SEND_PENDING = 1 << 2,    /* a session can be used now: send pending packets */
	WG_DROP_PENDING = 1 << 3,    /* the handshake timed out: drop pending packets */
	WG_KEYS_WIPED = 1 << 4,	     /* the sessions and their keys were wiped */
	WG_ENDPOINT_MOVED = 1 << 5,  /* the peer's authenticated source address has changed */
	WG_SOURCE_STALE =
		1 << 6, /* no answer: clear the sticky source address, repeat the route lookup */
};

/** A deadline that has expired at any time. */
#define WG_AT_ONCE ((struct mono){ 1 })

/** One peer's timers. All deadlines; MONO_NEVER is off. Those that data messages set come first:
 * see struct wg_peer. */
struct wg_timers {
	struct mono keepalive;	   /* data was received and nothing sent since */
	struct mono new_handshake; /* data was sent and nothing received since */
	struct mono persistent;	   /* PersistentKeepalive */
	uint64_t persistent_ns;	   /* its interval, 0: off */
	uint64_t
		silence_jitter; /* ns, part of `new_handshake` until that expires; 0: to be drawn */
	bool another_keepalive; /* more data came while `keepalive` was running */
	bool last_minute;	/* renewal was requested on receipt, shortly before expiry */
	struct mono retransmit; /* an initiation got no response */
	struct mono give_up;	/* REKEY_ATTEMPT_TIME after a session was last needed */
	struct mono wipe;	/* the keys' life ends */
};

/** The earliest deadline, or MONO_NEVER. */
struct mono wg_timers_deadline(const struct wg_timers *t);

/** The earliest of the deadlines that data messages set, or MONO_NEVER. */
struct mono wg_timers_data_deadline(const struct wg_timers *t);

/** Run the timers that have expired at `now`. Return: a set of enum wg_action. */
unsigned wg_timers_run(struct wg_timers *t, struct mono now, const struct rng *rng);

/** A session is needed but missing or old: restart the timeout of the attempt. */
void wg_timers_wanted(struct wg_timers *t, struct mono now);

/** As responder we wait for the peer's first data: if none has come by `until`, initiate. */
void wg_timers_await(struct wg_timers *t, struct mono until);

/** A data message with content was sent. */
void wg_timers_data_sent(struct wg_timers *t, struct mono now, const struct rng *rng);

/** A data message with content was received. */
void wg_timers_data_received(struct wg_timers *t, struct mono now);

/** Any message that authenticates us was sent: handshake, data or keepalive. */
void wg_timers_sent(struct wg_timers *t, struct mono now);

/** Any authentic message was received. */
void wg_timers_received(struct wg_timers *t, struct mono now);

/** An initiation was sent. */
void wg_timers_initiated(struct wg_timers *t, struct mono now, const struct rng *rng);

/** A handshake is complete: the initiator has received the response, or the responder the first
 * data. */
void wg_timers_handshake_complete(struct wg_timers *t);

/** New session keys were derived. */
void wg_timers_session_derived(struct wg_timers *t, struct mono now);

/** A handshake can be started, or has a better chance than before: if a session is wanted,
 * initiate at `at`; if PersistentKeepalive is on, send one at once. */
void wg_timers_resume(struct wg_timers *t, struct mono at);

/** Set the PersistentKeepalive interval in nanoseconds, 0: off. Its deadline is then off: see
 * wg_timers_resume(). */
void wg_timers_set_persistent(struct wg_timers *t, uint64_t interval_ns);

/** Stop all timers; the PersistentKeepalive interval stays. */
void wg_timers_stop(struct wg_timers *t);
