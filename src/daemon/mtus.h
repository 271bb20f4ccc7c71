/* SPDX-License-Identifier: MIT */
/* The MTUs of a running site: computed from the routing, followed along the paths to the peers. */
#ifndef DAEMON_MTUS_H
#define DAEMON_MTUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bucket.h"
#include "conf/model.h"
#include "driver/driver.h"
#include "host/host.h"
#include "loop/loop.h"
#include "netlink/monitor.h"
#include "underlay/mtu_budget.h"
#include "underlay/underlay.h"

/** What the MTUs come from. Zero but for the first two, it is closed. Must not move once it
 * listens. */
struct mtus {
	struct driver *driver;
	struct underlay *underlay;
	struct mtu_budget budget;
	uint32_t *sessions; /* one for each session, in the order of the file */
	struct monitor monitor;
	struct loop_watch monitor_watch;
	bool routes_changed;
	bool following;		/* the paths' MTUs */
	struct bucket look_ups; /* of paths to where peers have moved */
	struct bucket reports;	/* of paths that lose trains */
};

/**
 * The budget by what the routing says of the underlay, before any peer has been probed, and with it
 * the MTUs of all interfaces; `ret` is valid until the next call.
 * Return: 0 or -ENOMEM; the budget is right in either case.
 */
int mtus_compute(
	struct mtus *m, const struct conf_site *conf, uint32_t fwmark, struct host_mtus *ret);

/** Begin to follow the paths to all peers, or to take the MTU as given. */
void mtus_follow(struct mtus *m, const struct conf_site *conf);

/**
 * Some peer's path may have another MTU now: the interfaces follow the smallest.
 * Return: 0, or -errno with `ret_error` filled.
 */
int mtus_settle(
	struct mtus *m, const struct conf_site *conf, struct host *host, struct error *ret_error);

/** Listen to the kernel's news of the ways of the underlay. Return: 0 or -errno. */
int mtus_listen(struct mtus *m, struct loop *loop);

/** When mtus_work() wants to be called at the latest. */
struct mono mtus_deadline(const struct mtus *m);

/**
 * To be called after each wake-up: acts on what the engine and the kernel have said of the paths.
 * Return: 0, or -errno with `ret_error` filled.
 */
int mtus_work(
	struct mtus *m, const struct conf_site *conf, struct host *host, struct error *ret_error);

/** Stop listening and free what is held; it may be closed already. */
void mtus_close(struct mtus *m);

#endif
