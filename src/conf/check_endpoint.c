/* SPDX-License-Identifier: MIT */
/* Checks of peers' endpoints: usable, and outside of the tunnel that they carry. */
#include "conf/check_endpoint.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"

#define MAIN_TABLE 254
#define MAX_LEN	   128 /* bits of the longest prefix */

/* All AllowedIPs that get a route in the main table, for lookups by prefix: sorted by length,
 * family and address. */
struct ranges {
	const struct conf_prefix **v;
	size_t n;
	bool has_len[MAX_LEN + 1];
};

bool conf_endpoint_addr(const struct conf_peer *peer, struct ip_addr *ret)
{
	char text[IP_ADDR_TEXT_LEN];
	size_t len;

	if (!peer->endpoint_host)
		return false;
	len = strcspn(peer->endpoint_host, "%");
	if (len >= sizeof(text))
		return false;
	memcpy(text, peer->endpoint_host, len);
	text[len] = '\0';
	if (ip_addr_parse(text, ret) < 0)
		return false;
	*ret = ip_addr_unmapped(ret); /* as the resolver does */
	return true;
}

const char *conf_endpoint_zone(const struct conf_peer *peer)
{
	const char *percent = peer->endpoint_host ? strchr(peer->endpoint_host, '%') : NULL;

	return percent ? percent + 1 : NULL;
}

const struct conf_peer *conf_endpoint_peer(const struct conf_site *site, const char *addr)
{
	for (size_t i = 0; i < site->n_peers; i++)
		if (site->peers[i].endpoint_host && !strcmp(site->peers[i].endpoint_host, addr))
			return &site->peers[i];
	return NULL;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct conf_prefix *x = *(const struct conf_prefix *const *)a;
	const struct conf_prefix *y = *(const struct conf_prefix *const *)b;

	return ip_prefix_compare(&x->prefix, &y->prefix);
}

/* Whether AllowedIPs become routes that the host's own packets take. */
static bool has_routes(const struct conf_interface *wg)
{
	return wg->table == CONF_TABLE_AUTO ||
	       (wg->table == CONF_TABLE_NUMBER && wg->table_number == MAIN_TABLE);
}

static int ranges_init(struct ranges *r, const struct conf_site *site)
{
	size_t n = 0;

	*r = (struct ranges){ 0 };
	if (!has_routes(&site->interface))
		return 0;
	for (size_t i = 0; i < site->n_peers; i++)
		n += site->peers[i].allowed_ips.n;
	r->v = calloc(n + 1, sizeof(const void *));
	if (!r->v)
		return -1;
	for (size_t i = 0; i < site->n_peers; i++) {
		const struct conf_prefixes *allowed = &site->peers[i].allowed_ips;

		for (size_t k = 0; k < allowed->n; k++) {
			r->v[r->n++] = &allowed->v[k];
			r->has_len[allowed->v[k].prefix.len] = true;
		}
	}
	qsort(r->v, r->n, sizeof(const void *), compare_ranges);
	return 0;
}

/* The most specific range that contains `addr`, except a default route, which the tunnel's own
 * packets never take. Return: NULL if there is none. */
static const struct conf_prefix *ranges_find(const struct ranges *r, const struct ip_addr *addr)
{
	for (unsigned len = ip_addr_bits(addr); len > 0; len--) {
		struct conf_prefix wanted = { .prefix = { *addr, (uint8_t)len } };
		const struct conf_prefix *key = &wanted;
		const struct conf_prefix **found;

		if (!r->has_len[len])
			continue;
		wanted.prefix = ip_prefix_masked(&wanted.prefix);
		found = bsearch(&key, r->v, r->n, sizeof(const void *), compare_ranges);
		if (found)
			return *found;
	}
	return NULL;
}

static bool is_host(const struct ip_addr *a)
{
	static const uint8_t zero[16];

	if (a->family == AF_INET)
		return a->bytes[0] != 0 && a->bytes[0] < 224;
	return a->bytes[0] != 0xff && memcmp(a->bytes, zero, sizeof(zero)) != 0;
}

/* Report an endpoint that is one of this site's own addresses inside the tunnel, or in their
 * subnet. Return: whether it was reported. */
