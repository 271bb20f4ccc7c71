/* SPDX-License-Identifier: MIT */
/* Writing replies of WireGuard's cross-platform configuration protocol. */
#include "ctlproto/uapi_print.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/keytext.h"
#include "base/secret.h"
#include "base/text.h"
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

int uapi_print_get(const struct wg_device *dev, uint16_t listen_port, uint32_t fwmark,
	char **ret_text, size_t *ret_len)
{
	struct text t = { 0 };

	if (dev->identity.present)
		add_key(&t, "private_key", dev->identity.private_key);
	if (listen_port)
		text_add(&t, "listen_port=%u\n", listen_port);
	if (fwmark)
		text_add(&t, "fwmark=%" PRIu32 "\n", fwmark);
	LIST_FOR_EACH(l, &dev->peers)
	add_peer(&t, dev, CONTAINER_OF(l, struct wg_peer, link));
	text_add(&t, "errno=0\n\n");
	return text_take(&t, ret_text, ret_len);
}

size_t uapi_print_errno(int err, char buf[static UAPI_ERRNO_LEN])
{
	return (size_t)snprintf(buf, UAPI_ERRNO_LEN, "errno=%d\n\n", err);
}
