/* SPDX-License-Identifier: MIT */
/* Sticky source addresses: kept as long as they serve, forgotten when the way has changed. */
#ifndef BACKEND_SOURCES_H
#define BACKEND_SOURCES_H

#include "backend/news.h"
#include "backend/userspace.h"

/**
 * Addresses, routes or links have changed, as the digest says: each peer whose packets may have to
 * leave by another interface or from another address now loses its sticky source. A change that
 * does not concern it must not: the peer would see us roam, and a NAT on the way might not know us.
 */
void sources_check(struct userspace *u, struct nl_socket *nl, const struct digest *d);

#endif
