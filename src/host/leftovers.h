/* SPDX-License-Identifier: MIT */
/* Remove what a site has left whose journal is lost, recognised by our marks. */
#pragma once

#include <stdbool.h>

#include "host/netdev.h"

/**
 * End an engine that goes on without its monitor, and remove the bridges and the kernel's tunnels
 * with the site's alias, and rules with our protocol and nft tables with our name that no journal
 * contains and no running site uses. For a site that holds its lock and has no journal: the run
 * folder may have been emptied, as at the restart of a container.
 * Return: 0, and in `ret_found` whether there was anything; -EBUSY if the site's TUN exists
 * otherwise, so that its process must be running; or -errno; error filled.
 */
MUST_CHECK int leftovers_remove(struct netdev *m, bool *ret_found);
