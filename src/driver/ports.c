/* SPDX-License-Identifier: MIT */
/* The driver's TAPs and its TUN: open, watch and read them. */
#include "driver/ports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "driver/batch.h"
#include "netlink/ifindex.h"
#include "path/tx.h"

/* Most frames of one descriptor that are processed before the other descriptors are served; long
 * ones are limited by DRIVER_BURST before. */
#define TAP_BURST 32

/* Write the answer to a frame that was too large (ICMP) back to the port that it came from. */
static void write_answer(struct driver *d, struct driver_port *p, const struct tx_answer *answer)
{
	const struct offload none = { 0 };
	struct iovec iov[2] = { [1] = { answer->bytes, answer->len } };

	d->stats.syscalls++;
	if (tap_write(&p->tap, &none, iov, 2) < 0)
		drop_count(&d->engine.tx.counters.drops, DROP_TAP_WRITE);
}

/* Drop what was read from a port that is closed. */
static void forget(struct driver *d, struct driver_port *p)
{
	unsigned dropped = ahead_forget(&d->ahead, p);

	drop_add(&d->engine.tx.counters.drops, DROP_TX_QUEUE, dropped);
	p->path->stats.tx.dropped += dropped;
}

void ports_unwatch(struct driver *d, struct driver_port *p)
{
	forget(d, p);
	if (p->watched)
		loop_remove(d->loop, &p->watch);
	p->watched = false;
	tap_close(&p->tap);
}

/* Another process deleted the interface. Stop watching its descriptor, which would stay
 * readable. */
static void handle_deleted_interface(struct driver *d, struct driver_port *p)
{
	ports_unwatch(d, p);
	d->engine.events |= ENGINE_PORT_LOST;
}

/* Read a port until it is empty or all buffers are full. Return: whether there may be more. */
static bool fill(struct driver *d, struct driver_port *p)
{
	struct ahead_frame *f;

	for (int i = 0; i < AHEAD_MAX && (f = ahead_room(&d->ahead)); i++) {
		int len = tap_read(&p->tap, f->buffer, TAP_BUFFER_LEN, &f->offload);

		d->stats.syscalls++;
		if (len == -EBADMSG) {
			drop_count(&d->engine.tx.counters.drops, DROP_TAP_VNET);
			continue;
		}
		if (len == -EBADFD)
			handle_deleted_interface(d, p);
		if (len < 0)
			return false;
		f->port = p;
		f->len = (size_t)len;
		f->ethernet = p->path->session;
		ahead_push(&d->ahead);
	}
	return true;
}

/* Turn a superframe into datagrams, and send them when the trains are full. */
static void process(struct driver *d, struct ahead_frame *f)
{
	struct driver_port *p = f->port;
	struct tx_answer answer;

	answer = tx_begin(&d->engine.tx, &d->job, p->path, f->bytes, f->len, &f->offload);
	if (answer.len)
		write_answer(d, p, &answer);
	while (!tx_continue(&d->engine.tx, &d->job))
		batch_flush(d);
	ahead_free(&d->ahead, f);
	if (answer.own.peer)
		d->underlay.found_own(d->underlay.ctx, p->path, &answer.own);
}

/* The frame to be processed next, or NULL: none, or the sockets take nothing. */
static struct ahead_frame *next_frame(struct driver *d)
{
	struct ahead_frame *f;

	if (d->engine.tx.blocked)
		return NULL;
	f = ahead_take_sparse(&d->ahead);
	return f ? f : ahead_take_superframe(&d->ahead);
}

/* Process frames until the turn of this descriptor ends. After each superframe, read the port
 * (NULL: none) again, as a frame of a sparse flow may have come, which goes first; likewise when
 * there may be more and no such frame is left, as the superframes may be another port's. */
static void run(struct driver *d, struct driver_port *p)
{
	bool more = p && fill(d, p);
	struct ahead_frame *f;
	size_t bytes = 0;

	for (int i = 0; i < TAP_BURST && bytes < DRIVER_BURST && (f = next_frame(d)); i++) {
		bool is_short = f->len <= AHEAD_SHORT;

		bytes += f->len;
		process(d, f);
		if (p && (!is_short || (more && !ahead_has_sparse(&d->ahead))))
			more = fill(d, p);
	}
}

/* One turn. */
static void serve(struct driver *d, struct driver_port *p)
{
	d->stats.batches_tx++;
	run(d, p);
	batch_finish(d);
}

static void on_tap(void *ctx, uint32_t events)
{
	struct driver_port *p = ctx;
	struct driver *d = p->d; /* the port may be closed meanwhile */

	(void)events;
	batch_begin(d);
	serve(d, p);
	d->served = true;
}

