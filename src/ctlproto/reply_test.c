/* SPDX-License-Identifier: MIT */
/* Tests of control replies: a report with every member set survives the round trip through JSON,
 * and invalid replies are rejected. */
#include "ctlproto/reply.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <json-c/json.h>

#include "base/bytes.h"
#include "base/test_alloc.h"

/* Objects of JSON are memory, too. */
ALLOC_WRAP(json_object_new_object, (void), ())
ALLOC_WRAP(json_object_new_array, (void), ())
ALLOC_WRAP(json_object_new_array_ext, (int n), (n))
ALLOC_WRAP(json_object_new_string, (const char *text), (text))
ALLOC_WRAP(json_object_new_string_len, (const char *text, int len), (text, len))
ALLOC_WRAP(json_object_new_uint64, (uint64_t number), (number))
ALLOC_WRAP(json_object_new_boolean, (json_bool value), (value))
ALLOC_WRAP(json_tokener_new_ex, (int depth), (depth))

static void add_prefix(struct status_prefixes *list, const char *text)
{
	struct ip_prefix p;

	assert_int_equal(ip_prefix_parse(text, &p), 0);
	assert_int_equal(status_add_prefix(list, &p), 0);
}

/* Static and copied as memory: padding stays zero, as comparing memory requires. */
static const struct status_tunnel tunnels[2] = {
	{ .tunnel_id = 3939,
		.peer_tunnel_id = 3940,
		.source_port = 1701,
		.destination_port = 1702,
		.unknown_sessions = 5,
		.last_unknown_session = 0xfffffffe,
		.control_messages = 6,
		.bad_checksums = 7 },
	{ .tunnel_id = 1, .peer_tunnel_id = 2, .encap = L2TP_ENCAP_IP, .udp_checksum = true },
};

static const struct status_session sessions[2] = {
	{ .tunnel_id = 3939,
		.session_id = 3941,
		.peer_session_id = 0xffffffff,
		.cookie_len = 4,
		.peer_cookie_len = 8,
		.options = { .sublayer = L2TP_SUBLAYER_DEFAULT,
			.sequence = L2TP_SEQUENCE_BOTH,
			.clamp_mss = L2TP_CLAMP_PATH,
			.oversize = L2TP_OVERSIZE_DROP },
		.mtu = 1500,
		.budget = 1386,
		.mss4 = 1346,
		.mss6 = 1326,
		.mss_clamped = 10,
		.too_big_sent = 11,
		.fragmented = 12,
		.fragments_tx = 13,
		.fragments_rx = 14,
		.reassembled = 15,
		.reordered = 16,
		.dropped_tx = 17,
		.dropped_rx = 18,
		.wrong_cookie = 23,
		.bad_length = 24,
		.sublayer_suspected = 25,
		.with_sequence = 26,
		.without_sequence = 27,
		.lost = 28,
		.tx = { 19, 20 },
		.rx = { 21, 22 } },
	{ .tunnel_id = 1,
		.session_id = 7,
		.options = { .sublayer = L2TP_SUBLAYER_NONE,
			.sequence = L2TP_SEQUENCE_RECV,
			.clamp_mss = L2TP_CLAMP_OFF,
			.oversize = L2TP_OVERSIZE_REJECT } },
};

static struct status_path path_for(unsigned i)
{
	return (struct status_path){ .state = (enum status_path_state)(i % STATUS_PATH_STATE_COUNT),
		.mtu = 1500 - i,
		.probes = 1000 + i,
		.answers = 900 + i,
		.black_holes = i,
		.train_max = 64 - i,
		.rtt_us = 5000000001 + i,
		.jitter_us = 5000000100 + i };
}

static struct status_arrivals arrivals_for(unsigned i)
{
	return (struct status_arrivals){ .received = 7100000000 + i,
		.lost = 7200000000 + i,
		.reordered = 7300000000 + i,
		.late = 7400000000 + i };
}

static struct status_queue queue_for(unsigned i)
{
	return (struct status_queue){ .rate = 100000000000 + i,
		.backlog = 4000000000 + i,
		.delay_p50_us = 5000000000 + i,
		.delay_p99_us = 6000000000 + i,
		.packets = 7000000000 + i,
		.dropped = 8000000000 + i,
		.marked = 9000000000 + i };
}

