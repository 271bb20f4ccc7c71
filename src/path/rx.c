/* SPDX-License-Identifier: MIT */
/* Receive path: datagrams → WireGuard → cryptokey routing → reassembly → L2TPv3 → merge →
 * superframes. */
#include "path/rx.h"

#include "base/bug.h"
#include "ether/mss.h"
#include "l2tp/receive.h"
#include "pkt/ecn.h"
#include "pkt/ip.h"

static void rx_drop(struct rx_lane *rx, struct path_port *port, enum drop why)
{
	drop_count(&rx->counters.drops, why);
	if (port)
		port->stats.rx.dropped++;
}

/* Clamp the MSS of received SYNs: our members' replies go into frames that we will have to
 * carry. */
static void rx_clamp(struct path_port *port, struct path_peer *peer, uint8_t *frame, size_t len)
{
	struct path_session *s = path_session_of(port);

	if (s && s->options.clamp_mss != L2TP_CLAMP_OFF &&
		ether_clamp_mss(frame, len, path_max_packet(s, peer->mtu),
			l2tp_options_mss(&s->options), false))
		port->stats.rx.mss_clamped++;
}

static void rx_deliver(struct rx_lane *rx, struct path_port *port, struct path_peer *peer,
	uint8_t *frame, size_t len)
{
	rx_clamp(port, peer, frame, len);
	port->stats.rx.packets++;
	port->stats.rx.bytes += len;
	/* rx_datagrams() has made sure that there is room */
	ASSERT(gso_merge_add(&rx->merge, frame, len, port->session != NULL, port, peer) == 0);
}

static struct path_port *port_of(struct l2tp_session *s)
{
	return s ? &CONTAINER_OF(s, struct path_session, l2tp)->port : NULL;
}

/* A packet that was completed: only now is it known whose it is. */
static void rx_reassembled(
	struct rx_lane *rx, struct path_peer *peer, const struct reassembled *whole)
{
	struct path_port *port;
	struct l2tp_received r;

	switch (l2tp_classify(rx->l2tp, whole->packet, whole->len, &r)) {
	case L2TP_FRAME:
		port = port_of(r.session);
		port->stats.rx.reassembled++;
		port->stats.rx.fragments += whole->pieces;
		rx_deliver(rx, port, peer, whole->packet + r.offset, r.len);
		return;
	case L2TP_DROP:
		rx_drop(rx, port_of(r.session), r.drop);
		return;
	case L2TP_NOT_L2TP:
	case L2TP_FRAGMENT: /* unreachable for a reassembled packet */
		rx_deliver(rx, rx->tun, peer, whole->packet, whole->len);
		return;
	}
}

static void rx_fragment(struct rx_lane *rx, struct path_peer *peer, uint8_t *packet,
	const struct ip_header *ip, bool foreign, struct fragment_origin origin)
{
	struct reassembled whole;

	rx->counters.stats.fragments_rx++;
	switch (reassembly_add(
		&rx->reassembly, &peer->fragments, packet, ip, foreign, origin, rx->now, &whole)) {
	case REASSEMBLY_COMPLETE:
		rx_reassembled(rx, peer, &whole);
		return;
	case REASSEMBLY_PASS:
		rx_deliver(rx, rx->tun, peer, packet, ip->len);
		return;
	case REASSEMBLY_BUSY: /* cannot be: rx_datagrams() has asked for room */
		rx_drop(rx, NULL, DROP_FRAG_MEMORY);
		return;
	case REASSEMBLY_HELD:
	case REASSEMBLY_DROPPED:
		return;
	}
}

/* Datagrams of a train under one session key, until they are reported to control. */
struct rx_sum {
	struct wg_keypair *kp; /* NULL: none */
	uint64_t bytes;
	bool has_data;
};

/* The note to control about the peer. */
static struct rx_note *rx_note_of(struct rx_lane *rx, struct path_peer *peer)
{
	struct rx_note *note = &peer->received;

	if (list_is_empty(&note->link))
		list_push_tail(&rx->noted, &note->link);
	return note;
}

static enum rx_session session_of(const struct wg_keypair *kp)
{
	const struct wg_keypairs *keys = &kp->peer->keys;

	if (kp == keys->next)
		return RX_SESSION_NEXT;
	return kp == keys->current ? RX_SESSION_CURRENT : RX_SESSION_PREVIOUS;
}

/* Report what was received to control. */
static void rx_account(struct rx_lane *rx, struct rx_sum *sum, const struct endpoint *from)
{
	enum rx_session session;
	struct rx_note *note;

	if (!sum->kp)
		return;
	session = session_of(sum->kp);
	note = rx_note_of(rx, path_peer_of(sum->kp->peer));
	if (!note->bytes || session > note->session) {
		note->session = (uint8_t)session;
		note->index = sum->kp->local_index;
	}
	note->elsewhere = !endpoint_identical(&sum->kp->peer->endpoint, from);
	if (note->elsewhere)
		note->from = *from;
	note->bytes += sum->bytes;
	note->has_data |= sum->has_data;
	*sum = (struct rx_sum){ 0 };
}