void ports_work(struct driver *d)
{
	bool served = d->served;

	d->served = false;
	if (!served && !ahead_is_empty(&d->ahead) && !d->engine.tx.blocked)
		serve(d, NULL);
}

bool ports_finish(struct driver *d)
{
	batch_begin(d);
	while (!ahead_is_empty(&d->ahead) && !d->engine.tx.blocked)
		serve(d, NULL);
	return ahead_is_empty(&d->ahead);
}

struct mono ports_deadline(const struct driver *d)
{
	return ahead_is_empty(&d->ahead) || d->engine.tx.blocked ? MONO_NEVER : d->engine.tx.now;
}

int ports_watch(struct driver *d, struct driver_port *p)
{
	int err;

	p->watch = (struct loop_watch){ .fd = p->tap.fd, .callback = on_tap, .ctx = p };
	err = loop_add(d->loop, &p->watch, EPOLLIN);
	if (!err)
		p->watched = true;
	return err;
}

/* Adjust the engine to the TUN that was opened. */
static void use_tun(struct driver *d)
{
	engine_set_merge(&d->engine, &(struct gso_merge_caps){
					     .tcp4 = d->tun.tap.offloads.tso,
					     .tcp6 = d->tun.tap.offloads.tso,
					     .udp = d->tun.tap.offloads.uso,
				     });
	d->tun_ifindex = ifindex_of(d->tun.tap.name);
}

int ports_offer(struct driver *d, int fd)
{
	struct offered_port *o = calloc(1, sizeof(*o));
	int err = o ? tap_adopt(fd, d->options.tap, &o->tap) : -ENOMEM;

	if (err < 0) {
		free(o);
		return err;
	}
	list_push_tail(&d->offered, &o->link);
	return 0;
}

int ports_open(struct driver *d, const char *name, enum tap_kind kind, struct tap *ret)
{
	LIST_FOR_EACH(l, &d->offered)
	{
		struct offered_port *o = CONTAINER_OF(l, struct offered_port, link);

		if (o->tap.kind != kind || strcmp(o->tap.name, name) != 0)
			continue;
		*ret = o->tap;
		list_remove(l);
		free(o);
		return 0;
	}
	return tap_open(name, kind, d->options.tap, ret);
}

void ports_close_offered(struct driver *d)
{
	LIST_FOR_EACH_SAFE(l, next, &d->offered)
	{
		struct offered_port *o = CONTAINER_OF(l, struct offered_port, link);

		tap_close(&o->tap);
		list_remove(l);
		free(o);
	}
}

int ports_open_tun(struct driver *d, const char *name)
{
	int err = ports_open(d, name, TAP_IP, &d->tun.tap);

	if (!err)
		use_tun(d);
	return err;
}

int ports_adopt_tun(struct driver *d, int fd)
{
	int err = tap_adopt(fd, d->options.tap, &d->tun.tap);

	if (!err && d->tun.tap.kind != TAP_IP)
		err = -EPROTOTYPE;
	if (!err)
		use_tun(d);
	return err;
}

/** The TUN or the TAP that was opened under that name, or NULL. */
static struct driver_port *find_port(struct driver *d, const char *name)
{
	if (!strcmp(d->tun.tap.name, name))
		return &d->tun;
	LIST_FOR_EACH(l, &d->sessions)
	{
		struct driver_session *s = CONTAINER_OF(l, struct driver_session, link);

		if (!strcmp(s->name, name))
			return &s->io;
	}
	return NULL;
}

bool ports_is_deleted(struct driver *d, const char *name)
{
	const struct driver_port *p = find_port(d, name);
	char is[IFNAMSIZ];

	return p && (p->tap.fd < 0 || tap_name(&p->tap, is) == -EBADFD);
}

int ports_make_again(struct driver *d, const char *name)
{
	struct driver_port *p = find_port(d, name);
	int err;

	if (!p)
		return -ENOENT;
	ports_unwatch(d, p);
	err = ports_open(d, name, p->tap.kind, &p->tap);
	if (err < 0)
		return err;
	if (p == &d->tun)
		use_tun(d);
	else
		p->path->ifindex = ifindex_of(name);
	err = d->running ? ports_watch(d, p) : 0;
	if (err < 0)
		ports_unwatch(d, p);
	return err;
}

int ports_watch_all(struct driver *d)
{
	int err = d->tun.watched ? 0 : ports_watch(d, &d->tun);

	LIST_FOR_EACH(l, &d->sessions)
	{
		struct driver_port *io = &CONTAINER_OF(l, struct driver_session, link)->io;

		if (!err && !io->watched)
			err = ports_watch(d, io);
	}
	return err;
}
