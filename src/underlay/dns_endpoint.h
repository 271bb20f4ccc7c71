/* SPDX-License-Identifier: MIT */
/* Peers whose endpoint is a host name: their questions asked, the answers applied. */
#ifndef UNDERLAY_DNS_ENDPOINT_H
#define UNDERLAY_DNS_ENDPOINT_H

#include "ctlproto/status.h"
#include "underlay/dns_policy.h"
#include "underlay/resolver.h"
#include "underlay/underlay.h"

/** A peer's name. */
struct dns_endpoint {
	struct dns_policy policy;
	struct path_peer *peer;
	char host[RESOLVER_HOST_LEN];
	uint16_t port;
	uint64_t question;   /* the id of the last one */
	const char *problem; /* of the last answer, for a person; NULL: none */
	struct list link;    /* in names.list */
};

/**
 * The peer is found under `host` and `port`; what it had already, goes on. `moves`: as
 * dns_policy_init(). Return: 0, -ENAMETOOLONG, or -errno of a thread that cannot be started.
 */
int dns_endpoint_set(
	struct underlay *u, struct path_peer *p, const char *host, uint16_t port, bool moves);

/** The peer has no name, or no longer; its endpoint stays. */
void dns_endpoint_forget(struct path_peer *p);

/** Ask for every name that is due. */
void dns_endpoint_run_all(struct underlay *u);

/**
 * Wait until every name has had an address, but not beyond `until`, nor when `stop_fd` (-1: none)
 * becomes readable. For the moment before routes lead all that the machine sends into the tunnel:
 * from then on a name server that is not next to the machine is asked through a tunnel that does
 * not know yet where it ends.
 */
void dns_endpoint_await_all(struct underlay *u, struct mono until, int stop_fd);

/** Links or routes have changed: what has failed may work now. */
void dns_endpoint_routes_changed(struct underlay *u);

/** Stop asking; no peer has a name any more. Never waits. */
void dns_endpoint_close_all(struct underlay *u);

/** Fill in a peer's name, and warn of one that is not found. Return: 0 or -ENOMEM. */
int dns_endpoint_report(const struct underlay *u, const struct path_peer *p,
	char ret_name[static STATUS_HOST_LEN], struct status_report *r);

#endif
