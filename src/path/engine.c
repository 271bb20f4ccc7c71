/* SPDX-License-Identifier: MIT */
/* The engine: every stage of the data path and the memory they share, put together in one place. */
#include "path/engine.h"

#include <limits.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/wall.h"
#include "l2tp/fragment.h"

/* One superframe, sealed, with every header of ours on segments of a small MSS, and some more. */
#define ARENA_LEN ((size_t)192 * 1024)

/* A train of probes, or a packet of any length, and room for another. */
#define CONTROL_ARENA_LEN ((size_t)160 * 1024)

/* Delay after which expired fragments are dropped, so that one wake-up drops many. */
#define EXPIRY_SLACK_NS (100 * NS_PER_MS)

/* Slots of the reassembler. A peer that sends fragments at full rate needs FRAGMENT_RUN_MAX: few
 * have these for themselves; with many, each is sure of its own, and the rest is in equal parts for
 * those that send fragments at the same time. Completed packets that wait to be written count
 * for none. */
#define REASSEMBLY_COMMON    (512 + REASSEMBLY_DONE_MAX)
#define REASSEMBLY_FEW_PEERS 32
#define REASSEMBLY_PER_PEER  8

/* Units of the stage. Few peers have WG_PENDING_MAX packets each, and a jumbo session's packets
 * take several units; with many, each is sure of its own, and the rest is in equal parts for those
 * that are waiting at the same time. */
#define PENDING_COMMON	  512
#define PENDING_FEW_PEERS 8
#define PENDING_PER_PEER  8

/* The parts of the engine's memory, in order; each begins on a cache line. */
struct layout {
	size_t device;
	size_t heads;
	size_t tails;
	size_t control_heads;
	size_t control_tails;
	size_t inner;
	size_t slots;
	size_t pending;
	size_t queue;
	size_t end;
};

static unsigned reassembly_slots(size_t peers)
{
	return REASSEMBLY_COMMON +
	       FRAGMENT_RUN_MAX * (unsigned)size_min(peers, REASSEMBLY_FEW_PEERS) +
	       REASSEMBLY_PER_PEER * (unsigned)peers;
}

static unsigned pending_units(size_t peers)
{
	return PENDING_COMMON + WG_PENDING_MAX * (unsigned)size_min(peers, PENDING_FEW_PEERS) +
	       PENDING_PER_PEER * (unsigned)peers;
}

static struct layout layout_of(const struct engine_sizes *sizes)
{
	struct layout l = { 0 };

	l.heads = l.device + size_align(wg_device_memory(&sizes->wg), 64);
	l.tails = l.heads + ARENA_LEN;
	l.control_heads = l.tails + ARENA_LEN;
	l.control_tails = l.control_heads + CONTROL_ARENA_LEN;
	l.inner = l.control_tails + CONTROL_ARENA_LEN;
	l.slots = l.inner + size_align(SUPERFRAME_MAX + L2TP_OVERHEAD_MAX + ETH_HEADER_LEN, 64);
	l.pending =
		l.slots + size_align(reassembly_memory(0, reassembly_slots(sizes->wg.peers)), 64);
	l.queue = l.pending +
		  size_align(
			  pending_memory(0, pending_units(sizes->wg.peers), sizes->packet_max), 64);
	l.end = l.queue + queue_memory(sizes->packet_max);
	return l;
}

size_t engine_memory(const struct engine_sizes *sizes)
{
	return layout_of(sizes).end;
}

static void fini_aead(struct engine *e)
{
	aead_fini(&e->tx.aead);
	aead_fini(&e->rx.aead);
	aead_fini(&e->control.aead);
}

static int init_aead(struct engine *e, const char *name)
{
	int err = aead_init(&e->tx.aead, name);

	if (!err)
		err = aead_init(&e->rx.aead, name);
	if (!err)
		err = aead_init(&e->control.aead, AEAD_REFERENCE);
	return err;
}

static void init_emit(
	struct engine *e, struct emit *out, struct aead_ctx *aead, struct lane_counters *counters)
{
	out->aead = aead;
	out->fragment_id = &e->fragment_id;
	out->counters = counters;
}

static void init_tx(struct engine *e, uint8_t *m, const struct layout *l, const struct rng *rng)
{
	struct tx_lane *tx = &e->tx;

	tx->wg = &e->wg;
	tx->joins = true;
	tx->inner = m + l->inner;
	list_init(&tx->noted);
	hash_init(&tx->key, rng);
	init_emit(e, &tx->out, &tx->aead, &tx->counters);
	train_queue_init(&tx->out.heads, m + l->heads, ARENA_LEN);
	train_queue_init(&tx->out.tails, m + l->tails, ARENA_LEN);
	pending_init(&tx->pending, e->sizes.packet_max);
	pending_add_units(&tx->pending, m + l->pending, pending_units(e->sizes.wg.peers));
	queue_init(&tx->queue, m + l->queue, e->sizes.packet_max, rng, &tx->counters.drops);
}

