/* SPDX-License-Identifier: MIT */
/* Generic netlink messages of the kernel's L2TPv3: static tunnels and Ethernet sessions. */
#include "netlink/l2tp_nl.h"

#include <errno.h>
#include <linux/l2tp.h>
#include <stdlib.h>

#include <libmnl/libmnl.h>

#include "base/array.h"
#include "base/secret.h"
#include "netlink/genl.h"

#define ATTEMPTS      10 /* to get a consistent dump while tunnels change */
#define L2TP_VERSION3 3

static void start(struct nl_msg *m, uint16_t family, uint16_t flags, uint8_t cmd)
{
	genl_start(m, family, flags, cmd, L2TP_GENL_VERSION);
}

/* The presence of UDP_CSUM is what the kernel looks at. */
static void put_udp(struct nl_msg *m, const struct l2tpnl_tunnel *t)
{
	nl_msg_put_u16(m, L2TP_ATTR_UDP_SPORT, t->local_port);
	nl_msg_put_u16(m, L2TP_ATTR_UDP_DPORT, t->remote_port);
	if (t->udp_checksum)
		nl_msg_put_u8(m, L2TP_ATTR_UDP_CSUM, 1);
	if (t->udp_zero_checksum6_tx)
		nl_msg_put_flag(m, L2TP_ATTR_UDP_ZERO_CSUM6_TX);
	if (t->udp_zero_checksum6_rx)
		nl_msg_put_flag(m, L2TP_ATTR_UDP_ZERO_CSUM6_RX);
}

struct nl_msg *l2tpnl_encode_tunnel_create(
	struct nl_msg *m, uint16_t family, const struct l2tpnl_tunnel *tunnel)
{
	bool six = tunnel->local.family == AF_INET6;

	start(m, family, 0, L2TP_CMD_TUNNEL_CREATE);
	nl_msg_put_u32(m, L2TP_ATTR_CONN_ID, tunnel->id);
	nl_msg_put_u32(m, L2TP_ATTR_PEER_CONN_ID, tunnel->peer_id);
	nl_msg_put_u8(m, L2TP_ATTR_PROTO_VERSION, L2TP_VERSION3);
	nl_msg_put_u16(
		m, L2TP_ATTR_ENCAP_TYPE, tunnel->ip_encap ? L2TP_ENCAPTYPE_IP : L2TP_ENCAPTYPE_UDP);
	nl_msg_put_addr(m, six ? L2TP_ATTR_IP6_SADDR : L2TP_ATTR_IP_SADDR, &tunnel->local);
	nl_msg_put_addr(m, six ? L2TP_ATTR_IP6_DADDR : L2TP_ATTR_IP_DADDR, &tunnel->remote);
	if (!tunnel->ip_encap)
		put_udp(m, tunnel);
	return m;
}

struct nl_msg *l2tpnl_encode_tunnel_delete(struct nl_msg *m, uint16_t family, uint32_t id)
{
	start(m, family, 0, L2TP_CMD_TUNNEL_DELETE);
	nl_msg_put_u32(m, L2TP_ATTR_CONN_ID, id);
	return m;
}

struct nl_msg *l2tpnl_encode_tunnel_dump(struct nl_msg *m, uint16_t family)
{
	start(m, family, NLM_F_DUMP, L2TP_CMD_TUNNEL_GET);
	return m;
}

static void put_cookie(struct nl_msg *m, uint16_t type, const struct l2tpnl_cookie *cookie)
{
	if (cookie->len)
		nl_msg_put(m, type, cookie->bytes, cookie->len);
}

