/* SPDX-License-Identifier: MIT */
/* The status of a site that kernel objects carry, from the kernel's counters. */
#include "backend/kernel_report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/kernel_peers.h"
#include "backend/kernel_sessions.h"
#include "base/clock.h"
#include "driver/report.h"
#include "netlink/l2tp_nl.h"
#include "netlink/query.h"
#include "wg/overhead.h"

/* An interface's counters, or none. */
static struct link_stats stats_of(struct nl_socket *nl, const char *name)
{
	struct link_stats stats;

	if (query_link_stats(nl, name, &stats) < 0)
		memset(&stats, 0xff, sizeof(stats)); /* STATUS_ABSENT, each */
	return stats;
}

/* Seconds since the peer's last handshake. */
static int64_t age_of(const struct kernel_report_input *in, const struct wgnl_peer_info *p)
{
	return kernel_clock_age(in->clock, p->handshake_s, clock_mono(), clock_wall());
}

/* The peer's state, as far as the kernel reports it. */
static enum status_peer_state state_of(const struct wgnl_peer_info *p, int64_t age)
{
	return p->handshake_s && age < KERNEL_PEERS_ALIVE_S ? STATUS_PEER_ESTABLISHED
							    : STATUS_PEER_IDLE;
}

static int add_peer(const struct kernel_report_input *in, const struct wgnl_peer_info *p,
	struct status_report *r)
{
	const struct kernel_name *name = kernel_names_find(in->names, p->public_key);
	struct status_peer *s = status_add_peer(r);
	int64_t age = age_of(in, p);

	if (!s)
		return -ENOMEM;
	memcpy(s->public_key, p->public_key, KEY_LEN);
	s->has_psk = p->has_preshared_key;
	s->endpoint = p->endpoint;
	if (name)
		snprintf(s->endpoint_name, sizeof(s->endpoint_name), "%s:%u", name->host,
			name->port);
	s->state = state_of(p, age);
	s->last_handshake =
		(struct wall){ .sec = (uint64_t)p->handshake_s, .nsec = (uint32_t)p->handshake_ns };
	if (p->handshake_s)
		s->handshake_age_ms = (uint64_t)age * 1000;
	s->rx_bytes = p->rx_bytes;
	s->tx_bytes = p->tx_bytes;
	s->keepalive_s = p->keepalive;
	s->path = (struct status_path){
		.state = in->conf->interface.mtu ? STATUS_PATH_GIVEN : STATUS_PATH_ROUTE,
		.mtu = wg_underlay_of(in->budget->wg_mtu, p->endpoint.addr.family),
		.probes = STATUS_ABSENT,
		.answers = STATUS_ABSENT,
		.black_holes = STATUS_ABSENT,
		.rtt_us = STATUS_ABSENT,
		.jitter_us = STATUS_ABSENT,
	};
	memset(&s->queue, 0xff, sizeof(s->queue)); /* STATUS_ABSENT, each */
	memset(&s->arrivals, 0xff, sizeof(s->arrivals));
	for (size_t i = 0; i < p->n_allowedips; i++)
		if (status_add_prefix(&s->allowed_ips, &p->allowedips[i]) < 0)
			return -ENOMEM;
	return 0;
}

/* What `ip -s link` shows of the WireGuard interface. */
static void put_interface_counters(struct nl_socket *nl, struct status_wg *wg)
{
	struct link_stats stats = stats_of(nl, wg->name);

	wg->tun_tx = (struct status_traffic){ stats.tx_packets, stats.tx_bytes };
	wg->tun_rx = (struct status_traffic){ stats.rx_packets, stats.rx_bytes };
	wg->dropped_tx = status_sum(stats.tx_errors, stats.tx_dropped);
	wg->dropped_rx = status_sum(stats.rx_errors, stats.rx_dropped);
	wg->too_big_sent = STATUS_ABSENT;
}

