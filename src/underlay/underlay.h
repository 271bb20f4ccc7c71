/* SPDX-License-Identifier: MIT */
/* The underlay's state: the routes to the engine's peers, and the parts of the engine it needs. */
#pragma once

#include <stdint.h>

#include "loop/loop.h"
#include "path/engine.h"
#include "udp/udp.h"

struct dns_endpoints;
struct sticky_sources;

/**
 * The underlay of one engine. The pointers of the first block are set before any other call, and
 * the owner keeps what they point to: it is read whenever needed, so that it is never out of date
 * here. The second block is zeroed at first and is private to the files of this folder.
 */
struct underlay {
	struct engine *engine;
	struct loop *loop;
	const struct udp *udp;	     /* both descriptors -1: the sockets are closed */
	const uint32_t *fwmark;	     /* firewall mark of the sockets */
	const char *tun_name;	     /* the tunnel's interface, for messages */
	const uint32_t *tun_ifindex; /* in the sockets' namespace; 0: the interface is not there */
	void (*work)(void *ctx);     /* makes the engine do all due work, and send */
	void *ctx;		     /* argument of `work` */
	int resolver_fd;	     /* connected to a process that resolves names; 0: threads do */

	struct dns_endpoints *names;	/* NULL until a peer has a host name; see dns_endpoint.h */
	struct sticky_sources *sources; /* cached routes to the peers; see sticky_source.h */
};
