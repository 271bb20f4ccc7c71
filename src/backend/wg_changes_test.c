/* SPDX-License-Identifier: MIT */
/* Tests of the changes of wg(8): they are repeated as they came, without replaced keys. */
#include "backend/wg_changes.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

static const uint8_t none[KEY_LEN];

/** Two peers, the first of which is in the file. */
struct site {
	struct conf_peer in_file;
	struct conf_site conf;
	struct wg_changes changes;
	struct uapi_peer peers[2];
};

static void make(struct site *s)
{
	*s = (struct site){ .conf = { .peers = &s->in_file, .n_peers = 1 } };
	memset(s->in_file.public_key, 1, KEY_LEN);
	memset(s->in_file.preshared_key, 0x99, KEY_LEN);
	memset(s->conf.interface.private_key, 0x88, KEY_LEN);
	for (size_t i = 0; i < ARRAY_LEN(s->peers); i++) {
		memset(s->peers[i].public_key, (int)i + 1, KEY_LEN);
		memset(s->peers[i].psk, 0xa0 + (int)i, KEY_LEN);
		s->peers[i].has_psk = true;
	}
}

/* Whether any stored request has 32 times this byte, in hex. */
static bool has(const struct wg_changes *c, const char *byte)
{
	char key[KEY_HEX_LEN + 1] = "";

	for (size_t i = 0; i < KEY_LEN; i++)
		memcpy(key + 2 * i, byte, 3);
	for (size_t i = 0; i < c->n; i++)
		if (memmem(c->v[i].text, c->v[i].len, key, KEY_HEX_LEN))
			return true;
	return false;
}

/* A preshared key replaces those before it, of the same peer alone. */
static void test_psk_replaced(void **state)
{
	struct uapi_set set = { .peers_len = 2 };
	struct site s;

	make(&s);
	set.peers = s.peers;
	wg_changes_add(&s.changes, &set, &s.conf, none);
	assert_int_equal(s.changes.n, 2);
	assert_true(has(&s.changes, "a0") && has(&s.changes, "a1"));
	assert_memory_equal(s.in_file.preshared_key, none, KEY_LEN);
	memset(s.peers[0].psk, 0xb0, KEY_LEN);
	set.peers_len = 1;
	wg_changes_add(&s.changes, &set, &s.conf, none);
	assert_int_equal(s.changes.n, 3);
	assert_true(has(&s.changes, "b0") && has(&s.changes, "a1"));
	assert_false(has(&s.changes, "a0"));
	assert_true(has(&s.changes, "00"));
	wg_changes_clear(&s.changes);
	assert_int_equal(s.changes.n, 0);
}

/* A change of something else leaves the key. */
static void test_psk_stays(void **state)
{
	struct uapi_set set = { .peers_len = 1 };
	struct site s;

	make(&s);
	set.peers = s.peers;
	wg_changes_add(&s.changes, &set, &s.conf, none);
	s.peers[0].has_psk = false;
	s.peers[0].has_keepalive = true;
	wg_changes_add(&s.changes, &set, &s.conf, none);
	assert_true(has(&s.changes, "a0"));
	wg_changes_clear(&s.changes);
}

/* With a peer its keys go; the request stays, as it may have taken addresses from others. */
static void test_peer_removed(void **state)
{
	struct uapi_set set = { .peers_len = 1 };
	struct site s;

	make(&s);
	set.peers = s.peers;
	wg_changes_add(&s.changes, &set, &s.conf, none);
	s.peers[0].remove = true;
	s.peers[0].has_psk = false;
	wg_changes_add(&s.changes, &set, &s.conf, none);
	assert_int_equal(s.changes.n, 2);
	assert_false(has(&s.changes, "a0"));
	assert_memory_equal(s.in_file.preshared_key, none, KEY_LEN);
	wg_changes_clear(&s.changes);
}

