/* SPDX-License-Identifier: MIT */
/* Fuzz target: packets to and from the process that holds the keys. Input: packets of the types'
 * sizes, each after a byte that selects its type. Requests and changes act on a table with two
 * peers; answers are checked against the last request. */
#include "fuzz/target.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/x25519.h"
#include "wg/key_table.h"

#define CAPACITY 3

/* The bytes of VECTOR_EPHEMERAL_I of wg/handshake_vectors.h, to which a seed has the response. */
static void fill(void *ctx, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(65 + i);
}

/* Whether a preshared key may be in an answer: it is mostly zero, as is an answer, or it is the
 * ephemeral public key, which is sent in clear. */
static bool is_public(const uint8_t psk[static WG_KEY_LEN])
{
	uint8_t private_key[WG_KEY_LEN];
	uint8_t public_key[WG_KEY_LEN];
	unsigned zeros = 0;

	for (size_t i = 0; i < WG_KEY_LEN; i++)
		zeros += !psk[i];
	fill(NULL, private_key, sizeof(private_key));
	EXPECT(x25519_public(private_key, public_key) == 0);
	return zeros > WG_KEY_LEN / 2 || !memcmp(psk, public_key, WG_KEY_LEN);
}

/* The properties of any answer. */
static void check_answer(const struct wg_key_table *t, const struct wg_key_request *request,
	const struct wg_key_answer *answer)
{
	struct wg_key_answer got;

	EXPECT(wg_key_answer_decode(answer, sizeof(*answer), request, &got) == 0);
	EXPECT(!t->identity.present ||
		!memmem(answer, sizeof(*answer), t->identity.private_key, WG_KEY_LEN));
	for (size_t i = 0; i < t->n; i++)
		EXPECT(is_public(t->peers[i].remote.psk) ||
			!memmem(answer, sizeof(*answer), t->peers[i].remote.psk, WG_KEY_LEN));
}

static void take_request(
	struct wg_key_table *t, const uint8_t *packet, size_t len, struct wg_key_request *last)
{
	struct wg_key_answer answer;

	if (wg_key_request_decode(packet, len, last) < 0)
		return;
	if (wg_key_table_request(t, last, (struct wall){ 1700000000, 0 }, &answer))
		check_answer(t, last, &answer);
}

static void take_change(struct wg_key_table *t, const uint8_t *packet, size_t len)
{
	struct wg_key_change change;

	if (wg_key_change_decode(packet, len, &change) < 0)
		return;
	EXPECT(wg_key_table_change(t, &change) <= 0 && t->n <= CAPACITY);
	for (size_t i = 1; i < t->n; i++)
		EXPECT(memcmp(t->peers[i - 1].remote.public_key, t->peers[i].remote.public_key,
			       WG_KEY_LEN) < 0);
}

static void take_answer(const uint8_t *packet, size_t len, const struct wg_key_request *last)
{
	struct wg_key_answer answer;

	if (!wg_key_is_answered(last->type) || wg_key_answer_decode(packet, len, last, &answer) < 0)
		return;
	EXPECT(answer.seq == last->seq && answer.type == last->type && answer.code <= 0);
	EXPECT(!answer.code || secret_is_zero(answer.tx_key, WG_KEY_LEN));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct wg_key_table t;
	static struct wg_key_peer peers[CAPACITY];
	struct wg_key_change change = { .type = WG_KEY_SET_IDENTITY, .secret = { 1 } };
	struct wg_key_request last = { .seq = 1, .type = WG_KEY_MAKE_RESPONSE, .local_index = 9 };
	unsigned packets = 0;

	if (!t.capacity)
		EXPECT(wg_key_table_init(&t, peers, CAPACITY, (struct rng){ .fill = fill }) == 0);
	EXPECT(wg_key_table_change(&t, &change) == 0);
	for (uint8_t i = 2; i < 4; i++) {
		change = (struct wg_key_change){ .type = WG_KEY_SET_PEER };
		change.peer[0] = (uint8_t)(i * 9);
		memset(change.secret, i, WG_KEY_LEN);
		EXPECT(wg_key_table_change(&t, &change) == 0);
	}
	while (len > 1 && packets++ < 16) {
		static const size_t sizes[] = { sizeof(struct wg_key_request),
			sizeof(struct wg_key_change), sizeof(struct wg_key_answer) };
		unsigned which = *data % 3;
		size_t part = size_min(sizes[which], len - 1);

		if (which == 0)
			take_request(&t, data + 1, part, &last);
		else if (which == 1)
			take_change(&t, data + 1, part);
		else
			take_answer(data + 1, part, &last);
		data += 1 + part;
		len -= 1 + part;
	}
	while (t.n) {
		change = (struct wg_key_change){ .type = WG_KEY_REMOVE_PEER };
		memcpy(change.peer, t.peers[0].remote.public_key, WG_KEY_LEN);
		EXPECT(wg_key_table_change(&t, &change) == 0);
	}
	EXPECT(secret_is_zero(peers, sizeof(peers)));
	return 0;
}
