/* SPDX-License-Identifier: MIT */
/* The work of one wake-up: send trains and write superframes until none are left. */
#pragma once

#include "driver/driver_state.h"

/** Read the clock for the engine, once per wake-up. */
void batch_begin(struct driver *d);

/** Send the pending trains, to make room for others. */
void batch_flush(struct driver *d);

/** Perform all actions that the engine has queued, and send what remains. */
void batch_finish(struct driver *d);

/** Pass one buffer of received datagrams to the engine. Writes and sends whenever the queues are
 * full. */
void batch_receive(struct driver *d, const struct udp_received *r);

/** Write the pending superframes; the receive buffers are then free again. */
void batch_write(struct driver *d);
