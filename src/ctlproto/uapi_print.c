/* SPDX-License-Identifier: MIT */
/* Writing replies of WireGuard's cross-platform configuration protocol. */
#include "ctlproto/uapi_print.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bug.h"
#include "base/bytes.h"
#include "base/keytext.h"
#include "base/secret.h"
#include "wg/device.h"

/* Maximum length of each part: keys of 64 digits, numbers of 20, and their names. */
#define DEVICE_TEXT_MAX 256
#define PEER_TEXT_MAX	640
#define PREFIX_TEXT_MAX 64

/** Text in a block that is large enough from the start: reallocation would leave copies of keys in
 * freed memory. */
struct text {
	char *data;
	size_t len;
	size_t size;
};

static void add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *t, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(t->data + t->len, t->size - t->len, format, ap);
	va_end(ap);
	ASSERT(n >= 0 && (size_t)n < t->size - t->len);
	t->len += (size_t)n;
}

static void add_key(struct text *t, const char *name, const uint8_t key[static KEY_LEN])
{
	char hex[KEY_HEX_LEN + 1];

	key_to_hex(key, hex);
	add(t, "%s=%s\n", name, hex);
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
	add(t, "protocol_version=1\n");
	if (peer->endpoint.addr.family)
		add(t, "endpoint=%s\n", endpoint_text(&peer->endpoint, endpoint));
	add(t, "last_handshake_time_sec=%" PRIu64 "\n", peer->last_handshake.sec);
	add(t, "last_handshake_time_nsec=%" PRIu32 "\n", peer->last_handshake.nsec);
	add(t, "tx_bytes=%" PRIu64 "\n", peer->tx_bytes);
	add(t, "rx_bytes=%" PRIu64 "\n", peer->rx_bytes);
	add(t, "persistent_keepalive_interval=%u\n", peer->keepalive_s);
	while (wg_allowedips_next(&dev->allowed, peer, &cursor, &prefix))
		add(t, "allowed_ip=%s\n", ip_prefix_text(&prefix, prefix_text));
}

int uapi_print_get(const struct wg_device *dev, uint16_t listen_port, uint32_t fwmark,
	char **ret_text, size_t *ret_len)
{
	struct text t = { .size = DEVICE_TEXT_MAX + dev->peer_count * PEER_TEXT_MAX +
				  dev->allowed.count * PREFIX_TEXT_MAX };

	t.data = malloc(t.size);
	if (!t.data)
		return -ENOMEM;
	if (dev->identity.present)
		add_key(&t, "private_key", dev->identity.private_key);
	if (listen_port)
		add(&t, "listen_port=%u\n", listen_port);
	if (fwmark)
		add(&t, "fwmark=%" PRIu32 "\n", fwmark);
	LIST_FOR_EACH(l, &dev->peers)
	add_peer(&t, dev, CONTAINER_OF(l, struct wg_peer, link));
	add(&t, "errno=0\n\n");
	*ret_text = t.data;
	*ret_len = t.len;
	return 0;
}

size_t uapi_print_errno(int err, char buf[static UAPI_ERRNO_LEN])
{
	return (size_t)snprintf(buf, UAPI_ERRNO_LEN, "errno=%d\n\n", err);
}
