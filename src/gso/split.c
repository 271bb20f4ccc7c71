/* SPDX-License-Identifier: MIT */
/* Split a superframe from a TAP or TUN into the segments to send. */
#include "gso/split.h"

#include "base/bug.h"
#include "base/bytes.h"
#include "pkt/checksum.h"
#include "pkt/headers.h"

/* Plan a single segment: the frame itself. */
static enum drop plan_single(
	const struct offload *o, const uint8_t *frame, size_t len, struct gso_plan *ret)
{
	if (o->needs_csum && (size_t)o->csum_start + o->csum_offset + 2 > len)
		return DROP_TAP_VNET;
	*ret = (struct gso_plan){
		.n_segs = 1,
		.hdr_len = (uint32_t)len,
		.frame = frame,
		.gso = GSO_NONE,
		.needs_csum = o->needs_csum,
		.l4 = o->csum_start,
		.csum_offset = o->csum_offset,
	};
	return DROP_NONE;
}

/* Whether the headers match the offload metadata. */
static bool offload_matches(const struct offload *o, const struct headers *h)
{
	bool udp = o->gso == GSO_UDP_L4;

	if (o->gso_size == 0 || headers_is_fragment(h) || h->version == 0)
		return false;
	if (o->gso == GSO_TCP4 && h->version != 4)
		return false;
	if (o->gso == GSO_TCP6 && h->version != 6)
		return false;
	if (h->proto != (udp ? PROTO_UDP : PROTO_TCP))
		return false;
	if (!o->needs_csum) /* some receive offloads verify the checksum instead */
		return o->csum_valid && !udp;
	return o->csum_start == h->l4 &&
	       o->csum_offset == (udp ? UDP_CSUM_OFFSET : TCP_CSUM_OFFSET);
}

/* Length of the headers up to the payload, or 0 if the transport header is invalid or truncated. */
static size_t header_len(const uint8_t *frame, size_t len, const struct headers *h)
{
	size_t room = len - h->l4;
	size_t l4_len = UDP_HEADER_LEN;

	if (h->proto == PROTO_TCP) {
		if (room < TCP_HEADER_LEN)
			return 0;
		l4_len = (size_t)(frame[h->l4 + TCP_DOFF_OFFSET] >> 4) * 4;
		if (l4_len < TCP_HEADER_LEN)
			return 0;
	}
	return l4_len <= room ? h->l4 + l4_len : 0;
}

/* Sum everything that all segments share. */
static void plan_sums(struct gso_plan *p, const struct headers *h, size_t len)
{
	const uint8_t *l3 = p->frame + p->l3;
	const uint8_t *l4 = p->frame + p->l4;
	uint32_t l4_len = (uint32_t)(len - p->l4);
	uint32_t sum;

	if (p->ip4) {
		/* Start from the checksum instead of the header, so that a wrong checksum stays
		 * wrong. */
		p->ip_id = load_be16(l3 + 4);
		sum = (uint16_t)~load_le16(l3 + 10);
		sum = checksum_remove(sum, load_le16(l3 + 2));
		p->ip_sum = checksum_remove(sum, load_le16(l3 + 4));
	}
	if (p->needs_csum)
		sum = load_le16(l4 + p->csum_offset);
	else
		sum = headers_pseudo_sum(p->frame, h, l4_len);
	sum = checksum_remove(sum, __builtin_bswap32(l4_len));
	sum = checksum_add(sum, l4, 4); /* ports */
	if (p->gso != GSO_UDP_L4) {
		p->seq = load_be32(l4 + TCP_SEQ_OFFSET);
		p->tcp_flags = load_be16(l4 + TCP_DOFF_OFFSET);
		sum = checksum_add(sum, l4 + TCP_ACK_OFFSET, 4);
		sum = checksum_add(sum, l4 + TCP_FLAGS_OFFSET + 1, 2); /* window */
		sum = checksum_add(sum, l4 + TCP_CSUM_OFFSET + 2, p->hdr_len - p->l4 - 18u);
	}
	p->l4_sum = sum;
}

enum drop gso_split_plan(const struct offload *o, const uint8_t *frame, size_t len, bool ethernet,
	struct gso_plan *ret)
{
	struct headers h;
	size_t hdr_len;
	uint32_t payload, n_segs;

