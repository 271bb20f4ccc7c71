/* SPDX-License-Identifier: MIT */
/* Merge the TCP and UDP segments of a batch into superframes for a TAP or TUN. */
#include "gso/merge.h"

#include <errno.h>

#include "base/bug.h"
#include "base/bytes.h"
#include "pkt/checksum.h"
#include "pkt/headers.h"

#define SET_FLOWS 4
#define FLOW_SETS (GSO_MERGE_FLOWS_MAX / SET_FLOWS)

/* What gso_merge_add() learns about a frame. */
struct segment {
	const uint8_t *frame;
	struct headers h;
	void *tag;
	const void *owner;
	uint32_t len;
	uint32_t hash;
	uint16_t hdr_len;
	bool mergeable; /* by its headers; checksums are checked last */
};

static bool is_tcp(const struct segment *s)
{
	return s->h.proto == PROTO_TCP;
}

/* TCP segments that may be part of a superframe: ACK, optionally with ECE and PSH. */
static bool tcp_form_ok(const struct segment *s)
{
	const uint8_t *tcp = s->frame + s->h.l4;
	uint8_t flags = tcp[TCP_FLAGS_OFFSET];

	return (flags & ~(TCP_FLAG_ECE | TCP_FLAG_PSH)) == TCP_FLAG_ACK &&
	       load_le16(tcp + TCP_CSUM_OFFSET) != 0xffff; /* even if valid: split writes 0 */
}

static bool udp_form_ok(const struct segment *s)
{
	const uint8_t *udp = s->frame + s->h.l4;

	return load_be16(udp + UDP_LEN_OFFSET) == s->len - s->h.l4 &&
	       load_le16(udp + UDP_CSUM_OFFSET) != 0;
}

/* Whether the frame's headers allow merging; sets hdr_len. */
static bool form_ok(const struct gso_merge_caps *caps, struct segment *s)
{
	const struct headers *h = &s->h;
	size_t ip_len = h->version == 4 ? IP4_HEADER_LEN : IP6_HEADER_LEN;
	size_t l4_len = UDP_HEADER_LEN;

	if (headers_is_fragment(h) || h->end != s->len || h->l4 != h->l3 + ip_len)
		return false;
	if (is_tcp(s)) {
		if (!(h->version == 4 ? caps->tcp4 : caps->tcp6) ||
			s->len < (size_t)h->l4 + TCP_HEADER_LEN || !tcp_form_ok(s))
			return false;
		l4_len = (size_t)(s->frame[h->l4 + TCP_DOFF_OFFSET] >> 4) * 4;
		if (l4_len < TCP_HEADER_LEN)
			return false;
	} else if (!caps->udp || s->len < (size_t)h->l4 + UDP_HEADER_LEN || !udp_form_ok(s)) {
		return false;
	}
	s->hdr_len = (uint16_t)(h->l4 + l4_len);
	return s->hdr_len < s->len; /* some payload */
}

/* Not keyed: who makes flows collide only keeps his own from being merged (flow_to_close()). */
static uint32_t flow_hash(const struct segment *s)
{
	const uint8_t *ip = s->frame + s->h.l3;
	const uint64_t k = 0x9e3779b97f4a7c15;
	uint64_t v = (uint64_t)(uintptr_t)s->tag ^ s->h.proto;

	v = (v ^ load_le32(s->frame + s->h.l4)) * k;
	if (s->h.version == 4) {
		v = (v ^ (v >> 32) ^ load_le64(ip + 12)) * k;
	} else {
		for (unsigned i = 8; i < IP6_HEADER_LEN; i += 8)
			v = (v ^ (v >> 32) ^ load_le64(ip + i)) * k;
	}
	return (uint32_t)(v >> 32);
}

/* Parse a frame. Return: whether it belongs to a flow: TCP or UDP with ports. */
static bool segment_describe(const struct gso_merge_caps *caps, const uint8_t *frame, size_t len,
	bool ethernet, void *tag, struct segment *s)
{
	*s = (struct segment){ .frame = frame, .len = (uint32_t)len, .tag = tag };
	if (headers_parse(frame, len, ethernet, &s->h) || s->h.version == 0)
		return false;
	if ((s->h.proto != PROTO_TCP && s->h.proto != PROTO_UDP) || s->h.frag_offset)
		return false;
	if (len - s->h.l4 < 4)
		return false;
	s->hash = flow_hash(s);
	s->mergeable = form_ok(caps, s);
	return true;
}

