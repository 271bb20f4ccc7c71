/* SPDX-License-Identifier: MIT */
/* What a monitor asks a guardian to run: the first bytes of an ENGINE_BEGIN. Both are the same
 * program, so numbers have the host's byte order and layout. */
#pragma once

#include <stdint.h>

#include "base/keytext.h"
#include "base/wall.h"
#include "host/unit_socket.h"

/** Kinds of confined processes; the comments give the descriptors, in this order, and what follows
 * the task in the message. */
enum guarded_role {
	GUARDED_ENGINE = 1, /* channel, keys, resolver, then the store, sockets and ports that there
			     * are; the configuration */
	GUARDED_KEYS,	    /* engine, changes, report; an array of struct key_ring_peer */
	GUARDED_RESOLVER,   /* requests, report; nothing */
};

/** The task. */
struct guarded_task {
	uint32_t role;		 /* enum guarded_role */
	uint32_t verbose;	 /* the log has debug messages */
	uint32_t debugged;	 /* see confine_is_debugged() */
	struct namespace_id net; /* of the monitor; the process must have the same */
	struct namespace_id ipc; /* likewise; the process should have another */
	char site[256];		 /* its name */
	char options[256];	 /* WIRESPAN_OPTIONS */
	/* of an engine */
	uint32_t n_ports;
	uint16_t listen_port; /* 0: that of the configuration */
	uint8_t has_store;
	uint8_t has_fd4;
	uint8_t has_fd6;
	uint8_t waits; /* see struct engine_process_config */
	/* of the process that holds the keys */
	uint64_t capacity;	 /* peers for which it has room */
	struct steady_wall time; /* see struct keys_process */
	uint8_t private_key[KEY_LEN];
};
