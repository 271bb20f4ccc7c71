/* SPDX-License-Identifier: MIT */
/* The userspace engine in a confined process of its own, as the back end of a site. */
#pragma once

#include "backend/backend.h"
#include "base/must_check.h"

/**
 * The back end `userspace` with `Isolation = yes`.
 *
 * Theory of operation. This process, the monitor, keeps what needs privileges: it opens TAPs, TUN
 * and UDP sockets and holds them, and serves wg(8). Three confined processes are forked from it:
 * the engine reads what members, peers and everybody else send; another one holds the secret keys
 * (keys_process.h); the resolver calls getaddrinfo(3). The functions of the back end become
 * requests to the engine (engine_message.h). If the engine ends,
 * another one is started with the same descriptors and configuration: interfaces, bridge ports,
 * addresses and the port stay, and so do the sessions of WireGuard (engine_store.h). Requests of
 * wg(8) since the file was read are repeated. After five ends within ten seconds it waits for ten
 * seconds. Where no process can be started, open() opens a site of backend_userspace instead.
 */
extern const struct backend backend_isolated;

/**
 * Start the confined processes of an interface of wirespan-wg, and their engine. `conf` has its
 * name, and no keys or peers; it is borrowed, and its name becomes that of the interface. `tun_fd`:
 * an open TUN, which stays the caller's, or -1. deadline(), work() and close() of the back end are
 * allowed afterwards, and isolated_wg_serve().
 * Return: 0, or -errno with `ret_error` filled; `ret_alone`: as this host allows no such process.
 */
MUST_CHECK int isolated_open_drop_in(struct loop *loop, struct conf_site *conf, int tun_fd,
	bool *ret_alone, struct backend_site **ret, struct error *ret_error);