static const uint8_t *item_frame(const struct gso_merge *m, const struct gso_merge_item *it)
{
	return m->frames[it->first].data;
}

static bool same_addresses(
	const struct gso_merge *m, const struct gso_merge_item *it, const struct segment *s)
{
	size_t at = s->h.l3 + (s->h.version == 4 ? 12u : 8u);
	const uint8_t *first = item_frame(m, it);

	return it->tag == s->tag && it->l3 == s->h.l3 && (first[it->l3] >> 4) == s->h.version &&
	       memcmp(first + at, s->frame + at, s->h.version == 4 ? 8 : 32) == 0;
}

static bool same_flow(
	const struct gso_merge *m, const struct gso_merge_item *it, const struct segment *s)
{
	const uint8_t *first = item_frame(m, it);

	return it->hash == s->hash && it->proto == s->h.proto && same_addresses(m, it, s) &&
	       memcmp(first, s->frame, s->h.l3) == 0 &&
	       memcmp(first + it->l4, s->frame + s->h.l4, 4) == 0;
}

/* The slot of the flow's open superframe, or NULL. */
static uint16_t *flow_find(struct gso_merge *m, const struct segment *s)
{
	uint16_t *set = m->open + (s->hash % FLOW_SETS) * SET_FLOWS;

	for (unsigned i = 0; i < SET_FLOWS; i++)
		if (set[i] && same_flow(m, &m->items[set[i] - 1], s))
			return &set[i];
	return NULL;
}

/* Fragments carry no ports, or not all of them do: close all flows between the two hosts. */
static void flow_close_addresses(struct gso_merge *m, const struct segment *s)
{
	for (unsigned i = 0; i < GSO_MERGE_FLOWS_MAX; i++)
		if (m->open[i] && same_addresses(m, &m->items[m->open[i] - 1], s))
			m->open[i] = 0;
}

static unsigned count_owned(const void *const *owners, const void *owner)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SET_FLOWS; i++)
		n += owners[i] == owner;
	return n;
}

/* The entry to close for one of `owner`'s, in the full set that begins at `first`: one of the owner
 * that has most of them, its own if it has as many. */
static unsigned flow_to_close(struct gso_merge *m, unsigned first, const void *owner)
{
	const void *const *owners = m->owners + first;
	unsigned start = m->victim++, best = 0, most = 0, own = count_owned(owners, owner);

	for (unsigned i = 0; i < SET_FLOWS; i++) {
		unsigned at = (start + i) % SET_FLOWS;
		bool mine = owners[at] == owner;
		unsigned n;

		if (mine && own >= SET_FLOWS / 2) /* no other has more */
			return first + at;
		n = 2 * count_owned(owners, owners[at]) + mine;
		if (n > most) {
			most = n;
			best = at;
		}
	}
	return first + best;
}

static void flow_open(struct gso_merge *m, const struct gso_merge_item *it, const void *owner)
{
	unsigned first = it->hash % FLOW_SETS * SET_FLOWS, i = first;

	while (i < first + SET_FLOWS && m->open[i])
		i++;
	if (i == first + SET_FLOWS)
		i = flow_to_close(m, first, owner);
	m->open[i] = (uint16_t)(it - m->items + 1);
	m->owners[i] = owner;
}

static bool checksums_ok(const struct segment *s)
{
	const uint8_t *ip = s->frame + s->h.l3;
	uint32_t l4_len = s->len - s->h.l4;
	uint32_t sum = headers_pseudo_sum(s->frame, &s->h, l4_len);

	if (s->h.version == 4 &&
		(!checksum_ok(checksum_add(0, ip, IP4_HEADER_LEN)) ||
			load_le16(ip + 10) == 0xffff)) /* even if valid: split writes 0 */
		return false;
	return checksum_ok(checksum_add(sum, s->frame + s->h.l4, l4_len));
}

static bool ip_continues(const struct gso_merge_item *it, const uint8_t *a, const uint8_t *b,
	const struct headers *h)
{
	if (h->version == 6)
		return load_le32(a) == load_le32(b) && a[7] == b[7];
	return a[1] == b[1] && load_le16(a + 6) == load_le16(b + 6) && a[8] == b[8] &&
	       (h->dont_fragment || load_be16(b + 4) == it->next_id);
}

