/* SPDX-License-Identifier: MIT */
/* Path MTU discovery by probes: a state machine after RFC 8899 (DPLPMTUD). */
#ifndef PATH_PMTUD_H
#define PATH_PMTUD_H

#include "base/mono.h"
#include "path/trains.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/*
 * Theory of operation
 *
 * All sizes are of whole packets on the underlay, outer IP header included. A probe is a packet of
 * an exact size with DF set that the peer answers (an ICMP echo in the tunnel); the caller makes
 * it, and sends each by itself: nothing else may be lost with it, and it with nothing else.
 *
 * Rounds. Probes go in rounds. Each round ends with a marker, a small probe that passes whatever
 * the MTU is. An answered marker separates "too large" from "the path is down", and it does so
 * within a round trip: what was sent before the marker and has not been answered a little after it,
 * is lost. A timer (PMTUD_PROBE_TIMER_NS, RFC 8899 §5.1.1) decides only where not even the marker
 * is answered; then nothing is concluded about the MTU.
 *
 * Loss. A size has failed when it went unanswered in PMTUD_MAX_PROBES such rounds. Where probes
 * that are known to fit are lost, too, it takes more of them, so many that chance alone does it
 * less than once in 10,000 times. So a path that loses packets is not taken for a narrow one.
 *
 * The start. The first round probes the route's MTU. Until it is answered, `sure` is no more than
 * the base. If the marker is answered and the route's MTU is not, the base is used at once, and
 * SEARCH goes on from there at once, so that the connections that are being opened get most of what
 * the path carries.
 *
 * The states:
 *
 * CONFIRM: `current` is probed. Answered: COMPLETE. Unanswered: `sure` is lowered for the time, and
 * the next rounds probe sizes below it as well, so that when it has failed (a black hole),
 * `current` falls to the largest that passes and SEARCH begins.
 *
 * SEARCH: several sizes of the interval (low, high) are probed in a round, common MTUs first. An
 * answer raises `current` at once. Rounds narrow the interval until it is one byte wide.
 *
 * COMPLETE: waits. While large packets are sent, `current` is confirmed every PMTUD_CONFIRM_NS: at
 * most so long, and three quick rounds, does a black hole last. An ICMP too-big begins a round at
 * once, in which the size that it reports is probed beside `current`. It may be forged, so it does
 * no more, unless it is authentic: then `sure` is lowered until the round is over. After
 * PMTUD_RAISE_TIMER_NS larger sizes are searched again; sooner, if the path was losing packets when
 * it was found to be narrow.
 *
 * TRAINS: as CONFIRM, and trains of probes are sent as well: see trains.h.
 *
 * SILENT: the peer answers nothing (its firewall, or the path is down): `current` stays as it is,
 * at the start the route's MTU. An authentic ICMP too-big is used there without a probe, for as
 * long as the kernel caches one. Tried again while traffic flows, ever more rarely.
 *
 * Without traffic nothing is sent and no deadline set: an idle tunnel causes no wake-ups.
 */

#define PMTUD_MAX_PROBES     3		    /* RFC 8899 §5.1.2 */
#define PMTUD_LOSSY_PROBES   24		    /* the most, however much is lost */
#define PMTUD_BASE_IPV4	     1200	    /* RFC 8899 §5.1.2 */
#define PMTUD_MIN_IPV4	     576	    /* RFC 791: every host takes it */
#define PMTUD_BASE_IPV6	     1280	    /* RFC 8200 §5: every link carries it */
#define PMTUD_LARGEST	     65535	    /* the longest IPv4 packet */
#define PMTUD_MARKER	     160	    /* the small probe */
#define PMTUD_PROBE_TIMER_NS (1 * NS_PER_S) /* RFC 8899 §5.1.1: at least one second */
#define PMTUD_RAISE_TIMER_NS (600 * NS_PER_S)
#define PMTUD_RAISE_SOON_NS  (10 * NS_PER_S) /* after loss; doubles up to the above */
#define PMTUD_CONFIRM_NS     (500 * NS_PER_MS)
#define PMTUD_ROUND_MIN_NS   (100 * NS_PER_MS) /* a burst of loss should not fill three rounds */
#define PMTUD_SILENCE_SHIFT  4		       /* pauses for a silent peer: 1, 2, 4, 8 s, then */
#define PMTUD_SILENCE_MAX_NS (16 * NS_PER_S)   /* this */
#define PMTUD_BURST	     8		       /* sizes probed in one round */

