/* SPDX-License-Identifier: MIT */
/* Oversize packets end to end: MSS clamping, fragments, ICMP errors and drops, between two
 * engines. */
#include "path/test_pair.h"

#include "path/control.h"
#include "path/rx.h"
#include "path/tx.h"
#include "pkt/checksum.h"
#include "pkt/headers.h"
#include "pkt/testpkt.h"

#define SYN 2

/* Two sites with a session between them. */
static struct pair *connected(void)
{
	struct pair *p = pair_new_unmerged();
	uint8_t frame[100];

	pair_tick(p);
	pair_make_frame(frame, sizeof(frame), 0);
	pair_send(p, &p->a, &p->b, frame, sizeof(frame), &pair_plain);
	pair_settle(p);
	assert_int_equal(p->b.frames, 1);
	p->b.frames = 0;
	return p;
}

static bool sums_are_right(const struct testpkt *t, const uint8_t *frame, size_t len)
{
	const uint8_t *ip = frame + 14 + 4 * (size_t)t->vlan_tags;
	const uint8_t *l4 = frame + testpkt_l4(t);
	size_t l4_len = len - testpkt_l4(t);

	return (t->v6 || test_sum(0, ip, 20 + t->ip_options) == 0xffff) &&
	       test_sum(test_pseudo(ip, t->udp ? 17 : 6, l4_len), l4, l4_len) == 0xffff;
}

/* ---- MSS ---- */

struct clamp_case {
	const char *name;
	uint32_t clamp; /* ClampMSS */
	unsigned announced;
	unsigned expected; /* over IPv4 without tags; 0: as announced, whatever the headers */
};

static const struct clamp_case clamp_cases[] = {
	{ "yes", L2TP_CLAMP_PATH, 1460, 1346 },
	{ "yes, jumbo", L2TP_CLAMP_PATH, 8960, 1346 },
	{ "yes, small already", L2TP_CLAMP_PATH, 1200, 0 },
	{ "no", L2TP_CLAMP_OFF, 1460, 0 },
	{ "bytes", 1000, 1460, 1000 },
	{ "bytes, never raised", 1300, 900, 0 },
};

/* Both ends clamp what goes out and what comes in: here one end alone does, in either direction. */
static void clamp_one(const struct clamp_case *c, const struct testpkt *t, bool outgoing)
{
	struct pair *p = connected();
	struct side *clamps = outgoing ? &p->a : &p->b;
	uint8_t frame[200];
	size_t len = testpkt_build(t, frame);
	unsigned expected = c->expected;

	clamps->session.options.clamp_mss = c->clamp;
	pair_send(p, &p->a, &p->b, frame, len, &pair_plain);
	pair_settle(p);
	assert_int_equal(p->b.frames, 1);
	assert_int_equal(p->b.delivered_len, len);
	if (!expected)
		expected = c->announced;
	else if (c->clamp == L2TP_CLAMP_PATH)
		expected -= 4 * t->vlan_tags + (t->v6 ? 20 : 0);
	assert_int_equal(test_load16(p->b.delivered + testpkt_l4(t) + 22), expected);
	assert_true(sums_are_right(t, p->b.delivered, len));
	assert_int_equal(pair_clamped(&clamps->session.port), expected != c->announced ? 1 : 0);
	pair_free(p);
}

static void test_clamp(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(clamp_cases); i++)
		for (unsigned bits = 0; bits < 48; bits++) {
			const struct clamp_case *c = &clamp_cases[i];
			const uint8_t options[4] = { 2, 4, (uint8_t)(c->announced >> 8),
				(uint8_t)c->announced };
			struct testpkt t = { .ethernet = true,
				.v6 = bits & 1,
				.ip_options = bits & 2 ? 8 : 0,
				.flags = (uint8_t)(SYN | (bits & 4 ? 0x10 : 0)),
				.vlan_tags = bits / 16,
				.ttl = 64,
				.options = options,
				.options_len = sizeof(options) };

			clamp_one(c, &t, bits & 8);
		}
}

