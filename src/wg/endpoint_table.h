/* SPDX-License-Identifier: MIT */
/* Peers by endpoint: a hash in the device's memory. */
#pragma once

#include "base/addr.h"
#include "base/list.h"
#include "wg/state.h"

/** Update the table after the peer's endpoint has changed or was removed: handshakes from the new
 * endpoint use this peer's share. */
void wg_endpoint_table_place(struct wg_device *dev, struct wg_peer *peer);

/** The bucket with all peers whose endpoint is `e`, and possibly others. Linked by
 * wg_peer.at_link. */
struct list *wg_endpoint_table_at(const struct wg_device *dev, const struct endpoint *e);
