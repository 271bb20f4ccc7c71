/* SPDX-License-Identifier: MIT */
/* For tests: a configuration from its text, and whether two are equal. */
#include "conf/test_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/secret.h"
#include "conf/complete.h"
#include "conf/parse.h"

void test_conf(struct conf_site *ret, const char *name, const char *text)
{
	struct conf_source source = {
		.name = "test.conf", .folder = "/", .bytes = text, .len = strlen(text)
	};
	struct conf_report report = { 0 };

	conf_site_init(ret);
	ASSERT(conf_parse(ret, &source, &report) == 0);
	conf_complete(ret, &report);
	for (size_t i = 0; i < report.n; i++)
		printf("line %u: %s\n", report.v[i].at.line, report.v[i].text);
	ASSERT(conf_report_ok(&report));
	conf_report_fini(&report);
	free(ret->name);
	ret->name = strdup(name);
	ASSERT(ret->name);
}

/* Equal, or both NULL. */
static bool text_equal(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool interface_equal(const struct conf_interface *a, const struct conf_interface *b)
{
	return !strcmp(a->name, b->name) && a->has_private_key == b->has_private_key &&
	       secret_equal(a->private_key, b->private_key, KEY_LEN) &&
	       text_equal(a->private_key_file, b->private_key_file) &&
	       a->listen_port == b->listen_port &&
	       conf_prefixes_equal(&a->addresses, &b->addresses) && a->mtu == b->mtu &&
	       a->fwmark == b->fwmark && a->bandwidth == b->bandwidth && a->table == b->table &&
	       a->table_number == b->table_number && conf_texts_equal(&a->dns, &b->dns) &&
	       conf_texts_equal(&a->pre_up, &b->pre_up) &&
	       conf_texts_equal(&a->post_up, &b->post_up) &&
	       conf_texts_equal(&a->pre_down, &b->pre_down) &&
	       conf_texts_equal(&a->post_down, &b->post_down) &&
	       conf_texts_equal(&a->peer_up, &b->peer_up) &&
	       conf_texts_equal(&a->peer_down, &b->peer_down);
}

static bool peer_equal(const struct conf_peer *a, const struct conf_peer *b)
{
	return !strcmp(a->name, b->name) && !memcmp(a->public_key, b->public_key, KEY_LEN) &&
	       a->has_preshared_key == b->has_preshared_key &&
	       secret_equal(a->preshared_key, b->preshared_key, KEY_LEN) &&
	       text_equal(a->preshared_key_file, b->preshared_key_file) &&
	       text_equal(a->endpoint_host, b->endpoint_host) &&
	       a->endpoint_port == b->endpoint_port &&
	       conf_prefixes_equal(&a->allowed_ips, &b->allowed_ips) &&
	       a->keepalive_s == b->keepalive_s && a->bandwidth == b->bandwidth;
}

static bool tunnel_equal(const struct conf_tunnel *a, const struct conf_tunnel *b)
{
	return a->tunnel_id == b->tunnel_id && a->peer_tunnel_id == b->peer_tunnel_id &&
	       ip_addr_equal(&a->local, &b->local) && ip_addr_equal(&a->remote, &b->remote) &&
	       a->encap == b->encap && a->udp_source_port == b->udp_source_port &&
	       a->udp_destination_port == b->udp_destination_port &&
	       a->udp_checksum == b->udp_checksum;
}

static bool options_equal(const struct l2tp_options *a, const struct l2tp_options *b)
{
	for (size_t i = 0; i < L2TP_OPTIONS; i++)
		if (l2tp_options_get(a, i) != l2tp_options_get(b, i))
			return false;
	return true;
}

static bool session_equal(const struct conf_session *a, const struct conf_session *b)
{
	return !strcmp(a->name, b->name) && a->session_id == b->session_id &&
	       a->peer_session_id == b->peer_session_id && a->cookie_len == b->cookie_len &&
	       !memcmp(a->cookie, b->cookie, CONF_COOKIE_MAX) &&
	       a->peer_cookie_len == b->peer_cookie_len &&
	       !memcmp(a->peer_cookie, b->peer_cookie, CONF_COOKIE_MAX) && a->mtu == b->mtu &&
	       options_equal(&a->options, &b->options) && !strcmp(a->bridge, b->bridge);
}

static bool bridge_equal(const struct conf_bridge *a, const struct conf_bridge *b)
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
		if (!session_equal(&a->sessions[i], &b->sessions[i]))
			return false;
	return true;
}

bool test_conf_equal(const struct conf_site *a, const struct conf_site *b)
{
	if (a->backend != b->backend || !text_equal(a->wireguard, b->wireguard) ||
		!text_equal(a->user, b->user) || a->isolation != b->isolation ||
		!interface_equal(&a->interface, &b->interface) || a->n_peers != b->n_peers ||
		a->n_tunnels != b->n_tunnels || a->n_bridges != b->n_bridges)
		return false;
	for (size_t i = 0; i < a->n_peers; i++)
		if (!peer_equal(&a->peers[i], &b->peers[i]))
			return false;
	for (size_t i = 0; i < a->n_tunnels; i++)
		if (!tunnel_equal(&a->tunnels[i], &b->tunnels[i]) ||
			!sessions_equal(&a->tunnels[i], &b->tunnels[i]))
			return false;
	for (size_t i = 0; i < a->n_bridges; i++)
		if (!bridge_equal(&a->bridges[i], &b->bridges[i]))
			return false;
	return true;
}
