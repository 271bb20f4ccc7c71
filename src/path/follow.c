/* SPDX-License-Identifier: MIT */
/* Each peer's path MTU, found and followed: probes out through the tunnel, answers in, the peer's
 * MTU set. */
#include "path/follow.h"

#include "path/ctrl.h"
#include "path/mtu.h"
#include "path/tx.h"
#include "pkt/headers.h"

/* Take over what the machine has found. */
static void follow_apply(struct engine *e, struct path_peer *peer)
{
	unsigned mtu = mtu_of_wg(peer->pmtud.current, peer->wg.endpoint.addr.family);
	struct mono due = pmtud_deadline(&peer->pmtud);

	if (mtu != peer->mtu) {
		peer->mtu = mtu;
		e->mtu_changed = true;
	}
	e->follow_due = mono_earliest(e->follow_due, due);
}

void follow_start(struct engine *e, struct path_peer *peer, unsigned route_mtu,
	const struct ip_addr *local, const struct ip_addr *remote)
{
	pmtud_init(&peer->pmtud, route_mtu, peer->wg.endpoint.addr.family, e->now);
	peer->probe = (struct probe){ .local = *local, .remote = *remote };
	rng_fill(&e->wg.rng, &peer->probe.id, sizeof(peer->probe.id));
	rng_fill(&e->wg.rng, peer->probe.nonce, sizeof(peer->probe.nonce));
	if (!peer->following)
		list_push_tail(&e->followed, &peer->follow);
	peer->following = true;
	follow_apply(e, peer);
}

void follow_route(struct engine *e, struct path_peer *peer, unsigned route_mtu)
{
	if (!peer->following || peer->pmtud.max == route_mtu)
		return;
	pmtud_route(&peer->pmtud, route_mtu, e->now);
	follow_apply(e, peer);
}

void follow_stop(struct engine *e, struct path_peer *peer, unsigned mtu)
{
	list_remove(&peer->follow);
	peer->following = false;
	if (peer->mtu != mtu)
		e->mtu_changed = true;
	peer->mtu = mtu;
}

/* Bytes on the underlay of a datagram with `len` bytes of plaintext. */
static unsigned outer_len(const struct path_peer *peer, size_t len)
{
	unsigned ip = peer->wg.endpoint.addr.family == AF_INET ? IP4_HEADER_LEN : IP6_HEADER_LEN;

	return (unsigned)len + WG_DATA_OVERHEAD + UDP_HEADER_LEN + ip;
}

void follow_sent(struct engine *e, struct path_peer *peer, size_t len)
{
	if (!peer->following)
		return;
	pmtud_traffic(&peer->pmtud, outer_len(peer, len), e->now);
	e->follow_due = mono_earliest(e->follow_due, pmtud_deadline(&peer->pmtud));
}

bool follow_answered(struct engine *e, struct path_peer *peer, const uint8_t *packet, size_t len)
{
	uint16_t token;

	if (!peer->following || !probe_is_answer(&peer->probe, packet, len, &token))
		return false;
	pmtud_acked(&peer->pmtud, token, e->now);
	follow_apply(e, peer);
	return true;
}

void follow_hint(struct engine *e, const struct endpoint *to, unsigned mtu)
{
	LIST_FOR_EACH(l, &e->followed)
	{
		struct path_peer *peer = CONTAINER_OF(l, struct path_peer, follow);

		if (endpoint_equal(&peer->wg.endpoint, to)) {
			pmtud_hint(&peer->pmtud, mtu, e->now);
			follow_apply(e, peer);
		}
	}
}

/*
 * One probe as a datagram of exactly its size. What is in it is a short echo request, and behind it
 * padding, which every receiver takes off by the packet's own length: so the answer is short
 * whatever the probe's size, and tells of this direction's path alone.
 */
static void send_probe(struct engine *e, struct path_peer *peer, struct wg_keypair *kp,
	const struct pmtud_probe *p)
{
	size_t len = p->size - outer_len(peer, 0);
	size_t echo = probe_len_min(peer->probe.local.family);
	uint8_t *msg = train_tail(&e->tx.heads);
	uint64_t counter;

	if (len < echo || probe_write(&peer->probe, echo, p->token, msg + WG_DATA_HEADER_LEN) < 0 ||
		wg_keypair_reserve(kp, 1, &counter) < 0)
		return;
	memset(msg + WG_DATA_HEADER_LEN + echo, 0, len - echo);
	wg_data_seal(&e->aead, kp, counter, msg, len);
	train_append(&e->tx.heads, WG_DATA_OVERHEAD + len, &peer->wg.endpoint, 0);
	e->stats.datagrams_tx++;
	ctrl_note(e, peer, wg_peer_sent(&e->wg, kp, WG_DATA_OVERHEAD + len, true, e->now));
}

/* When the peer's machine wants to run; without a session it waits for one, as nothing could be
 * sent. */
static struct mono follow_due(const struct engine *e, struct path_peer *peer)
{
	return wg_peer_sending_key(&peer->wg, e->now) ? pmtud_deadline(&peer->pmtud) : MONO_NEVER;
}

/* Return: false when there is no room. */
static bool follow_peer(struct engine *e, struct path_peer *peer)
{
	struct pmtud_probe p;

	while (train_has_room(&e->tx.heads, 1, peer->pmtud.max)) {
		struct wg_keypair *kp = wg_peer_sending_key(&peer->wg, e->now);

		if (!kp || !pmtud_next(&peer->pmtud, e->now, &p)) {
			follow_apply(e, peer);
			return true;
		}
		send_probe(e, peer, kp, &p);
	}
	return false;
}

bool follow_run(struct engine *e)
{
	if (!mono_reached(e->follow_due, e->now))
		return true;
	LIST_FOR_EACH(l, &e->followed)
	{
		struct path_peer *peer = CONTAINER_OF(l, struct path_peer, follow);

		if (mono_reached(follow_due(e, peer), e->now) && !follow_peer(e, peer))
			return false; /* e->follow_due stays as it is: we come back */
	}
	e->follow_due = MONO_NEVER;
	LIST_FOR_EACH(l, &e->followed)
	e->follow_due = mono_earliest(
		e->follow_due, follow_due(e, CONTAINER_OF(l, struct path_peer, follow)));
	return true;
}
