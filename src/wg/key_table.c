/* SPDX-License-Identifier: MIT */
/* The keys of a device and its handshakes in progress, apart from the device. */
#include "wg/key_table.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/sorted.h"
#include "crypto/tai64n.h"
#include "crypto/x25519.h"

int wg_key_table_init(
	struct wg_key_table *t, struct wg_key_peer *peers, size_t capacity, struct rng rng)
{
	int err;

	*t = (struct wg_key_table){ .rng = rng, .peers = peers, .capacity = capacity };
	err = blake2s_init(&t->crypto.blake2s);
	if (!err)
		err = aead_init(&t->crypto.aead, AEAD_REFERENCE);
	if (err)
		blake2s_fini(&t->crypto.blake2s);
	return err;
}

void wg_key_table_tidy(struct wg_key_table *t)
{
	aead_forget(&t->crypto.aead);
	blake2s_forget(&t->crypto.blake2s);
}

void wg_key_table_fini(struct wg_key_table *t)
{
	secret_wipe(t->peers, t->n * sizeof(*t->peers));
	blake2s_fini(&t->crypto.blake2s);
	aead_fini(&t->crypto.aead);
	secret_wipe(t, sizeof(*t));
}

/* ---- peers ---- */

static struct sorted by_key(const struct wg_key_table *t)
{
	return (struct sorted){ t->peers, t->n, sizeof(*t->peers),
		offsetof(struct wg_key_peer, remote.public_key), WG_KEY_LEN };
}

static struct wg_key_peer *find(const struct wg_key_table *t, const uint8_t *public_key)
{
	const struct sorted peers = by_key(t);
	size_t i = sorted_find(&peers, public_key);

	return i < t->n ? &t->peers[i] : NULL;
}

/* The same, with the product of both static keys. It costs as much as a step of a handshake, so it
 * is computed at the first one. */
static struct wg_key_peer *find_computed(const struct wg_key_table *t, const uint8_t *public_key)
{
	struct wg_key_peer *peer = find(t, public_key);

	if (peer && !peer->is_computed) {
		wg_noise_precompute(&t->identity, &peer->remote);
		peer->is_computed = true;
	}
	return peer;
}

/* ---- changes ---- */

static void forget_opened(struct wg_key_table *t)
{
	secret_wipe(&t->opened, sizeof(t->opened));
	t->opened_seq = 0;
}

static void forget_handshakes(struct wg_key_table *t)
{
	for (size_t i = 0; i < t->n; i++)
		secret_wipe(&t->peers[i].handshake, sizeof(t->peers[i].handshake));
	forget_opened(t);
}

static int set_identity(struct wg_key_table *t, const uint8_t key[static WG_KEY_LEN])
{
	forget_handshakes(t);
	secret_wipe(&t->identity, sizeof(t->identity));
	for (size_t i = 0; i < t->n; i++) {
		secret_wipe(t->peers[i].remote.static_static, WG_KEY_LEN);
		t->peers[i].is_computed = false;
	}
	if (secret_is_zero(key, WG_KEY_LEN))
		return 0;
	memcpy(t->identity.private_key, key, WG_KEY_LEN);
	x25519_clamp(t->identity.private_key);
	t->identity.present = !x25519_public(t->identity.private_key, t->identity.public_key);
	return t->identity.present ? 0 : -ENOMEM;
}

static int set_peer(struct wg_key_table *t, const struct wg_key_change *change)
{
	const struct sorted peers = by_key(t);
	struct wg_key_peer *peer = find(t, change->peer);
	size_t i;

	if (!peer && t->n == t->capacity)
		return -ENOSPC;
	if (!peer) {
		i = sorted_position(&peers, change->peer);
		peer = &t->peers[i];
		memmove(peer + 1, peer, (t->n - i) * sizeof(*peer));
		*peer = (struct wg_key_peer){ .is_computed = false };
		memcpy(peer->remote.public_key, change->peer, WG_KEY_LEN);
		t->n++;
	}
	memcpy(peer->remote.psk, change->secret, WG_KEY_LEN);
	return 0;
}

static void remove_peer(struct wg_key_table *t, const uint8_t *public_key)
{
	struct wg_key_peer *peer = find(t, public_key);

	if (!peer)
		return;
	memmove(peer, peer + 1, (size_t)(t->peers + t->n - peer - 1) * sizeof(*peer));
	t->n--;
	secret_wipe(&t->peers[t->n], sizeof(*peer));
	forget_opened(t);
}

int wg_key_table_change(struct wg_key_table *t, const struct wg_key_change *change)
{
	switch ((enum wg_key_change_type)change->type) {
	case WG_KEY_SET_IDENTITY:
		return set_identity(t, change->secret);
	case WG_KEY_SET_PEER:
		return set_peer(t, change);
	case WG_KEY_REMOVE_PEER:
		remove_peer(t, change->peer);
		break;
	case WG_KEY_CHANGE_TYPES:
		break;
	}
	return 0;
}

/* ---- requests ---- */

/* The timestamp of an initiation: the wanted one, unless it is in the future or not later than the
 * one before; then the time, or the smallest later one. Such small steps never get ahead of the
 * clock. */
