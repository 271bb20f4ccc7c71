/* SPDX-License-Identifier: MIT */
/* While the send buffer of a socket is full: what the loop waits for. */
#pragma once

#include "driver/driver_state.h"

/** The send buffer of a socket is full: read no port until that socket can be written to. */
void block_begin(struct driver *d);

/** That has ended, or the sockets are about to be closed: read the ports again. The caller sends
 * what is left. */
void block_end(struct driver *d);
