/* SPDX-License-Identifier: MIT */
/* Probes through all sessions at once: echo requests, packets of every size, and at full rate. */
#include "check/session_probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "check/far_end.h"
#include "check/load_probe.h"
#include "check/probe_pace.h"
#include "check/size_search.h"

/* Theory of operation. All sessions are probed in step, so that the time does not grow with their
 * number: one request on each, then one wait for all replies. Probes go to a host behind the far
 * bridge, from the bridge's address here (segment.h). Where none answers because a bridge blocks
 * its port, the far gateway is probed below its bridge (far_end.h), and then like any host of the
 * segment, through our bridge, to find out whether another path leads to it. */

#define ECHOS_LOSSY 80 /* where some are lost: to know how many */
#define ECHO_MS	    10
#define TRIES	    2
#define TRIES_MAIN  3	/* for the sizes that decide: the interface's MTU, and the computed size */
#define TRIES_LOSSY 5	/* for them, where echoes were lost */
#define LATE_MS	    400 /* time limit for a reply */
#define WINDOW	    64	/* outstanding echo requests during the throughput test */
#define FLOOD_MAX   30000
#define FAR_ECHOS   10
#define FAR_TRIES   3  /* requests without a reply until the far end counts as silent */
#define LOSS_LIMIT  10 /* percent; sizes are not measured at a higher loss */

/** Probes through one session. */
struct session_probe {
	struct session_probes *all;
	size_t number;
	struct observed_session *facts;
	const struct status_session *report;
	struct port *port; /* NULL: it cannot be probed */
	struct observed_station *station;
	bool lossy;		 /* some echo requests are answered, and some are not */
	struct far_end *far_end; /* open once it is probed; then sizes are measured with it */
	struct size_search search;
	struct size_result result; /* of the size that is being tried */
	uint64_t out;		   /* counters of fragments before */
	uint64_t in;
};

/** All sessions. */
struct session_probes {
	struct segment *segment;
	struct session_probe *v;
	size_t n;
};

/* Whether a session has a peer to send frames to. */
static bool has_peer(const struct observations *f, const struct observed_session *s)
{
	if (s->peer == SIZE_MAX)
		return false;
	return f->before.peers[s->peer].state == STATUS_PEER_ESTABLISHED ||
	       f->peers[s->peer].echo.received;
}

struct session_probes *session_probes_open(struct segment *segment)
{
	struct observations *f = segment->prober->facts;
	struct session_probes *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->segment = segment;
	s->v = calloc(f->n_sessions + 1, sizeof(*s->v));
	for (size_t i = 0; s->v && i < f->n_sessions; i++) {
		struct session_probe *v = &s->v[s->n++];
		struct port *port = segment_session_port(segment, i);

		*v = (struct session_probe){ .all = s,
			.number = i,
			.facts = &f->sessions[i],
			.report = &f->before.sessions[i] };
		if (!has_peer(f, v->facts))
			continue;
		v->facts->error = port ? port->error : -ENODEV;
		v->facts->tried = v->facts->error >= 0;
		v->port = v->facts->tried ? port : NULL;
	}
	return s;
}

/* ---- echo ---- */

static bool is_held(const struct session_probe *v)
{
	return check_port_is_held(v->port->facts->state);
}

/* A far gateway that answers echo requests, unless the user named a host; or NULL. */
static struct observed_station *echoing_gateway(const struct session_probe *v)
{
	struct observed_port *port = v->port->facts;

	for (unsigned i = 0; i < port->n_stations && i < OBSERVED_STATIONS; i++)
		if (port->stations[i].gateway && port->stations[i].echo.received &&
			!port->stations[i].tcp_port &&
			!v->all->segment->prober->facts->target.family)
			return &port->stations[i];
	return NULL;
}

/* Further probes go to the station that answers best: TCP alone measures no sizes. */
static void choose_station(struct session_probe *v)
{
	struct observed_session *f = v->facts;

	if (!v->port || is_held(v))
		return;
	v->station = observed_main_station(v->port->facts, &v->all->segment->prober->facts->target);
	f->stations = v->port->facts->n_stations;
	if (v->station && v->station->tcp_port && echoing_gateway(v))
		v->station = echoing_gateway(v);
	if (v->station && !segment_can_ask(v->port, v->station))
		v->station = NULL;
	if (!v->station)
		return;
	f->station = v->station->ip4.family && v->port->n_ip4 ? v->station->ip4 : v->station->ip6;
	memcpy(f->station_mac, v->station->mac, LINK_MAC_LEN);
}

static bool no_echo_is_due(const void *ctx)
{
	const struct session_probes *s = ctx;

	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].facts->echo.received < s->v[i].facts->echo.sent)
			return false;
	return true;
}

