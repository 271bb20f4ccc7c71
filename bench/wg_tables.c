/* SPDX-License-Identifier: MIT */
/* What scale and floods cost a WireGuard device: look-ups among many prefixes, loading them, whole
 * handshakes, and handshake messages refused. */
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "stopwatch.h"
#include "wg/device.h"

#define PEERS	 1000
#define EACH	 16
#define PREFIXES 130000
#define PROBES	 4096

struct job {
	struct wg_device dev;
	struct wg_peer *peers;
	uint8_t probes[PROBES][4];
	unsigned at;
	uint64_t found;
	uint8_t initiation[WG_INITIATION_LEN];
	struct mono now;
	bool under_load;
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
	if (wg_device_init(&j->dev, &sizes, malloc(wg_device_memory(&sizes)), rng))
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

/* Prefixes of 16 to 32 bits anywhere, dealt out to the peers. */
static double load_prefixes(struct job *j, size_t count)
{
	uint64_t begun = stopwatch_ns();

	for (size_t i = 0; i < count; i++) {
		struct ip_prefix p = { .addr.family = AF_INET };
		uint8_t len;

		fill(NULL, p.addr.bytes, 4);
		fill(NULL, &len, 1);
		p.len = 16 + len % 17;
		memcpy(j->probes[i % PROBES], p.addr.bytes, 4);
		if (wg_allowedips_insert(&j->dev.allowed, &p, &j->peers[i % j->dev.peer_count]))
			abort();
	}
	for (size_t i = count; i < PROBES; i++)
		memcpy(j->probes[i], j->probes[i % count], 4);
	return (double)(stopwatch_ns() - begun) / 1e6;
}

static void look_up(void *arg)
{
	struct job *j = arg;

	j->found += wg_allowedips_lookup4(&j->dev.allowed, j->probes[j->at++ % PROBES]) != NULL;
}

/* The same from 128 addresses. */
static void look_up_few(void *arg)
{
	struct job *j = arg;

	j->found += wg_allowedips_lookup4(&j->dev.allowed, j->probes[j->at++ % 128]) != NULL;
}

static void measure_lookups(void)
{
	static struct job one, many, full;
	double ms;

	start(&one, 1, 16);
	load_prefixes(&one, 1);
	start(&many, PEERS, PEERS * EACH);
	load_prefixes(&many, PEERS * EACH);
	start(&full, PEERS, PREFIXES);
	ms = load_prefixes(&full, PREFIXES);
	printf("look-up among       1 prefix      %8.1f ns\n",
		stopwatch_best(look_up, &one, 100000));
	printf("look-up among  %6d prefixes    %8.1f ns\n", PEERS * EACH,
		stopwatch_best(look_up, &many, 100000));
	printf("look-up among  %6d prefixes    %8.1f ns\n", PREFIXES,
		stopwatch_best(look_up, &full, 100000));
	printf("the same from 128 addresses     %8.1f ns\n",
		stopwatch_best(look_up_few, &full, 100000));
	printf("loading        %6d prefixes    %8.1f ms\n", PREFIXES, ms);
	printf("memory         %6d prefixes    %8.1f MB, %d peers %.1f MB\n", PREFIXES,
		(double)wg_device_memory(&full.dev.sizes) / 1e6, PEERS,
		(double)(PEERS * sizeof(struct wg_peer)) / 1e6);
}

static void refuse(void *arg)
{
	struct job *j = arg;
	struct endpoint src = { .addr = ip_addr_v4((uint8_t[]){ 192, 0, 2, 1 }), .port = 1 };
	struct wg_event e;

	wg_device_handshake(&j->dev, j->initiation, sizeof(j->initiation), &src, j->now,
		(struct wall){ 0 }, j->under_load, &e);
}

/* One handshake, all four steps of it, at both ends: initiation, response and what reads them. */
static void handshake(void *arg)
{
	struct job *j = arg;
	struct endpoint src = { .addr = ip_addr_v4((uint8_t[]){ 192, 0, 2, 1 }), .port = 1 };
	struct wg_event e;

	j[0].now = mono_add(j[0].now, 10 * NS_PER_S);
	wg_peer_set_endpoint(j[1].peers, &src);
	if (wg_peer_make_initiation(&j[1].dev, j[1].peers, j[0].now,
		    (struct wall){ j[0].now.ns / NS_PER_S, 0 }, j[0].initiation) ||
		wg_device_handshake(&j[0].dev, j[0].initiation, WG_INITIATION_LEN, &src, j[0].now,
			(struct wall){ 0 }, false, &e) ||
		wg_device_handshake(&j[1].dev, e.reply, e.reply_len, &src, j[0].now,
			(struct wall){ 0 }, false, &e))
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
	pair[0].under_load = true;
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
	measure_lookups();
	measure_handshakes();
	return 0;
}
