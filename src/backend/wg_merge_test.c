/* SPDX-License-Identifier: MIT */
/* Tests of merged changes: a device that gets them is as one that has got all, and a script that
 * repeats a change for ever fills no memory. */
#include "backend/wg_merge.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

#define PEERS	 5
#define PREFIXES 6

/* We have no public key. */
static const uint8_t none[KEY_LEN];

/* ---- a device, as simple as possible ---- */

/** What it knows of a peer. */
struct peer {
	bool exists;
	uint8_t psk;
	uint16_t port; /* of its endpoint; 0: none */
	uint16_t keepalive_s;
};

/** The device. The peer `i` has a public key of bytes `i` + 1. */
struct device {
	struct peer peers[PEERS];
	int owner[PREFIXES]; /* of 10.0.`i`.0/24: an index of a peer, or -1 */
	uint16_t port;
	uint32_t fwmark;
};

static void lose_prefixes(struct device *d, int peer)
{
	for (size_t i = 0; i < PREFIXES; i++)
		if (d->owner[i] == peer)
			d->owner[i] = -1;
}

static void change_prefix(struct device *d, int peer, const struct uapi_prefix *p)
{
	int *owner = &d->owner[p->prefix.addr.bytes[2]];

	assert_int_equal(p->prefix.len, 24);
	if (!p->remove)
		*owner = peer;
	else if (*owner == peer)
		*owner = -1;
}

static void change_peer(struct device *d, const struct uapi_peer *by)
{
	int i = by->public_key[0] - 1;
	struct peer *p = &d->peers[i];

	if (by->remove) {
		*p = (struct peer){ .exists = false };
		lose_prefixes(d, i);
	}
	if (by->remove || (by->update_only && !p->exists))
		return;
	p->exists = true;
	if (by->has_psk)
		p->psk = by->psk[0];
	if (by->has_endpoint)
		p->port = by->endpoint.port;
	if (by->has_keepalive)
		p->keepalive_s = by->keepalive_s;
	if (by->replace_allowed_ips)
		lose_prefixes(d, i);
	for (size_t k = 0; k < by->prefixes_len; k++)
		change_prefix(d, i, &by->prefixes[k]);
}

static void change(struct device *d, const struct uapi_set *set)
{
	if (set->has_listen_port)
		d->port = set->listen_port;
	if (set->has_fwmark)
		d->fwmark = set->fwmark;
	for (int i = 0; set->replace_peers && i < PEERS; i++) {
		d->peers[i] = (struct peer){ .exists = false };
		lose_prefixes(d, i);
	}
	for (size_t i = 0; i < set->peers_len; i++)
		change_peer(d, &set->peers[i]);
}

static void make(struct device *d)
{
	*d = (struct device){ .port = 0 };
	for (size_t i = 0; i < PREFIXES; i++)
		d->owner[i] = -1;
}

/* What a device is that gets the changes. */
static void repeat(const struct wg_changes *c, struct device *ret)
{
	make(ret);
	for (size_t i = 0; i < c->n; i++) {
		struct uapi_request request = { 0 };

		assert_int_equal(wg_change_parse(&c->v[i], &request), 0);
		change(ret, &request.set);
		uapi_request_fini(&request);
	}
}

static void assert_same(const struct device *a, const struct device *b)
{
	for (size_t i = 0; i < PEERS; i++) {
		assert_int_equal(a->peers[i].exists, b->peers[i].exists);
		assert_int_equal(a->peers[i].psk, b->peers[i].psk);
		assert_int_equal(a->peers[i].port, b->peers[i].port);
		assert_int_equal(a->peers[i].keepalive_s, b->peers[i].keepalive_s);
	}
	assert_memory_equal(a->owner, b->owner, sizeof(a->owner));
	assert_int_equal(a->port, b->port);
	assert_int_equal(a->fwmark, b->fwmark);
}

/* ---- changes ---- */

/** A request that changes one peer. */
struct request {
	struct uapi_set set;
	struct uapi_peer peer;
	struct uapi_prefix prefixes[2];
};

