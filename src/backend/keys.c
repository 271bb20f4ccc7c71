/* SPDX-License-Identifier: MIT */
/* Who holds a running site's keys: the engine alone, lent to the configuration for a reload. */
#include "backend/keys.h"

#include <string.h>

#include "backend/peers.h"
#include "base/secret.h"

void keys_forget(struct conf_site *conf)
{
	secret_wipe(conf->interface.private_key, KEY_LEN);
	for (size_t i = 0; i < conf->n_peers; i++)
		secret_wipe(conf->peers[i].preshared_key, KEY_LEN);
}

void keys_recall(const struct userspace *u, struct conf_site *conf)
{
	const struct wg_device *dev = &u->engine.wg;

	if (dev->identity.present)
		memcpy(conf->interface.private_key, dev->identity.private_key, KEY_LEN);
	for (size_t i = conf->n_peers; i-- > 0;) {
		const struct userspace_peer *p = peers_find(u, conf->peers[i].public_key);

		if (p)
			memcpy(conf->peers[i].preshared_key, p->path.wg.remote.psk, KEY_LEN);
		else
			conf_site_drop_peer(conf, i);
	}
}
