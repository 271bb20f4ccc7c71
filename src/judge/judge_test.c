/* SPDX-License-Identifier: MIT */
/* Tests of findings: the exact texts for a healthy site; faults of the host, one at a time. */
#include "judge/judge.h"

#include "judge/sample.h"

static void test_healthy(void **state)
{
	static const char *const expected[][3] = {
		{ "daemon", "vpn01", "Running for 3 min 20 s, pid 77, userspace back end." },
		{ "bridge", "br-l2tp0",
			"2 ports, all up and forwarding, none with an MTU below 1500." },
		{ "handshake", "10.0.1.21",
			"WireGuard session with 192.168.122.32:8173, handshake 12 s ago." },
		{ "echo", "10.0.1.21",
			"10.0.1.21 answers through the tunnel: 5 of 5, 0.40 ms (0.30 to 0.60)." },
		{ "tunnel_mtu", "10.0.1.21",
			"Packets of 1440 bytes, the MTU of wg0, pass in one piece." },
		{ "session", "l2tpeth0",
			"Frames pass both ways: 10.0.2.21 answers 20 of 20, 0.50 ms (0.25 to "
			"0.90); "
			"2 stations on the far side." },
		{ "size", "l2tpeth0",
			"The largest packet that passes in one piece has 1386 bytes, as "
			"computed." },
		{ "full_size", "l2tpeth0",
			"Packets of 1500 bytes pass with don't-fragment set, in fragments inside "
			"the tunnel." },
		{ "throughput", "l2tpeth0",
			"10000 echoes a second of 1386 bytes, 111 Mbit/s each way; 0.0 % lost of "
			"what this load sent. (One program asking, 10.0.2.21 answering: bulk TCP "
			"is faster.)" },
		{ "underlay", "eth0",
			"300 WireGuard datagrams on eth0, no fragment, nothing of ours in clear." },
	};
	struct findings findings = { 0 };
	struct observations f;

	sample_fill(&f);
	judge_observations(&f, &findings);
	assert_int_equal(findings.n, ARRAY_LEN(expected));
	for (size_t i = 0; i < findings.n; i++) {
		assert_int_equal(findings.v[i].severity, FINDING_OK);
		assert_string_equal(findings.v[i].check, expected[i][0]);
		assert_string_equal(findings.v[i].subject, expected[i][1]);
		assert_string_equal(findings.v[i].text, expected[i][2]);
		assert_string_equal(findings.v[i].hint, "");
	}
	findings_fini(&findings);
	observations_fini(&f);
}

static void break_port_mtu(struct observations *f)
{
	f->after.bridges[0].members[1].mtu = 1386;
}

static void break_bridge(struct observations *f)
{
	f->bridges[0].down = true;
}

static void break_port_down(struct observations *f)
{
	f->after.bridges[0].members[1].up = false;
}

static void break_one_port_down(struct observations *f)
{
	*status_add_member(&f->after.bridges[0]) =
		(struct status_member){ .name = "eth2", .mtu = 1500 };
}

static void tree_blocks(struct observations *f)
{
	sample_tree(f, 1, CHECK_PORT_BLOCKING);
}

static void tree_learns(struct observations *f)
{
	sample_tree(f, 1, CHECK_PORT_LEARNING);
}

/* A blocked port is checked further: it may have to replace another one at any time. */
static void tree_blocks_small(struct observations *f)
{
	tree_blocks(f);
	break_port_mtu(f);
}

static void tree_was_turned_off(struct observations *f)
{
	sample_tree(f, 1, CHECK_PORT_FORWARDING);
	f->bridges[0].runs_stp = false;
}

static void tree_was_turned_off_blocking(struct observations *f)
{
	tree_was_turned_off(f);
	f->ports[1].state = CHECK_PORT_BLOCKING;
}

static void foreign_tree(struct observations *f)
{
	f->bridges[0].runs_stp = true;
}

static void foreign_tree_blocks(struct observations *f)
{
	foreign_tree(f);
	f->ports[1].state = CHECK_PORT_BLOCKING;
}

static void foreign_tree_listens(struct observations *f)
{
	foreign_tree(f);
	f->ports[1].state = CHECK_PORT_LISTENING;
}

