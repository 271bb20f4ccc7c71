/* SPDX-License-Identifier: MIT */
/* Tests of our own datagrams among members' frames: which are dropped, and which pass. */
#include "path/own.h"

#include <string.h>

#include "path/control.h"
#include "path/test_pair.h"
#include "path/tx.h"
#include "pkt/headers.h"

#define MAC_LEN	    6
#define FRAGMENT_MF 0x2000

/* How a datagram is encapsulated when it returns to us. Zero: as an untagged frame, over IPv4. */
struct wrap {
	bool bare; /* for the TUN */
	bool v6;
	bool options; /* IPv4: four bytes of them */
	unsigned vlan_tags;
	uint16_t more;	  /* IPv4 flags and offset; IPv6: the same two bytes of a fragment header */
	uint16_t id;	  /* of a fragment */
	bool fragment6;	  /* with a fragment header */
	uint8_t proto;	  /* 0: UDP */
	bool masqueraded; /* from another address and port */
	uint16_t to_port; /* 0: the peer's */
	uint8_t to_host;  /* 0: the peer's */
};

static const struct ip_addr peer6 = { .family = AF_INET6,
	.bytes = { 0x20, 1, 0xd, 0xb8, [15] = 2 } };

static size_t put_tags(uint8_t *frame, const struct wrap *w)
{
	size_t at = 2 * MAC_LEN;

	if (w->bare)
		return 0;
	memset(frame, 2, at);
	frame[5] = 9;
	for (unsigned i = 0; i < w->vlan_tags; i++, at += VLAN_TAG_LEN) {
		store_be16(frame + at, i + 1 < w->vlan_tags ? ETHERTYPE_QINQ : ETHERTYPE_VLAN);
		store_be16(frame + at + 2, (uint16_t)(0xe000 + 100 + i));
	}
	store_be16(frame + at, w->v6 ? ETHERTYPE_6 : ETHERTYPE_4);
	return at + 2;
}

static size_t put_ip4(uint8_t *ip, const struct wrap *w, size_t payload)
{
	const uint8_t from[4] = { 192, 168, 122, w->masqueraded ? 77 : 11 };
	const uint8_t to[4] = { 192, 168, 122, w->to_host ? w->to_host : 21 };
	size_t len = IP4_HEADER_LEN + (w->options ? 4 : 0);

	memset(ip, 1, len); /* options: NOPs */
	ip[0] = (uint8_t)(0x40 | len / 4);
	ip[1] = 0;
	store_be16(ip + 2, (uint16_t)(len + payload));
	store_be16(ip + 4, w->id);
	store_be16(ip + 6, w->more);
	ip[8] = 64;
	ip[9] = w->proto ? w->proto : PROTO_UDP;
	memcpy(ip + 12, from, 4);
	memcpy(ip + 16, to, 4);
	return len;
}

static size_t put_ip6(uint8_t *ip, const struct wrap *w, size_t payload)
{
	uint8_t proto = w->proto ? w->proto : PROTO_UDP;
	size_t len = IP6_HEADER_LEN + (w->fragment6 ? 8 : 0);

	memset(ip, 0, len);
	ip[0] = 0x60;
	store_be16(ip + 4, (uint16_t)(len - IP6_HEADER_LEN + payload));
	ip[6] = w->fragment6 ? 44 : proto;
	ip[7] = 64;
	memcpy(ip + 8, peer6.bytes, 16);
	ip[23] = w->masqueraded ? 77 : 1;
	memcpy(ip + 24, peer6.bytes, 16);
	if (w->to_host)
		ip[39] = w->to_host;
	if (w->fragment6) {
		ip[40] = proto;
		store_be16(ip + 42, w->more);
		store_be32(ip + 44, 0xabcd0000 | w->id);
	}
	return len;
}

/* A frame with `payload` behind its IP header. Return: its length. */
static size_t put_packet(
	uint8_t *frame, const struct wrap *w, const uint8_t *payload, size_t payload_len)
{
	size_t at = put_tags(frame, w);

	at += w->v6 ? put_ip6(frame + at, w, payload_len) : put_ip4(frame + at, w, payload_len);
	memcpy(frame + at, payload, payload_len);
	return at + payload_len;
}

