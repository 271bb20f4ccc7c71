/* SPDX-License-Identifier: MIT */
/* Names what may drop frames between two ports of this host, likeliest first, and what to do. */
#include "judge/judge_cause.h"

#include <linux/netfilter.h>
#include <linux/netfilter_arp.h>
#include <linux/netfilter_bridge.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "judge/kinds.h"

#define CAUSES_MAX 3
#define NAME_LEN   208
/** Causes that remain. */
struct causes {
	const struct observations *facts;
	const struct cause_loss *loss;
	char names[CAUSES_MAX][NAME_LEN];
	char hints[CAUSES_MAX][240];
	size_t n; /* may be larger: only the first are stored */
};

static void __attribute__((format(printf, 3, 4)))
add(struct causes *c, const char *name, const char *format, ...)
{
	va_list ap;

	if (c->n++ >= CAUSES_MAX)
		return;
	snprintf(c->names[c->n - 1], sizeof(c->names[0]), "%s", name);
	va_start(ap, format);
	(void)vsnprintf(c->hints[c->n - 1], sizeof(c->hints[0]), format, ap);
	va_end(ap);
}

/* ---- the bridge ---- */

static bool has_vlan(const uint8_t vlans[static 512], unsigned vlan)
{
	return vlans[vlan / 8] & 1U << vlan % 8;
}

/* The frames of hosts on `in` belong to its PVID. Return: whether the ports differ. */
static bool judge_vlans(struct causes *c)
{
	const struct observed_port *in = c->loss->in;
	const struct observed_port *out = c->loss->out;
	const struct observed_port *odd = in->session ? out : in;
	const struct observed_port *other = in->session ? in : out;
	const struct check_bridge *bridge = observed_bridge_named(c->facts, in->bridge);
	char name[NAME_LEN];
	bool passes = in->pvid && has_vlan(out->vlans, in->pvid);

	if (!bridge || !bridge->filters_vlans || (passes && !has_vlan(out->tagged, in->pvid)))
		return false;
	if (passes) {
		snprintf(name, sizeof(name),
			"the bridge filters VLANs, and frames of VLAN %u, such as those without a "
			"tag on %s, leave by %s with one",
			in->pvid, in->name, out->name);
		add(c, name,
			"`bridge vlan add dev %s vid %u pvid untagged`, if members are not to be "
			"in VLANs of their own; `bridge vlan show` shows all.",
			out->name, in->pvid);
		return true;
	}
	snprintf(name, sizeof(name),
		"the bridge filters VLANs, and untagged frames belong to VLAN %u on %s and to "
		"VLAN %u on %s (0: to none)",
		in->pvid, in->name, out->pvid, out->name);
	add(c, name,
		"`bridge vlan add dev %s vid %u pvid untagged`, if members are not to be in VLANs "
		"of their own; `bridge vlan show` shows all.",
		odd->name, other->pvid ? other->pvid : 1);
	return true;
}

/* The forwarding table sends what is for the host elsewhere. What it has learned itself it corrects
 * with the next frame of that host, if that is not lost by another cause. Return: whether the entry
 * alone explains the loss. */
static bool judge_entry(struct causes *c)
{
	const struct observed_entry *e = c->loss->entry;
	const char *bridge = c->loss->in->bridge;
	const uint8_t *m = e->mac;
	char mac[3 * LINK_MAC_LEN];
	char name[NAME_LEN];

	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
		m[5]);
	if (e->kind == ENTRY_OWN) {
		snprintf(name, sizeof(name), "%s of this host has the same MAC address, %s",
			e->device, mac);
		add(c, name, "Give one of the two another MAC address.");
		return true;
	}
	snprintf(name, sizeof(name), "the forwarding table of %s has %s on %s%s", bridge, mac,
		e->device,
		e->kind == ENTRY_LOCAL ? ", entered as an address of this host (permanent)" : "");
	add(c, name, "`bridge fdb del %s dev %s %s`", mac, e->device,
		!strcmp(e->device, bridge) ? "self" : "master");
	return e->kind != ENTRY_LEARNED;
}