static void break_state(struct observations *f)
{
	f->ports[1].state = CHECK_PORT_BLOCKING;
}

static void break_state_disabled(struct observations *f)
{
	f->ports[1].state = CHECK_PORT_DISABLED;
}

/* Its link came up after the check began: no program has set its state. */
static void port_comes_up(struct observations *f)
{
	break_state_disabled(f);
	f->ports[1].no_carrier = true;
}

static void spare_port_comes_up(struct observations *f)
{
	f->ports = realloc(f->ports, (f->n_ports + 1) * sizeof(*f->ports));
	f->ports[f->n_ports++] = (struct observed_port){
		.name = "eth2", .state = CHECK_PORT_DISABLED, .no_carrier = true
	};
	break_one_port_down(f);
	f->after.bridges[0].members[2].up = true;
}

static void break_state_learning(struct observations *f)
{
	f->ports[1].state = CHECK_PORT_LEARNING;
}

static void break_delay(struct observations *f)
{
	f->ports[1].state = CHECK_PORT_LEARNING;
	f->bridges[0].forward_delay = 1500;
}

static void note_target_elsewhere(struct observations *f)
{
	assert_int_equal(ip_addr_parse("10.0.2.99", &f->target), 0);
}

static void break_bridge_mtu(struct observations *f)
{
	f->after.bridges[0].mtu = 1280;
}

/* By the file, the session is in no bridge. */
static void leave_bridge(struct observations *f)
{
	strcpy(f->after.bridges[0].members[0].name, "eth7");
	f->after.bridges[0].members[0].session = false;
}

static void add_difference(
	struct observations *f, const char *kind, const char *name, enum status_remedy remedy)
{
	struct status_difference *d = status_add_difference(&f->after);

	assert_non_null(d);
	*d = (struct status_difference){
		.text = "It differs", .hint = "Do this.", .remedy = remedy
	};
	strcpy(d->kind, kind);
	strcpy(d->name, name);
}

static void break_bridge_mac(struct observations *f)
{
	add_difference(f, "mac", "br-l2tp0", STATUS_REMEDY_LEAVE);
}

static void lose_only_member(struct observations *f)
{
	f->after.bridges[0].members[1].state = STATUS_PORT_ABSENT;
	add_difference(f, "absent", "eth1", STATUS_REMEDY_WAIT);
}

static void move_member(struct observations *f)
{
	f->after.bridges[0].members[1].state = STATUS_PORT_ELSEWHERE;
	add_difference(f, "port", "eth1", STATUS_REMEDY_LEAVE);
}

static void lose_spare_member(struct observations *f)
{
	struct status_member *m = status_add_member(&f->after.bridges[0]);

	assert_non_null(m);
	*m = (struct status_member){ .name = "eth2", .state = STATUS_PORT_ABSENT };
	add_difference(f, "absent", "eth2", STATUS_REMEDY_WAIT);
}

static void lose_session(struct observations *f)
{
	f->after.bridges[0].members[0].state = STATUS_PORT_OUTSIDE;
	add_difference(f, "port", "l2tpeth0", STATUS_REMEDY_RESTORE);
}

static void move_session(struct observations *f)
{
	f->after.bridges[0].members[0].state = STATUS_PORT_ELSEWHERE;
	add_difference(f, "port", "l2tpeth0", STATUS_REMEDY_RESTORE);
}

static void note_alone(struct observations *f)
{
	f->after.bridges[0].members_len = 1;
}

static void break_netfilter(struct observations *f)
{
	f->host.bridge_nf_ip4 = 1;
	f->host.bridge_nf_ip6 = 0;
	f->host.bridge_nf_arp = 1;
}

static void add_process(struct observations *f, const char *confinement)
{
	struct status_process *p = status_add_process(&f->after);

	assert_non_null(p);
	*p = (struct status_process){ .role = "engine", .pid = 7 };
	snprintf(p->confinement, sizeof(p->confinement), "%s", confinement);
}

static void isolate(struct observations *f)
{
	add_process(f, "own user, system call filter");
}

static void isolate_less(struct observations *f)
{
	add_process(f, "own user");
}

static void note_forwarding(struct observations *f)
{
	f->host.ip_forward = 1;
}

static void break_clear(struct observations *f)
{
	f->underlays[0].clear = 4;
}

