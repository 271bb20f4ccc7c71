/* SPDX-License-Identifier: MIT */
/* Two engines, each with a thread for sending, for receiving and for control: frames in both
 * directions through handshakes, rekeys and reloads. Meant for ThreadSanitizer, which test.sh
 * builds this with; without it, it shows that nothing is lost or corrupted.
 *
 * The locks are those that engine.h describes. With the argument "without-lock", control does not
 * take the lock of the receiving lane: a run that ThreadSanitizer has to report. */
#include "path/test_pair.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/bug.h"
#include "crypto/x25519.h"
#include "path/control.h"
#include "path/peer_pmtu.h"
#include "path/rx.h"
#include "path/tx.h"

#define FRAMES	     1000000	       /* delivered, of both directions */
#define FRAME_NS     (500 * 1000)      /* of the simulated time */
#define KINDS	     32		       /* frames of different lengths */
#define LARGE	     1514	       /* the longest, which leaves in fragments */
#define BATCH	     32		       /* superframes sent under one lock */
#define WIRE_TRAINS  32		       /* in transit in one direction */
#define WIRE_FULL    (WIRE_TRAINS - 8) /* senders wait; the rest is for control */
#define LIMIT_S	     300	       /* of real time: something hangs */
#define RELOAD_TURNS 64		       /* of control between two reloads */

/* Trains in transit in one direction. A full wire loses trains, as a network does. */
struct wire {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned n;
	unsigned first;
	size_t len[WIRE_TRAINS];
	size_t stride[WIRE_TRAINS];
	uint8_t data[WIRE_TRAINS][TRAIN_BYTES_MAX];
};

/* One site with its lanes. */
struct site {
	struct side side;
	struct site *other;
	struct wire wire; /* towards this site */
	pthread_mutex_t tx_lock;
	pthread_mutex_t rx_lock;
	uint8_t received[TRAIN_BYTES_MAX];
	_Atomic uint64_t delivered;
	_Atomic uint64_t wrong;
	unsigned reloads;
	unsigned sessions; /* that control has seen to begin */
	struct mono handshake_at;
	/* of a configuration that comes and goes */
	struct path_peer extra_peer;
	struct l2tp_tunnel extra_tunnel;
	struct path_session extra_session;
	bool has_extra;
};

static struct site sites[2];
static _Atomic uint64_t now_ns;
static _Atomic bool stop;
static bool without_lock;

static struct mono now(void)
{
	return (struct mono){ atomic_load(&now_ns) };
}

static void nap(long us)
{
	const struct timespec t = { .tv_nsec = us * 1000 };

	nanosleep(&t, NULL);
}

/* ---- the wires ---- */

static void wire_put(struct wire *w, const uint8_t *data, size_t len, size_t stride)
{
	pthread_mutex_lock(&w->lock);
	if (w->n < WIRE_TRAINS) {
		unsigned i = (w->first + w->n++) % WIRE_TRAINS;

		w->len[i] = len;
		w->stride[i] = stride;
		memcpy(w->data[i], data, len);
	}
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

/* Wait for less than a millisecond until `filled` is what the wire is. */
static bool wire_wait(struct wire *w, bool filled)
{
	struct timespec until;

	if (filled ? w->n > 0 : w->n < WIRE_FULL)
		return true;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += 900 * 1000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&w->changed, &w->lock, &until);
	return filled ? w->n > 0 : w->n < WIRE_FULL;
}

/* Take a train. Return: false if there was none for a while. */
static bool wire_get(struct wire *w, uint8_t *data, size_t *ret_len, size_t *ret_stride)
{
	bool any;

	pthread_mutex_lock(&w->lock);
	any = wire_wait(w, true);
	if (any) {
		*ret_len = w->len[w->first];
		*ret_stride = w->stride[w->first];
		memcpy(data, w->data[w->first], *ret_len);
		w->first = (w->first + 1) % WIRE_TRAINS;
		w->n--;
		pthread_cond_broadcast(&w->changed);
	}
	pthread_mutex_unlock(&w->lock);
	return any;
}

static bool wire_has_room(struct wire *w)
{
	bool room;

	pthread_mutex_lock(&w->lock);
	room = wire_wait(w, false);
	pthread_mutex_unlock(&w->lock);
	return room;
}

static void put_queue(struct wire *w, const struct train_queue *q)
{
	for (size_t i = 0; i < q->n; i++)
		wire_put(w, q->trains[i].base, q->trains[i].len, q->trains[i].stride);
}

static void flush(struct site *s, struct emit *out)
{
	put_queue(&s->other->wire, &out->heads);
	put_queue(&s->other->wire, &out->tails);
	emit_reset(out);
}

/* ---- the lanes ---- */

/* The frames that are sent, again and again: of different lengths and bytes. */
static uint8_t frames[KINDS][LARGE];
static size_t frame_len[KINDS];

