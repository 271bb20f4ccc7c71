/* SPDX-License-Identifier: MIT */
/* Tunnels and sessions (pseudowires) of static L2TPv3, and the table that finds them by what
 * arrives. */
#include "l2tp/session.h"

#include "base/bytes.h"
#include "pkt/checksum.h"

#include <errno.h>

#define IPPROTO_L2TP 115

static bool has_ports(const struct l2tp_tunnel *t)
{
	return t->encap == L2TP_ENCAP_UDP;
}

static bool config_is_sound(const struct l2tp_session *s)
{
	const struct l2tp_tunnel *t = s->tunnel;
	bool lengths = s->cookie_len <= L2TP_COOKIE_MAX && s->cookie_len % 4 == 0 &&
		       s->peer_cookie_len <= L2TP_COOKIE_MAX && s->peer_cookie_len % 4 == 0;

	if (!s->id || !s->peer_id || !lengths)
		return false;
	if (!ip_addr_len(&t->local) || t->local.family != t->remote.family)
		return false;
	if (has_ports(t) && (!t->local_port || !t->remote_port))
		return false;
	return s->sublayer == L2TP_SUBLAYER_DEFAULT || (!s->send_sequence && !s->expect_sequence);
}

static size_t write_ipv4(struct l2tp_session *s, uint8_t proto)
{
	uint8_t *p = s->template;

	p[0] = 0x45;
	p[8] = 64; /* TTL */
	p[9] = proto;
	memcpy(p + 12, s->tunnel->local.bytes, 4);
	memcpy(p + 16, s->tunnel->remote.bytes, 4);
	return 20;
}

static size_t write_ipv6(struct l2tp_session *s, uint8_t proto)
{
	uint8_t *p = s->template;

	p[0] = 0x60;
	p[6] = proto;
	p[7] = 64; /* hop limit */
	memcpy(p + 8, s->tunnel->local.bytes, 16);
	memcpy(p + 24, s->tunnel->remote.bytes, 16);
	return 40;
}

static uint32_t pseudo_sum(const struct l2tp_tunnel *t)
{
	if (t->local.family == AF_INET)
		return checksum_pseudo4(t->local.bytes, t->remote.bytes, IPPROTO_UDP, 0);
	return checksum_pseudo6(t->local.bytes, t->remote.bytes, IPPROTO_UDP, 0);
}

int l2tp_session_init(struct l2tp_session *s)
{
	const struct l2tp_tunnel *t = s->tunnel;
	uint8_t proto = has_ports(t) ? IPPROTO_UDP : IPPROTO_L2TP;
	size_t at;

	if (!config_is_sound(s))
		return -EINVAL;

	memset(s->template, 0, sizeof(s->template));
	at = t->local.family == AF_INET ? write_ipv4(s, proto) : write_ipv6(s, proto);
	s->ip_len = (uint8_t)at;
	s->template_sum = checksum_add(0, s->template, at);
	s->pseudo_sum = pseudo_sum(t);
	if (has_ports(t)) {
		store_be16(s->template + at, t->local_port);
		store_be16(s->template + at + 2, t->remote_port);
		store_be32(s->template + at + 8, 0x00030000); /* data, version 3 */
		at += 12;
	}
	store_be32(s->template + at, s->peer_id);
	memcpy(s->template + at + 4, s->cookie, s->cookie_len);
	at += 4 + (size_t)s->cookie_len;
	s->sublayer_offset = (uint8_t)at;
	at += s->sublayer == L2TP_SUBLAYER_DEFAULT ? 4 : 0;
	s->overhead = (uint8_t)at;
	return 0;
}

void l2tp_table_init(struct l2tp_table *t)
{
	memset(t, 0, sizeof(*t));
}

/* Addresses are compared and hashed with their length known to the compiler: once a packet. */
static size_t bucket_of_addrs(uint16_t family, const uint8_t *src, const uint8_t *dst)
{
	uint32_t h = load_be32(src) ^ (load_be32(dst) << 7);

	if (family == AF_INET6)
		for (size_t i = 4; i < 16; i += 4)
			h = h * 0x9e3779b1U ^ load_be32(src + i) ^ (load_be32(dst + i) << 7);
	return (h * 0x9e3779b1U) >> (32 - L2TP_TABLE_BITS);
}

