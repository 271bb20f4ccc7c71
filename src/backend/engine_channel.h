/* SPDX-License-Identifier: MIT */
/* A socket between the monitor and the engine's process: sends and receives whole messages. */
#pragma once

#include "backend/engine_message.h"
#include "base/mono.h"

/** A message to be sent, or received. */
struct engine_message {
	struct engine_head head; /* len, offset and fds are set when it is sent */
	const void *body; /* `head.len` bytes; NULL: none. A received one is followed by a NUL
				  * and valid until the next call */
	const int *fds;	  /* `head.fds` descriptors; those of a received message belong to the
				  * receiver */
};

/** One end. Zeroed with `fd` -1, it is closed. */
struct engine_channel {
	int fd;
	enum engine_sender peer; /* whose messages arrive here */
	bool takes_fds;		 /* descriptors may arrive; else a message with some is refused */
	struct engine_head head; /* of the message that is being received */
	bool receiving;		 /* some packets of it have arrived */
	struct mono begun;	 /* when the first of them has */
	uint8_t *body;		 /* allocated; `head.len` bytes and a NUL */
	int *fds;		 /* allocated; `n_fds` descriptors */
	size_t n_fds;
	uint8_t packet[ENGINE_PACKET_MAX];
};

/** Open both ends: `ret_fds[0]` is the monitor's. Return: 0 or -errno. */
MUST_CHECK int engine_channel_pair(int ret_fds[static 2]);

/** Use `fd` to receive messages of `peer`, with descriptors if that is the monitor. */
void engine_channel_open(struct engine_channel *c, int fd, enum engine_sender peer);

/** Close it, with the descriptors of a message that is half received; wipe what it has received. A
 * closed one is allowed. */
void engine_channel_close(struct engine_channel *c);

/**
 * Send a message; `len` is the length of its body and `n_fds` the number of its descriptors. Wait
 * until `until` for room; a time in the past does not wait.
 * Return: 0; -ETIMEDOUT (part of it may be sent); -EPIPE if the other process has ended; or -errno.
 */
MUST_CHECK int engine_channel_send(struct engine_channel *c, const struct engine_message *m,
	size_t len, size_t n_fds, struct mono until);

/**
 * Receive without waiting, and not too many packets at a time. Return: 1 and a message; 0 if there
 * is no whole message yet, or the next call receives the rest; -EPIPE if the other process has
 * ended; -EBADMSG for a message that it must not send, at its first packet, with no descriptor left
 * open; or -errno.
 */
MUST_CHECK int engine_channel_receive(struct engine_channel *c, struct engine_message *ret);

/** Wait until something can be received, or `until`, or until `other_fd` (-1: none) is readable.
 * Return: whether something can be received, or the other process has ended. */
bool engine_channel_wait(const struct engine_channel *c, int other_fd, struct mono until);
