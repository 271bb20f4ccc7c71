/* SPDX-License-Identifier: MIT */
/* The kernel's L2TP tunnels and sessions as the configuration wants them.
 *
 * Theory of operation. The journal has an entry for each tunnel and session of the site, so those
 * of other programs are never touched. Its entry also has the sublayer of the session, which the
 * kernel does not report. The kernel cannot change a tunnel or session except for its sequence
 * numbers, so what differs is deleted and created again.
 */
#include "backend/kernel_sessions.h"

#include <errno.h>
#include <linux/l2tp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "host/undo.h"
#include "netlink/l2tp_nl.h"
#include "netlink/query.h"

/** What the kernel has, and how to change it. */
struct present {
	struct kernel_netlink *k;
	struct netdev *m;
	struct l2tpnl_tunnel_list tunnels;
	struct l2tpnl_session_list sessions;
};

bool kernel_sessions_checksum(const struct conf_tunnel *tunnel)
{
	return conf_tunnel_has_checksum(tunnel) ||
	       (tunnel->encap == L2TP_ENCAP_UDP && !tunnel->at[CONF_TUNNEL_UDP_CHECKSUM].line);
}

/* ---- what is wanted ---- */

static struct l2tpnl_tunnel tunnel_wanted(const struct conf_tunnel *t)
{
	bool ip = t->encap == L2TP_ENCAP_IP;

	return (struct l2tpnl_tunnel){
		.id = t->tunnel_id,
		.peer_id = t->peer_tunnel_id,
		.ip_encap = ip,
		.local = t->local,
		.remote = t->remote,
		.local_port = ip ? 0 : t->udp_source_port,
		.remote_port = ip ? 0 : t->udp_destination_port,
		.udp_checksum = t->local.family == AF_INET && kernel_sessions_checksum(t),
	};
}

static struct l2tpnl_cookie cookie_of(const uint8_t *bytes, uint8_t len)
{
	struct l2tpnl_cookie c = { .len = len };

	memcpy(c.bytes, bytes, len);
	return c;
}

static struct l2tpnl_session session_wanted(
	const struct conf_tunnel *t, const struct conf_session *s)
{
	struct l2tpnl_session w = {
		.tunnel_id = t->tunnel_id,
		.id = s->session_id,
		.peer_id = s->peer_session_id,
		.tx_cookie = cookie_of(s->cookie, s->cookie_len),
		.rx_cookie = cookie_of(s->peer_cookie, s->peer_cookie_len),
		.default_sublayer = s->options.sublayer == L2TP_SUBLAYER_DEFAULT,
		.sends_sequence = s->options.sequence & L2TP_SEQUENCE_SEND,
		.checks_sequence = s->options.sequence & L2TP_SEQUENCE_RECV,
	};

	memcpy(w.ifname, s->name, sizeof(w.ifname));
	return w;
}

static const struct conf_tunnel *find_tunnel(const struct conf_site *conf, uint32_t id)
{
	for (size_t i = 0; i < conf->n_tunnels; i++)
		if (conf->tunnels[i].tunnel_id == id)
			return &conf->tunnels[i];
	return NULL;
}

static const struct conf_session *find_session(const struct conf_tunnel *tunnel, uint32_t id)
{
	for (size_t i = 0; i < tunnel->n_sessions; i++)
		if (tunnel->sessions[i].session_id == id)
			return &tunnel->sessions[i];
	return NULL;
}

/* ---- what there is ---- */

static const struct l2tpnl_tunnel *present_tunnel(const struct present *p, uint32_t id)
{
	for (size_t i = 0; i < p->tunnels.n; i++)
		if (p->tunnels.v[i].tunnel.id == id)
			return &p->tunnels.v[i].tunnel;
	return NULL;
}

static const struct l2tpnl_session *present_session(
	const struct present *p, uint32_t tunnel, uint32_t id)
{
	for (size_t i = 0; i < p->sessions.n; i++) {
		const struct l2tpnl_session_info *s = &p->sessions.v[i];

		if (s->session.tunnel_id == tunnel && s->session.id == id)
			return &s->session;
	}
	return NULL;
}

static void present_fini(struct present *p)
{
	free(p->tunnels.v);
	p->tunnels = (struct l2tpnl_tunnel_list){ 0 };
	l2tpnl_sessions_fini(&p->sessions);
}

