/* SPDX-License-Identifier: MIT */
/* Renders the status report as text for people. */
#include "render/render_text.h"

#include <stdarg.h>
#include <string.h>

#include "base/bytes.h"
#include "pkt/drop.h"
#include "base/format.h"

#define LABEL_WIDTH 15

#define BOLD   "\033[1m"
#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define CYAN   "\033[36m"
#define PLAIN  "\033[0m"

/** The output stream and its style. */
struct page {
	FILE *out;
	const struct render_style *style;
	const char *arrow;
};

static const char *escape(const struct page *p, const char *sequence)
{
	return p->style->colour ? sequence : "";
}

/* The first line of a block: its kind and its name. */
static void __attribute__((format(printf, 4, 5)))
head(const struct page *p, const char *colour, const char *what, const char *format, ...)
{
	va_list ap;

	fprintf(p->out, "%s%s%s%s: ", escape(p, BOLD), escape(p, colour), what, escape(p, PLAIN));
	fputs(escape(p, colour), p->out);
	va_start(ap, format);
	vfprintf(p->out, format, ap);
	va_end(ap);
	fprintf(p->out, "%s\n", escape(p, PLAIN));
}

/* The beginning of a line: its label, padded to a column. */
static void label(const struct page *p, const char *name)
{
	fprintf(p->out, "  %s%-*s%s ", escape(p, BOLD), LABEL_WIDTH, name, escape(p, PLAIN));
}

/* A complete line. */
static void __attribute__((format(printf, 3, 4)))
line(const struct page *p, const char *name, const char *format, ...)
{
	va_list ap;

	label(p, name);
	va_start(ap, format);
	vfprintf(p->out, format, ap);
	va_end(ap);
	fputc('\n', p->out);
}

/* A line about an event that happened `count` times, with a singular noun; no line for 0
 * and what is absent. */
static void count_line(
	const struct page *p, const char *name, uint64_t count, const char *noun, const char *what)
{
	char text[FORMAT_LEN];

	if (status_counted(count))
		line(p, name, "%s %s", format_counted(count, noun, text), what);
}

/* A line about packets dropped in both directions between us and a peer. */
static void dropped_line(
	const struct page *p, uint64_t tx, uint64_t rx, const char *from, const char *to)
{
	char a[FORMAT_LEN];
	char b[FORMAT_LEN];

	if (status_counted(tx) || status_counted(rx))
		line(p, "dropped", "%s from %s, %s for %s", format_count(tx, a), from,
			format_count(rx, b), to);
}

/* A line with a list of prefixes. */
static void prefix_line(const struct page *p, const char *name, const struct status_prefixes *list)
{
	char text[IP_PREFIX_TEXT_LEN];

	label(p, name);
	for (size_t i = 0; i < list->len; i++)
		fprintf(p->out, "%s%s", i ? ", " : "", ip_prefix_text(&list->v[i], text));
	fputs(list->len ? "\n" : "(none)\n", p->out);
}

static void traffic_line(
	const struct page *p, const char *name, const struct status_traffic *t, const char *noun)
{
	char count[FORMAT_LEN];
	char bytes[FORMAT_LEN];

	if (t->packets == STATUS_ABSENT)
		return;
	line(p, name, "%s, %s", format_counted(t->packets, noun, count),
		format_bytes(t->bytes, bytes));
}

static void offload_line(const struct page *p, const struct status_offloads *o)
{
	const struct {
		const char *name;
		bool used;
	} table[] = { { "vnet", o->vnet }, { "TSO", o->tso }, { "USO", o->uso },
		{ "UDP GSO", o->udp_gso }, { "UDP GRO", o->udp_gro } };

	if (!o->known)
		return;
	label(p, "offloads");
	for (int used = 1; used >= 0; used--) {
		bool first = true;

		for (size_t i = 0; i < ARRAY_LEN(table); i++) {
			if (table[i].used != used)
				continue;
			if (first && !used)
				fputs("; not in use: ", p->out);
			fprintf(p->out, "%s%s", first ? "" : ", ", table[i].name);
			first = false;
		}
		if (first && used)
			fputs("none", p->out);
	}
	fputc('\n', p->out);
}

