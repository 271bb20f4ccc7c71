/* SPDX-License-Identifier: MIT */
/* The userspace engine in a confined process of its own, as the back end of a site. */
#pragma once

#include "backend/backend.h"

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
