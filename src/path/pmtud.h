/* SPDX-License-Identifier: MIT */
/* Path MTU discovery by probes: a state machine after RFC 8899 (DPLPMTUD). */
#pragma once

#include "base/mono.h"
#include "path/trains.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/*
 * Theory of operation
 *
 * Every size is that of a whole packet on the underlay, with its outer IP header. A probe is a
 * packet of an exact size with DF set that the peer answers (an ICMP echo inside the tunnel). The
 * caller builds it and sends it in a train of its own, so that a router that drops the train drops
 * nothing else.
 *
 * Rounds. Probes are sent in rounds. The last probe of a round is the marker, a small probe that
 * passes at any path MTU. If it is answered, the path works: then a probe that is not answered was
 * too large, or was lost by chance. The answer also ends the round after about one round-trip time:
 * a probe that is still unanswered shortly after it counts as lost. If the marker is not answered,
 * a timer ends the round (PMTUD_PROBE_TIMER_NS, RFC 8899 §5.1.1). If no probe of a round was
 * answered, nothing is concluded about the MTU.
 *
 * Loss. A size has failed when it was not answered in PMTUD_MAX_PROBES such rounds. If the path
 * also loses probes that are known to fit, more rounds are needed, up to PMTUD_LOSSY_PROBES: so
 * many that random loss causes the same in less than one of 10,000 cases. So a path that loses
 * packets is not taken for one with a small MTU.
 *
 * The start. The first round probes the route's MTU. Until it is answered, `sure` is at most the
 * base. If the marker is answered but the route's MTU is not, `current` becomes the base and SEARCH
 * begins, both at once: connections that are being opened soon use most of the path's MTU.
 *
 * The states:
 *
 * CONFIRM: `current` is probed. If it is answered, COMPLETE follows. If not, `sure` is lowered for
 * now, and the next rounds also probe smaller sizes. When `current` has failed (a black hole), it
 * falls to the largest size that was answered, and SEARCH follows.
 *
 * SEARCH: a round probes several sizes of the interval (low, high), common MTUs first. An answer
 * raises `current` at once. The rounds go on until the interval is one byte wide.
 *
 * COMPLETE: nothing is probed. While large packets are sent, CONFIRM follows every
 * PMTUD_CONFIRM_NS, so a black hole lasts at most this time and three short rounds. An ICMP too-big
 * message starts CONFIRM at once, and the size that it reports is probed beside `current`. As the
 * message may be forged, it has no other effect, unless it is authentic: then `sure` is lowered
 * until the round has ended. After PMTUD_RAISE_TIMER_NS, SEARCH tries larger sizes again; sooner,
 * if the path lost packets when its MTU was found to be small.
 *
 * TRAINS: as CONFIRM, and trains of probes are sent as well: see trains.h.
 *
 * SILENT: the peer answers no probe (a firewall drops them, or the path is down). `current` stays
 * as it is; at the start it is the route's MTU. An authentic ICMP too-big message is applied
 * without a probe, for as long as the kernel caches such a message. While traffic flows, probes are
 * tried again, at growing intervals.
 *
 * Without traffic, no probe is sent and no deadline is set: an idle tunnel causes no wake-ups.
 */

#define PMTUD_MAX_PROBES     3		    /* RFC 8899 §5.1.2 */
#define PMTUD_LOSSY_PROBES   24		    /* upper limit on a lossy path */
#define PMTUD_BASE_IPV4	     1200	    /* RFC 8899 §5.1.2 */
#define PMTUD_MIN_IPV4	     576	    /* RFC 791: every host accepts it */
#define PMTUD_BASE_IPV6	     1280	    /* RFC 8200 §5: every link carries it */
#define PMTUD_LARGEST	     65535	    /* the longest IPv4 packet */
#define PMTUD_MARKER	     160	    /* the small probe */
#define PMTUD_PROBE_TIMER_NS (1 * NS_PER_S) /* RFC 8899 §5.1.1: at least one second */
#define PMTUD_RAISE_TIMER_NS (600 * NS_PER_S)
#define PMTUD_RAISE_SOON_NS  (10 * NS_PER_S) /* after loss; doubles up to RAISE_TIMER */
#define PMTUD_CONFIRM_NS     (500 * NS_PER_MS)
#define PMTUD_ROUND_MIN_NS   (100 * NS_PER_MS) /* one burst of loss must not span three rounds */
#define PMTUD_SILENCE_SHIFT  4		       /* pauses for a silent peer: 1, 2, 4, 8 s, */
#define PMTUD_SILENCE_MAX_NS (16 * NS_PER_S)   /* then this */
#define PMTUD_BURST	     8		       /* sizes probed in one round */

