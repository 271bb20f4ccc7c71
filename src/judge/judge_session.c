/* SPDX-License-Identifier: MIT */
/* Findings about one session: whether it works in both directions, configuration mismatches, packet
 * sizes, throughput. */
#include "judge/judge_session.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "judge/judge_cause.h"
#include "judge/judge_load.h"

#define MEMBER_MTU 1500
#define PROOF_LEN  160
#define RECENT_MS  30000 /* a drop that counts although it happened before the check */

/** One session, and the list for its findings. */
struct verdict {
	const struct observations *facts;
	const struct observed_session *session;
	const struct status_session *before;
	const struct status_session *after;
	const struct status_tunnel *tunnel_before;
	const struct status_tunnel *tunnel;
	struct findings *ret;
	const struct status_bridge *bridge; /* NULL: none */
	char station[IP_ADDR_TEXT_LEN];
	char remote[IP_ADDR_TEXT_LEN];
};

static bool has_station(const struct verdict *v)
{
	return v->session->station.family != 0;
}

static bool is_alive(const struct verdict *v)
{
	return has_station(v) || v->session->far_end.received;
}

/* Whether our own bridge blocks the session's port in both directions. */
static bool is_held(const struct verdict *v)
{
	return check_port_is_held(check_port_state(v->facts, v->after->name));
}

static bool has_tree(const struct verdict *v)
{
	return v->bridge && v->bridge->stp;
}

/* Whether L2TP of the peer came during the check, or an answer to ours: then what came before may
 * be over, and proves nothing. */
static bool has_received(const struct verdict *v)
{
	return is_alive(v) || v->session->alien.seen || v->session->refusal.seen ||
	       v->after->rx.packets != v->before->rx.packets ||
	       v->after->wrong_cookie != v->before->wrong_cookie ||
	       v->after->bad_length != v->before->bad_length ||
	       v->tunnel->unknown_sessions != v->tunnel_before->unknown_sessions;
}

/* The number of packets dropped for a reason during the check; or, if nothing came, since the
 * start, if the last was dropped shortly before. */
static uint64_t count_recent(
	const struct verdict *v, enum drop reason, uint64_t before, uint64_t after)
{
	uint64_t age = v->facts->after.drop_ages_ms.n[reason];

	return has_received(v) || !age || age > RECENT_MS ? after - before : after;
}

/* ---- mismatches ---- */

static void judge_session_id(const struct verdict *v)
{
	uint64_t n = count_recent(v, DROP_L2TP_SESSION, v->tunnel_before->unknown_sessions,
		v->tunnel->unknown_sessions);
	uint32_t theirs = v->tunnel->last_unknown_session;

	if (!n || v->after->rx.packets != v->before->rx.packets)
		return;
	finding_add(v->ret, FINDING_ERROR, "session_id", v->after->name,
		"The peer sends session id %u (%" PRIu64 " packets), but SessionId here is %u.\n"
		"They must be the same: set SessionId = %u here, or PeerSessionId = %u there.",
		theirs, n, v->after->session_id, theirs, v->after->session_id);
}

static void judge_cookie(const struct verdict *v)
{
	uint64_t n =
		count_recent(v, DROP_L2TP_COOKIE, v->before->wrong_cookie, v->after->wrong_cookie);

	if (!n)
		return;
	finding_add(v->ret, FINDING_ERROR, "cookie", v->after->name,
		"%" PRIu64 " frames of the peer had another cookie than PeerCookie here, or none.\n"
		"PeerCookie here (%u bytes) must be the peer's Cookie (in ip l2tp: cookie).",
		n, v->after->peer_cookie_len);
}

