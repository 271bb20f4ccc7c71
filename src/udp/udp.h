/* SPDX-License-Identifier: MIT */
/* UDP sockets on the underlay: send trains of datagrams with UDP_SEGMENT, receive batches with
 * UDP_GRO. */
#pragma once

#include "base/addr.h"
#include "pkt/train.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Offloads to use; each can be disabled, and is off where the kernel lacks it. */
struct udp_offloads {
	bool segment; /* UDP_SEGMENT, since Linux 4.18 */
	bool gro;     /* UDP_GRO, safe since 5.12 */
};

/** How the don't-fragment bit of outgoing IPv4 datagrams is set. */
enum udp_df {
	UDP_DF_CLEAR, /* routers may fragment, as with the kernel's WireGuard */
	UDP_DF_SET,   /* never fragmented; path MTU discovery is up to us (IP_PMTUDISC_PROBE) */
};

/** What udp_send() reports; a set of these. */
enum udp_event {
	UDP_TOO_BIG = 1 << 0,	   /* the kernel refused a datagram because of its size */
	UDP_SOURCE_STALE = 1 << 1, /* udp.stale cannot be reached from its sticky source */
	UDP_FULL = 1 << 2,	   /* a queue below the socket was full, and datagrams are lost */
	UDP_BLOCKED = 1 << 3,	   /* the send buffer is full: some trains are still in the queue */
};

/** One port on the underlay: an IPv4 and an IPv6 socket (fd −1: the family is not available). */
struct udp {
	int fd4;
	int fd6;
	uint16_t port;
	struct udp_offloads offloads; /* in use */
	uint64_t send_calls;
	uint64_t sends; /* messages accepted by the kernel: one datagram, or several to segment */
	uint64_t send_errors;  /* datagrams */
	uint64_t full;	       /* datagrams lost because a queue below the socket was full */
	unsigned events;       /* of the call of udp_send() in progress */
	bool used4;	       /* something was sent on the IPv4 socket, */
	bool used6;	       /* and on the IPv6 socket */
	int blocked_fd;	       /* of the last UDP_BLOCKED: wait until it can be written to */
	struct endpoint stale; /* of the last UDP_SOURCE_STALE */
};

/** Most receive buffers that one call fills. */
#define UDP_RECV_MAX 8

/** Size of each receive buffer: the largest GRO superdatagram. */
#define UDP_RECV_LEN 65536

/** Distance between receive buffers. The slack between them lets small datagrams of several calls
 * stay in place: each call begins at an offset of up to UDP_RECV_SLACK. */
#define UDP_RECV_SLACK	32768
#define UDP_RECV_STRIDE (UDP_RECV_LEN + UDP_RECV_SLACK)

/** One receive result from one source: one datagram, or `len` bytes of datagrams of `stride` bytes
 * each (the last may be shorter). */
struct udp_received {
	uint8_t *data;
	size_t len;
	size_t stride;
	struct endpoint from; /* with `local` filled from PKTINFO */
	uint8_t tos;
};

/**
 * Open both families on `port` (0: the kernel chooses one that is free in both), non-blocking, with
 * `fwmark` (0: none). Return: 0, or -errno (-EADDRINUSE).
 */
int udp_open(uint16_t port, uint32_t fwmark, struct udp_offloads want, struct udp *ret);

/**
 * Take ownership of sockets that are bound to one port, an IPv4 and an IPv6-only one; -1: the
 * family is not available. They get all options of udp_open() but the firewall mark.
 * Return: 0; or -errno with both still the caller's: -EPROTOTYPE (another kind of descriptor),
 * -EADDRNOTAVAIL (no port, or two), -EBADF (none).
 */
int udp_adopt(int fd4, int fd6, struct udp_offloads want, struct udp *ret);

/** Close both sockets. Does nothing if they are closed already. */
void udp_close(struct udp *u);

/** Set or (0) clear the firewall mark of all datagrams sent. Return: 0; or -errno, and the mark is
 * unchanged. */
int udp_set_fwmark(struct udp *u, uint32_t fwmark);

/** Set the don't-fragment mode of datagrams sent from now on. Return: 0 or -errno. */
int udp_set_df(struct udp *u, enum udp_df df);

/**
 * Receive up to UDP_RECV_MAX results from `fd` (one of the two) into `buffers`, each of
 * UDP_RECV_LEN bytes, UDP_RECV_STRIDE apart. Return: number of results (0: none waiting), or
 * -errno.
 */
int udp_receive(
	struct udp *u, int fd, uint8_t *buffers, struct udp_received ret[static UDP_RECV_MAX]);

/** Bytes that both sockets have accepted and not sent yet, in the kernel's accounting: with its
 * structs, and the slack of their memory. */
uint64_t udp_unsent(const struct udp *u);

/**
 * Send all trains of the queue, in order. If the send buffer is full, those that are left stay in
 * the queue, to be sent by another call when the socket can be written to. Datagrams that the
 * kernel refuses after all retries are counted in `send_errors`; those that a full queue below the
 * socket costs in `full`; a train that can only be sent without its sticky source is sent without
 * it; if a route cannot segment, datagrams are sent one by one from then on. Return: what has
 * happened, a set of enum udp_event.
 */
unsigned udp_send(struct udp *u, struct train_queue *q);
