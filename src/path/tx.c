/* SPDX-License-Identifier: MIT */
/* Transmit path: superframe → segments → L2TPv3 → fragments if need be → WireGuard → trains. */
#include "path/tx.h"

#include <errno.h>

#include "ether/mss.h"
#include "l2tp/fragment.h"
#include "l2tp/header.h"
#include "path/control.h"
#include "path/own.h"
#include "path/peer_pmtu.h"
#include "pkt/headers.h"

/* What most links carry, and so what a far end takes an unmeasured path to carry. */
#define ETHERNET_MTU 1500

static void tx_drop(struct engine *e, struct path_port_stats *stats, enum drop why)
{
	drop_count(&e->drops, why);
	stats->dropped_tx++;
}

static struct wg_peer *tx_route(struct engine *e, const struct path_port *port,
	const uint8_t *packet, size_t len, enum drop *ret_drop)
{
	struct inner_packet inner;
	struct wg_peer *peer;

	if (port->session) {
		peer = wg_allowedips_lookup(&e->wg.allowed, &port->session->tunnel->remote);
	} else if (inner_parse(packet, len, &inner) != DROP_NONE) {
		*ret_drop = DROP_TUN_NOT_IP;
		return NULL;
	} else {
		peer = wg_device_route(&e->wg, &inner);
	}
	if (!peer)
		*ret_drop = DROP_TX_NO_PEER;
	return peer;
}

/* The largest packet that the far end can send us in one datagram. It pads to a multiple of 16, up
 * to its own MTU, which is larger than ours where the path is narrow and it cannot measure that, as
 * our firewall drops its probes. */
static unsigned far_max_packet(const struct path_session *s, const struct path_peer *peer)
{
	unsigned max = engine_max_packet(s, peer);
	unsigned padded = peer->mtu % WG_PADDING;
	unsigned outer = peer->pmtud.current;

	return outer && outer < ETHERNET_MTU && max > padded ? max - padded : max;
}

/* Lower the MSS of a SYN from a member: the segments that its receiver sends must fit, too. */
static void tx_clamp(struct tx *tx, uint8_t *frame, size_t len, const struct offload *offload)
{
	struct path_session *s = path_session_of(tx->port);

	if (s && s->options.clamp_mss != L2TP_CLAMP_OFF && offload->gso == GSO_NONE &&
		ether_clamp_mss(frame, len, far_max_packet(s, tx->peer),
			l2tp_options_mss(&s->options), offload->needs_csum))
		tx->port->stats.mss_clamped++;
}

/*
 * ether/ expects Ethernet frames, so a packet of the TUN gets a header with two unicast addresses;
 * the header is never sent.
 */
static void tx_dress(uint8_t *frame, uint8_t version)
{
	static const uint8_t macs[12] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 };

	memcpy(frame, macs, sizeof(macs));
	store_be16(frame + 12, version == 4 ? ETHERTYPE_4 : ETHERTYPE_6);
}

/* Whether the sender, to whom an answer in reply[len] goes, may have it. */
static bool tx_may_answer(
	struct engine *e, struct replies *replies, const uint8_t *reply, size_t len)
{
	struct headers h;

	if (headers_parse(reply, len, true, &h))
		return false;
	return h.version == 4 ? replies_take(replies, &e->key, reply + h.l3 + 16, 4, e->now)
			      : replies_take(replies, &e->key, reply + h.l3 + 24, 16, e->now);
}

/* Report the MTU to the sender. Return: whether it should get an answer, which the rate limit may
 * still suppress. */
static bool tx_answer(struct engine *e, struct replies *replies, const uint8_t *frame, size_t len,
	unsigned max, size_t dressed)
{
	struct tx *tx = &e->tx;
	size_t reply = ether_too_big_reply(frame, len, max, tx->reply_frame);

	if (!reply)
		return false;
	if (tx_may_answer(e, replies, tx->reply_frame, reply)) {
		tx->port->stats.too_big_sent++;
		tx->reply = tx->reply_frame + dressed;
		tx->reply_len = reply - dressed;
	}
	return true;
}

