/* SPDX-License-Identifier: MIT */
/* Cryptokey routing: maps prefixes to peers, with longest-prefix match. */
#include "wg/allowedips.h"

#include <errno.h>
#include <string.h>

#include "base/bug.h"
#include "base/bytes.h"
#include "wg/state.h"

/*
 * Theory of operation. One path-compressed binary trie per family: the prefix of every node lies
 * within its parent's; a node that is not a peer's prefix is a fork and has two children. Each node
 * stores its owner: the peer of the nearest prefix at or above it. So a look-up finds the longest
 * node that contains the address and returns its owner.
 *
 * Walking from the root would visit one node per bit in the worst case. A look-up does a binary
 * search for the node's length instead, as in a z-fast trie (Belazzougui, Boldi, Pagh, Vigna: "Fast
 * Prefix Search in Little Space, with Applications", 2010). An address has 32 = 2^5 or 128 = 2^7
 * bits. A hash maps each node's handle to the node; the handle is a prefix of the node's bits, and
 * its length is the number with the most trailing zero bits above the parent's length and up to
 * the node's own. Each step probes the hash at the length with the most trailing zero bits among
 * those still possible: if a node has this handle, all shorter lengths are excluded, else all
 * longer ones. That takes at most 6 (IPv4) or 8 (IPv6) probes, and one for a host route, as 32
 * and 128 have the most trailing zero bits.
 *
 * IPv4 host routes, the usual case, are found without the trie: an open-addressed hash holds each
 * address beside its owner. So a look-up of one reads one cache line, not a bucket and a node, and
 * those of many peers, used in turn, take less than half of the cache. Their nodes are not in the
 * other hash.
 *
 * Insertion and removal walk the trie, change the handles of at most three nodes, and pass an owner
 * down through the forks below.
 *
 * Nodes refer to each other by index, so that the array can be moved. A peer's nodes form a list in
 * insertion order; the `peer_prev` of the first is the last.
 */

/* A slot of the hash of IPv4 host routes. */
struct wg_allowed_host {
	struct wg_peer *owner; /* NULL: the slot is free */
	uint32_t addr;	       /* host order */
};

/* A peer's prefix, a fork, or a free node. Holds what look-ups read: half a cache line. */
struct wg_allowed_node {
	uint64_t bits[2];      /* most significant first, host order; IPv4 in the top 32 */
	struct wg_peer *owner; /* of the nearest prefix at or above, or NULL */
	uint32_t bucket_next;
	uint8_t len;
	uint8_t handle; /* length of the handle, its key in the hash; 0: not in the hash */
	uint8_t is_v6;
	bool is_prefix; /* false: a fork */
};

/* The links of a node to others. */
struct wg_allowed_links {
	uint32_t parent;
	uint32_t child[2];
	uint32_t peer_next; /* the peer's other prefixes; free list, if the node is free */
	uint32_t peer_prev;
};

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
	if (word)
		return len > 64 ? ~0ULL << (128 - len) : 0;
	return len < 64 ? ~(~0ULL >> len) : ~0ULL;
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
	if (parent == WG_NO_NODE)
		return &t->root[k->is_v6];
	return &t->links[parent].child[bit_at(k->bits, t->nodes[parent].len)];
}

static struct key key_of_node(const struct wg_allowed_node *n)
{
	return (struct key){ .bits = { n->bits[0], n->bits[1] }, .len = n->len, .is_v6 = n->is_v6 };
}

/* The number with the most trailing zero bits above `low` and up to `high`. */
static unsigned roundest(unsigned low, unsigned high)
{
	return high & (~0U << (31 - __builtin_clz(low ^ high)));
}

static uint32_t hash_of(const struct key *k, unsigned len)
{
	uint64_t h = ((k->bits[0] & mask_of(len, 0)) ^ len) * 0x9e3779b97f4a7c15ULL;

	h = (h ^ h >> 32 ^ (k->bits[1] & mask_of(len, 1)) ^ k->is_v6) * 0xd6e8feb86659fd93ULL;
	return (uint32_t)(h >> 32);
}

