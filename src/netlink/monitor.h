/* SPDX-License-Identifier: MIT */
/* The kernel's news for the loop: the interface followed, and the ways of the underlay.
 *
 * Theory of operation. One socket tells of one network namespace. The engine's own starts in the
 * one where its UDP sockets are and stays there. When the interface moves to another namespace, the
 * digest says so (CHANGES_MOVED); a second socket, opened with monitor_open_tun(), then follows it
 * there. Whoever opens a socket looks once at the present state (monitor_look()), so that nothing
 * falls between looking and listening.
 */
#ifndef NETLINK_MONITOR_H
#define NETLINK_MONITOR_H

#include <stdint.h>

#include "netlink/changes.h"
#include "netlink/exchange.h"

/** A socket for news, and one for questions, of the same namespace. */
struct monitor {
	struct nl_socket events;
	struct nl_socket questions;
};

/** What to hear of. */
enum monitor_about {
	MONITOR_LINKS = 0, /* interfaces only */
	MONITOR_ALL,	   /* and addresses and routes */
};

/** Listen in the namespace that we are in. Return: 0, to be closed; or -errno. */
int monitor_open(struct monitor *n, enum monitor_about about);

/** Listen in the namespace that the TUN or TAP of this descriptor is in now (Linux 5.2).
 * Return: 0, to be closed; or -errno. */
int monitor_open_tun(struct monitor *n, int tun_fd, enum monitor_about about);

/** Stop listening. Zeroed or closed is fine. */
void monitor_close(struct monitor *n);

/** The descriptor to wait for: readable when there is news. */
int monitor_fd(const struct monitor *n);

/**
 * Take in all news that has come, into a digest that the caller has started. If some was lost, the
 * interface followed is looked at, so that its fate in the digest is right all the same.
 * Return: 0 or -errno.
 */
int monitor_read(struct monitor *n, struct changes *d);

/** Look at the interface that the digest follows as if it had just changed. Return: 0 or -errno. */
int monitor_look(struct monitor *n, struct changes *d);

#endif
