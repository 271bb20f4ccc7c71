/* SPDX-License-Identifier: MIT */
/* Checks of peers: their keys and AllowedIPs. */
#include "conf/check_peer.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/low_order.h"

/* An entry of a peer's AllowedIPs, for sorting. */
struct claim {
	const struct conf_prefix *range;
	const struct conf_peer *peer;
};

static bool is_private_key(const struct conf_site *site, const uint8_t key[static KEY_LEN])
{
	return site->interface.has_private_key &&
	       secret_equal(site->interface.private_key, key, KEY_LEN);
}

static void check_public_key(const struct conf_site *site, const struct conf_peer *peer,
	const uint8_t *own, struct conf_report *r)
{
	struct conf_at at = peer->at[CONF_PEER_PUBLIC_KEY];

	if (!at.line)
		conf_report_add(r, CONF_ERROR, peer->section,
			"[Peer] has no PublicKey\n"
			"add the one that wirespan pubkey prints on the other site");
	else if (peer->has_public_key && low_order_key(peer->public_key))
		conf_report_add(r, CONF_ERROR, at,
			"PublicKey is %s: no handshake succeeds with it\n"
			"use the one that wirespan pubkey prints on the other site",
			secret_is_zero(peer->public_key, KEY_LEN) ? "all zero"
								  : "a point of low order");
	else if (own && !memcmp(peer->public_key, own, KEY_LEN))
		conf_report_add(r, CONF_ERROR, at,
			"PublicKey is this site's own\nuse the other site's: pipe its private "
			"key into wirespan pubkey there");
	else if (is_private_key(site, peer->public_key))
		conf_report_add(r, CONF_ERROR, at,
			"PublicKey is this site's PrivateKey, which must stay secret\n"
			"use the other site's public key; create a new PrivateKey if others have "
			"seen this one");
}

static void check_preshared_key(const struct conf_site *site, const struct conf_peer *peer,
	const uint8_t *own, struct conf_report *report)
{
	struct conf_at key = peer->at[CONF_PEER_PRESHARED_KEY];
	struct conf_at file = peer->at[CONF_PEER_PRESHARED_KEY_FILE];

	if (key.line && file.line)
		conf_report_add(report, CONF_ERROR, file,
			"PresharedKeyFile: PresharedKey is already set in line %u\n"
			"keep one of the two",
			key.line);
	if (peer->has_preshared_key && secret_is_zero(peer->preshared_key, KEY_LEN))
		conf_report_add(report, key.file ? CONF_WARNING : CONF_ERROR, key.line ? key : file,
			"PresharedKey is all zero, which %s\n"
			"create one with wirespan genpsk, or remove the line on both sites",
			key.file ? "means none, as with wg(8)" : "is not a valid key");
	else if (peer->has_preshared_key && is_private_key(site, peer->preshared_key))
		conf_report_add(report, CONF_ERROR, key.line ? key : file,
			"PresharedKey is this site's PrivateKey, which must stay secret\n"
			"create a PresharedKey with wirespan genpsk, for both sites");
	else if (peer->has_preshared_key &&
		 (!memcmp(peer->preshared_key, peer->public_key, KEY_LEN) ||
			 (own && !memcmp(peer->preshared_key, own, KEY_LEN))))
		conf_report_add(report, CONF_WARNING, key.line ? key : file,
			"PresharedKey is a PublicKey, which is no secret: it protects nothing\n"
			"create one with wirespan genpsk, for both sites");
}

static int compare_keys(const void *a, const void *b)
{
	const struct conf_peer *x = *(const struct conf_peer *const *)a;
	const struct conf_peer *y = *(const struct conf_peer *const *)b;
	int order = memcmp(x->public_key, y->public_key, KEY_LEN);

	if (order)
		return order;
	return x < y ? -1 : x > y; /* in one array: file order */
}

static int compare_names(const void *a, const void *b)
{
	const struct conf_peer *x = *(const struct conf_peer *const *)a;
	const struct conf_peer *y = *(const struct conf_peer *const *)b;
	int order = strcmp(x->name, y->name);

	if (order)
		return order;
	return x < y ? -1 : x > y;
}

/* Return: the peers in order, to be freed; or NULL, and the report knows. */
static const struct conf_peer **sort_peers(const struct conf_site *site,
	int (*compare)(const void *, const void *), struct conf_report *report)
{
	const struct conf_peer **sorted = calloc(site->n_peers + 1, sizeof(const void *));

	if (!sorted) {
		report->out_of_memory = true;
		return NULL;
	}
	for (size_t i = 0; i < site->n_peers; i++)
		sorted[i] = &site->peers[i];
	qsort(sorted, site->n_peers, sizeof(const void *), compare);
	return sorted;
}

static void check_same_name(const struct conf_site *site, struct conf_report *report)
{
	const struct conf_peer **sorted = sort_peers(site, compare_names, report);
	char place[CONF_PLACE_LEN];

	for (size_t i = 1; sorted && i < site->n_peers; i++) {
		struct conf_at at = sorted[i]->at[CONF_PEER_NAMED];

		if (*sorted[i]->name && !strcmp(sorted[i]->name, sorted[i - 1]->name))
			conf_report_add(report, CONF_ERROR, at,
				"Name: \"%s\" is already the name of another [Peer], in %s\n"
				"give each peer a name of its own",
				sorted[i]->name,
				conf_place(site, sorted[i - 1]->at[CONF_PEER_NAMED], at, place));
	}
	free(sorted);
}

