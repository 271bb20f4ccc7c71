/* SPDX-License-Identifier: MIT */
/* One complete exchange, byte for byte, against independently computed vectors; and its
 * failures. */
#include "wg/noise.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/kdf.h"
#include "crypto/x25519.h"
#include "wg/cookie.h"
#include "wg/handshake_vectors.h"
#include "wg/keypair.h"

/** Both ends. */
struct ends {
	struct wg_crypto crypto;
	struct wg_identity id_i, id_r;
	struct wg_remote remote_i, remote_r; /* as the other end sees it */
	struct wg_cookie_maker maker_i, maker_r;
	struct wg_cookie_checker checker_i, checker_r;
	struct wg_handshake hs;
	struct wg_initiation initiation;
	struct wg_response response;
	struct wg_session_keys keys_i, keys_r;
};

static const struct mono now = { 1000 * NS_PER_S };

static const struct endpoint src_i = { .addr = { AF_INET, { 192, 0, 2, 1 } }, .port = 8172 };

static void identify(struct wg_identity *id, const uint8_t *key)
{
	id->present = true;
	memcpy(id->private_key, key, WG_KEY_LEN);
	assert_int_equal(x25519_public(id->private_key, id->public_key), 0);
}

static int setup(void **state)
{
	static struct ends e;

	memset(&e, 0, sizeof(e));
	assert_int_equal(blake2s_init(&e.crypto.blake2s), 0);
	assert_int_equal(aead_init(&e.crypto.aead, NULL), 0);
	identify(&e.id_i, VECTOR_STATIC_I);
	identify(&e.id_r, VECTOR_STATIC_R);
	memcpy(e.remote_i.public_key, e.id_i.public_key, WG_KEY_LEN);
	memcpy(e.remote_r.public_key, e.id_r.public_key, WG_KEY_LEN);
	memcpy(e.remote_i.psk, VECTOR_PSK, WG_KEY_LEN);
	memcpy(e.remote_r.psk, VECTOR_PSK, WG_KEY_LEN);
	wg_noise_precompute(&e.id_i, &e.remote_r);
	wg_noise_precompute(&e.id_r, &e.remote_i);
	wg_cookie_maker_init(&e.crypto, &e.maker_i, e.id_r.public_key);
	wg_cookie_maker_init(&e.crypto, &e.maker_r, e.id_i.public_key);
	wg_cookie_checker_init(&e.crypto, &e.checker_i, e.id_i.public_key);
	wg_cookie_checker_init(&e.crypto, &e.checker_r, e.id_r.public_key);
	*state = &e;
	return 0;
}

static int teardown(void **state)
{
	struct ends *e = *state;

	blake2s_fini(&e->crypto.blake2s);
	aead_fini(&e->crypto.aead);
	return 0;
}

static void initiate(struct ends *e)
{
	assert_int_equal(
		wg_noise_make_initiation(&e->crypto, &e->hs, &e->id_i, &e->remote_r, VECTOR_INDEX_I,
			VECTOR_EPHEMERAL_I, VECTOR_TIMESTAMP, &e->initiation),
		0);
	wg_cookie_add_macs(
		&e->crypto, &e->maker_i, (uint8_t *)&e->initiation, sizeof(e->initiation), now);
}

static int respond(struct ends *e, uint8_t timestamp[WG_TIMESTAMP_LEN])
{
	struct wg_opened_initiation opened;
	int err = wg_noise_open_initiation(&e->crypto, &e->id_r, &e->initiation, &opened);

	if (!err)
		err = wg_noise_finish_initiation(
			&e->crypto, &opened, &e->remote_i, &e->initiation, timestamp);
	if (err)
		return err;
	assert_memory_equal(opened.remote_static, e->id_i.public_key, WG_KEY_LEN);
	err = wg_noise_make_response(&e->crypto, &opened.handshake, &e->remote_i, VECTOR_INDEX_R,
		VECTOR_EPHEMERAL_R, &e->response, &e->keys_r);
	if (!err)
		assert_true(secret_is_zero(&opened.handshake, sizeof(opened.handshake)));
	wg_cookie_add_macs(
		&e->crypto, &e->maker_r, (uint8_t *)&e->response, sizeof(e->response), now);
	return err;
}

static int finish(struct ends *e)
{
	return wg_noise_take_response(
		&e->crypto, &e->hs, &e->id_i, &e->remote_r, &e->response, &e->keys_i);
}

