/* SPDX-License-Identifier: MIT */
/* Summary of a batch of link, address, route and rule events: what the engine has to react to. */
#include "netlink/changes.h"

#include <string.h>

void changes_init(struct changes *d, uint32_t ifindex)
{
	*d = (struct changes){ .ifindex = ifindex };
}

static void add_stopped(struct changes *d, uint32_t ifindex)
{
	if (d->n_stopped == CHANGES_STOPPED_MAX)
		d->lost = true;
	else
		d->stopped[d->n_stopped++] = ifindex;
}

static void add_family(struct changes *d, uint16_t family)
{
	d->all_v4 = d->all_v4 || family == AF_INET;
	d->all_v6 = d->all_v6 || family == AF_INET6;
}

static void add_changed(struct changes *d, const struct ip_prefix *prefix)
{
	struct ip_prefix p = ip_prefix_masked(prefix);

	for (size_t i = 0; i < d->n_changed; i++)
		if (ip_prefix_equal(&d->changed[i], &p))
			return;
	if (d->n_changed == CHANGES_CHANGED_MAX)
		add_family(d, p.addr.family);
	else
		d->changed[d->n_changed++] = p;
}

static void add_mtu(struct changes *d, const struct link_info *link)
{
	size_t i = 0;

	while (i < d->n_links && d->links[i].ifindex != link->ifindex)
		i++;
	if (i == CHANGES_LINKS_MAX) {
		d->lost = true;
		return;
	}
	d->links[i] = (struct changes_link){ .ifindex = link->ifindex, .mtu = link->mtu };
	d->n_links += i == d->n_links;
}

static void add_link(struct changes *d, const struct link_info *link, bool gone)
{
	if (gone || !nl_event_link_runs(link))
		add_stopped(d, link->ifindex);
	if (!gone && link->mtu) /* events of wireless extensions have none */
		add_mtu(d, link);
	if (!d->ifindex || link->ifindex != d->ifindex)
		return;
	if (gone) {
		d->fate = link->moved ? CHANGES_MOVED : CHANGES_GONE;
		return;
	}
	d->fate = CHANGES_CHANGED;
	d->up = link->flags & IFF_UP;
	d->mtu = link->mtu;
	memcpy(d->name, link->name, sizeof(d->name));
}

void changes_add(struct changes *d, const struct nl_event *event)
{
	switch (event->kind) {
	case NL_EVENT_LINK:
		add_link(d, &event->link, false);
		return;
	case NL_EVENT_LINK_GONE:
		add_link(d, &event->link, true);
		return;
	case NL_EVENT_PORT:
		return; /* routes do not depend on it */
	case NL_EVENT_ADDRESS:
		add_changed(d, &event->address.prefix);
		return;
	case NL_EVENT_ADDRESS_GONE: /* routes that preferred it are gone, too, without an event */
		add_family(d, event->address.prefix.addr.family);
		return;
	case NL_EVENT_ROUTE:
	case NL_EVENT_ROUTE_GONE:
		add_changed(d, &event->route.dst);
		return;
	case NL_EVENT_RULE:
		add_family(d, event->rule_family);
		return;
	}
}

void changes_lost(struct changes *d)
{
	d->lost = true;
}

bool changes_is_empty(const struct changes *d)
{
	return d->fate == CHANGES_UNCHANGED && !d->lost && !d->n_changed && !d->all_v4 &&
	       !d->all_v6 && !d->n_stopped;
}

bool changes_concerns(const struct changes *d, const struct ip_addr *addr)
{
	if (d->lost || (addr->family == AF_INET && d->all_v4) ||
		(addr->family == AF_INET6 && d->all_v6))
		return true;
	for (size_t i = 0; i < d->n_changed; i++)
		if (ip_prefix_contains(&d->changed[i], addr))
			return true;
	return false;
}

bool changes_has_stopped(const struct changes *d, uint32_t ifindex)
{
	for (size_t i = 0; i < d->n_stopped; i++)
		if (d->stopped[i] == ifindex)
			return true;
	return d->lost;
}

bool changes_moves_source(const struct changes *d, const struct endpoint *e)
{
	if (!endpoint_has_source(e))
		return false; /* no sticky source */
	return changes_concerns(d, &e->addr) || changes_concerns(d, &e->local) ||
	       changes_has_stopped(d, e->local_ifindex);
}