/* Settings of the ports themselves. Return: whether one of them alone explains the loss. */
static bool judge_ports(struct causes *c)
{
	const struct observed_port *in = c->loss->in;
	const struct observed_port *out = c->loss->out;
	const struct observed_port *odd = in->session ? out : in;
	unsigned kinds = c->loss->kinds;

	if (c->loss->entry)
		return judge_entry(c);
	if (in->isolated && out->isolated)
		add(c, "both ports are isolated", "`bridge link set dev %s isolated off`",
			odd->name);
	else if (in->locked && !c->loss->passed)
		add(c, "the port is locked: it accepts only hosts that are entered",
			"Enter the members (`bridge fdb add MAC dev %s master static`), or "
			"`bridge link set dev %s locked off`.",
			in->name, in->name);
	else if (!(kinds & ~(KINDS_ARP | KINDS_ND | KINDS_MULTICAST | KINDS_BROADCAST)) &&
		 out->proxy_arp)
		add(c, "the port is set to proxy ARP: it sends no broadcasts and no multicasts",
			"`ip link set %s type bridge_slave proxy_arp off`", out->name);
	else if (kinds == KINDS_ARP && out->no_broadcast)
		add(c, "the port sends no broadcasts", "`bridge link set dev %s bcast_flood on`",
			out->name);
	else if (kinds == KINDS_ND && out->no_multicast)
		add(c, "the port sends no multicasts", "`bridge link set dev %s mcast_flood on`",
			out->name);
	else if (kinds == (KINDS_ARP | KINDS_ND) && out->no_broadcast && out->no_multicast)
		add(c, "the port sends no broadcasts and no multicasts",
			"`bridge link set dev %s bcast_flood on mcast_flood on`", out->name);
	else if (kinds == KINDS_LARGE && out->mtu < c->loss->large)
		add(c, "the MTU of the port", "`ip link set %s mtu %u`", out->name,
			in->mtu > out->mtu ? in->mtu : out->mtu);
	else
		return judge_vlans(c);
	return true;
}

/* The port floods no unicasts. That is the cause if the bridge has not learned the host, of which
 * there is no proof: filters may be it, too. */
static void judge_flooding(struct causes *c)
{
	if (!(c->loss->requests & (KINDS_ARP | KINDS_ND)) && c->loss->kinds != KINDS_LARGE &&
		c->loss->out->no_flood)
		add(c, "the port sends no frames to addresses that are not learned",
			"`bridge link set dev %s flood on learning on`", c->loss->out->name);
}

/* ---- filters ---- */

/* Whether br_netfilter shows bridged frames of a family to its chains. */
static bool is_shown(const struct observed_host *h, uint8_t family)
{
	switch (family) {
	case NFPROTO_IPV4:
		return h->bridge_nf_ip4 > 0;
	case NFPROTO_IPV6:
		return h->bridge_nf_ip6 > 0;
	case NFPROTO_ARP:
		return h->bridge_nf_arp > 0;
	default:
		return h->bridge_nf_ip4 > 0 || h->bridge_nf_ip6 > 0;
	}
}

/* The kinds of frames that chains of a family see. */
static unsigned kinds_of(uint8_t family)
{
	switch (family) {
	case NFPROTO_IPV4:
		return KINDS_IP4 | KINDS_TCP | KINDS_UDP | KINDS_LARGE |
		       (KINDS_SPECIAL & ~KINDS_TAGGED);
	case NFPROTO_IPV6:
		return KINDS_IP6 | KINDS_ND | KINDS_TCP6 | KINDS_UDP6 | KINDS_LARGE | KINDS_LARGE6 |
		       KINDS_EXPEDITED;
	case NFPROTO_INET:
		return KINDS_IP4 | KINDS_IP6 | KINDS_ND | KINDS_TCP | KINDS_UDP | KINDS_TCP6 |
		       KINDS_UDP6 | KINDS_LARGE | KINDS_LARGE6 | (KINDS_SPECIAL & ~KINDS_TAGGED);
	case NFPROTO_ARP:
		return KINDS_ARP;
	default:
		return ~0U;
	}
}

static bool is_on_path(uint8_t hook)
{
	_Static_assert(NF_BR_FORWARD == NF_INET_FORWARD && NF_ARP_FORWARD == NF_INET_FORWARD,
		"the families number their hooks alike");
	return hook == NF_INET_PRE_ROUTING || hook == NF_INET_FORWARD ||
	       hook == NF_INET_POST_ROUTING;
}

/* Whether a filter sees the lost frames, all of them. */
static bool sees(const struct observations *f, const struct observed_filter *v,
	const struct cause_loss *loss)
{
	bool sent = loss->in == loss->out; /* by the gateway itself: not through the bridge */
	bool in = !sent && !strcmp(v->device, loss->in->name);
	bool out = !strcmp(v->device, loss->out->name);

	switch (v->kind) {
	case FILTER_NFT:
		if (v->family == NFPROTO_NETDEV)
			return v->hook == NF_NETDEV_INGRESS ? in : out;
		if (v->family == NFPROTO_BRIDGE)
			return !sent && is_on_path(v->hook);
		return is_on_path(v->hook) && is_shown(&f->host, v->family) &&
		       !(loss->kinds & ~kinds_of(v->family));
	case FILTER_TABLE:
		return is_shown(&f->host, v->family) && !(loss->kinds & ~kinds_of(v->family));
	case FILTER_TC:
		return in || out;
	case FILTER_XDP:
		return in;
	}
	return false;
}