static void break_fragments(struct observations *f)
{
	f->underlays[0].fragments = 4;
}

static void break_fragments_ours(struct observations *f)
{
	f->underlays[0].fragments = f->underlays[0].fragments_out = 4;
}

/* One network card: clear-text packets there are the members' own. */
static void note_one_card(struct observations *f)
{
	strcpy(f->underlays[0].name, "br-l2tp0");
	f->underlays[0].clear = 4;
}

static void break_underlay_bridged(struct observations *f)
{
	strcpy(f->after.bridges[0].members[1].name, "eth0");
}

static void break_capture(struct observations *f)
{
	f->underlays[0].error = -EPERM;
}

static void note_unseen(struct observations *f)
{
	f->underlays[0].not_captured = 12;
}

static void note_drops(struct observations *f)
{
	f->before.drops.n[DROP_WG_REPLAY] = 5;
	f->after.drops.n[DROP_WG_REPLAY] = 7;
}

static void note_old_drops(struct observations *f)
{
	f->before.drops.n[DROP_WG_REPLAY] = f->after.drops.n[DROP_WG_REPLAY] = 7;
	f->after.drop_ages_ms.n[DROP_WG_REPLAY] = 90000;
}

static void break_restart(struct observations *f)
{
	f->after.pid = 78;
}

static void break_reload(struct observations *f)
{
	f->after.sessions[0].session_id = 1;
}

static void warn(struct observations *f)
{
	assert_int_equal(status_add_warning(&f->after, "something is degraded"), 0);
}

