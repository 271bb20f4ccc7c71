/* SPDX-License-Identifier: MIT */
/* The status report for monitoring: OpenMetrics text. */
#include "cli/render_openmetrics.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "base/bytes.h"

/** What a metric is counted for: a label in addition to the site's. */
enum scope {
	SCOPE_SITE,
	SCOPE_PEER,
	SCOPE_SESSION,
};

/** Where a sample's number stands in the struct of its scope, and which way it counts. */
struct source {
	const char *direction; /* label, or NULL */
	size_t offset;
	size_t size;
};

/** One metric family. */
struct metric {
	const char *name;
	const char *type; /* "counter" or "gauge" */
	const char *unit; /* or NULL; then the name ends in it */
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
	{ "wirespan_underlay_mtu_bytes", "gauge", "bytes", "Path MTU of the underlay.", SCOPE_SITE,
		.sources = { NUMBER(status_report, budget.outer_mtu) } },
	{ "wirespan_interface_mtu_bytes", "gauge", "bytes",
		"Largest packet in one WireGuard message.", SCOPE_SITE,
		.sources = { NUMBER(status_report, budget.wg_mtu) } },
	{ "wirespan_pending_port", "gauge", NULL,
		"UDP port that is asked for and cannot be opened yet; 0 if there is none.",
		SCOPE_SITE, .sources = { NUMBER(status_report, wg.pending_port) } },
	{ "wirespan_interface_packets", "counter", NULL,
		"IP packets through the WireGuard interface.", SCOPE_SITE,
		.sources = BOTH(status_report, wg.tun_tx.packets, wg.tun_rx.packets) },
	{ "wirespan_interface_bytes", "counter", "bytes",
		"Bytes of IP packets through the WireGuard interface.", SCOPE_SITE,
		.sources = BOTH(status_report, wg.tun_tx.bytes, wg.tun_rx.bytes) },
	{ "wirespan_peer_bytes", "counter", "bytes",
		"UDP payload of every WireGuard message, handshakes included.", SCOPE_PEER,
		.sources = BOTH(status_peer, tx_bytes, rx_bytes) },
	{ "wirespan_peer_last_handshake_seconds", "gauge", "seconds",
		"When the last handshake was, since 1970; absent before the first.", SCOPE_PEER,
		.skip_zero = true, .sources = { NUMBER(status_peer, last_handshake.sec) } },
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
	{ "wirespan_engine_segments", "counter", NULL, "Datagrams sent (tx) and received (rx).",
		SCOPE_SITE,
		.sources = BOTH(status_report, engine.segments_tx, engine.segments_rx) },
	{ "wirespan_engine_trains", "counter", NULL,
		"Calls that sent (tx) and received (rx) these datagrams.", SCOPE_SITE,
		.sources = BOTH(status_report, engine.trains_tx, engine.trains_rx) },
	{ "wirespan_engine_batches", "counter", NULL, "Runs of the data path.", SCOPE_SITE,
		.sources = BOTH(status_report, engine.batches_tx, engine.batches_rx) },
	{ "wirespan_engine_syscalls", "counter", NULL, "System calls of the data path.", SCOPE_SITE,
		.sources = { NUMBER(status_report, engine.syscalls) } },
	{ "wirespan_engine_wakeups", "counter", NULL, "Returns from waiting for events.",
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
		put_label(out, ",", m->scope == SCOPE_PEER ? "peer" : "session", object);
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
		out, "wirespan_peer_up", "gauge", NULL, "Whether there is a session to send by.");
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
	put_drops(out, reports, len);
	fputs("# EOF\n", out);
}
