/* SPDX-License-Identifier: MIT */
/* Two engines, back to back in memory, and the network between them: for tests. */
#pragma once

#include "path/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Echo requests that a side's kernel takes at once. */
#define SIDE_ECHOES 32

/** One site: an engine with one peer and one session. */
struct side {
	struct engine e;
	struct path_peer peer;
	struct l2tp_tunnel tunnel;
	struct path_session session;
	void *memory;
	struct tx_job job;
	struct tx_answer answer; /* to the last superframe that was sent */
	struct endpoint self;
	uint8_t delivered[SUPERFRAME_MAX + 100]; /* the last superframe for the TAP */
	size_t delivered_len;
	uint64_t frames; /* delivered to the TAP, before merging */
	uint64_t bytes;
	uint64_t packets;   /* delivered to the TUN */
	uint8_t tun[10240]; /* the last of them */
	size_t tun_len;
	bool answers; /* the kernel behind the TUN answers echoes of IPv4 */
	uint8_t echoes[SIDE_ECHOES][2048];
	size_t echo_len[SIDE_ECHOES];
	unsigned echoes_n;
};

/** One direction of the underlay. Zero: everything passes. */
struct pair_link {
	unsigned mtu;  /* longest IP packet; 0: any */
	unsigned loss; /* in a thousand */
	bool speaks;   /* of packets that are too large */
	bool quotes;   /* and quotes them */
	bool whole; /* forwards trains as they are: all of one is lost if its first datagram is too
		       large */
	unsigned train;	  /* longest train that passes; 0: any */
	uint64_t carried; /* datagrams that arrived */
	uint64_t too_large;
	uint64_t lost;
	unsigned longest; /* IP packet that arrived */
};

/** Two sites, the links between them, and the time. */
struct pair {
	struct side a;
	struct side b;
	struct pair_link ab;
	struct pair_link ba;
	struct mono now;
	uint64_t seed;
	uint8_t wire[2 * 192 * 1024]; /* datagrams in transit */
};

/** No offload at all. */
extern const struct offload pair_plain;

/** Fill with what looks random; `ctx` is a uint64_t, the state. */
void pair_random(void *ctx, uint8_t *out, size_t len);

/** Make one site, 192.168.122.`host` and 10.0.1.`host` inside, with one peer and a session to it.
 * `seed` is the state of its random source, and stays the caller's. */
void side_init(struct side *s, uint64_t *seed, const uint8_t priv[static 32],
	const uint8_t peer_pub[static 32], unsigned host, unsigned peer_host);

/** Two sites that have not spoken yet. */
struct pair *pair_new(void);

/** Two sites of which each superframe that is delivered is one frame. */
struct pair *pair_new_unmerged(void);

/** End both. */
void pair_free(struct pair *p);

/** Let `ns` pass, without doing what is due in it. */
void pair_advance(struct pair *p, uint64_t ns);

/** Let a millisecond pass. */
void pair_tick(struct pair *p);

/** Let `ns` pass with everything that falls due, at the instant it is due. */
void pair_run(struct pair *p, uint64_t ns);

/** Take what a side has for its TAP and TUN. */
void pair_deliver(struct side *s);

/** Carry one queue of `from` to `to`, through a copy, as the network would. Return: whether there
 * was anything. */
bool pair_carry(struct pair *p, struct side *from, struct train_queue *q, struct side *to);

/** Let everything that one side has to send arrive. Return: whether there was anything. */
bool pair_carry_side(struct pair *p, struct side *from, struct side *to);

/** Let everything that is in transit arrive. */
void pair_settle(struct pair *p);

/** A member of `from` sends a frame. */
void pair_send(struct pair *p, struct side *from, struct side *to, uint8_t *frame, size_t len,
	const struct offload *o);

/** The kernel of `from` sends a packet through the TUN. */
void pair_send_tun(struct pair *p, struct side *from, struct side *to, uint8_t *packet, size_t len,
	const struct offload *o);

/** A frame whose bytes follow from `seed`, of an ethertype that is not parsed. */
void pair_make_frame(uint8_t *frame, size_t len, unsigned seed);

/** Datagrams that have arrived at either side. */
static inline uint64_t pair_carried(const struct pair *p)
{
	return p->ab.carried + p->ba.carried;
}

/** Discard everything that an engine has to send. */
void pair_reset(struct engine *e);

/** How much the engine has dropped for this reason. */
uint64_t pair_dropped(const struct engine *e, enum drop why);

/** SYNs of a port, in either direction, whose MSS was lowered. */
uint64_t pair_clamped(const struct path_port *port);

/** Drops of both sides together. */
uint64_t pair_drops(const struct pair *p);