/* How the host differs from the configuration, and what is done about it. */
static void difference_lines(const struct page *p, const struct status_report *r)
{
	static const char *const words[] = {
		[STATUS_REMEDY_RESTORE] = "being restored",
		[STATUS_REMEDY_WAIT] = "waited for",
		[STATUS_REMEDY_LEAVE] = "left as it is",
	};

	for (size_t i = 0; i < r->differences_len; i++) {
		const struct status_difference *d = &r->differences[i];

		fprintf(p->out, "  %s%-*s %s (%s, %s): %s%s\n", escape(p, YELLOW), LABEL_WIDTH,
			"differs", d->text, d->kind, d->name, words[d->remedy], escape(p, PLAIN));
		line(p, "", "%s", d->hint);
	}
}

/* The confined processes, one a line. */
static void process_lines(const struct page *p, const struct status_report *r)
{
	for (size_t i = 0; i < r->processes_len; i++) {
		const struct status_process *s = &r->processes[i];

		line(p, i ? "" : "confined", "%s, pid %u, user %u: %s", s->role, s->pid, s->user,
			*s->confinement ? s->confinement : "not at all");
	}
}

static void site_block(const struct page *p, const struct status_report *r)
{
	char uptime[FORMAT_LEN];

	head(p, GREEN, "site", "%s", r->site);
	if (r->stopped)
		line(p, "not running",
			"its interface %s is gone, and it has no process; wirespan %s", r->wg.name,
			r->version);
	else if (r->pid)
		line(p, "running for", "%s, pid %u, wirespan %s", format_span(r->uptime_ms, uptime),
			r->pid, r->version);
	else
		line(p, "running", "without a process, wirespan %s", r->version);
	if (*r->backend_reason)
		line(p, "back end", "%s: %s", r->backend, r->backend_reason);
	else
		line(p, "back end", "%s", r->backend);
	if (*r->aead)
		line(p, "cipher", "ChaCha20-Poly1305 by %s", r->aead);
	process_lines(p, r);
	offload_line(p, &r->offloads);
	for (size_t i = 0; i < r->warnings_len; i++)
		fprintf(p->out, "  %s%-*s %s%s\n", escape(p, YELLOW), LABEL_WIDTH, "warning",
			r->warnings[i].text, escape(p, PLAIN));
	difference_lines(p, r);
}

static void wg_block(const struct page *p, const struct status_wg *wg)
{
	static const uint8_t no_key[KEY_LEN];
	char key[KEY_BASE64_LEN + 1];

	if (!*wg->name)
		return;
	key_to_base64(wg->public_key, key);
	fputc('\n', p->out);
	head(p, GREEN, "interface", "%s", wg->name);
	if (memcmp(wg->public_key, no_key, KEY_LEN) != 0) /* not one that is gone */
		line(p, "public key", "%s", key);
	if (wg->pending_port)
		line(p, "listening port", "%u; %u cannot be opened yet", wg->listen_port,
			wg->pending_port);
	else if (wg->listen_port)
		line(p, "listening port", "%u", wg->listen_port);
	if (wg->fwmark)
		line(p, "fwmark", "0x%x", wg->fwmark);
	prefix_line(p, "addresses", &wg->addresses);
	line(p, "MTU", "%u", wg->mtu);
	traffic_line(p, "sent", &wg->tun_tx, "packet");
	traffic_line(p, "received", &wg->tun_rx, "packet");
	count_line(p, "too big", wg->too_big_sent, "ICMP message", "to senders");
	dropped_line(p, wg->dropped_tx, wg->dropped_rx, wg->name, wg->name);
}