static void judge_sublayer(const struct verdict *v)
{
	uint64_t n = v->after->sublayer_suspected - v->before->sublayer_suspected;

	if (!n)
		return;
	if (v->after->options.sublayer == L2TP_SUBLAYER_DEFAULT)
		finding_add(v->ret, FINDING_ERROR, "sublayer", v->after->name,
			"%" PRIu64 " frames of the peer look as if they had no L2-specific "
			"sublayer; here it is default.\n"
			"Set Layer2SpecificHeader = none here, or default there (in ip l2tp: "
			"l2spec_type). A Cookie there that is not expected here looks the same.",
			n);
	else
		finding_add(v->ret, FINDING_ERROR, "sublayer", v->after->name,
			"%" PRIu64 " frames of the peer look as if they had the default "
			"L2-specific sublayer; here it is none.\n"
			"Set Layer2SpecificHeader = default here, or none there (in ip l2tp: "
			"l2spec_type).",
			n);
}

static bool expects_sequence(const struct verdict *v)
{
	return v->after->options.sequence & L2TP_SEQUENCE_RECV;
}

static void judge_sequence(const struct verdict *v)
{
	uint64_t without = v->after->without_sequence - v->before->without_sequence;
	uint64_t late = v->after->reordered - v->before->reordered;
	const char *mode = l2tp_option_word(
		&l2tp_option_rows[L2TP_OPTION(sequence)], v->after->options.sequence);

	if (!expects_sequence(v))
		return;
	if (without)
		finding_add(v->ret, FINDING_ERROR, "sequence", v->after->name,
			"%" PRIu64 " frames of the peer had no sequence number; Sequence = %s here "
			"drops them.\n"
			"Set Sequence = send or both there, or none or send here.",
			without, mode);
	else if (late)
		finding_add(v->ret, FINDING_WARNING, "sequence", v->after->name,
			"%" PRIu64 " frames came out of sequence and were dropped.\n"
			"The underlay reorders: Sequence = none or send here lets them pass.",
			late);
}

/* L2TP packets of the peer that match no session. */
static void judge_alien(const struct verdict *v)
{
	const struct observed_alien *a = &v->session->alien;
	const struct status_tunnel *t = v->tunnel;

	if (!a->seen)
		return;
	if (a->encap != t->encap)
		finding_add(v->ret, FINDING_ERROR, "encapsulation", v->after->name,
			"The peer sends L2TP over %s; EncapsulationType here is %s.\n"
			"Make EncapsulationType the same on both sides.",
			a->encap == L2TP_ENCAP_UDP ? "UDP" : "IP",
			t->encap == L2TP_ENCAP_UDP ? "udp" : "ip");
	else
		finding_add(v->ret, FINDING_ERROR, "ports", v->after->name,
			"The peer sends L2TP from UDP port %u to %u; here UDPDestinationPort = %u "
			"and UDPSourcePort = %u.\n"
			"Set UDPDestinationPort = %u and UDPSourcePort = %u here, or the peer's to "
			"these the other way round.",
			a->source_port, a->destination_port, t->destination_port, t->source_port,
			a->source_port, a->destination_port);
}

static void judge_refusal(const struct verdict *v)
{
	const struct observed_icmp *e = &v->session->refusal;
	char from[IP_ADDR_TEXT_LEN];
	char local[IP_ADDR_TEXT_LEN];
	char encap[80] = "and EncapsulationType = ip";

	if (!e->seen)
		return;
	ip_addr_text(&v->tunnel->local, local);
	if (v->tunnel->encap == L2TP_ENCAP_UDP)
		snprintf(encap, sizeof(encap),
			"EncapsulationType = udp, UDPSourcePort = %u and UDPDestinationPort = %u",
			v->tunnel->destination_port, v->tunnel->source_port);
	finding_add(v->ret, FINDING_ERROR, "no_tunnel", v->after->name,
		"%s refuses our L2TP packets (ICMP type %u, code %u): no such tunnel is there.\n"
		"Is the tunnel up there, with Local = %s, Remote = %s, %s?",
		ip_addr_text(&e->from, from), e->type, e->code, v->remote, local, encap);
}

