/* SPDX-License-Identifier: MIT */
/* Receive path: datagrams → WireGuard → cryptokey routing → reassembly → L2TPv3 → merge →
 * superframes. */
#include "path/rx.h"

#include "base/bug.h"
#include "ether/mss.h"
#include "l2tp/receive.h"
#include "path/control.h"
#include "path/peer_pmtu.h"

static void rx_drop(struct engine *e, struct path_port *port, enum drop why)
{
	drop_count(&e->drops, why);
	if (port)
		port->stats.dropped_rx++;
}

/* Clamp the MSS of received SYNs: our members' replies go into frames that we will have to
 * carry. */
static void rx_clamp(struct path_port *port, struct path_peer *peer, uint8_t *frame, size_t len)
{
	struct path_session *s = path_session_of(port);

	if (s && s->options.clamp_mss != L2TP_CLAMP_OFF &&
		ether_clamp_mss(frame, len, engine_max_packet(s, peer),
			l2tp_options_mss(&s->options), false))
		port->stats.mss_clamped++;
}

static void rx_deliver(struct engine *e, struct path_port *port, struct path_peer *peer,
	uint8_t *frame, size_t len)
{
	rx_clamp(port, peer, frame, len);
	port->stats.rx.packets++;
	port->stats.rx.bytes += len;
	/* rx_datagrams() has made sure that there is room */
	ASSERT(gso_merge_add(&e->rx.merge, frame, len, port->session != NULL, port, peer) == 0);
}

static struct path_port *port_of(struct l2tp_session *s)
{
	return s ? &CONTAINER_OF(s, struct path_session, l2tp)->port : NULL;
}

/* A packet that was completed: only now is it known whose it is. */
static void rx_reassembled(
	struct engine *e, struct path_peer *peer, const struct reassembled *whole)
{
	struct path_port *port;
	struct l2tp_received r;

	switch (l2tp_classify(&e->l2tp, whole->packet, whole->len, &r)) {
	case L2TP_FRAME:
		port = port_of(r.session);
		port->stats.reassembled++;
		port->stats.fragments_rx += whole->pieces;
		rx_deliver(e, port, peer, whole->packet + r.offset, r.len);
		return;
	case L2TP_DROP:
		rx_drop(e, port_of(r.session), r.drop);
		return;
	case L2TP_NOT_L2TP:
	case L2TP_FRAGMENT: /* unreachable for a reassembled packet */
		rx_deliver(e, &e->tun, peer, whole->packet, whole->len);
		return;
	}
}

static void rx_fragment(struct engine *e, struct path_peer *peer, uint8_t *packet, size_t len,
	bool foreign, struct fragment_origin origin)
{
	struct reassembled whole;

	e->stats.fragments_rx++;
	switch (reassembly_add(
		&e->reassembly, &peer->fragments, packet, len, foreign, origin, e->now, &whole)) {
	case REASSEMBLY_COMPLETE:
		rx_reassembled(e, peer, &whole);
		return;
	case REASSEMBLY_PASS:
		rx_deliver(e, &e->tun, peer, packet, len);
		return;
	case REASSEMBLY_BUSY: /* cannot be: rx_datagrams() has asked for room */
		rx_drop(e, NULL, DROP_FRAG_MEMORY);
		return;
	case REASSEMBLY_HELD:
	case REASSEMBLY_DROPPED:
		return;
	}
}

static void rx_inner(struct engine *e, const struct wg_keypair *kp, uint64_t counter,
	uint8_t *packet, size_t len, uint8_t tos)
{
	struct path_peer *peer = path_peer_of(kp->peer);
	struct inner_packet inner;
	struct l2tp_received r;
	enum drop drop = inner_parse(packet, len, &inner);

	if (drop == DROP_NONE)
		drop = wg_device_allows(&e->wg, kp->peer, &inner);
	if (drop == DROP_NONE)
		drop = inner_ecn_in(packet, &inner, tos);
	if (drop != DROP_NONE) {
		rx_drop(e, NULL, drop);
		return;
	}
	if (peer_pmtu_answered(e, peer, packet, inner.len))
		return;
	switch (l2tp_classify(&e->l2tp, packet, inner.len, &r)) {
	case L2TP_FRAME:
		rx_deliver(e, port_of(r.session), peer, packet + r.offset, r.len);
		return;
	case L2TP_FRAGMENT:
		rx_fragment(e, peer, packet, inner.len, r.foreign,
			(struct fragment_origin){ .key = kp->local_index, .counter = counter });
		return;
	case L2TP_DROP:
		rx_drop(e, port_of(r.session), r.drop);
		return;
	case L2TP_NOT_L2TP:
		rx_deliver(e, &e->tun, peer, packet, inner.len);
		return;
	}
}

