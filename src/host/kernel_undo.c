/* SPDX-License-Identifier: MIT */
/* Undo what a back end of kernel objects has made: WireGuard interface, L2TP, segment sizes. */
#include "host/kernel_undo.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/l2tp.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "netlink/genl.h"
#include "netlink/l2tp_nl.h"
#include "netlink/nft_mss.h"
#include "netlink/query.h"

/* The kernel deletes tunnels, and since Linux 6.12 sessions, in a worker. */
#define GONE_MS 5000
#define STEP_MS 5

bool kernel_undo_is_wireguard(const struct netdev *m, const struct link_info *link)
{
	if (strcmp(link->kind, "wireguard") != 0)
		return false;
	return !strcmp(link->alias, m->alias) || (!*link->alias && link->group == NETDEV_GROUP_NEW);
}

int kernel_undo_wireguard(struct netdev *m, const struct journal_entry *e)
{
	struct link_info link;
	struct nl_msg msg;
	int err = query_link(&m->nl, e->name, &link);

	if (err == 0 && kernel_undo_is_wireguard(m, &link))
		err = nl_request(&m->nl, link_encode_delete(&msg, link.ifindex));
	return err == -ENODEV ? 0 : err;
}

int kernel_undo_clamp(struct netdev *m, const struct journal_entry *e)
{
	return nft_mss_set(e->name, NULL, 0, &m->error);
}

/** Open the socket of the kernel's L2TP. Return: 0; -ENOENT without the module, hence without
 * tunnels; or another -errno. */
static int open_l2tp(struct nl_socket *nl, uint16_t *ret_family)
{
	int err = nl_socket_open_generic(nl);

	if (err < 0)
		return err;
	err = genl_resolve(nl, L2TP_GENL_NAME, ret_family);
	if (err < 0)
		nl_socket_close(nl);
	return err;
}

/** Whether there is the tunnel of a journal entry. Return: 1, 0 or -errno. */
static int tunnel_exists(struct nl_socket *nl, uint16_t family, const struct journal_entry *e)
{
	struct l2tpnl_tunnel_list list;
	int err = l2tpnl_tunnels(nl, family, &list);
	int found = 0;

	if (err < 0)
		return err;
	for (size_t i = 0; i < list.n; i++)
		found |= list.v[i].tunnel.id == e->tunnel && list.v[i].tunnel.peer_id == e->peer;
	free(list.v);
	return found;
}

/** Whether a session of a tunnel of ours is ours: its interface has our alias; or it has none yet,
 * as the journal has nothing newer. One whose interface has another name now is by its entry. */
static bool is_our_session(struct netdev *m, const struct l2tpnl_session *s)
{
	const struct journal_entry like = {
		.kind = JOURNAL_SESSION, .tunnel = s->tunnel_id, .session = s->id
	};
	size_t i = journal_find(&m->journal, &like);
	struct link_info link;

	if (query_link(&m->nl, s->ifname, &link) < 0)
		return i != SIZE_MAX;
	return !strcmp(link.alias, m->alias) ||
	       (i != SIZE_MAX && m->journal.v[i].newest && !*link.alias && !(link.flags & IFF_UP));
}

/** Whether a tunnel without sessions had some of ours, which are gone although newer changes than
 * theirs are not undone yet: others have deleted them, alone or with our tunnel. What the kernel
 * reports of a tunnel does not show who has made it. */
static bool is_deserted(const struct netdev *m, const struct journal_entry *tunnel)
{
	const struct journal_entry like = { .kind = JOURNAL_SESSION, .tunnel = tunnel->tunnel };
	size_t i = journal_find(&m->journal, &like);

	return tunnel->deserted || (i != SIZE_MAX && !m->journal.v[i].newest);
}

/** Whether there is the tunnel of a journal entry and it is ours. Another program may have made one
 * of the same ids since: then its sessions are not ours, or ours are missing. Return: 1, 0 or
 * -errno. */
static int tunnel_is_ours(
	struct netdev *m, struct nl_socket *nl, uint16_t family, const struct journal_entry *e)
{
	struct l2tpnl_session_list list;
	int err = tunnel_exists(nl, family, e);
	bool used = false;
	bool ours = false;

	if (err <= 0 || e->verified)
		return err;
	err = l2tpnl_sessions(nl, family, &list);
	if (err < 0)
		return err;
	for (size_t i = 0; i < list.n; i++) {
		const struct l2tpnl_session *s = &list.v[i].session;

		if (s->tunnel_id != e->tunnel)
			continue;
		used = true;
		ours |= is_our_session(m, s);
	}
	l2tpnl_sessions_fini(&list);
	return ours || (!used && !is_deserted(m, e));
}

static int delete_tunnel(struct nl_socket *nl, uint16_t family, const struct journal_entry *e)
{
	struct nl_msg msg;
	int err = tunnel_exists(nl, family, e);

	if (err <= 0)
		return err;
	err = nl_request(nl, l2tpnl_encode_tunnel_delete(&msg, family, e->tunnel));
	for (int ms = 0; err == 0 && ms < GONE_MS; ms += STEP_MS) {
		err = tunnel_exists(nl, family, e);
		if (err <= 0)
			return err;
		err = 0;
		poll(NULL, 0, STEP_MS);
	}
	return err == 0 ? -EBUSY : err == -ENODEV ? 0 : err;
}

