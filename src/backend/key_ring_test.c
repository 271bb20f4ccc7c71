/* SPDX-License-Identifier: MIT */
/* Tests of the monitor's keys, and of the marks in place of them. */
#include "backend/key_ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/x25519.h"
#include "ctlproto/uapi_print.h"

static const uint8_t zero[KEY_LEN];

/* A configuration with peers 1 to `n`, whose preshared keys are `psk`, 0: none. */
static struct conf_site conf_of(uint8_t private_key, unsigned n, uint8_t psk)
{
	struct conf_site conf = { .n_peers = n };

	memset(conf.interface.private_key, private_key, KEY_LEN);
	conf.peers = calloc(n + 1, sizeof(*conf.peers));
	for (unsigned i = 0; i < n; i++) {
		conf.peers[i].public_key[0] = (uint8_t)(n - i);
		memset(conf.peers[i].preshared_key, psk, KEY_LEN);
	}
	return conf;
}

static uint64_t mark_of(const uint8_t *bytes)
{
	assert_true(secret_is_zero(bytes + 8, KEY_LEN - 8));
	return load_le64(bytes);
}

/* Keys that were never taken are still in the configuration. */
static void test_none_taken(void **state)
{
	const struct key_ring none = { 0 };
	struct conf_site conf = conf_of(0xff, 2, 7);

	key_ring_give_back(&none, &conf);
	assert_int_equal(conf.interface.private_key[0], 0xff);
	assert_int_equal(conf.peers[1].preshared_key[31], 7);
	free(conf.peers);
}

static void test_conf(void **state)
{
	struct key_ring r = { 0 };
	struct conf_site conf = conf_of(0xff, 20, 7);
	uint8_t public_key[KEY_LEN], clamped[KEY_LEN];

	memset(clamped, 0xff, KEY_LEN);
	x25519_clamp(clamped);
	assert_int_equal(x25519_public(clamped, public_key), 0);
	assert_int_equal(key_ring_take_conf(&r, &conf), 0);
	assert_memory_equal(r.private_key, clamped, KEY_LEN);
	assert_memory_equal(conf.interface.private_key, public_key, KEY_LEN);
	assert_int_equal(r.n, 20);
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(r.peers[i].public_key[0], i + 1);
		assert_int_equal(r.peers[i].psk[31], 7);
		assert_int_not_equal(mark_of(conf.peers[i].preshared_key), 0);
	}
	/* back into the same configuration */
	key_ring_give_back(&r, &conf);
	assert_memory_equal(conf.interface.private_key, clamped, KEY_LEN);
	assert_int_equal(conf.peers[3].preshared_key[31], 7);
	free(conf.peers);
	/* the same keys have the same marks, others have others, and none has none */
	uint64_t mark = r.peers[4].mark;

	conf = conf_of(0xff, 10, 7);
	assert_int_equal(key_ring_take_conf(&r, &conf), 0);
	assert_int_equal(r.n, 20);
	assert_int_equal(mark_of(conf.peers[5].preshared_key), mark);
	key_ring_sweep(&r, &conf);
	assert_int_equal(r.n, 10);
	assert_true(secret_is_zero(&r.peers[10], 10 * sizeof(*r.peers)));
	free(conf.peers);
	conf = conf_of(0, 10, 8);
	assert_int_equal(key_ring_take_conf(&r, &conf), 0);
	assert_true(mark_of(conf.peers[5].preshared_key) > mark);
	assert_memory_equal(conf.interface.private_key, zero, KEY_LEN);
	assert_memory_equal(r.private_key, zero, KEY_LEN);
	free(conf.peers);
	conf = conf_of(0, 10, 0);
	assert_int_equal(key_ring_take_conf(&r, &conf), 0);
	assert_int_equal(mark_of(conf.peers[5].preshared_key), 0);
	free(conf.peers);
	key_ring_clear(&r);
	assert_true(secret_is_zero(&r, sizeof(r)));
}

static struct uapi_peer peer_of(uint8_t public_key, uint8_t psk)
{
	struct uapi_peer peer = { .public_key = { public_key }, .has_psk = psk };

	memset(peer.psk, psk, KEY_LEN);
	return peer;
}