static struct status_route route_for(unsigned i)
{
	struct status_route r = { .leads = (enum status_leads)(i % STATUS_LEADS_COUNT) };

	snprintf(r.interface, sizeof(r.interface), "br-l2tp%u", i);
	snprintf(r.sent_by, sizeof(r.sent_by), "eth%u", i);
	return r;
}

static void fill_wg(struct status_report *r)
{
	strcpy(r->wg.name, "wg0");
	memset(r->wg.public_key, 0x5a, KEY_LEN);
	r->wg.listen_port = 65535;
	r->wg.pending_port = 65534;
	r->wg.fwmark = 0xfffffff1;
	r->wg.mtu = 1440;
	add_prefix(&r->wg.addresses, "10.0.1.11/24");
	add_prefix(&r->wg.addresses, "fd00::11/64");
	add_prefix(&r->wg.addresses, "10.9.9.9/32");
	r->wg.tun_tx = (struct status_traffic){ 1, 2 };
	r->wg.tun_rx = (struct status_traffic){ UINT64_MAX, UINT64_MAX - 1 };
	r->wg.too_big_sent = 3;
	r->wg.dropped_tx = 4;
	r->wg.dropped_rx = 5;
}

/* Two of each, all numbers different, each as wide as its member. */
static void fill_report(struct status_report *r)
{
	memset(r, 0, sizeof(*r));
	strcpy(r->site, "vpn01");
	strcpy(r->version, "0.1.0");
	strcpy(r->backend, "userspace");
	strcpy(r->backend_reason, "no \"l2tp_eth\" module\nin this kernel \\ /");
	strcpy(r->aead, "openssl");
	r->uptime_ms = 0x123456789abULL;
	r->pid = 4194303;
	r->offloads = (struct status_offloads){
		.known = true, .vnet = true, .uso = true, .udp_gro = true
	};
	fill_wg(r);
	for (unsigned i = 0; i < 5; i++) {
		struct status_peer *peer = status_add_peer(r);

		memset(peer->public_key, (int)i + 1, KEY_LEN);
		peer->has_psk = i & 1;
		peer->state = (enum status_peer_state)(i % STATUS_PEER_STATE_COUNT);
		peer->keepalive_s = (uint16_t)(65535 - i);
		peer->route = route_for(i);
		peer->path = path_for(i);
		peer->queue = queue_for(i);
		peer->arrivals = arrivals_for(i);
		peer->rx_bytes = 1000 + i;
		peer->tx_bytes = 2000 + i;
		if (i == 0)
			continue;
		if (i == 2)
			snprintf(peer->endpoint_name, sizeof(peer->endpoint_name),
				"vpn.example.org:1");
		assert_int_equal(endpoint_parse(i == 1 ? "192.168.122.32:8172" : "[fe80::1%7]:1",
					 &peer->endpoint),
			0);
		peer->last_handshake.sec = 1700000000 + i;
		peer->handshake_age_ms = 3000 + i;
		add_prefix(&peer->allowed_ips, "10.0.1.21/32");
		add_prefix(&peer->allowed_ips, "::/0");
	}
	for (unsigned i = 0; i < 2; i++) {
		struct status_tunnel *t = status_add_tunnel(r);
		struct status_session *s = status_add_session(r);

		memcpy(t, &tunnels[i], sizeof(*t));
		memcpy(s, &sessions[i], sizeof(*s));
		assert_int_equal(ip_addr_parse(i ? "fd00::1" : "10.0.1.11", &t->local), 0);
		assert_int_equal(ip_addr_parse(i ? "fd00::2" : "10.0.1.21", &t->remote), 0);
		snprintf(s->name, sizeof(s->name), "l2tpeth%u", i);
	}
	strcpy(status_add_bridge(r)->name, "br-l2tp0");
	strcpy(status_add_bridge(r)->name, "br-other");
	r->bridges[0].mtu = 1500;
	r->bridges[0].stp = true;
	r->bridges[0].adopted = true;
	r->bridges[1].multicast_snooping = true;
	strcpy(r->bridges[1].forward_control, "lldp, eapol");
	add_prefix(&r->bridges[0].addresses, "10.0.2.11/24");
	for (unsigned i = 0; i < 3; i++)
		snprintf(status_add_member(&r->bridges[1])->name, STATUS_IFNAME_LEN, "eth%u", i);
	r->bridges[1].members[1].mtu = 1386;
	r->bridges[1].members[1].up = true;
	r->bridges[1].members[0].session = true;
	r->bridges[1].members[0].isolated = true;
	r->budget = (struct status_budget){ .outer_mtu = 1500,
		.outer_ipv6 = true,
		.outer_measured = true,
		.wg_mtu = 1420,
		.inner_ip = 1366,
		.mss4 = 1326,
		.mss6 = 1306 };
	r->engine = (struct status_engine){ 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44,
		45 };
	for (int d = 1; d < DROP_COUNT; d++)
		r->drops.n[d] = (uint64_t)d * 1000000007ULL;
	for (int d = 1; d < DROP_COUNT; d++)
		r->drop_ages_ms.n[d] = (uint64_t)d * 7;
	assert_int_equal(status_add_warning(r, "%s: %d", "peer sends no sublayer", 7), 0);
	assert_int_equal(status_add_warning(r, "second"), 0);
}

