/* SPDX-License-Identifier: MIT */
/* The path's MTU, found and followed by probes: a state machine after RFC 8899 (DPLPMTUD). */
#ifndef PATH_PMTUD_H
#define PATH_PMTUD_H

#include "base/mono.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/*
 * Theory of operation
 *
 * All sizes are of whole packets on the underlay, outer IP header included. A probe is a packet of
 * an exact size with DF set that the peer answers (an ICMP echo in the tunnel); what it is made of
 * is the caller's affair. The machine starts from the route's MTU and confirms it; only if that
 * fails does it search.
 *
 * Probes go in rounds. Each round ends with a marker, a small probe that passes whatever the MTU
 * is. An answered marker is what tells "too large" from "the path is down", and it tells so within
 * a round trip: what was sent before the marker and has not been answered a little after it, is
 * lost. A timer (PMTUD_PROBE_TIMER_NS, RFC 8899 §5.1.1) decides only where not even the marker is
 * answered; then nothing is concluded about the MTU. A size counts as failed after PMTUD_MAX_PROBES
 * rounds.
 *
 * CONFIRM   Probe `current`. Answered: COMPLETE. Failed: a black hole; `current` falls to the base
 *           at once, so that traffic flows again (in fragments inside the tunnel), and SEARCH
 *           begins.
 * SEARCH    Probe several sizes of the interval (low, high) in a round, common MTUs first. An
 *           answer raises `current` at once. Rounds narrow the interval until it is one byte wide.
 * COMPLETE  Wait. While large packets are sent, `current` is confirmed every PMTUD_CONFIRM_NS: a
 *           black hole lasts no longer than that and three quick rounds. An ICMP too-big error
 *           triggers a confirmation, and is the first size tried in a search; it never does more,
 *           as it may be forged. After PMTUD_RAISE_TIMER_NS larger sizes are searched again.
 * SILENT    The peer answers nothing (its firewall drops probes, or the path is down): `current`
 *           stays as it is. Probes are repeated while traffic flows, at growing intervals.
 *
 * Without traffic nothing is sent and no deadline set: an idle tunnel wakes nobody.
 */

#define PMTUD_MAX_PROBES     3		    /* RFC 8899 §5.1.2 */
#define PMTUD_BASE_IPV4	     1200	    /* RFC 8899 §5.1.2 */
#define PMTUD_MIN_IPV4	     576	    /* RFC 791: every host takes it */
#define PMTUD_BASE_IPV6	     1280	    /* RFC 8200 §5: every link carries it */
#define PMTUD_LARGEST	     65535	    /* the longest IPv4 packet */
#define PMTUD_MARKER	     160	    /* the small probe */
#define PMTUD_PROBE_TIMER_NS (1 * NS_PER_S) /* RFC 8899 §5.1.1: at least one second */
#define PMTUD_RAISE_TIMER_NS (600 * NS_PER_S)
#define PMTUD_CONFIRM_NS     (500 * NS_PER_MS)
#define PMTUD_ROUND_MIN_NS   (100 * NS_PER_MS) /* a burst of loss should not fill three rounds */
#define PMTUD_SILENCE_SHIFT  4		       /* pauses for a silent peer: 1, 2, 4, 8 s, then */
#define PMTUD_SILENCE_MAX_NS (16 * NS_PER_S)   /* this */
#define PMTUD_BURST	     8		       /* sizes probed in one round */

/** What the machine is at. */
enum pmtud_state {
	PMTUD_CONFIRM,
	PMTUD_SEARCH,
	PMTUD_COMPLETE,
	PMTUD_SILENT,
};

/** One probe to be sent: `size` on the underlay, and what its answer must bring back. */
struct pmtud_probe {
	unsigned size;
	uint16_t token;
};

/** A probe of the present round. Private. */
struct pmtud_sent {
	unsigned size;
	uint16_t token;
	bool acked;
	struct mono at;
};

/** The MTU of the path to one peer. Read `state`, `current` and the counters; the rest is
 * private. */
struct pmtud {
	enum pmtud_state state;
	unsigned current; /* largest packet to send: what all this is for */
	unsigned min;	  /* taken to pass anywhere */
	unsigned base;	  /* what is used in a black hole until more is known */
	unsigned max;	  /* of the route: nothing larger can leave */
	uint64_t probes;
	uint64_t answers;
	uint64_t black_holes;

	unsigned low;  /* SEARCH: passes */
	unsigned high; /* SEARCH: does not */
	unsigned hint; /* from an ICMP too-big, or 0 */
	struct pmtud_sent sent[PMTUD_BURST + 1];
	unsigned count;	  /* probes of this round, the marker in */
	unsigned next;	  /* the first of them not yet handed out */
	unsigned rounds;  /* that this set of sizes has had */
	unsigned silence; /* rounds in a row without any answer */
	uint16_t token;	  /* the next */
	uint64_t rtt_ns;  /* smoothed; 0: not known */
	struct mono round_begun;
	struct mono round_ends;
	struct mono next_confirm; /* COMPLETE: not before; SILENT: likewise */
	struct mono next_raise;
	bool traffic; /* there is a reason to confirm */
};

/** Begin with a path whose first hop carries `route_mtu` and that `outer_family` packets take. The
 * first probes are due at once. Also to begin anew when the peer's endpoint has changed. */
void pmtud_init(struct pmtud *p, unsigned route_mtu, uint16_t outer_family, struct mono now);

/** The next probe to send, if one is due: call until it says no. Return: whether there is one. */
bool pmtud_next(struct pmtud *p, struct mono now, struct pmtud_probe *ret);

/** When to call pmtud_next() again; MONO_NEVER if only an event can be a reason to. */
struct mono pmtud_deadline(const struct pmtud *p);

/** The peer has answered the probe with this token. */
void pmtud_acked(struct pmtud *p, uint16_t token, struct mono now);

/** Packets of up to `size` have been sent: once a batch is enough. */
void pmtud_traffic(struct pmtud *p, unsigned size, struct mono now);

/** A router says that it takes no more than `mtu`. */
void pmtud_hint(struct pmtud *p, unsigned mtu, struct mono now);

/** The route's MTU has changed, or the kernel has refused a packet as too large for it. */
void pmtud_route(struct pmtud *p, unsigned route_mtu, struct mono now);

/** The state's name in snake case. */
const char *pmtud_state_name(enum pmtud_state state);

#endif
