/* SPDX-License-Identifier: MIT */
/* Encode the blocks of a pcapng file: section, interfaces, packets, statistics. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mono.h"
#include "base/must_check.h"

/* Values of LinkType. Source: https://www.tcpdump.org/linktypes.html */
#define PCAPNG_ETHERNET 1
#define PCAPNG_RAW	101 /* IPv4 or IPv6, without link header */

/* Types of blocks. Source: draft-ietf-opsawg-pcapng §4. */
#define PCAPNG_SECTION	  0x0a0d0d0aU
#define PCAPNG_INTERFACE  1U
#define PCAPNG_STATISTICS 5U
#define PCAPNG_PACKET	  6U

/** The option of PCAPNG_STATISTICS with 8 bytes: packets dropped for want of room. */
#define PCAPNG_OPT_DROPPED 5

/** The smallest block: type, length, length. */
#define PCAPNG_BLOCK_MIN 12

/** A block can have this many bytes beside the packet and the texts in it. */
#define PCAPNG_OVERHEAD 128

/** One packet. Two parts, so that a synthetic header needs no copy of what follows it. */
struct pcapng_packet {
	uint32_t interface; /* number of its interface in the section, from 0 */
	struct wall when;
	bool outgoing;
	const uint8_t *head; /* the first `head_len` bytes */
	size_t head_len;
	const uint8_t *rest; /* bytes behind the head that are captured */
	size_t rest_len;
	size_t len; /* of the whole packet, which may be longer */
	const char *comment;
};

/** What an interface has counted. */
struct pcapng_statistics {
	uint32_t interface;
	struct wall when;
	uint64_t received; /* packets seen, also those that were dropped */
	uint64_t dropped;  /* packets that are not in the file, for want of room */
};

/*
 * Each function writes one block to buf[size], in little-endian byte order.
 * Return: its length, a multiple of 4; or 0 if it does not fit.
 * Source: draft-ietf-opsawg-pcapng §4.1, §4.2, §4.3, §4.6.
 */

/** The start of a file. */
MUST_CHECK size_t pcapng_section(
	uint8_t *buf, size_t size, const char *application, const char *comment);

/** An interface, whose times have nanoseconds; `snap`: bytes captured of a packet at most. */
MUST_CHECK size_t pcapng_interface(uint8_t *buf, size_t size, uint16_t link, uint32_t snap,
	const char *name, const char *description);

/** A packet. */
MUST_CHECK size_t pcapng_packet(uint8_t *buf, size_t size, const struct pcapng_packet *p);

/** The counters of an interface. */
MUST_CHECK size_t pcapng_statistics(uint8_t *buf, size_t size, const struct pcapng_statistics *s);
