/* SPDX-License-Identifier: MIT */
/* Renders the status report as Prometheus or OpenMetrics text, for monitoring. */
#include "render/render_metrics.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "base/bytes.h"

/** The scope of a metric: its samples have a label in addition to the site's. */
enum scope {
	SCOPE_SITE,
	SCOPE_PEER,
	SCOPE_TUNNEL,
	SCOPE_SESSION,
	SCOPE_PORT,
};

/* The label's name; samples of the site itself have none. */
static const char *const labels[] = {
	[SCOPE_PEER] = "peer",
	[SCOPE_TUNNEL] = "tunnel",
	[SCOPE_SESSION] = "session",
	[SCOPE_PORT] = "port",
};

/** Offset of a sample's number in the struct of its scope, and its direction. */
struct source {
	const char *direction; /* label, or NULL */
	size_t offset;
	size_t size;
};

/** One metric family. */
struct metric {
	const char *name;
	const char *type; /* "counter" or "gauge" */
	const char *help;
	enum scope scope;
	unsigned factor;   /* the sample is the number times this (0: 1), */
	unsigned fraction; /* and so many digits of that are after the point */
	bool skip_zero;	   /* zero means "never": no sample */
	struct source sources[2];
};

/* A metric of one number, or of one for each direction, of a struct `type`. */
#define SOURCE(type, dir, member)                                                                  \
	{                                                                                          \
		.direction = dir, .offset = offsetof(struct type, member),                         \
		.size = sizeof(((struct type *)0)->member)                                         \
	}
#define ONE(scope_, type, member) .scope = scope_, .sources = { SOURCE(type, NULL, member) }
#define BOTH(scope_, type, tx, rx)                                                                 \
	.scope = scope_, .sources = { SOURCE(type, "tx", tx), SOURCE(type, "rx", rx) }
#define SITE_ONE(member)     ONE(SCOPE_SITE, status_report, member)
#define SITE_BOTH(tx, rx)    BOTH(SCOPE_SITE, status_report, tx, rx)
#define PEER_ONE(member)     ONE(SCOPE_PEER, status_peer, member)
#define PEER_BOTH(tx, rx)    BOTH(SCOPE_PEER, status_peer, tx, rx)
#define TUNNEL_ONE(member)   ONE(SCOPE_TUNNEL, status_tunnel, member)
#define SESSION_ONE(member)  ONE(SCOPE_SESSION, status_session, member)
#define SESSION_BOTH(tx, rx) BOTH(SCOPE_SESSION, status_session, tx, rx)
#define PORT_ONE(member)     ONE(SCOPE_PORT, status_member, member)

