/* SPDX-License-Identifier: MIT */
/* Undo what a back end of kernel objects has made: WireGuard interface, L2TP, segment sizes. */
#pragma once

#include <stdbool.h>

#include "host/netdev.h"

/** Whether an interface is the site's WireGuard interface, which the journal has: it has the kind
 * and our alias, or it was made a moment ago and is still in the group of such interfaces. */
bool kernel_undo_is_wireguard(const struct netdev *m, const struct link_info *link);

/** Undo a JOURNAL_WIREGUARD: delete the interface, if it is still ours. Return: 0 or -errno. */
int kernel_undo_wireguard(struct netdev *m, const struct journal_entry *e);

/** Undo a JOURNAL_TUNNEL: delete the tunnel with all its sessions, if it still has the same peer
 * tunnel id and has sessions of ours or none, and wait until the kernel has removed it. Return: 0
 * or -errno. */
int kernel_undo_tunnel(struct netdev *m, const struct journal_entry *e);

/** Undo a JOURNAL_SESSION: delete the session, if its tunnel is ours, and wait until its interface
 * is gone. Return: 0 or -errno. */
int kernel_undo_session(struct netdev *m, const struct journal_entry *e);

/** Undo a JOURNAL_CLAMP: delete the site's table of segment sizes. Return: 0 or -errno. */
int kernel_undo_clamp(struct netdev *m, const struct journal_entry *e);

/**
 * Delete an interface with our alias that is one of the kernel's WireGuard or L2TP, without a
 * journal: with the tunnel of the session, and the site's table of segment sizes. Return: 1 if it
 * was one; 0 if it is of another kind; or -errno.
 */
int kernel_remove_leftover(struct netdev *m, const struct link_info *link);
