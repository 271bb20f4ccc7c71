/* SPDX-License-Identifier: MIT */
/* nfnetlink messages about tables of nftables. */
#pragma once

#include "netlink/msg.h"

/** Request one table of a family (AF_INET or AF_INET6), over a socket of nl_socket_open_filter();
 * -ENOENT if there is none. Return: `m`. */
struct nl_msg *nft_encode_get_table(struct nl_msg *m, uint16_t family, const char *name);
