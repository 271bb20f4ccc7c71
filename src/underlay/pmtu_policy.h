/* SPDX-License-Identifier: MIT */
/* The MTUs of a running site: computed from the routing, followed along the paths to the peers. */
#ifndef UNDERLAY_PMTU_POLICY_H
#define UNDERLAY_PMTU_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bucket.h"
#include "conf/model.h"
#include "loop/loop.h"
#include "netlink/monitor.h"
#include "underlay/mtu_budget.h"
#include "underlay/underlay.h"

/** What the MTUs come from. Zero but for `underlay`, it is closed. Must not move once it
 * listens. */
struct pmtu_policy {
	struct underlay *underlay;
	struct mtu_budget budget;
	uint32_t wg_interface; /* MTU that the WireGuard interface is to have */
	uint32_t *sessions;    /* and those of the sessions, in the order of the file */
	struct monitor monitor;
	struct loop_watch monitor_watch;
	bool routes_changed;
	bool following;		/* the paths' MTUs */
	struct bucket look_ups; /* of paths to where peers have moved */
	struct bucket reports;	/* of paths that lose trains */
};

/**
 * The budget by the routes of the underlay, before any peer has been probed, and with it
 * the MTUs of all interfaces. Return: 0, or -ENOMEM: then those are as they were, but the budget is
 * right all the same.
 */
int pmtu_policy_compute(struct pmtu_policy *p, const struct conf_site *conf, uint32_t fwmark);

/** Begin to follow the paths to all peers, or to take the MTU as given. The sockets must have their
 * don't-fragment bit set before if peer_paths_can_follow(), else clear. */
void pmtu_policy_follow(struct pmtu_policy *p, const struct conf_site *conf);

/** Some peer's path may have another MTU now: the interfaces follow the smallest. Return: whether
 * they are to be set. */
bool pmtu_policy_settle(struct pmtu_policy *p, const struct conf_site *conf);

/** Listen to the kernel's events about routes, addresses and interfaces. Return: 0 or -errno. */
int pmtu_policy_listen(struct pmtu_policy *p, struct loop *loop);

/** When pmtu_policy_work() wants to be called at the latest. */
struct mono pmtu_policy_deadline(const struct pmtu_policy *p);

/**
 * To be called after each wake-up: acts on what the engine and the kernel have reported of the
 * paths. `too_big`: the kernel has refused a datagram for its size. Return: whether the MTUs of the
 * interfaces are to be set.
 */
bool pmtu_policy_work(struct pmtu_policy *p, const struct conf_site *conf, bool too_big);

/** Stop listening and free what is held; it may be closed already. */
void pmtu_policy_close(struct pmtu_policy *p);

#endif
