/* SPDX-License-Identifier: MIT */
/* The canonical text of a site, which the parser reads back to an equal model. */
#include "conf/print.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/text.h"
#include "conf/complete.h"
#include "conf/keys.h"

/* Add a comment of one or more lines; nothing for NULL. */
static void add_comment(struct text *t, const char *note)
{
	while (note && *note) {
		size_t len = strcspn(note, "\n");

		text_add(t, "#%s%.*s\n", len ? " " : "", (int)len, note);
		note += len + (note[len] == '\n');
	}
}

static void add_section(struct text *t, enum conf_section section, const char *note)
{
	text_add(t, "%s[%s]\n", t->len ? "\n" : "", conf_sections[section].name);
	add_comment(t, note);
}

static void add_key(struct text *t, const char *name, const uint8_t key[static KEY_LEN])
{
	char base64[KEY_BASE64_LEN + 1];

	key_to_base64(key, base64);
	text_add(t, "%s = %s\n", name, base64);
	secret_wipe(base64, sizeof(base64));
}

static void add_addr(struct text *t, const char *name, const struct ip_addr *addr)
{
	char buf[IP_ADDR_TEXT_LEN];

	if (addr->family)
		text_add(t, "%s = %s\n", name, ip_addr_text(addr, buf));
}

static void add_prefixes(struct text *t, const char *name, const struct conf_prefixes *list)
{
	char buf[IP_PREFIX_TEXT_LEN];

	for (size_t i = 0; i < list->n; i++)
		text_add(t, "%s = %s\n", name, ip_prefix_text(&list->v[i].prefix, buf));
}

static void add_texts(struct text *t, const char *name, const struct conf_texts *list)
{
	for (size_t i = 0; i < list->n; i++)
		text_add(t, "%s = %s\n", name, list->v[i].text);
}

/* Omit numbers and switches with their default, 0. */
static void add_number(struct text *t, const char *name, uint32_t value)
{
	if (value)
		text_add(t, "%s = %u\n", name, value);
}

static void add_yes(struct text *t, const char *name, bool value)
{
	if (value)
		text_add(t, "%s = yes\n", name);
}

static void add_cookie(struct text *t, const char *name, const uint8_t *cookie, size_t len)
{
	if (!len)
		return;
	text_add(t, "%s = ", name);
	for (size_t i = 0; i < len; i++)
		text_add(t, "%02x", cookie[i]);
	text_add(t, "\n");
}

static void print_site(struct text *t, const struct conf_site *site)
{
	if (site->backend == CONF_BACKEND_AUTO && site->isolation && !site->user &&
		!site->wireguard)
		return;
	add_section(t, CONF_SECTION_SITE, NULL);
	if (site->backend != CONF_BACKEND_AUTO)
		text_add(t, "Backend = %s\n", conf_word(conf_backend_words, site->backend));
	if (!site->isolation)
		text_add(t, "Isolation = no\n");
	if (site->user)
		text_add(t, "User = %s\n", site->user);
	if (site->wireguard)
		text_add(t, "WireGuard = %s\n", site->wireguard);
}

/* In the largest unit that needs no fraction. */
static void add_rate(struct text *t, const char *key, uint64_t rate)
{
	static const char *const units[] = { "bit", "kbit", "mbit", "gbit", "tbit" };
	size_t unit = 0;

	if (!rate)
		return;
	for (; unit + 1 < ARRAY_LEN(units) && rate % 1000 == 0; unit++)
		rate /= 1000;
	text_add(t, "%s = %" PRIu64 "%s\n", key, rate, units[unit]);
}

