/* SPDX-License-Identifier: MIT */
/* Tests of findings about a peer: why there is no session, and faults of a session. */
#include "judge/judge_peer.h"

#include "judge/sample.h"

static void break_nothing_received(struct observations *f)
{
	f->after.peers[0].rx_bytes = f->before.peers[0].rx_bytes;
	f->peers[0].echo.received = 0;
	f->peers[0].full_size = 0;
	f->peers[0].datagrams_in = 0;
	f->sessions[0] = (struct observed_session){ 0 };
}

static void break_no_session(struct observations *f)
{
	break_nothing_received(f);
	f->before.peers[0].state = f->after.peers[0].state = STATUS_PEER_HANDSHAKE;
}

static void break_endpoint(struct observations *f)
{
	break_no_session(f);
	memset(&f->before.peers[0].endpoint, 0, sizeof(struct endpoint));
	memset(&f->after.peers[0].endpoint, 0, sizeof(struct endpoint));
}

/* A peer without Endpoint, behind a NAT for example, connects after those there were asked. */
static void connect_late(struct observations *f)
{
	f->before.peers[0].state = STATUS_PEER_IDLE;
	memset(&f->before.peers[0].endpoint, 0, sizeof(struct endpoint));
	f->peers[0].echo = (struct observed_echo){ 0 };
	f->peers[0].full_size = 0;
	f->sessions[0] = (struct observed_session){ 0 };
}

static void break_route(struct observations *f)
{
	break_no_session(f);
	f->peers[0].route_error = -ENETUNREACH;
}

/* The uplink goes down while there is a session. */
static void break_route_later(struct observations *f)
{
	break_nothing_received(f);
	f->peers[0].datagrams_out = 0;
	f->peers[0].underlay[0] = '\0';
	f->peers[0].route_error = -ENETUNREACH;
}

static void set_route(
	struct observations *f, enum status_leads leads, const char *interface, const char *sent_by)
{
	struct status_route *r = &f->peers[0].route;

	r->leads = leads;
	snprintf(r->interface, sizeof(r->interface), "%s", interface);
	snprintf(r->sent_by, sizeof(r->sent_by), "%s", sent_by);
}

static void break_route_to_segment(struct observations *f)
{
	break_nothing_received(f);
	set_route(f, STATUS_LEADS_SEGMENT, "br-l2tp0", "");
	f->after.drops.n[DROP_WG_UNKNOWN_INDEX] = 3; /* not the cause */
}

static void break_route_to_segment_unresolved(struct observations *f)
{
	break_no_session(f);
	set_route(f, STATUS_LEADS_UNKNOWN, "br-l2tp0", "");
	f->after.drops.n[DROP_TAP_OWN] = 3;
}

static void break_route_to_tunnel(struct observations *f)
{
	break_no_session(f);
	set_route(f, STATUS_LEADS_TUNNEL, "wg0", "");
}

static void warn_of_detour(struct observations *f)
{
	set_route(f, STATUS_LEADS_SEGMENT, "br-l2tp0", "eth9");
}

static void warn_of_last_route(struct observations *f)
{
	set_route(f, STATUS_LEADS_TUNNEL, "wg0", "");
}

/* A gateway with one network card whose router did not answer in time; nothing has looped back to
 * us. */
static void break_silent_router(struct observations *f)
{
	break_no_session(f);
	set_route(f, STATUS_LEADS_UNKNOWN, "br-l2tp0", "");
}

static void break_mac1(struct observations *f)
{
	break_no_session(f);
	f->after.drops.n[DROP_WG_MAC1] = 1;
}

static void break_unknown_peer(struct observations *f)
{
	break_no_session(f);
	f->after.drops.n[DROP_WG_UNKNOWN_PEER] = 1;
}

