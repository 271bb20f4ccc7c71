/* SPDX-License-Identifier: MIT */
/* Fuzz target: frames of a TAP or packets of the TUN, one after the other: which are our own
 * datagrams. Input: ethernet[1], then repeated: len[2, big endian] frame[len]. */
#include "fuzz/target.h"

#include <string.h>

#include "base/bytes.h"
#include "path/engine.h"

#define INDEX	0x04030201
#define COUNTER 256 /* those below have been used */

/* An engine with one peer, at 192.0.2.2 or 2001:db8::2 port 8172, and one session. */
struct site {
	struct engine e;
	struct path_peer peer;
	struct wg_keypair kp;
	void *memory;
};

static void zeros(void *ctx, uint8_t *out, size_t len)
{
	(void)ctx;
	memset(out, 0, len);
}

static struct site *site_new(void)
{
	const struct engine_sizes sizes = { .wg = { .peers = 2, .allowed_ips = 2, .sources = 16 },
		.packet_max = 100 };
	const uint8_t key[WG_KEY_LEN] = { 9 };
	struct site *s = calloc(1, sizeof(*s));

	EXPECT(s);
	s->memory = calloc(1, engine_memory(&sizes));
	EXPECT(s->memory);
	EXPECT(engine_init(&s->e, &sizes, s->memory, (struct rng){ .fill = zeros }, NULL) == 0);
	EXPECT(engine_add_peer(&s->e, &s->peer, key) == 0);
	s->kp.peer = &s->peer.wg;
	s->kp.remote_index = INDEX;
	atomic_store(&s->kp.tx_counter, COUNTER);
	wg_sent_add(&s->e.wg.sent, &s->kp);
	return s;
}

/* A frame that is ours has the header of our messages somewhere, or is a fragment behind one. */
static bool has_header(const uint8_t *frame, size_t len)
{
	static const uint8_t header[] = { WG_MSG_DATA, 0, 0, 0, 1, 2, 3, 4 };

	return memmem(frame, len, header, sizeof(header)) != NULL;
}

static void take(struct site *s, const char *endpoint, const uint8_t *frame, size_t len,
	bool ethernet, bool *seen)
{
	struct own_datagram own = { 0 };

	EXPECT(endpoint_parse(endpoint, &s->peer.wg.endpoint) == 0);
	if (!own_recognises(&s->e.tx.own, &s->e.wg, frame, len, ethernet, &own)) {
		EXPECT(!own.peer);
		return;
	}
	if (own.peer)
		*seen = true;
	EXPECT(*seen);
	EXPECT(!own.peer || (own.peer == &s->peer.wg && has_header(frame, len)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct site *s; /* an engine takes longer to make than all the rest */
	bool ethernet = len && data[0] & 1;
	bool seen = false;

	if (!s)
		s = site_new();
	s->e.tx.own = (struct own){ 0 };
	if (len)
		data++, len--;
	while (len >= 2) {
		size_t n = size_min(load_be16(data), len - 2);
		uint8_t *frame = malloc(n ? n : 1); /* a sanitizer sees its end */

		EXPECT(frame);
		memcpy(frame, data + 2, n);
		take(s, "192.0.2.2:8172", frame, n, ethernet, &seen);
		take(s, "[2001:db8::2]:8172", frame, n, ethernet, &seen);
		free(frame);
		data += 2 + n;
		len -= 2 + n;
	}
	return 0;
}
