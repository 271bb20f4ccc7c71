/* SPDX-License-Identifier: MIT */
/* The Poly1305 tag of an AEAD by AVX2.
 *
 * Theory of operation. Poly1305 evaluates a polynomial modulo p = 2^130 - 5, whose coefficients are
 * blocks of 16 bytes with bit 128 set, at the point r: h = (h + block) * r for each block. Numbers
 * have three words of 64 bits, w2 with only a few bits; what exceeds 2^130 is added 5 times at the
 * other end. As the lowest two bits of r1 are zero, r1 * 2^64 times w1 * 2^64 is (r1 / 4 * 5) * w1.
 *
 * Long texts are processed in groups of four blocks: each lane of the vectors has every fourth
 * block, and is multiplied by r^4. At the end the lanes are multiplied by r^4, r^3, r^2 and r and
 * added. There, numbers have five limbs of 26 bits, so that a product of two limbs leaves room for
 * sums. No address and no branch depends on the key or the text.
 */
#include "crypto/poly1305_avx2.h"

#include <immintrin.h>

#include "base/bytes.h"
#include "base/secret.h"

#define AVX2	    __attribute__((target("avx2,bmi2")))
#define AVX2_INLINE inline AVX2 __attribute__((always_inline))

/* So that an array is in registers. */
#define UNROLL _Pragma("GCC unroll 16")

#define BLOCK	   16
#define GROUP	   ((size_t)4 * BLOCK)
#define GROUPS_MIN 4 /* below, preparing the powers costs more than it saves */
#define LIMBS	   5
#define LIMB_BITS  26
#define LIMB_MASK  ((UINT64_C(1) << LIMB_BITS) - 1)

__extension__ typedef unsigned __int128 uint128;

/* A number below 2^131. */
struct number {
	uint64_t w0, w1, w2;
};

struct poly {
	struct number h;
	uint64_t r0, r1;
};

/* Return: a + b. */
static AVX2_INLINE struct number add(struct number a, struct number b)
{
	unsigned long long w0, w1, w2;
	unsigned char c = _addcarry_u64(0, a.w0, b.w0, &w0);

	c = _addcarry_u64(c, a.w1, b.w1, &w1);
	(void)_addcarry_u64(c, a.w2, b.w2, &w2);
	return (struct number){ w0, w1, w2 };
}

/* Return: a * r modulo p, not fully reduced: w2 is at most 4. That of `a` is at most 6. */
static AVX2_INLINE struct number times_r(const struct poly *p, struct number a)
{
	uint64_t s1 = p->r1 + (p->r1 >> 2);
	uint128 d0 = (uint128)a.w0 * p->r0 + (uint128)a.w1 * s1;
	uint128 d1 =
		(uint128)a.w0 * p->r1 + (uint128)a.w1 * p->r0 + a.w2 * s1 + (uint64_t)(d0 >> 64);
	uint64_t d2 = a.w2 * p->r0 + (uint64_t)(d1 >> 64);
	struct number rest = { (uint64_t)d0, (uint64_t)d1, d2 & 3 };

	return add(rest, (struct number){ .w0 = (d2 >> 2) + (d2 & ~UINT64_C(3)) });
}

/* Add a block of two words of 64 bits, with bit 128 set. */
static AVX2_INLINE void add_block(struct poly *p, uint64_t low, uint64_t high)
{
	p->h = times_r(p, add(p->h, (struct number){ low, high, 1 }));
}

/* Add a text whose last block is padded with zeros. */
static AVX2 void add_text(struct poly *p, const uint8_t *text, size_t len)
{
	struct poly local = *p; /* in registers */
	uint8_t last[BLOCK] = { 0 };

	for (; len >= BLOCK; len -= BLOCK, text += BLOCK)
		add_block(&local, load_le64(text), load_le64(text + 8));
	if (len) {
		memcpy(last, text, len);
		add_block(&local, load_le64(last), load_le64(last + 8));
	}
	p->h = local.h;
}