/* Plan the pieces of the segment that is next; behind the header that tx_reject() gave it, if it is
 * of the TUN. Return: whether it is cut. */
static bool tx_cut(struct tx *tx)
{
	struct path_session *s = path_session_of(tx->port);
	size_t dressed = s ? 0 : ETH_HEADER_LEN;
	unsigned max = s ? engine_max_packet(s, tx->peer) : tx->peer->mtu;

	gso_split_write(&tx->plan, tx->next, tx->inner + dressed); /* its checksums are complete */
	return !ether_pieces_plan(
		tx->inner, gso_segment_len(&tx->plan, tx->next) + dressed, max, &tx->pieces);
}

/* Report the MTU to the sender, or fragment its packet as a router would. Return: whether
 * something is left to be sent. */
static bool tx_reject(struct engine *e, struct path_session *s, const uint8_t *frame, size_t len)
{
	struct tx *tx = &e->tx;
	size_t dressed = s ? 0 : ETH_HEADER_LEN;
	unsigned max = s ? engine_max_packet(s, tx->peer) : tx->peer->mtu;

	if (!s) {
		tx_dress(tx->inner, frame[0] >> 4);
		memcpy(tx->inner + dressed, frame, len);
		frame = tx->inner;
	}
	if (tx_answer(e, s ? &s->replies : &e->tun_replies, frame, len + dressed, max, dressed))
		return false;
	tx->cut = true;
	return tx_cut(tx);
}

/* Judge a superframe whose segments may not fit. Return: whether something is left to be sent. */
static bool tx_fits(struct engine *e, const uint8_t *frame, size_t len)
{
	struct tx *tx = &e->tx;
	struct path_session *s = path_session_of(tx->port);
	size_t head = s ? l2tp_overhead(&s->l2tp) : 0;

	tx->next = 0;
	tx->cut = false;
	tx->pieces.count = 0;
	tx->piece = 0;
	if ((s && s->options.oversize == L2TP_OVERSIZE_FRAGMENT) ||
		gso_segment_len_max(&tx->plan) + head <= tx->peer->mtu)
		return true;
	return (!s || s->options.oversize == L2TP_OVERSIZE_REJECT) && tx_reject(e, s, frame, len);
}

/* Whether it is a datagram of ours, which would carry itself. */
static bool tx_is_own(struct engine *e, struct path_port *port, const uint8_t *frame, size_t len)
{
	if (!own_recognises(&e->own, &e->wg, frame, len, port->session != NULL))
		return false;
	e->own.port = port;
	return true;
}

/* Find the peer, and plan the segments. Return: DROP_NONE, or why nothing is sent. */
static enum drop tx_judge(struct engine *e, struct path_port *port, uint8_t *frame, size_t len,
	const struct offload *offload)
{
	struct tx *tx = &e->tx;
	struct wg_peer *peer;
	enum drop drop = DROP_NONE;

	if (tx_is_own(e, port, frame, len))
		return DROP_TAP_OWN;
	peer = tx_route(e, port, frame, len, &drop);
	if (!peer)
		return drop;
	tx->peer = path_peer_of(peer);
	tx_clamp(tx, frame, len, offload);
	drop = gso_split_plan(offload, frame, len, port->session != NULL, &tx->plan);
	if (drop == DROP_NONE && !tx_fits(e, frame, len))
		drop = DROP_TAP_OVERSIZE;
	return drop;
}

void tx_begin(struct engine *e, struct path_port *port, uint8_t *frame, size_t len,
	const struct offload *offload)
{
	struct tx *tx = &e->tx;
	enum drop drop;

	e->stats.superframes_tx++;
	tx->reply_len = 0;
	tx->port = port;
	drop = tx_judge(e, port, frame, len, offload);
	if (drop != DROP_NONE) {
		tx_drop(e, &port->stats, drop);
		tx->port = NULL;
		return;
	}
	tx->kp = wg_peer_sending_key(&tx->peer->wg, e->now);
	tx->sent_bytes = 0;
	tx->largest = 0;
	tx->wants_probes = port->session || !probe_is_echo_reply(frame, len);
	if (!tx->kp)
		control_note(e, tx->peer, wg_peer_want_session(&e->wg, &tx->peer->wg, e->now));
}

