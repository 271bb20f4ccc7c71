/* SPDX-License-Identifier: MIT */
/* Fuzz target: a capture of packets that others have made, through a small ring that is emptied now
 * and then. What comes out is a whole pcapng file whose counters are right; frames are found where
 * the receiver finds them, too.
 * Input, repeated: what[1] len[2, big endian] bytes[len]. `what`: two bits for the operation, one
 * for the direction, one for the interface, four for how much is read from the ring afterwards. */
#include "fuzz/target.h"

#include "base/bytes.h"
#include "capture/capture.h"
#include "capture/dissect.h"
#include "l2tp/receive.h"

#define RING	 4096
#define SNAP	 200
#define SESSIONS 3

enum operation {
	INNER_PACKET,
	DATAGRAM,
	INTERFACE,
	CUT, /* a packet of which only a part was captured, with a comment */
};

/** Sessions of every kind, a capture, and what was read from it. */
struct world {
	struct l2tp_table table;
	struct l2tp_tunnel udp;
	struct l2tp_tunnel ip;
	struct l2tp_session sessions[SESSIONS];
	struct capture capture;
	uint8_t ring[RING];
	uint8_t *file;
	size_t file_len;
};

static void add_session(struct world *w, struct l2tp_session *s, struct l2tp_tunnel *t, uint32_t id)
{
	s->tunnel = t;
	s->id = id;
	s->peer_id = id;
	s->frame_max = 1518;
	EXPECT(l2tp_session_init(s) == 0);
	EXPECT(l2tp_table_add_session(&w->table, s) == 0);
}

static struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));

	EXPECT(w);
	l2tp_table_init(&w->table);
	EXPECT(ip_addr_parse("10.0.1.21", &w->udp.local) == 0);
	EXPECT(ip_addr_parse("10.0.1.11", &w->udp.remote) == 0);
	w->udp.local_port = w->udp.remote_port = 1701;
	EXPECT(l2tp_table_add_tunnel(&w->table, &w->udp) == 0);
	w->ip.encap = L2TP_ENCAP_IP;
	EXPECT(ip_addr_parse("fd00::21", &w->ip.local) == 0);
	EXPECT(ip_addr_parse("fd00::11", &w->ip.remote) == 0);
	EXPECT(l2tp_table_add_tunnel(&w->table, &w->ip) == 0);
	w->sessions[1].peer_cookie_len = w->sessions[1].cookie_len = 8;
	memcpy(w->sessions[1].peer_cookie, "\1\2\3\4\5\6\7\10", 8);
	memcpy(w->sessions[1].cookie, "\1\2\3\4\5\6\7\10", 8);
	w->sessions[2].sublayer = L2TP_SUBLAYER_NONE;
	add_session(w, &w->sessions[0], &w->udp, 1);
	add_session(w, &w->sessions[1], &w->ip, 2);
	add_session(w, &w->sessions[2], &w->udp, 3);
	EXPECT(capture_init(&w->capture, w->ring, RING, SNAP, "fuzz", "a comment") == 0);
	EXPECT(capture_add_interface(&w->capture, PCAPNG_RAW, "wg0", "") == 0);
	EXPECT(capture_add_interface(&w->capture, PCAPNG_ETHERNET, "l2tpeth0", "frames") == 1);
	return w;
}

/* Read up to `most` bytes from the ring. */
static void read_ring(struct world *w, size_t most)
{
	const uint8_t *front;
	size_t n;

	while (most && (n = size_min(capture_ring_front(&w->capture.ring, &front), most))) {
		w->file = realloc(w->file, w->file_len + n);
		EXPECT(w->file);
		memcpy(w->file + w->file_len, front, n);
		w->file_len += n;
		capture_ring_take(&w->capture.ring, n);
		most -= n;
	}
}

/* Look for the frame of each session. One that the receiver takes is found where it finds it. */
static void inner_packet(struct world *w, const uint8_t *p, size_t len, struct pcapng_packet *ret)
{
	struct l2tp_received got;
	enum l2tp_verdict verdict = l2tp_classify(&w->table, p, len, &got);
	struct ip_header ip;
	size_t at;

	if (ip_header_parse(p, len, &ip) != 0) {
		EXPECT(verdict != L2TP_FRAME);
		return;
	}
	for (size_t i = 0; i < SESSIONS; i++) {
		const struct l2tp_session *s = &w->sessions[i];
		bool found = capture_frame_at(s, p, &ip, ret->outgoing, &at);

		EXPECT(!found || (at >= ip.header_len && at + 14 <= ip.len && ip.len <= len));
		if (found && ret->interface == 1)
			ret->rest = p + at, ret->rest_len = ret->len = ip.len - at;
		if (ret->outgoing || verdict != L2TP_FRAME)
			continue;
		EXPECT(found == (got.session == s));
		EXPECT(!found || at == got.offset);
	}
}

