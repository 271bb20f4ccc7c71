/* SPDX-License-Identifier: MIT */
/* The MTUs of a site: from the route to its peers, or from the file, down to each session. */
#ifndef UNDERLAY_MTU_BUDGET_H
#define UNDERLAY_MTU_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/model.h"
#include "mtu/mtu.h"
#include "netlink/exchange.h"

/** What an underlay carries that cannot be asked. */
#define MTU_BUDGET_ASSUMED 1500

/** What members have that nobody has configured. */
#define MTU_BUDGET_MEMBER 1500

/** What the underlay leaves for everything above it. */
struct mtu_budget {
	unsigned outer_mtu;    /* of the path to the peer with the smallest budget */
	uint16_t outer_family; /* of that peer's endpoint */
	bool outer_measured;   /* a route was found; else 1500 was assumed */
	unsigned wg_mtu;       /* largest inner packet */
};

/**
 * Compute the budget of a site: MTU from [Interface] if it is a number, else what is left of the
 * route to each peer with a numeric endpoint, the smallest counts. Without any, 1500 and IPv6
 * headers, which is safe for both families. `nl` may be NULL: then no route is asked.
 */
void mtu_budget_compute(const struct conf_site *conf, struct nl_socket *nl, uint32_t fwmark,
	struct mtu_budget *ret);

/** What the ladder of one session under a budget depends on; no VLAN tags. */
struct mtu_options mtu_budget_options(const struct mtu_budget *b, const struct conf_tunnel *tunnel,
	const struct conf_session *session);

/** The ladder of one session under a budget. Return: 0, or the errors of mtu_ladder_compute(). */
int mtu_budget_ladder(const struct mtu_budget *b, const struct conf_tunnel *tunnel,
	const struct conf_session *session, struct mtu_ladder *ret);

/** The MTU that a session's interface gets: the file's, or what members have without being told. */
unsigned mtu_budget_session_mtu(const struct conf_session *session);

/** The MTU that the session's interface needs with the kernel's own l2tp_eth, which neither clamps
 * nor rejects: the file's, or the largest that never fragments. */
unsigned mtu_budget_kernel_mtu(const struct mtu_budget *b, const struct conf_tunnel *tunnel,
	const struct conf_session *session);

/** MTU of the route to `to` by the interface `ifindex` (0: any) for packets with this firewall
 * mark; 0 if there is none or `nl` is NULL. */
unsigned mtu_budget_route_mtu(
	struct nl_socket *nl, const struct ip_addr *to, uint32_t ifindex, uint32_t fwmark);

#endif
