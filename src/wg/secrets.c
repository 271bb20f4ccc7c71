/* SPDX-License-Identifier: MIT */
/* What needs the secrets of handshakes: done with those in the device, or by a service outside. */
#include "wg/secrets.h"

#include <errno.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/x25519.h"

/* The reason to drop a message for the errno of a service. */
static enum drop drop_of(int err)
{
	if (err == 0)
		return DROP_NONE;
	if (err == -ENOENT)
		return DROP_WG_UNKNOWN_PEER;
	return err == -EBADMSG || err == -ENOKEY ? DROP_WG_HANDSHAKE_AUTH : DROP_WG_NO_KEYS;
}

int wg_secrets_public_key(const struct wg_device *dev, const uint8_t key[static WG_KEY_LEN],
	uint8_t ret[static WG_KEY_LEN])
{
	if (!dev->service)
		return x25519_public(key, ret);
	memcpy(ret, key, WG_KEY_LEN);
	return 0;
}

void wg_secrets_precompute(const struct wg_device *dev, struct wg_remote *remote)
{
	/* The result is zero for a key of low order, with any private key. */
	static const uint8_t any[WG_KEY_LEN] = { [0] = 8, [WG_KEY_LEN - 1] = 0x40 };
	uint8_t shared[WG_KEY_LEN];

	if (dev->service)
		remote->usable =
			dev->identity.present && !x25519_dh(any, remote->public_key, shared);
	else
		wg_noise_precompute(&dev->identity, remote);
}

int wg_secrets_make_initiation(struct wg_device *dev, struct wg_peer *peer, uint32_t local_index,
	const uint8_t timestamp[static WG_TIMESTAMP_LEN], struct wg_initiation *ret)
{
	const struct wg_key_service *s = dev->service;
	uint8_t ephemeral[WG_KEY_LEN];
	int err;

	if (s) {
		err = s->make_initiation(
			s->ctx, peer->remote.public_key, local_index, timestamp, ret);
		if (!err)
			peer->handshake =
				(struct wg_handshake){ .state = WG_HANDSHAKE_INITIATION_SENT,
					.local_index = local_index };
		return err;
	}
	rng_fill(&dev->rng, ephemeral, sizeof(ephemeral));
	err = wg_noise_make_initiation(&dev->crypto, &peer->handshake, &dev->identity,
		&peer->remote, local_index, ephemeral, timestamp, ret);
	secret_wipe(ephemeral, sizeof(ephemeral));
	return err;
}

enum drop wg_secrets_open_initiation(struct wg_device *dev, const struct wg_initiation *msg,
	struct wg_opened_initiation *ret, uint8_t ret_timestamp[static WG_TIMESTAMP_LEN])
{
	const struct wg_key_service *s = dev->service;

	if (!s)
		return drop_of(wg_noise_open_initiation(&dev->crypto, &dev->identity, msg, ret));
	*ret = (struct wg_opened_initiation){ .handshake = { .state = WG_HANDSHAKE_INITIATION_TAKEN,
						      .remote_index = load_le32(msg->sender) } };
	return drop_of(s->open_initiation(s->ctx, msg, ret->remote_static, ret_timestamp));
}

enum drop wg_secrets_finish_initiation(struct wg_device *dev, const struct wg_peer *peer,
	const struct wg_initiation *msg, struct wg_opened_initiation *opened,
	uint8_t ret_timestamp[static WG_TIMESTAMP_LEN])
{
	if (dev->service)
		return DROP_NONE; /* it has authenticated the whole message */
	return drop_of(wg_noise_finish_initiation(
		&dev->crypto, opened, &peer->remote, msg, ret_timestamp));
}

enum drop wg_secrets_make_response(struct wg_device *dev, const struct wg_peer *peer,
	struct wg_opened_initiation *opened, uint32_t local_index, struct wg_response *ret,
	struct wg_session_keys *ret_keys)
{
	const struct wg_key_service *s = dev->service;
	uint8_t ephemeral[WG_KEY_LEN];
	int err;

	if (s)
		return drop_of(s->make_response(s->ctx, local_index, ret, ret_keys));
	rng_fill(&dev->rng, ephemeral, sizeof(ephemeral));
	err = wg_noise_make_response(&dev->crypto, &opened->handshake, &peer->remote, local_index,
		ephemeral, ret, ret_keys);
	secret_wipe(ephemeral, sizeof(ephemeral));
	return drop_of(err);
}

enum drop wg_secrets_take_response(struct wg_device *dev, struct wg_peer *peer,
	const struct wg_response *msg, struct wg_session_keys *ret_keys)
{
	const struct wg_key_service *s = dev->service;
	int err;

	if (!s)
		return drop_of(wg_noise_take_response(&dev->crypto, &peer->handshake,
			&dev->identity, &peer->remote, msg, ret_keys));
	err = s->take_response(s->ctx, peer->remote.public_key, msg, ret_keys);
	if (!err)
		secret_wipe(&peer->handshake, sizeof(peer->handshake));
	return drop_of(err);
}

void wg_secrets_forget(const struct wg_device *dev, struct wg_peer *peer)
{
	const struct wg_key_service *s = dev->service;

	if (s && peer->handshake.state != WG_HANDSHAKE_NONE)
		s->forget(s->ctx, peer->remote.public_key);
	secret_wipe(&peer->handshake, sizeof(peer->handshake));
}
