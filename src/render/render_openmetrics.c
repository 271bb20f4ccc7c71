/* SPDX-License-Identifier: MIT */
/* Renders the status report as OpenMetrics text, for monitoring. */
#include "render/render_openmetrics.h"

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
};

/* The label's name; samples of the site itself have none. */
static const char *const labels[] = {
	[SCOPE_PEER] = "peer",
	[SCOPE_TUNNEL] = "tunnel",
	[SCOPE_SESSION] = "session",
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
	const char *unit; /* or NULL; the name ends with it */
	const char *help;
	enum scope scope;
	bool ms;	/* the number counts milliseconds, the sample seconds */
	bool skip_zero; /* zero means "never": no sample */
	struct source sources[2];
};

#define NUMBER(type, member)                                                                       \
	{                                                                                          \
		NULL, offsetof(struct type, member), sizeof(((struct type *)0)->member)            \
	}
#define BOTH(type, tx, rx)                                                                         \
	{                                                                                          \
		{ "tx", offsetof(struct type, tx), sizeof(((struct type *)0)->tx) },               \
		{                                                                                  \
			"rx", offsetof(struct type, rx), sizeof(((struct type *)0)->rx)            \
		}                                                                                  \
	}

static const struct metric metrics[] = {
	{ "wirespan_uptime_seconds", "gauge", "seconds", "Time since the site came up.", SCOPE_SITE,
		.ms = true, .sources = { NUMBER(status_report, uptime_ms) } },
	{ "wirespan_warnings", "gauge", NULL, "Warnings that status prints.", SCOPE_SITE,
		.sources = { NUMBER(status_report, warnings_len) } },
	{ "wirespan_differences", "gauge", NULL,
		"Differences between the configuration and the host.", SCOPE_SITE,
		.sources = { NUMBER(status_report, differences_len) } },
	{ "wirespan_underlay_mtu_bytes", "gauge", "bytes", "Path MTU of the underlay.", SCOPE_SITE,
		.sources = { NUMBER(status_report, budget.outer_mtu) } },
	{ "wirespan_interface_mtu_bytes", "gauge", "bytes",
		"Largest packet in one WireGuard message.", SCOPE_SITE,
		.sources = { NUMBER(status_report, budget.wg_mtu) } },
	{ "wirespan_pending_port", "gauge", NULL,
		"Configured UDP port that cannot be opened yet; 0 if there is none.", SCOPE_SITE,
		.sources = { NUMBER(status_report, wg.pending_port) } },
	{ "wirespan_interface_packets", "counter", NULL,
		"IP packets through the WireGuard interface.", SCOPE_SITE,
		.sources = BOTH(status_report, wg.tun_tx.packets, wg.tun_rx.packets) },
	{ "wirespan_interface_bytes", "counter", "bytes",
		"Bytes of IP packets through the WireGuard interface.", SCOPE_SITE,
		.sources = BOTH(status_report, wg.tun_tx.bytes, wg.tun_rx.bytes) },
	{ "wirespan_interface_dropped_packets", "counter", NULL,
		"Packets of the WireGuard interface that were dropped.", SCOPE_SITE,
		.sources = BOTH(status_report, wg.dropped_tx, wg.dropped_rx) },
	{ "wirespan_interface_too_big_replies", "counter", NULL,
		"ICMP too-big replies to senders through the WireGuard interface.", SCOPE_SITE,
		.sources = { NUMBER(status_report, wg.too_big_sent) } },
	{ "wirespan_peer_bytes", "counter", "bytes",
		"UDP payload of every WireGuard message, handshakes included.", SCOPE_PEER,
		.sources = BOTH(status_peer, tx_bytes, rx_bytes) },
	{ "wirespan_peer_last_handshake_seconds", "gauge", "seconds",
		"When the last handshake was, since 1970; absent before the first.", SCOPE_PEER,
		.skip_zero = true, .sources = { NUMBER(status_peer, last_handshake.sec) } },
	{ "wirespan_peer_path_mtu_bytes", "gauge", "bytes",
		"MTU of the path to the peer; absent while it is not known.", SCOPE_PEER,
		.skip_zero = true, .sources = { NUMBER(status_peer, path.mtu) } },
	{ "wirespan_peer_path_probes", "counter", NULL, "Probes sent since the last route lookup.",
		SCOPE_PEER, .sources = { NUMBER(status_peer, path.probes) } },
	{ "wirespan_peer_path_answers", "counter", NULL, "Answers to these probes.", SCOPE_PEER,
		.sources = { NUMBER(status_peer, path.answers) } },
	{ "wirespan_peer_path_black_holes", "counter", NULL,
		"Times the path was found to carry less than before.", SCOPE_PEER,
		.sources = { NUMBER(status_peer, path.black_holes) } },
	{ "wirespan_peer_path_train_max", "gauge", NULL,
		"Datagrams sent at once at most, as the path loses longer trains; 0 without limit.",
		SCOPE_PEER, .sources = { NUMBER(status_peer, path.train_max) } },
	{ "wirespan_tunnel_unknown_session_packets", "counter", NULL,
		"Packets with a session id that the tunnel does not have.", SCOPE_TUNNEL,
		.sources = { NUMBER(status_tunnel, unknown_sessions) } },
	{ "wirespan_tunnel_control_messages", "counter", NULL,
		"L2TP control messages, dropped as the tunnel is a static one.", SCOPE_TUNNEL,
		.sources = { NUMBER(status_tunnel, control_messages) } },
	{ "wirespan_tunnel_bad_checksum_packets", "counter", NULL,
		"Packets with a wrong UDP checksum.", SCOPE_TUNNEL,
		.sources = { NUMBER(status_tunnel, bad_checksums) } },
	{ "wirespan_peer_route_leads_back", "gauge", NULL,
		"Where the route to the peer's endpoint leads: 0 out, 1 not known, 2 into our own "
		"segment, 3 into our own tunnel.",
		SCOPE_PEER, .sources = { NUMBER(status_peer, route.leads) } },
	{ "wirespan_session_frames", "counter", NULL, "Ethernet frames through the session.",
		SCOPE_SESSION, .sources = BOTH(status_session, tx.packets, rx.packets) },
	{ "wirespan_session_bytes", "counter", "bytes",
		"Bytes of Ethernet frames through the session.", SCOPE_SESSION,
		.sources = BOTH(status_session, tx.bytes, rx.bytes) },
	{ "wirespan_session_dropped_frames", "counter", NULL, "Frames that were dropped.",
		SCOPE_SESSION, .sources = BOTH(status_session, dropped_tx, dropped_rx) },
	{ "wirespan_session_fragments", "counter", NULL, "Fragments inside the tunnel.",
		SCOPE_SESSION, .sources = BOTH(status_session, fragments_tx, fragments_rx) },
	{ "wirespan_session_fragmented_frames", "counter", NULL,
		"Frames that crossed in fragments.", SCOPE_SESSION,
		.sources = BOTH(status_session, fragmented, reassembled) },
	{ "wirespan_session_reordered_frames", "counter", NULL,
		"Frames that arrived out of sequence.", SCOPE_SESSION,
		.sources = { NUMBER(status_session, reordered) } },
	{ "wirespan_session_numbered_frames", "counter", NULL,
		"Received frames with a sequence number.", SCOPE_SESSION,
		.sources = { NUMBER(status_session, with_sequence) } },
	{ "wirespan_session_unnumbered_frames", "counter", NULL,
		"Received frames without a sequence number though they have a field for it.",
		SCOPE_SESSION, .sources = { NUMBER(status_session, without_sequence) } },
	{ "wirespan_session_lost_frames", "counter", NULL,
		"Numbers skipped in the received sequence.", SCOPE_SESSION,
		.sources = { NUMBER(status_session, lost) } },
	{ "wirespan_session_wrong_cookie_packets", "counter", NULL, "Packets with a wrong cookie.",
		SCOPE_SESSION, .sources = { NUMBER(status_session, wrong_cookie) } },
	{ "wirespan_session_bad_length_packets", "counter", NULL,
		"Packets too short or too long for the session.", SCOPE_SESSION,
		.sources = { NUMBER(status_session, bad_length) } },
	{ "wirespan_session_sublayer_suspected_frames", "counter", NULL,
		"Frames that look as if the peer had the other sublayer.", SCOPE_SESSION,
		.sources = { NUMBER(status_session, sublayer_suspected) } },
	{ "wirespan_session_clamped_connections", "counter", NULL,
		"TCP connections whose MSS was lowered.", SCOPE_SESSION,
		.sources = { NUMBER(status_session, mss_clamped) } },
	{ "wirespan_session_too_big_replies", "counter", NULL, "ICMP too-big replies to members.",
		SCOPE_SESSION, .sources = { NUMBER(status_session, too_big_sent) } },
	{ "wirespan_session_mtu_bytes", "gauge", "bytes", "MTU of the session's interface.",
		SCOPE_SESSION, .sources = { NUMBER(status_session, mtu) } },
	{ "wirespan_session_unfragmented_bytes", "gauge", "bytes",
		"Largest IP packet in an untagged frame that crosses in one piece.", SCOPE_SESSION,
		.sources = { NUMBER(status_session, budget) } },
	{ "wirespan_engine_superframes", "counter", NULL,
		"Frames or superframes read from (tx) and written to (rx) interfaces.", SCOPE_SITE,
		.sources = BOTH(status_report, engine.superframes_tx, engine.superframes_rx) },
	{ "wirespan_engine_segments", "counter", NULL,
		"Packets that these were cut into (tx), datagrams received (rx).", SCOPE_SITE,
		.sources = BOTH(status_report, engine.segments_tx, engine.segments_rx) },
	{ "wirespan_engine_datagrams", "counter", NULL,
		"Datagrams of every kind sent (tx) and received (rx).", SCOPE_SITE,
		.sources = BOTH(status_report, engine.datagrams_tx, engine.segments_rx) },
	{ "wirespan_engine_handshake_messages", "counter", NULL,
		"Datagrams of these that carried no data.", SCOPE_SITE,
		.sources = BOTH(status_report, engine.handshakes_tx, engine.handshakes_rx) },
	{ "wirespan_engine_received_fragments", "counter", NULL,
		"Fragments received inside the tunnel, joined or not.", SCOPE_SITE,
		.sources = { NUMBER(status_report, engine.fragments_rx) } },
	{ "wirespan_engine_trains", "counter", NULL,
		"Calls that sent (tx) and received (rx) these datagrams.", SCOPE_SITE,
		.sources = BOTH(status_report, engine.trains_tx, engine.trains_rx) },
	{ "wirespan_engine_batches", "counter", NULL, "Runs of the data path.", SCOPE_SITE,
		.sources = BOTH(status_report, engine.batches_tx, engine.batches_rx) },
	{ "wirespan_engine_syscalls", "counter", NULL, "System calls of the data path.", SCOPE_SITE,
		.sources = { NUMBER(status_report, engine.syscalls) } },
	{ "wirespan_engine_wakeups", "counter", NULL, "Wake-ups from waiting for events.",
		SCOPE_SITE, .sources = { NUMBER(status_report, engine.wakeups) } },
	{ "wirespan_engine_memory_bytes", "gauge", "bytes", "Memory of the engine, fixed at start.",
		SCOPE_SITE, .sources = { NUMBER(status_report, engine.memory_bytes) } },
};