static bool check_inside(const struct conf_site *site, const struct conf_peer *peer,
	const struct ip_addr *addr, struct conf_report *report)
{
	const struct conf_prefixes *ours = &site->interface.addresses;
	struct conf_at at = peer->at[CONF_PEER_ENDPOINT];
	char place[CONF_PLACE_LEN];
	char text[IP_PREFIX_TEXT_LEN];

	for (size_t i = 0; i < ours->n; i++) {
		const struct ip_prefix *p = &ours->v[i].prefix;

		conf_place(site, ours->v[i].at, at, place);
		if (ip_addr_equal(&p->addr, addr)) {
			conf_report_add(report, CONF_ERROR, at,
				"Endpoint: %s is this site's own Address, in %s\n"
				"write the address of the peer's host outside of the tunnel",
				peer->endpoint_host, place);
			return true;
		}
		if (p->len && p->len < ip_addr_bits(&p->addr) && ip_prefix_contains(p, addr)) {
			conf_report_add(report, CONF_WARNING, at,
				"Endpoint: %s is in the tunnel's own subnet, %s in %s\n"
				"write the address of the peer's host outside of the tunnel, or "
				"use another subnet for the tunnel",
				peer->endpoint_host, ip_prefix_text(p, text), place);
			return true;
		}
	}
	return false;
}

static void check_endpoint(const struct conf_site *site, const struct ranges *ranges,
	const struct conf_peer *peer, struct conf_report *report)
{
	struct conf_at at = peer->at[CONF_PEER_ENDPOINT];
	const struct conf_prefix *range;
	struct ip_addr addr;
	char text[IP_PREFIX_TEXT_LEN];
	char place[CONF_PLACE_LEN];

	if (!conf_endpoint_addr(peer, &addr))
		return;
	if (!is_host(&addr)) {
		conf_report_add(report, CONF_ERROR, at,
			"Endpoint: %s is not the address of a host\n"
			"write the address of the peer's host outside of the tunnel",
			peer->endpoint_host);
		return;
	}
	if (ip_addr_is_link_local(&addr)) {
		if (!conf_endpoint_zone(peer))
			conf_report_add(report, CONF_WARNING, at,
				"Endpoint: %s is a link-local address without its interface: "
				"nothing can be sent to it\n"
				"add the interface that leads to the peer, such as [%s%%eth0]:%u",
				peer->endpoint_host, peer->endpoint_host, peer->endpoint_port);
		return; /* no route and no address of another interface matters */
	}
	if (check_inside(site, peer, &addr, report))
		return;
	range = ranges_find(ranges, &addr);
	if (range)
		conf_report_add(report, CONF_WARNING, range->at,
			"AllowedIPs: %s contains the Endpoint %s in %s: the route to the peer "
			"would lead into the tunnel\n"
			"write only addresses inside the tunnel; without another route to the "
			"endpoint nothing can be sent",
			ip_prefix_text(&range->prefix, text), peer->endpoint_host,
			conf_place(site, at, range->at, place));
}

/* By host and port; then by position in the file. */
static int compare_endpoints(const void *a, const void *b)
{
	const struct conf_peer *x = *(const struct conf_peer *const *)a;
	const struct conf_peer *y = *(const struct conf_peer *const *)b;
	int order = strcasecmp(x->endpoint_host, y->endpoint_host);

	if (!order)
		order = x->endpoint_port - y->endpoint_port;
	return order ? order : (x > y) - (x < y);
}

static void check_same_endpoint(const struct conf_site *site, struct conf_report *report)
{
	const struct conf_peer **sorted = calloc(site->n_peers + 1, sizeof(const void *));
	char place[CONF_PLACE_LEN];
	size_t n = 0;

	if (!sorted) {
		report->out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < site->n_peers; i++)
		if (site->peers[i].endpoint_host)
			sorted[n++] = &site->peers[i];
	qsort(sorted, n, sizeof(const void *), compare_endpoints);
	for (size_t i = 1; i < n; i++) {
		const struct conf_peer *p = sorted[i - 1];
		const struct conf_peer *q = sorted[i];
		struct conf_at at = q->at[CONF_PEER_ENDPOINT];

		if (strcasecmp(p->endpoint_host, q->endpoint_host) != 0 ||
			p->endpoint_port != q->endpoint_port)
			continue;
		conf_report_add(report, CONF_WARNING, at,
			"Endpoint: %s, port %u, is the Endpoint of another [Peer], too, in %s: "
			"only one of them can be there\n"
			"write each peer's own address and port",
			q->endpoint_host, q->endpoint_port,
			conf_place(site, p->at[CONF_PEER_ENDPOINT], at, place));
	}
	free(sorted);
}

void conf_check_endpoints(const struct conf_site *site, struct conf_report *report)
{
	struct ranges ranges;

	if (ranges_init(&ranges, site) < 0) {
		report->out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < site->n_peers; i++)
		check_endpoint(site, &ranges, &site->peers[i], report);
	free(ranges.v);
	check_same_endpoint(site, report);
}
