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
#include "import/build_routes.h"
#include "import/prefix_set.h"
#include "import/replaced.h"
#include "mtu/mtu.h"

static bool is_kind(const struct import *im, const char *link, const char *kind)
{
	const struct import_fact *fact = import_find(im, IMPORT_LINK, link, FACT_KIND);

	return fact && !strcmp(fact->value, kind);
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

static void create_tunnel(struct build *b, const char *name, struct conf_at at)
{
	struct conf_site *site = b->site;
	struct conf_tunnel *tunnel;

	if (build_tunnel_index(b, name) < site->n_tunnels)
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
	build_set_index(b, IMPORT_TUNNEL, name, site->n_tunnels - 1);
}

static void create_peer(struct build *b, const char *name, struct conf_at at)
{
	const char *key = build_value_of(b->im, IMPORT_PEER, name, "PublicKey");
	struct conf_peer *peer;

	if (!build_has_peer(b, name) || build_peer_index(b, name) < b->site->n_peers)
		return;
	peer = array_grow(&b->site->peers, &b->site->n_peers, sizeof(*peer));
	if (!peer) {
		b->im->out_of_memory = true;
		return;
	}
	peer->section = at;
	build_set_index(b, IMPORT_PEER, key ? key : name, b->site->n_peers - 1);
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
	const char *tunnel_name = build_value_of(b->im, IMPORT_LINK, fact->name, FACT_TUNNEL);
	const struct import_fact *master = import_find(b->im, IMPORT_LINK, fact->name, FACT_MASTER);
	size_t i = tunnel_name ? build_tunnel_index(b, tunnel_name) : b->site->n_tunnels;
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

/* The MTU that a script had to state for WireGuard: that of an Ethernet underlay is auto. */
static void apply_wireguard_mtu(struct build *b, const struct import_fact *fact)
{
	if (strcmp(fact->value, "1420") != 0 && strcmp(fact->value, "1440") != 0 &&
		strcmp(fact->value, "auto") != 0)
		build_set_value(
			b, CONF_SECTION_INTERFACE, &b->site->interface, fact, "MTU", fact->value);
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
		return; /* build_finish_routes() */
	else
		build_set_value(b, CONF_SECTION_INTERFACE, &b->site->interface, fact, fact->key,
			fact->value);
}

/* ForwardControl of the bridge, from a bit mask of one of its ports. */
static void apply_forward(struct build *b, const struct import_fact *fact)
{
	const char *master = build_value_of(b->im, IMPORT_LINK, fact->name, FACT_MASTER);
	struct conf_bridge *bridge = master ? bridge_of(b, master) : NULL;
	char words[CONF_FORWARD_TEXT_LEN];
	uint32_t mask;

	if (!bridge || conf_value_u32(fact->value, 0, UINT16_MAX, &mask) < 0) {
		build_drop(b, fact, "no port of a bridge of the site, or no bit mask");
		return;
	}
	conf_forward_control_text(mask, words);
	build_set_value(
		b, CONF_SECTION_BRIDGE, bridge, fact, "ForwardControl", *words ? words : "none");
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
		build_set_value(b, CONF_SECTION_SESSION, session, fact, "SplitHorizon",
			!conf_value_bool(fact->value, &yes) && yes ? "yes" : "no");
	else if (!strcmp(fact->key, FACT_FORWARD))
		apply_forward(b, fact);
	else if (!strcmp(fact->key, "Address"))
		build_drop(b, fact, "a session has no address: give it to the bridge");
	else if (fact->key[0] < 'a' || fact->key[0] > 'z')
		build_set_value(b, CONF_SECTION_SESSION, session, fact, fact->key, fact->value);
}

static void apply_to_bridge(
	struct build *b, struct conf_bridge *bridge, const struct import_fact *fact)
{
	if (bridge->adopt)
		build_drop(b, fact, "the bridge exists and has it already");
	else if (!strcmp(fact->key, FACT_KIND))
		import_note_at(b->im, fact->at, IMPORT_TAKEN, "[Bridge] Name = %s", fact->name);
	else if (!strcmp(fact->key, FACT_MTU) || !strcmp(fact->key, "MTU"))
		build_drop(b, fact, "the MTU of a bridge follows from its ports");
	else if (fact->key[0] < 'a' || fact->key[0] > 'z')
		build_set_value(b, CONF_SECTION_BRIDGE, bridge, fact, fact->key, fact->value);
}

/* A link that the site does not create: perhaps a member of a bridge. */
static void apply_to_other(struct build *b, const struct import_fact *fact)
{
	struct conf_bridge *bridge =
		!strcmp(fact->key, FACT_MASTER) ? bridge_of(b, fact->value) : NULL;

	if (!strcmp(fact->key, FACT_FORWARD))
		apply_forward(b, fact);
	else if (bridge && is_kind(b->im, bridge->name, FACT_KIND_FOREIGN))
		build_drop(b, fact, "the bridge exists and has the port already");
	else if (bridge)
		build_set_value(b, CONF_SECTION_BRIDGE, bridge, fact, "Member", fact->name);
	else if (!strcmp(fact->key, FACT_KIND) && !strcmp(fact->value, FACT_KIND_SESSION))
		build_drop(b, fact, "no file has the session's tunnel");
	else if (is_kind(b->im, fact->name, FACT_KIND_WIREGUARD))
		build_drop(
			b, fact, "a site has one WireGuard interface; choose it with --interface");
	else
		build_drop(b, fact, "the interface is not a part of the site");
}

/* An Endpoint whose host and port are in two lines. */
static void apply_host(struct build *b, struct conf_peer *peer, const struct import_fact *fact)
{
	const char *port = build_value_of(b->im, IMPORT_PEER, fact->name, FACT_PORT);
	const char *format = strchr(fact->value, ':') ? "[" : "";
	char *endpoint;

	if (!strcmp(fact->key, FACT_PORT)) {
		import_note_at(b->im, fact->at, IMPORT_TAKEN, "the port of Endpoint");
	} else if (asprintf(&endpoint, "%s%s%s:%s", format, fact->value, *format ? "]" : "",
			   port ? port : "51820") < 0) {
		b->im->out_of_memory = true;
	} else {
		build_set_value(b, CONF_SECTION_PEER, peer, fact, "Endpoint", endpoint);
		free(endpoint);
	}
}

/* A key of all zero is how wg(8) writes that there is none. */
static bool is_no_key(const struct import_fact *fact)
{
	uint8_t key[KEY_LEN];
	bool none = !strcmp(fact->key, "PresharedKey") &&
		    !key_from_base64(fact->value, strlen(fact->value), key) &&
		    secret_is_zero(key, sizeof(key));

	secret_wipe(key, sizeof(key));
	return none;
}

static void apply(struct build *b, const struct import_fact *fact)
{
	struct conf_session *session;
	struct conf_bridge *bridge;
	size_t i;

	if (fact->object == IMPORT_PEER) {
		i = build_peer_index(b, fact->name);
		if (!strcmp(fact->key, FACT_OF))
			return; /* create_peer() */
		if (import_find(b->im, IMPORT_PEER, fact->name, FACT_DISABLED))
			import_note_at(b->im, fact->at, IMPORT_DROPPED, "the peer is disabled");
		else if (i >= b->site->n_peers)
			build_drop(b, fact, "a peer of another interface");
		else if (!strcmp(fact->key, FACT_ROUTE))
			return; /* build_finish_routes() */
		else if (is_no_key(fact))
			import_note_at(b->im, fact->at, IMPORT_DROPPED,
				"PresharedKey: all zero, which means none");
		else if (!strcmp(fact->key, FACT_HOST) || !strcmp(fact->key, FACT_PORT))
			apply_host(b, &b->site->peers[i], fact);
		else
			build_set_value(b, CONF_SECTION_PEER, &b->site->peers[i], fact, fact->key,
				fact->value);
		return;
	}
	if (fact->object == IMPORT_TUNNEL) {
		i = build_tunnel_index(b, fact->name);
		if (i < b->site->n_tunnels)
			build_set_value(b, CONF_SECTION_L2TP, &b->site->tunnels[i], fact, fact->key,
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
	const char *wg =
		b->wireguard ? build_value_of(b->im, IMPORT_LINK, b->wireguard, FACT_MTU) : NULL;
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
		build_set_value(b, CONF_SECTION_SESSION, session, fact, "MTU", fact->value);
}

/* Remove what is in a list twice, as of two files about one interface. */
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

/* Return: 0 or -ENOMEM. */
static int unite_lists(struct conf_site *site)
{
	int err = prefixes_unite(&site->interface.addresses);

	unite_texts(&site->interface.dns);
	for (size_t i = 0; i < site->n_peers && !err; i++)
		err = prefixes_unite(&site->peers[i].allowed_ips);
	for (size_t i = 0; i < site->n_bridges && !err; i++) {
		err = prefixes_unite(&site->bridges[i].addresses);
		unite_texts(&site->bridges[i].members);
	}
	return err;
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
			build_drop(b, &im->facts[i], "it has no counterpart there");
}

int import_build(struct import *im, const char *wireguard, struct conf_site *ret)
{
	struct build b = { .im = im, .site = ret };
	struct conf_report report = { 0 };

	conf_site_init(ret);
	import_drop_replaced(im);
	b.wireguard = wireguard ? wireguard : choose_wireguard(im);
	create_objects(&b);
	for (size_t i = 0; i < im->n_facts && !im->out_of_memory; i++)
		apply(&b, &im->facts[i]);
	for (size_t i = 0; i < ret->n_tunnels; i++)
		for (size_t k = 0; k < ret->tunnels[i].n_sessions; k++)
			finish_session_mtu(&b, &ret->tunnels[i], &ret->tunnels[i].sessions[k]);
	build_finish_routes(&b);
	drop_rest(&b);
	im->out_of_memory |= unite_lists(ret) < 0;
	conf_complete(ret, &report);
	conf_report_fini(&report);
	lookup_fini(&b.created);
	return im->out_of_memory ? -ENOMEM : 0;
}