static void break_psk(struct observations *f)
{
	break_no_session(f); /* some seconds ago, but not during the check */
	f->before.drops.n[DROP_WG_HANDSHAKE_AUTH] = f->after.drops.n[DROP_WG_HANDSHAKE_AUTH] = 4;
	f->after.drop_ages_ms.n[DROP_WG_HANDSHAKE_AUTH] = 20000;
}

static void break_clock(struct observations *f)
{
	break_no_session(f);
	f->after.drops.n[DROP_WG_HANDSHAKE_REPLAY] = 1;
}

static void break_port(struct observations *f)
{
	break_no_session(f);
	f->before.peers[0].rx_bytes = f->after.peers[0].rx_bytes = 0;
	sample_icmp(&f->peers[0].error, 3, 3, "192.168.122.32");
}

static void break_port6(struct observations *f)
{
	break_port(f);
	sample_icmp(&f->peers[0].error, 1, 4, "2001:db8::32");
}

/* The router of a peer behind NAT answers for a mapping that it has forgotten. */
static void break_forgotten_port(struct observations *f)
{
	break_no_session(f);
	sample_icmp(&f->peers[0].error, 3, 3, "192.168.122.32");
}

static void break_prohibited(struct observations *f)
{
	break_no_session(f);
	sample_icmp(&f->peers[0].error, 3, 13, "192.168.122.1");
}

static void break_unreachable(struct observations *f)
{
	break_nothing_received(f);
	sample_icmp(&f->peers[0].error, 3, 1, "192.168.122.1");
}

static void break_firewall(struct observations *f)
{
	break_no_session(f);
	f->peers[0].datagrams_in = 3;
}

static void break_stale(struct observations *f)
{
	break_no_session(f);
	f->peers[0].datagrams_in = 3;
	f->after.drops.n[DROP_WG_UNKNOWN_INDEX] = 3;
}

static void break_output(struct observations *f)
{
	break_no_session(f);
	f->peers[0].datagrams_out = 0;
}

static void break_cable(struct observations *f)
{
	break_output(f);
	f->underlays[0].up = false;
}

static void break_icmp_inside(struct observations *f)
{
	f->peers[0].echo.received = 0;
	f->peers[0].full_size = 0;
}

/* No session proves that the tunnel works all the same. */
static void break_icmp_alone(struct observations *f)
{
	break_icmp_inside(f);
	f->sessions[0] = (struct observed_session){ 0 };
}

static void break_icmp_here(struct observations *f)
{
	break_icmp_inside(f);
	f->peers[0].seen_inside = 5;
}

static void break_icmp_out(struct observations *f)
{
	break_icmp_inside(f);
	f->peers[0].send_error = -EPERM;
}

static void break_loss(struct observations *f)
{
	f->peers[0].echo.received = 3;
	f->peers[0].echo.sum_us = 1200;
}

static void break_black_hole(struct observations *f)
{
	f->peers[0].full = (struct observed_echo){ .sent = 2 };
	f->peers[0].too_big = true;
}

static void break_allowed_ips(struct observations *f)
{
	f->after.drops.n[DROP_INNER_SOURCE] = 9;
}

#define KEY_ONES "ERERERERERERERERERERERERERERERERERERERERERE="
#define KEY_TWOS "IiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiI="

static void break_name(struct observations *f)
{
	break_endpoint(f);
	strcpy(f->after.peers[0].endpoint_name, "vpn.example.org:8172");
}

static void find_path(struct observations *f)
{
	f->after.peers[0].path = (struct status_path){
		.state = STATUS_PATH_COMPLETE, .mtu = 1492, .probes = 12, .answers = 11
	};
}

static void note_silent_path(struct observations *f)
{
	f->after.peers[0].path =
		(struct status_path){ .state = STATUS_PATH_SILENT, .mtu = 1500, .probes = 12 };
}

static void note_path_of_route(struct observations *f)
{
	f->after.peers[0].path = (struct status_path){ .state = STATUS_PATH_ROUTE, .mtu = 1500 };
	f->peers[0].underlay[0] = '\0'; /* not captured */
}

