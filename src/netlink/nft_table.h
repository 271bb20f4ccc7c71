/* SPDX-License-Identifier: MIT */
/* Tables of nftables: make, query, compare and delete, without nft and its library. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/must_check.h"
#include "netlink/msg.h"

/** Apply a transaction of `n` messages, its begin and end included: all or nothing. Return: 0; or
 * -errno with `ret_error` filled, and its hint may be empty. */
MUST_CHECK int nft_table_apply(struct nl_msg *v, size_t n, struct error *ret_error);

/** Delete a table of a family. Return: 0, also if there is none, or no nf_tables in this kernel; or
 * -errno. */
MUST_CHECK int nft_table_delete(uint16_t family, const char *name);

/** What a table had in it when it was made. Zero: not known. */
struct nft_table_mark {
	uint64_t content;    /* a hash of its flags, base chains and rules */
	uint32_t generation; /* of nf_tables, at which that was compared last */
};

/** Remember what is in a table. After an error the mark is zero. Return: 0 or -errno. */
int nft_table_learn(uint16_t family, const char *name, struct nft_table_mark *ret);

/** What has become of a table. */
enum nft_table_state {
	NFT_TABLE_ABSENT = 0,
	NFT_TABLE_AS_MADE, /* or the mark is zero, and the table exists */
	NFT_TABLE_CHANGED,
};

/** Compare a table with its mark. The elements of sets are not compared. Return: an enum
 * nft_table_state, or -errno. */
MUST_CHECK int nft_table_compare(uint16_t family, const char *name, struct nft_table_mark *mark);

/** The name of one of our tables. */
struct nft_table_name {
	char name[64];
};

/** A list of tables; free `v`. Zero is empty. */
struct nft_table_names {
	struct nft_table_name *v;
	size_t n;
};

/** List the tables of a family whose names start with `prefix`; none if this kernel has no
 * nf_tables. Return: 0 and a list to free, or -errno. */
MUST_CHECK int nft_table_list(uint16_t family, const char *prefix, struct nft_table_names *ret);

/** Return: 1 if a table has that chain, 0 if not, or -errno. */
MUST_CHECK int nft_table_has_chain(uint16_t family, const char *table, const char *chain);
