/* SPDX-License-Identifier: MIT */
/* Fair sharing at a hub: an honest site loses nothing, whatever a hostile site sends, a lossy path
 * loses, or waits for sites that do not answer. */
#include "path/test_pair.h"

#include "crypto/x25519.h"
#include "path/control.h"
#include "path/rx.h"
#include "path/tx.h"
#include "pkt/checksum.h"

#define HUB	11
#define SITES	3
#define OVERLAP 1416 /* where the second fragment of our packets begins, and some more */

enum {
	HONEST,
	LOSSY,
	HOSTILE
};

/* One end of the hub's for each site. */
struct hub {
	struct side hub; /* its own peer and session are those of the honest site */
	struct path_peer peers[SITES];
	struct l2tp_tunnel tunnels[SITES];
	struct path_session sessions[SITES];
	struct side sites[SITES];
	uint64_t seeds[SITES + 1];
	uint64_t dice;
	struct mono now;
	uint64_t frames[SITES]; /* that arrived at the hub from each */
	unsigned loss;		/* of what the lossy site sends, in a thousand */
	uint8_t wire[2 * 192 * 1024];
};

static unsigned host_of(unsigned site)
{
	return 21 + site;
}

static void private_key(unsigned host, uint8_t ret[static 32])
{
	memset(ret, 0, 32);
	ret[0] = 8;
	ret[1] = (uint8_t)host;
	x25519_clamp(ret);
}

static struct path_peer *peer_at_hub(struct hub *h, unsigned site)
{
	return site ? &h->peers[site] : &h->hub.peer;
}

static void advance(struct hub *h, uint64_t ns)
{
	struct wall wall;

	h->now.ns += ns;
	wall = (struct wall){ .sec = h->now.ns / NS_PER_S + 1000000,
		.nsec = (uint32_t)(h->now.ns % NS_PER_S) };
	engine_set_time(&h->hub.e, h->now, wall);
	for (unsigned i = 0; i < SITES; i++)
		engine_set_time(&h->sites[i].e, h->now, wall);
}

/* The hub's end of a site that is not the first. */
static void add_site(struct hub *h, unsigned site, const uint8_t public_key[static 32])
{
	const struct side *first = &h->hub;
	struct path_peer *peer = &h->peers[site];
	struct endpoint at = h->sites[site].self;
	struct ip_prefix prefix = { .len = 32, .addr = first->tunnel.remote };

	prefix.addr.bytes[3] = (uint8_t)host_of(site);
	assert_int_equal(engine_add_peer(&h->hub.e, peer, public_key), 0);
	assert_int_equal(wg_allowedips_insert(&h->hub.e.wg.allowed, &prefix, &peer->wg), 0);
	wg_peer_set_endpoint(&h->hub.e.wg, &peer->wg, &at);
	h->tunnels[site] = first->tunnel;
	h->tunnels[site].remote = prefix.addr;
	assert_int_equal(l2tp_table_add_tunnel(&h->hub.e.l2tp, &h->tunnels[site]), 0);
	h->sessions[site].l2tp = first->session.l2tp;
	h->sessions[site].l2tp.tunnel = &h->tunnels[site];
	h->sessions[site].l2tp.id = 5000 + site;
	h->sessions[site].l2tp.peer_id = 3900 + host_of(site);
	assert_int_equal(l2tp_session_init(&h->sessions[site].l2tp), 0);
	list_init(&h->sessions[site].link);
	assert_int_equal(engine_add_session(&h->hub.e, &h->sessions[site]), 0);
	h->sites[site].session.l2tp.peer_id = 5000 + site;
	assert_int_equal(l2tp_session_init(&h->sites[site].session.l2tp), 0);
}

static struct hub *hub_new(void)
{
	struct hub *h = calloc(1, sizeof(*h));
	uint8_t priv[32], pub[32], hub_priv[32], hub_pub[32];

	assert_non_null(h);
	private_key(HUB, hub_priv);
	assert_int_equal(x25519_public(hub_priv, hub_pub), 0);
	for (unsigned i = 0; i < SITES; i++) {
		h->seeds[i] = 100 + i;
		private_key(host_of(i), priv);
		assert_int_equal(x25519_public(priv, pub), 0);
		side_init(&h->sites[i], &h->seeds[i], priv, hub_pub, host_of(i), HUB);
		if (!i) {
			h->seeds[SITES] = 99;
			side_init(&h->hub, &h->seeds[SITES], hub_priv, pub, HUB, host_of(0));
		} else {
			add_site(h, i, pub);
		}
		engine_set_merge(&h->sites[i].e, &(struct gso_merge_caps){ 0 });
	}
	engine_set_merge(&h->hub.e, &(struct gso_merge_caps){ 0 });
	h->now.ns = 1000 * NS_PER_S;
	advance(h, 0);
	return h;
}