static void handshake_line(const struct page *p, const struct status_peer *peer)
{
	char age[FORMAT_LEN];

	label(p, "handshake");
	if (peer->last_handshake.sec)
		fprintf(p->out, "%s ago", format_span(peer->handshake_age_ms, age));
	else
		fputs("none yet", p->out);
	switch (peer->state) {
	case STATUS_PEER_IDLE:
		fputs(", no session\n", p->out);
		break;
	case STATUS_PEER_HANDSHAKE:
		fputs(", calling\n", p->out);
		break;
	case STATUS_PEER_ESTABLISHED:
	case STATUS_PEER_STATE_COUNT:
		fputs(", session up\n", p->out);
		break;
	}
}

static void path_line(const struct page *p, const struct status_path *path)
{
	static const char *const words[] = {
		[STATUS_PATH_GIVEN] = "from the file",
		[STATUS_PATH_CONFIRM] = "being confirmed",
		[STATUS_PATH_SEARCH] = "being searched",
		[STATUS_PATH_COMPLETE] = "measured",
		[STATUS_PATH_SILENT] = "as last measured: no probe is answered now",
		[STATUS_PATH_ROUTE] = "the route's, not measured",
	};
	const char *how = words[path->state];
	char text[FORMAT_LEN];

	if (!path->mtu)
		return;
	if (path->state == STATUS_PATH_SILENT && !path->answers)
		how = "the route's, not confirmed: no probe is answered";
	label(p, "path MTU");
	fprintf(p->out, "%u, %s", path->mtu, how);
	if (path->state != STATUS_PATH_GIVEN && path->state != STATUS_PATH_ROUTE) {
		fprintf(p->out, " (%s of ", format_count(path->answers, text));
		fprintf(p->out, "%s answered)", format_counted(path->probes, "probe", text));
	}
	if (status_counted(path->black_holes))
		fprintf(p->out, ", found smaller %s",
			format_counted(path->black_holes, "time", text));
	fputc('\n', p->out);
	if (path->train_max)
		line(p, "trains", "%s at most: longer trains are lost on the path",
			format_counted(path->train_max, "datagram", text));
}

static void route_line(const struct page *p, const struct status_route *route)
{
	static const char *const words[] = {
		[STATUS_LEADS_OUT] = "",
		[STATUS_LEADS_UNKNOWN] = ", to a next hop that was not found yet",
		[STATUS_LEADS_SEGMENT] = " into the segment that the tunnel carries",
		[STATUS_LEADS_TUNNEL] = " into the tunnel itself",
	};

	_Static_assert(ARRAY_LEN(words) == STATUS_LEADS_COUNT, "every direction has its words");
	if (*route->sent_by)
		line(p, "route", "by %s%s: sent by %s instead",
			*route->interface ? route->interface : "one next hop", words[route->leads],
			route->sent_by);
	else if (route->leads != STATUS_LEADS_OUT)
		line(p, "route", "by %s%s%s", route->interface, words[route->leads],
			route->leads == STATUS_LEADS_UNKNOWN ? "" : ": dropped");
}

static void arrival_lines(const struct page *p, const struct status_peer *peer)
{
	const struct status_arrivals *a = &peer->arrivals;
	uint64_t ppm = status_loss_ppm(a);
	char received[FORMAT_LEN], lost[FORMAT_LEN], reordered[FORMAT_LEN], late[FORMAT_LEN];

	if (status_counted(peer->path.rtt_us))
		line(p, "round trip", "%s us, jitter %s us",
			format_count(peer->path.rtt_us, received),
			format_count(peer->path.jitter_us, lost));
	if (status_counted(a->received))
		line(p, "arrivals", "%s, %s lost (%u.%04u %%), %s reordered, %s late",
			format_counted(a->received, "message", received),
			format_count(a->lost, lost), (unsigned)(ppm / 10000),
			(unsigned)(ppm % 10000), format_count(a->reordered, reordered),
			format_count(a->late, late));
}

