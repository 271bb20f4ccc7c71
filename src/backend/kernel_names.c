/* SPDX-License-Identifier: MIT */
/* Peers of the kernel's WireGuard whose endpoint is a host name. */
#include "backend/kernel_names.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/kernel_peers.h"
#include "base/clock.h"
#include "base/log.h"
#include "underlay/mtu_budget.h"

const struct kernel_name *kernel_names_find(
	const struct kernel_names *names, const uint8_t public_key[static KEY_LEN])
{
	for (size_t i = 0; i < names->n; i++)
		if (!memcmp(names->v[i].public_key, public_key, KEY_LEN))
			return &names->v[i];
	return NULL;
}

/* ---- the list ---- */

static void on_answers(void *ctx, uint32_t events)
{
	struct kernel_names *names = ctx;

	(void)events;
	names->answered = true; /* kernel_names_work() reads them */
}

static int open_resolver(struct kernel_names *names, struct loop *loop)
{
	int err = resolver_open(&names->resolver);

	if (err < 0)
		return err;
	names->loop = loop;
	err = loop_watch_input(
		loop, &names->watch, resolver_fd(names->resolver), on_answers, names);
	if (err < 0) {
		resolver_close(names->resolver);
		names->resolver = NULL;
	}
	return err;
}

static bool is_name(const struct conf_peer *peer)
{
	struct ip_addr ignored;

	return peer->endpoint_host && ip_addr_parse(peer->endpoint_host, &ignored) < 0;
}

/* Whether the peer has an endpoint with a session, which is not to be moved. */
static bool is_settled(const struct kernel_names *names, const struct wgnl_peer_info *peer)
{
	return peer && peer->endpoint.addr.family && peer->handshake_s &&
	       kernel_clock_age(names->clock, peer->handshake_s, clock_mono(), clock_wall()) <
		       KERNEL_NAMES_STALE_S;
}

/* Fill in the name of a peer: that of before, or a new one. */
static void fill(struct kernel_name *to, const struct kernel_names *names,
	const struct conf_peer *peer, const struct wgnl_device *resumed)
{
	const struct kernel_name *old = kernel_names_find(names, peer->public_key);

	if (old && old->port == peer->endpoint_port && !strcmp(old->host, peer->endpoint_host)) {
		*to = *old;
		return;
	}
	memcpy(to->public_key, peer->public_key, KEY_LEN);
	snprintf(to->host, sizeof(to->host), "%s", peer->endpoint_host);
	to->port = peer->endpoint_port;
	dns_retry_init(&to->retry);
	to->found = resumed && is_settled(names, kernel_peers_find(resumed, peer->public_key));
	to->moves = !to->found;
	to->due = to->found ? MONO_NEVER : clock_mono();
}

int kernel_names_set(struct kernel_names *names, struct loop *loop, const struct conf_site *conf,
	const struct wgnl_device *resumed, struct error *ret_error)
{
	struct kernel_name *v = calloc(conf->n_peers + 1, sizeof(*v));
	size_t n = 0;
	int err = v ? 0 : -ENOMEM;

	for (size_t i = 0; v && i < conf->n_peers; i++)
		if (is_name(&conf->peers[i]))
			fill(&v[n++], names, &conf->peers[i], resumed);
	if (err == 0 && n && !names->resolver)
		err = open_resolver(names, loop);
	if (err < 0) {
		free(v);
		return error_set(ret_error, err, "Cannot resolve the host names of peers:\n");
	}
	free(names->v);
	names->v = v;
	names->n = n;
	return 0;
}

void kernel_names_close(struct kernel_names *names)
{
	if (names->resolver)
		loop_remove(names->loop, &names->watch);
	resolver_close(names->resolver);
	free(names->v);
	*names = (struct kernel_names){ 0 };
}

/* ---- queries and answers ---- */

static void ask(struct kernel_names *names, struct kernel_name *name)
{
	name->question = names->next_question++;
	dns_retry_asked(&name->retry, clock_mono());
	name->asking = resolver_ask(names->resolver, name->question, name->host, name->failed) == 0;
	name->due = name->asking ? MONO_NEVER : mono_add(clock_mono(), DNS_RETRY_MIN);
}

