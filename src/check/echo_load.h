/* SPDX-License-Identifier: MIT */
/* A load of echo requests: which frames are outstanding, and how many may be. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define LOAD_NUMBERS 32768 /* frames have numbers below this, and then start again */

/** Frames of a load, and the replies. */
struct load {
	uint64_t sent;
	uint64_t received; /* replies */
	unsigned every;	   /* each so many frames, one is a request; the others are not answered */
	bool padded;	   /* frames are large, but not the packets in them */
	uint16_t last;	   /* number of the last frame */
	uint16_t newest;   /* of the newest one that has a reply */
	unsigned window;   /* most frames that are outstanding: grows by `every` with each reply */
	unsigned window_max;
	uint64_t grow_us; /* while the reply's round trip is shorter than this */
};

/** Return: how many frames were sent after the newest that has a reply. */
unsigned load_outstanding(const struct load *load);

/** The reply to frame number `seq` has come, `us` microseconds after it was sent. */
void load_take(struct load *load, uint16_t seq, uint64_t us);