/* A SYN without the option, and anything but a SYN, is left alone. */
static void test_clamp_leaves_alone(void **state)
{
	static const uint8_t mss[4] = { 2, 4, 5, 0xb4 };
	struct testpkt t[2] = { { .ethernet = true, .flags = SYN },
		{ .ethernet = true, .options = mss, .options_len = 4 } };
	struct pair *p = connected();

	p->a.session.options.clamp_mss = p->b.session.options.clamp_mss = L2TP_CLAMP_PATH;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		uint8_t frame[200];
		uint8_t sent[200];
		size_t len = testpkt_build(&t[i], frame);

		memcpy(sent, frame, len);
		pair_send(p, &p->a, &p->b, frame, len, &pair_plain);
		pair_settle(p);
		assert_memory_equal(p->b.delivered, sent, len);
	}
	assert_int_equal(pair_clamped(&p->a.session.port), 0);
	assert_int_equal(pair_clamped(&p->b.session.port), 0);
	pair_free(p);
}

/* Each peer's path has its own MTU, and what its receiver may send follows from it. */
static void test_clamp_follows_the_path(void **state)
{
	static const uint8_t mss[4] = { 2, 4, 5, 0xb4 };
	struct testpkt t = { .ethernet = true, .flags = SYN, .options = mss, .options_len = 4 };
	struct pair *p = connected();
	uint8_t frame[200];
	size_t len = testpkt_build(&t, frame);

	p->a.session.options.clamp_mss = p->b.session.options.clamp_mss = L2TP_CLAMP_PATH;
	p->a.peer.mtu = 1400;
	p->b.peer.mtu = 1340;
	pair_send(p, &p->a, &p->b, frame, len, &pair_plain);
	pair_settle(p);
	assert_int_equal(test_load16(p->b.delivered + 56), 1340 - 54 - 40);
	pair_free(p);
}