static void make_frames(void)
{
	for (unsigned i = 0; i < KINDS; i++) {
		frame_len[i] = i ? 60 + 20 * i : LARGE;
		pair_make_frame(frames[i], frame_len[i], i);
	}
}

static void send_batch(struct site *s, unsigned first)
{
	struct side *side = &s->side;
	struct tx_lane *tx = &side->e.tx;

	pthread_mutex_lock(&s->tx_lock);
	tx->now = now();
	for (unsigned i = first; i < first + BATCH; i++) {
		uint8_t frame[LARGE];
		size_t len = frame_len[i % KINDS];

		memcpy(frame, frames[i % KINDS], len);
		if (tx_begin(tx, &side->job, &side->session.port, frame, len, &pair_plain).len)
			s->wrong++; /* no frame is answered */
		while (!tx_continue(tx, &side->job))
			flush(s, &tx->out);
	}
	flush(s, &tx->out);
	pthread_mutex_unlock(&s->tx_lock);
}

static void *run_tx(void *arg)
{
	struct site *s = arg;

	for (unsigned i = 0; !atomic_load(&stop);)
		if (wire_has_room(&s->other->wire)) {
			send_batch(s, i);
			i += BATCH;
		}
	return NULL;
}

static bool is_frame(const uint8_t *frame, size_t len)
{
	unsigned i = len == LARGE ? 0 : ((unsigned)len - 60) / 20;

	return i < KINDS && frame_len[i] == len && !memcmp(frame, frames[i], len);
}

static void check_frame(struct site *s, const struct gso_superframe *sf)
{
	/* one frame, behind the vnet header */
	if (sf->n_frames != 1 || sf->n_iov != 2 ||
		!is_frame(sf->iov[1].iov_base, sf->iov[1].iov_len))
		s->wrong++;
	s->delivered++;
}

/* Return: whether the whole train was processed; control has to run first if not. */
static bool receive(struct site *s, struct rx_train *t)
{
	struct rx_lane *rx = &s->side.e.rx;
	struct gso_superframe sf;
	struct path_port *port;
	bool done;

	pthread_mutex_lock(&s->rx_lock);
	rx->now = now();
	rx_prefetch(rx, t->data, size_min(t->stride, t->len));
	done = rx_datagrams(rx, t);
	while (rx_next(rx, &sf, &port))
		if (port->session)
			check_frame(s, &sf);
	pthread_mutex_unlock(&s->rx_lock);
	return done;
}

static void *run_rx(void *arg)
{
	struct site *s = arg;

	while (!atomic_load(&stop)) {
		struct rx_train t = { .data = s->received, .from = s->other->side.self };

		if (!wire_get(&s->wire, s->received, &t.len, &t.stride))
			continue;
		while (!receive(s, &t) && !atomic_load(&stop))
			nap(100);
	}
	return NULL;
}

/* ---- control ---- */

static void add_extra(struct site *s)
{
	struct engine *e = &s->side.e;
	const uint8_t key[WG_KEY_LEN] = { 9, 9 };
	struct ip_prefix prefix = { .len = 24, .addr = ip_addr_v4((uint8_t[]){ 10, 7, 0, 0 }) };

	ASSERT(engine_add_peer(e, &s->extra_peer, key) == 0);
	ASSERT(wg_allowedips_insert(&e->wg.allowed, &prefix, &s->extra_peer.wg) == 0);
	s->extra_tunnel = s->side.tunnel;
	s->extra_tunnel.remote = ip_addr_v4((uint8_t[]){ 10, 7, 0, 1 });
	ASSERT(l2tp_table_add_tunnel(&e->l2tp, &s->extra_tunnel) == 0);
	s->extra_session = (struct path_session){ .l2tp = { .tunnel = &s->extra_tunnel,
							  .id = 77,
							  .peer_id = 78,
							  .frame_max = SUPERFRAME_MAX } };
	ASSERT(l2tp_session_init(&s->extra_session.l2tp) == 0);
	l2tp_options_init(&s->extra_session.options);
	list_init(&s->extra_session.link);
	ASSERT(engine_add_session(e, &s->extra_session) == 0);
}

static void remove_extra(struct site *s)
{
	struct engine *e = &s->side.e;

	engine_remove_session(e, &s->extra_session);
	l2tp_table_remove_tunnel(&e->l2tp, &s->extra_tunnel);
	engine_remove_peer(e, &s->extra_peer);
}

/* What a reload changes: peers, allowed IPs, tunnels and sessions come and go; the peer with the
 * traffic gets another MTU and its endpoint once more; counters are read. */
