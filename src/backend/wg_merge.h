/* SPDX-License-Identifier: MIT */
/* Many changes of wg(8) merged to few, with the same effect on a device without peers. */
#pragma once

#include "backend/wg_changes.h"

/** Fewer bytes are not merged. */
#define WG_MERGE_MIN ((size_t)64 << 10)

/**
 * Replace the changes by one for each peer that is left, and those of the device. It needs to be
 * known what they start from: `empty`, a device without peers, or one of them removes all peers.
 * Return: 0; or -EOPNOTSUPP, if neither is so, -EBADMSG or -ENOMEM, and they are as before.
 */
MUST_CHECK int wg_merge(struct wg_changes *c, bool empty);

/** Merge the changes of a site with the peers of `conf`, if that is possible, when they have become
 * twice as many as were left the last time. */
void wg_merge_grown(struct wg_changes *c, const struct conf_site *conf);
