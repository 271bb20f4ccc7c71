/* SPDX-License-Identifier: MIT */
/* The state of a running site that its configuration lacks: keys, and changes made with wg(8). */
#include "driver/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/secret.h"
#include "driver/peers.h"

static int recall_allowed_ips(
	const struct wg_device *dev, const struct wg_peer *peer, struct conf_prefixes *ret)
{
	struct conf_prefixes list = { 0 };
	struct ip_prefix prefix;
	uint32_t cursor = WG_NO_NODE;

	while (wg_allowedips_next(&dev->allowed, peer, &cursor, &prefix))
		if (conf_prefixes_add(&list, &prefix, (struct conf_at){ 0 }) < 0) {
			free(list.v);
			return -ENOMEM;
		}
	free(ret->v);
	*ret = list;
	return 0;
}

static int recall_peer(
	const struct wg_device *dev, const struct wg_peer *peer, struct conf_peer *ret)
{
	memcpy(ret->preshared_key, peer->remote.psk, KEY_LEN);
	ret->keepalive_s = peer->keepalive_s;
	return recall_allowed_ips(dev, peer, &ret->allowed_ips);
}

static struct conf_peer *add_peer(struct conf_site *conf, const uint8_t key[static KEY_LEN])
{
	struct conf_peer *peer = array_grow(&conf->peers, &conf->n_peers, sizeof(*peer));

	if (!peer)
		return NULL;
	memcpy(peer->public_key, key, KEY_LEN);
	return peer;
}

/* Add the peers that were added with wg(8). */
static int recall_others(const struct driver *d, struct conf_site *conf)
{
	LIST_FOR_EACH(l, &d->peers)
	{
		const struct wg_peer *wg = &CONTAINER_OF(l, struct driver_peer, link)->path.wg;
		struct conf_peer *peer;

		if (conf_peer_find(conf, wg->remote.public_key))
			continue;
		peer = add_peer(conf, wg->remote.public_key);
		if (!peer || recall_peer(&d->engine.wg, wg, peer) < 0)
			return -ENOMEM;
	}
	return 0;
}

int snapshot_take(const struct driver *d, struct conf_site *conf)
{
	const struct wg_device *dev = &d->engine.wg;
	int err = 0;

	if (dev->identity.present)
		memcpy(conf->interface.private_key, wg_device_key(dev), KEY_LEN);
	for (size_t i = conf->n_peers; i-- > 0 && !err;) {
		const struct driver_peer *p = peers_find(d, conf->peers[i].public_key);

		if (p)
			err = recall_peer(dev, &p->path.wg, &conf->peers[i]);
		else
			conf_site_drop_peer(conf, i);
	}
	if (!err && conf->n_peers < dev->peer_count)
		err = recall_others(d, conf);
	return err;
}
