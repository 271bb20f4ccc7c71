/* SPDX-License-Identifier: MIT */
/* Each peer's path MTU discovery: sends probes through the tunnel, reads answers, sets the peer's
 * MTU. */
#include "path/peer_pmtu.h"

#include <limits.h>

#include "path/attention.h"
#include "pkt/headers.h"
#include "wg/overhead.h"

/* The TTL (hop limit) of probes. Routers may merge consecutive packets of a flow with equal TTLs:
 * so that of probes differs from that of data, and from one probe to the next. */
#define PROBE_TTL 250

/* The number of echo requests in a train of probes. They are its last datagrams, so that there is
 * no answer if only the first datagram passes. */
#define TRAIN_ASKS 4

/* Copy the results of the state machine to the peer. */
static void follow_apply(struct engine *e, struct path_peer *peer)
{
	const struct pmtud *p = &peer->pmtud;
	uint16_t family = peer->wg.endpoint.addr.family;
	unsigned mtu = wg_mtu_of(p->current, family);
	struct mono due = pmtud_deadline(p);

	if (mtu != peer->mtu) {
		peer->mtu = mtu;
		e->events |= ENGINE_MTU_CHANGED;
		trace_note(&e->trace, TRACE_MTU, &peer->wg, NULL, mtu);
	}
	peer->whole_max = wg_mtu_of(p->sure, family);
	if (p->trains.max != peer->train_max)
		e->events |= ENGINE_TRAINS_CHANGED;
	peer->train_max = p->trains.max;
	e->control.follow_due = mono_earliest(e->control.follow_due, due);
}

void peer_pmtu_start(struct engine *e, struct path_peer *peer, unsigned route_mtu,
	const struct ip_addr *local, const struct ip_addr *remote)
{
	pmtud_init(&peer->pmtud, route_mtu, peer->wg.endpoint.addr.family, e->now);
	peer->probe = (struct probe){ .local = *local, .remote = *remote };
	rng_fill(&e->wg.rng, &peer->probe.id, sizeof(peer->probe.id));
	rng_fill(&e->wg.rng, peer->probe.nonce, sizeof(peer->probe.nonce));
	if (!peer->following)
		list_push_tail(&e->control.followed, &peer->follow);
	peer->following = true;
	follow_apply(e, peer);
}

void peer_pmtu_route(struct engine *e, struct path_peer *peer, unsigned route_mtu)
{
	if (!peer->following || peer->pmtud.max == route_mtu)
		return;
	pmtud_route(&peer->pmtud, route_mtu, e->now);
	follow_apply(e, peer);
}

void peer_pmtu_stop(struct engine *e, struct path_peer *peer, unsigned mtu)
{
	list_remove(&peer->follow);
	peer->following = false;
	if (peer->mtu != mtu) {
		e->events |= ENGINE_MTU_CHANGED;
		trace_note(&e->trace, TRACE_MTU, &peer->wg, NULL, mtu);
	}
	peer->mtu = mtu;
	peer->whole_max = UINT_MAX;
	peer->train_max = TRAINS_ANY;
}

/* The size on the underlay of a datagram with `len` bytes of plaintext. */
static unsigned outer_len(const struct path_peer *peer, size_t len)
{
	unsigned ip = peer->wg.endpoint.addr.family == AF_INET ? IP4_HEADER_LEN : IP6_HEADER_LEN;

	return (unsigned)len + WG_DATA_OVERHEAD + UDP_HEADER_LEN + ip;
}

void peer_pmtu_sent(struct engine *e, struct path_peer *peer, size_t len, unsigned datagrams)
{
	if (!peer->following)
		return;
	pmtud_traffic(&peer->pmtud, outer_len(peer, len), datagrams, e->now);
	e->control.follow_due = mono_earliest(e->control.follow_due, pmtud_deadline(&peer->pmtud));
}

void peer_pmtu_received(struct engine *e, struct path_peer *peer)
{
	if (!peer->following)
		return;
	pmtud_received(&peer->pmtud, e->now);
	e->control.follow_due = mono_earliest(e->control.follow_due, pmtud_deadline(&peer->pmtud));
}

void peer_pmtu_answered(struct engine *e, struct path_peer *peer, uint16_t token)
{
	if (!peer->following)
		return;
	pmtud_acked(&peer->pmtud, token, e->now);
	follow_apply(e, peer);
}

/* Whether the quoted data message was sent with `kp`. Only the two ends and hosts on the path know
 * its receiver index, a random number. */
static bool was_sent_under(const struct wg_keypair *kp, const uint8_t *quote)
{
	return kp && load_le32(quote + 4) == kp->remote_index &&
	       load_le64(quote + 8) < atomic_load_explicit(&kp->tx_counter, memory_order_relaxed);
}