static void queue_lines(const struct page *p, const struct status_queue *q)
{
	char wait[FORMAT_LEN], p50[FORMAT_LEN], p99[FORMAT_LEN], text[FORMAT_LEN];

	if (!status_counted(q->packets) && !status_counted(q->backlog) &&
		!status_counted(q->dropped))
		return;
	line(p, "queue", "%s wait; delay %s us median, %s us p99; %s bit/s",
		format_bytes(q->backlog, wait), format_count(q->delay_p50_us, p50),
		format_count(q->delay_p99_us, p99), format_count(q->rate, text));
	line(p, "queued", "%s, %s dropped, %s marked", format_counted(q->packets, "frame", wait),
		format_count(q->dropped, p50), format_count(q->marked, p99));
}

static void peer_block(const struct page *p, const struct status_peer *peer)
{
	char key[KEY_BASE64_LEN + 1];
	char endpoint[ENDPOINT_TEXT_LEN];
	char rx[FORMAT_LEN];
	char tx[FORMAT_LEN];

	fputc('\n', p->out);
	head(p, YELLOW, "peer", "%s", status_peer_label(peer, key));
	key_to_base64(peer->public_key, key);
	if (*peer->name)
		line(p, "public key", "%s", key);
	endpoint_text(&peer->endpoint, endpoint);
	if (peer->endpoint_name[0] && !peer->endpoint.addr.family)
		line(p, "endpoint", "%s (no address yet)", peer->endpoint_name);
	else if (peer->endpoint_name[0])
		line(p, "endpoint", "%s (%s)", endpoint, peer->endpoint_name);
	else
		line(p, "endpoint", "%s", endpoint);
	prefix_line(p, "allowed ips", &peer->allowed_ips);
	route_line(p, &peer->route);
	handshake_line(p, peer);
	line(p, "transfer", "%s received, %s sent", format_bytes(peer->rx_bytes, rx),
		format_bytes(peer->tx_bytes, tx));
	path_line(p, &peer->path);
	arrival_lines(p, peer);
	queue_lines(p, &peer->queue);
	if (peer->keepalive_s)
		line(p, "keepalive", "every %u s", peer->keepalive_s);
	if (peer->has_psk)
		line(p, "preshared key", "yes");
}

/* Packets from the tunnel's peer that match no session. */
static void tunnel_mismatch_lines(const struct page *p, const struct status_tunnel *t)
{
	char count[FORMAT_LEN];

	if (status_counted(t->unknown_sessions))
		line(p, "unknown session", "%s, the last with session id %u",
			format_counted(t->unknown_sessions, "packet", count),
			t->last_unknown_session);
	count_line(p, "control", t->control_messages, "message",
		"dropped, as this tunnel is a static one");
	count_line(p, "checksum", t->bad_checksums, "packet", "with a wrong UDP checksum");
}

static void tunnel_block(const struct page *p, const struct status_tunnel *t)
{
	char local[IP_ADDR_TEXT_LEN];
	char remote[IP_ADDR_TEXT_LEN];

	ip_addr_text(&t->local, local);
	ip_addr_text(&t->remote, remote);
	fputc('\n', p->out);
	head(p, CYAN, "tunnel", "%u %s %u", t->tunnel_id, p->arrow, t->peer_tunnel_id);
	if (t->encap == L2TP_ENCAP_IP)
		line(p, "path", "%s %s %s, L2TPv3 over IP", local, p->arrow, remote);
	else
		line(p, "path", "%s port %u %s %s port %u, L2TPv3 over UDP, %s", local,
			t->source_port, p->arrow, remote, t->destination_port,
			t->udp_checksum ? "with checksum" : "without checksum");
	tunnel_mismatch_lines(p, t);
}

