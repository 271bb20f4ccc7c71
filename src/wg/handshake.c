/* SPDX-License-Identifier: MIT */
/* Process handshake messages: who may start a session, and which reply is sent. */
#include "wg/handshake.h"

#include <errno.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/tai64n.h"
#include "wg/endpoint_table.h"
#include "wg/secrets.h"
#include "wg/stored.h"

/* Account a session that was created, by a response sent or received. */
static void begin_session(struct wg_device *dev, struct wg_peer *peer, const struct wg_session *s,
	struct mono now, struct wall wall)
{
	struct wg_keypair *kp;

	wg_peer_claim_store(dev, peer);
	kp = wg_keypairs_add(&peer->keys, &dev->indices, peer, s, now, wall);
	wg_sent_add(&dev->sent, kp);
	wg_timers_session_derived(&peer->timers, now);
	if (s->initiator) {
		peer->last_handshake = wall;
		peer->handshake_at = now;
		wg_timers_handshake_complete(&peer->timers);
	}
	wg_peer_store(peer);
}

/* A handshake of the peer has authenticated its source address. The address is recorded unless the
 * peer has recently authenticated from many others: a peer with a network of addresses gets no
 * larger share of the budget for authenticated addresses. */
static void vouch(
	struct wg_device *dev, struct wg_peer *peer, const struct ip_addr *src, struct mono now)
{
	if (!ip_addr_equal(&peer->recent, src) &&
		!bucket_take(&peer->vouches, now, WG_VOUCHES_NS, WG_VOUCHES_BURST))
		return;
	peer->recent = *src;
	wg_ratelimit_authenticated(&dev->crypto.blake2s, &dev->limiter, src, now);
}

/* Answer an initiation that has authenticated, and create the session. */
static enum drop respond(struct wg_device *dev, struct wg_peer *peer,
	struct wg_opened_initiation *opened, struct mono now, struct wall wall,
	struct wg_event *ret)
{
	struct wg_session s = { .remote_index = opened->handshake.remote_index };
	enum drop drop;

	if (wg_indextable_add(&dev->indices, &dev->rng, peer, NULL, &s.local_index))
		return DROP_WG_STATE;
	drop = wg_secrets_make_response(dev, peer, opened, s.local_index,
		(struct wg_response *)(void *)ret->reply, &s.keys);
	if (drop) {
		wg_indextable_remove(&dev->indices, s.local_index);
		return drop;
	}
	wg_cookie_add_macs(&dev->crypto, &peer->cookie, ret->reply, WG_RESPONSE_LEN, now);
	ret->reply_len = WG_RESPONSE_LEN;
	peer->tx_bytes += WG_RESPONSE_LEN;
	begin_session(dev, peer, &s, now, wall);
	wg_timers_sent(&peer->timers, now);
	secret_wipe(&s, sizeof(s));
	return DROP_NONE;
}

/* Whether an authentic initiation is new (no replay) and within the rate limit. */
static enum drop judge_initiation(
	const struct wg_peer *peer, const uint8_t *timestamp, struct mono now)
{
	if (!tai64n_later(timestamp, peer->newest_timestamp))
		return DROP_WG_HANDSHAKE_REPLAY;
	if (mono_is_set(peer->last_initiation_taken) &&
		mono_between(peer->last_initiation_taken, now) < NS_PER_S / WG_INITIATIONS_PER_S)
		return DROP_WG_HANDSHAKE_FLOOD;
	return DROP_NONE;
}

