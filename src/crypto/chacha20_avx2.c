/* SPDX-License-Identifier: MIT */
/* The keystream of ChaCha20 by AVX2.
 *
 * Theory of operation. The state of a block is a matrix of 4 × 4 words. For 8 blocks, a register
 * has the same word of each block, so a quarter round needs no exchange of words, and the matrices
 * are transposed at the end. For up to 4 blocks, a register has the same row of two blocks, whose
 * words are rotated between column and diagonal rounds: half the work of 8 blocks. No address and
 * no branch depends on the key.
 */
#include "crypto/chacha20_avx2.h"

#include <immintrin.h>

#include "base/bytes.h"

#define AVX2 __attribute__((target("avx2")))

/* Inlined so that what the pointers lead to stays in registers. */
#define AVX2_INLINE inline AVX2 __attribute__((always_inline))

/* So that an array is in registers. */
#define UNROLL _Pragma("GCC unroll 16")

#define DOUBLE_ROUNDS 10

#define FOUR ((size_t)4 * CHACHA20_BLOCK)

static const uint32_t constants[4] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };

static AVX2_INLINE void add_xor_rotate(__m256i *sum, __m256i b, __m256i *d, int bits)
{
	__m256i x;

	*sum = _mm256_add_epi32(*sum, b);
	x = _mm256_xor_si256(*d, *sum);
	*d = _mm256_or_si256(_mm256_slli_epi32(x, bits), _mm256_srli_epi32(x, 32 - bits));
}

/* Rotations by whole bytes are a single instruction. */
static AVX2_INLINE void add_xor_shuffle(__m256i *sum, __m256i b, __m256i *d, __m256i shuffle)
{
	*sum = _mm256_add_epi32(*sum, b);
	*d = _mm256_shuffle_epi8(_mm256_xor_si256(*d, *sum), shuffle);
}

/* Source: RFC 8439 §2.1. */
static AVX2_INLINE void quarter_round(__m256i *a, __m256i *b, __m256i *c, __m256i *d)
{
	const __m256i by16 = _mm256_setr_epi8(2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13,
		2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
	const __m256i by8 = _mm256_setr_epi8(3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14,
		3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14);

	add_xor_shuffle(a, *b, d, by16);
	add_xor_rotate(c, *d, b, 12);
	add_xor_shuffle(a, *b, d, by8);
	add_xor_rotate(c, *d, b, 7);
}

/* Transpose 8 × 8 words and store them: row i at `ret + i * CHACHA20_BLOCK`. */
static AVX2_INLINE void store_transposed(const __m256i v[static 8], uint8_t *ret)
{
	__m256i pairs[8], fours[8];

	UNROLL
	for (int i = 0; i < 8; i += 2) {
		pairs[i] = _mm256_unpacklo_epi32(v[i], v[i + 1]);
		pairs[i + 1] = _mm256_unpackhi_epi32(v[i], v[i + 1]);
	}
	UNROLL
	for (int i = 0; i < 8; i += 4) {
		UNROLL
		for (int k = 0; k < 2; k++) {
			fours[i + 2 * k] = _mm256_unpacklo_epi64(pairs[i + k], pairs[i + k + 2]);
			fours[i + 2 * k + 1] =
				_mm256_unpackhi_epi64(pairs[i + k], pairs[i + k + 2]);
		}
	}
	UNROLL
	for (int i = 0; i < 4; i++) {
		_mm256_store_si256((__m256i *)(void *)(ret + i * CHACHA20_BLOCK),
			_mm256_permute2x128_si256(fours[i], fours[i + 4], 0x20));
		_mm256_store_si256((__m256i *)(void *)(ret + (i + 4) * CHACHA20_BLOCK),
			_mm256_permute2x128_si256(fours[i], fours[i + 4], 0x31));
	}
}

static AVX2 void eight_blocks(const uint32_t state[static 16], uint8_t *ret)
{
	const __m256i blocks = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
	__m256i v[16];

	UNROLL
	for (int i = 0; i < 16; i++)
		v[i] = _mm256_set1_epi32((int)state[i]);
	v[12] = _mm256_add_epi32(v[12], blocks);
	for (int round = 0; round < DOUBLE_ROUNDS; round++) {
		quarter_round(&v[0], &v[4], &v[8], &v[12]);
		quarter_round(&v[1], &v[5], &v[9], &v[13]);
		quarter_round(&v[2], &v[6], &v[10], &v[14]);
		quarter_round(&v[3], &v[7], &v[11], &v[15]);
		quarter_round(&v[0], &v[5], &v[10], &v[15]);
		quarter_round(&v[1], &v[6], &v[11], &v[12]);
		quarter_round(&v[2], &v[7], &v[8], &v[13]);
		quarter_round(&v[3], &v[4], &v[9], &v[14]);
	}
	UNROLL
	for (int i = 0; i < 16; i++)
		v[i] = _mm256_add_epi32(v[i], _mm256_set1_epi32((int)state[i]));
	v[12] = _mm256_add_epi32(v[12], blocks);
	store_transposed(v, ret);
	store_transposed(v + 8, ret + CHACHA20_BLOCK / 2);
}

/* The rows of two blocks. */
struct rows {
	__m256i a, b, c, d;
};

/* Rotate the words of three rows, so that diagonals become columns. */
static AVX2_INLINE void to_diagonals(struct rows *r)
{
	r->b = _mm256_shuffle_epi32(r->b, _MM_SHUFFLE(0, 3, 2, 1));
	r->c = _mm256_shuffle_epi32(r->c, _MM_SHUFFLE(1, 0, 3, 2));
	r->d = _mm256_shuffle_epi32(r->d, _MM_SHUFFLE(2, 1, 0, 3));
}

static AVX2_INLINE void to_columns(struct rows *r)
{
	r->b = _mm256_shuffle_epi32(r->b, _MM_SHUFFLE(2, 1, 0, 3));
	r->c = _mm256_shuffle_epi32(r->c, _MM_SHUFFLE(1, 0, 3, 2));
	r->d = _mm256_shuffle_epi32(r->d, _MM_SHUFFLE(0, 3, 2, 1));
}

static AVX2_INLINE void store_two(const struct rows *r, const struct rows *start, uint8_t *ret)
{
	__m256i a = _mm256_add_epi32(r->a, start->a), b = _mm256_add_epi32(r->b, start->b);
	__m256i c = _mm256_add_epi32(r->c, start->c), d = _mm256_add_epi32(r->d, start->d);
	__m256i *to = (__m256i *)(void *)ret;

	_mm256_store_si256(to, _mm256_permute2x128_si256(a, b, 0x20));
	_mm256_store_si256(to + 1, _mm256_permute2x128_si256(c, d, 0x20));
	_mm256_store_si256(to + 2, _mm256_permute2x128_si256(a, b, 0x31));
	_mm256_store_si256(to + 3, _mm256_permute2x128_si256(c, d, 0x31));
}

static AVX2_INLINE __m256i twice(const uint32_t row[static 4])
{
	return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)row));
}

