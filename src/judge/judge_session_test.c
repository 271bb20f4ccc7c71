/* SPDX-License-Identifier: MIT */
/* Tests of findings about a session: mismatches, packet sizes, throughput. */
#include "judge/judge_session.h"

#include "judge/sample.h"

static void break_silence(struct observations *f)
{
	f->sessions[0] = (struct observed_session){ .tried = true, .asked = 254 };
	f->after.sessions[0].rx.packets = 0;
}

static void break_one_way(struct observations *f)
{
	break_silence(f);
	f->sessions[0].frames_in = 7;
	f->after.sessions[0].options.sequence = L2TP_SEQUENCE_SEND;
}

/* What is sent does not leave this host: the peer has the finding. */
static void break_send(struct observations *f)
{
	break_one_way(f);
	f->peers[0].datagrams_out = 0;
	f->after.drops.n[DROP_TX_SEND] = 1028;
}

static void break_id(struct observations *f)
{
	break_silence(f);
	f->after.tunnels[0].unknown_sessions = 5;
	f->after.tunnels[0].last_unknown_session = 3999;
}

static void break_cookie(struct observations *f)
{
	break_silence(f); /* before the check: no host has sent anything since */
	f->before.sessions[0].wrong_cookie = f->after.sessions[0].wrong_cookie = 6;
	f->after.drop_ages_ms.n[DROP_L2TP_COOKIE] = 20000;
}

static void break_sublayer(struct observations *f)
{
	break_silence(f);
	f->after.sessions[0].sublayer_suspected = 3;
}

static void break_sublayer_none(struct observations *f)
{
	break_sublayer(f);
	f->after.sessions[0].options.sublayer = L2TP_SUBLAYER_NONE;
}

static void break_sequence(struct observations *f)
{
	break_silence(f);
	f->after.sessions[0].options.sequence = L2TP_SEQUENCE_BOTH;
	f->after.sessions[0].without_sequence = 8;
	f->after.sessions[0].reordered = 8;
}

static void break_order(struct observations *f)
{
	f->after.sessions[0].options.sequence = L2TP_SEQUENCE_RECV;
	f->after.sessions[0].with_sequence = 100;
	f->after.sessions[0].reordered = 2;
}

static void break_encap(struct observations *f)
{
	break_silence(f);
	f->sessions[0].alien = (struct observed_alien){ .seen = true, .encap = L2TP_ENCAP_IP };
}

static void break_ports(struct observations *f)
{
	break_silence(f);
	f->sessions[0].alien = (struct observed_alien){
		.seen = true, .source_port = 5000, .destination_port = 1701
	};
}

static void break_tunnel(struct observations *f)
{
	break_silence(f);
	sample_icmp(&f->sessions[0].refusal, 3, 3, "10.0.1.21");
}

static void break_control(struct observations *f)
{
	f->after.tunnels[0].control_messages = 2;
}

static void break_length(struct observations *f)
{
	f->after.sessions[0].bad_length = 2;
}

static void break_checksum(struct observations *f)
{
	f->after.tunnels[0].bad_checksums = 2;
}

static void break_remote(struct observations *f)
{
	f->sessions[0] = (struct observed_session){ .peer = SIZE_MAX };
}

static void break_session_down(struct observations *f)
{
	f->sessions[0] = (struct observed_session){ .error = -ENETDOWN };
}

static void break_session_gone(struct observations *f)
{
	f->sessions[0] = (struct observed_session){ .error = -ENODEV };
}

static void break_far_echo(struct observations *f)
{
	f->sessions[0].echo.received = 0;
	f->sessions[0].limit = 0;
}

static void break_session_loss(struct observations *f)
{
	f->sessions[0].echo.received = 10;
	f->sessions[0].stations = 1;
}

static void break_size(struct observations *f)
{
	f->sessions[0].whole = 1286;
}

static void break_full_size(struct observations *f)
{
	f->sessions[0].largest = 1404;
}