/* Log a failed query once, and the first answer after it. */
static void log_answer(const struct kernel_name *name, const struct resolver_answer *a)
{
	char first[IP_ADDR_TEXT_LEN];

	if (resolver_problem_text(a->code) && !name->failed)
		log_warning("Cannot find the address of %s: %s. Retrying at growing intervals; "
			    "is the name right, and is a name server reachable?",
			name->host, resolver_problem_text(a->code));
	else if (!resolver_problem_text(a->code) && (name->failed || !name->found))
		log_info("%s has the address %s%s", name->host, ip_addr_text(&a->v[0].addr, first),
			a->n > 1 ? " and others" : "");
}

/* Whether the peer's session is alive, although its handshake is old: packets still come. */
static bool still_receives(const struct kernel_name *name, const struct wgnl_peer_info *peer)
{
	return peer->rx_bytes != name->rx_bytes ||
	       (mono_is_set(name->received) && mono_between(name->received, clock_mono()) <
						       KERNEL_NAMES_RECEIVED_S * NS_PER_S);
}

/* Whether there is a route to an address, for what the interface sends. */
static bool has_route(
	struct nl_socket *routes, const struct ip_addr *to, const struct wgnl_device *device)
{
	return to->family && mtu_budget_route_mtu(routes, to, 0, device->fwmark);
}

/* The address to try: the first with a route, from the one after the present endpoint's on. With a
 * new name the present one may stay. */
static size_t choose(struct nl_socket *routes, const struct wgnl_device *device,
	const struct resolver_answer *a, const struct wgnl_peer_info *peer, bool stays)
{
	size_t first = 0;

	for (size_t i = 0; i < a->n; i++)
		if (ip_addr_equal(&a->v[i].addr, &peer->endpoint.addr))
			first = stays ? i : i + 1;
	for (size_t i = 0; i < a->n; i++)
		if (has_route(routes, &a->v[(first + i) % a->n].addr, device))
			return (first + i) % a->n;
	return first % a->n;
}

/* Set the endpoint of a peer. Return: whether that has changed it. */
static bool move_to(const struct kernel_names *names, const struct kernel_names_target *target,
	struct kernel_name *name, const struct resolver_answer *a)
{
	struct wgnl_peer peer = { .public_key = name->public_key, .update_only = true };
	struct wgnl_config config = { .ifname = target->interface, .peers = &peer, .n_peers = 1 };
	const struct wgnl_peer_info *have;
	struct wgnl_device device;
	struct error error;
	struct endpoint to;
	char text[ENDPOINT_TEXT_LEN];
	int err = kernel_peers_query(target->k, target->interface, &device, &error);

	if (err < 0) {
		log_warning("%s %s", error.problem, error.hint);
		return false;
	}
	have = kernel_peers_find(&device, name->public_key);
	if (have && a->n > 0 &&
		(name->moves || (!is_settled(names, have) && !still_receives(name, have)))) {
		to = a->v[choose(target->routes, &device, a, have, name->moves)];
		to.port = name->port;
		if (!endpoint_equal(&to, &have->endpoint)) {
			peer.endpoint = &to;
			err = wgnl_set(&target->k->nl, target->k->wireguard, &config);
		}
		name->moves &= err < 0;
		if (err < 0)
			log_warning("Cannot set the endpoint %s of %s: %s",
				endpoint_text(&to, text), name->host, strerror(-err));
	}
	wgnl_device_fini(&device);
	return peer.endpoint && err == 0;
}

static bool apply_answer(const struct kernel_names *names, const struct kernel_names_target *target,
	struct kernel_name *name, const struct resolver_answer *a)
{
	log_answer(name, a);
	name->asking = false;
	name->problem = resolver_problem_text(a->code);
	name->failed = name->problem;
	name->due = dns_retry_answered(&name->retry, name->failed, clock_mono());
	if (name->failed)
		return false;
	name->found = true;
	return move_to(names, target, name, a);
}

static bool read_answers(struct kernel_names *names, const struct kernel_names_target *target)
{
	struct resolver_answer a;
	bool moved = false;

	while (resolver_next(names->resolver, &a))
		for (size_t i = 0; i < names->n; i++)
			if (names->v[i].asking && names->v[i].question == a.id)
				moved |= apply_answer(names, target, &names->v[i], &a);
	return moved;
}