/** The state of discovery. */
enum pmtud_state {
	PMTUD_CONFIRM,
	PMTUD_SEARCH,
	PMTUD_COMPLETE,
	PMTUD_TRAINS,
	PMTUD_SILENT,
};

/** One probe to be sent: `size` on the underlay, and what its answer must bring back. */
struct pmtud_probe {
	unsigned size;
	unsigned count; /* 1; or a train of so many datagrams of this size, one answer is enough */
	uint16_t token;
};

/** A probe of the present round. Private. */
struct pmtud_sent {
	unsigned size;
	unsigned count;
	unsigned tries; /* earlier rounds in which it was not answered, and others were */
	uint16_t token;
	bool acked;
	struct mono at;
};

/** The MTU of the path to one peer. Read `state`, `current`, `sure`, `trains.max` and the counters;
 * the rest is private. */
struct pmtud {
	enum pmtud_state state;
	unsigned current; /* largest packet to send: the result of discovery */
	unsigned sure;	  /* less than that as long as it is a guess: what surely passes */
	unsigned min;	  /* taken to pass anywhere */
	unsigned base;	  /* what is used in a black hole until more is known */
	unsigned max;	  /* of the route: nothing larger can leave */
	struct trains trains;
	uint64_t probes;
	uint64_t answers;
	uint64_t black_holes;

	bool verified;	/* `current` has been answered */
	bool from_icmp; /* SILENT: `current` is what an authentic ICMP too-big reports */
	bool authentic; /* the hint */
	unsigned low;	/* passes */
	unsigned high;	/* does not */
	unsigned hint;	/* from an ICMP too-big, or 0 */
	struct pmtud_sent sent[PMTUD_BURST + 1];
	unsigned count;	   /* probes of this round, the marker in */
	unsigned next;	   /* the first of them not yet handed out */
	unsigned silence;  /* rounds in a row without any answer */
	uint16_t token;	   /* the next */
	uint64_t outcomes; /* of probes that fit, newest in bit 0; set: lost */
	unsigned losses;   /* how many bits of it are set */
	uint64_t rtt_ns;   /* smoothed; 0: not known */
	uint64_t raise_ns; /* how long until larger sizes are searched again */
	struct mono round_begun;
	struct mono round_ends;
	struct mono next_confirm; /* COMPLETE, SILENT: no sooner than this */
	struct mono next_raise;
	bool traffic; /* there is a reason to confirm */
};

/** Start with a path whose first hop carries `route_mtu` and that `outer_family` packets take. The
 * first probes are due at once. Also used to restart when the peer's endpoint has changed. */
void pmtud_init(struct pmtud *p, unsigned route_mtu, uint16_t outer_family, struct mono now);

/** The next probe to send, if one is due; call until it returns false. Return: whether there is
 * one. */
bool pmtud_next(struct pmtud *p, struct mono now, struct pmtud_probe *ret);

/** When to call pmtud_next() again; MONO_NEVER if only an event can make it necessary. */
struct mono pmtud_deadline(const struct pmtud *p);

/** The peer has answered the probe with this token. */
void pmtud_acked(struct pmtud *p, uint16_t token, struct mono now);

/** Packets of up to `size` have been sent, and would fill trains of `datagrams`: once a batch is
 * enough. */
void pmtud_traffic(struct pmtud *p, unsigned size, unsigned datagrams, struct mono now);

/** A router reports that it takes no more than `mtu`. `authentic`: it quotes a datagram of ours,
 * which only a host on the path can. */
void pmtud_hint(struct pmtud *p, unsigned mtu, bool authentic, struct mono now);

/** The route's MTU has changed, or the kernel has refused a packet as too large for it. */
void pmtud_route(struct pmtud *p, unsigned route_mtu, struct mono now);

#endif