static void note_path_silent_now(struct observations *f)
{
	find_path(f);
	f->after.peers[0].path.state = STATUS_PATH_SILENT;
}

static void find_narrow_path(struct observations *f)
{
	find_path(f);
	f->peers[0].full_size = 1240;
}

static void note_trains(struct observations *f)
{
	find_path(f);
	f->after.peers[0].path.train_max = 8;
}

static void note_black_hole(struct observations *f)
{
	find_path(f);
	f->after.peers[0].path.black_holes = 2;
}

static void break_allowed_ips_silent(struct observations *f)
{
	break_nothing_received(f);
	break_allowed_ips(f);
}

static void break_clock_later(struct observations *f)
{
	break_nothing_received(f);
	f->after.drops.n[DROP_WG_HANDSHAKE_REPLAY] = 3;
}

static void break_our_clock(struct observations *f)
{
	break_no_session(f);
	f->host.clock_is_old = true;
}

/* The kernel's handshake is of the future. */
static void break_set_back(struct observations *f)
{
	f->host.time = 1700000000;
	f->after.peers[0].last_handshake.sec = f->host.time + 3600;
}

static void break_set_back_silent(struct observations *f)
{
	break_no_session(f);
	break_set_back(f);
}

/* Another host uses the peer's key. */
static void break_copied_key(struct observations *f)
{
	assert_int_equal(endpoint_parse("192.168.122.33:8173", &f->after.peers[0].endpoint), 0);
}

/* A NAT had forgotten the peer, which sent in the middle of the check; the probes before are lost,
 * of the host behind it among them. */
static void break_forgotten(struct observations *f)
{
	assert_int_equal(endpoint_parse("192.168.122.32:40001", &f->after.peers[0].endpoint), 0);
	f->peers[0].echo.received = f->peers[0].full.received = 0;
	f->sessions[0].station.family = 0;
	f->sessions[0].stations = f->sessions[0].limit = 0;
	f->sessions[0].echo.received = 0;
	f->sessions[0].far_end = (struct observed_echo){ 10, 10, 250, 3000, 900 };
}

/* The same with a NAT that has given another port and lost little. */
static void warn_of_another_port(struct observations *f)
{
	assert_int_equal(endpoint_parse("192.168.122.32:40001", &f->after.peers[0].endpoint), 0);
}

/* The endpoint in the file is wrong, and the peer finds us. */
static void break_wrong_endpoint(struct observations *f)
{
	break_copied_key(f);
	f->before.peers[0].rx_bytes = 0;
}

static void break_rp_filter(struct observations *f)
{
	break_firewall(f);
	f->host.rp_filter = 3;
}

static void break_untracked(struct observations *f)
{
	break_no_session(f);
	f->host.untracked = 12;
}

/* A filter on what leaves, from the middle of a session on: the peer's datagrams still come. */
static void break_send(struct observations *f)
{
	break_icmp_inside(f);
	f->peers[0].datagrams_out = 0;
	f->before.drops.n[DROP_TX_SEND] = 4;
	f->after.drops.n[DROP_TX_SEND] = 1032;
}

static void break_send_silent(struct observations *f)
{
	break_no_session(f);
	f->peers[0].datagrams_out = 0;
	f->after.drops.n[DROP_TX_SEND] = 1;
}

/* What was refused was for another peer. */
static void break_send_other(struct observations *f)
{
	break_no_session(f);
	f->after.drops.n[DROP_TX_SEND] = 1;
}

static void break_blackhole(struct observations *f)
{
	break_route(f);
	f->peers[0].route_error = -EINVAL;
}

static void break_own_mtu(struct observations *f)
{
	f->peers[0].full_size = 1500;
	f->peers[0].full.received = 0;
}

static void hide_behind_nat(struct observations *f)
{
	assert_int_equal(ip_addr_parse("192.168.1.24", &f->peers[0].source), 0);
	assert_int_equal(endpoint_parse("203.0.113.24:8172", &f->after.peers[0].endpoint), 0);
	f->before.peers[0].endpoint = f->after.peers[0].endpoint;
	f->peers[0].dialled = true;
}

