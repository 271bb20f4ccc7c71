/* SPDX-License-Identifier: MIT */
/* Apply the peers of a configuration to the engine as a difference. */
#include "driver/apply_peers.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "driver/peers.h"
#include "path/control.h"

static bool conf_has_prefix(const struct conf_peer *c, const struct ip_prefix *prefix)
{
	for (size_t i = 0; i < c->allowed_ips.n; i++) {
		struct ip_prefix masked = ip_prefix_masked(&c->allowed_ips.v[i].prefix);

		if (ip_prefix_equal(&masked, prefix))
			return true;
	}
	return false;
}

/* Remove prefixes that the peer no longer has; one per walk, because a removal invalidates the
 * walk. */
static void drop_prefixes(struct driver *d, struct driver_peer *p, const struct conf_peer *c)
{
	struct wg_allowedips *allowed = &d->engine.wg.allowed;
	struct ip_prefix prefix;
	uint32_t cursor = WG_NO_NODE;

	while (wg_allowedips_next(allowed, &p->path.wg, &cursor, &prefix)) {
		if (conf_has_prefix(c, &prefix))
			continue;
		(void)wg_allowedips_remove(allowed, &prefix, &p->path.wg);
		cursor = WG_NO_NODE;
	}
}

/*
 * Set the configured endpoint. The endpoint of an existing peer that has roamed stays if the file's
 * endpoint did not change, because the present one was authenticated.
 */
static int apply_endpoint(
	struct driver *d, struct driver_peer *p, const struct conf_peer *c, bool fresh)
{
	struct endpoint e = { .port = c->endpoint_port };

	if (c->endpoint_host && ip_addr_parse(c->endpoint_host, &e.addr) < 0) {
		p->configured = (struct endpoint){ 0 };
		return d->underlay.set_name(
			d->underlay.ctx, &p->path, c->endpoint_host, c->endpoint_port, !fresh);
	}
	d->underlay.forget_name(d->underlay.ctx, &p->path);
	e.addr = ip_addr_unmapped(&e.addr);
	if (c->endpoint_host && !endpoint_equal(&p->configured, &e)) {
		p->configured = e;
		control_move(&d->engine, &p->path, &e);
	}
	return 0;
}

static int apply_peer(struct driver *d, const struct conf_peer *c)
{
	struct driver_peer *p = peers_find(d, c->public_key);
	bool fresh = !p;
	int err = 0;

	if (fresh)
		err = peers_add(d, c->public_key, &p);
	if (err == -EINVAL)
		return 0; /* our own public key: ignored, as wg(8) does */
	if (err < 0)
		return err;
	wg_peer_set_psk(&d->engine.wg, &p->path.wg, c->preshared_key);
	drop_prefixes(d, p, c);
	for (size_t i = 0; i < c->allowed_ips.n && !err; i++)
		err = wg_allowedips_insert(
			&d->engine.wg.allowed, &c->allowed_ips.v[i].prefix, &p->path.wg);
	if (!err)
		err = apply_endpoint(d, p, c, fresh);
	if (err < 0)
		return err;
	memcpy(p->name, c->name, sizeof(p->name));
	wg_peer_set_keepalive(&d->engine.wg, &p->path.wg, c->keepalive_s);
	engine_limit_peer(&d->engine, &p->path, c->bandwidth / 8);
	return 0;
}

int apply_peers(struct driver *d, const struct conf_site *conf, struct error *ret_error)
{
	size_t prefixes = d->engine.wg.allowed.count;
	size_t peers = d->engine.wg.peer_count;
	char key[KEY_BASE64_LEN + 1];
	int err;

	for (size_t i = 0; i < conf->n_peers; i++) {
		peers += !peers_find(d, conf->peers[i].public_key);
		prefixes += conf->peers[i].allowed_ips.n;
	}
	err = driver_grow(d, peers, prefixes);
	for (size_t i = 0; i < conf->n_peers && !err; i++) {
		err = apply_peer(d, &conf->peers[i]);
		if (err < 0) {
			key_to_base64(conf->peers[i].public_key, key);
			return error_set(ret_error, err,
				"Cannot add peer %s: %s.\n"
				"Report this: the configuration check should have caught it.",
				*conf->peers[i].name ? conf->peers[i].name : key, strerror(-err));
		}
	}
	return err < 0 ? error_set(ret_error, err,
				 "Cannot make room for the peers: %s.\n"
				 "Free some memory.",
				 strerror(-err))
		       : 0;
}

void apply_peers_sweep(struct driver *d, const struct conf_site *conf)
{
	LIST_FOR_EACH_SAFE(l, next, &d->peers)
	{
		struct driver_peer *p = CONTAINER_OF(l, struct driver_peer, link);
		bool wanted = false;

		for (size_t i = 0; i < conf->n_peers && !wanted; i++)
			wanted = !memcmp(
				conf->peers[i].public_key, p->path.wg.remote.public_key, KEY_LEN);
		if (!wanted)
			peers_remove(d, p);
	}
}
