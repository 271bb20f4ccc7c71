/* SPDX-License-Identifier: MIT */
/* The options of a session and the encapsulation of its tunnel: one declaration for the
 * configuration, the engine and the status. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Theory of operation
 *
 * An option is a key of [L2TPSession] that sets how the engine treats a session's frames. It is
 * declared twice, both in this module: as a member of struct l2tp_options and as a row of
 * l2tp_option_rows, which has all that other folders need to know of it. They handle the options by
 * these rows alone: conf/ parses, prints and compares them, ctlproto/ converts the status to JSON
 * and back, and a reload asks l2tp_options_need_replace(). The struct itself is copied from the
 * configuration to the engine and from there to the status. CONTRIBUTING.md has a recipe for a new
 * option.
 *
 * Name, SessionId, PeerSessionId, Cookie, PeerCookie, MTU and Bridge are not options: they identify
 * the session, are secret, or belong to its interface.
 */

/** What carries L2TPv3 between Local and Remote. Source: RFC 3931 §4.1. */
enum l2tp_encap {
	L2TP_ENCAP_UDP, /* UDP, with the flags-and-version word */
	L2TP_ENCAP_IP,	/* IP protocol 115: no ports, no flags word */
	L2TP_ENCAP_COUNT
};

/** The L2-specific sublayer between cookie and frame. Source: RFC 3931 §4.6. */
enum l2tp_sublayer {
	L2TP_SUBLAYER_DEFAULT, /* 4 bytes: S bit and sequence number */
	L2TP_SUBLAYER_NONE,    /* 0 bytes */
};

/** Sequence numbers: a bit set. */
enum l2tp_sequence {
	L2TP_SEQUENCE_NONE = 0,
	L2TP_SEQUENCE_SEND = 1, /* number sent frames */
	L2TP_SEQUENCE_RECV = 2, /* drop received frames without a number, late or duplicate */
	L2TP_SEQUENCE_BOTH = 3,
	L2TP_SEQUENCE_COUNT
};

/** The MSS of TCP connections through the session: one of these, or larger values in bytes. */
enum l2tp_clamp {
	L2TP_CLAMP_PATH,     /* lowered to what the path's MTU allows */
	L2TP_CLAMP_OFF,	     /* not changed */
	L2TP_CLAMP_MIN = 64, /* smallest number of bytes */
};

/** The treatment of a frame that does not fit into one packet. */
enum l2tp_oversize {
	L2TP_OVERSIZE_FRAGMENT, /* carried in fragments inside the tunnel */
	L2TP_OVERSIZE_REJECT,	/* its sender gets an ICMP error, or its packet is fragmented */
	L2TP_OVERSIZE_DROP,
	L2TP_OVERSIZE_COUNT
};

/** Whether the session's port exchanges frames with the other such ports of its bridge. */
enum l2tp_split_horizon {
	L2TP_SPLIT_HORIZON_OFF,
	L2TP_SPLIT_HORIZON_ON, /* it does not: the bridge port is isolated */
};

/** The options of a session. Each member has the size of a uint32_t, see L2TP_OPTION(). */
struct l2tp_options {
	enum l2tp_sublayer sublayer;
	enum l2tp_sequence sequence;
	uint32_t clamp_mss; /* enum l2tp_clamp, or bytes */
	enum l2tp_oversize oversize;
	enum l2tp_split_horizon split_horizon;
};

/** Number of options. */
#define L2TP_OPTIONS (sizeof(struct l2tp_options) / sizeof(uint32_t))

/** The number of the option that `member` of struct l2tp_options holds, from 0. */
#define L2TP_OPTION(member) (offsetof(struct l2tp_options, member) / sizeof(uint32_t))

/**
 * How an option is written. Its value is one of `words`, as their index, or a number from `min` to
 * `max`, which are larger than any such index.
 */
struct l2tp_option {
	const char *key;	  /* in [L2TPSession] */
	const char *const *words; /* `n_words` of them; NULL: only numbers */
	uint32_t n_words;
	uint32_t min;
	uint32_t max;	    /* 0: only words */
	const char *noun;   /* with numbers: "a maximum segment size", for messages */
	const char *unit;   /* with numbers: "of bytes", for messages; NULL: none */
	uint32_t initial;   /* if the file does not set the key */
	bool live;	    /* a reload changes it without replacing the session */
	const char *status; /* its key in `wirespan status --json` */
	uint32_t off;	    /* not 0: true or false in the status; false for this value */
	bool flag;	    /* its words are no and yes: true or false in the status */
};

/** The options, by L2TP_OPTION(). */
extern const struct l2tp_option l2tp_option_rows[L2TP_OPTIONS];

/** Set each option to its initial value. */
void l2tp_options_init(struct l2tp_options *o);

/** The value of an option. */
uint32_t l2tp_options_get(const struct l2tp_options *o, size_t option);

/** Set an option; `value` is one of its words or in its range. */
void l2tp_options_set(struct l2tp_options *o, size_t option, uint32_t value);

/** The word for `value`, or NULL if it is a number. */
const char *l2tp_option_word(const struct l2tp_option *row, uint32_t value);

/** Whether a session with options `a` must be replaced to get options `b`: an option that is not
 * `live` differs. */
bool l2tp_options_need_replace(const struct l2tp_options *a, const struct l2tp_options *b);

/** The limit in bytes of a session that clamps the MSS; 0: what the path's MTU allows. */
static inline unsigned l2tp_options_mss(const struct l2tp_options *o)
{
	return o->clamp_mss >= L2TP_CLAMP_MIN ? o->clamp_mss : 0;
}
