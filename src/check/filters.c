/* SPDX-License-Identifier: MIT */
/* Lists what is configured on this host that sees bridged frames and may drop them. */
#include "check/filters.h"

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>

#include "netlink/bridge_vlan.h"
#include "netlink/query.h"

static struct observed_filter *add(struct observations *f)
{
	struct observed_host *host = &f->host;

	if (host->n_filters == OBSERVED_FILTERS)
		return NULL;
	host->filters[host->n_filters] = (struct observed_filter){ 0 };
	return &host->filters[host->n_filters++];
}

/* ---- nftables ---- */

static const char *family_name(uint8_t family)
{
	switch (family) {
	case NFPROTO_INET:
		return "inet";
	case NFPROTO_IPV4:
		return "ip";
	case NFPROTO_IPV6:
		return "ip6";
	case NFPROTO_ARP:
		return "arp";
	case NFPROTO_BRIDGE:
		return "bridge";
	case NFPROTO_NETDEV:
		return "netdev";
	default:
		return NULL;
	}
}

/* The devices of a netdev chain: one attribute, or a list. The first one is reported. */
static void read_hook(const struct nlattr *nest, struct observed_filter *f)
{
	struct nl_attrs walk = nl_attrs_in(nest);
	const struct nlattr *a;
	uint32_t hook;

	while ((a = nl_attrs_next(&walk))) {
		uint16_t type = mnl_attr_get_type(a);

		if (type == NFTA_HOOK_HOOKNUM && nl_attr_u32(a, &hook))
			f->hook = (uint8_t)ntohl(hook);
		else if (type == NFTA_HOOK_DEV)
			nl_attr_text(a, f->device, sizeof(f->device));
		else if (type == NFTA_HOOK_DEVS) {
			struct nl_attrs devices = nl_attrs_in(a);
			const struct nlattr *device = nl_attrs_next(&devices);

			if (device)
				nl_attr_text(device, f->device, sizeof(f->device));
		}
	}
}

static int on_chain(const struct nlmsghdr *nlh, void *ctx)
{
	struct observations *facts = ctx;
	struct observed_filter f = { .kind = FILTER_NFT };
	struct nfgenmsg head;
	char table[40] = "";
	char chain[40] = "";
	char kind[16] = "";
	struct nl_attrs walk;
	const struct nlattr *a;
	bool is_base = false;
	uint32_t policy;

	if (nl_msg_fixed(nlh, &head, sizeof(head)) < 0 || !family_name(head.nfgen_family))
		return MNL_CB_OK;
	f.family = head.nfgen_family;
	walk = nl_attrs_of(nlh, sizeof(head));
	while ((a = nl_attrs_next(&walk))) {
		uint16_t type = mnl_attr_get_type(a);

		if (type == NFTA_CHAIN_TABLE)
			nl_attr_text(a, table, sizeof(table));
		else if (type == NFTA_CHAIN_TYPE)
			nl_attr_text(a, kind, sizeof(kind));
		else if (type == NFTA_CHAIN_NAME)
			nl_attr_text(a, chain, sizeof(chain));
		else if (type == NFTA_CHAIN_POLICY && nl_attr_u32(a, &policy))
			f.drops = ntohl(policy) == NF_DROP;
		else if (type == NFTA_CHAIN_HOOK) {
			read_hook(a, &f);
			is_base = true;
		}
	}
	if (is_base && !strcmp(kind, "filter")) { /* others translate addresses, or mark */
		struct observed_filter *new = add(facts);

		snprintf(f.name, sizeof(f.name), "%s %s %s", family_name(f.family), table, chain);
		if (new)
			*new = f;
	}
	return MNL_CB_OK;
}

static void list_chains(struct observations *f)
{
	struct nfgenmsg head = { .nfgen_family = NFPROTO_UNSPEC, .version = NFNETLINK_V0 };
	struct mnl_socket *mnl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	char *buffer = malloc(NL_ANSWER_MAX);
	struct nl_msg m;
	ssize_t n = -1;

	if (mnl && buffer && mnl_socket_bind(mnl, 0, MNL_SOCKET_AUTOPID) == 0) {
		nl_msg_start(&m, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN, NLM_F_DUMP, &head,
			sizeof(head));
		m.head.nlmsg_seq = 1;
		if (mnl_socket_sendto(mnl, &m, m.head.nlmsg_len) > 0)
			n = mnl_socket_recvfrom(mnl, buffer, NL_ANSWER_MAX);
		while (n > 0 && mnl_cb_run(buffer, (size_t)n, 1, mnl_socket_get_portid(mnl),
					on_chain, f) > MNL_CB_STOP)
			n = mnl_socket_recvfrom(mnl, buffer, NL_ANSWER_MAX);
	}
	free(buffer);
	if (mnl)
		mnl_socket_close(mnl);
}

/* ---- VLANs ---- */

static int on_port(void *ctx, const struct nlmsghdr *nlh)
{
	struct prober *p = ctx;
	struct observed_port *port;
	struct bridge_vlans v;
	char name[IF_NAMESIZE];

	if (bridge_vlan_decode(nlh, &v) < 0 || !if_indextoname(v.ifindex, name))
		return 0;
	port = observed_port_named(p->facts, name);
	if (port) {
		port->pvid = v.pvid;
		memcpy(port->vlans, v.members, sizeof(port->vlans));
		memcpy(port->tagged, v.tagged, sizeof(port->tagged));
	}
	return 0;
}

static void list_vlans(struct prober *p)
{
	struct nl_msg m;

	if (nl_exchange(&p->nl, bridge_vlan_encode_dump(&m), on_port, p) < 0)
		return; /* a kernel without bridges that filter VLANs */
}

/* ---- iptables-legacy ---- */

