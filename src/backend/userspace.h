/* SPDX-License-Identifier: MIT */
/* The userspace engine: joins its driver and its underlay (routing and DNS), and is all that
 * wirespan-wg knows of either. */
#pragma once

#include "backend/backend.h"
#include "base/error.h"
#include "conf/model.h"
#include "ctlproto/status.h"
#include "driver/driver.h"
#include "netlink/link.h"
#include "netlink/monitor.h"
#include "underlay/mtu_budget.h"
#include "underlay/underlay.h"

/** The driver and the underlay, joined. Zeroed means closed. Must not move while it is open. */
struct userspace {
	struct driver *driver;
	struct underlay underlay;
};

/** Sizes of the driver of wirespan-wg, whose peers are not known at its start. */
extern const struct driver_sizes userspace_drop_in_sizes;

/** Open driver and underlay, without descriptors, with the options in WIRESPAN_OPTIONS. Return: 0,
 * or -errno with `ret_error` filled. */
int userspace_open(struct loop *loop, const struct driver_sizes *sizes, struct userspace *ret,
	struct error *ret_error);

/** Close both. A closed back end is allowed. */
void userspace_close(struct userspace *u);

/** Create the TUN `name`, or take ownership of `fd`, an open one, if it is not negative. Return: 0
 * or -errno. */
int userspace_open_tun(struct userspace *u, const char *name, int fd);

/** Fill in the error of a TUN of wirespan-wg that cannot be made, or used if `fd` is one. Return:
 * `err`. */
int userspace_drop_in_tun_error(int fd, int err, struct error *ret_error);

/** The name that the TUN had when it was opened. */
const char *userspace_tun_name(const struct userspace *u);

/** Query the TUN in the network namespace that it is in now. Return: 0; -EBADFD: it was deleted;
 * -EPERM: we may not enter that namespace; or -errno. */
int userspace_query_tun(const struct userspace *u, struct link_info *ret);

/** As userspace_query_tun(), of a TUN that is open. */
int userspace_query_tap(const struct tap *tun, struct link_info *ret);

/** The TUN has moved to another network namespace than the sockets'. */
void userspace_tun_moved(struct userspace *u);

/** Set the MTU of the tunnel, for all peers. Return: whether it was another. */
bool userspace_set_mtu(struct userspace *u, unsigned mtu);

/** The TUN is up or down: open the UDP port, which may become pending, or close it and delete all
 * session keys. Return: whether it was otherwise before. */
bool userspace_set_up(struct userspace *u, bool up);

/** The UDP port, or 0 if none is open. */
uint16_t userspace_open_port(const struct userspace *u);

/** Read the kernel's events from `m` and drop what they make invalid. `ret`: their summary for the
 * interface `ifindex` (0: none). */
void userspace_read_monitor(
	struct userspace *u, struct monitor *m, uint32_t ifindex, struct changes *ret);

/** When userspace_work() must be called next, or MONO_NEVER. */
struct mono userspace_deadline(const struct userspace *u);

/** Do what is due, and wipe traces of secrets below the caller's stack frame. Return: the events
 * since the last call, a set of enum engine_event. */
unsigned userspace_work(struct userspace *u);

/** As `peers` of struct backend. Return: 0 or -ENOMEM. */
int userspace_peers(const struct userspace *u, struct backend_peer **ret, size_t *ret_n);

/**
 * Add the state of the engine, its underlay and its configuration to an empty report: everything of
 * report_engine(), and MTUs according to `budget`; peers by userspace_report_peers().
 * Return: 0 or -ENOMEM.
 */
int userspace_report(struct userspace *u, const struct conf_site *conf,
	const struct mtu_budget *budget, struct status_report *r);

/** Add at most `max` peers to a report, with their names and the routes to them: the first ones, or
 * those after the peer with the public key `after`. Return: 0; -ENOENT if there is no such peer; or
 * -ENOMEM. */
MUST_CHECK int userspace_report_peers(
	struct userspace *u, const uint8_t *after, size_t max, struct status_report *r);
