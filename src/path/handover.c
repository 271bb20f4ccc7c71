/* SPDX-License-Identifier: MIT */
/* What an engine passes on to its successor when it ends as planned. */
#include "path/handover.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "wg/peer.h"

#define MAGIC 0x57534830u

/** The beginning of the text; `len` counts all of it. */
struct head {
	uint32_t magic;
	uint32_t version;
	uint64_t len;
};

/** Kinds of records. */
enum record_kind {
	RECORD_WINDOW = 1,
	RECORD_SESSION,
	RECORD_PEER,
};

/** The beginning of a record; `len` counts all of it. */
struct record {
	uint32_t kind;
	uint32_t len;
};

/** Which counters have arrived in a session of WireGuard. */
struct window {
	struct record record;
	uint32_t local_index;
	uint32_t unused;
	struct wg_replay replay;
};

/** The numbers of a session of L2TP. */
struct numbers {
	struct record record;
	uint32_t id;
	uint16_t family;
	uint16_t remote_port;
	uint8_t remote[16];
	uint32_t ns;
	uint32_t nr;
	uint16_t ip_id;
	uint16_t synced;
};

/** The counters of a peer. */
struct counters {
	struct record record;
	uint8_t public_key[WG_KEY_LEN];
	uint64_t rx_bytes;
	uint64_t tx_bytes;
	struct wg_arrivals ended;
};

/* A change of these sizes needs another HANDOVER_VERSION. */
_Static_assert(sizeof(struct window) == 16 + 5 * 8 + WG_REPLAY_BITS / 8, "layout of a window");
_Static_assert(sizeof(struct numbers) == 44, "layout of a session's numbers");
_Static_assert(sizeof(struct counters) == 88, "layout of a peer's counters");

/* ---- when ---- */

static bool is_sent(const struct emit *out)
{
	return !out->heads.n && !out->tails.n;
}

/* Whether a handshake with a peer that has a session is in progress. */
static bool is_renewing(const struct wg_device *dev)
{
	LIST_FOR_EACH(l, &dev->peers)
	{
		const struct wg_peer *peer = CONTAINER_OF(l, struct wg_peer, link);

		if (peer->handshake.state != WG_HANDSHAKE_NONE &&
			(peer->keys.current || peer->keys.next))
			return true;
	}
	return false;
}

bool engine_is_quiet(const struct engine *e)
{
	const struct tx_lane *tx = &e->tx;

	return !tx->blocked && queue_is_empty(&tx->queue) && is_sent(&tx->out) &&
	       is_sent(&e->control.out) && pool_has(&tx->pending.pool, tx->pending.pool.size) &&
	       !e->rx.n_messages && list_is_empty(&e->rx.reassembly.busy) && !is_renewing(&e->wg);
}

/* ---- writing ---- */

size_t handover_room(const struct engine *e)
{
	size_t sessions = 0;

	LIST_FOR_EACH(l, &e->sessions)
	sessions++;
	return sizeof(struct head) + sessions * sizeof(struct numbers) +
	       e->wg.peer_count *
		       (sizeof(struct counters) + WG_SESSIONS_PER_PEER * sizeof(struct window));
}

static uint8_t *put(uint8_t *at, const void *bytes, size_t len)
{
	memcpy(at, bytes, len);
	return at + len;
}

/* Write the window of a session, and give back the counters that were reserved and not used. */
static uint8_t *write_window(struct wg_keypair *kp, uint8_t *at)
{
	const struct window w = { .record = { RECORD_WINDOW, sizeof(w) },
		.local_index = kp->local_index,
		.replay = kp->replay };

	if (kp->stored)
		atomic_store(&kp->stored->tx_limit, atomic_load(&kp->tx_counter));
	return put(at, &w, sizeof(w));
}

static uint8_t *write_peer(struct wg_peer *peer, uint8_t *at)
{
	struct counters c = { .record = { RECORD_PEER, sizeof(c) },
		.rx_bytes = peer->rx_bytes,
		.tx_bytes = peer->tx_bytes,
		.ended = peer->keys.ended };

	memcpy(c.public_key, peer->remote.public_key, sizeof(c.public_key));
	at = put(at, &c, sizeof(c));
	for (size_t i = 0; i < ARRAY_LEN(peer->keys.slots); i++)
		if (peer->keys.slots[i].peer)
			at = write_window(&peer->keys.slots[i], at);
	return at;
}