static void hide_with_port(struct observations *f)
{
	hide_behind_nat(f);
	f->host.port_is_fixed = true;
}

/* Where no NAT is in between, where one forwards, and where keepalives are sent: no finding. */
static void test_no_keepalive_needed(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		struct findings findings = { 0 };
		struct observations f;

		sample_fill(&f);
		hide_behind_nat(&f);
		if (i == 0)
			f.after.peers[0].keepalive_s = 25;
		else if (i == 1)
			f.peers[0].dialled = false;
		else if (i == 2)
			assert_int_equal(ip_addr_parse("198.51.100.7", &f.peers[0].source), 0);
		else if (i == 3)
			assert_int_equal(
				ip_addr_parse("10.9.0.7", &f.after.peers[0].endpoint.addr), 0);
		else
			f.peers[0].source = (struct ip_addr){ 0 };
		judge_observations(&f, &findings);
		for (size_t k = 0; k < findings.n; k++)
			assert_string_not_equal(findings.v[k].check, "keepalive");
		findings_fini(&findings);
		observations_fini(&f);
	}
}

static const struct fault faults[] = {
	{ break_name, FINDING_ERROR, "name",
		"No session: the address of vpn.example.org:8172 is not known yet.", NULL },
	{ find_path, FINDING_OK, "path_mtu",
		"The path carries 1492 bytes, measured (11 of 12 probes answered).", "" },
	{ note_silent_path, FINDING_NOTE, "path_mtu",
		"The path is assumed to carry 1500 bytes, the route's MTU: none of 12 probes was "
		"answered.",
		NULL },
	{ note_path_of_route, FINDING_NOTE, "path_mtu",
		"The path is assumed to carry 1500 bytes, the route's MTU: the kernel's WireGuard "
		"sends no probes.",
		"If a link farther away is narrower, routers fragment there: set MTU in "
		"[Interface] "
		"to its MTU minus 60." },
	{ note_path_silent_now, FINDING_NOTE, "path_mtu",
		"The path is assumed to carry 1492 bytes, as last measured: no probe is answered "
		"now.",
		NULL },
	{ note_trains, FINDING_NOTE, "path_trains",
		"The path loses trains of more than 8 datagrams, and not single ones: no more are "
		"sent at once, at the cost of speed.",
		NULL },
	{ note_black_hole, FINDING_NOTE, "path_mtu",
		"The path was found to carry less than before, 2 times.", "" },
	{ break_endpoint, FINDING_ERROR, "handshake",
		"No session: the peer has no Endpoint here, and has not connected.",
		"Give [Peer] an Endpoint, or have the peer connect: there, set Endpoint to this "
		"host's address with port 8172, and PersistentKeepalive = 25." },
	{ break_route, FINDING_ERROR, "route",
		"No session: this host has no route to 192.168.122.32:8173 (Network is "
		"unreachable).",
		NULL },
	{ break_blackhole, FINDING_ERROR, "route",
		"No session: this host has no route to 192.168.122.32:8173 (the one that fits is "
		"of type blackhole).",
		NULL },
	{ break_send, FINDING_ERROR, "send",
		"A session, but one way only: this host refused to send 1028 datagrams; the route "
		"to 192.168.122.32:8173 is there.",
		"A firewall on this host drops what leaves it: let UDP to port 8173 out (see `nft "
		"list ruleset` or `iptables -S OUTPUT`)." },
	{ break_send_silent, FINDING_ERROR, "send",
		"No session: this host refused to send 1 datagram; the route to "
		"192.168.122.32:8173 is there.",
		NULL },
	{ break_send_other, FINDING_ERROR, "handshake",
		"No session: 40 datagrams were sent to 192.168.122.32:8173, and nothing came back.",
		NULL },
	{ break_route_later, FINDING_ERROR, "route",
		"A session, but one way only: this host has no route to 192.168.122.32:8173 "
		"(Network is unreachable).",
		"`ip route` shows the routes; `ip route get` what is missing." },
	{ break_route_to_segment, FINDING_ERROR, "route",
		"A session, but one way only: the route to 192.168.122.32:8173 leads by br-l2tp0 "
		"into the segment itself. Datagrams sent there would loop: they are dropped.",
		"Is the uplink up, with its routes (`ip route`)? If so, give 192.168.122.32 a "
		"route of its own (`ip route add 192.168.122.32 via GATEWAY dev UPLINK`), or "
		"remove the one through br-l2tp0 that `ip route get 192.168.122.32` shows." },
	{ break_route_to_segment_unresolved, FINDING_ERROR, "route",
		"No session: the route to 192.168.122.32:8173 leads by br-l2tp0 into the segment "
		"itself. Datagrams sent there would loop: they are dropped.",
		NULL },
	{ break_route_to_tunnel, FINDING_ERROR, "route",
		"No session: the route to 192.168.122.32:8173 leads by wg0 into the tunnel itself. "
		"Datagrams sent there would loop: they are dropped.",
		"Give 192.168.122.32 a route of its own through the uplink (`ip route add "
		"192.168.122.32 via GATEWAY dev UPLINK`), or leave it out of AllowedIPs." },
	{ warn_of_detour, FINDING_WARNING, "route",
		"The route to 192.168.122.32:8173 leads by br-l2tp0 into the segment itself; "
		"datagrams leave by eth9 instead.",
		NULL },
	{ warn_of_last_route, FINDING_WARNING, "route",
		"The route to 192.168.122.32:8173 leads by wg0 into the tunnel itself: once the "
		"session ends there will be none.",
		NULL },
	{ break_silent_router, FINDING_ERROR, "handshake",
		"No session: 40 datagrams were sent to 192.168.122.32:8173, and nothing came back.",
		NULL },
	{ break_mac1, FINDING_ERROR, "key",
		"No session: a handshake came that was made for another public key than ours.",
		"There, [Peer] PublicKey must be " KEY_ONES ". If it is: does this host use a copy "
		"of another site's file (PrivateKey)?" },
	{ break_unknown_peer, FINDING_ERROR, "key",
		"No session: a handshake came with a public key that no [Peer] here has.",
		"Here, [Peer] PublicKey must be the peer's own (`wirespan pubkey` there derives it "
		"from its private key); it is " KEY_TWOS " now." },
	{ break_psk, FINDING_ERROR, "key",
		"No session: a handshake came that does not authenticate.",
		"PresharedKey must be the same on both sides, or on neither; and PublicKey here "
		"the peer's own." },
	{ break_clock, FINDING_ERROR, "clock",
		"No session: handshakes came with a time older than one seen before.", NULL },
	{ break_port, FINDING_ERROR, "port",
		"No session: 192.168.122.32 answers that nothing listens on UDP port 8173.", NULL },
	{ break_port6, FINDING_ERROR, "port",
		"No session: 2001:db8::32 answers that nothing listens on UDP port 8173.", NULL },
	{ break_forgotten_port, FINDING_ERROR, "port",
		"No session: 192.168.122.32 answers that nothing listens on UDP port 8173, from "
		"which the peer has sent before.",
		"Has wirespan stopped there? If not, the peer is behind NAT, which has forgotten "
		"it: set PersistentKeepalive = 25 there." },
	{ break_prohibited, FINDING_ERROR, "firewall",
		"No session: 192.168.122.1 refuses our datagrams to 192.168.122.32:8173 (ICMP type "
		"3, code 13): a firewall.",
		"Allow UDP port 8173 there." },
	{ break_unreachable, FINDING_ERROR, "unreachable",
		"A session, but one way only: 192.168.122.1 reports that 192.168.122.32:8173 "
		"cannot "
		"be "
		"reached (ICMP type 3, code 1).",
		"Is the peer's host on, and Endpoint right?" },
	{ break_firewall, FINDING_ERROR, "firewall",
		"No session: 3 datagrams of the peer reached eth0, but not wirespan.",
		"A firewall on this host drops them: let UDP port 8172 in (see `nft list "
		"ruleset` or `iptables -S INPUT`)." },
	{ break_stale, FINDING_ERROR, "handshake",
		"No session: 3 datagrams came from the peer, but no handshake was completed.",
		NULL },
	{ break_output, FINDING_ERROR, "handshake",
		"No session: no datagram left for 192.168.122.32:8173 on eth0.",
		"Does the peer, or the gateway to it, answer on eth0 (`ip neigh`: neither FAILED "
		"nor INCOMPLETE)? Else: does a firewall on this host drop what goes out (see "
		"`nft list ruleset` or `iptables -S OUTPUT`)?" },
	{ break_cable, FINDING_ERROR, "underlay",
		"No session: eth0, which leads to 192.168.122.32:8173, is down or has no carrier.",
		"`ip link set eth0 up`; then look at the cable." },
	{ break_no_session, FINDING_ERROR, "handshake",
		"No session: 40 datagrams were sent to 192.168.122.32:8173, and nothing came back.",
		NULL },
	{ break_nothing_received, FINDING_ERROR, "handshake",
		"A session, but one way only: 40 datagrams were sent to 192.168.122.32:8173, and "
		"nothing came back.",
		NULL },
	{ break_icmp_alone, FINDING_WARNING, "echo",
		"10.0.1.21 does not answer 5 echo requests through the tunnel.", NULL },
	{ break_icmp_inside, FINDING_NOTE, "echo",
		"10.0.1.21 does not answer 5 echo requests through the tunnel.", NULL },
	{ connect_late, FINDING_NOTE, "echo",
		"The peer connected during the check: it was not asked for an echo.",
		"Check again." },
	{ break_icmp_here, FINDING_WARNING, "echo",
		"10.0.1.21 answers on wg0, but the answers do not reach programs.",
		"A firewall on this host drops ICMP that comes in on wg0. The segment does not "
		"need it." },
	{ break_icmp_out, FINDING_WARNING, "echo",
		"Echo requests to 10.0.1.21 cannot be sent: Operation not permitted.", NULL },
	{ break_loss, FINDING_WARNING, "echo",
		"10.0.1.21 answers through the tunnel: 3 of 5, 0.40 ms (0.30 to 0.60).", NULL },
	{ break_black_hole, FINDING_ERROR, "tunnel_mtu",
		"Packets of 1440 bytes, the MTU of wg0, do not come back; small ones do. A router "
		"reports that they are too big.",
		"The path to 192.168.122.32:8173 carries less than 1500 bytes one way or the "
		"other. "
		"With [Interface] MTU = auto its MTU is found; a number has to be smaller. "
		"Does something on the path drop large datagrams?" },
	{ break_allowed_ips, FINDING_WARNING, "allowed_ips",
		"A session: 9 packets came through the tunnel from addresses that AllowedIPs here "
		"do not cover, and were dropped.",
		"Add the addresses that the peer has inside the tunnel (the Local of its [L2TP]) "
		"to "
		"[Peer] AllowedIPs here." },
	{ break_allowed_ips_silent, FINDING_ERROR, "allowed_ips",
		"A session, but one way only: 9 packets came through the tunnel from addresses "
		"that AllowedIPs here do not cover, and were dropped.",
		NULL },
	{ break_clock_later, FINDING_ERROR, "clock",
		"A session, but one way only: handshakes came with a time older than one seen "
		"before.",
		NULL },
	{ break_our_clock, FINDING_ERROR, "handshake",
		"No session: 40 datagrams were sent to 192.168.122.32:8173, and nothing came back.",
		"This host's clock shows a time before wirespan was installed: set it right. A "
		"peer "
		"ignores handshakes older than the last one." },
	{ break_set_back, FINDING_WARNING, "clock",
		"This host's clock was set back since the handshake: the session ends within three "
		"minutes, and its renewal may fail.",
		"A peer ignores handshakes older than the last one, and the kernel's WireGuard "
		"sends the clock's time: set the clock right. Until then only the peer can begin a "
		"session; if its clock was set back, too, run `wirespan down` and `wirespan up` "
		"there." },
	{ break_set_back_silent, FINDING_ERROR, "handshake",
		"No session: 40 datagrams were sent to 192.168.122.32:8173, and nothing came back.",
		"This host's clock was set back. A peer ignores handshakes older than the last "
		"one, and the kernel's WireGuard sends the clock's time: set the clock right. "
		"Until then only the peer can begin a session; if its clock was set back, too, run "
		"`wirespan down` and `wirespan up` there." },
	{ break_wrong_endpoint, FINDING_WARNING, "endpoint",
		"A session: Endpoint is 192.168.122.32:8173, from where nothing came; the peer "
		"connected from 192.168.122.33:8173 during the check.",
		"Correct Endpoint here, or leave it out if the peer always connects first; then "
		"check again." },
	{ find_narrow_path, FINDING_OK, "tunnel_mtu",
		"Packets of 1240 bytes, what the path carries by wg0, pass in one piece.", "" },
	{ break_copied_key, FINDING_ERROR, "moved",
		"A session: the peer sent from 192.168.122.32:8173, and during the check from "
		"192.168.122.33:8173.",
		NULL },
	{ hide_behind_nat, FINDING_WARNING, "keepalive",
		"This host is behind NAT (its address 192.168.1.24 is private, 203.0.113.24 is "
		"not) and sets no PersistentKeepalive. Without ListenPort no NAT can forward its "
		"port: after some silence nothing comes in until a frame is sent from here.",
		"Set PersistentKeepalive = 25 in [Peer] here." },
	{ hide_with_port, FINDING_NOTE, "keepalive",
		"This host is behind NAT (its address 192.168.1.24 is private, 203.0.113.24 is "
		"not) and sets no PersistentKeepalive: unless the NAT always forwards UDP port "
		"8172 to it, after some silence nothing comes in until a frame is sent from here.",
		"Set PersistentKeepalive = 25 in [Peer] here, unless it does." },
	{ break_forgotten, FINDING_ERROR, "nat",
		"A session: the peer sent from 192.168.122.32:8173, and during the check from "
		"192.168.122.32:40001. Until then nothing from here reached it.",
		"The peer is behind NAT, which had forgotten it: set PersistentKeepalive = 25 "
		"there; less, if that is set. If it happens again all the same, two hosts there "
		"use the same PrivateKey: give each site a key of its own." },
	{ warn_of_another_port, FINDING_WARNING, "nat",
		"A session: the peer sent from 192.168.122.32:8173, and during the check from "
		"192.168.122.32:40001. Until then nothing from here reached it, or little.",
		"The peer is behind NAT, which had forgotten it: set PersistentKeepalive = 25 "
		"there; less, if that is set. If it happens again all the same, two hosts there "
		"use the same PrivateKey: give each site a key of its own." },
	{ break_rp_filter, FINDING_ERROR, "rp_filter",
		"No session: 3 datagrams of the peer were seen on eth0, and none reached wirespan; "
		"the kernel dropped 3 packets whose source it expects on another interface "
		"(rp_filter).",
		NULL },
	{ break_untracked, FINDING_ERROR, "conntrack",
		"No session: nothing comes back, and the kernel dropped 12 packets since its table "
		"of connections is full.",
		NULL },
	{ break_own_mtu, FINDING_ERROR, "tunnel_mtu",
		"Packets of 1500 bytes, the MTU of wg0, become datagrams of 1560 bytes, but the "
		"MTU "
		"of eth0 is 1500: they are not sent.",
		"In [Interface] here: MTU = auto, or at most 1440." },
};