static void session_header_line(const struct page *p, const struct status_session *s)
{
	static const char *const sequence[] = { "no numbers", "numbers sent", "numbers expected",
		"numbers sent and expected" };

	_Static_assert(ARRAY_LEN(sequence) == L2TP_SEQUENCE_COUNT, "every mode has its words");
	label(p, "header");
	fputs(s->options.sublayer == L2TP_SUBLAYER_DEFAULT ? "sublayer default, "
							   : "sublayer none, ",
		p->out);
	if (!s->cookie_len && !s->peer_cookie_len)
		fputs("no cookies, ", p->out);
	else
		fprintf(p->out, "cookie of %u bytes sent and %u expected, ", s->cookie_len,
			s->peer_cookie_len);
	fprintf(p->out, "%s\n", sequence[s->options.sequence]);
}

static void session_mtu_lines(const struct page *p, const struct status_session *s)
{
	static const char *const larger[] = { "fragmented inside the tunnel", "refused with ICMP",
		"dropped" };
	char clamped[FORMAT_LEN];

	_Static_assert(ARRAY_LEN(larger) == L2TP_OVERSIZE_COUNT, "every policy has its words");
	if (s->mtu > s->budget)
		line(p, "MTU", "%u; larger than %u: %s", s->mtu, s->budget,
			larger[s->options.oversize]);
	else
		line(p, "MTU", "%u, nothing is fragmented (%u would fit)", s->mtu, s->budget);
	if (s->options.clamp_mss != L2TP_CLAMP_OFF && s->mss_clamped == STATUS_ABSENT)
		line(p, "TCP MSS", "clamped to %u (IPv4), %u (IPv6)", s->mss4, s->mss6);
	else if (s->options.clamp_mss != L2TP_CLAMP_OFF)
		line(p, "TCP MSS", "clamped to %u (IPv4), %u (IPv6): %s", s->mss4, s->mss6,
			format_counted(s->mss_clamped, "connection", clamped));
	else
		line(p, "TCP MSS", "not clamped; %u (IPv4), %u (IPv6) fits", s->mss4, s->mss6);
}

static void session_fragment_lines(const struct page *p, const struct status_session *s)
{
	char a[FORMAT_LEN];
	char b[FORMAT_LEN];

	if (status_counted(s->fragmented))
		line(p, "cut", "%s into %s", format_counted(s->fragmented, "frame", a),
			format_counted(s->fragments_tx, "fragment", b));
	if (status_counted(s->fragments_rx))
		line(p, "put together", "%s from %s", format_counted(s->reassembled, "frame", a),
			format_counted(s->fragments_rx, "fragment", b));
	count_line(p, "too big", s->too_big_sent, "ICMP message", "to members");
	dropped_line(p, s->dropped_tx, s->dropped_rx, "members", "members");
}

/* Sequence numbers in received packets. */
static void session_sequence_lines(const struct page *p, const struct status_session *s)
{
	char with[FORMAT_LEN];
	char without[FORMAT_LEN];

	if (s->with_sequence == STATUS_ABSENT)
		; /* nothing is known of either */
	else if (s->options.sequence != L2TP_SEQUENCE_NONE || s->with_sequence)
		line(p, "numbers", "%s with one, %s without",
			format_counted(s->with_sequence, "frame", with),
			format_count(s->without_sequence, without));
	else if (s->without_sequence)
		line(p, "numbers", "none in %s",
			format_counted(s->without_sequence, "frame", without));
	count_line(p, "lost", s->lost, "number", "skipped");
	count_line(p, "reordered", s->reordered, "frame", "out of sequence");
}

/* Signs that the two ends are configured differently. */
static void session_mismatch_lines(const struct page *p, const struct status_session *s)
{
	count_line(p, "cookie", s->wrong_cookie, "packet", "with a wrong one");
	count_line(p, "length", s->bad_length, "packet", "too short or too long");
	count_line(
		p, "sublayer", s->sublayer_suspected, "frame", "as if the peer had the other one");
}

