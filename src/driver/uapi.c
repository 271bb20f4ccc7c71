/* SPDX-License-Identifier: MIT */
/* Perform the requests of wg(8) on the userspace engine. */
#include "driver/uapi.h"

#include <errno.h>

#include "base/bytes.h"
#include "ctlproto/uapi_print.h"
#include "driver/listen.h"
#include "driver/peers.h"
#include "path/control.h"

int uapi_get(struct driver *d, const uint8_t *after, size_t max, char **ret_text, size_t *ret_len)
{
	const struct driver_peer *p = after ? peers_find(d, after) : NULL;
	const struct uapi_shown shown = { .dev = &d->engine.wg,
		.listen_port = listen_port(d),
		.fwmark = d->fwmark,
		.after = p ? &p->path.wg : NULL,
		.max = max };

	if (after && !p)
		return -ENOENT;
	d->engine.wg.spent = true; /* the answer contains keys as text */
	return uapi_print_get(&shown, ret_text, ret_len);
}

/* Return `have`, doubled if it is too small: when peers are added one by one, the tables must not
 * move each time. */
static size_t grow_capacity(size_t have, size_t need)
{
	return need <= have ? have : size_max(need, 2 * have);
}

/* Make room for everything that the request may add. */
static int make_room(struct driver *d, const struct uapi_set *set)
{
	const struct wg_device *dev = &d->engine.wg;
	size_t peers = dev->peer_count;
	size_t prefixes = dev->allowed.count;

	for (size_t i = 0; i < set->peers_len; i++) {
		if (set->peers[i].remove)
			continue;
		peers += !peers_find(d, set->peers[i].public_key);
		for (size_t k = 0; k < set->peers[i].prefixes_len; k++)
			prefixes += !set->peers[i].prefixes[k].remove;
	}
	return driver_grow(d, grow_capacity(dev->sizes.peers, peers),
		grow_capacity(dev->sizes.allowed_ips, prefixes));
}

static void remove_all_peers(struct driver *d)
{
	LIST_FOR_EACH_SAFE(l, next, &d->peers)
	peers_remove(d, CONTAINER_OF(l, struct driver_peer, link));
}

static int set_prefixes(struct driver *d, struct driver_peer *p, const struct uapi_peer *s)
{
	struct wg_allowedips *allowed = &d->engine.wg.allowed;
	int err = 0;

	if (s->replace_allowed_ips)
		wg_allowedips_remove_peer(allowed, &p->path.wg);
	for (size_t i = 0; i < s->prefixes_len && !err; i++) {
		if (s->prefixes[i].remove)
			(void)wg_allowedips_remove(allowed, &s->prefixes[i].prefix, &p->path.wg);
		else
			err = wg_allowedips_insert(allowed, &s->prefixes[i].prefix, &p->path.wg);
	}
	return err;
}

static int set_members(struct driver *d, struct driver_peer *p, const struct uapi_peer *s)
{
	if (s->has_psk)
		wg_peer_set_psk(&d->engine.wg, &p->path.wg, s->psk);
	if (s->has_endpoint) {
		/* an endpoint set by the user takes precedence over DNS */
		if (!endpoint_equal(&p->path.wg.endpoint, &s->endpoint))
			d->underlay.forget_name(d->underlay.ctx, &p->path);
		control_move(&d->engine, &p->path, &s->endpoint);
	}
	if (s->has_keepalive)
		wg_peer_set_keepalive(&d->engine.wg, &p->path.wg, s->keepalive_s);
	return set_prefixes(d, p, s);
}

/* Apply the section of one peer. */
static int set_peer(struct driver *d, const struct uapi_peer *s)
{
	struct driver_peer *p = peers_find(d, s->public_key);
	int err;

	if (s->remove) {
		if (p)
			peers_remove(d, p);
		return 0;
	}
	if (!p) {
		if (s->update_only)
			return 0;
		err = peers_add(d, s->public_key, &p);
		if (err == -EINVAL)
			return 0; /* our own public key: ignored */
		if (err < 0)
			return err;
	}
	return set_members(d, p, s);
}

int uapi_set(struct driver *d, const struct uapi_set *set)
{
	int err = make_room(d, set);

	d->engine.wg.spent = true;
	if (!err)
		err = listen_request(d, set->has_listen_port ? &set->listen_port : NULL,
			set->has_fwmark ? &set->fwmark : NULL);
	if (!err && set->has_private_key)
		err = peers_set_private_key(d, set->private_key);
	if (!err && set->replace_peers)
		remove_all_peers(d);
	for (size_t i = 0; i < set->peers_len && !err; i++)
		err = set_peer(d, &set->peers[i]);
	driver_work(d);
	return err;
}
