/* SPDX-License-Identifier: MIT */
/* Many changes of wg(8) merged to few, with the same effect. */
#include "backend/wg_merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/secret.h"

/** A peer after the changes so far. */
struct merged_peer {
	struct uapi_peer peer; /* without prefixes; what the file sets is not in it */
	bool exists;
	bool in_file;	   /* the changes start from it */
	bool removed;	   /* what the file sets has no effect any more */
	bool has_others;   /* its prefixes are not those of the file */
	size_t cleared_at; /* when it has lost all prefixes; 0: never */
};

/** A prefix that the file or a change has added to a peer, or a change has removed from it. */
struct merged_prefix {
	struct ip_prefix prefix; /* without host bits */
	bool remove;
	size_t peer; /* an index */
	size_t at;
};

/** The state after the changes so far. */
struct merge {
	struct merged_peer *peers; /* `n`, sorted by public key: of the file and all changes */
	size_t n;
	struct merged_prefix *prefixes; /* `n_prefixes` */
	size_t n_prefixes;
	size_t clock;	/* counts what is done to prefixes */
	size_t of_file; /* the clock after what the file sets */
	struct uapi_set device;
};

/* ---- peers ---- */

static int compare_peers(const void *a, const void *b)
{
	const struct merged_peer *x = a;
	const struct merged_peer *y = b;

	return memcmp(x->peer.public_key, y->peer.public_key, KEY_LEN);
}

/* List the peers of the file and of all changes. Return: 0 or -ENOMEM. */
static int list_peers(struct merge *m, const struct wg_changes *c, const struct conf_site *conf)
{
	size_t n = 0;

	m->peers = calloc(c->n + conf->n_peers + 1, sizeof(*m->peers));
	if (!m->peers)
		return -ENOMEM;
	for (size_t i = 0; i < conf->n_peers; i++)
		memcpy(m->peers[n++].peer.public_key, conf->peers[i].public_key, KEY_LEN);
	for (size_t i = 0; i < c->n; i++)
		if (!c->v[i].of_device)
			memcpy(m->peers[n++].peer.public_key, c->v[i].peer, KEY_LEN);
	qsort(m->peers, n, sizeof(*m->peers), compare_peers);
	for (size_t i = 0; i < n; i++)
		if (!i || compare_peers(&m->peers[i], &m->peers[m->n - 1]) != 0)
			m->peers[m->n++] = m->peers[i];
	return 0;
}

static struct merged_peer *find(const struct merge *m, const uint8_t public_key[static KEY_LEN])
{
	struct merged_peer key = { .exists = false };

	memcpy(key.peer.public_key, public_key, KEY_LEN);
	return bsearch(&key, m->peers, m->n, sizeof(key), compare_peers);
}

static void remove_peer(struct merge *m, struct merged_peer *peer)
{
	struct merged_peer none = {
		.in_file = peer->in_file, .removed = true, .cleared_at = ++m->clock
	};

	memcpy(none.peer.public_key, peer->peer.public_key, KEY_LEN);
	*peer = none;
}

static int change_prefix(struct merge *m, const struct merged_peer *peer,
	const struct ip_prefix *prefix, bool remove)
{
	struct merged_prefix *p = array_grow(&m->prefixes, &m->n_prefixes, sizeof(*m->prefixes));

	if (!p)
		return -ENOMEM;
	*p = (struct merged_prefix){ .prefix = ip_prefix_masked(prefix),
		.remove = remove,
		.peer = (size_t)(peer - m->peers),
		.at = ++m->clock };
	return 0;
}

static int change_prefixes(struct merge *m, struct merged_peer *peer, const struct uapi_peer *by)
{
	int err = 0;

	if (by->replace_allowed_ips)
		peer->cleared_at = ++m->clock;
	for (size_t i = 0; i < by->prefixes_len && !err; i++)
		err = change_prefix(m, peer, &by->prefixes[i].prefix, by->prefixes[i].remove);
	return err;
}

/* Begin with the peers of the file. One with our own public key is none, and stays removed if that
 * changes. Return: 0 or -ENOMEM. */
