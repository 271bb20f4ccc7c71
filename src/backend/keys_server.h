/* SPDX-License-Identifier: MIT */
/* The loop of the process that holds the keys. */
#pragma once

#include "wg/key_table.h"

/** Serve requests from `engine` and changes from `monitor`, both nonblocking sockets, until that is
 * closed or sends what is not allowed, or has a peer for which there is no room. It allocates no
 * memory but what the crypto library frees again, and only reads, writes and waits. */
void keys_serve(struct wg_key_table *table, int monitor, int engine);
