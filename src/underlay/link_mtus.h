/* SPDX-License-Identifier: MIT */
/* The MTUs of the host's interfaces, to notice when one of them changes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "netlink/changes.h"

#define LINK_MTUS 64

/** MTUs from the last event of each interface. Zero is empty. Two interfaces may compete for a
 * place: then an event is taken for a change, and the routes are looked up once too often. */
struct link_mtus {
	struct changes_link seen[LINK_MTUS]; /* at ifindex modulo LINK_MTUS; ifindex 0: none */
};

/** Store the MTUs of a batch of events. The kernel sends no event about the routes through an
 * interface whose MTU changes, and none is about the MTU alone. Return: whether one differs from
 * the last one, or an interface has its first event. */
bool link_mtus_update(struct link_mtus *m, const struct changes *d);
