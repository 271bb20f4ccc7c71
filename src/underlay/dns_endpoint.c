/* SPDX-License-Identifier: MIT */
/* Peers whose endpoint is a host name: send their DNS queries, apply the answers. */
#include "underlay/dns_endpoint.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "path/control.h"
#include "underlay/resolver_client.h"

/* A query that is pending for longer than this is shown in the status. */
#define SLOW (3 * NS_PER_S)

/** All host names of an engine. */
struct dns_endpoints {
	struct resolver *resolver;	/* threads of this process, or NULL: */
	struct resolver_client *client; /* another process */
	struct loop_watch watch;
	struct list list;
	uint64_t next_question;
};

/* ---- the resolver: threads, or another process ---- */

static int open_resolver(const struct underlay *u, struct dns_endpoints *names)
{
	return u->resolver_fd > 0 ? resolver_client_new(u->resolver_fd, &names->client)
				  : resolver_open(&names->resolver);
}

static void close_resolver(struct dns_endpoints *names)
{
	if (names->client)
		resolver_client_free(names->client);
	else
		resolver_close(names->resolver);
}

static int answers_fd(const struct dns_endpoints *names)
{
	return names->client ? resolver_client_fd(names->client) : resolver_fd(names->resolver);
}

static bool next_answer(struct dns_endpoints *names, struct resolver_answer *ret)
{
	return names->client ? resolver_client_next(names->client, ret)
			     : resolver_next(names->resolver, ret);
}

static int ask_resolver(struct dns_endpoints *names, const struct dns_endpoint *name)
{
	return names->client ? resolver_client_ask(names->client, name->question, name->host,
				       name->policy.failed)
			     : resolver_ask(names->resolver, name->question, name->host,
				       name->policy.failed);
}

/* ---- answers ---- */

/* Return: the host name of a peer, or NULL. Every endpoint policy is a dns_policy. */
static struct dns_endpoint *name_of(const struct path_peer *p)
{
	return p->policy ? CONTAINER_OF(p->policy, struct dns_endpoint, policy.hooks) : NULL;
}

static struct dns_endpoint *find_asker(const struct dns_endpoints *names, uint64_t question)
{
	LIST_FOR_EACH(l, &names->list)
	{
		struct dns_endpoint *name = CONTAINER_OF(l, struct dns_endpoint, link);

		if (name->policy.asking && name->question == question)
			return name;
	}
	return NULL;
}

/* Copy the addresses that one of our sockets can reach, with the port. */
static void keep_reachable(
	const struct underlay *u, const struct dns_endpoint *name, struct resolver_answer *a)
{
	bool open = u->udp->fd4 >= 0 || u->udp->fd6 >= 0;
	size_t reachable = 0;

	for (size_t i = 0; i < a->n; i++) {
		if (open && (a->v[i].addr.family == AF_INET ? u->udp->fd4 : u->udp->fd6) < 0)
			continue;
		a->v[reachable] = a->v[i];
		a->v[reachable++].port = name->port;
	}
	if (a->n && !reachable)
		a->code = RESOLVER_NO_FAMILY;
	a->n = reachable;
}

/* Log a failed lookup once, and the first answer after it. */
static void log_answer(struct dns_endpoint *name, const struct resolver_answer *a)
{
	char first[IP_ADDR_TEXT_LEN];

	const char *problem = resolver_problem_text(a->code);

	if (problem && !name->policy.failed)
		log_warning("Cannot find the address of %s: %s. Retrying at growing intervals; "
			    "is the name right, and is a name server reachable?",
			name->host, problem);
	else if (!problem && (name->policy.failed || !name->policy.n))
		log_info("%s has the address %s%s", name->host, ip_addr_text(&a->v[0].addr, first),
			a->n > 1 ? " and others" : "");
	name->problem = problem;
}

/* Log all addresses of an answer, at level debug. */
static void log_addresses(const struct dns_endpoint *name, const struct resolver_answer *a)
{
	char text[IP_ADDR_TEXT_LEN];
	char list[256] = "";
	size_t len = 0;

	if (!log_shows(LOG_LEVEL_DEBUG))
		return;
	for (size_t i = 0; i < a->n && len + IP_ADDR_TEXT_LEN + 1 < sizeof(list); i++)
		len += (size_t)snprintf(
			list + len, sizeof(list) - len, " %s", ip_addr_text(&a->v[i].addr, text));
	log_debug("name %s: %s%s", name->host,
		a->code ? resolver_problem_text(a->code) : "its addresses are", list);
}

static void apply_answer(struct underlay *u, struct dns_endpoint *name, struct resolver_answer *a)
{
	struct path_peer *peer = name->peer;
	struct endpoint to;

	keep_reachable(u, name, a);
	log_answer(name, a);
	log_addresses(name, a);
	if (dns_policy_answer(&name->policy, a->v, a->n, &peer->wg, u->engine->now, &to))
		control_move(u->engine, peer, &to);
	u->engine->policy_due = mono_earliest(u->engine->policy_due, name->policy.due);
}

static void on_answers(void *ctx, uint32_t events)
{
	struct underlay *u = ctx;
	struct resolver_answer a;

	(void)events;
	engine_set_time(u->engine, clock_mono(), clock_wall());
	while (next_answer(u->names, &a)) {
		struct dns_endpoint *name = find_asker(u->names, a.id);

		if (name) /* otherwise the peer was removed, or has another name */
			apply_answer(u, name, &a);
	}
	if (u->names->client && resolver_client_has_ended(u->names->client))
		loop_remove(u->loop, &u->names->watch);
	u->work(u->ctx);
}

/* ---- names ---- */

