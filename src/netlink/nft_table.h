/* SPDX-License-Identifier: MIT */
/* Tables of nftables: query, compare and delete, without nft and its library. */
#pragma once

#include <stdint.h>

#include "base/must_check.h"

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