/* A frame with `msg` in a UDP datagram to the peer. Return: its length. */
static size_t put_datagram(uint8_t *frame, const struct wrap *w, const uint8_t *msg, size_t len)
{
	uint8_t udp[4096];

	assert_true(len + UDP_HEADER_LEN <= sizeof(udp));
	store_be16(udp, w->masqueraded ? 33333 : 8172);
	store_be16(udp + 2, w->to_port ? w->to_port : 8172);
	store_be16(udp + 4, (uint16_t)(UDP_HEADER_LEN + len));
	store_be16(udp + 6, 0);
	memcpy(udp + UDP_HEADER_LEN, msg, len);
	return put_packet(frame, w, udp, UDP_HEADER_LEN + len);
}

/* Take the first datagram that a side is about to send off its queue. Return: its length. */
static size_t take_sent(struct side *s, uint8_t *msg, size_t room)
{
	const struct train_queue *q =
		s->e.tx.out.heads.n ? &s->e.tx.out.heads : &s->e.control.out.heads;
	const struct train *t = &q->trains[0];
	size_t len = size_min(t->stride, t->len);

	assert_true(q->n > 0 && len <= room);
	memcpy(msg, t->base, len);
	return len;
}

/* A data message that side a has just sent, and that has arrived. Return: its length. */
static size_t make_data(struct pair *p, uint8_t *msg, size_t room, size_t frame_len)
{
	uint8_t frame[2048];
	size_t len;

	pair_tick(p);
	pair_make_frame(frame, frame_len, 0);
	pair_send(p, &p->a, &p->b, frame, frame_len, &pair_plain);
	len = take_sent(&p->a, msg, room);
	assert_int_equal(msg[0], WG_MSG_DATA);
	pair_settle(p);
	return len;
}

/* A pair with a session that side a may send with. */
static struct pair *new_session(void)
{
	struct pair *p = pair_new();
	uint8_t frame[100];

	pair_make_frame(frame, sizeof(frame), 0);
	pair_send(p, &p->a, &p->b, frame, sizeof(frame), &pair_plain);
	pair_settle(p);
	assert_int_equal(p->b.frames, 1);
	return p;
}

/* Side a's endpoint of the peer, of the family that `w` has. */
static void set_endpoint(struct pair *p, const struct wrap *w)
{
	p->a.peer.wg.endpoint.addr = w->v6 ? peer6 : p->b.self.addr;
}

/* Whether side a drops the frame as its own; nothing leaves then. */
static bool is_own(
	struct pair *p, const struct wrap *w, uint8_t *frame, size_t len, const struct offload *o)
{
	struct side *a = &p->a;
	uint64_t before = pair_dropped(&a->e, DROP_TAP_OWN);
	uint64_t segments = a->e.tx.counters.stats.segments_tx;
	uint64_t sent = a->e.tx.counters.stats.datagrams_tx;
	bool own;

	set_endpoint(p, w);
	a->answer =
		tx_begin(&a->e.tx, &a->job, w->bare ? &a->e.tun : &a->session.port, frame, len, o);
	while (!tx_continue(&a->e.tx, &a->job))
		pair_reset(&a->e);
	pair_reset(&a->e);
	set_endpoint(p, &(struct wrap){ 0 });
	own = pair_dropped(&a->e, DROP_TAP_OWN) > before;
	assert_true(own || !a->answer.own.peer);
	assert_int_equal(pair_dropped(&a->e, DROP_TAP_OWN) - before, own);
	assert_true(!own || a->e.tx.counters.stats.datagrams_tx == sent);
	/* what passes is sent or waits for a session; no peer has the destination in the TUN */
	assert_int_equal(a->e.tx.counters.stats.segments_tx - segments > 0, !own && !w->bare);
	return own;
}

static bool is_own_datagram(struct pair *p, const struct wrap *w, const uint8_t *msg, size_t len)
{
	uint8_t frame[4096];

	return is_own(p, w, frame, put_datagram(frame, w, msg, len), &pair_plain);
}

