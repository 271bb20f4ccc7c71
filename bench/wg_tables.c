/* SPDX-License-Identifier: MIT */
/* Cost of scale and floods for a WireGuard device: look-ups among many prefixes, loading them,
 * complete handshakes, and rejected handshake messages. */
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "conditions.h"
#include "stopwatch.h"
#include "wg/device.h"
#include "wg/handshake.h"
#include "wg/test_load.h"

#define PEERS	 1000
#define EACH	 16
#define PREFIXES 130000
#define PROBES	 16384 /* look-ups, of different addresses */

struct job {
	struct wg_device dev;
	void *memory;
	struct wg_peer *peers;
	struct ip_addr probes[PROBES];
	unsigned at;
	uint64_t found;
	uint8_t initiation[WG_INITIATION_LEN];
	struct mono now;
};

static uint64_t seed = 1;

static void fill(void *ctx, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		out[i] = (uint8_t)(seed >> 40);
	}
}

static void start(struct job *j, size_t peers, size_t prefixes)
{
	struct wg_sizes sizes = { .peers = peers, .allowed_ips = prefixes, .sources = 4096 };
	struct rng rng = { fill, NULL };
	uint8_t key[WG_KEY_LEN];

	*j = (struct job){ .now = { NS_PER_S } };
	j->memory = malloc(wg_device_memory(&sizes));
	if (!j->memory || wg_device_init(&j->dev, &sizes, j->memory, rng))
		abort();
	fill(NULL, key, sizeof(key));
	wg_device_set_private_key(&j->dev, key);
	j->peers = calloc(peers, sizeof(*j->peers));
	for (size_t i = 0; i < peers; i++) {
		fill(NULL, key, sizeof(key));
		if (wg_device_add_peer(&j->dev, &j->peers[i], key))
			abort();
	}
}

static void end(struct job *j)
{
	wg_device_fini(&j->dev);
	free(j->peers);
	free(j->memory);
}

/* Prefixes of a family, with a range of lengths. */
struct kind {
	const char *name;
	uint16_t family;
	uint8_t len_min;
	uint8_t len_max;
};

static const struct kind kinds[] = {
	{ "IPv4 hosts", AF_INET, 32, 32 },
	{ "IPv4 /16../32", AF_INET, 16, 32 },
	{ "IPv6 /48../128", AF_INET6, 48, 128 },
};

static struct ip_prefix random_prefix(const struct kind *k)
{
	struct ip_prefix p = { .addr.family = k->family };
	uint8_t dice;

	fill(NULL, p.addr.bytes, ip_addr_len(&p.addr));
	fill(NULL, &dice, 1);
	p.len = (uint8_t)(k->len_min + dice % (k->len_max - k->len_min + 1));
	return p;
}

/* Distribute prefixes among the peers. Return: milliseconds. */
static double load_prefixes(struct job *j, const struct kind *k, size_t count)
{
	uint64_t begun = stopwatch_ns();

	for (size_t i = 0; i < count; i++) {
		struct ip_prefix p = random_prefix(k);

		j->probes[i % PROBES] = p.addr;
		if (wg_allowedips_insert(&j->dev.allowed, &p, &j->peers[i % j->dev.peer_count]))
			abort();
	}
	for (size_t i = count; i < PROBES; i++)
		j->probes[i] = j->probes[i % count];
	return (double)(stopwatch_ns() - begun) / 1e6;
}

static double unload_prefixes(struct job *j)
{
	uint64_t begun = stopwatch_ns();

	for (size_t i = 0; i < j->dev.peer_count; i++)
		wg_allowedips_remove_peer(&j->dev.allowed, &j->peers[i]);
	return (double)(stopwatch_ns() - begun) / 1e6;
}

/* Not in insertion order, which is the order in memory. */
static void look_up(void *arg)
{
	struct job *j = arg;
	const struct ip_addr *addr = &j->probes[j->at % PROBES];

	j->at += 6151; /* a prime, so that all are used */
	j->found += wg_allowedips_lookup(&j->dev.allowed, addr) != NULL;
}