/* The queue for a whole packet: the tails, once there are any, so that it overtakes none of
 * them. */
static struct train_queue *tx_queue(struct tx *tx)
{
	return tx->fragmented ? &tx->tails : &tx->heads;
}

/* The largest inner packet that is sent in one piece. */
static unsigned tx_whole(const struct path_peer *peer)
{
	return peer->mtu < peer->whole_max ? peer->mtu : peer->whole_max;
}

/* Seal the `len` bytes of plaintext that sit behind the header's place at the queue's tail. */
static void tx_seal(struct engine *e, struct path_peer *peer, struct wg_keypair *kp,
	struct train_queue *q, size_t len, uint8_t tos)
{
	uint8_t *msg = train_tail(q);
	size_t padded = wg_padded_len(len, tx_whole(peer));
	uint64_t counter;

	if (wg_keypair_reserve(kp, 1, &counter) < 0) {
		drop_count(&e->drops, DROP_WG_KEY_EXPIRED);
		return;
	}
	memset(msg + WG_DATA_HEADER_LEN + len, 0, padded - len);
	wg_data_seal(&e->aead, kp, counter, msg, padded);
	train_append_most(q, WG_DATA_OVERHEAD + padded, &peer->wg.endpoint, tos, peer->train_max);
	e->stats.datagrams_tx++;
	e->tx.sent_bytes += WG_DATA_OVERHEAD + padded;
	e->tx.largest = size_max(e->tx.largest, padded);
}

/* Bytes that a datagram with `len` bytes of plaintext can take at most. */
static size_t tx_need(size_t len)
{
	return WG_DATA_OVERHEAD + len + WG_PADDING;
}

/* Whether an inner packet is longer than any datagram can carry. */
static bool tx_is_oversized(const struct path_peer *peer, size_t len)
{
	return WG_DATA_OVERHEAD + wg_padded_len(len, peer->mtu) > TRAIN_BYTES_MAX;
}

/* Plan the fragments of one of our packets. Return: 0; -ENOBUFS if there is no room for them now;
 * another -errno if it cannot be sent in any. */
static int tx_plan_fragments(const struct tx *tx, const struct path_peer *peer, uint16_t family,
	size_t len, struct fragment_plan *ret)
{
	int err = fragment_plan(family, len, tx_whole(peer), tx->fragment_id, ret);

	if (err < 0)
		return err;
	if (ret->count > TRAINS_MAX)
		return -EMSGSIZE;
	if (tx->fragmented >= FRAGMENT_RUN_MAX ||
		!train_has_room(
			&tx->heads, ret->count, len + ret->count * tx_need(ret->header_len)) ||
		!train_has_room(&tx->tails, 1, tx_need(peer->mtu)))
		return -ENOBUFS;
	return 0;
}

/* Send a packet in the fragments that were planned for it. */
static void tx_fragments(struct engine *e, struct path_peer *peer, struct wg_keypair *kp,
	struct path_port_stats *stats, const uint8_t *packet, const struct fragment_plan *plan)
{
	struct tx *tx = &e->tx;

	tx->fragment_id++;
	tx->fragmented++;
	for (size_t j = 0; j < plan->count; j++) {
		struct train_queue *q = j + 1 < plan->count ? &tx->heads : &tx->tails;

		fragment_write(plan, packet, j, train_tail(q) + WG_DATA_HEADER_LEN);
		tx_seal(e, peer, kp, q, fragment_len(plan, j), 0);
	}
	stats->fragmented++;
	stats->fragments_tx += plan->count;
}

static uint8_t tx_ecn(const uint8_t *packet)
{
	uint8_t tos = packet[0] >> 4 == 4 ? packet[1] : (uint8_t)(load_be16(packet) >> 4);

	return inner_ecn_out(tos);
}