static void note_reject(struct observations *f)
{
	f->sessions[0].largest = 1386;
	f->after.sessions[0].options.oversize = L2TP_OVERSIZE_REJECT;
}

static void warn_of_drop(struct observations *f)
{
	f->sessions[0].largest = 1386;
	f->after.sessions[0].options.oversize = L2TP_OVERSIZE_DROP;
}

static void break_below_reject(struct observations *f)
{
	note_reject(f);
	f->sessions[0].largest = 1300;
}

static void note_station_cuts(struct observations *f)
{
	f->sessions[0].station_cuts = true;
}

static void note_small_mtu(struct observations *f)
{
	f->after.sessions[0].mtu = 1386;
	f->sessions[0].limit = f->sessions[0].largest = 1386;
}

static void note_tiny_mtu(struct observations *f)
{
	f->after.sessions[0].mtu = 1300;
	f->sessions[0].limit = f->sessions[0].largest = f->sessions[0].whole = 1300;
}

static void note_flood(struct observations *f)
{
	f->sessions[0].flood_received = 9500;
}

/* The spanning tree keeps the session as a backup: it is verified below the bridges. */
static void tree_reserve(struct observations *f, enum check_port_state state)
{
	sample_tree(f, 0, state);
	f->sessions[0] = (struct observed_session){ .tried = true,
		.asked = 254,
		.far_end = { 10, 10, 250, 5000, 900 },
		.limit = 1500,
		.largest = 1500,
		.whole = 1386,
		.outward = true,
		.path_tried = true,
		.path_found = true };
}

static void tree_blocks_there(struct observations *f)
{
	tree_reserve(f, CHECK_PORT_FORWARDING);
}

static void tree_blocks_here(struct observations *f)
{
	tree_reserve(f, CHECK_PORT_BLOCKING);
}

static void tree_without_path(struct observations *f)
{
	tree_reserve(f, CHECK_PORT_BLOCKING);
	f->sessions[0].path_found = false;
}

static void tree_learns_elsewhere(struct observations *f)
{
	tree_without_path(f);
	f->ports[1].state = CHECK_PORT_LEARNING;
}

static void tree_forwards(struct observations *f)
{
	tree_reserve(f, CHECK_PORT_FORWARDING);
	f->sessions[0].path_here = true;
}

static void tree_without_far_bridge(struct observations *f)
{
	tree_forwards(f);
	f->sessions[0].unbridged = true;
}

static void tree_unproven(struct observations *f)
{
	tree_blocks_there(f);
	f->sessions[0].far_end = (struct observed_echo){ .sent = 3 };
	f->sessions[0].limit = 0;
}

/* Frames arrive, ours do not: both ends may forward, so frames may circulate in one direction. */
static void tree_one_way(struct observations *f)
{
	tree_unproven(f);
	f->sessions[0].frames_in = 9;
}

static void tree_inside_ip6(struct observations *f)
{
	tree_blocks_there(f);
	assert_int_equal(ip_addr_parse("fd00:1::21", &f->after.tunnels[0].remote), 0);
}

static void break_far_bridge(struct observations *f)
{
	tree_blocks_there(f);
	f->after.bridges[0].stp = f->bridges[0].runs_stp = false;
}

static void break_far_bridge_held(struct observations *f)
{
	break_far_bridge(f);
	f->ports[0].state = CHECK_PORT_BLOCKING;
}

/* A host answers for all its addresses on every interface, including one without a bridge. */
static void break_far_bridge_answering(struct observations *f)
{
	break_far_bridge(f);
	assert_int_equal(ip_addr_parse("10.0.2.21", &f->sessions[0].station), 0);
	f->sessions[0].stations = 1;
	f->sessions[0].unbridged = true;
}

#define PROOF "The pseudowire works: 10.0.1.21 answers on it, 10 of 10, 0.50 ms (0.25 to 0.90)"
#define FAR_SIDE                                                                                   \
	"Run `wirespan check` there: it names what arrives, and what drops it. There, SessionId "  \
	"must be 3942, "                                                                           \
	"PeerCookie our Cookie (4 bytes), Layer2SpecificHeader default"
