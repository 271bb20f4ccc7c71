/* SPDX-License-Identifier: MIT */
/* Counters of the data path. Each lane has its own, and engine_count() adds them up. */
#pragma once

#include <stdint.h>

#include "pkt/drop.h"

/** Of one TAP or the TUN: what was read from it, towards peers. Counted by the sending lane. */
struct path_port_tx {
	uint64_t packets; /* after segmentation */
	uint64_t bytes;
	uint64_t fragmented;   /* packets that left in fragments */
	uint64_t fragments;    /* the fragments of these */
	uint64_t mss_clamped;  /* SYNs whose MSS was lowered */
	uint64_t too_big_sent; /* replies to senders of frames that do not fit */
	uint64_t dropped;
};

/** What came from peers and was written to it. Counted by the receiving lane. */
struct path_port_rx {
	uint64_t packets; /* before merging */
	uint64_t bytes;
	uint64_t fragments;   /* fragments that came in, of packets that were completed */
	uint64_t reassembled; /* these packets */
	uint64_t mss_clamped;
	uint64_t dropped;
};

/** Of one TAP or the TUN, in both directions. */
struct path_port_stats {
	struct path_port_tx tx;
	struct path_port_rx rx;
};

/** Of the whole engine, or one lane's part of it. */
struct engine_stats {
	uint64_t superframes_tx; /* read from TAPs and the TUN */
	uint64_t segments_tx;	 /* packets these were cut into */
	uint64_t datagrams_tx;	 /* sealed */
	uint64_t datagrams_rx;	 /* received, of any kind */
	uint64_t superframes_rx; /* handed out to be written */
	uint64_t fragments_rx;	 /* fragments inside the tunnel that came in */
	uint64_t handshakes_tx;	 /* initiations, responses and cookie replies sent */
	uint64_t handshakes_rx;	 /* messages other than data that came in */
};

/** All that one lane counts. */
struct lane_counters {
	struct engine_stats stats;
	struct drop_counters drops;
};