static int take_present(struct present *p, struct error *ret_error)
{
	struct nl_socket *nl = &p->k->nl;
	int err = l2tpnl_tunnels(nl, p->k->l2tp, &p->tunnels);

	if (err < 0)
		return nl_fail(nl, ret_error, err, "Cannot list the L2TP tunnels\n");
	err = l2tpnl_sessions(nl, p->k->l2tp, &p->sessions);
	if (err < 0) {
		present_fini(p);
		return nl_fail(nl, ret_error, err, "Cannot list the L2TP sessions\n");
	}
	return 0;
}

/* The index of the journal's entry of a tunnel or session (`id` 0: of a tunnel), or SIZE_MAX. */
static size_t noted(const struct netdev *m, uint32_t tunnel, uint32_t id)
{
	struct journal_entry like = {
		.kind = id ? JOURNAL_SESSION : JOURNAL_TUNNEL, .tunnel = tunnel, .session = id
	};

	return journal_find(&m->journal, &like);
}

/* ---- comparing ---- */

static bool tunnels_equal(const struct l2tpnl_tunnel *a, const struct l2tpnl_tunnel *b)
{
	return a->peer_id == b->peer_id && a->ip_encap == b->ip_encap &&
	       ip_addr_equal(&a->local, &b->local) && ip_addr_equal(&a->remote, &b->remote) &&
	       a->local_port == b->local_port && a->remote_port == b->remote_port &&
	       a->udp_checksum == b->udp_checksum &&
	       a->udp_zero_checksum6_tx == b->udp_zero_checksum6_tx &&
	       a->udp_zero_checksum6_rx == b->udp_zero_checksum6_rx;
}

static bool cookies_equal(const struct l2tpnl_cookie *a, const struct l2tpnl_cookie *b)
{
	return a->len == b->len && !memcmp(a->bytes, b->bytes, a->len);
}

/* Whether two sessions are equal, except for their sequence numbers and the sublayer. */
static bool sessions_equal(const struct l2tpnl_session *a, const struct l2tpnl_session *b)
{
	return a->peer_id == b->peer_id && cookies_equal(&a->tx_cookie, &b->tx_cookie) &&
	       cookies_equal(&a->rx_cookie, &b->rx_cookie) && !strcmp(a->ifname, b->ifname);
}

/* Whether the kernel's tunnel of a journal entry can stay. */
static bool tunnel_stays(
	const struct present *p, const struct conf_site *conf, const struct journal_entry *e)
{
	const struct l2tpnl_tunnel *have = present_tunnel(p, e->tunnel);
	const struct conf_tunnel *want = find_tunnel(conf, e->tunnel);
	struct l2tpnl_tunnel wanted;

	if (!have || !want)
		return false;
	wanted = tunnel_wanted(want);
	return tunnels_equal(have, &wanted);
}

/* Whether the interface of a session exists and still is ours. */
static bool has_interface(struct netdev *m, const char *name)
{
	struct link_info link;

	return query_link(&m->nl, name, &link) == 0 && !strcmp(link.alias, m->alias);
}

static bool session_stays(
	const struct present *p, const struct conf_site *conf, const struct journal_entry *e)
{
	const struct l2tpnl_session *have = present_session(p, e->tunnel, e->session);
	const struct conf_tunnel *tunnel = find_tunnel(conf, e->tunnel);
	const struct conf_session *want = tunnel ? find_session(tunnel, e->session) : NULL;
	struct l2tpnl_session wanted;
	bool is_same;

	if (!have || !want)
		return false;
	wanted = session_wanted(tunnel, want);
	is_same = sessions_equal(have, &wanted) && wanted.default_sublayer == !e->no_sublayer;
	secret_wipe(&wanted, sizeof(wanted)); /* it has the cookies */
	return is_same && has_interface(p->m, want->name);
}

/* ---- deleting ---- */

