/* SPDX-License-Identifier: MIT */
/* Looks for the hosts of a segment: asks for all addresses of its subnets, and all IPv6 nodes. */
#include "check/sweep.h"

#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "check/probe_pace.h"

#define ROUNDS	      4
#define SLOW_ROUNDS   2	   /* where frames are paced */
#define LATE_ROUNDS   6	   /* wait for IPv6 of hosts whose links have just come up */
#define TRYING_ROUNDS 14   /* the same while one is seen to try its address */
#define TRYING_MS     2500 /* so often it asks */
#define ROUND_MS      500
#define SLOW_ALL_MS   5000 /* for the 1024 addresses of the largest subnet, and delays */
#define GATHER_MS     200  /* wait for more hosts after the first replies */

/* The number of hosts that prove what passes on a port: behind a pseudowire one is the gateway. */
static unsigned wanted_of(const struct port *port)
{
	return port->session ? 2 : 1;
}

/* Whether enough hosts are known on a port. */
static bool is_complete(const struct port *port)
{
	const struct ip_addr *target = &port->segment->prober->facts->target;

	if (!segment_is_usable(port))
		return true;
	return port->facts->n_stations >= wanted_of(port) && !target->family;
}

static bool all_complete(const void *ctx)
{
	const struct segment *s = ctx;

	for (size_t i = 0; i < s->n; i++)
		if (!is_complete(&s->ports[i]))
			return false;
	return true;
}

/* Whether every port has as many hosts as are needed, with IPv4 where the bridge has it. */
static bool is_enough(const struct segment *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct port *port = &s->ports[i];
		unsigned n = 0;

		for (unsigned k = 0; k < port->facts->n_stations && k < OBSERVED_STATIONS; k++)
			n += port->facts->stations[k].ip4.family != 0;
		if (port->n_ip4 && segment_is_usable(port) && n < wanted_of(port))
			return false;
	}
	return all_complete(s);
}

/* Ask whether another host has an address of the bridge, as a host does before it takes one (RFC
 * 5227): without a sender, so that no neighbour cache changes. */
static void ask_ours(struct port *port, const struct ip_addr *ours)
{
	struct prober *p = port->segment->prober;
	struct wire_ends ends = { .dst = *ours };

	memcpy(ends.src_mac, port->mac, LINK_MAC_LEN);
	memset(ends.dst_mac, 0xff, LINK_MAC_LEN);
	segment_send(port, p->out, wire_arp_probe(&ends, &p->mark, WIRE_ARP_LEN - 14, p->out));
}

/* Send the `i`th request of a sweep of a subnet, and count it. Return: whether there are more. */
static bool sweep_step(
	struct port *port, const struct ip_prefix *subnet, uint32_t i, unsigned *sent)
{
	struct ip_addr who;

	switch (probe_pace_address(subnet, i, &who)) {
	case PROBE_END:
		return false;
	case PROBE_NOTHING:
		break;
	case PROBE_OURS:
		ask_ours(port, &who);
		++*sent;
		break;
	case PROBE_HOST:
		segment_ask_arp(port, &who);
		++*sent;
		break;
	}
	return true;
}

/* Send the `step`th request of each sweep of a port. Return: whether there are more. */
static bool sweep_port(struct port *port, uint32_t step, unsigned *sent)
{
	struct segment *s = port->segment;
	bool more = false;

	if (!segment_is_usable(port))
		return false;
	for (size_t n = 0; n < port->n_ip4; n++)
		more |= sweep_step(port, &port->ip4[n], step, sent);
	if (step < s->n_learned && segment_share_bridge(port, s->learned[step].port)) {
		segment_ask_arp(port, &s->learned[step].addr);
		++*sent;
	}
	return more || step + 1 < s->n_learned;
}

static void wait_ms(struct segment *s, unsigned ms)
{
	if (ms)
		prober_wait(s->prober, ms, NULL, NULL);
}

/** Which ports a turn is for; NULL: all. */
typedef bool wants_fn(const struct port *port);

/* Send the `step`th requests on all ports. Return: whether there are more. */
static bool sweep_turn(struct segment *s, struct probe_pace *pace, uint32_t step, wants_fn *wants)
{
	bool more = false;

	for (size_t i = 0; i < s->n; i++) {
		unsigned sent = 0;

		if (wants && !wants(&s->ports[i]))
			continue;
		more |= sweep_port(&s->ports[i], step, &sent);
		wait_ms(s, probe_pace_note(pace, sent));
	}
	wait_ms(s, probe_pace_end_turn(pace));
	return more;
}

static void ask_target(struct port *port)
{
	const struct ip_addr *target = &port->segment->prober->facts->target;

	if (!port->session || !target->family)
		return;
	port->asked = *target;
	if (target->family == AF_INET)
		segment_ask_arp(port, target);
	else
		segment_ask_ip6(port, target);
}

static bool is_incomplete(const struct port *port)
{
	return !is_complete(port);
}

