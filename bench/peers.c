/* SPDX-License-Identifier: MIT */
/* Cost of a packet in the engine with one peer, and with a thousand peers of 16 allowed IPs each.
 *
 * Traffic is with one peer; with one of a thousand; with all of them, in bursts of 16 packets to
 * one address, as TCP sends them; and with all, each packet to another address. Peers and addresses
 * are chosen at random. Each pattern is timed by the batch, alternating with the others, and the
 * lower quartile of the batches counts: other work on the host can only add time.
 *
 * Only the engine's work is measured. Packets are in the caches, as the kernel has just copied them
 * there; the peers' messages are sealed before the clock starts, with one cipher context for all,
 * whose working memory would otherwise evict the engine's state from the caches.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "conditions.h"
#include "path/control.h"
#include "path/engine.h"
#include "path/rx.h"
#include "path/tx.h"
#include "pkt/checksum.h"
#include "stopwatch.h"
#include "wg/handshake.h"

#define PEERS	1000
#define EACH	16
#define BATCH	64
#define BURST	16
#define TURN	10   /* batches */
#define BATCHES 2000 /* of each pattern, alternating */
#define RECEIVE 8    /* datagrams or trains that one call receives, see udp/udp.h */
#define WG_MTU	1440

/* A peer as it is on its own host. */
struct client {
	struct wg_device dev;
	struct wg_peer hub;
	struct endpoint at;
	_Alignas(64) uint8_t memory[8192];
};

struct hub {
	struct engine e;
	struct tx_job job;
	struct path_peer *peers;
	struct client *clients;
	size_t n;
	void *memory;
	struct mono now;
};

static uint64_t seed = 1;
static struct aead_ctx clients_aead;
static uint8_t frames[BATCH * (WG_MTU + WG_DATA_OVERHEAD)];

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

static struct wall wall_of(struct mono now)
{
	return (struct wall){ 1700000000 + now.ns / NS_PER_S, (uint32_t)(now.ns % NS_PER_S) };
}

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "peers: %s\n", what);
	exit(1);
}

static void pass_time(struct hub *h, uint64_t ns)
{
	h->now = mono_add(h->now, ns);
	engine_set_time(&h->e, h->now, wall_of(h->now));
}

static void inner_address(size_t peer, unsigned i, uint8_t ret[4])
{
	ret[0] = 10;
	ret[1] = (uint8_t)(peer >> 8);
	ret[2] = (uint8_t)peer;
	ret[3] = (uint8_t)i;
}

static void add_client(struct hub *h, size_t i)
{
	const struct wg_sizes one = { .peers = 1, .allowed_ips = 1, .sources = 16 };
	struct endpoint at = { .addr = ip_addr_v4((uint8_t[]){ 192, 0, 2, 1 }), .port = 51820 };
	struct client *c = &h->clients[i];
	uint8_t key[WG_KEY_LEN];

	check(wg_device_memory(&one) <= sizeof(c->memory), "the clients' memory is too small");
	check(!wg_device_init(&c->dev, &one, c->memory, (struct rng){ fill, NULL }), "no client");
	fill(NULL, key, sizeof(key));
	wg_device_set_private_key(&c->dev, key);
	c->at.addr = ip_addr_v4((uint8_t[]){ 198, 51, (uint8_t)(i >> 8), (uint8_t)i });
	c->at.port = 51820;
	check(!wg_device_add_peer(&c->dev, &c->hub, h->e.wg.identity.public_key), "no hub");
	wg_peer_set_endpoint(&c->dev, &c->hub, &at);
	check(!engine_add_peer(&h->e, &h->peers[i], c->dev.identity.public_key), "no peer");
	for (unsigned j = 0; j < EACH; j++) {
		struct ip_prefix p = { .len = 32 };
		uint8_t address[4];

		inner_address(i, j, address);
		p.addr = ip_addr_v4(address);
		check(!wg_allowedips_insert(&h->e.wg.allowed, &p, &h->peers[i].wg), "no prefix");
	}
}

/* Pass `count` datagrams of `len` bytes to the hub's engine. */
static void receive(
	struct hub *h, const struct endpoint *from, uint8_t *msg, size_t len, unsigned count)
{
	struct rx_train t = { .data = msg, .len = len * count, .stride = len, .from = *from };

	check(rx_datagrams(&h->e.rx, &t), "no room in an empty engine");
}