/* Delete what does not stay: sessions, then tunnels with what is left in them. */
static int delete_others(struct present *p, const struct conf_site *conf)
{
	struct journal *j = &p->m->journal;
	int err = 0;

	for (size_t i = j->n; err == 0 && i-- > 0;) {
		const struct journal_entry e = j->v[i];
		const struct journal_entry tunnel = { .kind = JOURNAL_TUNNEL, .tunnel = e.tunnel };

		if (e.kind == JOURNAL_SESSION &&
			(!session_stays(p, conf, &e) || !tunnel_stays(p, conf, &tunnel)))
			err = undo_entry(p->m, i);
	}
	for (size_t i = j->n; err == 0 && i-- > 0;) {
		const struct journal_entry e = j->v[i];

		if (e.kind == JOURNAL_TUNNEL && !tunnel_stays(p, conf, &e))
			err = undo_entry(p->m, i);
	}
	return err;
}

/* ---- creating ---- */

static const char *tunnel_hint(int err)
{
	switch (-err) {
	case EADDRINUSE:
		return "Another socket has this Local and UDPSourcePort: see `ss -ulpn`, or set "
		       "another UDPSourcePort.";
	case EADDRNOTAVAIL:
		return "Local must be an Address of [Interface], or of another interface of this "
		       "host.";
	case ENETUNREACH:
	case EHOSTUNREACH:
		return "There is no route to Remote: is it in AllowedIPs, and is Table not off?";
	case EEXIST:
		return "Another program has a tunnel of this TunnelId (`ip l2tp show tunnel`): "
		       "remove it, or set another one here and at the peer.";
	case EPROTONOSUPPORT:
		return "Load the module l2tp_ip or l2tp_ip6 for EncapsulationType = ip.";
	default:
		return "See `ip l2tp show tunnel`.";
	}
}

static const char *session_hint(int err)
{
	switch (-err) {
	case EEXIST:
		return "Another session has this SessionId or interface name: see `ip l2tp show "
		       "session` and `ip link`.";
	case EPROTONOSUPPORT:
		return "Load the module l2tp_eth.";
	default:
		return "See `ip l2tp show session`.";
	}
}

static int create_tunnel(struct present *p, const struct l2tpnl_tunnel *t, struct error *ret_error)
{
	const struct journal_entry e = {
		.kind = JOURNAL_TUNNEL, .tunnel = t->id, .peer = t->peer_id
	};
	char local[IP_ADDR_TEXT_LEN];
	char remote[IP_ADDR_TEXT_LEN];
	char what[200];
	struct nl_msg msg;
	int err;

	ip_addr_text(&t->local, local);
	ip_addr_text(&t->remote, remote);
	snprintf(what, sizeof(what),
		"ip l2tp add tunnel tunnel_id %u peer_tunnel_id %u encap %s local %s remote %s "
		"udp_sport %u udp_dport %u",
		t->id, t->peer_id, t->ip_encap ? "ip" : "udp", local, remote, t->local_port,
		t->remote_port);
	if (present_tunnel(p, t->id) && noted(p->m, t->id, 0) == SIZE_MAX)
		return error_set(ret_error, -EEXIST, "There is an L2TP tunnel %u already\n%s",
			t->id, tunnel_hint(-EEXIST));
	err = netdev_journal(p->m, &e);
	if (err == 0)
		err = netdev_log(p->m, "%s", what);
	if (err < 0) {
		*ret_error = p->m->error;
		return err;
	}
	err = nl_request(&p->k->nl, l2tpnl_encode_tunnel_create(&msg, p->k->l2tp, t));
	if (err == -EEXIST) /* made by another program meanwhile: not ours to delete */
		journal_remove(&p->m->journal, p->m->journal.n - 1);
	return err < 0 ? nl_fail(&p->k->nl, ret_error, err, "Cannot \"%s\"\n%s", what,
				 tunnel_hint(err))
		       : 0;
}

/* Mark the new interface as ours, and keep it from accepting addresses from the segment, and a
 * port of a bridge from having any. */
static int claim_interface(struct netdev *m, const char *name, bool is_port)
{
	struct link_info link;
	int err = netdev_find(m, name, &link);

	if (err == 0)
		err = netdev_set_alias(m, &link);
	if (err == 0 && is_port)
		err = netdev_no_autoconf(m, &link);
	return err ? err : netdev_refuse_ra(m, name);
}

static int create_session(
	struct present *p, const struct l2tpnl_session *s, bool is_port, struct error *ret_error)
{
	struct journal_entry e = { .kind = JOURNAL_SESSION,
		.tunnel = s->tunnel_id,
		.session = s->id,
		.no_sublayer = !s->default_sublayer };
	struct netdev *m = p->m;
	struct nl_msg msg;
	char what[160];
	int err;