static enum drop take_initiation(struct wg_device *dev, const struct wg_initiation *msg,
	const struct endpoint *src, struct mono now, struct wall wall, struct wg_event *ret)
{
	struct wg_opened_initiation opened;
	uint8_t timestamp[WG_TIMESTAMP_LEN];
	struct wg_peer *peer;
	enum drop drop = wg_secrets_open_initiation(dev, msg, &opened, timestamp);

	if (drop)
		return drop;
	peer = wg_device_find_peer(dev, opened.remote_static);
	drop = peer ? wg_secrets_finish_initiation(dev, peer, msg, &opened, timestamp)
		    : DROP_WG_UNKNOWN_PEER;
	if (drop)
		goto out;
	drop = judge_initiation(peer, timestamp, now);
	if (drop)
		goto out;
	memcpy(peer->newest_timestamp, timestamp, sizeof(timestamp));
	peer->last_initiation_taken = now;
	drop = respond(dev, peer, &opened, now, wall, ret);
	if (drop)
		goto out;
	vouch(dev, peer, &src->addr, now);
	ret->peer = peer;
	ret->actions |= wg_peer_update_endpoint(dev, peer, src, now);
	peer->rx_bytes += WG_INITIATION_LEN;
	wg_timers_received(&peer->timers, now);
	wg_peer_arm(dev, peer);
out:
	secret_wipe(&opened, sizeof(opened));
	return drop;
}

static enum drop take_response(struct wg_device *dev, const struct wg_response *msg,
	const struct endpoint *src, struct mono now, struct wall wall, struct wg_event *ret)
{
	const struct wg_index_entry *e =
		wg_indextable_find(&dev->indices, load_le32(msg->receiver));
	struct wg_session s = { .initiator = true };
	struct wg_peer *peer;
	enum drop drop;

	if (!e)
		return DROP_WG_UNKNOWN_INDEX;
	peer = e->peer;
	if (e->keypair || peer->handshake.state != WG_HANDSHAKE_INITIATION_SENT)
		return DROP_WG_STATE;
	s.local_index = peer->handshake.local_index;
	s.remote_index = load_le32(msg->sender);
	drop = wg_secrets_take_response(dev, peer, msg, &s.keys);
	if (drop)
		return drop;
	begin_session(dev, peer, &s, now, wall);
	secret_wipe(&s, sizeof(s));
	peer->rx_bytes += WG_RESPONSE_LEN;
	wg_timers_received(&peer->timers, now);
	wg_peer_arm(dev, peer);
	vouch(dev, peer, &src->addr, now);
	ret->peer = peer;
	ret->actions |= wg_peer_update_endpoint(dev, peer, src, now) | WG_SEND_KEEPALIVE;
	return DROP_NONE;
}

static enum drop take_cookie_reply(struct wg_device *dev, const struct wg_cookie_reply *msg,
	struct mono now, struct wg_event *ret)
{
	const struct wg_index_entry *e =
		wg_indextable_find(&dev->indices, load_le32(msg->receiver));
	int err;

	if (!e)
		return DROP_WG_UNKNOWN_INDEX;
	err = wg_cookie_take_reply(&dev->crypto, &e->peer->cookie, msg, now);
	if (err)
		return err == -ENOENT ? DROP_WG_STATE : DROP_WG_HANDSHAKE_AUTH;
	e->peer->rx_bytes += WG_COOKIE_REPLY_LEN;
	ret->peer = e->peer;
	return DROP_NONE;
}

/* Whether a cookie may be sent to a source whose address is not verified. */
static bool may_send_cookie(struct wg_device *dev, const struct endpoint *src, struct mono now)
{
	const uint64_t interval = NS_PER_S / WG_COOKIES_PER_S;

	return bucket_take(&dev->cookies[0], now, interval, WG_COOKIES_BURST) ||
	       (wg_ratelimit_cookie(&dev->crypto.blake2s, &dev->limiter, &src->addr, now) &&
		       bucket_take(&dev->cookies[1], now, interval, WG_COOKIES_BURST));
}

/* Whether a cookie-verified source may have one more handshake: within its own limit, and within a
 * shared one: that of all unknown sources, as many addresses are cheap to obtain, or that of all
 * recently authenticated ones, as one peer may have many. */
static bool handshake_rate_ok(struct wg_device *dev, const struct endpoint *src, struct mono now)
{
	bool recent;

	if (!wg_ratelimit_allow(&dev->crypto.blake2s, &dev->limiter, &src->addr, now, &recent))
		return false;
	return bucket_take(
		&dev->verified[recent], now, NS_PER_S / WG_VERIFIED_PER_S, WG_VERIFIED_BURST);
}

/* Whether an initiation from `src` is within the share reserved for a peer with that endpoint. An
 * attacker that forges this address can use up the share; then the peer needs a cookie like
 * others. */