/* If all peers are replaced, nothing from before has an effect but the device's. */
static void test_peers_replaced(void **state)
{
	struct uapi_set set = { .peers_len = 2, .has_listen_port = true, .listen_port = 7 };
	struct uapi_set all = { .replace_peers = true };
	struct site s;

	make(&s);
	set.peers = s.peers;
	wg_changes_add(&s.changes, &set, &s.conf, none);
	assert_int_equal(s.changes.n, 3);
	s.changes.lost = true; /* nothing that still has an effect */
	wg_changes_add(&s.changes, &all, &s.conf, none);
	assert_int_equal(s.changes.n, 2);
	assert_false(s.changes.lost);
	assert_non_null(memmem(s.changes.v[0].text, s.changes.v[0].len, "listen_port=7\n", 14));
	assert_non_null(memmem(s.changes.v[1].text, s.changes.v[1].len, "replace_peers=true", 18));
	assert_int_equal(s.changes.len, s.changes.v[0].len + s.changes.v[1].len);
	wg_changes_add(&s.changes, &all, &s.conf, none); /* again: one such request is enough */
	assert_int_equal(s.changes.n, 2);
	assert_int_equal(s.changes.len, s.changes.v[0].len + s.changes.v[1].len);
	assert_memory_equal(s.in_file.preshared_key, none, KEY_LEN);
	wg_changes_clear(&s.changes);
}

/* The private key is stored in one place. */
static void test_private_key(void **state)
{
	struct uapi_set set = { .has_private_key = true };
	struct site s;

	make(&s);
	memset(set.private_key, 0xc0, KEY_LEN);
	wg_changes_add(&s.changes, &set, &s.conf, none);
	assert_int_equal(s.changes.n, 0);
	assert_memory_equal(s.conf.interface.private_key, set.private_key, KEY_LEN);
	wg_changes_clear(&s.changes);
}

/* For another program the keys are in place of marks; that one puts marks in again. */
static void test_passed_on(void **state)
{
	struct key_ring ring = { .last_mark = 6 };
	struct key_ring next = { 0 };
	struct wg_changes restored = { 0 };
	struct saved_state saved = { 0 };
	struct uapi_set set = { .peers_len = 2 };
	struct uapi_set marked;
	struct site s;

	make(&s);
	set.peers = s.peers;
	assert_int_equal(key_ring_set(&ring, &set, &marked), 0);
	wg_changes_add(&s.changes, &marked, &s.conf, none);
	key_ring_free_set(&marked);
	assert_false(has(&s.changes, "a0") || has(&s.changes, "a1"));
	wg_changes_save(&s.changes, &ring, &saved);
	assert_false(has(&s.changes, "a0") || has(&s.changes, "a1"));
	assert_int_equal(wg_changes_restore(&restored, &saved), 0);
	assert_true(has(&restored, "a0") && has(&restored, "a1"));
	assert_int_equal(wg_changes_take_keys(&restored, &next), 0);
	assert_false(has(&restored, "a0") || has(&restored, "a1"));
	assert_int_equal(restored.n, 2);
	assert_int_equal(restored.len, restored.v[0].len + restored.v[1].len);
	assert_int_equal(next.n, 2);
	for (size_t i = 0; i < ARRAY_LEN(s.peers); i++)
		assert_memory_equal(next.peers[i].psk, s.peers[i].psk, KEY_LEN);
	saved_fini(&saved);
	wg_changes_clear(&s.changes);
	wg_changes_clear(&restored);
	key_ring_clear(&ring);
	key_ring_clear(&next);
}

/* A peer with our own public key is none: what is set there has no effect. */
static void test_own(void **state)
{
	struct uapi_set set = { .peers_len = 2 };
	struct site s;

	make(&s);
	set.peers = s.peers;
	wg_changes_add(&s.changes, &set, &s.conf, s.peers[0].public_key);
	assert_int_equal(s.changes.n, 1);
	assert_memory_equal(s.changes.v[0].peer, s.peers[1].public_key, KEY_LEN);
	wg_changes_clear(&s.changes);
}

/* Another program may have stored it: it is dropped. */
static void test_own_restored(void **state)
{
	struct key_ring ring = { 0 };
	struct wg_changes restored = { 0 };
	struct saved_state saved = { 0 };
	struct uapi_set set = { .peers_len = 2 };
	struct site s;

	make(&s);
	set.peers = s.peers;
	wg_changes_add(&s.changes, &set, &s.conf, none);
	wg_changes_save(&s.changes, &ring, &saved);
	memcpy(ring.public_key, s.peers[0].public_key, KEY_LEN);
	assert_int_equal(wg_changes_restore(&restored, &saved), 0);
	assert_int_equal(wg_changes_take_keys(&restored, &ring), 0);
	assert_int_equal(restored.n, 1);
	assert_int_equal(restored.len, restored.v[0].len);
	assert_memory_equal(restored.v[0].peer, s.peers[1].public_key, KEY_LEN);
	saved_fini(&saved);
	wg_changes_clear(&s.changes);
	wg_changes_clear(&restored);
	key_ring_clear(&ring);
}

