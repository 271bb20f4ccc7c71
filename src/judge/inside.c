/* SPDX-License-Identifier: MIT */
/* Counts L2TP packets seen on the WireGuard interface, for counters that the back end does not
 * have. */
#include "judge/inside.h"

#include "base/bytes.h"
#include "l2tp/receive.h"
#include "pkt/headers.h"

#define UDP_FLAGS	 4 /* bytes of L2TP's flags, version and reserved field, over UDP */
#define L2TP_VERSION	 3
#define L2TP_MASK	 0x800f /* of the bits that identify data of L2TPv3 */
#define SEQUENCE_PRESENT 0x40000000U

/** What follows the session id. */
struct rest {
	const uint8_t *at;
	size_t left;
};

/* The session id of an L2TP data packet. Return: whether it is one. */
static bool read_id(const struct wire_read *r, uint32_t *ret_id, struct rest *ret)
{
	size_t flags = r->proto == PROTO_UDP ? UDP_FLAGS : 0;

	if (!r->payload || r->payload_len < flags + 4)
		return false;
	if (flags && ((load_be16(r->payload) & L2TP_MASK) != L2TP_VERSION ||
			     load_be16(r->payload + 2) != 0))
		return false;
	*ret_id = load_be32(r->payload + flags);
	*ret = (struct rest){ r->payload + flags + 4, r->payload_len - flags - 4 };
	return *ret_id != 0; /* 0: a control message */
}

/* Whether the packet has exactly the addresses, encapsulation and ports of a tunnel. */
static bool is_of_tunnel(const struct status_tunnel *t, const struct wire_read *r, bool outgoing)
{
	uint16_t ours = outgoing ? r->source_port : r->destination_port;
	uint16_t theirs = outgoing ? r->destination_port : r->source_port;

	if (!ip_addr_equal(&t->local, outgoing ? &r->src : &r->dst) ||
		!ip_addr_equal(&t->remote, outgoing ? &r->dst : &r->src))
		return false;
	if (t->encap == L2TP_ENCAP_IP)
		return r->proto == PROTO_L2TP;
	return r->proto == PROTO_UDP && t->source_port == ours && t->destination_port == theirs;
}

/* L2TP between a tunnel's addresses, which fits no tunnel. */
static void note_alien(struct observations *f, const struct wire_read *r)
{
	struct observed_alien alien = { .seen = true,
		.encap = r->proto == PROTO_UDP ? L2TP_ENCAP_UDP : L2TP_ENCAP_IP,
		.source_port = r->source_port,
		.destination_port = r->destination_port };

	for (size_t i = 0; i < f->n_sessions; i++) {
		const struct status_tunnel *t =
			observed_tunnel_of(&f->before, &f->before.sessions[i]);

		if (t && ip_addr_equal(&t->remote, &r->src) && ip_addr_equal(&t->local, &r->dst))
			f->sessions[i].alien = alien;
	}
}

/* The frame of a session that has come in, or its first fragment. */
static void count_in(struct observed_inside *in, const struct status_session *s,
	const struct wire_read *r, struct rest rest)
{
	uint32_t word;

	in->fragmented_in += r->fragment;
	if (rest.left < s->peer_cookie_len + 4U)
		return;
	rest = (struct rest){ rest.at + s->peer_cookie_len, rest.left - s->peer_cookie_len };
	word = load_be32(rest.at);
	if (s->options.sublayer != L2TP_SUBLAYER_DEFAULT) {
		in->sublayer_suspected += l2tp_looks_like_sublayer(rest.at, rest.left);
		return;
	}
	in->sublayer_suspected += l2tp_looks_like_frame(word);
	in->with_sequence += (word & SEQUENCE_PRESENT) != 0;
	in->without_sequence += !(word & SEQUENCE_PRESENT);
}

/* A packet of the tunnel with a session id. Return: whether it is that of a session. */
static bool count_of_tunnel(struct observations *f, const struct status_tunnel *t, uint32_t id,
	const struct wire_read *r, const struct rest *rest, bool outgoing)
{
	for (size_t i = 0; i < f->n_sessions; i++) {
		const struct status_session *s = &f->before.sessions[i];

		if (s->tunnel_id != t->tunnel_id ||
			id != (outgoing ? s->peer_session_id : s->session_id))
			continue;
		if (outgoing)
			f->sessions[i].inside.fragmented_out += r->fragment;
		else
			count_in(&f->sessions[i].inside, s, r, *rest);
		return true;
	}
	return outgoing;
}

static void count_unknown(struct observations *f, const struct status_tunnel *t, uint32_t id)
{
	for (size_t i = 0; i < f->n_sessions; i++)
		if (f->before.sessions[i].tunnel_id == t->tunnel_id) {
			f->sessions[i].inside.unknown_sessions++;
			f->sessions[i].inside.last_unknown_session = id;
		}
}

void inside_count(struct observations *f, const struct wire_read *r, bool outgoing)
{
	bool matched = false;
	struct rest rest;
	uint32_t id;

	if (!read_id(r, &id, &rest))
		return;
	for (size_t i = 0; i < f->before.tunnels_len; i++) {
		const struct status_tunnel *t = &f->before.tunnels[i];

		if (!is_of_tunnel(t, r, outgoing))
			continue;
		matched = true;
		if (!count_of_tunnel(f, t, id, r, &rest, outgoing))
			count_unknown(f, t, id);
	}
	if (!matched && !outgoing)
		note_alien(f, r);
}

static void fill(uint64_t *counter, uint64_t seen)
{
	if (*counter == STATUS_ABSENT)
		*counter = seen;
}

/* A frame with another cookie than ours is misread behind it. */
static bool is_misread(const struct status_session *before, const struct status_session *s)
{
	return s->wrong_cookie != STATUS_ABSENT && s->wrong_cookie > before->wrong_cookie;
}

static void fill_session(const struct observed_inside *in, const struct status_session *before,
	struct status_session *s)
{
	bool misread = is_misread(before, s);

	fill(&s->fragmented, in->fragmented_out);
	fill(&s->reassembled, in->fragmented_in);
	fill(&s->sublayer_suspected, misread ? 0 : in->sublayer_suspected);
	fill(&s->with_sequence, misread ? 0 : in->with_sequence);
	fill(&s->without_sequence, misread ? 0 : in->without_sequence);
}

void inside_fill(const struct observations *f, struct status_report *r)
{
	for (size_t i = 0; i < f->n_sessions && i < r->sessions_len; i++) {
		const struct observed_inside *in = &f->sessions[i].inside;

		fill_session(in, &f->before.sessions[i], &r->sessions[i]);
		for (size_t t = 0; t < r->tunnels_len; t++) {
			struct status_tunnel *tunnel = &r->tunnels[t];

			if (tunnel->tunnel_id != r->sessions[i].tunnel_id ||
				tunnel->unknown_sessions != STATUS_ABSENT)
				continue;
			tunnel->unknown_sessions = in->unknown_sessions;
			tunnel->last_unknown_session = in->last_unknown_session;
		}
	}
}