static uint32_t *bucket_of(const struct wg_allowedips *t, const struct key *k, unsigned len)
{
	return &t->buckets[hash_of(k, len) & t->bucket_mask];
}

/* Return: the node whose handle is the first `len` bits of `k`, or WG_NO_NODE. */
static uint32_t hash_find(const struct wg_allowedips *t, const struct key *k, unsigned len)
{
	uint32_t i = *bucket_of(t, k, len);

	while (i != WG_NO_NODE) {
		const struct wg_allowed_node *n = &t->nodes[i];

		if (n->handle == len && n->is_v6 == k->is_v6 &&
			common_bits(n->bits, k->bits) >= len)
			break;
		i = n->bucket_next;
	}
	return i;
}

static void hash_add(struct wg_allowedips *t, uint32_t i)
{
	struct wg_allowed_node *n = &t->nodes[i];
	struct key k = key_of_node(n);
	uint32_t *bucket = bucket_of(t, &k, n->handle);

	n->bucket_next = *bucket;
	*bucket = i;
}

static void hash_remove(struct wg_allowedips *t, uint32_t i)
{
	struct wg_allowed_node *n = &t->nodes[i];
	struct key k = key_of_node(n);
	uint32_t *link = bucket_of(t, &k, n->handle);

	while (*link != i)
		link = &t->nodes[*link].bucket_next;
	*link = n->bucket_next;
}

static size_t host_mask(const struct wg_allowedips *t)
{
	return ((size_t)1 << (32 - t->host_shift)) - 1;
}

/* Where an address is, unless the slot is taken. Multiply by 2^32 / golden ratio. */
static size_t host_home(const struct wg_allowedips *t, uint32_t addr)
{
	return (addr * 0x9e3779b1U) >> t->host_shift;
}

/* Return: the slot of the address, or the free one where it belongs. */
static struct wg_allowed_host *host_find(const struct wg_allowedips *t, uint32_t addr)
{
	size_t i = host_home(t, addr);

	while (t->hosts[i].owner && t->hosts[i].addr != addr)
		i = (i + 1) & host_mask(t);
	return &t->hosts[i];
}

/* Remove a host, and move those behind it that would not be found across the gap. */
static void host_remove(struct wg_allowedips *t, uint32_t addr)
{
	size_t mask = host_mask(t), gap = (size_t)(host_find(t, addr) - t->hosts);

	for (size_t i = (gap + 1) & mask; t->hosts[i].owner; i = (i + 1) & mask) {
		size_t home = host_home(t, t->hosts[i].addr);

		if (((i - home) & mask) >= ((i - gap) & mask)) {
			t->hosts[gap] = t->hosts[i];
			gap = i;
		}
	}
	t->hosts[gap].owner = NULL;
}

static bool is_host4(const struct wg_allowed_node *n)
{
	return !n->is_v6 && n->len == 32;
}

static uint32_t host_addr(const struct wg_allowed_node *n)
{
	return (uint32_t)(n->bits[0] >> 32);
}

/* Enter a node that is a peer's prefix, if it is an IPv4 host. */
static void host_add(struct wg_allowedips *t, const struct wg_allowed_node *n)
{
	if (is_host4(n))
		*host_find(t, host_addr(n)) = (struct wg_allowed_host){ n->owner, host_addr(n) };
}

/* Put a node in the hash under another handle; 0: remove it from the hash. */
static void set_handle(struct wg_allowedips *t, uint32_t i, unsigned handle)
{
	struct wg_allowed_node *n = &t->nodes[i];

	if (n->handle == handle)
		return;
	if (n->handle)
		hash_remove(t, i);
	n->handle = (uint8_t)handle;
	if (handle)
		hash_add(t, i);
}

static uint32_t nodes_left(const struct wg_allowedips *t)
{
	return t->cap - t->taken;
}