/* What identifies a session at both times. */
static struct numbers numbers_of(const struct l2tp_session *s)
{
	struct numbers n = { .record = { RECORD_SESSION, sizeof(n) },
		.id = s->id,
		.family = s->tunnel->remote.family,
		.remote_port = s->tunnel->remote_port };

	memcpy(n.remote, s->tunnel->remote.bytes, sizeof(n.remote));
	return n;
}

size_t handover_write(struct engine *e, uint8_t *ret)
{
	struct head head = { .magic = MAGIC, .version = HANDOVER_VERSION };
	uint8_t *at = ret + sizeof(head);

	LIST_FOR_EACH(l, &e->wg.peers)
	at = write_peer(CONTAINER_OF(l, struct wg_peer, link), at);
	LIST_FOR_EACH(l, &e->sessions)
	{
		const struct l2tp_session *s = &CONTAINER_OF(l, struct path_session, link)->l2tp;
		struct numbers n = numbers_of(s);

		n.ns = s->tx.ns;
		n.ip_id = s->tx.ip_id;
		n.nr = s->rx.nr;
		n.synced = s->rx.synced;
		at = put(at, &n, sizeof(n));
	}
	head.len = (uint64_t)(at - ret);
	memcpy(ret, &head, sizeof(head));
	return (size_t)head.len;
}

/* ---- reading ---- */

/* Use a window, unless the store knows of a later one: then it would let messages arrive twice. */
static void read_window(struct engine *e, const struct window *w)
{
	struct wg_index_entry *entry = wg_indextable_find(&e->wg.indices, w->local_index);
	struct wg_keypair *kp = entry ? entry->keypair : NULL;

	if (kp && w->replay.next == kp->replay.next)
		kp->replay = w->replay;
}

static void read_peer(struct engine *e, const struct counters *c)
{
	struct wg_peer *peer = wg_device_find_peer(&e->wg, c->public_key);

	if (!peer)
		return;
	peer->rx_bytes = c->rx_bytes;
	peer->tx_bytes = c->tx_bytes;
	peer->keys.ended = c->ended;
}

static bool is_same_session(const struct numbers *a, const struct numbers *b)
{
	return a->id == b->id && a->family == b->family && a->remote_port == b->remote_port &&
	       !memcmp(a->remote, b->remote, sizeof(a->remote));
}

static void read_numbers(struct engine *e, const struct numbers *n)
{
	LIST_FOR_EACH(l, &e->sessions)
	{
		struct l2tp_session *s = &CONTAINER_OF(l, struct path_session, link)->l2tp;
		const struct numbers of = numbers_of(s);

		if (!is_same_session(&of, n))
			continue;
		s->tx.ns = n->ns & 0xffffff;
		s->tx.ip_id = n->ip_id;
		s->rx.nr = n->nr & 0xffffff;
		s->rx.synced = n->synced == 1;
	}
}

/* Read one record of `len` bytes. Return: whether it is one. */
static bool read_record(struct engine *e, const struct record *r, const uint8_t *at)
{
	struct window w;
	struct numbers n;
	struct counters c;

	switch (r->kind) {
	case RECORD_WINDOW:
		if (r->len != sizeof(w))
			return false;
		memcpy(&w, at, sizeof(w));
		read_window(e, &w);
		return true;
	case RECORD_SESSION:
		if (r->len != sizeof(n))
			return false;
		memcpy(&n, at, sizeof(n));
		read_numbers(e, &n);
		return true;
	case RECORD_PEER:
		if (r->len != sizeof(c))
			return false;
		memcpy(&c, at, sizeof(c));
		read_peer(e, &c);
		return true;
	default:
		return false;
	}
}

int handover_read(struct engine *e, const uint8_t *bytes, size_t len)
{
	struct head head;
	struct record r;
	size_t at = sizeof(head);

	if (len < sizeof(head))
		return -EBADMSG;
	memcpy(&head, bytes, sizeof(head));
	if (head.magic != MAGIC)
		return -EBADMSG;
	if (head.version != HANDOVER_VERSION)
		return -EPROTO;
	/* Much more than is there would only take long. */
	if (head.len != len || len > 4 * handover_room(e) + 65536)
		return -EBADMSG;
	while (at < len) {
		if (len - at < sizeof(r))
			return -EBADMSG;
		memcpy(&r, bytes + at, sizeof(r));
		if (r.len > len - at || !read_record(e, &r, bytes + at))
			return -EBADMSG;
		at += r.len;
	}
	return 0;
}
