/* SPDX-License-Identifier: MIT */
/* An nf_tables rule set that clamps the TCP segment size of bridged traffic of interfaces. */
#include "netlink/nft_mss.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink/nft_table.h"

#define LIBRARY "libnftables.so.1"
#define PRIORITY                                                                                   \
	(-150) /* before and after the filters of the bridge, as "mangle" of other families */

/* Whether a letter may stand in the name of a table as it is. */
static bool is_plain(char c)
{
	return isalnum((unsigned char)c) || c == '.' || c == '_' || c == '-';
}

const char *nft_mss_table(const char *site, char buf[static NFT_MSS_TABLE_LEN])
{
	size_t len = (size_t)snprintf(buf, NFT_MSS_TABLE_LEN, "wirespan-");

	for (; *site && len + sizeof("/ff") <= NFT_MSS_TABLE_LEN; site++)
		len += (size_t)snprintf(buf + len, NFT_MSS_TABLE_LEN - len,
			is_plain(*site) ? "%c" : "/%02x", (unsigned char)*site);
	return buf;
}

/* One rule for one direction and one family: `side` is iifname or oifname. */
static void add_rule(struct text *script, const char *side, const char *ifname,
	const char *protocol, unsigned mss)
{
	if (mss)
		text_add(script,
			"meta %s \"%s\" meta protocol %s tcp flags & (syn | rst) == syn "
			"tcp option maxseg size > %u tcp option maxseg size set %u\n",
			side, ifname, protocol, mss, mss);
}

static void add_chain(struct text *script, const char *hook, const char *side,
	const struct nft_mss_rule *rules, size_t n)
{
	text_add(script, "chain %s {\ntype filter hook %s priority %d; policy accept;\n", hook,
		hook, PRIORITY);
	for (size_t i = 0; i < n; i++) {
		add_rule(script, side, rules[i].ifname, "ip", rules[i].mss4);
		add_rule(script, side, rules[i].ifname, "ip6", rules[i].mss6);
	}
	text_add(script, "}\n");
}

void nft_mss_script(
	struct text *script, const char *site, const struct nft_mss_rule *rules, size_t n)
{
	char table[NFT_MSS_TABLE_LEN];

	nft_mss_table(site, table);
	/* What is added exists, so that it can be deleted. */
	text_add(script, "add table bridge %s\ndelete table bridge %s\n", table, table);
	text_add(script, "table bridge %s {\n", table);
	add_chain(script, "prerouting", "iifname", rules, n);
	add_chain(script, "postrouting", "oifname", rules, n);
	text_add(script, "}\n");
}

struct nft_ctx;

/** The functions of libnftables that we call. Source: nftables/libnftables.h. */
struct nftables {
	void *library;
	struct nft_ctx *(*ctx_new)(uint32_t flags);
	void (*ctx_free)(struct nft_ctx *ctx);
	int (*buffer_error)(struct nft_ctx *ctx);
	const char *(*get_error)(struct nft_ctx *ctx);
	int (*run)(struct nft_ctx *ctx, const char *script);
};

static bool find(void *library, const char *name, void *ret_function, size_t size)
{
	void *symbol = dlsym(library, name);

	if (symbol)
		memcpy(ret_function, &symbol, size);
	return symbol != NULL;
}

/* The library stays loaded after dlclose(). */
static bool load(struct nftables *nft)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

	nft->library = library;
	return library && find(library, "nft_ctx_new", &nft->ctx_new, sizeof(nft->ctx_new)) &&
	       find(library, "nft_ctx_free", &nft->ctx_free, sizeof(nft->ctx_free)) &&
	       find(library, "nft_ctx_buffer_error", &nft->buffer_error,
		       sizeof(nft->buffer_error)) &&
	       find(library, "nft_ctx_get_error_buffer", &nft->get_error, sizeof(nft->get_error)) &&
	       find(library, "nft_run_cmd_from_buffer", &nft->run, sizeof(nft->run));
}

/* libnftables ends the process if it cannot open its socket: try that before. Return: 0 or
 * -errno. */
static int try_socket(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int fail(struct error *error, int code, const char *table, const char *why, const char *hint)
{
	return error_set(error, code,
		"Cannot clamp the TCP segment size of bridged traffic with nf_tables, table bridge "
		"%s: %s\n%s",
		table, why, hint);
}

static int run(
	const struct nftables *nft, const char *script, const char *table, struct error *error)
{
	struct nft_ctx *ctx = nft->ctx_new(0);
	char why[sizeof(error->problem)];
	int err = 0;

	if (!ctx || nft->buffer_error(ctx)) {
		err = fail(error, -ENOMEM, table, strerror(ENOMEM), "");
	} else if (nft->run(ctx, script)) {
		snprintf(why, sizeof(why), "%s", nft->get_error(ctx));
		why[strcspn(why, "\n")] = '\0'; /* the lines after it quote the script */
		err = fail(error, -EIO, table, why,
			"Does the kernel have nf_tables for bridges (module nf_tables)?");
	}
	if (ctx)
		nft->ctx_free(ctx);
	return err;
}

static int load_and_run(const char *script, const char *table, struct error *error)
{
	struct nftables nft = { 0 };
	int err = try_socket();

	if (err < 0)
		return fail(error, err, table, strerror(-err),
			"Does the kernel have nf_tables (module nf_tables)?");
	if (load(&nft))
		err = run(&nft, script, table, error);
	else
		err = fail(error, -ENOENT, table, LIBRARY " cannot be loaded",
			"Install it (Debian: package libnftables1).");
	if (nft.library)
		dlclose(nft.library);
	return err;
}

/* The first name of an interface that nft would read as something else: as a wildcard, or as the
 * end of the name. NULL if there is none. */
static const char *first_odd_name(const struct nft_mss_rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strpbrk(rules[i].ifname, "*\"\\\n"))
			return rules[i].ifname;
	return NULL;
}

int nft_mss_set(const char *site, const struct nft_mss_rule *rules, size_t n, struct error *error)
{
	const char *odd = first_odd_name(rules, n);
	char table[NFT_MSS_TABLE_LEN];
	struct text text = { 0 };
	char *script;
	size_t len;
	int err;

	nft_mss_table(site, table);
	if (!n) {
		err = nft_table_delete(AF_BRIDGE, table);
		return err < 0 ? error_set(error, err,
					 "Cannot delete the nf_tables table bridge %s\n", table)
			       : 0;
	}
	if (odd)
		return error_set(error, -EINVAL,
			"Cannot make nf_tables rules for an interface of the name '%s'\n"
			"Give it a name without * \" and \\.",
			odd);
	nft_mss_script(&text, site, rules, n);
	err = text_take(&text, &script, &len);
	if (err < 0)
		return fail(error, err, table, strerror(-err), "");
	err = load_and_run(script, table, error);
	free(script);
	return err;
}
