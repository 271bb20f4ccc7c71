/* SPDX-License-Identifier: MIT */
/* Report the engine's state for `status`. */
#include "driver/report.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "driver/apply_sessions.h"
#include "driver/listen.h"
#include "wg/overhead.h"

static struct status_path path_of(const struct path_peer *p)
{
	static const enum status_path_state states[] = {
		[PMTUD_CONFIRM] = STATUS_PATH_CONFIRM,
		[PMTUD_SEARCH] = STATUS_PATH_SEARCH,
		[PMTUD_COMPLETE] = STATUS_PATH_COMPLETE,
		[PMTUD_SILENT] = STATUS_PATH_SILENT,
		[PMTUD_TRAINS] = STATUS_PATH_COMPLETE,
	};

	if (!p->following)
		return (struct status_path){ .state = STATUS_PATH_GIVEN,
			.mtu = wg_underlay_of(p->mtu, p->wg.endpoint.addr.family) };
	return (struct status_path){
		.state = states[p->pmtud.state],
		.mtu = p->pmtud.current,
		.probes = p->pmtud.probes,
		.answers = p->pmtud.answers,
		.black_holes = p->pmtud.black_holes,
		.train_max = p->train_max < TRAINS_ANY ? p->train_max : 0,
		.rtt_us = (p->pmtud.rtt_ns + NS_PER_US - 1) / NS_PER_US,
		.jitter_us = p->pmtud.jitter_ns / NS_PER_US,
	};
}

static struct status_queue queue_of(const struct queue_peer *q, struct mono now)
{
	return (struct status_queue){
		.rate = 8 * delay_rate(&q->delay, now),
		.backlog = q->bytes,
		.delay_p50_us = delay_quantile(&q->delay, now, 50),
		.delay_p99_us = delay_quantile(&q->delay, now, 99),
		.packets = q->stats.packets,
		.dropped = q->stats.dropped,
		.marked = q->stats.marked,
	};
}

static struct status_arrivals arrivals_of(const struct wg_peer *wg)
{
	const struct wg_arrivals a = wg_keypairs_arrivals(&wg->keys);

	return (struct status_arrivals){ a.received, a.lost, a.reordered, a.late };
}

int report_engine_peer(const struct driver *d, const struct driver_peer *p, struct status_report *r)
{
	const struct wg_peer *wg = &p->path.wg;
	struct status_peer *s = status_add_peer(r);
	struct ip_prefix prefix;
	uint32_t cursor = WG_NO_NODE;

	if (!s)
		return -ENOMEM;
	memcpy(s->public_key, wg->remote.public_key, KEY_LEN);
	s->has_psk = !secret_is_zero(wg->remote.psk, WG_KEY_LEN);
	s->endpoint = wg->endpoint;
	s->last_handshake = wg->last_handshake;
	if (wg->last_handshake.sec)
		s->handshake_age_ms = mono_between(wg->handshake_at, d->engine.now) / NS_PER_MS;
	s->rx_bytes = wg->rx_bytes;
	s->tx_bytes = wg->tx_bytes;
	s->keepalive_s = wg->keepalive_s;
	s->path = path_of(&p->path);
	s->queue = queue_of(&p->path.queue, d->engine.now);
	s->arrivals = arrivals_of(wg);
	if (wg->keys.current && wg_keypair_is_fresh(wg->keys.current, d->engine.now))
		s->state = STATUS_PEER_ESTABLISHED;
	else if (mono_is_set(wg->timers.retransmit))
		s->state = STATUS_PEER_HANDSHAKE;
	while (wg_allowedips_next(&d->engine.wg.allowed, wg, &cursor, &prefix))
		if (status_add_prefix(&s->allowed_ips, &prefix) < 0)
			return -ENOMEM;
	return 0;
}

static void report_tunnel_counters(const struct l2tp_tunnel *t, struct status_tunnel *s)
{
	s->unknown_sessions = t->unknown_sessions;
	s->last_unknown_session = t->last_unknown_session;
	s->control_messages = t->control_messages;
	s->bad_checksums = t->bad_checksums;
}

struct status_tunnel *report_conf_tunnel(const struct conf_tunnel *c, struct status_report *r)
{
	struct status_tunnel *s = status_add_tunnel(r);

	if (!s)
		return NULL;
	s->tunnel_id = c->tunnel_id;
	s->peer_tunnel_id = c->peer_tunnel_id;
	s->encap = c->encap;
	s->local = c->local;
	s->remote = c->remote;
	if (s->encap == L2TP_ENCAP_UDP) {
		s->source_port = c->udp_source_port;
		s->destination_port = c->udp_destination_port;
	}
	return s;
}

static int report_tunnel(
	const struct driver *d, const struct conf_tunnel *c, struct status_report *r)
{
	struct status_tunnel *s = report_conf_tunnel(c, r);

	if (!s)
		return -ENOMEM;
	s->udp_checksum = conf_tunnel_has_checksum(c);
	LIST_FOR_EACH(l, &d->tunnels)
	{
		const struct l2tp_tunnel *t = &CONTAINER_OF(l, struct driver_tunnel, link)->l2tp;

		if (t->id == c->tunnel_id)
			report_tunnel_counters(t, s);
	}
	return 0;
}

static struct status_traffic traffic_of(uint64_t packets, uint64_t bytes)
{
	return (struct status_traffic){ .packets = packets, .bytes = bytes };
}

