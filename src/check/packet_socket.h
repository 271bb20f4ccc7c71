/* SPDX-License-Identifier: MIT */
/* Packet sockets: capture all packets of an interface in both directions, and send frames. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Metadata of a received packet. */
struct packet_socket_meta {
	bool outgoing;
	bool tagged;	   /* a frame of a VLAN; only where frames are captured */
	uint16_t protocol; /* ethertype */
	size_t len;	   /* bytes in the buffer; the packet may have been longer */
};

/** Capture on an interface; `frames`: with Ethernet headers, else from the network layer on.
 * Return: the descriptor, non-blocking, or -errno. */
int packet_socket_open(uint32_t ifindex, bool frames);

/** A raw ICMP (`family` AF_INET) or ICMPv6 (AF_INET6) socket bound to an interface, whose packets
 * are never fragmented. Return: the descriptor, non-blocking, or -errno. */
int packet_socket_open_icmp(uint16_t family, const char *ifname);

/** Receive the next packet. Return: 0, or -errno: -EAGAIN if there is none. */
int packet_socket_receive(int fd, void *buffer, size_t size, struct packet_socket_meta *ret);

/** Send a frame. Return: 0 or -errno: -ENOBUFS or -EAGAIN if the interface is busy. */
int packet_socket_send(int fd, const void *frame, size_t len);

/** The number of packets lost because the queue was full, since the last call. */
unsigned packet_socket_lost(int fd);
