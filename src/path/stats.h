/* SPDX-License-Identifier: MIT */
/* Counters of the data path, apart from drops. */
#ifndef PATH_STATS_H
#define PATH_STATS_H

#include <stdint.h>

/** Frames or packets and their bytes, in one direction. */
struct path_traffic {
	uint64_t packets;
	uint64_t bytes;
};

/** Of one TAP or the TUN. tx: read from it, towards peers; rx: from peers, written to it. */
struct path_port_stats {
	struct path_traffic tx; /* after segmentation */
	struct path_traffic rx; /* before merging */
	uint64_t fragmented;	/* packets that left in fragments */
	uint64_t fragments_tx;	/* the fragments of these */
	uint64_t fragments_rx;	/* fragments that came in, of packets that were completed */
	uint64_t reassembled;	/* these packets */
	uint64_t mss_clamped;	/* SYNs whose MSS was lowered */
	uint64_t too_big_sent;	/* replies to senders of frames that do not fit */
	uint64_t dropped_tx;
	uint64_t dropped_rx;
};

/** Of the whole engine. */
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

#endif
