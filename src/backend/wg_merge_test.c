/* SPDX-License-Identifier: MIT */
/* Tests of merged changes: a device that gets them is as one that has got all, and a script that
 * repeats a change for ever fills no memory. */
#include "backend/wg_merge.h"

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

/* A device with the peers of a file. One with our own public key is none. */
static void make(const struct conf_site *conf, struct device *ret)
{
	*ret = (struct device){ .port = 0 };
	for (size_t i = 0; i < PREFIXES; i++)
		ret->owner[i] = -1;
	for (size_t i = 0; i < conf->n_peers; i++) {
		const struct conf_peer *p = &conf->peers[i];
		int at = p->public_key[0] - 1;

		if (!memcmp(p->public_key, conf->interface.private_key, KEY_LEN))
			continue;
		ret->peers[at] = (struct peer){ .exists = true,
			.psk = p->preshared_key[0],
			.port = p->endpoint_port,
			.keepalive_s = p->keepalive_s };
		for (size_t k = 0; k < p->allowed_ips.n; k++)
			ret->owner[p->allowed_ips.v[k].prefix.addr.bytes[2]] = at;
	}
}

/* What a device with the peers of a file is that gets the changes. */
static void repeat(const struct wg_changes *c, const struct conf_site *conf, struct device *ret)
{
	make(conf, ret);
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

/* ---- a file ---- */

/** Some of the peers, with prefixes. */
struct file {
	struct conf_site conf;
	struct conf_peer peers[PEERS];
	struct conf_prefix prefixes[PREFIXES];
};

/* Peers 0 to `n` - 1, with the prefixes 0 to `n`. */
static void make_file(struct file *f, size_t n)
{
	*f = (struct file){ .conf = { .peers = f->peers, .n_peers = n } };
	for (size_t i = 0; i < PREFIXES; i++)
		f->prefixes[i].prefix =
			(struct ip_prefix){ ip_addr_v4((uint8_t[4]){ 10, 0, (uint8_t)i, 0 }), 24 };
	for (size_t i = 0; i < n; i++) {
		memset(f->peers[i].public_key, 1 + (int)i, KEY_LEN);
		memset(f->peers[i].preshared_key, 100 + (int)i, KEY_LEN);
		f->peers[i].endpoint_port = (uint16_t)(200 + i);
		f->peers[i].keepalive_s = (uint16_t)(300 + i);
		f->peers[i].allowed_ips =
			(struct conf_prefixes){ &f->prefixes[i], i + 1 < n ? 1 : 2 };
	}
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

/* Whatever the file has, and whatever was changed. */
static void test_same(void **state)
{
	unsigned seed = 1;

	for (unsigned round = 0; round < 2000; round++) {
		struct wg_changes c = { 0 };
		struct device all, merged;
		unsigned n = below(&seed, 40);
		struct file f;

		make_file(&f, below(&seed, PEERS + 1));
		make(&f.conf, &all);
		for (unsigned i = 0; i < n; i++) {
			struct request r;

			fill(&r, &seed);
			change(&all, &r.set);
			wg_changes_add(&c, &r.set, &f.conf, none);
			if (!below(&seed, 10))
				assert_int_equal(wg_merge(&c, &f.conf), 0);
		}
		repeat(&c, &f.conf, &merged);
		assert_same(&all, &merged);
		assert_int_equal(wg_merge(&c, &f.conf), 0);
		assert_true(c.n <= PEERS + f.conf.n_peers + 3);
		repeat(&c, &f.conf, &merged);
		assert_same(&all, &merged);
		wg_changes_clear(&c);
	}
}

/* What has become as in the file needs no change. */
static void test_as_in_file(void **state)
{
	struct file f;
	struct uapi_prefix prefix = { .prefix = { ip_addr_v4((uint8_t[4]){ 10, 0, 0, 0 }), 24 } };
	struct uapi_peer peer = { .prefixes = &prefix, .prefixes_len = 1 };
	const struct uapi_set set = { .peers = &peer, .peers_len = 1 };
	struct wg_changes c = { 0 };

	make_file(&f, 2);
	for (int i = 2; i > 0; i--) { /* to the second peer, and back to the first */
		memset(peer.public_key, i, KEY_LEN);
		wg_changes_add(&c, &set, &f.conf, none);
	}
	assert_int_equal(c.n, 2);
	assert_int_equal(wg_merge(&c, &f.conf), 0);
	assert_int_equal(c.n, 0);
	wg_changes_clear(&c);
}

/* A script sets an endpoint for weeks, and syncs the configuration: nothing is lost. */
static void for_ever(size_t in_file)
{
	struct wg_changes c = { 0 };
	struct device all, merged;
	size_t longest = 0;
	unsigned seed = 2;
	struct file f;

	make_file(&f, in_file);
	make(&f.conf, &all);
	for (unsigned i = 0; i < 60000; i++) {
		struct request r;

		fill(&r, &seed);
		r.set.replace_peers = false;
		change(&all, &r.set);
		wg_changes_add(&c, &r.set, &f.conf, none);
		wg_merge_grown(&c, &f.conf);
		longest = c.len > longest ? c.len : longest;
	}
	assert_false(c.lost);
	assert_true(longest < WG_MERGE_MIN + 4096);
	repeat(&c, &f.conf, &merged);
	assert_same(&all, &merged);
	wg_changes_clear(&c);
}

static void test_for_ever(void **state)
{
	for_ever(0);
}

static void test_for_ever_in_file(void **state)
{
	for_ever(3);
}

/* A peer of the file whose key becomes the device's own is none, also when that changes again. */
static void test_becomes_own(void **state)
{
	struct uapi_set set = { .has_private_key = true };
	struct wg_changes c = { 0 };
	struct device merged;
	struct file f;

	make_file(&f, 2);
	for (int key = 1; key <= 5; key += 4) { /* that of the first peer, and another */
		memset(set.private_key, key, KEY_LEN);
		wg_changes_add(&c, &set, &f.conf, set.private_key);
		repeat(&c, &f.conf, &merged);
		assert_false(merged.peers[0].exists);
		assert_int_equal(wg_merge(&c, &f.conf), 0);
		repeat(&c, &f.conf, &merged);
		assert_false(merged.peers[0].exists);
		assert_true(merged.peers[1].exists);
	}
	assert_int_equal(c.n, 1);
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
	assert_int_equal(wg_merge(&c, &conf), 0);
	repeat(&c, &conf, &merged);
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
	assert_int_equal(wg_merge(&c, &conf), 0);
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
		cmocka_unit_test(test_as_in_file),
		cmocka_unit_test(test_for_ever),
		cmocka_unit_test(test_for_ever_in_file),
		cmocka_unit_test(test_becomes_own),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_zero_key),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