/* A label's value, escaped. */
static void put_value(FILE *out, const char *text)
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
	put_value(out, value);
}

static void put_family(
	FILE *out, const char *name, const char *type, const char *unit, const char *help)
{
	fprintf(out, "# TYPE %s %s\n", name, type);
	if (unit)
		fprintf(out, "# UNIT %s %s\n", name, unit);
	fprintf(out, "# HELP %s %s\n", name, help);
}

/* One sample of the struct at `base`; `object` is the second label, `{…` not yet closed. */
static void put_sample(FILE *out, const struct metric *m, const struct source *from,
	const struct status_report *r, const char *base, const char *object)
{
	uint64_t value = 0;

	memcpy(&value, base + from->offset, from->size);
	if (!value && m->skip_zero)
		return;
	fprintf(out, "%s%s", m->name, m->type[0] == 'c' ? "_total" : "");
	put_label(out, "{", "site", r->site);
	if (object)
		put_label(out, ",", labels[m->scope], object);
	if (from->direction)
		put_label(out, ",", "direction", from->direction);
	if (m->ms)
		fprintf(out, "} %" PRIu64 ".%03u\n", value / 1000, (unsigned)(value % 1000));
	else
		fprintf(out, "} %" PRIu64 "\n", value);
}

static void put_samples(FILE *out, const struct metric *m, const struct status_report *r,
	const void *base, const char *object)
{
	for (size_t i = 0; i < ARRAY_LEN(m->sources) && m->sources[i].size; i++)
		put_sample(out, m, &m->sources[i], r, base, object);
}