static void assert_prefixes_equal(const struct status_prefixes *a, const struct status_prefixes *b)
{
	assert_int_equal(a->len, b->len);
	for (size_t i = 0; i < a->len; i++) {
		assert_true(ip_addr_equal(&a->v[i].addr, &b->v[i].addr));
		assert_int_equal(a->v[i].len, b->v[i].len);
	}
}

/* Compare all members: allocated ones by content, the others as memory. */
static void assert_reports_equal(struct status_report *a, struct status_report *b)
{
	struct status_report x = *a;
	struct status_report y = *b;

	assert_prefixes_equal(&a->wg.addresses, &b->wg.addresses);
	assert_int_equal(a->peers_len, b->peers_len);
	for (size_t i = 0; i < a->peers_len; i++) {
		struct status_peer p = a->peers[i];
		struct status_peer q = b->peers[i];

		assert_prefixes_equal(&p.allowed_ips, &q.allowed_ips);
		p.allowed_ips.v = q.allowed_ips.v;
		assert_memory_equal(&p, &q, sizeof(p));
	}
	assert_memory_equal(a->tunnels, b->tunnels, a->tunnels_len * sizeof(*a->tunnels));
	assert_memory_equal(a->sessions, b->sessions, a->sessions_len * sizeof(*a->sessions));
	assert_memory_equal(a->warnings, b->warnings, a->warnings_len * sizeof(*a->warnings));
	assert_int_equal(a->bridges_len, b->bridges_len);
	for (size_t i = 0; i < a->bridges_len; i++) {
		struct status_bridge p = a->bridges[i];
		struct status_bridge q = b->bridges[i];

		assert_prefixes_equal(&p.addresses, &q.addresses);
		assert_int_equal(p.members_len, q.members_len);
		assert_memory_equal(p.members, q.members, p.members_len * sizeof(*p.members));
		p.addresses.v = q.addresses.v;
		p.members = q.members;
		assert_memory_equal(&p, &q, sizeof(p));
	}
	x.wg.addresses.v = y.wg.addresses.v = NULL;
	x.bridges = y.bridges = NULL;
	x.peers = y.peers = NULL;
	x.tunnels = y.tunnels = NULL;
	x.sessions = y.sessions = NULL;
	x.warnings = y.warnings = NULL;
	assert_memory_equal(&x, &y, sizeof(x));
}

static void test_report_round_trip(void **state)
{
	struct ctl_reply reply = { .ok = true, .text = "here", .has_status = true };
	struct ctl_reply back;
	char *line;
	size_t len;

	fill_report(&reply.status);
	assert_int_equal(ctl_reply_print(&reply, &line, &len), 0);
	assert_ptr_equal(memchr(line, '\n', len), line + len - 1);
	assert_int_equal(ctl_reply_parse(line, len, &back), 0);
	assert_true(back.ok);
	assert_true(back.has_status);
	assert_string_equal(back.text, "here");
	assert_reports_equal(&reply.status, &back.status);
	free(line);
	ctl_reply_fini(&reply);
	ctl_reply_fini(&back);
}

