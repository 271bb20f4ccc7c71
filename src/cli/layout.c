/* SPDX-License-Identifier: MIT */
/* Lays out a network of several sites: matching keys, addresses and ids, and one configuration
 * model for each site. */
#include "cli/layout.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/secret.h"
#include "conf/complete.h"
#include "crypto/x25519.h"

#define KEEPALIVE_S 25 /* below the timeout of every known NAT */

/* An error message, to free(). */
static char *__attribute__((format(printf, 1, 2))) complaint(const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	return n < 0 ? strdup("out of memory") : text;
}

/* The id of the wire between two sites, from the view of site `a`: 102 is site 1's end of the wire
 * to site 2. */
static uint32_t wire_id(size_t a, size_t b)
{
	return (uint32_t)((a + 1) * 100 + b + 1);
}

/* Whether two sites, by number, are wired to each other. */
static bool are_wired(const struct layout *layout, size_t a, size_t b)
{
	return a != b && (layout->mesh || a == 0 || b == 0);
}

/* Host number `host` of a subnet. */
static struct ip_addr subnet_host(const struct ip_prefix *subnet, size_t host)
{
	struct ip_addr addr = ip_prefix_masked(subnet).addr;
	uint8_t *last = &addr.bytes[ip_addr_len(&addr) - 1];

	*last = (uint8_t)(*last + host);
	return addr;
}

static bool address_taken(const struct layout *layout, const struct ip_addr *addr)
{
	for (size_t i = 0; i < layout->n; i++)
		if (layout->sites[i].address.addr.family &&
			ip_addr_equal(&layout->sites[i].address.addr, addr))
			return true;
	return false;
}

/* Assign the first free address of the subnet to site `i`, starting with its own number. */
static char *choose_address(struct layout *layout, size_t i)
{
	const struct ip_prefix *subnet = &layout->subnet;
	unsigned host_bits = ip_addr_bits(&subnet->addr) - subnet->len;
	size_t last = host_bits >= 8 ? 254 : ((size_t)1 << host_bits) - 2;

	for (size_t host = i + 1; host_bits >= 2 && host <= last; host++) {
		struct ip_addr addr = subnet_host(subnet, host);

		if (address_taken(layout, &addr))
			continue;
		layout->sites[i].address = (struct ip_prefix){ addr, subnet->len };
		return NULL;
	}
	return complaint("the tunnel's subnet has no address left for %s: choose a larger one with "
			 "--tunnel",
		layout->sites[i].name);
}

static char *check_sites(const struct layout *layout)
{
	for (size_t b = 1; b < layout->n; b++)
		for (size_t a = 0; a < b; a++) {
			const struct layout_site *x = &layout->sites[a];
			const struct layout_site *y = &layout->sites[b];

			if (!strcmp(x->name, y->name))
				return complaint("two sites are called %s", x->name);
			if (are_wired(layout, a, b) && !x->endpoint_host && !y->endpoint_host)
				return complaint("neither %s nor %s has an endpoint: one must be "
						 "reachable for the other",
					x->name, y->name);
		}
	return NULL;
}

static char *make_keys(struct layout *layout, const struct rng *rng)
{
	for (size_t i = 0; i < layout->n; i++) {
		struct layout_site *site = &layout->sites[i];

		rng_fill(rng, site->private_key, KEY_LEN);
		x25519_clamp(site->private_key);
		if (x25519_public(site->private_key, site->public_key) < 0)
			return complaint("out of memory");
		for (size_t k = i + 1; layout->psk && k < layout->n; k++)
			rng_fill(rng, layout->psks[i][k], KEY_LEN);
	}
	return NULL;
}

char *layout_complete(struct layout *layout, const struct rng *rng)
{
	char *problem = check_sites(layout);

	for (size_t i = 0; !problem && i < layout->n; i++)
		if (!layout->sites[i].address.addr.family)
			problem = choose_address(layout, i);
	return problem ? problem : make_keys(layout, rng);
}

_Static_assert(LAYOUT_NAME_MAX + 1 == CONF_PEER_NAME, "a site's name is its peers' name for it");

static const struct conf_at nowhere; /* position of a value that is in no file */

/* Site `i`'s [Peer] for site `k`. */
static int add_peer(const struct layout *layout, size_t i, size_t k, struct conf_site *model)
{
	const struct layout_site *far = &layout->sites[k];
	const struct ip_prefix host = { far->address.addr,
		(uint8_t)ip_addr_bits(&far->address.addr) };
	struct conf_peer *peer = array_grow(&model->peers, &model->n_peers, sizeof(*peer));

	if (!peer)
		return -ENOMEM;
	memcpy(peer->name, far->name, sizeof(peer->name));
	memcpy(peer->public_key, far->public_key, KEY_LEN);
	if (layout->psk) {
		memcpy(peer->preshared_key, layout->psks[i < k ? i : k][i < k ? k : i], KEY_LEN);
		peer->has_preshared_key = true;
	}
	if (far->endpoint_host) {
		peer->endpoint_host = strdup(far->endpoint_host);
		peer->endpoint_port = far->endpoint_port;
	}
	if (!layout->sites[i].endpoint_host)
		peer->keepalive_s = KEEPALIVE_S; /* there may be a NAT between */
	if (far->endpoint_host && !peer->endpoint_host)
		return -ENOMEM;
	return conf_prefixes_add(&peer->allowed_ips, &host, nowhere);
}

