/* SPDX-License-Identifier: MIT */
/* The filter that a default route through a tunnel needs, as messages of one nf_tables
 * transaction. */
#include "netlink/nft_filter.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>

#include "netlink/nft.h"

#define RAW    (-300) /* priorities, as nft(8) names them */
#define MANGLE (-150)

#define FIXED_MESSAGES 10 /* all but those of the addresses and of `note_chain` */

/* Offset and length of the destination in an IP header. */
#define DST4	 16
#define DST4_LEN 4
#define DST6	 24
#define DST6_LEN 16

/* ---- expressions of a rule ---- */

static void put_be32(struct nl_msg *m, uint16_t type, uint32_t v)
{
	nl_msg_put_u32(m, type, htonl(v));
}

/** An expression that is being encoded. */
struct expression {
	size_t element;
	size_t data;
};

static struct expression begin(struct nl_msg *m, const char *name)
{
	struct expression e = { .element = nl_msg_nest(m, NFTA_LIST_ELEM) };

	nl_msg_put_text(m, NFTA_EXPR_NAME, name);
	e.data = nl_msg_nest(m, NFTA_EXPR_DATA);
	return e;
}

static void end(struct nl_msg *m, struct expression e)
{
	nl_msg_nest_end(m, e.data);
	nl_msg_nest_end(m, e.element);
}

/* All expressions use one register. */
static void put_meta(struct nl_msg *m, uint16_t reg, uint32_t key)
{
	struct expression e = begin(m, "meta");

	put_be32(m, NFTA_META_KEY, key);
	put_be32(m, reg, NFT_REG_1); /* NFTA_META_DREG or _SREG */
	end(m, e);
}

static void put_ct_mark(struct nl_msg *m, uint16_t reg)
{
	struct expression e = begin(m, "ct");

	put_be32(m, NFTA_CT_KEY, NFT_CT_MARK);
	put_be32(m, reg, NFT_REG_1); /* NFTA_CT_DREG or _SREG */
	end(m, e);
}

static void put_compare(struct nl_msg *m, enum nft_cmp_ops op, const void *value, size_t len)
{
	struct expression e = begin(m, "cmp");
	size_t data;

	put_be32(m, NFTA_CMP_SREG, NFT_REG_1);
	put_be32(m, NFTA_CMP_OP, op);
	data = nl_msg_nest(m, NFTA_CMP_DATA);
	nl_msg_put(m, NFTA_DATA_VALUE, value, len);
	nl_msg_nest_end(m, data);
	end(m, e);
}