static void judge_oddities(const struct verdict *v)
{
	uint64_t control = v->tunnel->control_messages - v->tunnel_before->control_messages;
	uint64_t length = v->after->bad_length - v->before->bad_length;
	uint64_t sums = v->tunnel->bad_checksums - v->tunnel_before->bad_checksums;

	if (control)
		finding_add(v->ret, FINDING_WARNING, "control", v->after->name,
			"The peer sends L2TP control messages (%" PRIu64 ").\n"
			"Its tunnel uses the control protocol: configure a static one there.",
			control);
	if (length)
		finding_add(v->ret, FINDING_WARNING, "length", v->after->name,
			"%" PRIu64 " frames of the peer were too short or too long.\n"
			"Do Layer2SpecificHeader and the lengths of the cookies agree? Is the "
			"session's MTU larger there (%u here)?",
			length, v->after->mtu);
	if (sums)
		finding_add(v->ret, FINDING_WARNING, "checksum", v->after->name,
			"%" PRIu64 " L2TP packets of the peer had a wrong UDP checksum.", sums);
}

/* ---- only the far gateway answers ---- */

/* Format the beginning of a sentence: the pseudowire works, and how that was verified. */
static void format_proof(const struct verdict *v, char ret[static PROOF_LEN])
{
	const struct observed_echo *e = &v->session->far_end;
	double mean = (double)e->sum_us / e->received / 1000;
	bool v6 = v->tunnel->remote.family == AF_INET6;

	snprintf(ret, PROOF_LEN, "%s: %s answers %s, %u of %u, %.2f ms (%.2f to %.2f)",
		v6 ? "Our frames arrive on the pseudowire" : "The pseudowire works", v->remote,
		v6 ? "through WireGuard" : "on it", e->received, e->sent, mean,
		(double)e->min_us / 1000, (double)e->max_us / 1000);
}

/* No frame passes the bridges at both ends, and no other path replaces the session. */
static void judge_no_path(const struct verdict *v, const char *proof)
{
	if (check_is_settling(v->facts, v->bridge))
		finding_add(v->ret, FINDING_NOTE, "session", v->after->name,
			"%s. Whether frames find a path through the segment is not known yet: "
			"ports of %s are still learning.",
			proof, v->bridge->name);
	else
		finding_add(v->ret, FINDING_ERROR, "no_path", v->after->name,
			"%s. But the spanning tree %s blocks it, and no other path leads to that "
			"site.\n"
			"If that gateway has just started, its ports forward 30 s later: check "
			"again then. Else run `wirespan check` on every site: does another session "
			"work in one direction only?",
			proof, is_held(v) ? "here" : "there");
}

static void judge_unbridged(const struct verdict *v, const char *proof)
{
	finding_add(v->ret, FINDING_ERROR, "far_bridge", v->after->name,
		"%s. But there it seems to be a port of no bridge.\n"
		"There, `ip link` shows whether the session's interface has a master: put it into "
		"the bridge (`wirespan reload` does).",
		proof);
}

/* The spanning tree, here or at the far end, keeps the session as a backup: correct if there is
 * another path. */
static void judge_reserve(const struct verdict *v, const char *proof)
{
	const struct observed_session *s = v->session;

	if (!s->path_found)
		judge_no_path(v, proof);
	else if (s->path_here && s->unbridged)
		judge_unbridged(v, proof);
	else if (s->path_here)
		finding_add(v->ret, FINDING_OK, "session", v->after->name,
			"%s, also through its bridge; no host behind it answers.", proof);
	else
		finding_add(v->ret, FINDING_OK, "session", v->after->name,
			"%s. The spanning tree %s blocks it: frames to that site take another "
			"path, which works.",
			proof, is_held(v) ? "here" : "there");
}

