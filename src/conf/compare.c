/* SPDX-License-Identifier: MIT */
/* Conflicts between the configurations of two sites that are to run on one host. */
#include "conf/compare.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

#define WHERE_LEN 320 /* a path and a line */

/** Two sites. */
struct pair {
	const struct conf_site *site;
	const struct conf_site *other;
	struct conf_report *report;
};

/* Where the other site's value is: "FILE, line 7". */
static const char *where(const struct pair *p, struct conf_at at, char buf[static WHERE_LEN])
{
	const char *file = at.file < p->other->n_files ? p->other->files[at.file] : p->other->name;

	snprintf(buf, WHERE_LEN, at.line ? "%s, line %u" : "%s", file, at.line);
	return buf;
}

/* ---- names ---- */

/** An interface that a site creates. */
struct made {
	const char *name;
	struct conf_at at;
};

/* The `i`th interface that a site creates: the tunnel's, the bridges', the sessions'. Return:
 * whether there are so many; `ret->name` is NULL for a bridge of another program. */
static bool made_by(const struct conf_site *site, size_t i, struct made *ret)
{
	if (!i) {
		struct conf_at at = site->interface.at[CONF_INTERFACE_NAME];

		*ret = (struct made){ site->interface.name,
			at.line ? at : site->interface.section };
		return true;
	}
	i--;
	if (i < site->n_bridges) {
		const struct conf_bridge *b = &site->bridges[i];
		struct conf_at at = b->at[CONF_BRIDGE_NAME];

		*ret = (struct made){ b->adopt ? NULL : b->name, at.line ? at : b->section };
		return true;
	}
	i -= site->n_bridges;
	for (size_t t = 0; t < site->n_tunnels; i -= site->tunnels[t++].n_sessions)
		if (i < site->tunnels[t].n_sessions) {
			const struct conf_session *s = &site->tunnels[t].sessions[i];
			struct conf_at at = s->at[CONF_SESSION_NAME];

			*ret = (struct made){ s->name, at.line ? at : s->section };
			return true;
		}
	return false;
}

static void compare_names(const struct pair *p)
{
	char place[WHERE_LEN];
	struct made a;
	struct made b;

	if (!strcmp(p->site->name, p->other->name))
		conf_report_add(p->report, CONF_ERROR, (struct conf_at){ 0 },
			"this file and %s are of the same site, \"%s\"\n"
			"rename one: a site has the name of its file",
			p->other->files[0], p->site->name);
	for (size_t i = 0; made_by(p->site, i, &a); i++)
		for (size_t k = 0; made_by(p->other, k, &b); k++)
			if (a.name && b.name && !strcmp(a.name, b.name))
				conf_report_add(p->report, CONF_ERROR, a.at,
					"Name: \"%s\" is also the name in %s\n"
					"set another Name = in one of the two",
					a.name, where(p, b.at, place));
}

static void compare_port(const struct pair *p)
{
	const struct conf_interface *a = &p->site->interface;
	const struct conf_interface *b = &p->other->interface;
	char place[WHERE_LEN];

	if (a->listen_port && a->listen_port == b->listen_port)
		conf_report_add(p->report, CONF_ERROR, a->at[CONF_INTERFACE_LISTEN_PORT],
			"ListenPort: UDP port %u is also in %s\n"
			"set another one in one of the two, and in Endpoint on the other side",
			a->listen_port, where(p, b->at[CONF_INTERFACE_LISTEN_PORT], place));
}

/* ---- addresses ---- */

/* The `i`th list of addresses: the tunnel's, then the bridges'. */
static const struct conf_prefixes *addresses_of(const struct conf_site *site, size_t i)
{
	if (!i)
		return &site->interface.addresses;
	return i <= site->n_bridges ? &site->bridges[i - 1].addresses : NULL;
}

static bool overlap(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return a->len <= b->len ? ip_prefix_contains(a, &b->addr) : ip_prefix_contains(b, &a->addr);
}

static bool has_network(const struct ip_prefix *p)
{
	return p->len < ip_addr_bits(&p->addr);
}

static void compare_address(
	const struct pair *p, const struct conf_prefix *a, const struct conf_prefix *b)
{
	char ours[IP_PREFIX_TEXT_LEN];
	char theirs[IP_PREFIX_TEXT_LEN];
	char place[WHERE_LEN];

	ip_prefix_text(&a->prefix, ours);
	ip_prefix_text(&b->prefix, theirs);
	if (ip_addr_equal(&a->prefix.addr, &b->prefix.addr))
		conf_report_add(p->report, CONF_WARNING, a->at,
			"Address: %s is also in %s\nuse another one: each interface needs its own",
			ours, where(p, b->at, place));
	else if (has_network(&a->prefix) && has_network(&b->prefix) &&
		 overlap(&a->prefix, &b->prefix))
		conf_report_add(p->report, CONF_WARNING, a->at,
			"Address: the subnet of %s overlaps that of %s in %s: packets to it leave "
			"by one of the two interfaces only\nuse a subnet of its own for each",
			ours, theirs, where(p, b->at, place));
}

static void compare_addresses(const struct pair *p)
{
	const struct conf_prefixes *a;
	const struct conf_prefixes *b;

	for (size_t i = 0; (a = addresses_of(p->site, i)); i++)
		for (size_t k = 0; (b = addresses_of(p->other, k)); k++)
			for (size_t n = 0; n < a->n; n++)
				for (size_t m = 0; m < b->n; m++)
					compare_address(p, &a->v[n], &b->v[m]);
}

