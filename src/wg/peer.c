/* SPDX-License-Identifier: MIT */
/* A peer: its identity, endpoint, sessions, timers and counters. */
#include "wg/peer.h"

#include <errno.h>

#include "base/bug.h"
#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/tai64n.h"
#include "wg/endpoint_table.h"
#include "wg/secrets.h"
#include "wg/stored.h"

/* Whether we have to renew a session that was `born` so long ago, as its initiator; which one
 * seldom has to look up. */
static bool is_older(const struct wg_keypair *kp, struct mono born, uint64_t age, struct mono now)
{
	return mono_between(born, now) >= age && kp->initiator;
}

static uint64_t messages_sent(struct wg_keypair *kp)
{
	return atomic_load_explicit(&kp->tx_counter, memory_order_relaxed);
}

void wg_peer_arm(struct wg_device *dev, struct wg_peer *peer)
{
	/* The heap has room for every peer. */
	ASSERT(!heap_set(&dev->deadlines, &peer->due, wg_timers_deadline(&peer->timers)));
}

/* The same after packets. Most of these postpone a deadline, and are too many for heap updates:
 * then the peer stays in its place, and wg_device_due() moves it when the old deadline has
 * expired. The other deadlines are not later than that already. */
static void arm_for_sooner(struct wg_device *dev, struct wg_peer *peer)
{
	struct mono due = wg_timers_data_deadline(&peer->timers);

	if (mono_is_set(due) && (!peer->due.pos || mono_before(due, peer->due.due)))
		wg_peer_arm(dev, peer);
}

struct wg_keypair *wg_peer_sending_key(struct wg_peer *peer, struct mono now)
{
	struct wg_keypair *kp = peer->keys.current;

	if (!kp || !wg_keypair_is_fresh(kp, now) || messages_sent(kp) >= WG_REJECT_AFTER_MESSAGES)
		return NULL;
	return kp;
}

/* The earliest time for another initiation. */
static struct mono next_initiation(const struct wg_peer *peer)
{
	uint64_t wait = peer->renewed ? WG_INITIATION_SPACING : WG_REKEY_TIMEOUT;

	return mono_is_set(peer->last_initiation_sent) ? mono_add(peer->last_initiation_sent, wait)
						       : WG_AT_ONCE;
}

/* When to send an initiation if a session is wanted: not while we wait for the peer to confirm a
 * session that we have answered. */
static struct mono next_try(const struct wg_peer *peer)
{
	struct mono initiation = next_initiation(peer);
	struct mono proof;

	if (!peer->keys.next)
		return initiation;
	proof = mono_add(peer->keys.next->born, WG_REKEY_TIMEOUT);
	return mono_before(initiation, proof) ? proof : initiation;
}

/* Whether all prerequisites of an initiation are met. Return: 0, or a negative errno for the
 * missing one. */
static int can_initiate(const struct wg_device *dev, const struct wg_peer *peer)
{
	if (!peer->remote.usable)
		return -ENOKEY;
	if (!peer->endpoint.addr.family)
		return -EHOSTUNREACH;
	return dev->down ? -ENETDOWN : 0;
}

void wg_peer_reconsider(struct wg_device *dev, struct wg_peer *peer)
{
	if (can_initiate(dev, peer) == 0)
		wg_timers_resume(&peer->timers, next_try(peer));
	wg_peer_arm(dev, peer);
}

/* Reconsider after a change that gives a new initiation a better chance than the last. */
static void renew(struct wg_device *dev, struct wg_peer *peer)
{
	peer->renewed = true;
	wg_peer_reconsider(dev, peer);
}

unsigned wg_peer_want_session(struct wg_device *dev, struct wg_peer *peer, struct mono now)
{
	struct mono at = next_try(peer);
	unsigned actions = 0;

	wg_timers_wanted(&peer->timers, now);
	if (can_initiate(dev, peer) == 0) {
		if (mono_reached(at, now))
			actions = WG_SEND_INITIATION;
		else
			wg_timers_await(&peer->timers, at);
	}
	wg_peer_arm(dev, peer);
	return actions;
}

