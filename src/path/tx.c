/* SPDX-License-Identifier: MIT */
/* Transmit path: superframe → segments → L2TPv3 → fragments if need be → WireGuard → trains. */
#include "path/tx.h"

#include <errno.h>

#include "base/bug.h"
#include "base/bytes.h"
#include "ether/mss.h"
#include "l2tp/header.h"
#include "pkt/headers.h"
#include "pkt/ip.h"

/* What most links carry, and so what a far end takes an unmeasured path to carry. */
#define ETHERNET_MTU 1500

static void tx_drop(struct tx_lane *tx, struct path_port_tx *stats, enum drop why)
{
	drop_count(&tx->counters.drops, why);
	stats->dropped++;
}

static struct wg_peer *tx_route(struct tx_lane *tx, const struct path_port *port,
	const uint8_t *packet, size_t len, enum drop *ret_drop)
{
	struct ip_header ip;
	struct wg_peer *peer;

	if (port->session) {
		peer = wg_allowedips_lookup(&tx->wg->allowed, &port->session->tunnel->remote);
	} else if (ip_header_parse(packet, len, &ip) < 0) {
		*ret_drop = DROP_TUN_NOT_IP;
		return NULL;
	} else {
		peer = wg_device_route(tx->wg, &ip);
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
	unsigned max = path_max_packet(s, peer->mtu);
	unsigned padded = peer->mtu % WG_PADDING;
	unsigned outer = peer->pmtud.current;

	return outer && outer < ETHERNET_MTU && max > padded ? max - padded : max;
}

/* Lower the MSS of a SYN from a member: the segments that its receiver sends must fit, too. */
static void tx_clamp(
	const struct tx_job *job, uint8_t *frame, size_t len, const struct offload *offload)
{
	struct path_session *s = path_session_of(job->port);

	if (s && s->options.clamp_mss != L2TP_CLAMP_OFF && offload->gso == GSO_NONE &&
		ether_clamp_mss(frame, len, far_max_packet(s, job->flow.peer),
			l2tp_options_mss(&s->options), offload->needs_csum))
		job->port->stats.tx.mss_clamped++;
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

/* Bytes of that header: of packets of the TUN only. */
static size_t tx_dress_len(const struct tx_job *job)
{
	return job->port->session ? 0 : ETH_HEADER_LEN;
}

/* The largest IP packet of the superframe's sender that fits. */
static unsigned tx_max_packet(const struct tx_job *job)
{
	struct path_session *s = path_session_of(job->port);

	return s ? path_max_packet(s, job->flow.peer->mtu) : job->flow.peer->mtu;
}

/* Whether the sender, to whom an answer in reply[len] goes, may have it. */
static bool tx_may_answer(
	struct tx_lane *tx, struct replies *replies, const uint8_t *reply, size_t len)
{
	struct headers h;

	if (headers_parse(reply, len, true, &h))
		return false;
	return h.version == 4 ? replies_take(replies, &tx->key, reply + h.l3 + 16, 4, tx->now)
			      : replies_take(replies, &tx->key, reply + h.l3 + 24, 16, tx->now);
}

/* Report the MTU to the sender of frame[len]. Return: whether it should get an answer, which the
 * rate limit may still suppress. */
static bool tx_answer(struct tx_lane *tx, struct tx_job *job, const uint8_t *frame, size_t len,
	struct tx_answer *ret)
{
	struct path_session *s = path_session_of(job->port);
	size_t dressed = tx_dress_len(job);
	size_t reply = ether_too_big_reply(frame, len, tx_max_packet(job), job->reply);

	if (!reply)
		return false;
	if (tx_may_answer(tx, s ? &s->replies : &tx->tun_replies, job->reply, reply)) {
		job->port->stats.tx.too_big_sent++;
		ret->bytes = job->reply + dressed;
		ret->len = reply - dressed;
	}
	return true;
}

/* Plan the pieces of the segment that is next; behind the header that tx_reject() gave it, if it is
 * of the TUN. Return: whether it is cut. */
static bool tx_cut(struct tx_lane *tx, struct tx_job *job)
{
	size_t dressed = tx_dress_len(job);
	uint8_t *inner = tx->inner;

	gso_split_write(&job->plan, job->next, inner + dressed); /* its checksums are complete */
	return !ether_pieces_plan(inner, gso_segment_len(&job->plan, job->next) + dressed,
		tx_max_packet(job), &job->pieces);
}

/* Report the MTU to the sender, or fragment its packet as a router would. Return: whether
 * something is left to be sent. */
static bool tx_reject(struct tx_lane *tx, struct tx_job *job, const uint8_t *frame, size_t len,
	struct tx_answer *ret)
{
	size_t dressed = tx_dress_len(job);

	if (dressed) {
		tx_dress(tx->inner, frame[0] >> 4);
		memcpy(tx->inner + dressed, frame, len);
		frame = tx->inner;
	}
	if (tx_answer(tx, job, frame, len + dressed, ret))
		return false;
	job->cut = true;
	return tx_cut(tx, job);
}

/* Judge a superframe whose segments may not fit. Return: whether something is left to be sent. */
static bool tx_fits(struct tx_lane *tx, struct tx_job *job, const uint8_t *frame, size_t len,
	struct tx_answer *ret)
{
	struct path_session *s = path_session_of(job->port);
	size_t head = s ? l2tp_overhead(&s->l2tp) : 0;

	if ((s && s->options.oversize == L2TP_OVERSIZE_FRAGMENT) ||
		gso_segment_len_max(&job->plan) + head <= job->flow.peer->mtu)
		return true;
	return (!s || s->options.oversize == L2TP_OVERSIZE_REJECT) &&
	       tx_reject(tx, job, frame, len, ret);
}

/* Find the peer, and plan the segments. Return: DROP_NONE, or why nothing is sent. */
static enum drop tx_judge(struct tx_lane *tx, struct tx_job *job, uint8_t *frame, size_t len,
	const struct offload *offload, struct tx_answer *ret)
{
	bool ethernet = job->port->session != NULL;
	struct wg_peer *peer;
	enum drop drop = DROP_NONE;

	if (own_recognises(&tx->own, tx->wg, frame, len, ethernet, &ret->own))
		return DROP_TAP_OWN; /* it would carry itself */
	peer = tx_route(tx, job->port, frame, len, &drop);
	if (!peer)
		return drop;
	job->flow = emit_flow_to(path_peer_of(peer), NULL);
	tx_clamp(job, frame, len, offload);
	drop = gso_split_plan(offload, frame, len, ethernet, &job->plan);
	if (drop == DROP_NONE && !tx_fits(tx, job, frame, len, ret))
		drop = DROP_TAP_OVERSIZE;
	return drop;
}

/* The note to control about the peer. */
static struct tx_note *tx_note_of(struct tx_lane *tx, struct path_peer *peer)
{
	struct tx_note *note = &peer->sent;

	if (list_is_empty(&note->link))
		list_push_tail(&tx->noted, &note->link);
	return note;
}

struct tx_answer tx_begin(struct tx_lane *tx, struct tx_job *job, struct path_port *port,
	uint8_t *frame, size_t len, const struct offload *offload)
{
	struct tx_answer answer = { 0 };
	struct path_peer *peer;
	enum drop drop;

	tx->counters.stats.superframes_tx++;
	job->port = port;
	job->next = 0;
	job->cut = false;
	job->pieces.count = 0;
	job->piece = 0;
	job->released = false;
	drop = tx_judge(tx, job, frame, len, offload, &answer);
	if (drop != DROP_NONE) {
		tx_drop(tx, &port->stats.tx, drop);
		job->port = NULL;
		return answer;
	}
	peer = job->flow.peer;
	job->flow.kp = wg_peer_sending_key(&peer->wg, tx->now);
	job->wants_probes = port->session || !probe_is_echo_reply(frame, len);
	if (!job->flow.kp)
		tx_note_of(tx, peer)->wants_session = true;
	return answer;
}

static size_t tx_frame_len(const struct tx_job *job, unsigned i)
{
	return job->pieces.count ? ether_piece_len(&job->pieces, i) - tx_dress_len(job)
				 : gso_segment_len(&job->plan, i);
}

/* Write piece `i`: at first with the header it was given, for which sealing leaves enough room
 * behind. */
static void tx_write_piece(const struct tx_job *job, unsigned i, uint8_t *dst)
{
	ether_piece_write(&job->pieces, i, dst);
	if (!job->port->session)
		memmove(dst, dst + ETH_HEADER_LEN,
			ether_piece_len(&job->pieces, i) - ETH_HEADER_LEN);
}

_Static_assert(WG_PADDING + WG_TAG_LEN >= ETH_HEADER_LEN, "room behind a piece");

/* Write segment `i` of the superframe in hand to `dst`. */
static void tx_write_frame(const struct tx_job *job, unsigned i, uint8_t *dst)
{
	if (job->pieces.count)
		tx_write_piece(job, i, dst);
	else
		gso_split_write(&job->plan, i, dst);
}

/* Write segment `i` of the superframe in hand as an inner packet to `dst`. Return: its length. */
static size_t tx_write_inner(
	const struct tx_job *job, unsigned i, uint8_t *dst, bool force_checksum)
{
	struct l2tp_session *s = job->port->session;
	size_t len = tx_frame_len(job, i);
	size_t head = s ? l2tp_overhead(s) : 0;

	tx_write_frame(job, i, dst + head);
	if (s)
		l2tp_push(s, dst, len, force_checksum);
	return head + len;
}

/* Evict pending packets until one of `len` bytes to the peer fits. */
static void tx_make_room(struct tx_lane *tx, struct path_peer *peer, size_t len)
{
	struct pending_queue *q;

	while ((q = pending_victim(&tx->pending, &peer->pending, len, WG_PENDING_MAX))) {
		const struct path_peer *loser = CONTAINER_OF(q, struct path_peer, pending);

		drop_count(&tx->counters.drops,
			loser->wg.endpoint.addr.family ? DROP_TX_STAGED_FULL : DROP_TX_NO_ENDPOINT);
		pending_drop(&tx->pending, q);
	}
}

/* Queue segment `i` until there is a session. Return: 0, or -EMSGSIZE if it is too long for
 * that. */
static int tx_pending(struct tx_lane *tx, const struct tx_job *job, unsigned i, size_t len)
{
	struct pending_pool *pending = &tx->pending;
	struct path_peer *peer = job->flow.peer;

	if (len + ETH_HEADER_LEN > pending->packet_max) /* see tx_write_piece() */
		return -EMSGSIZE;
	if (!peer->wg.endpoint.addr.family)
		pending_set_unanswered(pending, &peer->pending, true);
	tx_make_room(tx, peer, len);
	len = tx_write_inner(job, i, pending->packet, true); /* it may be cut yet */
	pending_push(pending, &peer->pending,
		&(struct pending_packet){
			pending->packet, len, job->port->session != NULL, &job->port->stats.tx });
	return 0;
}

/* Bytes that the underlay carries for an inner packet of `len` bytes, with Ethernet headers. */
static size_t tx_wire(const struct path_peer *peer, size_t len)
{
	size_t outer =
		WG_DATA_OVERHEAD + ETH_HEADER_LEN + UDP_HEADER_LEN +
		(peer->wg.endpoint.addr.family == AF_INET6 ? IP6_HEADER_LEN : IP4_HEADER_LEN);
	size_t whole = size_max(emit_whole_max(peer), 1);

	return wg_padded_len(len, peer->mtu) + (len + whole - 1) / whole * outer;
}

/* Whether a frame, an inner packet of `len` bytes, waits in the queue. Without a session it waits
 * for that instead, unless others are before it. */
static bool tx_must_wait(const struct tx_lane *tx, const struct tx_job *job, size_t len)
{
	const struct path_peer *peer = job->flow.peer;

	if (len + ETH_HEADER_LEN > tx->pending.packet_max)
		return false;
	if (job->released)
		return tx->blocked; /* there was no room for it */
	if (peer->queue.count)
		return true;
	return job->flow.kp &&
	       (tx->pace.state == PACE_QUEUE || tx->pace.limit.rate || peer->queue.limit.rate);
}

/* Queue segment `i`, a frame of `frame` bytes and an inner packet of `len` bytes, until it can
 * leave. Return: true. */
static bool tx_wait(
	struct tx_lane *tx, const struct tx_job *job, unsigned i, size_t frame, size_t len)
{
	struct path_port *port = job->port;

	tx_write_frame(job, i, tx->pending.packet);
	queue_push(&tx->queue, &job->flow.peer->queue,
		&(struct queue_frame){
			.bytes = tx->pending.packet,
			.len = frame,
			.ethernet = port->session != NULL,
			.wire = tx_wire(job->flow.peer, len),
			.port = port,
			.dropped = &port->stats.tx.dropped,
		},
		tx->now);
	return true;
}

/* Seal segment `i`, of `len` bytes as an inner packet. Return: 0; -ENOBUFS if there is no room;
 * another -errno if it cannot be sent. Nothing was done then. */
static int tx_send(struct tx_lane *tx, struct tx_job *job, unsigned i, size_t len)
{
	struct l2tp_session *s = job->port->session;
	struct emit *out = &tx->out;
	struct fragment_plan plan;
	uint8_t *place;
	int err;

	if (s && len > emit_whole_max(job->flow.peer)) {
		err = emit_plan(out, job->flow.peer, s->tunnel->local.family, len, &plan);
		if (err < 0)
			return err;
		tx_write_inner(job, i, tx->inner, true);
		emit_fragments(out, &job->flow, &job->port->stats.tx, tx->inner, &plan);
		return 0;
	}
	place = emit_place(out, len);
	if (!place)
		return -ENOBUFS;
	tx_write_inner(job, i, place, false);
	emit_placed(out, &job->flow, len);
	return 0;
}

/* Return: false if there is no room for segment `i`; nothing was done then. */
static bool tx_segment(struct tx_lane *tx, struct tx_job *job, unsigned i)
{
	struct path_port *port = job->port;
	size_t frame = tx_frame_len(job, i);
	size_t len = frame + (port->session ? l2tp_overhead(port->session) : 0);
	int err;

	if (emit_is_oversized(job->flow.peer, len))
		err = -EMSGSIZE;
	else if (tx->queueing && tx_must_wait(tx, job, len))
		return tx_wait(tx, job, i, frame, len); /* it is counted when it leaves */
	else
		err = job->flow.kp ? tx_send(tx, job, i, len) : tx_pending(tx, job, i, len);
	if (err == -ENOBUFS && !tx->blocked)
		return false;
	if (err < 0) {
		tx_drop(tx, &port->stats.tx, err == -ENOBUFS ? DROP_TX_QUEUE : DROP_TX_OVERSIZE);
		return true;
	}
	port->stats.tx.packets++;
	port->stats.tx.bytes += frame;
	tx->counters.stats.segments_tx++;
	return true;
}

/* Send what is next: a segment, or a piece of one. Return: false if there is no room for it. */
static bool tx_part(struct tx_lane *tx, struct tx_job *job)
{
	if (job->cut && !job->pieces.count)
		(void)tx_cut(tx, job); /* the last one may fit */
	if (!tx_segment(tx, job, job->pieces.count ? job->piece : job->next))
		return false;
	if (++job->piece < job->pieces.count)
		return true;
	job->piece = 0;
	job->pieces.count = 0;
	job->next++;
	return true;
}

/* How many datagrams a train of this superframe's may have; the last train may have begun with
 * others, and a long superframe fills two. Where trains are cut, it is what they would have. */
static unsigned tx_datagrams(const struct emit *out, const struct tx_job *job)
{
	const struct train_queue *q = &out->heads;
	size_t n = q->n ? q->trains[q->n - 1].count : 0;

	if (q->n && job->flow.train_max < TRAINS_ANY)
		n += (q->n - 1) * job->flow.train_max;
	return (unsigned)size_max(n, job->plan.n_segs);
}

/* Report what was sent of the superframe to control. */
static void tx_account(struct tx_lane *tx, const struct tx_job *job)
{
	const struct emit_flow *flow = &job->flow;
	struct tx_note *note = tx_note_of(tx, flow->peer);
	uint16_t largest = (uint16_t)flow->largest;	    /* a datagram's plaintext */
	bool cut = flow->train_max < flow->peer->train_max; /* by the pace: no trains are wanted */
	uint16_t train = tx->joins && !cut ? (uint16_t)tx_datagrams(&tx->out, job) : 1;

	note->bytes += flow->bytes;
	if (!job->wants_probes)
		return;
	if (largest > note->largest)
		note->largest = largest;
	if ((uint32_t)train * largest > (uint32_t)note->train * note->train_size) {
		note->train = train;
		note->train_size = largest;
	}
}

bool tx_continue(struct tx_lane *tx, struct tx_job *job)
{
	if (!job->port)
		return true;
	while (job->next < job->plan.n_segs)
		if (!tx_part(tx, job))
			return false;
	if (job->flow.bytes)
		tx_account(tx, job);
	job->port = NULL;
	return true;
}

/* Whether a frame of any length surely fits the trains, in fragments if need be. */
static bool tx_has_room(const struct emit *out)
{
	return out->fragmented < FRAGMENT_RUN_MAX && out->heads.n <= TRAINS_MAX / 2 &&
	       out->tails.n <= TRAINS_MAX / 2 && out->heads.used <= out->heads.cap / 2 &&
	       out->tails.used <= out->tails.cap / 2;
}

bool tx_release(struct tx_lane *tx, struct tx_job *job)
{
	static const struct offload none;
	struct queue_frame f;
	struct queue_peer *waited;
	struct path_peer *peer;
	unsigned most;

	if (tx->blocked || !tx_has_room(&tx->out) || !pace_is_ready(&tx->pace, tx->now))
		return false;
	waited = queue_take(&tx->queue, tx->now, &f);
	if (!waited)
		return false;
	peer = CONTAINER_OF(waited, struct path_peer, queue);
	pace_take(&tx->pace, f.wire, tx->now);
	job->port = f.port;
	job->flow = emit_flow_to(peer, wg_peer_sending_key(&peer->wg, tx->now));
	most = pace_train_max(&tx->pace, f.wire);
	if (most && most < job->flow.train_max)
		job->flow.train_max = most;
	job->next = 0;
	job->cut = false;
	job->pieces.count = 0;
	job->piece = 0;
	job->released = true;
	job->wants_probes = f.ethernet || !probe_is_echo_reply(f.bytes, f.len);
	if (!job->flow.kp)
		tx_note_of(tx, peer)->wants_session = true;
	/* it is a segment already, so no reason for a drop is left */
	ASSERT(gso_split_plan(&none, f.bytes, f.len, f.ethernet, &job->plan) == DROP_NONE);
	return true;
}

void tx_update_queueing(struct tx_lane *tx)
{
	tx->queueing = tx->pace.state == PACE_QUEUE || tx->pace.limit.rate || tx->limited ||
		       !queue_is_empty(&tx->queue);
}

struct mono tx_due(const struct tx_lane *tx)
{
	if (queue_is_empty(&tx->queue) || tx->blocked)
		return MONO_NEVER;
	if (pace_is_ready(&tx->pace, tx->now) && queue_is_paused(&tx->queue))
		return tx->queue.due;
	return pace_due(&tx->pace, tx->now);
}