/* On a narrow path the far end's padding has to fit, too: it may not know that the path is. */
static void test_clamp_leaves_room_for_padding(void **state)
{
	static const uint8_t mss[4] = { 2, 4, 5, 0xb4 };
	static const struct {
		unsigned outer, mtu, usable;
	} cases[] = {
		{ 0, 1340, 1340 }, /* not measured */
		{ 1400, 1340, 1328 },
		{ 1492, 1432, 1424 },
		{ 1280, 1200, 1200 },
		{ 1500, 1420, 1420 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct testpkt t = {
			.ethernet = true, .flags = SYN, .options = mss, .options_len = 4
		};
		struct pair *p = connected();
		uint8_t frame[200];
		size_t len = testpkt_build(&t, frame);

		p->a.session.options.clamp_mss = L2TP_CLAMP_PATH;
		p->a.peer.mtu = cases[i].mtu;
		p->a.peer.pmtud.current = cases[i].outer;
		pair_send(p, &p->a, &p->b, frame, len, &pair_plain);
		pair_settle(p);
		assert_int_equal(test_load16(p->b.delivered + 56), cases[i].usable - 54 - 40);
		pair_free(p);
	}
}

/* ---- Oversize = reject ---- */

struct reject_case {
	const char *name;
	struct testpkt t;
	bool answered;
	unsigned pieces; /* that arrive; 0: none */
};

static const struct reject_case reject_cases[] = {
	{ "fits", { .payload = 1346 }, false, 1 },
	{ "DF", { .payload = 1347, .df = true }, true, 0 },
	{ "DF, tag", { .payload = 1343, .df = true, .vlan_tags = 1 }, true, 0 },
	{ "DF, two tags", { .payload = 1460, .df = true, .vlan_tags = 2 }, true, 0 },
	{ "IPv6", { .payload = 1440, .v6 = true, .udp = true }, true, 0 },
	{ "IPv6, tag", { .payload = 1440, .v6 = true, .udp = true, .vlan_tags = 1 }, true, 0 },
	{ "no DF", { .payload = 1460 }, false, 2 },
	{ "no DF, tags", { .payload = 1460, .vlan_tags = 2 }, false, 2 },
	{ "no DF, 9000", { .payload = 8960 }, false, 7 },
};

static uint8_t joined[10000];

/* Put the IPv4 fragment that was delivered where it belongs. Return: whether it is the last. */
static bool join(const uint8_t *frame, size_t len, size_t l3)
{
	unsigned frag = test_load16(frame + l3 + 6);
	size_t at = (frag & 0x1fff) * 8;
	size_t n = test_load16(frame + l3 + 2) - 20u;

	assert_int_equal(test_sum(0, frame + l3, 20), 0xffff);
	assert_true(l3 + 20 + n <= len && at + n <= sizeof(joined));
	memcpy(joined + at, frame + l3 + 20, n);
	return !(frag & 0x2000);
}

/* Send a frame without letting it arrive at once, so that each piece can be looked at. */
static unsigned arrive_singly(struct pair *p, uint8_t *frame, size_t len, size_t l3)
{
	unsigned n = 0;

	p->a.answer = tx_begin(&p->a.e.tx, &p->a.job, &p->a.session.port, frame, len, &pair_plain);
	while (!tx_continue(&p->a.e.tx, &p->a.job))
		fail();
	for (size_t i = 0; i < p->a.e.tx.out.heads.n; i++) {
		struct train *train = &p->a.e.tx.out.heads.trains[i];

		for (size_t at = 0; at < train->len; at += train->stride, n++) {
			struct rx_train t = { .data = train->base + at,
				.len = size_min(train->stride, train->len - at),
				.stride = train->stride,
				.from = p->a.self };

			assert_true(rx_datagrams(&p->b.e.rx, &t));
			pair_deliver(&p->b);
			join(p->b.delivered, p->b.delivered_len, l3);
		}
	}
	assert_int_equal(p->a.e.tx.out.tails.n, 0);
	pair_reset(&p->a.e);
	return n;
}

static void check_reply(
	const struct reject_case *c, const struct tx_answer *answer, const uint8_t *frame)
{
	size_t l3 = 14 + 4 * (size_t)c->t.vlan_tags;
	const uint8_t *reply = answer->bytes;
	const uint8_t *ip = reply + l3;
	unsigned mtu = 1386 - 4 * c->t.vlan_tags;

	assert_memory_equal(reply, frame + 6, 6);
	assert_memory_equal(reply + 6, frame, 6);
	assert_memory_equal(reply + 12, frame + 12, l3 - 12);
	if (c->t.v6) {
		assert_int_equal(ip[40], 2);
		assert_int_equal(test_load16(ip + 46), mtu);
		assert_memory_equal(ip + 24, frame + l3 + 8, 16);
		return;
	}
	assert_int_equal(ip[20] << 8 | ip[21], 0x304);
	assert_int_equal(test_load16(ip + 26), mtu);
	assert_memory_equal(ip + 16, frame + l3 + 12, 4);
	assert_int_equal(test_sum(0, ip + 20, answer->len - l3 - 20), 0xffff);
}

static void test_reject(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(reject_cases); i++) {
		const struct reject_case *c = &reject_cases[i];
		struct testpkt t = c->t;
		struct pair *p = connected();
		static uint8_t frame[10000];
		size_t len, l3;

		t.ethernet = true;
		t.ttl = 64;
		l3 = 14 + 4 * (size_t)t.vlan_tags;
		len = testpkt_build(&t, frame);
		p->a.session.options.oversize = L2TP_OVERSIZE_REJECT;
		assert_int_equal(arrive_singly(p, frame, len, l3), c->pieces);
		assert_int_equal(p->b.frames, c->pieces);
		assert_int_equal(p->a.session.port.stats.tx.too_big_sent, c->answered);
		assert_int_equal(p->a.session.port.stats.tx.dropped, c->answered);
		assert_int_equal(p->a.session.port.stats.tx.fragmented, 0);
		assert_int_equal(pair_dropped(&p->a.e, DROP_TAP_OVERSIZE), c->answered);
		if (c->answered)
			check_reply(c, &p->a.answer, frame);
		else
			assert_int_equal(p->a.answer.len, 0);
		if (c->pieces)
			assert_memory_equal(joined, frame + l3 + 20, len - l3 - 20);
		pair_free(p);
	}
}

