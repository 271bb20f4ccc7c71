/* SPDX-License-Identifier: MIT */
/* Report the host's part of a site for `status`: its bridges, and the MTUs of its interfaces. */
#include "host/host_report.h"

#include <errno.h>
#include <linux/if.h>
#include <stdlib.h>
#include <string.h>

#include "conf/keys.h"
#include "netlink/query.h"

static bool is_session(const struct conf_site *conf, const char *name)
{
	for (size_t t = 0; t < conf->n_tunnels; t++)
		for (size_t k = 0; k < conf->tunnels[t].n_sessions; k++)
			if (!strcmp(conf->tunnels[t].sessions[k].name, name))
				return true;
	return false;
}

static int report_members(const struct link_list *links, uint32_t bridge,
	const struct conf_site *conf, struct status_bridge *b)
{
	for (size_t i = 0; i < links->n; i++) {
		const struct link_info *l = &links->v[i];
		struct status_member *m;

		if (l->master != bridge)
			continue;
		m = status_add_member(b);
		if (!m)
			return -ENOMEM;
		memcpy(m->name, l->name, sizeof(m->name));
		m->mtu = l->mtu;
		m->up = l->flags & IFF_UP && l->flags & IFF_LOWER_UP;
		m->session = is_session(conf, l->name);
		m->isolated = l->port.isolated;
	}
	return 0;
}

static int report_bridge(const struct link_list *links, const struct conf_site *conf,
	const struct conf_bridge *c, struct status_report *r)
{
	struct status_bridge *b = status_add_bridge(r);
	int err = 0;

	if (!b)
		return -ENOMEM;
	memcpy(b->name, c->name, sizeof(b->name));
	b->stp = c->stp;
	b->adopted = c->adopt;
	conf_forward_control_text(c->forward_control, b->forward_control);
	for (size_t i = 0; i < c->addresses.n && !err; i++)
		err = status_add_prefix(&b->addresses, &c->addresses.v[i].prefix);
	for (size_t i = 0; i < links->n && !err; i++) {
		if (strcmp(links->v[i].name, c->name) != 0)
			continue;
		b->mtu = links->v[i].mtu;
		b->multicast_snooping = links->v[i].multicast_snooping;
		if (c->adopt)
			b->stp = links->v[i].stp_state != 0;
		err = report_members(links, links->v[i].ifindex, conf, b);
	}
	return err;
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

int host_report(const struct conf_site *conf, struct status_report *r)
{
	struct nl_socket nl = { 0 };
	struct link_list links = { 0 };
	int err = 0;

	if (nl_socket_open(&nl) < 0)
		return 0;
	(void)query_links(&nl, &links);
	report_mtus(&links, r);
	for (size_t i = 0; i < conf->n_bridges && !err; i++)
		err = report_bridge(&links, conf, &conf->bridges[i], r);
	free(links.v);
	nl_socket_close(&nl);
	return err;
}
