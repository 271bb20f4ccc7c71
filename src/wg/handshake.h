/* SPDX-License-Identifier: MIT */
/* Handshake messages judged: who may begin a session, and what is answered. */
#ifndef WG_HANDSHAKE_H
#define WG_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/mono.h"
#include "pkt/drop.h"
#include "wg/device.h"
#include "wg/messages.h"

/** What became of a handshake message. */
struct wg_event {
	struct wg_peer *peer; /* whom it concerns, or NULL */
	unsigned actions;     /* enum wg_action, for that peer */
	size_t reply_len; /* 0: nothing to send; else goes back to where the message came from */
	uint8_t reply[WG_HANDSHAKE_MAX];
};

/**
 * Judge a message that is not data: initiation, response or cookie reply. Nothing changes unless it
 * authenticates. When more handshakes arrive than WG_LOAD_PER_S, or more from one source than its
 * share of that, a cookie is demanded, but for the few that each peer is sure of; if `under_load`
 * says so, in any case. A reply is never longer than `msg`, and may come with a drop (a
 * cookie reply to what was refused); it goes to `src`. Return: DROP_NONE; or why it was dropped.
 * `ret` is filled in either case.
 */
enum drop wg_device_handshake(struct wg_device *dev, const uint8_t *msg, size_t len,
	const struct endpoint *src, struct mono now, struct wall wall, bool under_load,
	struct wg_event *ret);

#endif