static void list_legacy(struct observations *f, const char *path, uint8_t family, const char *name)
{
	FILE *file = fopen(path, "re");
	char line[40];

	while (file && fgets(line, sizeof(line), file)) {
		struct observed_filter *new = strcmp(line, "filter\n") == 0 ? add(f) : NULL;

		if (!new)
			continue;
		*new = (struct observed_filter){ .kind = FILTER_TABLE, .family = family };
		snprintf(new->name, sizeof(new->name), "%s", name);
	}
	if (file)
		fclose(file);
}

/* ---- tc and XDP ---- */

/** Where the disciplines of one dump belong. */
struct disciplines {
	struct observations *facts;
	const struct link_list *links;
};

/* Whether a queueing discipline sends all that it gets while there is room. */
static bool is_plain(const char *kind)
{
	static const char *const plain[] = { "noqueue", "pfifo_fast", "fq_codel", "fq", "mq", "sfq",
		"cake", "codel" };

	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++)
		if (!strcmp(kind, plain[i]))
			return true;
	return false;
}

static const char *link_name(const struct link_list *links, int ifindex)
{
	for (size_t i = 0; i < links->n; i++)
		if (links->v[i].ifindex == (uint32_t)ifindex)
			return links->v[i].name;
	return "";
}

static int on_discipline(void *ctx, const struct nlmsghdr *nlh)
{
	struct disciplines *d = ctx;
	struct observed_filter *new;
	struct nl_attrs walk;
	const struct nlattr *a;
	struct tcmsg head;
	char kind[16] = "";
	const char *name;

	if (nl_msg_fixed(nlh, &head, sizeof(head)) < 0)
		return 0;
	name = link_name(d->links, head.tcm_ifindex);
	walk = nl_attrs_of(nlh, sizeof(head));
	while ((a = nl_attrs_next(&walk)))
		if (mnl_attr_get_type(a) == TCA_KIND)
			nl_attr_text(a, kind, sizeof(kind));
	if (is_plain(kind) || !observed_port_named(d->facts, name))
		return 0;
	new = add(d->facts);
	if (!new)
		return 0;
	new->kind = FILTER_TC;
	snprintf(new->device, sizeof(new->device), "%s", name);
	snprintf(new->name, sizeof(new->name), "%s", kind);
	return 0;
}

static void list_disciplines(struct prober *p, const struct link_list *links)
{
	struct disciplines d = { .facts = p->facts, .links = links };
	struct tcmsg head = { .tcm_family = AF_UNSPEC };
	struct nl_msg m;

	nl_msg_start(&m, RTM_GETQDISC, NLM_F_DUMP, &head, sizeof(head));
	if (nl_exchange(&p->nl, &m, on_discipline, &d) < 0)
		return; /* a kernel without traffic control */
}

/* The word of ip(8) for the mode in which an XDP program is attached: it takes off only that. */
static const char *xdp_mode(uint8_t attached)
{
	switch (attached) {
	case XDP_ATTACHED_SKB:
		return "xdpgeneric";
	case XDP_ATTACHED_HW:
		return "xdpoffload";
	default:
		return "xdp";
	}
}

void filters_look(struct prober *p)
{
	struct link_list links = { 0 };

	list_chains(p->facts);
	list_vlans(p);
	list_legacy(p->facts, "/proc/net/ip_tables_names", NFPROTO_IPV4, "iptables");
	list_legacy(p->facts, "/proc/net/ip6_tables_names", NFPROTO_IPV6, "ip6tables");
	if (query_links(&p->nl, &links) < 0)
		return;
	list_disciplines(p, &links);
	for (size_t i = 0; i < links.n; i++) {
		struct observed_filter *new;

		if (!links.v[i].xdp || !observed_port_named(p->facts, links.v[i].name))
			continue;
		new = add(p->facts);
		if (!new)
			continue;
		new->kind = FILTER_XDP;
		snprintf(new->name, sizeof(new->name), "%s", xdp_mode(links.v[i].xdp));
		snprintf(new->device, sizeof(new->device), "%s", links.v[i].name);
	}
	free(links.v);
}

/* ---- counters ---- */

uint64_t filters_count_rp_filter(void)
{
	FILE *file = fopen("/proc/net/netstat", "re");
	static const char wanted[] = "IPReversePathFilter";
	char names[8192];
	char values[8192];
	uint64_t result = 0;

	while (file && fgets(names, sizeof(names), file) && fgets(values, sizeof(values), file)) {
		char *name_rest = names;
		char *value_rest = values;
		const char *name;
		const char *value;

		while ((name = strsep(&name_rest, " \n")) && (value = strsep(&value_rest, " \n")))
			if (!strcmp(name, wanted))
				result = strtoull(value, NULL, 10);
	}
	if (file)
		fclose(file);
	return result;
}

/* The number of the column `wanted` in a line of names; -1: it is not there. */
static int column_of(char *names, const char *wanted)
{
	const char *name;
	int column = 0;

	while ((name = strsep(&names, " \n"))) {
		if (!strcmp(name, wanted))
			return column;
		column += *name != 0; /* blanks may be doubled */
	}
	return -1;
}

uint64_t filters_count_untracked(void)
{
	FILE *file = fopen("/proc/net/stat/nf_conntrack", "re");
	char line[1024];
	uint64_t result = 0;
	int column = file && fgets(line, sizeof(line), file) ? column_of(line, "drop") : -1;

	while (column >= 0 && fgets(line, sizeof(line), file)) { /* one line for each CPU */
		char *rest = line;

		for (int i = 0; i < column; i++)
			(void)strtoull(rest, &rest, 16);
		result += strtoull(rest, NULL, 16);
	}
	if (file)
		fclose(file);
	return result;
}