static bool is_own_initiation(struct wg_device *dev, const struct endpoint *src, struct mono now)
{
	LIST_FOR_EACH(l, wg_endpoint_table_at(dev, src))
	{
		struct wg_peer *peer = CONTAINER_OF(l, struct wg_peer, at_link);

		if (endpoint_equal(&peer->endpoint, src) &&
			bucket_take(&peer->own_initiations, now, WG_OWN_INITIATIONS_NS,
				WG_OWN_INITIATIONS_BURST))
			return true;
	}
	return false;
}

/* Whether a response carries the index of one of our initiations: only the peer that received it
 * knows the index. */
static bool is_own_response(struct wg_device *dev, const struct wg_response *msg, struct mono now)
{
	const struct wg_index_entry *e =
		wg_indextable_find(&dev->indices, load_le32(msg->receiver));

	return e && !e->keypair && e->peer->handshake.state == WG_HANDSHAKE_INITIATION_SENT &&
	       bucket_take(
		       &e->peer->own_responses, now, WG_OWN_RESPONSES_NS, WG_OWN_RESPONSES_BURST);
}

static bool is_own(
	struct wg_device *dev, const uint8_t *msg, const struct endpoint *src, struct mono now)
{
	if (load_le32(msg) == WG_MSG_INITIATION)
		return is_own_initiation(dev, src, now);
	return is_own_response(dev, (const struct wg_response *)(const void *)msg, now);
}

/* Check the macs of an initiation or response; under load, require a cookie or send one. Only
 * messages with a correct mac1 cost more than a hash, so only these count as load. */
static enum drop judge_macs(struct wg_device *dev, const uint8_t *msg, size_t len,
	const struct endpoint *src, struct mono now, struct wg_event *ret)
{
	bool verified;

	if (!wg_cookie_check_mac1(&dev->crypto, &dev->checker, msg, len))
		return DROP_WG_MAC1;
	if (!wg_handshake_load_add(&dev->load, &src->addr, now))
		return DROP_NONE;
	verified = wg_cookie_check_mac2(&dev->crypto, &dev->checker, msg, len, src, now);
	if (verified && handshake_rate_ok(dev, src, now))
		return DROP_NONE;
	if (is_own(dev, msg, src, now))
		return DROP_NONE;
	if (verified)
		return DROP_WG_RATE_LIMIT;
	if (!may_send_cookie(dev, src, now))
		return DROP_WG_RATE_LIMIT; /* it will try again in five seconds */
	wg_cookie_make_reply(&dev->crypto, &dev->checker, msg, len, src, now, &dev->rng,
		(struct wg_cookie_reply *)(void *)ret->reply);
	ret->reply_len = WG_COOKIE_REPLY_LEN;
	return DROP_WG_COOKIE_REQUIRED;
}

enum drop wg_device_handshake(struct wg_device *dev, const uint8_t *msg, size_t len,
	const struct endpoint *src, struct mono now, struct wall wall, struct wg_event *ret)
{
	uint32_t type;
	enum drop drop;

	ret->peer = NULL;
	ret->actions = 0;
	ret->reply_len = 0;
	if (len < 4)
		return DROP_WG_SHORT;
	type = load_le32(msg);
	if (!wg_message_len(type))
		return DROP_WG_TYPE;
	if (len != wg_message_len(type))
		return len < wg_message_len(type) ? DROP_WG_SHORT : DROP_WG_LENGTH;
	if (!dev->identity.present)
		return DROP_WG_STATE;
	if (type == WG_MSG_COOKIE)
		return take_cookie_reply(
			dev, (const struct wg_cookie_reply *)(const void *)msg, now, ret);
	drop = judge_macs(dev, msg, len, src, now, ret);
	if (drop)
		return drop;
	dev->spent = true;
	if (type == WG_MSG_INITIATION)
		return take_initiation(
			dev, (const struct wg_initiation *)(const void *)msg, src, now, wall, ret);
	return take_response(
		dev, (const struct wg_response *)(const void *)msg, src, now, wall, ret);
}
