/* SPDX-License-Identifier: MIT */
/* Sets of kinds of frames between members, and their words. */
#pragma once

#include "judge/observations.h"

#define KINDS_LEN 160

#define KINDS_IP4  (1U << OBSERVED_IP4)
#define KINDS_IP6  (1U << OBSERVED_IP6)
#define KINDS_TCP  (1U << OBSERVED_TCP)
#define KINDS_UDP  (1U << OBSERVED_UDP)
#define KINDS_TCP6 (1U << OBSERVED_TCP6)
#define KINDS_UDP6 (1U << OBSERVED_UDP6)

/** Write a list of kinds, "ARP, IPv4 and packets of 1500 bytes". IPv6 includes neighbour discovery,
 * and TCP without a version is that over both. `large`: bytes of a large packet. */
void kinds_text(unsigned kinds, unsigned large, char ret[static KINDS_LEN]);

/** The kinds without those that are carried by others of them: of IP, not TCP and UDP. */
unsigned kinds_without_carried(unsigned kinds);
