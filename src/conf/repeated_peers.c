/* SPDX-License-Identifier: MIT */
/* Peers that a file of wg-quick(8) has several times, made one as `wg setconf` does. */
#include "conf/repeated_peers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

/* A [Peer] of the file. */
struct section {
	struct conf_peer *peer;
	const struct section *first; /* of the same public key, perhaps itself */
	const struct section *last;
};

/* A prefix of AllowedIPs. */
struct claim {
	struct conf_prefix *range;
	const struct section *section;
};

/* All of a file, in its order. */
struct merge {
	struct conf_site *site;
	struct conf_report *report;
	struct section *sections;
	size_t n_sections;
	struct claim *claims;
	size_t n_claims;
};

/* By public key, those without one apart; then by position in the file. */
static int compare_sections(const void *a, const void *b)
{
	const struct section *x = *(const struct section *const *)a;
	const struct section *y = *(const struct section *const *)b;
	int order = x->peer->has_public_key - y->peer->has_public_key;

	if (!order)
		order = memcmp(x->peer->public_key, y->peer->public_key, KEY_LEN);
	return order ? order : (x > y) - (x < y); /* in one array */
}

static bool is_same_peer(const struct section *x, const struct section *y)
{
	return x->peer->has_public_key && y->peer->has_public_key &&
	       !memcmp(x->peer->public_key, y->peer->public_key, KEY_LEN);
}

/* By prefix; then by position in the file. */
static int compare_claims(const void *a, const void *b)
{
	const struct claim *x = a;
	const struct claim *y = b;
	int order = ip_prefix_compare(&x->range->prefix, &y->range->prefix);

	if (!order)
		order = (x->section > y->section) - (x->section < y->section);
	return order ? order : (x->range > y->range) - (x->range < y->range);
}

/* Find the first and last [Peer] of each key. Return: 0 or -ENOMEM. */
static int find_peers(struct merge *m)
{
	struct section **sorted = calloc(m->n_sections + 1, sizeof(void *));

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_sections; i++)
		sorted[i] = &m->sections[i];
	qsort(sorted, m->n_sections, sizeof(void *), compare_sections);
	for (size_t i = 0, end; i < m->n_sections; i = end) {
		for (end = i + 1; end < m->n_sections && is_same_peer(sorted[i], sorted[end]);
			end++)
			;
		for (size_t k = i; k < end; k++) {
			sorted[k]->first = sorted[i];
			sorted[k]->last = sorted[end - 1];
		}
	}
	free(sorted);
	return 0;
}

/* Collect the file's [Peer]s. Return: 0 or -ENOMEM. */
static int collect(struct merge *m, uint32_t file)
{
	struct conf_site *site = m->site;
	size_t n = 0;

	m->sections = calloc(site->n_peers + 1, sizeof(*m->sections));
	if (!m->sections)
		return -ENOMEM;
	for (size_t i = 0; i < site->n_peers; i++) {
		if (site->peers[i].section.file != file)
			continue;
		m->sections[m->n_sections++].peer = &site->peers[i];
		n += site->peers[i].allowed_ips.n;
	}
	m->claims = calloc(n + 1, sizeof(*m->claims));
	if (!m->claims)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_sections; i++) {
		struct conf_prefixes *list = &m->sections[i].peer->allowed_ips;

		for (size_t k = 0; k < list->n; k++)
			m->claims[m->n_claims++] = (struct claim){ &list->v[k], &m->sections[i] };
	}
	qsort(m->claims, m->n_claims, sizeof(*m->claims), compare_claims);
	return find_peers(m);
}

/* A prefix belongs to the last of `n` claims: take it from other peers. */
static void judge_claims(struct merge *m, const struct claim *v, size_t n)
{
	const struct claim *last = &v[n - 1];
	char text[IP_PREFIX_TEXT_LEN];
	char place[CONF_PLACE_LEN];

	for (size_t i = 0; i < n; i++) {
		struct conf_prefix *range = v[i].range;

		if (v[i].section->first == last->section->first)
			continue;
		if (v[i].section == v[i].section->last)
			conf_report_add(m->report, CONF_WARNING, range->at,
				"AllowedIPs: %s belongs to another [Peer], in %s: wg(8) gives it "
				"to the last one that lists it\nremove it from one of the two",
				ip_prefix_text(&range->prefix, text),
				conf_place(m->site, last->range->at, range->at, place));
		range->at.line = 0; /* taken */
	}
}