static const struct {
	const char *name;
	struct wrap wrap;
} wraps[] = {
	{ "as it left", { 0 } },
	{ "masqueraded", { .masqueraded = true } },
	{ "with options", { .options = true } },
	{ "VLAN", { .vlan_tags = 1 } },
	{ "QinQ", { .vlan_tags = 2 } },
	{ "IPv6", { .v6 = true } },
	{ "IPv6, masqueraded", { .v6 = true, .masqueraded = true } },
	{ "IPv6 in QinQ", { .v6 = true, .vlan_tags = 2 } },
	{ "in the TUN", { .bare = true } },
	{ "IPv6 in the TUN", { .bare = true, .v6 = true } },
};

static void test_data(void **state)
{
	struct pair *p = new_session();
	uint8_t msg[2048];
	size_t len = make_data(p, msg, sizeof(msg), 1000);

	for (size_t i = 0; i < ARRAY_LEN(wraps); i++) {
		const struct wrap *w = &wraps[i].wrap;

		if (!is_own_datagram(p, w, msg, len))
			fail_msg("%s: passed", wraps[i].name);
		assert_ptr_equal(p->a.answer.own.peer, &p->a.peer.wg);
		assert_int_equal(p->a.answer.own.mac[5], w->bare ? 0 : 9);
		assert_int_equal(p->a.answer.own.vlan, w->vlan_tags ? 100 : 0);
	}
	pair_free(p);
}

/* A keepalive is the shortest data message. */
static void test_keepalive(void **state)
{
	struct pair *p = new_session();
	uint8_t msg[64];

	pair_tick(p);
	attention_add(&p->a.e.control.attention, &p->a.peer, WG_SEND_KEEPALIVE);
	assert_true(control_pump(&p->a.e));
	assert_int_equal(take_sent(&p->a, msg, sizeof(msg)), WG_DATA_OVERHEAD);
	assert_true(is_own_datagram(p, &wraps[0].wrap, msg, WG_DATA_OVERHEAD));
	pair_free(p);
}

static void test_handshakes(void **state)
{
	struct pair *p = pair_new();
	uint8_t frame[100], initiation[WG_HANDSHAKE_MAX], response[WG_HANDSHAKE_MAX];

	pair_make_frame(frame, sizeof(frame), 0);
	pair_send(p, &p->a, &p->b, frame, sizeof(frame), &pair_plain);
	assert_true(control_pump(&p->a.e));
	assert_int_equal(take_sent(&p->a, initiation, sizeof(initiation)), WG_INITIATION_LEN);
	assert_true(is_own_datagram(p, &wraps[0].wrap, initiation, WG_INITIATION_LEN));
	assert_false(is_own_datagram(p, &wraps[0].wrap, initiation, WG_INITIATION_LEN - 1));
	assert_int_equal(wg_peer_make_initiation(
				 &p->b.e.wg, &p->b.peer.wg, p->b.e.now, p->b.e.wall, initiation),
		0);
	pair_reset(&p->a.e);
	assert_true(rx_datagrams(&p->a.e.rx, &(struct rx_train){ .data = initiation,
						     .len = WG_INITIATION_LEN,
						     .stride = WG_INITIATION_LEN,
						     .from = p->b.self }));
	assert_true(control_pump(&p->a.e));
	assert_int_equal(take_sent(&p->a, response, sizeof(response)), WG_RESPONSE_LEN);
	assert_true(is_own_datagram(p, &wraps[0].wrap, response, WG_RESPONSE_LEN));
	assert_true(is_own_datagram(p, &(struct wrap){ .v6 = true }, response, WG_RESPONSE_LEN));
	/* the peer's to us, come round somehow, is none of ours */
	assert_false(is_own_datagram(p, &wraps[0].wrap, initiation, WG_INITIATION_LEN));
	pair_free(p);
}

