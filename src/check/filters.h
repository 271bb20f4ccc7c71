/* SPDX-License-Identifier: MIT */
/* Lists what is configured on this host that sees bridged frames and may drop them. */
#pragma once

#include "check/prober.h"

/** Add the base chains of nftables, the filter tables of iptables-legacy, and tc's and XDP's
 * programs on the ports of the facts. What cannot be read is left out. */
void filters_look(struct prober *p);

/** The number of packets that the reverse-path filter has dropped (IPReversePathFilter in
 * /proc/net/netstat); 0 if it is not counted. */
uint64_t filters_count_rp_filter(void);

/** The number of packets that connection tracking has dropped, as it does where its table is full
 * (drop in /proc/net/stat/nf_conntrack); 0 if there is none. */
uint64_t filters_count_untracked(void);