static const struct metric metrics[] = {
	{ "wirespan_uptime_seconds", "gauge", "Time since the site came up.", SITE_ONE(uptime_ms),
		.fraction = 3 },
	{ "wirespan_warnings", "gauge", "Warnings that status prints.", SITE_ONE(warnings_len) },
	{ "wirespan_differences", "gauge", "Differences between the configuration and the host.",
		SITE_ONE(differences_len) },
	{ "wirespan_underlay_mtu_bytes", "gauge", "Path MTU of the underlay.",
		SITE_ONE(budget.outer_mtu) },
	{ "wirespan_interface_mtu_bytes", "gauge", "Largest packet in one WireGuard message.",
		SITE_ONE(budget.wg_mtu) },
	{ "wirespan_pending_port", "gauge",
		"Configured UDP port that cannot be opened yet; 0 if there is none.",
		SITE_ONE(wg.pending_port) },
	{ "wirespan_interface_packets", "counter", "IP packets through the WireGuard interface.",
		SITE_BOTH(wg.tun_tx.packets, wg.tun_rx.packets) },
	{ "wirespan_interface_bytes", "counter",
		"Bytes of IP packets through the WireGuard interface.",
		SITE_BOTH(wg.tun_tx.bytes, wg.tun_rx.bytes) },
	{ "wirespan_interface_dropped_packets", "counter",
		"Packets of the WireGuard interface that were dropped.",
		SITE_BOTH(wg.dropped_tx, wg.dropped_rx) },
	{ "wirespan_interface_too_big_replies", "counter",
		"ICMP too-big replies to senders through the WireGuard interface.",
		SITE_ONE(wg.too_big_sent) },
	{ "wirespan_peer_bytes", "counter",
		"UDP payload of every WireGuard message, handshakes included.",
		PEER_BOTH(tx_bytes, rx_bytes) },
	{ "wirespan_peer_last_handshake_seconds", "gauge",
		"When the last handshake was, since 1970; absent before the first.",
		PEER_ONE(last_handshake.sec), .skip_zero = true },
	{ "wirespan_peer_path_mtu_bytes", "gauge",
		"MTU of the path to the peer; absent while it is not known.", PEER_ONE(path.mtu),
		.skip_zero = true },
	{ "wirespan_peer_path_probes", "counter", "Probes sent since the last route lookup.",
		PEER_ONE(path.probes) },
	{ "wirespan_peer_path_answers", "counter", "Answers to these probes.",
		PEER_ONE(path.answers) },
	{ "wirespan_peer_path_black_holes", "counter",
		"Times the path was found to carry less than before.", PEER_ONE(path.black_holes) },
	{ "wirespan_peer_path_train_max", "gauge",
		"Datagrams sent at once at most, as the path loses longer trains; 0 without limit.",
		PEER_ONE(path.train_max) },
	{ "wirespan_peer_round_trip_seconds", "gauge",
		"Round trip of the path's probes, smoothed; absent while it is not known.",
		PEER_ONE(path.rtt_us), .fraction = 6, .skip_zero = true },
	{ "wirespan_peer_jitter_seconds", "gauge",
		"By how much these round trips differ from it, smoothed.", PEER_ONE(path.jitter_us),
		.fraction = 6 },
	{ "wirespan_peer_received_messages", "counter", "Data messages received from the peer.",
		PEER_ONE(arrivals.received) },
	{ "wirespan_peer_lost_messages", "counter",
		"Data messages of the peer that were not received in time.",
		PEER_ONE(arrivals.lost) },
	{ "wirespan_peer_reordered_messages", "counter",
		"Data messages received after a later one.", PEER_ONE(arrivals.reordered) },
	{ "wirespan_peer_late_messages", "counter",
		"Data messages received after they were counted as lost.",
		PEER_ONE(arrivals.late) },
	{ "wirespan_peer_queue_bytes_per_second", "gauge",
		"Rate at which frames that had to wait have left lately.", PEER_ONE(queue.rate),
		.factor = 125, .fraction = 3 },
	{ "wirespan_peer_queue_backlog_bytes", "gauge",
		"Frames that wait, as the link is slower than their senders.",
		PEER_ONE(queue.backlog) },
	{ "wirespan_peer_queue_delay_p50_seconds", "gauge",
		"What half of the frames have waited at most lately.", PEER_ONE(queue.delay_p50_us),
		.fraction = 6 },
	{ "wirespan_peer_queue_delay_p99_seconds", "gauge",
		"What 99 percent of the frames have waited at most lately.",
		PEER_ONE(queue.delay_p99_us), .fraction = 6 },
	{ "wirespan_peer_queue_frames", "counter", "Frames that had to wait and have left.",
		PEER_ONE(queue.packets) },
	{ "wirespan_peer_queue_dropped_frames", "counter",
		"Frames that waited and were dropped, to keep the delay short.",
		PEER_ONE(queue.dropped) },
	{ "wirespan_peer_queue_marked_frames", "counter", "Frames that were marked (ECN) instead.",
		PEER_ONE(queue.marked) },
	{ "wirespan_tunnel_unknown_session_packets", "counter",
		"Packets with a session id that the tunnel does not have.",
		TUNNEL_ONE(unknown_sessions) },
	{ "wirespan_tunnel_control_messages", "counter",
		"L2TP control messages, dropped as the tunnel is a static one.",
		TUNNEL_ONE(control_messages) },
	{ "wirespan_tunnel_bad_checksum_packets", "counter", "Packets with a wrong UDP checksum.",
		TUNNEL_ONE(bad_checksums) },
	{ "wirespan_peer_route_leads_back", "gauge",
		"Where the route to the peer's endpoint leads: 0 out, 1 not known, 2 into our own "
		"segment, 3 into our own tunnel.",
		PEER_ONE(route.leads) },
	{ "wirespan_session_frames", "counter", "Ethernet frames through the session.",
		SESSION_BOTH(tx.packets, rx.packets) },
	{ "wirespan_session_bytes", "counter", "Bytes of Ethernet frames through the session.",
		SESSION_BOTH(tx.bytes, rx.bytes) },
	{ "wirespan_session_dropped_frames", "counter", "Frames that were dropped.",
		SESSION_BOTH(dropped_tx, dropped_rx) },
	{ "wirespan_session_fragments", "counter", "Fragments inside the tunnel.",
		SESSION_BOTH(fragments_tx, fragments_rx) },
	{ "wirespan_session_fragmented_frames", "counter", "Frames that crossed in fragments.",
		SESSION_BOTH(fragmented, reassembled) },
	{ "wirespan_session_reordered_frames", "counter", "Frames that arrived out of sequence.",
		SESSION_ONE(reordered) },
	{ "wirespan_session_numbered_frames", "counter", "Received frames with a sequence number.",
		SESSION_ONE(with_sequence) },
	{ "wirespan_session_unnumbered_frames", "counter",
		"Received frames without a sequence number though they have a field for it.",
		SESSION_ONE(without_sequence) },
	{ "wirespan_session_lost_frames", "counter", "Numbers skipped in the received sequence.",
		SESSION_ONE(lost) },
	{ "wirespan_session_wrong_cookie_packets", "counter", "Packets with a wrong cookie.",
		SESSION_ONE(wrong_cookie) },
	{ "wirespan_session_bad_length_packets", "counter",
		"Packets too short or too long for the session.", SESSION_ONE(bad_length) },
	{ "wirespan_session_sublayer_suspected_frames", "counter",
		"Frames that look as if the peer had the other sublayer.",
		SESSION_ONE(sublayer_suspected) },
	{ "wirespan_session_clamped_connections", "counter",
		"TCP connections whose MSS was lowered.", SESSION_ONE(mss_clamped) },
	{ "wirespan_session_too_big_replies", "counter", "ICMP too-big replies to members.",
		SESSION_ONE(too_big_sent) },
	{ "wirespan_session_mtu_bytes", "gauge", "MTU of the session's interface.",
		SESSION_ONE(mtu) },
	{ "wirespan_session_unfragmented_bytes", "gauge",
		"Largest IP packet in an untagged frame that crosses in one piece.",
		SESSION_ONE(budget) },
	{ "wirespan_engine_superframes", "counter",
		"Frames or superframes read from (tx) and written to (rx) interfaces.",
		SITE_BOTH(engine.superframes_tx, engine.superframes_rx) },
	{ "wirespan_engine_segments", "counter",
		"Packets that these were cut into (tx), datagrams received (rx).",
		SITE_BOTH(engine.segments_tx, engine.segments_rx) },
	{ "wirespan_engine_datagrams", "counter",
		"Datagrams of every kind sent (tx) and received (rx).",
		SITE_BOTH(engine.datagrams_tx, engine.segments_rx) },
	{ "wirespan_engine_handshake_messages", "counter",
		"Datagrams of these that carried no data.",
		SITE_BOTH(engine.handshakes_tx, engine.handshakes_rx) },
	{ "wirespan_engine_received_fragments", "counter",
		"Fragments received inside the tunnel, joined or not.",
		SITE_ONE(engine.fragments_rx) },
	{ "wirespan_engine_trains", "counter",
		"Calls that sent (tx) and received (rx) these datagrams.",
		SITE_BOTH(engine.trains_tx, engine.trains_rx) },
	{ "wirespan_engine_batches", "counter", "Runs of the data path.",
		SITE_BOTH(engine.batches_tx, engine.batches_rx) },
	{ "wirespan_engine_syscalls", "counter", "System calls of the data path.",
		SITE_ONE(engine.syscalls) },
	{ "wirespan_engine_wakeups", "counter", "Wake-ups from waiting for events.",
		SITE_ONE(engine.wakeups) },
	{ "wirespan_engine_memory_bytes", "gauge", "Memory of the engine, fixed at start.",
		SITE_ONE(engine.memory_bytes) },
	{ "wirespan_bridge_port_up", "gauge",
		"Whether a port of the bridge is up and has a carrier.", PORT_ONE(up) },
	{ "wirespan_bridge_port_state", "gauge",
		"State of a port: 0 forwarding, 1 learning, 2 listening, 3 blocking, 4 disabled, 5 "
		"down, 6 no carrier, 7 in no bridge, 8 in another bridge, 9 absent.",
		PORT_ONE(state) },
};

