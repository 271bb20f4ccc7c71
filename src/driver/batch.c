/* SPDX-License-Identifier: MIT */
/* The work of one wake-up: send trains and write superframes until none are left. */
#include "driver/batch.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "path/control.h"
#include "path/rx.h"

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

static void flush_queue(struct driver *d, struct train_queue *q, struct drop_counters *drops)
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
	drops->n[DROP_TX_SEND] += d->udp.send_errors - errors;
	d->engine.tx.joins = d->udp.offloads.segment;
	if (events & UDP_TOO_BIG)
		d->engine.events |= ENGINE_TOO_BIG;
	if (events & UDP_SOURCE_STALE)
		forget_stale_source(d);
}

static void flush(struct driver *d, struct emit *out)
{
	flush_queue(d, &out->heads, &out->counters->drops);
	flush_queue(d, &out->tails, &out->counters->drops);
	emit_reset(out);
}

void batch_flush(struct driver *d)
{
	flush(d, &d->engine.tx.out);
}

void batch_finish(struct driver *d)
{
	bool done;

	batch_flush(d);
	do {
		done = control_pump(&d->engine);
		flush(d, &d->engine.control.out);
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
			d->engine.rx.counters.drops.n[DROP_TAP_WRITE] += sf.n_frames;
			port->stats.rx.dropped += sf.n_frames;
		}
	}
}

void batch_receive(struct driver *d, const struct udp_received *r)
{
	struct rx_train t = {
		.data = r->data, .len = r->len, .stride = r->stride, .from = r->from, .tos = r->tos
	};

	while (!rx_datagrams(&d->engine.rx, &t)) {
		batch_write(d);
		batch_finish(d);
	}
}