	snprintf(e.name, sizeof(e.name), "%s", s->ifname);
	snprintf(what, sizeof(what),
		"ip l2tp add session name %s tunnel_id %u session_id %u peer_session_id %u",
		s->ifname, s->tunnel_id, s->id, s->peer_id);
	err = netdev_journal(m, &e);
	if (err == 0)
		err = netdev_log(m, "%s", what);
	if (err == 0) {
		err = nl_request(&p->k->nl, l2tpnl_encode_session_create(&msg, p->k->l2tp, s));
		secret_wipe(&msg, sizeof(msg)); /* it has the cookies */
		if (err == -EEXIST)		/* of another program, or in another tunnel */
			journal_remove(&m->journal, m->journal.n - 1);
		if (err < 0)
			return nl_fail(&p->k->nl, ret_error, err, "Cannot \"%s\"\n%s", what,
				session_hint(err));
		err = claim_interface(m, s->ifname, is_port);
	}
	if (err < 0)
		*ret_error = m->error;
	return err;
}

/* Set the sequence numbers of a session that stays, if they differ. */
static int set_sequence(struct present *p, const struct l2tpnl_session *want,
	const struct l2tpnl_session *have, struct error *ret_error)
{
	struct nl_msg msg;
	int err;

	if (want->sends_sequence == have->sends_sequence &&
		want->checks_sequence == have->checks_sequence)
		return 0;
	err = netdev_log(p->m, "l2tp: sequence numbers of session %u: %s%s", want->id,
		want->sends_sequence ? "send " : "", want->checks_sequence ? "recv" : "");
	if (err < 0) {
		*ret_error = p->m->error;
		return err;
	}
	err = nl_request(&p->k->nl, l2tpnl_encode_session_modify(&msg, p->k->l2tp, want));
	return err < 0 ? nl_fail(&p->k->nl, ret_error, err,
				 "Cannot change the sequence numbers of %s\n", want->ifname)
		       : 0;
}

/* Create the tunnel and its sessions as far as they are missing. */
static int create_missing(struct present *p, const struct conf_tunnel *t, struct error *ret_error)
{
	const struct l2tpnl_tunnel tunnel = tunnel_wanted(t);
	int err = 0;

	if (noted(p->m, t->tunnel_id, 0) == SIZE_MAX)
		err = create_tunnel(p, &tunnel, ret_error);
	for (size_t i = 0; err == 0 && i < t->n_sessions; i++) {
		struct l2tpnl_session session = session_wanted(t, &t->sessions[i]);
		const struct l2tpnl_session *have = present_session(p, t->tunnel_id, session.id);

		if (noted(p->m, t->tunnel_id, session.id) == SIZE_MAX)
			err = create_session(p, &session, *t->sessions[i].bridge, ret_error);
		else if (have)
			err = set_sequence(p, &session, have, ret_error);
		secret_wipe(&session, sizeof(session)); /* it has the cookies */
	}
	return err;
}

/* Whether the journal has a tunnel, also one that is no longer configured. */
static bool has_noted(const struct netdev *m)
{
	return journal_find(&m->journal, &(struct journal_entry){ JOURNAL_TUNNEL }) != SIZE_MAX ||
	       journal_find(&m->journal, &(struct journal_entry){ JOURNAL_SESSION }) != SIZE_MAX;
}

int kernel_sessions_make(struct kernel_netlink *k, struct netdev *m, const struct conf_site *conf,
	struct error *ret_error)
{
	struct present p = { .k = k, .m = m };
	int err;

	if (!conf->n_tunnels && !has_noted(m))
		return 0;
	err = kernel_netlink_need_l2tp(k, ret_error);
	if (err == 0)
		err = take_present(&p, ret_error);
	if (err < 0)
		return err;
	err = delete_others(&p, conf);
	if (err < 0)
		*ret_error = m->error;
	present_fini(&p);
	if (err == 0)
		err = take_present(&p, ret_error);
	if (err < 0)
		return err;
	for (size_t i = 0; err == 0 && i < conf->n_tunnels; i++)
		err = create_missing(&p, &conf->tunnels[i], ret_error);
	present_fini(&p);
	return err;
}
