/* SPDX-License-Identifier: MIT */
/* Events of the engine for the debug log, in a bounded ring that the driver drains. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/bucket.h"
#include "base/mono.h"
#include "pkt/drop.h"
#include "wg/peer.h"

/** What happened. */
enum trace_kind {
	TRACE_INITIATION_SENT = 0,
	TRACE_INITIATION_RECEIVED,
	TRACE_RESPONSE_SENT,
	TRACE_RESPONSE_RECEIVED,
	TRACE_COOKIE_SENT,
	TRACE_COOKIE_RECEIVED,
	TRACE_REFUSED,	  /* a handshake message; `value` is the enum drop */
	TRACE_NO_ANSWER,  /* to the last initiation: another follows */
	TRACE_GAVE_UP,	  /* the handshake, WG_REKEY_ATTEMPT_TIME after it was wanted */
	TRACE_SESSION,	  /* a new session is confirmed: both ends have its keys */
	TRACE_KEYS_WIPED, /* those of all sessions of the peer, at the end of their life */
	TRACE_KEEPALIVE_SENT,
	TRACE_ENDPOINT, /* the peer's endpoint has changed to `at` */
	TRACE_MTU,	/* the largest inner packet to the peer is `value` bytes now */
};

/** One event. It contains no secret. */
struct trace_event {
	enum trace_kind kind;
	uint32_t value;		  /* see enum trace_kind */
	bool has_peer;		  /* whether `peer` is set */
	uint8_t peer[WG_KEY_LEN]; /* public key */
	struct endpoint at;	  /* the other end; family 0: unknown */
};

#define TRACE_EVENTS 64

/** Events that were not drained yet, oldest first. Zeroed, it is off: an event costs one
 * comparison. */
struct trace {
	bool on;
	unsigned n;
	uint64_t lost;	       /* events without room */
	struct bucket unknown; /* limits events that any host can cause */
	struct trace_event v[TRACE_EVENTS];
};

/** Add an event of `peer` (NULL: unknown) and the endpoint `at` (NULL: the peer's). Only called
 * while the trace is on. */
void trace_add(struct trace *t, enum trace_kind kind, const struct wg_peer *peer,
	const struct endpoint *at, uint32_t value);

/** Add an event if the trace is on; see trace_add(). */
static inline void trace_note(struct trace *t, enum trace_kind kind, const struct wg_peer *peer,
	const struct endpoint *at, uint32_t value)
{
	if (__builtin_expect(t->on, false))
		trace_add(t, kind, peer, at, value);
}

/** Add the events of a received handshake message of a type (enum of wg/messages.h), the verdict on
 * it, and the type of the reply to it, 0 for none. `peer` is NULL if the message is of no known
 * peer. */
void trace_handshake(struct trace *t, struct mono now, uint8_t type, enum drop verdict,
	uint8_t reply, const struct wg_peer *peer, const struct endpoint *from);