/* A peer that becomes the device loses its keys and is removed, also from what another program has
 * stored. */
static void test_becomes_own(void **state)
{
	struct uapi_set set = { .peers_len = 1 };
	struct uapi_set key = { .has_private_key = true };
	struct key_ring ring = { 0 };
	struct wg_changes restored = { 0 };
	struct saved_state saved = { 0 };
	struct site s;

	make(&s);
	set.peers = s.peers;
	wg_changes_add(&s.changes, &set, &s.conf, none);
	memset(s.in_file.preshared_key, 0x99, KEY_LEN);
	memcpy(key.private_key, s.in_file.public_key, KEY_LEN);
	wg_changes_add(&s.changes, &key, &s.conf, s.in_file.public_key);
	assert_false(has(&s.changes, "a0"));
	assert_memory_equal(s.in_file.preshared_key, none, KEY_LEN);
	assert_int_equal(s.changes.n, 2);
	wg_changes_save(&s.changes, &ring, &saved);
	memset(ring.private_key, 0x40, KEY_LEN);
	memcpy(ring.public_key, s.in_file.public_key, KEY_LEN);
	assert_int_equal(wg_changes_restore(&restored, &saved), 0);
	assert_int_equal(wg_changes_take_keys(&restored, &ring), 0);
	assert_int_equal(restored.n, 1);
	assert_non_null(memmem(restored.v[0].text, restored.v[0].len, "remove=true\n", 12));
	saved_fini(&saved);
	wg_changes_clear(&s.changes);
	wg_changes_clear(&restored);
	key_ring_clear(&ring);
}

/* A peer whose public key is all zero is a peer, also for another program. */
static void test_zero_key(void **state)
{
	const struct uapi_set all = { .replace_peers = true };
	const struct key_ring ring = { 0 };
	struct wg_changes restored = { 0 };
	struct saved_state saved = { 0 };
	struct uapi_set set = { .has_fwmark = true, .fwmark = 5, .peers_len = 1 };
	struct site s;

	make(&s);
	memset(&s.peers[0], 0, sizeof(s.peers[0]));
	set.peers = s.peers;
	wg_changes_add(&s.changes, &set, &s.conf, none);
	wg_changes_save(&s.changes, &ring, &saved);
	assert_int_equal(wg_changes_restore(&restored, &saved), 0);
	assert_int_equal(restored.n, 2);
	wg_changes_add(&s.changes, &all, &s.conf, none);
	assert_int_equal(s.changes.n, 2);
	wg_changes_add(&restored, &all, &s.conf, none);
	assert_int_equal(restored.n, 2);
	assert_non_null(memmem(restored.v[0].text, restored.v[0].len, "fwmark=5\n", 9));
	saved_fini(&saved);
	wg_changes_clear(&s.changes);
	wg_changes_clear(&restored);
}

/* A text that is no request is refused. */
static void test_damaged(void **state)
{
	static const char *const texts[] = { "", "set=1\n", "get=1\n\n", "set=1\nnonsense=1\n\n" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct key_ring ring = { 0 };
		struct wg_changes restored = { 0 };
		struct saved_state saved = { 0 };

		saved_put(&saved, "wg-peer", none, KEY_LEN);
		saved_put_text(&saved, "wg-change", texts[i]);
		assert_int_equal(wg_changes_restore(&restored, &saved), 0);
		assert_int_equal(wg_changes_take_keys(&restored, &ring), -EBADMSG);
		saved_fini(&saved);
		wg_changes_clear(&restored);
		key_ring_clear(&ring);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_psk_replaced),
		cmocka_unit_test(test_psk_stays),
		cmocka_unit_test(test_peer_removed),
		cmocka_unit_test(test_peers_replaced),
		cmocka_unit_test(test_private_key),
		cmocka_unit_test(test_passed_on),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_own_restored),
		cmocka_unit_test(test_becomes_own),
		cmocka_unit_test(test_zero_key),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests_name("wg_changes", tests, NULL, NULL);
}
