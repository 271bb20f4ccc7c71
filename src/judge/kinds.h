/* SPDX-License-Identifier: MIT */
/* Sets of kinds of frames between members, and their words. */
#pragma once

#include "judge/observations.h"

#define KINDS_LEN 240

#define KINDS_ARP  (1U << OBSERVED_ARP)
#define KINDS_ND   (1U << OBSERVED_ND)
#define KINDS_IP4  (1U << OBSERVED_IP4)
#define KINDS_IP6  (1U << OBSERVED_IP6)
#define KINDS_TCP  (1U << OBSERVED_TCP)
#define KINDS_UDP  (1U << OBSERVED_UDP)
#define KINDS_TCP6 (1U << OBSERVED_TCP6)
#define KINDS_UDP6 (1U << OBSERVED_UDP6)

#define KINDS_LARGE	(1U << OBSERVED_LARGE)
#define KINDS_LARGE6	(1U << OBSERVED_LARGE6)
#define KINDS_EXPEDITED (1U << OBSERVED_EXPEDITED)
#define KINDS_PIECES	(1U << OBSERVED_PIECES)
#define KINDS_MULTICAST (1U << OBSERVED_MULTICAST)
#define KINDS_BROADCAST (1U << OBSERVED_BROADCAST)
#define KINDS_TAGGED	(1U << OBSERVED_TAGGED)

/* Frames that differ from the usual ones in one respect. */
#define KINDS_SPECIAL                                                                              \
	(KINDS_EXPEDITED | KINDS_PIECES | KINDS_MULTICAST | KINDS_BROADCAST | KINDS_TAGGED)

/** Write a list of kinds, "ARP, IPv4 and packets of 1500 bytes". IPv6 includes neighbour discovery,
 * and TCP without a version is that over both. `large`: bytes of a large packet. */
void kinds_text(unsigned kinds, unsigned large, char ret[static KINDS_LEN]);

/** The kinds without those that others of them carry, or that are lost for the same reason: with
 * IP, not TCP, UDP and special frames; with ARP, no broadcasts. */
unsigned kinds_without_carried(unsigned kinds);
