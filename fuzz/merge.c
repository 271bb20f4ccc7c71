/* SPDX-License-Identifier: MIT */
/* Fuzz target: batches of frames from a remote site, merged, checked and split again.
 * Input: caps[1], then records: a segment of one of four flows, with changes (8 bytes, see
 * add_segment()), or a raw frame (0xff length[1] bytes). */
#include "fuzz/target.h"

#include "gso/naive.h"

#define FRAMES_MAX 64
#define FRAME_MAX  512

struct batch {
	unsigned n;
	uint32_t seq[4];
	uint16_t id[4];
	struct naive_frame frames[FRAMES_MAX];
	int tags[2];
};

static void add_frame(struct batch *b, const uint8_t *bytes, size_t len, bool ethernet, void *tag)
{
	struct naive_frame *f = &b->frames[b->n++];

	*f = (struct naive_frame){ .len = len, .ethernet = ethernet, .tag = tag };
	f->data = malloc(len);
	f->copy = malloc(len);
	EXPECT(f->data && f->copy);
	memcpy(f->data, bytes, len);
	memcpy(f->copy, bytes, len);
}

/* flow[1] form[1] flags[1] payload[1] id[1] at[1] xor[1] frag[1] */
static void add_segment(struct batch *b, const uint8_t *r)
{
	static const uint8_t options[12] = { 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2 };
	uint8_t frame[FRAME_MAX];
	unsigned flow = r[0] & 3, form = r[1];
	struct testpkt t = {
		.sport = (uint16_t)flow,
		.v6 = r[0] & 4,
		.udp = r[0] & 8,
		.ethernet = !(r[0] & 16),
		.vlan_tags = r[0] & 16 ? 0 : (r[0] >> 5) % 3,
		.hosts = form & 1,
		.df = form & 2,
		.padding = form & 4 ? r[3] % 8 : 0,
		.options = options,
		.options_len = form & 8 ? 12 : 0,
		.ip_options = (form & 0x30) == 0x30 ? 8 : 0,
		.ttl = 64,
		.seq = b->seq[flow],
		.stream = b->seq[flow],
		.flags = r[2],
		.payload = r[3],
		.id = (uint16_t)(b->id[flow] + r[4]),
		.frag = (uint16_t)(r[7] << 8 & 0xbf00),
	};
	size_t len = testpkt_build(&t, frame);

	b->id[flow] = (uint16_t)(t.id + 1);
	if (!(form & 0x40))
		b->seq[flow] += t.payload;
	frame[r[5] % len] ^= r[6];
	add_frame(b, frame, len, t.ethernet, &b->tags[form >> 7]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct gso_merge m;
	struct gso_merge_caps caps;
	struct batch b = { 0 };
	const char *err;
	unsigned items;

	if (len < 1)
		return 0;
	caps = (struct gso_merge_caps){
		.tcp4 = !(data[0] & 1), .tcp6 = !(data[0] & 2), .udp = !(data[0] & 4)
	};
	data++;
	len--;
	while (len >= 8 && b.n < FRAMES_MAX) {
		size_t used = 8;

		if (data[0] == 0xff) {
			size_t raw = data[1] ? data[1] : 1;

			if (2 + raw > len)
				break;
			add_frame(&b, data + 2, raw, !(raw & 1), NULL);
			used = 2 + raw;
		} else {
			add_segment(&b, data);
		}
		data += used;
		len -= used;
	}
	err = naive_check_merge(&m, &caps, b.frames, b.n, &items);
	if (err)
		fprintf(stderr, "not %s\n", err);
	EXPECT(!err);
	for (unsigned i = 0; i < b.n; i++) {
		free(b.frames[i].data);
		free(b.frames[i].copy);
	}
	return 0;
}