/* What members send to the same peer, or with the same bytes elsewhere, passes. */
static void test_members(void **state)
{
	struct pair *p = new_session();
	uint8_t msg[2048], other[2048];
	size_t len = make_data(p, msg, sizeof(msg), 300);
	const struct wrap plain = { 0 };

	memcpy(other, msg, len);
	other[4] ^= 1; /* another session */
	assert_false(is_own_datagram(p, &plain, other, len));
	memcpy(other, msg, len);
	store_le64(other + 8, 1000000); /* a counter that we have not come to */
	assert_false(is_own_datagram(p, &plain, other, len));
	for (uint8_t type = 0; type < 8; type++) {
		memcpy(other, msg, len);
		other[0] = type;
		assert_int_equal(is_own_datagram(p, &plain, other, len), type == WG_MSG_DATA);
	}
	memcpy(other, msg, len);
	other[1] = 1; /* reserved */
	assert_false(is_own_datagram(p, &plain, other, len));
	assert_false(is_own_datagram(p, &(struct wrap){ .to_port = 8173 }, msg, len));
	assert_false(is_own_datagram(p, &(struct wrap){ .to_host = 22 }, msg, len));
	assert_false(is_own_datagram(p, &(struct wrap){ .v6 = true, .to_host = 22 }, msg, len));
	assert_false(is_own_datagram(p, &(struct wrap){ .proto = PROTO_TCP }, msg, len));
	assert_false(is_own_datagram(p, &(struct wrap){ .v6 = true, .proto = 136 }, msg, len));
	assert_true(is_own_datagram(p, &plain, msg, len));
	pair_free(p);
}

/* A superframe of datagrams, as the kernel has it from UDP_SEGMENT or has merged it. */
static void test_superframe(void **state)
{
	struct pair *p = new_session();
	uint8_t msg[2048], train[3 * 2048], frame[4 * 2048];
	size_t len = make_data(p, msg, sizeof(msg), 1000);
	struct wrap w = { .vlan_tags = 1 };
	struct offload o = { .needs_csum = true, .gso = GSO_UDP_L4, .gso_size = (uint16_t)len };

	for (unsigned i = 0; i < 3; i++) {
		memcpy(train + i * len, msg, len);
		store_le64(train + i * len + 8, load_le64(msg + 8) + i);
	}
	o.csum_start = ETH_HEADER_LEN + VLAN_TAG_LEN + IP4_HEADER_LEN;
	o.csum_offset = UDP_CSUM_OFFSET;
	assert_true(is_own(p, &w, frame, put_datagram(frame, &w, train, 3 * len), &o));
	train[4] ^= 1;
	assert_false(is_own(p, &w, frame, put_datagram(frame, &w, train, 3 * len), &o));
	pair_free(p);
}

/* Cut a datagram as the kernel does. `which`: 0 to 2. Return: the fragment's frame length. */
static size_t put_fragment(uint8_t *frame, const struct wrap *like, uint16_t id, const uint8_t *msg,
	size_t len, unsigned which)
{
	struct wrap whole = { .bare = true };
	struct wrap w = *like;
	uint8_t packet[4096];
	size_t end = put_datagram(packet, &whole, msg, len);
	size_t at = which * 400u;
	size_t part = size_min(400, end - IP4_HEADER_LEN - at);
	bool more = at + part < end - IP4_HEADER_LEN;

	w.id = id;
	if (w.v6)
		w.more = (uint16_t)(at | more);
	else
		w.more = (uint16_t)(at / 8 | (more ? FRAGMENT_MF : 0));
	w.fragment6 = w.v6;
	return put_packet(frame, &w, packet + IP4_HEADER_LEN + at, part);
}

