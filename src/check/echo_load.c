/* SPDX-License-Identifier: MIT */
/* A load of echo requests: which frames are outstanding, and how many may be. */
#include "check/echo_load.h"

static unsigned distance(uint16_t from, uint16_t to)
{
	return (unsigned)(to - from) & (LOAD_NUMBERS - 1);
}

unsigned load_outstanding(const struct load *load)
{
	return distance(load->newest, load->last);
}

void load_take(struct load *load, uint16_t seq, uint64_t us)
{
	load->received++;
	if (us < load->grow_us && load->window < load->window_max)
		load->window += load->every;
	if (distance(load->newest, seq) <= load_outstanding(load))
		load->newest = seq;
}
