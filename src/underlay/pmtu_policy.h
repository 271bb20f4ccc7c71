/* SPDX-License-Identifier: MIT */
/* The MTUs of a running site: computed from the routing, and updated as the peers' paths change. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bucket.h"
#include "conf/model.h"
#include "loop/loop.h"
#include "netlink/monitor.h"
#include "underlay/link_mtus.h"
#include "underlay/mtu_budget.h"
#include "underlay/underlay.h"

/** The inputs of the MTUs. Zeroed except for `underlay`, it is closed. Must not move after
 * pmtu_policy_listen(). */
struct pmtu_policy {
	struct underlay *underlay;
	struct mtu_budget budget;
	uint32_t wg_interface; /* MTU for the WireGuard interface */
	uint32_t *sessions;    /* MTUs for the sessions, in the order of the file */
	struct monitor monitor;
	struct loop_watch monitor_watch;
	unsigned events; /* set of enum engine_event still to be acted on */
	struct link_mtus links;
	struct mono
		links_due; /* look up the routes, as MTUs of interfaces have changed; or unset */
	bool routes_changed;
	bool following;		/* whether the paths' MTUs are followed */
	struct bucket look_ups; /* limits lookups of paths to moved peers */
	struct bucket reports;	/* limits reports of paths that lose trains */
};

/**
 * Compute the budget from the routes of the underlay, before any peer has been probed, and from it
 * the MTUs of all interfaces. Return: 0, or -ENOMEM: then the interfaces' MTUs are unchanged, but
 * the budget is valid.
 */
int pmtu_policy_compute(struct pmtu_policy *p, const struct conf_site *conf, uint32_t fwmark);

/** Start to follow the paths to all peers, or use the configured MTU. Before the call, set the
 * sockets' don't-fragment bit if peer_paths_can_follow(), and clear it otherwise. */
void pmtu_policy_follow(struct pmtu_policy *p, const struct conf_site *conf);

/** A peer's path MTU may have changed: adjust the interfaces' MTUs to the smallest. Return: whether
 * they must be set. */
bool pmtu_policy_settle(struct pmtu_policy *p, const struct conf_site *conf);

/** Subscribe to the kernel's events about routes, addresses and interfaces. Return: 0 or -errno. */
int pmtu_policy_listen(struct pmtu_policy *p, struct loop *loop);

/** When pmtu_policy_work() must be called at the latest. */
struct mono pmtu_policy_deadline(const struct pmtu_policy *p);

/**
 * Call it after each wake-up: process what the engine and the kernel have reported of the paths.
 * `events`: those of the engine, a set of enum engine_event; others than a path's are ignored.
 * Return: whether the interfaces' MTUs must be set.
 */
bool pmtu_policy_work(struct pmtu_policy *p, const struct conf_site *conf, unsigned events);

/** Unsubscribe and free. A closed policy is allowed. */
void pmtu_policy_close(struct pmtu_policy *p);