/* Limbs of four numbers, one in each lane, below 2^32. */
struct lanes {
	__m256i limb[LIMBS];
};

/* A factor: limbs, and 5 times all but the first, for products that exceed 2^130. */
struct factor {
	struct lanes r, r5;
};

static AVX2_INLINE void to_limbs(struct number a, uint64_t ret[static LIMBS])
{
	ret[0] = a.w0 & LIMB_MASK;
	ret[1] = (a.w0 >> 26) & LIMB_MASK;
	ret[2] = (a.w0 >> 52 | a.w1 << 12) & LIMB_MASK;
	ret[3] = (a.w1 >> 14) & LIMB_MASK;
	ret[4] = a.w1 >> 40 | a.w2 << 24;
}

static AVX2_INLINE __m256i times5(__m256i a)
{
	return _mm256_add_epi64(a, _mm256_slli_epi64(a, 2));
}

/* Load a group as limbs, bit 128 set. The lanes have the blocks 0, 2, 1 and 3. */
static AVX2_INLINE struct lanes load_group(const uint8_t *text)
{
	const __m256i mask = _mm256_set1_epi64x(LIMB_MASK);
	__m256i a = _mm256_loadu_si256((const __m256i *)(const void *)text);
	__m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(text + 32));
	__m256i low = _mm256_unpacklo_epi64(a, b), high = _mm256_unpackhi_epi64(a, b);

	return (struct lanes){ {
		_mm256_and_si256(low, mask),
		_mm256_and_si256(_mm256_srli_epi64(low, 26), mask),
		_mm256_and_si256(
			_mm256_or_si256(_mm256_srli_epi64(low, 52), _mm256_slli_epi64(high, 12)),
			mask),
		_mm256_and_si256(_mm256_srli_epi64(high, 14), mask),
		_mm256_or_si256(_mm256_srli_epi64(high, 40), _mm256_set1_epi64x(1 << 24)),
	} };
}

/* Move what exceeds a limb to the next one. Limbs are below 2^60 before, and below 2^27 then. */
static AVX2_INLINE void carry(struct lanes *a)
{
	const __m256i mask = _mm256_set1_epi64x(LIMB_MASK);

	UNROLL
	for (int i = 0; i < LIMBS; i++) {
		__m256i over = _mm256_srli_epi64(a->limb[i], LIMB_BITS);
		int next = i + 1 < LIMBS ? i + 1 : 0;

		a->limb[i] = _mm256_and_si256(a->limb[i], mask);
		a->limb[next] = _mm256_add_epi64(a->limb[next], next ? over : times5(over));
	}
	a->limb[1] = _mm256_add_epi64(a->limb[1], _mm256_srli_epi64(a->limb[0], LIMB_BITS));
	a->limb[0] = _mm256_and_si256(a->limb[0], mask);
}

/* Return: sum + a * f, in limbs below 2^60. */
static AVX2_INLINE struct lanes multiply_add(
	struct lanes sum, const struct lanes *a, const struct factor *f)
{
	UNROLL
	for (int i = 0; i < LIMBS; i++) {
		UNROLL
		for (int k = 0; k < LIMBS; k++) {
			__m256i by = k <= i ? f->r.limb[i - k] : f->r5.limb[LIMBS + i - k];
			__m256i product = _mm256_mul_epu32(a->limb[k], by);

			sum.limb[i] = _mm256_add_epi64(sum.limb[i], product);
			/* Fewer registers are needed if the order of the sums stays. */
			__asm__("" : "+x"(sum.limb[i]));
		}
	}
	return sum;
}

static AVX2_INLINE uint64_t sum_of_lanes(__m256i a)
{
	__m128i two = _mm_add_epi64(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));

	return (uint64_t)_mm_extract_epi64(two, 0) + (uint64_t)_mm_extract_epi64(two, 1);
}