/** Where the metrics go, and in which format. */
struct writer {
	FILE *out;
	enum metrics_format format;
};

void metrics_put_value(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", out);
		else if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
	fputc('"', out);
}

static void put_label(FILE *out, const char *separator, const char *name, const char *value)
{
	fprintf(out, "%s%s=", separator, name);
	metrics_put_value(out, value);
}

/* The suffix of a sample's name. In the Prometheus format it belongs to the family's name, too. */
static const char *suffix(const char *type)
{
	return !strcmp(type, "counter") ? "_total" : !strcmp(type, "info") ? "_info" : "";
}

/* The metadata of a family, whose name ends with its unit if it has one. The Prometheus format has
 * neither units nor the type "info". */
static void put_family(const struct writer *w, const char *name, const char *type, const char *help)
{
	const char *last = strrchr(name, '_') + 1;

	if (w->format == METRICS_PROMETHEUS) {
		fprintf(w->out, "# HELP %s%s %s\n", name, suffix(type), help);
		fprintf(w->out, "# TYPE %s%s %s\n", name, suffix(type),
			!strcmp(type, "info") ? "gauge" : type);
		return;
	}
	fprintf(w->out, "# TYPE %s %s\n", name, type);
	if (!strcmp(last, "bytes") || !strcmp(last, "seconds"))
		fprintf(w->out, "# UNIT %s %s\n", name, last);
	fprintf(w->out, "# HELP %s %s\n", name, help);
}

