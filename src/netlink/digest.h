/* SPDX-License-Identifier: MIT */
/* Many pieces of the kernel's news summed up to what an engine has to do about them. */
#ifndef NETLINK_DIGEST_H
#define NETLINK_DIGEST_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "netlink/notify.h"

#define DIGEST_STOPPED_MAX 16
#define DIGEST_CHANGED_MAX 32

/** What became of the interface that is followed. */
enum digest_fate {
	DIGEST_UNCHANGED = 0,
	DIGEST_CHANGED, /* see `up`, `mtu`, `name` */
	DIGEST_MOVED,	/* to another network namespace: no more news of it here */
	DIGEST_GONE,
};

/** A summary. Start with digest_init(). */
struct digest {
	uint32_t ifindex; /* of the interface that is followed; 0: none is */
	enum digest_fate fate;
	bool up;      /* set up by its administrator; traffic is wanted */
	uint32_t mtu; /* bytes */
	char name[IF_NAMESIZE];
	bool lost; /* the kernel had more to say than fits: all of this may have happened */
	struct ip_prefix changed[DIGEST_CHANGED_MAX]; /* a route or address came or went: so may the
							 ways there, and their MTUs, have */
	size_t n_changed;
	bool all_v4; /* more of the family changed than that, or its rules did */
	bool all_v6;
	uint32_t stopped[DIGEST_STOPPED_MAX]; /* interfaces that went away or carry nothing now */
	size_t n_stopped;
};

/** Start an empty summary that follows the interface `ifindex`, or none for 0. */
void digest_init(struct digest *d, uint32_t ifindex);

/** Add a piece of news. */
void digest_add(struct digest *d, const struct notify_event *event);

/** News was lost. */
void digest_lose(struct digest *d);

/** Whether nothing has happened. */
bool digest_is_empty(const struct digest *d);

/** Whether the way to an address, or the address itself, may have changed. */
bool digest_concerns(const struct digest *d, const struct ip_addr *addr);

/** Whether the interface went away or carries nothing now. */
bool digest_has_stopped(const struct digest *d, uint32_t ifindex);

/**
 * Whether packets to `e` may have to leave from another source or by another interface now than the
 * sticky ones: then these are to be looked at. Never without sticky ones.
 */
bool digest_moves_source(const struct digest *d, const struct endpoint *e);

#endif
