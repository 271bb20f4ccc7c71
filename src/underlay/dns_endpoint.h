/* SPDX-License-Identifier: MIT */
/* Peers whose endpoint is a host name: send their DNS queries, apply the answers. */
#pragma once

#include "ctlproto/status.h"
#include "underlay/dns_policy.h"
#include "underlay/resolver.h"
#include "underlay/underlay.h"

/** A peer's host name. */
struct dns_endpoint {
	struct dns_policy policy;
	struct path_peer *peer;
	char host[RESOLVER_HOST_LEN];
	uint16_t port;
	uint64_t question;   /* id of the last query */
	const char *problem; /* error text of the last answer; NULL: none */
	struct list link;    /* in names.list */
};

/**
 * Set a peer's endpoint to `host` and `port`; existing sessions go on. `moves`: see
 * dns_policy_init(). Return: 0, -ENAMETOOLONG, or -errno if a thread cannot be started.
 */
int dns_endpoint_set(
	struct underlay *u, struct path_peer *p, const char *host, uint16_t port, bool moves);

/** The peer has no host name (any more); its endpoint stays. */
void dns_endpoint_forget(struct path_peer *p);

/** Send a query for every name that is due. */
void dns_endpoint_run_all(struct underlay *u);

/**
 * Wait until every name has been resolved, at most until `until` or until `stop_fd` (-1: none)
 * becomes readable. Call it before a route sends all of the host's traffic into the tunnel: after
 * that, a name server that is not on a local network can be reached only through the tunnel, whose
 * endpoint is still unknown.
 */
void dns_endpoint_await_all(struct underlay *u, struct mono until, int stop_fd);

/** Links or routes have changed: failed queries may succeed now. */
void dns_endpoint_routes_changed(struct underlay *u);

/** Stop all queries; no peer has a host name any more. Does not block. */
void dns_endpoint_close_all(struct underlay *u);

/** Report a peer's host name, with a warning if it is not resolved. Return: 0 or -ENOMEM. */
int dns_endpoint_report(const struct underlay *u, const struct path_peer *p,
	char ret_name[static STATUS_HOST_LEN], struct status_report *r);
