/* SPDX-License-Identifier: MIT */
/* Fuzz target: superframes from a member, with their vnet header, compared with the naive splitter.
 * Input: ethernet[1] vnet header[10] frame. */
#include "fuzz/target.h"

#include "gso/naive.h"

static void check_segments(const struct gso_plan *p, size_t len)
{
	size_t left = len - p->hdr_len;

	EXPECT(p->n_segs >= 1 && p->n_segs <= GSO_SPLIT_SEGMENTS_MAX);
	for (unsigned i = 0; i < p->n_segs; i++) {
		size_t seg_len = gso_segment_len(p, i);
		uint8_t *got = malloc(seg_len), *want = malloc(seg_len);

		EXPECT(got && want);
		EXPECT(seg_len <= gso_segment_len_max(p));
		EXPECT(seg_len >= p->hdr_len && seg_len - p->hdr_len <= left);
		left -= seg_len - p->hdr_len;
		gso_split_write(p, i, got);
		EXPECT(naive_segment(p, i, len, want) == seg_len);
		EXPECT(memcmp(got, want, seg_len) == 0);
		free(got);
		free(want);
	}
	EXPECT(left == 0);
}

/* A single segment: only the checksum field may differ, and only if it had to be completed. */
static void check_single(const struct gso_plan *p, const struct offload *o, size_t len)
{
	size_t field = (size_t)o->csum_start + o->csum_offset;
	uint8_t *got = malloc(len);

	EXPECT(got && p->n_segs == 1 && gso_segment_len(p, 0) == len);
	gso_split_write(p, 0, got);
	for (size_t i = 0; i < len; i++)
		EXPECT(got[i] == p->frame[i] || (o->needs_csum && (i == field || i == field + 1)));
	if (o->needs_csum && o->csum_offset % 2 == 0) {
		unsigned sum = test_sum(0, p->frame + o->csum_start, len - o->csum_start);

		sum = ~sum & 0xffff;
		if (o->csum_offset == 6 && sum == 0)
			sum = 0xffff;
		EXPECT(test_load16(got + field) == sum);
	}
	free(got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct offload o;
	struct gso_plan p;
	uint8_t *frame;

	if (len < 1 + VNET_HDR_LEN || offload_decode(data + 1, &o))
		return 0;
	len -= 1 + VNET_HDR_LEN;
	frame = malloc(len ? len : 1);
	EXPECT(frame);
	memcpy(frame, data + 1 + VNET_HDR_LEN, len);
	if (gso_split_plan(&o, frame, len, data[0] & 1, &p) == DROP_NONE) {
		if (o.gso == GSO_NONE)
			check_single(&p, &o, len);
		else
			check_segments(&p, len);
	}
	free(frame);
	return 0;
}
