/* SPDX-License-Identifier: MIT */
/* The engine: combines the stages of the data path, and has the memory that they share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/mono.h"
#include "base/random.h"
#include "crypto/aead.h"
#include "l2tp/session.h"
#include "path/attention.h"
#include "path/emit.h"
#include "path/path_peer.h"
#include "path/port.h"
#include "path/rx.h"
#include "path/stats.h"
#include "path/trace.h"
#include "path/tx.h"
#include "wg/device.h"

/*
 * Theory of operation
 *
 * The engine is pure. Its inputs are superframes, datagrams and the time; its outputs are trains of
 * datagrams to send and superframes to write. The owner of the descriptors calls it as follows:
 *
 *   engine_set_time()               once a wake-up
 *   tx_begin(), tx_continue() …     for each superframe read from a TAP or the TUN
 *   rx_datagrams() …, rx_next() …   for each batch of datagrams received
 *   tx_release(), tx_continue() …   if tx.queueing is set, at the end of each batch and when
 *                                   engine_deadline() is reached
 *   control_timers()                when engine_deadline() is reached
 *   control_pump()                  after each batch and after control_timers()
 *
 * and sends the trains in tx.out and control.out (heads, then tails) whenever a call reports "no
 * room" and at the end of each batch. Only the files of this folder know in which order the stages
 * are called.
 *
 * Threads. There are three lanes: sending (tx.h), receiving (rx.h) and control (control.h,
 * peer_pmtu.h, and every function of this file). A thread of its own can run each. All data that a
 * lane writes is in its struct. The data lanes report to control in notes (notes.h) and in
 * rx_lane.messages. All that control sends is in control.out. Only control changes the tables.
 *
 * There is no lock here. An owner with several threads needs one lock for `tx` and one for `rx`.
 * The thread of a lane holds its lock in each function of the lane, from tx_begin() until
 * tx_continue() returns true, and from rx_datagrams() until rx_next() returns false. The thread of
 * control holds both locks in each function of control, and until it has sent control.out, so that
 * nothing overtakes pending packets. Two words are written by more than one lane at a time and are
 * atomic: wg_keypair.tx_counter and `fragment_id`. The product runs all lanes in one thread;
 * lanes_test.c runs one thread for each.
 */

/** Capacity of an engine; fixed when it is initialised. */
struct engine_sizes {
	struct wg_sizes wg;
	size_t packet_max; /* longest inner packet in bytes, before fragmentation */
};

/**
 * The state of the control lane outside the tables. For one thread, which may change the tables and
 * read the lanes' notes between batches of the data lanes.
 */
struct control {
	struct emit out; /* handshake messages, keepalives, pending packets, probes */
	struct aead_ctx aead;
	struct attention attention;
	struct list followed;
	struct mono follow_due; /* when peer_pmtu_run() has something to do */
	struct lane_counters counters;
};

/** Events for the owner of the engine; a set of these. The driver adds those about descriptors. */
enum engine_event {
	ENGINE_MTU_CHANGED = 1 << 0,	/* path_peer.mtu of some peer */
	ENGINE_TRAINS_CHANGED = 1 << 1, /* path_peer.train_max of some peer */
	ENGINE_PATH_UNKNOWN = 1 << 2,	/* of some peer: path_peer.path_unknown */
	ENGINE_TOO_BIG = 1 << 3,	/* the kernel refused a datagram because of its size */
	ENGINE_PORT_LOST = 1 << 4,	/* another process deleted the interface of a port */
};

/** The engine. Memory of the caller's; see engine_init(). */
struct engine {
	struct tx_lane tx;
	struct rx_lane rx;
	struct control control;

	/* tables: the lanes read them, control changes them between batches */
	struct wg_device wg;
	struct l2tp_table l2tp;
	struct path_port tun;
	struct list sessions;
	_Atomic uint32_t fragment_id; /* of the next packet that is fragmented */

	/* of control, and of the owner's thread for control */
	struct mono now;
	struct wall wall;
	struct mono policy_due; /* when an endpoint policy is due */
	unsigned events;	/* set of enum engine_event: see engine_take_events() */
	unsigned wg_mtu;	/* of peers to be added */
	struct trace trace;	/* for the debug log; the driver drains it */
	struct engine_sizes sizes;
};

