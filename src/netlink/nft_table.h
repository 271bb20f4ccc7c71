/* SPDX-License-Identifier: MIT */
/* Tables of nftables: query and delete, without nft and its library. */
#pragma once

#include <stdint.h>

#include "base/must_check.h"

/** Whether there is a table of a family (AF_INET, AF_INET6, AF_BRIDGE). Return: 1, 0, or -errno. */
MUST_CHECK int nft_table_exists(uint16_t family, const char *name);

/** Delete a table of a family. Return: 0, also if there is none, or no nf_tables in this kernel; or
 * -errno. */
MUST_CHECK int nft_table_delete(uint16_t family, const char *name);
