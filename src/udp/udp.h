/* SPDX-License-Identifier: MIT */
/* UDP sockets on the underlay: trains of datagrams out with UDP_SEGMENT, batches in with
 * UDP_GRO. */
#ifndef UDP_UDP_H
#define UDP_UDP_H

#include "base/addr.h"
#include "pkt/train.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What may be used; each can be switched off, and is off where the kernel lacks it. */
struct udp_offloads {
	bool segment; /* UDP_SEGMENT, since Linux 4.18 */
	bool gro;     /* UDP_GRO, safe since 5.12 */
};

/** How the don't-fragment bit of outgoing IPv4 datagrams is set. */
enum udp_df {
	UDP_DF_CLEAR, /* routers may fragment: what the kernel's WireGuard does */
	UDP_DF_SET,   /* never fragmented; the path MTU is ours to find (IP_PMTUDISC_PROBE) */
};

/** One port on the underlay: an IPv4 and an IPv6 socket (fd −1: that family is not there). */
struct udp {
	int fd4;
	int fd6;
	uint16_t port;
	struct udp_offloads offloads; /* in use */
	uint64_t send_calls;
	uint64_t sends; /* messages that the kernel took: each one datagram, or many to be cut */
	uint64_t send_errors; /* datagrams */
	int last_error;	      /* errno of the last failed send; the reader sets it back to 0 */
	bool source_stale; /* `stale` cannot be reached from its sticky source; the reader sets it
			      back */
	struct endpoint stale;
};

/** Most receive buffers filled by one call. */
#define UDP_RECV_MAX 8

/** Size of each receive buffer: the largest GRO superdatagram. */
#define UDP_RECV_LEN 65536

/** From one receive buffer to the next. What lies between lets small datagrams of several calls
 * stay where they are: each call begins up to so much further on. */
#define UDP_RECV_SLACK	32768
#define UDP_RECV_STRIDE (UDP_RECV_LEN + UDP_RECV_SLACK)

/** One receive result: one datagram, or `len` bytes of equal ones of `stride` (the last maybe
 * shorter) from one source. */
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

/** Close both sockets. Accepts one that is closed. */
void udp_close(struct udp *u);

/** Set or (0) clear the firewall mark of everything sent. Return: 0; or -errno, and it is as it
 * was. */
int udp_set_fwmark(struct udp *u, uint32_t fwmark);

/** Say how the don't-fragment bit is set from now on. Return: 0 or -errno. */
int udp_set_df(struct udp *u, enum udp_df df);

/**
 * Receive up to UDP_RECV_MAX results from `fd` (one of the two) into `buffers`, each of
 * UDP_RECV_LEN bytes, UDP_RECV_STRIDE apart. Return: how many (0: none waiting), or -errno.
 */
int udp_receive(
	struct udp *u, int fd, uint8_t *buffers, struct udp_received ret[static UDP_RECV_MAX]);

/**
 * Send all trains of the queue, in order. What the kernel refuses time and again is counted in
 * `send_errors`; what goes without its sticky source goes without, see `source_stale`; a route that
 * cannot segment gets datagrams one by one from then on.
 */
void udp_send(struct udp *u, struct train_queue *q);

#endif
