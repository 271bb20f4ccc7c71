/* SPDX-License-Identifier: MIT */
/* The members of the site's bridges, and their journal entries. */
#pragma once

#include "conf/model.h"
#include "host/netdev.h"

/**
 * Create a bridge with its addresses and members, and set it up. Members that do not exist are
 * skipped. `mac`: NULL; or the Ethernet address that the bridge had before it was deleted, then
 * members that cannot be added are skipped, too.
 * Return: 0, or -errno with the netdev's error filled; the journal contains what was created.
 */
int members_make_bridge(struct netdev *m, const struct conf_bridge *conf, const uint8_t *mac);

/**
 * Make an interface a port of one of our bridges with the settings of the file, and set it up,
 * unless it is one already. One that does not exist is no error. Return: 0 or -errno, as above.
 */
int members_ensure(struct netdev *m, const struct conf_bridge *conf, const struct link_info *bridge,
	const char *name);

/** Undo a bridge after its members, so that the members return to their previous state, and remove
 * both from the journal. A bridge that does not exist is no error. Return: 0 or -errno, as above;
 * then what could not be undone stays in the journal. */
int members_drop_bridge(struct netdev *m, const char *name);
