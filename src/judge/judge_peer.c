/* SPDX-License-Identifier: MIT */
/* Findings about one peer: its handshake, its echo replies, the tunnel's MTU; or why there is no
 * session. */
#include "judge/judge_peer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/keytext.h"

#define LEAST_PATH 576	 /* smaller fragments are not those of a path's MTU */
#define RECENT_MS  30000 /* a drop that counts although it happened before the check */

static const char no_session[] = "No session";
static const char one_way[] = "A session, but one way only";

/** One peer, and the list for its findings. */
struct verdict {
	const struct observations *facts;
	const struct observed_peer *peer;
	const struct status_peer *before;
	const struct status_peer *after;
	struct findings *ret;
	char subject[FINDING_SUBJECT_LEN];
	char endpoint[ENDPOINT_TEXT_LEN];
	char tunnel[IP_ADDR_TEXT_LEN];
};

/* Whether anything arrived from the peer during the check. */
static bool has_received(const struct verdict *v)
{
	return v->after->rx_bytes != v->before->rx_bytes;
}

/* ---- no session ---- */

/* Whether packets were dropped for this reason, during the check or shortly before. */
static bool has_dropped(const struct observations *f, enum drop d)
{
	uint64_t age = f->after.drop_ages_ms.n[d];

	return f->after.drops.n[d] > f->before.drops.n[d] || (age && age <= RECENT_MS);
}

/* Find a key mismatch from the reasons why received handshakes were dropped. */
static bool judge_keys(const struct verdict *v, const char *state)
{
	char key[KEY_BASE64_LEN + 1];

	if (has_dropped(v->facts, DROP_WG_MAC1)) {
		key_to_base64(v->facts->after.wg.public_key, key);
		finding_add(v->ret, FINDING_ERROR, "key", v->subject,
			"%s: a handshake came that was made for another public key than ours.\n"
			"There, [Peer] PublicKey must be %s. If it is: does this host use a copy "
			"of another site's file (PrivateKey)?",
			state, key);
	} else if (has_dropped(v->facts, DROP_WG_UNKNOWN_PEER)) {
		key_to_base64(v->after->public_key, key);
		finding_add(v->ret, FINDING_ERROR, "key", v->subject,
			"%s: a handshake came with a public key that no [Peer] here has.\n"
			"Here, [Peer] PublicKey must be the peer's own (`wirespan pubkey` there "
			"derives it from its private key); it is %s now.",
			state, key);
	} else if (has_dropped(v->facts, DROP_WG_HANDSHAKE_AUTH)) {
		finding_add(v->ret, FINDING_ERROR, "key", v->subject,
			"%s: a handshake came that does not authenticate.\n"
			"PresharedKey must be the same on both sides, or on neither; and PublicKey "
			"here the peer's own.",
			state);
	} else if (has_dropped(v->facts, DROP_WG_HANDSHAKE_REPLAY)) {
		finding_add(v->ret, FINDING_ERROR, "clock", v->subject,
			"%s: handshakes came with a time older than one seen before.\n"
			"The peer's clock was set back: correct it there (or restart wirespan here "
			"to forget the time seen). If its clock is right, another host uses the "
			"same PrivateKey: give each site a key of its own.",
			state);
	} else {
		return false;
	}
	return true;
}

static bool is_port_unreachable(const struct observed_icmp *e)
{
	return e->ipv6 ? e->type == 1 && e->code == 4 : e->type == 3 && e->code == 3;
}

static bool is_prohibited(const struct observed_icmp *e)
{
	if (e->ipv6)
		return e->type == 1 && (e->code == 1 || e->code == 5 || e->code == 6);
	return e->type == 3 && (e->code == 9 || e->code == 10 || e->code == 13);
}

