/* SPDX-License-Identifier: MIT */
/* Tests of the changes of wg(8): they are repeated as they came, without replaced keys. */
#include "backend/wg_changes.h"

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
	wg_changes_add(&s.changes, &set, &s.conf);
	assert_int_equal(s.changes.n, 2);
	assert_true(has(&s.changes, "a0") && has(&s.changes, "a1"));
	assert_memory_equal(s.in_file.preshared_key, none, KEY_LEN);
	memset(s.peers[0].psk, 0xb0, KEY_LEN);
	set.peers_len = 1;
	wg_changes_add(&s.changes, &set, &s.conf);
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
	wg_changes_add(&s.changes, &set, &s.conf);
	s.peers[0].has_psk = false;
	s.peers[0].has_keepalive = true;
	wg_changes_add(&s.changes, &set, &s.conf);
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
	wg_changes_add(&s.changes, &set, &s.conf);
	s.peers[0].remove = true;
	s.peers[0].has_psk = false;
	wg_changes_add(&s.changes, &set, &s.conf);
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
	wg_changes_add(&s.changes, &set, &s.conf);
	assert_int_equal(s.changes.n, 3);
	wg_changes_add(&s.changes, &all, &s.conf);
	assert_int_equal(s.changes.n, 2);
	assert_non_null(memmem(s.changes.v[0].text, s.changes.v[0].len, "listen_port=7\n", 14));
	assert_non_null(memmem(s.changes.v[1].text, s.changes.v[1].len, "replace_peers=true", 18));
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
	wg_changes_add(&s.changes, &set, &s.conf);
	assert_int_equal(s.changes.n, 0);
	assert_memory_equal(s.conf.interface.private_key, set.private_key, KEY_LEN);
	wg_changes_clear(&s.changes);
}

/* Beyond the limit a change is not stored, which is recorded; keys are wiped all the same. */
static void test_too_many(void **state)
{
	struct uapi_set set = { .peers_len = 1 };
	struct site s;

	make(&s);
	set.peers = s.peers;
	wg_changes_add(&s.changes, &set, &s.conf);
	s.changes.len += WG_CHANGES_MAX;
	wg_changes_add(&s.changes, &set, &s.conf);
	assert_true(s.changes.lost);
	assert_int_equal(s.changes.n, 1);
	assert_false(has(&s.changes, "a0"));
	wg_changes_clear(&s.changes);
	assert_false(s.changes.lost);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_psk_replaced),
		cmocka_unit_test(test_psk_stays),
		cmocka_unit_test(test_peer_removed),
		cmocka_unit_test(test_peers_replaced),
		cmocka_unit_test(test_private_key),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests_name("wg_changes", tests, NULL, NULL);
}
