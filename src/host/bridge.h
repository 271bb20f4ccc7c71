/* SPDX-License-Identifier: MIT */
/* The segment's bridge: made, given its ports, and taken away again. */
#ifndef HOST_BRIDGE_H
#define HOST_BRIDGE_H

#include "conf/model.h"
#include "host/netdev.h"

/**
 * Make a bridge with its addresses and members, and set it up. Members come up, their MTU is left
 * as it is. Without STP its ports forward at once.
 * Return: 0, or -errno with the machine's error filled; what was made is in the journal.
 */
int bridge_make(struct netdev *m, const struct conf_bridge *conf);

/** Make a member of a bridge of ours a port of it, and set it up. Return: 0 or -errno, as above. */
int bridge_add_member(struct netdev *m, const struct link_info *bridge, const char *name);

/** Make one of the engine's interfaces a port. It is not noted, as it goes with the engine. */
int bridge_add_session(
	struct netdev *m, const struct link_info *bridge, const struct link_info *session);

/** Undo the journal's line "bridge …": delete it if it still is ours. */
void bridge_undo(struct netdev *m, const char *args);

/** Undo the journal's line "member …": take it out of our bridge, down if it was down. */
void bridge_undo_member(struct netdev *m, const char *args);

/** Whether an interface can be a port: an Ethernet interface that is no bridge itself. */
bool bridge_can_hold(const struct link_info *link);

/** Whether an existing interface is a bridge that this site made. */
bool bridge_is_ours(const struct netdev *m, const struct link_info *link);

#endif
