/* SPDX-License-Identifier: MIT */
/* The kernel's WireGuard interface as the configuration wants it, changed by differences only. */
#include "backend/kernel_peers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* All zero: no preshared key. */
static const uint8_t no_key[KEY_LEN];

/** A request under construction: one element for each peer, and their lists. */
struct request {
	struct wgnl_config config;
	struct wgnl_peer *peers; /* those of `config` */
	struct endpoint *endpoints;
	struct ip_prefix *prefixes; /* of all peers, one after the other */
	size_t n_prefixes;
};

static void request_fini(struct request *r)
{
	free(r->peers);
	free(r->endpoints);
	free(r->prefixes);
}

/* Make room for `n` peers with `n_prefixes` allowed IPs together. Return: 0 or -ENOMEM. */
static int request_init(struct request *r, const char *interface, size_t n, size_t n_prefixes)
{
	*r = (struct request){ .config.ifname = interface };
	r->peers = calloc(n + 1, sizeof(*r->peers));
	r->endpoints = calloc(n + 1, sizeof(*r->endpoints));
	r->prefixes = calloc(n_prefixes + 1, sizeof(*r->prefixes));
	r->config.peers = r->peers;
	if (r->peers && r->endpoints && r->prefixes)
		return 0;
	request_fini(r);
	return -ENOMEM;
}

static int no_memory(struct error *ret_error)
{
	return error_set(ret_error, -ENOMEM,
		"There is no memory to configure the peers:\nFree some memory, and try again.");
}

/* Whether anything is in the request. */
static bool request_has_content(const struct request *r)
{
	const struct wgnl_config *c = &r->config;

	return c->private_key || c->has_listen_port || c->has_fwmark || c->n_peers;
}

static const char *hint_of(int err)
{
	switch (-err) {
	case EADDRINUSE:
		return "Another program uses the port: see `ss -ulpn`, or set another ListenPort.";
	case ENODEV:
	case EOPNOTSUPP:
		return "The interface went away meanwhile: see what else handles it.";
	case EPERM:
		return "Run it as root, or with the capability CAP_NET_ADMIN.";
	default:
		return "";
	}
}

/* Send the request, unless it is empty, and free it. Return: 0 or -errno, `ret_error` filled. */
static int request_send(
	struct request *r, struct kernel_netlink *k, struct netdev *m, struct error *ret_error)
{
	int err = 0;

	if (request_has_content(r)) {
		err = netdev_log(m, "wg set %s%s%s%s (%zu peers)", r->config.ifname,
			r->config.private_key ? " private-key" : "",
			r->config.has_listen_port ? " listen-port" : "",
			r->config.has_fwmark ? " fwmark" : "", r->config.n_peers);
		if (err < 0) {
			*ret_error = m->error;
		} else {
			err = wgnl_set(&k->nl, k->wireguard, &r->config);
			if (err < 0)
				nl_fail(&k->nl, ret_error, err,
					"Cannot configure the interface %s\n%s", r->config.ifname,
					hint_of(err));
		}
	}
	request_fini(r);
	return err;
}

const struct wgnl_peer_info *kernel_peers_find(
	const struct wgnl_device *device, const uint8_t public_key[static KEY_LEN])
{
	for (size_t i = 0; i < device->n_peers; i++)
		if (!memcmp(device->peers[i].public_key, public_key, KEY_LEN))
			return &device->peers[i];
	return NULL;
}

static const struct conf_peer *find_configured(
	const struct conf_site *conf, const uint8_t public_key[static KEY_LEN])
{
	for (size_t i = 0; conf && i < conf->n_peers; i++)
		if (!memcmp(conf->peers[i].public_key, public_key, KEY_LEN))
			return &conf->peers[i];
	return NULL;
}

int kernel_peers_query(struct kernel_netlink *k, const char *interface, struct wgnl_device *ret,
	struct error *ret_error)
{
	int err = wgnl_get(&k->nl, k->wireguard, interface, ret);

	return err < 0 ? nl_fail(&k->nl, ret_error, err, "Cannot query the interface %s\n%s",
				 interface, hint_of(err))
		       : 0;
}

/* ---- one peer ---- */

static bool has_prefix(const struct ip_prefix *list, size_t n, const struct ip_prefix *prefix)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].len == prefix->len && ip_addr_equal(&list[i].addr, &prefix->addr))
			return true;
	return false;
}

/* Whether two lists without duplicates have the same prefixes. */
static bool same_prefixes(
	const struct ip_prefix *a, size_t n_a, const struct ip_prefix *b, size_t n_b)
{
	for (size_t i = 0; i < n_a; i++)
		if (!has_prefix(b, n_b, &a[i]))
			return false;
	return n_a == n_b;
}

