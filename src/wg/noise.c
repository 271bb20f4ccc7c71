/* SPDX-License-Identifier: MIT */
/* The Noise_IKpsk2 handshake: operates on message fields only, without sockets, tables or
 * timers. */
#include "wg/noise.h"

#include <errno.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/kdf.h"
#include "crypto/x25519.h"

/*
 *  Noise_IKpsk2:
 *    <- s
 *    ...
 *    -> e, es, s, ss, {timestamp}
 *    <- e, ee, se, psk, {}
 *
 * `ck` is the chaining key, `h` the transcript's hash. Everything is worked out in locals; the
 * caller's handshake is overwritten only when nothing can fail any more. Source: WireGuard
 * whitepaper §5.4.
 */

/* Start a transcript with the constants and the responder's static key. */
static void begin(
	struct wg_crypto *c, struct wg_handshake *hs, const uint8_t responder[static WG_KEY_LEN])
{
	*hs = (struct wg_handshake){ 0 };
	blake2s_hash(&c->blake2s, WG_CONSTRUCTION, sizeof(WG_CONSTRUCTION) - 1, hs->chaining_key);
	memcpy(hs->hash, hs->chaining_key, sizeof(hs->hash));
	blake2s_mix(&c->blake2s, hs->hash, WG_IDENTIFIER, sizeof(WG_IDENTIFIER) - 1);
	blake2s_mix(&c->blake2s, hs->hash, responder, WG_KEY_LEN);
}

/* Mix an ephemeral public key into transcript and chaining key, as the handshake has a preshared
 * key. */
static void mix_ephemeral(
	struct wg_crypto *c, struct wg_handshake *hs, const uint8_t ephemeral[static WG_KEY_LEN])
{
	blake2s_mix(&c->blake2s, hs->hash, ephemeral, WG_KEY_LEN);
	kdf1(&c->blake2s, hs->chaining_key, ephemeral, WG_KEY_LEN);
}

/* Mix a DH result into the chaining key; derive a key if `ret_key` is not NULL. */
static int mix_dh(struct wg_crypto *c, struct wg_handshake *hs,
	const uint8_t private_key[static WG_KEY_LEN], const uint8_t public_key[static WG_KEY_LEN],
	uint8_t *ret_key)
{
	uint8_t shared[WG_KEY_LEN];

	if (x25519_dh(private_key, public_key, shared))
		return -EBADMSG;
	if (ret_key)
		kdf2(&c->blake2s, hs->chaining_key, shared, sizeof(shared), ret_key);
	else
		kdf1(&c->blake2s, hs->chaining_key, shared, sizeof(shared));
	secret_wipe(shared, sizeof(shared));
	return 0;
}

/* Seal `src[len]` with the transcript as associated data; then mix the ciphertext into the
 * transcript. */
static void seal_and_mix(struct wg_crypto *c, struct wg_handshake *hs,
	const uint8_t key[static WG_KEY_LEN], uint8_t *dst, const uint8_t *src, size_t len)
{
	aead_seal(&c->aead, key, 0, dst, src, len, hs->hash, sizeof(hs->hash));
	blake2s_mix(&c->blake2s, hs->hash, dst, len + WG_TAG_LEN);
}

/* Open `src[len]`, tag included, with the transcript as associated data; then mix it into the
 * transcript. */
static int open_and_mix(struct wg_crypto *c, struct wg_handshake *hs,
	const uint8_t key[static WG_KEY_LEN], uint8_t *dst, const uint8_t *src, size_t len)
{
	if (aead_open(&c->aead, key, 0, dst, src, len, hs->hash, sizeof(hs->hash)))
		return -EBADMSG;
	blake2s_mix(&c->blake2s, hs->hash, src, len);
	return 0;
}

/* Mix the preshared key into chaining key and transcript; `ret_key` seals the next payload. */
static void mix_psk(struct wg_crypto *c, struct wg_handshake *hs,
	const uint8_t psk[static WG_KEY_LEN], uint8_t ret_key[static WG_KEY_LEN])
{
	uint8_t tau[WG_HASH_LEN];

	kdf3(&c->blake2s, hs->chaining_key, psk, WG_KEY_LEN, tau, ret_key);
	blake2s_mix(&c->blake2s, hs->hash, tau, sizeof(tau));
	secret_wipe(tau, sizeof(tau));
}