static void check_fragments(struct pair *p, const struct wrap *w, const uint8_t *msg, size_t len)
{
	uint8_t frame[4096], other[2048];

	/* those of one datagram; only the first names the peer */
	for (unsigned i = 0; i < 3; i++) {
		assert_true(
			is_own(p, w, frame, put_fragment(frame, w, 7, msg, len, i), &pair_plain));
		assert_ptr_equal(p->a.answer.own.peer, i ? NULL : &p->a.peer.wg);
	}
	/* of one whose first was not seen, or was not ours */
	memcpy(other, msg, len);
	other[4] ^= 1;
	for (unsigned i = 0; i < 3; i++)
		assert_false(
			is_own(p, w, frame, put_fragment(frame, w, 8, other, len, i), &pair_plain));
	/* several at a time, each with its own id */
	for (unsigned n = 0; n < OWN_FRAGMENTED; n++)
		assert_true(is_own(p, w, frame,
			put_fragment(frame, w, (uint16_t)(100 + n), msg, len, 0), &pair_plain));
	for (unsigned n = 0; n < OWN_FRAGMENTED; n++)
		assert_true(is_own(p, w, frame,
			put_fragment(frame, w, (uint16_t)(100 + n), msg, len, 2), &pair_plain));
	/* a member's own fragments to the peer, with the id of one of ours */
	assert_false(is_own(p, &(struct wrap){ .v6 = w->v6, .masqueraded = true }, frame,
		put_fragment(frame, &(struct wrap){ .v6 = w->v6, .masqueraded = true }, 100, msg,
			len, 1),
		&pair_plain));
}

static void test_fragments(void **state)
{
	struct pair *p = new_session();
	uint8_t msg[2048];
	size_t len = make_data(p, msg, sizeof(msg), 1000);

	check_fragments(p, &(struct wrap){ 0 }, msg, len);
	check_fragments(p, &(struct wrap){ .v6 = true, .vlan_tags = 1 }, msg, len);
	pair_free(p);
}

/* Cut off anywhere, nothing is read beyond the end. */
static void test_truncated(void **state)
{
	struct pair *p = new_session();
	uint8_t msg[2048], frame[4096];
	size_t len = make_data(p, msg, sizeof(msg), 100);

	for (size_t i = 0; i < ARRAY_LEN(wraps); i++) {
		size_t whole = put_datagram(frame, &wraps[i].wrap, msg, len);

		for (size_t cut = 0; cut < whole; cut++) {
			uint8_t *exact = malloc(cut + !cut); /* a sanitizer sees its end */
			struct own_datagram own = { 0 };

			assert_non_null(exact);
			memcpy(exact, frame, cut);
			set_endpoint(p, &wraps[i].wrap);
			if (!own_recognises(&p->a.e.tx.own, &p->a.e.wg, exact, cut,
				    !wraps[i].wrap.bare, &own))
				assert_null(own.peer);
			free(exact);
		}
	}
	pair_free(p);
}

/* Larger tables find what the old ones did; a session that has ended is not found. */
static void test_ended_and_moved(void **state)
{
	struct pair *p = new_session();
	struct wg_sizes sizes = { .peers = 400, .allowed_ips = 400, .sources = 64 };
	void *memory = calloc(1, wg_device_memory(&sizes));
	uint8_t msg[2048];
	size_t len = make_data(p, msg, sizeof(msg), 100);

	assert_int_equal(wg_device_resize(&p->a.e.wg, &sizes, memory), 0);
	assert_true(is_own_datagram(p, &wraps[0].wrap, msg, len));
	wg_peer_reset(&p->a.e.wg, &p->a.peer.wg);
	assert_null(wg_device_sent(&p->a.e.wg, msg, len));
	engine_fini(&p->a.e); /* before its memory */
	free(memory);
	memset(&p->a.e, 0, sizeof(p->a.e));
	pair_free(p);
}

/* Sessions with the same receiver index: peers choose them. */
static void test_same_index(void **state)
{
	struct pair *p = new_session();
	struct wg_keypair *kp = p->a.peer.wg.keys.current;
	struct wg_keypair twin = { .remote_index = kp->remote_index, .peer = kp->peer };

	list_init(&twin.sent_link);
	wg_sent_add(&p->a.e.wg.sent, &twin);
	assert_ptr_equal(wg_sent_find(&p->a.e.wg.sent, kp->remote_index, 0), kp);
	list_remove(&kp->sent_link);
	assert_null(wg_sent_find(&p->a.e.wg.sent, kp->remote_index, 0));
	atomic_store(&twin.tx_counter, 1);
	assert_ptr_equal(wg_sent_find(&p->a.e.wg.sent, kp->remote_index, 0), &twin);
	list_remove(&twin.sent_link);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_keepalive),
		cmocka_unit_test(test_handshakes),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_superframe),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_ended_and_moved),
		cmocka_unit_test(test_same_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