static AVX2 void four_blocks(const uint32_t state[static 16], uint8_t *ret)
{
	const struct rows first = { twice(state), twice(state + 4), twice(state + 8),
		_mm256_add_epi32(twice(state + 12), _mm256_setr_epi32(0, 0, 0, 0, 1, 0, 0, 0)) };
	const struct rows second = { first.a, first.b, first.c,
		_mm256_add_epi32(first.d, _mm256_setr_epi32(2, 0, 0, 0, 2, 0, 0, 0)) };
	struct rows x = first, y = second;

	for (int round = 0; round < DOUBLE_ROUNDS; round++) {
		quarter_round(&x.a, &x.b, &x.c, &x.d);
		quarter_round(&y.a, &y.b, &y.c, &y.d);
		to_diagonals(&x);
		to_diagonals(&y);
		quarter_round(&x.a, &x.b, &x.c, &x.d);
		quarter_round(&y.a, &y.b, &y.c, &y.d);
		to_columns(&x);
		to_columns(&y);
	}
	store_two(&x, &first, ret);
	store_two(&y, &second, ret + 2 * CHACHA20_BLOCK);
}

AVX2 size_t chacha20_avx2(const uint8_t key[static 32], uint64_t nonce, uint32_t block,
	size_t wanted, uint8_t ret[static CHACHA20_AVX2_MAX])
{
	uint32_t state[16];

	for (size_t i = 0; i < 4; i++)
		state[i] = constants[i];
	for (size_t i = 0; i < 8; i++)
		state[4 + i] = load_le32(key + 4 * i);
	state[12] = block;
	state[13] = 0;
	state[14] = (uint32_t)nonce;
	state[15] = (uint32_t)(nonce >> 32);
	if (wanted <= FOUR) {
		four_blocks(state, ret);
		return FOUR;
	}
	eight_blocks(state, ret);
	return CHACHA20_AVX2_MAX;
}