static int open_names(struct underlay *u)
{
	struct dns_endpoints *names = calloc(1, sizeof(*names));
	int err;

	if (!names)
		return -ENOMEM;
	list_init(&names->list);
	err = open_resolver(u, names);
	if (err < 0)
		goto fail;
	err = loop_watch_input(u->loop, &names->watch, answers_fd(names), on_answers, u);
	if (err < 0)
		goto fail;
	u->names = names;
	return 0;
fail:
	close_resolver(names);
	free(names);
	return err;
}

static void ask(struct underlay *u, struct dns_endpoint *name)
{
	if (!dns_policy_ask(&name->policy, &name->peer->wg, u->engine->now))
		return;
	name->question = u->names->next_question++;
	if (ask_resolver(u->names, name) < 0) {
		dns_policy_put_off(&name->policy, u->engine->now);
		return;
	}
	list_remove(&name->link); /* next time start with the others: the queue may be full */
	list_push_tail(&u->names->list, &name->link);
}

static int add_name(struct underlay *u, struct path_peer *p, struct dns_endpoint **ret)
{
	struct dns_endpoint *name;
	int err = u->names ? 0 : open_names(u);

	if (err < 0)
		return err;
	name = calloc(1, sizeof(*name));
	if (!name)
		return -ENOMEM;
	name->peer = p;
	p->policy = &name->policy.hooks;
	list_push_tail(&u->names->list, &name->link);
	*ret = name;
	return 0;
}

int dns_endpoint_set(
	struct underlay *u, struct path_peer *p, const char *host, uint16_t port, bool moves)
{
	struct dns_endpoint *name = name_of(p);
	size_t len = strlen(host);
	int err;

	if (len >= RESOLVER_HOST_LEN)
		return -ENAMETOOLONG;
	if (name && name->port == port && !strcmp(name->host, host))
		return 0;
	err = name ? 0 : add_name(u, p, &name);
	if (err < 0)
		return err;
	memcpy(name->host, host, len + 1);
	name->port = port;
	name->problem = NULL;
	dns_policy_init(&name->policy, moves, u->engine->now);
	ask(u, name); /* query now: routes installed next may hide the name server */
	u->engine->policy_due = mono_earliest(u->engine->policy_due, name->policy.due);
	return 0;
}

void dns_endpoint_forget(struct path_peer *p)
{
	struct dns_endpoint *name = name_of(p);

	if (!name)
		return;
	list_remove(&name->link);
	p->policy = NULL;
	free(name);
}

void dns_endpoint_run_all(struct underlay *u)
{
	struct mono due = MONO_NEVER;

	if (!mono_reached(u->engine->policy_due, u->engine->now))
		return;
	if (u->names)
		LIST_FOR_EACH_SAFE(l, next, &u->names->list)
		{
			struct dns_endpoint *name = CONTAINER_OF(l, struct dns_endpoint, link);

			ask(u, name);
			due = mono_earliest(due, name->policy.due);
		}
	u->engine->policy_due = due;
}

static bool all_found(const struct dns_endpoints *names)
{
	LIST_FOR_EACH(l, &names->list)
	if (!CONTAINER_OF(l, struct dns_endpoint, link)->policy.n)
		return false;
	return true;
}

/* Return: milliseconds from `now` to the earlier of the two times, rounded up. */
static int wait_ms(struct mono now, struct mono until, struct mono due)
{
	return (int)((mono_between(now, mono_earliest(until, due)) + NS_PER_MS - 1) / NS_PER_MS);
}

void dns_endpoint_await_all(struct underlay *u, struct mono until, int stop_fd)
{
	struct pollfd fds[2] = { { .fd = -1 }, { .fd = stop_fd, .events = POLLIN } };
	struct mono now = clock_mono();

	if (!u->names)
		return;
	fds[0] = (struct pollfd){ .fd = answers_fd(u->names), .events = POLLIN };
	while (!all_found(u->names) && !fds[1].revents && !mono_reached(until, now)) {
		(void)poll(fds, 2, wait_ms(now, until, u->engine->policy_due));
		on_answers(u, 0);
		now = clock_mono();
	}
}

void dns_endpoint_routes_changed(struct underlay *u)
{
	if (!u->names)
		return;
	LIST_FOR_EACH(l, &u->names->list)
	{
		struct dns_endpoint *name = CONTAINER_OF(l, struct dns_endpoint, link);

		dns_policy_routes_changed(&name->policy, &name->peer->wg, u->engine->now);
		u->engine->policy_due = mono_earliest(u->engine->policy_due, name->policy.due);
	}
}

void dns_endpoint_close_all(struct underlay *u)
{
	if (!u->names)
		return;
	loop_remove(u->loop, &u->names->watch);
	close_resolver(u->names);
	free(u->names);
	u->names = NULL;
}

int dns_endpoint_report(const struct underlay *u, const struct path_peer *p,
	char ret_name[static STATUS_HOST_LEN], struct status_report *r)
{
	const struct dns_endpoint *name = name_of(p);
	const struct dns_policy *n;
	uint64_t waiting;

	if (!name)
		return 0;
	n = &name->policy;
	snprintf(ret_name, STATUS_HOST_LEN, "%s:%u", name->host, name->port);
	waiting = mono_between(n->retry.asked, u->engine->now);
	if (n->failed)
		return status_add_warning(r,
			"The address of %.60s is not found: %.40s. Is the name right, and is a "
			"name server reachable?",
			name->host, name->problem);
	if (n->asking && waiting >= SLOW)
		return status_add_warning(r,
			"No answer for %llu s to the query for %.60s. Is a name server reachable?",
			(unsigned long long)(waiting / NS_PER_S), name->host);
	if (!n->n)
		return status_add_warning(
			r, "The address of %.60s is being looked up.", name->host);
	return 0;
}
