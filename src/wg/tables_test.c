/* SPDX-License-Identifier: MIT */
/* Tests of the small tables: receiver indices, rate limiter, load meter. */
#include "wg/indextable.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "wg/handshake_load.h"
#include "wg/ratelimit.h"

static uint64_t seed;

static uint32_t random_u32(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(seed >> 33);
}

/* Random bytes, of which only `*ctx` bits differ: indices then collide all the time. */
static void fill(void *ctx, uint8_t *out, size_t len)
{
	uint32_t mask = *(uint32_t *)ctx;

	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(random_u32() & (mask >> 8 * (i % 4)));
}

static struct wg_peer *fake_peer(size_t i)
{
	static char peers[64];

	return (struct wg_peer *)(void *)&peers[i];
}

#define SLOTS 64

/* Against a plain array, with indices that collide often. */
static void index_rounds(uint32_t mask)
{
	struct wg_index_entry slots[SLOTS], larger[2 * SLOTS];
	struct wg_indextable t;
	struct rng rng = { fill, &mask };
	uint32_t in[SLOTS];
	size_t n = 0;

	wg_indextable_init(&t, slots, SLOTS);
	for (int step = 0; step < 20000; step++) {
		if (n < 30 && random_u32() % 2) {
			assert_int_equal(
				wg_indextable_add(&t, &rng, fake_peer(n), NULL, &in[n]), 0);
			n++;
		} else if (n) {
			size_t gone = random_u32() % n;

			wg_indextable_remove(&t, in[gone]);
			assert_null(wg_indextable_find(&t, in[gone]));
			wg_indextable_remove(&t, in[gone]);
			n--;
			if (gone != n) {
				wg_indextable_find(&t, in[n])->peer = fake_peer(gone);
				in[gone] = in[n];
			}
		}
		assert_int_equal(t.len, n);
		for (size_t i = 0; i < n; i++) {
			const struct wg_index_entry *e = wg_indextable_find(&t, in[i]);

			assert_non_null(e);
			assert_int_equal(e->index, in[i]);
			assert_ptr_equal(e->peer, fake_peer(i));
		}
	}
	wg_indextable_move(&t, larger, 2 * SLOTS);
	memset(slots, 0, sizeof(slots));
	for (size_t i = 0; i < n; i++)
		assert_ptr_equal(wg_indextable_find(&t, in[i])->peer, fake_peer(i));
}

static void test_indices(void **state)
{
	index_rounds(0xffffffff);
	index_rounds(0x8000003f);
	index_rounds(0xffff0003);
}

static void test_indices_full(void **state)
{
	struct wg_index_entry slots[16];
	struct wg_indextable t;
	uint32_t mask = 0xffffffff, index;
	struct rng rng = { fill, &mask };

	wg_indextable_init(&t, slots, 16);
	for (size_t i = 0; i < 12; i++)
		assert_int_equal(wg_indextable_add(&t, &rng, fake_peer(i), NULL, &index), 0);
	assert_int_equal(wg_indextable_add(&t, &rng, fake_peer(0), NULL, &index), -ENOSPC);
	assert_int_equal(t.len, 12);
}

static struct mono at_ms(uint64_t ms)
{
	return (struct mono){ 1000 * NS_PER_S + ms * NS_PER_MS };
}

static struct ip_addr source(const char *text)
{
	struct ip_addr a;

	assert_int_equal(ip_addr_parse(text, &a), 0);
	return a;
}

/** A limiter with its memory. */
struct limiter {
	struct blake2s blake2s;
	struct wg_ratelimit_entry slots[16];
	struct wg_ratelimit r;
};

static void limiter_init(struct limiter *l)
{
	static uint32_t mask = 0xffffffff;
	struct rng rng = { fill, &mask };

	assert_int_equal(blake2s_init(&l->blake2s), 0);
	wg_ratelimit_init(&l->r, l->slots, ARRAY_LEN(l->slots), &rng);
}

static bool allow(struct limiter *l, const char *text, uint64_t ms)
{
	struct ip_addr a = source(text);
	bool recent;

	return wg_ratelimit_allow(&l->blake2s, &l->r, &a, at_ms(ms), &recent);
}

static bool is_recent_peer(struct limiter *l, const char *text, uint64_t ms)
{
	struct ip_addr a = source(text);
	bool recent;

	(void)wg_ratelimit_allow(&l->blake2s, &l->r, &a, at_ms(ms), &recent);
	return recent;
}

static bool cookie(struct limiter *l, const char *text, uint64_t ms)
{
	struct ip_addr a = source(text);

	return wg_ratelimit_cookie(&l->blake2s, &l->r, &a, at_ms(ms));
}