/* No error is sent for packets that are not IP. */
static void test_reject_not_ip(void **state)
{
	struct pair *p = connected();
	uint8_t frame[1514];

	p->a.session.options.oversize = L2TP_OVERSIZE_REJECT;
	pair_make_frame(frame, sizeof(frame), 1);
	pair_send(p, &p->a, &p->b, frame, sizeof(frame), &pair_plain);
	pair_settle(p);
	assert_int_equal(p->b.frames, 0);
	assert_int_equal(p->a.answer.len, 0);
	assert_int_equal(pair_dropped(&p->a.e, DROP_TAP_OVERSIZE), 1);
	assert_int_equal(p->a.session.port.stats.tx.dropped, 1);
	pair_send(p, &p->a, &p->b, frame, 1400, &pair_plain);
	pair_settle(p);
	assert_int_equal(p->b.frames, 1);
	pair_free(p);
}

/* A flood is answered 55 times, then 110 times a second; every one is counted as dropped. */
static void test_reject_rate(void **state)
{
	struct testpkt t = { .ethernet = true, .df = true, .payload = 1460, .ttl = 64 };
	struct pair *p = connected();
	uint8_t frame[1600];
	size_t len = testpkt_build(&t, frame);
	unsigned answers = 0;

	p->a.session.options.oversize = L2TP_OVERSIZE_REJECT;
	for (unsigned i = 0; i < 10000; i++) {
		pair_advance(p, NS_PER_MS / 10);
		p->a.answer = tx_begin(
			&p->a.e.tx, &p->a.job, &p->a.session.port, frame, len, &pair_plain);
		answers += p->a.answer.len != 0;
	}
	assert_in_range(answers, 163, 167);
	assert_int_equal(p->a.session.port.stats.tx.too_big_sent, answers);
	assert_int_equal(pair_dropped(&p->a.e, DROP_TAP_OVERSIZE), 10000);
	pair_free(p);
}

/* Send a datagram that does not fit from a host. Return: whether it was answered. */
static bool answers(struct pair *p, struct path_port *port, const uint8_t *host)
{
	struct testpkt t = { .ethernet = port->session, .df = true, .payload = 1460, .ttl = 64 };
	uint8_t frame[1600];
	size_t len = testpkt_build(&t, frame);
	uint8_t *ip = frame + (port->session ? 14 : 0);

	memcpy(ip + 12, host, 4);
	store_be16(ip + 10, 0);
	checksum_store(ip + 10, checksum_add(0, ip, 20));
	p->a.answer = tx_begin(&p->a.e.tx, &p->a.job, port, frame, len, &pair_plain);
	return p->a.answer.len != 0;
}

/* One host's flood, through a session or by wg0, leaves each other host its answers: all but those
 * few that happen to be counted in the same place. */
static void test_reject_fair(void **state)
{
	struct ip_prefix all4 = { .addr = { .family = AF_INET } };

	for (unsigned tun = 0; tun < 2; tun++) {
		struct pair *p = connected();
		struct path_port *port = tun ? &p->a.e.tun : &p->a.session.port;
		const uint8_t hostile[4] = { 10, 0, 2, 66 };
		unsigned of_hostile = 0, of_honest = 0;

		assert_int_equal(wg_allowedips_insert(&p->a.e.wg.allowed, &all4, &p->a.peer.wg), 0);
		p->a.session.options.oversize = L2TP_OVERSIZE_REJECT;
		for (unsigned i = 0; i < 10000; i++) {
			uint8_t honest[4] = { 10, 0, 3, (uint8_t)(i / 100) };

			pair_advance(p, NS_PER_MS / 10);
			of_hostile += answers(p, port, hostile);
			if (i % 100 == 0)
				of_honest += answers(p, port, honest);
		}
		assert_in_range(of_hostile, 100, 170);
		assert_in_range(of_honest, 95, 100);
		pair_free(p);
	}
}