static bool wants_echo(const struct session_probe *v, unsigned round)
{
	if (!v->station || (!v->station->echo.received && round >= FAR_TRIES))
		return false;
	return round < PROBE_ECHOS || v->lossy;
}

/* Find the sessions that lose some echo requests. A slow path is not filled with more. */
static void find_lossy(struct session_probes *s)
{
	prober_wait(s->segment->prober, LATE_MS, no_echo_is_due, s);
	for (size_t i = 0; i < s->n; i++) {
		const struct observed_echo *e = &s->v[i].facts->echo;

		s->v[i].lossy =
			!s->segment->prober->byte_ns && e->received && e->received < e->sent;
	}
}

static void ask_stations(struct session_probes *s)
{
	struct prober *p = s->segment->prober;
	bool any = true;

	for (unsigned round = 0; any && round < ECHOS_LOSSY && !prober_is_late(p); round++) {
		any = false;
		if (round == PROBE_ECHOS)
			find_lossy(s);
		for (size_t i = 0; i < s->n; i++) {
			struct session_probe *v = &s->v[i];

			if (!wants_echo(v, round))
				continue;
			any = true;
			v->port->echo = &v->facts->echo;
			v->facts->echo.sent++;
			segment_ask(v->port, v->station, SEGMENT_SMALL);
		}
		if (any)
			prober_wait(p, probe_pace_echo_ms(round), NULL, NULL);
	}
	prober_wait(p, LATE_MS, no_echo_is_due, s);
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].port)
			s->v[i].port->echo = NULL;
}

/* ---- the far gateway ---- */

static bool is_silent(const struct session_probe *v)
{
	return v->facts->far_end.sent >= FAR_TRIES && !v->facts->far_end.received;
}

static bool far_ends_have_answered(const void *ctx)
{
	const struct session_probes *s = ctx;

	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].far_end && !is_silent(&s->v[i]) &&
			!far_end_has_answered(s->v[i].far_end))
			return false;
	return true;
}

/* Send one frame below each far bridge, and wait for the replies. Return: whether any was sent. */
static bool ask_far_ends_once(struct session_probes *s)
{
	bool any = false;

	for (size_t i = 0; i < s->n; i++) {
		struct session_probe *v = &s->v[i];

		if (!v->far_end || is_silent(v))
			continue;
		any = true;
		v->facts->far_end.sent++;
		far_end_ask(v->far_end, SEGMENT_SMALL);
	}
	if (!any)
		return false;
	prober_wait(s->segment->prober, LATE_MS, far_ends_have_answered, s);
	for (size_t i = 0; i < s->n; i++) {
		struct session_probe *v = &s->v[i];

		if (v->far_end && !is_silent(v) && far_end_has_answered(v->far_end))
			observed_echo_answer(&v->facts->far_end, far_end_round_trip(v->far_end));
	}
	return true;
}

/* Whether a MAC address belongs to the far end of the pseudowire itself, not to its bridge. */
static bool is_far_port(const struct session_probe *v)
{
	const uint8_t *far = far_end_mac(v->far_end);

	return far && !memcmp(far, v->facts->station_mac, LINK_MAC_LEN);
}

/* No host behind the far bridge answered, or none could be probed: verify the pseudowire below the
 * bridges. */
static void ask_far_ends(struct session_probes *s)
{
	struct prober *p = s->segment->prober;

	for (size_t i = 0; i < s->n; i++) {
		struct session_probe *v = &s->v[i];

		if (v->port && !v->facts->echo.received && v->port->link.has_mac)
			(void)far_end_open(p, i, &v->port->link, &v->far_end);
	}
	for (unsigned round = 0; round < FAR_ECHOS && !prober_is_late(p); round++)
		if (!ask_far_ends_once(s))
			break;
	for (size_t i = 0; i < s->n; i++) {
		struct session_probe *v = &s->v[i];

		if (v->far_end)
			v->facts->unbridged = is_far_port(v) && v->facts->stations == 1;
	}
}

/* Whether a port of the session's bridge forwards frames. */
static bool forwards(const struct observations *f, const struct status_bridge *bridge)
{
	for (size_t i = 0; i < bridge->members_len; i++)
		if (check_port_state(f, bridge->members[i].name) == CHECK_PORT_FORWARDING)
			return true;
	return false;
}

/* With a spanning tree: find out, through our bridge, whether any path of the segment leads to the
 * far gateway. */
