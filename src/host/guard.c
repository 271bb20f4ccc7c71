/* SPDX-License-Identifier: MIT */
/* Keep the host as configured: follow its changes, restore them or report them. */
#include "host/guard.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "host/host_state.h"
#include "host/restore.h"
#include "host/site_settings.h"
#include "netlink/event.h"

#define SETTLE	   (100 * NS_PER_MS)	       /* from an event to the comparison */
#define RETRY	   NS_PER_S		       /* after a comparison that failed */
#define POLL	   (1500 * NS_PER_MS)	       /* of settings, which cause no events */
#define POLL_SHARE 100			       /* of the time, one part reads settings at most */
#define PART	   ((GUARD_HINT_LEN - 45) / 2) /* of a hint, for each part of an error */
#define PASSES_MAX 4 /* comparisons at a reload: a restored link shows what it lacks */

/* ---- events ---- */

static bool is_ours(const struct host *host, uint32_t ifindex, const char *name)
{
	for (size_t i = 0; i < host->known.n; i++) {
		const struct known_link *k = &host->known.links[i];

		if ((ifindex && k->ifindex == ifindex) || (name && !strcmp(k->name, name)))
			return true;
	}
	return false;
}

static bool has_network(const struct conf_prefixes *addresses, const struct ip_prefix *network)
{
	for (size_t i = 0; i < addresses->n; i++) {
		struct ip_prefix of = ip_prefix_masked(&addresses->v[i].prefix);

		if (ip_prefix_equal(&of, network))
			return true;
	}
	return false;
}

/** Whether it is the network of an address of the site. */
static bool is_our_network(const struct conf_site *conf, const struct ip_prefix *network)
{
	bool found = has_network(&conf->interface.addresses, network);

	for (size_t i = 0; i < conf->n_bridges && !found; i++)
		found = has_network(&conf->bridges[i].addresses, network);
	return found;
}

/** Whether the kernel adds such a route with an address: a local one, or to the network of one. A
 * routing daemon may add thousands of others by an interface of the site. */
static bool is_of_address(const struct host *host, const struct route_info *route)
{
	return is_our_network(host->conf, &route->dst) ||
	       ((route->table == RT_TABLE_LOCAL || ip_addr_is_link_local(&route->dst.addr)) &&
		       is_ours(host, route->ifindex, NULL));
}

/** Whether a route belongs to an address of the site, or is to one of its destinations: it may have
 * taken the place of the site's route, about which there is no other event. */
static bool concerns_routes(const struct host *host, const struct route_info *route)
{
	struct planned_route planned = { .dst = route->dst, .table = route->table };

	if (is_of_address(host, route))
		return true;
	if (route_plan_has(&host->plan, &planned))
		return true;
	planned.by_rule = true;
	return route_plan_has(&host->plan, &planned);
}

/** Whether an event can change the result of the comparison. */
static bool concerns_us(const struct host *host, const struct nl_event *event)
{
	switch (event->kind) {
	case NL_EVENT_LINK:
	case NL_EVENT_LINK_GONE:
	case NL_EVENT_PORT:
		return is_ours(host, event->link.ifindex, event->link.name) ||
		       is_ours(host, event->link.master, NULL);
	case NL_EVENT_ADDRESS:
	case NL_EVENT_ADDRESS_GONE:
		return is_ours(host, event->address.ifindex, NULL);
	case NL_EVENT_ROUTE:
	case NL_EVENT_ROUTE_GONE:
		return concerns_routes(host, &event->route);
	case NL_EVENT_RULE:
		return route_plan_has_default(&host->plan);
	}
	return false;
}

static void mark_changed(struct host_guard *g)
{
	g->due = mono_earliest(g->due, mono_add(clock_mono(), SETTLE));
}