/* ---- members ---- */

static void compare_bridges(
	const struct pair *p, const struct conf_bridge *a, const struct conf_bridge *b)
{
	char place[WHERE_LEN];

	if (a->adopt && b->adopt && !strcmp(a->name, b->name))
		return; /* the same bridge */
	for (size_t i = 0; i < a->members.n; i++)
		for (size_t k = 0; k < b->members.n; k++)
			if (!strcmp(a->members.v[i].text, b->members.v[k].text))
				conf_report_add(p->report, CONF_ERROR, a->members.v[i].at,
					"Member: \"%s\" is also a member in %s\n"
					"name it in one of the two: an interface can be a port of "
					"one bridge only",
					a->members.v[i].text, where(p, b->members.v[k].at, place));
}

/* ---- routes ---- */

/* Whether the routes of both sites to a prefix of that length are in one table. A default route has
 * a table of its own with Table = auto: its number is the mark's. */
static bool share_table(const struct pair *p, unsigned len)
{
	const struct conf_interface *a = &p->site->interface;
	const struct conf_interface *b = &p->other->interface;

	if (a->table == CONF_TABLE_NUMBER || a->table != b->table)
		return a->table == b->table && a->table_number == b->table_number;
	return a->table == CONF_TABLE_AUTO && (len || (a->fwmark && a->fwmark == b->fwmark));
}

static void compare_range(
	const struct pair *p, const struct conf_prefix *a, const struct conf_prefix *b)
{
	char ours[IP_PREFIX_TEXT_LEN];
	char theirs[IP_PREFIX_TEXT_LEN];
	char place[WHERE_LEN];
	bool same = a->prefix.len == b->prefix.len;
	bool default_route = !a->prefix.len || !b->prefix.len;

	if (!overlap(&a->prefix, &b->prefix) || (default_route && !same))
		return; /* a default route is for what no other route takes */
	ip_prefix_text(&a->prefix, ours);
	ip_prefix_text(&b->prefix, theirs);
	if (same && share_table(p, a->prefix.len))
		conf_report_add(p->report, CONF_ERROR, a->at,
			"AllowedIPs: %s is also in %s: there can be one route to it only\n"
			"narrow one of the two; Table = off adds no routes",
			ours, where(p, b->at, place));
	else if (share_table(p, 1))
		conf_report_add(p->report, CONF_WARNING, a->at,
			"AllowedIPs: %s overlaps %s in %s: packets to what both contain leave by "
			"one of the two tunnels only\nnarrow one of the two",
			ours, theirs, where(p, b->at, place));
}

static void compare_routes(const struct pair *p)
{
	for (size_t i = 0; i < p->site->n_peers; i++)
		for (size_t k = 0; k < p->other->n_peers; k++) {
			const struct conf_prefixes *a = &p->site->peers[i].allowed_ips;
			const struct conf_prefixes *b = &p->other->peers[k].allowed_ips;

			for (size_t n = 0; n < a->n; n++)
				for (size_t m = 0; m < b->n; m++)
					compare_range(p, &a->v[n], &b->v[m]);
		}
}

/* ---- ids ---- */

static void compare_sessions(
	const struct pair *p, const struct conf_tunnel *a, const struct conf_tunnel *b)
{
	char place[WHERE_LEN];

	for (size_t i = 0; i < a->n_sessions; i++)
		for (size_t k = 0; k < b->n_sessions; k++)
			if (a->sessions[i].session_id == b->sessions[k].session_id)
				conf_report_add(p->report, CONF_ERROR,
					a->sessions[i].at[CONF_SESSION_ID],
					"SessionId: %u is also in %s, and the kernel has each id "
					"once\nset another one in one of the two, and as "
					"PeerSessionId on its other side",
					a->sessions[i].session_id,
					where(p, b->sessions[k].at[CONF_SESSION_ID], place));
}

/* The kernel's ids are those of the whole host; each engine in user space has its own. */
static void compare_ids(const struct pair *p)
{
	char place[WHERE_LEN];

	if (p->site->backend != CONF_BACKEND_KERNEL || p->other->backend != CONF_BACKEND_KERNEL)
		return;
	for (size_t i = 0; i < p->site->n_tunnels; i++)
		for (size_t k = 0; k < p->other->n_tunnels; k++) {
			const struct conf_tunnel *a = &p->site->tunnels[i];
			const struct conf_tunnel *b = &p->other->tunnels[k];

			if (a->tunnel_id == b->tunnel_id)
				conf_report_add(p->report, CONF_ERROR, a->at[CONF_TUNNEL_ID],
					"TunnelId: %u is also in %s, and the kernel has each id "
					"once\nset another one in one of the two, and as "
					"PeerTunnelId on its other side",
					a->tunnel_id, where(p, b->at[CONF_TUNNEL_ID], place));
			compare_sessions(p, a, b);
		}
}

void conf_compare(
	const struct conf_site *site, const struct conf_site *other, struct conf_report *report)
{
	const struct pair p = { site, other, report };

	if (!site->n_files || !other->n_files || !site->name || !other->name ||
		!strcmp(site->files[0], other->files[0]))
		return; /* one could not be read, or it is the same file */
	compare_names(&p);
	compare_port(&p);
	compare_addresses(&p);
	for (size_t i = 0; i < site->n_bridges; i++)
		for (size_t k = 0; k < other->n_bridges; k++)
			compare_bridges(&p, &site->bridges[i], &other->bridges[k]);
	compare_routes(&p);
	compare_ids(&p);
}
