/* SPDX-License-Identifier: MIT */
/* The work of one wake-up: send trains and write superframes until none are left. */
#include "driver/batch.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "driver/block.h"
#include "driver/driver_capture.h"
#include "path/control.h"
#include "path/rx.h"

void batch_begin(struct driver *d)
{
	engine_set_time(&d->engine, clock_mono(), clock_wall());
	d->looked = false;
}

/* Remove the peer's stale sticky source. Other peers with the same source may still have a route
 * from it; they are checked separately. */
static void forget_stale_source(struct driver *d)
{
	const struct endpoint *stale = &d->udp.stale;

	LIST_FOR_EACH(l, &d->peers)
	{
		struct wg_peer *peer = &CONTAINER_OF(l, struct driver_peer, link)->path.wg;
		const struct endpoint *e = &peer->endpoint;

		if (ip_addr_equal(&e->addr, &stale->addr) &&
			ip_addr_equal(&e->local, &stale->local) &&
			e->local_ifindex == stale->local_ifindex)
			wg_peer_clear_source(peer);
	}
}

/* Return: what has happened, a set of enum udp_event; UDP_BLOCKED: some trains are left. */
static unsigned flush_queue(struct driver *d, struct train_queue *q, struct drop_counters *drops)
{
	uint64_t errors = d->udp.send_errors, full = d->udp.full;
	uint64_t calls = d->udp.send_calls;
	uint64_t sends = d->udp.sends;
	unsigned events;

	if (!q->n)
		return 0;
	d->underlay.check_trains(d->underlay.ctx, q);
	if (d->capture)
		driver_capture_sent(d, q);
	events = udp_send(&d->udp, q);
	d->stats.trains_tx += d->udp.sends - sends;
	d->stats.syscalls += d->udp.send_calls - calls;
	drop_add(drops, DROP_TX_SEND, d->udp.send_errors - errors);
	drop_add(drops, DROP_TX_QUEUE, d->udp.full - full);
	d->engine.tx.joins = d->udp.offloads.segment;
	if (events & UDP_TOO_BIG)
		d->engine.events |= ENGINE_TOO_BIG;
	if (events & UDP_SOURCE_STALE)
		forget_stale_source(d);
	return events;
}

static size_t bytes_of(const struct train_queue *q)
{
	size_t sum = 0;

	for (size_t i = 0; i < q->n; i++)
		sum += q->trains[i].len;
	return sum;
}

/* See what the sockets have not sent yet, before more is sent. */
static void look(struct driver *d)
{
	struct tx_lane *tx = &d->engine.tx;

	d->unsent = udp_unsent(&d->udp);
	d->stats.syscalls++;
	d->looked = true;
	pace_look(&tx->pace, d->unsent, tx->now);
	tx_update_queueing(tx);
}

/* Send the trains of the sending lane. If the send buffer is full, what is left stays there, and no
 * port is read until the socket can be written to. */
static unsigned flush_data(struct driver *d)
{
	struct emit *out = &d->engine.tx.out;
	unsigned events = flush_queue(d, &out->heads, &out->counters->drops);

	if (events & UDP_BLOCKED)
		return events;
	train_queue_reset(&out->heads);
	events |= flush_queue(d, &out->tails, &out->counters->drops);
	if (!(events & UDP_BLOCKED))
		emit_reset(out);
	return events;
}

void batch_flush(struct driver *d)
{
	struct tx_lane *tx = &d->engine.tx;
	size_t bytes = bytes_of(&tx->out.heads) + bytes_of(&tx->out.tails);
	uint64_t unsent = 0;
	unsigned events;

	if (!bytes || tx->blocked)
		return;
	if (!d->looked && pace_must_look(&tx->pace))
		look(d);
	events = flush_data(d);
	if (tx->pace.state != PACE_FREE || events & (UDP_FULL | UDP_BLOCKED)) {
		unsent = udp_unsent(&d->udp);
		d->stats.syscalls++;
	}
	bytes -= bytes_of(&tx->out.heads) + bytes_of(&tx->out.tails);
	pace_sent(&tx->pace, bytes, unsent > d->unsent ? unsent - d->unsent : 0, tx->now);
	d->looked = false;
	if (events & (UDP_FULL | UDP_BLOCKED))
		pace_refused(&tx->pace, unsent, tx->now);
	if (events & UDP_BLOCKED)
		block_begin(d);
	tx_update_queueing(tx);
}

/* Send the frames that may leave the queue now. */
static void release(struct driver *d)
{
	struct tx_lane *tx = &d->engine.tx;
	bool some;

	do {
		some = false;
		if (tx->pace.state == PACE_QUEUE)
			look(d);
		while (tx_release(tx, &d->waited)) {
			some = true;
			while (!tx_continue(tx, &d->waited))
				batch_flush(d);
		}
		batch_flush(d);
	} while (some);
	pace_end(&tx->pace, !queue_is_empty(&tx->queue), tx->now);
	tx_update_queueing(tx);
}

/* What is sent for control is dropped if the send buffer is full: timers will send it again. */
static void flush_control(struct driver *d)
{
	struct emit *out = &d->engine.control.out;
	struct drop_counters *drops = &out->counters->drops;

	(void)flush_queue(d, &out->heads, drops);
	(void)flush_queue(d, &out->tails, drops);
	for (size_t i = 0; i < out->heads.n; i++)
		drop_add(drops, DROP_TX_SEND, out->heads.trains[i].count);
	for (size_t i = 0; i < out->tails.n; i++)
		drop_add(drops, DROP_TX_SEND, out->tails.trains[i].count);
	emit_reset(out);
}

void batch_finish(struct driver *d)
{
	bool done;

	batch_flush(d);
	if (d->engine.tx.queueing)
		release(d);
	do {
		done = control_pump(&d->engine);
		flush_control(d);
	} while (!done);
}

void batch_write(struct driver *d)
{
	struct gso_superframe sf;
	struct path_port *port;

	while (rx_next(&d->engine.rx, &sf, &port)) {
		struct driver_port *p = port->user;

		d->stats.syscalls++;
		if (tap_write(&p->tap, &sf.offload, sf.iov, sf.n_iov) < 0) {
			drop_add(&d->engine.rx.counters.drops, DROP_TAP_WRITE, sf.n_frames);
			port->stats.rx.dropped += sf.n_frames;
		}
	}
}

void batch_receive(struct driver *d, const struct udp_received *r)
{
	struct rx_train t = {
		.data = r->data, .len = r->len, .stride = r->stride, .from = r->from, .tos = r->tos
	};

	if (d->capture)
		driver_capture_received(d, r);
	while (!rx_datagrams(&d->engine.rx, &t)) {
		batch_write(d);
		batch_finish(d);
	}
}