static void test_drop(void **state)
{
	struct testpkt t = { .ethernet = true, .df = true, .payload = 1347, .ttl = 64 };
	struct pair *p = connected();
	uint8_t frame[1600];
	size_t len = testpkt_build(&t, frame);

	p->a.session.options.oversize = L2TP_OVERSIZE_DROP;
	pair_send(p, &p->a, &p->b, frame, len, &pair_plain);
	pair_send(p, &p->a, &p->b, frame, len - 1, &pair_plain);
	pair_settle(p);
	assert_int_equal(p->b.frames, 1);
	assert_int_equal(p->a.answer.len, 0);
	assert_int_equal(pair_dropped(&p->a.e, DROP_TAP_OVERSIZE), 1);
	assert_int_equal(p->a.session.port.stats.tx.dropped, 1);
	pair_free(p);
}

/* ---- superframes whose segments do not fit ---- */

/* A UDP superframe of `n` datagrams of `size` bytes, the last of 100. */
static size_t udp_superframe(
	uint8_t *frame, unsigned n, unsigned size, bool df, bool ethernet, struct offload *o)
{
	struct testpkt t = { .ethernet = ethernet,
		.udp = true,
		.df = df,
		.partial = true,
		.ttl = 64,
		.sport = 1,
		.dport = 2,
		.payload = (n - 1) * size + 100 };
	unsigned l4 = testpkt_l4(&t);

	*o = (struct offload){ .needs_csum = true,
		.gso = GSO_UDP_L4,
		.gso_size = (uint16_t)size,
		.hdr_len = (uint16_t)(l4 + 8),
		.csum_start = (uint16_t)l4,
		.csum_offset = 6 };
	return testpkt_build(&t, frame);
}

static uint8_t super[SUPERFRAME_MAX];

static void test_superframe_fragmented(void **state)
{
	struct pair *p = connected();
	struct offload o;
	size_t len = udp_superframe(super, 40, 1472, true, true, &o);

	pair_send(p, &p->a, &p->b, super, len, &o);
	pair_settle(p);
	assert_int_equal(p->b.frames, 40);
	assert_int_equal(p->a.session.port.stats.tx.fragmented, 39);
	assert_int_equal(p->a.session.port.stats.tx.fragments, 78);
	assert_int_equal(p->b.session.port.stats.rx.reassembled, 39);
	assert_int_equal(p->b.session.port.stats.rx.fragments, 78);
	assert_int_equal(pair_drops(p), 0);
	assert_true(p->ab.longest <= 1500);
	pair_free(p);
}

/* Equal heads leave in trains of equal size, equal tails likewise. */
static void test_fragments_leave_in_trains(void **state)
{
	struct pair *p = connected();
	struct offload o;
	size_t len = udp_superframe(super, 31, 1472, true, true, &o);
	const struct emit *tx = &p->a.e.tx.out;

	p->a.answer = tx_begin(&p->a.e.tx, &p->a.job, &p->a.session.port, super, len, &o);
	assert_true(tx_continue(&p->a.e.tx, &p->a.job));
	assert_int_equal(tx->heads.n, 1);
	assert_int_equal(tx->heads.trains[0].count, 30);
	assert_int_equal(tx->heads.trains[0].len, 30 * tx->heads.trains[0].stride);
	assert_int_equal(tx->heads.trains[0].stride, 32 + 1440);
	assert_in_range(tx->tails.n, 1, 2); /* the last datagram is shorter and whole */
	assert_int_equal(tx->tails.trains[0].count, 31 - (tx->tails.n - 1));
	pair_settle(p);
	assert_int_equal(p->b.frames, 31);
	pair_free(p);
}

static void test_superframe_rejected(void **state)
{
	struct pair *p = connected();
	struct offload o;
	size_t len = udp_superframe(super, 40, 1472, true, true, &o);

	p->a.session.options.oversize = L2TP_OVERSIZE_REJECT;
	pair_send(p, &p->a, &p->b, super, len, &o);
	assert_int_equal(p->a.session.port.stats.tx.too_big_sent, 1);
	assert_int_equal(test_load16(p->a.answer.bytes + 14 + 26), 1386);
	pair_settle(p);
	assert_int_equal(p->b.frames, 0);
	/* without DF each of its datagrams is cut, but for the last */
	len = udp_superframe(super, 40, 1472, false, true, &o);
	pair_send(p, &p->a, &p->b, super, len, &o);
	pair_settle(p);
	assert_int_equal(p->b.frames, 39 * 2 + 1);
	assert_int_equal(p->a.session.port.stats.tx.too_big_sent, 1);
	assert_int_equal(p->a.session.port.stats.tx.fragmented, 0);
	assert_int_equal(pair_dropped(&p->a.e, DROP_TAP_OVERSIZE), 1);
	pair_free(p);
}