/* Report ICMP errors about our datagrams, from routers or the peer. */
static bool judge_error(const struct verdict *v, const char *state)
{
	const struct observed_icmp *e = &v->peer->error;
	char from[IP_ADDR_TEXT_LEN];
	uint16_t port = v->after->endpoint.port;

	if (!e->seen)
		return false;
	ip_addr_text(&e->from, from);
	if (is_port_unreachable(e) && v->before->rx_bytes)
		finding_add(v->ret, FINDING_ERROR, "port", v->subject,
			"%s: %s answers that nothing listens on UDP port %u, from which the peer "
			"has sent before.\n"
			"Has wirespan stopped there? If not, the peer is behind NAT, which has "
			"forgotten it: set PersistentKeepalive = 25 there.",
			state, from, port);
	else if (is_port_unreachable(e))
		finding_add(v->ret, FINDING_ERROR, "port", v->subject,
			"%s: %s answers that nothing listens on UDP port %u.\n"
			"Is wirespan up there, with ListenPort = %u? Otherwise correct Endpoint "
			"here. (If the peer is behind NAT, %u is the port of the NAT: only the "
			"peer can connect, with PersistentKeepalive = 25 there.)",
			state, from, port, port, port);
	else if (is_prohibited(e))
		finding_add(v->ret, FINDING_ERROR, "firewall", v->subject,
			"%s: %s refuses our datagrams to %s (ICMP type %u, code %u): a firewall.\n"
			"Allow UDP port %u there.",
			state, from, v->endpoint, e->type, e->code, port);
	else
		finding_add(v->ret, FINDING_ERROR, "unreachable", v->subject,
			"%s: %s reports that %s cannot be reached (ICMP type %u, code %u).\n"
			"Is the peer's host on, and Endpoint right?",
			state, from, v->endpoint, e->type, e->code);
	return true;
}

/* Whether our datagrams looped back during the check or shortly before. The route alone does not
 * show a loop while the next hop is unresolved. */
static bool has_carried_itself(const struct verdict *v)
{
	return has_dropped(v->facts, DROP_TAP_OWN) || has_dropped(v->facts, DROP_TX_LOOP);
}

static void put_route_hint(const struct verdict *v, struct finding *finding)
{
	char to[IP_ADDR_TEXT_LEN];

	ip_addr_text(&v->after->endpoint.addr, to);
	if (v->peer->route.leads == STATUS_LEADS_TUNNEL)
		finding_hint(finding,
			"Give %s a route of its own through the uplink (`ip route add %s via "
			"GATEWAY dev UPLINK`), or leave it out of AllowedIPs.",
			to, to);
	else
		finding_hint(finding,
			"Is the uplink up, with its routes (`ip route`)? If so, give %s a route of "
			"its own (`ip route add %s via GATEWAY dev UPLINK`), or remove the one "
			"through %s that `ip route get %s` shows.",
			to, to, v->peer->route.interface, to);
}

/* Report a route to the endpoint that leads back to us; `state` begins the sentence. Return:
 * whether it does, and no other route is used. */
static bool judge_route(const struct verdict *v, const char *state)
{
	const struct status_route *r = &v->peer->route;
	bool into_tunnel = r->leads == STATUS_LEADS_TUNNEL;

	if (*r->sent_by || r->leads == STATUS_LEADS_OUT ||
		(r->leads == STATUS_LEADS_UNKNOWN && !has_carried_itself(v)))
		return false;
	put_route_hint(
		v, finding_add(v->ret, FINDING_ERROR, "route", v->subject,
			   "%s: the route to %s leads by %s into the %s itself. Datagrams sent "
			   "there would loop: they are dropped.",
			   state, v->endpoint, r->interface, into_tunnel ? "tunnel" : "segment"));
	return true;
}

/* The same with a session: another route is used, or the interface on which the peer was last
 * authenticated. */
static void judge_detour(const struct verdict *v)
{
	const struct status_route *r = &v->peer->route;
	const char *into = r->leads == STATUS_LEADS_TUNNEL ? "tunnel" : "segment";

	if (r->leads != STATUS_LEADS_SEGMENT && r->leads != STATUS_LEADS_TUNNEL)
		return;
	if (*r->sent_by)
		put_route_hint(v,
			finding_add(v->ret, FINDING_WARNING, "route", v->subject,
				"The route to %s leads by %s into the %s itself; datagrams leave "
				"by %s instead.",
				v->endpoint, r->interface, into, r->sent_by));
	else
		put_route_hint(v,
			finding_add(v->ret, FINDING_WARNING, "route", v->subject,
				"The route to %s leads by %s into the %s itself: once the session "
				"ends there will be none.",
				v->endpoint, r->interface, into));
}

/* The number of WireGuard messages that the engine dropped during the check. */
static uint64_t refused(const struct observations *f)
{
	uint64_t n = 0;

	for (int d = DROP_WG_SHORT; d <= DROP_WG_NO_KEYS; d++)
		n += f->after.drops.n[d] - f->before.drops.n[d];
	return n;
}

