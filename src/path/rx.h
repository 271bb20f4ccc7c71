/* SPDX-License-Identifier: MIT */
/* The way in: datagrams → WireGuard → cryptokey routing → reassembly → L2TPv3 → merge →
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
 * Judge the datagrams of a train. What they carry is changed and kept in place until rx_release().
 * Return: true when all are done; false: write what rx_next() has, rx_release(), send the trains,
 * and call again.
 */
bool rx_datagrams(struct engine *e, struct rx_train *t);

/** A train is about to come, one of several: have the processor fetch what its first datagram will
 * touch. Optional, and for all of them before the first is judged, so that the memory's answers
 * overlap. */
void rx_prefetch(const struct engine *e, const uint8_t *data, size_t len);

/** Tell the peers what has been received since: at the end of each batch. */
void rx_account(struct engine *e);

/** The next superframe to be written, and to which port. Return: false when there is none left. */
bool rx_next(struct engine *e, struct gso_superframe *ret, struct path_port **ret_port);

/** All superframes of the batch have been written: their memory may be used again. */
void rx_release(struct engine *e);

#endif