struct nl_msg *l2tpnl_encode_session_create(
	struct nl_msg *m, uint16_t family, const struct l2tpnl_session *session)
{
	start(m, family, 0, L2TP_CMD_SESSION_CREATE);
	nl_msg_put_u32(m, L2TP_ATTR_CONN_ID, session->tunnel_id);
	nl_msg_put_u32(m, L2TP_ATTR_SESSION_ID, session->id);
	nl_msg_put_u32(m, L2TP_ATTR_PEER_SESSION_ID, session->peer_id);
	nl_msg_put_u16(m, L2TP_ATTR_PW_TYPE, L2TP_PWTYPE_ETH);
	nl_msg_put_u8(m, L2TP_ATTR_L2SPEC_TYPE,
		session->default_sublayer ? L2TP_L2SPECTYPE_DEFAULT : L2TP_L2SPECTYPE_NONE);
	put_cookie(m, L2TP_ATTR_COOKIE, &session->tx_cookie);
	put_cookie(m, L2TP_ATTR_PEER_COOKIE, &session->rx_cookie);
	nl_msg_put_u8(m, L2TP_ATTR_RECV_SEQ, session->checks_sequence);
	nl_msg_put_u8(m, L2TP_ATTR_SEND_SEQ, session->sends_sequence);
	if (*session->ifname)
		nl_msg_put_text(m, L2TP_ATTR_IFNAME, session->ifname);
	return m;
}

struct nl_msg *l2tpnl_encode_session_modify(
	struct nl_msg *m, uint16_t family, const struct l2tpnl_session *session)
{
	start(m, family, 0, L2TP_CMD_SESSION_MODIFY);
	nl_msg_put_u32(m, L2TP_ATTR_CONN_ID, session->tunnel_id);
	nl_msg_put_u32(m, L2TP_ATTR_SESSION_ID, session->id);
	nl_msg_put_u8(m, L2TP_ATTR_RECV_SEQ, session->checks_sequence);
	nl_msg_put_u8(m, L2TP_ATTR_SEND_SEQ, session->sends_sequence);
	return m;
}

struct nl_msg *l2tpnl_encode_session_delete(
	struct nl_msg *m, uint16_t family, uint32_t tunnel_id, uint32_t id)
{
	start(m, family, 0, L2TP_CMD_SESSION_DELETE);
	nl_msg_put_u32(m, L2TP_ATTR_CONN_ID, tunnel_id);
	nl_msg_put_u32(m, L2TP_ATTR_SESSION_ID, id);
	return m;
}

struct nl_msg *l2tpnl_encode_session_dump(struct nl_msg *m, uint16_t family)
{
	start(m, family, NLM_F_DUMP, L2TP_CMD_SESSION_GET);
	return m;
}

static void decode_counter(const struct nlattr *a, struct l2tpnl_stats *stats)
{
	switch (mnl_attr_get_type(a)) {
	case L2TP_ATTR_TX_PACKETS:
		nl_attr_u64(a, &stats->tx_packets);
		break;
	case L2TP_ATTR_TX_BYTES:
		nl_attr_u64(a, &stats->tx_bytes);
		break;
	case L2TP_ATTR_TX_ERRORS:
		nl_attr_u64(a, &stats->tx_errors);
		break;
	case L2TP_ATTR_RX_PACKETS:
		nl_attr_u64(a, &stats->rx_packets);
		break;
	case L2TP_ATTR_RX_BYTES:
		nl_attr_u64(a, &stats->rx_bytes);
		break;
	case L2TP_ATTR_RX_ERRORS:
		nl_attr_u64(a, &stats->rx_errors);
		break;
	case L2TP_ATTR_RX_SEQ_DISCARDS:
		nl_attr_u64(a, &stats->rx_seq_discards);
		break;
	case L2TP_ATTR_RX_OOS_PACKETS:
		nl_attr_u64(a, &stats->rx_oos_packets);
		break;
	case L2TP_ATTR_RX_COOKIE_DISCARDS:
		stats->has_cookie_discards = nl_attr_u64(a, &stats->rx_cookie_discards);
		break;
	case L2TP_ATTR_RX_INVALID:
		stats->has_invalid = nl_attr_u64(a, &stats->rx_invalid);
		break;
	default: /* padding */
		break;
	}
}

static void decode_stats(const struct nlattr *nest, struct l2tpnl_stats *stats)
{
	struct nl_attrs walk = nl_attrs_in(nest);
	const struct nlattr *a;

	while ((a = nl_attrs_next(&walk)))
		decode_counter(a, stats);
}

static bool attr_is_set(const struct nlattr *a)
{
	uint8_t v = 0;

	return nl_attr_u8(a, &v) && v;
}

