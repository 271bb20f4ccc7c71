/* SPDX-License-Identifier: MIT */
/* The userspace engine on a machine: its descriptors, and the loop's callbacks that drive it. */
#include "driver/driver.h"

#include <errno.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/secret.h"
#include "path/ctrl.h"
#include "path/follow.h"
#include "path/rx.h"
#include "path/tx.h"
#include "udp/hints.h"
#include "underlay/names.h"
#include "underlay/sources.h"

/* Superframes read from one descriptor before others get their turn. */
#define TAP_BURST 32

/* Calls of recvmmsg for one socket before others get their turn. */
#define UDP_BURST 16

/* Sources that the rate limiter keeps in mind. */
#define LIMITER_SOURCES 8192

static void userspace_tick(struct userspace *u)
{
	engine_set_time(&u->engine, clock_mono(), clock_wall());
}

/* Others with the same source may have a way from it: they find out for themselves. */
static void forget_stale_source(struct userspace *u)
{
	const struct endpoint *stale = &u->udp.stale;

	LIST_FOR_EACH(l, &u->peers)
	{
		struct wg_peer *peer = &CONTAINER_OF(l, struct userspace_peer, link)->path.wg;
		const struct endpoint *e = &peer->endpoint;

		if (ip_addr_equal(&e->addr, &stale->addr) &&
			ip_addr_equal(&e->local, &stale->local) &&
			e->local_ifindex == stale->local_ifindex)
			wg_peer_clear_source(peer);
	}
	u->udp.source_stale = false;
}

static void flush_queue(struct userspace *u, struct train_queue *q)
{
	uint64_t errors = u->udp.send_errors;
	uint64_t calls = u->udp.send_calls;
	uint64_t sends = u->udp.sends;

	if (!q->n)
		return;
	sources_settle(u, q);
	udp_send(&u->udp, q);
	u->stats.trains_tx += u->udp.sends - sends;
	u->stats.syscalls += u->udp.send_calls - calls;
	u->engine.drops.n[DROP_TX_SEND] += u->udp.send_errors - errors;
	u->engine.joins = u->udp.offloads.segment;
	if (u->udp.source_stale)
		forget_stale_source(u);
}

static void flush(struct userspace *u)
{
	flush_queue(u, &u->engine.tx.heads);
	flush_queue(u, &u->engine.tx.tails);
	tx_reset(&u->engine);
}

static void finish(struct userspace *u)
{
	while (!ctrl_pump(&u->engine))
		flush(u);
	flush(u);
}

/* The answer to the sender of a frame that does not fit goes back where the frame came from. */
static void write_reply(struct userspace *u, struct userspace_port *p)
{
	const struct offload none = { 0 };
	struct iovec iov[2] = { [1] = { u->engine.tx.reply, u->engine.tx.reply_len } };

	u->stats.syscalls++;
	if (tap_write(&p->tap, &none, iov, 2) < 0)
		drop_count(&u->engine.drops, DROP_TAP_WRITE);
}

void userspace_unwatch(struct userspace *u, struct userspace_port *p)
{
	if (p->watched)
		loop_remove(u->loop, &p->watch);
	p->watched = false;
	tap_close(&p->tap);
}

/* Somebody has deleted the interface; its descriptor would be ready for ever. */
static void lose(struct userspace *u, struct userspace_port *p)
{
	userspace_unwatch(u, p);
	u->lost = p;
}

static void on_tap(void *ctx, uint32_t events)
{
	struct userspace_port *p = ctx;
	struct userspace *u = p->u;

	(void)events;
	userspace_tick(u);
	u->stats.batches_tx++;
	for (int i = 0; i < TAP_BURST; i++) {
		struct offload offload;
		int len = tap_read(&p->tap, u->frame, SUPERFRAME_MAX, &offload);

		u->stats.syscalls++;
		if (len == -EBADMSG) {
			drop_count(&u->engine.drops, DROP_TAP_VNET);
			continue;
		}
		if (len == -EBADFD)
			lose(u, p);
		if (len < 0)
			break;
		tx_begin(&u->engine, p->path, u->frame, (size_t)len, &offload);
		if (u->engine.tx.reply_len)
			write_reply(u, p);
		while (!tx_continue(&u->engine))
			flush(u);
	}
	if (u->engine.own.peer)
		sources_found_own(u);
	finish(u);
}

static void write_superframes(struct userspace *u)
{
	struct gso_superframe sf;
	struct path_port *port;

	while (rx_next(&u->engine, &sf, &port)) {
		struct userspace_port *p = port->user;

		u->stats.syscalls++;
		if (tap_write(&p->tap, &sf.offload, sf.iov, sf.n_iov) < 0) {
			u->engine.drops.n[DROP_TAP_WRITE] += sf.n_frames;
			port->stats.dropped_rx += sf.n_frames;
		}
	}
	rx_release(&u->engine);
}