static unsigned below(unsigned *seed, unsigned n)
{
	*seed = *seed * 1103515245U + 12345U;
	return (*seed >> 16) % n;
}

/* A random request; few of them concern the device or all peers. */
static void fill(struct request *r, unsigned *seed)
{
	struct uapi_peer *p = &r->peer;

	*r = (struct request){ .set = { .peers = p, .peers_len = 1 } };
	r->set.has_listen_port = !below(seed, 9);
	r->set.listen_port = (uint16_t)below(seed, 60000);
	r->set.has_fwmark = !below(seed, 9);
	r->set.fwmark = below(seed, 100);
	r->set.replace_peers = !below(seed, 40);
	memset(p->public_key, 1 + (int)below(seed, PEERS), KEY_LEN);
	p->remove = !below(seed, 8);
	p->update_only = !below(seed, 3);
	p->has_psk = !below(seed, 3);
	memset(p->psk, (int)below(seed, 250), KEY_LEN);
	p->has_endpoint = !below(seed, 2);
	p->endpoint = (struct endpoint){ .addr = ip_addr_v4((uint8_t[4]){ 192, 0, 2, 1 }),
		.port = (uint16_t)(1 + below(seed, 60000)) };
	p->has_keepalive = !below(seed, 3);
	p->keepalive_s = (uint16_t)below(seed, 60);
	p->replace_allowed_ips = !below(seed, 4);
	p->prefixes = r->prefixes;
	p->prefixes_len = below(seed, 3);
	for (size_t i = 0; i < p->prefixes_len; i++) {
		const uint8_t bytes[4] = { 10, 0, (uint8_t)below(seed, PREFIXES),
			(uint8_t)below(seed, 256) };

		r->prefixes[i] = (struct uapi_prefix){ .prefix = { ip_addr_v4(bytes), 24 },
			.remove = !below(seed, 3) };
	}
}

static void test_same(void **state)
{
	unsigned seed = 1;

	for (unsigned round = 0; round < 2000; round++) {
		struct conf_site conf = { .n_peers = 0 };
		struct wg_changes c = { 0 };
		struct device all, merged;
		unsigned n = below(&seed, 40);

		make(&all);
		for (unsigned i = 0; i < n; i++) {
			struct request r;

			fill(&r, &seed);
			change(&all, &r.set);
			wg_changes_add(&c, &r.set, &conf, none);
			if (!below(&seed, 10))
				assert_int_equal(wg_merge(&c, true), 0);
		}
		repeat(&c, &merged);
		assert_same(&all, &merged);
		assert_int_equal(wg_merge(&c, true), 0);
		assert_true(c.n <= PEERS + 3);
		repeat(&c, &merged);
		assert_same(&all, &merged);
		wg_changes_clear(&c);
	}
}

/* Of a site with peers of its file nothing is known before all peers are replaced. */
static void test_not_empty(void **state)
{
	struct conf_peer in_file = { .public_key = { 1 } };
	struct conf_site conf = { .peers = &in_file, .n_peers = 1 };
	struct uapi_peer peer = { .public_key = { 2 }, .has_keepalive = true };
	struct uapi_set set = { .peers = &peer, .peers_len = 1 };
	struct wg_changes c = { 0 };

	for (unsigned i = 0; i < 3; i++)
		wg_changes_add(&c, &set, &conf, none);
	assert_int_equal(wg_merge(&c, false), -EOPNOTSUPP);
	assert_int_equal(c.n, 3);
	set.replace_peers = true;
	wg_changes_add(&c, &set, &conf, none);
	set.replace_peers = false;
	wg_changes_add(&c, &set, &conf, none);
	assert_int_equal(wg_merge(&c, false), 0);
	assert_int_equal(c.n, 2);
	wg_changes_clear(&c);
}