static uint32_t node_take(struct wg_allowedips *t, const struct key *k, unsigned len)
{
	uint32_t i = t->free;

	if (i != WG_NO_NODE)
		t->free = t->links[i].peer_next;
	else
		i = t->used++;
	t->taken++;
	t->nodes[i] = (struct wg_allowed_node){
		.bits = { k->bits[0] & mask_of(len, 0), k->bits[1] & mask_of(len, 1) },
		.len = (uint8_t)len,
		.is_v6 = k->is_v6,
	};
	t->links[i] = (struct wg_allowed_links){
		.parent = WG_NO_NODE,
		.child = { WG_NO_NODE, WG_NO_NODE },
		.peer_next = WG_NO_NODE,
		.peer_prev = WG_NO_NODE,
	};
	return i;
}

static void node_give_back(struct wg_allowedips *t, uint32_t i)
{
	set_handle(t, i, 0);
	t->links[i].peer_next = t->free;
	t->free = i;
	t->taken--;
}

/* Change the owner of a node, and of all forks below it that inherit it. The depth is bounded by
 * the prefix length. */
static void pass_down(struct wg_allowedips *t, uint32_t i, struct wg_peer *owner)
{
	const uint32_t *child = t->links[i].child;

	t->nodes[i].owner = owner;
	for (unsigned b = 0; b < 2; b++)
		if (child[b] != WG_NO_NODE && !t->nodes[child[b]].is_prefix)
			pass_down(t, child[b], owner);
}

static struct wg_peer *owner_at(const struct wg_allowedips *t, uint32_t i)
{
	return i != WG_NO_NODE ? t->nodes[i].owner : NULL;
}

/* Make the node a prefix of the peer. */
static void peer_link(struct wg_allowedips *t, uint32_t i, struct wg_peer *peer)
{
	struct wg_allowed_links *l = &t->links[i];

	l->peer_next = WG_NO_NODE;
	l->peer_prev = i;
	if (peer->allowed_first == WG_NO_NODE) {
		peer->allowed_first = i;
	} else {
		struct wg_allowed_links *first = &t->links[peer->allowed_first];

		l->peer_prev = first->peer_prev;
		t->links[first->peer_prev].peer_next = i;
		first->peer_prev = i;
	}
	t->nodes[i].is_prefix = true;
	pass_down(t, i, peer);
	host_add(t, &t->nodes[i]);
	peer->allowed_count++;
	t->count++;
}

/* Unlink the node from its owner's prefixes. The nodes below keep their owner until the caller
 * updates them. */
static void peer_unlink(struct wg_allowedips *t, uint32_t i)
{
	struct wg_peer *peer = t->nodes[i].owner;
	const struct wg_allowed_links *l = &t->links[i];

	ASSERT(t->nodes[i].is_prefix);
	if (is_host4(&t->nodes[i]))
		host_remove(t, host_addr(&t->nodes[i]));
	if (l->peer_next != WG_NO_NODE)
		t->links[l->peer_next].peer_prev = l->peer_prev;
	else
		t->links[peer->allowed_first].peer_prev = l->peer_prev;
	if (peer->allowed_first == i)
		peer->allowed_first = l->peer_next;
	else
		t->links[l->peer_prev].peer_next = l->peer_next;
	t->nodes[i].is_prefix = false;
	peer->allowed_count--;
	t->count--;
}

/* The position of a key: the node itself or the node that it would displace, and the parent. */
static uint32_t descend(const struct wg_allowedips *t, const struct key *k, uint32_t *ret_parent)
{
	uint32_t parent = WG_NO_NODE, at = t->root[k->is_v6];

	while (at != WG_NO_NODE && t->nodes[at].len < k->len &&
		node_contains(&t->nodes[at], k->bits)) {
		parent = at;
		at = t->links[at].child[bit_at(k->bits, t->nodes[at].len)];
	}
	*ret_parent = parent;
	return at;
}

static bool node_is(const struct wg_allowedips *t, uint32_t i, const struct key *k)
{
	return i != WG_NO_NODE && t->nodes[i].len == k->len && t->nodes[i].bits[0] == k->bits[0] &&
	       t->nodes[i].bits[1] == k->bits[1];
}

