/* SPDX-License-Identifier: MIT */
/* The secret keys of a site as the monitor stores them, and marks in their place for the engine. */
#include "backend/key_ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/sorted.h"
#include "crypto/x25519.h"

/* ---- memory: nothing is freed before it is wiped ---- */

static void release_peers(struct key_ring *r)
{
	if (r->peers)
		secret_wipe(r->peers, r->capacity * sizeof(*r->peers));
	free(r->peers);
	r->peers = NULL;
	r->n = 0;
	r->capacity = 0;
}

void key_ring_clear(struct key_ring *r)
{
	release_peers(r);
	secret_wipe(r, sizeof(*r));
}

int key_ring_copy(const struct key_ring *r, struct key_ring *ret)
{
	*ret = *r;
	ret->capacity = r->n + 1;
	ret->peers = calloc(ret->capacity, sizeof(*ret->peers));
	if (!ret->peers) {
		secret_wipe(ret, sizeof(*ret));
		return -ENOMEM;
	}
	if (r->n)
		memcpy(ret->peers, r->peers, r->n * sizeof(*r->peers));
	return 0;
}

static int grow(struct key_ring *r)
{
	size_t capacity = r->capacity ? 2 * r->capacity : 8;
	struct key_ring_peer *peers = calloc(capacity, sizeof(*peers));
	size_t n = r->n;

	if (!peers)
		return -ENOMEM;
	if (n)
		memcpy(peers, r->peers, n * sizeof(*peers));
	release_peers(r);
	r->peers = peers;
	r->n = n;
	r->capacity = capacity;
	return 0;
}

/* ---- peers ---- */

static struct sorted by_key(const struct key_ring *r)
{
	return (struct sorted){ r->peers, r->n, sizeof(*r->peers),
		offsetof(struct key_ring_peer, public_key), KEY_LEN };
}

static struct key_ring_peer *find(const struct key_ring *r, const uint8_t *public_key)
{
	const struct sorted peers = by_key(r);
	size_t i = sorted_find(&peers, public_key);

	return i < r->n ? &r->peers[i] : NULL;
}

bool key_ring_has(const struct key_ring *r, const uint8_t public_key[static KEY_LEN])
{
	return find(r, public_key);
}

static void remove_at(struct key_ring *r, size_t i)
{
	r->n--;
	memmove(&r->peers[i], &r->peers[i + 1], (r->n - i) * sizeof(*r->peers));
	secret_wipe(&r->peers[r->n], sizeof(*r->peers));
}

static void remove_peer(struct key_ring *r, const uint8_t *public_key)
{
	struct key_ring_peer *peer = find(r, public_key);

	if (peer)
		remove_at(r, (size_t)(peer - r->peers));
}

/* Whether it is our own public key. Without a private key we have none, and a peer may have any. */
static bool is_own(const struct key_ring *r, const uint8_t *public_key)
{
	return !secret_is_zero(r->private_key, KEY_LEN) &&
	       memcmp(public_key, r->public_key, KEY_LEN) == 0;
}

/* The peer, which is added if it is new. Our own public key is no peer, as in the engine. Return: 0
 * with `ret` NULL for that; or -ENOMEM. */
static int add_peer(struct key_ring *r, const uint8_t *public_key, struct key_ring_peer **ret)
{
	struct sorted peers;
	size_t i;

	*ret = find(r, public_key);
	if (*ret || is_own(r, public_key))
		return 0;
	if (r->n == r->capacity && grow(r) < 0)
		return -ENOMEM;
	peers = by_key(r);
	i = sorted_position(&peers, public_key);
	memmove(&r->peers[i + 1], &r->peers[i], (r->n - i) * sizeof(*r->peers));
	r->peers[i] = (struct key_ring_peer){ .mark = 0 };
	memcpy(r->peers[i].public_key, public_key, KEY_LEN);
	r->n++;
	*ret = &r->peers[i];
	return 0;
}

/* Set a preshared key, with a new mark if it is another one, and replace it by the mark. */
static void take_psk(struct key_ring *r, struct key_ring_peer *peer, uint8_t psk[static KEY_LEN])
{
	if (secret_is_zero(psk, KEY_LEN))
		peer->mark = 0;
	else if (!secret_equal(peer->psk, psk, KEY_LEN))
		peer->mark = ++r->last_mark;
	memcpy(peer->psk, psk, KEY_LEN);
	secret_wipe(psk, KEY_LEN);
	store_le64(psk, peer->mark);
}