/* ---- the TUN ---- */

/* A peer whose path carries less than wg0 does: ICMP for what may not be cut, pieces for the
 * rest. */
static void test_tun(void **state)
{
	static const struct testpkt table[] = {
		{ .payload = 1250, .df = true, .ttl = 64, .udp = true },
		{ .payload = 1250, .v6 = true, .ttl = 64, .udp = true },
		{ .payload = 1250, .ttl = 64, .udp = true },
	};
	struct ip_prefix all4 = { .addr = { .family = AF_INET } };
	struct ip_prefix all6 = { .addr = { .family = AF_INET6 } };

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct pair *p = connected();
		uint8_t packet[2000];
		size_t len = testpkt_build(&table[i], packet);
		const uint8_t *reply;

		assert_int_equal(wg_allowedips_insert(&p->a.e.wg.allowed, &all4, &p->a.peer.wg), 0);
		assert_int_equal(wg_allowedips_insert(&p->a.e.wg.allowed, &all6, &p->a.peer.wg), 0);
		assert_int_equal(wg_allowedips_insert(&p->b.e.wg.allowed, &all4, &p->b.peer.wg), 0);
		p->a.peer.mtu = 1240;
		pair_send_tun(p, &p->a, &p->b, packet, len, &pair_plain);
		reply = p->a.answer.bytes;
		pair_settle(p);
		if (i == 2) {
			assert_int_equal(p->b.packets, 2);
			assert_int_equal(p->a.answer.len, 0);
			assert_memory_equal(p->b.tun + 20, packet + 20 + 1216, len - 20 - 1216);
			assert_int_equal(test_load16(p->b.tun + 6), 1216 / 8);
			assert_int_equal(test_sum(0, p->b.tun, 20), 0xffff);
		} else if (i == 1) {
			assert_int_equal(reply[0] >> 4, 6);
			assert_int_equal(test_load16(reply + 46), 1240);
			assert_memory_equal(reply + 24, packet + 8, 16);
		} else {
			assert_int_equal(reply[0], 0x45);
			assert_int_equal(test_load16(reply + 26), 1240);
			assert_memory_equal(reply + 16, packet + 12, 4);
			assert_int_equal(test_load16(reply + 2), p->a.answer.len);
		}
		assert_int_equal(p->a.e.tun.stats.tx.too_big_sent, i < 2);
		pair_free(p);
	}
}

/* ---- waiting for a session ---- */

/* What waited leaves in fragments or pieces like anything else, and with a checksum even if the
 * path's MTU has shrunk meanwhile. */
static void test_pending(void **state)
{
	struct pair *p = pair_new_unmerged();
	struct testpkt t = { .ethernet = true, .payload = 1460, .ttl = 64 };
	uint8_t frame[1600];
	size_t len = testpkt_build(&t, frame);

	pair_tick(p);
	pair_send(p, &p->a, &p->b, frame, len, &pair_plain); /* in fragments */
	p->a.session.options.oversize = L2TP_OVERSIZE_REJECT;
	pair_send(p, &p->a, &p->b, frame, len, &pair_plain); /* in two pieces */
	p->a.session.options.oversize = L2TP_OVERSIZE_FRAGMENT;
	pair_send(p, &p->a, &p->b, frame, 1300, &pair_plain); /* would fit now */
	assert_int_equal(p->a.peer.pending.count, 4);
	assert_int_not_equal(test_load16(p->a.peer.pending.last->bytes + 26), 0);
	p->a.peer.mtu = 1140;
	pair_settle(p);
	assert_int_equal(p->b.frames, 4);
	assert_int_equal(p->b.session.port.stats.rx.reassembled, 3);
	assert_int_equal(p->a.session.port.stats.tx.fragmented, 3);
	assert_int_equal(p->a.session.port.stats.tx.fragments, 6);
	assert_int_equal(p->b.session.port.stats.rx.fragments, 6);
	assert_int_equal(p->b.e.rx.counters.stats.fragments_rx, 6);
	assert_int_equal(pair_drops(p), 0);
	assert_memory_equal(p->b.delivered, frame, 1300);
	pair_free(p);
}