unsigned wg_peer_sent(
	struct wg_device *dev, struct wg_peer *peer, uint64_t bytes, bool has_data, struct mono now)
{
	struct wg_keypair *kp = peer->keys.current;
	unsigned actions = 0;

	peer->tx_bytes += bytes;
	wg_timers_sent(&peer->timers, now);
	if (has_data)
		wg_timers_data_sent(&peer->timers, now, &dev->rng);
	if (kp && (messages_sent(kp) > WG_REKEY_AFTER_MESSAGES ||
			  is_older(kp, kp->born, WG_REKEY_AFTER_TIME, now)))
		actions |= wg_peer_want_session(dev, peer, now);
	arm_for_sooner(dev, peer);
	return actions;
}

unsigned wg_peer_received(struct wg_device *dev, struct wg_peer *peer, const struct wg_keypair *kp,
	const struct endpoint *src, uint64_t bytes, bool has_data, struct mono now)
{
	unsigned actions = src ? wg_peer_update_endpoint(dev, peer, src, now) : 0;

	peer->rx_bytes += bytes;
	if (kp && kp == peer->keys.next) {
		wg_keypairs_confirm(&peer->keys, &dev->indices);
		wg_timers_handshake_complete(&peer->timers);
		peer->last_handshake = kp->made;
		peer->handshake_at = kp->born;
		wg_peer_store(peer);
		actions |= WG_SEND_PENDING;
	}
	wg_timers_received(&peer->timers, now);
	if (has_data)
		wg_timers_data_received(&peer->timers, now);
	if (kp && kp == peer->keys.current && !peer->timers.last_minute &&
		is_older(kp, kp->rx_born,
			WG_REJECT_AFTER_TIME - WG_KEEPALIVE_TIMEOUT - WG_REKEY_TIMEOUT, now)) {
		peer->timers.last_minute = true;
		actions |= wg_peer_want_session(dev, peer, now);
	}
	arm_for_sooner(dev, peer);
	return actions;
}

/* Cancel the handshake in progress, if any. */
static void forget_handshake(struct wg_device *dev, struct wg_peer *peer)
{
	if (peer->handshake.state != WG_HANDSHAKE_NONE)
		wg_indextable_remove(&dev->indices, peer->handshake.local_index);
	wg_secrets_forget(dev, peer);
}

/*
 * The timestamp of an initiation: the time, but always later than the last one. The wall clock can
 * be stepped back (NTP), and until it had caught up the peer would treat all our initiations as
 * replays. The last timestamp counts for all peers, as a peer may have been removed and added
 * again. Source: WireGuard whitepaper §5.1, "it simply must be a per-peer monotonically increasing
 * 96-bit number".
 */
static void next_timestamp(struct wg_device *dev, struct wg_peer *peer, struct wall wall,
	uint8_t ret[static WG_TIMESTAMP_LEN])
{
	tai64n_encode(wall, ret);
	if (tai64n_later(dev->sent_timestamp, ret))
		memcpy(ret, dev->sent_timestamp, WG_TIMESTAMP_LEN);
	if (!tai64n_later(ret, peer->sent_timestamp)) {
		memcpy(ret, peer->sent_timestamp, WG_TIMESTAMP_LEN);
		tai64n_next(ret);
	}
	memcpy(peer->sent_timestamp, ret, WG_TIMESTAMP_LEN);
	if (tai64n_later(ret, dev->sent_timestamp))
		memcpy(dev->sent_timestamp, ret, WG_TIMESTAMP_LEN);
}

int wg_peer_make_initiation(struct wg_device *dev, struct wg_peer *peer, struct mono now,
	struct wall wall, uint8_t ret_msg[static WG_INITIATION_LEN])
{
	struct wg_initiation *msg = (struct wg_initiation *)(void *)ret_msg;
	uint8_t timestamp[WG_TIMESTAMP_LEN];
	uint32_t index;
	int err = can_initiate(dev, peer);