/* Derive the session keys: the initiator's sending key, then the responder's. */
static void split(struct wg_crypto *c, struct wg_handshake *hs,
	uint8_t ret_first[static WG_KEY_LEN], uint8_t ret_second[static WG_KEY_LEN])
{
	kdf2(&c->blake2s, hs->chaining_key, NULL, 0, ret_second);
	memcpy(ret_first, hs->chaining_key, WG_KEY_LEN);
}

void wg_noise_precompute(const struct wg_identity *self, struct wg_remote *remote)
{
	remote->usable = self->present &&
			 !x25519_dh(self->private_key, remote->public_key, remote->static_static);
	if (!remote->usable)
		secret_wipe(remote->static_static, sizeof(remote->static_static));
}

int wg_noise_make_initiation(struct wg_crypto *c, struct wg_handshake *hs,
	const struct wg_identity *self, const struct wg_remote *remote, uint32_t local_index,
	const uint8_t ephemeral_private[static WG_KEY_LEN],
	const uint8_t timestamp[static WG_TIMESTAMP_LEN], struct wg_initiation *ret)
{
	struct wg_handshake h;
	uint8_t key[WG_KEY_LEN] = { 0 };
	int err = -ENOKEY;

	if (!remote->usable)
		return -ENOKEY;
	begin(c, &h, remote->public_key);
	h.local_index = local_index;
	memcpy(h.ephemeral_private, ephemeral_private, WG_KEY_LEN);
	x25519_clamp(h.ephemeral_private);
	*ret = (struct wg_initiation){ 0 };
	store_le32(ret->type, WG_MSG_INITIATION);
	store_le32(ret->sender, local_index);
	/* e */
	if (x25519_public(h.ephemeral_private, ret->ephemeral))
		goto out;
	mix_ephemeral(c, &h, ret->ephemeral);
	/* es */
	if (mix_dh(c, &h, h.ephemeral_private, remote->public_key, key))
		goto out;
	/* s */
	seal_and_mix(c, &h, key, ret->sealed_static, self->public_key, WG_KEY_LEN);
	/* ss */
	kdf2(&c->blake2s, h.chaining_key, remote->static_static, WG_KEY_LEN, key);
	/* {timestamp} */
	seal_and_mix(c, &h, key, ret->sealed_timestamp, timestamp, WG_TIMESTAMP_LEN);
	h.state = WG_HANDSHAKE_INITIATION_SENT;
	*hs = h;
	err = 0;
out:
	secret_wipe(&h, sizeof(h));
	secret_wipe(key, sizeof(key));
	return err;
}

int wg_noise_open_initiation(struct wg_crypto *c, const struct wg_identity *self,
	const struct wg_initiation *msg, struct wg_opened_initiation *ret)
{
	struct wg_opened_initiation o = { 0 };
	uint8_t key[WG_KEY_LEN] = { 0 };
	int err = -EBADMSG;

	if (!self->present)
		return -EBADMSG;
	begin(c, &o.handshake, self->public_key);
	/* e */
	memcpy(o.handshake.remote_ephemeral, msg->ephemeral, WG_KEY_LEN);
	mix_ephemeral(c, &o.handshake, msg->ephemeral);
	/* es */
	if (mix_dh(c, &o.handshake, self->private_key, msg->ephemeral, key))
		goto out;
	/* s */
	if (open_and_mix(c, &o.handshake, key, o.remote_static, msg->sealed_static,
		    sizeof(msg->sealed_static)))
		goto out;
	o.handshake.remote_index = load_le32(msg->sender);
	*ret = o;
	err = 0;
out:
	secret_wipe(&o, sizeof(o));
	secret_wipe(key, sizeof(key));
	return err;
}