/* What waited and is not sent is a drop of the port that it came from: as the session is removed,
 * as there is no room, as the peer is removed. */
static void test_pending_is_dropped(void **state)
{
	struct pair *p = pair_new_unmerged();
	struct path_port_stats *session = &p->a.session.port.stats;
	struct path_port_stats *tun = &p->a.e.tun.stats;
	struct testpkt t = { .payload = 100, .ttl = 64 };
	uint8_t packet[200];
	size_t len = testpkt_build(&t, packet);
	struct ip_prefix all4 = { .addr = { .family = AF_INET } };
	uint8_t frame[100];

	assert_int_equal(wg_allowedips_insert(&p->a.e.wg.allowed, &all4, &p->a.peer.wg), 0);
	pair_make_frame(frame, sizeof(frame), 1);
	for (unsigned i = 0; i < WG_PENDING_MAX + 2; i++)
		pair_send(p, &p->a, &p->b, frame, sizeof(frame), &pair_plain);
	assert_int_equal(session->tx.dropped, 2);
	assert_int_equal(pair_dropped(&p->a.e, DROP_TX_STAGED_FULL), 2);
	pair_send_tun(p, &p->a, &p->b, packet, len, &pair_plain);
	engine_remove_session(&p->a.e, &p->a.session);
	assert_int_equal(p->a.peer.pending.count, 1);
	assert_int_equal(session->tx.dropped, WG_PENDING_MAX + 2);
	assert_int_equal(pair_dropped(&p->a.e, DROP_TX_EXPIRED), WG_PENDING_MAX - 1);
	assert_int_equal(tun->tx.dropped, 0);
	engine_drop_pending(&p->a.e, &p->a.peer);
	assert_int_equal(tun->tx.dropped, 1);
	assert_int_equal(pair_dropped(&p->a.e, DROP_TX_EXPIRED), WG_PENDING_MAX);
	assert_int_equal(engine_add_session(&p->a.e, &p->a.session), 0);
	pair_free(p);
}

/* ---- reassembly, with an attacker who reorders, repeats and modifies datagrams ---- */

enum mischief {
	NOTHING,
	REVERSE,
	TWICE,
	LOSE_TAILS,
	TAILS_OF_OTHERS, /* each packet's tail one id cycle later */
	MISCHIEF_COUNT,
};

/* Copies of datagrams that carry fragments. */
static uint8_t caught[64][1600];
static size_t caught_len[64];
static unsigned caught_n;

static void catch_all(struct train_queue *q)
{
	for (size_t i = 0; i < q->n; i++)
		for (size_t at = 0; at < q->trains[i].len; at += q->trains[i].stride) {
			caught_len[caught_n] = size_min(q->trains[i].stride, q->trains[i].len - at);
			memcpy(caught[caught_n], q->trains[i].base + at, caught_len[caught_n]);
			caught_n++;
		}
	train_queue_reset(q);
}

static void give(struct pair *p, unsigned i)
{
	uint8_t copy[1600];
	struct rx_train t = {
		.data = copy, .len = caught_len[i], .stride = caught_len[i], .from = p->a.self
	};

	memcpy(copy, caught[i], caught_len[i]);
	assert_true(rx_datagrams(&p->b.e.rx, &t));
	pair_deliver(&p->b);
}

