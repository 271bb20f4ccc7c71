/* SPDX-License-Identifier: MIT */
/* An nf_tables rule set that clamps the TCP segment size of bridged traffic of interfaces. */
#pragma once

#include <net/if.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/must_check.h"
#include "base/text.h"

#define NFT_MSS_TABLE_LEN 256 /* longest name of a table with its NUL: the kernel's limit */

/** Segment sizes of TCP connections through one bridge port: larger ones that a SYN offers become
 * these, in both directions. */
struct nft_mss_rule {
	const char *ifname;
	uint16_t mss4; /* bytes, with IPv4; 0: not clamped */
	uint16_t mss6; /* bytes, with IPv6; 0: not clamped */
};

/** Write the name of a site's table of family bridge, "wirespan-NAME"; what nft does not allow in a
 * name becomes / and two hex digits. It is truncated to fit. Return: `buf`. */
const char *nft_mss_table(const char *site, char buf[static NFT_MSS_TABLE_LEN]);

/**
 * Append the nft script that replaces a site's table in one transaction. Frames with one VLAN tag
 * are clamped too: the kernel stores the tag beside the frame. The hooks are prerouting and
 * postrouting, so that what the bridge itself sends and receives is clamped as well as what it
 * forwards.
 */
void nft_mss_script(
	struct text *script, const char *site, const struct nft_mss_rule *rules, size_t n);

/**
 * Replace the table of a site in one transaction; with `n` = 0 remove it, if there is one. It runs
 * in this process with libnftables, which is loaded at the first use; removing needs no library.
 * Return: 0; -ENOENT without libnftables; -EINVAL for a name that nft would misread; or another
 * -errno, with the sentence in `error`.
 */
MUST_CHECK int nft_mss_set(
	const char *site, const struct nft_mss_rule *rules, size_t n, struct error *error);