static bool tcp_continues(const struct gso_merge_item *it, const uint8_t *a, const uint8_t *b)
{
	size_t options = it->hdr_len - it->l4 - (size_t)TCP_HEADER_LEN;
	uint16_t flags = load_be16(a + TCP_DOFF_OFFSET) ^ load_be16(b + TCP_DOFF_OFFSET);

	return load_be32(b + TCP_SEQ_OFFSET) == it->next_seq &&
	       load_le32(a + TCP_ACK_OFFSET) == load_le32(b + TCP_ACK_OFFSET) &&
	       (flags & ~TCP_FLAG_PSH) == 0 && load_le16(a + 14) == load_le16(b + 14) &&
	       load_le16(a + 18) == load_le16(b + 18) &&
	       memcmp(a + TCP_HEADER_LEN, b + TCP_HEADER_LEN, options) == 0;
}

/* Whether the segment, of the same flow and mergeable, continues the open superframe. */
static bool item_continues(
	const struct gso_merge *m, const struct gso_merge_item *it, const struct segment *s)
{
	const uint8_t *first = item_frame(m, it);
	uint32_t payload = s->len - s->hdr_len;

	if (payload > it->gso_size || it->len + payload > SUPERFRAME_MAX ||
		it->n_frames == (is_tcp(s) ? GSO_MERGE_SEGMENTS_MAX : GSO_MERGE_UDP_SEGMENTS_MAX))
		return false;
	if (!ip_continues(it, first + it->l3, s->frame + it->l3, &s->h))
		return false;
	return !is_tcp(s) || tcp_continues(it, first + it->l4, s->frame + it->l4);
}

static void item_append(
	struct gso_merge *m, struct gso_merge_item *it, const struct segment *s, uint16_t frame)
{
	uint32_t payload = s->len - s->hdr_len;

	m->frames[it->last].next = frame;
	it->last = frame;
	it->n_frames++;
	it->len += payload;
	it->next_seq += payload;
	it->next_id++;
}

/* Whether this segment, currently the last of its superframe, must remain the last. */
static bool segment_ends(const struct gso_merge_item *it, const struct segment *s)
{
	if (s->len - s->hdr_len < it->gso_size)
		return true;
	return is_tcp(s) && (s->frame[s->h.l4 + TCP_FLAGS_OFFSET] & TCP_FLAG_PSH);
}

static struct gso_merge_item *item_new(struct gso_merge *m, uint16_t frame, void *tag)
{
	struct gso_merge_item *it = &m->items[m->n_items++];

	*it = (struct gso_merge_item){
		.tag = tag,
		.len = m->frames[frame].len,
		.first = frame,
		.last = frame,
		.n_frames = 1,
	};
	return it;
}

/* An item that others may be appended to. Its checksums have been verified. */
static struct gso_merge_item *item_new_open(
	struct gso_merge *m, uint16_t frame, const struct segment *s)
{
	struct gso_merge_item *it = item_new(m, frame, s->tag);

	it->verified = true;
	it->hash = s->hash;
	it->proto = s->h.proto;
	it->l3 = s->h.l3;
	it->l4 = s->h.l4;
	it->hdr_len = s->hdr_len;
	it->gso_size = (uint16_t)(s->len - s->hdr_len);
	it->next_id = (uint16_t)(load_be16(s->frame + it->l3 + 4) + 1);
	if (is_tcp(s))
		it->next_seq = load_be32(s->frame + it->l4 + TCP_SEQ_OFFSET) + it->gso_size;
	return it;
}

void gso_merge_init(struct gso_merge *m, const struct gso_merge_caps *caps)
{
	m->caps = *caps;
	m->n_frames = 0;
	m->n_items = 0;
	m->next_item = 0;
	m->victim = 0;
	memset(m->open, 0, sizeof(m->open));
}