#define NO_HOST                                                                                    \
	". If all is right, no host there has an address that answers: name one with --target."

static void note_uncounted(struct observations *f)
{
	strcpy(f->after.backend, "kernel");
	f->sessions[0].whole = 0;
}

/* A queueing discipline drops what leaves by the session's interface. */
static void break_egress(struct observations *f)
{
	f->sessions[0].station.family = 0;
	f->sessions[0].frames_in = 0;
	f->after.sessions[0].tx.packets = f->before.sessions[0].tx.packets;
	f->host.n_filters = 1;
	f->host.filters[0] = (struct observed_filter){ .kind = FILTER_TC };
	strcpy(f->host.filters[0].device, "l2tpeth0");
	strcpy(f->host.filters[0].name, "tbf");
}

static const struct fault faults[] = {
	{ tree_blocks_there, FINDING_OK, "session",
		PROOF ". The spanning tree there blocks it: frames to that site take another path, "
		      "which works.",
		"" },
	{ tree_blocks_there, FINDING_OK, "size",
		"The largest packet that passes in one piece has 1386 bytes, as computed (tried in "
		"our direction).",
		"" },
	{ tree_blocks_there, FINDING_OK, "full_size",
		"Packets of 1500 bytes pass, in fragments inside the tunnel (tried in our "
		"direction).",
		"" },
	{ tree_blocks_here, FINDING_OK, "session",
		PROOF ". The spanning tree here blocks it: frames to that site take another path, "
		      "which works.",
		"" },
	{ tree_inside_ip6, FINDING_OK, "session",
		"Our frames arrive on the pseudowire: fd00:1::21 answers through WireGuard, 10 of "
		"10, 0.50 ms (0.25 to 0.90). The spanning tree there blocks it: frames to that "
		"site take another path, which works.",
		"" },
	{ tree_without_path, FINDING_ERROR, "no_path",
		PROOF ". But the spanning tree here blocks it, and no other path leads to that "
		      "site.",
		NULL },
	{ tree_learns_elsewhere, FINDING_NOTE, "session",
		PROOF ". Whether frames find a path through the segment is not known yet: ports of "
		      "br-l2tp0 are still learning.",
		"" },
	{ tree_forwards, FINDING_OK, "session",
		PROOF ", also through its bridge; no host behind it answers.", "" },
	{ tree_without_far_bridge, FINDING_ERROR, "far_bridge",
		PROOF ". But there it seems to be a port of no bridge.", NULL },
	{ tree_unproven, FINDING_WARNING, "silence",
		"Not proven: no host answers on this pseudowire. Another path leads to that site; "
		"the spanning tree may block this one.",
		NULL },
	{ tree_one_way, FINDING_ERROR, "one_way",
		"One way only: 9 frames of the far side arrived, but no host there answers ours "
		"(254 sent).",
		FAR_SIDE ", and Sequence not recv or both" NO_HOST },
	{ break_far_bridge_answering, FINDING_ERROR, "far_bridge",
		PROOF ". But there it seems to be a port of no bridge.", NULL },
	{ break_far_bridge, FINDING_ERROR, "far_bridge", PROOF ". But no host behind it answers.",
		NULL },
	{ note_uncounted, FINDING_NOTE, "size",
		"1386 bytes should pass in one piece; the kernel back end does not count what is "
		"cut.",
		"" },
	{ break_silence, FINDING_ERROR, "silence",
		"254 frames were sent into the session, and nothing at all came back.",
		FAR_SIDE ", and Sequence not recv or both" NO_HOST },
	{ break_one_way, FINDING_ERROR, "one_way",
		"One way only: 7 frames of the far side arrived, but no host there answers ours "
		"(254 "
		"sent).",
		FAR_SIDE NO_HOST },
	{ break_send, FINDING_NOTE, "session",
		"No host answers: this host refused to send what was for its peer.", "" },
	{ break_id, FINDING_ERROR, "session_id",
		"The peer sends session id 3999 (5 packets), but SessionId here is 3941.",
		"They must be the same: set SessionId = 3999 here, or PeerSessionId = 3941 "
		"there." },
	{ break_cookie, FINDING_ERROR, "cookie",
		"6 frames of the peer had another cookie than PeerCookie here, or none.",
		"PeerCookie here (8 bytes) must be the peer's Cookie (in ip l2tp: cookie)." },
	{ break_sublayer, FINDING_ERROR, "sublayer",
		"3 frames of the peer look as if they had no L2-specific sublayer; here it is "
		"default.",
		NULL },
	{ break_sublayer_none, FINDING_ERROR, "sublayer",
		"3 frames of the peer look as if they had the default L2-specific sublayer; here "
		"it "
		"is none.",
		NULL },
	{ break_sequence, FINDING_ERROR, "sequence",
		"8 frames of the peer had no sequence number; Sequence = both here drops them.",
		"Set Sequence = send or both there, or none or send here." },
	{ break_order, FINDING_WARNING, "sequence",
		"2 frames came out of sequence and were dropped.", NULL },
	{ break_encap, FINDING_ERROR, "encapsulation",
		"The peer sends L2TP over IP; EncapsulationType here is udp.", NULL },
	{ break_ports, FINDING_ERROR, "ports",
		"The peer sends L2TP from UDP port 5000 to 1701; here UDPDestinationPort = 1702 "
		"and "
		"UDPSourcePort = 1701.",
		"Set UDPDestinationPort = 5000 and UDPSourcePort = 1701 here, or the peer's to "
		"these the other way round." },
	{ break_tunnel, FINDING_ERROR, "no_tunnel",
		"10.0.1.21 refuses our L2TP packets (ICMP type 3, code 3): no such tunnel is "
		"there.",
		"Is the tunnel up there, with Local = 10.0.1.21, Remote = 10.0.1.11, "
		"EncapsulationType = udp, UDPSourcePort = 1702 and UDPDestinationPort = 1701?" },
	{ break_control, FINDING_WARNING, "control", "The peer sends L2TP control messages (2).",
		NULL },
	{ break_length, FINDING_WARNING, "length",
		"2 frames of the peer were too short or too long.", NULL },
	{ break_checksum, FINDING_WARNING, "checksum",
		"2 L2TP packets of the peer had a wrong UDP checksum.", "" },
	{ break_remote, FINDING_ERROR, "session", "No peer's AllowedIPs cover Remote = 10.0.1.21.",
		"Add 10.0.1.21/32 to the AllowedIPs of the peer that it belongs to." },
	{ break_session_down, FINDING_ERROR, "session", "The interface l2tpeth0 is down.",
		"`ip link set l2tpeth0 up`" },
	{ break_session_gone, FINDING_ERROR, "session",
		"Cannot send frames into l2tpeth0: No such device.", NULL },
	{ break_far_echo, FINDING_ERROR, "session",
		"ARP passes both ways, but 10.0.2.21 does not answer an echo: sizes were not "
		"tried.",
		NULL },
	{ break_session_loss, FINDING_ERROR, "session",
		"Frames pass both ways: 10.0.2.21 answers 10 of 20, 1.00 ms (0.25 to 0.90); 1 "
		"station on the far side.",
		NULL },
	{ break_size, FINDING_WARNING, "size",
		"The largest packet that passes in one piece has 1286 bytes; 1386 were computed.",
		NULL },
	{ break_full_size, FINDING_ERROR, "full_size",
		"Packets of more than 1404 bytes do not pass, although l2tpeth0 has MTU 1500.",
		NULL },
	{ note_reject, FINDING_NOTE, "full_size",
		"Packets of more than 1386 bytes are refused with an ICMP error, so that their "
		"sender makes them smaller: Oversize = reject.",
		"" },
	{ warn_of_drop, FINDING_WARNING, "full_size",
		"Packets of more than 1386 bytes are dropped, and their sender does not learn it: "
		"Oversize = drop.",
		"Set that MTU on all members; or Oversize = fragment in [L2TPSession]." },
	{ break_below_reject, FINDING_ERROR, "full_size",
		"Packets of more than 1300 bytes do not pass, although l2tpeth0 has MTU 1500.",
		NULL },
	{ note_station_cuts, FINDING_NOTE, "full_size",
		"Packets of 1500 bytes arrive; 10.0.2.21 answers them in pieces, its own MTU is "
		"smaller.",
		"" },
	{ note_small_mtu, FINDING_NOTE, "full_size",
		"l2tpeth0 has MTU 1386: members need it too, larger packets do not pass.", NULL },
	{ note_tiny_mtu, FINDING_OK, "size",
		"Packets up to 1300 bytes, the MTU of l2tpeth0, pass in one piece; 1386 would fit.",
		"" },
	{ note_flood, FINDING_OK, "throughput",
		"9500 echoes a second of 1386 bytes, 105 Mbit/s each way; 5.0 % lost of what this "
		"load sent. (One program asking, 10.0.2.21 answering: bulk TCP is faster.)",
		"" },
	{ break_egress, FINDING_ERROR, "host_drop",
		"This host drops what leaves by l2tpeth0: 254 frames were sent on it, and none "
		"reached wirespan. Cause: tc's tbf on l2tpeth0.",
		NULL },
};