/* Remove the prefixes that were taken. */
static void tidy_list(struct conf_prefixes *list)
{
	size_t left = 0;

	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].at.line)
			list->v[left++] = list->v[i];
	list->n = left;
}

static void replace_text(char **old, char **new)
{
	free(*old);
	*old = *new;
	*new = NULL;
}

/* A preshared key, or its file, in place of either. */
static void replace_preshared(struct conf_peer *old, struct conf_peer *new)
{
	replace_text(&old->preshared_key_file, &new->preshared_key_file);
	old->has_preshared_key = new->has_preshared_key;
	memcpy(old->preshared_key, new->preshared_key, sizeof(old->preshared_key));
	old->at[CONF_PEER_PRESHARED_KEY] = new->at[CONF_PEER_PRESHARED_KEY];
	old->at[CONF_PEER_PRESHARED_KEY_FILE] = new->at[CONF_PEER_PRESHARED_KEY_FILE];
}

/* Set what a later [Peer] sets. */
static void replace_values(struct conf_peer *old, struct conf_peer *new)
{
	bool has[CONF_PEER_KEYS];

	for (size_t i = 0; i < CONF_PEER_KEYS; i++)
		has[i] = new->at[i].line;
	if (has[CONF_PEER_PRESHARED_KEY] || has[CONF_PEER_PRESHARED_KEY_FILE])
		replace_preshared(old, new);
	if (has[CONF_PEER_ENDPOINT]) {
		replace_text(&old->endpoint_host, &new->endpoint_host);
		old->endpoint_port = new->endpoint_port;
	}
	if (has[CONF_PEER_KEEPALIVE])
		old->keepalive_s = new->keepalive_s;
	if (has[CONF_PEER_BANDWIDTH])
		old->bandwidth = new->bandwidth;
	if (has[CONF_PEER_NAMED])
		memcpy(old->name, new->name, sizeof(old->name));
	for (size_t i = 0; i < CONF_PEER_KEYS; i++)
		if (has[i] && i != CONF_PEER_PUBLIC_KEY)
			old->at[i] = new->at[i];
	free(old->allowed_ips.v);
	old->allowed_ips = new->allowed_ips;
	old->at[CONF_PEER_ALLOWED_IPS] = new->at[CONF_PEER_ALLOWED_IPS];
	new->allowed_ips = (struct conf_prefixes){ 0 };
}

/* Make one peer of each that has several [Peer]s. */
static void unite(struct merge *m)
{
	char place[CONF_PLACE_LEN];

	for (size_t i = 0; i < m->n_sections; i++) {
		const struct section *s = &m->sections[i];

		if (s == s->first)
			continue;
		conf_report_add(m->report, CONF_WARNING, s->peer->section,
			"[Peer] has the PublicKey of another one, in %s: its values and its "
			"AllowedIPs replace those, as with wg(8)\nmerge the two sections",
			conf_place(m->site, s->first->peer->section, s->peer->section, place));
		replace_values(s->first->peer, s->peer);
		s->peer->section.line = 0; /* merged */
	}
}

/* Free the sections that are merged: they are moved behind the others, which keep their order. */
static void drop_merged(struct conf_site *site)
{
	size_t left = 0;

	for (size_t i = 0; i < site->n_peers; i++) {
		struct conf_peer peer = site->peers[i];

		if (peer.section.line) {
			site->peers[i] = site->peers[left];
			site->peers[left++] = peer;
		}
		secret_wipe(&peer, sizeof(peer));
	}
	while (site->n_peers > left)
		conf_site_drop_peer(site, site->n_peers - 1);
}

int conf_merge_peers(struct conf_site *site, uint32_t file, struct conf_report *report)
{
	struct merge m = { .site = site, .report = report };
	int err = collect(&m, file);

	for (size_t i = 0, end; !err && i < m.n_claims; i = end) {
		for (end = i + 1; end < m.n_claims && ip_prefix_equal(&m.claims[i].range->prefix,
							      &m.claims[end].range->prefix);
			end++)
			;
		judge_claims(&m, &m.claims[i], end - i);
	}
	for (size_t i = 0; !err && i < m.n_sections; i++)
		tidy_list(&m.sections[i].peer->allowed_ips);
	if (!err) {
		unite(&m);
		drop_merged(site);
	}
	free(m.sections);
	free(m.claims);
	return err;
}