static void take_datagrams(struct userspace *u, const struct udp_received *r)
{
	struct rx_train t = {
		.data = r->data, .len = r->len, .stride = r->stride, .from = r->from, .tos = r->tos
	};

	while (!rx_datagrams(&u->engine, &t)) {
		rx_account(&u->engine);
		write_superframes(u);
		flush(u);
	}
}

_Static_assert(UDP_HINT_QUOTE >= FOLLOW_QUOTE_LEN, "enough is quoted to authenticate a hint");

/* Routers' words about datagrams that were too large for them. */
static void take_hints(struct userspace *u, int fd)
{
	struct udp_hint hints[UDP_HINTS_MAX];
	int n = udp_hints_read(fd, hints);

	for (int i = 0; i < n; i++)
		follow_hint(
			&u->engine, &hints[i].to, hints[i].mtu, hints[i].quote, hints[i].quote_len);
}

/* Write what the calls so far have brought: their buffers are free again. */
static void end_batch(struct userspace *u)
{
	rx_account(&u->engine);
	write_superframes(u);
}

static void on_udp(struct userspace *u, int fd, uint32_t events)
{
	struct udp_received received[UDP_RECV_MAX];
	size_t at = 0; /* where in their buffers the next results go */
	int n = UDP_RECV_MAX;

	userspace_tick(u);
	if (events & EPOLLERR)
		take_hints(u, fd);
	u->stats.batches_rx++;
	for (int i = 0; i < UDP_BURST && n == UDP_RECV_MAX; i++) {
		size_t longest = 0;

		n = udp_receive(&u->udp, fd, u->buffers + at, received);
		u->stats.syscalls++;
		for (int k = 0; k < n; k++)
			rx_prefetch(&u->engine, received[k].data, received[k].len);
		for (int k = 0; k < n; k++) {
			u->stats.trains_rx++;
			longest = size_max(longest, received[k].len);
			take_datagrams(u, &received[k]);
		}
		at += size_align(longest, 64);
		if (at > UDP_RECV_SLACK) {
			end_batch(u);
			at = 0;
		}
	}
	end_batch(u);
	finish(u);
}

static void on_udp4(void *ctx, uint32_t events)
{
	struct userspace *u = ctx;

	on_udp(u, u->udp.fd4, events);
}

static void on_udp6(void *ctx, uint32_t events)
{
	struct userspace *u = ctx;

	on_udp(u, u->udp.fd6, events);
}

static struct engine_sizes engine_sizes_of(const struct userspace_sizes *sizes)
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

int userspace_open(struct loop *loop, const struct userspace_options *options,
	const struct userspace_sizes *sizes, struct userspace **ret)
{
	struct userspace *u = calloc(1, sizeof(*u));
	struct engine_sizes es = engine_sizes_of(sizes);
	int err = -ENOMEM;

	if (!u)
		return -ENOMEM;
	u->loop = loop;
	u->options = *options;
	u->tun = (struct userspace_port){ .u = u, .path = &u->engine.tun, .tap = { .fd = -1 } };
	u->udp = (struct udp){ .fd4 = -1, .fd6 = -1 };
	list_init(&u->peers);
	list_init(&u->tunnels);
	list_init(&u->sessions);
	u->memory_len = engine_memory(&es);
	u->memory = calloc(1, u->memory_len);
	u->frame = malloc(SUPERFRAME_MAX);
	u->buffers = malloc((size_t)UDP_RECV_MAX * UDP_RECV_STRIDE);
	if (!u->memory || !u->frame || !u->buffers)
		goto fail;
	err = engine_init(&u->engine, &es, u->memory, random_system(), options->aead);
	if (err < 0)
		goto fail;
	u->engine.tun.user = &u->tun;
	wg_device_set_up(&u->engine.wg, false);
	userspace_tick(u);
	*ret = u;
	return 0;
fail:
	free(u->buffers);
	free(u->frame);
	free(u->memory);
	free(u);
	return err;
}

int userspace_watch(struct userspace *u, struct userspace_port *p)
{
	int err;

	p->watch = (struct loop_watch){ .fd = p->tap.fd, .callback = on_tap, .ctx = p };
	err = loop_add(u->loop, &p->watch, EPOLLIN);
	if (!err)
		p->watched = true;
	return err;
}

static void unwatch_sockets(struct userspace *u, struct socket_watches *w)
{
	if (w->udp4.callback)
		loop_remove(u->loop, &w->udp4);
	if (w->udp6.callback)
		loop_remove(u->loop, &w->udp6);
	*w = (struct socket_watches){ 0 };
}

