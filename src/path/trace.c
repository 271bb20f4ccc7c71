/* SPDX-License-Identifier: MIT */
/* Events of the engine for the debug log, in a bounded ring that the driver drains. */
#include "path/trace.h"

#include <string.h>

/* How many messages that any host can send are noted. */
#define UNKNOWN_NS    (NS_PER_S / 4)
#define UNKNOWN_BURST 8

void trace_add(struct trace *t, enum trace_kind kind, const struct wg_peer *peer,
	const struct endpoint *at, uint32_t value)
{
	struct trace_event *e;

	if (t->n == TRACE_EVENTS) {
		t->lost++;
		return;
	}
	e = &t->v[t->n++];
	*e = (struct trace_event){ .kind = kind, .value = value, .has_peer = peer != NULL };
	if (peer)
		memcpy(e->peer, peer->remote.public_key, WG_KEY_LEN);
	if (at)
		e->at = *at;
	else if (peer)
		e->at = peer->endpoint;
}

void trace_handshake(struct trace *t, struct mono now, uint8_t type, enum drop verdict,
	uint8_t reply, const struct wg_peer *peer, const struct endpoint *from)
{
	if (!t->on)
		return;
	if (verdict != DROP_NONE) {
		if (!bucket_take(&t->unknown, now, UNKNOWN_NS, UNKNOWN_BURST))
			return; /* the drop counters have it */
		trace_add(t, TRACE_REFUSED, NULL, from, verdict);
	} else if (type == WG_MSG_INITIATION) {
		trace_add(t, TRACE_INITIATION_RECEIVED, peer, from, 0);
	} else if (type == WG_MSG_RESPONSE) {
		trace_add(t, TRACE_RESPONSE_RECEIVED, peer, from, 0);
		trace_add(t, TRACE_SESSION, peer, from, 0);
	} else {
		trace_add(t, TRACE_COOKIE_RECEIVED, peer, from, 0);
	}
	if (reply)
		trace_add(t, reply == WG_MSG_COOKIE ? TRACE_COOKIE_SENT : TRACE_RESPONSE_SENT, peer,
			from, 0);
}
