/* SPDX-License-Identifier: MIT */
/* Cryptokey routing: which peer a prefix belongs to, longest prefix first. */
#include "wg/allowedips.h"

#include <errno.h>
#include <string.h>

#include "base/bug.h"
#include "base/bytes.h"
#include "wg/peer.h"

/*
 * Theory of operation. One path-compressed binary trie a family: every node is a prefix that lies
 * within its parent's; a node without a peer is a fork and has both children. Looking up walks from
 * the root along the address's bits, as long as nodes match, and the last node with a peer wins.
 * Nodes are named by their index, so that the array can be moved. A peer's nodes form a list in the
 * order of their insertion, of which the first one's `peer_prev` is the last.
 */

/* An address or prefix as the trie compares it. */
struct key {
	uint64_t bits[2];
	uint8_t len;
	uint8_t is_v6;
};

static struct key key_of_ip4(const uint8_t *addr)
{
	return (struct key){ .bits = { (uint64_t)load_be32(addr) << 32 }, .len = 32 };
}

static struct key key_of_ip6(const uint8_t *addr)
{
	return (struct key){
		.bits = { load_be64(addr), load_be64(addr + 8) }, .len = 128, .is_v6 = 1
	};
}

/* The leading `len` bits set, of word 0 or 1. */
static uint64_t mask_of(unsigned len, unsigned word)
{
	unsigned n = word ? (len > 64 ? len - 64 : 0) : (len > 64 ? 64 : len);

	return n ? ~0ULL << (64 - n) : 0;
}

/* Return: 0; -EINVAL for a family or length that does not exist. */
static int key_of_prefix(const struct ip_prefix *p, struct key *ret)
{
	struct key k;

	if (!p->addr.family || p->len > ip_addr_bits(&p->addr))
		return -EINVAL;
	k = p->addr.family == AF_INET6 ? key_of_ip6(p->addr.bytes) : key_of_ip4(p->addr.bytes);
	k.len = p->len;
	k.bits[0] &= mask_of(k.len, 0);
	k.bits[1] &= mask_of(k.len, 1);
	*ret = k;
	return 0;
}

static unsigned bit_at(const uint64_t bits[static 2], unsigned pos)
{
	return (unsigned)(bits[pos / 64] >> (63 - pos % 64)) & 1;
}

/* Number of leading bits that two keys share. */
static unsigned common_bits(const uint64_t a[static 2], const uint64_t b[static 2])
{
	if (a[0] != b[0])
		return (unsigned)__builtin_clzll(a[0] ^ b[0]);
	if (a[1] != b[1])
		return 64 + (unsigned)__builtin_clzll(a[1] ^ b[1]);
	return 128;
}

static bool node_contains(const struct wg_allowed_node *n, const uint64_t bits[static 2])
{
	return common_bits(n->bits, bits) >= n->len;
}

/* The link that leads to a child of `parent`, or to the root. */
static uint32_t *link_to(struct wg_allowedips *t, uint32_t parent, const struct key *k)
{
	struct wg_allowed_node *p;

	if (parent == WG_NO_NODE)
		return &t->root[k->is_v6];
	p = &t->nodes[parent];
	return &p->child[bit_at(k->bits, p->len)];
}

static struct key key_of_node(const struct wg_allowed_node *n)
{
	return (struct key){ .bits = { n->bits[0], n->bits[1] }, .len = n->len, .is_v6 = n->is_v6 };
}

static uint32_t nodes_left(const struct wg_allowedips *t)
{
	return t->cap - t->taken;
}

static uint32_t node_take(struct wg_allowedips *t, const struct key *k, unsigned len)
{
	uint32_t i = t->free;

	if (i != WG_NO_NODE)
		t->free = t->nodes[i].peer_next;
	else
		i = t->used++;
	t->taken++;
	t->nodes[i] = (struct wg_allowed_node){
		.bits = { k->bits[0] & mask_of(len, 0), k->bits[1] & mask_of(len, 1) },
		.child = { WG_NO_NODE, WG_NO_NODE },
		.parent = WG_NO_NODE,
		.peer_next = WG_NO_NODE,
		.peer_prev = WG_NO_NODE,
		.len = (uint8_t)len,
		.is_v6 = k->is_v6,
	};
	return i;
}

static void node_give_back(struct wg_allowedips *t, uint32_t i)
{
	t->nodes[i].peer_next = t->free;
	t->free = i;
	t->taken--;
}