	if (err < 0)
		return err;
	if (!mono_reached(next_initiation(peer), now))
		return -EAGAIN;
	forget_handshake(dev, peer);
	dev->spent = true;
	err = wg_indextable_add(&dev->indices, &dev->rng, peer, NULL, &index);
	if (err)
		return err;
	next_timestamp(dev, peer, wall, timestamp);
	err = wg_secrets_make_initiation(dev, peer, index, timestamp, msg);
	/* without an answer of the service the next packet may try again, soon */
	peer->last_initiation_sent = now;
	peer->renewed = err < 0;
	wg_timers_initiated(&peer->timers, now, &dev->rng);
	wg_peer_arm(dev, peer);
	if (err) {
		wg_indextable_remove(&dev->indices, index);
		return err;
	}
	wg_cookie_add_macs(&dev->crypto, &peer->cookie, ret_msg, WG_INITIATION_LEN, now);
	peer->tx_bytes += WG_INITIATION_LEN;
	return 0;
}

unsigned wg_peer_timers(struct wg_device *dev, struct wg_peer *peer, struct mono now)
{
	unsigned actions = wg_timers_run(&peer->timers, now, &dev->rng);

	if (actions & WG_SOURCE_STALE)
		wg_peer_clear_source(peer);
	if (actions & WG_KEYS_WIPED) {
		dev->spent = true;
		wg_keypairs_wipe(&peer->keys, &dev->indices);
		forget_handshake(dev, peer);
	}
	wg_peer_arm(dev, peer);
	return actions;
}

void wg_peer_set_psk(
	struct wg_device *dev, struct wg_peer *peer, const uint8_t psk[static WG_KEY_LEN])
{
	if (secret_equal(peer->remote.psk, psk, WG_KEY_LEN))
		return;
	memcpy(peer->remote.psk, psk, WG_KEY_LEN);
	renew(dev, peer);
}

void wg_peer_set_endpoint(
	struct wg_device *dev, struct wg_peer *peer, const struct endpoint *remote)
{
	bool moves = !endpoint_equal(&peer->endpoint, remote);

	peer->endpoint = *remote;
	wg_endpoint_table_place(peer->dev, peer);
	wg_peer_clear_source(peer);
	if (moves)
		renew(dev, peer);
}

void wg_peer_clear_source(struct wg_peer *peer)
{
	endpoint_clear_source(&peer->endpoint);
}

unsigned wg_peer_update_endpoint(
	struct wg_device *dev, struct wg_peer *peer, const struct endpoint *src, struct mono now)
{
	bool moved = !endpoint_equal(&peer->endpoint, src);
	bool found = !peer->endpoint.addr.family;

	if (moved && peer->endpoint.addr.family &&
		!bucket_take(&peer->moves, now, WG_MOVES_NS, WG_MOVES_BURST))
		return 0;
	peer->endpoint = *src;
	if (moved)
		wg_endpoint_table_place(peer->dev, peer);
	if (found)
		wg_peer_reconsider(dev, peer);
	return moved ? WG_ENDPOINT_MOVED : 0;
}

void wg_peer_set_keepalive(struct wg_device *dev, struct wg_peer *peer, uint16_t seconds)
{
	if (peer->keepalive_s == seconds)
		return;
	peer->keepalive_s = seconds;
	wg_timers_set_persistent(&peer->timers, seconds * NS_PER_S);
	wg_peer_reconsider(dev, peer);
}

void wg_peer_reset(struct wg_device *dev, struct wg_peer *peer)
{
	dev->spent = true;
	wg_keypairs_wipe(&peer->keys, &dev->indices);
	forget_handshake(dev, peer);
	wg_timers_stop(&peer->timers);
	peer->renewed = true;
	wg_peer_arm(dev, peer);
}
