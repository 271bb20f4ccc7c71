/* SPDX-License-Identifier: MIT */
/* Tests of cryptokey routing: a table, and random changes against a linear scan. */
#include "wg/allowedips.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "wg/peer.h"

#define PEERS 8
#define CAP   1000

static struct wg_peer peers[PEERS];
static void *memory;

/* Memory of exactly the size wanted, filled with garbage. */
static void *dirty(size_t prefixes)
{
	void *m = malloc(wg_allowedips_memory(prefixes));

	assert_non_null(m);
	return memset(m, 0xa5, wg_allowedips_memory(prefixes));
}

static struct wg_allowedips begin(size_t prefixes)
{
	struct wg_allowedips t;

	memset(peers, 0, sizeof(peers));
	for (size_t i = 0; i < PEERS; i++)
		peers[i].allowed_first = WG_NO_NODE;
	memory = dirty(prefixes);
	wg_allowedips_init(&t, memory, prefixes);
	return t;
}

/* Grow, or move to the same size. */
static void move(struct wg_allowedips *t, size_t prefixes)
{
	void *larger = dirty(prefixes);

	wg_allowedips_move(t, larger, prefixes);
	free(memory);
	memory = larger;
}

static int end(void **state)
{
	free(memory);
	memory = NULL;
	return 0;
}

static struct ip_prefix prefix(const char *text)
{
	struct ip_prefix p;

	assert_int_equal(ip_prefix_parse(text, &p), 0);
	return p;
}

static struct ip_addr addr(const char *text)
{
	struct ip_addr a;

	assert_int_equal(ip_addr_parse(text, &a), 0);
	return a;
}

static void insert(struct wg_allowedips *t, const char *text, unsigned peer)
{
	struct ip_prefix p = prefix(text);

	assert_int_equal(wg_allowedips_insert(t, &p, &peers[peer]), 0);
}

static int peer_at(const struct wg_allowedips *t, const char *text)
{
	struct ip_addr a = addr(text);
	const struct wg_peer *p = wg_allowedips_lookup(t, &a);

	return p ? (int)(p - peers) : -1;
}

static void test_longest_prefix(void **state)
{
	static const struct {
		const char *prefix;
		unsigned peer;
	} in[] = {
		{ "192.168.4.0/24", 0 },
		{ "192.168.4.4/32", 1 },
		{ "192.168.0.0/16", 2 },
		{ "192.95.5.64/27", 3 },
		{ "192.95.5.65/27", 4 }, /* host bits ignored: the same prefix moves */
		{ "0.0.0.0/0", 5 },
		{ "64.15.112.0/20", 6 },
		{ "64.15.123.211/25", 7 },
	};
	static const struct {
		const char *addr;
		int peer;
	} out[] = {
		{ "192.168.4.20", 0 },
		{ "192.168.4.4", 1 },
		{ "192.168.200.182", 2 },
		{ "192.95.5.68", 4 },
		{ "192.95.5.96", 5 },
		{ "64.15.116.26", 6 },
		{ "64.15.123.128", 7 },
		{ "64.15.123.1", 6 },
		{ "10.0.0.0", 5 },
		{ "2607:5300::1", -1 },
	};
	struct wg_allowedips t = begin(CAP);

	for (size_t i = 0; i < ARRAY_LEN(in); i++)
		insert(&t, in[i].prefix, in[i].peer);
	for (size_t i = 0; i < ARRAY_LEN(out); i++)
		if (peer_at(&t, out[i].addr) != out[i].peer)
			fail_msg("%s: peer %d", out[i].addr, peer_at(&t, out[i].addr));
	insert(&t, "::/0", 0);
	insert(&t, "2607:5300:6006:6b00::/64", 1);
	insert(&t, "2607:5300:6006:6b00::c05f:543/128", 2);
	assert_int_equal(peer_at(&t, "2607:5300:6006:6b00::c05f:543"), 2);
	assert_int_equal(peer_at(&t, "2607:5300:6006:6b00::c02e:1ee"), 1);
	assert_int_equal(peer_at(&t, "2607:5300:6006:6b01::1"), 0);
	assert_int_equal(peer_at(&t, "10.0.0.0"), 5);
}