/* Ask for all hosts; after the first round, only on ports where some are missing. */
static void send_requests(struct segment *s, unsigned round)
{
	struct probe_pace pace = { 0 };
	bool more = true;

	for (size_t i = 0; i < s->n; i++) {
		if (is_complete(&s->ports[i]))
			continue;
		ask_target(&s->ports[i]);
		segment_ask_ip6(&s->ports[i], NULL);
		s->ports[i].facts->probed = true;
	}
	for (uint32_t step = 0; more && !prober_is_late(s->prober); step++) {
		if (s->prober->byte_ns && is_enough(s))
			break; /* the path is slow */
		more = sweep_turn(s, &pace, step, round ? is_incomplete : NULL);
	}
}

/* Hosts that have answered with an IPv6 address, or with a `link_local` one. */
static unsigned count_ip6(const struct port *port, bool link_local)
{
	unsigned n = 0;

	for (unsigned k = 0; k < port->facts->n_stations && k < OBSERVED_STATIONS; k++) {
		const struct ip_addr *a = &port->facts->stations[k].ip6;

		n += a->family && (!link_local || ip_addr_is_link_local(a));
	}
	return n;
}

/* Whether members on a port have not answered with the IPv6 address that all hosts have, and those
 * on another one of its bridge have IPv6. */
static bool lacks_ip6(const struct segment *s, const struct port *port)
{
	bool link_local = !s->prober->facts->target.family;

	if (!segment_is_usable(port) || port->facts->n_stations < wanted_of(port) ||
		count_ip6(port, link_local) >= wanted_of(port))
		return false;
	for (size_t i = 0; i < s->n; i++)
		if (&s->ports[i] != port && segment_share_bridge(&s->ports[i], port) &&
			count_ip6(&s->ports[i], false) >= wanted_of(&s->ports[i]))
			return true;
	return false;
}

static bool none_lacks_ip6(const void *ctx)
{
	const struct segment *s = ctx;

	for (size_t i = 0; i < s->n; i++)
		if (lacks_ip6(s, &s->ports[i]))
			return false;
	return true;
}

/* Whether hosts of a port are missing, or their IPv4 addresses are. */
static bool lacks_ip4(const struct port *port)
{
	unsigned n = 0;

	if (!segment_is_usable(port) || !port->n_ip4)
		return false;
	for (unsigned k = 0; k < port->facts->n_stations && k < OBSERVED_STATIONS; k++)
		n += port->facts->stations[k].ip4.family != 0;
	return n < wanted_of(port);
}

static bool none_lacks_ip4(const void *ctx)
{
	const struct segment *s = ctx;

	for (size_t i = 0; i < s->n; i++)
		if (lacks_ip4(&s->ports[i]))
			return false;
	return true;
}

/* A switch or a filter may limit the rate of broadcasts, and have dropped most of ours. The pauses
 * are for the pace: the caller waits for the replies, once. */
static void sweep_slowly(struct segment *s)
{
	struct mono end = mono_add(clock_mono(), SLOW_ALL_MS * NS_PER_MS);
	struct probe_pace pace = { .slow = true };
	bool more = true;

	for (uint32_t step = 0; more && !none_lacks_ip4(s) && !prober_is_late(s->prober); step++) {
		if (mono_reached(end, clock_mono()))
			break;
		more = sweep_turn(s, &pace, step, lacks_ip4);
	}
}

/* Whether a host of a port that lacks IPv6 has just asked whether its address is in use. */
static bool is_trying(const struct segment *s)
{
	struct mono now = clock_mono();

	for (size_t i = 0; i < s->n; i++)
		if (lacks_ip6(s, &s->ports[i]) && mono_is_set(s->ports[i].trying) &&
			mono_between(s->ports[i].trying, now) < TRYING_MS * NS_PER_MS)
			return true;
	return false;
}

/* A host does not use its IPv6 addresses until duplicate address detection has ended: one or two
 * seconds after its link came up, with the site perhaps; later if the host is busy, or set to ask
 * more than once. */
static void await_ip6(struct segment *s)
{
	for (unsigned round = 0; round < TRYING_ROUNDS && !none_lacks_ip6(s); round++) {
		if (prober_is_late(s->prober) || (round >= LATE_ROUNDS && !is_trying(s)))
			return;
		for (size_t i = 0; i < s->n; i++)
			if (lacks_ip6(s, &s->ports[i]))
				segment_ask_ip6(&s->ports[i], NULL);
		prober_wait(s->prober, ROUND_MS, none_lacks_ip6, s);
	}
}

void sweep_find_hosts(struct segment *s)
{
	unsigned rounds = s->prober->byte_ns ? SLOW_ROUNDS : ROUNDS;

	s->finding = true;
	for (unsigned round = 0; round < rounds && !prober_is_late(s->prober); round++) {
		if (round && all_complete(s))
			break;
		send_requests(s, round);
		prober_wait(s->prober, ROUND_MS, all_complete, s);
	}
	if (!s->prober->byte_ns && !s->prober->facts->target.family)
		sweep_slowly(s);
	await_ip6(s);
	/* two round trips more: a host with IPv6 asks for our address before it answers */
	prober_wait(
		s->prober, GATHER_MS + (unsigned)(2 * s->prober->rtt_ns / NS_PER_MS), NULL, NULL);
	s->finding = false;
}