/* Whether a packet from the peer is the answer to a probe of ours; control learns of it. */
static bool rx_is_answer(struct rx_lane *rx, struct path_peer *peer, const uint8_t *packet,
	const struct ip_header *ip)
{
	struct rx_note *note;
	uint16_t token;

	if (!peer->following || !probe_is_answer(&peer->probe, packet, ip, &token))
		return false;
	note = rx_note_of(rx, peer);
	for (unsigned i = 0; i < note->n_answers; i++)
		if (note->answers[i] == token)
			return true;
	if (note->n_answers < RX_NOTE_ANSWERS)
		note->answers[note->n_answers++] = token;
	return true;
}

static void rx_inner(struct rx_lane *rx, const struct wg_keypair *kp, uint64_t counter,
	uint8_t *packet, size_t len, uint8_t tos)
{
	struct path_peer *peer = path_peer_of(kp->peer);
	struct ip_header ip;
	struct l2tp_received r;
	enum drop drop;

	if (ip_header_parse(packet, len, &ip) < 0)
		drop = DROP_INNER_MALFORMED;
	else
		drop = wg_device_allows(rx->wg, kp->peer, &ip);
	if (drop == DROP_NONE)
		drop = ecn_in(packet, &ip, tos);
	if (drop != DROP_NONE) {
		rx_drop(rx, NULL, drop);
		return;
	}
	if (rx_is_answer(rx, peer, packet, &ip))
		return;
	switch (l2tp_judge(rx->l2tp, packet, &ip, &r)) {
	case L2TP_FRAME:
		rx_deliver(rx, port_of(r.session), peer, packet + r.offset, r.len);
		return;
	case L2TP_FRAGMENT:
		rx_fragment(rx, peer, packet, &ip, r.foreign,
			(struct fragment_origin){ .key = kp->local_index, .counter = counter });
		return;
	case L2TP_DROP:
		rx_drop(rx, port_of(r.session), r.drop);
		return;
	case L2TP_NOT_L2TP:
		rx_deliver(rx, rx->tun, peer, packet, ip.len);
		return;
	}
}

static void rx_data(
	struct rx_lane *rx, uint8_t *msg, size_t len, const struct rx_train *t, struct rx_sum *sum)
{
	struct wg_keypair *kp;
	uint64_t counter;
	enum drop drop = wg_data_begin(rx->wg, msg, len, rx->now, &kp, &counter);

	if (drop == DROP_NONE)
		drop = wg_data_open(&rx->aead, kp, counter, msg, len);
	if (drop == DROP_NONE)
		drop = wg_data_commit(kp, counter);
	if (drop != DROP_NONE) {
		rx_drop(rx, NULL, drop);
		return;
	}
	if (!sum->kp || sum->kp != kp)
		rx_account(rx, sum, &t->from);
	sum->kp = kp;
	sum->bytes += len;
	sum->has_data |= len > WG_DATA_OVERHEAD;
	if (len > WG_DATA_OVERHEAD)
		rx_inner(rx, kp, counter, msg + WG_DATA_HEADER_LEN, len - WG_DATA_OVERHEAD, t->tos);
}

/* Keep a message other than data for control, which judges it; what is too long for any is cut. */
static void rx_message(
	struct rx_lane *rx, const uint8_t *msg, size_t len, const struct endpoint *from)
{
	struct rx_message *m = &rx->messages[rx->n_messages++];

	rx->counters.stats.handshakes_rx++;
	m->from = *from;
	m->len = len;
	memcpy(m->bytes, msg, size_min(len, sizeof(m->bytes)));
}

static bool rx_has_room(const struct rx_lane *rx)
{
	return !gso_merge_is_full(&rx->merge) && reassembly_has_room(&rx->reassembly) &&
	       rx->n_messages < RX_MESSAGES_MAX;
}

static void rx_datagram(
	struct rx_lane *rx, uint8_t *msg, size_t len, const struct rx_train *t, struct rx_sum *sum)
{
	rx->counters.stats.datagrams_rx++;
	if (!t->from.port)
		/* no endpoint: sending there fails, and the errors would affect other peers */
		rx_drop(rx, NULL, DROP_WG_SOURCE_PORT);
	else if (len >= WG_DATA_HEADER_LEN && msg[0] == WG_MSG_DATA)
		rx_data(rx, msg, len, t, sum);
	else
		rx_message(rx, msg, len, &t->from);
}

bool rx_datagrams(struct rx_lane *rx, struct rx_train *t)
{
	struct rx_sum sum = { 0 };

	if (!t->len) { /* a datagram all the same */
		rx->counters.stats.datagrams_rx++;
		rx_drop(rx, NULL, DROP_WG_SHORT);
	}
	while (t->at < t->len && rx_has_room(rx)) {
		uint8_t *msg = t->data + t->at;
		size_t len = size_min(t->stride, t->len - t->at);

		t->at += len;
		rx_datagram(rx, msg, len, t, &sum);
	}
	rx_account(rx, &sum, &t->from);
	return t->at >= t->len;
}

void rx_prefetch(const struct rx_lane *rx, const uint8_t *data, size_t len)
{
	struct wg_peer *peer = wg_data_prefetch(rx->wg, data, len);

	if (peer)
		__builtin_prefetch(&path_peer_of(peer)->received, 1);
}

bool rx_next(struct rx_lane *rx, struct gso_superframe *ret, struct path_port **ret_port)
{
	if (!gso_merge_next(&rx->merge, ret)) {
		reassembly_release(&rx->reassembly);
		return false;
	}
	*ret_port = ret->tag;
	rx->counters.stats.superframes_rx++;
	return true;
}
