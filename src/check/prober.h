/* SPDX-License-Identifier: MIT */
/* Shared by all probes: the facts they fill, waiting, sequence numbers of echo requests, the site's
 * report. */
#pragma once

#include "base/mono.h"
#include "ctlproto/reply.h"
#include "judge/observations.h"
#include "judge/wire.h"
#include "loop/loop.h"
#include "netlink/exchange.h"

#define PROBER_NUMBERS 65536 /* the number space of 16 bits */

/** Options of a check. */
struct check_options {
	struct ip_addr target; /* host to probe on the segment; family 0: any that answers */
	bool throughput;       /* measure throughput: one second of full load on the segment */
	bool load;	       /* measure round trips beside a load, two seconds for each peer */
	struct mono end;       /* time limit of the whole check */
	/** Query the site's status for `timeout_ms` at most. Return: 0 and a reply to release, or
	 * -errno. */
	int (*status)(const void *ctx, unsigned timeout_ms, struct ctl_reply *ret);
	const void *ctx;
};

/** A running check. */
struct prober {
	struct observations *facts;
	const struct check_options *options;
	struct loop loop;
	struct nl_socket nl;
	struct wire_mark mark;
	uint16_t seq;	   /* of the next echo request */
	struct mono *sent; /* PROBER_NUMBERS times: when each was sent */
	uint8_t *out;	   /* WIRE_FRAME_MAX bytes: a probe being made */
	uint8_t *in;	   /* WIRE_FRAME_MAX bytes: a packet being read */
	struct mono end;   /* end of all waits */
	uint64_t rtt_ns;   /* the longest round trip to a peer so far; a second at most */
	uint64_t byte_ns;  /* a byte takes that on the slowest path; 0: it is fast */
};

/** Whether a probe has all its replies. */
typedef bool prober_done_fn(const void *ctx);

/** Prepare to fill `facts` until the end in `options`, which is borrowed. Return: 0 or -errno;
 * prober_close() in either case. */
int prober_open(struct prober *p, struct observations *facts, const struct check_options *options);

/** Release everything but the facts. */
void prober_close(struct prober *p);

/** Call `callback` with `ctx` when the open socket `fd` has input, through `w`. Return: 0 or
 * -errno; a negative `fd` is an error, and `w` stays as it is. */
int prober_watch(
	struct prober *p, struct loop_watch *w, int fd, loop_callback *callback, void *ctx);

/** Close the socket that `w` watches, if there is one: its `fd` is -1 without, and afterwards. */
void prober_unwatch(struct prober *p, struct loop_watch *w);

/** The sequence number for the next echo request; stores the time as its send time. */
uint16_t prober_number(struct prober *p);

/** Microseconds since the echo request with that number was sent. */
uint64_t prober_round_trip(const struct prober *p, uint16_t seq);

/** Note that `len` bytes took `us` microseconds on a path: the slowest sets the pace. */
void prober_note_path(struct prober *p, size_t len, uint64_t us);

/** Note a round trip to a peer: replies to later probes may take as long. */
void prober_note_round_trip(struct prober *p, uint64_t us);

/** Before a frame of `len` bytes is sent by a session: on a slow path, wait until the one before
 * has left. The queue there is not for probes alone, and drops what waits too long. `free` is the
 * time when that is; MONO_NEVER at first. `numbered`: it has the last number of prober_number(),
 * and its round trip begins after the wait. */
void prober_pace(struct prober *p, struct mono *free, size_t len, bool numbered);

/** Handle arriving packets for `ms` milliseconds, or until `done` (may be NULL) returns true, or
 * until the time is over. What `done` waits for has longer on a
 * slow or long path. */
void prober_wait(struct prober *p, unsigned ms, prober_done_fn *done, const void *ctx);

/** Handle packets that have arrived; wait for at most a millisecond if there are none. */
void prober_turn(struct prober *p);

/** Handle packets that have arrived, without waiting. */
void prober_poll(struct prober *p);

/** Whether the time is over. The facts record that. */
bool prober_is_late(const struct prober *p);

/** Get the site's report, with what was captured for counters that it lacks. Return: 0 and a report
 * to release, or -errno. */
int prober_status(const struct prober *p, struct status_report *ret);
