/* SPDX-License-Identifier: MIT */
/* mac1, mac2 and cookies: proof of knowing our public key, and of owning a source address. */
#include "wg/cookie.h"

#include <errno.h>

#include "base/bytes.h"
#include "base/secret.h"

#define LABEL_LEN 8

/* hash(label || public key) */
static void label_key(struct wg_crypto *crypto, const char label[static LABEL_LEN],
	const uint8_t public_key[static WG_KEY_LEN], uint8_t ret[static WG_KEY_LEN])
{
	uint8_t in[LABEL_LEN + WG_KEY_LEN];

	memcpy(in, label, LABEL_LEN);
	memcpy(in + LABEL_LEN, public_key, WG_KEY_LEN);
	blake2s_hash(&crypto->blake2s, in, sizeof(in), ret);
}

static void mac(struct wg_crypto *crypto, const uint8_t *key, size_t key_len, const void *in,
	size_t len, uint8_t ret[static WG_MAC_LEN])
{
	blake2s_mac(&crypto->blake2s, key, key_len, in, len, ret, WG_MAC_LEN);
}

/* The macs of a handshake message, at its end. */
static const struct wg_macs *macs_of(const uint8_t *msg, size_t len)
{
	return (const struct wg_macs *)(msg + len - sizeof(struct wg_macs));
}

/* Length covered by mac1: everything before it. */
static size_t before_mac1(size_t len)
{
	return len - sizeof(struct wg_macs);
}

/* Length covered by mac2: everything before it, mac1 included. */
static size_t before_mac2(size_t len)
{
	return len - WG_MAC_LEN;
}

void wg_cookie_checker_init(struct wg_crypto *crypto, struct wg_cookie_checker *c,
	const uint8_t public_key[static WG_KEY_LEN])
{
	*c = (struct wg_cookie_checker){ 0 };
	label_key(crypto, WG_LABEL_MAC1, public_key, c->mac1_key);
	label_key(crypto, WG_LABEL_COOKIE, public_key, c->cookie_key);
}

/* The cookie of a source under the current secret: a mac of its address and port. */
static void cookie_of(struct wg_crypto *crypto, const struct wg_cookie_checker *c,
	const struct endpoint *src, uint8_t ret[static WG_COOKIE_LEN])
{
	uint8_t in[16 + 2];
	size_t len = ip_addr_len(&src->addr);

	memcpy(in, src->addr.bytes, len);
	store_be16(in + len, src->port);
	mac(crypto, c->secret, sizeof(c->secret), in, len + 2, ret);
}

/* Whether the secret is still valid at `now`. */
static bool secret_is_young(const struct wg_cookie_checker *c, struct mono now)
{
	return mono_is_set(c->secret_born) && mono_between(c->secret_born, now) < WG_COOKIE_LIFE;
}

bool wg_cookie_check_mac1(
	struct wg_crypto *crypto, const struct wg_cookie_checker *c, const uint8_t *msg, size_t len)
{
	uint8_t expected[WG_MAC_LEN];

	mac(crypto, c->mac1_key, sizeof(c->mac1_key), msg, before_mac1(len), expected);
	return secret_equal(expected, macs_of(msg, len)->mac1, sizeof(expected));
}

bool wg_cookie_check_mac2(struct wg_crypto *crypto, const struct wg_cookie_checker *c,
	const uint8_t *msg, size_t len, const struct endpoint *src, struct mono now)
{
	uint8_t cookie[WG_COOKIE_LEN];
	uint8_t expected[WG_MAC_LEN];

	if (!secret_is_young(c, now))
		return false;
	cookie_of(crypto, c, src, cookie);
	mac(crypto, cookie, sizeof(cookie), msg, before_mac2(len), expected);
	return secret_equal(expected, macs_of(msg, len)->mac2, sizeof(expected));
}

void wg_cookie_make_reply(struct wg_crypto *crypto, struct wg_cookie_checker *c, const uint8_t *msg,
	size_t len, const struct endpoint *src, struct mono now, const struct rng *rng,
	struct wg_cookie_reply *ret)
{
	uint8_t cookie[WG_COOKIE_LEN];

	if (!secret_is_young(c, now)) {
		rng_fill(rng, c->secret, sizeof(c->secret));
		c->secret_born = now;
	}
	store_le32(ret->type, WG_MSG_COOKIE);
	memcpy(ret->receiver, ((const struct wg_initiation *)msg)->sender, sizeof(ret->receiver));
	rng_fill(rng, ret->nonce, sizeof(ret->nonce));
	cookie_of(crypto, c, src, cookie);
	aead_xseal(&crypto->aead, c->cookie_key, ret->nonce, ret->sealed_cookie, cookie,
		sizeof(cookie), macs_of(msg, len)->mac1, WG_MAC_LEN);
}

void wg_cookie_maker_init(struct wg_crypto *crypto, struct wg_cookie_maker *m,
	const uint8_t public_key[static WG_KEY_LEN])
{
	*m = (struct wg_cookie_maker){ 0 };
	label_key(crypto, WG_LABEL_MAC1, public_key, m->mac1_key);
	label_key(crypto, WG_LABEL_COOKIE, public_key, m->cookie_key);
}

void wg_cookie_add_macs(struct wg_crypto *crypto, struct wg_cookie_maker *m, uint8_t *msg,
	size_t len, struct mono now)
{
	uint8_t *mac1 = msg + before_mac1(len), *mac2 = msg + before_mac2(len);

	mac(crypto, m->mac1_key, sizeof(m->mac1_key), msg, before_mac1(len), mac1);
	memcpy(m->last_mac1, mac1, WG_MAC_LEN);
	m->waits = true;
	if (mono_is_set(m->cookie_born) &&
		mono_between(m->cookie_born, now) < WG_COOKIE_LIFE - WG_COOKIE_LATENCY)
		mac(crypto, m->cookie, sizeof(m->cookie), msg, before_mac2(len), mac2);
	else
		memset(mac2, 0, WG_MAC_LEN);
}

int wg_cookie_take_reply(struct wg_crypto *crypto, struct wg_cookie_maker *m,
	const struct wg_cookie_reply *reply, struct mono now)
{
	uint8_t cookie[WG_COOKIE_LEN];

	if (!m->waits)
		return -ENOENT;
	if (aead_xopen(&crypto->aead, m->cookie_key, reply->nonce, cookie, reply->sealed_cookie,
		    sizeof(reply->sealed_cookie), m->last_mac1, WG_MAC_LEN))
		return -EBADMSG;
	memcpy(m->cookie, cookie, sizeof(m->cookie));
	m->cookie_born = now;
	m->waits = false;
	return 0;
}