/* All samples of one site. */
static void put_site(FILE *out, const struct metric *m, const struct status_report *r)
{
	char key[KEY_BASE64_LEN + 1];
	char id[sizeof("4294967295")];

	switch (m->scope) {
	case SCOPE_SITE:
		put_samples(out, m, r, r, NULL);
		break;
	case SCOPE_PEER:
		for (size_t i = 0; i < r->peers_len; i++) {
			key_to_base64(r->peers[i].public_key, key);
			put_samples(out, m, r, &r->peers[i], key);
		}
		break;
	case SCOPE_TUNNEL:
		for (size_t i = 0; i < r->tunnels_len; i++) {
			snprintf(id, sizeof(id), "%" PRIu32, r->tunnels[i].tunnel_id);
			put_samples(out, m, r, &r->tunnels[i], id);
		}
		break;
	case SCOPE_SESSION:
		for (size_t i = 0; i < r->sessions_len; i++)
			put_samples(out, m, r, &r->sessions[i], r->sessions[i].name);
		break;
	}
}

static void put_info(FILE *out, const struct status_report *reports, size_t len)
{
	put_family(out, "wirespan_site", "info", NULL, "A running site.");
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

static void put_peer_states(FILE *out, const struct status_report *reports, size_t len)
{
	char key[KEY_BASE64_LEN + 1];

	put_family(
		out, "wirespan_peer_up", "gauge", NULL, "Whether there is a session for sending.");
	for (size_t i = 0; i < len; i++) {
		for (size_t j = 0; j < reports[i].peers_len; j++) {
			const struct status_peer *peer = &reports[i].peers[j];

			key_to_base64(peer->public_key, key);
			fputs("wirespan_peer_up", out);
			put_label(out, "{", "site", reports[i].site);
			put_label(out, ",", "peer", key);
			fprintf(out, "} %d\n", peer->state == STATUS_PEER_ESTABLISHED);
		}
	}
}

/* One sample for each port: whether it is up, or its state. */
static void put_bridge_ports(FILE *out, const struct status_report *r, const char *name, bool state)
{
	for (size_t i = 0; i < r->bridges_len; i++) {
		const struct status_bridge *b = &r->bridges[i];

		for (size_t j = 0; j < b->members_len; j++) {
			const struct status_member *m = &b->members[j];

			fputs(name, out);
			put_label(out, "{", "site", r->site);
			put_label(out, ",", "bridge", b->name);
			put_label(out, ",", "port", m->name);
			fprintf(out, "} %d\n", state ? (int)m->state : m->up);
		}
	}
}

static void put_ports(FILE *out, const struct status_report *reports, size_t len)
{
	put_family(out, "wirespan_bridge_port_up", "gauge", NULL,
		"Whether a port of the bridge is up and has a carrier.");
	for (size_t i = 0; i < len; i++)
		put_bridge_ports(out, &reports[i], "wirespan_bridge_port_up", false);
	put_family(out, "wirespan_bridge_port_state", "gauge", NULL,
		"State of a port: 0 forwarding, 1 learning, 2 listening, 3 blocking, 4 disabled, 5 "
		"down, 6 no carrier, 7 in no bridge, 8 in another bridge, 9 absent.");
	for (size_t i = 0; i < len; i++)
		put_bridge_ports(out, &reports[i], "wirespan_bridge_port_state", true);
}

static void put_drops(FILE *out, const struct status_report *reports, size_t len)
{
	put_family(out, "wirespan_dropped_packets", "counter", NULL,
		"Packets that were dropped, by reason.");
	for (size_t i = 0; i < len; i++) {
		for (int d = DROP_NONE + 1; d < DROP_COUNT; d++) {
			fputs("wirespan_dropped_packets_total", out);
			put_label(out, "{", "site", reports[i].site);
			put_label(out, ",", "reason", drop_name((enum drop)d));
			fprintf(out, "} %" PRIu64 "\n", reports[i].drops.n[d]);
		}
	}
}

void render_openmetrics(FILE *out, const struct status_report *reports, size_t len)
{
	put_info(out, reports, len);
	put_peer_states(out, reports, len);
	for (size_t i = 0; i < ARRAY_LEN(metrics); i++) {
		const struct metric *m = &metrics[i];

		put_family(out, m->name, m->type, m->unit, m->help);
		for (size_t j = 0; j < len; j++)
			put_site(out, m, &reports[j]);
	}
	put_ports(out, reports, len);
	put_drops(out, reports, len);
	fputs("# EOF\n", out);
}