static void report_session_counters(const struct driver_session *us, struct status_session *s)
{
	const struct path_port_stats *p = &us->path.port.stats;
	const struct l2tp_session_rx *l = &us->path.l2tp.rx;

	s->mss_clamped = p->tx.mss_clamped + p->rx.mss_clamped;
	s->too_big_sent = p->tx.too_big_sent;
	s->fragmented = p->tx.fragmented;
	s->fragments_tx = p->tx.fragments;
	s->fragments_rx = p->rx.fragments;
	s->reassembled = p->rx.reassembled;
	s->reordered = l->bad_sequence;
	s->wrong_cookie = l->wrong_cookie;
	s->bad_length = l->bad_length;
	s->sublayer_suspected = l->sublayer_suspected;
	s->with_sequence = l->with_sequence;
	s->without_sequence = l->without_sequence;
	s->lost = l->lost;
	s->dropped_tx = p->tx.dropped;
	s->dropped_rx = p->rx.dropped;
	s->tx = traffic_of(p->tx.packets, p->tx.bytes);
	s->rx = traffic_of(p->rx.packets, p->rx.bytes);
}

struct status_session *report_conf_session(
	const struct conf_tunnel *t, const struct conf_session *c, struct status_report *r)
{
	struct status_session *s = status_add_session(r);

	if (!s)
		return NULL;
	memcpy(s->name, c->name, sizeof(s->name));
	s->tunnel_id = t->tunnel_id;
	s->session_id = c->session_id;
	s->peer_session_id = c->peer_session_id;
	s->cookie_len = c->cookie_len;
	s->peer_cookie_len = c->peer_cookie_len;
	s->options = c->options;
	return s;
}

static int report_session(const struct driver *d, const struct conf_tunnel *t,
	const struct conf_session *c, struct status_report *r)
{
	const struct driver_session *us = apply_find_session(d, c->name);
	struct status_session *s = report_conf_session(t, c, r);

	if (!s)
		return -ENOMEM;
	if (us) {
		s->options = us->path.options;
		report_session_counters(us, s);
	}
	return 0;
}

static void report_counters(const struct driver *d, struct status_report *r)
{
	struct lane_counters sum;
	const struct engine_stats *e = &sum.stats;

	engine_count(&d->engine, &sum);
	r->engine = (struct status_engine){
		.superframes_tx = e->superframes_tx,
		.segments_tx = e->segments_tx,
		.datagrams_tx = e->datagrams_tx + e->handshakes_tx,
		.trains_tx = d->stats.trains_tx,
		.batches_tx = d->stats.batches_tx,
		.trains_rx = d->stats.trains_rx,
		.segments_rx = e->datagrams_rx,
		.superframes_rx = e->superframes_rx,
		.batches_rx = d->stats.batches_rx,
		.fragments_rx = e->fragments_rx,
		.handshakes_tx = e->handshakes_tx,
		.handshakes_rx = e->handshakes_rx,
		.syscalls = d->stats.syscalls,
		.wakeups = d->loop->wakeups,
		.memory_bytes = driver_memory(d),
	};
	r->drops = sum.drops;
	r->offloads = (struct status_offloads){
		.known = true,
		.vnet = d->tun.tap.offloads.vnet_hdr,
		.tso = d->tun.tap.offloads.tso,
		.uso = d->tun.tap.offloads.uso,
		.udp_gso = d->udp.offloads.segment,
		.udp_gro = d->udp.offloads.gro,
	};
}

static int report_pending_port(const struct driver *d, struct status_report *r)
{
	const struct listen *l = &d->listen;
	char text[LISTEN_TEXT_LEN];

	if (!l->error)
		return 0;
	r->wg.pending_port = l->port;
	return status_add_warning(r, "%s; still on port %u, and trying again.",
		listen_problem(l->port, l->fwmark, l->error, text), d->udp.port);
}

int report_conf_interface(const struct conf_interface *c, struct status_report *r)
{
	memcpy(r->wg.name, c->name, sizeof(r->wg.name));
	for (size_t i = 0; i < c->addresses.n; i++)
		if (status_add_prefix(&r->wg.addresses, &c->addresses.v[i].prefix) < 0)
			return -ENOMEM;
	return 0;
}

static int report_wg(const struct driver *d, const struct conf_site *conf, struct status_report *r)
{
	const struct path_port_stats *tun = &d->engine.tun.stats;

	if (report_conf_interface(&conf->interface, r) < 0)
		return -ENOMEM;
	memcpy(r->wg.public_key, d->engine.wg.identity.public_key, KEY_LEN);
	r->wg.listen_port = listen_port(d);
	r->wg.fwmark = d->fwmark;
	r->wg.tun_tx = traffic_of(tun->tx.packets, tun->tx.bytes);
	r->wg.tun_rx = traffic_of(tun->rx.packets, tun->rx.bytes);
	r->wg.too_big_sent = tun->tx.too_big_sent;
	r->wg.dropped_tx = tun->tx.dropped;
	r->wg.dropped_rx = tun->rx.dropped;
	return report_pending_port(d, r);
}

int report_engine(const struct driver *d, const struct conf_site *conf, struct status_report *r)
{
	int err = report_wg(d, conf, r);

	for (size_t i = 0; i < conf->n_tunnels && !err; i++) {
		err = report_tunnel(d, &conf->tunnels[i], r);
		for (size_t k = 0; k < conf->tunnels[i].n_sessions && !err; k++)
			err = report_session(
				d, &conf->tunnels[i], &conf->tunnels[i].sessions[k], r);
	}
	strncpy(r->aead, aead_name(&d->engine.tx.aead), sizeof(r->aead) - 1);
	report_counters(d, r);
	return err;
}
