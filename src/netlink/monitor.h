/* SPDX-License-Identifier: MIT */
/* The kernel's news for the loop: the interface followed, and the ways of the underlay.
 *
 * Theory of operation. One socket tells of one network namespace. The engine's own starts in the
 * one where its UDP sockets are and stays there. When the interface moves to another namespace, the
 * digest says so (DIGEST_MOVED); a second socket, opened with news_open_tun(), then follows it
 * there. Whoever opens a socket looks once at the present state (news_look()), so that nothing
 * falls between looking and listening.
 */
#ifndef NETLINK_MONITOR_H
#define NETLINK_MONITOR_H

#include <stdint.h>

#include "netlink/changes.h"
#include "netlink/exchange.h"

/** A socket for news, and one for questions, of the same namespace. */
struct news {
	struct nl_socket news;
	struct nl_socket questions;
};

/** What to hear of. */
enum news_about {
	NEWS_LINKS = 0, /* interfaces only */
	NEWS_ALL,	/* and addresses and routes */
};

/** Listen in the namespace that we are in. Return: 0, to be closed; or -errno. */
int news_open(struct news *n, enum news_about about);

/** Listen in the namespace that the TUN or TAP of this descriptor is in now (Linux 5.2).
 * Return: 0, to be closed; or -errno. */
int news_open_tun(struct news *n, int tun_fd, enum news_about about);

/** Stop listening. Zeroed or closed is fine. */
void news_close(struct news *n);

/** The descriptor to wait for: readable when there is news. */
int news_fd(const struct news *n);

/**
 * Take in all news that has come, into a digest that the caller has started. If some was lost, the
 * interface followed is looked at, so that its fate in the digest is right all the same.
 * Return: 0 or -errno.
 */
int news_read(struct news *n, struct digest *d);

/** Look at the interface that the digest follows as if it had just changed. Return: 0 or -errno. */
int news_look(struct news *n, struct digest *d);

#endif