/* A datagram gets a header that is one, and that leads to the other end. */
static size_t datagram(const uint8_t *p, size_t len, bool outgoing, uint8_t *head)
{
	struct endpoint far = { .port = 51820 };
	struct capture_datagram d = { p, len, &far, 8172, 0xb8, 0, outgoing };
	uint8_t whole[CAPTURE_OUTER_MAX + 65536];
	struct ip_header ip;
	size_t n;

	far.addr = len % 2 ? ip_addr_v4((const uint8_t *)"\300\0\2\1")
			   : ip_addr_v6((const uint8_t *)"\375\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1");
	n = capture_outer_header(&d, head);
	memcpy(whole, head, n);
	memcpy(whole + n, p, len);
	EXPECT(ip_header_parse(whole, n + len, &ip) == 0);
	EXPECT(ip.len == n + len && ip.header_len + 8 == n && ip.tos == 0xb8);
	EXPECT(!memcmp(outgoing ? ip.dst : ip.src, far.addr.bytes, ip_addr_len(&far.addr)));
	EXPECT(load_be16(head + n - 8) == (outgoing ? 8172 : 51820));
	return n;
}

static void step(struct world *w, unsigned what, const uint8_t *p, size_t len)
{
	struct pcapng_packet packet = { .interface = what >> 3 & 1,
		.when = { 1700000000, what },
		.outgoing = what >> 2 & 1,
		.rest = p,
		.rest_len = len,
		.len = len,
		.comment = "" };
	uint8_t head[CAPTURE_OUTER_MAX];
	char text[CAPTURE_COMMENT_LEN];
	uint32_t added = CAPTURE_NONE;

	switch ((enum operation)(what & 3)) {
	case INNER_PACKET:
		inner_packet(w, p, len, &packet);
		break;
	case DATAGRAM:
		packet.head = head;
		packet.head_len = datagram(p, len, packet.outgoing, head);
		packet.len += packet.head_len;
		break;
	case INTERFACE:
	case CUT:
		snprintf(text, sizeof(text), "%.*s", (int)len, (const char *)p);
		packet.comment = text;
		packet.len += 100;
		if ((what & 3) == INTERFACE)
			added = capture_add_interface(&w->capture, PCAPNG_RAW, text, text);
		EXPECT(added == CAPTURE_NONE || added == w->capture.n - 1);
		break;
	}
	capture_add_packet(&w->capture, packet);
	read_ring(w, (what >> 4) * 64);
}

static uint32_t load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

/* The file consists of whole blocks. What was received is in it, or was dropped. */
static void check_file(const struct world *w)
{
	uint64_t packets[CAPTURE_INTERFACES_MAX] = { 0 };
	uint32_t interfaces = 0;
	uint32_t statistics = 0;
	size_t at = 0;

	while (at < w->file_len) {
		const uint8_t *block = w->file + at;
		size_t left = w->file_len - at;
		size_t len = left >= PCAPNG_BLOCK_MIN ? load32(block + 4) : 0;

		EXPECT(len >= PCAPNG_BLOCK_MIN && len <= left && len % 4 == 0);
		EXPECT(load32(block + len - 4) == len);
		EXPECT((load32(block) == PCAPNG_SECTION) == (at == 0));
		interfaces += load32(block) == PCAPNG_INTERFACE;
		statistics += load32(block) == PCAPNG_STATISTICS;
		if (load32(block) == PCAPNG_PACKET) {
			EXPECT(load32(block + 8) < interfaces);
			EXPECT(load32(block + 20) <= SNAP && 32 + load32(block + 20) <= len);
			packets[load32(block + 8)]++;
		}
		at += len;
	}
	EXPECT(interfaces == w->capture.n && statistics == interfaces);
	for (uint32_t i = 0; i < interfaces; i++)
		EXPECT(packets[i] + w->capture.interfaces[i].dropped ==
			w->capture.interfaces[i].received);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct world *w = world_new();

	while (len >= 3) {
		size_t n = size_min(load_be16(data + 1), len - 3);
		uint8_t *packet = malloc(n ? n : 1); /* so that a read beyond its end is found */

		EXPECT(packet);
		memcpy(packet, data + 3, n);
		step(w, data[0], packet, n);
		free(packet);
		data += 3 + n;
		len -= 3 + n;
	}
	capture_end(&w->capture, (struct wall){ 1700000001, 0 });
	read_ring(w, RING);
	check_file(w);
	free(w->file);
	free(w);
	return 0;
}
