/* SPDX-License-Identifier: MIT */
/* The work of one wake-up: send trains and write superframes until none are left. */
#include "driver/batch.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "path/control.h"
#include "path/rx.h"
#include "path/tx.h"

void batch_begin(struct driver *d)
{
	engine_set_time(&d->engine, clock_mono(), clock_wall());
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

static void flush_queue(struct driver *d, struct train_queue *q)
{
	uint64_t errors = d->udp.send_errors;
	uint64_t calls = d->udp.send_calls;
	uint64_t sends = d->udp.sends;
	unsigned events;

	if (!q->n)
		return;
	d->underlay.check_trains(d->underlay.ctx, q);
	events = udp_send(&d->udp, q);
	d->stats.trains_tx += d->udp.sends - sends;
	d->stats.syscalls += d->udp.send_calls - calls;
	d->engine.drops.n[DROP_TX_SEND] += d->udp.send_errors - errors;
	d->engine.joins = d->udp.offloads.segment;
	if (events & UDP_TOO_BIG)
		d->engine.events |= ENGINE_TOO_BIG;
	if (events & UDP_SOURCE_STALE)
		forget_stale_source(d);
}

void batch_flush(struct driver *d)
{
	flush_queue(d, &d->engine.tx.out.heads);
	flush_queue(d, &d->engine.tx.out.tails);
	tx_reset(&d->engine);
}

void batch_finish(struct driver *d)
{
	while (!control_pump(&d->engine))
		batch_flush(d);
	batch_flush(d);
}

static void write_superframes(struct driver *d)
{
	struct gso_superframe sf;
	struct path_port *port;

	while (rx_next(&d->engine, &sf, &port)) {
		struct driver_port *p = port->user;

		d->stats.syscalls++;
		if (tap_write(&p->tap, &sf.offload, sf.iov, sf.n_iov) < 0) {
			d->engine.drops.n[DROP_TAP_WRITE] += sf.n_frames;
			port->stats.dropped_rx += sf.n_frames;
		}
	}
	rx_release(&d->engine);
}

void batch_receive(struct driver *d, const struct udp_received *r)
{
	struct rx_train t = {
		.data = r->data, .len = r->len, .stride = r->stride, .from = r->from, .tos = r->tos
	};

	while (!rx_datagrams(&d->engine, &t)) {
		rx_account(&d->engine);
		write_superframes(d);
		batch_flush(d);
	}
}

/* Write the pending superframes; their buffers are then free again. */
void batch_write(struct driver *d)
{
	rx_account(&d->engine);
	write_superframes(d);
}