/* The interface that leads to the peer; NULL: not known. */
static const struct observed_underlay *underlay_of(const struct verdict *v)
{
	const struct observations *f = v->facts;

	for (size_t i = 0; i < f->n_underlays; i++)
		if (!strcmp(f->underlays[i].name, v->peer->underlay))
			return &f->underlays[i];
	return NULL;
}

/* Return: whether there is no route to the endpoint; `state` begins the sentence. */
static bool judge_no_route(const struct verdict *v, const char *state)
{
	if (v->peer->route_error >= 0)
		return false;
	finding_add(v->ret, FINDING_ERROR, "route", v->subject,
		"%s: this host has no route to %s (%s).\n"
		"`ip route` shows the routes; `ip route get` what is missing.",
		state, v->endpoint,
		v->peer->route_error == -EINVAL ? "the one that fits is of type blackhole"
						: strerror(-v->peer->route_error));
	return true;
}

/* Return: whether connection tracking has dropped packets, and the peer's or ours may be among
 * them. */
static bool judge_untracked(const struct verdict *v, const char *state)
{
	uint64_t n = v->facts->host.untracked;
	uint16_t port = v->facts->after.wg.listen_port;

	if (!n)
		return false;
	finding_add(v->ret, FINDING_ERROR, "conntrack", v->subject,
		"%s: nothing comes back, and the kernel dropped %" PRIu64 " packet%s since its "
		"table of connections is full.\n"
		"Raise its limit: `sysctl -w net.netfilter.nf_conntrack_max=N`, with N above what "
		"`sysctl net.netfilter.nf_conntrack_count` shows. Or let WireGuard do without the "
		"table: rules with notrack for UDP port %u, at prerouting and output.",
		state, n, n == 1 ? "" : "s", port);
	return true;
}

/* Return: whether this host refused to send datagrams to a peer that does not answer, although
 * there is a route. The counter is for all peers: none of those to this one may have left. */
static bool judge_refused(const struct verdict *v, const char *state)
{
	uint64_t n = v->facts->after.drops.n[DROP_TX_SEND] - v->facts->before.drops.n[DROP_TX_SEND];

	if (judge_untracked(v, state))
		return true;
	if (!n || v->peer->datagrams_out)
		return false;
	finding_add(v->ret, FINDING_ERROR, "send", v->subject,
		"%s: this host refused to send %" PRIu64 " datagram%s; the route to %s is there.\n"
		"A firewall on this host drops what leaves it: let UDP to port %u out (see `nft "
		"list ruleset` or `iptables -S OUTPUT`).",
		state, n, n == 1 ? "" : "s", v->endpoint, v->after->endpoint.port);
	return true;
}

/* Our own file is wrong: packets of the peer are dropped for their source. */
static bool judge_sources(
	const struct verdict *v, enum finding_severity severity, const char *state)
{
	uint64_t n = v->facts->after.drops.n[DROP_INNER_SOURCE] -
		     v->facts->before.drops.n[DROP_INNER_SOURCE];

	if (!n)
		return false;
	finding_add(v->ret, severity, "allowed_ips", v->subject,
		"%s: %" PRIu64 " packets came through the tunnel from addresses that AllowedIPs "
		"here do not cover, and were dropped.\n"
		"Add the addresses that the peer has inside the tunnel (the Local of its [L2TP]) "
		"to [Peer] AllowedIPs here.",
		state, n);
	return true;
}

/* The peer's address is the same, its port is not: a NAT has given it another one. */
static void judge_nat(const struct verdict *v, const char *state, const char *was)
{
	bool reached = v->peer->echo.received || !v->peer->echo.sent;

	finding_add(v->ret, reached ? FINDING_WARNING : FINDING_ERROR, "nat", v->subject,
		"%s: the peer sent from %s, and during the check from %s. Until then nothing from "
		"here reached it%s.\n"
		"The peer is behind NAT, which had forgotten it: set PersistentKeepalive = 25 "
		"there; less, if that is set. If it happens again all the same, two hosts there "
		"use the same PrivateKey: give each site a key of its own.",
		state, was, v->endpoint, reached ? ", or little" : "");
}

