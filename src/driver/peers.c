/* SPDX-License-Identifier: MIT */
/* Find, add and remove the userspace engine's peers. */
#include "driver/peers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "wg/secrets.h"

struct driver_peer *peers_find(const struct driver *d, const uint8_t public_key[static WG_KEY_LEN])
{
	struct wg_peer *wg = wg_device_find_peer(&d->engine.wg, public_key);

	return wg ? CONTAINER_OF(path_peer_of(wg), struct driver_peer, path) : NULL;
}

int peers_add(
	struct driver *d, const uint8_t public_key[static WG_KEY_LEN], struct driver_peer **ret)
{
	struct driver_peer *p = driver_alloc_lines(sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	err = engine_add_peer(&d->engine, &p->path, public_key);
	if (err < 0) {
		free(p);
		return err;
	}
	list_push_tail(&d->peers, &p->link);
	*ret = p;
	return 0;
}

void peers_remove(struct driver *d, struct driver_peer *p)
{
	d->underlay.forget_name(d->underlay.ctx, &p->path);
	engine_remove_peer(&d->engine, &p->path);
	list_remove(&p->link);
	free(p);
}

int peers_set_private_key(struct driver *d, const uint8_t key[static WG_KEY_LEN])
{
	uint8_t public_key[WG_KEY_LEN];
	struct driver_peer *self;
	int err;

	if (!secret_is_zero(key, WG_KEY_LEN)) {
		err = wg_secrets_public_key(&d->engine.wg, key, public_key);
		if (err < 0)
			return err;
		self = peers_find(d, public_key);
		if (self)
			peers_remove(d, self);
	}
	(void)wg_device_set_private_key(&d->engine.wg, key);
	return 0;
}