static void hub_free(struct hub *h)
{
	engine_fini(&h->hub.e);
	free(h->hub.memory);
	for (unsigned i = 0; i < SITES; i++) {
		engine_fini(&h->sites[i].e);
		free(h->sites[i].memory);
	}
	free(h);
}

/* Take what an engine delivers; frames at the hub are counted for the site they are from. */
static void deliver(struct hub *h, struct side *to)
{
	struct gso_superframe sf;
	struct path_port *port;

	while (rx_next(&to->e.rx, &sf, &port))
		for (unsigned i = 0; to == &h->hub && i < SITES; i++)
			if (port == (i ? &h->sessions[i].port : &h->hub.session.port))
				h->frames[i]++;
}

static struct side *side_at(struct hub *h, const struct endpoint *at)
{
	for (unsigned i = 0; i < SITES; i++)
		if (endpoint_equal(&h->sites[i].self, at))
			return &h->sites[i];
	return endpoint_equal(&h->hub.self, at) ? &h->hub : NULL; /* NULL: no site is there */
}

static bool is_lost(struct hub *h, const struct side *from)
{
	uint8_t dice[2];

	if (from != &h->sites[LOSSY])
		return false;
	pair_random(&h->dice, dice, sizeof(dice));
	return load_be16(dice) % 1000 < h->loss;
}

/* Carry one queue, datagram by datagram. */
static bool carry(struct hub *h, struct side *from, struct train_queue *q)
{
	bool any = q->n > 0;

	memcpy(h->wire, q->arena, q->used);
	for (size_t i = 0; i < q->n; i++) {
		const struct train *train = &q->trains[i];
		struct side *to = side_at(h, &train->to);

		for (size_t at = 0; to && at < train->len; at += train->stride) {
			struct rx_train t = { .data = h->wire + (train->base - q->arena) + at,
				.len = size_min(train->stride, train->len - at),
				.stride = train->stride,
				.from = from->self };

			while (!is_lost(h, from) && !rx_datagrams(&to->e.rx, &t)) {
				deliver(h, to);
			}
			deliver(h, to);
		}
	}
	train_queue_reset(q);
	return any;
}

static bool flush(struct hub *h, struct side *from)
{
	bool any = carry(h, from, &from->e.tx.out.heads);

	any |= carry(h, from, &from->e.tx.out.tails);
	any |= carry(h, from, &from->e.control.out.heads);
	any |= carry(h, from, &from->e.control.out.tails);
	pair_reset(&from->e);
	return any;
}

static bool pump(struct hub *h, struct side *from)
{
	bool any = false;

	control_timers(&from->e);
	while (!control_pump(&from->e))
		any |= flush(h, from);
	return any | flush(h, from);
}

/* Let everything that has been sent arrive. */
static void settle(struct hub *h)
{
	bool any = true;

	while (any) {
		any = pump(h, &h->hub);
		for (unsigned i = 0; i < SITES; i++)
			any |= pump(h, &h->sites[i]);
	}
}

static void send_port(
	struct hub *h, struct side *from, struct path_port *port, uint8_t *frame, size_t len)
{
	from->answer = tx_begin(&from->e.tx, &from->job, port, frame, len, &pair_plain);
	while (!tx_continue(&from->e.tx, &from->job))
		(void)flush(h, from);
}

/* Sessions from all sites to the hub. */
static void connect_all(struct hub *h)
{
	uint8_t frame[100];

	for (unsigned i = 0; i < SITES; i++) {
		pair_make_frame(frame, sizeof(frame), i);
		send_port(h, &h->sites[i], &h->sites[i].session.port, frame, sizeof(frame));
		settle(h);
		assert_int_equal(h->frames[i], 1);
		h->frames[i] = 0;
	}
}

/* ---- fragments ---- */