/* The sum of the lanes, whose limbs are below 2^27. */
static AVX2_INLINE struct number to_number(const struct lanes *a)
{
	uint128 low = sum_of_lanes(a->limb[0]) + ((uint128)sum_of_lanes(a->limb[1]) << 26) +
		      ((uint128)sum_of_lanes(a->limb[2]) << 52);
	uint128 high = (low >> 64) + ((uint128)sum_of_lanes(a->limb[3]) << 14) +
		       ((uint128)sum_of_lanes(a->limb[4]) << 40);
	uint64_t above = (uint64_t)(high >> 64); /* more than w2 may have */
	struct number rest = { (uint64_t)low, (uint64_t)high, above & 3 };

	return add(rest, (struct number){ .w0 = 5 * (above >> 2) });
}

/* Add a text of whole groups, at least one. */
static AVX2 void add_groups(struct poly *p, const uint8_t *text, size_t len)
{
	struct number power = { p->r0, p->r1, 0 };
	uint64_t powers[4][LIMBS], start[LIMBS];
	struct factor r4, last;
	struct lanes h;

	UNROLL
	for (int i = 0; i < 4; i++) {
		to_limbs(power, powers[i]);
		power = times_r(p, power);
	}
	UNROLL
	for (int i = 0; i < LIMBS; i++) {
		r4.r.limb[i] = _mm256_set1_epi64x((long long)powers[3][i]);
		last.r.limb[i] = _mm256_setr_epi64x((long long)powers[3][i],
			(long long)powers[1][i], (long long)powers[2][i], (long long)powers[0][i]);
		r4.r5.limb[i] = times5(r4.r.limb[i]);
		last.r5.limb[i] = times5(last.r.limb[i]);
	}
	to_limbs(p->h, start);
	h = load_group(text);
	UNROLL
	for (int i = 0; i < LIMBS; i++)
		h.limb[i] = _mm256_add_epi64(
			h.limb[i], _mm256_setr_epi64x((long long)start[i], 0, 0, 0));
	for (size_t at = GROUP; at < len; at += GROUP) {
		h = multiply_add(load_group(text + at), &h, &r4);
		carry(&h);
	}
	h = multiply_add((struct lanes){ 0 }, &h, &last);
	carry(&h);
	p->h = to_number(&h);
	secret_wipe(powers, sizeof(powers));
	secret_wipe(&r4, sizeof(r4));
	secret_wipe(&last, sizeof(last));
}

/* The tag: h modulo p, plus the second half of the key modulo 2^128. */
static AVX2_INLINE void store_tag(
	const struct poly *p, const uint8_t s[static 16], uint8_t ret_tag[static 16])
{
	struct number over = add(p->h, (struct number){ .w0 = 5 }); /* h - p + 2^130 */
	uint64_t mask = -(over.w2 >> 2 & 1);			    /* h is not below p */
	struct number h = {
		.w0 = (p->h.w0 & ~mask) | (over.w0 & mask),
		.w1 = (p->h.w1 & ~mask) | (over.w1 & mask),
	};

	h = add(h, (struct number){ load_le64(s), load_le64(s + 8), 0 });
	store_le64(ret_tag, h.w0);
	store_le64(ret_tag + 8, h.w1);
}

AVX2 void poly1305_avx2(const uint8_t key[static 32], const uint8_t *aad, size_t aad_len,
	const uint8_t *text, size_t len, uint8_t ret_tag[static 16])
{
	struct poly p = {
		.r0 = load_le64(key) & UINT64_C(0x0ffffffc0fffffff),
		.r1 = load_le64(key + 8) & UINT64_C(0x0ffffffc0ffffffc),
	};
	size_t in_groups = len < GROUPS_MIN * GROUP ? 0 : len - len % GROUP;

	add_text(&p, aad, aad_len);
	if (in_groups)
		add_groups(&p, text, in_groups);
	add_text(&p, text + in_groups, len - in_groups);
	add_block(&p, aad_len, len);
	store_tag(&p, key + 16, ret_tag);
	secret_wipe(&p, sizeof(p));
}