/* Set our private key, and replace it by the public one. */
static int take_private_key(struct key_ring *r, uint8_t key[static KEY_LEN])
{
	int err = 0;

	r->has_taken = true;
	secret_wipe(r->private_key, KEY_LEN);
	memset(r->public_key, 0, KEY_LEN);
	if (!secret_is_zero(key, KEY_LEN)) {
		memcpy(r->private_key, key, KEY_LEN);
		x25519_clamp(r->private_key);
		err = x25519_public(r->private_key, r->public_key);
		secret_wipe_stack();
		remove_peer(r, r->public_key);
	}
	memcpy(key, r->public_key, KEY_LEN);
	return err;
}

/* ---- configurations ---- */

int key_ring_take_conf(struct key_ring *r, struct conf_site *conf)
{
	int err = take_private_key(r, conf->interface.private_key);

	for (size_t i = 0; i < conf->n_peers && !err; i++) {
		struct key_ring_peer *peer;

		err = add_peer(r, conf->peers[i].public_key, &peer);
		if (peer)
			take_psk(r, peer, conf->peers[i].preshared_key);
		else if (!err)
			secret_wipe(conf->peers[i].preshared_key, KEY_LEN);
	}
	return err;
}

void key_ring_give_back(const struct key_ring *r, struct conf_site *conf)
{
	if (!r->has_taken)
		return;
	memcpy(conf->interface.private_key, r->private_key, KEY_LEN);
	for (size_t i = 0; i < conf->n_peers; i++) {
		const struct key_ring_peer *peer = find(r, conf->peers[i].public_key);

		if (peer)
			memcpy(conf->peers[i].preshared_key, peer->psk, KEY_LEN);
	}
}

void key_ring_sweep(struct key_ring *r, const struct conf_site *conf)
{
	for (size_t i = r->n; i-- > 0;)
		if (!conf_peer_find(conf, r->peers[i].public_key))
			remove_at(r, i);
}

/* ---- wg(8) ---- */

static int set_peer(struct key_ring *r, struct uapi_peer *set)
{
	struct key_ring_peer *peer = NULL;
	int err = 0;

	if (set->remove)
		remove_peer(r, set->public_key);
	else if (set->update_only)
		peer = find(r, set->public_key);
	else
		err = add_peer(r, set->public_key, &peer);
	if (peer && set->has_psk)
		take_psk(r, peer, set->psk);
	else
		secret_wipe(set->psk, KEY_LEN);
	return err;
}

int key_ring_set(struct key_ring *r, const struct uapi_set *set, struct uapi_set *ret)
{
	int err = 0;

	*ret = *set;
	ret->peers = calloc(set->peers_len + 1, sizeof(*ret->peers));
	if (!ret->peers) {
		secret_wipe(ret, sizeof(*ret));
		return -ENOMEM;
	}
	if (set->peers_len)
		memcpy(ret->peers, set->peers, set->peers_len * sizeof(*ret->peers));
	if (set->has_private_key)
		err = take_private_key(r, ret->private_key);
	if (set->replace_peers)
		while (r->n)
			remove_at(r, r->n - 1);
	for (size_t i = 0; i < set->peers_len && !err; i++)
		err = set_peer(r, &ret->peers[i]);
	if (err < 0)
		key_ring_free_set(ret);
	return err;
}

void key_ring_free_set(struct uapi_set *set)
{
	secret_wipe(set->peers, set->peers_len * sizeof(*set->peers));
	free(set->peers);
	secret_wipe(set, sizeof(*set));
}

/* Whether the line `at`, of `len` characters, is `name` and a key. */
static bool is_key_line(const char *at, size_t len, const char *name)
{
	size_t n = strlen(name);

	return len == n + KEY_HEX_LEN && memcmp(at, name, n) == 0;
}

static void put_key(char *at, const char *name, const uint8_t key[static KEY_LEN])
{
	char hex[KEY_HEX_LEN + 1];

	key_to_hex(key, hex);
	memcpy(at + strlen(name), hex, KEY_HEX_LEN);
	secret_wipe(hex, sizeof(hex));
}

void key_ring_fill_reply(const struct key_ring *r, char *text, size_t len)
{
	static const char private_key[] = "private_key=";
	static const char public_key[] = "public_key=";
	static const char psk[] = "preshared_key=";
	const struct key_ring_peer *peer = NULL;
	uint8_t key[KEY_LEN];
	bool again = false; /* an engine that repeats a line gets no further copy */

	for (char *at = text, *end = text + len; at < end;) {
		char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t line = (size_t)((newline ? newline : end) - at);

		if (is_key_line(at, line, private_key)) {
			if (!again)
				put_key(at, private_key, r->private_key);
			again = true;
		} else if (is_key_line(at, line, public_key)) {
			peer = key_from_hex(at + sizeof(public_key) - 1, KEY_HEX_LEN, key) == 0
				       ? find(r, key)
				       : NULL;
		} else if (peer && is_key_line(at, line, psk)) {
			put_key(at, psk, peer->psk);
			peer = NULL;
		}
		at += line + 1;
	}
}