/* One sample of the struct at `base`. `bridge` and `object` are the labels after the site's; NULL:
 * none. */
static void put_sample(FILE *out, const struct metric *m, const struct source *from,
	const struct status_report *r, const char *base, const char *bridge, const char *object)
{
	uint64_t value = load_host(base + from->offset, from->size);
	uint64_t scale = 1;

	if ((!value && m->skip_zero) || (value == STATUS_ABSENT && from->size == sizeof(value)))
		return;
	fprintf(out, "%s%s", m->name, suffix(m->type));
	put_label(out, "{", "site", r->site);
	if (bridge)
		put_label(out, ",", "bridge", bridge);
	if (object)
		put_label(out, ",", labels[m->scope], object);
	if (from->direction)
		put_label(out, ",", "direction", from->direction);
	if (m->factor)
		value *= m->factor;
	for (unsigned i = 0; i < m->fraction; i++)
		scale *= 10;
	fprintf(out, "} %" PRIu64, value / scale);
	if (m->fraction)
		fprintf(out, ".%0*" PRIu64, (int)m->fraction, value % scale);
	fputc('\n', out);
}

static void put_samples(FILE *out, const struct metric *m, const struct status_report *r,
	const void *base, const char *bridge, const char *object)
{
	for (size_t i = 0; i < ARRAY_LEN(m->sources) && m->sources[i].size; i++)
		put_sample(out, m, &m->sources[i], r, base, bridge, object);
}

/* All samples of one site. */
static void put_site(FILE *out, const struct metric *m, const struct status_report *r)
{
	char key[KEY_BASE64_LEN + 1];
	char id[sizeof("4294967295")];

	switch (m->scope) {
	case SCOPE_SITE:
		put_samples(out, m, r, r, NULL, NULL);
		break;
	case SCOPE_PEER:
		for (size_t i = 0; i < r->peers_len; i++) {
			put_samples(out, m, r, &r->peers[i], NULL,
				status_peer_label(&r->peers[i], key));
		}
		break;
	case SCOPE_TUNNEL:
		for (size_t i = 0; i < r->tunnels_len; i++) {
			snprintf(id, sizeof(id), "%" PRIu32, r->tunnels[i].tunnel_id);
			put_samples(out, m, r, &r->tunnels[i], NULL, id);
		}
		break;
	case SCOPE_SESSION:
		for (size_t i = 0; i < r->sessions_len; i++)
			put_samples(out, m, r, &r->sessions[i], NULL, r->sessions[i].name);
		break;
	case SCOPE_PORT:
		for (size_t i = 0; i < r->bridges_len; i++)
			for (size_t k = 0; k < r->bridges[i].members_len; k++)
				put_samples(out, m, r, &r->bridges[i].members[k],
					r->bridges[i].name, r->bridges[i].members[k].name);
		break;
	}
}

