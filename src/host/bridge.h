/* SPDX-License-Identifier: MIT */
/* The bridge of a site's LAN segment: create it, add its ports, remove it. */
#pragma once

#include "conf/model.h"
#include "host/netdev.h"

/* Most addresses that a bridge learns, on all ports together: as many as a large switch holds, and
 * far more than the hosts on a LAN segment. The addresses of the bridge and its ports do not
 * count. */
#define BRIDGE_FDB_MAX 16384

/**
 * Create a bridge with its addresses, down. `mac`: NULL, or the Ethernet address that the bridge
 * had before it was deleted. Without STP, ports forward at once. With Adopt, join a bridge of
 * another program instead: its addresses, MTU, MAC address and settings stay as they are.
 * Return: 0, or -errno with the netdev's error filled; the journal contains what was created.
 */
int bridge_make(struct netdev *m, const struct conf_bridge *conf, const uint8_t *mac,
	struct link_info *ret);

/** Set the Ethernet address of a bridge or port. Return: 0 or -errno, as above. */
int bridge_set_mac(
	struct netdev *m, const struct link_info *bridge, const uint8_t mac[static LINK_MAC_LEN]);

/** Turn the spanning tree on or off. With it, ports must listen and learn; without it they need
 * not. Return: 0 or -errno, as above. */
int bridge_set_stp(struct netdev *m, const struct link_info *bridge, bool stp);

/** Limit again how many addresses one of our bridges learns. Return: 0 or -errno, as above. */
int bridge_limit_learning(struct netdev *m, const struct link_info *bridge);

/** Turn multicast snooping on or off, if that is a change. Return: 0 or -errno, as above. */
int bridge_set_snooping(struct netdev *m, const struct link_info *bridge, bool snooping);

/** Stop the forwarding of control frames that was set for all ports of one of our bridges.
 * Return: 0 or -errno, as above. */
int bridge_forward_none(struct netdev *m, const struct link_info *bridge);

/** Make an interface a port of one of our bridges, and set it up. `was_up`: whether it was up
 * before the site, for the journal. Return: 0 or -errno, as above. */
int bridge_add_member(struct netdev *m, const struct conf_bridge *conf,
	const struct link_info *bridge, const char *name, bool was_up);

/** Give a member's port the settings of the file. They end when it leaves the bridge. Return: 0 or
 * -errno, as above. */
int bridge_set_member(struct netdev *m, const struct conf_bridge *conf, const char *name);

/** Make the interface of a session a port, with the settings of the file. No journal entry is
 * needed, because the interface is deleted when the engine closes it. Return: 0 or -errno, as
 * above. */
int bridge_add_session(
	struct netdev *m, const struct conf_bridge *conf, const struct conf_session *session);

/** The settings of the file for the port of a session. */
struct link_port bridge_session_port(
	const struct conf_bridge *conf, const struct conf_session *session);

/** Give the port of a session the settings of the file. Return: 0 or -errno, as above; -EOPNOTSUPP
 * if the kernel cannot isolate ports. */
int bridge_set_session(
	struct netdev *m, const struct conf_bridge *conf, const struct conf_session *session);

/** Remove the interface of a session from its bridge, if it is in one. */
void bridge_drop_session(struct netdev *m, const char *name);

/** Undo a JOURNAL_ADOPT: give the bridge its MAC address back if it has lost it with its last
 * port. Return: 0 or -errno. */
int bridge_undo_adopt(struct netdev *m, const struct journal_entry *e);

/** Undo a JOURNAL_BRIDGE: delete the bridge if it still is ours. Return: 0 or -errno. */
int bridge_undo(struct netdev *m, const struct journal_entry *e);

/** Undo a JOURNAL_MEMBER: remove it from our bridge, and set it down if it was down. Return: 0 or
 * -errno. */
int bridge_undo_member(struct netdev *m, const struct journal_entry *e);

/** Whether an interface can be a port: an Ethernet interface that is not a bridge itself. */
bool bridge_can_hold(const struct link_info *link);

/** Whether an existing interface is a bridge with this alias. */
bool bridge_has_alias(const struct link_info *link, const char *alias);

/** Whether an existing interface is a bridge that this site created. */
bool bridge_is_ours(const struct netdev *m, const struct link_info *link);
