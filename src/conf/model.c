/* SPDX-License-Identifier: MIT */
/* The contents of a configuration file as structs: one site, its interface, peers, tunnels and
 * bridges. */
#include "conf/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

static void texts_free(struct conf_texts *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i].text);
	free(list->v);
}

static void interface_fini(struct conf_interface *wg)
{
	free(wg->private_key_file);
	free(wg->addresses.v);
	texts_free(&wg->dns);
	texts_free(&wg->pre_up);
	texts_free(&wg->post_up);
	texts_free(&wg->pre_down);
	texts_free(&wg->post_down);
}

static void peer_fini(struct conf_peer *peer)
{
	free(peer->preshared_key_file);
	free(peer->endpoint_host);
	free(peer->allowed_ips.v);
	secret_wipe(peer, sizeof(*peer));
}

static void tunnel_fini(struct conf_tunnel *tunnel)
{
	if (tunnel->sessions)
		secret_wipe(tunnel->sessions, tunnel->n_sessions * sizeof(*tunnel->sessions));
	free(tunnel->sessions);
}

static void bridge_fini(struct conf_bridge *bridge)
{
	free(bridge->addresses.v);
	texts_free(&bridge->members);
}

void conf_site_init(struct conf_site *site)
{
	*site = (struct conf_site){ .interface.name = "wg0" };
}

void conf_site_fini(struct conf_site *site)
{
	if (!site)
		return;
	free(site->name);
	for (size_t i = 0; i < site->n_files; i++)
		free(site->files[i]);
	free(site->files);
	free(site->wireguard);
	interface_fini(&site->interface);
	for (size_t i = 0; i < site->n_peers; i++)
		peer_fini(&site->peers[i]);
	free(site->peers);
	for (size_t i = 0; i < site->n_tunnels; i++)
		tunnel_fini(&site->tunnels[i]);
	free(site->tunnels);
	for (size_t i = 0; i < site->n_bridges; i++)
		bridge_fini(&site->bridges[i]);
	free(site->bridges);
	secret_wipe(site, sizeof(*site));
}

void conf_site_drop_peer(struct conf_site *site, size_t i)
{
	struct conf_peer *peer = &site->peers[i];

	peer_fini(peer);
	site->n_peers--;
	memmove(peer, peer + 1, (site->n_peers - i) * sizeof(*peer));
	secret_wipe(&site->peers[site->n_peers], sizeof(*peer));
}

/* Equal, or both NULL. */
static bool text_equal(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

bool conf_texts_equal(const struct conf_texts *a, const struct conf_texts *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i].text, b->v[i].text) != 0)
			return false;
	return true;
}

bool conf_prefixes_equal(const struct conf_prefixes *a, const struct conf_prefixes *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct ip_prefix *x = &a->v[i].prefix;
		const struct ip_prefix *y = &b->v[i].prefix;

		if (x->len != y->len || !ip_addr_equal(&x->addr, &y->addr))
			return false;
	}
	return true;
}

static bool interface_equal(const struct conf_interface *a, const struct conf_interface *b)
{
	return !strcmp(a->name, b->name) && a->has_private_key == b->has_private_key &&
	       secret_equal(a->private_key, b->private_key, KEY_LEN) &&
	       text_equal(a->private_key_file, b->private_key_file) &&
	       a->listen_port == b->listen_port &&
	       conf_prefixes_equal(&a->addresses, &b->addresses) && a->mtu == b->mtu &&
	       a->fwmark == b->fwmark && a->table == b->table &&
	       a->table_number == b->table_number && conf_texts_equal(&a->dns, &b->dns) &&
	       conf_texts_equal(&a->pre_up, &b->pre_up) &&
	       conf_texts_equal(&a->post_up, &b->post_up) &&
	       conf_texts_equal(&a->pre_down, &b->pre_down) &&
	       conf_texts_equal(&a->post_down, &b->post_down);
}

bool conf_peer_equal(const struct conf_peer *a, const struct conf_peer *b)
{
	return !memcmp(a->public_key, b->public_key, KEY_LEN) &&
	       a->has_preshared_key == b->has_preshared_key &&
	       secret_equal(a->preshared_key, b->preshared_key, KEY_LEN) &&
	       text_equal(a->preshared_key_file, b->preshared_key_file) &&
	       text_equal(a->endpoint_host, b->endpoint_host) &&
	       a->endpoint_port == b->endpoint_port &&
	       conf_prefixes_equal(&a->allowed_ips, &b->allowed_ips) &&
	       a->keepalive_s == b->keepalive_s;
}