static void test_refused(void **state)
{
	struct wg_allowedips t = begin(CAP);
	struct ip_prefix none = { 0 }, long4 = prefix("1.2.3.4/32"), long6 = prefix("::1/128");

	long4.len = 33;
	long6.len = 129;
	assert_int_equal(wg_allowedips_insert(&t, &none, &peers[0]), -EINVAL);
	assert_int_equal(wg_allowedips_insert(&t, &long4, &peers[0]), -EINVAL);
	assert_int_equal(wg_allowedips_insert(&t, &long6, &peers[0]), -EINVAL);
	assert_int_equal(wg_allowedips_remove(&t, &long4, &peers[0]), -ENOENT);
	insert(&t, "10.0.0.0/8", 0);
	long4 = prefix("10.0.0.0/8");
	assert_int_equal(wg_allowedips_remove(&t, &long4, &peers[1]), -ENOENT);
	long4.len = 9;
	assert_int_equal(wg_allowedips_remove(&t, &long4, &peers[0]), -ENOENT);
	assert_int_equal(t.count, 1);
	assert_int_equal(peer_at(&t, "10.1.1.1"), 0);
}

/* Room for n prefixes is enough for any n prefixes; growing keeps the prefixes that exist. */
static void test_full_and_moved(void **state)
{
	struct wg_allowedips t = begin(3);
	struct ip_prefix one_more = prefix("10.0.0.3/32");

	insert(&t, "10.0.0.0/32", 0);
	insert(&t, "10.0.0.1/32", 1);
	insert(&t, "10.0.0.2/32", 2);
	assert_int_equal(wg_allowedips_insert(&t, &one_more, &peers[3]), -ENOSPC);
	assert_int_equal(t.count, 3);
	assert_int_equal(peer_at(&t, "10.0.0.3"), -1);
	insert(&t, "10.0.0.2/32", 4); /* moving needs no room */
	move(&t, 4);
	assert_int_equal(wg_allowedips_insert(&t, &one_more, &peers[3]), 0);
	assert_int_equal(peer_at(&t, "10.0.0.0"), 0);
	assert_int_equal(peer_at(&t, "10.0.0.2"), 4);
	assert_int_equal(peer_at(&t, "10.0.0.3"), 3);
}

static void test_listing(void **state)
{
	static const char *const in[] = { "10.0.2.0/24", "fd00::/8", "0.0.0.0/0", "10.0.1.1/32",
		"::1/128" };
	struct wg_allowedips t = begin(CAP);
	struct ip_prefix p;
	uint32_t cursor = WG_NO_NODE;

	for (size_t i = 0; i < ARRAY_LEN(in); i++)
		insert(&t, in[i], 3);
	insert(&t, "10.0.2.0/24", 3); /* exists already: keeps its place */
	insert(&t, "10.9.0.0/16", 4);
	for (size_t i = 0; i < ARRAY_LEN(in); i++) {
		struct ip_prefix expected = prefix(in[i]);

		assert_true(wg_allowedips_next(&t, &peers[3], &cursor, &p));
		assert_true(ip_addr_equal(&p.addr, &expected.addr));
		assert_int_equal(p.len, expected.len);
	}
	assert_false(wg_allowedips_next(&t, &peers[3], &cursor, &p));
	assert_int_equal(peers[3].allowed_count, ARRAY_LEN(in));
}

/* The naive version: a list of prefixes. */
struct naive {
	struct ip_prefix prefix;
	struct wg_peer *peer;
};

static struct naive list[CAP];
static size_t listed;

static struct naive *naive_find(const struct ip_prefix *p)
{
	for (size_t i = 0; i < listed; i++)
		if (list[i].prefix.len == p->len && ip_addr_equal(&list[i].prefix.addr, &p->addr))
			return &list[i];
	return NULL;
}