/* Append a segment of a flow to its open superframe, or start a new one. */
static void flow_add(struct gso_merge *m, const struct segment *s, uint16_t frame)
{
	uint16_t *slot = flow_find(m, s);
	struct gso_merge_item *it = slot ? &m->items[*slot - 1] : NULL;

	if (!s->mergeable || !checksums_ok(s)) {
		if (slot)
			*slot = 0;
		item_new(m, frame, s->tag);
		return;
	}
	if (it && item_continues(m, it, s)) {
		item_append(m, it, s, frame);
		if (segment_ends(it, s))
			*slot = 0;
		return;
	}
	if (slot)
		*slot = 0;
	it = item_new_open(m, frame, s);
	if (!segment_ends(it, s))
		flow_open(m, it, s->owner);
}

int gso_merge_add(struct gso_merge *m, uint8_t *frame, size_t len, bool ethernet, void *tag,
	const void *owner)
{
	struct segment s;
	uint16_t index = m->n_frames;

	ASSERT(len > 0 && len <= SUPERFRAME_MAX);
	if (gso_merge_is_full(m))
		return -ENOBUFS;
	m->n_frames++;
	m->frames[index] =
		(struct gso_merge_frame){ .data = frame, .len = (uint32_t)len, .next = index };
	if (segment_describe(&m->caps, frame, len, ethernet, tag, &s)) {
		s.owner = owner;
		flow_add(m, &s, index);
		return 0;
	}
	if (s.h.version && headers_is_fragment(&s.h))
		flow_close_addresses(m, &s);
	item_new(m, index, tag);
	return 0;
}

/* Turn the headers of the first frame into those of the superframe. */
static void finish_headers(
	struct gso_merge *m, const struct gso_merge_item *it, struct offload *ret)
{
	uint8_t *first = m->frames[it->first].data;
	const uint8_t *last = m->frames[it->last].data;
	uint8_t *l3 = first + it->l3, *l4 = first + it->l4;
	struct headers h = { .version = l3[0] >> 4, .proto = it->proto, .l3 = it->l3 };
	uint32_t l4_len = it->len - it->l4;
	bool tcp = it->proto == PROTO_TCP;
	uint16_t csum_offset = tcp ? TCP_CSUM_OFFSET : UDP_CSUM_OFFSET;

	if (h.version == 4)
		checksum_replace16(l3 + 10, l3 + 2, (uint16_t)(it->len - it->l3), false);
	else
		store_be16(l3 + 4, (uint16_t)l4_len);
	if (tcp)
		l4[TCP_FLAGS_OFFSET] |= last[it->l4 + TCP_FLAGS_OFFSET] & TCP_FLAG_PSH;
	else
		store_be16(l4 + UDP_LEN_OFFSET, (uint16_t)l4_len);
	store_le16(l4 + csum_offset, checksum_fold(headers_pseudo_sum(first, &h, l4_len)));
	*ret = (struct offload){
		.needs_csum = true,
		.gso = !tcp		? GSO_UDP_L4
		       : h.version == 4 ? GSO_TCP4
					: GSO_TCP6,
		.gso_size = it->gso_size,
		.hdr_len = it->hdr_len,
		.csum_start = it->l4,
		.csum_offset = csum_offset,
	};
}

/* Fill the iovecs from iov[1] on. Return: their number, iov[0] included. */
static unsigned fill_iov(struct gso_merge *m, const struct gso_merge_item *it)
{
	const struct gso_merge_frame *f = &m->frames[it->first];
	unsigned n = 1;

	m->iov[n++] = (struct iovec){ .iov_base = f->data, .iov_len = f->len };
	while (f->next != f - m->frames) {
		f = &m->frames[f->next];
		m->iov[n++] = (struct iovec){
			.iov_base = f->data + it->hdr_len,
			.iov_len = f->len - it->hdr_len,
		};
	}
	return n;
}

bool gso_merge_next(struct gso_merge *m, struct gso_superframe *ret)
{
	const struct gso_merge_item *it;

	if (m->next_item == m->n_items) {
		struct gso_merge_caps caps = m->caps;

		gso_merge_init(m, &caps);
		return false;
	}
	it = &m->items[m->next_item++];
	*ret = (struct gso_superframe){
		.offload = { .csum_valid = it->verified },
		.iov = m->iov,
		.n_iov = fill_iov(m, it),
		.n_frames = it->n_frames,
		.len = it->len,
		.tag = it->tag,
	};
	if (it->n_frames > 1)
		finish_headers(m, it, &ret->offload);
	return true;
}
