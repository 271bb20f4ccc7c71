/* SPDX-License-Identifier: MIT */
/* A ring of bytes for whole blocks: what does not fit is refused, and nothing waits. */
#include "capture/ring.h"

#include "base/bug.h"
#include "base/bytes.h"

bool capture_ring_put(struct capture_ring *r, const uint8_t *block, size_t len, size_t reserve)
{
	size_t at = (r->start + r->used) % r->cap;
	size_t first = size_min(len, r->cap - at);

	if (len + reserve > r->cap - r->used)
		return false;
	memcpy(r->bytes + at, block, first);
	memcpy(r->bytes, block + first, len - first);
	r->used += len;
	return true;
}

size_t capture_ring_front(const struct capture_ring *r, const uint8_t **ret)
{
	*ret = r->bytes + r->start;
	return size_min(r->used, r->cap - r->start);
}

void capture_ring_take(struct capture_ring *r, size_t len)
{
	ASSERT(len <= r->used && len <= r->cap - r->start);
	memset(r->bytes + r->start, 0, len);
	r->start = (r->start + len) % r->cap;
	r->used -= len;
}
