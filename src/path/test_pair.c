/* SPDX-License-Identifier: MIT */
/* Two engines, back to back in memory, and the network between them: for tests. */
#include "path/test_pair.h"

#include "crypto/x25519.h"
#include "path/control.h"
#include "path/peer_pmtu.h"
#include "path/rx.h"
#include "path/tx.h"
#include "pkt/checksum.h"

#define OUTER 28 /* IPv4 and UDP */

const struct offload pair_plain;

void pair_random(void *ctx, uint8_t *out, size_t len)
{
	uint64_t *x = ctx;

	while (len--) {
		*x = *x * 6364136223846793005ULL + 1442695040888963407ULL;
		*out++ = (uint8_t)(*x >> 56);
	}
}

static uint64_t seed_a = 1;
static uint64_t seed_b = 2;

void side_init(struct side *s, uint64_t *seed, const uint8_t priv[static 32],
	const uint8_t peer_pub[static 32], unsigned host, unsigned peer_host)
{
	struct engine_sizes sizes = { .wg = { .peers = 4, .allowed_ips = 16, .sources = 64 },
		.packet_max = 10240 };
	uint8_t addr[4] = { 192, 168, 122, (uint8_t)host };
	uint8_t inner[4] = { 10, 0, 1, (uint8_t)host };
	uint8_t inner_peer[4] = { 10, 0, 1, (uint8_t)peer_host };
	struct ip_prefix all = { .len = 32 };
	struct endpoint peer_at = { .port = 8172 };

	s->memory = calloc(1, engine_memory(&sizes));
	assert_int_equal(engine_init(&s->e, &sizes, s->memory,
				 (struct rng){ .fill = pair_random, .ctx = seed }, NULL),
		0);
	engine_set_merge(
		&s->e, &(struct gso_merge_caps){ .tcp4 = true, .tcp6 = true, .udp = true });
	s->e.wg_mtu = 1440;
	assert_null(wg_device_set_private_key(&s->e.wg, priv));
	assert_int_equal(engine_add_peer(&s->e, &s->peer, peer_pub), 0);
	all.addr = ip_addr_v4(inner_peer);
	assert_int_equal(wg_allowedips_insert(&s->e.wg.allowed, &all, &s->peer.wg), 0);
	s->self = (struct endpoint){ .addr = ip_addr_v4(addr), .port = 8172 };
	addr[3] = (uint8_t)peer_host;
	peer_at.addr = ip_addr_v4(addr);
	wg_peer_set_endpoint(&s->e.wg, &s->peer.wg, &peer_at);
	s->tunnel = (struct l2tp_tunnel){ .local = ip_addr_v4(inner),
		.remote = ip_addr_v4(inner_peer),
		.local_port = 1701,
		.remote_port = 1701 };
	assert_int_equal(l2tp_table_add_tunnel(&s->e.l2tp, &s->tunnel), 0);
	s->session.l2tp = (struct l2tp_session){ .tunnel = &s->tunnel,
		.id = 3900 + host,
		.peer_id = 3900 + peer_host,
		.frame_max = SUPERFRAME_MAX };
	assert_int_equal(l2tp_session_init(&s->session.l2tp), 0);
	l2tp_options_init(&s->session.options);
	s->session.options.clamp_mss = L2TP_CLAMP_OFF;
	list_init(&s->session.link);
	assert_int_equal(engine_add_session(&s->e, &s->session), 0);
}

struct pair *pair_new(void)
{
	struct pair *p = calloc(1, sizeof(*p));
	uint8_t priv_a[32] = { 8, 1 };
	uint8_t priv_b[32] = { 16, 2 };
	uint8_t pub_a[32];
	uint8_t pub_b[32];

	assert_non_null(p);
	assert_int_equal(x25519_public(priv_a, pub_a), 0);
	assert_int_equal(x25519_public(priv_b, pub_b), 0);
	side_init(&p->a, &seed_a, priv_a, pub_b, 11, 21);
	side_init(&p->b, &seed_b, priv_b, pub_a, 21, 11);
	p->now.ns = 1000 * NS_PER_S;
	pair_advance(p, 0);
	return p;
}

void pair_free(struct pair *p)
{
	engine_fini(&p->a.e);
	engine_fini(&p->b.e);
	free(p->a.memory);
	free(p->b.memory);
	free(p);
}

struct pair *pair_new_unmerged(void)
{
	struct pair *p = pair_new();

	engine_set_merge(&p->a.e, &(struct gso_merge_caps){ 0 });
	engine_set_merge(&p->b.e, &(struct gso_merge_caps){ 0 });
	return p;
}

