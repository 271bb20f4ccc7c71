/* SPDX-License-Identifier: MIT */
/* Test data: the observations of a site without faults, and faults added one at a time. */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "ctlproto/test_report.h"
#include "judge/judge.h"

/** A fault, and the finding that it must cause. */
struct fault {
	void (*change)(struct observations *f);
	enum finding_severity severity;
	const char *check;
	const char *text;
	const char *hint; /* NULL: any */
};

/** The report of the site. */
static inline void sample_report(struct status_report *r)
{
	struct status_peer *peer = status_add_peer(r);
	struct status_bridge *b = status_add_bridge(r);

	strcpy(r->backend, "userspace");
	r->pid = 77;
	r->uptime_ms = 200000;
	strcpy(r->wg.name, "wg0");
	r->wg.listen_port = 8172;
	r->wg.mtu = 1440;
	memset(r->wg.public_key, 0x11, KEY_LEN);
	memset(peer->public_key, 0x22, KEY_LEN);
	peer->state = STATUS_PEER_ESTABLISHED;
	peer->handshake_age_ms = 12500;
	peer->rx_bytes = 1000;
	assert_int_equal(endpoint_parse("192.168.122.32:8173", &peer->endpoint), 0);
	test_report_add_prefix(&peer->allowed_ips, "10.0.1.21/32");
	test_report_add_tunnel(r)->destination_port = 1702;
	(void)test_report_add_session(r);
	strcpy(b->name, "br-l2tp0");
	b->mtu = 1500;
	*status_add_member(b) = (struct status_member){
		.name = "l2tpeth0", .mtu = 1500, .up = true, .session = true
	};
	*status_add_member(b) = (struct status_member){ .name = "eth1", .mtu = 1500, .up = true };
}

/** A site without faults. */
static inline void sample_fill(struct observations *f)
{
	memset(f, 0, sizeof(*f));
	strcpy(f->site, "vpn01");
	sample_report(&f->before);
	sample_report(&f->after);
	f->after.peers[0].rx_bytes = 9000;
	f->after.sessions[0].rx.packets = 50;
	f->after.sessions[0].tx.packets = 300;
	f->n_peers = f->n_sessions = f->n_underlays = 1;
	f->n_ports = 2;
	f->peers = calloc(1, sizeof(*f->peers));
	f->sessions = calloc(1, sizeof(*f->sessions));
	f->underlays = calloc(1, sizeof(*f->underlays));
	f->ports = calloc(2, sizeof(*f->ports));
	assert_int_equal(ip_addr_parse("10.0.1.21", &f->peers[0].tunnel), 0);
	strcpy(f->peers[0].underlay, "eth0");
	f->peers[0].echo = f->peers[0].full = (struct observed_echo){ 5, 5, 300, 2000, 600 };
	f->peers[0].full_size = 1440;
	f->peers[0].datagrams_out = 40;
	f->peers[0].datagrams_in = 30;
	f->sessions[0] = (struct observed_session){ .tried = true,
		.asked = 254,
		.frames_in = 30,
		.stations = 2,
		.echo = { 20, 20, 250, 10000, 900 },
		.limit = 1500,
		.largest = 1500,
		.whole = 1386,
		.flood_sent = 10000,
		.flood_received = 10000,
		.flood_us = 1000000,
		.flood_size = 1386 };
	assert_int_equal(ip_addr_parse("10.0.2.21", &f->sessions[0].station), 0);
	strcpy(f->underlays[0].name, "eth0");
	f->underlays[0].up = true;
	f->underlays[0].mtu = 1500;
	f->underlays[0].wireguard = 300;
	strcpy(f->ports[0].name, "l2tpeth0");
	strcpy(f->ports[1].name, "eth1");
	f->ports[0].state = f->ports[1].state = CHECK_PORT_FORWARDING;
	f->n_bridges = 1;
	f->bridges = calloc(1, sizeof(*f->bridges));
	strcpy(f->bridges[0].name, "br-l2tp0");
	f->host = (struct observed_host){ -1, -1, -1, 0 };
}

/** Its bridges run the spanning tree protocol, as the file configures; port number `i` is in that
 * state. */
static inline void sample_tree(struct observations *f, size_t i, enum check_port_state state)
{
	f->before.bridges[0].stp = f->after.bridges[0].stp = true;
	f->bridges[0].runs_stp = true;
	f->ports[i].state = state;
}

/** An ICMP error. */
static inline void sample_icmp(
	struct observed_icmp *e, uint8_t type, uint8_t code, const char *from)
{
	*e = (struct observed_icmp){ .seen = true, .type = type, .code = code };
	assert_int_equal(ip_addr_parse(from, &e->from), 0);
	e->ipv6 = e->from.family == AF_INET6;
}

/** The finding with that text, or NULL. */
static inline const struct finding *sample_find(const struct findings *f, const char *text)
{
	for (size_t i = 0; i < f->n; i++)
		if (!strcmp(f->v[i].text, text))
			return &f->v[i];
	for (size_t i = 0; i < f->n; i++)
		print_message("%s: %s\n", f->v[i].check, f->v[i].text);
	return NULL;
}

/** Add each fault alone and expect its finding; only an error makes the check fail. */
static inline void sample_check_faults(const struct fault *faults, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct findings findings = { 0 };
		const struct finding *got;
		struct observations f;

		sample_fill(&f);
		faults[i].change(&f);
		judge_observations(&f, &findings);
		got = sample_find(&findings, faults[i].text);
		if (!got)
			fail_msg("missing: %s", faults[i].text);
		assert_int_equal(got->severity, faults[i].severity);
		assert_string_equal(got->check, faults[i].check);
		if (faults[i].hint)
			assert_string_equal(got->hint, faults[i].hint);
		else
			assert_true(*got->hint && got->hint[strlen(got->hint) - 1] != ' ');
		if (faults[i].severity != FINDING_ERROR)
			assert_int_equal(findings_count(&findings, FINDING_ERROR), 0);
		assert_false(findings.out_of_memory);
		findings_fini(&findings);
		observations_fini(&f);
	}
}

/** In every case with one fault there is one error: the cause, without its consequences. */
static inline void sample_check_once(const struct fault *faults, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct findings findings = { 0 };
		struct observations f;

		sample_fill(&f);
		faults[i].change(&f);
		judge_observations(&f, &findings);
		assert_int_equal(findings_count(&findings, FINDING_ERROR),
			faults[i].severity == FINDING_ERROR);
		findings_fini(&findings);
		observations_fini(&f);
	}
}
