/* SPDX-License-Identifier: MIT */
/* The WireGuard keys of a running site, taken from its file again. */
#include "daemon/site_keys.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/secret.h"
#include "host/running_conf.h"

static int lacks_key(const struct conf_peer *peer, struct error *ret_error)
{
	char key[KEY_BASE64_LEN + 1];

	key_to_base64(peer->public_key, key);
	return error_set(ret_error, -ENOKEY,
		"The file has no PresharedKey of the peer %s any more\n"
		"Put it back, or apply the edited file with wirespan reload.",
		key);
}

/* Check that the file has all keys. */
static int check_keys(
	const struct conf_site *running, const struct conf_site *file, struct error *ret_error)
{
	if (running->interface.has_private_key && !file->interface.has_private_key)
		return error_set(
			ret_error, -ENOKEY, "The file has no PrivateKey any more\nPut it back.");
	for (size_t i = 0; i < running->n_peers; i++) {
		const struct conf_peer *p = &running->peers[i];
		const struct conf_peer *now = conf_peer_find(file, p->public_key);

		if (p->has_preshared_key && (!now || !now->has_preshared_key))
			return lacks_key(p, ret_error);
	}
	return 0;
}

int site_keys_take(struct conf_site *running, const struct conf_site *file, bool applied_next,
	struct error *ret_error)
{
	int err = check_keys(running, file, ret_error);

	if (err < 0)
		return err;
	if (!applied_next && !running_conf_equal(running, file))
		log_warning("The file of %s was edited since the site has read it: only its keys "
			    "are taken now. wirespan reload %s applies the rest.",
			running->name, running->name);
	if (running->interface.has_private_key)
		memcpy(running->interface.private_key, file->interface.private_key, KEY_LEN);
	for (size_t i = 0; i < running->n_peers; i++) {
		struct conf_peer *p = &running->peers[i];

		if (p->has_preshared_key)
			memcpy(p->preshared_key, conf_peer_find(file, p->public_key)->preshared_key,
				KEY_LEN);
	}
	return 0;
}
