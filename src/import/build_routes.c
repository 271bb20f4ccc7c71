/* SPDX-License-Identifier: MIT */
/* The routes of the site that an import makes. */
#include "import/build_routes.h"

#include <stdlib.h>
#include <string.h>

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
			routed[build_peer_index(b, b->im->facts[i].name)] = true;
	return routed;
}

static const struct ip_prefix *unrouted_of(const struct build *b, const struct conf_peer *peer)
{
	for (size_t i = 0; i < peer->allowed_ips.n; i++) {
		const struct ip_prefix *p = &peer->allowed_ips.v[i].prefix;

		if (!is_connected(&b->site->interface, p) && !has_route(b, p))
			return p;
	}
	return NULL;
}

/* The first prefix in AllowedIPs that needs a route and has none in the files, or NULL. Table =
 * auto would add the route, perhaps the host's default route. */
static const struct ip_prefix *find_unrouted(struct build *b)
{
	const struct ip_prefix *found = NULL;
	bool *routed = routed_peers(b);

	b->im->out_of_memory |= !routed;
	for (size_t i = 0; routed && !found && i < b->site->n_peers; i++)
		if (!routed[i])
			found = unrouted_of(b, &b->site->peers[i]);
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

/* Note on a route of the files. `off`: why the site has no routes; or NULL: it has those to
 * AllowedIPs. */
static void judge_route(struct build *b, const struct import_fact *route, const char *off)
{
	struct ip_prefix prefix;

	if (off) {
		build_drop(b, route, off);
	} else if (route->object == IMPORT_PEER) {
		import_note_at(b->im, route->at, IMPORT_TAKEN,
			"the routes to the peer: they follow from AllowedIPs");
	} else if (!ip_prefix_parse(route->value, &prefix) && is_allowed(b->site, &prefix)) {
		import_note_at(b->im, route->at, IMPORT_TAKEN,
			"the route to %s: it follows from AllowedIPs", route->value);
	} else {
		build_drop(
			b, route, "no peer has the prefix in AllowedIPs: add the route as PostUp");
	}
}

/* Notes on the routes and rules of the files. */
static void judge_routes(struct build *b, const char *off)
{
	for (size_t i = 0; i < b->im->n_facts; i++) {
		const struct import_fact *fact = &b->im->facts[i];
		bool is_route = !strcmp(fact->key, FACT_ROUTE);

		if (fact->object == IMPORT_PEER) {
			if (is_route && build_peer_index(b, fact->name) < b->n_peers)
				judge_route(b, fact, off);
		} else if (!strcmp(fact->name, b->wireguard)) {
			if (is_route)
				judge_route(b, fact, off);
			else if (!strcmp(fact->key, FACT_RULE))
				import_note_at(b->im, fact->at, IMPORT_CHANGED,
					"Table = auto: a default route through the tunnel gets its "
					"rules from it");
		}
	}
}

static bool is_main(const char *table)
{
	return !strcmp(table, "main") || !strcmp(table, "254");
}

/* The table of the files' routes, or NULL: the main one. `*ret_several`: they are in several. */
static const struct import_fact *find_table(const struct build *b, bool *ret_several)
{
	const struct import_fact *table = NULL;
	size_t routes = 0;
	size_t tables = 0;

	*ret_several = false;
	for (size_t i = 0; i < b->im->n_facts; i++) {
		const struct import_fact *fact = &b->im->facts[i];

		if (fact->object != IMPORT_LINK || strcmp(fact->name, b->wireguard) != 0)
			continue;
		routes += !strcmp(fact->key, FACT_ROUTE);
		if (strcmp(fact->key, FACT_TABLE) != 0 || is_main(fact->value))
			continue;
		*ret_several |= table && strcmp(table->value, fact->value) != 0;
		table = fact;
		tables++;
	}
	*ret_several |= table && tables < routes;
	return table;
}

/* Table = off, since the files have no route to `unrouted`, or have routes in several tables. */
static void set_off(
	struct build *b, const struct import_fact *fact, const struct ip_prefix *unrouted)
{
	char shown[IP_PREFIX_TEXT_LEN];

	b->site->interface.table = CONF_TABLE_OFF;
	if (unrouted)
		import_note_at(b->im, fact->at, IMPORT_CHANGED,
			"[Interface] Table = off: the files have no route to %s of AllowedIPs",
			ip_prefix_text(unrouted, shown));
	else
		import_note_at(b->im, fact->at, IMPORT_CHANGED,
			"[Interface] Table = off: the files have routes in several tables");
}

/* Table = and FwMark =, from the routes that the files have. */
void build_finish_routes(struct build *b)
{
	struct conf_interface *wg = &b->site->interface;
	const struct import_fact *rule;
	const struct import_fact *table;
	const struct import_fact *explicit;
	const struct ip_prefix *unrouted = NULL;
	const char *off = NULL;
	bool several;

	if (!b->wireguard)
		return;
	rule = import_find(b->im, IMPORT_LINK, b->wireguard, FACT_RULE);
	explicit = import_find(b->im, IMPORT_LINK, b->wireguard, FACT_ROUTES);
	table = find_table(b, &several);
	if (rule && table && !strcmp(table->value, "51820") && wg->fwmark == 51820)
		wg->fwmark = 0; /* what Table = auto chooses */
	if (wg->table == CONF_TABLE_OFF) {
		off = "Table = off in the files: add it as PostUp";
	} else if (!rule && several) {
		set_off(b, table, NULL);
		off = "Table = off, as the routes are in several tables: add it as PostUp";
	} else if (!rule && table) {
		build_set_value(b, CONF_SECTION_INTERFACE, wg, table, "Table", table->value);
	} else if (!rule && explicit && wg->table == CONF_TABLE_AUTO) {
		unrouted = find_unrouted(b);
		if (unrouted) {
			set_off(b, explicit, unrouted);
			off = "Table = off, as others of AllowedIPs have none: add it as PostUp";
		}
	}
	judge_routes(b, off);
}