/* Two hosts with one key: each datagram moves the endpoint. */
static bool judge_moved(const struct verdict *v, const char *state)
{
	char was[ENDPOINT_TEXT_LEN];

	if (!v->before->endpoint.addr.family ||
		endpoint_equal(&v->before->endpoint, &v->after->endpoint))
		return false;
	endpoint_text(&v->before->endpoint, was);
	if (!v->before->rx_bytes) { /* nothing has ever come from there */
		finding_add(v->ret, v->peer->echo.received ? FINDING_WARNING : FINDING_ERROR,
			"endpoint", v->subject,
			"%s: Endpoint is %s, from where nothing came; the peer connected from %s "
			"during the check.\n"
			"Correct Endpoint here, or leave it out if the peer always connects "
			"first; then check again.",
			state, was, v->endpoint);
		return true;
	}
	if (ip_addr_equal(&v->before->endpoint.addr, &v->after->endpoint.addr)) {
		judge_nat(v, state, was);
		return true;
	}
	finding_add(v->ret, FINDING_ERROR, "moved", v->subject,
		"%s: the peer sent from %s, and during the check from %s.\n"
		"Two hosts use the same PrivateKey: give each site a key of its own. (A peer that "
		"has changed its network or its NAT does so once: check again.)",
		state, was, v->endpoint);
	return true;
}

/* The kernel has dropped packets for their source, and the peer's may be among them. */
static bool judge_rp_filter(const struct verdict *v, const char *state)
{
	const struct observed_peer *p = v->peer;

	if (!v->facts->host.rp_filter || !*p->underlay || has_received(v))
		return false;
	finding_add(v->ret, FINDING_ERROR, "rp_filter", v->subject,
		"%s: %" PRIu64 " datagrams of the peer were seen on %s, and none reached wirespan; "
		"the kernel dropped %" PRIu64 " packets whose source it expects on another "
		"interface (rp_filter).\n"
		"Route %s by the interface on which its datagrams arrive (`ip route get` shows "
		"which one is used now); or accept any interface that leads there: `sysctl -w "
		"net.ipv4.conf.all.rp_filter=2`.",
		state, p->datagrams_in, p->underlay, v->facts->host.rp_filter, v->endpoint);
	return true;
}

/* The kernel's WireGuard sends the clock's time, also if that was set back since the last
 * handshake; an engine's times increase. */
static bool clock_was_set_back(const struct verdict *v)
{
	return v->facts->host.time && v->after->last_handshake.sec > v->facts->host.time + 1;
}

static const char set_back_hint[] =
	"A peer ignores handshakes older than the last one, and the kernel's WireGuard sends the "
	"clock's time: set the clock right. Until then only the peer can begin a session; if its "
	"clock was set back, too, run `wirespan down` and `wirespan up` there.";

/* What may be wrong where nothing comes back. With a session the handshake was answered, so the
 * keys agree, and the path existed. */
static const char *silence_hint(
	const struct verdict *v, const char *state, char ret[static FINDING_HINT_LEN])
{
	uint16_t port = v->after->endpoint.port;

	if (v->facts->host.clock_is_old)
		snprintf(ret, FINDING_HINT_LEN,
			"This host's clock shows a time before wirespan was installed: set it "
			"right. A peer ignores handshakes older than the last one.");
	else if (clock_was_set_back(v))
		snprintf(
			ret, FINDING_HINT_LEN, "This host's clock was set back. %s", set_back_hint);
	else if (state == one_way)
		snprintf(ret, FINDING_HINT_LEN,
			"The handshake was answered, so the keys agree. Did wirespan stop there, "
			"or the path break? If the peer is behind NAT, that may have forgotten it: "
			"set PersistentKeepalive = 25 there. Else [Peer] AllowedIPs there do not "
			"cover the addresses that we send from, or another host uses the same "
			"PrivateKey as this one. Run `wirespan check` there.");
	else
		snprintf(ret, FINDING_HINT_LEN,
			"Is wirespan up there, and does it listen on port %u? (Behind NAT %u is "
			"the port of the NAT, which forgets it without PersistentKeepalive = 25 "
			"there.) Does a firewall there or on the path let UDP port "
			"%u in? Is PublicKey here the peer's own, and was this host's clock not "
			"set back? (A peer does not answer a wrong key or an old time.) Run "
			"`wirespan check` there too.",
			port, port, port);
	return ret;
}

