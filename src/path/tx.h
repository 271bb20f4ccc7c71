/* SPDX-License-Identifier: MIT */
/* Transmit path: superframe → segments → L2TPv3 → fragments if need be → WireGuard → trains. */
#pragma once

#include "ether/pieces.h"
#include "ether/toobig.h"
#include "gso/split.h"
#include "path/emit.h"
#include "path/own.h"
#include "path/path_peer.h"
#include "path/pending.h"
#include "path/port.h"
#include "queue/pace.h"
#include "queue/queue.h"
#include "wg/device.h"

/**
 * The data of the sending lane, without the caller's jobs. For one thread. Of a peer, the lane
 * writes only `sent` and `pending`, of a session only the sending half. It reads the tables (peers,
 * keys, allowed IPs); control changes these only between batches of the lane: see engine.h.
 */
struct tx_lane {
	struct mono now;
	const struct wg_device *wg; /* the engine's */
	struct emit out;
	struct aead_ctx aead;
	uint8_t *inner;	  /* room for one inner packet to be fragmented */
	bool joins;	  /* the driver sends a train as one packet (UDP_SEGMENT) */
	bool queueing;	  /* frames may have to wait: see tx_update_queueing() */
	bool blocked;	  /* the driver's socket takes nothing now: no frame leaves the queue */
	unsigned limited; /* peers with a limit of their own */
	struct queue queue;
	struct pace pace;
	struct pending_pool pending;
	struct own own;
	struct replies tun_replies; /* limits too-big replies to packets of the TUN */
	struct hash_key key;	    /* for counting by sender */
	struct list noted;	    /* peers with a note for control: see notes.h */
	struct lane_counters counters;
};

/** One superframe in progress. In memory of the caller's; private to tx.c. */
struct tx_job {
	struct path_port *port; /* NULL: done */
	struct emit_flow flow;	/* its `kp` NULL: no session, the packets become pending */
	struct gso_plan plan;
	unsigned next;		    /* segment */
	bool cut;		    /* segments that do not fit are fragmented */
	struct ether_pieces pieces; /* count not 0: those of segment `next`, sent in its place */
	unsigned piece;
	bool wants_probes; /* data, and not an answer to the peer's probes */
	bool released;	   /* a frame that has waited in the queue */
	uint8_t reply[ETHER_TOO_BIG_MAX];
};

/** What the caller has to do about a superframe. */
struct tx_answer {
	/** A reply to its sender, to be written to its port: a frame for a TAP, a packet for the
	 * TUN. `len` 0: none. */
	uint8_t *bytes;
	size_t len;
	/** It was a datagram of ours, and was dropped: the route to the peer leads to the port. */
	struct own_datagram own;
};

/**
 * Start processing a superframe that was read from `port`: check it, plan its segments, find its
 * peer. A drop is counted. `frame` is borrowed until tx_continue() returns true; peers and sessions
 * must not be removed before. Return: the reply to its sender, which is in `job`, and what returned
 * to us.
 */
MUST_CHECK struct tx_answer tx_begin(struct tx_lane *tx, struct tx_job *job, struct path_port *port,
	uint8_t *frame, size_t len, const struct offload *offload);

/**
 * Turn the segments of a superframe into datagrams. Return: true when it is done; false: send and
 * reset the trains, and call again.
 */
MUST_CHECK bool tx_continue(struct tx_lane *tx, struct tx_job *job);

/**
 * Start to send the frame of the queue that is next. Return: false if there is none, if none may
 * leave now, or if the trains have to be sent first; true: tx_continue() has to follow, before any
 * other function of this file with another job.
 */
MUST_CHECK bool tx_release(struct tx_lane *tx, struct tx_job *job);

/** Whether frames may have to wait follows from the pace, the limits and the queue: to be called
 * after any of these has changed. */
void tx_update_queueing(struct tx_lane *tx);

/** When tx_release() is to be called again, or MONO_NEVER. */
struct mono tx_due(const struct tx_lane *tx);
