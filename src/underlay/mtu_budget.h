/* SPDX-License-Identifier: MIT */
/* Compute a site's MTUs: from the route to its peers, or from the file, down to each session. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/model.h"
#include "mtu/mtu.h"
#include "netlink/exchange.h"

/** Assumed MTU of an underlay that cannot be queried. */
#define MTU_BUDGET_ASSUMED 1500

/** Default MTU of bridge members. */
#define MTU_BUDGET_MEMBER 1500

/** The MTU of the underlay, and what it leaves for the tunnel. */
struct mtu_budget {
	unsigned outer_mtu;    /* of the path to the peer with the smallest budget */
	uint16_t outer_family; /* of that peer's endpoint */
	bool outer_measured;   /* from a route; false: 1500 was assumed */
	unsigned wg_mtu;       /* largest inner packet */
};

/**
 * Compute the budget of a site: MTU of [Interface] if it is a number, otherwise the smallest of the
 * route MTUs to the peers with a numeric endpoint, less the headers. Without such a peer, 1500 and
 * IPv6 headers are assumed, which is safe for both families. `nl` may be NULL: then no route is
 * queried.
 */
void mtu_budget_compute(const struct conf_site *conf, struct nl_socket *nl, uint32_t fwmark,
	struct mtu_budget *ret);

/** Take a path into account: the MTU of its route (0: not known, 1500 is assumed), and the family
 * of its endpoint. The path with the smallest budget counts. */
void mtu_budget_take(struct mtu_budget *b, unsigned route_mtu, uint16_t family);

/** After all paths: assume one if there was none, and let the MTU of [Interface] win. */
void mtu_budget_finish(struct mtu_budget *b, const struct conf_site *conf);

/** The MTU for the WireGuard interface. Below 1280 the kernel would remove its IPv6 addresses, so
 * that is the least unless the file gives one. */
uint32_t mtu_budget_wg_interface(const struct mtu_budget *b, const struct conf_site *conf);

/** Return: the MTUs for the interfaces of all sessions, in the order of the file, to be freed; or
 * NULL if out of memory. */
uint32_t *mtu_budget_sessions(const struct conf_site *conf);

/** The inputs of the MTU ladder of one session under a budget; without VLAN tags. */
struct mtu_options mtu_budget_options(const struct mtu_budget *b, const struct conf_tunnel *tunnel,
	const struct conf_session *session);

/** Compute the MTU ladder of one session under a budget. Return: 0, or the errors of
 * mtu_ladder_compute(). */
int mtu_budget_ladder(const struct mtu_budget *b, const struct conf_tunnel *tunnel,
	const struct conf_session *session, struct mtu_ladder *ret);

/** Return: the MTU for a session's interface: from the file, or the default of bridge members. */
unsigned mtu_budget_session_mtu(const struct conf_session *session);

/** Return: the MTU that the session's interface needs with the kernel's own l2tp_eth, which neither
 * clamps nor rejects: from the file, or the largest that never fragments. */
unsigned mtu_budget_kernel_mtu(const struct mtu_budget *b, const struct conf_tunnel *tunnel,
	const struct conf_session *session);

/** Return: the MTU of the route to `to` by the interface `ifindex` (0: any) for packets with this
 * firewall mark; 0 if there is none or `nl` is NULL. */
unsigned mtu_budget_route_mtu(
	struct nl_socket *nl, const struct ip_addr *to, uint32_t ifindex, uint32_t fwmark);