/* Copy the configured allowed IPs, without duplicates. Return: how many. */
static size_t copy_prefixes(const struct conf_prefixes *list, struct ip_prefix *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++)
		if (!has_prefix(ret, n, &list->v[i].prefix))
			ret[n++] = list->v[i].prefix;
	return n;
}

/* Set the allowed IPs if they differ from those of `have`, which may be NULL. */
static void put_allowed_ips(struct request *r, struct wgnl_peer *to, const struct ip_prefix *wanted,
	size_t n, const struct wgnl_peer_info *have)
{
	if (have && same_prefixes(wanted, n, have->allowedips, have->n_allowedips))
		return;
	to->allowedips = wanted;
	to->n_allowedips = n;
	to->replace_allowedips = have;
	r->n_prefixes += n;
}

static bool same_endpoint(const struct conf_peer *a, const struct conf_peer *b)
{
	return a->endpoint_port == b->endpoint_port && a->endpoint_host && b->endpoint_host &&
	       !strcmp(a->endpoint_host, b->endpoint_host);
}

static bool is_alive(const struct wgnl_peer_info *have)
{
	int64_t age = (int64_t)clock_wall().sec - have->handshake_s;

	return have->endpoint.addr.family && have->handshake_s && age < KERNEL_PEERS_ALIVE_S;
}

/* Find the endpoint that a new peer had. Return: whether it is to be set instead of the file's. */
static bool had_endpoint(const struct kernel_peers_seen *seen, const struct conf_peer *peer,
	bool in_file, struct endpoint *ret)
{
	for (size_t i = 0; seen && i < seen->n; i++) {
		const struct backend_peer *p = &seen->v[i];
		uint64_t since_ms = mono_between(seen->at, clock_mono()) / NS_PER_MS;

		if (memcmp(p->public_key, peer->public_key, KEY_LEN) != 0)
			continue;
		if (!p->endpoint.addr.family ||
			(in_file && (p->handshake_age_ms == BACKEND_PEER_NEVER ||
					    p->handshake_age_ms + since_ms >=
						    KERNEL_PEERS_ALIVE_S * UINT64_C(1000))))
			return false;
		*ret = p->endpoint;
		return true;
	}
	return false;
}

/* Whether the peer's endpoint is to be set, to an address. */
static bool wants_endpoint(const struct kernel_peers_step *step, const struct conf_peer *peer,
	const struct wgnl_peer_info *have, struct endpoint *ret)
{
	const struct conf_peer *old = find_configured(step->old, peer->public_key);
	bool in_file;

	*ret = (struct endpoint){ .port = peer->endpoint_port };
	in_file = peer->endpoint_host && ip_addr_parse(peer->endpoint_host, &ret->addr) == 0;
	if (!have)
		return had_endpoint(step->seen, peer, in_file, ret) || in_file;
	if (!in_file)
		return false; /* none; or a name, see kernel_names.h */
	return step->old ? !old || !same_endpoint(old, peer) : !is_alive(have);
}

/* Fill in what differs. Return: whether anything does. */
static bool put_peer(struct request *r, const struct kernel_peers_step *step,
	const struct conf_peer *peer, const struct wgnl_peer_info *have)
{
	struct wgnl_peer *to = &r->peers[r->config.n_peers];
	struct endpoint *endpoint = &r->endpoints[r->config.n_peers];
	struct ip_prefix *prefixes = r->prefixes + r->n_prefixes;
	size_t n = copy_prefixes(&peer->allowed_ips, prefixes);
	bool change = !have || step->what & KERNEL_PEERS_CHANGE;

	if (!have && !(step->what & KERNEL_PEERS_ADD))
		return false;
	*to = (struct wgnl_peer){ .public_key = peer->public_key, .update_only = have };
	if (change)
		put_allowed_ips(r, to, prefixes, n, have);
	if (change && (!have || have->keepalive != peer->keepalive_s)) {
		to->has_keepalive = true;
		to->keepalive = peer->keepalive_s;
	}
	if (change && wants_endpoint(step, peer, have, endpoint))
		to->endpoint = endpoint;
	if (peer->has_preshared_key && (!have || step->what & KERNEL_PEERS_KEYS))
		to->preshared_key = peer->preshared_key;
	else if (have && have->has_preshared_key && step->what & KERNEL_PEERS_KEYS)
		to->preshared_key = no_key;
	return !have || to->allowedips || to->replace_allowedips || to->has_keepalive ||
	       to->endpoint || to->preshared_key;
}