/* Attach a node below another, or at the root. */
static void adopt(struct wg_allowedips *t, uint32_t parent, uint32_t child)
{
	struct wg_allowed_node *n = &t->nodes[child];
	unsigned above = parent == WG_NO_NODE ? 0 : t->nodes[parent].len;
	struct key k = key_of_node(n);

	*link_to(t, parent, &k) = child;
	t->links[child].parent = parent;
	set_handle(t, child, n->len && !is_host4(n) ? roundest(above, n->len) : 0);
}

/* Create the key's node where descend() ended, with a fork above it if its sibling needs one. */
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

		t->nodes[fork].owner = owner_at(t, parent);
		adopt(t, parent, fork);
		adopt(t, fork, i);
		adopt(t, fork, below);
	}
	return i;
}

/* Remove a node that is no longer needed: neither a prefix nor a fork with two children. */
static void prune(struct wg_allowedips *t, uint32_t i)
{
	while (i != WG_NO_NODE && !t->nodes[i].is_prefix) {
		const struct wg_allowed_links *l = &t->links[i];
		struct key k = key_of_node(&t->nodes[i]);
		uint32_t parent = l->parent;

		if (l->child[0] != WG_NO_NODE && l->child[1] != WG_NO_NODE)
			return;
		if (l->child[0] != WG_NO_NODE)
			adopt(t, parent, l->child[0]);
		else if (l->child[1] != WG_NO_NODE)
			adopt(t, parent, l->child[1]);
		else
			*link_to(t, parent, &k) = WG_NO_NODE;
		node_give_back(t, i);
		i = parent;
	}
}

/* A prefix may need a node and a fork above it. */
static uint32_t nodes_for(size_t prefixes)
{
	return (uint32_t)(2 * prefixes);
}

/* At least twice as many buckets as nodes, so that few hold more than one. */
static uint32_t buckets_for(size_t prefixes)
{
	uint32_t n = 4;

	while (n < 2 * nodes_for(prefixes))
		n *= 2;
	return n;
}

/* The hosts' slots: one and a half times as many as prefixes, or more; at least one stays free. */
static unsigned host_bits_for(size_t prefixes)
{
	unsigned bits = 1;

	while ((size_t)1 << bits < prefixes + prefixes / 2 + 1)
		bits++;
	return bits;
}

size_t wg_allowedips_memory(size_t prefixes)
{
	return ((size_t)1 << host_bits_for(prefixes)) * sizeof(struct wg_allowed_host) +
	       nodes_for(prefixes) *
		       (sizeof(struct wg_allowed_node) + sizeof(struct wg_allowed_links)) +
	       buckets_for(prefixes) * sizeof(uint32_t);
}

/* Arrange the memory: hosts (none), nodes, links and buckets (empty). */
static void lay_out(struct wg_allowedips *t, void *memory, size_t prefixes)
{
	uint32_t buckets = buckets_for(prefixes);

	t->hosts = memory;
	t->host_shift = 32 - host_bits_for(prefixes);
	memset(t->hosts, 0, (host_mask(t) + 1) * sizeof(*t->hosts));
	t->cap = nodes_for(prefixes);
	t->nodes = (struct wg_allowed_node *)(void *)&t->hosts[host_mask(t) + 1];
	t->links = (struct wg_allowed_links *)(void *)&t->nodes[t->cap];
	t->buckets = (uint32_t *)(void *)&t->links[t->cap];
	t->bucket_mask = buckets - 1;
	for (uint32_t i = 0; i < buckets; i++)
		t->buckets[i] = WG_NO_NODE;
}

void wg_allowedips_init(struct wg_allowedips *t, void *memory, size_t prefixes)
{
	*t = (struct wg_allowedips){
		.free = WG_NO_NODE,
		.root = { WG_NO_NODE, WG_NO_NODE },
	};
	lay_out(t, memory, prefixes);
}

