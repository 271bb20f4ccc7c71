/* SPDX-License-Identifier: MIT */
/* Fuzz target: what an engine reads that another one has handed over, which an attacker may have
 * had under control. It must not crash, or move the end of a replay window, as the store knows it.
 * Input: the text. */
#include "fuzz/target.h"

#include <string.h>

#include "path/handover.h"
#include "wg/successor.h"

#define NOW   (1000 * NS_PER_S)
#define INDEX 5
#define NEXT  1000

/** The engine, with a peer that has a session, and a session of L2TP. Set up once. */
static struct {
	struct engine e;
	struct path_peer peer;
	struct l2tp_tunnel tunnel;
	struct path_session session;
	uint64_t random;
	bool ready;
} site;

static _Alignas(64) uint8_t stored[4096];

static void fill(void *ctx, uint8_t *out, size_t len)
{
	uint64_t *x = ctx;

	for (size_t i = 0; i < len; i++) {
		*x = *x * 6364136223846793005ULL + 1442695040888963407ULL;
		out[i] = (uint8_t)(*x >> 40);
	}
}

/* Store a session for the peer, as another engine does, and continue with it. */
static void restore(const uint8_t *public_key)
{
	struct wg_store store;
	struct wg_store_record *r;

	EXPECT(wg_store_open(&store, stored, sizeof(stored)) == 0);
	r = wg_store_claim(&store, public_key);
	EXPECT(r);
	r->sessions[0] = (struct wg_store_session){
		.rx_next = NEXT, .born = NOW - NS_PER_S, .local_index = INDEX
	};
	wg_store_set_roles(r, &(struct wg_store_roles){ { 1 } });
	EXPECT(wg_store_open(&store, stored, sizeof(stored)) == 0);
	wg_device_use_store(&site.e.wg, &store);
	EXPECT(wg_device_restore(
		       &site.e.wg, (struct mono){ NOW }, (struct wall){ 1700000000, 0 }) == 1);
}

static void set_up(void)
{
	const struct engine_sizes sizes = { .wg = { .peers = 2, .allowed_ips = 4, .sources = 16 },
		.packet_max = 2048 };
	static const uint8_t key[WG_KEY_LEN] = { 9 };
	uint8_t public_key[WG_KEY_LEN];

	site.random = 1;
	EXPECT(engine_init(&site.e, &sizes, calloc(1, engine_memory(&sizes)),
		       (struct rng){ fill, &site.random }, NULL) == 0);
	EXPECT(wg_device_set_private_key(&site.e.wg, key) == NULL);
	memset(public_key, 0x40, sizeof(public_key));
	EXPECT(engine_add_peer(&site.e, &site.peer, public_key) == 0);
	site.tunnel = (struct l2tp_tunnel){ .local = ip_addr_v4((uint8_t[]){ 10, 0, 0, 1 }),
		.remote = ip_addr_v4((uint8_t[]){ 10, 0, 0, 2 }),
		.local_port = 1701,
		.remote_port = 1701 };
	EXPECT(l2tp_table_add_tunnel(&site.e.l2tp, &site.tunnel) == 0);
	site.session.l2tp = (struct l2tp_session){ .tunnel = &site.tunnel, .id = 7, .peer_id = 8 };
	EXPECT(l2tp_session_init(&site.session.l2tp) == 0);
	list_init(&site.session.link);
	EXPECT(engine_add_session(&site.e, &site.session) == 0);
	restore(public_key);
	site.ready = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct wg_keypair *kp;

	if (!site.ready)
		set_up();
	EXPECT(handover_read(&site.e, data, len) <= 0);
	kp = site.peer.wg.keys.current;
	EXPECT(kp && kp->local_index == INDEX && kp->replay.next == NEXT);
	EXPECT(site.session.l2tp.tx.ns <= 0xffffff && site.session.l2tp.rx.nr <= 0xffffff);
	return 0;
}