static void vouch(struct limiter *l, const char *text, uint64_t ms)
{
	struct ip_addr a = source(text);

	wg_ratelimit_authenticated(&l->blake2s, &l->r, &a, at_ms(ms));
}

/* A burst of 5, then one every 50 ms; sources are counted separately. */
static void test_rate(void **state)
{
	static const struct {
		const char *source;
		uint64_t ms;
		bool allowed;
	} steps[] = {
		{ "192.0.2.1", 0, true },
		{ "192.0.2.1", 0, true },
		{ "192.0.2.1", 0, true },
		{ "192.0.2.1", 0, true },
		{ "192.0.2.1", 0, true },
		{ "192.0.2.1", 0, false },
		{ "192.0.2.2", 0, true },
		{ "192.0.2.1", 49, false },
		{ "192.0.2.1", 50, true },
		{ "192.0.2.1", 50, false },
		{ "192.0.2.1", 150, true },
		{ "192.0.2.1", 150, true },
		{ "192.0.2.1", 150, false },
		{ "2001:db8::1", 150, true },
		{ "2001:db8::2", 150, true }, /* the same /64 */
		{ "2001:db8::ffff:0:0:1", 150, true },
		{ "2001:db8::4", 150, true },
		{ "2001:db8::5", 150, true },
		{ "2001:db8::6", 150, false },
		{ "2001:db8:0:1::1", 150, true }, /* another */
		{ "32.1.13.184", 150, true },	  /* the same bytes, another family */
		{ "192.0.2.1", 5000, true },
		{ "192.0.2.1", 5000, true },
		{ "192.0.2.1", 5000, true },
		{ "192.0.2.1", 5000, true },
		{ "192.0.2.1", 5000, true },
		{ "192.0.2.1", 5000, false },
	};
	struct limiter l;

	limiter_init(&l);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		if (allow(&l, steps[i].source, steps[i].ms) != steps[i].allowed)
			fail_msg("step %zu: %s", i, steps[i].source);
	blake2s_fini(&l.blake2s);
}

/* More sources than slots: new sources are refused, existing ones keep their rate, and this state
 * ends. */
static void test_rate_full(void **state)
{
	struct limiter l;
	unsigned allowed = 0;
	char text[32];

	limiter_init(&l);
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "10.0.%u.%u", i / 256, i % 256);
		allowed += allow(&l, text, 0);
	}
	assert_int_equal(allowed, ARRAY_LEN(l.slots));
	assert_true(allow(&l, "192.0.2.9", 250));
	blake2s_fini(&l.blake2s);
}

/* An address from which a peer has authenticated is remembered for ten minutes, and unknown
 * sources do not evict it; it gets a cookie now and then, and no more handshakes than others. */
static void test_recent(void **state)
{
	struct limiter l;
	char text[32];

	limiter_init(&l);
	assert_false(is_recent_peer(&l, "192.0.2.1", 0));
	assert_false(cookie(&l, "192.0.2.1", 0));
	vouch(&l, "192.0.2.1", 1000);
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(text, sizeof(text), "10.0.%u.%u", i / 256, i % 256);
		(void)allow(&l, text, 1000 + i);
		assert_false(cookie(&l, text, 1000 + i));
	}
	assert_true(is_recent_peer(&l, "192.0.2.1", 21000));
	assert_false(is_recent_peer(&l, "192.0.2.2", 21000));
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(allow(&l, "192.0.2.1", 21000), i < WG_RATELIMIT_BURST - 1);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(cookie(&l, "192.0.2.1", 21000), i < WG_RECENT_COOKIES);
	assert_true(cookie(&l, "192.0.2.1", 21500));
	assert_false(cookie(&l, "192.0.2.1", 21500));
	assert_true(is_recent_peer(&l, "192.0.2.1", 600999));
	assert_false(is_recent_peer(&l, "192.0.2.1", 601000));
	assert_false(cookie(&l, "192.0.2.1", 601000));
	blake2s_fini(&l.blake2s);
}

/* Authentication counts for an IPv6 host's whole /64; and many authenticated sources leave room
 * for unknown ones. */
static void test_recent_many(void **state)
{
	struct limiter l;
	char text[32];
	unsigned allowed = 0, stored = 0;

	limiter_init(&l);
	vouch(&l, "2001:db8::1", 0);
	assert_true(is_recent_peer(&l, "2001:db8::2", 0));
	assert_false(is_recent_peer(&l, "2001:db8:0:1::1", 0));
	for (unsigned i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "10.0.0.%u", i);
		vouch(&l, text, 0);
	}
	for (unsigned i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), "10.0.1.%u", i);
		allowed += allow(&l, text, 1000 + 50 * i);
	}
	assert_int_equal(allowed, 200);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "10.0.0.%u", i);
		stored += cookie(&l, text, 20000);
	}
	assert_in_range(stored, ARRAY_LEN(l.slots) / 2, ARRAY_LEN(l.slots) - 1);
	blake2s_fini(&l.blake2s);
}