static void decode_tunnel_addr(const struct nlattr *a, struct l2tpnl_tunnel *t)
{
	switch (mnl_attr_get_type(a)) {
	case L2TP_ATTR_IP_SADDR:
		nl_attr_addr(a, AF_INET, &t->local);
		break;
	case L2TP_ATTR_IP_DADDR:
		nl_attr_addr(a, AF_INET, &t->remote);
		break;
	case L2TP_ATTR_IP6_SADDR:
		nl_attr_addr(a, AF_INET6, &t->local);
		break;
	case L2TP_ATTR_IP6_DADDR:
		nl_attr_addr(a, AF_INET6, &t->remote);
		break;
	case L2TP_ATTR_UDP_SPORT:
		nl_attr_u16(a, &t->local_port);
		break;
	case L2TP_ATTR_UDP_DPORT:
		nl_attr_u16(a, &t->remote_port);
		break;
	case L2TP_ATTR_UDP_CSUM:
		t->udp_checksum = attr_is_set(a);
		break;
	case L2TP_ATTR_UDP_ZERO_CSUM6_TX:
		t->udp_zero_checksum6_tx = true;
		break;
	case L2TP_ATTR_UDP_ZERO_CSUM6_RX:
		t->udp_zero_checksum6_rx = true;
		break;
	default: /* attribute types of the kernel that we ignore */
		break;
	}
}

static void decode_tunnel_attr(const struct nlattr *a, struct l2tpnl_tunnel_info *info)
{
	uint16_t encap;

	switch (mnl_attr_get_type(a)) {
	case L2TP_ATTR_CONN_ID:
		nl_attr_u32(a, &info->tunnel.id);
		break;
	case L2TP_ATTR_PEER_CONN_ID:
		nl_attr_u32(a, &info->tunnel.peer_id);
		break;
	case L2TP_ATTR_PROTO_VERSION:
		nl_attr_u8(a, &info->version);
		break;
	case L2TP_ATTR_ENCAP_TYPE:
		if (nl_attr_u16(a, &encap))
			info->tunnel.ip_encap = encap == L2TP_ENCAPTYPE_IP;
		break;
	case L2TP_ATTR_STATS:
		decode_stats(a, &info->stats);
		break;
	default:
		decode_tunnel_addr(a, &info->tunnel);
		break;
	}
}

/* Check the header of an answer. */
static int decode_header(const struct nlmsghdr *nlh, uint8_t cmd, struct nl_attrs *ret_walk)
{
	struct genlmsghdr g;

	if (nl_msg_fixed(nlh, &g, sizeof(g)) < 0 || g.cmd != cmd)
		return -EBADMSG;
	*ret_walk = nl_attrs_of(nlh, sizeof(g));
	return 0;
}

int l2tpnl_decode_tunnel(const struct nlmsghdr *nlh, struct l2tpnl_tunnel_info *ret)
{
	struct l2tpnl_tunnel_info info = { 0 };
	const struct nlattr *a;
	struct nl_attrs walk;

	if (decode_header(nlh, L2TP_CMD_TUNNEL_GET, &walk) < 0)
		return -EBADMSG;
	while ((a = nl_attrs_next(&walk)))
		decode_tunnel_attr(a, &info);
	if (!info.tunnel.id)
		return -EBADMSG;
	*ret = info;
	return 0;
}

static void decode_cookie(const struct nlattr *a, struct l2tpnl_cookie *cookie)
{
	size_t len = mnl_attr_get_payload_len(a);

	if (len <= sizeof(cookie->bytes) && nl_attr_bytes(a, cookie->bytes, len))
		cookie->len = (uint8_t)len;
}

