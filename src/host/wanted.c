/* SPDX-License-Identifier: MIT */
/* What the host should be like: from the configuration, and from what the site has created. */
#include "host/wanted.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/bridge.h"
#include "host/site_settings.h"
#include "host/sysctl.h"

#define IPV6_MTU_MIN 1280 /* with a smaller MTU, an interface has no IPv6 */

void known_fini(struct known *known)
{
	free(known->links);
	free(known->session_mtus);
	free(known->settings);
	*known = (struct known){ 0 };
}

int known_set_mtus(
	struct known *known, const struct conf_site *conf, uint32_t wg, const uint32_t *sessions)
{
	size_t n = conf_session_count(conf);
	uint32_t *copy = calloc(n + 1, sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	if (n)
		memcpy(copy, sessions, n * sizeof(*copy));
	free(known->session_mtus);
	known->session_mtus = copy;
	known->n_sessions = n;
	known->wg_mtu = wg;
	return 0;
}

const struct known_link *known_find(
	const struct known *known, enum wanted_role role, const char *name)
{
	for (size_t i = 0; i < known->n; i++)
		if (known->links[i].role == role && !strcmp(known->links[i].name, name))
			return &known->links[i];
	return NULL;
}

/** Copy what is known of an interface. */
static void apply_known(struct wanted_link *w, const struct known_link *known)
{
	if (!known)
		return;
	w->ifindex = known->ifindex;
	w->link_local = known->link_local;
	w->local6 = known->local6;
	if (w->role != WANTED_BRIDGE || w->adopted || !known->has_mac)
		return;
	w->has_mac = true;
	memcpy(w->mac, known->mac, sizeof(w->mac));
}

/** The ifindex of an interface that is in use, or 0. */
static uint32_t ifindex_in_use(
	const struct wanted *wanted, const struct wanted_link *w, const struct host_view *view)
{
	const struct link_info *link = difference_find(w, view);
	const struct link_info *master;

	if (!link)
		return 0;
	if (w->role != WANTED_MEMBER)
		return link->ifindex;
	master = view_link_index(view, link->master);
	for (size_t i = 0; master && i < wanted->n; i++)
		if (wanted->v[i].role == WANTED_BRIDGE && !strcmp(wanted->v[i].name, w->bridge) &&
			wanted->v[i].ifindex == master->ifindex)
			return link->ifindex;
	return 0;
}

/** Whether an administrator wants no link-local address of a bridge. */
static bool is_without_link_local(const char *name)
{
	static const char *const settings[] = { "disable_ipv6", "addr_gen_mode" }; /* 1: none */

	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		char path[64];
		char is[8];

		snprintf(path, sizeof(path), "net/ipv6/conf/%s/%s", name, settings[i]);
		if (sysctl_read(path, is, sizeof(is)) < 0 || !strcmp(is, "1"))
			return true;
	}
	return false;
}

/** The link-local address that the kernel makes of an Ethernet address; family 0: none. */
static struct ip_prefix link_local_of(const struct link_info *link)
{
	char path[64];
	char is[8];

	snprintf(path, sizeof(path), "net/ipv6/conf/%s/addr_gen_mode", link->name);
	if (!link->has_mac || link->mtu < IPV6_MTU_MIN || is_without_link_local(link->name) ||
		sysctl_read(path, is, sizeof(is)) < 0 || strcmp(is, "0") != 0)
		return (struct ip_prefix){ 0 };
	return (struct ip_prefix){ .addr = ip_addr_link_local(link->mac), .len = 64 };
}

/** Remember the IPv6 link-local address that the kernel gives a bridge when it begins to run. It is
 * not in the configuration, but neighbour discovery needs it. wg0 has none. */
static void learn_link_local(
	struct known_link *known, const struct link_info *link, const struct host_view *view)
{
	const struct ifaddr_info *found = NULL;

	if (!link || !(link->flags & IFF_UP) || !(link->flags & IFF_RUNNING)) {
		known->link_local = (struct ip_prefix){ 0 };
		return;
	}
	for (size_t i = 0; i < view->addresses.n; i++) {
		const struct ifaddr_info *a = &view->addresses.v[i];

		if (a->ifindex != link->ifindex || !difference_is_link_local(a))
			continue;
		if (ip_prefix_equal(&a->prefix, &known->link_local))
			return;
		found = a;
	}
	if (found)
		known->link_local = found->prefix;
	else if (known->link_local.addr.family && is_without_link_local(link->name))
		known->link_local = (struct ip_prefix){ 0 };
	else if (!known->link_local.addr.family)
		known->link_local = link_local_of(link); /* removed while no process ran */
}

/** Whether there is an IPv6 route of the local table by an interface: before Linux 4.18 they were
 * by lo. */
static bool has_local6(const struct host_view *view, uint32_t ifindex)
{
	for (size_t i = 0; ifindex && i < view->routes[1].n; i++)
		if (view->routes[1].v[i].ifindex == ifindex &&
			view->routes[1].v[i].type == RTN_LOCAL)
			return true;
	return false;
}

