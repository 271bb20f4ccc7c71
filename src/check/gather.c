/* SPDX-License-Identifier: MIT */
/* Runs a check: the order of the probes, and the addresses that they go to. */
#include "check/gather.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "check/session_probe.h"
#include "check/settings.h"
#include "check/tunnel_probe.h"
#include "check/underlay_probe.h"

#define FLOOD_MS 1000

/* A port forwards 30 s after it has come up. Source: IEEE 802.1D-1998, table 8-3: twice a forward
 * delay of 15 s. */
#define STARTING_MS 31000

/* The address inside the tunnel at which a peer is asked: the Remote of a tunnel to it, or a host
 * that its AllowedIPs name. */
static struct ip_addr tunnel_address(const struct status_report *r, const struct status_peer *peer)
{
	for (size_t t = 0; t < r->tunnels_len; t++)
		for (size_t i = 0; i < peer->allowed_ips.len; i++)
			if (ip_prefix_contains(&peer->allowed_ips.v[i], &r->tunnels[t].remote))
				return r->tunnels[t].remote;
	for (size_t i = 0; i < peer->allowed_ips.len; i++) {
		const struct ip_prefix *p = &peer->allowed_ips.v[i];

		if (p->len == ip_addr_bits(&p->addr))
			return p->addr;
	}
	return (struct ip_addr){ 0 };
}

/* The peer with the most specific prefix for the address. */
static size_t peer_of(const struct status_report *r, const struct ip_addr *remote)
{
	size_t best = SIZE_MAX;
	int len = -1;

	for (size_t p = 0; p < r->peers_len; p++) {
		for (size_t i = 0; i < r->peers[p].allowed_ips.len; i++) {
			const struct ip_prefix *prefix = &r->peers[p].allowed_ips.v[i];

			if (!ip_prefix_contains(prefix, remote) || prefix->len <= len)
				continue;
			best = p;
			len = prefix->len;
		}
	}
	return best;
}

/* Allocate the observations, and fill in those that the report contains. */
static int prepare(struct observations *f)
{
	const struct status_report *r = &f->before;

	f->peers = calloc(r->peers_len + 1, sizeof(*f->peers));
	f->sessions = calloc(r->sessions_len + 1, sizeof(*f->sessions));
	if (!f->peers || !f->sessions)
		return -ENOMEM;
	f->n_peers = r->peers_len;
	f->n_sessions = r->sessions_len;
	for (size_t i = 0; i < f->n_peers; i++)
		f->peers[i].tunnel = tunnel_address(r, &r->peers[i]);
	for (size_t i = 0; i < f->n_sessions; i++) {
		const struct status_tunnel *t = observed_tunnel_of(r, &r->sessions[i]);

		f->sessions[i].peer = t ? peer_of(r, &t->remote) : SIZE_MAX;
	}
	return 0;
}

/* Whether a session has a peer to send frames to. */
static bool has_peer(const struct observations *f, const struct observed_session *s)
{
	if (s->peer == SIZE_MAX)
		return false;
	return f->before.peers[s->peer].state == STATUS_PEER_ESTABLISHED ||
	       f->peers[s->peer].echo.received;
}

/* Whether a port of the bridge forwards frames. */
static bool forwards(const struct observations *f, const struct status_bridge *bridge)
{
	for (size_t i = 0; i < bridge->members_len; i++)
		if (check_port_state(f, bridge->members[i].name) == CHECK_PORT_FORWARDING)
			return true;
	return false;
}

/* No host behind the far bridge answered, or none could be probed: verify the pseudowire below the
 * bridges, and with a spanning tree that another path exists. */
