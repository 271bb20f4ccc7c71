/* SPDX-License-Identifier: MIT */
/* A device continues with the sessions of another process: see store.h. */
#pragma once

#include "base/mono.h"
#include "wg/state.h"

/**
 * Store sessions in `store` from now on, which belongs to the device then. No peer may have a
 * session yet.
 */
void wg_device_use_store(struct wg_device *dev, const struct wg_store *store);

/**
 * Continue with the stored sessions of those peers that have none yet: their sessions that are
 * younger than REJECT_AFTER_TIME at `now`, their endpoints and timestamps. Without a store, nothing
 * happens. Return: the number of peers with a session.
 */
size_t wg_device_restore(struct wg_device *dev, struct mono now, struct wall wall);

/** Wipe the stored sessions of peers that the device does not have. */
void wg_device_discard_stored(struct wg_device *dev);
