/* SPDX-License-Identifier: MIT */
/* Many changes of wg(8) merged to few, with the same effect. */
#pragma once

#include "backend/wg_changes.h"

/** Fewer bytes are not merged. */
#define WG_MERGE_MIN ((size_t)64 << 10)

/**
 * Replace the changes by those that are left: for each peer one, or two if the file has it and it
 * was removed, and those of the device. They have the same effect on an engine that has started
 * with `conf`, with our public key in place of the private one.
 * Return: 0; or -EBADMSG or -ENOMEM, and they are as before.
 */
MUST_CHECK int wg_merge(struct wg_changes *c, const struct conf_site *conf);

/** Merge the changes when they have become twice as many as were left the last time. So the size of
 * the configuration that results limits them, not the number of requests. */
void wg_merge_grown(struct wg_changes *c, const struct conf_site *conf);
