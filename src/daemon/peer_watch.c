/* SPDX-License-Identifier: MIT */
/* What has become of each peer: up, down, at another endpoint, with another MTU. */
#include "daemon/peer_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/** A look in progress. */
struct look {
	struct peer_watch *watch;
	struct mono now;
	void (*report)(void *ctx, const struct peer_event *event);
	void *ctx;
};

static bool is_peer(const struct watched_peer *p, const struct backend_peer *peer)
{
	return !memcmp(p->seen.public_key, peer->public_key, KEY_LEN);
}

/* Return: the peer, or NULL if it is new. `hint` is where it most likely is. */
static struct watched_peer *find(struct peer_watch *w, const struct backend_peer *peer, size_t hint)
{
	if (hint < w->n && is_peer(&w->v[hint], peer))
		return &w->v[hint];
	for (size_t i = 0; i < w->n; i++)
		if (is_peer(&w->v[i], peer))
			return &w->v[i];
	return NULL;
}

/* Whether a handshake is younger than `ns`. */
static bool has_handshake(const struct backend_peer *is, uint64_t ns)
{
	return is->handshake_age_ms != BACKEND_PEER_NEVER && is->handshake_age_ms < ns / NS_PER_MS;
}

static void note_traffic(
	const struct look *l, struct watched_peer *p, const struct backend_peer *is)
{
	/* What comes without a session are initiations: they do not show that our messages reach
	 * the peer. Counters that fall are those of an engine that was started again. */
	if (is->rx_bytes > p->seen.rx_bytes && has_handshake(is, PEER_WATCH_SILENCE)) {
		p->answered = l->now;
		p->asked = MONO_NEVER;
	} else if (is->tx_bytes > p->seen.tx_bytes && !mono_is_set(p->asked)) {
		p->asked = l->now;
	}
}

static void set_state(const struct look *l, struct watched_peer *p, enum peer_state state)
{
	const struct peer_event event = {
		.change = state == PEER_UP ? PEER_CAME_UP : PEER_WENT_DOWN,
		.peer = p,
		.silent_ns = mono_between(p->answered, l->now),
	};

	p->state = state;
	l->report(l->ctx, &event);
}

static void judge_state(const struct look *l, struct watched_peer *p)
{
	const struct peer_watch *w = l->watch;
	uint64_t silence = w->silence ? w->silence : PEER_WATCH_SILENCE;
	uint64_t grace = silence / 2 < PEER_WATCH_GRACE ? silence / 2 : PEER_WATCH_GRACE;
	bool silent = mono_is_set(p->asked) && mono_between(p->asked, l->now) >= silence;

	if (p->state == PEER_UP) {
		if (silent && !has_handshake(&p->seen, silence + grace))
			set_state(l, p, PEER_DOWN);
	} else if (has_handshake(&p->seen, PEER_WATCH_SILENCE) && !silent) {
		set_state(l, p, PEER_UP);
	} else if (p->state == PEER_UNKNOWN && silent) {
		set_state(l, p, PEER_DOWN);
	}
}

static void judge_endpoint(
	const struct look *l, struct watched_peer *p, const struct endpoint *before)
{
	struct peer_event event = { .change = PEER_MOVED, .peer = p, .before = *before };

	if (!before->addr.family || endpoint_equal(before, &p->seen.endpoint))
		return;
	if (!bucket_take(&p->moves, l->now, PEER_WATCH_MOVE_AGAIN, PEER_WATCH_MOVES)) {
		p->unreported++;
		return;
	}
	event.unreported = p->unreported;
	p->unreported = 0;
	l->report(l->ctx, &event);
}

static void judge_mtu(const struct look *l, struct watched_peer *p)
{
	struct peer_event event = { .change = PEER_MTU_CHANGED, .peer = p, .mtu_before = p->mtu };

	if (!p->seen.mtu || p->seen.mtu == p->mtu)
		return;
	p->mtu = p->seen.mtu;
	if (event.mtu_before)
		l->report(l->ctx, &event);
}

static void look_at(const struct look *l, struct watched_peer *p, const struct backend_peer *is)
{
	struct endpoint before = p->seen.endpoint;

	note_traffic(l, p, is);
	p->seen = *is;
	if (!is->endpoint.addr.family)
		p->seen.endpoint = before; /* it is lost for a moment, as while it is looked up */
	judge_state(l, p);
	judge_endpoint(l, p, &before);
	judge_mtu(l, p);
}

/* Forget the peers that the back end no longer has. */
static void sweep(struct peer_watch *w)
{
	size_t n = 0;

	w->up = 0;
	for (size_t i = 0; i < w->n; i++) {
		if (!w->v[i].there)
			continue;
		w->up += w->v[i].state == PEER_UP;
		w->v[n] = w->v[i];
		w->v[n++].there = false;
	}
	w->n = n;
}

int peer_watch_look(struct peer_watch *w, const struct backend_peer *peers, size_t n,
	struct mono now, void (*report)(void *ctx, const struct peer_event *event), void *ctx)
{
	const struct look l = { w, now, report, ctx };
	struct watched_peer *more = reallocarray(w->v, w->n + n + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	w->v = more;
	for (size_t i = 0; i < n; i++) {
		struct watched_peer *p = find(w, &peers[i], i);

		if (!p) {
			p = &w->v[w->n++];
			*p = (struct watched_peer){
				.seen = peers[i], .answered = now, .asked = MONO_NEVER
			};
			p->seen.rx_bytes = p->seen.tx_bytes = 0;
		}
		look_at(&l, p, &peers[i]);
		p->there = true;
	}
	sweep(w);
	return 0;
}

/** What is saved of a peer. */
struct saved_peer {
	uint8_t public_key[KEY_LEN];
	uint32_t state;
	uint32_t handled;
	uint32_t mtu;
};

#define SAVED "peer-state"

void peer_watch_save(const struct peer_watch *w, struct saved_state *state)
{
	for (size_t i = 0; i < w->n; i++) {
		struct saved_peer s = {
			.state = w->v[i].state, .handled = w->v[i].handled, .mtu = w->v[i].mtu
		};

		memcpy(s.public_key, w->v[i].seen.public_key, KEY_LEN);
		saved_put(state, SAVED, &s, sizeof(s));
	}
}

int peer_watch_restore(struct peer_watch *w, const struct saved_state *saved, struct mono now)
{
	struct saved_item item;
	struct saved_peer s;
	size_t at = 0;

	while (saved_next(saved, &at, &item) > 0) {
		struct watched_peer *p;

		if (strcmp(item.key, SAVED) != 0 || item.len != sizeof(s))
			continue;
		memcpy(&s, item.value, sizeof(s));
		if (s.state > PEER_DOWN || s.handled > PEER_DOWN)
			continue;
		p = array_grow(&w->v, &w->n, sizeof(*w->v));
		if (!p)
			return -ENOMEM;
		*p = (struct watched_peer){ .state = (enum peer_state)s.state,
			.handled = (enum peer_state)s.handled,
			.mtu = s.mtu,
			.answered = now,
			.asked = MONO_NEVER };
		memcpy(p->seen.public_key, s.public_key, KEY_LEN);
	}
	return 0;
}

void peer_watch_fini(struct peer_watch *w)
{
	free(w->v);
	*w = (struct peer_watch){ 0 };
}