static void put_destination(struct nl_msg *m, uint16_t family)
{
	struct expression e = begin(m, "payload");

	put_be32(m, NFTA_PAYLOAD_DREG, NFT_REG_1);
	put_be32(m, NFTA_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
	put_be32(m, NFTA_PAYLOAD_OFFSET, family == AF_INET6 ? DST6 : DST4);
	put_be32(m, NFTA_PAYLOAD_LEN, family == AF_INET6 ? DST6_LEN : DST4_LEN);
	end(m, e);
}

/* The type of the source address: RTN_LOCAL is this host. */
static void put_source_type(struct nl_msg *m)
{
	struct expression e = begin(m, "fib");

	put_be32(m, NFTA_FIB_DREG, NFT_REG_1);
	put_be32(m, NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
	put_be32(m, NFTA_FIB_FLAGS, NFTA_FIB_F_SADDR);
	end(m, e);
}

static void put_drop(struct nl_msg *m)
{
	struct expression e = begin(m, "immediate");
	size_t data;
	size_t verdict;

	put_be32(m, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	data = nl_msg_nest(m, NFTA_IMMEDIATE_DATA);
	verdict = nl_msg_nest(m, NFTA_DATA_VERDICT);
	put_be32(m, NFTA_VERDICT_CODE, NF_DROP);
	nl_msg_nest_end(m, verdict);
	nl_msg_nest_end(m, data);
	end(m, e);
}

/* ---- rules ---- */

/* Return: the offset of the list of expressions, to be ended. */
static size_t start_rule(struct nl_msg *m, const struct nft_filter *f, const char *chain)
{
	nft_start(m, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, f->family);
	nl_msg_put_text(m, NFTA_RULE_TABLE, f->table);
	nl_msg_put_text(m, NFTA_RULE_CHAIN, chain);
	return nl_msg_nest(m, NFTA_RULE_EXPRESSIONS);
}

/* iifname != TUNNEL ip daddr ADDRESS fib saddr type != local drop */
static void encode_drop(
	struct nl_msg *m, const struct nft_filter *f, const char *chain, const struct ip_addr *addr)
{
	const uint32_t local = RTN_LOCAL;
	size_t list = start_rule(m, f, chain);
	char ifname[IFNAMSIZ] = "";

	snprintf(ifname, sizeof(ifname), "%s", f->ifname);
	put_meta(m, NFTA_META_DREG, NFT_META_IIFNAME);
	put_compare(m, NFT_CMP_NEQ, ifname, sizeof(ifname));
	put_destination(m, f->family);
	put_compare(m, NFT_CMP_EQ, addr->bytes, f->family == AF_INET6 ? DST6_LEN : DST4_LEN);
	put_source_type(m);
	put_compare(m, NFT_CMP_NEQ, &local, sizeof(local));
	put_drop(m);
	nl_msg_nest_end(m, list);
}

static void put_is_udp(struct nl_msg *m)
{
	const uint8_t udp = IPPROTO_UDP;

	put_meta(m, NFTA_META_DREG, NFT_META_L4PROTO);
	put_compare(m, NFT_CMP_EQ, &udp, sizeof(udp));
}

/* meta l4proto udp meta mark set ct mark */
static void encode_mark_replies(struct nl_msg *m, const struct nft_filter *f, const char *chain)
{
	size_t list = start_rule(m, f, chain);

	put_is_udp(m);
	put_ct_mark(m, NFTA_CT_DREG);
	put_meta(m, NFTA_META_SREG, NFT_META_MARK);
	nl_msg_nest_end(m, list);
}

/* meta l4proto udp meta mark MARK ct mark set mark */
static void encode_store_mark(struct nl_msg *m, const struct nft_filter *f, const char *chain)
{
	size_t list = start_rule(m, f, chain);

	put_is_udp(m);
	put_meta(m, NFTA_META_DREG, NFT_META_MARK);
	put_compare(m, NFT_CMP_EQ, &f->mark, sizeof(f->mark));
	put_ct_mark(m, NFTA_CT_SREG);
	nl_msg_nest_end(m, list);
}

/* ---- chains and the table ---- */

static void encode_table(struct nl_msg *m, const struct nft_filter *f)
{
	nft_start(m, NFT_MSG_NEWTABLE, NLM_F_CREATE, f->family);
	nl_msg_put_text(m, NFTA_TABLE_NAME, f->table);
}

static void start_chain(struct nl_msg *m, const struct nft_filter *f, const char *name)
{
	nft_start(m, NFT_MSG_NEWCHAIN, NLM_F_CREATE, f->family);
	nl_msg_put_text(m, NFTA_CHAIN_TABLE, f->table);
	nl_msg_put_text(m, NFTA_CHAIN_NAME, name);
}

static void encode_chain(
	struct nl_msg *m, const struct nft_filter *f, const char *name, uint32_t hook, int priority)
{
	size_t nest;

	start_chain(m, f, name);
	nl_msg_put_text(m, NFTA_CHAIN_TYPE, "filter");
	nest = nl_msg_nest(m, NFTA_CHAIN_HOOK);
	put_be32(m, NFTA_HOOK_HOOKNUM, hook);
	put_be32(m, NFTA_HOOK_PRIORITY, (uint32_t)priority);
	nl_msg_nest_end(m, nest);
}

size_t nft_filter_count(const struct nft_filter *f)
{
	return FIXED_MESSAGES + f->n_addrs + (f->note_chain != NULL);
}

void nft_filter_encode(const struct nft_filter *f, struct nl_msg *ret)
{
	static const char preraw[] = "preraw";
	static const char premangle[] = "premangle";
	static const char postmangle[] = "postmangle";

	nft_encode_batch(ret++, NFNL_MSG_BATCH_BEGIN);
	encode_table(ret++, f); /* so that it exists, and can be deleted */
	nft_encode_delete_table(ret++, f->family, f->table);
	encode_table(ret++, f);
	encode_chain(ret++, f, preraw, NF_INET_PRE_ROUTING, RAW);
	encode_chain(ret++, f, premangle, NF_INET_PRE_ROUTING, MANGLE);
	encode_chain(ret++, f, postmangle, NF_INET_POST_ROUTING, MANGLE);
	if (f->note_chain)
		start_chain(ret++, f, f->note_chain);
	for (size_t i = 0; i < f->n_addrs; i++)
		encode_drop(ret++, f, preraw, &f->addrs[i]);
	encode_mark_replies(ret++, f, premangle);
	encode_store_mark(ret++, f, postmangle);
	nft_encode_batch(ret, NFNL_MSG_BATCH_END);
}