	if (len < (ethernet ? ETH_HEADER_LEN : 1) || len > SUPERFRAME_MAX)
		return DROP_TAP_SHORT;
	if (o->gso == GSO_NONE)
		return plan_single(o, frame, len, ret);
	if (headers_parse(frame, len, ethernet, &h) || !offload_matches(o, &h))
		return DROP_TAP_VNET;
	hdr_len = header_len(frame, len, &h);
	if (!hdr_len || hdr_len > GSO_SPLIT_HEADERS_MAX)
		return DROP_TAP_VNET;
	payload = (uint32_t)(len - hdr_len);
	n_segs = payload ? (payload + o->gso_size - 1u) / o->gso_size : 1;
	if (n_segs > (o->gso_size < GSO_SPLIT_TINY ? GSO_SPLIT_TINY_MAX : GSO_SPLIT_SEGMENTS_MAX))
		return DROP_TAP_VNET;
	*ret = (struct gso_plan){
		.n_segs = n_segs,
		.hdr_len = (uint32_t)hdr_len,
		.seg_payload = o->gso_size,
		.payload = payload,
		.frame = frame,
		.gso = o->gso,
		.needs_csum = o->needs_csum,
		.ip4 = h.version == 4,
		.l3 = h.l3,
		.l4 = h.l4,
		.csum_offset = o->gso == GSO_UDP_L4 ? UDP_CSUM_OFFSET : TCP_CSUM_OFFSET,
	};
	plan_sums(ret, &h, len);
	return DROP_NONE;
}

static void write_single(const struct gso_plan *p, uint8_t *dst)
{
	uint8_t *field = dst + p->l4 + p->csum_offset;
	uint32_t sum;

	if (!p->needs_csum) {
		memcpy(dst, p->frame, p->hdr_len);
		return;
	}
	memcpy(dst, p->frame, p->l4);
	sum = checksum_copy(0, dst + p->l4, p->frame + p->l4, p->hdr_len - p->l4);
	if (p->csum_offset == UDP_CSUM_OFFSET)
		checksum_store_udp(field, sum);
	else
		checksum_store(field, sum);
}

static void write_ip(const struct gso_plan *p, unsigned i, uint8_t *l3, size_t ip_len)
{
	uint16_t id = (uint16_t)(p->ip_id + i);
	uint32_t sum;

	if (!p->ip4) {
		store_be16(l3 + 4, (uint16_t)(ip_len - IP6_HEADER_LEN));
		return;
	}
	store_be16(l3 + 2, (uint16_t)ip_len);
	store_be16(l3 + 4, id);
	sum = checksum_add_be16(p->ip_sum, (uint16_t)ip_len);
	checksum_store(l3 + 10, checksum_add_be16(sum, id));
}

/* Return: `sum` plus the TCP header fields that differ between segments. */
static uint32_t write_tcp(const struct gso_plan *p, unsigned i, uint8_t *l4, uint32_t sum)
{
	uint32_t seq = p->seq + i * p->seg_payload;
	uint16_t flags = p->tcp_flags;

	if (i > 0)
		flags &= (uint16_t)~TCP_FLAG_CWR;
	if (i < p->n_segs - 1)
		flags &= (uint16_t) ~(TCP_FLAG_FIN | TCP_FLAG_PSH);
	store_be32(l4 + TCP_SEQ_OFFSET, seq);
	store_be16(l4 + TCP_DOFF_OFFSET, flags);
	return checksum_add_be16(checksum_add_be32(sum, seq), flags);
}

void gso_split_write(const struct gso_plan *p, unsigned i, uint8_t *dst)
{
	size_t seg_len, payload;
	uint32_t sum;
	uint16_t l4_len;

	ASSERT(i < p->n_segs);
	if (p->gso == GSO_NONE) {
		write_single(p, dst);
		return;
	}
	seg_len = gso_segment_len(p, i);
	payload = seg_len - p->hdr_len;
	l4_len = (uint16_t)(seg_len - p->l4);
	memcpy(dst, p->frame, p->hdr_len);
	write_ip(p, i, dst + p->l3, seg_len - p->l3);
	sum = checksum_add_be16(p->l4_sum, l4_len);
	if (p->gso == GSO_UDP_L4) {
		store_be16(dst + p->l4 + UDP_LEN_OFFSET, l4_len);
		sum = checksum_add_be16(sum, l4_len);
	} else {
		sum = write_tcp(p, i, dst + p->l4, sum);
	}
	sum = checksum_copy(
		sum, dst + p->hdr_len, p->frame + p->hdr_len + (size_t)i * p->seg_payload, payload);
	if (p->gso == GSO_UDP_L4)
		checksum_store_udp(dst + p->l4 + UDP_CSUM_OFFSET, sum);
	else
		checksum_store(dst + p->l4 + TCP_CSUM_OFFSET, sum);
}
