/* SPDX-License-Identifier: MIT */
/* The engine's end of the socket to the process that holds the keys. */
#pragma once

#include "base/mono.h"
#include "wg/key_client.h"

/** It. Must not move. */
struct keys_client {
	struct wg_key_client client; /* `client.service` is for the device */
	int fd;
	struct mono again; /* when requests are made again after one had no answer; never: now */
};

/**
 * Use `fd`, a nonblocking socket of keys_process.h. A request waits for its answer for at most
 * KEYS_PATIENCE; after that all fail for KEYS_PAUSE, so that packets do not wait for a process that
 * has ended.
 */
void keys_client_open(struct keys_client *c, int fd);

/** See keys_client_open(). A handshake takes less than a millisecond; a new process starts in time
 * to answer the request that its predecessor had. */
#define KEYS_PATIENCE (100 * NS_PER_MS)
#define KEYS_PAUSE    NS_PER_S