static void close_sockets(struct userspace *u)
{
	unwatch_sockets(u, &u->watches[u->watching]);
	udp_close(&u->udp);
}

static void free_blocks(struct userspace *u)
{
	while (u->blocks) {
		struct userspace_block *block = u->blocks;

		u->blocks = block->next;
		secret_wipe(block->memory, block->len); /* packets in the clear */
		free(block);
	}
}

void userspace_close(struct userspace *u)
{
	if (!u)
		return;
	close_sockets(u);
	userspace_unwatch(u, &u->tun);
	LIST_FOR_EACH_SAFE(l, next, &u->sessions)
	{
		struct userspace_session *s = CONTAINER_OF(l, struct userspace_session, link);

		userspace_unwatch(u, &s->io);
		engine_remove_session(&u->engine, &s->path);
		free(s);
	}
	LIST_FOR_EACH_SAFE(l, next, &u->tunnels)
	free(CONTAINER_OF(l, struct userspace_tunnel, link));
	LIST_FOR_EACH_SAFE(l, next, &u->peers)
	{
		struct userspace_peer *p = CONTAINER_OF(l, struct userspace_peer, link);

		names_forget(p);
		engine_remove_peer(&u->engine, &p->path);
		free(p);
	}
	names_close(u);
	sources_close(u);
	engine_fini(&u->engine);
	secret_wipe(u->memory, u->memory_len);
	if (u->grown)
		secret_wipe(u->grown, u->grown_len);
	free(u->grown);
	free_blocks(u);
	free(u->buffers);
	free(u->frame);
	free(u->memory);
	free(u);
}

static void merge_for_tun(struct userspace *u)
{
	engine_set_merge(&u->engine, &(struct gso_merge_caps){
					     .tcp4 = u->tun.tap.offloads.tso,
					     .tcp6 = u->tun.tap.offloads.tso,
					     .udp = u->tun.tap.offloads.uso,
				     });
}

int userspace_open_tun(struct userspace *u, const char *name)
{
	int err = tap_open(name, TAP_IP, u->options.tap, &u->tun.tap);

	if (err < 0)
		return err;
	merge_for_tun(u);
	u->tun_ifindex = if_nametoindex(u->tun.tap.name);
	return 0;
}

int userspace_adopt_tun(struct userspace *u, int fd)
{
	int err = tap_adopt(fd, u->options.tap, &u->tun.tap);

	if (!err && u->tun.tap.kind != TAP_IP)
		err = -EPROTOTYPE;
	if (err < 0)
		return err;
	merge_for_tun(u);
	u->tun_ifindex = if_nametoindex(u->tun.tap.name);
	return 0;
}

/* Room for what peers share. */
static int grow_shared(struct userspace *u, size_t peers)
{
	size_t len = engine_growth(&u->engine, peers);
	struct userspace_block *block;

	if (!len)
		return 0;
	block = calloc(1, sizeof(*block) + len);
	if (!block)
		return -ENOMEM;
	block->len = len;
	block->next = u->blocks;
	u->blocks = block;
	engine_grow(&u->engine, peers, block->memory);
	return 0;
}

int userspace_grow(struct userspace *u, size_t peers, size_t allowed_ips)
{
	struct wg_sizes sizes = u->engine.wg.sizes;
	size_t len;
	void *memory;
	int err = grow_shared(u, peers);

	if (err < 0 || (peers <= sizes.peers && allowed_ips <= sizes.allowed_ips))
		return err;
	sizes.peers = size_max(sizes.peers, peers);
	sizes.allowed_ips = size_max(sizes.allowed_ips, allowed_ips);
	len = wg_device_memory(&sizes);
	memory = calloc(1, len);
	if (!memory)
		return -ENOMEM;
	err = wg_device_resize(&u->engine.wg, &sizes, memory);
	if (err < 0) {
		free(memory);
		return err;
	}
	if (u->grown) {
		secret_wipe(u->grown, u->grown_len);
		free(u->grown);
	}
	u->grown = memory;
	u->grown_len = len;
	return 0;
}

uint64_t userspace_memory(const struct userspace *u)
{
	uint64_t sum = u->memory_len + u->grown_len + sizeof(*u) + SUPERFRAME_MAX +
		       (uint64_t)UDP_RECV_MAX * UDP_RECV_STRIDE;

	for (const struct userspace_block *block = u->blocks; block; block = block->next)
		sum += block->len;
	return sum;
}

static int watch_socket(
	struct userspace *u, int fd, loop_callback *callback, struct loop_watch *ret)
{
	int err;