/* Whatever allocation fails, a reply is written and read whole, or not at all. */
static void test_out_of_memory(void **state)
{
	struct ctl_reply reply = { .ok = true, .text = "here", .has_status = true };
	struct ctl_reply back;
	unsigned n = 0;
	char *line;
	size_t len;
	bool failed;
	int err;

	fill_report(&reply.status);
	do {
		alloc_fail_after(n++);
		err = ctl_reply_print(&reply, &line, &len);
		failed = alloc_succeed();
		assert_int_equal(err, failed ? -ENOMEM : 0);
	} while (failed);
	assert_in_range(n, 300, 10000);
	n = 0;
	do {
		alloc_fail_after(n++);
		err = ctl_reply_parse(line, len, &back);
		failed = alloc_succeed();
		assert_int_equal(err, failed ? -ENOMEM : 0);
	} while (failed);
	assert_in_range(n, 10, 1000);
	assert_reports_equal(&reply.status, &back.status);
	free(line);
	ctl_reply_fini(&reply);
	ctl_reply_fini(&back);
}

/* A report's JSON and back, with one option of its session set. Return: the option. */
static uint32_t option_round_trip(size_t option, uint32_t value)
{
	struct ctl_reply reply = { .ok = true, .has_status = true };
	struct ctl_reply back;
	struct l2tp_options *o = &status_add_session(&reply.status)->options;
	char *line;
	size_t len;
	uint32_t result;

	l2tp_options_init(o);
	l2tp_options_set(o, option, value);
	assert_int_equal(ctl_reply_print(&reply, &line, &len), 0);
	assert_int_equal(ctl_reply_parse(line, len, &back), 0);
	result = l2tp_options_get(&back.status.sessions[0].options, option);
	free(line);
	ctl_reply_fini(&reply);
	ctl_reply_fini(&back);
	return result;
}

/* Each option is reported in each word and at both ends of its range; with `off`, as a Boolean. */
static void test_options(void **state)
{
	for (size_t i = 0; i < L2TP_OPTIONS; i++) {
		const struct l2tp_option *row = &l2tp_option_rows[i];

		for (uint32_t w = 0; w < row->n_words; w++)
			assert_int_equal(option_round_trip(i, w), w);
		if (row->max && row->off) {
			assert_int_equal(option_round_trip(i, row->max), row->initial);
		} else if (row->max) {
			assert_int_equal(option_round_trip(i, row->min), row->min);
			assert_int_equal(option_round_trip(i, row->max), row->max);
		}
	}
}

static void test_empty_report(void **state)
{
	struct ctl_reply reply = { .ok = true, .has_status = true };
	struct ctl_reply back;
	char *line;
	size_t len;

	assert_int_equal(ctl_reply_print(&reply, &line, &len), 0);
	assert_non_null(memmem(line, len, "\"wireguard\":null", 16));
	assert_non_null(memmem(line, len, "\"bridges\":[]", 12));
	assert_int_equal(ctl_reply_parse(line, len, &back), 0);
	assert_memory_equal(&reply, &back, sizeof(reply));
	free(line);
	ctl_reply_fini(&back);
}

static void test_failure_round_trip(void **state)
{
	struct ctl_reply reply = { .ok = true };
	struct ctl_reply back;
	char *line;
	size_t len;

	ctl_reply_fail(&reply, "cannot read %s", "/etc/wirespan/\"x\".conf");
	assert_int_equal(ctl_reply_print(&reply, &line, &len), 0);
	assert_int_equal(ctl_reply_parse(line, len, &back), 0);
	assert_false(back.ok);
	assert_false(back.has_status);
	assert_string_equal(back.text, "cannot read /etc/wirespan/\"x\".conf");
	free(line);
}

/* Adding a peer after decoding a list must not overflow the list. */
static void test_grow_after_decode(void **state)
{
	struct ctl_reply reply = { .ok = true, .has_status = true };
	struct ctl_reply back;
	char *line;
	size_t len;

	fill_report(&reply.status);
	assert_int_equal(ctl_reply_print(&reply, &line, &len), 0);
	assert_int_equal(ctl_reply_parse(line, len, &back), 0);
	for (int i = 0; i < 9; i++)
		assert_non_null(status_add_peer(&back.status));
	assert_int_equal(back.status.peers_len, reply.status.peers_len + 9);
	free(line);
	ctl_reply_fini(&reply);
	ctl_reply_fini(&back);
}