/* Datagrams go, none comes through; `state` begins each sentence. */
static void judge_silence(const struct verdict *v, const char *state)
{
	const struct observed_underlay *underlay = underlay_of(v);
	const struct observed_peer *p = v->peer;
	uint16_t ours = v->facts->after.wg.listen_port;
	uint16_t theirs = v->after->endpoint.port;
	char hint[FINDING_HINT_LEN];

	if (judge_rp_filter(v, state))
		return;
	if (p->datagrams_in && !has_received(v) && !refused(v->facts))
		finding_add(v->ret, FINDING_ERROR, "firewall", v->subject,
			"%s: %" PRIu64 " datagrams of the peer reached %s, but not wirespan.\n"
			"A firewall on this host drops them: let UDP port %u in (see `nft list "
			"ruleset` or `iptables -S INPUT`).",
			state, p->datagrams_in, p->underlay, ours);
	else if (p->datagrams_in)
		finding_add(v->ret, FINDING_ERROR, "handshake", v->subject,
			"%s: %" PRIu64 " datagrams came from the peer, but no handshake was "
			"completed.\n"
			"The peer's datagrams belong to a session that ended here, or to another "
			"key, and ours do not reach it: does a firewall there let UDP port %u in, "
			"do PublicKey and PresharedKey agree on both sides?",
			state, p->datagrams_in, theirs);
	else if (underlay && !underlay->up)
		finding_add(v->ret, FINDING_ERROR, "underlay", v->subject,
			"%s: %s, which leads to %s, is down or has no carrier.\n"
			"`ip link set %s up`; then look at the cable.",
			state, p->underlay, v->endpoint, p->underlay);
	else if (!p->datagrams_out && *p->underlay)
		finding_add(v->ret, FINDING_ERROR, "handshake", v->subject,
			"%s: no datagram left for %s on %s.\n"
			"Does the peer, or the gateway to it, answer on %s (`ip neigh`: neither "
			"FAILED nor INCOMPLETE)? Else: does a firewall on this host drop what goes "
			"out (see `nft list ruleset` or `iptables -S OUTPUT`)?",
			state, v->endpoint, p->underlay, p->underlay);
	else
		finding_add(v->ret, FINDING_ERROR, "handshake", v->subject,
			"%s: %" PRIu64 " datagrams were sent to %s, and nothing came back.\n"
			"%s",
			state, p->datagrams_out, v->endpoint, silence_hint(v, state, hint));
}

static void judge_no_session(const struct verdict *v)
{
	const char *name = v->after->endpoint_name;

	if (!v->after->endpoint.addr.family && *name)
		finding_add(v->ret, FINDING_ERROR, "name", v->subject,
			"No session: the address of %s is not known yet.\n"
			"Can this host's resolver resolve it (`getent ahosts` and the name)? The "
			"lookup is retried.",
			name);
	else if (!v->after->endpoint.addr.family && !judge_keys(v, no_session))
		finding_add(v->ret, FINDING_ERROR, "handshake", v->subject,
			"No session: the peer has no Endpoint here, and has not connected.\n"
			"Give [Peer] an Endpoint, or have the peer connect: there, set Endpoint to "
			"this host's address with port %u, and PersistentKeepalive = 25.",
			v->facts->after.wg.listen_port);
	else if (!judge_no_route(v, no_session) && v->after->endpoint.addr.family &&
		 !judge_route(v, no_session) && !judge_refused(v, no_session) &&
		 !judge_keys(v, no_session) && !judge_moved(v, no_session) &&
		 !judge_error(v, no_session))
		judge_silence(v, no_session);
}

/* ---- a session ---- */

/* Whether a host behind a session to the peer has answered: the tunnel works. */
static bool has_proof(const struct verdict *v)
{
	const struct observations *f = v->facts;

	for (size_t i = 0; i < f->n_sessions; i++)
		if (f->sessions[i].peer == (size_t)(v->peer - f->peers) &&
			f->sessions[i].echo.received)
			return true;
	return false;
}