static void decode_session_attr(const struct nlattr *a, struct l2tpnl_session_info *info)
{
	switch (mnl_attr_get_type(a)) {
	case L2TP_ATTR_CONN_ID:
		nl_attr_u32(a, &info->session.tunnel_id);
		break;
	case L2TP_ATTR_PEER_CONN_ID:
		nl_attr_u32(a, &info->tunnel_peer_id);
		break;
	case L2TP_ATTR_SESSION_ID:
		nl_attr_u32(a, &info->session.id);
		break;
	case L2TP_ATTR_PEER_SESSION_ID:
		nl_attr_u32(a, &info->session.peer_id);
		break;
	case L2TP_ATTR_PW_TYPE:
		nl_attr_u16(a, &info->pseudowire);
		break;
	case L2TP_ATTR_IFNAME:
		nl_attr_text(a, info->session.ifname, sizeof(info->session.ifname));
		break;
	case L2TP_ATTR_COOKIE:
		decode_cookie(a, &info->session.tx_cookie);
		break;
	case L2TP_ATTR_PEER_COOKIE:
		decode_cookie(a, &info->session.rx_cookie);
		break;
	case L2TP_ATTR_RECV_SEQ:
		info->session.checks_sequence = attr_is_set(a);
		break;
	case L2TP_ATTR_SEND_SEQ:
		info->session.sends_sequence = attr_is_set(a);
		break;
	case L2TP_ATTR_STATS:
		decode_stats(a, &info->stats);
		break;
	default: /* attribute types of the kernel that we ignore */
		break;
	}
}

int l2tpnl_decode_session(const struct nlmsghdr *nlh, struct l2tpnl_session_info *ret)
{
	struct l2tpnl_session_info info = { 0 };
	const struct nlattr *a;
	struct nl_attrs walk;

	if (decode_header(nlh, L2TP_CMD_SESSION_GET, &walk) < 0)
		return -EBADMSG;
	while ((a = nl_attrs_next(&walk)))
		decode_session_attr(a, &info);
	if (!info.session.tunnel_id || !info.session.id)
		return -EBADMSG;
	*ret = info;
	return 0;
}

static int add_tunnel(void *ctx, const struct nlmsghdr *nlh)
{
	struct l2tpnl_tunnel_list *list = ctx;
	struct l2tpnl_tunnel_info info;
	struct l2tpnl_tunnel_info *new;

	if (l2tpnl_decode_tunnel(nlh, &info) < 0)
		return 0; /* not one of ours */
	new = array_grow(&list->v, &list->n, sizeof(*new));
	if (!new)
		return -ENOMEM;
	*new = info;
	return 0;
}

int l2tpnl_tunnels(struct nl_socket *nl, uint16_t family, struct l2tpnl_tunnel_list *ret)
{
	struct l2tpnl_tunnel_list list = { 0 };
	struct nl_msg m;
	int err = -EAGAIN;

	for (int attempt = 0; err == -EAGAIN && attempt < ATTEMPTS; attempt++) {
		free(list.v);
		list = (struct l2tpnl_tunnel_list){ 0 };
		err = nl_exchange(nl, l2tpnl_encode_tunnel_dump(&m, family), add_tunnel, &list);
	}
	if (err < 0)
		free(list.v);
	else
		*ret = list;
	return err;
}

static int add_session(void *ctx, const struct nlmsghdr *nlh)
{
	struct l2tpnl_session_list *list = ctx;
	struct l2tpnl_session_info info;
	struct l2tpnl_session_info *new;

	if (l2tpnl_decode_session(nlh, &info) < 0)
		return 0; /* not one of ours */
	new = array_grow(&list->v, &list->n, sizeof(*new));
	if (new)
		*new = info;
	secret_wipe(&info, sizeof(info));
	return new ? 0 : -ENOMEM;
}

int l2tpnl_sessions(struct nl_socket *nl, uint16_t family, struct l2tpnl_session_list *ret)
{
	struct l2tpnl_session_list list = { 0 };
	struct nl_msg m;
	int err = -EAGAIN;

	for (int attempt = 0; err == -EAGAIN && attempt < ATTEMPTS; attempt++) {
		l2tpnl_sessions_fini(&list);
		err = nl_exchange(nl, l2tpnl_encode_session_dump(&m, family), add_session, &list);
	}
	secret_wipe(nl->answer, NL_ANSWER_MAX); /* it held the cookies */
	if (err < 0)
		l2tpnl_sessions_fini(&list);
	else
		*ret = list;
	return err;
}

void l2tpnl_sessions_fini(struct l2tpnl_session_list *list)
{
	if (list->v)
		secret_wipe(list->v, list->n * sizeof(*list->v));
	free(list->v);
	*list = (struct l2tpnl_session_list){ 0 };
}