static size_t bucket_of_id(uint32_t id)
{
	return (id * 0x9e3779b1U) >> (32 - L2TP_TABLE_BITS);
}

static size_t bucket_of_tunnel(const struct l2tp_tunnel *t)
{
	return bucket_of_addrs(t->local.family, t->remote.bytes, t->local.bytes);
}

static bool is_between(
	const struct l2tp_tunnel *t, uint16_t family, const uint8_t *src, const uint8_t *dst)
{
	if (t->local.family != family)
		return false;
	if (family == AF_INET)
		return memcmp(t->remote.bytes, src, 4) == 0 && memcmp(t->local.bytes, dst, 4) == 0;
	return memcmp(t->remote.bytes, src, 16) == 0 && memcmp(t->local.bytes, dst, 16) == 0;
}

struct l2tp_tunnel *l2tp_table_find_tunnel(const struct l2tp_table *t, uint16_t family,
	const uint8_t *src, const uint8_t *dst, enum l2tp_encap encap, uint16_t src_port,
	uint16_t dst_port)
{
	struct l2tp_tunnel *tunnel = t->tunnels[bucket_of_addrs(family, src, dst)];

	for (; tunnel; tunnel = tunnel->next) {
		if (tunnel->encap != encap || !is_between(tunnel, family, src, dst))
			continue;
		if (!has_ports(tunnel) ||
			(tunnel->remote_port == src_port && tunnel->local_port == dst_port))
			return tunnel;
	}
	return NULL;
}

bool l2tp_table_has_pair(
	const struct l2tp_table *t, uint16_t family, const uint8_t *src, const uint8_t *dst)
{
	const struct l2tp_tunnel *tunnel = t->tunnels[bucket_of_addrs(family, src, dst)];

	while (tunnel && !is_between(tunnel, family, src, dst))
		tunnel = tunnel->next;
	return tunnel != NULL;
}

struct l2tp_session *l2tp_table_find_session(
	const struct l2tp_table *t, const struct l2tp_tunnel *tunnel, uint32_t id)
{
	struct l2tp_session *s = t->sessions[bucket_of_id(id)];

	while (s && (s->id != id || s->tunnel != tunnel))
		s = s->next;
	return s;
}

int l2tp_table_add_tunnel(struct l2tp_table *t, struct l2tp_tunnel *tunnel)
{
	struct l2tp_tunnel **bucket = &t->tunnels[bucket_of_tunnel(tunnel)];

	if (l2tp_table_find_tunnel(t, tunnel->local.family, tunnel->remote.bytes,
		    tunnel->local.bytes, tunnel->encap, tunnel->remote_port, tunnel->local_port))
		return -EEXIST;
	tunnel->next = *bucket;
	*bucket = tunnel;
	return 0;
}

void l2tp_table_remove_tunnel(struct l2tp_table *t, struct l2tp_tunnel *tunnel)
{
	struct l2tp_tunnel **at = &t->tunnels[bucket_of_tunnel(tunnel)];

	while (*at && *at != tunnel)
		at = &(*at)->next;
	if (*at)
		*at = tunnel->next;
	tunnel->next = NULL;
}

int l2tp_table_add_session(struct l2tp_table *t, struct l2tp_session *s)
{
	struct l2tp_session **bucket = &t->sessions[bucket_of_id(s->id)];

	if (l2tp_table_find_session(t, s->tunnel, s->id))
		return -EEXIST;
	s->next = *bucket;
	*bucket = s;
	return 0;
}

void l2tp_table_remove_session(struct l2tp_table *t, struct l2tp_session *s)
{
	struct l2tp_session **at = &t->sessions[bucket_of_id(s->id)];

	while (*at && *at != s)
		at = &(*at)->next;
	if (*at)
		*at = s->next;
	s->next = NULL;
}
