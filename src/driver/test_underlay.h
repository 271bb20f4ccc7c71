/* SPDX-License-Identifier: MIT */
/* For tests: a driver without routing and DNS. */
#pragma once

#include <errno.h>

#include "driver/driver.h"

static inline void no_sockets_changed(void *ctx)
{
}

static inline void no_check_trains(void *ctx, struct train_queue *q)
{
}

static inline void no_found_own(
	void *ctx, const struct path_port *port, const struct own_datagram *own)
{
}

static inline int no_set_name(
	void *ctx, struct path_peer *peer, const char *host, uint16_t port, bool moves)
{
	return -EOPNOTSUPP;
}

static inline void no_forget_name(void *ctx, struct path_peer *peer)
{
}

static inline void no_work(void *ctx)
{
}

/** Refuses host names (-EOPNOTSUPP) and lets every train pass. */
static const struct driver_underlay test_underlay = {
	.sockets_changed = no_sockets_changed,
	.check_trains = no_check_trains,
	.found_own = no_found_own,
	.set_name = no_set_name,
	.forget_name = no_forget_name,
	.work = no_work,
};
