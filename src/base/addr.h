/* SPDX-License-Identifier: MIT */
/* IP addresses, prefixes and UDP endpoints, and their text. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must_check.h"

/** An IPv4 or IPv6 address. `family` is AF_INET, AF_INET6 or 0 (none); IPv4 uses the first 4 bytes,
 * the rest is zero. */
struct ip_addr {
	uint16_t family;
	uint8_t bytes[16];
};

/** An address with a prefix length in bits. Host bits are preserved (an interface address needs
 * them). */
struct ip_prefix {
	struct ip_addr addr;
	uint8_t len;
};

/**
 * A UDP endpoint on the underlay. `scope` is the IPv6 scope id (interface index), else 0. Port in
 * host order. `local` and `local_ifindex` are the sticky source: our address and interface on which
 * the last datagram from there arrived (family 0 / 0: the routing table chooses); endpoint_equal()
 * ignores them.
 */
struct endpoint {
	struct ip_addr addr;
	uint16_t port;
	uint32_t scope;
	struct ip_addr local;
	uint32_t local_ifindex;
};

#define IP_ADDR_TEXT_LEN   46 /* longest text with its NUL */
#define IP_PREFIX_TEXT_LEN (IP_ADDR_TEXT_LEN + 4)
#define ENDPOINT_TEXT_LEN  (46 + 8 + 12)

/** Number of bytes of an address of the family: 4, 16, or 0 for none. */
static inline size_t ip_addr_len(const struct ip_addr *a)
{
	return a->family == AF_INET ? 4 : a->family == AF_INET6 ? 16 : 0;
}

/** Number of bits of an address of the family: 32, 128, or 0 for none. */
static inline unsigned ip_addr_bits(const struct ip_addr *a)
{
	return (unsigned)ip_addr_len(a) * 8;
}

/** An IPv4 address from its 4 wire bytes. */
struct ip_addr ip_addr_v4(const void *bytes);

/** An IPv6 address from its 16 wire bytes. */
struct ip_addr ip_addr_v6(const void *bytes);

/** The link-local IPv6 address that is made of a 6-byte Ethernet address. Source: RFC 4291,
 * appendix A. */
struct ip_addr ip_addr_link_local(const uint8_t mac[static 6]);

/** Whether it is a link-local address of IPv6: fe80::/10. */
bool ip_addr_is_link_local(const struct ip_addr *a);

/** Map a v4-mapped IPv6 address (::ffff:192.0.2.1, as dual-stack sockets report it) to IPv4; return
 * any other address unchanged. */
struct ip_addr ip_addr_unmapped(const struct ip_addr *a);

/** Whether two addresses (family and bytes) are the same. */
bool ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b);

/** Whether `a` lies within `p`. */
bool ip_prefix_contains(const struct ip_prefix *p, const struct ip_addr *a);

/** Whether the two are the same prefix, host bits included. */
bool ip_prefix_equal(const struct ip_prefix *a, const struct ip_prefix *b);

/** An order of prefixes: by family, bits, then length, host bits included. Return: below, equal to
 * or above 0, as qsort(3) takes it. */
int ip_prefix_compare(const struct ip_prefix *a, const struct ip_prefix *b);

/** The prefix with its host bits cleared. */
struct ip_prefix ip_prefix_masked(const struct ip_prefix *p);

/** Whether two endpoints (address, port, scope) are the same. */
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);

/** Whether two endpoints are the same, with their sticky sources. */
bool endpoint_identical(const struct endpoint *a, const struct endpoint *b);

/** Whether any part of a sticky source is set: our address or the interface. */
bool endpoint_has_source(const struct endpoint *e);

/** Clear the sticky source: the routing table chooses again. */
void endpoint_clear_source(struct endpoint *e);

/** Parse "10.0.1.11" or "fd00::1" (NUL-terminated). Return: 0 or -EINVAL, with `ret` untouched. */
MUST_CHECK int ip_addr_parse(const char *text, struct ip_addr *ret);

/** Parse "10.0.1.0/24"; without "/n" the prefix is the whole address. Return: 0 or -EINVAL, with
 * `ret` untouched. */
MUST_CHECK int ip_prefix_parse(const char *text, struct ip_prefix *ret);

/** Parse the output of endpoint_text(): "1.2.3.4:51820", "[2001:db8::1]:51820", "[fe80::1%3]:51820"
 * (numeric scope); a v4-mapped IPv6 address becomes IPv4. Return: 0 or -EINVAL, with `ret`
 * untouched. */
MUST_CHECK int endpoint_parse(const char *text, struct endpoint *ret);

/** Write the address as text; "none" for family 0. Return: `buf`. */
const char *ip_addr_text(const struct ip_addr *a, char buf[static IP_ADDR_TEXT_LEN]);

/** Write "10.0.1.0/24" or "fd00::/64", host bits included. Return: `buf`. */
const char *ip_prefix_text(const struct ip_prefix *p, char buf[static IP_PREFIX_TEXT_LEN]);

/** Write "1.2.3.4:51820" or "[fe80::1%3]:51820"; "(none)" if there is no address. Return: `buf`. */
const char *endpoint_text(const struct endpoint *e, char buf[static ENDPOINT_TEXT_LEN]);

/** Fill a socket address from an endpoint. Return: its length, for sendto(2); 0 for no address. */
socklen_t endpoint_to_sockaddr(const struct endpoint *e, struct sockaddr_in6 *ret);

/** Fill an endpoint from a socket address; a v4-mapped IPv6 address becomes IPv4. Return: 0, or
 * -EAFNOSUPPORT. */
MUST_CHECK int endpoint_from_sockaddr(const void *sa, struct endpoint *ret);
