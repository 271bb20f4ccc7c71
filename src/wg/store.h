/* SPDX-License-Identifier: MIT */
/* The state of sessions in memory that outlives the process, so that another one continues. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/must_check.h"
#include "wg/messages.h"

/*
 * Theory of operation. The memory belongs to the caller, who lets a successor map it after this
 * process has ended. It contains a header and records of plain structs without pointers, one for
 * each peer that has had a session. The device writes every change through, as the process may be
 * killed between any two instructions:
 *
 * Each record has one word, `state`, that names its valid parts. A session, or the details, are
 * written into a part that the word does not name; then the word is replaced, in one store. A part
 * is wiped after the word has ceased to name it.
 *
 * Only two numbers of a session change in place. Counters for sending are reserved in blocks,
 * before they are used: the successor starts at the end of the last block, so that none is used
 * twice. Of the counters received only the end of the window is stored, with each message, before
 * the message has any effect: the successor accepts nothing below, so that none is accepted twice,
 * and a message that others had overtaken at that moment is lost. This costs one store for a
 * message received and a comparison for one sent; the whole window would cost two cache lines for
 * each message, for the sake of a few messages at each crash.
 *
 * Timers are not stored: they follow from the age of the sessions, and an additional keepalive.
 *
 * The successor checks all that it reads, as an attacker may have had control of its predecessor.
 * In an upgrade that one still runs and can write: each part is copied once, and the copy is
 * checked and used.
 */

/** Another number for each layout; a program with another one begins with new handshakes. Tests
 * build a program with another number. */
#ifndef WG_STORE_VERSION
#define WG_STORE_VERSION 1
#endif

/** Counters reserved at a time: few, as the other end counts those that a successor skips as lost,
 * and a reservation costs no more than a message does. */
#define WG_STORE_BLOCK 256U

/** Sessions of a record, and the roles that they can have: the order of enum wg_store_role. */
#define WG_STORE_SESSIONS 5

/** A session. */
struct wg_store_session {
	_Atomic uint64_t tx_limit; /* lower counters may have been used */
	_Atomic uint64_t rx_next;  /* lower counters may have been received */
	uint64_t born;		   /* struct mono */
	uint64_t made_s;	   /* struct wall */
	uint32_t made_ns;
	uint32_t local_index;
	uint32_t remote_index;
	uint32_t initiator; /* 0 or 1 */
	uint8_t tx_key[WG_KEY_LEN];
	uint8_t rx_key[WG_KEY_LEN];
} __attribute__((aligned(64)));

/** What else is known of a peer. */
struct wg_store_details {
	struct endpoint endpoint; /* family 0: none */
	uint8_t newest_timestamp[WG_TIMESTAMP_LEN];
	uint32_t last_handshake_ns; /* struct wall */
	uint64_t last_handshake_s;  /* 0: none */
	uint64_t handshake_at;	    /* struct mono */
};

/** A peer. */
struct wg_store_record {
	_Atomic uint32_t state; /* 0: free; see store.c */
	uint32_t claimed;	/* 1: by this process */
	uint8_t public_key[WG_KEY_LEN];
	struct wg_store_details details[2];
	struct wg_store_session sessions[WG_STORE_SESSIONS];
};

/** The beginning of the memory. */
struct wg_store_header {
	uint64_t magic; /* 0: empty */
	uint32_t version;
	uint32_t record_size;
	uint32_t capacity;     /* records */
	_Atomic uint32_t used; /* records from here on have never been used */
} __attribute__((aligned(64)));

/** A process's access to it. All zero: there is none, and nothing is stored. */
struct wg_store {
	struct wg_store_header *header;
	struct wg_store_record *records;
	uint32_t capacity;
	uint32_t used;	 /* as in the header, where an attacker may change it */
	uint32_t n_free; /* of the used ones */
	uint32_t free_from;
};

/** Bytes for that many peers. */
size_t wg_store_memory(size_t peers);

/**
 * Open the memory, aligned to 64 bytes: zeroed, or written by a process that has ended.
 * Return: 0; -EPROTO: it had another layout, and is empty now; -EINVAL: too small, and `ret` has
 * none.
 */
MUST_CHECK int wg_store_open(struct wg_store *ret, void *memory, size_t len);

/** Use a free record for a peer. Return: NULL if there is none. */
struct wg_store_record *wg_store_claim(
	struct wg_store *s, const uint8_t public_key[static WG_KEY_LEN]);

/** Wipe a record, which is free then. NULL is allowed. */
void wg_store_release(struct wg_store *s, struct wg_store_record *r);

/** The next record from `*at` on that was left by another process, and is not claimed; NULL: no
 * more. Start with 0. */
struct wg_store_record *wg_store_next_left(const struct wg_store *s, uint32_t *at);

/** Take a record over that another process has left. */
void wg_store_take(struct wg_store_record *r);

/** Wipe all records that another process has left and that this one has not taken over. */
void wg_store_discard(struct wg_store *s);

/** The sessions of a record by role: the current one, the next one, previous ones. 0: none;
 * otherwise the number of the session plus 1. */
struct wg_store_roles {
	uint8_t v[WG_STORE_SESSIONS];
};

/** Name the valid sessions. */
void wg_store_set_roles(struct wg_store_record *r, const struct wg_store_roles *roles);

/** The valid sessions; none is named twice, and none outside of the record. */
struct wg_store_roles wg_store_get_roles(const struct wg_store_record *r);

/** Store the details. */
void wg_store_set_details(struct wg_store_record *r, const struct wg_store_details *d);

/** Copy the details last stored. Return: whether there are any. */
MUST_CHECK bool wg_store_get_details(const struct wg_store_record *r, struct wg_store_details *ret);

/** Copy a session. */
void wg_store_get_session(const struct wg_store_session *s, struct wg_store_session *ret);

/** Reserve the block of counters from `counter` on. Return: its end; not beyond `max`. */
uint64_t wg_store_reserve(struct wg_store_session *s, uint64_t counter, uint64_t max);
