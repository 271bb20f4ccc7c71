/* SPDX-License-Identifier: MIT */
/* Log the engine's events and drops at level debug. */
#include "driver/trace_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/keytext.h"
#include "base/log.h"

#define DROPS_INTERVAL NS_PER_S

/* Size of "peer KEY at ENDPOINT". */
#define SUBJECT_LEN (KEY_BASE64_LEN + ENDPOINT_TEXT_LEN + 16)

static const char *subject(const struct trace_event *v, char ret[static SUBJECT_LEN])
{
	char key[KEY_BASE64_LEN + 1];
	char at[ENDPOINT_TEXT_LEN] = "";

	if (v->at.addr.family)
		endpoint_text(&v->at, at);
	if (!v->has_peer) {
		snprintf(ret, SUBJECT_LEN, "%s", at);
		return ret;
	}
	key_to_base64(v->peer, key);
	snprintf(ret, SUBJECT_LEN, "peer %s%s%s", key, *at ? " at " : "", at);
	return ret;
}

/* Return: the event as a sentence without its subject, for those whose text is constant. */
static const char *sentence(enum trace_kind kind)
{
	switch (kind) {
	case TRACE_INITIATION_SENT:
		return "sent a handshake initiation";
	case TRACE_INITIATION_RECEIVED:
		return "received a handshake initiation";
	case TRACE_RESPONSE_SENT:
		return "sent a handshake response";
	case TRACE_RESPONSE_RECEIVED:
		return "received a handshake response";
	case TRACE_COOKIE_SENT:
		return "sent a cookie reply, as there are too many handshakes";
	case TRACE_COOKIE_RECEIVED:
		return "received a cookie reply: the peer is under load";
	case TRACE_NO_ANSWER:
		return "no answer: starting another handshake";
	case TRACE_GAVE_UP:
		return "the handshake timed out: dropping the packets that wait for it";
	case TRACE_SESSION:
		return "a new session is established";
	case TRACE_KEYS_WIPED:
		return "the session keys have expired and are wiped";
	case TRACE_KEEPALIVE_SENT:
		return "sent a keepalive";
	case TRACE_ENDPOINT:
		return "this is the peer's endpoint now";
	case TRACE_REFUSED:
	case TRACE_MTU:
		break;
	}
	return "";
}

static void log_event(const struct trace_event *v)
{
	char who[SUBJECT_LEN];

	subject(v, who);
	if (v->kind == TRACE_REFUSED)
		log_debug("%s: rejected a handshake message: %s (%s)", who,
			drop_name((enum drop)v->value), drop_meaning((enum drop)v->value));
	else if (v->kind == TRACE_MTU)
		log_debug("%s: packets of up to %u bytes reach the peer unfragmented now", who,
			v->value);
	else
		log_debug("%s: %s", who, sentence(v->kind));
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
		log_event(&t->v[i]);
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
