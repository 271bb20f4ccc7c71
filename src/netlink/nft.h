/* SPDX-License-Identifier: MIT */
/* nfnetlink messages about tables of nftables. */
#pragma once

#include "base/must_check.h"
#include "netlink/exchange.h"
#include "netlink/msg.h"

/** Request one table of a family (AF_INET or AF_INET6), over a socket of nl_socket_open_filter();
 * -ENOENT if there is none. Return: `m`. */
struct nl_msg *nft_encode_get_table(struct nl_msg *m, uint16_t family, const char *name);

/** Delete a table of a family, with all that is in it; in a transaction, see nft_delete_table().
 * -ENOENT if there is none. */
struct nl_msg *nft_encode_delete_table(struct nl_msg *m, uint16_t family, const char *name);

/**
 * Delete a table of a family (AF_INET, AF_INET6, AF_BRIDGE), without nft and its library. Return:
 * 0, also if there is none, or no nf_tables in this kernel; or -errno.
 */
MUST_CHECK int nft_delete_table(uint16_t family, const char *name);