static void test_faults(void **state)
{
	sample_check_faults(faults, ARRAY_LEN(faults));
}

/* Without its peer a session is not judged: one fault causes one error. */
static void test_follower(void **state)
{
	struct findings findings = { 0 };
	const struct finding *got;
	struct observations f;

	sample_fill(&f);
	break_no_session(&f);
	judge_observations(&f, &findings);
	got = sample_find(&findings, "Not tried: its peer was not there.");
	assert_non_null(got);
	assert_int_equal(got->severity, FINDING_NOTE);
	assert_string_equal(got->subject, "l2tpeth0");
	assert_int_equal(findings_count(&findings, FINDING_ERROR), 1);
	findings_fini(&findings);
	observations_fini(&f);
}

/* A peer that moved in the middle of the check: nothing else is blamed for what was lost before. */
static void test_forgotten(void **state)
{
	struct findings findings = { 0 };
	struct observations f;

	sample_fill(&f);
	break_forgotten(&f);
	judge_observations(&f, &findings);
	assert_non_null(sample_find(
		&findings, "No host answers: its peer was not reached for a part of the check."));
	assert_int_equal(findings_count(&findings, FINDING_ERROR), 1);
	assert_int_equal(findings_count(&findings, FINDING_WARNING), 0);
	findings_fini(&findings);
	observations_fini(&f);
}

