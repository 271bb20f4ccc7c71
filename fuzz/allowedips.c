/* SPDX-License-Identifier: MIT */
/* Fuzz target: allowed IPs inserted, moved, removed and looked up, compared with a plain list.
 * Input, repeated: what[1] len[1] addr[4]. `what`: two bits for the operation, one for IPv6, three
 * for the peer. The four bytes are spread over the sixteen of an IPv6 address. */
#include "fuzz/target.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "wg/allowedips.h"
#include "wg/peer.h"

#define PEERS  8
#define ROOM   32	  /* number of prefixes that always fits */
#define LISTED (2 * ROOM) /* that may fit: not all need a fork */
#define STEP   6

enum operation {
	INSERT,
	REMOVE,
	REMOVE_PEER,
	MOVE,
};

struct naive {
	struct ip_prefix prefix;
	struct wg_peer *peer;
};

struct world {
	struct wg_allowedips t;
	void *memory;
	struct wg_peer peers[PEERS];
	struct naive list[LISTED];
	size_t listed;
};

static void *memory_new(void)
{
	void *m = malloc(wg_allowedips_memory(ROOM));

	EXPECT(m);
	return m;
}

static void move(struct world *w)
{
	void *to = memory_new();

	wg_allowedips_move(&w->t, to, ROOM);
	free(w->memory);
	w->memory = to;
}

static struct naive *find(struct world *w, const struct ip_prefix *p)
{
	for (size_t i = 0; i < w->listed; i++)
		if (w->list[i].prefix.len == p->len &&
			ip_addr_equal(&w->list[i].prefix.addr, &p->addr))
			return &w->list[i];
	return NULL;
}

static void insert(struct world *w, const struct ip_prefix *p, struct wg_peer *peer)
{
	struct naive *n = find(w, p);
	int err = wg_allowedips_insert(&w->t, p, peer);

	if (err) {
		EXPECT(err == -ENOSPC && !n && w->listed >= ROOM);
		return;
	}
	if (!n) {
		EXPECT(w->listed < LISTED);
		n = &w->list[w->listed++];
	}
	*n = (struct naive){ *p, peer };
}

static void remove_prefix(struct world *w, const struct ip_prefix *p, struct wg_peer *peer)
{
	struct naive *n = find(w, p);
	bool there = n && n->peer == peer;

	EXPECT(wg_allowedips_remove(&w->t, p, peer) == (there ? 0 : -ENOENT));
	if (there)
		*n = w->list[--w->listed];
}

static void remove_peer(struct world *w, struct wg_peer *peer)
{
	wg_allowedips_remove_peer(&w->t, peer);
	for (size_t i = 0; i < w->listed;)
		if (w->list[i].peer == peer)
			w->list[i] = w->list[--w->listed];
		else
			i++;
	EXPECT(peer->allowed_count == 0);
}

static void check_lookup(const struct world *w, const struct ip_addr *a)
{
	const struct naive *best = NULL;

	for (size_t i = 0; i < w->listed; i++)
		if (ip_prefix_contains(&w->list[i].prefix, a) &&
			(!best || w->list[i].prefix.len > best->prefix.len))
			best = &w->list[i];
	EXPECT(wg_allowedips_lookup(&w->t, a) == (best ? best->peer : NULL));
}

static struct ip_addr addr_of(const uint8_t bytes[static 4], bool v6)
{
	uint8_t wide[16] = { 0 };

	for (size_t i = 0; i < 4; i++)
		wide[5 * i] = bytes[i];
	return v6 ? ip_addr_v6(wide) : ip_addr_v4(bytes);
}

static void step(struct world *w, const uint8_t in[static STEP])
{
	struct wg_peer *peer = &w->peers[in[0] >> 3 & 7];
	struct ip_prefix p = { .addr = addr_of(in + 2, in[0] & 4) };
	struct ip_addr addr = p.addr;

	p.len = (uint8_t)(in[1] % (ip_addr_bits(&p.addr) + 1));
	p = ip_prefix_masked(&p);
	switch ((enum operation)(in[0] & 3)) {
	case INSERT:
		insert(w, &p, peer);
		break;
	case REMOVE:
		remove_prefix(w, &p, peer);
		break;
	case REMOVE_PEER:
		remove_peer(w, peer);
		break;
	case MOVE:
		move(w);
		break;
	}
	check_lookup(w, &addr);
	for (size_t i = 0; i < w->listed; i++)
		check_lookup(w, &w->list[i].prefix.addr);
	EXPECT(w->t.count == w->listed && w->t.taken <= 2 * w->listed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct world w;

	w = (struct world){ .memory = memory_new() };
	wg_allowedips_init(&w.t, w.memory, ROOM);
	for (size_t i = 0; i < PEERS; i++)
		w.peers[i].allowed_first = WG_NO_NODE;
	for (; len >= STEP; data += STEP, len -= STEP)
		step(&w, data);
	for (size_t i = 0; i < PEERS; i++)
		remove_peer(&w, &w.peers[i]);
	EXPECT(w.t.taken == 0);
	free(w.memory);
	return 0;
}