static void peer_link(struct wg_allowedips *t, uint32_t i, struct wg_peer *peer)
{
	struct wg_allowed_node *n = &t->nodes[i];

	n->peer = peer;
	n->peer_next = WG_NO_NODE;
	n->peer_prev = i;
	if (peer->allowed_first == WG_NO_NODE) {
		peer->allowed_first = i;
	} else {
		struct wg_allowed_node *first = &t->nodes[peer->allowed_first];

		n->peer_prev = first->peer_prev;
		t->nodes[first->peer_prev].peer_next = i;
		first->peer_prev = i;
	}
	peer->allowed_count++;
	t->count++;
	t->changes++;
}

static void peer_unlink(struct wg_allowedips *t, uint32_t i)
{
	struct wg_allowed_node *n = &t->nodes[i];
	struct wg_peer *peer = n->peer;

	ASSERT(peer);
	if (n->peer_next != WG_NO_NODE)
		t->nodes[n->peer_next].peer_prev = n->peer_prev;
	else
		t->nodes[peer->allowed_first].peer_prev = n->peer_prev;
	if (peer->allowed_first == i)
		peer->allowed_first = n->peer_next;
	else
		t->nodes[n->peer_prev].peer_next = n->peer_next;
	n->peer = NULL;
	peer->allowed_count--;
	t->count--;
	t->changes++;
}

/* Where a key is or would be: the node itself or what it displaces, and its parent. */
static uint32_t descend(const struct wg_allowedips *t, const struct key *k, uint32_t *ret_parent)
{
	uint32_t parent = WG_NO_NODE, at = t->root[k->is_v6];

	while (at != WG_NO_NODE && t->nodes[at].len < k->len &&
		node_contains(&t->nodes[at], k->bits)) {
		parent = at;
		at = t->nodes[at].child[bit_at(k->bits, t->nodes[at].len)];
	}
	*ret_parent = parent;
	return at;
}

static bool node_is(const struct wg_allowedips *t, uint32_t i, const struct key *k)
{
	return i != WG_NO_NODE && t->nodes[i].len == k->len && t->nodes[i].bits[0] == k->bits[0] &&
	       t->nodes[i].bits[1] == k->bits[1];
}

static void adopt(struct wg_allowedips *t, uint32_t parent, uint32_t child)
{
	struct key k = key_of_node(&t->nodes[child]);

	*link_to(t, parent, &k) = child;
	t->nodes[child].parent = parent;
}

/* Make the key's node where descend() ended; a fork above it if its neighbour needs one. */
static uint32_t grow(struct wg_allowedips *t, const struct key *k, uint32_t parent, uint32_t below)
{
	uint32_t i = node_take(t, k, k->len);
	unsigned common;

	if (below == WG_NO_NODE) {
		adopt(t, parent, i);
		return i;
	}
	common = common_bits(t->nodes[below].bits, k->bits);
	if (common >= k->len) {
		adopt(t, parent, i);
		adopt(t, i, below);
	} else {
		uint32_t fork = node_take(t, k, common);

		adopt(t, parent, fork);
		adopt(t, fork, i);
		adopt(t, fork, below);
	}
	return i;
}

/* Remove a node that serves no more: it has no peer and does not fork. */
static void prune(struct wg_allowedips *t, uint32_t i)
{
	while (i != WG_NO_NODE && !t->nodes[i].peer) {
		const struct wg_allowed_node *n = &t->nodes[i];
		uint32_t parent = n->parent;
		struct key k = key_of_node(n);

		if (n->child[0] != WG_NO_NODE && n->child[1] != WG_NO_NODE)
			return;
		if (n->child[0] != WG_NO_NODE)
			adopt(t, parent, n->child[0]);
		else if (n->child[1] != WG_NO_NODE)
			adopt(t, parent, n->child[1]);
		else
			*link_to(t, parent, &k) = WG_NO_NODE;
		node_give_back(t, i);
		i = parent;
	}
}

void wg_allowedips_init(struct wg_allowedips *t, struct wg_allowed_node *nodes, uint32_t cap)
{
	*t = (struct wg_allowedips){
		.nodes = nodes,
		.cap = cap,
		.free = WG_NO_NODE,
		.root = { WG_NO_NODE, WG_NO_NODE },
	};
}

void wg_allowedips_move(struct wg_allowedips *t, struct wg_allowed_node *nodes, uint32_t cap)
{
	memcpy(nodes, t->nodes, t->used * sizeof(*nodes));
	t->nodes = nodes;
	t->cap = cap;
}

int wg_allowedips_insert(
	struct wg_allowedips *t, const struct ip_prefix *prefix, struct wg_peer *peer)
{
	struct key k;
	uint32_t at, parent;

	if (key_of_prefix(prefix, &k))
		return -EINVAL;
	at = descend(t, &k, &parent);
	if (!node_is(t, at, &k)) {
		if (nodes_left(t) < 2)
			return -ENOSPC;
		at = grow(t, &k, parent, at);
	} else if (t->nodes[at].peer == peer) {
		return 0;
	}
	if (t->nodes[at].peer)
		peer_unlink(t, at);
	peer_link(t, at, peer);
	return 0;
}

