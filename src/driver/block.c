/* SPDX-License-Identifier: MIT */
/* While the send buffer of a socket is full: what the loop waits for. */
#include "driver/block.h"

/* A change can only fail if the descriptor is not watched. */
static void change(struct driver *d, struct loop_watch *w, uint32_t events)
{
	(void)loop_change(d->loop, w, events);
}

static void watch_ports(struct driver *d, uint32_t events)
{
	if (d->tun.watched)
		change(d, &d->tun.watch, events);
	LIST_FOR_EACH(l, &d->sessions)
	{
		struct driver_port *io = &CONTAINER_OF(l, struct driver_session, link)->io;

		if (io->watched)
			change(d, &io->watch, events);
	}
}

static void watch_sockets(struct driver *d, uint32_t events)
{
	struct socket_watches *w = &d->watches[d->watching];

	if (w->udp4.callback && w->udp4.fd == d->udp.blocked_fd)
		change(d, &w->udp4, events);
	if (w->udp6.callback && w->udp6.fd == d->udp.blocked_fd)
		change(d, &w->udp6, events);
}

void block_begin(struct driver *d)
{
	d->engine.tx.blocked = true;
	watch_ports(d, 0);
	watch_sockets(d, EPOLLIN | EPOLLOUT);
}

void block_end(struct driver *d)
{
	if (!d->engine.tx.blocked)
		return;
	d->engine.tx.blocked = false;
	watch_ports(d, EPOLLIN);
	watch_sockets(d, EPOLLIN);
}
