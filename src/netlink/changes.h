/* SPDX-License-Identifier: MIT */
/* Summary of a batch of link, address, route and rule events: what the engine has to react to. */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "netlink/event.h"

#define CHANGES_STOPPED_MAX 16
#define CHANGES_CHANGED_MAX 32
#define CHANGES_LINKS_MAX   32

/** State of the monitored interface. */
enum changes_fate {
	CHANGES_UNCHANGED = 0,
	CHANGES_CHANGED, /* see `up`, `mtu`, `name` */
	CHANGES_MOVED,	 /* to another network namespace: no more events about it here */
	CHANGES_GONE,
};

/** The MTU of an interface, as its last event reported it. */
struct changes_link {
	uint32_t ifindex;
	uint32_t mtu; /* bytes */
};

/** A summary. Initialise it with changes_init(). */
struct changes {
	uint32_t ifindex; /* of the monitored interface; 0: none */
	enum changes_fate fate;
	bool up;      /* administratively up */
	uint32_t mtu; /* bytes */
	char name[IF_NAMESIZE];
	bool lost; /* events were lost: assume that everything changed */
	struct ip_prefix changed[CHANGES_CHANGED_MAX]; /* routes and addresses added or removed: the
							 routes and MTUs to them may differ */
	size_t n_changed;
	bool all_v4; /* more IPv4 prefixes changed than fit, or the IPv4 rules */
	bool all_v6;
	uint32_t stopped[CHANGES_STOPPED_MAX]; /* interfaces removed or without carrier */
	size_t n_stopped;
	struct changes_link links[CHANGES_LINKS_MAX]; /* interfaces with events: which do not
						       * contain what has changed */
	size_t n_links;
};

/** Start an empty summary that monitors the interface `ifindex`, or none for 0. */
void changes_init(struct changes *d, uint32_t ifindex);

/** Add an event. */
void changes_add(struct changes *d, const struct nl_event *event);

/** Record that events were lost. */
void changes_lost(struct changes *d);

/** Whether no event was added. */
bool changes_is_empty(const struct changes *d);

/** Whether the route to an address, or the address itself, may have changed. */
bool changes_concerns(const struct changes *d, const struct ip_addr *addr);

/** Whether the interface was removed or has no carrier. */
bool changes_has_stopped(const struct changes *d, uint32_t ifindex);

/**
 * Whether packets to `e` may need another source or interface than the sticky ones, which must be
 * checked then. Always false without sticky ones.
 */
bool changes_moves_source(const struct changes *d, const struct endpoint *e);
