/* SPDX-License-Identifier: MIT */
/* Emit: inner packets into sealed datagrams, in fragments if need be, appended to trains. */
#include "path/emit.h"

#include <errno.h>

#include "base/bytes.h"
#include "pkt/ecn.h"

void emit_reset(struct emit *em)
{
	train_queue_reset(&em->heads);
	train_queue_reset(&em->tails);
	em->fragmented = 0;
}

unsigned emit_whole_max(const struct path_peer *peer)
{
	return peer->mtu < peer->whole_max ? peer->mtu : peer->whole_max;
}

bool emit_is_oversized(const struct path_peer *peer, size_t len)
{
	return WG_DATA_OVERHEAD + wg_padded_len(len, peer->mtu) > TRAIN_BYTES_MAX;
}

/* Bytes that a datagram with `len` bytes of plaintext can take at most. */
static size_t room_for(size_t len)
{
	return WG_DATA_OVERHEAD + len + WG_PADDING;
}

/* Seal the `len` bytes of plaintext behind the header's place at the queue's tail. Return: false if
 * the key is used up. */
static bool seal(struct emit *em, struct emit_flow *flow, struct train_queue *q, size_t len,
	size_t padded, uint8_t tos)
{
	uint8_t *msg = train_tail(q);
	uint64_t counter;

	if (wg_keypair_reserve(flow->kp, &counter) < 0)
		return false;
	memset(msg + WG_DATA_HEADER_LEN + len, 0, padded - len);
	wg_data_seal(em->aead, flow->kp, counter, msg, padded);
	train_append_most(
		q, WG_DATA_OVERHEAD + padded, &flow->peer->wg.endpoint, tos, flow->train_max);
	em->counters->stats.datagrams_tx++;
	flow->bytes += WG_DATA_OVERHEAD + padded;
	flow->largest = size_max(flow->largest, padded);
	return true;
}

bool emit_exact(struct emit *em, struct emit_flow *flow, size_t len, size_t padded)
{
	return seal(em, flow, &em->heads, len, padded, 0);
}

/* The same for a part of a packet. */
static void seal_packet(
	struct emit *em, struct emit_flow *flow, struct train_queue *q, size_t len, uint8_t tos)
{
	if (!seal(em, flow, q, len, wg_padded_len(len, emit_whole_max(flow->peer)), tos))
		drop_count(&em->counters->drops, DROP_WG_KEY_EXPIRED);
}

/* The queue for a whole packet: the tails, once there are any, so that it overtakes none of
 * them. */
static struct train_queue *queue_of(struct emit *em)
{
	return em->fragmented ? &em->tails : &em->heads;
}

uint8_t *emit_place(struct emit *em, size_t len)
{
	struct train_queue *q = queue_of(em);

	return train_has_room(q, 1, room_for(len)) ? train_tail(q) + WG_DATA_HEADER_LEN : NULL;
}

static uint8_t ecn_of(const uint8_t *packet)
{
	uint8_t tos = packet[0] >> 4 == 4 ? packet[1] : (uint8_t)(load_be16(packet) >> 4);

	return ecn_out(tos);
}

void emit_placed(struct emit *em, struct emit_flow *flow, size_t len)
{
	struct train_queue *q = queue_of(em);

	seal_packet(em, flow, q, len, ecn_of(train_tail(q) + WG_DATA_HEADER_LEN));
}

int emit_plan(const struct emit *em, const struct path_peer *peer, uint16_t family, size_t len,
	struct fragment_plan *ret)
{
	int err = fragment_plan(family, len, emit_whole_max(peer), 0, ret);

	if (err < 0)
		return err;
	if (ret->count > TRAINS_MAX)
		return -EMSGSIZE;
	if (em->fragmented >= FRAGMENT_RUN_MAX ||
		!train_has_room(
			&em->heads, ret->count, len + ret->count * room_for(ret->header_len)) ||
		!train_has_room(&em->tails, 1, room_for(peer->mtu)))
		return -ENOBUFS;
	ret->id = atomic_fetch_add_explicit(em->fragment_id, 1, memory_order_relaxed);
	return 0;
}

void emit_fragments(struct emit *em, struct emit_flow *flow, struct path_port_tx *stats,
	const uint8_t *packet, const struct fragment_plan *plan)
{
	em->fragmented++;
	for (size_t j = 0; j < plan->count; j++) {
		struct train_queue *q = j + 1 < plan->count ? &em->heads : &em->tails;

		fragment_write(plan, packet, j, train_tail(q) + WG_DATA_HEADER_LEN);
		seal_packet(em, flow, q, fragment_len(plan, j), 0);
	}
	stats->fragmented++;
	stats->fragments += plan->count;
}

int emit_packet(struct emit *em, struct emit_flow *flow, struct path_port_tx *stats,
	const uint8_t *packet, size_t len, bool l2tp)
{
	struct fragment_plan plan;
	uint8_t *place;
	int err;

	if (l2tp && len > emit_whole_max(flow->peer)) {
		err = emit_plan(
			em, flow->peer, packet[0] >> 4 == 4 ? AF_INET : AF_INET6, len, &plan);
		if (!err)
			emit_fragments(em, flow, stats, packet, &plan);
		return err;
	}
	if (emit_is_oversized(flow->peer, len))
		return -EMSGSIZE;
	place = emit_place(em, len);
	if (!place)
		return -ENOBUFS;
	memcpy(place, packet, len);
	emit_placed(em, flow, len);
	return 0;
}
