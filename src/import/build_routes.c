/* SPDX-License-Identifier: MIT */
/* The routes of the site that an import makes. */
#include "import/build_routes.h"

#include <stdlib.h>
#include <string.h>

#include "import/prefix_set.h"

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

/* The routes of the files, in a sorted set to free. */
static struct prefix_set collect_routes(const struct build *b)
{
	struct prefix_set routes = { 0 };
	struct ip_prefix route;

	for (size_t i = 0; i < b->im->n_facts; i++) {
		const struct import_fact *fact = &b->im->facts[i];

		if (fact->object == IMPORT_LINK && !strcmp(fact->key, FACT_ROUTE) &&
			!strcmp(fact->name, b->wireguard) && !ip_prefix_parse(fact->value, &route))
			b->im->out_of_memory |= prefix_set_add(&routes, &route) < 0;
	}
	prefix_set_sort(&routes);
	return routes;
}

/* What the peers allow, likewise. */
static struct prefix_set collect_allowed(const struct build *b)
{
	const struct conf_site *site = b->site;
	struct prefix_set allowed = { 0 };

	for (size_t i = 0; i < site->n_peers; i++)
		for (size_t k = 0; k < site->peers[i].allowed_ips.n; k++)
			b->im->out_of_memory |=
				prefix_set_add(&allowed, &site->peers[i].allowed_ips.v[k].prefix) <
				0;
	prefix_set_sort(&allowed);
	return allowed;
}

/* The peers whose AllowedIPs have routes by the peer's own option, as flags to free(). Return:
 * NULL without memory. */
static bool *routed_peers(const struct build *b)
{
	bool *routed = calloc(b->site->n_peers + 1, sizeof(*routed));

	for (size_t i = 0; routed && i < b->im->n_facts; i++)
		if (b->im->facts[i].object == IMPORT_PEER &&
			!strcmp(b->im->facts[i].key, FACT_ROUTE))
			routed[build_peer_index(b, b->im->facts[i].name)] = true;
	return routed;
}

static const struct ip_prefix *unrouted_of(
	const struct build *b, const struct prefix_set *routes, const struct conf_peer *peer)
{
	for (size_t i = 0; i < peer->allowed_ips.n; i++) {
		const struct ip_prefix *p = &peer->allowed_ips.v[i].prefix;

		if (!is_connected(&b->site->interface, p) && !prefix_set_covers(routes, p))
			return p;
	}
	return NULL;
}

/* The first prefix in AllowedIPs that needs a route and has none in the files, or NULL. Table =
 * auto would add the route, perhaps the host's default route. */
static const struct ip_prefix *find_unrouted(struct build *b)
{
	const struct ip_prefix *found = NULL;
	struct prefix_set routes = collect_routes(b);
	bool *routed = routed_peers(b);

	b->im->out_of_memory |= !routed;
	for (size_t i = 0; routed && !found && i < b->site->n_peers; i++)
		if (!routed[i])
			found = unrouted_of(b, &routes, &b->site->peers[i]);
	prefix_set_fini(&routes);
	free(routed);
	return found;
}

/* Note on a route of the files. `off`: why the site has no routes; or NULL: it has those to
 * AllowedIPs. */
static void judge_route(struct build *b, const struct prefix_set *allowed,
	const struct import_fact *route, const char *off)
{
	struct ip_prefix prefix;

	if (off) {
		build_drop(b, route, off);
	} else if (route->object == IMPORT_PEER) {
		import_note_at(b->im, route->at, IMPORT_TAKEN,
			"the routes to the peer: they follow from AllowedIPs");
	} else if (!ip_prefix_parse(route->value, &prefix) && prefix_set_has(allowed, &prefix)) {
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
	struct prefix_set allowed = collect_allowed(b);

	for (size_t i = 0; i < b->im->n_facts; i++) {
		const struct import_fact *fact = &b->im->facts[i];
		bool is_route = !strcmp(fact->key, FACT_ROUTE);

		if (fact->object == IMPORT_PEER) {
			if (is_route && build_peer_index(b, fact->name) < b->site->n_peers)
				judge_route(b, &allowed, fact, off);
		} else if (!strcmp(fact->name, b->wireguard)) {
			if (is_route)
				judge_route(b, &allowed, fact, off);
			else if (!strcmp(fact->key, FACT_RULE))
				import_note_at(b->im, fact->at, IMPORT_CHANGED,
					"Table = auto: a default route through the tunnel gets its "
					"rules from it");
		}
	}
	prefix_set_fini(&allowed);
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
