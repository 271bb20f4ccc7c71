/* SPDX-License-Identifier: MIT */
/* Summary of a batch of link, address, route and rule events: what the engine has to react to. */
#include "netlink/changes.h"

#include <string.h>

void digest_init(struct digest *d, uint32_t ifindex)
{
	*d = (struct digest){ .ifindex = ifindex };
}

static void add_stopped(struct digest *d, uint32_t ifindex)
{
	if (d->n_stopped == DIGEST_STOPPED_MAX)
		d->lost = true;
	else
		d->stopped[d->n_stopped++] = ifindex;
}

static void add_family(struct digest *d, uint16_t family)
{
	d->all_v4 = d->all_v4 || family == AF_INET;
	d->all_v6 = d->all_v6 || family == AF_INET6;
}

static void add_changed(struct digest *d, const struct ip_prefix *prefix)
{
	struct ip_prefix p = ip_prefix_masked(prefix);

	for (size_t i = 0; i < d->n_changed; i++)
		if (d->changed[i].len == p.len && ip_addr_equal(&d->changed[i].addr, &p.addr))
			return;
	if (d->n_changed == DIGEST_CHANGED_MAX)
		add_family(d, p.addr.family);
	else
		d->changed[d->n_changed++] = p;
}

static void add_link(struct digest *d, const struct link_info *link, bool gone)
{
	if (gone || !notify_link_runs(link))
		add_stopped(d, link->ifindex);
	if (!d->ifindex || link->ifindex != d->ifindex)
		return;
	if (gone) {
		d->fate = link->moved ? DIGEST_MOVED : DIGEST_GONE;
		return;
	}
	d->fate = DIGEST_CHANGED;
	d->up = link->flags & IFF_UP;
	d->mtu = link->mtu;
	memcpy(d->name, link->name, sizeof(d->name));
}

void digest_add(struct digest *d, const struct notify_event *event)
{
	switch (event->kind) {
	case NOTIFY_LINK:
		add_link(d, &event->link, false);
		return;
	case NOTIFY_LINK_GONE:
		add_link(d, &event->link, true);
		return;
	case NOTIFY_ADDRESS:
		add_changed(d, &event->address.prefix);
		return;
	case NOTIFY_ADDRESS_GONE: /* routes that preferred it are gone, too, without an event */
		add_family(d, event->address.prefix.addr.family);
		return;
	case NOTIFY_ROUTE:
	case NOTIFY_ROUTE_GONE:
		add_changed(d, &event->route.dst);
		return;
	case NOTIFY_RULE:
		add_family(d, event->rule_family);
		return;
	}
}

void digest_lose(struct digest *d)
{
	d->lost = true;
}

bool digest_is_empty(const struct digest *d)
{
	return d->fate == DIGEST_UNCHANGED && !d->lost && !d->n_changed && !d->all_v4 &&
	       !d->all_v6 && !d->n_stopped;
}

bool digest_concerns(const struct digest *d, const struct ip_addr *addr)
{
	if (d->lost || (addr->family == AF_INET && d->all_v4) ||
		(addr->family == AF_INET6 && d->all_v6))
		return true;
	for (size_t i = 0; i < d->n_changed; i++)
		if (ip_prefix_contains(&d->changed[i], addr))
			return true;
	return false;
}

bool digest_has_stopped(const struct digest *d, uint32_t ifindex)
{
	for (size_t i = 0; i < d->n_stopped; i++)
		if (d->stopped[i] == ifindex)
			return true;
	return d->lost;
}

bool digest_moves_source(const struct digest *d, const struct endpoint *e)
{
	if (!endpoint_has_source(e))
		return false; /* no sticky source */
	return digest_concerns(d, &e->addr) || digest_concerns(d, &e->local) ||
	       digest_has_stopped(d, e->local_ifindex);
}
