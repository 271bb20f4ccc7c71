/* SPDX-License-Identifier: MIT */
/* Receive path: datagrams → WireGuard → cryptokey routing → reassembly → L2TPv3 → merge →
 * superframes. */
#ifndef PATH_RX_H
#define PATH_RX_H

#include "gso/merge.h"
#include "l2tp/reassembly.h"
#include "path/path_peer.h"
#include "path/port.h"
#include "wg/device.h"

/* Handshake messages that wait for control at most. */
#define RX_MESSAGES_MAX 64

/** A message other than data. */
struct rx_message {
	struct endpoint from;
	size_t len; /* as it came; what is longer than any message is cut to `bytes` */
	_Alignas(8) uint8_t bytes[WG_HANDSHAKE_MAX];
};

/**
 * All that receiving touches: for one thread. Of a peer it writes `received` and `fragments` alone,
 * of a session key the replay window, of tunnels and sessions their receiving half. It reads the
 * tables (peers, keys, allowed IPs, sessions) that control changes while it rests.
 */
struct rx_lane {
	struct mono now;
	const struct wg_device *wg; /* the engine's */
	struct l2tp_table *l2tp;    /* likewise */
	struct path_port *tun;	    /* likewise */
	struct aead_ctx aead;
	struct gso_merge merge;
	struct reassembly reassembly;
	struct list noted; /* peers with a note for control: see notes.h */
	struct rx_message messages[RX_MESSAGES_MAX];
	unsigned n_messages; /* control processes them */
	struct lane_counters counters;
};

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
 * rx_next() returns false. Return: true when all are done; false: write what rx_next() has, call
 * control_pump() (by which messages are processed), and call again.
 */
MUST_CHECK bool rx_datagrams(struct rx_lane *rx, struct rx_train *t);

/** Prefetch the memory that the first datagram of a train will touch. Optional; call it for each
 * of several trains before the first is processed, so that the memory accesses overlap. */
void rx_prefetch(const struct rx_lane *rx, const uint8_t *data, size_t len);

/** The next superframe to be written, and to which port. Return: false when there is none left: the
 * memory of those before may be used again. */
bool rx_next(struct rx_lane *rx, struct gso_superframe *ret, struct path_port **ret_port);

#endif
