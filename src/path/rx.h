/* SPDX-License-Identifier: MIT */
/* Receive path: datagrams → WireGuard → cryptokey routing → reassembly → L2TPv3 → merge →
 * superframes. */
#pragma once

#include "gso/merge.h"
#include "l2tp/reassembly.h"
#include "path/path_peer.h"
#include "path/port.h"
#include "wg/device.h"

/* Maximum of handshake messages that wait for control. */
#define RX_MESSAGES_MAX 64

/** A message other than data. */
struct rx_message {
	struct endpoint from;
	size_t len; /* as received; if longer than any message, `bytes` has its start */
	_Alignas(8) uint8_t bytes[WG_HANDSHAKE_MAX];
};

/**
 * The data of the receiving lane. For one thread. Of a peer, the lane writes only `received` and
 * `fragments`, of a session key the replay window, of tunnels and sessions the receiving half. It
 * reads the tables (peers, keys, allowed IPs, sessions); control changes these only between batches
 * of the lane: see engine.h.
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

/** Datagrams as received from a socket: `len` bytes from one source, each datagram `stride` bytes
 * except the last; the first `at` bytes are processed. */
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

/** Get the next superframe to write, and its port. Return: false if there is none left: then the
 * memory of all earlier ones may be reused. */
bool rx_next(struct rx_lane *rx, struct gso_superframe *ret, struct path_port **ret_port);