static int add_wg(
	const struct kernel_report_input *in, struct nl_socket *nl, struct status_report *r)
{
	const struct conf_interface *wg = &in->conf->interface;
	struct wgnl_device device;
	struct error error;
	int err;

	if (report_conf_interface(wg, r) < 0)
		return -ENOMEM;
	r->wg.mtu = in->budget->wg_mtu;
	r->wg.pending_port = in->pending_port;
	put_interface_counters(nl, &r->wg);
	if (kernel_peers_query(in->k, wg->name, &device, &error) < 0)
		return status_add_warning(r, "%s %s", error.problem, error.hint);
	memcpy(r->wg.public_key, device.public_key, KEY_LEN);
	r->wg.listen_port = device.listen_port;
	r->wg.fwmark = device.fwmark;
	err = 0;
	for (size_t i = 0; err == 0 && i < device.n_peers; i++)
		err = add_peer(in, &device.peers[i], r);
	wgnl_device_fini(&device);
	return err;
}

static int add_tunnel(const struct conf_tunnel *c, struct status_report *r)
{
	struct status_tunnel *s = report_conf_tunnel(c, r);

	if (!s)
		return -ENOMEM;
	s->udp_checksum = kernel_sessions_checksum(c);
	s->unknown_sessions = s->control_messages = s->bad_checksums = STATUS_ABSENT;
	return 0;
}

/* Frames, as the session's interface counts them. */
static void put_frames(struct nl_socket *nl, struct status_session *s)
{
	struct link_stats stats = stats_of(nl, s->name);

	s->tx = (struct status_traffic){ stats.tx_packets, stats.tx_bytes };
	s->rx = (struct status_traffic){ stats.rx_packets, stats.rx_bytes };
	s->dropped_tx = status_sum(stats.tx_errors, stats.tx_dropped);
	/* a frame that comes while the interface is down is in both */
	s->dropped_rx = status_sum(s->dropped_rx,
		stats.rx_errors > stats.rx_dropped ? stats.rx_errors : stats.rx_dropped);
}

/* What the kernel counts of an L2TP session; NULL: it is not there. */
static void put_l2tp_counters(const struct l2tpnl_stats *from, struct status_session *to)
{
	to->mss_clamped = to->too_big_sent = to->fragmented = to->fragments_tx = STATUS_ABSENT;
	to->fragments_rx = to->reassembled = to->sublayer_suspected = STATUS_ABSENT;
	to->with_sequence = to->without_sequence = to->lost = STATUS_ABSENT;
	to->reordered = to->wrong_cookie = to->bad_length = to->dropped_rx = STATUS_ABSENT;
	if (!from)
		return;
	to->dropped_rx = from->rx_errors;
	to->reordered = from->rx_seq_discards + from->rx_oos_packets;
	if (from->has_cookie_discards)
		to->wrong_cookie = from->rx_cookie_discards;
	if (from->has_invalid)
		to->bad_length = from->rx_invalid;
}

static const struct l2tpnl_stats *l2tp_stats_of(const struct l2tpnl_session_list *list,
	const struct conf_tunnel *t, const struct conf_session *c)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].session.tunnel_id == t->tunnel_id &&
			list->v[i].session.id == c->session_id)
			return &list->v[i].stats;
	return NULL;
}

/* The MTU of the session, and what fits; the smallest of all is the site's. */
static void put_mtus(const struct kernel_report_input *in, const struct conf_tunnel *t,
	const struct conf_session *c, struct status_session *s, struct status_budget *site)
{
	struct mtu_ladder ladder = { 0 };
	unsigned mss = l2tp_options_mss(&s->options);

	(void)mtu_budget_ladder(in->budget, t, c, &ladder);
	s->mtu = mtu_budget_session_mtu(c);
	s->budget = ladder.session;
	s->mss4 = (uint16_t)(mss ? mss : ladder.mss4);
	s->mss6 = (uint16_t)(mss ? mss : ladder.mss6);
	if (site->inner_ip && ladder.session >= site->inner_ip)
		return;
	site->inner_ip = ladder.session;
	site->mss4 = (uint16_t)ladder.mss4;
	site->mss6 = (uint16_t)ladder.mss6;
}

