/* SPDX-License-Identifier: MIT */
/* Oracles for tests and fuzz targets: check splitting and merging against naive implementations. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gso/merge.h"
#include "gso/split.h"
#include "pkt/headers.h"
#include "pkt/testpkt.h"

/** a − b as one's-complement sums: in 1 … 0xffff. */
static inline unsigned naive_minus(unsigned a, unsigned b)
{
	unsigned d = (a + 0xffff - b % 0xffff) % 0xffff;

	return d ? d : 0xffff;
}

/** Segment `i` of an accepted plan, computed naively: copy the headers, patch the differences, sum
 * everything again and add the error of the superframe's own sums. Return: its length. */
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
		/* 0xffff, or wrong by ip_error, as in the superframe */
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

/** One frame of a batch whose merging is checked. */
struct naive_frame {
	uint8_t *data;
	uint8_t *copy; /* unmodified */
	size_t len;
	bool ethernet;
	void *tag;
	const void *owner;
	bool out; /* has been handed out */
};

#define NAIVE_REQUIRE(cond)                                                                        \
	do {                                                                                       \
		if (!(cond))                                                                       \
			return #cond;                                                              \
	} while (0)

/** Whether both belong to one flow, so that their order must be preserved. */
static inline bool naive_same_flow(const struct naive_frame *a, const struct naive_frame *b)
{
	struct headers h, g;
	size_t at, n;

	if (a->tag != b->tag || a->ethernet != b->ethernet ||
		headers_parse(a->copy, a->len, a->ethernet, &h) ||
		headers_parse(b->copy, b->len, b->ethernet, &g) || !h.version ||
		h.version != g.version || h.l3 != g.l3 || memcmp(a->copy, b->copy, h.l3) != 0)
		return false;
	at = h.l3 + (h.version == 4 ? 12u : 8u);
	n = h.version == 4 ? 8 : 32;
	if (memcmp(a->copy + at, b->copy + at, n) != 0)
		return false;
	if (h.frag_offset || g.frag_offset)
		return true;
	return h.proto == g.proto && (h.proto == 6 || h.proto == 17) && h.l4 + 4u <= a->len &&
	       g.l4 + 4u <= b->len && memcmp(a->copy + h.l4, b->copy + g.l4, 4) == 0;
}

/** The frame of the batch that an iovec points into. */
static inline struct naive_frame *naive_owner(
	struct naive_frame *f, unsigned n, const struct iovec *v)
{
	const uint8_t *p = v->iov_base;

	for (unsigned i = 0; i < n; i++)
		if (p >= f[i].data && p + v->iov_len <= f[i].data + f[i].len)
			return &f[i];
	return NULL;
}

/** Whether transport and IPv4 header checksums of the frame are correct. */
static inline bool naive_checksums_ok(const struct naive_frame *f)
{
	struct headers h;
	const uint8_t *ip;

	if (headers_parse(f->copy, f->len, f->ethernet, &h) || !h.version || h.end != f->len)
		return false;
	ip = f->copy + h.l3;
	if (h.version == 4 && test_sum(0, ip, h.l4 - h.l3) != 0xffff)
		return false;
	return test_sum(test_pseudo(ip, h.proto, f->len - h.l4), f->copy + h.l4, f->len - h.l4) ==
	       0xffff;
}

/** Compare segment `i` of the split item with the original frame. */
static inline const char *naive_same_segment(const struct gso_plan *p, unsigned i,
	const struct naive_frame *first, const struct naive_frame *f)
{
	static uint8_t seg[SUPERFRAME_MAX], want[SUPERFRAME_MAX];
	uint8_t *ip = want + p->l3;

	NAIVE_REQUIRE(gso_segment_len(p, i) == f->len);
	gso_split_write(p, i, seg);
	memcpy(want, f->copy, f->len);
	if (p->ip4 && (ip[6] & 0x40)) { /* ids have no meaning: they are consecutive */
		test_be16(ip + 4, test_load16(first->copy + p->l3 + 4) + i);
		test_be16(ip + 10, 0);
		test_be16(ip + 10, ~test_sum(0, ip, 20) & 0xffff);
	}
	NAIVE_REQUIRE(memcmp(seg, want, f->len) == 0);
	return NULL;
}

/** Compare one item with its original frames. */
static inline const char *naive_check_item(
	struct naive_frame *f, unsigned n, const struct gso_superframe *s)
{
	static uint8_t flat[SUPERFRAME_MAX];
	struct naive_frame *first = naive_owner(f, n, &s->iov[1]);
	struct gso_plan p;
	size_t len = 0;

	NAIVE_REQUIRE(first && s->n_iov == s->n_frames + 1 && s->n_frames >= 1);
	for (unsigned i = 1; i < s->n_iov; i++) {
		NAIVE_REQUIRE(len + s->iov[i].iov_len <= SUPERFRAME_MAX);
		memcpy(flat + len, s->iov[i].iov_base, s->iov[i].iov_len);
		len += s->iov[i].iov_len;
	}
	NAIVE_REQUIRE(len == s->len && s->tag == first->tag);
	if (s->n_frames == 1) {
		NAIVE_REQUIRE(s->offload.gso == GSO_NONE && !s->offload.needs_csum);
		NAIVE_REQUIRE(!s->offload.csum_valid || naive_checksums_ok(first));
		NAIVE_REQUIRE(len == first->len && memcmp(flat, first->copy, len) == 0);
	} else {
		NAIVE_REQUIRE(
			gso_split_plan(&s->offload, flat, len, first->ethernet, &p) == DROP_NONE);
		NAIVE_REQUIRE(p.n_segs == s->n_frames && p.hdr_len == s->offload.hdr_len);
	}
	for (unsigned i = 0; i < s->n_frames; i++) {
		struct naive_frame *k = naive_owner(f, n, &s->iov[1 + i]);
		const char *err = NULL;

		NAIVE_REQUIRE(k && !k->out && k->tag == first->tag);
		for (struct naive_frame *e = f; e < k; e++)
			NAIVE_REQUIRE(e->out || !naive_same_flow(e, k));
		k->out = true;
		if (s->n_frames > 1) {
			NAIVE_REQUIRE(naive_checksums_ok(k));
			err = naive_same_segment(&p, i, first, k);
		}
		if (err)
			return err;
	}
	return NULL;
}

/**
 * Merge a batch of `n` frames (whose `copy` equals their `data`) and check every guarantee of
 * merging. `ret_items`: the number of items. Return: NULL, or the condition that failed.
 */
static inline const char *naive_check_merge(struct gso_merge *m, const struct gso_merge_caps *caps,
	struct naive_frame *f, unsigned n, unsigned *ret_items)
{
	struct gso_superframe s;
	struct naive_frame *last = NULL;

	*ret_items = 0;
	gso_merge_init(m, caps);
	for (unsigned i = 0; i < n; i++)
		NAIVE_REQUIRE(gso_merge_add(m, f[i].data, f[i].len, f[i].ethernet, f[i].tag,
				      f[i].owner) == 0);
	while (gso_merge_next(m, &s)) {
		struct naive_frame *first = naive_owner(f, n, &s.iov[1]);
		const char *err;

		NAIVE_REQUIRE(first > last); /* in the order of first frames */
		last = first;
		err = naive_check_item(f, n, &s);
		if (err)
			return err;
		++*ret_items;
	}
	for (unsigned i = 0; i < n; i++)
		NAIVE_REQUIRE(f[i].out);
	return NULL;
}