/* Site `i`'s [L2TP] and [L2TPSession] for site `k`. */
static int add_wire(const struct layout *layout, size_t i, size_t k, struct conf_site *model)
{
	const size_t split = CONF_SESSION_OPTION + L2TP_OPTION(split_horizon);
	struct conf_tunnel *tunnel =
		array_grow(&model->tunnels, &model->n_tunnels, sizeof(*tunnel));
	struct conf_session *session;

	if (!tunnel)
		return -ENOMEM;
	tunnel->tunnel_id = wire_id(i, k);
	tunnel->peer_tunnel_id = wire_id(k, i);
	tunnel->local = layout->sites[i].address.addr;
	tunnel->remote = layout->sites[k].address.addr;
	tunnel->udp_source_port = CONF_L2TP_PORT;
	tunnel->udp_destination_port = CONF_L2TP_PORT;
	session = array_grow(&tunnel->sessions, &tunnel->n_sessions, sizeof(*session));
	if (!session)
		return -ENOMEM;
	session->session_id = wire_id(i, k);
	session->peer_session_id = wire_id(k, i);
	if (layout->mesh && layout->n > 2) /* else the wires would be a loop */
		session->options.split_horizon = L2TP_SPLIT_HORIZON_ON;
	else if (i == 0 && layout->n > 2)
		session->at[split].line = 1; /* written out: it is a hub */
	return 0;
}

static int add_bridge(
	const struct layout *layout, const struct layout_site *site, struct conf_site *model)
{
	struct conf_bridge *bridge =
		array_grow(&model->bridges, &model->n_bridges, sizeof(*bridge));

	if (!bridge)
		return -ENOMEM;
	snprintf(bridge->name, sizeof(bridge->name), "%s",
		*site->join ? site->join : CONF_BRIDGE_NAME_DEFAULT);
	bridge->adopt = *site->join;
	if (site->bridge.addr.family &&
		conf_prefixes_add(&bridge->addresses, &site->bridge, nowhere) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < site->n_members; i++)
		if (conf_texts_add(&bridge->members, site->members[i], nowhere) < 0)
			return -ENOMEM;
	return 0;
}

int layout_site_model(const struct layout *layout, size_t i, struct conf_site *ret)
{
	const struct layout_site *site = &layout->sites[i];
	struct conf_interface *wg = &ret->interface;
	struct conf_report report = { 0 };
	int error = 0;

	memcpy(wg->private_key, site->private_key, KEY_LEN);
	wg->has_private_key = true;
	wg->listen_port = site->endpoint_host ? site->endpoint_port : 0;
	if (conf_prefixes_add(&wg->addresses, &site->address, nowhere) < 0)
		return -ENOMEM;
	for (size_t k = 0; !error && k < layout->n; k++) {
		if (!are_wired(layout, i, k))
			continue;
		error = add_peer(layout, i, k, ret);
		if (!error)
			error = add_wire(layout, i, k, ret);
	}
	if (!error)
		error = add_bridge(layout, site, ret);
	conf_complete(ret, &report);
	conf_report_fini(&report);
	return error;
}

/* Pointers to the names of the sites that are wired to site `i`, in order. */
static void far_names(
	const struct layout *layout, size_t i, const char *names[static LAYOUT_SITES_MAX])
{
	size_t n = 0;

	for (size_t k = 0; k < layout->n; k++)
		if (are_wired(layout, i, k))
			names[n++] = layout->sites[k].name;
}

int layout_site_text(const struct layout *layout, size_t i, const struct conf_site *model,
	char **ret_text, size_t *ret_len)
{
	const char *names[LAYOUT_SITES_MAX] = { NULL };
	const struct conf_notes notes = {
		.head = "Made by wirespan init. It holds this site's private key: keep it from "
			"others\n"
			"(chmod 600). As /etc/wirespan/NAME.conf it is started with: wirespan up "
			"NAME\n"
			"Every key is explained in wirespan.conf(5).",
		.interface = "WireGuard between the sites. The key is this site's own secret.",
		.tunnels = names,
		.session = "A wire for Ethernet frames to that site.",
		.bridge =
			"This site's part of the segment: the wires, and the members' interfaces.",
	};

	far_names(layout, i, names);
	return conf_print(model, &notes, ret_text, ret_len);
}

void layout_fini(struct layout *layout)
{
	for (size_t i = 0; i < layout->n; i++)
		free(layout->sites[i].endpoint_host);
	secret_wipe(layout, sizeof(*layout));
}