static void print_interface(struct text *t, const struct conf_interface *wg, const char *note)
{
	add_section(t, CONF_SECTION_INTERFACE, note);
	text_add(t, "Name = %s\n", wg->name);
	if (wg->private_key_file)
		text_add(t, "PrivateKeyFile = %s\n", wg->private_key_file);
	else if (wg->has_private_key)
		add_key(t, "PrivateKey", wg->private_key);
	add_number(t, "ListenPort", wg->listen_port);
	add_prefixes(t, "Address", &wg->addresses);
	add_number(t, "MTU", wg->mtu);
	if (wg->fwmark)
		text_add(t, "FwMark = 0x%x\n", wg->fwmark);
	add_rate(t, "Bandwidth", wg->bandwidth);
	if (wg->table == CONF_TABLE_OFF)
		text_add(t, "Table = off\n");
	else if (wg->table == CONF_TABLE_NUMBER)
		text_add(t, "Table = %u\n", wg->table_number);
	add_texts(t, "DNS", &wg->dns);
	add_texts(t, "PreUp", &wg->pre_up);
	add_texts(t, "PostUp", &wg->post_up);
	add_texts(t, "PreDown", &wg->pre_down);
	add_texts(t, "PostDown", &wg->post_down);
	add_texts(t, "PeerUp", &wg->peer_up);
	add_texts(t, "PeerDown", &wg->peer_down);
}

/* With an included file: the name, if it was set in the site's own file. */
static void print_name(struct text *t, const struct conf_interface *wg)
{
	struct conf_at at = wg->at[CONF_INTERFACE_NAME];

	if (!at.line || at.file)
		return;
	add_section(t, CONF_SECTION_INTERFACE, NULL);
	text_add(t, "Name = %s\n", wg->name);
}

static void print_peer(struct text *t, const struct conf_peer *peer)
{
	add_section(t, CONF_SECTION_PEER, NULL);
	if (*peer->name)
		text_add(t, "Name = %s\n", peer->name);
	if (peer->has_public_key || !secret_is_zero(peer->public_key, KEY_LEN))
		add_key(t, "PublicKey", peer->public_key);
	if (peer->preshared_key_file)
		text_add(t, "PresharedKeyFile = %s\n", peer->preshared_key_file);
	else if (peer->has_preshared_key)
		add_key(t, "PresharedKey", peer->preshared_key);
	if (peer->endpoint_host && strchr(peer->endpoint_host, ':'))
		text_add(t, "Endpoint = [%s]:%u\n", peer->endpoint_host, peer->endpoint_port);
	else if (peer->endpoint_host)
		text_add(t, "Endpoint = %s:%u\n", peer->endpoint_host, peer->endpoint_port);
	add_prefixes(t, "AllowedIPs", &peer->allowed_ips);
	add_number(t, "PersistentKeepalive", peer->keepalive_s);
	add_rate(t, "Bandwidth", peer->bandwidth);
}

static void print_tunnel(struct text *t, const struct conf_tunnel *tunnel, const char *note)
{
	add_section(t, CONF_SECTION_L2TP, note);
	add_number(t, "TunnelId", tunnel->tunnel_id);
	add_number(t, "PeerTunnelId", tunnel->peer_tunnel_id);
	add_addr(t, "Local", &tunnel->local);
	add_addr(t, "Remote", &tunnel->remote);
	if (tunnel->encap != L2TP_ENCAP_UDP)
		text_add(t, "EncapsulationType = %s\n", conf_word(conf_encap_words, tunnel->encap));
	if (tunnel->udp_source_port != CONF_L2TP_PORT)
		text_add(t, "UDPSourcePort = %u\n", tunnel->udp_source_port);
	if (tunnel->udp_destination_port != CONF_L2TP_PORT)
		text_add(t, "UDPDestinationPort = %u\n", tunnel->udp_destination_port);
	add_yes(t, "UDPChecksum", tunnel->udp_checksum);
}

/* Bridge = is written only where it differs from the default. */
static void print_session_bridge(
	struct text *t, const struct conf_site *site, const struct conf_session *session)
{
	const char *bridge = session->bridge[0] ? session->bridge : CONF_BRIDGE_NONE;

	if (site->n_bridges == 1 && !strcmp(session->bridge, site->bridges[0].name))
		return;
	if (site->n_bridges || session->bridge[0])
		text_add(t, "Bridge = %s\n", bridge);
}

