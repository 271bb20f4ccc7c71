/* SPDX-License-Identifier: MIT */
/* The MTUs of a site that kernel objects carry, and the segment sizes that follow. */
#include "backend/kernel_mtus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "host/undo.h"
#include "l2tp/session_options.h"
#include "netlink/nft_mss.h"
#include "netlink/nft_table.h"

void kernel_mtus_fini(struct kernel_mtus *mtus)
{
	free(mtus->sessions);
	*mtus = (struct kernel_mtus){ 0 };
}

/* The budget of the path to the peer with the smallest one. The mark is that of the packets which
 * the kernel sends: without it, a default route through the tunnel would lead to the tunnel. */
static struct mtu_budget compute(
	const struct conf_site *conf, const struct wgnl_device *device, struct nl_socket *nl)
{
	struct mtu_budget b = { 0 };

	for (size_t i = 0; i < device->n_peers; i++) {
		const struct ip_addr *to = &device->peers[i].endpoint.addr;
		unsigned mtu = to->family ? mtu_budget_route_mtu(nl, to, 0, device->fwmark) : 0;

		if (to->family)
			mtu_budget_take(&b, mtu, to->family);
	}
	mtu_budget_finish(&b, conf);
	return b;
}

int kernel_mtus_compute(struct kernel_mtus *mtus, const struct conf_site *conf,
	const struct wgnl_device *device, struct nl_socket *nl)
{
	struct mtu_budget b = compute(conf, device, nl);
	uint32_t *sessions = mtu_budget_sessions(conf);
	uint32_t wg = mtu_budget_wg_interface(&b, conf);
	bool differs;

	if (!sessions)
		return -ENOMEM;
	differs = wg != mtus->wg;
	free(mtus->sessions);
	mtus->sessions = sessions;
	mtus->wg = wg;
	mtus->budget = b;
	return differs;
}

/* ---- segment sizes ---- */

/* The rule of a session. Return: whether it has one: it is a port of a bridge, and clamps. */
static bool make_rule(const struct mtu_budget *b, const struct conf_tunnel *tunnel,
	const struct conf_session *session, struct nft_mss_rule *ret)
{
	uint16_t mss = (uint16_t)l2tp_options_mss(&session->options);
	struct mtu_ladder ladder;

	if (session->options.clamp_mss == L2TP_CLAMP_OFF || !*session->bridge)
		return false;
	*ret = (struct nft_mss_rule){ .ifname = session->name, .mss4 = mss, .mss6 = mss };
	if (mss)
		return true;
	if (mtu_budget_ladder(b, tunnel, session, &ladder) < 0)
		return false;
	ret->mss4 = (uint16_t)ladder.mss4;
	ret->mss6 = (uint16_t)ladder.mss6;
	return true;
}

/* Return: the rules of all sessions, to be freed, `*ret_n` of them; or NULL. Names are borrowed. */
static struct nft_mss_rule *make_rules(
	const struct mtu_budget *b, const struct conf_site *conf, size_t *ret_n)
{
	struct nft_mss_rule *v = calloc(conf_session_count(conf) + 1, sizeof(*v));

	*ret_n = 0;
	for (size_t i = 0; v && i < conf->n_tunnels; i++)
		for (size_t k = 0; k < conf->tunnels[i].n_sessions; k++)
			*ret_n += make_rule(
				b, &conf->tunnels[i], &conf->tunnels[i].sessions[k], &v[*ret_n]);
	return v;
}

static struct journal_entry entry_of(const struct conf_site *conf)
{
	struct journal_entry e = { .kind = JOURNAL_CLAMP };

	snprintf(e.name, sizeof(e.name), "%s", conf->name);
	return e;
}

/* Write the rules into the kernel, journalled first. Return: 0, or -errno with the netdev's error
 * filled. */
static int set_rules(
	struct netdev *m, const struct conf_site *conf, const struct nft_mss_rule *v, size_t n)
{
	const struct journal_entry e = entry_of(conf);
	size_t noted = journal_find(&m->journal, &e);
	char table[NFT_MSS_TABLE_LEN];
	int err = 0;

	if (!n)
		return noted == SIZE_MAX ? 0 : undo_entry(m, noted);
	if (noted == SIZE_MAX)
		err = netdev_journal(m, &e);
	if (err == 0)
		err = netdev_log(m, "nft -f - (table bridge %s: MSS %u and %u)",
			nft_mss_table(conf->name, table), v->mss4, v->mss6);
	if (err < 0)
		return err;
	err = nft_mss_set(conf->name, v, n, &m->error);
	if (err < 0 && noted == SIZE_MAX)
		journal_remove(&m->journal, m->journal.n - 1);
	return err;
}

void kernel_mtus_clamp(struct kernel_mtus *mtus, struct netdev *m, const struct conf_site *conf)
{
	size_t n;
	struct nft_mss_rule *v = make_rules(&mtus->budget, conf, &n);
	int err = v ? set_rules(m, conf, v, n) : netdev_fail(m, -ENOMEM, "Out of memory");
	char table[NFT_MSS_TABLE_LEN];

	free(v);
	mtus->clamp = (struct nft_table_mark){ 0 };
	if (err == 0 && n) /* without the mark, only its existence is compared */
		(void)nft_table_learn(AF_BRIDGE, nft_mss_table(conf->name, table), &mtus->clamp);
	if (err < 0 && !mtus->clamp_failed)
		log_warning("TCP connections are not clamped to segments that fit: %s %s Larger "
			    "ones are sent in fragments inside the tunnel.",
			m->error.problem, m->error.hint);
	mtus->clamp_failed = err < 0;
}

/* Compare the table with the one that was made. Return: an enum nft_table_state, or -errno. */
static int compare_table(struct nft_table_mark *mark, const struct conf_site *conf)
{
	char table[NFT_MSS_TABLE_LEN];

	return nft_table_compare(AF_BRIDGE, nft_mss_table(conf->name, table), mark);
}

bool kernel_mtus_is_clamped(const struct kernel_mtus *mtus, const struct conf_site *conf)
{
	struct nft_table_mark mark = mtus->clamp;

	return compare_table(&mark, conf) == NFT_TABLE_AS_MADE;
}

void kernel_mtus_keep_clamp(
	struct kernel_mtus *mtus, struct netdev *m, const struct conf_site *conf)
{
	const struct journal_entry e = entry_of(conf);
	char table[NFT_MSS_TABLE_LEN];
	int is;

	if (journal_find(&m->journal, &e) == SIZE_MAX)
		return;
	is = compare_table(&mtus->clamp, conf);
	if (is != NFT_TABLE_ABSENT && is != NFT_TABLE_CHANGED)
		return;
	log_warning("Another program has %s the nf_tables table bridge %s: it is made again. "
		    "Let that program leave tables that are not its own, instead of `nft flush "
		    "ruleset`.",
		is == NFT_TABLE_CHANGED ? "changed" : "deleted", nft_mss_table(conf->name, table));
	kernel_mtus_clamp(mtus, m, conf);
}
