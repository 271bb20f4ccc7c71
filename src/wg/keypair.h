/* SPDX-License-Identifier: MIT */
/* Session keys: slots, counters, sealing and opening data messages. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/list.h"
#include "base/mono.h"
#include "crypto/aead.h"
#include "pkt/drop.h"
#include "wg/indextable.h"
#include "wg/messages.h"
#include "wg/noise.h"
#include "wg/replay.h"
#include "wg/store.h"

/**
 * The keys of one session, for both directions. `peer` is NULL while the slot is free.
 *
 * Where slots begin with a cache line (see struct wg_peer), a message sent touches the first line
 * only, and a message received the second line, the third with the counts of the replay window, and
 * the window's word: that is why the time of creation is there twice.
 */
struct wg_keypair {
	/* for sending */
	struct mono born;
	_Atomic uint64_t
		tx_counter; /* next to use; relaxed, so that one thread per direction is possible */
	_Atomic uint64_t tx_limit; /* counters below may be used without another reservation */
	uint32_t remote_index;
	bool initiator; /* we initiated this handshake, so we renew the session */
	uint8_t tx_key[WG_KEY_LEN];

	/* for receiving */
	struct mono rx_born; /* as `born` */
	uint8_t rx_key[WG_KEY_LEN];
	struct wg_peer *peer;
	struct wg_store_session *stored; /* NULL: nowhere; see store.h */
	struct wg_replay replay;

	/* for control */
	uint32_t local_index;
	struct wall made;      /* wall-clock time of creation, for display */
	struct list sent_link; /* in a bucket of wg_device.sent */
	uint8_t padding[56];   /* to a whole number of cache lines */
};

LINE_ASSERT(offsetof(struct wg_keypair, rx_born) == 64, "sending needs one cache line");
LINE_ASSERT(offsetof(struct wg_keypair, replay.arrivals) == 128, "receiving, two and a word");
LINE_ASSERT(sizeof(struct wg_keypair) % 64 == 0, "so does the next slot");

#define WG_PREVIOUS	     3
#define WG_SESSIONS_PER_PEER (2 + WG_PREVIOUS)

/**
 * A peer's sessions. `current` sends; all receive. `next` is a session in which we are the
 * responder: it may not send until the peer has used it; `previous`, newest first, still opens
 * messages in transit. One previous session would be enough if handshakes never crossed. If both
 * sides renew at once, each continues with the session that it initiated, so two are in use; two
 * more replace them, and until the other side has received its response, messages of any of these
 * four can arrive.
 *
 * A pointer to a slot is valid until the next handshake message, timer or reset of the peer, or
 * until wg_keypairs_confirm().
 */
struct wg_keypairs {
	struct wg_keypair *current;
	struct wg_keypair *next;
	struct wg_keypair *previous[WG_PREVIOUS];
	struct wg_store_record *stored; /* the peer's, or NULL */
	struct wg_arrivals ended;	/* of sessions that are no more */
	struct wg_keypair slots[WG_SESSIONS_PER_PEER];
};

/** The inputs for a new session. */
struct wg_session {
	struct wg_session_keys keys;
	bool initiator;
	uint32_t local_index; /* already in the index table, as the handshake's */
	uint32_t remote_index;
};

/**
 * Put a session in its slot: as initiator it becomes current, else next. Evicted and expired
 * sessions are wiped and their indices freed. The caller wipes `s`. Return: the keypair; the
 * session's index now leads to it.
 */
struct wg_keypair *wg_keypairs_add(struct wg_keypairs *keys, struct wg_indextable *indices,
	struct wg_peer *peer, const struct wg_session *s, struct mono now, struct wall wall);

/**
 * Put the sessions of the record `keys->stored`, which another process has written, in their slots,
 * and their indices into the table; wipe those that are invalid or expired at `now`.
 */
void wg_keypairs_restore(struct wg_keypairs *keys, struct wg_indextable *indices,
	struct wg_peer *peer, struct mono now);

/** Make `next` the current session, after the peer has used it. */
void wg_keypairs_confirm(struct wg_keypairs *keys, struct wg_indextable *indices);

/** Wipe all sessions and free their indices. */
void wg_keypairs_wipe(struct wg_keypairs *keys, struct wg_indextable *indices);

/** How the peer's messages arrived, in all sessions since the peer was added. */
struct wg_arrivals wg_keypairs_arrivals(const struct wg_keypairs *keys);

/** Whether the keypair may seal a message at `now`: younger than REJECT_AFTER_TIME. */
bool wg_keypair_is_fresh(const struct wg_keypair *kp, struct mono now);

/** Whether it may open one: the same, by the field beside what opening needs. */
bool wg_keypair_may_open(const struct wg_keypair *kp, struct mono now);

/** Prefetch the memory that opening and committing a message with this counter will touch. */
static inline void wg_keypair_prefetch(const struct wg_keypair *kp, uint64_t counter)
{
	__builtin_prefetch(&kp->replay.next, 1);
	__builtin_prefetch(&kp->replay.arrivals, 1);
	__builtin_prefetch(&kp->replay.bits[counter / 64 % WG_REPLAY_WORDS], 1);
}

/**
 * Reserve the counter of a message to be sealed. Return: 0, or -EKEYEXPIRED when
 * REJECT_AFTER_MESSAGES forbids it (no counter is used up then).
 */
int wg_keypair_reserve(struct wg_keypair *kp, uint64_t *ret);

/**
 * Build a data message in place: writes the 16-byte header to `msg`, seals the plaintext at msg +
 * 16 and appends the tag. The total length is WG_DATA_OVERHEAD + `padded_len` bytes. `counter`
 * comes from wg_keypair_reserve() and is never used twice. Wire: type[4] receiver[4] counter[8]
 * sealed[padded_len] tag[16], little endian.
 */
void wg_data_seal(struct aead_ctx *aead, const struct wg_keypair *kp, uint64_t counter,
	uint8_t *msg, size_t padded_len);

/**
 * Open a data message in place: the plaintext, `len` − WG_DATA_OVERHEAD bytes, is then at msg + 16.
 * `len` is at least WG_DATA_OVERHEAD (checked by wg_data_begin()). Changes only `msg`. Return:
 * DROP_NONE or DROP_WG_AUTH; the plaintext is then undefined.
 */
enum drop wg_data_open(struct aead_ctx *aead, const struct wg_keypair *kp, uint64_t counter,
	uint8_t *msg, size_t len);

/** Record an opened message's counter, before the message has any effect. Return: DROP_NONE, or
 * DROP_WG_REPLAY for a duplicate. */
enum drop wg_data_commit(struct wg_keypair *kp, uint64_t counter);
