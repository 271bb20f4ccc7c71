/* SPDX-License-Identifier: MIT */
/* The contents of a configuration file as structs: one site, its interface, peers, tunnels and
 * bridges. */
#include "conf/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/bytes.h"
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
	texts_free(&wg->peer_up);
	texts_free(&wg->peer_down);
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
	*site = (struct conf_site){ .isolation = true, .interface.name = "wg0" };
}

void conf_site_fini(struct conf_site *site)
{
	if (!site)
		return;
	free(site->name);
	for (size_t i = 0; i < site->n_files; i++)
		free(site->files[i]);
	free(site->files);
	free(site->user);
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

void conf_site_forget_keys(struct conf_site *conf)
{
	secret_wipe(conf->interface.private_key, KEY_LEN);
	for (size_t i = 0; i < conf->n_peers; i++)
		secret_wipe(conf->peers[i].preshared_key, KEY_LEN);
}

void conf_site_drop_peer(struct conf_site *site, size_t i)
{
	struct conf_peer *peer = &site->peers[i];

	peer_fini(peer);
	site->n_peers--;
	memmove(peer, peer + 1, (site->n_peers - i) * sizeof(*peer));
	secret_wipe(&site->peers[site->n_peers], sizeof(*peer));
}

int conf_prefixes_add(struct conf_prefixes *list, const struct ip_prefix *prefix, struct conf_at at)
{
	struct conf_prefix *item = array_grow(&list->v, &list->n, sizeof(*item));

	if (!item)
		return -ENOMEM;
	*item = (struct conf_prefix){ .prefix = *prefix, .at = at };
	return 0;
}

int conf_texts_add(struct conf_texts *list, const char *text, struct conf_at at)
{
	char *copy = strdup(text);
	struct conf_text *item = copy ? array_grow(&list->v, &list->n, sizeof(*item)) : NULL;

	if (!item) {
		free(copy);
		return -ENOMEM;
	}
	*item = (struct conf_text){ .text = copy, .at = at };
	return 0;
}

bool conf_prefixes_has(const struct conf_prefixes *list, const struct ip_prefix *prefix)
{
	for (size_t i = 0; i < list->n; i++)
		if (ip_prefix_equal(&list->v[i].prefix, prefix))
			return true;
	return false;
}

bool conf_prefix_is_broadcast(const struct ip_prefix *subnet, const struct ip_addr *addr)
{
	uint32_t hosts = subnet->len < 31 ? UINT32_MAX >> subnet->len : 0;

	return hosts && addr->family == AF_INET && ip_prefix_contains(subnet, addr) &&
	       (load_be32(addr->bytes) & hosts) == hosts;
}

bool conf_texts_has(const struct conf_texts *list, const char *text)
{
	for (size_t i = 0; i < list->n; i++)
		if (!strcmp(list->v[i].text, text))
			return true;
	return false;
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
	for (size_t i = 0; i < a->n; i++)
		if (!ip_prefix_equal(&a->v[i].prefix, &b->v[i].prefix))
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

const struct conf_peer *conf_peer_find(
	const struct conf_site *site, const uint8_t key[static KEY_LEN])
{
	for (size_t i = 0; i < site->n_peers; i++)
		if (!memcmp(site->peers[i].public_key, key, KEY_LEN))
			return &site->peers[i];
	return NULL;
}

const struct conf_bridge *conf_bridge_find(const struct conf_site *site, const char *name)
{
	for (size_t i = 0; i < site->n_bridges; i++)
		if (!strcmp(site->bridges[i].name, name))
			return &site->bridges[i];
	return NULL;
}

const struct conf_session *conf_next_session(struct conf_session_walk *walk)
{
	for (; walk->tunnel < walk->conf->n_tunnels; walk->tunnel++, walk->session = 0) {
		walk->of = &walk->conf->tunnels[walk->tunnel];
		if (walk->session < walk->of->n_sessions) {
			walk->i++;
			return &walk->of->sessions[walk->session++];
		}
	}
	return NULL;
}

size_t conf_session_count(const struct conf_site *site)
{
	size_t n = 0;

	for (size_t i = 0; i < site->n_tunnels; i++)
		n += site->tunnels[i].n_sessions;
	return n;
}

const struct conf_session *conf_session_find(const struct conf_site *site, const char *name)
{
	struct conf_session_walk walk = { site };
	const struct conf_session *session;

	while ((session = conf_next_session(&walk)))
		if (!strcmp(session->name, name))
			return session;
	return NULL;
}

bool conf_tunnel_has_checksum(const struct conf_tunnel *tunnel)
{
	return tunnel->encap == L2TP_ENCAP_UDP &&
	       (tunnel->udp_checksum || tunnel->remote.family == AF_INET6);
}