/* One row of `count` prefixes among `peers` peers, for each kind. */
static void measure_lookups(size_t peers, size_t count)
{
	static struct job j;

	printf("look-up among  %6zu         ", count);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		start(&j, peers, count);
		load_prefixes(&j, &kinds[i], count);
		printf(" %11.1f ns", stopwatch_best(look_up, &j, 4 * PROBES));
		end(&j);
	}
	puts("");
}

static void measure_changes(void)
{
	static struct job j;
	double in[ARRAY_LEN(kinds)], out[ARRAY_LEN(kinds)];

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		start(&j, PEERS, PREFIXES);
		in[i] = load_prefixes(&j, &kinds[i], PREFIXES);
		out[i] = unload_prefixes(&j);
		end(&j);
	}
	printf("adding         %6d         ", PREFIXES);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		printf(" %11.1f ms", in[i]);
	printf("\nremoving them                 ");
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		printf(" %11.1f ms", out[i]);
	printf("\nmemory for     %6d          %11.1f MB; %d peers %.1f MB\n", PREFIXES,
		(double)wg_allowedips_memory(PREFIXES) / 1e6, PEERS,
		(double)(PEERS * sizeof(struct wg_peer)) / 1e6);
}

static void measure_tables(void)
{
	printf("%30s", "");
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		printf(" %14s", kinds[i].name);
	puts("");
	measure_lookups(1, 1);
	measure_lookups(1, EACH);
	measure_lookups(PEERS, PEERS * EACH);
	measure_lookups(PEERS, PREFIXES);
	measure_changes();
}

static void refuse(void *arg)
{
	struct job *j = arg;
	struct endpoint src = { .addr = ip_addr_v4((uint8_t[]){ 192, 0, 2, 1 }), .port = 1 };
	struct wg_event e;

	wg_device_handshake(&j->dev, j->initiation, sizeof(j->initiation), &src, j->now,
		(struct wall){ 0 }, &e);
}

/* One handshake, all four steps, at both ends: making and reading initiation and response. */
static void handshake(void *arg)
{
	struct job *j = arg;
	struct endpoint src = { .addr = ip_addr_v4((uint8_t[]){ 192, 0, 2, 1 }), .port = 1 };
	struct wg_event e;

	j[0].now = mono_add(j[0].now, 10 * NS_PER_S);
	wg_peer_set_endpoint(&j[1].dev, j[1].peers, &src);
	if (wg_peer_make_initiation(&j[1].dev, j[1].peers, j[0].now,
		    (struct wall){ j[0].now.ns / NS_PER_S, 0 }, j[0].initiation) ||
		wg_device_handshake(&j[0].dev, j[0].initiation, WG_INITIATION_LEN, &src, j[0].now,
			(struct wall){ 0 }, &e) ||
		wg_device_handshake(
			&j[1].dev, e.reply, e.reply_len, &src, j[0].now, (struct wall){ 0 }, &e))
		abort();
}

static void measure_handshakes(void)
{
	static struct job pair[2];
	double ns;

	start(&pair[0], 1, 16);
	start(&pair[1], 1, 16);
	for (unsigned i = 0; i < 2; i++) {
		wg_device_remove_peer(&pair[i].dev, pair[i].peers);
		if (wg_device_add_peer(
			    &pair[i].dev, pair[i].peers, pair[1 - i].dev.identity.public_key))
			abort();
	}
	ns = stopwatch_best(handshake, pair, 50);
	printf("whole handshake, both ends      %8.1f us: %.0f a second and core at one end\n",
		ns / 1e3, 2e9 / ns);
	pair[0].now = mono_add(pair[0].now, 100 * NS_PER_S);
	test_load_begin(&pair[0].dev, pair[0].now);
	printf("refused under load, by a cookie %8.1f us\n",
		stopwatch_best(refuse, pair, 2000) / 1e3);
	pair[0].initiation[9] ^= 1;
	printf("refused for its mac1            %8.1f us\n",
		stopwatch_best(refuse, pair, 2000) / 1e3);
	pair[0].initiation[0] = 9;
	printf("refused for its type            %8.1f us\n",
		stopwatch_best(refuse, pair, 2000) / 1e3);
}

int main(void)
{
	conditions_print();
	measure_tables();
	measure_handshakes();
	return 0;
}
