/* SPDX-License-Identifier: MIT */
/* Sets of kinds of frames between members, and their words. */
#include "judge/kinds.h"

#include <stdio.h>

#include "base/bytes.h"

void kinds_text(unsigned kinds, unsigned large, char ret[static KINDS_LEN])
{
	static const char *const words[] = { "ARP", "neighbour discovery", "IPv4", "IPv6",
		"TCP over IPv4", "UDP over IPv4", "TCP over IPv6", "UDP over IPv6",
		"packets marked EF", "fragments", "multicasts of IPv4", "broadcasts of IPv4",
		"frames with a VLAN tag" };
	unsigned both = kinds & kinds >> (OBSERVED_TCP6 - OBSERVED_TCP) & (KINDS_TCP | KINDS_UDP);
	size_t len = 0;

	_Static_assert(ARRAY_LEN(words) == OBSERVED_LARGE, "every small kind has a word");
	ret[0] = 0;
	if (kinds & 1U << OBSERVED_IP6)
		kinds &= ~(1U << OBSERVED_ND);
	kinds &= ~(both << (OBSERVED_TCP6 - OBSERVED_TCP));
	for (unsigned k = 0; k < OBSERVED_KINDS; k++) {
		const char *joint = !len ? "" : kinds >> (k + 1) ? ", " : " and ";

		if (!(kinds & 1U << k))
			continue;
		if (k >= OBSERVED_LARGE)
			len += (size_t)snprintf(ret + len, KINDS_LEN - len,
				"%spackets of %u bytes%s", joint, large,
				k == OBSERVED_LARGE6 ? " over IPv6" : "");
		else
			len += (size_t)snprintf(ret + len, KINDS_LEN - len, "%s%.*s", joint,
				both & 1U << k ? 3 : KINDS_LEN, words[k]);
	}
}

unsigned kinds_without_carried(unsigned kinds)
{
	if (kinds & KINDS_IP4)
		kinds &= ~(KINDS_TCP | KINDS_UDP | KINDS_SPECIAL);
	if (kinds & KINDS_IP6)
		kinds &= ~(KINDS_TCP6 | KINDS_UDP6 | KINDS_EXPEDITED | KINDS_TAGGED);
	if (kinds & KINDS_LARGE)
		kinds &= ~KINDS_LARGE6;
	if (kinds & KINDS_UDP)
		kinds &= ~(KINDS_MULTICAST | KINDS_BROADCAST);
	if (kinds & 1U << OBSERVED_ARP)
		kinds &= ~KINDS_BROADCAST;
	if (kinds & 1U << OBSERVED_ND)
		kinds &= ~KINDS_MULTICAST;
	return kinds;
}