/* A fragment from inside the hostile site, which its kernel sends through wg0. */
static size_t hostile_fragment(
	uint8_t *p, unsigned id, size_t at, size_t len, bool more, uint8_t proto)
{
	memset(p, 0, 20 + len);
	p[0] = 0x45;
	store_be16(p + 2, (uint16_t)(20 + len));
	store_be16(p + 4, (uint16_t)id);
	store_be16(p + 6, (uint16_t)((more ? 0x2000 : 0) | at / 8));
	p[8] = 64;
	p[9] = proto;
	memcpy(p + 12, (uint8_t[]){ 10, 0, 1, (uint8_t)host_of(HOSTILE), 10, 0, 1, HUB }, 8);
	store_be16(p + 20, 1701);
	store_be16(p + 22, 1701);
	checksum_store(p + 10, checksum_add(0, p, 20));
	return 20 + len;
}

static void send_hostile(struct hub *h, unsigned i)
{
	struct side *site = &h->sites[HOSTILE];
	uint8_t packet[1500];
	size_t len;

	switch (i % 5) {
	case 0: /* a head */
		len = hostile_fragment(packet, i, 0, 80, true, 17);
		break;
	case 1: /* a tail of one byte */
		len = hostile_fragment(packet, i, OVERLAP, 1, false, 17);
		break;
	case 2: /* another protocol of ours, a long head */
		len = hostile_fragment(packet, i, 0, 1400, true, 115);
		break;
	case 3: /* far away */
		len = hostile_fragment(packet, i, 9000, 80, false, 17);
		break;
	default: /* overlapping the first */
		len = hostile_fragment(packet, i - 4, 8, 80, true, 17);
		break;
	}
	send_port(h, site, &site->e.tun, packet, len);
	(void)flush(h, site);
}

/* A site's members send frames that need two fragments each. */
static void send_large(struct hub *h, unsigned site, unsigned n, unsigned seed)
{
	struct side *s = &h->sites[site];
	uint8_t frame[1514];

	for (unsigned i = 0; i < n; i++) {
		pair_make_frame(frame, sizeof(frame), seed + i);
		send_port(h, s, &s->session.port, frame, sizeof(frame));
	}
}

/* In turn, each for a millisecond: hostile fragments, of which there are `rate` a second; frames of
 * the lossy site; frames of the honest one, between whose heads and tails the others send. */
static void share_fragments(unsigned hostile_rate, unsigned loss)
{
	struct hub *h = hub_new();
	unsigned hostile = 0;

	connect_all(h);
	h->loss = loss;
	for (unsigned ms = 0; ms < 150; ms++) {
		send_large(h, HONEST, 16, ms);
		(void)carry(h, &h->sites[HONEST], &h->sites[HONEST].e.tx.out.heads);
		for (; hostile < hostile_rate * (ms + 1) / 1000; hostile++)
			send_hostile(h, hostile);
		send_large(h, LOSSY, 16, ms);
		(void)carry(h, &h->sites[LOSSY], &h->sites[LOSSY].e.tx.out.heads);
		(void)flush(h, &h->sites[HONEST]);
		(void)flush(h, &h->sites[LOSSY]);
		advance(h, NS_PER_MS);
		settle(h);
	}
	assert_int_equal(h->frames[HONEST], 2400);
	assert_in_range(h->frames[LOSSY], 2400 - 2400 * 25 * loss / 10000, 2400);
	hub_free(h);
}

static void test_hostile_fragments(void **state)
{
	share_fragments(5000, 0);
	share_fragments(200000, 0);
}

static void test_lossy_path(void **state)
{
	share_fragments(0, 50);
	share_fragments(5000, 50);
}

/* ---- packets that wait for a handshake ---- */

#define DEAD_MAX 300

/* More peers, none of which answers. */
struct dead {
	struct path_peer peers[DEAD_MAX];
	void *memory;
	void *shared;
};

static void add_dead(struct hub *h, struct dead *d, unsigned n)
{
	struct wg_sizes sizes = { .peers = SITES + DEAD_MAX, .allowed_ips = 1024, .sources = 64 };
	size_t shared = engine_growth(&h->hub.e, sizes.peers);

	d->memory = malloc(wg_device_memory(&sizes));
	d->shared = malloc(shared);
	assert_true(shared && d->memory && d->shared);
	assert_int_equal(wg_device_resize(&h->hub.e.wg, &sizes, d->memory), 0);
	engine_grow(&h->hub.e, sizes.peers, d->shared);
	assert_int_equal(engine_growth(&h->hub.e, sizes.peers), 0);
	for (unsigned i = 0; i < n; i++) {
		uint8_t key[32] = { 77, (uint8_t)i, (uint8_t)(i >> 8), 1 };
		struct ip_prefix prefix = { .len = 32 };
		struct endpoint at = { .addr = h->hub.self.addr, .port = (uint16_t)(1000 + i) };

		prefix.addr = ip_addr_v4((uint8_t[]){ 10, 9, (uint8_t)(i >> 8), (uint8_t)i });
		assert_int_equal(engine_add_peer(&h->hub.e, &d->peers[i], key), 0);
		assert_int_equal(
			wg_allowedips_insert(&h->hub.e.wg.allowed, &prefix, &d->peers[i].wg), 0);
		if (i % 3) /* the others' addresses are not known at all */
			wg_peer_set_endpoint(&h->hub.e.wg, &d->peers[i].wg, &at);
	}
}

