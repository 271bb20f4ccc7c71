/* SPDX-License-Identifier: MIT */
/* All messages except data: handshakes, timers, keepalives; and sending of pending packets. */
#include "path/control.h"

#include <errno.h>

#include "path/peer_pmtu.h"
#include "wg/handshake.h"

/* Outer DSCP of initiations and responses: AF41. A cookie reply has none, as its receiver is not
 * authenticated. Source: Linux drivers/net/wireguard/messages.h, HANDSHAKE_DSCP; socket.c,
 * wg_socket_send_buffer_as_reply_to_skb(). */
#define HANDSHAKE_TOS 0x88

void control_note(struct engine *e, struct path_peer *peer, unsigned actions)
{
	if (!actions)
		return;
	peer->actions |= actions;
	if (list_is_empty(&peer->attention))
		list_push_tail(&e->attention, &peer->attention);
}

static void control_send(
	struct engine *e, const uint8_t *msg, size_t len, const struct endpoint *to)
{
	memcpy(train_tail(&e->tx.out.heads), msg, len);
	train_append(&e->tx.out.heads, len, to, msg[0] == WG_MSG_COOKIE ? 0 : HANDSHAKE_TOS);
	e->stats.handshakes_tx++;
}

void control_handshake(
	struct engine *e, const uint8_t *msg, size_t len, const struct endpoint *from)
{
	struct wg_event event;
	enum drop verdict =
		wg_device_handshake(&e->wg, msg, len, from, e->now, e->wall, false, &event);

	e->stats.handshakes_rx++;
	drop_count(&e->drops, verdict);
	trace_handshake(&e->trace, e->now, len ? msg[0] : 0, verdict,
		event.reply_len ? event.reply[0] : 0, event.peer, from);
	if (event.reply_len)
		control_send(e, event.reply, event.reply_len, from);
	if (event.peer)
		control_note(e, path_peer_of(event.peer), event.actions);
}

void control_timers(struct engine *e)
{
	struct wg_peer *peer;

	(void)reassembly_expire(&e->reassembly, e->now);
	while ((peer = wg_device_due(&e->wg, e->now)))
		control_note(e, path_peer_of(peer), wg_peer_timers(&e->wg, peer, e->now));
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
	pending_set_unanswered(&e->pending, &peer->pending, unanswered);
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

	while (err != -ENOBUFS && pending_first(&e->pending, &peer->pending, &packet)) {
		err = emit_packet(
			&e->tx.out, &flow, packet.stats, packet.bytes, packet.len, packet.l2tp);
		if (err == 0) {
			pending_pop(&e->pending, &peer->pending);
		} else if (err != -ENOBUFS) {
			drop_count(&e->drops, DROP_TX_OVERSIZE);
			pending_drop(&e->pending, &peer->pending);
		}
	}
	if (err != -ENOBUFS)
		pending_set_unanswered(&e->pending, &peer->pending, false);
	if (flow.bytes)
		control_note(e, peer, wg_peer_sent(&e->wg, kp, flow.bytes, true, e->now));
	return err != -ENOBUFS;
}

static void send_keepalive(struct engine *e, struct path_peer *peer, struct wg_keypair *kp)
{
	struct emit_flow flow = emit_flow_to(peer, kp);

	if (!emit_exact(&e->tx.out, &flow, 0, 0))
		return;
	trace_note(&e->trace, TRACE_KEEPALIVE_SENT, &peer->wg, NULL, 0);
	control_note(e, peer, wg_peer_sent(&e->wg, kp, flow.bytes, false, e->now));
}

/* Run actions that need a session: use it, or request one. Return: false when there is no room. */
static bool use_session(struct engine *e, struct path_peer *peer, unsigned actions)
{
	struct wg_keypair *kp = wg_peer_sending_key(&peer->wg, e->now);

	if (!kp) {
		control_note(e, peer, wg_peer_want_session(&e->wg, &peer->wg, e->now));
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
		engine_drop_staged(e, peer);
	if (actions & WG_SEND_INITIATION)
		send_initiation(e, peer);
	if (actions & (WG_SEND_PENDING | WG_SEND_KEEPALIVE) && !use_session(e, peer, actions)) {
		control_note(e, peer, actions & (WG_SEND_PENDING | WG_SEND_KEEPALIVE));
		return false;
	}
	return true;
}

bool control_pump(struct engine *e)
{
	while (!list_is_empty(&e->attention)) {
		struct path_peer *peer =
			CONTAINER_OF(e->attention.next, struct path_peer, attention);
		unsigned actions = peer->actions;

		if (!train_has_room(&e->tx.out.heads, 2, WG_HANDSHAKE_MAX + WG_DATA_OVERHEAD))
			return false;
		peer->actions = 0;
		list_remove(&peer->attention);
		if (!run_actions(e, peer, actions))
			return false;
	}
	return peer_pmtu_run(e);
}