static void remove_peer(struct request *r, const uint8_t *public_key)
{
	r->peers[r->config.n_peers++] =
		(struct wgnl_peer){ .public_key = public_key, .remove = true };
}

/* ---- all ---- */

/* Set the port and the firewall mark, if they differ. Return: 0 or -errno, `ret_error` filled. */
static int set_socket(struct kernel_netlink *k, struct netdev *m,
	const struct kernel_peers_step *step, const struct wgnl_device *have,
	struct error *ret_error)
{
	uint16_t port = step->conf->interface.listen_port;
	struct request r = { .config = { .ifname = step->conf->interface.name,
				     .has_listen_port = port && port != have->listen_port,
				     .listen_port = port,
				     .has_fwmark = step->fwmark != have->fwmark,
				     .fwmark = step->fwmark } };

	return request_send(&r, k, m, ret_error);
}

static size_t count_prefixes(const struct conf_site *conf)
{
	size_t n = 0;

	for (size_t i = 0; i < conf->n_peers; i++)
		n += conf->peers[i].allowed_ips.n;
	return n;
}

int kernel_peers_apply(struct kernel_netlink *k, struct netdev *m,
	const struct kernel_peers_step *step, struct error *ret_error)
{
	const struct conf_site *conf = step->conf;
	const char *interface = conf->interface.name;
	struct wgnl_device have;
	struct request r;
	int err = kernel_peers_query(k, interface, &have, ret_error);

	if (err < 0)
		return err;
	if (request_init(&r, interface, conf->n_peers + have.n_peers, count_prefixes(conf)) < 0) {
		wgnl_device_fini(&have);
		return no_memory(ret_error);
	}
	if (step->what & KERNEL_PEERS_KEYS && conf->interface.has_private_key)
		r.config.private_key = conf->interface.private_key;
	for (size_t i = 0; step->what & KERNEL_PEERS_REMOVE && i < have.n_peers; i++)
		if (!find_configured(conf, have.peers[i].public_key))
			remove_peer(&r, have.peers[i].public_key);
	for (size_t i = 0; i < conf->n_peers; i++)
		r.config.n_peers += put_peer(&r, step, &conf->peers[i],
			kernel_peers_find(&have, conf->peers[i].public_key));
	err = request_send(&r, k, m, ret_error);
	if (err == 0 && step->what & KERNEL_PEERS_SOCKET)
		err = set_socket(k, m, step, &have, ret_error);
	wgnl_device_fini(&have);
	return err;
}

/* Fill in what differs from an earlier state. Return: whether anything does. */
static bool put_earlier(
	struct request *r, const struct wgnl_peer_info *before, const struct wgnl_peer_info *have)
{
	struct wgnl_peer *to = &r->peers[r->config.n_peers];

	*to = (struct wgnl_peer){ .public_key = before->public_key, .update_only = true };
	if (!same_prefixes(before->allowedips, before->n_allowedips, have->allowedips,
		    have->n_allowedips)) {
		to->allowedips = before->allowedips;
		to->n_allowedips = before->n_allowedips;
		to->replace_allowedips = true;
	}
	if (before->keepalive != have->keepalive) {
		to->has_keepalive = true;
		to->keepalive = before->keepalive;
	}
	if (before->endpoint.addr.family && !endpoint_equal(&before->endpoint, &have->endpoint))
		to->endpoint = &before->endpoint;
	return to->replace_allowedips || to->has_keepalive || to->endpoint;
}

int kernel_peers_restore(struct kernel_netlink *k, struct netdev *m,
	const struct wgnl_device *before, struct error *ret_error)
{
	struct wgnl_device have;
	struct request r;
	int err = kernel_peers_query(k, before->name, &have, ret_error);

	if (err < 0)
		return err;
	if (request_init(&r, before->name, before->n_peers + have.n_peers, 0) < 0) {
		wgnl_device_fini(&have);
		return no_memory(ret_error);
	}
	for (size_t i = 0; i < have.n_peers; i++)
		if (!kernel_peers_find(before, have.peers[i].public_key))
			remove_peer(&r, have.peers[i].public_key);
	for (size_t i = 0; i < before->n_peers; i++) {
		const struct wgnl_peer_info *now =
			kernel_peers_find(&have, before->peers[i].public_key);

		if (now)
			r.config.n_peers += put_earlier(&r, &before->peers[i], now);
	}
	err = request_send(&r, k, m, ret_error);
	wgnl_device_fini(&have);
	return err;
}
