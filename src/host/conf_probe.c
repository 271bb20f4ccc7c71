/* SPDX-License-Identifier: MIT */
/* Check a configuration against this host. */
#include "host/conf_probe.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/host_lock.h"
#include "host/host_rules.h"
#include "host/netdev.h"
#include "host/orphan.h"
#include "host/rundir.h"
#include "host/spawn.h"
#include "host/sysctl.h"

/* How long the interfaces of a killed site may take to disappear. */
#define GONE_MS	     2000
#define GONE_STEP_MS 10

#define V6_METRIC 1024 /* of an IPv6 route that is added without a metric */

/* Routes that one family has, sorted; read when the first is asked for. */
struct routes {
	struct route_list list;
	bool read;
};

struct probe {
	const struct conf_site *site;
	struct netdev netdev;
	struct routes routes[2]; /* IPv4, IPv6 */
};

/* Whether the kernel has IPv6; for hosts without /proc/sys. */
static bool has_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool has = fd >= 0 || errno != EAFNOSUPPORT;

	if (fd >= 0)
		close(fd);
	return has;
}

static enum host_ipv6 ask_ipv6(void *ctx, const char *name)
{
	char path[64];
	char is[8];

	(void)ctx;
	snprintf(path, sizeof(path), "net/ipv6/conf/%s/disable_ipv6", name);
	if (sysctl_read(path, is, sizeof(is)) < 0) {
		if (sysctl_read("net/ipv6/conf/default/disable_ipv6", is, sizeof(is)) == -ENOENT)
			return has_ipv6() ? HOST_IPV6_ON : HOST_IPV6_ABSENT;
		if (sysctl_read("net/ipv6/conf/default/disable_ipv6", is, sizeof(is)) < 0)
			return HOST_IPV6_ON;
	}
	return strcmp(is, "0") != 0 ? HOST_IPV6_DISABLED : HOST_IPV6_ON;
}

static uint32_t ask_route(void *ctx, const struct ip_addr *dst)
{
	struct probe *p = ctx;
	struct route_query query = { .dst = *dst, .mark = p->site->interface.fwmark };
	struct route_info route;

	return query_route(&p->netdev.nl, &query, &route) < 0 ? 0 : route.ifindex;
}

static int compare_routes(const void *a, const void *b)
{
	const struct route_info *x = a;
	const struct route_info *y = b;

	if (x->table != y->table)
		return x->table < y->table ? -1 : 1;
	if (x->dst.len != y->dst.len)
		return x->dst.len - y->dst.len;
	return memcmp(x->dst.addr.bytes, y->dst.addr.bytes, sizeof(x->dst.addr.bytes));
}

static const struct route_list *routes_of(struct probe *p, uint16_t family)
{
	struct routes *r = &p->routes[family == AF_INET6];

	if (!r->read) {
		r->read = true;
		if (query_routes(&p->netdev.nl, (uint8_t)family, &r->list) < 0)
			r->list = (struct route_list){ 0 };
		else
			qsort(r->list.v, r->list.n, sizeof(*r->list.v), compare_routes);
	}
	return &r->list;
}

static const struct route_info *ask_route_to(
	void *ctx, const struct ip_prefix *dst, uint32_t table, bool any)
{
	uint32_t metric = dst->addr.family == AF_INET6 ? V6_METRIC : 0;
	const struct route_list *list = routes_of(ctx, dst->addr.family);
	const struct route_info key = { .table = table, .dst = *dst };
	const struct route_info *r =
		list->n ? bsearch(&key, list->v, list->n, sizeof(*list->v), compare_routes) : NULL;

	if (!r)
		return NULL;
	while (r > list->v && !compare_routes(r - 1, &key))
		r--;
	for (; r < list->v + list->n && !compare_routes(r, &key); r++)
		if (any || r->metric == metric)
			return r;
	return NULL;
}

static uint32_t ask_altname(void *ctx, const char *name)
{
	struct probe *p = ctx;
	struct link_info link;

	return query_link_any_name(&p->netdev.nl, name, &link) < 0 ? 0 : link.ifindex;
}

