/* SPDX-License-Identifier: MIT */
/* All WireGuard messages in wire format, and all limits of the protocol. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"

#define WG_KEY_LEN	 32
#define WG_HASH_LEN	 32
#define WG_TAG_LEN	 16
#define WG_TIMESTAMP_LEN 12
#define WG_MAC_LEN	 16
#define WG_COOKIE_LEN	 16
#define WG_NONCE_LEN	 24 /* XChaCha20, of a cookie reply */

#define WG_CONSTRUCTION "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"
#define WG_IDENTIFIER	"WireGuard v1 zx2c4 Jason@zx2c4.com"
#define WG_LABEL_MAC1	"mac1----"
#define WG_LABEL_COOKIE "cookie--"

/* Limits. Source: WireGuard whitepaper §6.1, Linux drivers/net/wireguard/messages.h. */
#define WG_REKEY_AFTER_MESSAGES	 (1ULL << 60)
#define WG_REJECT_AFTER_MESSAGES (UINT64_MAX - (1ULL << 13))
#define WG_REKEY_AFTER_TIME	 (120 * NS_PER_S)
#define WG_REJECT_AFTER_TIME	 (180 * NS_PER_S)
#define WG_REKEY_ATTEMPT_TIME	 (90 * NS_PER_S)
#define WG_REKEY_TIMEOUT	 (5 * NS_PER_S)
#define WG_REKEY_JITTER		 (333 * NS_PER_MS) /* upper end; added to some deadlines */
#define WG_KEEPALIVE_TIMEOUT	 (10 * NS_PER_S)
#define WG_KEY_LIFE		 (3 * WG_REJECT_AFTER_TIME) /* then the keys are wiped */
#define WG_COOKIE_LIFE		 (120 * NS_PER_S)  /* of a secret and of the cookies made from it */
#define WG_COOKIE_LATENCY	 (5 * NS_PER_S)	   /* a cookie is not used in its last seconds */
#define WG_INITIATIONS_PER_S	 50		   /* accepted from one peer */
#define WG_INITIATION_SPACING	 (100 * NS_PER_MS) /* ours: below the rate of a flood */
#define WG_REPLAY_BITS		 8192
#define WG_PENDING_MAX		 128 /* packets that wait for a session; the oldest is evicted */
#define WG_PADDING		 16

/** First byte of a message; three zero bytes follow. */
enum wg_message_type {
	WG_MSG_INITIATION = 1,
	WG_MSG_RESPONSE = 2,
	WG_MSG_COOKIE = 3,
	WG_MSG_DATA = 4,
};

/** The last fields of both handshake messages. */
struct wg_macs {
	uint8_t mac1[WG_MAC_LEN];
	uint8_t mac2[WG_MAC_LEN];
};

/** Handshake initiation. Integers are little endian throughout. */
struct wg_initiation {
	uint8_t type[4];
	uint8_t sender[4];
	uint8_t ephemeral[WG_KEY_LEN];
	uint8_t sealed_static[WG_KEY_LEN + WG_TAG_LEN];
	uint8_t sealed_timestamp[WG_TIMESTAMP_LEN + WG_TAG_LEN];
	struct wg_macs macs;
};

/** Handshake response. */
struct wg_response {
	uint8_t type[4];
	uint8_t sender[4];
	uint8_t receiver[4];
	uint8_t ephemeral[WG_KEY_LEN];
	uint8_t sealed_nothing[WG_TAG_LEN];
	struct wg_macs macs;
};

/** Cookie reply. */
struct wg_cookie_reply {
	uint8_t type[4];
	uint8_t receiver[4];
	uint8_t nonce[WG_NONCE_LEN];
	uint8_t sealed_cookie[WG_COOKIE_LEN + WG_TAG_LEN];
};

/** Header of a data message; the sealed packet and its tag follow. */
struct wg_data_header {
	uint8_t type[4];
	uint8_t receiver[4];
	uint8_t counter[8];
};

#define WG_INITIATION_LEN   148
#define WG_RESPONSE_LEN	    92
#define WG_COOKIE_REPLY_LEN 64
#define WG_DATA_HEADER_LEN  16
#define WG_DATA_OVERHEAD    (WG_DATA_HEADER_LEN + WG_TAG_LEN)
#define WG_HANDSHAKE_MAX    WG_INITIATION_LEN /* longest message that is not data */

_Static_assert(sizeof(struct wg_initiation) == WG_INITIATION_LEN, "initiation");
_Static_assert(sizeof(struct wg_response) == WG_RESPONSE_LEN, "response");
_Static_assert(sizeof(struct wg_cookie_reply) == WG_COOKIE_REPLY_LEN, "cookie reply");
_Static_assert(sizeof(struct wg_data_header) == WG_DATA_HEADER_LEN, "data header");

/**
 * Length of a plaintext after padding: a multiple of 16, but at most the interface's MTU (0: no
 * limit).
 */
static inline size_t wg_padded_len(size_t plain, size_t mtu)
{
	size_t padded = (plain + WG_PADDING - 1) & ~(size_t)(WG_PADDING - 1);

	return mtu && padded > mtu ? (plain > mtu ? plain : mtu) : padded;
}