static void session_block(const struct page *p, const struct status_session *s)
{
	fputc('\n', p->out);
	head(p, CYAN, "session", "%s, %u %s %u in tunnel %u", s->name, s->session_id, p->arrow,
		s->peer_session_id, s->tunnel_id);
	session_header_line(p, s);
	if (s->options.split_horizon == L2TP_SPLIT_HORIZON_ON)
		line(p, "split horizon", "on: no frames from other such sessions");
	session_mtu_lines(p, s);
	traffic_line(p, "sent", &s->tx, "frame");
	traffic_line(p, "received", &s->rx, "frame");
	session_fragment_lines(p, s);
	session_sequence_lines(p, s);
	session_mismatch_lines(p, s);
}

/* A port of a bridge, or an interface that should be one. */
static void port_line(const struct page *p, const char *label, const struct status_member *m)
{
	static const char *const words[] = {
		[STATUS_PORT_FORWARDING] = "forwarding",
		[STATUS_PORT_LEARNING] = "learning",
		[STATUS_PORT_LISTENING] = "listening",
		[STATUS_PORT_BLOCKING] = "blocked by the spanning tree",
		[STATUS_PORT_DISABLED] = "disabled",
		[STATUS_PORT_DOWN] = "down",
		[STATUS_PORT_NO_CARRIER] = "no carrier",
		[STATUS_PORT_OUTSIDE] = "in no bridge",
		[STATUS_PORT_ELSEWHERE] = "in another bridge",
		[STATUS_PORT_ABSENT] = "absent",
	};
	bool down = m->state == STATUS_PORT_DOWN || m->state == STATUS_PORT_NO_CARRIER ||
		    m->state == STATUS_PORT_ABSENT;
	char mtu[24] = "";

	if (m->mtu)
		snprintf(mtu, sizeof(mtu), ", MTU %u", m->mtu);
	line(p, label, "%s%s%s%s, %s%s%s%s", m->name, mtu, m->session ? ", L2TP session" : "",
		m->isolated ? ", isolated" : "", words[m->state], *m->master ? ": " : "", m->master,
		m->up || down ? "" : ", down");
}

static void bridge_block(const struct page *p, const struct status_bridge *b)
{
	fputc('\n', p->out);
	head(p, CYAN, "bridge", "%s", b->name);
	if (b->addresses.len)
		prefix_line(p, "addresses", &b->addresses);
	line(p, "MTU", "%u%s", b->mtu, b->stp ? ", spanning tree on" : "");
	if (b->adopted)
		line(p, "owner", "another program: adopted");
	if (b->multicast_snooping)
		line(p, "multicast", "snooped: to where it was asked for, routers and sessions");
	if (*b->forward_control)
		line(p, "control frames", "forwarded: %s", b->forward_control);
	for (size_t i = 0; i < b->members_len; i++)
		port_line(p, i ? "" : "ports", &b->members[i]);
}

static void budget_block(const struct page *p, const struct status_budget *b)
{
	if (!b->outer_mtu)
		return;
	fputc('\n', p->out);
	head(p, GREEN, "MTU budget", "%u", b->inner_ip ? b->inner_ip : b->wg_mtu);
	line(p, "underlay", "%u bytes over %s, %s", b->outer_mtu, b->outer_ipv6 ? "IPv6" : "IPv4",
		b->outer_measured ? "the route's or measured" : "assumed");
	if (b->wg_mtu <= b->outer_mtu)
		line(p, "WireGuard", "%u bytes: underlay - %u", b->wg_mtu,
			b->outer_mtu - b->wg_mtu);
	else
		line(p, "WireGuard", "%u bytes, larger than the underlay: cut into IP fragments",
			b->wg_mtu);
	if (!b->inner_ip)
		return;
	line(p, "in a frame", "%u bytes: the largest IP packet that crosses in one piece",
		b->inner_ip);
	line(p, "TCP MSS", "%u (IPv4), %u (IPv6)", b->mss4, b->mss6);
}

/* One number of a chain; each is derived from the one before. */
static void engine_step(const struct page *p, const char *arrow, uint64_t count, const char *what)
{
	char text[FORMAT_LEN];

	fprintf(p->out, "%s%s%s%s %s", *arrow ? " " : "", arrow, *arrow ? " " : "",
		format_count(count, text), what);
}