static void deliver(struct hub *h)
{
	struct gso_superframe sf;
	struct path_port *port;

	while (rx_next(&h->e.rx, &sf, &port))
		;
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

/* Seal the client's message at msg[]. Return: its length. */
static size_t seal(struct client *c, struct mono now, uint8_t *msg, size_t plain)
{
	struct wg_keypair *kp = wg_peer_sending_key(&c->hub, now);
	uint64_t counter;

	check(kp != NULL, "a client has no session");
	check(!wg_keypair_reserve(kp, &counter), "a client's session is used up");
	wg_data_seal(&clients_aead, kp, counter, msg, plain);
	return WG_DATA_OVERHEAD + plain;
}

/* Connect a client by a handshake. */
static void connect_client(struct hub *h, size_t i)
{
	struct client *c = &h->clients[i];
	uint8_t msg[WG_HANDSHAKE_MAX];
	struct wg_event event;
	size_t len;

	pass_time(h, 30 * NS_PER_MS); /* slow enough for no cookies */
	check(!wg_peer_make_initiation(&c->dev, &c->hub, h->now, wall_of(h->now), msg),
		"no initiation");
	receive(h, &c->at, msg, sizeof(msg), 1);
	check(control_pump(&h->e) && h->e.control.out.heads.n == 1, "no response");
	check(wg_device_handshake(&c->dev, h->e.control.out.heads.trains[0].base,
		      h->e.control.out.heads.trains[0].len, &c->hub.endpoint, h->now,
		      wall_of(h->now), &event) == DROP_NONE,
		"the response is not understood");
	send_all(h);
	len = seal(c, h->now, msg, 0);
	receive(h, &c->at, msg, len, 1);
	deliver(h);
	send_all(h);
}

static struct hub *hub_new(size_t n)
{
	struct engine_sizes sizes = { .wg = { n, n * EACH, 8192 }, .packet_max = 10240 };
	struct hub *h = calloc(1, sizeof(*h));
	uint8_t key[WG_KEY_LEN];

	check(h != NULL, "no memory");
	h->n = n;
	h->memory = calloc(1, engine_memory(&sizes));
	h->peers = calloc(n, sizeof(*h->peers));
	h->clients = aligned_alloc(64, n * sizeof(*h->clients));
	check(h->memory && h->peers && h->clients, "no memory");
	memset(h->clients, 0, n * sizeof(*h->clients));
	check(!engine_init(&h->e, &sizes, h->memory, (struct rng){ fill, NULL }, NULL),
		"no engine");
	engine_set_merge(
		&h->e, &(struct gso_merge_caps){ .tcp4 = true, .tcp6 = true, .udp = true });
	h->e.wg_mtu = WG_MTU;
	fill(NULL, key, sizeof(key));
	wg_device_set_private_key(&h->e.wg, key);
	h->now.ns = 1000 * NS_PER_S;
	for (size_t i = 0; i < n; i++)
		add_client(h, i);
	for (size_t i = 0; i < n; i++)
		connect_client(h, i);
	return h;
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

/* A traffic pattern: any of the first `among` peers, a new one every `burst` packets. */
struct mix {
	size_t among;
	unsigned burst;
};

/* The peers of a batch's packets. */
struct draw {
	size_t peer[BATCH];
	uint8_t address[BATCH][4];
};

static void draw(const struct mix *mix, struct draw *ret)
{
	for (unsigned i = 0; i < BATCH; i++) {
		if (i % mix->burst) {
			ret->peer[i] = ret->peer[i - 1];
			memcpy(ret->address[i], ret->address[i - 1], 4);
		} else {
			ret->peer[i] = dice(mix->among);
			inner_address(ret->peer[i], dice(EACH), ret->address[i]);
		}
	}
}

static const uint8_t ours[4] = { 10, 200, 0, 1 };

/* Nanoseconds of a batch's look-ups only. */
static uint64_t look_up(struct hub *h, const struct mix *mix, size_t len)
{
	struct draw d;
	uint64_t begun;
	size_t right = 0;

	(void)len;
	draw(mix, &d);
	begun = stopwatch_ns();
	for (unsigned i = 0; i < BATCH; i++)
		right += wg_allowedips_lookup4(&h->e.wg.allowed, d.address[i]) ==
			 &h->peers[d.peer[i]].wg;
	begun = stopwatch_ns() - begun;
	check(right == BATCH, "an address leads to the wrong peer");
	return begun;
}

/* Nanoseconds of sending a batch of packets. */
static uint64_t send_packets(struct hub *h, const struct mix *mix, size_t len)
{
	static const struct offload none;
	struct draw d;
	uint64_t begun;

	draw(mix, &d);
	for (unsigned i = 0; i < BATCH; i++)
		make_packet(frames + i * len, len, ours, d.address[i]);
	begun = stopwatch_ns();
	for (unsigned i = 0; i < BATCH; i++) {
		check(!tx_begin(&h->e.tx, &h->job, &h->e.tun, frames + i * len, len, &none).len,
			"a packet is too large");
		while (!tx_continue(&h->e.tx, &h->job))
			reset(h);
	}
	send_all(h);
	return stopwatch_ns() - begun;
}

/* Pass a batch to the engine, in trains as a kernel call would return them. */
static void receive_batch(
	struct hub *h, const struct endpoint from[static BATCH], unsigned burst, size_t len)
{
	unsigned count = burst < BURST ? burst : BURST; /* datagrams per train */

	for (unsigned i = 0; i < BATCH; i += count) {
		if (i / count % RECEIVE == 0)
			for (unsigned k = i; k < BATCH && k < i + RECEIVE * count; k += count)
				rx_prefetch(&h->e.rx, frames + k * len, len);
		receive(h, &from[i], frames + i * len, len, count);
	}
	deliver(h);
	send_all(h);
}

/* Nanoseconds of receiving a batch of packets. */
static uint64_t receive_packets(struct hub *h, const struct mix *mix, size_t len)
{
	size_t sealed = len + WG_DATA_OVERHEAD;
	uint64_t delivered = h->e.tun.stats.rx.packets;
	struct endpoint from[BATCH];
	struct draw d;
	uint64_t begun;

	draw(mix, &d);
	for (unsigned i = 0; i < BATCH; i++) {
		uint8_t *msg = frames + i * sealed;
		struct client *c = &h->clients[d.peer[i]];

		make_packet(msg + WG_DATA_HEADER_LEN, len, d.address[i], ours);
		seal(c, h->now, msg, len);
		from[i] = c->at;
	}
	begun = stopwatch_ns();
	receive_batch(h, from, mix->burst, sealed);
	begun = stopwatch_ns() - begun;
	check(h->e.tun.stats.rx.packets - delivered == BATCH, "packets were dropped");
	return begun;
}

static int by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

#define MIXES 4

static void compare(const char *name, size_t len,
	uint64_t (*fn)(struct hub *, const struct mix *, size_t), struct hub *one, struct hub *many)
{
	static const struct mix mixes[MIXES] = { { 1, BATCH }, { 1, BATCH }, { PEERS, BURST },
		{ PEERS, 1 } };
	static uint64_t spent[MIXES][BATCHES];
	double ns[MIXES];

	for (unsigned b = 0; b < BATCHES; b += TURN)
		for (unsigned w = 0; w < MIXES; w++)
			for (unsigned i = 0; i < TURN; i++)
				spent[w][b + i] = fn(w ? many : one, &mixes[w], len);
	for (unsigned w = 0; w < MIXES; w++) {
		qsort(spent[w], BATCHES, sizeof(spent[w][0]), by_size);
		ns[w] = (double)spent[w][BATCHES / 4] / BATCH;
	}
	printf("%-12s %8.1f", name, ns[0]);
	for (unsigned w = 1; w < MIXES; w++)
		printf(" %12.1f %5.2f", ns[w], ns[w] / ns[0]);
	puts("");
}

int main(void)
{
	struct hub *one, *many;

	conditions_print();
	check(!aead_init(&clients_aead, NULL), "no cipher");
	one = hub_new(1);
	many = hub_new(PEERS);
	printf("ns a packet    1 peer    1 of %d     ×   all, by %-2d     ×    all, by 1     ×\n",
		PEERS, BURST);
	compare("look-up", 0, look_up, one, many);
	compare("out    64 B", 64, send_packets, one, many);
	compare("in     64 B", 64, receive_packets, one, many);
	compare("out  1376 B", 1376, send_packets, one, many);
	compare("in   1376 B", 1376, receive_packets, one, many);
	return 0;
}
