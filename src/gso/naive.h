/* SPDX-License-Identifier: MIT */
/* Oracles for tests and fuzz targets: splitting and merging checked against the slow and plain way.
 */
#ifndef GSO_NAIVE_H
#define GSO_NAIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gso/merge.h"
#include "gso/split.h"
#include "pkt/testpkt.h"

/** a − b as one's-complement sums: in 1 … 0xffff. */
static inline unsigned naive_minus(unsigned a, unsigned b)
{
	unsigned d = (a + 0xffff - b % 0xffff) % 0xffff;

	return d ? d : 0xffff;
}

/** Segment `i` of an accepted plan, the plain way: copy the headers, patch what differs, sum
 * everything anew and add how wrong the superframe's own sums were. Return: its length. */
static inline size_t naive_segment(const struct gso_plan *p, unsigned i, size_t total, uint8_t *dst)
{
	size_t start = (size_t)i * p->seg_payload;
	size_t payload = total - p->hdr_len - start;
	bool udp = p->gso == GSO_UDP_L4, v6 = p->frame[p->l3] >> 4 == 6;
	const uint8_t *old = p->frame + p->l3;
	uint8_t *ip = dst + p->l3, *l4 = dst + p->l4, *check = l4 + (udp ? 6 : 16);
	size_t ihl = p->l4 - p->l3, l4_len;
	unsigned partial, ip_error = 0xffff, sum;

	payload = payload < p->seg_payload ? payload : p->seg_payload;
	l4_len = p->hdr_len - p->l4 + payload;
	memcpy(dst, p->frame, p->hdr_len);
	memcpy(dst + p->hdr_len, p->frame + p->hdr_len + start, payload);
	partial =
		p->needs_csum ? test_load16(check) : test_pseudo(old, udp ? 17 : 6, total - p->l4);
	partial = naive_minus(partial, (unsigned)(total - p->l4)) + (unsigned)l4_len;
	if (!v6) {
		ip_error = test_sum(0, old, ihl);
		test_be16(ip + 2, (unsigned)(ihl + l4_len));
		test_be16(ip + 4, test_load16(old + 4) + i);
		test_be16(ip + 10, 0);
		/* the sum over the header, checksum included, was 0xffff or off by some error */
		sum = naive_minus(ip_error, test_sum(0, ip, ihl));
		test_be16(ip + 10, sum == 0xffff ? 0 : sum);
	} else {
		test_be16(ip + 4, (unsigned)(ihl - 40 + l4_len));
	}
	if (udp) {
		test_be16(l4 + 4, (unsigned)l4_len);
	} else {
		uint32_t seq = (uint32_t)test_load16(l4 + 4) << 16 | test_load16(l4 + 6);

		test_be32(l4 + 4, seq + (uint32_t)start);
		if (i > 0)
			l4[13] &= 0x7f;
		if (i < p->n_segs - 1)
			l4[13] &= 0xf6;
	}
	test_be16(check, 0);
	sum = naive_minus(test_sum(partial % 0xffff, l4, l4_len), 0);
	sum = ~sum & 0xffff;
	test_be16(check, udp && sum == 0 ? 0xffff : sum);
	return p->hdr_len + payload;
}

#endif