	if (fd < 0)
		return 0;
	*ret = (struct loop_watch){ .fd = fd, .callback = callback, .ctx = u };
	err = loop_add(u->loop, ret, EPOLLIN);
	if (err < 0)
		ret->callback = NULL;
	return err;
}

/* Watch both sockets. Return: 0, or -errno with none of them watched. */
static int watch_sockets(struct userspace *u, const struct udp *udp, struct socket_watches *w)
{
	int err = watch_socket(u, udp->fd4, on_udp4, &w->udp4);

	if (!err)
		err = watch_socket(u, udp->fd6, on_udp6, &w->udp6);
	if (err < 0)
		unwatch_sockets(u, w);
	return err;
}

static int open_sockets(const struct userspace *u, uint16_t port, uint32_t fwmark, struct udp *ret)
{
	int err = udp_open(port, fwmark, u->options.udp, ret);

	if (err < 0)
		return err;
	err = udp_set_df(ret, u->df);
	if (err < 0)
		udp_close(ret);
	return err;
}

static int watch_ports(struct userspace *u)
{
	int err = u->tun.watched ? 0 : userspace_watch(u, &u->tun);

	LIST_FOR_EACH(l, &u->sessions)
	{
		struct userspace_port *io = &CONTAINER_OF(l, struct userspace_session, link)->io;

		if (!err && !io->watched)
			err = userspace_watch(u, io);
	}
	return err;
}

int userspace_start(struct userspace *u, uint16_t port, uint32_t fwmark)
{
	int err;

	u->wanted = true;
	err = watch_ports(u);
	if (!err)
		err = open_sockets(u, port, fwmark, &u->udp);
	if (!err)
		err = watch_sockets(u, &u->udp, &u->watches[u->watching]);
	if (err < 0) {
		close_sockets(u);
		return err;
	}
	sources_open(u);
	sources_doubt(u); /* it may say otherwise by now */
	u->fwmark = fwmark;
	u->running = true;
	wg_device_set_up(&u->engine.wg, true);
	userspace_work(u);
	return 0;
}

void userspace_stop(struct userspace *u)
{
	u->wanted = false;
	u->running = false;
	close_sockets(u);
	wg_device_set_up(&u->engine.wg, false);
	LIST_FOR_EACH(l, &u->peers)
	{
		struct path_peer *p = &CONTAINER_OF(l, struct userspace_peer, link)->path;

		engine_drop_staged(&u->engine, p);
	}
}

/* Exchange the sockets for others. Return: 0, or -errno with the old ones as they were. */
static int exchange_sockets(struct userspace *u, uint16_t port, uint32_t fwmark)
{
	struct udp udp;
	int err = open_sockets(u, port, fwmark, &udp);

	if (err < 0)
		return err;
	err = watch_sockets(u, &udp, &u->watches[!u->watching]);
	if (err < 0) {
		udp_close(&udp);
		return err;
	}
	/* what has come to the old ones is not lost */
	if (u->udp.fd4 >= 0)
		on_udp(u, u->udp.fd4, 0);
	if (u->udp.fd6 >= 0)
		on_udp(u, u->udp.fd6, 0);
	close_sockets(u);
	u->udp = udp;
	u->watching = !u->watching;
	return 0;
}

int userspace_rebind(struct userspace *u, uint16_t port, uint32_t fwmark)
{
	int err = 0;

	if (!u->running && u->wanted)
		return userspace_start(u, port, fwmark);
	if (!u->running) {
		u->udp.port = port;
		u->fwmark = fwmark;
		return 0;
	}
	if (port != u->udp.port)
		err = exchange_sockets(u, port, fwmark);
	else if (fwmark != u->fwmark)
		err = udp_set_fwmark(&u->udp, fwmark);
	else
		return 0;
	if (err < 0)
		return err;
	u->fwmark = fwmark;
	sources_doubt(u);
	LIST_FOR_EACH(l, &u->peers)
	{
		struct wg_peer *peer = &CONTAINER_OF(l, struct userspace_peer, link)->path.wg;

		wg_peer_clear_source(peer);
		wg_peer_reconsider(&u->engine.wg, peer);
	}
	return 0;
}

int userspace_set_df(struct userspace *u, enum udp_df df)
{
	u->df = df;
	return u->running ? udp_set_df(&u->udp, df) : 0;
}

void userspace_work(struct userspace *u)
{
	userspace_tick(u);
	ctrl_timers(&u->engine);
	names_run(u);
	if (u->wanted)
		finish(u);
}

void userspace_tidy(struct userspace *u)
{
	if (!u->engine.wg.spent)
		return;
	wg_device_tidy(&u->engine.wg);
	aead_forget(&u->engine.aead);
	secret_wipe_stack();
}

struct mono userspace_deadline(const struct userspace *u)
{
	return engine_deadline(&u->engine);
}
