/* SPDX-License-Identifier: MIT */
/* An engine with many peers and sessions, and batches of packets through it: for the benches.
 *
 * Only the engine's work is measured. Packets are in the caches, as the kernel has just copied them
 * there; the peers' messages are sealed before the clock starts, with one cipher context for all,
 * whose working memory would otherwise evict the engine's state from the caches.
 */
#include "hub.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "path/control.h"
#include "path/rx.h"
#include "path/tx.h"
#include "pkt/checksum.h"
#include "stopwatch.h"

#define RECEIVE	  8  /* datagrams or trains that one call receives, see udp/udp.h */
#define TRAIN_MAX 16 /* datagrams of a train received */
#define ROOM	  (L2TP_OVERHEAD_MAX + WG_DATA_OVERHEAD + WG_PADDING)

static uint64_t seed = 1;
static struct aead_ctx clients_aead;
static uint8_t frames[HUB_BATCH * (HUB_LEN_MAX + ROOM)];
static const uint8_t ours[4] = { 10, 200, 0, 1 };

static void fill(void *ctx, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		out[i] = (uint8_t)(seed >> 40);
	}
}

static unsigned dice(size_t sides)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)((seed >> 33) % sides);
}

void hub_check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

/* Zeroed memory as from malloc(3), at the start of a cache line. */
static void *zeroed(size_t n, size_t size)
{
	size_t len = (n * size + 63) / 64 * 64;
	void *p = aligned_alloc(64, len ? len : 64);

	hub_check(p != NULL, "no memory");
	return memset(p, 0, len);
}

static void inner_address(size_t peer, unsigned i, uint8_t ret[4])
{
	ret[0] = 10;
	ret[1] = (uint8_t)(peer >> 8);
	ret[2] = (uint8_t)peer;
	ret[3] = (uint8_t)i;
}

/* Give both ends of a peer the keys of a session, as a handshake would. */
static void add_keys(struct hub *h, size_t i)
{
	const struct wall wall = { 1700000000, 0 };
	struct hub_client *c = &h->clients[i];
	struct wg_device *dev = &h->e.wg;
	struct wg_peer *peer = &h->peers[i].wg;
	struct wg_session s = { .initiator = true };
	struct wg_keypair *kp;

	fill(NULL, s.keys.tx, sizeof(s.keys.tx));
	fill(NULL, s.keys.rx, sizeof(s.keys.rx));
	fill(NULL, (uint8_t *)&s.remote_index, sizeof(s.remote_index));
	hub_check(!wg_indextable_add(&dev->indices, &dev->rng, peer, NULL, &s.local_index),
		"no index");
	kp = wg_keypairs_add(&peer->keys, &dev->indices, peer, &s, h->now, wall);
	wg_sent_add(&dev->sent, kp);
	c->keys.remote_index = s.local_index;
	c->keys.tx_limit = WG_REJECT_AFTER_MESSAGES;
	memcpy(c->keys.tx_key, s.keys.rx, sizeof(c->keys.tx_key));
}

static void add_peer(struct hub *h, size_t i)
{
	struct hub_client *c = &h->clients[i];
	uint8_t key[WG_KEY_LEN];

	fill(NULL, key, sizeof(key));
	hub_check(!engine_add_peer(&h->e, &h->peers[i], key), "no peer");
	c->at.addr = ip_addr_v4((uint8_t[]){ 198, 51, (uint8_t)(i >> 8), (uint8_t)i });
	c->at.port = 51820;
	wg_peer_set_endpoint(&h->e.wg, &h->peers[i].wg, &c->at);
	for (unsigned j = 0; j < h->sizes.each; j++) {
		struct ip_prefix p = { .len = 32 };
		uint8_t address[4];

		inner_address(i, j, address);
		p.addr = ip_addr_v4(address);
		hub_check(
			!wg_allowedips_insert(&h->e.wg.allowed, &p, &h->peers[i].wg), "no prefix");
	}
	add_keys(h, i);
}

/* Make both ends of a peer's tunnel. */
static void add_tunnel(struct hub *h, size_t i)
{
	struct l2tp_tunnel *t = &h->tunnels[i];
	uint8_t address[4];

	inner_address(i, 0, address);
	*t = (struct l2tp_tunnel){ .local = ip_addr_v4(ours),
		.remote = ip_addr_v4(address),
		.local_port = 1701,
		.remote_port = 1701 };
	h->far_tunnels[i] = *t;
	h->far_tunnels[i].local = t->remote;
	h->far_tunnels[i].remote = t->local;
	hub_check(!l2tp_table_add_tunnel(&h->e.l2tp, t), "no tunnel");
}

