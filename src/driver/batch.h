/* SPDX-License-Identifier: MIT */
/* The work of one wake-up: trains sent, superframes written, until nothing is left. */
#ifndef DRIVER_BATCH_H
#define DRIVER_BATCH_H

#include "driver/driver_state.h"

/** Read the clock for the engine, once a wake-up. */
void batch_begin(struct driver *d);

/** Send the trains that there are, and make room for others. */
void batch_flush(struct driver *d);

/** Carry out all actions that the engine has collected, and send what is left. */
void batch_finish(struct driver *d);

/** Hand the engine one buffer of received datagrams; writes and sends whenever there is no room. */
void batch_receive(struct driver *d, const struct udp_received *r);

/** Write what the calls so far have brought: the receive buffers are free again. */
void batch_write(struct driver *d);

#endif
