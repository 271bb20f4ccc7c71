/* SPDX-License-Identifier: MIT */
/* The memory in which an engine's sessions outlive its process: made by the monitor, mapped by each
 * engine. */
#pragma once

#include "base/must_check.h"
#include "wg/store.h"

/** Make it, empty and of a size that cannot change, for a site with `peers` peers and as many that
 * are added later: the sessions of more end with the process. Its pages are allocated when they are
 * used. Return: a descriptor, or -errno. */
MUST_CHECK int engine_store_make(size_t peers);

/** The memory as mapped into this process; `bytes` NULL: there is none. */
struct engine_memory {
	void *bytes;
	size_t len;
};

/** Map it into this process, for its life, without reading it: another engine may still use it.
 * `fd` -1 is allowed. Return: 0; or -errno, and `ret` has none. */
MUST_CHECK int engine_store_map(int fd, struct engine_memory *ret);

/** Use the memory, which no other process does any more, and log if what it contains cannot be
 * used. Return: 0; -EPROTO: so it is, and it is empty now; or -errno, and `ret` has none. */
MUST_CHECK int engine_store_open(const struct engine_memory *memory, struct wg_store *ret);
