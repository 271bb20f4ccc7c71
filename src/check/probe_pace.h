/* SPDX-License-Identifier: MIT */
/* Which addresses the searches ask for, and how fast: pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

#define PROBE_BURST	 16 /* frames on all ports together, then a wait: a switch queues few */
#define PROBE_BURST_MS	 1
#define PROBE_SLOW_BURST 3 /* frames on one port: 300 a second, which most limits let pass */
#define PROBE_SLOW_MS	 10
#define PROBE_ECHOS	 20 /* of a session that loses none */
#define PROBE_ECHO_MS	 10
#define PROBE_LOSSY_MS	 30 /* after a loss: hosts may limit their replies, as to 50 a second */

/** The pace of a search that asks on many ports in turns. Zero is the start; `slow` is set by the
 * caller. */
struct probe_pace {
	bool slow;
	unsigned all;  /* frames on all ports since the last wait */
	unsigned turn; /* most frames on one port in this turn */
	unsigned port; /* and in the turns before, since the last long wait */
};

/** Note the frames that were sent on one port in a turn. Return: milliseconds to wait now. */
unsigned probe_pace_note(struct probe_pace *p, unsigned frames);

/** End a turn. Return: milliseconds to wait now. */
unsigned probe_pace_end_turn(struct probe_pace *p);

/** What the `i`th request of a search asks for. */
enum probe_pace_target {
	PROBE_END,     /* the subnet has no further address, or is too large to search */
	PROBE_NOTHING, /* the subnet's own address, or its broadcast address */
	PROBE_OURS,    /* an address of the bridge */
	PROBE_HOST,
};

/** The `i`th address, from 0, of a subnet in which the bridge has subnet->addr. Subnets of more
 * than 1024 addresses are not searched, nor those of one (VRRP). */
enum probe_pace_target probe_pace_address(
	const struct ip_prefix *subnet, uint32_t i, struct ip_addr *ret);

/** The number of hosts of a subnet in which switches are looked for, which are the first ones; 0 if
 * it has more than 254 or holds no other host. */
uint32_t probe_pace_hosts(const struct ip_prefix *subnet);

/** Milliseconds after the `round`th echo request to a session, from 0. */
unsigned probe_pace_echo_ms(unsigned round);
