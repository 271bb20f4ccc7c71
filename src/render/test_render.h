/* SPDX-License-Identifier: MIT */
/* For tests: a report in which everything is set, and the output of a renderer. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ctlproto/test_report.h"
#include "pkt/drop.h"

/** Append the interface and two peers. */
static inline void fill_wg(struct status_report *r)
{
	struct status_peer *peer = status_add_peer(r);

	strcpy(r->wg.name, "wg0");
	memset(r->wg.public_key, 0x11, KEY_LEN);
	r->wg.listen_port = 8172;
	r->wg.fwmark = 0xca6c;
	r->wg.mtu = 1440;
	r->wg.tun_tx = (struct status_traffic){ 12, 1008 };
	r->wg.tun_rx = (struct status_traffic){ 11, 924 };
	r->wg.too_big_sent = 2;
	r->wg.dropped_tx = 3;
	test_report_add_prefix(&r->wg.addresses, "10.0.1.11/24");
	test_report_add_prefix(&r->wg.addresses, "fd00:1::11/64");
	memset(peer->public_key, 0x22, KEY_LEN);
	peer->has_psk = true;
	peer->keepalive_s = 25;
	peer->path = (struct status_path){ STATUS_PATH_COMPLETE, 1500, 12, 11, 2, 8, 20123, 456 };
	peer->queue = (struct status_queue){ 19200000, 12595, 3200, 6100, 12345, 67, 8 };
	peer->arrivals = (struct status_arrivals){ 123456, 124, 5, 1 };
	peer->route = (struct status_route){ STATUS_LEADS_SEGMENT, "br-l2tp0", "eth9" };
	peer->state = STATUS_PEER_ESTABLISHED;
	peer->last_handshake.sec = 1700000000;
	peer->handshake_age_ms = 72500;
	peer->rx_bytes = 1262485504;
	peer->tx_bytes = 3650722;
	assert_int_equal(endpoint_parse("192.168.122.32:8172", &peer->endpoint), 0);
	test_report_add_prefix(&peer->allowed_ips, "10.0.1.21/32");
	peer = status_add_peer(r);
	memset(peer->public_key, 0x33, KEY_LEN);
	snprintf(peer->endpoint_name, sizeof(peer->endpoint_name), "vpn.example.org:8172");
	peer->route = (struct status_route){ STATUS_LEADS_TUNNEL, "wg0", "" };
	peer->state = STATUS_PEER_HANDSHAKE;
}

/** Append a tunnel, two sessions and a bridge. */
static inline void fill_l2tp(struct status_report *r)
{
	struct status_tunnel *t = test_report_add_tunnel(r);
	struct status_session *s;
	struct status_bridge *b;
	struct status_member *m;

	t->unknown_sessions = 9;
	t->last_unknown_session = 4711;
	t->control_messages = 3;
	t->bad_checksums = 2;
	s = test_report_add_session(r);
	s->options.sequence = L2TP_SEQUENCE_SEND;
	s->options.oversize = L2TP_OVERSIZE_FRAGMENT;
	s->mss4 = 1346;
	s->mss6 = 1326;
	s->options.clamp_mss = L2TP_CLAMP_PATH;
	s->mss_clamped = 4;
	s->too_big_sent = 5;
	s->fragmented = 1200;
	s->fragments_tx = 2400;
	s->fragments_rx = 4;
	s->reassembled = 2;
	s->reordered = 2;
	s->with_sequence = 87000;
	s->without_sequence = 654;
	s->lost = 12;
	s->wrong_cookie = 1200;
	s->bad_length = 5;
	s->sublayer_suspected = 6;
	s->dropped_tx = 0;
	s->dropped_rx = 3;
	s->tx = (struct status_traffic){ 98765, 1073741824 };
	s->rx = (struct status_traffic){ 87654, 524288 };
	s = status_add_session(r);
	*s = (struct status_session){ .name = "l2tpeth1",
		.tunnel_id = 3939,
		.session_id = 7,
		.peer_session_id = 8,
		.options = { .sublayer = L2TP_SUBLAYER_NONE,
			.clamp_mss = L2TP_CLAMP_OFF,
			.split_horizon = L2TP_SPLIT_HORIZON_ON },
		.mtu = 1386,
		.budget = 1390,
		.mss4 = 1350,
		.mss6 = 1330 };
	b = status_add_bridge(r);
	strcpy(b->name, "br-l2tp0");
	b->mtu = 1500;
	b->multicast_snooping = true;
	strcpy(b->forward_control, "lldp, lacp");
	test_report_add_prefix(&b->addresses, "10.0.2.11/24");
	m = status_add_member(b);
	*m = (struct status_member){ .name = "eth1", .mtu = 1500, .up = true };
	m = status_add_member(b);
	*m = (struct status_member){
		.name = "l2tpeth0",
		.mtu = 1500,
		.session = true,
		.isolated = true,
		.state = STATUS_PORT_NO_CARRIER,
	};
}

/** Fill the report of vpn01. */
static inline void fill_report(struct status_report *r)
{
	struct status_difference *d;
	struct status_process *process;

	memset(r, 0, sizeof(*r));
	strcpy(r->site, "vpn01");
	strcpy(r->version, "0.1.0");
	strcpy(r->backend, "userspace");
	strcpy(r->backend_reason, "this kernel has no \"wireguard\" module");
	strcpy(r->aead, "openssl");
	r->uptime_ms = 7512345;
	r->pid = 4711;
	r->offloads = (struct status_offloads){
		.known = true, .vnet = true, .tso = true, .udp_gso = true, .udp_gro = true
	};
	fill_wg(r);
	fill_l2tp(r);
	r->budget = (struct status_budget){ .outer_mtu = 1500,
		.outer_measured = true,
		.wg_mtu = 1440,
		.inner_ip = 1386,
		.mss4 = 1346,
		.mss6 = 1326 };
	r->engine = (struct status_engine){ .superframes_tx = 1000,
		.segments_tx = 40000,
		.datagrams_tx = 41007,
		.trains_tx = 1010,
		.batches_tx = 400,
		.trains_rx = 900,
		.segments_rx = 30000,
		.superframes_rx = 950,
		.batches_rx = 500,
		.fragments_rx = 7,
		.handshakes_tx = 1,
		.handshakes_rx = 2,
		.syscalls = 5000,
		.wakeups = 600,
		.memory_bytes = 20 << 20 };
	r->drops.n[DROP_WG_REPLAY] = 12;
	r->drops.n[DROP_L2TP_COOKIE] = 1234567;
	r->drop_ages_ms.n[DROP_L2TP_COOKIE] = 125000;
	assert_int_equal(status_add_warning(r, "the peer sends no sublayer"), 0);
	process = status_add_process(r);
	*process = (struct status_process){ .role = "engine",
		.pid = 4712,
		.user = 1879048192,
		.confinement = "own user, no capabilities" };
	d = status_add_difference(r);
	*d = (struct status_difference){ .kind = "down",
		.name = "br-l2tp0",
		.text = "br-l2tp0 is down",
		.hint = "Find out what changes it.",
		.remedy = STATUS_REMEDY_LEAVE };
}

/** Output of a renderer. */
struct written {
	FILE *out;
	char *text;
	size_t len;
};

/** Start collecting output; the test closes `out` and then reads `text`, which it frees. */
static inline void begin(struct written *w)
{
	w->text = NULL;
	w->out = open_memstream(&w->text, &w->len);
	assert_non_null(w->out);
}
