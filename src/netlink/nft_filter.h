/* SPDX-License-Identifier: MIT */
/* The filter that a default route through a tunnel needs, as messages of one nf_tables transaction.
 *
 * Theory of operation. Three chains. `preraw` drops packets to the tunnel's addresses that come
 * from other interfaces and are not of this host: hosts on the underlay must not reach them.
 * `premangle` and `postmangle` store the mark of the tunnel's own datagrams in their connection,
 * and give it to the replies, so that reverse-path filters look up their source in the right
 * table.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "netlink/msg.h"

/** What the filter is made of. Strings and addresses are borrowed. */
struct nft_filter {
	const char *table;
	uint16_t family;	     /* AF_INET or AF_INET6 */
	const char *ifname;	     /* of the tunnel */
	const struct ip_addr *addrs; /* of the tunnel, all of `family` */
	size_t n_addrs;
	uint32_t mark;		/* of the tunnel's own datagrams */
	const char *note_chain; /* an empty chain without a hook that is added; NULL: none */
};

/** How many messages nft_filter_encode() makes. */
size_t nft_filter_count(const struct nft_filter *f);

/** Encode the transaction that makes the filter, or replaces the table of its name:
 * nft_filter_count() messages, for nft_table_apply(). */
void nft_filter_encode(const struct nft_filter *f, struct nl_msg *ret);