static void judge_far_end(const struct verdict *v)
{
	char proof[PROOF_LEN];

	format_proof(v, proof);
	if (has_station(v))
		judge_unbridged(v, proof);
	else if (has_tree(v))
		judge_reserve(v, proof);
	else if (is_held(v))
		finding_add(v->ret, FINDING_OK, "session", v->after->name,
			"%s. No host behind it was probed: its port here does not forward.", proof);
	else
		finding_add(v->ret, FINDING_ERROR, "far_bridge", v->after->name,
			"%s. But no host behind it answers.\n"
			"There: is the bridge up, is the session's interface a port of it (`bridge "
			"link`), and forwarding? Does a filter there drop what enters by it? "
			"`wirespan check` there names it. STP must be the same on all sites; here "
			"it is no. If all is right, no host there has an address that answers: "
			"name one with --target.",
			proof);
}

/* ---- no host answers ---- */

/* Frames that were sent on the interface have not reached the engine. Return: whether so. */
static bool judge_egress(const struct verdict *v)
{
	const struct observed_session *s = v->session;
	const struct observed_port *port = observed_port_named(v->facts, v->after->name);
	struct cause_loss loss = { .in = port, .out = port, .kinds = 1U << OBSERVED_ARP };

	if (!port || !s->asked || v->after->tx.packets != v->before->tx.packets)
		return false;
	judge_cause(v->facts, &loss,
		finding_add(v->ret, FINDING_ERROR, "host_drop", v->after->name,
			"This host drops what leaves by %s: %" PRIu64
			" frames were sent on it, and none reached wirespan.",
			v->after->name, s->asked));
	return true;
}

/* Whether the peer answers nothing inside the tunnel, although it is there. */
static bool is_tunnel_silent(const struct verdict *v)
{
	size_t peer = v->session->peer;

	return peer < v->facts->n_peers && v->facts->peers[peer].echo.sent &&
	       !v->facts->peers[peer].echo.received;
}

static void judge_one_way(const struct verdict *v, bool explained)
{
	const struct observed_session *s = v->session;
	const struct status_session *r = v->after;
	bool sends = r->options.sequence & L2TP_SEQUENCE_SEND;
	char local[IP_ADDR_TEXT_LEN];
	struct finding *finding;

	if (has_tree(v) && s->path_found && (is_held(v) || !s->frames_in)) {
		finding_add(v->ret, FINDING_WARNING, "silence", r->name,
			"Not proven: no host answers on this pseudowire. Another path leads to "
			"that site; the spanning tree may block this one.\n"
			"Run `wirespan check` there. A far end that is not Linux, or restricts ARP "
			"(arp_ignore), does not answer on a blocked port.");
		return;
	}
	if (s->frames_in)
		finding = finding_add(v->ret, FINDING_ERROR, "one_way", r->name,
			"One way only: %" PRIu64 " frames of the far side arrived, but no host "
			"there answers ours (%" PRIu64 " sent).",
			s->frames_in, s->asked);
	else if (explained)
		return;
	else
		finding = finding_add(v->ret, FINDING_ERROR, "silence", r->name,
			"%" PRIu64 " frames were sent into the session, and nothing at all came "
			"back.",
			s->asked);
	if (!s->frames_in && is_tunnel_silent(v)) {
		finding_hint(finding,
			"The tunnel itself answers no echo request either: [Peer] AllowedIPs there "
			"must cover our Local = %s. Or a firewall there drops what comes in by "
			"WireGuard. Run `wirespan check` there: it names which.",
			ip_addr_text(&v->tunnel->local, local));
		return;
	}
	finding_hint(finding,
		"Run `wirespan check` there: it names what arrives, and what drops it. There, "
		"SessionId must be %u, PeerCookie our Cookie (%u bytes), Layer2SpecificHeader "
		"%s%s. If all is right, no host there has an address that answers: name one with "
		"--target.",
		r->peer_session_id, r->cookie_len,
		l2tp_option_word(&l2tp_option_rows[L2TP_OPTION(sublayer)], r->options.sublayer),
		sends ? "" : ", and Sequence not recv or both");
}

/* ---- frames pass ---- */

