/* SPDX-License-Identifier: MIT */
/* nfnetlink messages about tables of nftables. */
#include "netlink/nft.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

struct nl_msg *nft_encode_get_table(struct nl_msg *m, uint16_t family, const char *name)
{
	const struct nfgenmsg fixed = { .nfgen_family = (uint8_t)family, .version = NFNETLINK_V0 };

	nl_msg_start(m, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, 0, &fixed, sizeof(fixed));
	nl_msg_put_text(m, NFTA_TABLE_NAME, name);
	return m;
}

struct nl_msg *nft_encode_delete_table(struct nl_msg *m, uint16_t family, const char *name)
{
	const struct nfgenmsg fixed = { .nfgen_family = (uint8_t)family, .version = NFNETLINK_V0 };

	nl_msg_start(m, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE, 0, &fixed, sizeof(fixed));
	nl_msg_put_text(m, NFTA_TABLE_NAME, name);
	return m;
}

struct nl_msg *nft_encode_batch(struct nl_msg *m, uint16_t type)
{
	const struct nfgenmsg fixed = { .version = NFNETLINK_V0,
		.res_id = htons(NFNL_SUBSYS_NFTABLES) };

	return nl_msg_start(m, type, 0, &fixed, sizeof(fixed));
}
