/* SPDX-License-Identifier: MIT */
/* The metrics of all running sites, by their status sockets. */
#pragma once

#include <stddef.h>

#include "base/must_check.h"
#include "render/render_metrics.h"

/**
 * Ask all sites that have a status socket, at the same time, and write their metrics as text, and
 * for each site whether it has answered. A site whose socket is stale is left out.
 * Return: 0, and `*ret[*ret_len]`, allocated; or -errno.
 */
MUST_CHECK int sites_metrics(enum metrics_format format, char **ret, size_t *ret_len);
