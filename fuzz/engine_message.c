/* SPDX-License-Identifier: MIT */
/* Fuzz target: a packet between monitor and engine, from either side, and the body of a result.
 * Input: a byte whose bits are the sender, whether it continues another packet and the number of
 * descriptors; then the packet. */
#include "fuzz/target.h"

#include <string.h>

#include "backend/engine_message.h"

#define SESSIONS 3

static void decode_result(const uint8_t *body, size_t len)
{
	uint32_t sessions[SESSIONS] = { 1500, 1500, 1500 };
	struct engine_mtus mtus = { 1420, sessions, SESSIONS };
	struct error e;

	if (engine_result_decode(body, len, &mtus, &e) < 0) {
		EXPECT(mtus.wg == 1420 && sessions[0] == 1500);
		return;
	}
	EXPECT(mtus.wg >= 68 && mtus.wg <= 65535);
	for (const char *c = e.problem; *c; c++)
		EXPECT((unsigned char)*c >= ' ');
	EXPECT(strlen(e.hint) < sizeof(e.hint));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct engine_head before = { .type = ENGINE_APPLY, .seq = 1, .len = 64, .fds = 2 };
	struct engine_head h;
	size_t fds;

	if (len < 1)
		return 0;
	fds = data[0] >> 2;
	if (engine_head_decode(data[0] & 1 ? ENGINE_FROM_ENGINE : ENGINE_FROM_MONITOR, data + 1,
		    len - 1, fds, data[0] & 2 ? &before : NULL, 0, &h) < 0)
		return 0;
	EXPECT(h.offset + (len - 1 - sizeof(h)) <= h.len);
	EXPECT(h.len <= 64U << 20 && h.port <= 65535 && h.code <= 0 && fds <= h.fds);
	if (h.type == ENGINE_RESULT && engine_head_is_last(&h, len - 1))
		decode_result(data + 1 + sizeof(h), len - 1 - sizeof(h));
	return 0;
}