static void init_rx(struct engine *e, uint8_t *m, const struct layout *l, const struct rng *rng)
{
	struct rx_lane *rx = &e->rx;

	rx->wg = &e->wg;
	rx->l2tp = &e->l2tp;
	rx->tun = &e->tun;
	list_init(&rx->noted);
	reassembly_init(&rx->reassembly, &rx->counters.drops, rng);
	reassembly_add_slots(&rx->reassembly, m + l->slots, reassembly_slots(e->sizes.wg.peers));
	gso_merge_init(&rx->merge, &(struct gso_merge_caps){ 0 });
}

static void init_control(struct engine *e, uint8_t *m, const struct layout *l)
{
	struct control *c = &e->control;

	list_init(&c->attention.peers);
	list_init(&c->followed);
	init_emit(e, &c->out, &c->aead, &c->counters);
	train_queue_init(&c->out.heads, m + l->control_heads, CONTROL_ARENA_LEN);
	train_queue_init(&c->out.tails, m + l->control_tails, CONTROL_ARENA_LEN);
}

int engine_init(struct engine *e, const struct engine_sizes *sizes, void *memory, struct rng rng,
	const char *aead)
{
	struct layout l = layout_of(sizes);
	uint8_t *m = memory;
	int err;

	memset(e, 0, sizeof(*e));
	e->sizes = *sizes;
	list_init(&e->sessions);
	l2tp_table_init(&e->l2tp);
	err = init_aead(e, aead);
	if (!err)
		err = wg_device_init(&e->wg, &sizes->wg, m + l.device, rng);
	if (err < 0) {
		fini_aead(e);
		return err;
	}
	atomic_init(&e->fragment_id, rng_u32(&rng));
	init_tx(e, m, &l, &rng);
	init_rx(e, m, &l, &rng);
	init_control(e, m, &l);
	return 0;
}

/* What has to be added so that the pools are large enough for more peers, and where in the memory
 * for it the stage's part begins. */
struct growth {
	unsigned slots;
	unsigned units;
	size_t units_at;
	size_t end;
};

static unsigned missing(unsigned want, const struct pool *p)
{
	return want > p->size ? want - p->size : 0;
}

static struct growth growth_of(const struct engine *e, size_t peers)
{
	const struct pool *slots = &e->rx.reassembly.pool, *units = &e->tx.pending.pool;
	struct growth g = { .slots = missing(reassembly_slots(peers), slots),
		.units = missing(pending_units(peers), units) };

	if (g.slots)
		g.units_at = size_align(reassembly_memory(slots->size, g.slots), 64);
	g.end = g.units_at;
	if (g.units)
		g.end += pending_memory(units->size, g.units, e->tx.pending.packet_max);
	return g;
}

size_t engine_growth(const struct engine *e, size_t peers)
{
	return growth_of(e, peers).end;
}

void engine_grow(struct engine *e, size_t peers, void *memory)
{
	struct growth g = growth_of(e, peers);

	if (g.slots)
		reassembly_add_slots(&e->rx.reassembly, memory, g.slots);
	if (g.units)
		pending_add_units(&e->tx.pending, (uint8_t *)memory + g.units_at, g.units);
}

void engine_fini(struct engine *e)
{
	if (!e)
		return;
	wg_device_fini(&e->wg);
	fini_aead(e);
	secret_wipe(e, sizeof(*e));
}

void engine_set_time(struct engine *e, struct mono now, struct wall wall)
{
	if (mono_is_set(e->now) && wall_was_set(e->now, e->wall, now, wall))
		wg_device_clock_set(&e->wg, now, wall);
	e->tx.now = now;
	e->rx.now = now;
	e->now = now;
	e->wall = wall;
}

static void add_counters(struct lane_counters *sum, const struct lane_counters *c)
{
	sum->stats.superframes_tx += c->stats.superframes_tx;
	sum->stats.segments_tx += c->stats.segments_tx;
	sum->stats.datagrams_tx += c->stats.datagrams_tx;
	sum->stats.datagrams_rx += c->stats.datagrams_rx;
	sum->stats.superframes_rx += c->stats.superframes_rx;
	sum->stats.fragments_rx += c->stats.fragments_rx;
	sum->stats.handshakes_tx += c->stats.handshakes_tx;
	sum->stats.handshakes_rx += c->stats.handshakes_rx;
	sum->drops.total += c->drops.total;
	for (size_t d = 0; d < DROP_COUNT; d++)
		sum->drops.n[d] += c->drops.n[d];
}