static void judge_no_echo(const struct verdict *v)
{
	const struct observed_peer *p = v->peer;
	const char *wg = v->facts->after.wg.name;

	if (p->send_error)
		finding_add(v->ret, FINDING_WARNING, "echo", v->subject,
			"Echo requests to %s cannot be sent: %s.\n"
			"Does a firewall on this host drop ICMP, or does %s lack an address? See "
			"`ip addr show %s` and `nft list ruleset`.",
			v->tunnel, strerror(-p->send_error), wg, wg);
	else if (p->seen_inside)
		finding_add(v->ret, FINDING_WARNING, "echo", v->subject,
			"%s answers on %s, but the answers do not reach programs.\n"
			"A firewall on this host drops ICMP that comes in on %s. The segment does "
			"not need it.",
			v->tunnel, wg, wg);
	else if (!p->echo.sent)
		finding_add(v->ret, FINDING_NOTE, "echo", v->subject,
			"The peer connected during the check: it was not asked for an echo.\n"
			"Check again.");
	else
		finding_add(v->ret, has_proof(v) ? FINDING_NOTE : FINDING_WARNING, "echo",
			v->subject,
			"%s does not answer %u echo requests through the tunnel.\n"
			"Is %s the peer's address on its WireGuard interface, do its AllowedIPs "
			"cover ours, does its firewall let ICMP in?",
			v->tunnel, p->echo.sent, v->tunnel);
}

static void judge_echo(const struct verdict *v)
{
	const struct observed_echo *e = &v->peer->echo;
	double mean = e->received ? (double)e->sum_us / e->received / 1000 : 0;
	struct finding *finding;

	if (!v->peer->tunnel.family) {
		finding_add(v->ret, FINDING_NOTE, "echo", v->subject,
			"AllowedIPs name no single address: the peer was not asked for an echo.");
		return;
	}
	if (!e->received) {
		judge_no_echo(v);
		return;
	}
	finding = finding_add(v->ret, e->received == e->sent ? FINDING_OK : FINDING_WARNING, "echo",
		v->subject, "%s answers through the tunnel: %u of %u, %.2f ms (%.2f to %.2f).",
		v->tunnel, e->received, e->sent, mean, (double)e->min_us / 1000,
		(double)e->max_us / 1000);
	if (e->received != e->sent)
		finding_hint(finding,
			"The underlay loses packets: look at the counters of %s (`ip -s link`), "
			"and for a limit on UDP on the path.",
			v->peer->underlay);
}

static const char silent_hint[] =
	"Probes are echo requests inside the tunnel, from wg0's address: does the peer's firewall "
	"drop them?";

/* The path cuts what the peer sends: a router's fragments are as large as its next link carries,
 * rounded down to 8 bytes of payload. */
static void judge_narrow_path(const struct verdict *v)
{
	unsigned least = v->peer->first_fragment;

	finding_add(v->ret, FINDING_WARNING, "path_mtu", v->subject,
		"The path carries %u to %u bytes, and not %u, the route's MTU: datagrams from the "
		"peer come in fragments of that size.\n"
		"Set MTU = %u in [Interface], here and at the peer: the kernel's WireGuard does "
		"not "
		"find it.",
		least, least + 7, v->after->path.mtu,
		least - (v->after->endpoint.addr.family == AF_INET6 ? 80 : 60));
}

/* The route's MTU was taken. An echo as large as that crosses in fragments where the path carries
 * less, as the kernel sends without don't-fragment; those of the reply are seen here. */
static void judge_route_mtu(const struct verdict *v)
{
	const struct observed_underlay *u = underlay_of(v);
	unsigned mtu = v->after->path.mtu;

	if (v->peer->first_fragment >= LEAST_PATH && v->peer->first_fragment < mtu)
		judge_narrow_path(v);
	else if (v->peer->full.received && u && !u->error && !u->fragments)
		finding_add(v->ret, FINDING_OK, "path_mtu", v->subject,
			"The path carries %u bytes, the route's MTU: an echo of that size came "
			"back, and no fragment was seen on %s.",
			mtu, u->name);
	else
		finding_add(v->ret, FINDING_NOTE, "path_mtu", v->subject,
			"The path is assumed to carry %u bytes, the route's MTU: the kernel's "
			"WireGuard sends no probes.\n"
			"If a link farther away is narrower, routers fragment there: set MTU in "
			"[Interface] to its MTU minus %u.",
			mtu, v->after->endpoint.addr.family == AF_INET6 ? 80 : 60);
}

