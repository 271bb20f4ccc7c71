/* SPDX-License-Identifier: MIT */
/* Receive path: datagrams → WireGuard → cryptokey routing → reassembly → L2TPv3 → merge →
 * superframes. */
#ifndef PATH_RX_H
#define PATH_RX_H

#include "path/engine.h"

/** Datagrams as the socket handed them out: `len` bytes of equal ones of `stride` from one source;
 * `at` is what is done. */
struct rx_train {
	uint8_t *data;
	size_t len;
	size_t stride;
	struct endpoint from;
	uint8_t tos;
	size_t at; /* 0 at first */
};

/**
 * Process the datagrams of a train. Their payload is modified, and must stay in place until
 * rx_release(). Return: true when all are done; false: write what rx_next() has, rx_release(), send
 * the trains, and call again.
 */
bool rx_datagrams(struct engine *e, struct rx_train *t);

/** Prefetch the memory that the first datagram of a train will touch. Optional; call it for each
 * of several trains before the first is processed, so that the memory accesses overlap. */
void rx_prefetch(const struct engine *e, const uint8_t *data, size_t len);

/** Report to the peers what was received since the last call: at the end of each batch. */
void rx_account(struct engine *e);

/** The next superframe to be written, and to which port. Return: false when there is none left. */
bool rx_next(struct engine *e, struct gso_superframe *ret, struct path_port **ret_port);

/** All superframes of the batch have been written: their memory may be used again. */
void rx_release(struct engine *e);

#endif
