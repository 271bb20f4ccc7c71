/* SPDX-License-Identifier: MIT */
/* Writing replies of WireGuard's cross-platform configuration protocol. */
#include "ctlproto/uapi_print.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/keytext.h"
#include "base/secret.h"
#include "base/text.h"
#include "ctlproto/uapi_parse.h"
#include "wg/device.h"

static void add_key(struct text *t, const char *name, const uint8_t key[static KEY_LEN])
{
	char hex[KEY_HEX_LEN + 1];

	key_to_hex(key, hex);
	text_add(t, "%s=%s\n", name, hex);
	secret_wipe(hex, sizeof(hex));
}

static void add_peer(struct text *t, const struct wg_device *dev, const struct wg_peer *peer)
{
	char endpoint[ENDPOINT_TEXT_LEN];
	char prefix_text[IP_PREFIX_TEXT_LEN];
	uint32_t cursor = WG_NO_NODE;
	struct ip_prefix prefix;

	add_key(t, "public_key", peer->remote.public_key);
	add_key(t, "preshared_key", peer->remote.psk);
	text_add(t, "protocol_version=1\n");
	if (peer->endpoint.addr.family)
		text_add(t, "endpoint=%s\n", endpoint_text(&peer->endpoint, endpoint));
	text_add(t, "last_handshake_time_sec=%" PRIu64 "\n", peer->last_handshake.sec);
	text_add(t, "last_handshake_time_nsec=%" PRIu32 "\n", peer->last_handshake.nsec);
	text_add(t, "tx_bytes=%" PRIu64 "\n", peer->tx_bytes);
	text_add(t, "rx_bytes=%" PRIu64 "\n", peer->rx_bytes);
	text_add(t, "persistent_keepalive_interval=%u\n", peer->keepalive_s);
	while (wg_allowedips_next(&dev->allowed, peer, &cursor, &prefix))
		text_add(t, "allowed_ip=%s\n", ip_prefix_text(&prefix, prefix_text));
}

static void add_device(struct text *t, const struct uapi_shown *shown)
{
	if (shown->dev->identity.present)
		add_key(t, "private_key", wg_device_key(shown->dev));
	if (shown->listen_port)
		text_add(t, "listen_port=%u\n", shown->listen_port);
	if (shown->fwmark)
		text_add(t, "fwmark=%" PRIu32 "\n", shown->fwmark);
}

int uapi_print_get(const struct uapi_shown *shown, char **ret_text, size_t *ret_len)
{
	const struct list *head = &shown->dev->peers;
	struct list *l = shown->after ? shown->after->link.next : head->next;
	struct text t = { 0 };

	if (!shown->after)
		add_device(&t, shown);
	for (size_t i = 0; l != head && i < shown->max; i++, l = l->next)
		add_peer(&t, shown->dev, CONTAINER_OF(l, struct wg_peer, link));
	text_add(&t, "%s", l == head ? UAPI_GET_END : "");
	return text_take(&t, ret_text, ret_len);
}

static void add_flag(struct text *t, const char *name, bool value)
{
	if (value)
		text_add(t, "%s=true\n", name);
}

/* Add the section of one peer of a set request. */
static void add_change(struct text *t, const struct uapi_peer *peer)
{
	char endpoint[ENDPOINT_TEXT_LEN];
	char prefix[IP_PREFIX_TEXT_LEN];

	add_key(t, "public_key", peer->public_key);
	add_flag(t, "remove", peer->remove);
	add_flag(t, "update_only", peer->update_only);
	if (peer->has_psk)
		add_key(t, "preshared_key", peer->psk);
	if (peer->has_endpoint)
		text_add(t, "endpoint=%s\n", endpoint_text(&peer->endpoint, endpoint));
	if (peer->has_keepalive)
		text_add(t, "persistent_keepalive_interval=%u\n", peer->keepalive_s);
	add_flag(t, "replace_allowed_ips", peer->replace_allowed_ips);
	for (size_t i = 0; i < peer->prefixes_len; i++)
		text_add(t, "allowed_ip=%s%s\n", peer->prefixes[i].remove ? "-" : "",
			ip_prefix_text(&peer->prefixes[i].prefix, prefix));
}

int uapi_print_set(const struct uapi_set *set, char **ret_text, size_t *ret_len)
{
	struct text t = { 0 };

	text_add(&t, "set=1\n");
	if (set->has_private_key)
		add_key(&t, "private_key", set->private_key);
	if (set->has_listen_port)
		text_add(&t, "listen_port=%u\n", set->listen_port);
	if (set->has_fwmark)
		text_add(&t, "fwmark=%" PRIu32 "\n", set->fwmark);
	add_flag(&t, "replace_peers", set->replace_peers);
	for (size_t i = 0; i < set->peers_len; i++)
		add_change(&t, &set->peers[i]);
	text_add(&t, "\n");
	return text_take(&t, ret_text, ret_len);
}

size_t uapi_print_errno(int err, char buf[static UAPI_ERRNO_LEN])
{
	return (size_t)snprintf(buf, UAPI_ERRNO_LEN, "errno=%d\n\n", err);
}
