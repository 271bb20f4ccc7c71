/* SPDX-License-Identifier: MIT */
/* nfnetlink messages about tables of nftables. */
#include "netlink/nft.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

void nft_start(struct nl_msg *m, uint16_t type, uint16_t flags, uint16_t family)
{
	const struct nfgenmsg fixed = { .nfgen_family = (uint8_t)family, .version = NFNETLINK_V0 };

	nl_msg_start(m, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, &fixed, sizeof(fixed));
}

struct nl_msg *nft_encode_get_table(struct nl_msg *m, uint16_t family, const char *name)
{
	nft_start(m, NFT_MSG_GETTABLE, 0, family);
	nl_msg_put_text(m, NFTA_TABLE_NAME, name);
	return m;
}

struct nl_msg *nft_encode_dump_tables(struct nl_msg *m, uint16_t family)
{
	nft_start(m, NFT_MSG_GETTABLE, NLM_F_DUMP, family);
	return m;
}

struct nl_msg *nft_encode_dump_chains(struct nl_msg *m, uint16_t family)
{
	nft_start(m, NFT_MSG_GETCHAIN, NLM_F_DUMP, family);
	return m;
}

struct nl_msg *nft_encode_dump_rules(struct nl_msg *m, uint16_t family, const char *table)
{
	nft_start(m, NFT_MSG_GETRULE, NLM_F_DUMP, family);
	nl_msg_put_text(m, NFTA_RULE_TABLE, table);
	return m;
}

struct nl_msg *nft_encode_get_generation(struct nl_msg *m)
{
	nft_start(m, NFT_MSG_GETGEN, 0, 0);
	return m;
}

struct nl_msg *nft_encode_delete_table(struct nl_msg *m, uint16_t family, const char *name)
{
	nft_start(m, NFT_MSG_DELTABLE, 0, family);
	nl_msg_put_text(m, NFTA_TABLE_NAME, name);
	return m;
}

struct nl_msg *nft_encode_batch(struct nl_msg *m, uint16_t type)
{
	const struct nfgenmsg fixed = { .version = NFNETLINK_V0,
		.res_id = htons(NFNL_SUBSYS_NFTABLES) };

	return nl_msg_start(m, type, 0, &fixed, sizeof(fixed));
}
