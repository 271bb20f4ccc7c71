/* SPDX-License-Identifier: MIT */
/* Process handshake messages: who may start a session, and which reply is sent. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/mono.h"
#include "pkt/drop.h"
#include "wg/device.h"
#include "wg/messages.h"

/** The result of processing a handshake message. */
struct wg_event {
	struct wg_peer *peer; /* the peer it belongs to, or NULL */
	unsigned actions;     /* enum wg_action, for that peer */
	size_t reply_len;     /* 0: nothing to send; else to be sent to the message's source */
	uint8_t reply[WG_HANDSHAKE_MAX];
};

/**
 * Process a message that is not data: initiation, response or cookie reply. Nothing changes unless
 * it authenticates. A cookie is required when more handshakes arrive than WG_LOAD_PER_S, or more
 * from one source than its share of that, except for each peer's reserved share. A reply is never
 * longer than `msg`, and may accompany a drop (a cookie reply to a refused message); it goes to
 * `src`. Return: DROP_NONE, or the drop reason. `ret` is filled in either case.
 */
enum drop wg_device_handshake(struct wg_device *dev, const uint8_t *msg, size_t len,
	const struct endpoint *src, struct mono now, struct wall wall, struct wg_event *ret);
