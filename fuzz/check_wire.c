/* SPDX-License-Identifier: MIT */
/* Fuzz target: the parser of packets that a check receives from the LAN, the tunnel and the
 * underlay.
 * Input: a frame; its bytes from the 15th on are also parsed as an IP packet. */
#include "fuzz/target.h"

#include <string.h>

#include "judge/wire.h"

static const struct wire_mark mark = { 0x1234, { 1, 2, 3, 4, 5, 6, 7, 8 } };

/* The result must lie within the input. */
static void expect_sound(
	enum wire_kind kind, const struct wire_read *r, const uint8_t *data, size_t len)
{
	if (r->payload)
		EXPECT(r->payload >= data && r->payload_len <= len &&
			r->payload + r->payload_len <= data + len);
	if (kind == WIRE_ERROR)
		EXPECT(r->icmp.seen && r->icmp.from.family == r->target.family);
	if (kind == WIRE_ECHO_REPLY)
		EXPECT(r->src.family != 0);
	if (kind == WIRE_SOLICIT)
		EXPECT(r->target.family == AF_INET6);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1); /* exact size, for the sanitizer */
	struct wire_read r;

	EXPECT(copy);
	memcpy(copy, data, len);
	expect_sound(wire_read_frame(copy, len, &mark, &r), &r, copy, len);
	if (len >= 14)
		expect_sound(
			wire_read_packet(copy + 14, len - 14, &mark, &r), &r, copy + 14, len - 14);
	(void)wire_has_nonce(copy, len, &mark);
	(void)wire_is_echo_reply6(copy, len, &mark);
	free(copy);
	return 0;
}
