/* SPDX-License-Identifier: MIT */
/* Generic netlink messages of the kernel's WireGuard: configure an interface, query its state. */
#include "netlink/wireguard_nl.h"

#include <errno.h>
#include <linux/wireguard.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>

#include "base/array.h"
#include "base/secret.h"
#include "netlink/genl.h"

#define ATTEMPTS 10 /* to get a consistent dump while peers change */

/* Room for a peer without its allowed IPs, and for an allowed IP: bytes with all headers, rounded
 * up. */
#define PEER_ROOM      160
#define ALLOWEDIP_ROOM 40

_Static_assert(WGNL_KEY_LEN == WG_KEY_LEN, "length of keys");

static void put_endpoint(struct nl_msg *m, const struct endpoint *endpoint)
{
	struct sockaddr_in6 sa;
	socklen_t len = endpoint_to_sockaddr(endpoint, &sa);

	if (len)
		nl_msg_put(m, WGPEER_A_ENDPOINT, &sa, len);
}

static void put_allowedip(struct nl_msg *m, const struct ip_prefix *p)
{
	size_t nest = nl_msg_nest(m, NLA_F_NESTED);

	nl_msg_put_u16(m, WGALLOWEDIP_A_FAMILY, p->addr.family);
	nl_msg_put_addr(m, WGALLOWEDIP_A_IPADDR, &p->addr);
	nl_msg_put_u8(m, WGALLOWEDIP_A_CIDR_MASK, p->len);
	nl_msg_nest_end(m, nest);
}

static uint32_t peer_flags(const struct wgnl_peer *peer, bool first)
{
	uint32_t flags = 0;

	if (peer->remove)
		return WGPEER_F_REMOVE_ME;
	if (peer->replace_allowedips && first)
		flags |= WGPEER_F_REPLACE_ALLOWEDIPS;
	if (peer->update_only)
		flags |= WGPEER_F_UPDATE_ONLY;
	return flags;
}

static void put_settings(struct nl_msg *m, const struct wgnl_peer *peer)
{
	if (peer->preshared_key)
		nl_msg_put(m, WGPEER_A_PRESHARED_KEY, peer->preshared_key, WG_KEY_LEN);
	if (peer->endpoint)
		put_endpoint(m, peer->endpoint);
	if (peer->has_keepalive)
		nl_msg_put_u16(m, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, peer->keepalive);
}

/* Append as many allowed IPs as there is room for, from `*at` on. Return: whether these are all. */
static bool put_allowedips(struct nl_msg *m, const struct wgnl_peer *peer, size_t *at)
{
	size_t nest;

	if (*at == peer->n_allowedips)
		return true;
	nest = nl_msg_nest(m, WGPEER_A_ALLOWEDIPS | NLA_F_NESTED);
	while (*at < peer->n_allowedips && nl_msg_room(m) >= ALLOWEDIP_ROOM)
		put_allowedip(m, &peer->allowedips[(*at)++]);
	nl_msg_nest_end(m, nest);
	return *at == peer->n_allowedips;
}

/* Append a peer, or the rest of one. Return: whether it is complete. */
static bool put_peer(struct nl_msg *m, const struct wgnl_peer *peer, size_t *at)
{
	bool first = *at == 0;
	uint32_t flags = peer_flags(peer, first);
	size_t nest = nl_msg_nest(m, NLA_F_NESTED);
	bool complete = true;

	nl_msg_put(m, WGPEER_A_PUBLIC_KEY, peer->public_key, WG_KEY_LEN);
	if (flags)
		nl_msg_put_u32(m, WGPEER_A_FLAGS, flags);
	if (!peer->remove && first)
		put_settings(m, peer);
	if (!peer->remove)
		complete = put_allowedips(m, peer, at);
	nl_msg_nest_end(m, nest);
	return complete;
}

static void put_peers(
	struct nl_msg *m, const struct wgnl_config *config, struct wgnl_cursor *cursor)
{
	size_t nest = nl_msg_nest(m, WGDEVICE_A_PEERS | NLA_F_NESTED);

	while (cursor->peer < config->n_peers && nl_msg_room(m) >= PEER_ROOM + ALLOWEDIP_ROOM &&
		put_peer(m, &config->peers[cursor->peer], &cursor->allowedip)) {
		cursor->peer++;
		cursor->allowedip = 0;
	}
	nl_msg_nest_end(m, nest);
}

