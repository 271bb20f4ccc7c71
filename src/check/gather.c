/* SPDX-License-Identifier: MIT */
/* Runs a check: the order of the probes, and the addresses that they go to. */
#include "check/gather.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "check/blocked.h"
#include "check/broadcasts.h"
#include "check/crossing.h"
#include "check/filters.h"
#include "check/session_probe.h"
#include "check/settings.h"
#include "check/sweep.h"
#include "check/tunnel_probe.h"
#include "check/underlay_probe.h"
#include "host/running_conf.h"
#include "judge/inside.h"

#define FLOOD_MS 1000

#define STARTING_MS	 8000  /* longest wait for a far gateway to start */
#define STARTED_MS	 32000 /* its ports forward by then: twice the forward delay, and more */
#define STARTING_WAIT_MS 500

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

/* What the file sets for the peers. Without it, nothing is concluded from that. */
static void read_file(struct observations *f)
{
	struct conf_site conf;

	if (running_conf_load(f->before.site, &conf) < 0)
		return;
	f->host.port_is_fixed = conf.interface.listen_port != 0;
	for (size_t i = 0; i < f->n_peers; i++)
		for (size_t k = 0; k < conf.n_peers; k++)
			if (!memcmp(conf.peers[k].public_key, f->before.peers[i].public_key,
				    KEY_LEN))
				f->peers[i].dialled = conf.peers[k].endpoint_host != NULL;
	conf_site_fini(&conf);
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
	inside_fill(f, &f->before);
	return 0;
}

/* How long, in ms, ports of the far bridges may still listen or learn (STP), a state visible only
 * there; 0: none does. Signs: the far gateways answer below their bridge, no path through the
 * segment leads to them, and the handshake is as young as the gateway then must be. */
static uint64_t starting_ms(const struct observations *f)
{
	uint64_t left = 0;

	for (size_t i = 0; i < f->n_sessions; i++) {
		const struct observed_session *s = &f->sessions[i];
		const struct status_bridge *bridge =
			check_bridge_of(&f->before, f->before.sessions[i].name);
		uint64_t age = s->path_tried ? f->before.peers[s->peer].handshake_age_ms : 0;

		if (s->path_tried && !s->path_found && s->far_end.received &&
			!check_is_settling(f, bridge) && age + left < STARTED_MS)
			left = STARTED_MS - age;
	}
	return left;
}

/* Forget what has been observed of the sessions and their ports. */
static void forget(struct observations *f)
{
	for (size_t i = 0; i < f->n_sessions; i++) {
		struct observed_session *s = &f->sessions[i];

		*s = (struct observed_session){
			.peer = s->peer,
			.refusal = s->refusal,
			.alien = s->alien,
			.inside = s->inside,
		};
	}
	for (size_t i = 0; i < f->n_ports; i++)
		f->ports[i].n_stations = 0;
}

/* Probe all sessions: once more from the beginning while a far gateway may have just started and
 * will soon be ready. */
static void probe_sessions(struct prober *p, struct segment *segment, struct session_probes **ret)
{
	struct mono begin = clock_mono();
	uint64_t left;

	for (;;) {
		sweep_find_hosts(segment);
		segment_ask_hosts(segment);
		*ret = session_probes_open(segment);
		if (!*ret)
			return;
		session_probes_ask(*ret);
		left = starting_ms(p->facts);
		if (left > STARTING_MS || mono_between(begin, clock_mono()) >= left * NS_PER_MS)
			break; /* a longer wait is left to the user */
		session_probes_close(*ret);
		prober_wait(p, STARTING_WAIT_MS, NULL, NULL);
		forget(p->facts);
	}
	session_probes_measure_sizes(*ret);
}

/* Frames of the segment: the pseudowires first, then what members send. */
static void probe_segment(struct prober *p, struct segment *segment, struct session_probes **ret)
{
	struct crossings *crossings;

	if (segment_find_loops(segment))
		return;
	probe_sessions(p, segment, ret);
	blocked_find(segment);
	crossings = crossings_open(segment);
	if (crossings)
		crossings_ask(crossings);
	crossings_close(crossings);
	broadcasts_ask(segment);
	segment_ask_jumbo(segment);
	(void)segment_find_loops(segment); /* one that closed meanwhile, or drops most frames */
}

/* Everything that sends. The throughput comes last, after all that listens has finished. */
static int probe(struct prober *p, const struct check_options *options)
{
	struct underlay_probe *underlay = underlay_probe_open(p);
	struct session_probes *sessions = NULL;
	struct tunnel_probe *inside = NULL;
	struct segment segment = { 0 };
	int err = underlay ? segment_open(&segment, p) : -ENOMEM;

	if (!err)
		err = tunnel_probe_open(p, &inside);
	if (!err) {
		tunnel_probe_ask_peers(inside);
		probe_segment(p, &segment, &sessions);
	} else if (err == -ENODEV) { /* the WireGuard interface is gone, as status reports */
		err = 0;
	}
	underlay_probe_close(underlay);
	if (inside)
		tunnel_probe_stop_capture(inside);
	if (sessions && options->throughput)
		session_probes_flood(sessions, FLOOD_MS);
	if (sessions && options->load)
		session_probes_load(sessions, inside);
	tunnel_probe_close(inside);
	session_probes_close(sessions);
	segment_close(&segment);
	return err;
}

/* Compare counters with those before. */
static void finish(struct observations *f)
{
	f->host.rp_filter = filters_count_rp_filter() - f->host.rp_filter;
	f->host.untracked = filters_count_untracked() - f->host.untracked;
	f->host.time = clock_wall().sec;
	if (!observed_reports_match(&f->before, &f->after))
		return;
	for (size_t i = 0; i < f->n_sessions; i++)
		f->sessions[i].frames_in =
			f->after.sessions[i].rx.packets - f->before.sessions[i].rx.packets;
}

int check_gather(const struct check_options *options, struct observations *ret)
{
	struct prober p;
	int err;

	*ret = (struct observations){ 0 };
	err = prober_open(&p, ret, options);
	ret->target = options->target;
	if (!err)
		err = prober_status(&p, &ret->before);
	if (!err)
		err = prepare(ret);
	if (!err)
		err = settings_look(&p);
	if (!err)
		filters_look(&p);
	if (!err)
		read_file(ret);
	if (!err)
		err = probe(&p, options);
	if (!err)
		err = prober_status(&p, &ret->after);
	if (!err)
		finish(ret);
	prober_close(&p);
	if (err)
		observations_fini(ret);
	return err;
}
