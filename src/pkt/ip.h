/* SPDX-License-Identifier: MIT */
/* Parse the IP header of an inner packet, including fragment headers: once for each packet. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The parsed header of an IP packet. Pointers lead into the packet. */
struct ip_header {
	uint16_t family;      /* AF_INET or AF_INET6 */
	uint8_t tos;	      /* DSCP and ECN */
	uint8_t proto;	      /* of the payload, after a fragment header if there is one */
	bool fragment;	      /* a fragment: offset is not 0, or more is set */
	bool more;	      /* more fragments follow */
	uint16_t fragment_at; /* of this fragment in the original payload, bytes */
	uint32_t id;	      /* of the original packet; IPv4: 16 bits */
	size_t header_len;    /* offset of the payload, after options and fragment header */
	size_t payload_len;   /* by the packet's own length field, never beyond its end */
	size_t len;	      /* of the whole packet by that field: without padding */
	const uint8_t *src;   /* 4 or 16 bytes */
	const uint8_t *dst;   /* 4 or 16 bytes */
};

/**
 * Parse the header of the packet in data[len]. Only a fragment header that directly follows the
 * IPv6 header is parsed; any other extension header counts as payload, and `proto` is its number.
 * Return: 0, or -EINVAL if it is not a whole IP packet; `ret` is untouched then. Source: RFC 791,
 * RFC 8200 §3, §4.5.
 */
int ip_header_parse(const uint8_t *data, size_t len, struct ip_header *ret);
