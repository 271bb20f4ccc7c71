/* SPDX-License-Identifier: MIT */
/* The driver's UDP sockets: open, watch, read and replace them. */
#include "driver/sockets.h"

#include <errno.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "driver/batch.h"
#include "driver/block.h"
#include "path/peer_pmtu.h"
#include "path/rx.h"
#include "udp/hints.h"

/* Most calls of recvmmsg for one socket before the other descriptors are served; merged datagrams
 * are limited by DRIVER_BURST before. */
#define UDP_BURST 16

/* Most bursts read from a socket before it is closed: a full receive buffer. */
#define DRAIN_BURSTS 64

_Static_assert(UDP_HINT_QUOTE >= PEER_PMTU_QUOTE_LEN, "enough is quoted to authenticate a hint");

/* Read ICMP too-big errors from the socket's error queue. */
static void take_hints(struct driver *d, int fd)
{
	struct udp_hint hints[UDP_HINTS_MAX];
	int n = udp_hints_read(fd, hints);

	for (int i = 0; i < n; i++)
		peer_pmtu_hint(
			&d->engine, &hints[i].to, hints[i].mtu, hints[i].quote, hints[i].quote_len);
}

/* Return: whether more may be queued. */
static bool on_udp(struct driver *d, int fd, uint32_t events)
{
	struct udp_received received[UDP_RECV_MAX];
	size_t at = 0; /* offset in the buffers for the next results */
	int n = UDP_RECV_MAX;
	size_t bytes = 0;

	batch_begin(d);
	if (events & EPOLLERR)
		take_hints(d, fd);
	if (events & EPOLLOUT)
		block_end(d); /* batch_finish() sends what is left */
	d->stats.batches_rx++;
	for (int i = 0; i < UDP_BURST && n == UDP_RECV_MAX && bytes < DRIVER_BURST; i++) {
		size_t longest = 0;

		n = udp_receive(&d->udp, fd, d->buffers + at, received);
		d->stats.syscalls++;
		for (int k = 0; k < n; k++)
			rx_prefetch(&d->engine.rx, received[k].data, received[k].len);
		for (int k = 0; k < n; k++) {
			d->stats.trains_rx++;
			longest = size_max(longest, received[k].len);
			bytes += received[k].len;
			batch_receive(d, &received[k]);
		}
		at += size_align(longest, 64);
		if (at > UDP_RECV_SLACK) {
			batch_write(d);
			at = 0;
		}
	}
	batch_write(d);
	batch_finish(d);
	return n == UDP_RECV_MAX;
}

/* Read what a socket has queued before it is closed, so that it is not lost: no more than its
 * buffer can have, as more may come all the time. */
static void drain(struct driver *d, int fd)
{
	for (int i = 0; fd >= 0 && i < DRAIN_BURSTS && on_udp(d, fd, 0); i++)
		;
}

static void on_udp4(void *ctx, uint32_t events)
{
	struct driver *d = ctx;

	(void)on_udp(d, d->udp.fd4, events);
}

static void on_udp6(void *ctx, uint32_t events)
{
	struct driver *d = ctx;

	(void)on_udp(d, d->udp.fd6, events);
}

static void on_retired4(void *ctx, uint32_t events)
{
	struct driver *d = ctx;

	(void)on_udp(d, d->retired.fd4, events);
}

static void on_retired6(void *ctx, uint32_t events)
{
	struct driver *d = ctx;

	(void)on_udp(d, d->retired.fd6, events);
}

static void unwatch_sockets(struct driver *d, struct socket_watches *w)
{
	if (w->udp4.callback)
		loop_remove(d->loop, &w->udp4);
	if (w->udp6.callback)
		loop_remove(d->loop, &w->udp6);
	*w = (struct socket_watches){ 0 };
}

static void close_retired(struct driver *d)
{
	unwatch_sockets(d, &d->watches[!d->watching]);
	udp_close(&d->retired);
	d->retired_until = MONO_NEVER;
}

void sockets_end_retired(struct driver *d)
{
	drain(d, d->retired.fd4);
	drain(d, d->retired.fd6);
	close_retired(d);
}

void sockets_close(struct driver *d)
{
	block_end(d);
	close_retired(d);
	unwatch_sockets(d, &d->watches[d->watching]);
	udp_close(&d->udp);
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
int sockets_watch(struct driver *d, const struct udp *udp, struct socket_watches *w)
{
	int err = watch_socket(d, udp->fd4, on_udp4, &w->udp4);

	if (!err)
		err = watch_socket(d, udp->fd6, on_udp6, &w->udp6);
	if (err < 0)
		unwatch_sockets(d, w);
	return err;
}

int sockets_offer(struct driver *d, int fd4, int fd6)
{
	return d->offered_udp.port ? -EBUSY : udp_adopt(fd4, fd6, d->options.udp, &d->offered_udp);
}

/* Use the sockets that were offered, if they have this port (0: any). Return: whether they do. */
static bool take_offered(struct driver *d, uint16_t port, struct udp *ret)
{
	if (!d->offered_udp.port || (port && port != d->offered_udp.port))
		return false;
	*ret = d->offered_udp;
	d->offered_udp = (struct udp){ .fd4 = -1, .fd6 = -1 };
	return true;
}

int sockets_mark(struct driver *d, struct udp *udp, uint32_t fwmark)
{
	return d->opener ? d->opener->mark(d->opener->ctx, fwmark) : udp_set_fwmark(udp, fwmark);
}

int sockets_try(const struct driver *d, uint16_t port, uint32_t fwmark)
{
	struct udp udp;
	int err;

	if (d->opener)
		return d->opener->try(d->opener->ctx, port, fwmark);
	err = udp_open(port, fwmark, d->options.udp, &udp);
	if (!err)
		udp_close(&udp);
	return err;
}

/* Open new sockets. Return: 0 or -errno. */
static int open_new(struct driver *d, uint16_t port, uint32_t fwmark, struct udp *ret)
{
	return d->opener ? d->opener->open(d->opener->ctx, port, fwmark, ret)
			 : udp_open(port, fwmark, d->options.udp, ret);
}

int sockets_open(struct driver *d, uint16_t port, uint32_t fwmark, struct udp *ret)
{
	bool offered = take_offered(d, port, ret);
	int err = offered ? 0 : open_new(d, port, fwmark, ret);

	if (err < 0)
		return err;
	if (offered)
		err = sockets_mark(d, ret, fwmark);
	if (!err)
		err = udp_set_df(ret, d->df);
	if (err < 0)
		udp_close(ret);
	return err;
}

/* Receive from the sockets for a while longer, but send by `udp`, watched by the other pair. */
static void retire(struct driver *d, const struct udp *udp)
{
	struct socket_watches *w = &d->watches[d->watching];

	block_end(d);
	if (w->udp4.callback)
		w->udp4.callback = on_retired4;
	if (w->udp6.callback)
		w->udp6.callback = on_retired6;
	d->retired = d->udp;
	d->retired_until = mono_add(clock_mono(), SOCKETS_RETIRED_NS);
	d->udp = *udp;
	d->watching = !d->watching;
}

int sockets_exchange(struct driver *d, uint16_t port, uint32_t fwmark)
{
	struct udp udp;
	int err;

	sockets_end_retired(d); /* they may have this port */
	err = sockets_open(d, port, fwmark, &udp);
	if (err < 0)
		return err;
	err = sockets_watch(d, &udp, &d->watches[!d->watching]);
	if (err < 0) {
		udp_close(&udp);
		return err;
	}
	retire(d, &udp);
	return 0;
}