static void add_chain(struct causes *c, const struct observed_filter *v)
{
	const char *bridge = c->loss->in->bridge;
	char name[NAME_LEN];

	snprintf(name, sizeof(name), "the nftables chain \"%s\"%s", v->name,
		v->drops ? ", whose policy is drop" : "");
	if (v->family == NFPROTO_NETDEV || v->family == NFPROTO_ARP)
		add(c, name, "`nft insert rule %s accept`", v->name);
	else if (v->family == NFPROTO_BRIDGE) /* `meta ibrname` is not in every kernel */
		add(c, name, "`nft insert rule %s %s { %s, %s } accept`", v->name,
			v->hook == NF_INET_POST_ROUTING ? "oifname" : "iifname", c->loss->in->name,
			c->loss->out->name);
	else if (v->hook == NF_INET_FORWARD)
		add(c, name, "`nft insert rule %s iifname %s oifname %s accept`", v->name, bridge,
			bridge);
	else
		add(c, name, "`nft insert rule %s %s %s accept`", v->name,
			v->hook == NF_INET_PRE_ROUTING ? "iifname" : "oifname", bridge);
}

static void add_filter(struct causes *c, const struct observed_filter *v)
{
	const char *bridge = c->loss->in->bridge;
	bool ingress = !strcmp(v->name, "clsact") || !strcmp(v->name, "ingress");
	char name[NAME_LEN];

	switch (v->kind) {
	case FILTER_NFT:
		add_chain(c, v);
		break;
	case FILTER_TABLE:
		snprintf(name, sizeof(name), "the FORWARD chain of %s", v->name);
		add(c, name, "`%s -I FORWARD -i %s -o %s -j ACCEPT`", v->name, bridge, bridge);
		break;
	case FILTER_TC:
		snprintf(name, sizeof(name), "tc's %s on %s", v->name, v->device);
		add(c, name,
			"`tc qdisc del dev %s %s` (first see what it is for: `tc -s %s show dev "
			"%s`)",
			v->device, ingress ? v->name : "root", ingress ? "filter" : "qdisc",
			v->device);
		break;
	case FILTER_XDP:
		snprintf(name, sizeof(name), "an XDP program on %s", v->device);
		add(c, name, "`ip link set dev %s %s off`, or correct the program.", v->device,
			v->name);
		break;
	}
}

/* Chains that drop by default come first, then the others. */
static void judge_filters(struct causes *c)
{
	const struct observed_host *h = &c->facts->host;

	for (int drops = 1; drops >= 0; drops--)
		for (size_t i = 0; i < h->n_filters; i++)
			if (h->filters[i].drops == drops && sees(c->facts, &h->filters[i], c->loss))
				add_filter(c, &h->filters[i]);
}

bool judge_cause_is_likely(const struct observations *f, const struct cause_loss *loss)
{
	for (size_t i = 0; i < f->host.n_filters; i++)
		if (f->host.filters[i].drops && sees(f, &f->host.filters[i], loss))
			return true;
	return false;
}

/* ---- the sentence ---- */

static void __attribute__((format(printf, 3, 4)))
append(char *text, size_t size, const char *format, ...)
{
	size_t len = strlen(text);
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text + len, size - len, format, ap);
	va_end(ap);
}

void judge_cause(
	const struct observations *f, const struct cause_loss *loss, struct finding *finding)
{
	struct causes c = { .facts = f, .loss = loss };
	size_t shown;

	if (!finding)
		return;
	if (loss->in == loss->out) {
		judge_filters(&c);
	} else if (!judge_ports(&c)) {
		judge_flooding(&c);
		judge_filters(&c);
	}
	shown = size_min(c.n, CAUSES_MAX);
	if (!c.n) {
		finding_hint(finding,
			"No filter of nftables, tc or XDP was found that sees them. See `ebtables "
			"-L`, `bridge -d link` and programs that attach BPF to %s or %s.",
			loss->in->name, loss->out->name);
		return;
	}
	append(finding->text, sizeof(finding->text), c.n == 1 ? " Cause: %s." : " Likely cause: %s",
		c.names[0]);
	for (size_t i = 1; i < shown; i++)
		append(finding->text, sizeof(finding->text), "; or %s", c.names[i]);
	if (c.n > 1)
		append(finding->text, sizeof(finding->text), ".");
	finding_hint(finding, "%s", c.hints[0]);
	for (size_t i = 1; i < shown; i++)
		append(finding->hint, sizeof(finding->hint), " If that does not help: %s",
			c.hints[i]);
}