static int learn_settings(struct known *known, const struct wanted *wanted)
{
	struct wanted_setting *copy = calloc(wanted->n_settings + 1, sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	if (wanted->n_settings)
		memcpy(copy, wanted->settings, wanted->n_settings * sizeof(*copy));
	free(known->settings);
	known->settings = copy;
	known->n_settings = wanted->n_settings;
	return 0;
}

int known_learn(struct known *known, struct wanted *wanted, const struct host_view *view)
{
	struct known_link *links = calloc(wanted->n + 1, sizeof(*links));

	if (!links)
		return -ENOMEM;
	for (size_t i = 0; i < wanted->n; i++) {
		struct wanted_link *w = &wanted->v[i];
		const struct known_link *old = known_find(known, w->role, w->name);
		const struct link_info *link;
		uint32_t ifindex;

		if (old)
			links[i] = *old;
		links[i].role = w->role;
		links[i].adopted = w->adopted;
		snprintf(links[i].name, sizeof(links[i].name), "%s", w->name);
		ifindex = ifindex_in_use(wanted, w, view);
		if (ifindex != links[i].ifindex)
			links[i].link_local = (struct ip_prefix){ 0 };
		if (ifindex || w->role == WANTED_MEMBER || w->role == WANTED_BRIDGE)
			links[i].ifindex = ifindex;
		link = view_link_index(view, links[i].ifindex);
		if (link && link->has_mac && !links[i].has_mac) {
			links[i].has_mac = true;
			memcpy(links[i].mac, link->mac, LINK_MAC_LEN);
		}
		links[i].local6 |= has_local6(view, links[i].ifindex);
		if (w->role == WANTED_BRIDGE && !w->adopted)
			learn_link_local(&links[i], link, view);
		apply_known(w, &links[i]);
	}
	free(known->links);
	known->links = links;
	known->n = wanted->n;
	return learn_settings(known, wanted);
}

void known_made_again(
	struct known *known, enum wanted_role role, const char *name, uint32_t ifindex)
{
	for (size_t i = 0; i < known->n; i++)
		if (known->links[i].role == role && !strcmp(known->links[i].name, name))
			known->links[i].ifindex = ifindex;
}

static struct wanted_link *add(struct wanted *wanted, enum wanted_role role, const char *name,
	const char *bridge, const struct known *known)
{
	struct wanted_link *w = &wanted->v[wanted->n++];

	*w = (struct wanted_link){ .role = role, .name = name, .bridge = bridge };
	w->by_ifindex = known->by_ifindex;
	apply_known(w, known_find(known, role, name));
	return w;
}

static void add_bridges(struct wanted *wanted, const struct conf_site *conf, const char *alias,
	const struct known *known)
{
	for (size_t i = 0; i < conf->n_bridges; i++) {
		const struct conf_bridge *bridge = &conf->bridges[i];
		struct wanted_link *w = add(wanted, WANTED_BRIDGE, bridge->name, "", known);

		w->adopted = bridge->adopt;
		if (bridge->adopt) {
			w->has_mac = false;
			continue;
		}
		w->addresses = &bridge->addresses;
		w->alias = alias;
		w->stp = bridge->stp;
		w->fdb_max = BRIDGE_FDB_MAX;
		w->multicast_snooping = bridge->multicast_snooping;
	}
}

/** Add the members. What another program has set on the ports of an adopted bridge is not
 * compared. */
static void add_members(
	struct wanted *wanted, const struct conf_site *conf, const struct known *known)
{
	for (size_t i = 0; i < conf->n_bridges; i++) {
		const struct conf_bridge *bridge = &conf->bridges[i];

		for (size_t k = 0; k < bridge->members.n; k++) {
			struct wanted_link *w = add(wanted, WANTED_MEMBER,
				bridge->members.v[k].text, bridge->name, known);

			w->has_port = !bridge->adopt;
			w->port.forward_control = (uint16_t)bridge->forward_control;
		}
	}
}

/** Add the settings, with what is known of each. */
static int add_settings(
	struct wanted *wanted, const struct conf_site *conf, const struct known *known)
{
	int err = site_settings_make(conf, wanted->plan, &wanted->settings, &wanted->n_settings);

	for (size_t i = 0; i < wanted->n_settings; i++) {
		struct wanted_setting *s = &wanted->settings[i];
		const struct wanted_setting *old =
			site_settings_find(known->settings, known->n_settings, s);

		s->seen = old && old->seen;
	}
	return err;
}

void wanted_fini(struct wanted *wanted)
{
	free(wanted->v);
	free(wanted->settings);
	*wanted = (struct wanted){ 0 };
}

int wanted_make(const struct conf_site *conf, const struct route_plan *plan, const char *alias,
	const struct known *known, struct wanted *ret)
{
	struct conf_session_walk walk = { .conf = conf };
	struct wanted wanted = { .plan = plan };
	const struct conf_session *session;
	size_t room = 1 + conf_session_count(conf) + conf->n_bridges;
	struct wanted_link *wg;

	for (size_t i = 0; i < conf->n_bridges; i++)
		room += conf->bridges[i].members.n;
	if (add_settings(&wanted, conf, known) < 0)
		return -ENOMEM;
	wanted.v = calloc(room, sizeof(*wanted.v));
	if (!wanted.v) {
		wanted_fini(&wanted);
		return -ENOMEM;
	}
	wg = add(&wanted, WANTED_WG, conf->interface.name, "", known);
	wg->addresses = &conf->interface.addresses;
	wg->mtu = known->wg_mtu;
	wg->alias = alias;
	add_bridges(&wanted, conf, alias, known);
	while ((session = conf_next_session(&walk))) {
		struct wanted_link *w =
			add(&wanted, WANTED_SESSION, session->name, session->bridge, known);

		const struct conf_bridge *bridge = conf_bridge_find(conf, session->bridge);

		w->alias = known->marked ? alias : NULL;
		if (walk.i <= known->n_sessions && !(bridge && bridge->adopt))
			w->mtu = known->session_mtus[walk.i - 1];
		if (bridge) {
			w->has_port = true;
			w->port = bridge_session_port(bridge, session);
		}
	}
	add_members(&wanted, conf, known);
	*ret = wanted;
	return 0;
}
