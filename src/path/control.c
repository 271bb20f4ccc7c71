/* SPDX-License-Identifier: MIT */
/* All messages except data: handshakes, timers, keepalives; and sending of pending packets. */
#include "path/control.h"

#include <errno.h>

#include "path/attention.h"
#include "path/peer_pmtu.h"
#include "wg/handshake.h"

/* Outer DSCP of initiations and responses: AF41. A cookie reply has none, as its receiver is not
 * authenticated. Source: Linux drivers/net/wireguard/messages.h, HANDSHAKE_DSCP; socket.c,
 * wg_socket_send_buffer_as_reply_to_skb(). */
#define HANDSHAKE_TOS 0x88

static void add_actions(struct engine *e, struct path_peer *peer, unsigned actions)
{
	attention_add(&e->control.attention, peer, actions);
}

static void control_send(
	struct engine *e, const uint8_t *msg, size_t len, const struct endpoint *to)
{
	memcpy(train_tail(&e->control.out.heads), msg, len);
	train_append(&e->control.out.heads, len, to, msg[0] == WG_MSG_COOKIE ? 0 : HANDSHAKE_TOS);
	e->control.counters.stats.handshakes_tx++;
}

/* ---- what the lanes have reported ---- */

static void read_tx_note(struct engine *e, struct path_peer *peer)
{
	struct tx_note *n = &peer->sent;

	if (n->bytes)
		add_actions(e, peer, wg_peer_sent(&e->wg, &peer->wg, n->bytes, true, e->now));
	if (n->wants_session)
		add_actions(e, peer, wg_peer_want_session(&e->wg, &peer->wg, e->now));
	if (n->largest) {
		peer_pmtu_sent(e, peer, n->largest, 1);
		peer_pmtu_sent(e, peer, n->train_size, n->train);
	}
}

static void read_rx_note(struct engine *e, struct path_peer *peer)
{
	const struct rx_note *n = &peer->received;
	const struct endpoint *from = n->elsewhere ? &n->from : NULL;
	const struct wg_index_entry *session;
	unsigned actions;

	for (unsigned i = 0; i < n->n_answers; i++)
		peer_pmtu_answered(e, peer, n->answers[i]);
	if (!n->bytes)
		return;
	peer_pmtu_received(e, peer);
	session = wg_indextable_find(&e->wg.indices, n->index);
	actions = wg_peer_received(&e->wg, &peer->wg,
		session && session->peer == &peer->wg ? session->keypair : NULL, from, n->bytes,
		n->has_data, e->now);
	if (actions & WG_SEND_PENDING)
		trace_note(&e->trace, TRACE_SESSION, &peer->wg, &peer->wg.endpoint, 0);
	add_actions(e, peer, actions);
}

static void read_notes(struct engine *e)
{
	LIST_FOR_EACH_SAFE(l, next, &e->tx.noted)
	{
		struct path_peer *peer = CONTAINER_OF(l, struct path_peer, sent.link);

		if (next != &e->tx.noted) /* there may be many peers, not in the caches */
			wg_peer_prefetch(&CONTAINER_OF(next, struct path_peer, sent.link)->wg);
		read_tx_note(e, peer);
		tx_note_clear(&peer->sent);
	}
	LIST_FOR_EACH_SAFE(l, next, &e->rx.noted)
	{
		struct path_peer *peer = CONTAINER_OF(l, struct path_peer, received.link);

		if (next != &e->rx.noted)
			wg_peer_prefetch(&CONTAINER_OF(next, struct path_peer, received.link)->wg);
		read_rx_note(e, peer);
		rx_note_clear(&peer->received);
	}
}

static void take_message(struct engine *e, const struct rx_message *m)
{
	struct wg_event event;
	enum drop verdict =
		wg_device_handshake(&e->wg, m->bytes, m->len, &m->from, e->now, e->wall, &event);

	drop_count(&e->control.counters.drops, verdict);
	trace_handshake(&e->trace, e->now, m->len ? m->bytes[0] : 0, verdict,
		event.reply_len ? event.reply[0] : 0, event.peer, &m->from);
	if (event.reply_len)
		control_send(e, event.reply, event.reply_len, &m->from);
	if (!event.peer)
		return;
	if (verdict == DROP_NONE)
		peer_pmtu_received(e, path_peer_of(event.peer));
	add_actions(e, path_peer_of(event.peer), event.actions);
}

static bool has_room_for_message(const struct engine *e)
{
	return train_has_room(&e->control.out.heads, 1, WG_HANDSHAKE_MAX);
}

/* Process the handshake messages. Return: false if there is no room for another reply. */
static bool take_messages(struct engine *e)
{
	struct rx_lane *rx = &e->rx;
	unsigned done = 0;

	while (done < rx->n_messages && has_room_for_message(e))
		take_message(e, &rx->messages[done++]);
	rx->n_messages -= done;
	memmove(rx->messages, rx->messages + done, rx->n_messages * sizeof(rx->messages[0]));
	return !rx->n_messages;
}

/* ---- timers and actions ---- */

void control_timers(struct engine *e)
{
	struct wg_peer *peer;

	read_notes(e); /* they are older than what the timers do */
	(void)reassembly_expire(&e->rx.reassembly, e->now);
	while ((peer = wg_device_due(&e->wg, e->now)))
		add_actions(e, path_peer_of(peer), wg_peer_timers(&e->wg, peer, e->now));
}

void control_move(struct engine *e, struct path_peer *peer, const struct endpoint *to)
{
	if (!endpoint_equal(&peer->wg.endpoint, to))
		trace_note(&e->trace, TRACE_ENDPOINT, &peer->wg, to, 0);
	wg_peer_set_endpoint(&e->wg, &peer->wg, to);
	engine_forget_path(e, peer);
}

