/* SPDX-License-Identifier: MIT */
/* The engine: every stage of the data path and the memory they share, put together in one place. */
#ifndef PATH_ENGINE_H
#define PATH_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/mono.h"
#include "base/random.h"
#include "crypto/aead.h"
#include "gso/merge.h"
#include "l2tp/reassembly.h"
#include "l2tp/session.h"
#include "path/emit.h"
#include "path/own.h"
#include "path/path_peer.h"
#include "path/pending.h"
#include "path/port.h"
#include "path/replies.h"
#include "path/stats.h"
#include "path/trace.h"
#include "pkt/drop.h"
#include "wg/device.h"

/*
 * Theory of operation
 *
 * The engine is pure: superframes, datagrams and instants go in; trains of datagrams and
 * superframes to be written come out. The owner of the descriptors (backend/) drives it:
 *
 *   engine_set_time()                       once a wake-up
 *   tx_begin(), tx_continue() …             for each superframe read from a TAP or the TUN
 *   rx_datagrams() …, rx_next() …,          for each batch of datagrams received
 *   rx_release()
 *   control_timers(), control_pump() …      at engine_deadline(), and after each batch
 *
 * and sends the trains in tx.out (heads, then tails) whenever a call reports "no room" and at the
 * end of each batch. Only the files of this folder know in which order the stages are called.
 *
 * Threads: tx.c touches `tx`, `pending`, and of a session its tx part; rx.c touches `rx`,
 * `reassembly` and of a session its rx part; control.c both. Today one thread runs them all.
 */

/** Capacity of an engine; fixed when it is initialised. */
struct engine_sizes {
	struct wg_sizes wg;
	size_t packet_max; /* longest inner packet in bytes, before fragmentation */
};

/** Sending. */
struct tx {
	struct emit out;
	uint8_t *inner; /* room for one inner packet that is to be cut */
};

/** The results of one batch of received datagrams so far. */
struct rx {
	struct gso_merge merge;
	struct wg_keypair *kp; /* whose datagrams are counted below, not yet reported to the peer */
	struct endpoint from;
	uint64_t bytes;
	bool has_data;
};

/** What has happened that the owner of the engine acts on; a set of these. Those about descriptors
 * are the driver's to add. */
enum engine_event {
	ENGINE_MTU_CHANGED = 1 << 0,	/* path_peer.mtu of some peer */
	ENGINE_TRAINS_CHANGED = 1 << 1, /* path_peer.train_max of some peer */
	ENGINE_PATH_UNKNOWN = 1 << 2,	/* of some peer: path_peer.path_unknown */
	ENGINE_TOO_BIG = 1 << 3,	/* the kernel refused a datagram because of its size */
	ENGINE_PORT_LOST = 1 << 4,	/* another process deleted the interface of a port */
};

/** The engine. Memory of the caller's; see engine_init(). */
struct engine {
	struct mono now;
	struct wall wall;
	struct aead_ctx aead;
	struct wg_device wg;
	struct l2tp_table l2tp;
	struct path_port tun;
	struct replies tun_replies; /* limits answers to packets of the TUN that do not fit */
	struct hash_key key;	    /* of what is counted by sender */
	struct list sessions;
	struct list attention;
	struct list followed;
	struct mono follow_due; /* when peer_pmtu_run() has something to do */
	struct mono policy_due; /* when some peer's endpoint policy has something to do */
	unsigned events;	/* set of enum engine_event: see engine_take_events() */
	bool joins;		/* the driver sends a train as one packet (UDP_SEGMENT) */
	struct pending_pool pending;
	struct reassembly reassembly;
	struct tx tx;
	struct rx rx;
	struct own own;
	_Atomic uint32_t fragment_id; /* of the next packet that is fragmented */
	unsigned wg_mtu;	      /* of peers to be added */
	struct drop_counters drops;
	struct engine_stats stats;
	struct trace trace; /* for the debug log; the driver drains it */
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
 * aligned as by malloc(3), and belongs to the engine until engine_fini(). `aead` names one AEAD
 * provider, or is NULL. Return: 0, or -errno of the crypto library (-ENOENT: no provider of that
 * name).
 */
int engine_init(struct engine *e, const struct engine_sizes *sizes, void *memory, struct rng rng,
	const char *aead);

/** Wipe every secret and release the memory. The caller frees the peers and sessions. NULL is
 * allowed. */
void engine_fini(struct engine *e);

/** Set the current time, once per wake-up. */
void engine_set_time(struct engine *e, struct mono now, struct wall wall);

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

/** Drop the packets that wait for a session with the peer; each is also counted as a drop of the
 * port that it came from. */
void engine_drop_staged(struct engine *e, struct path_peer *peer);

/** Add a session whose l2tp part is initialised and whose tunnel is in the table. Return: 0 or
 * -EEXIST. */
int engine_add_session(struct engine *e, struct path_session *s);

/** Remove a session: drops its frames that wait for a handshake; the caller owns its memory again.
 * Not to be called during a batch. */
void engine_remove_session(struct engine *e, struct path_session *s);

/** The largest IP packet that an untagged frame of the session can carry to its peer
 * unfragmented. */
unsigned engine_max_packet(const struct path_session *s, const struct path_peer *peer);

/** The time by which control_timers() has to be called, or MONO_NEVER. */
struct mono engine_deadline(const struct engine *e);

/** Return: the events since the last call. */
static inline unsigned engine_take_events(struct engine *e)
{
	unsigned events = e->events;

	e->events = 0;
	return events;
}

/** The peer's endpoint or the route to it is another: its path is to be looked up. */
static inline void engine_forget_path(struct engine *e, struct path_peer *peer)
{
	peer->path_unknown = true;
	e->events |= ENGINE_PATH_UNKNOWN;
}

#endif