/* Where frames are lost: on the tunnel, if its own probes are lost, too. */
static const char *loss_hint(const struct verdict *v, char ret[static FINDING_HINT_LEN])
{
	size_t peer = v->session->peer;
	const struct observed_peer *p = peer < v->facts->n_peers ? &v->facts->peers[peer] : NULL;

	if (p && p->echo.sent > p->echo.received)
		snprintf(ret, FINDING_HINT_LEN,
			"The tunnel itself loses packets (%u of %u answered): look at the counters "
			"of %s (`ip -s link show %s`), and for a limit on UDP on the path.%s",
			p->echo.received, p->echo.sent, p->underlay, p->underlay,
			v->session->limit ? ""
					  : " Packet sizes were not tried: loss would look like a "
					    "small MTU.");
	else
		snprintf(ret, FINDING_HINT_LEN,
			"The tunnel's own probes, %u, were all answered. Frames are lost between "
			"the far gateway and %s; or that limits how often it answers: name another "
			"host with --target; or the underlay loses a few packets, more than these "
			"probes show (`ip -s link`), or limits the rate of UDP.",
			p ? p->echo.sent : 0, v->station);
	return ret;
}

static void judge_life(const struct verdict *v)
{
	const struct observed_session *s = v->session;
	const struct observed_echo *e = &s->echo;
	double mean = e->received ? (double)e->sum_us / e->received / 1000 : 0;
	char hint[FINDING_HINT_LEN];
	struct finding *finding;

	if (!e->received) {
		finding_add(v->ret, FINDING_ERROR, "session", v->after->name,
			"ARP passes both ways, but %s does not answer an echo%s.\n"
			"A filter of IP between here and there (br_netfilter with a FORWARD chain, "
			"there or here), or its own firewall drops ICMP: run `wirespan check` "
			"there, or name another host on the far side with --target.",
			v->station, s->limit ? "" : ": sizes were not tried");
		return;
	}
	finding = finding_add(v->ret, observed_echo_severity(e), "session", v->after->name,
		"Frames pass both ways: %s answers %u of %u, %.2f ms (%.2f to %.2f); %u station%s "
		"on the far side.",
		v->station, e->received, e->sent, mean, (double)e->min_us / 1000,
		(double)e->max_us / 1000, s->stations, s->stations == 1 ? "" : "s");
	if (e->received != e->sent)
		finding_hint(finding, "%s", loss_hint(v, hint));
}

static void judge_whole(const struct verdict *v)
{
	const struct observed_session *s = v->session;
	unsigned budget = v->after->budget;

	if (!s->whole)
		finding_add(v->ret, FINDING_NOTE, "size", v->after->name,
			"%u bytes should pass in one piece; the %s back end does not count what is "
			"cut.",
			budget, v->facts->after.backend);
	else if (s->whole == budget)
		finding_add(v->ret, FINDING_OK, "size", v->after->name,
			"The largest packet that passes in one piece has %u bytes, as computed%s.",
			s->whole, s->outward ? " (tried in our direction)" : "");
	else if (s->whole == s->limit && s->whole < budget)
		finding_add(v->ret, FINDING_OK, "size", v->after->name,
			"Packets up to %u bytes, the MTU of %s, pass in one piece; %u would fit.",
			s->whole, v->after->name, budget);
	else
		finding_add(v->ret, FINDING_WARNING, "size", v->after->name,
			"The largest packet that passes in one piece has %u bytes; %u were "
			"computed.\n"
			"One direction carries less: is [Interface] MTU, here or there, too large "
			"for the path (MTU = auto finds it), or does `wirespan mtu` on the far "
			"side compute another number, from its underlay or cookie?",
			s->whole, budget);
}

/* Packets that do not fit into one datagram are refused, by the setting in the file. Return:
 * whether that is all. */