static void test_set(void **state)
{
	struct key_ring r = { 0 }, copy;
	struct uapi_peer peers[] = { peer_of(5, 1), peer_of(4, 2), peer_of(6, 0), peer_of(7, 3) };
	struct uapi_set set = { .has_private_key = true,
		.private_key = { 0xff },
		.peers = peers,
		.peers_len = ARRAY_LEN(peers) };
	struct uapi_set marked;

	peers[3].update_only = true;
	assert_int_equal(key_ring_set(&r, &set, &marked), 0);
	assert_int_equal(set.private_key[0], 0xff);
	assert_int_equal(peers[0].psk[5], 1); /* the request itself is unchanged */
	assert_memory_equal(marked.private_key, r.public_key, KEY_LEN);
	assert_int_equal(mark_of(marked.peers[0].psk), 1);
	assert_int_equal(mark_of(marked.peers[1].psk), 2);
	assert_int_equal(mark_of(marked.peers[3].psk), 0); /* there is no such peer */
	assert_int_equal(r.n, 3);
	key_ring_free_set(&marked);
	assert_int_equal(key_ring_copy(&r, &copy), 0);
	/* without a key in the request, the keys stay */
	peers[0].has_psk = false;
	peers[1].remove = true;
	peers[3].update_only = false;
	memcpy(peers[3].public_key, r.public_key, KEY_LEN); /* ours: ignored */
	set.has_private_key = false;
	assert_int_equal(key_ring_set(&r, &set, &marked), 0);
	assert_true(secret_is_zero(marked.peers[0].psk, KEY_LEN));
	assert_int_equal(r.n, 2);
	assert_int_equal(r.peers[0].psk[9], 1);
	assert_int_equal(r.private_key[0], 0xf8);
	key_ring_free_set(&marked);
	/* a peer that is removed and added again has no key */
	set.replace_peers = true;
	assert_int_equal(key_ring_set(&r, &set, &marked), 0);
	assert_int_equal(r.n, 2);
	assert_true(secret_is_zero(r.peers[0].psk, KEY_LEN));
	assert_int_equal(r.peers[0].mark, 0);
	key_ring_free_set(&marked);
	/* a peer whose public key becomes ours is removed */
	memcpy(peers[2].public_key, copy.public_key, KEY_LEN);
	set = (struct uapi_set){ .has_private_key = true, .peers = &peers[2], .peers_len = 1 };
	assert_int_equal(key_ring_set(&r, &set, &marked), 0);
	assert_int_equal(r.n, 3);
	assert_true(secret_is_zero(marked.private_key, KEY_LEN));
	key_ring_free_set(&marked);
	set = (struct uapi_set){ .has_private_key = true, .private_key = { 0xff } };
	assert_int_equal(key_ring_set(&r, &set, &marked), 0);
	assert_int_equal(r.n, 2);
	key_ring_free_set(&marked);
	/* a copy is independent */
	assert_int_equal(copy.n, 3);
	assert_int_equal(copy.peers[0].psk[9], 2);
	key_ring_clear(&r);
	key_ring_clear(&copy);
}

/* A peer with our own public key is none: nothing stays in place of its preshared key. wg(8) can
 * have set the private key after the file was checked. */
static void test_own_in_conf(void **state)
{
	struct key_ring r = { 0 };
	struct conf_site conf = conf_of(0xff, 2, 7);
	uint8_t clamped[KEY_LEN];

	memset(clamped, 0xff, KEY_LEN);
	x25519_clamp(clamped);
	assert_int_equal(x25519_public(clamped, conf.peers[1].public_key), 0);
	assert_int_equal(key_ring_take_conf(&r, &conf), 0);
	assert_int_equal(r.n, 1);
	assert_int_not_equal(mark_of(conf.peers[0].preshared_key), 0);
	assert_memory_equal(conf.peers[1].preshared_key, zero, KEY_LEN);
	free(conf.peers);
	key_ring_clear(&r);
}

/* A public key of zeros is not our own where we have none. A peer that is there twice has the last
 * preshared key. */
static void test_zero_and_twice(void **state)
{
	struct key_ring r = { 0 };
	struct uapi_peer peers[] = { peer_of(0, 1), peer_of(5, 2), peer_of(5, 3) };
	struct uapi_set set = { .peers = peers, .peers_len = ARRAY_LEN(peers) };
	struct uapi_set marked;

	assert_int_equal(key_ring_set(&r, &set, &marked), 0);
	assert_int_equal(r.n, 2);
	assert_memory_equal(r.peers[0].public_key, zero, KEY_LEN);
	assert_int_equal(r.peers[0].psk[31], 1);
	assert_int_equal(r.peers[1].psk[31], 3);
	for (size_t i = 0; i < ARRAY_LEN(peers); i++)
		assert_int_equal(mark_of(marked.peers[i].psk), i + 1);
	key_ring_free_set(&marked);
	set = (struct uapi_set){ .has_private_key = true, .private_key = { 0xff } };
	assert_int_equal(key_ring_set(&r, &set, &marked), 0);
	assert_int_equal(r.n, 2); /* it is not ours now either */
	key_ring_free_set(&marked);
	key_ring_clear(&r);
}