int wg_noise_finish_initiation(struct wg_crypto *c, struct wg_opened_initiation *opened,
	const struct wg_remote *remote, const struct wg_initiation *msg,
	uint8_t ret_timestamp[static WG_TIMESTAMP_LEN])
{
	struct wg_handshake h = opened->handshake;
	uint8_t timestamp[WG_TIMESTAMP_LEN];
	uint8_t key[WG_KEY_LEN] = { 0 };
	int err = -EBADMSG;

	if (!remote->usable)
		return -ENOKEY;
	/* ss */
	kdf2(&c->blake2s, h.chaining_key, remote->static_static, WG_KEY_LEN, key);
	/* {timestamp} */
	if (open_and_mix(
		    c, &h, key, timestamp, msg->sealed_timestamp, sizeof(msg->sealed_timestamp)))
		goto out;
	h.state = WG_HANDSHAKE_INITIATION_TAKEN;
	opened->handshake = h;
	memcpy(ret_timestamp, timestamp, sizeof(timestamp));
	err = 0;
out:
	secret_wipe(&h, sizeof(h));
	secret_wipe(key, sizeof(key));
	return err;
}

int wg_noise_make_response(struct wg_crypto *c, struct wg_handshake *hs,
	const struct wg_remote *remote, uint32_t local_index,
	const uint8_t ephemeral_private[static WG_KEY_LEN], struct wg_response *ret,
	struct wg_session_keys *ret_keys)
{
	struct wg_handshake h = *hs;
	uint8_t key[WG_KEY_LEN] = { 0 };
	int err = -EBADMSG;

	memcpy(h.ephemeral_private, ephemeral_private, WG_KEY_LEN);
	x25519_clamp(h.ephemeral_private);
	*ret = (struct wg_response){ 0 };
	store_le32(ret->type, WG_MSG_RESPONSE);
	store_le32(ret->sender, local_index);
	store_le32(ret->receiver, h.remote_index);
	/* e */
	if (x25519_public(h.ephemeral_private, ret->ephemeral))
		goto out;
	mix_ephemeral(c, &h, ret->ephemeral);
	/* ee */
	if (mix_dh(c, &h, h.ephemeral_private, h.remote_ephemeral, NULL))
		goto out;
	/* se */
	if (mix_dh(c, &h, h.ephemeral_private, remote->public_key, NULL))
		goto out;
	/* psk */
	mix_psk(c, &h, remote->psk, key);
	/* {} */
	seal_and_mix(c, &h, key, ret->sealed_nothing, (const uint8_t *)"", 0);
	split(c, &h, ret_keys->rx, ret_keys->tx);
	secret_wipe(hs, sizeof(*hs));
	err = 0;
out:
	secret_wipe(&h, sizeof(h));
	secret_wipe(key, sizeof(key));
	return err;
}

int wg_noise_take_response(struct wg_crypto *c, struct wg_handshake *hs,
	const struct wg_identity *self, const struct wg_remote *remote,
	const struct wg_response *msg, struct wg_session_keys *ret_keys)
{
	struct wg_handshake h = *hs;
	uint8_t key[WG_KEY_LEN] = { 0 };
	uint8_t nothing[1]; /* output for zero bytes */
	int err = -EBADMSG;

	if (h.state != WG_HANDSHAKE_INITIATION_SENT || !self->present)
		goto out;
	/* e */
	mix_ephemeral(c, &h, msg->ephemeral);
	/* ee */
	if (mix_dh(c, &h, h.ephemeral_private, msg->ephemeral, NULL))
		goto out;
	/* se */
	if (mix_dh(c, &h, self->private_key, msg->ephemeral, NULL))
		goto out;
	/* psk */
	mix_psk(c, &h, remote->psk, key);
	/* {} */
	if (open_and_mix(c, &h, key, nothing, msg->sealed_nothing, sizeof(msg->sealed_nothing)))
		goto out;
	split(c, &h, ret_keys->tx, ret_keys->rx);
	secret_wipe(hs, sizeof(*hs));
	err = 0;
out:
	secret_wipe(&h, sizeof(h));
	secret_wipe(key, sizeof(key));
	return err;
}