static int add_session(const struct kernel_report_input *in, const struct conf_tunnel *t,
	const struct conf_session *c, const struct l2tpnl_stats *stats, struct status_report *r)
{
	struct status_session *s = report_conf_session(t, c, r);

	if (!s)
		return -ENOMEM;
	if (!*c->bridge || !in->clamped)
		s->options.clamp_mss = L2TP_CLAMP_OFF;
	put_mtus(in, t, c, s, &r->budget);
	put_l2tp_counters(stats, s);
	return 0;
}

static int add_l2tp(
	const struct kernel_report_input *in, struct nl_socket *nl, struct status_report *r)
{
	const struct conf_site *conf = in->conf;
	struct l2tpnl_session_list list = { 0 };
	int err = 0;

	if (conf->n_tunnels && l2tpnl_sessions(&in->k->nl, in->k->l2tp, &list) < 0) {
		list = (struct l2tpnl_session_list){ 0 };
		err = status_add_warning(r, "The kernel's L2TP sessions cannot be listed.");
	}
	for (size_t i = 0; err == 0 && i < conf->n_tunnels; i++) {
		const struct conf_tunnel *t = &conf->tunnels[i];

		err = add_tunnel(t, r);
		for (size_t k = 0; err == 0 && k < t->n_sessions; k++)
			err = add_session(in, t, &t->sessions[k],
				l2tp_stats_of(&list, t, &t->sessions[k]), r);
	}
	l2tpnl_sessions_fini(&list);
	for (size_t i = 0; i < r->sessions_len; i++)
		put_frames(nl, &r->sessions[i]);
	return err;
}

int kernel_report_peers(
	const struct kernel_report_input *in, struct backend_peer **ret, size_t *ret_n)
{
	struct wgnl_device device;
	struct backend_peer *v;
	int err = wgnl_get(&in->k->nl, in->k->wireguard, in->conf->interface.name, &device);

	if (err < 0)
		return err;
	v = calloc(device.n_peers + 1, sizeof(*v));
	for (size_t i = 0; v && i < device.n_peers; i++) {
		const struct wgnl_peer_info *p = &device.peers[i];

		memcpy(v[i].public_key, p->public_key, KEY_LEN);
		v[i].endpoint = p->endpoint;
		v[i].handshake_age_ms =
			p->handshake_s ? (uint64_t)age_of(in, p) * 1000 : BACKEND_PEER_NEVER;
		v[i].rx_bytes = p->rx_bytes;
		v[i].tx_bytes = p->tx_bytes;
		v[i].mtu = wg_underlay_of(in->budget->wg_mtu, p->endpoint.addr.family);
	}
	*ret = v;
	*ret_n = device.n_peers;
	wgnl_device_fini(&device);
	return v ? 0 : -ENOMEM;
}

int kernel_report(const struct kernel_report_input *in, struct status_report *r)
{
	const struct mtu_budget *b = in->budget;
	struct nl_socket nl;
	int err;

	snprintf(r->aead, sizeof(r->aead), "kernel");
	r->budget = (struct status_budget){
		.outer_mtu = b->outer_mtu,
		.outer_ipv6 = b->outer_family == AF_INET6,
		.outer_measured = b->outer_measured,
		.wg_mtu = b->wg_mtu,
	};
	status_set_no_engine(r);
	err = nl_socket_open(&nl);
	if (err < 0)
		return status_add_warning(
			r, "The kernel's interfaces cannot be queried: %s.", strerror(-err));
	err = add_wg(in, &nl, r);
	if (err == 0)
		err = add_l2tp(in, &nl, r);
	nl_socket_close(&nl);
	return err ? err : kernel_names_report(in->names, r);
}