static int visit(void *ctx, const struct nlmsghdr *nlh)
{
	struct host_guard *g = ctx;
	struct nl_event event;

	if (nl_event_decode(nlh, &event) == 0 && concerns_us(g->host, &event))
		mark_changed(g);
	return 0;
}

static void on_events(void *ctx, uint32_t events)
{
	struct host_guard *g = ctx;

	(void)events;
	while (nl_read_events(&g->events, visit, g) == -ENOBUFS)
		mark_changed(g); /* events were lost */
}

/* ---- messages ---- */

const char *host_guard_hint(
	const struct host_guard *g, const struct difference *d, char ret[static GUARD_HINT_LEN])
{
	const struct ledger_entry *e = ledger_find(&g->ledger, d);
	const char *site = g->host->conf->name;

	if (e && e->failures && d->remedy == DIFFERENCE_RESTORE)
		snprintf(ret, GUARD_HINT_LEN, "Restoring it fails, and is tried again: %.*s %.*s",
			PART, e->why.problem, PART, e->why.hint);
	else if (d->role == WANTED_MEMBER && d->kind == DIFFERENCE_NAME)
		snprintf(ret, GUARD_HINT_LEN,
			"Rename it back (ip link set %s name %s), or write Member = %s.", d->found,
			d->name, d->found);
	else if (d->role == WANTED_MEMBER && d->kind == DIFFERENCE_PORT && *d->found)
		snprintf(ret, GUARD_HINT_LEN,
			"If it belongs here: ip link set %s nomaster; it is added then.", d->name);
	else if (d->role == WANTED_MEMBER && d->kind == DIFFERENCE_PORT)
		snprintf(ret, GUARD_HINT_LEN, "Name an Ethernet interface as Member.");
	else if (d->kind == DIFFERENCE_ABSENT && d->role == WANTED_MEMBER)
		snprintf(ret, GUARD_HINT_LEN,
			"It is added when it appears. Plug it in, or correct Member in [Bridge].");
	else if (d->remedy == DIFFERENCE_WAIT)
		snprintf(ret, GUARD_HINT_LEN, "It is joined when its owner has created it.");
	else if (d->kind == DIFFERENCE_ABSENT && d->role == WANTED_BRIDGE)
		snprintf(ret, GUARD_HINT_LEN,
			"Rename or remove the interface %s; the bridge is created then.", d->name);
	else if (d->moved)
		snprintf(ret, GUARD_HINT_LEN,
			"Move it back: it is used again then (ip -n NAMESPACE link set %s netns "
			"PID).",
			d->name);
	else if (d->kind == DIFFERENCE_ABSENT)
		snprintf(ret, GUARD_HINT_LEN,
			"Leave its name to it. wirespan reload %s makes it again.", site);
	else if (d->kind == DIFFERENCE_NAME)
		snprintf(ret, GUARD_HINT_LEN,
			"Rename or remove the interface that is called %s now.", d->name);
	else if (d->kind == DIFFERENCE_ALIAS)
		snprintf(ret, GUARD_HINT_LEN,
			"Find out what changes it; ip link set %s alias \"wirespan %s\" sets it "
			"back.",
			d->name, site);
	else
		snprintf(ret, GUARD_HINT_LEN,
			"Find out what changes it; wirespan reload %s restores it.", site);
	return ret;
}

static void log_left(const struct host_guard *g, struct ledger_entry *e)
{
	const char *site = g->host->conf->name;
	char hint[GUARD_HINT_LEN];

	if (e->left_logged)
		return;
	e->left_logged = e->logged = true;
	host_guard_hint(g, &e->difference, hint);
	if (e->insisted)
		log_warning("%s since PostUp: left so, as PostUp may want it. If it does not: "
			    "wirespan reload %s.",
			e->difference.text, site);
	else if (e->restores >= LEDGER_RESTORES_MAX)
		log_warning("%s again, after %u times: left so, and only reported from now on. %s",
			e->difference.text, e->restores, hint);
	else if (e->failures)
		log_warning("%s, and restoring it failed %u times: left so, and only reported from "
			    "now on. %s",
			e->difference.text, e->failures, hint);
	else
		log_warning("%s: left so. %s", e->difference.text, hint);
}

