/* SPDX-License-Identifier: MIT */
/* What the lanes report to control about a peer: one note a peer and lane. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/list.h"

/* Different answers to probes that one note holds: more than can be outstanding (PMTUD_BURST). */
#define RX_NOTE_ANSWERS 16

/**
 * What was sent to a peer since control last read the note: the sums, so that a note is never in
 * want of room. A lane writes its notes, and control reads and clears them while the lane rests.
 */
struct tx_note {
	struct list link;    /* in tx_lane.noted while there is something in the note */
	uint64_t bytes;	     /* UDP payload of data messages */
	uint16_t largest;    /* plaintext, padded, of traffic for which the path is probed; or 0 */
	uint16_t train_size; /* likewise, in the superframe with the most bytes */
	uint16_t train;	     /* datagrams that a train of this superframe's would have */
	bool wants_session;  /* packets are pending */
};

/** The sessions of a peer in which data can arrive, in the order of their interest to control. */
enum rx_session {
	RX_SESSION_PREVIOUS,
	RX_SESSION_CURRENT, /* is perhaps to be renewed */
	RX_SESSION_NEXT,    /* is confirmed by its first datagram */
};

/** What was received from a peer since control last read the note: as struct tx_note. The fields
 * before `from` are those that each datagram needs. */
struct rx_note {
	struct list link; /* in rx_lane.noted while there is something in the note */
	uint64_t bytes;	  /* UDP payload of data messages; 0: none */
	uint32_t index;	  /* local index of the most interesting session, which may have ended */
	uint8_t session;  /* which it is: enum rx_session */
	bool has_data;	  /* not only keepalives */
	bool elsewhere;	  /* the last datagram was not from the peer's endpoint, but `from` */
	uint8_t n_answers;
	struct endpoint from;
	uint16_t answers[RX_NOTE_ANSWERS]; /* tokens of answered probes */
};

/** Initialise an empty note. */
static inline void tx_note_init(struct tx_note *n)
{
	*n = (struct tx_note){ 0 };
	list_init(&n->link);
}

/** Take the note out of the lane's list and empty it. */
static inline void tx_note_clear(struct tx_note *n)
{
	list_remove(&n->link);
	tx_note_init(n);
}

/** Initialise an empty note. */
static inline void rx_note_init(struct rx_note *n)
{
	*n = (struct rx_note){ 0 };
	list_init(&n->link);
}

/** Take the note out of the lane's list and empty it. */
static inline void rx_note_clear(struct rx_note *n)
{
	list_remove(&n->link);
	n->bytes = 0;
	n->has_data = false;
	n->n_answers = 0;
}