bool tx_packet(struct engine *e, struct path_peer *peer, struct wg_keypair *kp,
	struct path_port_stats *stats, const uint8_t *packet, size_t len, bool l2tp)
{
	struct train_queue *q = tx_queue(&e->tx);
	bool fragments = l2tp && len > tx_whole(peer);
	struct fragment_plan plan;
	int err = 0;

	if (fragments)
		err = tx_plan_fragments(
			&e->tx, peer, packet[0] >> 4 == 4 ? AF_INET : AF_INET6, len, &plan);
	if (err == -ENOBUFS)
		return false;
	if (!err && fragments) {
		tx_fragments(e, peer, kp, stats, packet, &plan);
		return true;
	}
	if (err < 0 || tx_is_oversized(peer, len)) {
		tx_drop(e, stats, DROP_TX_OVERSIZE);
		return true;
	}
	if (!train_has_room(q, 1, tx_need(len)))
		return false;
	memcpy(train_tail(q) + WG_DATA_HEADER_LEN, packet, len);
	tx_seal(e, peer, kp, q, len, tx_ecn(packet));
	return true;
}

static size_t tx_frame_len(const struct tx *tx, unsigned i)
{
	size_t dressed = tx->port->session ? 0 : ETH_HEADER_LEN;

	return tx->pieces.count ? ether_piece_len(&tx->pieces, i) - dressed
				: gso_segment_len(&tx->plan, i);
}

/* Write piece `i`: at first with the header it was given, for which sealing leaves enough room
 * behind. */
static void tx_write_piece(const struct tx *tx, unsigned i, uint8_t *dst)
{
	ether_piece_write(&tx->pieces, i, dst);
	if (!tx->port->session)
		memmove(dst, dst + ETH_HEADER_LEN,
			ether_piece_len(&tx->pieces, i) - ETH_HEADER_LEN);
}

_Static_assert(WG_PADDING + WG_TAG_LEN >= ETH_HEADER_LEN, "room behind a piece");

/* Write segment `i` of the superframe in hand as an inner packet to `dst`. Return: its length. */
static size_t tx_write_inner(struct engine *e, unsigned i, uint8_t *dst, bool force_checksum)
{
	struct tx *tx = &e->tx;
	size_t len = tx_frame_len(tx, i);
	size_t head = 0;

	if (tx->port->session)
		head = l2tp_overhead(tx->port->session);
	if (tx->pieces.count)
		tx_write_piece(tx, i, dst + head);
	else
		gso_split_write(&tx->plan, i, dst + head);
	if (tx->port->session)
		l2tp_push(tx->port->session, dst, len, force_checksum);
	return head + len;
}

/* Evict pending packets until one of `len` bytes to the peer fits. */
static void tx_make_room(struct engine *e, struct path_peer *peer, size_t len)
{
	struct pending_queue *q;

	while ((q = pending_victim(&e->pending, &peer->pending, len, WG_PENDING_MAX))) {
		const struct path_peer *loser = CONTAINER_OF(q, struct path_peer, pending);

		drop_count(&e->drops,
			loser->wg.endpoint.addr.family ? DROP_TX_STAGED_FULL : DROP_TX_NO_ENDPOINT);
		pending_drop(&e->pending, q);
	}
}

/* Queue segment `i` until there is a session. Return: 0, or -EMSGSIZE if it is too long for
 * that. */
static int tx_pending(struct engine *e, unsigned i, size_t len)
{
	struct tx *tx = &e->tx;
	struct pending_pool *pending = &e->pending;

	if (len + ETH_HEADER_LEN > pending->packet_max) /* see tx_write_piece() */
		return -EMSGSIZE;
	if (!tx->peer->wg.endpoint.addr.family)
		pending_set_unanswered(pending, &tx->peer->pending, true);
	tx_make_room(e, tx->peer, len);
	len = tx_write_inner(e, i, pending->packet, true); /* it may be cut yet */
	pending_push(pending, &tx->peer->pending,
		&(struct pending_packet){
			pending->packet, len, tx->port->session != NULL, &tx->port->stats });
	return 0;
}

