/* SPDX-License-Identifier: MIT */
/* The userspace engine on a machine: its descriptors, and the loop's callbacks that drive it. */
#include "driver/driver.h"

#include <errno.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/secret.h"
#include "path/control.h"
#include "path/peer_pmtu.h"
#include "path/rx.h"
#include "path/tx.h"
#include "udp/hints.h"

/* Superframes read from one descriptor before others get their turn. */
#define TAP_BURST 32

/* Calls of recvmmsg for one socket before others get their turn. */
#define UDP_BURST 16

/* Sources that the rate limiter keeps in mind. */
#define LIMITER_SOURCES 8192

static void driver_tick(struct driver *d)
{
	engine_set_time(&d->engine, clock_mono(), clock_wall());
}

/* Others with the same source may have a way from it: they find out for themselves. */
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
	d->udp.source_stale = false;
}

static void flush_queue(struct driver *d, struct train_queue *q)
{
	uint64_t errors = d->udp.send_errors;
	uint64_t calls = d->udp.send_calls;
	uint64_t sends = d->udp.sends;

	if (!q->n)
		return;
	d->underlay.check_trains(d->underlay.ctx, q);
	udp_send(&d->udp, q);
	d->stats.trains_tx += d->udp.sends - sends;
	d->stats.syscalls += d->udp.send_calls - calls;
	d->engine.drops.n[DROP_TX_SEND] += d->udp.send_errors - errors;
	d->engine.joins = d->udp.offloads.segment;
	if (d->udp.source_stale)
		forget_stale_source(d);
}

static void flush(struct driver *d)
{
	flush_queue(d, &d->engine.tx.heads);
	flush_queue(d, &d->engine.tx.tails);
	tx_reset(&d->engine);
}

static void finish(struct driver *d)
{
	while (!control_pump(&d->engine))
		flush(d);
	flush(d);
}

/* The answer to the sender of a frame that does not fit goes back where the frame came from. */
static void write_reply(struct driver *d, struct driver_port *p)
{
	const struct offload none = { 0 };
	struct iovec iov[2] = { [1] = { d->engine.tx.reply, d->engine.tx.reply_len } };

	d->stats.syscalls++;
	if (tap_write(&p->tap, &none, iov, 2) < 0)
		drop_count(&d->engine.drops, DROP_TAP_WRITE);
}

void driver_unwatch(struct driver *d, struct driver_port *p)
{
	if (p->watched)
		loop_remove(d->loop, &p->watch);
	p->watched = false;
	tap_close(&p->tap);
}

/* Somebody has deleted the interface; its descriptor would be ready for ever. */
static void handle_deleted_interface(struct driver *d, struct driver_port *p)
{
	driver_unwatch(d, p);
	d->lost = p;
}

