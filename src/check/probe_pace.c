/* SPDX-License-Identifier: MIT */
/* Which addresses the searches ask for, and how fast: pure. */
#include "check/probe_pace.h"

#include <sys/socket.h>

#include "base/bytes.h"

#define SEARCHED_BITS 10 /* host bits of the largest subnet to search */
#define LEAST_LEN     24 /* of a subnet in which switches are looked for */
#define MOST_LEN      30 /* longer prefixes hold no host but the bridge, or a single one */

unsigned probe_pace_note(struct probe_pace *p, unsigned frames)
{
	p->all += frames;
	if (frames > p->turn)
		p->turn = frames;
	if (p->all < PROBE_BURST)
		return 0;
	p->all = 0;
	return PROBE_BURST_MS;
}

unsigned probe_pace_end_turn(struct probe_pace *p)
{
	unsigned ms = p->port + p->turn;

	p->port = ms;
	p->turn = 0;
	if (!p->slow || p->port < PROBE_SLOW_BURST)
		return 0;
	ms = (p->port * PROBE_SLOW_MS + PROBE_SLOW_BURST - 1) / PROBE_SLOW_BURST;
	p->port = p->all = 0;
	return ms;
}

enum probe_pace_target probe_pace_address(
	const struct ip_prefix *subnet, uint32_t i, struct ip_addr *ret)
{
	unsigned bits = 32U - subnet->len;
	uint32_t ours = load_be32(subnet->addr.bytes);
	uint32_t address;

	if (bits > SEARCHED_BITS || bits < 1 || i >> bits)
		return PROBE_END;
	address = (ours & ~((1U << bits) - 1)) + i;
	*ret = (struct ip_addr){ .family = AF_INET };
	store_be32(ret->bytes, address);
	if (address == ours)
		return PROBE_OURS;
	return bits > 1 && (i == 0 || i == (1U << bits) - 1) ? PROBE_NOTHING : PROBE_HOST;
}

uint32_t probe_pace_hosts(const struct ip_prefix *subnet)
{
	if (subnet->len < LEAST_LEN || subnet->len > MOST_LEN)
		return 0;
	return (UINT32_MAX >> subnet->len) - 1;
}

unsigned probe_pace_echo_ms(unsigned round)
{
	return round < PROBE_ECHOS ? PROBE_ECHO_MS : PROBE_LOSSY_MS;
}