static void probe_far_end(struct prober *p, size_t i, struct session_probe *segment)
{
	struct observations *f = p->facts;
	const struct status_session *session = &f->before.sessions[i];
	const struct status_tunnel *tunnel = observed_tunnel_of(&f->before, session);
	const struct status_bridge *bridge = check_bridge_of(&f->before, session->name);

	if (session_probe_ask_far_end(segment, i))
		session_probe_measure_sizes(segment);
	if (tunnel && bridge && bridge->stp && !f->sessions[i].station.family &&
		forwards(f, bridge))
		session_probe_ask_path(segment, &tunnel->remote, bridge->name);
}

static void probe_session_once(struct prober *p, size_t i, struct session_probe **ret)
{
	struct observations *f = p->facts;
	struct observed_session *s = &f->sessions[i];

	s->error = session_probe_open(p, i, ret);
	if (s->error < 0)
		return;
	s->tried = true;
	if (!check_port_is_held(check_port_state(f, f->before.sessions[i].name)) &&
		session_probe_find(*ret))
		session_probe_measure_sizes(*ret);
	else
		probe_far_end(p, i, *ret);
}

/* Whether the far gateway answers below its bridge, but no path through the segment leads to it: so
 * it is while its ports still listen or learn, which only their own gateway can see. */
static bool may_be_starting(const struct observations *f, size_t i)
{
	const struct observed_session *s = &f->sessions[i];
	const struct status_bridge *bridge =
		check_bridge_of(&f->before, f->before.sessions[i].name);

	return s->path_tried && !s->path_found && s->far_end.received &&
	       !check_is_settling(f, bridge);
}

/* The session, once more from the beginning while the far gateway may have just started. All
 * sessions share the time: after it, no port listens or learns any more. */
static void probe_session(struct prober *p, size_t i, struct session_probe **ret)
{
	struct observations *f = p->facts;
	struct observed_session *s = &f->sessions[i];

	if (!has_peer(f, s))
		return;
	probe_session_once(p, i, ret);
	while (may_be_starting(f, i)) {
		if (!mono_is_set(p->tree_stands))
			p->tree_stands = mono_add(clock_mono(), STARTING_MS * NS_PER_MS);
		if (mono_reached(p->tree_stands, clock_mono()))
			return;
		session_probe_close(*ret);
		*ret = NULL;
		*s = (struct observed_session){
			.peer = s->peer, .refusal = s->refusal, .alien = s->alien
		};
		probe_session_once(p, i, ret);
	}
}

/* Everything that sends. The throughput comes last, after all that listens has finished. */
static int probe(struct prober *p, const struct check_options *options)
{
	struct observations *f = p->facts;
	struct session_probe **segments = calloc(f->n_sessions + 1, sizeof(struct session_probe *));
	struct underlay_probe_probe *underlay = underlay_probe_open(p);
	struct tunnel_probe *inside = NULL;
	int err = segments && underlay ? 0 : -ENOMEM;

	if (!err)
		err = tunnel_probe_open(p, &inside);
	if (!err)
		tunnel_probe_ask_peers(inside);
	for (size_t i = 0; !err && i < f->n_sessions; i++)
		probe_session(p, i, &segments[i]);
	underlay_probe_close(underlay);
	tunnel_probe_close(inside);
	for (size_t i = 0; segments && i < f->n_sessions; i++) {
		if (!err && !options->quick && f->sessions[i].echo.received)
			session_probe_flood(segments[i], FLOOD_MS);
		session_probe_close(segments[i]);
	}
	free(segments);
	return err;
}

int check_gather(
	const char *socket_path, const struct check_options *options, struct observations *ret)
{
	struct prober p;
	int err;

	*ret = (struct observations){ 0 };
	err = prober_open(&p, ret, socket_path);
	p.target = ret->target = options->target;
	if (!err)
		err = prober_status(&p, &ret->before);
	if (!err)
		err = prepare(ret);
	if (!err)
		err = settings_look(&p);
	if (!err)
		err = probe(&p, options);
	if (!err)
		err = prober_status(&p, &ret->after);
	prober_close(&p);
	if (err)
		observations_fini(ret);
	return err;
}
