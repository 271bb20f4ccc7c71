/* SPDX-License-Identifier: MIT */
/* IP addresses, prefixes and UDP endpoints, and their text. */
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ip_addr ip_addr_v4(const void *bytes)
{
	struct ip_addr a = { .family = AF_INET };

	memcpy(a.bytes, bytes, 4);
	return a;
}

struct ip_addr ip_addr_v6(const void *bytes)
{
	struct ip_addr a = { .family = AF_INET6 };

	memcpy(a.bytes, bytes, 16);
	return a;
}

struct ip_addr ip_addr_link_local(const uint8_t mac[static 6])
{
	struct ip_addr a = { .family = AF_INET6, .bytes = { 0xfe, 0x80 } };

	a.bytes[8] = mac[0] ^ 2;
	a.bytes[9] = mac[1];
	a.bytes[10] = mac[2];
	a.bytes[11] = 0xff;
	a.bytes[12] = 0xfe;
	memcpy(a.bytes + 13, mac + 3, 3);
	return a;
}

bool ip_addr_is_link_local(const struct ip_addr *a)
{
	return a->family == AF_INET6 && a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

struct ip_addr ip_addr_unmapped(const struct ip_addr *a)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	if (a->family == AF_INET6 && !memcmp(a->bytes, prefix, sizeof(prefix)))
		return ip_addr_v4(a->bytes + sizeof(prefix));
	return *a;
}

bool ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b)
{
	return a->family == b->family && !memcmp(a->bytes, b->bytes, ip_addr_len(a));
}

bool ip_prefix_equal(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return a->len == b->len && ip_addr_equal(&a->addr, &b->addr);
}

int ip_prefix_compare(const struct ip_prefix *a, const struct ip_prefix *b)
{
	int order = (a->addr.family > b->addr.family) - (a->addr.family < b->addr.family);

	if (!order)
		order = memcmp(a->addr.bytes, b->addr.bytes, sizeof(a->addr.bytes));
	return order ? order : a->len - b->len;
}

bool ip_prefix_contains(const struct ip_prefix *p, const struct ip_addr *a)
{
	size_t whole = p->len / 8;
	unsigned rest = p->len % 8;

	if (p->addr.family != a->family || memcmp(p->addr.bytes, a->bytes, whole) != 0)
		return false;
	return !rest || !((p->addr.bytes[whole] ^ a->bytes[whole]) >> (8 - rest));
}

struct ip_prefix ip_prefix_masked(const struct ip_prefix *p)
{
	struct ip_prefix m = *p;

	for (unsigned bit = p->len; bit < 128; bit++)
		m.addr.bytes[bit / 8] &= (uint8_t) ~(0x80U >> (bit % 8));
	return m;
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && a->scope == b->scope && ip_addr_equal(&a->addr, &b->addr);
}

bool endpoint_identical(const struct endpoint *a, const struct endpoint *b)
{
	return endpoint_equal(a, b) && a->local_ifindex == b->local_ifindex &&
	       ip_addr_equal(&a->local, &b->local);
}

bool endpoint_has_source(const struct endpoint *e)
{
	return e->local.family || e->local_ifindex;
}

void endpoint_clear_source(struct endpoint *e)
{
	e->local = (struct ip_addr){ 0 };
	e->local_ifindex = 0;
}

int ip_addr_parse(const char *text, struct ip_addr *ret)
{
	uint8_t bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1)
		*ret = ip_addr_v4(bytes);
	else if (inet_pton(AF_INET6, text, bytes) == 1)
		*ret = ip_addr_v6(bytes);
	else
		return -EINVAL;
	return 0;
}

int ip_prefix_parse(const char *text, struct ip_prefix *ret)
{
	const char *slash = strchr(text, '/');
	size_t host_len = slash ? (size_t)(slash - text) : strlen(text);
	char host[IP_ADDR_TEXT_LEN];
	struct ip_prefix p;
	unsigned long len = 0;

	if (host_len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, host_len);
	host[host_len] = '\0';
	if (ip_addr_parse(host, &p.addr) < 0)
		return -EINVAL;
	p.len = (uint8_t)ip_addr_bits(&p.addr);
	if (slash) {
		size_t digits = strspn(slash + 1, "0123456789");

		if (digits == 0 || digits > 3 || slash[1 + digits] != '\0')
			return -EINVAL;
		len = strtoul(slash + 1, NULL, 10);
		if (len > ip_addr_bits(&p.addr))
			return -EINVAL;
		p.len = (uint8_t)len;
	}
	*ret = p;
	return 0;
}

