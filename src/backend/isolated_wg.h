/* SPDX-License-Identifier: MIT */
/* wg(8) at an isolated site: requests go through the process with the keys, and the engine. */
#pragma once

#include "backend/isolated_engine.h"

/** Longest reply to a get request of wg(8) that this site's engine can give. */
size_t isolated_wg_reply_max(const struct isolated_site *u);

/** Serve wg(8). `listen_fd`: see wgsock_open(). Return: 0 or -errno. */
MUST_CHECK int isolated_wg_serve(struct isolated_site *u, int listen_fd);
