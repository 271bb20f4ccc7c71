/* SPDX-License-Identifier: MIT */
/* The index of an interface from its name and back, by sockets of rtnetlink only. */
#pragma once

#include <net/if.h>
#include <stdint.h>

/**
 * As if_nametoindex(3) and if_indextoname(3), which open a Unix socket: a confined process may open
 * only one of rtnetlink. Return: the index, or 0 if there is no such interface.
 */
uint32_t ifindex_of(const char *name);

/** Write the name of an interface into `ret`, which is unchanged if there is no such interface. */
void ifindex_name(uint32_t ifindex, char ret[static IF_NAMESIZE]);