static const struct fault faults[] = {
	{ break_port_mtu, FINDING_ERROR, "port_mtu",
		"Port eth1 has MTU 1386, the segment 1500: the bridge drops larger frames toward "
		"it silently.",
		"`ip link set eth1 mtu 1500`, or MTU = 1386 in [L2TPSession] on both sides." },
	{ break_port_down, FINDING_ERROR, "port_down",
		"Port eth1 of br-l2tp0 is down or has no carrier.", NULL },
	{ break_one_port_down, FINDING_WARNING, "port_down",
		"Port eth2 of br-l2tp0 is down or has no carrier.", NULL },
	{ port_comes_up, FINDING_ERROR, "port_late",
		"Port eth1 of br-l2tp0 came up while the check ran: hosts behind it were not "
		"tried.",
		"Check again." },
	{ spare_port_comes_up, FINDING_WARNING, "port_late",
		"Port eth2 of br-l2tp0 came up while the check ran: hosts behind it were not "
		"tried.",
		"Check again." },
	{ tree_blocks, FINDING_OK, "port_blocked",
		"The spanning tree blocks port eth1 of br-l2tp0, as STP = yes intends where there "
		"is more than one path.",
		"" },
	{ tree_blocks, FINDING_OK, "bridge",
		"2 ports, all up, 1 of them forwarding, none with an MTU below 1500.", "" },
	{ tree_learns, FINDING_NOTE, "port_blocked",
		"Port eth1 of br-l2tp0 is learning: with STP = yes a port forwards at most 30 s "
		"after it has come up.",
		"" },
	{ tree_blocks_small, FINDING_ERROR, "port_mtu",
		"Port eth1 has MTU 1386, the segment 1500: the bridge drops larger frames toward "
		"it silently.",
		NULL },
	{ tree_was_turned_off, FINDING_ERROR, "stp",
		"br-l2tp0 runs no spanning tree, although [Bridge] sets STP = yes: if there is "
		"more than one path, frames circulate.",
		"`ip link set br-l2tp0 type bridge forward_delay 1500 stp_state 1`; and find out "
		"what turned it off." },
	{ tree_was_turned_off_blocking, FINDING_ERROR, "port_blocked",
		"Port eth1 of br-l2tp0 is blocking, although the bridge runs no spanning tree.",
		NULL },
	{ foreign_tree, FINDING_WARNING, "stp",
		"br-l2tp0 runs the spanning tree protocol, but [Bridge] does not set STP = yes.",
		NULL },
	{ foreign_tree_blocks, FINDING_ERROR, "port_blocked",
		"Port eth1 of br-l2tp0 is blocking: the bridge runs the spanning tree protocol, "
		"but [Bridge] does not set STP = yes.",
		"More than one path leads to the hosts behind eth1. Write STP = yes in [Bridge] "
		"on every site; or remove all paths but one." },
	{ foreign_tree_listens, FINDING_ERROR, "port_blocked",
		"Port eth1 of br-l2tp0 is listening: the bridge runs the spanning tree protocol, "
		"but [Bridge] does not set STP = yes.",
		NULL },
	{ break_state, FINDING_ERROR, "port_blocked",
		"Port eth1 of br-l2tp0 is blocking: its state was set by hand or by another "
		"program.",
		"If no other path leads to the hosts behind it: `bridge link set dev eth1 state "
		"3`." },
	{ break_state_disabled, FINDING_ERROR, "port_blocked",
		"Port eth1 of br-l2tp0 is disabled: its state was set by hand or by another "
		"program.",
		NULL },
	{ break_state_learning, FINDING_ERROR, "port_blocked",
		"Port eth1 of br-l2tp0 is learning: its state was set by hand or by another "
		"program.",
		"If no other path leads to the hosts behind it: `bridge link set dev eth1 state "
		"3`." },
	{ break_delay, FINDING_ERROR, "port_blocked",
		"Port eth1 of br-l2tp0 is learning: the bridge has a forward delay, although it "
		"runs no spanning tree.",
		NULL },
	{ note_target_elsewhere, FINDING_ERROR, "target", "10.0.2.99 answers through no session.",
		NULL },
	{ break_bridge_mtu, FINDING_WARNING, "bridge_mtu",
		"br-l2tp0 has MTU 1280, the segment 1500.", "`ip link set br-l2tp0 mtu 1500`" },
	{ break_bridge_mac, FINDING_ERROR, "differs", "It differs.", "Do this." },
	{ lose_only_member, FINDING_ERROR, "differs", "It differs.", "Do this." },
	{ move_member, FINDING_ERROR, "differs", "It differs.", "Do this." },
	{ lose_spare_member, FINDING_WARNING, "differs", "It differs.", "Do this." },
	{ lose_session, FINDING_ERROR, "bridge", "l2tpeth0 is in no bridge.", NULL },
	{ move_session, FINDING_ERROR, "differs", "It differs.", "Do this." },
	{ note_alone, FINDING_NOTE, "bridge",
		"br-l2tp0 has no port but sessions: no host is behind this gateway.", NULL },
	{ break_netfilter, FINDING_NOTE, "br_netfilter",
		"br_netfilter is active: bridged frames pass through this host's iptables "
		"arptables rules.",
		"" },
	{ isolate, FINDING_OK, "isolation",
		"The engine, process 7, is confined: own user, system call filter.", "" },
	{ isolate_less, FINDING_WARNING, "isolation",
		"The engine, process 7, is confined: own user.",
		"This host allows it no filter of system calls: in a container, allow seccomp; "
		"else enable it in the kernel." },
	{ note_forwarding, FINDING_NOTE, "forwarding",
		"IP forwarding is on; the segment does not need it.", "" },
	{ break_clear, FINDING_ERROR, "clear",
		"4 packets of the segment were seen in clear on eth0.", NULL },
	{ break_fragments, FINDING_ERROR, "fragments",
		"4 IP fragments were seen on eth0, all from peers.", NULL },
	{ break_fragments_ours, FINDING_ERROR, "fragments",
		"4 IP fragments were seen on eth0, all ours.",
		"[Interface] MTU here (1440) is too large for eth0, whose MTU is 1500: MTU = auto, "
		"or "
		"at most 1440 (1420 if a peer's endpoint is IPv6)." },
	{ note_one_card, FINDING_NOTE, "underlay",
		"300 WireGuard datagrams on br-l2tp0, which is the bridge: members and underlay "
		"share a network card. Clear-text packets there are the members'.",
		"" },
	{ break_underlay_bridged, FINDING_NOTE, "underlay",
		"300 WireGuard datagrams on eth0, which is a port of the bridge: members and "
		"underlay share a network card. Clear-text packets there are the members'.",
		"" },
	{ break_bridge, FINDING_ERROR, "bridge_down",
		"The bridge br-l2tp0 is down: no frame passes.", "`ip link set br-l2tp0 up`" },
	{ break_capture, FINDING_WARNING, "underlay",
		"Cannot listen on eth0: Operation not permitted.", "" },
	{ note_unseen, FINDING_NOTE, "underlay", "12 packets on eth0 were not captured.", "" },
	{ note_drops, FINDING_NOTE, "drops",
		"2 dropped during the check: seen before: a replay, or a datagram that the network "
		"duplicated.",
		"" },
	{ note_old_drops, FINDING_NOTE, "drops",
		"7 dropped, the last 90 s ago: seen before: a replay, or a datagram that the "
		"network duplicated.",
		"" },
	{ break_restart, FINDING_ERROR, "daemon", "wirespan was restarted during the check.",
		"Check again." },
	{ break_reload, FINDING_ERROR, "daemon", "The configuration changed during the check.",
		"Check again." },
	{ warn, FINDING_WARNING, "daemon", "something is degraded", "" },
};