static void judge_path(const struct verdict *v)
{
	const struct status_path *p = &v->after->path;

	if (!p->mtu || p->state == STATUS_PATH_GIVEN)
		return;
	if (p->state == STATUS_PATH_ROUTE) {
		judge_route_mtu(v);
		return;
	}
	if (p->answers && p->state == STATUS_PATH_SILENT)
		finding_add(v->ret, FINDING_NOTE, "path_mtu", v->subject,
			"The path is assumed to carry %u bytes, as last measured: no probe is "
			"answered now.\n"
			"%s",
			p->mtu, silent_hint);
	else if (p->answers)
		finding_add(v->ret, FINDING_OK, "path_mtu", v->subject,
			"The path carries %u bytes, measured (%" PRIu64 " of %" PRIu64 " probes "
			"answered).",
			p->mtu, p->answers, p->probes);
	else if (p->probes)
		finding_add(v->ret, FINDING_NOTE, "path_mtu", v->subject,
			"The path is assumed to carry %u bytes, the route's MTU: none of "
			"%" PRIu64 " probes was answered.\n"
			"%s",
			p->mtu, p->probes, silent_hint);
	if (p->black_holes)
		finding_add(v->ret, FINDING_NOTE, "path_mtu", v->subject,
			"The path was found to carry less than before, %" PRIu64 " times.",
			p->black_holes);
	if (p->train_max)
		finding_add(v->ret, FINDING_NOTE, "path_trains", v->subject,
			"The path loses trains of more than %u datagram%s, and not single ones: no "
			"more are sent at once, at the cost of speed.\n"
			"Does a router, card or hypervisor on the path segment UDP wrongly, or "
			"limit the rate with a small burst? If `ethtool -K %s tx-udp-segmentation "
			"off` here helps, it is the segmentation.",
			p->train_max, p->train_max == 1 ? "" : "s",
			*v->peer->underlay ? v->peer->underlay : "eth0");
}

static void judge_full(const struct verdict *v)
{
	const struct observed_peer *p = v->peer;
	unsigned outer = p->full_size + (v->after->endpoint.addr.family == AF_INET6 ? 80 : 60);
	const struct observed_underlay *link = underlay_of(v);

	if (!p->full_size)
		return;
	if (!p->full.received && p->echo.received < p->echo.sent)
		return; /* what is lost may be lost by chance */
	if (p->full.received) {
		finding_add(v->ret, FINDING_OK, "tunnel_mtu", v->subject,
			"Packets of %u bytes, %s %s, pass in one piece.", p->full_size,
			p->full_size < v->facts->before.wg.mtu ? "what the path carries by"
							       : "the MTU of",
			v->facts->after.wg.name);
		return;
	}
	if (link && outer > link->mtu) {
		finding_add(v->ret, FINDING_ERROR, "tunnel_mtu", v->subject,
			"Packets of %u bytes, the MTU of %s, become datagrams of %u bytes, but the "
			"MTU of %s is %u: they are not sent.\n"
			"In [Interface] here: MTU = auto, or at most %u.",
			p->full_size, v->facts->after.wg.name, outer, p->underlay, link->mtu,
			link->mtu - (outer - p->full_size));
		return;
	}
	finding_add(v->ret, FINDING_ERROR, "tunnel_mtu", v->subject,
		"Packets of %u bytes, %s %s, do not come back; small ones do.%s\n"
		"The path to %s carries less than %u bytes one way or the other. With [Interface] "
		"MTU = auto its MTU is found; a number has to be smaller. Does something on the "
		"path drop large datagrams?",
		p->full_size,
		p->full_size < v->facts->before.wg.mtu ? "what the path carried by" : "the MTU of",
		v->facts->after.wg.name,
		p->too_big ? " A router reports that they are too big." : "", v->endpoint, outer);
}

/* Whether an address belongs to a private network, behind a NAT. */
static bool is_private(const struct ip_addr *a)
{
	static const struct ip_prefix nets[] = {
		{ .addr = { .family = AF_INET, .bytes = { 10 } }, .len = 8 },
		{ .addr = { .family = AF_INET, .bytes = { 172, 16 } }, .len = 12 },
		{ .addr = { .family = AF_INET, .bytes = { 192, 168 } }, .len = 16 },
		{ .addr = { .family = AF_INET, .bytes = { 100, 64 } }, .len = 10 },
		{ .addr = { .family = AF_INET6, .bytes = { 0xfc } }, .len = 7 },
	};

	for (size_t i = 0; i < ARRAY_LEN(nets); i++)
		if (ip_prefix_contains(&nets[i], a))
			return true;
	return false;
}