bool kernel_names_work(struct kernel_names *names, const struct kernel_names_target *target)
{
	struct mono now = clock_mono();
	bool moved = false;

	if (names->answered)
		moved = read_answers(names, target);
	names->answered = false;
	for (size_t i = 0; i < names->n; i++)
		if (mono_reached(names->v[i].due, now))
			ask(names, &names->v[i]);
	return moved;
}

/* Count what was sent to the peer and came from it. Return: whether it does not answer. */
static bool is_silent(const struct kernel_names *names, struct kernel_name *name,
	const struct wgnl_peer_info *peer, const struct wgnl_device *device,
	struct nl_socket *routes)
{
	bool sent = peer->tx_bytes != name->tx_bytes;

	if (peer->rx_bytes != name->rx_bytes)
		name->received = clock_mono();
	name->tx_bytes = peer->tx_bytes;
	name->rx_bytes = peer->rx_bytes;
	return !is_settled(names, peer) && !still_receives(name, peer) &&
	       (sent || !has_route(routes, &peer->endpoint.addr, device));
}

void kernel_names_look(
	struct kernel_names *names, const struct wgnl_device *device, struct nl_socket *routes)
{
	struct mono now = clock_mono();

	for (size_t i = 0; i < names->n; i++) {
		struct kernel_name *name = &names->v[i];
		const struct wgnl_peer_info *peer = kernel_peers_find(device, name->public_key);
		bool silent = peer && is_silent(names, name, peer, device, routes);

		if (silent && name->found && !name->asking &&
			mono_between(name->retry.asked, now) >= KERNEL_NAMES_AGAIN_S * NS_PER_S)
			name->due = mono_earliest(name->due, now);
	}
}

void kernel_names_routes_changed(struct kernel_names *names)
{
	/* a burst of events is over, and its routes are there, in a second */
	struct mono soon = mono_add(clock_mono(), DNS_RETRY_MIN);

	for (size_t i = 0; i < names->n; i++) {
		struct kernel_name *name = &names->v[i];

		if (name->failed)
			name->due = mono_earliest(
				name->due, dns_retry_event(&name->retry, name->asking, soon));
	}
}

void kernel_names_ask_again(struct kernel_names *names)
{
	for (size_t i = 0; i < names->n; i++) {
		names->v[i].moves = true;
		if (!names->v[i].asking)
			names->v[i].due = clock_mono();
	}
}

static bool all_found(const struct kernel_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		if (!names->v[i].found)
			return false;
	return true;
}

void kernel_names_await(struct kernel_names *names, const struct kernel_names_target *target,
	struct mono until, int stop_fd)
{
	struct pollfd fds[2] = { { .fd = -1 }, { .fd = stop_fd, .events = POLLIN } };
	struct mono now = clock_mono();

	if (!names->resolver)
		return;
	fds[0] = (struct pollfd){ .fd = resolver_fd(names->resolver), .events = POLLIN };
	while (!all_found(names) && !fds[1].revents && !mono_reached(until, now)) {
		struct mono wake = mono_earliest(until, kernel_names_deadline(names));

		(void)poll(fds, 2, (int)(mono_between(now, wake) / NS_PER_MS) + 1);
		(void)read_answers(names, target);
		(void)kernel_names_work(names, target);
		now = clock_mono();
	}
}

struct mono kernel_names_deadline(const struct kernel_names *names)
{
	struct mono due = MONO_NEVER;

	for (size_t i = 0; i < names->n; i++)
		due = mono_earliest(due, names->v[i].due);
	return due;
}

int kernel_names_report(const struct kernel_names *names, struct status_report *r)
{
	for (size_t i = 0; i < names->n; i++) {
		const struct kernel_name *name = &names->v[i];
		int err = 0;

		if (name->failed)
			err = status_add_warning(r,
				"The address of %.60s is not found: %.40s. Is the name right, and "
				"is a name server reachable?",
				name->host, name->problem);
		else if (!name->found)
			err = status_add_warning(
				r, "The address of %.60s is being looked up.", name->host);
		if (err < 0)
			return err;
	}
	return 0;
}