/** Log a difference and its remedy once. */
static void log_verdict(const struct host_guard *g, struct ledger_entry *e,
	enum ledger_verdict verdict, struct mono now)
{
	if (verdict == LEDGER_LEAVE) {
		log_left(g, e);
		return;
	}
	if (e->logged)
		return;
	e->logged = true;
	switch (verdict) {
	case LEDGER_RESTORE:
		log_warning("%s: restored, as the configuration wants it", e->difference.text);
		return;
	case LEDGER_LATER:
		log_warning("%s%s: restored in %.1f s", e->difference.text,
			e->restores ? " again" : "",
			(double)mono_between(now, e->due) / (double)NS_PER_S);
		return;
	case LEDGER_WAIT:
		log_info("%s: it is %s when it appears", e->difference.text,
			e->difference.role == WANTED_MEMBER ? "added" : "joined");
		return;
	case LEDGER_LEAVE:
		return;
	}
}

/* ---- comparing and restoring ---- */

/** A comparison and its inputs. */
struct pass {
	struct wanted wanted;
	struct host_view view;
	struct differences found;
};

static void pass_fini(struct pass *p)
{
	wanted_fini(&p->wanted);
	view_fini(&p->view);
	free(p->found.v);
	*p = (struct pass){ 0 };
}

/** Find out which of the back end's interfaces that are absent were deleted, and which moved. */
static void mark_deleted(
	const struct host *host, struct wanted *wanted, const struct host_view *view)
{
	const struct host_interfaces *interfaces = host->interfaces;

	for (size_t i = 0; interfaces && i < wanted->n; i++) {
		struct wanted_link *w = &wanted->v[i];

		if ((w->role == WANTED_WG || w->role == WANTED_SESSION) &&
			!difference_find(w, view)) {
			w->deleted = interfaces->is_deleted(interfaces->ctx, w->name);
			w->moved = !w->deleted;
		}
	}
}

/** Query the routes to the interfaces of the site that have addresses, and the rules. */
static int take_routes(struct host *host, const struct wanted *wanted, struct host_view *view)
{
	struct nl_socket *nl = &host->netdev.nl;
	int err = host->plan.n ? view_take_rules(nl, view) : 0;

	for (size_t i = 0; i < wanted->n && err == 0; i++) {
		const struct wanted_link *w = &wanted->v[i];
		const struct link_info *link = w->addresses ? difference_find(w, view) : NULL;

		if (link)
			err = view_take_routes(nl, link->ifindex, view);
	}
	return err;
}

/** Compare the host as it is now. Return: 0 and a pass to free, or -errno. */
static int compare_now(struct host *host, struct pass *ret)
{
	struct netdev *m = &host->netdev;
	int err;

	*ret = (struct pass){ 0 };
	err = wanted_make(host->conf, &host->plan, m->alias, &host->known, &ret->wanted);
	if (err == 0)
		err = view_take(&m->nl, &ret->view);
	if (err == 0)
		err = take_routes(host, &ret->wanted, &ret->view);
	site_settings_read(ret->wanted.settings, ret->wanted.n_settings, m->filters);
	if (err == 0)
		err = known_learn(&host->known, &ret->wanted, &ret->view);
	if (err == 0)
		mark_deleted(host, &ret->wanted, &ret->view);
	if (err == 0)
		err = difference_compare(&ret->wanted, &ret->view, &ret->found);
	if (err < 0)
		pass_fini(ret);
	return err;
}

static void restore(
	struct host *host, const struct pass *p, struct ledger_entry *e, struct mono now)
{
	const struct difference *d = &e->difference;
	const struct error *error = &host->netdev.error;
	int err = restore_difference(host, &p->wanted, &p->view, d);

