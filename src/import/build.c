/* SPDX-License-Identifier: MIT */
/* Makes a site of the facts of an import. */
#include "import/build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/secret.h"
#include "conf/complete.h"
#include "conf/keys.h"
#include "conf/value.h"
#include "mtu/mtu.h"

/* The names of what was created, in the order of the site's arrays. */
struct build {
	struct import *im;
	struct conf_site *site;
	const char *wireguard; /* NULL: there is none */
	const char **peers;    /* their public keys, or names if they have none */
	size_t n_peers;
	const char **tunnels;
	size_t n_tunnels;
	bool has_tunnels; /* the files have any */
};

static bool is_kind(const struct import *im, const char *link, const char *kind)
{
	const struct import_fact *fact = import_find(im, IMPORT_LINK, link, FACT_KIND);

	return fact && !strcmp(fact->value, kind);
}

static const char *value_of(
	const struct import *im, enum import_object object, const char *name, const char *key)
{
	const struct import_fact *fact = import_find(im, object, name, key);

	return fact ? fact->value : NULL;
}

/* The WireGuard interface that has the address `local`, or NULL. */
static const char *wireguard_with(const struct import *im, const char *local)
{
	size_t len = strlen(local);

	for (size_t i = 0; i < im->n_facts; i++) {
		const struct import_fact *fact = &im->facts[i];

		if (fact->object == IMPORT_LINK && !strcmp(fact->key, "Address") &&
			!strncmp(fact->value, local, len) && strchr("/", fact->value[len]) &&
			is_kind(im, fact->name, FACT_KIND_WIREGUARD))
			return fact->name;
	}
	return NULL;
}

/* The WireGuard interface that a tunnel runs through, else the first, else NULL. */
static const char *choose_wireguard(const struct import *im)
{
	const char *first = NULL;

	for (size_t i = 0; i < im->n_facts; i++) {
		const struct import_fact *fact = &im->facts[i];
		const char *with = NULL;

		if (!first && !strcmp(fact->key, FACT_KIND) &&
			!strcmp(fact->value, FACT_KIND_WIREGUARD))
			first = fact->name;
		if (fact->object == IMPORT_TUNNEL && !strcmp(fact->key, "Local"))
			with = wireguard_with(im, fact->value);
		if (with)
			return with;
	}
	return first;
}

static size_t index_of(const char *const *names, size_t n, const char *name)
{
	size_t i = 0;

	while (i < n && strcmp(names[i], name) != 0)
		i++;
	return i;
}

static void add_name(struct build *b, const char ***names, size_t *n, const char *name)
{
	const char **slot = array_grow(names, n, sizeof(*slot));

	if (slot)
		*slot = name;
	else
		b->im->out_of_memory = true;
}

static void create_tunnel(struct build *b, const char *name, struct conf_at at)
{
	struct conf_site *site = b->site;
	struct conf_tunnel *tunnel;

	if (index_of(b->tunnels, b->n_tunnels, name) < b->n_tunnels)
		return;
	tunnel = array_grow(&site->tunnels, &site->n_tunnels, sizeof(*tunnel));
	if (!tunnel) {
		b->im->out_of_memory = true;
		return;
	}
	*tunnel = (struct conf_tunnel){ .local_auto = true,
		.udp_source_port = CONF_L2TP_PORT,
		.udp_destination_port = CONF_L2TP_PORT,
		.section = at };
	add_name(b, &b->tunnels, &b->n_tunnels, name);
}

/* Whether the site has a peer of the files. */
static bool has_peer(const struct build *b, const char *name)
{
	const char *of = value_of(b->im, IMPORT_PEER, name, FACT_OF);

	return of && b->wireguard && !strcmp(of, b->wireguard) &&
	       !import_find(b->im, IMPORT_PEER, name, FACT_DISABLED);
}