static void test_faults(void **state)
{
	sample_check_faults(faults, ARRAY_LEN(faults));
}

static size_t count_findings(
	const struct findings *findings, const char *check, const char *subject)
{
	size_t n = 0;

	for (size_t i = 0; i < findings->n; i++)
		n += !strcmp(findings->v[i].check, check) &&
		     !strcmp(findings->v[i].subject, subject);
	return n;
}

/* Nothing is wrong with a session that the file has in no bridge, and what differs is reported. */
static void test_session_outside(void **state)
{
	for (int differs = 0; differs < 2; differs++) {
		struct findings findings = { 0 };
		struct observations f;

		sample_fill(&f);
		leave_bridge(&f);
		if (differs)
			add_difference(&f, "absent", "l2tpeth0", STATUS_REMEDY_RESTORE);
		judge_observations(&f, &findings);
		assert_int_equal(count_findings(&findings, "bridge", "l2tpeth0"), 0);
		assert_int_equal(count_findings(&findings, "differs", "l2tpeth0"), differs);
		findings_fini(&findings);
		observations_fini(&f);
	}
}

static void set_session(struct observed_session *s, unsigned bits)
{
	if (bits & 1)
		s->station.family = 0;
	if (bits & 2)
		s->far_end = (struct observed_echo){ 10, 10, 250, 5000, 900 };
	if (bits & 4)
		s->path_tried = s->path_found = true;
	if (bits & 8)
		s->frames_in = 0;
}

/* In every finding: turning STP off, which may close a loop, is suggested only with the condition
 * that any two sites have one path; and blocked ports alone are no error with STP = yes. */
static void test_no_loop_is_advised(void **state)
{
	for (unsigned bits = 0; bits < 1024; bits++) {
		struct findings findings = { 0 };
		struct observations f;
		bool stp = bits & 1, same = bits & 2;

		sample_fill(&f);
		f.before.bridges[0].stp = f.after.bridges[0].stp = stp;
		f.bridges[0].runs_stp = same ? stp : !stp;
		f.ports[0].state = (bits >> 2) % 6;
		set_session(&f.sessions[0], bits >> 6);
		judge_observations(&f, &findings);
		for (size_t i = 0; i < findings.n; i++) {
			const char *hint = findings.v[i].hint;

			assert_null(strstr(hint, "STP = no"));
			if (strstr(hint, "stp_state 0"))
				assert_non_null(strstr(hint, "If none are"));
		}
		if (stp && same && f.ports[0].state != CHECK_PORT_DISABLED && !(bits & 64))
			assert_int_equal(findings_count(&findings, FINDING_ERROR), 0);
		findings_fini(&findings);
		observations_fini(&f);
	}
}

/* Numbers of one, and hints that are questions, in every finding. */
static void test_singular(void **state)
{
	struct findings f = { 0 };
	struct finding *finding = finding_add(&f, FINDING_WARNING, "wire", "eth0",
		"%u packets of the segment were seen in clear on %s.", 1, "eth0");

	finding_hint(finding, "%s.", "Is it the LAN?");
	assert_string_equal(f.v[0].text, "1 packet of the segment was seen in clear on eth0.");
	assert_string_equal(f.v[0].hint, "Is it the LAN?");
	findings_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_singular),
		cmocka_unit_test(test_healthy),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_session_outside),
		cmocka_unit_test(test_no_loop_is_advised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