void rx_account(struct engine *e)
{
	struct rx *rx = &e->rx;
	unsigned actions;

	if (!rx->kp)
		return;
	actions = wg_peer_received(&e->wg, rx->kp, &rx->from, rx->bytes, rx->has_data, e->now);
	if (actions & WG_SEND_PENDING)
		trace_note(&e->trace, TRACE_SESSION, rx->kp->peer, &rx->from, 0);
	control_note(e, path_peer_of(rx->kp->peer), actions);
	rx->kp = NULL;
}

static void rx_note(
	struct engine *e, struct wg_keypair *kp, const struct endpoint *from, size_t len)
{
	struct rx *rx = &e->rx;

	if (rx->kp != kp || !endpoint_equal(&rx->from, from)) {
		rx_account(e);
		rx->kp = kp;
		rx->from = *from;
		rx->bytes = 0;
		rx->has_data = false;
	}
	rx->bytes += len;
	rx->has_data |= len > WG_DATA_OVERHEAD;
}

static void rx_data(struct engine *e, uint8_t *msg, size_t len, const struct rx_train *t)
{
	struct wg_keypair *kp;
	uint64_t counter;
	enum drop drop = wg_data_begin(&e->wg, msg, len, e->now, &kp, &counter);

	if (drop == DROP_NONE && e->rx.kp && e->rx.kp != kp) {
		/* the datagrams so far may confirm a new session, which evicts the oldest: perhaps
		 * this one */
		rx_account(e);
		drop = wg_data_begin(&e->wg, msg, len, e->now, &kp, &counter);
	}
	if (drop == DROP_NONE)
		drop = wg_data_open(&e->aead, kp, counter, msg, len);
	if (drop == DROP_NONE)
		drop = wg_data_commit(kp, counter);
	if (drop != DROP_NONE) {
		rx_drop(e, NULL, drop);
		return;
	}
	rx_note(e, kp, &t->from, len);
	if (len > WG_DATA_OVERHEAD)
		rx_inner(e, kp, counter, msg + WG_DATA_HEADER_LEN, len - WG_DATA_OVERHEAD, t->tos);
}

static bool rx_has_room(const struct engine *e)
{
	return !gso_merge_is_full(&e->rx.merge) && reassembly_has_room(&e->reassembly) &&
	       train_has_room(&e->tx.out.heads, 1, WG_HANDSHAKE_MAX);
}

bool rx_datagrams(struct engine *e, struct rx_train *t)
{
	if (!t->len) { /* a datagram all the same */
		e->stats.datagrams_rx++;
		rx_drop(e, NULL, DROP_WG_SHORT);
	}
	while (t->at < t->len) {
		uint8_t *msg = t->data + t->at;
		size_t len = size_min(t->stride, t->len - t->at);

		if (!rx_has_room(e))
			return false;
		t->at += len;
		e->stats.datagrams_rx++;
		if (!t->from.port) {
			/* no endpoint: sending there fails, and the errors would affect other
			 * peers */
			rx_drop(e, NULL, DROP_WG_SOURCE_PORT);
		} else if (len >= WG_DATA_HEADER_LEN && msg[0] == WG_MSG_DATA) {
			rx_data(e, msg, len, t);
		} else {
			rx_account(e); /* a handshake may change whose session this is */
			control_handshake(e, msg, len, &t->from);
		}
	}
	return true;
}

void rx_prefetch(const struct engine *e, const uint8_t *data, size_t len)
{
	wg_data_prefetch(&e->wg, data, len);
}

bool rx_next(struct engine *e, struct gso_superframe *ret, struct path_port **ret_port)
{
	if (!gso_merge_next(&e->rx.merge, ret))
		return false;
	*ret_port = ret->tag;
	e->stats.superframes_rx++;
	return true;
}

void rx_release(struct engine *e)
{
	reassembly_release(&e->reassembly);
}