/** The state of discovery. */
enum pmtud_state {
	PMTUD_CONFIRM,
	PMTUD_SEARCH,
	PMTUD_COMPLETE,
	PMTUD_TRAINS,
	PMTUD_SILENT,
};

/** One probe to send: its size on the underlay, and the token that its answer contains. */
struct pmtud_probe {
	unsigned size;
	unsigned count; /* 1, or datagrams in the train; one answer is enough */
	uint16_t token;
};

/** A probe of the present round. Private. */
struct pmtud_sent {
	unsigned size;
	unsigned count;
	unsigned tries; /* earlier rounds that answered others but not this */
	uint16_t token;
	bool acked;
	struct mono at;
};

/** The MTU of the path to one peer. Read `state`, `current`, `sure`, `trains.max`, `rtt_ns`,
 * `jitter_ns` and the counters; the rest is private. */
struct pmtud {
	enum pmtud_state state;
	unsigned current; /* largest packet to send: the result of discovery */
	unsigned sure;	  /* size that should pass; < current while that is a guess */
	unsigned min;	  /* smallest size ever used */
	unsigned base;	  /* size to use in a black hole until more is known */
	unsigned max;	  /* the route's MTU: nothing larger can be sent */
	struct trains trains;
	uint64_t probes;
	uint64_t answers;
	uint64_t black_holes;

	bool verified;	/* `current` has been answered */
	bool from_icmp; /* SILENT: `current` is what an authentic ICMP too-big reports */
	bool authentic; /* `hint` is */
	unsigned low;	/* largest size known to pass */
	unsigned high;	/* smallest size known not to */
	unsigned hint;	/* from an ICMP too-big, or 0 */
	struct pmtud_sent sent[PMTUD_BURST + 1];
	unsigned count;	    /* probes of this round, with the marker */
	unsigned next;	    /* index of the first that is not sent yet */
	unsigned silence;   /* consecutive rounds without any answer */
	uint16_t token;	    /* of the next probe */
	uint64_t outcomes;  /* of probes that fit, newest in bit 0; 1: lost */
	unsigned losses;    /* number of 1 bits in it */
	uint64_t rtt_ns;    /* smoothed; 0: not known */
	uint64_t jitter_ns; /* smoothed difference of a round trip from `rtt_ns` */
	uint64_t raise_ns;  /* how long until larger sizes are searched again */
	struct mono round_begun;
	struct mono round_ends;
	struct mono next_confirm; /* COMPLETE, SILENT: the earliest time */
	struct mono next_raise;
	struct mono received; /* when something was last received from the peer */
	bool traffic;	      /* large packets were sent since the last round */
};

/** Start discovery on a path whose route has the MTU `route_mtu`, for outer packets of the family
 * `outer_family`. The first probes are due at once. Also restarts it for a new endpoint. */
void pmtud_init(struct pmtud *p, unsigned route_mtu, uint16_t outer_family, struct mono now);

/** Get the next probe that is due. Call it until it returns false. Return: whether `ret` is
 * filled. */
bool pmtud_next(struct pmtud *p, struct mono now, struct pmtud_probe *ret);

/** When to call pmtud_next() again; MONO_NEVER if only an event can make it necessary. */
struct mono pmtud_deadline(const struct pmtud *p);

/** The peer has answered the probe with this token. */
void pmtud_acked(struct pmtud *p, uint16_t token, struct mono now);

/** Report traffic, once for each batch: packets of up to `size` bytes on the underlay were sent,
 * enough for trains of `datagrams`. */
void pmtud_traffic(struct pmtud *p, unsigned size, unsigned datagrams, struct mono now);

/** A data or handshake message was received from the peer. If that is the end of an outage, the
 * path may be another one: SILENT ends, and does not wait for its timer. */
void pmtud_received(struct pmtud *p, struct mono now);

/** An ICMP too-big message reports the MTU `mtu`. `authentic`: it quotes a datagram that we sent,
 * which only a host on the path has seen. */
void pmtud_hint(struct pmtud *p, unsigned mtu, bool authentic, struct mono now);

/** The route's MTU is `route_mtu` now: the route changed, or the kernel refused a packet as too
 * large. */
void pmtud_route(struct pmtud *p, unsigned route_mtu, struct mono now);