static void test_golden_handshake(void **state)
{
	struct ends *e = *state;
	uint8_t timestamp[WG_TIMESTAMP_LEN];

	initiate(e);
	assert_memory_equal(&e->initiation, VECTOR_INITIATION, sizeof(VECTOR_INITIATION));
	assert_true(wg_cookie_check_mac1(
		&e->crypto, &e->checker_r, (uint8_t *)&e->initiation, sizeof(e->initiation)));
	assert_int_equal(respond(e, timestamp), 0);
	assert_memory_equal(timestamp, VECTOR_TIMESTAMP, sizeof(timestamp));
	assert_memory_equal(&e->response, VECTOR_RESPONSE, sizeof(VECTOR_RESPONSE));
	assert_int_equal(finish(e), 0);
	assert_true(secret_is_zero(&e->hs, sizeof(e->hs)));
	assert_memory_equal(e->keys_i.tx, VECTOR_KEY_I_TO_R, WG_KEY_LEN);
	assert_memory_equal(e->keys_i.rx, VECTOR_KEY_R_TO_I, WG_KEY_LEN);
	assert_memory_equal(e->keys_r.tx, VECTOR_KEY_R_TO_I, WG_KEY_LEN);
	assert_memory_equal(e->keys_r.rx, VECTOR_KEY_I_TO_R, WG_KEY_LEN);
}

static void test_golden_data(void **state)
{
	struct ends *e = *state;
	struct wg_keypair tx = { .remote_index = VECTOR_INDEX_R }, rx = { 0 };
	uint8_t msg[sizeof(VECTOR_DATA)] = { 0 };

	memcpy(tx.tx_key, VECTOR_KEY_I_TO_R, WG_KEY_LEN);
	memcpy(rx.rx_key, VECTOR_KEY_I_TO_R, WG_KEY_LEN);
	memcpy(msg + WG_DATA_HEADER_LEN, VECTOR_PACKET, sizeof(VECTOR_PACKET));
	wg_data_seal(&e->crypto.aead, &tx, VECTOR_COUNTER, msg, sizeof(VECTOR_PACKET));
	assert_memory_equal(msg, VECTOR_DATA, sizeof(VECTOR_DATA));
	assert_int_equal(
		wg_data_open(&e->crypto.aead, &rx, VECTOR_COUNTER, msg, sizeof(msg)), DROP_NONE);
	assert_memory_equal(msg + WG_DATA_HEADER_LEN, VECTOR_PACKET, sizeof(VECTOR_PACKET));
	/* A keepalive is an empty data message. */
	tx.remote_index = VECTOR_INDEX_I;
	memcpy(tx.tx_key, VECTOR_KEY_R_TO_I, WG_KEY_LEN);
	wg_data_seal(&e->crypto.aead, &tx, 0, msg, 0);
	assert_memory_equal(msg, VECTOR_KEEPALIVE, sizeof(VECTOR_KEEPALIVE));
}

static void fixed_nonce(void *ctx, uint8_t *out, size_t len)
{
	assert_int_equal(len, sizeof(VECTOR_COOKIE_NONCE));
	memcpy(out, VECTOR_COOKIE_NONCE, len);
}

static void test_golden_cookie(void **state)
{
	struct ends *e = *state;
	struct rng rng = { fixed_nonce, NULL };
	struct wg_cookie_reply reply;

	initiate(e);
	memcpy(e->checker_r.secret, VECTOR_COOKIE_SECRET, sizeof(e->checker_r.secret));
	e->checker_r.secret_born = now;
	wg_cookie_make_reply(&e->crypto, &e->checker_r, (uint8_t *)&e->initiation,
		sizeof(e->initiation), &src_i, now, &rng, &reply);
	assert_memory_equal(&reply, VECTOR_COOKIE_REPLY, sizeof(VECTOR_COOKIE_REPLY));
	assert_int_equal(wg_cookie_take_reply(&e->crypto, &e->maker_i, &reply, now), 0);
	initiate(e);
	assert_memory_equal(&e->initiation, VECTOR_INITIATION_WITH_COOKIE,
		sizeof(VECTOR_INITIATION_WITH_COOKIE));
	assert_true(wg_cookie_check_mac2(&e->crypto, &e->checker_r, (uint8_t *)&e->initiation,
		sizeof(e->initiation), &src_i, now));
}