static int add_file(struct merge *m, const struct conf_site *conf)
{
	const uint8_t *own = conf->interface.private_key;
	bool has_own = !secret_is_zero(own, KEY_LEN);
	int err = 0;

	for (size_t i = 0; i < conf->n_peers && !err; i++) {
		const struct conf_peer *from = &conf->peers[i];
		struct merged_peer *peer = find(m, from->public_key);

		peer->in_file = true;
		peer->removed = has_own && !memcmp(from->public_key, own, KEY_LEN);
		peer->exists = !peer->removed;
		if (peer->removed)
			continue;
		for (size_t k = 0; k < from->allowed_ips.n && !err; k++)
			err = change_prefix(m, peer, &from->allowed_ips.v[k].prefix, false);
	}
	m->of_file = m->clock;
	return err;
}

/* Change a peer as an engine would. Return: 0 or -errno. */
static int change_peer(struct merge *m, const struct uapi_peer *by)
{
	struct merged_peer *peer = find(m, by->public_key);

	if (!peer)
		return -EBADMSG;
	if (by->remove)
		remove_peer(m, peer);
	if (by->remove || (by->update_only && !peer->exists))
		return 0;
	peer->exists = true;
	if (by->has_psk) {
		peer->peer.has_psk = true;
		memcpy(peer->peer.psk, by->psk, KEY_LEN);
	}
	if (by->has_endpoint) {
		peer->peer.has_endpoint = true;
		peer->peer.endpoint = by->endpoint;
	}
	if (by->has_keepalive) {
		peer->peer.has_keepalive = true;
		peer->peer.keepalive_s = by->keepalive_s;
	}
	return change_prefixes(m, peer, by);
}

/* Do what one request does. Return: 0 or -errno. */
static int apply(struct merge *m, const struct uapi_set *set)
{
	int err = 0;

	if (set->has_listen_port) {
		m->device.has_listen_port = true;
		m->device.listen_port = set->listen_port;
	}
	if (set->has_fwmark) {
		m->device.has_fwmark = true;
		m->device.fwmark = set->fwmark;
	}
	m->device.replace_peers |= set->replace_peers;
	for (size_t i = 0; set->replace_peers && i < m->n; i++)
		remove_peer(m, &m->peers[i]);
	for (size_t i = 0; i < set->peers_len && !err; i++)
		err = change_peer(m, &set->peers[i]);
	return err;
}

/* ---- prefixes ---- */

