/* SPDX-License-Identifier: MIT */
/* The WireGuard interface of wirespan-wg: an engine in confined processes, or in this one. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "backend/backend.h"
#include "backend/userspace.h"
#include "backend/wgsock.h"
#include "base/must_check.h"

/** MTU of the interface at the start, also of an adopted one: 1500 minus the overhead over IPv6. */
#define WG_INTERFACE_MTU 1420

/**
 * An interface. Zeroed means closed. Must not move while it is open.
 *
 * With confined processes (isolated.h), this process reads the interface's state and wg(8)'s
 * requests, and nothing from the network. Otherwise it runs the engine.
 */
struct wg_interface {
	struct backend_site *confined; /* NULL: the engine is `userspace` */
	struct conf_site conf;	       /* of `confined` */
	struct userspace userspace;
	struct wgsock sock; /* of `userspace` */
	struct loop *loop;
	bool moved; /* it is in another network namespace than the sockets */
	bool ended; /* wg(8)'s socket was removed */
};

/**
 * Create the TUN `name`, or take ownership of `tun_fd`, an open one, if it is not negative. The
 * engine runs in this process if WIRESPAN_ISOLATION is "no", or this host allows no other.
 * Return: 0, or -errno with `ret_error` filled; after either, call wg_interface_close().
 */
MUST_CHECK int wg_interface_open(struct wg_interface *w, struct loop *loop, const char *name,
	int tun_fd, struct error *ret_error);

/** Serve wg(8). `listen_fd`: as for wgsock_open(). Return: 0 or -errno. */
MUST_CHECK int wg_interface_serve(struct wg_interface *w, int listen_fd);

/** The name that the interface had when it was opened. */
const char *wg_interface_name(const struct wg_interface *w);

/** The UDP port, or 0 if none is open. */
uint16_t wg_interface_port(const struct wg_interface *w);

/** As userspace_query_tun(). */
int wg_interface_query(const struct wg_interface *w, struct link_info *ret);

/** The interface has moved to another network namespace. */
void wg_interface_moved(struct wg_interface *w);

/** It has this state now: open or close the UDP port, and use the MTU. */
void wg_interface_follow(struct wg_interface *w, bool up, unsigned mtu);

/** Read the kernel's events from `m`. `ret`: their summary for the interface `ifindex`, 0: none. */
void wg_interface_read_monitor(
	struct wg_interface *w, struct monitor *m, uint32_t ifindex, struct changes *ret);

/** When wg_interface_work() must be called next, or MONO_NEVER. */
struct mono wg_interface_deadline(const struct wg_interface *w);

/** Do what is due. Return: whether the interface is still there and served. */
bool wg_interface_work(struct wg_interface *w);

/** Close it. A closed one is allowed. */
void wg_interface_close(struct wg_interface *w);