static enum wireless_role ask_wireless(void *ctx, const struct link_info *link)
{
	char path[64];

	(void)ctx;
	snprintf(path, sizeof(path), "/sys/class/net/%s/phy80211", link->name);
	return access(path, F_OK) < 0 ? WIRELESS_NONE : wireless_nl_query(link->ifindex);
}

/* Whether the port is taken in this family: it cannot be bound. */
static bool is_taken(int family, uint16_t port)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in any4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int one = 1;
	bool taken;

	if (fd < 0)
		return false;
	if (family == AF_INET)
		taken = bind(fd, (struct sockaddr *)(void *)&any4, sizeof(any4)) < 0;
	else
		taken = setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) == 0 &&
			bind(fd, (struct sockaddr *)(void *)&any, sizeof(any)) < 0;
	taken = taken && errno == EADDRINUSE;
	close(fd);
	return taken;
}

/* Whether the kernel's WireGuard holds the port for the site itself, whose process has ended. */
static bool is_resumable(const struct probe *p, const struct host_facts *f)
{
	const struct link_info *link = host_facts_link(f, p->site->interface.name);

	return link && !strcmp(link->kind, "wireguard") && host_facts_is_ours(f, link);
}

static bool is_port_taken(const struct probe *p)
{
	uint16_t port = p->site->interface.listen_port;

	return port && (is_taken(AF_INET, port) || is_taken(AF_INET6, port));
}

/* Whether a process of the site holds its TUN, although the run folder has lost its files: `up`
 * ends an engine that goes on alone, and names any other process. */
static bool is_held(const struct probe *p, const struct host_facts *f)
{
	const struct link_info *link = host_facts_link(f, p->site->interface.name);

	return link && !strcmp(link->kind, "tun") && !strcmp(link->alias, f->alias);
}

/* If the process of the site was killed, its interfaces and its port are free only when those have
 * ended that it had confined, a moment later: wait for that. */
static void await_end_of_crashed(struct probe *p)
{
	const char *name = p->site->name;
	struct link_info link;
	char path[PATH_MAX];

	if (host_lock_holder(name) != 0 || orphan_exists(name) ||
		rundir_file(name, "state", path) < 0 || access(path, F_OK) < 0)
		return;
	for (int waited = 0; waited < GONE_MS; waited += GONE_STEP_MS) {
		bool found = query_link(&p->netdev.nl, p->site->interface.name, &link) == 0;

		if (found ? strcmp(link.kind, "tun") != 0 : !is_port_taken(p))
			return;
		poll(NULL, 0, GONE_STEP_MS);
	}
}

/* Read the snapshot. Return: 0, or -errno with nothing to free. */
static int collect(struct probe *p, struct host_facts *f)
{
	int err;

	await_end_of_crashed(p);
	err = query_links(&p->netdev.nl, &f->links);
	if (err < 0)
		return err;
	err = query_addresses(&p->netdev.nl, AF_UNSPEC, &f->addresses);
	if (err < 0) {
		free(f->links.v);
		return err;
	}
	memcpy(f->alias, p->netdev.alias, sizeof(f->alias));
	f->runs = host_lock_holder(p->site->name) != 0 /* or that cannot be found out */
		  || orphan_exists(p->site->name) || is_held(p, f);
	f->port_taken = !f->runs && !is_resumable(p, f) && is_port_taken(p);
	f->no_resolvconf = p->site->interface.dns.n && !spawn_finds("resolvconf");
	return 0;
}

void conf_probe_check(const struct conf_site *site, struct conf_report *report)
{
	struct probe p = { .site = site };
	struct host_facts facts = { .ipv6 = ask_ipv6,
		.route = ask_route,
		.route_to = ask_route_to,
		.altname = ask_altname,
		.wireless = ask_wireless,
		.ctx = &p };

	if (netdev_open(&p.netdev, site->name) < 0)
		return;
	if (collect(&p, &facts) == 0) {
		host_rules_check(site, &facts, report);
		free(facts.links.v);
		free(facts.addresses.v);
	}
	free(p.routes[0].list.v);
	free(p.routes[1].list.v);
	netdev_close(&p.netdev);
}