/* Whether the peer was sent an initiation recently and has not answered it. */
static bool is_unanswered(const struct path_peer *peer, struct mono now)
{
	return peer->wg.handshake.state != WG_HANDSHAKE_NONE &&
	       mono_between(peer->wg.last_initiation_sent, now) < 3 * WG_REKEY_TIMEOUT;
}

static void send_initiation(struct engine *e, struct path_peer *peer)
{
	bool unanswered = is_unanswered(peer, e->now);
	uint8_t msg[WG_INITIATION_LEN];
	struct endpoint to;

	if (peer->policy && peer->policy->turn(peer->policy, &peer->wg, e->now, &to))
		control_move(e, peer, &to);
	if (wg_peer_make_initiation(&e->wg, &peer->wg, e->now, e->wall, msg) < 0)
		return;
	pending_set_unanswered(&e->tx.pending, &peer->pending, unanswered);
	control_send(e, msg, sizeof(msg), &peer->wg.endpoint);
	trace_note(&e->trace, TRACE_INITIATION_SENT, &peer->wg, NULL, 0);
	if (peer->policy)
		e->policy_due = mono_earliest(
			e->policy_due, peer->policy->sent(peer->policy, &peer->wg, e->now));
}

/* Return: false when there is no room. */
static bool send_pending(struct engine *e, struct path_peer *peer, struct wg_keypair *kp)
{
	struct emit_flow flow = emit_flow_to(peer, kp);
	struct pending_packet packet;
	int err = 0;

	while (err != -ENOBUFS && pending_first(&e->tx.pending, &peer->pending, &packet)) {
		err = emit_packet(&e->control.out, &flow, packet.stats, packet.bytes, packet.len,
			packet.l2tp);
		if (err == 0) {
			pending_pop(&e->tx.pending, &peer->pending);
		} else if (err != -ENOBUFS) {
			drop_count(&e->control.counters.drops, DROP_TX_OVERSIZE);
			pending_drop(&e->tx.pending, &peer->pending);
		}
	}
	if (err != -ENOBUFS)
		pending_set_unanswered(&e->tx.pending, &peer->pending, false);
	if (flow.bytes)
		add_actions(e, peer, wg_peer_sent(&e->wg, &peer->wg, flow.bytes, true, e->now));
	return err != -ENOBUFS;
}

static void send_keepalive(struct engine *e, struct path_peer *peer, struct wg_keypair *kp)
{
	struct emit_flow flow = emit_flow_to(peer, kp);

	if (!emit_exact(&e->control.out, &flow, 0, 0))
		return;
	trace_note(&e->trace, TRACE_KEEPALIVE_SENT, &peer->wg, NULL, 0);
	add_actions(e, peer, wg_peer_sent(&e->wg, &peer->wg, flow.bytes, false, e->now));
}

/* Run actions that need a session: use it, or request one. Return: false when there is no room. */
static bool use_session(struct engine *e, struct path_peer *peer, unsigned actions)
{
	struct wg_keypair *kp = wg_peer_sending_key(&peer->wg, e->now);

	if (!kp) {
		add_actions(e, peer, wg_peer_want_session(&e->wg, &peer->wg, e->now));
		return true;
	}
	/* measure the path before connections of bridge members are opened over it */
	if (!peer_pmtu_session(e, peer))
		return false;
	if (pending_is_empty(&peer->pending)) {
		if (actions & WG_SEND_KEEPALIVE)
			send_keepalive(e, peer, kp);
		return true;
	}
	return send_pending(e, peer, kp);
}

/* Note what the peer's timers and messages have led to. */
static void trace_actions(struct engine *e, const struct path_peer *peer, unsigned actions)
{
	if (actions & WG_SOURCE_STALE)
		trace_note(&e->trace, TRACE_NO_ANSWER, &peer->wg, NULL, 0);
	if (actions & WG_DROP_PENDING)
		trace_note(&e->trace, TRACE_GAVE_UP, &peer->wg, NULL, 0);
	if (actions & WG_KEYS_WIPED)
		trace_note(&e->trace, TRACE_KEYS_WIPED, &peer->wg, NULL, 0);
	if (actions & WG_ENDPOINT_MOVED)
		trace_note(&e->trace, TRACE_ENDPOINT, &peer->wg, NULL, 0);
}

/* Return: false when there is no room: the remaining actions are queued again. */
static bool run_actions(struct engine *e, struct path_peer *peer, unsigned actions)
{
	trace_actions(e, peer, actions);
	if (actions & WG_SOURCE_STALE)
		wg_peer_clear_source(&peer->wg);
	if (actions & WG_ENDPOINT_MOVED)
		engine_forget_path(e, peer);
	if (actions & WG_DROP_PENDING)
		engine_drop_pending(e, peer);
	if (actions & WG_SEND_INITIATION)
		send_initiation(e, peer);
	if (actions & (WG_SEND_PENDING | WG_SEND_KEEPALIVE) && !use_session(e, peer, actions)) {
		add_actions(e, peer, actions & (WG_SEND_PENDING | WG_SEND_KEEPALIVE));
		return false;
	}
	return true;
}

bool control_pump(struct engine *e)
{
	struct path_peer *peer;

	read_notes(e);
	if (!take_messages(e))
		return false;
	while ((peer = attention_first(&e->control.attention))) {
		if (!train_has_room(&e->control.out.heads, 2, WG_HANDSHAKE_MAX + WG_DATA_OVERHEAD))
			return false;
		if (!run_actions(e, peer, attention_take(peer)))
			return false;
	}
	return peer_pmtu_run(e);
}
