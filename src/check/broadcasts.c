/* SPDX-License-Identifier: MIT */
/* Whether broadcasts of hosts behind a pseudowire arrive here. */
#include "check/broadcasts.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define CALLS_MAX  3   /* hosts to ask behind a session */
#define CANDIDATES 7   /* unused addresses to try */
#define UNUSED_MS  150 /* an address is unused if no host answers for so long */
#define TRIES	   3
#define TRY_MS	   1100 /* Linux repeats its ARP requests after a second */

/** A host that is asked. */
struct call {
	struct port *port;
	const struct observed_station *station;
	struct ip_prefix subnet;
	struct ip_addr from; /* the address that seems to be unused */
	unsigned tried;	     /* candidates so far */
	bool used;	     /* a host has it */
	bool done;	     /* its broadcast has arrived */
};

struct calls {
	struct call *v;
	size_t n;
};

/* ---- whom to ask ---- */

static const struct ip_prefix *subnet_of(const struct port *port, const struct ip_addr *a)
{
	for (size_t i = 0; i < port->n_ip4; i++)
		if (ip_prefix_contains(&port->ip4[i], a) && port->ip4[i].len <= 29)
			return &port->ip4[i];
	return NULL;
}

/* A host behind a session that answered every echo request: what is lost now is not by chance. */
static bool can_call(const struct observations *f, const struct observed_station *s)
{
	if (f->target.family && !ip_addr_equal(&f->target, &s->ip4))
		return false;
	return !s->gateway && s->ip4.family && !s->tcp_port && s->echo.sent &&
	       s->echo.received == s->echo.sent;
}

static void add_calls(struct segment *s, struct calls *c)
{
	for (size_t i = 0; i < s->n; i++) {
		struct port *port = &s->ports[i];
		unsigned left = CALLS_MAX;

		if (!port->session || !*port->facts->bridge || !segment_is_usable(port))
			continue;
		for (unsigned n = 0; left && n < port->facts->n_stations && n < OBSERVED_STATIONS;
			n++) {
			const struct observed_station *to = &port->facts->stations[n];
			const struct ip_prefix *subnet = subnet_of(port, &to->ip4);

			if (!subnet || !can_call(s->prober->facts, to))
				continue;
			c->v[c->n++] =
				(struct call){ .port = port, .station = to, .subnet = *subnet };
			left--;
		}
	}
}

/* ---- what comes ---- */

static void watch(
	void *ctx, struct port *port, bool outgoing, enum wire_kind kind, const struct wire_read *r)
{
	struct calls *calls = ctx;

	for (size_t i = 0; i < calls->n && !outgoing; i++) {
		struct call *c = &calls->v[i];
		bool same = c->port == port && ip_addr_equal(&r->src, &c->station->ip4);

		if (kind == WIRE_ARP_REPLY)
			c->used |= ip_addr_equal(&r->src, &c->from);
		else if (kind == WIRE_ARP_REQUEST) /* by any address of it, or by its router */
			c->done |= c->port == port && ip_addr_equal(&r->target, &c->from) &&
				   memcmp(r->src_mac, port->mac, LINK_MAC_LEN) != 0;
		else if (kind == WIRE_ECHO_REPLY) /* it need not look for the address */
			c->done |= same && ip_addr_equal(&r->dst, &c->from);
	}
}

/* Whether a call needs no answer any more: one host of a port is enough. */
static bool is_settled(const struct calls *calls, const struct call *c)
{
	for (size_t i = 0; i < calls->n; i++)
		if (calls->v[i].port == c->port && calls->v[i].done)
			return true;
	return c->used;
}

static bool all_settled(const void *ctx)
{
	const struct calls *calls = ctx;

	for (size_t i = 0; i < calls->n; i++)
		if (!is_settled(calls, &calls->v[i]))
			return false;
	return true;
}

/* ---- sending ---- */

/* The next address: one near that of the host, which may have a longer prefix than the bridge, and
 * makes no broadcast for an address outside of it. Return: whether there is one. */
static bool next_candidate(struct call *c)
{
	uint32_t hosts = UINT32_MAX >> c->subnet.len;
	uint32_t from;

	if (c->tried >= CANDIDATES)
		return false;
	c->tried++;
	from = load_be32(c->station->ip4.bytes) ^ c->tried;
	c->from = (struct ip_addr){ .family = AF_INET };
	store_be32(c->from.bytes, from);
	c->used = ip_addr_equal(&c->from, &c->subnet.addr) || !(from & 0xff) ||
		  (from & 0xff) == 0xff || !(from & hosts) || (from & hosts) == hosts;
	return true;
}

/* Ask on all ports of the bridge who has the address (RFC 5227: without one of our own). */
static void ask_for(struct segment *s, const struct call *c)
{
	struct wire_ends ends = { .src = { .family = AF_INET }, .dst = c->from };
	uint8_t frame[WIRE_ARP_LEN];

	for (size_t i = 0; i < s->n; i++) {
		struct port *port = &s->ports[i];

		if (strcmp(port->facts->bridge, c->port->facts->bridge) != 0 ||
			!segment_is_usable(port))
			continue;
		memcpy(ends.src_mac, port->mac, LINK_MAC_LEN);
		wire_arp_request(&ends, frame);
		segment_send(port, frame, sizeof(frame));
	}
}

static void find_unused(struct segment *s, struct calls *calls)
{
	bool more = true;

	for (unsigned round = 0; more && round < CANDIDATES; round++) {
		more = false;
		for (size_t i = 0; i < calls->n; i++) {
			struct call *c = &calls->v[i];

			if (c->tried && !c->used)
				continue;
			more = next_candidate(c) || more;
			if (!c->used)
				ask_for(s, c);
		}
		if (more)
			prober_wait(s->prober, UNUSED_MS, NULL, NULL);
	}
}

static void call(struct call *c)
{
	struct prober *p = c->port->segment->prober;
	struct wire_ends ends = { .src = c->from, .dst = c->station->ip4 };
	size_t len;

	memcpy(ends.src_mac, c->port->mac, LINK_MAC_LEN);
	memcpy(ends.dst_mac, c->station->mac, LINK_MAC_LEN);
	len = wire_echo_frame(&ends, &p->mark, prober_number(p), SEGMENT_SMALL, p->out);
	segment_send_numbered(c->port, len);
}

static void call_all(struct segment *s, struct calls *calls)
{
	find_unused(s, calls);
	for (unsigned try = 0; try < TRIES && !all_settled(calls) && !prober_is_late(s->prober);
		try++) {
		for (size_t i = 0; i < calls->n; i++)
			if (!is_settled(calls, &calls->v[i]))
				call(&calls->v[i]);
		prober_wait(s->prober, TRY_MS, all_settled, calls);
	}
}

void broadcasts_ask(struct segment *s)
{
	struct calls calls = { .v = calloc(s->n * CALLS_MAX + 1, sizeof(*calls.v)) };

	if (!calls.v)
		return;
	add_calls(s, &calls);
	s->watch = watch;
	s->watch_ctx = &calls;
	call_all(s, &calls);
	s->watch = NULL;
	s->watch_ctx = NULL;
	for (size_t i = 0; i < calls.n && !prober_is_late(s->prober); i++) {
		const struct call *c = &calls.v[i];

		if (c->used)
			continue;
		c->port->facts->caller = c->station->ip4;
		c->port->facts->called |= c->done;
	}
	free(calls.v);
}