/* Packets per system call. */
static void engine_chain_lines(const struct page *p, const struct status_engine *e)
{
	label(p, "sending");
	engine_step(p, "", e->superframes_tx, "reads");
	engine_step(p, p->arrow, e->segments_tx, "packets");
	engine_step(p, p->arrow, e->datagrams_tx, "datagrams");
	engine_step(p, p->arrow, e->trains_tx, "sends\n");
	label(p, "receiving");
	engine_step(p, "", e->trains_rx, "receives");
	engine_step(p, p->arrow, e->segments_rx, "datagrams");
	engine_step(p, p->arrow, e->superframes_rx, "writes\n");
}

/* Datagrams by kind, and the system calls that they needed. */
static void engine_work_lines(const struct page *p, const struct status_engine *e)
{
	char a[FORMAT_LEN];
	char b[FORMAT_LEN];

	line(p, "fragments", "%s received inside the tunnel", format_count(e->fragments_rx, a));
	line(p, "handshakes", "%s sent, %s received",
		format_counted(e->handshakes_tx, "message", a), format_count(e->handshakes_rx, b));
	line(p, "batches", "%s sending, %s receiving", format_count(e->batches_tx, a),
		format_count(e->batches_rx, b));
	line(p, "system calls", "%s, and %s", format_count(e->syscalls, a),
		format_counted(e->wakeups, "wake-up", b));
}

static void engine_block(const struct page *p, const struct status_engine *e)
{
	char count[FORMAT_LEN];

	if (!status_counted(e->superframes_tx) && !status_counted(e->trains_rx))
		return;
	fputc('\n', p->out);
	head(p, GREEN, "engine", "%s of memory", format_bytes(e->memory_bytes, count));
	engine_chain_lines(p, e);
	engine_work_lines(p, e);
}

static void drop_block(const struct page *p, const struct drop_counters *drops,
	const struct drop_counters *ages_ms)
{
	char count[FORMAT_LEN];
	char age[FORMAT_LEN];
	uint64_t sum = 0;

	for (int d = DROP_NONE + 1; d < DROP_COUNT; d++)
		sum = status_sum(sum, drops->n[d]);
	if (!sum)
		return;
	fputc('\n', p->out);
	head(p, YELLOW, "dropped", "%s", format_count(sum, count));
	for (int d = DROP_NONE + 1; d < DROP_COUNT; d++) {
		if (!status_counted(drops->n[d]))
			continue;
		fprintf(p->out, "  %*s  %s%-20s%s %s", 9, format_count(drops->n[d], count),
			escape(p, BOLD), drop_name((enum drop)d), escape(p, PLAIN),
			drop_meaning((enum drop)d));
		if (ages_ms->n[d])
			fprintf(p->out, " (last %s ago)", format_span(ages_ms->n[d], age));
		fputc('\n', p->out);
	}
}

/* A tunnel, then its sessions. */
static void tunnel_blocks(const struct page *p, const struct status_report *r)
{
	for (size_t i = 0; i < r->tunnels_len; i++) {
		tunnel_block(p, &r->tunnels[i]);
		for (size_t j = 0; j < r->sessions_len; j++) {
			if (r->sessions[j].tunnel_id == r->tunnels[i].tunnel_id)
				session_block(p, &r->sessions[j]);
		}
	}
}

void render_text(FILE *out, const struct status_report *r, const struct render_style *style)
{
	struct page p = { .out = out, .style = style, .arrow = style->utf8 ? "→" : "->" };

	site_block(&p, r);
	wg_block(&p, &r->wg);
	for (size_t i = 0; i < r->peers_len; i++)
		peer_block(&p, &r->peers[i]);
	tunnel_blocks(&p, r);
	for (size_t i = 0; i < r->bridges_len; i++)
		bridge_block(&p, &r->bridges[i]);
	budget_block(&p, &r->budget);
	engine_block(&p, &r->engine);
	drop_block(&p, &r->drops, &r->drop_ages_ms);
}