bool wgnl_encode_set(struct nl_msg *m, uint16_t family, const struct wgnl_config *config,
	struct wgnl_cursor *cursor)
{
	if (cursor->started && cursor->peer == config->n_peers)
		return false;
	genl_start(m, family, 0, WG_CMD_SET_DEVICE, WG_GENL_VERSION);
	nl_msg_put_text(m, WGDEVICE_A_IFNAME, config->ifname);
	if (!cursor->started && config->private_key)
		nl_msg_put(m, WGDEVICE_A_PRIVATE_KEY, config->private_key, WG_KEY_LEN);
	if (!cursor->started && config->has_listen_port)
		nl_msg_put_u16(m, WGDEVICE_A_LISTEN_PORT, config->listen_port);
	if (!cursor->started && config->has_fwmark)
		nl_msg_put_u32(m, WGDEVICE_A_FWMARK, config->fwmark);
	if (config->n_peers)
		put_peers(m, config, cursor);
	cursor->started = true;
	return true;
}

struct nl_msg *wgnl_encode_get(struct nl_msg *m, uint16_t family, const char *ifname)
{
	genl_start(m, family, NLM_F_DUMP, WG_CMD_GET_DEVICE, WG_GENL_VERSION);
	nl_msg_put_text(m, WGDEVICE_A_IFNAME, ifname);
	return m;
}

static int decode_allowedip(const struct nlattr *nest, struct wgnl_peer_info *peer)
{
	struct nl_attrs walk = nl_attrs_in(nest);
	const struct nlattr *a;
	const struct nlattr *addr = NULL;
	struct ip_prefix p = { 0 };
	struct ip_prefix *new;
	uint16_t family = 0;

	while ((a = nl_attrs_next(&walk))) {
		if (mnl_attr_get_type(a) == WGALLOWEDIP_A_FAMILY)
			nl_attr_u16(a, &family);
		else if (mnl_attr_get_type(a) == WGALLOWEDIP_A_IPADDR)
			addr = a;
		else if (mnl_attr_get_type(a) == WGALLOWEDIP_A_CIDR_MASK)
			nl_attr_u8(a, &p.len);
	}
	if (!addr || !nl_attr_addr(addr, family, &p.addr) || p.len > ip_addr_bits(&p.addr))
		return -EBADMSG;
	new = array_grow(&peer->allowedips, &peer->n_allowedips, sizeof(*new));
	if (!new)
		return -ENOMEM;
	*new = p;
	return 0;
}

static int decode_allowedips(const struct nlattr *nest, struct wgnl_peer_info *peer)
{
	struct nl_attrs walk = nl_attrs_in(nest);
	const struct nlattr *a;
	int err = 0;

	while (err == 0 && (a = nl_attrs_next(&walk)))
		err = decode_allowedip(a, peer);
	return err;
}

/* A socket address of the family's full length; any other is not an endpoint. */
static void decode_endpoint(const struct nlattr *a, struct endpoint *ret)
{
	struct sockaddr_in6 sa = { 0 };
	size_t len = mnl_attr_get_payload_len(a);
	struct endpoint endpoint;

	if (len != sizeof(struct sockaddr_in) && len != sizeof(struct sockaddr_in6))
		return;
	memcpy(&sa, mnl_attr_get_payload(a), len);
	if (sa.sin6_family != (len == sizeof(sa) ? AF_INET6 : AF_INET))
		return;
	if (endpoint_from_sockaddr(&sa, &endpoint) == 0)
		*ret = endpoint;
}

static void decode_handshake(const struct nlattr *a, struct wgnl_peer_info *peer)
{
	int64_t time[2]; /* struct __kernel_timespec */

	if (!nl_attr_bytes(a, time, sizeof(time)))
		return;
	peer->handshake_s = time[0];
	peer->handshake_ns = time[1];
}

static int decode_peer_attr(const struct nlattr *a, struct wgnl_peer_info *peer)
{
	switch (mnl_attr_get_type(a)) {
	case WGPEER_A_PRESHARED_KEY:
		peer->has_preshared_key =
			!secret_is_zero(mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));
		break;
	case WGPEER_A_ENDPOINT:
		decode_endpoint(a, &peer->endpoint);
		break;
	case WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL:
		nl_attr_u16(a, &peer->keepalive);
		break;
	case WGPEER_A_LAST_HANDSHAKE_TIME:
		decode_handshake(a, peer);
		break;
	case WGPEER_A_RX_BYTES:
		nl_attr_u64(a, &peer->rx_bytes);
		break;
	case WGPEER_A_TX_BYTES:
		nl_attr_u64(a, &peer->tx_bytes);
		break;
	case WGPEER_A_ALLOWEDIPS:
		return decode_allowedips(a, peer);
	default: /* attribute types of the kernel that we ignore */
		break;
	}
	return 0;
}

static bool find_public_key(const struct nlattr *nest, uint8_t ret[static WGNL_KEY_LEN])
{
	struct nl_attrs walk = nl_attrs_in(nest);
	const struct nlattr *a;

	while ((a = nl_attrs_next(&walk)))
		if (mnl_attr_get_type(a) == WGPEER_A_PUBLIC_KEY)
			return nl_attr_bytes(a, ret, WGNL_KEY_LEN);
	return false;
}