/** Bytes of memory that engine_init() needs. */
size_t engine_memory(const struct engine_sizes *sizes);

/** Bytes of memory that engine_grow() needs for fair shares of `peers` peers; 0: none. */
size_t engine_growth(const struct engine *e, size_t peers);

/**
 * Enlarge what peers share (slots for fragments, room for pending packets) so that each of `peers`
 * has its guaranteed part. `memory` holds engine_growth(e, peers) bytes, aligned as malloc(3) does,
 * and is the engine's until engine_fini(), beside what it has. The WireGuard device's tables grow
 * by wg_device_resize().
 */
void engine_grow(struct engine *e, size_t peers, void *memory);

/**
 * Initialise an engine without keys, peers and sessions. `memory` holds engine_memory(sizes) bytes,
 * aligned as by malloc(3), and belongs to the engine until engine_fini(). `aead` names the
 * AEAD provider of both lanes, or is NULL; control and handshakes use the reference. Return: 0, or
 * an error of aead_init() (-ENOENT: no provider of that name).
 */
int engine_init(struct engine *e, const struct engine_sizes *sizes, void *memory, struct rng rng,
	const char *aead);

/** Wipe every secret and release the memory. The caller frees the peers and sessions. NULL is
 * allowed. */
void engine_fini(struct engine *e);

/** Set the current time of both lanes and control, once per wake-up; with a thread for each, each
 * sets its own `now`. */
void engine_set_time(struct engine *e, struct mono now, struct wall wall);

/** Return: how many packets were dropped, for any reason; cheap enough for every wake-up. */
uint64_t engine_drops(const struct engine *e);

/** Add up the counters of all lanes. */
void engine_count(const struct engine *e, struct lane_counters *ret);

/** Overwrite copies of secrets that were used last, in the crypto library's memory; the caller has
 * to wipe its own stack. Clears wg.spent. */
void engine_tidy(struct engine *e);

/** Set the offloads that the TAPs and the TUN accept on writes. */
void engine_set_merge(struct engine *e, const struct gso_merge_caps *caps);

/**
 * Add a peer in memory of the caller, which is overwritten. Return: 0, or the errors of
 * wg_device_add_peer().
 */
int engine_add_peer(
	struct engine *e, struct path_peer *peer, const uint8_t public_key[static WG_KEY_LEN]);

/** Remove a peer: its pending packets and fragments are dropped, its secrets are wiped, the caller
 * owns its memory again. */
void engine_remove_peer(struct engine *e, struct path_peer *peer);

/** Limit the rate of all that is sent to peers, in bytes per second on the underlay's link with
 * Ethernet headers; 0: no limit. */
void engine_limit(struct engine *e, uint64_t rate);

/** Limit the rate to one peer, likewise. */
void engine_limit_peer(struct engine *e, struct path_peer *peer, uint64_t rate);

/** Drop the packets that wait for a session with the peer; each is also counted as a drop of the
 * port that it came from. */
void engine_drop_pending(struct engine *e, struct path_peer *peer);

/** Add a session whose l2tp part is initialised and whose tunnel is in the table. Return: 0 or
 * -EEXIST. */
int engine_add_session(struct engine *e, struct path_session *s);

/** Remove a session: drops its frames that wait for a handshake; the caller owns its memory again.
 * Not to be called during a batch. */
void engine_remove_session(struct engine *e, struct path_session *s);

/** The time by which control_timers() has to be called, or MONO_NEVER. */
struct mono engine_deadline(const struct engine *e);

/** As engine_deadline(), of an engine that may not send, and whose control_pump() is not called:
 * what only that would do does not become due. */
struct mono engine_timers_deadline(const struct engine *e);

/** Return: the events since the last call. */
static inline unsigned engine_take_events(struct engine *e)
{
	unsigned events = e->events;

	e->events = 0;
	return events;
}

/** The peer's endpoint, or the route to it, has changed: its path has to be looked up. */
static inline void engine_forget_path(struct engine *e, struct path_peer *peer)
{
	peer->path_unknown = true;
	e->events |= ENGINE_PATH_UNKNOWN;
}
