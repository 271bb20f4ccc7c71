/* SPDX-License-Identifier: MIT */
/* Log the engine's events and drops at level debug. */
#include "driver/trace_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/keytext.h"
#include "base/log.h"
#include "driver/driver_state.h"

#define DROPS_INTERVAL NS_PER_S

/* Size of "peer KEY at ENDPOINT". */
#define SUBJECT_LEN (CONF_PEER_NAME + ENDPOINT_TEXT_LEN + 16)

static const char *subject(
	const struct engine *e, const struct trace_event *v, char ret[static SUBJECT_LEN])
{
	struct wg_peer *wg = v->has_peer ? wg_device_find_peer(&e->wg, v->peer) : NULL;
	const char *name = wg ? CONTAINER_OF(path_peer_of(wg), struct driver_peer, path)->name : "";
	char key[KEY_BASE64_LEN + 1];
	char at[ENDPOINT_TEXT_LEN] = "";

	if (v->at.addr.family)
		endpoint_text(&v->at, at);
	if (!v->has_peer) {
		snprintf(ret, SUBJECT_LEN, "%s", at);
		return ret;
	}
	key_to_base64(v->peer, key);
	snprintf(ret, SUBJECT_LEN, "peer %s%s%s", *name ? name : key, *at ? " at " : "", at);
	return ret;
}

/* The events as sentences without their subject, except those whose text is not constant. */
static const char *const sentences[] = {
	[TRACE_INITIATION_SENT] = "sent a handshake initiation",
	[TRACE_INITIATION_RECEIVED] = "received a handshake initiation",
	[TRACE_RESPONSE_SENT] = "sent a handshake response",
	[TRACE_RESPONSE_RECEIVED] = "received a handshake response",
	[TRACE_COOKIE_SENT] = "sent a cookie reply, as there are too many handshakes",
	[TRACE_COOKIE_RECEIVED] = "received a cookie reply: the peer is under load",
	[TRACE_NO_ANSWER] = "no answer: starting another handshake",
	[TRACE_GAVE_UP] = "the handshake timed out: dropping the packets that wait for it",
	[TRACE_SESSION] = "a new session is established",
	[TRACE_KEYS_WIPED] = "the session keys have expired and are wiped",
	[TRACE_KEEPALIVE_SENT] = "sent a keepalive",
	[TRACE_ENDPOINT] = "this is the peer's endpoint now",
};

static void log_event(const struct engine *e, const struct trace_event *v)
{
	char who[SUBJECT_LEN];

	subject(e, v, who);
	if (v->kind == TRACE_REFUSED)
		log_debug("%s: rejected a handshake message: %s (%s)", who,
			drop_name((enum drop)v->value), drop_meaning((enum drop)v->value));
	else if (v->kind == TRACE_MTU)
		log_debug("%s: packets of up to %u bytes reach the peer unfragmented now", who,
			v->value);
	else
		log_debug("%s: %s", who, sentences[v->kind]);
}

static void log_drops(struct trace_log *l, const struct drop_counters *now)
{
	for (unsigned d = 0; d < DROP_COUNT; d++) {
		uint64_t n = now->n[d] - l->drops.n[d];

		if (n)
			log_debug("dropped %" PRIu64 " packet%s: %s (%s)", n, n == 1 ? "" : "s",
				drop_name((enum drop)d), drop_meaning((enum drop)d));
	}
	l->drops = *now;
}

void trace_log_start(struct trace_log *l, struct engine *e)
{
	l->next = MONO_NEVER;
	e->trace.on = log_shows(LOG_LEVEL_DEBUG);
}

void trace_log_run(struct trace_log *l, struct engine *e)
{
	struct trace *t = &e->trace;
	struct lane_counters sum;

	if (!t->on)
		return;
	engine_count(e, &sum);
	for (unsigned i = 0; i < t->n; i++)
		log_event(e, &t->v[i]);
	if (t->lost)
		log_debug("%" PRIu64 " more events at the same time are not logged", t->lost);
	t->n = 0;
	t->lost = 0;
	l->more = memcmp(&l->drops, &sum.drops, sizeof(l->drops)) != 0;
	if (!l->more || (mono_is_set(l->next) && !mono_reached(l->next, e->now)))
		return;
	log_drops(l, &sum.drops);
	l->next = mono_add(e->now, DROPS_INTERVAL);
	l->more = false;
}

struct mono trace_log_deadline(const struct trace_log *l)
{
	return l->more ? l->next : MONO_NEVER;
}
