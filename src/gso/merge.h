/* SPDX-License-Identifier: MIT */
/* Merge the TCP and UDP segments of a batch into superframes for a TAP or TUN. */
#ifndef GSO_MERGE_H
#define GSO_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "pkt/offload.h"

/*
 * Theory of operation
 *
 * gso_merge_add() takes the frames of a batch in the order in which they arrived. A frame whose
 * checksums are right and that continues an open superframe of its flow is hung on to that one;
 * any other frame closes the open superframe of its flow, so that nothing overtakes anything
 * within a flow, and becomes an item of its own. gso_merge_next() hands the items out in the order
 * of their first frames. Nothing is held back beyond a batch and no payload is copied: an item is
 * a list of iovecs into the caller's buffers. Only the headers of a superframe's first frame are
 * changed, where they lie.
 *
 * Splitting an item again gives back the frames as they were, but for the ids of IPv4 packets with
 * DF set, which then count up (RFC 6864: they mean nothing).
 *
 * Not merged: IPv4 options, IPv6 extension headers, fragments, tunnels, more than two VLAN tags,
 * frames with padding, segments without payload, with SYN, FIN, RST, URG or CWR, with a wrong or
 * (UDP) no checksum. They pass unmodified and are never marked NEEDS_CSUM.
 */

#define GSO_MERGE_FRAMES_MAX   512 /* frames of one batch */
#define GSO_MERGE_FLOWS_MAX    64  /* superframes open at a time */
#define GSO_MERGE_SEGMENTS_MAX 128 /* frames of one TCP superframe */
#define GSO_MERGE_UDP_SEGMENTS_MAX                                                                 \
	64 /* frames of one UDP superframe: Linux' own limit before 6.9 */

/** What the receiving device takes (what TUNSETOFFLOAD has granted). All false: nothing is
 * merged. */
struct gso_merge_caps {
	bool tcp4;
	bool tcp6;
	bool udp; /* GSO_UDP_L4: TUN_F_USO4 and TUN_F_USO6, since Linux 6.2 */
};

/** One frame or superframe to be written in one call. Valid until the next call with the same
 * struct gso_merge. */
struct gso_superframe {
	struct offload offload;
	struct iovec *iov; /* iov[0] is left for the vnet header; the frame is iov[1] … */
	unsigned n_iov;	   /* iov[0] included */
	unsigned n_frames; /* how many frames have become this one */
	size_t len;	   /* bytes of the frame, without the vnet header */
	void *tag;	   /* as given with its frames */
};

/** A frame of the batch. */
struct gso_merge_frame {
	uint8_t *data;
	uint32_t len;
	uint16_t next; /* the frame that follows it in its superframe, or itself at the end */
};

/** A superframe that is being built, or a single frame. Below `n_frames` only for what has a
 * flow. */
struct gso_merge_item {
	void *tag;
	uint32_t len;	/* bytes of the whole superframe */
	uint16_t first; /* index of the first frame */
	uint16_t last;	/* index of the last */
	uint16_t n_frames;
	bool verified;	   /* its transport checksum is known to be right */
	uint8_t proto;	   /* TCP or UDP */
	uint32_t hash;	   /* of the flow */
	uint32_t next_seq; /* TCP: what the next segment must begin with */
	uint16_t next_id;  /* IPv4 without DF: what the next packet must carry */
	uint16_t gso_size; /* payload of the first frame */
	uint16_t l3;	   /* offset of the IP header */
	uint16_t l4;	   /* offset of the transport header */
	uint16_t hdr_len;  /* headers up to the payload */
};

/** The state of one batch. Fixed size, no pointers of its own: in the caller's memory. */
struct gso_merge {
	struct gso_merge_caps caps;
	uint16_t n_frames;
	uint16_t n_items;
	uint16_t next_item;		    /* the next to hand out */
	uint16_t open[GSO_MERGE_FLOWS_MAX]; /* item index + 1 of each open superframe, or 0 */
	uint8_t victim;			    /* which way of a full set closes next */
	struct gso_merge_frame frames[GSO_MERGE_FRAMES_MAX];
	struct gso_merge_item items[GSO_MERGE_FRAMES_MAX];
	struct iovec iov[1 + GSO_MERGE_SEGMENTS_MAX]; /* of the item handed out last */
};

/** Begin with an empty batch. */
void gso_merge_init(struct gso_merge *m, const struct gso_merge_caps *caps);

/** Whether the batch can take no further frame: hand out its items first. */
static inline bool gso_merge_is_full(const struct gso_merge *m)
{
	return m->n_frames == GSO_MERGE_FRAMES_MAX;
}

/**
 * Add a frame that came without offload facts: its checksums are complete, right or wrong.
 * `frame`, `len`: 1 … SUPERFRAME_MAX bytes, borrowed until the batch has been handed out; its
 * headers may be changed. `ethernet`: begins with an Ethernet header (TAP), else with the IP header
 * (TUN). `tag`: where it is going; frames with different tags are never merged.
 * Return: 0, or -ENOBUFS if the batch is full.
 */
int gso_merge_add(struct gso_merge *m, uint8_t *frame, size_t len, bool ethernet, void *tag);

/**
 * Hand out the next item of the batch, in the order of first frames. To be called until it returns
 * false, which leaves an empty batch behind; no frame may be added in between.
 */
bool gso_merge_next(struct gso_merge *m, struct gso_superframe *ret);

#endif