/* The number of a peer: files that have the same public key for it are about the same peer. */
static size_t peer_index(const struct build *b, const char *name)
{
	const char *key = value_of(b->im, IMPORT_PEER, name, "PublicKey");

	return has_peer(b, name) ? index_of(b->peers, b->n_peers, key ? key : name) : b->n_peers;
}

static void create_peer(struct build *b, const char *name, struct conf_at at)
{
	const char *key = value_of(b->im, IMPORT_PEER, name, "PublicKey");
	struct conf_peer *peer;

	if (!has_peer(b, name) || peer_index(b, name) < b->n_peers)
		return;
	peer = array_grow(&b->site->peers, &b->site->n_peers, sizeof(*peer));
	if (!peer) {
		b->im->out_of_memory = true;
		return;
	}
	peer->section = at;
	add_name(b, &b->peers, &b->n_peers, key ? key : name);
}

static struct conf_bridge *bridge_of(const struct build *b, const char *name)
{
	for (size_t i = 0; i < b->site->n_bridges; i++)
		if (!strcmp(b->site->bridges[i].name, name))
			return &b->site->bridges[i];
	return NULL;
}

/* The bridge of a session: created by the files, or existing. */
static void create_bridge(struct build *b, const char *name, struct conf_at at)
{
	struct conf_bridge *bridge;

	if (bridge_of(b, name) || conf_value_name_problem(name))
		return;
	bridge = array_grow(&b->site->bridges, &b->site->n_bridges, sizeof(*bridge));
	if (!bridge) {
		b->im->out_of_memory = true;
		return;
	}
	snprintf(bridge->name, sizeof(bridge->name), "%s", name);
	bridge->section = at;
	bridge->adopt = !is_kind(b->im, name, FACT_KIND_BRIDGE);
	if (bridge->adopt)
		import_note_at(b->im, at, IMPORT_CHANGED,
			"[Bridge] Name = %s, Adopt = yes: it exists without the site, which joins "
			"it and does not own it",
			name);
}

static struct conf_session *session_of(const struct build *b, const char *name)
{
	for (size_t i = 0; i < b->site->n_tunnels; i++)
		for (size_t k = 0; k < b->site->tunnels[i].n_sessions; k++)
			if (!strcmp(b->site->tunnels[i].sessions[k].name, name))
				return &b->site->tunnels[i].sessions[k];
	return NULL;
}

/* A session, once its tunnel has been created, and its bridge. */
static void create_session(struct build *b, const struct import_fact *fact)
{
	const char *tunnel_name = value_of(b->im, IMPORT_LINK, fact->name, FACT_TUNNEL);
	const struct import_fact *master = import_find(b->im, IMPORT_LINK, fact->name, FACT_MASTER);
	size_t i = tunnel_name ? index_of(b->tunnels, b->n_tunnels, tunnel_name) : b->n_tunnels;
	struct conf_tunnel *tunnel;
	struct conf_session *session;

	if (session_of(b, fact->name) || i >= b->site->n_tunnels ||
		conf_value_name_problem(fact->name))
		return;
	tunnel = &b->site->tunnels[i];
	session = array_grow(&tunnel->sessions, &tunnel->n_sessions, sizeof(*session));
	if (!session) {
		b->im->out_of_memory = true;
		return;
	}
	l2tp_options_init(&session->options);
	snprintf(session->name, sizeof(session->name), "%s", fact->name);
	session->section = fact->at;
	if (master) {
		create_bridge(b, master->value, master->at);
		if (bridge_of(b, master->value))
			snprintf(session->bridge, sizeof(session->bridge), "%s", master->value);
	}
	session->at[CONF_SESSION_BRIDGE] = fact->at;
	if (!*session->bridge)
		snprintf(session->bridge, sizeof(session->bridge), "%s", CONF_BRIDGE_NONE);
}