static void on_tap(void *ctx, uint32_t events)
{
	struct driver_port *p = ctx;
	struct driver *d = p->d;

	(void)events;
	driver_tick(d);
	d->stats.batches_tx++;
	for (int i = 0; i < TAP_BURST; i++) {
		struct offload offload;
		int len = tap_read(&p->tap, d->frame, SUPERFRAME_MAX, &offload);

		d->stats.syscalls++;
		if (len == -EBADMSG) {
			drop_count(&d->engine.drops, DROP_TAP_VNET);
			continue;
		}
		if (len == -EBADFD)
			handle_deleted_interface(d, p);
		if (len < 0)
			break;
		tx_begin(&d->engine, p->path, d->frame, (size_t)len, &offload);
		if (d->engine.tx.reply_len)
			write_reply(d, p);
		while (!tx_continue(&d->engine))
			flush(d);
	}
	if (d->engine.own.peer)
		d->underlay.found_own(d->underlay.ctx);
	finish(d);
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

static void take_datagrams(struct driver *d, const struct udp_received *r)
{
	struct rx_train t = {
		.data = r->data, .len = r->len, .stride = r->stride, .from = r->from, .tos = r->tos
	};

	while (!rx_datagrams(&d->engine, &t)) {
		rx_account(&d->engine);
		write_superframes(d);
		flush(d);
	}
}

_Static_assert(UDP_HINT_QUOTE >= PEER_PMTU_QUOTE_LEN, "enough is quoted to authenticate a hint");

/* Routers' words about datagrams that were too large for them. */
static void take_hints(struct driver *d, int fd)
{
	struct udp_hint hints[UDP_HINTS_MAX];
	int n = udp_hints_read(fd, hints);

	for (int i = 0; i < n; i++)
		peer_pmtu_hint(
			&d->engine, &hints[i].to, hints[i].mtu, hints[i].quote, hints[i].quote_len);
}

/* Write what the calls so far have brought: their buffers are free again. */
static void end_batch(struct driver *d)
{
	rx_account(&d->engine);
	write_superframes(d);
}

static void on_udp(struct driver *d, int fd, uint32_t events)
{
	struct udp_received received[UDP_RECV_MAX];
	size_t at = 0; /* where in their buffers the next results go */
	int n = UDP_RECV_MAX;

	driver_tick(d);
	if (events & EPOLLERR)
		take_hints(d, fd);
	d->stats.batches_rx++;
	for (int i = 0; i < UDP_BURST && n == UDP_RECV_MAX; i++) {
		size_t longest = 0;

		n = udp_receive(&d->udp, fd, d->buffers + at, received);
		d->stats.syscalls++;
		for (int k = 0; k < n; k++)
			rx_prefetch(&d->engine, received[k].data, received[k].len);
		for (int k = 0; k < n; k++) {
			d->stats.trains_rx++;
			longest = size_max(longest, received[k].len);
			take_datagrams(d, &received[k]);
		}
		at += size_align(longest, 64);
		if (at > UDP_RECV_SLACK) {
			end_batch(d);
			at = 0;
		}
	}
	end_batch(d);
	finish(d);
}

static void on_udp4(void *ctx, uint32_t events)
{
	struct driver *d = ctx;

	on_udp(d, d->udp.fd4, events);
}

static void on_udp6(void *ctx, uint32_t events)
{
	struct driver *d = ctx;

	on_udp(d, d->udp.fd6, events);
}

static struct engine_sizes engine_sizes_of(const struct driver_sizes *sizes)
{
	return (struct engine_sizes){
		.wg = {
			.peers = sizes->peers,
			.allowed_ips = sizes->allowed_ips,
			.sources = LIMITER_SOURCES,
		},
		.packet_max = sizes->packet_max,
	};
}

/* ---- without an underlay ---- */

static void sockets_changed(void *ctx)
{
}

static void check_trains(void *ctx, struct train_queue *q)
{
}

static void found_own(void *ctx)
{
}

static int set_name(void *ctx, struct path_peer *peer, const char *host, uint16_t port, bool moves)
{
	return -EOPNOTSUPP;
}

static void forget_name(void *ctx, struct path_peer *peer)
{
}

static void work(void *ctx)
{
}

static const struct driver_underlay no_underlay = {
	.sockets_changed = sockets_changed,
	.check_trains = check_trains,
	.found_own = found_own,
	.set_name = set_name,
	.forget_name = forget_name,
	.work = work,
};

/* ---- the driver ---- */

int driver_open(struct loop *loop, const struct driver_options *options,
	const struct driver_sizes *sizes, const struct driver_underlay *underlay,
	struct driver **ret)
{
	struct driver *d = calloc(1, sizeof(*d));
	struct engine_sizes es = engine_sizes_of(sizes);
	int err = -ENOMEM;

	if (!d)
		return -ENOMEM;
	d->loop = loop;
	d->options = *options;
	d->underlay = underlay ? *underlay : no_underlay;
	d->tun = (struct driver_port){ .d = d, .path = &d->engine.tun, .tap = { .fd = -1 } };
	d->udp = (struct udp){ .fd4 = -1, .fd6 = -1 };
	list_init(&d->peers);
	list_init(&d->tunnels);
	list_init(&d->sessions);
	d->memory_len = engine_memory(&es);
	d->memory = calloc(1, d->memory_len);
	d->frame = malloc(SUPERFRAME_MAX);
	d->buffers = malloc((size_t)UDP_RECV_MAX * UDP_RECV_STRIDE);
	if (!d->memory || !d->frame || !d->buffers)
		goto fail;
	err = engine_init(&d->engine, &es, d->memory, random_system(), options->aead);
	if (err < 0)
		goto fail;
	d->engine.tun.user = &d->tun;
	wg_device_set_up(&d->engine.wg, false);
	driver_tick(d);
	*ret = d;
	return 0;
fail:
	free(d->buffers);
	free(d->frame);
	free(d->memory);
	free(d);
	return err;
}

int driver_watch(struct driver *d, struct driver_port *p)
{
	int err;

	p->watch = (struct loop_watch){ .fd = p->tap.fd, .callback = on_tap, .ctx = p };
	err = loop_add(d->loop, &p->watch, EPOLLIN);
	if (!err)
		p->watched = true;
	return err;
}

static void unwatch_sockets(struct driver *d, struct socket_watches *w)
{
	if (w->udp4.callback)
		loop_remove(d->loop, &w->udp4);
	if (w->udp6.callback)
		loop_remove(d->loop, &w->udp6);
	*w = (struct socket_watches){ 0 };
}

static void close_sockets(struct driver *d)
{
	unwatch_sockets(d, &d->watches[d->watching]);
	udp_close(&d->udp);
}

static void free_blocks(struct driver *d)
{
	while (d->blocks) {
		struct driver_block *block = d->blocks;

		d->blocks = block->next;
		secret_wipe(block->memory, block->len); /* packets in the clear */
		free(block);
	}
}

void driver_close(struct driver *d)
{
	if (!d)
		return;
	close_sockets(d);
	driver_unwatch(d, &d->tun);
	LIST_FOR_EACH_SAFE(l, next, &d->sessions)
	{
		struct driver_session *s = CONTAINER_OF(l, struct driver_session, link);

		driver_unwatch(d, &s->io);
		engine_remove_session(&d->engine, &s->path);
		free(s);
	}
	LIST_FOR_EACH_SAFE(l, next, &d->tunnels)
	free(CONTAINER_OF(l, struct driver_tunnel, link));
	LIST_FOR_EACH_SAFE(l, next, &d->peers)
	{
		struct driver_peer *p = CONTAINER_OF(l, struct driver_peer, link);

		d->underlay.forget_name(d->underlay.ctx, &p->path);
		engine_remove_peer(&d->engine, &p->path);
		free(p);
	}
	engine_fini(&d->engine);
	secret_wipe(d->memory, d->memory_len);
	if (d->grown)
		secret_wipe(d->grown, d->grown_len);
	free(d->grown);
	free_blocks(d);
	free(d->buffers);
	free(d->frame);
	free(d->memory);
	free(d);
}

static void merge_for_tun(struct driver *d)
{
	engine_set_merge(&d->engine, &(struct gso_merge_caps){
					     .tcp4 = d->tun.tap.offloads.tso,
					     .tcp6 = d->tun.tap.offloads.tso,
					     .udp = d->tun.tap.offloads.uso,
				     });
}

int driver_open_tun(struct driver *d, const char *name)
{
	int err = tap_open(name, TAP_IP, d->options.tap, &d->tun.tap);

	if (err < 0)
		return err;
	merge_for_tun(d);
	d->tun_ifindex = if_nametoindex(d->tun.tap.name);
	return 0;
}

int driver_adopt_tun(struct driver *d, int fd)
{
	int err = tap_adopt(fd, d->options.tap, &d->tun.tap);

	if (!err && d->tun.tap.kind != TAP_IP)
		err = -EPROTOTYPE;
	if (err < 0)
		return err;
	merge_for_tun(d);
	d->tun_ifindex = if_nametoindex(d->tun.tap.name);
	return 0;
}

/* Room for what peers share. */
static int grow_shared(struct driver *d, size_t peers)
{
	size_t len = engine_growth(&d->engine, peers);
	struct driver_block *block;

	if (!len)
		return 0;
	block = calloc(1, sizeof(*block) + len);
	if (!block)
		return -ENOMEM;
	block->len = len;
	block->next = d->blocks;
	d->blocks = block;
	engine_grow(&d->engine, peers, block->memory);
	return 0;
}

int driver_grow(struct driver *d, size_t peers, size_t allowed_ips)
{
	struct wg_sizes sizes = d->engine.wg.sizes;
	size_t len;
	void *memory;
	int err = grow_shared(d, peers);

	if (err < 0 || (peers <= sizes.peers && allowed_ips <= sizes.allowed_ips))
		return err;
	sizes.peers = size_max(sizes.peers, peers);
	sizes.allowed_ips = size_max(sizes.allowed_ips, allowed_ips);
	len = wg_device_memory(&sizes);
	memory = calloc(1, len);
	if (!memory)
		return -ENOMEM;
	err = wg_device_resize(&d->engine.wg, &sizes, memory);
	if (err < 0) {
		free(memory);
		return err;
	}
	if (d->grown) {
		secret_wipe(d->grown, d->grown_len);
		free(d->grown);
	}
	d->grown = memory;
	d->grown_len = len;
	return 0;
}

uint64_t driver_memory(const struct driver *d)
{
	uint64_t sum = d->memory_len + d->grown_len + sizeof(*d) + SUPERFRAME_MAX +
		       (uint64_t)UDP_RECV_MAX * UDP_RECV_STRIDE;

	for (const struct driver_block *block = d->blocks; block; block = block->next)
		sum += block->len;
	return sum;
}

static int watch_socket(struct driver *d, int fd, loop_callback *callback, struct loop_watch *ret)
{
	int err;

	if (fd < 0)
		return 0;
	*ret = (struct loop_watch){ .fd = fd, .callback = callback, .ctx = d };
	err = loop_add(d->loop, ret, EPOLLIN);
	if (err < 0)
		ret->callback = NULL;
	return err;
}

/* Watch both sockets. Return: 0, or -errno with none of them watched. */
static int watch_sockets(struct driver *d, const struct udp *udp, struct socket_watches *w)
{
	int err = watch_socket(d, udp->fd4, on_udp4, &w->udp4);

	if (!err)
		err = watch_socket(d, udp->fd6, on_udp6, &w->udp6);
	if (err < 0)
		unwatch_sockets(d, w);
	return err;
}

static int open_sockets(const struct driver *d, uint16_t port, uint32_t fwmark, struct udp *ret)
{
	int err = udp_open(port, fwmark, d->options.udp, ret);

	if (err < 0)
		return err;
	err = udp_set_df(ret, d->df);
	if (err < 0)
		udp_close(ret);
	return err;
}

static int watch_ports(struct driver *d)
{
	int err = d->tun.watched ? 0 : driver_watch(d, &d->tun);

	LIST_FOR_EACH(l, &d->sessions)
	{
		struct driver_port *io = &CONTAINER_OF(l, struct driver_session, link)->io;

		if (!err && !io->watched)
			err = driver_watch(d, io);
	}
	return err;
}

int driver_start(struct driver *d, uint16_t port, uint32_t fwmark)
{
	int err;

	d->wanted = true;
	err = watch_ports(d);
	if (!err)
		err = open_sockets(d, port, fwmark, &d->udp);
	if (!err)
		err = watch_sockets(d, &d->udp, &d->watches[d->watching]);
	if (err < 0) {
		close_sockets(d);
		return err;
	}
	d->fwmark = fwmark;
	d->running = true;
	d->underlay.sockets_changed(d->underlay.ctx);
	wg_device_set_up(&d->engine.wg, true);
	driver_work(d);
	return 0;
}

void driver_stop(struct driver *d)
{
	d->wanted = false;
	d->running = false;
	close_sockets(d);
	wg_device_set_up(&d->engine.wg, false);
	LIST_FOR_EACH(l, &d->peers)
	{
		struct path_peer *p = &CONTAINER_OF(l, struct driver_peer, link)->path;

		engine_drop_staged(&d->engine, p);
	}
}

/* Exchange the sockets for others. Return: 0, or -errno with the old ones as they were. */
static int exchange_sockets(struct driver *d, uint16_t port, uint32_t fwmark)
{
	struct udp udp;
	int err = open_sockets(d, port, fwmark, &udp);

	if (err < 0)
		return err;
	err = watch_sockets(d, &udp, &d->watches[!d->watching]);
	if (err < 0) {
		udp_close(&udp);
		return err;
	}
	/* what has come to the old ones is not lost */
	if (d->udp.fd4 >= 0)
		on_udp(d, d->udp.fd4, 0);
	if (d->udp.fd6 >= 0)
		on_udp(d, d->udp.fd6, 0);
	close_sockets(d);
	d->udp = udp;
	d->watching = !d->watching;
	return 0;
}

int driver_rebind(struct driver *d, uint16_t port, uint32_t fwmark)
{
	int err = 0;

	if (!d->running && d->wanted)
		return driver_start(d, port, fwmark);
	if (!d->running) {
		d->udp.port = port;
		d->fwmark = fwmark;
		return 0;
	}
	if (port != d->udp.port)
		err = exchange_sockets(d, port, fwmark);
	else if (fwmark != d->fwmark)
		err = udp_set_fwmark(&d->udp, fwmark);
	else
		return 0;
	if (err < 0)
		return err;
	d->fwmark = fwmark;
	d->underlay.sockets_changed(d->underlay.ctx);
	LIST_FOR_EACH(l, &d->peers)
	{
		struct wg_peer *peer = &CONTAINER_OF(l, struct driver_peer, link)->path.wg;

		wg_peer_clear_source(peer);
		wg_peer_reconsider(&d->engine.wg, peer);
	}
	return 0;
}

int driver_set_df(struct driver *d, enum udp_df df)
{
	d->df = df;
	return d->running ? udp_set_df(&d->udp, df) : 0;
}

void driver_work(struct driver *d)
{
	driver_tick(d);
	control_timers(&d->engine);
	d->underlay.work(d->underlay.ctx);
	if (d->wanted)
		finish(d);
}

void driver_tidy(struct driver *d)
{
	if (!d->engine.wg.spent)
		return;
	wg_device_tidy(&d->engine.wg);
	aead_forget(&d->engine.aead);
	secret_wipe_stack();
}

struct mono driver_deadline(const struct driver *d)
{
	return engine_deadline(&d->engine);
}