/* No source gets more than its burst and rate, whatever the times. */
static void test_rate_bound(void **state)
{
	struct limiter l;
	uint64_t ms = 0;
	unsigned allowed = 0;

	limiter_init(&l);
	while (ms < 20000) {
		allowed += allow(&l, "192.0.2.1", ms);
		ms += random_u32() % 20;
	}
	assert_in_range(allowed, 20000 / 50, 20000 / 50 + 5);
	blake2s_fini(&l.blake2s);
}

/* `n` handshakes from as many sources. Return: whether the last source needs a cookie. */
static bool note_many(struct wg_handshake_load *l, unsigned n, uint64_t ms)
{
	static uint32_t next;
	bool loaded = false;

	while (n--) {
		struct ip_addr a = ip_addr_v4((uint8_t[4]){ 10 });

		store_be32(a.bytes, 10U << 24 | ++next);
		loaded = wg_handshake_load_add(l, &a, at_ms(ms));
	}
	return loaded;
}

static void load_init(struct wg_handshake_load *l)
{
	static uint32_t mask = 0xffffffff;

	wg_load_init(l, &(struct rng){ fill, &mask });
}

/* The load state: a burst passes, more does not, and the state lasts for a second. */
static void test_load(void **state)
{
	static const struct {
		uint64_t ms;
		unsigned n;
		bool loaded;
	} steps[] = {
		{ 0, WG_LOAD_BURST, false },
		{ 0, 1, true },
		{ 999, 1, true },
		{ 1000, WG_LOAD_BURST - 2, false },
		{ 2000, WG_LOAD_BURST, false },
		{ 2000, 5, true },
		{ 2900, 300, true }, /* again: a second from here */
		{ 3899, 1, true },
		{ 3900, 1, false },
	};
	struct wg_handshake_load l;

	load_init(&l);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		if (note_many(&l, steps[i].n, steps[i].ms) != steps[i].loaded)
			fail_msg("step %zu", i);
	/* A sustained flood keeps the state; a sustained trickle does not start it. */
	for (uint64_t ms = 10000; ms < 20000; ms++)
		assert_true(note_many(&l, 10, ms) || ms < 10050);
	for (uint64_t ms = 30000; ms < 40000; ms += 5)
		assert_false(note_many(&l, 1, ms));
}

/* One source sends as much as it can: it needs a cookie, others do not. */
static void test_load_of_one(void **state)
{
	const struct ip_addr greedy = source("192.0.2.1"), other = source("192.0.2.2");
	struct wg_handshake_load l;
	unsigned taken = 0;

	load_init(&l);
	for (uint64_t ms = 0; ms < 10000; ms++) {
		for (unsigned i = 0; i < 20; i++)
			taken += !wg_handshake_load_add(&l, &greedy, at_ms(ms));
		if (ms % 100 == 0)
			assert_false(wg_handshake_load_add(&l, &other, at_ms(ms)));
	}
	assert_in_range(taken, 10 * WG_LOAD_PER_S * 3 / 4, 11 * WG_LOAD_PER_S);
	/* IPv6 addresses of one network are one source */
	for (uint64_t ms = 20000; ms < 21000; ms++) {
		struct ip_addr a = source("2001:db8::");

		store_be64(a.bytes + 8, ms);
		for (unsigned i = 0; i < 20; i++)
			(void)wg_handshake_load_add(&l, &a, at_ms(ms));
		if (ms % 100 == 0)
			assert_false(wg_handshake_load_add(&l, &other, at_ms(ms)));
	}
}

/* Many clients behind one address that connect at once do not all need cookies. */
static void test_load_of_a_nat(void **state)
{
	const struct ip_addr nat = source("192.0.2.1");
	struct wg_handshake_load l;
	unsigned taken = 0;

	load_init(&l);
	for (unsigned i = 0; i < WG_LOAD_BURST; i++)
		taken += !wg_handshake_load_add(&l, &nat, at_ms(0));
	assert_in_range(taken, WG_LOAD_BURST / 2, WG_LOAD_BURST / 2 + WG_LOAD_SOURCE_BURST);
	for (unsigned i = 0; i < 128; i++)
		assert_false(wg_handshake_load_add(&l, &nat, at_ms(1000 + i * 8)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_indices),
		cmocka_unit_test(test_indices_full),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_rate_full),
		cmocka_unit_test(test_recent),
		cmocka_unit_test(test_recent_many),
		cmocka_unit_test(test_rate_bound),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_load_of_one),
		cmocka_unit_test(test_load_of_a_nat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