/* Make both ends of a session. */
static void add_session(struct hub *h, size_t i)
{
	struct path_session *s = &h->sessions[i];
	size_t peer = i % h->sizes.peers;

	s->l2tp = (struct l2tp_session){ .tunnel = &h->tunnels[peer],
		.id = (uint32_t)(1000 + i),
		.peer_id = (uint32_t)(2000 + i),
		.frame_max = SUPERFRAME_MAX };
	h->far_sessions[i] = s->l2tp;
	h->far_sessions[i].tunnel = &h->far_tunnels[peer];
	h->far_sessions[i].id = s->l2tp.peer_id;
	h->far_sessions[i].peer_id = s->l2tp.id;
	hub_check(!l2tp_session_init(&s->l2tp) && !l2tp_session_init(&h->far_sessions[i]),
		"the sessions contradict themselves");
	l2tp_options_init(&s->options);
	list_init(&s->link);
	hub_check(!engine_add_session(&h->e, s), "no session");
}

struct hub *hub_new(const struct hub_sizes *sizes)
{
	struct engine_sizes engine = { .wg = { sizes->peers, sizes->peers * sizes->each, 8192 },
		.packet_max = 10240 };
	struct hub *h = zeroed(1, sizeof(*h));
	uint8_t key[WG_KEY_LEN];

	if (!clients_aead.provider)
		hub_check(!aead_init(&clients_aead, NULL), "no cipher");
	h->sizes = *sizes;
	h->peers = zeroed(sizes->peers, sizeof(*h->peers));
	h->clients = zeroed(sizes->peers, sizeof(*h->clients));
	h->tunnels = zeroed(sizes->peers, sizeof(*h->tunnels));
	h->far_tunnels = zeroed(sizes->peers, sizeof(*h->far_tunnels));
	h->sessions = zeroed(sizes->sessions, sizeof(*h->sessions));
	h->far_sessions = zeroed(sizes->sessions, sizeof(*h->far_sessions));
	hub_check(!engine_init(&h->e, &engine, zeroed(1, engine_memory(&engine)),
			  (struct rng){ fill, NULL }, NULL),
		"no engine");
	engine_set_merge(
		&h->e, &(struct gso_merge_caps){ .tcp4 = true, .tcp6 = true, .udp = true });
	h->e.wg_mtu = HUB_LEN_MAX + ROOM;
	fill(NULL, key, sizeof(key));
	wg_device_set_private_key(&h->e.wg, key);
	h->now.ns = 1000 * NS_PER_S;
	engine_set_time(&h->e, h->now, (struct wall){ 1700000000, 0 });
	for (size_t i = 0; i < sizes->peers; i++)
		add_peer(h, i);
	for (size_t i = 0; sizes->sessions && i < sizes->peers; i++)
		add_tunnel(h, i);
	for (size_t i = 0; i < sizes->sessions; i++)
		add_session(h, i);
	return h;
}

static void reset(struct hub *h)
{
	emit_reset(&h->e.tx.out);
	emit_reset(&h->e.control.out);
}

static void send_all(struct hub *h)
{
	while (!control_pump(&h->e))
		reset(h);
	reset(h);
}

/* The peers, sessions and addresses of a batch's packets. */
struct draw {
	size_t session[HUB_BATCH];
	size_t peer[HUB_BATCH];
	uint8_t address[HUB_BATCH][4];
};

static void draw(const struct hub *h, const struct hub_mix *mix, struct draw *ret)
{
	for (unsigned i = 0; i < HUB_BATCH; i++) {
		unsigned from = i / mix->burst * mix->burst;

		if (i == from) {
			ret->session[i] = dice(mix->among);
			ret->peer[i] = ret->session[i] % h->sizes.peers;
			inner_address(ret->peer[i], dice(h->sizes.each), ret->address[i]);
		} else {
			ret->session[i] = ret->session[from];
			ret->peer[i] = ret->peer[from];
			memcpy(ret->address[i], ret->address[from], 4);
		}
	}
}

/* An IPv4 packet of a protocol that is never merged. */
static void make_packet(uint8_t *p, size_t len, const uint8_t src[4], const uint8_t dst[4])
{
	memset(p, 0, 20);
	p[0] = 0x45;
	store_be16(p + 2, (uint16_t)len);
	p[8] = 64;
	p[9] = 253; /* RFC 3692: for experiments */
	memcpy(p + 12, src, 4);
	memcpy(p + 16, dst, 4);
	checksum_store(p + 10, checksum_add(0, p, 20));
}

/* An Ethernet frame of a protocol that is never merged. */
static void make_frame(uint8_t *p)
{
	memset(p, 2, 12);
	store_be16(p + 12, 0x88b5); /* IEEE 802: for experiments */
}

uint64_t hub_look_up(struct hub *h, const struct hub_mix *mix, size_t len)
{
	struct draw d;
	uint64_t begun;
	size_t right = 0;

	(void)len;
	draw(h, mix, &d);
	begun = stopwatch_ns();
	for (unsigned i = 0; i < HUB_BATCH; i++)
		right += wg_allowedips_lookup4(&h->e.wg.allowed, d.address[i]) ==
			 &h->peers[d.peer[i]].wg;
	begun = stopwatch_ns() - begun;
	hub_check(right == HUB_BATCH, "an address leads to the wrong peer");
	return begun;
}