void pair_advance(struct pair *p, uint64_t ns)
{
	struct wall wall;

	p->now.ns += ns;
	wall = (struct wall){ .sec = p->now.ns / NS_PER_S + 1000000,
		.nsec = (uint32_t)(p->now.ns % NS_PER_S) };
	engine_set_time(&p->a.e, p->now, wall);
	engine_set_time(&p->b.e, p->now, wall);
}

void pair_tick(struct pair *p)
{
	pair_advance(p, NS_PER_MS);
}

void pair_run(struct pair *p, uint64_t ns)
{
	struct mono until = mono_add(p->now, ns);

	for (;;) {
		struct mono due = mono_earliest(engine_deadline(&p->a.e), engine_deadline(&p->b.e));

		control_timers(&p->a.e);
		control_timers(&p->b.e);
		pair_settle(p);
		due = mono_earliest(engine_deadline(&p->a.e), engine_deadline(&p->b.e));
		if (!mono_is_set(due) || mono_before(until, due))
			break;
		/* an event loop sleeps for a whole number of something */
		pair_advance(p, mono_between(p->now, due) + 10 * 1000);
	}
	if (mono_before(p->now, until))
		pair_advance(p, mono_between(p->now, until));
}

/* A packet for the TUN: the kernel behind it may have an answer. */
static void side_tun(struct side *s, const struct gso_superframe *sf)
{
	s->packets += sf->n_frames;
	s->tun_len = 0;
	for (unsigned i = 1; i < sf->n_iov && s->tun_len + sf->iov[i].iov_len <= sizeof(s->tun);
		i++) {
		memcpy(s->tun + s->tun_len, sf->iov[i].iov_base, sf->iov[i].iov_len);
		s->tun_len += sf->iov[i].iov_len;
	}
	if (s->answers && sf->n_frames == 1 && s->tun[0] == 0x45 && s->tun[9] == 1 &&
		s->tun[20] == 8 && s->echoes_n < SIDE_ECHOES &&
		s->tun_len <= sizeof(s->echoes[0])) {
		memcpy(s->echoes[s->echoes_n], s->tun, s->tun_len);
		s->echo_len[s->echoes_n++] = s->tun_len;
	}
}

static void side_frame(struct side *s, const struct gso_superframe *sf)
{
	s->delivered_len = 0;
	for (unsigned i = 1; i < sf->n_iov; i++) {
		memcpy(s->delivered + s->delivered_len, sf->iov[i].iov_base, sf->iov[i].iov_len);
		s->delivered_len += sf->iov[i].iov_len;
	}
	s->frames += sf->n_frames;
	s->bytes += s->delivered_len;
}

void pair_deliver(struct side *s)
{
	struct gso_superframe sf;
	struct path_port *port;

	while (rx_next(&s->e.rx, &sf, &port)) {
		if (port->session)
			side_frame(s, &sf);
		else
			side_tun(s, &sf);
	}
}

static bool link_fits(struct pair_link *link, struct side *from, struct side *to,
	const uint8_t *datagram, size_t len)
{
	if (!link->mtu || len + OUTER <= link->mtu)
		return true;
	link->too_large++;
	if (link->speaks || link->quotes)
		peer_pmtu_hint(&from->e, &to->self, link->mtu, datagram, link->quotes ? len : 0);
	return false;
}

/* Whether a datagram passes. */
static bool link_passes(struct pair *p, struct pair_link *link, struct side *from, struct side *to,
	const uint8_t *datagram, size_t len)
{
	uint8_t dice[2];

	if (!link_fits(link, from, to, datagram, len))
		return false;
	pair_random(&p->seed, dice, sizeof(dice));
	if (link->loss && load_be16(dice) % 1000 < link->loss) {
		link->lost++;
		return false;
	}
	link->carried++;
	if (len + OUTER > link->longest)
		link->longest = (unsigned)len + OUTER;
	return true;
}

static void receive(struct side *to, struct rx_train *t)
{
	rx_prefetch(&to->e.rx, t->data, t->len);
	while (!rx_datagrams(&to->e.rx, t)) {
		pair_deliver(to);
		if (to->e.rx.n_messages == RX_MESSAGES_MAX)
			assert_true(control_pump(&to->e));
	}
}

/* A train over a link that looks at each of its datagrams. */
static void carry_singly(struct pair *p, struct pair_link *link, struct side *from, struct side *to,
	const struct rx_train *train)
{
	for (size_t at = 0; at < train->len; at += train->stride) {
		struct rx_train t = *train;

		t.data += at;
		t.len = size_min(train->stride, train->len - at);
		if (link_passes(p, link, from, to, t.data, t.len))
			receive(to, &t);
	}
}