	if (err < 0) {
		if (ledger_failed(e, now, error))
			log_warning("%s, and it cannot be restored: %s %s%s", d->text,
				error->problem, error->hint,
				ledger_judge(e, now) == LEDGER_LEAVE ? "" : " It is tried again.");
		return;
	}
	if (e->failures)
		log_info("%s is restored now, as nothing prevents it any longer", d->name);
	ledger_restored(e, now);
}

/** Whether an interface of the engine is missing, which no hook wants. */
static bool is_lost(const struct difference *d)
{
	return d->kind == DIFFERENCE_ABSENT && (d->role == WANTED_WG || d->role == WANTED_SESSION);
}

/** Deal with the differences of a pass. `restoring`: false to leave them, as hooks have made them.
 * Return: how many were restored, or failed to be. */
static unsigned handle(struct host_guard *g, struct pass *p, bool restoring)
{
	struct mono now = clock_mono();
	unsigned n = 0;

	ledger_begin(&g->ledger);
	for (size_t i = 0; i < p->found.n; i++) {
		struct ledger_entry *e = ledger_see(&g->ledger, &p->found.v[i], now);
		enum ledger_verdict verdict;

		if (!e)
			continue; /* out of memory: the next comparison sees it again */
		e->insisted |= !restoring && !is_lost(&e->difference);
		verdict = ledger_judge(e, now);
		log_verdict(g, e, verdict, now);
		if (verdict == LEDGER_RESTORE) {
			restore(g->host, p, e, now);
			n++;
		}
		if (verdict == LEDGER_LEAVE)
			p->found.v[i].remedy = DIFFERENCE_LEAVE;
	}
	ledger_end(&g->ledger, now);
	return n;
}

/** Store the differences of a pass as the present ones. */
static void publish(struct host_guard *g, struct pass *p)
{
	free(g->present.v);
	g->present = p->found;
	p->found = (struct differences){ 0 };
}

/** Compare once and restore. Return: how many differences were restored. */
static unsigned run_pass(struct host_guard *g, bool restoring)
{
	struct pass p;
	unsigned n;

	g->due = MONO_NEVER;
	if (compare_now(g->host, &p) < 0) {
		g->due = mono_add(clock_mono(), RETRY);
		return 0;
	}
	n = handle(g, &p, restoring);
	publish(g, &p);
	port_counts_follow(&g->ports, &p.wanted, &p.view);
	pass_fini(&p);
	g->due = n ? mono_add(clock_mono(), SETTLE) : ledger_deadline(&g->ledger);
	return n;
}

/** Read the settings. If one has changed since the last comparison, another one is due. */
static void poll_settings(struct host_guard *g)
{
	struct host *host = g->host;
	struct known *known = &host->known;
	struct mono start = clock_mono();
	struct wanted wanted;
	uint64_t took;

	g->poll = mono_add(start, POLL);
	port_counts_read(&g->ports, &g->host->netdev.nl, start);
	if (wanted_make(host->conf, &host->plan, host->netdev.alias, known, &wanted) < 0)
		return;
	site_settings_read(wanted.settings, wanted.n_settings, host->netdev.filters);
	took = mono_between(start, clock_mono());
	g->poll = mono_add(start, took * POLL_SHARE > POLL ? took * POLL_SHARE : POLL);
	for (size_t i = 0; i < wanted.n_settings; i++) {
		const struct wanted_setting *s = &wanted.settings[i];
		const struct wanted_setting *old =
			site_settings_find(known->settings, known->n_settings, s);

		if (!old || old->state != s->state)
			mark_changed(g);
	}
	wanted_fini(&wanted);
}