/* Seal segment `i`, of `len` bytes as an inner packet. Return: 0; -ENOBUFS if there is no room;
 * another -errno if it cannot be sent. Nothing was done then. */
static int tx_send(struct engine *e, unsigned i, size_t len)
{
	struct tx *tx = &e->tx;
	struct train_queue *q = tx_queue(tx);
	struct fragment_plan plan;
	uint8_t *inner;
	int err;

	if (tx->port->session && len > tx_whole(tx->peer)) {
		err = tx_plan_fragments(
			tx, tx->peer, tx->port->session->tunnel->local.family, len, &plan);
		if (err < 0)
			return err;
		tx_write_inner(e, i, tx->inner, true);
		tx_fragments(e, tx->peer, tx->kp, &tx->port->stats, tx->inner, &plan);
		return 0;
	}
	if (!train_has_room(q, 1, tx_need(len)))
		return -ENOBUFS;
	inner = train_tail(q) + WG_DATA_HEADER_LEN;
	tx_write_inner(e, i, inner, false);
	tx_seal(e, tx->peer, tx->kp, q, len, tx_ecn(inner));
	return 0;
}

/* Return: false if there is no room for segment `i`; nothing was done then. */
static bool tx_segment(struct engine *e, unsigned i)
{
	struct tx *tx = &e->tx;
	size_t frame = tx_frame_len(tx, i);
	size_t len = frame + (tx->port->session ? l2tp_overhead(tx->port->session) : 0);
	int err;

	if (tx_is_oversized(tx->peer, len))
		err = -EMSGSIZE;
	else
		err = tx->kp ? tx_send(e, i, len) : tx_pending(e, i, len);
	if (err == -ENOBUFS)
		return false;
	if (err < 0) {
		tx_drop(e, &tx->port->stats, DROP_TX_OVERSIZE);
		return true;
	}
	tx->port->stats.tx.packets++;
	tx->port->stats.tx.bytes += frame;
	e->stats.segments_tx++;
	return true;
}

/* Send what is next: a segment, or a piece of one. Return: false if there is no room for it. */
static bool tx_part(struct engine *e)
{
	struct tx *tx = &e->tx;

	if (tx->cut && !tx->pieces.count)
		(void)tx_cut(tx); /* the last one may fit */
	if (!tx_segment(e, tx->pieces.count ? tx->piece : tx->next))
		return false;
	if (++tx->piece < tx->pieces.count)
		return true;
	tx->piece = 0;
	tx->pieces.count = 0;
	tx->next++;
	return true;
}

/* How many datagrams a train of this superframe's may have; the last train may have begun with
 * others, and a long superframe fills two. Where trains are cut, it is what they would have. */
static unsigned tx_datagrams(const struct tx *tx)
{
	const struct train_queue *q = &tx->heads;
	size_t n = q->n ? q->trains[q->n - 1].count : 0;

	if (q->n && tx->peer->train_max < TRAINS_ANY)
		n += (q->n - 1) * tx->peer->train_max;
	return (unsigned)size_max(n, tx->plan.n_segs);
}

bool tx_continue(struct engine *e)
{
	struct tx *tx = &e->tx;

	if (!tx->port)
		return true;
	while (tx->next < tx->plan.n_segs)
		if (!tx_part(e))
			return false;
	if (tx->kp && tx->sent_bytes) {
		control_note(
			e, tx->peer, wg_peer_sent(&e->wg, tx->kp, tx->sent_bytes, true, e->now));
		if (tx->wants_probes)
			peer_pmtu_sent(e, tx->peer, tx->largest, tx_datagrams(tx));
	}
	tx->port = NULL;
	return true;
}

void tx_reset(struct engine *e)
{
	train_queue_reset(&e->tx.heads);
	train_queue_reset(&e->tx.tails);
	e->tx.fragmented = 0;
}