static void put_info(const struct writer *w, const struct status_report *reports, size_t len)
{
	FILE *out = w->out;
	put_family(w, "wirespan_site", "info", "A running site.");
	for (size_t i = 0; i < len; i++) {
		fputs("wirespan_site_info", out);
		put_label(out, "{", "site", reports[i].site);
		put_label(out, ",", "version", reports[i].version);
		put_label(out, ",", "backend", reports[i].backend);
		put_label(out, ",", "aead", reports[i].aead);
		put_label(out, ",", "interface", reports[i].wg.name);
		fputs("} 1\n", out);
	}
}

/* A metric of each peer that is yes or no. */
static void put_peer_fact(const struct writer *w, const struct status_report *reports, size_t len,
	const char *name, const char *help, bool (*fact)(const struct status_peer *peer))
{
	char key[KEY_BASE64_LEN + 1];

	put_family(w, name, "gauge", help);
	for (size_t i = 0; i < len; i++) {
		for (size_t j = 0; j < reports[i].peers_len; j++) {
			const struct status_peer *peer = &reports[i].peers[j];

			fputs(name, w->out);
			put_label(w->out, "{", "site", reports[i].site);
			put_label(w->out, ",", "peer", status_peer_label(peer, key));
			fprintf(w->out, "} %d\n", fact(peer));
		}
	}
}

static bool is_up(const struct status_peer *peer)
{
	return peer->state == STATUS_PEER_ESTABLISHED;
}

/* WireGuard ends the session of a peer that has nothing to send: that alone is no failure. */
static bool is_wanted(const struct status_peer *peer)
{
	return peer->keepalive_s || peer->state == STATUS_PEER_HANDSHAKE;
}

static void put_drops(const struct writer *w, const struct status_report *reports, size_t len)
{
	FILE *out = w->out;
	put_family(
		w, "wirespan_dropped_packets", "counter", "Packets that were dropped, by reason.");
	for (size_t i = 0; i < len; i++) {
		for (int d = DROP_NONE + 1; d < DROP_COUNT; d++) {
			if (reports[i].drops.n[d] == STATUS_ABSENT)
				continue;
			fputs("wirespan_dropped_packets_total", out);
			put_label(out, "{", "site", reports[i].site);
			put_label(out, ",", "reason", drop_name((enum drop)d));
			fprintf(out, "} %" PRIu64 "\n", reports[i].drops.n[d]);
		}
	}
}

const char *metrics_content_type(enum metrics_format format)
{
	return format == METRICS_OPENMETRICS
		       ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
		       : "text/plain; version=0.0.4; charset=utf-8";
}

void render_metrics(
	FILE *out, enum metrics_format format, const struct status_report *reports, size_t len)
{
	const struct writer w = { out, format };

	put_info(&w, reports, len);
	put_peer_fact(&w, reports, len, "wirespan_peer_up",
		"Whether there is a session for sending.", is_up);
	put_peer_fact(&w, reports, len, "wirespan_peer_session_wanted",
		"Whether there should be a session: by PersistentKeepalive, or a packet waits for "
		"one.",
		is_wanted);
	for (size_t i = 0; i < ARRAY_LEN(metrics); i++) {
		const struct metric *m = &metrics[i];

		put_family(&w, m->name, m->type, m->help);
		for (size_t j = 0; j < len; j++)
			put_site(out, m, &reports[j]);
	}
	put_drops(&w, reports, len);
	if (format == METRICS_OPENMETRICS)
		fputs("# EOF\n", out);
}
