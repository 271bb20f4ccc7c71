/* SPDX-License-Identifier: MIT */
/* What the driver is made of: its descriptors, the engine's peers, tunnels and sessions. */
#ifndef DRIVER_DRIVER_STATE_H
#define DRIVER_DRIVER_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "driver/listen.h"
#include "loop/loop.h"
#include "path/engine.h"
#include "tap/tap.h"
#include "udp/udp.h"

struct driver;

/** Memory that the engine was given since it began; it stays the engine's. */
struct driver_block {
	struct driver_block *next;
	size_t len; /* of `memory` */
	_Alignas(max_align_t) uint8_t memory[];
};

/**
 * What the driver asks of the side that knows routing and DNS; backend/ joins both. They are
 * called in the loop's thread and never wait, but for the kernel's answer about a route.
 */
struct driver_underlay {
	/** Sockets have been opened, or have another port or firewall mark: routes may be others
	 * now. */
	void (*sockets_changed)(void *ctx);

	/** Trains are about to be sent: correct their source addresses, take out what must not be
	 * sent. */
	void (*check_trains)(void *ctx, struct train_queue *q);

	/** A datagram of ours has come back by one of our own ports: see engine.own. */
	void (*found_own)(void *ctx);

	/**
	 * A peer is found under a host name; what it had already, goes on. `moves`: it is to go
	 * where the name points, even if it has a session elsewhere. Return: 0 or -errno.
	 */
	int (*set_name)(
		void *ctx, struct path_peer *peer, const char *host, uint16_t port, bool moves);

	/** A peer has no name, or no longer, or is about to be removed; its endpoint stays. */
	void (*forget_name)(void *ctx, struct path_peer *peer);

	/** The time has come to ask for names: see engine.policy_due. */
	void (*work)(void *ctx);

	void *ctx;
};

/** What may be used and which AEAD provider; see driver_options_from(). */
struct driver_options {
	struct tap_offloads tap;
	struct udp_offloads udp;
	const char *aead; /* NULL: the fastest */
};

/** One TAP or TUN with its watch. */
struct driver_port {
	struct driver *d;
	struct path_port *path;
	struct tap tap;
	struct loop_watch watch;
	bool watched;
};

/** A peer as the engine has it. */
struct driver_peer {
	struct path_peer path;
	struct endpoint configured; /* as the file has it; the peer may have roamed since */
	struct list link;
};

/** A tunnel as the engine has it. */
struct driver_tunnel {
	struct l2tp_tunnel l2tp;
	struct list link;
};

/** A session as the engine has it, with its TAP. */
struct driver_session {
	struct path_session path;
	struct driver_port io;
	struct driver_tunnel *tunnel;
	char name[IFNAMSIZ];
	struct list link;
};

/** What the driver counts. */
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

/** The engine with its descriptors. Created by driver_open(). */
struct driver {
	struct engine engine;
	struct loop *loop;
	struct driver_options options;
	struct driver_port tun;
	uint32_t tun_ifindex; /* in the namespace of the sockets; 0: it is not there */
	struct list peers;
	struct driver_underlay underlay;
	struct list tunnels;
	struct list sessions;
	struct udp udp;
	struct socket_watches watches[2]; /* those of `udp`, and room for the next */
	unsigned watching;		  /* which are those of `udp` */
	bool wanted;			  /* to run, though perhaps the port was taken */
	struct listen listen;		  /* a port that is pending: see listen.h */
	bool running;			  /* sockets are open and watched */
	struct driver_port *lost;	  /* its interface was deleted under us, or NULL */
	uint32_t fwmark;
	enum udp_df df;
	void *memory; /* the engine's */
	size_t memory_len;
	void *grown; /* the WireGuard device's tables, since they outgrew `memory` */
	size_t grown_len;
	struct driver_block *blocks; /* for what peers share, the latest first */
	uint8_t *frame;		     /* SUPERFRAME_MAX bytes: what is read from a TAP */
	uint8_t *buffers;	     /* UDP_RECV_MAX × UDP_RECV_STRIDE bytes */
	struct driver_stats stats;
};

/** For how much a userspace engine has room at first; it grows with what is added. */
struct driver_sizes {
	size_t peers;
	size_t allowed_ips;
	size_t packet_max; /* longest inner packet in bytes */
};

#endif