static struct wg_peer *naive_lookup(const struct ip_addr *a)
{
	const struct naive *best = NULL;

	for (size_t i = 0; i < listed; i++)
		if (ip_prefix_contains(&list[i].prefix, a) &&
			(!best || list[i].prefix.len > best->prefix.len))
			best = &list[i];
	return best ? best->peer : NULL;
}

static uint64_t seed = 7;

static uint32_t random_u32(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(seed >> 33);
}

/* Addresses from a small range, so that prefixes overlap and coincide. */
static struct ip_addr random_addr(void)
{
	uint8_t b[16] = { 0xfd };

	for (size_t i = 1; i < 16; i++)
		b[i] = (uint8_t)(random_u32() & random_u32() >> 8 & (i < 14 ? 0x11 : 0xff));
	return random_u32() & 1 ? ip_addr_v4(b + 12) : ip_addr_v6(b);
}

/* An address at the edge of an existing prefix: inside it, or outside by one bit. */
static struct ip_addr random_neighbour(void)
{
	struct ip_addr a = list[random_u32() % listed].prefix.addr;
	unsigned bit = random_u32() % ip_addr_bits(&a);

	a.bytes[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
	return a;
}

static struct ip_prefix random_prefix(void)
{
	struct ip_prefix p = { .addr = random_addr() };

	p.len = (uint8_t)(random_u32() % (ip_addr_bits(&p.addr) + 1));
	return ip_prefix_masked(&p);
}

static void change(struct wg_allowedips *t)
{
	struct ip_prefix p =
		random_u32() % 3 || !listed ? random_prefix() : list[random_u32() % listed].prefix;
	struct wg_peer *peer = &peers[random_u32() % PEERS];
	struct naive *n = naive_find(&p);

	if (random_u32() % 64 == 0) {
		wg_allowedips_remove_peer(t, peer);
		for (size_t i = 0; i < listed;)
			if (list[i].peer == peer)
				list[i] = list[--listed];
			else
				i++;
	} else if (random_u32() % 3 == 0) {
		bool there = n && n->peer == peer;

		assert_int_equal(wg_allowedips_remove(t, &p, peer), there ? 0 : -ENOENT);
		if (there)
			*n = list[--listed];
	} else if (n || listed < CAP) {
		assert_int_equal(wg_allowedips_insert(t, &p, peer), 0);
		if (!n)
			n = &list[listed++];
		*n = (struct naive){ p, peer };
	}
}

/* Every prefix is listed once, under its peer; there are no unnecessary forks. */
static void check_listing(const struct wg_allowedips *t)
{
	size_t total = 0;

	for (size_t i = 0; i < PEERS; i++) {
		uint32_t cursor = WG_NO_NODE, count = 0;
		struct ip_prefix p;

		while (wg_allowedips_next(t, &peers[i], &cursor, &p)) {
			const struct naive *n = naive_find(&p);

			assert_non_null(n);
			assert_ptr_equal(n->peer, &peers[i]);
			count++;
		}
		assert_int_equal(count, peers[i].allowed_count);
		total += count;
	}
	assert_int_equal(total, listed);
	assert_int_equal(t->count, listed);
	assert_true(t->taken <= 2 * listed);
}

static void check_lookups(const struct wg_allowedips *t, int count)
{
	for (int i = 0; i < count; i++) {
		struct ip_addr a = listed && i % 2 ? random_neighbour() : random_addr();

		assert_ptr_equal(wg_allowedips_lookup(t, &a), naive_lookup(&a));
	}
}

static void check_empty(struct wg_allowedips *t)
{
	for (size_t i = 0; i < PEERS; i++)
		wg_allowedips_remove_peer(t, &peers[i]);
	listed = 0;
	check_lookups(t, 10);
	assert_int_equal(t->count, 0);
	assert_int_equal(t->taken, 0);
	assert_int_equal(t->root[0], WG_NO_NODE);
	assert_int_equal(t->root[1], WG_NO_NODE);
}

static void test_against_naive(void **state)
{
	struct wg_allowedips t = begin(CAP);

	listed = 0;
	for (int round = 0; round < 400; round++) {
		for (int i = 0; i < 25; i++)
			change(&t);
		if (round % 20 == 0)
			move(&t, CAP);
		check_lookups(&t, 200);
		check_listing(&t);
	}
	check_empty(&t);
}

static void add_listed(struct wg_allowedips *t, struct ip_prefix p, struct wg_peer *peer)
{
	p = ip_prefix_masked(&p);
	assert_int_equal(wg_allowedips_insert(t, &p, peer), 0);
	list[listed++] = (struct naive){ p, peer };
}

/* The numbers below `n` in any order. */
static void shuffled(uint8_t *ret, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t at = random_u32() % (i + 1);
		uint8_t there;

		ret[i] = (uint8_t)i;
		there = ret[at];
		ret[at] = ret[i];
		ret[i] = there;
	}
}

