/* SPDX-License-Identifier: MIT */
/* The route to the engine's peers: what is known of it, and what of the engine that needs. */
#ifndef UNDERLAY_UNDERLAY_H
#define UNDERLAY_UNDERLAY_H

#include <stdint.h>

#include "loop/loop.h"
#include "path/engine.h"
#include "udp/udp.h"

struct dns_endpoints;
struct sticky_sources;

/**
 * The underlay of one engine. The pointers of the first block are set before anything else is
 * called, and what they point to stays the owner's: it is read whenever it is needed, so that it
 * is never out of date here. The second block is zero at first and belongs to the files of this
 * folder.
 */
struct underlay {
	struct engine *engine;
	struct loop *loop;
	const struct udp *udp;	     /* the sockets; both descriptors -1: they are closed */
	const uint32_t *fwmark;	     /* of the sockets */
	const char *tun_name;	     /* the tunnel's interface, for messages */
	const uint32_t *tun_ifindex; /* in the namespace of the sockets; 0: it is not there */
	void (*work)(void *ctx);     /* has the engine do what has become due, and send */
	void *ctx;		     /* of `work` */

	struct dns_endpoints *names;	/* NULL until a peer has one; see dns_endpoint.h */
	struct sticky_sources *sources; /* the routes to them; see sticky_source.h */
};

#endif