/* Findings call a peer by its name, if it has one. */
static void test_name(void **state)
{
	struct findings findings = { 0 };
	struct observations f;
	size_t named = 0;

	sample_fill(&f);
	break_no_session(&f);
	snprintf(f.after.peers[0].name, sizeof(f.after.peers[0].name), "vpn02");
	judge_observations(&f, &findings);
	for (size_t i = 0; i < findings.n; i++)
		named += findings.v[i].severity == FINDING_ERROR &&
			 !strcmp(findings.v[i].subject, "vpn02");
	assert_int_equal(named, 1);
	findings_fini(&findings);
	observations_fini(&f);
}

/* A back end that cannot probe: an echo of full size without fragments proves the route's MTU. */
static void test_route_mtu(void **state)
{
	static const char proven[] =
		"The path carries 1500 bytes, the route's MTU: an echo of that size "
		"came back, and no fragment was seen on eth0.";
	static const char assumed[] =
		"The path is assumed to carry 1500 bytes, the route's MTU: the kernel's WireGuard "
		"sends no probes.";
	static const char narrow[] =
		"The path carries 1396 to 1403 bytes, and not 1500, the route's MTU: datagrams "
		"from the peer come in fragments of that size.";
	static const char *const texts[] = { proven, assumed, assumed, narrow, assumed };
	static const enum finding_severity severities[] = { FINDING_OK, FINDING_NOTE, FINDING_NOTE,
		FINDING_WARNING, FINDING_NOTE };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct findings findings = { 0 };
		const struct finding *got;
		struct observations f;

		sample_fill(&f);
		f.after.peers[0].path =
			(struct status_path){ .state = STATUS_PATH_ROUTE, .mtu = 1500 };
		if (i == 1)
			f.underlays[0].fragments = 2;
		if (i == 2)
			f.peers[0].full.received = 0;
		if (i > 2)
			f.underlays[0].fragments = 2;
		if (i > 2) /* the last one: no path is so narrow */
			f.peers[0].first_fragment = i == 3 ? 1396 : 84;
		judge_observations(&f, &findings);
		got = sample_find(&findings, texts[i]);
		assert_non_null(got);
		assert_int_equal(got->severity, severities[i]);
		if (i == 3)
			assert_non_null(strstr(got->hint, "MTU = 1336 in [Interface]"));
		findings_fini(&findings);
		observations_fini(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_follower),
		cmocka_unit_test(test_forgotten),
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_no_keepalive_needed),
		cmocka_unit_test(test_route_mtu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