/* All prefixes of one address, nested: no two lengths are confused, in any order of insertion and
 * removal. */
static void test_every_length(void **state)
{
	static const char *const addrs[] = { "10.97.255.3", "fd00:1:8000:ffff:5555:0:1:ff01" };
	struct wg_allowedips t = begin(33 + 129);

	for (int round = 0; round < 30; round++) {
		listed = 0;
		for (size_t f = 0; f < ARRAY_LEN(addrs); f++) {
			struct ip_prefix p = { .addr = addr(addrs[f]) };
			uint8_t lens[129];
			size_t n = ip_addr_bits(&p.addr) + 1;

			shuffled(lens, n);
			for (size_t i = 0; i < n; i++) {
				p.len = lens[i];
				add_listed(&t, p, &peers[i % PEERS]);
				check_lookups(&t, 5);
			}
		}
		check_lookups(&t, 200);
		check_listing(&t);
		while (listed) {
			struct naive *n = &list[random_u32() % listed];

			assert_int_equal(wg_allowedips_remove(&t, &n->prefix, n->peer), 0);
			*n = list[--listed];
			check_lookups(&t, 5);
		}
		check_empty(&t);
	}
}

/* As many IPv4 hosts as there is room for, added and removed in any order: each is found across
 * the gaps that others leave in the hash, and a prefix above them where there is none. */
static void test_hosts(void **state)
{
	enum {
		ROOM = 84,
		HOSTS = ROOM - 1
	};
	struct wg_allowedips t = begin(ROOM);
	struct ip_prefix above = prefix("10.0.0.0/24");

	listed = 0;
	add_listed(&t, above, &peers[0]);
	for (int i = 0; i < 20000; i++) {
		struct ip_prefix p = { .len = 32 };
		struct wg_peer *peer = &peers[random_u32() % PEERS];
		struct naive *n;

		p.addr = ip_addr_v4((uint8_t[]){ 10, 0, 0, (uint8_t)random_u32() });
		n = naive_find(&p);
		if (n) {
			assert_int_equal(wg_allowedips_remove(&t, &p, n->peer), 0);
			*n = list[--listed];
		} else if (listed <= HOSTS) {
			add_listed(&t, p, peer);
		}
		if (i % 1000 == 0)
			move(&t, ROOM);
		assert_ptr_equal(wg_allowedips_lookup(&t, &p.addr), naive_lookup(&p.addr));
		check_lookups(&t, 4);
	}
	check_listing(&t);
	check_empty(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_longest_prefix, end),
		cmocka_unit_test_teardown(test_refused, end),
		cmocka_unit_test_teardown(test_full_and_moved, end),
		cmocka_unit_test_teardown(test_listing, end),
		cmocka_unit_test_teardown(test_against_naive, end),
		cmocka_unit_test_teardown(test_every_length, end),
		cmocka_unit_test_teardown(test_hosts, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