static int compare_numbers(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

/* By prefix, and each in the order of time. */
static int by_prefix(const void *a, const void *b)
{
	const struct merged_prefix *x = a;
	const struct merged_prefix *y = b;
	int order = ip_prefix_compare(&x->prefix, &y->prefix);

	return order ? order : compare_numbers(x->at, y->at);
}

/* By peer, and each in the order of time. */
static int by_peer(const void *a, const void *b)
{
	const struct merged_prefix *x = a;
	const struct merged_prefix *y = b;
	int order = compare_numbers(x->peer, y->peer);

	return order ? order : compare_numbers(x->at, y->at);
}

/* Find who has the prefix of `v[0]` after what is done to it up to `last`: the last one that has
 * added it, unless it has removed it later. `v`: `n`, in the order of time. Return: NULL if no
 * peer has it. */
static const struct merged_prefix *owner_of(const struct merged_prefix *v, size_t n, size_t last)
{
	const struct merged_prefix *owner = NULL;

	for (size_t i = 0; i < n && v[i].at <= last; i++)
		if (!v[i].remove)
			owner = &v[i];
		else if (owner && v[i].peer == owner->peer)
			owner = NULL;
	return owner;
}

/* Note at both peers that a prefix is no longer where the file has it. */
static void note_moved(
	struct merge *m, const struct merged_prefix *before, const struct merged_prefix *after)
{
	if (before && after && before->peer == after->peer)
		return;
	if (before)
		m->peers[before->peer].has_others = true;
	if (after)
		m->peers[after->peer].has_others = true;
}

/* Reduce the prefixes to those that a peer still has: one can have lost them all together. */
static void settle_prefixes(struct merge *m)
{
	struct merged_prefix *v = m->prefixes;
	size_t n = 0;
	size_t next;

	if (m->n_prefixes)
		qsort(v, m->n_prefixes, sizeof(*v), by_prefix);
	for (size_t i = 0; i < m->n_prefixes; i = next) {
		const struct merged_prefix *owner;

		for (next = i + 1; next < m->n_prefixes; next++)
			if (!ip_prefix_equal(&v[i].prefix, &v[next].prefix))
				break;
		owner = owner_of(&v[i], next - i, SIZE_MAX);
		if (owner && owner->at <= m->peers[owner->peer].cleared_at)
			owner = NULL;
		note_moved(m, owner_of(&v[i], next - i, m->of_file), owner);
		if (owner)
			v[n++] = *owner;
	}
	m->n_prefixes = n;
	if (n)
		qsort(v, n, sizeof(*v), by_peer);
}

/* ---- the merged changes ---- */

static void store_device(const struct merge *m, struct wg_changes *ret)
{
	const struct uapi_set port = { .has_listen_port = true,
		.listen_port = m->device.listen_port };
	const struct uapi_set mark = { .has_fwmark = true, .fwmark = m->device.fwmark };
	const struct uapi_set peers = { .replace_peers = true };

	if (m->device.has_listen_port)
		wg_changes_store(ret, &port, NULL);
	if (m->device.has_fwmark)
		wg_changes_store(ret, &mark, NULL);
	if (m->device.replace_peers)
		wg_changes_store(ret, &peers, NULL);
}

/* Store what is left of the changes of a peer, with the prefixes that it has. */
static void store_peer(const struct merge *m, const struct merged_peer *from,
	struct uapi_prefix *prefixes, size_t n, struct wg_changes *ret)
{
	struct uapi_peer peer = from->peer;
	const struct uapi_set set = { .peers = &peer, .peers_len = 1 };
	bool of_file = from->in_file && !from->removed;

	if (from->in_file && from->removed && !m->device.replace_peers) {
		struct uapi_peer gone = { .remove = true };
		const struct uapi_set remove = { .peers = &gone, .peers_len = 1 };

		memcpy(gone.public_key, peer.public_key, KEY_LEN);
		wg_changes_store(ret, &remove, peer.public_key);
	}
	if (from->has_others || !of_file) {
		peer.replace_allowed_ips = true;
		peer.prefixes = prefixes;
		peer.prefixes_len = n;
	}
	if (from->exists && (!of_file || from->has_others || peer.has_psk || peer.has_endpoint ||
				    peer.has_keepalive))
		wg_changes_store(ret, &set, peer.public_key);
	secret_wipe(&peer, sizeof(peer));
}

/* Store all, one change for each peer, or two: its removal and what came after it. Return: 0; or
 * -ENOMEM, with some of them stored. */
static int store(const struct merge *m, struct wg_changes *ret)
{
	struct uapi_prefix *prefixes = calloc(m->n_prefixes + 1, sizeof(*prefixes));
	size_t used = 0;

	if (!prefixes)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_prefixes; i++)
		prefixes[i].prefix = m->prefixes[i].prefix;
	store_device(m, ret);
	for (size_t i = 0; i < m->n; i++) {
		size_t first = used;

		while (used < m->n_prefixes && m->prefixes[used].peer == i)
			used++;
		store_peer(m, &m->peers[i], &prefixes[first], used - first, ret);
	}
	free(prefixes);
	return ret->lost ? -ENOMEM : 0;
}

/* Apply all changes to the peers of the file. Return: 0 or -errno. */
static int apply_all(struct merge *m, const struct wg_changes *c, const struct conf_site *conf)
{
	int err = list_peers(m, c, conf);

	if (!err)
		err = add_file(m, conf);
	for (size_t i = 0; i < c->n && !err; i++) {
		struct uapi_request request = { 0 };

		err = wg_change_parse(&c->v[i], &request);
		if (!err)
			err = apply(m, &request.set);
		uapi_request_fini(&request);
	}
	return err;
}

int wg_merge(struct wg_changes *c, const struct conf_site *conf)
{
	struct merge m = { 0 };
	struct wg_changes merged = { 0 };
	int err = apply_all(&m, c, conf);

	if (!err) {
		settle_prefixes(&m);
		err = store(&m, &merged);
	}
	if (m.peers)
		secret_wipe(m.peers, m.n * sizeof(*m.peers));
	free(m.peers);
	free(m.prefixes);
	if (err < 0) {
		wg_changes_clear(&merged);
		return err;
	}
	merged.lost = c->lost;
	merged.merge_at = c->merge_at;
	wg_changes_clear(c);
	*c = merged;
	return 0;
}

void wg_merge_grown(struct wg_changes *c, const struct conf_site *conf)
{
	if (c->len <= c->merge_at || c->len <= WG_MERGE_MIN)
		return;
	(void)!wg_merge(c, conf); /* else they are as before */
	c->merge_at = 2 * c->len;
}