static void ask_path(struct session_probe *v)
{
	struct segment *segment = v->all->segment;
	struct prober *p = segment->prober;
	const struct observations *f = p->facts;
	const struct status_tunnel *tunnel = observed_tunnel_of(&f->before, v->report);
	const struct status_bridge *bridge = check_bridge_of(&f->before, v->report->name);

	if (!v->port || v->facts->station.family || !tunnel || !bridge || !bridge->stp ||
		!forwards(f, bridge))
		return;
	prober_wait(p, ECHO_MS, NULL, NULL); /* read what has come to this session before */
	v->port->remote = tunnel->remote;
	v->facts->path_found = segment_ask_bridge(segment, bridge->name, &tunnel->remote);
	prober_wait(p, ECHO_MS, NULL, NULL); /* also read the socket of this session */
	v->port->remote = (struct ip_addr){ 0 };
	v->facts->path_tried = true;
}

void session_probes_ask(struct session_probes *s)
{
	for (size_t i = 0; i < s->n; i++)
		choose_station(&s->v[i]);
	ask_stations(s);
	ask_far_ends(s);
	for (size_t i = 0; i < s->n; i++)
		ask_path(&s->v[i]);
}

/* ---- sizes ---- */

static const struct status_session *session_in(
	const struct status_report *r, const struct status_session *like)
{
	for (size_t i = 0; i < r->sessions_len; i++)
		if (r->sessions[i].tunnel_id == like->tunnel_id &&
			r->sessions[i].session_id == like->session_id)
			return &r->sessions[i];
	return NULL;
}

static bool is_searching(const struct session_probe *v)
{
	return v->facts->limit && size_search_next(&v->search);
}

static bool has_answered(const struct session_probe *v)
{
	return v->far_end ? far_end_has_answered(v->far_end) : v->port->answered;
}

static bool sizes_have_answered(const void *ctx)
{
	const struct session_probes *s = ctx;

	for (size_t i = 0; i < s->n; i++)
		if (is_searching(&s->v[i]) && !has_answered(&s->v[i]))
			return false;
	return true;
}

/* Compare the counters of fragments with those before. Other traffic may be fragmented at the same
 * time, which only increases them: one try without fragments is proof. */
static void take_result(struct session_probe *v, const struct status_session *now)
{
	if (!now || !has_answered(v))
		return;
	v->result.passes = true;
	v->result.whole_out |= now->fragmented == v->out;
	v->result.whole_in |= now->reassembled == v->in;
	if (!v->far_end && v->port->in_pieces) {
		v->facts->station_cuts = true;
		v->result.whole_in = true; /* larger replies are not measured */
	}
}

/* Read the counters of fragments, before or after a try. */
static void read_counters(struct session_probes *s, bool after)
{
	struct status_report report = { 0 };

	if (prober_status(s->segment->prober, &report) < 0)
		return;
	for (size_t i = 0; i < s->n; i++) {
		struct session_probe *v = &s->v[i];
		const struct status_session *now = session_in(&report, v->report);

		if (!is_searching(v) || !now)
			continue;
		if (after) {
			take_result(v, now);
			continue;
		}
		v->out = now->fragmented;
		v->in = now->reassembled;
	}
	status_report_fini(&report);
}

/* The echoes of a session: of the far end below its bridge, or of a host behind it. */
static const struct observed_echo *echo_of(const struct session_probe *v)
{
	return v->far_end ? &v->facts->far_end : &v->facts->echo;
}

/* Whether echoes were lost, of the session or of the peer behind it. */
static bool is_lossy(const struct session_probe *v)
{
	const struct observations *f = v->all->segment->prober->facts;
	const struct observed_echo *e = echo_of(v);
	size_t peer = v->facts->peer;

	return e->received < e->sent ||
	       (peer != SIZE_MAX && f->peers[peer].echo.received < f->peers[peer].echo.sent);
}

/* Whether the size that is being tried needs another try, after `tried`: a packet may be lost, and
 * other packets may be fragmented at the same time. */
static bool is_open(const struct session_probe *v, unsigned tried)
{
	unsigned tries = TRIES;

	if (size_search_is_main(&v->search))
		tries = is_lossy(v) ? TRIES_LOSSY : TRIES_MAIN;
	return is_searching(v) && tried < tries &&
	       !(v->result.passes && v->result.whole_out && v->result.whole_in);
}

/* Sizes are those of the pseudowire: they are measured with the far gateway, whose MTU is the
 * segment's, unless the user named a host. */
static const struct observed_station *size_station(const struct session_probe *v)
{
	const struct observed_station *gateway = echoing_gateway(v);

	return gateway ? gateway : v->station;
}

/* Try the next size of each session once more, after `tried`. */
static void try_sizes(struct session_probes *s, unsigned tried, unsigned ms)
{
	bool any = false;

	for (size_t i = 0; i < s->n; i++)
		any |= is_open(&s->v[i], tried);
	if (!any)
		return;
	read_counters(s, false);
	for (size_t i = 0; i < s->n; i++) {
		struct session_probe *v = &s->v[i];
		unsigned size = is_open(v, tried) ? size_search_next(&v->search) : 0;

		if (!size)
			continue;
		if (v->far_end)
			far_end_ask(v->far_end, size);
		else
			segment_ask(v->port, size_station(v), size);
	}
	prober_wait(s->segment->prober, ms, sizes_have_answered, s);
	prober_turn(s->segment->prober); /* the capture of the WireGuard interface, too */
	read_counters(s, true);
}