bool conf_tunnel_equal(const struct conf_tunnel *a, const struct conf_tunnel *b)
{
	return a->tunnel_id == b->tunnel_id && a->peer_tunnel_id == b->peer_tunnel_id &&
	       ip_addr_equal(&a->local, &b->local) && ip_addr_equal(&a->remote, &b->remote) &&
	       a->encap == b->encap && a->udp_source_port == b->udp_source_port &&
	       a->udp_destination_port == b->udp_destination_port &&
	       a->udp_checksum == b->udp_checksum;
}

bool conf_session_equal(const struct conf_session *a, const struct conf_session *b)
{
	return !strcmp(a->name, b->name) && a->session_id == b->session_id &&
	       a->peer_session_id == b->peer_session_id && a->cookie_len == b->cookie_len &&
	       !memcmp(a->cookie, b->cookie, CONF_COOKIE_MAX) &&
	       a->peer_cookie_len == b->peer_cookie_len &&
	       !memcmp(a->peer_cookie, b->peer_cookie, CONF_COOKIE_MAX) && a->mtu == b->mtu &&
	       l2tp_options_equal(&a->options, &b->options) && !strcmp(a->bridge, b->bridge);
}

bool conf_bridge_equal(const struct conf_bridge *a, const struct conf_bridge *b)
{
	return !strcmp(a->name, b->name) && conf_prefixes_equal(&a->addresses, &b->addresses) &&
	       conf_texts_equal(&a->members, &b->members) && a->stp == b->stp &&
	       a->multicast_snooping == b->multicast_snooping &&
	       a->forward_control == b->forward_control && a->adopt == b->adopt;
}

static bool sessions_equal(const struct conf_tunnel *a, const struct conf_tunnel *b)
{
	if (a->n_sessions != b->n_sessions)
		return false;
	for (size_t i = 0; i < a->n_sessions; i++)
		if (!conf_session_equal(&a->sessions[i], &b->sessions[i]))
			return false;
	return true;
}

bool conf_site_equal(const struct conf_site *a, const struct conf_site *b)
{
	if (a->backend != b->backend || !text_equal(a->wireguard, b->wireguard) ||
		!interface_equal(&a->interface, &b->interface) || a->n_peers != b->n_peers ||
		a->n_tunnels != b->n_tunnels || a->n_bridges != b->n_bridges)
		return false;
	for (size_t i = 0; i < a->n_peers; i++)
		if (!conf_peer_equal(&a->peers[i], &b->peers[i]))
			return false;
	for (size_t i = 0; i < a->n_tunnels; i++)
		if (!conf_tunnel_equal(&a->tunnels[i], &b->tunnels[i]) ||
			!sessions_equal(&a->tunnels[i], &b->tunnels[i]))
			return false;
	for (size_t i = 0; i < a->n_bridges; i++)
		if (!conf_bridge_equal(&a->bridges[i], &b->bridges[i]))
			return false;
	return true;
}

const struct conf_peer *conf_peer_for(const struct conf_site *site, const struct ip_addr *addr)
{
	const struct conf_peer *best = NULL;
	int best_len = -1;

	for (size_t i = 0; i < site->n_peers; i++) {
		const struct conf_prefixes *allowed = &site->peers[i].allowed_ips;

		for (size_t k = 0; k < allowed->n; k++) {
			const struct ip_prefix *p = &allowed->v[k].prefix;

			if (p->len > best_len && ip_prefix_contains(p, addr)) {
				best = &site->peers[i];
				best_len = p->len;
			}
		}
	}
	return best;
}

const struct conf_bridge *conf_bridge_find(const struct conf_site *site, const char *name)
{
	for (size_t i = 0; i < site->n_bridges; i++)
		if (!strcmp(site->bridges[i].name, name))
			return &site->bridges[i];
	return NULL;
}

bool conf_tunnel_has_checksum(const struct conf_tunnel *tunnel)
{
	return tunnel->encap == L2TP_ENCAP_UDP &&
	       (tunnel->udp_checksum || tunnel->remote.family == AF_INET6);
}