static bool judge_refused(const struct verdict *v)
{
	const struct observed_session *s = v->session;
	enum l2tp_oversize oversize = v->after->options.oversize;

	if (oversize == L2TP_OVERSIZE_FRAGMENT || s->largest < v->after->budget)
		return false;
	if (oversize == L2TP_OVERSIZE_REJECT)
		finding_add(v->ret, FINDING_NOTE, "full_size", v->after->name,
			"Packets of more than %u bytes are refused with an ICMP error, so that "
			"their sender makes them smaller: Oversize = reject.",
			s->largest);
	else
		finding_add(v->ret, FINDING_WARNING, "full_size", v->after->name,
			"Packets of more than %u bytes are dropped, and their sender does not "
			"learn it: Oversize = drop.\n"
			"Set that MTU on all members; or Oversize = fragment in [L2TPSession].",
			s->largest);
	return true;
}

static void judge_full(const struct verdict *v)
{
	const struct observed_session *s = v->session;
	const char *name = v->after->name;

	if (s->largest < s->limit && judge_refused(v))
		return;
	if (s->largest < s->limit)
		finding_add(v->ret, FINDING_ERROR, "full_size", name,
			"Packets of more than %u bytes do not pass, although %s has MTU %u.\n"
			"Does Oversize here or there let only smaller ones pass? Else the far side "
			"refuses them: its session's interface, its bridge and every port of that "
			"need MTU %u (wirespan: MTU = auto); `wirespan check` there names the one "
			"that has less.",
			s->largest, name, s->limit, s->limit);
	else if (s->station_cuts)
		finding_add(v->ret, FINDING_NOTE, "full_size", name,
			"Packets of %u bytes arrive; %s answers them in pieces, its own MTU is "
			"smaller.",
			s->limit, v->station);
	else if (s->limit >= MEMBER_MTU)
		finding_add(v->ret, FINDING_OK, "full_size", name,
			"Packets of %u bytes pass%s%s%s.", s->limit,
			s->outward ? "" : " with don't-fragment set",
			s->whole < s->limit ? ", in fragments inside the tunnel" : "",
			s->outward ? " (tried in our direction)" : "");
	else
		finding_add(v->ret, FINDING_NOTE, "full_size", name,
			"%s has MTU %u: members need it too, larger packets do not pass.\n"
			"MTU = auto in [L2TPSession] lets members keep 1500.",
			name, s->limit);
}

static void judge_throughput(const struct verdict *v)
{
	const struct observed_session *s = v->session;
	double seconds = (double)s->flood_us / 1e6;
	double rate = seconds > 0 ? (double)s->flood_received / seconds : 0;
	uint64_t lost = s->flood_sent - s->flood_received;
	double loss = s->flood_sent ? 100.0 * (double)lost / (double)s->flood_sent : 0;

	if (!s->flood_size || !s->flood_sent)
		return;
	finding_add(v->ret, FINDING_OK, "throughput", v->after->name,
		"%.0f echoes a second of %u bytes, %.0f Mbit/s each way; %.1f %% lost of what this "
		"load sent. (One program asking, %s answering: bulk TCP is faster.)",
		rate, s->flood_size, rate * s->flood_size * 8 / 1e6, loss, v->station);
}

/* ---- the whole session ---- */

/* Whether anything came from the peer, whether or not it matched the session. */
static bool has_peer(const struct verdict *v)
{
	size_t peer = v->session->peer;

	return peer < v->facts->n_peers &&
	       v->facts->after.peers[peer].rx_bytes != v->facts->before.peers[peer].rx_bytes;
}

/* Whether the peer was behind another endpoint at first, so that a part of the probes was lost. */
static bool has_moved_peer(const struct verdict *v)
{
	const struct observations *f = v->facts;
	size_t peer = v->session->peer;

	return peer < f->n_peers && f->peers[peer].echo.sent && !f->peers[peer].echo.received &&
	       f->before.peers[peer].endpoint.addr.family &&
	       !endpoint_equal(&f->before.peers[peer].endpoint, &f->after.peers[peer].endpoint);
}

/* Whether this host refused to send what was for the peer: none of it left. */
static bool is_refused(const struct verdict *v)
{
	const struct observations *f = v->facts;
	size_t peer = v->session->peer;

	return peer < f->n_peers && !f->peers[peer].datagrams_out &&
	       f->after.drops.n[DROP_TX_SEND] != f->before.drops.n[DROP_TX_SEND];
}

