/* SPDX-License-Identifier: MIT */
/* Looks for the hosts of a segment: asks for all addresses of its subnets, and all IPv6 nodes. */
#pragma once

#include "check/segment.h"

/** Find hosts on the sides of all usable ports. The user's target is asked for on every session. */
void sweep_find_hosts(struct segment *s);
