/* SPDX-License-Identifier: MIT */
/* A site's configuration as the monitor passes it to a running engine. */
#include "backend/isolated_conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "conf/print.h"

int isolated_conf_print(
	const struct conf_site *conf, const struct key_ring *keys, char **ret_text, size_t *ret_len)
{
	struct conf_site whole = *conf;
	size_t size = conf->n_peers * sizeof(*whole.peers);
	int err;

	whole.wireguard = NULL;
	whole.interface.private_key_file = NULL;
	whole.peers = malloc(size + 1);
	if (!whole.peers)
		return -ENOMEM;
	if (size)
		memcpy(whole.peers, conf->peers, size);
	if (keys)
		key_ring_give_back(keys, &whole);
	for (size_t i = 0; i < whole.n_peers; i++)
		whole.peers[i].preshared_key_file = NULL;
	err = conf_print(&whole, NULL, ret_text, ret_len);
	secret_wipe(whole.peers, size);
	free(whole.peers);
	secret_wipe(&whole, sizeof(whole));
	return err;
}
