/* SPDX-License-Identifier: MIT */
/* Link, address and route events from the kernel, for the event loop.
 *
 * Theory of operation. One socket receives the events of one network namespace. The engine's own
 * monitor starts in the namespace of its UDP sockets and stays there. When the interface moves to
 * another namespace, the digest reports it (CHANGES_MOVED); a second monitor, opened with
 * monitor_open_tun(), then follows the interface there. After opening a monitor, call
 * monitor_look() once to read the present state, so that no event is missed between the query and
 * the subscription.
 */
#pragma once

#include "netlink/changes.h"
#include "netlink/exchange.h"

/** A socket for events and one for queries, in the same namespace. */
struct monitor {
	struct nl_socket events;
	struct nl_socket questions;
};

/** Which events to subscribe to. */
enum monitor_about {
	MONITOR_LINKS = 0, /* interfaces only */
	MONITOR_ALL,	   /* and addresses and routes */
};

/** Subscribe to events in the current network namespace. Return: 0, or -errno. After 0, call
 * monitor_close(). */
int monitor_open(struct monitor *n, enum monitor_about about);

/** Subscribe to events in the namespace that the TUN or TAP `tun_fd` is in now (Linux 5.2). Return:
 * 0, or -errno. After 0, call monitor_close(). */
int monitor_open_tun(struct monitor *n, int tun_fd, enum monitor_about about);

/** Unsubscribe and close. A zeroed or closed monitor is allowed. */
void monitor_close(struct monitor *n);

/** The descriptor to wait for: readable when events are queued. */
int monitor_fd(const struct monitor *n);

/**
 * Read all queued events into a digest that the caller has initialised. If events were lost
 * (ENOBUFS), the state of the followed interface is queried, so that the digest is right about it.
 * Return: 0 or -errno.
 */
int monitor_read(struct monitor *n, struct changes *d);

/** Query the interface that the digest follows, as if it had just changed. Return: 0 or -errno. */
int monitor_look(struct monitor *n, struct changes *d);