/* The peer of that key if it is the last one, which this message continues; else a new one, or NULL
 * if out of memory. */
static struct wgnl_peer_info *peer_of(struct wgnl_device *device, const uint8_t *key)
{
	struct wgnl_peer_info *peer = device->n_peers ? &device->peers[device->n_peers - 1] : NULL;

	if (peer && !memcmp(peer->public_key, key, WGNL_KEY_LEN))
		return peer;
	peer = array_grow(&device->peers, &device->n_peers, sizeof(*peer));
	if (peer)
		memcpy(peer->public_key, key, WGNL_KEY_LEN);
	return peer;
}

static int decode_peer(const struct nlattr *nest, struct wgnl_device *device)
{
	struct nl_attrs walk = nl_attrs_in(nest);
	uint8_t key[WGNL_KEY_LEN];
	struct wgnl_peer_info *peer;
	const struct nlattr *a;
	int err = 0;

	if (!find_public_key(nest, key))
		return -EBADMSG;
	peer = peer_of(device, key);
	if (!peer)
		return -ENOMEM;
	while (err == 0 && (a = nl_attrs_next(&walk)))
		err = decode_peer_attr(a, peer);
	return err;
}

static int decode_peers(const struct nlattr *nest, struct wgnl_device *device)
{
	struct nl_attrs walk = nl_attrs_in(nest);
	const struct nlattr *a;
	int err = 0;

	while (err == 0 && (a = nl_attrs_next(&walk)))
		err = decode_peer(a, device);
	return err;
}

static int decode_device_attr(const struct nlattr *a, struct wgnl_device *device)
{
	switch (mnl_attr_get_type(a)) {
	case WGDEVICE_A_IFINDEX:
		nl_attr_u32(a, &device->ifindex);
		break;
	case WGDEVICE_A_IFNAME:
		nl_attr_text(a, device->name, sizeof(device->name));
		break;
	case WGDEVICE_A_PUBLIC_KEY:
		device->has_public_key =
			nl_attr_bytes(a, device->public_key, sizeof(device->public_key));
		break;
	case WGDEVICE_A_LISTEN_PORT:
		nl_attr_u16(a, &device->listen_port);
		break;
	case WGDEVICE_A_FWMARK:
		nl_attr_u32(a, &device->fwmark);
		break;
	case WGDEVICE_A_PEERS:
		return decode_peers(a, device);
	default: /* the private key, and attribute types that we ignore */
		break;
	}
	return 0;
}

int wgnl_decode_device(const struct nlmsghdr *nlh, struct wgnl_device *device)
{
	struct genlmsghdr g;
	struct nl_attrs walk;
	const struct nlattr *a;
	int err = 0;

	if (nl_msg_fixed(nlh, &g, sizeof(g)) < 0 || g.cmd != WG_CMD_GET_DEVICE)
		return -EBADMSG;
	walk = nl_attrs_of(nlh, sizeof(g));
	while (err == 0 && (a = nl_attrs_next(&walk)))
		err = decode_device_attr(a, device);
	return err;
}

void wgnl_device_fini(struct wgnl_device *device)
{
	for (size_t i = 0; i < device->n_peers; i++)
		free(device->peers[i].allowedips);
	free(device->peers);
	*device = (struct wgnl_device){ 0 };
}

int wgnl_set(struct nl_socket *nl, uint16_t family, const struct wgnl_config *config)
{
	struct wgnl_cursor cursor = { 0 };
	struct nl_msg m;
	int err = 0;

	while (err == 0 && wgnl_encode_set(&m, family, config, &cursor))
		err = nl_request(nl, &m);
	secret_wipe(&m, sizeof(m));
	secret_wipe(nl->answer, NL_ANSWER_MAX); /* old kernels send the request back */
	return err;
}

static int decode_answer(void *ctx, const struct nlmsghdr *nlh)
{
	return wgnl_decode_device(nlh, ctx);
}

int wgnl_get(struct nl_socket *nl, uint16_t family, const char *ifname, struct wgnl_device *ret)
{
	struct wgnl_device device = { 0 };
	struct nl_msg m;
	int err = -EAGAIN;

	for (int attempt = 0; err == -EAGAIN && attempt < ATTEMPTS; attempt++) {
		wgnl_device_fini(&device);
		err = nl_exchange(nl, wgnl_encode_get(&m, family, ifname), decode_answer, &device);
	}
	secret_wipe(nl->answer, NL_ANSWER_MAX); /* it held the keys */
	if (err < 0)
		wgnl_device_fini(&device);
	else
		*ret = device;
	return err;
}