static bool start_search(struct session_probe *v)
{
	struct observed_session *f = v->facts;
	const struct observed_echo *e = echo_of(v);
	bool counts = v->report->fragmented != STATUS_ABSENT;

	if (!e->received || (e->sent - e->received) * 100 > LOSS_LIMIT * e->sent)
		return false;
	if (!v->far_end && size_station(v)->tcp_port)
		return false;
	f->limit = v->report->mtu;
	size_search_start(&v->search, f, v->report->budget, counts);
	if (v->search.state == SEARCH_DONE)
		return false;
	f->outward = v->far_end != NULL;
	return true;
}

/* How long to wait for the first try: four round trips. */
static unsigned wait_ms(const struct session_probes *s)
{
	uint64_t us = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct observed_session *f = s->v[i].facts;
		uint64_t max = f->echo.received ? f->echo.max_us : f->far_end.max_us;

		us = max > us ? max : us;
	}
	us = us / 250 + 50;
	return us > LATE_MS ? LATE_MS : (unsigned)us;
}

void session_probes_measure_sizes(struct session_probes *s)
{
	struct prober *p = s->segment->prober;
	unsigned ms = wait_ms(s);
	bool more = false;

	for (size_t i = 0; i < s->n; i++)
		more |= start_search(&s->v[i]);
	while (more && !prober_is_late(p)) {
		for (size_t i = 0; i < s->n; i++)
			s->v[i].result = (struct size_result){ 0 };
		for (unsigned try = 0; try < TRIES_LOSSY; try++)
			try_sizes(s, try, try ? LATE_MS : ms);
		more = false;
		for (size_t i = 0; i < s->n; i++) {
			if (!is_searching(&s->v[i]))
				continue;
			size_search_take(&s->v[i].search, &s->v[i].result);
			more |= is_searching(&s->v[i]);
		}
	}
	for (size_t i = 0; i < s->n; i++)
		if (is_searching(&s->v[i]))
			s->v[i].facts->limit = 0; /* the time limit ended the search: no result */
}

/* ---- throughput ---- */

static void flood(struct session_probe *v, unsigned ms)
{
	struct prober *p = v->all->segment->prober;
	struct observed_session *f = v->facts;
	struct mono end = mono_earliest(p->end, mono_add(clock_mono(), ms * NS_PER_MS));
	unsigned size = f->whole ? f->whole : SEGMENT_SMALL;
	uint64_t answered = 0;
	struct mono moved = clock_mono();

	p->seq = 1; /* numbers go up to FLOOD_MAX: none is used twice */
	v->port->flooding = true;
	f->flood_size = size;
	while (f->flood_sent < FLOOD_MAX && !mono_reached(end, clock_mono())) {
		if (f->flood_received != answered) {
			answered = f->flood_received;
			moved = clock_mono();
		}
		if (f->flood_sent - f->flood_received >= WINDOW &&
			mono_between(moved, clock_mono()) < 50 * NS_PER_MS) {
			prober_turn(p);
			continue;
		}
		segment_ask(v->port, v->station, size);
		f->flood_sent++;
	}
	prober_wait(p, 200, NULL, NULL);
	v->port->flooding = false;
}

/* Whether a host behind the session answers echo requests. */
static bool can_be_loaded(const struct session_probe *v)
{
	return v->station && !v->station->tcp_port && v->facts->echo.received;
}

void session_probes_flood(struct session_probes *s, unsigned ms)
{
	for (size_t i = 0; i < s->n && !prober_is_late(s->segment->prober); i++)
		if (can_be_loaded(&s->v[i]))
			flood(&s->v[i], ms);
}

/* Whether a session of the same peer is loaded before this one: it has the same path. */
static bool is_loaded_already(const struct session_probes *s, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (s->v[k].facts->peer == s->v[i].facts->peer && s->v[k].facts->load_out.size)
			return true;
	return false;
}

void session_probes_load(struct session_probes *s, struct tunnel_probe *inside)
{
	for (size_t i = 0; i < s->n && !prober_is_late(s->segment->prober); i++) {
		struct session_probe *v = &s->v[i];

		if (can_be_loaded(v) && !is_loaded_already(s, i))
			load_probe_run(v->port, v->station, inside, v->facts);
	}
}

void session_probes_close(struct session_probes *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++)
		far_end_close(s->v[i].far_end);
	free(s->v);
	free(s);
}