static void test_reassembly_under_mischief(void **state)
{
	for (unsigned m = NOTHING; m < MISCHIEF_COUNT; m++) {
		struct pair *p = connected();
		uint8_t frame[1514];
		unsigned heads;

		caught_n = 0;
		for (unsigned i = 0; i < 16; i++) {
			pair_make_frame(frame, sizeof(frame), i);
			p->a.answer = tx_begin(&p->a.e.tx, &p->a.job, &p->a.session.port, frame,
				sizeof(frame), &pair_plain);
			assert_true(tx_continue(&p->a.e.tx, &p->a.job));
			if (m == TAILS_OF_OTHERS && i % 2 == 0)
				p->a.e.fragment_id--; /* two packets under one id */
		}
		catch_all(&p->a.e.tx.out.heads);
		heads = caught_n;
		catch_all(&p->a.e.tx.out.tails);
		pair_reset(&p->a.e);
		assert_int_equal(heads, 16);
		assert_int_equal(caught_n, 32);
		for (unsigned k = 0; k < caught_n; k++) {
			unsigned i = m == REVERSE ? caught_n - 1 - k : k;

			if (m == LOSE_TAILS && i >= heads)
				continue;
			give(p, i);
			if (m == TWICE)
				give(p, i);
		}
		if (m == LOSE_TAILS) {
			assert_int_equal(p->b.frames, 0);
			pair_advance(p, 2 * NS_PER_S);
			control_timers(&p->b.e);
			assert_int_equal(pair_dropped(&p->b.e, DROP_FRAG_TIMEOUT), 16);
		} else if (m == TAILS_OF_OTHERS) {
			assert_int_equal(p->b.frames, 0); /* overlapping, so neither is believed */
			assert_int_equal(pair_dropped(&p->b.e, DROP_FRAG_OVERLAP), 32);
		} else {
			assert_int_equal(p->b.frames, 16);
			assert_int_equal(
				pair_dropped(&p->b.e, DROP_WG_REPLAY), m == TWICE ? 32 : 0);
		}
		assert_int_equal(p->b.e.rx.reassembly.held, 0);
		pair_free(p);
	}
}

/* Ids come round after 65,536 packets: a head whose tail was lost is not joined with the tail that
 * has its id then. */
static void test_id_wraps(void **state)
{
	struct pair *p = connected();
	uint8_t frame[1514];

	caught_n = 0;
	pair_make_frame(frame, sizeof(frame), 1);
	p->a.answer = tx_begin(
		&p->a.e.tx, &p->a.job, &p->a.session.port, frame, sizeof(frame), &pair_plain);
	assert_true(tx_continue(&p->a.e.tx, &p->a.job));
	catch_all(&p->a.e.tx.out.heads);
	catch_all(&p->a.e.tx.out.tails);
	give(p, 0);
	for (unsigned i = 0; i < 65535; i++) { /* no time passes: a fast link */
		p->a.answer = tx_begin(&p->a.e.tx, &p->a.job, &p->a.session.port, frame,
			sizeof(frame), &pair_plain);
		assert_true(tx_continue(&p->a.e.tx, &p->a.job));
		pair_reset(&p->a.e);
	}
	caught_n = 0;
	pair_make_frame(frame, sizeof(frame), 2);
	p->a.answer = tx_begin(
		&p->a.e.tx, &p->a.job, &p->a.session.port, frame, sizeof(frame), &pair_plain);
	assert_true(tx_continue(&p->a.e.tx, &p->a.job));
	catch_all(&p->a.e.tx.out.heads);
	catch_all(&p->a.e.tx.out.tails);
	give(p, 1);
	assert_int_equal(p->b.frames, 0);
	assert_int_equal(pair_dropped(&p->b.e, DROP_FRAG_WINDOW), 1);
	give(p, 0);
	assert_int_equal(p->b.frames, 1);
	assert_memory_equal(p->b.delivered, frame, sizeof(frame));
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clamp),
		cmocka_unit_test(test_clamp_leaves_alone),
		cmocka_unit_test(test_clamp_follows_the_path),
		cmocka_unit_test(test_clamp_leaves_room_for_padding),
		cmocka_unit_test(test_reject),
		cmocka_unit_test(test_reject_not_ip),
		cmocka_unit_test(test_reject_rate),
		cmocka_unit_test(test_reject_fair),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_superframe_fragmented),
		cmocka_unit_test(test_fragments_leave_in_trains),
		cmocka_unit_test(test_superframe_rejected),
		cmocka_unit_test(test_tun),
		cmocka_unit_test(test_pending),
		cmocka_unit_test(test_pending_is_dropped),
		cmocka_unit_test(test_reassembly_under_mischief),
		cmocka_unit_test(test_id_wraps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
