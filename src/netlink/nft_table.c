/* SPDX-License-Identifier: MIT */
/* Tables of nftables: make, query, compare and delete, without nft and its library. */
#include "netlink/nft_table.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>

#include "base/array.h"
#include "base/bytes.h"
#include "netlink/exchange.h"
#include "netlink/nft.h"

int nft_table_apply(struct nl_msg *v, size_t n, struct error *ret_error)
{
	struct nl_socket nl;
	int err = nl_socket_open_filter(&nl);

	if (err < 0)
		return error_set(ret_error, err,
			"Cannot open a socket for nf_tables:\n"
			"Does the kernel have nf_tables (module nf_tables)?");
	err = nl_request_all(&nl, v, n);
	if (err < 0)
		nl_fail(&nl, ret_error, err, "Cannot make a table of nf_tables\n");
	nl_socket_close(&nl);
	return err;
}

int nft_table_delete(uint16_t family, const char *name)
{
	struct nl_msg v[3];
	struct nl_socket nl;
	int err = nl_socket_open_filter(&nl);

	if (err < 0)
		return err == -EPROTONOSUPPORT ? 0 : err;
	nft_encode_batch(&v[0], NFNL_MSG_BATCH_BEGIN);
	nft_encode_delete_table(&v[1], family, name);
	nft_encode_batch(&v[2], NFNL_MSG_BATCH_END);
	err = nl_request_all(&nl, v, ARRAY_LEN(v));
	nl_socket_close(&nl);
	return err == -ENOENT || err == -EOPNOTSUPP ? 0 : err;
}

/* ---- what is in a table ---- */

#define ATTEMPTS 4 /* at a list that changes while it is read */

/* FNV-1a. */
#define HASH_START UINT64_C(0xcbf29ce484222325)
#define HASH_PRIME UINT64_C(0x100000001b3)

/** A table that is read. */
struct reading {
	const char *name;
	uint64_t hash;
};

static void take(struct reading *r, const struct nlattr *a)
{
	const uint8_t *bytes = mnl_attr_get_payload(a);
	uint16_t len = mnl_attr_get_payload_len(a);

	r->hash = (r->hash ^ mnl_attr_get_type(a)) * HASH_PRIME;
	r->hash = (r->hash ^ len) * HASH_PRIME;
	for (size_t i = 0; i < len; i++)
		r->hash = (r->hash ^ bytes[i]) * HASH_PRIME;
}

/** The attribute of a type, or NULL. */
static const struct nlattr *find(const struct nlmsghdr *nlh, uint16_t type)
{
	struct nl_attrs walk = nl_attrs_of(nlh, sizeof(struct nfgenmsg));
	const struct nlattr *a;

	while ((a = nl_attrs_next(&walk)))
		if (mnl_attr_get_type(a) == type)
			return a;
	return NULL;
}

/** Whether a chain or rule is in the table that is read. */
static bool is_in(const struct reading *r, const struct nlmsghdr *nlh, uint16_t type)
{
	const struct nlattr *a = find(nlh, type);
	char name[NFT_TABLE_MAXNAMELEN] = "";

	if (a)
		nl_attr_text(a, name, sizeof(name));
	return !strcmp(name, r->name);
}

static int read_table(void *ctx, const struct nlmsghdr *nlh)
{
	const struct nlattr *flags = find(nlh, NFTA_TABLE_FLAGS);

	if (flags) /* dormant: none of its rules is used */
		take(ctx, flags);
	return 0;
}

/** Chains without a hook are used by rules only. */
static int read_chain(void *ctx, const struct nlmsghdr *nlh)
{
	const struct nlattr *name = find(nlh, NFTA_CHAIN_NAME);
	const struct nlattr *hook = find(nlh, NFTA_CHAIN_HOOK);
	const struct nlattr *policy = find(nlh, NFTA_CHAIN_POLICY);

	if (!name || !hook || !is_in(ctx, nlh, NFTA_CHAIN_TABLE))
		return 0;
	take(ctx, name);
	take(ctx, hook);
	if (policy)
		take(ctx, policy);
	return 0;
}

static int read_rule(void *ctx, const struct nlmsghdr *nlh)
{
	const struct nlattr *chain = find(nlh, NFTA_RULE_CHAIN);
	const struct nlattr *expressions = find(nlh, NFTA_RULE_EXPRESSIONS);

	if (!chain || !is_in(ctx, nlh, NFTA_RULE_TABLE))
		return 0;
	take(ctx, chain);
	if (expressions)
		take(ctx, expressions);
	return 0;
}

/** Hash what is in a table. Return: 0, -ENOENT if there is none, or another -errno. */
static int read_content(struct nl_socket *nl, uint16_t family, const char *name, uint64_t *ret)
{
	struct reading r = { 0 };
	struct nl_msg m;
	int err = -EAGAIN;

	for (int attempt = 0; err == -EAGAIN && attempt < ATTEMPTS; attempt++) {
		r = (struct reading){ .name = name, .hash = HASH_START };
		err = nl_exchange(nl, nft_encode_get_table(&m, family, name), read_table, &r);
		if (err == 0)
			err = nl_exchange(nl, nft_encode_dump_chains(&m, family), read_chain, &r);
		if (err == 0)
			err = nl_exchange(
				nl, nft_encode_dump_rules(&m, family, name), read_rule, &r);
	}
	*ret = r.hash | 1; /* never that of an empty mark */
	return err;
}