/* Parse a decimal number of at most `max`, the whole of `text`. */
static int parse_number(const char *text, unsigned long max, unsigned long *ret)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long v;

	if (digits == 0 || digits > 10 || text[digits] != '\0')
		return -EINVAL;
	v = strtoul(text, NULL, 10);
	if (v > max)
		return -EINVAL;
	*ret = v;
	return 0;
}

int endpoint_parse(const char *text, struct endpoint *ret)
{
	bool bracket = text[0] == '[';
	const char *host = text + bracket;
	const char *end = bracket ? strchr(host, ']') : strchr(host, ':');
	const char *colon = end ? end + bracket : NULL;
	char copy[IP_ADDR_TEXT_LEN + 12];
	struct endpoint e = { 0 };
	unsigned long scope = 0;
	unsigned long port;
	char *percent;

	if (!colon || *colon != ':' || (size_t)(end - host) >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, host, (size_t)(end - host));
	copy[end - host] = '\0';
	percent = strchr(copy, '%');
	if (percent) {
		*percent = '\0';
		if (parse_number(percent + 1, UINT32_MAX, &scope) < 0)
			return -EINVAL;
	}
	if (ip_addr_parse(copy, &e.addr) < 0 || parse_number(colon + 1, UINT16_MAX, &port) < 0)
		return -EINVAL;
	if ((e.addr.family == AF_INET6) != bracket || (percent && !bracket))
		return -EINVAL;
	e.addr = ip_addr_unmapped(&e.addr);
	e.port = (uint16_t)port;
	e.scope = e.addr.family == AF_INET6 ? (uint32_t)scope : 0;
	*ret = e;
	return 0;
}

const char *ip_prefix_text(const struct ip_prefix *p, char buf[static IP_PREFIX_TEXT_LEN])
{
	char host[IP_ADDR_TEXT_LEN];

	snprintf(buf, IP_PREFIX_TEXT_LEN, "%s/%u", ip_addr_text(&p->addr, host), p->len);
	return buf;
}

const char *ip_addr_text(const struct ip_addr *a, char buf[static IP_ADDR_TEXT_LEN])
{
	if (!a->family || !inet_ntop(a->family, a->bytes, buf, IP_ADDR_TEXT_LEN))
		(void)snprintf(buf, IP_ADDR_TEXT_LEN, "none");
	return buf;
}

const char *endpoint_text(const struct endpoint *e, char buf[static ENDPOINT_TEXT_LEN])
{
	char host[IP_ADDR_TEXT_LEN];

	ip_addr_text(&e->addr, host);
	if (!e->addr.family)
		snprintf(buf, ENDPOINT_TEXT_LEN, "(none)");
	else if (e->addr.family == AF_INET)
		snprintf(buf, ENDPOINT_TEXT_LEN, "%s:%u", host, e->port);
	else if (e->scope)
		snprintf(buf, ENDPOINT_TEXT_LEN, "[%s%%%u]:%u", host, e->scope, e->port);
	else
		snprintf(buf, ENDPOINT_TEXT_LEN, "[%s]:%u", host, e->port);
	return buf;
}

socklen_t endpoint_to_sockaddr(const struct endpoint *e, struct sockaddr_in6 *ret)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(e->port) };

	memset(ret, 0, sizeof(*ret));
	if (e->addr.family == AF_INET) {
		memcpy(&in.sin_addr, e->addr.bytes, 4);
		memcpy(ret, &in, sizeof(in));
		return sizeof(in);
	}
	if (e->addr.family == AF_INET6) {
		ret->sin6_family = AF_INET6;
		ret->sin6_port = htons(e->port);
		ret->sin6_scope_id = e->scope;
		memcpy(&ret->sin6_addr, e->addr.bytes, 16);
		return sizeof(*ret);
	}
	return 0;
}

static int endpoint_from_in6(const struct sockaddr_in6 *in6, struct endpoint *ret)
{
	*ret = (struct endpoint){ .port = ntohs(in6->sin6_port) };
	ret->addr = ip_addr_v6(in6->sin6_addr.s6_addr);
	ret->addr = ip_addr_unmapped(&ret->addr);
	if (IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr))
		ret->scope = in6->sin6_scope_id;
	return 0;
}

int endpoint_from_sockaddr(const void *sa, struct endpoint *ret)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	sa_family_t family;

	memcpy(&family, sa, sizeof(family));
	if (family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		*ret = (struct endpoint){ .addr = ip_addr_v4(&in.sin_addr),
			.port = ntohs(in.sin_port) };
		return 0;
	}
	if (family == AF_INET6) {
		memcpy(&in6, sa, sizeof(in6));
		return endpoint_from_in6(&in6, ret);
	}
	return -EAFNOSUPPORT;
}