/* A script sets an endpoint for weeks, and syncs the configuration: nothing is lost. */
static void test_for_ever(void **state)
{
	struct conf_site conf = { .n_peers = 0 };
	struct wg_changes c = { 0 };
	struct device all, merged;
	size_t longest = 0;
	unsigned seed = 2;

	make(&all);
	for (unsigned i = 0; i < 60000; i++) {
		struct request r;

		fill(&r, &seed);
		r.set.replace_peers = false;
		change(&all, &r.set);
		wg_changes_add(&c, &r.set, &conf, none);
		wg_merge_grown(&c, &conf);
		longest = c.len > longest ? c.len : longest;
	}
	assert_false(c.lost);
	assert_true(longest < WG_MERGE_MIN + 4096);
	repeat(&c, &merged);
	assert_same(&all, &merged);
	wg_changes_clear(&c);
}

/* One file for all nodes, with a prefix at a peer and, later, at this node: the peer has it. */
static void test_own(void **state)
{
	struct conf_site conf = { .n_peers = 0 };
	struct uapi_prefix prefix = { .prefix = { ip_addr_v4((uint8_t[4]){ 10, 0, 1, 0 }), 24 } };
	struct uapi_peer peers[2] = { 0 };
	const struct uapi_set set = { .replace_peers = true, .peers = peers, .peers_len = 2 };
	struct wg_changes c = { 0 };
	struct device merged;

	for (int i = 0; i < 2; i++) {
		memset(peers[i].public_key, i + 1, KEY_LEN);
		peers[i].prefixes = &prefix;
		peers[i].prefixes_len = 1;
	}
	wg_changes_add(&c, &set, &conf, peers[1].public_key);
	assert_int_equal(wg_merge(&c, true), 0);
	repeat(&c, &merged);
	assert_true(merged.peers[0].exists);
	assert_false(merged.peers[1].exists);
	assert_int_equal(merged.owner[1], 0);
	wg_changes_clear(&c);
}

/* A peer whose public key is all zero is merged as any other. */
static void test_zero_key(void **state)
{
	struct conf_site conf = { .n_peers = 0 };
	struct uapi_peer peer = { .has_keepalive = true, .keepalive_s = 9 };
	const struct uapi_set set = { .peers = &peer, .peers_len = 1 };
	struct wg_changes c = { 0 };

	for (unsigned i = 0; i < 3; i++)
		wg_changes_add(&c, &set, &conf, none);
	assert_int_equal(wg_merge(&c, true), 0);
	assert_int_equal(c.n, 1);
	assert_non_null(memmem(c.v[0].text, c.v[0].len, "interval=9\n", 11));
	wg_changes_clear(&c);
}

/* A configuration that is large by itself is stored whole. */
static void test_large(void **state)
{
	static const size_t n = 8000;
	struct uapi_prefix prefixes[12];
	struct uapi_peer *peers = calloc(n, sizeof(*peers));
	struct conf_site conf = { .n_peers = 0 };
	struct uapi_set set = { .replace_peers = true, .peers = peers, .peers_len = n };
	struct wg_changes c = { 0 };

	assert_non_null(peers);
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		uint8_t bytes[16] = { 0x20, 1, 0xd, 0xb8, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc };

		bytes[15] = (uint8_t)i;
		prefixes[i] = (struct uapi_prefix){ .prefix = { ip_addr_v6(bytes), 128 } };
	}
	for (size_t i = 0; i < n; i++) {
		store_be32(peers[i].public_key, (uint32_t)i + 1);
		memset(peers[i].psk, 1, KEY_LEN);
		peers[i].has_psk = true;
		peers[i].replace_allowed_ips = true;
		peers[i].prefixes = prefixes;
		peers[i].prefixes_len = ARRAY_LEN(prefixes);
	}
	wg_changes_add(&c, &set, &conf, none);
	assert_true(c.len > WG_CHANGES_MAX);
	wg_merge_grown(&c, &conf);
	assert_false(c.lost);
	assert_int_equal(c.n, n + 1);
	assert_non_null(
		memmem(c.v[n].text, c.v[n].len, "allowed_ip=2001:db8:1234:5678:9abc::b/128", 41));
	wg_changes_clear(&c);
	free(peers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_not_empty),
		cmocka_unit_test(test_for_ever),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_zero_key),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
