/* SPDX-License-Identifier: MIT */
/* The structs of a WireGuard device and its peers, for the modules that work on them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/addr.h"
#include "base/bucket.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/mono.h"
#include "base/random.h"
#include "wg/allowedips.h"
#include "wg/cookie.h"
#include "wg/handshake_load.h"
#include "wg/indextable.h"
#include "wg/keypair.h"
#include "wg/messages.h"
#include "wg/noise.h"
#include "wg/ratelimit.h"
#include "wg/sent.h"
#include "wg/store.h"
#include "wg/timers.h"

/**
 * A peer, in memory provided by the caller, who may read all fields.
 *
 * If packets alternate among a thousand peers, a cache line that is in no cache costs as much as
 * encrypting a small packet. So what data messages touch is together, in three lines if the struct
 * begins 16 bytes before the end of one (see struct path_peer): the pointers to the sessions in
 * use, with what the caller has before; the endpoint and the counters; the deadline and the first
 * fields of the timers. The sessions' slots lie on whole lines then.
 */
struct wg_peer {
	/* the data path */
	struct wg_keypairs keys;
	struct endpoint endpoint; /* with sticky source; addr.family 0: none known */
	uint64_t rx_bytes;	  /* UDP payload of every WireGuard message */
	uint64_t tx_bytes;
	struct heap_entry due; /* not later than the timers require: see wg_device_due() */
	struct wg_timers timers;

	/* handshakes */
	struct wg_remote remote;
	struct wg_handshake handshake;
	uint8_t newest_timestamp[WG_TIMESTAMP_LEN]; /* of the last initiation accepted */
	uint8_t sent_timestamp[WG_TIMESTAMP_LEN];   /* of the last initiation sent */
	struct mono last_initiation_taken;
	struct mono last_initiation_sent;
	bool renewed;		    /* a prerequisite has changed since then: the next one
			 may be sent before REKEY_TIMEOUT */
	struct wall last_handshake; /* sec 0: none yet */
	struct mono handshake_at;   /* the same instant, for ages: the wall clock can be stepped */
	struct wg_cookie_maker cookie;
	struct bucket own_initiations; /* still acceptable under load; see peer.h */
	struct bucket own_responses;
	struct bucket vouches;
	struct bucket moves;   /* of its endpoint */
	struct ip_addr recent; /* the last address that its handshakes authenticated */

	struct list link;      /* in wg_device.peers, oldest first */
	struct list hash_link; /* in a bucket by public key */
	struct list at_link;   /* in a bucket by endpoint, if it has one */
	struct wg_device *dev;
	uint32_t allowed_first; /* its first prefix in wg_device.allowed, or WG_NO_NODE */
	uint32_t allowed_count;
	uint16_t keepalive_s; /* PersistentKeepalive; 0: off */
};

/* Where the struct begins in a cache line for all this. */
#define WG_PEER_PHASE 48

LINE_ASSERT(offsetof(struct wg_peer, keys.previous) == 64 - WG_PEER_PHASE, "sessions in use");
LINE_ASSERT((WG_PEER_PHASE + offsetof(struct wg_peer, keys.slots)) % 64 == 0, "slots");
LINE_ASSERT((WG_PEER_PHASE + offsetof(struct wg_peer, endpoint)) % 64 == 0, "endpoint");
LINE_ASSERT((WG_PEER_PHASE + offsetof(struct wg_peer, due)) % 64 == 0, "deadline");
LINE_ASSERT(offsetof(struct wg_peer, timers.retransmit) - offsetof(struct wg_peer, due) <= 64,
	"the timers of data messages");

/** Capacity of a device. */
struct wg_sizes {
	size_t peers;
	size_t allowed_ips;
	size_t sources; /* of the rate limiter */
};

struct wg_key_service; /* see secrets.h */

/** A device: see device.h. */
struct wg_device {
	struct rng rng;
	struct wg_crypto crypto;
	struct wg_identity identity;
	const struct wg_key_service *service; /* holds the secret keys; NULL: they are here */
	struct list peers;
	size_t peer_count;
	struct list *buckets;	 /* peers by public key */
	struct list *at_buckets; /* peers by endpoint */
	size_t bucket_count;	 /* of either */
	struct wg_sizes sizes;
	struct heap deadlines;
	struct wg_allowedips allowed;
	struct wg_indextable indices;
	struct wg_sent sent;
	struct wg_store store; /* of the sessions: see store.h */
	struct wg_cookie_checker checker;
	struct wg_ratelimit limiter;
	struct wg_handshake_load load;
	struct bucket cookies[2];  /* replies that may still be sent: to unknown, to recently
				      authenticated sources */
	struct bucket verified[2]; /* handshakes that may still be accepted under load, likewise */
	uint8_t sent_timestamp[WG_TIMESTAMP_LEN]; /* the latest of all initiations sent */
	bool down;				  /* see wg_device_set_up() */
	bool spent; /* secrets were used or expired: see wg_device_tidy() */
};