int kernel_undo_tunnel(struct netdev *m, const struct journal_entry *e)
{
	struct nl_socket nl;
	uint16_t family;
	int err = open_l2tp(&nl, &family);

	if (err < 0)
		return err == -ENOENT ? 0 : err;
	err = tunnel_is_ours(m, &nl, family, e);
	if (err > 0)
		err = delete_tunnel(&nl, family, e);
	else if (err == 0 && tunnel_exists(&nl, family, e) > 0)
		log_warning("The L2TP tunnel %" PRIu32 " has none of the site's sessions: another "
			    "program may have made it, so it is left. If none has: ip l2tp del "
			    "tunnel tunnel_id %" PRIu32,
			e->tunnel, e->tunnel);
	nl_socket_close(&nl);
	return err;
}

/** Wait until an interface is gone. Return: 0, -EBUSY after a long time, or another -errno. */
static int await_gone(struct netdev *m, uint32_t ifindex)
{
	struct link_info link;
	int err = 0;

	for (int ms = 0; err == 0 && ms < GONE_MS; ms += STEP_MS) {
		err = query_link_index(&m->nl, ifindex, &link);
		if (err == 0)
			poll(NULL, 0, STEP_MS);
	}
	return err == 0 ? -EBUSY : err == -ENODEV ? 0 : err;
}

/** Whether a session's tunnel is ours, which its entry stores. Return: 1, 0 or -errno. */
static int verify_tunnel(struct netdev *m, struct nl_socket *nl, uint16_t family,
	const struct journal_entry *session)
{
	const struct journal_entry like = { .kind = JOURNAL_TUNNEL, .tunnel = session->tunnel };
	size_t i = journal_find(&m->journal, &like);
	int ours = i == SIZE_MAX ? 0 : tunnel_is_ours(m, nl, family, &m->journal.v[i]);

	if (ours > 0)
		m->journal.v[i].verified = true;
	if (ours == 0 &&
		i != SIZE_MAX) /* the session's entry is removed now, before the tunnel's */
		m->journal.v[i].deserted = is_deserted(m, &m->journal.v[i]);
	return ours;
}

int kernel_undo_session(struct netdev *m, const struct journal_entry *e)
{
	struct nl_socket nl;
	struct link_info link;
	struct nl_msg msg;
	uint16_t family;
	bool there = query_link(&m->nl, e->name, &link) == 0 && !strcmp(link.alias, m->alias);
	int err = open_l2tp(&nl, &family);

	if (err < 0)
		return err == -ENOENT ? 0 : err;
	err = verify_tunnel(m, &nl, family, e);
	if (err > 0)
		err = nl_request(
			&nl, l2tpnl_encode_session_delete(&msg, family, e->tunnel, e->session));
	nl_socket_close(&nl);
	if (err < 0)
		return err == -ENODEV ? 0 : err;
	return there ? await_gone(m, link.ifindex) : 0;
}

/** Find the tunnel of the session with that interface. The kernel reports the name that an
 * interface had when it was created: one that was renamed since may have had the same.
 * Return: 1 with the tunnel's ids; 0 if there is none; -ENOTUNIQ if there are several; or another
 * -errno. */
static int find_tunnel_of(
	struct nl_socket *nl, uint16_t family, const char *interface, struct journal_entry *ret)
{
	struct l2tpnl_session_list list;
	int err = l2tpnl_sessions(nl, family, &list);
	int found = 0;

	if (err < 0)
		return err;
	for (size_t i = 0; i < list.n; i++)
		if (!strcmp(list.v[i].session.ifname, interface)) {
			ret->tunnel = list.v[i].session.tunnel_id;
			ret->peer = list.v[i].tunnel_peer_id;
			found++;
		}
	l2tpnl_sessions_fini(&list);
	return found > 1 ? -ENOTUNIQ : found;
}

/** Delete the tunnel of an interface of L2TP. Return: 1; 0 if it is none; or -errno. */
static int remove_tunnel_of(const struct link_info *link)
{
	struct journal_entry tunnel = { .kind = JOURNAL_TUNNEL };
	struct nl_socket nl;
	uint16_t family;
	int err = open_l2tp(&nl, &family);
	int found;

	if (err < 0)
		return err == -ENOENT ? 0 : err;
	found = find_tunnel_of(&nl, family, link->name, &tunnel);
	err = found > 0 ? delete_tunnel(&nl, family, &tunnel) : found;
	nl_socket_close(&nl);
	return err < 0 ? err : found;
}

int kernel_remove_leftover(struct netdev *m, const struct link_info *link)
{
	struct error error;
	struct nl_msg msg;
	int err;

	if (!*link->kind)
		return remove_tunnel_of(link);
	if (strcmp(link->kind, "wireguard") != 0)
		return 0;
	if (nft_mss_set(m->alias + strlen(NETDEV_ALIAS), NULL, 0, &error) < 0)
		log_warning("%s %s", error.problem, error.hint);
	err = netdev_change(
		m, link_encode_delete(&msg, link->ifindex), "ip link del %s", link->name);
	return err < 0 ? err : 1;
}