/* Create all objects of the site. */
static void create_objects(struct build *b)
{
	struct import *im = b->im;

	for (size_t i = 0; i < im->n_facts; i++)
		if (im->facts[i].object == IMPORT_TUNNEL)
			create_tunnel(b, im->facts[i].name, im->facts[i].at);
	for (size_t i = 0; i < im->n_facts; i++) {
		const struct import_fact *fact = &im->facts[i];

		if (fact->object == IMPORT_PEER)
			create_peer(b, fact->name, fact->at);
		else if (fact->object == IMPORT_LINK && !strcmp(fact->key, FACT_KIND) &&
			 !strcmp(fact->value, FACT_KIND_SESSION))
			create_session(b, fact);
	}
	if (b->wireguard)
		snprintf(b->site->interface.name, sizeof(b->site->interface.name), "%s",
			b->wireguard);
}

/* Keys, cookies, and hooks, which may hold passwords. */
static bool is_secret(const char *key)
{
	static const char *const keys[] = { "PrivateKey", "PresharedKey", "Cookie", "PeerCookie",
		"PreUp", "PostUp", "PreDown", "PostDown" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (!strcmp(keys[i], key))
			return true;
	return false;
}

/* Why a file of ours cannot contain the value, or NULL. */
static const char *value_problem(const char *value)
{
	if (!*value)
		return "it has no value";
	for (; *value; value++)
		if (*value == '#' || *value == '\n' || *value == '\r')
			return "the value has a # or a line break, which the site's file cannot "
			       "contain";
	return NULL;
}

/* Whether an object has a secret already, by its key, or by the one that names a file instead. */
static bool has_secret(
	const struct conf_section_keys *keys, const struct conf_key *key, const void *object)
{
	const struct conf_at *positions =
		(const struct conf_at *)(const void *)((const char *)object + keys->at_offset);
	size_t len = strlen(key->name);
	struct conf_key other;

	if (len > 4 && !strcmp(key->name + len - 4, "File"))
		len -= 4;
	for (size_t i = 0; conf_section_key(keys, i, &other); i++)
		if (!strncmp(other.name, key->name, len) &&
			(!other.name[len] || !strcmp(other.name + len, "File")) &&
			positions[other.index].line)
			return true;
	return false;
}

/* Whether a key is a secret that an object has once, or names its file. */
static bool is_single_secret(const struct conf_key *key)
{
	return !key->repeats && (is_secret(key->name) || !strcmp(key->name, "PrivateKeyFile") ||
					!strcmp(key->name, "PresharedKeyFile"));
}

/* Set a key of an object by the parser of conf/: its reader, and the position. Return: NULL, or a
 * string to free() with the problem. */
static char *read_value(struct build *b, struct conf_key *key, const struct conf_section_keys *keys,
	void *object, struct conf_at at, char *value)
{
	struct conf_report report = { 0 };
	struct conf_reader reader = {
		.report = &report, .folder = "/", .at = at, .key = key, .object = object
	};
	struct conf_at *position =
		(struct conf_at *)(void *)((char *)object + keys->at_offset) + key->index;
	const char *problem = value_problem(value);
	char *result = NULL;

	if (is_single_secret(key) && has_secret(keys, key, object))
		problem = "it is set twice: the first one counts";

	if (problem) {
		if (asprintf(&result, "%s: %s", key->name, problem) >= 0)
			return result;
		b->im->out_of_memory = true;
		return NULL;
	}
	key->read(&reader, value);
	b->im->out_of_memory |= reader.out_of_memory || report.out_of_memory;
	for (size_t i = 0; i < report.n && !result; i++)
		if (report.v[i].severity == CONF_ERROR) {
			result = report.v[i].text;
			report.v[i].text = NULL;
		}
	if (!result)
		*position = at;
	conf_report_fini(&report);
	return result;
}

/* Set a key of an object, and note the result. */
static void set_value(struct build *b, enum conf_section section, void *object,
	const struct import_fact *fact, const char *name, const char *value)
{
	const struct conf_section_keys *keys = &conf_sections[section];
	struct conf_key key;
	size_t i = 0;
	char *copy;
	char *problem;

	while (conf_section_key(keys, i, &key) && strcmp(key.name, name) != 0)
		i++;
	if (!conf_section_key(keys, i, &key)) {
		import_note_at(b->im, fact->at, IMPORT_DROPPED, "%s has no counterpart in [%s]",
			name, keys->name);
		return;
	}
	copy = strdup(value);
	if (!copy) {
		b->im->out_of_memory = true;
		return;
	}
	problem = read_value(b, &key, keys, object, fact->at, import_trim(copy));
	if (problem)
		import_note_at(b->im, fact->at, IMPORT_DROPPED, "%s", problem);
	else
		import_note_at(b->im, fact->at, IMPORT_TAKEN, "[%s] %s = %s", keys->name, name,
			is_secret(name) ? "(hidden)" : value);
	free(problem);
	secret_wipe(copy, strlen(value));
	free(copy);
}

static void drop(struct build *b, const struct import_fact *fact, const char *reason)
{
	char shown[CONF_SHOWN_LEN];

	import_note_at(b->im, fact->at, IMPORT_DROPPED, "%s of %s: %s", fact->key,
		conf_shown(fact->name, shown), reason);
}

/* The MTU that a script had to state for WireGuard: that of an Ethernet underlay is auto. */
static void apply_wireguard_mtu(struct build *b, const struct import_fact *fact)
{
	if (strcmp(fact->value, "1420") != 0 && strcmp(fact->value, "1440") != 0 &&
		strcmp(fact->value, "auto") != 0)
		set_value(b, CONF_SECTION_INTERFACE, &b->site->interface, fact, "MTU", fact->value);
	else
		import_note_at(b->im, fact->at, IMPORT_CHANGED,
			"[Interface] MTU = auto: it follows from the route to the peers");
}

static void apply_to_wireguard(struct build *b, const struct import_fact *fact)
{
	if (!strcmp(fact->key, FACT_KIND))
		import_note_at(b->im, fact->at, IMPORT_TAKEN, "[Interface] Name = %s", fact->name);
	else if (!strcmp(fact->key, FACT_MTU))
		apply_wireguard_mtu(b, fact);
	else if (fact->key[0] >= 'a' && fact->key[0] <= 'z')
		return; /* finish_routes() */
	else
		set_value(b, CONF_SECTION_INTERFACE, &b->site->interface, fact, fact->key,
			fact->value);
}

/* ForwardControl of the bridge, from a bit mask of one of its ports. */
static void apply_forward(struct build *b, const struct import_fact *fact)
{
	const char *master = value_of(b->im, IMPORT_LINK, fact->name, FACT_MASTER);
	struct conf_bridge *bridge = master ? bridge_of(b, master) : NULL;
	char words[CONF_FORWARD_TEXT_LEN];
	uint32_t mask;

	if (!bridge || conf_value_u32(fact->value, 0, UINT16_MAX, &mask) < 0) {
		drop(b, fact, "no port of a bridge of the site, or no bit mask");
		return;
	}
	conf_forward_control_text(mask, words);
	set_value(b, CONF_SECTION_BRIDGE, bridge, fact, "ForwardControl", *words ? words : "none");
}

static void apply_to_session(
	struct build *b, struct conf_session *session, const struct import_fact *fact)
{
	bool yes;

	if (!strcmp(fact->key, FACT_KIND))
		import_note_at(
			b->im, fact->at, IMPORT_TAKEN, "[L2TPSession] Name = %s", fact->name);
	else if (!strcmp(fact->key, FACT_MASTER) && !strcmp(fact->value, session->bridge))
		import_note_at(
			b->im, fact->at, IMPORT_TAKEN, "[L2TPSession] Bridge = %s", fact->value);
	else if (!strcmp(fact->key, FACT_ISOLATED))
		set_value(b, CONF_SECTION_SESSION, session, fact, "SplitHorizon",
			!conf_value_bool(fact->value, &yes) && yes ? "yes" : "no");
	else if (!strcmp(fact->key, FACT_FORWARD))
		apply_forward(b, fact);
	else if (!strcmp(fact->key, "Address"))
		drop(b, fact, "a session has no address: give it to the bridge");
	else if (fact->key[0] < 'a' || fact->key[0] > 'z')
		set_value(b, CONF_SECTION_SESSION, session, fact, fact->key, fact->value);
}

static void apply_to_bridge(
	struct build *b, struct conf_bridge *bridge, const struct import_fact *fact)
{
	if (bridge->adopt)
		drop(b, fact, "the bridge exists and has it already");
	else if (!strcmp(fact->key, FACT_KIND))
		import_note_at(b->im, fact->at, IMPORT_TAKEN, "[Bridge] Name = %s", fact->name);
	else if (!strcmp(fact->key, FACT_MTU) || !strcmp(fact->key, "MTU"))
		drop(b, fact, "the MTU of a bridge follows from its ports");
	else if (fact->key[0] < 'a' || fact->key[0] > 'z')
		set_value(b, CONF_SECTION_BRIDGE, bridge, fact, fact->key, fact->value);
}

/* A link that the site does not create: perhaps a member of a bridge. */
static void apply_to_other(struct build *b, const struct import_fact *fact)
{
	struct conf_bridge *bridge =
		!strcmp(fact->key, FACT_MASTER) ? bridge_of(b, fact->value) : NULL;

	if (!strcmp(fact->key, FACT_FORWARD))
		apply_forward(b, fact);
	else if (bridge && is_kind(b->im, bridge->name, FACT_KIND_FOREIGN))
		drop(b, fact, "the bridge exists and has the port already");
	else if (bridge)
		set_value(b, CONF_SECTION_BRIDGE, bridge, fact, "Member", fact->name);
	else if (!strcmp(fact->key, FACT_KIND) && !strcmp(fact->value, FACT_KIND_SESSION))
		drop(b, fact, "no file has the session's tunnel");
	else if (is_kind(b->im, fact->name, FACT_KIND_WIREGUARD))
		drop(b, fact, "a site has one WireGuard interface; choose it with --interface");
	else
		drop(b, fact, "the interface is not a part of the site");
}

/* An Endpoint whose host and port are in two lines. */
static void apply_host(struct build *b, struct conf_peer *peer, const struct import_fact *fact)
{
	const char *port = value_of(b->im, IMPORT_PEER, fact->name, FACT_PORT);
	const char *format = strchr(fact->value, ':') ? "[" : "";
	char *endpoint;

	if (!strcmp(fact->key, FACT_PORT)) {
		import_note_at(b->im, fact->at, IMPORT_TAKEN, "the port of Endpoint");
	} else if (asprintf(&endpoint, "%s%s%s:%s", format, fact->value, *format ? "]" : "",
			   port ? port : "51820") < 0) {
		b->im->out_of_memory = true;
	} else {
		set_value(b, CONF_SECTION_PEER, peer, fact, "Endpoint", endpoint);
		free(endpoint);
	}
}

static void apply(struct build *b, const struct import_fact *fact)
{
	struct conf_session *session;
	struct conf_bridge *bridge;
	size_t i;

	if (fact->object == IMPORT_PEER) {
		i = peer_index(b, fact->name);
		if (!strcmp(fact->key, FACT_OF))
			return; /* create_peer() */
		if (import_find(b->im, IMPORT_PEER, fact->name, FACT_DISABLED))
			import_note_at(b->im, fact->at, IMPORT_DROPPED, "the peer is disabled");
		else if (i >= b->n_peers)
			drop(b, fact, "a peer of another interface");
		else if (!strcmp(fact->key, FACT_ROUTE))
			return; /* finish_routes() */
		else if (!strcmp(fact->key, FACT_HOST) || !strcmp(fact->key, FACT_PORT))
			apply_host(b, &b->site->peers[i], fact);
		else
			set_value(b, CONF_SECTION_PEER, &b->site->peers[i], fact, fact->key,
				fact->value);
		return;
	}
	if (fact->object == IMPORT_TUNNEL) {
		i = index_of(b->tunnels, b->n_tunnels, fact->name);
		if (i < b->n_tunnels)
			set_value(b, CONF_SECTION_L2TP, &b->site->tunnels[i], fact, fact->key,
				fact->value);
		return;
	}
	session = session_of(b, fact->name);
	bridge = bridge_of(b, fact->name);
	if (b->wireguard && !strcmp(fact->name, b->wireguard))
		apply_to_wireguard(b, fact);
	else if (session)
		apply_to_session(b, session, fact);
	else if (bridge)
		apply_to_bridge(b, bridge, fact);
	else
		apply_to_other(b, fact);
}

/* The MTU of a session that fits without fragments in a WireGuard interface with MTU `wg_mtu`; 0
 * if none does. */
static unsigned fitting_mtu(
	const struct conf_tunnel *tunnel, const struct conf_session *session, unsigned wg_mtu)
{
	struct mtu_options options = {
		.underlay = 1500,
		.wg_mtu = wg_mtu,
		.outer_family = AF_INET,
		.inner_family = tunnel->remote.family,
		.encap = tunnel->encap,
		.sublayer = session->options.sublayer,
		.cookie_len = session->cookie_len > session->peer_cookie_len
				      ? session->cookie_len
				      : session->peer_cookie_len,
	};
	struct mtu_ladder ladder;

	return mtu_ladder_compute(&options, &ladder) < 0 ? 0 : ladder.session;
}

/* The MTU that a script had to state for a session: what fits without fragments is auto, as
 * wirespan carries larger frames in fragments. */
static void finish_session_mtu(
	struct build *b, const struct conf_tunnel *tunnel, struct conf_session *session)
{
	const struct import_fact *fact = import_find(b->im, IMPORT_LINK, session->name, FACT_MTU);
	const char *wg = b->wireguard ? value_of(b->im, IMPORT_LINK, b->wireguard, FACT_MTU) : NULL;
	uint32_t wg_mtu = b->site->interface.mtu;
	uint32_t mtu;
	bool fits;

	if (!fact)
		return;
	if (!wg_mtu && (!wg || conf_value_u32(wg, 1, UINT16_MAX, &wg_mtu) < 0))
		wg_mtu = 0;
	if (conf_value_u32(fact->value, 1, UINT16_MAX, &mtu) < 0)
		fits = !strcmp(fact->value, "auto");
	else if (wg_mtu)
		fits = fitting_mtu(tunnel, session, wg_mtu) == mtu;
	else
		fits = fitting_mtu(tunnel, session, 1440) == mtu ||
		       fitting_mtu(tunnel, session, 1420) == mtu;
	if (fits)
		import_note_at(b->im, fact->at, IMPORT_CHANGED,
			"[L2TPSession] MTU = auto: wirespan carries larger frames in fragments, so "
			"members keep MTU 1500");
	else
		set_value(b, CONF_SECTION_SESSION, session, fact, "MTU", fact->value);
}

/* Whether the route to a prefix follows from an address of the interface. */
static bool is_connected(const struct conf_interface *wg, const struct ip_prefix *p)
{
	for (size_t i = 0; i < wg->addresses.n; i++) {
		const struct ip_prefix *ours = &wg->addresses.v[i].prefix;

		if (ours->len <= p->len && ip_prefix_contains(ours, &p->addr))
			return true;
	}
	return false;
}

/* Whether a route of the files leads to the prefix. */
static bool has_route(const struct build *b, const struct ip_prefix *p)
{
	struct ip_prefix route;

	for (size_t i = 0; i < b->im->n_facts; i++) {
		const struct import_fact *fact = &b->im->facts[i];

		if (fact->object == IMPORT_LINK && !strcmp(fact->key, FACT_ROUTE) &&
			!strcmp(fact->name, b->wireguard) &&
			!ip_prefix_parse(fact->value, &route)) {
			route = ip_prefix_masked(&route);
			if (route.len <= p->len && ip_prefix_contains(&route, &p->addr))
				return true;
		}
	}
	return false;
}

/* The peers whose AllowedIPs have routes by the peer's own option, as flags to free(). Return:
 * NULL without memory. */
static bool *routed_peers(const struct build *b)
{
	bool *routed = calloc(b->n_peers + 1, sizeof(*routed));

	for (size_t i = 0; routed && i < b->im->n_facts; i++)
		if (b->im->facts[i].object == IMPORT_PEER &&
			!strcmp(b->im->facts[i].key, FACT_ROUTE))
			routed[peer_index(b, b->im->facts[i].name)] = true;
	return routed;
}

/* The first prefix in AllowedIPs that needs a route and has none in the files, or NULL. Table =
 * auto would add the route, perhaps the host's default route. */
static const struct ip_prefix *find_unrouted(struct build *b)
{
	const struct conf_site *site = b->site;
	const struct ip_prefix *found = NULL;
	bool *routed = routed_peers(b);

	b->im->out_of_memory |= !routed;
	for (size_t i = 0; routed && !found && i < site->n_peers; i++)
		for (size_t k = 0; !routed[i] && !found && k < site->peers[i].allowed_ips.n; k++) {
			const struct ip_prefix *p = &site->peers[i].allowed_ips.v[k].prefix;

			if (!is_connected(&site->interface, p) && !has_route(b, p))
				found = p;
		}
	free(routed);
	return found;
}

static bool is_allowed(const struct conf_site *site, const struct ip_prefix *prefix)
{
	struct ip_prefix masked = ip_prefix_masked(prefix);

	for (size_t i = 0; i < site->n_peers; i++)
		if (conf_prefixes_has(&site->peers[i].allowed_ips, &masked))
			return true;
	return false;
}

/* Note on a route of the files; `has`: the site's routes are those to AllowedIPs. */
static void judge_route(struct build *b, const struct import_fact *route, bool has)
{
	struct ip_prefix prefix;

	if (!has) {
		drop(b, route, "Table = off, as others of AllowedIPs have none: add it as PostUp");
	} else if (route->object == IMPORT_PEER) {
		import_note_at(b->im, route->at, IMPORT_TAKEN,
			"the routes to the peer: they follow from AllowedIPs");
	} else if (!ip_prefix_parse(route->value, &prefix) && is_allowed(b->site, &prefix)) {
		import_note_at(b->im, route->at, IMPORT_TAKEN,
			"the route to %s: it follows from AllowedIPs", route->value);
	} else {
		drop(b, route, "no peer has the prefix in AllowedIPs: add the route as PostUp");
	}
}

/* Notes on the routes and rules of the files. */
static void judge_routes(struct build *b, bool has)
{
	for (size_t i = 0; i < b->im->n_facts; i++) {
		const struct import_fact *fact = &b->im->facts[i];
		bool is_route = !strcmp(fact->key, FACT_ROUTE);

		if (fact->object == IMPORT_PEER) {
			if (is_route && peer_index(b, fact->name) < b->n_peers)
				judge_route(b, fact, has);
		} else if (!strcmp(fact->name, b->wireguard)) {
			if (is_route)
				judge_route(b, fact, has);
			else if (!strcmp(fact->key, FACT_RULE))
				import_note_at(b->im, fact->at, IMPORT_CHANGED,
					"Table = auto: a default route through the tunnel gets its "
					"rules from it");
		}
	}
}

/* Table = and FwMark =, from the routes that the files have. */
static void finish_routes(struct build *b)
{
	struct conf_interface *wg = &b->site->interface;
	const struct import_fact *rule;
	const struct import_fact *table;
	const struct import_fact *explicit;
	const struct ip_prefix *unrouted = NULL;
	char shown[IP_PREFIX_TEXT_LEN];

	if (!b->wireguard)
		return;
	rule = import_find(b->im, IMPORT_LINK, b->wireguard, FACT_RULE);
	table = import_find(b->im, IMPORT_LINK, b->wireguard, FACT_TABLE);
	explicit = import_find(b->im, IMPORT_LINK, b->wireguard, FACT_ROUTES);
	if (explicit && !rule && !table && wg->table == CONF_TABLE_AUTO)
		unrouted = find_unrouted(b);
	judge_routes(b, !unrouted);
	if (rule && table && !strcmp(table->value, "51820") && wg->fwmark == 51820)
		wg->fwmark = 0; /* what Table = auto chooses */
	if (rule)
		return;
	if (table) {
		set_value(b, CONF_SECTION_INTERFACE, wg, table, "Table", table->value);
	} else if (unrouted) {
		wg->table = CONF_TABLE_OFF;
		import_note_at(b->im, explicit->at, IMPORT_CHANGED,
			"[Interface] Table = off: the files have no route to %s of AllowedIPs",
			ip_prefix_text(unrouted, shown));
	}
}

/* Remove prefixes that are in a list twice, as of two files about one interface. */
static void unite_prefixes(struct conf_prefixes *list)
{
	struct conf_prefixes once = { list->v, 0 };

	for (size_t i = 0; i < list->n; i++)
		if (!conf_prefixes_has(&once, &list->v[i].prefix))
			once.v[once.n++] = list->v[i];
	list->n = once.n;
}

static void unite_texts(struct conf_texts *list)
{
	struct conf_texts once = { list->v, 0 };

	for (size_t i = 0; i < list->n; i++)
		if (conf_texts_has(&once, list->v[i].text))
			free(list->v[i].text);
		else
			once.v[once.n++] = list->v[i];
	list->n = once.n;
}

static void unite_lists(struct conf_site *site)
{
	unite_prefixes(&site->interface.addresses);
	unite_texts(&site->interface.dns);
	for (size_t i = 0; i < site->n_peers; i++)
		unite_prefixes(&site->peers[i].allowed_ips);
	for (size_t i = 0; i < site->n_bridges; i++) {
		unite_prefixes(&site->bridges[i].addresses);
		unite_texts(&site->bridges[i].members);
	}
}

/* Whether a fact is of the reader, not of its line. */
static bool is_implied(const struct import_fact *fact)
{
	static const char *const keys[] = { FACT_OF, FACT_TUNNEL, FACT_ROUTES, FACT_KIND };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (!strcmp(fact->key, keys[i]))
			return true;
	return false;
}

/* Drop, with a note, each fact that nothing has been made of: no line is lost in silence. */
static void drop_rest(struct build *b)
{
	struct import *im = b->im;

	import_sort_notes(im);
	for (size_t i = 0, n = im->n_notes; i < im->n_facts && !im->out_of_memory; i++)
		if (!is_implied(&im->facts[i]) && !import_is_noted(im, n, im->facts[i].at))
			drop(b, &im->facts[i], "it has no counterpart there");
}

int import_build(struct import *im, const char *wireguard, struct conf_site *ret)
{
	struct build b = { .im = im, .site = ret };
	struct conf_report report = { 0 };

	conf_site_init(ret);
	b.wireguard = wireguard ? wireguard : choose_wireguard(im);
	create_objects(&b);
	for (size_t i = 0; i < im->n_facts && !im->out_of_memory; i++)
		apply(&b, &im->facts[i]);
	for (size_t i = 0; i < ret->n_tunnels; i++)
		for (size_t k = 0; k < ret->tunnels[i].n_sessions; k++)
			finish_session_mtu(&b, &ret->tunnels[i], &ret->tunnels[i].sessions[k]);
	finish_routes(&b);
	drop_rest(&b);
	unite_lists(ret);
	conf_complete(ret, &report);
	conf_report_fini(&report);
	free(b.peers);
	free(b.tunnels);
	return im->out_of_memory ? -ENOMEM : 0;
}