/* What hub_send() measures. Not static and not inlined: a profiler finds it by its name. */
__attribute__((noinline)) void hub_measured_send(
	struct hub *h, struct path_port *ports[static HUB_BATCH], size_t len);

void hub_measured_send(struct hub *h, struct path_port *ports[static HUB_BATCH], size_t len)
{
	static const struct offload none;

	for (unsigned i = 0; i < HUB_BATCH; i++) {
		hub_check(!tx_begin(&h->e.tx, &h->job, ports[i], frames + i * len, len, &none).len,
			"a packet is too large");
		while (!tx_continue(&h->e.tx, &h->job))
			reset(h);
	}
	send_all(h);
}

uint64_t hub_send(struct hub *h, const struct hub_mix *mix, size_t len)
{
	uint64_t sent = h->e.tx.counters.stats.datagrams_tx;
	struct path_port *ports[HUB_BATCH];
	struct draw d;
	uint64_t begun;

	draw(h, mix, &d);
	for (unsigned i = 0; i < HUB_BATCH; i++) {
		ports[i] = h->sizes.sessions ? &h->sessions[d.session[i]].port : &h->e.tun;
		if (h->sizes.sessions)
			make_frame(frames + i * len);
		else
			make_packet(frames + i * len, len, ours, d.address[i]);
	}
	begun = stopwatch_ns();
	hub_measured_send(h, ports, len);
	begun = stopwatch_ns() - begun;
	hub_check(h->e.tx.counters.stats.datagrams_tx - sent == HUB_BATCH, "packets were dropped");
	return begun;
}

/* Write the client's message at msg[]. Return: its length. */
static size_t make_message(
	struct hub *h, const struct draw *d, unsigned i, uint8_t *msg, size_t len)
{
	struct hub_client *c = &h->clients[d->peer[i]];
	uint8_t *text = msg + WG_DATA_HEADER_LEN;
	uint64_t counter;

	if (h->sizes.sessions) {
		struct l2tp_session *s = &h->far_sessions[d->session[i]];

		make_frame(text + l2tp_overhead(s));
		l2tp_push(s, text, len, false);
		len += l2tp_overhead(s);
	} else {
		make_packet(text, len, d->address[i], ours);
	}
	hub_check(!wg_keypair_reserve(&c->keys, &counter), "a client's session is used up");
	wg_data_seal(&clients_aead, &c->keys, counter, msg, len);
	return WG_DATA_OVERHEAD + len;
}

/* What hub_receive() measures: likewise. */
__attribute__((noinline)) void hub_measured_receive(
	struct hub *h, const struct endpoint from[static HUB_BATCH], unsigned count, size_t len);

/* Pass a batch to the engine, in trains of `count` datagrams of `len` bytes, as a call of the
 * kernel would return them. */
void hub_measured_receive(
	struct hub *h, const struct endpoint from[static HUB_BATCH], unsigned count, size_t len)
{
	struct gso_superframe sf;
	struct path_port *port;

	for (unsigned i = 0; i < HUB_BATCH; i += count) {
		struct rx_train t = {
			.data = frames + i * len, .len = len * count, .stride = len, .from = from[i]
		};

		if (i / count % RECEIVE == 0)
			for (unsigned k = i; k < HUB_BATCH && k < i + RECEIVE * count; k += count)
				rx_prefetch(&h->e.rx, frames + k * len, len);
		hub_check(rx_datagrams(&h->e.rx, &t), "no room in an empty engine");
	}
	while (rx_next(&h->e.rx, &sf, &port))
		;
	send_all(h);
}

/* Frames that were received. */
static uint64_t delivered(const struct hub *h)
{
	uint64_t n = h->e.tun.stats.rx.packets;

	for (size_t i = 0; i < h->sizes.sessions; i++)
		n += h->sessions[i].port.stats.rx.packets;
	return n;
}

uint64_t hub_receive(struct hub *h, const struct hub_mix *mix, size_t len)
{
	uint64_t before = delivered(h);
	struct endpoint from[HUB_BATCH];
	struct draw d;
	uint64_t begun;
	unsigned count = mix->burst < TRAIN_MAX ? mix->burst : TRAIN_MAX;
	size_t message = len + WG_DATA_OVERHEAD +
			 (h->sizes.sessions ? l2tp_overhead(&h->far_sessions[0]) : 0);

	while (count > 1 && count * message > SUPERFRAME_MAX)
		count /= 2;
	draw(h, mix, &d);
	for (unsigned i = 0; i < HUB_BATCH; i++) {
		hub_check(make_message(h, &d, i, frames + i * message, len) == message,
			"a message of the wrong length");
		from[i] = h->clients[d.peer[i]].at;
	}
	begun = stopwatch_ns();
	hub_measured_receive(h, from, count, message);
	begun = stopwatch_ns() - begun;
	hub_check(delivered(h) - before == HUB_BATCH, "packets were dropped");
	return begun;
}
