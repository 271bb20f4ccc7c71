/* SPDX-License-Identifier: MIT */
/* Every reason for dropping a packet, with its name: one enum for all stages, one counter per
 * reason. */
#pragma once

#include <stdint.h>

/** A verdict on one packet: pass, or the reason for the drop. New reasons go at the end of their
 * stage's block. */
enum drop {
	DROP_NONE = 0, /* pass */

	/* TAP and TUN: frames from the kernel or a bridge member */
	DROP_TAP_VNET,	   /* virtio-net header contradicts the frame */
	DROP_TAP_SHORT,	   /* shorter than an Ethernet or IP header */
	DROP_TAP_OVERSIZE, /* larger than the session's MTU allows and Oversize = drop or reject */
	DROP_TAP_WRITE,	   /* the kernel rejected the frame on write */
	DROP_TUN_NOT_IP,   /* neither IPv4 nor IPv6 from the TUN */
	DROP_TAP_OWN,	   /* a WireGuard datagram of ours: it would carry itself */

	/* the bridge: members' frames that it drops before a session's TAP */
	DROP_BRIDGE_OVERSIZE, /* larger than the session's MTU; a lower bound */
	DROP_BRIDGE_CONTROL,  /* LLDP, EAPOL or LACP that ForwardControl does not list */

	/* transmit: towards the peer */
	DROP_TX_NO_PEER,     /* no peer's AllowedIPs contain the destination */
	DROP_TX_NO_ENDPOINT, /* the peer has no endpoint (yet) */
	DROP_TX_STAGED_FULL, /* evicted, oldest first, while waiting for a session */
	DROP_TX_EXPIRED,     /* waited for a handshake that was given up */
	DROP_TX_SEND,	     /* sendmsg failed: unreachable or no buffer */
	DROP_TX_OVERSIZE,    /* too large for any datagram */
	DROP_TX_LOOP,	     /* the route to the peer leads back into the tunnel */
	DROP_TX_QUEUE,	     /* more than the path carries: dropped to keep the delay short; or
				the port of a frame that waited was closed */

	/* WireGuard messages from the underlay */
	DROP_WG_SHORT,		  /* shorter than its message type */
	DROP_WG_TYPE,		  /* unknown message type or reserved bytes set */
	DROP_WG_LENGTH,		  /* wrong length for its type */
	DROP_WG_MAC1,		  /* mac1 wrong: not meant for us */
	DROP_WG_COOKIE_REQUIRED,  /* no valid mac2 under load: a cookie reply was sent */
	DROP_WG_RATE_LIMIT,	  /* under load: too many handshakes, from one source or in total */
	DROP_WG_HANDSHAKE_AUTH,	  /* handshake does not authenticate */
	DROP_WG_UNKNOWN_PEER,	  /* static key of no configured peer */
	DROP_WG_HANDSHAKE_REPLAY, /* TAI64N timestamp not newer */
	DROP_WG_HANDSHAKE_FLOOD,  /* more than 50 initiations a second from one peer */
	DROP_WG_UNKNOWN_INDEX,	  /* receiver index not in use */
	DROP_WG_STATE,		  /* unsolicited response or cookie reply */
	DROP_WG_KEY_EXPIRED,	  /* session key too old or used up */
	DROP_WG_REPLAY,		  /* counter seen before or behind the window */
	DROP_WG_AUTH,		  /* data does not authenticate */
	DROP_WG_SOURCE_PORT,	  /* from port 0, which cannot be replied to */
	DROP_WG_NO_KEYS,	  /* handshake: the process that holds the keys does not answer */

	/* the decrypted packet */
	DROP_INNER_MALFORMED, /* not a well-formed IP packet */
	DROP_INNER_SOURCE,    /* source address not in the peer's AllowedIPs */
	DROP_INNER_ECN,	      /* outer CE on a packet that is not ECN-capable (RFC 6040) */

	/* L2TPv3 */
	DROP_L2TP_SHORT,    /* shorter than the headers of this session */
	DROP_L2TP_VERSION,  /* version is not 3 */
	DROP_L2TP_CONTROL,  /* control message: this is a static pseudowire */
	DROP_L2TP_SESSION,  /* session id of no session of this tunnel */
	DROP_L2TP_COOKIE,   /* cookie differs */
	DROP_L2TP_SEQUENCE, /* sequence number missing, old or duplicate */
	DROP_L2TP_CHECKSUM, /* UDP checksum wrong */
	DROP_L2TP_RUNT,	    /* frame shorter than an Ethernet header */
	DROP_L2TP_OVERSIZE, /* frame larger than the session accepts */

	/* fragments inside the tunnel */
	DROP_FRAG_MALFORMED, /* offset or length impossible */
	DROP_FRAG_OVERLAP,   /* overlaps another fragment: drops the whole packet */
	DROP_FRAG_TIMEOUT,   /* not completed in time */
	DROP_FRAG_MEMORY,    /* evicted to make room */
	DROP_FRAG_WINDOW,    /* fragment with the same id too many datagrams later */

	DROP_COUNT
};

/** The name of a reason in snake case, as in `wirespan status` and metrics ("wg_replay"). `d` must
 * be below DROP_COUNT. */
const char *drop_name(enum drop d);

/** The reason as a sentence for the user, with a hint where there is one. `d` must be below
 * DROP_COUNT. */
const char *drop_meaning(enum drop d);

/** One counter for each reason. Of the engine's own ones, only drop_add() and drop_count() change
 * them. */
struct drop_counters {
	uint64_t total; /* changes whenever one of the engine's own ones does */
	uint64_t n[DROP_COUNT];
};

/** Add `many` drops to the counter of `d`. */
static inline void drop_add(struct drop_counters *c, enum drop d, uint64_t many)
{
	c->total += many;
	c->n[d] += many;
}

/** Increment the counter of `d`, unless it is DROP_NONE. */
static inline void drop_count(struct drop_counters *c, enum drop d)
{
	if (d != DROP_NONE)
		drop_add(c, d, 1);
}
