/* SPDX-License-Identifier: MIT */
/* Capture what passes the driver: datagrams, the packets in them, and the frames in those. */
#pragma once

#include "base/must_check.h"
#include "driver/driver_state.h"

/*
 * Theory of operation
 *
 * A capture is taken where datagrams leave and enter: the driver calls it for each queue of trains
 * that it is about to send and for each train that it has received. So the engine has no code for
 * it, and without a capture the cost is a test of a pointer for each of these. Each datagram is
 * decrypted in a copy, with the keys of its session, whose receiver index and counter are in its
 * header: they tie the packet inside, and the frame inside that, to the datagram. Fragments inside
 * the tunnel are put together by a reassembler of the capture's own, one for each direction.
 *
 * The blocks wait in a ring until the client's socket takes them, which is tried in each turn of
 * the event loop. Sending never blocks. The capture ends when the client shuts down its side of the
 * connection: then it still gets what is in the ring, and the counters. If the client closes the
 * connection instead, the capture is over at once.
 *
 * It does not see frames that the engine drops before they are sealed, and it shows datagrams that
 * the kernel refuses to send. Datagrams received twice are shown, but not their contents.
 */

/** Start a capture to `fd`, a connected Unix socket, which is the driver's afterwards, on failure,
 * too. Nothing is sent before driver_capture_release(). `comment`: for the file; `snap`: bytes
 * captured of a packet at most. Return: 0; -EBUSY if a capture is in progress; -ENOMEM; or -errno
 * of the event loop. */
MUST_CHECK int driver_capture_start(
	struct driver *d, int fd, uint32_t snap, const char *application, const char *comment);

/** Begin to send the capture, if there is one: the client has its reply. */
void driver_capture_release(struct driver *d);

/** End the capture, if there is one, and discard what was not read. */
void driver_capture_close(struct driver *d);

/** Capture the trains that are about to be sent, except those that were captured before. */
void driver_capture_sent(struct driver *d, struct train_queue *q);

/** Capture the datagrams of a train before they are opened. */
void driver_capture_received(struct driver *d, const struct udp_received *r);

/** Send what waits for the client, as far as its socket takes it: once in each turn of the event
 * loop. */
void driver_capture_drain(struct driver *d);