/* Every bit of an initiation that Noise covers is authenticated. */
static void test_flipped_initiation(void **state)
{
	struct ends *e = *state;
	uint8_t timestamp[WG_TIMESTAMP_LEN];

	initiate(e);
	for (size_t bit = 8 * 8; bit < (WG_INITIATION_LEN - sizeof(struct wg_macs)) * 8; bit++) {
		uint8_t *byte = (uint8_t *)&e->initiation + bit / 8;

		/* X25519 ignores the topmost bit of a public key; the transcript does not. */
		*byte ^= (uint8_t)(1 << bit % 8);
		if (respond(e, timestamp) != -EBADMSG)
			fail_msg("bit %zu", bit);
		*byte ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(respond(e, timestamp), 0);
}

/* So is every bit of a response; failures leave the handshake as it was. */
static void test_flipped_response(void **state)
{
	struct ends *e = *state;
	uint8_t timestamp[WG_TIMESTAMP_LEN];
	struct wg_handshake before;

	initiate(e);
	assert_int_equal(respond(e, timestamp), 0);
	before = e->hs;
	for (size_t bit = 12 * 8; bit < (WG_RESPONSE_LEN - sizeof(struct wg_macs)) * 8; bit++) {
		uint8_t *byte = (uint8_t *)&e->response + bit / 8;

		*byte ^= (uint8_t)(1 << bit % 8);
		if (finish(e) != -EBADMSG)
			fail_msg("bit %zu", bit);
		assert_memory_equal(&e->hs, &before, sizeof(before));
		*byte ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(finish(e), 0);
	assert_int_equal(finish(e), -EBADMSG);
}

static void test_other_psk(void **state)
{
	struct ends *e = *state;
	uint8_t timestamp[WG_TIMESTAMP_LEN];

	e->remote_r.psk[0] ^= 1;
	initiate(e);
	assert_int_equal(respond(e, timestamp), 0);
	assert_int_equal(finish(e), -EBADMSG);
}

/* Points of low order: we neither initiate to them nor respond to them. */
static void test_low_order(void **state)
{
	static const uint8_t points[][WG_KEY_LEN] = {
		{ 0 },
		{ 1 },
		{ 0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1,
			0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86,
			0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00 },
		{ 0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c,
			0x83, 0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8,
			0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57 },
	};
	struct ends *e = *state;
	struct wg_opened_initiation opened;

	for (size_t i = 0; i < ARRAY_LEN(points); i++) {
		memcpy(e->remote_r.public_key, points[i], WG_KEY_LEN);
		wg_noise_precompute(&e->id_i, &e->remote_r);
		assert_false(e->remote_r.usable);
		assert_int_equal(
			wg_noise_make_initiation(&e->crypto, &e->hs, &e->id_i, &e->remote_r, 1,
				VECTOR_EPHEMERAL_I, VECTOR_TIMESTAMP, &e->initiation),
			-ENOKEY);
		memcpy(e->initiation.ephemeral, points[i], WG_KEY_LEN);
		assert_int_equal(
			wg_noise_open_initiation(&e->crypto, &e->id_r, &e->initiation, &opened),
			-EBADMSG);
	}
}

/* An initiation with the initiator's static key and an ephemeral key of our choice, whose DH
 * result with the responder is known: all of it authenticates. */
static void forge_initiation(struct ends *e, const uint8_t *ephemeral, const uint8_t *shared)
{
	struct blake2s *b = &e->crypto.blake2s;
	struct wg_initiation *m = &e->initiation;
	uint8_t ck[WG_HASH_LEN], h[WG_HASH_LEN], key[WG_KEY_LEN];

	memset(m, 0, sizeof(*m));
	m->type[0] = WG_MSG_INITIATION;
	memcpy(m->ephemeral, ephemeral, WG_KEY_LEN);
	blake2s_hash(b, WG_CONSTRUCTION, sizeof(WG_CONSTRUCTION) - 1, ck);
	memcpy(h, ck, sizeof(h));
	blake2s_mix(b, h, WG_IDENTIFIER, sizeof(WG_IDENTIFIER) - 1);
	blake2s_mix(b, h, e->id_r.public_key, WG_KEY_LEN);
	blake2s_mix(b, h, ephemeral, WG_KEY_LEN);
	kdf1(b, ck, ephemeral, WG_KEY_LEN);
	kdf2(b, ck, shared, WG_KEY_LEN, key);
	aead_seal(&e->crypto.aead, key, 0, m->sealed_static, e->id_i.public_key, WG_KEY_LEN, h,
		sizeof(h));
	blake2s_mix(b, h, m->sealed_static, sizeof(m->sealed_static));
	kdf2(b, ck, e->remote_r.static_static, WG_KEY_LEN, key);
	aead_seal(&e->crypto.aead, key, 0, m->sealed_timestamp, VECTOR_TIMESTAMP, WG_TIMESTAMP_LEN,
		h, sizeof(h));
}

/* An ephemeral key of low order yields a DH result that everybody knows: refused, although the
 * entire message authenticates. */
static void test_low_order_ephemeral(void **state)
{
	static const uint8_t zero[WG_KEY_LEN];
	struct ends *e = *state;
	uint8_t ephemeral[WG_KEY_LEN], shared[WG_KEY_LEN], timestamp[WG_TIMESTAMP_LEN];

	assert_int_equal(x25519_public(VECTOR_EPHEMERAL_I, ephemeral), 0);
	assert_int_equal(x25519_dh(VECTOR_EPHEMERAL_I, e->id_r.public_key, shared), 0);
	forge_initiation(e, ephemeral, shared);
	assert_int_equal(respond(e, timestamp), 0);
	forge_initiation(e, zero, zero);
	assert_int_equal(respond(e, timestamp), -EBADMSG);
}

static void test_cookie_life(void **state)
{
	struct ends *e = *state;
	struct rng rng = { fixed_nonce, NULL };
	struct endpoint other = src_i;
	struct wg_cookie_reply reply;
	uint8_t *msg = (uint8_t *)&e->initiation;
	size_t len = sizeof(e->initiation);

	initiate(e);
	e->checker_r.secret_born = now;
	wg_cookie_make_reply(&e->crypto, &e->checker_r, msg, len, &src_i, now, &rng, &reply);
	/* A cookie reply is rejected if not requested, if forged, and if repeated. */
	assert_int_equal(wg_cookie_take_reply(&e->crypto, &e->maker_r, &reply, now), -ENOENT);
	reply.sealed_cookie[3] ^= 1;
	assert_int_equal(wg_cookie_take_reply(&e->crypto, &e->maker_i, &reply, now), -EBADMSG);
	reply.sealed_cookie[3] ^= 1;
	assert_int_equal(wg_cookie_take_reply(&e->crypto, &e->maker_i, &reply, now), 0);
	assert_int_equal(wg_cookie_take_reply(&e->crypto, &e->maker_i, &reply, now), -ENOENT);
	/* A cookie is bound to address and port, and to the secret's lifetime. */
	wg_cookie_add_macs(&e->crypto, &e->maker_i, msg, len, mono_add(now, 114 * NS_PER_S));
	other.port++;
	assert_true(wg_cookie_check_mac2(
		&e->crypto, &e->checker_r, msg, len, &src_i, mono_add(now, 119 * NS_PER_S)));
	assert_false(wg_cookie_check_mac2(
		&e->crypto, &e->checker_r, msg, len, &src_i, mono_add(now, 120 * NS_PER_S)));
	assert_false(wg_cookie_check_mac2(&e->crypto, &e->checker_r, msg, len, &other, now));
	other = src_i;
	other.addr.bytes[3]++;
	assert_false(wg_cookie_check_mac2(&e->crypto, &e->checker_r, msg, len, &other, now));
	/* The peer that uses the cookie stops using it a little earlier. */
	wg_cookie_add_macs(&e->crypto, &e->maker_i, msg, len, mono_add(now, 115 * NS_PER_S));
	assert_true(secret_is_zero(e->initiation.macs.mac2, WG_MAC_LEN));
	e->initiation.macs.mac1[0] ^= 1;
	assert_false(wg_cookie_check_mac1(&e->crypto, &e->checker_r, msg, len));
}

/* A cookie is valid for one address and port only: every bit counts, in both families. */
static void test_cookie_of_address(void **state)
{
	static const struct endpoint sources[] = {
		{ .addr = { AF_INET, { 192, 0, 2, 1 } }, .port = 8172 },
		{ .addr = { AF_INET6, { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9 } },
			.port = 8172 },
	};
	struct ends *e = *state;
	struct rng rng = { fixed_nonce, NULL };
	struct wg_cookie_reply reply;
	uint8_t *msg = (uint8_t *)&e->initiation;
	size_t len = sizeof(e->initiation);

	e->checker_r.secret_born = now;
	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		struct endpoint src = sources[i];
		size_t bits = ip_addr_bits(&src.addr);

		e->maker_i.cookie_born = MONO_NEVER;
		initiate(e);
		assert_false(wg_cookie_check_mac2(&e->crypto, &e->checker_r, msg, len, &src, now));
		wg_cookie_make_reply(&e->crypto, &e->checker_r, msg, len, &src, now, &rng, &reply);
		assert_int_equal(wg_cookie_take_reply(&e->crypto, &e->maker_i, &reply, now), 0);
		initiate(e);
		assert_true(wg_cookie_check_mac2(&e->crypto, &e->checker_r, msg, len, &src, now));
		for (size_t bit = 0; bit < bits + 16; bit++) {
			struct endpoint other = src;

			if (bit < bits)
				other.addr.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			else
				other.port ^= (uint16_t)(1 << (bit - bits));
			if (wg_cookie_check_mac2(&e->crypto, &e->checker_r, msg, len, &other, now))
				fail_msg("source %zu, bit %zu", i, bit);
		}
	}
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_golden_handshake),
		CASE(test_golden_data),
		CASE(test_golden_cookie),
		CASE(test_flipped_initiation),
		CASE(test_flipped_response),
		CASE(test_other_psk),
		CASE(test_low_order),
		CASE(test_low_order_ephemeral),
		CASE(test_cookie_life),
		CASE(test_cookie_of_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