static void reload(struct site *s)
{
	struct engine *e = &s->side.e;
	struct lane_counters sum;

	if (s->has_extra)
		remove_extra(s);
	else
		add_extra(s);
	s->has_extra = !s->has_extra;
	peer_pmtu_stop(e, &s->side.peer, s->has_extra ? 1420 : 1440);
	control_move(e, &s->side.peer, &s->other->side.self);
	engine_count(e, &sum);
	s->wrong += sum.drops.n[DROP_WG_AUTH] + sum.drops.n[DROP_INNER_SOURCE];
	s->reloads++;
}

static void control_turn(struct site *s, bool reloads)
{
	struct engine *e = &s->side.e;
	struct mono at = now();
	bool done;

	pthread_mutex_lock(&s->tx_lock);
	if (!without_lock)
		pthread_mutex_lock(&s->rx_lock);
	e->now = at;
	e->wall = (struct wall){ .sec = at.ns / NS_PER_S + 1000000,
		.nsec = (uint32_t)(at.ns % NS_PER_S) };
	if (mono_reached(engine_deadline(e), at))
		control_timers(e);
	if (reloads)
		reload(s);
	do {
		done = control_pump(e);
		flush(s, &e->control.out);
	} while (!done);
	if (s->side.peer.wg.handshake_at.ns != s->handshake_at.ns) {
		s->handshake_at = s->side.peer.wg.handshake_at;
		s->sessions++;
	}
	if (!without_lock)
		pthread_mutex_unlock(&s->rx_lock);
	pthread_mutex_unlock(&s->tx_lock);
}

static void *run_control(void *arg)
{
	struct site *s = arg;

	for (unsigned turn = 1; !atomic_load(&stop); turn++) {
		control_turn(s, turn % RELOAD_TURNS == 0);
		nap(200);
	}
	return NULL;
}

/* ---- the test ---- */

static uint64_t delivered(void)
{
	return atomic_load(&sites[0].delivered) + atomic_load(&sites[1].delivered);
}

/* Whether `count` frames have been delivered, with a tenth of them in each direction: a busy host
 * may run the threads of one much more often than those of the other. */
static bool is_enough(uint64_t count)
{
	return delivered() >= count && atomic_load(&sites[0].delivered) > count / 10 &&
	       atomic_load(&sites[1].delivered) > count / 10;
}

static void init_site(struct site *s, uint64_t *seed, const uint8_t priv[static 32],
	const uint8_t peer_pub[static 32], unsigned host, unsigned peer_host)
{
	side_init(&s->side, seed, priv, peer_pub, host, peer_host);
	engine_set_merge(&s->side.e, &(struct gso_merge_caps){ 0 });
	pthread_mutex_init(&s->wire.lock, NULL);
	pthread_cond_init(&s->wire.changed, NULL);
	pthread_mutex_init(&s->tx_lock, NULL);
	pthread_mutex_init(&s->rx_lock, NULL);
}

/* Let the simulated time pass with the frames, and a little by itself, until enough have
 * arrived. Return: whether they have. */
static bool run_until(uint64_t count)
{
	const uint64_t begun = atomic_load(&now_ns);
	const time_t limit = time(NULL) + LIMIT_S;
	uint64_t idle = 0;

	while (!is_enough(count) && time(NULL) < limit) {
		nap(1000);
		idle += NS_PER_MS;
		atomic_store(&now_ns, begun + delivered() * FRAME_NS + idle);
	}
	return is_enough(count);
}

static void test_a_thread_for_each_lane(void **state)
{
	void *(*const lanes[])(void *) = { run_tx, run_rx, run_control };
	static uint64_t seeds[2] = { 1, 2 };
	const uint8_t priv[2][32] = { { 8, 1 }, { 16, 2 } };
	uint8_t pub[2][32];
	pthread_t threads[6];
	bool enough;

	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(x25519_public(priv[i], pub[i]), 0);
	make_frames();
	init_site(&sites[0], &seeds[0], priv[0], pub[1], 11, 21);
	init_site(&sites[1], &seeds[1], priv[1], pub[0], 21, 11);
	sites[0].other = &sites[1];
	sites[1].other = &sites[0];
	atomic_store(&now_ns, 1000 * NS_PER_S);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, lanes[i % 3], &sites[i / 3]), 0);
	enough = run_until(FRAMES);
	atomic_store(&stop, true);
	for (unsigned i = 0; i < 6; i++)
		pthread_join(threads[i], NULL);
	assert_true(enough);
	for (unsigned i = 0; i < 2; i++) {
		print_message("%u: %lu frames, %u sessions, %u reloads\n", i,
			atomic_load(&sites[i].delivered), sites[i].sessions, sites[i].reloads);
		assert_int_equal(atomic_load(&sites[i].wrong), 0);
		assert_true(sites[i].sessions >= 3);
		assert_true(sites[i].reloads >= 3);
		engine_fini(&sites[i].side.e);
		free(sites[i].side.memory);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_thread_for_each_lane),
	};

	without_lock = argc > 1 && !strcmp(argv[1], "without-lock");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
