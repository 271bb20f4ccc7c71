/* SPDX-License-Identifier: MIT */
/* Peers of the kernel's WireGuard whose endpoint is a host name.
 *
 * Theory of operation. The kernel knows addresses only. A name is resolved when its peer is added,
 * and again at growing intervals while it is not found. Twice a minute the peers are queried: if a
 * peer's last handshake is older than KERNEL_NAMES_STALE_S, nothing has come from it of late, and
 * something was sent to it since the last query, which must be unanswered initiations, its name is
 * resolved again. So it is if there is no route to its endpoint, since the kernel does not count
 * what it cannot send. The endpoint moves to the first address of the answer with a route; or, if
 * the present one is in the answer, to the next such. The endpoint of a peer with a live session is
 * not moved, unless the configuration has changed its name.
 */
#pragma once

#include "backend/kernel_clock.h"
#include "backend/kernel_netlink.h"
#include "conf/model.h"
#include "ctlproto/status.h"
#include "host/netdev.h"
#include "loop/loop.h"
#include "netlink/wireguard_nl.h"
#include "underlay/dns_retry.h"
#include "underlay/resolver.h"

/** Age of the last handshake, in s, from which a name is resolved again. */
#define KERNEL_NAMES_STALE_S 135

/** A session is alive for so long after a packet of the peer, in s, also if its handshake is old:
 * who only receives begins the next handshake after 165 s. */
#define KERNEL_NAMES_RECEIVED_S 30

/** Shortest interval between queries for a peer that does not answer, in s. */
#define KERNEL_NAMES_AGAIN_S 30

/** The host name of a peer. */
struct kernel_name {
	uint8_t public_key[KEY_LEN];
	char host[RESOLVER_HOST_LEN];
	uint16_t port;
	bool found;	     /* it has been resolved */
	bool asking;	     /* a query is pending */
	bool failed;	     /* the last query failed */
	bool moves;	     /* apply the next answer even to a live session: the name is new */
	const char *problem; /* its text */
	uint64_t question;   /* id of the last query */
	struct dns_retry retry;
	uint64_t tx_bytes;    /* of the peer when it was queried last */
	uint64_t rx_bytes;    /* likewise */
	struct mono received; /* when `rx_bytes` had grown, or MONO_NEVER */
	struct mono due;      /* the next query, or MONO_NEVER */
};

/** The names of a site. Zeroed it is empty. Must not move after kernel_names_set(). */
struct kernel_names {
	struct kernel_name *v;
	size_t n;
	struct resolver *resolver;
	const struct kernel_clock *clock; /* for the ages of handshakes; may be NULL */
	struct loop *loop;
	struct loop_watch watch;
	uint64_t next_question;
	bool answered; /* answers wait for kernel_names_work() */
};

/** Where endpoints are set. */
struct kernel_names_target {
	struct kernel_netlink *k;
	const char *interface;
	struct nl_socket *routes; /* to look up routes to addresses */
};

/**
 * Follow the names of `conf`; those that were followed before go on. `resumed`: NULL, or the peers
 * of a site that is resumed: a name whose peer has a live session is not resolved before it is
 * needed.
 * Return: 0, or -errno with `ret_error` filled; then the names are as before.
 */
MUST_CHECK int kernel_names_set(struct kernel_names *names, struct loop *loop,
	const struct conf_site *conf, const struct wgnl_device *resumed, struct error *ret_error);

/** Start the queries that are due, and apply answers. Return: whether an endpoint was set. */
bool kernel_names_work(struct kernel_names *names, const struct kernel_names_target *target);

/** The peers were queried: resolve the names of those that do not answer. `routes`: to look up the
 * routes to them. */
void kernel_names_look(
	struct kernel_names *names, const struct wgnl_device *device, struct nl_socket *routes);

/** Links or routes have changed: names that were not found may be found now. Events that come again
 * and again cause queries at growing intervals only. */
void kernel_names_routes_changed(struct kernel_names *names);

/** The peers were made again, without endpoints: resolve all names and set them. */
void kernel_names_ask_again(struct kernel_names *names);

/** Wait until all names have been resolved, at most until `until` or until `stop_fd` becomes
 * readable. */
void kernel_names_await(struct kernel_names *names, const struct kernel_names_target *target,
	struct mono until, int stop_fd);

/** When kernel_names_work() must be called next, or MONO_NEVER. */
struct mono kernel_names_deadline(const struct kernel_names *names);

/** The name of a peer, or NULL. */
const struct kernel_name *kernel_names_find(
	const struct kernel_names *names, const uint8_t public_key[static KEY_LEN]);

/** Add a warning for each name that is not found. Return: 0 or -ENOMEM. */
MUST_CHECK int kernel_names_report(const struct kernel_names *names, struct status_report *r);

/** Stop and free. An empty one is allowed. */
void kernel_names_close(struct kernel_names *names);