#define HEX(digit) digit digit digit digit digit digit digit digit
#define KEY_HEX(digit)                                                                             \
	HEX(digit) HEX(digit) HEX(digit) HEX(digit) HEX(digit) HEX(digit) HEX(digit) HEX(digit)

static void test_reply(void **state)
{
	struct key_ring r = { .private_key = { 0x12, 0x34 } };
	struct uapi_peer peer = peer_of(0, 0xab);
	struct uapi_set set = { .peers = &peer, .peers_len = 1 };
	struct uapi_set marked;
	char text[] = "private_key=" KEY_HEX(
		"0") "\nlisten_port=8172\n"
		     "preshared_key=" KEY_HEX(
			     "1") "\n" /* of no peer */
				  "public_key=" KEY_HEX("c") "\npreshared_key=" KEY_HEX(
					  "2") "\n"
					       "public_key=" KEY_HEX(
						       "d") "\npreshared_"
							    "key=" KEY_HEX(
								    "3") "\n"
									 "preshared_"
									 "key"
									 "=" KEY_HEX(
										 "4") "5\nx\npublic"
										      "_key="
										      "zz\nerrno="
										      "0\n\n";
	const size_t len = sizeof(text) - 1;

	memset(peer.public_key, 0xcc, KEY_LEN);
	assert_int_equal(key_ring_set(&r, &set, &marked), 0);
	key_ring_free_set(&marked);
	for (size_t part = 0; part < len; part++) { /* cut off anywhere */
		char cut[sizeof(text)];

		memcpy(cut, text, sizeof(cut));
		key_ring_fill_reply(&r, cut, part);
		assert_memory_equal(cut + part, text + part, len - part);
	}
	key_ring_fill_reply(&r, text, len);
	assert_non_null(strstr(text, "private_key=1234000000"));
	assert_non_null(strstr(text, "\nlisten_port=8172\npreshared_key=" KEY_HEX("1") "\n"));
	assert_non_null(strstr(text, KEY_HEX("c") "\npreshared_key=abababab"));
	assert_non_null(strstr(text, KEY_HEX("d") "\npreshared_key=" KEY_HEX("3") "\n"));
	assert_non_null(strstr(text, "\npreshared_key=" KEY_HEX("4") "5\nx\n"));
	assert_int_equal(strlen(text), len);
	key_ring_clear(&r);
}

/* An engine that repeats lines gets no further copies of keys. */
static void test_repeated(void **state)
{
	struct key_ring r = { .private_key = { 0x12, 0x34 } };
	struct uapi_peer peer = peer_of(0, 0xab);
	struct uapi_set set = { .peers = &peer, .peers_len = 1 };
	struct uapi_set marked;
	char text[] =
		"private_key=" KEY_HEX("0") "\nprivate_key=" KEY_HEX("1") "\npublic_key=" KEY_HEX(
			"c") "\npreshared_key=" KEY_HEX("2") "\npreshared_"
							     "key=" KEY_HEX("3") "\n";

	memset(peer.public_key, 0xcc, KEY_LEN);
	assert_int_equal(key_ring_set(&r, &set, &marked), 0);
	key_ring_free_set(&marked);
	key_ring_fill_reply(&r, text, sizeof(text) - 1);
	assert_non_null(strstr(text, "private_key=1234000000"));
	assert_non_null(strstr(text, "\nprivate_key=" KEY_HEX("1") "\n"));
	assert_non_null(strstr(text, KEY_HEX("c") "\npreshared_key=abababab"));
	assert_non_null(strstr(text, "\npreshared_key=" KEY_HEX("3") "\n"));
	key_ring_clear(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none_taken),
		cmocka_unit_test(test_conf),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_own_in_conf),
		cmocka_unit_test(test_zero_and_twice),
		cmocka_unit_test(test_reply),
		cmocka_unit_test(test_repeated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
