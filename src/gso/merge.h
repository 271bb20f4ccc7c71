/* SPDX-License-Identifier: MIT */
/* Merge the TCP and UDP segments of a batch into superframes for a TAP or TUN. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/must_check.h"
#include "pkt/offload.h"

/*
 * Theory of operation
 *
 * gso_merge_add() takes the frames of a batch in order of arrival. A frame with correct checksums
 * that continues the open superframe of its flow is appended to it; any other frame closes the open
 * superframe of its flow, so that the order within a flow is preserved, and becomes an item of its
 * own. gso_merge_next() returns the items in the order of their first frames. No frame is delayed
 * beyond its batch and no payload is copied: an item is a list of iovecs into the caller's buffers.
 * Only the headers of a superframe's first frame are modified, in place.
 *
 * Splitting an item again restores the original frames, except for the ids of IPv4 packets with DF
 * set, which are then consecutive (RFC 6864: they have no meaning).
 *
 * Not merged: IPv4 options, IPv6 extension headers, fragments, tunnels, more than two VLAN tags,
 * frames with padding, segments without payload, with SYN, FIN, RST, URG or CWR, with a wrong or
 * (UDP) no checksum. They pass unmodified and are never marked NEEDS_CSUM.
 */

#define GSO_MERGE_FRAMES_MAX   512 /* frames of one batch */
#define GSO_MERGE_FLOWS_MAX    64  /* superframes open at a time */
#define GSO_MERGE_SEGMENTS_MAX 128 /* frames of one TCP superframe */
#define GSO_MERGE_UDP_SEGMENTS_MAX                                                                 \
	64 /* frames of one UDP superframe: the limit of Linux before 6.9 */

/** Offloads of the receiving device (granted by TUNSETOFFLOAD). All false: nothing is merged. */
struct gso_merge_caps {
	bool tcp4;
	bool tcp6;
	bool udp; /* GSO_UDP_L4: TUN_F_USO4 and TUN_F_USO6, since Linux 6.2 */
};

/** One frame or superframe, to be written in one call. Valid until the next call with the same
 * struct gso_merge. */
struct gso_superframe {
	struct offload offload;
	struct iovec *iov; /* iov[0] is reserved for the vnet header; the frame is iov[1] … */
	unsigned n_iov;	   /* iov[0] included */
	unsigned n_frames; /* frames merged into this one */
	size_t len;	   /* bytes of the frame, without the vnet header */
	void *tag;	   /* as given with its frames */
};

/** A frame of the batch. */
struct gso_merge_frame {
	uint8_t *data;
	uint32_t len;
	uint16_t next; /* next frame of the superframe; the last: itself */
};

/** A superframe under construction, or a single frame. The members after `n_frames` are set only
 * for a frame that belongs to a flow. */
struct gso_merge_item {
	void *tag;
	uint32_t len;	/* bytes of the whole superframe */
	uint16_t first; /* index of the first frame */
	uint16_t last;	/* index of the last */
	uint16_t n_frames;
	bool verified;	   /* its transport checksum is correct */
	uint8_t proto;	   /* TCP or UDP */
	uint32_t hash;	   /* of the flow */
	uint32_t next_seq; /* TCP: required sequence number of the next segment */
	uint16_t next_id;  /* IPv4 without DF: required id of the next packet */
	uint16_t gso_size; /* payload of the first frame */
	uint16_t l3;	   /* offset of the IP header */
	uint16_t l4;	   /* offset of the transport header */
	uint16_t hdr_len;  /* headers up to the payload */
};

/** The state of one batch. Fixed size, without allocation: in the caller's memory. */
struct gso_merge {
	struct gso_merge_caps caps;
	uint16_t n_frames;
	uint16_t n_items;
	uint16_t next_item;			 /* the next to hand out */
	uint16_t open[GSO_MERGE_FLOWS_MAX];	 /* item index + 1 of each open superframe, or 0 */
	const void *owners[GSO_MERGE_FLOWS_MAX]; /* whose each is */
	uint8_t victim; /* where in a full set to begin to look for one to close */
	struct gso_merge_frame frames[GSO_MERGE_FRAMES_MAX];
	struct gso_merge_item items[GSO_MERGE_FRAMES_MAX];
	struct iovec iov[1 + GSO_MERGE_SEGMENTS_MAX]; /* of the last returned item */
};

/** Initialise with an empty batch. */
void gso_merge_init(struct gso_merge *m, const struct gso_merge_caps *caps);

/** Whether the batch is full: fetch its items first. */
static inline bool gso_merge_is_full(const struct gso_merge *m)
{
	return m->n_frames == GSO_MERGE_FRAMES_MAX;
}

/**
 * Add a frame that came without offload facts: its checksums are complete, right or wrong.
 * `frame`, `len`: 1 … SUPERFRAME_MAX bytes, borrowed until the batch has been handed out; its
 * headers may be changed. `ethernet`: begins with an Ethernet header (TAP), else with the IP header
 * (TUN). `tag`: where it is going; frames with different tags are never merged. `owner`: whom it
 * came from, compared only; one that has many flows closes its own superframes, not another's.
 * Return: 0, or -ENOBUFS if the batch is full.
 */
int gso_merge_add(struct gso_merge *m, uint8_t *frame, size_t len, bool ethernet, void *tag,
	const void *owner);

/**
 * Return the next item of the batch, in the order of first frames. Call it until it returns false,
 * which leaves the batch empty; do not add frames in between.
 */
bool gso_merge_next(struct gso_merge *m, struct gso_superframe *ret);