/* An option of a session, unless it has its initial value. */
static void add_option(struct text *t, const struct l2tp_options *options, size_t i)
{
	const struct l2tp_option *row = &l2tp_option_rows[i];
	uint32_t value = l2tp_options_get(options, i);
	const char *word = l2tp_option_word(row, value);

	if (value == row->initial)
		return;
	if (word)
		text_add(t, "%s = %s\n", row->key, word);
	else
		text_add(t, "%s = %u\n", row->key, value);
}

/* Whether the session has SplitHorizon = no written out, and is in a bridge with sessions of other
 * tunnels: then check_horizon() of check_link.c takes the site for a hub. */
static bool is_marked_hub(const struct conf_site *site, const struct conf_session *session)
{
	struct conf_session_walk walk = { site };
	const struct conf_tunnel *tunnel = NULL;
	const struct conf_session *s;
	size_t n = 0;

	if (!session->at[CONF_SESSION_OPTION + L2TP_OPTION(split_horizon)].line ||
		session->options.split_horizon == L2TP_SPLIT_HORIZON_ON || !*session->bridge)
		return false;
	while ((s = conf_next_session(&walk)))
		if (!strcmp(s->bridge, session->bridge)) {
			n += walk.of != tunnel;
			tunnel = walk.of;
		}
	return n > 1;
}

static void print_session(struct text *t, const struct conf_site *site,
	const struct conf_session *session, const char *note)
{
	add_section(t, CONF_SECTION_SESSION, note);
	text_add(t, "Name = %s\n", session->name);
	add_number(t, "SessionId", session->session_id);
	add_number(t, "PeerSessionId", session->peer_session_id);
	add_option(t, &session->options, L2TP_OPTION(sublayer));
	add_cookie(t, "Cookie", session->cookie, session->cookie_len);
	add_cookie(t, "PeerCookie", session->peer_cookie, session->peer_cookie_len);
	add_option(t, &session->options, L2TP_OPTION(sequence));
	add_number(t, "MTU", session->mtu);
	for (size_t i = L2TP_OPTION(sequence) + 1; i < L2TP_OPTIONS; i++)
		add_option(t, &session->options, i);
	if (is_marked_hub(site, session))
		text_add(t, "SplitHorizon = no\n");
	print_session_bridge(t, site, session);
}

static void print_bridge(struct text *t, const struct conf_bridge *bridge, const char *note)
{
	char words[CONF_FORWARD_TEXT_LEN];

	add_section(t, CONF_SECTION_BRIDGE, note);
	text_add(t, "Name = %s\n", bridge->name);
	add_prefixes(t, "Address", &bridge->addresses);
	add_texts(t, "Member", &bridge->members);
	add_yes(t, "Adopt", bridge->adopt);
	add_yes(t, "STP", bridge->stp);
	add_yes(t, "MulticastSnooping", bridge->multicast_snooping);
	if (bridge->forward_control)
		text_add(t, "ForwardControl = %s\n",
			conf_forward_control_text(bridge->forward_control, words));
}

int conf_print(const struct conf_site *site, const struct conf_notes *notes, char **ret_text,
	size_t *ret_len)
{
	static const struct conf_notes none;
	const struct conf_notes *n = notes ? notes : &none;
	const char *session_note = n->session;
	struct text t = { 0 };

	add_comment(&t, n->head);
	print_site(&t, site);
	if (site->wireguard) {
		print_name(&t, &site->interface);
	} else {
		print_interface(&t, &site->interface, n->interface);
		for (size_t i = 0; i < site->n_peers; i++)
			print_peer(&t, &site->peers[i]);
	}
	for (size_t i = 0; i < site->n_tunnels; i++) {
		const struct conf_tunnel *tunnel = &site->tunnels[i];

		print_tunnel(&t, tunnel, n->tunnels ? n->tunnels[i] : NULL);
		for (size_t k = 0; k < tunnel->n_sessions; k++) {
			print_session(&t, site, &tunnel->sessions[k], session_note);
			session_note = NULL;
		}
	}
	for (size_t i = 0; i < site->n_bridges; i++)
		print_bridge(&t, &site->bridges[i], i ? NULL : n->bridge);
	return text_take(&t, ret_text, ret_len);
}