int wg_allowedips_remove(
	struct wg_allowedips *t, const struct ip_prefix *prefix, const struct wg_peer *peer)
{
	struct key k;
	uint32_t at, parent;

	if (key_of_prefix(prefix, &k))
		return -ENOENT;
	at = descend(t, &k, &parent);
	if (!node_is(t, at, &k) || t->nodes[at].peer != peer)
		return -ENOENT;
	peer_unlink(t, at);
	prune(t, at);
	return 0;
}

void wg_allowedips_remove_peer(struct wg_allowedips *t, struct wg_peer *peer)
{
	while (peer->allowed_first != WG_NO_NODE) {
		uint32_t i = peer->allowed_first;

		peer_unlink(t, i);
		prune(t, i);
	}
}

static struct wg_peer *lookup(const struct wg_allowedips *t, const struct key *k)
{
	struct wg_peer *best = NULL;
	uint32_t at = t->root[k->is_v6];

	while (at != WG_NO_NODE) {
		const struct wg_allowed_node *n = &t->nodes[at];

		if (!node_contains(n, k->bits))
			break;
		if (n->peer)
			best = n->peer;
		if (n->len == k->len)
			break;
		at = n->child[bit_at(k->bits, n->len)];
	}
	return best;
}

struct wg_peer *wg_allowedips_lookup4(const struct wg_allowedips *t, const uint8_t addr[static 4])
{
	struct key k = key_of_ip4(addr);

	return lookup(t, &k);
}

struct wg_peer *wg_allowedips_lookup6(const struct wg_allowedips *t, const uint8_t addr[static 16])
{
	struct key k = key_of_ip6(addr);

	return lookup(t, &k);
}

struct wg_peer *wg_allowedips_lookup(const struct wg_allowedips *t, const struct ip_addr *addr)
{
	if (addr->family == AF_INET)
		return wg_allowedips_lookup4(t, addr->bytes);
	return addr->family == AF_INET6 ? wg_allowedips_lookup6(t, addr->bytes) : NULL;
}

static bool is_hit(const struct wg_allowed_hit *h, const struct key *k)
{
	return h->bits[0] == k->bits[0] && h->bits[1] == k->bits[1] && h->is_v6 == k->is_v6 &&
	       h->peer;
}

static struct wg_allowed_hit *set_of(struct wg_allowed_cache *cache, const struct key *k)
{
	uint64_t hash = (k->bits[0] ^ k->bits[1]) * 0x9e3779b97f4a7c15ULL;

	return cache->sets[(hash >> 32) % WG_ALLOWED_CACHE_SETS];
}

struct wg_peer *wg_allowedips_lookup_cached(const struct wg_allowedips *t,
	struct wg_allowed_cache *cache, uint16_t family, const uint8_t *addr)
{
	struct key k = family == AF_INET6 ? key_of_ip6(addr) : key_of_ip4(addr);
	struct wg_allowed_hit *set = set_of(cache, &k);

	if (cache->changes != t->changes) {
		memset(cache->sets, 0, sizeof(cache->sets));
		cache->changes = t->changes;
	}
	for (size_t i = 0; i < WG_ALLOWED_CACHE_WAYS; i++)
		if (is_hit(&set[i], &k))
			return set[i].peer;
	memmove(&set[1], &set[0], (WG_ALLOWED_CACHE_WAYS - 1) * sizeof(set[0]));
	set[0] = (struct wg_allowed_hit){ { k.bits[0], k.bits[1] }, lookup(t, &k), k.is_v6 };
	return set[0].peer;
}

static struct ip_prefix prefix_of(const struct wg_allowed_node *n)
{
	struct ip_prefix p = { .len = n->len };

	if (n->is_v6) {
		p.addr.family = AF_INET6;
		store_be64(p.addr.bytes, n->bits[0]);
		store_be64(p.addr.bytes + 8, n->bits[1]);
	} else {
		p.addr.family = AF_INET;
		store_be32(p.addr.bytes, (uint32_t)(n->bits[0] >> 32));
	}
	return p;
}

bool wg_allowedips_next(const struct wg_allowedips *t, const struct wg_peer *peer, uint32_t *cursor,
	struct ip_prefix *ret)
{
	uint32_t at = *cursor == WG_NO_NODE ? peer->allowed_first : t->nodes[*cursor].peer_next;

	if (at == WG_NO_NODE)
		return false;
	*cursor = at;
	*ret = prefix_of(&t->nodes[at]);
	return true;
}