/* The hub's kernel sends a packet through wg0 to each. */
static void send_to_dead(struct hub *h, unsigned n)
{
	uint8_t packet[1400];

	for (unsigned i = 0; i < n; i++) {
		(void)hostile_fragment(packet, i, 0, sizeof(packet) - 20, false, 17);
		memcpy(packet + 16, (uint8_t[]){ 10, 9, (uint8_t)(i >> 8), (uint8_t)i }, 4);
		send_port(h, &h->hub, &h->hub.e.tun, packet, sizeof(packet));
	}
}

/* All that members send to a site that answers arrives, as far as it would without the others. */
static void share_pending(unsigned n_dead, unsigned seconds, unsigned n)
{
	struct hub *h = hub_new();
	struct dead *d = calloc(1, sizeof(*d));
	uint8_t frame[1514];

	add_dead(h, d, n_dead);
	for (unsigned i = 0; i < 40 * (seconds + 1); i++) { /* as often as each can have waiting */
		for (unsigned k = 0; k < 5; k++)
			send_to_dead(h, n_dead);
		(void)pump(h, &h->hub);
		advance(h, NS_PER_S / 40);
	}
	for (unsigned i = 0; i < n; i++) {
		pair_make_frame(frame, sizeof(frame), i);
		send_port(h, &h->hub, &h->hub.session.port, frame, sizeof(frame));
		if (i % 16 == 0)
			send_to_dead(h, n_dead);
	}
	settle(h);
	assert_int_equal(pair_dropped(&h->sites[HONEST].e, DROP_FRAG_TIMEOUT), 0);
	assert_int_equal(h->sites[HONEST].session.port.stats.rx.packets, n);
	hub_free(h);
	for (unsigned i = 0; i < n_dead; i++)
		assert_true(list_is_empty(&d->peers[i].attention));
	free(d->memory);
	free(d->shared);
	free(d);
}

static void test_dead_peers(void **state)
{
	share_pending(2, 0, WG_PENDING_MAX);
	share_pending(2, 30, WG_PENDING_MAX);
	share_pending(DEAD_MAX, 0, 11); /* an equal part */
	share_pending(DEAD_MAX, 10, WG_PENDING_MAX);
}

/* A peer that answered once and is gone: its packets are evicted like any other's, and when it is
 * back it gets what it can have. */
static void test_back_again(void **state)
{
	struct hub *h = hub_new();
	uint8_t frame[300];

	connect_all(h);
	advance(h, WG_KEY_LIFE);
	pair_make_frame(frame, sizeof(frame), 1);
	for (unsigned i = 0; i < WG_PENDING_MAX; i++)
		send_port(h, &h->hub, &h->hub.session.port, frame, sizeof(frame));
	assert_int_equal(peer_at_hub(h, HONEST)->pending.count, WG_PENDING_MAX);
	h->hub.peer.wg.endpoint.port++; /* no site is there */
	for (unsigned i = 0; i < 20; i++) {
		(void)pump(h, &h->hub);
		advance(h, NS_PER_S);
	}
	assert_int_equal(peer_at_hub(h, HONEST)->pending.share.weight, PENDING_WEIGHT_UNANSWERED);
	h->hub.peer.wg.endpoint.port--;
	for (unsigned i = 0; i < 20; i++) {
		settle(h);
		advance(h, NS_PER_S);
	}
	assert_int_equal(peer_at_hub(h, HONEST)->pending.share.weight, 1);
	assert_int_equal(h->sites[HONEST].session.port.stats.rx.packets, WG_PENDING_MAX);
	hub_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hostile_fragments),
		cmocka_unit_test(test_lossy_path),
		cmocka_unit_test(test_dead_peers),
		cmocka_unit_test(test_back_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