/* Return: whether the session could be tried at all. */
static bool judge_tried(const struct verdict *v)
{
	const struct observed_session *s = v->session;
	const char *name = v->after->name;

	if (s->tried)
		return true;
	if (s->peer == SIZE_MAX)
		finding_add(v->ret, FINDING_ERROR, "session", name,
			"No peer's AllowedIPs cover Remote = %s.\n"
			"Add %s/%u to the AllowedIPs of the peer that it belongs to.",
			v->remote, v->remote, ip_addr_bits(&v->tunnel->remote));
	else if (s->error == -ENETDOWN)
		finding_add(v->ret, FINDING_ERROR, "session", name,
			"The interface %s is down.\n"
			"`ip link set %s up`",
			name, name);
	else if (s->error)
		finding_add(v->ret, FINDING_ERROR, "session", name,
			"Cannot send frames into %s: %s.\n"
			"Is the interface still there, and are you root?",
			name, strerror(-s->error));
	else
		finding_add(v->ret, FINDING_NOTE, "session", name,
			"Not tried: its peer was not there.");
	return false;
}

void judge_session(const struct observations *f, size_t i, struct findings *ret)
{
	struct verdict v = {
		.facts = f,
		.session = &f->sessions[i],
		.before = &f->before.sessions[i],
		.after = &f->after.sessions[i],
		.tunnel_before = observed_tunnel_of(&f->before, &f->before.sessions[i]),
		.tunnel = observed_tunnel_of(&f->after, &f->after.sessions[i]),
		.ret = ret,
		.bridge = check_bridge_of(&f->after, f->after.sessions[i].name),
	};
	size_t errors = findings_count(ret, FINDING_ERROR);

	if (!v.tunnel || !v.tunnel_before)
		return;
	ip_addr_text(&v.session->station, v.station);
	ip_addr_text(&v.tunnel->remote, v.remote);
	if (!judge_tried(&v))
		return;
	judge_session_id(&v);
	judge_cookie(&v);
	judge_sublayer(&v);
	judge_sequence(&v);
	judge_alien(&v);
	judge_refusal(&v);
	judge_oddities(&v);
	if (!is_alive(&v) && judge_egress(&v))
		return;
	if (!is_alive(&v) && is_refused(&v)) {
		finding_add(ret, FINDING_NOTE, "session", v.after->name,
			"No host answers: this host refused to send what was for its peer.");
		return;
	}
	if (!is_alive(&v) && !has_peer(&v)) {
		finding_add(ret, FINDING_NOTE, "session", v.after->name,
			"No host answers: nothing at all comes from its peer.");
		return;
	}
	if (!has_station(&v) && has_moved_peer(&v)) {
		finding_add(ret, FINDING_NOTE, "session", v.after->name,
			"No host answers: its peer was not reached for a part of the check.");
		return;
	}
	if (!is_alive(&v)) {
		judge_one_way(&v, findings_count(ret, FINDING_ERROR) > errors);
		return;
	}
	if (has_station(&v) && (v.session->echo.received || !v.session->unbridged))
		judge_life(&v);
	else
		judge_far_end(&v);
	if (v.session->limit) {
		judge_whole(&v);
		judge_full(&v);
	}
	judge_throughput(&v);
	judge_load(f, i, ret);
}

void judge_target(const struct observations *f, struct findings *ret)
{
	char target[IP_ADDR_TEXT_LEN];
	size_t tried = 0;

	for (size_t i = 0; i < f->n_sessions; i++) {
		tried += f->sessions[i].tried;
		if (ip_addr_equal(&f->sessions[i].station, &f->target))
			return;
	}
	if (!f->target.family || !tried)
		return;
	ip_addr_text(&f->target, target);
	finding_add(ret, FINDING_ERROR, "target", target,
		"%s answers through no session.\n"
		"Is it on, and on the far side of the segment? If so, run `wirespan check` on its "
		"site: does the port that leads to it forward?",
		target);
}