bool pair_carry(struct pair *p, struct side *from, struct train_queue *q, struct side *to)
{
	struct pair_link *link = from == &p->a ? &p->ab : &p->ba;
	size_t n = q->n;

	memcpy(p->wire, q->arena, q->used);
	for (size_t i = 0; i < n; i++) {
		struct rx_train t = {
			.data = p->wire + (q->trains[i].base - q->arena),
			.len = q->trains[i].len,
			.stride = q->trains[i].stride,
			.from = from->self,
		};

		assert_true(endpoint_equal(&q->trains[i].to, &to->self));
		if (link->train && q->trains[i].count > link->train)
			continue;
		if (link->whole && !link_fits(link, from, to, t.data, t.stride))
			continue;
		if (link->mtu || link->loss) {
			carry_singly(p, link, from, to, &t);
			continue;
		}
		link->carried += (t.len + t.stride - 1) / t.stride;
		if (t.stride + OUTER > link->longest)
			link->longest = (unsigned)t.stride + OUTER;
		receive(to, &t);
	}
	train_queue_reset(q);
	pair_deliver(to);
	return n > 0;
}

/* The kernel's answers to echoes. Return: whether there were any. */
static bool side_echo(struct pair *p, struct side *from, struct side *to)
{
	unsigned n = from->echoes_n;

	from->echoes_n = 0;
	for (unsigned i = 0; i < n; i++) {
		uint8_t *packet = from->echoes[i];
		uint8_t addr[4];

		memcpy(addr, packet + 12, 4);
		memcpy(packet + 12, packet + 16, 4);
		memcpy(packet + 16, addr, 4);
		packet[20] = 0;
		store_be16(packet + 22, 0);
		checksum_store(packet + 22, checksum_add(0, packet + 20, from->echo_len[i] - 20));
		pair_send_tun(p, from, to, packet, from->echo_len[i], &pair_plain);
	}
	return n > 0;
}

/* Carry everything that `from` has to send. */
static bool carry_all(struct pair *p, struct side *from, struct side *to)
{
	struct emit *outs[] = { &from->e.tx.out, &from->e.control.out };
	bool any = false;

	for (size_t i = 0; i < ARRAY_LEN(outs); i++) {
		any |= pair_carry(p, from, &outs[i]->heads, to);
		any |= pair_carry(p, from, &outs[i]->tails, to);
		emit_reset(outs[i]);
	}
	return any;
}

bool pair_carry_side(struct pair *p, struct side *from, struct side *to)
{
	bool any = side_echo(p, from, to);
	bool done;

	do {
		done = control_pump(&from->e);
		any |= carry_all(p, from, to);
	} while (!done);
	return any;
}

void pair_settle(struct pair *p)
{
	bool any = true;

	while (any) {
		any = pair_carry_side(p, &p->a, &p->b);
		any |= pair_carry_side(p, &p->b, &p->a);
	}
}

static void send_port(struct pair *p, struct side *from, struct side *to, struct path_port *port,
	uint8_t *frame, size_t len, const struct offload *o)
{
	from->answer = tx_begin(&from->e.tx, &from->job, port, frame, len, o);
	while (!tx_continue(&from->e.tx, &from->job)) {
		carry_all(p, from, to);
	}
}

void pair_send(struct pair *p, struct side *from, struct side *to, uint8_t *frame, size_t len,
	const struct offload *o)
{
	send_port(p, from, to, &from->session.port, frame, len, o);
}

void pair_send_tun(struct pair *p, struct side *from, struct side *to, uint8_t *packet, size_t len,
	const struct offload *o)
{
	send_port(p, from, to, &from->e.tun, packet, len, o);
}

void pair_make_frame(uint8_t *frame, size_t len, unsigned seed)
{
	memset(frame, 2, 12);
	store_be16(frame + 12, 0x88b5); /* local experimental ethertype */
	for (size_t i = 14; i < len; i++)
		frame[i] = (uint8_t)(i * 7 + seed);
}

void pair_reset(struct engine *e)
{
	emit_reset(&e->tx.out);
	emit_reset(&e->control.out);
}

uint64_t pair_dropped(const struct engine *e, enum drop why)
{
	struct lane_counters sum;
	uint64_t total = 0;

	engine_count(e, &sum);
	for (size_t d = 0; d < DROP_COUNT; d++)
		total += sum.drops.n[d];
	assert_int_equal(engine_drops(e), total);
	return sum.drops.n[why];
}

uint64_t pair_clamped(const struct path_port *port)
{
	return port->stats.tx.mss_clamped + port->stats.rx.mss_clamped;
}

uint64_t pair_drops(const struct pair *p)
{
	uint64_t n = 0;

	for (unsigned d = 0; d < DROP_COUNT; d++)
		n += pair_dropped(&p->a.e, d) + pair_dropped(&p->b.e, d);
	return n;
}