static int read_generation(void *ctx, const struct nlmsghdr *nlh)
{
	const struct nlattr *a = find(nlh, NFTA_GEN_ID);
	uint32_t *generation = ctx;
	uint32_t be = 0;

	if (a && nl_attr_u32(a, &be))
		*generation = be; /* only compared */
	return 0;
}

int nft_table_learn(uint16_t family, const char *name, struct nft_table_mark *ret)
{
	struct nft_table_mark mark = { 0 };
	struct nl_socket nl;
	struct nl_msg m;
	int err = nl_socket_open_filter(&nl);

	*ret = mark;
	if (err < 0)
		return err;
	err = nl_exchange(&nl, nft_encode_get_generation(&m), read_generation, &mark.generation);
	if (err == 0)
		err = read_content(&nl, family, name, &mark.content);
	nl_socket_close(&nl);
	if (err == 0 && mark.generation)
		*ret = mark;
	return err;
}

/** Compare, with an open socket. */
static int compare(
	struct nl_socket *nl, uint16_t family, const char *name, struct nft_table_mark *mark)
{
	struct nft_table_mark is = { 0 };
	struct nl_msg m;
	int err;

	if (!mark->content)
		err = nl_request(nl, nft_encode_get_table(&m, family, name));
	else
		err = nl_exchange(
			nl, nft_encode_get_generation(&m), read_generation, &is.generation);
	if (err == 0 && mark->content && is.generation != mark->generation)
		err = read_content(nl, family, name, &is.content);
	else if (err == 0)
		return NFT_TABLE_AS_MADE;
	if (err < 0)
		return err == -ENOENT ? NFT_TABLE_ABSENT : err;
	if (is.content != mark->content)
		return NFT_TABLE_CHANGED;
	mark->generation = is.generation;
	return NFT_TABLE_AS_MADE;
}

int nft_table_compare(uint16_t family, const char *name, struct nft_table_mark *mark)
{
	struct nl_socket nl;
	int err = nl_socket_open_filter(&nl);

	if (err < 0)
		return err;
	err = compare(&nl, family, name, mark);
	nl_socket_close(&nl);
	return err;
}

/* ---- which tables there are ---- */

/** A search in a list of tables or chains. */
struct search {
	const char *text; /* the start of a table's name, or a table with a chain */
	const char *chain;
	struct nft_table_names names;
	bool found;
};

static int add_name(void *ctx, const struct nlmsghdr *nlh)
{
	const struct nlattr *a = find(nlh, NFTA_TABLE_NAME);
	struct search *s = ctx;
	char name[NFT_TABLE_MAXNAMELEN] = "";
	struct nft_table_name *added;

	if (a)
		nl_attr_text(a, name, sizeof(name));
	if (strncmp(name, s->text, strlen(s->text)) != 0 || strlen(name) >= sizeof(added->name))
		return 0; /* none of ours is that long */
	added = array_grow(&s->names.v, &s->names.n, sizeof(*added));
	if (!added)
		return -ENOMEM;
	memcpy(added->name, name, strlen(name) + 1);
	return 0;
}

static int see_chain(void *ctx, const struct nlmsghdr *nlh)
{
	const struct nlattr *table = find(nlh, NFTA_CHAIN_TABLE);
	const struct nlattr *chain = find(nlh, NFTA_CHAIN_NAME);
	char text[NFT_NAME_MAXLEN] = "";
	struct search *s = ctx;

	if (!table || !chain)
		return 0;
	nl_attr_text(table, text, sizeof(text));
	if (strcmp(text, s->text) != 0)
		return 0;
	nl_attr_text(chain, text, sizeof(text));
	s->found |= !strcmp(text, s->chain);
	return 0;
}

/** Read a list, again if it changes meanwhile. A kernel without nf_tables has an empty one. */
static int search(struct nl_msg *(*encode)(struct nl_msg *, uint16_t), uint16_t family,
	nl_visit_fn *visit, struct search *s)
{
	struct nl_socket nl;
	struct nl_msg m;
	int err = nl_socket_open_filter(&nl);

	if (err < 0)
		return err == -EPROTONOSUPPORT ? 0 : err;
	err = -EAGAIN;
	for (int attempt = 0; err == -EAGAIN && attempt < ATTEMPTS; attempt++) {
		s->names.n = 0;
		err = nl_exchange(&nl, encode(&m, family), visit, s);
	}
	nl_socket_close(&nl);
	return err == -ENOENT || err == -EOPNOTSUPP ? 0 : err;
}

int nft_table_list(uint16_t family, const char *prefix, struct nft_table_names *ret)
{
	struct search s = { .text = prefix };
	int err = search(nft_encode_dump_tables, family, add_name, &s);

	if (err < 0)
		free(s.names.v);
	else
		*ret = s.names;
	return err;
}

int nft_table_has_chain(uint16_t family, const char *table, const char *chain)
{
	struct search s = { .text = table, .chain = chain };
	int err = search(nft_encode_dump_chains, family, see_chain, &s);

	return err < 0 ? err : s.found;
}