static bool is_authentic(const struct path_peer *peer, const uint8_t *quote, size_t len)
{
	const struct wg_keypairs *keys = &peer->wg.keys;

	if (len < PEER_PMTU_QUOTE_LEN || load_le32(quote) != WG_MSG_DATA)
		return false;
	return was_sent_under(keys->current, quote) || was_sent_under(keys->previous[0], quote);
}

void peer_pmtu_hint(
	struct engine *e, const struct endpoint *to, unsigned mtu, const uint8_t *quote, size_t len)
{
	LIST_FOR_EACH(l, &e->control.followed)
	{
		struct path_peer *peer = CONTAINER_OF(l, struct path_peer, follow);

		if (endpoint_equal(&peer->wg.endpoint, to)) {
			pmtud_hint(&peer->pmtud, mtu, is_authentic(peer, quote, len), e->now);
			follow_apply(e, peer);
		}
	}
}

/*
 * Append one datagram of exactly `len` bytes of plaintext: a short echo and padding, which the
 * receiver removes because the length in the echo's IP header is shorter. So the answer is always
 * short, and depends on the MTU of this direction only. Return: whether it was appended.
 */
static bool append_echo(
	struct emit *out, struct emit_flow *flow, size_t len, enum probe_kind kind, uint16_t token)
{
	const struct probe *probe = &flow->peer->probe;
	size_t echo = probe_len_min(probe->local.family);
	uint8_t *packet = train_tail(&out->heads) + WG_DATA_HEADER_LEN;

	return len >= echo && probe_write(probe, kind, echo, token, packet) == 0 &&
	       emit_exact(out, flow, echo, len);
}

/* The number of datagrams of a probe. All must fit into one packet of the kernel (UDP_SEGMENT). */
static unsigned probe_count(const struct pmtud_probe *p, size_t len)
{
	size_t most = TRAIN_BYTES_MAX / (WG_DATA_OVERHEAD + len);

	return p->count < most ? p->count : most ? (unsigned)most : 1;
}

/* Send one probe as a train of its own, as a router drops a train as a whole. */
static void send_probe(struct engine *e, struct path_peer *peer, struct wg_keypair *kp,
	const struct pmtud_probe *p)
{
	struct train_queue *q = &e->control.out.heads;
	struct emit_flow flow = emit_flow_to(peer, kp);
	size_t len = p->size - outer_len(peer, 0);
	unsigned count = probe_count(p, len);
	unsigned asks = count / 2 < TRAIN_ASKS ? count - count / 2 : TRAIN_ASKS;
	unsigned n = 0;

	flow.train_max = TRAINS_ANY; /* a probe may be longer than the limit in use */
	train_close(q);
	while (n < count && append_echo(&e->control.out, &flow, len,
				    n + asks < count ? PROBE_FILLER : PROBE_REQUEST, p->token))
		n++;
	if (!n)
		return;
	train_close_with_ttl(q, (uint8_t)(PROBE_TTL - p->token % 2));
	attention_add(&e->control.attention, peer,
		wg_peer_sent(&e->wg, &peer->wg, flow.bytes, true, e->now));
}

/* When the peer's state machine has to run. Without a session never, as nothing can be sent. */
static struct mono follow_due(const struct engine *e, struct path_peer *peer)
{
	return wg_peer_sending_key(&peer->wg, e->now) ? pmtud_deadline(&peer->pmtud) : MONO_NEVER;
}

/* Return: false when there is no room. */
static bool follow_peer(struct engine *e, struct path_peer *peer)
{
	struct pmtud_probe p;

	while (train_has_room(&e->control.out.heads, 1, TRAIN_BYTES_MAX)) {
		struct wg_keypair *kp = wg_peer_sending_key(&peer->wg, e->now);

		if (!kp || !pmtud_next(&peer->pmtud, e->now, &p)) {
			follow_apply(e, peer);
			return true;
		}
		send_probe(e, peer, kp, &p);
	}
	return false;
}

bool peer_pmtu_session(struct engine *e, struct path_peer *peer)
{
	struct mono due;

	if (!peer->following)
		return true;
	due = follow_due(e, peer);
	if (mono_reached(due, e->now))
		return follow_peer(e, peer);
	e->control.follow_due = mono_earliest(e->control.follow_due, due);
	return true;
}

bool peer_pmtu_run(struct engine *e)
{
	if (!mono_reached(e->control.follow_due, e->now))
		return true;
	LIST_FOR_EACH(l, &e->control.followed)
	{
		struct path_peer *peer = CONTAINER_OF(l, struct path_peer, follow);

		if (mono_reached(follow_due(e, peer), e->now) && !follow_peer(e, peer))
			return false; /* e->control.follow_due is unchanged: called again */
	}
	e->control.follow_due = MONO_NEVER;
	LIST_FOR_EACH(l, &e->control.followed)
	e->control.follow_due = mono_earliest(
		e->control.follow_due, follow_due(e, CONTAINER_OF(l, struct path_peer, follow)));
	return true;
}