static void test_faults(void **state)
{
	sample_check_faults(faults, ARRAY_LEN(faults));
}

/* The port is the cause; the session has no finding. */
static void test_held_port(void **state)
{
	struct findings findings = { 0 };
	struct observations f;

	sample_fill(&f);
	break_far_bridge_held(&f);
	judge_observations(&f, &findings);
	assert_non_null(sample_find(&findings,
		PROOF ". No host behind it was probed: its port here does not forward."));
	assert_int_equal(findings_count(&findings, FINDING_ERROR), 1);
	findings_fini(&findings);
	observations_fini(&f);
}

/* What was wrong before is not named as the cause of what is wrong now. */
static void test_past(void **state)
{
	struct findings findings = { 0 };
	struct observations f;

	sample_fill(&f);
	break_cookie(&f);
	f.after.drop_ages_ms.n[DROP_L2TP_COOKIE] = 90000;
	f.before.sessions[0].sublayer_suspected = f.after.sessions[0].sublayer_suspected = 3;
	f.before.tunnels[0].unknown_sessions = f.after.tunnels[0].unknown_sessions = 5;
	f.after.drop_ages_ms.n[DROP_L2TP_SESSION] = 20000;
	f.sessions[0].alien.seen = true; /* it is over: now the encapsulation differs */
	f.sessions[0].alien.encap = L2TP_ENCAP_IP;
	judge_observations(&f, &findings);
	assert_int_equal(findings_count(&findings, FINDING_ERROR), 1);
	for (size_t i = 0; i < findings.n; i++)
		if (findings.v[i].severity == FINDING_ERROR)
			assert_string_equal(findings.v[i].check, "encapsulation");
	findings_fini(&findings);
	observations_fini(&f);
}

/* A specific finding suppresses the general one. */
static void test_once(void **state)
{
	static void (*const changes[])(struct observations * f) = { break_id, break_cookie,
		break_sublayer, break_sequence, break_encap, break_ports, break_tunnel };

	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		struct findings findings = { 0 };
		struct observations f;

		sample_fill(&f);
		changes[i](&f);
		judge_observations(&f, &findings);
		assert_int_equal(findings_count(&findings, FINDING_ERROR), 1);
		findings_fini(&findings);
		observations_fini(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_held_port),
		cmocka_unit_test(test_past),
		cmocka_unit_test(test_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