void host_guard_start(struct host_guard *g, struct host *host, struct loop *loop,
	const struct host_interfaces *interfaces)
{
	int err = nl_socket_open_events(&g->events, nl_event_groups());

	if (err == 0) {
		g->loop = loop;
		g->watch = (struct loop_watch){
			.fd = nl_socket_fd(&g->events), .callback = on_events, .ctx = g
		};
		err = loop_add(loop, &g->watch, EPOLLIN);
		if (err < 0)
			nl_socket_close(&g->events);
	}
	if (err < 0)
		log_warning("cannot subscribe to the kernel's events: %s; changes that others make "
			    "to the site's interfaces are found by a reload only",
			strerror(-err));
	g->host = host;
	host->interfaces = interfaces;
	host->known.by_ifindex = interfaces;
	g->following = err == 0;
	g->poll = mono_add(clock_mono(), POLL);
	(void)run_pass(g, !host->conf->interface.post_up.n);
}

void host_guard_stop(struct host_guard *g)
{
	if (g->following) {
		loop_remove(g->loop, &g->watch);
		nl_socket_close(&g->events);
	}
	ledger_clear(&g->ledger);
	port_counts_close(&g->ports);
	free(g->present.v);
	*g = (struct host_guard){ 0 };
}

struct mono host_guard_deadline(const struct host_guard *g)
{
	return mono_earliest(mono_earliest(g->due, g->poll), g->ports.due);
}

void host_guard_work(struct host_guard *g)
{
	if (mono_reached(g->poll, clock_mono()))
		poll_settings(g);
	if (mono_reached(g->ports.due, clock_mono()))
		port_counts_read(&g->ports, &g->host->netdev.nl, clock_mono());
	if (mono_reached(g->due, clock_mono()))
		(void)run_pass(g, true);
}

const struct differences *host_guard_look(struct host_guard *g)
{
	struct mono now = clock_mono();
	struct pass p;

	if (!g->host)
		return &g->present;
	if (g->following)
		on_events(g, EPOLLIN);
	poll_settings(g);
	if (g->following && !mono_is_set(g->due))
		return &g->present;
	if (compare_now(g->host, &p) < 0)
		return &g->present;
	for (size_t i = 0; i < p.found.n; i++) {
		const struct ledger_entry *e = ledger_find(&g->ledger, &p.found.v[i]);

		if (e && ledger_judge(e, now) == LEDGER_LEAVE)
			p.found.v[i].remedy = DIFFERENCE_LEAVE;
	}
	publish(g, &p);
	pass_fini(&p);
	return &g->present;
}

bool host_guard_interface_lost(struct host_guard *g)
{
	if (!g->host || !g->host->interfaces)
		return false;
	mark_changed(g);
	return true;
}

void host_guard_make_again(struct host_guard *g)
{
	struct pass p;

	if (!g->host || compare_now(g->host, &p) < 0)
		return;
	for (size_t i = 0; i < p.found.n; i++) {
		const struct difference *d = &p.found.v[i];

		if (d->kind == DIFFERENCE_ABSENT && d->remedy == DIFFERENCE_RESTORE &&
			d->role != WANTED_BRIDGE &&
			restore_difference(g->host, &p.wanted, &p.view, d) < 0)
			log_warning("%s, and it cannot be made again: %s", d->text,
				g->host->netdev.error.problem);
	}
	pass_fini(&p);
}

int host_guard_settle(struct host_guard *g, struct error *ret_error)
{
	char hint[GUARD_HINT_LEN];

	if (!g->host)
		return 0;
	ledger_clear(&g->ledger);
	for (int i = 0; i < PASSES_MAX && run_pass(g, true); i++)
		;
	for (size_t i = 0; i < g->present.n; i++) {
		const struct difference *d = &g->present.v[i];

		if (d->remedy == DIFFERENCE_WAIT)
			continue;
		return error_set(ret_error, -EEXIST, "Reloaded, but %s%s\n%s", d->text,
			d->remedy == DIFFERENCE_RESTORE ? ", and restoring it has failed" : "",
			host_guard_hint(g, d, hint));
	}
	return 0;
}