void wg_allowedips_move(struct wg_allowedips *t, void *memory, size_t prefixes)
{
	struct wg_allowedips old = *t;

	lay_out(t, memory, prefixes);
	memcpy(t->nodes, old.nodes, t->used * sizeof(*t->nodes));
	memcpy(t->links, old.links, t->used * sizeof(*t->links));
	for (uint32_t i = 0; i < t->used; i++) {
		if (t->nodes[i].handle)
			hash_add(t, i);
		if (t->nodes[i].is_prefix)
			host_add(t, &t->nodes[i]);
	}
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
	}
	if (t->nodes[at].is_prefix) {
		if (t->nodes[at].owner == peer)
			return 0;
		peer_unlink(t, at);
	}
	peer_link(t, at, peer);
	return 0;
}

static void remove_node(struct wg_allowedips *t, uint32_t i)
{
	peer_unlink(t, i);
	pass_down(t, i, owner_at(t, t->links[i].parent));
	prune(t, i);
}

int wg_allowedips_remove(
	struct wg_allowedips *t, const struct ip_prefix *prefix, const struct wg_peer *peer)
{
	struct key k;
	uint32_t at, parent;

	if (key_of_prefix(prefix, &k))
		return -ENOENT;
	at = descend(t, &k, &parent);
	if (!node_is(t, at, &k) || !t->nodes[at].is_prefix || t->nodes[at].owner != peer)
		return -ENOENT;
	remove_node(t, at);
	return 0;
}

void wg_allowedips_remove_peer(struct wg_allowedips *t, struct wg_peer *peer)
{
	while (peer->allowed_first != WG_NO_NODE)
		remove_node(t, peer->allowed_first);
}

static bool is_leaf(const struct wg_allowedips *t, uint32_t i)
{
	return t->links[i].child[0] == WG_NO_NODE && t->links[i].child[1] == WG_NO_NODE;
}

/* The owner of the zero-length prefix, if there is one. */
static struct wg_peer *owner_of_all(const struct wg_allowedips *t, uint8_t is_v6)
{
	uint32_t root = t->root[is_v6];

	return root != WG_NO_NODE && !t->nodes[root].len ? t->nodes[root].owner : NULL;
}

/* Find the owner of an address by its longest node of up to `high` bits. */
static struct wg_peer *lookup(const struct wg_allowedips *t, const struct key *k, unsigned high)
{
	struct wg_peer *best = NULL;
	unsigned low = 0; /* the node's length is `low`, or above and up to `high` */

	while (low < high) {
		unsigned len = roundest(low, high);
		uint32_t i = hash_find(t, k, len);
		const struct wg_allowed_node *n = &t->nodes[i];

		if (i == WG_NO_NODE) {
			high = len - 1;
			continue;
		}
		if (!node_contains(n, k->bits))
			return owner_at(t, t->links[i].parent);
		best = n->owner;
		low = n->len;
		if (low < high && is_leaf(t, i))
			break;
	}
	return low ? best : owner_of_all(t, k->is_v6);
}

struct wg_peer *wg_allowedips_lookup4(const struct wg_allowedips *t, const uint8_t addr[static 4])
{
	struct wg_peer *owner = host_find(t, load_be32(addr))->owner;
	struct key k;

	if (owner)
		return owner;
	k = key_of_ip4(addr);
	return lookup(t, &k, 31);
}

struct wg_peer *wg_allowedips_lookup6(const struct wg_allowedips *t, const uint8_t addr[static 16])
{
	struct key k = key_of_ip6(addr);

	return lookup(t, &k, 128);
}

struct wg_peer *wg_allowedips_lookup(const struct wg_allowedips *t, const struct ip_addr *addr)
{
	if (addr->family == AF_INET)
		return wg_allowedips_lookup4(t, addr->bytes);
	return addr->family == AF_INET6 ? wg_allowedips_lookup6(t, addr->bytes) : NULL;
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
	uint32_t at = *cursor == WG_NO_NODE ? peer->allowed_first : t->links[*cursor].peer_next;

	if (at == WG_NO_NODE)
		return false;
	*cursor = at;
	*ret = prefix_of(&t->nodes[at]);
	return true;
}