static void test_verdicts(void **state)
{
	static const struct {
		const char *line;
		int result;
	} table[] = {
		{ "{\"ok\":true}", 0 },
		{ "{\"ok\":true,\"status\":{}}", 0 },
		{ "{\"ok\":true,\"status\":{\"newer\":[1,2]}}", 0 },
		{ "{\"ok\":true,\"status\":{\"peers\":null,\"wireguard\":null}}", 0 },
		{ "{\"ok\":true,\"status\":{\"uptime_ms\":18446744073709551615}}", 0 },
		{ "", -EBADMSG },
		{ "[]", -EBADMSG },
		{ "{}", -EBADMSG },
		{ "{\"ok\":1}", -EBADMSG },
		{ "{\"ok\":true,\"text\":5}", -EBADMSG },
		{ "{\"ok\":true}x", -EBADMSG },
		{ "{\"ok\":true,\"status\":[]}", -EBADMSG },
		{ "{\"ok\":true,\"status\":{\"pid\":4294967296}}", -EBADMSG },
		{ "{\"ok\":true,\"status\":{\"pid\":-1}}", -EBADMSG },
		{ "{\"ok\":true,\"status\":{\"pid\":1.5}}", -EBADMSG },
		{ "{\"ok\":true,\"status\":{\"pid\":\"1\"}}", -EBADMSG },
		{ "{\"ok\":true,\"status\":{\"backend\":\"longer than sixteen\"}}", -EBADMSG },
		{ "{\"ok\":true,\"status\":{\"backend\":\"a\\u0000b\"}}", -EBADMSG },
		{ "{\"ok\":true,\"status\":{\"peers\":{}}}", -EBADMSG },
		{ "{\"ok\":true,\"status\":{\"peers\":[{},7]}}", -EBADMSG },
		{ "{\"ok\":true,\"status\":{\"peers\":[{\"allowed_ips\":[\"::/0\",\"x\"]}]}}",
			-EBADMSG },
		{ "{\"ok\":true,\"status\":{\"peers\":[{\"endpoint\":\"1.2.3.4\"}]}}", -EBADMSG },
		{ "{\"ok\":true,\"status\":{\"peers\":[{\"state\":\"dreaming\"}]}}", -EBADMSG },
		{ "{\"ok\":true,\"status\":{\"peers\":[{\"public_key\":\"AAAA\"}]}}", -EBADMSG },
		{ "{\"ok\":true,\"status\":{\"tunnels\":[{\"local\":\"300.1.1.1\"}]}}", -EBADMSG },
		{ "{\"ok\":true,\"status\":{\"offloads\":{\"tso\":1}}}", -EBADMSG },
		{ "{\"ok\":true,\"status\":{\"sessions\":[{\"oversize\":null}]}}", 0 },
		{ "{\"ok\":true,\"status\":{\"sessions\":[{\"oversize\":\"maybe\"}]}}", -EBADMSG },
		{ "{\"ok\":true,\"status\":{\"sessions\":[{\"oversize\":1}]}}", -EBADMSG },
		{ "{\"ok\":true,\"status\":{\"sessions\":[{\"clamp_mss\":\"yes\"}]}}", -EBADMSG },
		{ "{\"ok\":true,\"status\":{\"drops\":[]}}", -EBADMSG },
		{ "{\"ok\":true,\"status\":{\"drops\":{\"wg_replay\":\"many\"}}}", -EBADMSG },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct ctl_reply reply;
		int result = ctl_reply_parse(table[i].line, strlen(table[i].line), &reply);

		if (result != table[i].result)
			fail_msg("%s: %d", table[i].line, result);
		ctl_reply_fini(&reply);
	}
}

/* What a report's text could do to a terminal is taken out when it is parsed. */
static void test_control_characters(void **state)
{
	struct ctl_reply reply = { .ok = true, .has_status = true };
	struct ctl_reply back;
	char *line;
	size_t len;

	assert_int_equal(status_add_warning(&reply.status, "a\x1b[2J\nb\x7f"), 0);
	assert_int_equal(ctl_reply_print(&reply, &line, &len), 0);
	assert_int_equal(ctl_reply_parse(line, len, &back), 0);
	assert_string_equal(back.status.warnings[0].text, "a?[2J\nb?");
	free(line);
	ctl_reply_fini(&reply);
	ctl_reply_fini(&back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_report_round_trip),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_empty_report),
		cmocka_unit_test(test_failure_round_trip),
		cmocka_unit_test(test_grow_after_decode),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_control_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
