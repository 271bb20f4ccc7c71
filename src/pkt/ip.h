/* SPDX-License-Identifier: MIT */
/* What the IP header of a decrypted packet says, fragments included. */
#ifndef PKT_IP_H
#define PKT_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** An IP packet's header, read. Pointers lead into the packet. */
struct ip_header {
	uint16_t family;      /* AF_INET or AF_INET6 */
	uint8_t proto;	      /* of the payload, behind a fragment header if there is one */
	bool fragment;	      /* a piece of a packet: offset is not 0, or more is set */
	bool more;	      /* more fragments follow */
	uint16_t fragment_at; /* this piece's place in the original payload, bytes */
	uint32_t id;	      /* of the original packet; IPv4: 16 bits */
	size_t header_len;    /* up to the payload: options and fragment header in */
	size_t payload_len;   /* by the packet's own length field, never beyond its end */
	const uint8_t *src;   /* 4 or 16 bytes */
	const uint8_t *dst;   /* 4 or 16 bytes */
};

/**
 * Read the header of the packet in data[len]. Extension headers other than a fragment header that
 * directly follows the IPv6 header are left alone: `proto` is then theirs.
 * Return: 0, or -EINVAL if it is not a whole IP packet; `ret` is untouched then.
 * Source: RFC 791, RFC 8200 §3, §4.5.
 */
int ip_header_parse(const uint8_t *data, size_t len, struct ip_header *ret);

#endif
