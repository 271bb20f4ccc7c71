/* SPDX-License-Identifier: MIT */
/* Fuzz target: a sequence of decrypted packets: classification and reassembly.
 * Input, repeated: len[2, big endian] skip[1] packet[len]. `skip` advances WireGuard's counter by
 * two to the power of its low nibble, and time by its high nibble in 100 ms. An IPv4 header
 * checksum of zero is replaced by the correct one. */
#include "fuzz/target.h"

#include "base/bytes.h"
#include "l2tp/reassembly.h"
#include "l2tp/receive.h"
#include "pkt/checksum.h"
#include "pkt/ip.h"

#define SLOTS  4
#define OWNERS 2 /* whose fragments come in IPv4, and in IPv6 */

/* A site with sessions of every kind. */
struct site {
	struct l2tp_table table;
	struct l2tp_tunnel udp4;
	struct l2tp_tunnel ip4;
	struct l2tp_tunnel udp6;
	struct l2tp_session sessions[4];
	struct reassembly reassembly;
	struct reassembly_owner owners[OWNERS];
	void *memory;
	struct drop_counters drops;
	struct mono now;
	uint64_t counter;
};

static void add_tunnel(struct site *s, struct l2tp_tunnel *t, const char *local, const char *remote)
{
	EXPECT(ip_addr_parse(local, &t->local) == 0 && ip_addr_parse(remote, &t->remote) == 0);
	t->local_port = 1701;
	t->remote_port = 1701;
	EXPECT(l2tp_table_add_tunnel(&s->table, t) == 0);
}

static void add_session(struct site *s, struct l2tp_session *e, struct l2tp_tunnel *t, uint32_t id)
{
	e->tunnel = t;
	e->id = id;
	e->peer_id = 1;
	e->frame_max = 1518;
	EXPECT(l2tp_session_init(e) == 0);
	EXPECT(l2tp_table_add_session(&s->table, e) == 0);
}

/* The same for every input. */
static void fill(void *ctx, uint8_t *out, size_t len)
{
	(void)ctx;
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(i * 149 + 7);
}

static struct site *site_new(void)
{
	struct site *s = calloc(1, sizeof(*s));
	const struct rng rng = { fill, NULL };

	EXPECT(s);
	s->ip4.encap = L2TP_ENCAP_IP;
	l2tp_table_init(&s->table);
	add_tunnel(s, &s->udp4, "10.0.1.21", "10.0.1.11");
	add_tunnel(s, &s->ip4, "10.0.1.21", "10.0.1.11");
	add_tunnel(s, &s->udp6, "fd00::21", "fd00::11");
	s->sessions[1].peer_cookie_len = 8;
	memcpy(s->sessions[1].peer_cookie, "\1\2\3\4\5\6\7\10", 8);
	s->sessions[1].expect_sequence = true;
	s->sessions[2].sublayer = L2TP_SUBLAYER_NONE;
	s->sessions[2].peer_cookie_len = 4;
	add_session(s, &s->sessions[0], &s->udp4, 1);
	add_session(s, &s->sessions[1], &s->udp4, 2);
	add_session(s, &s->sessions[2], &s->ip4, 3);
	add_session(s, &s->sessions[3], &s->udp6, 4);
	s->memory = malloc(reassembly_memory(0, SLOTS));
	EXPECT(s->memory);
	reassembly_init(&s->reassembly, &s->drops, &rng);
	reassembly_add_slots(&s->reassembly, s->memory, SLOTS);
	for (size_t i = 0; i < OWNERS; i++)
		reassembly_owner_init(&s->owners[i]);
	s->now.ns = 1;
	return s;
}

static enum l2tp_verdict classify(struct site *s, const uint8_t *p, size_t len, bool *ret_foreign)
{
	struct l2tp_received got;
	enum l2tp_verdict v = l2tp_classify(&s->table, p, len, &got);

	EXPECT((v == L2TP_DROP) == (got.drop != DROP_NONE));
	if (v == L2TP_FRAME) {
		EXPECT(got.session && got.session->tunnel == got.tunnel);
		EXPECT(got.offset <= len && got.len <= len - got.offset);
		EXPECT(got.len >= 14 && got.len <= got.session->frame_max);
	}
	*ret_foreign = got.foreign;
	return v;
}

static void check_conservation(const struct site *s)
{
	const struct reassembly *r = &s->reassembly;
	uint64_t dropped = 0;

	for (unsigned d = 0; d < DROP_COUNT; d++)
		dropped += s->drops.n[d];
	EXPECT(r->fragments == r->joined + r->duplicates + r->passed + r->held + dropped);
	EXPECT(r->held <= SLOTS * REASSEMBLY_PAYLOAD_MAX / 8);
	EXPECT(s->owners[0].share.held + s->owners[1].share.held + r->n_done <= SLOTS);
}

static void check_whole(struct site *s, const struct reassembled *got)
{
	struct ip_header ip;
	bool foreign;

	EXPECT(ip_header_parse(got->packet, got->len, &ip) == 0);
	EXPECT(!ip.fragment && ip.header_len + ip.payload_len == got->len);
	EXPECT(classify(s, got->packet, got->len, &foreign) != L2TP_FRAGMENT);
}

/* A fuzzer cannot guess checksums: replace zero by the correct one. */
static void fix_checksum(uint8_t *p, size_t len)
{
	size_t header = len ? (size_t)(p[0] & 15) * 4 : 0;

	if (header >= 20 && header <= len && p[0] >> 4 == 4 && !load_be16(p + 10))
		checksum_store(p + 10, checksum_add(0, p, header));
}

static void receive(struct site *s, const uint8_t *p, size_t len)
{
	struct reassembly_owner *owner = &s->owners[len && p[0] >> 4 == 6];
	struct fragment_origin from = { 1, s->counter };
	struct reassembled got;
	struct ip_header ip;
	bool foreign;

	if (classify(s, p, len, &foreign) != L2TP_FRAGMENT)
		return;
	EXPECT(ip_header_parse(p, len, &ip) == 0);
	switch (reassembly_add(&s->reassembly, owner, p, &ip, foreign, from, s->now, &got)) {
	case REASSEMBLY_COMPLETE:
		check_whole(s, &got);
		break;
	case REASSEMBLY_BUSY:
		reassembly_release(&s->reassembly);
		break;
	case REASSEMBLY_HELD:
	case REASSEMBLY_PASS:
	case REASSEMBLY_DROPPED:
		break;
	}
	check_conservation(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct site *s = site_new();

	while (len >= 3) {
		size_t n = size_min(load_be16(data), len - 3);
		uint8_t *packet = malloc(n ? n : 1);

		EXPECT(packet);
		s->counter += 1ULL << (data[2] & 15);
		s->now = mono_add(s->now, (data[2] >> 4) * 100 * NS_PER_MS);
		memcpy(packet, data + 3, n);
		fix_checksum(packet, n);
		receive(s, packet, n);
		free(packet);
		if (data[2] >> 4)
			reassembly_expire(&s->reassembly, s->now);
		check_conservation(s);
		data += 3 + n;
		len -= 3 + n;
	}
	for (size_t i = 0; i < OWNERS; i++)
		reassembly_owner_fini(&s->reassembly, &s->owners[i]);
	EXPECT(!s->reassembly.held && list_is_empty(&s->reassembly.busy));
	check_conservation(s);
	free(s->memory);
	free(s);
	return 0;
}
