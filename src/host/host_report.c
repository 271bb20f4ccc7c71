/* SPDX-License-Identifier: MIT */
/* Report the host's part of a site for `status`: its bridges with their ports, the MTUs of its
 * interfaces, and how the host differs from the configuration. */
#include "host/host_report.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "conf/keys.h"
#include "host/host_state.h"
#include "netlink/event.h"

static enum status_port_state kernel_state(uint8_t state)
{
	switch (state) {
	case BR_STATE_LISTENING:
		return STATUS_PORT_LISTENING;
	case BR_STATE_LEARNING:
		return STATUS_PORT_LEARNING;
	case BR_STATE_BLOCKING:
		return STATUS_PORT_BLOCKING;
	case BR_STATE_DISABLED:
		return STATUS_PORT_DISABLED;
	default:
		return STATUS_PORT_FORWARDING;
	}
}

static enum status_port_state port_state(const struct link_info *l, uint32_t bridge)
{
	if (!l->master)
		return STATUS_PORT_OUTSIDE;
	if (l->master != bridge)
		return STATUS_PORT_ELSEWHERE;
	if (!(l->flags & IFF_UP))
		return STATUS_PORT_DOWN;
	if (!nl_event_link_runs(l))
		return STATUS_PORT_NO_CARRIER;
	return l->has_port_state ? kernel_state(l->port_state) : STATUS_PORT_FORWARDING;
}

/* Report one interface as a port of the bridge `bridge`, or as wanted there. */
static int report_member(const struct host *host, const struct host_view *view,
	const struct link_info *l, uint32_t bridge, struct status_bridge *b)
{
	const struct link_info *master = view_link_index(view, l->master);
	struct status_member *m = status_add_member(b);

	if (!m)
		return -ENOMEM;
	memcpy(m->name, l->name, sizeof(m->name));
	m->mtu = l->mtu;
	m->up = nl_event_link_runs(l);
	m->session = conf_session_find(host->conf, l->name) != NULL;
	m->isolated = l->port.isolated;
	m->state = port_state(l, bridge);
	if (master && m->state == STATUS_PORT_ELSEWHERE)
		memcpy(m->master, master->name, sizeof(m->master));
	return 0;
}

/* Report the interfaces that should be ports of the bridge and are not. */
static int report_missing(const struct host *host, const struct host_view *view,
	const struct wanted *wanted, uint32_t bridge, struct status_bridge *b)
{
	int err = 0;

	for (size_t i = 0; i < wanted->n && !err; i++) {
		const struct wanted_link *w = &wanted->v[i];
		const struct link_info *l = difference_find(w, view);
		struct status_member *m;

		if (strcmp(w->bridge, b->name) != 0 || (l && bridge && l->master == bridge))
			continue;
		if (l) {
			err = report_member(host, view, l, bridge, b);
			continue;
		}
		m = status_add_member(b);
		if (!m)
			return -ENOMEM;
		snprintf(m->name, sizeof(m->name), "%s", w->name);
		m->session = w->role == WANTED_SESSION;
		m->state = STATUS_PORT_ABSENT;
	}
	return err;
}

static int report_bridge(const struct host *host, const struct host_view *view,
	const struct wanted *wanted, const struct conf_bridge *c, struct status_report *r)
{
	const struct known_link *known = known_find(&host->known, WANTED_BRIDGE, c->name);
	const struct link_info *link = view_link_index(view, known ? known->ifindex : 0);
	struct status_bridge *b = status_add_bridge(r);
	int err = 0;

	if (!b)
		return -ENOMEM;
	memcpy(b->name, c->name, sizeof(b->name));
	b->stp = c->stp;
	b->adopted = c->adopt;
	conf_forward_control_text(c->forward_control, b->forward_control);
	b->mtu = link ? link->mtu : 0;
	b->multicast_snooping = link && link->multicast_snooping;
	for (size_t i = 0; i < c->addresses.n && !err; i++)
		err = status_add_prefix(&b->addresses, &c->addresses.v[i].prefix);
	if (c->adopt && link)
		b->stp = link->stp_state != 0;
	for (size_t i = 0; link && i < view->links.n && !err; i++)
		if (view->links.v[i].master == link->ifindex)
			err = report_member(host, view, &view->links.v[i], link->ifindex, b);
	return err ? err : report_missing(host, view, wanted, link ? link->ifindex : 0, b);
}

static int report_differences(
	const struct host *host, struct host_guard *guard, struct status_report *r)
{
	static const enum status_remedy remedies[] = {
		[DIFFERENCE_RESTORE] = STATUS_REMEDY_RESTORE,
		[DIFFERENCE_WAIT] = STATUS_REMEDY_WAIT,
		[DIFFERENCE_LEAVE] = STATUS_REMEDY_LEAVE,
	};
	const struct differences *list = host_guard_look(guard);

	for (size_t i = 0; i < list->n; i++) {
		const struct difference *d = &list->v[i];
		struct status_difference *s = status_add_difference(r);
		char hint[GUARD_HINT_LEN];

		if (!s)
			return -ENOMEM;
		snprintf(s->kind, sizeof(s->kind), "%s", difference_kind_name(d->kind));
		memcpy(s->name, d->name, sizeof(s->name));
		snprintf(s->text, sizeof(s->text), "%s", d->text);
		snprintf(s->hint, sizeof(s->hint), "%s", host_guard_hint(guard, d, hint));
		s->remedy = remedies[d->remedy];
	}
	return 0;
}

/* Report the present MTUs of the interfaces, which may differ from the computed ones. */
static void report_mtus(const struct link_list *links, struct status_report *r)
{
	for (size_t i = 0; i < links->n; i++) {
		const struct link_info *l = &links->v[i];

		if (!strcmp(l->name, r->wg.name))
			r->wg.mtu = l->mtu;
		for (size_t k = 0; k < r->sessions_len; k++)
			if (!strcmp(l->name, r->sessions[k].name))
				r->sessions[k].mtu = l->mtu;
	}
}

int host_report(struct host *host, struct host_guard *guard, struct status_report *r)
{
	struct netdev *m = &host->netdev;
	struct host_view view = { 0 };
	struct wanted wanted;
	int err = report_differences(host, guard, r);

	port_counts_report(&guard->ports, clock_mono(), &r->drops, &r->drop_ages_ms);

	if (err == 0)
		err = wanted_make(host->conf, &host->plan, m->alias, &host->known, &wanted);
	if (err < 0)
		return err;
	if (view_take(&m->nl, &view) == 0)
		report_mtus(&view.links, r);
	for (size_t i = 0; i < host->conf->n_bridges && !err; i++)
		err = report_bridge(host, &view, &wanted, &host->conf->bridges[i], r);
	wanted_fini(&wanted);
	view_fini(&view);
	return err;
}