static void next_timestamp(struct wg_key_table *t, const uint8_t *wanted, struct wall now)
{
	uint8_t latest[WG_TIMESTAMP_LEN];

	tai64n_encode(now, latest);
	if (!tai64n_later(wanted, latest) && tai64n_later(wanted, t->latest))
		memcpy(t->latest, wanted, WG_TIMESTAMP_LEN);
	else if (tai64n_later(latest, t->latest))
		memcpy(t->latest, latest, WG_TIMESTAMP_LEN);
	else
		tai64n_increment(t->latest);
}

static int make_initiation(struct wg_key_table *t, const struct wg_key_request *request,
	struct wall now, struct wg_key_answer *ret)
{
	struct wg_key_peer *peer = find_computed(t, request->peer);
	uint8_t ephemeral[WG_KEY_LEN];
	int err;

	if (!peer)
		return -ENOENT;
	next_timestamp(t, request->timestamp, now);
	rng_fill(&t->rng, ephemeral, sizeof(ephemeral));
	err = wg_noise_make_initiation(&t->crypto, &peer->handshake, &t->identity, &peer->remote,
		request->local_index, ephemeral, t->latest,
		(struct wg_initiation *)(void *)ret->message);
	secret_wipe(ephemeral, sizeof(ephemeral));
	return err;
}

static int open_initiation(
	struct wg_key_table *t, const struct wg_key_request *request, struct wg_key_answer *ret)
{
	const struct wg_initiation *msg =
		(const struct wg_initiation *)(const void *)request->message;
	const struct wg_key_peer *peer;
	int err = wg_noise_open_initiation(&t->crypto, &t->identity, msg, &t->opened);

	if (err)
		return err;
	peer = find_computed(t, t->opened.remote_static);
	err = peer ? wg_noise_finish_initiation(
			     &t->crypto, &t->opened, &peer->remote, msg, ret->timestamp)
		   : -ENOENT;
	if (err) {
		forget_opened(t);
		return err;
	}
	memcpy(ret->peer, t->opened.remote_static, WG_KEY_LEN);
	t->opened_seq = request->seq;
	return 0;
}

static int make_response(
	struct wg_key_table *t, const struct wg_key_request *request, struct wg_key_answer *ret)
{
	const struct wg_key_peer *peer;
	struct wg_session_keys keys;
	uint8_t ephemeral[WG_KEY_LEN];
	int err;

	if (!t->opened_seq || request->seq != t->opened_seq + 1)
		return -ESTALE;
	peer = find(t, t->opened.remote_static);
	if (!peer)
		return -ENOENT;
	rng_fill(&t->rng, ephemeral, sizeof(ephemeral));
	err = wg_noise_make_response(&t->crypto, &t->opened.handshake, &peer->remote,
		request->local_index, ephemeral, (struct wg_response *)(void *)ret->message, &keys);
	secret_wipe(ephemeral, sizeof(ephemeral));
	if (!err) {
		memcpy(ret->tx_key, keys.tx, WG_KEY_LEN);
		memcpy(ret->rx_key, keys.rx, WG_KEY_LEN);
		secret_wipe(&keys, sizeof(keys));
	}
	forget_opened(t);
	return err;
}

static int take_response(
	struct wg_key_table *t, const struct wg_key_request *request, struct wg_key_answer *ret)
{
	const struct wg_response *msg = (const struct wg_response *)(const void *)request->message;
	struct wg_key_peer *peer = find(t, request->peer);
	struct wg_session_keys keys;
	int err;

	if (!peer)
		return -ENOENT;
	if (load_le32(msg->receiver) != peer->handshake.local_index)
		return -EBADMSG;
	err = wg_noise_take_response(
		&t->crypto, &peer->handshake, &t->identity, &peer->remote, msg, &keys);
	if (err)
		return err;
	memcpy(ret->tx_key, keys.tx, WG_KEY_LEN);
	memcpy(ret->rx_key, keys.rx, WG_KEY_LEN);
	secret_wipe(&keys, sizeof(keys));
	return 0;
}

/* Do what a request asks for. Return: 0 or -errno. */
static int act(struct wg_key_table *t, const struct wg_key_request *request, struct wall now,
	struct wg_key_answer *ret)
{
	struct wg_key_peer *peer;

	switch ((enum wg_key_request_type)request->type) {
	case WG_KEY_MAKE_INITIATION:
		return make_initiation(t, request, now, ret);
	case WG_KEY_OPEN_INITIATION:
		return open_initiation(t, request, ret);
	case WG_KEY_MAKE_RESPONSE:
		return make_response(t, request, ret);
	case WG_KEY_TAKE_RESPONSE:
		return take_response(t, request, ret);
	case WG_KEY_FORGET:
		peer = find(t, request->peer);
		if (peer)
			secret_wipe(&peer->handshake, sizeof(peer->handshake));
		break;
	case WG_KEY_RESET:
		forget_handshakes(t);
		break;
	case WG_KEY_REQUEST_TYPES:
		break;
	}
	return 0;
}

bool wg_key_table_request(struct wg_key_table *t, const struct wg_key_request *request,
	struct wall now, struct wg_key_answer *ret)
{
	int err;

	*ret = (struct wg_key_answer){ .seq = request->seq };
	if (request->type != WG_KEY_MAKE_RESPONSE)
		forget_opened(t);
	err = act(t, request, now, ret);
	if (err)
		secret_wipe(ret, sizeof(*ret));
	ret->seq = request->seq;
	ret->type = request->type;
	ret->code = err;
	return wg_key_is_answered(request->type);
}
