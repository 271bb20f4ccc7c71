/* SPDX-License-Identifier: MIT */
/* The messages of the process that holds the keys, and their check.
 *
 * Theory of operation. The engine sends requests, each of which is one packet of a fixed size, and
 * waits for the answer to each but WG_KEY_FORGET and WG_KEY_RESET. The monitor sends changes of the
 * keys on another socket, which the engine does not have. All are processes of the same program, so
 * numbers have the host's byte order. Fields that a message does not use are zero. The receiver
 * checks all of this, as the sender may have been taken over by an attacker.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must_check.h"
#include "wg/messages.h"

/** Types of requests, and the fields that each uses. See struct wg_key_service. */
enum wg_key_request_type {
	WG_KEY_MAKE_INITIATION = 1, /* peer, local_index, timestamp → message */
	WG_KEY_OPEN_INITIATION,	    /* message → peer, timestamp */
	WG_KEY_MAKE_RESPONSE, /* local_index → message, keys; `seq` follows that of the opening */
	WG_KEY_TAKE_RESPONSE, /* peer, message → keys */
	WG_KEY_FORGET,	      /* peer; no answer */
	WG_KEY_RESET,	      /* wipe all handshakes; no answer */
	WG_KEY_REQUEST_TYPES
};

/** A request of the engine. */
struct wg_key_request {
	uint64_t seq; /* greater than that of any request before */
	uint32_t type;
	uint32_t local_index;
	uint8_t peer[WG_KEY_LEN]; /* its public key */
	uint8_t timestamp[WG_TIMESTAMP_LEN];
	uint8_t message[WG_HANDSHAKE_MAX];
};

/** The answer. */
struct wg_key_answer {
	uint64_t seq; /* of the request, as is the type */
	uint32_t type;
	int32_t code; /* 0 or -errno */
	uint8_t peer[WG_KEY_LEN];
	uint8_t timestamp[WG_TIMESTAMP_LEN];
	uint8_t message[WG_HANDSHAKE_MAX];
	uint8_t tx_key[WG_KEY_LEN];
	uint8_t rx_key[WG_KEY_LEN];
};

/** Types of changes. */
enum wg_key_change_type {
	WG_KEY_SET_IDENTITY = 1, /* secret: our private key; all zero: none */
	WG_KEY_SET_PEER,	 /* peer; secret: its preshared key; all zero: none */
	WG_KEY_REMOVE_PEER,	 /* peer */
	WG_KEY_CHANGE_TYPES
};

/** A change of the keys. */
struct wg_key_change {
	uint32_t type;
	uint8_t peer[WG_KEY_LEN];
	uint8_t secret[WG_KEY_LEN];
};

/** Whether requests of this type are answered. */
bool wg_key_is_answered(uint32_t type);

/** Check a packet and copy it. Return: 0; or -EBADMSG for what the engine must not send. */
MUST_CHECK int wg_key_request_decode(const void *packet, size_t len, struct wg_key_request *ret);

/** Check the answer to `request` and copy it. Return: 0; -EAGAIN if it answers another request, of
 * which a former engine may have sent some with any number; or -EBADMSG. */
MUST_CHECK int wg_key_answer_decode(const void *packet, size_t len,
	const struct wg_key_request *request, struct wg_key_answer *ret);

/** Check a change and copy it. Return: 0 or -EBADMSG. */
MUST_CHECK int wg_key_change_decode(const void *packet, size_t len, struct wg_key_change *ret);