static void check_same_key(const struct conf_site *site, struct conf_report *report)
{
	const struct conf_peer **sorted = sort_peers(site, compare_keys, report);
	char place[CONF_PLACE_LEN];

	for (size_t i = 1; sorted && i < site->n_peers; i++) {
		struct conf_at at = sorted[i]->at[CONF_PEER_PUBLIC_KEY];

		if (!sorted[i]->has_public_key ||
			memcmp(sorted[i]->public_key, sorted[i - 1]->public_key, KEY_LEN) != 0)
			continue;
		conf_report_add(report, CONF_ERROR, at,
			"PublicKey is already used by another [Peer], in %s\n"
			"use one [Peer] for each site",
			conf_place(site, sorted[i - 1]->at[CONF_PEER_PUBLIC_KEY], at, place));
	}
	free(sorted);
}

/* By family, bits, length; then by position in the file. */
static int compare_claims(const void *a, const void *b)
{
	const struct claim *x = a;
	const struct claim *y = b;
	int order = ip_prefix_compare(&x->range->prefix, &y->range->prefix);

	if (!order)
		order = (x->peer > y->peer) - (x->peer < y->peer);
	return order ? order : (x->range > y->range) - (x->range < y->range);
}

static void check_claim(const struct conf_site *site, const struct claim *first,
	const struct claim *second, struct conf_report *report)
{
	char text[IP_PREFIX_TEXT_LEN];
	char place[CONF_PLACE_LEN];

	if (!ip_prefix_equal(&first->range->prefix, &second->range->prefix))
		return;
	ip_prefix_text(&second->range->prefix, text);
	conf_place(site, first->range->at, second->range->at, place);
	if (first->peer == second->peer)
		conf_report_add(report, CONF_WARNING, second->range->at,
			"AllowedIPs: %s is listed twice in this [Peer], first in %s\n"
			"remove one of the two",
			text, place);
	else
		conf_report_add(report, CONF_ERROR, second->range->at,
			"AllowedIPs: %s already belongs to another [Peer], in %s\n"
			"an address can belong to one peer only: remove it from one of the two",
			text, place);
}

static void check_allowed_ips(const struct conf_site *site, struct conf_report *report)
{
	struct claim *claims;
	size_t n = 0;

	for (size_t i = 0; i < site->n_peers; i++)
		n += site->peers[i].allowed_ips.n;
	claims = calloc(n + 1, sizeof(*claims));
	if (!claims) {
		report->out_of_memory = true;
		return;
	}
	n = 0;
	for (size_t i = 0; i < site->n_peers; i++) {
		const struct conf_peer *peer = &site->peers[i];

		for (size_t k = 0; k < peer->allowed_ips.n; k++)
			claims[n++] = (struct claim){ &peer->allowed_ips.v[k], peer };
	}
	qsort(claims, n, sizeof(*claims), compare_claims);
	for (size_t i = 1; i < n; i++)
		check_claim(site, &claims[i - 1], &claims[i], report);
	free(claims);
}

/* Report AllowedIPs with one of our own addresses alone: the two sites were confused. */
static void check_own_address(
	const struct conf_site *site, const struct conf_peer *peer, struct conf_report *report)
{
	const struct conf_prefixes *ours = &site->interface.addresses;
	char text[IP_ADDR_TEXT_LEN];

	for (size_t i = 0; i < peer->allowed_ips.n; i++) {
		const struct conf_prefix *range = &peer->allowed_ips.v[i];

		if (range->prefix.len != ip_addr_bits(&range->prefix.addr))
			continue;
		for (size_t k = 0; k < ours->n; k++)
			if (ip_addr_equal(&range->prefix.addr, &ours->v[k].prefix.addr))
				conf_report_add(report, CONF_ERROR, range->at,
					"AllowedIPs: %s is this site's own address (line %u)\n"
					"use the address of the peer's site",
					ip_addr_text(&range->prefix.addr, text),
					ours->v[k].at.line);
	}
}

void conf_check_peers(
	const struct conf_site *site, const uint8_t *public_key, struct conf_report *report)
{
	for (size_t i = 0; i < site->n_peers; i++) {
		const struct conf_peer *peer = &site->peers[i];

		check_public_key(site, peer, public_key, report);
		check_preshared_key(site, peer, public_key, report);
		check_own_address(site, peer, report);
		if (!peer->at[CONF_PEER_ALLOWED_IPS].line)
			conf_report_add(report, CONF_WARNING, peer->section,
				"[Peer] has no AllowedIPs: no packet can be sent to it or accepted "
				"from it\n"
				"add AllowedIPs = with its tunnel address, such as 10.0.1.21/32");
	}
	check_same_name(site, report);
	check_same_key(site, report);
	check_allowed_ips(site, report);
	if (!site->n_peers && site->interface.section.line)
		conf_report_add(report, CONF_WARNING, site->interface.section,
			"there is no [Peer]: this site has no other site to connect to\n"
			"add one for each other site");
}