_Static_assert(sizeof(struct engine_stats) == 8 * sizeof(uint64_t), "every counter is added up");

uint64_t engine_drops(const struct engine *e)
{
	return e->tx.counters.drops.total + e->rx.counters.drops.total +
	       e->control.counters.drops.total;
}

void engine_count(const struct engine *e, struct lane_counters *ret)
{
	*ret = e->tx.counters;
	add_counters(ret, &e->rx.counters);
	add_counters(ret, &e->control.counters);
}

void engine_tidy(struct engine *e)
{
	wg_device_tidy(&e->wg);
	aead_forget(&e->tx.aead);
	aead_forget(&e->rx.aead);
	aead_forget(&e->control.aead);
}

void engine_set_merge(struct engine *e, const struct gso_merge_caps *caps)
{
	gso_merge_init(&e->rx.merge, caps);
}

int engine_add_peer(
	struct engine *e, struct path_peer *peer, const uint8_t public_key[static WG_KEY_LEN])
{
	int err = wg_device_add_peer(&e->wg, &peer->wg, public_key);

	if (err < 0)
		return err;
	peer->mtu = e->wg_mtu;
	pending_queue_init(&peer->pending);
	queue_peer_init(&peer->queue);
	reassembly_owner_init(&peer->fragments);
	peer->whole_max = UINT_MAX;
	peer->train_max = TRAINS_ANY;
	peer->trains_reported = false;
	peer->route_logged = (struct path_route_log){ 0 };
	peer->actions = 0;
	tx_note_init(&peer->sent);
	rx_note_init(&peer->received);
	list_init(&peer->attention);
	list_init(&peer->follow);
	peer->following = false;
	engine_forget_path(e, peer);
	peer->policy = NULL;
	return 0;
}

/* The drop reason of a pending packet that is not sent. */
static enum drop pending_drop_reason(const struct path_peer *peer)
{
	return peer->wg.endpoint.addr.family ? DROP_TX_EXPIRED : DROP_TX_NO_ENDPOINT;
}

void engine_drop_pending(struct engine *e, struct path_peer *peer)
{
	drop_add(&e->control.counters.drops, pending_drop_reason(peer),
		pending_clear(&e->tx.pending, &peer->pending));
}

void engine_limit(struct engine *e, uint64_t rate)
{
	e->tx.pace.limit.rate = rate;
	tx_update_queueing(&e->tx);
}

void engine_limit_peer(struct engine *e, struct path_peer *peer, uint64_t rate)
{
	if (rate && !peer->queue.limit.rate)
		e->tx.limited++;
	if (!rate && peer->queue.limit.rate)
		e->tx.limited--;
	queue_limit(&e->tx.queue, &peer->queue, rate);
	tx_update_queueing(&e->tx);
}

void engine_remove_peer(struct engine *e, struct path_peer *peer)
{
	engine_drop_pending(e, peer);
	engine_limit_peer(e, peer, 0);
	queue_clear(&e->tx.queue, &peer->queue, NULL);
	reassembly_owner_fini(&e->rx.reassembly, &peer->fragments);
	tx_note_clear(&peer->sent);
	rx_note_clear(&peer->received);
	list_remove(&peer->attention);
	list_remove(&peer->follow);
	wg_device_remove_peer(&e->wg, &peer->wg);
}

int engine_add_session(struct engine *e, struct path_session *s)
{
	int err = l2tp_table_add_session(&e->l2tp, &s->l2tp);

	if (err < 0)
		return err;
	s->port.session = &s->l2tp;
	list_push_tail(&e->sessions, &s->link);
	return 0;
}

void engine_remove_session(struct engine *e, struct path_session *s)
{
	LIST_FOR_EACH(l, &e->wg.peers)
	{
		struct path_peer *peer = path_peer_of(CONTAINER_OF(l, struct wg_peer, link));

		drop_add(&e->control.counters.drops, pending_drop_reason(peer),
			pending_clear_port(&e->tx.pending, &peer->pending, &s->port.stats.tx));
		queue_clear(&e->tx.queue, &peer->queue, &s->port);
	}
	l2tp_table_remove_session(&e->l2tp, &s->l2tp);
	list_remove(&s->link);
}

struct mono engine_timers_deadline(const struct engine *e)
{
	struct mono due = mono_earliest(wg_device_deadline(&e->wg), e->policy_due);
	struct mono expires = reassembly_deadline(&e->rx.reassembly);

	if (mono_is_set(expires)) /* with others that are due soon */
		due = mono_earliest(due, mono_add(expires, EXPIRY_SLACK_NS));
	return due;
}

struct mono engine_deadline(const struct engine *e)
{
	struct mono due = mono_earliest(e->control.follow_due, tx_due(&e->tx));

	return mono_earliest(due, engine_timers_deadline(e));
}
