/* SPDX-License-Identifier: MIT */
/* A reassembler with several owners and fragments to feed it: for tests. */
#pragma once

#include "l2tp/reassembly.h"

#include "base/bytes.h"
#include "pkt/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define SLOTS  8
#define OWNERS 40

struct fixture {
	struct reassembly r;
	struct reassembly_owner owners[OWNERS]; /* the first one's are used by default */
	void *memory;
	void *more;
	struct drop_counters drops;
	struct mono now;
	struct fragment_origin from;
	uint64_t counters[OWNERS]; /* of the datagrams of owners other than the first */
};

static inline void random_fill(void *ctx, uint8_t *out, size_t len)
{
	(void)ctx;
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)rand();
}

static inline struct fixture *setup_slots(unsigned slots)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct rng rng = { random_fill, NULL };

	assert_non_null(f);
	f->memory = malloc(reassembly_memory(0, slots));
	assert_non_null(f->memory);
	reassembly_init(&f->r, &f->drops, &rng);
	reassembly_add_slots(&f->r, f->memory, slots);
	for (size_t i = 0; i < OWNERS; i++)
		reassembly_owner_init(&f->owners[i]);
	f->now.ns = NS_PER_S;
	f->from.key = 1;
	return f;
}

static inline struct fixture *setup(void)
{
	return setup_slots(SLOTS);
}

static inline void teardown(struct fixture *f)
{
	free(f->memory);
	free(f->more);
	free(f);
}

/* Every fragment is in exactly one place. */
static inline void check_conservation(const struct fixture *f)
{
	uint64_t dropped = 0;
	unsigned taken = f->r.n_done;

	for (unsigned d = 0; d < DROP_COUNT; d++)
		dropped += f->drops.n[d];
	assert_int_equal(
		f->r.fragments, f->r.joined + f->r.duplicates + f->r.passed + f->r.held + dropped);
	for (size_t i = 0; i < OWNERS; i++)
		taken += f->owners[i].share.held;
	assert_true(taken <= f->r.pool.size);
}

/* A fragment of one owner's. What is not a whole IP packet is not given to the reassembler. */
static inline enum reassembly_verdict add_of(
	struct fixture *f, unsigned owner, const uint8_t *p, size_t len, struct reassembled *ret)
{
	/* a block of the exact size, so that the sanitiser sees every byte too far */
	uint8_t *copy = malloc(len ? len : 1);
	struct fragment_origin from = { f->from.key + owner };
	enum reassembly_verdict v = REASSEMBLY_DROPPED;
	struct ip_header ip;

	memcpy(copy, p, len);
	from.counter = owner ? ++f->counters[owner] : ++f->from.counter;
	if (ip_header_parse(copy, len, &ip) == 0)
		v = reassembly_add(&f->r, &f->owners[owner], copy, &ip, false, from, f->now, ret);
	free(copy);
	check_conservation(f);
	return v;
}

static inline enum reassembly_verdict add(
	struct fixture *f, const uint8_t *p, size_t len, struct reassembled *ret)
{
	return add_of(f, 0, p, len, ret);
}

/* An IPv4 fragment of UDP with bytes [at, at + n) of a payload in which byte k is k * 7 + k / 256 +
 * salt. Return: its length. */
static inline size_t piece4(uint8_t *p, uint16_t id, size_t at, size_t n, bool more, uint8_t salt)
{
	memset(p, 0, 20);
	p[0] = 0x45;
	store_be16(p + 2, (uint16_t)(20 + n));
	store_be16(p + 4, id);
	store_be16(p + 6, (uint16_t)((more ? 0x2000 : 0) | at / 8));
	p[8] = 64;
	p[9] = 17;
	memcpy(p + 12, "\x0a\0\1\x0b\x0a\0\1\x15", 8);
	checksum_store(p + 10, checksum_add(0, p, 20));
	for (size_t i = 0; i < n; i++)
		p[20 + i] = (uint8_t)((at + i) * 7 + (at + i) / 256 + salt);
	return 20 + n;
}

static inline enum reassembly_verdict add4_of(struct fixture *f, unsigned owner, uint16_t id,
	size_t at, size_t n, bool more, uint8_t salt, struct reassembled *ret)
{
	static uint8_t p[65535];

	return add_of(f, owner, p, piece4(p, id, at, n, more, salt), ret);
}

static inline enum reassembly_verdict add4(struct fixture *f, uint16_t id, size_t at, size_t n,
	bool more, uint8_t salt, struct reassembled *ret)
{
	return add4_of(f, 0, id, at, n, more, salt, ret);
}

static inline void check_packet4(const struct reassembled *got, size_t payload)
{
	uint8_t *whole = malloc(20 + payload);

	piece4(whole, 0, 0, payload, false, 0);
	assert_int_equal(got->len, 20 + payload);
	assert_true(checksum_ok(checksum_add(0, got->packet, 20)));
	assert_int_equal(load_be16(got->packet + 2), got->len);
	assert_int_equal(load_be16(got->packet + 6), 0);
	assert_memory_equal(got->packet + 8, whole + 8, 2);
	assert_memory_equal(got->packet + 12, whole + 12, 8 + payload);
	free(whole);
}