/* Whether an address is valid on its link only. */
static bool is_link_local(const struct ip_addr *a)
{
	return a->family == AF_INET6
		       ? ip_addr_is_link_local(a)
		       : a->bytes[0] == 127 || (a->bytes[0] == 169 && a->bytes[1] == 254);
}

/* A NAT forgets this host, and then drops what the peer sends, unless it always forwards. A peer
 * without an Endpoint here connects first: the NAT forwards. */
static void judge_keepalive(const struct verdict *v)
{
	const struct ip_addr *source = &v->peer->source;
	const struct ip_addr *to = &v->after->endpoint.addr;
	const struct observed_host *host = &v->facts->host;
	char from[IP_ADDR_TEXT_LEN];
	char address[IP_ADDR_TEXT_LEN];

	if (v->after->keepalive_s || !v->peer->dialled || !is_private(source) || is_private(to) ||
		is_link_local(to))
		return;
	ip_addr_text(source, from);
	ip_addr_text(to, address);
	if (host->port_is_fixed)
		finding_add(v->ret, FINDING_NOTE, "keepalive", v->subject,
			"This host is behind NAT (its address %s is private, %s is not) and sets "
			"no PersistentKeepalive: unless the NAT always forwards UDP port %u to it, "
			"after some silence nothing comes in until a frame is sent from here.\n"
			"Set PersistentKeepalive = 25 in [Peer] here, unless it does.",
			from, address, v->facts->after.wg.listen_port);
	else
		finding_add(v->ret, FINDING_WARNING, "keepalive", v->subject,
			"This host is behind NAT (its address %s is private, %s is not) and sets "
			"no PersistentKeepalive. Without ListenPort no NAT can forward its port: "
			"after some silence nothing comes in until a frame is sent from here.\n"
			"Set PersistentKeepalive = 25 in [Peer] here.",
			from, address);
}

/* Return: whether the endpoint was lost for at least a part of the check. */
static bool judge_handshake(const struct verdict *v)
{
	finding_add(v->ret, FINDING_OK, "handshake", v->subject,
		"WireGuard session with %s, handshake %" PRIu64 " s ago.", v->endpoint,
		v->after->handshake_age_ms / 1000);
	if (clock_was_set_back(v))
		finding_add(v->ret, FINDING_WARNING, "clock", v->subject,
			"This host's clock was set back since the handshake: the session ends "
			"within three minutes, and its renewal may fail.\n%s",
			set_back_hint);
	(void)judge_sources(v,
		v->peer->echo.received || !v->peer->echo.sent ? FINDING_WARNING : FINDING_ERROR,
		"A session");
	return judge_moved(v, "A session");
}

void judge_peer(const struct observations *f, size_t i, struct findings *ret)
{
	struct verdict v = {
		.facts = f,
		.peer = &f->peers[i],
		.before = &f->before.peers[i],
		.after = &f->after.peers[i],
		.ret = ret,
	};
	char key[KEY_BASE64_LEN + 1];
	bool moved;

	endpoint_text(&v.after->endpoint, v.endpoint);
	ip_addr_text(&v.peer->tunnel, v.tunnel);
	key_to_base64(v.after->public_key, key);
	if (*v.after->name)
		snprintf(v.subject, sizeof(v.subject), "%s", v.after->name);
	else if (v.peer->tunnel.family)
		snprintf(v.subject, sizeof(v.subject), "%s", v.tunnel);
	else
		snprintf(v.subject, sizeof(v.subject), "%.8s...", key);
	if (v.after->state != STATUS_PEER_ESTABLISHED && !v.peer->echo.received) {
		judge_no_session(&v);
		return;
	}
	if (v.peer->echo.sent && !v.peer->echo.received && !has_received(&v)) {
		if (!judge_no_route(&v, one_way) && !judge_route(&v, one_way) &&
			!judge_refused(&v, one_way) && !judge_keys(&v, one_way) &&
			!judge_sources(&v, FINDING_ERROR, one_way) && !judge_moved(&v, one_way) &&
			!judge_error(&v, one_way))
			judge_silence(&v, one_way);
		return;
	}
	moved = judge_handshake(&v);
	judge_keepalive(&v);
	judge_detour(&v);
	if (v.peer->echo.sent && !v.peer->echo.received && (moved || judge_refused(&v, one_way)))
		return;
	judge_echo(&v);
	judge_path(&v);
	judge_full(&v);
}
