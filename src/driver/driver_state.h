/* SPDX-License-Identifier: MIT */
/* The driver's state: its descriptors, and the engine's peers, tunnels and sessions. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "conf/value.h"
#include "driver/ahead.h"
#include "driver/trace_log.h"
#include "loop/loop.h"
#include "path/engine.h"
#include "path/tx.h"
#include "tap/tap.h"
#include "udp/udp.h"

struct driver;
struct driver_capture;

/**
 * Most bytes read from one descriptor before the other descriptors are served: what takes a few
 * tenths of a millisecond. More would let a ping from the other side wait for it.
 */
#define DRIVER_BURST (128 << 10)

/** Memory added to the engine after its start; the engine uses it until it is closed. */
struct driver_block {
	struct driver_block *next;
	size_t len; /* of `memory` */
	_Alignas(max_align_t) uint8_t memory[];
};

/**
 * Callbacks from the driver to the routing and DNS side (the underlay); backend/ connects both.
 * They are called in the event loop's thread and do not block, except for the kernel's answer to a
 * route query.
 */
struct driver_underlay {
	/** Sockets were opened, or have another port or firewall mark: routes may differ. */
	void (*sockets_changed)(void *ctx);

	/** Trains are about to be sent: correct their source addresses, and remove trains that must
	 * not be sent. */
	void (*check_trains)(void *ctx, struct train_queue *q);

	/** One of our own datagrams returned through one of our own ports. */
	void (*found_own)(void *ctx, const struct path_port *port, const struct own_datagram *own);

	/**
	 * Set a peer's endpoint to a host name; existing sessions go on. `moves`: move the peer to
	 * the name's address even if it has a session with another address. Return: 0 or -errno.
	 */
	int (*set_name)(
		void *ctx, struct path_peer *peer, const char *host, uint16_t port, bool moves);

	/** A peer has no host name (any more), or is about to be removed; its endpoint stays. */
	void (*forget_name)(void *ctx, struct path_peer *peer);

	/** Names are due to be resolved: see engine.policy_due. */
	void (*work)(void *ctx);

	void *ctx;
};

/**
 * Who opens the UDP sockets, in place of the driver itself: a process that is not allowed to. Each
 * returns 0 or -errno.
 */
struct driver_opener {
	/** As udp_open(). */
	int (*open)(void *ctx, uint16_t port, uint32_t fwmark, struct udp *ret);

	/** Whether the port (0: any) can be opened now. */
	int (*try)(void *ctx, uint16_t port, uint32_t fwmark);

	/** As udp_set_fwmark(), for the sockets opened last. */
	int (*mark)(void *ctx, uint32_t fwmark);

	void *ctx;
};

/** Enabled offloads and the AEAD provider; see driver_options_from(). */
struct driver_options {
	struct tap_offloads tap;
	struct udp_offloads udp;
	const char *aead; /* NULL: the fastest */
};

/** One TAP or TUN with its watch in the event loop. */
struct driver_port {
	struct driver *d;
	struct path_port *path;
	struct tap tap;
	struct loop_watch watch;
	bool watched;
};

/** An open TAP or TUN that waits for its use: see ports_offer(). */
struct offered_port {
	struct tap tap;
	struct list link;
};

/** A peer in the engine. */
struct driver_peer {
	struct path_peer path;
	struct endpoint configured; /* from the configuration; the peer may have roamed */
	char name[CONF_PEER_NAME];  /* from the configuration; "": none */
	struct list link;
};

/** A tunnel in the engine. */
struct driver_tunnel {
	struct l2tp_tunnel l2tp;
	struct list link;
};

/** A session in the engine, with its TAP. */
struct driver_session {
	struct path_session path;
	struct driver_port io;
	struct driver_tunnel *tunnel;
	char name[IFNAMSIZ];
	const struct driver_capture *captured_by; /* that has an interface for it; or NULL */
	uint32_t capture_interface;		  /* its number there */
	struct list link;
};

/** Counters of the driver. */
struct driver_stats {
	uint64_t syscalls;
	uint64_t batches_tx;
	uint64_t batches_rx;
	uint64_t trains_tx;
	uint64_t trains_rx;
};

/** Watches of a pair of sockets; callback NULL: none. */
struct socket_watches {
	struct loop_watch udp4;
	struct loop_watch udp6;
};

/** A requested port that could not be opened yet: see listen.h. Zeroed: none. */
struct listen {
	uint16_t port;	 /* 0: any */
	uint32_t fwmark; /* requested with the port */
	int error;	 /* -errno of the last attempt; 0: none is pending */
	uint64_t wait_ns;
	struct mono due; /* when to try next */
	bool any;	 /* `udp.port` was chosen by the kernel: any other port is acceptable */
};

/** The engine with its descriptors. Created by driver_open(). */
struct driver {
	struct engine engine;
	struct loop *loop;
	struct driver_options options;
	const struct driver_opener *opener; /* NULL: the driver opens its sockets itself */
	struct list offered;		    /* TAPs and TUNs to be used instead of new ones */
	struct udp offered_udp;		    /* likewise; closed: none */
	struct driver_port tun;
	uint32_t tun_ifindex; /* in the sockets' namespace; 0: the interface is not there */
	struct list peers;
	struct driver_underlay underlay;
	struct list tunnels;
	struct list sessions;
	struct udp udp;
	struct udp retired;		  /* replaced: only received from; closed: none */
	struct mono retired_until;	  /* when to close them; not set: none */
	struct socket_watches watches[2]; /* those of `udp`, and of `retired` */
	unsigned watching;		  /* index of the pair of `udp` */
	bool wanted;			  /* should run, although the port may be in use */
	struct listen listen;
	bool running; /* sockets are open and watched */
	uint32_t fwmark;
	enum udp_df df;
	void *memory; /* the engine's memory */
	size_t memory_len;
	void *grown; /* the WireGuard device's tables, after they outgrew `memory` */
	size_t grown_len;
	struct driver_block *blocks; /* pools that peers share, newest first */
	struct ahead ahead;	     /* superframes read from the TAPs */
	uint8_t *frames;	     /* their memory */
	bool served;		     /* a port had its turn: see ports_work() */
	struct tx_job job;	     /* the one that is processed */
	struct tx_job waited;	     /* a frame that leaves the engine's queue */
	uint64_t unsent;	     /* by the sockets at the last look: see batch_flush() */
	bool looked;		     /* since datagrams were sent last */
	uint8_t *buffers;	     /* UDP_RECV_MAX × UDP_RECV_STRIDE bytes */
	struct driver_stats stats;
	struct trace_log trace_log;
	struct driver_capture *capture; /* NULL: none is in progress */
};

#define DRIVER_LINE 64 /* bytes of a cache line */

/** Return: zeroed memory that begins with a cache line, for structs whose parts lie on lines; to be
 * released with free(); NULL without memory. */
static inline void *driver_alloc_lines(size_t size)
{
	size_t whole = (size + DRIVER_LINE - 1) / DRIVER_LINE * DRIVER_LINE;
	void *memory = aligned_alloc(DRIVER_LINE, whole);

	return memory ? memset(memory, 0, whole) : NULL;
}

/** Initial capacities of a userspace engine; they grow as items are added. */
struct driver_sizes {
	size_t peers;
	size_t allowed_ips;
	size_t packet_max; /* longest inner packet in bytes */
};
