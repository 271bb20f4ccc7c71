/* SPDX-License-Identifier: MIT */
/* nfnetlink messages about tables of nftables. */
#pragma once

#include "netlink/msg.h"

/** Start a message of nf_tables: `type` is one of enum nf_tables_msg_types. */
void nft_start(struct nl_msg *m, uint16_t type, uint16_t flags, uint16_t family);

/** Request one table of a family (AF_INET or AF_INET6), over a socket of nl_socket_open_filter();
 * -ENOENT if there is none. Return: `m`. */
struct nl_msg *nft_encode_get_table(struct nl_msg *m, uint16_t family, const char *name);

/** Request all tables of a family. Return: `m`. */
struct nl_msg *nft_encode_dump_tables(struct nl_msg *m, uint16_t family);

/** Request all chains of a family, of all tables. Return: `m`. */
struct nl_msg *nft_encode_dump_chains(struct nl_msg *m, uint16_t family);

/** Request the rules of a table. Return: `m`. */
struct nl_msg *nft_encode_dump_rules(struct nl_msg *m, uint16_t family, const char *table);

/** Request the number that each transaction of the network namespace increments. Return: `m`. */
struct nl_msg *nft_encode_get_generation(struct nl_msg *m);

/** Delete a table of a family, with all that is in it; within a transaction. -ENOENT if there is
 * none. */
struct nl_msg *nft_encode_delete_table(struct nl_msg *m, uint16_t family, const char *name);

/** Begin or end a transaction: `type` is NFNL_MSG_BATCH_BEGIN or NFNL_MSG_BATCH_END. */
struct nl_msg *nft_encode_batch(struct nl_msg *m, uint16_t type);
